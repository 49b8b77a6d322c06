//! An order followed from its arrival to the last acknowledgement.

use crossdock::gateway::leads;
use crossdock::store::{
    Change, Document, DocumentState, EmbeddedStore, Event, Records as _, Transaction,
};
use jiff::{SignedDuration, Timestamp};

use super::gateway::acknowledgement;
use super::house::{House, multi, order};

pub const SHIPMENT: &str = r#"{"document":"shipment","purpose":"original","number":"SH-1","date":"2026-11-20","time":"10:15",
    "structure_code":"0001","ship_to":{"name":"STORE 0417","id_kind":"assigned_by_buyer","id":"0417"},"orders":[{"number":"PO-1"}],
    "packages":[{"kind":"pack","sscc":"006141410000000011"},{"kind":"pack","sscc":"006141410000000028"}],
    "contents":[
        {"order":1,"packages":[1],"line":"1","quantity":"24","unit":"each",
         "items":[{"kind":"upc","value":"614141001019"}]},
        {"order":1,"packages":[2],"line":"2","quantity":"30","unit":"each",
         "items":[{"kind":"upc","value":"614141002023"}]}]}"#;
pub const INVOICE: &str = r#"{"document":"invoice","date":"2026-11-20","number":"INV-1","order":"PO-1",
    "order_date":"2026-11-19","total":"417.00","lines":[
        {"number":"1","quantity":"24","unit":"each","price":"12.50","items":[{"kind":"upc","value":"614141001019"}]},
        {"number":"2","quantity":"36","unit":"each","price":"4.75","items":[{"kind":"upc","value":"614141002023"}]}]}"#;

/// An order that came, with a shipment and an invoice that went.
async fn shipped_and_billed() -> House {
    let mut house = House::open();
    house.drop_inbound("order.edi", &order(1, "PO-1"));
    house.wait(Event::DocumentDelivered).await;
    house.drop_outbound("shipments", "s.json", SHIPMENT);
    house.wait_for(Event::InterchangeSent, |record| sent(record, "shipment")).await;
    house.drop_outbound("invoices", "i.json", INVOICE);
    house.wait_for(Event::InterchangeSent, |record| sent(record, "invoice")).await;
    house
}

fn sent(record: &crossdock::store::JournalRecord, kind: &str) -> bool {
    record.entry.subject.contains(kind)
}

#[test]
fn an_order_is_followed_to_its_cartons_invoices_and_acknowledgements() {
    multi().block_on(async {
        let mut house = shipped_and_billed().await;
        let answer = acknowledgement(2, 1001, "A").replace("AK1*IN", "AK1*SH");
        let shipped = house.gateway.store().all_expectations(None, 10).unwrap().remove(0);
        house.drop_inbound("997.edi", &answer.replace("1001", &shipped.group.to_string()));
        house.wait(Event::DocumentAcknowledged).await;

        let (page, code) = house.command(&["trace", "PO-1"]);
        assert_eq!(code, 1, "{page}");
        for words in [
            "Purchase order PO-1  harbor-and-pine  2026-11-19",
            "interchange number 1\n",
            "harbor-and-pine-997-",
            "shipment SH-1  accepted",
            "006141410000000028  30 × 614141002023",
            "invoice INV-1  sent",
            "waiting, 23h",
            "1     614141001019  24       24       24        each",
            "2     614141002023  36       30       36        each",
            "line 2 (614141002023): 36 ordered, 30 shipped",
            "line 2 (614141002023): 30 shipped, 36 invoiced",
            "line 3 (614141003037): 12 ordered, 0 shipped",
        ] {
            assert!(page.contains(words), "{words:?} is not in\n{page}");
        }
        assert!(!page.contains("line 1 ("), "{page}");
        let (json, _) = house.command(&["trace", "PO-1", "--format", "json"]);
        let trace: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(trace["documents"][1]["cartons"][0]["sscc"], "006141410000000011");
        assert_eq!(trace["lines"][1]["shipped"], "30");
        house.close().await;
    });
}

#[test]
fn an_order_is_found_by_what_belongs_to_it() {
    multi().block_on(async {
        let mut house = shipped_and_billed().await;
        let (page, _) = house.command(&["trace", "PO-1"]);
        for (number, how) in [
            ("SH-1", "shipment SH-1 is of order PO-1"),
            ("INV-1", "invoice INV-1 is of order PO-1"),
            (
                "006141410000000028",
                "package 006141410000000028 is in shipment SH-1, which is of order PO-1",
            ),
            (
                "00006141410000000011",
                "package 00006141410000000011 is in shipment SH-1, which is of order PO-1",
            ),
        ] {
            let found = house.command(&["trace", number, "--partner", "harbor-and-pine"]);
            assert_eq!(found, (format!("{how}\n{page}"), 1));
        }
        let (json, _) = house.command(&["trace", "SH-1", "--format", "json"]);
        let trace: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(trace["found"], "shipment SH-1 is of order PO-1");
        let stray = SHIPMENT.replace("SH-1", "SH-2").replace("PO-1", "PO-9");
        house.drop_outbound("shipments", "t.json", &stray.replace("00000000", "00000002"));
        house.wait_for(Event::InterchangeSent, |record| sent(record, "shipment")).await;
        for (number, why) in [
            ("SH-2", "shipment SH-2 is of order PO-9, which is not in the store"),
            ("SH", "there is no order, shipment or invoice SH"),
            ("106141410000000028", "there is no order, shipment or invoice 1061"),
        ] {
            let output = std::process::Command::new(env!("CARGO_BIN_EXE_crossdock"))
                .env("CROSSDOCK_CONFIG", house.path("crossdock.toml"))
                .args(["trace", number])
                .output()
                .unwrap();
            let told = String::from_utf8(output.stderr).unwrap();
            assert!(told.contains(why) && output.status.code() == Some(2), "{told}");
        }
        house.close().await;
    });
}

