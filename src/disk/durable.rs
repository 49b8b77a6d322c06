//! Writing so that a power cut leaves the old or the new, never a half.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::thread;

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
    let file = write_unsynced(path, bytes)?;
    trial::deed("sync", path)?;
    file.sync_all()
}

fn write_unsynced(path: &Path, bytes: &[u8]) -> io::Result<File> {
    trial::deed("create", path)?;
    let mut file = match File::create_new(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            File::create_new(path)?
        }
        created => created?,
    };
    trial::deed("write", path)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// A file that is written under a hidden name, for which nobody has waited yet. It gets its own name by [`put_all`].
#[derive(Debug)]
#[must_use = "it has no name yet"]
pub struct Half {
    file: File,
    folder: PathBuf,
    hidden: PathBuf,
    whole: PathBuf,
}

impl Half {
    /// Writes a file for this folder, which is to have this name there.
    ///
    /// # Errors
    /// Where it cannot be written; nothing is left of it then.
    pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<Self> {
        let (hidden, whole) = (folder.join(format!(".{name}.tmp")), folder.join(name));
        match write_unsynced(&hidden, bytes) {
            Ok(file) => {
                begin_writing(&file);
                Ok(Self { file, folder: folder.to_path_buf(), hidden, whole })
            }
            Err(e) => {
                // On a full disk each half would make it fuller.
                let _ = fs::remove_file(&hidden);
                Err(e)
            }
        }
    }

    fn sync(&self) -> io::Result<()> {
        trial::deed("sync", &self.hidden)?;
        self.file.sync_all()
    }

    /// Gives it its name, or takes it away where the disk has not got it.
    fn name(&self, synced: io::Result<()>) -> io::Result<()> {
        let named = synced.and_then(|()| {
            trial::deed("rename", &self.whole)?;
            fs::rename(&self.hidden, &self.whole)
        });
        if named.is_err() {
            let _ = fs::remove_file(&self.hidden);
        }
        named
    }
}

/// Has the disk begin with a file that will be waited for: until then it is done with most of it, and with those behind
/// it.
fn begin_writing(file: &File) {
    // It is only a hint: where it is not heard, the wait is longer.
    #[cfg(target_os = "linux")]
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

/// Threads that wait for the disk at a time: it takes several waits together.
const WAITS: usize = 4;

/// Gives files their names, each in one step: fsync, rename, fsync of its folder. Nobody who looks sees a half, and what
/// had that name is replaced. All of them wait for the disk together, which takes far less time than one after the other.
/// Tells of each whether it is there for good; where not, it may be there all the same. Of several with one name the last
/// stands for all.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let folder = tempfile::tempdir()?;
/// let write = |name| crossdock::disk::Half::write(folder.path(), name, b"ISA");
/// for put in crossdock::disk::put_all(&[write("one.edi")?, write("two.edi")?]) {
///     put?;
/// }
/// assert_eq!(std::fs::read(folder.path().join("two.edi"))?, b"ISA");
/// # Ok(())
/// # }
/// ```
pub fn put_all(halves: &[Half]) -> Vec<io::Result<()>> {
    // Each replaced the hidden file of the one before it.
    let last: BTreeMap<&Path, usize> =
        halves.iter().enumerate().map(|(at, half)| (&*half.whole, at)).collect();
    let mut put: Vec<io::Result<()>> = sync_all(halves);
    let stands_for = |at: usize| last.get(&*halves[at].whole).copied().unwrap_or(at);
    for (at, half) in halves.iter().enumerate().filter(|(at, _)| stands_for(*at) == *at) {
        let synced = std::mem::replace(&mut put[at], Ok(()));
        put[at] = half.name(synced);
    }
    let folders: BTreeSet<&Path> = halves.iter().map(|half| &*half.folder).collect();
    for folder in folders {
        let Err(e) = sync_dir(folder) else { continue };
        for (half, put) in halves.iter().zip(&mut put) {
            if half.folder == folder && put.is_ok() {
                *put = again(&e);
            }
        }
    }
    for at in (0..halves.len()).filter(|at| stands_for(*at) != *at) {
        put[at] = put[stands_for(at)].as_ref().map_or_else(again, |()| Ok(()));
    }
    put
}

/// The same error once more.
fn again(error: &io::Error) -> io::Result<()> {
    Err(io::Error::new(error.kind(), error.to_string()))
}

fn sync_all(halves: &[Half]) -> Vec<io::Result<()>> {
    let sync = |some: &[Half]| some.iter().map(Half::sync).collect::<Vec<_>>();
    if halves.len() <= WAITS {
        return sync(halves);
    }
    thread::scope(|scope| {
        let parts = halves.chunks(halves.len().div_ceil(WAITS));
        let waits: Vec<_> = parts
            .map(|part| (part, thread::Builder::new().spawn_scoped(scope, move || sync(part))))
            .collect();
        let synced = waits.into_iter().map(|(part, wait)| {
            // Where no thread can be had, or one panics, it is done here.
            wait.ok().and_then(|wait| wait.join().ok()).unwrap_or_else(|| sync(part))
        });
        synced.flatten().collect()
    })
}

/// Puts a file into a folder in one step: a hidden temporary name, fsync, rename, fsync of the folder. Nobody who
/// looks sees a half. A file of that name is replaced.
///
/// # Errors
/// Where one of the steps fails; the file is then absent, or the old one.
pub fn write_to(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let half = Half::write(folder, name, bytes)?;
    half.name(half.sync())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_are_put_each_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        create_dir(&one).unwrap();
        create_dir(&other).unwrap();
        let bytes = |n: usize| format!("contents {n}").into_bytes();
        let mut halves: Vec<Half> = (0..20)
            .map(|n| {
                let folder = if n % 2 == 0 { &one } else { &other };
                Half::write(folder, &format!("{n}.edi"), &bytes(n)).unwrap()
            })
            .collect();
        // Nothing is to be seen yet under its name; what is in the way of one is no file.
        assert!(
            fs::read_dir(&one)
                .unwrap()
                .all(|e| { e.unwrap().file_name().to_string_lossy().starts_with('.') })
        );
        fs::create_dir(one.join("4.edi")).unwrap();
        // A name that comes again has the last contents.
        halves.push(Half::write(&one, "0.edi", b"the last").unwrap());
        halves.push(Half::write(&one, "4.edi", b"the last").unwrap());
        let put = put_all(&halves);
        assert_eq!(put.len(), 22);
        for (n, put) in put.iter().enumerate() {
            assert_eq!(put.is_ok(), n != 4 && n != 21, "{n}: {put:?}");
        }
        assert_eq!(fs::read(one.join("0.edi")).unwrap(), b"the last");
        assert_eq!(fs::read(other.join("19.edi")).unwrap(), bytes(19));
        let left = |folder: &Path| fs::read_dir(folder).unwrap().count();
        assert_eq!((left(&one), left(&other)), (10, 10));
    }

    #[test]
    fn what_lies_in_the_way_of_a_half_is_replaced_and_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, b"not ours").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&elsewhere, folder.path().join(".a.edi.tmp")).unwrap();
        write_to(folder.path(), "a.edi", b"ours").unwrap();
        assert_eq!(fs::read(&elsewhere).unwrap(), b"not ours");
        assert_eq!(fs::read(folder.path().join("a.edi")).unwrap(), b"ours");
    }
}
