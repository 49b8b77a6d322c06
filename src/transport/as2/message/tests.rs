use std::sync::LazyLock;

use super::*;
use crate::transport::as2::cms::{Certificate, Identity, Padding};
use crate::transport::as2::mime::{Entity, Headers, Part};
use crate::transport::as2::{Name, Policy};

/// Line ends of three kinds, and bytes that are no text.
const CONTENT: &[u8] = b"ISA*00*~\r\nGS*PO~\nST*850~\r\x00\xff~";

fn identity(name: &str) -> Identity {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/as2");
    Identity::read(&std::fs::read(folder.join(name)).unwrap(), "").unwrap()
}

static SENDER: LazyLock<Identity> = LazyLock::new(|| identity("ours.pem"));
static RECEIVER: LazyLock<Identity> = LazyLock::new(|| identity("theirs.pem"));

fn document(content: &[u8], filename: Option<&str>) -> Document {
    Document {
        content: content.to_vec(),
        content_type: "application/edi-x12".to_owned(),
        filename: filename.map(str::to_owned),
    }
}

fn make(documents: &[Document], protection: &Protection<'_>) -> Outgoing {
    let envelope = Envelope {
        from: &Name::new("Harbor and Pine").unwrap(),
        to: &Name::new("US").unwrap(),
        message_id: "1@harbor",
        subject: "Order",
        date: "2026-03-04T05:06:07Z".parse().unwrap(),
        receipt: Some(&ReceiptRequest::signed("mdn@harbor", Digest::Sha256)),
    };
    build(documents, &envelope, protection).unwrap()
}

fn headers(fields: &[(&'static str, String)]) -> Headers {
    let fields = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
    Headers::of(fields, &mime::Limits::default()).unwrap()
}

fn keys() -> Keys<'static> {
    Keys {
        own: std::slice::from_ref(&*RECEIVER),
        partner: std::slice::from_ref(SENDER.certificate()),
    }
}

fn take(message: &Outgoing) -> Result<Opened, Failure> {
    open(&headers(&message.headers), &message.body, keys(), Digest::Sha256, &Limits::default())
}

fn recipient() -> &'static [&'static Certificate] {
    static CERTIFICATES: LazyLock<Vec<&Certificate>> =
        LazyLock::new(|| vec![RECEIVER.certificate()]);
    &CERTIFICATES
}

fn encryption(cipher: Cipher) -> Encryption<'static> {
    Encryption { cipher, padding: Padding::Pkcs1, recipients: recipient() }
}

/// Every way to protect a message: 24 with the three kinds of receipt of each, and those which compress a signature.
fn protections() -> Vec<Protection<'static>> {
    let mut all = Vec::new();
    for sign in [None, Some((&*SENDER, Digest::Sha256))] {
        for encrypt in [None, Some(encryption(Cipher::Aes256Gcm))] {
            let compressions =
                [None, Some(Compression::BeforeSigning), Some(Compression::AfterSigning)];
            for compress in compressions.into_iter().take(if sign.is_some() { 3 } else { 2 }) {
                all.push(Protection { sign, encrypt, compress });
            }
        }
    }
    all
}

#[test]
fn every_permutation_is_opened_as_it_was_made() {
    assert_eq!(protections().len(), 10);
    let documents = [document(CONTENT, Some("po 1\".edi"))];
    let attachments =
        [document(CONTENT, Some("ä.edi")), document(b"%PDF", None), document(b"", Some("e"))];
    for protection in protections() {
        for documents in [&documents[..], &attachments] {
            let message = make(documents, &protection);
            let opened = take(&message).unwrap();
            assert_eq!(opened.documents, documents, "{:?}", opened.security);
            let security = Security {
                encrypted: protection.encrypt.map(|encryption| encryption.cipher),
                signed: protection.sign.map(|(_, digest)| digest),
                compressed: protection.compress,
            };
            assert_eq!(opened.security, security);
            assert_eq!(opened.mic, *message.mics.get(Digest::Sha256), "{security:?}");
            assert_eq!(opened.signer, security.signed.map(|_| 0));
            assert_eq!(opened.identity, security.encrypted.map(|_| 0));
            let policy = Policy::default().check(&opened.security);
            assert_eq!(policy.is_ok(), protection.sign.is_some() && protection.encrypt.is_some());
        }
    }
}

