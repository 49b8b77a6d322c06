//! `crossdock partner trust`: the key of a partner's SFTP server, shown, asked about, and written into its profile.

use std::io::{self, IsTerminal as _, Write};
use std::path::Path;

use serde_json::json;
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

use super::Place;
use crate::cli::{Context, Error, Format, Verdict};
use crate::disk::write_to;
use crate::profile::{HostKey, PARTNER_FILE, Sftp};
use crate::transport::sftp::{ServerKey, key_of_server};

/// Arguments of `partner trust`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Connects to the server of [mailbox.sftp], and ends the connection once the server has shown its key: \
nobody is logged in, and no secret is sent. Compare the fingerprint with the one that the partner has told you by \
another way. What is trusted is written to host_keys, beside what stands there, in the partner.toml that names the server: the \
partner's, or one that it extends.\n\n\
Exit code 1: the key is not trusted.\n\n\
Examples:\n  crossdock partner trust harbor-and-pine\n  crossdock partner trust harbor-and-pine --yes"
)]
pub struct Args {
    /// The partner
    #[arg(value_name = "NAME")]
    name: String,
    /// Trust whatever key the server shows, without asking
    #[arg(long)]
    yes: bool,
}

/// Shows the key, and writes it where it is to be trusted.
///
/// # Errors
/// Profiles that cannot be read or written, a mailbox that is a folder, a server that cannot be reached.
pub fn run(
    args: &Args,
    place: &Place,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Verdict, Error> {
    let loaded = place.load(context)?;
    let partner = loaded.partner(&args.name)?;
    let Some(sftp) = &partner.mailbox.sftp else {
        let words =
            format!("the mailbox of {} is a folder: there is no server to trust", args.name);
        return Err(Error::Unknown(words));
    };
    let shown = key_of_server(&sftp.host, sftp.port, sftp.connect_timeout);
    let key = shown.map_err(Error::Gateway)?;
    let known = sftp.host_keys.contains(&key.fingerprint);
    show(sftp, &key, known, context, out)?;
    if known {
        return Ok(Verdict::Clean);
    }
    if !args.yes && !ask(context, out)? {
        return Ok(Verdict::Findings);
    }
    // Where the server is named, so that whoever shares it shares its keys; a profile that is shipped is not ours to
    // write in.
    let named = |subject| partner.origin("mailbox.sftp", subject);
    let holder = named("host_keys").or_else(|| named("host"));
    let holder = holder.and_then(|origin| loaded.source(&origin.profile).ok());
    let folder = Path::new(&holder.map_or_else(|| loaded.source(&args.name), Ok)?.folder);
    let file = folder.join(PARTNER_FILE);
    let text = std::fs::read_to_string(&file).map_err(Error::read(&file))?;
    let comment = format!("{}, trusted on {}", key.algorithm, jiff::Zoned::now().date());
    let written =
        with_key(&text, &sftp.host_keys, &key.fingerprint, &comment).map_err(|words| {
            Error::Unknown(format!(
                "{}: {words}. Write host_keys = [\"{}\"] under [mailbox.sftp] by hand",
                file.display(),
                key.fingerprint
            ))
        })?;
    write_to(folder, PARTNER_FILE, written.as_bytes()).map_err(Error::read(&file))?;
    if context.format == Format::Human {
        writeln!(out, "{s}trusted{s:#}: written to {}", file.display(), s = context.paint.good)?;
    }
    Ok(Verdict::Clean)
}

fn show(
    sftp: &Sftp,
    key: &ServerKey,
    known: bool,
    context: &Context,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Sftp { host, port, host_keys, .. } = sftp;
    let ServerKey { fingerprint, algorithm } = key;
    let trusted: Vec<String> = host_keys.iter().map(ToString::to_string).collect();
    if context.format == Format::Json {
        let line = json!({
            "type": "server_key", "host": host, "port": port, "algorithm": algorithm,
            "fingerprint": fingerprint.to_string(), "trusted": trusted, "known": known,
        });
        return writeln!(out, "{line}");
    }
    let strong = context.paint.strong;
    writeln!(out, "{host}:{port} shows the key\n  {strong}{fingerprint}{strong:#}  {algorithm}")?;
    if known {
        return writeln!(out, "It is trusted already.");
    }
    for other in &trusted {
        writeln!(out, "Trusted until now is\n  {other}")?;
    }
    Ok(())
}

/// Whether a person at the terminal says yes.
fn ask(context: &Context, out: &mut dyn Write) -> Result<bool, Error> {
    let stdin = io::stdin();
    if !stdin.is_terminal() || context.format == Format::Json {
        writeln!(out_of(context, out), "Nobody is there to ask: --yes trusts it.")?;
        return Ok(false);
    }
    write!(out, "Has the partner told you this fingerprint by another way? Trust it? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// What is for people alone does not stand among lines for machines.
fn out_of<'a>(context: &Context, out: &'a mut dyn Write) -> Box<dyn Write + 'a> {
    match context.format {
        Format::Human => Box::new(out),
        Format::Json => Box::new(io::stderr()),
    }
}

/// The text of a profile with one key more in `host_keys`, under a comment. All else stays as it stands there.
fn with_key(
    text: &str,
    trusted: &[HostKey],
    key: &HostKey,
    comment: &str,
) -> Result<String, String> {
    let mut document: DocumentMut =
        text.parse().map_err(|e: toml_edit::TomlError| e.to_string())?;
    let mailbox = table(document.as_table_mut(), "mailbox")?;
    let sftp = table(mailbox, "sftp")?;
    if !sftp.contains_key("host_keys") {
        // Those of a profile below would be replaced by ours.
        let inherited: Array = trusted.iter().map(ToString::to_string).collect();
        sftp.insert("host_keys", Item::Value(Value::Array(inherited)));
    }
    let keys = sftp.get_mut("host_keys").and_then(Item::as_array_mut);
    let keys = keys.ok_or("`host_keys` is no list")?;
    let mut value = Value::from(key.to_string());
    value.decor_mut().set_prefix(format!("\n    # {comment}\n    "));
    keys.push_formatted(value);
    keys.set_trailing_comma(true);
    keys.set_trailing("\n");
    Ok(document.to_string())
}

/// A table within a table; it is begun where it is missing, under a heading of its own.
fn table<'a>(within: &'a mut dyn TableLike, name: &str) -> Result<&'a mut dyn TableLike, String> {
    if !within.contains_key(name) {
        let mut table = Table::new();
        table.set_implicit(true);
        within.insert(name, Item::Table(table));
    }
    let found = within.get_mut(name).and_then(Item::as_table_like_mut);
    found.ok_or_else(|| format!("`{name}` is no table"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(letter: &str) -> HostKey {
        format!("SHA256:{}", letter.repeat(43)).parse().unwrap()
    }

    #[test]
    fn a_key_is_written_and_everything_else_stays() {
        let (old, new) = (key("a"), key("b"));
        let added = format!("\n    # new\n    \"{new}\",\n]");
        for (before, after) in [
            // Beside what is trusted.
            (
                format!("# top\n[mailbox.sftp]\nhost_keys = [\"{old}\"]  # pinned\nport = 2222\n"),
                format!(
                    "# top\n[mailbox.sftp]\nhost_keys = [\"{old}\",{added}  # pinned\nport = 2222\n"
                ),
            ),
            // The first.
            (
                "[mailbox]\nfolder = \"m\"  # ours\nsftp = { host = \"h\" }\n".to_owned(),
                format!(
                    "[mailbox]\nfolder = \"m\"  # ours\nsftp = {{ host = \"h\" , host_keys = [\"{old}\",{added} }}\n"
                ),
            ),
            // The server stands in a profile below.
            (
                "title = \"x\"\n\n[mailbox]\nfolder = \"m\"\n".to_owned(),
                format!(
                    "title = \"x\"\n\n[mailbox]\nfolder = \"m\"\n\n[mailbox.sftp]\nhost_keys = [\"{old}\",{added}\n"
                ),
            ),
        ] {
            let written = with_key(&before, std::slice::from_ref(&old), &new, "new").unwrap();
            assert_eq!(written, after);
        }
        assert!(with_key("mailbox = 1", &[], &new, "new").is_err());
        assert!(with_key("[mailbox.sftp]\nhost_keys = 1", &[], &new, "new").is_err());
    }
}
