//! X12 written from canonical documents: sets in groups in an interchange of its own.

use std::io::Write;

use jiff::Zoned;
use jiff::civil::DateTime;

use super::Error;
use super::snippet::byte_word;
use crate::canonical::Document;
use crate::findings::{Finding, Severity};
use crate::profile::{Envelope, LineBreak, Repertoire, distinct_bytes};
use crate::translate::{Engine, Outbound, judge, write};
use crate::x12::{
    GroupControlNumber, GroupSpec, Identity, InterchangeControlNumber, InterchangeSpec,
    InterchangeWriter, Stamp, Style,
};

/// Sets in one interchange; the next ones go into another. Bounds memory, and is more than partners like to get.
const SETS_MAX: usize = 10_000;

/// What the envelope says.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Options for documents to X12")]
pub struct EnvelopeArgs {
    /// ISA05 and ISA06, and GS02
    #[arg(long, value_name = "QUALIFIER:ID", default_value = "ZZ:SENDER", value_parser = identity)]
    sender: Identity,
    /// ISA07 and ISA08, and GS03
    #[arg(long, value_name = "QUALIFIER:ID", default_value = "ZZ:RECEIVER", value_parser = identity)]
    receiver: Identity,
    /// GS08: the release, with the suffix that the partner wants
    #[arg(long, default_value = "004010")]
    release: String,
    /// The set, where a document can be written as several (acknowledgement: 997 or 999)
    #[arg(long)]
    set: Option<String>,
    /// Levels of a shipment from the outermost: 'shipment order pack item'
    #[arg(long, value_name = "LEVELS")]
    hierarchy: Option<String>,
    /// ISA13 and GS06 of the first interchange
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=999_999_999))]
    control_number: u32,
    /// ISA15 is P, not T
    #[arg(long)]
    production: bool,
    /// Date and time of the interchange, 2026-02-03T14:05 [default: now]
    #[arg(long, value_name = "MOMENT")]
    at: Option<DateTime>,
    /// How text becomes bytes: utf-8 or latin-1
    #[arg(long, default_value = "utf-8", value_parser = charset)]
    charset: Repertoire,
    /// Between elements; this and the other delimiters as one character, or by name or number: LF, TAB, 0x1D
    #[arg(long, value_name = "CHAR", default_value = "*", value_parser = delimiter)]
    element_separator: String,
    /// Between components, ISA16
    #[arg(long, value_name = "CHAR", default_value = ">", value_parser = delimiter)]
    component_separator: String,
    /// Between repetitions, ISA11 from version 00402 on [default: ^]
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    repetition_separator: Option<String>,
    /// After each segment
    #[arg(long, value_name = "CHAR", default_value = "~", value_parser = delimiter)]
    segment_terminator: String,
    /// After each terminator, for the eye: none, lf or crlf [default: lf, none where the terminator breaks the line]
    #[arg(long, value_name = "WHAT", value_parser = line_break)]
    line_break: Option<LineBreak>,
}

fn identity(text: &str) -> Result<Identity, String> {
    match text.split_once(':') {
        Some((qualifier, id)) if qualifier.len() == 2 && (1..=15).contains(&id.len()) => {
            Ok(Identity { qualifier: qualifier.to_owned(), id: id.to_owned() })
        }
        _ => Err("write a qualifier of two characters, a colon, and up to 15 characters: ZZ:COASTALGOODS".to_owned()),
    }
}

fn charset(text: &str) -> Result<Repertoire, String> {
    match text {
        "utf-8" => Ok(Repertoire::Utf8),
        "latin-1" => Ok(Repertoire::Latin1),
        _ => Err("there are utf-8 and latin-1".to_owned()),
    }
}

fn line_break(text: &str) -> Result<LineBreak, String> {
    match text {
        "none" => Ok(LineBreak::None),
        "lf" => Ok(LineBreak::Lf),
        "crlf" => Ok(LineBreak::Crlf),
        _ => Err("there are none, lf and crlf".to_owned()),
    }
}

/// A delimiter as `inspect` shows it.
fn delimiter(text: &str) -> Result<String, String> {
    let named = (0..=u8::MAX).find(|&byte| text.eq_ignore_ascii_case(&byte_word(byte)));
    let numbered = || u8::from_str_radix(text.strip_prefix("0x")?, 16).ok();
    match named.or_else(numbered) {
        Some(byte) => Ok(char::from(byte).to_string()),
        None if text.chars().count() == 1 => Ok(text.to_owned()),
        None => Err("write one character, LF, CR, TAB, or a number such as 0x1D".to_owned()),
    }
}

impl EnvelopeArgs {
    /// The look of what is written.
    fn style(&self) -> Result<Style, Error> {
        let [element, component, segment] =
            [&self.element_separator, &self.component_separator, &self.segment_terminator];
        // One that nobody asked for must not stand in the way of one that somebody did.
        let free = ["^", "|", "!", "%"]
            .into_iter()
            .find(|r| ![element, component, segment].contains(&&(*r).to_owned()));
        let repetition = self.repetition_separator.as_deref().or(free).unwrap_or_default();
        let breaks_itself = matches!(segment.as_str(), "\n" | "\r");
        let usual = if breaks_itself { LineBreak::None } else { LineBreak::Lf };
        let names = [
            "element-separator",
            "component-separator",
            "repetition-separator",
            "segment-terminator",
        ];
        let given = distinct_bytes(&[element, component, repetition, segment]);
        let mut bytes = [0; 4];
        for ((name, found), place) in names.into_iter().zip(given).zip(&mut bytes) {
            *place = found.map_err(|words| Error::Unknown(format!("--{name} {words}")))?;
        }
        let look = Envelope {
            interchange_version: self.release.chars().take(5).collect(),
            element_separator: bytes[0],
            component_separator: bytes[1],
            repetition_separator: bytes[2],
            segment_terminator: bytes[3],
            line_break: self.line_break.unwrap_or(usual),
            charset: self.charset,
            ..Envelope::default()
        };
        Ok(look.style())
    }
}

