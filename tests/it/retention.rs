//! What is over long ago leaves the store, and nothing else; nothing of it is lost.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crossdock::store::{
    As2Direction, As2Key, As2Message, As2State, Change, Document, DocumentState, EmbeddedStore,
    Event, Facts, InterchangeId, InterchangeKey, InterchangeRecord, JournalEntry, JournalRecord,
    NewWork, Outcome, PayloadId, Payloads, PurchaseOrderKey, Records as _, Seen, Series,
    Store as _, Task, Transaction, check,
};
use jiff::{SignedDuration, Timestamp};

use crate::house::{CONFIG, House, PROFILE, multi, order};
use crate::store::large;
use crate::trace::SHIPMENT;

fn document(store: &EmbeddedStore, id: &str, bytes: &[u8], at: Timestamp) -> Change {
    Change::Document(Document {
        id: id.to_owned(),
        partner: "harbor".to_owned(),
        kind: "order".to_owned(),
        number: id.to_owned(),
        state: DocumentState::Delivered,
        payload: store.put_payload(bytes).unwrap(),
        interchange: None,
        rendered: None,
        edited: false,
        at,
    })
}

/// Dates all files below a folder back by a year.
fn date_back(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            date_back(&path);
        } else {
            let file = File::options().append(true).open(&path).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_hours(24 * 365)).unwrap();
        }
    }
}

fn packs(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn payloads_that_nothing_names_go_to_the_archive_and_are_read_there() {
    let folder = tempfile::tempdir().unwrap();
    let (year_ago, now) = ("2025-11-21T10:00:00Z".parse().unwrap(), Timestamp::now());
    let (small, big, kept) = (b"an old order".as_slice(), large(1), large(2));
    // Each process begins a pack of its own.
    let old = EmbeddedStore::open(folder.path()).unwrap();
    let both = [document(&old, "small", small, year_ago), document(&old, "big", &big, year_ago)];
    old.commit(both.into_iter().fold(Transaction::new(), Transaction::with)).unwrap();
    drop(old);
    let young = EmbeddedStore::open(folder.path()).unwrap();
    let kept = document(&young, "kept", &kept, now);
    let pinned = document(&young, "young", b"a young order", now);
    young.commit(Transaction::new().with(kept).with(pinned)).unwrap();
    date_back(&folder.path().join("payloads"));

    let limit = "2026-01-01T00:00:00Z".parse().unwrap();
    let first = young.retire(limit, &|_| None, &|| false).unwrap();
    assert_eq!((first.documents, first.files), (2, 1), "a pack waits for the pass after this one");
    let second = young.retire(limit, &|_| None, &|| false).unwrap();
    assert_eq!((second.documents, second.files), (0, 1));
    let ids: Vec<String> =
        young.documents(None, 10).unwrap().into_iter().map(|one| one.id).collect();
    assert_eq!(ids, ["kept", "young"]);
    let (of_small, of_big) =
        (crossdock::store::PayloadId::of(small), crossdock::store::PayloadId::of(&big));
    assert_eq!(packs(&folder.path().join("archive/packs")), ["00000001.pack"]);
    assert_eq!(packs(&folder.path().join("payloads/packs")), ["00000001.retired", "00000002.pack"]);
    assert_eq!(young.payload(of_small).unwrap(), small);
    assert_eq!(young.payload(of_big).unwrap(), big);
    drop(young);

    let found = check(folder.path(), &mut |_, _| {}).unwrap();
    assert_eq!((found.wrong, found.away), (0, 0), "{:?}", found.faults);
    let (archive, away) = (folder.path().join("archive"), folder.path().join("elsewhere"));
    fs::rename(&archive, &away).unwrap();
    let found = check(folder.path(), &mut |_, _| {}).unwrap();
    assert_eq!((found.wrong, found.away), (0, 2), "{:?}", found.faults);
    assert!(Payloads::look(folder.path()).unwrap().get(of_small).is_err());

    // The same bytes once more are kept once more, under a number that no pack had.
    let again = EmbeddedStore::open(folder.path()).unwrap();
    assert_eq!(again.put_payload(small).unwrap(), of_small);
    assert_eq!(again.put_payload(&big).unwrap(), of_big);
    again.commit(Transaction::new()).unwrap();
    assert_eq!(again.payload(of_small).unwrap(), small);
    assert_eq!(again.payload(of_big).unwrap(), big);
    drop(again);
    EmbeddedStore::rebuild(folder.path(), &mut |_, _| {}).unwrap();
    let found = check(folder.path(), &mut |_, _| {}).unwrap();
    assert_eq!((found.wrong, found.away, found.records), (0, 0, found.records));
}

#[test]
fn a_payload_that_is_put_again_before_its_pack_goes_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let year_ago = "2025-11-21T10:00:00Z".parse().unwrap();
    let old = EmbeddedStore::open(folder.path()).unwrap();
    old.commit(Transaction::new().with(document(&old, "old", b"bytes", year_ago))).unwrap();
    drop(old);
    let store = EmbeddedStore::open(folder.path()).unwrap();
    store.put_payload(b"others").unwrap();
    date_back(&folder.path().join("payloads"));
    let limit = "2026-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(store.retire(limit, &|_| None, &|| false).unwrap().files, 0);
    let again = store.put_payload(b"bytes").unwrap();
    assert_eq!(store.retire(limit, &|_| None, &|| false).unwrap().files, 1);
    fs::remove_dir_all(folder.path().join("archive")).unwrap();
    assert_eq!(store.payload(again).unwrap(), b"bytes");
}

