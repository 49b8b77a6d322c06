//! The store keeps its word: all or nothing, durable, each number once, never reset.

use std::sync::Arc;

use crossdock::store::{
    AckState, Backlog, Change, EmbeddedStore, Error, Event, Expectation, FileKey, InterchangeId,
    InterchangeKey, InterchangeRecord, JournalEntry, NewWork, NumberRange, Outcome, PayloadId,
    Receipt, Records, Seen, Series, Store, Taken, Task, Transaction,
};
use jiff::{SignedDuration, Timestamp};

fn now() -> Timestamp {
    "2026-03-02T10:00:00Z".parse().unwrap()
}

fn series() -> Series {
    Series { partner: "harbor".into(), level: "interchange".into() }
}

fn used(series: Series, number: u64) -> Change {
    Change::Number { series, number, at: Timestamp::UNIX_EPOCH, forgotten_before: None }
}

fn work(lane: &str, order: &str, name: &str, due: Timestamp) -> Change {
    Change::Queue(NewWork {
        lane: lane.into(),
        order: order.into(),
        task: Task::Call { document: name.into() },
        due,
    })
}

fn taken(store: &EmbeddedStore, lane: &str, at: Timestamp) -> Option<(u64, String)> {
    let Taken::Work(mut works) = store.take(lane, at, 1).unwrap() else { return None };
    let work = works.remove(0);
    match work.task {
        Task::Call { document } => Some((work.id, document)),
        other => panic!("{other:?}"),
    }
}

fn entry(subject: &str) -> JournalEntry {
    JournalEntry {
        at: now(),
        event: Event::FileReceived,
        partner: "harbor".into(),
        subject: subject.into(),
        payload: None,
        facts: crossdock::store::Facts::default(),
        note: String::new(),
    }
}

#[test]
fn a_transaction_with_a_condition_that_fails_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    store.commit(Transaction::new().with(used(series(), 7))).unwrap();

    let mut refused = Transaction::new().with(work("lane", "", "d", now()));
    refused.journal(entry("refused"));
    refused.push(used(series(), 7));
    assert!(matches!(store.commit(refused), Err(Error::Conflict(_))));

    let twice = Transaction::new().with(used(series(), 8)).with(used(series(), 8));
    assert!(matches!(store.commit(twice), Err(Error::Conflict(_))));
    assert_eq!(store.backlog(10).unwrap(), Backlog::default());
    assert_eq!(store.journal(0, 10).unwrap(), vec![]);
}

#[test]
fn control_numbers_go_on_after_the_highest_used_and_never_past_their_range() {
    let folder = tempfile::tempdir().unwrap();
    {
        let store = EmbeddedStore::open(folder.path()).unwrap();
        assert_eq!(store.reserve_numbers(&series(), (5..=9).into(), 2).unwrap(), [5, 6]);
        store.commit(Transaction::new().with(used(series(), 6))).unwrap();
    }
    let store = EmbeddedStore::open(folder.path()).unwrap();
    assert_eq!(store.reserve_numbers(&series(), (5..=9).into(), 3).unwrap(), [7, 8, 9]);
    let error = store.reserve_numbers(&series(), (5..=9).into(), 1).unwrap_err();
    assert!(matches!(error, Error::NumbersUsedUp { last: 9, .. }), "{error}");
    let other = Series { level: "group".into(), ..series() };
    assert_eq!(store.reserve_numbers(&other, (1..=9).into(), 1).unwrap(), [1]);
}

