//! The store comes back from whatever is left of it: the database is made from the audit log, and a log that lacks
//! something is refused.

use std::fs;
use std::path::Path;

use crossdock::store::{
    Change, Document, DocumentState, EmbeddedStore, Error, Event, Facts, JournalEntry, PayloadId,
    Records, Series, Store, Transaction, begin_log,
};
use jiff::Timestamp;

fn series() -> Series {
    Series { partner: "harbor".into(), level: "interchange".into() }
}

/// Uses a control number, puts a document with that number and tells of it.
fn commit(store: &EmbeddedStore, number: u64) {
    let at = Timestamp::UNIX_EPOCH;
    let used = Change::Number { series: series(), number, at, forgotten_before: None };
    let document = Document {
        id: format!("document-{}", number % 3),
        partner: "harbor".into(),
        kind: "order".into(),
        number: number.to_string(),
        state: DocumentState::Queued,
        payload: PayloadId::of(&number.to_be_bytes()),
        interchange: None,
        rendered: None,
        edited: false,
        at,
    };
    let mut transaction = Transaction::new().with(used).with(Change::Document(document));
    transaction.journal(JournalEntry {
        at,
        event: Event::DocumentReceived,
        partner: "harbor".into(),
        subject: number.to_string(),
        payload: None,
        note: "of \"harbor\"\n".into(),
        facts: Facts::default(),
    });
    store.commit(transaction).unwrap();
}

fn open(folder: &Path) -> EmbeddedStore {
    EmbeddedStore::open(folder).unwrap()
}

fn refusal(folder: &Path) -> String {
    match EmbeddedStore::open(folder) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("opened"),
    }
}

/// A store with these commits, closed.
fn store_of(folder: &Path, numbers: std::ops::RangeInclusive<u64>) {
    let store = open(folder);
    numbers.for_each(|number| commit(&store, number));
}

/// Everything up to a commit is there, nothing after it; what the journal tells besides.
fn holds(store: &EmbeddedStore, last: u64) -> Vec<Event> {
    let journal = store.journal(0, usize::MAX).unwrap();
    let (told, besides): (Vec<_>, Vec<_>) =
        journal.iter().partition(|record| record.entry.event == Event::DocumentReceived);
    let numbers: Vec<u64> = told.iter().map(|r| r.entry.subject.parse().unwrap()).collect();
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
    for place in 0..3 {
        let number = store.document(&format!("document-{place}")).unwrap().map(|d| d.number);
        let expected = (1..=last).rev().find(|number| number % 3 == place);
        assert_eq!(number, expected.map(|number| number.to_string()));
    }
    let next = store.reserve_numbers(&series(), (1..=1000).into(), 1).unwrap();
    assert_eq!(next, [last + 1], "no number is given twice");
    besides.iter().map(|record| record.entry.event).collect()
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn log(folder: &Path) -> std::path::PathBuf {
    folder.join("audit/000000000001.log")
}

#[test]
fn what_the_log_has_and_the_database_has_not_is_applied() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, kept) = (folder.path(), folder.path().join("kept"));
    store_of(folder, 1..=5);
    copy(&folder.join("state"), &kept);
    store_of(folder, 6..=12);
    copy(&kept, &folder.join("state"));
    assert_eq!(holds(&open(folder), 12), []);
    // Once more, now that it was applied.
    assert_eq!(holds(&open(folder), 12), []);
}

/// What is done to the folder of a database.
type Spoil = fn(&Path);

#[test]
fn a_database_that_cannot_be_used_is_made_anew_from_the_log() {
    let spoil: [(&str, Spoil); 4] = [
        ("missing", |state| fs::remove_dir_all(state).unwrap()),
        ("empty", |state| {
            fs::remove_dir_all(state).unwrap();
            raw(state).flush().unwrap();
        }),
        ("cut", |state| {
            let db = fs::OpenOptions::new().write(true).open(state.join("db")).unwrap();
            db.set_len(0).unwrap();
            fs::remove_file(state.join("conf")).unwrap();
        }),
        ("damaged", |state| {
            let length = fs::metadata(state.join("db")).unwrap().len();
            fs::write(state.join("db"), vec![0xAA; usize::try_from(length).unwrap()]).unwrap();
        }),
    ];
    for (what, spoil) in spoil {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        store_of(folder, 1..=20);
        spoil(&folder.join("state"));
        assert_eq!(holds(&open(folder), 20), [Event::StoreRebuilt], "{what}");
        store_of(folder, 21..=22);
        assert_eq!(holds(&open(folder), 22), [Event::StoreRebuilt], "{what}");
    }
}

#[test]
fn the_database_is_made_anew_when_a_person_wants_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    store_of(folder, 1..=20);
    let mut last = (0, 0);
    assert_eq!(EmbeddedStore::rebuild(folder, &mut |done, of| last = (done, of)).unwrap(), 20);
    assert_eq!(last, (20, 20));
    let store = open(folder);
    assert_eq!(holds(&store, 20), []);
    let Err(refused) = EmbeddedStore::rebuild(folder, &mut |_, _| {}) else { panic!("rebuilt") };
    assert!(refused.to_string().contains("another process has it open"), "{refused}");
}

