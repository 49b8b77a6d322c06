//! `kill -9` at random moments under load: nothing is lost, nothing is done twice, no control number is repeated.
//!
//! The real program runs in a folder of its own while files are dropped on both sides; it is killed and started
//! again, then left to finish. `CROSSDOCK_KILLS` sets how often (100 unless set). No time is asserted; the one
//! timeout only ends a test that hangs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crossdock::store::{EmbeddedStore, InterchangeId, InterchangeRecord, Outcome, Records};
use crossdock::x12::{Event, Reader};

use super::recovery::raw;

const PROFILE: &str = include_str!("../../partner-profiles/harbor-and-pine/partner.toml");
const CONFIG: &str = r#"
data = "data"
profiles = "partners"
poll_seconds = 1
settle_milliseconds = 10

[endpoints.warehouse]
folder = "warehouse"

[log]
level = "warn"

[limits]
retry_seconds_first = 1
# The least: it is compacted again and again.
database_mebibytes = 1
"#;

/// A seeded generator (xorshift64*), so that a run can be repeated.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % bound
    }
}

/// What an interchange that was dropped has to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Order,
    Acknowledgement,
    Rejected,
    Duplicate,
    Quarantined,
}

/// The running program; killed when the test ends, however it ends.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The bit of SIGTERM among the signals that a process catches.
const SIGTERM: u64 = 1 << 14;