#[test]
fn numbers_begin_anew_after_the_last_and_pass_over_those_that_still_count() {
    let folder = tempfile::tempdir().unwrap();
    let days = |days: i64| Timestamp::from_second(days * 86_400).unwrap();
    let range =
        |forgotten_before| NumberRange { first: 1, last: 4, rollover: true, forgotten_before };
    let give = |store: &EmbeddedStore, number, at, forgotten_before| {
        let change = Change::Number { series: series(), number, at, forgotten_before };
        store.commit(Transaction::new().with(change))
    };
    {
        let store = EmbeddedStore::open(folder.path()).unwrap();
        for number in 1..=4 {
            assert_eq!(store.reserve_numbers(&series(), range(None), 1).unwrap(), [number]);
            give(&store, number, days(i64::try_from(number).unwrap()), None).unwrap();
        }
        assert!(matches!(give(&store, 1, days(9), None), Err(Error::Conflict(_))));
    }
    // What was used never counts as forgotten: nothing is left.
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let error = store.reserve_numbers(&series(), range(None), 1).unwrap_err();
    assert!(matches!(error, Error::NumbersUsedUp { last: 4, .. }), "{error}");
    // What was used before the third day may be used again, the rest may not.
    let third = Some(days(3));
    assert_eq!(store.reserve_numbers(&series(), range(third), 2).unwrap(), [1, 2]);
    give(&store, 1, days(9), third).unwrap();
    give(&store, 2, days(9), third).unwrap();
    drop(store);
    let store = EmbeddedStore::open(folder.path()).unwrap();
    assert!(store.reserve_numbers(&series(), range(third), 1).is_err());
    assert_eq!(store.reserve_numbers(&series(), range(Some(days(4))), 1).unwrap(), [3]);
}

#[test]
fn numbers_that_come_in_another_order_than_they_were_drawn_are_not_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    let day_ago = now - SignedDuration::from_hours(24);
    let next = |numbers: &[(u64, Timestamp)], first, last| {
        let store = EmbeddedStore::open(folder.path()).unwrap();
        for &(number, at) in numbers {
            let series = series();
            let used = Change::Number { series, number, at, forgotten_before: Some(day_ago) };
            store.commit(Transaction::new().with(used)).unwrap();
        }
        drop(store);
        let range = NumberRange { first, last, rollover: true, forgotten_before: Some(day_ago) };
        let store = EmbeddedStore::open(folder.path()).unwrap();
        store.reserve_numbers(&series(), range, 1).unwrap()
    };
    let long_ago = day_ago - SignedDuration::from_hours(24);
    let late = [101, 103, 102].map(|number| (number, long_ago));
    assert_eq!(next(&late, 1, 999), [104], "though all of them may be used again");
    // They begin anew, far below and close by.
    assert_eq!(next(&[(1, now)], 1, 999), [2]);
    assert_eq!(next(&[(9, now), (2, now)], 2, 9), [3]);
}

#[test]
fn work_of_one_order_is_given_out_in_turn_and_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let later = now() + SignedDuration::from_mins(1);
    {
        let store = EmbeddedStore::open(folder.path()).unwrap();
        let queue = Transaction::new()
            .with(work("lane", "po-1", "first", now()))
            .with(work("lane", "po-1", "second", now()))
            .with(work("lane", "po-2", "third", now()));
        store.commit(queue).unwrap();
        let (first, name) = taken(&store, "lane", now()).unwrap();
        assert_eq!(name, "first");
        assert_eq!(taken(&store, "lane", now()).unwrap().1, "third");
        assert_eq!(store.take("lane", now(), 9).unwrap(), Taken::Nothing);
        let retry = Change::Retry {
            lane: "lane".into(),
            work: first,
            due: later,
            error: "the warehouse is closed".into(),
        };
        store.commit(Transaction::new().with(retry)).unwrap();
        assert_eq!(store.take("lane", now(), 9).unwrap(), Taken::NotBefore(later));
        let backlog = store.backlog(10).unwrap();
        assert_eq!((backlog.waiting["lane"], backlog.failing), (3, 1));
        assert_eq!(backlog.failed[0].error, "the warehouse is closed");
    }
    let store = EmbeddedStore::open(folder.path()).unwrap();
    // The lease on the third ended with the process; the second still waits behind the first.
    let (third, name) = taken(&store, "lane", now()).unwrap();
    assert_eq!(name, "third");
    store
        .commit(Transaction::new().with(Change::Done { lane: "lane".into(), work: third }))
        .unwrap();
    let (first, name) = taken(&store, "lane", later).unwrap();
    assert_eq!(name, "first");
    let park = Change::Park { lane: "lane".into(), work: first, error: "closed for good".into() };
    store.commit(Transaction::new().with(park)).unwrap();
    assert_eq!(store.parked(10).unwrap()[0].error, "closed for good");
    assert_eq!(taken(&store, "lane", later).unwrap().1, "second");
    let done = Change::Done { lane: "lane".into(), work: third };
    assert!(matches!(store.commit(Transaction::new().with(done)), Err(Error::Conflict(_))));
}

