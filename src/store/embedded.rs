//! The backend that ships: sled in one folder, payloads beside it.
//!
//! Sled's own `flush` leaves the bytes with the kernel, where a power cut can still take them; so every group of
//! commits is flushed and then `fdatasync`ed before anyone is told that it is done, and the background flush is
//! off. Everything lives in one tree, so that a batch is one atomic change.

use std::collections::{HashMap, HashSet};
use std::fs::{File, TryLockError};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::exception::{Exception, ExceptionItem, ExceptionState, ITEMS_MAX};
use super::format::{self, Found};
use super::history;
use super::keys;
use super::payloads::{Payloads, file_error};
use super::records::{
    Document, Expectation, FileKey, InterchangeId, InterchangeKey, InterchangeRecord,
    JournalRecord, NumberRange, PurchaseOrderKey, Receipt, Seen, Series, Work,
};
use super::transaction::{Change, Transaction};
use super::writer::{Submission, Sync, Writer, database, decode, is_forgotten, read};
use super::{Backlog, Error, PayloadId, Records, Store, Taken};
use crate::disk;

/// Page cache of the database.
const CACHE_BYTES: u64 = 64 << 20;
/// How many commits may wait for the writer before callers wait to hand in theirs.
const SUBMISSIONS_MAX: usize = 1024;
/// How far `take` looks into a lane. Behind that many that are leased or wait for a retry, new work waits too.
const LOOKAHEAD_MAX: usize = 1000;
/// Used numbers that are passed over in search of one that may be used: a tenth of a second.
const TRIES_MAX: u64 = 100_000;
/// How far `backlog` counts.
const COUNT_MAX: usize = 50_000;

/// A [`Store`] in one folder on a local disk. One process at a time.
pub struct EmbeddedStore {
    tree: sled::Tree,
    /// Keeps the database open and the folder locked.
    _database: (sled::Db, File),
    payloads: Payloads,
    /// Folder of what is no longer in the database.
    history: PathBuf,
    gate: Arc<RwLock<()>>,
    /// `None` once closed.
    submissions: Option<SyncSender<Submission>>,
    writer: Option<JoinHandle<()>>,
    next_receipt: AtomicU64,
    /// Next number of each series that was asked for.
    numbers: Mutex<HashMap<Series, u64>>,
    /// Work given out. In memory: with the process all leases end.
    leases: Mutex<HashSet<u64>>,
}

