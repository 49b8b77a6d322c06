use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::transport::as2::Name;
use crate::transport::as2::cms::{Certificate, Digest, Identity};
use crate::transport::as2::message::{Envelope, Failure, Limits, Mics, Modifier, ReceiptRequest};
use crate::transport::as2::mime::{self, Headers};

const CONTENT: &[u8] = b"ISA*00*~";
const ID: &str = "<1@harbor>";

static RECEIVER: LazyLock<Identity> = LazyLock::new(|| {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/as2");
    Identity::read(&std::fs::read(folder.join("ours.pem")).unwrap(), "").unwrap()
});
static MICS: LazyLock<Mics> = LazyLock::new(|| Mics::of(CONTENT).unwrap());

/// The header fields and the body of a receipt.
fn written(disposition: Disposition, signed: Option<Digest>) -> (Headers, Vec<u8>) {
    let request = ReceiptRequest::signed("x", Digest::Sha256);
    let receipt = Receipt {
        message_id: ID,
        disposition,
        mic: Some((MICS.get(Digest::Sha256), request.spelling(Digest::Sha256))),
        text: "The message was received.\nThank you.",
    };
    let envelope = Envelope {
        from: &Name::new("Harbor and Pine").unwrap(),
        to: &Name::new("US").unwrap(),
        message_id: "r1@harbor",
        subject: "Receipt",
        date: "2026-03-04T05:06:07Z".parse().unwrap(),
        receipt: None,
    };
    let part = write(&receipt, &envelope, signed.map(|digest| (&*RECEIVER, digest))).unwrap();
    let fields = part.headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    (Headers::of(fields, &mime::Limits::default()).unwrap(), part.body)
}

fn taken(headers: &Headers, body: &[u8]) -> Result<Mdn, Failure> {
    read(headers, body, std::slice::from_ref(RECEIVER.certificate()), &Limits::default())
}

fn judged(mdn: &Mdn, signed: Option<Digest>) -> Judgement {
    judge(
        mdn,
        &Sent {
            message_id: ID,
            to: "Harbor and Pine",
            mics: &MICS,
            signed,
            needs_mic: false,
            is_answer: true,
        },
    )
}

/// An unsigned report of this type with these lines in it.
fn report(report_type: &str, lines: &str) -> (Headers, String) {
    let kind = format!("multipart/report; report-type={report_type}; boundary=\"b b\"");
    let fields = [("Content-Type", kind.as_bytes())];
    let headers = Headers::of(fields, &mime::Limits::default()).unwrap();
    let body = format!(
        "--b b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b b\r\nContent-Type: message/disposition-notification\r\n\r\n{lines}\r\n--b b--"
    );
    (headers, body)
}

/// An unsigned receipt with these lines in it.
fn with_fields(lines: &str) -> Mdn {
    let (headers, body) = report("disposition-notification", lines);
    assert!(is_mdn(&headers, body.as_bytes(), &Limits::default()));
    taken(&headers, body.as_bytes()).unwrap()
}

#[test]
fn a_report_of_another_kind_is_no_receipt() {
    let (headers, body) = report("delivery-status", GOOD);
    assert!(!is_mdn(&headers, body.as_bytes(), &Limits::default()));
    assert!(taken(&headers, body.as_bytes()).is_err());
}

const GOOD: &str = "Original-Recipient: rfc822; \"Harbor and Pine\"\r\n\
     Final-Recipient: rfc822; Harbor and Pine\r\nOriginal-Message-ID: <1@harbor>\r\n\
     Disposition: automatic-action/MDN-sent-automatically; processed\r\n";

#[test]
fn what_is_written_is_read() {
    for signed in [None, Some(Digest::Sha1), Some(Digest::Sha256), Some(Digest::Sha512)] {
        let failure = Failure::new(Modifier::DecryptionFailed, "because");
        for disposition in [
            Disposition::Processed,
            Disposition::duplicate(),
            Disposition::from(&failure),
            Disposition::Failure("unsupported format".to_owned()),
        ] {
            let (headers, body) = written(disposition.clone(), signed);
            assert!(is_mdn(&headers, &body, &Limits::default()));
            let mdn = taken(&headers, &body).unwrap();
            assert_eq!((mdn.signed, mdn.disposition), (signed, disposition));
            assert_eq!(mdn.original_message_id.as_deref(), Some("1@harbor"));
            assert_eq!(mdn.original_recipient.as_deref(), Some("Harbor and Pine"));
            assert_eq!(mdn.text, "The message was received.?Thank you.");
            let (value, name) = mdn.mic.unwrap();
            assert_eq!(
                (value, name.as_deref()),
                (MICS.get(Digest::Sha256).value.clone(), Some("sha-256"))
            );
        }
    }
}

#[test]
fn a_signed_receipt_cannot_be_altered_or_made_by_others() {
    let (headers, body) =
        written(Disposition::Error("decryption-failed".to_owned()), Some(Digest::Sha256));
    let text = String::from_utf8(body.clone()).unwrap();
    let altered = text.replace("processed/error: decryption-failed", "processed");
    assert_eq!(
        taken(&headers, altered.as_bytes()).unwrap_err().modifier,
        Modifier::IntegrityCheckFailed
    );
    let unknown = read(&headers, &body, &[] as &[Certificate], &Limits::default());
    assert_eq!(unknown.unwrap_err().modifier, Modifier::AuthenticationFailed);
    // Line ends that were changed on the way do no harm.
    assert!(taken(&headers, text.replace("\r\n", "\n").as_bytes()).is_ok());
}

