//! The one thread that writes: it takes what waits, applies it, flushes once for all, and only then answers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, RwLock};

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;
use super::exception::ExceptionItem;
use super::keys;
use super::records::{
    AckState, Document, DocumentState, Expectation, InterchangeRecord, JournalEntry, JournalRecord,
    Receipt, Seen, Work,
};
use super::transaction::{Change, NewWork, Transaction};

/// Largest record. Sled puts larger values into files of their own, which one `fdatasync` does not cover.
const RECORD_BYTES_MAX: usize = 4096;
/// Most transactions for one flush: more would only lengthen the wait of the first.
const GROUP_MAX: usize = 256;
/// Most bytes of changes that share a sync, unless one transaction alone has more. Sled writes segments of 512 KiB, notes
/// in each up to where the log was written before, and trusts that note after a power cut. Transactions that together
/// reach over more than two segments before a sync could therefore come back in part, and spoil what was there before
/// (`power` shows it). So few bytes stay far below, although sled writes whole pages anew around some of them; a single
/// transaction it holds together by itself, however large.
const UNSYNCED_BYTES_MAX: usize = 32 << 10;
/// What a change costs in the database besides its key and record, about.
const CHANGE_BYTES: usize = 512;
/// Longest note or reason in a record, in characters. At worst four bytes each, or two where JSON escapes them, so
/// that a record with a note and a subject stays within its bound.
const NOTE_CHARS_MAX: usize = 400;
/// Longest subject of a journal entry, in characters.
const SUBJECT_CHARS_MAX: usize = 200;

/// A transaction on its way to the writer.
pub(super) struct Submission {
    pub(super) transaction: Transaction,
    pub(super) reply: SyncSender<Result<Vec<JournalRecord>, Error>>,
}

/// Waits until the disk has the bytes of a file.
pub(super) type Sync = Box<dyn FnMut(&File) -> std::io::Result<()> + Send>;

/// What the writer thread owns.
pub(super) struct Writer {
    pub(super) tree: sled::Tree,
    /// The database's main file: `flush` hands the bytes to the kernel, `sync_data` to the disk.
    pub(super) file: File,
    pub(super) sync: Sync,
    /// Bytes of changes that were applied since.
    pub(super) unsynced_bytes: usize,
    /// After which nothing may be written any more. A sync that failed once may seem to succeed the next time.
    pub(super) failed: Option<Error>,
    /// Held while changes are applied but not yet durable, so that no reader sees them.
    pub(super) gate: Arc<RwLock<()>>,
    pub(super) next_work: u64,
    pub(super) next_journal: u64,
}

impl Writer {
    /// Works until every sender is gone.
    pub(super) fn run(mut self, submissions: &Receiver<Submission>) {
        while let Ok(first) = submissions.recv() {
            let mut group = vec![first];
            while group.len() < GROUP_MAX {
                let Ok(next) = submissions.try_recv() else { break };
                group.push(next);
            }
            self.write_group(&group);
        }
    }

    /// Applies a group and flushes it, then answers.
    fn write_group(&mut self, group: &[Submission]) {
        let gate = Arc::clone(&self.gate);
        let shut = gate.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let results: Vec<_> = group.iter().map(|one| self.apply(&one.transaction)).collect();
        let flushed = self.flush();
        drop(shut);
        let failure = flushed.err();
        for (one, result) in group.iter().zip(results) {
            answer(one, failure.clone().map_or(result, Err));
        }
    }

