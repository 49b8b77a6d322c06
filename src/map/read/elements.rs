//! Elements of one segment: to fields, or noted as left over.

use super::super::form::{Decoded, Form, decode};
use super::super::plan::{Counted, ElementSet, Range, Scalar, Slot};
use super::super::values::{Entry, Tag, small};
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

impl<'r> Pass<'r, '_> {
    pub(super) fn piece(&self, segment: Segment<'r>, position: usize) -> Piece<'r> {
        let start = segment.element_offset(position).saturating_sub(self.base);
        Piece {
            bytes: segment.element(position),
            start: u32::try_from(start).unwrap_or(u32::MAX),
            position: u16::try_from(position).unwrap_or(u16::MAX),
            component: 0,
        }
    }

    /// Reads a segment by its slots; pushes fields, and tells what is left over or unusual.
    pub(super) fn elements(&mut self, set: &'r ElementSet, segment: Segment<'r>, index: u32) -> u8 {
        let mut flags = 0;
        let delimiters = self.walked.segments.delimiters();
        let repeated = delimiters.repetition.filter(|_| !segment.is_plain());
        let last = segment.len();
        let mut position = 1;
        while position <= last {
            let slot = set.slots.get(position - 1).unwrap_or(&Slot::Unread);
            if let Slot::Range(range) = slot {
                flags |= self.range(range, position, segment, index);
                position += usize::from(range.length);
                continue;
            }
            let bytes = segment.element(position);
            if !bytes.is_empty() {
                flags |= match slot {
                    Slot::Fixed(..) | Slot::Elsewhere => 0,
                    Slot::Unread | Slot::InRange | Slot::Range(_) => LEFTOVER,
                    _ if repeated.is_some_and(|r| bytes.contains(&r)) => LEFTOVER,
                    Slot::Value(scalar) => {
                        self.scalar(*scalar, self.piece(segment, position), index)
                    }
                    Slot::Composite(parts) => {
                        self.composite(parts, self.piece(segment, position), segment, index)
                    }
                    Slot::Count(counted) => {
                        self.count(counted, self.piece(segment, position), index)
                    }
                };
            }
            position += 1;
        }
        flags
    }

    /// The components of a composite, and whether bytes are split at all.
    pub(super) fn components(
        &self,
        piece: Piece<'r>,
        segment: Segment<'_>,
    ) -> impl Iterator<Item = Piece<'r>> + use<'r> {
        let separator = self.walked.segments.delimiters().component;
        let split = !segment.is_plain();
        let mut start = piece.start;
        piece.bytes.split(move |&b| split && b == separator).zip(1..).map(
            move |(bytes, component)| {
                let at = start;
                start += small(bytes.len()) + 1;
                Piece { bytes, start: at, component, ..piece }
            },
        )
    }

    fn composite(
        &mut self,
        parts: &[Slot],
        piece: Piece<'r>,
        segment: Segment<'r>,
        index: u32,
    ) -> u8 {
        let mut flags = 0;
        for part in self.components(piece, segment) {
            if part.bytes.is_empty() {
                continue;
            }
            flags |= match parts.get(usize::from(part.component) - 1) {
                Some(Slot::Value(scalar)) => self.scalar(*scalar, part, index),
                Some(Slot::Fixed(..)) => 0,
                _ => LEFTOVER,
            };
        }
        flags
    }

    /// One value to a field.
    fn scalar(&mut self, scalar: Scalar, piece: Piece<'r>, index: u32) -> u8 {
        match self.value(scalar.form, piece) {
            Ok((entry, flags)) => {
                self.values.push(scalar.field, entry);
                flags
            }
            Err(None) => LEFTOVER,
            Err(Some(why)) => {
                self.report(Code::NotTranslatable, index, piece, why);
                LEFTOVER
            }
        }
    }

    /// The value of an element; an error where it has none, with the reason where there should be one.
    pub(super) fn value(
        &mut self,
        form: Form,
        piece: Piece<'r>,
    ) -> Result<(Entry, u8), Option<&'static str>> {
        let start = self.values.arena.len();
        let (decoded, faithful) =
            decode(form, piece.bytes, &self.map.tables, &mut self.values.arena);
        let flags = if faithful { 0 } else { UNUSUAL };
        let entry = match decoded {
            Decoded::Blank => return Err(None),
            Decoded::Bad(why) => return Err(Some(why)),
            Decoded::Same(length) => {
                self.text(piece.start, piece.bytes.get(..length).unwrap_or_default())
            }
            Decoded::New => self.values.text_from(start),
            Decoded::Word(word) => Entry::word(word),
            Decoded::Integer(n) => Entry::whole(n),
        };
        Ok((entry, flags))
    }

    /// A text that stands in the set as it is.
    pub(super) fn text(&mut self, start: u32, bytes: &[u8]) -> Entry {
        if self.utf8 {
            return Entry { field: 0, tag: Tag::Source, a: start, b: small(bytes.len()) };
        }
        self.values.text(&decode_text(bytes))
    }

    /// A range of elements to a list of objects.
    fn range(&mut self, range: &Range, first: usize, segment: Segment<'r>, index: u32) -> u8 {
        let mut flags = 0;
        let mark = self.values.mark();
        let last = (first + usize::from(range.length) - 1).min(segment.len());
        let step = range.step.len();
        let mut gap = false;
        let mut at = first;
        while at <= last {
            let object = self.values.mark();
            let mut present = false;
            for (i, slot) in range.step.iter().enumerate() {
                let position = at + i;
                if position > last {
                    break;
                }
                if segment.element(position).is_empty() {
                    continue;
                }
                present = true;
                flags |= match slot {
                    Slot::Value(scalar) => {
                        self.scalar(*scalar, self.piece(segment, position), index)
                    }
                    _ => LEFTOVER,
                };
            }
            if present {
                if gap {
                    flags |= UNUSUAL;
                }
                let object = self.values.object(object);
                self.values.push(0, object);
            } else {
                gap = true;
            }
            at += step;
        }
        if self.values.mark() > mark {
            let list = self.values.list(mark);
            self.values.push(range.field, list);
        }
        flags
    }

    fn count(&mut self, counted: &[Counted], piece: Piece<'r>, index: u32) -> u8 {
        let stated =
            match decode(Form::Integer { min: 1 }, piece.bytes, &[], &mut self.values.arena) {
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
