//! What becomes of interchanges that no profile knows.

use crossdock::gateway::Config;
use crossdock::store::{Event, Outcome};

use crate::house::{CONFIG, House, PROFILE, multi, order};

const OUTBOUND: &str = "mailboxes/harbor-and-pine/outbound";

fn with(section: &str) -> String {
    format!("{CONFIG}\n[unknown_senders]\n{section}\n")
}

#[test]
fn a_stranger_is_rejected_with_a_ta1_that_says_whom_we_do_not_know() {
    multi().block_on(async {
        let mut house = House::with(&with("action = \"reject\""), PROFILE);
        let cases =
            [("6125550100", "9999999999", "006"), ("NORTHDOCK3PL   ", "SOMEBODY       ", "008")];
        for (number, (known, unknown, note)) in (1..).zip(cases) {
            house.drop_inbound(
                &format!("{number}.edi"),
                &order(number, "PO-1").replace(known, unknown),
            );
            house.wait(Event::InterchangeRejected).await;
            let sent = house.wait(Event::InterchangeSent).await;
            let text =
                std::fs::read_to_string(house.path(OUTBOUND).join(sent.entry.subject)).unwrap();
            let ta1 = format!("TA1*{number:09}*261119*1412*R*{note}~");
            assert!(text.contains(&ta1), "{ta1} is not in\n{text}");
            assert!(!text.contains("GS*"), "{text}");
            // It goes back to where it came from.
            let back = if note == "006" { unknown } else { "6125550100" };
            let (_, receiver) = text.split_once("*08*").unwrap();
            assert!(receiver.starts_with(back), "{text}");
        }
        assert_eq!(house.outcomes(), [Outcome::Rejected; 2]);
        assert_eq!(house.gateway.store().exceptions(0, 10).unwrap(), []);
        // Whom we know is served as ever.
        house.drop_inbound("good.edi", &order(3, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.close().await;
    });
}

#[test]
fn a_stranger_is_taken_under_the_profile_that_is_named_for_it() {
    multi().block_on(async {
        let action = "action = \"accept-as\"\npartner = \"harbor-and-pine\"";
        let mut house = House::with(&with(action), PROFILE);
        house.drop_inbound("one.edi", &order(1, "PO-1").replace("6125550100", "9999999999"));
        let delivered = house.wait(Event::DocumentDelivered).await;
        assert_eq!(delivered.entry.partner, "harbor-and-pine");
        let sent = house.wait(Event::InterchangeSent).await;
        let text = std::fs::read_to_string(house.path(OUTBOUND).join(sent.entry.subject)).unwrap();
        assert!(text.contains("*08*9999999999"), "{text}");
        house.close().await;
    });
}

#[test]
fn what_makes_no_sense_is_told() {
    for (section, words) in [
        ("action = \"accept-as\"", "needs `partner`"),
        ("partner = \"x\"", "`partner` belongs to"),
        ("action = \"accept\"", "`accept` is not known here"),
    ] {
        let problems = Config::parse("c.toml", &with(section), ".".as_ref()).unwrap_err();
        assert!(problems[0].message.contains(words), "{problems:?}");
        assert!(problems[0].line > 0, "{problems:?}");
    }
}

#[test]
fn a_stranger_with_very_many_sets_is_not_even_read_to_be_rejected() {
    multi().block_on(async {
        let config = with("action = \"reject\"").replace("[limits]", "[limits]\nsets = 1");
        let mut house = House::with(&config, PROFILE);
        let one = order(1, "PO-1").replace("6125550100", "9999999999");
        let two = one.replace("GE*1*", "ST*850*0002~SE*2*0002~GE*2*");
        house.drop_inbound("two.edi", &two);
        house.wait(Event::ExceptionRaised).await;
        let raised = house.gateway.store().exception(1).unwrap().unwrap();
        assert_eq!(raised.kind, crossdock::exceptions::Kind::InterchangeTooLarge);
        assert_eq!(house.outcomes(), [Outcome::Quarantined]);
        house.close().await;
    });
}
