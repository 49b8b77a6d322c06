//! What rules of alerts have told, as data, so that a restart neither forgets an alert nor tells it twice.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One cause that a rule has told of and keeps an eye on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertState {
    /// The rule.
    pub rule: String,
    /// The cause: the same for its repeats.
    pub cause: String,
    /// In one line, as it was told.
    pub title: String,
    /// The partner; empty where it is nobody's.
    pub partner: String,
    /// When it was told first.
    pub since: Timestamp,
    /// Until when repeats are counted only.
    pub quiet_until: Timestamp,
    /// Repeats that were not told yet.
    pub repeats: u64,
    /// What these were, in one line each; the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<String>,
    /// The exception that it is about, and how often that had come when it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<(u64, u64)>,
    /// Whether it stands: a threshold is passed, an exception is open.
    #[serde(default)]
    pub stands: bool,
}