/// Documents as they become interchanges.
pub struct Posting<'a> {
    args: &'a EnvelopeArgs,
    engine: &'a Engine,
    hierarchy: Option<Vec<String>>,
    style: Style,
    stamp: Stamp,
    /// GS01 and sets of each group; documents of one kind in a row are one group.
    groups: Vec<(String, Vec<Vec<u8>>)>,
    sets: usize,
    number: u32,
}

impl<'a> Posting<'a> {
    /// An empty one.
    ///
    /// # Errors
    /// Delimiters that cannot be told apart.
    pub fn new(args: &'a EnvelopeArgs, engine: &'a Engine) -> Result<Self, Error> {
        let at = args.at.unwrap_or_else(|| Zoned::now().datetime());
        let words = |text: &String| {
            text.split([' ', ',', '/']).filter(|w| !w.is_empty()).map(str::to_owned).collect()
        };
        Ok(Self {
            args,
            engine,
            hierarchy: args.hierarchy.as_ref().map(words),
            style: args.style()?,
            stamp: Stamp::new(at.year(), at.month(), at.day(), at.hour(), at.minute()),
            groups: Vec::new(),
            sets: 0,
            number: args.control_number,
        })
    }

    /// Adds a document. One that cannot be written without losing something is left out, and its findings say why.
    ///
    /// # Errors
    /// No map for the document; output that cannot be written.
    pub fn add(&mut self, document: &Document, out: &mut dyn Write) -> Result<Vec<Finding>, Error> {
        let mut findings = if self.sets < SETS_MAX { Vec::new() } else { self.finish(out)? };
        let outbound = Outbound {
            set: self.args.set.as_deref(),
            version: &self.args.release,
            control_number: &format!("{:04}", self.sets + 1),
            style: &self.style,
            hierarchy: self.hierarchy.as_deref(),
            map: None,
        };
        let written =
            write(self.engine, document, &outbound).map_err(|e| Error::Unknown(e.to_string()))?;
        let is_sound = |all: &[Finding]| all.iter().all(|f| f.severity < Severity::Fatal);
        let sound = is_sound(&written.findings);
        findings.extend(written.findings);
        if !sound {
            return Ok(findings);
        }
        // Its receiver would reject it: it is left out, and told why.
        let alone = vec![(written.group.clone(), vec![written.bytes.clone()])];
        let judged = judge(self.engine, &self.enveloped(alone)?);
        if is_sound(&judged) {
            match self.groups.last_mut() {
                Some((code, sets)) if *code == written.group => sets.push(written.bytes),
                _ => self.groups.push((written.group, vec![written.bytes])),
            }
            self.sets += 1;
        } else {
            findings.extend(judged);
        }
        Ok(findings)
    }

    /// Writes the interchange, where there is anything in it, and judges it as its receiver would.
    ///
    /// # Errors
    /// An identity or release that ISA or GS cannot hold; output that cannot be written.
    pub fn finish(&mut self, out: &mut dyn Write) -> Result<Vec<Finding>, Error> {
        if self.groups.is_empty() {
            return Ok(Vec::new());
        }
        let groups = std::mem::take(&mut self.groups);
        let bytes = self.enveloped(groups)?;
        out.write_all(&bytes)?;
        self.number = super::ack::after(self.number);
        self.sets = 0;
        Ok(judge(self.engine, &bytes))
    }

    /// Sets in groups, as an interchange.
    fn enveloped(&self, groups: Vec<(String, Vec<Vec<u8>>)>) -> Result<Vec<u8>, Error> {
        let args = self.args;
        let spec = InterchangeSpec {
            authorization: ("00".to_owned(), String::new()),
            security: ("00".to_owned(), String::new()),
            sender: args.sender.clone(),
            receiver: args.receiver.clone(),
            version: args.release.chars().take(5).collect(),
            acknowledgement_requested: false,
            test: !args.production,
            style: self.style.clone(),
        };
        let wrong = |e: crate::x12::EnvelopeError| Error::Document(e.to_string());
        let number = InterchangeControlNumber(self.number);
        let mut interchange =
            InterchangeWriter::begin(&spec, number, &self.stamp).map_err(wrong)?;
        let mut group_number = self.number;
        for (functional_id, sets) in groups {
            let group = GroupSpec {
                agency: "X".to_owned(),
                functional_id,
                sender: args.sender.id.clone(),
                receiver: args.receiver.id.clone(),
                version: args.release.clone(),
            };
            let sets = sets.iter().map(Vec::as_slice);
            interchange
                .group(&group, GroupControlNumber(group_number), &self.stamp, sets)
                .map_err(wrong)?;
            group_number = super::ack::after(group_number);
        }
        Ok(interchange.finish())
    }
}
