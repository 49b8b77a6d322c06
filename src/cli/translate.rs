//! `crossdock translate`: X12 to canonical documents and back.

use std::io::{BufReader, Write};
use std::sync::Arc;

use super::definitions::engine;
use super::documents;
use super::envelope::{EnvelopeArgs, Posting};
use super::input::{Failures, Files, Source};
use super::rewrite::Rewriter;
use super::scene::{self, Depth, Met, Scene};
use super::screen::above_bar;
use super::sheaf::Sheaf;
use super::{Context, Error, Verdict, report};
use crate::findings::{Finding, Severity};
use crate::map::{self, Map};
use crate::translate::{CheckedSet, Engine, Options, document_of};

/// Arguments of `translate`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Files hold X12, or canonical documents in JSON (one, several, JSON Lines or an array) or in XML; which, \
is seen from how they begin. Findings go to standard error. A set with a fatal finding is left out: \
what it means would have to be guessed.\n\n\
Examples:\n  crossdock translate order.edi --to json --pretty\n  crossdock translate 'in/*.edi' --to json > orders.jsonl\n  \
crossdock translate shipment.json --to x12 --sender ZZ:COASTALGOODS --receiver ZZ:HARBORANDPINE\n  \
crossdock translate invoices.xml --to x12 --charset latin-1 --segment-terminator LF\n  \
crossdock translate order.edi --to x12 | diff order.edi -"
)]
pub struct Args {
    #[command(flatten)]
    files: Files,
    /// What to write: json, xml or x12
    #[arg(long, value_enum, value_name = "WHAT", hide_possible_values = true)]
    to: To,
    /// JSON: one array of all documents
    #[arg(long)]
    array: bool,
    /// JSON: a document a line (as without any of these)
    #[arg(long, conflicts_with_all = ["array", "pretty"])]
    lines: bool,
    /// JSON and XML: indented
    #[arg(long)]
    pretty: bool,
    #[command(flatten)]
    envelope: EnvelopeArgs,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum To {
    /// Canonical documents as JSON.
    Json,
    /// Canonical documents as XML.
    Xml,
    /// X12.
    X12,
}

/// Translates each file to standard output.
///
/// # Errors
/// Files that cannot be read; documents that are none; output that cannot be written.
pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let engine = engine(context)?;
    let mut translation = Translation {
        context: Context { paint: context.paint_err, ..context.clone() },
        engine: &engine,
        verdict: Verdict::Clean,
    };
    let mut failures = Failures::default();
    let sources = args.files.sources()?;
    if args.to == To::X12 {
        let mut posting = Posting::new(&args.envelope, &engine)?;
        for source in &sources {
            let done = translation.write_x12(source, &mut posting, out);
            failures.take(done, context)?;
        }
        let findings = posting.finish(out)?;
        let scene = Scene { file: "(what was written)", ..Scene::default() };
        translation.report(&findings, &scene, None)?;
    } else {
        let mut sheaf = Sheaf::new(args.to, args.array, args.pretty);
        for source in &sources {
            let done = translation.write_documents(source, &mut sheaf, out);
            failures.take(done, context)?;
        }
        sheaf.finish(out)?;
    }
    failures.finish()?;
    Ok(translation.verdict)
}

struct Translation<'a> {
    /// Of standard error, where the findings go.
    context: Context,
    engine: &'a Engine,
    verdict: Verdict,
}

impl Translation<'_> {
    /// X12 to JSON or XML, streaming from the set's own bytes.
    fn write_documents(
        &mut self,
        source: &Source,
        sheaf: &mut Sheaf,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        let mut input = BufReader::new(source.open()?);
        if let Some(form) = documents::form(&mut input, source)? {
            return documents::read(&mut input, source, form, |document| {
                sheaf.add(document.kind(), document, out)
            });
        }
        let mut reader = map::Reader::new();
        let options = Options { unknown_set: Severity::Fatal, ..Options::default() };
        scene::read(self.engine, input, source, options, Depth::Form, |met, findings, scene| {
            let Met::Set(set) = met else {
                return self.report(findings, &scene, None);
            };
            self.report(findings, &scene, Some(set))?;
            let Some((walked, map)) = self.readable(set) else { return Ok(()) };
            let reading = reader.read(walked, &map);
            self.report(reading.findings(), &scene, Some(set))?;
            if is_fatal(reading.findings()) { Ok(()) } else { sheaf.add_reading(&reading, out) }
        })?;
        Ok(())
    }

    /// X12 to X12 in its own envelope, or canonical documents in a new one.
    fn write_x12(
        &mut self,
        source: &Source,
        posting: &mut Posting<'_>,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        let mut input = BufReader::new(source.open()?);
        if let Some(form) = documents::form(&mut input, source)? {
            let file = source.to_string();
            return documents::read(&mut input, source, form, |document| {
                let findings = posting.add(document, out)?;
                let number = format!("{} {}", document.kind(), document.number());
                self.report(
                    &findings,
                    &Scene { file: &format!("{file}, {number}"), ..Scene::default() },
                    None,
                )
            });
        }
        let mut reader = map::Reader::new();
        let mut rewriter = Rewriter::new(self.engine);
        let options = Options { unknown_set: Severity::Fatal, ..Options::default() };
        scene::read(self.engine, input, source, options, Depth::Form, |met, findings, scene| {
            let Met::Set(set) = met else {
                rewriter.envelope(&met, out)?;
                return self.report(findings, &scene, None);
            };
            self.report(findings, &scene, Some(set))?;
            let Some((walked, map)) = self.readable(set) else { return Ok(()) };
            let reading = reader.read(walked, &map);
            self.report(reading.findings(), &scene, Some(set))?;
            if is_fatal(reading.findings()) {
                return Ok(());
            }
            let document = document_of(&reading).map_err(|e| Error::Document(e.to_string()))?;
            let findings = rewriter.set(&document, set, &map, out)?;
            let file = format!("{} (as written)", scene.file);
            self.report(&findings, &Scene { file: &file, ..scene }, None)
        })?;
        Ok(())
    }

    /// The walk and the map of a set that can be translated; what cannot, has been reported.
    fn readable<'s>(
        &mut self,
        set: &'s CheckedSet<'_>,
    ) -> Option<(&'s crate::grammar::Walked<'s>, Arc<Map>)> {
        if is_fatal(&set.findings) {
            return None;
        }
        let walked = set.walked.as_ref()?;
        let map = self.engine.maps().map(&walked.grammar.set, &walked.grammar.release)?;
        Some((walked, Arc::clone(map)))
    }

    /// Shows warnings and what is heavier on standard error.
    fn report(
        &mut self,
        findings: &[Finding],
        scene: &Scene<'_>,
        set: Option<&CheckedSet<'_>>,
    ) -> Result<(), Error> {
        for finding in findings {
            if finding.severity >= Severity::Error {
                self.verdict = Verdict::Findings;
            }
            if finding.severity >= Severity::Warning {
                let scene = set.map_or(*scene, |set| scene.at(finding, &set.segments));
                above_bar(|| {
                    report::finding(finding, &scene, &self.context, &mut std::io::stderr())
                })?;
            }
        }
        Ok(())
    }
}

fn is_fatal(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Fatal)
}
