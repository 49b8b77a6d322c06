//! Changes and cancellations of orders: what becomes of them depends on where the order stands.

use std::fs;

use crossdock::exceptions::{Action, Kind, Playbook};
use crossdock::store::{DocumentState, Event, Exception, JournalRecord};

use crate::exceptions::deed;
use crate::house::{CONFIG, House, PROFILE, multi, order};
use crate::trace::SHIPMENT;

const ORDERS: &str = "warehouse/harbor-and-pine/orders";
const CHANGES: &str = "warehouse/harbor-and-pine/order_changes";
const BOTH: &str = "endpoint = \"warehouse\"\ntest_endpoint = \"warehouse\"";
const FLOW: &str = "\n[documents.order_change]\ndirection = \"in\"\n";

fn taking_changes() -> House {
    House::with(CONFIG, &format!("{PROFILE}{FLOW}"))
}

/// A set of the partner's in an interchange of its own.
fn set(interchange: u32, group: &str, segments: &str) -> String {
    let (set, count) = (&segments[..3], segments.matches('~').count() + 2);
    let body = &segments[4..];
    format!(
        "ISA*00*          *00*          *08*6125550100     *ZZ*NORTHDOCK3PL   *261120*0915*U*00401*{interchange:09}*0*P*>~\
         GS*{group}*6125550100*NORTHDOCK3PL*20261120*0915*{interchange}*X*004010VICS~\
         ST*{set}*0001~{body}SE*{count}*0001~GE*1*{interchange}~IEA*1*{interchange:09}~"
    )
}

/// Less of the mugs.
fn change(interchange: u32, number: &str, own: &str) -> String {
    let head = format!("BCH*04*SA*{number}**{own}*20261119*****20261120~");
    let line = "POC*2*QD*30*30*EA*4.75**UP*614141002023*VN*NP-MUG-PINE~";
    set(interchange, "PC", &format!("860 {head}{line}CTT*1~"))
}

fn cancellation(interchange: u32, number: &str) -> String {
    set(interchange, "PC", &format!("860 BCH*01*SA*{number}***20261119*****20261120~"))
}

/// What an operator has to find: the words, who they are about, and a page that tells what to do.
fn expected(exception: &Exception, kind: Kind, words: &str) {
    assert_eq!(exception.kind, kind, "{exception:#?}");
    let told = format!("{exception:?}");
    assert!(told.contains(words), "{words:?} is not in {told}");
    let Playbook::Page(page) = kind.entry().playbook else { panic!("{kind:?} has no playbook") };
    let page = format!("{}/docs/playbooks/{page}.md", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&page).expect(&page);
    assert!(text.contains(&format!("`{}`", kind.name())), "{page} does not name {}", kind.name());
}

#[test]
fn a_change_of_what_may_be_picked_is_held_and_counts_once_it_is_accepted() {
    multi().block_on(async {
        let mut house = taking_changes();
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.drop_inbound("change.edi", &change(2, "PO-1", "1"));
        let held = house.raised().await;
        expected(
            &held,
            Kind::OrderChangeHeld,
            "a change of order PO-1 came, and the warehouse has",
        );
        assert_eq!(house.names(CHANGES), [""; 0]);
        let (page, _) = house.command(&["trace", "PO-1"]);
        assert!(
            page.contains("with the warehouse") && page.contains("order_change PO-1"),
            "{page}"
        );

        house.does(held.id, &deed(Action::Accept)).unwrap();
        house.wait(Event::DocumentDelivered).await;
        let name = house.names(CHANGES).remove(0);
        let json = fs::read_to_string(house.path(CHANGES).join(name)).unwrap();
        assert!(json.contains("\"change\": \"less\""), "{json}");
        let (page, _) = house.command(&["trace", "PO-1"]);
        let mugs = page.lines().find(|line| line.contains("614141002023")).unwrap();
        assert!(mugs.contains(" 30 "), "{page}");

        // The same change once more is the same; another one is another.
        house.drop_inbound("again.edi", &change(3, "PO-1", "1"));
        house.wait(Event::InterchangeDuplicate).await;
        house.drop_inbound("other.edi", &change(4, "PO-1", "2"));
        let held = house.raised().await;
        expected(&held, Kind::OrderChangeHeld, "PO-1");
        house.close().await;
    });
}

