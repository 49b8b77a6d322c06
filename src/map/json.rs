//! A document as JSON in the making: what reading writes, and what everything else is made from.
//!
//! Every field is written with a comma before it; the first comma of an object or list becomes its bracket when it is
//! closed. So fields may come in any order: where they did not come in that of their shape, closing moves them.

use super::ready::Cell;
use super::shape::{Field, FieldId};
use super::stamp::{Stamp, WIDE};

/// The bytes so far, reused from document to document.
#[derive(Debug, Default)]
pub(super) struct Json {
    /// Longer than what is written, so that short texts can be copied at a fixed length.
    bytes: Vec<u8>,
    /// End of what is written.
    at: usize,
    /// Fields of the objects that are open, and where they begin.
    marks: Vec<(FieldId, usize)>,
    /// Fields being moved.
    spare: Vec<u8>,
    moved: Vec<(FieldId, usize, usize)>,
}

/// A place to come back to: where an object begins, or anything that may have to be taken back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    at: usize,
    marks: usize,
}

/// A list that is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    before: Spot,
    start: usize,
}

/// So many digits has the longest number.
const DIGITS_MAX: usize = 20;

/// Begins a field of a list's item: no name.
static ITEM: Stamp = Stamp::item();

/// How a field begins. Without a shape it is the item of a list.
#[inline]
fn stamp(fields: &[Field], id: FieldId) -> &Stamp {
    fields.get(usize::from(id)).map_or(&ITEM, |field| &field.json)
}

impl Json {
    /// Begins a document.
    pub(super) fn begin(&mut self) -> Spot {
        self.at = 0;
        self.marks.clear();
        self.here()
    }

    /// What is written.
    pub(super) fn written(&self) -> &[u8] {
        self.bytes.get(..self.at).unwrap_or_default()
    }

    #[inline]
    pub(super) fn here(&self) -> Spot {
        Spot { at: self.at, marks: self.marks.len() }
    }

    /// Whether nothing was written since.
    #[inline]
    pub(super) fn is_at(&self, spot: Spot) -> bool {
        self.at == spot.at
    }

    /// Takes back what was written since.
    pub(super) fn back(&mut self, spot: Spot) {
        self.at = spot.at;
        self.marks.truncate(spot.marks);
    }

    /// Begins a field that is an object; its own fields come next.
    #[inline]
    pub(super) fn name(&mut self, fields: &[Field], id: FieldId) -> Spot {
        self.marks.push((id, self.at));
        let stamp = stamp(fields, id);
        self.put_stamp(stamp, stamp.len() - 1);
        self.here()
    }

    /// Begins an object as the item of a list.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the innermost loop of reading")]
    pub(super) fn item(&mut self) -> Spot {
        self.byte(b',');
        self.here()
    }

    /// Closes the object that begins at a place.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the innermost loop of reading")]
    pub(super) fn object(&mut self, spot: Spot) {
        if self.at == spot.at {
            self.put(b"{}");
            return;
        }
        self.sort(spot);
        self.marks.truncate(spot.marks);
        if let Some(first) = self.bytes.get_mut(spot.at) {
            *first = b'{';
        }
        self.byte(b'}');
    }

    /// Begins a field that is a list.
    #[inline]
    pub(super) fn list(&mut self, fields: &[Field], id: FieldId) -> List {
        let before = self.here();
        self.name(fields, id);
        List { before, start: self.at }
    }

    /// Closes a list; one without items was never there.
    #[inline]
    pub(super) fn close(&mut self, list: List) {
        if self.at == list.start {
            self.back(list.before);
            return;
        }
        self.marks.truncate(list.before.marks + 1);
        self.bytes[list.start] = b'[';
        self.byte(b']');
    }

    /// A field that is a text.
    pub(super) fn text(&mut self, fields: &[Field], id: FieldId, text: &str) {
        self.marks.push((id, self.at));
        let stamp = stamp(fields, id);
        self.put_stamp(stamp, stamp.len() - 1);
        self.quoted(text);
    }

    /// A text as the item of a list.
    pub(super) fn text_item(&mut self, text: &str) {
        self.byte(b',');
        self.quoted(text);
    }

    /// A number as the item of a list.
    pub(super) fn number_item(&mut self, number: u32) {
        self.byte(b',');
        self.digits(number.into());
    }

    /// A field that is a text known before.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the innermost loop of reading")]
    pub(super) fn word(&mut self, fields: &[Field], id: FieldId, word: &Stamp) {
        self.marks.push((id, self.at));
        let stamp = stamp(fields, id);
        if let (Some(name), Some(text)) = (stamp.wide(), word.wide()) {
            let named = stamp.len();
            let room = self.room::<{ 2 * WIDE }>();
            copy(room, name);
            copy(room.get_mut(named..).unwrap_or_default(), text);
            self.at += named + word.len();
        } else {
            self.put(stamp.bytes());
            self.put(word.bytes());
        }
    }

    /// A field that is a text of visible ASCII without anything to escape: the first `length` bytes of `wide`.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the innermost loop of reading")]
    pub(super) fn value(&mut self, cell: &Cell, wide: &[u8; WIDE], length: usize) -> bool {
        self.known(cell, wide, length);
        // There is room: a name and a value are shorter than what is kept for them.
        self.bytes[self.at] = b'"';
        self.at += 1;
        true
    }

