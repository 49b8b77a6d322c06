//! How an interchange to a partner looks.

use super::agreement::Known;
use super::secret::Secret;
use super::section::{Section, Words};
use crate::x12::{Charset, DelimiterInData, Delimiters, Style};

/// `[envelope]`, with what `[envelope.sets.N]` says otherwise for a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// ISA01 and ISA02.
    pub authorisation: Credential,
    /// ISA03 and ISA04.
    pub security: Credential,
    /// ISA12, `00401`.
    pub interchange_version: String,
    /// ISA14: whether we ask for a TA1.
    pub request_ta1: bool,
    /// What stands in ISA11.
    pub isa11: Isa11,
    /// The release by which our documents are written, `004010`. GS08 is this and `release_suffix`.
    pub release: String,
    /// What follows the release in GS08: `VICS`, `UCS`; usually nothing.
    pub release_suffix: String,
    /// GS07: `X`, or `T` for the older TDCC standards.
    pub agency: String,
    /// GS04.
    pub group_date: GroupDate,
    /// GS05.
    pub group_time: GroupTime,
    /// Between elements.
    pub element_separator: u8,
    /// Between components: ISA16.
    pub component_separator: u8,
    /// Between repetitions: ISA11, where it is one.
    pub repetition_separator: u8,
    /// After each segment.
    pub segment_terminator: u8,
    /// What follows each segment terminator, for the eye.
    pub line_break: LineBreak,
    /// Which characters may be written, and how they become bytes.
    pub charset: Repertoire,
    /// What is done with a delimiter inside data.
    pub delimiter_in_data: DelimiterInData,
}

/// A qualifier and what it qualifies: ISA01 and ISA02, ISA03 and ISA04.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// `00`: nothing meaningful follows.
    pub qualifier: String,
    /// What follows.
    pub information: Information,
}

/// What stands in ISA02 or ISA04.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Information {
    /// As it stands in the profile; usually nothing.
    Plain(String),
    /// Read where the reference points to.
    Secret(Secret),
}

/// ISA11.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isa11 {
    /// The repetition separator from version 00402 on, before that `U`.
    #[default]
    Auto,
    /// `U`, whatever the version.
    StandardsId,
    /// The repetition separator, whatever the version.
    Separator,
}

impl Words for Isa11 {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("U", Self::StandardsId), ("separator", Self::Separator)];
}

/// GS04.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupDate {
    /// Eight digits.
    #[default]
    Century,
    /// Six digits.
    Year,
}

impl Words for GroupDate {
    const WORDS: &'static [(&'static str, Self)] =
        &[("ccyymmdd", Self::Century), ("yymmdd", Self::Year)];
}

/// GS05.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupTime {
    /// Hours and minutes.
    #[default]
    Minutes,
    /// Seconds too.
    Seconds,
    /// Hundredths of seconds too.
    Hundredths,
}

impl Words for GroupTime {
    const WORDS: &'static [(&'static str, Self)] =
        &[("hhmm", Self::Minutes), ("hhmmss", Self::Seconds), ("hhmmssdd", Self::Hundredths)];
}

/// What follows a segment terminator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineBreak {
    /// Nothing.
    #[default]
    None,
    /// A line feed.
    Lf,
    /// Carriage return and line feed.
    Crlf,
}

impl Words for LineBreak {
    const WORDS: &'static [(&'static str, Self)] =
        &[("none", Self::None), ("lf", Self::Lf), ("crlf", Self::Crlf)];
}

/// Which characters may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repertoire {
    /// The basic character set of X12: capitals, digits, blank, `!"&'()*+,-./:;?=`.
    Basic,
    /// The extended one: small letters and `%~@[]_{}\|<>#$^` and the grave accent too.
    Extended,
    /// All, as UTF-8.
    #[default]
    Utf8,
    /// Those of ISO 8859-1.
    Latin1,
}

