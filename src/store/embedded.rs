//! The backend that ships: sled in one folder, the audit log and the payloads beside it.
//!
//! Every group of commits is written to the audit log and `fdatasync`ed, then applied to the database, before anyone is
//! told that it is done. Sled's own `flush` leaves the bytes with the kernel, where a power cut can still take them; so
//! it is followed by `fdatasync` too, and the background flush is off. Everything lives in one tree, so that a group is
//! one atomic change.

mod records;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{File, TryLockError};
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::alert::AlertState;
use super::commit::{Counter, HandedIn, Request, Writer};
use super::compaction::{Compactor, When};
use super::database::{
    RawRecord, decode, failed, highest_work, last, old_journal, read, webhooks_told,
};
use super::keys;
use super::pages;
use super::payloads::{Payloads, file_error};
use super::records::{NumberRange, Series};
use super::recovery::{self, Folders, Progress, Ready, Syncs};
use super::retention::{self, Retired};
use super::transaction::{Change, Transaction};
use super::view::View;
use super::writer::is_forgotten;
use super::{DiskRoom, Error, Expectation, JournalRecord, Records as _, Store, Taken, Work};
use crate::audit;
use crate::disk;

/// How far `take` looks into a lane. Behind that many that are leased or wait for a retry, new work waits too.
const LOOKAHEAD_MAX: usize = 1000;
/// Used numbers that are passed over in search of one that may be used: a tenth of a second.
const TRIES_MAX: u64 = 100_000;
/// Journal records that leave the database at a time.
const JOURNAL_FORGOTTEN: u64 = 2_000;
/// How far `backlog` counts.
const COUNT_MAX: usize = 50_000;

/// A [`Store`] in one folder on a local disk. One process at a time.
pub struct EmbeddedStore {
    pub(super) view: Arc<View>,
    /// Keeps the folder locked.
    _lock: File,
    payloads: Arc<Payloads>,
    folders: Folders,
    counter: Arc<Counter>,
    writer: Option<JoinHandle<()>>,
    next_receipt: AtomicU64,
    /// Next number of each series that was asked for.
    numbers: Mutex<HashMap<Series, u64>>,
    /// Work given out, with the keys of its order; none once it is handed in as done. In memory: with the process all
    /// leases end.
    leases: Mutex<HashMap<u64, String>>,
}

/// The file that is locked by the process that has the store open.
const LOCK: &str = "LOCK";
/// How often it is tried to get it, and after which pause.
const LOCK_TRIES: u32 = 5;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

