//! MIME as AS2 needs it: header fields, bodies in their transfer encodings, multiparts.
//!
//! An entity is a view of bytes that stay as they came: what a signature or a MIC covers is a range of them, never
//! something that was written anew. It knows nothing of what the bodies hold. Everything that can be repeated has a
//! bound ([`Limits`]).

mod encoding;
mod field;
mod multipart;
mod write;

pub use encoding::TransferEncoding;
pub(super) use encoding::{base64, to_base64};
pub use field::{Headers, Parameterized};
pub(super) use field::{quoted, unquoted};
pub use multipart::Parts;
pub use write::{Part, multipart};

/// What is not taken of an entity. None of it repairs itself when the same bytes are read again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The header fields are longer than the limit, or there is no empty line after them.
    #[error("the header does not end within {0} bytes")]
    HeaderTooLong(usize),
    /// More header fields than anyone sends.
    #[error("more than {0} header fields")]
    TooManyFields(usize),
    /// A line of the header that is no field: most often a body without a header.
    #[error("line {0} of the header is no field")]
    NotAField(usize),
    /// A field that decides how the rest is read stands there twice, with two values.
    #[error("{0} is given twice, and differs")]
    Contradiction(&'static str),
    /// A multipart without a boundary that could be looked for.
    #[error("a multipart without a usable boundary")]
    NoBoundary,
    /// The boundary that the header names does not occur.
    #[error("no part begins with the boundary that the header names")]
    NoParts,
    /// More parts than the limit.
    #[error("more than {0} parts")]
    TooManyParts(usize),
    /// A transfer encoding that is not known.
    #[error("the transfer encoding {0:?} is not known")]
    UnknownEncoding(String),
    /// The body is not what its transfer encoding says.
    #[error("the body is no {0}")]
    BadEncoding(&'static str),
}

/// How much is taken.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one header.
    pub header_bytes: usize,
    /// Fields of one header.
    pub fields: usize,
    /// Parts of one multipart.
    pub parts: usize,
}

impl Default for Limits {
    /// HTTP servers take 8 to 64 KB of header; a message with more attachments than 100 has not been met.
    fn default() -> Self {
        Self { header_bytes: 64 * 1024, fields: 200, parts: 100 }
    }
}

/// A header and a body, as they lie in the bytes around them.
#[derive(Debug, Clone)]
pub struct Entity<'a> {
    /// The header fields.
    pub headers: Headers,
    /// Header, empty line and body.
    pub whole: &'a [u8],
    /// What follows the empty line, still in its transfer encoding.
    pub body: &'a [u8],
}

impl<'a> Entity<'a> {
    /// Reads the header; the body is what is left. Lines may end in CRLF or LF.
    ///
    /// # Errors
    /// Where the header is too large or no header.
    pub fn read(whole: &'a [u8], limits: &Limits) -> Result<Self, Error> {
        let (headers, length) = Headers::read(whole, limits)?;
        Ok(Self { headers, whole, body: &whole[length..] })
    }

    /// Header (without its empty line) and body apart.
    #[must_use]
    pub fn head(&self) -> &'a [u8] {
        &self.whole[..self.whole.len() - self.body.len()]
    }
}

/// The bytes with every line ending in CRLF (RFC 4130 calls it canonical), or nothing where they are so already.
#[must_use]
pub fn canonical(bytes: &[u8]) -> Option<Vec<u8>> {
    let bare = |at: usize| at == 0 || bytes[at - 1] != b'\r';
    let count = memchr::memchr_iter(b'\n', bytes).filter(|at| bare(*at)).count();
    if count == 0 {
        return None;
    }
    let mut written = Vec::with_capacity(bytes.len() + count);
    let mut from = 0;
    for at in memchr::memchr_iter(b'\n', bytes).filter(|at| bare(*at)) {
        written.extend_from_slice(&bytes[from..at]);
        written.extend_from_slice(b"\r\n");
        from = at + 1;
    }
    written.extend_from_slice(&bytes[from..]);
    Some(written)
}

#[cfg(test)]
mod tests;
