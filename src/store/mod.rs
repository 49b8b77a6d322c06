//! What must survive a power cut: files taken in, outcomes, control numbers, work still to be done, the clocks of
//! acknowledgements, and a journal of every change.
//!
//! [`Records`] and [`Store`] speak the domain's words; [`EmbeddedStore`] is the backend that ships. Nothing of the database
//! shows outside this module, and it knows nothing of segments, maps or profiles.
//!
//! One [`Transaction`] is one durable commit: when [`Records::commit`] returns, all of it is on the disk, or none.

mod alert;
mod as2;
mod call_result;
mod check;
mod commit;
mod compaction;
mod database;
#[cfg(unix)]
pub mod desk;
mod embedded;
mod entry;
mod exception;
mod expectation;
mod format;
mod journal;
mod keys;
mod new_log;
mod packs;
mod pages;
mod payloads;
#[cfg(test)]
mod power;
mod raising;
mod recent;
mod records;
mod recovery;
mod retention;
mod trail;
mod transaction;
mod view;
mod work;
mod writer;

pub use alert::AlertState;
pub use as2::{As2Direction, As2Key, As2Message, As2State};
pub use call_result::CallResult;
pub use check::{Checked, check, export};
pub use commit::HandedIn;
pub use embedded::{EmbeddedStore, is_held};
pub use entry::Step;
pub use exception::{
    Exception, ExceptionItem, ExceptionState, ITEMS_MAX, Raise, Settle, Settled, Subject,
};
pub use expectation::{AckState, Expectation, Timing};
pub use journal::{Event, Facts, JournalEntry, JournalRecord};
pub use new_log::{Begun, begin_log};
pub use payloads::{PayloadId, Payloads};
pub use records::{
    Document, DocumentState, FileKey, InterchangeId, InterchangeKey, InterchangeRecord,
    NumberRange, Outcome, PurchaseOrderKey, Receipt, Seen, Series,
};
pub use recovery::Progress;
pub use retention::{Retirable, Retired, said_by_retired};
pub use trail::{Put, Told, Trail};
pub use transaction::{Change, NewWork, Transaction};
pub use work::{Again, Parcel, Place, Redeliver, Task, Work};

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit;

/// Folder of the audit log, in the folder of a store.
pub const AUDIT: &str = "audit";
/// File of the key that signs what the audit log holds, in the folder of a store; only its owner may read it.
pub const AUDIT_KEY: &str = "audit.key";

/// Why the store could not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder of the store cannot be read or written: rights, a full disk, a lost mount.
    #[error("{doing} {path}: {reason}")]
    File {
        /// What was tried.
        doing: &'static str,
        /// On which path.
        path: String,
        /// What the operating system said.
        reason: String,
    },
    /// Another process has the data folder open.
    #[error("{path}: another process has it open, such as a gateway that runs: stop that first")]
    Held {
        /// The folder.
        path: String,
    },
    /// The folder cannot be opened as a store. It is never reset: what it holds guards against double orders.
    #[error("{path}: {reason}")]
    Open {
        /// The store's folder.
        path: String,
        /// What is wrong, and what may be done.
        reason: String,
    },
    /// The audit log cannot be written. The store refuses further commits until it is opened anew.
    #[error("the audit log failed while {0}")]
    Log(audit::Error),
    /// The database failed. After a failed flush the store refuses further commits until it is opened anew.
    #[error("the database failed while {doing}: {reason}")]
    Database {
        /// What was tried.
        doing: &'static str,
        /// What the database said.
        reason: String,
    },
    /// A condition of the transaction does not hold (a number used already, a file seen already). Nothing of the
    /// transaction was applied.
    #[error("{0}")]
    Conflict(String),
    /// A record is larger than the bound of 4096 bytes, or cannot be read back.
    #[error("record {key}: {reason}")]
    Record {
        /// Its key.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// A payload is not there, or its bytes are not the ones that were stored.
    #[error("payload {id}: {reason}")]
    Payload {
        /// SHA-256 of the payload.
        id: PayloadId,
        /// What is wrong.
        reason: String,
    },
    /// Every control number of the range has been used.
    #[error(
        "control numbers of {series} are used up: none is left up to {last}, the end of the range. Agree on a new range with the partner"
    )]
    NumbersUsedUp {
        /// Which series.
        series: Series,
        /// End of its range.
        last: u64,
    },
    /// The database could not be compacted when that was tried last. It is tried again after a pause; everything goes on
    /// as it is meanwhile.
    #[error("it could not be done, and is tried again by itself: {reason}")]
    PutOff {
        /// What kept it from that.
        reason: String,
    },
    /// The process that has the store open could not do it, or is gone.
    #[error("the running gateway: {0}")]
    Elsewhere(String),
    /// The store was closed while the commit waited.
    #[error("the store is closed")]
    Closed,
}

