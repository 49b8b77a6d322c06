//! Profiles and connectors as they lie in folders: their texts, and whether anything in them has changed. For the gateway and for the
//! command line alike; what the texts mean is the business of `profile`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::connector::{CONNECTOR_FILE, ConnectorSource};
use crate::grammar::SourceFile;
use crate::grammar::suggest::nearest;
use crate::profile::{PARTNER_FILE, Problem, ProfileSource};

/// How files of rules end.
const OVERLAY: &str = "overlay";

/// How programs of connectors end.
const PROGRAM: &str = "jq";

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

/// The texts of every connector in a folder, one folder each, and what cannot be read.
#[must_use]
pub fn connector_sources(folder: &Path) -> (Vec<ConnectorSource>, Vec<Problem>) {
    let (mut sources, mut problems) = (Vec::new(), Vec::new());
    let found = folders(folder).unwrap_or_else(|e| {
        problems.push(unread(folder, &e));
        Vec::new()
    });
    for (name, path) in found {
        let mut source = ConnectorSource { name, files: Vec::new() };
        let entries = fs::read_dir(&path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = entries.unwrap_or_else(|e| {
            problems.push(unread(&path, &e));
            Vec::new()
        });
        for file in entries.into_iter().map(|entry| entry.path()) {
            let own = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_program = file.extension().is_some_and(|kind| kind == PROGRAM);
            if own.starts_with('.') || !(is_program || own == CONNECTOR_FILE) {
                continue;
            }
            match read(&file) {
                Ok(text) => {
                    let path = file.display().to_string().into();
                    source.files.push((own, SourceFile { path, text }));
                }
                Err(e) => problems.push(unread(&file, &e)),
            }
        }
        source.files.sort_by(|a, b| a.0.cmp(&b.0));
        sources.push(source);
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

/// Files at the top of a profile's folder that nobody reads, as warnings: a rule in a file whose name has a slip holds
/// for nobody. Hidden files, and notes for people (`.md`, `.pdf`), are no slips.
#[must_use]
pub fn unused_files(folder: &Path) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (_, profile) in folders(folder).unwrap_or_default() {
        let Ok(entries) = fs::read_dir(&profile) else { continue };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let kind = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            let is_read = name == PARTNER_FILE || kind == OVERLAY;
            let is_note = name.starts_with('.') || matches!(kind.as_str(), "md" | "pdf");
            if is_read || is_note || path.is_dir() {
                continue;
            }
            let words = match meant(&name) {
                Some(meant) => format!("nobody reads this file; did you mean `{meant}`?"),
                None => format!(
                    "nobody reads this file: a profile is `{PARTNER_FILE}`, `*.{OVERLAY}` and the folder `{CROSSWALKS}`"
                ),
            };
            problems.push(Problem::whole(&path.display().to_string(), words).warning());
        }
    }
    problems
}

/// What a file was probably to be called.
fn meant(name: &str) -> Option<String> {
    let name = name.to_lowercase();
    if nearest(&name, [PARTNER_FILE]).is_some() || name.starts_with(PARTNER_FILE) {
        return Some(PARTNER_FILE.to_owned());
    }
    let (stem, kind) = name.split_once('.')?;
    let first = kind.split('.').next().unwrap_or_default();
    let is_overlay = first == OVERLAY || nearest(first, [OVERLAY]).is_some();
    is_overlay.then(|| format!("{stem}.{OVERLAY}"))
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
            if wanted && !name.starts_with('.') {
                found.push((format!("{prefix}{name}"), path));
            }
        }
        Ok(())
    };
    look(folder, "", &[OVERLAY])?;
    let crosswalks = folder.join(CROSSWALKS);
    if crosswalks.is_dir() {
        look(&crosswalks, &format!("{CROSSWALKS}/"), &["csv", "toml"])?;
    }
    found.sort();
    Ok(found)
}

fn read(file: &Path) -> io::Result<String> {
    let data = fs::metadata(file)?;
    if !data.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let size = data.len();
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

    #[cfg(unix)]
    #[test]
    fn what_is_named_like_a_file_of_ours_is_read_or_told() {
        let folder = tempfile::tempdir().unwrap();
        let harbor = folder.path().join("harbor");
        fs::create_dir_all(harbor.join("856.overlay")).unwrap();
        std::os::unix::fs::symlink(harbor.join("nowhere"), harbor.join("850.overlay")).unwrap();
        let (_, problems) = profile_sources(folder.path());
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(
            matches!(&*told, [a, b] if a.contains("850.overlay") && b.contains("856.overlay")),
            "{told:?}"
        );
    }

    #[test]
    fn a_file_that_nobody_reads_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let harbor = folder.path().join("harbor");
        fs::create_dir_all(harbor.join("samples")).unwrap();
        for name in ["partner.toml", "850.overlay", "notes.md", ".850.overlay.swp"] {
            fs::write(harbor.join(name), "").unwrap();
        }
        assert_eq!(unused_files(folder.path()), []);
        for (name, meant) in [
            ("856.OVERLAY", "did you mean `856.overlay`?"),
            ("856.overlay.txt", "did you mean `856.overlay`?"),
            ("856.overlya", "did you mean `856.overlay`?"),
            ("partner.tml", "did you mean `partner.toml`?"),
            ("partner.toml~", "did you mean `partner.toml`?"),
            ("items.csv", "a profile is"),
        ] {
            fs::write(harbor.join(name), "").unwrap();
            let told: Vec<String> =
                unused_files(folder.path()).iter().map(ToString::to_string).collect();
            assert!(
                matches!(&*told, [one] if one.contains(name) && one.contains(meant)),
                "{told:?}"
            );
            fs::remove_file(harbor.join(name)).unwrap();
        }
    }

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
