//! What a system tells of itself by webhooks: taken once, signed or not at all, and on the disk before it is answered.

use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossdock::api;
use crossdock::connector::Connector;
use crossdock::store::Event;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::watch;

use super::INVOICE;
use super::delivery::{config, folder};
use super::mistakes::{source, told};
use super::trials::{died, finished_when, yard};
use crate::house::{House, PROFILE, multi, order};
use crate::kill::start_in;

const CONNECTOR: &str = r#"
title = "A system that tells of its invoices"
base_url = "http://127.0.0.1:9"

[settings.key]
about = "the key of the signatures"
secret = true

[documents.any]
step = [{ name = "push", call = "null", idempotency = "read" }]

[webhook.invoiced]
kind = "invoice"
items = ".invoices[]"
partner = '.partner // "harbor-and-pine"'
orders = ".order // empty"
document = "invoice"

[webhook.invoiced.signature]
kind = "hmac"
secret = "key"
header = "X-Signature"
prefix = "sha256="
timestamp_header = "X-Time"
content = "v0:{timestamp}:{body}"

[webhook.standard]
kind = "invoice"
orders = ".order // empty"
document = "invoice"

[webhook.standard.signature]
kind = "standard-webhooks"
secret = "key"
"#;

const FILES: [(&str, &str); 2] = [("connector.toml", CONNECTOR), ("invoice.jq", INVOICE)];

fn with_api(port: u16) -> String {
    let config = config("told", "key = \"file:secret\"\n");
    format!("{config}\n[api]\nlisten = \"127.0.0.1:{port}\"\ndocument_mebibytes = 1\n")
}

