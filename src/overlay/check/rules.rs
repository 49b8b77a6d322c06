//! Each kind of rule, judged in full: every place where it is broken becomes a finding.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::allow::Besides;
use super::look::{Look, Value, is_among, is_one_of};
use super::numbers::{self, number};
use super::words::Teller;
use super::{Conditions, levels};
use crate::findings::{Code, Findings};
use crate::grammar::check::value::{is_date, is_time, number_digits};
use crate::grammar::digits::{self, Scheme};
use crate::grammar::{DataType, ElementShape, Grammar};
use crate::overlay::compile::{code_list, definition};
use crate::overlay::plan::{LoopStep, Place, Rule, Term, Test};

/// Adds a finding for each place of the set where the rule is broken.
pub(super) fn judge(rule: &Rule, rules: &[Rule], look: &Look<'_>, findings: &mut Findings) {
    let mut judge = Judge {
        look,
        teller: Teller::new(rule, look, findings),
        conditions: Conditions::new(rule),
    };
    match &rule.test {
        Test::Require(place) if place.each => judge.require_each(place),
        Test::Require(place) => judge.require(place),
        Test::Forbid(place) => judge.forbid(place),
        Test::Limit(place, limit) => judge.limit(place, *limit),
        Test::Length(place, min, max) => {
            judge.values(place, |teller, index, value, numeric| {
                if let Some(code) = length_fault(value.bytes, *min, *max, numeric) {
                    teller.length(code, index, value, (*min, *max), numeric);
                }
            });
        }
        Test::Type(place, data_type) => judge.values(place, |teller, index, value, _| {
            if !is_of_type(value.bytes, *data_type) {
                teller.type_of(index, value, *data_type);
            }
        }),
        Test::Codes { place, codes, besides: false } => {
            let mut besides = Besides::new(place, rules);
            judge.values(place, |teller, index, value, _| {
                if !is_one_of(look.grammar, place, codes, value.bytes)
                    && !besides.allow(look, index, value.bytes)
                {
                    teller.code(index, value, codes);
                }
            });
        }
        Test::Codes { place, codes, besides: true } if rule.written.severity.is_some() => {
            let Some(list) = code_list(look.grammar, place) else { return };
            let list = look.grammar.code_list(list);
            judge.values(place, |teller, index, value, _| {
                let listed = list.codes.contains_key(value.bytes.trim_ascii_end());
                if !listed && !is_among(codes, value.bytes) {
                    teller.unlisted_code(index, value, codes, &list.id);
                }
            });
        }
        Test::Digits(place, scheme) => judge.values(place, |teller, index, value, _| {
            if let Some(wrong) = digits::wrong(*scheme, value.bytes.trim_ascii_end()) {
                teller.digits(index, value, *scheme, wrong);
            }
        }),
        Test::Unique { place, within, scheme } => judge.unique(place, *within, *scheme),
        Test::Count { place, of, home } => judge.count(place, of, *home),
        Test::Sum { place, terms, scale, home } => judge.sum(place, terms, *scale, *home),
        Test::Hierarchy { node, levels } => {
            levels::judge(*node, levels, look, &mut judge.teller);
        }
        Test::Codes { .. } | Test::Allow(_) | Test::Against | Test::Map => {}
    }
}

struct Judge<'a, 'f> {
    look: &'a Look<'a>,
    teller: Teller<'a, 'f>,
    conditions: Conditions<'a>,
}

impl<'a, 'f> Judge<'a, 'f> {
    fn holds(&mut self, instance: u32, scope: &[LoopStep], segment: Option<usize>) -> bool {
        self.conditions.hold(self.look, instance, scope.len(), segment)
    }

    /// Each instance of the scope has one.
    fn require(&mut self, place: &'a Place) {
        for instance in self.look.instances(&place.scope, 0) {
            if self.look.is_there(place, instance) || !self.holds(instance, &place.scope, None) {
                continue;
            }
            match (&place.element, self.look.segments(place, instance).next()) {
                (Some(spot), Some(index)) => self.teller.element_missing(place, spot, index),
                _ => self.teller.missing(place, instance),
            }
        }
    }

    /// Each segment has the element.
    fn require_each(&mut self, place: &'a Place) {
        let Some(spot) = &place.element else { return };
        self.segments(place, |judge, index| {
            if judge.look.values(spot, index).is_empty() {
                judge.teller.element_missing(place, spot, index);
            }
        });
    }

    fn forbid(&mut self, place: &'a Place) {
        let Some(spot) = &place.element else {
            self.segments(place, |judge, index| judge.teller.segment_forbidden(place, index));
            return;
        };
        self.segments(place, |judge, index| {
            for value in judge.look.values(spot, index) {
                judge.teller.element_forbidden(index, value);
            }
        });
    }

    fn limit(&mut self, place: &'a Place, limit: u32) {
        for instance in self.look.instances(&place.scope, 0) {
            let mut segments = self.look.segments(place, instance).skip(limit as usize).peekable();
            if segments.peek().is_some() && self.holds(instance, &place.scope, None) {
                for index in segments {
                    self.teller.too_many(place, index, limit);
                }
            }
        }
    }

    /// The segments of the place for which the conditions hold.
    fn segments(&mut self, place: &'a Place, mut each: impl FnMut(&mut Self, usize)) {
        for instance in self.look.instances(&place.scope, 0) {
            for index in self.look.segments(place, instance) {
                if self.holds(instance, &place.scope, Some(index)) {
                    each(self, index);
                }
            }
        }
    }

