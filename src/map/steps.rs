//! In which order the fields of a block are written, worked out when a map is made ready: each field leads to its
//! step at once, and only the steps that an object has are taken.

use std::ops::Range;

use super::plan::{Block, BlockId, Group, GroupKind, NO_PLACE, Slot};
use super::shape::FieldId;
use crate::grammar::{Grammar, NodeId};

/// The steps of a block.
#[derive(Debug, Default)]
pub(super) struct Steps {
    pub all: Vec<Step>,
    /// For each field, its step, and the marks of that and of the step that begins its segment.
    of_field: Vec<(u16, Marked)>,
    /// Taken whatever the object has: the block's own segment, the levels.
    pub always: Vec<u16>,
    /// Objects that are written even where they are absent.
    pub objects: Vec<u16>,
    /// The steps of each place of a loop; none of one that is written apart.
    places: Vec<Option<Range<usize>>>,
}

/// A field that is written with another one, or looked at elsewhere.
const SILENT: u16 = u16::MAX - 1;
/// A field that has no place.
const NONE: u16 = u16::MAX;
/// As many steps can be marked; longer blocks are written in the slow way.
pub(super) const STEPS_MAX: usize = 128;

#[derive(Debug)]
pub(super) enum Step {
    /// A segment begins; with the steps of it that are taken always.
    Segment { node: NodeId, tag: Box<[u8]>, always: Vec<u16> },
    /// An element of it.
    Element { position: u16, slot: Slot },
    /// A segment or loop, or one for each object of a list.
    Object { node: NodeId, list: bool, block: BlockId },
    /// A segment for each text of a list: the group that says how.
    Texts { node: NodeId, group: u16 },
    /// The nested levels of the set.
    Levels,
}

/// What a field asks for.
pub(super) enum Asked {
    /// Its step, and the marks of that and of the step that begins its segment.
    Step(u16, Marked),
    /// Nothing: it is looked at elsewhere.
    Silent,
    /// A place that it has not.
    NoPlace,
}

impl Steps {
    /// Of a block on a loop or segment; `levels` is the place of the nested levels, and `root` whether this is the
    /// set itself, of which the last segment is written apart.
    pub(super) fn of(
        block: &Block,
        own: NodeId,
        grammar: &Grammar,
        levels: Option<u16>,
        root: bool,
    ) -> Self {
        let mut steps = Self {
            of_field: vec![(NONE, Marked::none()); block.place_of.len()],
            ..Self::default()
        };
        for (field, slot) in steps.of_field.iter_mut().enumerate() {
            if block.place_of[field] != NO_PLACE {
                slot.0 = SILENT;
            }
        }
        for &(field, _) in &block.constants {
            if let Some(slot) = steps.of_field.get_mut(usize::from(field)) {
                slot.0 = SILENT;
            }
        }
        if block.places.is_empty() {
            // A segment.
            if let Some(group) = block.groups.first() {
                steps.group(0, group, own, grammar);
            }
            return steps;
        }
        let last = block.places.len() - usize::from(root);
        for (local, place) in block.places.iter().enumerate().take(last) {
            if levels.is_some_and(|l| usize::from(l) == local) {
                steps.always.push(steps.next());
                steps.all.push(Step::Levels);
                steps.places.push(None);
                continue;
            }
            let first = steps.all.len();
            for &index in &place.groups {
                steps.group(index, &block.groups[usize::from(index)], place.node, grammar);
            }
            steps.places.push(Some(first..steps.all.len()));
        }
        steps
    }

    fn next(&self) -> u16 {
        u16::try_from(self.all.len()).unwrap_or(NONE)
    }

