//! One segment: its elements from fields, from what the caller gives, and from what was kept.

use super::super::plan::{ElementSet, Slot};
use super::super::shape::FieldId;
use super::super::values::{Entry, small};
use super::{Given, Pass};
use crate::grammar::NodeId;

impl<'w> Pass<'w> {
    /// Writes the segment at a node. `extra` are elements that no field holds, `hint` elements as they were sent.
    pub(super) fn segment(
        &mut self,
        node: NodeId,
        set: &ElementSet,
        object: Entry,
        given: Given<'_>,
        extra: Option<Entry>,
        hint: Option<Entry>,
    ) {
        if set.indexed && extra.is_none() && hint.is_none() {
            self.plain_segment(node, set, object, given);
            return;
        }
        self.begin(node, set.slots.len().max(Self::length(extra)));
        for (i, slot) in set.slots.iter().enumerate() {
            self.position = u16::try_from(i + 1).unwrap_or(u16::MAX);
            let (more, sent) = (self.text_of(extra, i), self.text_of(hint, i));
            let start = self.scratch.len();
            match slot {
                Slot::Unread => {}
                // Written with the first of its range.
                Slot::InRange => continue,
                Slot::Fixed(code, kept) => self.fixed(code, *kept, object),
                Slot::Elsewhere => {
                    let text = given.iter().find(|(p, _)| *p == self.position);
                    self.data(text.map_or("", |(_, text)| text));
                }
                Slot::Value(scalar) => {
                    if let Some(entry) = self.values.get(object, scalar.field) {
                        self.value(scalar.form, entry, sent);
                    }
                }
                Slot::Composite(parts) => self.composite(parts, object, more, sent),
                Slot::Count(counted) => self.count(counted, sent),
                Slot::Range(range) => {
                    self.range(range, i, object, hint);
                    continue;
                }
            }
            self.cell(i, start);
        }
        self.finish(extra, None);
    }

    /// A segment of which nothing was kept: only the elements that the object has are looked at, in their order,
    /// and written without a detour.
    fn plain_segment(&mut self, node: NodeId, set: &ElementSet, object: Entry, given: Given<'_>) {
        self.begin(node, 0);
        let mut bits = set.always;
        for entry in self.values.within(object) {
            bits |= set.bit(entry.field);
        }
        // What the elements are written to is the output itself.
        std::mem::swap(self.out, self.scratch);
        self.scratch.extend_from_slice(&self.tag);
        let separator = self.options.style.delimiters.element;
        let mut last = 0;
        while bits != 0 {
            let i = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            let Some(slot) = set.slots.get(i) else { break };
            self.position = u16::try_from(i + 1).unwrap_or(u16::MAX);
            let before = self.scratch.len();
            self.scratch.extend(std::iter::repeat_n(separator, i + 1 - last));
            let start = self.scratch.len();
            let mut written = i + 1;
            match slot {
                Slot::Fixed(code, kept) => self.fixed(code, *kept, object),
                Slot::Elsewhere => {
                    let text = given.iter().find(|(p, _)| *p == self.position);
                    self.data(text.map_or("", |(_, text)| text));
                }
                Slot::Value(scalar) => {
                    if let Some(entry) = self.values.get(object, scalar.field) {
                        self.value(scalar.form, entry, None);
                    }
                }
                Slot::Composite(parts) => self.composite(parts, object, None, None),
                Slot::Count(counted) => self.count(counted, None),
                Slot::Range(range) => written = self.plain_range(range, i, object, separator),
                Slot::Unread | Slot::InRange => {}
            }
            if self.scratch.len() == start {
                self.scratch.truncate(before);
            } else {
                last = written;
            }
        }
        self.scratch.push(self.options.style.delimiters.segment);
        self.scratch.extend_from_slice(&self.options.style.suffix);
        std::mem::swap(self.out, self.scratch);
        self.segments += 1;
        self.position = 0;
    }

