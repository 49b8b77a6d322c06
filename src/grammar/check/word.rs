//! Values of up to eight bytes, looked at all at once: their bytes as a number, the first lowest.
//!
//! Each function takes the eight bytes that begin with the value, whatever comes after it, and the length of the
//! value, which is 1 to 8; of any other length the answer means nothing. It says yes only where [`super::value`] says
//! the same, and may leave what is unusual to that.

#![allow(
    clippy::needless_bitwise_bool,
    reason = "each branch less is one that the processor cannot mistake"
)]

/// The high bit of every byte.
const HIGH: u64 = spread(0x80);
/// Zeros as they are written.
const ZEROS: u64 = spread(b'0');
/// A point is this far from a zero.
const POINTS: u64 = spread(b'.' ^ b'0');
/// What takes all above 9 to the high bit.
const ABOVE_NINE: u64 = spread(0x80 - 10);

/// The days of each month, of February those of every year; none of what is no month.
const DAYS: [u64; 16] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0];

/// The low bytes that so many bytes take; none where they do not fit 32 bits.
const KEPT: [u32; 8] = [0, 0xFF, 0xFFFF, 0x00FF_FFFF, u32::MAX, 0, 0, 0];

/// The eight bytes from an offset on; `None` at the very end of the input.
#[inline]
pub(super) fn at(bytes: &[u8], start: u32) -> Option<u64> {
    let start = start as usize;
    let eight = bytes.get(start..start + 8)?;
    Some(u64::from_le_bytes(eight.try_into().ok()?))
}

/// The first eight of the bytes (0 where there are fewer).
pub(super) fn of(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}

/// The value moved to the top, so that its last byte is the highest one, over zeros.
#[inline]
fn at_top(word: u64, length: u32) -> u64 {
    word << room(length)
}

/// A value of up to four bytes alone, zeros above it.
#[inline]
pub(super) fn short(word: u64, length: u32) -> u32 {
    u32::try_from(word & u64::from(u32::MAX)).unwrap_or_default() & KEPT[length as usize & 7]
}

/// Bits that the value leaves free.
#[inline]
fn room(length: u32) -> u32 {
    64u32.wrapping_sub(length.wrapping_mul(8)) & 63
}

/// Whether it is digits and nothing else.
#[inline]
pub(super) fn is_digits(word: u64, length: u32) -> bool {
    not_digits(digits(word, length)) == 0
}

/// How many digits a number without a sign has; 0 where it is none.
#[inline]
pub(super) fn decimal_digits(word: u64, length: u32) -> u32 {
    let digits = digits(word, length);
    let other = not_digits(digits);
    // All bits of the only byte that is no digit, which must be a point.
    let whole = (other << 1).wrapping_sub(other >> 7);
    let wrong = (other & other.wrapping_sub(1)) | ((digits ^ POINTS) & whole);
    length.wrapping_sub(u32::from(other != 0)) * u32::from(wrong == 0)
}

/// The number of up to eight digits that it is; none with a zero in front.
#[inline]
pub(super) fn number(word: u64, length: u32) -> Option<u32> {
    let digits = digits(word, length);
    let is_number = (not_digits(digits) == 0) & (word & 0xFF != u64::from(b'0'));
    let pairs = pairs(digits) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    let all = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & u64::from(u32::MAX);
    u32::try_from(all).ok().filter(|_| is_number)
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
}

/// The digits as numbers from 0 to 9, the last one highest, zeros below them.
#[inline]
fn digits(word: u64, length: u32) -> u64 {
    at_top(word ^ ZEROS, length)
}

/// The high bit of every byte that is above 9, and of others at most where they follow one outside ASCII.
#[inline]
fn not_digits(digits: u64) -> u64 {
    (digits.wrapping_add(ABOVE_NINE) | digits) & HIGH
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
        if bytes.starts_with(b"-") {
            prop_assert_eq!(decimal_digits(word, length), 0);
            prop_assert!(!is_digits(word, length));
        } else {
            prop_assert_eq!(decimal_digits(word, length), digits(true).unwrap_or(0));
            prop_assert_eq!(is_digits(word, length), digits(false).is_some());
        }
        let plain = bytes[0] != b'0' && bytes.iter().all(u8::is_ascii_digit);
        let text = plain.then(|| String::from_utf8_lossy(bytes));
        prop_assert_eq!(super::number(word, length), text.and_then(|text| text.parse().ok()));
        let leap_day = bytes.ends_with(b"0229");
        prop_assert_eq!(is_date(word, length), value::is_date(bytes) && !leap_day);
        prop_assert_eq!(is_time(word, length), value::is_time(bytes));
        if length <= 4 {
            prop_assert_eq!(u64::from(short(word, length)), of(bytes));
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
}
