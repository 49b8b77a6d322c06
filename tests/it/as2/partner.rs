//! A partner with a server of its own, and a gateway with its listener, for the tests of the service.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use crossdock::exceptions::Kind;
use crossdock::listener::open_as2;
use crossdock::store::{As2Direction, As2Key, As2Message, Event, Exception};
use crossdock::transport::as2::cms::{Certificate, Cipher, Digest, Identity, Padding};
use crossdock::transport::as2::mdn::{self, Disposition, Mdn, Receipt};
use crossdock::transport::as2::message::{
    self, Document, Encryption, Envelope, Keys, Limits, Outgoing, Protection, ReceiptRequest,
};
use crossdock::transport::as2::mime::{self, Headers, Part};
use crossdock::transport::as2::{Name, bare};
use jiff::Timestamp;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tokio::sync::watch;

use super::identity;
use crate::house::{CONFIG, House, PROFILE, order};

pub const US: &str = "NORTHDOCK";
pub const THEM: &str = "Harbor & Pine";
pub const URL: &str = "http://127.0.0.1:1/as2";

/// A request or an answer over HTTP.
#[derive(Debug, Clone)]
pub struct Http {
    /// The first line.
    pub start: String,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Http {
    pub fn read(stream: &mut impl std::io::Read) -> Self {
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

    /// As it stood on the wire, to be given on; its address without the host.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (method, rest) = self.start.split_once(" http://").unwrap();
        let path = &rest[rest.find('/').unwrap()..];
        let mut head = format!("{method} {path}\r\n");
        for (name, value) in self.headers.iter() {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
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
pub type Answering = Box<dyn FnMut(&Http) -> (String, Vec<(&'static str, String)>, Vec<u8>) + Send>;

/// The partner: its key, its server, and what has come there.
pub struct Partner {
    pub theirs: Identity,
    pub ours: Identity,
    pub server: SocketAddr,
    pub answering: Arc<Mutex<Answering>>,
    pub requests: Receiver<Http>,
    /// Whether its server speaks TLS.
    secret: bool,
}

/// Reads a request, and answers it; nothing where none comes, as where TLS is not agreed.
fn serve(
    stream: &mut (impl std::io::Read + std::io::Write),
    answers: &Mutex<Answering>,
) -> Option<Http> {
    let request = Http::read(stream);
    if request.start.is_empty() {
        return None;
    }
    let (status, headers, body) = (answers.lock().unwrap())(&request);
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    write!(head, "Content-Length: {}\r\n\r\n", body.len()).unwrap();
    let _ = stream.write_all(&[head.as_bytes(), &body].concat());
    Some(request)
}

impl Partner {
    pub fn open() -> Self {
        Self::over(None)
    }

    /// With a server that speaks TLS.
    pub fn over(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let (sender, requests) = channel();
        let nothing: Answering = Box::new(|_| ("204 No Content".to_owned(), vec![], vec![]));
        let answering = Arc::new(Mutex::new(nothing));
        let (answers, secret) = (Arc::clone(&answering), tls.is_some());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = match &tls {
                    None => serve(&mut stream, &answers),
                    Some(tls) => {
                        let connection = ServerConnection::new(Arc::clone(tls)).unwrap();
                        serve(&mut StreamOwned::new(connection, stream), &answers)
                    }
                };
                if request.is_some_and(|request| sender.send(request).is_err()) {
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
            secret,
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

    /// The receipt, and the first document.
    pub fn receipt(&self, request: &Http) -> (Part, Vec<u8>) {
        let (part, mut documents) = self.receipt_of_all(request);
        (part, documents.swap_remove(0).1)
    }

    /// The receipt, and all documents with their names.
    pub fn receipt_of_all(&self, request: &Http) -> (Part, Vec<(String, Vec<u8>)>) {
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
        let named = |one: Document| (one.filename.unwrap_or_default(), one.content);
        (part, opened.documents.into_iter().map(named).collect())
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

pub fn keys(folder: &Path) {
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
        let key = |folder: &Path| {
            fs::write(folder.join("keys/us.pem"), ours.to_pem().unwrap()).unwrap();
        };
        Self::with(Partner::open(), key, more).await
    }

    /// With a partner that is there already, and other files.
    pub async fn with(partner: Partner, files: impl FnOnce(&Path), more: &str) -> Self {
        Self::starting(partner, (THEM, US), "", more, files).await
    }

    /// Under other names, the partner's first.
    pub async fn named(names: (&str, &str), more: &str) -> Self {
        Self::starting(Partner::open(), names, "", more, |_| {}).await
    }

    /// With more in `[as2]`.
    pub async fn configured(config: &str, more: &str) -> Self {
        Self::starting(Partner::open(), (THEM, US), config, more, |_| {}).await
    }

    async fn starting(
        partner: Partner,
        (theirs, us): (&str, &str),
        config: &str,
        more: &str,
        files: impl FnOnce(&Path),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        keys(folder.path());
        files(folder.path());
        let config =
            format!("{CONFIG}\n[as2]\nlisten = \"127.0.0.1:0\"\nurl = \"{URL}\"\n{config}\n");
        let profile = profile(partner.server, more);
        let scheme = if partner.secret { "https://" } else { "http://" };
        let profile = profile.replace("url = \"http://", &format!("url = \"{scheme}"));
        let profile = profile.replace(&format!("\"{THEM}\""), &format!("'{theirs}'"));
        let profile = profile.replace(&format!("\"{US}\""), &format!("'{us}'"));
        let house = House::within(folder, &config, &profile);
        let listener = open_as2(&house.gateway).await.unwrap().unwrap();
        let address = listener.address().unwrap();
        let (stopper, stop) = watch::channel(false);
        let listening = tokio::spawn(listener.serve(stop));
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

    /// What we answer to an order of the partner's that is signed with this key; the number of the message is that of the
    /// interchange.
    pub fn answer_to(&mut self, number: u32, with: &Identity) -> Disposition {
        self.partner.theirs = with.clone();
        let text = order(number, &format!("PO-{number}"));
        let asked = ReceiptRequest::signed("x", Digest::Sha256);
        let message = self.partner.message(&number.to_string(), text.as_bytes(), Some(&asked));
        self.partner.read(&self.post(&message)).disposition
    }

    /// The words of the exception of a kind that is open, once there is one.
    pub async fn told(&self, kind: Kind) -> String {
        let mut records = self.house.gateway.subscribe();
        let wait = async {
            loop {
                if let Some(one) = self.exceptions().into_iter().find(|one| one.kind == kind) {
                    return one.words;
                }
                self.house.gateway.look_now();
                records.recv().await.unwrap();
            }
        };
        tokio::time::timeout(std::time::Duration::from_mins(1), wait).await.unwrap()
    }

    /// Writes the profile with something else in it, and waits until that is in force.
    pub async fn change(&mut self, old: &str, new: &str) {
        let profile = self.house.path("partners/harbor-and-pine/partner.toml");
        let text = fs::read_to_string(profile).unwrap();
        assert!(text.contains(old), "{old}");
        self.house.put("partners/harbor-and-pine", "partner.toml", &text.replace(old, new));
        self.house.wait(Event::ProfileChanged).await;
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

/// Has the gateway write a 997, which leaves as a message.
pub async fn provoke(service: &mut Service, number: u32) {
    let text = order(number, &format!("PO-{number}"));
    let message = service.partner.message(&format!("in-{number}@them"), text.as_bytes(), None);
    assert_eq!(service.post(&message).status(), 200);
    service.house.wait(Event::AcknowledgementRendered).await;
}

/// An interchange with so many groups, each with an order.
pub fn groups(count: u32) -> String {
    let group = |number| {
        let text = order(number, &format!("PO-{number}"));
        let (from, to) = (text.find("GS*").unwrap(), text.find("IEA*").unwrap());
        text[from..to].to_owned()
    };
    let frame = order(1, "PO-1");
    let (head, rest) = frame.split_at(frame.find("GS*").unwrap());
    let trailer = rest[rest.find("IEA*").unwrap()..].replace("IEA*1*", &format!("IEA*{count}*"));
    format!("{head}{}{trailer}", (1..=count).map(group).collect::<String>())
}

/// A certificate of the partner's, in PEM.
pub fn pem(identity: &Identity) -> Vec<u8> {
    identity.certificate().x509().to_pem().unwrap()
}

/// What says that no certificate of the partner's has made the signature.
pub fn not_authentic() -> Disposition {
    Disposition::Error("authentication-failed".to_owned())
}
