//! Taking a message apart: from the outermost layer to the documents.

use super::{Compression, Document, Failure, Limits, Mic, Modifier, Security};
use crate::transport::as2::cms::{self, Certificate, Digest, Identity, Kind};
use crate::transport::as2::mime::{Entity, Headers, TransferEncoding, canonical};

/// The keys by which a message is opened and verified.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a> {
    /// Ours, to decrypt with.
    pub own: &'a [Identity],
    /// The partner's, to verify with.
    pub partner: &'a [Certificate],
}

/// A message that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its documents, at least one.
    pub documents: Vec<Document>,
    /// What the receipt names.
    pub mic: Mic,
    /// What it was protected by.
    pub security: Security,
    /// Which of the partner's certificates has signed it.
    pub signer: Option<usize>,
    /// Which of ours it was encrypted for.
    pub identity: Option<usize>,
}

/// Opens a message. `micalg` is the digest of the receipt where the message is not signed; a signature has its own.
///
/// # Errors
/// Where it cannot be opened: with what the receipt says of that.
pub fn open(
    headers: &Headers,
    body: &[u8],
    keys: Keys<'_>,
    micalg: Digest,
    limits: &Limits,
) -> Result<Opened, Failure> {
    let mut opening = Opening {
        keys,
        micalg,
        limits,
        security: Security::default(),
        mic: None,
        signer: None,
        identity: None,
    };
    let documents = opening.message(headers, body);
    let security = opening.security;
    let documents = documents.map_err(|failure| Failure { security, ..failure })?;
    let mic = opening.mic.ok_or_else(|| unexpected("a message without a content"))?;
    Ok(Opened { documents, mic, security, signer: opening.signer, identity: opening.identity })
}

/// What is known of a message while its layers are taken off. The order of the layers is fixed, so that there are at
/// most four: encrypted, compressed, signed, compressed.
struct Opening<'a> {
    keys: Keys<'a>,
    micalg: Digest,
    limits: &'a Limits,
    security: Security,
    mic: Option<Mic>,
    signer: Option<usize>,
    identity: Option<usize>,
}

fn unexpected(words: &str) -> Failure {
    Failure::new(Modifier::UnexpectedProcessingError, words)
}

impl Opening<'_> {
    fn message(&mut self, headers: &Headers, body: &[u8]) -> Result<Vec<Document>, Failure> {
        let encoding = TransferEncoding::of(headers)?;
        match content_type(headers).as_str() {
            PKCS7 => self.cms(&encoding.decode(body)?),
            SIGNED => self.signed(&Entity { headers: headers.clone(), whole: body, body }),
            _ => {
                self.mic = Some(Mic::of(body, self.micalg)?);
                self.documents(&Entity { headers: headers.clone(), whole: body, body })
            }
        }
    }

    /// An entity that came out of another layer.
    fn entity(&mut self, bytes: &[u8]) -> Result<Vec<Document>, Failure> {
        let entity = Entity::read(bytes, &self.limits.mime)?;
        match content_type(&entity.headers).as_str() {
            PKCS7 => self.cms(&entity.decoded()?),
            SIGNED => self.signed(&entity),
            _ => {
                if self.mic.is_none() {
                    self.mic = Some(self.mic_of_unsigned(&entity)?);
                }
                self.documents(&entity)
            }
        }
    }

    fn cms(&mut self, message: &[u8]) -> Result<Vec<Document>, Failure> {
        let kind = Kind::of(message);
        let kind = kind.map_err(|e| Failure::of_cms(Modifier::UnexpectedProcessingError, &e))?;
        match kind {
            Kind::Enveloped | Kind::AuthEnveloped => self.encrypted(message),
            Kind::Compressed => self.compressed(message),
            // RFC 4130, 5.2 has signatures beside what they sign.
            Kind::Signed => Err(unexpected("a signature around its content is not supported")),
        }
    }

    fn encrypted(&mut self, message: &[u8]) -> Result<Vec<Document>, Failure> {
        if self.security != Security::default() {
            return Err(unexpected("an encryption that is not the outermost layer"));
        }
        let opened = cms::open(message, self.keys.own)
            .map_err(|error| Failure::of_cms(Modifier::DecryptionFailed, &error))?;
        self.security.encrypted = Some(opened.cipher);
        self.identity = Some(opened.identity);
        // Decrypted with a wrong key, what comes out may by chance have an end that looks right.
        let is_entity = Entity::read(&opened.content, &self.limits.mime)
            .is_ok_and(|entity| entity.headers.get("Content-Type").is_some());
        if !is_entity {
            let words = "what comes out of the decryption is no MIME entity";
            return Err(Failure::new(Modifier::DecryptionFailed, words));
        }
        self.entity(&opened.content)
    }

    fn compressed(&mut self, message: &[u8]) -> Result<Vec<Document>, Failure> {
        if self.security.compressed.is_some() {
            return Err(unexpected("compressed twice"));
        }
        let content = cms::decompress(message, self.limits.content_bytes)
            .map_err(|error| Failure::of_cms(Modifier::DecompressionFailed, &error))?;
        self.security.compressed = Some(match self.security.signed {
            Some(_) => Compression::BeforeSigning,
            None => Compression::AfterSigning,
        });
        let documents = self.entity(&content)?;
        if self.security.signed.is_none() {
            self.security.compressed = Some(Compression::BeforeSigning);
        }
        Ok(documents)
    }

    fn signed(&mut self, entity: &Entity<'_>) -> Result<Vec<Document>, Failure> {
        if self.security.signed.is_some() {
            return Err(unexpected("signed twice"));
        }
        let signed = SignedParts::read(entity, self.limits)?;
        let (verified, bytes) = signed.verify(self.keys.partner)?;
        self.security.signed = Some(verified.digest);
        self.signer = Some(verified.certificate);
        self.mic = Some(Mic { value: verified.content_digest, digest: verified.digest });
        self.entity(&bytes)
    }

    /// Header fields have canonical lines before they are counted (RFC 4130, 7.3.1), and so has text. What is binary
    /// stays as it is.
    fn mic_of_unsigned(&self, entity: &Entity<'_>) -> Result<Mic, Failure> {
        let head = canonical(entity.head());
        let is_text = TransferEncoding::of(&entity.headers)? == TransferEncoding::Text;
        let body = if head.is_some() && is_text { canonical(entity.body) } else { None };
        Ok(match (head, body) {
            (None, None) => Mic::of(entity.whole, self.micalg)?,
            (head, body) => {
                let head = head.as_deref().unwrap_or(entity.head());
                Mic::of(&[head, body.as_deref().unwrap_or(entity.body)].concat(), self.micalg)?
            }
        })
    }

    fn documents(&self, entity: &Entity<'_>) -> Result<Vec<Document>, Failure> {
        let kind = content_type(&entity.headers);
        if kind != "multipart/related" && kind != "multipart/mixed" {
            return Ok(vec![document(entity)?]);
        }
        let parts = entity.parts(&self.limits.mime)?;
        if !parts.closed && self.security.signed.is_none() {
            return Err(unexpected("the closing boundary is missing: it may have been cut short"));
        }
        let read = |part: &&[u8]| document(&Entity::read(part, &self.limits.mime)?);
        parts.parts.iter().map(read).collect()
    }
}

