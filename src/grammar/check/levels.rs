//! Loops whose instances form a tree by numbers of their own (HL): whether the numbers make one.

use std::collections::HashMap;

use crate::x12::{Segment, Segments};

/// One instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    /// Index of its opening segment in the set.
    pub segment: u32,
    /// What it says of children: `Some(true)` = has some.
    pub says_children: Option<bool>,
    pub has_children: bool,
}

/// What is wrong with an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LevelFault {
    /// Its number was used before.
    Number,
    /// Its parent's number has not come.
    Parent,
}

/// The instances of a set so far.
#[derive(Debug, Default)]
pub(super) struct Levels {
    pub all: Vec<Level>,
    /// By number, once the numbers are not 1, 2, 3, …
    numbers: HashMap<Vec<u8>, u32>,
    irregular: bool,
}

impl Levels {
    pub fn clear(&mut self) {
        self.all.clear();
        self.numbers.clear();
        self.irregular = false;
    }

    /// Adds the instance that a segment of the set opens.
    pub fn add(
        &mut self,
        at: u32,
        set: &Segments<'_>,
        nested: crate::grammar::Nested,
    ) -> Option<LevelFault> {
        let segment = set.get(at as usize).unwrap_or(Segment::EMPTY);
        let id = segment.element(usize::from(nested.id));
        let parent = segment.element(usize::from(nested.parent));
        let says_children = match segment.element(usize::from(nested.child)) {
            b"0" => Some(false),
            b"1" => Some(true),
            _ => None,
        };
        let index = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        if !self.irregular && plain(id) != Some(index + 1) {
            self.irregular = true;
            self.numbers = (0..index).map(|n| ((n + 1).to_string().into_bytes(), n)).collect();
        }
        let mut fault = None;
        // That a number is missing is told of the element.
        if self.irregular && !id.is_empty() && self.numbers.insert(id.to_vec(), index).is_some() {
            fault = Some(LevelFault::Number);
        }
        if !parent.is_empty() {
            let found = if self.irregular {
                self.numbers.get(parent).copied()
            } else {
                plain(parent).and_then(|n| n.checked_sub(1))
            };
            match found
                .filter(|&found| found < index)
                .and_then(|found| self.all.get_mut(found as usize))
            {
                Some(level) => level.has_children = true,
                None => fault = fault.or(Some(LevelFault::Parent)),
            }
        }
        self.all.push(Level { segment: at, says_children, has_children: false });
        fault
    }
}

/// A number without leading zeros.
#[inline]
fn plain(bytes: &[u8]) -> Option<u32> {
    if bytes.is_empty() || bytes.len() > 9 || bytes[0] == b'0' {
        return None;
    }
    bytes
        .iter()
        .try_fold(0u32, |sum, &b| b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0')))
}
