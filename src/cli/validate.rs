//! `crossdock validate`: everything that is wrong with a file, as its receiver would judge it.

use std::io::Write;
use std::path::PathBuf;

use serde_json::json;

use super::definitions::engine;
use super::input::{Failures, Files, Source};
use super::overlays::Named;
use super::report::{self, Tally, count, grouped};
use super::scene::{self, Depth, Met, Scene};
use super::{Context, Error, Format, Verdict};
use crate::findings::{Code, Finding, Severity};
use crate::translate::{CheckedSet, Engine, Options};

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
    /// Check by an overlay too: what a partner has agreed beyond the grammar; each lies over those before it
    #[arg(long, value_name = "FILE")]
    overlay: Vec<PathBuf>,
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
    let overlays = Named::read(&args.overlay, &engine)?;
    for warning in &overlays.warnings {
        super::say(context, &format!("warning: {warning}"));
    }
    let usual = if context.format == Format::Json { Severity::Advice } else { Severity::Warning };
    let shown = args.show.map_or(usual, Severity::from);
    let mut validation = Validation {
        context,
        overlays: &overlays,
        out,
        shown,
        sums: Sums::default(),
        group: None,
        interchange: None,
    };
    let mut failures = Failures::default();
    for source in args.files.sources()? {
        let done = validation.source(&source, &engine);
        failures.take(done, context)?;
    }
    if validation.sums.files > 0 {
        validation.summary()?;
    }
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

/// Sets that fall with the group or interchange around them: their verdict holds once its trailer has come.
#[derive(Default)]
struct Held {
    accepted: u64,
    with_errors: u64,
    /// Whether the envelope has a fatal finding.
    fatal: bool,
}

impl Held {
    fn open(findings: &[Finding]) -> Self {
        Self { fatal: is_fatal(findings), ..Self::default() }
    }

    /// At the trailer: hands on what stands, and counts the rest as rejected.
    fn close(&mut self, findings: &[Finding], sums: &mut Sums) -> (u64, u64) {
        let Self { accepted, with_errors, fatal } = std::mem::take(self);
        if !fatal && !is_fatal(findings) {
            return (accepted, with_errors);
        }
        sums.accepted -= accepted;
        sums.with_errors -= with_errors;
        sums.rejected += accepted + with_errors;
        (0, 0)
    }
}

fn is_fatal(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Fatal)
}

struct Validation<'a> {
    context: &'a Context,
    overlays: &'a Named,
    out: &'a mut dyn Write,
    shown: Severity,
    sums: Sums,
    /// What is open.
    group: Option<Held>,
    interchange: Option<Held>,
}

impl Validation<'_> {
    fn source(&mut self, source: &Source, engine: &Engine) -> Result<(), Error> {
        let input = source.open()?;
        self.sums.files += 1;
        scene::read(
            engine,
            input,
            source,
            Options { overlays: Some(self.overlays), ..Options::default() },
            Depth::Meaning,
            |met, findings, scene| {
                let mut set = None;
                if let Met::Set(checked) = &met {
                    set = Some(&checked.segments);
                }
                self.count(&met, findings);
                for finding in findings {
                    let scene = set.map_or(scene, |segments| scene.at(finding, segments));
                    self.finding(finding, &scene)?;
                }
                Ok(())
            },
        )?;
        Ok(())
    }

    fn count(&mut self, met: &Met<'_>, findings: &[Finding]) {
        match met {
            Met::Interchange(_) => {
                self.sums.interchanges += 1;
                self.interchange = Some(Held::open(findings));
            }
            Met::Group(_) => self.group = Some(Held::open(findings)),
            Met::Set(checked) => self.count_set(checked),
            Met::GroupEnd => {
                let mut group = self.group.take().unwrap_or_default();
                let (accepted, with_errors) = group.close(findings, &mut self.sums);
                if let Some(interchange) = &mut self.interchange {
                    interchange.accepted += accepted;
                    interchange.with_errors += with_errors;
                }
            }
            Met::InterchangeEnd => {
                let mut interchange = self.interchange.take().unwrap_or_default();
                interchange.close(findings, &mut self.sums);
            }
            Met::Stray => self.count_stray(findings),
            Met::InterchangeAck(..) => {}
        }
    }

    fn count_set(&mut self, set: &CheckedSet<'_>) {
        let worst = set.worst();
        if worst == Some(Severity::Fatal) {
            self.sums.rejected += 1;
            // Nothing but the interchange can answer for it.
            if let Some(interchange) = self.interchange.as_mut().filter(|_| set.is_outside) {
                interchange.fatal = true;
            }
            return;
        }
        let with_errors = u64::from(worst == Some(Severity::Error));
        self.sums.with_errors += with_errors;
        self.sums.accepted += 1 - with_errors;
        if let Some(group) = &mut self.group {
            group.with_errors += with_errors;
            group.accepted += 1 - with_errors;
        }
    }

    /// What belongs to no set falls on the group or interchange that is open; what ends like a set is one of the
    /// group's.
    fn count_stray(&mut self, findings: &[Finding]) {
        for finding in findings.iter().filter(|f| f.severity == Severity::Fatal) {
            match (&mut self.group, &mut self.interchange) {
                (Some(_), _) if finding.code == Code::SetHeaderMissing => self.sums.rejected += 1,
                (Some(held), _) | (None, Some(held)) => held.fatal = true,
                (None, None) => {}
            }
        }
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
