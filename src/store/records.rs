//! What is stored, as data.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::PayloadId;

/// One very file: the same name with another size, time or content is another file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileKey {
    /// The mailbox that it was found in.
    pub mailbox: String,
    /// Its name there.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Time of its last change, nanoseconds since 1970 as the mailbox tells them.
    pub modified_nanoseconds: i128,
    /// SHA-256 of its bytes.
    pub payload: PayloadId,
}

/// A file that was taken in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Number; rising.
    pub id: u64,
    /// What was taken in.
    pub file: FileKey,
    /// When.
    pub at: Timestamp,
    /// Whether every interchange of it has an outcome.
    pub done: bool,
}

/// An interchange by where it came from: the receipt, and its place in the file (0 = the first).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InterchangeId {
    /// The receipt.
    pub receipt: u64,
    /// Its place in the file.
    pub index: u32,
}

/// An interchange by what its sender says: duplicates are judged by it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InterchangeKey {
    /// ISA05 and ISA06, `08:6113310214`.
    pub sender: String,
    /// ISA07 and ISA08.
    pub receiver: String,
    /// ISA13 as it stands there, blanks trimmed.
    pub number: String,
    /// ISA15 `T`: tests are numbered apart from what is in earnest.
    pub test: bool,
}

impl fmt::Display for InterchangeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let test = if self.test { " (test)" } else { "" };
        write!(f, "{} to {} number {}{test}", self.sender, self.receiver, self.number)
    }
}

/// Where an interchange key was seen first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// As which interchange.
    pub id: InterchangeId,
    /// SHA-256 of the bytes from ISA to the end of IEA.
    pub payload: PayloadId,
    /// When; nothing in what was written before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// How an inbound interchange ended. Exactly one of them, decided once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// At least one set was accepted; its documents are delivered, or queued to be.
    Accepted,
    /// Nothing in it could be accepted; the partner is told so where the agreement says that it is told.
    Rejected,
    /// It was received before, with the same bytes; nothing was done again.
    Duplicate,
    /// It belongs to no agreement, or contradicts what was received before: a person has to look.
    Quarantined,
}

/// What became of an inbound interchange.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InterchangeRecord {
    /// What its sender says it is; nothing where no ISA could be read.
    pub key: Option<InterchangeKey>,
    /// The agreement's partner; empty where none was found.
    pub partner: String,
    /// SHA-256 of its bytes.
    pub payload: PayloadId,
    /// How it ended.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
    /// Whether it is a test (ISA15 `T`).
    pub test: bool,
    /// Documents that came of it.
    pub documents: u32,
    /// The acknowledgement that answers it, and the name under which it was sent.
    pub answer: Option<(PayloadId, String)>,
    /// In a few words: why, where it did not end well.
    pub note: String,
}

/// A numbered business document of a partner: a repeated one is told by it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PurchaseOrderKey {
    /// The partner.
    pub partner: String,
    /// `order`, `invoice`, …
    pub kind: String,
    /// Its number: the PO number of an order.
    pub number: String,
}

/// How far a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentState {
    /// Inbound: waits to be handed to the endpoint. Outbound: waits to be translated.
    Queued,
    /// Inbound: the endpoint has it.
    Delivered,
    /// Inbound: its number was seen before; recorded, not handed over.
    Duplicate,
    /// Outbound: rendered with its control numbers; the bytes are kept and will not change.
    Rendered,
    /// Outbound: in the partner's mailbox.
    Sent,
    /// Outbound: acknowledged and accepted.
    Accepted,
    /// Outbound: acknowledged, accepted with errors.
    AcceptedWithErrors,
    /// Outbound: acknowledged and rejected.
    Rejected,
    /// Translated and recorded; the agreement is in shadow, so that nothing is handed over or sent.
    Shadowed,
    /// A person has to look.
    Quarantined,
}

impl DocumentState {
    /// How far along it is: a change to a state of the same or a lower rank comes too late, and is passed over.
    /// An acknowledgement may be corrected by a later one.
    #[must_use]
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Rendered => 1,
            Self::Sent => 2,
            Self::Accepted | Self::AcceptedWithErrors | Self::Rejected => 3,
            Self::Delivered | Self::Duplicate | Self::Shadowed | Self::Quarantined => 4,
        }
    }

    /// Whether it is what a partner said.
    #[must_use]
    pub fn is_verdict(self) -> bool {
        matches!(self, Self::Accepted | Self::AcceptedWithErrors | Self::Rejected)
    }
}

/// A canonical document on its way in or out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Its id; also the idempotency key towards the endpoint.
    pub id: String,
    /// The partner.
    pub partner: String,
    /// `order`, `shipment`, `invoice`, …
    pub kind: String,
    /// Its business number.
    pub number: String,
    /// How far it is.
    pub state: DocumentState,
    /// Canonical JSON.
    pub payload: PayloadId,
    /// The inbound interchange that it came from.
    pub interchange: Option<InterchangeId>,
    /// The outbound X12 bytes that hold it.
    pub rendered: Option<PayloadId>,
    /// When it changed last.
    pub at: Timestamp,
}

