//! Names found by their bytes in one step: fields of a shape, codes and words of a table.

/// Slots of a name that is not there.
const NONE: u16 = u16::MAX;

/// A hash index of names that are kept elsewhere, in a list.
#[derive(Debug, Default, Clone)]
pub(super) struct Names {
    /// Positions in the list; a power of two of them, at most half in use.
    slots: Vec<u16>,
}

impl Names {
    /// Of names in the order of their list. Of equal names the first is found; what does not fit in 65,534 is not.
    pub(super) fn new<'n>(names: impl Iterator<Item = &'n [u8]> + Clone) -> Self {
        let size = (names.clone().count() * 2 + 1).next_power_of_two();
        let mut index = Self { slots: vec![NONE; size] };
        for (i, name) in names.enumerate().take(usize::from(NONE)) {
            let mut at = index.start(name);
            while index.slots[at] != NONE {
                at = (at + 1) % size;
            }
            index.slots[at] = u16::try_from(i).unwrap_or(NONE);
        }
        index
    }

    #[inline]
    fn start(&self, name: &[u8]) -> usize {
        let hash = hash(name);
        (hash >> 32) as usize & (self.slots.len() - 1)
    }

    /// The position of a name in its list; `name_at` gives the name at a position.
    #[inline]
    pub(super) fn find<'n>(
        &self,
        name: &[u8],
        name_at: impl Fn(usize) -> Option<&'n [u8]>,
    ) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        let mut at = self.start(name);
        loop {
            let slot = self.slots[at];
            if slot == NONE {
                return None;
            }
            if name_at(usize::from(slot)) == Some(name) {
                return Some(usize::from(slot));
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }
}

/// Mixes the first and the last eight bytes and the length: names of ours differ in one of them.
#[inline]
fn hash(name: &[u8]) -> u64 {
    let (first, last) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (short(name), 0),
    };
    (first ^ last.rotate_left(23) ^ (name.len() as u64) << 57).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// All of a name of less than eight bytes.
#[inline]
fn short(name: &[u8]) -> u64 {
    match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        _ => name.iter().fold(0, |sum, &b| sum << 8 | u64::from(b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_at_its_position_and_no_other_one() {
        let names: Vec<String> = (0..300).map(|i| format!("name_{}", i * 7)).collect();
        let index = Names::new(names.iter().map(std::string::String::as_bytes));
        let find =
            |n: &str| index.find(n.as_bytes(), |i| names.get(i).map(std::string::String::as_bytes));
        for (i, name) in names.iter().enumerate() {
            assert_eq!(find(name), Some(i));
        }
        assert_eq!(find("name_1"), None);
        assert_eq!(find(""), None);
        assert_eq!(Names::default().find(b"x", |_| None), None);
    }
}
