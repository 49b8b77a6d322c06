//! Rules that contradict each other: with them the meaning of an overlay is unclear.

use super::super::plan::{Condition, ConditionTest, LoopStep, Place, Qualifier, Rule, Test};
use super::Compiler;
use super::layers::subject_text;
use crate::grammar::Grammar;

impl Compiler<'_> {
    pub(super) fn conflicts(&mut self, rules: &[Rule]) {
        for forbids in rules {
            let Test::Forbid(forbidden) = &forbids.test else { continue };
            for rule in rules {
                let Test::Require(place) = &rule.test else { continue };
                let wider = is_wider(forbidden, place);
                // What asks nothing where the segment is missing is contradicted only by what forbids it for good.
                let same = place == forbidden || wider && !place.each;
                let inside = wider || covers(self.grammar, forbidden, place);
                let for_good = forbids.conditions.is_empty();
                if !(same && !self.apart(forbids, rule) || inside && for_good) {
                    continue;
                }
                let later = rule.layer >= forbids.layer;
                let (told, other) = if later { (rule, forbids) } else { (forbids, rule) };
                let word = |r: &Rule| r.written.body.kind().word();
                let message = format!(
                    "`{} {}` contradicts `{} {}`, at {}:{}",
                    word(told),
                    told.written.path,
                    word(other),
                    other.written.path,
                    other.line.file,
                    other.line.line
                );
                let mend = if told.layer == other.layer {
                    "take one of them out, or give them conditions of which only one can hold"
                        .to_owned()
                } else {
                    format!(
                        "take the inherited rule back: `waive {} {}`",
                        word(other),
                        other.written.path
                    )
                };
                self.fault_at(told, message, mend);
            }
        }
    }

    /// Whether the conditions of two rules keep them from ever holding together.
    fn apart(&self, a: &Rule, b: &Rule) -> bool {
        a.conditions.iter().any(|one| {
            b.conditions.iter().any(|other| {
                let codes = match (&one.test, &other.test) {
                    (ConditionTest::Is(x), ConditionTest::Is(y)) => Some((x, y)),
                    _ => None,
                };
                // Of several segments each may have another code: who writes so means one.
                let other_codes = codes.is_some_and(|(x, y)| !x.iter().any(|c| y.contains(c)));
                one.place == other.place && other_codes
                    || self.contradicts(one, other)
                    || self.leaves_none(one, other)
                    || self.leaves_none(other, one)
            })
        })
    }

    /// Whether one condition asks that something is absent, and another speaks of what is in it.
    fn leaves_none(&self, absent: &Condition, other: &Condition) -> bool {
        absent.test == ConditionTest::Absent
            && other.test != ConditionTest::Absent
            && absent.shared <= other.shared
            && (is_wider(&absent.place, &other.place)
                || covers(self.grammar, &absent.place, &other.place))
    }

    /// The rule that forbids for good what another rule speaks of.
    pub(super) fn forbidden_by<'r>(&self, rule: &Rule, rules: &'r [Rule]) -> Option<&'r Rule> {
        let place = rule.test.place()?;
        rules.iter().find(|other| match &other.test {
            Test::Forbid(forbidden) if other.conditions.is_empty() => {
                !std::ptr::eq(*other, rule)
                    && (forbidden == place
                        || is_wider(forbidden, place)
                        || covers(self.grammar, forbidden, place))
            }
            _ => false,
        })
    }

    pub(super) fn dead_under(&mut self, rule: &Rule, by: &Rule) {
        let message = format!(
            "{} is forbidden at {}:{}, so this rule never fires",
            subject_text(rule),
            by.line.file,
            by.line.line
        );
        self.warn(rule, rule.written.at, message, "take one of them out");
    }
}

/// Whether a place is among those of the segment or element that is forbidden.
pub(super) fn is_wider(forbidden: &Place, place: &Place) -> bool {
    forbidden.node == place.node
        && forbidden.scope.len() == place.scope.len()
        && around(&forbidden.scope, &place.scope)
        && narrower(forbidden.qualifier.as_ref(), place.qualifier.as_ref())
        && (forbidden.element.is_none() || forbidden.element == place.element)
}

/// Whether what is forbidden holds the place: a loop around it, or its segment.
pub(super) fn covers(grammar: &Grammar, forbidden: &Place, place: &Place) -> bool {
    if forbidden.element.is_some() {
        return false;
    }
    if place.element.is_some()
        && forbidden.scope.len() == place.scope.len()
        && forbidden.node == place.node
    {
        return around(&forbidden.scope, &place.scope)
            && narrower(forbidden.qualifier.as_ref(), place.qualifier.as_ref());
    }
    let depth = forbidden.scope.len();
    forbidden.opens
        && place.scope.len() > depth
        && around(&forbidden.scope, &place.scope)
        && grammar.node(place.scope[depth].node).children.first() == Some(&forbidden.node)
        && narrower(forbidden.qualifier.as_ref(), place.scope[depth].qualifier.as_ref())
}

/// Whether a scope begins with loops that are among those of another.
fn around(outer: &[LoopStep], scope: &[LoopStep]) -> bool {
    let pairs = outer.iter().zip(scope);
    pairs.into_iter().all(|(outer, own)| {
        outer.node == own.node && narrower(outer.qualifier.as_ref(), own.qualifier.as_ref())
    })
}

/// Whether what has a qualifier is among what has another.
pub(super) fn narrower(wide: Option<&Qualifier>, own: Option<&Qualifier>) -> bool {
    let Some(wide) = wide else { return true };
    own.is_some_and(|own| {
        (own.position, own.component) == (wide.position, wide.component)
            && own.codes.iter().all(|code| wide.codes.contains(code))
    })
}
