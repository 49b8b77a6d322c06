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

/// A TA1 of the sample retailer that refuses an interchange.
fn refusal(number: u32, refused: u64) -> String {
    format!(
        "ISA*00*          *00*          *08*6125550100     *ZZ*NORTHDOCK3PL   *261120*0830*U*00401*{number:09}*0*P*>~\
         TA1*{refused:09}*261120*0830*R*024~IEA*0*{number:09}~"
    )
}

#[test]
fn what_goes_out_again_under_other_numbers_is_waited_for_under_those_alone() {
    multi().block_on(async {
        let mut house = within("24h", "");
        house.drop_outbound("invoices", "a.json", INVOICE);
        house.wait(Event::InterchangeSent).await;
        house.drop_inbound("ta1.edi", &refusal(1, 1000));
        house.wait(Event::InterchangeRefused).await;
        house.command(&["exceptions", "retry", "1", "--who", "us"]);
        house.wait(Event::AcknowledgementReplaced).await;
        let all = house.gateway.store().all_expectations(None, 10).unwrap();
        let states: Vec<AckState> = all.iter().map(|one| one.state).collect();
        assert_eq!(states, [AckState::Replaced, AckState::Open]);
        let (shown, _) = house.command(&["acks", "--waiting"]);
        assert!(shown.contains("1 sent: 1 waiting"), "{shown}");
        // The partner rejects the first one once more: that concerns what is with it now no more.
        house.wait(Event::InterchangeSent).await;
        house.drop_inbound("late.edi", &acknowledgement(2, 1000, "R"));
        let late = house.wait(Event::AcknowledgementReplaced).await;
        assert!(late.entry.note.starts_with("rejected, under numbers"), "{}", late.entry.note);
        house.drop_inbound("good.edi", &acknowledgement(3, 1001, "A"));
        house.wait(Event::DocumentAcknowledged).await;
        let document = house.gateway.store().documents(None, 10).unwrap().remove(0);
        assert_eq!(document.state, crossdock::store::DocumentState::Accepted);
        let (shown, code) = house.command(&["exceptions"]);
        assert!(shown.contains("Nothing is open") && code == 0, "{shown}");
        house.close().await;
    });
}

#[test]
fn a_ta1_for_what_was_never_sent_is_unmatched() {
    multi().block_on(async {
        let mut house = within("24h", "");
        house.drop_outbound("invoices", "a.json", INVOICE);
        house.wait(Event::InterchangeSent).await;
        house.drop_inbound("ta1.edi", &refusal(1, 888_888_888));
        house.wait(Event::AcknowledgementUnmatched).await;
        house.drop_inbound("real.edi", &refusal(2, 1000));
        let refused = |entry: &str| entry.contains("interchange 000001000");
        house.wait_for(Event::InterchangeRefused, |r| refused(&r.entry.subject)).await;
        let (shown, _) = house.command(&["exceptions"]);
        assert!(shown.contains("acknowledgement-unmatched"), "{shown}");
        assert!(shown.contains("The partner rejected interchange 000001000"), "{shown}");
        house.close().await;
    });
}

#[test]
fn a_set_that_was_not_in_the_group_is_told_of_and_the_group_is_not_taken_at_its_word() {
    let listing = |number, sets: &str, count: u32| {
        acknowledgement(number, 1000, "A")
            .replacen("AK9*", &format!("{sets}AK9*"), 1)
            .replace("SE*4*", &format!("SE*{}*", 4 + count))
    };
    multi().block_on(async {
        let mut house = within("24h", "");
        house.drop_outbound("invoices", "a.json", INVOICE);
        house.wait(Event::InterchangeSent).await;
        house.drop_inbound("other.edi", &listing(1, "AK2*810*9999~AK5*A~", 2));
        let told = house.wait(Event::AcknowledgementUnmatched).await;
        assert_eq!(told.entry.subject, "810 9999 of group 1000");
        house.wait(Event::AcknowledgementUnmatched).await;
        assert_eq!(expectation(&house).state, AckState::Open);
        let set = expectation(&house).set_number();
        let both = format!("AK2*810*{set}~AK5*A~AK2*810*7777~AK5*R*5~");
        house.drop_inbound("both.edi", &listing(2, &both, 4));
        let told = house.wait(Event::AcknowledgementUnmatched).await;
        assert!(told.entry.note.starts_with("rejected, but"), "{}", told.entry.note);
        house.wait(Event::DocumentAcknowledged).await;
        assert_eq!(expectation(&house).state, AckState::Accepted);
        house.close().await;
    });
}
