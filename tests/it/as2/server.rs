//! The way to the partner's server: TLS with authorities and client certificates, proxies, and logging in.

use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use crossdock::exceptions::Kind;
use crossdock::gateway::Config;
use crossdock::store::Event;
use openssl::hash::MessageDigest;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::authority::{Made, authority};
use super::partner::{Answering, Http, Partner, Service, Taker, provoke};
use crate::house::{CONFIG, multi};

/// What a server shows, and whom it lets in.
pub fn tls(server: &Made, clients: Option<&Made>) -> Arc<ServerConfig> {
    let der = |made: &Made| CertificateDer::from(made.certificate.to_der().unwrap());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(der(authority)).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::from_pem_slice(&server.key_pem()).unwrap();
    Arc::new(builder.with_single_cert(vec![der(server)], key).unwrap())
}

/// A partner whose server speaks TLS, and our files towards it.
struct Ways {
    ours: Made,
    server: Made,
}

impl Ways {
    fn new() -> Self {
        let ours = authority("Harbor Authority");
        let server = ours.vouch("as2.harbor.example");
        Self { ours, server }
    }

    /// Authorities, certificates and keys, where profiles name them.
    fn files(&self, folder: &Path) {
        let client = self.ours.vouch("Northdock");
        let other = authority("Other Authority");
        let stranger = other.vouch("Stranger");
        for (name, bytes) in [
            ("authority.pem", self.ours.certificate_pem()),
            ("other.pem", other.certificate_pem()),
            ("client.crt.pem", client.certificate_pem()),
            ("client.key.pem", client.key_pem()),
            ("stranger.pem", [stranger.certificate_pem(), stranger.key_pem()].concat()),
            ("password", b"open sesame\n".to_vec()),
        ] {
            fs::write(folder.join("keys").join(name), bytes).unwrap();
        }
    }

    async fn open(&self, clients: Option<&Made>, more: &str) -> Service {
        let partner = Partner::over(Some(tls(&self.server, clients)));
        let taker = Taker::good(&partner);
        partner.answer(move |request| taker.answer(request));
        Service::with(partner, |folder| self.files(folder), more).await
    }
}

const TRUSTED: &str = "server_authorities = [\"keys/authority.pem\"]";

/// Whether a document of ours arrives, or what is said of why not.
async fn outcome(mut service: Service) -> Result<Http, String> {
    provoke(&mut service, 1).await;
    let either = |record: &crossdock::store::JournalRecord| {
        matches!(record.entry.event, Event::As2Receipt | Event::AttemptFailed)
    };
    let record = service.house.wait_until("a receipt or a failure", either).await;
    let outcome = if record.entry.event == Event::As2Receipt {
        assert_eq!(record.entry.note, "processed");
        Ok(service.request())
    } else {
        Err(record.entry.note)
    };
    service.close().await;
    outcome
}

#[test]
fn a_server_is_trusted_for_its_authority_and_for_no_other() {
    multi().block_on(async {
        let ways = Ways::new();
        outcome(ways.open(None, TRUSTED).await).await.unwrap();
        for more in ["", "server_authorities = [\"keys/other.pem\"]"] {
            let words = outcome(ways.open(None, more).await).await.unwrap_err();
            assert!(words.contains("certificate"), "{more}: {words}");
        }
    });
}

#[test]
fn an_authority_that_is_put_right_counts_at_the_next_attempt() {
    multi().block_on(async {
        let ways = Ways::new();
        let mut service = ways.open(None, "server_authorities = [\"keys/other.pem\"]").await;
        provoke(&mut service, 1).await;
        service.house.wait(Event::AttemptFailed).await;
        let file = service.house.path("keys/other.pem");
        fs::write(file, ways.ours.certificate_pem()).unwrap();
        assert_eq!(service.house.wait(Event::As2Receipt).await.entry.note, "processed");
        service.close().await;
    });
}

