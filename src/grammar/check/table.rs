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

use crate::grammar::{Grammar, NodeId, NodeKind, Requirement};
use crate::x12::Tag;

/// Where a tag leads from a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move {
    /// The place of the segment.
    pub target: NodeId,
    /// How many loops end before it.
    pub closes: u8,
    /// Whether it opens a loop (that of `target`'s parent).
    pub opens: bool,
    /// The same place once more.
    pub again: bool,
    /// Mandatory places passed over: a range of `Table::missing`.
    pub missing: (u32, u32),
}

/// What is known of a place while walking.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub max_use: u32,
    pub segment: u16,
    pub parent: NodeId,
}

/// All moves of a set.
#[derive(Debug, Clone)]
pub(super) struct Table {
    tags: Vec<(Tag, u16)>,
    /// Number of distinct tags; the width of a row.
    width: usize,
    /// By place and tag: index into `moves`, or `NO_MOVE`.
    rows: Vec<u32>,
    moves: Vec<Move>,
    missing: Vec<NodeId>,
    pub places: Vec<Place>,
    /// For each loop node: the loops directly inside it.
    pub inner_loops: Vec<Vec<NodeId>>,
    /// The place of ST, where every walk begins.
    pub start: NodeId,
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
        let places = grammar.nodes.iter().map(|n| Place {
            max_use: n.max_use.unwrap_or(u32::MAX),
            segment: n.segment.0,
            parent: n.parent,
        });
        let mut table = Self {
            tags: tag_slots(&numbers),
            width: numbers.len(),
            rows: vec![NO_MOVE; grammar.nodes.len() * numbers.len()],
            moves: Vec::new(),
            missing: Vec::new(),
            places: places.collect(),
            inner_loops: grammar
                .nodes
                .iter()
                .map(|n| {
                    n.children
                        .iter()
                        .copied()
                        .filter(|&c| grammar.node(c).kind == NodeKind::Loop)
                        .collect()
                })
                .collect(),
            start: grammar.node(NodeId::ROOT).children.first().copied().unwrap_or(NodeId::ROOT),
        };
        for (at, node) in grammar.nodes.iter().enumerate() {
            if node.kind == NodeKind::Segment {
                table.fill_row(grammar, NodeId(u16::try_from(at).unwrap_or(u16::MAX)), &numbers);
            }
        }
        table
    }

    /// The number of a tag; `None` where the set has no such segment.
    #[inline]
    pub fn number(&self, tag: Tag) -> Option<u16> {
        let mask = self.tags.len() - 1;
        let mut at = slot(tag) & mask;
        loop {
            let (found, number) = self.tags[at];
            // Half of the slots are empty at least, so that this ends.
            if found == Tag::OTHER {
                return None;
            }
            if found == tag {
                return Some(number);
            }
            at = (at + 1) & mask;
        }
    }

    /// Where a tag leads from a place.
    #[inline]
    pub fn step(&self, from: NodeId, tag: u16) -> Option<&Move> {
        let index = *self.rows.get(from.index() * self.width + usize::from(tag))?;
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
            self.put(from, numbers[&tag_of(from)], from, 0, false, &passed);
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
                self.put(from, numbers[&tag_of(target)], target, closes, opens, &passed);
                if node.requirement == Requirement::Mandatory {
                    passed.push(place);
                }
            }
            if around == NodeId::ROOT {
                return;
            }
            closes = closes.saturating_add(1);
            let first = grammar.node(around).children[0];
            self.put(from, numbers[&tag_of(first)], first, closes, true, &passed);
            current = around;
        }
    }

    fn put(
        &mut self,
        from: NodeId,
        tag: u16,
        target: NodeId,
        closes: u8,
        opens: bool,
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
        let missing = (range(begin), range(self.missing.len()));
        self.moves.push(Move { target, closes, opens, again: target == from, missing });
    }
}

/// A table of tags with at least half of its slots empty.
fn tag_slots(numbers: &HashMap<Tag, u16>) -> Vec<(Tag, u16)> {
    let size = (numbers.len() * 4).next_power_of_two().max(4);
    let mut slots = vec![(Tag::OTHER, 0); size];
    for (&tag, &number) in numbers {
        let mut at = slot(tag) & (size - 1);
        while slots[at].0 != Tag::OTHER {
            at = (at + 1) & (size - 1);
        }
        slots[at] = (tag, number);
    }
    slots
}

#[inline]
fn slot(tag: Tag) -> usize {
    let mixed = tag.get().wrapping_mul(0x9E37_79B1);
    (mixed >> 16) as usize
}
