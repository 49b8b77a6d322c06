//! The name of a segment, packed into a number.

use std::fmt;

/// A segment's tag (`PO1`, `ST`): up to four bytes in a number, compared in one step.
///
/// X12 tags are two or three characters; a longer one in a file is garbage and becomes [`Tag::OTHER`].
///
/// ```
/// use crossdock::x12::Tag;
/// assert_eq!(Tag::new(b"PO1").to_string(), "PO1");
/// assert_eq!(Tag::new(b"TOOLONG"), Tag::OTHER);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(u32);

impl Tag {
    /// What is no tag: empty, or longer than four bytes.
    pub const OTHER: Self = Self(0);

    /// Packs the bytes.
    #[must_use]
    #[inline]
    pub const fn new(bytes: &[u8]) -> Self {
        Self(match *bytes {
            [a] => u32::from_be_bytes([a, 0, 0, 0]),
            [a, b] => u32::from_be_bytes([a, b, 0, 0]),
            [a, b, c] => u32::from_be_bytes([a, b, c, 0]),
            [a, b, c, d] => u32::from_be_bytes([a, b, c, d]),
            _ => 0,
        })
    }

    /// The tag that begins at one offset and ends before another, where it begins with a visible ASCII character and
    /// is a tag at all: nearly always, and then in few steps.
    #[inline]
    pub(super) fn plain(bytes: &[u8], start: u32, end: u32) -> Option<Self> {
        const KEPT: [u32; 5] = [0, 0xFF00_0000, 0xFFFF_0000, 0xFFFF_FF00, u32::MAX];
        let start = start as usize;
        let four = bytes.get(start..start + 4)?.first_chunk::<4>()?;
        let length = (end as usize).wrapping_sub(start);
        let plain = four[0].is_ascii_graphic() && (1..=4).contains(&length);
        plain.then(|| Self(u32::from_be_bytes(*four) & KEPT[length]))
    }

    /// The tag of so many bytes that stands at an offset.
    pub(super) fn at(bytes: &[u8], start: u32, length: u32) -> Self {
        let start = start as usize;
        Self::new(bytes.get(start..start + length as usize).unwrap_or_default())
    }

    /// The packed number.
    #[must_use]
    #[inline]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Two or three characters, capital letters or digits, the first a letter.
    #[must_use]
    pub fn is_well_formed(self) -> bool {
        let bytes = self.0.to_be_bytes();
        let ok = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
        bytes[0].is_ascii_uppercase()
            && ok(bytes[1])
            && (bytes[2] == 0 || ok(bytes[2]))
            && bytes[3] == 0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.to_be_bytes().into_iter().take_while(|&b| b != 0) {
            write!(f, "{}", char::from(byte))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({self})")
    }
}

impl std::str::FromStr for Tag {
    type Err = std::convert::Infallible;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(s.as_bytes()))
    }
}
