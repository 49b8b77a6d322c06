//! Exceptions: raised by what really causes them, collapsed, mended by themselves, and acted on.

use std::fs;
use std::path::Path;
use std::process::Command;

use crossdock::exceptions::{Action, Kind, Playbook};
use crossdock::gateway::{
    Config, Deed, Deeds, SettleError, open_records, retry_parked, settle_exception,
};
use crossdock::store::{
    DocumentState, Event, Exception, ExceptionState, JournalRecord, Outcome, Store, Subject,
};

use crate::gateway::{INVOICE, acknowledgement};
use crate::house::{CONFIG, House, PROFILE, multi, order};

const ITEMS: &str = "sku,vendor\nTOTE,NP-TOTE-NAT\nMUG,NP-MUG-PINE\nBLANKET,NP-BLANKET-GRY\n";
const NAMED: &str = "\n[crosswalks]\nsource = \"Item list, 2026-02\"\nitems = { file = \"crosswalks/items.csv\" }\n";
const ORDERS: &str = "warehouse/harbor-and-pine/orders";
const OUTBOUND: &str = "mailboxes/harbor-and-pine/outbound";

impl House {
    /// Waits for the next exception that is raised.
    pub async fn raised(&mut self) -> Exception {
        let record = self.wait(Event::ExceptionRaised).await;
        self.exception(number(&record.entry.subject))
    }

    async fn mended(&mut self) -> Exception {
        let record = self.wait(Event::ExceptionMended).await;
        self.exception(number(&record.entry.subject))
    }

    pub fn exception(&self, id: u64) -> Exception {
        self.gateway.store().exception(id).unwrap().unwrap()
    }

    pub fn kinds_open(&self) -> Vec<Kind> {
        let open = self.gateway.store().open_exceptions(0, 100).unwrap();
        open.into_iter().map(|one| one.kind).collect()
    }

    pub fn with_items_list(items: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("partners/harbor-and-pine/crosswalks");
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("items.csv"), items).unwrap();
        Self::within(folder, CONFIG, &format!("{PROFILE}{NAMED}"))
    }

    /// Adds the item that was missing, and waits until it is in force.
    pub async fn mend_items(&mut self) {
        self.put("partners/harbor-and-pine/crosswalks", "items.csv", ITEMS);
        self.wait(Event::ProfileChanged).await;
    }

    /// Does something beside the gateway, as a command does.
    pub fn does(&self, id: u64, deed: &Deed) -> Result<Deeds, SettleError> {
        let config = Config::read(&self.path("crossdock.toml")).unwrap();
        let deed = deed.clone();
        let doing = move || {
            let records = open_records(&config).unwrap();
            settle_exception(records.as_ref(), id, &deed)
        };
        tokio::task::block_in_place(|| std::thread::spawn(doing).join().unwrap())
    }

    fn delivered(&self) -> Vec<String> {
        let names = self.names(ORDERS);
        let read = |name: &String| fs::read_to_string(self.path(ORDERS).join(name)).unwrap();
        names.iter().map(read).collect()
    }
}

fn number(subject: &str) -> u64 {
    subject.strip_prefix("exception ").unwrap().parse().unwrap()
}

pub fn deed(action: Action) -> Deed {
    let (who, reason) = ("dana".to_owned(), "agreed by telephone".to_owned());
    Deed { action, who, reason, edited: None, item: None }
}

fn edit(bytes: &str) -> Deed {
    Deed { edited: Some(bytes.as_bytes().to_vec()), ..deed(Action::Edit) }
}

fn without(text: &str, tag: &str) -> String {
    text.lines().filter(|line| !line.starts_with(tag)).collect()
}

#[test]
fn what_is_accepted_under_a_number_that_another_has_is_answered() {
    multi().block_on(async {
        let mut house = House::open();
        house.drop_inbound("one.edi", &order(1, "PO-1"));
        let first = house.wait(Event::AcknowledgementRendered).await;
        house.drop_inbound("other.edi", &order(1, "PO-2"));
        let reused = house.raised().await;
        assert_eq!(reused.kind, Kind::InterchangeNumberReused);
        house.does(reused.id, &deed(Action::Accept)).unwrap();
        let second = house.wait(Event::AcknowledgementRendered).await;
        assert_ne!(first.entry.subject, second.entry.subject);
        let (page, _) = house.command(&["trace", "PO-2"]);
        assert!(page.contains(&second.entry.subject), "{page}");
        assert!(!page.contains(&first.entry.subject), "{page}");
        house.close().await;
    });
}