fn seen(partner: &str, number: &str, receipt: u64, at: Timestamp) -> Change {
    let id = InterchangeId { receipt, index: 0 };
    let seen = Seen { id, payload: PayloadId::of(b""), at: Some(at), partner: partner.to_owned() };
    Change::FirstSeen(interchange(number), seen, None)
}

fn interchange(number: &str) -> InterchangeKey {
    let (sender, receiver) = ("ZZ:THEM".to_owned(), "ZZ:US".to_owned());
    InterchangeKey { sender, receiver, number: number.to_owned(), test: false }
}

fn group(number: &str) -> PurchaseOrderKey {
    let (partner, kind) = ("harbor".to_owned(), "group PO".to_owned());
    PurchaseOrderKey { partner, kind, number: number.to_owned() }
}

fn series(partner: &str) -> Series {
    Series { partner: partner.to_owned(), level: "group".to_owned() }
}

fn used(partner: &str, number: u64, at: Timestamp) -> Change {
    Change::Number { series: series(partner), number, at, forgotten_before: None }
}

fn message(number: &str, direction: As2Direction, state: As2State, at: Timestamp) -> As2Message {
    let key = As2Key {
        direction,
        theirs: "THEM".to_owned(),
        ours: "US".to_owned(),
        message_id: number.to_owned(),
    };
    As2Message {
        key,
        partner: "harbor".to_owned(),
        at,
        state,
        content: PayloadId::of(number.as_bytes()),
        with: Vec::new(),
        digests: Vec::new(),
        wire: None,
        mics: Vec::new(),
        receipt: None,
        receipt_at: None,
        receipt_signed: false,
        signer: None,
        features: String::new(),
        resent: 0,
        words: String::new(),
    }
}

fn an_order() -> PurchaseOrderKey {
    PurchaseOrderKey { kind: "order".to_owned(), ..group("PO-1") }
}

/// What begins with a moment, too, and is no number.
fn a_certificate() -> PurchaseOrderKey {
    PurchaseOrderKey { kind: "certificate".to_owned(), ..group("ours") }
}

