//! `crossdock partner`: everything that is done with the agreements with partners, short of working by them: learning,
//! making, checking, showing, comparing, trying and publishing them.

mod check;
mod diff;
mod drafted;
mod fixtures;
mod guide;
mod learn;
mod load;
mod new;
mod show;
mod trial;
#[cfg(feature = "sftp")]
mod trust;

use std::io::Write;
use std::path::PathBuf;

use super::{Context, Error, Verdict};
pub(super) use load::{Changed, changed};

/// Arguments of `partner`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

/// Where the profiles are.
#[derive(Debug, clap::Args)]
struct Place {
    /// The folder of the profiles, one folder each [default: partner-profiles, or that of --config]
    #[arg(long, value_name = "DIR", global = true)]
    profiles: Option<PathBuf>,
    /// The configuration of the gateway: it names the profiles, and which endpoints there are
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Learn a draft of a profile from sample files
    Learn(learn::Args),
    /// Begin a profile: a folder with a commented partner.toml and an overlay
    New(new::Args),
    /// Find everything that is wrong with profiles
    Check(check::Args),
    /// Show the agreement in force, each line with where it comes from
    Show(show::Args),
    /// Tell what two agreements differ in, and which rules become tighter or looser
    Diff(diff::Args),
    /// Tell what would happen to documents: findings, answers, canonical documents, where they go
    Try(trial::Args),
    /// Trust the key of the partner's SFTP server
    #[cfg(feature = "sftp")]
    Trust(trust::Args),
    /// Print the companion guide for the partner, as Markdown or HTML
    Guide(guide::Args),
}

impl Args {
    /// Whether the output is a page for people, not lines.
    pub(super) fn is_page(&self) -> bool {
        matches!(self.command, Command::Guide(_))
    }
}

/// Runs one of them.
///
/// # Errors
/// Profiles that cannot be read, names that nobody has, output that cannot be written.
pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let place = &args.place;
    match &args.command {
        Command::Learn(args) => learn::run(args, place, context, out),
        Command::New(args) => new::run(args, place, context, out),
        Command::Check(args) => check::run(args, place, context, out),
        Command::Show(args) => show::run(args, place, context, out),
        Command::Diff(args) => diff::run(args, place, context, out),
        Command::Try(args) => trial::run(args, place, context, out),
        #[cfg(feature = "sftp")]
        Command::Trust(args) => trust::run(args, place, context, out),
        Command::Guide(args) => guide::run(args, place, context, out),
    }
}
