//! The index of delimiters: one pass over the bytes, 64 at a time, that notes where every element and segment
//! ends. Everything above it looks things up there instead of searching again.
//!
//! In pseudo-code, for each block of 64 bytes:
//!
//! ```text
//! ends   = bits of bytes equal to the element separator or the terminator
//! for each bit of ends: push its offset
//! for each bit that is a terminator: push a mark (where the segment starts, which ends are its own, its flags)
//! ```

use wide::u8x16;

use super::segment::Mark;
use super::{Delimiters, Segments, Tag};

const BLOCK: usize = 64;

/// Element ends and segment marks of a buffer, grown as the buffer grows. Offsets are relative to the buffer.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Offsets of delimiters; the first `known` are valid, the rest is room.
    ends: Vec<u32>,
    known: usize,
    marks: Vec<Mark>,
    /// Bytes before this offset are indexed.
    upto: usize,
    /// Where the segment begins whose terminator is not seen yet.
    open_start: usize,
    /// Index into `ends` of the first end of that segment.
    open_first: usize,
    /// Whether something not plain has come in it.
    open_special: bool,
    /// Still in the blanks before that segment.
    skipping: bool,
}

/// The bits of one block.
struct Block {
    ends: u64,
    terminators: u64,
    /// Separators within elements, control characters, bytes outside ASCII.
    special: u64,
}

impl Index {
    /// Forgets everything and starts at an offset.
    pub fn restart(&mut self, at: usize) {
        self.known = 0;
        self.marks.clear();
        self.resume(at);
    }

    /// Forgets the marks from `mark` on and goes on at an offset: what lies between is data, or another
    /// interchange.
    pub fn truncate(&mut self, mark: usize, at: usize) {
        self.marks.truncate(mark);
        self.known = self.marks.last().map_or(0, |m| m.last as usize);
        self.resume(at);
    }

    fn resume(&mut self, at: usize) {
        self.upto = at;
        self.open_start = at;
        self.open_first = self.known;
        self.open_special = false;
        self.skipping = true;
    }

    /// Drops the first `marks` marks and `bytes` bytes of the buffer; all other offsets move down.
    pub fn shift(&mut self, marks: usize, bytes: usize) {
        let dropped = self.marks.get(marks).map_or(self.open_first, |m| m.first as usize);
        self.marks.drain(..marks.min(self.marks.len()));
        self.ends.copy_within(dropped..self.known, 0);
        self.known -= dropped;
        let (by, ends) = (to_u32(bytes), to_u32(dropped));
        for end in &mut self.ends[..self.known] {
            *end -= by;
        }
        for mark in &mut self.marks {
            mark.start -= by;
            mark.end -= by;
            mark.first -= ends;
            mark.last -= ends;
        }
        self.upto -= bytes;
        self.open_start -= bytes;
        self.open_first -= dropped;
    }

    /// Up to where the buffer is indexed.
    pub fn upto(&self) -> usize {
        self.upto
    }

    /// Where the segment begins whose terminator has not come.
    pub fn open_start(&self) -> usize {
        self.open_start
    }

    /// The mark.
    #[inline]
    pub fn mark(&self, index: usize) -> Option<Mark> {
        self.marks.get(index).copied()
    }

    /// Adds a segment whose last element holds data that the index must not look into.
    pub fn push_opaque(&mut self, tag: Tag, start: usize, ends: &[usize]) {
        let first = self.known;
        self.make_room(ends.len());
        for &end in ends {
            self.ends[self.known] = to_u32(end);
            self.known += 1;
        }
        let end = ends.last().copied().unwrap_or(start);
        self.marks.push(Mark {
            start: to_u32(start),
            end: to_u32(end),
            first: to_u32(first),
            last: to_u32(self.known),
            tag,
            plain: false,
        });
        self.resume(end + 1);
    }

    /// Closes the open segment at `end` though no terminator stands there: the input is cut off.
    pub fn close_open(&mut self, bytes: &[u8], end: usize) {
        if self.open_start < end {
            self.make_room(1);
            self.ends[self.known] = to_u32(end);
            self.known += 1;
            self.push_mark(bytes, end, self.known);
        }
        self.resume(end);
    }

