//! Findings in words: what the checks found, said so that a person can mend it. All of this is off the usual path.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::findings::{Code, Finding, Findings, Place, Rule};
use crate::grammar::{
    CodeList, CompositeDef, DataType, ElementDef, ElementShape, NoteKind, RuleLine, SegmentDef,
    SyntaxNote,
};
use crate::x12::{Segment, Tag, decode};

/// Which part of a segment; 0 = none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spot {
    pub element: u16,
    pub component: u16,
    pub repetition: u16,
}

impl Spot {
    #[inline]
    pub fn element(position: usize) -> Self {
        Self { element: u16::try_from(position).unwrap_or(u16::MAX), component: 0, repetition: 0 }
    }

    /// The element, or the component where this is an element already.
    pub fn below(self, position: usize) -> Self {
        let position = u16::try_from(position).unwrap_or(u16::MAX);
        if self.element == 0 {
            Self { element: position, ..self }
        } else {
            Self { component: position, ..self }
        }
    }
}

/// Where definitions of words are found.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    pub composites: &'a [CompositeDef],
    pub codes: &'a [Arc<CodeList>],
}

/// Writes findings about one segment.
pub(super) struct Reporter<'a, 'f> {
    pub findings: &'f mut Findings,
    pub words: Words<'a>,
    pub definition: &'a SegmentDef,
    pub segment: Segment<'a>,
    /// Position in the set, ST = 1; 0 outside a set.
    pub position: u32,
    pub loop_path: &'a str,
}

