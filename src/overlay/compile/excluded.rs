//! Rules on what another rule keeps from them: levels that the hierarchy leaves out, segments that are allowed where no
//! rule looks.

use super::super::plan::{Level, LoopStep, Qualifier, Rule, Test};
use super::conflicts::narrower;
use super::dead::{path_of, qualifier_place};
use super::layers::subject_text;
use super::{Compiler, code_list};
use crate::grammar::{Nested, NodeId};

impl Compiler<'_> {
    pub(super) fn excluded(&mut self, rule: &Rule, rules: &[Rule]) {
        self.excluded_level(rule, rules);
        self.allowed_unseen(rule, rules);
    }

    /// The rule speaks of levels of which the hierarchy has none.
    fn excluded_level(&mut self, rule: &Rule, rules: &[Rule]) {
        let agreed = rules.iter().find_map(|rule| match &rule.test {
            Test::Hierarchy { node, levels } => Some((rule, *node, levels)),
            _ => None,
        });
        let Some(((by, node, levels), place)) = agreed.zip(rule.test.place()) else { return };
        let Some(nested) = self.grammar.node(node).nested else { return };
        let opens = place.opens && self.grammar.node(place.node).parent == node;
        let own = place.qualifier.as_ref().filter(|_| opens);
        let around = place.scope.iter().filter(|step| step.node == node);
        let mut told_by = around.filter_map(level).chain(own);
        let Some(outside) = told_by.find(|qualifier| is_outside(qualifier, nested, levels)) else {
            return;
        };
        let named: Vec<_> = outside.codes.iter().map(|code| crate::x12::decode(code)).collect();
        let message = format!(
            "{} speaks of the level {}, which the `hierarchy` at {}:{} leaves out",
            subject_text(rule),
            named.join(", "),
            by.line.file,
            by.line.line
        );
        let at = path_of(&rule.written.body).map_or(rule.written.at, |path| path.at);
        self.warn(rule, at, message, "take the rule out, or name the level in the hierarchy");
    }

    /// A segment is allowed where the grammar has none, and asked for where it has one.
    fn allowed_unseen(&mut self, rule: &Rule, rules: &[Rule]) {
        let Test::Allow(allowed) = &rule.test else { return };
        let Some(place) = allowed.place.as_ref().filter(|p| p.element.is_none()) else { return };
        // Of a code that is not in the list, it is the code that is allowed.
        if place.qualifier.as_ref().is_some_and(|q| !self.is_listed(place.node, q)) {
            return;
        }
        let asks = |other: &&Rule| match &other.test {
            Test::Require(of) => {
                of.node == place.node
                    && of.scope == place.scope
                    && (of.element.is_none() || !of.each)
                    && narrower(place.qualifier.as_ref(), of.qualifier.as_ref())
            }
            _ => false,
        };
        let Some(asks) = rules.iter().find(asks) else { return };
        let message = format!(
            "`require {}` at {}:{} looks only where the grammar has it: one that stands elsewhere is allowed here, and \
             told as missing there",
            asks.written.path, asks.line.file, asks.line.line
        );
        let mend = "take one of them out, or weigh the other `as warning`";
        self.warn(rule, rule.written.at, message, mend);
    }

    fn is_listed(&self, node: NodeId, qualifier: &Qualifier) -> bool {
        let list = code_list(self.grammar, &qualifier_place(node, qualifier));
        let list = list.map(|id| self.grammar.code_list(id));
        list.is_none_or(|list| qualifier.codes.iter().all(|c| list.codes.contains_key(&**c)))
    }
}

fn level(step: &LoopStep) -> Option<&Qualifier> {
    step.qualifier.as_ref()
}

/// Whether a qualifier names levels, and none of those that were agreed.
fn is_outside(qualifier: &Qualifier, nested: Nested, levels: &[Level]) -> bool {
    let agreed = |code: &[u8]| levels.iter().any(|level| *level.code == *code);
    (qualifier.position, qualifier.component) == (nested.level, 0)
        && !qualifier.codes.iter().any(|code| agreed(code))
}
