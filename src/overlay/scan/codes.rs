//! Codes compared as words of eight bytes.

use rust_decimal::Decimal;

use super::super::check::{is_among, number};
use super::super::plan::Code;

/// Codes, those of up to eight bytes packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Codes {
    words: Box<[u64]>,
    all: Box<[Code]>,
    /// The numbers that they are, where the values that they are held against are numbers.
    numbers: Box<[Decimal]>,
}

impl Codes {
    pub fn new(all: Box<[Code]>) -> Self {
        let words = all.iter().filter_map(|code| packed(code)).collect();
        Self { words, all, numbers: Box::default() }
    }

    /// Those that values are held against which are numbers: 5 is 5.0.
    pub fn of_numbers(all: Box<[Code]>) -> Self {
        let numbers = all.iter().filter_map(|code| number(code, 0)).collect();
        Self { numbers, ..Self::new(all) }
    }

    /// The codes, where values are held against their text alone.
    pub fn as_text(&self) -> Option<&[Code]> {
        self.numbers.is_empty().then_some(&self.all)
    }

    /// The packed codes, where all of them are.
    pub fn packed(&self) -> Option<&[u64]> {
        Some(&*self.words).filter(|words| words.len() == self.all.len())
    }

    /// Whether a value is one of the codes, padding aside.
    #[inline]
    pub fn holds(&self, value: &[u8]) -> bool {
        let same = match packed(value) {
            Some(word) => self.words.contains(&word),
            None => is_among(&self.all, value),
        };
        same || !self.numbers.is_empty() && self.has_number(value)
    }

    #[cold]
    fn has_number(&self, value: &[u8]) -> bool {
        number(value, 0).is_some_and(|value| self.numbers.contains(&value))
    }

    /// Which of the codes a value is, padding aside.
    #[inline]
    pub fn position(&self, value: &[u8]) -> Option<usize> {
        if let Some((words, word)) = self.packed().zip(packed(value)) {
            return words.iter().position(|w| *w == word);
        }
        let value = value.trim_ascii_end();
        self.all.iter().position(|code| **code == *value)
    }
}

/// A value of up to eight bytes as a word, the first byte lowest; none for one that is empty or longer, or ends with
/// a blank or control character. Different values make different words.
#[inline]
pub(super) fn packed(value: &[u8]) -> Option<u64> {
    (value.len() <= 8 && value.last().is_some_and(|&b| b > b' ')).then(|| word(value))
}

/// Up to eight bytes as a word, the first byte lowest.
#[inline]
pub(super) fn word(value: &[u8]) -> u64 {
    let length = value.len();
    if let (Some(first), Some(last)) = (value.first_chunk(), value.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return u64::from(first) | u64::from(last) << ((8 * (length - 4)) & 63);
    }
    match *value {
        [a, b, c] => u64::from(a) | u64::from(b) << 8 | u64::from(c) << 16,
        [a, b] => u64::from(a) | u64::from(b) << 8,
        [a] => u64::from(a),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_has_its_word() {
        let whole = b"ABCDEFGHI";
        for length in 1..=8 {
            let bytes: Vec<u8> = whole[..length].to_vec();
            let mut eight = [0; 8];
            eight[..length].copy_from_slice(&bytes);
            assert_eq!(packed(&bytes), Some(u64::from_le_bytes(eight)));
        }
        for other in [&b""[..], whole, b"A ", b"A\0"] {
            assert_eq!(packed(other), None, "{other:?}");
        }
    }

    #[test]
    fn numbers_are_compared_as_such() {
        let codes = Codes::of_numbers([&b"0"[..], b"5.50"].map(Code::from).into());
        for (value, is_one) in
            [("0.00", true), ("05.5", true), ("5.50", true), ("", false), ("A", false)]
        {
            assert_eq!(codes.holds(value.as_bytes()), is_one, "{value:?}");
        }
    }

    #[test]
    fn long_and_short_codes() {
        let codes = Codes::new([&b"ST"[..], b"LONGER THAN 8"].map(Code::from).into());
        for value in [&b"ST"[..], b"ST  ", b"LONGER THAN 8", b"LONGER THAN 8 "] {
            assert!(codes.holds(value) && codes.position(value).is_some(), "{value:?}");
        }
        for value in [&b""[..], b"S", b"STX", b" ST", b"LONGER THAN 9"] {
            assert!(!codes.holds(value) && codes.position(value).is_none(), "{value:?}");
        }
    }
}
