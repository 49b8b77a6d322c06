//! Findings of the grammar's check that the agreement takes back.

use super::Conditions;
use super::look::{Look, is_among};
use crate::findings::{self, Finding, Findings};
use crate::grammar::NodeId;
use crate::overlay::plan::{Allowed, Code, ElementSpot, Place, Rule, Test};

/// Takes back what the rules allow, and what they say better.
pub(super) fn take_back(rules: &[Rule], look: &Look<'_>, findings: &mut Findings) {
    let mut allowing: Vec<(&Rule, Conditions<'_>)> = rules
        .iter()
        .filter(|r| matches!(r.test, Test::Allow(_) | Test::Codes { .. }))
        .map(|r| (r, Conditions::new(r)))
        .collect();
    if allowing.is_empty() {
        return;
    }
    findings.retain(|finding| {
        let index = match finding.code {
            findings::Code::InvalidCode
            | findings::Code::SegmentUnrecognised
            | findings::Code::SegmentUnexpected
            | findings::Code::SegmentNotInSet
            | findings::Code::SegmentOutOfOrder => {
                (finding.place.segment_position as usize).checked_sub(1)
            }
            _ => None,
        };
        let Some(index) = index else { return true };
        !allowing.iter_mut().any(|(rule, conditions)| match &rule.test {
            Test::Codes { place, codes, besides } => {
                let Some(spot) = &place.element else { return false };
                finding.code == findings::Code::InvalidCode
                    && is_at(spot, finding)
                    && (value_is(codes, finding) || says_more(rule, *besides, finding))
                    && stands_in(look, place, index, conditions)
            }
            Test::Allow(allowed) => is_allowed(allowed, finding, index, look, conditions),
            _ => false,
        })
    });
}

/// Whether the rule itself tells of a code that is not listed, and weighs no less.
fn says_more(rule: &Rule, besides: bool, finding: &Finding) -> bool {
    (!besides || rule.written.severity.is_some()) && rule.severity >= finding.severity
}

/// The lines that under a condition allow more codes at a place than the one that names all of them.
pub(super) struct Besides<'a>(Vec<(&'a Place, &'a [Code], Conditions<'a>)>);

impl<'a> Besides<'a> {
    pub fn new(of: &Place, rules: &'a [Rule]) -> Self {
        // What holds without a condition stands among the codes of that line already.
        let under_condition = rules.iter().filter(|rule| !rule.conditions.is_empty());
        let more = under_condition.filter_map(|rule| match &rule.test {
            Test::Codes { place, codes, besides: true } if place.same_values(of) => {
                Some((place, &**codes, Conditions::new(rule)))
            }
            _ => None,
        });
        Self(more.collect())
    }

    /// Whether one of them allows a value of a segment.
    pub fn allow(&mut self, look: &Look<'a>, index: usize, value: &[u8]) -> bool {
        self.0.iter_mut().any(|(place, codes, conditions)| {
            is_among(codes, value) && stands_in(look, place, index, conditions)
        })
    }
}

/// Whether the finding is about an element of the place.
fn is_at(spot: &ElementSpot, finding: &Finding) -> bool {
    let place = &finding.place;
    let last = if spot.last == 0 { spot.position } else { spot.last };
    // Of pairs, the values.
    (spot.position..=last).contains(&place.element)
        && (spot.last == 0 || (place.element - spot.position) % 2 == 1)
        && (spot.component == 0 || spot.component == place.component)
}

fn value_is(codes: &[Code], finding: &Finding) -> bool {
    finding.value.as_ref().is_some_and(|value| is_among(codes, value.as_bytes()))
}

/// Whether a segment is one of the place, and the conditions hold for it.
fn stands_in<'a>(
    look: &Look<'a>,
    place: &'a Place,
    index: usize,
    conditions: &mut Conditions<'a>,
) -> bool {
    let Some(instance) = look.home(place, index) else { return false };
    look.is_of(instance, &place.scope)
        && look.qualified(place.qualifier.as_ref(), look.segment(index))
        && conditions.hold(look, instance, place.scope.len(), Some(index))
}

fn is_allowed<'a>(
    allowed: &'a Allowed,
    finding: &Finding,
    index: usize,
    look: &Look<'a>,
    conditions: &mut Conditions<'a>,
) -> bool {
    if finding.code == findings::Code::InvalidCode {
        let Some(place) = &allowed.place else { return false };
        let about = match (&place.element, &place.qualifier) {
            (Some(spot), _) => is_at(spot, finding),
            // Of a segment, the code that it is named by.
            (None, Some(qualifier)) => {
                finding.place.element == qualifier.position && value_is(&qualifier.codes, finding)
            }
            (None, None) => false,
        };
        return about && stands_in(look, place, index, conditions);
    }
    let Some(placed) = look.tree.segments.get(index) else { return false };
    let segment = look.segment(index);
    let fits = placed.node == NodeId::NONE
        && segment.tag() == allowed.tag
        && look.qualified(allowed.qualifier.as_ref(), segment);
    // The loop that was open, or one around it.
    let mut instance = placed.instance;
    fits && loop {
        if look.is_of(instance, &allowed.scope) {
            break conditions.hold(look, instance, allowed.scope.len(), None);
        }
        if instance == 0 {
            break false;
        }
        instance = look.outer(instance, 1);
    }
}
