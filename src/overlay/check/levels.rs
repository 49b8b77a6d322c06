//! The order of levels that was agreed.

use std::collections::HashMap;

use super::look::Look;
use super::words::{Above, Teller};
use crate::grammar::NodeId;
use crate::overlay::plan::Level;

/// Tells each level that stands where none of its kind was agreed.
pub(super) fn judge(node: NodeId, levels: &[Level], look: &Look<'_>, teller: &mut Teller<'_, '_>) {
    let Some(nested) = look.grammar.node(node).nested else { return };
    // What rank the level of each number has.
    let mut ranks: HashMap<&[u8], Option<usize>> = HashMap::new();
    for instance in look.tree.instances.iter().filter(|i| i.node == node) {
        let index = instance.first as usize;
        let segment = look.segment(index);
        let element = |position: u16| segment.element(usize::from(position)).trim_ascii_end();
        let (id, parent, code) =
            (element(nested.id), element(nested.parent), element(nested.level));
        let rank = levels.iter().position(|l| *l.code == *code);
        let above = ranks.get(parent).copied();
        ranks.insert(id, rank);
        if code.is_empty() {
            continue;
        }
        match (rank, parent.is_empty(), above) {
            (None, ..) => teller.level(index, nested.level, Above::NotAgreed, levels),
            (Some(1..), true, _) => teller.level(index, nested.level, Above::Nothing, levels),
            // The outermost; a parent that is not there, or not agreed itself, is told already.
            (Some(0), true, _) | (Some(_), false, None | Some(None)) => {}
            (Some(rank), false, Some(Some(above))) if above + 1 == rank => {}
            (Some(_), false, Some(Some(above))) => {
                teller.level(index, nested.level, Above::Level(&levels[above]), levels);
            }
        }
    }
}
