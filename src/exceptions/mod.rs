//! Exceptions: what a person has to look at, as a closed catalogue of kinds.
//!
//! Pure: which kinds there are, how much each weighs, what can be done with it, and which playbook tells how. What
//! happened, to what and when is a record of the store; who raises it is the gateway.

mod catalogue;
mod policy;

pub use catalogue::{Entry, Kind, Playbook};
pub use policy::Policy;

use serde::{Deserialize, Serialize};

/// How much an exception weighs, and with that how soon somebody should have looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// One thing is odd; nothing waits for it.
    Normal,
    /// A document does not reach whom it is for.
    High,
    /// All business with a partner, or all of it, stands still.
    Critical,
}

impl Severity {
    /// All of them, the heaviest first.
    pub const ALL: [Self; 3] = [Self::Critical, Self::High, Self::Normal];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What a person can do with an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The step that failed is done once more.
    Retry,
    /// The bytes that came go through the gateway once more, as the same interchange or document.
    Replay,
    /// Edited bytes take the place of those that came; both are kept.
    Edit,
    /// It goes on as it is, whatever is wrong with it.
    Accept,
    /// Nothing is done.
    Dismiss,
    /// What was dismissed is open once more.
    Reopen,
}

impl Action {
    /// Its name, also that of the command.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Replay => "replay",
            Self::Edit => "edit",
            Self::Accept => "accept",
            Self::Dismiss => "dismiss",
            Self::Reopen => "reopen",
        }
    }

    /// What was done, for people: `replayed`.
    #[must_use]
    pub fn done(self) -> &'static str {
        match self {
            Self::Retry => "tried again",
            Self::Replay => "replayed",
            Self::Edit => "edited and resubmitted",
            Self::Accept => "accepted as it is",
            Self::Dismiss => "dismissed",
            Self::Reopen => "opened again",
        }
    }

    /// Whether it takes a reason.
    #[must_use]
    pub fn needs_reason(self) -> bool {
        matches!(self, Self::Accept | Self::Dismiss | Self::Reopen)
    }
}