impl From<audit::Error> for Error {
    fn from(error: audit::Error) -> Self {
        match error {
            audit::Error::File { doing, path, reason } => Self::File { doing, path, reason },
            audit::Error::Damaged { path, reason } => Self::Open {
                path,
                reason: format!("{reason}. Restore the folder `audit` from a backup"),
            },
        }
    }
}

/// What [`Store::take`] found.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    /// Something to do now, in this order. It is leased to the caller.
    Work(Vec<Work>),
    /// Nothing is due before this moment.
    NotBefore(Timestamp),
    /// The lane is empty, or all of it is leased.
    Nothing,
}

/// Work that is queued, at a glance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Backlog {
    /// How much waits, by lane. Lanes in which nothing waits are not named.
    pub waiting: BTreeMap<String, usize>,
    /// How much of it has failed at least once and will be tried again.
    pub failing: usize,
    /// Of that, the first of each lane and on.
    pub failed: Vec<Work>,
}

/// What a gateway remembers, to be read and added to: by the gateway itself, and by commands in other processes
/// beside it (see [`desk`]).
///
/// Calls block until the disk has answered; call them where blocking is allowed. What is read by a key may have been
/// handed in ([`Store::hand_in`]) and be not durable yet; whatever is committed on the strength of it is durable only
/// after it. Lists but those of expectations, [`Records::file`] and [`Store::take`] know only what is durable, so that
/// nothing leaves the gateway on a change that a power cut could take back.
pub trait Records: Send + Sync {
    /// Keeps bytes under their SHA-256. They are durable when the next commit is that is handed in from now on. Bytes
    /// that are there already, whole, are not written again.
    ///
    /// # Errors
    /// [`Error::File`] where they cannot be written.
    fn put_payload(&self, bytes: &[u8]) -> Result<PayloadId, Error>;

    /// Reads bytes back; they are compared with their SHA-256.
    ///
    /// # Errors
    /// [`Error::Payload`] where they are missing or damaged, [`Error::File`] where they cannot be read just now.
    fn payload(&self, id: PayloadId) -> Result<Vec<u8>, Error>;

    /// Applies all changes or none, durably, and tells the journal records that came of it.
    ///
    /// # Errors
    /// [`Error::Conflict`] where a condition of a change does not hold: what it conflicts with can be read by then. Others
    /// where the disk fails.
    fn commit(&self, transaction: Transaction) -> Result<Vec<JournalRecord>, Error>;

    /// A number for a new receipt; never given twice.
    ///
    /// # Errors
    /// Where the store is another process's, and that is gone.
    fn next_receipt(&self) -> Result<u64, Error>;

    /// Whether this very file was taken in before, and as which receipt.
    ///
    /// # Errors
    /// Where the disk fails.
    fn file(&self, key: &FileKey) -> Result<Option<u64>, Error>;

    /// A file that was taken in.
    ///
    /// # Errors
    /// Where the disk fails.
    fn receipt(&self, id: u64) -> Result<Option<Receipt>, Error>;

    /// Where an interchange of these identities and this number was seen first.
    ///
    /// # Errors
    /// Where the disk fails.
    fn seen(&self, key: &InterchangeKey) -> Result<Option<Seen>, Error>;

    /// What became of an interchange.
    ///
    /// # Errors
    /// Where the disk fails.
    fn interchange(&self, id: InterchangeId) -> Result<Option<InterchangeRecord>, Error>;

    /// Up to `limit` interchanges after `after`, in the order of their receipt.
    ///
    /// # Errors
    /// Where the disk fails.
    fn interchanges(
        &self,
        after: Option<InterchangeId>,
        limit: usize,
    ) -> Result<Vec<(InterchangeId, InterchangeRecord)>, Error>;

    /// The document that a purchase order (or another numbered document) became when it was first seen.
    ///
    /// # Errors
    /// Where the disk fails.
    fn purchase_order(&self, key: &PurchaseOrderKey) -> Result<Option<String>, Error>;

    /// A document by its id.
    ///
    /// # Errors
    /// Where the disk fails.
    fn document(&self, id: &str) -> Result<Option<Document>, Error>;

