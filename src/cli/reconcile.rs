//! `crossdock reconcile`: what of a day agrees, and what does not.

use std::io::Write;

use jiff::civil::Date;
use jiff::{ToSpan as _, Zoned};

use super::definitions::engine;
use super::serve::ConfigArgs;
use super::{Context, Error, Format, Verdict};
use crate::gateway::{open_records, reconcile, sets_of};

/// Arguments of `reconcile`.
#[derive(Debug, clap::Args)]
#[command(
    long_about = "Hold what was received on a day against what was delivered, and what was sent against what was acknowledged, \
for each partner and kind of document, as it stands now.\n\nWorks beside a gateway that runs, and without one. The gateway \
itself writes the report of each day into `reconciliation` of the data folder.",
    after_help = "The exit code is 1 where something does not agree."
)]
pub struct Args {
    #[command(flatten)]
    day: Day,
    #[command(flatten)]
    config: ConfigArgs,
}

/// The day that is looked at, and whose.
#[derive(Debug, clap::Args)]
pub(super) struct Day {
    /// The day, by the clock of this machine; yesterday where it is not given
    #[arg(long, value_name = "DAY")]
    date: Option<Date>,
    /// Only what is this partner's
    #[arg(long, value_name = "NAME")]
    pub(super) partner: Option<String>,
}

impl Day {
    pub(super) fn date(&self) -> Date {
        self.date.unwrap_or_else(|| Zoned::now().date().saturating_sub(1.day()))
    }
}

/// Prints the report.
///
/// # Errors
/// A configuration or store that cannot be read; output that cannot be written.
pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let config = args.config.read()?;
    let sets = sets_of(&config, &engine(context)?);
    let records = open_records(&config)?;
    let Args { day, .. } = args;
    let report = reconcile(records.as_ref(), day.date(), day.partner.as_deref(), &sets)?;
    if report.inbound.is_empty() && report.outbound.is_empty() && report.agrees {
        config.is_partner(day.partner.as_deref()).map_err(Error::Unknown)?;
    }
    if context.format == Format::Json {
        let json = serde_json::to_string(&report).map_err(|e| Error::Gateway(e.to_string()))?;
        writeln!(out, "{json}")?;
    } else {
        write!(out, "{report}")?;
    }
    Ok(if report.agrees { Verdict::Clean } else { Verdict::Findings })
}
