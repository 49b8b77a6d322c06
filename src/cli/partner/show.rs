//! `crossdock partner show`: the agreement in force, row by row, each with where it comes from.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::Arc;

use serde_json::json;

use super::Place;
use super::load::short;
use crate::cli::{Context, Error, Format, Verdict};
use crate::profile::{Agreement, Direction, Moment, Partner, Row};

/// Arguments of `partner show`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Rows that end in a dash are what holds where nobody says otherwise; all others name the profile, file \
and line that they come from.\n\n\
Examples:\n  crossdock partner show harbor-and-pine\n  crossdock partner show harbor-and-pine 850\n  \
crossdock partner show harbor-and-pine 856 --direction out --format json"
)]
pub struct Args {
    /// The partner
    #[arg(value_name = "NAME")]
    name: String,
    /// Only what holds for this set: envelope, acknowledgements, rules with reason and source, deadlines
    #[arg(value_name = "SET")]
    set: Option<String>,
    /// Only sets that come in, or that go out
    #[arg(long, value_name = "in|out", value_parser = direction)]
    direction: Option<Direction>,
}

/// `in` or `out`.
pub(super) fn direction(text: &str) -> Result<Direction, String> {
    match text {
        "in" => Ok(Direction::In),
        "out" => Ok(Direction::Out),
        _ => Err("it is `in` (the partner sends it) or `out` (we do)".to_owned()),
    }
}

