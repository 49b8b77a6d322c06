//! The quick pass: which rules are broken, without saying where. A table by place tells in one load whether any rule
//! speaks of a segment; what is found is counted for each instance of a scope and weighed when the instance ends.
//!
//! It may suspect a rule that is not broken (conditions between the outermost loop and the rule's own are left to the
//! full look), but never passes over one that is.

mod bits;
mod build;
mod codes;
mod run;
mod seen;

use std::ops::Range;

use super::plan::{ElementSpot, Qualifier};
use crate::grammar::check::NarrowPlan;
use crate::grammar::digits::Scheme;
use crate::grammar::{CodeListId, DataType, Nested};
use bits::Mask;
use codes::Codes;
pub(super) use run::Run;
pub use run::Scratch;

/// No qualifier.
const ANY: u16 = u16::MAX;
/// The set itself.
const ROOT: u16 = 0;

/// Something that an instance has, or has not: the number of its flag. Those of a scope have words of their own.
type Fact = u32;

/// What to look at, by place.
#[derive(Debug, Clone, Default)]
pub(super) struct Scan {
    /// By node: one more than its index in `places`; 0 = nothing to look at.
    slots: Box<[u16]>,
    places: Vec<PlacePlan>,
    scopes: Vec<ScopePlan>,
    qualifiers: Vec<(Qualifier, Codes)>,
    spots: Vec<(ElementSpot, Codes)>,
    codes: Vec<Codes>,
    uniques: usize,
    totals: Vec<TotalPlan>,
    /// Words of facts.
    facts: u32,
    counts: usize,
    rules: usize,
    /// Rule, fact of the set, and what it must be for the rule to be broken.
    conditions: Vec<(u16, Fact, Wanted)>,
    hierarchy: Option<Levels>,
}

/// What to do at a segment's place.
#[derive(Debug, Clone, Default)]
struct PlacePlan {
    /// Scopes that end where the segment stands.
    ends: Vec<u16>,
    /// The same as flags.
    ends_mask: Vec<Mask>,
    /// Of these, the ones that it opens if an element has a certain code.
    by_code: Vec<ByCode>,
    /// The others.
    opens: Vec<u16>,
    groups: Vec<Group>,
}

/// Scopes that one element tells apart.
#[derive(Debug, Clone)]
struct ByCode {
    position: u16,
    /// Packed code and scope.
    scopes: Vec<(u64, u16)>,
}

/// What to do at a segment where the scope is open and it is qualified.
#[derive(Debug, Clone)]
struct Group {
    scope: u16,
    qualifier: u16,
    /// What the grammar asks of the segment, and all of `narrowed`; where it is fulfilled, neither is looked at.
    narrow: Option<Box<NarrowPlan>>,
    narrowed: Vec<Look>,
    actions: Vec<SegmentAction>,
    looks: Vec<Look>,
}

/// What to do with the values of an element.
#[derive(Debug, Clone)]
struct Look {
    spot: u16,
    /// The position, where it is a whole element of the segment; else 0.
    whole: u16,
    actions: Vec<ValueAction>,
}

#[derive(Debug, Clone, Copy)]
enum SegmentAction {
    /// It is there.
    Note(Fact),
    /// It may not be there.
    Hit(Hit),
    /// It may be there so often.
    Limit { count: u16, limit: u32, hit: Hit },
    /// It is counted in a total.
    Counted { total: u16 },
    /// A term of a total: a range of factors.
    Summed { total: u16, term: u16 },
    /// A level of the hierarchy.
    Level { rule: u16 },
}

#[derive(Debug, Clone, Copy)]
enum ValueAction {
    /// It is there.
    Note(Fact),
    /// One of the codes is there.
    NoteCode { fact: Fact, codes: u16 },
    /// It may not be there.
    Hit(Hit),
    /// There must be one.
    HitMissing(Hit),
    /// It must be so.
    Check { hit: Hit, check: Check },
    /// It must be new.
    Unique { unique: u16, scheme: Option<Scheme> },
    /// It states a total.
    Stated { total: u16, implied: u32 },
    /// It is counted in a total.
    Counted { total: u16 },
}

/// What a broken rule leaves behind.
#[derive(Debug, Clone, Copy)]
enum Hit {
    /// The rule is suspected.
    Rule(u16),
    /// It depends on what else is in the instance.
    Fact(Fact),
}

#[derive(Debug, Clone, Copy)]
enum Check {
    Length {
        min: u32,
        max: u32,
        numeric: bool,
    },
    Type(DataType),
    Codes(u16),
    /// These, or what the list has.
    Besides(u16, CodeListId),
    Digits(Scheme),
}

/// What a fact must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Zero,
    Some,
}

/// Instances of a loop, or of one with a certain qualifier.
#[derive(Debug, Clone)]
struct ScopePlan {
    parent: u16,
    qualifier: u16,
    children: Vec<u16>,
    /// Words of its facts.
    facts: Range<u32>,
    /// Counts of its segments that are limited.
    counts: Range<usize>,
    /// Rules that depend on one fact: the fact, and the rule that is suspected.
    single: Vec<(Fact, Wanted, u16)>,
    /// The facts of these that must not be there, and that must.
    none_of: Vec<Mask>,
    all_of: Vec<Mask>,
    closings: Vec<Closing>,
    uniques: Vec<u16>,
    totals: Vec<u16>,
}

/// What is weighed when an instance ends.
#[derive(Debug, Clone)]
struct Closing {
    rule: u16,
    /// All of them must be so for the rule to be suspected.
    facts: Vec<(Fact, Wanted)>,
    weigh: Weigh,
}

#[derive(Debug, Clone, Copy)]
enum Weigh {
    Facts,
    Unique(u16),
    Total(u16),
}

/// A count or sum and what is stated of it.
#[derive(Debug, Clone)]
struct TotalPlan {
    /// None for a count.
    terms: Vec<TermPlan>,
    scale: Option<u32>,
}

#[derive(Debug, Clone)]
struct TermPlan {
    minus: bool,
    /// Spot and implied decimals.
    factors: Vec<(u16, u32)>,
}

/// The levels that were agreed, by rank.
#[derive(Debug, Clone)]
struct Levels {
    nested: Nested,
    codes: Codes,
}
