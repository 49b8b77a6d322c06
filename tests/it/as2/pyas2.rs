//! Messages and receipts, both ways between us and pyas2lib.
//!
//! `tests/run` makes the Python environment `target/pyas2`; `CROSSDOCK_PYAS2` names another one.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossdock::transport::as2::cms::{Cipher, Digest, Identity};
use crossdock::transport::as2::mdn::{self, Disposition, Outcome, Receipt, Remark, Sent};
use crossdock::transport::as2::message::{
    self, Document, Envelope, Keys, Limits, Opened, Outgoing, Protection, ReceiptRequest,
};
use crossdock::transport::as2::mime::{self, Headers};
use crossdock::transport::as2::{Name, cms::Padding};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CONTENT, identity, protections};

const CIPHERS: [(Cipher, &str); 3] = [
    (Cipher::TripleDes, "tripledes_192_cbc"),
    (Cipher::Aes128Cbc, "aes_128_cbc"),
    (Cipher::Aes256Cbc, "aes_256_cbc"),
];
const DIGESTS: [(Digest, &str); 2] = [(Digest::Sha1, "sha1"), (Digest::Sha256, "sha256")];
const TEXT: &[u8] = b"ISA*00~\r\nGS*PO~\r\n";

/// A program in Python that is asked over lines of JSON.
pub struct Script {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Script {
    /// Nothing where there is no Python with this module, which is said.
    pub fn start(script: &str, module: &str) -> Option<Self> {
        let folder = std::env::var_os("CROSSDOCK_PYAS2").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pyas2"),
            PathBuf::from,
        );
        let python = folder.join("bin/python");
        let asked = Command::new(&python).args(["-c", &format!("import {module}")]).output();
        if !asked.is_ok_and(|output| output.status.success()) {
            eprintln!(
                "skipped: there is no target/pyas2 with {module} in it. As root on Debian and Ubuntu tests/run makes it"
            );
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/as2").join(script);
        let mut command = Command::new(python);
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let ask = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Some(Self { child, ask, answers })
    }

    pub fn ask(&mut self, job: &Value) -> Value {
        writeln!(self.ask, "{job}").unwrap();
        self.answer()
    }

    /// What it says next.
    pub fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no answer but {line:?}"))
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The names and keys of both sides, as a script is told them: ours are its partner's.
pub fn setup((us, them): (&str, &str), (own, partner): (&Identity, &Identity)) -> Value {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    json!({
        "act": "setup", "us": us, "them": them, "key": text(own.to_pem().unwrap()),
        "certificate": text(partner.certificate().x509().to_pem().unwrap()),
    })
}

/// The two sides: pyas2lib, and the keys of both.
pub struct Peer {
    script: Script,
    ours: Identity,
    theirs: Identity,
}

impl Peer {
    /// Nothing where there is no pyas2lib.
    pub fn start() -> Option<Self> {
        let mut script = Script::start("pyas2.py", "pyas2lib")?;
        let (ours, theirs) = (identity("ours.pem"), identity("theirs.pem"));
        script.ask(&setup(("Peer \"one\"", "We & Co"), (&theirs, &ours)));
        Some(Self { script, ours, theirs })
    }

    pub fn ask(&mut self, job: &Value) -> Value {
        self.script.ask(job)
    }

    fn keys(&self) -> Keys<'_> {
        Keys {
            own: std::slice::from_ref(&self.ours),
            partner: std::slice::from_ref(self.theirs.certificate()),
        }
    }