/// A cause, and what it raises.
enum Cause {
    Inbound(&'static str, String),
    Outbound(&'static str, String),
}

/// Lets each cause happen in turn under a profile.
fn raises(profile: &str, causes: &[(Cause, Option<Kind>)]) {
    multi().block_on(async {
        let mut house = House::with(CONFIG, profile);
        for (index, (cause, kind)) in causes.iter().enumerate() {
            match cause {
                Cause::Inbound(name, text) => house.drop_inbound(name, text),
                Cause::Outbound(kinds, text) => {
                    house.drop_outbound(kinds, &format!("{index}.json"), text);
                }
            }
            match (kind, cause) {
                (Some(kind), _) => {
                    let raised = house.raised().await;
                    assert_eq!(raised.kind, *kind, "{raised:#?}");
                    assert_eq!(raised.severity, kind.entry().severity);
                    assert!(!raised.words.is_empty() && !raised.mend.is_empty(), "{raised:#?}");
                    assert!(raised.due > raised.opened && raised.count == 1, "{raised:#?}");
                    let items = house.gateway.store().exception_items(raised.id).unwrap();
                    assert_eq!(items.len(), 1, "{items:#?}");
                }
                (None, Cause::Inbound(..)) => {
                    house.wait(Event::InterchangeAccepted).await;
                }
                (None, Cause::Outbound(..)) => {
                    house.wait(Event::InterchangeSent).await;
                }
            }
        }
        house.close().await;
    });
}

#[test]
fn each_inbound_cause_raises_its_kind() {
    use Cause::Inbound;
    let large = "x".repeat((1 << 20) + 1);
    let cut_off = {
        let text = order(20, "PO-20");
        text[..text.find("CTT*").unwrap()].to_owned()
    };
    raises(
        PROFILE,
        &[
            (Inbound("page.html", "<html>503</html>".into()), Some(Kind::InterchangeUnreadable)),
            (
                Inbound("other.edi", order(1, "PO-1").replace("08*6125550100 ", "08*9995550100 ")),
                Some(Kind::InterchangeUnknown),
            ),
            (Inbound("large.edi", large), Some(Kind::FileNotTaken)),
            (Inbound("first.edi", order(2, "PO-2")), None),
            (Inbound("again.edi", order(2, "PO-3")), Some(Kind::InterchangeNumberReused)),
            (
                Inbound("broken.edi", without(&order(4, "PO-4"), "BEG")),
                Some(Kind::DocumentRejected),
            ),
            (Inbound("cut.edi", cut_off), Some(Kind::InterchangeRejected)),
            (
                Inbound("test.edi", order(5, "PO-5").replace("*0*P*>", "*0*T*>")),
                Some(Kind::DocumentNotAgreed),
            ),
            (
                Inbound("unmatched.edi", acknowledgement(6, 77, "A")),
                Some(Kind::AcknowledgementUnmatched),
            ),
        ],
    );
}

#[test]
fn each_outbound_cause_raises_its_kind() {
    use Cause::{Inbound, Outbound};
    let ta1 = "ISA*00*          *00*          *08*6125550100     *ZZ*NORTHDOCK3PL   *261120*0830*U*00401*000000008*0*P*>~\
        TA1*000001001*261120*0830*R*006~IEA*0*000000008~";
    let long = INVOICE.replace("INV-1", &"N".repeat(40));
    raises(
        PROFILE,
        &[
            (Outbound("invoices", "two mugs, as agreed".into()), Some(Kind::DocumentUnusable)),
            (Outbound("invoices", long), Some(Kind::DocumentRefused)),
            (Outbound("invoices", INVOICE.into()), None),
            (Inbound("r.edi", acknowledgement(7, 1001, "R")), Some(Kind::OutboundRejected)),
            (Inbound("ta1.edi", ta1.into()), Some(Kind::OutboundInterchangeRejected)),
        ],
    );
}

#[test]
fn what_a_profile_wants_to_be_told_of_is_raised() {
    use Cause::Inbound;
    let repeated = PROFILE.replace("interchange = \"ignore\"", "interchange = \"quarantine\"");
    let first = || (Inbound("first.edi", order(1, "PO-1")), None);
    let again = Inbound("again.edi", order(1, "PO-1"));
    raises(&repeated, &[first(), (again, Some(Kind::InterchangeRepeated))]);

    let hold = PROFILE.replace("kind = \"997\"", "kind = \"997\"\nout_of_sequence = \"hold\"");
    let early = Inbound("early.edi", acknowledgement(6, 77, "A"));
    raises(&hold, &[(early, Some(Kind::AcknowledgementHeld))]);

    // The order that is good waits for a person, with the one that is not.
    let whole = format!("{PROFILE}\n[processing]\non_error = \"interchange\"\n");
    let text = order(1, "PO-1");
    let (start, end) = (text.find("ST*850").unwrap(), text.find("GE*").unwrap());
    let set = text[start..end].replace("*0001~", "*0002~").replace("PO-1", "PO-2");
    let bad = without(&set, "BEG").replace("SE*26*", "SE*25*");
    let trailer = text[end..].replacen("GE*1*", "GE*2*", 1);
    let both = format!("{}{bad}{trailer}", &text[..end]);
    multi().block_on(async {
        let mut house = House::with(CONFIG, &whole);
        house.drop_inbound("both.edi", &both);
        let mut kinds = [house.raised().await.kind, house.raised().await.kind];
        kinds.sort();
        assert_eq!(kinds, [Kind::DocumentRejected, Kind::DocumentSuspended]);
        house.close().await;
    });
}

#[test]
fn a_set_without_a_map_is_replayed_when_there_is_one() {
    multi().block_on(async {
        let mut house = House::without_maps();
        house.drop_inbound("early.edi", &order(1, "PO-1"));
        let raised = house.raised().await;
        assert_eq!(raised.kind, Kind::DocumentNoMap, "{raised:#?}");
        let folder = house.close().await;
        // The gateway stands still; it is done when it is started.
        let doing = |action: &Deed| {
            let config = Config::read(&folder.path().join("crossdock.toml")).unwrap();
            settle_exception(open_records(&config).unwrap().as_ref(), raised.id, action)
        };
        assert!(doing(&deed(Action::Accept)).is_err());
        assert_eq!(doing(&deed(Action::Replay)).unwrap(), Deeds::Done(1));
        let mut house = House::within(folder, CONFIG, PROFILE);
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.names(OUTBOUND).len(), 1, "it is answered once");
        house.close().await;
    });
}

#[test]
fn a_partner_that_was_off_has_its_files_replayed() {
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let second = folder.path().join("partners/second");
        fs::create_dir_all(&second).unwrap();
        let off = PROFILE
            .replace("6125550100", "7775550100")
            .replace("state = \"live\"", "state = \"off\"");
        fs::write(second.join("partner.toml"), &off).unwrap();
        let mut house = House::within(folder, CONFIG, PROFILE);
        let theirs = order(1, "PO-1").replace("6125550100", "7775550100");
        house.drop_inbound("early.edi", &theirs);
        let raised = house.raised().await;
        assert_eq!(raised.kind, Kind::InterchangePartnerOff, "{raised:#?}");
        house.put("partners/second", "partner.toml", &off.replace("\"off\"", "\"live\""));
        house.wait(Event::ProfileChanged).await;
        house.does(raised.id, &deed(Action::Replay)).unwrap();
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.names("warehouse/second/orders").len(), 1);
        house.close().await;
    });
}

