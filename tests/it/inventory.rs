//! Reports of an inventory: from the warehouse to the partner, and from one; they are for no order.

use std::fs;

use crossdock::exceptions::Kind;
use crossdock::store::{DocumentState, Event};

use super::gateway::acknowledgement;
use super::house::{CONFIG, House, PROFILE, multi};

pub const FLOW: &str = "\n[documents.inventory]\ndirection = \"out\"\n";
pub const INVENTORY: &str = r#"{"document":"inventory","purpose":"original","kind":"seller","number":"INV-20261120",
    "date":"2026-11-20","warehouse":{"id_kind":"assigned_by_buyer","id":"W-03"},
    "lines":[{"number":"1","items":[{"kind":"upc","value":"614141001019"}],
        "quantities":[{"kind":"available","quantity":"148","unit":"each"},
            {"kind":"on_order","quantity":"240","unit":"each","dates":[{"kind":"available","date":"2026-12-04"}]}]}]}"#;

const SENT: &str = "mailboxes/harbor-and-pine/outbound";
const HANDED_IN: &str = "inventory";

fn reporting() -> House {
    House::with(CONFIG, &format!("{PROFILE}{FLOW}"))
}

#[test]
fn what_is_on_hand_is_reported_once_and_closed_by_the_acknowledgement() {
    multi().block_on(async {
        let mut house = reporting();
        house.drop_outbound(HANDED_IN, "a.json", INVENTORY);
        let sent = house.wait(Event::InterchangeSent).await;
        let name = house.names(SENT).remove(0);
        let text = fs::read_to_string(house.path(SENT).join(&name)).unwrap();
        let set = "BIA*00*SI*INV-20261120*20261120~\nN1*WH**92*W-03~\nLIN*1*UP*614141001019~\nQTY*33*148*EA~\n\
                   QTY*63*240*EA~\nDTM*018*20261204~\nCTT*1~\n";
        assert!(text.contains("GS*IB*") && text.contains(set), "{name}: {text}");

        // The same once more is known; other contents need a number of their own.
        house.drop_outbound(HANDED_IN, "b.json", INVENTORY);
        house.wait(Event::DocumentDuplicate).await;
        house.drop_outbound(HANDED_IN, "c.json", &INVENTORY.replace("148", "147"));
        let record = house.wait(Event::DocumentQuarantined).await;
        assert!(record.entry.note.contains("other contents"), "{}", record.entry.note);
        house.drop_outbound(HANDED_IN, "d.json", &INVENTORY.replace("20\",\n", "21\",\n"));
        house.wait(Event::InterchangeSent).await;
        assert_eq!(house.names(SENT).len(), 2);

        let answer = acknowledgement(1, 1000, "A").replace("AK1*IN", "AK1*IB");
        house.drop_inbound("997.edi", &answer);
        house.wait(Event::DocumentAcknowledged).await;
        let record = house.gateway.store().document(&sent.entry.note).unwrap().unwrap();
        assert_eq!((record.kind.as_str(), record.state), ("inventory", DocumentState::Accepted));
        house.close().await;
    });
}

#[test]
fn a_mistake_is_refused_with_words_that_say_where() {
    let cases = [
        (
            r#""unit":"each"},"#,
            r#""unit":"eaches"},"#,
            "QTY03-1 \"Unit\" is \"eaches\", longer than 2",
        ),
        (
            r#""quantity":"148","#,
            "",
            "One of QTY02 \"Quantity\", QTY04 \"Free text\" must be there",
        ),
        (r#""quantity":"148""#, r#""quantity":"many""#, "lines[0].quantities[0].quantity: "),
        (r#""date":"2026-11-20","#, "", "BIA04 \"Date\" is missing"),
        (r#""items":["#, r#""itms":["#, "lines[0].itms: unknown field"),
    ];
    let no_lines = format!("{}}}", &INVENTORY[..INVENTORY.find(",\n    \"lines\"").unwrap()]);
    let broken = cases.iter().map(|(good, bad, words)| {
        assert!(INVENTORY.contains(good), "{good}");
        (INVENTORY.replacen(good, bad, 1), *words)
    });
    let missing = (no_lines, "LIN \"Items\" is missing; loop LIN must have it");
    multi().block_on(async {
        let mut house = reporting();
        for (number, (json, words)) in broken.chain([missing]).enumerate() {
            let json = json.replace("INV-20261120", &format!("INV-{number}"));
            house.drop_outbound(HANDED_IN, &format!("{number}.json"), &json);
            let record = house.wait(Event::DocumentQuarantined).await;
            assert!(record.entry.note.contains(words), "{words:?} is not in {}", record.entry.note);
        }
        assert!(house.kinds_open().contains(&Kind::DocumentRefused));
        assert_eq!(house.names(SENT), [""; 0]);
        house.close().await;
    });
}

#[test]
fn what_a_partner_has_is_handed_over() {
    multi().block_on(async {
        let mut house = House::with(CONFIG, &format!("{PROFILE}{}", FLOW.replace("out", "in")));
        let report = fs::read_to_string(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/fixtures/004010/846/on-hand-and-expected.edi"
        ))
        .unwrap();
        let theirs = report
            .replace(
                "ZZ*NORTHDOCK3PL   *08*6125550100     ",
                "08*6125550100     *ZZ*NORTHDOCK3PL   ",
            )
            .replace("NORTHDOCK3PL*6125550100", "6125550100*NORTHDOCK3PL");
        house.drop_inbound("report.edi", &theirs);
        house.wait(Event::DocumentDelivered).await;
        let folder = "warehouse/harbor-and-pine/inventory";
        let json = fs::read_to_string(house.path(folder).join(&house.names(folder)[0])).unwrap();
        assert!(json.contains("\"kind\": \"available\""), "{json}");
        house.close().await;
    });
}
