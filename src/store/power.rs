//! The power goes while commits are written. Whatever part of their bytes had reached the disk, everything that was
//! answered before is there with the payloads that it names, and each commit after it is there whole or not at all.
//!
//! At each sync the files of the packs, the audit log and the database are noted. What is written until a file's next sync may reach
//! the disk in any order of blocks: so a disk at any moment in between is the file as it was synced last with any of the
//! later blocks in it. Such disks are made here by chance, and opened. `CROSSDOCK_DISKS` sets how many (60 unless set).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::recovery::Syncs;
use super::{
    Change, Document, DocumentState, EmbeddedStore, Event, JournalEntry, JournalRecord, Records,
    Store, Transaction,
};
use crate::disk;

/// What a disk writes whole.
const BLOCK_BYTES: usize = 512;
/// Documents that a round of commits writes.
const DOCUMENTS: u64 = 300;
/// Commits that are handed in at the same time, so that they share syncs.
const AT_ONCE: u64 = 24;
/// Who read at the same time.
const READERS: usize = 6;
/// What sled writes its log in, and what each piece begins with.
const SEGMENT_BYTES: i64 = 512 << 10;
const SEGMENT_HEADER_BYTES: usize = 20;
/// Each of so many documents is a small one.
const SMALL: u64 = 8;

/// Where packs, log and database lie.
const PARTS: [&str; 3] = ["payloads/packs", "audit", "state"];

/// Their files, by name.
type Image = BTreeMap<String, Vec<u8>>;

/// A sync: the folder whose files it made durable, and all files as they were then.
type Synced = (&'static str, Image);

/// A seeded generator (xorshift64*), so that a run can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % bound
    }
}

