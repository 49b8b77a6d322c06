//! `crossdock acks`: the clocks of acknowledgements, and the log of them.

use std::io::Write;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::serve::ConfigArgs;
use super::table::table;
use super::{Context, Error, Format, Verdict};
use crate::gateway::{AckState, Expectation, Records, Timing, ack_lines, message_of, open_records};

/// Expectations that are read at a time.
const PAGE: usize = 1000;

/// Arguments of `acks`.
#[derive(Debug, clap::Args)]
#[command(
    long_about = "Show what partners have acknowledged of what was sent, and what they still have to.\n\n\
Works beside a gateway that runs, and without one.",
    after_help = "With --overdue the exit code is 1 where anything is overdue.\n\n\
Examples:\n  crossdock acks --waiting\n  crossdock acks --partner harbor-and-pine --since 7d\n  \
crossdock acks --log --since 2026-11-01 > november.jsonl"
)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Only those of this partner
    #[arg(long, value_name = "NAME")]
    partner: Option<String>,
    /// Only what is overdue
    #[arg(long)]
    overdue: bool,
    /// Only what is not acknowledged yet
    #[arg(long, conflicts_with = "overdue")]
    waiting: bool,
    /// Only what was sent since then: a day, a moment, or a span such as 36h or 7d
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<Timestamp>,
    /// Print the acknowledgement log instead: a JSON object for each event
    #[arg(long, conflicts_with_all = ["overdue", "waiting"])]
    log: bool,
}

/// `2026-11-01`, `2026-11-01T08:00Z`, or a span back from now: `36h`, `7d`.
pub(super) fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        let start = day.to_zoned(TimeZone::UTC).map_err(|e| e.to_string())?;
        return Ok(start.timestamp());
    }
    let wrong =
        || format!("{text:?} is no day (2026-11-01), moment (2026-11-01T08:00Z) or span (36h, 7d)");
    let number = text.get(..text.len().saturating_sub(1)).unwrap_or_default();
    let number: i64 = number.parse().map_err(|_| wrong())?;
    let seconds = match text.chars().last() {
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86_400,
        _ => return Err(wrong()),
    };
    let back = number.checked_mul(seconds).filter(|span| *span >= 0).ok_or_else(wrong)?;
    Timestamp::now().checked_sub(SignedDuration::from_secs(back)).map_err(|_| wrong())
}

/// Whether a span of time has its ends in order.
///
/// # Errors
/// Where it ends before it begins.
pub(super) fn in_order(since: Option<Timestamp>, until: Option<Timestamp>) -> Result<(), Error> {
    match (since, until) {
        (Some(since), Some(until)) if since > until => Err(Error::Unknown(format!(
            "--since {since:.0} is later than --until {until:.0}: there is no time between them"
        ))),
        _ => Ok(()),
    }
}

/// Prints them.
///
/// # Errors
/// A configuration or store that cannot be read; output that cannot be written.
pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let config = args.config.read()?;
    let records = open_records(&config)?;
    if args.log {
        return log(args, records.as_ref(), out);
    }
    let found = find(args, records.as_ref())?;
    if found.is_empty() {
        config.is_partner(args.partner.as_deref()).map_err(Error::Unknown)?;
    }
    if context.format == Format::Json {
        for one in &found {
            writeln!(out, "{}", as_json(one, records.as_ref())?)?;
        }
    } else {
        show(&found, records.as_ref(), context, out)?;
    }
    let is_overdue = |one: &Expectation| one.state == AckState::Overdue;
    Ok(if args.overdue && found.iter().any(is_overdue) {
        Verdict::Findings
    } else {
        Verdict::Clean
    })
}

fn log(args: &Args, records: &dyn Records, out: &mut dyn Write) -> Result<Verdict, Error> {
    let (lines, _) = ack_lines(records, 0)?;
    for line in lines {
        let is_partners = args.partner.as_ref().is_none_or(|name| *name == line.partner);
        if is_partners && args.since.is_none_or(|since| line.at >= since) {
            let json = serde_json::to_string(&line).map_err(|e| Error::Gateway(e.to_string()))?;
            writeln!(out, "{json}")?;
        }
    }
    Ok(Verdict::Clean)
}

fn find(args: &Args, records: &dyn Records) -> Result<Vec<Expectation>, Error> {
    let mut found = Vec::new();
    let mut after: Option<Expectation> = None;
    loop {
        let start = after.as_ref().map(|one| (one.partner.as_str(), one.group, one.set));
        let page = records.all_expectations(start, PAGE)?;
        let Some(last) = page.last().cloned() else { break };
        found.extend(page.into_iter().filter(|one| wanted(args, one)));
        after = Some(last);
    }
    found.sort_by_key(|one| (!one.state.is_waiting(), one.due));
    Ok(found)
}

