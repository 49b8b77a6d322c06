//! Decimals, dates and times of day as canonical texts, without the machinery of `Display`: a document has many of
//! them.

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::canonical::TimeOfDay;

/// A sign, 29 digits and a point at most.
const DECIMAL_MAX: usize = 32;

/// A decimal, and where in the buffer its text begins, which ends with it.
#[inline]
pub(super) fn decimal(number: &Decimal) -> ([u8; DECIMAL_MAX], usize) {
    let mut buffer = [b'0'; DECIMAL_MAX];
    let mut at = DECIMAL_MAX;
    let scale = number.scale() as usize;
    // Where the point goes; nowhere without one.
    let point = if scale == 0 { 0 } else { DECIMAL_MAX - 1 - scale };
    let mut digit = |digit: u8| {
        at -= 1;
        if at == point {
            buffer[at] = b'.';
            at -= 1;
        }
        buffer[at] = b'0' + digit;
        at
    };
    let mut wide = number.mantissa().unsigned_abs();
    let mut digits = loop {
        match u64::try_from(wide) {
            Ok(digits) => break digits,
            Err(_) => digit((wide % 10).to_le_bytes()[0]),
        };
        wide /= 10;
    };
    let least = if scale == 0 { DECIMAL_MAX - 1 } else { point - 1 };
    while digit((digits % 10).to_le_bytes()[0]) > least || digits >= 10 {
        digits /= 10;
    }
    if number.is_sign_negative() {
        at -= 1;
        buffer[at] = b'-';
    }
    (buffer, at)
}

/// A day of the years 0 to 9999.
#[inline]
pub(super) fn date(date: Date) -> Option<[u8; 10]> {
    let year = u16::try_from(date.year()).ok()?;
    let [[a, b], [c, d]] = [year / 100, year % 100].map(|half| two(half.to_le_bytes()[0]));
    let [[e, f], [g, h]] = [date.month(), date.day()].map(|part| two(part.unsigned_abs()));
    Some([a, b, c, d, b'-', e, f, b'-', g, h])
}

/// A time of day in minutes.
#[inline]
pub(super) fn time(time: TimeOfDay) -> Option<[u8; 5]> {
    let [[a, b], [c, d]] = [time.hour(), time.minute()].map(two);
    time.second().is_none().then_some([a, b, b':', c, d])
}

/// A number below 100 as two digits.
#[inline]
fn two(number: u8) -> [u8; 2] {
    [b'0' + number / 10, b'0' + number % 10]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(decimal: Decimal) {
        let (buffer, start) = super::decimal(&decimal);
        assert_eq!(str::from_utf8(&buffer[start..]).unwrap(), decimal.to_string());
    }

    #[test]
    fn decimals_are_texts_as_they_are_displayed() {
        let digits = [0, 1, 9, 10, 99, 100, 12_345, u64::MAX.into(), u128::from(u64::MAX) + 1];
        for digits in digits.map(|d| i128::try_from(d).unwrap()) {
            for number in [digits, -digits] {
                for scale in 0..=28 {
                    check(Decimal::from_i128_with_scale(number, scale));
                }
            }
        }
        check("-0.00".parse().unwrap());
        for decimal in [Decimal::MAX, Decimal::MIN] {
            check(decimal);
            check(Decimal::from_i128_with_scale(decimal.mantissa(), 28));
        }
    }

    #[test]
    fn dates_and_times_are_texts_as_they_are_displayed() {
        for day in [(2026, 2, 3), (1, 1, 1), (9999, 12, 31), (0, 12, 31), (-1, 10, 9)] {
            let day = Date::new(day.0, day.1, day.2).unwrap();
            let text = date(day).map(|text| String::from_utf8(text.to_vec()).unwrap());
            assert_eq!(text, (day.year() >= 0).then(|| day.to_string()));
        }
        for (text, is_plain) in [("00:00", true), ("23:59", true), ("14:05:09", false)] {
            let time = super::time(text.parse().unwrap());
            assert_eq!(time.map(|time| time.to_vec()), is_plain.then(|| text.into()));
        }
    }
}
