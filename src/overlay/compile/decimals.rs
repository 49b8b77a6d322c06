//! Numbers that come with other implied decimals than their type has: `type PO1/PO104 N2`.

use super::super::plan::{Place, Rule, Test};
use super::{Compiler, definition};
use crate::grammar::{DataType, ElementShape, Grammar};
use crate::map::Implied;

/// The decimals that a rule agrees on for an element of numbers, where they are not those of its own type.
pub(in crate::overlay) fn agreed(grammar: &Grammar, rule: &Rule) -> Option<Implied> {
    let Test::Type(place, DataType::N(places)) = &rule.test else { return None };
    let Some(ElementShape::Simple { data_type, .. }) = definition(grammar, place).map(|e| e.shape)
    else {
        return None;
    };
    let differs = match data_type {
        DataType::R => *places > 0,
        DataType::N(own) => own != *places,
        _ => false,
    };
    let spot = place.element.as_ref().filter(|_| differs)?;
    let (node, position, component) = (place.node, spot.position, spot.component);
    Some(Implied { node, position, component, places: *places })
}

impl Compiler<'_> {
    /// A number is read in one way, whatever stands beside it; sums and counts read it so too.
    pub(super) fn decimals(&mut self, rules: &mut [Rule]) {
        let grammar = self.grammar;
        let mut found = Vec::new();
        for rule in rules.iter() {
            let Some(implied) = agreed(grammar, rule) else { continue };
            if bound(rule) {
                let message = format!(
                    "`{}` is read with its implied decimals wherever it stands, whatever stands beside it",
                    rule.written.path
                );
                let mend = "leave qualifiers and conditions out";
                self.fault_at(rule, message, mend);
            }
            found.push(implied);
        }
        let state = |place: &mut Place| {
            let own = own_decimals(grammar, place);
            let Some(spot) = &mut place.element else { return };
            // Of a range it is the values that are numbers, not their qualifiers.
            let range = spot.position + u16::from(spot.last > 0)..=spot.position.max(spot.last);
            let is_it = |i: &&Implied| {
                i.node == place.node && i.component == spot.component && range.contains(&i.position)
            };
            spot.implied = found.iter().find(is_it).map_or(own, |i| u32::from(i.places));
        };
        for rule in rules {
            match &mut rule.test {
                Test::Count { place, .. } => state(place),
                Test::Sum { place, terms, .. } => {
                    state(place);
                    terms.iter_mut().flat_map(|term| &mut term.factors).for_each(state);
                }
                _ => {}
            }
        }
    }
}

/// Whether a rule holds only beside something else.
fn bound(rule: &Rule) -> bool {
    let Some(place) = rule.test.place() else { return false };
    !rule.conditions.is_empty()
        || place.qualifier.is_some()
        || place.scope.iter().any(|step| step.qualifier.is_some())
        || place.element.as_ref().is_some_and(|spot| spot.last > 0)
}

/// The decimals that the type of an element implies.
fn own_decimals(grammar: &Grammar, place: &Place) -> u32 {
    match definition(grammar, place).map(|e| e.shape) {
        Some(ElementShape::Simple { data_type: DataType::N(decimals), .. }) => decimals.into(),
        _ => 0,
    }
}
