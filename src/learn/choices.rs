//! Codes that a document has once, in its heading: kinds of orders, purposes. What else is in it may depend on them.

use super::paths::{has_codes, said_code};
use crate::grammar::{Grammar, NodeId, Walked};

/// Codes that are kept: a handful of elements with a handful of codes each.
const CHOICES_MAX: usize = 40;

/// A code of a document: `BEG02 = DS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub node: NodeId,
    pub position: u16,
    pub code: Box<str>,
    pub documents: u64,
}

/// All codes that were met.
#[derive(Debug, Clone, Default)]
pub(super) struct Choices {
    pub met: Vec<Choice>,
    /// Whether there were more.
    pub more: bool,
}

impl Choices {
    /// The codes of a document, by number.
    pub fn of(&mut self, walked: &Walked<'_>) -> Vec<usize> {
        let grammar = walked.grammar;
        let mut found = Vec::new();
        for (segment, placed) in walked.segments.iter().zip(&walked.tree.segments).skip(1) {
            if placed.instance != 0
                || placed.node == NodeId::NONE
                || !is_single(grammar, placed.node)
            {
                continue;
            }
            for element in &grammar.segment_at(placed.node).elements {
                let value = said_code(segment.element(usize::from(element.position)));
                if let Some(value) = value.filter(|_| has_codes(element)) {
                    found.extend(self.number(placed.node, element.position, value));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        for &at in &found {
            self.met[at].documents += 1;
        }
        found
    }

    fn number(&mut self, node: NodeId, position: u16, code: &str) -> Option<usize> {
        let same = |c: &Choice| c.node == node && c.position == position && *c.code == *code;
        if let Some(at) = self.met.iter().position(same) {
            return Some(at);
        }
        if self.met.len() >= CHOICES_MAX {
            self.more = true;
            return None;
        }
        self.met.push(Choice { node, position, code: code.into(), documents: 0 });
        Some(self.met.len() - 1)
    }
}

fn is_single(grammar: &Grammar, node: NodeId) -> bool {
    grammar.node(node).max_use == Some(1)
}
