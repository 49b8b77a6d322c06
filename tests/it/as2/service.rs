//! The service: messages come in over HTTP and are answered, documents leave as messages.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossdock::exceptions::Kind;
use crossdock::listener::Listener;
use crossdock::store::{As2Direction, As2Key, As2Message, As2State, Event, Exception};
use crossdock::transport::as2::cms::{Certificate, Cipher, Digest, Identity, Padding};
use crossdock::transport::as2::mdn::{self, Disposition, Mdn, Outcome, Receipt, Sent};
use crossdock::transport::as2::message::{
    self, Document, Encryption, Envelope, Keys, Limits, Outgoing, Protection, ReceiptRequest,
};
use crossdock::transport::as2::mime::{self, Headers, Part};
use crossdock::transport::as2::{Name, bare};
use jiff::Timestamp;
use tokio::sync::watch;

use super::identity;
use crate::house::{CONFIG, House, PROFILE, multi, order};

pub const US: &str = "NORTHDOCK";
pub const THEM: &str = "Harbor & Pine";
const URL: &str = "http://127.0.0.1:1/as2";

/// A request or an answer over HTTP.
#[derive(Debug, Clone)]
pub struct Http {
    /// The first line.
    pub start: String,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Http {
    fn read(stream: &mut impl std::io::Read) -> Self {
        let mut bytes = Vec::new();
        let mut chunk = [0; 16 * 1024];
        let mut whole = None;
        loop {
            let count = stream.read(&mut chunk).unwrap_or(0);
            bytes.extend_from_slice(&chunk[..count]);
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
            if let (None, Some(end)) = (&whole, end) {
                let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
                let (start, fields) = text.split_once("\r\n").unwrap_or((&text, ""));
                let fields = fields.lines().filter_map(|line| line.split_once(": "));
                let fields = fields.map(|(name, value)| (name, value.as_bytes()));
                let headers = Headers::of(fields, &mime::Limits::default()).unwrap();
                let length = headers.get("Content-Length").and_then(|n| n.parse().ok());
                whole = Some((start.to_owned(), headers, end + 4, length.unwrap_or(0_usize)));
            }
            match &whole {
                Some((start, headers, from, length))
                    if count == 0 || bytes.len() >= from + length =>
                {
                    let body = bytes[*from..].to_vec();
                    return Self { start: start.clone(), headers: headers.clone(), body };
                }
                None if count == 0 => {
                    let (start, headers) = (String::new(), Headers::default());
                    return Self { start, headers, body: bytes };
                }
                _ => {}
            }
        }
    }

    pub fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|n| n.parse().ok()).unwrap_or(0)
    }
}

