//! The kinds of exceptions, and their playbooks.

use std::io::Write;

use include_dir::{Dir, include_dir};

use super::super::{Context, Error, Format, Verdict};
use crate::exceptions::{Kind, Playbook};

static PLAYBOOKS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/docs/playbooks");

/// Arguments of `exceptions kinds`.
#[derive(Debug, clap::Args)]
pub struct KindsArgs {
    /// Tell what is known of this one, with its playbook
    #[arg(value_name = "KIND")]
    kind: Option<String>,
}

/// The kind of a name.
pub(super) fn named(name: &str) -> Result<Kind, Error> {
    Kind::named(name).ok_or_else(|| {
        let names: Vec<&str> = Kind::all().iter().map(|entry| entry.name).collect();
        Error::Unknown(format!("there is no kind `{name}`; there are {}", names.join(", ")))
    })
}

/// Lists them, or tells of one.
///
/// # Errors
/// A kind that there is not; output that cannot be written.
pub fn run(args: &KindsArgs, context: &Context, out: &mut dyn Write) -> Result<Verdict, Error> {
    let chosen = args.kind.as_deref().map(named).transpose()?;
    let (strong, faint) = (context.paint.strong, context.paint.faint);
    let entries = Kind::all().iter().filter(|entry| chosen.is_none_or(|kind| kind == entry.kind));
    for entry in entries {
        let actions: Vec<&str> = entry.actions.iter().map(|action| action.name()).collect();
        if context.format == Format::Json {
            let line = serde_json::json!({
                "type": "kind", "name": entry.name, "severity": entry.severity, "title": entry.title,
                "what": entry.what, "mend": entry.mend, "actions": actions,
                "playbook": entry.playbook.path(),
            });
            writeln!(out, "{line}")?;
            continue;
        }
        let (name, severity, title) = (entry.name, entry.severity.name(), entry.title);
        writeln!(out, "{strong}{name}{strong:#} {faint}{severity}{faint:#} {title}")?;
        if chosen.is_none() {
            continue;
        }
        writeln!(out, "\n{}\n{}", entry.what, entry.mend)?;
        match entry.playbook {
            Playbook::Page(page) => {
                let file = PLAYBOOKS.get_file(format!("{page}.md"));
                let text = file.and_then(|file| file.contents_utf8()).unwrap_or_default();
                writeln!(out, "\n{text}")?;
            }
            Playbook::None(why) => writeln!(out, "\nThere is no playbook: {why}")?,
        }
    }
    Ok(Verdict::Clean)
}