#[test]
fn what_a_commit_conflicts_with_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    for number in 0..50 {
        let file = FileKey {
            mailbox: "acme".into(),
            name: number.to_string(),
            size: 1,
            modified_nanoseconds: 0,
            payload: PayloadId::of(b"x"),
        };
        let seen = || Transaction::new().with(Change::FileSeen(file.clone()));
        let first = store.hand_in(&seen()).unwrap();
        assert!(matches!(store.commit(seen()), Err(Error::Conflict(_))));
        assert_eq!(store.file(&file).unwrap(), Some(0));
        store.settled(first).unwrap();
    }
}

#[test]
fn work_with_several_keys_waits_for_each_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let mut queued = Transaction::new();
    for (name, keys) in [("a", "one"), ("b", "one\ntwo"), ("c", "two"), ("d", "three")] {
        queued.push(work("hook", keys, name, now()));
    }
    store.commit(queued).unwrap();
    let (a, name) = taken(&store, "hook", now()).unwrap();
    assert_eq!(name, "a");
    let (_, name) = taken(&store, "hook", now()).unwrap();
    assert_eq!(name, "d");
    assert_eq!(taken(&store, "hook", now()), None);
    store.release(a);
    assert_eq!(taken(&store, "hook", now()).unwrap().1, "a");
    let done = Change::Done { lane: "hook".into(), work: a };
    store.commit(Transaction::new().with(done)).unwrap();
    for name in ["b", "c"] {
        let (work, taken) = taken(&store, "hook", now()).unwrap();
        assert_eq!(taken, name);
        let done = Change::Done { lane: "hook".into(), work };
        store.commit(Transaction::new().with(done)).unwrap();
    }
}

#[test]
fn an_interchange_has_one_outcome_and_its_key_is_seen_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let payload = store.put_payload(b"ISA*00*").unwrap();
    let file = FileKey {
        mailbox: "m".into(),
        name: "a.edi".into(),
        size: 7,
        modified_nanoseconds: -1,
        payload,
    };
    let id = InterchangeId { receipt: store.next_receipt().unwrap(), index: 0 };
    let receipt = Receipt { id: id.receipt, file: file.clone(), at: now(), done: false };
    store.commit(Transaction::new().with(Change::TakeFile(receipt.clone()))).unwrap();
    assert_eq!(store.file(&file).unwrap(), Some(id.receipt));
    assert!(store.commit(Transaction::new().with(Change::TakeFile(receipt))).is_err());

    let key = InterchangeKey {
        sender: "a".into(),
        receiver: "b".into(),
        number: "1".into(),
        test: false,
    };
    let record = InterchangeRecord {
        key: Some(key.clone()),
        partner: "harbor".into(),
        payload,
        outcome: Outcome::Accepted,
        at: now(),
        test: false,
        documents: 1,
        answer: None,
        note: String::new(),
    };
    let outcome = Transaction::new()
        .with(Change::FirstSeen(
            key.clone(),
            Seen { id, payload, at: None, partner: String::new() },
            None,
        ))
        .with(Change::Outcome(id, record.clone()))
        .with(Change::FinishReceipt(id.receipt));
    store.commit(outcome.clone()).unwrap();
    assert!(matches!(store.commit(outcome), Err(Error::Conflict(_))));
    assert_eq!(
        store.seen(&key).unwrap(),
        Some(Seen { id, payload, at: None, partner: String::new() })
    );
    assert_eq!(store.interchanges(None, 10).unwrap(), vec![(id, record)]);
    assert!(store.receipt(id.receipt).unwrap().unwrap().done);
}

