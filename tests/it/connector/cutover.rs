//! Cutover: what a connector would call for orders in shadow, compared with the export of the system that does the work.

use std::fs;

use crossdock::store::{
    Change, Document, DocumentState, EmbeddedStore, Event, InterchangeId, Records as _, Transaction,
};
use serde_json::Value;

use crate::house::{House, PROFILE, multi, order};
use crate::reconciliation::of_yesterday;

const CONFIG: &str = r#"
data = "data"
profiles = "partners"
connectors = "connectors"
poll_seconds = 1
settle_milliseconds = 5

[endpoints.warehouse]
connector = "wms"

[endpoints.warehouse.shadow]
export = "legacy"
program = "legacy.jq"
ignore = ["reference", "lines[].note"]
"#;
const CONNECTOR: &str = r#"
title = "A warehouse"
base_url = "http://127.0.0.1:9"

[[documents.order.step]]
name = "customer"
call = "{path: \"/customers\"}"
idempotency = "read"

[[documents.order.step]]
name = "create"
call = "create"
idempotency = "header"
"#;
const ORDER: &str = "def create: {path: \"/orders\", body: {po: .number, reference: $id,
  lines: [.lines[] | {sku: .items[0].value, quantity, note: \"x\"}]}};\n";
const LEGACY: &str = "select(.type == \"order\") | {document: \"order\", number: .po} + (.whose // {}) + {
  call: {po: .po, reference: \"other\", lines: (.lines | if type == \"string\" then fromjson else . end)}}\n";

/// A house whose orders are in shadow, with a connector that must never be called.
fn in_shadow() -> House {
    shadowing(tempfile::tempdir().unwrap(), CONFIG)
}

fn shadowing(folder: tempfile::TempDir, config: &str) -> House {
    shadowing_with(folder, config, |_| {})
}

fn shadowing_with(
    folder: tempfile::TempDir,
    config: &str,
    prepare: impl FnOnce(&std::path::Path),
) -> House {
    let connector = folder.path().join("connectors/wms");
    fs::create_dir_all(&connector).unwrap();
    fs::write(connector.join("connector.toml"), CONNECTOR).unwrap();
    fs::write(connector.join("order.jq"), ORDER).unwrap();
    fs::write(folder.path().join("legacy.jq"), LEGACY).unwrap();
    fs::create_dir(folder.path().join("legacy")).unwrap();
    prepare(folder.path());
    let profile =
        PROFILE.replacen("[documents.order]\n", "[documents.order]\nstate = \"shadow\"\n", 1);
    House::within(folder, config, &profile)
}

#[test]
fn each_night_the_day_before_is_compared() {
    multi().block_on(async {
        let (folder, date) = of_yesterday();
        let store = EmbeddedStore::open(&folder.path().join("data")).unwrap();
        let order = br#"{"document":"order","number":"PO-1","lines":[]}"#;
        let mut record = store.document("invoice-1").unwrap().unwrap();
        record.payload = store.put_payload(order).unwrap();
        record.state = DocumentState::Shadowed;
        record.interchange = Some(InterchangeId { receipt: 1, index: 0 });
        for (to, text) in
            [(&mut record.kind, "order"), (&mut record.number, "PO-1"), (&mut record.id, "order-1")]
        {
            text.clone_into(to);
        }
        store.commit(Transaction::new().with(Change::Document(record))).unwrap();
        drop(store);
        let house = shadowing(folder, &format!("{CONFIG}\n[reconciliation]\nat = \"00:00\"\n"));
        let names = [format!("warehouse-{date}.json"), format!("warehouse-{date}.txt")];
        house.until(|house| house.names("data/shadow") == names).await;
        let text = fs::read_to_string(house.path("data/shadow").join(&names[1])).unwrap();
        let told =
            "0 of 1 calls are the same\n  harbor-and-pine order PO-1: the other system has nothing";
        assert!(text.contains(told), "{text}");
        house.close().await;
    });
}

#[test]
fn what_is_held_here_is_not_the_same_and_what_goes_out_is_not_compared() {
    multi().block_on(async {
        let (folder, date) = of_yesterday();
        let store = EmbeddedStore::open(&folder.path().join("data")).unwrap();
        let other = store.document("invoice-1").unwrap().unwrap();
        let record = |id: &str, kind: &str, state| {
            let (id, kind, number) = (id.to_owned(), kind.to_owned(), "PO-1".to_owned());
            Document { id, kind, number, state, ..other.clone() }
        };
        let held = record("order-1", "order", DocumentState::Quarantined);
        let held = Document { interchange: Some(InterchangeId { receipt: 1, index: 0 }), ..held };
        let sent = record("shipment-1", "shipment", DocumentState::Shadowed);
        let all = [held, sent].map(Change::Document);
        store.commit(all.into_iter().fold(Transaction::new(), Transaction::with)).unwrap();
        drop(store);
        let house = shadowing(folder, CONFIG);
        let line = format!("{{\"type\":\"order\",\"po\":\"PO-1\",\"lines\":[{}]}}", LINES[0]);
        fs::write(house.path("legacy/day.jsonl"), line).unwrap();
        let date = date.to_string();
        let (page, code) = house.command(&["connector", "compare", "warehouse", "--date", &date]);
        let expected = format!(
            "Shadow of warehouse on {date}: 0 of 1 calls are the same\n  \
             harbor-and-pine order PO-1: no call, it is held for a person\n"
        );
        assert_eq!((page, code), (expected, 1));
        house.close().await;
    });
}

#[test]
fn a_night_without_an_export_says_so() {
    let (address, requests) = crate::house::warehouse(&["200 OK", "200 OK"]);
    let config = format!(
        "{CONFIG}\n[notify.ops]\nurl = \"http://{address}/\"\n[reconciliation]\nat = \"00:00\"\nto = [\"ops\"]\n"
    );
    multi().block_on(async {
        let (folder, date) = of_yesterday();
        let mut house = shadowing_with(folder, &config, |folder| {
            fs::write(folder.join("legacy/day.json"), "[{").unwrap();
        });
        house.wait(Event::MessageSent).await;
        house.wait(Event::MessageSent).await;
        let told: Vec<String> = (0..2).map(|_| requests.recv().unwrap()).collect();
        let title = format!("Shadow of warehouse on {date}: not compared");
        assert!(told.iter().any(|request| request.contains(&title)), "{told:#?}");
        let file = house.path("data/shadow").join(format!("warehouse-{date}.txt"));
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains("day.json: EOF") && text.contains("connector compare"), "{text}");
        house.close().await;
    });
}

const LINES: [&str; 3] = [
    r#"{"sku":"614141001019","quantity":24}"#,
    r#"{"sku":"614141002023","quantity":"36.0"}"#,
    r#"{"sku":"614141003037","quantity":12,"note":"theirs"}"#,
];

#[test]
fn what_would_be_called_is_compared_with_what_was_done() {
    multi().block_on(async {
        let mut house = in_shadow();
        for (at, number) in ["PO-1", "PO-2", "PO-3"].into_iter().enumerate() {
            let at = u32::try_from(at).unwrap() + 1;
            house.drop_inbound(&format!("{at}.edi"), &order(at, number));
            house.wait(Event::DocumentShadowed).await;
        }
        let all = LINES.join(",");
        let other = all.replace("\"36.0\"", "30");
        let jsonl = format!(
            "{{\"type\":\"order\",\"po\":\"PO-1\",\"lines\":[{all}]}}\n{{\"type\":\"note\"}}\n\
             {{\"type\":\"order\",\"po\":\"PO-2\",\"lines\":[{other}]}}\n"
        );
        fs::write(house.path("legacy/day.jsonl"), jsonl).unwrap();
        let csv = format!("type,po,lines\norder,PO-9,\"[{}]\"\n", LINES[0].replace('"', "\"\""));
        fs::write(house.path("legacy/more.csv"), csv).unwrap();
        let today = jiff::Zoned::now().date().to_string();
        let compare = ["connector", "compare", "warehouse", "--date", &today];
        let (page, code) = house.command(&compare);
        let expected = format!(
            "Shadow of warehouse on {today}: 1 of 3 calls are the same\n  \
             harbor-and-pine order PO-2: the call differs\n    \
             lines[1].quantity: 36 here, 30 there\n  \
             harbor-and-pine order PO-3: the other system has nothing of it\n  \
             order PO-9 (more.csv): it never came here\n"
        );
        assert_eq!((page, code), (expected, 1));
        let (json, _) = house.command(&[&compare[..], &["--format", "json"]].concat());
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["differences"][0]["mismatches"][0]["path"], "lines[1].quantity");
        // Of another partner's order with the same number.
        let strange = format!(
            "{{\"type\":\"order\",\"whose\":{{\"partner\":\"lakeside\"}},\"po\":\"PO-3\",\"lines\":[{all}]}}"
        );
        fs::write(house.path("legacy/others.jsonl"), strange).unwrap();
        let (page, _) = house.command(&compare);
        assert!(page.contains("  lakeside order PO-3 (others.jsonl): it never came here"), "{page}");
        assert!(page.contains("order PO-3: the other system has nothing of it"), "{page}");
        fs::remove_file(house.path("legacy/others.jsonl")).unwrap();
        // All of it the same.
        let one =
            |number: &str| format!("{{\"type\":\"order\",\"po\":\"{number}\",\"lines\":[{all}]}}");
        let list = ["PO-1", "PO-2", "PO-3"].map(one).join(",");
        fs::write(house.path("legacy/day.jsonl"), format!("[{list}]")).unwrap();
        fs::remove_file(house.path("legacy/more.csv")).unwrap();
        let (page, code) = house.command(&compare);
        assert_eq!(code, 0, "{page}");
        house.close().await;
    });
}

#[test]
fn mistakes_say_where_they_are() {
    multi().block_on(async {
        let house = in_shadow();
        let fails = |arguments: &[&str], words: &str| {
            let output = std::process::Command::new(env!("CARGO_BIN_EXE_crossdock"))
                .env("CROSSDOCK_CONFIG", house.path("crossdock.toml"))
                .args(arguments)
                .output()
                .unwrap();
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success() && told.contains(words), "{words}: {told}");
        };
        fails(&["connector", "compare", "shop"], "[endpoints.shop.shadow]");
        fails(&["connector", "compare", "warehouse", "--partner", "nobody"], "harbor-and-pine");
        fs::write(house.path("legacy/day.json"), "[{\"type\":\"order\"}]").unwrap();
        fails(&["connector", "compare", "warehouse"], "record 1: the program gives {document");
        fs::write(house.path("legacy/day.json"), "[{\"type\":").unwrap();
        fails(&["connector", "compare", "warehouse"], "day.json: EOF");
        fs::rename(house.path("legacy/day.json"), house.path("legacy/day.txt")).unwrap();
        fails(&["connector", "compare", "warehouse"], "neither .json");
        fs::write(house.path("legacy.jq"), ".a\n| nothing").unwrap();
        fails(
            &["connector", "compare", "warehouse"],
            "legacy.jq:2:3: there is no filter `nothing`",
        );
        fs::remove_file(house.path("legacy.jq")).unwrap();
        let unread = "legacy.jq: the program of a shadow cannot be read";
        fails(&["connector", "compare", "warehouse"], unread);
        house.close().await;
    });
}
