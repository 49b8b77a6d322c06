//! Which control numbers have come already, in little memory.

use std::collections::{BTreeMap, HashSet};

/// Runs and texts that are kept at most. Numbers that rise by one, as nearly all do, take one run, so that this
/// is reached only by senders that draw lots; past it repeats are no longer told (1.5 MB at the worst).
const KEPT_MAX: usize = 20_000;

/// A set of control numbers that compresses runs. `0001` and `1` are two names.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// First → last of each run of numbers of one length.
    runs: BTreeMap<u64, u64>,
    texts: HashSet<Vec<u8>>,
}

impl Seen {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.runs.clear();
        self.texts.clear();
    }

    /// Adds a number as it stands; `false` where it was there already.
    pub fn insert(&mut self, bytes: &[u8]) -> bool {
        match super::envelope::number(bytes) {
            // Length and number make one key: nine digits stay below 10^9.
            Some(number) => {
                self.insert_number(bytes.len() as u64 * 1_000_000_000 + u64::from(number))
            }
            None => {
                if self.texts.contains(bytes) {
                    false
                } else {
                    self.insert_text(bytes)
                }
            }
        }
    }

    fn insert_text(&mut self, bytes: &[u8]) -> bool {
        if self.texts.len() < KEPT_MAX {
            self.texts.insert(bytes.to_vec());
        }
        true
    }

    fn insert_number(&mut self, key: u64) -> bool {
        if let Some((&first, &last)) = self.runs.range(..=key).next_back() {
            if last >= key {
                return false;
            }
            if last + 1 == key {
                self.runs.insert(first, key);
                return true;
            }
        }
        if self.runs.len() < KEPT_MAX {
            self.runs.insert(key, key);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_repeats_and_keeps_runs_small() {
        let mut seen = Seen::default();
        for number in 1..=5000 {
            assert!(seen.insert(format!("{number:04}").as_bytes()));
        }
        assert!(seen.runs.len() <= 2);
        assert!(!seen.insert(b"0001"));
        assert!(seen.insert(b"1"));
        assert!(seen.insert(b"A-1"));
        assert!(!seen.insert(b"A-1"));
    }
}
