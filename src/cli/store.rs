//! `crossdock store`: what a person may do with the data folder while the gateway stands still.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use super::exceptions::who;
use super::serve::ConfigArgs;
use super::wait::waiting;
use super::{Context, Error, Format, Verdict};
use crate::gateway::{
    Begun, Retired, begin_log, check_store, compact_store, days_ago, export_records, rebuild_store,
    retire_history,
};

/// Arguments of `store`.
#[derive(Debug, clap::Args)]
#[command(
    long_about = "Check, export, compact or rebuild the data folder; begin a new audit log.\n\n\
The gateway must stand still: the store admits one process at a time."
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Compare the database with the audit log, and the payloads with both
    #[command(
        after_help = "Exit codes: 0 all agree, 1 something is missing or damaged, 2 it cannot be read."
    )]
    Check(ConfigArgs),
    /// Write all records as JSON lines
    Export(ExportArgs),
    /// Make the database anew from the audit log
    Rebuild(ConfigArgs),
    /// Write the database anew, so that its file has no more than it needs
    #[command(
        after_help = "The gateway does this by itself once the file has grown (`database_mebibytes` in `[limits]`). It \
needs room on the disk for the copy.\n\nExample:\n  crossdock store compact --config crossdock.toml"
    )]
    Compact(ConfigArgs),
    /// Let what is over long ago leave the database, and payloads that nothing names any more go to the archive
    #[command(
        after_help = "The gateway does this each day where crossdock.toml says so (`[retention] days`). Nothing is \
deleted: the audit log keeps every record, and payloads move to `archive` in the data folder, from where they are read \
while they are there. What keeps duplicates out stays for as long as the profiles say (`[duplicates] \
days`; 0: for ever), numbers of orders and other documents for ever.\n\nWith fewer than 60 days the daily report, and comparisons \
with orders, may lack what was retired.\n\nExample:\n  crossdock store retire --config crossdock.toml --days 400"
    )]
    Retire(RetireArgs),
    /// Begin a new audit log, where the old one is lost and the database is whole
    #[command(
        after_help = "What is left of the old log is put aside, beside the new one. Keep it, and the checkpoints \
that were kept elsewhere: they are all that still tells of what was before. Restore the log from a backup instead where \
there is one."
    )]
    BeginLog(BeginArgs),
}

#[derive(Debug, clap::Args)]
struct BeginArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// How the old one was lost: the first entry of the new one
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who does it, for the record; the user's name where it is not given
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
}

#[derive(Debug, clap::Args)]
struct RetireArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// What was over so many days ago; `days` of `[retention]` where it is not given
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
}

#[derive(Debug, clap::Args)]
struct ExportArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The file to write; `-` for the standard output
    #[arg(value_name = "FILE")]
    to: PathBuf,
}

/// Does what was asked.
///
/// # Errors
/// A store that is in use or cannot be read; a file that cannot be written.
pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    match &args.command {
        Command::Check(config) => check(config, context, out),
        Command::Export(args) => {
            let data = args.config.read()?.data;
            if args.to.as_os_str() == "-" {
                export_records(&data, out)?;
                return Ok(Verdict::Clean);
            }
            let mut file = BufWriter::new(File::create(&args.to).map_err(Error::read(&args.to))?);
            let count = export_records(&data, &mut file)?;
            file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
            writeln!(out, "{}: {count} records", args.to.display())?;
            Ok(Verdict::Clean)
        }
        Command::Rebuild(config) => {
            let data = config.read()?.data;
            let entries = waiting("entries", |progress| rebuild_store(&data, progress))?;
            writeln!(
                out,
                "The database was made anew from the {entries} entries of the audit log."
            )?;
            Ok(Verdict::Clean)
        }
        Command::Compact(config) => {
            let (before, after) = compact_store(&config.read()?)?;
            let [before, after] = [before, after].map(|bytes| bytes >> 20);
            writeln!(out, "The database was compacted: {before} MiB before, {after} MiB now.")?;
            Ok(Verdict::Clean)
        }
        Command::BeginLog(args) => begin(args, context, out),
        Command::Retire(args) => retire(args, context, out),
    }
}

fn retire(args: &RetireArgs, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let config = args.config.read()?;
    let Some(days) = args.days.or(config.retention.days) else {
        let words = "say how old it is at least: --days, or `days` of `[retention]`";
        return Err(Error::Unknown(words.to_owned()));
    };
    let retired = retire_history(&config, days_ago(days))?;
    if context.format == Format::Json {
        let Retired { documents, receipts, expectations, exceptions, numbers, files, bytes } =
            retired;
        let json = serde_json::json!({
            "documents": documents, "receipts": receipts, "acknowledgements": expectations,
            "exceptions": exceptions, "numbers": numbers, "files": files, "bytes": bytes,
        });
        writeln!(out, "{json}")?;
    } else {
        writeln!(out, "Retired: {retired}")?;
    }
    Ok(Verdict::Clean)
}

fn begin(args: &BeginArgs, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    if args.reason.trim().is_empty() {
        return Err(Error::Unknown("say how the log was lost: --reason TEXT".to_owned()));
    }
    let data = args.config.read()?.data;
    let begun = begin_log(&data, &who(args.who.as_deref())?, &args.reason)?;
    let Begun { log, entries, records, applied, readable, aside } = &begun;
    if context.format == Format::Json {
        let json = serde_json::json!({
            "log": log, "entries": entries, "records": records, "applied": applied,
            "readable": readable, "aside": aside,
        });
        writeln!(out, "{json}")?;
        return Ok(Verdict::Clean);
    }
    writeln!(
        out,
        "A new audit log is begun: crossdock/{log}. It begins with the reason, and holds the {records} records of the database in {entries} entries."
    )?;
    writeln!(
        out,
        "Lost is what the old log told and the database does not: who did what and when, up to its entry {applied}, and with it the proof of all that."
    )?;
    match aside {
        Some(aside) => writeln!(
            out,
            "What is left of it, {readable} entries that can be read, lies in {}. Keep it.",
            aside.display()
        )?,
        None => writeln!(out, "Nothing is left of it.")?,
    }
    writeln!(
        out,
        "Checkpoints of the old log that were kept elsewhere do not fit to the new one; take a new one there after the next start."
    )?;
    Ok(Verdict::Clean)
}

fn check(config: &ConfigArgs, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let data = config.read()?.data;
    let found = waiting("entries and payloads", |progress| check_store(&data, progress))?;
    if context.format == Format::Json {
        let json = serde_json::json!({
            "entries": found.entries, "records": found.records, "payloads": found.payloads,
            "unnamed": found.unnamed, "away": found.away, "wrong": found.wrong, "faults": found.faults,
        });
        writeln!(out, "{json}")?;
    } else {
        for words in &found.faults {
            writeln!(out, "{words}")?;
        }
        let (entries, records, payloads) = (found.entries, found.records, found.payloads);
        writeln!(out, "{entries} entries, {records} records, {payloads} payloads")?;
        if found.unnamed > 0 {
            writeln!(out, "{} payloads are named by nothing; they do no harm", found.unnamed)?;
        }
        if found.away > 0 {
            writeln!(out, "{} payloads went to the archive, which is not there", found.away)?;
        }
        match found.wrong {
            0 => writeln!(out, "All agree.")?,
            wrong => writeln!(out, "{wrong} wrong")?,
        }
    }
    Ok(if found.wrong == 0 { Verdict::Clean } else { Verdict::Findings })
}
