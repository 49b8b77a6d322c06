//! Deadlines of the business: told when they are near and when they are over, kept over a restart, settled when what was
//! waited for is in the partner's mailbox.

use crossdock::exceptions::{Action, Kind};
use crossdock::store::{Event, Exception, ExceptionState, JournalRecord, Work};

use crate::exceptions::deed;
use crate::house::{CONFIG, House, PROFILE, multi, order};
use crate::trace::{INVOICE, SHIPMENT};

const CONTACTS: &str = r#"
[[contacts]]
name = "Accounts payable"
email = "ap@harbor-and-pine.example"

"#;

/// The sample profile with other deadlines.
fn agreed(ship_notice: &str, invoice: &str) -> String {
    let (before, rest) = PROFILE.split_once("[deadlines]\n").unwrap();
    let rest = rest.split_once("\n\n").unwrap().1;
    let source = "Routing guide 2026, p. 14";
    format!(
        "{before}[deadlines]\nsource = \"{source}\"\nship_notice = {ship_notice}\ninvoice = {invoice}\n\n{rest}{CONTACTS}"
    )
}

impl House {
    async fn exception_of(&mut self, event: Event, kind: Kind) -> Exception {
        let name = kind.name();
        let is_it = |record: &JournalRecord| record.entry.facts["kind"] == name;
        let record = self.wait_for(event, is_it).await;
        let id = record.entry.facts["exception"].parse().unwrap();
        self.gateway.store().exception(id).unwrap().unwrap()
    }

    fn deadlines(&self) -> Vec<Work> {
        self.gateway.store().queued("deadlines harbor-and-pine", 10).unwrap()
    }
}

fn left(kind: &'static str) -> impl Fn(&JournalRecord) -> bool {
    move |record| record.entry.note.starts_with(kind)
}

#[test]
fn an_invoice_is_due_soon_then_late_then_settled_when_it_leaves() {
    let profile = agreed(
        "{ after = \"shipment\", within = \"24h\" }",
        "{ after = \"ship-notice\", within = \"4s\" }",
    );
    multi().block_on(async {
        let mut house = House::with(CONFIG, &profile);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.deadlines(), []);
        house.drop_outbound("shipments", "s.json", SHIPMENT);
        house.wait_for(Event::InterchangeSent, left("shipment")).await;
        assert_eq!(house.deadlines().len(), 2);
        // A restart forgets none.
        let folder = house.close().await;
        let mut house = House::within(folder, CONFIG, &profile);
        let soon = house.exception_of(Event::ExceptionRaised, Kind::DeadlineDueSoon).await;
        assert_eq!(soon.owner, "ap@harbor-and-pine.example");
        for part in
            ["The invoice for shipment SH-1 is due at", "4s after", "Routing guide 2026, p. 14"]
        {
            assert!(soon.words.contains(part), "{part} is not in {}", soon.words);
        }
        let late = house.exception_of(Event::ExceptionRaised, Kind::DeadlineLate).await;
        assert_eq!(late.due, soon.due);
        let soon = house.gateway.store().exception(soon.id).unwrap().unwrap();
        assert_eq!(soon.state, ExceptionState::Done);
        assert_eq!(house.deadlines().len(), 1);
        house.drop_outbound("invoices", "i.json", INVOICE);
        let settled = house.exception_of(Event::ExceptionMended, Kind::DeadlineLate).await;
        assert_eq!(settled.id, late.id);
        house.close().await;
    });
}

#[test]
fn what_is_there_in_time_is_told_of_nowhere() {
    let profile = agreed(
        "{ after = \"shipment\", within = \"2s\" }",
        "{ after = \"order\", within = \"3s\" }",
    );
    multi().block_on(async {
        let mut house = House::with(CONFIG, &profile);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.drop_outbound("shipments", "s.json", SHIPMENT);
        house.wait_for(Event::InterchangeSent, left("shipment")).await;
        house.drop_outbound("invoices", "i.json", INVOICE);
        house.wait_for(Event::InterchangeSent, left("invoice")).await;
        house.until(|house| house.deadlines().is_empty()).await;
        let open = house.gateway.store().exceptions(0, 10).unwrap();
        let kinds: Vec<Kind> = open.into_iter().map(|one| one.kind).collect();
        assert!(!kinds.contains(&Kind::DeadlineDueSoon), "{kinds:?}");
        house.close().await;
    });
}

#[test]
fn nothing_is_due_for_an_order_that_was_cancelled() {
    let profile = agreed(
        "{ after = \"order\", within = \"8s\" }",
        "{ after = \"ship-notice\", within = \"24h\" }",
    );
    multi().block_on(async {
        let mut house = House::with(CONFIG, &profile);
        for (at, number) in [(1, "PO-1"), (2, "PO-2")] {
            house.drop_inbound(&format!("{at}.edi"), &order(at, number));
            house.wait(Event::DocumentDelivered).await;
            if number == "PO-1" {
                house.drop_inbound("cancel.edi", &order(9, number).replace("BEG*00", "BEG*01"));
                let held = house.exception_of(Event::ExceptionRaised, Kind::OrderCancellationHeld);
                let held = held.await;
                house.does(held.id, &deed(Action::Accept)).unwrap();
                house.wait(Event::DocumentDelivered).await;
            }
        }
        // It comes behind that of the first.
        let soon = house.exception_of(Event::ExceptionRaised, Kind::DeadlineDueSoon).await;
        assert!(soon.words.contains("PO-2"), "{soon:?}");
        house.close().await;
    });
}