impl EmbeddedStore {
    /// Opens the store in this folder; makes it at a first start. What only the audit log has, the database gets; a
    /// database that cannot be used is made anew from the log.
    ///
    /// # Errors
    /// [`Error::Open`] where the folder holds something else, a newer format, a log that lacks something, or is in use
    /// by another process. Nothing is ever reset.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        Self::open_syncing(folder, None, Syncs::default())
    }

    /// Opens it with a key for the audit log that lies elsewhere; without one, the store has its own.
    ///
    /// # Errors
    /// As [`EmbeddedStore::open`].
    pub fn open_with_key(folder: &Path, key: Option<audit::Key>) -> Result<Self, Error> {
        Self::open_syncing(folder, key, Syncs::default())
    }

    /// Makes the database anew from the audit log, and tells how many entries there are.
    ///
    /// # Errors
    /// As [`EmbeddedStore::open`]; also where the log lacks something that the database has.
    pub fn rebuild(folder: &Path, progress: Progress) -> Result<u64, Error> {
        let _lock = lock_folder(folder)?;
        recovery::rebuild(&Folders::of(folder), Syncs::default(), progress)
    }

    /// Compacts the database, and tells how many bytes its file had before and has now.
    ///
    /// # Errors
    /// Where the disk fails, or has no room for the copy. The database is as it was then.
    pub fn compact(&self) -> Result<(u64, u64), Error> {
        let before = self.database_bytes()?;
        self.counter.ask(|reply| Request::Compact(When::Now, reply))?;
        Ok((before, self.database_bytes()?))
    }

    fn database_bytes(&self) -> Result<u64, Error> {
        let file = self.folders.database.join("db");
        let metadata = std::fs::metadata(&file).map_err(|e| file_error("reading", &file, &e))?;
        Ok(metadata.len())
    }

    /// Opens it with another way of waiting for the disk.
    pub(super) fn open_syncing(
        folder: &Path,
        key: Option<audit::Key>,
        syncs: Syncs,
    ) -> Result<Self, Error> {
        disk::create_dir(folder).map_err(|e| file_error("making", folder, &e))?;
        let lock = lock_folder(folder)?;
        let folders = Folders::of(folder);
        let Ready { log, signer, database, payloads, sync, notices } =
            recovery::open(&folders, key, syncs, &mut |_, _| {})?;
        let payloads = Arc::new(payloads);
        let tree = database.tree.clone();
        let next_receipt = last(&tree, &[keys::RECEIPT])?.map_or(1, |n| n + 1);
        let next_work = highest_work(&tree)? + 1;
        let next_journal = last(&tree, &[keys::JOURNAL])?.map_or(1, |n| n + 1);
        let view = Arc::new(View::new(tree));
        let counter = Arc::new(Counter::new(Arc::clone(&view), &log, next_work, next_journal));
        let writer = Writer {
            counter: Arc::clone(&counter),
            log,
            signer,
            database,
            payloads: Arc::clone(&payloads),
            is_unsynced: false,
            failed: None,
            view: Arc::clone(&view),
            compactor: Compactor::new(folders.clone(), sync),
        };
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|e| Error::Database { doing: "starting the writer", reason: e.to_string() })?;
        let store = Self {
            view,
            _lock: lock,
            payloads,
            folders,
            counter,
            writer: Some(writer),
            next_receipt: AtomicU64::new(next_receipt),
            numbers: Mutex::default(),
            leases: Mutex::default(),
        };
        for notice in notices {
            let mut told = Transaction::new();
            told.journal(notice);
            store.commit(told)?;
        }
        Ok(store)
    }

    /// Lets old journal records leave the database, which has to fit into memory.
    fn forget_journal(&self) -> Result<(), Error> {
        let (first, old) = {
            let tree = self.view.durable();
            let page = tree.scan_prefix([keys::JOURNAL]).next().transpose();
            let Some((key, page)) = page.map_err(|e| failed("reading", &e))? else { return Ok(()) };
            let first = pages::records(&key, &page)?.first().map(|record| record.sequence);
            (first.unwrap_or(1), old_journal(&tree)?)
        };
        let mut through = first + JOURNAL_FORGOTTEN - 1;
        while through <= old {
            self.counter.ask(|reply| Request::ForgetJournal(through, reply))?;
            through += JOURNAL_FORGOTTEN;
        }
        Ok(())
    }

    /// Up to `limit` expectations whose clocks stand before `end`.
    fn clocks(&self, end: Vec<u8>, limit: usize) -> Result<Vec<Expectation>, Error> {
        let tree = self.view.durable();
        let mut found = Vec::new();
        for entry in tree.range(vec![keys::CLOCK]..end).take(limit) {
            let (key, _) = entry.map_err(|e| failed("reading", &e))?;
            // Prefix and eight bytes of time stand before the expectation's own key.
            let of = key.get(9..).unwrap_or_default();
            found.extend(read::<Expectation>(&tree, of)?);
        }
        Ok(found)
    }

    /// The payloads.
    pub(super) fn payloads(&self) -> &Payloads {
        &self.payloads
    }

    /// The number of the receipt that came last.
    pub(super) fn last_receipt(&self) -> Result<Option<u64>, Error> {
        let tree = self.view.durable();
        last(&tree, &[keys::RECEIPT])
    }

    /// Up to `limit` records that are durable, after a key.
    pub(super) fn page(
        &self,
        prefix: &[u8],
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<Vec<RawRecord>, Error> {
        let tree = self.view.durable();
        retention::page(&tree, prefix, after, limit)
    }

    /// Reads with the gate held, so that only what is durable is seen.
    pub(super) fn read_durable<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Error> {
        let tree = self.view.durable();
        read(&tree, key)
    }

    /// Reads what is durable, or was handed in and will be before anything that is handed in from now on.
    fn read<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Error> {
        // In this order: what is ahead no more is in the tree.
        let ahead = self.counter.ahead().get(key).map(|(_, value)| value.clone());
        match ahead {
            Some(value) => value.map(|bytes| decode(key, &bytes)).transpose(),
            None => self.read_durable(key),
        }
    }

    /// As [`Self::scan`], with what was handed in. `after` is a key of the prefix.
    fn scan_ahead<T: DeserializeOwned>(
        &self,
        prefix: &[u8],
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<Vec<T>, Error> {
        // In this order: what is ahead no more is in the tree.
        let (ahead, tree) = (self.counter.ahead(), self.view.durable());
        let start = after.map_or(Bound::Included(prefix.to_vec()), Bound::Excluded);
        let mut found = BTreeMap::new();
        for entry in tree.range((start.clone(), Bound::Unbounded)).take(limit) {
            let (key, value) = entry.map_err(|e| failed("reading", &e))?;
            if !key.starts_with(prefix) {
                break;
            }
            found.insert(key.to_vec(), Some(value.to_vec()));
        }
        // Where there are more, those ahead must not come before them.
        let end =
            found.last_key_value().filter(|_| found.len() >= limit).map(|(key, _)| key.clone());
        let own = ahead.range((start, Bound::Unbounded)).take_while(|(key, _)| {
            key.starts_with(prefix) && end.as_ref().is_none_or(|end| *key <= end)
        });
        found.extend(own.map(|(key, (_, value))| (key.clone(), value.clone())));
        let there = found.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
        there.take(limit).map(|(key, value)| decode(key, value)).collect()
    }

    /// Up to `limit` records whose keys lie in a range and begin with a prefix.
    fn scan<T: DeserializeOwned>(
        &self,
        prefix: &[u8],
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, T)>, Error> {
        let tree = self.view.durable();
        let start = after.map_or(Bound::Included(prefix.to_vec()), Bound::Excluded);
        tree.range((start, Bound::Unbounded))
            .map(|entry| entry.map_err(|e| failed("reading", &e)))
            .take_while(|entry| entry.as_ref().map_or(true, |(key, _)| key.starts_with(prefix)))
            .take(limit)
            .map(|entry| {
                let (key, value) = entry?;
                let record = decode(&key, &value)?;
                Ok((key.to_vec(), record))
            })
            .collect()
    }
}

impl Drop for EmbeddedStore {
    /// Waits until what was handed in is durable.
    fn drop(&mut self) {
        self.counter.close();
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has already failed every commit that it held.
            let _ = writer.join();
        }
    }
}

