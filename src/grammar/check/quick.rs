//! Whether all is well with a segment, told fast: the usual path of the check.
//!
//! It says yes only where [`super::element`] would find nothing, and no whenever it is not sure: of numbers with a
//! sign or more than eight characters, for instance, and of the 29th of February. What is wrong, and whether anything
//! is, that module tells. Nothing here branches on what the data holds: whether an element is there, how long it is
//! and which code it is are nothing that a processor could foresee.

use super::codes::{Buckets, CodeSets};
use super::plan::{ElementPlan, Kind, NotePlan, Plan, Plans};
use super::word;
use crate::grammar::NoteKind;

/// Positions of which a mask has bits; a segment with more elements is never quick.
const POSITIONS_MAX: usize = 32;

/// What a segment must look like. The highest bit of a mask is position 1.
#[derive(Debug, Clone, Default)]
pub(super) struct QuickPlan {
    elements: Box<[QuickElement]>,
    mandatory: u32,
    /// Positions that are there if and only if the next one is.
    pairs: u32,
    /// All other syntax notes.
    relations: Box<[Relations]>,
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

/// How many relations are looked at together.
const LANES: usize = 4;

/// Relations between elements, so laid out that the compiler looks at all of them at once. Where one of `when` is
/// there, all of `every` must be, one of `any`, and none of `never`.
#[derive(Debug, Clone, Copy)]
struct Relations {
    when: [u32; LANES],
    every: [u32; LANES],
    any: [u32; LANES],
    never: [u32; LANES],
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
            pairs: pairs.into_iter().fold(0, |pairs, note| pairs | mask(note.first)),
            relations: Relations::of_notes(&others).into(),
        }
    }

    /// Whether there is certainly nothing to say about a segment of plain characters, given the bytes that it lies
    /// in and where its tag and its elements end. Not inlined, so that all it needs has a register.
    #[inline(never)]
    pub fn is_clean(&self, bytes: &[u8], ends: &[u32], codes: &CodeSets) -> bool {
        let Some((&tag_end, ends)) = ends.split_first() else { return false };
        let Some(elements) = self.elements.get(..ends.len()) else { return false };
        if ends.is_empty() {
            return false;
        }
        let mut clean = true;
        let mut present = 0u32;
        let mut value = Value { bytes, start: tag_end.wrapping_add(1), length: 0 };
        for (at, element) in elements.iter().enumerate() {
            let end = ends[at];
            value.length = end.wrapping_sub(value.start);
            let there = value.length != 0;
            clean &= element.is_clean(value, codes) | !there;
            present = present << 1 | u32::from(there);
            value.start = end.wrapping_add(1);
        }
        // There are 1 to 32 elements.
        let present = present << ((POSITIONS_MAX - ends.len()) & (POSITIONS_MAX - 1));
        let wrong = (self.mandatory & !present) | ((present ^ (present << 1)) & self.pairs);
        // The last element may not be empty, so that there is one at least.
        clean & (wrong == 0) & (value.length != 0)
            && self.relations.iter().all(|relations| relations.hold(present))
    }
}

/// An element in the bytes of its segment.
#[derive(Clone, Copy)]
struct Value<'a> {
    bytes: &'a [u8],
    start: u32,
    length: u32,
}

impl Value<'_> {
    /// Eight bytes from its first one on; none at the very end of the input.
    #[inline]
    fn word(self) -> Option<u64> {
        let start = self.start as usize;
        let eight = self.bytes.get(start..start + 8)?;
        Some(u64::from_le_bytes(eight.try_into().ok()?))
    }

    /// Its last byte; of an empty one, the separator before it.
    #[inline]
    fn last(self) -> u8 {
        let last = self.start.wrapping_add(self.length).wrapping_sub(1);
        self.bytes.get(last as usize).copied().unwrap_or_default()
    }
}

