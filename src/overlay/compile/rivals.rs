//! Rules of which one leaves another nothing: values that both cannot have, conditions that no clean document meets, an
//! element that is said to be two things.

use super::super::check::is_numeric;
use super::super::plan::{Condition, ConditionTest, Place, Rule, Test};
use super::super::source::{Body, Spot, Word};
use super::Compiler;
use super::conflicts::{covers, is_wider};
use super::dead::path_of;
use crate::findings::Severity;
use crate::grammar::check::value::{is_date, is_time, number_digits};
use crate::grammar::{DataType, ElementShape, digits};

impl Compiler<'_> {
    pub(super) fn rivals(&mut self, rule: &Rule, rules: &[Rule]) {
        for other in rules.iter().filter(|other| !std::ptr::eq(*other, rule) && binds(other)) {
            self.dead_condition(rule, other);
            self.values_apart(rule, other);
            self.stated_twice(rule, other);
            self.limited_already(rule, other);
        }
        self.too_many(rule, rules);
        self.no_numbers(rule);
    }

    /// A condition that a document which keeps to another rule never meets.
    fn dead_condition(&mut self, rule: &Rule, other: &Rule) {
        let written = std::sync::Arc::clone(&rule.written);
        for (condition, source) in rule.conditions.iter().zip(&written.conditions) {
            let never = match (&other.test, &condition.test) {
                (Test::Codes { place, codes, besides: false }, ConditionTest::Is(asked)) => {
                    over(place, &condition.place) && !asked.iter().any(|code| codes.contains(code))
                }
                (Test::Codes { place, codes, besides: false }, ConditionTest::IsNot(asked)) => {
                    over(place, &condition.place) && codes.iter().all(|code| asked.contains(code))
                }
                (Test::Require(place), ConditionTest::Absent) => {
                    *place == condition.place && (place.element.is_none() || !place.each)
                }
                (Test::Forbid(place), test) if *test != ConditionTest::Absent => {
                    self.is_forbidden(place, condition)
                }
                _ => false,
            };
            if never {
                let message = format!(
                    "the condition on `{}` never holds where `{} is kept to",
                    source.path.text,
                    named(other)
                );
                let mend = "take the rule out, or mend one of them";
                self.warn(rule, source.path.at, message, mend);
            }
        }
    }

    fn is_forbidden(&self, forbidden: &Place, condition: &Condition) -> bool {
        let place = &condition.place;
        forbidden == place || is_wider(forbidden, place) || covers(self.grammar, forbidden, place)
    }

    /// What two rules ask of one value, and none can be both.
    fn values_apart(&mut self, rule: &Rule, other: &Rule) {
        let Some((place, of)) = rule.test.place().zip(other.test.place()) else { return };
        // Each pair is told once: at the narrower place, or where it is the same, at the later rule.
        let told = over(of, place) && (!over(place, of) || after(rule, other));
        if !told {
            return;
        }
        match (&rule.test, &other.test) {
            (Test::Length(_, min, max), Test::Length(_, least, most))
                if min > most || max < least =>
            {
                self.nobody(rule, other, "no value has both lengths");
            }
            (Test::Length(_, min, max), Test::Digits(_, scheme))
            | (Test::Digits(_, scheme), Test::Length(_, min, max))
                if !scheme.lengths().iter().any(|length| (min..=max).contains(&length)) =>
            {
                self.nobody(rule, other, &format!("{} has another length", scheme.words()));
            }
            // 5 and 5.0 are one number.
            (Test::Codes { .. }, _) | (_, Test::Codes { .. })
                if is_numeric(self.grammar, place) => {}
            (Test::Codes { besides: false, .. }, _) => {
                for (at, code) in named_codes(rule) {
                    if let Some(why) = not_so(&code, other) {
                        self.not_both(rule, other, (at, &code), &why);
                    }
                }
            }
            (_, Test::Codes { besides: false, .. }) => {
                for (_, code) in named_codes(other) {
                    if let Some(why) = not_so(&code, rule) {
                        let at = path_of(&rule.written.body).map_or(rule.written.at, |p| p.at);
                        self.not_both(rule, other, (at, &code), &why);
                    }
                }
            }
            _ => {}
        }
    }

    fn nobody(&mut self, rule: &Rule, other: &Rule, why: &str) {
        let at = path_of(&rule.written.body).map_or(rule.written.at, |path| path.at);
        let message = format!("nobody can keep to this and to `{}: {why}", named(other));
        self.warn(rule, at, message, "take one of them out, or mend it");
    }

    fn not_both(&mut self, rule: &Rule, other: &Rule, (at, code): (Spot, &str), why: &str) {
        let message = format!("`{code}` cannot keep to `{}: {why}", named(other));
        self.warn(rule, at, message, "take the code out, or mend the other rule");
    }

    /// An element that states two counts or sums.
    fn stated_twice(&mut self, rule: &Rule, other: &Rule) {
        let total = |rule: &Rule| matches!(rule.test, Test::Count { .. } | Test::Sum { .. });
        if !total(rule) || !total(other) || !after(rule, other) {
            return;
        }
        if rule.test.place().zip(other.test.place()).is_some_and(|(a, b)| a.same_values(b)) {
            self.nobody(rule, other, "the element would state two totals");
        }
    }

    /// A limit on some of what is limited to no more anyway.
    fn limited_already(&mut self, rule: &Rule, other: &Rule) {
        let (Test::Limit(place, limit), Test::Limit(of, all)) = (&rule.test, &other.test) else {
            return;
        };
        if place != of && is_wider(of, place) && all <= limit {
            let at = path_of(&rule.written.body).map_or(rule.written.at, |path| path.at);
            let message =
                format!("`{} keeps it to {all} anyway: the rule never fires", named(other));
            self.warn(rule, at, message, "write a smaller number, or take the rule out");
        }
    }

    /// More are required, each with another qualifier, than may be there.
    fn too_many(&mut self, rule: &Rule, rules: &[Rule]) {
        let Test::Limit(place, limit) = &rule.test else { return };
        if !binds(rule) {
            return;
        }
        let mut required: Vec<&Place> = Vec::new();
        for other in rules.iter().filter(|other| binds(other)) {
            let Test::Require(of) = &other.test else { continue };
            let apart = |known: &&Place| match (&known.qualifier, &of.qualifier) {
                (Some(a), Some(b)) => !a.codes.iter().any(|code| b.codes.contains(code)),
                _ => false,
            };
            let whole = of.element.is_none() && is_wider(place, of);
            if whole && required.iter().all(apart) {
                required.push(of);
            }
        }
        let count = required.len();
        if count > usize::try_from(*limit).unwrap_or(usize::MAX) {
            let at = path_of(&rule.written.body).map_or(rule.written.at, |path| path.at);
            let message = format!("{count} of them are required, each with another qualifier");
            self.warn(rule, at, message, "write a greater number, or take one of the rules out");
        }
    }

    /// A sum of what is never a number, or one that is stated where no number stands.
    fn no_numbers(&mut self, rule: &Rule) {
        let Body::Sum { path, terms, .. } = &rule.written.body else { return };
        let Test::Sum { place, terms: summed, .. } = &rule.test else { return };
        let factors = terms.iter().flat_map(|term| &term.factors);
        let places = summed.iter().flat_map(|term| &term.factors);
        let paths = std::iter::once((path, place)).chain(factors.zip(places));
        let found: Vec<_> = paths
            .filter_map(|(path, place)| Some((path.at, path.text.clone(), self.no_number(place)?)))
            .collect();
        for (at, path, what) in found {
            let message = format!("`{path}` holds {what}, not numbers: the rule never fires");
            self.warn(rule, at, message, "look for a slip in the path");
        }
    }

    fn no_number(&self, place: &Place) -> Option<&'static str> {
        let shape = super::definition(self.grammar, place)?.shape;
        let ElementShape::Simple { data_type, .. } = shape else { return None };
        match data_type {
            DataType::Id => Some("codes"),
            DataType::Dt => Some("dates"),
            DataType::Tm => Some("times"),
            _ => None,
        }
    }
}

