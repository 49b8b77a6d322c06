//! A connector whose API is a folder: files are written there, and those that come are fetched, once.

use std::fs;

use crossdock::store::Event;

use super::delivery::{config, folder};
use super::mistakes::told;
use super::trials::{died, finished_when, yard};
use crate::house::{House, PROFILE, multi, order};
use crate::kill::start_in;

const SETTINGS: &str = "folder = \"wms\"\n";

fn invoice(number: &str) -> String {
    format!(
        r#"{{"document": "invoice", "date": "2026-11-20", "number": "{number}", "order": "PO-1", "order_date": "2026-11-19",
        "lines": [{{"number": "1", "quantity": "2", "unit": "each", "price": "1.50", "items": [{{"kind": "vendor", "value": "A-1"}}]}}],
        "total": "3.00"}}"#
    )
}

#[test]
fn documents_are_files_both_ways() {
    multi().block_on(async {
        let mut house = House::within(folder("other", &[]), &config("folder", SETTINGS), PROFILE);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        let id = house.wait(Event::DocumentDelivered).await.entry.subject;
        assert_eq!(house.names("wms/harbor-and-pine/orders"), [format!("{id}.json")]);
        let path = house.path("wms/harbor-and-pine/orders").join(format!("{id}.json"));
        let order: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        assert_eq!(order["number"], "PO-1");

        let invoices = "wms/harbor-and-pine/invoices";
        house.put(invoices, "two.json", &format!("[{}, {}]", invoice("INV-1"), invoice("INV-2")));
        for _ in 0..2 {
            house.wait(Event::DocumentRendered).await;
        }
        // What cannot be read is for a person; nobody waits behind it.
        house.put(invoices, "torn.json", "{\"document\": ");
        let told = house.wait(Event::DocumentQuarantined).await.entry.note;
        assert!(told.contains("torn.json: EOF while parsing"), "{told}");
        house.put(invoices, "page.html", "<html>");
        let told = house.wait(Event::DocumentQuarantined).await.entry.note;
        assert!(told.contains("page.html: it is neither .json, .jsonl nor .csv"), "{told}");
        house.put(invoices, "three.jsonl", &invoice("INV-3").replace('\n', " "));
        house.wait(Event::DocumentRendered).await;
        house.until(|house| house.names(invoices).is_empty()).await;
        let archive = house.names_below("wms/harbor-and-pine/archive/invoices");
        let mut kept: Vec<&str> =
            archive.iter().map(|name| name.split_once('-').unwrap().1).collect();
        kept.sort_unstable();
        assert_eq!(kept, ["page.html", "three.jsonl", "torn.json", "two.json"]);
        house.close().await;
    });
}

/// As docs/connectors.md shows it.
#[test]
fn a_warehouse_that_knows_csv_has_its_own_columns() {
    let docs = include_str!("../../../docs/connectors.md");
    let (_, shown) = docs.split_once("## Files in place of calls").unwrap();
    let block = |text: &'static str, kind: &str| -> (&'static str, &'static str) {
        text.split_once(&format!("```{kind}\n")).unwrap().1.split_once("```").unwrap()
    };
    let (connector, rest) = block(shown, "toml");
    let (order_program, rest) = block(rest, "jq");
    let (shipment_program, rest) = block(rest, "jq");
    let (exported, _) = block(rest, "csv");
    multi().block_on(async {
        let files = [
            ("connector.toml", connector),
            ("order.jq", order_program),
            ("shipment.jq", shipment_program),
        ];
        let place = folder("acme-csv", &files);
        let mut house = House::within(place, &config("acme-csv", SETTINGS), PROFILE);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        let imported = house.path("wms/harbor-and-pine/import").join("PO-1.csv");
        insta::assert_snapshot!(fs::read_to_string(imported).unwrap());
        house.put("wms/harbor-and-pine/export", "shipped-7.csv", exported);
        house.wait(Event::InterchangeSent).await;
        let outbound = "mailboxes/harbor-and-pine/outbound";
        house.until(|house| house.names(outbound).iter().any(|n| n.contains("-shipment-"))).await;
        let names = house.names(outbound);
        let sent = names.iter().find(|name| name.contains("-shipment-")).unwrap();
        let text = fs::read_to_string(house.path(outbound).join(sent)).unwrap();
        let told = text.split_inclusive('~').filter(|segment| {
            let segment = segment.trim_start();
            ["HL", "PRF", "MAN", "LIN", "SN1"].iter().any(|tag| segment.starts_with(tag))
        });
        insta::assert_snapshot!(told.collect::<String>());
        house.close().await;
    });
}

