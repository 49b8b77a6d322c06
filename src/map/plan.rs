//! A map made ready for one grammar: paths are places, fields are numbers, so that reading and writing look
//! nothing up by name.

use std::collections::HashMap;
use std::sync::Arc;

use super::form::Form;
use super::names::Names;
use super::ready::Cell;
use super::shape::{Field, FieldId, Kind, ShapeId, Shapes};
use super::stamp::{Stamp, WIDE};
use super::steps::Steps;
use crate::grammar::NodeId;

/// A map for one set in one release. Made by [`Library`](super::Library).
#[derive(Debug)]
pub struct Map {
    pub(super) set: String,
    pub(super) release: String,
    pub(super) document: String,
    /// What a document's JSON begins with: the field that names its kind.
    pub(super) tag: String,
    pub(super) shapes: Arc<Shapes>,
    pub(super) rest: RestShapes,
    pub(super) blocks: Vec<Block>,
    pub(super) tables: Vec<Table>,
    /// Canonical words: of code tables and constants.
    pub(super) words: Vec<Box<str>>,
    /// The same as JSON has them.
    pub(super) stamps: Vec<Stamp>,
    /// For each node, its parent and its place among the parent's children.
    pub(super) local: Vec<(NodeId, u16)>,
    pub(super) root: BlockId,
    pub(super) levels: Option<Levels>,
    /// Canonical field of each element at each place.
    pub(super) fields: HashMap<(NodeId, u16), String>,
}

impl Map {
    /// The set that it is for: `850`.
    #[must_use]
    pub fn set(&self) -> &str {
        &self.set
    }

    /// The release that it was made ready for: `004010`.
    #[must_use]
    pub fn release(&self) -> &str {
        &self.release
    }

    /// The fields of a shape.
    #[inline]
    pub(super) fn fields_at(&self, shape: ShapeId) -> &[Field] {
        &self.shapes.get(shape).fields
    }

    /// The fields of the objects that a field holds; none where it holds no objects.
    #[inline]
    pub(super) fn fields_of(&self, fields: &[Field], field: FieldId) -> &[Field] {
        match fields.get(usize::from(field)).map(|field| field.kind) {
            Some(Kind::Object(inner)) => self.fields_at(inner),
            _ => &[],
        }
    }

    /// The kind of canonical document that it leads to: `order`.
    #[must_use]
    pub fn document(&self) -> &str {
        &self.document
    }

    /// The canonical field that an element (1-based) at a place goes to: `lines.price`. Where it depends on a
    /// qualifier, that of the most general line.
    #[must_use]
    pub fn field_of(&self, node: NodeId, element: u16) -> Option<&str> {
        self.fields.get(&(node, element)).map(String::as_str)
    }

    /// The levels that a hierarchy may be made of, by name; empty for a set that has none.
    pub fn level_names(&self) -> impl Iterator<Item = &str> {
        self.levels.iter().flat_map(|l| l.plans.iter().map(|p| p.name.as_str()))
    }
}

/// Index into [`Map::blocks`].
pub(super) type BlockId = u16;

/// What becomes of one loop instance, or of one segment.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub shape: ShapeId,
    /// In the order of the map: the order of claims. Group 0 is the loop's opening segment, or the segment itself.
    pub groups: Vec<Group>,
    /// For each child of the loop, in the order of the grammar; empty where the block describes a segment.
    pub places: Vec<PlacePlan>,
    /// Where what is left over goes; absent where the block describes a segment.
    pub rest: Option<FieldId>,
    /// Field to place. `NO_PLACE` for none.
    pub place_of: Vec<u16>,
    /// Places that are written without being asked for.
    pub always: Vec<u16>,
    pub constants: Vec<(FieldId, u32)>,
    /// How it is written.
    pub steps: Steps,
}

impl Block {
    /// The elements of the block's own segment.
    pub(super) fn own(&self) -> Option<&ElementSet> {
        match self.groups.first()?.kind {
            GroupKind::Elements(ref set) => Some(set),
            GroupKind::Object { .. } | GroupKind::Texts { .. } => None,
        }
    }
}

pub(super) const NO_PLACE: u16 = u16::MAX;