#[test]
fn a_line_that_a_power_cut_has_torn_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, kept) = (folder.path(), folder.path().join("kept"));
    store_of(folder, 1..=5);
    copy(&folder.join("state"), &kept);
    let whole = fs::read(log(folder)).unwrap();
    store_of(folder, 6..=6);
    let longer = fs::read(log(folder)).unwrap();
    let zeros = |from: usize| [&longer[..from], &vec![0; longer.len() - from]].concat();
    for torn in [
        longer[..longer.len() - 1].to_vec(),
        longer[..whole.len() + 20].to_vec(),
        zeros(whole.len()),
        zeros(whole.len() + 20),
    ] {
        copy(&kept, &folder.join("state"));
        fs::write(log(folder), torn).unwrap();
        // When the power goes nobody signs.
        for name in ["checkpoint", "checkpoints"] {
            fs::remove_file(folder.join("audit").join(name)).unwrap();
        }
        assert_eq!(holds(&open(folder), 5), []);
        assert_eq!(fs::read(log(folder)).unwrap(), whole);
    }
    store_of(folder, 6..=7);
    assert_eq!(holds(&open(folder), 7), []);
}

#[test]
fn a_log_that_lacks_something_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    store_of(folder, 1..=9);
    let whole = fs::read(log(folder)).unwrap();
    let ends: Vec<usize> = (0..whole.len()).filter(|&at| whole[at] == b'\n').collect();
    // The first line is the head of the file.
    let line = |number: usize| ends[number - 1] + 1..ends[number] + 1;
    let spoilt = |at: std::ops::Range<usize>, with: &[u8]| {
        [&whole[..at.start], with, &whole[at.end..]].concat()
    };
    let middle = line(4).start + 30;
    let cases = [
        (whole[..line(9).start].to_vec(), "ends with entry 8, but the database has entry 9"),
        (whole[..line(9).end - 2].to_vec(), "entry 9 (byte"),
        (spoilt(middle..middle + 1, b"#"), "entry 4 (byte"),
        (spoilt(line(4), b""), "entry 4 (byte"),
        (spoilt(0..5, b""), "its first line is damaged"),
    ];
    for (bytes, words) in cases {
        fs::write(log(folder), &bytes).unwrap();
        let refused = refusal(folder);
        assert!(refused.contains(words), "{refused}");
        assert!(refused.contains("Restore the folder `audit` from a backup"), "{refused}");
        assert_eq!(fs::read(log(folder)).unwrap(), bytes, "{words}");
    }
    // The same holds without the database, but for what is cut off at the very end.
    fs::rename(folder.join("state"), folder.join("away")).unwrap();
    fs::write(log(folder), spoilt(middle..middle + 1, b"#")).unwrap();
    assert!(refusal(folder).contains("entry 4 (byte"));
    fs::rename(folder.join("away"), folder.join("state")).unwrap();
    fs::write(log(folder), whole).unwrap();
    assert_eq!(holds(&open(folder), 9), []);
}

#[test]
fn a_log_of_another_store_is_refused() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    store_of(one.path(), 1..=3);
    store_of(other.path(), 1..=4);
    copy(&other.path().join("audit"), &one.path().join("audit"));
    // An older store that is refused stays one that an older program opens.
    let format = one.path().join("FORMAT");
    let older = fs::read_to_string(&format).unwrap().replace('6', "5");
    fs::write(&format, &older).unwrap();
    assert!(refusal(one.path()).contains("is not the one that the database was made from"));
    assert_eq!(fs::read_to_string(&format).unwrap(), older);
    let refused = EmbeddedStore::rebuild(&one.path().join("nothing"), &mut |_, _| {});
    assert!(matches!(refused, Err(Error::File { .. })), "{refused:?}");
}

/// Opens the database of a store that was closed. Threads of sled may not have noticed that yet, and tell nobody when
/// they have.
pub fn raw(state: &Path) -> sled::Db {
    let mut tries = 0;
    loop {
        match sled::open(state) {
            Err(sled::Error::Io(e)) if e.to_string().contains("lock") && tries < 100 => {
                tries += 1;
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            opened => return opened.unwrap(),
        }
    }
}

/// What the first version of the format left: no log, and a database that was never told of one.
fn as_of_format_1(folder: &Path) {
    fs::remove_dir_all(folder.join("audit")).unwrap();
    fs::write(folder.join("FORMAT"), "crossdock store format 1\n").unwrap();
    let database = raw(&folder.join("state"));
    let tree = database.open_tree("crossdock").unwrap();
    tree.insert(b"mformat\0", b"1").unwrap();
    assert!(tree.remove(b"mapplied\0").unwrap().is_some());
    tree.flush().unwrap();
}

#[test]
fn a_store_of_the_first_format_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    store_of(folder, 1..=700);
    as_of_format_1(folder);
    // One that was interrupted is done again.
    fs::create_dir_all(folder.join("audit.making")).unwrap();
    fs::write(folder.join("audit.making/000000000001.log"), "half").unwrap();
    assert_eq!(holds(&open(folder), 700), [Event::StoreUpgraded]);
    store_of(folder, 701..=702);
    fs::remove_dir_all(folder.join("state")).unwrap();
    assert_eq!(holds(&open(folder), 702), [Event::StoreUpgraded, Event::StoreRebuilt]);
    let format = fs::read_to_string(folder.join("FORMAT")).unwrap();
    assert_eq!(format, "crossdock store format 6\n");
}