#[test]
fn nothing_is_shipped_for_an_order_whose_cancellation_was_accepted() {
    multi().block_on(async {
        let mut house = taking_changes();
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.drop_inbound("cancel.edi", &cancellation(2, "PO-1"));
        let held = house.raised().await;
        expected(&held, Kind::OrderCancellationHeld, "the cancellation of order PO-1 came");
        house.does(held.id, &deed(Action::Accept)).unwrap();
        house.wait(Event::DocumentDelivered).await;
        let (page, _) = house.command(&["trace", "PO-1"]);
        assert!(page.contains("\ncancelled\n"), "{page}");
        house.drop_outbound("shipments", "a.json", SHIPMENT);
        let refused = house.raised().await;
        expected(&refused, Kind::DocumentRefused, "Order PO-1 was cancelled on");
        let sent = house.names("mailboxes/harbor-and-pine/outbound");
        assert!(sent.iter().all(|name| !name.contains("shipment")), "{sent:?}");
        house.close().await;
    });
}

#[test]
fn what_has_left_or_was_never_ordered_cannot_be_cancelled() {
    multi().block_on(async {
        let mut house = taking_changes();
        house.drop_inbound("stray.edi", &cancellation(1, "PO-9"));
        let held = house.raised().await;
        expected(&held, Kind::OrderCancellationHeld, "order PO-9 is not known");
        house.drop_inbound("order.edi", &order(2, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.drop_outbound("shipments", "a.json", SHIPMENT);
        house.wait(Event::DocumentRendered).await;
        // By an order whose purpose says so, too.
        let cancel = order(3, "PO-1").replace("BEG*00", "BEG*01");
        house.drop_inbound("cancel.edi", &cancel);
        let held = house.raised().await;
        expected(&held, Kind::OrderCancellationHeld, "some of the order has left already");
        // The order once more takes nothing of it back.
        house.drop_inbound("again.edi", &order(4, "PO-1"));
        house.wait(Event::InterchangeDuplicate).await;
        assert_eq!(house.kinds_open().len(), 2);
        assert_eq!(house.names(ORDERS).len(), 1);
        house.close().await;
    });
}

#[test]
fn a_change_of_what_still_waits_follows_its_order() {
    multi().block_on(async {
        let mut house = taking_changes();
        // The warehouse's folder cannot be written to.
        house.put("warehouse/harbor-and-pine", "orders", "");
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentReceived).await;
        house.drop_inbound("cancel.edi", &cancellation(2, "PO-1"));
        house.wait(Event::DocumentReceived).await;
        // Both are due now, and are put into the warehouse's folders together.
        house.wait(Event::AttemptFailed).await;
        assert_eq!(house.names(CHANGES), [""; 0], "it overtakes its order");
        fs::remove_file(house.path(ORDERS)).unwrap();
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.names(ORDERS).len(), 1);
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.names(CHANGES).len(), 1);
        house.close().await;
    });
}

#[test]
fn a_change_does_not_overtake_an_order_whose_file_gets_no_name() {
    multi().block_on(async {
        let mut other = taking_changes();
        other.drop_inbound("order.edi", &order(1, "PO-1"));
        other.wait(Event::DocumentDelivered).await;
        let name = other.names(ORDERS).remove(0);
        other.close().await;

        let mut house = taking_changes();
        // The order is written there under a hidden name, and cannot be renamed.
        let in_the_way = house.path(ORDERS).join(&name);
        fs::create_dir_all(&in_the_way).unwrap();
        house.drop_inbound("a.edi", &order(1, "PO-1"));
        house.drop_inbound("b.edi", &cancellation(2, "PO-1"));
        let is_change = |record: &JournalRecord| record.entry.subject.starts_with("order_change");
        house.wait_for(Event::DocumentReceived, is_change).await;
        house.wait_for(Event::AttemptFailed, |record| !is_change(record)).await;
        house.wait_for(Event::AttemptFailed, |record| !is_change(record)).await;
        assert_eq!(house.names(CHANGES), [""; 0], "it overtakes its order");
        assert_eq!(house.names(ORDERS), [name.as_str()], "nothing is left of what got no name");
        fs::remove_dir(&in_the_way).unwrap();
        let first = house.wait(Event::DocumentDelivered).await;
        assert!(!is_change(&first), "{first:?}");
        house.wait_for(Event::DocumentDelivered, is_change).await;
        assert!(house.path(ORDERS).join(name).is_file());
        assert_eq!(house.names(CHANGES).len(), 1);
        house.close().await;
    });
}

