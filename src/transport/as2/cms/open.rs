//! Decrypting a content with keys of ours.

use openssl::cipher_ctx::CipherCtx;
use openssl::pkey_ctx::PkeyCtx;
use openssl::rand::rand_bytes;
use openssl::rsa;

use super::algorithm::{read, unsupported};
use super::ber::{CONSTRUCTED, INTEGER, OBJECT_IDENTIFIER, SEQUENCE, SET, Value, context};
use super::identity::Named;
use super::seal::{CHUNK, OAEP, TAG, use_oaep};
use super::sign::RSA;
use super::{Cipher, Digest, Error, Identity, Kind, content_info};

/// A message for more certificates than this has not been met.
const RECIPIENTS_MAX: usize = 32;

/// A content that was encrypted for us.
#[derive(Debug)]
pub struct Opened {
    /// The content.
    pub content: Vec<u8>,
    /// The cipher that it came with.
    pub cipher: Cipher,
    /// Which of our certificates it was for.
    pub identity: usize,
}

/// Decrypts a content that is for one of us.
///
/// A key that cannot be decrypted is taken for some other key, and so fails as a wrong content does (RFC 3218, 2.3.2).
///
/// # Errors
/// Where it is not for us, or cannot be decrypted.
pub fn open(message: &[u8], own: &[Identity]) -> Result<Opened, Error> {
    let (kind, data) = content_info(message)?;
    if !matches!(kind, Kind::Enveloped | Kind::AuthEnveloped) {
        return Err(Error::Malformed("no encrypted content"));
    }
    let mut reader = data.reader()?;
    reader.expect(INTEGER)?;
    reader.optional(context(0))?;
    let recipients = reader.expect(SET)?;
    let content = reader.expect(SEQUENCE)?;
    let mut content = content.reader()?;
    content.expect(OBJECT_IDENTIFIER)?;
    let (oid, parameters) = read(content.expect(SEQUENCE)?)?;
    let cipher = Cipher::of_oid(oid)?;
    if cipher.is_authenticated() != (kind == Kind::AuthEnveloped) {
        return Err(Error::Malformed("a cipher that does not go with the kind of content"));
    }
    let parameters = parameters.ok_or(Error::Malformed("a cipher without parameters"))?;
    let encrypted = content.next()?.filter(|value| value.tag | CONSTRUCTED == context(0));
    let encrypted = encrypted.ok_or(Error::Malformed("no content"))?;

    let (identity, key) = content_key(recipients, own, cipher)?;
    let content = if cipher.is_authenticated() {
        let attributes = reader.optional(context(1))?;
        let attributes = attributes.map(|attributes| attributes.to_der(SET)).transpose()?;
        let tag = reader.expect_octets()?.octets()?;
        decrypt_authenticated(
            cipher,
            &key,
            parameters,
            encrypted,
            &attributes.unwrap_or_default(),
            &tag,
        )
    } else {
        let nonce = parameters.octets()?;
        decrypt(cipher, &key, &nonce, encrypted)
    }?;
    Ok(Opened { content, cipher, identity })
}

/// Which of us it is for, and the key of the content; where that cannot be decrypted, some key.
fn content_key(
    recipients: Value<'_>,
    own: &[Identity],
    cipher: Cipher,
) -> Result<(usize, Vec<u8>), Error> {
    let mut reader = recipients.reader()?;
    let mut names = Vec::new();
    for _ in 0..RECIPIENTS_MAX {
        let Some(info) = reader.next()? else { break };
        if info.tag != SEQUENCE {
            // Agreed keys, passwords and the like.
            names.push("a recipient that is no RSA key".to_owned());
            continue;
        }
        let mut info = info.reader()?;
        info.expect(INTEGER)?;
        let named = info.next()?.ok_or(Error::Malformed("a recipient without a name"))?;
        let named = Named::read(named)?;
        let algorithm = read(info.expect(SEQUENCE)?)?;
        let encrypted = info.expect_octets()?.octets()?;
        if let Some(number) = own.iter().position(|own| own.certificate.is(&named)) {
            let length = cipher.implementation().key_length();
            let mut some = vec![0; length];
            rand_bytes(&mut some)?;
            let key = decrypt_key(&own[number], algorithm, &encrypted)?;
            let key = key.filter(|key| key.len() == length).unwrap_or(some);
            return Ok((number, key));
        }
        names.push(named.to_string());
    }
    Err(Error::NotForUs(if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }))
}

