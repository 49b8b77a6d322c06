//! Whose exceptions are, and until when somebody should have looked at them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Kind, Severity};

/// `[exceptions]` of a profile, or of `crossdock.toml` for those that belong to no partner and for what a profile
/// does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whose they are; nothing where it is not said.
    pub owner: Option<String>,
    /// Whose those of one kind are.
    pub owners: BTreeMap<Kind, String>,
    /// How long one of each severity may wait.
    pub within: BTreeMap<Severity, Duration>,
}

impl Policy {
    /// Whose an exception is, where it is said.
    #[must_use]
    pub fn owner_of(&self, kind: Kind) -> Option<&str> {
        self.owners.get(&kind).or(self.owner.as_ref()).map(String::as_str)
    }

    /// How long one of a severity may wait where nothing is said.
    #[must_use]
    pub fn usual(severity: Severity) -> Duration {
        match severity {
            Severity::Critical => Duration::from_hours(1),
            Severity::High => Duration::from_hours(4),
            Severity::Normal => Duration::from_hours(24),
        }
    }

    /// How long one of a severity may wait, where it is said.
    #[must_use]
    pub fn within(&self, severity: Severity) -> Option<Duration> {
        self.within.get(&severity).copied()
    }
}
