//! `crossdock explain`: what a finding means.

use std::io::Write;

use serde_json::json;

use super::{Context, Error, Format, Verdict, paint::severity_word};
use crate::findings::{Code, Entry};
use crate::grammar::suggest::nearest;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  crossdock explain S03\n  crossdock explain segment-missing\n  \
crossdock explain --all > finding-codes.md"
)]
pub struct Args {
    /// A code as findings show it (S03), or its name (segment-missing); with none, a list of all
    code: Option<String>,
    /// The whole catalogue as a document (Markdown)
    #[arg(long, conflicts_with = "code")]
    all: bool,
}

/// Prints one entry, the list of them, or the whole catalogue.
///
/// # Errors
/// A code that is not in the catalogue; output that cannot be written.
pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    match &args.code {
        Some(text) => {
            let entry = Code::find(text).ok_or_else(|| unknown(text))?;
            match context.format {
                Format::Human => one(entry, context, out)?,
                Format::Json => json(entry, out)?,
            }
        }
        None if context.format == Format::Json => {
            for entry in Code::all() {
                json(entry, out)?;
            }
        }
        None if args.all => catalogue(out)?,
        None => list(context, out)?,
    }
    Ok(Verdict::Clean)
}

fn unknown(text: &str) -> Error {
    let names = Code::all().iter().flat_map(|e| [e.id, e.name]);
    let near = nearest(text, names).map_or(String::new(), |near| format!("; did you mean {near}?"));
    Error::Unknown(format!("there is no finding {text}{near} (`crossdock explain` lists all)"))
}

/// The acknowledgement codes that an entry has, as pairs of where and what.
fn answers(entry: &Entry) -> Vec<(&'static str, &'static str)> {
    let all = [
        ("AK304/IK304", entry.segment_error),
        ("AK403/IK403", entry.element_error),
        ("AK502/IK502", entry.set_error),
        ("AK905", entry.group_error),
        ("TA105", entry.interchange_note),
    ];
    all.into_iter().filter_map(|(place, code)| Some((place, code?))).collect()
}

/// What becomes of a document that has such a finding.
fn consequence(entry: &Entry) -> &'static str {
    use crate::findings::Severity::{Advice, Error, Fatal, Warning};
    match entry.severity {
        Advice => "worth knowing; nobody has to act",
        Warning => "unusual, but common in good files; the document is accepted",
        Error => "wrong, but what is meant can be told; accepted with errors",
        Fatal => "what is meant cannot be told without guessing; rejected",
    }
}

fn one(entry: &Entry, context: &Context, out: &mut dyn Write) -> Result<(), Error> {
    let paint = &context.paint;
    let (style, strong) = (paint.severity(entry.severity), paint.strong);
    let word = severity_word(entry.severity);
    let room = paint.room(88, 12);
    writeln!(
        out,
        "{style}{word}[{}]{style:#}{strong}: {}{strong:#}  ({})\n",
        entry.id, entry.title, entry.name
    )?;
    writeln!(out, "  what      {}", wrapped(entry.what, room))?;
    writeln!(out, "  why       {}", wrapped(entry.why, room))?;
    writeln!(out, "  example   {}", wrapped(entry.example, room))?;
    writeln!(out, "  weight    {word}: {}", consequence(entry))?;
    let answers: Vec<_> = answers(entry).iter().map(|(p, c)| format!("{p} = {c}")).collect();
    if !answers.is_empty() {
        writeln!(out, "  answered  {}", answers.join(", "))?;
    }
    Ok(())
}

/// Breaks a text into lines of up to `room` columns, indented as the texts of [`one`] are.
fn wrapped(text: &str, room: usize) -> String {
    let (mut lines, mut columns) = (String::new(), 0);
    for word in text.split(' ') {
        if columns > 0 && columns + 1 + word.chars().count() > room {
            lines.push_str("\n            ");
            columns = 0;
        } else if columns > 0 {
            lines.push(' ');
            columns += 1;
        }
        lines.push_str(word);
        columns += word.chars().count();
    }
    lines
}

fn json(entry: &Entry, out: &mut dyn Write) -> Result<(), Error> {
    let value = json!({
        "code": entry.id,
        "name": entry.name,
        "severity": entry.severity,
        "title": entry.title,
        "what": entry.what,
        "why": entry.why,
        "example": entry.example,
        "segment_error": entry.segment_error,
        "element_error": entry.element_error,
        "set_error": entry.set_error,
        "group_error": entry.group_error,
        "interchange_note": entry.interchange_note,
    });
    writeln!(out, "{value}")?;
    Ok(())
}

fn list(context: &Context, out: &mut dyn Write) -> Result<(), Error> {
    for (letter, title) in CHAPTERS {
        writeln!(out, "{s}{title}{s:#}", s = context.paint.strong)?;
        for entry in Code::all().iter().filter(|e| e.id.starts_with(*letter)) {
            let style = context.paint.severity(entry.severity);
            let word = severity_word(entry.severity);
            writeln!(
                out,
                "  {}  {style}{word:<8}{style:#} {:<28} {}",
                entry.id, entry.name, entry.title
            )?;
        }
    }
    Ok(())
}

/// What the first letter of a code stands for.
const CHAPTERS: &[(char, &str)] = &[
    ('I', "Interchange"),
    ('G', "Functional group"),
    ('T', "Transaction set"),
    ('S', "Segments"),
    ('E', "Elements"),
    ('H', "Levels (HL)"),
    ('M', "Meaning: maps, totals and writing"),
    ('R', "Agreements: what overlays ask for"),
    ('X', "Cross-references"),
    ('A', "Acknowledgements"),
];

fn catalogue(out: &mut dyn Write) -> Result<(), Error> {
    writeln!(out, "# Finding codes\n")?;
    writeln!(
        out,
        "Printed by `crossdock explain --all`. Weights are the usual ones; an agreement may set others."
    )?;
    for (letter, title) in CHAPTERS {
        writeln!(out, "\n## {title}")?;
        for entry in Code::all().iter().filter(|e| e.id.starts_with(*letter)) {
            let word = severity_word(entry.severity);
            writeln!(out, "\n### {} {}: {}\n", entry.id, entry.name, entry.title)?;
            writeln!(out, "{} {}\n", entry.what, entry.why)?;
            writeln!(out, "- Example: `{}`", entry.example.replace('`', "'"))?;
            writeln!(out, "- Weight: {word} ({})", consequence(entry))?;
            let answers: Vec<_> =
                answers(entry).iter().map(|(p, c)| format!("{p} = {c}")).collect();
            if !answers.is_empty() {
                writeln!(out, "- Answered with: {}", answers.join(", "))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_chapter() {
        for entry in Code::all() {
            assert!(
                CHAPTERS.iter().any(|(letter, _)| entry.id.starts_with(*letter)),
                "{}",
                entry.id
            );
        }
    }

    #[test]
    fn a_typo_is_told_what_was_meant() {
        assert!(unknown("segment-mising").to_string().contains("segment-missing"));
        assert!(unknown("completely different").to_string().starts_with("there is no finding"));
    }
}
