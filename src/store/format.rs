//! The version of what is on the disk, and what to do when it does not fit.

use std::fs;
use std::path::Path;

use super::Error;
use super::payloads::file_error;
use crate::disk;

/// The version that this program writes.
pub(super) const VERSION: u32 = 1;
/// Name of the file beside the database that tells it.
const FILE: &str = "FORMAT";
const HEAD: &str = "crossdock store format ";

/// What the folder holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing yet: a first start.
    Nothing,
    /// A store of our version.
    Store,
}

/// Looks before the database is opened, so that an unfit one is not touched.
pub(super) fn look(folder: &Path, database: &Path) -> Result<Found, Error> {
    let refuse = |reason: String| Error::Open { path: folder.display().to_string(), reason };
    let file = folder.join(FILE);
    // The database's own first file; it exists from its creation on.
    let has_database = database.join("db").exists();
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(e) => return Err(file_error("reading", &file, &e)),
    };
    let version: u32 =
        text.trim().strip_prefix(HEAD).and_then(|v| v.trim().parse().ok()).ok_or_else(|| {
            refuse(format!("its {FILE} file is not one of Crossdock's: {:?}", text.trim()))
        })?;
    if version > VERSION {
        return Err(refuse(format!(
            "it was written by a newer Crossdock (format {version}; this one knows up to {VERSION}). Start that newer one, or restore a backup of this version"
        )));
    }
    if !has_database {
        return Err(refuse(
            "its database is missing. Restore it from a backup; a fresh one would number documents from the start and deliver orders twice".to_owned(),
        ));
    }
    Ok(Found::Store)
}

/// Marks the folder as ours, durably; last of the steps of a first start.
pub(super) fn mark(folder: &Path) -> Result<(), Error> {
    let text = format!("{HEAD}{VERSION}\n");
    disk::write_to(folder, FILE, text.as_bytes()).map_err(|e| file_error("marking", folder, &e))
}

/// A snapshot that a kill has interrupted is a file of another name, which sled takes for the newest snapshot all the
/// same and then calls the database corrupt. The finished one beside it and the log hold everything.
pub(super) fn remove_unfinished_snapshots(database: &Path) -> Result<(), Error> {
    let failed = |e: std::io::Error| file_error("clearing", database, &e);
    let entries = match fs::read_dir(database) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    Ok(())
}
