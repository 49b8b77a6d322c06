//! Transactions on their way to the disk: each is handed in by its caller, in order; one thread writes what has come
//! together to the audit log, durably and once for all, applies it to the database, and only then answers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::compaction::{Compactor, When};
use super::database::Database;
use super::entry::Writes;
use super::journal::JournalRecord;
use super::payloads::Payloads;
use super::transaction::Transaction;
use super::view::View;
use super::writer::Pending;
use super::{Error, keys, pages};
use crate::audit::{Group, Hash, Log, Signer};

/// Most transactions for one flush: more would only lengthen the wait of the first.
const GROUP_MAX: usize = 256;
/// From this size on a group takes no more. The database gets it in one step, which it holds in memory.
const GROUP_BYTES: usize = 512 << 10;
/// How long transactions gather for which nobody waits yet: each group costs its syncs, however little is in it. Lanes
/// hand in many before they wait for the last.
const GATHERS_FOR: Duration = Duration::from_millis(20);
/// So many, or half of the bytes of a full group, are worth a group, waited for or not.
const GATHERED: usize = GROUP_MAX / 2;

type Answer = SyncSender<Result<(), Error>>;

/// What becomes of records by transactions that were handed in and are not durable yet, each with the number of the
/// group that it belongs to.
pub(super) type Ahead = BTreeMap<Vec<u8>, (u64, Option<Vec<u8>>)>;

/// What else the writer is asked to do.
pub(super) enum Request {
    /// The journal up to this record leaves the database. The audit log keeps it, so that it needs no entry.
    ForgetJournal(u64, Answer),
    /// What the log holds is signed, where that is more than was.
    Sign(Answer),
    /// The database is compacted.
    Compact(When, Answer),
}

/// A transaction that was handed in. It is durable, or was not done, once [`Store::settled`](super::Store::settled)
/// says so.
pub struct HandedIn {
    pub(super) journal: Vec<JournalRecord>,
    /// Not held: it has the database open.
    counter: Weak<Counter>,
    /// Its group.
    group: u64,
    answer: Receiver<Result<(), Error>>,
    /// What the answer was.
    pub(super) answered: Option<Result<(), Error>>,
    /// Work whose lease ends with it.
    pub(super) freed: Vec<u64>,
}

impl HandedIn {
    /// Waits until it is durable, or is known to be not done; and so is all that was handed in before it. Of several it is
    /// worth while to wait for the last first: each wait for one that is not there costs far more than the look at one
    /// that is.
    pub fn wait(&mut self) {
        if self.answered.is_some() {
            return;
        }
        let answer = self.answer.try_recv().or_else(|_| {
            if let Some(counter) = self.counter.upgrade() {
                counter.is_waited_for(self.group);
            }
            self.answer.recv()
        });
        self.answered = Some(answer.unwrap_or(Err(Error::Closed)));
    }
}

impl fmt::Debug for HandedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandedIn").field("group", &self.group).finish_non_exhaustive()
    }
}

/// Transactions that come together, and what the writer is asked.
struct Stage {
    number: u64,
    group: Group,
    writes: Writes,
    answers: Vec<Answer>,
    requests: Vec<Request>,
    /// When the first of them came.
    since: Instant,
    /// Somebody waits for one of them.
    is_waited_for: bool,
    next_work: u64,
    next_journal: u64,
    /// After which nothing may be written any more. A sync that failed once may seem to succeed the next time.
    failed: Option<Error>,
    /// Nothing more is handed in.
    closed: bool,
    /// The writer is gone, well or not.
    ended: bool,
}

impl Stage {
    fn is_idle(&self) -> bool {
        self.answers.is_empty() && self.requests.is_empty()
    }

    fn is_full(&self) -> bool {
        self.answers.len() >= GROUP_MAX || self.group.len() >= GROUP_BYTES
    }

