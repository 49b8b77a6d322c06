//! What the walk tells of segments that are missing, have no place or come too often, and of levels.

use super::levels::{Level, LevelFault};
use super::report::{self, segment_name};
use super::table::Move;
use super::{Walk, Watch, position};
use crate::findings::{Code, Finding, Place, Rule};
use crate::grammar::{Area, Nested, NodeId, NodeKind, SegmentDef, SegmentId};
use crate::x12::{Segment, Tag};

impl<W: Watch> Walk<'_, '_, W> {
    fn place_of(&self, at: u32, segment: Segment<'_>, node: NodeId) -> Place {
        Place {
            offset: segment.offset(),
            length: u32::try_from(segment.raw().len()).unwrap_or(u32::MAX),
            segment: crate::x12::decode(segment.id()).into_owned(),
            segment_position: position(at),
            loop_path: self.checker.grammar.node(node).path.clone(),
            ..Place::default()
        }
    }

    /// Mandatory places that were passed over.
    #[cold]
    pub(super) fn missing(&mut self, at: u32, step: &Move) {
        let segment = self.segment(at);
        let grammar = &self.checker.grammar;
        for &node in self.checker.table.missing(step) {
            let definition = grammar.segment_at(node);
            let missed = grammar.node(node);
            let around =
                if missed.kind == NodeKind::Loop { missed } else { grammar.node(missed.parent) };
            let name = segment_name(definition.tag, &missed.title);
            let within = if around.path.is_empty() {
                "the set".to_owned()
            } else {
                format!("loop {}", around.path)
            };
            let says = format!("{name} is missing; {within} must have it.");
            let mend = format!(
                "Send it before {} (segment {}).",
                crate::x12::decode(segment.id()),
                position(at)
            );
            let place = Place {
                offset: segment.offset(),
                length: 0,
                segment: definition.tag.to_string(),
                segment_position: position(at),
                loop_path: around.path.clone(),
                ..Place::default()
            };
            let mut finding = Finding::new(Code::SegmentMissing, place, says, mend);
            finding.rule = Some(Rule::from(&missed.rule));
            self.findings.push(finding);
        }
    }

    /// A segment for which there is no place.
    #[cold]
    pub(super) fn unplaced(&mut self, at: u32) {
        let segment = self.segment(at);
        let grammar = &self.checker.grammar;
        let id = crate::x12::decode(segment.id()).into_owned();
        let here = grammar.node(self.state).parent;
        let (code, says, mend) = if self.checker.table.knows(segment.tag()) {
            let tag = segment.tag();
            let earlier = self.earlier_place(tag);
            let title =
                grammar.segments.iter().find(|s| s.tag == tag).map_or("", |s| s.title.as_str());
            let name = segment_name(tag, title);
            let last = grammar.segment_at(self.state).tag;
            match earlier {
                Some(found) => {
                    let place = grammar.node(found);
                    let is_loop = place.kind == NodeKind::Loop;
                    let around = if is_loop { place } else { grammar.node(place.parent) };
                    // It is not missing after all.
                    self.findings.retract(|f| {
                        f.code == Code::SegmentMissing
                            && f.place.segment == tag.to_string()
                            && f.place.loop_path == around.path
                    });
                    (
                        Code::SegmentOutOfOrder,
                        format!("{name} comes too late: its place is before {last}."),
                        format!("Send it at its place, {} {}.", place.path, area_words(place.area)),
                    )
                }
                None => (
                    Code::SegmentUnexpected,
                    format!("{name} is not expected after {last} here."),
                    "Send it inside the loop that it belongs to, after that loop's first segment."
                        .to_owned(),
                ),
            }
        } else if grammar.known_tags.binary_search(&segment.tag()).is_ok() {
            (
                Code::SegmentNotInSet,
                format!("{id} is not part of the {} in {}.", grammar.set, grammar.release),
                "Leave it out, or allow it in the agreement.".to_owned(),
            )
        } else {
            let mend =
                "Look for a wrong terminator or separator before it; else leave it out.".to_owned();
            (
                Code::SegmentUnrecognised,
                format!("{id:?} is no segment of {}.", grammar.release),
                mend,
            )
        };
        let place = self.place_of(at, segment, here);
        let mut finding = Finding::new(code, place, says, mend);
        finding.value = Some(report::shown(segment.raw()));
        finding.rule = Some(Rule::from(&grammar.rule));
        self.findings.push(finding);
    }