impl EmbeddedStore {
    /// Opens the store in this folder; makes it at a first start.
    ///
    /// # Errors
    /// [`Error::Open`] where the folder holds something else, a newer format, a damaged database, or is in use by
    /// another process. Nothing is ever reset.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        Self::open_syncing(folder, Box::new(File::sync_data))
    }

    /// Opens it with another way of waiting for the disk.
    pub(super) fn open_syncing(folder: &Path, sync: Sync) -> Result<Self, Error> {
        disk::create_dir(folder).map_err(|e| file_error("making", folder, &e))?;
        let refuse = |reason: String| Error::Open { path: folder.display().to_string(), reason };
        let path = folder.join("state");
        let found = format::look(folder, &path)?;
        let lock = lock_folder(folder)?;
        let payloads = Payloads::open(folder.join("payloads"))?;
        format::remove_unfinished_snapshots(&path)?;
        let database = open_database(&path).map_err(refuse)?;
        let tree = database.open_tree("crossdock").map_err(|e| refuse(e.to_string()))?;
        let known = tree.contains_key(keys::meta("format")).map_err(|e| refuse(e.to_string()))?;
        match found {
            Found::Store if !known => {
                return Err(refuse(
                    "its database is empty, though the folder was in use. Restore it from a backup"
                        .to_owned(),
                ));
            }
            Found::Nothing if !tree.is_empty() && !known => {
                return Err(refuse("it holds a database that is not Crossdock's".to_owned()));
            }
            _ => {}
        }
        let file_path = path.join("db");
        let file = File::open(&file_path).map_err(|e| file_error("opening", &file_path, &e))?;
        if !known {
            let version = format::VERSION.to_string();
            tree.insert(keys::meta("format"), version.as_bytes())
                .map_err(|e| self::database("making the store", &e))?;
        }
        tree.flush().map_err(|e| self::database("flushing", &e))?;
        file.sync_all().map_err(|e| file_error("syncing", &file_path, &e))?;
        disk::sync_dir(&path).map_err(|e| file_error("syncing", &path, &e))?;
        disk::sync_dir(folder).map_err(|e| file_error("syncing", folder, &e))?;
        if found == Found::Nothing {
            format::mark(folder)?;
        }
        Self::start(folder, (database, lock), tree, (file, sync), payloads)
    }

    fn start(
        folder: &Path,
        database: (sled::Db, File),
        tree: sled::Tree,
        (file, sync): (File, Sync),
        payloads: Payloads,
    ) -> Result<Self, Error> {
        let gate = Arc::new(RwLock::new(()));
        let next_journal = last(&tree, &[keys::JOURNAL])?.map_or(1, |n| n + 1);
        let next_receipt = last(&tree, &[keys::RECEIPT])?.map_or(1, |n| n + 1);
        let next_work = highest_work(&tree)? + 1;
        let writer = Writer {
            tree: tree.clone(),
            file,
            sync,
            unsynced_bytes: 0,
            failed: None,
            gate: Arc::clone(&gate),
            next_work,
            next_journal,
        };
        let (submissions, waiting) = sync_channel(SUBMISSIONS_MAX);
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run(&waiting))
            .map_err(|e| Error::Database { doing: "starting the writer", reason: e.to_string() })?;
        Ok(Self {
            tree,
            _database: database,
            payloads,
            history: folder.join("journal"),
            gate,
            submissions: Some(submissions),
            writer: Some(writer),
            next_receipt: AtomicU64::new(next_receipt),
            numbers: Mutex::default(),
            leases: Mutex::default(),
        })
    }

    /// Numbers of the oldest and the newest journal record in the database.
    pub(super) fn journal_span(&self) -> Result<Option<(u64, u64)>, Error> {
        let _open = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let first = self.tree.scan_prefix([keys::JOURNAL]).next().transpose();
        let first = first.map_err(|e| database("reading", &e))?;
        let first = first.and_then(|(key, _)| keys::last_number(&key));
        Ok(first.zip(last(&self.tree, &[keys::JOURNAL])?))
    }

    /// Up to `limit` expectations whose clocks stand before `end`.
    fn clocks(&self, end: Vec<u8>, limit: usize) -> Result<Vec<Expectation>, Error> {
        let _open = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        for entry in self.tree.range(vec![keys::CLOCK]..end).take(limit) {
            let (key, _) = entry.map_err(|e| database("reading", &e))?;
            // Prefix and eight bytes of time stand before the expectation's own key.
            let of = key.get(9..).unwrap_or_default();
            found.extend(read::<Expectation>(&self.tree, of)?);
        }
        Ok(found)
    }

    /// Reads with the gate held, so that only what is durable is seen.
    fn read<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Error> {
        let _open = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        read(&self.tree, key)
    }

    /// Up to `limit` records whose keys lie in a range and begin with a prefix.
    fn scan<T: DeserializeOwned>(
        &self,
        prefix: &[u8],
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, T)>, Error> {
        let _open = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let start = after.map_or(std::ops::Bound::Included(prefix.to_vec()), |key| {
            std::ops::Bound::Excluded(key)
        });
        self.tree
            .range((start, std::ops::Bound::Unbounded))
            .map(|entry| entry.map_err(|e| database("reading", &e)))
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
        self.submissions = None;
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has already failed every commit that it held.
            let _ = writer.join();
        }
    }
}

impl Records for EmbeddedStore {
    fn put_payload(&self, bytes: &[u8]) -> Result<PayloadId, Error> {
        self.payloads.put(bytes)
    }

    fn payload(&self, id: PayloadId) -> Result<Vec<u8>, Error> {
        self.payloads.get(id)
    }

    fn commit(&self, transaction: Transaction) -> Result<Vec<JournalRecord>, Error> {
        let freed: Vec<u64> = transaction.changes.iter().filter_map(work_freed).collect();
        let (reply, answer) = sync_channel(1);
        let submissions = self.submissions.as_ref().ok_or(Error::Closed)?;
        submissions.send(Submission { transaction, reply }).map_err(|_| Error::Closed)?;
        let journal = answer.recv().map_err(|_| Error::Closed)??;
        let mut leases = lock(&self.leases);
        for work in freed {
            leases.remove(&work);
        }
        Ok(journal)
    }

    fn next_receipt(&self) -> Result<u64, Error> {
        Ok(self.next_receipt.fetch_add(1, Ordering::Relaxed))
    }

