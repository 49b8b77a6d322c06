//! What the documents of one set, release and direction hold, counted.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::choices::Choices;
use super::levels::Levels;
use super::paths::{self, Code, code, opens, qualifier_position, said_code};
use super::tally::{Part, PartKey, Scope};
use super::trials::{Hypotheses, Trial};
use super::values::Element;
use crate::findings::{self, Finding};
use crate::grammar::{ElementShape, Grammar, NodeId, NodeKind, Walked};
use crate::x12::{Delimiters, Segment};

/// Scopes that are kept; a partner's documents have a few dozen.
const SCOPES_MAX: usize = 1_000;
/// What may stand in a scope: more than any loop has places with usual qualifiers.
const PARTS_MAX: usize = 400;
/// Places with codes that their list lacks, and such codes of a place.
const UNLISTED_MAX: usize = 100;
/// No scope: the instance, or one around it, cannot be named by a path.
const NOWHERE: usize = usize::MAX;

/// The statistics of a set.
#[derive(Debug)]
pub(super) struct Sheet {
    pub grammar: Arc<Grammar>,
    pub documents: u64,
    pub scopes: Vec<Scope>,
    pub choices: Choices,
    pub levels: Levels,
    pub trials: Vec<Trial>,
    /// Codes that lists lack, by place, position and component: in how many documents.
    pub unlisted: BTreeMap<(NodeId, u16, u16), BTreeMap<Box<str>, u64>>,
    /// Segments that nobody knows: in how many documents.
    pub strangers: BTreeMap<Box<str>, u64>,
    index: HashMap<(usize, NodeId, Option<Code>), usize>,
}

/// What one document has: instances by scope, and how often each instance has which part.
#[derive(Default)]
struct Document {
    scope_of: Vec<usize>,
    parts: BTreeMap<(usize, PartKey), BTreeMap<u32, u64>>,
}

impl Sheet {
    pub fn new(grammar: &Arc<Grammar>, hypotheses: &Hypotheses) -> Self {
        Self {
            grammar: Arc::clone(grammar),
            documents: 0,
            scopes: vec![Scope::new(0, NodeId::ROOT, None, 0)],
            choices: Choices::default(),
            levels: Levels::default(),
            trials: hypotheses.of(grammar),
            unlisted: BTreeMap::new(),
            strangers: BTreeMap::new(),
            index: HashMap::new(),
        }
    }

    /// Takes a document.
    pub fn take(&mut self, walked: &Walked<'_>, findings: &[Finding]) {
        self.documents += 1;
        let choices = self.choices.of(walked);
        let mut document = Document { scope_of: self.scopes_of(walked), ..Document::default() };
        let inner = 1..walked.segments.len().saturating_sub(1);
        for at in inner {
            if let Some(segment) = walked.segments.get(at) {
                self.segment(walked, at, segment, &mut document);
            }
        }
        self.fold(&document, &choices);
        self.levels.take(walked);
        for trial in &mut self.trials {
            trial.take(walked);
        }
        self.not_listed(walked, findings);
    }

    /// The scope of each instance.
    fn scopes_of(&mut self, walked: &Walked<'_>) -> Vec<usize> {
        let mut scope_of: Vec<usize> = Vec::with_capacity(walked.tree.instances.len());
        for (at, instance) in walked.tree.instances.iter().enumerate() {
            let parent = scope_of.get(instance.parent as usize).copied().unwrap_or(0);
            let scope = match at {
                0 => 0,
                _ if parent == NOWHERE => NOWHERE,
                _ => self.scope(walked, parent, instance.node, instance.first as usize),
            };
            scope_of.push(scope);
        }
        scope_of
    }