#[test]
fn an_acknowledgement_is_overdue_once_its_time_is_over_and_until_it_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let open = Expectation {
        set_text: String::new(),
        partner: "harbor".into(),
        group: 4,
        set: 1,
        set_id: "856".into(),
        document: "d".into(),
        sent: now(),
        due: now() + SignedDuration::from_hours(1),
        state: AckState::Open,
        warn: None,
        timing: None,
        repeated: 0,
        partial: false,
        answered: None,
    };
    store.commit(Transaction::new().with(Change::Expect(open.clone()))).unwrap();
    assert_eq!(store.overdue(now(), 10).unwrap(), vec![]);
    let tomorrow = now() + SignedDuration::from_hours(24);
    assert_eq!(store.overdue(tomorrow, 10).unwrap(), vec![open.clone()]);
    let closed =
        Expectation { state: AckState::Accepted, answered: Some(tomorrow), ..open.clone() };
    store.commit(Transaction::new().with(Change::Expect(closed.clone()))).unwrap();
    assert_eq!(store.overdue(tomorrow, 10).unwrap(), vec![]);
    assert_eq!(store.expectations("harbor", 4).unwrap(), vec![closed.clone()]);
    // What was read before it was answered takes nothing back.
    let partial = Expectation { partial: true, ..open.clone() };
    let replaced = Expectation { state: AckState::Replaced, ..open.clone() };
    for stale in [partial.clone(), replaced] {
        store.commit(Transaction::new().with(Change::Expect(stale))).unwrap();
        assert_eq!(store.expectations("harbor", 4).unwrap(), vec![closed.clone()]);
    }
    // Of another set a part was accepted, while its time ran out; and its time runs out.
    let overdue = |of: &Expectation| Expectation { state: AckState::Overdue, ..of.clone() };
    for (set, before) in [(2, overdue(&open)), (3, open.clone())] {
        let partial = Expectation { set, ..partial.clone() };
        for one in [Expectation { set, ..before }, partial.clone(), overdue(&partial)] {
            store.commit(Transaction::new().with(Change::Expect(one))).unwrap();
        }
        let all = store.expectations("harbor", 4).unwrap();
        assert_eq!(all.last(), Some(&overdue(&partial)));
    }
    let waiting = store.waiting_expectations(10).unwrap();
    assert_eq!(waiting.len(), 2, "each clock is there once: {waiting:?}");
}

#[test]
fn callers_in_parallel_share_flushes_and_each_number_is_used_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(EmbeddedStore::open(folder.path()).unwrap());
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let store = Arc::clone(&store);
            std::thread::spawn(move || {
                for _ in 0..25 {
                    let number = store.reserve_numbers(&series(), (1..=1000).into(), 1).unwrap()[0];
                    let mut use_it = Transaction::new().with(used(series(), number));
                    use_it.journal(entry(&number.to_string()));
                    store.commit(use_it).unwrap();
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    let journal = store.journal(0, 1000).unwrap();
    let sequence: Vec<u64> = journal.iter().map(|record| record.sequence).collect();
    assert_eq!(sequence, (1..=200).collect::<Vec<u64>>());
    let mut numbers: Vec<u64> =
        journal.iter().map(|record| record.entry.subject.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<u64>>());
}

/// Bytes that stay large when they are compressed, so that they have a file of their own.
pub fn large(seed: u64) -> Vec<u8> {
    let mut dice = crate::kill::Dice(seed);
    (0..100_000).map(|_| u8::try_from(dice.below(256)).unwrap()).collect()
}

#[test]
fn small_payloads_share_a_file_and_come_back_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = |number: u32| format!("ISA*00*{number}").repeat(20).into_bytes();
    let mut ids = Vec::new();
    for process in 0..3 {
        let store = EmbeddedStore::open(folder.path()).unwrap();
        for number in process * 100..process * 100 + 100 {
            ids.push(store.put_payload(&bytes(number)).unwrap());
            assert_eq!(store.payload(ids[number as usize]).unwrap(), bytes(number));
        }
        assert_eq!(store.put_payload(&bytes(0)).unwrap(), ids[0]);
        store.commit(Transaction::new()).unwrap();
    }
    let packs = folder.path().join("payloads/packs");
    let pack = |number: u32| packs.join(format!("{number:08}.pack"));
    assert_eq!(std::fs::read_dir(&packs).unwrap().count(), 3, "one a process");
    let beside = crossdock::store::Payloads::look(folder.path()).unwrap();
    assert_eq!(beside.get(ids[299]).unwrap(), bytes(299));
    // The end of the last was torn, and a block in the middle of the first is not what it was.
    let mut torn = std::fs::read(pack(1)).unwrap();
    let middle = torn.len() / 2 / 512 * 512;
    torn[middle + 100] ^= 1;
    std::fs::write(pack(1), torn).unwrap();
    let whole = std::fs::read(pack(3)).unwrap();
    std::fs::write(pack(3), &whole[..whole.len() - 1]).unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let lost: Vec<u32> = (0..300).filter(|n| store.payload(ids[*n as usize]).is_err()).collect();
    assert!(lost.len() >= 2 && lost.contains(&299), "{lost:?}");
    // What comes again is written anew.
    for &number in &lost {
        assert_eq!(store.put_payload(&bytes(number)).unwrap(), ids[number as usize]);
    }
    drop(store);
    let store = EmbeddedStore::open(folder.path()).unwrap();
    for number in 0..300 {
        assert_eq!(store.payload(ids[number as usize]).unwrap(), bytes(number));
    }
}

#[test]
fn what_was_handed_in_is_seen_by_what_is_handed_in_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let once = |number| {
        Transaction::new().with(used(series(), number)).with(work("lane", "", "one", now()))
    };
    let first = store.hand_in(&once(1)).unwrap();
    assert!(matches!(store.hand_in(&once(1)), Err(Error::Conflict(_))));
    assert_eq!(store.reserve_numbers(&series(), (1..=9).into(), 1).unwrap(), [2]);
    let second = store.hand_in(&once(2)).unwrap();
    store.settled(second).unwrap();
    store.settled(first).unwrap();
    let Taken::Work(works) = store.take("lane", now(), 9).unwrap() else {
        panic!("two are queued")
    };
    assert_eq!(works.len(), 2);
}

