//! `unmapped`: what the groups of a block have left.

use std::ops::Range;

use super::super::plan::{Block, ElementSet, GroupKind, Slot};
use super::super::values::{Entry, small};
use super::{Item, LEFTOVER, NO_INSTANCE, Pass, UNCLAIMED, UNPLACED, UNUSUAL};
use crate::x12::Segment;

impl<'r> Pass<'r, '_> {
    /// Puts together `unmapped` of a block, where there is anything to note.
    pub(super) fn rest(&mut self, block: &'r Block, items: Range<usize>) {
        let Some(field) = block.rest else { return };
        let absent = block.always.iter().any(|&local| !self.has(local, items.clone()));
        if !absent && !self.anything(items.clone()) {
            return;
        }
        let mark = self.values.mark();
        let rest = self.map.rest;
        self.note(rest.segments.0, |pass| pass.whole_segments(block, items.clone()));
        self.note(rest.elements.0, |pass| pass.left_elements(block, items.clone()));
        self.note(rest.as_sent.0, |pass| pass.as_sent(block, items.clone()));
        self.note(rest.order.0, |pass| pass.orders(block, items.clone()));
        self.note(rest.absent, |pass| {
            for &local in &block.always {
                if !pass.has(local, items.clone()) {
                    let key = pass.values.text(&block.places[usize::from(local)].key);
                    pass.values.push(0, key);
                }
            }
        });
        self.note(rest.unplaced.0, |pass| pass.unplaced(block, items));
        if self.values.mark() > mark {
            let object = self.values.object(mark);
            self.values.push(field, object);
        }
    }

    fn note(&mut self, field: u16, fill: impl FnOnce(&mut Self)) {
        let mark = self.values.mark();
        fill(self);
        if self.values.mark() > mark {
            let list = self.values.list(mark);
            self.values.push(field, list);
        }
    }

    /// Whether an item is not claimed, has something left, or stands in an unusual order.
    fn anything(&self, items: Range<usize>) -> bool {
        let mut before: Option<&Item> = None;
        self.work.items[items].iter().any(|item| {
            let out_of_order =
                before.is_some_and(|b| b.local == item.local && b.claim > item.claim);
            before = Some(item);
            item.claim == UNCLAIMED || item.flags & (LEFTOVER | UNUSUAL) != 0 || out_of_order
        })
    }

    /// Place key and position in the run (`None` for the first).
    fn name(&mut self, block: &Block, fields: [u16; 2], local: u16, nth: u32) {
        let key = block.places.get(usize::from(local)).map_or("", |p| p.key.as_str());
        let key = self.values.text(key);
        self.values.push(fields[0], key);
        if nth > 1 {
            self.values.push(fields[1], Entry::integer(nth));
        }
    }

    /// Whether anything stands at a place.
    fn has(&self, local: u16, items: Range<usize>) -> bool {
        self.work.items[items].iter().any(|item| item.local == local)
    }

    fn whole_segments(&mut self, block: &Block, items: Range<usize>) {
        let fields = self.map.rest.segment;
        for at in items {
            let item = self.work.items[at];
            if item.claim != UNCLAIMED || item.local == UNPLACED {
                continue;
            }
            let mark = self.values.mark();
            let nth = self.work.items[at].nth;
            self.name(block, [fields[0], fields[1]], item.local, nth);
            self.raw_elements(fields[2], self.segment(item.segment));
            let inside = self.values.mark();
            for index in item.segment + 1..item.end {
                self.raw_segment(self.segment(index));
            }
            if self.values.mark() > inside {
                let list = self.values.list(inside);
                self.values.push(fields[3], list);
            }
            let object = self.values.object(mark);
            self.values.push(0, object);
        }
    }

    fn raw_segment(&mut self, segment: Segment<'r>) {
        let fields = self.map.rest.inside;
        let mark = self.values.mark();
        let id = self.raw_text(segment.offset(), segment.id(), false);
        self.values.push(fields[0], id);
        self.raw_elements(fields[1], segment);
        let object = self.values.object(mark);
        self.values.push(0, object);
    }

    /// All elements of a segment as texts, without empty ones at the end.
    fn raw_elements(&mut self, field: u16, segment: Segment<'r>) {
        let mark = self.values.mark();
        let mut last = segment.len();
        while last > 0 && segment.element(last).is_empty() {
            last -= 1;
        }
        for position in 1..=last {
            let text =
                self.raw_text(segment.element_offset(position), segment.element(position), true);
            self.values.push(0, text);
        }
        if self.values.mark() > mark {
            let list = self.values.list(mark);
            self.values.push(field, list);
        }
    }

    /// Bytes of the set as a text with our own separators.
    fn raw_text(&mut self, offset: u64, bytes: &[u8], structured: bool) -> Entry {
        let delimiters = self.walked.segments.delimiters();
        let special = |b: u8| {
            matches!(b, b'>' | b'^' | b'\\')
                || b == delimiters.component
                || Some(b) == delimiters.repetition
        };
        if !structured || !bytes.iter().any(|&b| special(b)) {
            let start = offset.saturating_sub(self.base);
            return self.text(u32::try_from(start).unwrap_or(u32::MAX), bytes);
        }
        let text = crate::x12::decode(bytes);
        let start = self.values.arena.len();
        let (component, repetition) =
            (char::from(delimiters.component), delimiters.repetition.map(char::from));
        for c in text.chars() {
            match c {
                c if c == component => self.values.arena.push('>'),
                c if Some(c) == repetition => self.values.arena.push('^'),
                '>' | '^' | '\\' => {
                    self.values.arena.push('\\');
                    self.values.arena.push(c);
                }
                c => self.values.arena.push(c),
            }
        }
        self.values.text_from(start)
    }

    /// The element set that read an item.
    fn set_of(&self, block: &'r Block, item: &Item) -> Option<&'r ElementSet> {
        let group = block.groups.get(usize::from(item.claim))?;
        match &group.kind {
            GroupKind::Elements(set) | GroupKind::Texts { set, .. } => Some(set),
            GroupKind::Object { block, .. } if item.instance == NO_INSTANCE => {
                self.block(*block).own()
            }
            GroupKind::Object { .. } => None,
        }
    }

    fn left_elements(&mut self, block: &'r Block, items: Range<usize>) {
        let fields = self.map.rest.partial;
        self.partial(block, items, LEFTOVER, fields, |pass, set, segment, position| {
            pass.left(set.slots.get(position - 1).unwrap_or(&Slot::Unread), set, segment, position)
        });
    }

    fn as_sent(&mut self, block: &'r Block, items: Range<usize>) {
        let fields = self.map.rest.partial;
        self.partial(block, items, UNUSUAL, fields, |pass, set, segment, position| {
            pass.unusual(set, segment, position)
        });
    }

    /// Entries of elements by position, for the items with a flag.
    fn partial(
        &mut self,
        block: &'r Block,
        items: Range<usize>,
        flag: u8,
        fields: [u16; 3],
        mut take: impl FnMut(&mut Self, &'r ElementSet, Segment<'r>, usize) -> Option<Entry>,
    ) {
        for at in items {
            let item = self.work.items[at];
            if item.flags & flag == 0 {
                continue;
            }
            let Some(set) = self.set_of(block, &item) else { continue };
            let segment = self.segment(item.segment);
            let mark = self.values.mark();
            let nth = self.work.items[at].nth;
            self.name(block, [fields[0], fields[1]], item.local, nth);
            let list = self.values.mark();
            let mut last = list;
            for position in 1..=segment.len() {
                let text = take(self, set, segment, position);
                let noted = text.is_some();
                let text = text.unwrap_or_else(|| self.values.text(""));
                self.values.push(0, text);
                if noted {
                    last = self.values.mark();
                }
            }
            self.values.pending.truncate(last);
            if last == list {
                self.values.pending.truncate(mark);
                continue;
            }
            let elements = self.values.list(list);
            self.values.push(fields[2], elements);
            let object = self.values.object(mark);
            self.values.push(0, object);
        }
    }

    /// What of an element no field holds.
    fn left(
        &mut self,
        slot: &'r Slot,
        set: &'r ElementSet,
        segment: Segment<'r>,
        position: usize,
    ) -> Option<Entry> {
        let piece = self.piece(segment, position);
        if piece.bytes.is_empty() {
            return None;
        }
        let offset = self.base + u64::from(piece.start);
        let repeated =
            self.walked.segments.delimiters().repetition.is_some_and(|r| piece.bytes.contains(&r));
        let whole = match slot {
            Slot::Fixed(..) | Slot::Elsewhere | Slot::Count(_) => false,
            Slot::Unread => true,
            Slot::Value(_) | Slot::Composite(_) if repeated && !segment.is_plain() => true,
            Slot::Value(scalar) => self.has_no_value(scalar.form, piece),
            Slot::Range(_) | Slot::InRange => match range_slot(set, position) {
                Some(Slot::Value(scalar)) => self.has_no_value(scalar.form, piece),
                _ => true,
            },
            Slot::Composite(parts) => return self.left_components(parts, segment, position),
        };
        whole.then(|| self.raw_text(offset, piece.bytes, true))
    }

    fn has_no_value(
        &mut self,
        form: super::super::form::Form,
        piece: super::elements::Piece<'r>,
    ) -> bool {
        let start = self.values.arena.len();
        let result = self.value(form, piece).is_err();
        self.values.arena.truncate(start);
        result
    }

    /// A composite with only the components that no field holds.
    fn left_components(
        &mut self,
        parts: &'r [Slot],
        segment: Segment<'r>,
        position: usize,
    ) -> Option<Entry> {
        let piece = self.piece(segment, position);
        let pieces: Vec<_> = self.components(piece, segment).collect();
        let mut text = String::new();
        let mut any = false;
        for piece in pieces {
            if piece.component > 1 {
                text.push('>');
            }
            let left = !piece.bytes.is_empty()
                && match parts.get(usize::from(piece.component) - 1) {
                    Some(Slot::Value(scalar)) => self.has_no_value(scalar.form, piece),
                    Some(Slot::Fixed(..)) => false,
                    _ => true,
                };
            if left {
                any = true;
                for c in crate::x12::decode(piece.bytes).chars() {
                    if matches!(c, '>' | '^' | '\\') {
                        text.push('\\');
                    }
                    text.push(c);
                }
            }
        }
        let trimmed = text.trim_end_matches('>').len();
        any.then(|| self.values.text(text.get(..trimmed).unwrap_or_default()))
    }

    /// An element as it was sent, where writing its field would give other bytes.
    fn unusual(
        &mut self,
        set: &'r ElementSet,
        segment: Segment<'r>,
        position: usize,
    ) -> Option<Entry> {
        let piece = self.piece(segment, position);
        if piece.bytes.is_empty() {
            return None;
        }
        let slot = set.slots.get(position - 1)?;
        let unfaithful = |pass: &mut Self, slot: Option<&Slot>, piece| match slot {
            Some(Slot::Value(scalar)) => {
                let start = pass.values.arena.len();
                let result = matches!(pass.value(scalar.form, piece), Ok((_, flags)) if flags != 0);
                pass.values.arena.truncate(start);
                result
            }
            _ => false,
        };
        let noted = match slot {
            Slot::Value(_) => unfaithful(self, Some(slot), piece),
            Slot::Count(counted) => {
                let first = counted.first().map(|&c| self.counted(c));
                first.is_none_or(|n| n.to_string().as_bytes() != piece.bytes)
            }
            Slot::Composite(parts) => {
                let pieces: Vec<_> = self.components(piece, segment).collect();
                pieces.into_iter().any(|p| {
                    let part = parts.get(usize::from(p.component) - 1);
                    !p.bytes.is_empty() && unfaithful(self, part, p)
                })
            }
            Slot::Range(_) | Slot::InRange => {
                gap_before(set, segment, position)
                    || unfaithful(self, range_slot(set, position), piece)
            }
            Slot::Unread | Slot::Fixed(..) | Slot::Elsewhere => false,
        };
        let offset = self.base + u64::from(piece.start);
        noted.then(|| self.raw_text(offset, piece.bytes, true))
    }

    /// For each run whose claims are not in the order of the groups: which came where.
    fn orders(&mut self, block: &Block, items: Range<usize>) {
        let fields = self.map.rest.permutation;
        let mut start = items.start;
        while start < items.end {
            let local = self.work.items[start].local;
            let mut claimed: Vec<(u16, u32)> = Vec::new();
            while start < items.end && [local, UNPLACED].contains(&self.work.items[start].local) {
                let claim = self.work.items[start].claim;
                let placed = self.work.items[start].local != UNPLACED;
                if placed && claim != UNCLAIMED && claim != super::ELSEWHERE {
                    claimed.push((claim, small(claimed.len() + 1)));
                }
                start += 1;
            }
            let Some(place) = block.places.get(usize::from(local)) else { continue };
            if claimed.is_sorted() {
                continue;
            }
            claimed.sort_unstable();
            let mark = self.values.mark();
            let key = self.values.text(&place.key);
            self.values.push(fields[0], key);
            let list = self.values.mark();
            for (_, position) in claimed {
                self.values.push(0, Entry::integer(position));
            }
            let order = self.values.list(list);
            self.values.push(fields[1], order);
            let object = self.values.object(mark);
            self.values.push(0, object);
        }
    }

    /// Segments without a place, with what they stood after.
    fn unplaced(&mut self, block: &Block, items: Range<usize>) {
        let fields = self.map.rest.stray;
        let mut after: Option<usize> = None;
        for at in items {
            let item = self.work.items[at];
            if item.local != UNPLACED {
                after = Some(at);
                continue;
            }
            for index in item.segment..item.end {
                let mark = self.values.mark();
                if let Some(after) = after {
                    let nth = self.work.items[after].nth;
                    let local = self.work.items[after].local;
                    self.name(block, [fields[0], fields[1]], local, nth);
                }
                let segment = self.segment(index);
                let id = self.raw_text(segment.offset(), segment.id(), false);
                self.values.push(fields[2], id);
                self.raw_elements(fields[3], segment);
                let object = self.values.object(mark);
                self.values.push(0, object);
            }
        }
    }
}

/// The slot of an element within the step of its range.
fn range_slot(set: &ElementSet, position: usize) -> Option<&Slot> {
    let (first, range) = range_of(set, position)?;
    range.step.get((position - first) % range.step.len())
}

fn range_of(set: &ElementSet, position: usize) -> Option<(usize, &super::super::plan::Range)> {
    let slots = set.slots.get(..position)?;
    let (i, slot) = slots.iter().enumerate().rfind(|(_, s)| matches!(s, Slot::Range(_)))?;
    match slot {
        Slot::Range(range) if position <= i + usize::from(range.length) => Some((i + 1, range)),
        _ => None,
    }
}

/// Whether a step of the range is empty before one that is not: its layout would be lost.
fn gap_before(set: &ElementSet, segment: Segment<'_>, position: usize) -> bool {
    let Some((first, range)) = range_of(set, position) else { return false };
    let last = (first + usize::from(range.length) - 1).min(segment.len());
    let step = range.step.len();
    let mut gap = false;
    let mut at = first;
    while at <= last {
        let present =
            (at..at + step).take_while(|&p| p <= last).any(|p| !segment.element(p).is_empty());
        if present && gap {
            return true;
        }
        gap |= !present;
        at += step;
    }
    false
}