fn read(folder: &Path, below: &str, image: &mut Image) {
    // There is no folder of packs before the first.
    let Ok(entries) = fs::read_dir(folder.join(below)) else { return };
    for entry in entries.flatten() {
        let name = format!("{below}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            read(folder, &name, image);
        } else {
            // Checkpoints come and go while the files are noted; none is signed here.
            if !name.starts_with("audit/")
                || entry.path().extension().is_some_and(|end| end == "log")
            {
                image.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
}

fn image(folder: &Path) -> Image {
    let mut image = Image::new();
    for part in PARTS {
        read(folder, part, &mut image);
    }
    image
}

/// The disk at some moment between two answers.
fn between(before: &Image, after: &Image, dice: &mut Dice) -> Image {
    // From nearly nothing written to nearly everything.
    let share = 1 + dice.below(99);
    let mut disk = Image::new();
    for name in before.keys().chain(after.keys()) {
        let (old, new) = (before.get(name), after.get(name));
        let bytes = match (old, new) {
            (Some(old), Some(new)) => torn(old, new, share, dice),
            // A file that was made or removed meanwhile: its name was there, or was not.
            (None, Some(new)) if dice.below(2) == 0 => torn(made_with(name, new), new, share, dice),
            (Some(old), None) if dice.below(2) == 0 => old.clone(),
            _ => continue,
        };
        disk.insert(name.clone(), bytes);
    }
    disk
}

/// What a file has from the moment that it has its name: one of the log its first line, which is written and synced under
/// another name; one of the database, and a pack, nothing.
fn made_with<'a>(name: &str, bytes: &'a [u8]) -> &'a [u8] {
    let first = bytes.iter().position(|&byte| byte == b'\n').filter(|_| name.starts_with("audit/"));
    &bytes[..first.map_or(0, |end| end + 1)]
}

fn torn(old: &[u8], new: &[u8], share: u64, dice: &mut Dice) -> Vec<u8> {
    let length = if dice.below(2) == 0 { old.len() } else { new.len() };
    let mut bytes = old.to_vec();
    bytes.resize(length, 0);
    for (block, (here, there)) in
        bytes.chunks_mut(BLOCK_BYTES).zip(new.chunks(BLOCK_BYTES)).enumerate()
    {
        let same = old.get(block * BLOCK_BYTES..).is_some_and(|old| old.starts_with(there));
        if !same && dice.below(100) < share {
            let count = here.len().min(there.len());
            here[..count].copy_from_slice(&there[..count]);
        }
    }
    bytes
}

/// Which documents a commit writes, by their places; each round of commits has its own. In every other round each commit
/// writes some that follow each other, and now and then one writes more than two segments of the database. In the rounds
/// between each second commit writes new ones between all others, so that many pages grow too large, and the next one
/// small document in each page of a third of them: now and then sled writes all of these pages anew at once, fifty times
/// the bytes of the commit.
fn written(number: u64) -> Vec<u64> {
    let (round, nth) = ((number - 1) / AT_ONCE, (number - 1) % AT_ONCE);
    let all = 0..DOCUMENTS;
    let places: Vec<u64> = if round.is_multiple_of(2) {
        let count = if number.is_multiple_of(40) { DOCUMENTS } else { 1 + number % 20 };
        (0..count).map(|place| (number * 7 + place) % DOCUMENTS).collect()
    } else if nth.is_multiple_of(2) {
        all.filter(|&place| place % (AT_ONCE / 2) == nth / 2).collect()
    } else {
        all.filter(|&place| is_small(place) && place / SMALL % 3 == nth / 2 % 3).collect()
    };
    places.into_iter().map(|place| round * DOCUMENTS + place).collect()
}

fn is_small(place: u64) -> bool {
    place.is_multiple_of(SMALL)
}

fn id_of(place: u64) -> String {
    format!("document-{place:05}")
}

/// What a commit names: of a length and a content that no other has, and that hardly shrinks.
fn payload(number: u64) -> Vec<u8> {
    let mut dice = Dice(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    (0..=number * 37 % 3000).map(|_| dice.below(256).to_be_bytes()[7]).collect()
}

/// Keeps its payload, and gives the commit that names it.
fn commit(store: &EmbeddedStore, number: u64) -> Transaction {
    let payload = store.put_payload(&payload(number)).unwrap();
    let at = jiff::Timestamp::UNIX_EPOCH;
    let mut transaction = Transaction::new();
    for place in written(number) {
        let length = if is_small(place) { 10 } else { 3500 };
        transaction.push(Change::Document(Document {
            id: id_of(place),
            partner: "harbor".into(),
            kind: "order".into(),
            number: format!("{number} {}", "-".repeat(length)),
            state: DocumentState::Queued,
            payload,
            interchange: None,
            rendered: None,
            edited: false,
            at,
        }));
    }
    transaction.journal(JournalEntry {
        at,
        event: Event::FileReceived,
        partner: String::new(),
        subject: number.to_string(),
        payload: Some(payload),
        facts: super::Facts::default(),
        note: String::new(),
    });
    transaction
}

/// Which commits a disk holds, in their order; each of them whole, with its payload.
fn held(folder: &Path, disk: &Image) -> Vec<u64> {
    for part in PARTS {
        let _ = fs::remove_dir_all(folder.join(part));
    }
    for (name, bytes) in disk {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let unsynced = || -> disk::Sync { Box::new(|_| Ok(())) };
    let syncs = Syncs { packs: unsynced(), log: unsynced(), database: Box::new(unsynced) };
    let store = EmbeddedStore::open_syncing(folder, None, syncs).unwrap();
    let journal = store.journal(0, usize::MAX).unwrap();
    let number = |record: &JournalRecord| -> u64 {
        let JournalEntry { event, subject, note, .. } = &record.entry;
        subject.parse().unwrap_or_else(|_| panic!("{event:?}: {note}"))
    };
    let held: Vec<u64> = journal.iter().map(number).collect();
    let mut writers = BTreeMap::new();
    for (record, &number) in journal.iter().zip(&held) {
        let id = record.entry.payload.unwrap();
        assert!(store.payload(id).is_ok_and(|bytes| bytes == payload(number)), "{number}");
        writers.extend(written(number).into_iter().map(|place| (place, number)));
    }
    let last = held.last().map_or(0, |number| ((number - 1) / AT_ONCE + 1) * DOCUMENTS);
    for place in 0..last {
        let document = store.document(&id_of(place)).unwrap();
        let by = document.map(|d| d.number.split_once(' ').unwrap().0.parse().unwrap());
        assert_eq!(by, writers.get(&place).copied(), "{place} of {held:?}");
    }
    held
}

/// Has many read at the same time what a round of commits has written. Whoever comes by a page that has grown too large
/// would have sled part it, several at once, and what they write is not synced.
fn looked_through(store: &EmbeddedStore, round: u64) {
    let first = id_of(round * DOCUMENTS);
    std::thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| store.documents(Some(&first), usize::MAX).unwrap());
        }
    });
    assert_eq!(store.view.durable().flush().unwrap(), 0, "bytes that readers have written");
}

/// Where in sled's log each segment of the database's file begins, and up to where the log was written at that time.
fn segments(image: &Image) -> BTreeMap<i64, i64> {
    let number = |bytes: &[u8]| i64::from_le_bytes(bytes.try_into().unwrap()) ^ i64::MAX;
    let file = &image["state/db"];
    file.chunks(usize::try_from(SEGMENT_BYTES).unwrap())
        .filter(|segment| segment.len() >= SEGMENT_HEADER_BYTES)
        .map(|segment| (number(&segment[4..12]), number(&segment[12..20])))
        // Those that were thrown away have no such number.
        .filter(|(begin, _)| begin % SEGMENT_BYTES == 0)
        .collect()
}

/// A segment that says of itself that the log was written up to some place is believed even where that place lies in a
/// segment that the disk does not have. So those that are begun between two syncs must not speak of each other.
fn speaks_of_nothing_unsynced(durable: &Image, after: &Image) {
    let (old, new) = (segments(durable), segments(after));
    let (&last, _) = old.last_key_value().unwrap();
    for (begin, written) in new {
        assert!(
            written < last + SEGMENT_BYTES,
            "segment {begin} was begun when the log was written up to {written}, but no segment after {last} is synced"
        );
    }
}

