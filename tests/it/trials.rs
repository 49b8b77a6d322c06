//! The process dies before and after every named step, and the disk fails at every place where something is written.
//! Nothing is lost, nothing is done twice, no control number is repeated: what [`super::kill`] asks, at moments that
//! are chosen. `CROSSDOCK_SEEDS` sets how many loads are tried with each (2 unless set).

use std::fs;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::kill::{Dice, Running, Yard, finish_running, holds};

/// Every step that a file or document takes; each has a point before and one after it.
const STEPS: [&str; 8] =
    ["receive", "persist", "tell", "archive", "acknowledge", "number", "render", "send"];
/// Trials that run at the same time: they mostly wait.
const AT_ONCE: usize = 4;
/// Only ends a test that hangs.
const PATIENCE: Duration = Duration::from_mins(4);

/// What the disk refuses, where, from which time on (what comes before belongs to the start), and whether the gateway
/// then ends by itself.
const FAULTS: [(&str, &str, u64, bool); 16] = [
    ("write", "/audit/", 3, true),
    ("sync", "/audit/", 5, true),
    ("sync", "state/db", 3, true),
    ("sync", "packs/open", 2, true),
    // The first pack is begun at the start.
    ("create", "payloads/packs", 1, true),
    ("write", "payloads/packs", 4, false),
    ("create", "/outbound/", 1, false),
    ("write", "/outbound/", 1, false),
    ("sync", "/outbound/", 1, false),
    ("rename", "/outbound/", 1, false),
    ("create", "/orders/", 1, false),
    ("write", "/orders/", 1, false),
    ("sync", "/orders/", 1, false),
    ("rename", "/orders/", 1, false),
    ("rename", "/archive/", 1, false),
    ("rename", "/quarantine/", 1, false),
];

/// The same of the copy that a compaction makes, and whether the gateway then ends: before the renames everything stays
/// as it is.
const COMPACTION_FAULTS: [(&str, &str, u64, bool); 8] = [
    // Its folder.
    ("sync", "state.compacting", 1, false),
    // As it is made, and once everything is copied.
    ("sync", "state.compacting/db", 1, false),
    ("sync", "state.compacting/db", 2, false),
    ("sync", "state.compacting/db", 3, false),
    ("sync", "state.compacting/db", 4, false),
    ("sync", "state.compacting/db", 5, false),
    ("rename", "data/state.replaced", 1, false),
    // That is the first.
    ("rename", "data/state", 2, true),
];

fn seeds() -> u64 {
    std::env::var("CROSSDOCK_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(2)
}

/// Tries all of them, some at a time.
fn try_all<T: Send>(trials: Vec<T>, attempt: impl Fn(T) + Sync) {
    let trials = Mutex::new(trials);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(trial) = trials.lock().unwrap().pop() else { return };
                    attempt(trial);
                }
            });
        }
    });
}

/// A small load: every kind of file and some invoices.
fn loaded(dice: &mut Dice) -> Yard {
    let mut yard = Yard::new();
    for kind in [4, 0, 1, 2, 3] {
        yard.drop_kind(kind);
    }
    for _ in 0..4 {
        yard.drop_inbound(dice);
    }
    for _ in 0..3 {
        yard.drop_outbound();
    }
    yard
}

/// Waits until it ends by itself.
fn ended(yard: &Yard, running: &mut Running, trial: &str) -> std::process::ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = running.0.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < deadline, "{trial}: it does not end: {}", yard.last_words());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn dying_before_and_after_every_step_loses_and_repeats_nothing() {
    let points = STEPS.iter().flat_map(|step| ["before", "after"].map(|side| (step, side)));
    let trials: Vec<(String, u64)> = points
        .flat_map(|(step, side)| (1..=seeds()).map(move |seed| (format!("{step}.{side}"), seed)))
        .collect();
    let count = trials.len();
    try_all(trials, |(point, seed)| {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9) + 1);
        let yard = loaded(&mut dice);
        let trial = format!("die {point} {}", 1 + dice.below(3));
        let status = ended(&yard, &mut yard.start_trying(&trial), &trial);
        assert_eq!(status.code(), None, "{trial}: it died of {status}; {}", yard.last_words());
        finish_running(&yard, &mut yard.start_trying(""));
        holds(&yard);
    });
    println!("{count} deaths at {} points", STEPS.len() * 2);
}

