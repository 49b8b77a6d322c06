//! The overlays of profiles: each file read once, and the same layers over the same grammar compiled once, however
//! many partners rest on them.

use std::collections::HashMap;
use std::sync::Arc;

use super::agreement::{Agreement, Direction, Known};
use super::documents::DocumentFlow;
use super::problem::{Origin, Problem};
use super::profiles::ProfileSource;
use super::row::Row;
use crate::grammar::Grammar;
use crate::map::{Map, Values, Variants};
use crate::overlay::{Overlay, OverlaySource, RuleView, parse_overlay};

/// Overlay files by profile, and what they were compiled to.
#[derive(Default)]
pub(super) struct Overlays {
    layers: Vec<OverlaySource>,
    of: HashMap<String, Vec<usize>>,
    /// By layers, set and release.
    compiled: HashMap<(Vec<usize>, String, String), Compiled>,
    /// Maps with lines of overlays on top.
    maps: Variants,
}

/// What cannot be compiled is told of everybody who rests on it.
type Compiled = Result<Arc<Overlay>, Vec<Problem>>;

impl Overlays {
    /// Reads the overlay files of a profile.
    pub(super) fn parse(
        &mut self,
        source: &ProfileSource,
        known: Known<'_>,
        problems: &mut Vec<Problem>,
    ) {
        for file in source.files.iter().filter(|file| file.path.ends_with(".overlay")) {
            let shown = format!("{}/{}", source.folder, file.path);
            let (overlay, errors) = parse_overlay(&shown, &file.text);
            problems.extend(errors.into_iter().map(Problem::from));
            let sets = known.grammars.sets().map(|g| (g.set.as_str(), g.release.as_str()));
            problems.extend(overlay.unknown_sets(sets).into_iter().map(Problem::from));
            let names = overlay.partner();
            if !names.is_empty() && names != source.name {
                let at = Problem { line: 1, column: 1, ..Problem::whole(&shown, "") };
                let message = format!(
                    "the overlay names `{names}`, and lies in the folder of `{}`; write `overlay {} on …`, or move it",
                    source.name, source.name
                );
                problems.push(Problem { message, ..at }.warning());
            }
            let of = self.of.entry(source.name.clone()).or_default();
            let twin =
                of.iter().filter_map(|at| self.layers.get(*at)).find(|l| l.overlaps(&overlay));
            if let Some(twin) = twin {
                let words = format!(
                    "it speaks of the {} in the same release and direction as {}, and one would replace the other; put the rules into one file, or take the stale one away",
                    overlay.set(),
                    twin.file()
                );
                problems.push(Problem::whole(&shown, words));
            }
            of.push(self.layers.len());
            self.layers.push(overlay);
        }
    }

    /// The overlay of a chain of profiles, nearest first, for a set; `None` where none speaks of it.
    pub(super) fn compile(
        &mut self,
        chain: &[Arc<str>],
        direction: Direction,
        grammar: &Arc<Grammar>,
        problems: &mut Vec<Problem>,
    ) -> Option<Arc<Overlay>> {
        let of_chain = chain.iter().rev().filter_map(|name| self.of.get(name.as_ref())).flatten();
        let layers: Vec<usize> = of_chain
            .copied()
            .filter(|layer| {
                let layer = self.layers.get(*layer);
                layer.is_some_and(|l| l.applies(&grammar.set, &grammar.release, direction))
            })
            .collect();
        if layers.is_empty() {
            return None;
        }
        let key = (layers, grammar.set.clone(), grammar.release.clone());
        let layers = &self.layers;
        let compiled = self.compiled.entry(key).or_insert_with_key(|(numbers, _, _)| {
            let sources: Vec<&OverlaySource> =
                numbers.iter().filter_map(|layer| layers.get(*layer)).collect();
            let overlay = Overlay::compile(&sources, grammar);
            overlay.map(Arc::new).map_err(|errors| errors.into_iter().map(Problem::from).collect())
        });
        match compiled {
            Ok(overlay) => {
                let warnings = overlay.warnings().iter().cloned();
                problems.extend(warnings.map(|line| Problem::from(line).warning()));
                Some(Arc::clone(overlay))
            }
            Err(errors) => {
                problems.extend(errors.iter().cloned());
                None
            }
        }
    }

