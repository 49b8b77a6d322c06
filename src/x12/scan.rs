//! The one pass over the bytes: where delimiters stand, found 64 bytes at a time. It knows bytes and offsets, and
//! nothing of segments.
//!
//! The loop is compiled for each set of vector instructions that the machine may have, and one is chosen at run time.

#![allow(
    clippy::inline_always,
    reason = "else it is compiled without the instructions of the level"
)]

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, mask32x16, u8x64, u32x16};

use super::Delimiters;

/// Bytes that are looked at in one step: as many as a machine word has bits.
pub(super) const BLOCK: usize = 64;

/// A list in room that is kept: what is taken off or forgotten is written over later, and nothing is moved or
/// cleared for it.
#[derive(Debug)]
pub(super) struct List<T> {
    room: Vec<T>,
    count: usize,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { room: Vec::new(), count: 0 }
    }
}

impl<T: Copy + Default> List<T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// All of them.
    #[inline]
    pub fn as_slice(&self) -> &[T] {
        &self.room[..self.count]
    }

    /// All of them, to be changed.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.room[..self.count]
    }

    /// Adds one.
    pub fn push(&mut self, value: T) {
        self.reserve(1);
        self.room[self.count] = value;
        self.count += 1;
    }

    /// Forgets all but the first.
    pub fn truncate(&mut self, count: usize) {
        self.count = self.count.min(count);
    }

    /// Forgets the first, and moves the others down.
    pub fn drop_first(&mut self, count: usize) {
        let count = count.min(self.count);
        self.room.copy_within(count..self.count, 0);
        self.count -= count;
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, more: usize) {
        if self.room.len() < self.count + more {
            self.room.resize(self.count + more, T::default());
        }
    }

    /// The room behind the last one; what is written there counts once [`Self::grow`] says so.
    pub fn behind(&mut self) -> &mut [T] {
        &mut self.room[self.count..]
    }

    /// Counts what has been written into the room behind the last one.
    pub fn grow(&mut self, more: usize) {
        self.count = (self.count + more).min(self.room.len());
    }
}

/// What a pass has found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Offsets of element separators and terminators.
    pub ends: List<u32>,
    /// For each terminator, how many ends there are up to it, itself counted.
    pub terminators: List<u32>,
    /// Offsets of separators within elements, of control characters, and of bytes outside ASCII.
    pub specials: List<u32>,
}

/// Goes through `bytes[from..upto]` and adds what it finds. All offsets fit 32 bits.
pub(super) fn scan(
    level: Level,
    bytes: &[u8],
    from: usize,
    upto: usize,
    delimiters: Delimiters,
    found: &mut Found,
) {
    let Some(bytes) = bytes.get(from..upto) else { return };
    // What is written behind the last one of a block is written over by the next block.
    let most = bytes.len() + ROOM;
    found.ends.reserve(most);
    found.terminators.reserve(most);
    found.specials.reserve(most);
    let pass = Pass {
        at: to_u32(from),
        ends_before: to_u32(found.ends.len()),
        ends: Sink::behind(&mut found.ends),
        terminators: Sink::behind(&mut found.terminators),
        specials: Sink::behind(&mut found.specials),
    };
    let counts = dispatch!(level, simd => pass.run(simd, bytes, delimiters));
    found.ends.grow(counts[0]);
    found.terminators.grow(counts[1]);
    found.specials.grow(counts[2]);
}

/// As an offset of the index.
#[inline]
pub(super) fn to_u32(offset: usize) -> u32 {
    // The reader keeps its buffer below 2 GiB (`Limits`), so that every offset in it fits.
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// Numbers that are written at a time, whether or not there are so many.
const BATCH: usize = 16;

/// Room that one block needs: as many numbers as it has bytes, and what is written behind them.
const ROOM: usize = BLOCK + BATCH;

/// Where offsets are written.
struct Sink<'a> {
    room: &'a mut [u32],
    count: usize,
}

impl<'a> Sink<'a> {
    fn behind(list: &'a mut List<u32>) -> Self {
        Self { room: list.behind(), count: 0 }
    }

    /// Writes the offsets of the bits of a block. It does the same steps however many there are: the processor
    /// could not foresee how often a loop over the bits turns.
    #[inline(always)]
    fn offsets<S: Simd>(&mut self, simd: S, bits: u64, at: u32) {
        let Some(room) = self.room.get_mut(self.count..) else { return };
        let Some(room) = room.first_chunk_mut::<ROOM>() else { return };
        let mut written = 0;
        if is_avx512(simd) {
            let mut values = u32x16::from_slice(simd, &FIRST) + at;
            for quarter in 0..4 {
                let bits = bits >> (16 * quarter) & 0xFFFF;
                // No more than a block has bits: the remainder changes nothing but the check of the bounds.
                let place = &mut room[written % BLOCK..][..16];
                values.compress(mask32x16::from_bitmask(simd, bits)).store_slice(place);
                values += 16;
                written += bits.count_ones() as usize;
            }
        } else {
            // Written out: a closure would not always be compiled into the code of the level.
            for eighth in 0..8 {
                let byte = (bits >> (8 * eighth) & 0xFF) as usize;
                let ([a, b, c, d, e, f, g, h], before) = (BITS[byte], at + 8 * eighth);
                if let Some(place) = room[written % BLOCK..].first_chunk_mut::<8>() {
                    *place = [
                        before + u32::from(a),
                        before + u32::from(b),
                        before + u32::from(c),
                        before + u32::from(d),
                        before + u32::from(e),
                        before + u32::from(f),
                        before + u32::from(g),
                        before + u32::from(h),
                    ];
                }
                written += byte.count_ones() as usize;
            }
        }
        self.count += written;
    }

