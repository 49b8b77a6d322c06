//! The walk of a set, worked out beforehand: from each place, where each tag leads.
//!
//! In pseudo-code, after a segment at place P of loop L, tag T leads to the first of
//!
//! ```text
//! P itself, again
//! the places after P in L, in order: a segment T, or a loop that T opens
//! L again, where T opens it
//! the same in the loop around L, after L; and so on outwards
//! ```
//!
//! and every mandatory place that is passed over on the way is missing.

use std::collections::HashMap;

use crate::grammar::{Grammar, Nested, NodeId, NodeKind, Requirement, SegmentId};
use crate::x12::Tag;

/// Where a tag leads from a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move {
    /// The place of the segment.
    pub target: NodeId,
    /// Its row of moves.
    pub row: Row,
    /// The plan of the segment there, among those of the set.
    pub plan: u16,
    /// How often it may come there in a row.
    pub max_use: u32,
    /// All ones for the same place once more, in the same loop; else 0.
    pub again: u32,
    /// Whether it stays in its loop and passes over nothing mandatory.
    pub stays: bool,
    /// Whether it opens a loop, the one around `target`.
    pub opens: bool,
    /// How many loops end before it.
    pub closes: u8,
    /// The loop around the target.
    pub parent: NodeId,
    /// Mandatory places passed over: a range of `Table::missing`.
    pub missing: (u32, u32),
}

/// The row of moves of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row(u32);

/// What is known of a loop while walking.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub max_use: u32,
    /// For a loop whose instances form a tree.
    pub nested: Option<Nested>,
}

/// All moves of a set.
#[derive(Debug, Clone)]
pub(super) struct Table {
    tags: Tags,
    /// Number of distinct tags; the width of a row.
    width: usize,
    /// By place and tag: index into `moves`, or `NO_MOVE`.
    rows: Vec<u32>,
    moves: Vec<Move>,
    missing: Vec<NodeId>,
    pub places: Vec<Place>,
    /// The place of ST, where every walk begins.
    pub start: NodeId,
    /// The plan of the segment there.
    pub start_plan: u16,
    /// The tag of that place.
    pub start_tag: Option<Tag>,
    /// The segment whose loop has instances that form a tree, where there is one.
    pub nested: Option<(SegmentId, Nested)>,
}

const NO_MOVE: u32 = u32::MAX;

impl Table {
    pub fn new(grammar: &Grammar) -> Self {
        let mut numbers: HashMap<Tag, u16> = HashMap::new();
        for node in grammar.nodes.iter().filter(|n| n.kind == NodeKind::Segment) {
            let tag = grammar.segments[usize::from(node.segment.0)].tag;
            let next = u16::try_from(numbers.len()).unwrap_or(u16::MAX);
            numbers.entry(tag).or_insert(next);
        }
        let places = grammar
            .nodes
            .iter()
            .map(|n| Place { max_use: n.max_use.unwrap_or(u32::MAX), nested: n.nested });
        let start = grammar.node(NodeId::ROOT).children.first().copied().unwrap_or(NodeId::ROOT);
        let mut table = Self {
            tags: Tags::new(&numbers),
            width: numbers.len(),
            rows: vec![NO_MOVE; grammar.nodes.len() * numbers.len()],
            moves: Vec::new(),
            missing: Vec::new(),
            places: places.collect(),
            start,
            start_plan: grammar.node(start).segment.0,
            start_tag: grammar
                .segments
                .get(usize::from(grammar.node(start).segment.0))
                .map(|segment| segment.tag),
            nested: grammar.nodes.iter().find_map(|n| n.nested.map(|nested| (n.segment, nested))),
        };
        for (at, node) in grammar.nodes.iter().enumerate() {
            if node.kind == NodeKind::Segment {
                table.fill_row(grammar, NodeId(u16::try_from(at).unwrap_or(u16::MAX)), &numbers);
            }
        }
        table
    }

    /// Whether the set has a segment with this tag.
    pub fn knows(&self, tag: Tag) -> bool {
        self.tags.number(tag).is_some()
    }

    /// The row of a place.
    pub fn row(&self, from: NodeId) -> Row {
        Row(u32::try_from(from.index() * self.width).unwrap_or(u32::MAX))
    }

    /// Where a tag leads from the place of a row.
    #[inline]
    pub fn step(&self, from: Row, tag: Tag) -> Option<&Move> {
        let number = self.tags.number(tag)?;
        let index = *self.rows.get(from.0 as usize + usize::from(number))?;
        self.moves.get(index as usize)
    }

