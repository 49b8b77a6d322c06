//! What the whole gateway does, on a real disk: how many interchanges a second, how long one takes, and what many
//! mailboxes cost. Each figure is printed with the one that is wanted.
//!
//! `cargo bench --bench gateway` runs all three; `-- speed`, `-- latency` or `-- mailboxes` one of them.
//! `CROSSDOCK_BENCH_INTERCHANGES` (100000), `CROSSDOCK_BENCH_SECONDS` (60) and `CROSSDOCK_BENCH_MAILBOXES` (2000) set
//! their sizes, `CROSSDOCK_BENCH_FOLDER` the disk (target/tmp). Leave five minutes between two runs: ext4 is slow to make
//! files where many were removed in the last minutes, so that what a run has made is removed only at its end.

mod common;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use common::{load, verdict};
use crossdock::gateway::{Config, Event, Gateway};
use crossdock::store::{InterchangeId, Outcome};
use crossdock::translate::Engine;
use jiff::Timestamp;
use tokio::sync::{broadcast, watch};

const PROFILE: &str = include_str!("../partner-profiles/harbor-and-pine/partner.toml");
const PARTNER: &str = "harbor-and-pine";
const INBOUND: &str = "mailboxes/harbor-and-pine/inbound";
const OUTBOUND: &str = "mailboxes/harbor-and-pine/outbound";
const ORDERS: &str = "warehouse/harbor-and-pine/orders";

/// Interchanges a second that are wanted.
const SPEED: f64 = 1500.0;
/// The least share of group-committed appends that is wanted.
const SHARE: f64 = 0.25;
/// Callers of the group-committed appends.
const CALLERS: u32 = 32;
/// Files that lie in the mailbox at a time.
const WINDOW: usize = 4000;
/// Arrivals a second whose latency is measured, and the longest that 99 of 100 may take.
const ARRIVALS: u32 = 100;
const LATENCY: Duration = Duration::from_millis(50);
/// What the process with many mailboxes may need.
const MEMORY_MEBIBYTES: u64 = 300;
/// Appends of the baseline.
const APPENDS: u32 = 3000;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let runs = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    let place = std::env::var_os("CROSSDOCK_BENCH_FOLDER")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    fs::create_dir_all(&place).expect("the folder can be made");
    println!("{} on {}; load {}", place.display(), file_system(&place), load());
    let mut made = Vec::new();
    if runs("speed") {
        made.push(speed(&place, size("INTERCHANGES", 100_000)));
    }
    if runs("latency") {
        made.push(latency(&place, size("SECONDS", 60)));
    }
    if runs("mailboxes") {
        made.push(mailboxes(&place, size("MAILBOXES", 2000)));
    }
    drop(made);
}

fn size(name: &str, usual: u32) -> u32 {
    let given = std::env::var(format!("CROSSDOCK_BENCH_{name}")).ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// The file system that a folder is on, as `/proc/mounts` has it.
fn file_system(folder: &Path) -> String {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let folder = folder.canonicalize().unwrap_or_default();
    let found = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (at, kind) = (words.next()?, words.next()?);
        folder.starts_with(at).then_some((at.len(), kind))
    });
    found.max().map_or_else(|| "an unknown file system".to_owned(), |(_, kind)| kind.to_owned())
}

/// A gateway in this process, in a folder of its own.
struct Site {
    folder: tempfile::TempDir,
    gateway: Arc<Gateway>,
    runtime: tokio::runtime::Runtime,
    stopper: watch::Sender<bool>,
    running: tokio::task::JoinHandle<Result<(), crossdock::gateway::Error>>,
}

impl Site {
    fn new(place: &Path) -> Self {
        let folder = tempfile::tempdir_in(place).expect("a folder can be made");
        lay_out(folder.path(), &[(PARTNER.to_owned(), PROFILE.replace("= 5 ", "= 1 "))], 1);
        let config = Config::read(&folder.path().join("crossdock.toml")).expect("it is sound");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        let gateway = {
            let _within = runtime.enter();
            Gateway::open(config, Engine::embedded()).expect("the gateway opens")
        };
        let (stopper, stop) = watch::channel(false);
        let running = runtime.spawn(Arc::clone(&gateway).run(stop));
        Self { folder, gateway, runtime, stopper, running }
    }