#[cfg(feature = "http")]
#[test]
fn a_change_of_an_order_that_the_endpoint_has_refused_is_held() {
    let (address, _requests) = crate::house::warehouse(&["422 Unprocessable Content"]);
    let endpoint = format!("url = \"http://{address}/\"\nreturns = \"warehouse\"\n");
    let config = CONFIG.replace("folder = \"warehouse\"\n", &endpoint);
    multi().block_on(async {
        let mut house = House::with(&config, &format!("{PROFILE}{FLOW}"));
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::WorkParked).await;
        assert_eq!(house.raised().await.kind, Kind::WorkParked);
        house.drop_inbound("cancel.edi", &cancellation(2, "PO-1"));
        let held = house.raised().await;
        expected(&held, Kind::OrderCancellationHeld, "the order itself is held");
        house.close().await;
    });
}

#[test]
fn a_number_with_other_contents_is_held_and_with_the_same_is_a_duplicate() {
    multi().block_on(async {
        let mut house = House::open();
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.drop_inbound("again.edi", &order(2, "PO-1"));
        house.wait(Event::InterchangeDuplicate).await;
        assert_eq!(house.kinds_open(), []);
        let other = order(3, "PO-1").replace("PO1*1*24*", "PO1*1*48*");
        house.drop_inbound("other.edi", &other);
        let held = house.raised().await;
        let words = "order PO-1 was received before with other contents";
        expected(&held, Kind::DocumentNumberReused, words);
        assert_eq!(house.names(ORDERS).len(), 1);
        // The first once more says nothing about it.
        house.drop_inbound("first.edi", &order(5, "PO-1"));
        house.wait(Event::InterchangeDuplicate).await;
        assert_eq!(house.kinds_open(), [Kind::DocumentNumberReused]);

        house.does(held.id, &deed(Action::Accept)).unwrap();
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.names(ORDERS).len(), 2);
        // From now on that one counts: it is the duplicate of itself, and the first is not.
        house.drop_inbound("third.edi", &order(4, "PO-1").replace("PO1*1*24*", "PO1*1*48*"));
        house.wait(Event::InterchangeDuplicate).await;
        let all = house.gateway.store().documents(None, 10).unwrap();
        let states = |state| all.iter().filter(|one| one.state == state).count();
        assert_eq!((states(DocumentState::Delivered), states(DocumentState::Duplicate)), (2, 3));
        house.close().await;
    });
}

#[test]
fn a_cancellation_that_is_a_test_cancels_nothing() {
    multi().block_on(async {
        let profile = PROFILE.replacen("endpoint = \"warehouse\"", BOTH, 1);
        let mut house = House::with(CONFIG, &format!("{profile}{FLOW}"));
        let as_test = |text: String| text.replacen("*0*P*>~", "*0*T*>~", 1);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.drop_inbound("test.edi", &as_test(order(2, "PO-1")));
        house.wait(Event::DocumentDelivered).await;
        house.drop_inbound("cancel.edi", &as_test(cancellation(3, "PO-1")));
        let held = house.raised().await;
        expected(&held, Kind::OrderCancellationHeld, "PO-1");
        house.does(held.id, &deed(Action::Accept)).unwrap();
        house.wait(Event::DocumentDelivered).await;
        let (page, _) = house.command(&["trace", "PO-1"]);
        assert!(!page.contains("\ncancelled\n"), "{page}");
        house.drop_outbound("shipments", "a.json", SHIPMENT);
        house.wait(Event::DocumentRendered).await;
        house.close().await;
    });
}

