//! Rules in force as others see them.

use std::sync::Arc;

use super::against::{Compared, Comparison};
use super::check::is_numeric;
use super::plan::{Place, Rule, Test};
use super::source::{Body, Kind};
use crate::findings::{self, Severity};
use crate::grammar::{Grammar, NodeId, RuleLine};
use crate::map::ExtraLine;

/// A rule in force, as `partner show` prints it.
#[derive(Debug, Clone, Copy)]
pub struct RuleView<'a> {
    rule: &'a Rule,
    grammar: &'a Grammar,
}

impl<'a> RuleView<'a> {
    pub(super) fn new(rule: &'a Rule, grammar: &'a Grammar) -> Self {
        Self { rule, grammar }
    }

    /// What kind of rule.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.rule.written.body.kind()
    }

    /// The path that it speaks of, as written; empty where it speaks of none.
    #[must_use]
    pub fn path(&self) -> &'a str {
        &self.rule.written.path
    }

    /// The segment of the grammar that its path leads to; of a loop, the one that opens it.
    #[must_use]
    pub fn node(&self) -> Option<NodeId> {
        Some(self.place()?.node)
    }

    /// The first and last position of the element that its path leads to; `None` for a segment or loop.
    #[must_use]
    pub fn element(&self) -> Option<(u16, u16)> {
        let spot = self.place()?.element.as_ref()?;
        Some((spot.position, spot.last.max(spot.position)))
    }

    /// Whether its values are numbers, whose lengths are counted in digits.
    #[must_use]
    pub fn is_of_numbers(&self) -> bool {
        self.place().is_some_and(|place| is_numeric(self.grammar, place))
    }

    /// Whether it asks that there is such a segment or loop: it names that, or an element of one that is no step of
    /// its own (`N1[ST]/N301` asks each of these N1 for an N3; `N1[ST]/N104` asks for no N1).
    #[must_use]
    pub fn asks_for_segment(&self) -> bool {
        let Test::Require(place) = &self.rule.test else { return false };
        let own = place.scope.last().map(|step| self.grammar.node(step.node));
        let opening = own.and_then(|node| node.children.first()).filter(|_| !place.opens);
        place.element.is_none() || !place.each && opening != Some(&place.node)
    }

    fn place(&self) -> Option<&'a Place> {
        match &self.rule.test {
            Test::Allow(allowed) => allowed.place.as_ref(),
            test => test.place(),
        }
    }

    /// What stands behind the path, as written: `4/4`, `= HL`, `00 05`.
    #[must_use]
    pub fn what(&self) -> &'a str {
        &self.rule.written.what
    }

    /// What stands between `when` and the rule; `None` for a rule that always holds.
    #[must_use]
    pub fn condition(&self) -> Option<&'a str> {
        Some(self.rule.written.condition.as_str()).filter(|c| !c.is_empty())
    }

    /// Why the rule is there.
    #[must_use]
    pub fn reason(&self) -> Option<&'a str> {
        self.rule.written.reason.as_deref()
    }

    /// Where it was agreed: document, page, date.
    #[must_use]
    pub fn source(&self) -> Option<&'a str> {
        self.rule.written.source.as_deref()
    }

    /// The weight of its findings.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.rule.severity
    }

    /// The weight, where its line has to say it: another than that of an error, and of `codes PATH + …` any. Without
    /// one that rule leaves what is in no list to the grammar.
    #[must_use]
    pub fn weight(&self) -> Option<Severity> {
        let adds = matches!(self.rule.test, Test::Codes { besides: true, .. });
        let plain = self.rule.severity == Severity::Error;
        if adds { self.rule.written.severity } else { Some(self.rule.severity).filter(|_| !plain) }
    }

    /// Where it is written.
    #[must_use]
    pub fn line(&self) -> &'a RuleLine {
        &self.rule.line
    }

    /// Where the inherited rule stands that it took the place of.
    #[must_use]
    pub fn replaced(&self) -> Option<&'a RuleLine> {
        self.rule.replaced.as_ref()
    }

    /// The layer that it comes from; 0 = the outermost base.
    #[must_use]
    pub fn layer(&self) -> usize {
        self.rule.layer
    }
}

pub(super) fn map_line(rule: &Rule) -> Option<ExtraLine<'_>> {
    let Body::Map { within, field, text } = &rule.written.body else { return None };
    Some(ExtraLine {
        within: within.as_ref().map(|w| w.text.as_str()),
        text,
        file: &rule.line.file,
        line: rule.line.line,
        column: field.at.column,
    })
}

pub(super) fn comparison(rule: &Rule) -> Option<Comparison> {
    let Body::Against { document, what } = &rule.written.body else { return None };
    let compared = Compared::of(&document.text, &what.text)?;
    Some(Comparison { compared, severity: rule.severity, rule: finding_rule(rule) })
}

/// The rule as a finding names it.
pub(super) fn finding_rule(rule: &Rule) -> findings::Rule {
    findings::Rule {
        file: Arc::clone(&rule.line.file),
        line: rule.line.line,
        reason: rule.written.reason.clone(),
        source: rule.written.source.as_deref().map(str::to_owned),
        dependent: !rule.conditions.is_empty(),
    }
}
