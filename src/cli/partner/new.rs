//! `crossdock partner new`: the beginnings of a profile. Whatever only its author knows is marked, and `partner
//! check` tells of each mark that is left.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::Place;
use crate::cli::definitions::engine;
use crate::cli::{Context, Error, Verdict};
use crate::folders::profile_sources;
use crate::gateway::Config;
use crate::grammar::suggest::nearest;
use crate::profile::{PARTNER_FILE, Profiles};

/// Arguments of `partner new`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Writes NAME/partner.toml with every section explained, and NAME/850.overlay with examples of rules. \
Values that only you know are marked TODO; `crossdock partner check NAME` lists those that are left. Nothing that is \
there already is touched.\n\n\
Examples:\n  crossdock partner new north-loop\n  crossdock partner new north-loop --from big-box-retailer"
)]
pub struct Args {
    /// Its name, and that of its folder: small letters, digits and -
    #[arg(value_name = "NAME")]
    name: String,
    /// A profile that lies below it: of the folder, or one of those that are shipped
    #[arg(long, value_name = "PROFILE")]
    from: Option<String>,
}

const WHOLE: &str = include_str!("whole.toml");
const DERIVED: &str = include_str!("derived.toml");
const OVERLAY: &str = include_str!("sample.overlay");

/// Writes the folder.
///
/// # Errors
/// A name that cannot be used or is taken; a profile to extend that is not there; a folder that cannot be written.
pub fn run(
    args: &Args,
    place: &Place,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Verdict, Error> {
    let name = &args.name;
    let usable = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(usable) {
        let words =
            format!("{name:?} cannot be the name of a profile: small letters, digits and -");
        return Err(Error::Unknown(words));
    }
    let config = place.config()?;
    let profiles = place.folder(config.as_ref());
    let folder = profiles.join(name);
    if folder.exists() {
        let words = format!("{} is there already; nothing was written", folder.display());
        return Err(Error::Unknown(words));
    }
    if let Some(base) = &args.from {
        known(base, &profiles)?;
    }
    // Grammars that cannot be read are told before anything is written.
    let engine = engine(context)?;
    let releases: Vec<&str> =
        engine.grammars().sets().filter(|g| g.set == "850").map(|g| g.release.as_str()).collect();
    let endpoint = endpoint(config.as_ref());
    let fill = |template: &str| {
        template
            .replace("{name}", name)
            .replace("{title}", &title(name))
            .replace("{base}", args.from.as_deref().unwrap_or_default())
            .replace("{endpoint}", &endpoint)
            .replace("{releases}", &releases.join(" "))
    };
    let template = if args.from.is_some() { DERIVED } else { WHOLE };
    fs::create_dir_all(&folder).map_err(Error::read(&folder))?;
    for (file, text) in [(PARTNER_FILE, fill(template)), ("850.overlay", fill(OVERLAY))] {
        let path = folder.join(file);
        fs::write(&path, text).map_err(Error::read(&path))?;
        writeln!(out, "wrote {}", path.display())?;
    }
    writeln!(
        out,
        "Fill in what is marked TODO; `crossdock partner check {name}` tells what is left."
    )?;
    Ok(Verdict::Clean)
}

/// Whether there is a profile to rest on.
fn known(base: &str, folder: &Path) -> Result<(), Error> {
    let own = if folder.is_dir() { profile_sources(folder).0 } else { Vec::new() };
    let shipped = Profiles::shipped();
    let names: Vec<&str> = own.iter().chain(&shipped).map(|source| source.name.as_str()).collect();
    if names.contains(&base) {
        return Ok(());
    }
    let mend = nearest(base, names.iter().copied()).map_or_else(
        || format!("there are {}", names.join(", ")),
        |n| format!("did you mean {n}?"),
    );
    Err(Error::Unknown(format!("there is no profile {base} to rest on; {mend}")))
}

/// The endpoint, where there is only one that can be meant.
fn endpoint(config: Option<&Config>) -> String {
    let mut names = config.iter().flat_map(|config| config.endpoints.keys());
    match (names.next(), names.next()) {
        (Some(only), None) => only.clone(),
        _ => "TODO".to_owned(),
    }
}

/// `north-loop` as people write it: `North Loop`.
fn title(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut characters = word.chars();
        let first = characters.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(characters).collect::<String>()
    });
    words.collect::<Vec<_>>().join(" ")
}
