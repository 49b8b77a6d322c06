//! Shipments and invoices compared with the order that the gateway knows.

use std::fs;

use crossdock::store::{Document, DocumentState, Event, Outcome};
use serde_json::{Value, json};

use crate::house::{CONFIG, House, PROFILE, multi, order};
use crate::trace::SHIPMENT;

const RULES: &str = "source \"Guide, p. 9, 2026-02\"\nagainst order quantity \"They refuse more\"\n\
    against order lines\nagainst order price\n";

fn invoice(number: &str, order: &str, item: &str, quantity: u32, price: &str) -> String {
    format!(
        r#"{{"document":"invoice","date":"2026-11-20","number":"{number}","order":"{order}",
        "order_date":"2026-11-19","lines":[{{"quantity":"{quantity}","unit":"each","price":"{price}",
        "items":[{{"kind":"vendor","value":"{item}"}}]}}],"total":"1.00"}}"#
    )
}

impl House {
    fn comparing(direction: &str, profile: &str) -> Self {
        Self::comparing_by(direction, profile, RULES)
    }

    fn comparing_by(direction: &str, profile: &str, rules: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let partner = folder.path().join("partners/harbor-and-pine");
        fs::create_dir_all(&partner).unwrap();
        let head = format!("overlay harbor-and-pine on 810 004010 {direction}\n");
        fs::write(partner.join("810.overlay"), format!("{head}{rules}")).unwrap();
        Self::within(folder, CONFIG, profile)
    }

    fn bill(&self, number: &str, order: &str, item: &str, quantity: u32, price: &str) {
        let json = invoice(number, order, item, quantity, price);
        self.drop_outbound("invoices", &format!("{number}.json"), &json);
    }

    async fn refused(&mut self) -> String {
        self.wait(Event::DocumentQuarantined).await.entry.note
    }
}

#[test]
fn what_is_billed_is_compared_with_the_order_and_with_what_was_billed_before() {
    multi().block_on(async {
        let mut house = House::comparing("out", PROFILE);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.bill("INV-1", "PO-1", "NP-MUG-PINE", 30, "4.75");
        house.wait(Event::DocumentRendered).await;
        house.bill("INV-2", "PO-1", "NP-MUG-PINE", 7, "4.75");
        let note = house.refused().await;
        assert!(note.contains("comes to 37 with this line; ordered are 36"), "{note}");
        assert!(note.contains("They refuse more"), "{note}");
        // What was refused does not count.
        house.bill("INV-3", "PO-1", "NP-MUG-PINE", 6, "4.75");
        house.wait(Event::DocumentRendered).await;
        house.bill("INV-4", "PO-1", "HAT", 1, "4.75");
        let note = house.refused().await;
        assert!(note.contains("is not on order PO-1"), "{note}");
        house.bill("INV-5", "PO-1", "NP-TOTE-NAT", 1, "12.00");
        let note = house.refused().await;
        assert!(note.contains("the order says 12.5"), "{note}");
        house.bill("INV-6", "PO-9", "NP-TOTE-NAT", 1, "12.50");
        let note = house.refused().await;
        assert!(note.contains("Order PO-9 is not known"), "{note}");
        house.close().await;
    });
}

#[test]
fn no_more_is_billed_than_was_shipped() {
    multi().block_on(async {
        let rules = "source \"Guide, p. 9, 2026-02\"\nagainst shipment quantity \"They pay what they got\"\n";
        let mut house = House::comparing_by("out", PROFILE, rules);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.bill("INV-1", "PO-1", "NP-TOTE-NAT", 1, "12.50");
        let note = house.refused().await;
        assert!(note.contains("comes to 1 with this line; shipped are 0"), "{note}");
        house.drop_outbound("shipments", "a.json", SHIPMENT);
        house.wait(Event::DocumentRendered).await;
        house.bill("INV-2", "PO-1", "NP-TOTE-NAT", 20, "12.50");
        house.wait(Event::DocumentRendered).await;
        house.bill("INV-3", "PO-1", "NP-TOTE-NAT", 5, "12.50");
        let note = house.refused().await;
        assert!(note.contains("comes to 25 with this line; shipped are 24"), "{note}");
        assert!(note.contains("They pay what they got"), "{note}");
        house.bill("INV-4", "PO-1", "NP-TOTE-NAT", 4, "12.50");
        house.wait(Event::DocumentRendered).await;

        // What is left of the order goes later, in a ship notice of its own.
        house.bill("INV-5", "PO-1", "NP-MUG-PINE", 36, "4.75");
        let note = house.refused().await;
        assert!(note.contains("comes to 36 with this line; shipped are 30"), "{note}");
        let mut rest: Value = serde_json::from_str(SHIPMENT).unwrap();
        let mut row = rest["contents"][1].take();
        (row["quantity"], row["packages"]) = (json!("6"), json!([1]));
        rest["number"] = json!("SH-2");
        rest["packages"] = json!([{"kind": "pack", "sscc": "006141410000000035"}]);
        rest["contents"] = json!([row]);
        house.drop_outbound("shipments", "b.json", &rest.to_string());
        house.wait(Event::DocumentRendered).await;
        house.bill("INV-6", "PO-1", "NP-MUG-PINE", 36, "4.75");
        house.wait(Event::DocumentRendered).await;
        let all = house.gateway.store().documents(None, 100).unwrap();
        let gone = |kind: &str| {
            let its = |one: &&Document| one.kind == kind && one.state != DocumentState::Quarantined;
            let mut numbers: Vec<_> = all.iter().filter(its).map(|one| &*one.number).collect();
            numbers.sort_unstable();
            numbers
        };
        assert_eq!(gone("shipment"), ["SH-1", "SH-2"]);
        assert_eq!(gone("invoice"), ["INV-2", "INV-4", "INV-6"]);
        house.close().await;
    });
}