/// The types of the layers.
const PKCS7: &str = "application/pkcs7-mime";
const SIGNED: &str = "multipart/signed";

/// The type of an entity, without the `x-` of old programs.
fn content_type(headers: &Headers) -> String {
    let value = headers.parameterized("Content-Type").value;
    value.replace("application/x-pkcs7-", "application/pkcs7-")
}

fn document(entity: &Entity<'_>) -> Result<Document, Failure> {
    let disposition = entity.headers.parameterized("Content-Disposition").parameter("filename");
    let named = || entity.headers.parameterized("Content-Type").parameter("name");
    Ok(Document {
        content: entity.decoded()?.into_owned(),
        content_type: entity.headers.get("Content-Type").unwrap_or_default().to_owned(),
        filename: disposition.or_else(named).filter(|name| !name.is_empty()),
    })
}

/// The two parts of a multipart/signed (RFC 1847).
pub(in crate::transport::as2) struct SignedParts<'a> {
    pub content: &'a [u8],
    signature: Vec<u8>,
}

impl<'a> SignedParts<'a> {
    pub(in crate::transport::as2) fn read(
        entity: &Entity<'a>,
        limits: &Limits,
    ) -> Result<Self, Failure> {
        let parts = entity.parts(&limits.mime)?.parts;
        let [content, signature] = parts[..] else {
            return Err(unexpected("a signed message has two parts"));
        };
        let signature = Entity::read(signature, &limits.mime)?;
        if content_type(&signature.headers) != "application/pkcs7-signature" {
            return Err(unexpected("the second part of a signed message is its signature"));
        }
        Ok(Self { content, signature: signature.decoded()?.into_owned() })
    }

    /// Verifies the signature: over the bytes as they came; and, where lines end in LF, as they were before some
    /// program on their way has changed that. Gives the bytes that it covers.
    pub(in crate::transport::as2) fn verify(
        &self,
        certificates: &[Certificate],
    ) -> Result<(cms::Verified, std::borrow::Cow<'a, [u8]>), Failure> {
        let verify = |bytes: &[u8]| cms::verify(&self.signature, bytes, certificates);
        let failed = |error: &cms::Error| Failure::of_cms(Modifier::AuthenticationFailed, error);
        match verify(self.content) {
            Ok(verified) => Ok((verified, self.content.into())),
            Err(error @ cms::Error::Altered) => {
                let canonical = canonical(self.content).ok_or_else(|| failed(&error))?;
                let verified = verify(&canonical).map_err(|error| failed(&error))?;
                Ok((verified, canonical.into()))
            }
            Err(error) => Err(failed(&error)),
        }
    }
}
