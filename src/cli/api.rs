//! `crossdock api`: what the API is, and who may use it.

use std::io::Write;

use jiff::{SignedDuration, Timestamp};

use super::serve::ConfigArgs;
use super::table::table;
use super::{Context, Error, Format, Verdict};
use crate::api::{Scope, Token, Tokens, openapi};

/// Arguments of `api`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the OpenAPI document, from which clients are generated
    Openapi,
    /// Make, list and revoke tokens
    #[command(subcommand)]
    Token(TokenCommand),
}

#[derive(Debug, clap::Subcommand)]
enum TokenCommand {
    /// Make a token; its text is printed once and kept nowhere
    New(NewArgs),
    /// List tokens: what they may do, for which partners, until when
    List(ListArgs),
    /// Take a token back: it is not taken any more, at once
    Revoke(RevokeArgs),
}

/// Arguments of `api token new`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  crossdock api token new wms --scope documents:read --scope documents:write\n\
  crossdock api token new desk --scope exceptions:read --scope exceptions:write --partner harbor-and-pine --days 90"
)]
struct NewArgs {
    /// Its name: who uses it, as the audit log will say
    #[arg(value_name = "NAME", value_parser = name)]
    name: String,
    /// What it may do: documents:read, documents:write, exceptions:read, exceptions:write, webhooks:write
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<Scope>,
    /// A partner that it is for; may be given several times. Unless given, it is for all
    #[arg(long = "partner", value_name = "PARTNER")]
    partners: Vec<String>,
    /// After so many days it is not taken any more
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, clap::Args)]
struct RevokeArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Small letters, digits, `-` and `_`: a key of TOML, and a word in the log.
fn name(text: &str) -> Result<String, String> {
    let is_one = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if !text.is_empty() && text.len() <= 40 && text.chars().all(is_one) {
        return Ok(text.to_owned());
    }
    Err("a name has 1 to 40 small letters, digits, `-` and `_`".to_owned())
}

/// Prints, makes, lists or revokes.
///
/// # Errors
/// A configuration that cannot be used; a file of tokens that cannot be read or written; a name that is taken, or that
/// there is not.
pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    match &args.command {
        Command::Openapi => {
            serde_json::to_writer_pretty(&mut *out, &openapi()).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        Command::Token(TokenCommand::New(args)) => new(args, context, out)?,
        Command::Token(TokenCommand::List(args)) => list(args, context, out)?,
        Command::Token(TokenCommand::Revoke(args)) => {
            let file = args.config.read()?.api.tokens;
            let mut tokens = Tokens::read(&file).map_err(failed)?;
            if tokens.0.remove(&args.name).is_none() {
                return Err(Error::Unknown(format!("there is no token {}", args.name)));
            }
            tokens.write(&file).map_err(failed)?;
            writeln!(out, "{} is not taken any more.", args.name)?;
        }
    }
    Ok(Verdict::Clean)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Gateway(error.to_string())
}

fn new(args: &NewArgs, context: &Context, out: &mut dyn Write) -> Result<(), Error> {
    let file = args.config.read()?.api.tokens;
    let mut tokens = Tokens::read(&file).map_err(failed)?;
    if tokens.0.contains_key(&args.name) {
        let words = format!(
            "there is a token {} already; `crossdock api token revoke {}` takes it back",
            args.name, args.name
        );
        return Err(Error::Unknown(words));
    }
    let span = args.days.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
    let expires = span.and_then(|span| Timestamp::now().checked_add(span).ok());
    let partners = Some(args.partners.clone()).filter(|partners| !partners.is_empty());
    let mut scopes = args.scopes.clone();
    scopes.sort();
    scopes.dedup();
    let (token, text) = Token::random(scopes, partners, expires).map_err(failed)?;
    tokens.0.insert(args.name.clone(), token);
    tokens.write(&file).map_err(failed)?;
    if context.format == Format::Json {
        let json = serde_json::json!({ "type": "token", "name": args.name, "token": text });
        writeln!(out, "{json}")?;
        return Ok(());
    }
    writeln!(out, "{text}")?;
    writeln!(
        out,
        "\nThis is the token {}. It is shown once: {} has only its hash.",
        args.name,
        file.display()
    )?;
    writeln!(out, "Send it as `Authorization: Bearer …`. A gateway that runs takes it at once.")?;
    Ok(())
}

fn list(args: &ListArgs, context: &Context, out: &mut dyn Write) -> Result<(), Error> {
    let tokens = Tokens::read(&args.config.read()?.api.tokens).map_err(failed)?;
    if context.format == Format::Json {
        for (name, token) in &tokens.0 {
            let json = serde_json::json!({
                "type": "token", "name": name, "scopes": token.scopes, "partners": token.partners,
                "expires": token.expires,
            });
            writeln!(out, "{json}")?;
        }
        return Ok(());
    }
    let rows: Vec<[String; 4]> = tokens.0.iter().map(|(name, token)| row(name, token)).collect();
    if rows.is_empty() {
        writeln!(out, "No token: nobody may use the API. `crossdock api token new` makes one.")?;
        return Ok(());
    }
    Ok(table(["TOKEN", "SCOPES", "PARTNERS", "UNTIL"], &rows, context, out)?)
}

fn row(name: &str, token: &Token) -> [String; 4] {
    let scopes: Vec<String> = token.scopes.iter().map(ToString::to_string).collect();
    let partners = token.partners.as_ref();
    [
        name.to_owned(),
        scopes.join(" "),
        partners.map_or_else(|| "all".to_owned(), |partners| partners.join(" ")),
        token.expires.map_or_else(String::new, super::acks::minute),
    ]
}
