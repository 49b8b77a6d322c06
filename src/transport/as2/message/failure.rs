//! Why a message is not processed, in the words that a receipt has for it.

use super::Security;
use crate::transport::as2::{cms, mime};

/// What a receipt says of a message that was not processed (RFC 4130, 7.5.3; RFC 5402, 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modifier {
    /// The sender is not known, or the signature is not the sender's.
    AuthenticationFailed,
    /// The content was altered.
    IntegrityCheckFailed,
    /// The content could not be decrypted.
    DecryptionFailed,
    /// The content could not be decompressed, or is too large.
    DecompressionFailed,
    /// It lacks a signature or an encryption that was agreed.
    InsufficientMessageSecurity,
    /// Anything else.
    UnexpectedProcessingError,
}

impl Modifier {
    /// The word of the receipt.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AuthenticationFailed => "authentication-failed",
            Self::IntegrityCheckFailed => "integrity-check-failed",
            Self::DecryptionFailed => "decryption-failed",
            Self::DecompressionFailed => "decompression-failed",
            Self::InsufficientMessageSecurity => "insufficient-message-security",
            Self::UnexpectedProcessingError => "unexpected-processing-error",
        }
    }
}

/// A message that is not processed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {words}", modifier.name())]
pub struct Failure {
    /// What the receipt says.
    pub modifier: Modifier,
    /// The same for a person.
    pub words: String,
    /// What was seen of the message's security before it failed.
    pub security: Security,
}

impl Failure {
    /// One in words.
    #[must_use]
    pub fn new(modifier: Modifier, words: impl Into<String>) -> Self {
        Self { modifier, words: words.into(), security: Security::default() }
    }

    /// What fails while a layer is taken off: `modifier`, unless the message itself is no message.
    pub(super) fn of_cms(modifier: Modifier, error: &cms::Error) -> Self {
        let modifier = match error {
            cms::Error::Altered => Modifier::IntegrityCheckFailed,
            cms::Error::OpenSsl(_) | cms::Error::Key(_) => Modifier::UnexpectedProcessingError,
            _ => modifier,
        };
        Self::new(modifier, error.to_string())
    }
}

impl From<mime::Error> for Failure {
    fn from(error: mime::Error) -> Self {
        Self::new(Modifier::UnexpectedProcessingError, error.to_string())
    }
}

impl From<openssl::error::ErrorStack> for Failure {
    fn from(error: openssl::error::ErrorStack) -> Self {
        Self::new(Modifier::UnexpectedProcessingError, error.to_string())
    }
}