/// A store that holds numbers of each kind, old ones and younger ones.
fn store_of_numbers(folder: &Path, [old, between, young]: [Timestamp; 3]) -> EmbeddedStore {
    let store = EmbeddedStore::open(folder).unwrap();
    let noted = |number: &str, at: Timestamp| Change::Noted(group(number), format!("{at} there"));
    let record = InterchangeRecord {
        key: Some(interchange("5")),
        partner: "harbor".to_owned(),
        payload: PayloadId::of(b""),
        outcome: Outcome::Accepted,
        at: old,
        test: false,
        documents: 1,
        answer: None,
        note: String::new(),
    };
    let as2 = |number: &str, direction, state, at| {
        Change::As2New(Box::new(message(number, direction, state, at)))
    };
    let (received, sent) = (As2Direction::Received, As2Direction::Sent);
    let changes = [
        seen("harbor", "1", 1, old),
        seen("harbor", "2", 2, between),
        seen("harbor", "3", 3, young),
        seen("other", "4", 4, old),
        seen("harbor", "5", 5, old),
        Change::Outcome(InterchangeId { receipt: 50, index: 0 }, record),
        seen("", "6", 6, old),
        noted("1", old),
        noted("2", between),
        Change::PurchaseOrder(an_order(), "an-order".to_owned()),
        Change::Noted(a_certificate(), format!("{old} 0")),
        used("harbor", 7, old),
        used("harbor", 8, between),
        used("harbor", 9, old),
        used("other", 7, old),
        used("other", 8, old),
        as2("1", received, As2State::Taken, old),
        as2("2", sent, As2State::Processed, old),
        as2("3", sent, As2State::Awaited, old),
        as2("4", received, As2State::Taken, between),
        as2("5", sent, As2State::Refused, old),
    ];
    for bytes in ["", "1", "2", "3", "4", "5"] {
        store.put_payload(bytes.as_bytes()).unwrap();
    }
    store.commit(changes.into_iter().fold(Transaction::new(), Transaction::with)).unwrap();
    // Somebody still waits for the receipt of a message that was refused.
    let task = Task::AwaitReceipt {
        message: message("5", sent, As2State::Refused, old).key,
        name: "n".to_owned(),
        documents: Vec::new(),
        batch: None,
        with: Vec::new(),
    };
    let (lane, order) = ("receipts".to_owned(), String::new());
    let work = NewWork { lane, order, task, due: young };
    store.commit(Transaction::new().with(Change::Queue(work))).unwrap();
    store
}

#[test]
fn numbers_leave_once_they_do_not_count_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let times = ["2025-11-21T10:00:00Z", "2026-02-01T10:00:00Z", "2026-11-01T10:00:00Z"];
    let times: [Timestamp; 3] = times.map(|at| at.parse().unwrap());
    let [old, _, young] = times;
    let store = store_of_numbers(folder.path(), times);
    let (received, sent) = (As2Direction::Received, As2Direction::Sent);

    // What harbor agreed on is shorter than what is kept here, then longer.
    let retire = |before: &str, of_harbor: &str| {
        let of_harbor = of_harbor.parse().unwrap();
        let numbers = move |partner: &str| (partner == "harbor").then_some(of_harbor);
        store.retire(before.parse().unwrap(), &numbers, &|| false).unwrap()
    };
    assert_eq!(store.retire(young, &|_| None, &|| false).unwrap().numbers, 0);
    assert_eq!(retire("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z").numbers, 5);
    let is_seen = |number: &str| store.seen(&interchange(number)).unwrap().is_some();
    assert_eq!(["1", "2", "3", "4", "5", "6"].map(is_seen), [false, true, true, true, true, true]);
    let is_noted = |number: &str| store.purchase_order(&group(number)).unwrap().is_some();
    assert_eq!(["1", "2"].map(is_noted), [false, true]);
    let is_used = |partner: &str, n: u64| store.is_used(&series(partner), n).unwrap();
    assert_eq!([7, 8, 9].map(|n| is_used("harbor", n)), [false, true, true], "9 was the last");
    assert_eq!([7, 8].map(|n| is_used("other", n)), [true, true]);
    let is_there = |(number, direction)| {
        let key = message(number, direction, As2State::Made, old).key;
        let there = store.as2_message(&key).unwrap().is_some();
        let found = store.as2_sent(PayloadId::of(number.as_bytes())).unwrap();
        assert_eq!(found.len(), usize::from(there && direction == sent));
        there
    };
    let messages = [("1", received), ("2", sent), ("3", sent), ("4", received), ("5", sent)];
    assert_eq!(messages.map(is_there), [false, false, true, true, true]);
    assert_eq!(store.purchase_order(&an_order()).unwrap().as_deref(), Some("an-order"), "for ever");
    assert!(store.purchase_order(&a_certificate()).unwrap().is_some());

    // The other way round. Once more finds nothing.
    assert_eq!(retire("2026-06-01T00:00:00Z", "2026-01-01T00:00:00Z").numbers, 0);
    assert_eq!(retire("2026-06-01T00:00:00Z", "2026-06-01T00:00:00Z").numbers, 4);
    assert_eq!(
        ["2", "3", "5"].map(is_seen),
        [false, true, true],
        "5 has a record, of when it came again"
    );
    let next = |partner: &str| store.reserve_numbers(&series(partner), (1..=99).into(), 1).unwrap();
    assert_eq!((next("harbor"), next("other")), (vec![10], vec![9]));
    drop(store);
    // They begin behind it after a start, too, and a database from the log is the same.
    for _ in 0..2 {
        let store = EmbeddedStore::open(folder.path()).unwrap();
        let next = store.reserve_numbers(&series("harbor"), (1..=99).into(), 1).unwrap();
        assert_eq!(next, [10]);
        assert_eq!(store.seen(&interchange("2")).unwrap(), None);
        drop(store);
        let found = check(folder.path(), &mut |_, _| {}).unwrap();
        assert_eq!(found.wrong, 0, "{:?}", found.faults);
        EmbeddedStore::rebuild(folder.path(), &mut |_, _| {}).unwrap();
    }
}

