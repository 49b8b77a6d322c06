//! Segments and elements as views into the bytes they were read from. Nothing is copied.

use super::{Delimiters, Tag};

/// Where a segment stands, in the bytes and in the list of element ends.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mark {
    /// Offset of its tag.
    pub(super) start: u32,
    /// Index of its first end (that of the tag) in the list of ends.
    pub(super) first: u32,
    /// One past its last end (the terminator).
    pub(super) last: u32,
    pub(super) tag: Tag,
    /// Whether nothing but plain characters stands in it: no component or repetition separator, no control
    /// character, nothing outside ASCII. Checks may then skip the search for them.
    pub(super) plain: bool,
}

/// A run of segments: a transaction set with its ST and SE, usually.
#[derive(Debug, Clone, Copy)]
pub struct Segments<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) ends: &'a [u32],
    pub(super) marks: &'a [Mark],
    pub(super) base: u64,
    pub(super) delimiters: Delimiters,
}

impl<'a> Segments<'a> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// The segment at an index (0 = the first).
    #[must_use]
    #[inline]
    pub fn get(&self, index: usize) -> Option<Segment<'a>> {
        let mark = self.marks.get(index)?;
        Some(Segment {
            bytes: self.bytes,
            start: mark.start,
            ends: self.ends.get(mark.first as usize..mark.last as usize)?,
            base: self.base,
            tag: mark.tag,
            plain: mark.plain,
        })
    }

    /// All of them in order.
    #[inline]
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Segment<'a>> + use<'a> {
        let (bytes, ends, base) = (self.bytes, self.ends, self.base);
        self.marks.iter().map(move |mark| Segment {
            bytes,
            start: mark.start,
            ends: ends.get(mark.first as usize..mark.last as usize).unwrap_or_default(),
            base,
            tag: mark.tag,
            plain: mark.plain,
        })
    }

    /// A part of them.
    #[must_use]
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        Self { marks: self.marks.get(range).unwrap_or_default(), ..*self }
    }

    /// The delimiters they were read with.
    #[must_use]
    pub fn delimiters(&self) -> Delimiters {
        self.delimiters
    }

    /// Offset of the first byte in the whole input.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.get(0).map_or(self.base, |segment| segment.offset())
    }

    /// The bytes from the first tag to the last terminator.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        let start = self.marks.first().map_or(0, |mark| mark.start as usize);
        let end = self
            .marks
            .last()
            .and_then(|mark| self.ends.get(mark.last as usize - 1))
            .map_or(start, |&e| e as usize + 1);
        self.bytes.get(start..end.min(self.bytes.len())).unwrap_or_default()
    }
}

/// One segment.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) start: u32,
    /// Offsets of the delimiters that end the tag and each element; never empty for a segment of the reader.
    pub(super) ends: &'a [u32],
    pub(super) base: u64,
    pub(super) tag: Tag,
    pub(super) plain: bool,
}

impl<'a> Segment<'a> {
    /// No segment: no tag, no elements.
    pub const EMPTY: Segment<'static> =
        Segment { bytes: &[], start: 0, ends: &[], base: 0, tag: Tag::OTHER, plain: true };

    /// Its tag.
    #[must_use]
    #[inline]
    pub fn tag(&self) -> Tag {
        self.tag
    }

    /// The bytes of its tag.
    #[must_use]
    #[inline]
    pub fn id(&self) -> &'a [u8] {
        let end = self.ends.first().copied().unwrap_or(self.start);
        self.bytes.get(self.start as usize..end as usize).unwrap_or_default()
    }

    /// How many elements it has, trailing empty ones counted.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.ends.len().saturating_sub(1)
    }

    /// Whether it has no element at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Element by its 1-based position; empty where there is none.
    #[must_use]
    #[inline]
    pub fn element(&self, position: usize) -> &'a [u8] {
        if position == 0 || position >= self.ends.len() {
            return &[];
        }
        self.bytes
            .get(self.ends[position - 1] as usize + 1..self.ends[position] as usize)
            .unwrap_or_default()
    }

    /// All elements in order.
    #[inline]
    #[must_use]
    pub fn elements(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let bytes = self.bytes;
        let (first, rest) =
            self.ends.split_first().map_or((0, &[][..]), |(&first, rest)| (first, rest));
        let mut before = first as usize;
        rest.iter().map(move |&end| {
            let element = bytes.get(before + 1..end as usize).unwrap_or_default();
            before = end as usize;
            element
        })
    }

    /// The bytes that it lies in and, as offsets into them, where its tag and each of its elements end: for what
    /// reads whole words.
    #[inline]
    pub(crate) fn bytes_and_ends(&self) -> (&'a [u8], &'a [u32]) {
        (self.bytes, self.ends)
    }

    /// Offset of the tag in the whole input.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.base + u64::from(self.start)
    }

    /// Offset of an element in the whole input; past the end, that of the terminator.
    #[must_use]
    pub fn element_offset(&self, position: usize) -> u64 {
        let end = self.ends.len().saturating_sub(1);
        match position {
            0 => self.offset(),
            p if p <= end => self.base + u64::from(self.ends[p - 1]) + 1,
            _ => self.base + self.ends.last().map_or(u64::from(self.start), |&e| u64::from(e)),
        }
    }

    /// From the tag up to, and without, the terminator.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        let end = self.ends.last().copied().unwrap_or(self.start);
        self.bytes.get(self.start as usize..end as usize).unwrap_or_default()
    }

    /// Whether nothing but plain characters stands in it: no component or repetition separator, no control
    /// character, nothing outside ASCII.
    #[must_use]
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.plain
    }
}
