//! What is agreed of the ends of segments and values that we write: separators of empty elements, and blanks.

use crate::grammar::{DataType, ElementDef, ElementShape, Grammar, SegmentDef};
use crate::x12::Style;

/// How the ends are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Whether the separators of all elements that the grammar gives a segment are written.
    pub fill: bool,
    /// Whether blanks at the end of a value are dropped, down to its least length.
    pub trim: bool,
}

/// Writes the ends of a set's segments as agreed. It is a set that was written in this style: ST to SE.
#[must_use]
pub fn tidy(set: &[u8], grammar: &Grammar, style: &Style, ends: Ends) -> Vec<u8> {
    let d = style.delimiters;
    let mut out = Vec::with_capacity(set.len() + set.len() / 8);
    for raw in set.split_inclusive(|&b| b == d.segment) {
        let Some(segment) = raw.strip_suffix(&[d.segment]) else {
            out.extend_from_slice(raw);
            continue;
        };
        let begin = segment.iter().take_while(|&b| style.suffix.contains(b)).count();
        let (suffix, segment) = segment.split_at(begin);
        out.extend_from_slice(suffix);
        let mut elements = segment.split(|&b| b == d.element);
        let tag = elements.next().unwrap_or_default();
        let definition = grammar.segments.iter().find(|s| s.tag.to_string().as_bytes() == tag);
        out.extend_from_slice(tag);
        let (mut end, mut written) = (out.len(), 0);
        for (index, element) in elements.enumerate() {
            out.push(d.element);
            let start = out.len();
            match definition.and_then(|definition| definition.elements.get(index)) {
                Some(known) if ends.trim => value(element, known, grammar, style, &mut out),
                _ => out.extend_from_slice(element),
            }
            written += 1;
            if out.len() > start {
                end = out.len();
            }
        }
        if ends.fill {
            let all = definition.map_or(0, |definition: &SegmentDef| definition.elements.len());
            out.extend(std::iter::repeat_n(d.element, all.saturating_sub(written)));
        } else {
            out.truncate(end);
        }
        out.push(d.segment);
    }
    out
}

/// A value, or what it consists of, without the blanks at its end.
fn value(bytes: &[u8], known: &ElementDef, grammar: &Grammar, style: &Style, out: &mut Vec<u8>) {
    let d = style.delimiters;
    let mut first = true;
    for repeat in bytes.split(|&b| Some(b) == d.repetition) {
        if !std::mem::take(&mut first) {
            out.extend(d.repetition);
        }
        match known.shape {
            ElementShape::Simple { .. } => trimmed(repeat, known, out),
            ElementShape::Composite(id) => {
                let components = &grammar.composite(id).components;
                for (index, part) in repeat.split(|&b| b == d.component).enumerate() {
                    if index > 0 {
                        out.push(d.component);
                    }
                    match components.get(index) {
                        Some(component) => trimmed(part, component, out),
                        None => out.extend_from_slice(part),
                    }
                }
                while out.last() == Some(&d.component) {
                    out.pop();
                }
            }
        }
    }
}

fn trimmed(bytes: &[u8], known: &ElementDef, out: &mut Vec<u8>) {
    let ElementShape::Simple { data_type, min, .. } = known.shape else { return };
    let length = match bytes.iter().rposition(|&b| b != b' ') {
        _ if data_type == DataType::B => bytes.len(),
        None => 0,
        Some(last) => (last + 1).max(min as usize).min(bytes.len()),
    };
    out.extend_from_slice(&bytes[..length]);
}