/// A child of a loop, and the groups that take from it in order.
#[derive(Debug)]
pub(super) struct PlacePlan {
    pub node: NodeId,
    pub key: String,
    pub groups: Vec<u16>,
    /// Whether they are one, which takes whatever stands there.
    pub alone: bool,
}

/// What claims together: one segment (or, for a list, each of them) or one loop.
#[derive(Debug)]
pub(super) struct Group {
    /// Place among the children of the loop.
    pub local: u16,
    pub selector: Option<Selector>,
    pub label: u16,
    pub kind: GroupKind,
}

#[derive(Debug)]
pub(super) enum GroupKind {
    /// Elements of one segment to fields of the block.
    Elements(ElementSet),
    /// A segment or loop to an object, or each to one of a list.
    Object { field: FieldId, list: bool, block: BlockId, always: bool },
    /// One element of each segment to a list of texts.
    Texts { field: FieldId, set: ElementSet },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Selector {
    pub position: u16,
    pub component: u16,
    pub code: Box<[u8]>,
}

/// Which elements of a segment go where. Index 0 is position 01; what is beyond the end is unread.
#[derive(Debug, Default)]
pub(super) struct ElementSet {
    pub slots: Vec<Slot>,
    /// The same made ready for reading.
    pub ready: Vec<Cell>,
}

#[derive(Debug, Default, Clone)]
pub(super) enum Slot {
    /// No line reads it.
    #[default]
    Unread,
    /// The selector's code: known without reading, written as it is. A line of a section that would read it is
    /// kept, so that a document that says otherwise is noticed.
    Fixed(Box<[u8]>, Option<Scalar>),
    /// Written and checked elsewhere (control numbers, numbers of levels).
    Elsewhere,
    Value(Scalar),
    /// Its components.
    Composite(Vec<Slot>),
    /// First element of a range.
    Range(Range),
    /// Another element of that range.
    InRange,
    /// A count of what is elsewhere.
    Count(Vec<Counted>),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Scalar {
    pub field: FieldId,
    pub form: Form,
}

/// Elements `step` at a time, each time an object.
#[derive(Debug, Clone)]
pub(super) struct Range {
    pub field: FieldId,
    /// How many elements in all.
    pub length: u16,
    /// What each of them is, within a step.
    pub step: Vec<Slot>,
    /// The same made ready for reading.
    pub ready: Vec<Cell>,
}

/// What a count counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// Segments or loops at this child of the set.
    Place(u16),
    /// Rows of the levels.
    Rows,
}

/// X12 codes and canonical words, one to one.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Code, index of the word in [`Map::words`], and the word.
    entries: Vec<(Box<[u8]>, u32, Box<str>)>,
    by_code: Names,
    by_word: Names,
    /// Codes of up to seven bytes as numbers, with their words; 0 where there is none. A power of two of them, at
    /// most a quarter in use.
    short: Vec<(u64, u32)>,
}

impl Table {
    pub(super) fn new(entries: Vec<(Box<[u8]>, u32, Box<str>)>) -> Self {
        let by_code = Names::new(entries.iter().map(|e| e.0.as_ref()));
        let by_word = Names::new(entries.iter().map(|e| e.2.as_bytes()));
        let mut short = vec![(0, 0); (entries.len() * 4 + 1).next_power_of_two()];
        for (code, word, _) in &entries {
            let mut wide = [0; WIDE];
            let head = code.len().min(WIDE);
            wide[..head].copy_from_slice(&code[..head]);
            if let Some(number) = packed(&wide, code.len()) {
                let mut at = start(number, short.len());
                while short[at].0 != 0 && short[at].0 != number {
                    at = (at + 1) % short.len();
                }
                // Of equal codes the first is found.
                if short[at].0 == 0 {
                    short[at] = (number, *word);
                }
            }
        }
        Self { entries, by_code, by_word, short }
    }

    /// The word of a code of up to seven bytes, the first ones of `wide`.
    #[inline]
    pub(super) fn short_word(&self, wide: &[u8; WIDE], length: usize) -> Option<u32> {
        let number = packed(wide, length)?;
        let mut at = start(number, self.short.len());
        loop {
            let &(found, word) = self.short.get(at)?;
            if found == number {
                return Some(word);
            }
            if found == 0 {
                return None;
            }
            at = (at + 1) & (self.short.len() - 1);
        }
    }

