//! What a shipment or invoice is compared with its order, or with what was shipped of it, for. The comparison itself needs both documents, so it is
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
    /// No line bills more than was shipped.
    Shipped,
}

impl Compared {
    pub(super) const ALL: [Self; 5] =
        [Self::Quantity, Self::Lines, Self::Unit, Self::Price, Self::Shipped];

    /// The words that name it in an overlay: the document that something is compared with, and for what.
    #[must_use]
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Quantity => ("order", "quantity"),
            Self::Lines => ("order", "lines"),
            Self::Unit => ("order", "unit"),
            Self::Price => ("order", "price"),
            Self::Shipped => ("shipment", "quantity"),
        }
    }

    /// The canonical kinds of document that are compared so.
    #[must_use]
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Quantity | Self::Lines | Self::Unit | Self::Price => &["shipment", "invoice"],
            Self::Shipped => &["invoice"],
        }
    }

    /// Whether documents of a kind are compared so.
    #[must_use]
    pub fn speaks_of(self, kind: &str) -> bool {
        self.kinds().contains(&kind)
    }

    pub(super) fn of(document: &str, what: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.words() == (document, what))
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
