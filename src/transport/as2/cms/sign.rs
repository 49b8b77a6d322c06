//! Making detached signatures.

use jiff::Timestamp;
use openssl::pkey::Id;
use openssl::sign::Signer;

use super::algorithm::{NULL, algorithm};
use super::ber::{INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, context};
use super::der::{set_of, tlv};
use super::{DATA, Digest, Error, Identity, SIGNED};

/// Attributes of a signature (RFC 5652, 11).
pub(super) const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
pub(super) const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05];
/// RSA (RFC 3370, 3.2), with the digest named elsewhere.
pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Signs a content, whose digest is given. The signature is `SignedData` without the content, in DER; our certificate is
/// in it, so that it can be verified by whoever keeps it.
///
/// # Errors
/// Where the key cannot sign.
pub fn sign(
    content_digest: &[u8],
    digest: Digest,
    signer: &Identity,
    at: Timestamp,
) -> Result<Vec<u8>, Error> {
    let attributes = vec![
        attribute(CONTENT_TYPE, &tlv(OBJECT_IDENTIFIER, &[DATA])),
        attribute(SIGNING_TIME, &time(at)),
        attribute(MESSAGE_DIGEST, &tlv(OCTET_STRING, &[content_digest])),
    ];
    // What is signed has the tag of a set; what is sent, another one (RFC 5652, 5.4).
    let signed = set_of(SET, attributes.clone());
    let attributes = set_of(context(0), attributes);
    let mut library = Signer::new(digest.implementation(), &signer.key)?;
    library.update(&signed)?;
    let signature = library.sign_to_vec()?;
    let algorithm = match signer.key.id() {
        Id::RSA => algorithm(RSA, NULL),
        _ => digest.ecdsa_identifier(),
    };
    let certificate = &signer.certificate;
    let info = tlv(
        SEQUENCE,
        &[
            &tlv(INTEGER, &[&[1]]),
            &tlv(SEQUENCE, &[&certificate.issuer, &certificate.serial]),
            &digest.identifier(),
            &attributes,
            &algorithm,
            &tlv(OCTET_STRING, &[&signature]),
        ],
    );
    let data = tlv(
        SEQUENCE,
        &[
            &tlv(INTEGER, &[&[1]]),
            &tlv(SET, &[&digest.identifier()]),
            &tlv(SEQUENCE, &[&tlv(OBJECT_IDENTIFIER, &[DATA])]),
            &tlv(context(0), &[&certificate.x509().to_der()?]),
            &tlv(SET, &[&info]),
        ],
    );
    Ok(tlv(SEQUENCE, &[&tlv(OBJECT_IDENTIFIER, &[SIGNED]), &tlv(context(0), &[&data])]))
}

fn attribute(oid: &[u8], value: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, &[&tlv(OBJECT_IDENTIFIER, &[oid]), &tlv(SET, &[value])])
}

/// RFC 5652, 11.3: two digits for the year up to 2049.
fn time(at: Timestamp) -> Vec<u8> {
    let year = at.to_zoned(jiff::tz::TimeZone::UTC).year();
    let (tag, format) = if (1950..2050).contains(&year) {
        (UTC_TIME, "%y%m%d%H%M%SZ")
    } else {
        (GENERALIZED_TIME, "%Y%m%d%H%M%SZ")
    };
    tlv(tag, &[at.strftime(format).to_string().as_bytes()])
}