#[cfg(feature = "http")]
#[test]
fn a_change_waits_behind_an_order_that_the_endpoint_refuses_meanwhile() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use crate::connector::server::{Reply, Server};

    let said = Arc::new(AtomicUsize::new(0));
    let says = Arc::clone(&said);
    let server = Server::start(move |call| match says.load(Ordering::SeqCst) {
        _ if call.json()["document"] != "order" => Reply::status("200 OK"),
        0 => Reply::status("503 Service Unavailable"),
        1 => Reply::status("422 Unprocessable Content"),
        _ => Reply::status("200 OK"),
    });
    let endpoint = format!("url = \"{}/\"\nreturns = \"warehouse\"\n", server.url());
    let config = CONFIG.replace("folder = \"warehouse\"\n", &endpoint);
    multi().block_on(async {
        let mut house = House::with(&config, &format!("{PROFILE}{FLOW}"));
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::AttemptFailed).await;
        house.drop_inbound("cancel.edi", &cancellation(2, "PO-1"));
        let is_change = |record: &JournalRecord| record.entry.subject.starts_with("order_change");
        house.wait_for(Event::DocumentReceived, is_change).await;
        said.store(1, Ordering::SeqCst);
        let parked = house.raised().await;
        assert_eq!(parked.kind, Kind::WorkParked);
        let ends = [Event::DocumentDelivered, Event::AttemptFailed];
        let is_tried =
            |record: &JournalRecord| ends.contains(&record.entry.event) && is_change(record);
        let tried = house.wait_until("a call of the change", is_tried).await;
        assert_eq!(tried.entry.event, Event::AttemptFailed, "it overtakes its order: {tried:?}");
        assert!(tried.entry.note.contains("PO-1"), "{tried:?}");
        said.store(2, Ordering::SeqCst);
        house.does(parked.id, &deed(Action::Retry)).unwrap();
        house.wait_for(Event::DocumentDelivered, is_change).await;
        let taken = server.calls().into_iter().map(|call| call.json()["document"].clone());
        let taken: Vec<_> = taken.collect();
        assert_eq!(taken.last().unwrap(), "order_change");
        assert_eq!(taken.iter().filter(|kind| *kind == "order_change").count(), 1, "{taken:?}");
        house.close().await;
    });
}

#[test]
fn what_changed_an_order_does_not_change_the_one_that_takes_its_place() {
    multi().block_on(async {
        let mut house = taking_changes();
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        for (name, text) in [
            ("change.edi", change(2, "PO-1", "1").replace("POC*2*QD*30*", "POC*2*QD*6*")),
            ("cancel.edi", cancellation(3, "PO-1")),
            ("other.edi", order(4, "PO-1").replace("PO1*1*24*", "PO1*1*48*")),
        ] {
            house.drop_inbound(name, &text);
            let held = house.raised().await;
            house.does(held.id, &deed(Action::Accept)).unwrap();
            house.wait(Event::DocumentDelivered).await;
        }
        let (page, _) = house.command(&["trace", "PO-1"]);
        assert!(page.contains("with the warehouse") && !page.contains("\ncancelled\n"), "{page}");
        let mugs = page.lines().find(|line| line.contains("614141002023")).unwrap();
        assert!(mugs.contains(" 36 "), "{page}");
        house.drop_outbound("shipments", "a.json", SHIPMENT);
        let ends = [Event::DocumentRendered, Event::ExceptionRaised];
        let ended = house.wait_until("the end", |record| ends.contains(&record.entry.event)).await;
        assert_eq!(ended.entry.event, Event::DocumentRendered, "{ended:?}");
        // What comes from now on changes it.
        house.drop_inbound("more.edi", &change(5, "PO-1", "2"));
        let held = house.raised().await;
        house.does(held.id, &deed(Action::Accept)).unwrap();
        house.wait(Event::DocumentDelivered).await;
        let (page, _) = house.command(&["trace", "PO-1"]);
        let mugs = page.lines().find(|line| line.contains("614141002023")).unwrap();
        assert!(mugs.contains(" 30 "), "{page}");
        house.close().await;
    });
}