    fn group(&mut self, index: u16, group: &Group, node: NodeId, grammar: &Grammar) {
        let first = self.next();
        match &group.kind {
            GroupKind::Elements(set) => {
                let tag = grammar.segment_at(node).tag.to_string().into_bytes().into();
                self.all.push(Step::Segment { node, tag, always: Vec::new() });
                let mut always = Vec::new();
                for (i, slot) in set.slots.iter().enumerate() {
                    if matches!(slot, Slot::Unread | Slot::InRange) {
                        continue;
                    }
                    let step = self.next();
                    if is_always(slot) {
                        always.push(step);
                    }
                    for field in fields_of(slot) {
                        self.lead(field, step, first);
                    }
                    let position = u16::try_from(i + 1).unwrap_or(u16::MAX);
                    self.all.push(Step::Element { position, slot: slot.clone() });
                }
                if let Some(Step::Segment { always: of_segment, .. }) =
                    self.all.get_mut(usize::from(first))
                {
                    *of_segment = always;
                }
                if index == 0 {
                    self.always.push(first);
                }
            }
            GroupKind::Object { field, list, block, always } => {
                self.lead(*field, first, first);
                if *always && !*list {
                    self.objects.push(first);
                }
                self.all.push(Step::Object { node, list: *list, block: *block });
            }
            GroupKind::Texts { field, .. } => {
                self.lead(*field, first, first);
                self.all.push(Step::Texts { node, group: index });
            }
        }
    }

    fn lead(&mut self, field: FieldId, step: u16, first: u16) {
        if let Some(slot) = self.of_field.get_mut(usize::from(field)) {
            let mut marks = Marked::none();
            marks.add(first);
            marks.add(step);
            *slot = (step, marks);
        }
    }

    /// The steps of a place; none where it is written apart.
    pub(super) fn of_place(&self, local: usize) -> Option<Range<usize>> {
        self.places.get(local).cloned().flatten()
    }

    /// Where a field leads.
    #[inline]
    pub(super) fn asked(&self, field: FieldId) -> Asked {
        match self.of_field.get(usize::from(field)) {
            None | Some(&(NONE, _)) => Asked::NoPlace,
            Some(&(SILENT, _)) => Asked::Silent,
            Some(&(step, marks)) => Asked::Step(step, marks),
        }
    }
}

/// Whether an element is written as soon as its segment is.
fn is_always(slot: &Slot) -> bool {
    match slot {
        Slot::Fixed(..) | Slot::Elsewhere | Slot::Count(_) => true,
        Slot::Composite(parts) => parts.iter().any(|p| matches!(p, Slot::Fixed(..))),
        Slot::Unread | Slot::Value(_) | Slot::Range(_) | Slot::InRange => false,
    }
}

/// The fields that ask for an element. One that a selector fixes does not.
fn fields_of(slot: &Slot) -> Vec<FieldId> {
    match slot {
        Slot::Value(scalar) => vec![scalar.field],
        Slot::Range(range) => vec![range.field],
        Slot::Composite(parts) => parts.iter().flat_map(fields_of).collect(),
        Slot::Unread | Slot::Fixed(..) | Slot::Elsewhere | Slot::InRange | Slot::Count(_) => {
            Vec::new()
        }
    }
}

/// Steps marked to be taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marked {
    words: [u64; STEPS_MAX / 64],
}

impl Marked {
    #[inline]
    pub(super) fn none() -> Self {
        Self { words: [0; STEPS_MAX / 64] }
    }

    /// Marks a step; those beyond [`STEPS_MAX`] never are.
    #[inline]
    pub(super) fn add(&mut self, step: u16) {
        if let Some(word) = self.words.get_mut(usize::from(step / 64)) {
            *word |= 1 << (step % 64);
        }
    }

    /// Marks the steps that are marked there.
    #[inline]
    pub(super) fn add_all(&mut self, other: Self) {
        for (word, more) in self.words.iter_mut().zip(other.words) {
            *word |= more;
        }
    }

    /// Takes back the marks of these steps.
    pub(super) fn clear(&mut self, steps: Range<usize>) {
        for step in steps {
            if let Some(word) = self.words.get_mut(step / 64) {
                *word &= !(1 << (step % 64));
            }
        }
    }

    /// The lowest step below `limit` that is marked, in the word at `from` or after; it is marked no more.
    #[inline]
    pub(super) fn take(&mut self, from: &mut usize, limit: usize) -> Option<usize> {
        while *from * 64 < limit {
            let word = self.words.get_mut(*from)?;
            if *word != 0 {
                let step = *from * 64 + word.trailing_zeros() as usize;
                if step >= limit {
                    return None;
                }
                *word &= *word - 1;
                return Some(step);
            }
            *from += 1;
        }
        None
    }
}