#[test]
fn a_takeover_that_was_interrupted_at_its_last_steps_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    store_of(folder, 1..=7);
    let log = folder.join("audit");
    let kept = folder.join("kept");
    copy(&log, &kept);
    as_of_format_1(folder);
    // Marked, but the log has not its name yet.
    copy(&kept, &folder.join("audit.making"));
    fs::write(folder.join("FORMAT"), "crossdock store format 2\n").unwrap();
    assert_eq!(holds(&open(folder), 7), []);
    // It has, but the database was not told.
    as_of_format_1(folder);
    copy(&kept, &log);
    assert_eq!(holds(&open(folder), 7), []);
    fs::remove_dir_all(folder.join("state")).unwrap();
    assert_eq!(holds(&open(folder), 7), [Event::StoreRebuilt]);
}

#[test]
fn a_database_that_the_system_does_not_let_us_read_is_not_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    store_of(folder, 1..=3);
    let file = folder.join("state/db");
    fs::rename(&file, folder.join("away")).unwrap();
    fs::create_dir(&file).unwrap();
    let refused = refusal(folder);
    assert!(refused.contains("its database cannot be read"), "{refused}");
    fs::remove_dir(&file).unwrap();
    fs::rename(folder.join("away"), &file).unwrap();
    assert_eq!(holds(&open(folder), 3), []);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    EmbeddedStore::rebuild(folder, &mut |_, _| {}).unwrap();
    assert_eq!(holds(&open(folder), 3), []);
}

/// The first line of the log: the first line of its first file says where it stands.
fn first_entry(folder: &Path) -> String {
    let text = fs::read_to_string(log(folder)).unwrap();
    text.lines().nth(1).unwrap_or_default().to_owned()
}

#[test]
fn a_lost_log_is_begun_anew_with_the_reason_and_all_that_the_database_holds() {
    let spoil: [(&str, Spoil, Option<u64>); 3] = [
        ("missing", |folder| fs::remove_dir_all(folder.join("audit")).unwrap(), None),
        (
            "cut",
            |folder| {
                let text = fs::read_to_string(log(folder)).unwrap();
                let head: Vec<&str> = text.lines().take(4).collect();
                fs::write(log(folder), head.join("\n") + "\n").unwrap();
            },
            Some(3),
        ),
        (
            "of another store",
            |folder| {
                let other = tempfile::tempdir().unwrap();
                store_of(other.path(), 1..=30);
                copy(&other.path().join("audit"), &folder.join("audit"));
            },
            Some(30),
        ),
    ];
    for (what, spoil, readable) in spoil {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        store_of(folder, 1..=12);
        spoil(folder);
        let words = refusal(folder);
        assert!(words.contains("audit"), "{what}: {words}");

        let begun = begin_log(folder, "dana", "The disk of the log failed").unwrap();
        assert_eq!((begun.applied, begun.readable), (12, readable.unwrap_or(0)), "{what}");
        assert_eq!(begun.aside.is_some(), readable.is_some(), "{what}");
        assert!(begun.aside.is_none_or(|aside| aside.is_dir()));
        let first = first_entry(folder);
        assert!(first.contains("The disk of the log failed") && first.contains(r#""by":"dana""#));
        assert_eq!(holds(&open(folder), 12), [Event::AuditLogBegun], "{what}");
        // It is a log like any other: it is added to, verified, and the database is made from it.
        store_of(folder, 13..=15);
        let found = crossdock::store::check(folder, &mut |_, _| {}).unwrap();
        let faults: Vec<&String> =
            found.faults.iter().filter(|words| !words.starts_with("payload")).collect();
        assert!(faults.is_empty(), "{what}: {faults:#?}");
        let keys = crossdock::gateway::public_keys(&folder.join("audit")).unwrap();
        let report =
            crossdock::gateway::verify(&folder.join("audit"), &keys, &[], &mut |_| {}).unwrap();
        assert!(report.fault.is_none(), "{what}: {report:#?}");
        fs::remove_dir_all(folder.join("state")).unwrap();
        assert_eq!(holds(&open(folder), 15), [Event::AuditLogBegun, Event::StoreRebuilt]);
    }
}

#[test]
fn no_log_is_begun_where_none_is_lost_or_the_database_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let refused = || begin_log(folder, "dana", "for no reason").unwrap_err().to_string();
    assert!(refused().contains("no store"));
    store_of(folder, 1..=3);
    assert!(refused().contains("nothing of it is lost"));
    fs::remove_dir_all(folder.join("audit")).unwrap();
    fs::remove_dir_all(folder.join("state")).unwrap();
    assert!(refused().contains("its database cannot be used"));
    assert!(!folder.join("audit").exists(), "nothing was begun");
}
