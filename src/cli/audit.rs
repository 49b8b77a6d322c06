//! `crossdock audit`: whether the log of all changes is what was written, and what it tells.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::acks::{in_order, since};
use super::serve::ConfigArgs;
use super::wait::waiting;
use super::{Context, Error, Format, Verdict};
use crate::gateway::{
    self, AUDIT, Bundle, Checkpoint, Dossier, PublicKey, Report, Told, Trail, export_dossier,
    verify_dossier,
};

/// Arguments of `audit`.
#[derive(Debug, clap::Args)]
#[command(long_about = "Verify and read the audit log.\n\n\
Every change of state is an entry of the log: who, what, when, the hash of the bytes, the state before. Reads files \
only, so that it works beside a gateway that runs.")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Detect entries that were edited, removed or moved
    Verify(VerifyArgs),
    /// List what happened
    List(ListArgs),
    /// Write everything about a number into a folder, with proofs, for a dispute
    Export(ExportArgs),
    /// Print the public key that the log is signed with
    Key(ConfigArgs),
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 as it was written, 1 something was changed, 2 it cannot be read."
)]
struct VerifyArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The folder of a log (`audit` in the data folder, or a copy) instead of that of the configuration
    #[arg(long, value_name = "FOLDER")]
    log: Option<PathBuf>,
    /// A checkpoint that was kept elsewhere: the log must still hold all that it covers. May be repeated
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The public key that must have signed, rather than those that stand beside the log. May be repeated
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// Verify a folder that `audit export` has written instead
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["log", "checkpoint"])]
    bundle: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Only what concerns this number (of a purchase order, a shipment, an invoice)
    #[arg(long, value_name = "NUMBER")]
    po: Option<String>,
    /// Only what concerns this partner
    #[arg(long, value_name = "NAME")]
    partner: Option<String>,
    /// Only since then: a day, a moment, or a span such as 36h or 7d
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<Timestamp>,
    /// … and before this
    #[arg(long, value_name = "WHEN", value_parser = since)]
    until: Option<Timestamp>,
}

#[derive(Debug, clap::Args)]
struct ExportArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The number of the purchase order (or of another document)
    #[arg(long, value_name = "NUMBER")]
    po: String,
    /// Whose number it is; asked for where several partners have it
    #[arg(long, value_name = "NAME")]
    partner: Option<String>,
    /// The folder to write; it must not be there yet
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
}

/// Does what was asked.
///
/// # Errors
/// A configuration or log that cannot be read; a folder that cannot be written.
pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    match &args.command {
        Command::Verify(args) => verify(args, context, out),
        Command::List(args) => list(args, context, out),
        Command::Export(args) => {
            let data = args.config.read()?.data;
            let bundle = export_dossier(&data, &args.po, args.partner.as_deref(), &args.to)?;
            let Bundle { entries, payloads, .. } = &bundle;
            writeln!(out, "{}: {entries} entries, {payloads} files", args.to.display())?;
            faults(&bundle, out)
        }
        Command::Key(config) => {
            let data = config.read()?.data;
            for key in keys_beside(&data.join(AUDIT))? {
                writeln!(out, "{key}")?;
            }
            Ok(Verdict::Clean)
        }
    }
}

fn keys_beside(folder: &Path) -> Result<Vec<PublicKey>, Error> {
    let keys = gateway::public_keys(folder).map_err(|e| Error::Gateway(e.to_string()))?;
    if keys.is_empty() {
        let words = if folder.join("checkpoint").exists() {
            "the file `public-keys` is missing beside what was signed: restore it, or give the key with --key"
        } else {
            "nothing was signed yet: no gateway has run with this configuration"
        };
        return Err(Error::Unknown(format!("{}: {words}", folder.display())));
    }
    Ok(keys)
}