#[test]
fn documents_of_one_batch_count_together() {
    multi().block_on(async {
        let invoice = "[documents.invoice]\ndirection = \"out\"";
        let batch = format!("{invoice}\nbatch = {{ sets = 2, every = \"1h\" }}");
        let mut house = House::comparing("out", &PROFILE.replace(invoice, &batch));
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.bill("INV-1", "PO-1", "NP-MUG-PINE", 30, "4.75");
        house.wait(Event::DocumentCollected).await;
        house.bill("INV-2", "PO-1", "NP-MUG-PINE", 30, "4.75");
        let note = house.refused().await;
        assert!(note.contains("comes to 60"), "{note}");
        house.wait(Event::DocumentRendered).await;
        house.close().await;
    });
}

#[test]
fn what_a_partner_bills_us_is_compared_with_the_order_that_we_sent() {
    let profile = PROFILE
        .replace("[documents.order]\ndirection = \"in\"", "[documents.order]\ndirection = \"out\"")
        .replace(
            "[documents.invoice]\ndirection = \"out\"",
            "[documents.invoice]\ndirection = \"in\"",
        );
    multi().block_on(async {
        let mut house = House::comparing("in", &profile);
        let order = r#"{"document":"order","number":"PO-1","date":"2026-11-19","purpose":"original",
            "kind":"stand_alone","lines":[{"number":"1","quantity":"5","unit":"each","price":"1.50",
            "items":[{"kind":"vendor","value":"A-1"}]}]}"#;
        house.drop_outbound("orders", "order.json", order);
        house.wait(Event::DocumentRendered).await;
        let invoice = |number: u32, quantity: u32| {
            format!(
                "ISA*00*          *00*          *08*6125550100     *ZZ*NORTHDOCK3PL   *261119*1412*U*00401*{number:09}*0*P*>~\
                GS*IN*6125550100*NORTHDOCK3PL*20261119*1412*{number}*X*004010~ST*810*0001~\
                BIG*20261120*INV-{number}*20261119*PO-1~IT1*1*{quantity}*EA*1.50**VN*A-1~TDS*{}~\
                CTT*1~SE*6*0001~GE*1*{number}~IEA*1*{number:09}~",
                quantity * 150
            )
        };
        house.drop_inbound("first.edi", &invoice(1, 3));
        house.wait(Event::DocumentDelivered).await;
        house.drop_inbound("second.edi", &invoice(2, 3));
        let note = house.refused().await;
        assert!(note.contains("comes to 6 with this line; ordered are 5"), "{note}");
        house.wait(Event::InterchangeQuarantined).await;
        assert_eq!(house.outcomes(), [Outcome::Accepted, Outcome::Quarantined]);
        house.close().await;
    });
}

#[test]
fn after_256_documents_of_an_order_a_person_has_to_look() {
    multi().block_on(async {
        let mut house = House::comparing("out", PROFILE);
        house.drop_inbound("order.edi", &order(1, "PO-1").replace("*36*EA*", "*999*EA*"));
        house.wait(Event::DocumentDelivered).await;
        for number in 0..256 {
            house.bill(&format!("INV-{number}"), "PO-1", "NP-MUG-PINE", 1, "4.75");
        }
        for _ in 0..256 {
            house.wait(Event::DocumentRendered).await;
        }
        house.bill("INV-256", "PO-1", "NP-MUG-PINE", 1, "4.75");
        let note = house.refused().await;
        assert!(note.contains("Too much went for order PO-1 before"), "{note}");
        house.close().await;
    });
}