impl Store for EmbeddedStore {
    fn reserve_numbers(
        &self,
        series: &Series,
        range: NumberRange,
        count: u32,
    ) -> Result<Vec<u64>, Error> {
        let mut numbers = lock(&self.numbers);
        let mut next = match numbers.get(series) {
            Some(&next) => next,
            None => match self.read::<u64>(&keys::position(series))? {
                Some(position) => position.saturating_add(1),
                None => last(&self.view.durable(), &keys::series(series))?
                    .map_or(0, |n| n.saturating_add(1)),
            },
        };
        let used_up = || Error::NumbersUsedUp { series: series.clone(), last: range.last };
        let mut given = Vec::new();
        let mut laps = 0;
        let mut tries = 0;
        while given.len() < count as usize {
            if next > range.last {
                laps += 1;
                if !range.rollover || laps > 1 {
                    return Err(used_up());
                }
                next = range.first;
            }
            next = next.max(range.first);
            // Once all the way round, or past more than is worth while: there is none.
            tries += 1;
            if tries > TRIES_MAX + u64::from(count) {
                return Err(used_up());
            }
            let used = self.read::<Option<Timestamp>>(&keys::number(series, next))?;
            if used.is_none_or(|at| is_forgotten(at, range.forgotten_before)) {
                given.push(next);
            }
            next = next.saturating_add(1);
        }
        numbers.insert(series.clone(), next);
        Ok(given)
    }

    fn is_used(&self, series: &Series, number: u64) -> Result<bool, Error> {
        Ok(self.read::<Option<Timestamp>>(&keys::number(series, number))?.is_some())
    }

    fn hand_in(&self, transaction: &Transaction) -> Result<HandedIn, Error> {
        let freed = transaction.changes.iter().filter_map(work_freed).collect();
        let mut handed_in = self.counter.hand_in(transaction)?;
        handed_in.freed = freed;
        // What is handed in after it is durable after it: those behind need not wait for the disk.
        let mut leases = lock(&self.leases);
        for change in &transaction.changes {
            if let Change::Done { work, .. } = change
                && let Some(order) = leases.get_mut(work)
            {
                order.clear();
            }
        }
        drop(leases);
        Ok(handed_in)
    }

