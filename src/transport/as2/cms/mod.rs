//! CMS (RFC 5652) as AS2 uses it: detached signatures, contents encrypted with or without authentication (RFC 5083),
//! compressed contents (RFC 3274).
//!
//! Digests, ciphers, RSA and certificates are OpenSSL's; the structures around them are read as BER and written as DER
//! here, because the binding neither lets a digest be chosen nor says which algorithms a message came with, and the
//! policy of a partner needs both. A signature counts if it was made with a key of the certificates that are given,
//! and only then: nobody else vouches for anybody, and certificates within a message are not looked at.

mod algorithm;
mod ber;
mod compress;
mod der;
mod identity;
mod open;
mod revocation;
mod seal;
mod self_signed;
mod sign;
mod verify;

use openssl::error::ErrorStack;

pub use algorithm::{Cipher, Digest};
pub use compress::{compress, decompress};
pub use identity::{Certificate, Identity};
pub use open::{Opened, open};
pub use revocation::RevocationList;
pub use seal::{Padding, seal};
pub use sign::sign;
pub use verify::{Verified, verify};

use ber::{OBJECT_IDENTIFIER, Reader, SEQUENCE, Value, context};

/// Why a message cannot be read, or one cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no CMS, or not whole.
    #[error("not well formed: {0}")]
    Malformed(&'static str),
    /// An algorithm or a kind of content that is not known here.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// It is encrypted for other certificates than ours.
    #[error("it is encrypted for none of our certificates, but for {0}")]
    NotForUs(String),
    /// It cannot be decrypted. Why is not told: whoever sent it could learn of the key from that.
    #[error("it cannot be decrypted")]
    Undecryptable,
    /// The content is not the one that was signed.
    #[error("the content is not the one that was signed")]
    Altered,
    /// The signature is by none of the certificates that are given.
    #[error("the signature is by none of the partner's certificates, but says it is by {0}")]
    UnknownSigner(String),
    /// The content is not compressed as it says.
    #[error("it cannot be decompressed")]
    Incompressible,
    /// Decompressed, it is larger than the limit.
    #[error("decompressed it has more than {0} bytes")]
    TooLarge(usize),
    /// A certificate or key of ours that cannot do what it should.
    #[error("{0}")]
    Key(&'static str),
    /// The library failed us.
    #[error("{0}")]
    OpenSsl(#[from] ErrorStack),
}

/// What a message in CMS holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A signature, with or without what it signs.
    Signed,
    /// An encrypted content.
    Enveloped,
    /// An encrypted content that cannot be altered unnoticed.
    AuthEnveloped,
    /// A compressed content.
    Compressed,
}

/// Object identifiers of contents.
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const SIGNED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const ENVELOPED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03];
const COMPRESSED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x09];
const AUTH_ENVELOPED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17];

impl Kind {
    /// The kind that a message says it is. Whatever `smime-type` says, this is what counts.
    ///
    /// # Errors
    /// Where it is no CMS, or of another kind.
    pub fn of(bytes: &[u8]) -> Result<Self, Error> {
        Ok(content_info(bytes)?.0)
    }
}

/// Kind and content of a message.
fn content_info(bytes: &[u8]) -> Result<(Kind, Value<'_>), Error> {
    let mut reader = Reader::new(bytes).expect(SEQUENCE)?.reader()?;
    let oid = reader.expect(OBJECT_IDENTIFIER)?.content;
    let kind = match oid {
        SIGNED => Kind::Signed,
        ENVELOPED => Kind::Enveloped,
        AUTH_ENVELOPED => Kind::AuthEnveloped,
        COMPRESSED => Kind::Compressed,
        _ => return Err(algorithm::unsupported("content", oid)),
    };
    let content = reader.expect(context(0))?.reader()?.expect(SEQUENCE)?;
    Ok((kind, content))
}

#[cfg(test)]
mod tests;
