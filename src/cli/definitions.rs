//! The grammars at hand: those of the program, and a folder of one's own over them.

use std::path::Path;

use super::{Context, Error};
use crate::grammar::{Library, SourceFile};
use crate::map;
use crate::translate::Engine;

/// More than any grammar or map has; what is larger is none.
const BYTES_MAX: u64 = 16 << 20;

/// The grammars, the folder of the context laid over ours.
///
/// # Errors
/// A folder that cannot be read; bad lines in it, every one of them.
pub fn library(context: &Context) -> Result<Library, Error> {
    let Some(folder) = &context.grammars else { return Ok(Library::embedded()) };
    let mut sources = Library::embedded_sources();
    sources.extend(sources_in(folder, "grammar")?);
    Library::from_sources(&sources).map_err(|e| Error::Definitions(e.to_string()))
}

/// Grammars and maps, ready for use; the folders of the context laid over ours.
///
/// # Errors
/// As [`library`]; bad lines of maps, every one of them; grammars that lack what a map names.
pub fn engine(context: &Context) -> Result<Engine, Error> {
    let mut maps = map::Library::embedded_sources();
    if let Some(folder) = &context.maps {
        maps.extend(sources_in(folder, "map")?);
    }
    Engine::new(library(context)?, &maps).map_err(|e| Error::Definitions(e.to_string()))
}

/// The files of a folder with this ending, by their path in it.
///
/// # Errors
/// What cannot be read, or is no text.
pub fn sources_in(folder: &Path, ending: &str) -> Result<Vec<SourceFile>, Error> {
    if !folder.is_dir() {
        return Err(Error::NoInput(format!("{}: no such folder", folder.display())));
    }
    let mut found = Vec::new();
    collect(folder, folder, ending, &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn collect(
    root: &Path,
    folder: &Path,
    ending: &str,
    found: &mut Vec<SourceFile>,
) -> Result<(), Error> {
    for entry in std::fs::read_dir(folder).map_err(Error::read(folder))? {
        let path = entry.map_err(Error::read(folder))?.path();
        if path.is_dir() && !path.is_symlink() {
            collect(root, &path, ending, found)?;
        } else if path.extension().is_some_and(|e| e == ending) {
            let name = path.strip_prefix(root).unwrap_or(&path);
            let parts: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
            found.push(SourceFile { path: parts.join("/").into(), text: text_of(&path)? });
        }
    }
    Ok(())
}

/// A file as text.
///
/// # Errors
/// What cannot be read, is no UTF-8, or is too large to be meant.
pub fn text_of(path: &Path) -> Result<String, Error> {
    let size = std::fs::metadata(path).map_err(Error::read(path))?.len();
    if size > BYTES_MAX {
        return Err(Error::Definitions(format!("{}: too large to be meant", path.display())));
    }
    std::fs::read_to_string(path).map_err(Error::read(path))
}
