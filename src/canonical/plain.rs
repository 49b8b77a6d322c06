//! Decimals, dates and times of day as texts, made on the stack: a document has many of them.

use std::fmt::Display;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

/// A value that is written as the text of its `Display`, without the machinery of that.
pub(super) struct Plain<T>(pub T);

/// A sign, 29 digits and a point at most.
const DECIMAL_MAX: usize = 32;

impl Serialize for Plain<Decimal> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = [b'0'; DECIMAL_MAX];
        match u64::try_from(self.0.mantissa().unsigned_abs()) {
            Ok(digits) => {
                let start = decimal(digits, self.0.scale(), self.0.is_sign_negative(), &mut buffer);
                text(&buffer[start..], &self.0, serializer)
            }
            Err(_) => Serialize::serialize(&self.0, serializer),
        }
    }
}

impl Serialize for Plain<Date> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let date = self.0;
        let mut buffer = *b"0000-00-00";
        let (Ok(year), Ok(month), Ok(day)) =
            (u16::try_from(date.year()), u8::try_from(date.month()), u8::try_from(date.day()))
        else {
            return serializer.collect_str(&date);
        };
        // The calendar ends with the year 9999.
        let (century, year) = (year / 100 % 100, year % 100);
        let parts = [century.to_le_bytes()[0], year.to_le_bytes()[0], month, day];
        for (at, part) in [0, 2, 5, 8].into_iter().zip(parts) {
            buffer[at..at + 2].copy_from_slice(&two(part));
        }
        text(&buffer, &date, serializer)
    }
}

/// A number below 100 as two digits.
#[inline]
pub(super) fn two(number: u8) -> [u8; 2] {
    [b'0' + number / 10, b'0' + number % 10]
}

/// Gives what was written, all of it ASCII.
#[inline]
pub(super) fn text<T: Display, S: Serializer>(
    bytes: &[u8],
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => serializer.serialize_str(text),
        Err(_) => serializer.collect_str(value),
    }
}

/// Writes a decimal to the end of the buffer, which is all zeros, and gives where it starts.
#[inline]
fn decimal(mut digits: u64, scale: u32, negative: bool, buffer: &mut [u8; DECIMAL_MAX]) -> usize {
    let mut at = DECIMAL_MAX;
    // A scale is 28 at most.
    let point = if scale == 0 { 0 } else { DECIMAL_MAX - 1 - scale as usize };
    let mut digit = |digits: &mut u64| {
        at -= 1;
        if at == point {
            buffer[at] = b'.';
            at -= 1;
        }
        buffer[at] = b'0' + (*digits % 10).to_le_bytes()[0];
        *digits /= 10;
        at
    };
    let least = if scale == 0 { DECIMAL_MAX - 1 } else { point - 1 };
    while digit(&mut digits) > least || digits > 0 {}
    if negative {
        at -= 1;
        buffer[at] = b'-';
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_text(value: &impl Serialize) -> String {
        serde_json::to_string(value).unwrap()
    }

    #[test]
    fn decimals_are_texts_as_they_are_displayed() {
        let digits = [0, 1, 9, 10, 99, 100, 12_345, u64::MAX.into(), u128::from(u64::MAX) + 1];
        for digits in digits.map(|d| i128::try_from(d).unwrap()) {
            for number in [digits, -digits] {
                for scale in 0..=28 {
                    let decimal = Decimal::from_i128_with_scale(number, scale);
                    assert_eq!(as_text(&Plain(decimal)), format!("\"{decimal}\""));
                }
            }
        }
        let zero: Decimal = "-0.00".parse().unwrap();
        assert_eq!(as_text(&Plain(zero)), format!("\"{zero}\""));
    }

    #[test]
    fn dates_are_texts_as_they_are_displayed() {
        for date in [(2026, 2, 3), (1, 1, 1), (9999, 12, 31), (0, 12, 31), (-1, 10, 9)] {
            let date = Date::new(date.0, date.1, date.2).unwrap();
            assert_eq!(as_text(&Plain(date)), format!("\"{date}\""));
        }
    }
}
