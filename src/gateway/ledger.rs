//! The store, and those who are to be told when something was committed.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, broadcast};

use super::config::Limits;
use super::meter::Meter;
use super::raising::about_work;
use crate::store::{
    self, Change, Event, Facts, HandedIn, JournalEntry, JournalRecord, NewWork, NumberRange,
    Series, Store, Task, Transaction, Work,
};

/// From this attempt on, and at every so many, the journal and the log call for a person; between them each failure is
/// only logged, so that an outage of days does not fill the journal. With the pauses as they are unless configured the
/// tenth attempt comes within 20 minutes, and then every tenth within two hours.
pub(super) const STUCK_ATTEMPTS: u32 = 10;
/// Records that a slow subscriber may lag behind.
const SUBSCRIBER_LAG_MAX: usize = 4096;

pub(super) struct Ledger {
    store: Box<dyn Store>,
    records: broadcast::Sender<JournalRecord>,
    wakes: Mutex<HashMap<String, Arc<Notify>>>,
    look: Notify,
    limits: Limits,
    jitter: RandomState,
    meter: Meter,
}

impl Ledger {
    pub(super) fn new(store: Box<dyn Store>, limits: Limits) -> Self {
        Self {
            store,
            records: broadcast::channel(SUBSCRIBER_LAG_MAX).0,
            wakes: Mutex::default(),
            look: Notify::new(),
            limits,
            jitter: RandomState::new(),
            meter: Meter::default(),
        }
    }

    pub(super) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<JournalRecord> {
        self.records.subscribe()
    }

    pub(super) fn look_now(&self) {
        self.look.notify_waiters();
    }

    /// Resolves at the next [`Ledger::look_now`].
    pub(super) async fn looked_for(&self) {
        self.look.notified().await;
    }

    /// What wakes a lane.
    pub(super) fn wake(&self, lane: &str) -> Arc<Notify> {
        let mut wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(wakes.entry(lane.to_owned()).or_default())
    }

    /// Commits; see [`Ledger::commit_all`].
    pub(super) fn commit(&self, draft: Draft) -> Result<(), store::Error> {
        self.commit_all(&draft.into_transaction())?;
        Ok(())
    }

    /// Commits, then tells subscribers, and the lanes that have something new to do. What a conflict is about can be read
    /// when it returns.
    pub(super) fn commit_all(
        &self,
        transaction: &Transaction,
    ) -> Result<Vec<JournalRecord>, store::Error> {
        match self.begin_all(transaction) {
            Err(conflict @ store::Error::Conflict(_)) => {
                self.store.settle()?;
                Err(conflict)
            }
            begun => self.finish(begun?),
        }
    }

    /// Begins a commit, so that the next may be begun before the disk has it; see [`Store::hand_in`].
    pub(super) fn begin(&self, draft: &Draft) -> Result<Begun, store::Error> {
        self.begin_all(&draft.transaction)
    }

    fn begin_all(&self, transaction: &Transaction) -> Result<Begun, store::Error> {
        let lanes = transaction.lanes().map(|lane| self.wake(lane)).collect();
        Ok(Begun { lanes, handed_in: self.store.hand_in(transaction)? })
    }

    /// Waits until the disk has a commit, then tells of it.
    pub(super) fn finish(&self, begun: Begun) -> Result<Vec<JournalRecord>, store::Error> {
        let Begun { lanes, handed_in } = begun;
        let journal = self.store.settled(handed_in)?;
        for record in &journal {
            log(record);
            self.meter.count(record);
            // No subscriber is no error.
            let _ = self.records.send(record.clone());
        }
        for lane in lanes {
            lane.notify_one();
        }
        Ok(journal)
    }

