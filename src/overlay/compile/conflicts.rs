//! Rules that contradict each other: with them the meaning of an overlay is unclear.

use super::super::plan::{Place, Rule, Test};
use super::Compiler;
use super::layers::subject_text;
use crate::grammar::Grammar;

impl Compiler<'_> {
    pub(super) fn conflicts(&mut self, rules: &[Rule]) {
        for forbids in rules {
            let Test::Forbid(forbidden) = &forbids.test else { continue };
            for rule in rules {
                let Test::Require(place) = &rule.test else { continue };
                let both = forbids.conditions.is_empty()
                    || rule.conditions.is_empty()
                    || forbids.conditions == rule.conditions;
                let same = place == forbidden;
                let inside = covers(self.grammar, forbidden, place);
                // A rule for a special case beside the general one: what is required there is forbidden for good.
                if !(same && both || inside && forbids.conditions.is_empty()) {
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
                    "take one of them out, or give each a condition of its own".to_owned()
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

    /// The rule that forbids for good what another rule speaks of.
    pub(super) fn forbidden_by<'r>(&self, rule: &Rule, rules: &'r [Rule]) -> Option<&'r Rule> {
        let place = rule.test.place()?;
        rules.iter().find(|other| match &other.test {
            Test::Forbid(forbidden) if other.conditions.is_empty() => {
                !std::ptr::eq(*other, rule)
                    && (forbidden == place || covers(self.grammar, forbidden, place))
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

/// Whether what is forbidden holds the place: a loop around it, or its segment.
pub(super) fn covers(grammar: &Grammar, forbidden: &Place, place: &Place) -> bool {
    if forbidden.element.is_some() {
        return false;
    }
    let narrower = |own: &Option<super::super::plan::Qualifier>| {
        forbidden.qualifier.is_none() || forbidden.qualifier == *own
    };
    if place.element.is_some() && forbidden.scope == place.scope && forbidden.node == place.node {
        return narrower(&place.qualifier);
    }
    let depth = forbidden.scope.len();
    forbidden.opens
        && place.scope.len() > depth
        && place.scope[..depth] == *forbidden.scope
        && grammar.node(place.scope[depth].node).children.first() == Some(&forbidden.node)
        && narrower(&place.scope[depth].qualifier)
}