    /// Hands what was applied to the kernel, and waits until the disk has it.
    fn flush(&mut self) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let flushed = self.tree.flush().map_err(|e| database("flushing", &e)).and_then(|_| {
            (self.sync)(&self.file).map_err(|e| Error::Database {
                doing: "syncing to the disk",
                reason: e.to_string(),
            })
        });
        self.failed = flushed.clone().err();
        self.unsynced_bytes = 0;
        flushed
    }

    fn apply(&mut self, transaction: &Transaction) -> Result<Vec<JournalRecord>, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let mut pending = Pending {
            tree: &self.tree,
            batch: sled::Batch::default(),
            fresh: HashSet::new(),
            written: HashMap::new(),
            next_work: self.next_work,
            next_journal: self.next_journal,
            journal: Vec::new(),
            bytes: 0,
        };
        for change in &transaction.changes {
            pending.change(change)?;
        }
        let Pending { batch, next_work, next_journal, journal, bytes, .. } = pending;
        if self.unsynced_bytes > 0 && self.unsynced_bytes + bytes > UNSYNCED_BYTES_MAX {
            self.flush()?;
        }
        self.unsynced_bytes += bytes;
        self.tree.apply_batch(batch).map_err(|e| database("applying a change", &e))?;
        (self.next_work, self.next_journal) = (next_work, next_journal);
        Ok(journal)
    }
}

fn answer(submission: &Submission, result: Result<Vec<JournalRecord>, Error>) {
    // A caller that no longer waits has nothing to be told.
    let _ = submission.reply.send(result);
}

/// One transaction while its batch grows.
pub(super) struct Pending<'a> {
    tree: &'a sled::Tree,
    batch: sled::Batch,
    /// Keys that this transaction makes and that must not have been there.
    fresh: HashSet<Vec<u8>>,
    /// What it wrote itself: exceptions are read again in one transaction.
    written: HashMap<Vec<u8>, Option<Vec<u8>>>,
    next_work: u64,
    next_journal: u64,
    journal: Vec<JournalRecord>,
    /// Of all changes in it, about.
    bytes: usize,
}

