//! Layers of rules held against one grammar become the overlay in force.
//!
//! What refuses an overlay is what leaves its meaning unclear: a path that the grammar lacks, two rules that
//! contradict each other, a rule taken back that is not there. What merely can never fire, or rests on no source, is
//! a warning: the list of both stands in `docs/overlay-language.md`.

mod conflicts;
mod dead;
mod decimals;
mod excluded;
mod layers;
mod paths;
mod pointless;
mod rivals;
mod tests_of;

pub(super) use decimals::agreed as agreed_decimals;
pub(super) use tests_of::{code_list, definition};

use std::sync::Arc;

use super::plan::{Condition, ConditionTest, Rule, shared};
use super::source::{ConditionSource, OverlaySource, RuleSource, Spot, TestSource};
use super::{Overlay, scan::Scan};
use crate::findings::Severity;
use crate::grammar::{Grammar, LineError};

/// Rules of all layers together.
const RULES_MAX: usize = 1000;
/// Faults and warnings of one compilation; what comes then is dropped.
const ERRORS_MAX: usize = 500;

/// See [`Overlay::compile`].
pub(super) fn compile(
    layers: &[&OverlaySource],
    grammar: &Arc<Grammar>,
) -> Result<Overlay, Vec<LineError>> {
    let mut compiler =
        Compiler { grammar, source: None, clean: true, errors: Vec::new(), warnings: Vec::new() };
    let mut rules: Vec<Rule> = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        compiler.source = Some(layer);
        compiler.right_grammar(layer);
        compiler.add_layer(number, layer, &mut rules);
    }
    layers::widen(&mut rules);
    layers::schemes(&mut rules);
    compiler.decimals(&mut rules);
    if let Some(rule) = rules.get(RULES_MAX) {
        let message = format!("the layers have more than {RULES_MAX} rules together");
        compiler.fault_at(rule, message, "leave out what is not needed");
    }
    compiler.conflicts(&rules);
    if compiler.errors.is_empty() {
        compiler.dead(&rules);
    }
    let Compiler { mut errors, mut warnings, .. } = compiler;
    if !errors.is_empty() {
        errors.sort();
        errors.dedup();
        return Err(errors);
    }
    warnings.sort();
    warnings.dedup();
    let scan = Scan::new(&rules, grammar);
    Ok(Overlay::new(Arc::clone(grammar), rules, warnings, scan))
}

pub(super) struct Compiler<'a> {
    grammar: &'a Grammar,
    /// The layer that is read.
    source: Option<&'a OverlaySource>,
    /// Whether nothing was wrong with the rule that is read.
    clean: bool,
    errors: Vec<LineError>,
    warnings: Vec<LineError>,
}

impl Compiler<'_> {
    fn fault(&mut self, at: Spot, message: impl Into<String>, mend: impl Into<String>) {
        self.clean = false;
        if let Some(source) = self.source.filter(|_| self.errors.len() < ERRORS_MAX) {
            self.errors.push(source.error(at, message, mend));
        }
    }

    fn fault_at(&mut self, rule: &Rule, message: impl Into<String>, mend: impl Into<String>) {
        let error = of_rule(rule, rule.written.at, message, mend);
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(error);
        }
    }

    fn warn(&mut self, rule: &Rule, at: Spot, message: impl Into<String>, mend: impl Into<String>) {
        if self.warnings.len() < ERRORS_MAX {
            self.warnings.push(of_rule(rule, at, message, mend));
        }
    }

    /// An overlay is for the set and release of the grammar that it is held against.
    fn right_grammar(&mut self, layer: &OverlaySource) {
        let (set, release) = (&self.grammar.set, &self.grammar.release);
        let fits = layer.set() == set && layer.releases().any(|r| r == release);
        if !fits {
            let message = format!("the overlay is not for set {set} in release {release}");
            let at = Spot { line: layer.set.at.line.max(1), column: layer.set.at.column.max(1) };
            self.fault(at, message, "add the release to its first line, or leave the file out");
        }
    }

    /// A rule with its paths looked up.
    fn rule(
        &mut self,
        layer: usize,
        source: &OverlaySource,
        written: &Arc<RuleSource>,
    ) -> Option<Rule> {
        self.clean = true;
        let test = self.test(&written.body);
        let own = test.as_ref().and_then(|t| t.place().cloned());
        let mut conditions = Vec::with_capacity(written.conditions.len());
        for condition in &written.conditions {
            let place = match condition.test {
                TestSource::Is(_) | TestSource::IsNot(_) => self.value(&condition.path),
                TestSource::Present | TestSource::Absent => self.place(&condition.path),
            };
            let Some(place) = place else { continue };
            let common = own.as_ref().map_or(0, |own| shared(&own.scope, &place.scope));
            let same_segment =
                own.as_ref().is_some_and(|own| own.each && place.each && own.same_segment(&place));
            let test = condition_test(condition);
            conditions.push(Condition { place, test, shared: common, same_segment });
        }
        if !self.clean {
            return None;
        }
        Some(Rule {
            written: Arc::clone(written),
            severity: written.severity.unwrap_or(Severity::Error),
            line: source.rule_line(written.at),
            replaced: None,
            layer,
            conditions: conditions.into(),
            test: test?,
        })
    }
}

fn condition_test(condition: &ConditionSource) -> ConditionTest {
    let codes = |words: &[super::source::Word]| {
        let mut codes: Vec<super::plan::Code> =
            words.iter().map(|w| w.text.as_bytes().into()).collect();
        // In whatever order they were written, it is the same condition.
        codes.sort_unstable();
        codes.into_boxed_slice()
    };
    match &condition.test {
        TestSource::Present => ConditionTest::Present,
        TestSource::Absent => ConditionTest::Absent,
        TestSource::Is(words) => ConditionTest::Is(codes(words)),
        TestSource::IsNot(words) => ConditionTest::IsNot(codes(words)),
    }
}

fn of_rule(
    rule: &Rule,
    at: Spot,
    message: impl Into<String>,
    mend: impl Into<String>,
) -> LineError {
    LineError {
        file: Arc::clone(&rule.line.file),
        line: at.line,
        column: at.column,
        message: message.into(),
        mend: mend.into(),
    }
}
