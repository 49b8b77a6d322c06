//! The journal: what happened, to what, when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::PayloadId;

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
    /// A step of handing a document over is done, and its result kept.
    StepDone,
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
    /// A document was sent again under other numbers: of the earlier ones no acknowledgement is waited for any more.
    AcknowledgementReplaced,
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
    /// What was over long ago left the database; its payloads went to the archive.
    HistoryRetired,
    /// The audit log was lost and a new one was begun, for the reason that a person gave.
    AuditLogBegun,
    /// A message came over AS2 and was taken in; its receipt belongs to it.
    As2Received,
    /// A message over AS2 came again and was answered as before.
    As2Repeated,
    /// A message over AS2 was not taken.
    As2Refused,
    /// The receipt for a message over AS2 was sent to where the partner wants it.
    As2ReceiptSent,
    /// A message over AS2 was made of documents, to be sent as often as it takes.
    As2Made,
    /// A partner's receipt for a message over AS2 came.
    As2Receipt,
    /// No receipt for a message over AS2 came in time; it is sent again.
    As2Resent,
    /// A destination has taken a message.
    MessageSent,
    /// A webhook has taken an event.
    WebhookDelivered,
    /// A person had events of a webhook sent once more.
    WebhookReplayed,
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
    /// A person had something that was dismissed looked at once more.
    ExceptionReopened,
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
