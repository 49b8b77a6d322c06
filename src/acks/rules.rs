//! What the grammar of the 997 or 999 has to say about an element that is to be written, or a code that was read.

use crate::grammar::{ElementDef, ElementShape, Grammar, SegmentDef};
use crate::x12::Tag;

/// What to answer where a release, or the 997, lacks a code: an error of segments (720, 620), elements (723, 621), sets
/// (718, 618) or groups (716). Each stands for the nearest that every release has. Repetitions and components beyond
/// the last are elements too many; a number that is not unique is one that violates its syntax; a set in the wrong
/// group has no valid identifier there. What a guide asks for beyond the standard (I4 to I13 of the 999) is told as if
/// the standard asked for it; an element that is missing under a condition, as one that another element asks for.
const FALLBACKS: [(&str, &str, &str); 15] = [
    ("3", "I4", "2"),
    ("3", "I6", "3"),
    ("3", "I7", "3"),
    ("3", "I8", "3"),
    ("3", "I9", "2"),
    ("4", "12", "3"),
    ("4", "13", "3"),
    ("4", "I6", "7"),
    ("4", "I9", "2"),
    ("4", "I10", "10"),
    ("4", "I12", "7"),
    ("4", "I13", "10"),
    ("5", "23", "7"),
    ("5", "18", "6"),
    ("9", "19", "6"),
];

/// The rules of one acknowledgement set.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    grammar: &'a Grammar,
}

impl<'a> Rules<'a> {
    pub(super) fn new(grammar: &'a Grammar) -> Self {
        Self { grammar }
    }

    fn segment(self, tag: &str) -> Option<&'a SegmentDef> {
        let tag = Tag::new(tag.as_bytes());
        self.grammar.segments.iter().find(|segment| segment.tag == tag)
    }

    fn element(self, tag: &str, position: usize) -> Option<&'a ElementDef> {
        self.segment(tag)?.elements.get(position.checked_sub(1)?)
    }

    /// Whether the segment has this element and the value is not too long for it.
    pub(super) fn fits(self, tag: &str, position: usize, value: &str) -> bool {
        self.element(tag, position).is_some_and(|element| self.fits_element(element, value))
    }

    fn fits_element(self, element: &ElementDef, value: &str) -> bool {
        match element.shape {
            ElementShape::Simple { max, .. } => {
                u32::try_from(value.len()).is_ok_and(|length| length <= max)
            }
            ElementShape::Composite(id) => self
                .grammar
                .composite(id)
                .components
                .first()
                .is_some_and(|first| self.fits_element(first, value)),
        }
    }

    /// How many components the element has: 1 where it is no composite, 0 where the segment has no such element.
    pub(super) fn components(self, tag: &str, position: usize) -> usize {
        match self.element(tag, position).map(|element| element.shape) {
            None => 0,
            Some(ElementShape::Simple { .. }) => 1,
            Some(ElementShape::Composite(id)) => self.grammar.composite(id).components.len(),
        }
    }

    /// The code, or the nearest that the release has; `None` where it has neither.
    pub(super) fn code(self, tag: &str, position: usize, code: &'a str) -> Option<&'a str> {
        let ElementShape::Simple { codes, .. } = self.element(tag, position)?.shape else {
            return None;
        };
        let Some(list) = codes.map(|id| &self.grammar.code_list(id).codes) else {
            return Some(code);
        };
        let has = |code: &str| list.contains_key(code.as_bytes());
        if has(code) {
            return Some(code);
        }
        FALLBACKS
            .iter()
            .find(|(kind, from, _)| tag.ends_with(kind) && *from == code)
            .map(|(_, _, to)| *to)
            .filter(|to| has(to))
    }

    /// What a code means, in the grammar's words.
    pub(super) fn words(self, tag: &str, position: usize, code: &str) -> Option<&'a str> {
        let ElementShape::Simple { codes, .. } = self.element(tag, position)?.shape else {
            return None;
        };
        self.grammar.code_list(codes?).codes.get(code.as_bytes())?.as_deref()
    }
}