impl QuickElement {
    fn new(element: &ElementPlan, plans: &Plans) -> Self {
        let mut quick =
            Self { kind: QuickKind::Unsure, min: 0, more: 0, codes: Buckets::default() };
        // What is not text is looked at as a word. A number of no digits is none.
        let (min, max) = match element.kind {
            Kind::Text | Kind::Binary | Kind::Composite(_) => (element.min, element.max),
            _ => (element.min.max(1), element.max.min(8)),
        };
        let (Ok(min), Some(more)) = (u16::try_from(min), max.checked_sub(min)) else {
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

    /// Whether there is certainly nothing to say about a value that is not empty.
    #[inline]
    fn is_clean(&self, value: Value<'_>, codes: &CodeSets) -> bool {
        let length = value.length;
        let fits = self.fits(length);
        if self.kind == QuickKind::Text {
            return fits & (value.last() != b' ');
        }
        let Some(word) = value.word() else { return false };
        match self.kind {
            QuickKind::Code => fits & codes.holds(self.codes, word::alone(word, length)),
            QuickKind::Integer => fits & word::is_digits(word, length),
            QuickKind::Decimal => (length <= 8) & self.fits(word::decimal_digits(word, length)),
            QuickKind::Date => fits & word::is_date(word, length),
            QuickKind::Time => fits & word::is_time(word, length),
            QuickKind::Any => true,
            QuickKind::Text | QuickKind::Unsure => false,
        }
    }

    #[inline]
    fn fits(&self, length: u32) -> bool {
        length.wrapping_sub(u32::from(self.min)) <= u32::from(self.more)
    }
}

impl Relations {
    /// None at all: they always hold.
    const NONE: Self =
        Self { when: [0; LANES], every: [0; LANES], any: [u32::MAX; LANES], never: [0; LANES] };

    fn of_notes(notes: &[&NotePlan]) -> Vec<Self> {
        let mut all: Vec<(u32, u32, u32, u32)> = Vec::new();
        for note in notes {
            let (first, positions) = (mask(note.first), mask(note.all));
            match note.kind {
                NoteKind::Paired => all.push((positions, positions, u32::MAX, 0)),
                NoteKind::Required => all.push((u32::MAX, 0, positions, 0)),
                NoteKind::Conditional => all.push((first, positions, u32::MAX, 0)),
                NoteKind::ListConditional => all.push((first, 0, positions & !first, 0)),
                NoteKind::Exclusive => {
                    let each = (0..u32::BITS).map(|bit| 1 << bit & positions);
                    let each = each.filter(|&bit| bit != 0);
                    all.extend(each.map(|bit| (bit, 0, u32::MAX, positions & !bit)));
                }
            }
        }
        let together = all.chunks(LANES).map(|some| {
            let mut relations = Self::NONE;
            for (lane, &(when, every, any, never)) in some.iter().enumerate() {
                relations.when[lane] = when;
                relations.every[lane] = every;
                relations.any[lane] = any;
                relations.never[lane] = never;
            }
            relations
        });
        together.collect()
    }

    /// Whether they hold for the positions that are there, of which there is one at least.
    #[inline]
    fn hold(&self, present: u32) -> bool {
        let all_ones_where = |condition: bool| u32::from(condition).wrapping_neg();
        let mut broken = [0u32; LANES];
        for (lane, broken) in broken.iter_mut().enumerate() {
            let missing = self.every[lane] & !present;
            let unwanted = self.never[lane] & present;
            let none = all_ones_where(self.any[lane] & present == 0);
            let concerned = all_ones_where(self.when[lane] & present != 0);
            *broken = concerned & (missing | unwanted | none);
        }
        broken.iter().fold(0, |all, one| all | one) == 0
    }
}

/// Whether a note pairs two positions that follow each other.
fn is_pair(note: &NotePlan) -> bool {
    note.kind == NoteKind::Paired && note.all == note.first | note.first << 1
}

/// A mask of the plans, whose bit n is position n, as one of ours.
fn mask(positions: u128) -> u32 {
    u32::try_from(positions >> 1 & u128::from(u32::MAX)).unwrap_or_default().reverse_bits()
}
