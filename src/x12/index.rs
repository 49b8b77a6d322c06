//! The index of a buffer: where every element and segment ends. Everything above it looks things up there instead
//! of searching again.
//!
//! Two passes over a piece of the buffer that a core's cache holds. In pseudo-code:
//!
//! ```text
//! for each block of 64 bytes: push the offset of each delimiter; push which of them are terminators   (scan)
//! for each terminator: push a mark (where the segment starts, which ends are its own, its tag, its flags)
//! ```

use fearless_simd::Level;

use super::scan::{Found, List, scan, to_u32};
use super::segment::Mark;
use super::{Delimiters, Segments, Tag};

/// Element ends and segment marks of a buffer, grown as the buffer grows. Offsets are relative to the buffer.
#[derive(Debug)]
pub(super) struct Index {
    level: Level,
    /// The ends; what else is in it concerns the piece at hand only.
    found: Found,
    marks: List<Mark>,
    /// Bytes before this offset are indexed.
    upto: usize,
    /// Where the segment begins whose terminator is not seen yet.
    open_start: usize,
    /// Index into the ends of the first one of that segment.
    open_first: usize,
    /// Whether something not plain has come in it.
    open_special: bool,
    /// Whether some terminator, ever, ended nothing: most inputs have none, and need no look.
    has_lone: bool,
}

impl Default for Index {
    fn default() -> Self {
        Self::at_level(Level::new())
    }
}

impl Index {
    /// An index made with certain instructions; all give the same.
    pub fn at_level(level: Level) -> Self {
        Self {
            level,
            found: Found::default(),
            marks: List::default(),
            upto: 0,
            open_start: 0,
            open_first: 0,
            open_special: false,
            has_lone: false,
        }
    }

    /// Forgets everything and starts at an offset.
    pub fn restart(&mut self, at: usize) {
        self.truncate(0, at);
    }

    /// Forgets the marks from `mark` on and goes on at an offset: what lies between is data, or another
    /// interchange.
    pub fn truncate(&mut self, mark: usize, at: usize) {
        self.marks.truncate(mark);
        let known = self.marks.as_slice().last().map_or(0, |m| m.last as usize);
        self.found.ends.truncate(known);
        self.resume(at);
    }

    fn resume(&mut self, at: usize) {
        self.upto = at;
        self.open_start = at;
        self.open_first = self.found.ends.len();
        self.open_special = false;
    }

    /// Drops the first `marks` marks and `bytes` bytes of the buffer; all other offsets move down.
    pub fn shift(&mut self, marks: usize, bytes: usize) {
        let dropped = self.mark(marks).map_or(self.open_first, |m| m.first as usize);
        self.marks.drop_first(marks);
        self.found.ends.drop_first(dropped);
        let (by, ends) = (to_u32(bytes), to_u32(dropped));
        for mark in self.marks.as_mut_slice() {
            mark.start -= by;
            mark.first -= ends;
            mark.last -= ends;
        }
        if by > 0 {
            for end in self.found.ends.as_mut_slice() {
                *end -= by;
            }
        }
        self.upto -= bytes;
        self.open_start -= bytes;
        self.open_first -= dropped;
    }

    /// The first terminator between the segments of a range that ends nothing, and how many segments stand before it.
    pub fn lone(
        &self,
        bytes: &[u8],
        marks: std::ops::Range<usize>,
        terminator: u8,
    ) -> Option<(usize, usize)> {
        // Where lines end segments, a blank one is layout.
        if !self.has_lone || is_blank(terminator) {
            return None;
        }
        let marks = self.marks.as_slice().get(marks)?;
        (1..).zip(marks.windows(2)).find_map(|(position, pair)| {
            let after = self.end(pair[0]) + 1;
            let between = bytes.get(after..pair[1].start as usize)?;
            Some((after + memchr::memchr(terminator, between)?, position))
        })
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
        self.marks.as_slice().get(index).copied()
    }

    /// The marks from one on.
    #[inline]
    pub fn marks(&self, from: usize) -> &[Mark] {
        self.marks.as_slice().get(from..).unwrap_or_default()
    }

    /// Offset of the terminator of a segment.
    #[inline]
    pub fn end(&self, mark: Mark) -> usize {
        let last = (mark.last as usize).checked_sub(1);
        last.and_then(|last| self.found.ends.as_slice().get(last)).map_or(0, |&end| end as usize)
    }