#[test]
fn what_is_billed_beyond_the_order_is_each_for_itself_and_counts_once() {
    let against = "overlay harbor-and-pine on 810 004010 out\nsource \"Guide, p. 9, 2026-02\"\n\
        against order quantity \"They refuse more\"\n";
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let partner = folder.path().join("partners/harbor-and-pine");
        fs::create_dir_all(&partner).unwrap();
        fs::write(partner.join("810.overlay"), against).unwrap();
        let mut house = House::within(folder, CONFIG, PROFILE);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        let bill = |number: &str, quantity: u32| {
            INVOICE
                .replace("INV-1", number)
                .replace("A-1", "NP-MUG-PINE")
                .replace("\"quantity\":\"2\"", &format!("\"quantity\":\"{quantity}\""))
        };
        house.drop_outbound("invoices", "1.json", &bill("INV-1", 40));
        house.drop_outbound("invoices", "2.json", &bill("INV-2", 50));
        let (first, second) = (house.raised().await, house.raised().await);
        assert_eq!([first.kind, second.kind], [Kind::DocumentRefused; 2]);
        house
            .does(first.id, &edit(&bill("INV-1", 36)))
            .or_else(|_| house.does(first.id, &edit(&bill("INV-2", 36))))
            .unwrap();
        let is_invoice = |record: &JournalRecord| record.entry.subject.contains("invoice");
        let sent = house.wait_for(Event::InterchangeSent, is_invoice).await;
        let bytes = house.gateway.store().payload(sent.entry.payload.unwrap()).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let group = text.split("GS*IN*").nth(1).unwrap().split('*').nth(4).unwrap();
        // The partner rejects it; written once more it does not count against itself.
        house.drop_inbound("r.edi", &acknowledgement(2, group.parse().unwrap(), "R"));
        let rejected = house.raised().await;
        assert_eq!(rejected.kind, Kind::OutboundRejected, "{rejected:#?}");
        house.does(rejected.id, &deed(Action::Retry)).unwrap();
        let again = house.wait_for(Event::InterchangeSent, is_invoice).await;
        assert_eq!(again.entry.note, sent.entry.note);
        house.close().await;
    });
}

#[test]
fn a_file_whose_bytes_are_lost_is_trouble_of_the_store_and_then_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    crate::gateway::with_a_lost_file(folder.path());
    multi().block_on(async {
        let mut house = House::within(folder, CONFIG, PROFILE);
        let trouble = house.raised().await;
        assert_eq!(trouble.kind, Kind::StoreTrouble, "{trouble:#?}");
        let failed = house.raised().await;
        assert_eq!(failed.kind, Kind::ProgramFailed, "{failed:#?}");
        assert_eq!(house.mended().await.id, trouble.id);
        house.close().await;
    });
}

#[test]
fn a_database_that_cannot_be_compacted_is_told_and_mends_itself() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (store, _) = crate::compaction::filled(&data);
    let bytes = store.room().database.unwrap();
    drop(store);
    // A file, which cannot be removed as a folder.
    let copy = data.join("state.compacting");
    fs::write(&copy, b"").unwrap();
    let config = format!("{CONFIG}database_mebibytes = 1\n");
    multi().block_on(async {
        let mut house = House::within(folder, &config, PROFILE);
        let trouble = house.raised().await;
        assert_eq!(trouble.kind, Kind::StoreTrouble, "{trouble:#?}");
        assert!(trouble.words.contains("compacting the database: "), "{trouble:#?}");
        assert!(trouble.words.contains("state.compacting"), "{trouble:#?}");
        let folder = house.close().await;
        fs::remove_file(&copy).unwrap();
        let mut house = House::within(folder, &config, PROFILE);
        assert_eq!(house.mended().await.id, trouble.id);
        house.until(|house| house.gateway.store().room().database.unwrap() < bytes).await;
        assert!(house.kinds_open().is_empty());
        house.close().await;
    });
}

#[test]
fn a_partner_that_is_left_out_or_off_and_a_refused_change_are_raised_and_mend_themselves() {
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let second = folder.path().join("partners/second");
        fs::create_dir_all(&second).unwrap();
        fs::write(second.join("partner.toml"), "nonsense = 1\n").unwrap();
        let mut house = House::within(folder, CONFIG, PROFILE);
        let left_out = house.raised().await;
        assert_eq!((left_out.kind, left_out.partner.as_str()), (Kind::ProfileLeftOut, "second"));

        let mended = PROFILE
            .replace("6125550100", "7775550100")
            .replace("mailboxes/harbor-and-pine", "mailboxes/second")
            .replace("state = \"live\"", "state = \"shadow\"");
        house.put("partners/second", "partner.toml", &mended);
        assert_eq!(house.mended().await.id, left_out.id);

        house.put("partners/second", "partner.toml", "nonsense = 1\n");
        let refused = house.raised().await;
        assert_eq!(refused.kind, Kind::ProfilesRefused);
        house.put("partners/second", "partner.toml", &mended.replace("shadow", "off"));
        let now = house.mended().await;
        assert_eq!((now.id, now.state), (refused.id, ExceptionState::Done));
        house.close().await;
    });
}

