//! What the messages of a partner must have.

use super::cms::{Cipher, Digest};
use super::message::{Failure, Modifier, Security};

/// What was agreed with a partner on the security of what it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Messages are signed.
    pub signed: bool,
    /// Messages are encrypted.
    pub encrypted: bool,
    /// SHA-1 and Triple DES will do: only where the partner has nothing newer.
    pub legacy: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { signed: true, encrypted: true, legacy: false }
    }
}

impl Policy {
    /// Whether a message has what was agreed. More than that is welcome.
    ///
    /// # Errors
    /// Where it has not: `insufficient-message-security`, and what is missing.
    pub fn check(&self, security: &Security) -> Result<(), Failure> {
        let Security { encrypted, signed, .. } = *security;
        let missing = if self.encrypted && encrypted.is_none() {
            "it is not encrypted, as was agreed"
        } else if self.signed && signed.is_none() {
            "it is not signed, as was agreed"
        } else if !self.legacy && encrypted == Some(Cipher::TripleDes) {
            "it is encrypted with Triple DES, which was not agreed"
        } else if !self.legacy && signed == Some(Digest::Sha1) {
            "it is signed with SHA-1, which was not agreed"
        } else {
            return Ok(());
        };
        Err(Failure::new(Modifier::InsufficientMessageSecurity, missing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_must_have_what_was_agreed() {
        let security = |encrypted, signed| Security { encrypted, signed, ..Security::default() };
        let (aes, triple) = (Some(Cipher::Aes128Cbc), Some(Cipher::TripleDes));
        let (new, old) = (Some(Digest::Sha256), Some(Digest::Sha1));
        let strict = Policy::default();
        let legacy = Policy { legacy: true, ..strict };
        let none = Policy { signed: false, encrypted: false, legacy: false };
        let cases = [
            (strict, aes, new, true),
            (strict, None, new, false),
            (strict, aes, None, false),
            (strict, triple, new, false),
            (strict, aes, old, false),
            (legacy, triple, old, true),
            (legacy, None, old, false),
            (none, None, None, true),
            (none, aes, new, true),
            // What is not asked for must still be worth something.
            (none, triple, None, false),
        ];
        for (policy, encrypted, signed, good) in cases {
            let result = policy.check(&security(encrypted, signed));
            assert_eq!(result.is_ok(), good, "{policy:?} {encrypted:?} {signed:?}");
            let insufficient =
                |failure: Failure| failure.modifier == Modifier::InsufficientMessageSecurity;
            assert!(result.err().is_none_or(insufficient));
        }
    }
}
