//! `crossdock partner diff`: what two agreements differ in.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::Place;
use super::load::{Loaded, is_profile, load, short};
use crate::cli::definitions::engine;
use crate::cli::report::count;
use crate::cli::{Context, Error, Format, Verdict};
use crate::profile::{Difference, Effect, Partner, Row, differences};

/// Arguments of `partner diff`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A and B are names of profiles, folders of a profile, or two folders of profiles, which are compared \
name by name. Exit code 1 tells that there are differences.\n\n\
Of each rule it says whether B is tighter or looser than A, where that can be told: what the partner sends, or what we \
send, is held against more or against less.\n\n\
Examples:\n  crossdock partner diff harbor-and-pine north-loop\n  \
crossdock partner diff /srv/live/harbor-and-pine partner-profiles/harbor-and-pine\n  \
crossdock partner diff /srv/live partner-profiles --format json"
)]
pub struct Args {
    /// What was agreed: a name or a folder
    #[arg(value_name = "A")]
    before: String,
    /// What it is compared with
    #[arg(value_name = "B")]
    after: String,
}

/// One side of the comparison.
struct Side {
    loaded: Loaded,
    /// `None`: all of its profiles.
    name: Option<String>,
}

/// Prints the differences.
///
/// # Errors
/// Profiles that cannot be read or used; output that cannot be written.
pub fn run(
    args: &Args,
    place: &Place,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Verdict, Error> {
    let (before, after) = (side(&args.before, place, context)?, side(&args.after, place, context)?);
    let mut tally = Tally::default();
    match (&before.name, &after.name) {
        (Some(a), Some(b)) => {
            let (a, b) = (before.loaded.partner(a)?, after.loaded.partner(b)?);
            compare(a, b, &mut tally, context, out)?;
        }
        (None, None) => all(&before.loaded, &after.loaded, &mut tally, context, out)?,
        _ => {
            let words = "compare a profile with a profile, or a folder of profiles with another";
            return Err(Error::Unknown(words.to_owned()));
        }
    }
    tally.print(context, out)?;
    Ok(if tally.count == 0 { Verdict::Clean } else { Verdict::Findings })
}

fn side(given: &str, place: &Place, context: &Context) -> Result<Side, Error> {
    let path = Path::new(given);
    if given.contains('/') || path.is_dir() {
        if is_profile(path) {
            let name = path.canonicalize().map_err(Error::read(path))?;
            let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let loaded = load(parent.unwrap_or(Path::new(".")), engine(context)?)?;
            return Ok(Side { loaded, name: Some(name) });
        }
        return Ok(Side { loaded: load(path, engine(context)?)?, name: None });
    }
    Ok(Side { loaded: place.load(context)?, name: Some(given.to_owned()) })
}

fn all(
    before: &Loaded,
    after: &Loaded,
    tally: &mut Tally,
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let mut names: Vec<&str> =
        before.own.iter().chain(&after.own).map(|source| source.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let find =
            |side: &Loaded| -> Option<Arc<Partner>> { side.profiles.partner(name).map(Arc::clone) };
        match (find(before), find(after)) {
            (Some(a), Some(b)) => compare(&a, &b, tally, context, out)?,
            (None, None) => {}
            (a, _) => {
                tally.count += 1;
                let word = if a.is_some() { "removed" } else { "added" };
                if context.format == Format::Json {
                    writeln!(out, "{}", json!({"type": "profile", "name": name, "change": word}))?;
                } else {
                    let strong = context.paint.strong;
                    writeln!(out, "{strong}{name}{strong:#}: the partner is {word}\n")?;
                }
            }
        }
    }
    Ok(())
}

#[derive(Default)]
struct Tally {
    count: u64,
    tighter: u64,
    looser: u64,
}

impl Tally {
    fn add(&mut self, effect: Effect) {
        self.count += 1;
        match effect {
            Effect::Tightens => self.tighter += 1,
            Effect::Loosens => self.looser += 1,
            Effect::Unclear | Effect::Setting => {}
        }
    }

    fn print(&self, context: &Context, out: &mut dyn Write) -> io::Result<()> {
        let Self { count: all, tighter, looser } = self;
        if context.format == Format::Json {
            let line = json!({
                "type": "summary", "differences": all, "tightens": tighter, "loosens": looser,
            });
            return writeln!(out, "{line}");
        }
        if *all == 0 {
            return writeln!(out, "They agree on everything.");
        }
        let mut text = count(*all, "difference", "differences");
        if tighter + looser > 0 {
            text = format!("{text}: {tighter} tighter, {looser} looser");
        }
        writeln!(out, "{text}")
    }
}

fn compare(
    a: &Partner,
    b: &Partner,
    tally: &mut Tally,
    context: &Context,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (before, after) = (a.rows(), b.rows());
    let found = differences(&before, &after);
    if found.is_empty() {
        return Ok(());
    }
    if context.format == Format::Human {
        let strong = context.paint.strong;
        let names =
            if a.name == b.name { a.name.clone() } else { format!("{} → {}", a.name, b.name) };
        writeln!(out, "{strong}{names}{strong:#}")?;
    }
    let mut section: Option<&str> = None;
    for difference in &found {
        let effect = difference.effect();
        tally.add(effect);
        if context.format == Format::Json {
            writeln!(out, "{}", as_json(&b.name, difference, effect))?;
            continue;
        }
        let row = difference.row();
        if section != Some(&row.section) {
            section = Some(&row.section);
            writeln!(out, "  {}", if row.section.is_empty() { "partner" } else { &row.section })?;
        }
        print(difference, effect, context, out)?;
    }
    if context.format == Format::Human {
        writeln!(out)?;
    }
    Ok(())
}

fn print(
    difference: &Difference<'_>,
    effect: Effect,
    context: &Context,
    out: &mut dyn Write,
) -> io::Result<()> {
    let paint = &context.paint;
    let style = match effect {
        Effect::Loosens => paint.severity(crate::findings::Severity::Warning),
        Effect::Tightens => paint.good,
        Effect::Unclear | Effect::Setting => paint.faint,
    };
    let told = match effect.word() {
        "" => String::new(),
        word => format!("  {style}({word}){style:#}"),
    };
    let faint = paint.faint;
    let from = |row: &Row| {
        let from = row.origin.as_ref().map_or_else(|| "usual".to_owned(), short);
        format!("{faint}{from}{faint:#}")
    };
    let subject = &difference.row().subject;
    match difference {
        Difference::Added(row) => {
            writeln!(out, "    + {subject} {}{told}  {}", row.value, from(row))
        }
        Difference::Removed(row) => {
            writeln!(out, "    - {subject} {}{told}  {}", row.value, from(row))
        }
        Difference::Changed(old, new) => {
            writeln!(out, "    ~ {subject} {} → {}{told}  {}", old.value, new.value, from(new))
        }
    }
}

fn as_json(partner: &str, difference: &Difference<'_>, effect: Effect) -> serde_json::Value {
    let (word, before, after) = match difference {
        Difference::Added(row) => ("added", None, Some(*row)),
        Difference::Removed(row) => ("removed", Some(*row), None),
        Difference::Changed(old, new) => ("changed", Some(*old), Some(*new)),
    };
    let row = difference.row();
    let place =
        |row: Option<&Row>| row.and_then(|row| row.origin.as_ref()).map(ToString::to_string);
    json!({
        "type": "difference", "partner": partner, "change": word, "section": row.section,
        "subject": row.subject, "before": before.map(|row| &row.value),
        "after": after.map(|row| &row.value), "before_at": place(before), "after_at": place(after),
        "effect": effect.word(),
    })
}
