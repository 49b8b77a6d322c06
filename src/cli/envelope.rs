//! X12 written from canonical documents: sets in groups in an interchange of its own.

use std::io::Write;

use jiff::Zoned;
use jiff::civil::DateTime;

use super::Error;
use crate::canonical::Document;
use crate::findings::{Finding, Severity};
use crate::map::{self, Map, WriteOptions};
use crate::translate::Engine;
use crate::x12::{
    Delimiters, GroupControlNumber, GroupSpec, Identity, InterchangeControlNumber, InterchangeSpec,
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
}

fn identity(text: &str) -> Result<Identity, String> {
    match text.split_once(':') {
        Some((qualifier, id)) if qualifier.len() == 2 && (1..=15).contains(&id.len()) => {
            Ok(Identity { qualifier: qualifier.to_owned(), id: id.to_owned() })
        }
        _ => Err("write a qualifier of two characters, a colon, and up to 15 characters: ZZ:COASTALGOODS".to_owned()),
    }
}

/// Documents as they become interchanges.
pub struct Posting<'a> {
    args: &'a EnvelopeArgs,
    engine: &'a Engine,
    maps: &'a map::Library,
    hierarchy: Option<Vec<String>>,
    style: Style,
    stamp: Stamp,
    writer: map::Writer,
    /// GS01 and sets of each group; documents of one kind in a row are one group.
    groups: Vec<(String, Vec<Vec<u8>>)>,
    sets: usize,
    number: u32,
}

impl<'a> Posting<'a> {
    /// An empty one.
    #[must_use]
    pub fn new(args: &'a EnvelopeArgs, engine: &'a Engine, maps: &'a map::Library) -> Self {
        let at = args.at.unwrap_or_else(|| Zoned::now().datetime());
        // From 00402 on ISA11 is the repetition separator.
        let repetition = (args.release.as_str() >= "004020").then_some(b'^');
        let delimiters = Delimiters { repetition, ..Delimiters::default() };
        let words = |text: &String| {
            text.split([' ', ',', '/']).filter(|w| !w.is_empty()).map(str::to_owned).collect()
        };
        Self {
            args,
            engine,
            maps,
            hierarchy: args.hierarchy.as_ref().map(words),
            style: Style { delimiters, suffix: b"\n".to_vec(), ..Style::default() },
            stamp: Stamp::new(at.year(), at.month(), at.day(), at.hour(), at.minute()),
            writer: map::Writer::new(),
            groups: Vec::new(),
            sets: 0,
            number: args.control_number,
        }
    }

    /// Adds a document. One that cannot be written without losing something is left out, and its findings say why.
    ///
    /// # Errors
    /// No map for the document; output that cannot be written.
    pub fn add(&mut self, document: &Document, out: &mut dyn Write) -> Result<Vec<Finding>, Error> {
        let map = self.map_of(document)?;
        let missing = || {
            Error::Unknown(format!("there is no grammar for {} in {}", map.set(), map.release()))
        };
        let grammar = self.engine.checker(map.set(), map.release()).ok_or_else(missing)?.grammar();
        if self.sets >= SETS_MAX {
            self.finish(out)?;
        }
        let same_group = self.groups.last().is_some_and(|(code, _)| *code == grammar.group);
        let place =
            if same_group { self.groups.last().map_or(1, |(_, sets)| sets.len() + 1) } else { 1 };
        let options = WriteOptions {
            control_number: &format!("{place:04}"),
            style: &self.style,
            hierarchy: self.hierarchy.as_deref(),
        };
        let mut bytes = Vec::new();
        let written = self.writer.write(document, map, grammar, &options, &mut bytes);
        let findings = written.map_err(|e| {
            Error::Document(format!("{} {}: {e}", document.kind(), document.number()))
        })?;
        if findings.iter().all(|finding| finding.severity < Severity::Fatal) {
            if !same_group {
                self.groups.push((grammar.group.clone(), Vec::new()));
            }
            if let Some((_, sets)) = self.groups.last_mut() {
                sets.push(bytes);
            }
            self.sets += 1;
        }
        Ok(findings)
    }

    fn map_of(&self, document: &Document) -> Result<&'a Map, Error> {
        let Self { args, maps, .. } = self;
        let release: String = args.release.chars().take(6).collect();
        let fits = |map: &&std::sync::Arc<Map>| {
            map.document() == document.kind()
                && map.release() == release
                && args.set.as_ref().is_none_or(|s| s == map.set())
        };
        let map = maps.maps().filter(fits).min_by_key(|map| map.set().to_owned());
        map.map(AsRef::as_ref).ok_or_else(|| {
            let set = args.set.as_ref().map_or(String::new(), |set| format!(" as {set}"));
            Error::Unknown(format!(
                "there is no map for {}{set} in release {release}",
                document.kind()
            ))
        })
    }

    /// Writes the interchange, where there is anything in it.
    ///
    /// # Errors
    /// An identity or release that ISA or GS cannot hold; output that cannot be written.
    pub fn finish(&mut self, out: &mut dyn Write) -> Result<(), Error> {
        if self.groups.is_empty() {
            return Ok(());
        }
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
        for (functional_id, sets) in self.groups.drain(..) {
            let group = GroupSpec {
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
        out.write_all(&interchange.finish())?;
        self.number = super::ack::after(self.number);
        self.sets = 0;
        Ok(())
    }
}
