//! Elements of one segment: to fields, or noted as left over.

use super::super::form::{Decoded, Form, decode, is_same};
use super::super::laid::small;
use super::super::plan::{Counted, ElementSet, Range, Scalar, Slot};
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

/// The elements of a segment one after the other.
struct Pieces<I> {
    elements: I,
    /// Offset of the next one in the set.
    start: usize,
    /// Position of the last one.
    position: u16,
}

/// An element of a segment.
#[derive(Clone, Copy)]
struct Element<'r> {
    bytes: &'r [u8],
    start: usize,
    position: u16,
}

impl<'r, I: Iterator<Item = &'r [u8]>> Pieces<I> {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the innermost loop of reading")]
    fn next(&mut self) -> Option<Element<'r>> {
        let bytes = self.elements.next()?;
        let start = self.start;
        self.start += bytes.len() + 1;
        self.position += 1;
        Some(Element { bytes, start, position: self.position })
    }
}

impl<'r> Element<'r> {
    /// The same where everything is told.
    #[cold]
    fn at(self) -> Piece<'r> {
        let Self { bytes, start, position } = self;
        Piece { bytes, start: small(start), position, component: 0 }
    }
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
        let segment = &source.segment;
        let start = self.piece(segment, 1).start as usize;
        let end = start + segment.raw().len() + WIDE;
        let pieces = Pieces { elements: segment.elements(), start, position: 0 };
        // The same code twice: most segments are plain and not the last ones of their set, and need not be asked again
        // and again whether they are.
        if segment.is_plain() && self.raw.len() >= end {
            self.pieces::<true>(set, pieces, source)
        } else {
            self.pieces::<false>(set, pieces, source)
        }
    }

    fn pieces<const PLAIN: bool>(
        &mut self,
        set: &'r ElementSet,
        mut pieces: Pieces<impl Iterator<Item = &'r [u8]>>,
        source: &Source<'r>,
    ) -> u8 {
        let mut flags = 0;
        let mut index = 0;
        while let Some(piece) = pieces.next() {
            let slot = set.slots.get(index).unwrap_or(&Slot::Unread);
            index += 1;
            if let Slot::Range(range) = slot {
                flags |= self.range::<PLAIN>(range, piece, &mut pieces, source);
                index += usize::from(range.length).saturating_sub(1);
                continue;
            }
            if piece.bytes.is_empty() {
                continue;
            }
            flags |= match slot {
                Slot::Value(scalar) if PLAIN => {
                    self.scalar::<PLAIN>(scalar, source.fields, piece, source)
                }
                Slot::Fixed(..) | Slot::Elsewhere => 0,
                Slot::Unread | Slot::InRange | Slot::Range(_) => LEFTOVER,
                _ if !PLAIN && self.is_repeated(piece.bytes, source) => LEFTOVER,
                Slot::Value(scalar) => self.any_scalar(*scalar, source.fields, &piece.at(), source),
                Slot::Composite(parts) => self.composite(parts, piece.at(), source),
                Slot::Count(counted) => self.count(counted, piece.at(), source.index),
            };
        }
        flags
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
        piece.bytes.split(move |&b| split && b == separator).zip(1..).map(
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

    /// One value to a field.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the innermost loop of reading")]
    fn scalar<const PLAIN: bool>(
        &mut self,
        scalar: &Scalar,
        fields: &[Field],
        piece: Element<'r>,
        source: &Source<'r>,
    ) -> u8 {
        if PLAIN
            && let Some(wide) = self.raw.get(piece.start..)
            && let Some(wide) = wide.first_chunk::<WIDE>()
        {
            let length = piece.bytes.len();
            if let Form::Code { table, min } = scalar.form {
                if length >= usize::from(min)
                    && let Some(table) = self.map.tables.get(usize::from(table))
                    && let Some(word) = table.short_word(wide, length)
                    && let Some(word) = self.map.stamps.get(word as usize)
                {
                    self.json.word(fields, scalar.field, word);
                    return 0;
                }
            } else if is_same(scalar.form, piece.bytes)
                && self.json.short(fields, scalar.field, wide, length)
            {
                return 0;
            }
        }
        self.any_scalar(*scalar, fields, &piece.at(), source)
    }

    /// The same for whatever may stand there.
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
                if !self.json.short(fields, field, &text, length) {
                    let text = text.get(..length).unwrap_or_default();
                    self.json.text(fields, field, std::str::from_utf8(text).unwrap_or_default());
                }
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

    /// A range of elements, of which `first` is one, to a list of objects.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the innermost loop of reading")]
    fn range<const PLAIN: bool>(
        &mut self,
        range: &'r Range,
        first: Element<'r>,
        rest: &mut Pieces<impl Iterator<Item = &'r [u8]>>,
        source: &Source<'r>,
    ) -> u8 {
        let mut flags = 0;
        let inner = self.map.fields_of(source.fields, range.field);
        let list = self.json.list(source.fields, range.field);
        let mut left = range.length;
        let mut next = Some(first);
        let mut gap = false;
        while let Some(begin) = next {
            let before = self.json.here();
            let object = self.json.item();
            let mut present = false;
            let mut piece = Some(begin);
            for slot in &range.step {
                let Some(found) = piece else { break };
                left = left.saturating_sub(1);
                if !found.bytes.is_empty() {
                    present = true;
                    flags |= match slot {
                        Slot::Value(scalar) => self.scalar::<PLAIN>(scalar, inner, found, source),
                        _ => LEFTOVER,
                    };
                }
                piece = if left > 0 { rest.next() } else { None };
            }
            next = piece;
            if !present {
                self.json.back(before);
                gap = true;
                continue;
            }
            if gap {
                flags |= UNUSUAL;
            }
            self.json.object(object);
        }
        self.json.close(list);
        flags
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
