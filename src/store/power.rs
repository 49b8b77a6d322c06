//! The power goes while commits are written. Whatever part of their bytes had reached the disk, everything that was
//! answered before is there, and each commit after it is there whole or not at all.
//!
//! At each sync the files of the database are noted. What is written until the next sync may reach the disk in any order
//! of blocks: so a disk at any moment in between is the earlier files with any of the later blocks in them. Such disks
//! are made here by chance, and opened. `CROSSDOCK_DISKS` sets how many (60 unless set).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::{
    Change, Document, DocumentState, EmbeddedStore, Event, JournalEntry, PayloadId, Records,
    Transaction,
};

/// What a disk writes whole.
const BLOCK_BYTES: usize = 512;
/// Documents that are written again and again, so that the database has space to reclaim.
const DOCUMENTS: u64 = 300;
/// Commits that are handed in at the same time, so that they share syncs.
const AT_ONCE: u64 = 24;

/// The files of the database, by name.
type Image = BTreeMap<String, Vec<u8>>;

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
    for entry in fs::read_dir(folder.join(below)).unwrap().flatten() {
        let name = format!("{below}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            read(folder, &name, image);
        } else {
            image.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

fn image(folder: &Path) -> Image {
    let mut image = Image::new();
    read(folder, "state", &mut image);
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
            (None, Some(new)) if dice.below(2) == 0 => torn(&[], new, share, dice),
            (Some(old), None) if dice.below(2) == 0 => old.clone(),
            _ => continue,
        };
        disk.insert(name.clone(), bytes);
    }
    disk
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

/// Which documents a commit writes. Now and then it is larger than two segments of the database, which have 512 KiB.
fn written(number: u64) -> impl Iterator<Item = String> {
    let count = if number.is_multiple_of(40) { DOCUMENTS } else { 1 + number % 20 };
    (0..count).map(move |place| format!("document-{}", (number * 7 + place) % DOCUMENTS))
}

fn commit(number: u64) -> Transaction {
    let at = jiff::Timestamp::UNIX_EPOCH;
    let mut transaction = Transaction::new();
    for id in written(number) {
        transaction.push(Change::Document(Document {
            id,
            partner: "harbor".into(),
            kind: "order".into(),
            number: format!("{number} {}", "-".repeat(3500)),
            state: DocumentState::Queued,
            payload: PayloadId::of(&number.to_be_bytes()),
            interchange: None,
            rendered: None,
            at,
        }));
    }
    transaction.journal(JournalEntry {
        at,
        event: Event::FileReceived,
        partner: String::new(),
        subject: number.to_string(),
        payload: None,
        facts: super::Facts::default(),
        note: String::new(),
    });
    transaction
}

/// Which commits a disk holds, in their order; each of them whole.
fn held(folder: &Path, disk: &Image) -> Vec<u64> {
    let _ = fs::remove_dir_all(folder.join("state"));
    for (name, bytes) in disk {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let store = EmbeddedStore::open_syncing(folder, Box::new(|_| Ok(()))).unwrap();
    let journal = store.journal(0, usize::MAX).unwrap();
    let held: Vec<u64> = journal.iter().map(|r| r.entry.subject.parse().unwrap()).collect();
    let mut writers = BTreeMap::new();
    for &number in &held {
        writers.extend(written(number).map(|id| (id, number)));
    }
    for place in 0..DOCUMENTS {
        let id = format!("document-{place}");
        let document = store.document(&id).unwrap();
        let by = document.map(|d| d.number.split_once(' ').unwrap().0.parse().unwrap());
        assert_eq!(by, writers.get(&id).copied(), "{id} of {held:?}");
    }
    held
}

#[test]
fn whatever_part_of_the_commits_had_reached_the_disk_what_was_answered_is_there() {
    let disks: usize =
        std::env::var("CROSSDOCK_DISKS").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let images = Arc::new(Mutex::new(Vec::new()));
    let (noted, place) = (Arc::clone(&images), folder.path().to_path_buf());
    let note = move |_: &fs::File| {
        noted.lock().unwrap().push(image(&place));
        Ok(())
    };
    let store = EmbeddedStore::open_syncing(folder.path(), Box::new(note)).unwrap();
    fs::copy(folder.path().join("FORMAT"), other.path().join("FORMAT")).unwrap();
    let mut dice = Dice(0x0C05_5D0C);
    let (mut made, mut later, mut next) = (0, 0, 1);
    let mut before = image(folder.path());
    let mut answered = held(other.path(), &before);
    while made < disks {
        std::thread::scope(|scope| {
            for number in next..next + AT_ONCE {
                let store = &store;
                scope.spawn(move || store.commit(commit(number)).unwrap());
            }
        });
        next += AT_ONCE;
        let synced = std::mem::take(&mut *images.lock().unwrap());
        for after in synced {
            let through = held(other.path(), &after);
            assert!(through.starts_with(&answered));
            for _ in 0..4 {
                let held = held(other.path(), &between(&before, &after, &mut dice));
                assert!(held.starts_with(&answered), "{held:?} lacks some of {answered:?}");
                assert!(through.starts_with(&held), "{held:?} has others than {through:?}");
                made += 1;
                later += usize::from(held.len() > answered.len());
            }
            (before, answered) = (after, through);
        }
        assert_eq!(answered.len() as u64, next - 1, "what was answered is on the disk");
    }
    println!("{made} disks, {later} of them with commits that were not answered yet");
}

#[test]
fn after_a_sync_that_failed_nothing_is_answered_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut calls = 0;
    let fails_once = move |file: &fs::File| {
        calls += 1;
        if calls == 2 { Err(std::io::Error::other("no answer")) } else { file.sync_data() }
    };
    let store = EmbeddedStore::open_syncing(folder.path(), Box::new(fails_once)).unwrap();
    store.commit(commit(1)).unwrap();
    for number in 2..5 {
        let error = store.commit(commit(number)).unwrap_err();
        assert!(error.to_string().contains("no answer"), "{error}");
    }
}
