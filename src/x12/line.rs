//! A segment that stands on its own, outside the buffer of a reader.

use super::{Segment, Tag};

/// A segment with its own bytes: a header of the envelope that is checked like any other segment.
///
/// ```
/// use crossdock::x12::Line;
/// let line = Line::new(b"GS*PO*SENDER*RECEIVER*20261121*0915*7*X*004010".to_vec(), b'*', 106);
/// assert_eq!(line.segment().element(8), b"004010");
/// assert_eq!(line.segment().element_offset(1), 109);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    offset: u64,
}

impl Line {
    /// Takes the bytes of a segment without its terminator. `offset` is where it stands in the input.
    #[must_use]
    pub fn new(bytes: Vec<u8>, separator: u8, offset: u64) -> Self {
        let end = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let mut ends: Vec<u32> = memchr::memchr_iter(separator, &bytes).map(end).collect();
        ends.push(end(bytes.len()));
        Self { bytes, ends, offset }
    }

    /// The segment. It counts as plain: its elements are read as they stand.
    #[must_use]
    pub fn segment(&self) -> Segment<'_> {
        let tag = Tag::new(
            self.bytes.get(..self.ends.first().map_or(0, |&e| e as usize)).unwrap_or_default(),
        );
        Segment {
            bytes: &self.bytes,
            start: 0,
            ends: &self.ends,
            base: self.offset,
            tag,
            plain: true,
        }
    }
}

impl super::Interchange {
    /// ISA as a segment.
    #[must_use]
    pub fn line(&self) -> Line {
        let mut bytes = b"ISA".to_vec();
        for element in &self.elements {
            bytes.push(self.delimiters.element);
            bytes.extend_from_slice(element);
        }
        Line::new(bytes, self.delimiters.element, self.offset)
    }
}
