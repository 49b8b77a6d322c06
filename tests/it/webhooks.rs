//! Webhooks: every event once, signed, in the order of its purchase order; kept over crashes, and sent again on demand.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossdock::exceptions::Action;
use crossdock::gateway::Config;
use crossdock::store::{Event, JournalRecord};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::connector::server::{Called, Reply, Server};
use super::connector::trials::{died, finished_when};
use super::exceptions::deed;
use super::gateway::{INVOICE, acknowledgement};
use super::house::{CONFIG, House, PROFILE, multi, order};
use super::kill::start_in;

/// A configuration with the webhook `shop`, and whatever else.
fn config(server: &Server, more: &str) -> String {
    let url = server.url();
    format!("{CONFIG}\n[webhooks.shop]\nurl = \"{url}/events\"\nsecret = \"file:key\"\n{more}")
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "hush\n").unwrap();
    folder
}

/// A server that takes everything.
fn willing() -> Server {
    Server::start(|_| Reply::status("204 No Content"))
}

/// What a receiver does: holds the signature against id, time and body as they came.
fn is_signed(call: &Called) -> bool {
    let header = |name: &str| call.header(name).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"hush").unwrap();
    let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
    mac.update(format!("{id}.{at}.{}", call.body).as_bytes());
    let given = header("webhook-signature").strip_prefix("v1,").unwrap();
    mac.verify_slice(&STANDARD.decode(given).unwrap()).is_ok() && call.json()["id"] == id
}

/// Of each call: type, and the orders that it is about.
fn told(calls: &[Called]) -> Vec<(String, Value)> {
    let of = |call: &Called| {
        let body = call.json();
        (body["type"].as_str().unwrap().to_owned(), body["orders"].clone())
    };
    calls.iter().map(of).collect()
}

fn ids(calls: &[Called]) -> Vec<Value> {
    calls.iter().map(|call| call.json()["id"].clone()).collect()
}

fn to_shop(record: &JournalRecord) -> bool {
    record.entry.facts.get("webhook").is_some_and(|name| name == "shop")
}

#[test]
fn each_event_arrives_once_and_signed_while_another_webhook_hangs() {
    let server = willing();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hangs = format!(
        "[webhooks.silent]\nurl = \"http://{}\"\nsecret = \"file:key\"\ntimeout_seconds = 1\n\
         [webhooks.others]\nurl = \"{}/others\"\nsecret = \"file:key\"\npartners = [\"big-box\"]\n",
        silent.local_addr().unwrap(),
        server.url()
    );
    let profile = PROFILE.replace("due = \"24h\"", "due = \"1s\"");
    multi().block_on(async {
        let mut house = House::within(folder(), &config(&server, &hangs), &profile);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.wait_for(Event::WebhookDelivered, to_shop).await;
        house.drop_outbound("invoices", "a.json", INVOICE);
        house.wait(Event::AcknowledgementOverdue).await;
        house.drop_inbound("late.edi", &acknowledgement(2, 1001, "A"));
        house.wait(Event::DocumentAcknowledged).await;
        house.until(|_| server.calls().len() >= 4).await;
        house.close().await;
    });
    let calls = server.calls();
    let types =
        ["order.received", "acknowledgement.overdue", "exception.opened", "document.acknowledged"];
    let expected = types.map(|name| (name.to_owned(), json!(["PO-1"])));
    assert_eq!(told(&calls), expected);
    assert!(calls.iter().all(is_signed));
    let bodies: Vec<Value> = calls.iter().map(Called::json).collect();
    assert!(bodies.is_sorted_by_key(|body| body["sequence"].as_u64().unwrap()), "{bodies:#?}");
    assert!(bodies.iter().all(|body| body["partner"] == "harbor-and-pine"));
    let [received, overdue, opened, acknowledged] = &bodies[..] else { panic!() };
    assert_eq!((&received["kind"], &received["number"]), (&json!("order"), &json!("PO-1")));
    let link = format!("/v1/documents/{}", received["document"].as_str().unwrap());
    assert_eq!((&received["link"], &received["details"]), (&json!(link), &json!({"test": false})));
    assert_eq!((&overdue["kind"], &overdue["number"]), (&json!("invoice"), &json!("INV-1")));
    assert_eq!(overdue["details"]["set_id"], "810");
    assert_eq!(opened["link"], "/v1/exceptions/1");
    assert_eq!(opened["document"], overdue["document"]);
    assert_eq!(opened["details"]["kind"], "acknowledgement-overdue");
    assert_eq!(acknowledged["details"]["outcome"], "accepted");
    assert_eq!(acknowledged["details"]["timing"], "late");
}

