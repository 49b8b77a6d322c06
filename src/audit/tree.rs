//! The Merkle tree of RFC 6962, section 2.1: one hash that stands for every line of the log and their order.
//!
//! The tree is never held whole: of `n` lines at most 64 hashes are kept, those of its complete subtrees from the
//! left. That is enough to go on, to tell the root, and to collect the proofs of a few lines while all go by.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// SHA-256 of a line, a subtree or the whole tree; written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Of a line: SHA-256 of a zero byte and the line, without its line break.
    #[must_use]
    pub fn leaf(line: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update([0]);
        hasher.update(line);
        Self(hasher.finalize().into())
    }

    /// Of two subtrees: SHA-256 of a one byte and both hashes.
    #[must_use]
    pub fn node(left: &Self, right: &Self) -> Self {
        let mut hasher = Sha256::new();
        hasher.update([1]);
        hasher.update(left.0);
        hasher.update(right.0);
        Self(hasher.finalize().into())
    }

    /// The root of a tree without lines: SHA-256 of nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self(Sha256::digest([]).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(hex(&self.0, &mut [0; 64]))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Hash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "not 64 hexadecimal digits";
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(WRONG);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |at: usize| {
                char::from(pair[at]).to_digit(16).filter(|_| !pair[at].is_ascii_uppercase())
            };
            let (high, low) = digit(0).zip(digit(1)).ok_or(WRONG)?;
            *byte = u8::try_from(high << 4 | low).map_err(|_| WRONG)?;
        }
        Ok(Self(bytes))
    }
}

impl serde::Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Bytes as hexadecimal digits; as many as there is room for two of each.
pub fn hex<'a>(bytes: &[u8], digits: &'a mut [u8]) -> &'a str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    // They are ASCII.
    std::str::from_utf8(digits).unwrap_or_default()
}

/// A complete subtree: a power of two of lines, and their hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Subtree {
    lines: u64,
    hash: Hash,
}

/// A growing tree, as the complete subtrees that it consists of, the largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    parts: Vec<Subtree>,
}

impl Tree {
    /// A tree of so many lines with these complete subtrees, the largest first; nothing where that cannot be.
    #[must_use]
    pub fn of_parts(size: u64, hashes: &[Hash]) -> Option<Self> {
        if size.count_ones() as usize != hashes.len() {
            return None;
        }
        let sizes = (0..64).rev().map(|bit| size & (1 << bit)).filter(|&lines| lines > 0);
        let parts = sizes.zip(hashes).map(|(lines, &hash)| Subtree { lines, hash }).collect();
        Some(Self { size, parts })
    }

    /// The complete subtrees, the largest first.
    #[must_use]
    pub fn parts(&self) -> Vec<Hash> {
        self.parts.iter().map(|part| part.hash).collect()
    }

    /// How many lines it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a line by its hash.
    pub fn push(&mut self, leaf: Hash) {
        self.push_telling(leaf, |_, _, _| {});
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.root_telling(|_, _, _| {})
    }

    /// Adds a line. `joined` hears of each two subtrees that become one: lines and hash of the left and the right.
    fn push_telling(&mut self, leaf: Hash, mut joined: impl FnMut(u64, (u64, Hash), (u64, Hash))) {
        self.size += 1;
        let mut new = Subtree { lines: 1, hash: leaf };
        while let Some(left) = self.parts.pop_if(|left| left.lines == new.lines) {
            let begin = self.size - left.lines - new.lines;
            joined(begin, (left.lines, left.hash), (new.lines, new.hash));
            new = Subtree { lines: left.lines * 2, hash: Hash::node(&left.hash, &new.hash) };
        }
        self.parts.push(new);
    }

    fn root_telling(&self, mut joined: impl FnMut(u64, (u64, Hash), (u64, Hash))) -> Hash {
        let mut parts = self.parts.iter().rev();
        let Some(&last) = parts.next() else { return Hash::empty() };
        let right = parts.fold(last, |right, left| {
            let lines = left.lines + right.lines;
            joined(self.size - lines, (left.lines, left.hash), (right.lines, right.hash));
            Subtree { lines, hash: Hash::node(&left.hash, &right.hash) }
        });
        right.hash
    }
}

