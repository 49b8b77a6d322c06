//! `crossdock requeue`: what was parked is tried again.

use std::io::Write;

use super::exceptions::{open, retry_all_parked, who};
use super::serve::ConfigArgs;
use super::{Error, Verdict};

/// Arguments of `requeue`.
#[derive(Debug, clap::Args)]
#[command(
    long_about = "Queue again what an endpoint has refused; short for `crossdock exceptions retry --parked`.\n\n\
It is listed as `parked` in the status.json of the data folder, and by `crossdock exceptions --kind work-parked`. A \
gateway that runs tries it at once; one that stands still does so when it is started."
)]
pub struct Args {
    /// Who does it, for the record; the user's name where it is not given
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Queues it.
///
/// # Errors
/// A configuration that cannot be used; a store that cannot be reached.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Verdict, Error> {
    retry_all_parked(open(&args.config)?.as_ref(), &who(args.who.as_deref())?, out)
}