#[test]
fn what_is_over_leaves_and_what_waits_stays() {
    multi().block_on(async {
        let mut house = House::open();
        house.drop_inbound("one.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        // A set without BEG is rejected, and stays for a person.
        let broken = order(2, "PO-2").replace("BEG*", "BGE*");
        house.drop_inbound("two.edi", &broken);
        house.wait(Event::ExceptionRaised).await;
        // A ship notice waits for its acknowledgement.
        house.drop_outbound("shipments", "s.json", SHIPMENT);
        let of_shipment = |record: &JournalRecord| record.entry.subject.contains("shipment");
        house.wait_for(Event::InterchangeSent, of_shipment).await;
        let folder = house.close().await;

        let path = folder.path().join("crossdock.toml");
        let run = |arguments: &[&str]| program(&path, arguments);
        let (told, code) = run(&["store", "retire", "--days", "0"]);
        assert_eq!(code, 0, "{told}");
        assert!(told.starts_with("Retired: 1 documents, 1 files received, 0 ack"), "{told}");
        assert_eq!(run(&["store", "check"]).1, 0);

        let mut house = House::within(folder, CONFIG, PROFILE);
        let store = house.gateway.store();
        let kinds: Vec<String> =
            store.documents(None, 10).unwrap().into_iter().map(|one| one.kind).collect();
        assert_eq!(kinds, ["shipment"]);
        assert_eq!(store.interchanges(None, 10).unwrap().len(), 1, "that of the exception");
        // What was retired is known all the same.
        house.drop_inbound("again.edi", &order(1, "PO-1"));
        house.wait(Event::InterchangeDuplicate).await;
        house.drop_inbound("other.edi", &order(3, "PO-1"));
        house.wait(Event::DocumentDuplicate).await;
        let folder = house.close().await;
        let run = |arguments: &[&str]| program(&folder.path().join("crossdock.toml"), arguments);
        let bundle = folder.path().join("bundle");
        let (told, code) =
            run(&["audit", "export", "--po", "PO-1", "--to", bundle.to_str().unwrap()]);
        assert_eq!(code, 0, "{told}");
        let contents = fs::read_to_string(bundle.join("contents.txt")).unwrap();
        assert!(contents.contains("file one.edi, received"), "{contents}");
        assert_eq!(run(&["store", "rebuild"]).1, 0);
        assert_eq!(run(&["store", "check"]).1, 0);
    });
}

fn program(config: &PathBuf, arguments: &[&str]) -> (String, i32) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .env("NO_COLOR", "1")
        .env("CROSSDOCK_CONFIG", config)
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (text + &String::from_utf8_lossy(&output.stderr), output.status.code().unwrap())
}

