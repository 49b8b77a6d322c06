//! The clocks of acknowledgements, what is told of them, and the log and command that show them.

use std::fs;

use crossdock::store::{AckState, Event, Expectation, Timing};

use super::gateway::{INVOICE, acknowledgement};
use super::house::{CONFIG, House, PROFILE, multi};

/// A house whose partner has to acknowledge within so long; `more` are further lines of `[acknowledgements]`.
fn within(due: &str, more: &str) -> House {
    let due = format!("due = \"{due}\"\n{more}");
    assert!(PROFILE.contains("due = \"24h\""));
    House::with(CONFIG, &PROFILE.replace("due = \"24h\"", &due))
}

fn expectation(house: &House) -> Expectation {
    house.gateway.store().all_expectations(None, 10).unwrap().remove(0)
}

/// The events of the log, each with its timing where it has one.
fn log(house: &House) -> Vec<String> {
    let text: String = house
        .names("data/acknowledgements")
        .iter()
        .map(|name| fs::read_to_string(house.path("data/acknowledgements").join(name)).unwrap())
        .collect();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines
        .map(|line| {
            let event = line["event"].as_str().unwrap().to_owned();
            line["timing"].as_str().map_or(event.clone(), |timing| format!("{event} {timing}"))
        })
        .collect()
}

#[test]
fn what_is_not_acknowledged_is_told_before_its_time_is_over() {
    multi().block_on(async {
        let mut house = within("1h", "warn = \"1h\"");
        house.drop_outbound("invoices", "a.json", INVOICE);
        house.wait(Event::InterchangeSent).await;
        house.gateway.look_now();
        house.wait(Event::AcknowledgementDueSoon).await;
        assert_eq!(expectation(&house).state, AckState::DueSoon);
        let (shown, code) = house.command(&["acks", "--waiting"]);
        assert!(shown.contains("invoice INV-1") && shown.contains("810"), "{shown}");
        assert_eq!(code, 0);
        house.close().await;
    });
}

#[test]
fn what_is_not_acknowledged_in_time_is_overdue_and_answered_late() {
    multi().block_on(async {
        let mut house = within("1s", "");
        house.drop_outbound("invoices", "a.json", INVOICE);
        house.wait(Event::AcknowledgementOverdue).await;
        let (shown, code) = house.command(&["acks", "--overdue"]);
        assert!(shown.contains("overdue by"), "{shown}");
        assert_eq!(code, 1);
        house.drop_inbound("late.edi", &acknowledgement(1, 1000, "A"));
        let record = house.wait(Event::DocumentAcknowledged).await;
        assert_eq!(record.entry.facts["timing"], "late");
        assert!(record.entry.note.contains("late: it was due at"), "{}", record.entry.note);
        let answered = expectation(&house);
        assert_eq!((answered.state, answered.timing), (AckState::Accepted, Some(Timing::Late)));
        let (shown, _) = house.command(&["acks", "--format", "json"]);
        let line: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(
            (line["state"].as_str(), line["timing"].as_str()),
            (Some("accepted"), Some("late"))
        );
        let told = ["expected", "overdue", "answered late"];
        house.until(|house| log(house).iter().filter(|e| *e != "due_soon").eq(&told)).await;
        house.close().await;
    });
}

#[test]
fn what_is_said_twice_in_part_or_of_something_else_is_told_apart() {
    multi().block_on(async {
        let mut house = within("24h", "");
        house.drop_outbound("invoices", "a.json", INVOICE);
        house.wait(Event::InterchangeSent).await;
        house.drop_inbound("part.edi", &acknowledgement(1, 1000, "P"));
        house.wait(Event::AcknowledgementPartial).await;
        assert_eq!(expectation(&house).state, AckState::Open);
        house.drop_inbound("first.edi", &acknowledgement(2, 1000, "A"));
        house.wait(Event::DocumentAcknowledged).await;
        house.drop_inbound("again.edi", &acknowledgement(3, 1000, "A"));
        house.wait(Event::AcknowledgementRepeated).await;
        house.drop_inbound("other.edi", &acknowledgement(4, 77, "A"));
        house.wait(Event::AcknowledgementUnmatched).await;
        let answered = expectation(&house);
        assert_eq!((answered.timing, answered.repeated), (Some(Timing::OnTime), 1));
        let (shown, _) = house.command(&["acks", "--log"]);
        let lines: Vec<serde_json::Value> =
            shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["expected", "partial", "answered", "repeated", "unmatched"]);
        assert_eq!((&lines[2]["group"], &lines[2]["set_id"]), (&"1000".into(), &"810".into()));
        house.close().await;
    });
}

#[test]
fn a_partner_that_numbers_groups_as_it_likes_is_matched_by_the_set_where_that_is_agreed() {
    let listing = |number, group| {
        acknowledgement(number, group, "A")
            .replacen("AK9*", "AK2*810*0001~AK5*A~AK9*", 1)
            .replace("SE*4*", "SE*6*")
    };
    multi().block_on(async {
        let mut house = within("24h", "match = \"set\"");
        house.drop_outbound("invoices", "a.json", INVOICE);
        house.wait(Event::InterchangeSent).await;
        let set = expectation(&house).set_number();
        house.drop_inbound(
            "a.edi",
            &listing(1, 424_242).replace("AK2*810*0001", &format!("AK2*810*{set}")),
        );
        house.wait(Event::DocumentAcknowledged).await;
        assert_eq!(expectation(&house).state, AckState::Accepted);
        // Nothing waits under this number any more.
        house.drop_inbound("b.edi", &listing(2, 424_243));
        house.wait(Event::AcknowledgementUnmatched).await;
        house.close().await;
    });
}
