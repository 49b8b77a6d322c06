//! The envelope: interchange (ISA…IEA), functional group (GS…GE), transaction set (ST…SE), and their control
//! numbers.

use super::{Delimiters, Fault, Line, Segment, Segments, decode};

/// ISA13: the number of an interchange, 1 to 999999999, unique between one sender and one receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InterchangeControlNumber(pub u32);

/// GS06: the number of a functional group, 1 to 999999999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupControlNumber(pub u32);

/// ST02: what names a transaction set within its group; 4 to 9 characters that need not be digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SetControlNumber(pub String);

/// Qualifier and identifier of a trading partner in ISA (05 and 06, or 07 and 08), without padding.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// ISA05 or ISA07, `ZZ`.
    pub qualifier: String,
    /// ISA06 or ISA08, trailing blanks dropped.
    pub id: String,
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.qualifier, self.id)
    }
}

/// The header of an interchange as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interchange {
    /// ISA01 to ISA16, as they stand, padding included.
    pub elements: [Vec<u8>; 16],
    /// Offset of `ISA` in the input.
    pub offset: u64,
    /// Bytes from `ISA` to the terminator, that included; 106 where all is well.
    pub length: usize,
    /// The delimiters that it sets.
    pub delimiters: Delimiters,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
}

impl Interchange {
    /// ISA element by 1-based position, decoded, trailing blanks dropped.
    #[must_use]
    pub fn element(&self, position: usize) -> String {
        let bytes = position
            .checked_sub(1)
            .and_then(|i| self.elements.get(i))
            .map_or(&[][..], Vec::as_slice);
        decode(bytes).trim().to_owned()
    }

    /// ISA05 and ISA06.
    #[must_use]
    pub fn sender(&self) -> Identity {
        Identity { qualifier: self.element(5), id: self.element(6) }
    }

    /// ISA07 and ISA08.
    #[must_use]
    pub fn receiver(&self) -> Identity {
        Identity { qualifier: self.element(7), id: self.element(8) }
    }

    /// ISA13, where it is a number.
    #[must_use]
    pub fn control_number(&self) -> Option<InterchangeControlNumber> {
        number(&self.elements[12]).map(InterchangeControlNumber)
    }

    /// Whether ISA14 asks for a TA1.
    #[must_use]
    pub fn wants_acknowledgement(&self) -> bool {
        self.elements[13] == b"1"
    }

    /// Whether ISA15 says that this is a test.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.elements[14] == b"T"
    }
}

/// The header of a functional group as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// GS01 to GS08 as they stand; shorter where elements are missing.
    pub elements: Vec<Vec<u8>>,
    /// Offset of `GS` in the input.
    pub offset: u64,
    /// The header as it stands, without its terminator.
    pub raw: Vec<u8>,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
}

impl Group {
    /// GS element by 1-based position, decoded.
    #[must_use]
    pub fn element(&self, position: usize) -> String {
        let bytes = position
            .checked_sub(1)
            .and_then(|i| self.elements.get(i))
            .map_or(&[][..], Vec::as_slice);
        decode(bytes).trim().to_owned()
    }

    /// GS06, where it is a number.
    #[must_use]
    pub fn control_number(&self) -> Option<GroupControlNumber> {
        self.elements.get(5).and_then(|e| number(e)).map(GroupControlNumber)
    }

    /// GS08: the first six characters choose the grammar.
    #[must_use]
    pub fn version(&self) -> String {
        self.element(8)
    }

    /// The first six characters of GS08.
    #[must_use]
    pub fn release(&self) -> String {
        self.version().chars().take(6).collect()
    }
}

/// A transaction set, ST and SE among its segments.
#[derive(Debug, Clone)]
pub struct TransactionSet<'a> {
    /// Its segments. Empty where the set was too large to keep.
    pub segments: Segments<'a>,
    /// ST01.
    pub id: String,
    /// ST02.
    pub control_number: SetControlNumber,
    /// ST03, where it is there: the implementation convention.
    pub convention: Option<String>,
    /// What is wrong with its envelope.
    pub faults: Vec<Fault>,
}

/// The end of a group: GE, or its absence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupEnd {
    /// GE01, where it is a number.
    pub stated_sets: Option<u32>,
    /// How many sets there were.
    pub sets: u32,
    /// Offset of GE, or of where it should have stood.
    pub offset: u64,
    /// GE without its terminator; `None` where it is missing.
    pub trailer: Option<Line>,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// The end of an interchange: IEA, or its absence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterchangeEnd {
    /// IEA01, where it is a number.
    pub stated_groups: Option<u32>,
    /// How many groups there were.
    pub groups: u32,
    /// One past the interchange's last byte in the input.
    pub end: u64,
    /// IEA without its terminator; `None` where it is missing.
    pub trailer: Option<Line>,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// What the reader meets, in order.
#[derive(Debug)]
pub enum Event<'a> {
    /// ISA.
    Interchange(&'a Interchange),
    /// TA1: an acknowledgement of one of our interchanges.
    InterchangeAck(Segment<'a>),
    /// GS.
    Group(&'a Group),
    /// ST to SE.
    Set(TransactionSet<'a>),
    /// GE, or the end of a group without one.
    GroupEnd(GroupEnd),
    /// IEA, or the end of an interchange without one.
    InterchangeEnd(InterchangeEnd),
    /// Something that belongs to nothing: text between interchanges, segments outside a set.
    Stray(Fault),
}

/// Reads up to nine digits as a number; zeros before them do not count.
#[must_use]
pub(super) fn number(bytes: &[u8]) -> Option<u32> {
    let bytes = bytes.trim_ascii();
    let zeros = bytes.iter().take_while(|&&b| b == b'0').count();
    let significant = bytes.get(zeros..)?;
    if bytes.is_empty() || significant.len() > 9 {
        return None;
    }
    let bytes = significant;
    bytes
        .iter()
        .try_fold(0u32, |sum, &b| b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0')))
}