/// RFC 4130, 7.3.1; RFC 5402, 4.
#[test]
fn the_mic_covers_what_the_standards_say() {
    let part = Part {
        headers: vec![
            ("Content-Type", "application/edi-x12".to_owned()),
            ("Content-Transfer-Encoding", "binary".to_owned()),
        ],
        body: CONTENT.to_vec(),
    };
    let whole = Mics::of(&part.to_bytes()).unwrap();
    for protection in protections() {
        let Protection { sign, encrypt, compress } = protection;
        let message = make(&[document(CONTENT, None)], &protection);
        let expected =
            match (sign, encrypt, compress) {
                (None, None, None) => Mics::of(CONTENT).unwrap(),
                (Some(_), _, Some(Compression::BeforeSigning)) => {
                    let signed = headers(&message.headers).parameterized("Content-Type").value;
                    if signed != "multipart/signed" {
                        continue;
                    }
                    // The compressed part, as it stands in the message.
                    let entity = Entity {
                        headers: headers(&message.headers),
                        whole: &message.body,
                        body: &message.body,
                    };
                    let parts = entity.parts(&mime::Limits::default()).unwrap().parts;
                    assert!(parts[0].starts_with(
                        b"Content-Type: application/pkcs7-mime; smime-type=compressed"
                    ));
                    Mics::of(parts[0]).unwrap()
                }
                _ => whole.clone(),
            };
        assert_eq!(message.mics, expected, "{sign:?} {encrypt:?} {compress:?}");
    }
}

#[test]
fn a_header_says_who_and_what() {
    let message = make(&[document(CONTENT, None)], &Protection::default());
    let headers = headers(&message.headers);
    for (name, value) in [
        ("AS2-Version", "1.2"),
        ("AS2-From", "\"Harbor and Pine\""),
        ("AS2-To", "US"),
        ("Message-ID", "<1@harbor>"),
        ("Date", "Wed, 04 Mar 2026 05:06:07 GMT"),
        ("EDIINT-Features", "multiple-attachments"),
        ("Disposition-Notification-To", "mdn@harbor"),
        (
            "Disposition-Notification-Options",
            "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha-256",
        ),
    ] {
        assert_eq!(headers.get(name), Some(value));
    }
    let request = ReceiptRequest::read(&headers).unwrap();
    assert_eq!(request, ReceiptRequest::signed("mdn@harbor", Digest::Sha256));
}

#[test]
fn a_receipt_is_asked_for_in_many_spellings() {
    let request = |options: &str, url: Option<&str>| {
        let mut fields = vec![("disposition-notification-to", b"x".as_slice())];
        fields.push(("Disposition-Notification-options", options.as_bytes()));
        fields.extend(url.map(|url| ("Receipt-delivery-option", url.as_bytes())));
        ReceiptRequest::read(&Headers::of(fields, &mime::Limits::default()).unwrap()).unwrap()
    };
    let asked = request(
        "signed-receipt-protocol=required, pkcs7-signature ; Signed-Receipt-MICAlg = optional,md5, SHA256 ,sha1",
        Some(" http://them/mdn "),
    );
    assert!(asked.signed);
    assert_eq!(
        (asked.digest(), asked.url.as_deref()),
        (Some(Digest::Sha256), Some("http://them/mdn"))
    );
    assert_eq!(
        (asked.spelling(Digest::Sha256), asked.spelling(Digest::Sha512)),
        ("SHA256", "sha-512")
    );
    let unsigned = request("", None);
    assert_eq!((unsigned.signed, unsigned.digest(), unsigned.url), (false, None, None));
    assert_eq!(ReceiptRequest::read(&Headers::default()), None);
}

/// The failure of a message whose body was changed before it came.
fn refused(message: &Outgoing, change: impl Fn(&[u8]) -> Vec<u8>) -> Failure {
    let body = change(&message.body);
    take(&Outgoing { body, ..message.clone() }).unwrap_err()
}

