//! Values of up to eight bytes, looked at all at once: their bytes as a number, the first lowest.
//!
//! Each function takes the eight bytes that begin with the value, whatever comes after it, and the length of the
//! value. It says yes only where [`super::value`] says the same, and may leave what is unusual to that.

/// The high bit of every byte.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The days of each month, of February those of every year; none of what is no month.
const DAYS: [u64; 16] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0];

/// The first eight of the bytes (0 where there are fewer).
pub(super) fn of(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}

/// The value moved to the top, so that its last byte is the highest one, over zeros. The length is 1 to 8.
#[inline]
pub(super) fn at_top(word: u64, length: u32) -> u64 {
    word << room(length)
}

/// The value alone, zeros above it. The length is 1 to 8.
#[inline]
pub(super) fn alone(word: u64, length: u32) -> u64 {
    at_top(word, length) >> room(length)
}

/// Bits that the value leaves free.
#[inline]
fn room(length: u32) -> u32 {
    64u32.wrapping_sub(length.wrapping_mul(8)) & 63
}

/// Whether it is digits and nothing else.
#[inline]
pub(super) fn is_digits(word: u64, length: u32) -> bool {
    not_digits(digits(word, length)) == 0 && is_short(length)
}

/// How many digits a number without a sign has; 0 where it is none.
#[inline]
pub(super) fn decimal_digits(word: u64, length: u32) -> u32 {
    let digits = digits(word, length);
    let points = zeros(digits ^ spread(b'.' ^ b'0'));
    let others = not_digits(digits) ^ points;
    let is_number = (others == 0) & (points & points.wrapping_sub(1) == 0) & is_short(length);
    if is_number { length - u32::from(points != 0) } else { 0 }
}

/// Whether it is CCYYMMDD or YYMMDD; of the 29th of February it does not know.
#[inline]
pub(super) fn is_date(word: u64, length: u32) -> bool {
    let digits = digits(word, length);
    let pairs = pairs(digits);
    let (month, day) = (pairs >> 32 & 0xFF, pairs >> 48 & 0xFF);
    let days = DAYS[usize::try_from(month & 15).unwrap_or_default()];
    (not_digits(digits) == 0)
        & (month < 16)
        & (day.wrapping_sub(1) < days)
        & ((length == 8) | (length == 6))
}

/// Whether it is HHMM, HHMMSS, HHMMSSD or HHMMSSDD.
#[inline]
pub(super) fn is_time(word: u64, length: u32) -> bool {
    let digits = digits(word, length) >> room(length);
    let pairs = pairs(digits);
    let part = |n: u32| pairs >> (16 * n) & 0xFF;
    (not_digits(digits) == 0)
        & (part(0) < 24)
        & (part(1) < 60)
        & (part(2) < 60)
        & (0b1_1101_0000u32 >> (length & 31) & 1 == 1)
        & is_short(length)
}

#[inline]
fn is_short(length: u32) -> bool {
    length.wrapping_sub(1) < 8
}

/// The digits as numbers from 0 to 9, the last one highest, zeros below them.
#[inline]
fn digits(word: u64, length: u32) -> u64 {
    at_top(word ^ spread(b'0'), length)
}

/// The high bit of every byte that is above 9.
#[inline]
fn not_digits(digits: u64) -> u64 {
    ((digits & !HIGH) + spread(0x80 - 10) | digits) & HIGH
}

/// The high bit of every byte that is 0.
#[inline]
fn zeros(word: u64) -> u64 {
    !((word & !HIGH) + !HIGH | word | !HIGH)
}

/// In each byte, the number that it makes with the one above it: of digits, the tens come first.
#[inline]
fn pairs(digits: u64) -> u64 {
    digits.wrapping_mul(10).wrapping_add(digits >> 8)
}

/// A byte in all eight places.
const fn spread(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::grammar::check::value;

    /// The word that begins with a value, with other bytes after it.
    fn before(bytes: &[u8], after: u64) -> (u64, u32) {
        let length = u32::try_from(bytes.len()).unwrap();
        let word = if length < 8 { of(bytes) | after << (8 * length) } else { of(bytes) };
        (word, length)
    }

    fn agrees(bytes: &[u8], after: u64) -> Result<(), TestCaseError> {
        let (word, length) = before(bytes, after);
        let digits = |point| value::number_digits(bytes, point);
        let signed = bytes.starts_with(b"-");
        if !signed {
            prop_assert_eq!(decimal_digits(word, length), digits(true).unwrap_or(0));
            prop_assert_eq!(is_digits(word, length), digits(false).is_some());
        } else {
            prop_assert_eq!(decimal_digits(word, length), 0);
            prop_assert!(!is_digits(word, length));
        }
        let leap_day = bytes.ends_with(b"0229");
        prop_assert_eq!(is_date(word, length), value::is_date(bytes) && !leap_day);
        prop_assert_eq!(is_time(word, length), value::is_time(bytes));
        if length > 0 {
            prop_assert_eq!(alone(word, length), of(bytes));
            prop_assert_eq!(at_top(word, length) >> 56, u64::from(bytes[bytes.len() - 1]));
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn agrees_on_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 1..=8), after: u64) {
            agrees(&bytes, after)?;
        }

        #[test]
        fn agrees_on_what_looks_like_a_number(text in "-?[0-9./:]{1,7}", after: u64) {
            agrees(text.as_bytes(), after)?;
        }

        #[test]
        fn agrees_on_digits(text in "[0-9]{1,8}", after: u64) {
            agrees(text.as_bytes(), after)?;
        }

        #[test]
        fn agrees_on_what_looks_like_a_date(
            century in "(19|20)?", year in 0u32..100, month in 0u32..20, day in 0u32..40, after: u64,
        ) {
            agrees(format!("{century}{year:02}{month:02}{day:02}").as_bytes(), after)?;
        }

        #[test]
        fn agrees_on_what_looks_like_a_time(
            hour in 0u32..30, minute in 0u32..70, rest in "([0-6][0-9])?[0-9]{0,2}", after: u64,
        ) {
            agrees(format!("{hour:02}{minute:02}{rest}").as_bytes(), after)?;
        }
    }

    #[test]
    fn a_length_beyond_the_word_is_never_right() {
        for length in [0, 9, 10, 64, 1000, u32::MAX] {
            for word in [spread(b'0'), of(b"20261121"), of(b"12345678"), 0] {
                assert!(!is_digits(word, length) && decimal_digits(word, length) == 0);
                assert!(!is_date(word, length) && !is_time(word, length));
            }
        }
    }
}