/// Prints the agreement.
///
/// # Errors
/// Profiles that cannot be read or used; a set that is not agreed; output that cannot be written.
pub fn run(
    args: &Args,
    place: &Place,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Verdict, Error> {
    let loaded = place.load(context)?;
    let partner = loaded.partner(&args.name)?;
    let rows = match (&args.set, args.direction) {
        (None, None) => partner.rows(),
        (set, direction) => of_set(partner, set.as_deref(), direction)?,
    };
    if context.format == Format::Json {
        for row in &rows {
            writeln!(out, "{}", as_json(row))?;
        }
        return Ok(Verdict::Clean);
    }
    head(partner, context, out)?;
    table(&rows, context, out)?;
    Ok(Verdict::Clean)
}

fn as_json(row: &Row) -> serde_json::Value {
    let origin = row.origin.as_ref();
    json!({
        "type": "row", "section": row.section, "subject": row.subject, "value": row.value,
        "profile": origin.map(|o| &o.profile), "file": origin.map(|o| &o.file),
        "line": origin.map(|o| o.line), "source": row.source, "reason": row.reason,
        "rule": row.rule,
    })
}

fn head(partner: &Partner, context: &Context, out: &mut dyn Write) -> io::Result<()> {
    let strong = context.paint.strong;
    let (state, usage) = (format!("{:?}", partner.state), format!("{:?}", partner.usage));
    let below: Vec<&str> = partner.chain.iter().skip(1).map(AsRef::as_ref).collect();
    let rests = match below.as_slice() {
        [] => String::new(),
        below => format!("; rests on {}", below.join(", then ")),
    };
    let (state, usage) = (state.to_lowercase(), usage.to_lowercase());
    let name = match partner.title.as_str() {
        title if title == partner.name => String::new(),
        _ => format!(" ({})", partner.name),
    };
    writeln!(out, "{strong}{}{strong:#}{name}: {state}, {usage}{rests}", partner.title)
}

/// The rows that hold for a set, what is said for it alone before what is said for all.
fn of_set(
    partner: &Partner,
    set: Option<&str>,
    direction: Option<Direction>,
) -> Result<Vec<Row>, Error> {
    let fits = |agreement: &&Agreement| {
        set.is_none_or(|set| set == agreement.set())
            && direction.is_none_or(|way| way == agreement.direction)
    };
    let agreements: Vec<&Agreement> = partner.agreements().iter().filter(fits).collect();
    if agreements.is_empty() {
        let known: Vec<String> = partner.agreements().iter().map(title).collect();
        let words = format!("nothing of the kind is agreed; there are {}", known.join(", "));
        return Err(Error::Unknown(words));
    }
    let rows = partner.rows();
    let own: Vec<&Row> = rows
        .iter()
        .filter(|row| {
            let path = row.section.strip_prefix("envelope.sets.");
            path.is_some_and(|path| {
                agreements.iter().any(|a| path.split('.').next() == Some(a.set()))
            })
        })
        .collect();
    let said = |row: &Row| {
        let tail = row.section.strip_prefix("envelope").unwrap_or_default();
        own.iter().any(|own| {
            let of_set =
                own.section.splitn(4, '.').nth(3).map_or(String::new(), |t| format!(".{t}"));
            own.subject == row.subject && of_set == tail
        })
    };
    let wanted = |row: &&Row| {
        let section = row.section.as_ref();
        let top = section.split(['.', ' ']).next().unwrap_or_default();
        match top {
            "envelope" if section.starts_with("envelope.sets.") => {
                own.iter().any(|own| std::ptr::eq(*own, *row))
            }
            "envelope" => !said(row),
            "acknowledgements" => true,
            "documents" => agreements.iter().any(|a| section_is(section, "documents", &a.kind)),
            "deadlines" => agreements.iter().any(|a| deadline_is_of(section, &a.kind)),
            _ => row.rule && agreements.iter().any(|a| is_rule_of(section, a)),
        }
    };
    Ok(rows.iter().filter(wanted).cloned().collect())
}

/// `850 in 004010`
pub(super) fn title(agreement: &Agreement) -> String {
    let way = match agreement.direction {
        Direction::In => "in",
        Direction::Out => "out",
    };
    format!("{} {way} {}", agreement.set(), agreement.release())
}

fn section_is(section: &str, table: &str, key: &Arc<str>) -> bool {
    let rest = section.strip_prefix(table).and_then(|rest| rest.strip_prefix('.'));
    rest.is_some_and(|rest| rest == key.as_ref() || rest.starts_with(&format!("{key}.")))
}

fn deadline_is_of(section: &str, kind: &str) -> bool {
    let of = match section.strip_prefix("deadlines.") {
        Some("ship_notice") => Moment::ShipNotice,
        Some("invoice") => Moment::Invoice,
        _ => return false,
    };
    matches!((of, kind), (Moment::ShipNotice, "shipment") | (Moment::Invoice, "invoice"))
}

fn is_rule_of(section: &str, agreement: &Agreement) -> bool {
    section == title(agreement)
}

/// Columns of a row: what, value, from. In a narrow window the value gives way first, then what it is of.
const WHAT_COLUMNS_MAX: usize = 30;
const WHAT_COLUMNS_MIN: usize = 16;
const VALUE_COLUMNS_MAX: usize = 40;
const VALUE_COLUMNS_MIN: usize = 16;
/// Of reasons and sources, where the window is not known.
const WORDS_COLUMNS: usize = 96;
/// Before and between columns.
const GAPS: usize = 6;

/// How wide the columns are.
struct Widths {
    what: usize,
    value: usize,
    words: usize,
}

impl Widths {
    fn new(rows: &[Row], columns: Option<usize>) -> Self {
        let widest = |of: &dyn Fn(&Row) -> usize| rows.iter().map(of).max().unwrap_or(0);
        let chars = |text: &str| text.chars().count();
        let mut what = widest(&|row| chars(&row.subject)).min(WHAT_COLUMNS_MAX);
        let mut value = widest(&|row| chars(&row.value)).min(VALUE_COLUMNS_MAX);
        let from = widest(&|row| row.origin.as_ref().map_or(1, |origin| chars(&short(origin))));
        if let Some(columns) = columns {
            let over =
                |what: usize, value: usize| (what + value + from + GAPS).saturating_sub(columns);
            value = (value.saturating_sub(over(what, value))).max(value.min(VALUE_COLUMNS_MIN));
            what = (what.saturating_sub(over(what, value))).max(what.min(WHAT_COLUMNS_MIN));
        }
        let room = columns.unwrap_or(WORDS_COLUMNS).saturating_sub(what + 4);
        Self { what, value, words: room.max(VALUE_COLUMNS_MIN) }
    }
}

/// Sections with their rows; what is too long for its column goes on below.
fn table(rows: &[Row], context: &Context, out: &mut dyn Write) -> io::Result<()> {
    let (strong, faint) = (context.paint.strong, context.paint.faint);
    let Widths { what, value, words: room } = Widths::new(rows, context.paint.columns);
    let mut section: Option<&str> = None;
    let mut source: Option<&str> = None;
    for row in rows {
        if section != Some(&row.section) {
            section = Some(&row.section);
            source = None;
            let name = if row.section.is_empty() { "partner" } else { &row.section };
            writeln!(out, "\n{strong}{name}{strong:#}")?;
        }
        let from = row.origin.as_ref().map_or_else(|| "-".to_owned(), short);
        let (subjects, values) =
            (wrapped(&row.subject, what), wrapped(&visible(&row.value), value));
        for number in 0..subjects.len().max(values.len()) {
            let cell = |lines: &[String]| lines.get(number).cloned().unwrap_or_default();
            let (subject, line) = (cell(&subjects), cell(&values));
            let from = if number == 0 { from.as_str() } else { "" };
            let text = format!("  {subject:<what$}  {line:<value$}");
            if from.is_empty() {
                writeln!(out, "{}", text.trim_end())?;
            } else {
                writeln!(out, "{text}  {faint}{from}{faint:#}")?;
            }
        }
        let told = row.source.as_deref().filter(|own| source != Some(*own));
        let words: Vec<&str> = row.reason.as_deref().into_iter().chain(told).collect();
        if row.rule && !words.is_empty() && row.section.contains(' ') {
            for line in wrapped(&words.join(" - "), room) {
                writeln!(out, "  {:what$}  {faint}{line}{faint:#}", "")?;
            }
        }
        source = row.source.as_deref().or(source);
    }
    Ok(())
}

/// A value as a table can show it: delimiters that print nothing by their names.
fn visible(value: &str) -> Cow<'_, str> {
    if !value.contains(|c: char| c.is_control()) {
        return value.into();
    }
    let shown = value.chars().map(|c| match c {
        '\n' => "LF".to_owned(),
        '\r' => "CR".to_owned(),
        c if c.is_control() => format!("0x{:02X}", u32::from(c)),
        c => c.to_string(),
    });
    shown.collect::<String>().into()
}