    /// Writes how many ends there are up to each terminator, four at a time.
    #[inline(always)]
    fn ends_upto(&mut self, mut terminators: u64, ends: u64, before: u32) {
        let Some(room) = self.room.get_mut(self.count..) else { return };
        let Some(room) = room.first_chunk_mut::<BLOCK>() else { return };
        self.count += terminators.count_ones() as usize;
        for places in room.as_chunks_mut::<4>().0 {
            for place in places {
                let through = terminators ^ terminators.wrapping_sub(1);
                *place = before + (ends & through).count_ones();
                terminators &= terminators.wrapping_sub(1);
            }
            if terminators == 0 {
                break;
            }
        }
    }
}

/// Known when the code is compiled for the level.
#[inline(always)]
fn is_avx512<S: Simd>(simd: S) -> bool {
    #[cfg(target_arch = "x86_64")]
    return matches!(simd.level(), Level::Avx512(_));
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// The numbers of the first bytes.
static FIRST: [u32; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Which bits of a byte are set, the lowest first.
static BITS: [[u8; 8]; 256] = {
    let mut rows = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut bit, mut count) = (0, 0);
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                rows[byte][count] = bit;
                count += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    rows
};

/// A pass over some bytes.
struct Pass<'a> {
    /// Offset of the next block.
    at: u32,
    ends_before: u32,
    ends: Sink<'a>,
    terminators: Sink<'a>,
    specials: Sink<'a>,
}

impl Pass<'_> {
    /// How many ends, terminators and specials it has found.
    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S, bytes: &[u8], delimiters: Delimiters) -> [usize; 3] {
        let needles = Needles::new(simd, delimiters);
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        for block in blocks {
            self.note(simd, &needles.find(simd, block));
        }
        if !rest.is_empty() {
            let mut padded = [0; BLOCK];
            padded[..rest.len()].copy_from_slice(rest);
            let keep = (1u64 << rest.len()) - 1;
            let Block { ends, terminators, special } = needles.find(simd, &padded);
            let (ends, terminators, special) = (ends & keep, terminators & keep, special & keep);
            self.note(simd, &Block { ends, terminators, special });
        }
        [self.ends.count, self.terminators.count, self.specials.count]
    }

    #[inline(always)]
    fn note<S: Simd>(&mut self, simd: S, block: &Block) {
        let before = self.ends_before + to_u32(self.ends.count);
        self.terminators.ends_upto(block.terminators, block.ends, before);
        self.ends.offsets(simd, block.ends, self.at);
        if block.special != 0 {
            self.specials.offsets(simd, block.special, self.at);
        }
        self.at += 64;
    }
}

/// The bits of one block.
struct Block {
    ends: u64,
    terminators: u64,
    special: u64,
}

/// The bytes that are searched for, each spread over a vector.
struct Needles<S: Simd> {
    element: u8x64<S>,
    segment: u8x64<S>,
    component: u8x64<S>,
    repetition: u8x64<S>,
    first_plain: u8x64<S>,
    plain: u8x64<S>,
}

impl<S: Simd> Needles<S> {
    #[inline(always)]
    fn new(simd: S, d: Delimiters) -> Self {
        Self {
            element: u8x64::splat(simd, d.element),
            segment: u8x64::splat(simd, d.segment),
            component: u8x64::splat(simd, d.component),
            repetition: u8x64::splat(simd, d.repetition.unwrap_or(d.component)),
            first_plain: u8x64::splat(simd, b' '),
            plain: u8x64::splat(simd, 0x7F - b' '),
        }
    }

    #[inline(always)]
    fn find(&self, simd: S, block: &[u8; BLOCK]) -> Block {
        let bytes = u8x64::from_slice(simd, block);
        let terminators = bytes.simd_eq(self.segment);
        let ends = (bytes.simd_eq(self.element) | terminators).to_bitmask();
        let separators = bytes.simd_eq(self.component) | bytes.simd_eq(self.repetition);
        // Moved down by a blank, control characters wrap round to the top, where DEL and all above ASCII are.
        let unusual = (bytes - self.first_plain).simd_ge(self.plain);
        let special = (separators | unusual).to_bitmask() & !ends;
        Block { ends, terminators: terminators.to_bitmask(), special }
    }
}
