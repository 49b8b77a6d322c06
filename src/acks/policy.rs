//! What a partner is answered with.

use serde::{Deserialize, Serialize};

/// Which transaction set answers a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum AckKind {
    /// 997, the functional acknowledgement.
    #[default]
    #[serde(rename = "997")]
    Functional,
    /// 999, the implementation acknowledgement (005010 and later).
    #[serde(rename = "999")]
    Implementation,
}

impl AckKind {
    /// `997` or `999`; the set whose grammar is to be used.
    #[must_use]
    pub fn set(self) -> &'static str {
        match self {
            Self::Functional => "997",
            Self::Implementation => "999",
        }
    }
}

/// What becomes of a set that has errors, but none that keep it from being understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorsAs {
    /// It is accepted with errors (`E`): what is meant can be told without guessing.
    #[default]
    Accepted,
    /// It is rejected (`R`).
    Rejected,
}

/// When an interchange is answered with a TA1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ta1Policy {
    /// Always.
    Always,
    /// Where ISA14 is `1` (it nearly always is `0`), and where the interchange is rejected.
    #[default]
    AsRequested,
    /// Never.
    Never,
}

/// What a partner is answered with.
///
/// ```
/// use crossdock::acks::{AckKind, AckPolicy};
/// let policy = AckPolicy { kind: AckKind::Implementation, ..AckPolicy::default() };
/// assert_eq!(policy.kind.set(), "999");
/// assert!(policy.report_accepted);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AckPolicy {
    /// 997 or 999.
    pub kind: AckKind,
    /// Release of the answer as GS08 has it (`004010`, `005010X231A1`); `None` = that of the group it answers.
    pub release: Option<String>,
    /// Whether sets that were accepted are listed (AK2 and AK5) too.
    pub report_accepted: bool,
    /// What becomes of a set with errors.
    pub errors_as: ErrorsAs,
    /// When a TA1 is sent.
    pub ta1: Ta1Policy,
}

impl Default for AckPolicy {
    fn default() -> Self {
        Self {
            kind: AckKind::default(),
            release: None,
            report_accepted: true,
            errors_as: ErrorsAs::default(),
            ta1: Ta1Policy::default(),
        }
    }
}
