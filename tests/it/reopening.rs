//! What was dismissed by mistake is open again.

use crossdock::exceptions::{Action, Kind};
use crossdock::gateway::{Deed, Deeds};
use crossdock::store::{Event, ExceptionState};

use crate::exceptions::deed;
use crate::house::{House, multi, order};

#[test]
fn what_was_dismissed_is_opened_again_with_its_actions() {
    multi().block_on(async {
        let mut house = House::open();
        let bad = |number: u32| {
            let text = order(number, &format!("PO-{number}"));
            text.replace("PO1*1*24*EA", "PO1*1*ten*EA")
        };
        house.drop_inbound("1.edi", &bad(1));
        let id = house.raised().await.id;
        house.drop_inbound("2.edi", &bad(2));
        house.wait(Event::InterchangeRejected).await;
        house.wait(Event::InterchangeRejected).await;
        let before = house.command(&["exceptions", "show", &id.to_string()]).0;
        assert_eq!(house.exception(id).open_items, 2, "{before}");
        let words = house.does(id, &deed(Action::Reopen)).unwrap();
        assert_eq!(words, Deeds::Done(0), "it is open");

        // One of them, and then the rest.
        let first = Deed { item: Some(1), ..deed(Action::Dismiss) };
        house.does(id, &first).unwrap();
        assert_eq!(house.exception(id).open_items, 1);
        let (shown, _) = house.command(&["exceptions", "show", &id.to_string()]);
        assert!(shown.contains("exceptions reopen"), "{shown}");
        house.does(id, &deed(Action::Dismiss)).unwrap();
        assert_eq!(house.exception(id).state, ExceptionState::Dismissed);
        let mut reopen = deed(Action::Reopen);
        reopen.reason.clear();
        assert!(house.does(id, &reopen).unwrap_err().to_string().contains("a reason is needed"));
        let one = Deed { item: Some(2), ..deed(Action::Reopen) };
        assert_eq!(house.does(id, &one).unwrap(), Deeds::Done(1));
        assert_eq!(house.kinds_open(), [Kind::DocumentRejected]);
        assert_eq!(house.exception(id).open_items, 1);
        assert_eq!(house.does(id, &deed(Action::Reopen)).unwrap(), Deeds::Done(1));
        assert_eq!(house.does(id, &deed(Action::Reopen)).unwrap(), Deeds::Done(0));
        let record = house.wait(Event::ExceptionReopened).await;
        assert!(record.entry.note.contains("by dana: agreed by telephone"), "{record:?}");
        assert_eq!(house.command(&["exceptions", "show", &id.to_string()]).0, before);

        // It takes up repeats, mends itself and is acted on as before.
        house.drop_inbound("3.edi", &bad(3));
        house.wait(Event::InterchangeRejected).await;
        assert_eq!(house.exception(id).open_items, 3);
        house.does(id, &deed(Action::Accept)).unwrap();
        for _ in 0..3 {
            house.wait(Event::DocumentDelivered).await;
        }
        let words = house.does(id, &deed(Action::Reopen)).unwrap_err().to_string();
        assert!(words.contains("was not dismissed: accepted as it is by dana"), "{words}");
        house.close().await;
    });
}

#[test]
fn what_came_again_since_it_was_dismissed_is_in_one_open_exception() {
    multi().block_on(async {
        let mut house = House::open();
        let bad = |number: u32| order(number, "PO-1").replace("PO1*1*24*EA", "PO1*1*ten*EA");
        house.drop_inbound("1.edi", &bad(1));
        let first = house.raised().await.id;
        house.does(first, &deed(Action::Dismiss)).unwrap();
        house.drop_inbound("2.edi", &bad(2));
        let second = house.raised().await.id;
        let words = house.does(first, &deed(Action::Reopen)).unwrap_err().to_string();
        assert!(words.contains(&format!("is in exception {second} by now")), "{words}");
        house.does(second, &deed(Action::Dismiss)).unwrap();
        house.does(first, &deed(Action::Reopen)).unwrap();
        assert_eq!(house.kinds_open().len(), 1);
        house.close().await;
    });
}

#[test]
fn what_comes_again_is_taken_up_where_it_was_opened_again() {
    multi().block_on(async {
        let mut house = House::open();
        let bad = |number: u32, order_number: &str| {
            order(number, order_number).replace("PO1*1*24*EA", "PO1*1*ten*EA")
        };
        house.drop_inbound("1.edi", &bad(1, "PO-1"));
        let first = house.raised().await.id;
        house.does(first, &deed(Action::Dismiss)).unwrap();
        // Of the same cause, about something else.
        house.drop_inbound("2.edi", &bad(2, "PO-2"));
        let second = house.raised().await.id;
        house.does(first, &deed(Action::Reopen)).unwrap();
        for _ in 0..2 {
            house.wait(Event::InterchangeRejected).await;
        }
        house.drop_inbound("3.edi", &bad(3, "PO-1"));
        house.wait(Event::InterchangeRejected).await;
        let open = |id: u64| (house.exception(id).items, house.exception(id).open_items);
        assert_eq!((open(first), open(second)), ((1, 1), (1, 1)));
        house.close().await;
    });
}