    /// A segment for one text of a list.
    pub(super) fn text_segment(
        &mut self,
        node: NodeId,
        set: &ElementSet,
        field: FieldId,
        text: Entry,
        extra: Option<Entry>,
        hint: Option<Entry>,
    ) {
        self.begin(node, set.slots.len().max(Self::length(extra)));
        for (i, slot) in set.slots.iter().enumerate() {
            self.position = u16::try_from(i + 1).unwrap_or(u16::MAX);
            let start = self.scratch.len();
            if let Slot::Value(scalar) = slot
                && scalar.field == field
            {
                let hint = self.text_of(hint, i);
                self.value(scalar.form, text, hint);
            }
            self.cell(i, start);
        }
        self.finish(extra, None);
    }

    /// A segment that is only what the caller gives.
    pub(super) fn raw(&mut self, node: NodeId, given: Given<'_>) {
        let last = given.iter().map(|(p, _)| usize::from(*p)).max().unwrap_or(0);
        self.begin(node, last);
        for (position, text) in given {
            self.position = *position;
            let start = self.scratch.len();
            self.data(text);
            self.cell(usize::from(*position) - 1, start);
        }
        self.finish(None, None);
    }

    /// A segment of which every element was kept.
    pub(super) fn kept(&mut self, tag: &str, elements: Option<Entry>) {
        self.scratch.clear();
        self.cells.clear();
        let length = Self::length(elements);
        self.cells.resize(length, (0, 0));
        self.tag.clear();
        self.tag.extend_from_slice(tag.as_bytes());
        self.finish(elements, Some(tag));
    }

    fn begin(&mut self, node: NodeId, elements: usize) {
        self.scratch.clear();
        self.cells.clear();
        self.cells.resize(elements, (0, 0));
        self.node = node;
        let tag = self.grammar.segment_at(node).tag.get().to_be_bytes();
        self.tag.clear();
        self.tag.extend(tag.into_iter().take_while(|&b| b != 0));
    }

    pub(super) fn cell(&mut self, i: usize, start: usize) {
        let end = small(self.scratch.len());
        if let Some(cell) = self.cells.get_mut(i) {
            *cell = (small(start), end);
        }
    }

    /// Fills what is still empty from `extra`, and writes the segment without empty elements at its end.
    fn finish(&mut self, extra: Option<Entry>, tag: Option<&str>) {
        if extra.is_some() {
            for i in 0..self.cells.len() {
                let (start, end) = self.cells[i];
                let text = self.text_of(extra, i).unwrap_or("");
                if start == end && !text.is_empty() {
                    self.position = u16::try_from(i + 1).unwrap_or(u16::MAX);
                    let start = self.scratch.len();
                    self.structured(text);
                    self.cell(i, start);
                }
            }
        }
        let delimiters = self.options.style.delimiters;
        if tag.is_some() {
            let from = self.scratch.len();
            let tag = String::from_utf8_lossy(&self.tag).into_owned();
            self.position = 0;
            self.data(&tag);
            let to = self.scratch.len();
            self.out.extend_from_slice(&self.scratch[from..to]);
        } else {
            self.out.extend_from_slice(&self.tag);
        }
        let last = self.cells.iter().rposition(|(start, end)| start < end).map_or(0, |i| i + 1);
        for &(start, end) in &self.cells[..last] {
            self.out.push(delimiters.element);
            self.out.extend_from_slice(&self.scratch[start as usize..end as usize]);
        }
        self.out.push(delimiters.segment);
        self.out.extend_from_slice(&self.options.style.suffix);
        self.segments += 1;
        self.position = 0;
    }

    fn length(list: Option<Entry>) -> usize {
        list.map_or(0, |list| list.b as usize)
    }

    /// The i-th text of a list of elements, where it is not empty.
    pub(super) fn text_of(&self, list: Option<Entry>, i: usize) -> Option<&'w str> {
        let values = self.values;
        let entry = *values.within(list?).get(i)?;
        Some(values.str(entry)).filter(|t| !t.is_empty())
    }

    pub(super) fn str(&self, entry: Entry) -> &'w str {
        let values = self.values;
        values.str(entry)
    }
}
