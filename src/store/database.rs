//! The database: sled, with what it takes to be sure of the disk. It is a view of the audit log, and says up to which
//! entry.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::entry::Writes;
use super::format::MAKING;
use super::payloads::file_error;
use super::{Error, keys, pages};
use crate::audit::Hash;
use crate::disk::{self, trial};

/// Journal records that the database keeps, and those that a webhook does not have yet; the log has all.
const JOURNAL_KEPT: u64 = 20_000;
/// After so many records, or so many bytes of them, what sled has written by parting their pages is synced. Only some have
/// to be parted, but each is written whole, with the page above it; and no second segment must be begun.
const PARTED_AT_ONCE: usize = 64;
const PARTED_BYTES: usize = 64 << 10;
/// Page cache of the database.
pub(super) const CACHE_BYTES: u64 = 64 << 20;

/// How often, and how long after each other, it is tried to open a database that is locked. The folder around it is
/// locked by us: it can only be that threads of sled have not noticed yet that it was closed.
pub(super) const LOCK_TRIES: u32 = 50;
pub(super) const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// A key and its record, as they are.
pub(super) type RawRecord = (Vec<u8>, Vec<u8>);

/// Up to which entry of the log the database has everything, and what that entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Applied {
    pub(super) entry: u64,
    pub(super) hash: Hash,
}

/// What stands in a folder where a database should be.
pub(super) enum Opened {
    /// A database of ours.
    Whole(Database),
    /// None, an empty one, or one whose bytes make no sense; in words.
    Unfit(String),
    /// One that the system does not let us read just now: rights, a full disk, a failing one; in words.
    Unreadable(String),
    /// One of something else, or one that another process has open; in words.
    Foreign(String),
}

impl Opened {
    /// Why it cannot be used.
    pub(super) fn reason(self) -> String {
        match self {
            Self::Whole(_) => String::new(),
            Self::Unfit(reason) | Self::Unreadable(reason) | Self::Foreign(reason) => reason,
        }
    }
}

/// The one tree, and the file that it lies in.
///
/// Sled writes its file in segments of 512 KiB, and notes in each up to where everything was written when it was begun.
/// After a power cut it trusts the latest of these notes, though what was written need not have reached the disk: if the
/// segment that a note speaks of has not, sled finds nothing at all, and what is missing before that it does not see. So
/// nothing may be written between two syncs of which a note could speak. One batch is safe, however large: sled counts it
/// as written once it is complete. But sled leaves pages that have grown too large to whoever comes by next, be it a
/// reader: several of them part the same page at once, and write megabytes. So each step here parts its own pages before
/// anyone comes by, a few at a time with a sync after each few, and begins with a sync where something was written
/// nevertheless. (`power` shows it.)
pub(super) struct Database {
    pub(super) tree: sled::Tree,
    /// The database's main file: `flush` hands the bytes to the kernel, `sync` to the disk.
    file: File,
    /// Its path when it was opened.
    path: PathBuf,
    sync: disk::Sync,
    /// Whether it is used as it is after a power cut, and not made anew.
    is_made: bool,
    /// Keeps it open.
    _sled: sled::Db,
}

impl Database {
    /// Opens what is there; nothing is made.
    pub(super) fn open(path: &Path, sync: disk::Sync) -> Result<Opened, Error> {
        // The database's own first file; it exists from its creation on.
        if !path.join("db").exists() {
            return Ok(Opened::Unfit("it is missing".to_owned()));
        }
        remove_unfinished_snapshots(path)?;
        let database = match open_sled(path, CACHE_BYTES) {
            Ok(sled) => Self::of(sled, path, sync)?,
            Err(unfit) => return Ok(unfit),
        };
        Ok(match database.version() {
            Ok(Some(MAKING)) => Opened::Unfit("its making was interrupted".to_owned()),
            Ok(Some(_)) => Opened::Whole(Self { is_made: true, ..database }),
            Ok(None) if database.tree.is_empty() => Opened::Unfit("it is empty".to_owned()),
            Ok(None) => Opened::Foreign("it holds a database that is not Crossdock's".to_owned()),
            Err(e) => Opened::Unfit(e.to_string()),
        })
    }

    /// Makes a new one, with a page cache of so many bytes.
    pub(super) fn create(path: &Path, cache: u64, sync: disk::Sync) -> Result<Self, Error> {
        disk::create_dir(path).map_err(|e| file_error("making", path, &e))?;
        match open_sled(path, cache) {
            Ok(sled) => Self::of(sled, path, sync),
            Err(Opened::Whole(database)) => Ok(database),
            Err(opened) => Err(Error::Database { doing: "making it", reason: opened.reason() }),
        }
    }

    fn of(sled: sled::Db, path: &Path, sync: disk::Sync) -> Result<Self, Error> {
        let tree = sled.open_tree("crossdock").map_err(|e| failed("opening", &e))?;
        let file_path = path.join("db");
        let file = File::open(&file_path).map_err(|e| file_error("opening", &file_path, &e))?;
        Ok(Self { tree, file, path: file_path, sync, is_made: false, _sled: sled })
    }

