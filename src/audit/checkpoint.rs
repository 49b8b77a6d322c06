//! Checkpoints (c2sp.org/tlog-checkpoint): signed notes that say how many lines the log has, and the root of their tree.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};

use super::Error;
use super::note::{Key, Note, PublicKey};
use super::tree::{Hash, Tree};
use crate::disk;

/// The newest checkpoint; replaced by each.
const NEWEST: &str = "checkpoint";
/// Earlier ones, one an hour and one for each time that the log was closed.
const EARLIER: &str = "checkpoints";
/// The keys that have signed, one a line.
const KEYS: &str = "public-keys";
/// How far apart those are that are kept.
const KEPT_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// What a log held at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: `crossdock/ID`.
    pub origin: String,
    /// How many lines.
    pub size: u64,
    /// The root of their tree.
    pub root: Hash,
}

impl Checkpoint {
    /// What is signed.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.0))
    }

    /// Reads what was signed; lines that follow the root are passed over.
    fn of(text: &str) -> Option<Self> {
        let mut lines = text.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let number: u64 = size.parse().ok()?;
        let root = STANDARD.decode(root).ok()?.try_into().ok()?;
        let canonical = number.to_string() == size && !origin.is_empty();
        canonical.then(|| Self { origin: origin.to_owned(), size: number, root: Hash(root) })
    }

    /// Reads a checkpoint that one of these keys has signed.
    ///
    /// # Errors
    /// In words: it is none, or none of them has.
    pub fn read(note: &str, keys: &[PublicKey]) -> Result<Self, String> {
        let note: Note = note.parse().map_err(str::to_owned)?;
        let text = note
            .text_signed_by(keys)
            .ok_or("its signature is not that of a key of this log: what it says was changed, or it belongs to another log")?;
        Self::of(text).ok_or_else(|| "it is no checkpoint".to_owned())
    }
}

/// The name under which a log signs.
#[must_use]
pub fn origin(log: &str) -> String {
    format!("crossdock/{log}")
}

/// Signs what the log holds, now and then.
pub struct Signer {
    folder: PathBuf,
    origin: String,
    key: Key,
    /// Lines that the newest checkpoint covers.
    signed: u64,
    /// When one was kept last.
    kept: Timestamp,
}

impl Signer {
    /// For the log of this id in this folder.
    ///
    /// # Errors
    /// [`Error::Damaged`] where what was signed before does not fit to what is there now: the log was changed, or is
    /// shorter than it was.
    pub fn open(folder: &Path, log: &str, key: Key, tree: &Tree) -> Result<Self, Error> {
        let mut keys = public_keys(folder)?;
        if !keys.contains(&key.public()) {
            keys.push(key.public());
            let path = folder.join(KEYS);
            disk::write_to(folder, KEYS, key_lines(&keys).as_bytes())
                .map_err(|e| Error::file("writing", &path, &e))?;
        }
        let origin = origin(log);
        let mut signed = 0;
        for (path, checkpoint) in checkpoints(folder, &keys)? {
            // One that a power cut has torn keeps nobody from work; `verify` tells of it.
            let Ok(checkpoint) = checkpoint else { continue };
            let Checkpoint { size, root, .. } = checkpoint;
            if checkpoint.origin != origin {
                return Err(Error::damaged(&path, "it is a checkpoint of another log"));
            }
            if size > tree.size() {
                return Err(Error::damaged(
                    folder,
                    format!(
                        "the audit log ends with entry {}, but a checkpoint of {size} entries was signed: a part of the log is lost",
                        tree.size()
                    ),
                ));
            }
            if size == tree.size() && root != tree.root() {
                return Err(Error::damaged(
                    folder,
                    format!(
                        "the audit log has not the {size} entries that were signed: it was changed. `crossdock audit verify` tells where"
                    ),
                ));
            }
            signed = signed.max(size);
        }
        Ok(Self { folder: folder.to_path_buf(), origin, key, signed, kept: Timestamp::UNIX_EPOCH })
    }