#[test]
fn a_server_that_wants_a_client_certificate_is_shown_ours() {
    multi().block_on(async {
        let ways = Ways::new();
        let client = |certificate: &str, key: &str| {
            format!("{TRUSTED}\nclient_certificate = \"keys/{certificate}\"\nclient_key = \"file:keys/{key}\"")
        };
        let open = async |more: &str| outcome(ways.open(Some(&ways.ours), more).await).await;
        open(&client("client.crt.pem", "client.key.pem")).await.unwrap();
        for more in [TRUSTED.to_owned(), client("stranger.pem", "stranger.pem")] {
            let words = open(&more).await.unwrap_err();
            assert!(words.contains("error sending request"), "{more}: {words}");
        }
    });
}

#[test]
fn files_for_tls_that_are_none_are_told_by_config_check() {
    multi().block_on(async {
        let service = Service::open("").await;
        Ways::new().files(&service.house.path(""));
        let profile = "partners/harbor-and-pine/partner.toml";
        let text = fs::read_to_string(service.house.path(profile)).unwrap();
        let client = |certificate: &str, key: &str| {
            format!("client_certificate = \"keys/{certificate}\"\nclient_key = \"file:keys/{key}\"")
        };
        for (more, words) in [
            (client("none.pem", "client.key.pem"), "none.pem: No such file"),
            (client("client.crt.pem", "none.pem"), "client_key file:keys/none.pem"),
            (client("client.key.pem", "client.key.pem"), "no certificate in PEM"),
            (client("client.crt.pem", "client.crt.pem"), "client_key has no key in PEM"),
            (client("client.crt.pem", "stranger.pem"), "the key is not that of the certificate"),
            ("server_authorities = [\"keys/client.key.pem\"]".to_owned(), "no certificate in PEM"),
        ] {
            let text = text.replace("[mailbox.as2]", &format!("[mailbox.as2]\n{more}"));
            fs::write(service.house.path(profile), text).unwrap();
            let (told, code) = service.house.command(&["config", "check"]);
            assert!(code != 0 && told.contains(words), "{more}: {told}");
        }
        service.close().await;
    });
}

/// A proxy: gives on what it is told to, and says the first line of it.
fn proxy() -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, starts) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut near = stream.unwrap();
            let request = Http::read(&mut near);
            let mut words = request.start.split(' ');
            let (method, target) = (words.next().unwrap(), words.next().unwrap());
            let host = target.trim_start_matches("http://").split('/').next().unwrap();
            let mut far = TcpStream::connect(host).unwrap();
            if method == "CONNECT" {
                near.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").unwrap();
            } else {
                far.write_all(&request.to_bytes()).unwrap();
            }
            sender.send(request.start).unwrap();
            let (mut back, mut there) = (far.try_clone().unwrap(), near.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut back, &mut there));
            std::thread::spawn(move || std::io::copy(&mut near, &mut far));
        }
    });
    (address, starts)
}

#[test]
fn messages_go_by_a_proxy_where_there_is_one() {
    multi().block_on(async {
        let (address, starts) = proxy();
        let by = format!("proxy = \"http://{address}\"");
        let plain = Service::open(&by).await;
        let server = plain.partner.server;
        let taker = Taker::good(&plain.partner);
        plain.partner.answer(move |request| taker.answer(request));
        outcome(plain).await.unwrap();
        assert_eq!(starts.recv().unwrap(), format!("POST http://{server}/in HTTP/1.1"));

        let secret = Ways::new().open(None, &format!("{TRUSTED}\n{by}")).await;
        let server = secret.partner.server;
        outcome(secret).await.unwrap();
        assert_eq!(starts.recv().unwrap(), format!("CONNECT {server} HTTP/1.1"));
    });
}

/// The fields of a header such as `Digest username="us", qop=auth`.
fn fields(header: &str) -> Vec<(&str, &str)> {
    let list = header.strip_prefix("Digest ").unwrap().split(", ");
    list.map(|field| field.split_once('=').unwrap())
        .map(|(name, value)| (name, value.trim_matches('"')))
        .collect()
}

