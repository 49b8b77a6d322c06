//! The field that says what has become of a message (RFC 4130, 7.4.3 and 7.5).

use std::fmt;

use crate::transport::as2::message::Failure;

/// What has become of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// It is processed.
    Processed,
    /// It is processed, but: `duplicate-document`.
    Warning(String),
    /// It is not processed: `decryption-failed`.
    Error(String),
    /// What was asked for cannot be done: `unsupported format`.
    Failure(String),
    /// Something that nobody should say of a message: taken for not processed.
    Other(String),
}

/// What is said of a message that came before.
pub(super) const DUPLICATE: &str = "duplicate-document";

impl Disposition {
    /// What is said of a message that came before and was processed then.
    #[must_use]
    pub fn duplicate() -> Self {
        Self::Warning(DUPLICATE.to_owned())
    }

    /// Reads the value of the field: `automatic-action/MDN-sent-automatically; processed/error: decryption-failed`.
    #[must_use]
    pub fn read(value: &str) -> Self {
        let kind = value.rsplit(';').next().unwrap_or_default().trim();
        let (kind, words) = kind.split_once(':').unwrap_or((kind, ""));
        let (kind, modifier) = kind.split_once('/').unwrap_or((kind, ""));
        let words = words.trim().to_owned();
        let is = |text: &str, word: &str| text.trim().eq_ignore_ascii_case(word);
        if is(kind, "processed") {
            // A modifier that is given twice counts as the worst of them.
            let modifiers: Vec<&str> = modifier.split(',').collect();
            let any = |word| modifiers.iter().any(|modifier| is(modifier, word));
            if any("error") {
                return Self::Error(words);
            }
            if any("failure") {
                return Self::Failure(words);
            }
            if any("warning") {
                return Self::Warning(words);
            }
            if modifier.trim().is_empty() && words.is_empty() {
                return Self::Processed;
            }
        } else if is(kind, "failed") {
            return Self::Failure(words);
        }
        Self::Other(value.trim().to_owned())
    }
}

impl From<&Failure> for Disposition {
    fn from(failure: &Failure) -> Self {
        Self::Error(failure.modifier.name().to_owned())
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = "automatic-action/MDN-sent-automatically";
        match self {
            Self::Processed => write!(f, "{mode}; processed"),
            Self::Warning(words) => write!(f, "{mode}; processed/warning: {words}"),
            Self::Error(words) => write!(f, "{mode}; processed/error: {words}"),
            Self::Failure(words) => write!(f, "{mode}; failed/failure: {words}"),
            Self::Other(words) => f.write_str(words),
        }
    }
}