impl Words for Repertoire {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("basic", Self::Basic),
        ("extended", Self::Extended),
        ("utf-8", Self::Utf8),
        ("latin-1", Self::Latin1),
    ];
}

impl Repertoire {
    /// Whether a character may be written.
    #[must_use]
    pub fn has(self, c: char) -> bool {
        let basic =
            c.is_ascii_uppercase() || c.is_ascii_digit() || " !\"&'()*+,-./:;?=".contains(c);
        match self {
            Self::Basic => basic,
            Self::Extended => basic || c.is_ascii_lowercase() || "%~@[]_{}\\|<>#$^`".contains(c),
            Self::Utf8 => true,
            Self::Latin1 => u32::from(c) <= 0xFF,
        }
    }

    /// Whether the character of this number is written as one byte.
    fn is_one_byte(self, b: u8) -> bool {
        b.is_ascii() || self == Self::Latin1
    }
}

impl Default for Envelope {
    fn default() -> Self {
        let nothing = || Credential {
            qualifier: "00".to_owned(),
            information: Information::Plain(String::new()),
        };
        Self {
            authorisation: nothing(),
            security: nothing(),
            interchange_version: "00401".to_owned(),
            request_ta1: false,
            isa11: Isa11::default(),
            release: "004010".to_owned(),
            release_suffix: String::new(),
            agency: "X".to_owned(),
            group_date: GroupDate::default(),
            group_time: GroupTime::default(),
            element_separator: b'*',
            component_separator: b'>',
            repetition_separator: b'^',
            segment_terminator: b'~',
            line_break: LineBreak::default(),
            charset: Repertoire::default(),
            delimiter_in_data: DelimiterInData::default(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InData {
    Refuse,
    Replace,
}

impl Words for InData {
    const WORDS: &'static [(&'static str, Self)] =
        &[("refuse", Self::Refuse), ("replace", Self::Replace)];
}

impl Envelope {
    pub(super) fn read(section: &mut Section<'_>, known: &Known<'_>) -> Self {
        let authorisation = credential(section, "authorisation", false);
        let security = credential(section, "security", true);
        let usual = Self::default();
        let interchange_version =
            section.text_or("interchange_version", &usual.interchange_version);
        if interchange_version.len() != 5 || !digits(&interchange_version) {
            section.wrong_key("interchange_version", "is five digits, such as 00401");
        } else if !is_version(&interchange_version) {
            let words = format!(
                "is {interchange_version}, which is no version of X12, such as 00401 or 00501"
            );
            section.warn_key("interchange_version", words);
        }
        let request_ta1 = section.flag("request_ta1", false);
        let isa11 = section.choice("isa11", Isa11::default());
        let release = section.text_or("release", &usual.release);
        known.check_release(section, "release", &release);
        let release_suffix = section.text_or("release_suffix", "");
        if release_suffix.len() > 6 || !release_suffix.bytes().all(|b| b.is_ascii_alphanumeric()) {
            section.wrong_key("release_suffix", "is at most six letters and digits");
        }
        let agency = section.text_or("agency", &usual.agency);
        if !matches!(agency.as_str(), "X" | "T") {
            section.wrong_key("agency", "is X (ASC X12), or T (TDCC)");
        }
        let group_date = section.choice("group_date", GroupDate::default());
        if group_date == GroupDate::Year && release.as_str() >= "004010" {
            let words = format!(
                "is yymmdd, and release {release} has eight digits in GS04: a receiver that goes by the standard finds fault with it"
            );
            section.warn_key("group_date", words);
        }
        let group_time = section.choice("group_time", GroupTime::default());
        let separators = separators(section);
        let line_break = section.choice("line_break", LineBreak::default());
        if line_break != LineBreak::None && matches!(separators[3], b'\n' | b'\r') {
            let words = "stands beside a `segment_terminator` that is a line break itself: there would be an empty line between segments";
            section.warn_key("line_break", words);
        }
        let charset = section.choice("charset", Repertoire::default());
        outside(section, separators, charset);
        let in_data = section.choice("delimiter_in_data", InData::Refuse);
        let mut envelope = Self {
            authorisation,
            security,
            interchange_version,
            request_ta1,
            isa11,
            release,
            release_suffix,
            agency,
            group_date,
            group_time,
            element_separator: separators[0],
            component_separator: separators[1],
            repetition_separator: separators[2],
            segment_terminator: separators[3],
            line_break,
            charset,
            delimiter_in_data: DelimiterInData::Refuse,
        };
        envelope.read_replacement(section, in_data, separators);
        if envelope.style().delimiters.repetition.is_none() {
            let because = "ISA11 is U here; see `isa11` and `interchange_version`";
            section.idle("repetition_separator", because);
        }
        envelope
    }

    fn read_replacement(&mut self, section: &mut Section<'_>, in_data: InData, taken: [u8; 4]) {
        let given = section.text("replace_delimiters_by");
        match (in_data, given) {
            (InData::Refuse, Some(_)) => {
                let because = "`delimiter_in_data` is not \"replace\"";
                section.idle("replace_delimiters_by", because);
            }
            (InData::Replace, None) => section.wrong_key(
                "delimiter_in_data",
                "is \"replace\": say by what with `replace_delimiters_by`",
            ),
            (InData::Replace, Some(text)) => match byte(text) {
                Some(b) if taken.contains(&b) => {
                    let keys = SEPARATORS.map(|(key, _)| key);
                    let delimiter = keys.into_iter().zip(taken).find(|(_, taken)| *taken == b);
                    let key = delimiter.map_or("", |(key, _)| key);
                    clash(section, "replace_delimiters_by", key);
                }
                Some(b) if self.charset.has(char::from(b)) && self.charset.is_one_byte(b) => {
                    self.delimiter_in_data = DelimiterInData::Replace(b);
                }
                _ => section.wrong_key(
                    "replace_delimiters_by",
                    "is one character of one byte that `charset` has, and no delimiter",
                ),
            },
            (InData::Refuse, None) => {}
        }
    }

    /// The look for the writer.
    #[must_use]
    pub fn style(&self) -> Style {
        let repeats = match self.isa11 {
            Isa11::Auto => self.interchange_version.as_str() >= "00402",
            Isa11::StandardsId => false,
            Isa11::Separator => true,
        };
        Style {
            delimiters: Delimiters {
                element: self.element_separator,
                component: self.component_separator,
                repetition: Some(self.repetition_separator).filter(|_| repeats),
                segment: self.segment_terminator,
            },
            suffix: match self.line_break {
                LineBreak::None => Vec::new(),
                LineBreak::Lf => b"\n".to_vec(),
                LineBreak::Crlf => b"\r\n".to_vec(),
            },
            charset: match self.charset {
                Repertoire::Latin1 => Charset::Latin1,
                Repertoire::Basic | Repertoire::Extended | Repertoire::Utf8 => Charset::Utf8,
            },
            delimiter_in_data: self.delimiter_in_data,
        }
    }

    /// GS08 for a release: its suffix follows it.
    #[must_use]
    pub fn version(&self, release: &str) -> String {
        format!("{release}{}", self.release_suffix)
    }
}

fn credential(section: &mut Section<'_>, key: &'static str, is_secret: bool) -> Credential {
    let mut section = section.section(key);
    let qualifier = section.text_or("qualifier", "00");
    if qualifier.len() != 2 || !qualifier.bytes().all(|b| b.is_ascii_alphanumeric()) {
        section.wrong_key("qualifier", "is two characters, such as 00");
    }
    let mut information = Information::Plain(String::new());
    let mut readable = true;
    if let Some(node) = section.node("information") {
        match section.secret_or_text(node, is_secret) {
            Some(Information::Plain(text)) if text.len() > 10 => {
                section.wrong_key("information", "is at most ten characters");
            }
            Some(found) => information = found,
            None => readable = false,
        }
    }
    let nothing = information == Information::Plain(String::new());
    if qualifier == "00" && !nothing {
        section.idle("information", "the qualifier 00 says that nothing meaningful follows");
    } else if qualifier != "00" && nothing && readable {
        let words = format!("is {qualifier}, and no `information` is given that it would speak of");
        section.warn_key("qualifier", words);
    }
    section.end();
    Credential { qualifier, information }
}

/// The keys of the delimiters, and what each usually is.
const SEPARATORS: [(&str, &str); 4] = [
    ("element_separator", "*"),
    ("component_separator", ">"),
    ("repetition_separator", "^"),
    ("segment_terminator", "~"),
];

/// The four delimiters: each one byte, no two alike.
fn separators(section: &mut Section<'_>) -> [u8; 4] {
    let given = SEPARATORS.map(|(key, usual)| section.text_or(key, usual));
    let found = distinct_bytes(&given.each_ref().map(String::as_str));
    let mut bytes = [0; 4];
    for (at, found) in found.into_iter().enumerate() {
        let (key, usual) = SEPARATORS[at];
        bytes[at] = found.unwrap_or_else(|words| {
            match given.iter().take(at).position(|before| *before == given[at]) {
                Some(before) if words == TAKEN => {
                    let other = SEPARATORS[before].0;
                    // Two that lie below this section are told there.
                    if section.own.is_none() || section.is_own(key) || section.is_own(other) {
                        clash(section, key, other);
                    }
                }
                _ => section.wrong_key(key, words),
            }
            byte(usual).unwrap_or_default()
        });
    }
    bytes
}

/// Two keys that say the same character: blamed is one that was written here.
fn clash(section: &mut Section<'_>, key: &str, other: &str) {
    let swap = !section.is_own(key) && section.is_own(other);
    let (blamed, other) = if swap { (other, key) } else { (key, other) };
    section.wrong_key(blamed, format!("is the same character as `{other}`"));
}

/// Delimiters that the character set does not write as one byte.
fn outside(section: &mut Section<'_>, separators: [u8; 4], charset: Repertoire) {
    for ((key, _), b) in SEPARATORS.into_iter().zip(separators) {
        if !charset.is_one_byte(b) {
            section.wrong_key(key, "is no character of one byte in this `charset`");
        }
    }
}

/// Whether there is such a version of X12: `00401`.
fn is_version(digits: &str) -> bool {
    matches!(digits.as_bytes(), [b'0', b'0', b'2'..=b'8', b'0', b'0'..=b'7'])
}

const TAKEN: &str = "is used for something else already";

/// The bytes of the delimiters of an interchange, or what is wrong with each: none is a letter, a digit or a blank, and
/// no two are alike.
///
/// ```
/// use crossdock::profile::distinct_bytes;
/// assert_eq!(distinct_bytes(&["*", ">"]), [Ok(b'*'), Ok(b'>')]);
/// assert_eq!(distinct_bytes(&["*", "*"])[1], Err("is used for something else already"));
/// ```
pub fn distinct_bytes<const N: usize>(texts: &[&str; N]) -> [Result<u8, &'static str>; N] {
    let mut seen: Vec<u8> = Vec::with_capacity(N);
    texts.map(|text| match byte(text) {
        None => Err("is one character of one byte"),
        Some(b) if char::from(b).is_alphanumeric() || b == b' ' => {
            Err("cannot be a letter, a digit or a blank")
        }
        Some(b) if seen.contains(&b) => Err(TAKEN),
        Some(b) => {
            seen.push(b);
            Ok(b)
        }
    })
}

pub(super) fn digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// The one byte of a text of one character up to U+00FF.
fn byte(text: &str) -> Option<u8> {
    let mut characters = text.chars();
    let first = characters.next()?;
    characters.next().is_none().then_some(())?;
    u8::try_from(u32::from(first)).ok()
}
