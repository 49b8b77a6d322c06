//! Looking ahead: from the stream into the buffer, from the buffer into the index.

use std::io::Read;

use super::{BDS, BIN, CHUNK, GE, GS, IEA, ISA, PIECE, PIECE_MIN, Reader, SE, ST, State};
use crate::x12::envelope::number;
use crate::x12::index::is_blank;
use crate::x12::{Fault, FaultKind, Mark, Tag, decode};

/// Segments that a set may not just contain: they begin or end something, or hold data of any bytes. Each stands
/// where [`slot`] says, so that one comparison tells.
const SPECIAL: [Tag; SLOTS] = {
    let tags = [ISA, IEA, GS, GE, ST, SE, BIN, BDS];
    let mut slots = [Tag::new(b"\xFF\xFF\xFF\xFF"); SLOTS];
    let mut at = 0;
    while at < tags.len() {
        assert!(slots[slot(tags[at])].get() == u32::MAX, "two tags share a slot");
        slots[slot(tags[at])] = tags[at];
        at += 1;
    }
    slots
};

const SLOTS: usize = 32;

#[inline]
const fn slot(tag: Tag) -> usize {
    // Any odd number will do that keeps the tags apart.
    (tag.get().wrapping_mul(0x9E37_79B1) >> 27) as usize % SLOTS
}

/// What a look ahead sees.
pub(super) enum Peek {
    Tag(Tag),
    TooLarge,
    End,
}

