//! Bytes to text for the canonical side, and back.

use std::borrow::Cow;

/// Decodes as UTF-8, else as Latin-1 (ISO 8859-1), which every byte string is. X12 names no encoding; these two
/// are what is met. ASCII borrows.
///
/// ```
/// use crossdock::x12::decode;
/// assert_eq!(decode(b"Caf\xC3\xA9"), "Café");
/// assert_eq!(decode(b"Caf\xE9"), "Café");
/// ```
#[must_use]
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|&b| char::from(b)).collect()),
    }
}

/// How text becomes bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    /// UTF-8, of which ASCII is a part.
    #[default]
    Utf8,
    /// ISO 8859-1. What it lacks cannot be written.
    Latin1,
}
