//! The order of the levels of a nested loop.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::paths::code;
use crate::grammar::{ElementShape, Grammar, Nested, NodeId, Walked};

/// Different orders that are kept.
const ORDERS_MAX: usize = 16;
/// Levels of an order; a `hierarchy` has no more.
const LEVELS_MAX: usize = 16;

/// In how many documents the levels stood in which order, from the outermost.
#[derive(Debug, Clone, Default)]
pub(super) struct Levels {
    pub orders: BTreeMap<Vec<String>, u64>,
    /// Documents in which they stand in no single order, or in one that is not kept.
    pub mixed: u64,
}

impl Levels {
    pub fn take(&mut self, walked: &Walked<'_>) {
        let nested = walked
            .grammar
            .nodes
            .iter()
            .zip(0_u16..)
            .find_map(|(n, at)| n.nested.map(|nested| (NodeId(at), nested)));
        let Some((node, nested)) = nested else { return };
        if !walked.tree.instances.iter().any(|i| i.node == node) {
            return;
        }
        match order(walked, node, nested) {
            Some(order) if self.orders.len() < ORDERS_MAX || self.orders.contains_key(&order) => {
                *self.orders.entry(order).or_default() += 1;
            }
            _ => self.mixed += 1,
        }
    }

    /// All documents with levels.
    pub fn documents(&self) -> u64 {
        self.mixed + self.orders.values().sum::<u64>()
    }

    /// The order that all documents keep to: the longest one, of which the others are the beginning.
    pub fn common(&self) -> Option<&[String]> {
        let longest = self.orders.keys().max_by_key(|order| order.len())?;
        let kept = self.orders.keys().all(|order| longest.starts_with(order));
        (kept && self.mixed == 0).then_some(longest)
    }
}

/// The single order in which the levels of a document stand.
fn order(walked: &Walked<'_>, node: NodeId, nested: Nested) -> Option<Vec<String>> {
    let mut kinds: HashMap<&[u8], &str> = HashMap::new();
    let mut below: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for instance in walked.tree.instances.iter().filter(|i| i.node == node) {
        let segment = walked.segments.get(instance.first as usize)?;
        let element = |at: u16| segment.element(usize::from(at)).trim_ascii_end();
        let kind = code(element(nested.level))?;
        let parent = element(nested.parent);
        let above = if parent.is_empty() { "" } else { *kinds.get(parent)? };
        below.entry(above).or_default().insert(kind);
        kinds.insert(element(nested.id), kind);
    }
    let mut order: Vec<String> = Vec::new();
    let mut at = "";
    while let Some(next) = below.remove(at) {
        let mut next = next.into_iter();
        let only = next.next().filter(|_| next.next().is_none())?;
        if order.iter().any(|level| level == only) || order.len() >= LEVELS_MAX {
            return None;
        }
        order.push(only.to_owned());
        at = only;
    }
    below.is_empty().then_some(order)
}

/// The word by which a `hierarchy` names a level; its code, where the list has no word for it or one for several.
/// `None` where no rule can name it.
pub(super) fn name(grammar: &Grammar, level: &str) -> Option<String> {
    let node = grammar.nodes.iter().find(|n| n.nested.is_some())?;
    let position = usize::from(node.nested?.level);
    let segment = &grammar.segments[usize::from(node.segment.0)];
    let ElementShape::Simple { codes: Some(list), .. } = segment.elements.get(position - 1)?.shape
    else {
        return None;
    };
    let list = grammar.code_list(list);
    let word = |meaning: &Option<String>| {
        meaning.as_deref().and_then(|m| m.split_whitespace().next()).map(str::to_lowercase)
    };
    let own = word(list.codes.get(level.as_bytes())?)?;
    let plain = own.chars().all(|c| c.is_ascii_lowercase());
    let alone = list.codes.values().filter(|m| word(m).as_ref() == Some(&own)).count() == 1;
    Some(if plain && alone { own } else { level.to_owned() })
}
