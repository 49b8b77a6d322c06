//! The one thread that writes: it takes what waits, writes it to the audit log, durably and once for all, applies it to
//! the database, and only then answers.

use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;

use super::database::{Database, failed};
use super::entry::Writes;
use super::journal::JournalRecord;
use super::transaction::Transaction;
use super::writer::Pending;
use super::{Error, keys};
use crate::audit::{Group, Hash, Log, Signer};

/// Most transactions for one flush: more would only lengthen the wait of the first.
const GROUP_MAX: usize = 256;
/// From this size on a group takes no more. The database gets it in one step, which it holds in memory.
const GROUP_BYTES: usize = 512 << 10;

/// Most bytes of changes in the database that share a sync, unless one group alone has more. Sled writes segments of
/// 512 KiB, notes in each up to where its log was written before, and trusts that note after a power cut. Steps that
/// together reach over more than two segments before a sync could therefore come back in part, and spoil what was there
/// before (`power` shows it). So few bytes stay far below, although sled writes whole pages anew around some of them; a
/// single step it holds together by itself, however large.
const UNSYNCED_BYTES_MAX: usize = 32 << 10;
/// What a change costs in the database besides its key and record, about.
const CHANGE_BYTES: usize = 512;

type Answer<T> = SyncSender<Result<T, Error>>;

/// What the writer is asked to do.
pub(super) enum Request {
    /// A transaction.
    Commit(Transaction, Answer<Vec<JournalRecord>>),
    /// The journal up to this record leaves the database. The audit log keeps it, so that it needs no entry.
    ForgetJournal(u64, Answer<()>),
    /// What the log holds is signed, where that is more than was.
    Sign(Answer<()>),
}

/// What the writer thread owns.
pub(super) struct Writer {
    pub(super) log: Log,
    pub(super) signer: Signer,
    pub(super) database: Database,
    /// Bytes of changes that the database got since its last sync.
    pub(super) unsynced_bytes: usize,
    /// After which nothing may be written any more. A sync that failed once may seem to succeed the next time.
    pub(super) failed: Option<Error>,
    /// Held while changes are applied, so that a reader sees all of a transaction or nothing.
    pub(super) gate: Arc<RwLock<()>>,
    pub(super) next_work: u64,
    pub(super) next_journal: u64,
}

/// Transactions that are written together.
struct Together {
    group: Group,
    writes: Writes,
    answers: Vec<(Answer<Vec<JournalRecord>>, Vec<JournalRecord>)>,
}

impl Writer {
    /// Works until every sender is gone.
    pub(super) fn run(mut self, requests: &Receiver<Request>) {
        while let Ok(first) = requests.recv() {
            let mut together = self.begin();
            let mut next = Some(first);
            while let Some(request) = next.take() {
                match request {
                    Request::Commit(transaction, answer) => {
                        self.add(&mut together, &transaction, answer);
                    }
                    Request::Sign(answer) => {
                        self.write(together);
                        together = self.begin();
                        let _ = answer.send(self.sign(false));
                    }
                    Request::ForgetJournal(through, answer) => {
                        self.write(together);
                        together = self.begin();
                        let _ = answer.send(self.forget_journal(through));
                    }
                }
                if together.answers.len() < GROUP_MAX && together.group.len() < GROUP_BYTES {
                    next = requests.try_recv().ok();
                }
            }
            self.write(together);
        }
        // What fails here, the next start makes up for.
        let _ = self.database.flush();
        let _ = self.sign(true);
    }

    fn sign(&mut self, closing: bool) -> Result<(), Error> {
        match &self.failed {
            // Nobody knows what of the log is on the disk.
            Some(error) => Err(error.clone()),
            None => Ok(self.signer.sign(self.log.tree(), closing)?),
        }
    }

    fn begin(&self) -> Together {
        Together { group: self.log.group(), writes: Writes::new(), answers: Vec::new() }
    }

    /// Adds a transaction, or answers at once where a condition of it does not hold.
    fn add(
        &mut self,
        together: &mut Together,
        transaction: &Transaction,
        answer: Answer<Vec<JournalRecord>>,
    ) {
        let changed = self.changed_by(transaction, &together.writes);
        let (changes, next_work, next_journal) = match changed {
            Ok(pending) => (pending.changes, pending.next_work, pending.next_journal),
            Err(error) => {
                // A caller that no longer waits has nothing to be told.
                let _ = answer.send(Err(error));
                return;
            }
        };
        (self.next_work, self.next_journal) = (next_work, next_journal);
        if !changes.is_empty() {
            let by = transaction.by.as_deref().unwrap_or("gateway");
            together.group.push(Timestamp::now(), by, &changes.body());
        }
        together.writes.extend(changes.writes);
        let mut told = Vec::new();
        for (record, bytes) in changes.journal {
            together.writes.insert(keys::journal(record.sequence), Some(bytes));
            told.push(record);
        }
        together.answers.push((answer, told));
    }

    /// What a transaction changes, seen after those with which it is written.
    fn changed_by<'a>(
        &'a self,
        transaction: &Transaction,
        before: &'a Writes,
    ) -> Result<Pending<'a>, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let tree = &self.database.tree;
        let mut pending = Pending::new(tree, before, self.next_work, self.next_journal);
        for change in &transaction.changes {
            pending.change(change)?;
        }
        Ok(pending)
    }

    /// Writes transactions to the log and the database, then answers.
    fn write(&mut self, together: Together) {
        let Together { group, writes, answers } = together;
        let written = if group.is_empty() { Ok(()) } else { self.make_durable(group, writes) };
        if let Err(error) = &written {
            self.failed = Some(error.clone());
        }
        for (answer, journal) in answers {
            let _ = answer.send(written.clone().map(|()| journal));
        }
    }

    /// Once the log has it on the disk it is durable. The database is synced now and then: what a crash takes from it, it
    /// gets from the log at the next start.
    fn make_durable(&mut self, group: Group, writes: Writes) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let through = group.last();
        self.log.write(group).map_err(Error::Log)?;
        self.apply(writes, through)
    }

    fn apply(&mut self, writes: Writes, through: (u64, Hash)) -> Result<(), Error> {
        let size = |(key, value): (&Vec<u8>, &Option<Vec<u8>>)| {
            CHANGE_BYTES + key.len() + value.as_ref().map_or(0, Vec::len)
        };
        let bytes: usize = writes.iter().map(size).sum();
        if self.unsynced_bytes > 0 && self.unsynced_bytes + bytes > UNSYNCED_BYTES_MAX {
            self.database.flush()?;
            self.unsynced_bytes = 0;
        }
        self.unsynced_bytes += bytes;
        let _shut = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        self.database.apply(writes, through)
    }

    fn forget_journal(&mut self, through: u64) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let mut writes = Writes::new();
        for key in self.database.tree.range(keys::journal(0)..=keys::journal(through)).keys() {
            let key = key.map_err(|e| failed("reading", &e))?;
            writes.insert(key.to_vec(), None);
        }
        let forgotten = self.apply(writes, self.log.last());
        self.failed = forgotten.clone().err();
        forgotten
    }
}