    /// How long more may gather before the writer has to begin.
    fn gathers(&self) -> Option<Duration> {
        let enough = self.answers.len() >= GATHERED || self.group.len() >= GROUP_BYTES / 2;
        if enough || self.is_waited_for || self.closed || !self.requests.is_empty() {
            return None;
        }
        GATHERS_FOR.checked_sub(self.since.elapsed()).filter(|left| !left.is_zero())
    }

    /// Takes what has come together; the next group follows it.
    fn take(&mut self) -> Together {
        let next = self.group.next();
        let number = self.number;
        self.number += 1;
        self.is_waited_for = false;
        Together {
            number,
            group: std::mem::replace(&mut self.group, next),
            writes: std::mem::take(&mut self.writes),
            answers: std::mem::take(&mut self.answers),
            requests: std::mem::take(&mut self.requests),
        }
    }
}

/// Transactions that are written together.
struct Together {
    number: u64,
    group: Group,
    writes: Writes,
    answers: Vec<Answer>,
    requests: Vec<Request>,
}

/// Where callers and the writer meet.
pub(super) struct Counter {
    view: Arc<View>,
    stage: Mutex<Stage>,
    ahead: RwLock<Ahead>,
    handed_in: Condvar,
    room: Condvar,
}

impl Counter {
    pub(super) fn new(view: Arc<View>, log: &Log, next_work: u64, next_journal: u64) -> Self {
        let stage = Stage {
            number: 1,
            group: log.group(),
            writes: Writes::new(),
            answers: Vec::new(),
            requests: Vec::new(),
            since: Instant::now(),
            is_waited_for: false,
            next_work,
            next_journal,
            failed: None,
            closed: false,
            ended: false,
        };
        Self {
            view,
            stage: Mutex::new(stage),
            ahead: RwLock::default(),
            handed_in: Condvar::new(),
            room: Condvar::new(),
        }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is handed in and not durable yet.
    pub(super) fn ahead(&self) -> std::sync::RwLockReadGuard<'_, Ahead> {
        self.ahead.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a transaction to those that are written next, seen after all that were handed in before it.
    ///
    /// # Errors
    /// Where a condition of it does not hold; nothing of it is done then.
    pub(super) fn hand_in(self: &Arc<Self>, transaction: &Transaction) -> Result<HandedIn, Error> {
        let mut stage = self.stage();
        while stage.is_full() && stage.failed.is_none() {
            stage = self.room.wait(stage).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(error) = &stage.failed {
            return Err(error.clone());
        }
        let (changes, next_work, next_journal) = {
            // In this order: what is ahead no more is in the tree.
            let (ahead, tree) = (self.ahead(), self.view.durable());
            let mut pending = Pending::new(&tree, &ahead, stage.next_work, stage.next_journal);
            for change in &transaction.changes {
                pending.change(change)?;
            }
            (pending.changes, pending.next_work, pending.next_journal)
        };
        (stage.next_work, stage.next_journal) = (next_work, next_journal);
        if !changes.is_empty() {
            let by = transaction.by.as_deref().unwrap_or("gateway");
            stage.group.push(Timestamp::now(), by, &changes.body());
        }
        let number = stage.number;
        let mut ahead = self.ahead.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in &changes.writes {
            ahead.insert(key.clone(), (number, value.clone()));
        }
        drop(ahead);
        stage.writes.extend(changes.writes);
        let mut journal = Vec::new();
        for (record, bytes) in changes.journal {
            stage.writes.insert(keys::journal(record.sequence), Some(bytes));
            journal.push(record);
        }
        let (reply, answer) = sync_channel(1);
        let is_first = stage.answers.is_empty();
        if is_first {
            stage.since = Instant::now();
        }
        stage.answers.push(reply);
        let tells = is_first || stage.gathers().is_none();
        drop(stage);
        if tells {
            self.handed_in.notify_one();
        }
        let (counter, group) = (Arc::downgrade(self), number);
        Ok(HandedIn { journal, counter, group, answer, answered: None, freed: Vec::new() })
    }

    /// Somebody waits for a group: it gathers no more.
    fn is_waited_for(&self, group: u64) {
        let mut stage = self.stage();
        if stage.number == group && !stage.is_waited_for {
            stage.is_waited_for = true;
            drop(stage);
            self.handed_in.notify_one();
        }
    }

    /// Asks the writer for something, and waits until it is done.
    pub(super) fn ask(&self, request: impl FnOnce(Answer) -> Request) -> Result<(), Error> {
        let (reply, answer) = sync_channel(1);
        let mut stage = self.stage();
        if stage.ended {
            return Err(Error::Closed);
        }
        stage.requests.push(request(reply));
        drop(stage);
        self.handed_in.notify_one();
        answer.recv().map_err(|_| Error::Closed)?
    }

    /// The writer ends once it has written what is there.
    pub(super) fn close(&self) {
        self.stage().closed = true;
        self.handed_in.notify_one();
    }

    /// What the writer has to do next; nothing at the end. One that has more to do besides does not wait for it.
    fn next(&self, waits: bool) -> Option<Together> {
        let mut stage = self.stage();
        loop {
            if !stage.is_idle() {
                let Some(left) = stage.gathers() else { break };
                let woken = self.handed_in.wait_timeout(stage, left);
                stage = woken.unwrap_or_else(PoisonError::into_inner).0;
            } else if stage.closed {
                return None;
            } else if !waits {
                break;
            } else {
                stage = self.handed_in.wait(stage).unwrap_or_else(PoisonError::into_inner);
            }
        }
        let together = stage.take();
        drop(stage);
        self.room.notify_all();
        Some(together)
    }

    /// Nothing more is taken.
    fn fail(&self, error: &Error) {
        self.stage().failed = Some(error.clone());
        self.room.notify_all();
    }

    /// The writer is gone: whoever waits for it is told.
    fn end(&self) {
        let mut stage = self.stage();
        stage.ended = true;
        stage.failed.get_or_insert(Error::Closed);
        stage.answers.clear();
        stage.requests.clear();
        drop(stage);
        self.room.notify_all();
    }

    /// The database has a group.
    fn applied(&self, number: u64) {
        let mut ahead = self.ahead.write().unwrap_or_else(PoisonError::into_inner);
        ahead.retain(|_, (group, _)| *group > number);
    }
}

/// Tells that the writer is gone, even where it panicked.
struct End(Arc<Counter>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// What the writer thread owns.
pub(super) struct Writer {
    pub(super) counter: Arc<Counter>,
    pub(super) log: Log,
    pub(super) signer: Signer,
    pub(super) database: Database,
    pub(super) payloads: Arc<Payloads>,
    /// Whether the database got a step that the disk may not have.
    pub(super) is_unsynced: bool,
    pub(super) failed: Option<Error>,
    pub(super) view: Arc<View>,
    pub(super) compactor: Compactor,
}

impl Writer {
    /// Works until the store is closed.
    pub(super) fn run(mut self) {
        let end = End(Arc::clone(&self.counter));
        let counter = &end.0;
        while let Some(mut together) = counter.next(!self.compactor.is_under_way()) {
            let requests = std::mem::take(&mut together.requests);
            self.write(together);
            for request in requests {
                // A caller that no longer waits has nothing to be told.
                let _ = match request {
                    Request::Sign(answer) => answer.send(self.sign(false)),
                    Request::ForgetJournal(through, answer) => {
                        answer.send(self.forget_journal(through))
                    }
                    Request::Compact(when, answer) => answer.send(self.compact(when)),
                };
            }
            self.compact_on();
        }
        self.compactor.clear();
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

    /// Writes transactions to the log and the database, then answers.
    fn write(&mut self, together: Together) {
        let Together { number, group, writes, answers, .. } = together;
        if answers.is_empty() {
            return;
        }
        let written = self.make_durable(group, writes);
        self.fails_by(written.as_ref().err());
        if written.is_ok() {
            self.counter.applied(number);
        }
        for answer in answers {
            let _ = answer.send(written.clone());
        }
        if written.is_ok() {
            let synced = self.sync();
            self.fails_by(synced.as_ref().err());
        }
    }

    pub(super) fn fails_by(&mut self, error: Option<&Error>) {
        if let Some(error) = error {
            self.counter.fail(error);
            self.failed = Some(error.clone());
        }
    }

    /// First the payloads that may be named, then the log; once it has that on the disk it is durable. The database is
    /// synced when all have their answers: what a crash takes from it, it gets from the log at the next start.
    fn make_durable(&mut self, group: Group, writes: Writes) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.payloads.sync()?;
        if group.is_empty() {
            return Ok(());
        }
        let through = group.last();
        self.log.write(group).map_err(Error::Log)?;
        self.apply(writes, through)
    }

    fn apply(&mut self, writes: Writes, through: (u64, Hash)) -> Result<(), Error> {
        let paged = pages::paged(writes);
        self.compactor.follow(&paged);
        let _shut = self.view.shut();
        self.is_unsynced = true;
        self.database.apply_paged(paged, through)
    }

    /// Has the disk take the last step, before the next one is applied: see [`Database`].
    fn sync(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.is_unsynced) { self.database.flush() } else { Ok(()) }
    }

    fn forget_journal(&mut self, through: u64) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let writes = self.database.without_journal(through)?;
        let forgotten = self.apply(writes, self.log.last()).and_then(|()| self.sync());
        self.fails_by(forgotten.as_ref().err());
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::{CACHE_BYTES, Database, Opened};

    /// A counter at which nobody works.
    fn counter(folder: &std::path::Path) -> (Database, Arc<Counter>) {
        let sync = || -> crate::disk::Sync { Box::new(std::fs::File::sync_data) };
        Log::create(&folder.join("audit")).unwrap();
        let (log, _) = Log::open(&folder.join("audit"), 0, sync()).unwrap();
        let database = Database::create(&folder.join("state"), CACHE_BYTES, sync()).unwrap();
        let view = Arc::new(View::new(database.tree.clone()));
        let counter = Arc::new(Counter::new(view, &log, 1, 1));
        (database, counter)
    }

    #[test]
    fn a_group_gathers_until_somebody_waits_for_one_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let (_database, counter) = counter(folder.path());
        let mut handed_in = counter.hand_in(&Transaction::new()).unwrap();
        // It would gather for an hour.
        counter.stage().since = Instant::now() + Duration::from_hours(1);
        assert!(counter.stage().gathers().is_some());
        let waiting = std::thread::spawn(move || {
            handed_in.wait();
            handed_in.answered
        });
        // It would hang here.
        let together = counter.next(true).unwrap();
        assert_eq!((together.number, together.answers.len()), (1, 1));
        for answer in together.answers {
            answer.send(Ok(())).unwrap();
        }
        assert!(matches!(waiting.join().unwrap(), Some(Ok(()))));
        // The next gathers again.
        let _next = counter.hand_in(&Transaction::new()).unwrap();
        assert!(counter.stage().gathers().is_some());
    }

    #[test]
    fn what_was_handed_in_does_not_keep_the_database_open() {
        let folder = tempfile::tempdir().unwrap();
        let (database, counter) = counter(folder.path());
        let mut handed_in = counter.hand_in(&Transaction::new()).unwrap();
        counter.end();
        drop((database, counter));
        let sync = Box::new(std::fs::File::sync_data);
        let opened = Database::open(&folder.path().join("state"), sync).unwrap();
        assert!(!matches!(opened, Opened::Foreign(_)));
        handed_in.wait();
        assert!(matches!(handed_in.answered, Some(Err(Error::Closed))));
    }
}