    /// The segments of a range of marks.
    pub fn segments<'a>(
        &'a self,
        bytes: &'a [u8],
        marks: std::ops::Range<usize>,
        base: u64,
        delimiters: Delimiters,
    ) -> Segments<'a> {
        Segments {
            bytes,
            ends: &self.ends,
            marks: self.marks.get(marks).unwrap_or_default(),
            base,
            delimiters,
        }
    }

    /// Indexes `bytes[self.upto()..upto]`.
    pub fn extend(&mut self, bytes: &[u8], upto: usize, delimiters: Delimiters) {
        let upto = upto.min(bytes.len());
        let needles = Needles::new(delimiters);
        while self.upto < upto {
            let size = BLOCK.min(upto - self.upto);
            let mut block = needles.scan(&bytes[self.upto..], size);
            if size < BLOCK {
                let keep = (1u64 << size) - 1;
                block.ends &= keep;
                block.terminators &= keep;
                block.special &= keep;
            }
            self.take(bytes, upto, &block, delimiters);
            self.upto += size;
        }
    }

    #[inline]
    fn take(&mut self, bytes: &[u8], upto: usize, block: &Block, delimiters: Delimiters) {
        let at = self.upto;
        let known = self.known;
        self.make_room(BLOCK);
        let room = &mut self.ends[known..known + BLOCK];
        let mut count = 0;
        let mut bits = block.ends;
        while bits != 0 {
            // A block has as many bits as there is room, so that the mask changes nothing but the bounds check.
            room[count % BLOCK] = to_u32(at) + bits.trailing_zeros();
            count += 1;
            bits &= bits - 1;
        }
        self.known += count;
        if self.skipping {
            self.skip_blanks(bytes, upto, delimiters);
        }
        let mut terminators = block.terminators;
        while terminators != 0 {
            let bit = terminators.trailing_zeros();
            let through = u64::MAX >> (63 - bit);
            let last = known + (block.ends & through).count_ones() as usize;
            let end = at + bit as usize;
            if end == self.open_start {
                self.open_first = last;
            } else {
                self.open_special |= block.special & through & from(self.open_start, at) != 0;
                self.push_mark(bytes, end, last);
            }
            self.open_start = end + 1;
            self.open_special = false;
            self.skip_blanks(bytes, upto, delimiters);
            terminators &= terminators - 1;
        }
        self.open_special |= block.special & from(self.open_start, at) != 0;
    }

    /// Makes room for so many more ends.
    #[inline]
    fn make_room(&mut self, count: usize) {
        if self.ends.len() < self.known + count {
            self.ends.resize((self.known + count) * 2, 0);
        }
    }

    #[inline]
    fn push_mark(&mut self, bytes: &[u8], end: usize, last: usize) {
        let start = self.open_start;
        let tag_end = self.ends.get(self.open_first).map_or(end, |&e| e as usize);
        self.marks.push(Mark {
            start: to_u32(start),
            end: to_u32(end),
            first: to_u32(self.open_first),
            last: to_u32(last),
            tag: Tag::at(&bytes[start..], tag_end - start),
            plain: !self.open_special,
        });
        self.open_first = last;
    }

    /// Line breaks and other blanks between segments are layout, not data.
    #[inline]
    fn skip_blanks(&mut self, bytes: &[u8], upto: usize, delimiters: Delimiters) {
        while let Some(&byte) = bytes.get(self.open_start) {
            if self.open_start >= upto {
                break;
            }
            if !is_blank(byte) || byte == delimiters.element || byte == delimiters.segment {
                self.skipping = false;
                return;
            }
            self.open_start += 1;
        }
        self.skipping = true;
    }
}

/// Bits of the block from an offset on (all, where the offset lies before the block; none where it lies after).
#[inline]
fn from(start: usize, block: usize) -> u64 {
    match start.saturating_sub(block) {
        0 => u64::MAX,
        n if n < BLOCK => u64::MAX << n,
        _ => 0,
    }
}

/// What stands between segments without meaning: line breaks, spaces, tabs, NUL, the old end-of-file mark, and
/// the rest of a terminator that some program has written as UTF-8 (its first byte is the terminator then; no tag
/// begins with such a byte).
#[inline]
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0 | 0x1A | 0x80..=0xBF)
}

fn to_u32(offset: usize) -> u32 {
    // The reader keeps its buffer below 2 GiB (`Limits`), so that every offset in it fits.
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// The bytes that are searched for, each spread over a vector.
struct Needles {
    element: u8x16,
    segment: u8x16,
    component: u8x16,
    repetition: u8x16,
}

impl Needles {
    fn new(d: Delimiters) -> Self {
        Self {
            element: u8x16::splat(d.element),
            segment: u8x16::splat(d.segment),
            component: u8x16::splat(d.component),
            repetition: u8x16::splat(d.repetition.unwrap_or(d.component)),
        }
    }

    /// Compares the first 64 bytes (of which only `size` count) with the needles.
    #[inline]
    fn scan(&self, bytes: &[u8], size: usize) -> Block {
        let mut padded = [0u8; BLOCK];
        let block: &[u8; BLOCK] = if let Some(whole) = bytes.first_chunk::<BLOCK>() {
            whole
        } else {
            padded[..size].copy_from_slice(&bytes[..size]);
            &padded
        };
        let mut found = Block { ends: 0, terminators: 0, special: 0 };
        for (i, lane) in block.as_chunks::<16>().0.iter().enumerate() {
            let lane = u8x16::new(*lane);
            let terminators = lane.simd_eq(self.segment);
            let ends = lane.simd_eq(self.element) | terminators;
            let separators = lane.simd_eq(self.component) | lane.simd_eq(self.repetition);
            // Moved down by a blank, control characters wrap round to the top, where DEL and all above ASCII are.
            let moved = lane - u8x16::splat(b' ');
            let unusual = moved.max(u8x16::splat(0x7F - b' ')).simd_eq(moved);
            let shift = i * 16;
            found.terminators |= u64::from(terminators.to_bitmask()) << shift;
            found.ends |= u64::from(ends.to_bitmask()) << shift;
            found.special |= u64::from((separators | unusual).to_bitmask()) << shift;
        }
        found.special &= !found.ends;
        found
    }
}
