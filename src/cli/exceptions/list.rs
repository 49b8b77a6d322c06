//! What is open, as a table.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::io::Write;

use jiff::Timestamp;

use super::super::serve::ConfigArgs;
use super::super::snippet::shown;
use super::super::{Context, Error, Format, Verdict};
use super::{kinds, open};
use crate::exceptions::{Kind, Severity};
use crate::gateway::{Exception, ExceptionState, Records};

/// Arguments of the list.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only those of a partner
    #[arg(long, value_name = "NAME")]
    partner: Option<String>,
    /// Only those of a kind (`crossdock exceptions kinds`)
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only those of a severity: critical, high or normal. May be repeated
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    severity: Vec<Severity>,
    /// Only those that somebody is to look at, by the name in the profile or in crossdock.toml; "" for those of nobody
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Settled ones too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Read at a time.
const PAGE: usize = 1000;
/// Listed at most: more than anybody reads, and a bound of the memory.
const LISTED_MAX: usize = 100_000;

fn severity(name: &str) -> Result<Severity, String> {
    let names = Severity::ALL.map(Severity::name).join(", ");
    let found = Severity::ALL.into_iter().find(|severity| severity.name() == name);
    found.ok_or_else(|| format!("there are {names}"))
}

/// Lists them.
///
/// # Errors
/// A configuration that cannot be used; a store that cannot be reached.
pub fn run(args: &ListArgs, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let kind = args.kind.as_deref().map(kinds::named).transpose()?;
    let records = open(&args.config)?;
    let mut found = Vec::new();
    let mut after = 0;
    while found.len() < LISTED_MAX {
        let page = page(records.as_ref(), args.all, after)?;
        let Some(last) = page.last() else { break };
        after = last.id;
        found.extend(page.into_iter().filter(|one| {
            kind.is_none_or(|kind: Kind| kind == one.kind)
                && args.partner.as_ref().is_none_or(|name| *name == one.partner)
                && args.owner.as_ref().is_none_or(|name| *name == one.owner)
                && (args.severity.is_empty() || args.severity.contains(&one.severity))
        }));
    }
    if context.format == Format::Json {
        for one in &found {
            writeln!(out, "{}", as_json(one)?)?;
        }
        return Ok(verdict(&found));
    }
    if found.is_empty() {
        args.config.read()?.is_partner(args.partner.as_deref()).map_err(Error::Unknown)?;
        let filters = [&args.kind, &args.owner, &args.partner].iter().any(|one| one.is_some());
        let of_that = if filters || !args.severity.is_empty() { " of that" } else { "" };
        writeln!(out, "Nothing{of_that} is open.")?;
        return Ok(Verdict::Clean);
    }
    // What is open before what is not, and then the most urgent.
    found.sort_by_key(|one| (one.state != ExceptionState::Open, Reverse(one.severity), one.due));
    for one in &mut found {
        name_what_is_open(records.as_ref(), one)?;
    }
    table(&found, context, out)?;
    Ok(verdict(&found))
}

fn page(records: &dyn Records, all: bool, after: u64) -> Result<Vec<Exception>, Error> {
    let page =
        if all { records.exceptions(after, PAGE) } else { records.open_exceptions(after, PAGE) };
    page.map_err(|e| Error::Gateway(e.to_string()))
}

fn verdict(found: &[Exception]) -> Verdict {
    if found.iter().any(|one| one.state == ExceptionState::Open) {
        Verdict::Findings
    } else {
        Verdict::Clean
    }
}

/// Things that are named where only some of an exception are open.
const NAMED_MAX: usize = 5;

/// What was told last of an exception may be settled by now: then what is open stands in its words.
fn name_what_is_open(records: &dyn Records, one: &mut Exception) -> Result<(), Error> {
    if one.state != ExceptionState::Open || one.open_items == one.items {
        return Ok(());
    }
    let items = records.exception_items(one.id).map_err(|e| Error::Gateway(e.to_string()))?;
    let open: Vec<&str> =
        items.iter().filter(|item| !item.settled).map(|item| item.subject.label()).collect();
    let more = if open.len() > NAMED_MAX { ", …" } else { "" };
    let named = open[..open.len().min(NAMED_MAX)].join(", ");
    one.words = format!("{} of {} open: {named}{more}", open.len(), items.len());
    Ok(())
}

/// One as a line of JSON.
pub(super) fn as_json(one: &Exception) -> Result<serde_json::Value, Error> {
    let mut line = serde_json::to_value(one).map_err(|e| Error::Gateway(e.to_string()))?;
    line["type"] = "exception".into();
    line["playbook"] = one.kind.entry().playbook.path().into();
    Ok(line)
}

fn table(found: &[Exception], context: &Context, out: &mut dyn Write) -> Result<(), Error> {
    let now = Timestamp::now();
    let head = ["ID", "SEVERITY", "AGE", "DUE", "PARTNER", "KIND", "COUNT", "WHAT"];
    let rows: Vec<[String; 8]> = found.iter().map(|one| row(one, now)).collect();
    let mut widths = head.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let before: usize = widths[..7].iter().map(|width| width + 2).sum();
    let room = context.paint.room(120, before).max(40);
    let (strong, faint) = (context.paint.strong, context.paint.faint);
    let line = |cells: [&str; 8]| {
        let mut text = String::new();
        for (cell, width) in cells.iter().zip(widths).take(7) {
            // Writing into a String cannot fail.
            let _ = write!(text, "{cell:<width$}  ");
        }
        let words = cells[7];
        if words.chars().count() > room {
            text.extend(words.chars().take(room - 1));
            text.push('…');
        } else {
            text.push_str(words);
        }
        text
    };
    writeln!(out, "{faint}{}{faint:#}", line(head))?;
    for (row, one) in rows.iter().zip(found) {
        let text = line(row.each_ref().map(String::as_str));
        let is_open = one.state == ExceptionState::Open;
        if is_open && one.severity == Severity::Critical {
            writeln!(out, "{strong}{text}{strong:#}")?;
        } else if is_open {
            writeln!(out, "{text}")?;
        } else {
            writeln!(out, "{faint}{text}{faint:#}")?;
        }
    }
    Ok(())
}

fn row(one: &Exception, now: Timestamp) -> [String; 8] {
    let due = match (&one.settled, now.duration_until(one.due)) {
        (Some(settled), _) => settled.how.map_or("mended", |how| how.name()).to_owned(),
        (None, left) if left.is_negative() => format!("{} over", span(-left)),
        (None, left) => format!("in {}", span(left)),
    };
    let partner = if one.partner.is_empty() { "-" } else { &one.partner };
    [
        one.id.to_string(),
        one.severity.name().to_owned(),
        span(one.opened.duration_until(now)),
        due,
        partner.to_owned(),
        one.kind.name().to_owned(),
        one.count.to_string(),
        plain(&one.words),
    ]
}

/// One line, whatever a partner has sent.
pub(in crate::cli) fn plain(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { ' ' } else { shown(c) }).collect()
}

/// A span of time in its largest unit.
fn span(span: jiff::SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}