    fn settled(&self, mut handed_in: HandedIn) -> Result<Vec<JournalRecord>, Error> {
        handed_in.wait();
        handed_in.answered.take().unwrap_or(Err(Error::Closed))?;
        let mut leases = lock(&self.leases);
        for work in handed_in.freed {
            leases.remove(&work);
        }
        Ok(handed_in.journal)
    }

    fn take(&self, lane: &str, now: Timestamp, most: usize) -> Result<Taken, Error> {
        // Held over the scan: else work that is finished meanwhile could be given out once more.
        let mut leases = lock(&self.leases);
        let tree = self.view.durable();
        let mut held: HashSet<String> = HashSet::new();
        let mut earliest: Option<Timestamp> = None;
        let mut taken = Vec::new();
        for entry in tree.scan_prefix(keys::lane(keys::WORK, lane)).take(LOOKAHEAD_MAX) {
            let (key, value) = entry.map_err(|e| failed("reading", &e))?;
            if let Some(order) = keys::last_number(&key).and_then(|id| leases.get(&id)) {
                held.extend(order.lines().map(str::to_owned));
                continue;
            }
            let work: Work = decode(&key, &value)?;
            let is_behind = work.order.lines().any(|key| held.contains(key));
            if !is_behind && work.due <= now {
                taken.push(work);
                if taken.len() >= most {
                    break;
                }
                continue;
            }
            if !is_behind {
                earliest = Some(earliest.map_or(work.due, |other| other.min(work.due)));
            }
            held.extend(work.order.lines().map(str::to_owned));
        }
        leases.extend(taken.iter().map(|work| (work.id, work.order.clone())));
        if taken.is_empty() {
            return Ok(earliest.map_or(Taken::Nothing, Taken::NotBefore));
        }
        Ok(Taken::Work(taken))
    }

    fn release(&self, work: u64) {
        lock(&self.leases).remove(&work);
    }

    fn alerts(&self, limit: usize) -> Result<Vec<AlertState>, Error> {
        let found = self.scan(&[keys::ALERT], None, limit)?;
        Ok(found.into_iter().map(|(_, state)| state).collect())
    }

    fn alerts_looked(&self) -> Result<Option<u64>, Error> {
        self.read(&keys::alerts_looked())
    }

    fn webhooks_told(&self) -> Result<BTreeMap<String, u64>, Error> {
        let tree = self.view.durable();
        webhooks_told(&tree)
    }

    fn last_journal(&self) -> Result<u64, Error> {
        let tree = self.view.durable();
        Ok(last(&tree, &[keys::JOURNAL])?.unwrap_or(0))
    }

    fn tidy(&self) -> Result<(), Error> {
        self.counter.ask(Request::Sign)?;
        self.forget_journal()?;
        Ok(audit::pack(&self.folders.audit)?)
    }

    fn compact_over(&self, bytes: u64) -> Result<(), Error> {
        self.counter.ask(|reply| Request::Compact(When::Over(bytes), reply))
    }

    fn room(&self) -> DiskRoom {
        DiskRoom { database: self.database_bytes().ok(), left: disk::room(&self.folders.root) }
    }

    fn retire(
        &self,
        before: Timestamp,
        numbers: &dyn Fn(&str) -> Option<Timestamp>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Retired, Error> {
        retention::retire(self, (before, numbers), stop)
    }
}

/// Locks the folder against other processes, as long as the file is open.
pub(super) fn lock_folder(folder: &Path) -> Result<File, Error> {
    let path = folder.join(LOCK);
    let file = File::create(&path).map_err(|e| file_error("opening", &path, &e))?;
    let mut tries = 0;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            // Somebody may be asking whether it is held at this very moment.
            Err(TryLockError::WouldBlock) if tries < LOCK_TRIES => {
                tries += 1;
                std::thread::sleep(LOCK_PAUSE);
            }
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Held { path: folder.display().to_string() });
            }
            Err(TryLockError::Error(e)) => return Err(file_error("locking", &path, &e)),
        }
    }
}

/// Whether a process has the store of a folder open; also where that cannot be told.
#[must_use]
pub fn is_held(folder: &Path) -> bool {
    match File::open(folder.join(LOCK)) {
        Ok(file) => file.try_lock_shared().is_err(),
        Err(e) => e.kind() != std::io::ErrorKind::NotFound,
    }
}

fn work_freed(change: &Change) -> Option<u64> {
    match change {
        Change::Done { work, .. } | Change::Retry { work, .. } | Change::Park { work, .. } => {
            Some(*work)
        }
        _ => None,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