#[test]
fn a_cancellation_by_an_order_is_handed_over_as_the_change_that_it_is() {
    multi().block_on(async {
        let mut house = taking_changes();
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.drop_inbound("cancel.edi", &order(2, "PO-1").replace("BEG*00", "BEG*01"));
        let held = house.raised().await;
        expected(&held, Kind::OrderCancellationHeld, "the cancellation of order PO-1 came");
        house.does(held.id, &deed(Action::Accept)).unwrap();
        house.wait(Event::DocumentDelivered).await;
        assert_eq!((house.names(ORDERS).len(), house.names(CHANGES).len()), (1, 1));
        let json = fs::read_to_string(house.path(CHANGES).join(&house.names(CHANGES)[0])).unwrap();
        assert!(json.contains("\"purpose\": \"cancellation\""), "{json}");
        // Nothing is ordered any more, and nothing has left.
        let (page, code) = house.command(&["trace", "PO-1"]);
        assert!(page.contains("\ncancelled\n") && !page.contains("0 shipped"), "{page}");
        assert_eq!(code, 0, "{page}");
        house.close().await;
    });
}

#[test]
fn a_change_in_the_interchange_of_its_order_goes_on_behind_it() {
    multi().block_on(async {
        let mut house = taking_changes();
        let (order, change) = (order(1, "PO-1"), change(1, "PO-1", "1"));
        let group = &change[change.find("GS*").unwrap()..change.find("IEA*").unwrap()];
        let end = order.find("IEA*").unwrap();
        let of_change = group.replace("*1*X*", "*2*X*").replace("GE*1*1~", "GE*1*2~");
        let both =
            format!("{}{of_change}{}", &order[..end], order[end..].replace("IEA*1", "IEA*2"));
        house.drop_inbound("both.edi", &both);
        let first = house.wait(Event::DocumentDelivered).await.entry.subject;
        let second = house.wait(Event::DocumentDelivered).await.entry.subject;
        assert!(first.starts_with("order-") && second.starts_with("order_change-"), "{second}");
        assert_eq!(house.kinds_open(), []);
        house.close().await;
    });
}

#[test]
fn the_cancellation_of_an_order_that_is_held_says_that_there_is_one() {
    multi().block_on(async {
        let mut house = House::with_items_list("sku,vendor\nMUG,NP-MUG-PINE\n");
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        assert_eq!(house.raised().await.kind, Kind::DocumentUnmapped);
        house.drop_inbound("cancel.edi", &order(2, "PO-1").replace("BEG*00", "BEG*01"));
        let held = house.raised().await;
        let words = "the cancellation of order PO-1 came, and the order itself is held";
        expected(&held, Kind::OrderCancellationHeld, words);
        house.close().await;
    });
}

#[test]
fn an_order_that_was_cancelled_while_it_was_held_goes_on_only_if_a_person_insists() {
    multi().block_on(async {
        for how in [Action::Accept, Action::Replay] {
            let mut house = House::with_items_list("sku,vendor\nMUG,NP-MUG-PINE\n");
            house.drop_inbound("order.edi", &order(1, "PO-1"));
            let held = house.raised().await;
            house.drop_inbound("cancel.edi", &order(2, "PO-1").replace("BEG*00", "BEG*01"));
            let cancels = house.raised().await;
            house.does(cancels.id, &deed(Action::Accept)).unwrap();
            house.wait(Event::DocumentDelivered).await;
            if how == Action::Replay {
                house.mend_items().await;
            }
            house.does(held.id, &deed(how)).unwrap();
            let again = house.raised().await;
            expected(&again, Kind::OrderCancellationHeld, "order PO-1 was cancelled on");
            house.does(again.id, &deed(Action::Accept)).unwrap();
            house.wait(Event::DocumentDelivered).await;
            house.close().await;
        }
    });
}

#[test]
fn a_change_without_a_number_is_held_though_its_order_waits() {
    multi().block_on(async {
        let mut house = taking_changes();
        // The warehouse's folder cannot be written to.
        house.put("warehouse/harbor-and-pine", "orders", "");
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentReceived).await;
        house.drop_inbound("change.edi", &change(2, "PO-1", ""));
        let ends = [Event::DocumentReceived, Event::ExceptionRaised];
        let ended = house.wait_until("the end", |record| ends.contains(&record.entry.event)).await;
        assert_eq!(ended.entry.event, Event::ExceptionRaised, "{ended:?}");
        let open = house.gateway.store().open_exceptions(0, 10).unwrap().remove(0);
        expected(&open, Kind::OrderChangeHeld, "has no number of its own");
        house.close().await;
    });
}