    #[inline]
    pub(super) fn word(&self, code: &[u8]) -> Option<u32> {
        let found = self.by_code.find(code, |i| self.entries.get(i).map(|e| e.0.as_ref()));
        found.map(|i| self.entries[i].1)
    }

    #[inline]
    pub(super) fn code(&self, word: &[u8]) -> Option<&[u8]> {
        let found = self.by_word.find(word, |i| self.entries.get(i).map(|e| e.2.as_bytes()));
        found.map(|i| self.entries[i].0.as_ref())
    }
}

/// Up to seven bytes and how many they are, as one number that is not 0.
#[inline]
fn packed(wide: &[u8; WIDE], length: usize) -> Option<u64> {
    let (head, _) = wide.split_first_chunk::<8>()?;
    if !(1..8).contains(&length) {
        return None;
    }
    Some(u64::from_le_bytes(*head) & !(u64::MAX << (8 * length)) | (length as u64) << 56)
}

#[inline]
fn start(number: u64, size: usize) -> usize {
    (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize & (size - 1)
}

/// The fields of `unmapped`, by what they are for.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct RestShapes {
    pub segments: (FieldId, ShapeId),
    pub elements: (FieldId, ShapeId),
    pub as_sent: (FieldId, ShapeId),
    pub order: (FieldId, ShapeId),
    pub absent: FieldId,
    pub unplaced: (FieldId, ShapeId),
    /// Fields of an entry of `segments`.
    pub segment: [FieldId; 4],
    /// Fields of an entry of `inside`.
    pub inside: [FieldId; 2],
    /// Fields of an entry of `elements` and `as_sent`.
    pub partial: [FieldId; 3],
    /// Fields of an entry of `order`.
    pub permutation: [FieldId; 2],
    /// Fields of an entry of `unplaced`.
    pub stray: [FieldId; 4],
}

/// A nested loop: how its levels become entries and rows.
#[derive(Debug)]
pub(super) struct Levels {
    /// The loop, as a child of the set.
    pub local: u16,
    pub node: NodeId,
    /// Positions of number, parent, level and child code in its opening segment.
    pub nested: crate::grammar::Nested,
    pub plans: Vec<LevelPlan>,
    /// The usual hierarchy, as indices into `plans`.
    pub hierarchy: Vec<u16>,
    /// Where levels go that no plan knows: the list's field and block.
    pub other: Option<(FieldId, BlockId)>,
    /// Field of the rows in the document.
    pub rows: FieldId,
    pub row_shape: ShapeId,
    /// Fields that a row takes from its entry where it is in several: row's field, entry's list and field.
    pub split: Vec<String>,
    pub structure: StructureFields,
}

impl Levels {
    /// The fields of rows that refer to entries, and whether they refer to many.
    pub(super) fn references(&self) -> impl Iterator<Item = (FieldId, bool)> {
        let reference = |plan: &LevelPlan| match plan.target {
            Target::List { reference, many, .. } => Some((reference, many)),
            Target::Document | Target::Rows => None,
        };
        let all = self.plans.iter().enumerate();
        all.filter_map(move |(i, plan)| {
            let (field, many) = reference(plan)?;
            let before = self.plans[..i].iter().filter_map(reference);
            (!before.into_iter().any(|known| known.0 == field)).then_some((field, many))
        })
    }
}

#[derive(Debug)]
pub(super) struct LevelPlan {
    pub code: Box<[u8]>,
    pub name: String,
    pub target: Target,
    pub block: BlockId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Document,
    /// An entry of a list of the document; rows refer to it in a field, and entries to others they are within.
    List {
        list: FieldId,
        reference: FieldId,
        many: bool,
        nested: Option<FieldId>,
    },
    Rows,
}

/// The fields of `structure`.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct StructureFields {
    pub field: FieldId,
    pub hierarchy: FieldId,
    pub child_codes: FieldId,
    pub levels: FieldId,
    /// code, entry, within, id, parent, child
    pub level: [FieldId; 6],
}
