//! The process dies before and after every call and every record of one; answers get lost. There is one order all the
//! same, and no step that was recorded is made again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossdock::bridge::{Call, ConnectorEndpoint, Endpoint as _, Error, Steps};
use crossdock::connector::{Connector, Settings};
use crossdock::disk::Limits;
use crossdock::store::{DocumentState, EmbeddedStore, Event, Records as _, Store as _};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::delivery::{config, folder, write_connector};
use super::mistakes::source;
use super::server::{Called, Reply, Server};
use crate::house::{House, PROFILE, multi, order};
use crate::kill::{Running, start_in, stop};

const CONNECTOR: &str = r#"
title = "A system that takes the same order twice"
base_url = "{url}"
timeout_seconds = 3

[settings.url]
about = "the address"

[settings.items]
about = "their number of each item of ours"
default = {}

[documents.order]
check = '.lines[] | .items[] | select(.kind == "vendor") | $settings.items[.value] // error("no item is known for \(.value)")'

[[documents.order.step]]
name = "customer"
call = '{path: "/customers"}'
idempotency = "read"
result = ".id"

[[documents.order.step]]
name = "create"
call = '{path: "/orders", body: {number: .number, customer: $results.customer}}'
idempotency = "search"
search = '{path: "/orders", query: {number: .number}}'
found = ".[0].id"
result = ".id"

[[documents.order.step]]
name = "confirm"
call = '{path: "/orders/\($results.create)/confirm", body: {}}'
idempotency = "natural-key"
"#;

const ITEMS: &str = "items = { NP-TOTE-NAT = 1, NP-MUG-PINE = 2, NP-BLANKET-GRY = 3 }\n";

/// Orders by their ids.
type Orders = Arc<Mutex<BTreeMap<usize, String>>>;

/// What it does with a call.
fn system(orders: &Orders, call: &Called) -> Reply {
    let mut orders = orders.lock().unwrap();
    let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
    match (call.method.as_str(), path) {
        ("GET", "/customers") => Reply::ok(&json!({"id": 9})),
        ("GET", "/orders") => {
            let number = query.trim_start_matches("number=");
            let found = orders.iter().filter(|(_, own)| *own == number);
            Reply::ok(&found.map(|(id, _)| json!({"id": id})).collect::<Value>())
        }
        ("POST", "/orders") => {
            let id = orders.len() + 1;
            orders.insert(id, call.json()["number"].as_str().unwrap().to_owned());
            Reply::ok(&json!({"id": id}))
        }
        ("POST", path) if path.ends_with("/confirm") => Reply::ok(&json!({"state": "confirmed"})),
        _ => Reply::status("404 Not Found"),
    }
}

fn settings(server: &Server) -> String {
    format!("url = \"{}\"\n{ITEMS}", server.url())
}

#[test]
fn a_lost_answer_makes_no_second_order() {
    let orders = Orders::default();
    let theirs = Arc::clone(&orders);
    let lost: Mutex<Vec<String>> = Mutex::default();
    let server = Server::start(move |call| {
        let reply = system(&theirs, call);
        // The first answer of each call is lost once it is done.
        let what = format!("{} {}", call.method, call.path);
        let mut lost = lost.lock().unwrap();
        if lost.contains(&what) {
            return reply;
        }
        lost.push(what);
        Reply::Nothing
    });
    multi().block_on(async {
        let folder = folder("twice", &[("connector.toml", CONNECTOR)]);
        let mut house = House::within(folder, &config("twice", &settings(&server)), PROFILE);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(orders.lock().unwrap().len(), 1);
        results_are_kept_as_long_as_their_document(house.close().await.path());
    });
}