    /// The values of the place for which the conditions hold, and whether they are numbers.
    fn values(
        &mut self,
        place: &'a Place,
        mut each: impl FnMut(&mut Teller<'a, 'f>, usize, Value<'a>, bool),
    ) {
        let Some(spot) = &place.element else { return };
        let numeric = is_numeric(self.look.grammar, place);
        self.segments(place, |judge, index| {
            for value in judge.look.values(spot, index) {
                each(&mut judge.teller, index, value, numeric);
            }
        });
    }

    fn unique(&mut self, place: &'a Place, within: usize, scheme: Option<Scheme>) {
        let Some(spot) = &place.element else { return };
        for field in self.look.instances(&place.scope[..within], 0) {
            let mut seen: HashMap<&[u8], usize> = HashMap::new();
            for instance in self.look.instances(&place.scope, field) {
                for index in self.look.segments(place, instance) {
                    for value in self.look.values(spot, index) {
                        let first = match seen.entry(told_apart(value.bytes, scheme)) {
                            Entry::Occupied(before) => *before.get(),
                            Entry::Vacant(new) => {
                                new.insert(index);
                                continue;
                            }
                        };
                        if self.holds(instance, &place.scope, Some(index)) {
                            self.teller.repeated(index, value, first);
                        }
                    }
                }
            }
        }
    }

    fn count(&mut self, place: &'a Place, of: &'a Place, home: usize) {
        for around in self.look.instances(&place.scope[..home], 0) {
            if !self.holds(around, &place.scope[..home], None) {
                continue;
            }
            let mut found = 0_u64;
            for instance in self.look.instances(&of.scope, around) {
                for index in self.look.segments(of, instance) {
                    found += match &of.element {
                        Some(spot) => self.look.values(spot, index).len() as u64,
                        None => 1,
                    };
                }
            }
            let implied = place.element.as_ref().map_or(0, |spot| spot.implied);
            self.stated(place, around, |teller, index, value| {
                let stated = number(value.bytes, implied);
                if stated.is_some_and(|stated| stated != found.into()) {
                    teller.count(index, value, found);
                }
            });
        }
    }

    fn sum(&mut self, place: &'a Place, terms: &'a [Term], scale: Option<u32>, home: usize) {
        for around in self.look.instances(&place.scope[..home], 0) {
            if !self.holds(around, &place.scope[..home], None) {
                continue;
            }
            let Some(sum) = numbers::sum(terms, scale, self.look, around) else { continue };
            let implied = place.element.as_ref().map_or(0, |spot| spot.implied);
            self.stated(place, around, |teller, index, value| {
                if let Some(stated) = number(value.bytes, implied).filter(|&n| !sum.is(n, scale)) {
                    teller.sum(index, value, stated, sum.shown(scale));
                }
            });
        }
    }

    /// The values that state a count or sum of what is within an instance.
    fn stated(
        &mut self,
        place: &'a Place,
        within: u32,
        each: impl Fn(&mut Teller<'a, 'f>, usize, Value<'a>),
    ) {
        let Some(spot) = &place.element else { return };
        for instance in self.look.instances(&place.scope, within) {
            for index in self.look.segments(place, instance) {
                for value in self.look.values(spot, index) {
                    each(&mut self.teller, index, value);
                }
            }
        }
    }
}

/// What tells a value from others: without padding, and an SSCC without its application identifier.
#[inline]
pub(in crate::overlay) fn told_apart(value: &[u8], scheme: Option<Scheme>) -> &[u8] {
    let value = value.trim_ascii_end();
    scheme.and_then(|scheme| scheme.number(value)).unwrap_or(value)
}

/// Whether the grammar takes the values for numbers, whose lengths leave out sign and point.
pub(in crate::overlay) fn is_numeric(grammar: &Grammar, place: &Place) -> bool {
    let shape = definition(grammar, place).map(|d| d.shape);
    matches!(shape, Some(ElementShape::Simple { data_type: DataType::R | DataType::N(_), .. }))
}

/// Whether a value is shorter or longer than agreed.
#[inline]
pub(in crate::overlay) fn length_fault(
    value: &[u8],
    min: u32,
    max: u32,
    numeric: bool,
) -> Option<Code> {
    let value = value.trim_ascii_end();
    let length = match std::str::from_utf8(value) {
        _ if numeric => number_digits(value, true).unwrap_or(u32::MAX),
        Ok(text) if !text.is_ascii() => u32::try_from(text.chars().count()).unwrap_or(u32::MAX),
        _ => u32::try_from(value.len()).unwrap_or(u32::MAX),
    };
    // What is no number is told by the check of the grammar.
    match length {
        u32::MAX => None,
        n if n < min => Some(Code::AgreedTooShort),
        n if n > max => Some(Code::AgreedTooLong),
        _ => None,
    }
}

/// Whether a value is of a type.
#[inline]
pub(in crate::overlay) fn is_of_type(value: &[u8], data_type: DataType) -> bool {
    let value = value.trim_ascii_end();
    match data_type {
        DataType::An | DataType::Id | DataType::B => true,
        DataType::Dt => is_date(value),
        DataType::Tm => is_time(value),
        DataType::R => number_digits(value, true).is_some(),
        DataType::N(_) => number_digits(value, false).is_some(),
    }
}