#[test]
fn a_mailbox_that_cannot_be_looked_into_is_raised_once_and_mends_itself() {
    multi().block_on(async {
        let mut house = House::open();
        let inbound = house.path("mailboxes/harbor-and-pine/inbound");
        fs::remove_dir_all(&inbound).unwrap();
        fs::write(&inbound, "in the way").unwrap();
        house.until(|house| !house.kinds_open().is_empty()).await;
        let raised = house.raised().await;
        assert_eq!(raised.kind, Kind::PlaceUnreachable, "{raised:#?}");
        assert!(raised.words.contains("harbor-and-pine"), "{raised:#?}");
        fs::remove_file(&inbound).unwrap();
        fs::create_dir(&inbound).unwrap();
        house.until(|house| house.kinds_open().is_empty()).await;
        assert_eq!(house.mended().await.id, raised.id);
        house.close().await;
    });
}

#[test]
fn an_overdue_acknowledgement_is_sent_again_when_told_and_mended_by_the_answer() {
    multi().block_on(async {
        let mut house = House::with(CONFIG, &PROFILE.replace("due = \"24h\"", "due = \"1s\""));
        house.drop_outbound("invoices", "a.json", INVOICE);
        let sent = house.wait(Event::InterchangeSent).await;
        let overdue = house.raised().await;
        assert_eq!(overdue.kind, Kind::AcknowledgementOverdue);
        house.does(overdue.id, &deed(Action::Retry)).unwrap();
        let again = house.wait(Event::InterchangeSent).await;
        assert_eq!(again.entry.payload, sent.entry.payload);
        assert_eq!(again.entry.subject, sent.entry.subject);
        // The clock runs again, and the answer stops it.
        let overdue = house.raised().await;
        assert_eq!(overdue.kind, Kind::AcknowledgementOverdue);
        house.drop_inbound("late.edi", &acknowledgement(9, 1000, "A"));
        assert_eq!(house.mended().await.id, overdue.id);
        house.close().await;
    });
}

#[test]
fn repeats_of_one_cause_are_one_exception_and_all_come_with_one_replay() {
    multi().block_on(async {
        let mut house = House::with_items_list(&ITEMS.replace("MUG,NP-MUG-PINE\n", ""));
        for number in 1..=3 {
            house.drop_inbound(&format!("{number}.edi"), &order(number, &format!("PO-{number}")));
            house.wait(Event::InterchangeQuarantined).await;
        }
        let raised = house.raised().await;
        assert_eq!((raised.kind, raised.count), (Kind::DocumentUnmapped, 3));
        assert!(raised.words.contains("NP-MUG-PINE"), "{raised:#?}");
        assert!(raised.mend.contains("crosswalks/items.csv"), "{raised:#?}");
        let items = house.gateway.store().exception_items(raised.id).unwrap();
        let place = |label: &str| items.iter().any(|item| item.subject.label().contains(label));
        assert!(place("order PO-1") && place("order PO-3"), "{items:#?}");

        // As long as nothing is mended, they are held again.
        assert_eq!(house.does(raised.id, &deed(Action::Replay)).unwrap(), Deeds::Done(3));
        let again = house.raised().await;
        assert_ne!(again.id, raised.id);
        for _ in 0..3 {
            house.wait(Event::InterchangeQuarantined).await;
        }
        assert_eq!(house.exception(again.id).count, 3);

        house.mend_items().await;
        house.does(again.id, &deed(Action::Replay)).unwrap();
        for _ in 0..3 {
            house.wait(Event::DocumentDelivered).await;
        }
        // Once more by hand nothing happens, and by another action neither.
        let Ok(Deeds::Before(settled)) = house.does(again.id, &deed(Action::Replay)) else {
            panic!("it was replayed")
        };
        assert_eq!((settled.who.as_str(), settled.how), ("dana", Some(Action::Replay)));
        let other = house.does(again.id, &deed(Action::Dismiss)).unwrap_err().to_string();
        assert!(other.contains("replayed by dana"), "{other}");
        house.drop_inbound("again.edi", &order(1, "PO-1"));
        house.wait(Event::InterchangeDuplicate).await;
        assert_eq!(house.delivered().len(), 3);
        assert!(house.delivered().iter().all(|order| order.contains("\"MUG\"")));
        // Each was answered once.
        assert_eq!(house.names(OUTBOUND).len(), 3);
        assert_eq!(house.kinds_open(), []);
        house.close().await;
    });
}

