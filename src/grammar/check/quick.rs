//! Whether all is well with a segment, told fast: the usual path of the check.
//!
//! It says yes only where [`super::element`] would find nothing, and no whenever it is not sure; what is wrong, and
//! whether anything is, that module tells. Each segment has one small table. Nothing here branches on what the data
//! holds as long as all is well: whether an element is there, how long it is and which code it is are nothing that
//! a processor could foresee.

use super::codes::{Buckets, CodeSets};
use super::plan::{ElementPlan, Kind, NotePlan, Plan, Plans};
use super::{value, word};
use crate::grammar::NoteKind;
use crate::x12::Segment;

/// Positions of which a mask has bits; a segment with more elements is never quick.
const POSITIONS_MAX: usize = 32;

/// What a segment must look like. Bit n of a mask is position n + 1.
#[derive(Debug, Clone, Default)]
pub(super) struct QuickPlan {
    elements: Box<[QuickElement]>,
    mandatory: u32,
    /// Positions that are there if and only if the next one is.
    pairs: u32,
    /// All other syntax notes.
    relations: Box<[Relation]>,
}

/// What an element must look like.
#[derive(Debug, Clone, Copy)]
struct QuickElement {
    kind: QuickKind,
    min: u16,
    /// How much longer than `min` it may be.
    more: u16,
    codes: Buckets,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum QuickKind {
    Text,
    Code,
    Integer,
    Decimal,
    Date,
    Time,
    /// Whatever stands there.
    Any,
    /// Nothing to be said here.
    Unsure,
}

/// A syntax note: where one of `when` is there, all of `every` must be and one of `any`; of `one` there may only be
/// one.
#[derive(Debug, Clone, Copy)]
struct Relation {
    when: u32,
    every: u32,
    any: u32,
    one: u32,
}

impl QuickPlan {
    pub fn new(plan: &Plan, plans: &Plans) -> Self {
        if plan.elements.len() > POSITIONS_MAX {
            return Self::default();
        }
        let elements = plan.elements.iter().map(|element| QuickElement::new(element, plans));
        let (pairs, others): (Vec<&NotePlan>, Vec<_>) =
            plan.notes.iter().partition(|note| is_pair(note));
        Self {
            elements: elements.collect(),
            mandatory: mask(plan.mandatory),
            pairs: pairs.into_iter().fold(0, |mask, note| mask | self::mask(note.first)),
            relations: others.into_iter().map(Relation::new).collect(),
        }
    }

    /// Whether there is certainly nothing to say about a segment.
    #[inline]
    pub fn is_clean(&self, segment: Segment<'_>, codes: &CodeSets) -> bool {
        let (bytes, ends) = segment.bytes_and_ends();
        let Some((&tag_end, ends)) = ends.split_first() else { return false };
        if ends.len() > self.elements.len() || !segment.is_plain() {
            return false;
        }
        let mut present = 0u32;
        let mut at = 0;
        let (mut before, mut length) = (tag_end, 0);
        for (element, &end) in self.elements.iter().zip(ends) {
            length = end.wrapping_sub(before).wrapping_sub(1);
            if !element.is_clean(Value { bytes, start: before as usize + 1, length }, codes) {
                return false;
            }
            present |= u32::from(length != 0) << at;
            at += 1;
            before = end;
        }
        let wrong = (self.mandatory & !present) | ((present ^ (present >> 1)) & self.pairs);
        // No element at the end may be empty, so that there is one at least.
        (wrong == 0) & (length != 0)
            && self.relations.iter().all(|relation| relation.holds(present))
    }
}

/// An element in the bytes of its segment.
#[derive(Clone, Copy)]
struct Value<'a> {
    bytes: &'a [u8],
    start: usize,
    length: u32,
}

impl<'a> Value<'a> {
    /// Eight bytes from its first one on; at the very end of the input there may be fewer.
    #[inline]
    fn word(self) -> Option<u64> {
        let eight = self.bytes.get(self.start..self.start + 8)?;
        Some(u64::from_le_bytes(eight.try_into().ok()?))
    }

    /// Whether a blank or a control character ends it; of an empty one, this is not asked.
    #[inline]
    fn ends_blank(self) -> bool {
        // The byte before an empty element is a separator.
        let last = self.start + self.length as usize - 1;
        self.bytes.get(last).is_none_or(|&byte| byte <= b' ')
    }

    #[cold]
    fn bytes(self) -> &'a [u8] {
        self.bytes.get(self.start..self.start + self.length as usize).unwrap_or_default()
    }
}

