//! What a grammar says, as data: the tree of places of a transaction set, and the dictionary of segments,
//! elements, composites and code lists that it refers to.
//!
//! Everything is addressed by small numbers into flat vectors, so that walking and checking touch no strings.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::check::Plans;
use crate::x12::Tag;

/// Index into [`Grammar::nodes`]. Node 0 is the set itself, a loop that is there once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u16);

impl NodeId {
    /// The set itself.
    pub const ROOT: Self = Self(0);
    /// No place in the grammar: a segment that the walk could not place.
    pub const NONE: Self = Self(u16::MAX);

    /// As an index into [`Grammar::nodes`].
    #[must_use]
    #[inline]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The file and line (1-based) that a rule was read from; what a finding names as its source.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleLine {
    /// Path of the file as it was given to the loader, for instance `004010/850.grammar`.
    pub file: Arc<str>,
    /// 1-based line.
    pub line: u32,
}

/// Whether something must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// `M`
    Mandatory,
    /// `O`
    Optional,
    /// `X`: as the syntax notes of the segment say.
    Conditional,
}

/// The three areas of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// Before the lines.
    Heading,
    /// The lines.
    Detail,
    /// After the lines.
    Summary,
}

/// The elements that make the instances of a loop into a tree (`nested 01 02 03 04`), as positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nested {
    /// The instance's own number (HL01).
    pub id: u16,
    /// The number of its parent (HL02).
    pub parent: u16,
    /// What level it is (HL03).
    pub level: u16,
    /// Whether it has children (HL04).
    pub child: u16,
}

/// What stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// A segment.
    Segment,
    /// A loop; its first child node is its opening segment.
    Loop,
}

/// One place of a set: a segment or a loop.
#[derive(Debug, Clone)]
pub struct Node {
    /// Segment or loop.
    pub kind: NodeKind,
    /// Name within the parent: `REF`, or `REF#2` for the second place of that name in the same loop.
    pub key: String,
    /// Path of loops from the outermost, ending in this node's key: `PO1/SLN/PID`. Empty for the root.
    pub path: String,
    /// The segment that stands here; for a loop, its opening segment. The root's is that of ST.
    pub segment: SegmentId,
    /// The loop that this stands in. The root is its own parent.
    pub parent: NodeId,
    /// Children in order; empty for a segment.
    pub children: Vec<NodeId>,
    /// Whether it must be there (for an opening segment: `M`; its loop has its own).
    pub requirement: Requirement,
    /// How often it may stand there, `None` = no limit.
    pub max_use: Option<u32>,
    /// Area of the set.
    pub area: Area,
    /// Title at this place (of the segment, where the place gives none).
    pub title: String,
    /// For a loop whose instances form a tree.
    pub nested: Option<Nested>,
    /// Where this is written.
    pub rule: RuleLine,
}

/// Index into [`Grammar::segments`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentId(pub u16);

/// Index into [`Grammar::composites`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CompositeId(pub u16);

/// Index into [`Grammar::codes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CodeListId(pub u16);

/// The data types of X12.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    /// Text.
    An,
    /// A code.
    Id,
    /// A date: YYMMDD or CCYYMMDD.
    Dt,
    /// A time: HHMM, HHMMSS, HHMMSSD or HHMMSSDD.
    Tm,
    /// A decimal number with an explicit point.
    R,
    /// A number with so many implied decimals.
    N(u8),
    /// Binary.
    B,
}

/// What an element is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementShape {
    /// One value.
    Simple {
        /// Its type.
        data_type: DataType,
        /// Least length; of numbers, without sign and decimal point.
        min: u32,
        /// Greatest length, likewise.
        max: u32,
        /// The list that its code must be in.
        codes: Option<CodeListId>,
    },
    /// Several components.
    Composite(CompositeId),
}

/// An element of a segment, or a component of a composite.
#[derive(Debug, Clone)]
pub struct ElementDef {
    /// 1-based position.
    pub position: u16,
    /// Element number (`330`) or composite (`C001`).
    pub id: String,
    /// Whether it must be there.
    pub requirement: Requirement,
    /// Value or composite.
    pub shape: ElementShape,
    /// How often it may be repeated (1 = not at all; `None` = no limit).
    pub repeat: Option<u32>,
    /// Title in our words.
    pub title: String,
    /// Where this is written.
    pub rule: RuleLine,
}

