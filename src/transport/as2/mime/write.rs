//! Writing entities: every line ends in CRLF, bodies stay as they are.

use memchr::memmem;
use openssl::error::ErrorStack;
use openssl::rand::rand_bytes;

use super::field::quoted;

/// A header and a body to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The header fields in their order.
    pub headers: Vec<(&'static str, String)>,
    /// The body, already in the transfer encoding that the header names.
    pub body: Vec<u8>,
}

impl Part {
    /// Header, empty line and body.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.body.len() + 256);
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            // A value never makes a line of its own.
            bytes.extend(value.bytes().map(|b| if b.is_ascii_control() { b' ' } else { b }));
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// A multipart of entities that are written already. `content_type` has the type and its other parameters.
///
/// # Errors
/// Where there are no random numbers to be had.
pub fn multipart(content_type: &str, parts: &[&[u8]]) -> Result<Part, ErrorStack> {
    let mut boundary = random_boundary()?;
    // As good as never; but then the message could not be read.
    while parts.iter().any(|part| memmem::find(part, boundary.as_bytes()).is_some()) {
        boundary = random_boundary()?;
    }
    let length: usize = parts.iter().map(|part| part.len() + boundary.len() + 6).sum();
    let mut body = Vec::with_capacity(length + boundary.len() + 8);
    for part in parts {
        body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        body.extend_from_slice(part);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let content_type = format!("{content_type}; boundary={}", quoted(&boundary));
    Ok(Part { headers: vec![("Content-Type", content_type)], body })
}

/// With `_=`, which no base64 and no quoted-printable has in a row.
fn random_boundary() -> Result<String, ErrorStack> {
    let mut random = [0; 16];
    rand_bytes(&mut random)?;
    Ok(format!("----=_{:032x}", u128::from_ne_bytes(random)))
}
