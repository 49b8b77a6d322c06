//! The service against pyas2lib, over HTTP: its message and our receipt, our message and its receipt, in every way to
//! sign, encrypt and compress them and to ask for receipts that both know.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossdock::store::{As2State, Event};
use serde_json::{Value, json};

use super::partner::{Http, Service, post};
use super::pyas2::{Peer, bytes, headers};
use crate::house::{multi, order};

/// How many of the ways are gone: lean for every change, all of them at night.
const VARIABLE: &str = "CROSSDOCK_AS2";
const USUAL: usize = 40;

/// A way to send messages; each word with that of pyas2lib.
#[derive(Debug, Clone, Copy)]
struct Way {
    sign: Option<(&'static str, &'static str)>,
    encrypt: Option<(&'static str, &'static str)>,
    compress: &'static str,
    /// Nothing: no receipt is asked for; else whether it is signed.
    receipt: Option<bool>,
    /// Whether the receipt comes later, in a request of its own.
    later: bool,
}

/// Receipts: whether they are signed, and come later.
const RECEIPTS: [(Option<bool>, bool); 5] = [
    (None, false),
    (Some(false), false),
    (Some(true), false),
    (Some(false), true),
    (Some(true), true),
];

const DIGESTS: [Option<(&str, &str)>; 3] =
    [None, Some(("sha1", "sha1")), Some(("sha-256", "sha256"))];
const CIPHERS: [Option<(&str, &str)>; 4] = [
    None,
    Some(("des-ede3-cbc", "tripledes_192_cbc")),
    Some(("aes-128-cbc", "aes_128_cbc")),
    Some(("aes-256-cbc", "aes_256_cbc")),
];