    fn file(&self, key: &FileKey) -> Result<Option<u64>, Error> {
        self.read(&keys::file(key))
    }

    fn receipt(&self, id: u64) -> Result<Option<Receipt>, Error> {
        self.read(&keys::receipt(id))
    }

    fn seen(&self, key: &InterchangeKey) -> Result<Option<Seen>, Error> {
        self.read(&keys::seen(key))
    }

    fn interchange(&self, id: InterchangeId) -> Result<Option<InterchangeRecord>, Error> {
        self.read(&keys::interchange(id))
    }

    fn interchanges(
        &self,
        after: Option<InterchangeId>,
        limit: usize,
    ) -> Result<Vec<(InterchangeId, InterchangeRecord)>, Error> {
        let found = self.scan(&[keys::INTERCHANGE], after.map(keys::interchange), limit)?;
        Ok(found
            .into_iter()
            .filter_map(|(key, record)| Some((keys::interchange_id(&key)?, record)))
            .collect())
    }

    fn purchase_order(&self, key: &PurchaseOrderKey) -> Result<Option<String>, Error> {
        self.read(&keys::purchase_order(key))
    }

    fn document(&self, id: &str) -> Result<Option<Document>, Error> {
        self.read(&keys::document(id))
    }

    fn expectations(&self, partner: &str, group: u64) -> Result<Vec<Expectation>, Error> {
        let found = self.scan(&keys::group(partner, group), None, usize::MAX)?;
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    fn overdue(&self, now: Timestamp, limit: usize) -> Result<Vec<Expectation>, Error> {
        self.clocks(keys::clock(now, &[]), limit)
    }

    fn waiting_expectations(&self, limit: usize) -> Result<Vec<Expectation>, Error> {
        self.clocks(vec![keys::CLOCK + 1], limit)
    }

    fn queued(&self, lane: &str, limit: usize) -> Result<Vec<Work>, Error> {
        let found = self.scan(&keys::lane(keys::WORK, lane), None, limit)?;
        Ok(found.into_iter().map(|(_, work)| work).collect())
    }

    fn backlog(&self, limit: usize) -> Result<Backlog, Error> {
        let _open = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let mut backlog = Backlog::default();
        for entry in self.tree.scan_prefix([keys::WORK]).take(COUNT_MAX) {
            let (key, value) = entry.map_err(|e| database("reading", &e))?;
            let work: Work = decode(&key, &value)?;
            let failed = work.attempts > 0;
            backlog.failing += usize::from(failed);
            *backlog.waiting.entry(work.lane.clone()).or_default() += 1;
            if failed && backlog.failed.len() < limit {
                backlog.failed.push(work);
            }
        }
        Ok(backlog)
    }

    fn parked(&self, limit: usize) -> Result<Vec<Work>, Error> {
        let found = self.scan(&[keys::PARKED], None, limit)?;
        Ok(found.into_iter().map(|(_, work)| work).collect())
    }

    fn journal(&self, after: u64, limit: usize) -> Result<Vec<JournalRecord>, Error> {
        let found = self.scan(&[keys::JOURNAL], Some(keys::journal(after)), limit)?;
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    fn documents(&self, after: Option<&str>, limit: usize) -> Result<Vec<Document>, Error> {
        let found = self.scan(&[keys::DOCUMENT], after.map(keys::document), limit)?;
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    fn all_expectations(
        &self,
        after: Option<(&str, u64, u64)>,
        limit: usize,
    ) -> Result<Vec<Expectation>, Error> {
        let after = after.map(|(partner, group, set)| keys::expectation(partner, group, set));
        let found = self.scan(&[keys::EXPECTATION], after, limit)?;
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    fn exception(&self, id: u64) -> Result<Option<Exception>, Error> {
        self.read(&keys::exception(id))
    }

    fn exceptions(&self, after: u64, limit: usize) -> Result<Vec<Exception>, Error> {
        let found = self.scan(&[keys::EXCEPTION], Some(keys::exception(after)), limit)?;
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    fn open_exceptions(&self, after: u64, limit: usize) -> Result<Vec<Exception>, Error> {
        let after = Some(keys::exception_open(after));
        let mut open = Vec::new();
        for (_, id) in self.scan::<u64>(&[keys::EXCEPTION_OPEN], after, limit)? {
            open.extend(self.exception(id)?.filter(|one| one.state == ExceptionState::Open));
        }
        Ok(open)
    }

    fn exception_items(&self, id: u64) -> Result<Vec<ExceptionItem>, Error> {
        let found = self.scan(&keys::exception_items(id), None, ITEMS_MAX as usize)?;
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    fn exception_about(&self, item: &str) -> Result<Option<u64>, Error> {
        self.read(&keys::exception_of(item))
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
        let _open = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let mut next = match numbers.get(series) {
            Some(&next) => next,
            None => match read::<u64>(&self.tree, &keys::position(series))? {
                Some(position) => position.saturating_add(1),
                None => last(&self.tree, &keys::series(series))?.map_or(0, |n| n.saturating_add(1)),
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
            let used = read::<Option<Timestamp>>(&self.tree, &keys::number(series, next))?;
            if used.is_none_or(|at| is_forgotten(at, range.forgotten_before)) {
                given.push(next);
            }
            next = next.saturating_add(1);
        }
        numbers.insert(series.clone(), next);
        Ok(given)
    }

    fn take(&self, lane: &str, now: Timestamp) -> Result<Taken, Error> {
        // Held over the scan: else work that is finished meanwhile could be given out once more.
        let mut leases = lock(&self.leases);
        let queued = self.scan::<Work>(&keys::lane(keys::WORK, lane), None, LOOKAHEAD_MAX)?;
        let mut held: HashSet<&str> = HashSet::new();
        let mut earliest: Option<Timestamp> = None;
        for (_, work) in &queued {
            let in_order = !work.order.is_empty();
            if in_order && held.contains(work.order.as_str()) {
                continue;
            }
            if in_order {
                held.insert(&work.order);
            }
            if leases.contains(&work.id) {
                continue;
            }
            if work.due <= now {
                leases.insert(work.id);
                return Ok(Taken::Work(Box::new(work.clone())));
            }
            earliest = Some(earliest.map_or(work.due, |other| other.min(work.due)));
        }
        Ok(earliest.map_or(Taken::Nothing, Taken::NotBefore))
    }

    fn release(&self, work: u64) {
        lock(&self.leases).remove(&work);
    }

    fn tidy(&self) -> Result<(), Error> {
        history::archive_journal(self, &self.history)
    }
}

/// Locks the folder against other processes, as long as the file is open.
fn lock_folder(folder: &Path) -> Result<File, Error> {
    let path = folder.join("LOCK");
    let file = File::create(&path).map_err(|e| file_error("opening", &path, &e))?;
    file.try_lock().map_err(|e| match e {
        TryLockError::WouldBlock => Error::Open {
            path: folder.display().to_string(),
            reason: "another process has it open".to_owned(),
        },
        TryLockError::Error(e) => file_error("locking", &path, &e),
    })?;
    Ok(file)
}

/// Opens sled; what it says, or panics of, becomes words for an operator.
fn open_database(path: &PathBuf) -> Result<sled::Db, String> {
    let config = sled::Config::new().path(path).flush_every_ms(None).cache_capacity(CACHE_BYTES);
    // Sled panics on some kinds of damage; it is opened before anything else runs, so nothing is left half done.
    match std::panic::catch_unwind(AssertUnwindSafe(|| config.open())) {
        Ok(Ok(database)) => Ok(database),
        Ok(Err(sled::Error::Io(e))) if e.to_string().contains("lock") => {
            Err(format!("another process has it open ({e})"))
        }
        Ok(Err(e)) => Err(format!("the database cannot be opened: {e}. Restore it from a backup")),
        Err(_) => Err("the database is damaged. Restore it from a backup".to_owned()),
    }
}

/// The highest trailing number of the keys with a prefix.
fn last(tree: &sled::Tree, prefix: &[u8]) -> Result<Option<u64>, Error> {
    let found = tree.scan_prefix(prefix).next_back();
    let found = found.transpose().map_err(|e| database("reading", &e))?;
    Ok(found.and_then(|(key, _)| keys::last_number(&key)))
}

/// The highest number of any work, queued or parked: lanes sort before numbers, so all are looked at.
fn highest_work(tree: &sled::Tree) -> Result<u64, Error> {
    let mut highest = 0;
    for prefix in [keys::WORK, keys::PARKED] {
        for entry in tree.scan_prefix([prefix]).keys() {
            let key = entry.map_err(|e| database("reading", &e))?;
            highest = highest.max(keys::last_number(&key).unwrap_or(0));
        }
    }
    Ok(highest)
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
