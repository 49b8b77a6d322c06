//! What is wrong with the wire format: faults of the envelope, seen without any grammar.

use super::Tag;

/// Kinds of faults. Each has its entry in the catalogue of findings, where the words for it are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The input holds no ISA.
    NoInterchange,
    /// Text before ISA or between interchanges.
    TextBeforeInterchange,
    /// A byte order mark.
    ByteOrderMark,
    /// ISA is not 106 bytes; it was read by its separators.
    IsaLength,
    /// ISA cannot be read.
    IsaUnreadable,
    /// Two delimiters are the same, or one is alphanumeric.
    DelimiterClash,
    /// ISA11 should be a repetition separator and is none.
    RepetitionSeparator,
    /// ISA11 is the element separator.
    StandardsIsSeparator,
    /// IEA is missing.
    InterchangeTrailerMissing,
    /// IEA01 counts other groups.
    GroupCount,
    /// IEA02 is not ISA13.
    InterchangeNumber,
    /// ISA13 of the same sender twice in the input.
    InterchangeNumberRepeated,
    /// A segment outside group or set.
    OutsideEnvelope,
    /// A trailer without its header.
    StrayTrailer,
    /// The last segment has no terminator.
    CutOff,
    /// No terminator within the limit.
    SegmentTooLarge,
    /// GE is missing.
    GroupTrailerMissing,
    /// GE01 counts other sets.
    SetCount,
    /// GE02 is not GS06.
    GroupNumber,
    /// GS06 twice in the interchange.
    GroupNumberRepeated,
    /// SE is missing.
    SetTrailerMissing,
    /// SE01 counts other segments.
    SegmentCount,
    /// SE02 is not ST02.
    SetNumber,
    /// ST02 twice in the group.
    SetNumberRepeated,
    /// ST02 is missing or not 4 to 9 characters.
    SetNumberInvalid,
    /// SE without ST.
    SetHeaderMissing,
    /// A terminator with no segment before it.
    LoneTerminator,
    /// The set is larger than the limit.
    SetTooLarge,
}

/// A fault and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// Offset in the input.
    pub offset: u64,
    /// How many bytes from there it is about.
    pub length: u32,
    /// The segment it is about.
    pub segment: Tag,
    /// Its position in its set, ST = 1; 0 outside a set.
    pub segment_position: u32,
    /// The element, 0 = the segment as a whole.
    pub element: u16,
    /// What stands there.
    pub found: String,
    /// What was to be expected, where there is such a thing.
    pub expected: String,
}

impl Fault {
    /// A fault of a kind at an offset, about nothing in particular yet.
    #[must_use]
    pub fn at(kind: FaultKind, offset: u64, length: usize) -> Self {
        Self {
            kind,
            offset,
            length: u32::try_from(length).unwrap_or(u32::MAX),
            segment: Tag::OTHER,
            segment_position: 0,
            element: 0,
            found: String::new(),
            expected: String::new(),
        }
    }

    /// Says which segment it is about.
    #[must_use]
    pub fn of(mut self, segment: &[u8], element: u16) -> Self {
        self.segment = Tag::new(segment);
        self.element = element;
        self
    }

    /// Says what was found and what was expected.
    #[must_use]
    pub fn found(mut self, found: impl Into<Shown>, expected: impl Into<Shown>) -> Self {
        self.found = found.into().0;
        self.expected = expected.into().0;
        self
    }
}

/// Text or a number, shown in a fault.
#[derive(Debug)]
pub struct Shown(String);

impl From<&str> for Shown {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Shown {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<std::borrow::Cow<'_, str>> for Shown {
    fn from(text: std::borrow::Cow<'_, str>) -> Self {
        Self(text.into_owned())
    }
}

impl From<usize> for Shown {
    fn from(number: usize) -> Self {
        Self(number.to_string())
    }
}

impl From<u32> for Shown {
    fn from(number: u32) -> Self {
        Self(number.to_string())
    }
}
