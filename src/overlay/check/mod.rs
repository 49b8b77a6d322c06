//! The check of a set under an overlay: which rules are broken is found in one quick pass (`scan`); only those are
//! looked at again, and said in words.

mod allow;
mod levels;
mod look;
mod numbers;
mod rules;
mod words;

use super::Overlay;
use super::plan::{Condition, ConditionTest, Rule};
use crate::findings::Findings;
use crate::grammar::Walked;
pub(super) use look::{Look, is_among};
pub(super) use numbers::number;

/// See [`Overlay::check`].
pub(super) fn check(overlay: &Overlay, walked: &Walked<'_>, findings: &mut Findings) {
    let same = walked.tree.segments.len() == walked.segments.len()
        && walked.grammar.set == overlay.grammar.set
        && walked.grammar.release == overlay.grammar.release;
    if !same {
        return;
    }
    let look = Look::new(walked);
    if !findings.is_empty() {
        allow::take_back(&overlay.rules, &look, findings);
    }
    for rule in &overlay.rules {
        rules::judge(rule, &look, findings);
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
    match &condition.test {
        ConditionTest::Present => values.next().is_some(),
        ConditionTest::Absent => values.next().is_none(),
        ConditionTest::Is(codes) => values.any(|v| is_among(codes, v.bytes)),
        ConditionTest::IsNot(codes) => {
            let mut some = false;
            values.all(|v| {
                some = true;
                !is_among(codes, v.bytes)
            }) && some
        }
    }
}
