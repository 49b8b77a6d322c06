//! Stored traffic once more: through the profiles in force and through changed ones, and given to the gateway again.

use std::fs;
use std::path::Path;
use std::process::Command;

use crossdock::exceptions::{Action, Kind};
use crossdock::store::{DocumentState, Event};
use serde_json::Value;

use crate::cross_references::{ITEMS, NAMED};
use crate::exceptions::deed;
use crate::gateway::{INVOICE, acknowledgement};
use crate::house::{CONFIG, House, PROFILE, multi, order};

const ORDERS: &str = "warehouse/harbor-and-pine/orders";
const OUTBOUND: &str = "mailboxes/harbor-and-pine/outbound";
const OVERLAY: &str = "overlay harbor-and-pine on 850 004010 in\nsource \"Guide 3.2\"\n";

impl House {
    async fn deliver(&mut self, orders: std::ops::RangeInclusive<u32>) {
        for number in orders {
            self.drop_inbound(&format!("{number}.edi"), &order(number, &format!("PO{number}")));
            self.wait(Event::DocumentDelivered).await;
            self.wait(Event::InterchangeSent).await;
        }
    }

    async fn send(&mut self, number: &str) -> String {
        let invoice = INVOICE.replace("INV-1", number);
        self.drop_outbound("invoices", &format!("{number}.json"), &invoice);
        self.wait(Event::InterchangeSent).await.entry.note
    }

    fn replay(&self, more: &[&str]) -> (String, i32) {
        self.command(&[&["replay", "--since", "1d"], more].concat())
    }

    /// The last line of the output.
    fn summary(&self, more: &[&str]) -> String {
        self.replay(more).0.lines().last().unwrap_or_default().to_owned()
    }

    fn order(&self, number: &str) -> String {
        let names = self.names(ORDERS);
        let name = names.iter().find(|name| name.contains(number)).unwrap();
        fs::read_to_string(self.path(ORDERS).join(name)).unwrap()
    }

    async fn change(&mut self, place: &str, file: &str, text: &str) {
        self.put(&format!("partners/harbor-and-pine/{place}"), file, text);
        let event =
            if file.ends_with("overlay") { Event::ProfileLoosened } else { Event::ProfileChanged };
        self.wait(event).await;
    }
}