impl Way {
    /// Every one of them, so that the first few are of many kinds.
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for sign in DIGESTS {
            for encrypt in CIPHERS {
                for compress in ["none", "before-signing", "after-signing"] {
                    if compress == "after-signing" && sign.is_none() {
                        continue;
                    }
                    for (receipt, later) in RECEIPTS {
                        all.push(Self { sign, encrypt, compress, receipt, later });
                    }
                }
            }
        }
        // A step that has no divisor in common with their number comes by all of them.
        (0..all.len()).map(|place| all[place * 37 % all.len()]).collect()
    }

    /// What our profile says of it.
    fn profile(&self) -> String {
        let word = |one: Option<(&'static str, _)>| one.map_or("none", |(word, _)| word);
        let receipt = match (self.receipt, self.later) {
            (None, _) => "none",
            (_, false) => "sync",
            (_, true) => "async",
        };
        format!(
            "sign = \"{}\"\nencrypt = \"{}\"\ncompress = \"{}\"\nreceipt = \"{receipt}\"\nreceipt_signed = {}\n",
            word(self.sign),
            word(self.encrypt),
            self.compress,
            self.receipt.unwrap_or_default(),
        )
    }

    /// What pyas2lib is told of it.
    fn partner(&self) -> Value {
        let name = |one: Option<(_, &'static str)>, usual| one.map_or(usual, |(_, name)| name);
        json!({
            "sign": self.sign.is_some(), "digest_alg": name(self.sign, "sha256"),
            "encrypt": self.encrypt.is_some(), "enc_alg": name(self.encrypt, "aes_128_cbc"),
            "compress": self.compress != "none",
            "mdn_mode": self.receipt.map(|_| if self.later { "ASYNC" } else { "SYNC" }),
            "mdn_digest_alg": self.receipt.filter(|signed| *signed).map(|_| name(self.sign, "sha256")),
        })
    }
}

const OPEN: &str = "require_signed = false\nrequire_encrypted = false\nlegacy = true\n";

/// The two sides, what pyas2lib has made of our messages, and our receipts that came later.
struct Both {
    service: Service,
    peer: Arc<Mutex<Peer>>,
    read: Receiver<Value>,
    receipts: Receiver<Http>,
}

/// Only ends a test that hangs.
const PATIENCE: Duration = Duration::from_mins(1);

impl Both {
    async fn open(way: &Way) -> Option<Self> {
        let peer = Arc::new(Mutex::new(Peer::start()?));
        let names = ("Peer \"one\"", "We & Co");
        let service = Service::named(names, &format!("{OPEN}{}", way.profile())).await;
        let ((sender, read), (later, receipts)) = (channel(), channel());
        let other = Arc::clone(&peer);
        service.partner.answer(move |request| {
            let taken = ("200 OK".to_owned(), vec![], vec![]);
            if request.start.contains("/mdn") {
                later.send(request.clone()).unwrap();
                return taken;
            }
            let answer = unpack(&mut other.lock().unwrap(), request);
            let mdn = answer["mdn"].clone();
            sender.send(answer).unwrap();
            if mdn.is_null() || request.headers.get("Receipt-Delivery-Option").is_some() {
                return taken;
            }
            ("200 OK".to_owned(), fields(&mdn["headers"]), bytes(&mdn["body"]))
        });
        Some(Self { service, peer, read, receipts })
    }

    /// Its message and our receipts, which are the same each time.
    fn receive(&self, number: u32, way: &Way, times: usize) {
        let text = order(number, &format!("PO-{number}"));
        let made = self.peer.lock().unwrap().ask(&json!({
            "act": "pack", "partner": way.partner(), "content": STANDARD.encode(&text),
            "filename": "order.edi", "type": "application/edi-x12",
            "mdn_url": format!("http://{}/mdn", self.service.partner.server),
        }));
        let (fields, body) = (fields(&made["headers"]), bytes(&made["body"]));
        let address = self.service.address;
        let answer = || {
            let answer = post(address, &fields, &body);
            assert_eq!(answer.status(), 200, "{way:?}");
            if !way.later {
                return answer;
            }
            assert_eq!(answer.body, b"", "{way:?}");
            self.receipts.recv_timeout(PATIENCE).unwrap()
        };
        let answers: Vec<Http> = (0..times).map(|_| tokio::task::block_in_place(answer)).collect();
        for answer in &answers {
            assert_eq!(answer.body, answers[0].body, "{way:?}");
            if way.receipt.is_none() {
                assert_eq!(answer.body, b"", "{way:?}");
                continue;
            }
            let fields: Vec<(&str, &str)> = answer.headers.iter().collect();
            let read = self.peer.lock().unwrap().ask(&json!({
                "act": "receipt", "headers": fields, "body": STANDARD.encode(&answer.body),
            }));
            assert_eq!(read["status"], "processed", "{way:?}: {read}");
            assert_eq!(read["digest"].is_string(), way.receipt == Some(true), "{way:?}");
        }
    }

    /// Our 997 and its receipt.
    async fn send(&mut self, way: &Way) {
        let record = self.service.house.wait(Event::InterchangeSent).await;
        let read = tokio::task::block_in_place(|| self.read.recv_timeout(PATIENCE).unwrap());
        if way.later {
            let (fields, body) = (fields(&read["mdn"]["headers"]), bytes(&read["mdn"]["body"]));
            let address = self.service.address;
            let answer = tokio::task::block_in_place(|| post(address, &fields, &body));
            assert_eq!(answer.status(), 200, "{way:?}");
        }
        if way.receipt.is_some() {
            self.service.house.wait(Event::As2Receipt).await;
        }
        let message = self.service.house.gateway.store().as2_sent(record.entry.payload.unwrap());
        let message = &message.unwrap()[0];
        let state = way.receipt.map_or(As2State::Delivered, |_| As2State::Processed);
        assert_eq!(message.state, state, "{way:?}");
        assert_eq!(message.receipt_signed, way.receipt == Some(true), "{way:?}");
        assert_eq!(read["status"], "processed", "{way:?}: {read}");
        assert!(bytes(&read["content"]).starts_with(b"ISA"), "{way:?}");
        for (name, wanted) in [
            ("signed", way.sign.is_some()),
            ("encrypted", way.encrypt.is_some()),
            ("compressed", way.compress != "none"),
        ] {
            assert_eq!(read[name], wanted, "{name}: {way:?}");
        }
    }
}

fn unpack(peer: &mut Peer, request: &Http) -> Value {
    let fields: Vec<(&str, &str)> = request.headers.iter().collect();
    let body = STANDARD.encode(&request.body);
    peer.ask(&json!({"act": "unpack", "headers": fields, "body": body}))
}

fn fields(value: &Value) -> Vec<(&'static str, String)> {
    let headers = headers(value);
    let fields = headers.iter().map(|(name, value)| (&*name.to_owned().leak(), value.to_owned()));
    fields.collect()
}

#[test]
fn the_service_and_pyas2lib_exchange_messages_and_receipts_in_every_way() {
    let size = std::env::var(VARIABLE).ok().and_then(|n| n.parse().ok()).unwrap_or(USUAL);
    let ways = Way::all();
    assert_eq!(ways.len(), 160);
    multi().block_on(async {
        let mut before = ways[0];
        let Some(mut both) = Both::open(&before).await else { return };
        for (number, way) in (1..).zip(ways.into_iter().take(size)) {
            if number > 1 {
                both.service.change(&before.profile(), &way.profile()).await;
            }
            both.receive(number, &way, 2);
            both.send(&way).await;
            before = way;
        }
        let Both { service, peer, .. } = both;
        assert_eq!(service.kinds(), []);
        // What answers has it too, and would keep it running.
        service.partner.answer(|_| ("200 OK".to_owned(), vec![], vec![]));
        drop(peer);
        service.close().await;
    });
}
