//! Many flags, looked at together.

/// Flags by number, 64 to a word.
#[derive(Debug, Clone, Default)]
pub(super) struct Bits(Vec<u64>);

/// Flags of one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mask {
    word: u32,
    bits: u64,
}

impl Mask {
    /// The masks of some flags, a word each.
    pub fn of(flags: impl Iterator<Item = u32>) -> Vec<Self> {
        let mut masks: Vec<Self> = Vec::new();
        for flag in flags {
            let (word, bit) = split(flag);
            match masks.iter_mut().find(|mask| mask.word == word) {
                Some(mask) => mask.bits |= bit,
                None => masks.push(Self { word, bits: bit }),
            }
        }
        masks
    }
}

#[inline]
fn split(flag: u32) -> (u32, u64) {
    (flag / u64::BITS, 1 << (flag % u64::BITS))
}

impl Bits {
    /// So many words, no flag set.
    pub fn begin(&mut self, words: usize) {
        self.0.clear();
        self.0.resize(words, 0);
    }

    #[inline]
    pub fn has(&self, flag: u32) -> bool {
        let (word, bit) = split(flag);
        self.0[word as usize] & bit != 0
    }

    #[inline]
    pub fn set(&mut self, flag: u32, to: bool) {
        let (word, bit) = split(flag);
        let word = &mut self.0[word as usize];
        *word = if to { *word | bit } else { *word & !bit };
    }

    /// Sets a flag where this is so, and leaves it else.
    #[inline]
    pub fn add(&mut self, flag: u32, is_so: bool) {
        let (word, bit) = split(flag);
        self.0[word as usize] |= bit * u64::from(is_so);
    }

    /// Whether any of them is set, or where `set` is false, is not.
    #[inline]
    pub fn any(&self, masks: &[Mask], set: bool) -> bool {
        let turned = if set { 0 } else { u64::MAX };
        masks.iter().any(|mask| (self.0[mask.word as usize] ^ turned) & mask.bits != 0)
    }

    /// Takes back all flags of some words.
    #[inline]
    pub fn clear(&mut self, words: std::ops::Range<u32>) {
        let words = &mut self.0[words.start as usize..words.end as usize];
        // Mostly it is one, and a call would cost more than it does.
        match words {
            [] => {}
            [one] => *one = 0,
            several => several.fill(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_several_words() {
        let mut bits = Bits::default();
        bits.begin(3);
        let masks = Mask::of([1, 64, 65, 191].into_iter());
        assert_eq!(masks.len(), 3);
        assert!(!bits.any(&masks, true) && bits.any(&masks, false));
        bits.add(2, true);
        bits.add(65, false);
        assert!(bits.has(2) && !bits.any(&masks, true));
        for flag in [1, 64, 65, 191] {
            bits.set(flag, true);
        }
        assert!(bits.any(&masks, true) && !bits.any(&masks, false));
        bits.set(64, false);
        assert!(bits.any(&masks, false) && bits.has(65));
        bits.clear(0..2);
        assert!(!bits.has(1) && !bits.has(65) && bits.has(191));
    }
}
