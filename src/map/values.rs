//! A canonical document laid out flat: what stands between segments and serde, in both directions.
//!
//! Objects hold their fields sorted by the order of the shape; lists and objects are runs in one vector; texts
//! are ranges of the bytes that were read, or of one arena. Reused from document to document, it allocates
//! nothing for a segment.

use super::plan::Map;
use super::shape::FieldId;

/// What an entry is, and what `a` and `b` mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// Text of the source: start, length.
    Source,
    /// Text of the arena: start, length.
    Arena,
    /// Canonical word: index.
    Word,
    /// Whole number: its lower and upper half. References are small and positive: `a` alone.
    Integer,
    /// Fields: first, how many.
    Object,
    /// Items: first, how many.
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

impl Entry {
    pub(super) fn integer(n: u32) -> Self {
        Self { field: 0, tag: Tag::Integer, a: n, b: 0 }
    }

    pub(super) fn whole(number: i64) -> Self {
        let [a, b] = split(number);
        Self { field: 0, tag: Tag::Integer, a, b }
    }

    /// The number of an integer.
    pub(super) fn number(self) -> i64 {
        i64::from_le_bytes(join(self.a, self.b))
    }

    pub(super) fn word(index: u32) -> Self {
        Self { field: 0, tag: Tag::Word, a: index, b: 0 }
    }

    pub(super) fn at(self, field: FieldId) -> Self {
        Self { field, ..self }
    }
}

fn split(number: i64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
    [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])]
}

fn join(low: u32, high: u32) -> [u8; 8] {
    let ([a, b, c, d], [e, f, g, h]) = (low.to_le_bytes(), high.to_le_bytes());
    [a, b, c, d, e, f, g, h]
}

/// The values of one document.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub arena: String,
    pub entries: Vec<Entry>,
    /// Entries of objects and lists that are not closed yet.
    pub pending: Vec<Entry>,
    pub root: Option<Entry>,
}

/// Sizes are bounded by the limit on a transaction set, far below 4 GiB.
pub(super) fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl Values {
    pub(super) fn clear(&mut self) {
        self.arena.clear();
        self.entries.clear();
        self.pending.clear();
        self.root = None;
    }

    /// Where an object or list that is opened now begins.
    #[inline]
    pub(super) fn mark(&self) -> usize {
        self.pending.len()
    }

    #[inline]
    pub(super) fn push(&mut self, field: FieldId, entry: Entry) {
        self.pending.push(entry.at(field));
    }

    /// Closes the object that was opened at `mark`.
    pub(super) fn object(&mut self, mark: usize) -> Entry {
        let fields = &mut self.pending[mark..];
        if !fields.is_sorted_by_key(|e| e.field) {
            fields.sort_by_key(|e| e.field);
        }
        self.close(mark, Tag::Object)
    }

    /// Closes the list that was opened at `mark`.
    pub(super) fn list(&mut self, mark: usize) -> Entry {
        self.close(mark, Tag::List)
    }

    fn close(&mut self, mark: usize, tag: Tag) -> Entry {
        let first = small(self.entries.len());
        self.entries.extend_from_slice(&self.pending[mark..]);
        let length = small(self.pending.len() - mark);
        self.pending.truncate(mark);
        Entry { field: 0, tag, a: first, b: length }
    }

    /// Copies a text into the arena.
    #[inline]
    pub(super) fn text(&mut self, text: &str) -> Entry {
        let start = self.arena.len();
        self.arena.push_str(text);
        self.text_from(start)
    }

    /// What was written to the arena since `start`.
    #[inline]
    pub(super) fn text_from(&self, start: usize) -> Entry {
        Entry { field: 0, tag: Tag::Arena, a: small(start), b: small(self.arena.len() - start) }
    }

    /// The entries of an object or list; none of anything else.
    #[inline]
    pub(super) fn within(&self, entry: Entry) -> &[Entry] {
        if !matches!(entry.tag, Tag::Object | Tag::List) {
            return &[];
        }
        let first = entry.a as usize;
        self.entries.get(first..first + entry.b as usize).unwrap_or_default()
    }

    /// The text of an entry, with the source that it was read from.
    #[inline]
    pub(super) fn str<'v>(&'v self, entry: Entry, source: &'v str, map: &'v Map) -> &'v str {
        let range = entry.a as usize..(entry.a as usize).saturating_add(entry.b as usize);
        match entry.tag {
            Tag::Source => source.get(range).unwrap_or_default(),
            Tag::Arena => self.arena.get(range).unwrap_or_default(),
            Tag::Word => map.words.get(entry.a as usize).map_or("", |w| w),
            Tag::Integer | Tag::Object | Tag::List => "",
        }
    }
}
