//! Faults of the wire format as findings, in words.

use super::{Code, Finding, Place, Severity};
use crate::x12::{Fault, FaultKind, Tag};

impl From<&Fault> for Finding {
    fn from(fault: &Fault) -> Self {
        let (code, message, mend) = words(fault);
        let place = Place {
            offset: fault.offset,
            length: fault.length,
            segment: if fault.segment == Tag::OTHER {
                String::new()
            } else {
                fault.segment.to_string()
            },
            segment_position: fault.segment_position,
            element: fault.element,
            ..Place::default()
        };
        let mut finding = Self::new(code, place, message, mend.to_owned());
        if !fault.found.is_empty() {
            finding.value = Some(visible(&fault.found));
        }
        match fault.kind {
            // A last terminator that is missing cuts nothing off where the trailer is whole.
            FaultKind::CutOff if fault.segment == Tag::new(b"IEA") => {
                finding.severity = Severity::Warning;
            }
            // Nothing says which release a set outside any group has, and no 997 can name it.
            FaultKind::OutsideEnvelope if fault.segment == Tag::new(b"ST") => {
                finding.severity = Severity::Fatal;
            }
            _ => {}
        }
        finding
    }
}

/// Code, message and mend.
type Words = (Code, String, &'static str);

fn words(fault: &Fault) -> Words {
    let found = visible(&fault.found);
    input_words(fault, &found)
        .or_else(|| interchange_words(fault, &found))
        .or_else(|| group_words(fault, &found))
        .unwrap_or_else(|| set_words(fault, &found))
}

fn input_words(fault: &Fault, found: &str) -> Option<Words> {
    let expected = &fault.expected;
    let (code, says, mend) = match fault.kind {
        FaultKind::NoInterchange => (
            Code::NoInterchange,
            if fault.offset == 0 && fault.length == 0 {
                "The input is empty.".to_owned()
            } else {
                "The input holds no interchange: no ISA segment was found.".to_owned()
            },
            "Look whether this is the right file.",
        ),
        FaultKind::ByteOrderMark => (
            Code::ByteOrderMark,
            "A byte order mark stands before the interchange.".to_owned(),
            "Save the file without one.",
        ),
        FaultKind::TextBeforeInterchange => (
            Code::TextBeforeInterchange,
            format!("{} bytes that belong to no interchange: {found:?}.", fault.length),
            "Leave out what is not X12.",
        ),
        FaultKind::CutOff => (
            Code::CutOff,
            format!("The input ends in {found:?}, without a terminator."),
            if fault.segment == Tag::new(b"IEA") {
                "End the last segment, too, with its terminator."
            } else {
                "Send the whole file again."
            },
        ),
        FaultKind::SegmentTooLarge => (
            Code::InterchangeTooLarge,
            format!("No terminator within {expected} bytes."),
            "Look whether ISA names the right terminator.",
        ),
        FaultKind::OutsideEnvelope if fault.segment == Tag::new(b"ST") => (
            Code::OutsideEnvelope,
            format!("The set {found:?} stands outside any group: GS is missing."),
            "Send GS before it and GE after it.",
        ),
        FaultKind::OutsideEnvelope => (
            Code::OutsideEnvelope,
            format!("{found:?} stands outside any transaction set."),
            "Send it inside a set, or leave it out.",
        ),
        FaultKind::StrayTrailer => (
            Code::GroupStrayTrailer,
            format!("{found:?} ends something that did not begin."),
            "Look whether a header is lost before it.",
        ),
        _ => return None,
    };
    Some((code, says, mend))
}

fn interchange_words(fault: &Fault, found: &str) -> Option<Words> {
    let expected = &fault.expected;
    let (code, says, mend) = match fault.kind {
        FaultKind::IsaLength => (
            Code::IsaLength,
            format!(
                "ISA has {found} bytes with its terminator; it must have 106. It was read by its separators."
            ),
            "Pad each element of ISA with blanks to its length.",
        ),
        FaultKind::IsaUnreadable => (
            Code::IsaUnreadable,
            format!(
                "An interchange is lost, since its ISA is missing or cannot be read: {found:?}."
            ),
            "Send the interchange again, its ISA with sixteen elements, each of its length.",
        ),
        FaultKind::DelimiterClash => (
            Code::DelimiterClash,
            format!("Delimiters cannot be told from each other or from data: {found}."),
            "Choose delimiters that are distinct and occur in no data.",
        ),
        FaultKind::RepetitionSeparator => (
            Code::RepetitionSeparator,
            format!("ISA11 is {found:?}, which cannot separate repetitions."),
            "Send for instance ^ in ISA11, or nothing if no element is repeated.",
        ),
        FaultKind::StandardsIsSeparator => (
            Code::IsaElement,
            format!(
                "ISA11 is {found:?}, the element separator itself. ISA was read by the lengths of its elements."
            ),
            "Send U in ISA11, or from version 00402 on a repetition separator such as ^.",
        ),
        FaultKind::InterchangeTrailerMissing => (
            Code::TrailerMissing,
            format!("IEA is missing for interchange {expected}."),
            "Send the whole interchange again.",
        ),
        FaultKind::GroupCount => (
            Code::GroupCountWrong,
            format!("IEA01 says {found:?} groups; there are {expected}."),
            "Count the groups, and look whether one is lost.",
        ),
        FaultKind::InterchangeNumber => (
            Code::InterchangeNumberMismatch,
            format!("IEA02 is {found:?}, ISA13 is {expected:?}."),
            "Send the same number in both.",
        ),
        FaultKind::InterchangeNumberRepeated => (
            Code::InterchangeNumberRepeated,
            format!("Interchange number {found} came before in this input, from the same sender."),
            "Send each interchange once, with a number of its own.",
        ),
        _ => return None,
    };
    Some((code, says, mend))
}

fn group_words(fault: &Fault, found: &str) -> Option<Words> {
    let expected = &fault.expected;
    let (code, says, mend) = match fault.kind {
        FaultKind::GroupTrailerMissing => (
            Code::GroupTrailerMissing,
            format!("GE is missing for group {expected}."),
            "Send the whole group again.",
        ),
        FaultKind::SetCount => (
            Code::SetCountWrong,
            format!("GE01 says {found:?} sets; there are {expected}."),
            "Count the sets, and look whether one is lost.",
        ),
        FaultKind::GroupNumber => (
            Code::GroupNumberMismatch,
            format!("GE02 is {found:?}, GS06 is {expected:?}."),
            "Send the same number in both.",
        ),
        FaultKind::GroupNumberRepeated => (
            Code::GroupNumberRepeated,
            format!("Group number {found} came before in this interchange."),
            "Give each group a number of its own.",
        ),
        _ => return None,
    };
    Some((code, says, mend))
}

fn set_words(fault: &Fault, found: &str) -> Words {
    let expected = &fault.expected;
    match fault.kind {
        FaultKind::SetTrailerMissing => (
            Code::SetTrailerMissing,
            format!("SE is missing for set {expected}."),
            "Send the whole set again.",
        ),
        FaultKind::SegmentCount => (
            Code::SegmentCountWrong,
            format!("SE01 says {found:?} segments; there are {expected}, ST and SE counted."),
            "Count the segments, and look whether one is lost.",
        ),
        FaultKind::SetNumber => (
            Code::SetNumberMismatch,
            format!("SE02 is {found:?}, ST02 is {expected:?}."),
            "Send the same number in both.",
        ),
        FaultKind::SetNumberRepeated => (
            Code::SetNumberRepeated,
            format!("Set number {found} came before in this group."),
            "Give each set of a group a number of its own.",
        ),
        FaultKind::SetNumberInvalid => (
            Code::SetNumberInvalid,
            format!("ST02 is {found:?}; it needs four to nine characters."),
            "Send for instance 0001.",
        ),
        FaultKind::SetHeaderMissing => (
            Code::SetHeaderMissing,
            format!("{found:?} and what follows up to SE have no ST."),
            "Send ST before them.",
        ),
        FaultKind::LoneTerminator => (
            Code::LoneTerminator,
            "A terminator ends no segment: nothing stands before it.".to_owned(),
            "Send one terminator after each segment.",
        ),
        // What is left of the kinds.
        _ => (
            Code::SetTooLarge,
            format!("The set {found:?} is larger than {expected} bytes."),
            "Split it, or raise the limit.",
        ),
    }
}

/// Control characters made visible, cut to 80 characters.
fn visible(text: &str) -> String {
    let shown = |c: char| match u32::from(c) {
        n if n < 0x20 => char::from_u32(0x2400 + n).unwrap_or('\u{FFFD}'),
        0x7F..0xA0 => '\u{FFFD}',
        _ => c,
    };
    text.chars().take(80).map(shown).collect()
}