/// The five relations between elements of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    /// `P`: all or none.
    Paired,
    /// `R`: at least one.
    Required,
    /// `E`: at most one.
    Exclusive,
    /// `C`: if the first, then all the others.
    Conditional,
    /// `L`: if the first, then at least one of the others.
    ListConditional,
}

/// A syntax note.
#[derive(Debug, Clone)]
pub struct SyntaxNote {
    /// Which relation.
    pub kind: NoteKind,
    /// The positions that it relates, in order; at least two.
    pub positions: Vec<u16>,
    /// Where this is written.
    pub rule: RuleLine,
}

/// A segment of the dictionary.
#[derive(Debug, Clone)]
pub struct SegmentDef {
    /// Its tag.
    pub tag: Tag,
    /// Title in our words.
    pub title: String,
    /// Elements: index 0 is position 01. Positions are contiguous from 01.
    pub elements: Vec<ElementDef>,
    /// Syntax notes.
    pub notes: Vec<SyntaxNote>,
    /// Where this is written.
    pub rule: RuleLine,
}

/// A composite of the dictionary.
#[derive(Debug, Clone)]
pub struct CompositeDef {
    /// Its name, `C001`.
    pub id: String,
    /// Title in our words.
    pub title: String,
    /// Components: index 0 is component 1.
    pub components: Vec<ElementDef>,
    /// Syntax notes.
    pub notes: Vec<SyntaxNote>,
    /// Where this is written.
    pub rule: RuleLine,
}

/// A code list.
#[derive(Debug, Clone)]
pub struct CodeList {
    /// Its name, the element number (`355`).
    pub id: String,
    /// Title in our words.
    pub title: String,
    /// Codes with what they mean (`None`: valid, without words of ours).
    pub codes: HashMap<Box<[u8]>, Option<String>>,
    /// Where this is written.
    pub rule: RuleLine,
}

/// One transaction set in one release: its places and the part of the dictionary that it uses.
#[derive(Debug, Clone)]
pub struct Grammar {
    /// `850`
    pub set: String,
    /// Title in our words.
    pub title: String,
    /// GS01: `PO`.
    pub group: String,
    /// `004010`
    pub release: String,
    /// Places; 0 is the set itself. Children come after their parent, in the order of the file.
    pub nodes: Vec<Node>,
    /// Segments that the places use, ST and SE among them.
    pub segments: Vec<SegmentDef>,
    /// Composites that the segments use.
    pub composites: Vec<CompositeDef>,
    /// Code lists that the elements use; shared by the sets of a release.
    pub codes: Vec<Arc<CodeList>>,
    /// Where `set` is written.
    pub rule: RuleLine,
    /// Tags of the release's whole dictionary: tells an unknown segment from one that this set does not have.
    pub known_tags: Vec<Tag>,
    /// Its segments as the check looks at them, worked out when they are first needed.
    pub(super) plans: OnceLock<Arc<Plans>>,
}

impl Grammar {
    /// Its segments as the check looks at them.
    pub(super) fn plans(&self) -> &Arc<Plans> {
        self.plans.get_or_init(|| {
            let codes = self.codes.iter().map(Arc::as_ref);
            Arc::new(Plans::new(&self.segments, &self.composites, codes))
        })
    }

    /// The node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The segment that stands at a node.
    #[must_use]
    pub fn segment_at(&self, id: NodeId) -> &SegmentDef {
        &self.segments[usize::from(self.node(id).segment.0)]
    }

    /// The composite.
    #[must_use]
    pub fn composite(&self, id: CompositeId) -> &CompositeDef {
        &self.composites[usize::from(id.0)]
    }

    /// The code list.
    #[must_use]
    pub fn code_list(&self, id: CodeListId) -> &CodeList {
        &self.codes[usize::from(id.0)]
    }

    /// The child of `parent` with this key (`REF`, `N1`, `REF#2`). A loop and its opening segment share a name;
    /// this finds the loop where `parent` is not that loop itself, the segment where it is.
    #[must_use]
    pub fn child(&self, parent: NodeId, key: &str) -> Option<NodeId> {
        self.node(parent).children.iter().copied().find(|&c| self.node(c).key == key)
    }
}