/// Tells it to stop, as an operator would, and waits for its end. A signal that came before it listens to them would end
/// it at once.
pub fn stop(running: &mut Running) -> ExitStatus {
    let id = running.0.id().to_string();
    let listens = || {
        // Where there is no such file, nobody can tell.
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.map(|mask| u64::from_str_radix(mask.trim(), 16).unwrap());
        caught.is_none_or(|mask| mask & SIGTERM != 0)
    };
    let deadline = Instant::now() + Duration::from_mins(4);
    while !listens() {
        assert!(running.0.try_wait().unwrap().is_none(), "the gateway ended");
        assert!(Instant::now() < deadline, "it never listens to signals");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    running.0.wait().unwrap()
}

/// Starts the program in a folder with a `crossdock.toml`, with something that is to happen to it; see `disk::trial`.
pub fn start_in(folder: &Path, trial: &str) -> Running {
    let log = fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .args(["serve", "--config"])
        .arg(folder.join("crossdock.toml"))
        .env("CROSSDOCK_TRIAL", trial)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn();
    Running(child.unwrap())
}

pub struct Yard {
    folder: tempfile::TempDir,
    next: u32,
    /// Fate by file name; a file may hold several interchanges.
    dropped: BTreeMap<String, Vec<Fate>>,
    orders: BTreeSet<String>,
    /// GS06 of every group that has to be answered.
    groups: BTreeSet<String>,
    sent: BTreeSet<String>,
    /// The last order that may be repeated: the name of its file, and what is in it.
    last: Option<(String, String)>,
    /// Names of files with the same in them, by the name of the first.
    repeated: BTreeMap<String, Vec<String>>,
    /// Files of the partner's folder that were looked at.
    seen: BTreeSet<String>,
    /// What had ended when history was retired: the name of its file, and how.
    ended: BTreeMap<InterchangeId, (String, Outcome)>,
}

impl Yard {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let profile = folder.path().join("partners/harbor-and-pine");
        fs::create_dir_all(&profile).unwrap();
        fs::write(folder.path().join("crossdock.toml"), CONFIG).unwrap();
        let profile_text = PROFILE.replace("poll_seconds = 5", "poll_seconds = 1");
        fs::write(profile.join("partner.toml"), profile_text).unwrap();
        for place in ["inbound", "outbound"] {
            fs::create_dir_all(folder.path().join("mailboxes/harbor-and-pine").join(place))
                .unwrap();
        }
        for kind in ["orders", "shipments", "invoices"] {
            fs::create_dir_all(folder.path().join("warehouse/harbor-and-pine").join(kind)).unwrap();
        }
        Self {
            folder,
            next: 0,
            dropped: BTreeMap::new(),
            orders: BTreeSet::new(),
            groups: BTreeSet::new(),
            sent: BTreeSet::new(),
            last: None,
            repeated: BTreeMap::new(),
            seen: BTreeSet::new(),
            ended: BTreeMap::new(),
        }
    }

    /// Sets how large, in MiB, the file of the database is at least when it is compacted.
    pub fn compacts_over(&self, mebibytes: u32) {
        let least = |size| format!("database_mebibytes = {size}\n");
        let config = CONFIG.replace(&least(1), &least(mebibytes));
        fs::write(self.path("crossdock.toml"), config).unwrap();
    }

    pub fn path(&self, place: &str) -> PathBuf {
        self.folder.path().join(place)
    }

    fn put(&self, place: &str, name: &str, bytes: &[u8]) {
        let half = self.path(place).join(format!(".{name}.tmp"));
        fs::write(&half, bytes).unwrap();
        fs::rename(half, self.path(place).join(name)).unwrap();
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// Drops an inbound file: mostly an order, now and then something that must end otherwise.
    pub fn drop_inbound(&mut self, dice: &mut Dice) {
        self.drop_kind(dice.below(10));
    }

    /// Drops one of ten kinds: 0 repeats the last order, 1 is of nobody known, 2 is rejected, 3 holds two orders, the
    /// others one.
    pub fn drop_kind(&mut self, kind: u64) {
        let number = self.number();
        let name = format!("in-{number:05}.edi");
        let last = self.last.clone().filter(|_| kind == 0);
        let (text, fates) = match (kind, last) {
            (0, Some((first, text))) => {
                self.repeated.entry(first).or_default().push(name.clone());
                (text, vec![Fate::Duplicate])
            }
            (1, _) => (
                interchange("SOMEBODYELSE", number, &format!("PO{number}"), true),
                vec![Fate::Quarantined],
            ),
            (2, _) => {
                self.groups.insert(number.to_string());
                (
                    interchange("6125550100", number, &format!("PO{number}"), false),
                    vec![Fate::Rejected],
                )
            }
            (3, _) => {
                let other = self.number();
                let text = self.order(number) + "\n" + &self.order(other);
                (text, vec![Fate::Order, Fate::Order])
            }
            _ => {
                let text = self.order(number);
                self.last = Some((name.clone(), text.clone()));
                (text, vec![Fate::Order])
            }
        };
        self.put("mailboxes/harbor-and-pine/inbound", &name, text.as_bytes());
        self.dropped.insert(name, fates);
    }

    fn order(&mut self, number: u32) -> String {
        let order = format!("PO{number}");
        self.orders.insert(order.clone());
        self.groups.insert(number.to_string());
        interchange("6125550100", number, &order, true)
    }

    pub fn drop_outbound(&mut self) {
        let number = format!("INV{:05}", self.number());
        let json = format!(
            r#"{{"document":"invoice","date":"2026-11-20","number":"{number}","order":"PO1","order_date":"2026-11-19",
            "lines":[{{"number":"1","quantity":"2","unit":"each","price":"1.50","items":[{{"kind":"vendor","value":"A-1"}}]}}],"total":"3.00"}}"#
        );
        self.put("warehouse/harbor-and-pine/invoices", &format!("{number}.json"), json.as_bytes());
        self.sent.insert(number);
    }

    /// Drops a 997 for each invoice that came since the last time.
    pub fn drop_acknowledgements(&mut self) {
        let folder = "mailboxes/harbor-and-pine/outbound";
        for name in self.names(folder) {
            if !self.seen.insert(name.clone()) {
                continue;
            }
            let bytes = fs::read(self.path(folder).join(name)).unwrap();
            let (mut reader, mut group) = (Reader::new(bytes.as_slice()), String::new());
            while let Some(event) = reader.next().unwrap() {
                match event {
                    Event::Group(one) => group = one.element(6),
                    Event::Set(set) if set.id == "810" => self.acknowledge(&group),
                    _ => {}
                }
            }
        }
    }

    fn acknowledge(&mut self, group: &str) {
        let number = self.number();
        let name = format!("ack-{number:05}.edi");
        let body = format!("AK1*IN*{group}~AK9*A*1*1*1~");
        let text = enveloped("6125550100", number, ["FA", "997"], &body, 4);
        self.put("mailboxes/harbor-and-pine/inbound", &name, text.as_bytes());
        self.dropped.insert(name, vec![Fate::Acknowledgement]);
    }

    pub fn start(&self) -> Running {
        self.start_trying("")
    }

    /// Starts it with something that is to happen to it; see `disk::trial`.
    pub fn start_trying(&self, trial: &str) -> Running {
        start_in(self.folder.path(), trial)
    }

    /// Runs a command while nothing else runs. Tells what it said.
    pub fn command(&self, words: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crossdock"));
        command.args(words).arg("--config").arg(self.path("crossdock.toml"));
        let told = command.output().unwrap();
        // 1: there is something to look at.
        let is_well = matches!(told.status.code(), Some(0 | 1));
        assert!(is_well, "{words:?}: {}", String::from_utf8_lossy(&told.stderr));
        String::from_utf8(told.stdout).unwrap()
    }

    /// Dismisses all open exceptions, as one who has looked at them.
    pub fn dismiss_all(&self) {
        let open = self.command(&["exceptions", "--format", "json"]);
        let ids: Vec<String> = open
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].to_string())
            .collect();
        if !ids.is_empty() {
            let mut words = vec!["exceptions", "dismiss", "--who", "sam", "--reason", "a test"];
            words.extend(ids.iter().map(String::as_str));
            self.command(&words);
        }
    }

    /// Retires all that is over, and keeps in mind how it ended. Tells what the command said.
    pub fn retire(&mut self) -> String {
        let store = EmbeddedStore::open(&self.path("data")).unwrap();
        for (id, record) in all_interchanges(&store) {
            let receipt = store.receipt(id.receipt).unwrap().unwrap();
            if receipt.done {
                let now = (receipt.file.name, record.outcome);
                let before = self.ended.insert(id, now.clone());
                assert!(
                    before.as_ref().is_none_or(|before| *before == now),
                    "{before:?} is {now:?}"
                );
            }
        }
        drop(store);
        self.command(&["store", "retire", "--days", "0"])
    }

    pub fn names(&self, place: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(place)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names
    }

    pub fn last_words(&self) -> String {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(3).collect();
        lines.join(" | ")
    }

    /// Changes when the program begins to work.
    pub fn started(&self) -> Option<std::time::SystemTime> {
        fs::metadata(self.path("data/status.json")).and_then(|data| data.modified()).ok()
    }

    /// Whether everything that has to appear has appeared.
    pub fn is_complete(&self) -> bool {
        let out = self.names("mailboxes/harbor-and-pine/outbound").len();
        self.names("mailboxes/harbor-and-pine/inbound").is_empty()
            && self.names("warehouse/harbor-and-pine/invoices").is_empty()
            && self.names("warehouse/harbor-and-pine/orders").len() >= self.orders.len()
            && out >= self.groups.len() + self.sent.len()
    }
}

