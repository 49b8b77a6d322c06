//! What the counters say: facts with their evidence, as rules of the overlay language.

use super::evidence::{Confidence, Evidence};
use super::lines;
use super::paths::{self, bare};
use super::sheet::Sheet;
use super::tally::{Part, PartKey, Scope};
use crate::findings::Severity;

/// Documents from which on what was always there is asked for.
const REQUIRE_MIN: u64 = 3;
/// The most by which chance may be the reason that something depends on something else, all that was tried counted.
const CHANCE_MAX: f64 = 0.01;

/// What a fact is about, in the order of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// What is used though the grammar has it not.
    Allowed,
    /// The levels of a nested loop.
    Levels,
    /// Counts, sums, check digits, what never comes twice.
    Numbers,
    /// What is always there.
    Required,
    /// What is there only in some kinds of documents.
    Conditions,
    /// How long values are.
    Lengths,
    /// Codes, and values that never change.
    Codes,
    /// How often something comes.
    Limits,
    /// What is never there.
    Unused,
}

/// A fact as a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// What it is about.
    pub topic: Topic,
    /// The rule, as an overlay has it.
    pub rule: String,
    /// What shows it.
    pub evidence: Evidence,
    /// How sure it is.
    pub confidence: Confidence,
    /// Whether the rule is in force in the draft, and with which weight; `None`: it is commented out.
    pub active: Option<Severity>,
    /// What its reader should know besides; empty for nothing.
    pub remark: &'static str,
}

impl Fact {
    /// A fact that is in force from a confidence on.
    pub(super) fn from(
        least: Option<Confidence>,
        topic: Topic,
        rule: String,
        evidence: Evidence,
    ) -> Self {
        let confidence = evidence.confidence();
        let sure = least.is_some_and(|least| confidence >= least) && evidence.held == evidence.of;
        let active = sure.then_some(Severity::Error);
        Self { topic, rule, evidence, confidence, active, remark: "" }
    }

    /// What was always so: in force from three documents on, as a warning where it is not sure.
    pub(super) fn always(topic: Topic, rule: String, evidence: Evidence) -> Self {
        let confidence = evidence.confidence();
        let weight =
            if confidence == Confidence::Low { Severity::Warning } else { Severity::Error };
        let sure = evidence.held == evidence.of && evidence.documents >= REQUIRE_MIN;
        let active = sure.then_some(weight);
        Self { topic, rule, evidence, confidence, active, remark: "" }
    }
}

/// All facts, by topic, and within one in the order of the set.
pub(super) fn of(sheet: &Sheet) -> Vec<Fact> {
    let mut facts = Vec::new();
    allowed(sheet, &mut facts);
    levels(sheet, &mut facts);
    numbers(sheet, &mut facts);
    lines::scope(sheet, 0, &mut facts);
    conditions(sheet, &mut facts);
    facts.sort_by_key(|fact| fact.topic);
    facts
}

fn allowed(sheet: &Sheet, facts: &mut Vec<Fact>) {
    for ((node, position, component), codes) in &sheet.unlisted {
        let path = bare(&sheet.grammar, *node, *position, *component);
        // Without it documents that were accepted so far would have findings, so that one proves enough.
        let documents = codes.values().copied().max().unwrap_or(0);
        let names: Vec<&str> = codes.keys().map(AsRef::as_ref).collect();
        facts.push(Fact {
            topic: Topic::Allowed,
            rule: format!("codes {path} + {}", names.join(" ")),
            evidence: Evidence::documents(documents, sheet.documents),
            confidence: Confidence::of(documents),
            active: Some(Severity::Error),
            remark: "not in the list of the release",
        });
    }
    for (tag, &documents) in &sheet.strangers {
        facts.push(Fact {
            topic: Topic::Allowed,
            rule: format!("allow {tag}"),
            evidence: Evidence::documents(documents, sheet.documents),
            confidence: Confidence::of(documents),
            active: (documents >= REQUIRE_MIN).then_some(Severity::Error),
            remark: "the release has no such segment",
        });
    }
}

fn levels(sheet: &Sheet, facts: &mut Vec<Fact>) {
    let all = sheet.levels.documents();
    let common = sheet.levels.common();
    let words = |order: &[String]| -> Option<String> {
        // One level has no order.
        if order.len() < 2 {
            return None;
        }
        let names = order.iter().map(|level| super::levels::name(&sheet.grammar, level));
        Some(format!("hierarchy {}", names.collect::<Option<Vec<String>>>()?.join(" ")))
    };
    if let Some(common) = common {
        facts.extend(
            words(common)
                .map(|rule| Fact::always(Topic::Levels, rule, Evidence::documents(all, all))),
        );
        return;
    }
    for (order, &documents) in &sheet.levels.orders {
        let evidence = Evidence::documents(documents, all);
        facts.extend(words(order).map(|rule| Fact::from(None, Topic::Levels, rule, evidence)));
    }
}