    /// What the calls gave by which a document was handed over, by the names of their steps.
    ///
    /// # Errors
    /// Where the disk fails.
    fn call_results(&self, document: &str) -> Result<Vec<CallResult>, Error>;

    /// What a partner still has to acknowledge, or has acknowledged, of one group (GS06); all sets of it.
    ///
    /// # Errors
    /// Where the disk fails.
    fn expectations(&self, partner: &str, group: u64) -> Result<Vec<Expectation>, Error>;

    /// Up to `limit` expectations of which something is to be told at `now` (nearly due, or overdue), the oldest first.
    ///
    /// # Errors
    /// Where the disk fails.
    fn overdue(&self, now: Timestamp, limit: usize) -> Result<Vec<Expectation>, Error>;

    /// Up to `limit` expectations of which nothing was said yet, those first of which something is to be told first.
    ///
    /// # Errors
    /// Where the disk fails.
    fn waiting_expectations(&self, limit: usize) -> Result<Vec<Expectation>, Error>;

    /// Up to `limit` pieces of work of a lane in the order in which they were queued, due or not.
    ///
    /// # Errors
    /// Where the disk fails.
    fn queued(&self, lane: &str, limit: usize) -> Result<Vec<Work>, Error>;

    /// What waits, and the first `limit` of what has failed; counted up to 50,000.
    ///
    /// # Errors
    /// Where the disk fails.
    fn backlog(&self, limit: usize) -> Result<Backlog, Error>;

    /// Work that was refused for good, up to `limit`.
    ///
    /// # Errors
    /// Where the disk fails.
    fn parked(&self, limit: usize) -> Result<Vec<Work>, Error>;

    /// Up to `limit` journal records after number `after`, in order; of old ones only the audit log still tells.
    ///
    /// # Errors
    /// Where the disk fails.
    fn journal(&self, after: u64, limit: usize) -> Result<Vec<JournalRecord>, Error>;

    /// Up to `limit` documents whose ids come after `after`, in the order of their ids.
    ///
    /// # Errors
    /// Where the disk fails.
    fn documents(&self, after: Option<&str>, limit: usize) -> Result<Vec<Document>, Error>;

    /// Up to `limit` expectations of all partners in the order of partner, GS06 and ST02, after these three.
    ///
    /// # Errors
    /// Where the disk fails.
    fn all_expectations(
        &self,
        after: Option<(&str, u64, u64)>,
        limit: usize,
    ) -> Result<Vec<Expectation>, Error>;

    /// An exception by its number.
    ///
    /// # Errors
    /// Where the disk fails.
    fn exception(&self, id: u64) -> Result<Option<Exception>, Error>;

    /// Up to `limit` exceptions whose numbers come after `after`, in their order, settled ones too.
    ///
    /// # Errors
    /// Where the disk fails.
    fn exceptions(&self, after: u64, limit: usize) -> Result<Vec<Exception>, Error>;

    /// Up to `limit` exceptions that are open, whose numbers come after `after`, in their order.
    ///
    /// # Errors
    /// Where the disk fails.
    fn open_exceptions(&self, after: u64, limit: usize) -> Result<Vec<Exception>, Error>;

    /// Everything that an exception is about: at most [`ITEMS_MAX`].
    ///
    /// # Errors
    /// Where the disk fails.
    fn exception_items(&self, id: u64) -> Result<Vec<ExceptionItem>, Error>;

    /// A message over AS2.
    ///
    /// # Errors
    /// Where the disk fails.
    fn as2_message(&self, key: &As2Key) -> Result<Option<As2Message>, Error>;

    /// The messages over AS2 in which some bytes were sent, in the order in which they were made.
    ///
    /// # Errors
    /// Where the disk fails.
    fn as2_sent(&self, content: PayloadId) -> Result<Vec<As2Message>, Error>;

    /// The open exception that something is in, by the key of an [`ExceptionItem`].
    ///
    /// # Errors
    /// Where the disk fails.
    fn exception_about(&self, item: &str) -> Result<Option<u64>, Error>;
}

/// Bytes on the disk of the store; nothing where that cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskRoom {
    /// Of the file of the database.
    pub database: Option<u64>,
    /// How many more may be written.
    pub left: Option<u64>,
}