    /// Numbers for one rendering; see [`Store::reserve_numbers`].
    pub(super) fn numbers(
        &self,
        partner: &str,
        level: &str,
        (range, forgotten_before): (crate::profile::Range, Option<Timestamp>),
        count: u32,
    ) -> Result<(Series, Vec<u64>), store::Error> {
        let series = Series { partner: partner.to_owned(), level: level.to_owned() };
        let numbers = self.store.reserve_numbers(
            &series,
            NumberRange {
                first: range.first,
                last: range.last,
                rollover: range.rollover,
                forgotten_before,
            },
            count,
        )?;
        Ok((series, numbers))
    }

    /// Records that work failed, with what else belongs to that: it is tried again later, however often; only what was refused for good is parked.
    pub(super) fn fail(
        &self,
        mut draft: Draft,
        work: &Work,
        partner: &str,
        failure: &Failure,
    ) -> Result<(), store::Error> {
        let now = Timestamp::now();
        let attempts = work.attempts.saturating_add(1);
        let subject = subject(&work.task);
        if failure.for_good {
            draft.push(Change::Park {
                lane: work.lane.clone(),
                work: work.id,
                error: failure.reason.clone(),
            });
            draft.journal(now, Event::WorkParked, partner, &subject, &failure.reason);
        } else {
            let due = now
                .saturating_add(failure.wait.map_or_else(|| self.pause(work), signed))
                .unwrap_or(Timestamp::MAX);
            draft.push(Change::Retry {
                lane: work.lane.clone(),
                work: work.id,
                due,
                error: failure.reason.clone(),
            });
            let note = format!("attempt {attempts}: {}", failure.reason);
            if attempts < STUCK_ATTEMPTS {
                draft.journal(now, Event::AttemptFailed, partner, &subject, &note);
            } else if attempts.is_multiple_of(STUCK_ATTEMPTS) {
                draft.journal(now, Event::WorkStuck, partner, &subject, &note);
            } else {
                tracing::warn!(partner, subject, note, "still failing");
            }
        }
        self.commit(draft)
    }

    /// Twice as long after each attempt, up to the maximum; half of it left to chance, so that what failed together
    /// does not come back together.
    fn pause(&self, work: &Work) -> SignedDuration {
        let first = u64::from(self.limits.retry_seconds_first) * 1000;
        let longest = u64::from(self.limits.retry_seconds_max) * 1000;
        let whole = first.saturating_mul(1 << work.attempts.min(20)).min(longest);
        let chance = self.jitter.hash_one((work.id, work.attempts)) % (whole / 2 + 1);
        SignedDuration::from_millis(i64::try_from(whole / 2 + chance).unwrap_or(i64::MAX))
    }
}

/// A commit that was begun, and whom it wakes.
pub(super) struct Begun {
    lanes: Vec<Arc<Notify>>,
    handed_in: HandedIn,
}

impl Begun {
    /// Waits until the disk has it, and all that were begun before it. Of several it is worth while to wait for the last
    /// first; see [`HandedIn::wait`].
    pub(super) fn wait(&mut self) {
        self.handed_in.wait();
    }
}

/// Why a step did not succeed, and whether it is worth repeating.
#[derive(Debug, Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own, and all may be so at once"
)]
pub(super) struct Failure {
    pub(super) reason: String,
    pub(super) for_good: bool,
    pub(super) wait: Option<Duration>,
    /// The fault is this program's, and will be there at the next attempt too.
    pub(super) defect: bool,
    /// The store could not read or write something.
    pub(super) store: bool,
    /// Waiting mends nothing: a person is told at once.
    pub(super) stuck: bool,
}

/// A transaction in the making.
#[derive(Default)]
pub(super) struct Draft {
    transaction: Transaction,
}

impl Draft {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn push(&mut self, change: Change) {
        self.transaction.push(change);
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.transaction.is_empty()
    }

    /// As the store takes it.
    pub(super) fn into_transaction(self) -> Transaction {
        self.transaction
    }

    /// Adds all of another.
    pub(super) fn append(&mut self, other: Self) {
        self.transaction.append(other.transaction);
    }

