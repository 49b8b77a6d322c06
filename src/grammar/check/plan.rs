//! What a segment must look like, worked out for speed: masks of positions instead of lists.

use super::codes::CodeSets;
use super::quick::QuickPlan;
use crate::grammar::{
    CodeList, CompositeDef, DataType, ElementDef, ElementShape, NoteKind, Requirement, SegmentDef,
    SyntaxNote,
};

/// Elements of a segment that are looked at; those beyond are too many in any release (SLN has 28, the most).
pub(super) const ELEMENTS_MAX: usize = 127;

/// Plans of all segments and composites of a grammar or dictionary, index for index.
#[derive(Debug, Clone)]
pub(in crate::grammar) struct Plans {
    pub(super) segments: Vec<Plan>,
    pub(super) composites: Vec<Plan>,
    pub(super) codes: CodeSets,
}

/// A segment or composite. Bit n of a mask is position n, 1-based.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub elements: Vec<ElementPlan>,
    pub mandatory: u128,
    /// Positions that the segment has.
    pub known: u128,
    pub notes: Vec<NotePlan>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct ElementPlan {
    pub kind: Kind,
    pub min: u32,
    pub max: u32,
    /// How often it may occur; `u32::MAX` = no limit.
    pub repeat: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Code(u16),
    Integer,
    Decimal,
    Date,
    Time,
    Binary,
    Composite(u16),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct NotePlan {
    pub kind: NoteKind,
    pub first: u128,
    pub all: u128,
}

impl Plans {
    pub fn new<'a>(
        segments: &[SegmentDef],
        composites: &[CompositeDef],
        codes: impl Iterator<Item = &'a CodeList>,
    ) -> Self {
        Self {
            segments: segments.iter().map(|s| Plan::new(&s.elements, &s.notes)).collect(),
            composites: composites.iter().map(|c| Plan::new(&c.components, &c.notes)).collect(),
            codes: CodeSets::new(codes),
        }
    }

    /// What the usual path of each segment looks at, index for index.
    pub(super) fn quick(&self) -> Vec<QuickPlan> {
        self.segments.iter().map(|plan| QuickPlan::new(plan, self)).collect()
    }
}

impl Plan {
    fn new(elements: &[ElementDef], notes: &[SyntaxNote]) -> Self {
        let mandatory = elements
            .iter()
            .filter(|e| e.requirement == Requirement::Mandatory)
            .fold(0, |mask, e| mask | bit(e.position));
        let known = elements.iter().fold(0, |mask, e| mask | bit(e.position));
        Self {
            elements: elements.iter().map(ElementPlan::new).collect(),
            mandatory,
            known,
            notes: notes.iter().map(NotePlan::new).collect(),
        }
    }
}

impl ElementPlan {
    fn new(element: &ElementDef) -> Self {
        let repeat = element.repeat.unwrap_or(u32::MAX);
        match element.shape {
            ElementShape::Composite(id) => {
                Self { kind: Kind::Composite(id.0), min: 0, max: u32::MAX, repeat }
            }
            ElementShape::Simple { data_type, min, max, codes } => {
                let kind = match (data_type, codes) {
                    (DataType::An | DataType::Id, Some(list)) => Kind::Code(list.0),
                    (DataType::An | DataType::Id, None) => Kind::Text,
                    (DataType::N(_), _) => Kind::Integer,
                    (DataType::R, _) => Kind::Decimal,
                    (DataType::Dt, _) => Kind::Date,
                    (DataType::Tm, _) => Kind::Time,
                    (DataType::B, _) => Kind::Binary,
                };
                Self { kind, min, max, repeat }
            }
        }
    }
}

impl NotePlan {
    fn new(note: &SyntaxNote) -> Self {
        let all = note.positions.iter().fold(0, |mask, &p| mask | bit(p));
        Self { kind: note.kind, first: note.positions.first().map_or(0, |&p| bit(p)), all }
    }

    /// Whether the elements that are there satisfy the note.
    #[inline]
    pub fn holds(&self, present: u128) -> bool {
        let here = present & self.all;
        match self.kind {
            NoteKind::Paired => here == 0 || here == self.all,
            NoteKind::Required => here != 0,
            NoteKind::Exclusive => here & here.wrapping_sub(1) == 0,
            NoteKind::Conditional => here & self.first == 0 || here == self.all,
            NoteKind::ListConditional => here & self.first == 0 || here != self.first,
        }
    }
}

/// The bit of a position; none beyond what is looked at.
#[inline]
pub(super) fn bit(position: u16) -> u128 {
    if usize::from(position) <= ELEMENTS_MAX { 1 << position } else { 0 }
}