/// They are made again from the audit log, and leave with the document.
fn results_are_kept_as_long_as_their_document(folder: &Path) {
    let data = folder.join("data");
    let steps = |store: &EmbeddedStore| -> Vec<String> {
        let document = store.documents(None, 1).unwrap().remove(0).id;
        let results = store.call_results(&document).unwrap();
        results.into_iter().map(|result| result.step).collect()
    };
    let all = ["confirm", "create", "customer"];
    assert_eq!(steps(&EmbeddedStore::open(&data).unwrap()), all);
    EmbeddedStore::rebuild(&data, &mut |_, _| {}).unwrap();
    let store = EmbeddedStore::open(&data).unwrap();
    assert_eq!(steps(&store), all);
    let document = store.documents(None, 1).unwrap().remove(0).id;
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    assert_eq!(store.retire(later, &|_| None, &|| false).unwrap().documents, 1);
    assert_eq!(store.call_results(&document).unwrap(), vec![]);
}

#[test]
fn what_it_says_of_busy_hours_and_failures_is_heeded() {
    let orders = Orders::default();
    let answers = Mutex::new(vec![
        Reply::status("500 Internal Server Error"),
        Reply::status("429 Too Many Requests\r\nretry-after: 1"),
        Reply::status("503 Service Unavailable\r\nretry-after: Sat, 01 Jan 2000 00:00:00 GMT"),
        Reply::status("404 Not Found"),
    ]);
    let server = Server::start(move |call| {
        let early = answers.lock().unwrap().pop();
        early.unwrap_or_else(|| system(&orders, call))
    });
    let connector = format!("{CONNECTOR}\n[breaker]\nfailures = 1\npause_seconds = 1\n");
    multi().block_on(async {
        let folder = folder("twice", &[("connector.toml", &connector)]);
        let mut house = House::within(folder, &config("twice", &settings(&server)), PROFILE);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        let failed = house.wait_for(Event::AttemptFailed, |r| r.entry.note.contains("429")).await;
        assert!(failed.entry.note.contains("GET /customers"), "{failed:?}");
        house.wait_for(Event::AttemptFailed, |r| r.entry.note.contains("500")).await;
        house.wait(Event::DocumentDelivered).await;
        house.close().await;
    });
}

#[test]
fn what_is_not_mapped_is_held_before_the_first_call() {
    let orders = Orders::default();
    let theirs = Arc::clone(&orders);
    let server = Server::start(move |call| system(&theirs, call));
    multi().block_on(async {
        let folder = folder("twice", &[("connector.toml", CONNECTOR)]);
        let settings = settings(&server).replace("NP-MUG-PINE", "NP-MUG-OAK");
        let mut house = House::within(folder, &config("twice", &settings), PROFILE);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        let parked = house.wait(Event::WorkParked).await;
        assert_eq!(parked.entry.note, "no item is known for NP-MUG-PINE");
        let open = house.gateway.store().open_exceptions(0, 10).unwrap();
        assert!(open[0].words.contains("no item is known for NP-MUG-PINE"), "{open:?}");
        assert_eq!(server.lines(), Vec::<String>::new());
        house.close().await;
    });
}

/// Only ends a test that hangs.
const PATIENCE: Duration = Duration::from_mins(2);

/// A folder with a gateway in it whose order goes through a connector.
pub fn yard(
    connector: &str,
    files: &[(&str, &str)],
    settings: &str,
    order: &str,
) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_connector(folder.path(), connector, files);
    let partner = folder.path().join("partners/harbor-and-pine");
    let inbound = folder.path().join("mailboxes/harbor-and-pine/inbound");
    for folder in [&partner, &inbound] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(partner.join("partner.toml"), PROFILE.replace("= 5 ", "= 1 ")).unwrap();
    fs::write(folder.path().join("crossdock.toml"), config(connector, settings)).unwrap();
    fs::write(inbound.join("order.edi"), order).unwrap();
    folder
}