#[test]
fn what_is_held_came_twice_or_was_rejected_is_shown() {
    multi().block_on(async {
        let mut house = House::open();
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        // The same number with other contents, and an invoice for what was never ordered.
        house.drop_inbound("other.edi", &order(2, "PO-1").replace("PO1*1*24*EA", "PO1*1*25*EA"));
        house.wait(Event::ExceptionRaised).await;
        let notes = |house: &House| -> String {
            let folder = house.path("mailboxes/harbor-and-pine/quarantine");
            let names = house.names("mailboxes/harbor-and-pine/quarantine").into_iter();
            let texts = names.filter(|name| name.contains(".findings"));
            texts.map(|name| std::fs::read_to_string(folder.join(name)).unwrap()).collect()
        };
        house.until(|house| notes(house).contains("was received before with other contents")).await;
        house.drop_inbound("bad.edi", &order(3, "PO-3").replace("PO1*1*24*EA", "PO1*1*ten*EA"));
        house.wait(Event::ExceptionRaised).await;
        let long = INVOICE.replace("INV-1", &"N".repeat(40));
        house.drop_outbound("invoices", "long.json", &long);
        house.wait(Event::ExceptionRaised).await;
        // One that the partner rejects was counted for the order: it is told of once.
        house.drop_outbound("invoices", "i.json", INVOICE);
        let sent =
            |record: &crossdock::store::JournalRecord| record.entry.subject.contains("invoice");
        house.wait_for(Event::InterchangeSent, sent).await;
        let group = house.gateway.store().all_expectations(None, 10).unwrap()[0].group;
        house.drop_inbound("997.edi", &acknowledgement(9, u32::try_from(group).unwrap(), "R"));
        house.wait(Event::DocumentAcknowledged).await;
        let (page, _) = house.command(&["trace", "PO-1"]);
        assert_eq!(page.matches("\ninvoice INV-1  rejected").count(), 1, "{page}");
        for words in ["order PO-1  delivered", "order PO-1  set aside", "NNNN  set aside"] {
            assert!(page.contains(words), "{words:?} is not in\n{page}");
        }
        // A person has the second one go on: the first one stays in sight, with its answer.
        house.command(&["exceptions", "accept", "1", "--reason", "they say so", "--who", "us"]);
        house.wait(Event::DocumentDelivered).await;
        let (page, _) = house.command(&["trace", "PO-1"]);
        assert_eq!(page.matches("order PO-1  delivered").count(), 2, "{page}");
        assert!(!page.contains("our answer    none"), "{page}");
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_crossdock"))
            .env("CROSSDOCK_CONFIG", house.path("crossdock.toml"))
            .args(["trace", "PO-3"])
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("crossdock exceptions show 2"), "{told}");
        house.close().await;
    });
}

/// Of more shipments than are looked through for a package the latest are, and it is said.
#[test]
fn a_package_is_looked_for_in_the_latest_shipments() {
    const LOOKED_THROUGH: u32 = 10_000;
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let other = store.put_payload(SHIPMENT.replace("00000000", "00000002").as_bytes()).unwrap();
    let meant = store.put_payload(SHIPMENT.as_bytes()).unwrap();
    let moment = |second: u32| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second.into());
    let shipment = |n: u32, payload, at| {
        Change::Document(Document {
            id: format!("shipment-{n:05}"),
            partner: "harbor-and-pine".to_owned(),
            kind: "shipment".to_owned(),
            number: format!("SH-{n}"),
            state: DocumentState::Sent,
            payload,
            interchange: None,
            rendered: None,
            edited: false,
            at,
        })
    };
    // The one that is meant is the oldest of those that are looked through: not by its id, by its time.
    let numbers: Vec<u32> = (0..LOOKED_THROUGH).collect();
    for some in numbers.chunks(1000) {
        let changes = some.iter().map(|&n| {
            let payload = if n == 5000 { meant } else { other };
            let at = if n == 5000 { moment(1) } else { moment(n + 2) };
            shipment(n, payload, at)
        });
        store.commit(changes.fold(Transaction::new(), Transaction::with)).unwrap();
    }
    let sscc = "006141410000000011";
    let found = leads(&store, sscc, None).unwrap();
    let orders: Vec<Vec<String>> = found.found.into_iter().map(|lead| lead.orders).collect();
    assert_eq!((orders, found.looked_through), (vec![vec!["PO-1".to_owned()]], None));
    // One later shipment, and it is not among them any more.
    let later = shipment(LOOKED_THROUGH, other, moment(LOOKED_THROUGH + 2));
    store.commit(Transaction::new().with(later)).unwrap();
    let found = leads(&store, sscc, None).unwrap();
    assert_eq!((found.found.len(), found.looked_through), (0, Some(10_000)));
    let found = leads(&store, sscc, Some("another")).unwrap();
    assert_eq!((found.found.len(), found.looked_through), (0, None));
}
