//! Signed notes (c2sp.org/signed-note) with Ed25519 (RFC 8032): a text that people can read, and who vouches for it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// The type of the signatures, as the specification numbers them.
const ED25519: u8 = 1;
/// What a line with a signature begins with: an em dash and a blank.
const SIGNED: &str = "\u{2014} ";

/// Bytes of Ed25519 keys.
const KEY_BYTES: usize = 32;
const PRIVATE: &str = "PRIVATE+KEY+";

/// A key that signs. Its text is `PRIVATE+KEY+NAME+ID+BASE64`, the form of Go's `sumdb/note`.
pub struct Key {
    name: String,
    signing: SigningKey,
}

/// A key that checks signatures. Its text is `NAME+ID+BASE64` (a vkey).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    name: String,
    verifying: VerifyingKey,
}

impl Key {
    /// A new key, made by chance.
    ///
    /// # Errors
    /// Where the system gives no random numbers.
    pub fn generate(name: &str) -> Result<Self, String> {
        let mut seed = [0; KEY_BYTES];
        getrandom::fill(&mut seed)
            .map_err(|e| format!("the system gives no random numbers: {e}"))?;
        Ok(Self { name: name.to_owned(), signing: SigningKey::from_bytes(&seed) })
    }

    /// The key that checks what this one has signed.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey { name: self.name.clone(), verifying: self.signing.verifying_key() }
    }

    /// Its text, which is a secret.
    #[must_use]
    pub fn secret_text(&self) -> String {
        let public = self.public();
        let seed = encoded(self.signing.as_bytes());
        format!("{PRIVATE}{}+{}+{seed}", self.name, hex(public.id()))
    }

    /// A text (whose lines all have ends) with a signature below it.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let mut signature = self.public().id().to_vec();
        signature.extend_from_slice(&self.signing.sign(text.as_bytes()).to_bytes());
        format!("{text}\n{SIGNED}{} {}\n", self.name, STANDARD.encode(signature))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.public())
    }
}

impl FromStr for Key {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "it is no key of the form PRIVATE+KEY+NAME+ID+BASE64";
        let rest = text.trim().strip_prefix(PRIVATE).ok_or(WRONG)?;
        let (name, id, seed) = parts(rest).ok_or(WRONG)?;
        let key = Self { name: name.to_owned(), signing: SigningKey::from_bytes(&seed) };
        if hex(key.public().id()) == id { Ok(key) } else { Err(WRONG) }
    }
}

impl PublicKey {
    /// Four bytes by which a signature names its key.
    fn id(&self) -> [u8; 4] {
        let mut hasher = Sha256::new();
        hasher.update(&self.name);
        hasher.update([b'\n', ED25519]);
        hasher.update(self.verifying.as_bytes());
        let [a, b, c, d, ..] = <[u8; 32]>::from(hasher.finalize());
        [a, b, c, d]
    }

    /// Whether this key has signed the text in a line with a signature.
    fn has_signed(&self, text: &str, signature: &SignatureLine) -> bool {
        signature.name == self.name
            && signature.id == self.id()
            && self.verifying.verify_strict(text.as_bytes(), &signature.signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, hex(self.id()), encoded(self.verifying.as_bytes()))
    }
}

impl FromStr for PublicKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "it is no public key of the form NAME+ID+BASE64";
        let (name, id, bytes) = parts(text.trim()).ok_or(WRONG)?;
        let verifying = VerifyingKey::from_bytes(&bytes).map_err(|_| WRONG)?;
        let key = Self { name: name.to_owned(), verifying };
        if hex(key.id()) == id { Ok(key) } else { Err(WRONG) }
    }
}

/// A note, its signatures not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<SignatureLine>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct SignatureLine {
    name: String,
    id: [u8; 4],
    signature: Signature,
}

impl Note {
    /// The text, if one of these keys has signed it.
    #[must_use]
    pub fn text_signed_by(&self, keys: &[PublicKey]) -> Option<&str> {
        let known = |line: &SignatureLine| keys.iter().any(|key| key.has_signed(&self.text, line));
        self.signatures.iter().any(known).then_some(self.text.as_str())
    }

    /// The text, whoever has signed it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl FromStr for Note {
    type Err = &'static str;

    fn from_str(note: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "it is no signed note";
        let (text, lines) = note.rsplit_once("\n\n").ok_or(WRONG)?;
        let lines = lines.strip_suffix('\n').ok_or(WRONG)?.split('\n');
        let signatures: Option<Vec<_>> = lines.map(signature_line).collect();
        Ok(Self { text: format!("{text}\n"), signatures: signatures.ok_or(WRONG)? })
    }
}

fn signature_line(line: &str) -> Option<SignatureLine> {
    let (name, base64) = line.strip_prefix(SIGNED)?.split_once(' ')?;
    let bytes = STANDARD.decode(base64).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    let signature = Signature::from_slice(signature).ok()?;
    Some(SignatureLine { name: name.to_owned(), id: *id, signature })
}

fn encoded(key: &[u8; KEY_BYTES]) -> String {
    let mut bytes = vec![ED25519];
    bytes.extend_from_slice(key);
    STANDARD.encode(bytes)
}

/// Name, id and key of `NAME+ID+BASE64`.
fn parts(text: &str) -> Option<(&str, &str, [u8; KEY_BYTES])> {
    let mut parts = text.splitn(3, '+');
    let (name, id, base64) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = STANDARD.decode(base64).ok()?;
    let key = bytes.strip_prefix(&[ED25519])?.try_into().ok()?;
    (!name.is_empty() && !name.contains(char::is_whitespace)).then_some((name, id, key))
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn the_example_of_the_specification_is_understood() {
        let key: PublicKey =
            "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
                .parse()
                .unwrap();
        let note = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
        let read: Note = note.parse().unwrap();
        let keys = [key];
        assert_eq!(read.text_signed_by(&keys), Some("This is an example message.\n"));
        let other: Note = note.replace("example message", "axample message").parse().unwrap();
        assert_eq!(other.text_signed_by(&keys), None);
    }

    #[test]
    fn what_a_key_signs_its_public_key_accepts() {
        let key = Key::generate("crossdock/1").unwrap();
        let again: Key = key.secret_text().parse().unwrap();
        assert_eq!(again.public(), key.public());
        let public: PublicKey = key.public().to_string().parse().unwrap();
        let note: Note = again.sign("one\ntwo\n").parse().unwrap();
        assert_eq!(note.text_signed_by(&[public]), Some("one\ntwo\n"));
        let stranger = Key::generate("crossdock/1").unwrap().public();
        assert_eq!(note.text_signed_by(&[stranger]), None);
        assert!(key.public().to_string().parse::<Key>().is_err());
        assert!(format!("{key:?}").len() < 100 && !format!("{key:?}").contains("PRIVATE"));
    }
}
