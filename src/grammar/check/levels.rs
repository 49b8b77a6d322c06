//! Loops whose instances form a tree by numbers of their own (HL): whether the numbers make one.

use std::collections::HashMap;

use super::word;
use crate::grammar::Nested;
use crate::x12::Segment;

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

    /// Adds the instance that a segment of the set opens: its parent, as [`usual_parent`] tells it, and what is wrong.
    #[inline]
    pub fn add(
        &mut self,
        at: u32,
        segment: Segment<'_>,
        nested: Nested,
    ) -> (Option<u32>, Option<LevelFault>) {
        let (bytes, ends) = segment.bytes_and_ends();
        let child = place(ends, nested.child);
        let says_children = match bytes.get(child.0 as usize) {
            Some(b'0') if child.1 == 1 => Some(false),
            Some(b'1') if child.1 == 1 => Some(true),
            _ => None,
        };
        let index = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let usual = if self.irregular { None } else { usual_parent(index, segment, nested) };
        let (parent, fault) = match usual {
            Some(parent) => (parent, None),
            None => self.look_up(index, segment, nested),
        };
        if let Some(level) = self.all.get_mut(parent as usize) {
            level.has_children = true;
        }
        self.all.push(Level { segment: at, says_children, has_children: false });
        (usual, fault)
    }

    /// The parent of the instance that comes next (`NO_PARENT` where it has none), and what is wrong with it, by
    /// numbers of any kind.
    #[cold]
    fn look_up(
        &mut self,
        index: u32,
        segment: Segment<'_>,
        nested: Nested,
    ) -> (u32, Option<LevelFault>) {
        let id = segment.element(usize::from(nested.id));
        let parent = segment.element(usize::from(nested.parent));
        if !self.irregular {
            self.irregular = true;
            self.numbers = (0..index).map(|n| ((n + 1).to_string().into_bytes(), n)).collect();
        }
        // That a number is missing is told of the element.
        let repeated = !id.is_empty() && self.numbers.insert(id.to_vec(), index).is_some();
        let mut fault = repeated.then_some(LevelFault::Number);
        if parent.is_empty() {
            return (NO_PARENT, fault);
        }
        let found = self.numbers.get(parent).copied().filter(|&found| found < index);
        if found.is_none() {
            fault = fault.or(Some(LevelFault::Parent));
        }
        (found.unwrap_or(NO_PARENT), fault)
    }
}

/// No index of an instance: there are no more of them than bytes in a set.
pub(crate) const NO_PARENT: u32 = u32::MAX;

/// The parent ([`NO_PARENT`] where it has none) of the instance at an index whose number and whose parent's number are
/// what they usually are: 1, 2, 3, …, and one that came before. `None` whenever that is not sure.
#[inline]
pub(crate) fn usual_parent(index: u32, segment: Segment<'_>, nested: Nested) -> Option<u32> {
    let (bytes, ends) = segment.bytes_and_ends();
    let number = |(start, length): (u32, u32)| {
        let word = word::at(bytes, start).filter(|_| (1..=8).contains(&length))?;
        word::number(word, length)
    };
    if number(place(ends, nested.id))? != index + 1 {
        return None;
    }
    let parent = place(ends, nested.parent);
    if parent.1 == 0 {
        return Some(NO_PARENT);
    }
    number(parent)?.checked_sub(1).filter(|&parent| parent < index)
}

/// Where an element begins and how long it is, given where the tag and the elements end.
#[inline]
fn place(ends: &[u32], position: u16) -> (u32, u32) {
    let position = usize::from(position);
    match ends.get(position.wrapping_sub(1)..position + 1) {
        Some(&[before, end]) => (before.wrapping_add(1), end.wrapping_sub(before).wrapping_sub(1)),
        _ => (0, 0),
    }
}
