//! `unmapped`: what the groups of a block have left.

use std::borrow::Cow;
use std::ops::Range;

use super::super::laid::small;
use super::super::plan::{Block, ElementSet, GroupKind, Slot};
use super::super::shape::{Field, FieldId};
use super::{Item, LEFTOVER, NO_INSTANCE, Pass, UNCLAIMED, UNPLACED, UNUSUAL};
use crate::x12::{Segment, decode};

impl<'r> Pass<'r, '_> {
    /// Puts together `unmapped` of a block, where there is anything to note.
    #[inline]
    pub(super) fn rest(&mut self, block: &'r Block, items: Range<usize>) {
        let Some(field) = block.rest else { return };
        let absent = block.always.iter().any(|&local| !self.has(local, items.clone()));
        if absent || self.anything(items.clone()) {
            self.note_rest(field, block, items);
        }
    }

    #[cold]
    fn note_rest(&mut self, field: FieldId, block: &'r Block, items: Range<usize>) {
        let before = self.json.here();
        let fields = self.fields(block);
        let object = self.json.name(fields, field);
        let fields = self.map.fields_of(fields, field);
        let rest = self.map.rest;
        self.note(fields, rest.segments.0, |pass, fields| {
            pass.whole_segments(fields, block, items.clone());
        });
        self.note(fields, rest.elements.0, |pass, fields| {
            pass.left_elements(fields, block, items.clone());
        });
        self.note(fields, rest.as_sent.0, |pass, fields| {
            pass.as_sent(fields, block, items.clone());
        });
        self.note(fields, rest.order.0, |pass, fields| pass.orders(fields, block, items.clone()));
        self.note(fields, rest.absent, |pass, _| {
            for &local in &block.always {
                if !pass.has(local, items.clone()) {
                    pass.json.text_item(&block.places[usize::from(local)].key);
                }
            }
        });
        self.note(fields, rest.unplaced.0, |pass, fields| pass.unplaced(fields, block, items));
        if self.json.is_at(object) {
            self.json.back(before);
        } else {
            self.json.object(object);
        }
    }

    /// A list, with the fields of its entries.
    fn note(&mut self, fields: &'r [Field], field: u16, fill: impl FnOnce(&mut Self, &'r [Field])) {
        let list = self.json.list(fields, field);
        fill(self, self.map.fields_of(fields, field));
        self.json.close(list);
    }

    /// Whether an item is not claimed, has something left, or stands in an unusual order.
    fn anything(&self, items: Range<usize>) -> bool {
        let (mut local, mut claim) = (UNPLACED, 0);
        self.work.items[items].iter().any(|item| {
            let out_of_order = local == item.local && claim > item.claim;
            (local, claim) = (item.local, item.claim);
            item.claim == UNCLAIMED || item.flags & (LEFTOVER | UNUSUAL) != 0 || out_of_order
        })
    }

    /// Place key and position in the run (`None` for the first).
    fn name(&mut self, fields: &[Field], ids: [u16; 2], block: &Block, item: Item) {
        let key = block.places.get(usize::from(item.local)).map_or("", |p| p.key.as_str());
        self.json.text(fields, ids[0], key);
        if item.nth > 1 {
            self.json.number(fields, ids[1], item.nth.into());
        }
    }

    /// Whether anything stands at a place.
    fn has(&self, local: u16, items: Range<usize>) -> bool {
        self.work.items[items].iter().any(|item| item.local == local)
    }

    fn whole_segments(&mut self, fields: &'r [Field], block: &Block, items: Range<usize>) {
        let ids = self.map.rest.segment;
        let inside_fields = self.map.fields_of(fields, ids[3]);
        for at in items {
            let item = self.work.items[at];
            if item.claim != UNCLAIMED || item.local == UNPLACED {
                continue;
            }
            let object = self.json.item();
            self.name(fields, [ids[0], ids[1]], block, item);
            self.raw_elements(fields, ids[2], self.segment(item.segment));
            let inside = self.json.list(fields, ids[3]);
            for index in item.segment + 1..item.end {
                self.raw_segment(inside_fields, self.segment(index));
            }
            self.json.close(inside);
            self.json.object(object);
        }
    }

    fn raw_segment(&mut self, fields: &[Field], segment: Segment<'r>) {
        let ids = self.map.rest.inside;
        let object = self.json.item();
        self.json.text(fields, ids[0], &decode(segment.id()));
        self.raw_elements(fields, ids[1], segment);
        self.json.object(object);
    }

    /// All elements of a segment as texts, without empty ones at the end.
    fn raw_elements(&mut self, fields: &[Field], field: u16, segment: Segment<'r>) {
        let mut last = segment.len();
        while last > 0 && segment.element(last).is_empty() {
            last -= 1;
        }
        let list = self.json.list(fields, field);
        for position in 1..=last {
            let text = self.raw_text(segment.element(position));
            self.json.text_item(&text);
        }
        self.json.close(list);
    }

    /// Bytes of an element as a text with our own separators.
    fn raw_text(&self, bytes: &'r [u8]) -> Cow<'r, str> {
        let delimiters = self.delimiters;
        let special = |b: u8| {
            matches!(b, b'>' | b'^' | b'\\')
                || b == delimiters.component
                || Some(b) == delimiters.repetition
        };
        let decoded = decode(bytes);
        if !bytes.iter().any(|&b| special(b)) {
            return decoded;
        }
        let (component, repetition) =
            (char::from(delimiters.component), delimiters.repetition.map(char::from));
        let mut text = String::with_capacity(decoded.len() + 2);
        for c in decoded.chars() {
            match c {
                c if c == component => text.push('>'),
                c if Some(c) == repetition => text.push('^'),
                '>' | '^' | '\\' => text.extend(['\\', c]),
                c => text.push(c),
            }
        }
        Cow::Owned(text)
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

    fn left_elements(&mut self, fields: &'r [Field], block: &'r Block, items: Range<usize>) {
        self.partial(fields, block, items, LEFTOVER, |pass, set, segment, position| {
            pass.left(set.slots.get(position - 1).unwrap_or(&Slot::Unread), set, segment, position)
        });
    }

    fn as_sent(&mut self, fields: &'r [Field], block: &'r Block, items: Range<usize>) {
        self.partial(fields, block, items, UNUSUAL, |pass, set, segment, position| {
            pass.unusual(set, segment, position)
        });
    }

    /// Entries of elements by position, for the items with a flag.
    fn partial(
        &mut self,
        fields: &'r [Field],
        block: &'r Block,
        items: Range<usize>,
        flag: u8,
        mut take: impl FnMut(&mut Self, &'r ElementSet, Segment<'r>, usize) -> Option<Cow<'r, str>>,
    ) {
        let ids = self.map.rest.partial;
        for at in items {
            let item = self.work.items[at];
            if item.flags & flag == 0 {
                continue;
            }
            let Some(set) = self.set_of(block, &item) else { continue };
            let segment = self.segment(item.segment);
            let before = self.json.here();
            let object = self.json.item();
            self.name(fields, [ids[0], ids[1]], block, item);
            let list = self.json.list(fields, ids[2]);
            let first = self.json.here();
            let mut last = first;
            for position in 1..=segment.len() {
                let text = take(self, set, segment, position);
                self.json.text_item(text.as_deref().unwrap_or_default());
                if text.is_some() {
                    last = self.json.here();
                }
            }
            self.json.back(last);
            if self.json.is_at(first) {
                self.json.back(before);
                continue;
            }
            self.json.close(list);
            self.json.object(object);
        }
    }

    /// What of an element no field holds.
    fn left(
        &mut self,
        slot: &'r Slot,
        set: &'r ElementSet,
        segment: Segment<'r>,
        position: usize,
    ) -> Option<Cow<'r, str>> {
        let piece = self.piece(&segment, position);
        if piece.bytes.is_empty() {
            return None;
        }
        let repeated = self.delimiters.repetition.is_some_and(|r| piece.bytes.contains(&r));
        let whole = match slot {
            Slot::Fixed(..) | Slot::Elsewhere | Slot::Count(_) => false,
            Slot::Unread => true,
            Slot::Value(_) | Slot::Composite(_) if repeated && !segment.is_plain() => true,
            Slot::Value(scalar) => self.is_faithful(scalar.form, piece.bytes).is_none(),
            Slot::Range(_) | Slot::InRange => match range_slot(set, position) {
                Some(Slot::Value(scalar)) => self.is_faithful(scalar.form, piece.bytes).is_none(),
                _ => true,
            },
            Slot::Composite(parts) => return self.left_components(parts, segment, position),
        };
        whole.then(|| self.raw_text(piece.bytes))
    }

    /// A composite with only the components that no field holds.
    fn left_components(
        &mut self,
        parts: &'r [Slot],
        segment: Segment<'r>,
        position: usize,
    ) -> Option<Cow<'r, str>> {
        let piece = self.piece(&segment, position);
        let pieces: Vec<_> = self.components(piece, &segment).collect();
        let mut text = String::new();
        let mut any = false;
        for piece in pieces {
            if piece.component > 1 {
                text.push('>');
            }
            let left = !piece.bytes.is_empty()
                && match parts.get(usize::from(piece.component) - 1) {
                    Some(Slot::Value(scalar)) => {
                        self.is_faithful(scalar.form, piece.bytes).is_none()
                    }
                    Some(Slot::Fixed(..)) => false,
                    _ => true,
                };
            if left {
                any = true;
                for c in decode(piece.bytes).chars() {
                    if matches!(c, '>' | '^' | '\\') {
                        text.push('\\');
                    }
                    text.push(c);
                }
            }
        }
        let trimmed = text.trim_end_matches('>').len();
        text.truncate(trimmed);
        any.then_some(Cow::Owned(text))
    }

    /// An element as it was sent, where writing its field would give other bytes.
    fn unusual(
        &mut self,
        set: &'r ElementSet,
        segment: Segment<'r>,
        position: usize,
    ) -> Option<Cow<'r, str>> {
        let piece = self.piece(&segment, position);
        if piece.bytes.is_empty() {
            return None;
        }
        let slot = set.slots.get(position - 1)?;
        let unfaithful = |pass: &mut Self, slot: Option<&Slot>, bytes: &[u8]| match slot {
            Some(Slot::Value(scalar)) => pass.is_faithful(scalar.form, bytes) == Some(false),
            _ => false,
        };
        let noted = match slot {
            Slot::Value(_) => unfaithful(self, Some(slot), piece.bytes),
            Slot::Count(counted) => {
                let first = counted.first().map(|&c| self.counted(c));
                first.is_none_or(|n| n.to_string().as_bytes() != piece.bytes)
            }
            Slot::Composite(parts) => {
                let pieces: Vec<_> = self.components(piece, &segment).collect();
                pieces.into_iter().any(|p| {
                    let part = parts.get(usize::from(p.component) - 1);
                    !p.bytes.is_empty() && unfaithful(self, part, p.bytes)
                })
            }
            Slot::Range(_) | Slot::InRange => {
                gap_before(set, segment, position)
                    || unfaithful(self, range_slot(set, position), piece.bytes)
            }
            Slot::Unread | Slot::Fixed(..) | Slot::Elsewhere => false,
        };
        noted.then(|| self.raw_text(piece.bytes))
    }

    /// For each run whose claims are not in the order of the groups: which came where.
    fn orders(&mut self, fields: &'r [Field], block: &Block, items: Range<usize>) {
        let ids = self.map.rest.permutation;
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
            let object = self.json.item();
            self.json.text(fields, ids[0], &place.key);
            let list = self.json.list(fields, ids[1]);
            for (_, position) in claimed {
                self.json.number_item(position);
            }
            self.json.close(list);
            self.json.object(object);
        }
    }

    /// Segments without a place, with what they stood after.
    fn unplaced(&mut self, fields: &'r [Field], block: &Block, items: Range<usize>) {
        let ids = self.map.rest.stray;
        let mut after: Option<Item> = None;
        for at in items {
            let item = self.work.items[at];
            if item.local != UNPLACED {
                after = Some(item);
                continue;
            }
            for index in item.segment..item.end {
                let object = self.json.item();
                if let Some(after) = after {
                    self.name(fields, [ids[0], ids[1]], block, after);
                }
                let segment = self.segment(index);
                self.json.text(fields, ids[2], &decode(segment.id()));
                self.raw_elements(fields, ids[3], segment);
                self.json.object(object);
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
