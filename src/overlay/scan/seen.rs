//! Whether a value came before.

use super::codes::word;

/// Values seen so far, by hash. It may hold two for the same that are not, never the other way round.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// A hash, and in which round it came: those of rounds before are free.
    slots: Vec<(u64, u32)>,
    round: u32,
    count: usize,
    repeats: bool,
}

/// After so many steps to no free place, a value counts as one that came before: whoever chooses the values may not
/// choose how long this takes.
const STEPS_MAX: usize = 32;

impl Default for Seen {
    fn default() -> Self {
        Self { slots: Vec::new(), round: 1, count: 0, repeats: false }
    }
}

impl Seen {
    /// Forgets them all.
    pub fn clear(&mut self) {
        self.count = 0;
        self.repeats = false;
        self.round = self.round.checked_add(1).unwrap_or_else(|| {
            self.slots.clear();
            1
        });
    }

    /// Whether any value came twice.
    pub fn repeats(&self) -> bool {
        self.repeats
    }

    /// Adds a value, padding aside.
    #[inline]
    pub fn add(&mut self, value: &[u8]) {
        if self.repeats {
            return;
        }
        if 2 * self.count >= self.slots.len() {
            self.grow();
        }
        self.count += 1;
        let hash = match value.last() {
            Some(&last) if last > b' ' => hash(value),
            _ => hash(value.trim_ascii_end()),
        };
        self.put(hash);
    }

    #[inline]
    fn put(&mut self, hash: u64) {
        let mask = self.slots.len() - 1;
        // The low bits alone choose the place.
        let mut at = usize::try_from(hash & u64::from(u32::MAX)).unwrap_or_default() & mask;
        for _ in 0..STEPS_MAX {
            let slot = &mut self.slots[at];
            if slot.1 != self.round {
                *slot = (hash, self.round);
                return;
            }
            if slot.0 == hash {
                break;
            }
            at = (at + 1) & mask;
        }
        self.repeats = true;
    }

    #[cold]
    fn grow(&mut self) {
        let larger = vec![(0, 0); (4 * self.slots.len()).max(64)];
        let round = self.round;
        for (hash, _) in
            std::mem::replace(&mut self.slots, larger).into_iter().filter(|s| s.1 == round)
        {
            self.put(hash);
        }
    }
}

#[inline]
fn hash(value: &[u8]) -> u64 {
    let eights = value.chunks_exact(8);
    let rest = word(eights.remainder());
    let begin = value.len() as u64;
    mix(eights.fold(begin, |sum, eight| mix(sum ^ word(eight))) ^ rest)
}

#[inline]
fn mix(word: u64) -> u64 {
    let product = word.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    product ^ (product >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_twice_is_noticed() {
        let mut seen = Seen::default();
        for round in 0..3 {
            for n in 0..5_000 {
                seen.add(format!("{:020}", n * 7 + round).as_bytes());
            }
            assert!(!seen.repeats());
            seen.add(format!("{:020} ", 700 + round).as_bytes());
            assert!(seen.repeats());
            seen.clear();
        }
    }
}
