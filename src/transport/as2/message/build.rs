//! Making a message of documents.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::{Compression, Document, Mics, ReceiptRequest};
use crate::transport::as2::cms::{self, Certificate, Cipher, Digest, Error, Identity, Padding};
use crate::transport::as2::mime::{Part, multipart, quoted, to_base64};
use crate::transport::as2::name::bare;
use crate::transport::as2::{Name, features};

/// How a message is protected on its way.
#[derive(Debug, Clone, Copy, Default)]
pub struct Protection<'a> {
    /// Who signs, and with which digest.
    pub sign: Option<(&'a Identity, Digest)>,
    /// How it is encrypted.
    pub encrypt: Option<Encryption<'a>>,
    /// Where it is compressed. Unsigned it is all the same.
    pub compress: Option<Compression>,
}

/// How a message is encrypted.
#[derive(Debug, Clone, Copy)]
pub struct Encryption<'a> {
    /// The cipher of the content.
    pub cipher: Cipher,
    /// How its key is encrypted.
    pub padding: Padding,
    /// Those who can read it.
    pub recipients: &'a [&'a Certificate],
}

/// What stands on a message.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// Who sends.
    pub from: &'a Name,
    /// Who receives.
    pub to: &'a Name,
    /// Its number, with or without angle brackets; used for no other message ever.
    pub message_id: &'a str,
    /// A line for people; some route by it.
    pub subject: &'a str,
    /// When it was made.
    pub date: Timestamp,
    /// The receipt that is asked for.
    pub receipt: Option<&'a ReceiptRequest>,
}

/// A message to be sent, as often as it takes, without a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The header fields of the HTTP request, or of its answer.
    pub headers: Vec<(&'static str, String)>,
    /// The body of the request.
    pub body: Vec<u8>,
    /// What the receipt has to name.
    pub mics: Mics,
}

/// Makes a message of documents; of several one with attachments (RFC 6362).
///
/// # Errors
/// Where a key cannot do what it should, or there is no document.
pub fn build(
    documents: &[Document],
    envelope: &Envelope<'_>,
    protection: &Protection<'_>,
) -> Result<Outgoing, Error> {
    let Protection { sign, encrypt, compress } = *protection;
    let part = documents_part(documents)?;
    let (mut part, mics) = match sign {
        Some(signer) => signed_and_compressed(part, signer, compress, envelope.date)?,
        None if compress.is_some() => (compressed(&part)?, Mics::of(&part.to_bytes())?),
        None if encrypt.is_some() => {
            let mics = Mics::of(&part.to_bytes())?;
            (part, mics)
        }
        None => {
            let mics = Mics::of(&part.body)?;
            (part, mics)
        }
    };
    if let Some(Encryption { cipher, padding, recipients }) = encrypt {
        let body = cms::seal(&part.to_bytes(), cipher, padding, recipients)?;
        let kind = if cipher.is_authenticated() { "authEnveloped-data" } else { "enveloped-data" };
        part = wrapped(kind, "smime.p7m", body);
    }
    let mut headers = envelope_headers(envelope)?;
    headers.extend(envelope.receipt.map(ReceiptRequest::headers).unwrap_or_default());
    headers.extend(part.headers);
    Ok(Outgoing { headers, body: part.body, mics })
}

/// The signed message, and the digests of what is signed.
fn signed_and_compressed(
    mut part: Part,
    (signer, digest): (&Identity, Digest),
    compress: Option<Compression>,
    at: Timestamp,
) -> Result<(Part, Mics), Error> {
    if compress == Some(Compression::BeforeSigning) {
        part = compressed(&part)?;
    }
    let bytes = part.to_bytes();
    let mics = Mics::of(&bytes)?;
    let mut part = signed(&bytes, &mics, signer, digest, at)?;
    if compress == Some(Compression::AfterSigning) {
        part = compressed(&part)?;
    }
    Ok((part, mics))
}

/// The fields that every message and every receipt has.
pub(in crate::transport::as2) fn envelope_headers(
    envelope: &Envelope<'_>,
) -> Result<Vec<(&'static str, String)>, Error> {
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&envelope.date);
    let date = date.map_err(|_| Error::Key("a date that cannot be written"))?;
    Ok(vec![
        ("Date", date),
        ("MIME-Version", "1.0".to_owned()),
        // 1.2 says that features are named (RFC 6017).
        ("AS2-Version", "1.2".to_owned()),
        features::ours(),
        ("AS2-From", envelope.from.to_string()),
        ("AS2-To", envelope.to.to_string()),
        ("Message-ID", format!("<{}>", bare(envelope.message_id))),
        ("Subject", envelope.subject.to_owned()),
    ])
}

fn documents_part(documents: &[Document]) -> Result<Part, Error> {
    match documents {
        [] => Err(Error::Key("a message without a document")),
        [document] => Ok(document_part(document)),
        [first, ..] => {
            let parts: Vec<_> = documents.iter().map(|one| document_part(one).to_bytes()).collect();
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            let root = first.content_type.split(';').next().unwrap_or_default().trim();
            Ok(multipart(&format!("multipart/related; type={}", quoted(root)), &parts)?)
        }
    }
}

fn document_part(document: &Document) -> Part {
    let mut headers = vec![
        ("Content-Type", document.content_type.clone()),
        ("Content-Transfer-Encoding", "binary".to_owned()),
    ];
    if let Some(filename) = &document.filename {
        headers
            .push(("Content-Disposition", format!("attachment; {}", filename_parameter(filename))));
    }
    Part { headers, body: document.content.clone() }
}

/// As RFC 2231 has it where the name is not ASCII.
fn filename_parameter(filename: &str) -> String {
    if filename.is_ascii() {
        return format!("filename=\"{}\"", filename.replace('\\', "\\\\").replace('"', "\\\""));
    }
    let encoded = filename.bytes().map(|byte| {
        if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    format!("filename*=utf-8''{}", encoded.collect::<String>())
}

fn compressed(part: &Part) -> Result<Part, Error> {
    Ok(wrapped("compressed-data", "smime.p7z", cms::compress(&part.to_bytes())?))
}

fn wrapped(kind: &str, filename: &str, body: Vec<u8>) -> Part {
    let content_type = format!("application/pkcs7-mime; smime-type={kind}; name={filename}");
    let headers = vec![
        ("Content-Type", content_type),
        ("Content-Transfer-Encoding", "binary".to_owned()),
        ("Content-Disposition", format!("attachment; filename={filename}")),
    ];
    Part { headers, body }
}

/// What is signed, and its signature.
pub(in crate::transport::as2) fn signed(
    bytes: &[u8],
    mics: &Mics,
    signer: &Identity,
    digest: Digest,
    at: Timestamp,
) -> Result<Part, Error> {
    let signature = cms::sign(&mics.get(digest).value, digest, signer, at)?;
    let signature = Part {
        headers: vec![
            (
                "Content-Type",
                "application/pkcs7-signature; smime-type=signed-data; name=smime.p7s".to_owned(),
            ),
            ("Content-Transfer-Encoding", "base64".to_owned()),
            ("Content-Disposition", "attachment; filename=smime.p7s".to_owned()),
        ],
        body: to_base64(&signature),
    };
    let content_type = format!(
        "multipart/signed; protocol=\"application/pkcs7-signature\"; micalg={}",
        digest.name()
    );
    Ok(multipart(&content_type, &[bytes, &signature.to_bytes()])?)
}