/// Waits until the process has died by itself.
pub fn died(folder: &Path, mut running: Running, trial: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = running.0.try_wait().unwrap() {
            assert_eq!(status.code(), None, "{trial}: {}", log(folder));
            return;
        }
        assert!(Instant::now() < deadline, "{trial}: it does not die: {}", log(folder));
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// Starts it again, waits until the order is delivered, stops it in good order, and tells what became of the order.
pub fn finished(folder: &Path) -> DocumentState {
    finished_when(folder, || log(folder).contains("document_delivered"));
    let store = EmbeddedStore::open(&folder.join("data")).unwrap();
    store.documents(None, 10).unwrap()[0].state
}

/// Starts it again, waits until something is so, and stops it in good order.
pub fn finished_when(folder: &Path, is_so: impl Fn() -> bool) {
    let mut running = start_in(folder, "");
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(running.0.try_wait().unwrap().is_none(), "it ended: {}", log(folder));
        assert!(Instant::now() < deadline, "it does not come to an end: {}", log(folder));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(stop(&mut running).success(), "{}", log(folder));
}

#[test]
fn killed_at_any_step_it_goes_on_there_and_makes_one_order() {
    // Calls: the customer, the search, the order, its confirmation. Records: one a step, the last with the end.
    let calls = (1..=4).flat_map(|n| ["call.before", "call.after"].map(|point| (point, n)));
    let records = (1..=3).flat_map(|n| ["keep.before", "keep.after"].map(|point| (point, n)));
    let records = records.filter(|record| *record != ("keep.after", 3));
    for (point, count) in calls.chain(records) {
        let orders = Orders::default();
        let theirs = Arc::clone(&orders);
        let server = Server::start(move |call| system(&theirs, call));
        let files = [("connector.toml", CONNECTOR)];
        let yard = yard("twice", &files, &settings(&server), &order(1, "PO-1"));
        let trial = format!("die {point} {count}");
        died(yard.path(), start_in(yard.path(), &trial), &trial);
        let before = server.lines();
        let state = finished(yard.path());
        assert_eq!(orders.lock().unwrap().len(), 1, "{trial}");
        assert_eq!(state, DocumentState::Delivered, "{trial}");
        // What was recorded is not called again.
        let kept = if point == "keep.after" { count } else { 0 };
        let after = server.lines().split_off(before.len());
        let of_steps = [vec!["GET /customers"], vec!["GET /orders?number=PO-1", "POST /orders"]];
        let done = of_steps.iter().take(kept).flatten();
        for line in done {
            assert!(!after.contains(&(*line).to_owned()), "{trial}: {after:?}");
        }
    }
}

#[test]
fn killed_while_the_server_is_still_at_it_it_makes_no_second_order() {
    let orders = Orders::default();
    let (theirs, (begun, begins)) = (Arc::clone(&orders), std::sync::mpsc::channel());
    let (searched, searches) = std::sync::mpsc::channel();
    let (begun, searches) = (Mutex::new(Some(begun)), Mutex::new(searches));
    let server = Server::start(move |call| {
        let is_order = call.path.starts_with("/orders");
        match call.method.as_str() {
            "GET" if is_order && begun.lock().unwrap().is_none() => {
                let reply = system(&theirs, call);
                let _ = searched.send(());
                reply
            }
            "POST" if call.path == "/orders" => {
                let first = begun.lock().unwrap().take();
                if let Some(begun) = first {
                    begun.send(()).unwrap();
                    // Whoever looks for it in the next two seconds does not find it.
                    let _ = searches.lock().unwrap().recv_timeout(Duration::from_secs(2));
                }
                system(&theirs, call)
            }
            _ => system(&theirs, call),
        }
    });
    let connector = CONNECTOR.replace("timeout_seconds = 3", "timeout_seconds = 4");
    let files = [("connector.toml", connector.as_str())];
    let yard = yard("twice", &files, &settings(&server), &order(1, "PO-1"));
    let running = start_in(yard.path(), "");
    begins.recv_timeout(PATIENCE).unwrap();
    drop(running);
    assert_eq!(finished(yard.path()), DocumentState::Delivered);
    assert_eq!(orders.lock().unwrap().len(), 1, "{:?}", server.lines());
}

#[test]
fn cut_off_while_the_server_is_still_at_it_it_makes_no_second_order() {
    for how in ["the gateway before it gives up", "the connection is cut"] {
        let orders = Orders::default();
        let theirs = Arc::clone(&orders);
        let (searched, searches) = std::sync::mpsc::channel();
        let searches = Mutex::new(Some(searches));
        let server = Server::start(move |call| {
            let first = if call.method == "POST" && call.path == "/orders" {
                searches.lock().unwrap().take()
            } else {
                None
            };
            let Some(searches) = first else {
                let reply = system(&theirs, call);
                if call.path.starts_with("/orders?") {
                    let _ = searched.send(());
                }
                return reply;
            };
            // Whoever looks for it in the next two seconds does not find it.
            let (theirs, call) = (Arc::clone(&theirs), call.clone());
            while searches.try_recv().is_ok() {}
            std::thread::spawn(move || {
                let _ = searches.recv_timeout(Duration::from_secs(2));
                system(&theirs, &call);
            });
            if how.starts_with("the gateway") {
                // It knows nothing of the server behind it.
                Reply::status("504 Gateway Timeout\r\nretry-after: 0")
            } else {
                Reply::Nothing
            }
        });
        let connector = CONNECTOR.replace("timeout_seconds = 3", "timeout_seconds = 4");
        let files = [("connector.toml", connector.as_str())];
        let yard = yard("cut", &files, &settings(&server), &order(1, "PO-1"));
        assert_eq!(finished(yard.path()), DocumentState::Delivered, "{how}");
        assert_eq!(orders.lock().unwrap().len(), 1, "{how}: {:?}", server.lines());
    }
}

/// Nothing was done before, and nothing is kept.
struct Fresh;

impl Steps for Fresh {
    fn queued(&self) -> Timestamp {
        Timestamp::now()
    }

    fn result(&self, _: &str) -> Result<Option<(Vec<u8>, Timestamp)>, Error> {
        Ok(None)
    }

    fn keep(&self, _: &str, _: &[u8], _: &str, _: bool) -> Result<(), Error> {
        Ok(())
    }
}

#[test]
fn whoever_hurries_what_was_cut_off_has_to_wait_for_it() {
    let server = Server::start(|call| match call.method.as_str() {
        "GET" if call.path == "/customers" => Reply::ok(&json!({"id": 9})),
        "GET" => Reply::ok(&json!([])),
        _ => Reply::status("524 A Timeout Occurred"),
    });
    let patient = CONNECTOR.replace("timeout_seconds = 3", "timeout_seconds = 60");
    let connector = Connector::read(&source(&[("connector.toml", &patient)])).unwrap();
    let Value::Object(given) = json!({"url": server.url()}) else { unreachable!() };
    let settings = Settings::read(&connector.settings, &given).unwrap();
    let runtime = multi();
    let handle = runtime.handle().clone();
    let limits = Limits { settle: Duration::ZERO, file_bytes: 0, files: 0 };
    let place = (Path::new(""), limits);
    let endpoint = ConnectorEndpoint::new(Arc::new(connector), settings, place, None, handle);
    let endpoint = endpoint.unwrap();
    let json = br#"{"document":"order","number":"PO-1","lines":[]}"#;
    let call = Call { partner: "harbor", kind: "order", idempotency_key: "order-1", json };
    for _ in 0..2 {
        let Err(Error::Transient { reason, retry_after }) = endpoint.deliver(&call, &Fresh) else {
            panic!("it is done")
        };
        assert!(retry_after.is_some_and(|wait| wait > Duration::from_secs(1)), "{reason}");
    }
    let made = server.lines().into_iter().filter(|line| line == "POST /orders");
    assert_eq!(made.count(), 1);
}