#[test]
fn a_receipt_is_read_as_partners_write_them() {
    let mic = MICS.get(Digest::Sha256).to_string();
    let processed = |more: &str| with_fields(&format!("{GOOD}{more}"));
    let judgement = judged(&processed(&format!("Received-content-MIC: {mic}\r\n")), None);
    assert_eq!(judgement, Judgement { outcome: Outcome::Processed, remarks: vec![] });

    let old = MICS.get(Digest::Sha1).to_string();
    let cases = [
        // Without a MIC, with one of another digest, with an unknown one, with one that does not say.
        (String::new(), Outcome::Processed, vec![Remark::NoMic]),
        (
            format!("Received-Content-MIC: {old}\r\n"),
            Outcome::Processed,
            vec![Remark::OtherDigest(Digest::Sha1)],
        ),
        (
            "Received-Content-MIC: aGVsbG8=, md5\r\n".to_owned(),
            Outcome::Processed,
            vec![Remark::UnknownMic("md5".to_owned())],
        ),
        (
            format!("Received-Content-MIC: {}\r\n", old.split(',').next().unwrap()),
            Outcome::Processed,
            vec![],
        ),
        // Of other bytes, whatever the words say.
        ("Received-Content-MIC: aGVsbG8=, sha256\r\n".to_owned(), Outcome::OtherContent, vec![]),
        ("Received-Content-MIC: aGVsbG8=\r\n".to_owned(), Outcome::OtherContent, vec![]),
    ];
    for (more, outcome, remarks) in cases {
        let mdn = Mdn { signed: Some(Digest::Sha256), ..processed(&more) };
        assert_eq!(judged(&mdn, Some(Digest::Sha256)), Judgement { outcome, remarks });
    }
    let unsigned = judged(&processed(""), Some(Digest::Sha256));
    assert_eq!(unsigned.outcome, Outcome::Unsigned);
}

#[test]
fn what_a_receipt_lacks_is_tolerated_where_something_else_tells() {
    let mdn = with_fields(
        "\r\nReporting-UA: x\r\n\r\nDisposition: automatic-action/MDN-sent-automatically;processed\r\n",
    );
    let remarks = vec![Remark::NoOriginalMessageId, Remark::NoOriginalRecipient, Remark::NoMic];
    assert_eq!(judged(&mdn, None), Judgement { outcome: Outcome::Processed, remarks });
    let sent = Sent {
        message_id: ID,
        to: "Harbor and Pine",
        mics: &MICS,
        signed: None,
        needs_mic: false,
        is_answer: false,
    };
    assert_eq!(judge(&mdn, &sent).outcome, Outcome::NoMessage);

    let strict = Sent { needs_mic: true, is_answer: true, ..sent };
    assert_eq!(judge(&mdn, &strict).outcome, Outcome::Unproven);

    let brackets = with_fields(&GOOD.replace("<1@harbor>", "1@harbor"));
    assert_eq!(judge(&brackets, &sent).outcome, Outcome::Processed);
    let other = with_fields(&GOOD.replace("1@harbor", "2@harbor"));
    assert_eq!(judge(&other, &sent).outcome, Outcome::OtherMessage("2@harbor".to_owned()));
    let recipient = with_fields(&GOOD.replace("Harbor and Pine", "Someone"));
    assert!(
        judge(&recipient, &sent).remarks.contains(&Remark::OtherRecipient("Someone".to_owned()))
    );
}

#[test]
fn dispositions_are_read_in_many_spellings() {
    let refused = |words: &str| Outcome::Refused(words.to_owned());
    for (text, outcome) in [
        ("automatic-action/MDN-sent-automatically; processed", Outcome::Processed),
        ("manual-action/MDN-sent-manually;Processed", Outcome::Processed),
        ("processed", Outcome::Processed),
        ("a/b; processed/Warning: duplicate-document", Outcome::Duplicate),
        (
            "a/b; processed/warning: authentication-failed, processing-continued",
            Outcome::Warned("authentication-failed, processing-continued".to_owned()),
        ),
        ("a/b; processed/Error: decryption-failed", refused("decryption-failed")),
        ("a/b; processed/error", refused("")),
        ("a/b; processed/warning, error: x", refused("x")),
        ("a/b; failed/Failure: unsupported format", refused("unsupported format")),
        ("a/b; failed", refused("")),
        ("a/b; processed: decryption-failed", refused("a/b; processed: decryption-failed")),
        ("a/b; deleted", refused("a/b; deleted")),
        ("", refused("")),
    ] {
        let mdn = Mdn { disposition: Disposition::read(text), ..with_fields(GOOD) };
        assert_eq!(judged(&mdn, None).outcome, outcome, "{text}");
    }
}

#[test]
fn what_may_be_cut_short_is_no_receipt() {
    let (headers, body) = written(Disposition::Error("decryption-failed".to_owned()), None);
    for length in 0..body.len() - 4 {
        assert!(taken(&headers, &body[..length]).is_err(), "{length}");
    }
    let (headers, body) = written(Disposition::Processed, Some(Digest::Sha256));
    for length in 0..body.len() - 80 {
        assert!(taken(&headers, &body[..length]).is_err(), "{length}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        static RECEIPT: LazyLock<(Headers, Vec<u8>)> = LazyLock::new(|| written(Disposition::Processed, None));
        let (headers, mut body) = RECEIPT.clone();
        for (index, byte) in changes {
            let at = index.index(body.len());
            body[at] = byte;
        }
        if let Ok(mdn) = taken(&headers, &body) {
            let _ = judged(&mdn, Some(Digest::Sha256));
        }
    }
}