    /// The map of a set with the lines of its overlay on top, and with values as they are agreed.
    pub(super) fn map(
        &mut self,
        grammar: &Grammar,
        overlay: Option<&Overlay>,
        keep_blanks: bool,
        known: Known<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<Arc<Map>> {
        let lines: Vec<_> = overlay.iter().flat_map(|overlay| overlay.map_lines()).collect();
        let implied = overlay.iter().flat_map(|overlay| overlay.implied()).collect();
        let values = Values { implied, keep_blanks };
        let map = self.maps.map(known.maps, grammar, &lines, &values);
        map.unwrap_or_else(|errors| {
            problems.extend(errors.into_iter().map(Problem::from));
            None
        })
    }

    /// Overlays of a chain that speak of no document that flows, and sets of which only some releases have one.
    pub(super) fn idle(
        &self,
        chain: &[Arc<str>],
        agreements: &[Agreement],
        is_base: bool,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        // What flows is for those to say who extend a base.
        let own = chain.first().filter(|_| !is_base);
        let own = own.and_then(|name| self.of.get(name.as_ref())).into_iter().flatten();
        for layer in own.filter_map(|layer| self.layers.get(*layer)) {
            let used = agreements.iter().any(|a| layer.applies(a.set(), a.release(), a.direction));
            if !used && !layer.set().is_empty() {
                let words = format!(
                    "no document flows that it speaks of: {}; say in [documents] that it does, or take the file away",
                    layer.set()
                );
                problems.push(Problem::whole(layer.file(), words).warning());
            }
        }
        for bare in agreements.iter().filter(|a| a.overlay.is_none()) {
            let other = agreements.iter().find(|a| {
                a.set() == bare.set() && a.direction == bare.direction && a.overlay.is_some()
            });
            if let Some(rule) = other.and_then(|a| a.overlay.as_ref()?.rules().next()) {
                let words = format!(
                    "the {} is taken in release {} too, and no overlay speaks of it there; name the release that was agreed (documents.{}.release), or cover it",
                    bare.set(),
                    bare.release(),
                    bare.kind
                );
                problems.push(Problem::whole(&rule.line().file, words).warning());
            }
        }
        problems
    }
}

/// Rules that compare documents of a kind that is never compared so.
pub(super) fn not_compared(agreement: &Agreement) -> impl Iterator<Item = Problem> {
    let overlay = agreement.overlay.iter();
    let compared = overlay.flat_map(|overlay| overlay.against());
    compared.filter(|comparison| !comparison.compared.speaks_of(&agreement.kind)).map(|comparison| {
        let (document, what) = comparison.compared.words();
        let kinds = comparison.compared.kinds().join(" or ");
        let words = format!(
            "`against {document} {what}` is for documents of the kind {kinds}, and the {} is none: the rule never fires; take it out",
            agreement.set()
        );
        let rule = &comparison.rule;
        let at = Problem { line: rule.line as usize, column: 1, ..Problem::whole(&rule.file, words) };
        at.warning()
    })
}

/// Flow and overlay may both say in which levels a set is written.
pub(super) fn hierarchies_differ(flow: &DocumentFlow, overlay: Option<&Overlay>) -> bool {
    let agreed = overlay.and_then(Overlay::hierarchy);
    !flow.hierarchy.is_empty() && agreed.is_some_and(|levels| levels != flow.hierarchy.as_slice())
}

/// The rules of an agreement as rows.
pub(super) fn rows(agreement: &Agreement) -> impl Iterator<Item = Row> {
    let way = match agreement.direction {
        Direction::In => "in",
        Direction::Out => "out",
    };
    let section: Arc<str> = format!("{} {way} {}", agreement.set(), agreement.release()).into();
    let rules = agreement.overlay.iter().flat_map(|overlay| overlay.rules());
    rules.map(move |rule| row(&section, rule))
}

fn row(section: &Arc<str>, rule: RuleView<'_>) -> Row {
    let line = rule.line();
    let when = rule.condition().map(|condition| format!(" when {condition}"));
    let weight = rule.weight().map(|weight| format!(" as {weight:?}").to_lowercase());
    let value = format!("{} {}", rule.kind().word(), rule.what());
    Row {
        section: Arc::clone(section),
        subject: rule.path().to_owned(),
        value: [Some(value.trim_end().to_owned()), when, weight].into_iter().flatten().collect(),
        origin: Some(Origin {
            profile: profile_of(&line.file).into(),
            file: Arc::clone(&line.file),
            line: line.line,
            column: 1,
        }),
        source: rule.source().map(Into::into),
        reason: rule.reason().map(Into::into),
        rule: true,
    }
}

/// The folder of a file is its profile.
fn profile_of(file: &str) -> &str {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    folder.rsplit_once('/').map_or(folder, |(_, name)| name)
}
