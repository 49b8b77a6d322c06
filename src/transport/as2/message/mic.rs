//! The message integrity check: the digest by which sender and receiver know that they mean the same bytes.
//!
//! Which bytes it covers (RFC 4130, 7.3.1; RFC 5402, 4):
//!
//! | message | bytes |
//! |---|---|
//! | signed, whatever else | what the signature covers, header fields included: compressed, if it was compressed first |
//! | encrypted or compressed, not signed | the documents with their header fields, decrypted and decompressed |
//! | neither | the body alone, since header fields may be altered on their way |

use std::fmt;

use openssl::error::ErrorStack;
use openssl::memcmp;

use crate::transport::as2::cms::Digest;
use crate::transport::as2::mime::{base64, to_base64};

/// A digest and how it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mic {
    /// The digest.
    pub value: Vec<u8>,
    /// How it was made.
    pub digest: Digest,
}

impl Mic {
    /// The one of some bytes.
    ///
    /// # Errors
    /// Where the library refuses the digest.
    pub fn of(bytes: &[u8], digest: Digest) -> Result<Self, ErrorStack> {
        Ok(Self { value: digest.of(bytes)?, digest })
    }
}

impl fmt::Display for Mic {
    /// As a receipt has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = String::from_utf8(to_base64(&self.value)).expect("letters");
        // The longest, of SHA-512, takes two lines.
        write!(f, "{}, {}", value.replace("\r\n", ""), self.digest.name())
    }
}

/// Those of the bytes that were sent, with every digest, since receivers do not always use the one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mics([Mic; 4]);

impl Mics {
    /// Of some bytes.
    ///
    /// # Errors
    /// Where the library refuses a digest.
    pub fn of(bytes: &[u8]) -> Result<Self, ErrorStack> {
        let [sha1, sha256, sha384, sha512] = Digest::ALL.map(|digest| Mic::of(bytes, digest));
        Ok(Self([sha1?, sha256?, sha384?, sha512?]))
    }

    /// The one that was made with a digest.
    #[must_use]
    pub fn get(&self, digest: Digest) -> &Mic {
        &self.0[digest as usize]
    }

    /// As they are kept: `base64, digest`.
    #[must_use]
    pub fn to_texts(&self) -> Vec<String> {
        self.0.iter().map(Mic::to_string).collect()
    }

    /// From the texts in which they were kept; nothing where one is missing.
    #[must_use]
    pub fn of_texts(texts: &[String]) -> Option<Self> {
        let of = |digest: Digest| {
            let mut all = texts.iter().filter_map(|text| read(text));
            let named = |(_, name): &(Vec<u8>, Option<String>)| {
                name.as_deref().and_then(Digest::named) == Some(digest)
            };
            all.find(named).map(|(value, _)| Mic { value, digest })
        };
        let [sha1, sha256, sha384, sha512] = Digest::ALL.map(of);
        Some(Self([sha1?, sha256?, sha384?, sha512?]))
    }

    /// Those which a receipt may mean that does not say how its digest was made: told by their length.
    #[must_use]
    pub fn contains(&self, value: &[u8]) -> bool {
        self.0.iter().any(|mic| mic.value.len() == value.len() && memcmp::eq(&mic.value, value))
    }
}

/// What stands in a receipt: the digest, and the name of how it was made, if there is one.
pub(in crate::transport::as2) fn read(text: &str) -> Option<(Vec<u8>, Option<String>)> {
    let (value, name) = text.split_once(',').unwrap_or((text, ""));
    let value = base64(value.as_bytes()).filter(|value| !value.is_empty())?;
    Some((value, Some(name.trim().to_owned()).filter(|name| !name.is_empty())))
}