#[test]
fn what_comes_again_by_itself_settles_its_exception() {
    multi().block_on(async {
        let mut house = House::with_items_list(&ITEMS.replace("MUG,NP-MUG-PINE\n", ""));
        house.drop_inbound("first.edi", &order(1, "PO-1"));
        let held = house.raised().await;
        house.mend_items().await;
        house.drop_inbound("again.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        let mended = house.mended().await;
        assert_eq!((mended.id, mended.state), (held.id, ExceptionState::Done));

        // The partner sends a corrected order under a number of its own.
        house.drop_inbound(
            "bad.edi",
            &without(&order(2, "PO-2"), "REF*DP").replace("PO1*1*24*EA", "PO1*1*ten*EA"),
        );
        let rejected = house.raised().await;
        assert_eq!(rejected.kind, Kind::DocumentRejected, "{rejected:#?}");
        house.drop_inbound("good.edi", &order(3, "PO-2"));
        assert_eq!(house.mended().await.id, rejected.id);
        house.close().await;
    });
}

#[test]
fn a_held_order_is_accepted_as_it_is_and_a_stranger_cannot_be() {
    multi().block_on(async {
        let mut house = House::with_items_list(&ITEMS.replace("MUG,NP-MUG-PINE\n", ""));
        house.drop_inbound("first.edi", &order(1, "PO-1"));
        let held = house.raised().await;
        let mut nameless = deed(Action::Accept);
        nameless.reason.clear();
        let words = house.does(held.id, &nameless).unwrap_err().to_string();
        assert!(words.contains("a reason is needed"), "{words}");
        assert_eq!(house.does(held.id, &deed(Action::Accept)).unwrap(), Deeds::Done(1));
        house.wait(Event::DocumentDelivered).await;
        assert!(house.delivered()[0].contains("NP-MUG-PINE"), "{:?}", house.delivered());
        assert_eq!(house.exception(held.id).state, ExceptionState::Accepted);
        let record = house.wait(Event::ExceptionAccepted).await;
        assert!(record.entry.note.contains("by dana: agreed by telephone"), "{record:?}");

        house.drop_inbound("bad.edi", &order(2, "PO-2").replace("PO1*1*24*EA", "PO1*1*ten*EA"));
        let rejected = house.raised().await;
        assert_eq!(rejected.kind, Kind::DocumentRejected, "{rejected:#?}");
        house.does(rejected.id, &deed(Action::Accept)).unwrap();
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.delivered().len(), 2);

        let theirs = order(3, "PO-3").replace("08*6125550100 ", "08*9995550100 ");
        house.drop_inbound("stranger.edi", &theirs);
        let unknown = house.raised().await;
        let words = house.does(unknown.id, &deed(Action::Accept)).unwrap_err().to_string();
        assert!(words.contains("is not one to accept"), "{words}");
        let words = house.does(unknown.id, &deed(Action::Retry)).unwrap_err().to_string();
        let offered = "is not one to retry; what can be done: replay, edit, dismiss.";
        assert!(words.contains(offered), "{words}");
        house.does(unknown.id, &deed(Action::Dismiss)).unwrap();
        assert_eq!(house.exception(unknown.id).state, ExceptionState::Dismissed);
        assert_eq!(house.delivered().len(), 2);
        house.close().await;
    });
}

#[test]
fn an_edited_order_takes_the_place_of_the_one_that_was_rejected() {
    multi().block_on(async {
        let mut house = House::open();
        let good = order(1, "PO-1");
        let bad = good.replace("PO1*1*24*EA", "PO1*1*ten*EA");
        house.drop_inbound("bad.edi", &bad);
        let rejected = house.raised().await;
        house.wait(Event::InterchangeSent).await;
        house.does(rejected.id, &edit(&good)).unwrap();
        house.wait(Event::DocumentDelivered).await;
        let record = house.wait(Event::ExceptionEdited).await;
        let edited = record.entry.payload.unwrap();
        assert_eq!(house.gateway.store().payload(edited).unwrap(), good.as_bytes());
        let items = house.gateway.store().exception_items(rejected.id).unwrap();
        let original = items[0].payload.unwrap();
        assert_eq!(house.gateway.store().payload(original).unwrap(), bad.trim_end().as_bytes());
        for id in [original, edited] {
            assert!(record.entry.note.contains(&id.to_string()), "{}", record.entry.note);
        }
        // The partner has its answer already.
        assert_eq!(house.names(OUTBOUND).len(), 1);
        assert_eq!(house.outcomes(), [Outcome::Rejected, Outcome::Accepted]);
        assert!(house.delivered()[0].contains("\"24\""));
        assert!(matches!(items[0].subject, Subject::Interchange { .. }));
        house.close().await;
    });
}

#[test]
fn a_refused_invoice_is_edited_sent_as_it_is_or_refused_clearly() {
    multi().block_on(async {
        let mut house = House::with_items_list(ITEMS);
        // The item is unknown to the partner: it can be written all the same.
        let ours = INVOICE.replace("vendor", "sku");
        house.drop_outbound("invoices", "a.json", &ours);
        let refused = house.raised().await;
        assert_eq!(refused.kind, Kind::DocumentRefused, "{refused:#?}");
        let other = edit(&ours.replace("INV-1", "INV-9").replace("A-1", "MUG"));
        let words = house.does(refused.id, &other).unwrap_err().to_string();
        assert!(words.contains("INV-9"), "{words}");
        house.does(refused.id, &edit(&ours.replace("A-1", "MUG"))).unwrap();
        let sent = house.wait(Event::InterchangeSent).await;
        let bytes = house.gateway.store().payload(sent.entry.payload.unwrap()).unwrap();
        assert!(String::from_utf8(bytes).unwrap().contains("NP-MUG-PINE"));

        house.drop_outbound("invoices", "b.json", &ours.replace("INV-1", "INV-2"));
        let refused = house.raised().await;
        let items = house.gateway.store().exception_items(refused.id).unwrap();
        if items[0].acceptable {
            house.does(refused.id, &deed(Action::Accept)).unwrap();
            house.wait(Event::InterchangeSent).await;
            let Subject::Document { document } = &items[0].subject else { panic!("{items:?}") };
            let record = house.gateway.store().document(document).unwrap().unwrap();
            assert_eq!(record.state, DocumentState::Sent);
        } else {
            panic!("it can be written: {items:#?}");
        }

        let long = INVOICE.replace("INV-1", &"N".repeat(40)).replace("vendor", "sku");
        house.drop_outbound("invoices", "prose.json", "two mugs");
        let unusable = house.raised().await;
        let words = house.does(unusable.id, &deed(Action::Accept)).unwrap_err().to_string();
        assert!(words.contains("is not one to accept"), "{words}");
        let mended = long.replace("A-1", "MUG").replace(&"N".repeat(40), "INV-3");
        house.does(unusable.id, &edit(&mended)).unwrap();
        house.wait(Event::InterchangeSent).await;
        house.close().await;
    });
}

