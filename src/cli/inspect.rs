//! `crossdock inspect`: the envelope tree of a file.

use std::io::Write;

use serde_json::json;

use super::definitions::library;
use super::input::{Files, Source};
use super::paint::{Paint, severity_word};
use super::report::{self, Tally, count, grouped};
use super::snippet::byte_word;
use super::{Context, Error, Format, Verdict};
use crate::findings::{Finding, Severity};
use crate::grammar::Library;
use crate::x12::{Delimiters, Event, Fault, Group, Interchange, Reader, Segment, TransactionSet};

/// Arguments of `inspect`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Shows interchanges, groups and sets with who sent them to whom, and what is wrong with the envelope; \
`crossdock validate` looks inside the sets.\n\nExamples:\n  crossdock inspect order.edi\n  crossdock inspect 'in/*.edi'\n  \
zcat day.edi.gz | crossdock inspect --format json"
)]
pub struct Args {
    #[command(flatten)]
    files: Files,
}

/// Prints the tree of each file.
///
/// # Errors
/// Files that cannot be read; output that cannot be written.
pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let library = library(context)?;
    let mut inspection =
        Inspection { library: &library, context, out, sums: Sums::default(), file: String::new() };
    for source in args.files.sources()? {
        inspection.source(&source)?;
    }
    inspection.summary()?;
    let faulty = inspection.sums.tally.has(Severity::Error);
    Ok(if faulty { Verdict::Findings } else { Verdict::Clean })
}

#[derive(Default)]
struct Sums {
    files: u64,
    interchanges: u64,
    groups: u64,
    sets: u64,
    bytes: u64,
    tally: Tally,
}

struct Inspection<'a> {
    library: &'a Library,
    context: &'a Context,
    out: &'a mut dyn Write,
    sums: Sums,
    file: String,
}

impl Inspection<'_> {
    fn source(&mut self, source: &Source) -> Result<(), Error> {
        self.file = source.to_string();
        self.sums.files += 1;
        let mut reader = Reader::new(source.open()?);
        if self.context.format == Format::Human {
            writeln!(self.out, "{s}{}{s:#}", self.file, s = self.context.paint.strong)?;
        }
        let mut release = String::new();
        let mut delimiters = Delimiters::default();
        while let Some(event) = reader.next().map_err(Error::read(self.file.clone()))? {
            match event {
                Event::Interchange(interchange) => {
                    self.sums.interchanges += 1;
                    delimiters = interchange.delimiters;
                    self.interchange(interchange)?;
                    self.faults(4, &interchange.faults)?;
                }
                Event::InterchangeAck(segment) => self.acknowledgement(&segment, delimiters)?,
                Event::Group(group) => {
                    self.sums.groups += 1;
                    release = group.release();
                    self.group(group)?;
                    self.faults(6, &group.faults)?;
                }
                Event::Set(set) => {
                    self.sums.sets += 1;
                    self.set(&set, &release)?;
                    self.faults(8, &set.faults)?;
                }
                Event::GroupEnd(end) => self.faults(4, &end.faults)?,
                Event::InterchangeEnd(end) => self.faults(2, &end.faults)?,
                Event::Stray(fault) => self.faults(2, &[fault])?,
            }
        }
        self.sums.bytes += reader.position();
        Ok(())
    }

    fn interchange(&mut self, interchange: &Interchange) -> Result<(), Error> {
        let (sender, receiver) = (interchange.sender(), interchange.receiver());
        let date = date(&interchange.element(9));
        let (time, number) = (time(&interchange.element(10)), interchange.element(13));
        let d = interchange.delimiters;
        if self.context.format == Format::Json {
            let value = json!({
                "type": "interchange", "file": self.file, "offset": interchange.offset, "control_number": number,
                "sender": {"qualifier": sender.qualifier, "id": sender.id},
                "receiver": {"qualifier": receiver.qualifier, "id": receiver.id},
                "date": date, "time": time, "version": interchange.element(12),
                "usage": usage(&interchange.element(15)),
                "acknowledgement_requested": interchange.wants_acknowledgement(),
                "delimiters": {
                    "element": byte_word(d.element), "component": byte_word(d.component),
                    "repetition": d.repetition.map(byte_word), "segment": byte_word(d.segment),
                },
            });
            return Ok(writeln!(self.out, "{value}")?);
        }
        let Paint { strong, faint, .. } = self.context.paint;
        writeln!(
            self.out,
            "  interchange {strong}{number}{strong:#}  {sender} → {receiver}  {date} {time}  version {}  {}",
            interchange.element(12),
            usage(&interchange.element(15)),
        )?;
        let repetition =
            d.repetition.map_or(String::new(), |b| format!("  repetition {}", byte_word(b)));
        let (element, component) = (byte_word(d.element), byte_word(d.component));
        let segment = byte_word(d.segment);
        writeln!(
            self.out,
            "    {faint}element {element}  component {component}{repetition}  segment {segment}{faint:#}"
        )?;
        Ok(())
    }

    fn group(&mut self, group: &Group) -> Result<(), Error> {
        let element = |n| group.element(n);
        let (date, time) = (date(&element(4)), time(&element(5)));
        if self.context.format == Format::Json {
            let value = json!({
                "type": "group", "file": self.file, "offset": group.offset, "control_number": element(6),
                "functional_id": element(1), "sender": element(2), "receiver": element(3),
                "date": date, "time": time, "version": element(8),
            });
            return Ok(writeln!(self.out, "{value}")?);
        }
        let Paint { strong, .. } = self.context.paint;
        writeln!(
            self.out,
            "    group {strong}{}{strong:#}  {} {}  {} → {}  {date} {time}",
            element(6),
            element(1),
            element(8),
            element(2),
            element(3),
        )?;
        Ok(())
    }

    fn set(&mut self, set: &TransactionSet<'_>, release: &str) -> Result<(), Error> {
        let (id, number) = (&set.id, &set.control_number.0);
        let (segments, bytes) = (set.segments.len() as u64, set.segments.raw().len() as u64);
        let title = self.library.grammar(id, release).map(|g| g.title.as_str());
        if self.context.format == Format::Json {
            let value = json!({
                "type": "set", "file": self.file, "offset": set.segments.offset(), "set": id,
                "control_number": number, "title": title, "segments": segments, "bytes": bytes,
            });
            return Ok(writeln!(self.out, "{value}")?);
        }
        let Paint { strong, faint, .. } = self.context.paint;
        let title = title.unwrap_or("(no grammar)");
        let segments = count(segments, "segment", "segments");
        let bytes = count(bytes, "byte", "bytes");
        writeln!(
            self.out,
            "      {strong}{id}{strong:#} {number:<9}  {title:<32} {segments:>16} {faint}{bytes:>18}{faint:#}"
        )?;
        Ok(())
    }

    fn acknowledgement(
        &mut self,
        segment: &Segment<'_>,
        delimiters: Delimiters,
    ) -> Result<(), Error> {
        let text = |n| crate::x12::decode(segment.element(n)).into_owned();
        if self.context.format == Format::Json {
            let value = json!({
                "type": "interchange_acknowledgement", "file": self.file, "offset": segment.offset(),
                "control_number": text(1), "code": text(4), "note": text(5),
            });
            return Ok(writeln!(self.out, "{value}")?);
        }
        let shown =
            super::snippet::Snippet::new(segment.raw(), Some(delimiters.segment), 0, 0).text;
        writeln!(self.out, "    TA1 for interchange {}  {shown}", text(1))?;
        Ok(())
    }

    fn faults(&mut self, indent: usize, faults: &[Fault]) -> Result<(), Error> {
        for fault in faults {
            let finding = Finding::of_fault(fault);
            self.sums.tally.add(finding.severity);
            if self.context.format == Format::Json {
                let scene = report::Scene { file: &self.file, ..report::Scene::default() };
                report::finding(&finding, &scene, self.context, self.out)?;
                continue;
            }
            let style = self.context.paint.severity(finding.severity);
            let word = severity_word(finding.severity);
            writeln!(
                self.out,
                "{:indent$}{style}{word}[{}]{style:#}: {}",
                "", finding.code, finding.message
            )?;
        }
        Ok(())
    }

    fn summary(&mut self) -> Result<(), Error> {
        let sums = &self.sums;
        if self.context.format == Format::Json {
            let value = json!({
                "type": "summary", "files": sums.files, "interchanges": sums.interchanges, "groups": sums.groups,
                "sets": sums.sets, "bytes": sums.bytes, "findings": sums.tally,
            });
            return Ok(writeln!(self.out, "{value}")?);
        }
        let files =
            if sums.files > 1 { format!("{} files: ", grouped(sums.files)) } else { String::new() };
        writeln!(
            self.out,
            "{files}{}, {}, {}, {}; {}",
            count(sums.interchanges, "interchange", "interchanges"),
            count(sums.groups, "group", "groups"),
            count(sums.sets, "set", "sets"),
            count(sums.bytes, "byte", "bytes"),
            sums.tally.words(&self.context.paint),
        )?;
        Ok(())
    }
}

