//! What is over long ago leaves the store, and nothing else; nothing of it is lost.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crossdock::store::{
    Change, Document, DocumentState, EmbeddedStore, Event, JournalRecord, Payloads, Records as _,
    Store as _, Transaction, check,
};
use jiff::Timestamp;

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
    let first = young.retire(limit, &|| false).unwrap();
    assert_eq!((first.documents, first.files), (2, 1), "a pack waits for the pass after this one");
    let second = young.retire(limit, &|| false).unwrap();
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
    assert_eq!(store.retire(limit, &|| false).unwrap().files, 0);
    let again = store.put_payload(b"bytes").unwrap();
    assert_eq!(store.retire(limit, &|| false).unwrap().files, 1);
    fs::remove_dir_all(folder.path().join("archive")).unwrap();
    assert_eq!(store.payload(again).unwrap(), b"bytes");
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
    store.commit(Transaction::new().with(document(&store, "old", b"bytes", year_ago))).unwrap();
    drop(store);
    multi().block_on(async {
        let config = config.replace("59", "60");
        let mut house = House::within(folder, &config, PROFILE);
        house.wait(Event::HistoryRetired).await;
        assert_eq!(house.gateway.store().documents(None, 10).unwrap(), []);
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
