//! How an interchange to a partner looks, and where its numbers come from.

use serde::Deserialize;

use crate::x12::{Charset, DelimiterInData, Delimiters, Style};

/// `[envelope]`: versions, delimiters, line breaks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Envelope {
    /// ISA12, `00401`.
    pub interchange_version: String,
    /// The release by which our documents are written, `004010`. GS08 is this and `release_suffix`.
    pub release: String,
    /// What follows the release in GS08: `VICS`, `UCS`; usually nothing.
    pub release_suffix: String,
    /// ISA14: whether we ask for a TA1.
    pub request_ta1: bool,
    /// Between elements. One byte, given as one character (`"\u001D"` for a control character).
    pub element_separator: String,
    /// Between components: ISA16.
    pub component_separator: String,
    /// Between repetitions: ISA11 from version 00402 on. Before that it is `U`, whatever stands here.
    pub repetition_separator: String,
    /// After each segment.
    pub segment_terminator: String,
    /// What follows each segment terminator, for the eye: `none`, `lf` or `crlf`.
    pub line_break: LineBreak,
    /// How text becomes bytes: `utf-8` or `latin-1`.
    pub charset: CharsetName,
    /// What is written in place of a delimiter inside data; empty: such a document is not sent.
    pub replace_delimiters_by: String,
}

impl Default for Envelope {
    fn default() -> Self {
        Self {
            interchange_version: "00401".to_owned(),
            release: "004010".to_owned(),
            release_suffix: String::new(),
            request_ta1: false,
            element_separator: "*".to_owned(),
            component_separator: ">".to_owned(),
            repetition_separator: "^".to_owned(),
            segment_terminator: "~".to_owned(),
            line_break: LineBreak::None,
            charset: CharsetName::Utf8,
            replace_delimiters_by: String::new(),
        }
    }
}

/// What follows a segment terminator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineBreak {
    /// Nothing.
    #[default]
    None,
    /// A line feed.
    Lf,
    /// Carriage return and line feed.
    Crlf,
}

/// How text becomes bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum CharsetName {
    /// UTF-8.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// ISO 8859-1.
    #[serde(rename = "latin-1")]
    Latin1,
}

impl Envelope {
    /// What is wrong with it, field and words; empty where it can be used.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.interchange_version.len() != 5 || !digits(&self.interchange_version) {
            problems.push(("interchange_version", "is five digits, such as 00401".to_owned()));
        }
        if self.release.len() != 6 || !digits(&self.release) {
            problems.push(("release", "is six digits, such as 004010".to_owned()));
        }
        if self.release_suffix.len() > 6 || !self.release_suffix.is_ascii() {
            problems.push(("release_suffix", "is at most six characters".to_owned()));
        }
        let mut seen = Vec::new();
        for (field, text) in self.separators() {
            match byte(text) {
                None => problems.push((field, "is one character of one byte".to_owned())),
                Some(b) if b.is_ascii_alphanumeric() || b == b' ' => {
                    problems.push((field, "cannot be a letter, a digit or a blank".to_owned()));
                }
                Some(b) if seen.contains(&b) => {
                    problems.push((field, "is used for something else already".to_owned()));
                }
                Some(b) => seen.push(b),
            }
        }
        if !self.replace_delimiters_by.is_empty() {
            match byte(&self.replace_delimiters_by) {
                Some(b) if !seen.contains(&b) => {}
                _ => problems.push((
                    "replace_delimiters_by",
                    "is one character of one byte, and no delimiter".to_owned(),
                )),
            }
        }
        problems
    }

    fn separators(&self) -> [(&'static str, &str); 4] {
        [
            ("element_separator", &self.element_separator),
            ("component_separator", &self.component_separator),
            ("repetition_separator", &self.repetition_separator),
            ("segment_terminator", &self.segment_terminator),
        ]
    }

    /// The look for the writer. A repetition separator is set from version 00402 on only.
    #[must_use]
    pub fn style(&self) -> Style {
        let usual = Delimiters::default();
        let repeats = self.interchange_version.as_str() >= "00402";
        Style {
            delimiters: Delimiters {
                element: byte(&self.element_separator).unwrap_or(usual.element),
                component: byte(&self.component_separator).unwrap_or(usual.component),
                repetition: byte(&self.repetition_separator).filter(|_| repeats),
                segment: byte(&self.segment_terminator).unwrap_or(usual.segment),
            },
            suffix: match self.line_break {
                LineBreak::None => Vec::new(),
                LineBreak::Lf => b"\n".to_vec(),
                LineBreak::Crlf => b"\r\n".to_vec(),
            },
            charset: match self.charset {
                CharsetName::Utf8 => Charset::Utf8,
                CharsetName::Latin1 => Charset::Latin1,
            },
            delimiter_in_data: byte(&self.replace_delimiters_by)
                .map_or(DelimiterInData::Refuse, DelimiterInData::Replace),
        }
    }
}

fn digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// The one byte of a text of one character up to U+00FF.
fn byte(text: &str) -> Option<u8> {
    let mut characters = text.chars();
    let first = characters.next()?;
    characters.next().is_none().then_some(())?;
    u8::try_from(u32::from(first)).ok()
}

/// `[control_numbers]`: the ranges from which numbers are given, in order, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ControlNumbers {
    /// ISA13.
    pub interchange: Range,
    /// GS06.
    pub group: Range,
    /// ST02.
    pub set: Range,
}

/// A range of control numbers, both ends in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Range {
    /// The first number given.
    pub first: u64,
    /// The last; when it is used up, nothing more is sent until the range is changed.
    pub last: u64,
}

impl Range {
    /// Nine digits are what ISA13 holds, and the most that GS06 and ST02 do.
    pub const LAST_MAX: u64 = 999_999_999;

    /// Whether it can be used.
    #[must_use]
    pub fn is_usable(self) -> bool {
        self.first >= 1 && self.first <= self.last && self.last <= Self::LAST_MAX
    }
}

impl Default for Range {
    fn default() -> Self {
        Self { first: 1, last: Self::LAST_MAX }
    }
}
