//! `crossdock validate`: everything that is wrong with a file, as its receiver would judge it.

use std::io::Write;

use serde_json::json;

use super::definitions::library;
use super::input::{Files, Source};
use super::report::{self, Scene, Tally, count, grouped};
use super::{Context, Error, Format, Verdict};
use crate::findings::{Finding, Severity};

/// Arguments of `validate`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A fatal finding rejects the set that it is in; an error lets it be accepted with errors. \
`crossdock explain CODE` tells more of one.\n\nExamples:\n  crossdock validate order.edi\n  \
crossdock validate in --strict\n  crossdock validate large.edi --format json | jq -r 'select(.type == \"finding\").code' | sort | uniq -c"
)]
pub struct Args {
    #[command(flatten)]
    files: Files,
    /// Warnings make the exit code 1 too
    #[arg(long)]
    strict: bool,
    /// Least weight that is shown: advice, warning, error or fatal [default: warning, with --format json advice]
    #[arg(long, value_name = "WEIGHT", hide_possible_values = true)]
    show: Option<Weight>,
}

/// A severity on the command line.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Weight {
    Advice,
    Warning,
    Error,
    Fatal,
}

impl From<Weight> for Severity {
    fn from(weight: Weight) -> Self {
        match weight {
            Weight::Advice => Self::Advice,
            Weight::Warning => Self::Warning,
            Weight::Error => Self::Error,
            Weight::Fatal => Self::Fatal,
        }
    }
}

/// Prints the findings of each file, and sums.
///
/// # Errors
/// Files that cannot be read; output that cannot be written.
pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let library = library(context)?;
    let usual = if context.format == Format::Json { Severity::Advice } else { Severity::Warning };
    let shown = args.show.map_or(usual, Severity::from);
    let mut validation =
        Validation { context, out, shown, sums: Sums::default(), file: String::new() };
    for source in args.files.sources()? {
        validation.source(&source, &library)?;
    }
    validation.summary()?;
    let limit = if args.strict { Severity::Warning } else { Severity::Error };
    Ok(if validation.sums.tally.has(limit) { Verdict::Findings } else { Verdict::Clean })
}

#[derive(Default)]
struct Sums {
    files: u64,
    interchanges: u64,
    accepted: u64,
    with_errors: u64,
    rejected: u64,
    tally: Tally,
    not_shown: u64,
}

struct Validation<'a> {
    context: &'a Context,
    out: &'a mut dyn Write,
    shown: Severity,
    sums: Sums,
    file: String,
}

impl Validation<'_> {
    fn source(&mut self, source: &Source, library: &crate::grammar::Library) -> Result<(), Error> {
        use crate::grammar::{Checker, Scratch, Tree};
        use crate::x12::{Event, Reader};
        self.file = source.to_string();
        self.sums.files += 1;
        let mut reader = Reader::new(source.open()?);
        let mut checkers = std::collections::HashMap::<(String, String), Option<Checker>>::new();
        let (mut scratch, mut tree) = (Scratch::default(), Tree::default());
        let (mut release, mut interchange, mut group) =
            (String::new(), String::new(), String::new());
        while let Some(event) = reader.next().map_err(Error::read(self.file.clone()))? {
            match event {
                Event::Interchange(header) => {
                    self.sums.interchanges += 1;
                    interchange = header.element(13);
                    let found: Vec<_> = header.faults.iter().map(Finding::of_fault).collect();
                    self.findings(
                        &found,
                        &Scene { interchange: &interchange, ..Scene::default() },
                        None,
                    )?;
                }
                Event::Group(header) => {
                    release = header.release();
                    group = header.element(6);
                    let found: Vec<_> = header.faults.iter().map(Finding::of_fault).collect();
                    self.findings(
                        &found,
                        &Scene { interchange: &interchange, group: &group, ..Scene::default() },
                        None,
                    )?;
                }
                Event::Set(set) => {
                    let checker =
                        checkers.entry((set.id.clone(), release.clone())).or_insert_with(|| {
                            library.grammar(&set.id, &release).map(|g| Checker::new(g.clone()))
                        });
                    let mut found = crate::findings::Findings::default();
                    for fault in &set.faults {
                        found.push(Finding::of_fault(fault));
                    }
                    if let Some(checker) = checker {
                        checker.check(&set.segments, &mut scratch, &mut tree, &mut found);
                    }
                    match found.worst() {
                        Some(Severity::Fatal) => self.sums.rejected += 1,
                        Some(Severity::Error) => self.sums.with_errors += 1,
                        _ => self.sums.accepted += 1,
                    }
                    if found.is_empty() {
                        continue;
                    }
                    let scene = Scene {
                        interchange: &interchange,
                        group: &group,
                        set: Some((&set.id, &set.control_number.0)),
                        ..Scene::default()
                    };
                    self.findings(&found.finish(), &scene, Some(&set.segments))?;
                }
                Event::GroupEnd(end) => {
                    let found: Vec<_> = end.faults.iter().map(Finding::of_fault).collect();
                    self.findings(
                        &found,
                        &Scene { interchange: &interchange, group: &group, ..Scene::default() },
                        None,
                    )?;
                }
                Event::InterchangeEnd(end) => {
                    let found: Vec<_> = end.faults.iter().map(Finding::of_fault).collect();
                    self.findings(
                        &found,
                        &Scene { interchange: &interchange, ..Scene::default() },
                        None,
                    )?;
                }
                Event::Stray(fault) => {
                    self.findings(&[Finding::of_fault(&fault)], &Scene::default(), None)?
                }
                Event::InterchangeAck(_) => {}
            }
        }
        Ok(())
    }

    fn findings(
        &mut self,
        findings: &[Finding],
        scene: &Scene<'_>,
        set: Option<&crate::x12::Segments<'_>>,
    ) -> Result<(), Error> {
        for finding in findings {
            self.sums.tally.add(finding.severity);
            if finding.severity < self.shown {
                self.sums.not_shown += 1;
                continue;
            }
            let mut scene = Scene { file: &self.file, ..*scene };
            if let Some(segments) = set {
                scene.look_up(segments, finding);
            }
            report::finding(finding, &scene, self.context, self.out)?;
        }
        Ok(())
    }

    fn summary(&mut self) -> Result<(), Error> {
        let Sums { files, interchanges, accepted, with_errors, rejected, tally, not_shown } =
            &self.sums;
        if self.context.format == Format::Json {
            let value = json!({
                "type": "summary", "files": files, "interchanges": interchanges,
                "sets": {"accepted": accepted, "accepted_with_errors": with_errors, "rejected": rejected},
                "findings": tally,
            });
            return Ok(writeln!(self.out, "{value}")?);
        }
        let sets = accepted + with_errors + rejected;
        let mut parts = vec![format!("{} accepted", grouped(*accepted))];
        if *with_errors > 0 {
            parts.push(format!("{} accepted with errors", grouped(*with_errors)));
        }
        if *rejected > 0 {
            parts.push(format!("{} rejected", grouped(*rejected)));
        }
        let files = if *files > 1 { format!("{} files, ", grouped(*files)) } else { String::new() };
        let hidden = if *not_shown > 0 {
            format!(" ({} not shown; --show advice shows all)", grouped(*not_shown))
        } else {
            String::new()
        };
        writeln!(
            self.out,
            "{files}{}, {}: {}; {}{hidden}",
            count(*interchanges, "interchange", "interchanges"),
            count(sets, "set", "sets"),
            parts.join(", "),
            tally.words(&self.context.paint),
        )?;
        Ok(())
    }
}
