//! Verifying detached signatures against the certificates of a partner.

use openssl::memcmp;
use openssl::pkey::Id;
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Verifier};

use super::algorithm::{read, unsupported};
use super::ber::{INTEGER, OBJECT_IDENTIFIER, SEQUENCE, SET, Value, context};
use super::identity::Named;
use super::sign::{CONTENT_TYPE, MESSAGE_DIGEST, RSA};
use super::{Certificate, DATA, Digest, Error, Kind, content_info};

/// RSASSA-PSS (RFC 4056).
const PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
/// A key on a curve, which some name instead of the signature.
const EC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// One is usual; two where a partner is changing its certificate.
const SIGNERS_MAX: usize = 8;

/// A signature that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Which of the certificates made it.
    pub certificate: usize,
    /// The digest that was used.
    pub digest: Digest,
    /// The digest of the content: at once the MIC of a signed message.
    pub content_digest: Vec<u8>,
}

/// Verifies a detached signature of a content by one of the certificates. Their validity in time is not judged here.
///
/// # Errors
/// [`Error::Altered`] where the content is not the signed one, [`Error::UnknownSigner`] where no certificate fits, or
/// where the signature cannot be read.
pub fn verify(
    signature: &[u8],
    content: &[u8],
    certificates: &[Certificate],
) -> Result<Verified, Error> {
    let (Kind::Signed, data) = content_info(signature)? else {
        return Err(Error::Malformed("no signature"));
    };
    let mut reader = data.reader()?;
    reader.expect(INTEGER)?;
    reader.expect(SET)?;
    reader.expect(SEQUENCE)?;
    reader.optional(context(0))?;
    reader.optional(context(1))?;
    let mut infos = reader.expect(SET)?.reader()?;
    let mut worst = Error::Malformed("a signature without signers");
    for _ in 0..SIGNERS_MAX {
        let Some(info) = infos.next()? else { break };
        match verify_one(info, content, certificates) {
            Ok(verified) => return Ok(verified),
            Err(error) => worst = error,
        }
    }
    Err(worst)
}

fn verify_one(
    info: Value<'_>,
    content: &[u8],
    certificates: &[Certificate],
) -> Result<Verified, Error> {
    let mut reader = info.reader()?;
    reader.expect(INTEGER)?;
    let named = Named::read(reader.next()?.ok_or(Error::Malformed("a signer without a name"))?)?;
    let digest = Digest::read(reader.expect(SEQUENCE)?)?;
    let attributes = reader.optional(context(0))?;
    let (algorithm, _) = read(reader.expect(SEQUENCE)?)?;
    let pss = algorithm == PSS;
    if !(pss || [RSA, EC_KEY].contains(&algorithm) || digest.signs(algorithm)) {
        return Err(unsupported("signature", algorithm));
    }
    let signature = reader.expect_octets()?.octets()?;

    let content_digest = digest.of(content)?;
    let signed = attributes.map(|attributes| attributes.to_der(SET)).transpose()?;
    if let Some(attributes) = attributes {
        check_attributes(attributes, &content_digest)?;
    }
    // The one that is named first; but what counts is the key.
    let (first, rest): (Vec<_>, Vec<_>) =
        certificates.iter().enumerate().partition(|(_, certificate)| certificate.is(&named));
    let is_named = !first.is_empty();
    for (number, certificate) in first.into_iter().chain(rest) {
        let bytes = signed.as_deref().unwrap_or(content);
        if is_signature(certificate, digest, pss, &signature, bytes) {
            return Ok(Verified { certificate: number, digest, content_digest });
        }
    }
    // With attributes the content is known to be the right one: then it is the signature that is not.
    let is_content_known = signed.is_some();
    Err(if is_named && !is_content_known {
        Error::Altered
    } else {
        Error::UnknownSigner(named.to_string())
    })
}

/// Whether the attributes are of this content (RFC 5652, 5.6).
fn check_attributes(attributes: Value<'_>, content_digest: &[u8]) -> Result<(), Error> {
    let mut reader = attributes.reader()?;
    let (mut is_data, mut same) = (None, None);
    while let Some(attribute) = reader.next()? {
        let mut attribute = attribute.reader()?;
        let oid = attribute.expect(OBJECT_IDENTIFIER)?.content;
        let mut values = attribute.expect(SET)?.reader()?;
        match oid {
            CONTENT_TYPE if is_data.is_none() => {
                is_data = Some(values.expect(OBJECT_IDENTIFIER)?.content == DATA);
            }
            MESSAGE_DIGEST if same.is_none() => {
                let signed = values.next()?.ok_or(Error::Malformed("no digest"))?.octets()?;
                let is_same = signed.len() == content_digest.len();
                same = Some(is_same && memcmp::eq(&signed, content_digest));
            }
            CONTENT_TYPE | MESSAGE_DIGEST => return Err(Error::Malformed("an attribute twice")),
            _ => {}
        }
    }
    match (is_data, same) {
        (Some(true), Some(true)) => Ok(()),
        (_, Some(false)) => Err(Error::Altered),
        _ => Err(Error::Malformed("attributes that do not say what is signed")),
    }
}

/// Whether the signature is by the certificate's key. What the library cannot even try is none.
fn is_signature(
    certificate: &Certificate,
    digest: Digest,
    pss: bool,
    signature: &[u8],
    bytes: &[u8],
) -> bool {
    let check = || {
        let key = certificate.key();
        let mut verifier = Verifier::new(digest.implementation(), key)?;
        if pss && key.id() == Id::RSA {
            verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
            // Whatever length the salt has.
            verifier.set_rsa_pss_saltlen(RsaPssSaltlen::MAXIMUM_LENGTH)?;
        }
        verifier.update(bytes)?;
        verifier.verify(signature)
    };
    check().unwrap_or(false)
}