fn interchange(sender: &str, number: u32, order: &str, sound: bool) -> String {
    // Without PO1 the set cannot be told from an order for nothing: it is rejected.
    let line = if sound { "PO1*1*2*EA*1.50**VN*A-1~" } else { "" };
    let (lines, segments) = (u8::from(sound), if sound { 5 } else { 4 });
    let body = format!("BEG*00*SA*{order}**20261119~{line}CTT*{lines}~");
    enveloped(sender, number, ["PO", "850"], &body, segments)
}

/// An interchange of one group of one set, with so many segments.
fn enveloped(sender: &str, number: u32, of: [&str; 2], body: &str, segments: u8) -> String {
    let [group, set] = of;
    format!(
        "ISA*00*          *00*          *08*{sender:<15}*ZZ*NORTHDOCK3PL   *261119*1412*U*00401*{number:09}*0*P*>~\
         GS*{group}*{sender}*NORTHDOCK3PL*20261119*1412*{number}*X*004010VICS~\
         ST*{set}*0001~{body}SE*{segments}*0001~GE*1*{number}~IEA*1*{number:09}~"
    )
}

/// Four of five are killed after they have begun to work, the fifth while it starts.
fn kill_often(yard: &mut Yard, kills: u32, dice: &mut Dice) {
    for kill in 0..kills {
        let before = yard.started();
        let mut running = yard.start();
        let moment = Duration::from_millis(dice.below(200));
        let mut begun = Instant::now();
        let mut works = kill % 5 == 0;
        while !works || begun.elapsed() < moment {
            if !works && yard.started() != before {
                (works, begun) = (true, Instant::now());
            }
            let ended = running.0.try_wait().unwrap();
            assert!(ended.is_none(), "the gateway ended by itself: {}", yard.last_words());
            yard.drop_inbound(dice);
            if dice.below(3) == 0 {
                yard.drop_outbound();
            }
            std::thread::sleep(Duration::from_millis(10 + dice.below(60)));
        }
        // On Unix this is SIGKILL: nothing is flushed, nothing is said.
        drop(running);
    }
}