    /// The path of a place for the tag that lies before where the walk is, in the loops that are open.
    fn earlier_place(&self, tag: Tag) -> Option<NodeId> {
        let grammar = &self.checker.grammar;
        let mut current = self.state;
        loop {
            let around = grammar.node(current).parent;
            let before = grammar.node(around).children.iter().take_while(|&&c| c != current);
            let found = before.copied().find(|&c| grammar.segment_at(c).tag == tag);
            if found.is_some() {
                return found;
            }
            if around == NodeId::ROOT {
                return None;
            }
            current = around;
        }
    }

    #[cold]
    pub(super) fn too_many(&mut self, at: u32, node: NodeId, is_loop: bool) {
        let segment = self.segment(at);
        let grammar = &self.checker.grammar;
        let places = grammar.node(node);
        let max = places.max_use.unwrap_or(u32::MAX);
        let name = segment_name(segment.tag(), &places.title);
        let (code, what) =
            if is_loop { (Code::LoopTooMany, "loop ") } else { (Code::SegmentTooMany, "") };
        let says = format!(
            "{what}{name} comes more often than {max} {}.",
            if max == 1 { "time" } else { "times" }
        );
        let place = self.place_of(at, segment, if is_loop { node } else { places.parent });
        let mut finding = Finding::new(code, place, says, "Leave out what is too many.".to_owned());
        finding.rule = Some(Rule::from(&places.rule));
        self.findings.push(finding);
    }

    #[cold]
    pub(super) fn level(&mut self, at: u32, nested: Nested, fault: LevelFault) {
        let segment = self.segment(at);
        let tag = segment.tag();
        let (code, element, says, mend) = match fault {
            LevelFault::Number => (
                Code::LevelNumberInvalid,
                nested.id,
                "was used before in this set",
                "Number the levels 1, 2, 3, … through the whole set.",
            ),
            LevelFault::Parent => (
                Code::LevelParentUnknown,
                nested.parent,
                "names a level that has not come before",
                "Name the level that this one stands under, and send that one first.",
            ),
        };
        let value = segment.element(usize::from(element));
        let place = Place {
            offset: segment.element_offset(usize::from(element)),
            length: u32::try_from(value.len()).unwrap_or(u32::MAX),
            element,
            element_id: self.element_id(segment, element),
            ..self.place_of(at, segment, self.checker.grammar.node(self.checker.table.start).parent)
        };
        let mut finding = Finding::new(
            code,
            place,
            format!("{tag}{element:02} \"{}\" {says}.", report::shown(value)),
            mend.to_owned(),
        );
        finding.place.loop_path = tag.to_string();
        finding.value = Some(report::shown(value));
        self.findings.push(finding);
    }

    #[cold]
    pub(super) fn child_code(&mut self, segment: SegmentId, element: u16, level: Level) {
        let Some(opening) = self.set.get(level.segment as usize) else { return };
        let definition: &SegmentDef = &self.checker.grammar.segments[usize::from(segment.0)];
        let value = report::shown(opening.element(usize::from(element)));
        let has =
            if level.has_children { "there are levels below" } else { "there is no level below" };
        let place = Place {
            offset: opening.element_offset(usize::from(element)),
            length: 1,
            element,
            element_id: self.element_id(opening, element),
            ..self.place_of(level.segment, opening, NodeId::ROOT)
        };
        let says = format!("{}{element:02} is {value}, but {has}.", definition.tag);
        let mut finding = Finding::new(
            Code::LevelChildWrong,
            place,
            says,
            "1 where levels follow below, 0 where none do.".to_owned(),
        );
        finding.place.loop_path = definition.tag.to_string();
        finding.value = Some(value);
        finding.rule =
            definition.elements.get(usize::from(element) - 1).map(|e| Rule::from(&e.rule));
        self.findings.push(finding);
    }

    fn element_id(&self, segment: Segment<'_>, element: u16) -> String {
        let tag = segment.tag();
        let definition = self.checker.grammar.segments.iter().find(|s| s.tag == tag);
        definition
            .and_then(|d| d.elements.get(usize::from(element).checked_sub(1)?))
            .map_or(String::new(), |e| e.id.clone())
    }
}

fn area_words(area: Area) -> &'static str {
    match area {
        Area::Heading => "in the heading",
        Area::Detail => "in the detail",
        Area::Summary => "in the summary",
    }
}
