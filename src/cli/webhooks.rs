//! `crossdock webhooks`: what waits for webhooks, and events once more.

use std::io::Write;

use jiff::Timestamp;
use serde_json::json;

use super::acks::{in_order, minute, since};
use super::exceptions::who;
use super::serve::ConfigArgs;
use super::table::table;
use super::{Context, Error, Format, Verdict, runtime};
use crate::gateway::{
    self, Replaying, Waiting, open_records, ping_webhook, replay_events, waiting_events,
};

/// Arguments of `webhooks`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show what waits for each webhook, and why
    #[command(after_help = "Exit codes: 0 nothing fails, 1 something does, 2 failure of ours.")]
    List(ListArgs),
    /// Post a test event now, and say whether it was taken
    Test(TestArgs),
    /// Send events of the past once more, with the ids that they had
    #[command(
        long_about = "Send events of the past once more, with the ids that they had.\n\nWorks beside a gateway that \
runs, and without one. They go behind what waits. A receiver that knows the ids drops what it has.",
        after_help = "Examples:\n  crossdock webhooks replay shop --since 24h\n  \
crossdock webhooks replay shop --since 2026-11-01 --until 2026-11-02\n  \
crossdock webhooks replay shop --since 30d --document shipment-SH-20417-956df9ec"
    )]
    Replay(ReplayArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, clap::Args)]
struct TestArgs {
    /// A webhook (`[webhooks.NAME]`)
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, clap::Args)]
struct ReplayArgs {
    /// A webhook (`[webhooks.NAME]`)
    #[arg(value_name = "NAME")]
    name: String,
    /// What happened since then: a day, a moment, or a span such as 24h or 7d
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Timestamp,
    /// … and before this; until now where it is not given
    #[arg(long, value_name = "WHEN", value_parser = since)]
    until: Option<Timestamp>,
    /// Only what is about this document, by its id
    #[arg(long, value_name = "ID")]
    document: Option<String>,
    /// Who does it, for the record; the user's name where it is not given
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Does it.
///
/// # Errors
/// A configuration that cannot be used; a name that there is not; records that cannot be read.
pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    match &args.command {
        Command::List(args) => list(args, context, out),
        Command::Test(args) => test(args, context, out),
        Command::Replay(args) => replay(args, context, out),
    }
}

fn list(args: &ListArgs, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let config = args.config.read()?;
    let records = open_records(&config)?;
    let waiting = waiting_events(&config, records.as_ref()).map_err(of_gateway)?;
    if context.format == Format::Json {
        for one in &waiting {
            let line = json!({
                "type": "webhook", "webhook": one.webhook, "configured": one.is_configured,
                "waiting": one.events, "failing": one.failing, "since": one.since,
                "error": one.error,
            });
            writeln!(out, "{line}")?;
        }
    } else {
        let rows: Vec<[String; 5]> = waiting.iter().map(row).collect();
        table(["webhook", "waiting", "failing", "since", "why"], &rows, context, out)?;
    }
    let fails = waiting.iter().any(|one| one.failing > 0);
    Ok(if fails { Verdict::Findings } else { Verdict::Clean })
}

fn row(one: &Waiting) -> [String; 5] {
    let why = if one.is_configured { &one.error } else { "it is not configured any more" };
    [
        one.webhook.clone(),
        one.events.to_string(),
        one.failing.to_string(),
        one.since.map(minute).unwrap_or_default(),
        why.to_owned(),
    ]
}

fn test(args: &TestArgs, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let config = args.config.read()?;
    let runtime = runtime(Some(1))?;
    let _within = runtime.enter();
    let error = match ping_webhook(&config, &args.name) {
        Ok(()) => None,
        Err(gateway::Error::Notify(e)) => Some(e.to_string()),
        Err(e) => return Err(of_gateway(e)),
    };
    let name = &args.name;
    match (context.format, &error) {
        (Format::Json, error) => {
            let taken = error.is_none();
            let line = json!({ "type": "test", "webhook": name, "taken": taken, "error": error });
            writeln!(out, "{line}")?;
        }
        (Format::Human, None) => writeln!(out, "{name}: taken")?,
        (Format::Human, Some(words)) => writeln!(out, "{name}: not taken: {words}")?,
    }
    Ok(if error.is_some() { Verdict::Findings } else { Verdict::Clean })
}

fn replay(args: &ReplayArgs, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    in_order(Some(args.since), args.until)?;
    let config = args.config.read()?;
    let by = who(args.who.as_deref())?;
    let records = open_records(&config)?;
    let replaying = Replaying {
        webhook: &args.name,
        since: args.since,
        until: args.until.unwrap_or_else(Timestamp::now),
        document: args.document.as_deref(),
        who: &by,
    };
    let done = replay_events(&config, records.as_ref(), &replaying).map_err(of_gateway)?;
    let (events, more) = done;
    if context.format == Format::Json {
        writeln!(out, "{}", json!({ "type": "replay", "events": events, "more_since": more }))?;
        return Ok(Verdict::Clean);
    }
    writeln!(
        out,
        "{} sent once more.",
        super::report::count(events as u64, "event is", "events are")
    )?;
    if let Some(since) = more {
        writeln!(out, "There are more: go on with --since {since}.")?;
    }
    Ok(Verdict::Clean)
}

fn of_gateway(error: gateway::Error) -> Error {
    match error {
        gateway::Error::Configuration(words) => Error::Unknown(words),
        gateway::Error::Store(e) => e.into(),
        other => Error::Gateway(other.to_string()),
    }
}
