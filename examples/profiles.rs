//! How long a thousand profiles take to load, and how much memory: `profiles write DIR 1000` makes them, each resting
//! on one that is shipped, with overlays and cross-references of its own; `profiles load DIR` loads them as the gateway
//! does at its start.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use crossdock::folders::profile_sources;
use crossdock::profile::Profiles;
use crossdock::translate::Engine;

/// Rows of the cross-reference of each.
const ITEMS: usize = 200;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["write", folder, count] => match count.parse() {
            Ok(count) => write(Path::new(folder), count),
            Err(_) => return usage(),
        },
        ["load", folder] => load(Path::new(folder)),
        _ => return usage(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("profiles: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: profiles write DIR COUNT | profiles load DIR");
    ExitCode::from(2)
}

fn load(folder: &Path) -> io::Result<()> {
    let begin = Instant::now();
    let engine = Engine::embedded();
    let mut sources = Profiles::shipped();
    let (own, mut problems) = profile_sources(folder);
    sources.extend(own);
    let read = begin.elapsed();
    let (profiles, found) = Profiles::from_sources(&sources, engine.grammars(), engine.maps());
    let all = begin.elapsed();
    problems.extend(found);
    if let Some(problem) = problems.iter().find(|problem| problem.is_error()) {
        return Err(io::Error::other(problem.to_string()));
    }
    let (partners, agreements) =
        (profiles.iter().count(), profiles.iter().map(|p| p.agreements().len()));
    let agreements: usize = agreements.sum();
    println!(
        "{partners} partners with {agreements} agreements in {all:.2?}, of which {read:.2?} to read files"
    );
    // What is still held counts: the peak is that of a gateway that has just started.
    drop(sources);
    drop(profiles);
    Ok(())
}

fn write(folder: &Path, count: usize) -> io::Result<()> {
    let shipped = Profiles::shipped();
    for number in 0..count {
        let base = &shipped[number % shipped.len()].name;
        let name = format!("partner-{number:04}");
        let here = folder.join(&name);
        fs::create_dir_all(here.join("crosswalks"))?;
        fs::write(here.join("partner.toml"), agreement(base, &name, number))?;
        fs::write(here.join("850.overlay"), order(&name))?;
        fs::write(here.join("810.overlay"), invoice(&name))?;
        fs::write(here.join("crosswalks/items.csv"), items(number))?;
        fs::write(
            here.join("crosswalks/units.csv"),
            "ours,theirs,factor\neach,each,1\neach,case,12\n",
        )?;
    }
    Ok(())
}

fn agreement(base: &str, name: &str, number: usize) -> String {
    format!(
        "extends = \"{base}\"\nsource = \"Mail of 2026-03-01\"\ntitle = \"Partner {number}\"\nendpoint = \"warehouse\"\n\n\
         [identity.production]\npartner = {{ qualifier = \"ZZ\", id = \"{name}\", group = \"{name}\" }}\n\
         own = {{ qualifier = \"ZZ\", id = \"NORTHDOCK3PL\", group = \"NORTHDOCK3PL\" }}\n\n\
         [identity.test]\npartner = {{ qualifier = \"ZZ\", id = \"{name}T\", group = \"{name}T\" }}\n\
         own = {{ qualifier = \"ZZ\", id = \"NORTHDOCK3PLT\", group = \"NORTHDOCK3PLT\" }}\n\n\
         [mailbox]\nfolder = \"mailboxes/{name}\"\n\n\
         [crosswalks]\nitems = {{ file = \"crosswalks/items.csv\" }}\nunits = {{ file = \"crosswalks/units.csv\" }}\n"
    )
}

fn order(name: &str) -> String {
    format!(
        "overlay {name} on 850 004010 005010\nsource \"Mail of 2026-03-01\"\n\n\
         require  REF[DP]  \"Department\"\nlength   REF[DP]/02  3/4\nforbid   TD3\nlimit    N1[BT]  1\n\
         require  PO1/PO106..PO125[UP,EN,UK]\nlength   PO1/PO101  1/3\n\
         when BEG02 = DS  require N1[ST]/N301  \"Drop-ship needs a street\"\n"
    )
}

fn invoice(name: &str) -> String {
    format!(
        "overlay {name} on 810 004010 005010\nsource \"Mail of 2026-03-01\"\n\n\
         require  ITD\nlimit    ITD  1\nlimit    N1  20\nlength   BIG/02  4/16\nunique   IT1/IT101\n"
    )
}

fn items(number: usize) -> String {
    let mut text = String::from("sku,buyer,vendor\n");
    for item in 0..ITEMS {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "SKU-{item:05},B-{number:04}-{item:05},V{item:05}");
    }
    text
}
