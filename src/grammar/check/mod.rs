//! Walks a set through its grammar and checks every segment on the way.
//!
//! The walk never stops: a segment that has no place is a finding and is passed over, and the walk goes on from
//! where it was. On the usual path, where all is well, nothing is allocated, and each segment is looked at by
//! [`quick`] alone.

mod codes;
mod element;
mod levels;
mod plan;
mod quick;
mod report;
mod table;
pub(crate) mod value;
mod word;

use std::sync::Arc;

use element::ElementCheck;
use levels::{LevelFault, Levels};
use plan::Plans;
use quick::QuickPlan;
pub(crate) use report::shown;
use report::{Reporter, Words, segment_name};
use table::{Move, Table};

use super::{Dictionary, Grammar, LoopInstance, NodeId, Placed, SegmentDef, Tree};
use crate::findings::{Code, Finding, Findings, Place, Rule};
use crate::x12::{Delimiters, Segment, Segments, Tag};

/// A grammar, worked out for checking. Making one costs about a millisecond; keep it.
#[derive(Debug, Clone)]
pub struct Checker {
    grammar: Arc<Grammar>,
    table: Table,
    plans: Plans,
    /// Plans of the usual path, which places name.
    quick: Vec<QuickPlan>,
}

/// What a walk needs besides the tree; reused from set to set.
#[derive(Debug, Default)]
pub struct Scratch {
    /// By loop node: in which instance of the loop around it the last one stands, and how many have come there.
    counts: Vec<(u32, u32)>,
    levels: Levels,
}

impl Checker {
    /// Works a grammar out.
    #[must_use]
    pub fn new(grammar: Arc<Grammar>) -> Self {
        let table = Table::new(&grammar);
        let plans = Plans::new(
            &grammar.segments,
            &grammar.composites,
            grammar.codes.iter().map(Arc::as_ref),
        );
        let quick = plans.quick();
        Self { grammar, table, plans, quick }
    }

    /// The grammar.
    #[must_use]
    pub fn grammar(&self) -> &Arc<Grammar> {
        &self.grammar
    }

    /// Walks and checks a set (ST first). `tree` becomes its tree; findings are added.
    pub fn check(
        &self,
        set: &Segments<'_>,
        scratch: &mut Scratch,
        tree: &mut Tree,
        findings: &mut Findings,
    ) {
        let state = self.table.start;
        let mut walk =
            Walk { checker: self, set, scratch, tree, findings, state, run: 0, instance: 0 };
        walk.begin();
        for (at, segment) in set.iter().enumerate() {
            walk.take(at, segment);
        }
        walk.finish();
    }

    fn words(&self) -> Words<'_> {
        Words { composites: &self.grammar.composites, codes: &self.grammar.codes }
    }
}

/// A walk that is under way.
struct Walk<'a, 'b> {
    checker: &'a Checker,
    set: &'b Segments<'b>,
    scratch: &'b mut Scratch,
    tree: &'b mut Tree,
    findings: &'b mut Findings,
    /// The place of the last segment that had one.
    state: NodeId,
    /// How often it has come there in a row.
    run: u32,
    /// The innermost loop instance that is open.
    instance: u32,
}

impl Walk<'_, '_> {
    fn begin(&mut self) {
        self.tree.instances.clear();
        self.tree.segments.clear();
        let nowhere = Placed { node: NodeId::NONE, instance: 0 };
        self.tree.segments.resize(self.set.len(), nowhere);
        self.tree.instances.push(LoopInstance { node: NodeId::ROOT, parent: 0, first: 0, end: 0 });
        self.scratch.counts.clear();
        self.scratch.counts.resize(self.checker.grammar.nodes.len(), (0, 0));
        self.scratch.levels.clear();
    }

    #[inline]
    fn take(&mut self, at: usize, segment: Segment<'_>) {
        let checker = self.checker;
        let tag = segment.tag();
        // ST is where the walk begins; anything else is a step from where it is.
        if at == 0 && Some(tag) == checker.table.start_tag {
            self.run = 1;
            self.put(at, self.state);
        } else if let Some(step) = checker.table.step(self.state, tag) {
            self.go(at, segment, step);
        } else {
            self.put(at, NodeId::NONE);
            self.unplaced(at, segment);
            return;
        }
        let quick = checker
            .table
            .places
            .get(self.state.index())
            .and_then(|place| checker.quick.get(usize::from(place.plan)));
        if !quick.is_some_and(|plan| plan.is_clean(segment, &checker.plans.codes)) {
            self.look_closely(at, segment);
        }
    }

    /// Checks the elements of a segment that may have something wrong with it.
    #[cold]
    fn look_closely(&mut self, at: usize, segment: Segment<'_>) {
        let grammar = &self.checker.grammar;
        let place = grammar.node(self.state);
        let number = usize::from(place.segment.0);
        let (Some(plan), Some(definition)) =
            (self.checker.plans.segments.get(number), grammar.segments.get(number))
        else {
            return;
        };
        let mut reporter = Reporter {
            findings: self.findings,
            words: self.checker.words(),
            definition,
            segment,
            position: position(at),
            loop_path: &grammar.node(place.parent).path,
        };
        let delimiters = self.set.delimiters();
        let elements = ElementCheck { plans: &self.checker.plans, delimiters };
        elements.segment(plan, segment, &mut reporter);
    }