fn replace(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let at = memchr::memmem::find(bytes, from.as_bytes()).expect("it is there");
    [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
}

#[test]
fn what_cannot_be_opened_says_why() {
    let sign = Some((&*SENDER, Digest::Sha256));
    let signed = make(&[document(CONTENT, None)], &Protection { sign, ..Protection::default() });
    let altered = refused(&signed, |body| replace(body, "ST*850", "ST*860"));
    assert_eq!(altered.modifier, Modifier::IntegrityCheckFailed);
    // In the middle of the document, so that there is no signature at all.
    let cut = refused(&signed, |body| {
        let at = body.windows(6).position(|six| six == b"ST*850").unwrap();
        body[..at].to_vec()
    });
    assert_eq!(cut.modifier, Modifier::UnexpectedProcessingError);
    // In the middle of the signature: what is left of it may be base64, or not.
    let cut = refused(&signed, |body| body[..body.len() * 3 / 4].to_vec());
    let either = [Modifier::UnexpectedProcessingError, Modifier::AuthenticationFailed];
    assert!(either.contains(&cut.modifier), "{cut}");

    let stranger = make(
        &[document(CONTENT, None)],
        &Protection { sign: Some((&RECEIVER, Digest::Sha256)), ..Protection::default() },
    );
    assert_eq!(take(&stranger).unwrap_err().modifier, Modifier::AuthenticationFailed);

    for cipher in Cipher::ALL {
        let to_us = encryption(cipher);
        let encrypt = Some(to_us);
        let sealed =
            make(&[document(CONTENT, None)], &Protection { encrypt, ..Protection::default() });
        // The key of the content is near the beginning: altered, nothing that comes out is taken for a document.
        let failure = refused(&sealed, |body| {
            let mut body = body.to_vec();
            body[200] ^= 1;
            body
        });
        assert_eq!(failure.modifier, Modifier::DecryptionFailed, "{failure}");
        let for_others = Encryption { recipients: &[SENDER.certificate()], ..to_us };
        let encrypt = Some(for_others);
        let sealed =
            make(&[document(CONTENT, None)], &Protection { encrypt, ..Protection::default() });
        assert_eq!(take(&sealed).unwrap_err().modifier, Modifier::DecryptionFailed);
    }

    let compress = Some(Compression::BeforeSigning);
    let bomb = make(
        &[document(&vec![b' '; 2_000_000], None)],
        &Protection { compress, ..Protection::default() },
    );
    let limits = Limits { content_bytes: 1_000_000, ..Limits::default() };
    let failure = open(&headers(&bomb.headers), &bomb.body, keys(), Digest::Sha256, &limits);
    assert_eq!(failure.unwrap_err().modifier, Modifier::DecompressionFailed);
    assert_eq!(take(&bomb).unwrap().documents[0].content.len(), 2_000_000);
}

#[test]
fn layers_come_in_the_order_that_the_standards_have() {
    let protection =
        Protection { encrypt: Some(encryption(Cipher::Aes128Cbc)), ..Protection::default() };
    let sealed = make(&[document(CONTENT, None)], &protection);
    // The same once more around itself, and so on.
    let mut part = Part { headers: sealed.headers.clone(), body: sealed.body.clone() };
    for _ in 0..3 {
        let body = cms_of(&part);
        part = Part { body, ..part };
    }
    let failure = take(&Outgoing { body: part.body, ..sealed.clone() }).unwrap_err();
    assert!(failure.words.contains("not the outermost"), "{failure}");
    assert_eq!(failure.security.encrypted, Some(Cipher::Aes128Cbc));
}

fn cms_of(part: &Part) -> Vec<u8> {
    use crate::transport::as2::cms;
    cms::seal(&part.to_bytes(), Cipher::Aes128Cbc, Padding::Pkcs1, recipient()).unwrap()
}

/// Gateways on the way, and programs that write text, change line ends.
#[test]
fn a_signature_holds_with_either_line_end() {
    let sign = Some((&*SENDER, Digest::Sha256));
    let text = b"ISA*00~\r\nGS*PO~\r\n";
    let message = make(&[document(text, None)], &Protection { sign, ..Protection::default() });
    let body = String::from_utf8(message.body.clone()).unwrap().replace("\r\n", "\n");
    let opened = take(&Outgoing { body: body.into_bytes(), ..message.clone() }).unwrap();
    // What was signed is what counts, for the document and for the MIC.
    assert_eq!(opened.documents[0].content, text);
    assert_eq!(opened.mic, *message.mics.get(Digest::Sha256));
}

#[test]
fn bodies_come_in_transfer_encodings() {
    use base64::Engine as _;
    let protection =
        Protection { encrypt: Some(encryption(Cipher::Aes128Cbc)), ..Protection::default() };
    let mut message = make(&[document(CONTENT, None)], &protection);
    message.body = base64::engine::general_purpose::STANDARD.encode(&message.body).into_bytes();
    for (name, value) in &mut message.headers {
        if *name == "Content-Transfer-Encoding" {
            *value = "base64".to_owned();
        }
    }
    assert_eq!(take(&message).unwrap().documents[0].content, CONTENT);

    // One within the message is part of what the MIC covers.
    let inner = "Content-Type: application/edi-x12\r\nContent-Transfer-Encoding: base64\r\n\r\nSVNBKg==\r\n";
    let sealed = crate::transport::as2::cms::seal(
        inner.as_bytes(),
        Cipher::Aes128Cbc,
        Padding::Pkcs1,
        recipient(),
    );
    let fields = [("Content-Type", "application/x-pkcs7-mime; name=smime.p7m".to_owned())];
    let opened =
        open(&headers(&fields), &sealed.unwrap(), keys(), Digest::Sha1, &Limits::default())
            .unwrap();
    assert_eq!(opened.documents[0].content, b"ISA*");
    assert_eq!(opened.mic, Mic::of(inner.as_bytes(), Digest::Sha1).unwrap());
}
