//! The service: messages come in over HTTP and are answered, documents leave as messages.

use std::io::Write as _;
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossdock::exceptions::Kind;
use crossdock::store::{
    As2Direction, As2Key, As2Message, As2State, Change, Event, Retirable, Transaction,
};
use crossdock::transport::as2::bare;
use crossdock::transport::as2::cms::{Certificate, Cipher, Digest, Identity, Padding};
use crossdock::transport::as2::mdn::{self, Disposition, Outcome, Sent};
use crossdock::transport::as2::message::{
    Encryption, Limits, Outgoing, Protection, ReceiptRequest,
};
use crossdock::transport::as2::mime::Part;
use jiff::Timestamp;

use super::partner::{Http, Partner, Service, THEM, Taker, URL, US, post, provoke, send};
use crate::house::{multi, order};

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
        assert_eq!(record.features, "multiple-attachments");
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

/// A message of ours.
pub fn sent(service: &Service, id: &str) -> As2Message {
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

        // Where the message has left the store before the file that came in it, that is not taken in again.
        let key = service.received("1@them").unwrap().key;
        let later = Timestamp::now() + jiff::SignedDuration::from_hours(1);
        let leaves = Change::Retire(Retirable::As2(key), later);
        let store = service.house.gateway.store();
        store.commit(Transaction::new().with(leaves)).unwrap();
        assert_eq!(service.received("1@them"), None);
        let answer = service.post(message);
        assert_eq!(answer.status(), 200);
        let received = store.journal(0, 1000).unwrap();
        let count = |event| received.iter().filter(|record| record.entry.event == event).count();
        assert_eq!((count(Event::As2Received), count(Event::FileReceived)), (2, 1));
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
