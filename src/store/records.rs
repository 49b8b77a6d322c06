//! What is stored of files, interchanges, documents and their numbers, as data.

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// As which interchange.
    pub id: InterchangeId,
    /// SHA-256 of the bytes from ISA to the end of IEA.
    pub payload: PayloadId,
    /// When; nothing in what was written before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Whose it is: by its agreement it is kept. Nothing in what was written before it was kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub partner: String,
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
    /// Its name in records and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::Duplicate => "duplicate",
            Self::Rendered => "rendered",
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::AcceptedWithErrors => "accepted_with_errors",
            Self::Rejected => "rejected",
            Self::Shadowed => "shadowed",
            Self::Quarantined => "quarantined",
        }
    }

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
    /// Inbound: a person has edited it; it is not what the interchange says any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub edited: bool,
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