#[test]
fn an_endpoint_that_gets_all_of_it_again_gets_changes_and_nothing_that_was_cancelled() {
    multi().block_on(async {
        let mut house = taking_changes();
        for (at, number) in [(1, "PO-1"), (3, "PO-2")] {
            house.drop_inbound(&format!("{number}.edi"), &order(at, number));
            house.wait(Event::DocumentDelivered).await;
            let after =
                if at == 1 { cancellation(at + 1, number) } else { change(at + 1, number, "1") };
            house.drop_inbound(&format!("{number}-after.edi"), &after);
            let held = house.raised().await;
            house.does(held.id, &deed(Action::Accept)).unwrap();
            house.wait(Event::DocumentDelivered).await;
        }
        for place in [ORDERS, CHANGES] {
            assert_eq!(house.names(place).len(), 2);
            fs::remove_dir_all(house.path(place)).unwrap();
        }
        house.command(&["replay", "--since", "1d", "--who", "dana", "--unchanged"]);
        house.wait(Event::DocumentDelivered).await;
        house.wait(Event::DocumentDelivered).await;
        let names = [ORDERS, CHANGES].map(|place| house.names(place));
        assert!(
            names.iter().all(|names| names.len() == 1 && names[0].contains("PO-2")),
            "{names:?}"
        );
        house.close().await;
    });
}

#[test]
fn another_change_of_the_same_number_does_not_settle_the_first() {
    multi().block_on(async {
        let mut house = taking_changes();
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        let first = change(2, "PO-1", "1");
        let less = first.replace("POC*2*QD*30*", "POC*2*QD*6*").replace("000000002", "000000003");
        let again = first.replace("000000002", "000000004");
        for (name, text) in [("first.edi", &first), ("less.edi", &less), ("again.edi", &again)] {
            house.drop_inbound(name, text);
            house.raised().await;
        }
        let open = house.gateway.store().open_exceptions(0, 10).unwrap();
        assert_eq!(open.len(), 2, "{open:#?}");
        // What was held twice goes on once.
        house.does(open[1].id, &deed(Action::Accept)).unwrap();
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.kinds_open(), [Kind::OrderChangeHeld]);
        assert_eq!(house.names(CHANGES).len(), 1);
        house.close().await;
    });
}

#[cfg(feature = "http")]
#[test]
fn the_later_change_holds_though_the_endpoint_has_only_the_first() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use crate::connector::server::{Reply, Server};

    let well = Arc::new(AtomicBool::new(false));
    let is_well = Arc::clone(&well);
    let server = Server::start(move |call| {
        let is_second = call.json()["change_number"] == "2";
        let takes = is_well.load(Ordering::SeqCst) && !is_second;
        Reply::status(if takes { "200 OK" } else { "503 Service Unavailable" })
    });
    let endpoint = format!("url = \"{}/\"\nreturns = \"warehouse\"\n", server.url());
    let config = CONFIG.replace("folder = \"warehouse\"\n", &endpoint);
    multi().block_on(async {
        let mut house = House::with(&config, &format!("{PROFILE}{FLOW}"));
        let second = change(3, "PO-1", "2").replace("POC*2*QD*30*", "POC*2*QD*6*");
        let all = [order(1, "PO-1"), change(2, "PO-1", "1"), second];
        for (name, text) in ["order.edi", "first.edi", "second.edi"].into_iter().zip(&all) {
            house.drop_inbound(name, text);
            house.wait(Event::DocumentReceived).await;
        }
        well.store(true, Ordering::SeqCst);
        house.wait(Event::DocumentDelivered).await;
        house.wait(Event::DocumentDelivered).await;
        let (page, _) = house.command(&["trace", "PO-1"]);
        let mugs = page.lines().find(|line| line.contains("614141002023")).unwrap();
        assert!(mugs.contains(" 6 "), "{page}");
        house.close().await;
    });
}
