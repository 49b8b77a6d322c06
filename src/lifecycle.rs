//! How an order goes from the day it comes to the day it is paid for, as one state machine; docs/order-to-cash.md shows
//! it to people.
//!
//! Pure: where an order stands follows from what is known of it and of its shipments and invoices, and is kept nowhere
//! by itself. What may be done with a change of it follows from where it stands.

use serde::Serialize;

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A person has to look at it before anything is done.
    Held,
    /// It waits to be handed to the warehouse.
    Waiting,
    /// The warehouse has it, and may be picking.
    Picking,
    /// Some of it has left.
    PartlyShipped,
    /// All of it has left.
    Shipped,
    /// Some of it is billed.
    PartlyInvoiced,
    /// All that was ordered has left and is billed.
    Invoiced,
    /// The partner has accepted every ship notice and invoice, too.
    Closed,
    /// It was cancelled.
    Cancelled,
}

/// How much of an order is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// Nothing of it.
    Nothing,
    /// Some of it.
    Part,
    /// All of it.
    All,
}

/// Where the order itself is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whereabouts {
    /// It was set aside.
    Held,
    /// It waits for the warehouse.
    Waiting,
    /// The warehouse has it.
    HandedOver,
}

/// What is known of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Where it is.
    pub whereabouts: Whereabouts,
    /// Whether a cancellation of it went on to the warehouse.
    pub cancelled: bool,
    /// How much of it has left, as its shipments say.
    pub shipped: Extent,
    /// How much of it is billed.
    pub invoiced: Extent,
    /// Whether the partner has accepted all that was sent for it.
    pub accepted: bool,
}

/// What a partner asks for, of an order that it has sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Something of it is to be otherwise.
    Change,
    /// Nothing of it is wanted any more.
    Cancellation,
}

impl Stage {
    /// All of them, in the order in which an order goes through them.
    pub const ALL: [Self; 9] = [
        Self::Held,
        Self::Waiting,
        Self::Picking,
        Self::PartlyShipped,
        Self::Shipped,
        Self::PartlyInvoiced,
        Self::Invoiced,
        Self::Closed,
        Self::Cancelled,
    ];

    /// Where an order stands of which this is known.
    ///
    /// ```
    /// use crossdock::lifecycle::{Extent, Facts, Stage, Whereabouts};
    /// let facts = Facts {
    ///     whereabouts: Whereabouts::HandedOver,
    ///     cancelled: false,
    ///     shipped: Extent::Part,
    ///     invoiced: Extent::Nothing,
    ///     accepted: false,
    /// };
    /// assert_eq!(Stage::of(facts), Stage::PartlyShipped);
    /// ```
    #[must_use]
    pub fn of(facts: Facts) -> Self {
        match (facts.whereabouts, facts.shipped, facts.invoiced) {
            // What has left has left, whatever was asked for.
            (_, Extent::All, Extent::All) if facts.accepted => Self::Closed,
            (_, Extent::All, Extent::All) => Self::Invoiced,
            (_, _, Extent::Part | Extent::All) => Self::PartlyInvoiced,
            (_, Extent::All, Extent::Nothing) => Self::Shipped,
            (_, Extent::Part, Extent::Nothing) => Self::PartlyShipped,
            _ if facts.cancelled => Self::Cancelled,
            (Whereabouts::Held, ..) => Self::Held,
            (Whereabouts::Waiting, ..) => Self::Waiting,
            (Whereabouts::HandedOver, ..) => Self::Picking,
        }
    }

