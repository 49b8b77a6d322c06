//! 997, 999 and TA1 of partners, read into outcomes.
//!
//! Real ones stop at AK1 or AK9, lack AK5 or AK9, end with empty elements or use codes of their own: all of that
//! is read for what it says. Only what does not name the group or set that it answers is a finding.

use super::rules::Rules;
use super::{
    ElementNote, GroupOutcome, InterchangeOutcome, SegmentNote, SetOutcome, Verdict, Words,
};
use crate::findings::{Code, Finding, Place};
use crate::grammar::{Dictionary, ElementShape, Grammar};
use crate::x12::{Segment, Segments, decode};

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// One for each AK1; one, usually.
    pub groups: Vec<GroupOutcome>,
    /// What cannot be matched to anything that we sent.
    pub findings: Vec<Finding>,
}

/// Reads a 997 or 999 from its segments. `words` is the grammar of that set, whose code lists say what the codes
/// mean; without it the codes stand alone.
///
/// It never fails: a partner's mistake is a finding (`A01`), and whatever else stands there is read.
#[must_use]
pub fn read(segments: Segments<'_>, words: Option<&Grammar>) -> Reading {
    let component = segments.delimiters().component;
    let mut reader =
        Reader { rules: words.map(Rules::new), component, reading: Reading::default() };
    for (index, segment) in segments.iter().enumerate() {
        let position = u32::try_from(index + 1).unwrap_or(u32::MAX);
        match segment.id() {
            b"AK1" => reader.group(&segment, position),
            b"AK2" => reader.set(&segment, position),
            b"AK3" | b"IK3" => reader.segment_note(&segment),
            b"AK4" | b"IK4" => reader.element_note(&segment),
            b"CTX" => reader.context(&segment),
            b"AK5" | b"IK5" => reader.set_status(&segment),
            b"AK9" => reader.group_status(&segment),
            _ => {}
        }
    }
    if reader.reading.groups.is_empty() {
        let first = segments.get(0);
        let place = Place {
            offset: segments.offset(),
            segment: "AK1".to_owned(),
            segment_position: 2,
            ..Place::default()
        };
        let number = first.map(|segment| text(segment.element(2))).unwrap_or_default();
        reader.reading.findings.push(unreadable(
            place,
            format!(
                "The acknowledgement {number} has no AK1, so it names no group that it answers."
            ),
        ));
    }
    for group in &mut reader.reading.groups {
        if group.status.code.is_empty() {
            group.verdict = verdict_of_sets(&group.sets);
        }
    }
    reader.reading
}

/// Whether a 997 or 999 says enough without what a finding misses: all but the group and the set that it answers. Many
/// stop at AK1, lack AK9, or leave the status of a set empty.
#[must_use]
pub fn can_do_without(finding: &Finding) -> bool {
    let is_missing = matches!(finding.code, Code::SegmentMissing | Code::ElementMissing);
    is_missing && !matches!(finding.place.segment.as_str(), "AK1" | "AK2")
}

/// Reads a TA1 segment. `words` is the dictionary of the envelope, whose code lists say what the codes mean.
#[must_use]
pub fn read_ta1(segment: &Segment<'_>, words: Option<&Dictionary>) -> InterchangeOutcome {
    let say = |position: usize| {
        let code = text(segment.element(position));
        let meaning = words.and_then(|dictionary| {
            let element = dictionary.segment(segment.tag())?.elements.get(position - 1)?;
            let ElementShape::Simple { codes, .. } = element.shape else { return None };
            dictionary.code_list(codes?).codes.get(code.as_bytes())?.clone()
        });
        Words { code, meaning }
    };
    let status = say(4);
    InterchangeOutcome {
        control_number: text(segment.element(1)),
        date: text(segment.element(2)),
        time: text(segment.element(3)),
        verdict: Verdict::from_code(&status.code),
        note: say(5),
        status,
    }
}

struct Reader<'a> {
    rules: Option<Rules<'a>>,
    component: u8,
    reading: Reading,
}

