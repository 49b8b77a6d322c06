//! The journal in the database: in pages, beside what older formats left, and as much of it as is needed.

use std::fs;
use std::path::Path;

use crossdock::store::{
    Change, EmbeddedStore, Event, Facts, JournalEntry, Records as _, Store as _, Transaction,
    begin_log, check,
};
use jiff::Timestamp;

use super::recovery::raw;

/// Records of the journal in one transaction.
fn told(store: &EmbeddedStore, numbers: impl Iterator<Item = u64>) {
    let mut transaction = Transaction::new();
    for number in numbers {
        transaction.journal(JournalEntry {
            at: Timestamp::UNIX_EPOCH,
            event: Event::DocumentReceived,
            partner: "harbor".into(),
            subject: number.to_string(),
            payload: None,
            note: String::new(),
            facts: Facts::default(),
        });
    }
    store.commit(transaction).unwrap();
}

/// The numbers of what the journal tells after a record.
fn numbers(store: &EmbeddedStore, after: u64, limit: usize) -> Vec<u64> {
    let records = store.journal(after, limit).unwrap();
    for record in &records {
        assert_eq!(record.entry.subject, record.sequence.to_string());
    }
    records.iter().map(|record| record.sequence).collect()
}

fn with_tree<T>(folder: &Path, use_it: impl FnOnce(&sled::Tree) -> T) -> T {
    let database = raw(&folder.join("state"));
    let tree = database.open_tree("crossdock").unwrap();
    let given = use_it(&tree);
    tree.flush().unwrap();
    given
}

fn pages(tree: &sled::Tree) -> Vec<(sled::IVec, sled::IVec)> {
    tree.scan_prefix(b"j").map(Result::unwrap).collect()
}

#[test]
fn any_part_of_the_journal_is_read_out_of_its_pages() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    told(&store, 1..=100);
    told(&store, 101..=101);
    told(&store, 102..=140);
    for after in 0..=141 {
        for limit in [0, 1, 2, 50, usize::MAX] {
            let expected: Vec<u64> = (after + 1..=140).take(limit).collect();
            assert_eq!(numbers(&store, after, limit), expected, "{after} {limit}");
        }
    }
    assert!(numbers(&store, u64::MAX, 5).is_empty());
    assert_eq!(store.last_journal().unwrap(), 140);
    drop(store);
    let pages = with_tree(folder.path(), pages);
    assert!(pages.len() < 15, "{} pages", pages.len());
    assert_eq!(check(folder.path(), &mut |_, _| {}).unwrap().faults, [""; 0]);
}

/// What format 5 left: one record behind each key.
fn as_of_format_5(folder: &Path) {
    fs::write(folder.join("FORMAT"), "crossdock store format 5\n").unwrap();
    with_tree(folder, |tree| {
        for (key, page) in pages(tree).into_iter().filter(|(_, page)| page.starts_with(b"[")) {
            tree.remove(key).unwrap();
            let text = std::str::from_utf8(&page).unwrap();
            let records: Vec<&serde_json::value::RawValue> = serde_json::from_str(text).unwrap();
            for record in records {
                let told: serde_json::Value = serde_json::from_str(record.get()).unwrap();
                let number = told["sequence"].as_u64().unwrap();
                let key = [b"j".as_slice(), &number.to_be_bytes()].concat();
                tree.insert(key, record.get()).unwrap();
            }
        }
        tree.insert(b"mformat\0", b"5").unwrap();
    });
}

#[test]
fn the_journal_of_format_5_is_read_beside_pages() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    told(&EmbeddedStore::open(folder).unwrap(), 1..=40);
    as_of_format_5(folder);
    assert_eq!(with_tree(folder, |tree| pages(tree).len()), 40);
    let store = EmbeddedStore::open(folder).unwrap();
    assert_eq!(numbers(&store, 0, 1000), (1..=40).collect::<Vec<_>>());
    told(&store, 41..=80);
    assert_eq!(numbers(&store, 30, 20), (31..=50).collect::<Vec<_>>());
    drop(store);
    let format = || fs::read_to_string(folder.join("FORMAT")).unwrap();
    assert_eq!(format(), "crossdock store format 6\n");
    as_of_format_5(folder);
    EmbeddedStore::rebuild(folder, &mut |_, _| {}).unwrap();
    assert_eq!(format(), "crossdock store format 6\n");
    assert_eq!(check(folder, &mut |_, _| {}).unwrap().faults, [""; 0]);
}