fn write(folder: &Path, place: &str, text: &str) {
    let path = folder.join(place);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn json(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn by_the_profiles_in_force_nothing_changes() {
    multi().block_on(async {
        let batch = "[documents.invoice]\nbatch = { sets = 2, every = \"1h\" }";
        let profile = PROFILE.replace("[documents.invoice]", batch);
        let mut house = House::with(CONFIG, &profile);
        house.deliver(1..=2).await;
        house.drop_inbound("again.edi", &order(1, "PO1"));
        house.wait(Event::InterchangeDuplicate).await;
        house.drop_outbound("invoices", "a.json", INVOICE);
        house.wait(Event::DocumentCollected).await;
        house.send("INV2").await;
        house.drop_inbound("997.edi", &acknowledgement(9, 1002, "A"));
        house.wait(Event::DocumentAcknowledged).await;
        let (told, code) = house.replay(&["--dry-run"]);
        let all = "0 of 5 documents change. 0 of 2 answers change. 1 interchange passed over.\n";
        assert_eq!((told.as_str(), code), (all, 0));
        let past = ["--dry-run", "--until", "1h"];
        assert_eq!(house.replay(&past), ("0 of 0 documents change.\n".to_owned(), 0));
        let (told, code) = house.replay(&["--dry-run", "--limit", "2", "--format", "json"]);
        assert_eq!((json(&told)[0]["documents"].as_u64(), code), (Some(2), 0));
        let config = house.path("crossdock.toml");
        for command in [&["replay", "--dry-run"][..], &["webhooks", "replay", "shop"]] {
            let output = Command::new(env!("CARGO_BIN_EXE_crossdock"))
                .env("CROSSDOCK_CONFIG", &config)
                .args(command)
                .args(["--since", "2026-11-08", "--until", "2026-11-01"])
                .output()
                .unwrap();
            let told = String::from_utf8(output.stderr).unwrap();
            let words = "--since 2026-11-08T00:00:00Z is later than --until 2026-11-01T00:00:00Z";
            assert!(told.contains(words) && output.status.code() == Some(2), "{told}");
        }
        // Without --dry-run there is nothing to do either.
        let (told, code) = house.replay(&["--who", "dana"]);
        assert!(told.ends_with("0 documents are given to the gateway again.\n"), "{told}");
        assert_eq!(code, 0);
        house.close().await;
    });
}

#[test]
fn a_changed_profile_is_told_document_by_document() {
    multi().block_on(async {
        let mut house = House::with_items(ITEMS);
        house.deliver(1..=2).await;
        house.send("INV1").await;
        let draft = house.path("draft");
        let profile = format!("{PROFILE}{NAMED}").replace("kind = \"997\"", "kind = \"999\"");
        write(&draft, "harbor-and-pine/partner.toml", &profile.replace("VICS", ""));
        write(&draft, "harbor-and-pine/crosswalks/items.csv", &ITEMS.replace("MUG,", "CUP,"));
        let require = format!("{OVERLAY}codes BEG03 PO1 as fatal\n");
        write(&draft, "harbor-and-pine/850.overlay", &require);
        let with = draft.to_str().unwrap();

        let (told, code) = house.replay(&["--dry-run", "--with-profile", with]);
        assert_eq!(code, 1, "{told}");
        insta::assert_snapshot!(without_times(&told).replace(with, "DRAFT"));
        // That of one partner is as good as all of them, under another name too.
        fs::rename(draft.join("harbor-and-pine"), draft.join("next")).unwrap();
        let one = draft.join("next");
        let one =
            ["--dry-run", "--with-profile", one.to_str().unwrap(), "--partner", "harbor-and-pine"];
        let under_its_name = |told: &str| told.replace("/next/", "/harbor-and-pine/");
        let (again, code) = house.replay(&one);
        assert_eq!((under_its_name(&again), code), (told, 1));
        let (told, _) = house.replay(&[&one[..], &["--format", "json"]].concat());
        let lines = json(&told);
        let second = lines.iter().find(|line| line["number"] == "PO2").unwrap();
        assert_eq!(second["newly_fails"], true, "{second:#}");
        let first = lines.iter().find(|line| line["number"] == "PO1").unwrap();
        assert_eq!(first["fields"][0]["after"], "CUP", "{first:#}");
        let summary = lines.last().unwrap();
        assert_eq!((&summary["documents"], &summary["changed"]), (&3.into(), &3.into()));

        // Nothing was numbered.
        house.drop_inbound("3.edi", &order(3, "PO3"));
        let sent = house.wait(Event::InterchangeSent).await;
        assert!(sent.entry.subject.ends_with("000001003.edi"), "{}", sent.entry.subject);
        house.close().await;
    });
}

fn without_times(text: &str) -> String {
    let year = jiff::Timestamp::now().to_string()[..5].to_owned();
    let moment = |word: &str| word.starts_with(&year) && word.contains('T');
    let line = |line: &str| {
        let words = line.split(' ').map(|word| if moment(word) { "TIME)" } else { word });
        words.collect::<Vec<_>>().join(" ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_profile_that_cannot_be_used_and_a_stranger_are_refused() {
    multi().block_on(async {
        let mut house = House::open();
        house.deliver(1..=1).await;
        let draft = house.path("draft");
        write(&draft, "harbor-and-pine/partner.toml", &PROFILE.replace("\"live\"", "\"lively\""));
        let config = house.path("crossdock.toml");
        let run = |arguments: &[&str]| {
            let output = Command::new(env!("CARGO_BIN_EXE_crossdock"))
                .env("CROSSDOCK_CONFIG", &config)
                .args([&["replay", "--since", "7d"], arguments].concat())
                .output()
                .unwrap();
            let told = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{told}");
            told
        };
        let with = ["--with-profile", draft.to_str().unwrap()];
        let told = run(&[&with[..], &["--dry-run"]].concat());
        assert!(told.contains("partner.toml:6") && told.contains("lively"), "{told}");
        assert!(run(&with).contains("--dry-run"), "profiles that are not in force rule nothing");
        let told = run(&["--dry-run", "--partner", "harbour"]);
        assert!(told.contains("there are harbor-and-pine"), "{told}");
        // Bytes that are lost are told, and the rest is replayed. A gateway still has the last of them in memory.
        let folder = house.close().await;
        fs::remove_dir_all(folder.path().join("data/payloads")).unwrap();
        let house = House::within(folder, CONFIG, PROFILE);
        let told = run(&["--dry-run"]);
        assert!(told.contains("payload") && told.contains("1 input could not be read"), "{told}");
        house.close().await;
    });
}

#[test]
fn what_has_left_the_store_is_not_handed_over_again() {
    multi().block_on(async {
        let mut house = House::open();
        house.deliver(1..=1).await;
        // Two that say different things under one number: the second is for a person, and the file stays for that.
        let two = order(2, "PO2");
        let begin = two.find("ST*").unwrap();
        let end = two.find("GE*").unwrap();
        let other = two[begin..end].replace("0001", "0002").replace("PO1*1*", "PO1*1*7");
        let both = format!("{}{other}{}", &two[..end], two[end..].replace("GE*1*", "GE*2*"));
        house.drop_inbound("two.edi", &both);
        house.wait(Event::ExceptionRaised).await;
        house.wait(Event::InterchangeSent).await;
        house.deliver(3..=3).await;
        let folder = house.close().await;
        let retire = || {
            let output = Command::new(env!("CARGO_BIN_EXE_crossdock"))
                .env("CROSSDOCK_CONFIG", folder.path().join("crossdock.toml"))
                .args(["store", "retire", "--days", "0"])
                .output()
                .unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        // The file that came last stays without its document: the next one is numbered by it.
        assert!(retire().starts_with("Retired: 2 documents, 1 files"), "{}", retire());
        let mut house = House::within(folder, CONFIG, PROFILE);
        let (told, code) = house.replay(&["--who", "dana"]);
        assert!(code == 0 && told.starts_with("0 of "), "{told}");

        // What comes under its number is compared with what it said, and held where that is not known.
        house.drop_inbound("again.edi", &order(8, "PO1"));
        house.wait(Event::DocumentDuplicate).await;
        let changed = order(9, "PO1").replace("PO1*1*", "PO1*1*9");
        house.drop_inbound("other.edi", &changed);
        let raised = house.wait(Event::ExceptionRaised).await;
        assert!(raised.entry.note.contains("with other contents"), "{}", raised.entry.note);
        let folder = house.close().await;
        for place in ["payloads", "archive"] {
            let _ = fs::remove_dir_all(folder.path().join("data").join(place));
        }
        let mut house = House::within(folder, CONFIG, PROFILE);
        house.drop_inbound("once-more.edi", &order(10, "PO1"));
        let reused = |record: &crossdock::store::JournalRecord| {
            record.entry.note.contains("whether this says the same cannot be told")
        };
        house.wait_for(Event::DocumentQuarantined, reused).await;
        assert_eq!(house.names(ORDERS).len(), 3);
        house.close().await;
    });
}

#[test]
fn what_was_refused_and_passes_now_is_delivered_once_and_answered_once() {
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let strict = format!("{OVERLAY}codes BEG03 PO1 as fatal\n");
        write(folder.path(), "partners/harbor-and-pine/850.overlay", &strict);
        write(folder.path(), "partners/harbor-and-pine/crosswalks/items.csv", "sku,vendor\nA,B\n");
        let mut house = House::within(folder, CONFIG, &format!("{PROFILE}{NAMED}"));
        // One is held, since its items are not known, the other rejected, and so it is told to the partner.
        house.drop_inbound("1.edi", &order(1, "PO1"));
        house.wait(Event::InterchangeQuarantined).await;
        house.drop_inbound("2.edi", &order(2, "PO2"));
        house.wait(Event::InterchangeRejected).await;
        house.wait(Event::InterchangeSent).await;
        house.wait(Event::InterchangeSent).await;
        let (told, code) = house.replay(&["--dry-run"]);
        assert_eq!(code, 0, "as before: {told}");

        house.change("crosswalks", "items.csv", ITEMS).await;
        house.change("", "850.overlay", OVERLAY).await;
        house.until(|house| house.summary(&["--dry-run"]).starts_with("2 of 2")).await;
        let (told, code) = house.replay(&["--dry-run"]);
        assert!(told.contains("2 newly pass") && code == 1, "{told}");
        let (told, code) = house.replay(&["--who", "dana"]);
        assert!(told.ends_with("2 documents are given to the gateway again.\n"), "{told}");
        assert_eq!(code, 0);
        house.wait(Event::DocumentDelivered).await;
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.names(ORDERS).len(), 2);
        assert_eq!(house.names(OUTBOUND).len(), 2, "each was answered when it came");
        assert!(house.gateway.store().open_exceptions(0, 9).unwrap().is_empty());
        // They have had their effect, by the replay and by what they repeat.
        let (told, _) = house.replay(&["--who", "dana"]);
        assert!(told.ends_with("0 documents are given to the gateway again.\n"), "{told}");
        house.drop_inbound("2b.edi", &order(2, "PO2"));
        house.wait(Event::InterchangeDuplicate).await;
        house.close().await;
    });
}

#[test]
fn what_the_endpoint_has_is_handed_over_again_where_it_differs_under_its_key() {
    multi().block_on(async {
        let mut house = House::with_items(ITEMS);
        house.deliver(1..=2).await;
        let only_one = order(3, "PO3").replace("NP-MUG-PINE", "NP-TOTE-NAT");
        house.drop_inbound("3.edi", &only_one);
        house.wait(Event::DocumentDelivered).await;
        let (keys, third) = (house.names(ORDERS), house.order("PO3"));
        house.change("crosswalks", "items.csv", &ITEMS.replace("MUG,", "CUP,")).await;
        house.until(|house| house.summary(&["--dry-run"]).starts_with("2 of 3")).await;

        let (told, _) = house.replay(&["--who", "dana"]);
        assert!(told.ends_with("2 documents are given to the gateway again.\n"), "{told}");
        house.wait(Event::DocumentDelivered).await;
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.names(ORDERS), keys, "the same keys");
        assert!(house.order("PO1").contains("\"CUP\"") && house.order("PO2").contains("\"CUP\""));
        assert_eq!(house.order("PO3"), third);
        assert_eq!(house.names(OUTBOUND).len(), 3, "nobody was answered twice");
        assert_eq!(house.replay(&["--dry-run"]).1, 0, "all is as it would be");

        // An endpoint that has lost what it had gets all of it.
        fs::remove_dir_all(house.path(ORDERS)).unwrap();
        let (told, _) = house.replay(&["--who", "dana", "--unchanged"]);
        assert!(told.ends_with("3 documents are given to the gateway again.\n"), "{told}");
        for _ in 0..3 {
            house.wait(Event::DocumentDelivered).await;
        }
        assert_eq!(house.names(ORDERS), keys);
        house.close().await;
    });
}

#[test]
fn of_what_went_only_what_was_held_or_rejected_goes_again() {
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let strict = "overlay harbor-and-pine on 810 004010\nsource \"Guide\"\nforbid REF[ZZ]\ncodes BIG02 INV1 INV2\n";
        write(folder.path(), "partners/harbor-and-pine/810.overlay", strict);
        let mut house = House::within(folder, CONFIG, PROFILE);
        let (sent, rejected) = (house.send("INV1").await, house.send("INV2").await);
        house.drop_inbound("r.edi", &acknowledgement(9, 1001, "R"));
        house.wait(Event::DocumentAcknowledged).await;
        house.drop_outbound("invoices", "3.json", &INVOICE.replace("INV-1", "INV3"));
        let held = house.wait(Event::DocumentQuarantined).await.entry.subject;
        assert_eq!(house.replay(&["--dry-run"]).1, 0);

        house.change("", "810.overlay", "overlay harbor-and-pine on 810 004010\n").await;
        house.change("", "partner.toml", &PROFILE.replace("\"lf\"", "\"none\"").replace("VICS", "")).await;
        house.until(|house| house.summary(&["--dry-run"]).starts_with("3 of 4")).await;
        let (told, _) = house.replay(&["--who", "dana"]);
        assert!(told.ends_with("2 documents are given to the gateway again.\n"), "{told}");
        let notes = [
            house.wait(Event::InterchangeSent).await.entry.note,
            house.wait(Event::InterchangeSent).await.entry.note,
        ];
        assert!(notes.contains(&rejected) && notes.contains(&held), "{notes:?}");
        assert!(!notes.contains(&sent));
        let names = house.names(OUTBOUND);
        assert_eq!(names.len(), 4, "{names:?}");
        house.close().await;
    });
}