/// A series of control numbers: they are unique within it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Series {
    /// The partner.
    pub partner: String,
    /// `interchange`, `group` or `set`.
    pub level: String,
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.partner, self.level)
    }
}

/// The control numbers that a series may give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberRange {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// Whether it begins anew after the last. Numbers that were used are passed over then.
    pub rollover: bool,
    /// A number that was used before this moment may be used again; nothing: never.
    pub forgotten_before: Option<Timestamp>,
}

impl From<std::ops::RangeInclusive<u64>> for NumberRange {
    fn from(range: std::ops::RangeInclusive<u64>) -> Self {
        let (first, last) = range.into_inner();
        Self { first, last, rollover: false, forgotten_before: None }
    }
}

/// What a partner has said of something sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AckState {
    /// Nothing yet.
    Open,
    /// Nothing yet, and the time agreed is nearly over: a warning was given.
    DueSoon,
    /// Nothing yet, and the time agreed is over.
    Overdue,
    /// Accepted.
    Accepted,
    /// Accepted, errors noted.
    AcceptedWithErrors,
    /// Rejected.
    Rejected,
}

/// A transaction set that a partner has to acknowledge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// The partner.
    pub partner: String,
    /// GS06.
    pub group: u64,
    /// The number in ST02.
    pub set: u64,
    /// ST02 as it was written, where it is not the number alone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub set_text: String,
    /// ST01: `856`.
    pub set_id: String,
    /// The document in it.
    pub document: String,
    /// When it was sent (queued to be).
    pub sent: Timestamp,
    /// From when on it is worth a warning that nothing has come; nothing: none is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn: Option<Timestamp>,
    /// Until when the answer is expected.
    pub due: Timestamp,
    /// What was said.
    pub state: AckState,
    /// When it was said.
    pub answered: Option<Timestamp>,
    /// How that fits the times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
    /// How often the same was said again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeated: u32,
}

/// When an acknowledgement came, by what it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// Before we knew that what it answers was in the mailbox.
    Early,
    /// In time.
    OnTime,
    /// After the time agreed.
    Late,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl AckState {
    /// Whether nothing was said yet.
    #[must_use]
    pub fn is_waiting(self) -> bool {
        matches!(self, Self::Open | Self::DueSoon | Self::Overdue)
    }
}

impl Expectation {
    /// When something is to be told of it next, if nothing is said.
    pub(super) fn clock(&self) -> Option<Timestamp> {
        match self.state {
            AckState::Open => Some(self.warn.unwrap_or(self.due).min(self.due)),
            AckState::DueSoon => Some(self.due),
            // Never; it stays among those that wait.
            AckState::Overdue => Some(Timestamp::MAX),
            _ => None,
        }
    }

    /// ST02.
    #[must_use]
    pub fn set_number(&self) -> String {
        if self.set_text.is_empty() { self.set.to_string() } else { self.set_text.clone() }
    }
}

/// Something to be done, and done again until it succeeds. Each names what it needs; none holds more than names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// Split, check and translate a file that was taken in.
    Translate {
        /// The receipt.
        receipt: u64,
        /// Where a person had it come again: what is done otherwise then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again: Option<Again>,
    },
    /// Hand a document to the partner's endpoint.
    Call {
        /// The document.
        document: String,
    },
    /// Write a document that came from the endpoint as X12.
    Render {
        /// The document.
        document: String,
        /// It goes as it is, whatever our own check finds.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        accept: bool,
    },
    /// Put bytes into the partner's mailbox.
    Send {
        /// The bytes.
        payload: PayloadId,
        /// Under which name; a retry uses the same.
        name: String,
        /// The documents that are on their way with it, where they are few.
        documents: Vec<String>,
        /// Where they are many: a payload with one id a line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        batch: Option<PayloadId>,
    },
    /// Tell of a deadline of the business when it is near, and when it is over.
    Deadline {
        /// What has started its clock.
        document: String,
        /// What is waited for: `ship_notice` or `invoice`.
        of: String,
        /// When the clock started.
        from: Timestamp,
        /// When it is over.
        due: Timestamp,
    },
    /// Send a message to a destination.
    Notify {
        /// Its name in the configuration.
        destination: String,
        /// The message: JSON.
        payload: PayloadId,
    },
    /// Put bytes into a quarantine, with a note beside them.
    Quarantine {
        /// Whose.
        place: Place,
        /// The bytes.
        payload: PayloadId,
        /// Under which name.
        name: String,
        /// The note: text for a person.
        note: PayloadId,
    },
}

/// Bytes that a person had come again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// For the sake of which exception.
    pub exception: u64,
    /// Which sets, by their place among all of the interchange; none: all of them.
    pub sets: Vec<u32>,
    /// They go on as they are, whatever is wrong with them.
    pub accept: bool,
    /// They may differ from those that came first under this number.
    pub differs: bool,
    /// The partner has its answer.
    pub answered: bool,
}

