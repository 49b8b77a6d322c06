//! `crossdock status`: what an operator asks first.

use std::io::Write;

use jiff::Timestamp;

use super::acks::in_words;
use super::serve::ConfigArgs;
use super::table::table;
use super::{Context, Error, Format, Verdict};
use crate::gateway::{Status, Trouble};

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
#[command(
    long_about = "Show whether the gateway runs, whether it looks into every mailbox, what waits and what is wrong.\n\n\
It is what the gateway wrote last into status.json of the data folder; it does so every few seconds.",
    after_help = "The exit code is 1 where the gateway does not run or anything is wrong.\n\n\
Examples:\n  crossdock status\n  crossdock status --config /etc/crossdock/crossdock.toml --format json"
)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

/// Prints it.
///
/// # Errors
/// A configuration or status that cannot be read; output that cannot be written.
pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let config = args.config.read()?;
    let found = Status::read(&config).map_err(|e| Error::Gateway(e.to_string()))?;
    let Some(status) = found else {
        let data = config.data.display();
        let words = format!("no gateway has run in {data} yet: begin with `crossdock serve`");
        return Err(Error::Gateway(words));
    };
    let now = Timestamp::now();
    let is_well = is_well(&status, now);
    if context.format == Format::Json {
        let json = serde_json::to_string(&status).map_err(|e| Error::Gateway(e.to_string()))?;
        writeln!(out, "{json}")?;
    } else {
        show(&status, now, context, out)?;
    }
    Ok(if is_well { Verdict::Clean } else { Verdict::Findings })
}

fn is_well(status: &Status, now: Timestamp) -> bool {
    status.is_running(now)
        && status.failing == 0
        && status.parked.is_empty()
        && status.places.values().all(|place| place.error.is_none())
        && status.exceptions.values().all(|count| *count == 0)
        && status.profiles.left_out.is_empty()
        && status.profiles.refused.is_none()
}

fn show(
    status: &Status,
    now: Timestamp,
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let paint = &context.paint;
    let (strong, good) = (paint.strong, paint.good);
    let bad = paint.severity(crate::findings::Severity::Error);
    let ago = |at: Timestamp| format!("{} ago", in_words(now.duration_since(at)));
    if status.is_running(now) {
        writeln!(out, "{good}The gateway runs{good:#} (version {}).", status.version)?;
    } else {
        let why = status.error.as_ref().map_or(String::new(), |error| format!(": {error}"));
        let last = ago(status.at);
        writeln!(out, "{bad}The gateway does not run{bad:#}; it was last seen {last}{why}.")?;
    }
    let profiles = &status.profiles;
    writeln!(
        out,
        "{}",
        counted(profiles.partners, "partner is in force", "partners are in force")
    )?;
    for name in &profiles.left_out {
        writeln!(
            out,
            "  {bad}{name}: its profile cannot be used{bad:#}; see `crossdock partner check`"
        )?;
    }
    if let Some(refused) = &profiles.refused {
        let when = ago(refused.at);
        writeln!(
            out,
            "  {bad}changed profiles were refused {when}{bad:#}, those before stay in force:"
        )?;
        for problem in &refused.problems {
            writeln!(out, "    {problem}")?;
        }
    }
    writeln!(out)?;
    let places: Vec<[String; 3]> = status
        .places
        .iter()
        .map(|(place, look)| {
            [place.clone(), ago(look.at), look.error.clone().unwrap_or_else(|| "well".to_owned())]
        })
        .collect();
    table(["PLACE", "LOOKED", "STATE"], &places, context, out)?;
    let waiting: usize = status.waiting.values().sum();
    writeln!(out, "\n{}", counted(waiting, "piece of work waits", "pieces of work wait"))?;
    for (lane, count) in status.waiting.iter().filter(|(_, count)| **count > 0) {
        writeln!(out, "  {count} in {lane}")?;
    }
    let troubles = |title: &str, all: &[Trouble], out: &mut dyn Write| -> Result<(), Error> {
        if !all.is_empty() {
            writeln!(out, "\n{strong}{title}{strong:#}")?;
        }
        for one in all {
            let times = counted(one.attempts as usize, "attempt", "attempts");
            writeln!(
                out,
                "  {} since {}, {times}: {bad}{}{bad:#}",
                one.what,
                ago(one.since),
                one.error
            )?;
        }
        Ok(())
    };
    let failing = format!("{} failed and will be tried again", status.failing);
    troubles(&failing, &status.failed, out)?;
    troubles("Refused for good; `crossdock requeue` has it tried again", &status.parked, out)?;
    let open: usize = status.exceptions.values().sum();
    if open == 0 {
        writeln!(out, "\nNo exception is open.")?;
    } else {
        let by_weight = status.exceptions.iter().filter(|(_, count)| **count > 0);
        let by_weight: Vec<String> =
            by_weight.map(|(name, count)| format!("{count} {name}")).collect();
        let words = counted(open, "exception is open", "exceptions are open");
        writeln!(
            out,
            "\n{bad}{words}{bad:#} ({}); see `crossdock exceptions`.",
            by_weight.join(", ")
        )?;
    }
    Ok(())
}

fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}