#[test]
fn what_a_person_has_edited_stays_and_a_gateway_that_stands_still_does_it_later() {
    multi().block_on(async {
        let mut house = House::with_items(ITEMS);
        house.deliver(1..=2).await;
        let store = house.gateway.store();
        let documents = store.documents(None, 9).unwrap();
        let edited = documents.iter().find(|d| d.number == "PO1").unwrap().clone();
        let edited = crossdock::store::Document { edited: true, ..edited };
        let change = crossdock::store::Change::Document(edited);
        store.commit(crossdock::store::Transaction::new().with(change)).unwrap();
        let folder = house.close().await;
        let items = ITEMS.replace("MUG,", "CUP,");
        write(folder.path(), "partners/harbor-and-pine/crosswalks/items.csv", &items);
        let output = Command::new(env!("CARGO_BIN_EXE_crossdock"))
            .env("CROSSDOCK_CONFIG", folder.path().join("crossdock.toml"))
            .args(["replay", "--since", "7d", "--who", "dana", "--format", "json"])
            .output()
            .unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let summary = json(&told).pop().unwrap();
        let counted = (&summary["changed"], &summary["resubmitted"]);
        assert_eq!(counted, (&2.into(), &1.into()), "{told}");
        let mut house = House::within(folder, CONFIG, &format!("{PROFILE}{NAMED}"));
        house.wait(Event::DocumentDelivered).await;
        assert!(house.order("PO2").contains("\"CUP\"") && !house.order("PO1").contains("\"CUP\""));
        let states = house.gateway.store().documents(None, 9).unwrap();
        assert!(states.iter().all(|document| document.state == DocumentState::Delivered));
        house.close().await;
    });
}

