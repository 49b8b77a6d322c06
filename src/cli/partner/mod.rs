//! `crossdock partner`: what is agreed with a trading partner.

mod drafted;
mod learn;

use std::io::Write;
use std::path::PathBuf;

use super::{Context, Error, Verdict};

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
    /// The folder of the profiles, one folder each [default: partner-profiles]
    #[arg(long, value_name = "DIR", global = true)]
    profiles: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Learn a draft of a profile from sample files
    Learn(learn::Args),
}

/// Runs the command.
///
/// # Errors
/// As the command.
pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let place = &args.place;
    match &args.command {
        Command::Learn(args) => learn::run(args, place, context, out),
    }
}
