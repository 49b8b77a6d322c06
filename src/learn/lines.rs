//! Facts of what stands in a scope, and in the scopes inside it, in the order of the set.

use super::evidence::{Confidence, Evidence};
use super::facts::{Fact, Topic};
use super::paths::{self, is_mandatory, join, opens, qualifier_position};
use super::sheet::Sheet;
use super::tally::{Part, Scope};
use super::values::Element;
use crate::grammar::{DataType, ElementDef, ElementShape, NodeId, NodeKind};

/// Above this a greatest count is that of these documents, and no rule.
const LIMIT_MAX: u64 = 5;
/// Different values that show that a length is no accident of a value.
const LENGTHS_MIN: usize = 3;
/// Values of a list that a person reads through.
const CODES_MAX: usize = 12;

pub(super) fn scope(sheet: &Sheet, at: usize, facts: &mut Vec<Fact>) {
    let (grammar, here) = (&sheet.grammar, &sheet.scopes[at]);
    let teller = Teller { sheet, scope: here, path: sheet.path(at) };
    for ((node, qualifier), part) in &here.parts {
        let code = qualifier.as_deref();
        teller.part(*node, code, part, facts);
        let is_loop = grammar.node(*node).kind == NodeKind::Loop;
        let told_apart = qualifier_position(grammar, *node).is_some();
        let inner = sheet.inner(at, *node, code);
        if let Some(inner) = inner.filter(|_| is_loop && (qualifier.is_some() || !told_apart)) {
            scope(sheet, inner, facts);
        }
    }
    if at == 0 || here.confidence() == Confidence::High {
        teller.unused(facts);
    }
}

impl Scope {
    fn confidence(&self) -> Confidence {
        Confidence::of(self.documents)
    }
}

struct Teller<'a> {
    sheet: &'a Sheet,
    scope: &'a Scope,
    path: String,
}

/// A part, and how its elements are named.
struct Subject<'a> {
    node: NodeId,
    part: &'a Part,
    path: String,
    /// What its elements' paths begin with: `N1[ST]/N1`, `REF[DP]/`.
    elements: String,
    /// The position by which it is told from others.
    told_by: Option<u16>,
    /// Whether it stands for all codes there.
    is_all: bool,
}

impl Subject<'_> {
    fn evidence(&self, held: u64, of: u64) -> Evidence {
        Evidence { held, of, what: self.path.clone(), documents: self.part.documents }
    }
}