fn decrypt_key(
    own: &Identity,
    (oid, parameters): (&[u8], Option<Value<'_>>),
    encrypted: &[u8],
) -> Result<Option<Vec<u8>>, Error> {
    let mut library = PkeyCtx::new(&own.key)?;
    library.decrypt_init()?;
    match oid {
        RSA => library.set_rsa_padding(rsa::Padding::PKCS1)?,
        OAEP => {
            let (digest, mask) = oaep_parameters(parameters)?;
            use_oaep(&mut library, digest, mask)?;
        }
        _ => return Err(unsupported("key transport", oid)),
    }
    let mut key = Vec::new();
    Ok(library.decrypt_to_vec(encrypted, &mut key).is_ok().then_some(key))
}

/// Digests of OAEP and of its mask; each is SHA-1 where nothing is said (RFC 4055, 4.1).
fn oaep_parameters(parameters: Option<Value<'_>>) -> Result<(Digest, Digest), Error> {
    let Some(parameters) = parameters.filter(|value| value.tag == SEQUENCE) else {
        return Ok((Digest::Sha1, Digest::Sha1));
    };
    let mut reader = parameters.reader()?;
    let digest = match reader.optional(context(0))? {
        Some(value) => Digest::read(value.reader()?.expect(SEQUENCE)?)?,
        None => Digest::Sha1,
    };
    let mask = match reader.optional(context(1))? {
        Some(value) => {
            let (_, digest) = read(value.reader()?.expect(SEQUENCE)?)?;
            digest.map_or(Ok(Digest::Sha1), Digest::read)?
        }
        None => Digest::Sha1,
    };
    Ok((digest, mask))
}

fn decrypt(
    cipher: Cipher,
    key: &[u8],
    nonce: &[u8],
    encrypted: Value<'_>,
) -> Result<Vec<u8>, Error> {
    let implementation = cipher.implementation();
    if nonce.len() != implementation.iv_length() {
        return Err(Error::Malformed("a nonce of another length than the cipher's"));
    }
    let mut library = CipherCtx::new()?;
    library.decrypt_init(Some(implementation), Some(key), Some(nonce))?;
    finish(&mut library, encrypted)
}

fn decrypt_authenticated(
    cipher: Cipher,
    key: &[u8],
    parameters: Value<'_>,
    encrypted: Value<'_>,
    attributes: &[u8],
    tag: &[u8],
) -> Result<Vec<u8>, Error> {
    let nonce = parameters.reader()?.expect_octets()?.octets()?;
    // RFC 5084, 3.2: 12 to 16 bytes.
    if !(1..=64).contains(&nonce.len()) || !(12..=usize::from(TAG)).contains(&tag.len()) {
        return Err(Error::Malformed("a nonce or tag of a length that GCM does not have"));
    }
    let mut library = CipherCtx::new()?;
    library.decrypt_init(Some(cipher.implementation()), None, None)?;
    library.set_iv_length(nonce.len())?;
    library.decrypt_init(None, Some(key), Some(&nonce))?;
    library.set_tag(tag)?;
    if !attributes.is_empty() {
        library.cipher_update(attributes, None)?;
    }
    finish(&mut library, encrypted)
}

fn finish(library: &mut CipherCtx, encrypted: Value<'_>) -> Result<Vec<u8>, Error> {
    let mut content = Vec::with_capacity(encrypted.content.len() + 2 * usize::from(TAG));
    encrypted.pieces(&mut |piece| {
        for chunk in piece.chunks(CHUNK) {
            library.cipher_update_vec(chunk, &mut content).map_err(|_| Error::Undecryptable)?;
        }
        Ok(())
    })?;
    library.cipher_final_vec(&mut content).map_err(|_| Error::Undecryptable)?;
    Ok(content)
}