#[test]
fn what_a_person_accepted_stands_until_more_is_found() {
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let place = "partners/harbor-and-pine";
        let list = ITEMS.replace("MUG,NP-MUG-PINE\n", "");
        write(folder.path(), &format!("{place}/crosswalks/items.csv"), &list);
        let mut house = House::within(folder, CONFIG, &format!("{PROFILE}{NAMED}"));
        let accept = deed(Action::Accept);
        let bad = order(1, "PO1").replace("PO1*1*24*EA", "PO1*1*ten*EA");
        // One is rejected, one is held, and of ours one is not sent.
        house.drop_inbound("1.edi", &bad);
        let id = house.raised().await.id;
        house.does(id, &accept).unwrap();
        house.wait(Event::DocumentDelivered).await;
        house.drop_inbound("2.edi", &order(2, "PO2"));
        let id = house.raised().await.id;
        house.does(id, &accept).unwrap();
        house.wait(Event::DocumentDelivered).await;
        let ours = INVOICE.replace("vendor", "sku");
        house.drop_outbound("invoices", "a.json", &ours);
        let id = house.raised().await.id;
        house.does(id, &accept).unwrap();
        house.wait_for(Event::InterchangeSent, |r| r.entry.note.contains("invoice")).await;
        // Another one is rejected as a whole: it is cut off.
        let cut_off = order(4, "PO4");
        house.drop_inbound("4.edi", &cut_off[..cut_off.find("CTT*").unwrap()]);
        let raised = house.raised().await;
        assert_eq!(raised.kind, Kind::InterchangeRejected);
        house.does(raised.id, &accept).unwrap();
        house.wait(Event::DocumentDelivered).await;
        let (told, code) = house.replay(&["--dry-run"]);
        let all = "0 of 4 documents change; 4 stand as accepted by a person.";
        assert!(told.starts_with(all) && code == 0, "{told}");
        let (told, _) = house.replay(&["--who", "dana", "--unchanged"]);
        assert!(told.ends_with("0 documents are given to the gateway again.\n"), "{told}");

        // Now two have one fault more, which is told alone; the others stand.
        let stricter = format!("{OVERLAY}codes BEG03 PO2 as fatal\n");
        house.put("partners/harbor-and-pine", "850.overlay", &stricter);
        house.until(|house| house.summary(&["--dry-run"]).starts_with("2 of 4")).await;
        let (told, code) = house.replay(&["--dry-run"]);
        assert_eq!(code, 1);
        assert!(told.contains("2 newly fail; 2 stand as accepted by a person"), "{told}");
        assert!(told.contains("was: accepted by a person (exception 1)"), "{told}");
        assert!(told.contains("BEG03") && !told.contains("ten"), "{told}");
        house.close().await;
    });
}

