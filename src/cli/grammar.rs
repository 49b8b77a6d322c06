//! `crossdock grammar`: a set as an implementation guide shows it, and what is wrong with grammar files.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::definitions::{library, sources_in, text_of};
use super::{Context, Error, Format, Verdict};
use crate::findings::Severity;
use crate::grammar::lint::lint;
use crate::grammar::show::{self, ShowOptions};
use crate::grammar::suggest::nearest;
use crate::grammar::{Dictionary, Grammar, Library, LineError, SegmentDef, SourceFile};

/// Arguments of `grammar`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show a transaction set as an implementation guide does, or a part of the dictionary
    #[command(after_help = "WHAT is\n  \
850 (or any set)     the segments and loops of the set\n  \
envelope             ISA, GS, GE, IEA and TA1, with their elements\n  \
segment TAG          a segment of the release's dictionary, with its elements and notes\n  \
element NUMBER       where an element or composite stands, with its codes\n\n\
Examples:\n  crossdock grammar show 850 --release 004010\n  \
crossdock grammar show 850 --release 004010 --segment PO1\n  crossdock grammar show 856 --release 005010 --elements\n  \
crossdock grammar show envelope --codes\n  crossdock grammar show segment N1 --release 004010\n  \
crossdock grammar show element 98 --release 004010")]
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
    /// A set (850), or: envelope, segment, element
    what: String,
    /// Which segment (N1) or element (98)
    name: Option<String>,
    /// The release, or a whole GS08: 004010, 004010VICS; the envelope needs none
    #[arg(long)]
    release: Option<String>,
    /// Only this segment, with its elements and notes
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
        Command::Show(args) => show(args, context, out),
        Command::List => list(context, out),
        Command::Lint(args) => lint_files(args, context, out),
    }
}

fn show(args: &Show, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let library = library(context)?;
    let named = |what: &str| {
        args.name.as_deref().ok_or_else(|| Error::Unknown(format!("name the {what} to be shown")))
    };
    match args.what.as_str() {
        "envelope" => {
            if let Some(tag) = &args.segment {
                known_segment(tag, "the envelope", &library.envelope().segments)?;
            }
            show_dictionary(library.envelope(), &args.options(), context, out)?;
        }
        "segment" => {
            let options =
                ShowOptions { segment: Some(named("segment")?.to_owned()), ..args.options() };
            show_dictionary(dictionary_with(&options, args, &library)?, &options, context, out)?;
        }
        "element" => show_element(named("element")?, args, &library, context, out)?,
        _ => show_set(args, &library, context, out)?,
    }
    Ok(Verdict::Clean)
}

impl Show {
    fn options(&self) -> ShowOptions {
        ShowOptions {
            elements: self.elements || self.codes || self.segment.is_some(),
            codes: self.codes,
            segment: self.segment.clone(),
        }
    }

    fn release(&self, library: &Library) -> Result<&str, Error> {
        self.release.as_deref().ok_or_else(|| {
            Error::Unknown(format!("name a release: --release {}", releases(library).join(" or ")))
        })
    }
}

/// The releases that there are dictionaries of.
fn releases(library: &Library) -> Vec<&str> {
    let envelope = library.envelope();
    let all = library.dictionaries().filter(|d| !Arc::ptr_eq(d, envelope));
    all.map(|d| d.release.as_str()).collect()
}

fn show_set(
    args: &Show,
    library: &Library,
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let release = args.release(library)?;
    let grammar = library
        .grammar(&args.what, release)
        .ok_or_else(|| unknown_set(&args.what, release, library))?;
    if let Some(tag) = &args.segment {
        known_segment(tag, &grammar.set, &grammar.segments)?;
    }
    match context.format {
        Format::Human => Ok(write!(out, "{}", show::set(grammar, &args.options()))?),
        Format::Json => json_line(&show::view(grammar, &args.options()), out),
    }
}

fn show_dictionary(
    dictionary: &Dictionary,
    options: &ShowOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), Error> {
    match context.format {
        Format::Human => Ok(write!(out, "{}", show::dictionary(dictionary, options))?),
        Format::Json => {
            let segments = show::dictionary_view(dictionary, options);
            segments.iter().try_for_each(|segment| json_line(segment, out))
        }
    }
}

/// The dictionary that has the segment: that of the release, or the envelope's.
fn dictionary_with<'l>(
    options: &ShowOptions,
    args: &Show,
    library: &'l Library,
) -> Result<&'l Dictionary, Error> {
    let tag = options.segment.as_deref().unwrap_or_default();
    let has = |segment: &SegmentDef| segment.tag.to_string().eq_ignore_ascii_case(tag);
    if library.envelope().segments.iter().any(has) {
        return Ok(library.envelope());
    }
    let dictionary = dictionary_of(args.release(library)?, library)?;
    known_segment(tag, &format!("release {}", dictionary.release), &dictionary.segments)?;
    Ok(dictionary)
}

fn dictionary_of<'l>(release: &str, library: &'l Library) -> Result<&'l Dictionary, Error> {
    library.dictionary(release).map(|d| &**d).ok_or_else(|| {
        let known = releases(library).join(" and ");
        Error::Unknown(format!("there is no dictionary of release {release}; there are {known}"))
    })
}

fn show_element(
    id: &str,
    args: &Show,
    library: &Library,
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let id = id.to_uppercase();
    let options = ShowOptions { codes: true, ..ShowOptions::default() };
    let dictionary = dictionary_of(args.release(library)?, library)?;
    let places = show::element_view(dictionary, &id, &options);
    if places.is_empty() {
        let release = &dictionary.release;
        return Err(Error::Unknown(format!("no segment of release {release} has an element {id}")));
    }
    match context.format {
        Format::Human => Ok(write!(out, "{}", show::element(dictionary, &id, &options))?),
        Format::Json => places.iter().try_for_each(|place| json_line(place, out)),
    }
}

fn json_line<T: serde::Serialize>(value: &T, out: &mut dyn Write) -> Result<(), Error> {
    serde_json::to_writer(&mut *out, value).map_err(std::io::Error::from)?;
    Ok(writeln!(out)?)
}

fn unknown_set(set: &str, release: &str, library: &Library) -> Error {
    let releases: Vec<_> =
        library.sets().filter(|g| g.set == set).map(|g| g.release.as_str()).collect();
    let kinds = ["envelope", "segment", "element"];
    let hint = match nearest(set, kinds) {
        Some(near) => format!("did you mean {near}?"),
        None if releases.is_empty() => "`crossdock grammar list` shows what there is".to_owned(),
        None => format!("it is there in {}", releases.join(" and ")),
    };
    Error::Unknown(format!("there is no grammar for {set} in release {release}; {hint}"))
}

fn known_segment(tag: &str, of: &str, segments: &[SegmentDef]) -> Result<(), Error> {
    let tags: Vec<String> = segments.iter().map(|s| s.tag.to_string()).collect();
    if tags.iter().any(|t| t.eq_ignore_ascii_case(tag)) {
        return Ok(());
    }
    let near = nearest(tag, tags.iter().map(String::as_str));
    let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
    Err(Error::Unknown(format!("{of} has no segment {tag}{hint}")))
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