/// What RFC 7616, 3.4.1 has as the answer to a challenge.
fn expected(header: &str, nonce: &str, digest: MessageDigest) -> String {
    let all = fields(header);
    let field = |name| all.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value);
    assert_eq!((field("username"), field("realm"), field("uri")), ("us", "AS2", "/in"));
    assert_eq!((field("nonce"), field("opaque"), field("qop")), (nonce, "o", "auth"));
    let hash = |text: String| {
        let digest = openssl::hash::hash(digest, text.as_bytes()).unwrap();
        digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
    };
    let (who, what) = (hash("us:AS2:open sesame".to_owned()), hash("POST:/in".to_owned()));
    let (count, own) = (field("nc"), field("cnonce"));
    hash(format!("{who}:{nonce}:{count}:{own}:auth:{what}"))
}

/// A server that wants an answer to a challenge; it takes each for so many messages.
fn challenging(
    taker: Taker,
    (name, digest): (&'static str, MessageDigest),
    messages: u32,
) -> Answering {
    let (mut nonces, mut left) = (0, 0);
    Box::new(move |request| {
        let nonce = format!("n{nonces}");
        if let Some(header) = request.headers.get("Authorization")
            && left > 0
            && header.contains(&format!("response=\"{}\"", expected(header, &nonce, digest)))
        {
            left -= 1;
            return taker.answer(request);
        }
        (nonces, left) = (nonces + 1, messages);
        let challenge = format!(
            "Basic realm=\"AS2\", Digest realm=\"AS2\", nonce=\"n{nonces}\", opaque=\"o\", algorithm={name}, qop=\"auth-int,auth\""
        );
        ("401 Unauthorized".to_owned(), vec![("WWW-Authenticate", challenge)], vec![])
    })
}

const LOGIN: &str = "user = \"us\"\npassword = \"file:keys/password\"\nlogin = \"digest\"";

#[test]
fn a_challenge_is_answered_with_the_same_message_and_never_with_the_password() {
    for (name, digest) in [("MD5", MessageDigest::md5()), ("SHA-256", MessageDigest::sha256())] {
        multi().block_on(async {
            let mut service = Service::open(LOGIN).await;
            let taker = Taker::good(&service.partner);
            *service.partner.answering.lock().unwrap() = challenging(taker, (name, digest), 2);
            for number in 1..=3 {
                provoke(&mut service, number).await;
                service.house.wait(Event::As2Receipt).await;
            }
            // A challenge, its message and one more; then another challenge.
            let seen: Vec<Http> = (0..5).map(|_| service.request()).collect();
            let shown: Vec<Option<&str>> =
                seen.iter().map(|request| request.headers.get("Authorization")).collect();
            let counts: Vec<&str> = shown
                .iter()
                .map(|header| header.map_or("", |header| header.split("nc=").nth(1).unwrap()))
                .map(|rest| rest.split(',').next().unwrap())
                .collect();
            assert_eq!(counts, ["", "00000001", "00000002", "00000003", "00000001"], "{name}");
            assert!(shown.iter().flatten().all(|header| header.starts_with("Digest ")));
            for (one, again) in [(0, 1), (3, 4)] {
                assert_eq!(seen[one].body, seen[again].body);
                let id = |at: usize| seen[at].headers.get("Message-ID").unwrap();
                assert_eq!(id(one), id(again));
            }
            assert_eq!(service.kinds(), Vec::<Kind>::new());
            service.close().await;
        });
    }
}

#[test]
fn a_server_without_a_challenge_that_is_known_gets_no_password() {
    multi().block_on(async {
        let service = Service::open(LOGIN).await;
        service.partner.answer(|_| {
            let basic = ("WWW-Authenticate", "Basic realm=\"AS2\"".to_owned());
            ("401 Unauthorized".to_owned(), vec![basic], vec![])
        });
        let words = outcome(service).await.unwrap_err();
        assert!(words.contains("no digest authentication"), "{words}");
    });
}

#[test]
fn the_path_of_our_own_address_is_no_pattern() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("crossdock.toml");
    for path in ["as2", "/as 2", "/{name}", "/{*all}"] {
        fs::write(&file, format!("{CONFIG}\n[as2]\npath = \"{path}\"\n")).unwrap();
        let told = Config::read(&file).map(|_| ()).unwrap_err();
        assert_eq!(told.len(), 1, "{path}: {told:?}");
        assert!(told[0].to_string().contains("`path` is a path such as"), "{path}: {told:?}");
    }
}
