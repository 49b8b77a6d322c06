//! `crossdock grammar`: a set as an implementation guide shows it, and what is wrong with grammar files.

use std::io::Write;
use std::path::PathBuf;

use serde_json::json;

use super::definitions::{library, sources_in, text_of};
use super::{Context, Error, Format, Verdict};
use crate::findings::Severity;
use crate::grammar::lint::lint;
use crate::grammar::show::{self, ShowOptions};
use crate::grammar::suggest::nearest;
use crate::grammar::{Grammar, Library, LineError, SourceFile};

/// Arguments of `grammar`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show a transaction set as an implementation guide does
    #[command(after_help = "Examples:\n  crossdock grammar show 850 --release 004010\n  \
crossdock grammar show 850 --release 004010 --segment PO1\n  crossdock grammar show 856 --release 005010 --elements")]
    Show(Show),
    /// List the sets and releases at hand
    List,
    /// Look for faults in grammar files
    #[command(
        after_help = "The files are read over the grammars of the program, as with --grammars.\n\n\
Examples:\n  crossdock grammar lint my-grammars\n  crossdock grammar lint my-grammars/004010/850.grammar"
    )]
    Lint(Lint),
}

#[derive(Debug, clap::Args)]
struct Show {
    /// The set: 850
    set: String,
    /// The release, or a whole GS08: 004010, 004010VICS
    #[arg(long)]
    release: String,
    /// Only this segment, with its elements, notes and codes
    #[arg(long, value_name = "TAG")]
    segment: Option<String>,
    /// The elements of every segment
    #[arg(long)]
    elements: bool,
    /// The codes of those elements
    #[arg(long)]
    codes: bool,
}

#[derive(Debug, clap::Args)]
struct Lint {
    /// Grammar files, or folders of them laid out like ours (004010/850.grammar)
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Runs one of them.
///
/// # Errors
/// A set, release or segment that is not there; files that cannot be read; output that cannot be written.
pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    match &args.command {
        Command::Show(args) => show_set(args, context, out),
        Command::List => list(context, out),
        Command::Lint(args) => lint_files(args, context, out),
    }
}

fn show_set(args: &Show, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let library = library(context)?;
    let grammar =
        library.grammar(&args.set, &args.release).ok_or_else(|| unknown_set(args, &library))?;
    if let Some(tag) = &args.segment {
        known_segment(tag, grammar)?;
    }
    let options = ShowOptions {
        elements: args.elements || args.codes || args.segment.is_some(),
        codes: args.codes,
        segment: args.segment.clone(),
    };
    match context.format {
        Format::Human => write!(out, "{}", show::set(grammar, &options))?,
        Format::Json => {
            serde_json::to_writer(&mut *out, &show::view(grammar, &options))
                .map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
    }
    Ok(Verdict::Clean)
}

fn unknown_set(args: &Show, library: &Library) -> Error {
    let releases: Vec<_> =
        library.sets().filter(|g| g.set == args.set).map(|g| g.release.as_str()).collect();
    let hint = if releases.is_empty() {
        "`crossdock grammar list` shows what there is".to_owned()
    } else {
        format!("it is there in {}", releases.join(" and "))
    };
    Error::Unknown(format!(
        "there is no grammar for {} in release {}; {hint}",
        args.set, args.release
    ))
}

fn known_segment(tag: &str, grammar: &Grammar) -> Result<(), Error> {
    let tags: Vec<String> = grammar.segments.iter().map(|s| s.tag.to_string()).collect();
    if tags.iter().any(|t| t.eq_ignore_ascii_case(tag)) {
        return Ok(());
    }
    let near = nearest(tag, tags.iter().map(String::as_str));
    let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
    Err(Error::Unknown(format!("{} has no segment {tag}{hint}", grammar.set)))
}

fn list(context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let library = library(context)?;
    if context.format == Format::Human {
        let style = context.paint.strong;
        writeln!(out, "{style}Set  Release  Group  Segments  Title{style:#}")?;
    }
    for grammar in library.sets() {
        let Grammar { set, release, group, title, segments, .. } = &**grammar;
        match context.format {
            Format::Human => {
                writeln!(out, "{set:<4} {release:<8} {group:<6} {:>8}  {title}", segments.len())?;
            }
            Format::Json => {
                let value = json!({
                    "set": set, "release": release, "group": group, "title": title, "segments": segments.len(),
                    "rule": format!("{}:{}", grammar.rule.file, grammar.rule.line),
                });
                writeln!(out, "{value}")?;
            }
        }
    }
    Ok(Verdict::Clean)
}

fn lint_files(args: &Lint, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let mut given: Vec<SourceFile> = Vec::new();
    for path in &args.paths {
        if path.is_dir() {
            given.extend(sources_in(path, "grammar")?);
        } else {
            // `…/004010/850.grammar` takes the place of ours of the same two last names.
            let names: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
            let name = names[names.len().saturating_sub(2)..].join("/");
            given.push(SourceFile { path: name.into(), text: text_of(path)? });
        }
    }
    if given.is_empty() {
        return Err(Error::NoInput("nothing to lint: the folders have no .grammar file".into()));
    }
    let mut sources = Library::embedded_sources();
    sources.extend(given.iter().cloned());
    let found = lint(&sources);
    let ours = |line: &&LineError| given.iter().any(|g| g.path == line.file);
    let advice: Vec<_> = found.advice.iter().filter(ours).collect();
    for line in &found.errors {
        show_line(line, Severity::Error, context, out)?;
    }
    for line in &advice {
        show_line(line, Severity::Advice, context, out)?;
    }
    if context.format == Format::Human {
        let files = super::report::count(given.len() as u64, "file", "files");
        let errors = super::report::count(found.errors.len() as u64, "error", "errors");
        writeln!(out, "{files}: {errors}, {} advice", advice.len())?;
    }
    Ok(if found.errors.is_empty() { Verdict::Clean } else { Verdict::Findings })
}

fn show_line(
    line: &LineError,
    severity: Severity,
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), Error> {
    match context.format {
        Format::Human => {
            let style = context.paint.severity(severity);
            let word = super::paint::severity_word(severity);
            writeln!(
                out,
                "{}:{}:{}: {style}{word}{style:#}: {}",
                line.file, line.line, line.column, line.message
            )?;
            writeln!(out, "  mend: {}", line.mend)?;
        }
        Format::Json => {
            let value = json!({
                "severity": severity, "file": line.file, "line": line.line, "column": line.column,
                "message": line.message, "mend": line.mend,
            });
            writeln!(out, "{value}")?;
        }
    }
    Ok(())
}
