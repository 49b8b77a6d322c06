//! What a replay found, item by item: as a diff for people, as JSON lines for machines.

use std::io::Write;

use serde_json::json;

use crate::cli::exceptions::plain;
use crate::cli::report::grouped;
use crate::cli::{Context, Error, Format};
use crate::findings::Severity;
use crate::gateway::{Field, Found, Item, Line, Replayed, Resubmitted, Source, Stand};

/// Lines of one difference that people are shown.
const SHOWN_MAX: usize = 20;

/// What a replay came to, counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) documents: u64,
    pub(super) changed: u64,
    pub(super) failing: u64,
    pub(super) passing: u64,
    pub(super) accepted: u64,
    pub(super) answers: u64,
    pub(super) answers_changed: u64,
    pub(super) passed: u64,
    pub(super) unreadable: u64,
    pub(super) resubmitted: u64,
}

impl Tally {
    pub(super) fn add(&mut self, item: &Item) {
        for document in &item.documents {
            self.documents += 1;
            self.changed += u64::from(document.changes());
            self.failing += u64::from(document.newly_fails());
            self.passing += u64::from(document.newly_passes());
            self.accepted += u64::from(document.accepted.is_some());
        }
        self.answers += u64::from(item.is_answered);
        self.answers_changed += u64::from(!item.answer.is_empty());
    }
}

/// Shows what changes of an item.
///
/// # Errors
/// Output that cannot be written.
pub(super) fn item(
    item: &Item,
    again: Option<Resubmitted>,
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), Error> {
    if context.format == Format::Json {
        return as_json(item, again, out);
    }
    for document in item.documents.iter().filter(|document| document.changes()) {
        self::document(item, document, context, out)?;
    }
    if !item.answer.is_empty() {
        let strong = context.paint.strong;
        let key = match &item.source {
            Source::Interchange { key, .. } => key.as_str(),
            Source::Endpoint => "",
        };
        writeln!(out, "{strong}{}: the answer to {}{strong:#}", item.partner, plain(key))?;
        lines("", &item.answer, context, out)?;
    }
    let faint = context.paint.faint;
    match again {
        None => {}
        Some(Resubmitted::Nothing) => {
            writeln!(out, "  {faint}nothing of it is given to the gateway again{faint:#}")?;
        }
        Some(Resubmitted::Documents(count)) => {
            writeln!(out, "  given to the gateway again: {}", grouped(count as u64))?;
        }
    }
    writeln!(out)?;
    Ok(())
}

fn document(
    item: &Item,
    document: &Replayed,
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let (strong, faint) = (context.paint.strong, context.paint.faint);
    let name = match document.kind.as_str() {
        "" => plain(&document.label),
        kind => plain(&format!("{kind} {}", document.number)),
    };
    let from = match &item.source {
        Source::Interchange { file, .. } => format!("{}, {}", plain(&document.label), plain(file)),
        Source::Endpoint => "to the partner".to_owned(),
    };
    let (partner, at) = (&item.partner, item.at);
    writeln!(out, "{strong}{partner}: {name}{strong:#} {faint}({from}, {at:.0}){faint:#}")?;
    if document.stands_otherwise() {
        let words = |stand: &Stand| match stand.words.as_str() {
            "" => format!("{:?}", stand.standing).to_lowercase(),
            words => plain(words),
        };
        let bad = context.paint.severity(Severity::Error);
        let good = context.paint.good;
        if let Some(before) = &document.before {
            writeln!(out, "  was: {}", words(before))?;
        }
        let style = if document.after.standing.fails() { bad } else { good };
        writeln!(out, "  now: {style}{}{style:#}", words(&document.after))?;
    }
    for found in document.findings.iter().take(SHOWN_MAX) {
        finding(found, context, out)?;
    }
    more(document.findings.len(), "findings", out)?;
    for field in document.document.iter().take(SHOWN_MAX) {
        self::field(field, context, out)?;
    }
    more(document.document.len(), "fields", out)?;
    lines("what is written to the partner", &document.written, context, out)
}

fn finding(found: &Found, context: &Context, out: &mut dyn Write) -> Result<(), Error> {
    let Found { is_new, finding } = found;
    let (sign, style) = sign(*is_new, context);
    let position = match finding.position {
        0 => String::new(),
        position => format!("segment {position}: "),
    };
    let (severity, code) = (&finding.severity, &finding.code);
    let faint = context.paint.faint;
    let rule = match finding.rule.as_str() {
        "" => String::new(),
        rule => format!(" {faint}({}){faint:#}", plain(rule)),
    };
    let words = plain(&finding.message);
    writeln!(out, "  {style}{sign} {severity}[{code}]{style:#} {position}{words}{rule}")?;
    Ok(())
}

fn field(field: &Field, context: &Context, out: &mut dyn Write) -> Result<(), Error> {
    let strong = context.paint.strong;
    let said = |value: &Option<serde_json::Value>| match value {
        Some(value) => plain(&value.to_string()),
        None => "nothing".to_owned(),
    };
    let (before, after) = (said(&field.before), said(&field.after));
    writeln!(out, "  {strong}~ {}{strong:#}: {before} → {after}", plain(&field.path))?;
    Ok(())
}

fn lines(what: &str, lines: &[Line], context: &Context, out: &mut dyn Write) -> Result<(), Error> {
    if !what.is_empty() && !lines.is_empty() {
        writeln!(out, "  {what}:")?;
    }
    for line in lines.iter().take(SHOWN_MAX) {
        let (sign, style) = sign(line.is_new, context);
        writeln!(out, "  {style}{sign} {}{style:#}", plain(&line.text))?;
    }
    more(lines.len(), "segments", out)
}

fn sign(is_new: bool, context: &Context) -> (char, clap::builder::styling::Style) {
    if is_new { ('+', context.paint.good) } else { ('-', context.paint.severity(Severity::Error)) }
}

fn more(all: usize, what: &str, out: &mut dyn Write) -> Result<(), Error> {
    if let Some(more) = all.checked_sub(SHOWN_MAX).filter(|more| *more > 0) {
        writeln!(out, "  and {more} more {what}")?;
    }
    Ok(())
}

fn as_json(item: &Item, again: Option<Resubmitted>, out: &mut dyn Write) -> Result<(), Error> {
    let (direction, interchange, file) = match &item.source {
        Source::Interchange { key, file, .. } => ("in", Some(key), Some(file)),
        Source::Endpoint => ("out", None, None),
    };
    let stand = |stand: &Stand| json!({"standing": stand.standing, "words": stand.words});
    for document in item.documents.iter().filter(|document| document.changes()) {
        let line = json!({
            "type": "document", "partner": item.partner, "direction": direction, "at": item.at,
            "interchange": interchange, "file": file, "label": document.label,
            "kind": document.kind, "number": document.number, "id": document.id,
            "before": document.before.as_ref().map(stand), "after": stand(&document.after),
            "newly_fails": document.newly_fails(), "newly_passes": document.newly_passes(),
            "accepted": document.accepted,
            "findings": document.findings, "fields": document.document,
            "acknowledgement": document.answer, "written": document.written,
        });
        writeln!(out, "{line}")?;
    }
    if !item.answer.is_empty() {
        let line = json!({
            "type": "answer", "partner": item.partner, "at": item.at, "interchange": interchange,
            "file": file, "segments": item.answer,
        });
        writeln!(out, "{line}")?;
    }
    if let Some(Resubmitted::Documents(documents)) = again {
        let line = json!({
            "type": "resubmitted", "partner": item.partner, "interchange": interchange,
            "file": file, "documents": documents,
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}