    /// Queues work that is due at a moment.
    pub(super) fn queue(&mut self, lane: String, order: &str, task: Task, due: Timestamp) {
        self.push(Change::Queue(NewWork { lane, order: order.to_owned(), task, due }));
    }

    /// Work is done. What failed before has mended itself.
    pub(super) fn done(&mut self, work: &Work) {
        if work.attempts > 0 {
            self.mend(about_work(work), Timestamp::now(), "it succeeded");
        }
        self.push(Change::Done { lane: work.lane.clone(), work: work.id });
    }

    /// Work that was parked is queued again.
    pub(super) fn unpark(&mut self, work: Work, now: Timestamp) {
        self.push(Change::Unpark { lane: work.lane, work: work.id, due: now });
    }

    pub(super) fn journal(
        &mut self,
        at: Timestamp,
        event: Event,
        partner: &str,
        subject: &str,
        note: &str,
    ) {
        self.journal_with(at, event, partner, subject, note, None);
    }

    pub(super) fn journal_with(
        &mut self,
        at: Timestamp,
        event: Event,
        partner: &str,
        subject: &str,
        note: &str,
        payload: Option<store::PayloadId>,
    ) {
        self.transaction.journal(JournalEntry {
            at,
            event,
            partner: partner.to_owned(),
            subject: subject.to_owned(),
            payload,
            facts: Facts::default(),
            note: note.to_owned(),
        });
    }

    /// Adds facts to the record that was told last.
    pub(super) fn tell(&mut self, facts: Facts) {
        self.transaction.tell(facts);
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// What a piece of work is about, for people.
pub(super) fn subject(task: &Task) -> String {
    match task {
        Task::Translate { receipt, .. } => format!("receipt {receipt}"),
        Task::Call { document } | Task::Render { document, .. } => document.clone(),
        Task::Send { parcel, with } => several(&parcel.name, 1 + with.len()),
        Task::Quarantine { name, .. } => name.clone(),
        Task::Deadline { document, of, .. } => format!("{of} after {document}"),
        Task::AwaitReceipt { name, with, .. } => {
            format!("receipt for {}", several(name, 1 + with.len()))
        }
        Task::SendReceipt { message, .. } => {
            let id: String = message.message_id.chars().take(100).collect();
            format!("receipt for message {id}")
        }
        Task::Notify { destination, .. } => format!("message to {destination}"),
        Task::Webhook { webhook, event, .. } => format!("{event} to {webhook}"),
    }
}

/// What leaves together, for people: `first.edi and 2 more`.
pub(super) fn several(first: &str, count: usize) -> String {
    match count {
        0 | 1 => first.to_owned(),
        count => format!("{first} and {} more", count - 1),
    }
}

fn log(record: &JournalRecord) {
    let JournalEntry { event, partner, subject, note, .. } = &record.entry;
    let sequence = record.sequence;
    let note = note.trim().replace('\n', " | ");
    let event = serde_json::to_value(event).unwrap_or_default();
    let event = event.as_str().unwrap_or_default();
    match record.entry.event {
        Event::WorkParked
        | Event::WorkStuck
        | Event::DocumentQuarantined
        | Event::InterchangeQuarantined
        | Event::ProfileLeftOut
        | Event::ExceptionRaised
        | Event::ProfilesRefused => {
            tracing::error!(sequence, event, partner, subject, note);
        }
        Event::AttemptFailed
        | Event::ProfileLoosened
        | Event::ProfileRemoved
        | Event::InterchangeHeld
        | Event::As2Refused
        | Event::As2Resent
        | Event::StoreRebuilt
        | Event::StoreUpgraded
        | Event::AuditLogBegun
        | Event::AcknowledgementOverdue
        | Event::AcknowledgementLate
        | Event::AcknowledgementUnmatched
        | Event::InterchangeRefused
        | Event::InterchangeRejected => tracing::warn!(sequence, event, partner, subject, note),
        _ => tracing::info!(sequence, event, partner, subject, note),
    }
}