#[test]
fn what_is_wrong_in_a_page_is_told_of_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    told(&EmbeddedStore::open(folder).unwrap(), 1..=30);
    let whole = with_tree(folder, pages);
    let faults = |change: &dyn Fn(&str) -> String| {
        let (key, page) = &whole[0];
        let changed = change(std::str::from_utf8(page).unwrap());
        with_tree(folder, |tree| tree.insert(key, changed.as_bytes()).unwrap());
        check(folder, &mut |_, _| {}).unwrap().faults
    };
    assert_eq!(faults(&str::to_owned), [""; 0]);
    let edited = faults(&|page| page.replace(r#""subject":"3""#, r#""subject":"9""#));
    assert_eq!(edited.len(), 1, "{edited:#?}");
    assert!(edited[0].contains("%03") && edited[0].contains("another"), "{edited:#?}");
    // Without its first record a page begins later, and what comes before is taken for forgotten; without its last the
    // others are not what their numbers say.
    let shorter = faults(&|page| format!("{}]", &page[..page.rfind(",{").unwrap()]));
    assert!(!shorter.is_empty());
    assert!(!faults(&|_| "[".to_owned()).is_empty());
    assert!(!faults(&|page| page.replacen('[', "[1,", 1)).is_empty());
}

#[test]
fn a_database_made_anew_keeps_what_a_webhook_was_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let store = EmbeddedStore::open(folder).unwrap();
    told(&store, 1..=10);
    let of = |through| Change::WebhookTold { webhook: "shop".into(), through };
    store.commit(Transaction::new().with(of(Some(10)))).unwrap();
    for part in 0..24 {
        told(&store, part * 1000 + 11..=part * 1000 + 1010);
    }
    drop(store);
    EmbeddedStore::rebuild(folder, &mut |_, _| {}).unwrap();
    let store = EmbeddedStore::open(folder).unwrap();
    assert_eq!(numbers(&store, 10, usize::MAX), (11..=24_010).collect::<Vec<_>>());
    store.tidy().unwrap();
    assert_eq!(numbers(&store, 10, 1), [11]);

    store.commit(Transaction::new().with(of(None))).unwrap();
    drop(store);
    EmbeddedStore::rebuild(folder, &mut |_, _| {}).unwrap();
    let store = EmbeddedStore::open(folder).unwrap();
    store.tidy().unwrap();
    let kept = store.journal(0, usize::MAX).unwrap();
    assert!((20_000..=22_100).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept.last().unwrap().sequence, 24_010);
    drop(store);
    assert_eq!(check(folder, &mut |_, _| {}).unwrap().faults, [""; 0]);
}

#[test]
fn a_log_that_is_begun_anew_tells_what_webhooks_have_before_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let store = EmbeddedStore::open(folder).unwrap();
    let of = Change::WebhookTold { webhook: "shop".into(), through: Some(10) };
    store.commit(Transaction::new().with(of)).unwrap();
    for part in 0..24 {
        told(&store, part * 1000 + 1..=part * 1000 + 1000);
    }
    drop(store);
    fs::remove_dir_all(folder.join("audit")).unwrap();
    begin_log(folder, "dana", "The disk of the log failed").unwrap();
    EmbeddedStore::rebuild(folder, &mut |_, _| {}).unwrap();
    let store = EmbeddedStore::open(folder).unwrap();
    assert_eq!(numbers(&store, 10, 23_990), (11..=24_000).collect::<Vec<_>>());
    drop(store);
    assert_eq!(check(folder, &mut |_, _| {}).unwrap().faults, [""; 0]);
}