impl<R: Read> Reader<'_, R> {
    /// The tag of the next segment, reading on as needed; `None` at the end of what can be read.
    pub(super) fn peek(&mut self) -> std::io::Result<Option<Tag>> {
        Ok(match self.look(0)? {
            Peek::Tag(tag) => Some(tag),
            Peek::TooLarge | Peek::End => None,
        })
    }

    /// The tag of a segment further on, where all from the next one to there has to stay in memory.
    #[inline]
    pub(super) fn peek_within(&mut self, ahead: usize) -> std::io::Result<Peek> {
        if let Some(found) = self.index.mark(self.next + ahead)
            && found.tag != BIN
            && found.tag != BDS
            && !self.too_large(self.index.end(found))
        {
            return Ok(Peek::Tag(found.tag));
        }
        self.look(ahead)
    }

    /// How many segments, from the one so far ahead on, are of no concern to the envelope and no bigger with all
    /// before them than a set may be.
    #[inline]
    pub(super) fn pass_over(&self, ahead: usize) -> usize {
        let marks = self.index.marks(self.next + ahead);
        let passed = marks.iter().position(|m| SPECIAL[slot(m.tag)] == m.tag);
        let passed = passed.unwrap_or(marks.len());
        let fits = |mark: &Mark| !self.too_large(self.index.end(*mark));
        if marks[..passed].last().is_none_or(fits) {
            passed
        } else {
            marks[..passed].partition_point(fits)
        }
    }

    /// Indexes a piece more, and forgets what was handed out where that is less work than what it makes room for.
    fn extend(&mut self) {
        if self.next > self.index.marks(self.next).len() {
            self.index.shift(self.next, 0);
            self.next = 0;
        }
        let upto = self.filled.min(self.index.upto() + self.piece);
        self.piece = PIECE.min(self.piece * 2);
        self.index.extend(&self.buffer[..self.filled], upto, self.delimiters());
    }

    fn look(&mut self, ahead: usize) -> std::io::Result<Peek> {
        loop {
            if let Some(found) = self.index.mark(self.next + ahead) {
                if self.too_large(self.index.end(found)) {
                    return Ok(self.give_up(ahead));
                }
                let tag = found.tag;
                if matches!(tag, BIN | BDS) {
                    self.take_binary(ahead, usize::from(tag == BDS))?;
                }
                return Ok(Peek::Tag(tag));
            }
            if self.index.upto() < self.filled {
                self.extend();
            } else if self.at_end {
                if !self.close_cut_off() {
                    return Ok(Peek::End);
                }
            } else if self.too_large(self.filled) {
                return Ok(self.give_up(ahead));
            } else {
                self.fill()?;
            }
        }
    }

    /// More than a set may be large without an end. Within a set, the set is too large. A single segment without
    /// end makes all after it unreadable, up to the next ISA.
    fn give_up(&mut self, ahead: usize) -> Peek {
        if ahead > 0 {
            return Peek::TooLarge;
        }
        let start =
            self.index.mark(self.next).map_or(self.index.open_start(), |m| m.start as usize);
        let fault = Fault::at(FaultKind::SegmentTooLarge, self.base + start as u64, 0);
        self.pending = Some(fault.found("", self.limits.set_bytes_max));
        self.lost = Some(start + self.limits.set_bytes_max);
        Peek::End
    }

    /// Whether an offset is further from the next segment than a set may be large.
    #[inline]
    fn too_large(&self, at: usize) -> bool {
        let start =
            self.index.mark(self.next).map_or(self.index.open_start(), |m| m.start as usize);
        at.saturating_sub(start) > self.limits.set_bytes_max
    }

    /// At the end of the input: what has no terminator is a segment all the same, with a fault.
    fn close_cut_off(&mut self) -> bool {
        let start = self.index.open_start();
        let rest = self.bytes(start);
        let element = self.delimiters().element;
        // Nothing that may be data: not the last byte of a character in UTF-8, and no separator.
        let layout = |&&b: &&u8| b.is_ascii() && is_blank(b) && b != element;
        let length = rest.len() - rest.iter().rev().take_while(layout).count();
        if length == 0 {
            return false;
        }
        let id = rest[..length].split(|&b| b == element).next().unwrap_or_default();
        let fault = Fault::at(FaultKind::CutOff, self.base + start as u64, length).of(id, 0);
        let shown = decode(&rest[..length.min(80)]).into_owned();
        self.pending = Some(fault.found(shown, ""));
        self.index.close_open(&self.buffer[..self.filled], start + length);
        true
    }

    /// BIN and BDS: the element before the data tells its length, and delimiters inside are data. Where the length
    /// does not lead to a terminator, the segment is read like any other.
    fn take_binary(&mut self, ahead: usize, elements_before: usize) -> std::io::Result<()> {
        let Some(mark) = self.index.mark(self.next + ahead) else { return Ok(()) };
        let d = self.delimiters();
        let bytes = self.bytes(mark.start as usize);
        // Tag, what stands before, and a length of up to 15 digits: more than 64 bytes is no such segment.
        let head = &bytes[..bytes.len().min(64)];
        let separators: Vec<usize> =
            memchr::memchr_iter(d.element, head).take(elements_before + 2).collect();
        let [.., from, to] = separators[..] else { return Ok(()) };
        if separators.len() < elements_before + 2 {
            return Ok(());
        }
        let Some(length) = number(&head[from + 1..to]) else { return Ok(()) };
        let end = to + 1 + length as usize;
        if length as usize > self.limits.set_bytes_max {
            return Ok(());
        }
        let start = self.base + u64::from(mark.start);
        self.fill_to(start + end as u64 + 1)?;
        // Filling may have moved the buffer, and the marks with it.
        let Some(mark) = self.index.mark(self.next + ahead) else { return Ok(()) };
        let begin = mark.start as usize;
        if self.buffer[..self.filled].get(begin + end) == Some(&d.segment) {
            let mut ends: Vec<usize> = separators.iter().map(|&s| begin + s).collect();
            ends.push(begin + end);
            self.index.truncate(self.next + ahead, begin);
            self.index.push_opaque(mark.tag, begin, &ends);
            self.piece = PIECE_MIN;
        }
        Ok(())
    }

    /// Reads on until the input is known up to an offset.
    pub(super) fn fill_to(&mut self, offset: u64) -> std::io::Result<()> {
        while self.base + (self.filled as u64) < offset && !self.at_end {
            self.fill()?;
        }
        Ok(())
    }

    /// Reads one chunk more, dropping what was handed out when that is worth the move.
    fn fill(&mut self) -> std::io::Result<()> {
        let outside = self.state == State::Outside;
        let keep = if outside {
            self.outside
        } else {
            self.index.mark(self.next).map_or(self.index.open_start(), |m| m.start as usize)
        };
        if keep > 0 && keep >= self.filled - keep {
            self.buffer.to_mut().copy_within(keep..self.filled, 0);
            self.filled -= keep;
            self.base += keep as u64;
            if outside {
                self.outside = 0;
                self.index.restart(0);
            } else {
                self.index.shift(self.next, keep);
            }
            self.next = 0;
        }
        let buffer = self.buffer.to_mut();
        if buffer.len() < self.filled + CHUNK {
            buffer.resize(self.filled + CHUNK, 0);
        }
        let room = &mut buffer[self.filled..self.filled + CHUNK];
        let count = loop {
            match self.input.read(room) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.filled += count.min(CHUNK);
        self.at_end = count == 0;
        Ok(())
    }
}
