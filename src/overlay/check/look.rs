//! A walked set looked at through places: which instances of a scope there are, which segments and values a place has
//! in one of them. Nothing here is quick; it is for rules of which the quick pass has found that they are broken.

use super::{is_numeric, number};
use crate::grammar::{Grammar, LoopInstance, Tree, Walked};
use crate::overlay::plan::{Code, ElementSpot, LoopStep, Place, Qualifier};
use crate::x12::{Delimiters, Segment, Segments};

/// A value and where in its segment it stands.
#[derive(Debug, Clone, Copy)]
pub(in crate::overlay) struct Value<'a> {
    pub bytes: &'a [u8],
    pub element: u16,
    /// 0 = none.
    pub component: u16,
    /// 0 = none.
    pub repetition: u16,
}

/// Repetitions of an element that are looked at; more are a fault of their own.
const REPETITIONS_MAX: usize = 1000;

pub(in crate::overlay) struct Look<'a> {
    pub set: Segments<'a>,
    pub tree: &'a Tree,
    pub grammar: &'a Grammar,
    delimiters: Delimiters,
}

impl<'a> Look<'a> {
    pub fn new(walked: &Walked<'a>) -> Self {
        Self {
            set: walked.segments,
            tree: walked.tree,
            grammar: walked.grammar,
            delimiters: walked.segments.delimiters(),
        }
    }

    pub fn segment(&self, index: usize) -> Segment<'a> {
        self.set.get(index).unwrap_or(Segment::EMPTY)
    }

    fn instance(&self, index: u32) -> LoopInstance {
        let root = LoopInstance { node: crate::grammar::NodeId::ROOT, parent: 0, first: 0, end: 0 };
        self.tree.instances.get(index as usize).copied().unwrap_or(root)
    }

    /// The segments of an instance, those of loops inside it counted.
    pub fn range(&self, instance: u32) -> std::ops::Range<usize> {
        let found = self.instance(instance);
        found.first as usize..(found.end as usize).min(self.tree.segments.len())
    }

    /// Whether a segment has one of the codes at its qualifier.
    pub fn qualified(&self, qualifier: Option<&Qualifier>, segment: Segment<'a>) -> bool {
        let Some(qualifier) = qualifier else { return true };
        let value = segment.element(usize::from(qualifier.position));
        let value = match qualifier.component {
            0 => value,
            n => self.component(value, n),
        };
        is_among(&qualifier.codes, value)
    }

    fn component(&self, value: &'a [u8], component: u16) -> &'a [u8] {
        let separator = self.delimiters.component;
        value.split(move |&b| b == separator).nth(usize::from(component) - 1).unwrap_or_default()
    }

    /// The instance so many loops further out.
    pub fn outer(&self, mut instance: u32, levels: usize) -> u32 {
        for _ in 0..levels {
            instance = self.instance(instance).parent;
        }
        instance
    }

    /// Whether an instance of the scope's last loop is one of the scope.
    pub fn is_of(&self, mut instance: u32, scope: &[LoopStep]) -> bool {
        for step in scope.iter().rev() {
            let found = self.instance(instance);
            if found.node != step.node
                || !self.qualified(step.qualifier.as_ref(), self.segment(found.first as usize))
            {
                return false;
            }
            instance = found.parent;
        }
        instance == 0
    }

    /// The instances of a scope within another instance, or that one itself where the scope ends with it.
    pub fn instances(&self, scope: &'a [LoopStep], within: u32) -> impl Iterator<Item = u32> {
        let own = self.instance(within);
        let last = scope.last().map_or(crate::grammar::NodeId::ROOT, |step| step.node);
        let range = if last == own.node {
            within..within.saturating_add(1)
        } else {
            // They come in the order of their opening.
            let end = self.tree.instances.partition_point(|i| i.first < own.end);
            within.saturating_add(1)..u32::try_from(end).unwrap_or(u32::MAX)
        };
        range.filter(move |&at| self.instance(at).node == last && self.is_of(at, scope))
    }

    /// The instance of its scope that a segment at the place stands in.
    pub fn home(&self, place: &Place, index: usize) -> Option<u32> {
        let placed = self.tree.segments.get(index)?;
        if placed.node != place.node {
            return None;
        }
        Some(if place.opens { self.instance(placed.instance).parent } else { placed.instance })
    }

    /// The segments of a place in an instance of its scope.
    pub fn segments(&self, place: &'a Place, instance: u32) -> impl Iterator<Item = usize> {
        self.range(instance).filter(move |&index| {
            self.home(place, index) == Some(instance)
                && self.qualified(place.qualifier.as_ref(), self.segment(index))
        })
    }

    /// The values of an element of a segment that are not empty or blank.
    pub fn values(&self, spot: &ElementSpot, index: usize) -> Vec<Value<'a>> {
        let segment = self.segment(index);
        let mut found = Vec::new();
        if spot.last == 0 {
            self.add_values(segment, spot.position, spot.component, &mut found);
            return found;
        }
        for position in (spot.position..spot.last).step_by(2) {
            if is_among(&spot.qualifiers, segment.element(usize::from(position))) {
                self.add_values(segment, position + 1, 0, &mut found);
            }
        }
        found
    }

    fn add_values(
        &self,
        segment: Segment<'a>,
        element: u16,
        component: u16,
        found: &mut Vec<Value<'a>>,
    ) {
        let whole = segment.element(usize::from(element));
        if whole.is_empty() {
            return;
        }
        let separator = self.delimiters.repetition.filter(|s| whole.contains(s));
        let parts = whole.split(move |&b| Some(b) == separator);
        for (at, part) in parts.enumerate().take(REPETITIONS_MAX) {
            let bytes = match component {
                0 => part,
                n => self.component(part, n),
            };
            let repetition = separator.map_or(0, |_| u16::try_from(at + 1).unwrap_or(u16::MAX));
            if has_value(bytes) {
                found.push(Value { bytes, element, component, repetition });
            }
        }
    }

    /// Whether the place has anything in an instance of its scope: a segment, or a value where it is an element.
    pub fn is_there(&self, place: &'a Place, instance: u32) -> bool {
        self.segments(place, instance).any(|index| match &place.element {
            Some(spot) => !self.values(spot, index).is_empty(),
            None => true,
        })
    }
}

/// Whether there is more than blanks, which are no value.
#[inline]
pub(in crate::overlay) fn has_value(bytes: &[u8]) -> bool {
    // It is rare that the last is one.
    bytes.last().is_some_and(|&last| last > b' ' || !bytes.trim_ascii_end().is_empty())
}

/// Whether a value of a place is one of the codes; where its values are numbers, whether it is the same number.
pub(in crate::overlay) fn is_one_of(
    grammar: &Grammar,
    place: &Place,
    codes: &[Code],
    value: &[u8],
) -> bool {
    let same_number = || {
        let value = number(value, 0);
        value.is_some() && codes.iter().any(|code| number(code, 0) == value)
    };
    is_among(codes, value) || is_numeric(grammar, place) && same_number()
}

/// Whether a value is one of the codes, padding aside.
pub(in crate::overlay) fn is_among(codes: &[Code], value: &[u8]) -> bool {
    let value = value.trim_ascii_end();
    codes.iter().any(|code| **code == *value)
}
