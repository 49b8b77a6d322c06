//! What has come at the API since a cursor is fetched, once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crossdock::store::Event;
use serde_json::{Value, json};

use super::INVOICE;
use super::delivery::{config, folder};
use super::server::{Reply, Server};
use super::trials::{died, finished_when, yard};
use crate::house::{House, PROFILE, multi, order};
use crate::inventory::FLOW;
use crate::kill::start_in;

const CONNECTOR: &str = r#"
title = "Invoices in pages of two"
base_url = "{url}"

[settings.url]
about = "the address"

[[documents.order.step]]
name = "create"
call = '{path: "/orders", body: .}'
idempotency = "natural-key"

[[poll]]
kind = "invoice"
call = '{path: "/invoices", query: {after: ($cursor // 0), of: $partner}}'
items = ".[]"
orders = ".order"
document = "invoice"
cursor = '[.[].id] | max // $cursor // 0'
more = "length == 2"
"#;

fn invoice(id: u32, order: &str) -> Value {
    json!({"id": id, "number": format!("INV-{id}"), "order": order})
}

#[test]
fn what_has_come_is_fetched_once_with_its_order_and_the_cursor_is_kept() {
    let invoices: Arc<Mutex<Vec<Value>>> = Arc::default();
    let theirs = Arc::clone(&invoices);
    let down = Arc::new(AtomicBool::new(false));
    let is_down = Arc::clone(&down);
    let server = Server::start(move |call| {
        let Some((_, query)) = call.path.split_once("after=") else {
            return Reply::ok(&json!({}));
        };
        if is_down.swap(false, Ordering::SeqCst) {
            return Reply::status("503 Service Unavailable");
        }
        let after: u64 = query.split('&').next().unwrap().parse().unwrap();
        let all = theirs.lock().unwrap();
        let new = all.iter().filter(|one| one["id"].as_u64() > Some(after)).take(2);
        Reply::ok(&Value::Array(new.cloned().collect()))
    });
    multi().block_on(async {
        let settings = format!("url = \"{}\"\n", server.url());
        let config = config("pages", &settings);
        let folder = folder("pages", &[("connector.toml", CONNECTOR), ("invoice.jq", INVOICE)]);
        let mut house = House::within(folder, &config, PROFILE);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        {
            let mut all = invoices.lock().unwrap();
            *all = vec![invoice(1, "PO-1"), invoice(2, "PO-1"), invoice(3, "PO-9")];
            all.push(json!({"id": 4, "draft": true}));
        }
        house.gateway.look_now();
        for _ in 0..2 {
            house.wait(Event::DocumentRendered).await;
        }
        let told = house.wait(Event::DocumentQuarantined).await;
        assert!(told.entry.note.contains("the order PO-9 is not known"), "{told:?}");
        house.until(|_| server.lines().iter().any(|line| line.contains("after=4"))).await;
        let folder = house.close().await;

        // After a start it goes on behind them; one that fails is asked again.
        down.store(true, Ordering::SeqCst);
        let before = server.calls().len();
        let mut house = House::within(folder, &config, PROFILE);
        house.until(|_| server.calls().len() > before + 1).await;
        let asked: Vec<String> = server.lines().split_off(before);
        assert!(asked.iter().all(|line| line.contains("after=4&of=harbor-and-pine")), "{asked:?}");
        invoices.lock().unwrap().push(invoice(5, "PO-1"));
        house.gateway.look_now();
        house.wait(Event::DocumentRendered).await;
        assert_eq!(house.gateway.store().documents(None, 100).unwrap().len(), 4);
        house.close().await;
    });
}

/// As docs/connectors.md shows it.
#[test]
fn the_inventory_is_fetched_whenever_there_is_another() {
    let docs = include_str!("../../../docs/connectors.md");
    let (_, shown) = docs.split_once("```toml\n[[poll]]\nkind = \"inventory\"").unwrap();
    let (poll, rest) = shown.split_once("```").unwrap();
    let (program, _) = rest.split_once("```jq\n").unwrap().1.split_once("```").unwrap();
    let (head, _) = CONNECTOR.split_once("[[poll]]").unwrap();
    let connector = format!(
        "{head}[settings.warehouse]\nabout = \"its number\"\n[[poll]]\nkind = \"inventory\"{poll}"
    );
    let stock = |hour: u32| {
        let tote = json!({"upc": "614141001019", "free": 148 - hour});
        let expected = json!({"quantity": 240, "day": "2026-12-04"});
        let mug = json!({"upc": "614141002023", "free": 0, "expected": expected});
        json!({"as_of": format!("2026-11-20T{hour:02}:00"), "items": [tote, mug]})
    };
    let now = Arc::new(Mutex::new(stock(6)));
    let theirs = Arc::clone(&now);
    let server = Server::start(move |_| Reply::ok(&theirs.lock().unwrap()));
    multi().block_on(async {
        let settings = format!("url = \"{}\"\nwarehouse = \"W-03\"\n", server.url());
        let files = [("connector.toml", connector.as_str()), ("inventory.jq", program)];
        let (folder, profile) = (folder("stock", &files), format!("{PROFILE}{FLOW}"));
        let mut house = House::within(folder, &config("stock", &settings), &profile);
        house.wait(Event::InterchangeSent).await;
        *now.lock().unwrap() = stock(7);
        house.gateway.look_now();
        house.wait(Event::InterchangeSent).await;
        let sent = house.names("mailboxes/harbor-and-pine/outbound");
        assert!(sent.len() == 2 && sent[1].contains("-inventory-"), "{sent:?}");
        let path = house.path("mailboxes/harbor-and-pine/outbound").join(&sent[1]);
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains("BIA*00*SI*STOCK-2026-11-20T07:00*20261120*0700~"), "{text}");
        assert!(text.contains("QTY*33*141*EA~") && text.contains("DTM*018*20261204~"), "{text}");
        house.close().await;
    });
}

#[test]
fn killed_while_it_takes_what_was_fetched_it_sends_each_once() {
    for trial in [
        "die poll.before 1",
        "die poll.after 1",
        "die poll.before 2",
        "die poll.after 2",
        "die cursor.after 1",
    ] {
        let server = Server::start(|call| match call.path.split_once("after=") {
            Some((_, query)) if query.starts_with("0&") => {
                Reply::ok(&json!([invoice(1, "PO-1"), invoice(2, "PO-1")]))
            }
            Some(_) => Reply::ok(&json!([])),
            None => Reply::ok(&json!({})),
        });
        // The order is not asked for: it may be there only after the invoices.
        let program = INVOICE.replace(
            "($orders[.order].date // error(\"the order \\(.order) is not known\"))",
            "\"2026-11-19\"",
        );
        let files = [("connector.toml", CONNECTOR), ("invoice.jq", program.as_str())];
        let settings = format!("url = \"{}\"\n", server.url());
        let yard = yard("pages", &files, &settings, &order(1, "PO-1"));
        died(yard.path(), start_in(yard.path(), trial), trial);
        let outbound = yard.path().join("mailboxes/harbor-and-pine/outbound");
        let names = || -> Vec<String> {
            let entries = std::fs::read_dir(&outbound).into_iter().flatten().flatten();
            let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
            names.filter(|name| name.contains("-invoice-") && !name.starts_with('.')).collect()
        };
        // Done is done once the cursor is beyond them, and both have left.
        finished_when(yard.path(), || {
            names().len() >= 2 && server.lines().iter().any(|line| line.contains("after=2&"))
        });
        assert_eq!(names().len(), 2, "{trial}: {:?}", names());
    }
}
