//! Numbers as they stand in elements, exactly; sums and products of them.

use rust_decimal::{Decimal, RoundingStrategy};

use super::look::Look;
use crate::overlay::plan::{Place, Term};

/// The number that an element says; `implied` decimals where it has no point. `None` where it is none, or longer than
/// any element of numbers.
#[inline]
pub(in crate::overlay) fn number(bytes: &[u8], implied: u32) -> Option<Decimal> {
    let bytes = bytes.trim_ascii();
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let (mut mantissa, mut decimals, mut count) = (0_i128, None, 0_u32);
    for &byte in digits {
        match byte {
            b'0'..=b'9' if count < 28 => {
                mantissa = mantissa * 10 + i128::from(byte - b'0');
                count += 1;
                decimals = decimals.map(|d: u32| d + 1);
            }
            b'.' if decimals.is_none() => decimals = Some(0),
            _ => return None,
        }
    }
    if count == 0 {
        return None;
    }
    let mantissa = if digits.len() < bytes.len() { -mantissa } else { mantissa };
    Decimal::try_from_i128_with_scale(mantissa, decimals.unwrap_or(implied)).ok()
}

/// A sum as it is, and with each summand rounded: senders do either.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::overlay) struct Sum {
    pub exact: Decimal,
    pub rounded: Decimal,
}

impl Sum {
    /// Adds a summand; `None` where the sum is larger than can be said.
    pub fn add(&mut self, value: Decimal, minus: bool, scale: Option<u32>) -> Option<()> {
        let value = if minus { -value } else { value };
        self.exact = self.exact.checked_add(value)?;
        if let Some(scale) = scale {
            self.rounded = self.rounded.checked_add(round(value, scale))?;
        }
        Some(())
    }

    /// Whether this is what was stated.
    pub fn is(&self, stated: Decimal, scale: Option<u32>) -> bool {
        match scale {
            None => self.exact == stated,
            Some(scale) => round(self.exact, scale) == stated || self.rounded == stated,
        }
    }

    /// The sum for a person.
    pub fn shown(&self, scale: Option<u32>) -> Decimal {
        scale.map_or(self.exact, |scale| round(self.exact, scale)).normalize()
    }
}

fn round(value: Decimal, scale: u32) -> Decimal {
    value.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero)
}

/// Sums the terms within an instance; `None` where a value is no number, which is told of the element.
pub(super) fn sum(terms: &[Term], scale: Option<u32>, look: &Look<'_>, within: u32) -> Option<Sum> {
    let mut sum = Sum::default();
    for term in terms {
        let Some(first) = term.factors.first() else { continue };
        for instance in look.instances(&first.scope, within) {
            if term.one_segment {
                for index in look.segments(first, instance) {
                    add_product(term, scale, &mut sum, &|place| values(look, place, index))?;
                }
            } else {
                let of_first = |place: &Place| {
                    let mut segments = look.segments(place, instance);
                    segments.find_map(|i| Some(values(look, place, i)).filter(|v| !v.is_empty()))
                };
                add_product(term, scale, &mut sum, &|place| of_first(place).unwrap_or_default())?;
            }
        }
    }
    Some(sum)
}

/// Adds the product of a term's factors; of a single factor, each of its values.
fn add_product(
    term: &Term,
    scale: Option<u32>,
    sum: &mut Sum,
    values_of: &dyn Fn(&Place) -> Vec<Option<Decimal>>,
) -> Option<()> {
    if let [only] = &*term.factors {
        for value in values_of(only) {
            sum.add(value?, term.minus, scale)?;
        }
        return Some(());
    }
    let mut product = Decimal::ONE;
    for factor in &term.factors {
        let Some(&value) = values_of(factor).first() else { return Some(()) };
        product = product.checked_mul(value?)?;
    }
    sum.add(product, term.minus, scale)
}

fn values(look: &Look<'_>, place: &Place, index: usize) -> Vec<Option<Decimal>> {
    let Some(spot) = &place.element else { return Vec::new() };
    look.values(spot, index).into_iter().map(|value| number(value.bytes, spot.implied)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_exactly() {
        let read = |text: &str, implied| number(text.as_bytes(), implied).map(|d| d.to_string());
        assert_eq!(read("12", 0).as_deref(), Some("12"));
        assert_eq!(read("-12.50", 0).as_deref(), Some("-12.50"));
        assert_eq!(read("1250", 2).as_deref(), Some("12.50"));
        assert_eq!(read(".5 ", 2).as_deref(), Some("0.5"));
        for bad in ["", "-", ".", "1.2.3", "1e5", "99999999999999999999999999999"] {
            assert_eq!(read(bad, 0), None, "{bad}");
        }
    }

    #[test]
    fn lines_or_their_sum_are_rounded() {
        let mut sum = Sum::default();
        for _ in 0..3 {
            sum.add(Decimal::new(3335, 3), false, Some(2)).unwrap();
        }
        assert!(sum.is(Decimal::new(1001, 2), Some(2)) && sum.is(Decimal::new(1002, 2), Some(2)));
        assert!(!sum.is(Decimal::new(1000, 2), Some(2)));
    }
}