fn verify(args: &VerifyArgs, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let wrong = |words: &'static str| Error::Unknown(format!("--key: {words}"));
    let given: Vec<PublicKey> =
        args.key.iter().map(|key| key.parse().map_err(wrong)).collect::<Result<_, _>>()?;
    let given = (!given.is_empty()).then_some(given);
    if let Some(folder) = &args.bundle {
        let bundle = verify_dossier(folder, given.as_deref())?;
        let Bundle { entries, payloads, .. } = &bundle;
        writeln!(out, "{entries} entries, {payloads} files")?;
        let verdict = faults(&bundle, out)?;
        if verdict == Verdict::Clean {
            writeln!(
                out,
                "Each entry is in the log that was signed, the timeline tells what they tell, and the bytes are those that \
                 they name."
            )?;
        }
        return Ok(verdict);
    }
    let folder = match &args.log {
        Some(folder) => folder.clone(),
        None => args.config.read()?.data.join(AUDIT),
    };
    let keys = given.map_or_else(|| keys_beside(&folder), Ok)?;
    let mut kept = Vec::new();
    for file in &args.checkpoint {
        let text = std::fs::read_to_string(file).map_err(Error::read(file))?;
        let read = Checkpoint::read(&text, &keys);
        kept.push(read.map_err(|e| Error::Unknown(format!("{}: {e}", file.display())))?);
    }
    let report = waiting("entries", |progress| {
        gateway::verify(&folder, &keys, &kept, &mut |done| progress(done, 0))
    });
    tell(&report.map_err(|e| Error::Gateway(e.to_string()))?, context, out)
}

fn tell(report: &Report, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let Report { origin, entries, root, signed, checkpoints, fault } = report;
    if context.format == Format::Json {
        let fault = fault.as_ref().map(|f| serde_json::json!({"entry": f.entry, "words": f.words}));
        let json = serde_json::json!({
            "log": origin, "entries": entries, "root": root, "signed": signed,
            "checkpoints": checkpoints, "fault": fault,
        });
        writeln!(out, "{json}")?;
    } else if let Some(fault) = fault {
        writeln!(out, "{}", fault.words)?;
        if fault.entry.is_some() {
            writeln!(out, "The {entries} entries before it are as they were written.")?;
        }
    } else {
        writeln!(
            out,
            "{origin}: {entries} entries, all as they were written; {checkpoints} checkpoints fit"
        )?;
        if signed < entries {
            writeln!(out, "The last {} are not signed yet.", entries - signed)?;
        }
    }
    Ok(if fault.is_some() { Verdict::Findings } else { Verdict::Clean })
}

fn faults(bundle: &Bundle, out: &mut dyn Write) -> Result<Verdict, Error> {
    for words in &bundle.faults {
        writeln!(out, "{words}")?;
    }
    Ok(if bundle.faults.is_empty() { Verdict::Clean } else { Verdict::Findings })
}

fn list(args: &ListArgs, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    in_order(args.since, args.until)?;
    let config = args.config.read()?;
    let data = &config.data;
    let find = |number| Dossier::find(data, number, args.partner.as_deref());
    let dossier = args.po.as_deref().map(find).transpose()?;
    let mut trail = Trail::open(data, 1)?;
    let mut is_none = true;
    while let Some(told) = trail.read()? {
        if !is_wanted(args, dossier.as_ref(), &told)? {
            continue;
        }
        is_none = false;
        if context.format == Format::Json {
            out.write_all(told.line)?;
            writeln!(out)?;
        } else {
            show(&told, context, out)?;
        }
    }
    if is_none {
        config.is_partner(args.partner.as_deref()).map_err(Error::Unknown)?;
    }
    Ok(Verdict::Clean)
}

fn is_wanted(args: &ListArgs, dossier: Option<&Dossier>, told: &Told) -> Result<bool, Error> {
    if args.since.is_some_and(|since| told.at < since)
        || args.until.is_some_and(|until| told.at >= until)
    {
        return Ok(false);
    }
    match (dossier, &args.partner) {
        (Some(dossier), _) => Ok(dossier.tells_of(told)),
        (None, Some(name)) => Ok(told.partners(&told.puts()?).any(|named| named == name)),
        (None, None) => Ok(true),
    }
}

/// One line an event, below the entry's own.
fn show(told: &Told, context: &Context, out: &mut dyn Write) -> Result<(), Error> {
    let strong = context.paint.strong;
    writeln!(out, "{strong}{}  {:.0}  {}{strong:#}", told.number, told.at, told.by)?;
    for record in &told.journal {
        let entry = &record.entry;
        let note = entry.note.trim().replace('\n', " | ");
        let words =
            [gateway::event_words(entry.event), entry.partner.clone(), entry.subject.clone(), note];
        let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
        writeln!(out, "  {}", words.join("  "))?;
    }
    for step in &told.steps {
        let from =
            step.from.map_or_else(|| "new".to_owned(), |from| format!("{from:?}").to_lowercase());
        let to = format!("{:?}", step.to).to_lowercase();
        writeln!(out, "  {}: {from} → {to}", step.document)?;
    }
    Ok(())
}