#[test]
fn payloads_come_back_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let bytes = large(1);
    let id = store.put_payload(&bytes).unwrap();
    assert_eq!(store.put_payload(&bytes).unwrap(), id);
    assert_eq!(store.payload(id).unwrap(), bytes);
    assert_eq!(id.to_string().parse::<PayloadId>().unwrap(), id);

    let name = id.to_string();
    let file = folder.path().join("payloads").join(&name[..2]).join(format!("{name}.zst"));
    let other = store.put_payload(&large(2)).unwrap().to_string();
    let other = folder.path().join("payloads").join(&other[..2]).join(format!("{other}.zst"));
    std::fs::copy(other, file).unwrap();
    assert!(matches!(store.payload(id), Err(Error::Payload { .. })));
}

#[test]
fn a_payload_that_was_torn_is_written_again_when_its_bytes_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let bytes = large(1);
    let id = store.put_payload(&bytes).unwrap();
    let name = id.to_string();
    let file = folder.path().join("payloads").join(&name[..2]).join(format!("{name}.zst"));
    let whole = std::fs::read(&file).unwrap();
    for torn in [&whole[..whole.len() / 2], &[], &vec![0; whole.len()]] {
        std::fs::write(&file, torn).unwrap();
        assert!(matches!(store.payload(id), Err(Error::Payload { .. })));
        assert_eq!(store.put_payload(&bytes).unwrap(), id);
        assert_eq!(store.payload(id).unwrap(), bytes);
    }
}

#[test]
fn a_payload_that_cannot_be_written_leaves_no_half() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let name = PayloadId::of(b"ISA").to_string();
    // A folder stands where the file should be.
    let place = folder.path().join("payloads").join(&name[..2]).join(format!("{name}.zst"));
    std::fs::create_dir_all(place.join("in the way")).unwrap();
    assert!(matches!(store.put_payload(b"ISA"), Err(Error::File { .. })));
    let halves = std::fs::read_dir(folder.path().join("payloads/tmp")).unwrap().count();
    assert_eq!(halves, 0);

    std::fs::create_dir_all(folder.path().join("answer.edi/in the way")).unwrap();
    crossdock::disk::write_to(folder.path(), "answer.edi", b"ISA").unwrap_err();
    assert!(!folder.path().join(".answer.edi.tmp").exists());
}

#[test]
fn a_store_that_does_not_fit_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let error = |path: &std::path::Path| match EmbeddedStore::open(path) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("opened"),
    };
    {
        let _open = EmbeddedStore::open(folder.path()).unwrap();
        assert!(
            error(folder.path()).contains("another process has it open"),
            "{}",
            error(folder.path())
        );
    }
    let format = folder.path().join("FORMAT");
    let ours = std::fs::read_to_string(&format).unwrap();
    std::fs::write(&format, "crossdock store format 7\n").unwrap();
    assert!(error(folder.path()).contains("newer Crossdock"));
    std::fs::write(&format, &ours).unwrap();

    std::fs::rename(folder.path().join("audit"), folder.path().join("away")).unwrap();
    assert!(error(folder.path()).contains("its audit log is missing"));
    assert!(!folder.path().join("audit").exists(), "nothing is made anew");
    std::fs::rename(folder.path().join("away"), folder.path().join("audit")).unwrap();
    EmbeddedStore::open(folder.path()).unwrap();
}

