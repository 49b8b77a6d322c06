//! Messages: documents, signed, encrypted and compressed as two partners have agreed, and the digest by which both
//! know that they mean the same bytes.
//!
//! Nothing here is sent or stored; bytes come in and go out.

mod build;
mod failure;
mod mic;
mod open;
mod receipt;

pub use build::{Encryption, Envelope, Outgoing, Protection, build};
pub(super) use build::{envelope_headers, signed};
pub use failure::{Failure, Modifier};
pub(super) use mic::read as read_mic;
pub use mic::{Mic, Mics};
pub(super) use open::SignedParts;
pub use open::{Keys, Opened, open};
pub use receipt::ReceiptRequest;

use super::cms::{Cipher, Digest};
use super::mime;

/// One document of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its bytes.
    pub content: Vec<u8>,
    /// Its type, with its parameters: `application/edi-x12`.
    pub content_type: String,
    /// The name that the sender gave it: text from outside, never a path to write to.
    pub filename: Option<String>,
}

/// Where a message is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// The documents, before they are signed; or a message that is not signed.
    BeforeSigning,
    /// Documents and signature together.
    AfterSigning,
}

/// What protects a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Security {
    /// The cipher, where it is encrypted.
    pub encrypted: Option<Cipher>,
    /// The digest of the signature, where it is signed.
    pub signed: Option<Digest>,
    /// Where it is compressed.
    pub compressed: Option<Compression>,
}

/// How much of a message is taken.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of each header and multipart.
    pub mime: mime::Limits,
    /// Bytes of a compressed message, once it is decompressed.
    pub content_bytes: usize,
}

impl Default for Limits {
    /// 100 MB, ten times the largest interchange that partners usually allow.
    fn default() -> Self {
        Self { mime: mime::Limits::default(), content_bytes: 100 << 20 }
    }
}

#[cfg(test)]
mod tests;