/// Whether a document that breaks the rule is not clean, whatever else it says.
fn binds(rule: &Rule) -> bool {
    rule.conditions.is_empty() && rule.severity >= Severity::Error
}

/// Whether one rule stands behind another, or in a layer above it.
fn after(rule: &Rule, other: &Rule) -> bool {
    let place = |rule: &Rule| (rule.layer, rule.written.at.line, rule.written.at.column);
    place(rule) > place(other)
}

/// Whether what is asked of one place is asked of all values of another.
fn over(wide: &Place, place: &Place) -> bool {
    // Most are told apart by this, and there may be very many pairs.
    let may_be = wide.node == place.node && wide.element.is_some() && wide.element == place.element;
    may_be && {
        let each = |of: &Place| Place { each: true, ..of.clone() };
        wide.same_values(place) || is_wider(&each(wide), &each(place))
    }
}

/// The codes of a rule, where each stands; of those in force, what is in the line itself.
fn named_codes(rule: &Rule) -> Vec<(Spot, String)> {
    let Body::Codes { codes, .. } = &rule.written.body else { return Vec::new() };
    codes.iter().map(|word: &Word| (word.at, word.text.clone())).collect()
}

/// Why a value does not keep to a rule; nothing where it does, or the rule asks nothing of values.
fn not_so(value: &str, rule: &Rule) -> Option<String> {
    let bytes = value.as_bytes();
    match &rule.test {
        Test::Codes { codes, besides: false, .. } => (!codes.iter().any(|code| **code == *bytes))
            .then(|| "it is none of its codes".to_owned()),
        Test::Length(_, min, max) => {
            let length = u32::try_from(value.chars().count()).unwrap_or(u32::MAX);
            (!(min..=max).contains(&&length)).then(|| "it has another length".to_owned())
        }
        Test::Digits(_, scheme) => {
            (!digits::is_right(*scheme, bytes)).then(|| format!("it is not {}", scheme.words()))
        }
        Test::Type(_, data_type) => {
            let fits = match data_type {
                DataType::R => number_digits(bytes, true).is_some(),
                DataType::N(_) => number_digits(bytes, false).is_some(),
                DataType::Dt => is_date(bytes),
                DataType::Tm => is_time(bytes),
                _ => true,
            };
            (!fits).then(|| "it is of another type".to_owned())
        }
        _ => None,
    }
}

/// A rule as it is named in words, behind a backtick, with its file and line.
fn named(rule: &Rule) -> String {
    let (word, path) = (rule.written.body.kind().word(), &rule.written.path);
    format!("{word} {path}` at {}:{}", rule.line.file, rule.line.line)
}
