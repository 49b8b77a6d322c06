//! Changes that belong together.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::alert::AlertState;
use super::as2::As2Message;
use super::call_result::CallResult;
use super::exception::{Raise, Settle};
use super::expectation::Expectation;
use super::journal::{Facts, JournalEntry};
use super::records::{
    Document, DocumentState, FileKey, InterchangeId, InterchangeKey, InterchangeRecord,
    PurchaseOrderKey, Receipt, Seen, Series,
};
use super::retention::Retirable;
use super::work::Task;

/// Work to be queued; the store numbers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewWork {
    /// Lane: who works it off.
    pub lane: String,
    /// Work of one lane with the same key here is done in order; empty = no order. Where it has several lines, each is a
    /// key.
    pub order: String,
    /// What is to be done.
    pub task: Task,
    /// Not before.
    pub due: Timestamp,
}

/// One change. "Expects" names the condition without which the whole transaction is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// A file was taken in. Expects that this very file was not.
    TakeFile(Receipt),
    /// Every interchange of a receipt has an outcome.
    FinishReceipt(u64),
    /// What became of an interchange. Expects that nothing had become of it yet.
    Outcome(InterchangeId, InterchangeRecord),
    /// An interchange key is seen for the first time. Expects that, or that it was seen before the moment given:
    /// what was seen before that is forgotten.
    FirstSeen(InterchangeKey, Seen, Option<Timestamp>),
    /// Something of a partner's is remembered with these words, those of before forgotten: a number that was seen, which
    /// order is the latest of its number, how far a connector has looked. Of the number of a group or set, whose kind
    /// begins with `group ` or `set ` (`test group `, `test set `), they begin with the moment and a blank, by which it is
    /// forgotten.
    Noted(PurchaseOrderKey, String),
    /// A business number is seen for the first time. Expects that.
    PurchaseOrder(PurchaseOrderKey, String),
    /// A control number is used. Expects that it never was, or not since the numbers may be used again.
    Number {
        /// Of which series.
        series: Series,
        /// The number.
        number: u64,
        /// Now.
        at: Timestamp,
        /// What was used before this moment may be used again; nothing: never.
        forgotten_before: Option<Timestamp>,
    },
    /// A document is there, or is further.
    Document(Document),
    /// A document is further. One that is as far or further already stays as it is.
    Advance {
        /// Its id.
        document: String,
        /// How far.
        state: DocumentState,
        /// Since when.
        at: Timestamp,
    },
    /// A step of handing a document over is done.
    Called(CallResult),
    /// Work is queued.
    Queue(NewWork),
    /// Work is done. Expects that it is still queued.
    Done {
        /// Its lane.
        lane: String,
        /// Its number.
        work: u64,
    },
    /// Work failed and is to be tried again. Expects that it is still queued.
    Retry {
        /// Its lane.
        lane: String,
        /// Its number.
        work: u64,
        /// Not before.
        due: Timestamp,
        /// What it failed of.
        error: String,
    },
    /// Work is given up until a person looks. Expects that it is still queued.
    Park {
        /// Its lane.
        lane: String,
        /// Its number.
        work: u64,
        /// What it failed of.
        error: String,
    },
    /// Work that was given up is queued again, its attempts forgotten. Expects that it was given up.
    Unpark {
        /// Its lane.
        lane: String,
        /// Its number.
        work: u64,
        /// Not before.
        due: Timestamp,
    },
    /// Work that is queued is due earlier. Expects that it is still queued.
    Hurry {
        /// Its lane.
        lane: String,
        /// Its number.
        work: u64,
        /// Not before.
        due: Timestamp,
    },
    /// A person has to look at something: an exception is opened, or the open one of the same cause takes it up.
    Raise(Box<Raise>),
    /// What was wrong with something is so no more: what is open about it mends itself. Nothing where nothing is.
    Mend {
        /// The key of an [`ExceptionItem`](super::ExceptionItem).
        item: String,
        /// When.
        at: Timestamp,
        /// How.
        words: String,
    },
    /// A person has done something about an exception. Expects that it is open.
    Settle(Box<Settle>),
    /// A rule of alerts keeps an eye on a cause, or on what became of it.
    Alert(Box<AlertState>),
    /// It does no more.
    AlertEnds {
        /// The rule.
        rule: String,
        /// The cause.
        cause: String,
    },
    /// Rules of alerts have looked at the journal up to this record; nothing: there are no rules any more.
    AlertsLooked(Option<u64>),
    /// The events of a webhook are queued up to a record of the journal; nothing: there is no such webhook any more.
    WebhookTold {
        /// Its name.
        webhook: String,
        /// The number of the record.
        through: Option<u64>,
    },
    /// The clock of an acknowledgement starts, or what the partner said. `Overdue` holds only while nothing was
    /// said.
    Expect(Expectation),
    /// An endpoint's or mailbox's file was taken; `TakeFile` without translation. Expects that it was not.
    FileSeen(FileKey),
    /// A message over AS2 came, or was made. Expects that there was none of its number.
    As2New(Box<As2Message>),
    /// A message over AS2 is further.
    As2(Box<As2Message>),
    /// What is over leaves the database, where it was over before that moment. Nothing where more has come of it.
    Retire(Retirable, Timestamp),
    /// For the record.
    Journal(JournalEntry),
}

/// Changes that are applied all or not at all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Transaction {
    pub(super) changes: Vec<Change>,
    pub(super) by: Option<String>,
}

impl Transaction {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says who makes these changes: a person, or a command in a person's hand. Unless it is said, the gateway does.
    #[must_use]
    pub fn by(mut self, who: &str) -> Self {
        self.by = Some(who.to_owned());
        self
    }

    /// Adds a change.
    #[must_use]
    pub fn with(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// Adds a change.
    pub fn push(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Adds all of another.
    pub fn append(&mut self, other: Self) {
        self.changes.extend(other.changes);
        self.by = self.by.take().or(other.by);
    }

    /// Adds a line for the record.
    pub fn journal(&mut self, entry: JournalEntry) {
        self.changes.push(Change::Journal(entry));
    }

    /// Adds facts to the line for the record that was added last.
    pub fn tell(&mut self, facts: Facts) {
        if let Some(Change::Journal(entry)) =
            self.changes.iter_mut().rev().find(|change| matches!(change, Change::Journal(_)))
        {
            entry.facts.extend(facts);
        }
    }

    /// The lanes in which it queues work.
    pub fn lanes(&self) -> impl Iterator<Item = &str> {
        self.changes.iter().filter_map(|change| match change {
            Change::Queue(work) => Some(work.lane.as_str()),
            Change::Unpark { lane, .. } | Change::Hurry { lane, .. } => Some(lane.as_str()),
            _ => None,
        })
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}
