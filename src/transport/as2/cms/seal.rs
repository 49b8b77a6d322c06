//! Encrypting a content for certificates.

use openssl::cipher_ctx::CipherCtx;
use openssl::pkey::Id;
use openssl::pkey_ctx::PkeyCtx;
use openssl::rand::rand_bytes;
use openssl::rsa;

use super::algorithm::{NULL, algorithm};
use super::ber::{CONSTRUCTED, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, context};
use super::der::{Layer, nest, tlv};
use super::sign::RSA;
use super::{AUTH_ENVELOPED, Certificate, Cipher, DATA, Digest, ENVELOPED, Error};

/// RSAES-OAEP and its mask (RFC 3560).
pub(super) const OAEP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07];
const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
/// The bytes of a tag of GCM; shorter ones are allowed, and not written.
pub(super) const TAG: u8 = 16;
/// The library counts in 32 bits.
pub(super) const CHUNK: usize = 1 << 20;

/// How the key of a content is encrypted with a certificate's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// As everybody reads it.
    Pkcs1,
    /// With OAEP: stronger, and not read by everybody.
    Oaep(Digest),
}

/// Encrypts a content for the certificates: `EnvelopedData`, or `AuthEnvelopedData` where the cipher authenticates, in
/// DER.
///
/// # Errors
/// Where a certificate's key is not RSA.
pub fn seal(
    content: &[u8],
    cipher: Cipher,
    padding: Padding,
    recipients: &[&Certificate],
) -> Result<Vec<u8>, Error> {
    let implementation = cipher.implementation();
    let mut key = vec![0; implementation.key_length()];
    let mut nonce = vec![0; implementation.iv_length()];
    rand_bytes(&mut key)?;
    rand_bytes(&mut nonce)?;
    let mut context_of_cipher = CipherCtx::new()?;
    context_of_cipher.encrypt_init(Some(implementation), Some(&key), Some(&nonce))?;
    let mut encrypted = Vec::with_capacity(content.len() + 2 * usize::from(TAG));
    for chunk in content.chunks(CHUNK) {
        context_of_cipher.cipher_update_vec(chunk, &mut encrypted)?;
    }
    context_of_cipher.cipher_final_vec(&mut encrypted)?;

    let mut infos = Vec::new();
    for recipient in recipients {
        infos.push(recipient_info(recipient, padding, &key)?);
    }
    let infos: Vec<&[u8]> = infos.iter().map(Vec::as_slice).collect();
    let nonce = tlv(OCTET_STRING, &[&nonce]);
    let (oid, parameters, after) = if cipher.is_authenticated() {
        let mut tag = [0; TAG as usize];
        context_of_cipher.tag(&mut tag)?;
        let parameters = tlv(SEQUENCE, &[&nonce, &tlv(INTEGER, &[&[TAG]])]);
        (AUTH_ENVELOPED, parameters, tlv(OCTET_STRING, &[&tag]))
    } else {
        (ENVELOPED, nonce, Vec::new())
    };
    let layers = [
        Layer::of(SEQUENCE, &[&tlv(OBJECT_IDENTIFIER, &[oid])]),
        Layer::of(context(0), &[]),
        Layer { after, ..Layer::of(SEQUENCE, &[&tlv(INTEGER, &[&[0]]), &tlv(SET, &infos)]) },
        Layer::of(
            SEQUENCE,
            &[&tlv(OBJECT_IDENTIFIER, &[DATA]), &algorithm(cipher.oid(), &parameters)],
        ),
    ];
    Ok(nest(&layers, context(0) & !CONSTRUCTED, &encrypted))
}

/// `KeyTransRecipientInfo` (RFC 5652, 6.2.1).
fn recipient_info(recipient: &Certificate, padding: Padding, key: &[u8]) -> Result<Vec<u8>, Error> {
    if recipient.key().id() != Id::RSA {
        return Err(Error::Key("a certificate to encrypt for has to have an RSA key"));
    }
    let mut library = PkeyCtx::new(recipient.key())?;
    library.encrypt_init()?;
    let algorithm = match padding {
        Padding::Pkcs1 => {
            library.set_rsa_padding(rsa::Padding::PKCS1)?;
            algorithm(RSA, NULL)
        }
        Padding::Oaep(digest) => {
            use_oaep(&mut library, digest, digest)?;
            algorithm(OAEP, &oaep_parameters(digest))
        }
    };
    let mut encrypted = Vec::new();
    library.encrypt_to_vec(key, &mut encrypted)?;
    Ok(tlv(
        SEQUENCE,
        &[
            &tlv(INTEGER, &[&[0]]),
            &tlv(SEQUENCE, &[&recipient.issuer, &recipient.serial]),
            &algorithm,
            &tlv(OCTET_STRING, &[&encrypted]),
        ],
    ))
}

/// `RSAES-OAEP-params`, where they are not SHA-1 throughout.
fn oaep_parameters(digest: Digest) -> Vec<u8> {
    if digest == Digest::Sha1 {
        return tlv(SEQUENCE, &[]);
    }
    let mask = algorithm(MGF1, &digest.identifier());
    tlv(SEQUENCE, &[&tlv(context(0), &[&digest.identifier()]), &tlv(context(1), &[&mask])])
}

/// Sets padding and its digests.
pub(super) fn use_oaep<T>(
    library: &mut PkeyCtx<T>,
    digest: Digest,
    mask: Digest,
) -> Result<(), Error> {
    let md = |digest| match digest {
        Digest::Sha1 => openssl::md::Md::sha1(),
        Digest::Sha256 => openssl::md::Md::sha256(),
        Digest::Sha384 => openssl::md::Md::sha384(),
        Digest::Sha512 => openssl::md::Md::sha512(),
    };
    library.set_rsa_padding(rsa::Padding::PKCS1_OAEP)?;
    library.set_rsa_oaep_md(md(digest))?;
    Ok(library.set_rsa_mgf1_md(md(mask))?)
}