#[test]
fn a_disk_that_fails_at_any_write_is_told_of_and_loses_nothing() {
    let trials: Vec<_> =
        FAULTS.iter().flat_map(|fault| (1..=seeds()).map(move |seed| (*fault, seed))).collect();
    let count = trials.len();
    try_all(trials, |((deed, place, from, ends), seed)| {
        let mut dice = Dice(seed.wrapping_mul(0x85EB_CA6B) + 1);
        let yard = loaded(&mut dice);
        // Input/output error, or no space.
        let (code, words) =
            if seed % 2 == 1 { (5, "Input/output error") } else { (28, "No space left") };
        let times = if ends { 1_000_000 } else { 2 };
        let trial = format!("fail {deed} {place} {from} {times} {code}");
        let mut running = yard.start_trying(&trial);
        if ends {
            let status = ended(&yard, &mut running, &trial);
            assert_eq!(status.code(), Some(2), "{trial}: {}", yard.last_words());
            // Where it has begun to work its health tells.
            if let Ok(told) = fs::read_to_string(yard.path("data/status.json")) {
                let stands = told.contains("\"running\": false") && told.contains(words);
                assert!(stands, "{trial}: {told}");
            }
            running = yard.start_trying("");
        }
        finish_running(&yard, &mut running);
        let log = fs::read_to_string(yard.path("log")).unwrap();
        assert!(log.contains(words), "{trial}: nothing is told");
        holds(&yard);
    });
    println!("{count} failures at {} places", FAULTS.len());
}

/// A load that is worked off, after which the database is compacted, and more to do meanwhile.
fn grown(dice: &mut Dice) -> Yard {
    let mut yard = loaded(dice);
    yard.compacts_over(1000);
    for _ in 0..200 {
        yard.drop_inbound(dice);
    }
    finish_running(&yard, &mut yard.start_trying(""));
    yard.compacts_over(1);
    for _ in 0..4 {
        yard.drop_inbound(dice);
        yard.drop_outbound();
    }
    yard
}

#[test]
fn dying_while_the_database_is_compacted_loses_and_repeats_nothing() {
    let points = ["before", "between", "after"];
    let trials: Vec<(&str, u64)> =
        points.iter().flat_map(|point| (1..=seeds()).map(move |seed| (*point, seed))).collect();
    try_all(trials, |(point, seed)| {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9) + 2);
        let mut yard = grown(&mut dice);
        let trial = format!("die compact.{point} 1");
        let status = ended(&yard, &mut yard.start_trying(&trial), &trial);
        assert_eq!(status.code(), None, "{trial}: it died of {status}; {}", yard.last_words());
        yard.drop_inbound(&mut dice);
        finish_running(&yard, &mut yard.start_trying(""));
        let left = ["state.compacting", "state.replaced"]
            .map(|name| yard.path("data").join(name).exists());
        assert_eq!(left, [false; 2], "{trial}");
        holds(&yard);
        assert!(!fs::read_to_string(yard.path("log")).unwrap().contains("made anew"), "{trial}");
    });
}

#[test]
fn a_disk_that_fails_while_the_database_is_compacted_is_told_of_and_loses_nothing() {
    let trials: Vec<_> = COMPACTION_FAULTS
        .iter()
        .flat_map(|fault| (1..=seeds()).map(move |seed| (*fault, seed)))
        .collect();
    try_all(trials, |((deed, place, from, ends), seed)| {
        let mut dice = Dice(seed.wrapping_mul(0x85EB_CA6B) + 2);
        let mut yard = grown(&mut dice);
        let (code, words) =
            if seed % 2 == 1 { (5, "Input/output error") } else { (28, "No space left") };
        let trial = format!("fail {deed} {place} {from} 1 {code}");
        let mut running = yard.start_trying(&trial);
        let log = || fs::read_to_string(yard.path("log")).unwrap();
        if ends {
            let status = ended(&yard, &mut running, &trial);
            assert_eq!(status.code(), Some(2), "{trial}: {}", yard.last_words());
            running = yard.start_trying("");
        } else {
            let deadline = Instant::now() + PATIENCE;
            while !log().contains("cannot be compacted") {
                assert!(running.0.try_wait().unwrap().is_none(), "{trial}: it ended: {}", log());
                assert!(Instant::now() < deadline, "{trial}: {}", log());
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        assert!(log().contains(words), "{trial}: {}", log());
        // It goes on as if nothing had been.
        yard.drop_inbound(&mut dice);
        finish_running(&yard, &mut running);
        yard.drop_inbound(&mut dice);
        finish_running(&yard, &mut yard.start_trying(""));
        holds(&yard);
        let log = fs::read_to_string(yard.path("log")).unwrap();
        assert!(!log.contains("made anew"), "{trial}: {log}");
    });
}