    fn scope(&mut self, walked: &Walked<'_>, parent: usize, node: NodeId, first: usize) -> usize {
        let segment = walked.segments.get(first).unwrap_or(Segment::EMPTY);
        let qualifier = match self.qualifier(node, segment) {
            Ok(qualifier) => qualifier,
            Err(Unnamed) => return NOWHERE,
        };
        let key = (parent, node, qualifier);
        if let Some(&known) = self.index.get(&key) {
            return known;
        }
        if self.scopes.len() >= SCOPES_MAX {
            return NOWHERE;
        }
        let depth = self.scopes[parent].depth + 1;
        self.scopes.push(Scope::new(parent, node, key.2.clone(), depth));
        self.index.insert(key, self.scopes.len() - 1);
        self.scopes.len() - 1
    }

    /// The code that tells a segment or loop from others at its place, if there they are told apart.
    fn qualifier(&self, node: NodeId, segment: Segment<'_>) -> Result<Option<Code>, Unnamed> {
        let Some(position) = qualifier_position(&self.grammar, node) else { return Ok(None) };
        let code = code(segment.element(usize::from(position))).ok_or(Unnamed)?;
        Ok(Some(code.into()))
    }

    /// The scope with this loop in another one.
    pub fn inner(&self, parent: usize, node: NodeId, qualifier: Option<&str>) -> Option<usize> {
        self.index.get(&(parent, node, qualifier.map(Code::from))).copied()
    }

    fn segment(
        &mut self,
        walked: &Walked<'_>,
        at: usize,
        segment: Segment<'_>,
        document: &mut Document,
    ) {
        let Some(placed) = walked.tree.segments.get(at) else { return };
        let scope_of =
            |at: u32| document.scope_of.get(at as usize).copied().filter(|&s| s != NOWHERE);
        if placed.node == NodeId::NONE {
            return;
        }
        let delimiters = walked.segments.delimiters();
        let (own, opening) = (placed.instance, opens(&self.grammar, placed.node));
        let Some(instance) = walked.tree.instances.get(own as usize) else { return };
        let mut met: Vec<(u32, usize, PartKey, bool)> = Vec::with_capacity(3);
        if opening {
            let (node, parent) = (instance.node, instance.parent);
            // The elements of what opens a loop are those of the loop, its codes those of all such loops.
            met.extend(scope_of(own).map(|scope| (own, scope, (placed.node, None), true)));
            if let Some(scope) = scope_of(parent) {
                let code = self.qualifier(node, segment);
                met.push((parent, scope, (node, None), !matches!(code, Ok(None))));
                met.extend(code.ok().flatten().map(|c| (parent, scope, (node, Some(c)), false)));
            }
        } else if let Some(scope) = scope_of(own) {
            let code = self.qualifier(placed.node, segment);
            met.push((own, scope, (placed.node, None), true));
            met.extend(code.ok().flatten().map(|c| (own, scope, (placed.node, Some(c)), true)));
        }
        for (instance, scope, key, elements) in met {
            let grammar = Arc::clone(&self.grammar);
            let Some(part) = self.part(scope, &key) else { continue };
            if elements {
                part.take(&grammar, key.0, segment, delimiters);
            }
            *document.parts.entry((scope, key)).or_default().entry(instance).or_default() += 1;
        }
    }

    fn part(&mut self, scope: usize, key: &PartKey) -> Option<&mut Part> {
        let parts = &mut self.scopes[scope].parts;
        if parts.len() >= PARTS_MAX && !parts.contains_key(key) {
            return None;
        }
        Some(parts.entry(key.clone()).or_default())
    }

    /// Adds what a document has to the counters.
    fn fold(&mut self, document: &Document, choices: &[usize]) {
        let mut instances: BTreeMap<usize, u64> = BTreeMap::new();
        for &scope in document.scope_of.iter().filter(|&&scope| scope != NOWHERE) {
            *instances.entry(scope).or_default() += 1;
        }
        for (&scope, &count) in &instances {
            let scope = &mut self.scopes[scope];
            scope.instances += count;
            scope.documents += 1;
            for &choice in choices {
                scope.with.add(choice);
            }
        }
        for ((scope, key), counts) in &document.parts {
            let have = counts.len() as u64;
            let all = instances.get(scope) == Some(&have);
            let Some(part) = self.scopes[*scope].parts.get_mut(key) else { continue };
            part.instances += have;
            part.documents += 1;
            part.whole += u64::from(all);
            part.occurrences += counts.values().sum::<u64>();
            part.most = part.most.max(counts.values().copied().max().unwrap_or(0));
            for &choice in choices {
                part.any_with.add(choice);
                if all {
                    part.whole_with.add(choice);
                }
            }
        }
    }

