//! The gateway on file systems of its own: one that loses its power, and one that is full. They are mounted by the
//! test, which only root may do; where it may not, it says so and passes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crossdock::audit::{public_keys, verify};
use crossdock::store::{EmbeddedStore, Event, Records, Series, Store};

use super::compaction::{documents, filled, is_copying};
use super::house::{PROFILE, order};

const INBOUND: &str = "mailboxes/harbor-and-pine/inbound";
const OUTBOUND: &str = "mailboxes/harbor-and-pine/outbound";
const ORDERS: &str = "warehouse/harbor-and-pine/orders";
/// Only ends a test that hangs.
const PATIENCE: Duration = Duration::from_mins(5);

fn ran(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// A mounted file system; unmounted when the test ends, however it ends.
struct Mounted(PathBuf);

impl Mounted {
    /// `None` where that may not be done here.
    fn new(place: PathBuf, what: &[&str]) -> Option<Self> {
        fs::create_dir_all(&place).unwrap();
        let at = place.to_str().unwrap().to_owned();
        ran("mount", &[what, &[&at]].concat()).then_some(Self(place))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        ran("umount", &["--lazy", self.0.to_str().unwrap()]);
    }
}

/// Mailboxes and warehouse on the machine's own disk, the data folder on a mounted one.
struct Site {
    folder: tempfile::TempDir,
    dropped: u32,
}

struct Running(Child);

impl Running {
    fn signal(&self, name: &str) {
        assert!(ran("kill", &[name, &self.0.id().to_string()]));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Site {
    fn new(data: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let partner = folder.path().join("partners/harbor-and-pine");
        fs::create_dir_all(&partner).unwrap();
        fs::create_dir_all(folder.path().join(INBOUND)).unwrap();
        fs::write(partner.join("partner.toml"), PROFILE.replace("= 5 ", "= 1 ")).unwrap();
        let config = format!(
            "data = {:?}\nprofiles = \"partners\"\npoll_seconds = 1\nsettle_milliseconds = 5\n\
             [endpoints.warehouse]\nfolder = \"warehouse\"\n[limits]\nretry_seconds_first = 1\nretry_seconds_max = 1\ndatabase_mebibytes = 1\n",
            data.to_str().unwrap()
        );
        fs::write(folder.path().join("crossdock.toml"), config).unwrap();
        Self { folder, dropped: 0 }
    }

    fn path(&self, place: &str) -> PathBuf {
        self.folder.path().join(place)
    }

    fn names(&self, place: &str) -> BTreeSet<String> {
        let entries = fs::read_dir(self.path(place)).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| !name.starts_with('.')).collect()
    }

    fn drop_orders(&mut self, count: u32) {
        for _ in 0..count {
            self.dropped += 1;
            let text = order(self.dropped, &format!("PO-{}", self.dropped));
            let name = format!("{:05}.edi", self.dropped);
            crossdock::disk::write_to(&self.path(INBOUND), &name, text.as_bytes()).unwrap();
        }
    }

    /// Files that have left the mailbox.
    fn taken(&self) -> BTreeSet<String> {
        let waiting = self.names(INBOUND);
        let dropped = (1..=self.dropped).map(|number| format!("{number:05}.edi"));
        dropped.filter(|name| !waiting.contains(name)).collect()
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.path("log")).unwrap_or_default()).into_owned()
    }

    fn start(&self) -> Running {
        self.start_trying("")
    }

    /// Starts it with something that is to happen to it; see `disk::trial`.
    fn start_trying(&self, trial: &str) -> Running {
        let log = fs::File::create(self.path("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_crossdock"));
        command.arg("serve").arg("--config").arg(self.path("crossdock.toml"));
        command.env("CROSSDOCK_TRIAL", trial);
        command.env("RUST_LOG", "warn").env("NO_COLOR", "1").stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        Running(command.spawn().unwrap())
    }

    /// Waits until something is so, or the program has ended.
    fn until(&self, running: &mut Running, is_so: impl Fn(&Self) -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            if running.0.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(Instant::now() < deadline, "it is never so: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// Numbers of the interchanges and groups that were sent.
    fn numbers_sent(&self) -> BTreeSet<u64> {
        let files = self.names(OUTBOUND);
        let number = |name: String| {
            let text = fs::read_to_string(self.path(OUTBOUND).join(name)).unwrap();
            text.split('*').nth(13).and_then(|number| number.trim().parse().ok())
        };
        files.into_iter().filter_map(number).collect()
    }
}

/// What a store must have after the power went: all files that left the mailbox, all orders that the warehouse has, and
/// no number left that was used.
fn holds(
    data: &Path,
    site: &Site,
    taken: &BTreeSet<String>,
    at_warehouse: usize,
    sent: &BTreeSet<u64>,
) {
    let store = EmbeddedStore::open(data).unwrap();
    let receipts = (1..=u64::from(site.dropped) + 1).filter_map(|id| store.receipt(id).unwrap());
    let received = receipts.map(|receipt| {
        assert_eq!(store.payload(receipt.file.payload).unwrap().len() as u64, receipt.file.size);
        receipt.file.name
    });
    let received: BTreeSet<String> = received.collect();
    let lost: Vec<&String> = taken.difference(&received).collect();
    assert!(lost.is_empty(), "files that left the mailbox are lost: {lost:?}");
    let documents = store.documents(None, usize::MAX).unwrap();
    assert!(documents.len() >= at_warehouse, "{} {at_warehouse}", documents.len());
    let series = Series { partner: "harbor-and-pine".into(), level: "interchange".into() };
    let next = store.reserve_numbers(&series, (1..=999_999_999).into(), 1).unwrap()[0];
    assert!(sent.iter().all(|used| *used < next), "number {next} would be given again");
    drop(store);
    let audit = data.join("audit");
    let report = verify(&audit, &public_keys(&audit).unwrap(), &[], &mut |_| {}).unwrap();
    assert_eq!(report.fault, None);
}

/// A device with a file system of its own, mounted; nothing where only root may do that.
fn device(place: &Path) -> Option<(PathBuf, Mounted)> {
    let device = place.join("device");
    fs::File::create(&device).unwrap().set_len(256 << 20).unwrap();
    let made = ran("mkfs.ext4", &["-q", device.to_str().unwrap()]);
    // No commit by the clock: the journal of the file system is written when it is asked to be, or while it is copied.
    let mounting = ["-o", "loop,commit=600", device.to_str().unwrap()];
    let disk = made.then(|| Mounted::new(place.join("disk"), &mounting)).flatten();
    if disk.is_none() {
        println!("not tried: only root may mount an ext4 of its own");
    }
    disk.map(|disk| (device, disk))
}

/// What the device holds at this moment, mounted.
fn after_a_cut(place: &Path, device: &Path) -> Mounted {
    let copy = place.join("copy");
    assert!(ran("cp", &["--sparse=always", device.to_str().unwrap(), copy.to_str().unwrap()]));
    let mounting = ["-o", "loop", copy.to_str().unwrap()];
    Mounted::new(place.join("after"), &mounting).expect("the copy can be mounted")
}

/// The power goes while the gateway works: what the device holds at that moment is copied, mounted and opened. The
/// gateway itself is stopped meanwhile and goes on afterwards. `CROSSDOCK_CUTS` sets how often (3 unless set).
#[test]
fn power_cuts_on_a_real_file_system() {
    let cuts = std::env::var("CROSSDOCK_CUTS").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    let place = tempfile::tempdir().unwrap();
    let Some((device, disk)) = device(place.path()) else { return };
    let mut site = Site::new(&disk.0.join("data"));
    let mut running = site.start();
    let mut moment = 0;
    for _ in 0..cuts {
        site.drop_orders(8);
        let goal = site.names(ORDERS).len() + 4;
        assert!(
            site.until(&mut running, |site| site.names(ORDERS).len() >= goal),
            "{}",
            site.log()
        );
        moment = (moment * 31 + 7) % 40;
        std::thread::sleep(Duration::from_millis(moment));
        running.signal("-STOP");
        let after = after_a_cut(place.path(), &device);
        let taken = site.taken();
        let (at_warehouse, sent) = (site.names(ORDERS).len(), site.numbers_sent());
        running.signal("-CONT");
        holds(&after.0.join("data"), &site, &taken, at_warehouse, &sent);
        drop(after);
    }
    println!("{cuts} power cuts, {} files", site.dropped);
}

/// The power goes at the moments of a compaction at which something is about to be renamed, or just was.
#[test]
fn power_cuts_while_the_database_is_compacted() {
    for point in ["before", "between", "after"] {
        let place = tempfile::tempdir().unwrap();
        let Some((device, disk)) = device(place.path()) else { return };
        let mut site = Site::new(&disk.0.join("data"));
        site.drop_orders(250);
        let mut running = site.start_trying(&format!("die compact.{point} 1"));
        assert!(!site.until(&mut running, |_| false), "it dies");
        assert_eq!(running.0.wait().unwrap().code(), None, "{}", site.log());
        let after = after_a_cut(place.path(), &device);
        let taken = site.taken();
        let (at_warehouse, sent) = (site.names(ORDERS).len(), site.numbers_sent());
        let data = after.0.join("data");
        holds(&data, &site, &taken, at_warehouse, &sent);
        let journal = EmbeddedStore::open(&data).unwrap().journal(0, usize::MAX).unwrap();
        let is_rebuilt = journal.iter().any(|record| record.entry.event == Event::StoreRebuilt);
        assert!(!is_rebuilt, "{point}");
        drop(after);
        let mut running = site.start();
        let all = site.dropped as usize;
        assert!(site.until(&mut running, |site| site.names(ORDERS).len() == all), "{}", site.log());
    }
}

/// The database is not compacted where others would be left too little room for it, nor where the copy could not take its
/// place; it is afterwards.
#[test]
fn a_compaction_leaves_others_room_and_stays_on_its_disk() {
    let place = tempfile::tempdir().unwrap();
    let Some((_, disk)) = device(place.path()) else { return };
    let folder = disk.0.join("data");
    let (store, model) = filled(&folder);
    let bytes = store.room().database.unwrap();
    let filler = disk.0.join("filler");
    let room = crossdock::disk::room(&folder).unwrap();
    // A little more than 64 MiB is left, then a little less.
    let zeros = vec![0; usize::try_from(room - (65 << 20)).unwrap()];
    fs::write(&filler, &zeros).unwrap();
    let told = store.compact_over(1).unwrap_err().to_string();
    assert!(told.contains("it may need") && told.contains("MiB of room"), "{told}");
    assert!(!is_copying(&folder), "a third of the file more is asked for");
    let told = store.compact().unwrap_err().to_string();
    assert!(told.contains("less than 64 MiB of room would be left"), "{told}");
    assert!(!is_copying(&folder), "what was copied is removed");
    assert_eq!(store.room().database, Some(bytes));
    drop(store);
    fs::remove_file(&filler).unwrap();
    let store = EmbeddedStore::open(&folder).unwrap();
    assert_eq!(documents(&store), model);
    // Given up as it is closed.
    store.compact_over(1).unwrap();
    assert!(is_copying(&folder));
    drop(store);

    // A disk of its own for the database.
    let (state, aside) = (folder.join("state"), folder.join("aside"));
    fs::rename(&state, &aside).unwrap();
    let own = Mounted::new(state.clone(), &["-t", "tmpfs", "tmpfs"]).expect("it can be mounted");
    assert!(ran("cp", &["-a", &format!("{}/.", aside.display()), state.to_str().unwrap()]));
    let store = EmbeddedStore::open(&folder).unwrap();
    let told = store.compact().unwrap_err().to_string();
    assert!(told.contains("it is on another file system than the folder around it"), "{told}");
    assert_eq!(documents(&store), model);
    drop(store);
    drop(own);
    fs::remove_dir(&state).unwrap();
    fs::rename(&aside, &state).unwrap();
    let store = EmbeddedStore::open(&folder).unwrap();
    let (before, after) = store.compact().unwrap();
    assert!(after < before, "{before} {after}");
    assert_eq!(documents(&store), model);
}

/// A disk that is full at one place or another, wherever its size happens to end: the gateway stops or waits, says why,
/// and when there is room goes on without loss. `CROSSDOCK_FULL` sets how many sizes are tried (3 unless set).
#[test]
fn a_full_disk_loses_nothing_wherever_it_is_met() {
    let sizes = std::env::var("CROSSDOCK_FULL").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    for size in 0..sizes {
        let kibibytes = 1_500 + size * 2_000 / sizes;
        let option = format!("size={kibibytes}k");
        let place = tempfile::tempdir().unwrap();
        let disk =
            Mounted::new(place.path().join("disk"), &["-t", "tmpfs", "-o", &option, "tmpfs"]);
        let Some(disk) = disk else {
            println!("not tried: only root may mount a file system of its own");
            return;
        };
        let data = disk.0.join("data");
        let mut site = Site::new(&data);
        site.drop_orders(150);
        let mut running = site.start();
        // It ends where the store cannot be written, and waits where a payload cannot.
        site.until(&mut running, |site| site.log().contains("No space left"));
        if let Some(status) = running.0.try_wait().unwrap() {
            assert_eq!(status.code(), Some(2), "{}", site.log());
        }
        assert!(site.log().contains("No space left"), "{kibibytes} KiB: {}", site.log());
        drop(running);
        let done = site.names(ORDERS).len();
        assert!(ran("mount", &["-o", "remount,size=200m", disk.0.to_str().unwrap()]));
        let mut running = site.start();
        let all =
            |site: &Site| site.names(ORDERS).len() >= 150 && site.names(OUTBOUND).len() >= 150;
        assert!(site.until(&mut running, all), "{}", site.log());
        running.signal("-TERM");
        running.0.wait().unwrap();
        assert_eq!((site.names(ORDERS).len(), site.names(INBOUND).len()), (150, 0));
        assert_eq!(site.names(OUTBOUND).len(), 150);
        let found = crossdock::store::check(&data, &mut |_, _| {}).unwrap();
        assert_eq!((found.wrong, found.faults), (0, Vec::new()), "{kibibytes} KiB");
        println!("{kibibytes} KiB: full after {done} orders");
    }
}
