//! `crossdock requeue`: what was parked is tried again.

use std::io::Write;

use super::serve::ConfigArgs;
use super::{Error, Verdict};
use crate::gateway::request_requeue;

/// Arguments of `requeue`.
#[derive(Debug, clap::Args)]
#[command(long_about = "Queue again what an endpoint has refused.\n\n\
It is listed as `parked` in the status.json of the data folder. A gateway that runs tries it again within seconds; one \
that stands still does so whenever it is started.")]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

/// Leaves the request where the gateway finds it.
///
/// # Errors
/// A configuration that cannot be used; a data folder that cannot be written.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Verdict, Error> {
    let config = args.config.read()?;
    request_requeue(&config)
        .map_err(|e| Error::Gateway(format!("{}: {e}", config.data.display())))?;
    writeln!(out, "What is parked is queued again: now if the gateway runs, else at its start.")?;
    Ok(Verdict::Clean)
}
