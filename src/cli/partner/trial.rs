//! `crossdock partner try`: what would happen to documents, without anything happening.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::json;

use super::load::Loaded;
use super::{Place, fixtures};
use crate::canonical::Document;
use crate::cli::input::{Failures, Files, Source};
use crate::cli::report::{self, count};
use crate::cli::scene::Scene;
use crate::cli::{Context, Error, Format, Verdict};
use crate::findings::{Finding, Severity};
use crate::gateway::{Rehearsal, Trial, is_faulty};
use crate::profile::{Agreement, Direction, Partner, Profiles};
use crate::x12::{Limits, Reader};

/// Arguments of `partner try`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "X12 files are read as if they lay in the mailbox of the partner: whose they are, what is found, what \
the partner is answered, what the documents say, and where they would go. What we sent ourselves is judged as the \
partner would. Canonical documents (JSON) are written as we would send them. Where shipments and invoices are to be compared \
with their orders, they are with those in the files before them. Nothing is kept, numbered or sent, and duplicates are \
not looked for.\n\n\
Examples:\n  crossdock partner try harbor-and-pine order.edi\n  \
crossdock partner try harbor-and-pine order.edi shipment.json invoice.json --out tried"
)]
pub struct Args {
    /// The partner
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    files: Files,
    /// Write answers and documents into this folder instead of showing them
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Least weight of the findings that are shown is advice, not warning
    #[arg(long)]
    all: bool,
}

/// Largest file that is tried: it is held in memory.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Tries each file.
///
/// # Errors
/// Profiles that cannot be read or used; files that cannot be read; output that cannot be written.
pub fn run(
    args: &Args,
    place: &Place,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Verdict, Error> {
    let (Loaded { engine, profiles, .. }, partner) = place.partner(&args.name, context)?;
    if let Some(folder) = &args.out {
        fs::create_dir_all(folder).map_err(Error::read(folder))?;
    }
    let mut round = Round {
        args,
        context,
        rehearsal: Rehearsal::new(engine),
        profiles,
        partner: &partner,
        now: Timestamp::now(),
        gone: Vec::new(),
        verdict: Verdict::Clean,
    };
    Failures::each(&args.files.sources()?, context, |source| round.source(source, out))?;
    Ok(round.verdict)
}

struct Round<'a> {
    args: &'a Args,
    context: &'a Context,
    rehearsal: Rehearsal,
    profiles: Profiles,
    partner: &'a Partner,
    now: Timestamp,
    /// What came and went on so far, in our own words.
    gone: Vec<(Direction, Document)>,
    verdict: Verdict,
}

