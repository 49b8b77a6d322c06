//! Code lists for quick look-up.

use std::num::NonZeroU8;

use super::word;
use crate::grammar::CodeList;

/// How many packed codes a bucket holds; what finds no room is kept apart.
const BUCKET: usize = 4;

/// The longest code that is packed. Those of the business sets are of one to four characters.
pub(super) const CODE_MAX: u32 = 4;

/// Code lists as hash tables of packed codes, all in one piece of memory.
#[derive(Debug, Clone, Default)]
pub(super) struct CodeSets {
    /// Packed codes; 0 = empty.
    buckets: Vec<[u32; BUCKET]>,
    sets: Vec<CodeSet>,
}

#[derive(Debug, Clone)]
struct CodeSet {
    buckets: Buckets,
    /// Codes that cannot be packed, or whose bucket is full.
    others: Vec<Box<[u8]>>,
}

/// Where the buckets of a list are: `1 << (64 - shift)` of them from `first` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Buckets {
    first: u32,
    /// Below 64, since there are two buckets at least.
    shift: NonZeroU8,
}

impl CodeSets {
    pub fn new<'a>(lists: impl Iterator<Item = &'a CodeList>) -> Self {
        let mut sets = Self::default();
        for list in lists {
            sets.add(list);
        }
        sets
    }

    fn add(&mut self, list: &CodeList) {
        let enough = list.codes.len().next_power_of_two().trailing_zeros().max(1);
        // Twice the buckets, or four times, where one of them is too small: a usual code is then never among the others.
        let attempts = (enough..=enough + 2).map(|bits| Table::new(list, bits));
        let Some(table) = attempts.min_by_key(|table| (table.others.len(), table.slots.len()))
        else {
            return;
        };
        let first = u32::try_from(self.buckets.len()).unwrap_or(u32::MAX);
        self.buckets.extend(table.slots);
        let buckets = Buckets { first, ..table.buckets };
        self.sets.push(CodeSet { buckets, others: table.others });
    }

    /// Where the buckets of a list are.
    pub fn buckets(&self, list: u16) -> Option<Buckets> {
        self.sets.get(usize::from(list)).map(|set| set.buckets)
    }

    /// Whether a packed code, which is not 0, is in the buckets of a list.
    #[inline]
    #[allow(clippy::needless_bitwise_bool, reason = "all at once")]
    pub fn holds(&self, buckets: Buckets, packed: u32) -> bool {
        let Some(bucket) = self.buckets.get(buckets.of(packed)) else { return false };
        // A loop would end where the processor does not expect it.
        bucket.iter().fold(false, |found, &slot| found | (slot == packed))
    }

    /// Whether a code is in a list; of a list that is not there, every code is.
    pub fn contains(&self, list: u16, code: &[u8]) -> bool {
        self.sets.get(usize::from(list)).is_none_or(|set| {
            let packed = pack(code);
            (packed != 0 && self.holds(set.buckets, packed))
                || set.others.iter().any(|other| **other == *code)
        })
    }
}

/// One list, before it has its place among the others.
struct Table {
    slots: Vec<[u32; BUCKET]>,
    buckets: Buckets,
    others: Vec<Box<[u8]>>,
}

impl Table {
    /// A list in `1 << bits` buckets.
    fn new(list: &CodeList, bits: u32) -> Self {
        let shift = u8::try_from(64 - bits).ok().and_then(NonZeroU8::new);
        let buckets = Buckets { first: 0, shift: shift.unwrap_or(NonZeroU8::MIN) };
        let mut slots = vec![[0; BUCKET]; 1 << bits];
        let mut others = Vec::new();
        for code in list.codes.keys() {
            let packed = pack(code);
            let room = slots
                .get_mut(buckets.of(packed))
                .and_then(|bucket| bucket.iter_mut().find(|slot| **slot == 0));
            match room {
                Some(slot) if packed != 0 => *slot = packed,
                _ => others.push(code.clone()),
            }
        }
        Self { slots, buckets, others }
    }
}

impl Buckets {
    #[inline]
    fn of(self, packed: u32) -> usize {
        let mixed =
            u64::from(packed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (self.shift.get() & 63);
        self.first as usize + usize::try_from(mixed).unwrap_or_default()
    }
}

/// Up to four bytes as a number that no other code has. 0 for what is empty or longer; also for what ends in a NUL,
/// which could not be told from the bytes that are not there, and in a blank, which is padding to be looked at.
pub(super) fn pack(code: &[u8]) -> u32 {
    match code {
        [.., last] if !matches!(last, 0 | b' ') && code.len() <= CODE_MAX as usize => {
            word::short(word::of(code), u32::try_from(code.len()).unwrap_or_default())
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::grammar::RuleLine;

    fn sets_of(codes: &[&[u8]]) -> CodeSets {
        let list = CodeList {
            id: "355".to_owned(),
            title: String::new(),
            codes: codes.iter().map(|&code| (code.into(), None)).collect::<HashMap<_, _>>(),
            rule: RuleLine { file: Arc::from("codes.grammar"), line: 1 },
        };
        CodeSets::new(std::iter::once(&list))
    }

    #[test]
    fn nul_bytes_make_no_other_code() {
        let sets = sets_of(&[b"A", b"AB", b"ABC", b"ABCD", b"ABCDEFGH", b"ABCDEFGHI"]);
        for known in [&b"A"[..], b"AB", b"ABC", b"ABCD", b"ABCDEFGH", b"ABCDEFGHI"] {
            assert!(sets.contains(0, known), "{known:?}");
        }
        for unknown in [
            &b""[..],
            b"\0",
            b"\0\0\x01A",
            b"\0A",
            b"A\0",
            b"A\0\0\0\0\0\0\0",
            b"\0\0\0\0\0\0\0A",
            b"\0\x01BA",
            b"AB\0",
            b"ABC\x01",
            b"ABCDEFG",
        ] {
            assert!(!sets.contains(0, unknown), "{unknown:?}");
        }
    }

    proptest! {
        #[test]
        fn contains_what_the_list_has(
            codes in proptest::collection::hash_set("[0-9A-C]{1,3}|[\\x00 A]{0,9}", 0..200),
            others in proptest::collection::vec("[0-9A-C]{1,3}|[\\x00 A]{0,9}", 0..200),
        ) {
            let bytes: Vec<&[u8]> = codes.iter().map(String::as_bytes).collect();
            let sets = sets_of(&bytes);
            for code in codes.iter().chain(&others) {
                prop_assert_eq!(sets.contains(0, code.as_bytes()), codes.contains(code), "{:?}", code);
            }
        }
    }
}