    /// What is on a message or receipt of ours.
    fn envelope<T>(request: Option<&ReceiptRequest>, with: impl FnOnce(&Envelope<'_>) -> T) -> T {
        with(&Envelope {
            from: &Name::new("We & Co").unwrap(),
            to: &Name::new("Peer \"one\"").unwrap(),
            message_id: "4711@ours",
            subject: "Order",
            date: Timestamp::now(),
            receipt: request,
        })
    }

    fn make(
        documents: &[Document],
        protection: &Protection<'_>,
        request: &ReceiptRequest,
    ) -> Outgoing {
        Self::envelope(Some(request), |envelope| message::build(documents, envelope, protection))
            .unwrap()
    }
}

pub fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

pub fn headers(value: &Value) -> Headers {
    let fields = value.as_array().unwrap().iter();
    let fields =
        fields.map(|field| (field[0].as_str().unwrap(), field[1].as_str().unwrap().as_bytes()));
    Headers::of(fields, &mime::Limits::default()).unwrap()
}

fn document(content: &[u8]) -> Document {
    Document {
        content: content.to_vec(),
        content_type: "application/edi-x12".to_owned(),
        filename: Some("order 1.edi".to_owned()),
    }
}

#[test]
fn we_open_what_pyas2lib_makes_and_it_takes_our_receipts() {
    let Some(mut peer) = Peer::start() else { return };
    let digests = std::iter::once(None).chain(DIGESTS.map(Some)).collect::<Vec<_>>();
    let ciphers = std::iter::once(None).chain(CIPHERS.map(Some)).collect::<Vec<_>>();
    for digest in &digests {
        for cipher in &ciphers {
            for compress in [false, true] {
                for receipt in &digests {
                    let partner = json!({
                        "sign": digest.is_some(),
                        "digest_alg": digest.map_or("sha256", |(_, name)| name),
                        "encrypt": cipher.is_some(),
                        "enc_alg": cipher.map_or("aes_128_cbc", |(_, name)| name),
                        "compress": compress,
                        "mdn_mode": "SYNC",
                        "mdn_digest_alg": receipt.map(|(_, name)| name),
                    });
                    let made = peer.ask(&json!({
                        "act": "pack", "partner": partner, "content": STANDARD.encode(TEXT),
                        "filename": "order 1.edi", "type": "application/edi-x12",
                    }));
                    let (opened, request) = open(&peer, &made);
                    assert_eq!(opened.documents, [document(TEXT)], "{partner}");
                    let security = opened.security;
                    assert_eq!(security.signed, digest.map(|(digest, _)| digest), "{partner}");
                    assert_eq!(security.encrypted, cipher.map(|(cipher, _)| cipher), "{partner}");
                    assert_eq!(security.compressed.is_some(), compress, "{partner}");
                    if let Some(mic) = made["mic"].as_str() {
                        assert_eq!(STANDARD.encode(&opened.mic.value), mic, "{partner}");
                    }
                    let answer = answer(&mut peer, &made, &opened, &request);
                    assert_eq!(answer["status"], "processed", "{partner}: {answer}");
                    assert_eq!(answer["digest"], json!(receipt.map(|(_, name)| name)), "{partner}");
                }
            }
        }
    }
}

fn open(peer: &Peer, made: &Value) -> (Opened, ReceiptRequest) {
    let headers = headers(&made["headers"]);
    assert_eq!(Name::read(headers.get("AS2-From").unwrap()).unwrap().as_str(), "Peer \"one\"");
    let request = ReceiptRequest::read(&headers).unwrap();
    let micalg = request.digest().unwrap_or(Digest::Sha256);
    let body = bytes(&made["body"]);
    assert!(!mdn::is_mdn(&headers, &body, &Limits::default()));
    let opened = message::open(&headers, &body, peer.keys(), micalg, &Limits::default());
    (opened.unwrap(), request)
}

/// What pyas2lib makes of our receipt.
fn answer(peer: &mut Peer, made: &Value, opened: &Opened, request: &ReceiptRequest) -> Value {
    let receipt = Receipt {
        message_id: &format!("<{}>", made["id"].as_str().unwrap()),
        disposition: Disposition::Processed,
        mic: Some((&opened.mic, request.spelling(opened.mic.digest))),
        text: "The message was received.",
    };
    let signer = request.signed.then(|| (&peer.ours, request.digest().unwrap()));
    let written = Peer::envelope(None, |envelope| mdn::write(&receipt, envelope, signer)).unwrap();
    let body = STANDARD.encode(&written.body);
    peer.ask(&json!({"act": "receipt", "headers": written.headers, "body": body}))
}

#[test]
fn pyas2lib_opens_what_we_make_and_we_take_its_receipts() {
    let Some(mut peer) = Peer::start() else { return };
    let theirs = peer.theirs.certificate().clone();
    let ours = peer.ours.clone();
    let (digests, ciphers) = (DIGESTS.map(|(digest, _)| digest), CIPHERS.map(|(cipher, _)| cipher));
    for protection in protections(&ours, &digests, &ciphers, &[&theirs]) {
        for request in [ReceiptRequest::unsigned("x"), ReceiptRequest::signed("x", Digest::Sha256)]
        {
            let message = Peer::make(&[document(CONTENT)], &protection, &request);
            let answer = unpack(&mut peer, &message);
            assert_eq!(answer["status"], "processed", "{answer}");
            assert_eq!(bytes(&answer["content"]), CONTENT);
            assert_eq!(answer["id"], "4711@ours");
            assert_eq!(answer["signed"], protection.sign.is_some());
            assert_eq!(answer["encrypted"], protection.encrypt.is_some());
            assert_eq!(answer["compressed"], protection.compress.is_some());

            let judgement = judged(&peer, &answer["mdn"], &message, &request, false);
            assert_eq!(judgement.outcome, Outcome::Processed);
            let mut remarks = Vec::new();
            match protection.sign {
                // It knows no MIC of a message that is not signed.
                None => remarks.push(Remark::NoMic),
                Some((_, Digest::Sha1)) if request.signed => {
                    remarks.push(Remark::OtherDigest(Digest::Sha1));
                }
                Some(_) => {}
            }
            assert_eq!(judgement.remarks, remarks);
        }
    }
}

fn unpack(peer: &mut Peer, message: &Outgoing) -> Value {
    let body = STANDARD.encode(&message.body);
    peer.ask(&json!({"act": "unpack", "headers": message.headers, "body": body}))
}

fn judged(
    peer: &Peer,
    answer: &Value,
    message: &Outgoing,
    request: &ReceiptRequest,
    needs_mic: bool,
) -> mdn::Judgement {
    let (headers, body) = (headers(&answer["headers"]), bytes(&answer["body"]));
    assert!(mdn::is_mdn(&headers, &body, &Limits::default()));
    let mdn = mdn::read(&headers, &body, peer.keys().partner, &Limits::default()).unwrap();
    assert_eq!(mdn.signed, request.signed.then_some(Digest::Sha256));
    let sent = Sent {
        message_id: "<4711@ours>",
        to: "Peer \"one\"",
        mics: &message.mics,
        signed: request.signed.then_some(Digest::Sha256),
        needs_mic,
        is_answer: true,
    };
    mdn::judge(&mdn, &sent)
}

/// pyas2lib cannot read AES-GCM, and calls it processed: without a digest.
#[test]
fn a_peer_that_cannot_read_gcm_does_not_count_as_having_processed_it() {
    let Some(mut peer) = Peer::start() else { return };
    let (ours, theirs) = (peer.ours.clone(), peer.theirs.certificate().clone());
    let request = ReceiptRequest::signed("x", Digest::Sha256);
    let encrypt = Some(message::Encryption {
        cipher: Cipher::Aes256Gcm,
        padding: Padding::Pkcs1,
        recipients: &[&theirs],
    });
    let protection = Protection { sign: Some((&ours, Digest::Sha256)), encrypt, compress: None };
    let message = Peer::make(&[document(CONTENT)], &protection, &request);
    let answer = unpack(&mut peer, &message);
    let judgement = judged(&peer, &answer["mdn"], &message, &request, true);
    assert_eq!((&answer["status"], &answer["signed"]), (&json!("processed"), &json!(false)));
    assert_eq!(
        judgement,
        mdn::Judgement { outcome: Outcome::Unproven, remarks: vec![Remark::NoMic] }
    );
}
