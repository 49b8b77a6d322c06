//! Counters of what stands where.

use std::collections::BTreeMap;

use super::paths::Code;
use super::values::Element;
use crate::grammar::NodeId;

/// What stands in a scope: a segment or a loop, and the code that tells it from others there; `None`: all of them.
pub(super) type PartKey = (NodeId, Option<Code>);

/// The instances of a loop in which something may stand: `N1[ST]`, `PO1/N1[ST]`. The first is the set itself.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// The scope around it.
    pub parent: usize,
    pub node: NodeId,
    pub qualifier: Option<Code>,
    /// How many loops stand around what is in it; 0 = the set.
    pub depth: usize,
    pub instances: u64,
    /// In which there is one.
    pub documents: u64,
    /// The same, by the choices of the documents.
    pub with: Counts,
    pub parts: BTreeMap<PartKey, Part>,
}

impl Scope {
    pub fn new(parent: usize, node: NodeId, qualifier: Option<Code>, depth: usize) -> Self {
        Self {
            parent,
            node,
            qualifier,
            depth,
            instances: 0,
            documents: 0,
            with: Counts::default(),
            parts: BTreeMap::new(),
        }
    }
}

/// What may stand in a scope.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    /// Instances of the scope that have it.
    pub instances: u64,
    /// Documents in which an instance has it.
    pub documents: u64,
    /// Documents in which every instance has it.
    pub whole: u64,
    /// How often it stands there in all.
    pub occurrences: u64,
    /// Most in one instance.
    pub most: u64,
    /// `whole` and `documents` by the choices of the documents.
    pub whole_with: Counts,
    pub any_with: Counts,
    /// Index 0 is position 01.
    pub elements: Vec<Element>,
    /// Of pairs of qualifier and value: segments that have a value behind the qualifier.
    pub pairs: BTreeMap<Code, u64>,
}

/// Counters by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts(Vec<u64>);

impl Counts {
    pub fn add(&mut self, at: usize) {
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        self.0[at] += 1;
    }

    pub fn get(&self, at: usize) -> u64 {
        self.0.get(at).copied().unwrap_or(0)
    }
}
