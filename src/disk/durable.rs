//! Writing so that a power cut leaves the old or the new, never a half.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use super::trial;

/// A way of waiting until the disk has the bytes of a file; [`File::sync_data`] but in tests.
pub type Sync = Box<dyn FnMut(&File) -> io::Result<()> + Send>;

/// Makes the names in a folder durable.
///
/// # Errors
/// Where the folder cannot be opened or synced.
pub fn sync_dir(folder: &Path) -> io::Result<()> {
    trial::deed("sync", folder)?;
    File::open(folder)?.sync_all()
}

/// Makes a folder with its parents, each of them durably. One that is there is left as it is.
///
/// # Errors
/// Where one of them cannot be made.
pub fn create_dir(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|p| !p.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_dir(parent)?;
    }
    match fs::create_dir(folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    sync_dir(folder)?;
    sync_dir(parent.unwrap_or(Path::new(".")))
}

/// Writes a new file and waits until the disk has its bytes. Its name becomes durable with [`sync_dir`]. What has that
/// name is removed first, not written through: others write into mailboxes too, and may have put a link there.
///
/// # Errors
/// Where it cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    trial::deed("create", path)?;
    let mut file = File::create_new(path)?;
    trial::deed("write", path)?;
    file.write_all(bytes)?;
    trial::deed("sync", path)?;
    file.sync_all()
}

/// Puts a file into a folder in one step: a hidden temporary name, fsync, rename, fsync of the folder. Nobody who
/// looks sees a half. A file of that name is replaced.
///
/// # Errors
/// Where one of the steps fails; the file is then absent, or the old one.
pub fn write_to(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let half = folder.join(format!(".{name}.tmp"));
    let whole = folder.join(name);
    let written = write_new(&half, bytes).and_then(|()| {
        trial::deed("rename", &whole)?;
        fs::rename(&half, &whole)
    });
    if let Err(e) = written {
        // On a full disk each half would make it fuller.
        let _ = fs::remove_file(&half);
        return Err(e);
    }
    sync_dir(folder)
}

/// Moves a file, to another disk too, under its name or another. It is at one of the two places, whole, whenever the
/// power goes, or at both.
///
/// # Errors
/// Where one of the steps fails; the file is then where it was.
pub fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    let folder = |path: &Path| path.parent().unwrap_or(Path::new(".")).to_path_buf();
    trial::deed("rename", to)?;
    match fs::rename(from, to) {
        Err(e) if e.kind() == io::ErrorKind::CrossesDevices => {
            let name = to.file_name().unwrap_or_default().to_string_lossy().into_owned();
            write_to(&folder(to), &name, &fs::read(from)?)?;
            fs::remove_file(from)?;
        }
        moved => moved?,
    }
    sync_dir(&folder(to))?;
    sync_dir(&folder(from))
}
