//! A document laid out for writing: its values one after the other, in the order in which they were serialized, and
//! their texts in one arena.
//!
//! An object or a list is an entry of its own, and what it has stands right behind that: nothing is moved or copied
//! when it ends. What it has is walked through; entries within entries are stepped over.

use super::shape::FieldId;
use super::stamp::WIDE;

/// What an entry is, and what `a` and `b` mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// Range of the arena: start, length.
    Text,
    /// Whole number: its lower and upper half.
    Integer,
    /// How many entries are within it.
    Object,
    /// How many entries are within it; how many items these are.
    List,
}

/// A value, with its field where it stands in an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub field: FieldId,
    pub tag: Tag,
    pub a: u32,
    pub b: u32,
}

/// The place of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At(pub u32);

impl At {
    /// The document itself.
    pub(super) const ROOT: Self = Self(0);
    /// An object without fields.
    pub(super) const NOTHING: Self = Self(u32::MAX);

    #[inline]
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// The values of one document.
#[derive(Debug, Default)]
pub(super) struct Laid {
    /// Longer by [`WIDE`] than what is written, so that short texts can be taken at a fixed length.
    texts: Vec<u8>,
    pub entries: Vec<Entry>,
}

/// Sizes are bounded by the limit on a transaction set, far below 4 GiB.
#[inline]
pub(super) fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl Laid {
    pub(super) fn clear(&mut self) {
        self.texts.clear();
        self.entries.clear();
    }

    /// Ends the document: nothing is pushed any more but objects of what there is.
    pub(super) fn finish(&mut self) {
        self.texts.extend_from_slice(&[0; WIDE]);
    }

    /// All texts, one after the other.
    pub(super) fn texts(&self) -> &[u8] {
        self.texts.split_last_chunk::<WIDE>().map_or(&[], |(texts, _)| texts)
    }

    /// Where the next entry will be.
    #[inline]
    pub(super) fn next(&self) -> At {
        At(small(self.entries.len()))
    }

    #[inline]
    pub(super) fn push(&mut self, field: FieldId, tag: Tag, a: u32, b: u32) {
        self.entries.push(Entry { field, tag, a, b });
    }

    #[inline]
    pub(super) fn push_text(&mut self, field: FieldId, text: &[u8]) {
        let start = small(self.texts.len());
        self.texts.extend_from_slice(text);
        self.push(field, Tag::Text, start, small(text.len()));
    }

    #[inline]
    pub(super) fn push_integer(&mut self, field: FieldId, number: i64) {
        let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
        let (low, high) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        self.push(field, Tag::Integer, low, high);
    }

    /// Ends the object or list that begins there; `items` are those of a list.
    #[inline]
    pub(super) fn end(&mut self, at: At, items: u32) {
        let within = self.next().0.saturating_sub(at.0 + 1);
        if let Some(entry) = self.entries.get_mut(at.index()) {
            (entry.a, entry.b) = (within, items);
        }
    }

    /// Adds an object of these values, each with its field.
    pub(super) fn object_of(&mut self, fields: &[(FieldId, At)]) -> At {
        let object = self.next();
        self.push(0, Tag::Object, 0, 0);
        for &(field, at) in fields {
            let copy = self.entries.len();
            self.entries.extend_from_within(at.index()..self.after(at).index());
            if let Some(entry) = self.entries.get_mut(copy) {
                entry.field = field;
            }
        }
        self.end(object, 0);
        object
    }

    #[inline]
    pub(super) fn entry(&self, at: At) -> Option<Entry> {
        self.entries.get(at.index()).copied()
    }

    /// Where what stands behind an entry begins.
    #[inline]
    fn after(&self, at: At) -> At {
        let within = match self.entry(at) {
            Some(Entry { tag: Tag::Object | Tag::List, a, .. }) => a,
            _ => 0,
        };
        At(at.0.saturating_add(1).saturating_add(within))
    }

    /// What an object or list has, in its order; nothing of anything else.
    #[inline]
    pub(super) fn within(&self, at: At) -> Within<'_> {
        let first = at.index().saturating_add(1);
        let entries = self.entries.get(first..self.after(at).index()).unwrap_or_default();
        Within { entries, next: small(first) }
    }

    /// The fields of an object, each with its value.
    #[inline]
    pub(super) fn fields(&self, object: At) -> impl Iterator<Item = (FieldId, At)> {
        let mut within = self.within(object);
        std::iter::from_fn(move || within.step())
    }

    /// A field of an object.
    #[inline]
    pub(super) fn get(&self, object: At, field: FieldId) -> Option<At> {
        self.fields(object).find(|(f, _)| *f == field).map(|(_, at)| at)
    }

    /// How many items a list has.
    pub(super) fn items(&self, list: At) -> u32 {
        self.entry(list).filter(|e| e.tag == Tag::List).map_or(0, |e| e.b)
    }

    /// An item of a list.
    pub(super) fn item(&self, list: At, i: usize) -> Option<At> {
        let entry = self.entry(list).filter(|e| e.tag == Tag::List)?;
        if entry.a == entry.b {
            // Single values all of them.
            return (i < entry.b as usize).then(|| At(list.0 + 1 + small(i)));
        }
        self.within(list).nth(i)
    }

    /// The number of an integer.
    #[inline]
    pub(super) fn number(&self, at: At) -> Option<i64> {
        let entry = self.entry(at).filter(|e| e.tag == Tag::Integer)?;
        let ([a, b, c, d], [e, f, g, h]) = (entry.a.to_le_bytes(), entry.b.to_le_bytes());
        Some(i64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }

    /// A number that counts or refers to entries, from 1.
    pub(super) fn ordinal(&self, at: At) -> Option<u32> {
        self.number(at).and_then(|n| u32::try_from(n).ok())
    }

    /// A text of up to [`WIDE`] bytes: so many, whatever comes after them, and how many there are.
    #[inline]
    pub(super) fn wide(&self, at: At) -> Option<(&[u8; WIDE], usize)> {
        match self.entries.get(at.index()) {
            Some(&Entry { tag: Tag::Text, a, b, .. }) if b as usize <= WIDE => {
                Some((self.texts.get(a as usize..)?.first_chunk()?, b as usize))
            }
            _ => None,
        }
    }

    /// The bytes of a text; none of what has none.
    #[inline]
    pub(super) fn bytes(&self, at: At) -> &[u8] {
        match self.entry(at) {
            Some(Entry { tag: Tag::Text, a, b, .. }) => {
                let (start, length) = (a as usize, b as usize);
                self.texts.get(start..start + length).unwrap_or_default()
            }
            _ => &[],
        }
    }

    /// The text of an entry; empty for what has none.
    pub(super) fn text(&self, at: At) -> &str {
        std::str::from_utf8(self.bytes(at)).unwrap_or_default()
    }
}

/// What is within an object or list, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Within<'v> {
    entries: &'v [Entry],
    next: u32,
}

impl Within<'_> {
    /// The next one, with its field.
    #[inline]
    fn step(&mut self) -> Option<(FieldId, At)> {
        let (entry, at) = (self.entries.first()?, At(self.next));
        let length = match entry.tag {
            Tag::Object | Tag::List => entry.a.saturating_add(1),
            Tag::Text | Tag::Integer => 1,
        };
        let field = entry.field;
        self.entries = self.entries.get(length as usize..).unwrap_or_default();
        self.next += length;
        Some((field, at))
    }
}

impl Iterator for Within<'_> {
    type Item = At;

    #[inline]
    fn next(&mut self) -> Option<At> {
        self.step().map(|(_, at)| at)
    }
}