/// Proofs that some lines are in a tree, collected while its lines go by.
#[derive(Debug, Default)]
pub struct Proofs {
    tree: Tree,
    /// Places of the lines, counted from 0, rising, with what has been collected for each.
    wanted: Vec<(u64, Vec<Hash>)>,
}

impl Proofs {
    /// For the next line if it is `wanted`, and for those before.
    pub fn push(&mut self, leaf: Hash, wanted: bool) {
        if wanted {
            self.wanted.push((self.tree.size(), Vec::new()));
        }
        let proofs = &mut self.wanted;
        self.tree.push_telling(leaf, |begin, left, right| note(proofs, begin, left, right));
    }

    /// The tree so far.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// For each wanted line its place, counted from 0, and its proof as RFC 6962 orders it: from the line up.
    #[must_use]
    pub fn finish(mut self) -> Vec<(u64, Vec<Hash>)> {
        let proofs = &mut self.wanted;
        self.tree.root_telling(|begin, left, right| note(proofs, begin, left, right));
        self.wanted
    }
}

/// What a joining of two subtrees means for the lines in them: the hash of the other belongs to their proof.
fn note(
    proofs: &mut [(u64, Vec<Hash>)],
    begin: u64,
    (left_lines, left): (u64, Hash),
    (right_lines, right): (u64, Hash),
) {
    let mut within = |lines: Range<u64>, other: Hash| {
        let from = proofs.partition_point(|(place, _)| *place < lines.start);
        let to = proofs.partition_point(|(place, _)| *place < lines.end);
        proofs[from..to].iter_mut().for_each(|(_, proof)| proof.push(other));
    };
    let middle = begin + left_lines;
    within(begin..middle, right);
    within(middle..middle + right_lines, left);
}

/// The root that a proof leads to, for a line at a place (counted from 0) in a tree of a size; nothing where the proof
/// has the wrong length. RFC 9162, section 2.1.3.2.
#[must_use]
pub fn root_of_proof(leaf: Hash, place: u64, size: u64, proof: &[Hash]) -> Option<Hash> {
    if place >= size {
        return None;
    }
    let (mut place, mut last, mut hash) = (place, size - 1, leaf);
    for other in proof {
        if last == 0 {
            return None;
        }
        if place & 1 == 1 || place == last {
            hash = Hash::node(other, &hash);
            while place & 1 == 0 && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            hash = Hash::node(&hash, other);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    (last == 0).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As section 2.1 of RFC 6962 defines it.
    fn root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::empty(),
            [one] => *one,
            _ => {
                let half = leaves.len().next_power_of_two() / 2;
                Hash::node(&root(&leaves[..half]), &root(&leaves[half..]))
            }
        }
    }

    #[test]
    fn roots_and_proofs_are_those_of_the_rfc_for_every_size() {
        let leaves: Vec<Hash> = (0..70_u8).map(|n| Hash::leaf(&[n])).collect();
        for size in 0..=leaves.len() {
            let leaves = &leaves[..size];
            let mut proofs = Proofs::default();
            for leaf in leaves {
                proofs.push(*leaf, true);
            }
            let tree = proofs.tree().clone();
            assert_eq!(tree.root(), root(leaves), "{size}");
            assert_eq!(Tree::of_parts(tree.size(), &tree.parts()), Some(tree.clone()));
            for (place, proof) in proofs.finish() {
                let leaf = leaves[usize::try_from(place).unwrap()];
                let led = |at, proof: &[Hash]| root_of_proof(leaf, at, size as u64, proof);
                assert_eq!(led(place, &proof), Some(tree.root()), "{place} of {size}");
                assert_ne!(led(place + 1, &proof), Some(tree.root()));
                if let Some(short) = proof.get(1..) {
                    assert_ne!(led(place, short), Some(tree.root()));
                }
            }
        }
    }

    /// The test vectors of the reference implementation of Certificate Transparency.
    #[test]
    fn known_roots() {
        let lines: [&[u8]; 3] = [b"", b"\0", b"\x10"];
        let known = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        ];
        let mut tree = Tree::default();
        for (line, known) in lines.iter().zip(known) {
            tree.push(Hash::leaf(line));
            assert_eq!(tree.root().to_string(), known);
            assert_eq!(known.parse(), Ok(tree.root()));
        }
    }
}