impl Reader<'_> {
    fn group(&mut self, segment: &Segment<'_>, position: u32) {
        let control_number = text(segment.element(2));
        if control_number.is_empty() {
            self.reading.findings.push(unreadable(
                place(segment, position, 2),
                "AK102 is empty, so the acknowledgement does not say which group it answers."
                    .to_owned(),
            ));
        }
        self.reading.groups.push(GroupOutcome {
            functional_id: text(segment.element(1)),
            control_number,
            verdict: Verdict::Unknown,
            status: Words::default(),
            stated: None,
            received: None,
            accepted: None,
            errors: Vec::new(),
            sets: Vec::new(),
        });
    }

    fn set(&mut self, segment: &Segment<'_>, position: u32) {
        let control_number = text(segment.element(2));
        if control_number.is_empty() {
            self.reading.findings.push(unreadable(
                place(segment, position, 2),
                "AK202 is empty, so it does not say which transaction set it answers.".to_owned(),
            ));
        }
        if let Some(group) = self.reading.groups.last_mut() {
            group.sets.push(SetOutcome {
                set: text(segment.element(1)),
                control_number,
                verdict: Verdict::Unknown,
                status: Words::default(),
                errors: Vec::new(),
                segments: Vec::new(),
            });
        }
    }

    fn last_set(&mut self) -> Option<&mut SetOutcome> {
        self.reading.groups.last_mut()?.sets.last_mut()
    }

    fn segment_note(&mut self, segment: &Segment<'_>) {
        let note = SegmentNote {
            segment: text(segment.element(1)),
            position: number(segment.element(2)).unwrap_or(0),
            loop_id: text(segment.element(3)),
            error: say(self.rules, &["AK3", "IK3"], 4, &text(segment.element(4))),
            elements: Vec::new(),
            context: Vec::new(),
        };
        if let Some(set) = self.last_set() {
            set.segments.push(note);
        }
    }

    fn element_note(&mut self, segment: &Segment<'_>) {
        let mut parts =
            segment.element(1).split(|&b| b == self.component).map(|p| number(p).unwrap_or(0));
        let note = ElementNote {
            position: parts.next().unwrap_or(0),
            component: parts.next().unwrap_or(0),
            repetition: parts.next().unwrap_or(0),
            element_id: text(segment.element(2)),
            error: say(self.rules, &["AK4", "IK4"], 3, &text(segment.element(3))),
            value: decode(segment.element(4)).into_owned(),
        };
        if let Some(last) = self.last_set().and_then(|set| set.segments.last_mut()) {
            last.elements.push(note);
        }
    }

    fn context(&mut self, segment: &Segment<'_>) {
        let context = decode(segment.raw().get(4..).unwrap_or_default()).into_owned();
        if let Some(last) = self.last_set().and_then(|set| set.segments.last_mut()) {
            last.context.push(context);
        }
    }

    fn set_status(&mut self, segment: &Segment<'_>) {
        let status = say(self.rules, &["AK5", "IK5"], 1, &text(segment.element(1)));
        let errors = self.codes(segment, &["AK5", "IK5"], 2);
        if let Some(set) = self.last_set() {
            set.verdict = Verdict::from_code(&status.code);
            set.status = status;
            set.errors = errors;
        }
    }

    fn group_status(&mut self, segment: &Segment<'_>) {
        let status = say(self.rules, &["AK9"], 1, &text(segment.element(1)));
        let errors = self.codes(segment, &["AK9"], 5);
        if let Some(group) = self.reading.groups.last_mut() {
            group.verdict = Verdict::from_code(&status.code);
            group.status = status;
            group.stated = number(segment.element(2));
            group.received = number(segment.element(3));
            group.accepted = number(segment.element(4));
            group.errors = errors;
        }
    }

    /// The codes from a position on, empty ones passed over.
    fn codes(&self, segment: &Segment<'_>, tags: &[&str], from: usize) -> Vec<Words> {
        (from..=segment.len())
            .map(|position| (position, text(segment.element(position))))
            .filter(|(_, code)| !code.is_empty())
            .map(|(position, code)| say(self.rules, tags, position, &code))
            .collect()
    }
}

/// The group's verdict where AK9 is missing.
fn verdict_of_sets(sets: &[SetOutcome]) -> Verdict {
    let count = |verdict| sets.iter().filter(|set| set.verdict == verdict).count();
    let rejected = count(Verdict::Rejected);
    if sets.is_empty() || count(Verdict::Unknown) > 0 {
        Verdict::Unknown
    } else if rejected == sets.len() {
        Verdict::Rejected
    } else if rejected > 0 {
        Verdict::PartiallyAccepted
    } else if count(Verdict::AcceptedWithErrors) > 0 {
        Verdict::AcceptedWithErrors
    } else {
        Verdict::Accepted
    }
}

/// A code with its meaning, by the first of these segments that the grammar has.
fn say(rules: Option<Rules<'_>>, tags: &[&str], position: usize, code: &str) -> Words {
    let meaning =
        rules.and_then(|rules| tags.iter().find_map(|tag| rules.words(tag, position, code)));
    Words { code: code.to_owned(), meaning: meaning.map(str::to_owned) }
}

fn text(bytes: &[u8]) -> String {
    decode(bytes).trim().to_owned()
}

fn number(bytes: &[u8]) -> Option<u32> {
    decode(bytes).trim().parse().ok()
}

fn place(segment: &Segment<'_>, position: u32, element: u16) -> Place {
    Place {
        offset: segment.element_offset(usize::from(element)),
        length: u32::try_from(segment.element(usize::from(element)).len()).unwrap_or(u32::MAX),
        segment: segment.tag().to_string(),
        segment_position: position,
        element,
        ..Place::default()
    }
}

fn unreadable(place: Place, message: String) -> Finding {
    let entry = Code::AckUnreadable.entry();
    Finding {
        code: entry.code,
        severity: entry.severity,
        place,
        value: None,
        message,
        mend: "Ask the partner which document it answers, and match it by hand.".to_owned(),
        rule: None,
        field: None,
    }
}
