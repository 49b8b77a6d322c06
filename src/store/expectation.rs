//! What partners have to acknowledge, and what they have said.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
    /// Nothing, and nothing is waited for any more: the document was sent again under other numbers.
    Replaced,
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
    /// Whether it was said that a part of its group was accepted, but not whether this was.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
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
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Open | Self::DueSoon => "waiting",
            Self::Overdue => "overdue",
            Self::Accepted => "accepted",
            Self::AcceptedWithErrors => "accepted with errors",
            Self::Rejected => "rejected",
            Self::Replaced => "sent again under other numbers",
        }
    }

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