/// ISA15 in a word.
fn usage(code: &str) -> &str {
    match code {
        "P" => "production",
        "T" => "test",
        "I" => "information",
        other => other,
    }
}

/// YYMMDD or CCYYMMDD as 2026-02-03; what is no such thing as it stands. Years before 70 are of this century.
fn date(text: &str) -> String {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return text.to_owned();
    }
    match text.len() {
        6 => format!(
            "{}{}-{}-{}",
            if text < "70" { "20" } else { "19" },
            &text[..2],
            &text[2..4],
            &text[4..]
        ),
        8 => format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]),
        _ => text.to_owned(),
    }
}

/// HHMM and what follows as 14:05:30; what is no such thing as it stands.
fn time(text: &str) -> String {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return text.to_owned();
    }
    match text.len() {
        4 => format!("{}:{}", &text[..2], &text[2..]),
        6 => format!("{}:{}:{}", &text[..2], &text[2..4], &text[4..]),
        7 | 8 => format!("{}:{}:{}.{}", &text[..2], &text[2..4], &text[4..6], &text[6..]),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_shown_as_dates_and_times_or_as_they_stand() {
        assert_eq!(
            ["260203", "991231", "20260203", "2602", "26O203", ""].map(date),
            ["2026-02-03", "1999-12-31", "2026-02-03", "2602", "26O203", ""]
        );
        assert_eq!(
            ["1405", "140530", "14053099", "14", "noon"].map(time),
            ["14:05", "14:05:30", "14:05:30.99", "14", "noon"]
        );
    }
}

// TEMPORARY until findings are made of faults by the core.
impl Finding {
    pub(super) fn of_fault(fault: &Fault) -> Self {
        use crate::findings::{Code, Place};
        Finding {
            code: Code::NoInterchange,
            severity: Severity::Error,
            place: Place {
                offset: fault.offset,
                length: fault.length,
                segment: fault.segment.to_string(),
                segment_position: fault.segment_position,
                element: fault.element,
                ..Place::default()
            },
            value: Some(fault.found.clone()),
            message: format!("{:?}", fault.kind),
            mend: String::new(),
            rule: None,
            field: None,
        }
    }
}
