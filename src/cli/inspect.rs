//! `crossdock inspect`: the envelope tree of a file.

use std::io::Write;

use serde_json::json;

use super::definitions::engine;
use super::input::{Failures, Files, Source};
use super::paint::{Paint, severity_word};
use super::report::{self, Tally, count, grouped, verdict};
use super::scene::{self, Depth, Met, Scene};
use super::snippet::{COLUMNS_MAX, Snippet, byte_word};
use super::{Context, Error, Format, Verdict};
use crate::findings::{Code, Finding, Severity};
use crate::translate::{CheckedSet, Engine, Options};
use crate::x12::{Group, Interchange, Segment};

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
    let engine = engine(context)?;
    let mut inspection = Inspection { context, out, sums: Sums::default(), file: String::new() };
    let mut failures = Failures::default();
    for source in args.files.sources()? {
        let done = inspection.source(&source, &engine);
        failures.take(done, context)?;
    }
    inspection.summary()?;
    failures.finish()?;
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
    context: &'a Context,
    out: &'a mut dyn Write,
    sums: Sums,
    file: String,
}

impl Inspection<'_> {
    fn source(&mut self, source: &Source, engine: &Engine) -> Result<(), Error> {
        self.file = source.to_string();
        self.sums.files += 1;
        if self.context.format == Format::Human {
            writeln!(self.out, "{s}{}{s:#}", self.file, s = self.context.paint.strong)?;
        }
        let options = Options::default();
        self.sums.bytes += scene::read(
            engine,
            source.open()?,
            source,
            options,
            Depth::Meaning,
            |met, findings, scene| {
                let indent = match met {
                    Met::Interchange(header) => {
                        self.interchange(header)?;
                        4
                    }
                    Met::InterchangeAck(segment, terminator) => {
                        self.acknowledgement(segment, terminator)?;
                        6
                    }
                    Met::Group(header) => {
                        self.group(header)?;
                        6
                    }
                    Met::Set(set) => return self.set(set, &scene),
                    Met::GroupEnd => 4,
                    Met::InterchangeEnd | Met::Stray => 2,
                };
                findings.iter().try_for_each(|finding| self.finding(indent, finding, &scene))
            },
        )?;
        Ok(())
    }

    fn interchange(&mut self, interchange: &Interchange) -> Result<(), Error> {
        self.sums.interchanges += 1;
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
        self.sums.groups += 1;
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

    /// A set, the faults of its envelope, and how many findings there are inside.
    fn set(&mut self, set: &CheckedSet<'_>, scene: &Scene<'_>) -> Result<(), Error> {
        self.sums.sets += 1;
        let (id, number) = (&set.id, &set.control_number.0);
        let (segments, bytes) = (set.segments.len() as u64, set.segments.raw().len() as u64);
        let title = set.walked.map(|walked| walked.grammar.title.as_str());
        let (envelope, inside): (Vec<_>, Vec<_>) =
            set.findings.iter().cloned().partition(|f| is_of_envelope(f.code));
        let mut tally = Tally::default();
        for finding in &inside {
            tally.add(finding.severity);
            self.sums.tally.add(finding.severity);
        }
        if self.context.format == Format::Json {
            let mut all = tally;
            for finding in &envelope {
                all.add(finding.severity);
            }
            let value = json!({
                "type": "set", "file": self.file, "offset": set.segments.offset(), "set": id,
                "control_number": number, "title": title, "segments": segments, "bytes": bytes,
                "verdict": verdict(set.worst()), "findings": all,
            });
            writeln!(self.out, "{value}")?;
            return envelope.iter().try_for_each(|f| self.finding(8, f, scene));
        }
        let paint = self.context.paint;
        let Paint { strong, faint, .. } = paint;
        let title = title.unwrap_or("(no grammar)");
        let segments = count(segments, "segment", "segments");
        let bytes = count(bytes, "byte", "bytes");
        let found = if tally.has(Severity::Warning) {
            format!("  {}", tally.words(&paint))
        } else {
            String::new()
        };
        writeln!(
            self.out,
            "      {strong}{id}{strong:#} {number:<9}  {title:<26} {segments:>15} {faint}{bytes:>15}{faint:#}{found}",
        )?;
        envelope.iter().try_for_each(|f| self.finding(8, f, scene))
    }

    fn acknowledgement(
        &mut self,
        segment: &Segment<'_>,
        terminator: Option<u8>,
    ) -> Result<(), Error> {
        let text = |n| crate::x12::decode(segment.element(n)).into_owned();
        if self.context.format == Format::Json {
            let value = json!({
                "type": "interchange_acknowledgement", "file": self.file, "offset": segment.offset(),
                "control_number": text(1), "code": text(4), "note": text(5),
            });
            return Ok(writeln!(self.out, "{value}")?);
        }
        let room = self.context.paint.room(COLUMNS_MAX, 0);
        let shown = Snippet::new(segment.raw(), terminator, 0, 0, room).text;
        writeln!(self.out, "    TA1 for interchange {}  {shown}", text(1))?;
        Ok(())
    }

    fn finding(
        &mut self,
        indent: usize,
        finding: &Finding,
        scene: &Scene<'_>,
    ) -> Result<(), Error> {
        self.sums.tally.add(finding.severity);
        if self.context.format == Format::Json {
            return Ok(report::finding(finding, scene, self.context, self.out)?);
        }
        let style = self.context.paint.severity(finding.severity);
        let word = severity_word(finding.severity);
        writeln!(
            self.out,
            "{:indent$}{style}{word}[{}]{style:#}: {}",
            "", finding.code, finding.message
        )?;
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

/// Whether a finding is about how the set stands in its group, not about what is in it. That there is no grammar
/// for it is said in place of its title.
fn is_of_envelope(code: Code) -> bool {
    let unknown = matches!(code, Code::SetUnknown | Code::ReleaseUnknown);
    !unknown && code.entry().id.starts_with(['I', 'G', 'T'])
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
