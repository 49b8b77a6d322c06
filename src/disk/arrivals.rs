//! A folder in which others put files, and when a file of it is finished.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use jiff::Zoned;

use super::{create_dir, safe_name, sync_dir, trial, write_to};

/// What bounds a folder of arrivals.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A file is finished when size and time of change are the same over at least this long.
    pub settle: Duration,
    /// Largest file that is read, in bytes.
    pub file_bytes: u64,
    /// Most files told of at one look; the others at the next.
    pub files: usize,
}

/// A finished file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Its name for people; bytes that are no text are replaced.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Time of its last change, nanoseconds since 1970.
    pub modified_nanoseconds: i128,
    file_name: OsString,
}

impl Arrival {
    /// A file of a mailbox that is no folder of this machine.
    #[must_use]
    pub fn elsewhere(
        name: String,
        size: u64,
        modified_nanoseconds: i128,
        file_name: OsString,
    ) -> Self {
        Self { name, size, modified_nanoseconds, file_name }
    }

    /// Whether a file is still the one that was seen.
    fn is(&self, metadata: &Metadata) -> bool {
        metadata.len() == self.size && modified(metadata) == self.modified_nanoseconds
    }

    /// Its name as it is, byte for byte.
    #[must_use]
    pub fn file_name(&self) -> &OsStr {
        &self.file_name
    }
}

/// What a look at the folder showed.
#[derive(Debug, Default)]
pub struct Look {
    /// Finished files, the oldest first.
    pub ready: Vec<Arrival>,
    /// Files that may still be growing: look again soon.
    pub unsettled: usize,
    /// Whether more are finished than one look hands on: look again soon.
    pub more: bool,
}

struct Sighting {
    size: u64,
    modified_nanoseconds: i128,
    since: Instant,
}

/// The folder, with an archive and a quarantine beside it for what was taken.
pub struct Arrivals {
    inbound: PathBuf,
    archive: PathBuf,
    quarantine: PathBuf,
    limits: Limits,
    sightings: Mutex<HashMap<OsString, Sighting>>,
}

impl Arrivals {
    /// Opens the folders; those that are missing are made.
    ///
    /// # Errors
    /// Where one cannot be made.
    pub fn open(
        inbound: PathBuf,
        archive: PathBuf,
        quarantine: PathBuf,
        limits: Limits,
    ) -> io::Result<Self> {
        for folder in [&inbound, &archive, &quarantine] {
            create_dir(folder).map_err(|e| named(folder, &e))?;
        }
        Ok(Self { inbound, archive, quarantine, limits, sightings: Mutex::default() })
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.inbound
    }