    /// Adds a segment whose last element holds data that the index must not look into.
    pub fn push_opaque(&mut self, tag: Tag, start: usize, ends: &[usize]) {
        let first = self.found.ends.len();
        for &end in ends {
            self.found.ends.push(to_u32(end));
        }
        self.marks.push(Mark {
            start: to_u32(start),
            first: to_u32(first),
            last: to_u32(self.found.ends.len()),
            tag,
            plain: false,
        });
        self.resume(ends.last().copied().unwrap_or(start) + 1);
    }

    /// Closes the open segment at `end` though no terminator stands there: the input is cut off.
    pub fn close_open(&mut self, bytes: &[u8], end: usize) {
        if self.open_start < end {
            self.found.ends.push(to_u32(end));
            let (start, first) = (self.open_start, self.open_first);
            let tag_end = self.found.ends.as_slice().get(first).map_or(end, |&e| e as usize);
            self.marks.push(Mark {
                start: to_u32(start),
                first: to_u32(first),
                last: to_u32(self.found.ends.len()),
                tag: Tag::at(bytes, to_u32(start), to_u32(tag_end - start)),
                plain: !self.open_special,
            });
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
            ends: self.found.ends.as_slice(),
            marks: self.marks.as_slice().get(marks).unwrap_or_default(),
            base,
            delimiters,
        }
    }

    /// Indexes `bytes[self.upto()..upto]`.
    pub fn extend(&mut self, bytes: &[u8], upto: usize, delimiters: Delimiters) {
        let upto = upto.min(bytes.len()).max(self.upto);
        self.found.terminators.truncate(0);
        self.found.specials.truncate(0);
        if self.open_special {
            self.found.specials.push(to_u32(self.open_start));
        }
        scan(self.level, bytes, self.upto, upto, delimiters, &mut self.found);
        self.upto = upto;
        self.mark_segments(bytes, delimiters);
    }

    /// Marks the segments whose terminators were found.
    #[inline(never)]
    fn mark_segments(&mut self, bytes: &[u8], delimiters: Delimiters) {
        let terminators = self.found.terminators.as_slice();
        self.marks.reserve(terminators.len());
        let mut rest = self.found.ends.as_slice().get(self.open_first..).unwrap_or_default();
        let mut room = self.marks.behind().iter_mut();
        let free = room.len();
        let (mut start, mut first) = (to_u32(self.open_start), to_u32(self.open_first));
        for &last in terminators {
            let Some((ends, behind)) = rest.split_at_checked((last - first) as usize) else {
                break;
            };
            let (Some(&tag_end), Some(&end)) = (ends.first(), ends.last()) else { break };
            let mut tag = Tag::plain(bytes, start, tag_end);
            if tag.is_none() {
                start = after_blanks(bytes, start, end, delimiters);
                // A terminator by itself ends nothing.
                tag = (start < end).then(|| Tag::at(bytes, start, tag_end - start));
                self.has_lone |= tag.is_none();
            }
            if let Some(tag) = tag
                && let Some(place) = room.next()
            {
                *place = Mark { start, first, last, tag, plain: true };
            }
            (start, first, rest) = (end + 1, last, behind);
        }
        let marked = free - room.len();
        self.marks.grow(marked);
        start = after_blanks(bytes, start, to_u32(self.upto), delimiters);
        self.open_start = start as usize;
        self.open_first = first as usize;
        self.mark_specials(marked);
    }

    /// Tells which of the last marks, and whether the open segment, have something special in them.
    fn mark_specials(&mut self, marked: usize) {
        let mut specials = self.found.specials.as_slice();
        let ends = self.found.ends.as_slice();
        let from = self.marks.len() - marked;
        for mark in &mut self.marks.as_mut_slice()[from..] {
            if specials.is_empty() {
                break;
            }
            let end = ends.get(mark.last as usize - 1).copied().unwrap_or(u32::MAX);
            let before = specials.iter().take_while(|&&special| special < mark.start).count();
            let within = specials[before..].iter().take_while(|&&special| special < end).count();
            mark.plain = within == 0;
            specials = &specials[before + within..];
        }
        let open = to_u32(self.open_start);
        self.open_special = specials.last().is_some_and(|&special| special >= open);
    }
}

/// Line breaks and other blanks between segments are layout, not data.
fn after_blanks(bytes: &[u8], start: u32, upto: u32, delimiters: Delimiters) -> u32 {
    let rest = bytes.get(start as usize..upto as usize).unwrap_or_default();
    let data = |&b: &u8| !is_blank(b) || b == delimiters.element || b == delimiters.segment;
    start + to_u32(rest.iter().position(data).unwrap_or(rest.len()))
}

