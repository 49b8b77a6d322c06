//! `crossdock alerts`: whether alerts reach whom they are for.

use std::io::Write;

use super::serve::ConfigArgs;
use super::{Context, Error, Format, Verdict, runtime};
use crate::gateway::send_test;

/// Arguments of `alerts`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Send a test message now, and say whether it was taken
    Test(TestArgs),
}

#[derive(Debug, clap::Args)]
struct TestArgs {
    /// A destination (`[notify.NAME]`), or a rule (`[[alerts]]`) whose destinations are tried
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Sends it.
///
/// # Errors
/// A configuration that cannot be used; a name that there is not.
pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let Command::Test(args) = &args.command;
    let config = args.config.read()?;
    let runtime = runtime(Some(1))?;
    let _within = runtime.enter();
    let sent = send_test(&config, &args.name).map_err(Error::Unknown)?;
    let mut verdict = Verdict::Clean;
    for (name, result) in sent {
        if result.is_err() {
            verdict = Verdict::Findings;
        }
        match (context.format, result) {
            (Format::Json, result) => {
                let (taken, error) = (result.is_ok(), result.err());
                let line = serde_json::json!({
                    "type": "test", "destination": name, "taken": taken, "error": error,
                });
                writeln!(out, "{line}")?;
            }
            (Format::Human, Ok(())) => writeln!(out, "{name}: taken")?,
            (Format::Human, Err(words)) => writeln!(out, "{name}: not taken: {words}")?,
        }
    }
    Ok(verdict)
}
