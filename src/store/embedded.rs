//! The backend that ships: sled in one folder, the audit log and the payloads beside it.
//!
//! Every group of commits is written to the audit log and `fdatasync`ed, then applied to the database, before anyone is
//! told that it is done. Sled's own `flush` leaves the bytes with the kernel, where a power cut can still take them; so
//! it is followed by `fdatasync` too, and the background flush is off. Everything lives in one tree, so that a group is
//! one atomic change.

use std::collections::{HashMap, HashSet};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::alert::AlertState;
use super::commit::{Request, Writer};
use super::database::{decode, failed, highest_work, last, read};
use super::exception::{Exception, ExceptionItem, ExceptionState, ITEMS_MAX};
use super::keys;
use super::payloads::{Payloads, file_error};
use super::records::{
    Document, FileKey, InterchangeId, InterchangeKey, InterchangeRecord, NumberRange,
    PurchaseOrderKey, Receipt, Seen, Series,
};
use super::recovery::{self, Folders, JOURNAL_KEPT, Progress, Ready, Syncs};
use super::transaction::{Change, Transaction};
use super::writer::is_forgotten;
use super::{Backlog, Error, Expectation, JournalRecord, PayloadId, Records, Store, Taken, Work};
use crate::audit;
use crate::disk;

/// How many commits may wait for the writer before callers wait to hand in theirs.
const SUBMISSIONS_MAX: usize = 1024;
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
    tree: sled::Tree,
    /// Keeps the folder locked.
    _lock: File,
    payloads: Payloads,
    /// Folder of the audit log.
    audit: PathBuf,
    gate: Arc<RwLock<()>>,
    /// `None` once closed.
    submissions: Option<SyncSender<Request>>,
    writer: Option<JoinHandle<()>>,
    next_receipt: AtomicU64,
    /// Next number of each series that was asked for.
    numbers: Mutex<HashMap<Series, u64>>,
    /// Work given out. In memory: with the process all leases end.
    leases: Mutex<HashSet<u64>>,
}

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

    /// Opens it with another way of waiting for the disk.
    pub(super) fn open_syncing(
        folder: &Path,
        key: Option<audit::Key>,
        syncs: Syncs,
    ) -> Result<Self, Error> {
        disk::create_dir(folder).map_err(|e| file_error("making", folder, &e))?;
        let lock = lock_folder(folder)?;
        let folders = Folders::of(folder);
        let Ready { log, signer, database, notices } =
            recovery::open(&folders, key, syncs, &mut |_, _| {})?;
        let payloads = Payloads::open(folder.join("payloads"))?;
        let gate = Arc::new(RwLock::new(()));
        let tree = database.tree.clone();
        let next_receipt = last(&tree, &[keys::RECEIPT])?.map_or(1, |n| n + 1);
        let writer = Writer {
            log,
            signer,
            unsynced_bytes: 0,
            failed: None,
            gate: Arc::clone(&gate),
            next_work: highest_work(&tree)? + 1,
            next_journal: last(&tree, &[keys::JOURNAL])?.map_or(1, |n| n + 1),
            database,
        };
        let (submissions, waiting) = sync_channel(SUBMISSIONS_MAX);
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run(&waiting))
            .map_err(|e| Error::Database { doing: "starting the writer", reason: e.to_string() })?;
        let store = Self {
            tree,
            _lock: lock,
            payloads,
            audit: folders.audit,
            gate,
            submissions: Some(submissions),
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

    /// Hands something to the writer and waits until it is done.
    fn ask<T>(
        &self,
        request: impl FnOnce(SyncSender<Result<T, Error>>) -> Request,
    ) -> Result<T, Error> {
        let (reply, answer) = sync_channel(1);
        let submissions = self.submissions.as_ref().ok_or(Error::Closed)?;
        submissions.send(request(reply)).map_err(|_| Error::Closed)?;
        answer.recv().map_err(|_| Error::Closed)?
    }

    /// Lets old journal records leave the database, which has to fit into memory.
    fn forget_journal(&self) -> Result<(), Error> {
        let span = {
            let _open = self.gate.read().unwrap_or_else(PoisonError::into_inner);
            let first = self.tree.scan_prefix([keys::JOURNAL]).next().transpose();
            let first = first.map_err(|e| failed("reading", &e))?;
            let first = first.and_then(|(key, _)| keys::last_number(&key));
            first.zip(last(&self.tree, &[keys::JOURNAL])?)
        };
        let Some((first, last)) = span else { return Ok(()) };
        let keep = last.saturating_sub(JOURNAL_KEPT);
        let mut through = first + JOURNAL_FORGOTTEN - 1;
        while through <= keep {
            self.ask(|reply| Request::ForgetJournal(through, reply))?;
            through += JOURNAL_FORGOTTEN;
        }
        Ok(())
    }

    /// Up to `limit` expectations whose clocks stand before `end`.
    fn clocks(&self, end: Vec<u8>, limit: usize) -> Result<Vec<Expectation>, Error> {
        let _open = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        for entry in self.tree.range(vec![keys::CLOCK]..end).take(limit) {
            let (key, _) = entry.map_err(|e| failed("reading", &e))?;
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
        let journal = self.ask(|reply| Request::Commit(transaction, reply))?;
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
            let (key, value) = entry.map_err(|e| failed("reading", &e))?;
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

    fn alerts(&self, limit: usize) -> Result<Vec<AlertState>, Error> {
        let found = self.scan(&[keys::ALERT], None, limit)?;
        Ok(found.into_iter().map(|(_, state)| state).collect())
    }

    fn alerts_looked(&self) -> Result<Option<u64>, Error> {
        self.read(&keys::alerts_looked())
    }

    fn last_journal(&self) -> Result<u64, Error> {
        let _open = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        Ok(last(&self.tree, &[keys::JOURNAL])?.unwrap_or(0))
    }

    fn tidy(&self) -> Result<(), Error> {
        self.ask(Request::Sign)?;
        self.forget_journal()?;
        Ok(audit::pack(&self.audit)?)
    }
}

/// Locks the folder against other processes, as long as the file is open.
pub(super) fn lock_folder(folder: &Path) -> Result<File, Error> {
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