#[test]
fn old_journal_records_leave_the_database_and_the_log_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    for part in 0..23 {
        let mut many = Transaction::new();
        for number in 1..=1000 {
            many.journal(entry(&(part * 1000 + number).to_string()));
        }
        store.commit(many).unwrap();
    }
    store.tidy().unwrap();
    let kept = store.journal(0, usize::MAX).unwrap();
    assert_eq!((kept[0].sequence, kept.len()), (2_001, 21_000));
    store.tidy().unwrap();
    drop(store);
    let log = folder.path().join("audit/000000000001.log");
    let log = String::from_utf8(std::fs::read(log).unwrap()).unwrap();
    assert_eq!(log.matches(r#""event":"file_received""#).count(), 23_000);
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let mut more = Transaction::new();
    more.journal(entry("next"));
    assert_eq!(store.commit(more).unwrap()[0].sequence, 23_001);
}

#[cfg(unix)]
#[test]
fn a_file_is_not_written_through_a_link_that_somebody_put_there() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join("theirs");
    std::fs::write(&theirs, "precious").unwrap();
    std::os::unix::fs::symlink(&theirs, folder.path().join(".answer.edi.tmp")).unwrap();
    crossdock::disk::write_to(folder.path(), "answer.edi", b"ISA").unwrap();
    assert_eq!(std::fs::read(&theirs).unwrap(), b"precious");
    assert!(!folder.path().join("answer.edi").is_symlink());
}

/// Sled 0.34.7 takes the remains of a snapshot that a kill interrupted for the newest one; seen when the gateway was
/// killed at such a moment.
#[test]
fn a_snapshot_that_a_kill_interrupted_does_not_keep_the_store_shut() {
    let folder = tempfile::tempdir().unwrap();
    {
        let store = EmbeddedStore::open(folder.path()).unwrap();
        store.commit(Transaction::new().with(used(series(), 7))).unwrap();
    }
    let remains = folder.path().join("state/snap.7FFFFFFFFFFFFFFF.generating");
    std::fs::write(&remains, b"").unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    assert_eq!(store.reserve_numbers(&series(), (1..=100).into(), 1).unwrap(), [8]);
    assert!(!remains.exists());
}

#[test]
fn what_nobody_waits_for_is_written_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let queued = Transaction::new().with(work("lane", "", "one", now()));
    let handed_in = store.hand_in(&queued).unwrap();
    // It would hang here.
    while store.queued("lane", 10).unwrap().is_empty() {
        std::thread::yield_now();
    }
    store.settled(handed_in).unwrap();
}

#[test]
fn what_is_behind_work_that_is_handed_in_as_done_does_not_wait_for_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let mut queued = Transaction::new();
    for name in ["first", "second", "third"] {
        queued.push(work("lane", "po 1", name, now()));
    }
    store.commit(queued).unwrap();
    let lane = || "lane".to_owned();

    let (first, name) = taken(&store, "lane", now()).unwrap();
    assert_eq!(name, "first");
    assert_eq!(taken(&store, "lane", now()), None);
    let done = Transaction::new().with(Change::Done { lane: lane(), work: first });
    let handed_in = store.hand_in(&done).unwrap();
    let (second, name) = taken(&store, "lane", now()).unwrap();
    assert_eq!(name, "second");

    // One that failed holds up those behind it, before the disk has that and after.
    let (due, error) = (now() + SignedDuration::from_mins(1), "no".to_owned());
    let retried = Transaction::new().with(Change::Retry { lane: lane(), work: second, due, error });
    let failed = store.hand_in(&retried).unwrap();
    assert_eq!(taken(&store, "lane", now()), None);
    store.settled(handed_in).unwrap();
    store.settled(failed).unwrap();
    assert_eq!(taken(&store, "lane", now()), None);
    assert_eq!(taken(&store, "lane", due).unwrap().1, "second");
}