#[test]
fn whatever_part_of_the_commits_had_reached_the_disk_what_was_answered_is_there() {
    let disks: usize =
        std::env::var("CROSSDOCK_DISKS").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let folder = tempfile::tempdir().unwrap();
    // Where syncs cost nothing, if there is such a place: each disk is opened once and thrown away.
    let other = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let syncs = Arc::new(Mutex::new(Vec::<Synced>::new()));
    let (shared, place) = (Arc::clone(&syncs), folder.path().to_path_buf());
    let noting = move |part: &'static str| -> disk::Sync {
        let (noted, place) = (Arc::clone(&shared), place.clone());
        Box::new(move |_| {
            noted.lock().unwrap().push((part, image(&place)));
            Ok(())
        })
    };
    let database = noting.clone();
    let database: Box<dyn Fn() -> disk::Sync + Send> = Box::new(move || database("state"));
    let (packs, log) = (noting("payloads"), noting("audit"));
    let syncs_of = Syncs { packs, log, database };
    let store = EmbeddedStore::open_syncing(folder.path(), None, syncs_of).unwrap();
    fs::copy(folder.path().join("FORMAT"), other.path().join("FORMAT")).unwrap();
    let mut dice = Dice(0x0C05_5D0C);
    let (mut made, mut later, mut next) = (0, 0, 1);
    syncs.lock().unwrap().clear();
    let mut durable = image(folder.path());
    let mut answered = held(other.path(), &durable);
    // A round of each kind at least.
    while made < disks || next <= 2 * AT_ONCE {
        let at_once = ((next - 1) / AT_ONCE).is_multiple_of(2);
        std::thread::scope(|scope| {
            for number in next..next + AT_ONCE {
                let store = &store;
                let one = move || store.commit(commit(store, number)).unwrap();
                if at_once {
                    scope.spawn(one);
                } else {
                    one();
                    // What is asked of the writer is done after its sync.
                    store.compact_over(u64::MAX).unwrap();
                    looked_through(store, (number - 1) / AT_ONCE);
                }
            }
        });
        next += AT_ONCE;
        let synced = std::mem::take(&mut *syncs.lock().unwrap());
        // Answers do not wait for that of the last.
        let of_database = synced.iter().filter(|(part, _)| *part == "state").count() as u64;
        assert!(at_once || of_database >= AT_ONCE - 1, "the database is synced after each step");
        for (part, after) in synced {
            if part == "state" {
                speaks_of_nothing_unsynced(&durable, &after);
            }
            let through = held(other.path(), &after);
            assert!(through.starts_with(&answered));
            for _ in 0..if part == "state" { 4 } else { 1 } {
                let held = held(other.path(), &between(&durable, &after, &mut dice));
                assert!(held.starts_with(&answered), "{held:?} lacks some of {answered:?}");
                assert!(through.starts_with(&held), "{held:?} has others than {through:?}");
                made += 1;
                later += usize::from(held.len() > answered.len());
            }
            durable.retain(|name, _| !name.starts_with(part));
            durable.extend(after.into_iter().filter(|(name, _)| name.starts_with(part)));
            // What the log has is as good as answered: the database gets it from there.
            answered = through;
        }
        assert_eq!(answered.len() as u64, next - 1, "what was answered is on the disk");
    }
    println!("{made} disks, {later} of them with commits that were not answered yet");
}

/// The sync of the log fails once, at the second commit; or that of the database, which is not synced at each.
#[test]
fn after_a_sync_that_failed_nothing_is_answered_as_written() {
    for of_the_log in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let failing = move |fails: bool, at: u32| -> disk::Sync {
            let mut calls = 0;
            Box::new(move |file| {
                calls += 1;
                if fails && calls == at {
                    Err(std::io::Error::other("no answer"))
                } else {
                    file.sync_data()
                }
            })
        };
        // The database is synced when it is opened.
        let database = Box::new(move || failing(!of_the_log, 2));
        let syncs = Syncs { log: failing(of_the_log, 2), database, ..Syncs::default() };
        EmbeddedStore::open(folder.path()).unwrap();
        let store = EmbeddedStore::open_syncing(folder.path(), None, syncs).unwrap();
        let results: Vec<bool> =
            (1..200).map(|number| store.commit(commit(&store, number)).is_ok()).collect();
        let error = store.commit(commit(&store, 200)).unwrap_err();
        assert!(error.to_string().contains("no answer"), "{error}");
        let answered = results.iter().take_while(|answered| **answered).count();
        assert!(answered > 0 && !results[answered..].contains(&true), "it stays so");
        drop(store);
        // What was not answered may have happened, but only the first of what failed.
        let held = EmbeddedStore::open(folder.path()).unwrap().journal(0, 999).unwrap().len();
        assert!((answered..=answered + 1).contains(&held), "{answered} {held}");
    }
}
