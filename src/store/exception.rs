//! What a person has to look at, as data: an exception gathers everything that has one cause.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FileKey, InterchangeId, PayloadId, Place};
use crate::exceptions::{Action, Kind, Severity};

/// Items of one exception: what has the same cause beyond that opens another. Bounds what one action does in one
/// commit.
pub const ITEMS_MAX: u32 = 200;

/// Something that a person has to look at, with everything that has the same cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exception {
    /// Number; rising.
    pub id: u64,
    /// What it is.
    pub kind: Kind,
    /// How much it weighs.
    pub severity: Severity,
    /// The partner; empty where it is nobody's.
    pub partner: String,
    /// Who is to look at it; empty where nobody is named.
    pub owner: String,
    /// What makes repeats of it one: the same for the same cause.
    pub cause: String,
    /// Where: a mailbox, an endpoint, a lane.
    pub place: String,
    /// What is wrong, as it was told last.
    pub words: String,
    /// How to mend it.
    pub mend: String,
    /// When it was opened.
    pub opened: Timestamp,
    /// Until when somebody should have looked at it.
    pub due: Timestamp,
    /// How often it came.
    pub count: u64,
    /// When it came last.
    pub last: Timestamp,
    /// How many things it is about.
    pub items: u32,
    /// How many of them are not settled.
    pub open_items: u32,
    /// How it stands.
    pub state: ExceptionState,
    /// How it ended; nothing while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settled>,
}

/// How an exception stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExceptionState {
    /// Somebody has to look.
    Open,
    /// It mended itself, or was retried, replayed or edited.
    Done,
    /// Somebody decided that nothing is to be done.
    Dismissed,
    /// Somebody decided that it is good as it is.
    Accepted,
}

/// How an exception ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// When.
    pub at: Timestamp,
    /// By what; nothing where it mended itself.
    pub how: Option<Action>,
    /// Who did it; empty where it mended itself.
    pub who: String,
    /// Why, or how it mended itself.
    pub reason: String,
}

/// One of the things that an exception is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub struct ExceptionItem {
    /// Its key: the same whenever it is met, and in one open exception only.
    pub key: String,
    /// Which of the exception's items it is, 1 = the first that came; it stays so. 0 in those of older versions.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub number: u32,
    /// When it came last.
    pub at: Timestamp,
    /// What it is.
    pub subject: Subject,
    /// Its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<PayloadId>,
    /// What was found in them: a payload of JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings: Option<PayloadId>,
    /// Whether it could go on as it is.
    pub acceptable: bool,
    /// Whether nothing has to be done about it any more.
    pub settled: bool,
    /// Whether a person decided that nothing is to be done about it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dismissed: bool,
    /// Whether a person decided that it goes on as it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accepted: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What an exception is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// An interchange that came, or sets of it.
    Interchange {
        /// Which.
        id: InterchangeId,
        /// Where it came.
        mailbox: String,
        /// In which file.
        name: String,
        /// Place of the set among all of the interchange; nothing: all of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        set: Option<u32>,
        /// How people call it.
        label: String,
    },
    /// A document of the warehouse.
    Document {
        /// Its id.
        document: String,
    },
    /// A file that is no document yet: what is edited is taken in as one.
    File {
        /// Where it came.
        place: Place,
        /// Which it is.
        file: FileKey,
    },
    /// Work that does not succeed.
    Work {
        /// Its lane.
        lane: String,
        /// Its number.
        work: u64,
        /// What it is about.
        label: String,
    },
    /// A document that was sent and not acknowledged.
    Acknowledgement {
        /// The partner.
        partner: String,
        /// GS06.
        group: u64,
        /// The number in ST02.
        set: u64,
        /// The document.
        document: String,
    },
    /// Nothing that could be handed on: a place, a profile, the store.
    Condition {
        /// In a few words.
        label: String,
    },
}

impl Subject {
    /// How people call it.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Interchange { label, .. }
            | Self::Work { label, .. }
            | Self::Condition { label } => label,
            Self::Document { document } | Self::Acknowledgement { document, .. } => document,
            Self::File { file, .. } => &file.name,
        }
    }
}

/// Something that a person has to look at, to be told. What is open already of the same cause takes it up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Raise {
    /// What it is.
    pub kind: Kind,
    /// The partner; empty where it is nobody's.
    pub partner: String,
    /// Who is to look at it; empty where nobody is named.
    pub owner: String,
    /// What makes repeats of it one.
    pub cause: String,
    /// Where.
    pub place: String,
    /// What is wrong.
    pub words: String,
    /// How to mend it.
    pub mend: String,
    /// When.
    pub at: Timestamp,
    /// Until when somebody should have looked at it.
    pub due: Timestamp,
    /// What it is about.
    pub item: ExceptionItem,
}

/// What a person did about an exception.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settle {
    /// Which.
    pub exception: u64,
    /// One of its items; nothing: all of them.
    pub item: Option<String>,
    /// What was done.
    pub how: Action,
    /// Who did it.
    pub who: String,
    /// Why; may be empty where no reason is asked for.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// The edited bytes.
    pub payload: Option<PayloadId>,
    /// For the record: what became of it.
    pub note: String,
}
