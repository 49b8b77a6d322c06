//! The database is compacted while it is in use: everything stays as it is, and its file becomes small.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crossdock::store::{
    Change, Document, DocumentState, EmbeddedStore, Event, PayloadId, Records, Retirable, Store,
    Transaction, check,
};
use jiff::Timestamp;

use super::kill::Dice;

/// Documents by their ids, with their numbers.
type Documents = BTreeMap<String, String>;

const COUNT: u64 = 12_000;

fn document(place: u64, number: &str) -> Document {
    Document {
        id: format!("document-{place}"),
        partner: "harbor".into(),
        kind: "order".into(),
        number: number.to_owned(),
        state: DocumentState::Delivered,
        payload: PayloadId::of(b""),
        interchange: None,
        rendered: None,
        edited: false,
        at: Timestamp::UNIX_EPOCH,
    }
}

fn put(store: &EmbeddedStore, model: &mut Documents, places: &[u64], number: &str) {
    let mut transaction = Transaction::new();
    for &place in places {
        let document = document(place, number);
        model.insert(document.id.clone(), document.number.clone());
        transaction.push(Change::Document(document));
    }
    store.commit(transaction).unwrap();
}

fn remove(store: &EmbeddedStore, model: &mut Documents, places: &[u64]) {
    let mut transaction = Transaction::new();
    for place in places {
        let id = format!("document-{place}");
        model.remove(&id);
        transaction.push(Change::Retire(Retirable::Document(id), Timestamp::now()));
    }
    store.commit(transaction).unwrap();
}

fn documents(store: &EmbeddedStore) -> Documents {
    let all = store.documents(None, usize::MAX).unwrap();
    all.into_iter().map(|document| (document.id, document.number)).collect()
}

fn is_copying(folder: &Path) -> bool {
    folder.join("state.new").exists()
}

/// A store from which most documents have left.
fn filled(folder: &Path) -> (EmbeddedStore, Documents) {
    let store = EmbeddedStore::open(folder).unwrap();
    store.put_payload(b"").unwrap();
    let mut model = Documents::new();
    let number = "-".repeat(1000);
    let all: Vec<u64> = (0..COUNT).collect();
    all.chunks(100).for_each(|places| put(&store, &mut model, places, &number));
    let over: Vec<u64> = all.into_iter().filter(|place| place % 4 > 0).collect();
    over.chunks(100).for_each(|places| remove(&store, &mut model, places));
    (store, model)
}

#[test]
fn what_changes_while_the_database_is_compacted_is_in_it() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let (store, mut model) = filled(folder);
    let before = fs::metadata(folder.join("state/db")).unwrap().len();
    let mut dice = Dice(0x0C05_5D0C);
    store.compact_over(before).unwrap();
    assert!(!is_copying(folder), "it is not larger than that");
    store.compact_over(1 << 20).unwrap();
    let mut changed = 0;
    while is_copying(folder) {
        let places = [(); 3].map(|()| dice.below(COUNT + 100));
        put(&store, &mut model, &places, &format!("new {changed}"));
        remove(&store, &mut model, &[dice.below(COUNT)]);
        // What a reader sees, whichever database it is in.
        let (id, number) = model.iter().nth(usize::try_from(dice.below(2000)).unwrap()).unwrap();
        assert_eq!(&store.document(id).unwrap().unwrap().number, number);
        changed += 1;
    }
    println!("{changed} changes meanwhile");
    assert!(changed > 10, "nothing changed meanwhile");
    assert_eq!(documents(&store), model);
    put(&store, &mut model, &[1, 2, 3], "afterwards");
    remove(&store, &mut model, &[4]);
    assert_eq!(documents(&store), model);
    store.compact_over(1 << 20).unwrap();
    assert!(!is_copying(folder), "it has not grown since");
    drop(store);
    let after = fs::metadata(folder.join("state/db")).unwrap().len();
    assert!(after < before / 2, "{before} {after}");
    assert!(!folder.join("state.old").exists());
    assert_eq!(check(folder, &mut |_, _| {}).unwrap().faults, [""; 0]);
    assert_eq!(documents(&EmbeddedStore::open(folder).unwrap()), model);
}

#[test]
fn a_store_that_is_closed_meanwhile_stays_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let (store, model) = filled(folder);
    store.compact_over(1 << 20).unwrap();
    drop(store);
    assert!(!is_copying(folder));
    let store = EmbeddedStore::open(folder).unwrap();
    assert_eq!(documents(&store), model);
    let (before, after) = store.compact().unwrap();
    assert!(after < before / 2, "{before} {after}");
    assert_eq!(documents(&store), model);
}

/// What a crash leaves at each step.
#[test]
fn what_a_crash_has_left_of_it_is_put_right() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let (store, model) = filled(folder);
    let [state, copy, old] = ["state", "state.new", "state.old"].map(|name| folder.join(name));
    let opened = || {
        let store = EmbeddedStore::open(folder).unwrap();
        assert_eq!(documents(&store), model);
        assert!(!copy.exists() && !old.exists());
        store
    };
    drop(store);
    // A copy that was not finished, and all but the last of the old one.
    fs::create_dir(&copy).unwrap();
    fs::write(copy.join("db"), b"half of it").unwrap();
    fs::create_dir(&old).unwrap();
    drop(opened());
    // One that was finished, between the renames.
    fs::rename(&state, &copy).unwrap();
    fs::create_dir(&old).unwrap();
    let store = opened();
    let journal = store.journal(0, usize::MAX).unwrap();
    assert!(journal.iter().all(|record| record.entry.event != Event::StoreRebuilt));
    drop(store);
    // One that was not, where somebody took the database away.
    fs::remove_dir_all(&state).unwrap();
    fs::create_dir(&copy).unwrap();
    fs::write(copy.join("db"), b"half of it").unwrap();
    let journal = opened().journal(0, usize::MAX).unwrap();
    assert_eq!(journal.last().unwrap().entry.event, Event::StoreRebuilt);
}
