//! The check of a set under an overlay: which rules are broken is found in one quick pass (`scan`); only those are
//! looked at again, and said in words.

mod allow;
#[cfg(test)]
mod laws;
mod levels;
mod look;
mod numbers;
mod rules;
mod words;

use std::sync::Arc;

use super::Overlay;
use super::plan::{Code, Condition, ConditionTest, Rule};
use super::scan::{Run, Scratch};
use crate::findings::Findings;
use crate::grammar::{Checker, Tree, Walked};
use crate::x12::Segments;
pub(super) use look::{Look, has_value, is_among, is_one_of};
pub(super) use numbers::{Sum, number};
pub(super) use rules::{is_numeric, is_of_type, length_fault, told_apart};

/// See [`Overlay::check`].
pub(super) fn check(
    overlay: &Overlay,
    walked: &Walked<'_>,
    scratch: &mut Scratch,
    findings: &mut Findings,
) {
    let same = walked.tree.segments.len() == walked.segments.len()
        && walked.grammar.set == overlay.grammar.set
        && walked.grammar.release == overlay.grammar.release;
    if same {
        let is_suspicious = overlay.scan.run(walked, scratch);
        tell(overlay, walked, is_suspicious.then_some(&*scratch), findings);
    }
}

/// See [`Overlay::walk`].
pub(super) fn walk(
    overlay: &Overlay,
    checker: &Checker,
    set: &Segments<'_>,
    (walk, tree): (&mut crate::grammar::Scratch, &mut Tree),
    scratch: &mut Scratch,
    findings: &mut Findings,
) {
    let grammar = checker.grammar();
    // Its plans look into the code lists of the grammar that it was held against.
    if !Arc::ptr_eq(grammar, &overlay.grammar) {
        checker.check(set, walk, tree, findings);
        let walked = Walked { segments: *set, tree, grammar };
        return check(overlay, &walked, scratch, findings);
    }
    let mut run = Run::begin(&overlay.scan, grammar, set.delimiters(), scratch);
    checker.check_watched(set, (walk, tree), findings, &mut run);
    let is_suspicious = run.finish();
    let walked = Walked { segments: *set, tree, grammar };
    tell(overlay, &walked, is_suspicious.then_some(&*scratch), findings);
}

/// Takes findings of the grammar's check back, and adds those of the rules that are suspected.
fn tell(
    overlay: &Overlay,
    walked: &Walked<'_>,
    suspicious: Option<&Scratch>,
    findings: &mut Findings,
) {
    let look = Look::new(walked);
    if !findings.is_empty() {
        allow::take_back(&overlay.rules, &look, findings);
    }
    let Some(scratch) = suspicious else { return };
    let suspected =
        overlay.rules.iter().zip(&scratch.suspected).filter(|(_, suspected)| **suspected);
    for (rule, _) in suspected {
        rules::judge(rule, &overlay.rules, &look, findings);
    }
}

/// The conditions of a rule, each with what was found the last time: instances come in order, and mostly ask the same.
pub(super) struct Conditions<'a> {
    conditions: &'a [Condition],
    last: Vec<Option<(u32, bool)>>,
}

impl<'a> Conditions<'a> {
    pub(super) fn new(rule: &'a Rule) -> Self {
        Self { conditions: &rule.conditions, last: vec![None; rule.conditions.len()] }
    }

    /// Whether all hold for an instance that stands `depth` loops deep, and a segment in it.
    pub(super) fn hold(
        &mut self,
        look: &Look<'a>,
        instance: u32,
        depth: usize,
        segment: Option<usize>,
    ) -> bool {
        self.conditions.iter().zip(&mut self.last).all(|(condition, last)| {
            if let Some(index) = segment.filter(|_| condition.same_segment) {
                return of_segments(condition, look, &mut std::iter::once(index));
            }
            let shared = condition.shared.min(depth);
            let around = look.outer(instance, depth - shared);
            if let Some((_, known)) = last.filter(|(at, _)| *at == around) {
                return known;
            }
            let place = &condition.place;
            let mut segments =
                look.instances(&place.scope, around).flat_map(|at| look.segments(place, at));
            let holds = of_segments(condition, look, &mut segments);
            *last = Some((around, holds));
            holds
        })
    }
}

/// Whether a condition holds for the segments of its place.
fn of_segments<'a>(
    condition: &'a Condition,
    look: &Look<'a>,
    segments: &mut dyn Iterator<Item = usize>,
) -> bool {
    let Some(spot) = &condition.place.element else {
        let there = segments.next().is_some();
        return there == (condition.test == ConditionTest::Present);
    };
    let mut values = segments.flat_map(|index| look.values(spot, index));
    let is_it =
        |codes: &[Code], value: &[u8]| is_one_of(look.grammar, &condition.place, codes, value);
    match &condition.test {
        ConditionTest::Present => values.next().is_some(),
        ConditionTest::Absent => values.next().is_none(),
        ConditionTest::Is(codes) => values.any(|v| is_it(codes, v.bytes)),
        ConditionTest::IsNot(codes) => {
            let mut some = false;
            values.all(|v| {
                some = true;
                !is_it(codes, v.bytes)
            }) && some
        }
    }
}
