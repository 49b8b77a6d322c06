//! `crossdock exceptions`: what a person has to look at, and what can be done about it.

mod kinds;
mod list;
mod show;

use std::fs;
use std::io::Write;
use std::path::PathBuf;

pub(super) use list::plain;

use super::serve::ConfigArgs;
use super::{Context, Error, Format, Verdict};
use crate::exceptions::Action;
use crate::gateway::{
    Deed, Deeds, Records, SettleError, open_records, retry_parked, settle_exception,
};

/// Arguments of `exceptions`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    long_about = "What a person has to look at: list it, look closer, act on it.\n\n\
Without a command, what is open is listed, the most urgent first. The gateway may run or stand still: what is to be \
done is noted in its store, and done at once or at the next start.",
    after_help = "Examples:\n  crossdock exceptions --partner harbor-and-pine\n  crossdock exceptions show 12\n  \
crossdock exceptions replay 12\n  crossdock exceptions show 12 --save order.edi\n  \
crossdock exceptions edit 12 order.edi\n  crossdock exceptions dismiss 12 --reason \"sent twice by mistake\"\n  \
crossdock exceptions reopen 12 --reason \"it was not sent twice\""
)]
pub struct Args {
    #[command(flatten)]
    list: list::ListArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Everything that is known of one: places, findings, bytes, and what can be done
    Show(show::ShowArgs),
    /// Do the step that failed once more
    Retry(RetryArgs),
    /// Have the bytes that came go through the gateway once more
    Replay(AgainArgs),
    /// Put edited bytes in the place of those that came; both are kept
    Edit(EditArgs),
    /// Have it go on as it is, whatever is wrong with it
    Accept(ReasonArgs),
    /// Close it; nothing is done
    Dismiss(ReasonArgs),
    /// Open again what was dismissed
    Reopen(ReasonArgs),
    /// The kinds that there are, or the playbook of one
    Kinds(kinds::KindsArgs),
}

/// Who does it.
#[derive(Debug, clap::Args)]
struct WhoArgs {
    /// Who does it, for the record; the user's name where it is not given
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// One of the things that it is about, as `show` numbers them; all of them where it is not given
    #[arg(long, value_name = "N")]
    item: Option<usize>,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, clap::Args)]
struct RetryArgs {
    /// Their numbers
    #[arg(value_name = "ID", required_unless_present = "parked", conflicts_with = "parked")]
    ids: Vec<u64>,
    /// All that an endpoint has refused, whatever its exceptions
    #[arg(long)]
    parked: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    who: WhoArgs,
}

#[derive(Debug, clap::Args)]
struct AgainArgs {
    /// Their numbers
    #[arg(value_name = "ID", required = true)]
    ids: Vec<u64>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    who: WhoArgs,
}

#[derive(Debug, clap::Args)]
struct EditArgs {
    /// Its number
    #[arg(value_name = "ID")]
    id: u64,
    /// The edited bytes
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    who: WhoArgs,
}

#[derive(Debug, clap::Args)]
struct ReasonArgs {
    /// Their numbers
    #[arg(value_name = "ID", required = true)]
    ids: Vec<u64>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    who: WhoArgs,
}

/// Lists, shows or acts.
///
/// # Errors
/// A configuration that cannot be used; a store that cannot be reached; why something cannot be done.
pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let done = match &args.command {
        None => return list::run(&args.list, context, out),
        Some(Command::Show(args)) => return show::run(args, context, out),
        Some(Command::Kinds(args)) => return kinds::run(args, context, out),
        Some(Command::Retry(args)) if args.parked => {
            let records = open(&args.who.config)?;
            return retry_all_parked(records.as_ref(), &who(args.who.who.as_deref())?, out);
        }
        Some(Command::Retry(args)) => (Action::Retry, &args.ids[..], &args.reason, &args.who, None),
        Some(Command::Replay(args)) => {
            (Action::Replay, &args.ids[..], &args.reason, &args.who, None)
        }
        Some(Command::Edit(args)) => {
            let edited = fs::read(&args.file).map_err(Error::read(&args.file))?;
            let ids = std::slice::from_ref(&args.id);
            (Action::Edit, ids, &args.reason, &args.who, Some(edited))
        }
        Some(Command::Accept(args)) => {
            (Action::Accept, &args.ids[..], &args.reason, &args.who, None)
        }
        Some(Command::Dismiss(args)) => {
            (Action::Dismiss, &args.ids[..], &args.reason, &args.who, None)
        }
        Some(Command::Reopen(args)) => {
            (Action::Reopen, &args.ids[..], &args.reason, &args.who, None)
        }
    };
    let (action, ids, reason, by, edited) = done;
    let (reason, who) = (reason.clone(), who(by.who.as_deref())?);
    let deed = Deed { action, who, reason, edited, item: by.item };
    act(open(&by.config)?.as_ref(), ids, &deed, context, out)
}

/// Does the same about each.
fn act(
    records: &dyn Records,
    ids: &[u64],
    deed: &Deed,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Verdict, Error> {
    for &id in ids {
        let done = settle_exception(records, id, deed).map_err(|e| match e {
            SettleError::Refused(words) => Error::Unknown(words),
            e => Error::Gateway(e.to_string()),
        })?;
        let words = deed.action.done();
        if context.format == Format::Json {
            let open = deed.action == Action::Reopen && done == Deeds::Done(0);
            let already = open || matches!(done, Deeds::Before(_));
            let line = serde_json::json!({
                "type": "settled", "exception": id, "how": deed.action, "already": already,
            });
            writeln!(out, "{line}")?;
            continue;
        }
        match done {
            Deeds::Done(0) if deed.action == Action::Reopen => {
                writeln!(out, "{id}: it is open; nothing was done")?;
            }
            Deeds::Done(0) => writeln!(out, "{id}: {words}; nothing of it had to be done again")?,
            Deeds::Done(_) => writeln!(out, "{id}: {words}")?,
            Deeds::Before(settled) => {
                let (who, at) = (&settled.who, settled.at);
                writeln!(out, "{id}: was {words} before, by {who} at {at:.0}; nothing was done")?;
            }
        }
    }
    Ok(Verdict::Clean)
}

/// Queues again what endpoints have refused.
pub(super) fn retry_all_parked(
    records: &dyn Records,
    who: &str,
    out: &mut dyn Write,
) -> Result<Verdict, Error> {
    let count = retry_parked(records, who).map_err(|e| Error::Gateway(e.to_string()))?;
    match count {
        0 => writeln!(out, "Nothing is parked.")?,
        1 => writeln!(out, "1 piece of work is queued again.")?,
        _ => writeln!(out, "{count} pieces of work are queued again.")?,
    }
    Ok(Verdict::Clean)
}

/// The records of the gateway, whether it runs or not.
pub(super) fn open(config: &ConfigArgs) -> Result<Box<dyn Records>, Error> {
    open_records(&config.read()?).map_err(|e| Error::Gateway(e.to_string()))
}

/// Who does it: as it was said, or the user's name.
pub(super) fn who(said: Option<&str>) -> Result<String, Error> {
    if let Some(name) = said {
        return Ok(name.to_owned());
    }
    let names = ["USER", "LOGNAME", "USERNAME"];
    let mut found = names.into_iter().filter_map(|name| std::env::var(name).ok());
    found.find(|name| !name.trim().is_empty()).ok_or_else(|| {
        Error::Unknown("nobody is named in $USER: say who does it, --who NAME".to_owned())
    })
}
