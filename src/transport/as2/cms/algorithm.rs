//! The algorithms of a message: their names in text, in DER, and in the library.

use std::fmt::Write as _;

use openssl::cipher::{Cipher as Implementation, CipherRef};
use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};

use super::Error;
use super::ber::{OBJECT_IDENTIFIER, SEQUENCE, Value};
use super::der::tlv;

/// NULL, as a parameter.
pub(super) const NULL: &[u8] = &[0x05, 0x00];

/// A message digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Digest {
    /// SHA-1, for partners who have nothing newer.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Digest {
    /// All, the weakest first.
    pub const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];

    /// The one that a `micalg` names, in any of the spellings: `sha-256`, `SHA256`, `sha2-256`, `rsa-sha256`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim().trim_matches('"').to_ascii_lowercase().replace(['-', '_'], "");
        match name.strip_prefix("rsa").unwrap_or(&name) {
            "sha1" => Some(Self::Sha1),
            "sha256" | "sha2256" => Some(Self::Sha256),
            "sha384" | "sha2384" => Some(Self::Sha384),
            "sha512" | "sha2512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// Its name as a `micalg` (RFC 5751, 3.4.3.2; for SHA-1 as RFC 4130 has it).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    /// The digest of some bytes.
    ///
    /// # Errors
    /// Where the library refuses the algorithm.
    pub fn of(self, bytes: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        Ok(hash(self.implementation(), bytes)?.to_vec())
    }

    pub(super) fn implementation(self) -> MessageDigest {
        match self {
            Self::Sha1 => MessageDigest::sha1(),
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }

    /// Object identifiers: of the digest, with RSA, with ECDSA (RFC 5754; RFC 3370 for SHA-1).
    fn identifiers(self) -> [&'static [u8]; 3] {
        match self {
            Self::Sha1 => [
                &[0x2b, 0x0e, 0x03, 0x02, 0x1a],
                &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05],
                &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01],
            ],
            Self::Sha256 => [
                &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01],
                &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b],
                &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
            ],
            Self::Sha384 => [
                &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02],
                &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c],
                &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
            ],
            Self::Sha512 => [
                &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03],
                &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d],
                &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04],
            ],
        }
    }

    pub(super) fn identifier(self) -> Vec<u8> {
        algorithm(self.identifiers()[0], &[])
    }

    pub(super) fn ecdsa_identifier(self) -> Vec<u8> {
        algorithm(self.identifiers()[2], &[])
    }

    pub(super) fn read(value: Value<'_>) -> Result<Self, Error> {
        let (oid, _) = read(value)?;
        let known = Self::ALL.into_iter().find(|digest| digest.identifiers()[0] == oid);
        known.ok_or_else(|| unsupported("digest", oid))
    }

    /// Whether a signature algorithm is this digest with RSA or ECDSA.
    pub(super) fn signs(self, oid: &[u8]) -> bool {
        self.identifiers()[1..].contains(&oid)
    }
}

/// A cipher for contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cipher {
    /// Triple DES with CBC, for partners who have nothing newer.
    TripleDes,
    /// AES with CBC, 128 bits.
    Aes128Cbc,
    /// AES with CBC, 192 bits.
    Aes192Cbc,
    /// AES with CBC, 256 bits.
    Aes256Cbc,
    /// AES with GCM, 128 bits.
    Aes128Gcm,
    /// AES with GCM, 192 bits.
    Aes192Gcm,
    /// AES with GCM, 256 bits.
    Aes256Gcm,
}

impl Cipher {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::TripleDes,
        Self::Aes128Cbc,
        Self::Aes192Cbc,
        Self::Aes256Cbc,
        Self::Aes128Gcm,
        Self::Aes192Gcm,
        Self::Aes256Gcm,
    ];

    /// Its name, as profiles and OpenSSL have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TripleDes => "des-ede3-cbc",
            Self::Aes128Cbc => "aes-128-cbc",
            Self::Aes192Cbc => "aes-192-cbc",
            Self::Aes256Cbc => "aes-256-cbc",
            Self::Aes128Gcm => "aes-128-gcm",
            Self::Aes192Gcm => "aes-192-gcm",
            Self::Aes256Gcm => "aes-256-gcm",
        }
    }

    /// Whether it tells by itself that a content was altered. Such a content is `AuthEnvelopedData`, which older
    /// partners cannot read.
    #[must_use]
    pub fn is_authenticated(self) -> bool {
        matches!(self, Self::Aes128Gcm | Self::Aes192Gcm | Self::Aes256Gcm)
    }

    pub(super) fn implementation(self) -> &'static CipherRef {
        match self {
            Self::TripleDes => Implementation::des_ede3_cbc(),
            Self::Aes128Cbc => Implementation::aes_128_cbc(),
            Self::Aes192Cbc => Implementation::aes_192_cbc(),
            Self::Aes256Cbc => Implementation::aes_256_cbc(),
            Self::Aes128Gcm => Implementation::aes_128_gcm(),
            Self::Aes192Gcm => Implementation::aes_192_gcm(),
            Self::Aes256Gcm => Implementation::aes_256_gcm(),
        }
    }

    /// RFC 3370, RFC 3565, RFC 5084.
    pub(super) fn oid(self) -> &'static [u8] {
        match self {
            Self::TripleDes => &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07],
            Self::Aes128Cbc => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x02],
            Self::Aes192Cbc => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x16],
            Self::Aes256Cbc => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a],
            Self::Aes128Gcm => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x06],
            Self::Aes192Gcm => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x1a],
            Self::Aes256Gcm => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2e],
        }
    }

    pub(super) fn of_oid(oid: &[u8]) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|cipher| cipher.oid() == oid);
        known.ok_or_else(|| unsupported("cipher", oid))
    }
}

/// An algorithm with its parameters.
pub(super) fn algorithm(oid: &[u8], parameters: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, &[&tlv(OBJECT_IDENTIFIER, &[oid]), parameters])
}

/// Object identifier and parameters of an algorithm.
pub(super) fn read(value: Value<'_>) -> Result<(&[u8], Option<Value<'_>>), Error> {
    let mut reader = value.reader()?;
    let oid = reader.expect(OBJECT_IDENTIFIER)?;
    Ok((oid.content, reader.next()?))
}

pub(super) fn unsupported(what: &'static str, oid: &[u8]) -> Error {
    Error::Unsupported(format!("{what} {}", dotted(oid)))
}

/// An object identifier for people.
pub(super) fn dotted(oid: &[u8]) -> String {
    let mut text = String::new();
    let mut number = 0_u64;
    // Those of algorithms have some ten bytes; what is longer is cut.
    for byte in oid.iter().take(32) {
        number = number.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        if text.is_empty() {
            let first = (number / 40).min(2);
            text = format!("{first}.{}", number - 40 * first);
        } else {
            let _ = write!(text, ".{number}");
        }
        number = 0;
    }
    text
}