#[test]
fn events_of_an_order_wait_for_each_other_over_a_restart_and_for_no_other_order() {
    let well = Arc::new(AtomicBool::new(false));
    let is_well = Arc::clone(&well);
    let server = Server::start(move |call| {
        let is_first = call.body.contains("\"orders\":[\"PO-1\"]");
        if is_first && !is_well.load(Ordering::SeqCst) {
            Reply::status("500 Internal Server Error")
        } else {
            Reply::status("200 OK")
        }
    });
    multi().block_on(async {
        let config = config(&server, "");
        let mut house = House::within(folder(), &config, PROFILE);
        house.drop_inbound("one.edi", &order(1, "PO-1"));
        house.wait_for(Event::AttemptFailed, |r| r.entry.subject.ends_with("to shop")).await;
        house.drop_outbound("invoices", "a.json", INVOICE);
        house.wait_for(Event::InterchangeSent, |r| r.entry.note.contains("invoice")).await;
        house.drop_inbound("997.edi", &acknowledgement(2, 1001, "R"));
        house.wait(Event::DocumentAcknowledged).await;
        house.drop_inbound("two.edi", &order(3, "PO-2"));
        house.wait_for(Event::WebhookDelivered, to_shop).await;
        let taken: Vec<Called> = server.calls();
        let (failed, taken): (Vec<_>, Vec<_>) =
            taken.into_iter().partition(|call| call.body.contains("\"orders\":[\"PO-1\"]"));
        assert_eq!(told(&taken), [("order.received".to_owned(), json!(["PO-2"]))]);
        assert!(told(&failed).iter().all(|(name, _)| name == "order.received"));
        let (listed, code) = house.command(&["webhooks", "list"]);
        let row: Vec<&str> = listed.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!((&row[..3], code), (&["shop", "3", "1"][..], 1), "{listed}");
        assert!(listed.contains("500"), "{listed}");

        let folder = house.close().await;
        let before = server.calls().len();
        well.store(true, Ordering::SeqCst);
        let house = House::within(folder, &config, PROFILE);
        house.until(|_| server.calls().len() >= before + 3).await;
        let later = server.calls().split_off(before);
        let types: Vec<String> = told(&later).into_iter().map(|(name, _)| name).collect();
        assert_eq!(types, ["order.received", "document.rejected", "exception.opened"]);
        assert_eq!(ids(&later)[0], ids(&failed)[0]);
        house.close().await;
    });
}