    /// Why a change or cancellation that comes now is held for a person; nothing where it goes on behind its order.
    #[must_use]
    pub fn holds(self, asked: Asked) -> Option<&'static str> {
        let late = match asked {
            Asked::Change => "it is too late to change it",
            Asked::Cancellation => "it is too late to cancel it",
        };
        match self {
            Self::Waiting => None,
            Self::Held => Some("the order itself is held, and not with the warehouse yet"),
            Self::Picking => Some("the warehouse has the order and may be picking it"),
            Self::PartlyShipped => Some("some of the order has left already"),
            Self::PartlyInvoiced => Some("some of the order is billed already"),
            Self::Cancelled => Some("the order was cancelled before"),
            Self::Shipped | Self::Invoiced | Self::Closed => Some(late),
        }
    }

    /// Its name, `partly_shipped`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Waiting => "waiting",
            Self::Picking => "picking",
            Self::PartlyShipped => "partly_shipped",
            Self::Shipped => "shipped",
            Self::PartlyInvoiced => "partly_invoiced",
            Self::Invoiced => "invoiced",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }

    /// What it means, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Held => "held: a person has to look at it",
            Self::Waiting => "waits to be handed to the warehouse",
            Self::Picking => "with the warehouse",
            Self::PartlyShipped => "some of it has left",
            Self::Shipped => "all of it has left",
            Self::PartlyInvoiced => "some of it is billed",
            Self::Invoiced => "all of it has left and is billed",
            Self::Closed => "all of it has left, is billed and is acknowledged",
            Self::Cancelled => "cancelled",
        }
    }

    /// The stages that may follow this one, when one thing happens.
    #[must_use]
    pub fn next(self) -> &'static [Self] {
        match self {
            Self::Held => &[Self::Waiting],
            Self::Waiting => &[Self::Picking, Self::Cancelled],
            Self::Picking => {
                &[Self::PartlyShipped, Self::Shipped, Self::PartlyInvoiced, Self::Cancelled]
            }
            Self::PartlyShipped => &[Self::Shipped, Self::PartlyInvoiced],
            Self::Shipped => &[Self::PartlyInvoiced, Self::Invoiced],
            Self::PartlyInvoiced => &[Self::Invoiced],
            Self::Invoiced => &[Self::Closed],
            // A cancelled order of which something leaves all the same.
            Self::Cancelled => &[Self::PartlyShipped, Self::Shipped, Self::PartlyInvoiced],
            Self::Closed => &[],
        }
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    const EXTENTS: [Extent; 3] = [Extent::Nothing, Extent::Part, Extent::All];

    /// Everything that may be known of an order.
    fn all() -> Vec<Facts> {
        let mut all = Vec::new();
        for whereabouts in [Whereabouts::Held, Whereabouts::Waiting, Whereabouts::HandedOver] {
            for cancelled in [false, true] {
                for shipped in EXTENTS {
                    for invoiced in EXTENTS {
                        for accepted in [false, true] {
                            all.push(Facts { whereabouts, cancelled, shipped, invoiced, accepted });
                        }
                    }
                }
            }
        }
        all
    }

    /// What is known once one more thing has happened.
    fn after(facts: Facts) -> Vec<Facts> {
        let mut next = Vec::new();
        match facts.whereabouts {
            Whereabouts::Held => next.push(Facts { whereabouts: Whereabouts::Waiting, ..facts }),
            Whereabouts::Waiting => {
                next.push(Facts { whereabouts: Whereabouts::HandedOver, ..facts });
            }
            Whereabouts::HandedOver => {}
        }
        let is_with_them = facts.whereabouts == Whereabouts::HandedOver;
        if facts.whereabouts != Whereabouts::Held {
            next.push(Facts { cancelled: true, ..facts });
        }
        for more in EXTENTS {
            if is_with_them && more > facts.shipped {
                next.push(Facts { shipped: more, accepted: false, ..facts });
            }
            if is_with_them && more > facts.invoiced {
                next.push(Facts { invoiced: more, accepted: false, ..facts });
            }
        }
        next.push(Facts { accepted: true, ..facts });
        next
    }

    #[test]
    fn an_order_goes_the_ways_that_are_listed_and_no_others() {
        let first = Facts {
            whereabouts: Whereabouts::Held,
            cancelled: false,
            shipped: Extent::Nothing,
            invoiced: Extent::Nothing,
            accepted: false,
        };
        let mut ways: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let (mut open, mut seen) = (vec![first], Vec::new());
        while let Some(facts) = open.pop() {
            if seen.contains(&facts) {
                continue;
            }
            seen.push(facts);
            let stage = Stage::of(facts);
            for next in after(facts) {
                let to = Stage::of(next);
                if to != stage {
                    ways.entry(stage.name()).or_default().insert(to.name());
                }
                open.push(next);
            }
        }
        let listed: BTreeMap<&str, BTreeSet<&str>> = Stage::ALL
            .into_iter()
            .map(|stage| (stage.name(), stage.next().iter().map(|next| next.name()).collect()))
            .filter(|(_, next): &(_, BTreeSet<_>)| !next.is_empty())
            .collect();
        assert_eq!(ways, listed);
    }

    #[test]
    fn every_stage_is_reached_and_only_what_waits_takes_a_change() {
        let reached: Vec<Stage> = all().into_iter().map(Stage::of).collect();
        for stage in Stage::ALL {
            assert!(reached.contains(&stage), "{stage}");
            for asked in [Asked::Change, Asked::Cancellation] {
                assert_eq!(stage.holds(asked).is_none(), stage == Stage::Waiting, "{stage}");
            }
        }
    }

    #[test]
    fn the_page_for_people_says_the_same() {
        let page = include_str!("../docs/order-to-cash.md");
        for stage in Stage::ALL {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{stage}` |")));
            let row = row.unwrap_or_else(|| panic!("docs/order-to-cash.md has no row of {stage}"));
            let next: Vec<&str> = row.split('|').nth(3).unwrap_or_default().split(',').collect();
            let told: BTreeSet<&str> = next
                .iter()
                .map(|name| name.trim().trim_matches('`'))
                .filter(|n| !n.is_empty())
                .collect();
            assert_eq!(told, stage.next().iter().map(|next| next.name()).collect(), "{stage}");
            assert!(row.contains(stage.words()), "{stage}: {}", stage.words());
        }
    }
}
