//! Profiles as they lie in folders: their texts, and whether anything in them has changed. For the gateway and for the
//! command line alike; what the texts mean is the business of `profile`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::grammar::SourceFile;
use crate::profile::{PARTNER_FILE, Problem, ProfileSource};

/// The folder of cross-references within a profile's.
const CROSSWALKS: &str = "crosswalks";

/// Largest file of a profile: a million items of a cross-reference take about 60 MB.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Size and time of change of every file of the profiles: when it is the same, nothing has changed.
pub type Fingerprint = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// The texts of every profile in a folder, one folder each, and what cannot be read.
#[must_use]
pub fn profile_sources(folder: &Path) -> (Vec<ProfileSource>, Vec<Problem>) {
    let (mut sources, mut problems) = (Vec::new(), Vec::new());
    let profiles = match folders(folder) {
        Ok(profiles) => profiles,
        Err(e) => {
            problems.push(unread(folder, &e));
            return (sources, problems);
        }
    };
    for (name, path) in profiles {
        let mut files = Vec::new();
        let found = texts(&path).unwrap_or_else(|e| {
            problems.push(unread(&path, &e));
            Vec::new()
        });
        for (relative, file) in found {
            match read(&file) {
                Ok(text) => files.push(SourceFile { path: relative.into(), text }),
                Err(e) => problems.push(unread(&file, &e)),
            }
        }
        let folder = path.display().to_string();
        sources.push(ProfileSource { name, folder, files, to_extend: false });
    }
    (sources, problems)
}

/// What the files look like from outside. What cannot be looked at is not in it.
#[must_use]
pub fn fingerprint(folder: &Path) -> Fingerprint {
    let mut found = Fingerprint::new();
    for (_, path) in folders(folder).unwrap_or_default() {
        for (_, file) in texts(&path).unwrap_or_default() {
            if let Ok(data) = fs::metadata(&file) {
                found.insert(file, (data.len(), data.modified().ok()));
            }
        }
        found.insert(path, (0, None));
    }
    found
}

fn unread(path: &Path, error: &io::Error) -> Problem {
    Problem::whole(&path.display().to_string(), format!("cannot be read: {error}"))
}

/// The folders in a folder by name; hidden ones are not looked at.
fn folders(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') {
            found.push((name, path));
        }
    }
    found.sort();
    Ok(found)
}

/// The files of a profile that are read: the agreement, overlays, cross-references.
fn texts(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let mut look = |folder: &Path, prefix: &str, kinds: &[&str]| -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let kind = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            let wanted =
                kinds.contains(&kind.as_str()) || (prefix.is_empty() && name == PARTNER_FILE);
            if wanted && !name.starts_with('.') && path.is_file() {
                found.push((format!("{prefix}{name}"), path));
            }
        }
        Ok(())
    };
    look(folder, "", &["overlay"])?;
    let crosswalks = folder.join(CROSSWALKS);
    if crosswalks.is_dir() {
        look(&crosswalks, &format!("{CROSSWALKS}/"), &["csv", "toml"])?;
    }
    found.sort();
    Ok(found)
}

fn read(file: &Path) -> io::Result<String> {
    let size = fs::metadata(file)?.len();
    if size > FILE_BYTES_MAX {
        let words = format!("{size} bytes, more than {FILE_BYTES_MAX}");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, words));
    }
    String::from_utf8(fs::read(file)?).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..good).unwrap_or_default();
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let words = format!(
            "line {line} is not UTF-8; save it as UTF-8 (in a spreadsheet: as \u{201c}CSV UTF-8\u{201d})"
        );
        io::Error::new(io::ErrorKind::InvalidData, words)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_another_encoding_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let crosswalks = folder.path().join("harbor/crosswalks");
        fs::create_dir_all(&crosswalks).unwrap();
        fs::write(folder.path().join("harbor").join(PARTNER_FILE), "base = true\n").unwrap();
        fs::write(crosswalks.join("items.csv"), b"sku,buyer\nCAF\xc9,1\n").unwrap();
        let (sources, problems) = profile_sources(folder.path());
        let names: Vec<&str> = sources[0].files.iter().map(|file| file.path.as_ref()).collect();
        assert_eq!(names, [PARTNER_FILE]);
        let told = problems[0].to_string();
        assert!(told.contains("items.csv") && told.contains("line 2 is not UTF-8"), "{told}");
    }
}