impl Pending<'_> {
    fn change(&mut self, change: &Change) -> Result<(), Error> {
        match change {
            Change::TakeFile(receipt) => {
                let what = || format!("file {} was taken in before", receipt.file.name);
                self.insert_new(keys::file(&receipt.file), &receipt.id, what)?;
                self.insert(keys::receipt(receipt.id), receipt)
            }
            Change::FileSeen(file) => {
                let what = || format!("file {} was taken in before", file.name);
                self.insert_new(keys::file(file), &0_u64, what)
            }
            Change::FinishReceipt(id) => {
                let key = keys::receipt(*id);
                let mut receipt: Receipt = read(self.tree, &key)?
                    .ok_or_else(|| Error::Conflict(format!("receipt {id} is unknown")))?;
                receipt.done = true;
                self.insert(key, &receipt)
            }
            Change::Outcome(id, record) => {
                let what = || {
                    format!("interchange {} of receipt {} has its outcome", id.index, id.receipt)
                };
                let note = shorten(&record.note, NOTE_CHARS_MAX);
                let record = InterchangeRecord { note, ..record.clone() };
                self.insert_new(keys::interchange(*id), &record, what)
            }
            Change::FirstSeen(key, seen, forgotten_before) => {
                let own = keys::seen(key);
                let before = read::<Seen>(self.tree, &own)?.and_then(|before| before.at);
                if is_forgotten(before, *forgotten_before) && self.fresh.insert(own.clone()) {
                    return self.insert(own, seen);
                }
                self.insert_new(own, seen, || format!("{key} was seen before"))
            }
            Change::Noted(key, words) => self.insert(keys::purchase_order(key), words),
            Change::PurchaseOrder(key, document) => {
                let what = || format!("{} {} was seen before", key.kind, key.number);
                self.insert_new(keys::purchase_order(key), document, what)
            }
            Change::Number { series, number, at, forgotten_before } => {
                let what = || format!("control number {number} of {series} was used before");
                let key = keys::number(series, *number);
                let used: Option<Timestamp> = read(self.tree, &key)?.flatten();
                if is_forgotten(used, *forgotten_before) && self.fresh.insert(key.clone()) {
                    self.insert(key, at)?;
                } else {
                    self.insert_new(key, at, what)?;
                }
                self.insert(keys::position(series), number)
            }
            Change::Document(document) => self.insert(keys::document(&document.id), document),
            Change::Advance { document, state, at } => self.advance(document, *state, *at),
            Change::Queue(work) => self.queue(work),
            Change::Done { .. }
            | Change::Retry { .. }
            | Change::Park { .. }
            | Change::Unpark { .. }
            | Change::Hurry { .. } => self.finish_or_move(change),
            Change::Raise(_) | Change::Mend { .. } | Change::Settle(_) => self.exception(change),
            Change::Expect(expectation) => self.expect(expectation),
            Change::Journal(entry) => self.journal(entry),
            Change::ForgetJournal { through } => {
                for key in self.tree.range(keys::journal(0)..=keys::journal(*through)).keys() {
                    let key = key.map_err(|e| database("reading", &e))?;
                    self.bytes += key.len() + CHANGE_BYTES;
                    self.batch.remove(key);
                }
                Ok(())
            }
        }
    }

    /// What happens to work that is there.
    fn finish_or_move(&mut self, change: &Change) -> Result<(), Error> {
        match change {
            Change::Done { lane, work } => {
                let key = keys::work(keys::WORK, lane, *work);
                self.work(&key)?;
                self.batch.remove(key);
                Ok(())
            }
            Change::Retry { lane, work, due, error } => {
                let key = keys::work(keys::WORK, lane, *work);
                let attempts = self.work(&key)?.attempts.saturating_add(1);
                let work = Work {
                    attempts,
                    due: *due,
                    error: shorten(error, NOTE_CHARS_MAX),
                    ..self.work(&key)?
                };
                self.insert(key, &work)
            }
            Change::Park { lane, work, error } => {
                let key = keys::work(keys::WORK, lane, *work);
                let parked = Work { error: shorten(error, NOTE_CHARS_MAX), ..self.work(&key)? };
                self.batch.remove(key);
                self.insert(keys::work(keys::PARKED, lane, *work), &parked)
            }
            Change::Unpark { lane, work, due } => {
                let key = keys::work(keys::PARKED, lane, *work);
                let again = Work { attempts: 0, due: *due, ..self.work(&key)? };
                self.batch.remove(key);
                self.insert(keys::work(keys::WORK, lane, *work), &again)
            }
            Change::Hurry { lane, work, due } => {
                let key = keys::work(keys::WORK, lane, *work);
                let hurried = Work { due: *due, ..self.work(&key)? };
                self.insert(key, &hurried)
            }
            _ => Ok(()),
        }
    }

    /// A record as this transaction leaves it so far.
    pub(super) fn read<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Error> {
        match self.written.get(key) {
            Some(Some(bytes)) => decode(key, bytes).map(Some),
            Some(None) => Ok(None),
            None => read(self.tree, key),
        }
    }

    /// What an exception is about, as this transaction found it and made it.
    pub(super) fn read_items(&self, exception: u64) -> Result<Vec<ExceptionItem>, Error> {
        let prefix = keys::exception_items(exception);
        let mut items: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for entry in self.tree.scan_prefix(&prefix) {
            let (key, value) = entry.map_err(|e| database("reading", &e))?;
            items.insert(key.to_vec(), value.to_vec());
        }
        let own = self.written.iter().filter(|(key, _)| key.starts_with(&prefix));
        items.extend(own.filter_map(|(key, value)| Some((key.clone(), value.clone()?))));
        items.iter().map(|(key, value)| decode(key, value)).collect()
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.bytes += key.len() + CHANGE_BYTES;
        self.batch.remove(key.as_slice());
        self.written.insert(key, None);
    }

    fn queue(&mut self, new: &NewWork) -> Result<(), Error> {
        let id = self.next_work;
        self.next_work += 1;
        let work = Work {
            id,
            lane: new.lane.clone(),
            order: new.order.clone(),
            task: new.task.clone(),
            attempts: 0,
            due: new.due,
            queued: new.due,
            error: String::new(),
        };
        self.insert(keys::work(keys::WORK, &new.lane, id), &work)
    }

    fn work(&self, key: &[u8]) -> Result<Work, Error> {
        read(self.tree, key)?
            .ok_or_else(|| Error::Conflict("the work is no longer queued".to_owned()))
    }

    fn advance(&mut self, id: &str, state: DocumentState, at: Timestamp) -> Result<(), Error> {
        let key = keys::document(id);
        let old: Document = read(self.tree, &key)?
            .ok_or_else(|| Error::Conflict(format!("document {id} is unknown")))?;
        let corrected = old.state.rank() == state.rank() && old.state.is_verdict();
        if state.rank() > old.state.rank() || corrected {
            self.insert(key, &Document { state, at, ..old })?;
        }
        Ok(())
    }

    fn expect(&mut self, new: &Expectation) -> Result<(), Error> {
        let key = keys::expectation(&new.partner, new.group, new.set);
        if let Some(old) = read::<Expectation>(self.tree, &key)? {
            let only_time = matches!(new.state, AckState::DueSoon | AckState::Overdue);
            if only_time && !old.state.is_waiting() {
                return Ok(());
            }
            if let Some(clock) = old.clock() {
                self.batch.remove(keys::clock(clock, &key));
            }
        }
        if let Some(clock) = new.clock() {
            self.batch.insert(keys::clock(clock, &key), &[][..]);
        }
        self.insert(key, new)
    }

    pub(super) fn journal(&mut self, entry: &JournalEntry) -> Result<(), Error> {
        let sequence = self.next_journal;
        self.next_journal += 1;
        let entry = JournalEntry {
            note: shorten(&entry.note, NOTE_CHARS_MAX),
            subject: shorten(&entry.subject, SUBJECT_CHARS_MAX),
            ..entry.clone()
        };
        let record = JournalRecord { sequence, entry };
        self.insert(keys::journal(sequence), &record)?;
        self.journal.push(record);
        Ok(())
    }

    pub(super) fn insert(&mut self, key: Vec<u8>, record: &impl Serialize) -> Result<(), Error> {
        let bytes = serde_json::to_vec(record).map_err(|e| damaged(&key, e.to_string()))?;
        if bytes.len() > RECORD_BYTES_MAX {
            let reason = format!("{} bytes, more than {RECORD_BYTES_MAX}", bytes.len());
            return Err(damaged(&key, reason));
        }
        self.bytes += key.len() + bytes.len() + CHANGE_BYTES;
        if keys::is_of_exceptions(&key) {
            self.written.insert(key.clone(), Some(bytes.clone()));
        }
        self.batch.insert(key, bytes);
        Ok(())
    }

    fn insert_new(
        &mut self,
        key: Vec<u8>,
        record: &impl Serialize,
        conflict: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        let there = self.tree.contains_key(&key).map_err(|e| database("reading", &e))?;
        if there || !self.fresh.insert(key.clone()) {
            return Err(Error::Conflict(conflict()));
        }
        self.insert(key, record)
    }
}

/// Whether what was at a moment does not count any more.
pub(super) fn is_forgotten(at: Option<Timestamp>, before: Option<Timestamp>) -> bool {
    at.zip(before).is_some_and(|(at, before)| at < before)
}

pub(super) fn database(doing: &'static str, error: &sled::Error) -> Error {
    Error::Database { doing, reason: error.to_string() }
}

pub(super) fn damaged(key: &[u8], reason: String) -> Error {
    Error::Record { key: String::from_utf8_lossy(key).replace('\0', "/"), reason }
}

/// Reads and decodes one record.
pub(super) fn read<T: DeserializeOwned>(tree: &sled::Tree, key: &[u8]) -> Result<Option<T>, Error> {
    let Some(bytes) = tree.get(key).map_err(|e| database("reading", &e))? else {
        return Ok(None);
    };
    decode(key, &bytes).map(Some)
}

pub(super) fn decode<T: DeserializeOwned>(key: &[u8], bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|e| damaged(key, e.to_string()))
}

/// Cuts a text; control characters but line breaks become blanks, since JSON makes six bytes of each.
pub(super) fn shorten(text: &str, chars_max: usize) -> String {
    let plain = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    text.chars().take(chars_max).map(plain).collect()
}