    fn path(&self, place: &str) -> PathBuf {
        self.folder.path().join(place)
    }

    /// Its folder is left to be removed.
    fn close(self) -> tempfile::TempDir {
        self.stopper.send(true).expect("it runs");
        let ended = self.runtime.block_on(self.running);
        ended.expect("it does not panic").expect("it ends well");
        self.folder
    }
}

fn lay_out(folder: &Path, partners: &[(String, String)], poll_seconds: u32) {
    let config = format!(
        "data = \"data\"\nprofiles = \"partners\"\npoll_seconds = {poll_seconds}\nsettle_milliseconds = 5\n\
         [endpoints.warehouse]\nfolder = \"warehouse\"\n[log]\nlevel = \"warn\"\n"
    );
    fs::write(folder.join("crossdock.toml"), config).expect("written");
    for (name, profile) in partners {
        let partner = folder.join("partners").join(name);
        fs::create_dir_all(&partner).expect("made");
        fs::write(partner.join("partner.toml"), profile).expect("written");
        fs::create_dir_all(folder.join("mailboxes").join(name).join("inbound")).expect("made");
    }
}

/// An interchange with an 850 of some 2 KB.
fn order(number: u32, sender: &str) -> String {
    common::interchange(sender, number, 1, &common::order(&format!("PO-{number:07}"), "0001"))
}