#[test]
fn what_a_folder_knows_nothing_of_is_told() {
    let connector = r#"
title = "A folder that is signed in to"
base_url = "file:{folder}"
timeout_seconds = 3

[settings.folder]
about = "the folder"

[auth]
kind = "basic"
user = "me"
secret = "folder"

[[documents.order.step]]
name = "put"
call = "{path: \"/a\", body: .}"
idempotency = "header"
"#;
    insta::assert_snapshot!(told(&[("connector.toml", connector)]));
}

#[test]
fn a_call_that_is_none_for_a_folder_is_refused() {
    multi().block_on(async {
        for (call, reason) in [
            ("{path: \"/orders\", body: .}", "a folder knows `PUT` of a file, and `GET`"),
            (
                "{method: \"PUT\", path: \"/a.json\", headers: {a: \"1\"}, body: .}",
                "a folder knows no headers",
            ),
            ("{method: \"PUT\", path: \"/.hidden\", body: .}", "`.hidden` is no name of a file here"),
            ("{path: \"/orders\", query: {page: 2}}", "a folder knows no `page` in a query"),
        ] {
            let connector = format!(
                "title = \"Folder\"\nbase_url = \"file:{{folder}}\"\n[settings.folder]\nabout = \"it\"\n\
                 [[documents.order.step]]\nname = \"put\"\nidempotency = \"natural-key\"\ncall = '{call}'\n"
            );
            let place = folder("strange", &[("connector.toml", &connector)]);
            let mut house = House::within(place, &config("strange", SETTINGS), PROFILE);
            house.drop_inbound("order.edi", &order(1, "PO-1"));
            let note = house.wait(Event::WorkParked).await.entry.note;
            assert!(note.contains(reason), "{note}");
            house.close().await;
        }
    });
}

#[test]
fn killed_while_it_takes_files_it_sends_each_once() {
    for trial in [
        "die poll.before 1",
        "die poll.after 1",
        "die poll.after 2",
        "die cursor.after 1",
        "die archive.before 1",
        "die archive.after 1",
        "die archive.after 2",
        "die archive.after 3",
    ] {
        let yard = yard("folder", &[], SETTINGS, &order(1, "PO-1"));
        let invoices = yard.path().join("wms/harbor-and-pine/invoices");
        fs::create_dir_all(&invoices).unwrap();
        let two = format!("[{}, {}]", invoice("INV-1"), invoice("INV-2"));
        fs::write(invoices.join("two.json"), two).unwrap();
        fs::write(invoices.join("three.json"), invoice("INV-3")).unwrap();
        died(yard.path(), start_in(yard.path(), trial), trial);
        let left = |place: &str| -> Vec<String> {
            let entries = fs::read_dir(yard.path().join(place)).into_iter().flatten().flatten();
            let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
            names.filter(|name| !name.starts_with('.')).collect()
        };
        let sent = || {
            let names = left("mailboxes/harbor-and-pine/outbound").into_iter();
            names.filter(|name| name.contains("-invoice-")).count()
        };
        // Done is done once the files are away, and all three have left.
        finished_when(yard.path(), || {
            sent() >= 3 && left("wms/harbor-and-pine/invoices").is_empty()
        });
        assert_eq!(sent(), 3, "{trial}");
        let day = left("wms/harbor-and-pine/archive/invoices").remove(0);
        let kept = left(&format!("wms/harbor-and-pine/archive/invoices/{day}"));
        assert_eq!(kept.len(), 2, "{trial}: {kept:?}");
    }
}
