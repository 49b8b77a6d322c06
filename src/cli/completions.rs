//! `crossdock completions`: what a shell needs to complete our commands.

use std::io::Write;

use clap::CommandFactory;

use super::{Cli, Error, Verdict};

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  crossdock completions bash > ~/.local/share/bash-completion/completions/crossdock\n  \
crossdock completions fish > ~/.config/fish/completions/crossdock.fish"
)]
pub struct Args {
    /// Which shell
    shell: clap_complete::Shell,
}

/// Prints the script.
///
/// # Errors
/// Output that cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<Verdict, Error> {
    // The generator panics where its writer fails, so it writes into memory.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "crossdock", &mut script);
    out.write_all(&script)?;
    Ok(Verdict::Clean)
}
