//! One segment: its elements from fields, from what the caller gives, and from what was kept.

use super::super::laid::{At, small};
use super::super::plan::{ElementSet, Slot};
use super::super::shape::FieldId;
use super::{Given, Pass};
use crate::grammar::NodeId;

impl<'w> Pass<'w> {
    /// Writes the segment at a node. `extra` are elements that no field holds, `hint` elements as they were sent.
    pub(super) fn segment(
        &mut self,
        node: NodeId,
        set: &ElementSet,
        object: At,
        given: Given<'_>,
        extra: Option<At>,
        hint: Option<At>,
    ) {
        self.begin(node, set.slots.len().max(self.length(extra)));
        for (i, slot) in set.slots.iter().enumerate() {
            self.position = u16::try_from(i + 1).unwrap_or(u16::MAX);
            let (more, sent) = (self.text_of(extra, i), self.text_of(hint, i));
            let start = self.out.len();
            match slot {
                Slot::Unread => {}
                // Written with the first of its range.
                Slot::InRange => continue,
                Slot::Fixed(code, kept) => self.fixed(code, *kept, object),
                Slot::Elsewhere => {
                    let text = given.iter().find(|(p, _)| *p == self.position);
                    self.data(text.map_or(&[], |(_, text)| text));
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

    /// Begins a segment of which nothing was kept: what its fields have is written without a detour.
    #[inline]
    pub(super) fn open(&mut self, open: &mut Option<u16>, node: NodeId, tag: &[u8]) {
        self.node = node;
        self.kept_tag = None;
        self.out.extend_from_slice(tag);
        *open = Some(0);
    }

    /// An element of that segment, of an object that has this value for it.
    #[inline]
    pub(super) fn element(
        &mut self,
        open: &mut Option<u16>,
        position: u16,
        slot: &Slot,
        (object, at): (At, At),
        given: Given<'_>,
    ) {
        let Some(last) = *open else { return };
        let separator = self.options.style.delimiters.element;
        self.position = position;
        let before = self.out.len();
        self.out.push(separator);
        if position - last > 1 {
            self.out.resize(before + usize::from(position - last), separator);
        }
        let start = self.out.len();
        let mut written = position;
        match slot {
            Slot::Value(scalar) => self.usual_value(scalar.form, at),
            Slot::Fixed(code, kept) => self.fixed(code, *kept, object),
            Slot::Elsewhere => {
                let text = given.iter().find(|(p, _)| *p == position);
                self.data(text.map_or(&[], |(_, text)| text));
            }
            Slot::Composite(parts) => self.composite(parts, object, None, None),
            Slot::Count(counted) => self.count(counted, None),
            Slot::Range(range) => written = self.plain_range(range, position, at, separator),
            Slot::Unread | Slot::InRange => {}
        }
        if self.out.len() == start {
            self.out.truncate(before);
        } else {
            *open = Some(written);
        }
    }

    /// Ends the segment that is open, if there is one.
    #[inline]
    pub(super) fn close(&mut self, open: &mut Option<u16>) {
        if open.take().is_some() {
            self.terminate();
        }
    }

    #[inline]
    fn terminate(&mut self) {
        let style = self.options.style;
        self.out.push(style.delimiters.segment);
        if !style.suffix.is_empty() {
            self.out.extend_from_slice(&style.suffix);
        }
        self.segments += 1;
        self.position = 0;
    }

    /// A segment for one text of a list.
    pub(super) fn text_segment(
        &mut self,
        node: NodeId,
        set: &ElementSet,
        field: FieldId,
        text: At,
        extra: Option<At>,
        hint: Option<At>,
    ) {
        self.begin(node, set.slots.len().max(self.length(extra)));
        for (i, slot) in set.slots.iter().enumerate() {
            self.position = u16::try_from(i + 1).unwrap_or(u16::MAX);
            let start = self.out.len();
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
            let start = self.out.len();
            self.data(text);
            self.cell(usize::from(*position) - 1, start);
        }
        self.finish(None, None);
    }

    /// A segment of which every element was kept.
    pub(super) fn kept(&mut self, tag: &str, elements: Option<At>) {
        self.put_aside(self.length(elements));
        self.kept_tag = Some(tag.to_owned());
        self.finish(elements, Some(tag));
    }

    fn begin(&mut self, node: NodeId, elements: usize) {
        self.put_aside(elements);
        self.node = node;
        self.kept_tag = None;
    }

    /// Puts the set aside, to write the elements of a segment in any order.
    fn put_aside(&mut self, elements: usize) {
        std::mem::swap(self.out, &mut self.work.aside);
        self.out.clear();
        self.work.cells.clear();
        self.work.cells.resize(elements, (0, 0));
    }

    pub(super) fn cell(&mut self, i: usize, start: usize) {
        let end = small(self.out.len());
        if let Some(cell) = self.work.cells.get_mut(i) {
            *cell = (small(start), end);
        }
    }

    /// Fills what is still empty from `extra`, and writes the segment without empty elements at its end.
    fn finish(&mut self, extra: Option<At>, tag: Option<&str>) {
        if extra.is_some() {
            for i in 0..self.work.cells.len() {
                let (start, end) = self.work.cells[i];
                let text = self.text_of(extra, i).unwrap_or("");
                if start == end && !text.is_empty() {
                    self.position = u16::try_from(i + 1).unwrap_or(u16::MAX);
                    let start = self.out.len();
                    self.structured(text);
                    self.cell(i, start);
                }
            }
        }
        let from = self.out.len();
        self.position = 0;
        if let Some(tag) = tag {
            self.data(tag.as_bytes());
        } else {
            let tag = self.grammar.segment_at(self.node).tag.get().to_be_bytes();
            self.out.extend(tag.into_iter().take_while(|&b| b != 0));
        }
        std::mem::swap(self.out, &mut self.work.aside);
        let made = &self.work.aside;
        self.out.extend_from_slice(&made[from..]);
        let cells = &self.work.cells;
        let last = cells.iter().rposition(|(start, end)| start < end).map_or(0, |i| i + 1);
        for &(start, end) in &cells[..last] {
            self.out.push(self.options.style.delimiters.element);
            self.out.extend_from_slice(&made[start as usize..end as usize]);
        }
        self.terminate();
    }

    fn length(&self, list: Option<At>) -> usize {
        list.map_or(0, |list| self.values.items(list) as usize)
    }

    /// The i-th text of a list of elements, where it is not empty.
    pub(super) fn text_of(&self, list: Option<At>, i: usize) -> Option<&'w str> {
        let values = self.values;
        let item = values.item(list?, i)?;
        Some(values.text(item)).filter(|t| !t.is_empty())
    }
}