/// Lets it finish, then stops it as an operator would.
fn finish(yard: &Yard) {
    let mut running = yard.start();
    finish_running(yard, &mut running);
}

/// Lets one that runs finish, and stops it.
pub fn finish_running(yard: &Yard, running: &mut Running) {
    work_off(yard, running);
    assert!(stop(running).success(), "a graceful stop ends well");
}

/// Waits until all that has to appear has appeared.
fn work_off(yard: &Yard, running: &mut Running) {
    let deadline = Instant::now() + Duration::from_mins(4);
    while !yard.is_complete() {
        assert!(
            running.0.try_wait().unwrap().is_none(),
            "the gateway ended: {}",
            yard.last_words()
        );
        assert!(Instant::now() < deadline, "the gateway does not come to an end: {}", state(yard));
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn state(yard: &Yard) -> String {
    let count = |place: &str| yard.names(place).len();
    format!(
        "{} files inbound, {} of {} orders, {} of {} answers and invoices sent; {}",
        count("mailboxes/harbor-and-pine/inbound"),
        count("warehouse/harbor-and-pine/orders"),
        yard.orders.len(),
        count("mailboxes/harbor-and-pine/outbound"),
        yard.groups.len() + yard.sent.len(),
        fs::read_to_string(yard.path("data/status.json")).unwrap_or_default()
    )
}

#[test]
fn killed_at_random_moments_nothing_is_lost_or_done_twice() {
    let kills = std::env::var("CROSSDOCK_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(100);
    let mut dice = Dice(0x0C05_5D0C);
    let mut yard = Yard::new();
    kill_often(&mut yard, kills, &mut dice);
    finish(&yard);
    let (interchanges, answers) = holds(&yard);
    assert!(kills < 50 || was_compacted(&yard.path("data")), "the database was never compacted");
    println!(
        "{kills} kills, {interchanges} interchanges in {} files, {} orders, {} invoices, {answers} acknowledgements",
        yard.dropped.len(),
        yard.orders.len(),
        yard.sent.len()
    );
}

#[cfg(target_os = "linux")]
#[test]
fn told_to_stop_before_it_has_done_anything_it_ends_in_good_order() {
    let mut yard = Yard::new();
    yard.drop_kind(0);
    for _ in 0..10 {
        let mut running = yard.start();
        assert!(stop(&mut running).success(), "{}", yard.last_words());
    }
    finish(&yard);
    holds(&yard);
}

/// Most systems give a program 1,024 open files at first, and let it ask for many more.
#[cfg(target_os = "linux")]
#[test]
fn it_takes_as_many_open_files_as_it_may_have() {
    let mut yard = Yard::new();
    yard.drop_kind(0);
    let child = Command::new("sh")
        .args(["-c", "ulimit -Sn 100; exec \"$0\" serve --config \"$1\""])
        .arg(env!("CARGO_BIN_EXE_crossdock"))
        .arg(yard.path("crossdock.toml"))
        .stderr(Stdio::null())
        .spawn();
    let mut running = Running(child.unwrap());
    work_off(&yard, &mut running);
    let limits = fs::read_to_string(format!("/proc/{}/limits", running.0.id())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let [soft, hard] = [3, 4].map(|at| files.split_whitespace().nth(at).unwrap());
    assert!(soft == hard && soft != "100", "{files}");
    finish_running(&yard, &mut running);
}

/// Whether the database of a store that is closed was ever compacted.
pub fn was_compacted(data: &Path) -> bool {
    let database = raw(&data.join("state"));
    database.open_tree("crossdock").unwrap().contains_key(b"mcompacted\0").unwrap()
}

/// Whether everything ended once. Tells how many interchanges and answers there are.
pub fn holds(yard: &Yard) -> (usize, usize) {
    let interchanges = every_interchange_ended_once(yard);
    one_order_each(yard);
    (interchanges, one_answer_each_and_no_number_twice(yard))
}

fn all_interchanges(store: &EmbeddedStore) -> Vec<(InterchangeId, InterchangeRecord)> {
    let mut all: Vec<(InterchangeId, InterchangeRecord)> = Vec::new();
    loop {
        let more = store.interchanges(all.last().map(|(id, _)| *id), 500).unwrap();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

fn every_interchange_ended_once(yard: &Yard) -> usize {
    let store = EmbeddedStore::open(&yard.path("data")).unwrap();
    assert_eq!(store.parked(10).unwrap(), vec![], "nothing was given up");
    let mut all = yard.ended.clone();
    for (id, record) in all_interchanges(&store) {
        let receipt = store.receipt(id.receipt).unwrap().unwrap();
        assert!(receipt.done, "{} is finished", receipt.file.name);
        all.insert(id, (receipt.file.name, record.outcome));
    }
    let mut ended: BTreeMap<String, Vec<Outcome>> = BTreeMap::new();
    let mut receipts: BTreeMap<String, u64> = BTreeMap::new();
    for (id, (name, outcome)) in &all {
        receipts.insert(name.clone(), id.receipt);
        ended.entry(name.clone()).or_default().push(*outcome);
    }
    // Files that appear while a folder is listed may be seen in another order than they came in. Of those with the same
    // in them the one that was taken in first counts.
    let mut dropped: BTreeMap<&String, Vec<Fate>> =
        yard.dropped.iter().map(|(name, fates)| (name, fates.clone())).collect();
    for (first, later) in &yard.repeated {
        let all = || std::iter::once(first).chain(later);
        let counts = all().min_by_key(|name| receipts.get(*name)).unwrap();
        for name in all() {
            let fate = if name == counts { Fate::Order } else { Fate::Duplicate };
            dropped.insert(name, vec![fate]);
        }
    }
    for (name, fates) in dropped {
        let expected: Vec<Outcome> = fates
            .iter()
            .map(|fate| match fate {
                Fate::Order | Fate::Acknowledgement => Outcome::Accepted,
                Fate::Rejected => Outcome::Rejected,
                Fate::Duplicate => Outcome::Duplicate,
                Fate::Quarantined => Outcome::Quarantined,
            })
            .collect();
        assert_eq!(ended.get(name), Some(&expected), "{name}");
    }
    assert_eq!(ended.len(), yard.dropped.len());
    all.len()
}

fn one_order_each(yard: &Yard) {
    let folder = "warehouse/harbor-and-pine/orders";
    let numbers: Vec<String> = yard
        .names(folder)
        .iter()
        .map(|name| {
            let json = fs::read(yard.path(folder).join(name)).unwrap();
            let order: serde_json::Value = serde_json::from_slice(&json).unwrap();
            order["number"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(numbers.len(), yard.orders.len(), "one file for each order");
    assert_eq!(numbers.into_iter().collect::<BTreeSet<_>>(), yard.orders);
}

fn one_answer_each_and_no_number_twice(yard: &Yard) -> usize {
    let folder = "mailboxes/harbor-and-pine/outbound";
    let mut numbers: [BTreeSet<String>; 3] = Default::default();
    let mut once = |level: usize, number: String, path: &Path| {
        assert!(numbers[level].insert(number.clone()), "{number} again in {}", path.display());
    };
    let (mut answered, mut invoiced) = (BTreeSet::new(), BTreeSet::new());
    for name in yard.names(folder) {
        let path = yard.path(folder).join(name);
        let bytes = fs::read(&path).unwrap();
        let mut reader = Reader::new(bytes.as_slice());
        while let Some(event) = reader.next().unwrap() {
            match event {
                Event::Interchange(isa) => once(0, isa.element(13), &path),
                Event::Group(group) => once(1, group.element(6), &path),
                Event::Set(set) => {
                    assert_eq!(set.faults, vec![], "{}", path.display());
                    once(2, set.control_number.0.clone(), &path);
                    let second = set.segments.get(1).unwrap();
                    let number = String::from_utf8_lossy(second.element(2)).into_owned();
                    let fresh = match set.id.as_str() {
                        "997" => answered.insert(number),
                        "810" => invoiced.insert(number),
                        other => panic!("a {other} was sent"),
                    };
                    assert!(fresh, "twice in {}", path.display());
                }
                _ => {}
            }
        }
    }
    assert_eq!(answered, yard.groups, "one 997 for each group that has one coming");
    assert_eq!(invoiced, yard.sent, "one 810 for each invoice");
    answered.len()
}