    /// Notes the version of the format, and makes all of it durable: the file, its name, the names above it.
    pub(super) fn mark(&mut self, path: &Path, version: u32) -> Result<(), Error> {
        self.is_made = version != MAKING;
        let version = version.to_string();
        let marked = self.tree.insert(keys::meta("format"), version.as_bytes());
        marked.map_err(|e| failed("making it", &e))?;
        self.flush()?;
        trial::deed("sync", &self.path)
            .and_then(|()| self.file.sync_all())
            .map_err(|e| file_error("syncing", &self.path, &e))?;
        for folder in [Some(path), path.parent()].into_iter().flatten() {
            disk::sync_dir(folder).map_err(|e| file_error("syncing", folder, &e))?;
        }
        Ok(())
    }

    /// The version of the format that it was made with.
    pub(super) fn version(&self) -> Result<Option<u32>, Error> {
        read(&self.tree, &keys::meta("format"))
    }

    /// Up to where it has the log; nothing where it was never told.
    pub(super) fn applied(&self) -> Result<Option<Applied>, Error> {
        read(&self.tree, &applied_key())
    }

    /// Applies records in one step, and with them up to where the log is applied. It is not durable yet; after a power cut
    /// all of it is there or nothing. Nobody else may use the tree meanwhile.
    pub(super) fn apply(&mut self, writes: Writes, through: (u64, Hash)) -> Result<(), Error> {
        self.apply_paged(pages::paged(writes), through)
    }

    /// Applies records of which those of the journal stand in pages.
    pub(super) fn apply_paged(&mut self, paged: Writes, through: (u64, Hash)) -> Result<(), Error> {
        let (entry, hash) = through;
        let applied = serde_json::to_vec(&Applied { entry, hash });
        // Numbers and texts always have a JSON form.
        let applied = (applied_key(), Some(applied.unwrap_or_default()));
        self.put(paged.into_iter().chain([applied]))
    }

    /// Puts and removes records as they are, in one step.
    pub(super) fn put(
        &mut self,
        records: impl Iterator<Item = (Vec<u8>, Option<Vec<u8>>)>,
    ) -> Result<(), Error> {
        self.sync_moved()?;
        let mut batch = sled::Batch::default();
        let mut touched = Vec::new();
        for (key, value) in records {
            touched.push((key.clone(), value.as_ref().map_or(0, Vec::len)));
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        self.tree.apply_batch(batch).map_err(|e| failed("applying a change", &e))?;
        self.part(touched)
    }

    /// Has sled part and join the pages of these keys; with each key comes how long its record is.
    fn part(&mut self, keys: Vec<(Vec<u8>, usize)>) -> Result<(), Error> {
        let (mut count, mut bytes) = (0, 0);
        for (key, length) in keys {
            if count >= PARTED_AT_ONCE || bytes >= PARTED_BYTES {
                self.sync_moved()?;
                (count, bytes) = (0, 0);
            }
            self.tree.get(&key).map_err(|e| failed("reading", &e))?;
            (count, bytes) = (count + 1, bytes + length);
        }
        Ok(())
    }

    /// Has the disk take what sled has written, where there is something.
    fn sync_moved(&mut self) -> Result<(), Error> {
        // Until it is made it is not used as it is.
        if self.is_made && self.tree.flush().map_err(|e| failed("flushing", &e))? > 0 {
            return self.sync();
        }
        Ok(())
    }

    /// How large its file is.
    pub(super) fn bytes(&self) -> Result<u64, Error> {
        let metadata = self.file.metadata().map_err(|e| file_error("reading", &self.path, &e))?;
        Ok(metadata.len())
    }

    /// How large its file was when it was compacted; 0 where it never was.
    pub(super) fn compacted(&self) -> Result<u64, Error> {
        Ok(read(&self.tree, &compacted_key())?.unwrap_or(0))
    }

    /// Notes how large its file is, now that it was compacted.
    pub(super) fn note_compacted(&mut self) -> Result<(), Error> {
        let bytes = self.bytes()?.to_string().into_bytes();
        self.put([(compacted_key(), Some(bytes))].into_iter())
    }

    /// What removes the pages of the journal whose records are all numbered up to this one.
    pub(super) fn without_journal(&self, through: u64) -> Result<Writes, Error> {
        let pages = self.tree.range(keys::journal(0)..=keys::journal(through)).keys();
        let removed = pages.map(|key| Ok((key.map_err(|e| failed("reading", &e))?.to_vec(), None)));
        removed.collect()
    }

    /// Hands what was applied to the kernel, and waits until the disk has it.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        self.tree.flush().map_err(|e| failed("flushing", &e))?;
        self.sync()
    }