#[test]
fn a_gateway_retires_by_itself_where_it_is_told_to() {
    let config = format!("{CONFIG}\n[retention]\ndays = 59\n");
    let folder = tempfile::tempdir().unwrap();
    let problems = crossdock::gateway::Config::parse("c.toml", &config, folder.path());
    let told: Vec<String> = problems.unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("c.toml:15") && told[0].contains("at least 60"), "{told:?}");

    let store = EmbeddedStore::open(&folder.path().join("data")).unwrap();
    let year_ago = "2025-11-21T10:00:00Z".parse().unwrap();
    let ours = |store: &EmbeddedStore, numbers: [u64; 2]| {
        let changes = numbers.map(|number| used("harbor-and-pine", number, year_ago));
        store.commit(changes.into_iter().fold(Transaction::new(), Transaction::with)).unwrap();
    };
    store.commit(Transaction::new().with(document(&store, "old", b"bytes", year_ago))).unwrap();
    ours(&store, [1, 2]);
    drop(store);
    multi().block_on(async {
        let config = config.replace("59", "60");
        let profile = PROFILE.replace("[duplicates]", "[duplicates]\ndays = 400");
        let mut house = House::within(folder, &config, &profile);
        house.wait(Event::HistoryRetired).await;
        assert_eq!(house.gateway.store().documents(None, 10).unwrap(), []);
        let folder = house.close().await;
        let data = folder.path().join("data");
        let is_used = |number| {
            EmbeddedStore::open(&data).unwrap().is_used(&series("harbor-and-pine"), number).unwrap()
        };
        assert!(is_used(1), "a year is less than the 400 days that it counts");
        let profile = profile.replace("days = 400", "days = 90");
        let mut house = House::within(folder, &config, &profile);
        house.wait(Event::HistoryRetired).await;
        let folder = house.close().await;
        let data = folder.path().join("data");
        let is_used = |number| {
            EmbeddedStore::open(&data).unwrap().is_used(&series("harbor-and-pine"), number).unwrap()
        };
        assert_eq!([1, 2].map(is_used), [false, true], "the last stays");
        // By hand, too.
        ours(&EmbeddedStore::open(&data).unwrap(), [3, 4]);
        let path = folder.path().join("crossdock.toml");
        let (told, code) = program(&path, &["store", "retire"]);
        assert!(code == 0 && told.contains(" 2 numbers;"), "{told}");
        assert_eq!([2, 3, 4].map(is_used), [false, false, true]);
    });
}

#[test]
fn a_clock_far_ahead_of_what_was_noted_last_retires_nothing_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let year_ago = "2025-11-21T10:00:00Z".parse().unwrap();
    let store = EmbeddedStore::open(&data).unwrap();
    let mut noted = Transaction::new().with(document(&store, "old", b"bytes", year_ago));
    noted.journal(JournalEntry {
        at: Timestamp::now() - SignedDuration::from_hours(30 * 24),
        event: Event::DocumentDelivered,
        partner: String::new(),
        subject: "old".to_owned(),
        payload: None,
        facts: Facts::default(),
        note: String::new(),
    });
    store.commit(noted).unwrap();
    drop(store);
    multi().block_on(async {
        let config = format!("{CONFIG}\n[retention]\ndays = 60\n");
        let mut house = House::within(folder, &config, PROFILE);
        house.drop_inbound("one.edi", &order(1, "PO-1"));
        let one = |record: &JournalRecord| record.entry.subject.contains("PO-1");
        house.wait_for(Event::DocumentDelivered, one).await;
        let folder = house.close().await;
        let store = EmbeddedStore::open(&folder.path().join("data")).unwrap();
        assert!(store.document("old").unwrap().is_some());
        drop(store);
        // The clock stands there still.
        let mut house = House::within(folder, &config, PROFILE);
        house.wait(Event::HistoryRetired).await;
        assert!(house.gateway.store().document("old").unwrap().is_none());
        house.close().await;
    });
}

#[test]
fn what_is_retired_by_hand_is_signed_with_the_key_that_is_configured() {
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let config = format!("{CONFIG}\n[audit]\nkey = \"file:elsewhere.key\"\n");
        // A key as a store makes it for itself.
        let other = tempfile::tempdir().unwrap();
        drop(EmbeddedStore::open(other.path()).unwrap());
        fs::copy(other.path().join("audit.key"), folder.path().join("elsewhere.key")).unwrap();
        let mut house = House::within(folder, &config, PROFILE);
        house.drop_inbound("one.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        let folder = house.close().await;
        let path = folder.path().join("crossdock.toml");
        let (told, code) = program(&path, &["store", "retire", "--days", "0"]);
        assert!(code == 0 && told.starts_with("Retired: 1 documents"), "{told}");
        assert!(!folder.path().join("data/audit.key").exists());
        assert_eq!(program(&path, &["audit", "verify"]).1, 0);
        let nowhere = fs::read_to_string(&path).unwrap().replace("\"data\"", "\"nowhere\"");
        fs::write(&path, nowhere).unwrap();
        let (told, code) = program(&path, &["store", "retire", "--days", "0"]);
        assert!(code == 2 && told.contains("there is nothing yet"), "{told}");
        assert!(!folder.path().join("nowhere").exists());
    });
}