    /// Lists what is finished. Passed over: folders, links, names that begin with a dot or end in `.tmp`, `.part`
    /// or `.filepart` (what uploaders call a file that they are still writing).
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn look(&self) -> io::Result<Look> {
        let mut sightings = self.sightings.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *sightings);
        let mut look = Look::default();
        for entry in fs::read_dir(&self.inbound).map_err(|e| named(&self.inbound, &e))? {
            let entry = entry?;
            let file_name = entry.file_name();
            let name = file_name.to_string_lossy().into_owned();
            // It may be gone by now; that is no error.
            let Some(metadata) = entry.metadata().ok().filter(Metadata::is_file) else { continue };
            if is_unfinished(&name) {
                continue;
            }
            let (size, modified_nanoseconds) = (metadata.len(), modified(&metadata));
            let known = before
                .remove(&file_name)
                .filter(|s| s.size == size && s.modified_nanoseconds == modified_nanoseconds);
            let since = known.as_ref().map_or_else(Instant::now, |s| s.since);
            if known.is_some() && since.elapsed() >= self.limits.settle {
                look.ready.push(Arrival {
                    name,
                    size,
                    modified_nanoseconds,
                    file_name: file_name.clone(),
                });
            } else {
                look.unsettled += 1;
            }
            sightings.insert(file_name, Sighting { size, modified_nanoseconds, since });
        }
        look.ready.sort_by(|a, b| {
            (a.modified_nanoseconds, &a.file_name).cmp(&(b.modified_nanoseconds, &b.file_name))
        });
        look.more = look.ready.len() > self.limits.files;
        look.ready.truncate(self.limits.files);
        Ok(look)
    }

    /// Moves files that were taken before into the archive, by what is known of them: `is_taken` gives the mark of one
    /// that was. They need not have been looked at twice.
    ///
    /// # Errors
    /// Where the folder cannot be read, or one cannot be moved.
    pub fn archive_taken(&self, is_taken: impl Fn(&Arrival) -> Option<String>) -> io::Result<()> {
        for entry in fs::read_dir(&self.inbound).map_err(|e| named(&self.inbound, &e))? {
            let entry = entry?;
            let file_name = entry.file_name();
            let name = file_name.to_string_lossy().into_owned();
            let Some(metadata) = entry.metadata().ok().filter(Metadata::is_file) else { continue };
            let (size, modified_nanoseconds) = (metadata.len(), modified(&metadata));
            let arrival = Arrival { name, size, modified_nanoseconds, file_name };
            if let Some(mark) = is_taken(&arrival) {
                self.archive(&arrival, &mark)?;
            }
        }
        Ok(())
    }

    /// Reads a finished file.
    ///
    /// # Errors
    /// `FileTooLarge` past the limit; `NotFound` where somebody took it away; `ResourceBusy` where it has changed
    /// since the look, so that it was not finished after all.
    pub fn read(&self, arrival: &Arrival) -> io::Result<Vec<u8>> {
        let path = self.inbound.join(&arrival.file_name);
        let limit = self.limits.file_bytes;
        if arrival.size > limit {
            let text = format!("{} bytes, more than the limit of {limit}", arrival.size);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
        }
        let mut file = File::open(&path).map_err(|e| named(&path, &e))?;
        let mut bytes = Vec::with_capacity(usize::try_from(arrival.size).unwrap_or(0));
        file.by_ref().take(arrival.size + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != arrival.size || !arrival.is(&file.metadata()?) {
            let text = "it changed while it was read";
            return Err(named(&path, &io::Error::new(io::ErrorKind::ResourceBusy, text)));
        }
        Ok(bytes)
    }

    /// Moves a file that was taken into the archive's folder of the day, as `MARK-NAME`. A mark that is the file's own
    /// keeps files of one name apart. The rename is not synced: a file that comes back by a power cut has the same
    /// name, size, time and bytes, by which it is known. One that was written anew since it was read is another: it stays,
    /// and is looked at again.
    ///
    /// # Errors
    /// Where it cannot be moved. A file that is gone already is no error.
    pub fn archive(&self, arrival: &Arrival, mark: &str) -> io::Result<()> {
        let path = self.inbound.join(&arrival.file_name);
        if fs::symlink_metadata(&path).is_ok_and(|metadata| !arrival.is(&metadata)) {
            return Ok(());
        }
        let day = self.archive.join(Zoned::now().date().to_string());
        create_dir(&day).map_err(|e| named(&day, &e))?;
        trial::step("archive.before");
        self.move_to(&day, arrival, &marked(mark, &arrival.name))?;
        trial::step("archive.after");
        Ok(())
    }

    /// Moves a file that cannot be taken into the quarantine, as `MARK-NAME`, with a note for a person beside it. The
    /// note is there first: while the file lies where it was, all of this can be repeated.
    ///
    /// # Errors
    /// Where it cannot be moved or the note cannot be written.
    pub fn set_aside(&self, arrival: &Arrival, mark: &str, note: &str) -> io::Result<()> {
        let name = marked(mark, &arrival.name);
        write_to(&self.quarantine, &note_name(&name), note.as_bytes())
            .map_err(|e| named(&self.quarantine, &e))?;
        self.move_to(&self.quarantine, arrival, &name)?;
        sync_dir(&self.quarantine)
    }

    /// Puts bytes into the quarantine, with a note for a person beside them. Repeated, it leaves the same.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn quarantine(&self, name: &str, bytes: &[u8], note: &[u8]) -> io::Result<()> {
        let name = safe_name(name);
        write_to(&self.quarantine, &note_name(&name), note)?;
        write_to(&self.quarantine, &name, bytes)
    }

    fn move_to(&self, folder: &Path, arrival: &Arrival, name: &str) -> io::Result<()> {
        let (from, to) = (self.inbound.join(&arrival.file_name), folder.join(name));
        match trial::deed("rename", &to).and_then(|()| fs::rename(&from, &to)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(named(&from, &e)),
            _ => Ok(()),
        }
    }
}

/// The name under which a file is kept once it was taken.
#[must_use]
pub fn marked(mark: &str, name: &str) -> String {
    format!("{mark}-{}", safe_name(name))
}

/// The name of the note beside a file of the quarantine.
#[must_use]
pub fn note_name(name: &str) -> String {
    format!("{name}.findings.txt")
}

/// Whether a file has a name of those that are still being written: it begins with a dot, or ends in `.tmp`, `.part` or
/// `.filepart`.
#[must_use]
pub fn is_unfinished(name: &str) -> bool {
    let end = Path::new(name).extension().and_then(|e| e.to_str()).unwrap_or_default();
    name.starts_with('.')
        || ["tmp", "part", "filepart"].iter().any(|unfinished| end.eq_ignore_ascii_case(unfinished))
}

/// Nanoseconds since 1970; 0 where the file system keeps no times.
fn modified(metadata: &Metadata) -> i128 {
    let Ok(time) = metadata.modified() else { return 0 };
    let signed = |d: Duration| i128::try_from(d.as_nanos()).unwrap_or(i128::MAX);
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or_else(|before| -signed(before.duration()), signed)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_written_anew_since_it_was_read_stays() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let limits = Limits { settle: Duration::ZERO, file_bytes: 100, files: 10 };
        let inbound = place("inbound");
        let arrivals =
            Arrivals::open(inbound.clone(), place("archive"), place("quarantine"), limits).unwrap();
        let look = || arrivals.look().unwrap().ready.pop();
        fs::write(inbound.join("orders.edi"), b"first").unwrap();
        assert!(look().is_none());
        let first = look().unwrap();
        assert_eq!(arrivals.read(&first).unwrap(), b"first");

        fs::write(inbound.join("orders.edi"), b"the second").unwrap();
        arrivals.archive(&first, "1").unwrap();
        assert_eq!(fs::read(inbound.join("orders.edi")).unwrap(), b"the second");
        assert!(look().is_none());
        let second = look().unwrap();
        assert_eq!(arrivals.read(&second).unwrap(), b"the second");
        arrivals.archive(&second, "2").unwrap();
        assert!(!inbound.join("orders.edi").exists());
        // One that is gone already is no error.
        arrivals.archive(&second, "2").unwrap();
    }
}
