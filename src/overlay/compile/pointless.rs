//! Rules that compare a place with itself, or ask of it what its values are not for.

use super::super::plan::{Place, Qualifier, Rule, Test};
use super::dead::path_of;
use super::{Compiler, definition};
use crate::grammar::digits::Scheme;
use crate::grammar::{DataType, ElementShape};

/// Whether a segment may be one of both places.
fn may_be_same(one: &Place, other: &Place) -> bool {
    let meet = |a: Option<&Qualifier>, b: Option<&Qualifier>| match (a, b) {
        (Some(a), Some(b)) => a.codes.iter().any(|code| b.codes.contains(code)),
        _ => true,
    };
    one.node == other.node
        && meet(one.qualifier.as_ref(), other.qualifier.as_ref())
        && one
            .scope
            .iter()
            .zip(&other.scope)
            .all(|(a, b)| a.node == b.node && meet(a.qualifier.as_ref(), b.qualifier.as_ref()))
}

impl Compiler<'_> {
    pub(super) fn pointless(&mut self, rule: &Rule) {
        let path = &rule.written.path;
        let (message, mend) = match &rule.test {
            Test::Unique { place, within, .. } if self.comes_once(place, *within) => {
                let message = format!("`{path}` comes once anyway: the rule never fires");
                (message, "take the rule out, or name what may come again")
            }
            Test::Count { place, of, .. } if may_be_same(place, of) => {
                let message = format!("`{path}` would count what it stands in itself");
                (message, "count other segments, like `count CTT01 = PO1`")
            }
            Test::Sum { place, terms, .. } => {
                let mut factors = terms.iter().flat_map(|term| &term.factors);
                if !factors.any(|factor| factor.same_values(place)) {
                    return;
                }
                let message = format!("`{path}` would be a sum in which it stands itself");
                (message, "sum up other values, like `sum CTT02 = PO1/PO102`")
            }
            Test::Digits(place, scheme) => {
                let Some(why) = self.has_no_check_digit(place, *scheme) else { return };
                let message = format!("`{path}` can never be {}: {why}", scheme.words());
                (message, "look for a slip in the path")
            }
            _ => return,
        };
        let at = path_of(&rule.written.body).map_or(rule.written.at, |path| path.at);
        self.warn(rule, at, message, mend);
    }

    /// Whether there is one value of a place at the most in each instance of the loops it has to be unique in.
    fn comes_once(&self, place: &Place, within: usize) -> bool {
        let once = |max_use: Option<u32>| max_use == Some(1);
        let one_value = place.element.as_ref().is_some_and(|spot| spot.last == 0)
            && definition(self.grammar, place).is_some_and(|element| once(element.repeat));
        let segment = self.grammar.node(place.node);
        // Of a loop that the path does not name, it is the segment that opens it.
        let opened = place.opens.then_some(segment.parent);
        let named = place.scope.iter().skip(within).map(|step| step.node);
        let mut inside = named.chain(opened).map(|node| self.grammar.node(node));
        one_value
            && once(segment.max_use)
            && inside.all(|around| once(around.max_use) && around.nested.is_none())
    }

    /// Why no value of an element can be a number with a check digit.
    fn has_no_check_digit(&self, place: &Place, scheme: Scheme) -> Option<String> {
        let shape = definition(self.grammar, place)?.shape;
        let ElementShape::Simple { data_type, min, max, .. } = shape else { return None };
        match data_type {
            DataType::N(_) | DataType::R => Some("it is a quantity or an amount".to_owned()),
            DataType::Dt => Some("it is a date".to_owned()),
            DataType::Tm => Some("it is a time".to_owned()),
            _ if !scheme.lengths().iter().any(|length| (min..=max).contains(length)) => {
                Some(format!("it has {min} to {max} characters"))
            }
            _ => None,
        }
    }
}