/// Of several hypotheses on one subject the first that always held is in force.
fn numbers(sheet: &Sheet, facts: &mut Vec<Fact>) {
    let mut taken: Vec<String> = Vec::new();
    for trial in sheet.trials.iter().filter(|t| t.tried > 0 && t.held == t.tried) {
        let Some((subject, rule)) = trial.text() else { continue };
        let evidence = Evidence::documents(trial.held, trial.tried);
        let mut fact = Fact::always(Topic::Numbers, rule, evidence);
        if taken.contains(&subject) {
            fact.active = None;
            fact.remark = "as true as the line above: the samples cannot tell which is meant";
        }
        taken.push(subject);
        facts.push(fact);
    }
}

/// What is always there where a code of the heading says so, and otherwise mostly not; and what is never there with such
/// a code, and otherwise mostly is. That it is so by chance each time must be less likely than one in a hundred, all
/// pairs that were compared counted.
fn conditions(sheet: &Sheet, facts: &mut Vec<Fact>) {
    let near = || sheet.scopes.iter().enumerate().filter(|(_, scope)| scope.depth <= 1);
    let parts: usize = near().map(|(_, scope)| scope.parts.len()).sum();
    let tests = real((parts * sheet.choices.met.len()).max(1) as u64);
    for (at, scope) in near() {
        let path = sheet.path(at);
        for (key, part) in &scope.parts {
            if part.instances == scope.instances || paths::opens(&sheet.grammar, key.0) {
                continue;
            }
            let compared = Compared { sheet, scope, key, part, tests };
            let step = paths::step(sheet.grammar.node(key.0), key.1.as_deref());
            let found = [("require", compared.always()), ("forbid", compared.never())];
            for (word, (number, with)) in found.into_iter().filter_map(|(w, f)| Some((w, f?))) {
                let choice = &sheet.choices.met[number];
                let tag = sheet.grammar.segment_at(choice.node).tag;
                let subject = format!("{tag}{:02} = {}", choice.position, choice.code);
                let rule = format!("when {subject} {word} {}", paths::join(&path, &step));
                let what = format!("with {subject}");
                let evidence = Evidence { held: with, of: with, what, documents: with };
                facts.push(Fact::always(Topic::Conditions, rule, evidence));
            }
        }
    }
}

/// A part of a scope, held against the codes of the heading.
struct Compared<'a> {
    sheet: &'a Sheet,
    scope: &'a Scope,
    key: &'a PartKey,
    part: &'a Part,
    /// How many pairs are compared in all.
    tests: f64,
}

impl Compared<'_> {
    /// The code with which it is always there.
    fn always(&self) -> Option<(usize, u64)> {
        let (node, qualifier) = self.key;
        let whole =
            |part: &Part, number| part.whole_with.get(number) == self.scope.with.get(number);
        let best = self.best(|number| whole(self.part, number), |with_it, _| with_it);
        // The path of a loop's qualified instances says more than that of all of them.
        best.filter(|&(number, _)| {
            let mut others = self.scope.parts.iter();
            qualifier.is_some()
                || !others.any(|((n, q), p)| n == node && q.is_some() && whole(p, number))
        })
    }

    /// The code with which it is never there.
    fn never(&self) -> Option<(usize, u64)> {
        let (node, qualifier) = self.key;
        let none = |part: &Part, number| part.any_with.get(number) == 0;
        let best = self.best(|number| none(self.part, number), |_, without| without);
        // That there is none at all says more than that there is none with a code.
        best.filter(|&(number, _)| {
            let all = self.scope.parts.get(&(*node, None)).filter(|_| qualifier.is_some());
            all.is_none_or(|all| !none(all, number))
        })
    }

    /// The code with which `holds` is least likely to be chance, and the documents that have it. `alike` chooses of
    /// the other documents, those with the part and those without it, the ones that are alike.
    fn best(
        &self,
        holds: impl Fn(usize) -> bool,
        alike: impl Fn(u64, u64) -> u64,
    ) -> Option<(usize, u64)> {
        let mut best: Option<(f64, usize, u64)> = None;
        for (number, choice) in self.sheet.choices.met.iter().enumerate() {
            let with = self.scope.with.get(number);
            let others = self.scope.documents - with;
            let enough = Confidence::of(with) > Confidence::Low && others >= REQUIRE_MIN;
            // That a segment is there whose code is there says nothing.
            if !enough || choice.node == self.key.0 || !holds(number) {
                continue;
            }
            let having = self.part.documents - self.part.any_with.get(number);
            let rate = real(alike(having, others - having) + 1) / real(others + 2);
            let chance = self.tests * rate.powi(i32::try_from(with).unwrap_or(i32::MAX));
            if chance <= CHANCE_MAX && best.is_none_or(|(least, ..)| chance < least) {
                best = Some((chance, number, with));
            }
        }
        best.map(|(_, number, with)| (number, with))
    }
}

/// A count, for the reckoning of chances.
#[allow(clippy::cast_precision_loss, reason = "no count of documents comes near 2^52")]
fn real(count: u64) -> f64 {
    count as f64
}
