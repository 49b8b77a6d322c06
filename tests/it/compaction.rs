//! The database is compacted while it is in use: everything stays as it is, and its file becomes small.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossdock::store::{
    Change, Document, DocumentState, EmbeddedStore, Event, PayloadId, Records, Retirable, Store,
    Transaction, check, export,
};
use jiff::Timestamp;

use super::kill::Dice;

/// Documents by their ids, with their numbers.
pub type Documents = BTreeMap<String, String>;

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

pub fn documents(store: &EmbeddedStore) -> Documents {
    let all = store.documents(None, usize::MAX).unwrap();
    all.into_iter().map(|document| (document.id, document.number)).collect()
}

pub fn is_copying(folder: &Path) -> bool {
    folder.join("state.compacting").exists()
}

/// A store from which most documents have left.
pub fn filled(folder: &Path) -> (EmbeddedStore, Documents) {
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
    assert!(changed > 0, "nothing changed meanwhile");
    assert_eq!(documents(&store), model);
    put(&store, &mut model, &[1, 2, 3], "afterwards");
    remove(&store, &mut model, &[4]);
    assert_eq!(documents(&store), model);
    store.compact_over(1 << 20).unwrap();
    assert!(!is_copying(folder), "it has not grown since");
    drop(store);
    let after = fs::metadata(folder.join("state/db")).unwrap().len();
    assert!(after < before / 2, "{before} {after}");
    assert!(!folder.join("state.replaced").exists());
    assert_eq!(check(folder, &mut |_, _| {}).unwrap().faults, [""; 0]);
    assert_eq!(documents(&EmbeddedStore::open(folder).unwrap()), model);
}

struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Documents in pairs that always say the same: whoever reads meets no half of a commit, and what he has just written.
#[test]
fn readers_and_writers_notice_nothing_of_it() {
    const PAIRS: u64 = 40;
    let place = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(place.path()).unwrap();
    store.put_payload(b"").unwrap();
    let pair = |number: u64| [number, PAIRS + number];
    for number in 0..PAIRS {
        put(&store, &mut Documents::new(), &pair(number), "0");
    }
    let done = AtomicBool::new(false);
    // Set by who ends, be it in a panic: nobody waits for him then.
    let ended = AtomicBool::new(false);
    let ends = || Ended(&ended);
    let (rounds, looks) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let (store, done, rounds) = (&store, &done, &rounds);
            let ended = ends();
            scope.spawn(move || {
                let _ended = ended;
                while !done.load(Ordering::Relaxed) {
                    let round = rounds.fetch_add(1, Ordering::Relaxed);
                    let number = 2 * (round % (PAIRS / 2)) + writer;
                    let mut written = Documents::new();
                    put(store, &mut written, &pair(number), &round.to_string());
                    for (id, said) in written {
                        assert_eq!(store.document(&id).unwrap().unwrap().number, said);
                    }
                }
            });
        }
        scope.spawn(|| {
            let _ended = ends();
            while !done.load(Ordering::Relaxed) {
                let all = documents(&store);
                assert_eq!(all.len() as u64, 2 * PAIRS);
                for number in 0..PAIRS {
                    let [one, other] =
                        pair(number).map(|number| &all[&format!("document-{number}")]);
                    assert_eq!(one, other);
                }
                looks.fetch_add(1, Ordering::Relaxed);
            }
        });
        for _ in 0..10 {
            let before = [&rounds, &looks].map(|count| count.load(Ordering::Relaxed));
            store.compact().unwrap();
            let gets_on = || {
                let now = [&rounds, &looks].map(|count| count.load(Ordering::Relaxed));
                now.iter().zip(before).all(|(now, before)| *now >= before + 5)
            };
            while !gets_on() && !ended.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    drop(store);
    assert_eq!(check(place.path(), &mut |_, _| {}).unwrap().faults, [""; 0]);
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

#[test]
fn what_stands_in_its_way_is_told_and_the_store_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let (store, mut model) = filled(folder);
    // A file, which cannot be removed as a folder.
    fs::write(folder.join("state.compacting"), b"").unwrap();
    assert!(store.compact().unwrap_err().to_string().contains("state.compacting"));
    put(&store, &mut model, &[1], "afterwards");
    drop(store);
    let store = EmbeddedStore::open(folder).unwrap();
    assert_eq!(documents(&store), model);
    fs::remove_file(folder.join("state.compacting")).unwrap();
    let (before, after) = store.compact().unwrap();
    assert!(after < before, "{before} {after}");
    drop(store);
    // The copy would take the place of the link.
    fs::rename(folder.join("state"), folder.join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("elsewhere", folder.join("state")).unwrap();
    let store = EmbeddedStore::open(folder).unwrap();
    assert!(store.compact().unwrap_err().to_string().contains("link"));
    assert_eq!(documents(&store), model);
}

/// What a crash leaves at each step.
#[test]
fn what_a_crash_has_left_of_it_is_put_right() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let (store, model) = filled(folder);
    let [state, copy, old] =
        ["state", "state.compacting", "state.replaced"].map(|name| folder.join(name));
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
    assert_eq!(check(folder, &mut |_, _| {}).unwrap().faults, [""; 0]);
    let mut lines = Vec::new();
    assert!(export(folder, &mut lines).unwrap() > model.len() as u64);
    assert!(copy.exists(), "nothing is put right by looking");
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
