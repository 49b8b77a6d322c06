//! `crossdock config check`: everything that is wrong with a configuration, at once.

use std::io::Write;
use std::path::Path;

use super::definitions::engine;
use super::serve::ConfigArgs;
use super::{Context, Error, Format, Verdict, runtime};
use crate::gateway::{Config, check_config};
use crate::profile::Problem;

/// Arguments of `config`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Tell everything that is wrong with crossdock.toml and the profiles, with file and line
    #[command(
        long_about = "Tell everything that is wrong with crossdock.toml and the profiles that it names, with file and line where \
they are known, and how to mend it.\n\nFolders are opened and secrets read; the store is not opened and no server is called, so \
that it can be run beside a gateway.",
        after_help = "The exit code is 1 where something is wrong; warnings alone are none."
    )]
    Check(ConfigArgs),
}

/// Checks it.
///
/// # Errors
/// Grammars or maps that cannot be used; output that cannot be written.
pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let Command::Check(config) = &args.command;
    let engine = engine(context)?;
    let runtime = runtime(Some(1))?;
    let _within = runtime.enter();
    let mut problems = check_config(config.file(), &engine);
    problems.extend(servers(config.file()));
    for problem in &problems {
        if context.format == Format::Json {
            let line = serde_json::json!({
                "type": "problem", "file": problem.file, "line": problem.line, "column": problem.column,
                "severity": if problem.is_error() { "error" } else { "warning" },
                "message": problem.message,
            });
            writeln!(out, "{line}")?;
        } else {
            writeln!(out, "{problem}")?;
        }
    }
    if problems.iter().any(Problem::is_error) {
        return Ok(Verdict::Findings);
    }
    if context.format == Format::Human {
        writeln!(out, "All is well.")?;
    }
    Ok(Verdict::Clean)
}

/// What would keep the servers of a configuration from being opened, but for their addresses.
pub(super) fn servers(file: &Path) -> Vec<Problem> {
    #[cfg_attr(not(any(feature = "api", feature = "as2")), expect(unused_mut))]
    let mut words: Vec<String> = Vec::new();
    let (config, _) = Config::read_all(file);
    #[cfg(feature = "api")]
    words.extend(config.iter().flat_map(|config| crate::api::check(&config.api)));
    #[cfg(feature = "as2")]
    words.extend(config.iter().filter_map(|config| crate::listener::check_as2(&config.as2).err()));
    #[cfg(not(any(feature = "api", feature = "as2")))]
    drop(config);
    let name = file.display().to_string();
    words.into_iter().map(|words| Problem::whole(&name, words)).collect()
}
