//! What each kind of rule asks, with its paths looked up.

use super::super::against::Compared;
use super::super::plan::{Level, Place, Term, Test, shared};
use super::super::source::{Body, PathSource, TermSource, Word};
use super::Compiler;
use super::paths::bytes;
use crate::grammar::{CodeListId, ElementDef, ElementShape, Grammar, suggest};

impl Compiler<'_> {
    pub(super) fn test(&mut self, body: &Body) -> Option<Test> {
        Some(match body {
            Body::Require(path) => Test::Require(self.place(path)?),
            Body::Forbid(path) => Test::Forbid(self.place(path)?),
            Body::Limit(path, limit) => Test::Limit(self.counted(path)?, *limit),
            Body::Length(path, min, max) => Test::Length(self.value(path)?, *min, *max),
            Body::Type(path, data_type) => Test::Type(self.value(path)?, *data_type),
            Body::Codes { path, besides, codes } => {
                let codes: Vec<&str> = codes.iter().map(|c| c.text.as_str()).collect();
                Test::Codes { place: self.value(path)?, codes: bytes(&codes), besides: *besides }
            }
            Body::Allow(path) => Test::Allow(self.allowed(path)?),
            Body::Unique { path, within } => self.unique(path, within.as_ref())?,
            Body::Count { path, of } => {
                let (place, of) = (self.value(path)?, self.place(of)?);
                let home = shared(&place.scope, &of.scope);
                Test::Count { place, of, home }
            }
            Body::Sum { path, terms, scale } => self.sum(path, terms, *scale)?,
            Body::Digits(path, scheme) => Test::Digits(self.value(path)?, *scheme),
            Body::Hierarchy(levels) => self.hierarchy(levels)?,
            Body::Against { document, what } => {
                self.against(document, what)?;
                Test::Against
            }
            Body::Map { .. } => Test::Map,
        })
    }

    /// A segment or loop.
    fn counted(&mut self, path: &PathSource) -> Option<Place> {
        let place = self.place(path)?;
        if place.element.is_some() {
            let message =
                format!("`{}` is an element, and a limit counts segments or loops", path.text);
            self.fault(path.at, message, "leave the element out");
            return None;
        }
        Some(place)
    }

    /// An element that has a value itself, not only components.
    pub(super) fn value(&mut self, path: &PathSource) -> Option<Place> {
        let place = self.place(path)?;
        let composite = definition(self.grammar, &place)
            .is_some_and(|e| matches!(e.shape, ElementShape::Composite(_)));
        if composite {
            let message = format!("`{}` is a composite, which has no value of its own", path.text);
            self.fault(path.at, message, format!("name a component, like `{}.1`", path.text));
            return None;
        }
        Some(place)
    }

    fn unique(&mut self, path: &PathSource, within: Option<&PathSource>) -> Option<Test> {
        let place = self.value(path)?;
        let scheme = None;
        let Some(around) = within else { return Some(Test::Unique { place, within: 0, scheme }) };
        let outer = self.place(around)?;
        let depth = outer.scope.len();
        let fits = outer.is_loop()
            && shared(&outer.scope, &place.scope) == depth
            && place.scope.get(depth).is_some_and(|step| {
                self.grammar.node(step.node).children.first() == Some(&outer.node)
                    && step.qualifier == outer.qualifier
            });
        if !fits {
            let message = format!("`{}` is no loop on the way to `{}`", around.text, path.text);
            let mend = "name one of the loops of the path, as it is written there";
            self.fault(around.at, message, mend);
            return None;
        }
        Some(Test::Unique { place, within: depth + 1, scheme })
    }

    fn sum(&mut self, path: &PathSource, terms: &[TermSource], scale: Option<u32>) -> Option<Test> {
        let place = self.value(path)?;
        let mut home = place.scope.len();
        let mut sum: Vec<Term> = Vec::with_capacity(terms.len());
        for term in terms {
            let factors: Option<Vec<Place>> = term.factors.iter().map(|f| self.value(f)).collect();
            let factors = factors?;
            let first = factors.first()?;
            if let Some(at) = factors.iter().position(|f| f.scope != first.scope) {
                let (one, other) = (&term.factors[0], &term.factors[at]);
                let message =
                    format!("`{}` and `{}` stand in different loops", one.text, other.text);
                let mend = "multiply values of one loop, like `IT1/IT102 * IT1/IT104`";
                self.fault(other.at, message, mend);
                return None;
            }
            home = home.min(shared(&place.scope, &first.scope));
            let one_segment = factors.iter().all(|f| f.same_segment(first));
            sum.push(Term { minus: term.minus, factors: factors.into(), one_segment });
        }
        Some(Test::Sum { place, terms: sum.into(), scale, home })
    }

    /// Levels are named by their code or by the first word of what the code means.
    fn hierarchy(&mut self, names: &[Word]) -> Option<Test> {
        let grammar = self.grammar;
        let at = names.first().map(|n| n.at).unwrap_or_default();
        let found = (0_u16..).zip(&grammar.nodes).find_map(|(i, n)| Some((i, n, n.nested?)));
        let Some((index, node, nested)) = found else {
            let message = format!("set {} has no loop with levels", grammar.set);
            self.fault(at, message, "leave the hierarchy out");
            return None;
        };
        let segment = &grammar.segments[usize::from(node.segment.0)];
        let element = segment.elements.get(usize::from(nested.level).wrapping_sub(1))?;
        let list = match element.shape {
            ElementShape::Simple { codes: Some(id), .. } => Some(grammar.code_list(id)),
            _ => None,
        };
        let mut known: Vec<(String, &[u8])> = Vec::new();
        for (code, meaning) in list.iter().flat_map(|l| &l.codes) {
            if let Some(name) = meaning.as_deref().and_then(|m| m.split_whitespace().next()) {
                known.push((name.to_lowercase(), code));
            }
        }
        known.sort();
        let mut levels: Vec<Level> = Vec::with_capacity(names.len());
        for name in names {
            let wanted = name.text.as_str();
            let level = known.iter().find(|(n, c)| n == wanted || *c == wanted.as_bytes());
            let Some((known_name, code)) = level else {
                let message = format!("`{wanted}` is no level");
                let candidates = known.iter().map(|(n, _)| n.as_str());
                let otherwise = "name levels like `shipment`, `order`, `tare`, `pack`, `item`";
                self.fault(name.at, message, suggest::mend(wanted, candidates, otherwise));
                continue;
            };
            levels.push(Level { name: known_name.clone(), code: (*code).into() });
        }
        self.clean
            .then(|| Test::Hierarchy { node: crate::grammar::NodeId(index), levels: levels.into() })
    }

    fn against(&mut self, document: &Word, what: &Word) -> Option<()> {
        if Compared::of(&document.text, &what.text).is_some() {
            return Some(());
        }
        let known = Compared::ALL.map(Compared::words);
        let of_document =
            |(its, what): (&str, &'static str)| (its == document.text).then_some(what);
        let whats: Vec<&str> = known.into_iter().filter_map(of_document).collect();
        if whats.is_empty() {
            let message = format!("documents are not compared with `{}`", document.text);
            let otherwise = "write `against order …` or `against shipment quantity`";
            let mend = suggest::mend(&document.text, known.map(|(its, _)| its), otherwise);
            self.fault(document.at, message, mend);
        } else {
            let message = format!("`{}` is not compared", what.text);
            let otherwise = format!("write one of `{}`", whats.join("`, `"));
            let mend = suggest::mend(&what.text, whats, &otherwise);
            self.fault(what.at, message, mend);
        }
        None
    }
}

/// The element or component that a place speaks of; of a range, the value of its first pair.
pub(in crate::overlay) fn definition<'g>(
    grammar: &'g Grammar,
    place: &Place,
) -> Option<&'g ElementDef> {
    let spot = place.element.as_ref()?;
    let position = usize::from(spot.position) - usize::from(spot.last == 0);
    let element = grammar.segment_at(place.node).elements.get(position)?;
    match element.shape {
        ElementShape::Composite(id) if spot.component > 0 => {
            grammar.composite(id).components.get(usize::from(spot.component) - 1)
        }
        _ => Some(element),
    }
}

/// The code list of an element, where it has one.
pub(in crate::overlay) fn code_list(grammar: &Grammar, place: &Place) -> Option<CodeListId> {
    match definition(grammar, place)?.shape {
        ElementShape::Simple { codes, .. } => codes,
        ElementShape::Composite(_) => None,
    }
}
