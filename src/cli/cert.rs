//! `crossdock cert`: keys and certificates for AS2: make them, look at them, bring them from one form to another, and see
//! which end soon.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::definitions::engine;
use super::serve::ConfigArgs;
use super::table::table;
use super::{Context, Error, Format, Verdict, runtime};
use crate::gateway::{As2Certificate, as2_certificates};
use crate::profile::Secret;
use crate::secrets::read_secret;
use crate::transport::as2::cms::{Certificate, Identity};

/// Arguments of `cert`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a key with a certificate that vouches for itself
    New(NewArgs),
    /// Show certificates: whose, from when to when, their fingerprints
    Show(ShowArgs),
    /// Bring a key or certificate in PEM, DER or PKCS#12 into PEM
    Import(CopyArgs),
    /// Write the certificate alone, for the partner; or key and certificate as PKCS#12
    Export(ExportArgs),
    /// List the certificates of all AS2 partners by their end
    Expire(ExpireArgs),
}

/// Arguments of `cert new`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  crossdock cert new --name \"Northdock AS2\" --to keys/northdock.pem\n\
  crossdock cert export keys/northdock.pem --to northdock.crt.pem"
)]
struct NewArgs {
    /// The name in the certificate
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The new file: key and certificate in PEM, which only its owner may read
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Size of the RSA key: 2048, 3072 or 4096
    #[arg(long, value_name = "BITS", default_value_t = 2048)]
    bits: u32,
    /// For how many days it is in force
    #[arg(long, value_name = "DAYS", default_value_t = 730, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
}

/// Arguments of `cert show`.
#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// PEM, DER or PKCS#12
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// What a key is locked with: `env:NAME` or `file:PATH`
    #[arg(long, value_name = "SECRET")]
    passphrase: Option<Secret>,
}

/// Arguments of `cert import`.
#[derive(Debug, clap::Args)]
struct CopyArgs {
    /// PEM, DER or PKCS#12
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The new file
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// What the key is locked with: `env:NAME` or `file:PATH`
    #[arg(long, value_name = "SECRET")]
    passphrase: Option<Secret>,
}

/// Arguments of `cert export`.
#[derive(Debug, clap::Args)]
struct ExportArgs {
    #[command(flatten)]
    copy: CopyArgs,
    /// Key and certificate as PKCS#12, locked with this: `env:NAME` or `file:PATH`
    #[arg(long, value_name = "SECRET")]
    pkcs12: Option<Secret>,
}

/// Arguments of `cert expire`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The exit code is 1 where one ends within the days that are named, or has ended."
)]
struct ExpireArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Tell of those that end within so many days
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    within: u32,
}

/// Does what was asked.
///
/// # Errors
/// Files that cannot be read or written, or are not what they should be.
pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    match &args.command {
        Command::New(args) => make(args, out),
        Command::Show(args) => show(args, context, out),
        Command::Import(args) => import(args, out),
        Command::Export(args) => export(args, out),
        Command::Expire(args) => expire(args, context, out),
    }
}

fn make(args: &NewArgs, out: &mut dyn Write) -> Result<Verdict, Error> {
    let now = Timestamp::now();
    let until = now + SignedDuration::from_hours(24 * i64::from(args.days));
    let identity = Identity::self_signed(&args.name, args.bits, now, until);
    let identity = identity.map_err(|e| Error::Unknown(e.to_string()))?;
    write_new(&args.to, &pem(&identity)?)?;
    writeln!(out, "{}: key and certificate", args.to.display())?;
    writeln!(out, "{}", lines(identity.certificate()))?;
    let (file, name) = (args.to.display(), args.to.with_extension("crt.pem"));
    writeln!(out, "For the partner: crossdock cert export {file} --to {}", name.display())?;
    Ok(Verdict::Clean)
}

fn show(args: &ShowArgs, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    for file in &args.files {
        let (certificate, identity) = read(file, args.passphrase.as_ref())?;
        let (from, until) = certificate.window();
        if context.format == Format::Json {
            let line = json!({
                "type": "certificate", "file": file, "subject": certificate.subject(),
                "sha256": certificate.fingerprint(), "from": from, "until": until,
                "in_force": certificate.is_in_force(Timestamp::now()), "key": identity.is_some(),
            });
            writeln!(out, "{line}")?;
            continue;
        }
        let key = if identity.is_some() { "certificate with its key" } else { "certificate" };
        writeln!(out, "{}: {key}\n{}", file.display(), lines(&certificate))?;
    }
    Ok(Verdict::Clean)
}