    /// What the grammar's check found that an agreement can allow.
    fn not_listed(&mut self, walked: &Walked<'_>, findings: &[Finding]) {
        let mut met = std::collections::BTreeSet::new();
        for finding in findings {
            let at = (finding.place.segment_position as usize).wrapping_sub(1);
            let segment = walked.segments.get(at).unwrap_or(Segment::EMPTY);
            match finding.code {
                findings::Code::SegmentUnrecognised => {
                    if let Some(tag) = code(segment.id()).filter(|t| is_tag(t)) {
                        met.insert((None, tag.to_owned()));
                    }
                }
                findings::Code::InvalidCode => {
                    let Some(placed) = walked.tree.segments.get(at) else { continue };
                    let (element, component) = (finding.place.element, finding.place.component);
                    let value = finding.value.as_deref().and_then(|v| said_code(v.as_bytes()));
                    if let Some(value) = value.filter(|_| placed.node != NodeId::NONE) {
                        let key = (placed.node, element, component);
                        met.insert((Some(key), value.to_owned()));
                    }
                }
                _ => {}
            }
        }
        for (key, value) in met {
            let codes = match key {
                None => &mut self.strangers,
                Some(key) if self.unlisted.len() < UNLISTED_MAX => {
                    self.unlisted.entry(key).or_default()
                }
                Some(key) => match self.unlisted.get_mut(&key) {
                    Some(codes) => codes,
                    None => continue,
                },
            };
            if codes.len() < UNLISTED_MAX || codes.contains_key(value.as_str()) {
                *codes.entry(value.into()).or_default() += 1;
            }
        }
    }

    /// `PO1/N1[ST]`; empty for the set itself.
    pub fn path(&self, scope: usize) -> String {
        if scope == 0 {
            return String::new();
        }
        let own = &self.scopes[scope];
        let step = paths::step(self.grammar.node(own.node), own.qualifier.as_deref());
        paths::join(&self.path(own.parent), &step)
    }
}

/// What has no code by which a path could name it, where others there have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unnamed;

/// Whether a path can name it as a segment.
fn is_tag(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    (2..=3).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(fits)
}

impl Part {
    fn take(
        &mut self,
        grammar: &Grammar,
        node: NodeId,
        segment: Segment<'_>,
        delimiters: Delimiters,
    ) {
        let node = match grammar.node(node).kind {
            NodeKind::Loop => grammar.node(node).children.first().copied().unwrap_or(node),
            NodeKind::Segment => node,
        };
        let definition = grammar.segment_at(node);
        if self.elements.is_empty() {
            self.elements.resize_with(definition.elements.len(), Element::default);
        }
        for (tally, element) in self.elements.iter_mut().zip(&definition.elements) {
            let value = segment.element(usize::from(element.position));
            match element.shape {
                ElementShape::Simple { .. } => tally.take(value, delimiters.repetition),
                ElementShape::Composite(id) => {
                    let count = grammar.composites[usize::from(id.0)].components.len();
                    tally.take_composite(value, delimiters, count);
                }
            }
        }
        let Some((first, last)) = paths::pairs(definition) else { return };
        let mut met: Vec<&str> = Vec::new();
        for at in (usize::from(first)..usize::from(last)).step_by(2) {
            let there = !segment.element(at + 1).trim_ascii_end().is_empty();
            met.extend(code(segment.element(at)).filter(|_| there));
        }
        met.sort_unstable();
        met.dedup();
        for qualifier in met {
            if self.pairs.len() < PARTS_MAX || self.pairs.contains_key(qualifier) {
                *self.pairs.entry(qualifier.into()).or_default() += 1;
            }
        }
    }
}
