//! `crossdock partner check`: everything that is wrong with profiles, at once.

use std::io::{self, Write};

use jiff::civil::Date;
use serde_json::json;

use super::load::Loaded;
use super::{Place, fixtures};
use crate::cli::report::count;
use crate::cli::{Context, Error, Format, Verdict};
use crate::findings::Severity;
use crate::profile::{Partner, Problem, Weight};

/// Arguments of `partner check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Looks at partner.toml, overlays and cross-references of every profile, along what it extends, and at \
all of them together; then at the documents in fixtures/, each of which must give the findings that stand in the \
.findings file beside it (none, where there is no such file).\n\n\
An error keeps a profile from being used; a warning is of what can be used but hardly says what was meant.\n\n\
Examples:\n  crossdock partner check\n  crossdock partner check harbor-and-pine --strict\n  \
crossdock partner check --config crossdock.toml --format json"
)]
pub struct Args {
    /// Profiles to look at [default: all of the folder]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Warnings make the exit code 1 too
    #[arg(long)]
    strict: bool,
}

/// How many there were.
#[derive(Default)]
struct Counts {
    errors: u64,
    warnings: u64,
    fixtures: u64,
    /// Lines that say TODO.
    todos: u64,
    /// Whether endpoints were held against a configuration.
    endpoints: bool,
}

/// Prints what is wrong, and counts.
///
/// # Errors
/// Profiles that cannot be read, names that nobody has, output that cannot be written.
pub fn run(
    args: &Args,
    place: &Place,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Verdict, Error> {
    let mut loaded = place.load(context)?;
    for name in &args.names {
        loaded.source(name)?;
    }
    let today = jiff::Zoned::now().date();
    for partner in loaded.profiles.iter() {
        loaded.problems.extend(over(partner, today));
    }
    loaded.problems.sort();
    let asked = |name: &str| args.names.is_empty() || args.names.iter().any(|n| n == name);
    let mut counts = Counts { endpoints: place.config.is_some(), ..Counts::default() };
    let mut found = Vec::new();
    for source in loaded.own.iter().filter(|source| asked(&source.name)) {
        let lines = source.files.iter().flat_map(|file| file.text.lines());
        counts.todos += lines.filter(|line| line.contains("TODO")).count() as u64;
        if let Some(partner) = loaded.profiles.partner(&source.name) {
            counts.fixtures +=
                fixtures::check(&loaded.engine, partner, &source.folder, &mut found)?;
        }
    }
    loaded.problems.extend(found);
    let shown: Vec<&Problem> = if args.names.is_empty() {
        loaded.problems.iter().collect()
    } else {
        loaded.problems_of(&args.names)
    };
    for problem in &shown {
        match problem.weight {
            Weight::Error => counts.errors += 1,
            Weight::Warning => counts.warnings += 1,
        }
        print(problem, &loaded, context, out)?;
    }
    let profiles = loaded.own.iter().filter(|source| asked(&source.name)).count();
    summary(profiles as u64, &counts, context, out)?;
    let bad = counts.errors > 0 || (args.strict && counts.warnings > 0);
    Ok(if bad { Verdict::Findings } else { Verdict::Clean })
}

/// Flows that ended before a day.
fn over(partner: &Partner, day: Date) -> Vec<Problem> {
    let flows = partner.documents.iter();
    let ended = flows.filter_map(|(kind, flow)| Some((kind, flow.until.filter(|u| *u < day)?)));
    ended
        .filter_map(|(kind, until)| {
            let section = format!("documents.{kind}");
            let origin = partner.origin(&section, "until")?;
            let words =
                format!("{section}: `until` is past, {until}: no such document flows any more");
            Some(Problem::at(origin, words).warning())
        })
        .collect()
}

fn weight_word(weight: Weight) -> &'static str {
    match weight {
        Weight::Error => "error",
        Weight::Warning => "warning",
    }
}

/// One problem: for a person with the line that it is about.
fn print(
    problem: &Problem,
    loaded: &Loaded,
    context: &Context,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Problem { file, line, column, weight, message } = problem;
    if context.format == Format::Json {
        let line = json!({
            "type": "problem", "severity": weight_word(*weight), "file": file, "line": line,
            "column": column, "message": message,
        });
        return writeln!(out, "{line}");
    }
    let paint = &context.paint;
    let style = paint.severity(match weight {
        Weight::Error => Severity::Error,
        Weight::Warning => Severity::Warning,
    });
    let (strong, rail) = (paint.strong, paint.furniture);
    writeln!(out, "{style}{}{style:#}{strong}: {message}{strong:#}", weight_word(*weight))?;
    if *line == 0 {
        return writeln!(out, "   {rail}-->{rail:#} {file}\n");
    }
    writeln!(out, "   {rail}-->{rail:#} {file}:{line}:{column}")?;
    if let Some(text) = loaded.text(file).and_then(|text| text.lines().nth(line - 1)) {
        // Tabs have no width that is known here.
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let before = " ".repeat(column.saturating_sub(1).min(text.chars().count()));
        writeln!(out, "    {rail}|{rail:#}\n{rail}{line:>3} |{rail:#} {text}")?;
        writeln!(out, "    {rail}|{rail:#} {before}{style}^{style:#}")?;
    }
    writeln!(out)
}

fn summary(
    profiles: u64,
    counts: &Counts,
    context: &Context,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Counts { errors, warnings, fixtures, todos, endpoints } = counts;
    if context.format == Format::Json {
        let line = json!({
            "type": "summary", "profiles": profiles, "errors": errors, "warnings": warnings,
            "fixtures": fixtures, "todos": todos, "endpoints": endpoints,
        });
        return writeln!(out, "{line}");
    }
    let paint = &context.paint;
    let mut parts = Vec::new();
    for (number, severity, one, many) in [
        (*errors, Severity::Error, "error", "errors"),
        (*warnings, Severity::Warning, "warning", "warnings"),
    ] {
        let style = paint.severity(severity);
        if number > 0 {
            parts.push(format!("{style}{}{style:#}", count(number, one, many)));
        }
    }
    if parts.is_empty() {
        let unseen = if *endpoints { "" } else { " (endpoints need --config)" };
        parts.push(format!("{s}nothing is wrong{s:#}{unseen}", s = paint.good));
    }
    if *todos > 0 {
        let style = paint.severity(Severity::Advice);
        let lines = count(*todos, "line that says TODO", "lines that say TODO");
        parts.push(format!("{style}{lines}{style:#}"));
    }
    let tried = match fixtures {
        0 => String::new(),
        n => format!(", {}", count(*n, "fixture", "fixtures")),
    };
    writeln!(out, "{}{tried}: {}", count(profiles, "profile", "profiles"), parts.join(", "))
}