impl<'a> Reporter<'a, '_> {
    /// The definition of an element or component.
    fn definition(&self, spot: Spot) -> Option<&'a ElementDef> {
        let element = self.definition.elements.get(usize::from(spot.element).checked_sub(1)?)?;
        if spot.component == 0 {
            return Some(element);
        }
        let ElementShape::Composite(id) = element.shape else { return Some(element) };
        self.words
            .composites
            .get(usize::from(id.0))?
            .components
            .get(usize::from(spot.component) - 1)
    }

    /// `PO102 "Quantity ordered"`, with component and repetition where there are such.
    fn name(&self, spot: Spot) -> String {
        let mut name = format!("{}{:02}", self.definition.tag, spot.element);
        if spot.component > 0 {
            let _ = write!(name, "-{}", spot.component);
        }
        if spot.repetition > 0 {
            let _ = write!(name, " (repetition {})", spot.repetition);
        }
        match self.definition(spot).map(|d| d.title.as_str()).filter(|t| !t.is_empty()) {
            Some(title) => format!("{name} \"{title}\""),
            None => name,
        }
    }

    fn place(&self, spot: Spot, length: usize) -> Place {
        Place {
            offset: self.segment.element_offset(usize::from(spot.element)),
            length: u32::try_from(length).unwrap_or(u32::MAX),
            segment: self.definition.tag.to_string(),
            segment_position: self.position,
            loop_path: self.loop_path.to_owned(),
            element: spot.element,
            component: spot.component,
            repetition: spot.repetition,
            element_id: self.definition(spot).map_or(String::new(), |d| d.id.clone()),
        }
    }

    fn push(
        &mut self,
        code: Code,
        place: Place,
        value: Option<&[u8]>,
        words: (String, String),
        rule: Option<&RuleLine>,
    ) {
        let mut finding = Finding::new(code, place, words.0, words.1);
        finding.value = value.map(shown);
        finding.rule = rule.map(Rule::from);
        self.findings.push(finding);
    }

    /// A value that is not as it must be.
    #[cold]
    pub fn value(&mut self, code: Code, spot: Spot, value: &[u8]) {
        let definition = self.definition(spot);
        let name = self.name(spot);
        let (says, mend) = match definition.map(|d| d.shape) {
            Some(ElementShape::Simple { data_type, min, max, codes }) => {
                let list = codes.and_then(|id| self.words.codes.get(usize::from(id.0)));
                value_words(code, &name, value, data_type, (min, max), list.map(Arc::as_ref))
            }
            _ => value_words(code, &name, value, DataType::An, (0, u32::MAX), None),
        };
        let rule = definition.map(|d| &d.rule);
        let mut place = self.place(spot, value.len());
        if spot.component > 0 || spot.repetition > 0 {
            let whole = self.segment.element(usize::from(spot.element));
            place.offset += offset_within(whole, value);
        }
        self.push(code, place, Some(value), (says, mend), rule);
    }

    /// A mandatory element or component that is not there.
    #[cold]
    pub fn missing(&mut self, spot: Spot) {
        let definition = self.definition(spot);
        let mend = definition.map_or(String::new(), |d| format!("Send {}.", self.shape_words(d)));
        let says = format!("{} is missing; it must be there.", self.name(spot));
        self.push(
            Code::ElementMissing,
            self.place(spot, 0),
            None,
            (says, mend),
            definition.map(|d| &d.rule),
        );
    }

    /// Data beyond the last element or component.
    #[cold]
    pub fn too_many(&mut self, spot: Spot, known: usize, first: u32) {
        let here = spot.below(first as usize);
        let value = self.segment.element(usize::from(here.element));
        let (code, says) = if here.component > 0 {
            (
                Code::TooManyComponents,
                format!("{} has a component {first}; it has {known} at most.", self.name(spot)),
            )
        } else {
            (
                Code::TooManyElements,
                format!("{} has an element {first}; it has {known} at most.", self.definition.tag),
            )
        };
        let mend = "Leave it out, or look for a separator inside the data before it.".to_owned();
        let rule = &self.definition.rule;
        self.push(code, self.place(here, value.len()), Some(value), (says, mend), Some(rule));
    }

    /// No element has a value.
    #[cold]
    pub fn empty(&mut self) {
        let says = format!("{} \"{}\" has no data.", self.definition.tag, self.definition.title);
        let place = self.place(Spot::default(), self.segment.raw().len());
        self.push(
            Code::EmptySegment,
            place,
            None,
            (says, "Leave the segment out, or fill it.".to_owned()),
            Some(&self.definition.rule),
        );
    }

    /// Separators at the end with nothing between them.
    #[cold]
    pub fn trailing(&mut self, present: u128) {
        let last = present.ilog2();
        let extra = self.segment.len().saturating_sub(last as usize);
        let says = format!(
            "{} ends with {extra} empty {}.",
            self.definition.tag,
            if extra == 1 { "element" } else { "elements" }
        );
        let mut place = self.place(Spot::element(last as usize + 1), extra);
        // The separators themselves: an empty element lies behind its own.
        place.offset = place.offset.saturating_sub(1);
        self.push(
            Code::TrailingSeparators,
            place,
            None,
            (says, "Leave out the separators at the end.".to_owned()),
            None,
        );
    }

    /// A syntax note that does not hold.
    #[cold]
    pub fn note(&mut self, index: usize, present: u128, spot: Spot) {
        let notes: &'a [SyntaxNote] = if spot.element == 0 {
            &self.definition.notes
        } else {
            let Some(ElementShape::Composite(id)) = self.definition(spot).map(|d| d.shape) else {
                return;
            };
            self.words.composites.get(usize::from(id.0)).map_or(&[][..], |c| &c.notes)
        };
        let Some(note) = notes.get(index) else { return };
        let there = |p: u16| present & super::plan::bit(p) != 0;
        let name = |p: u16| self.name(spot.below(usize::from(p)));
        let list = |want: bool| {
            note.positions
                .iter()
                .copied()
                .filter(|&p| there(p) == want)
                .map(name)
                .collect::<Vec<_>>()
        };
        let (has, lacks) = (list(true).join(", "), list(false).join(", "));
        let short = note_text(note);
        let (code, at, says, mend) = match note.kind {
            NoteKind::Exclusive => {
                let second = note.positions.iter().copied().filter(|&p| there(p)).nth(1);
                (
                    Code::ExclusionViolated,
                    second,
                    format!("{has}: only one of them may be there ({short})."),
                    "Send the one that counts.".to_owned(),
                )
            }
            NoteKind::Required => (
                Code::ConditionMissing,
                note.positions.first().copied(),
                format!("One of {lacks} must be there ({short})."),
                "Send one of them.".to_owned(),
            ),
            NoteKind::ListConditional => {
                let first = name(note.positions[0]);
                let at = note.positions.get(1).copied();
                (
                    Code::ConditionMissing,
                    at,
                    format!("{first} is there, so one of {lacks} must be ({short})."),
                    "Send one of them, or leave the first out.".to_owned(),
                )
            }
            NoteKind::Paired | NoteKind::Conditional => {
                let at = note.positions.iter().copied().find(|&p| !there(p));
                let what = if note.kind == NoteKind::Paired {
                    has.clone()
                } else {
                    name(note.positions[0])
                };
                (
                    Code::ConditionMissing,
                    at,
                    format!("{lacks} is missing; with {what} it must be there ({short})."),
                    format!("Send it, or leave out {what}."),
                )
            }
        };
        let here = at.map_or(spot, |p| spot.below(usize::from(p)));
        self.push(code, self.place(here, 0), None, (says, mend), Some(&note.rule));
    }

    /// `1 to 22 characters`, `a date as CCYYMMDD`, …
    fn shape_words(&self, definition: &ElementDef) -> String {
        match definition.shape {
            ElementShape::Composite(_) => "its components".to_owned(),
            ElementShape::Simple { data_type, min, max, codes } => {
                let list = codes.and_then(|id| self.words.codes.get(usize::from(id.0)));
                match list {
                    Some(list) => format!("one of the codes of list {}", list.id),
                    None => type_words(data_type, min, max),
                }
            }
        }
    }
}