#[test]
fn what_can_only_be_written_altered_is_shown_and_never_accepted() {
    multi().block_on(async {
        let mut house = House::with_items_list(ITEMS);
        // A delimiter stands in it, with and without an item that is held.
        let known = INVOICE.replace("vendor", "sku").replace("A-1", "MUG");
        for (number, unknown) in [(1, true), (2, false)] {
            let ours = known.replace("INV-1", &format!("INV-{number}")).replace("PO-1", "PO*1");
            let ours = if unknown { ours.replace("MUG", "A-1") } else { ours };
            house.drop_outbound("invoices", &format!("{number}.json"), &ours);
            let refused = house.raised().await;
            let items = house.gateway.store().exception_items(refused.id).unwrap();
            let findings = house.gateway.store().payload(items[0].findings.unwrap()).unwrap();
            let findings = String::from_utf8(findings).unwrap();
            assert!(findings.contains("M03"), "{findings}");
            assert_eq!(findings.contains("X01"), unknown, "{findings}");
            let words = house.does(refused.id, &deed(Action::Accept)).unwrap_err().to_string();
            assert!(words.contains("cannot go on as it is"), "{words}");
        }
        house.close().await;
    });
}

#[test]
fn an_order_goes_on_although_no_number_is_left_for_its_answer() {
    multi().block_on(async {
        let usual = "interchange = { first = 1000, last = 999999999 }";
        let one = PROFILE.replace(usual, "interchange = { first = 1, last = 1, rollover = false }");
        let mut house = House::with(CONFIG, &one);
        house.drop_inbound("1.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.wait(Event::InterchangeSent).await;
        for number in [2, 3] {
            house.drop_inbound(&format!("{number}.edi"), &order(number, &format!("PO-{number}")));
            house.wait(Event::DocumentDelivered).await;
        }
        let unanswered = house.raised().await;
        assert_eq!(unanswered.kind, Kind::AnswerNotWritten, "{unanswered:#?}");
        assert_eq!(unanswered.partner, "harbor-and-pine");
        assert!(unanswered.words.contains("used up"), "{unanswered:#?}");
        let items = house.gateway.store().exception_items(unanswered.id).unwrap();
        assert_eq!(items.len(), 2, "{items:#?}");

        // With a range that has numbers they are answered, and no order goes on twice.
        house.put(
            "partners/harbor-and-pine",
            "partner.toml",
            &one.replace("last = 1,", "last = 9,"),
        );
        house.wait(Event::ProfileChanged).await;
        house.does(unanswered.id, &deed(Action::Replay)).unwrap();
        house.gateway.look_now();
        for _ in [2, 3] {
            let sent = house.wait(Event::InterchangeSent).await;
            let bytes = house.gateway.store().payload(sent.entry.payload.unwrap()).unwrap();
            assert!(String::from_utf8(bytes).unwrap().contains("AK9*A"), "{sent:?}");
        }
        assert_eq!(house.delivered().len(), 3);
        assert_eq!(house.kinds_open(), []);
        house.close().await;
    });
}

#[test]
fn a_rejected_invoice_goes_out_again_under_new_numbers() {
    multi().block_on(async {
        let mut house = House::open();
        house.drop_outbound("invoices", "a.json", INVOICE);
        let first = house.wait(Event::InterchangeSent).await;
        house.drop_inbound("r.edi", &acknowledgement(2, 1000, "R"));
        let rejected = house.raised().await;
        assert_eq!(rejected.kind, Kind::OutboundRejected);
        house.does(rejected.id, &deed(Action::Retry)).unwrap();
        let second = house.wait(Event::InterchangeSent).await;
        assert_ne!(first.entry.subject, second.entry.subject);
        assert_eq!(first.entry.note, second.entry.note, "it stays the document that it is");
        house.drop_inbound("a.edi", &acknowledgement(3, 1001, "A"));
        house.wait_for(Event::DocumentAcknowledged, |r| r.entry.note == "accepted").await;
        let state = house.gateway.store().document(&second.entry.note).unwrap().unwrap().state;
        assert_eq!(state, DocumentState::Accepted);
        house.close().await;
    });
}

#[cfg(feature = "http")]
#[test]
fn what_an_endpoint_refuses_is_retried_or_edited_and_what_fails_for_long_mends_itself() {
    use crate::house::warehouse;
    use crate::retries::{http, with_a_call_that_has_failed};
    let (address, _requests) =
        warehouse(&["503 Busy\r\nretry-after: 0", "200 OK", "422 No", "422 No", "200 OK"]);
    multi().block_on(async {
        let folder = with_a_call_that_has_failed(9);
        let mut house = House::within(folder, &http(address), PROFILE);
        let stuck = house.raised().await;
        assert_eq!(stuck.kind, Kind::WorkStuck, "{stuck:#?}");
        assert_eq!(house.mended().await.id, stuck.id);

        house.drop_inbound("order.edi", &order(1, "PO-1"));
        let parked = house.raised().await;
        assert_eq!(parked.kind, Kind::WorkParked);
        assert!(parked.words.contains("422"), "{parked:#?}");
        assert_eq!(house.does(parked.id, &deed(Action::Retry)).unwrap(), Deeds::Done(1));
        let again = house.raised().await;
        assert_eq!(again.kind, Kind::WorkParked);
        let store = house.gateway.store();
        let item = store.exception_items(again.id).unwrap().remove(0);
        let json = String::from_utf8(store.payload(item.payload.unwrap()).unwrap()).unwrap();
        house.does(again.id, &edit(&json.replace("\"each\"", "\"each\" "))).unwrap();
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(retry_parked(house.gateway.store(), "dana").unwrap(), 0);
        house.close().await;
    });
}

#[test]
fn the_command_lists_shows_and_acts_with_and_without_a_gateway() {
    let crossdock = |folder: &Path, args: &[&str]| {
        let told = Command::new(env!("CARGO_BIN_EXE_crossdock"))
            .arg("exceptions")
            .args(args)
            .arg("--config")
            .arg(folder.join("crossdock.toml"))
            .env("USER", "dana")
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (told.status.code().unwrap(), text(told.stdout), text(told.stderr))
    };
    let folder = multi().block_on(async {
        let mut house = House::open();
        house.drop_inbound("bad.edi", &order(1, "PO-1").replace("PO1*1*24*EA", "PO1*1*ten*EA"));
        house.raised().await;
        let place = house.path("");
        let (code, listed, _) = crossdock(&place, &[]);
        assert_eq!(code, 1, "{listed}");
        assert!(listed.contains("document-rejected") && listed.contains("high"), "{listed}");
        let (_, shown, told) = crossdock(&place, &["show", "1"]);
        for part in ["PO1*1*ten*EA", "^^^", "crossdock exceptions replay 1", "docs/playbooks/"] {
            assert!(shown.contains(part), "{part} in\n{shown}\n{told}");
        }
        let to_the_second = |text: &str| {
            let year = jiff::Timestamp::now().strftime("%Y-").to_string();
            let moments = text.split_whitespace().filter(|word| word.starts_with(&year));
            let moments: Vec<&str> = moments.collect();
            moments.len() > 2 && moments.iter().all(|moment| !moment.contains('.'))
        };
        assert!(to_the_second(&shown), "{shown}");
        let (log, _) = house.command(&["audit", "list"]);
        assert!(to_the_second(&log), "{log}");
        let (_, lines, _) = crossdock(&place, &["show", "1", "--format", "json"]);
        let line: serde_json::Value = serde_json::from_str(&lines).unwrap();
        assert_eq!(line["kind"], "document-rejected");
        assert_eq!(line["things"][0]["findings"][0]["severity"], "fatal");
        house.close().await
    });
    let place = folder.path();
    let file = place.join("order.edi");
    let saved = crossdock(place, &["show", "1", "--save", file.to_str().unwrap()]);
    assert_eq!(saved.0, 0, "{saved:?}");
    assert!(fs::read_to_string(&file).unwrap().contains("PO1*1*ten*EA"));
    let (code, _, told) = crossdock(place, &["retry", "7"]);
    assert_eq!((code, told.contains("there is no exception 7")), (2, true), "{told}");
    let reason = ["dismiss", "1", "--reason", "they send it anew"];
    assert_eq!(crossdock(place, &reason), (0, "1: dismissed\n".to_owned(), String::new()));
    let (code, again, _) = crossdock(place, &reason);
    assert!(code == 0 && again.contains("was dismissed before, by dana"), "{again}");
    assert_eq!(crossdock(place, &[]).1, "Nothing is open.\n");
    let (code, all, _) = crossdock(place, &["--all", "--kind", "document-rejected"]);
    assert!(code == 0 && all.contains("dismiss"), "{all}");
    let parked = crossdock(place, &["retry", "--parked"]);
    assert_eq!(parked.1, "Nothing is parked.\n");
}

#[test]
fn what_cannot_be_read_is_of_the_partner_whose_mailbox_it_came_to() {
    multi().block_on(async {
        let mut house = House::open();
        let large = "x".repeat((1 << 20) + 1);
        for (name, text) in [("page.html", "<html>503</html>"), ("large.edi", &large)] {
            house.drop_inbound(name, text);
            assert_eq!(house.raised().await.partner, "harbor-and-pine", "{name}");
        }
        // Once another one shares the mailbox, nobody knows.
        let second = PROFILE.replace("6125550100", "7775550100");
        house.put("partners/second", "partner.toml", &second);
        house.wait(Event::ProfileAdded).await;
        house.drop_inbound("again.html", "<html>504</html>");
        assert_eq!(house.raised().await.partner, "");
        house.close().await;
    });
}

#[test]
fn owner_and_due_time_are_those_of_the_profile_then_of_the_gateway() {
    let profile = format!(
        "{PROFILE}\n[exceptions]\nowner = \"brand desk\"\nhigh = \"30m\"\n[exceptions.owners]\n\
         document-unusable = \"warehouse\"\n"
    );
    let config = format!("{CONFIG}\n[exceptions]\nowner = \"night desk\"\nhigh = \"2h\"\n");
    multi().block_on(async {
        let mut house = House::with(&config, &profile);
        let theirs = order(1, "PO-1").replace("08*6125550100 ", "08*9995550100 ");
        house.drop_inbound("stranger.edi", &theirs);
        house.drop_outbound("invoices", "prose.json", "two mugs");
        let (mut first, mut second) = (house.raised().await, house.raised().await);
        if first.kind == Kind::DocumentUnusable {
            std::mem::swap(&mut first, &mut second);
        }
        let minutes = |one: &Exception| one.opened.duration_until(one.due).as_mins();
        assert_eq!((first.owner.as_str(), minutes(&first)), ("night desk", 120));
        assert_eq!((second.owner.as_str(), minutes(&second)), ("warehouse", 30));
        let listed = |args: &[&str]| house.command(&[&["exceptions"], args].concat());
        let (told, code) = listed(&["--owner", "warehouse", "--severity", "high"]);
        assert!(told.contains("document-unusable") && code == 1, "{told}");
        assert!(!told.contains("interchange-unknown"), "{told}");
        let (told, code) = listed(&["--severity", "critical", "--severity", "normal"]);
        assert_eq!((told.as_str(), code), ("Nothing of that is open.\n", 0));
        assert_eq!(listed(&["--owner", ""]), ("Nothing of that is open.\n".to_owned(), 0));
        let folder = house.close().await;
        let status = fs::read_to_string(folder.path().join("data/status.json")).unwrap();
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        assert_eq!(status["exceptions"]["high"], 2);
        assert_eq!(status["exceptions"]["critical"], 0);
    });
}

#[test]
fn every_kind_has_a_playbook_or_says_why_none() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = std::collections::BTreeSet::new();
    for entry in Kind::all() {
        match entry.playbook {
            Playbook::Page(page) => {
                let text = fs::read_to_string(root.join(entry.playbook.path().unwrap()))
                    .unwrap_or_else(|e| panic!("{page}: {e}"));
                assert!(text.contains(&format!("`{}`", entry.name)), "{page} names {}", entry.name);
                for head in [
                    "What happened",
                    "Why it matters",
                    "What to look at",
                    "What to do",
                    "When to call",
                ] {
                    assert!(text.contains(&format!("## {head}")), "{page} lacks {head}");
                }
                // Commands named in it are ones that may be given.
                for action in entry.actions {
                    let command = format!("crossdock exceptions {}", action.name());
                    assert!(text.contains(&command), "{page} lacks `{command}` for {}", entry.name);
                }
                pages.insert(format!("{page}.md"));
            }
            Playbook::None(why) => assert!(why.len() > 20, "{}: {why}", entry.name),
        }
    }
    assert!(pages.len() >= 10, "{pages:?}");
    let there = fs::read_dir(root.join("docs/playbooks")).unwrap();
    let there = there.map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
    assert_eq!(there.collect::<std::collections::BTreeSet<_>>(), pages);
    // docs/exceptions.md tells of each kind.
    let text = fs::read_to_string(root.join("docs/exceptions.md")).unwrap();
    for entry in Kind::all() {
        assert!(
            text.contains(&format!("| `{}` | {} |", entry.name, entry.severity.name())),
            "{}",
            entry.name
        );
    }
}

