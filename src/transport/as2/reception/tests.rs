use std::sync::LazyLock;

use super::*;
use crate::transport::as2::cms::{Cipher, Padding};
use crate::transport::as2::mdn::{Outcome, Sent, judge};
use crate::transport::as2::message::{Document, Encryption, Outgoing, Protection, build};
use crate::transport::as2::mime;

fn identity(name: &str) -> Identity {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/as2");
    Identity::read(&std::fs::read(folder.join(name)).unwrap(), "").unwrap()
}

static US: LazyLock<Identity> = LazyLock::new(|| identity("ours.pem"));
static THEM: LazyLock<Identity> = LazyLock::new(|| identity("theirs.pem"));
const ID: &str = "4711@them";

fn headers(fields: &[(&'static str, String)]) -> Headers {
    let fields = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
    Headers::of(fields, &mime::Limits::default()).unwrap()
}

/// What they send us.
fn message(sign: bool, cipher: Option<Cipher>, request: Option<&ReceiptRequest>) -> Outgoing {
    let envelope = Envelope {
        from: &Name::new("They, Inc").unwrap(),
        to: &Name::new("US").unwrap(),
        message_id: ID,
        subject: "Order",
        date: "2026-03-04T05:06:07Z".parse().unwrap(),
        receipt: request,
    };
    let recipients = [US.certificate()];
    let encryption =
        |cipher| Encryption { cipher, padding: Padding::Pkcs1, recipients: &recipients };
    let protection = Protection {
        sign: sign.then_some((&*THEM, Digest::Sha256)),
        encrypt: cipher.map(encryption),
        compress: None,
    };
    let document = Document {
        content: b"ISA*00*~".to_vec(),
        content_type: "application/edi-x12".to_owned(),
        filename: None,
    };
    build(&[document], &envelope, &protection).unwrap()
}

fn taken_from(
    message: &Outgoing,
    sender: Option<Sender<'_>>,
) -> (Heading, Result<Opened, Failure>) {
    let headers = headers(&message.headers);
    let heading = Heading::read(&headers).unwrap();
    let own = std::slice::from_ref(&*US);
    let taken = take(&heading, (&headers, &message.body), sender, own, &Limits::default());
    (heading, taken)
}

fn them(policy: Policy) -> Sender<'static> {
    Sender { certificates: std::slice::from_ref(THEM.certificate()), policy }
}

/// What they make of our answer.
fn judged(heading: &Heading, taken: Taken<'_>, message: &Outgoing) -> (Outcome, String) {
    let answering = Answering {
        message_id: "r1@us",
        at: "2026-03-04T05:06:08Z".parse().unwrap(),
        signer: Some(&US),
    };
    let answer = answer(heading, taken, answering).unwrap().expect("one was asked for");
    let headers = headers(&answer.headers);
    assert_eq!(headers.get("AS2-From"), Some("US"));
    assert_eq!(headers.get("AS2-To"), Some("\"They, Inc\""));
    let ours = std::slice::from_ref(US.certificate());
    let mdn = mdn::read(&headers, &answer.body, ours, &Limits::default()).unwrap();
    let signed = Some(Digest::Sha256);
    let sent = Sent {
        message_id: ID,
        to: "US",
        mics: &message.mics,
        signed,
        needs_mic: true,
        is_answer: false,
    };
    assert_eq!(mdn.signed, signed);
    (judge(&mdn, &sent).outcome, mdn.text)
}

#[test]
fn a_message_is_taken_and_answered() {
    let request = ReceiptRequest::signed("x", Digest::Sha256);
    let message = message(true, Some(Cipher::Aes128Cbc), Some(&request));
    let (heading, taken) = taken_from(&message, Some(them(Policy::default())));
    let opened = taken.unwrap();
    assert_eq!(opened.documents[0].content, b"ISA*00*~");
    assert_eq!((heading.key().0.as_str(), heading.key().1), ("They, Inc", ID));
    assert_eq!(judged(&heading, Taken::New(&opened), &message).0, Outcome::Processed);
    assert_eq!(judged(&heading, Taken::Again(&opened), &message).0, Outcome::Duplicate);
}

#[test]
fn what_is_not_taken_says_why_in_its_receipt() {
    let request = ReceiptRequest::signed("x", Digest::Sha256);
    let strict = Some(them(Policy::default()));
    let stranger =
        Sender { certificates: std::slice::from_ref(US.certificate()), policy: Policy::default() };
    let sealed = Some(Cipher::Aes128Cbc);
    for (sign, cipher, sender, modifier, words) in [
        (true, None, strict, "insufficient-message-security", "not encrypted"),
        (false, sealed, strict, "insufficient-message-security", "not signed"),
        (true, Some(Cipher::TripleDes), strict, "insufficient-message-security", "Triple DES"),
        (
            true,
            sealed,
            None,
            "authentication-failed",
            "nothing is agreed between \"They, Inc\" and US",
        ),
        (
            true,
            sealed,
            Some(stranger),
            "authentication-failed",
            "none of the partner's certificates",
        ),
    ] {
        let message = message(sign, cipher, Some(&request));
        let (heading, taken) = taken_from(&message, sender);
        let failure = taken.unwrap_err();
        let (outcome, text) = judged(&heading, Taken::Refused(&failure), &message);
        assert_eq!(outcome, Outcome::Refused(modifier.to_owned()));
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn nobody_is_answered_who_does_not_ask() {
    let message = message(true, Some(Cipher::Aes256Gcm), None);
    let (heading, taken) = taken_from(&message, Some(them(Policy::default())));
    let answering =
        Answering { message_id: "r", at: jiff::Timestamp::UNIX_EPOCH, signer: Some(&US) };
    assert_eq!(answer(&heading, Taken::New(&taken.unwrap()), answering).unwrap(), None);
}

#[test]
fn what_is_not_of_as2_has_no_heading() {
    let good = [("AS2-From", "a"), ("AS2-To", "b"), ("Message-ID", "<1@a>")];
    let read = |fields: &[(&'static str, &str)]| {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Heading::read(&headers(&fields)).map_err(|error| error.to_string())
    };
    assert_eq!(read(&good).unwrap().key().1, "1@a");
    for missing in 0..3 {
        let mut fields = good.to_vec();
        let (name, _) = fields.remove(missing);
        assert_eq!(read(&fields), Err(format!("no AS2 message: {name} is missing")));
        for bad in ["", "<>", "a\u{e9}", &"x".repeat(999)] {
            let mut fields = good.to_vec();
            fields[missing].1 = bad;
            // A name may be `<>`.
            assert_eq!(
                read(&fields).is_ok(),
                bad == "<>" && name != "Message-ID",
                "{name} {bad:?}"
            );
        }
    }
}