    /// Signs what the log holds, if that is more than before. `keep`: the log is closed, so that this one is kept.
    ///
    /// # Errors
    /// Where it cannot be written; it is tried again at the next call.
    pub fn sign(&mut self, tree: &Tree, keep: bool) -> Result<(), Error> {
        if tree.size() == self.signed && !keep {
            return Ok(());
        }
        let (origin, size, root) = (self.origin.clone(), tree.size(), tree.root());
        let note = self.key.sign(&Checkpoint { origin, size, root }.text());
        let now = Timestamp::now();
        let is_due = now.duration_since(self.kept) >= KEPT_EVERY;
        if tree.size() > self.signed {
            let path = self.folder.join(NEWEST);
            disk::write_to(&self.folder, NEWEST, note.as_bytes())
                .map_err(|e| Error::file("writing", &path, &e))?;
            self.signed = tree.size();
        }
        if (keep || is_due) && size > 0 {
            self.keep(&note)?;
            self.kept = now;
        }
        Ok(())
    }

    /// Adds a checkpoint to the earlier ones. What a crash has left half written is cut off first.
    fn keep(&self, note: &str) -> Result<(), Error> {
        let path = self.folder.join(EARLIER);
        let failed = |e: io::Error| Error::file("writing", &path, &e);
        let text = read_text(&path)?;
        let whole: usize = notes(&text).map(str::len).sum();
        if notes(&text).last() == Some(note) {
            return Ok(());
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        file.set_len(whole as u64).map_err(failed)?;
        file.write_all(note.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        disk::sync_dir(&self.folder).map_err(failed)
    }
}

/// The keys that have signed checkpoints of a log.
///
/// # Errors
/// Where they cannot be read.
pub fn public_keys(folder: &Path) -> Result<Vec<PublicKey>, Error> {
    let path = folder.join(KEYS);
    let text = read_text(&path)?;
    let key = |line: &str| line.parse().map_err(|words: &str| Error::damaged(&path, words));
    text.lines().map(key).collect()
}

/// Keys as they stand in a file: one a line.
#[must_use]
pub fn key_lines(keys: &[PublicKey]) -> String {
    let mut lines: Vec<String> = keys.iter().map(ToString::to_string).collect();
    lines.push(String::new());
    lines.join("\n")
}

/// A checkpoint, or why it is none, with the file that it stands in.
pub type Found = (PathBuf, Result<Checkpoint, String>);

/// All checkpoints of a log; the newest is the last.
///
/// # Errors
/// Where they cannot be read.
pub fn checkpoints(folder: &Path, keys: &[PublicKey]) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    let newest = newest(folder)?.unwrap_or_default();
    for name in [EARLIER, NEWEST] {
        let path = folder.join(name);
        let text = read_text(&path)?;
        let whole: usize = notes(&text).map(str::len).sum();
        let read = |note| (path.clone(), Checkpoint::read(note, keys));
        found.extend(notes(&text).map(read));
        // A crash may leave the beginning of the newest at the end; anything else was put there.
        let rest = &text[whole..];
        let begun = name == EARLIER && newest.starts_with(rest) && rest.len() < newest.len();
        if !rest.is_empty() && !begun {
            found.push((path.clone(), Err("what stands at its end is no checkpoint".to_owned())));
        }
    }
    Ok(found)
}

/// The newest checkpoint as it stands there; nothing where none was signed.
///
/// # Errors
/// Where it cannot be read.
pub fn newest(folder: &Path) -> Result<Option<String>, Error> {
    let text = read_text(&folder.join(NEWEST))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// The notes in a file: each ends with the line of its signature.
fn notes(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let signature = rest.find("\n\n\u{2014} ")? + 2;
        let end = signature + rest[signature..].find('\n')? + 1;
        let (note, after) = rest.split_at(end);
        rest = after;
        Some(note)
    })
}

/// The text of a file; none where there is no such file. Bytes that are no text are replaced, and show.
fn read_text(path: &Path) -> Result<String, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(e) => Err(Error::file("reading", path, &e)),
    }
}

/// Reads the key of a file, or makes one that only its owner may read.
///
/// # Errors
/// Where it cannot be read or written, or is none.
pub fn own_key(path: &Path, log: &str) -> Result<Key, Error> {
    let text = read_text(path)?;
    if !text.is_empty() {
        return text.parse().map_err(|words: &str| Error::damaged(path, words));
    }
    let key = Key::generate(&origin(log)).map_err(|reason| Error::File {
        doing: "making",
        path: path.display().to_string(),
        reason,
    })?;
    write_secret(path, &format!("{}\n", key.secret_text()))
        .map_err(|e| Error::file("writing", path, &e))?;
    Ok(key)
}

fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let half = path.with_extension("key.tmp");
    match fs::remove_file(&half) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file: File = options.open(&half)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&half, path)?;
    disk::sync_dir(path.parent().unwrap_or(Path::new(".")))
}
