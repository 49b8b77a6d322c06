//! Elements of one segment: to fields, or noted as left over.

use super::super::form::{Decoded, Form, decode};
use super::super::json::needs_escape;
use super::super::laid::small;
use super::super::plan::{Counted, ElementSet, Range, Scalar, Slot};
use super::super::ready::{Cell, How, day, is_decimal, is_whole, time};
use super::super::shape::Field;
use super::super::stamp::WIDE;
use super::{COUNTED, LEFTOVER, Pass, UNUSUAL};
use crate::findings::Code;
use crate::x12::{Segment, decode as decode_text};

/// An element or component: where its bytes are.
#[derive(Clone, Copy)]
pub(super) struct Piece<'r> {
    pub bytes: &'r [u8],
    /// Offset in the set.
    pub start: u32,
    pub position: u16,
    pub component: u16,
}

/// A segment that is read into the fields of an object; without any fields, into the items of a list.
pub(super) struct Source<'r> {
    pub segment: Segment<'r>,
    pub index: u32,
    pub fields: &'r [Field],
}

impl<'r> Pass<'r, '_> {
    #[inline]
    pub(super) fn piece(&self, segment: &Segment<'r>, position: usize) -> Piece<'r> {
        let start = segment.element_offset(position).saturating_sub(self.base);
        Piece {
            bytes: segment.element(position),
            start: u32::try_from(start).unwrap_or(u32::MAX),
            position: u16::try_from(position).unwrap_or(u16::MAX),
            component: 0,
        }
    }

    /// Reads a segment by its slots; writes fields, and tells what is left over or unusual.
    pub(super) fn elements(&mut self, set: &'r ElementSet, source: &Source<'r>) -> u8 {
        let (bytes, ends) = source.segment.bytes_and_ends();
        let plain = source.segment.is_plain();
        let mut flags = 0;
        let Some((&tag, ends)) = ends.split_first() else { return flags };
        let mut before = tag as usize;
        let mut index = 0;
        while let Some(&end) = ends.get(index) {
            let start = before + 1;
            before = end as usize;
            let length = before.wrapping_sub(start);
            if let Some(cell) = set.ready.get(index) {
                if cell.how == How::Range {
                    let (of_range, passed) = self.range(set, index, source);
                    flags |= of_range;
                    index += passed;
                    before = ends.get(index.wrapping_sub(1)).map_or(before, |&end| end as usize);
                    continue;
                }
                let quick = length == 0 || plain && self.quick(cell, bytes, start, length);
                if quick {
                    index += 1;
                    continue;
                }
            }
            if length > 0 {
                flags |= self.element(set, index, source);
            }
            index += 1;
        }
        flags
    }

    /// An element by its slot, whatever it is but a range.
    #[inline(never)]
    fn element(&mut self, set: &'r ElementSet, index: usize, source: &Source<'r>) -> u8 {
        let piece = self.piece(&source.segment, index + 1);
        match set.slots.get(index).unwrap_or(&Slot::Unread) {
            Slot::Fixed(..) | Slot::Elsewhere => 0,
            Slot::Unread | Slot::InRange | Slot::Range(_) => LEFTOVER,
            _ if self.is_repeated(piece.bytes, source) => LEFTOVER,
            Slot::Value(scalar) => self.any_scalar(*scalar, source.fields, &piece, source),
            Slot::Composite(parts) => self.composite(parts, piece, source),
            Slot::Count(counted) => self.count(counted, piece, source.index),
        }
    }

    /// Writes what has nothing unusual about it: false for whatever else it may be.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the innermost loop of reading")]
    fn quick(&mut self, cell: &Cell, bytes: &[u8], start: usize, length: usize) -> bool {
        let wide = bytes.get(start..).and_then(|bytes| bytes.first_chunk::<WIDE>());
        let Some(wide) = wide.filter(|_| (usize::from(cell.min)..=WIDE).contains(&length)) else {
            return false;
        };
        match cell.how {
            How::Pass => true,
            How::Text => {
                let last = bytes.get(start + length - 1);
                let as_it_is = last != Some(&b' ') && !(self.escapes && needs_escape(wide));
                as_it_is && self.json.value(cell, wide, length)
            }
            How::Code(table) => {
                let table = self.map.tables.get(usize::from(table));
                let word = table.and_then(|table| table.short_word(wide, length));
                match word.and_then(|word| self.map.stamps.get(word as usize)?.wide_and_length()) {
                    Some((word, length)) => self.json.known(cell, word, length),
                    None => false,
                }
            }
            How::Decimal => is_decimal(wide, length) && self.json.value(cell, wide, length),
            _ => self.quick_rarely(cell, wide, length),
        }
    }

    /// The same for what is not in every other segment.
    #[inline(never)]
    fn quick_rarely(&mut self, cell: &Cell, wide: &[u8; WIDE], length: usize) -> bool {
        match cell.how {
            How::Implied(places) => {
                let whole = length.wrapping_sub(usize::from(places));
                is_whole(wide, length)
                    && (1..length).contains(&whole)
                    && self.json.implied(cell, wide, length, whole)
            }
            How::Integer => is_whole(wide, length) && self.json.whole(cell, wide, length),
            How::Date if length == 8 => day(wide).is_some_and(|day| {
                let mut wide = [0; WIDE];
                wide[..10].copy_from_slice(&day);
                self.json.value(cell, &wide, day.len())
            }),
            How::Time if length == 4 => time(wide).is_some_and(|time| {
                let mut wide = [0; WIDE];
                wide[..5].copy_from_slice(&time);
                self.json.value(cell, &wide, time.len())
            }),
            _ => false,
        }
    }

    fn is_repeated(&self, bytes: &[u8], source: &Source<'r>) -> bool {
        !source.segment.is_plain() && self.delimiters.repetition.is_some_and(|r| bytes.contains(&r))
    }

    /// The components of a composite, and whether bytes are split at all.
    pub(super) fn components(
        &self,
        piece: Piece<'r>,
        segment: &Segment<'_>,
    ) -> impl Iterator<Item = Piece<'r>> + use<'r> {
        let separator = self.delimiters.component;
        let split = !segment.is_plain();
        let mut start = piece.start;
        let numbers = (1..=u16::MAX).chain(std::iter::repeat(u16::MAX));
        piece.bytes.split(move |&b| split && b == separator).zip(numbers).map(
            move |(bytes, component)| {
                let at = start;
                start += small(bytes.len()) + 1;
                Piece { bytes, start: at, component, ..piece }
            },
        )
    }

    fn composite(&mut self, parts: &[Slot], piece: Piece<'r>, source: &Source<'r>) -> u8 {
        let mut flags = 0;
        for part in self.components(piece, &source.segment) {
            if part.bytes.is_empty() {
                continue;
            }
            flags |= match parts.get(usize::from(part.component) - 1) {
                Some(Slot::Value(scalar)) => self.any_scalar(*scalar, source.fields, &part, source),
                Some(Slot::Fixed(..)) => 0,
                _ => LEFTOVER,
            };
        }
        flags
    }

    /// One value to a field, whatever may stand there.
    #[inline(never)]
    fn any_scalar(
        &mut self,
        Scalar { field, form }: Scalar,
        fields: &[Field],
        piece: &Piece<'r>,
        source: &Source<'r>,
    ) -> u8 {
        self.text.clear();
        let (decoded, faithful) = decode(form, piece.bytes, &self.map.tables, self.text);
        match decoded {
            Decoded::Blank => return LEFTOVER,
            Decoded::Bad(why) => {
                self.report(Code::NotTranslatable, source.index, *piece, why);
                return LEFTOVER;
            }
            Decoded::Same(length) => {
                let text = decode_text(piece.bytes.get(..length).unwrap_or_default());
                self.json.text(fields, field, &text);
            }
            Decoded::New => self.json.text(fields, field, self.text),
            Decoded::Short(text, length) => {
                let text = text.get(..length).unwrap_or_default();
                self.json.text(fields, field, std::str::from_utf8(text).unwrap_or_default());
            }
            Decoded::Word(word) => {
                if let Some(word) = self.map.stamps.get(word as usize) {
                    self.json.word(fields, field, word);
                }
            }
            Decoded::Integer(number) => self.json.number(fields, field, number),
        }
        if faithful { 0 } else { UNUSUAL }
    }

    /// Whether a value would be written as it stands here; `None` where it is none.
    pub(super) fn is_faithful(&mut self, form: Form, bytes: &[u8]) -> Option<bool> {
        self.text.clear();
        let (decoded, faithful) = decode(form, bytes, &self.map.tables, self.text);
        (!matches!(decoded, Decoded::Blank | Decoded::Bad(_))).then_some(faithful)
    }

    /// A range of elements to a list of objects. Tells how many elements these are, too.
    #[inline(never)]
    fn range(&mut self, set: &'r ElementSet, index: usize, source: &Source<'r>) -> (u8, usize) {
        let Some(Slot::Range(range)) = set.slots.get(index) else { return (LEFTOVER, 1) };
        let (bytes, ends) = source.segment.bytes_and_ends();
        let ends = ends.get(index..).unwrap_or_default();
        let Some((&before, ends)) = ends.split_first() else { return (0, 1) };
        let ends = ends.get(..usize::from(range.length)).unwrap_or(ends);
        let (mut flags, mut before, mut position) = (0, before as usize, index);
        let mut gap = false;
        let list = self.json.list(source.fields, range.field);
        for step in ends.chunks(range.ready.len().max(1)) {
            let here = self.json.here();
            let object = self.json.item();
            let mut present = false;
            for (i, &end) in step.iter().enumerate() {
                let Some(cell) = range.ready.get(i) else { break };
                let start = before + 1;
                before = end as usize;
                position += 1;
                let length = before.wrapping_sub(start);
                if length == 0 {
                    continue;
                }
                present = true;
                let plain = source.segment.is_plain();
                if !(plain && self.quick(cell, bytes, start, length)) {
                    flags |= self.of_range(range, i, position, source);
                }
            }
            if present {
                self.json.object(object);
                flags |= if gap { UNUSUAL } else { 0 };
            } else {
                self.json.back(here);
                gap = true;
            }
        }
        self.json.close(list);
        (flags, ends.len().max(1))
    }

    /// An element of a range by its slot.
    #[inline(never)]
    fn of_range(
        &mut self,
        range: &'r Range,
        slot: usize,
        position: usize,
        source: &Source<'r>,
    ) -> u8 {
        let fields = self.map.fields_of(source.fields, range.field);
        match range.step.get(slot) {
            Some(Slot::Value(scalar)) => {
                let piece = self.piece(&source.segment, position);
                self.any_scalar(*scalar, fields, &piece, source)
            }
            _ => LEFTOVER,
        }
    }

    fn count(&mut self, counted: &[Counted], piece: Piece<'r>, index: u32) -> u8 {
        let stated = match decode(Form::Integer { min: 1 }, piece.bytes, &[], self.text) {
            (Decoded::Integer(n), faithful) => u32::try_from(n).ok().map(|n| (n, faithful)),
            _ => None,
        };
        let actual: Vec<u32> = counted.iter().map(|&c| self.counted(c)).collect();
        match stated {
            Some((n, true)) if actual.first() == Some(&n) => COUNTED,
            Some((n, _)) if actual.contains(&n) => COUNTED | UNUSUAL,
            _ => {
                let why = actual.first().map_or_else(String::new, |n| {
                    format!("but there {} {n}", if *n == 1 { "is" } else { "are" })
                });
                self.report(Code::CountWrong, index, piece, &why);
                COUNTED | UNUSUAL
            }
        }
    }

    pub(super) fn counted(&self, counted: Counted) -> u32 {
        match counted {
            Counted::Rows => self.work.rows,
            // The items of the set come first.
            Counted::Place(local) => match &self.map.levels {
                Some(levels) if levels.local == local => small(
                    self.walked.tree.instances.iter().filter(|i| i.node == levels.node).count(),
                ),
                _ => {
                    let root = self.work.items.get(..self.work.root_items).unwrap_or_default();
                    small(root.iter().filter(|item| item.local == local).count())
                }
            },
        }
    }
}
