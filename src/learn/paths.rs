//! How places are named in the overlay language, and which of them are told apart by a code.

use crate::grammar::{
    ElementDef, ElementShape, Grammar, Node, NodeId, NodeKind, Requirement, SegmentDef,
};

use crate::overlay::Overlay;

/// A code that a path can name.
pub(super) type Code = Box<str>;

/// Longest code of a path.
const CODE_BYTES_MAX: usize = 30;

/// The position whose code tells the segments or loops of a place apart: 01 where it has a list of codes and the
/// place can come several times; in a nested loop the kind of level.
pub(super) fn qualifier_position(grammar: &Grammar, node: NodeId) -> Option<u16> {
    let place = grammar.node(node);
    if let Some(nested) = place.nested {
        return Some(nested.level);
    }
    if place.max_use == Some(1) {
        return None;
    }
    let segment = &grammar.segments[usize::from(place.segment.0)];
    segment.elements.first().filter(|e| has_codes(e)).map(|_| 1)
}

/// Whether a value stands in a list of codes.
pub(super) fn has_codes(element: &ElementDef) -> bool {
    matches!(element.shape, ElementShape::Simple { codes: Some(_), .. })
}

/// A value as a code of a path or rule; `None` where the language could not say it.
pub(super) fn code(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value.trim_ascii_end()).ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_';
    let fits = (1..=CODE_BYTES_MAX).contains(&text.len()) && text.chars().all(plain);
    fits.then_some(text)
}

/// A value as a code behind `codes`, or of a condition.
pub(super) fn said_code(value: &[u8]) -> Option<&str> {
    code(value).filter(|text| Overlay::takes_code(text))
}

/// `N1[ST]`, `REF`
pub(super) fn step(node: &Node, qualifier: Option<&str>) -> String {
    match qualifier {
        Some(code) => format!("{}[{code}]", node.key),
        None => node.key.clone(),
    }
}

/// `N1[ST]/REF`: a step behind a path, which may be empty.
pub(super) fn join(path: &str, step: &str) -> String {
    if path.is_empty() { step.to_owned() } else { format!("{path}/{step}") }
}

/// Whether a segment opens the loop that it stands in.
pub(super) fn opens(grammar: &Grammar, node: NodeId) -> bool {
    let parent = grammar.node(node).parent;
    parent != NodeId::ROOT
        && grammar.node(node).kind == NodeKind::Segment
        && grammar.node(parent).children.first() == Some(&node)
}

/// The path of an element of whatever stands at a place of the grammar, no qualifiers on the way.
pub(super) fn bare(grammar: &Grammar, node: NodeId, position: u16, component: u16) -> String {
    let place = grammar.node(node);
    let mut path = if opens(grammar, node) {
        let tag = grammar.segment_at(node).tag;
        format!("{}/{tag}{position:02}", grammar.node(place.parent).path)
    } else {
        format!("{}/{position:02}", place.path)
    };
    if component > 0 {
        path = format!("{path}.{component}");
    }
    path
}

/// The pairs of qualifier and value that a segment has: positions of the first qualifier and the last value.
pub(super) fn pairs(segment: &SegmentDef) -> Option<(u16, u16)> {
    let elements = &segment.elements;
    let same = |a: usize, b: usize| match (elements.get(a), elements.get(b)) {
        (Some(a), Some(b)) => a.id == b.id,
        _ => false,
    };
    let first = (0..elements.len()).find(|&at| {
        has_codes(&elements[at]) && same(at, at + 2) && same(at + 1, at + 3) && !same(at, at + 1)
    })?;
    let mut last = first + 1;
    while same(first, last + 1) && same(first + 1, last + 2) {
        last += 2;
    }
    Some((u16::try_from(first + 1).ok()?, u16::try_from(last + 1).ok()?))
}

/// Whether the grammar has it mandatory.
pub(super) fn is_mandatory(requirement: Requirement) -> bool {
    requirement == Requirement::Mandatory
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::Library;

    #[test]
    fn places_are_told_apart_by_their_codes() {
        let library = Library::embedded();
        let grammar = library.grammar("850", "004010").unwrap();
        let at = |key| grammar.child(NodeId::ROOT, key).unwrap();
        assert_eq!(qualifier_position(grammar, at("REF")), Some(1));
        assert_eq!(qualifier_position(grammar, at("N1")), Some(1));
        assert_eq!(qualifier_position(grammar, at("BEG")), None);
        assert_eq!(qualifier_position(grammar, at("PO1")), None);
        let shipment = library.grammar("856", "004010").unwrap();
        let level = shipment.child(NodeId::ROOT, "HL").unwrap();
        assert_eq!(qualifier_position(shipment, level), Some(3));
        let line = at("PO1");
        let opening = grammar.node(line).children[0];
        assert_eq!(pairs(grammar.segment_at(opening)), Some((6, 25)));
        assert_eq!(pairs(grammar.segment_at(at("BEG"))), None);
        assert!(opens(grammar, opening));
        assert_eq!(bare(grammar, opening, 3, 0), "PO1/PO103");
        assert_eq!(bare(grammar, at("REF"), 1, 0), "REF/01");
        assert_eq!((code(b"DP "), code(b"A B"), code(b"")), (Some("DP"), None, None));
    }
}