/// A text in lines of at most so many columns, broken at blanks where there are any, and else behind a `/`.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = vec![String::new()];
    for word in text.split(' ').flat_map(|word| pieces(word, columns)) {
        let (word, follows) = word;
        let line = lines.last_mut().expect("there is a line from the beginning");
        let blank = usize::from(!line.is_empty() && !follows);
        if !line.is_empty() && line.chars().count() + blank + word.chars().count() > columns {
            lines.push(word.to_owned());
        } else {
            if blank > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// A word in one piece, or, where that is too long, in steps of a path. Whether a piece follows another one.
fn pieces(word: &str, columns: usize) -> impl Iterator<Item = (&str, bool)> {
    let at = if word.chars().count() > columns { '/' } else { '\0' };
    word.split_inclusive(at).enumerate().map(|(number, piece)| (piece, number > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_goes_on_below() {
        let lines = |text: &str| wrapped(text, 12);
        assert_eq!(lines("require as warning"), ["require as", "warning"]);
        assert_eq!(lines("PO1/PO106..PO125[UP]"), ["PO1/", "PO106..PO125[UP]"]);
        assert_eq!(lines("a PO1/PID[F]/PID05 b"), ["a PO1/", "PID[F]/PID05", "b"]);
        assert_eq!(lines(""), [""]);
        assert_eq!(visible("\n"), "LF");
        assert_eq!(visible("\u{1d}"), "0x1D");
    }

    #[test]
    fn a_narrow_window_takes_from_the_values_first() {
        let row = |subject: &str, value: &str| Row {
            section: "850 in 004010".into(),
            subject: subject.to_owned(),
            value: value.to_owned(),
            origin: None,
            source: None,
            reason: None,
            rule: true,
        };
        let rows = [row("PO1/PO106..PO125[UP]", "require when BEG02 = DS and BEG01 = 00")];
        let widths = |columns| {
            let widths = Widths::new(&rows, columns);
            (widths.what, widths.value)
        };
        assert_eq!(widths(None), (20, 38));
        assert_eq!(widths(Some(120)), (20, 38));
        assert_eq!(widths(Some(60)), (20, 33));
        assert_eq!(widths(Some(30)), (16, 16));
    }
}