#[test]
fn a_number_that_another_document_has_got_since_is_not_taken() {
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let items = "partners/harbor-and-pine/crosswalks/items.csv";
        write(folder.path(), items, &ITEMS.replace("MUG,NP-MUG-PINE\n", ""));
        let profile = format!("{PROFILE}{NAMED}");
        let mut house = House::within(folder, CONFIG, &profile);
        for number in [1, 3] {
            house.drop_inbound(&format!("{number}.edi"), &order(number, &format!("PO{number}")));
            house.wait(Event::InterchangeQuarantined).await;
        }
        // The partner sends PO1 anew, without what is not known here.
        let anew = order(2, "PO1").replace("NP-MUG-PINE", "NP-TOTE-NAT");
        house.drop_inbound("anew.edi", &anew);
        house.wait(Event::DocumentDelivered).await;
        let (key, text) = (house.names(ORDERS), house.order("PO1"));
        let draft = house.path("draft");
        write(&draft, "harbor-and-pine/partner.toml", &profile);
        write(&draft, "harbor-and-pine/crosswalks/items.csv", ITEMS);
        let with = ["--dry-run", "--with-profile", draft.to_str().unwrap()];
        let (told, _) = house.replay(&with);
        let taken = format!(
            "now: set aside: order PO1 was received before: {}",
            key[0].trim_end_matches(".json")
        );
        assert!(told.contains(&taken) && told.contains("1 newly passes"), "{told}");

        house.change("crosswalks", "items.csv", ITEMS).await;
        let (told, _) = house.replay(&["--who", "dana"]);
        assert!(told.ends_with("1 document is given to the gateway again.\n"), "{told}");
        house.wait(Event::DocumentDelivered).await;
        let names = house.names(ORDERS);
        assert!(names.len() == 2 && names.contains(&key[0]), "{names:?}");
        assert_eq!(house.order("PO1"), text);
        house.close().await;
    });
}
