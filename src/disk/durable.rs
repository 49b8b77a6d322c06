//! Writing so that a power cut leaves the old or the new, never a half.

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
            Ok(file) => Ok(Self { file, folder: folder.to_path_buf(), hidden, whole }),
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
            self.take_away();
        }
        named
    }

    fn take_away(&self) {
        // On a full disk each half would make it fuller. What is left is replaced when it is written again.
        let _ = fs::remove_file(&self.hidden);
    }
}

/// Threads that wait for the disk at a time: it takes several waits together, which last little longer than one.
const WAITS: usize = 8;

/// Gives files their names, each in one step: fsync, rename, fsync of its folder. Nobody who looks sees a half, and what
/// had that name is replaced. All of them wait for the disk together, which takes far less time than one after the other.
///
/// They get their names in their order. One that has to go behind another, as `goes_behind` says of two by their places,
/// is held back where that is not put: it has no name then, and nothing is told of it. Of all others it is told whether
/// they are there for good; where not, they may be there all the same. No two may be for one name.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let folder = tempfile::tempdir()?;
/// let write = |name| crossdock::disk::Half::write(folder.path(), name, b"ISA");
/// let halves = [write("one.edi")?, write("two.edi")?];
/// for put in crossdock::disk::put_all(&halves, |_, _| false).into_iter().flatten() {
///     put?;
/// }
/// assert_eq!(std::fs::read(folder.path().join("two.edi"))?, b"ISA");
/// # Ok(())
/// # }
/// ```
pub fn put_all(
    halves: &[Half],
    goes_behind: impl Fn(usize, usize) -> bool,
) -> Vec<Option<io::Result<()>>> {
    let mut put = Vec::with_capacity(halves.len());
    let mut unput: Vec<usize> = Vec::new();
    for (at, (half, synced)) in halves.iter().zip(sync_all(halves)).enumerate() {
        let is_held = unput.iter().any(|before| goes_behind(at, *before));
        let named = if is_held {
            half.take_away();
            None
        } else {
            Some(half.name(synced))
        };
        if !matches!(named, Some(Ok(()))) {
            unput.push(at);
        }
        put.push(named);
    }
    let mut folders: Vec<(&Path, io::Result<()>)> = Vec::new();
    for (at, half) in halves.iter().enumerate() {
        let known = folders.iter().position(|(folder, _)| *folder == half.folder);
        let known = known.unwrap_or_else(|| {
            folders.push((&half.folder, sync_dir(&half.folder)));
            folders.len() - 1
        });
        if !matches!(put[at], Some(Ok(()))) {
            continue;
        }
        if let Err(e) = &folders[known].1 {
            put[at] = Some(Err(io::Error::new(e.kind(), e.to_string())));
            unput.push(at);
        } else if unput.iter().any(|before| *before < at && goes_behind(at, *before)) {
            put[at] = None;
            unput.push(at);
        }
    }
    put
}

fn sync_all(halves: &[Half]) -> Vec<io::Result<()>> {
    let sync = |some: &[Half]| some.iter().map(Half::sync).collect::<Vec<_>>();
    if halves.len() <= 2 {
        return sync(halves);
    }
    thread::scope(|scope| {
        let parts = halves.chunks(halves.len().div_ceil(WAITS).max(2));
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

    fn halves(folders: [&Path; 2], count: usize) -> Vec<Half> {
        let write = |n: usize| {
            let (name, bytes) = (format!("{n}.edi"), format!("contents {n}"));
            Half::write(folders[n % 2], &name, bytes.as_bytes()).unwrap()
        };
        (0..count).map(write).collect()
    }

    #[test]
    fn several_are_put_each_whole_or_not_at_all() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let halves = halves([one.path(), other.path()], 21);
        // Nothing is to be seen yet under its name. What is in the way of one is no file.
        let is_hidden = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with('.');
        assert!(fs::read_dir(one.path()).unwrap().all(|entry| is_hidden(entry.unwrap())));
        fs::create_dir(one.path().join("4.edi")).unwrap();
        let put = put_all(&halves, |_, _| false);
        assert_eq!(put.len(), 21);
        for (n, put) in put.iter().enumerate() {
            assert_eq!(put.as_ref().unwrap().is_ok(), n != 4, "{n}: {put:?}");
        }
        assert_eq!(fs::read(other.path().join("19.edi")).unwrap(), b"contents 19");
        let left = |folder: &Path| fs::read_dir(folder).unwrap().count();
        assert_eq!((left(one.path()), left(other.path())), (11, 10));
    }

    #[test]
    fn what_goes_behind_one_that_is_not_put_gets_no_name() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let halves = halves([one.path(), other.path()], 12);
        fs::create_dir(one.path().join("2.edi")).unwrap();
        // 5 goes behind 2, and 11 behind 5; 1 is before it.
        let put = put_all(&halves, |at, before| matches!((at, before), (5 | 1, 2) | (11, 5)));
        for (n, put) in put.iter().enumerate() {
            let told = put.as_ref().map(Result::is_ok);
            let expected = match n {
                2 => Some(false),
                5 | 11 => None,
                _ => Some(true),
            };
            assert_eq!(told, expected, "{n}");
        }
        let left = fs::read_dir(other.path()).unwrap().count();
        assert_eq!(left, 4, "neither they nor their hidden files");
    }

    #[test]
    fn where_a_folder_is_lost_nothing_of_it_is_told_to_be_there() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let halves = halves([one.path(), other.path()], 10);
        fs::remove_dir_all(other.path()).unwrap();
        for (n, put) in put_all(&halves, |_, _| false).iter().enumerate() {
            assert_eq!(put.as_ref().unwrap().is_ok(), n % 2 == 0, "{n}");
        }
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
