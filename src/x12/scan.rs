//! The one pass over the bytes: where delimiters stand, found 64 bytes at a time. It knows bytes and offsets, and
//! nothing of segments.
//!
//! The loop is compiled for each set of vector instructions that the machine may have, and one is chosen at run time.

#![allow(
    clippy::inline_always,
    reason = "else it is compiled without the instructions of the level"
)]

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, u8x64};

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
    #[inline]
    pub fn behind(&mut self) -> &mut [T] {
        &mut self.room[self.count..]
    }

    /// Counts what has been written into the room behind the last one.
    #[inline]
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
    // Whole blocks are written, and only then is counted what is valid of them.
    let most = bytes.len() + BLOCK;
    found.ends.reserve(most);
    found.terminators.reserve(most);
    found.specials.reserve(most);
    dispatch!(level, simd => blocks(simd, bytes, to_u32(from), delimiters, found));
}

/// As an offset of the index.
#[inline]
pub(super) fn to_u32(offset: usize) -> u32 {
    // The reader keeps its buffer below 2 GiB (`Limits`), so that every offset in it fits.
    u32::try_from(offset).unwrap_or(u32::MAX)
}

#[inline(always)]
fn blocks<S: Simd>(simd: S, bytes: &[u8], mut at: u32, delimiters: Delimiters, found: &mut Found) {
    let needles = Needles::new(simd, delimiters);
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    for block in blocks {
        note(&needles.find(simd, block), at, found);
        at += 64;
    }
    if !rest.is_empty() {
        let mut padded = [0; BLOCK];
        padded[..rest.len()].copy_from_slice(rest);
        let keep = (1u64 << rest.len()) - 1;
        let block = needles.find(simd, &padded);
        let block = Block {
            ends: block.ends & keep,
            terminators: block.terminators & keep,
            special: block.special & keep,
        };
        note(&block, at, found);
    }
}

/// The bits of one block.
struct Block {
    ends: u64,
    terminators: u64,
    special: u64,
}

/// Writes down the offsets of the bits.
#[inline(always)]
fn note(block: &Block, at: u32, found: &mut Found) {
    let before = to_u32(found.ends.len());
    let through = |bits: u64| before + (block.ends & (bits ^ bits.wrapping_sub(1))).count_ones();
    write_bits::<4>(block.terminators, &mut found.terminators, through);
    let offset = |bits: u64| at.wrapping_add(bits.trailing_zeros());
    write_bits::<16>(block.ends, &mut found.ends, offset);
    if block.special != 0 {
        write_bits::<4>(block.special, &mut found.specials, offset);
    }
}

/// Writes a value for each bit, made of the bits from that one on. They are written `N` at a time, though there may
/// be fewer: the processor could not foresee how many turns a loop over single bits takes.
#[inline(always)]
fn write_bits<const N: usize>(mut bits: u64, list: &mut List<u32>, value: impl Fn(u64) -> u32) {
    let count = bits.count_ones() as usize;
    let Some(room) = list.behind().first_chunk_mut::<BLOCK>() else { return };
    for places in room.as_chunks_mut::<N>().0 {
        for place in places {
            *place = value(bits);
            bits &= bits.wrapping_sub(1);
        }
        if bits == 0 {
            break;
        }
    }
    list.grow(count);
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
