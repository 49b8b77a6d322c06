//! The version of what is on the disk.

use std::fs;
use std::path::Path;

use super::Error;
use super::payloads::file_error;
use crate::disk;

/// The version that this program writes: since 3 small payloads lie in packs, since 4 several documents may leave in one
/// message, since 5 the numbers of a document may be replaced by others, since 6 the journal lies in pages.
pub(super) const VERSION: u32 = 6;
/// From this version on the audit log is what the database is made from.
pub(super) const LOGGED: u32 = 2;
/// What a database says that is still being made.
pub(super) const MAKING: u32 = 0;
/// Name of the file beside the database that tells it.
const FILE: &str = "FORMAT";
const HEAD: &str = "crossdock store format ";

/// The version of what a folder holds, before anything in it is touched; nothing at a first start.
pub(super) fn look(folder: &Path) -> Result<Option<u32>, Error> {
    let refuse = |reason: String| Error::Open { path: folder.display().to_string(), reason };
    let file = folder.join(FILE);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
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
    Ok(Some(version))
}

/// Marks the folder as ours, durably.
pub(super) fn mark(folder: &Path) -> Result<(), Error> {
    let text = format!("{HEAD}{VERSION}\n");
    disk::write_to(folder, FILE, text.as_bytes()).map_err(|e| file_error("marking", folder, &e))
}