/// Posts something, and reads the answer.
pub fn post(to: SocketAddr, headers: &[(&'static str, String)], body: &[u8]) -> Http {
    let mut head = format!("POST /as2 HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    write!(head, "Content-Length: {}\r\n\r\n", body.len()).unwrap();
    send(to, &[head.as_bytes(), body].concat())
}

/// Sends bytes as they are.
pub fn send(to: SocketAddr, bytes: &[u8]) -> Http {
    let mut stream = TcpStream::connect(to).unwrap();
    // A server that has refused what it was told reads no more of it.
    let _ = stream.write_all(bytes);
    Http::read(&mut stream)
}

/// What the partner's server answers.
type Answering = Box<dyn FnMut(&Http) -> (String, Vec<(&'static str, String)>, Vec<u8>) + Send>;

/// The partner: its key, its server, and what has come there.
pub struct Partner {
    pub theirs: Identity,
    pub ours: Identity,
    pub server: SocketAddr,
    pub answering: Arc<Mutex<Answering>>,
    pub requests: Receiver<Http>,
}

impl Partner {
    pub fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let (sender, requests) = channel();
        let nothing: Answering = Box::new(|_| ("204 No Content".to_owned(), vec![], vec![]));
        let answering = Arc::new(Mutex::new(nothing));
        let answers = Arc::clone(&answering);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = Http::read(&mut stream);
                let (status, headers, body) = (answers.lock().unwrap())(&request);
                let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
                for (name, value) in headers {
                    write!(head, "{name}: {value}\r\n").unwrap();
                }
                write!(head, "Content-Length: {}\r\n\r\n", body.len()).unwrap();
                let _ = stream.write_all(&[head.as_bytes(), &body].concat());
                if sender.send(request).is_err() {
                    return;
                }
            }
        });
        Self {
            theirs: identity("theirs.pem"),
            ours: identity("ours.pem"),
            server,
            answering,
            requests,
        }
    }

    /// What the server answers from now on.
    pub fn answer(
        &self,
        with: impl FnMut(&Http) -> (String, Vec<(&'static str, String)>, Vec<u8>) + Send + 'static,
    ) {
        *self.answering.lock().unwrap() = Box::new(with);
    }

    /// A message of the partner's.
    pub fn message(&self, id: &str, text: &[u8], receipt: Option<&ReceiptRequest>) -> Outgoing {
        let protection = Protection {
            sign: Some((&self.theirs, Digest::Sha256)),
            encrypt: Some(Encryption {
                cipher: Cipher::Aes128Cbc,
                padding: Padding::Pkcs1,
                recipients: &[self.ours.certificate()],
            }),
            compress: None,
        };
        Self::protected(id, text, receipt, &protection)
    }

    pub fn protected(
        id: &str,
        text: &[u8],
        receipt: Option<&ReceiptRequest>,
        protection: &Protection<'_>,
    ) -> Outgoing {
        let (from, to) = (Name::new(THEM).unwrap(), Name::new(US).unwrap());
        let envelope = Envelope {
            from: &from,
            to: &to,
            message_id: id,
            subject: "Order",
            date: Timestamp::now(),
            receipt,
        };
        let document = Document {
            content: text.to_vec(),
            content_type: "application/edi-x12".to_owned(),
            filename: Some("order.edi".to_owned()),
        };
        message::build(&[document], &envelope, protection).unwrap()
    }

    /// What a receipt of ours says.
    pub fn read(&self, answer: &Http) -> Mdn {
        let certificates = [self.ours.certificate().clone()];
        mdn::read(&answer.headers, &answer.body, &certificates, &Limits::default()).unwrap()
    }
}

/// How the partner answers a message of ours: opens it, and writes a receipt.
pub struct Taker {
    pub theirs: Identity,
    pub ours: Certificate,
    pub signed: bool,
    pub disposition: Disposition,
    /// The MIC of other content.
    pub wrong_mic: bool,
    pub mic: bool,
}

impl Taker {
    pub fn good(partner: &Partner) -> Self {
        Self {
            theirs: partner.theirs.clone(),
            ours: partner.ours.certificate().clone(),
            signed: true,
            disposition: Disposition::Processed,
            wrong_mic: false,
            mic: true,
        }
    }

    /// The receipt, and the document.
    pub fn receipt(&self, request: &Http) -> (Part, Vec<u8>) {
        let own = [self.theirs.clone()];
        let keys = Keys { own: &own, partner: std::slice::from_ref(&self.ours) };
        let limits = Limits::default();
        let opened =
            message::open(&request.headers, &request.body, keys, Digest::Sha256, &limits).unwrap();
        let mut mic = opened.mic.clone();
        if self.wrong_mic {
            mic.value[0] ^= 1;
        }
        let id = request.headers.get("Message-ID").unwrap();
        let receipt = Receipt {
            message_id: id,
            disposition: self.disposition.clone(),
            mic: self.mic.then_some((&mic, "sha-256")),
            text: "It was received.",
        };
        let (from, to) = (Name::new(THEM).unwrap(), Name::new(US).unwrap());
        let envelope = Envelope {
            from: &from,
            to: &to,
            message_id: "r1@them",
            subject: "Receipt",
            date: Timestamp::now(),
            receipt: None,
        };
        let signer = self.signed.then_some((&self.theirs, Digest::Sha256));
        let part = mdn::write(&receipt, &envelope, signer).unwrap();
        (part, opened.documents[0].content.clone())
    }

    pub fn answer(&self, request: &Http) -> (String, Vec<(&'static str, String)>, Vec<u8>) {
        let (part, _) = self.receipt(request);
        ("200 OK".to_owned(), part.headers, part.body)
    }
}

/// The settings of the partner, and more of them.
pub fn profile(server: SocketAddr, more: &str) -> String {
    let (start, rest) = PROFILE.split_once("[mailbox]").unwrap();
    let (section, rest) = rest
        .split_once("\n[")
        .map_or((rest, String::new()), |(section, rest)| (section, format!("\n[{rest}")));
    let section = section.lines().filter(|line| line.trim().starts_with("folder"));
    let section: Vec<&str> = section.collect();
    format!(
        "{start}[mailbox]\n{}\n[mailbox.as2]\nown_name = \"{US}\"\npartner_name = \"{THEM}\"\n\
         url = \"http://{server}/in\"\nkey = \"file:keys/us.pem\"\n\
         certificates = [\"keys/them.pem\"]\n{more}\n{rest}",
        section.join("\n")
    )
}

pub fn keys(folder: &std::path::Path) {
    fs::create_dir_all(folder.join("keys")).unwrap();
    fs::write(folder.join("keys/us.pem"), identity("ours.pem").to_pem().unwrap()).unwrap();
    let theirs = identity("theirs.pem").certificate().x509().to_pem().unwrap();
    fs::write(folder.join("keys/them.pem"), theirs).unwrap();
    fs::write(folder.join("keys/password"), "open sesame\n").unwrap();
}

/// A gateway with its listener, and a partner.
pub struct Service {
    pub house: House,
    pub address: SocketAddr,
    pub partner: Partner,
    stopper: watch::Sender<bool>,
    listening: tokio::task::JoinHandle<()>,
}

impl Service {
    pub async fn open(more: &str) -> Self {
        Self::named((THEM, US), more).await
    }

    /// With another key of ours.
    pub async fn with_key(more: &str, ours: &Identity) -> Self {
        Self::starting((THEM, US), "", more, Some(ours)).await
    }

    /// Under other names, the partner's first.
    pub async fn named(names: (&str, &str), more: &str) -> Self {
        Self::starting(names, "", more, None).await
    }

    /// With more in `[as2]`.
    pub async fn configured(config: &str, more: &str) -> Self {
        Self::starting((THEM, US), config, more, None).await
    }

    async fn starting(
        (theirs, us): (&str, &str),
        config: &str,
        more: &str,
        ours: Option<&Identity>,
    ) -> Self {
        let partner = Partner::open();
        let folder = tempfile::tempdir().unwrap();
        keys(folder.path());
        if let Some(ours) = ours {
            fs::write(folder.path().join("keys/us.pem"), ours.to_pem().unwrap()).unwrap();
        }
        let config =
            format!("{CONFIG}\n[as2]\nlisten = \"127.0.0.1:0\"\nurl = \"{URL}\"\n{config}\n");
        let profile = profile(partner.server, more);
        let profile = profile.replace(&format!("\"{THEM}\""), &format!("'{theirs}'"));
        let profile = profile.replace(&format!("\"{US}\""), &format!("'{us}'"));
        let house = House::within(folder, &config, &profile);
        let listener = Listener::open(&house.gateway).await.unwrap().unwrap();
        let address = listener.address().unwrap();
        let (stopper, stop) = watch::channel(false);
        let listening = tokio::spawn(listener.serve(Arc::clone(&house.gateway), stop));
        Self { house, address, partner, stopper, listening }
    }

    pub async fn close(self) -> tempfile::TempDir {
        self.stopper.send(true).unwrap();
        self.listening.await.unwrap();
        self.house.close().await
    }

    pub fn post(&self, message: &Outgoing) -> Http {
        let (address, headers, body) = (self.address, &message.headers, &message.body);
        tokio::task::block_in_place(|| post(address, headers, body))
    }

    pub fn received(&self, id: &str) -> Option<As2Message> {
        let key = As2Key {
            direction: As2Direction::Received,
            theirs: THEM.to_owned(),
            ours: US.to_owned(),
            message_id: bare(id).to_owned(),
        };
        self.house.gateway.store().as2_message(&key).unwrap()
    }

    pub fn exceptions(&self) -> Vec<Exception> {
        self.house.gateway.store().open_exceptions(0, 100).unwrap()
    }

    pub fn kinds(&self) -> Vec<Kind> {
        self.exceptions().into_iter().map(|one| one.kind).collect()
    }

    pub fn request(&self) -> Http {
        tokio::task::block_in_place(|| {
            self.partner.requests.recv_timeout(std::time::Duration::from_mins(1)).unwrap()
        })
    }
}

fn signed() -> ReceiptRequest {
    ReceiptRequest::signed("x", Digest::Sha256)
}

#[test]
fn a_message_is_taken_once_and_answered_as_often_as_it_comes() {
    multi().block_on(async {
        let mut service = Service::open("receipt = \"none\"").await;
        let text = order(1, "PO-1");
        let request = signed();
        let message = service.partner.message("1@them", text.as_bytes(), Some(&request));
        let answer = service.post(&message);
        assert_eq!(answer.status(), 200);
        let receipt = service.partner.read(&answer);
        assert_eq!(receipt.signed, Some(Digest::Sha256));
        let sent = Sent {
            message_id: "1@them",
            to: US,
            mics: &message.mics,
            signed: Some(Digest::Sha256),
            needs_mic: true,
            is_answer: true,
        };
        let judgement = mdn::judge(&receipt, &sent);
        assert_eq!((judgement.outcome, judgement.remarks), (Outcome::Processed, vec![]));
        service.house.wait(Event::DocumentDelivered).await;
        // The 997 left as a message.
        service.house.wait(Event::InterchangeSent).await;

        // The same bytes again; the same document encrypted anew.
        let anew = service.partner.message("<1@them>", text.as_bytes(), Some(&request));
        assert_ne!(anew.body, message.body);
        for again in [&message, &anew] {
            let repeated = service.post(again);
            assert_eq!((repeated.status(), &repeated.body), (200, &answer.body));
            assert_eq!(repeated.headers.get("Message-ID"), answer.headers.get("Message-ID"));
            service.house.wait(Event::As2Repeated).await;
        }
        // Without a receipt there is nothing to say.
        let silent = service.partner.message("1@them", text.as_bytes(), None);
        let silent = service.post(&silent);
        assert_eq!((silent.status(), silent.body.len()), (200, 0));
        let record = service.received("1@them").unwrap();
        assert_eq!(record.state, As2State::Taken);
        assert_eq!(service.house.outcomes().len(), 1, "taken in once");
        assert_eq!(service.kinds(), []);

        // The same number with something else.
        let other = order(2, "PO-2");
        let other = service.partner.message("1@them", other.as_bytes(), Some(&request));
        let receipt = service.partner.read(&service.post(&other));
        let error = Disposition::Error("unexpected-processing-error".to_owned());
        assert_eq!(receipt.disposition, error);
        assert!(receipt.text.contains("Message-ID was used before"), "{}", receipt.text);
        assert_eq!(service.kinds(), [Kind::As2MessageIdReused]);
        assert_eq!(service.received("1@them").unwrap(), record);
        assert_eq!(service.house.names("warehouse/harbor-and-pine/orders").len(), 1);
        service.close().await;
    });
}

/// Messages that are not what was agreed, or cannot be opened, and what their receipts say.
fn unwelcome<'a>(
    partner: &'a Partner,
    stranger: &'a Identity,
    (us, other): (&'a [&'a Certificate], &'a [&'a Certificate]),
) -> [(&'static str, Protection<'a>, &'static str); 5] {
    let protection = |sign, encrypt: Option<(Cipher, &'a [&'a Certificate])>| Protection {
        sign,
        encrypt: encrypt.map(|(cipher, recipients)| Encryption {
            cipher,
            padding: Padding::Pkcs1,
            recipients,
        }),
        compress: None,
    };
    let (theirs, aes) = (&partner.theirs, Some((Cipher::Aes128Cbc, us)));
    let new = Some((theirs, Digest::Sha256));
    [
        ("plain", Protection::default(), "insufficient-message-security"),
        ("unsigned", protection(None, aes), "insufficient-message-security"),
        (
            "old",
            protection(Some((theirs, Digest::Sha1)), Some((Cipher::TripleDes, us))),
            "insufficient-message-security",
        ),
        ("strange", protection(Some((stranger, Digest::Sha256)), aes), "authentication-failed"),
        ("other", protection(new, Some((Cipher::Aes256Gcm, other))), "decryption-failed"),
    ]
}

#[test]
fn what_was_not_agreed_or_cannot_be_opened_is_refused_kept_and_may_come_again() {
    multi().block_on(async {
        let service = Service::open("receipt = \"none\"").await;
        let text = order(1, "PO-1");
        let request = signed();
        let partner = &service.partner;
        let now = Timestamp::now();
        let tomorrow = now + jiff::SignedDuration::from_hours(24);
        let stranger = Identity::self_signed("Stranger", 2048, now, tomorrow).unwrap();
        let (us, other) = ([partner.ours.certificate()], [stranger.certificate()]);
        let cases = unwelcome(partner, &stranger, (&us, &other));
        for (id, protection, word) in &cases {
            let message = Partner::protected(id, text.as_bytes(), Some(&request), protection);
            for _ in 0..2 {
                let receipt = partner.read(&service.post(&message));
                assert_eq!(receipt.disposition, Disposition::Error((*word).to_owned()), "{id}");
                assert!(receipt.mic.is_none());
            }
            assert!(service.received(id).is_none());
        }
        // Without a receipt the status says it.
        let silent = Partner::protected("plain", text.as_bytes(), None, &Protection::default());
        assert_eq!(service.post(&silent).status(), 400);
        let kinds = service.kinds();
        assert!(kinds.iter().all(|kind| *kind == Kind::As2MessageRefused), "{kinds:?}");
        let items: u32 = service.exceptions().iter().map(|one| one.items).sum();
        assert_eq!((kinds.len(), items), (3, 5), "one of a cause, one item of a message");
        assert_eq!(service.house.outcomes(), []);

        // What failed first is no duplicate.
        for (id, _, _) in &cases {
            let good = partner.message(id, text.as_bytes(), Some(&request));
            let receipt = partner.read(&service.post(&good));
            assert_eq!(receipt.disposition, Disposition::Processed);
        }
        assert_eq!(service.kinds(), [], "they mended themselves");
        service.close().await;
    });
}

#[test]
fn strangers_and_nonsense_are_answered_and_make_nothing_grow() {
    multi().block_on(async {
        let service = Service::open("receipt = \"none\"").await;
        let text = order(1, "PO-1");
        let request = signed().later("http://127.0.0.1:1/");
        let message = service.partner.message("1@them", text.as_bytes(), Some(&request));
        let journal = service.house.gateway.store().last_journal().unwrap();
        for number in 0..30 {
            let headers: Vec<_> = message
                .headers
                .iter()
                .map(|(name, value)| match *name {
                    "AS2-From" => (*name, format!("Stranger-{number}")),
                    _ => (*name, value.clone()),
                })
                .collect();
            let address = service.address;
            let answer =
                tokio::task::block_in_place(|| post(address, &headers, &message.body));
            let mdn =
                mdn::read(&answer.headers, &answer.body, &[] as &[Certificate], &Limits::default());
            let error = Disposition::Error("authentication-failed".to_owned());
            assert_eq!(mdn.unwrap().disposition, error);
        }
        assert_eq!(service.kinds(), [Kind::As2PartnerUnknown]);
        let told = service.house.gateway.store().last_journal().unwrap() - journal;
        assert!(told <= 30, "{told}");

        let long = "x".repeat(5000);
        let many = "A: 1\r\n".repeat(10_000);
        let cases: Vec<(Vec<u8>, u16)> = vec![
            (b"POST /as2 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx".to_vec(), 400),
            (b"GET /as2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(), 200),
            (b"PUT /as2 HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), 405),
            (b"POST /other HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), 404),
            (b"POST /as2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000000\r\n\r\nx".to_vec(), 413),
            (format!("POST /as2 HTTP/1.1\r\n{many}\r\n").into_bytes(), 431),
            (
                format!("POST /as2 HTTP/1.1\r\nHost: x\r\nAS2-From: {long}\r\nAS2-To: a\r\nMessage-ID: 1\r\nContent-Length: 0\r\n\r\n").into_bytes(),
                400,
            ),
            (
                format!("POST /as2 HTTP/1.1\r\nHost: x\r\nAS2-From: \"{THEM}\"\r\nAS2-To: {US}\r\nMessage-ID: 1\r\nContent-Type: multipart/signed\r\nContent-Length: 4\r\n\r\nabcd").into_bytes(),
                400,
            ),
        ];
        for (bytes, status) in cases {
            let address = service.address;
            let answer = tokio::task::block_in_place(|| send(address, &bytes));
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
            assert_eq!(answer.status(), status, "{shown}");
        }
        service.close().await;
    });
}

#[test]
fn chunked_bodies_are_taken_and_end_where_the_limit_is() {
    multi().block_on(async {
        let service = Service::open("receipt = \"none\"").await;
        let text = order(1, "PO-1");
        let message = service.partner.message("1@them", text.as_bytes(), Some(&signed()));
        let head = |message: &Outgoing| {
            let fields = message.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
            format!(
                "POST /as2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n{}\r\n",
                fields.collect::<String>()
            )
        };
        let mut bytes = head(&message).into_bytes();
        for chunk in message.body.chunks(100) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        let address = service.address;
        let answer = tokio::task::block_in_place(|| send(address, &bytes));
        assert_eq!(service.partner.read(&answer).disposition, Disposition::Processed);

        // One that does not end.
        let mut endless = head(&message).into_bytes();
        for _ in 0..40 {
            endless.extend_from_slice(b"10000\r\n");
            endless.extend(std::iter::repeat_n(b'x', 0x10000));
            endless.extend_from_slice(b"\r\n");
        }
        let answer = tokio::task::block_in_place(|| send(address, &endless));
        assert_eq!(answer.status(), 413);
        service.close().await;
    });
}

#[test]
fn a_receipt_is_sent_later_where_that_was_agreed_and_nowhere_else() {
    multi().block_on(async {
        let mut service = Service::open("receipt = \"none\"").await;
        let text = order(1, "PO-1");
        let later = signed().later(&format!("http://{}/mdn", service.partner.server));
        let message = service.partner.message("1@them", text.as_bytes(), Some(&later));
        let answer = service.post(&message);
        assert_eq!((answer.status(), answer.body.len()), (200, 0));
        let receipt = std::iter::repeat_with(|| service.request())
            .find(|request| request.start.starts_with("POST /mdn"))
            .unwrap();
        let mdn = service.partner.read(&receipt);
        assert_eq!(mdn.disposition, Disposition::Processed);
        assert_eq!(mdn.original_message_id.as_deref(), Some("1@them"));
        service.house.wait(Event::As2ReceiptSent).await;

        let elsewhere = signed().later("http://metadata.internal/mdn");
        let message = service.partner.message("2@them", text.as_bytes(), Some(&elsewhere));
        let answer = service.post(&message);
        assert_eq!(service.partner.read(&answer).disposition, Disposition::Processed);
        assert_eq!(service.kinds(), [Kind::As2ReceiptAddress]);
        service.close().await;
    });
}

/// Has the gateway write a 997, which leaves as a message.
async fn provoke(service: &mut Service, number: u32) {
    let text = order(number, &format!("PO-{number}"));
    let message = service.partner.message(&format!("in-{number}@them"), text.as_bytes(), None);
    assert_eq!(service.post(&message).status(), 200);
    service.house.wait(Event::AcknowledgementRendered).await;
}

fn sent(service: &Service, id: &str) -> As2Message {
    let key = As2Key {
        direction: As2Direction::Sent,
        theirs: THEM.to_owned(),
        ours: US.to_owned(),
        message_id: bare(id).to_owned(),
    };
    service.house.gateway.store().as2_message(&key).unwrap().unwrap()
}

#[test]
fn a_document_leaves_as_one_message_until_its_receipt_comes() {
    multi().block_on(async {
        let login = "user = \"northdock\"\npassword = \"file:keys/password\"";
        let mut service = Service::open(login).await;
        let receiver = Taker::good(&service.partner);
        // The server fails, answers without a receipt, and only then does what it should.
        let mut attempt = 0;
        service.partner.answer(move |request| {
            attempt += 1;
            match attempt {
                1 => ("503 Busy".to_owned(), vec![], b"later".to_vec()),
                2 => ("200 OK".to_owned(), vec![], vec![]),
                _ => receiver.answer(request),
            }
        });
        provoke(&mut service, 1).await;
        let record = service.house.wait(Event::As2Receipt).await;
        service.house.wait(Event::InterchangeSent).await;
        let requests = [service.request(), service.request(), service.request()];
        for again in &requests[1..] {
            assert_eq!(again.body, requests[0].body);
            assert_eq!(again.headers, requests[0].headers);
        }
        let id = requests[0].headers.get("Message-ID").unwrap();
        let message = sent(&service, id);
        assert_eq!((message.state, message.receipt_signed), (As2State::Processed, true));
        assert_eq!(record.entry.payload, message.receipt);
        assert_eq!(record.entry.note, "processed");
        let receiver = Taker::good(&service.partner);
        let (_, content) = receiver.receipt(&requests[0]);
        assert_eq!(service.house.gateway.store().payload(message.content).unwrap(), content);
        assert!(content.starts_with(b"ISA*"));
        assert_eq!(requests[0].headers.get("Transfer-Encoding"), None, "some refuse chunks");
        let login = STANDARD.encode("northdock:open sesame");
        assert_eq!(requests[0].headers.get("Authorization"), Some(&*format!("Basic {login}")));
        service.close().await;
    });
}

#[test]
fn a_receipt_that_proves_nothing_is_for_a_person_whatever_it_says() {
    for (name, change) in [
        ("other content", (|r: &mut Taker| r.wrong_mic = true) as fn(&mut Taker)),
        ("not signed", |r| r.signed = false),
        ("not processed", |r| {
            r.disposition = Disposition::Error("decryption-failed".to_owned());
            r.mic = false;
        }),
    ] {
        multi().block_on(async {
            let mut service = Service::open("").await;
            let mut receiver = Taker::good(&service.partner);
            change(&mut receiver);
            service.partner.answer(move |request| receiver.answer(request));
            provoke(&mut service, 1).await;
            let told = service.house.wait(Event::WorkParked).await;
            let first = service.request();
            let message = sent(&service, first.headers.get("Message-ID").unwrap());
            assert_eq!(message.state, As2State::Refused, "{name}");
            let open = service.exceptions();
            assert_eq!(open.len(), 1, "{name}");
            assert_eq!(open[0].kind, Kind::As2ReceiptNegative, "{name}");
            assert!(open[0].words.contains(name), "{name}: {} {}", open[0].words, told.entry.note);

            // Mended: a new message of the same document.
            let receiver = Taker::good(&service.partner);
            let (_, content) = receiver.receipt(&first);
            service.partner.answer(move |request| receiver.answer(request));
            let (_, code) = service.house.command(&[
                "exceptions",
                "retry",
                &open[0].id.to_string(),
                "--who",
                "dana",
            ]);
            assert_eq!(code, 0);
            service.house.wait(Event::InterchangeSent).await;
            let second = service.request();
            assert_ne!(second.headers.get("Message-ID"), first.headers.get("Message-ID"));
            assert_eq!(Taker::good(&service.partner).receipt(&second).1, content);
            assert_eq!(service.kinds(), []);
            service.close().await;
        });
    }
}

#[test]
fn a_receipt_that_comes_later_closes_its_message() {
    multi().block_on(async {
        let mut service = Service::open("receipt = \"async\"").await;
        provoke(&mut service, 1).await;
        service.house.wait(Event::InterchangeSent).await;
        let request = service.request();
        assert_eq!(request.headers.get("Receipt-Delivery-Option"), Some(URL));
        let id = request.headers.get("Message-ID").unwrap().to_owned();
        assert_eq!(sent(&service, &id).state, As2State::Awaited);
        let (receipt, _) = Taker::good(&service.partner).receipt(&request);
        let address = service.address;
        let post_receipt =
            |part: &Part| tokio::task::block_in_place(|| post(address, &part.headers, &part.body));
        assert_eq!(post_receipt(&receipt).status(), 200);
        service.house.wait(Event::As2Receipt).await;
        assert_eq!(sent(&service, &id).state, As2State::Processed);
        // Once more it changes nothing; one for nothing is not taken.
        assert_eq!(post_receipt(&receipt).status(), 200);
        let text = String::from_utf8(receipt.body.clone()).unwrap();
        let bare = bare(&id).to_owned();
        let altered = text.replace(&bare, "unknown@us");
        let forged = Part { headers: receipt.headers.clone(), body: altered.into_bytes() };
        assert_eq!(post_receipt(&forged).status(), 400);
        let unsigned = Taker { signed: false, ..Taker::good(&service.partner) };
        let (unsigned, _) = unsigned.receipt(&request);
        let text = String::from_utf8(unsigned.body).unwrap().replace(&bare, "unknown@us");
        let unknown = Part { headers: unsigned.headers, body: text.into_bytes() };
        assert_eq!(post_receipt(&unknown).status(), 404);
        assert_eq!(service.kinds(), []);
        service.close().await;
    });
}

#[test]
fn an_overdue_receipt_has_the_message_sent_again_and_then_a_person_told() {
    multi().block_on(async {
        let more = "receipt = \"async\"\nreceipt_within = \"1s\"\nretries = 2";
        let mut service = Service::open(more).await;
        provoke(&mut service, 1).await;
        service.house.wait(Event::As2Resent).await;
        service.house.wait(Event::As2Resent).await;
        service.house.wait(Event::WorkParked).await;
        let requests = [service.request(), service.request(), service.request()];
        assert!(requests.iter().all(|request| request.body == requests[0].body));
        let open = service.exceptions();
        assert_eq!((open.len(), open[0].kind), (1, Kind::As2ReceiptOverdue));

        // The receipt comes at last.
        let (part, _) = Taker::good(&service.partner).receipt(&requests[0]);
        let address = service.address;
        let answer = tokio::task::block_in_place(|| post(address, &part.headers, &part.body));
        assert_eq!(answer.status(), 200);
        service.house.wait(Event::As2Receipt).await;
        assert_eq!(service.kinds(), [], "it mended itself");
        service.close().await;
    });
}

#[test]
fn the_same_message_on_many_connections_at_once_is_taken_once() {
    multi().block_on(async {
        let service = Service::open("receipt = \"none\"").await;
        let text = order(1, "PO-1");
        let message = service.partner.message("1@them", text.as_bytes(), Some(&signed()));
        let (address, message) = (service.address, &message);
        let answers: Vec<Http> = tokio::task::block_in_place(|| {
            std::thread::scope(|scope| {
                let all: Vec<_> = (0..8)
                    .map(|_| scope.spawn(|| post(address, &message.headers, &message.body)))
                    .collect();
                all.into_iter().map(|one| one.join().unwrap()).collect()
            })
        });
        assert!(answers.iter().all(|answer| answer.status() == 200));
        assert!(answers.iter().all(|answer| answer.body == answers[0].body));
        let received = service.house.gateway.store().journal(0, 1000).unwrap();
        let count = |event| received.iter().filter(|record| record.entry.event == event).count();
        assert_eq!((count(Event::As2Received), count(Event::As2Repeated)), (1, 7));
        assert_eq!(count(Event::FileReceived), 1);
        service.close().await;
    });
}

#[test]
fn who_does_not_end_is_cut_off_and_the_next_is_heard() {
    multi().block_on(async {
        let service = Service::configured("request_seconds = 1", "receipt = \"none\"").await;
        let begun = b"POST /as2 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nISA";
        let address = service.address;
        let answer = tokio::task::block_in_place(|| send(address, begun));
        assert_eq!(answer.status(), 408);
        service.close().await;
    });
}

#[test]
fn messages_come_over_tls_where_there_is_a_certificate() {
    use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
    let tls = "certificate = \"keys/us.pem\"\nkey = \"file:keys/us.pem\"";
    multi().block_on(async {
        let service = Service::configured(tls, "receipt = \"none\"").await;
        let text = order(1, "PO-1");
        let message = service.partner.message("1@them", text.as_bytes(), Some(&signed()));
        let length = ("Content-Length", message.body.len().to_string());
        let mut headers =
            vec![("Host", "us".to_owned()), ("Connection", "close".to_owned()), length];
        headers.extend(message.headers.clone());
        let request = Part { headers, body: message.body.clone() }.to_bytes();
        let address = service.address;
        let answer = tokio::task::block_in_place(|| {
            let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
            // Who it is is the business of TLS clients, not of this test.
            connector.set_verify(SslVerifyMode::NONE);
            let stream = TcpStream::connect(address).unwrap();
            let mut stream = connector.build().connect("us.example", stream).unwrap();
            stream.write_all(&[b"POST /as2 HTTP/1.1\r\n", &*request].concat()).unwrap();
            Http::read(&mut stream)
        });
        assert_eq!(service.partner.read(&answer).disposition, Disposition::Processed);
        service.close().await;
    });
}