    /// A field that is a text with the quote behind it.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the innermost loop of reading")]
    pub(super) fn known(&mut self, cell: &Cell, wide: &[u8; WIDE], length: usize) -> bool {
        if cell.marked {
            self.marks.push((cell.field, self.at));
        }
        let named = usize::from(cell.named) % WIDE;
        let room = self.room::<{ 2 * WIDE }>();
        copy(room, &cell.key);
        copy(&mut room[named..], wide);
        self.at += named + length;
        true
    }

    /// A field that is a decimal: digits, of which `whole` stand before the point.
    #[inline]
    pub(super) fn implied(
        &mut self,
        cell: &Cell,
        wide: &[u8; WIDE],
        length: usize,
        whole: usize,
    ) -> bool {
        let mut text = *wide;
        let whole = whole % WIDE;
        text[whole] = b'.';
        text[whole + 1..].copy_from_slice(&wide[whole..WIDE - 1]);
        self.value(cell, &text, length + 1)
    }

    /// A field that is a whole number, its digits as they are.
    #[inline]
    pub(super) fn whole(&mut self, cell: &Cell, wide: &[u8; WIDE], length: usize) -> bool {
        let cell = Cell { named: cell.named.saturating_sub(1), ..*cell };
        self.known(&cell, wide, length)
    }

    /// A field that is a whole number.
    pub(super) fn number(&mut self, fields: &[Field], id: FieldId, number: i64) {
        self.marks.push((id, self.at));
        let stamp = stamp(fields, id);
        self.put_stamp(stamp, stamp.len() - 1);
        self.digits(number);
    }

    fn digits(&mut self, number: i64) {
        // Behind the digits there is room, so that they can be copied at a fixed length.
        let mut buffer = [0; 2 * DIGITS_MAX];
        let (mut rest, mut at) = (number.unsigned_abs(), DIGITS_MAX);
        loop {
            at -= 1;
            buffer[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            self.byte(b'-');
        }
        let digits = buffer[at..].first_chunk::<DIGITS_MAX>();
        *self.room() = *digits.expect("there are as many bytes behind any digit");
        self.at += DIGITS_MAX - at;
    }

    /// A text in quotes.
    fn quoted(&mut self, text: &str) {
        if text.bytes().any(|b| b < 0x20 || b == b'"' || b == b'\\') {
            self.put(serde_json::Value::from(text).to_string().as_bytes());
            return;
        }
        self.byte(b'"');
        self.put(text.as_bytes());
        self.byte(b'"');
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let end = self.at + bytes.len();
        if end > self.bytes.len() {
            self.grow(end);
        }
        if let Some(room) = self.bytes.get_mut(self.at..end) {
            room.copy_from_slice(bytes);
        }
        self.at = end;
    }

    /// The first `length` bytes of a stamp.
    #[inline]
    fn put_stamp(&mut self, stamp: &Stamp, length: usize) {
        match stamp.wide() {
            Some(wide) => {
                *self.room::<WIDE>() = *wide;
                self.at += length;
            }
            None => self.put(&stamp.bytes()[..length]),
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the innermost loop of reading")]
    fn byte(&mut self, byte: u8) {
        self.room::<1>()[0] = byte;
        self.at += 1;
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the innermost loop of reading")]
    fn room<const N: usize>(&mut self) -> &mut [u8; N] {
        if self.at + N > self.bytes.len() {
            self.grow(self.at + N);
        }
        let room = self.bytes[self.at..self.at + N].first_chunk_mut();
        room.expect("there is room now")
    }

    #[cold]
    fn grow(&mut self, end: usize) {
        self.bytes.resize((end * 2).max(1 << 14), 0);
    }

    /// Brings the fields since a place into the order of their shape.
    #[inline]
    fn sort(&mut self, spot: Spot) {
        let marks = self.marks.get(spot.marks..).unwrap_or_default();
        if !marks.is_sorted_by_key(|mark| mark.0) {
            self.rearrange(spot);
        }
    }

    #[inline(never)]
    fn rearrange(&mut self, spot: Spot) {
        let marks = &self.marks[spot.marks..];
        let ends = marks.iter().skip(1).map(|mark| mark.1).chain([self.at]);
        self.moved.clear();
        self.moved.extend(marks.iter().zip(ends).map(|(mark, end)| (mark.0, mark.1, end)));
        self.moved.sort_by_key(|field| field.0);
        // What is before and after everything that moves stays where it is.
        let stays =
            |(field, mark): (&(FieldId, usize, usize), &(FieldId, usize))| field.1 == mark.1;
        let pairs = || self.moved.iter().zip(marks);
        let first = pairs().take_while(|&pair| stays(pair)).count();
        let last = self.moved.len() - pairs().rev().take_while(|&pair| stays(pair)).count();
        let start = marks.get(first).map_or(self.at, |mark| mark.1);
        self.spare.clear();
        for &(_, from, to) in self.moved.get(first..last).unwrap_or_default() {
            self.spare.extend_from_slice(&self.bytes[from..to]);
        }
        self.bytes[start..start + self.spare.len()].copy_from_slice(&self.spare);
    }
}

/// Copies at a fixed length, which is one step.
#[inline]
fn copy(room: &mut [u8], wide: &[u8; WIDE]) {
    if let Some(room) = room.first_chunk_mut() {
        *room = *wide;
    }
}

/// Whether visible ASCII cannot stand in quotes as it is.
#[inline]
pub(super) fn needs_escape(bytes: &[u8; WIDE]) -> bool {
    bytes.iter().fold(false, |any, &b| any || b == b'"' || b == b'\\')
}