/// Everything that a gateway must not forget, with what only the one process may do that works it off: it gives out
/// numbers and work.
pub trait Store: Records {
    /// Sets numbers of a series aside for one rendering, each the next after the last that was given; where the range
    /// rolls over, after its end from its beginning, those passed over that were used. They count as used only once a
    /// [`Change::Number`] for each is committed, together with the bytes that hold them.
    ///
    /// # Errors
    /// [`Error::NumbersUsedUp`] past the end of the range; others where the disk fails.
    fn reserve_numbers(
        &self,
        series: &Series,
        range: NumberRange,
        count: u32,
    ) -> Result<Vec<u64>, Error>;

    /// Whether a number of a series was used.
    ///
    /// # Errors
    /// Where the disk fails.
    fn is_used(&self, series: &Series, number: u64) -> Result<bool, Error>;

    /// Hands in changes that are to be applied all or not at all, in the order of these calls. What is handed in after
    /// it is seen with it, and is durable only after it.
    ///
    /// # Errors
    /// [`Error::Conflict`] where a condition of a change does not hold; nothing of it is done then.
    fn hand_in(&self, transaction: &Transaction) -> Result<HandedIn, Error>;

    /// Waits until changes that were handed in are durable, and tells the journal records that came of them.
    ///
    /// # Errors
    /// Where the disk fails; the store is of no use then.
    fn settled(&self, handed_in: HandedIn) -> Result<Vec<JournalRecord>, Error>;

    /// Waits until everything that was handed in before is durable.
    ///
    /// # Errors
    /// Where the disk fails; the store is of no use then.
    fn settle(&self) -> Result<(), Error> {
        let nothing = self.hand_in(&Transaction::new())?;
        self.settled(nothing).map(drop)
    }

    /// Takes the first pieces of work of a lane that are due, at most so many, and leases them. Work with the same
    /// `order` key is given out in the order in which it was queued, and to one caller at a time, who has to do it in
    /// that order: where one fails, those of its key behind it are to be released. Once it is handed in as done, those behind it
    /// may be given out, though the disk has not got it yet. A lease ends with the commit that finishes, retries
    /// or parks the work, with [`Store::release`], and with the process.
    ///
    /// # Errors
    /// Where the disk fails.
    fn take(&self, lane: &str, now: Timestamp, most: usize) -> Result<Taken, Error>;

    /// Gives a lease back without a change.
    fn release(&self, work: u64);

    /// Everything that rules of alerts have told of and keep an eye on, up to `limit`.
    ///
    /// # Errors
    /// Where the disk fails.
    fn alerts(&self, limit: usize) -> Result<Vec<AlertState>, Error>;

    /// Up to which journal record rules of alerts have looked; nothing where they have not begun.
    ///
    /// # Errors
    /// Where the disk fails.
    fn alerts_looked(&self) -> Result<Option<u64>, Error>;

    /// Up to which journal record the events of each webhook are queued. What comes after the first of them stays where
    /// [`Records::journal`] finds it.
    ///
    /// # Errors
    /// Where the disk fails.
    fn webhooks_told(&self) -> Result<BTreeMap<String, u64>, Error>;

    /// The number of the last journal record; 0 where there is none.
    ///
    /// # Errors
    /// Where the disk fails.
    fn last_journal(&self) -> Result<u64, Error>;

    /// Moves old history out of the way of the living, where there is enough of it. Cheap when there is not.
    ///
    /// # Errors
    /// Where the disk fails; nothing is lost then.
    fn tidy(&self) -> Result<(), Error>;

    /// Begins to compact the database, where its file is larger than so many bytes, and three times as large as when
    /// it was compacted last. That goes on in the background, and takes about as much room on the disk as the file has at
    /// most; where there is no room, or the copy fails, everything goes on as it is.
    ///
    /// # Errors
    /// Where the disk fails; nothing is lost then. [`Error::PutOff`] from when it could not be done until it is.
    fn compact_over(&self, bytes: u64) -> Result<(), Error>;

    /// The room that it takes and has on its disk.
    fn room(&self) -> DiskRoom;

    /// Retires what was over before a moment, batch by batch, until it is told to stop. Payloads go to the archive that
    /// were no longer named at the pass before this one either. Numbers of a partner's, and ours to it, leave where they
    /// do not count any more: those from before the moment that `numbers` has for it; nothing: they count for ever.
    ///
    /// # Errors
    /// Where the disk fails. What was retired by then, is.
    fn retire(
        &self,
        before: Timestamp,
        numbers: &dyn Fn(&str) -> Option<Timestamp>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Retired, Error>;
}