/// What stands between segments without meaning: line breaks, spaces, tabs, NUL, the old end-of-file mark, and
/// the rest of a terminator that some program has written as UTF-8 (its first byte is the terminator then; no tag
/// begins with such a byte).
#[inline]
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0 | 0x1A | 0x80..=0xBF)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Start, ends and plainness.
    type Seen = (usize, Vec<usize>, bool);

    /// The segments, looked for byte by byte, and where the open one begins.
    fn split(bytes: &[u8], d: Delimiters) -> (Vec<Seen>, usize) {
        let (mut all, mut start, mut ends, mut plain) = (Vec::new(), 0, Vec::new(), true);
        for (at, &byte) in bytes.iter().enumerate() {
            let is_end = byte == d.element || byte == d.segment;
            if at == start && is_blank(byte) && !is_end {
                start += 1;
                continue;
            }
            if is_end {
                ends.push(at);
            } else {
                plain &= !d.contains(byte) && (b' '..=b'~').contains(&byte);
            }
            if byte == d.segment {
                if at > start {
                    all.push((start, ends.clone(), plain));
                }
                ends.clear();
                (start, plain) = (at + 1, true);
            }
        }
        (all, start)
    }

    /// The same by an index that is given the bytes in pieces, and gives up what it has now and then.
    fn index(
        level: Level,
        bytes: &[u8],
        d: Delimiters,
        pieces: &[(usize, bool)],
    ) -> (Vec<Seen>, usize) {
        let mut index = Index::at_level(level);
        let (mut all, mut base) = (Vec::new(), 0);
        for &(size, give_up) in pieces.iter().cycle() {
            let buffer = &bytes[base..];
            index.extend(buffer, index.upto() + size, d);
            let done = index.upto() == buffer.len();
            if give_up || done {
                let marks = index.marks(0).len();
                let segments = index.segments(buffer, 0..marks, base as u64, d);
                for (mark, segment) in index.marks(0).iter().zip(segments.iter()) {
                    assert_eq!(segment.tag(), Tag::new(segment.id()));
                    assert_eq!(index.end(*mark), mark.start as usize + segment.raw().len());
                    let end = |&end: &u32| base + end as usize;
                    let ends = segment.ends.iter().map(end).collect();
                    all.push((base + mark.start as usize, ends, segment.is_plain()));
                }
                let passed = index.open_start();
                index.shift(marks, passed);
                base += passed;
            }
            if done {
                break;
            }
        }
        (all, base + index.open_start())
    }

    fn levels() -> Vec<Level> {
        let best = Level::new();
        let mut levels = vec![Level::baseline(), best];
        #[cfg(target_arch = "x86_64")]
        {
            levels.extend(best.as_sse4_2().map(Level::Sse4_2));
            levels.extend(best.as_avx2().map(Level::Avx2));
        }
        levels
    }

    /// Bytes of which many are delimiters, blanks, or neighbours of what is told apart.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            6 => proptest::sample::select(&b"ABCZ019*~>^"[..]),
            2 => proptest::sample::select(&b"\r\n \t\0\x1A\x1B\x1F!~\x7F\x80\xBF\xC0\xFF"[..]),
            1 => any::<u8>(),
        ];
        let run = prop_oneof![
            4 => proptest::collection::vec(byte, 0..90),
            1 => (any::<u8>(), 0..200usize).prop_map(|(byte, count)| vec![byte; count]),
        ];
        proptest::collection::vec(run, 0..8).prop_map(|runs| runs.concat())
    }

    fn delimiters() -> impl Strategy<Value = Delimiters> {
        let any = (any::<u8>(), any::<u8>(), any::<Option<u8>>(), any::<u8>());
        let met = proptest::sample::select(vec![
            (b'*', b'>', None, b'~'),
            (b'*', b':', Some(b'^'), b'\n'),
            (b'|', b'>', Some(b'^'), b'\r'),
            (b' ', b'>', None, 0xC2),
        ]);
        prop_oneof![3 => met, 1 => any].prop_map(|(element, component, repetition, segment)| {
            Delimiters { element, component, repetition, segment }
        })
    }

    proptest! {
        #[test]
        fn the_index_agrees_with_a_plain_split_at_every_level(
            bytes in bytes(),
            delimiters in delimiters(),
            pieces in proptest::collection::vec((1usize..300, any::<bool>()), 1..5),
        ) {
            let expected = split(&bytes, delimiters);
            for level in levels() {
                prop_assert_eq!(&expected, &index(level, &bytes, delimiters, &pieces), "{:?}", level);
            }
        }
    }
}