/// A place that has a quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A mailbox, by its key.
    Mailbox(String),
    /// An endpoint.
    Endpoint {
        /// Its name.
        endpoint: String,
        /// The partner.
        partner: String,
        /// The kind of document.
        kind: String,
    },
}

/// A queued [`Task`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Number; rising in the order of queueing.
    pub id: u64,
    /// Lane: who works it off.
    pub lane: String,
    /// Work of one lane with the same key here is done in order; empty = no order.
    pub order: String,
    /// What is to be done.
    pub task: Task,
    /// Failed attempts so far.
    pub attempts: u32,
    /// Not before.
    pub due: Timestamp,
    /// When it was queued.
    pub queued: Timestamp,
    /// What the last attempt failed of; empty before the first.
    pub error: String,
}

/// What happened, in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A file was taken in.
    FileReceived,
    /// An inbound interchange was accepted.
    InterchangeAccepted,
    /// An inbound interchange was rejected.
    InterchangeRejected,
    /// An inbound interchange was received before.
    InterchangeDuplicate,
    /// An inbound interchange was set aside.
    InterchangeQuarantined,
    /// An inbound interchange waits: it may be that of a partner that was left out.
    InterchangeHeld,
    /// A document came from a partner.
    DocumentReceived,
    /// A document of a partner repeats one that was received before.
    DocumentDuplicate,
    /// A document was set aside.
    DocumentQuarantined,
    /// A document was translated in shadow: nothing of it leaves.
    DocumentShadowed,
    /// The endpoint has a document.
    DocumentDelivered,
    /// A document came from the endpoint.
    DocumentCollected,
    /// A document was written as X12 and numbered.
    DocumentRendered,
    /// An acknowledgement was written and numbered.
    AcknowledgementRendered,
    /// An interchange is in the partner's mailbox.
    InterchangeSent,
    /// A partner acknowledged a document.
    DocumentAcknowledged,
    /// A partner said once more what it had said of a document before.
    AcknowledgementRepeated,
    /// A partner accepted part of a group, and does not say which of it.
    AcknowledgementPartial,
    /// The time agreed for an acknowledgement is nearly over.
    AcknowledgementDueSoon,
    /// A partner's TA1 accepted an interchange that we sent.
    InterchangeAcknowledged,
    /// A partner's TA1 rejected an interchange that we sent.
    InterchangeRefused,
    /// A partner acknowledged something that we do not know of.
    AcknowledgementUnmatched,
    /// An acknowledgement is overdue.
    AcknowledgementOverdue,
    /// Our own acknowledgement is not in the partner's mailbox within what was promised.
    AcknowledgementLate,
    /// An attempt failed and will be repeated.
    AttemptFailed,
    /// Work has failed many times in a row; it is still tried again.
    WorkStuck,
    /// Work was refused for good: a person has to look.
    WorkParked,
    /// Work that was parked is queued again.
    WorkQueuedAgain,
    /// A partner's profile is there for the first time.
    ProfileAdded,
    /// A partner's profile says something else.
    ProfileChanged,
    /// A rule of a partner's profile is gone, or says something else: a check may have become looser.
    ProfileLoosened,
    /// A rule of a partner's profile was added, or became stricter.
    ProfileTightened,
    /// A partner's profile is gone.
    ProfileRemoved,
    /// At a start a partner's profile cannot be used: nothing of it is done until it is mended.
    ProfileLeftOut,
    /// Profiles were changed and cannot be used; what was in force stays so.
    ProfilesRefused,
    /// The database could not be used and was made anew from the audit log.
    StoreRebuilt,
    /// A store of an older format was taken over.
    StoreUpgraded,
    /// A destination has taken a message.
    MessageSent,
    /// A person has to look at something.
    ExceptionRaised,
    /// What a person had to look at mended itself.
    ExceptionMended,
    /// A person had the step that failed done once more.
    ExceptionRetried,
    /// A person had the bytes that came go through the gateway once more.
    ExceptionReplayed,
    /// A person put edited bytes in the place of those that came.
    ExceptionEdited,
    /// A person had something go on as it is.
    ExceptionAccepted,
    /// A person decided that nothing is to be done.
    ExceptionDismissed,
}

/// Facts by name.
pub type Facts = std::collections::BTreeMap<String, String>;

/// A change, told for the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
    /// The partner; empty where none is known.
    pub partner: String,
    /// To what: a document's id, an interchange's number, a file's name.
    pub subject: String,
    /// Bytes that belong to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<PayloadId>,
    /// What a machine may want to know of it, by name: control numbers, times.
    #[serde(default, skip_serializing_if = "Facts::is_empty")]
    pub facts: Facts,
    /// A few words; cut to 400 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A journal entry with its number: rising by one, no gaps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalRecord {
    /// Its number; the first is 1.
    pub sequence: u64,
    /// What happened.
    #[serde(flatten)]
    pub entry: JournalEntry,
}
