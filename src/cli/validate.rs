//! `crossdock validate`: everything that is wrong with a file, as its receiver would judge it.

use std::io::Write;

use serde_json::json;

use super::definitions::engine;
use super::input::{Failures, Files, Source};
use super::report::{self, Tally, count, grouped};
use super::scene::{self, Depth, Met, Scene};
use super::{Context, Error, Format, Verdict};
use crate::findings::{Finding, Severity};
use crate::translate::{Engine, Options};

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
    let engine = engine(context)?;
    let usual = if context.format == Format::Json { Severity::Advice } else { Severity::Warning };
    let shown = args.show.map_or(usual, Severity::from);
    let mut validation = Validation { context, out, shown, sums: Sums::default() };
    let mut failures = Failures::default();
    for source in args.files.sources()? {
        let done = validation.source(&source, &engine);
        failures.take(done, context)?;
    }
    validation.summary()?;
    failures.finish()?;
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
}

impl Validation<'_> {
    fn source(&mut self, source: &Source, engine: &Engine) -> Result<(), Error> {
        self.sums.files += 1;
        scene::read(
            engine,
            source.open()?,
            source,
            Options::default(),
            Depth::Meaning,
            |met, findings, scene| {
                let mut set = None;
                match met {
                    Met::Interchange(_) => self.sums.interchanges += 1,
                    Met::Set(checked) => {
                        set = Some(&checked.segments);
                        match checked.worst() {
                            Some(Severity::Fatal) => self.sums.rejected += 1,
                            Some(Severity::Error) => self.sums.with_errors += 1,
                            _ => self.sums.accepted += 1,
                        }
                    }
                    _ => {}
                }
                for finding in findings {
                    let scene = set.map_or(scene, |segments| scene.at(finding, segments));
                    self.finding(finding, &scene)?;
                }
                Ok(())
            },
        )?;
        Ok(())
    }

    fn finding(&mut self, finding: &Finding, scene: &Scene<'_>) -> Result<(), Error> {
        self.sums.tally.add(finding.severity);
        if finding.severity < self.shown {
            self.sums.not_shown += 1;
            return Ok(());
        }
        Ok(report::finding(finding, scene, self.context, self.out)?)
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