fn import(args: &CopyArgs, out: &mut dyn Write) -> Result<Verdict, Error> {
    let (certificate, identity) = read(&args.file, args.passphrase.as_ref())?;
    let (bytes, what) = match &identity {
        Some(identity) => (pem(identity)?, "key and certificate"),
        None => (of_certificate(&certificate)?, "certificate"),
    };
    write_new(&args.to, &bytes)?;
    writeln!(out, "{}: {what}\n{}", args.to.display(), lines(&certificate))?;
    Ok(Verdict::Clean)
}

fn export(args: &ExportArgs, out: &mut dyn Write) -> Result<Verdict, Error> {
    let CopyArgs { file, to, passphrase } = &args.copy;
    let (certificate, identity) = read(file, passphrase.as_ref())?;
    let (bytes, what) = match (&args.pkcs12, identity) {
        (None, _) => (of_certificate(&certificate)?, "certificate"),
        (Some(_), None) => {
            return Err(Error::Unknown(format!("{}: there is no key in it", file.display())));
        }
        (Some(secret), Some(identity)) => {
            let lock = read_secret(secret).map_err(Error::Unknown)?;
            let bytes = identity.to_pkcs12(&certificate.subject(), &lock);
            (bytes.map_err(|e| Error::Unknown(e.to_string()))?, "key and certificate")
        }
    };
    write_new(to, &bytes)?;
    writeln!(out, "{}: {what}\n{}", to.display(), lines(&certificate))?;
    Ok(Verdict::Clean)
}

fn expire(args: &ExpireArgs, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let config = args.config.read()?;
    let engine = engine(context)?;
    let runtime = runtime(Some(1))?;
    let _within = runtime.enter();
    let mut found =
        as2_certificates(&config, &engine).map_err(|e| Error::Gateway(e.to_string()))?;
    found.sort_by_key(|one| one.until);
    let now = Timestamp::now();
    let days = |one: &As2Certificate| one.until.duration_since(now).as_hours().div_euclid(24);
    let is_near = |one: &As2Certificate| one.revoked || days(one) < i64::from(args.within);
    if context.format == Format::Json {
        for one in &found {
            let line = json!({
                "type": "certificate", "partner": one.partner, "whose": one.whose, "subject": one.subject,
                "sha256": one.sha256, "from": one.from, "until": one.until, "days": days(one), "revoked": one.revoked,
            });
            writeln!(out, "{line}")?;
        }
    } else if found.is_empty() {
        writeln!(out, "No partner is reached over AS2.")?;
    } else {
        let rows: Vec<[String; 5]> = found
            .iter()
            .map(|one| {
                let left = match days(one) {
                    _ if one.revoked => "revoked".to_owned(),
                    days if days < 0 => "ended".to_owned(),
                    days => format!("{days} days"),
                };
                let (partner, whose) = (one.partner.clone(), one.whose.to_owned());
                [partner, whose, one.subject.clone(), day(one.until), left]
            })
            .collect();
        table(["partner", "whose", "name", "until (UTC)", "left"], &rows, context, out)?;
    }
    Ok(if found.iter().any(is_near) { Verdict::Findings } else { Verdict::Clean })
}

/// A certificate, with its key where that is there too.
fn read(
    file: &Path,
    passphrase: Option<&Secret>,
) -> Result<(Certificate, Option<Identity>), Error> {
    let bytes = fs::read(file).map_err(Error::read(file))?;
    let lock = passphrase.map(read_secret).transpose().map_err(Error::Unknown)?;
    let failed =
        |e: crate::transport::as2::cms::Error| Error::Unknown(format!("{}: {e}", file.display()));
    let has_key = memchr::memmem::find(&bytes, b"PRIVATE KEY-----").is_some();
    match Certificate::read(&bytes) {
        Ok(certificate) if !has_key => Ok((certificate, None)),
        _ => {
            let identity = Identity::read(&bytes, &lock.unwrap_or_default()).map_err(failed)?;
            Ok((identity.certificate().clone(), Some(identity)))
        }
    }
}

fn pem(identity: &Identity) -> Result<Vec<u8>, Error> {
    identity.to_pem().map_err(|e| Error::Unknown(e.to_string()))
}

fn of_certificate(certificate: &Certificate) -> Result<Vec<u8>, Error> {
    certificate.x509().to_pem().map_err(|e| Error::Unknown(e.to_string()))
}

/// Writes a file that was not there; only its owner may read it.
fn write_new(file: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(file).and_then(|mut open| {
        open.write_all(bytes)?;
        open.sync_all()
    });
    written.map_err(|e| Error::Unknown(format!("{}: {e}", file.display())))
}

fn lines(certificate: &Certificate) -> String {
    let (from, until) = certificate.window();
    format!(
        "  name         {}\n  in force     {} to {}\n  SHA-256      {}",
        certificate.subject(),
        day(from),
        day(until),
        certificate.fingerprint()
    )
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}