/// Message and mend for a value.
fn value_words(
    code: Code,
    name: &str,
    value: &[u8],
    data_type: DataType,
    (min, max): (u32, u32),
    list: Option<&CodeList>,
) -> (String, String) {
    let value = shown(value);
    let says = match code {
        Code::InvalidCode => {
            let title = list.map_or(String::new(), |l| format!(" of list {}", l.id));
            format!("{name} is \"{value}\", which is not among the codes{title}.")
        }
        Code::InvalidDate => format!("{name} is \"{value}\", which is no date."),
        Code::InvalidTime => format!("{name} is \"{value}\", which is no time."),
        Code::InvalidNumber => format!("{name} is \"{value}\", which is no number."),
        Code::ElementTooShort => format!("{name} is \"{value}\", shorter than {min}."),
        Code::ElementTooLong => format!("{name} is \"{value}\", longer than {max}."),
        Code::Padding => format!("{name} is \"{value}\", padded with blanks."),
        Code::NotAscii => format!("{name} is \"{value}\", with characters outside ASCII."),
        Code::TooManyRepetitions => format!("{name} is repeated more often than it may be."),
        _ => format!("{name} is \"{value}\", with a character that may not be there."),
    };
    let mend = match code {
        Code::InvalidCode => {
            let near = list.map(|l| near_codes(l, &value)).filter(|near| !near.is_empty());
            let near = near.map_or(String::new(), |near| format!("Codes near it: {near}. "));
            format!("{near}If the partner uses it on purpose, allow it in the agreement.")
        }
        Code::Padding => "Drop the blanks at the end.".to_owned(),
        Code::NotAscii => "Nothing, if both sides agree on the encoding.".to_owned(),
        Code::TooManyRepetitions => "Send the value once, or split the segment.".to_owned(),
        Code::InvalidCharacter => {
            format!("Take the character out; send {}.", type_words(data_type, min, max))
        }
        _ => format!("Send {}.", type_words(data_type, min, max)),
    };
    (says, mend)
}

/// Codes of the list that differ in one character, with their meanings; three at most.
fn near_codes(list: &CodeList, value: &str) -> String {
    let differs_by_one = |code: &[u8]| {
        code.len() == value.len()
            && code.iter().zip(value.bytes()).filter(|(a, b)| **a != *b).count() == 1
    };
    let mut near: Vec<_> = list
        .codes
        .iter()
        .filter(|(code, meaning)| meaning.is_some() && differs_by_one(code))
        .collect();
    near.sort();
    near.truncate(3);
    let words = near.into_iter().map(|(code, meaning)| {
        format!("{} ({})", decode(code), meaning.as_deref().unwrap_or_default())
    });
    words.collect::<Vec<_>>().join(", ")
}

fn type_words(data_type: DataType, min: u32, max: u32) -> String {
    let length = |unit: &str| match (min, max) {
        (0, u32::MAX) => format!("{unit}s"),
        _ if min == max => format!("{min} {unit}{}", if min == 1 { "" } else { "s" }),
        _ => format!("{min} to {max} {unit}s"),
    };
    match data_type {
        DataType::An => length("character"),
        DataType::Id => format!("a code of {}", length("character")),
        DataType::Dt if max == 6 => "a date as YYMMDD".to_owned(),
        DataType::Dt => "a date as CCYYMMDD".to_owned(),
        DataType::Tm => "a time as HHMM or HHMMSS".to_owned(),
        DataType::R => {
            format!("a number with a decimal point where needed, of {}", length("digit"))
        }
        DataType::N(0) => format!("a whole number of {}", length("digit")),
        DataType::N(places) => format!(
            "a number of {} without a point, the last {places} of them decimals",
            length("digit")
        ),
        DataType::B => length("byte"),
    }
}

/// `P0607`, as guides write it.
fn note_text(note: &SyntaxNote) -> String {
    let letter = match note.kind {
        NoteKind::Paired => 'P',
        NoteKind::Required => 'R',
        NoteKind::Exclusive => 'E',
        NoteKind::Conditional => 'C',
        NoteKind::ListConditional => 'L',
    };
    note.positions.iter().fold(format!("note {letter}"), |text, p| text + &format!("{p:02}"))
}

/// A value for a person: decoded, control characters made visible, cut to 80 characters.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const LENGTH_MAX: usize = 80;
    let text = decode(bytes);
    let visible = |c: char| {
        if c.is_control() {
            char::from_u32(0x2400 + u32::from(c))
                .filter(|_| u32::from(c) < 0x20)
                .unwrap_or('\u{FFFD}')
        } else {
            c
        }
    };
    let mut shown: String = text.chars().take(LENGTH_MAX).map(visible).collect();
    if text.chars().count() > LENGTH_MAX {
        shown.push('…');
    }
    shown
}

/// Where a part of an element begins within it. Parts are slices of the element, so the first equal run that is
/// bounded by separators is it.
fn offset_within(whole: &[u8], part: &[u8]) -> u64 {
    let at = memchr::memmem::find(whole, part).unwrap_or(0);
    at as u64
}

impl From<&RuleLine> for Rule {
    fn from(rule: &RuleLine) -> Self {
        Self {
            file: Arc::clone(&rule.file),
            line: rule.line,
            reason: None,
            source: None,
            dependent: false,
        }
    }
}

/// `BEG "Beginning of the order"`.
pub(super) fn segment_name(tag: Tag, title: &str) -> String {
    if title.is_empty() { tag.to_string() } else { format!("{tag} \"{title}\"") }
}