impl Round<'_> {
    fn source(&mut self, source: &Source, out: &mut dyn Write) -> Result<(), Error> {
        let mut bytes = Vec::new();
        let mut input = source.open()?.take(FILE_BYTES_MAX);
        input.read_to_end(&mut bytes).map_err(Error::read(source.to_string()))?;
        if matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[')) {
            return self.documents(source, &bytes, out);
        }
        if self.direction(&bytes) == Some(Direction::Out) {
            return self.ours(source, &bytes, out);
        }
        let trials = self.rehearsal.receive(&self.profiles, self.partner, &bytes, self.now);
        let trials = trials.map_err(|e| Error::Gateway(e.to_string()))?;
        for (number, trial) in (1..).zip(&trials) {
            self.trial(source, &bytes, number, trial, out)?;
        }
        Ok(())
    }

    fn direction(&self, bytes: &[u8]) -> Option<Direction> {
        let mut reader = Reader::of_slice(bytes, Limits::default());
        while let Ok(Some(event)) = reader.next() {
            if let crate::x12::Event::Interchange(header) = event {
                return fixtures::direction(self.partner, header);
            }
        }
        None
    }

    /// An interchange that we sent, judged as the partner would.
    fn ours(&mut self, source: &Source, bytes: &[u8], out: &mut dyn Write) -> Result<(), Error> {
        let judged = fixtures::judge(self.rehearsal.engine(), self.partner, bytes);
        let Some((_, received)) = judged else { return Ok(()) };
        let mut findings: Vec<Finding> = fixtures::findings(&received).cloned().collect();
        self.say(out, &format!("{source}: we send this to {}", self.partner.name))?;
        for group in received.interchanges.into_iter().flat_map(|one| one.groups) {
            let version = group.header.version().clone();
            for set in group.sets {
                let agreement = self.partner.agreement(Direction::Out, &set.id, &version);
                let Some((mut document, agreement)) = set.document.zip(agreement) else { continue };
                // What is not mapped is compared as it stands.
                self.partner.crosswalks.inbound(&mut document);
                let compared = self.compared(&document, agreement, out)?;
                if !is_faulty(&set.findings) && !is_faulty(&compared) {
                    self.gone.push((Direction::Out, document));
                }
                findings.extend(compared);
            }
        }
        self.findings(source, bytes, &findings, out)?;
        let fate = if is_faulty(&findings) {
            "it would not be sent: its faults are found before it leaves"
        } else {
            "it could be sent"
        };
        self.say(out, &format!("  {fate}\n"))?;
        Ok(())
    }

    /// Canonical documents, written as we would send them.
    fn documents(
        &mut self,
        source: &Source,
        bytes: &[u8],
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        let mut input = bytes;
        let mut documents: Vec<Document> = Vec::new();
        crate::cli::documents::read(
            &mut input,
            source,
            crate::cli::documents::Form::Json,
            |document: &Document| {
                documents.push(document.clone());
                Ok(())
            },
        )?;
        for document in documents {
            let kind = document.kind();
            let number = document.number().to_owned();
            let label = format!("{source}: {kind} {number}");
            let Some(agreement) = self.partner.outbound(kind) else {
                self.verdict = Verdict::Findings;
                let words =
                    format!("{label}\n  set aside: the profile does not send {kind} documents\n");
                self.say(out, &words)?;
                continue;
            };
            match self.rehearsal.write(&document, self.partner, agreement, self.now) {
                Ok((bytes, mut findings)) => {
                    self.say(out, &format!("{label}: written as {}", agreement.set()))?;
                    findings.extend(self.compared(&document, agreement, out)?);
                    self.findings(source, &bytes, &findings, out)?;
                    let fate = if is_faulty(&findings) {
                        "it would not be sent"
                    } else {
                        self.gone.push((Direction::Out, document));
                        "it would be sent"
                    };
                    self.say(out, &format!("  {fate}"))?;
                    let name = format!("{kind}-{number}.edi");
                    self.piece(&name, "the interchange", &bytes, out)?;
                }
                Err(words) => {
                    self.verdict = Verdict::Findings;
                    self.say(out, &format!("{label}\n  it cannot be written: {words}\n"))?;
                }
            }
        }
        Ok(())
    }

    fn trial(
        &mut self,
        source: &Source,
        bytes: &[u8],
        number: usize,
        trial: &Trial,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        let owner = match &trial.partner {
            Some(name) if *name == self.partner.name => format!("known as {name}"),
            Some(name) => format!("its identities are those of {name}: there it would be taken in"),
            None if trial.key.is_none() => "no ISA can be read in it: it would be quarantined".into(),
            None => "its identities are nobody's: it would be quarantined, and is judged here as if they were agreed".into(),
        };
        let mine = trial.partner.as_deref() == Some(&self.partner.name);
        if !mine || !trial.accepted {
            self.verdict = Verdict::Findings;
        }
        let usage = if trial.test { "test" } else { "production" };
        let key = trial.key.as_deref().unwrap_or("no interchange");
        if self.context.format == Format::Json {
            let line = json!({
                "type": "interchange", "file": source.to_string(), "interchange": key,
                "test": trial.test, "partner": trial.partner, "accepted": trial.accepted,
            });
            writeln!(out, "{line}")?;
        } else {
            let strong = self.context.paint.strong;
            writeln!(out, "{strong}{source}: interchange {key}{strong:#} ({usage})\n  {owner}")?;
        }
        let part = bytes.get(trial.range.clone()).unwrap_or_default();
        self.findings(source, part, &trial.findings, out)?;
        for set in &trial.sets {
            let agreement = self.partner.agreement(Direction::In, &set.set, &set.version);
            let passes = set.document.as_ref().zip(agreement).filter(|_| !set.standing.fails());
            let mut compared = Vec::new();
            if let Some((document, agreement)) = passes {
                compared = self.compared(document, agreement, out)?;
            }
            let found = compared.iter().find(|finding| finding.severity >= Severity::Error);
            let fate = match found {
                Some(finding) => format!("set aside: {}", finding.message),
                None => set.fate.clone(),
            };
            self.say(out, &format!("  {}: {fate}", set.label))?;
            if self.context.format == Format::Json {
                let line = json!({
                    "type": "set", "set": set.set, "label": set.label, "accepted": set.accepted,
                    "fate": fate, "document": set.document,
                });
                writeln!(out, "{line}")?;
            }
            self.findings(source, part, &set.findings, out)?;
            self.findings(source, part, &compared, out)?;
            if let Some((document, _)) = passes.filter(|_| found.is_none()) {
                self.gone.push((Direction::In, document.clone()));
            }
            if set.standing.fails() {
                self.verdict = Verdict::Findings;
            }
            if let Some(document) = set.document.as_ref().filter(|_| set.accepted) {
                let mut text = serde_json::to_vec_pretty(document).map_err(io::Error::from)?;
                text.push(b'\n');
                let name = format!("{}-{}.json", document.kind(), document.number());
                if self.context.format == Format::Human || self.args.out.is_some() {
                    self.piece(&name, "the document", &text, out)?;
                }
            }
        }
        for (index, answer) in (1..).zip(&trial.answers) {
            let name = format!("answer-{number}-{index}.edi");
            self.piece(&name, "the partner is answered", answer, out)?;
        }
        match &trial.unanswered {
            Some(words) => self.say(out, &format!("  it cannot be answered: {words}\n")),
            None if trial.answers.is_empty() => self.say(out, "  nothing is answered\n"),
            None => Ok(()),
        }
    }

    /// What is found where a document is compared with its orders; says so where one is not among the files.
    fn compared(
        &self,
        document: &Document,
        agreement: &Agreement,
        out: &mut dyn Write,
    ) -> Result<Vec<Finding>, Error> {
        let (findings, missing) = self.rehearsal.compare(document, agreement, &self.gone);
        for number in missing {
            let words = format!(
                "  not compared with order {number}, as it would be by the gateway: name the file of the order before it"
            );
            self.say(out, &words)?;
        }
        Ok(findings)
    }

    /// A line for people.
    fn say(&self, out: &mut dyn Write, text: &str) -> Result<(), Error> {
        if self.context.format == Format::Human {
            writeln!(out, "{text}")?;
        }
        Ok(())
    }

    fn findings(
        &mut self,
        source: &Source,
        bytes: &[u8],
        findings: &[Finding],
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        if is_faulty(findings) {
            self.verdict = Verdict::Findings;
        }
        let least = if self.args.all || self.context.format == Format::Json {
            Severity::Advice
        } else {
            Severity::Warning
        };
        let file = source.to_string();
        for finding in findings.iter().filter(|finding| finding.severity >= least) {
            let segment = segment_at(bytes, finding);
            let scene = Scene { file: &file, segment, terminator: Some(b'~'), ..Scene::default() };
            report::finding(finding, &scene, self.context, out)?;
        }
        Ok(())
    }

    /// Something that would be made: shown, or written into the folder that was named.
    fn piece(
        &self,
        name: &str,
        what: &str,
        bytes: &[u8],
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        if let Some(folder) = &self.args.out {
            let plain =
                |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '_' };
            let path = free(folder, &name.chars().map(plain).collect::<String>());
            fs::write(&path, bytes).map_err(Error::read(&path))?;
            return self.say(out, &format!("  {what}: {}\n", path.display()));
        }
        let text = String::from_utf8_lossy(bytes);
        if self.context.format == Format::Json {
            let line = json!({"type": "made", "name": name, "what": what, "text": text});
            return Ok(writeln!(out, "{line}")?);
        }
        self.say(out, &format!("  {what} ({}):", count(bytes.len() as u64, "byte", "bytes")))?;
        for line in text.lines() {
            writeln!(out, "    {line}")?;
        }
        self.say(out, "")
    }
}

/// A path in the folder that nothing has yet.
fn free(folder: &Path, name: &str) -> PathBuf {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let mut path = folder.join(name);
    let mut number = 1;
    while path.exists() {
        number += 1;
        path = folder.join(format!("{stem}-{number}.{ending}"));
    }
    path
}

/// The segment that a finding is about, as it stands in its interchange.
fn segment_at<'a>(bytes: &'a [u8], finding: &Finding) -> Option<(&'a [u8], u64)> {
    let at = usize::try_from(finding.place.offset).ok().filter(|at| *at < bytes.len())?;
    let mut reader = Reader::of_slice(bytes, Limits::default());
    let mut terminator = None;
    while let Ok(Some(event)) = reader.next() {
        if let crate::x12::Event::Interchange(header) = event {
            terminator = Some(header.delimiters.segment);
            break;
        }
    }
    let terminator = terminator?;
    let start = bytes[..at].iter().rposition(|b| *b == terminator).map_or(0, |found| found + 1);
    let start = start + bytes[start..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    let length = bytes[start..].iter().position(|b| *b == terminator);
    let end = start + length.unwrap_or(bytes.len() - start);
    Some((&bytes[start..end], start as u64))
}