impl Teller<'_> {
    fn evidence(&self, held: u64) -> Evidence {
        let what = if self.path.is_empty() { String::new() } else { self.path.clone() };
        let (of, documents) = (self.scope.instances, self.scope.documents);
        Evidence { held, of, what, documents }
    }

    fn part(&self, node: NodeId, code: Option<&str>, part: &Part, facts: &mut Vec<Fact>) {
        let grammar = &self.sheet.grammar;
        let place = grammar.node(node);
        let opening = opens(grammar, node);
        let told_by = qualifier_position(grammar, if opening { place.parent } else { node });
        let is_all = told_by.is_some() && code.is_none() && !opening;
        let path =
            if opening { self.path.clone() } else { join(&self.path, &paths::step(place, code)) };
        let once = place.max_use == Some(1) && part.instances == self.scope.instances;
        let elements = if opening || place.kind == NodeKind::Loop {
            join(&path, &place_tag(self.sheet, node))
        } else if once && !place.key.contains('#') {
            path.clone()
        } else {
            format!("{path}/")
        };
        let subject = Subject { node, part, path, elements, told_by, is_all };
        if !opening {
            self.require(&subject, code, facts);
            self.limit(&subject, facts);
        }
        self.elements(&subject, facts);
        self.pairs(&subject, facts);
    }

    fn require(&self, subject: &Subject<'_>, code: Option<&str>, facts: &mut Vec<Fact>) {
        let Subject { node, part, path, .. } = subject;
        let always = part.instances == self.scope.instances;
        let mandatory = is_mandatory(self.sheet.grammar.node(*node).requirement);
        // What is always there with one code need not be asked for without it.
        let told =
            subject.is_all
                && self.scope.parts.iter().any(|((n, q), p)| {
                    n == node && q.is_some() && p.instances == self.scope.instances
                });
        if always && !told && (code.is_some() || !mandatory) {
            let evidence = self.evidence(part.instances);
            facts.push(Fact::always(Topic::Required, format!("require {path}"), evidence));
        }
    }

    fn limit(&self, subject: &Subject<'_>, facts: &mut Vec<Fact>) {
        let Subject { node, part, path, .. } = subject;
        let max = self.sheet.grammar.node(*node).max_use.map(u64::from);
        let rare = part.most <= LIMIT_MAX && !subject.is_all;
        if rare && max.is_none_or(|max| part.most < max) {
            let (rule, evidence) =
                (format!("limit {path} {}", part.most), self.evidence(self.scope.instances));
            facts.push(Fact::from(None, Topic::Limits, rule, evidence));
        }
    }

    fn elements(&self, subject: &Subject<'_>, facts: &mut Vec<Fact>) {
        let part = subject.part;
        let definition = self.sheet.grammar.segment_at(segment_node(self.sheet, subject.node));
        let pairs = paths::pairs(definition);
        let of = if part.occurrences == 0 { self.scope.instances } else { part.occurrences };
        for (tally, element) in part.elements.iter().zip(&definition.elements) {
            let position = element.position;
            let in_pair = pairs.is_some_and(|(f, l)| (f..=l).contains(&position));
            let qualifies = subject.told_by == Some(position);
            if in_pair || (qualifies && !subject.is_all) || (subject.is_all && !qualifies) {
                continue;
            }
            let path = format!("{}{position:02}", subject.elements);
            self.element(subject, element, tally, &path, of, facts);
            let unused =
                tally.present == 0 && !is_mandatory(element.requirement) && !subject.is_all;
            if unused && Confidence::of(part.documents) == Confidence::High {
                let rule = format!("forbid {path}");
                facts.push(Fact::from(None, Topic::Unused, rule, subject.evidence(0, of)));
            }
            if let ElementShape::Composite(id) = element.shape {
                let components = &self.sheet.grammar.composites[usize::from(id.0)].components;
                for (tally, component) in tally.components.iter().zip(components) {
                    let path = format!("{path}.{}", component.position);
                    self.element(subject, component, tally, &path, of, facts);
                }
            }
        }
    }

    /// What is always there, its length and its codes: of an element, or of a component.
    fn element(
        &self,
        subject: &Subject<'_>,
        element: &ElementDef,
        tally: &Element,
        path: &str,
        of: u64,
        facts: &mut Vec<Fact>,
    ) {
        if tally.present == of && !is_mandatory(element.requirement) && !subject.is_all {
            let rule = format!("require {path}");
            facts.push(Fact::always(Topic::Required, rule, subject.evidence(of, of)));
        }
        if self.numbers_a_level(subject.node, element.position) {
            return;
        }
        let here = subject.evidence(tally.present, tally.present);
        facts.extend(length(element, tally, path, here.clone()));
        facts.extend(codes(self.sheet, element, tally, path, here));
    }

    /// Whether an element is but the number of a level or of the one above it.
    fn numbers_a_level(&self, node: NodeId, position: u16) -> bool {
        let grammar = &self.sheet.grammar;
        let nested = grammar.node(grammar.node(node).parent).nested;
        nested.is_some_and(|n| opens(grammar, node) && (n.id == position || n.parent == position))
    }

    fn pairs(&self, subject: &Subject<'_>, facts: &mut Vec<Fact>) {
        let definition = self.sheet.grammar.segment_at(segment_node(self.sheet, subject.node));
        let Some((first, last)) = paths::pairs(definition).filter(|_| !subject.is_all) else {
            return;
        };
        let (part, tag) = (subject.part, definition.tag);
        let before = subject.elements.trim_end_matches(|c| c != '/');
        for (code, &held) in part.pairs.iter().filter(|(_, held)| **held == part.occurrences) {
            let rule = format!("require {before}{tag}{first:02}..{tag}{last:02}[{code}]");
            let (what, documents) = (subject.path.clone(), part.documents);
            let evidence = Evidence { held, of: part.occurrences, what, documents };
            facts.push(Fact::always(Topic::Required, rule, evidence));
        }
    }

    /// What the grammar has here, and no document.
    fn unused(&self, facts: &mut Vec<Fact>) {
        let grammar = &self.sheet.grammar;
        for &child in &grammar.node(self.scope.node).children {
            let place = grammar.node(child);
            let there = self.scope.parts.contains_key(&(child, None));
            if there || is_mandatory(place.requirement) || opens(grammar, child) {
                continue;
            }
            let rule = format!("forbid {}", join(&self.path, &place.key));
            facts.push(Fact::from(None, Topic::Unused, rule, self.evidence(0)));
        }
    }
}

/// The segment of a place; of a loop, the one that opens it.
fn segment_node(sheet: &Sheet, node: NodeId) -> NodeId {
    let place = sheet.grammar.node(node);
    match place.kind {
        NodeKind::Loop => place.children.first().copied().unwrap_or(node),
        NodeKind::Segment => node,
    }
}

fn place_tag(sheet: &Sheet, node: NodeId) -> String {
    sheet.grammar.segment_at(segment_node(sheet, node)).tag.to_string()
}

/// Values that are all of one length, which is narrower than that of the release. Numbers that are counted up are so for
/// a while: it takes more of them to prove anything, and one digit proves nothing.
fn length(element: &ElementDef, tally: &Element, path: &str, evidence: Evidence) -> Option<Fact> {
    let ElementShape::Simple { data_type: DataType::An | DataType::Id, min, max, codes: None } =
        element.shape
    else {
        return None;
    };
    let (least, most) = tally.lengths?;
    let narrower = least == most && least >= min && most <= max && min != max && least > 1;
    if !narrower || tally.different() < LENGTHS_MIN {
        return None;
    }
    let rule = format!("length {path} {least}/{most}");
    let needed = if tally.is_name { Confidence::Medium } else { Confidence::High };
    Some(Fact::from(Some(needed), Topic::Lengths, rule, evidence))
}

/// The codes of a list that are used, or the one value that a text always has.
fn codes(
    sheet: &Sheet,
    element: &ElementDef,
    tally: &Element,
    path: &str,
    evidence: Evidence,
) -> Option<Fact> {
    let ElementShape::Simple { data_type, codes: list, .. } = element.shape else { return None };
    let codes = tally.codes()?;
    let rule = || format!("codes {path} {}", codes.join(" "));
    if let Some(list) = list {
        let all = sheet.grammar.code_list(list).codes.len() <= codes.len();
        let few = codes.len() <= CODES_MAX && !all;
        return few.then(|| Fact::from(Some(Confidence::High), Topic::Codes, rule(), evidence));
    }
    let text = matches!(data_type, DataType::An | DataType::Id);
    let constant = text && codes.len() == 1 && evidence.documents > 1;
    constant.then(|| Fact {
        remark: "always this value",
        ..Fact::from(None, Topic::Codes, rule(), evidence)
    })
}