#[test]
fn killed_at_any_step_it_tells_an_event_under_one_id() {
    for (step, calls) in [
        ("webhook-queue.before", 1),
        ("webhook-queue.after", 1),
        ("webhook-post.before", 1),
        ("webhook-post.after", 2),
    ] {
        let server = willing();
        let yard = folder();
        let (place, trial) = (yard.path(), format!("die {step} 1"));
        let put = |name: &str, text: &str| {
            let file = place.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        put("partners/harbor-and-pine/partner.toml", &PROFILE.replace("= 5 ", "= 1 "));
        put("crossdock.toml", &config(&server, ""));
        put("mailboxes/harbor-and-pine/inbound/order.edi", &order(1, "PO-1"));
        died(place, start_in(place, &trial), &trial);
        finished_when(place, || delivered(place));
        let told = ids(&server.calls());
        assert_eq!(told.len(), calls, "{trial}");
        assert!(told.iter().all(|id| *id == told[0]), "{trial}: {told:?}");
    }
}

fn delivered(place: &Path) -> bool {
    let log = std::fs::read_to_string(place.join("log")).unwrap_or_default();
    log.contains("webhook_delivered")
}

#[test]
fn events_are_sent_once_more_under_their_ids() {
    let server = willing();
    multi().block_on(async {
        let config = config(&server, "events = [\"order.received\"]\n");
        let mut house = House::within(folder(), &config, PROFILE);
        for (number, name) in [(1, "PO-1"), (2, "PO-2")] {
            house.drop_inbound(&format!("{number}.edi"), &order(number, name));
            house.wait(Event::WebhookDelivered).await;
        }
        // What a webhook does not want it is not sent again either.
        house.drop_outbound("invoices", "a.json", INVOICE);
        house.wait_for(Event::InterchangeSent, |r| r.entry.note.contains("invoice")).await;
        house.drop_inbound("997.edi", &acknowledgement(3, 1002, "R"));
        house.wait(Event::DocumentAcknowledged).await;
        let first = server.calls();
        assert_eq!(first.len(), 2);
        let replay = |house: &House, more: &[&str]| {
            let common = ["webhooks", "replay", "shop", "--who", "dana", "--since"];
            house.command(&[&common[..], more].concat())
        };
        assert_eq!(replay(&house, &["1h"]), ("2 events are sent once more.\n".to_owned(), 0));
        for _ in 0..2 {
            house.wait(Event::WebhookDelivered).await;
        }
        let again = server.calls().split_off(2);
        assert_eq!(ids(&again), ids(&first));
        assert!(again.iter().zip(&first).all(|(again, first)| again.body == first.body));
        let second = first[1].json()["document"].as_str().unwrap().to_owned();
        let (said, code) = replay(&house, &["1h", "--document", &second]);
        assert_eq!((said.as_str(), code), ("1 event is sent once more.\n", 0));
        let delivered = house.wait(Event::WebhookDelivered).await;
        assert_eq!(delivered.entry.subject, second);
        let (said, _) = replay(&house, &["2h", "--until", "1h"]);
        assert_eq!(said, "0 events are sent once more.\n");
        let told = house.wait(Event::WebhookReplayed).await;
        assert_eq!(told.entry.note, "by dana: 2 events");
        assert_eq!(house.command(&["webhooks", "test", "shop"]), ("shop: taken\n".to_owned(), 0));
        assert_eq!(server.calls().last().unwrap().json()["type"], "webhook.test");
        house.close().await;
    });
    assert!(server.calls().iter().all(is_signed));
}

#[test]
fn everything_wrong_with_webhooks_is_told_with_its_line() {
    let text = r#"
data = "data"
profiles = "partners"

[webhooks.shop]
url = "shop.example"
events = ["order.recieved"]

[webhooks.bare]
timeout_seconds = 0

[webhooks."the shop"]
url = "https://shop.example"
secret = "it-is-this"
events = []
partner = ["harbor-and-pine"]

[webhooks.none]
url = "https://shop.example"
secret = "env:KEY"
events = []
"#;
    let problems = Config::parse("crossdock.toml", text, ".".as_ref()).unwrap_err();
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_cancellation_is_told_as_what_it_is() {
    let server = willing();
    multi().block_on(async {
        let mut house = House::within(folder(), &config(&server, ""), PROFILE);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.drop_inbound("cancel.edi", &order(2, "PO-1").replace("BEG*00", "BEG*01"));
        let held = house.raised().await;
        house.does(held.id, &deed(Action::Accept)).unwrap();
        house.wait(Event::DocumentDelivered).await;
        house.until(|_| server.calls().len() >= 3).await;
        house.close().await;
    });
    let calls = server.calls();
    let types = ["order.received", "exception.opened", "order.changed"];
    assert_eq!(told(&calls), types.map(|name| (name.to_owned(), json!(["PO-1"]))));
    assert_eq!(calls[2].json()["details"], json!({"cancels": true, "test": false}));
}

#[test]
fn what_is_open_again_is_told_again() {
    let (server, desk) = (willing(), willing());
    let alerts = format!(
        "[notify.desk]\nurl = \"{}/desk\"\n[[alerts]]\nname = \"rejected\"\nto = [\"desk\"]\n\
         exceptions = [\"document-rejected\"]\nquiet = \"1s\"\nsettled = true\n",
        desk.url()
    );
    multi().block_on(async {
        let mut house = House::within(folder(), &config(&server, &alerts), PROFILE);
        let bad = order(1, "PO-1").replace("PO1*1*24*EA", "PO1*1*ten*EA");
        house.drop_inbound("order.edi", &bad);
        let id = house.raised().await.id;
        house.until(|_| server.calls().len() == 1 && desk.calls().len() == 1).await;
        house.does(id, &deed(Action::Dismiss)).unwrap();
        house.until(|_| desk.calls().len() == 2).await;
        // Within its quiet time it would be told as a repeat.
        house.until(|house| house.gateway.store().alerts(10).unwrap().is_empty()).await;
        house.does(id, &deed(Action::Reopen)).unwrap();
        house.until(|_| server.calls().len() == 2 && desk.calls().len() == 3).await;
        house.close().await;
    });
    let opened = ("exception.opened".to_owned(), json!(["PO-1"]));
    let calls = server.calls();
    assert_eq!(told(&calls), [opened.clone(), opened]);
    assert_ne!(ids(&calls)[0], ids(&calls)[1]);
    let reasons: Vec<Value> =
        desk.calls().iter().map(|call| call.json()["details"]["reason"].clone()).collect();
    assert_eq!(reasons, ["first", "over", "first"]);
}