#[test]
fn an_interchange_with_very_many_sets_waits_for_a_person() {
    multi().block_on(async {
        let config = |sets: u32| CONFIG.replace("[limits]", &format!("[limits]\nsets = {sets}"));
        let one = order(1, "PO-1");
        let (head, rest) = one.split_once("ST*").unwrap();
        let (set, tail) = rest.split_once("GE*1").unwrap();
        let next = set.replace("0001~", "0002~").replace("PO-1", "PO-2");
        let two = format!("{head}ST*{set}ST*{next}GE*2{tail}");
        let mut house = House::with(&config(1), PROFILE);
        house.drop_inbound("two.edi", &two);
        let raised = house.raised().await;
        assert_eq!(raised.kind, Kind::InterchangeTooLarge);
        assert!(raised.words.contains("has 2 sets"), "{}", raised.words);
        assert_eq!(house.outcomes(), [Outcome::Quarantined]);
        let folder = house.close().await;

        let mut house = House::within(folder, &config(2), PROFILE);
        let id = raised.id.to_string();
        let (told, code) = house.command(&["exceptions", "replay", &id, "--who", "dana"]);
        assert_eq!(code, 0, "{told}");
        house.wait(Event::DocumentDelivered).await;
        house.wait(Event::DocumentDelivered).await;
        house.close().await;
    });
}