impl QuickElement {
    fn new(element: &ElementPlan, plans: &Plans) -> Self {
        let mut quick =
            Self { kind: QuickKind::Unsure, min: 0, more: 0, codes: Buckets::default() };
        let (Ok(min), Some(more)) =
            (u16::try_from(element.min), element.max.checked_sub(element.min))
        else {
            return quick;
        };
        (quick.min, quick.more) = (min, u16::try_from(more).unwrap_or(u16::MAX));
        quick.kind = match element.kind {
            Kind::Text => QuickKind::Text,
            Kind::Code(list) => match plans.codes.buckets(list) {
                Some(buckets) => {
                    quick.codes = buckets;
                    QuickKind::Code
                }
                None => QuickKind::Text,
            },
            Kind::Integer => QuickKind::Integer,
            Kind::Decimal => QuickKind::Decimal,
            Kind::Date => QuickKind::Date,
            Kind::Time => QuickKind::Time,
            Kind::Binary => QuickKind::Any,
            Kind::Composite(id) => return Self::of_composite(id, plans).unwrap_or(quick),
        };
        quick
    }

    /// A composite that may be sent as its first component alone is like that one.
    fn of_composite(id: u16, plans: &Plans) -> Option<Self> {
        let plan = plans.composites.get(usize::from(id))?;
        let first = plan.elements.first()?;
        let alone = super::plan::bit(1);
        let suffices = plan.mandatory & !alone == 0 && plan.notes.iter().all(|n| n.holds(alone));
        (suffices && !matches!(first.kind, Kind::Composite(_))).then(|| Self::new(first, plans))
    }

    /// Whether there is certainly nothing to say about a value; never, where it is empty.
    #[inline]
    fn is_clean(&self, value: Value<'_>, codes: &CodeSets) -> bool {
        let length = value.length;
        let fits = length.wrapping_sub(u32::from(self.min)) <= u32::from(self.more);
        let empty = length == 0;
        if self.kind == QuickKind::Text {
            return (fits & !value.ends_blank()) | empty;
        }
        let Some(word) = value.word() else { return false };
        match self.kind {
            QuickKind::Code => {
                let last = word::at_top(word, length) >> 56;
                let short = (length <= 8) & (last > u64::from(b' '));
                let known = codes.holds(self.codes, word::alone(word, length));
                (fits & short & known) | empty
            }
            QuickKind::Integer => {
                (fits & word::is_digits(word, length)) | empty || self.is_number(value)
            }
            QuickKind::Decimal => {
                let digits = word::decimal_digits(word, length);
                let fits = digits.wrapping_sub(u32::from(self.min)) <= u32::from(self.more);
                (fits & (digits != 0)) | empty || self.is_number(value)
            }
            QuickKind::Date => {
                (fits & word::is_date(word, length)) | empty
                    || (fits && value::is_date(value.bytes()))
            }
            QuickKind::Time => (fits & word::is_time(word, length)) | empty,
            QuickKind::Any => true,
            QuickKind::Text | QuickKind::Unsure => empty,
        }
    }

    /// A number with a sign, or a long one.
    #[cold]
    fn is_number(&self, value: Value<'_>) -> bool {
        let digits = value::number_digits(value.bytes(), self.kind == QuickKind::Decimal);
        digits.is_some_and(|n| n.wrapping_sub(u32::from(self.min)) <= u32::from(self.more))
    }
}

impl Relation {
    fn new(note: &NotePlan) -> Self {
        let (first, all) = (mask(note.first), mask(note.all));
        let none = Self { when: 0, every: 0, any: u32::MAX, one: 0 };
        match note.kind {
            NoteKind::Paired => Self { when: all, every: all, ..none },
            NoteKind::Required => Self { when: u32::MAX, any: all, ..none },
            NoteKind::Exclusive => Self { one: all, ..none },
            NoteKind::Conditional => Self { when: first, every: all, ..none },
            NoteKind::ListConditional => Self { when: first, any: all & !first, ..none },
        }
    }

    /// Whether it holds for the positions that are there, of which there is one at least.
    #[inline]
    fn holds(&self, present: u32) -> bool {
        let one = present & self.one;
        let satisfied = (self.every & !present == 0) & (present & self.any != 0);
        ((present & self.when == 0) | satisfied) & (one & one.wrapping_sub(1) == 0)
    }
}

/// Whether a note pairs two positions that follow each other.
fn is_pair(note: &NotePlan) -> bool {
    note.kind == NoteKind::Paired && note.all == note.first | note.first << 1
}

/// A mask of the plans, whose bit n is position n, as one of ours.
fn mask(positions: u128) -> u32 {
    u32::try_from(positions >> 1 & u128::from(u32::MAX)).unwrap_or_default()
}
