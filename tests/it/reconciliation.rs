//! A day is reconciled: what came with what was delivered, what went with what was acknowledged.

use std::fs;

use crossdock::store::{
    Change, Document, DocumentState, EmbeddedStore, Event, Facts, JournalEntry, Records as _,
    Transaction,
};
use serde_json::Value;

use crate::gateway::INVOICE;
use crate::house::{CONFIG, House, PROFILE, multi, order};

fn flow<'a>(report: &'a Value, direction: &str, document: &str) -> &'a Value {
    let flows = report[direction].as_array().unwrap();
    let found = flows.iter().find(|flow| flow["document"] == document);
    found.unwrap_or_else(|| panic!("no {document} in {report:#}"))
}

#[test]
fn a_day_shows_what_agrees_and_lists_what_does_not() {
    multi().block_on(async {
        let mut house = House::open();
        let today = jiff::Zoned::now().date().to_string();
        house.drop_inbound("good.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.drop_inbound("again.edi", &order(2, "PO-1"));
        house.wait(Event::DocumentDuplicate).await;
        // Without its BEG.
        let bad =
            order(3, "PO-3").lines().filter(|line| !line.starts_with("BEG")).collect::<String>();
        house.drop_inbound("bad.edi", &bad);
        house.wait(Event::InterchangeRejected).await;
        house.drop_inbound("strange.edi", &order(4, "PO-4").replace("6125550100", "9999999999"));
        house.wait(Event::InterchangeQuarantined).await;
        house.drop_outbound("invoices", "1.json", INVOICE);
        house
            .wait_for(Event::InterchangeSent, |record| record.entry.note.starts_with("invoice"))
            .await;
        let (json, code) = house.command(&["reconcile", "--date", &today, "--format", "json"]);
        assert_eq!(code, 1);
        let report: Value = serde_json::from_str(&json).unwrap();
        let orders = flow(&report, "inbound", "order");
        assert_eq!((&orders["received"], &orders["delivered"]), (&3.into(), &1.into()));
        assert_eq!((&orders["repeated"], &orders["set"]), (&1.into(), &"850".into()));
        assert_eq!(orders["rejected"], 1);
        let invoices = flow(&report, "outbound", "invoice");
        assert_eq!((&invoices["sent"], &invoices["waiting"]), (&1.into(), &1.into()));
        let whys: Vec<&str> = report["differences"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["why"].as_str().unwrap())
            .collect();
        for why in [
            "set aside: No partner",
            "rejected; the partner was told so",
            "not acknowledged, due at",
        ] {
            assert!(whys.iter().any(|said| said.starts_with(why)), "{why} is not in {whys:#?}");
        }
        let (text, _) =
            house.command(&["reconcile", "--date", &today, "--partner", "harbor-and-pine"]);
        assert!(
            text.contains(
                "harbor-and-pine order (850): 3 received; 1 delivered, 1 repeated, 1 rejected"
            ),
            "{text}"
        );
        assert!(!text.contains("set aside"), "{text}");
        let (text, code) = house.command(&["reconcile", "--date", "2001-01-01"]);
        assert_eq!((code, text.contains("Nothing came and nothing went.")), (0, true), "{text}");
        house.close().await;
    });
}

#[test]
fn what_was_rejected_or_set_aside_and_went_on_since_then_is_no_difference() {
    multi().block_on(async {
        let mut house = House::open();
        let today = jiff::Zoned::now().date().to_string();
        let good = order(1, "PO-1");
        house.drop_inbound("bad.edi", &good.replace("PO1*1*24*EA", "PO1*1*ten*EA"));
        house.wait(Event::ExceptionRaised).await;
        house.drop_inbound("strange.edi", &order(2, "PO-2").replace("6125550100", "9999999999"));
        house.wait(Event::ExceptionRaised).await;
        house.drop_outbound("invoices", "prose.json", "two mugs, as agreed");
        house.wait(Event::ExceptionRaised).await;
        let report = |house: &House| house.command(&["reconcile", "--date", &today]).0;
        let before = report(&house);
        assert!(before.contains("in order PO-1 (850"), "{before}");
        assert!(before.contains("prose.json: the file cannot be used"), "{before}");
        let (one, two) = (house.path("one.edi"), house.path("two.edi"));
        fs::write(&one, &good).unwrap();
        fs::write(&two, order(2, "PO-2")).unwrap();
        for (id, file) in [("1", &one), ("2", &two)] {
            let file = file.to_str().unwrap();
            house.command(&["exceptions", "edit", id, file, "--who", "us"]);
            house.wait(Event::DocumentDelivered).await;
        }
        house.command(&["exceptions", "dismiss", "3", "--reason", "a joke", "--who", "us"]);
        let after = report(&house);
        assert!(after.contains("order (850): 2 received; 2 delivered"), "{after}");
        assert!(after.contains("Everything agrees."), "{after}");
        house.close().await;
    });
}

/// A store that was there yesterday, with a document that is not delivered.
pub fn of_yesterday() -> (tempfile::TempDir, jiff::civil::Date) {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(&folder.path().join("data")).unwrap();
    let yesterday = jiff::Zoned::now().yesterday().unwrap();
    let at = yesterday.timestamp();
    let document = Document {
        id: "invoice-1".into(),
        partner: "harbor-and-pine".into(),
        kind: "invoice".into(),
        number: "1".into(),
        state: DocumentState::Quarantined,
        payload: store.put_payload(b"{}").unwrap(),
        interchange: None,
        rendered: None,
        edited: false,
        at,
    };
    let (partner, subject, event) = (String::new(), "a file".into(), Event::FileReceived);
    let (facts, note, payload) = (Facts::default(), String::new(), None);
    let entry = JournalEntry { at, event, partner, subject, payload, facts, note };
    let all = Transaction::new().with(Change::Document(document)).with(Change::Journal(entry));
    store.commit(all).unwrap();
    (folder, yesterday.date())
}

#[test]
#[cfg(feature = "http")]
fn the_day_before_is_written_once_and_sent() {
    let (address, requests) = crate::house::warehouse(&["200 OK"]);
    let config = format!(
        "{CONFIG}\n[notify.ops]\nurl = \"http://{address}/\"\n[reconciliation]\nat = \"00:00\"\nto = [\"ops\"]\n"
    );
    multi().block_on(async {
        let (folder, date) = of_yesterday();
        let mut house = House::within(folder, &config, PROFILE);
        house.wait(Event::MessageSent).await;
        let request = requests.recv().unwrap();
        let message: Value =
            serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
        assert_eq!(message["type"], "report");
        assert_eq!(message["id"], format!("reconciliation-{date}"));
        assert_eq!(message["details"]["differences"][0]["id"], "invoice-1");
        let names = [format!("{date}.json"), format!("{date}.txt")];
        house.until(|house| house.names("data/reconciliation") == names).await;
        let folder = house.close().await;
        // It is not made again.
        let mut house = House::within(folder, &config, PROFILE);
        house.drop_inbound("good.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        let journal = house.gateway.store().journal(0, 1000).unwrap();
        let sent = journal.iter().filter(|record| record.entry.event == Event::MessageSent);
        assert_eq!(sent.count(), 1);
        house.close().await;
    });
}