fn wanted(args: &Args, one: &Expectation) -> bool {
    args.partner.as_ref().is_none_or(|name| *name == one.partner)
        && args.since.is_none_or(|since| one.sent >= since)
        && (!args.overdue || one.state == AckState::Overdue)
        && (!args.waiting || one.state.is_waiting())
}

/// The state in words, with how it fits the time agreed.
pub(super) fn words(one: &Expectation, now: Timestamp) -> String {
    let span = |from: Timestamp, to: Timestamp| in_words(to.duration_since(from));
    match (one.state, one.answered) {
        (AckState::Open | AckState::DueSoon, _) => {
            format!("waiting, {} left{}", span(now, one.due), partial(one))
        }
        (AckState::Overdue, _) => format!("overdue by {}{}", span(one.due, now), partial(one)),
        (AckState::Replaced, _) => one.state.words().to_owned(),
        (state, answered) => {
            let verdict = state.words();
            let when = match (one.timing, answered) {
                (Some(Timing::Late), Some(at)) => format!(", {} late", span(one.due, at)),
                (Some(Timing::Early), _) => ", early".to_owned(),
                (_, Some(at)) => format!(" after {}", span(one.sent, at)),
                _ => String::new(),
            };
            let again = match one.repeated {
                0 => String::new(),
                n => format!(", said {} times", n + 1),
            };
            format!("{verdict}{when}{again}")
        }
    }
}

fn partial(one: &Expectation) -> &'static str {
    if one.partial { "; its group was accepted in part" } else { "" }
}

/// A span in its two largest units: `2d 3h`.
pub(super) fn in_words(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    let parts = [(seconds / 86_400, 'd'), (seconds / 3600 % 24, 'h'), (seconds / 60 % 60, 'm')];
    let parts: Vec<String> = parts
        .into_iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if parts.is_empty() { format!("{seconds}s") } else { parts.join(" ") }
}

fn show(
    found: &[Expectation],
    records: &dyn Records,
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), Error> {
    if found.is_empty() {
        writeln!(out, "Nothing of that is expected.")?;
        return Ok(());
    }
    let now = Timestamp::now();
    let mut rows = Vec::with_capacity(found.len());
    for one in found {
        let record = records.document(&one.document)?;
        let receipt = match &record {
            Some(record) => message_of(records, record)?,
            None => None,
        };
        let receipt = receipt.map(|message| format!("; {}", message.receipt_words()));
        let document =
            record.map_or_else(|| one.document.clone(), |d| format!("{} {}", d.kind, d.number));
        rows.push([
            one.partner.clone(),
            one.set_id.clone(),
            format!("{}/{}", one.group, one.set_number()),
            document,
            minute(one.sent),
            minute(one.due),
            words(one, now) + &receipt.unwrap_or_default(),
        ]);
    }
    let headings = ["partner", "set", "group/set", "document", "sent (UTC)", "due (UTC)", "state"];
    table(headings, &rows, context, out)?;
    let count = |is: fn(AckState) -> bool| found.iter().filter(|one| is(one.state)).count();
    let (waiting, overdue, rejected) = (
        count(|state| matches!(state, AckState::Open | AckState::DueSoon)),
        count(|state| state == AckState::Overdue),
        count(|state| state == AckState::Rejected),
    );
    let all = found.len();
    writeln!(out, "\n{all} sent: {waiting} waiting, {overdue} overdue, {rejected} rejected")?;
    Ok(())
}

/// A moment to the minute.
pub(super) fn minute(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M").to_string()
}

fn as_json(one: &Expectation, records: &dyn Records) -> Result<serde_json::Value, Error> {
    let document = records.document(&one.document)?;
    let message = document.as_ref().map(|document| message_of(records, document)).transpose()?;
    let receipt = message.flatten().map(|message| {
        json!({
            "message_id": message.key.message_id, "state": message.state, "at": message.receipt_at,
            "signed": message.receipt_signed, "features": message.features, "payload": message.receipt, "words": message.words,
        })
    });
    Ok(json!({
        "type": "acknowledgement", "partner": one.partner, "set": one.set_id, "group": one.group,
        "control_number": one.set_number(), "document": one.document,
        "kind": document.as_ref().map(|d| &d.kind), "number": document.as_ref().map(|d| &d.number),
        "sent": one.sent, "due": one.due, "state": one.state, "answered": one.answered,
        "timing": one.timing, "repeated": one.repeated, "receipt": receipt,
    }))
}