    /// The places that a move passes over.
    pub fn missing(&self, found: &Move) -> &[NodeId] {
        self.missing.get(found.missing.0 as usize..found.missing.1 as usize).unwrap_or_default()
    }

    fn fill_row(&mut self, grammar: &Grammar, from: NodeId, numbers: &HashMap<Tag, u16>) {
        let tag_of = |node: NodeId| grammar.segment_at(node).tag;
        let mut passed: Vec<NodeId> = Vec::new();
        let opening = |node: NodeId| {
            grammar.node(grammar.node(node).parent).children.first() == Some(&node)
                && grammar.node(node).parent != NodeId::ROOT
        };
        if !opening(from) {
            self.put(grammar, from, numbers[&tag_of(from)], (from, 0, false), &passed);
        }
        let mut current = from;
        let mut closes = 0u8;
        loop {
            let around = grammar.node(current).parent;
            let siblings = &grammar.node(around).children;
            let after =
                siblings.iter().position(|&c| c == current).map_or(siblings.len(), |at| at + 1);
            for &place in &siblings[after..] {
                let node = grammar.node(place);
                let (target, opens) = match node.kind {
                    NodeKind::Segment => (place, false),
                    NodeKind::Loop => (node.children[0], true),
                };
                let tag = numbers[&tag_of(target)];
                self.put(grammar, from, tag, (target, closes, opens), &passed);
                if node.requirement == Requirement::Mandatory {
                    passed.push(place);
                }
            }
            if around == NodeId::ROOT {
                return;
            }
            closes = closes.saturating_add(1);
            let first = grammar.node(around).children[0];
            self.put(grammar, from, numbers[&tag_of(first)], (first, closes, true), &passed);
            current = around;
        }
    }

    /// Notes where a tag leads; what was noted first counts.
    fn put(
        &mut self,
        grammar: &Grammar,
        from: NodeId,
        tag: u16,
        (target, closes, opens): (NodeId, u8, bool),
        passed: &[NodeId],
    ) {
        let cell = from.index() * self.width + usize::from(tag);
        if self.rows[cell] != NO_MOVE {
            return;
        }
        let begin = self.missing.len();
        self.missing.extend_from_slice(passed);
        let range = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.rows[cell] = range(self.moves.len());
        let node = grammar.node(target);
        self.moves.push(Move {
            target,
            row: self.row(target),
            plan: node.segment.0,
            max_use: node.max_use.unwrap_or(u32::MAX),
            again: if target == from && !opens { u32::MAX } else { 0 },
            stays: !opens && closes == 0 && passed.is_empty(),
            opens,
            closes,
            parent: node.parent,
            missing: (range(begin), range(self.missing.len())),
        });
    }
}

/// The numbers of tags, as a table in which each tag has a slot of its own.
#[derive(Debug, Clone)]
struct Tags {
    slots: Vec<(Tag, u16)>,
    multiplier: u32,
    shift: u32,
}

impl Tags {
    /// Tries multipliers until no two tags meet, in tables that grow. A few tries are enough for the 60 to 100 tags
    /// of a set; the bound is for tags that never part, which there are not.
    fn new(numbers: &HashMap<Tag, u16>) -> Self {
        let bits = (numbers.len() * 8).next_power_of_two().trailing_zeros().max(2);
        let mut tags = Self { slots: Vec::new(), multiplier: 0x9E37_79B1, shift: 32 - bits };
        for attempt in 1..=1024 {
            if tags.fill(numbers) {
                return tags;
            }
            tags.multiplier = tags.multiplier.wrapping_mul(0x0019_660D) | 1;
            if attempt % 64 == 0 {
                tags.shift = tags.shift.saturating_sub(1).max(12);
            }
        }
        tags
    }

    /// Gives each tag its slot; `false` where two have the same one.
    fn fill(&mut self, numbers: &HashMap<Tag, u16>) -> bool {
        self.slots.clear();
        self.slots.resize(1 << (32 - self.shift), (Tag::OTHER, u16::MAX));
        let mut apart = true;
        for (&tag, &number) in numbers {
            let slot = self.slot(tag);
            apart &= self.slots[slot].0 == Tag::OTHER;
            self.slots[slot] = (tag, number);
        }
        apart
    }

    /// The number of a tag, where the set has it.
    #[inline]
    fn number(&self, tag: Tag) -> Option<u16> {
        let &(found, number) = self.slots.get(self.slot(tag))?;
        (found == tag && tag != Tag::OTHER).then_some(number)
    }

    #[inline]
    fn slot(&self, tag: Tag) -> usize {
        (tag.get().wrapping_mul(self.multiplier) >> self.shift) as usize
    }
}
