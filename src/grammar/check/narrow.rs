//! Segments of which more is asked than the grammar asks: what was agreed, worked into the plan of the usual path, so
//! that it costs no second look.

use super::codes::CodeSets;
use super::plan::Plans;
use super::quick::QuickPlan;
use crate::grammar::digits::Scheme;
use crate::grammar::{DataType, Grammar, NodeId, SegmentId};
use crate::x12::Segment;

/// More than the grammar asks of one element.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Narrowing<'a> {
    /// It must be there.
    Required,
    /// It may not be there.
    Forbidden,
    /// So many characters; of a number, digits.
    Length { min: u32, max: u32, numeric: bool },
    /// A value of this type.
    Type(DataType),
    /// One of these.
    Codes(&'a [Box<[u8]>]),
    /// A number with its check digit.
    Digits(Scheme),
}

/// A plan of a segment of which more is asked.
#[derive(Debug, Clone)]
pub(crate) struct NarrowPlan(QuickPlan);

/// The code lists that a [`NarrowPlan`] looks into: those of the grammar that it was made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CodeLists<'a>(pub(super) &'a CodeSets);

impl NarrowPlan {
    /// What the grammar asks, and nothing more.
    pub fn new(grammar: &Grammar, segment: SegmentId) -> Option<Self> {
        let plans = grammar.plans();
        plans.segments.get(usize::from(segment.0)).map(|plan| Self(QuickPlan::new(plan, plans)))
    }

    /// Asks more of the element at a position; whether that is seen to from now on.
    pub fn ask(&mut self, grammar: &Grammar, position: u16, asked: Narrowing<'_>) -> bool {
        let plans: &Plans = grammar.plans();
        self.0.ask(position, asked, &plans.codes)
    }

    /// Gives back what room it has too much.
    pub fn shrink(&mut self) {
        self.0.shrink();
    }

    /// Whether there is certainly nothing to say about a segment of plain characters: neither by the grammar, nor of
    /// what was asked besides.
    #[inline]
    pub fn is_clean(&self, segment: Segment<'_>, lists: CodeLists<'_>) -> bool {
        let (bytes, ends) = segment.bytes_and_ends();
        self.0.is_clean(bytes, ends, lists.0)
    }
}

/// Who looks on while a set is walked.
pub(crate) trait Watch {
    /// A loop whose instances form a tree begins another, below the one at this index ([`NO_PARENT`]: below none);
    /// `None` where their numbers are not 1, 2, 3, …
    ///
    /// [`NO_PARENT`]: super::NO_PARENT
    fn level(&mut self, above: Option<u32>);

    /// A segment has its place. Whether there is certainly nothing to say about its elements, so that the grammar's
    /// check of them can be left out.
    fn placed(&mut self, node: NodeId, segment: Segment<'_>, lists: CodeLists<'_>) -> bool;
}

/// Nobody.
pub(super) struct Nobody;

impl Watch for Nobody {
    #[inline]
    fn level(&mut self, _: Option<u32>) {}

    #[inline]
    fn placed(&mut self, _: NodeId, _: Segment<'_>, _: CodeLists<'_>) -> bool {
        false
    }
}