    /// Notes where a segment stands.
    #[inline]
    fn put(&mut self, at: usize, node: NodeId) {
        if let Some(placed) = self.tree.segments.get_mut(at) {
            *placed = Placed { node, instance: self.instance };
        }
    }

    #[inline]
    fn go(&mut self, at: usize, segment: Segment<'_>, step: &Move) {
        if step.missing.0 != step.missing.1 {
            self.missing(at, segment, step);
        }
        for _ in 0..step.closes {
            self.close(at);
        }
        let table = &self.checker.table;
        let target = step.target;
        let Some(place) = table.places.get(target.index()) else { return };
        if step.opens {
            self.open(at, segment, place.parent);
        }
        self.run = if step.again { self.run.saturating_add(1) } else { 1 };
        self.state = target;
        if self.run > place.max_use {
            self.too_many(at, segment, target, false);
        }
        self.put(at, target);
    }

    #[inline]
    fn open(&mut self, at: usize, segment: Segment<'_>, node: NodeId) {
        let parent = self.instance;
        self.instance = index(self.tree.instances.len());
        self.tree.instances.push(LoopInstance { node, parent, first: index(at), end: 0 });
        let (Some(place), Some(count)) = (
            self.checker.table.places.get(node.index()),
            self.scratch.counts.get_mut(node.index()),
        ) else {
            return;
        };
        let before = if count.0 == parent { count.1 } else { 0 };
        *count = (parent, before.saturating_add(1));
        if count.1 > place.max_use {
            self.too_many(at, segment, node, true);
        }
        if let Some(nested) = place.nested
            && let Some(fault) = self.scratch.levels.add(index(at), segment, nested)
        {
            self.level(at, segment, nested, fault);
        }
    }

    /// Closes the innermost loop instance.
    #[inline]
    fn close(&mut self, at: usize) {
        if let Some(instance) = self.tree.instances.get_mut(self.instance as usize) {
            instance.end = index(at);
            self.instance = instance.parent;
        }
    }

    fn finish(&mut self) {
        while self.instance != 0 {
            self.close(self.set.len());
        }
        self.close(self.set.len());
        let Some((segment, nested)) = self.checker.table.nested else { return };
        for at in 0..self.scratch.levels.all.len() {
            let level = self.scratch.levels.all[at];
            if level.says_children.is_some_and(|says| says != level.has_children) {
                self.child_code(segment, nested.child, level);
            }
        }
    }

    fn place_of(&self, at: usize, segment: Segment<'_>, node: NodeId) -> Place {
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
    fn missing(&mut self, at: usize, segment: Segment<'_>, step: &Move) {
        let grammar = &self.checker.grammar;
        for &node in self.checker.table.missing(step) {
            let definition = grammar.segment_at(node);
            let missed = grammar.node(node);
            let around = if missed.kind == super::NodeKind::Loop {
                missed
            } else {
                grammar.node(missed.parent)
            };
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
    fn unplaced(&mut self, at: usize, segment: Segment<'_>) {
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
                    let is_loop = place.kind == super::NodeKind::Loop;
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
    fn too_many(&mut self, at: usize, segment: Segment<'_>, node: NodeId, is_loop: bool) {
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
    fn level(&mut self, at: usize, segment: Segment<'_>, nested: super::Nested, fault: LevelFault) {
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
    fn child_code(&mut self, segment: super::SegmentId, element: u16, level: levels::Level) {
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
            ..self.place_of(level.segment as usize, opening, NodeId::ROOT)
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

fn area_words(area: super::Area) -> &'static str {
    match area {
        super::Area::Heading => "in the heading",
        super::Area::Detail => "in the detail",
        super::Area::Summary => "in the summary",
    }
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Position in the set, ST = 1.
fn position(at: usize) -> u32 {
    index(at).saturating_add(1)
}

/// Checks single segments against a dictionary: those of the envelope.
#[derive(Debug, Clone)]
pub struct SegmentChecker {
    dictionary: Arc<Dictionary>,
    plans: Plans,
}

impl SegmentChecker {
    /// Works a dictionary out.
    #[must_use]
    pub fn new(dictionary: Arc<Dictionary>) -> Self {
        let plans = Plans::new(
            &dictionary.segments,
            &dictionary.composites,
            dictionary.codes.iter().map(Arc::as_ref),
        );
        Self { dictionary, plans }
    }

    /// Checks the elements of a segment that the dictionary knows. Findings are about no set.
    pub fn check(&self, segment: Segment<'_>, delimiters: Delimiters, findings: &mut Findings) {
        let tag = segment.tag();
        let Some(at) = self.dictionary.segments.iter().position(|s| s.tag == tag) else { return };
        let words =
            Words { composites: &self.dictionary.composites, codes: &self.dictionary.codes };
        let mut reporter = Reporter {
            findings,
            words,
            definition: &self.dictionary.segments[at],
            segment,
            position: 0,
            loop_path: "",
        };
        let elements = ElementCheck { plans: &self.plans, delimiters };
        elements.segment(&self.plans.segments[at], segment, &mut reporter);
    }
}