    fn sync(&mut self) -> Result<(), Error> {
        trial::deed("sync", &self.path)
            .and_then(|()| (self.sync)(&self.file))
            .map_err(|e| Error::Database { doing: "syncing to the disk", reason: e.to_string() })
    }
}

/// Where [`Applied`] stands.
fn applied_key() -> Vec<u8> {
    keys::meta("applied")
}

/// Where [`Database::compacted`] stands.
fn compacted_key() -> Vec<u8> {
    keys::meta("compacted")
}

/// Whether a record is of the database itself, so that the log does not have it.
pub(super) fn is_own(key: &[u8]) -> bool {
    key == keys::meta("format") || key == applied_key() || key == compacted_key()
}

/// A snapshot that a kill has interrupted is a file of another name, which sled takes for the newest snapshot all the
/// same and then calls the database corrupt. The finished one beside it and the log hold everything.
fn remove_unfinished_snapshots(database: &Path) -> Result<(), Error> {
    let failed = |e: std::io::Error| file_error("clearing", database, &e);
    for entry in fs::read_dir(database).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    Ok(())
}

/// Opens sled; what it says, or panics of, becomes words.
fn open_sled(path: &Path, cache: u64) -> Result<sled::Db, Opened> {
    let config = sled::Config::new().path(path).flush_every_ms(None).cache_capacity(cache);
    for _ in 0..LOCK_TRIES {
        match open_once(&config) {
            Err(Opened::Foreign(_)) => std::thread::sleep(LOCK_PAUSE),
            opened => return opened,
        }
    }
    open_once(&config)
}

fn open_once(config: &sled::Config) -> Result<sled::Db, Opened> {
    // Sled panics on some kinds of damage; it is opened before anything else runs, so nothing is left half done.
    match std::panic::catch_unwind(AssertUnwindSafe(|| config.open())) {
        Ok(Ok(database)) => Ok(database),
        Ok(Err(sled::Error::Io(e))) if e.to_string().contains("lock") => {
            Err(Opened::Foreign(format!("another process has it open ({e})")))
        }
        Ok(Err(sled::Error::Io(e))) if e.raw_os_error().is_some() => {
            Err(Opened::Unreadable(e.to_string()))
        }
        Ok(Err(e)) => Err(Opened::Unfit(format!("it cannot be opened: {e}"))),
        Err(_) => Err(Opened::Unfit("it is damaged".to_owned())),
    }
}

pub(super) fn failed(doing: &'static str, error: &sled::Error) -> Error {
    Error::Database { doing, reason: error.to_string() }
}

pub(super) fn damaged(key: &[u8], reason: String) -> Error {
    Error::Record { key: String::from_utf8_lossy(key).replace('\0', "/"), reason }
}

/// Reads and decodes one record.
pub(super) fn read<T: DeserializeOwned>(tree: &sled::Tree, key: &[u8]) -> Result<Option<T>, Error> {
    let Some(bytes) = tree.get(key).map_err(|e| failed("reading", &e))? else {
        return Ok(None);
    };
    decode(key, &bytes).map(Some)
}

pub(super) fn decode<T: DeserializeOwned>(key: &[u8], bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|e| damaged(key, e.to_string()))
}

/// The highest trailing number of the keys with a prefix.
pub(super) fn last(tree: &sled::Tree, prefix: &[u8]) -> Result<Option<u64>, Error> {
    let found = tree.scan_prefix(prefix).next_back();
    let found = found.transpose().map_err(|e| failed("reading", &e))?;
    Ok(found.and_then(|(key, _)| keys::last_number(&key)))
}

/// The highest number of any work, queued or parked: lanes sort before numbers, so all are looked at.
pub(super) fn highest_work(tree: &sled::Tree) -> Result<u64, Error> {
    let mut highest = 0;
    for prefix in [keys::WORK, keys::PARKED] {
        for entry in tree.scan_prefix([prefix]).keys() {
            let key = entry.map_err(|e| failed("reading", &e))?;
            highest = highest.max(keys::last_number(&key).unwrap_or(0));
        }
    }
    Ok(highest)
}

/// Up to which journal record the events of each webhook are queued.
pub(super) fn webhooks_told(tree: &sled::Tree) -> Result<BTreeMap<String, u64>, Error> {
    let found = tree.scan_prefix(keys::webhooks_told());
    found
        .map(|entry| {
            let (key, value) = entry.map_err(|e| failed("reading", &e))?;
            decode(&key, &value)
        })
        .collect()
}

/// Up to which record the journal may leave the database, which has to fit into memory; 0: none may.
pub(super) fn old_journal(tree: &sled::Tree) -> Result<u64, Error> {
    let last = last(tree, &[keys::JOURNAL])?.unwrap_or(0);
    let untold = webhooks_told(tree)?.into_values().min().unwrap_or(u64::MAX);
    Ok(last.saturating_sub(JOURNAL_KEPT).min(untold))
}