fn invoice(number: &str, order: &str) -> Value {
    json!({ "number": number, "order": order })
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn mac(text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"s3cret").unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

type Headers = Vec<(&'static str, String)>;

/// The headers of a call to `invoiced`, signed at a time.
fn signed(at: i64, body: &str) -> Headers {
    let mac = mac(&format!("v0:{at}:{body}"));
    let digits: Vec<String> = mac.iter().map(|byte| format!("{byte:02X}")).collect();
    let digits = digits.concat();
    vec![("x-time", at.to_string()), ("x-signature", format!("sha256={digits}"))]
}

async fn post(address: &str, path: &str, headers: Headers, body: &str) -> (u16, Value) {
    let client = crossdock::http::client(Duration::from_secs(30)).unwrap();
    let mut request = client.post(format!("http://{address}{path}")).body(body.to_owned());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let Ok(answer) = request.send().await else { return (0, Value::Null) };
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

#[test]
fn what_a_system_tells_is_taken_once_and_only_when_it_is_signed() {
    multi().block_on(async {
        let mut house = House::within(folder("told", &FILES), &with_api(0), PROFILE);
        let server = api::open(&house.gateway).await.unwrap().unwrap();
        let address = server.address().unwrap().to_string();
        let (stopper, stop) = watch::channel(false);
        let serving = tokio::spawn(server.serve(stop));
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        let (invoiced, standard) = ("/hooks/warehouse/invoiced", "/hooks/warehouse/standard");

        let body = json!({ "invoices": [invoice("INV-1", "PO-1"), { "draft": true }] }).to_string();
        let call = async || post(&address, invoiced, signed(now(), &body), &body).await;
        let (first, second) = tokio::join!(call(), call());
        assert_eq!(first, (202, json!({ "documents": 1 })));
        assert_eq!(second, first);
        house.wait(Event::DocumentRendered).await;
        assert_eq!(call().await, first);

        let alone = invoice("INV-2", "PO-1").to_string();
        let at = now();
        let good = STANDARD.encode(mac(&format!("msg_1.{at}.{alone}")));
        let headers = vec![
            ("webhook-id", "msg_1".to_owned()),
            ("webhook-timestamp", at.to_string()),
            ("webhook-signature", format!("v1,AAAA v1,{good} v1a,{good}")),
        ];
        assert_eq!(post(&address, standard, headers.clone(), &alone).await.0, 202);
        house.wait(Event::DocumentRendered).await;

        let strange = json!({ "invoices": [invoice("INV-3", "PO-9")] }).to_string();
        assert_eq!(post(&address, invoiced, signed(now(), &strange), &strange).await.0, 202);
        let told = house.wait(Event::DocumentQuarantined).await;
        assert!(told.entry.note.contains("the order PO-9 is not known"), "{told:?}");

        let of_other = r#"{"invoices":[{"partner":"big-box","number":"INV-4","order":"PO-1"}]}"#;
        let large = format!("\"{}\"", "x".repeat(1 << 20));
        let unsigned = "urn:crossdock:problem:unsigned";
        let unreadable = "urn:crossdock:problem:unreadable-call";
        let cases: [(&str, Headers, &str, u16, &str); 9] = [
            (invoiced, signed(now(), "{}"), &body, 401, unsigned),
            (invoiced, signed(now() - 400, &body), &body, 401, unsigned),
            (invoiced, signed(now() + 400, &body), &body, 401, unsigned),
            (invoiced, signed(now(), &body).split_off(1), &body, 401, unsigned),
            (standard, headers, &body, 401, unsigned),
            (invoiced, signed(now(), "prose"), "prose", 422, unreadable),
            (invoiced, signed(now(), of_other), of_other, 422, unreadable),
            (invoiced, signed(now(), &large), &large, 413, "urn:crossdock:problem:too-large"),
            ("/hooks/warehouse/no", vec![], "{}", 404, "urn:crossdock:problem:not-found"),
        ];
        for (path, headers, body, status, kind) in cases {
            let (answered, problem) = post(&address, path, headers, body).await;
            assert_eq!((answered, &problem["type"]), (status, &json!(kind)), "{path} {problem}");
        }
        let all = house.gateway.store().documents(None, 100).unwrap();
        let mut numbers: Vec<&str> = all.iter().map(|one| one.number.as_str()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, ["INV-1", "INV-2", "PO-1"]);
        let metrics = house.gateway.metrics().unwrap();
        for (outcome, count) in [("taken", 4), ("unsigned", 4), ("unreadable", 2)] {
            let line = format!("hook=\"invoiced\",outcome=\"{outcome}\"}} {count}");
            assert!(metrics.contains(&line), "{line} is not in\n{metrics}");
        }
        stopper.send(true).unwrap();
        serving.await.unwrap();
        house.close().await;
    });
}

#[test]
fn killed_before_it_answers_it_takes_the_same_once() {
    // No order is looked for: only the invoice is of interest.
    let program = INVOICE.replace(
        "($orders[.order].date // error(\"the order \\(.order) is not known\"))",
        "\"2026-11-19\"",
    );
    let files = [("connector.toml", CONNECTOR), ("invoice.jq", program.as_str())];
    let body = json!({ "invoices": [invoice("INV-1", "PO-1")] }).to_string();
    for trial in ["die poll.before 1", "die poll.after 1"] {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let yard = yard("told", &files, "key = \"file:secret\"\n", &order(1, "PO-1"));
        std::fs::write(yard.path().join("crossdock.toml"), with_api(address.port())).unwrap();
        let runtime = multi();
        let call = || {
            let headers = signed(now(), &body);
            runtime.block_on(post(
                &address.to_string(),
                "/hooks/warehouse/invoiced",
                headers,
                &body,
            ))
        };
        let running = start_in(yard.path(), trial);
        while std::net::TcpStream::connect(address).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(call().0, 0, "{trial}");
        died(yard.path(), running, trial);
        let answered = Mutex::new(0);
        let outbound = yard.path().join("mailboxes/harbor-and-pine/outbound");
        let invoices = || {
            let entries = std::fs::read_dir(&outbound).into_iter().flatten().flatten();
            let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
            names.filter(|name| name.contains("-invoice-") && !name.starts_with('.')).count()
        };
        finished_when(yard.path(), || {
            let mut answered = answered.lock().unwrap();
            if *answered != 202 {
                *answered = call().0;
            }
            *answered == 202 && invoices() > 0
        });
        assert_eq!(invoices(), 1, "{trial}");
    }
}

#[test]
fn mistakes_of_webhooks_are_told_at_once() {
    assert!(Connector::read(&source(&FILES)).is_ok());
    let mistakes = CONNECTOR
        .replace("kind = \"invoice\"\nitems", "kind = \"invoise\"\nitems")
        .replace("secret = \"key\"\nheader", "secret = \"kye\"\nheader")
        .replace("{timestamp}:{body}", "{body}")
        .replace("[webhook.standard]", "[webhook.\"stan dard\"]")
        .replace("[webhook.standard.signature]", "[webhook.\"stan dard\".signature]")
        .replace("webhooks\"\nsecret", "webhooks\"\nencoding = \"hex\"\nsecret")
        + "\n[webhook.bare]\nkind = \"invoice\"\ndocument = \"invoce\"\n\
           [webhook.bare.signature]\nkind = \"hmac\"\nsecret = \"key\"\ncontent = \"{timestamp}\"\ntolerance_seconds = 0\n\
           [webhook.unsigned]\nkind = \"invoice\"\ndocument = \"invoice\"\n";
    insta::assert_snapshot!(told(&[("connector.toml", &mistakes), ("invoice.jq", INVOICE)]));
}
