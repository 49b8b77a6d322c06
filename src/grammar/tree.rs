//! Where each segment of a set belongs: the result of a walk, flat and reusable.

use super::{Grammar, NodeId};
use crate::x12::Segments;

/// One occurrence of a loop. The set itself is instance 0 ([`NodeId::ROOT`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopInstance {
    /// The loop's place in the grammar.
    pub node: NodeId,
    /// Index of the instance that it stands in; the root's is 0.
    pub parent: u32,
    /// Index of its first segment (its opening segment).
    pub first: u32,
    /// One past its last segment, those of loops inside it counted.
    pub end: u32,
}

/// Where one segment was placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Its place in the grammar (a segment node); [`NodeId::NONE`] where the walk found none.
    pub node: NodeId,
    /// Index of the loop instance that it stands in. An opening segment stands in the instance that it opens.
    pub instance: u32,
}

/// The walk of one set. Index i of `segments` is segment i of the set. Reused from set to set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// Loop instances in the order of their opening; parents before children.
    pub instances: Vec<LoopInstance>,
    /// One entry for each segment.
    pub segments: Vec<Placed>,
}

/// A set with its grammar and its walk: what a map reads from.
#[derive(Debug, Clone, Copy)]
pub struct Walked<'a> {
    /// The segments, ST and SE among them.
    pub segments: Segments<'a>,
    /// Where they belong.
    pub tree: &'a Tree,
    /// What they were walked against.
    pub grammar: &'a Grammar,
}