#[test]
fn the_things_of_an_exception_keep_their_numbers_and_nothing_is_written_over() {
    multi().block_on(async {
        let mut house = House::open();
        let stranger = |number: u32| order(number, "PO-1").replace("6125550100", "9999999999");
        for (name, number) in [("b.edi", 5201), ("a.edi", 5101), ("c.edi", 4001)] {
            house.drop_inbound(name, &stranger(number));
            house.wait(Event::InterchangeQuarantined).await;
        }
        let items = house.gateway.store().exception_items(1).unwrap();
        let labels: Vec<&str> = items.iter().map(|item| item.subject.label()).collect();
        assert!(labels[0].contains("5201") && labels[1].contains("5101"), "{labels:?}");
        let file = house.path("two.edi");
        let save = |more: &[&str]| {
            let save = ["exceptions", "show", "1", "--save", file.to_str().unwrap()];
            let output = std::process::Command::new(env!("CARGO_BIN_EXE_crossdock"))
                .env("CROSSDOCK_CONFIG", house.path("crossdock.toml"))
                .args([&save, more].concat())
                .output()
                .unwrap();
            String::from_utf8(output.stderr).unwrap()
        };
        assert!(save(&[]).contains("say of which one"));
        assert_eq!(save(&["--item", "2"]), "");
        assert!(fs::read_to_string(&file).unwrap().contains("000005101"));
        assert!(save(&["--item", "3"]).contains("is there already"));
        assert!(save(&["--item", "9"]).contains("it is about 3 things"));
        house.command(&[
            "exceptions",
            "dismiss",
            "1",
            "--item",
            "3",
            "--reason",
            "x",
            "--who",
            "us",
        ]);
        let (shown, _) = house.command(&["exceptions"]);
        assert!(shown.contains("2 of 3 open") && !shown.contains("4001"), "{shown}");
        let (only, _) = house.command(&["exceptions", "show", "1", "--item", "1"]);
        assert!(only.contains("5201") && !only.contains("5101"), "{only}");
        let typo = ["exceptions", "--partner", "harbour-and-pine"];
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_crossdock"))
            .env("CROSSDOCK_CONFIG", house.path("crossdock.toml"))
            .args(typo)
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("known are harbor-and-pine"), "{told}");
        house.close().await;
    });
}
