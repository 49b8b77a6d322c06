//! `crossdock connector`: begin, check, list and try connectors.

mod compare;
mod new;
mod trying;

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::table::table;
use super::{Context, Error, Format, Verdict};
use crate::connector::{Connector, ConnectorSource};
use crate::gateway::connector_texts;
use crate::grammar::suggest;
use crate::profile::Problem;

/// Arguments of `connector`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Begin a connector: a folder with a connector.toml and a program to fill in
    #[command(
        after_help = "Examples:\n  crossdock connector new acme-wms\n  crossdock connector new acme-wms --connectors /etc/crossdock/connectors"
    )]
    New(new::New),
    /// Tell everything that is wrong with a connector, or with all, with file, line and column
    #[command(
        after_help = "The exit code is 1 where something is wrong.\n\nExamples:\n  crossdock connector check\n  crossdock connector check acme-wms --connectors /etc/crossdock/connectors"
    )]
    Check(Check),
    /// List the connectors, with what each takes and fetches
    #[command(after_help = "Example:\n  crossdock connector list")]
    List(Texts),
    /// Show the calls that a connector would make for a document, or make them
    #[command(
        long_about = "Show the calls that a connector would make for a canonical document, with secrets hidden. Nothing is called unless \
--live is given.\n\nCalls that need the result of one before are shown with what --results gives for it, and with null else.",
        after_help = "Examples:\n  crossdock connector try http-json order.json --set url=https://wms.example/api\n  \
crossdock connector try tryton order.json --endpoint warehouse --config crossdock.toml\n  \
crossdock connector try tryton order.json --endpoint warehouse --live"
    )]
    Try(Box<trying::Try>),
    /// Compare the calls for what is in shadow with what the other system has done
    #[command(
        long_about = "Compose the calls for the documents that were in shadow on a day, and compare each with the export of the system \
that still does the work ([endpoints.NAME.shadow] of crossdock.toml). Nothing is called.\n\nThe gateway itself writes the \
comparison of each day into `shadow` of the data folder.",
        after_help = "The exit code is 1 where something differs.\n\nExamples:\n  crossdock connector compare wms\n  \
crossdock connector compare wms --date 2026-11-21 --partner harbor-and-pine"
    )]
    Compare(compare::Compare),
}

/// The folder of connectors where none is named.
const FOLDER: &str = "connectors";

/// Where connectors are.
#[derive(Debug, clap::Args)]
struct Texts {
    /// A folder of connectors that take the place of ours, file by file [default: `connectors`, where there is one]
    #[arg(long, value_name = "DIR", env = "CROSSDOCK_CONNECTORS", hide_env_values = true)]
    connectors: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Check {
    /// One of them; all where it is not given
    name: Option<String>,
    #[command(flatten)]
    texts: Texts,
}

/// Runs one of them.
///
/// # Errors
/// A connector that there is not; files that cannot be read or written.
pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    match &args.command {
        Command::New(args) => new::run(args, out),
        Command::Check(args) => check(args, context, out),
        Command::List(texts) => list(texts, context, out),
        Command::Try(args) => trying::run(args, context, out),
        Command::Compare(args) => compare::run(args, context, out),
    }
}

impl Texts {
    fn read(&self) -> Result<Vec<ConnectorSource>, Error> {
        let usual = Path::new(FOLDER);
        let folder = self.connectors.as_deref().or_else(|| usual.is_dir().then_some(usual));
        let (sources, problems) = connector_texts(folder);
        match problems.first() {
            Some(problem) => Err(Error::Definitions(problem.to_string())),
            None => Ok(sources),
        }
    }

    /// One of them by its name.
    fn find(&self, name: &str) -> Result<ConnectorSource, Error> {
        let sources = self.read()?;
        let names: Vec<String> = sources.iter().map(|source| source.name.clone()).collect();
        sources.into_iter().find(|source| source.name == name).ok_or_else(|| {
            let otherwise = format!(
                "there are {}; a folder of your own is named with --connectors",
                names.join(", ")
            );
            let mend = suggest::mend(name, names.iter().map(String::as_str), &otherwise);
            Error::Unknown(format!("there is no connector {name}; {mend}"))
        })
    }
}

fn check(args: &Check, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let sources = match &args.name {
        Some(name) => vec![args.texts.find(name)?],
        None => args.texts.read()?,
    };
    let mut verdict = Verdict::Clean;
    for source in &sources {
        match Connector::read(source) {
            Ok(_) if context.format == Format::Human => {
                writeln!(out, "{}: all is well", source.name)?;
            }
            Ok(_) => {}
            Err(problems) => {
                verdict = Verdict::Findings;
                problems.iter().try_for_each(|problem| told(problem, context, out))?;
            }
        }
    }
    Ok(verdict)
}

fn told(problem: &Problem, context: &Context, out: &mut dyn Write) -> Result<(), Error> {
    if context.format == Format::Human {
        return Ok(writeln!(out, "{problem}")?);
    }
    let Problem { file, line, column, message, .. } = problem;
    let line = json!({
        "type": "problem", "file": file, "line": line, "column": column, "message": message,
    });
    Ok(writeln!(out, "{line}")?)
}

fn list(texts: &Texts, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let mut rows = Vec::new();
    for source in texts.read()? {
        let (takes, fetches, title) = match Connector::read(&source) {
            Ok(connector) => {
                let takes: Vec<&str> = connector.kinds().collect();
                let fetches: Vec<&str> =
                    connector.polls.iter().map(|poll| poll.reading.kind.as_str()).collect();
                (takes.join(", "), fetches.join(", "), connector.title.clone())
            }
            Err(problems) => {
                let words = format!("cannot be used: {} problems (see check)", problems.len());
                (String::new(), String::new(), words)
            }
        };
        rows.push([source.name, takes, fetches, title]);
    }
    if context.format == Format::Json {
        for [name, takes, fetches, title] in rows {
            let line = json!({
                "type": "connector", "name": name, "takes": takes, "fetches": fetches, "title": title,
            });
            writeln!(out, "{line}")?;
        }
    } else {
        table(["connector", "takes", "fetches", "title"], &rows, context, out)?;
    }
    Ok(Verdict::Clean)
}
