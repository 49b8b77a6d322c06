//! Many interchanges, and a kill every minute: what the process needs of memory and disk is written down at each kill,
//! then the partner acknowledges, a person settles what is open, and all that is over is retired. In the end nothing is
//! lost or done twice. `CROSSDOCK_SOAK` sets how many files (600 unless set), `CROSSDOCK_SOAK_SECONDS` the time between
//! kills (1). `tests/soak` runs it with many.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::kill::{Dice, Running, Yard, finish_running, holds};

/// Files that wait in the mailbox at a time.
const WINDOW: usize = 2000;
/// No more come while so much waits to be handed over: a queue that only grows would be all that is measured.
const BACKLOG_MAX: u64 = 5000;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What a process has of memory now and had at most, in MiB.
fn memory(running: &Running) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{}/status", running.0.id())).unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) / 1024
    };
    (of("VmRSS:"), of("VmHWM:"))
}

/// What the files below a folder take on the disk, in MiB.
fn disk(folder: &Path) -> u64 {
    fn bytes(folder: &Path) -> u64 {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| match entry.metadata() {
                Ok(data) if data.is_dir() => bytes(&entry.path()),
                Ok(data) => data.len(),
                Err(_) => 0,
            })
            .sum()
    }
    bytes(folder) >> 20
}

/// What waits to be handed over or sent, as the gateway told last.
fn backlog(yard: &Yard) -> u64 {
    let status = fs::read(yard.path("data/status.json")).unwrap_or_default();
    let status: serde_json::Value = serde_json::from_slice(&status).unwrap_or_default();
    let lanes = ["call harbor-and-pine", "send harbor-and-pine"];
    lanes.iter().filter_map(|lane| status["waiting"][lane].as_u64()).max().unwrap_or(0)
}

#[test]
fn soak() {
    let count = setting("CROSSDOCK_SOAK").unwrap_or(600);
    let window = WINDOW.min(usize::try_from(count).unwrap() / 6);
    let between = Duration::from_secs(setting("CROSSDOCK_SOAK_SECONDS").unwrap_or(1));
    let mut dice = Dice(0x0C05_5D0C);
    let mut yard = Yard::new();
    if setting("CROSSDOCK_SOAK").is_some() {
        // As it ships.
        yard.compacts_over(512);
    }
    let (begun, mut dropped, mut kills) = (Instant::now(), 0, 0);
    println!("minute  files  memory  most   log  database  payloads (MiB)");
    while dropped < count {
        let before = yard.started();
        let mut running = yard.start();
        while yard.started() == before {
            assert!(running.0.try_wait().unwrap().is_none(), "it ended: {}", yard.last_words());
            std::thread::sleep(Duration::from_millis(20));
        }
        let (started, so_far) = (Instant::now(), dropped);
        // However slow the machine is: each life takes something in.
        while dropped < count && (dropped == so_far || started.elapsed() < between) {
            assert!(running.0.try_wait().unwrap().is_none(), "it ended: {}", yard.last_words());
            let waiting = yard.names("mailboxes/harbor-and-pine/inbound").len();
            let room = if backlog(&yard) < BACKLOG_MAX { window } else { 0 };
            for _ in waiting..room {
                yard.drop_inbound(&mut dice);
                dropped += 1;
                if dice.below(20) == 0 {
                    yard.drop_outbound();
                }
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        let ((now, most), minutes) = (memory(&running), begun.elapsed().as_secs() / 60);
        drop(running);
        kills += 1;
        let [log, database, payloads] =
            ["audit", "state", "payloads"].map(|part| disk(&yard.path("data").join(part)));
        println!(
            "{minutes:>6} {dropped:>6} {now:>7} {most:>5} {log:>5} {database:>9} {payloads:>9}"
        );
        yard.drop_acknowledgements();
        yard.dismiss_all();
        print!("{}", yard.retire());
    }
    for _ in 0..2 {
        finish_running(&yard, &mut yard.start());
        yard.drop_acknowledgements();
        yard.drop_inbound(&mut dice);
    }
    finish_running(&yard, &mut yard.start());
    let (interchanges, answers) = holds(&yard);
    let minutes = begun.elapsed().as_secs() / 60;
    println!(
        "{interchanges} interchanges, {answers} acknowledgements, {kills} kills, {minutes} minutes"
    );
    // What is left is what is never retired.
    yard.dismiss_all();
    print!("{}{}", yard.retire(), yard.command(&["store", "compact"]));
    yard.command(&["store", "rebuild"]);
    assert_eq!(holds(&yard), (interchanges, answers));
    println!("made anew, the database has {} MiB", disk(&yard.path("data/state")));
}
