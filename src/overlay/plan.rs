//! Rules held against a grammar: paths have become places, codes bytes.

use std::sync::Arc;

use super::source::RuleSource;
use crate::findings::Severity;
use crate::grammar::digits::Scheme;
use crate::grammar::{DataType, NodeId, RuleLine};
use crate::x12::Tag;

/// A code, or another value that is compared exactly.
pub(super) type Code = Box<[u8]>;

/// `[ST,BT]`: which of the segments of a place are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Qualifier {
    pub position: u16,
    /// 0 = none.
    pub component: u16,
    pub codes: Box<[Code]>,
}

/// A loop on the way to a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LoopStep {
    /// The loop.
    pub node: NodeId,
    pub qualifier: Option<Qualifier>,
}

/// Which values of a segment are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ElementSpot {
    pub position: u16,
    /// 0 = none.
    pub component: u16,
    /// Last position of a range of pairs; 0 = no range.
    pub last: u16,
    pub qualifiers: Box<[Code]>,
    /// Decimals of its numbers without a point; stated where they are summed or compared.
    pub implied: u32,
}

/// What a path means in one grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The loops in each of whose instances it is looked for.
    pub scope: Box<[LoopStep]>,
    /// The segment; for a loop, the one that opens it.
    pub node: NodeId,
    /// Whether it opens a loop inside the scope, so that it stands one instance further in.
    pub opens: bool,
    pub qualifier: Option<Qualifier>,
    pub element: Option<ElementSpot>,
    /// Whether the segment is a step of its own, so that each of them is spoken of (`REF[DP]/REF02`).
    pub each: bool,
}

impl Place {
    /// Whether it is a loop, not a segment or element.
    pub fn is_loop(&self) -> bool {
        self.opens && self.element.is_none()
    }

    /// Whether two places are the same for whoever looks at what stands there, and does not ask for it: `REF01` and
    /// `REF/01`.
    pub fn same_values(&self, other: &Self) -> bool {
        let as_one = |place: &Self| Self { each: true, ..place.clone() };
        as_one(self) == as_one(other)
    }

    /// The same place without its element.
    pub fn same_segment(&self, other: &Self) -> bool {
        self.node == other.node && self.scope == other.scope && self.qualifier == other.qualifier
    }
}

/// How many steps from the outermost two scopes have in common.
pub(super) fn shared(a: &[LoopStep], b: &[LoopStep]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConditionTest {
    Present,
    Absent,
    Is(Box<[Code]>),
    IsNot(Box<[Code]>),
}

/// One condition of a `when`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    pub place: Place,
    pub test: ConditionTest,
    /// How many loops of the rule's own scope it shares: it is looked at in that instance.
    pub shared: usize,
    /// Whether it speaks of the very segment that the rule speaks of.
    pub same_segment: bool,
}

/// A summand: the product of its factors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    pub minus: bool,
    pub factors: Box<[Place]>,
    /// Whether the factors stand in one segment.
    pub one_segment: bool,
}

/// What may stand though the grammar says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Allowed {
    pub scope: Box<[LoopStep]>,
    pub tag: Tag,
    pub qualifier: Option<Qualifier>,
    /// Where the grammar has it.
    pub place: Option<Place>,
}

/// A level of a hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Level {
    pub name: String,
    pub code: Code,
}

/// What a rule asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    Require(Place),
    Forbid(Place),
    Limit(Place, u32),
    Length(Place, u32, u32),
    Type(Place, DataType),
    /// `besides`: these too, besides the list of the grammar.
    Codes {
        place: Place,
        codes: Box<[Code]>,
        besides: bool,
    },
    Allow(Allowed),
    /// `within`: how many loops of the scope make one field of uniqueness; 0 = the whole set.
    /// `scheme`: what number the values are agreed to be, where it may be written in two ways.
    Unique {
        place: Place,
        within: usize,
        scheme: Option<Scheme>,
    },
    Count {
        place: Place,
        of: Place,
        home: usize,
    },
    Sum {
        place: Place,
        terms: Box<[Term]>,
        scale: Option<u32>,
        home: usize,
    },
    Digits(Place, Scheme),
    Hierarchy {
        node: NodeId,
        levels: Box<[Level]>,
    },
    Against,
    Map,
}

impl Test {
    /// The place that the rule speaks of.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Require(place)
            | Self::Forbid(place)
            | Self::Limit(place, _)
            | Self::Length(place, ..)
            | Self::Type(place, _)
            | Self::Codes { place, .. }
            | Self::Unique { place, .. }
            | Self::Count { place, .. }
            | Self::Sum { place, .. }
            | Self::Digits(place, _) => Some(place),
            Self::Allow(allowed) => allowed.place.as_ref(),
            Self::Hierarchy { .. } | Self::Against | Self::Map => None,
        }
    }
}

/// A rule in force.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub written: Arc<RuleSource>,
    pub severity: Severity,
    pub line: RuleLine,
    /// Where the rule stands that it took the place of.
    pub replaced: Option<RuleLine>,
    /// The layer that it comes from; 0 = the outermost base.
    pub layer: usize,
    pub conditions: Box<[Condition]>,
    pub test: Test,
}