/// From a folder to durable, acknowledged and queued, against a bare loop and group-committed appends.
fn speed(place: &Path, count: u32) -> tempfile::TempDir {
    let record = order(1, "6125550100");
    let bare = appends(place, record.as_bytes(), 1).expect("appended");
    let grouped = appends(place, record.as_bytes(), CALLERS).expect("appended");
    let site = Site::new(place);
    let staged = site.path("staged");
    fs::create_dir_all(&staged).expect("made");
    for number in 1..=count {
        fs::write(staged.join(format!("{number:07}.edi")), order(number, "6125550100"))
            .expect("written");
    }
    // The partner wrote them long ago: writing them out is no part of what is measured.
    let _ = Command::new("sync").status();
    let begun = Instant::now();
    let inbound = site.path(INBOUND);
    let moving = std::thread::spawn(move || move_in(&staged, &inbound, count));
    let mut after: Option<InterchangeId> = None;
    let mut done = 0;
    let mut slices = vec![(0.0, 0)];
    while done < count {
        let more = site.gateway.store().interchanges(after, 5000).expect("read");
        assert!(more.iter().all(|(_, record)| record.outcome == Outcome::Accepted));
        done += u32::try_from(more.len()).expect("few");
        after = more.last().map(|(id, _)| *id).or(after);
        if done - slices[slices.len() - 1].1 >= count / 10 {
            slices.push((begun.elapsed().as_secs_f64(), done));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let queued = begun.elapsed().as_secs_f64();
    moving.join().expect("all are moved");
    let delivered = |place: &str| fs::read_dir(site.path(place)).map_or(0, Iterator::count);
    while delivered(ORDERS) < count as usize || delivered(OUTBOUND) < count as usize {
        std::thread::sleep(Duration::from_millis(100));
    }
    let delivered = begun.elapsed().as_secs_f64();
    let folder = site.close();
    let rate = f64::from(count) / queued;
    let tenths: Vec<String> = slices
        .windows(2)
        .map(|pair| format!("{:.0}", f64::from(pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0)))
        .collect();
    println!("speed: {count} interchanges of one 850 with {} bytes", record.len());
    println!(
        "  durable, acknowledged, queued   {rate:>8.0}/s   wanted {SPEED:.0}   {}",
        verdict(rate >= SPEED)
    );
    println!("  each tenth                      {}", tenths.join(" "));
    println!("  also delivered, both ways       {:>8.0}/s", f64::from(count) / delivered);
    println!("  bare append + fdatasync         {bare:>8.0}/s   ratio {:.2}", rate / bare);
    println!(
        "  group-committed, {CALLERS} callers     {grouped:>8.0}/s   ratio {:.2}   wanted {SHARE}   {}",
        rate / grouped,
        verdict(rate / grouped >= SHARE)
    );
    println!("  peak memory {} MiB; load {}", peak_mebibytes("self"), load());
    folder
}

/// Hands files into the mailbox, a few thousand at a time.
fn move_in(staged: &Path, inbound: &Path, count: u32) {
    let mut moved = 0;
    while moved < count {
        let waiting = fs::read_dir(inbound).map_or(0, Iterator::count);
        for _ in waiting..WINDOW.min(waiting + (count - moved) as usize) {
            moved += 1;
            let name = format!("{moved:07}.edi");
            fs::rename(staged.join(&name), inbound.join(&name)).expect("moved");
        }
        // To list thousands of files takes time of those that are measured.
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// How many records a second are durable, by so many callers who each wait for their own before the next.
fn appends(place: &Path, record: &[u8], callers: u32) -> io::Result<f64> {
    let mut file = tempfile::tempfile_in(place)?;
    let begun = Instant::now();
    if callers == 1 {
        for _ in 0..APPENDS {
            file.write_all(record)?;
            file.sync_data()?;
        }
        return Ok(f64::from(APPENDS) / begun.elapsed().as_secs_f64());
    }
    let (hand_in, waiting) = channel::<(Vec<u8>, Sender<()>)>();
    let writer = std::thread::spawn(move || group_commit(&mut file, &waiting));
    let threads: Vec<_> = (0..callers)
        .map(|_| {
            let (hand_in, record) = (hand_in.clone(), record.to_vec());
            std::thread::spawn(move || {
                let (answer, answered) = channel();
                for _ in 0..APPENDS {
                    hand_in.send((record.clone(), answer.clone())).expect("the writer runs");
                    answered.recv().expect("the writer answers");
                }
            })
        })
        .collect();
    drop(hand_in);
    for thread in threads {
        thread.join().expect("it ends");
    }
    let seconds = begun.elapsed().as_secs_f64();
    writer.join().expect("it ends")?;
    Ok(f64::from(callers * APPENDS) / seconds)
}

fn group_commit(file: &mut File, waiting: &Receiver<(Vec<u8>, Sender<()>)>) -> io::Result<()> {
    while let Ok((mut bytes, first)) = waiting.recv() {
        let mut answers = vec![first];
        while let Ok((more, answer)) = waiting.try_recv() {
            bytes.extend_from_slice(&more);
            answers.push(answer);
        }
        file.write_all(&bytes)?;
        file.sync_data()?;
        // A caller that is gone has nothing to be told.
        for answer in answers {
            let _ = answer.send(());
        }
    }
    Ok(())
}

/// From the look that finds a file finished to its 997 in the outbox, and in the partner's folder.
fn latency(place: &Path, seconds: u32) -> tempfile::TempDir {
    let site = Site::new(place);
    let count = seconds * ARRIVALS;
    let records = site.gateway.subscribe();
    let listening = std::thread::spawn(move || listen(records, count as usize));
    let (inbound, half) = (site.path(INBOUND), site.path("half"));
    let begun = Instant::now();
    for number in 1..=count {
        fs::write(&half, order(number, "6125550100")).expect("written");
        let due = Duration::from_secs(1) * number / ARRIVALS;
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        fs::rename(&half, inbound.join(format!("{number:07}.edi"))).expect("moved");
        site.gateway.look_now();
    }
    let (mut queued, mut sent) = listening.join().expect("all are answered");
    let folder = site.close();
    println!("latency: {ARRIVALS} a second, {seconds} s");
    let all =
        [("997 in the outbox, durable", &mut queued), ("997 in the partner's folder", &mut sent)];
    for (what, times) in all {
        times.sort_unstable();
        let at = |share: usize| {
            times[(times.len() * share / 1000).min(times.len() - 1)].as_secs_f64() * 1e3
        };
        println!(
            "  {what:<30} p50 {:>6.1} ms   p99 {:>6.1} ms   p99.9 {:>6.1} ms   wanted p99 under {} ms   {}",
            at(500),
            at(990),
            at(999),
            LATENCY.as_millis(),
            verdict(at(990) < LATENCY.as_secs_f64() * 1e3)
        );
    }
    println!("  load {}", load());
    folder
}

/// How long each answer took since its file was seen: until it was queued, and until it was sent.
fn listen(
    mut records: broadcast::Receiver<crossdock::gateway::JournalRecord>,
    count: usize,
) -> (Vec<Duration>, Vec<Duration>) {
    let (mut queued, mut sent) = (Vec::new(), Vec::new());
    let (mut seen, mut early) = (HashMap::new(), HashMap::new());
    while sent.len() < count {
        let record = records.blocking_recv().expect("it is not too slow");
        let now = Timestamp::now();
        let between = |at: Timestamp, then: Timestamp| {
            Duration::try_from(then.duration_since(at)).unwrap_or_default()
        };
        let since = |at: Timestamp| between(at, now);
        let entry = record.entry;
        match entry.event {
            Event::AcknowledgementRendered => {
                let at: Timestamp = entry.facts["received"].parse().expect("a time");
                queued.push(since(at));
                match early.remove(&entry.subject) {
                    Some(then) => sent.push(between(at, then)),
                    None => _ = seen.insert(entry.subject, at),
                }
            }
            // What a lane has done may be told of before what gave it the work.
            Event::InterchangeSent => match seen.remove(&entry.subject) {
                Some(at) => sent.push(since(at)),
                None => _ = early.insert(entry.subject, now),
            },
            _ => {}
        }
    }
    (queued, sent)
}

/// The real program with many mailboxes, each looked into once a minute.
fn mailboxes(place: &Path, count: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir_in(place).expect("a folder can be made");
    let sender = |number: u32| format!("{:010}", 7_000_000_000_u64 + u64::from(number));
    let name = |number: u32| format!("partner-{number:05}");
    let profile = |number: u32| {
        PROFILE
            .replace("id = \"6125550100", &format!("id = \"{}", sender(number)))
            .replace("mailboxes/harbor-and-pine", &format!("mailboxes/{}", name(number)))
            .replace("poll_seconds = 5", "poll_seconds = 60")
    };
    let partners: Vec<(String, String)> = (1..=count).map(|n| (name(n), profile(n))).collect();
    lay_out(folder.path(), &partners, 60);
    let begun = Instant::now();
    let mut running = Running(serve(folder.path()));
    let inbound = |number| folder.path().join("mailboxes").join(name(number)).join("inbound");
    let answered = |number| {
        let outbound = folder.path().join("mailboxes").join(name(number)).join("outbound");
        fs::read_dir(outbound).map_or(0, Iterator::count)
    };
    // One order into each, twice: each is looked into, and looked into again.
    let mut started = None;
    for round in 1..=2 {
        for number in 1..=count {
            let half = folder.path().join("half");
            fs::write(&half, order(round, &sender(number))).expect("written");
            fs::rename(half, inbound(number).join(format!("{round}.edi"))).expect("moved");
        }
        for number in 1..=count {
            while answered(number) < round as usize {
                assert!(running.0.try_wait().expect("asked").is_none(), "it has ended");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        started.get_or_insert_with(|| begun.elapsed());
    }
    let process = running.0.id().to_string();
    let idle = Duration::from_mins(1);
    let before = processor_seconds(&process);
    std::thread::sleep(idle);
    let busy = (processor_seconds(&process) - before) / idle.as_secs_f64();
    let peak = peak_mebibytes(&process);
    println!("mailboxes: {count}, looked into once a minute by one process");
    println!(
        "  peak memory                     {peak:>8} MiB  wanted under {MEMORY_MEBIBYTES}   {}",
        verdict(peak < MEMORY_MEBIBYTES)
    );
    println!("  processor while nothing comes   {:>8.1} % of one core", busy * 100.0);
    println!(
        "  first round answered after {:.0} s; load {}",
        started.unwrap_or_default().as_secs_f64(),
        load()
    );
    folder
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .args(["serve", "--config"])
        .arg(folder.join("crossdock.toml"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts")
}

/// The most memory that a process has had; 0 where the system does not tell.
fn peak_mebibytes(process: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// Processor time that a process has had, in seconds.
fn processor_seconds(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let words: Vec<f64> = stat.split(' ').filter_map(|word| word.parse().ok()).collect();
    // utime and stime, in hundredths of a second; the name and the state before them are no numbers.
    words.get(11..13).map_or(0.0, |ticks| ticks.iter().sum::<f64>() / 100.0)
}
