//! Findings of reading, with their place.

use super::elements::Piece;
use super::{FINDINGS_MAX, Pass};
use crate::findings::{Code, Finding, Place, Rule};
use crate::grammar::NodeId;
use crate::x12::decode;

/// Values in findings are cut to this many characters.
const VALUE_CHARS_MAX: usize = 80;

impl Pass<'_, '_> {
    pub(super) fn report(&mut self, code: Code, index: u32, piece: Piece<'_>, why: &str) {
        if self.findings.len() >= FINDINGS_MAX {
            return;
        }
        let segment = self.segment(index);
        let tag = segment.tag().to_string();
        let grammar = self.walked.grammar;
        let node = self.walked.tree.segments.get(index as usize).map_or(NodeId::NONE, |p| p.node);
        let known = (node != NodeId::NONE).then(|| grammar.node(node));
        let definition = known.and_then(|_| {
            grammar.segment_at(node).elements.get(usize::from(piece.position).saturating_sub(1))
        });
        let value: String = decode(piece.bytes).chars().take(VALUE_CHARS_MAX).collect();
        let title = definition.map_or("", |d| d.title.as_str());
        let message = format!(
            "{tag}{:02} \"{title}\" is \"{value}\", {}{why}.",
            piece.position,
            if code == Code::NotTranslatable { "which " } else { "" }
        );
        let mend = match code {
            Code::LevelUnknown => "Look whether its data is needed; a map of your own can read it.",
            Code::CountWrong => "Send the number of lines that the document has.",
            _ => "Send a value that the element may have.",
        };
        let finding = Finding {
            code,
            severity: code.entry().severity,
            place: Place {
                offset: self.base + u64::from(piece.start),
                length: super::small(piece.bytes.len()),
                segment: tag,
                segment_position: index + 1,
                loop_path: known.map_or_else(String::new, |n| grammar.node(n.parent).path.clone()),
                element: piece.position,
                component: piece.component,
                repetition: 0,
                element_id: definition.map_or_else(String::new, |d| d.id.clone()),
            },
            value: Some(value),
            message,
            mend: mend.to_owned(),
            rule: definition.map(|d| Rule {
                file: d.rule.file.clone(),
                line: d.rule.line,
                reason: None,
                source: None,
                dependent: false,
            }),
            field: self.map.field_of(node, piece.position).map(str::to_owned),
        };
        self.findings.push(finding);
    }
}
