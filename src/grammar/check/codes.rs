//! Code lists for quick look-up.

use crate::grammar::CodeList;

/// A code list as an open-addressed table of packed codes. Codes longer than eight bytes are looked up in the list
/// itself.
#[derive(Debug, Clone)]
pub(super) struct CodeSet {
    /// Packed codes; 0 = empty. The length is a power of two and at least twice the number of codes.
    slots: Vec<u64>,
    long: Vec<Box<[u8]>>,
}

impl CodeSet {
    pub fn new(list: &CodeList) -> Self {
        let size = (list.codes.len() * 2).next_power_of_two().max(4);
        let mut set = Self { slots: vec![0; size], long: Vec::new() };
        for code in list.codes.keys() {
            match pack(code) {
                0 => set.long.push(code.clone()),
                packed => {
                    let mut at = set.slot(packed);
                    while set.slots[at] != 0 && set.slots[at] != packed {
                        at = (at + 1) & (size - 1);
                    }
                    set.slots[at] = packed;
                }
            }
        }
        set
    }

    #[inline]
    pub fn contains(&self, code: &[u8]) -> bool {
        let packed = pack(code);
        if packed == 0 {
            return self.long.iter().any(|long| **long == *code);
        }
        let mut at = self.slot(packed);
        // Half of the slots are empty at least, so that this ends.
        while self.slots[at] != 0 {
            if self.slots[at] == packed {
                return true;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        false
    }

    #[inline]
    fn slot(&self, packed: u64) -> usize {
        let mixed = packed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        usize::try_from(mixed).unwrap_or(0) & (self.slots.len() - 1)
    }
}

/// Up to eight bytes as a number that no other code has; 0 for what is empty or longer.
#[inline]
fn pack(code: &[u8]) -> u64 {
    match *code {
        [a] => u64::from(a) | 0x100,
        [a, b] => u64::from(u16::from_le_bytes([a, b])) | 0x1_0000,
        [a, b, c] => u64::from(u32::from_le_bytes([a, b, c, 1])),
        _ if code.len() <= 8 && !code.is_empty() => {
            code.iter().fold(0, |sum, &b| sum << 8 | u64::from(b))
        }
        _ => 0,
    }
}
