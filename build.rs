//! Connectors, grammars, maps, hypotheses and profiles are part of the program: where one of their files is new, changed or gone,
//! it is built again.
//! (`include_dir!` alone sees changes of the files that it found, and no new ones.)
//!
//! Of a profile only what it consists of is part of the program: samples and fixtures stay outside.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const PROFILES: &str = "partner-profiles";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    for folder in ["connectors", "grammars", "maps", "hypotheses"] {
        println!("cargo::rerun-if-changed={folder}");
    }
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from).ok_or(io::ErrorKind::NotFound)?;
    let out = out.join(PROFILES);
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    for profile in fs::read_dir(PROFILES)? {
        let profile = profile?.path();
        if profile.is_dir() {
            copy(&profile, &out)?;
            let crosswalks = profile.join("crosswalks");
            if crosswalks.is_dir() {
                copy(&crosswalks, &out.join(profile.file_name().unwrap_or_default()))?;
            }
        }
    }
    Ok(())
}

/// Copies the files of a folder, and none of its folders. (Cargo looks at folders with all that is in them, so that
/// only files are named to it; a test tells where a new one is not part of the program yet.)
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let to = to.join(from.file_name().unwrap_or_default());
    fs::create_dir_all(&to)?;
    for file in fs::read_dir(from)? {
        let file = file?.path();
        if file.is_file() {
            println!("cargo::rerun-if-changed={}", file.display());
            fs::copy(&file, to.join(file.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}
