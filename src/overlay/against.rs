//! What a shipment or invoice is compared with its order for. The comparison itself needs both documents, so it is
//! made where they are at hand (`translate::against`).

use crate::findings::{Rule, Severity};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Compared {
    /// No line ships or bills more than was ordered.
    Quantity,
    /// Each line is one of the order.
    Lines,
    /// Each line has the unit of the order.
    Unit,
    /// Each line is billed at the price of the order.
    Price,
}

impl Compared {
    pub(super) const ALL: [Self; 4] = [Self::Quantity, Self::Lines, Self::Unit, Self::Price];

    /// The word that names it in an overlay.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Quantity => "quantity",
            Self::Lines => "lines",
            Self::Unit => "unit",
            Self::Price => "price",
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.word() == word)
    }
}

/// A rule that compares a document with its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// What is compared.
    pub compared: Compared,
    /// The weight of a finding.
    pub severity: Severity,
    /// The rule, as a finding names it.
    pub rule: Rule,
}
