//! The database compacted while it is in use. Its file grows by all that is written to it, and gives hardly any of that
//! back where records leave; nor does sled give back the memory. So all records are copied into a new database, a piece
//! at a time between the groups of commits, and what changes meanwhile changes in both. Once the copy has everything, it
//! takes the place of the other.
//!
//! Until all of it is durable the copy is marked as being made, and lies in a folder of its own. A crash leaves the old
//! database where it was, or the new one; or, between the two renames, the new one whole in its own folder, and none
//! where it belongs, which [`settle`] puts right. What fails before the first rename leaves everything as it is; from
//! then on there is no way back, and what fails ends the store, as a crash would.

use std::fs;
use std::ops::Bound;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Error;
use super::commit::Writer;
use super::database::{Applied, Database, Opened, failed, is_own};
use super::entry::Writes;
use super::format::{MAKING, VERSION};
use super::payloads::file_error;
use super::recovery::{Folders, remove};
use crate::disk::{self, trial};

/// The file is compacted once it is so many times as large as it was then.
const GROWTH: u64 = 3;
/// Least bytes of records that are copied at a time. Commits wait for as long as that takes, a few milliseconds.
const PIECE_BYTES: usize = 64 << 10;
/// Copied bytes that share a sync.
const SYNC_BYTES: usize = 1 << 20;
/// Page cache of the copy, which is written from its first key to its last.
const COPY_CACHE_BYTES: u64 = 8 << 20;
/// Room on the disk that is left to all others.
const ROOM_BYTES: u64 = 64 << 20;
/// How long after a failure it is tried again; twice as long after each that follows, up to a day.
const PAUSE: Duration = Duration::from_hours(1);
const PAUSE_MAX: Duration = Duration::from_hours(24);

/// When the database is compacted.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    /// Where its file is larger than so many bytes, and three times as large as when it was compacted last; in the
    /// background.
    Over(u64),
    /// In any case; it is done when this is answered.
    Now,
}

/// A copy that is being made.
pub(super) struct Compaction {
    copy: Database,
    root: PathBuf,
    /// The last key that it has.
    through: Vec<u8>,
    /// Bytes that it got since its last sync.
    unsynced: usize,
}

impl Compaction {
    fn begin(folders: &Folders, sync: disk::Sync) -> Result<Self, Error> {
        let path = &folders.database;
        if fs::symlink_metadata(path).is_ok_and(|data| data.is_symlink()) {
            // The copy would take the place of the link.
            let reason = "it is a link to a folder elsewhere".to_owned();
            let path = path.display().to_string();
            return Err(Error::File { doing: "compacting", path, reason });
        }
        remove(&folders.copy)?;
        remove(&folders.old)?;
        let mut copy = Database::create(&folders.copy, COPY_CACHE_BYTES, sync)?;
        copy.mark(&folders.copy, MAKING)?;
        let root = folders.root.clone();
        Ok(Self { copy, root, through: Vec::new(), unsynced: 0 })
    }

    /// Does what was done to the database to what of it is copied.
    fn follow(&mut self, paged: &Writes) -> Result<(), Error> {
        let copied = paged.range::<[u8], _>((Bound::Unbounded, Bound::Included(&*self.through)));
        let copied: Writes = copied.map(|(key, value)| (key.clone(), value.clone())).collect();
        self.put(copied)
    }

    /// Copies about so many bytes; tells whether there is no more.
    fn copy(&mut self, from: &sled::Tree, bytes: usize) -> Result<bool, Error> {
        let (mut piece, mut size) = (Writes::new(), 0);
        let start = Bound::Excluded(self.through.as_slice());
        for record in from.range::<&[u8], _>((start, Bound::Unbounded)) {
            let (key, value) = record.map_err(|e| failed("reading", &e))?;
            size += key.len() + value.len();
            if !is_own(&key) {
                piece.insert(key.to_vec(), Some(value.to_vec()));
            }
            if size >= bytes {
                self.through = key.to_vec();
                self.put(piece)?;
                return Ok(false);
            }
        }
        self.put(piece)?;
        Ok(true)
    }

    fn put(&mut self, records: Writes) -> Result<(), Error> {
        self.unsynced += bytes_of(&records);
        self.copy.put(records.into_iter())?;
        if self.unsynced >= SYNC_BYTES {
            self.unsynced = 0;
            self.copy.flush()?;
            // Others write too, and must not be kept from it.
            if disk::room(&self.root).is_some_and(|room| room < ROOM_BYTES) {
                let path = self.root.display().to_string();
                let reason = format!("less than {} MiB of room would be left", ROOM_BYTES >> 20);
                return Err(Error::File { doing: "copying the database in", path, reason });
            }
        }
        Ok(())
    }

    /// Makes it durable as what it is now: the whole database.
    fn close(&mut self, folders: &Folders, applied: Applied) -> Result<(), Error> {
        self.copy.apply_paged(Writes::new(), (applied.entry, applied.hash))?;
        self.copy.flush()?;
        self.copy.note_compacted()?;
        self.copy.mark(&folders.copy, VERSION)
    }
}

fn bytes_of(records: &Writes) -> usize {
    let size =
        |(key, value): (&Vec<u8>, &Option<Vec<u8>>)| key.len() + value.as_ref().map_or(0, Vec::len);
    records.iter().map(size).sum()
}

/// What the writer needs for it.
pub(super) struct Compactor {
    folders: Folders,
    sync: Box<dyn Fn() -> disk::Sync + Send>,
    under_way: Option<Compaction>,
    /// Bytes that were written since the last piece: as many are copied with the next, so that it comes to an end.
    owed: usize,
    /// When it may be tried again, after a failure, and how long the next pause is.
    not_before: Option<Instant>,
    pause: Duration,
    /// Removes the database that was replaced.
    removing: Option<JoinHandle<()>>,
}

impl Compactor {
    pub(super) fn new(folders: Folders, sync: Box<dyn Fn() -> disk::Sync + Send>) -> Self {
        Self {
            folders,
            sync,
            under_way: None,
            owed: 0,
            not_before: None,
            pause: PAUSE,
            removing: None,
        }
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Tells it what the database gets.
    pub(super) fn follow(&mut self, paged: &Writes) {
        let Some(compaction) = &mut self.under_way else { return };
        self.owed += bytes_of(paged);
        if let Err(error) = compaction.follow(paged) {
            self.abandon(&error);
        }
    }

    /// Whether it is to be begun: it is worth while, and there is room for it, of which it takes about as much as the
    /// file at most.
    fn is_due(&mut self, over: u64, database: &Database) -> Result<bool, Error> {
        if self.is_under_way() {
            return Ok(false);
        }
        let bytes = database.bytes()?;
        let pauses = self.not_before.is_some_and(|at| Instant::now() < at);
        if pauses || bytes <= over || bytes <= database.compacted()?.saturating_mul(GROWTH) {
            return Ok(false);
        }
        let needed = bytes.saturating_add(ROOM_BYTES);
        if disk::room(&self.folders.root).is_some_and(|room| room < needed) {
            self.put_off(format_args!("it may need {} MiB of room on the disk", needed >> 20));
            return Ok(false);
        }
        Ok(true)
    }

    fn put_off(&mut self, reason: impl std::fmt::Display) {
        let hours = self.pause.as_secs() / 3600;
        tracing::warn!(hours, "the database cannot be compacted now; it is tried again: {reason}");
        self.not_before = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }

    /// Gives it up; the database goes on as it is.
    fn abandon(&mut self, error: &Error) {
        self.put_off(error);
        self.clear();
    }

    /// Throws away what is copied so far.
    pub(super) fn clear(&mut self) {
        if let Some(compaction) = self.under_way.take() {
            // Sled syncs once more as it is closed, and panics where the disk refuses.
            let _ = std::panic::catch_unwind(AssertUnwindSafe(|| drop(compaction)));
            // What stays is removed at the next start, or before the next.
            let _ = remove(&self.folders.copy);
        }
        self.removed();
    }

    /// Closes and removes the database that was replaced, which takes long where it is large.
    fn remove(&mut self, old: Database) {
        let folder = self.folders.old.clone();
        let removing = std::thread::Builder::new().name("store-old".to_owned()).spawn(move || {
            drop(old);
            // What stays is removed at the next start, or before the next.
            let _ = remove(&folder);
        });
        self.removing = removing.ok();
    }

    /// Waits until it is removed.
    fn removed(&mut self) {
        if let Some(removing) = self.removing.take() {
            let _ = removing.join();
        }
    }
}

impl Writer {
    /// See [`When`].
    pub(super) fn compact(&mut self, when: When) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let begins = match when {
            When::Over(bytes) => self.compactor.is_due(bytes, &self.database)?,
            When::Now => true,
        };
        if begins && !self.compactor.is_under_way() {
            self.compactor.removed();
            let begun = Compaction::begin(&self.compactor.folders, (self.compactor.sync)());
            match (begun, when) {
                (Ok(compaction), _) => self.compactor.under_way = Some(compaction),
                (Err(error), When::Over(_)) => self.compactor.put_off(&error),
                (Err(error), When::Now) => return Err(error),
            }
        }
        while matches!(when, When::Now) && self.compactor.is_under_way() {
            self.compact_more(SYNC_BYTES).inspect_err(|_| self.compactor.clear())?;
        }
        Ok(())
    }

    /// Goes on with it for a moment, where it is under way.
    pub(super) fn compact_on(&mut self) {
        if self.failed.is_some() {
            self.compactor.clear();
        }
        let bytes = std::mem::take(&mut self.compactor.owed).max(PIECE_BYTES);
        if let Err(error) = self.compact_more(bytes)
            && self.failed.is_none()
        {
            self.compactor.abandon(&error);
        }
    }

    fn compact_more(&mut self, bytes: usize) -> Result<(), Error> {
        let Some(compaction) = &mut self.compactor.under_way else { return Ok(()) };
        if !compaction.copy(&self.database.tree, bytes)? {
            return Ok(());
        }
        let (entry, hash) = self.log.last();
        let applied = Applied { entry, hash };
        compaction.close(&self.compactor.folders, applied)?;
        trial::step("compact.before");
        step_aside(&self.compactor.folders)?;
        self.compactor.under_way = None;
        let replaced = self.replace(applied).map_err(|error| match error {
            Error::Database { .. } => error,
            error => Error::Database { doing: "taking its copy for it", reason: error.to_string() },
        });
        self.fails_by(replaced.as_ref().err());
        replaced
    }

    /// Gives the copy the database's name, opens it as at a start, and goes on with it.
    fn replace(&mut self, applied: Applied) -> Result<(), Error> {
        let folders = &self.compactor.folders;
        take_place(folders)?;
        let opened = Database::open(&folders.database, (self.compactor.sync)())?;
        let Opened::Whole(database) = opened else {
            return Err(Error::Database { doing: "opening it compacted", reason: opened.reason() });
        };
        if database.applied()? != Some(applied) {
            let reason = "it lacks the last of what was written".to_owned();
            return Err(Error::Database { doing: "opening it compacted", reason });
        }
        let (before, after) = (self.database.bytes()?, database.bytes()?);
        let shut = self.view.shut();
        self.view.replace(database.tree.clone());
        let old = std::mem::replace(&mut self.database, database);
        drop(shut);
        self.is_unsynced = false;
        trial::step("compact.after");
        self.compactor.remove(old);
        self.compactor.pause = PAUSE;
        tracing::info!(before, after, "the database was compacted; bytes");
        Ok(())
    }
}

/// Compacts a database that nobody else has open. Where that fails it is as it was, or the next start makes it so.
pub(super) fn at_once(
    folders: &Folders,
    database: Database,
    sync: &dyn Fn() -> disk::Sync,
) -> Result<(), Error> {
    let Some(applied) = database.applied()? else { return Ok(()) };
    let mut compaction = Compaction::begin(folders, sync())?;
    while !compaction.copy(&database.tree, SYNC_BYTES)? {}
    compaction.close(folders, applied)?;
    drop((compaction, database));
    step_aside(folders)?;
    take_place(folders)?;
    remove(&folders.old)
}

/// Puts right what a crash has left of a compaction.
pub(super) fn settle(folders: &Folders) -> Result<(), Error> {
    if !folders.database.exists() {
        if folders.copy.exists() {
            take_place(folders)?;
        } else if folders.old.exists() {
            let Folders { database, old, .. } = folders;
            fs::rename(old, database).map_err(|e| file_error("renaming", old, &e))?;
        }
    }
    remove(&folders.copy)?;
    remove(&folders.old)
}

/// Takes the database's name from it. From here on there is no way back.
fn step_aside(folders: &Folders) -> Result<(), Error> {
    let Folders { database, old, .. } = folders;
    trial::deed("rename", old)
        .and_then(|()| fs::rename(database, old))
        .map_err(|e| file_error("renaming", database, &e))?;
    trial::step("compact.between");
    Ok(())
}

/// Gives the copy the database's name.
fn take_place(folders: &Folders) -> Result<(), Error> {
    let Folders { root, database, copy, .. } = folders;
    trial::deed("rename", database)
        .and_then(|()| fs::rename(copy, database))
        .map_err(|e| file_error("renaming", copy, &e))?;
    disk::sync_dir(root).map_err(|e| file_error("syncing", root, &e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::CACHE_BYTES;

    fn key(number: u64) -> Vec<u8> {
        format!("d{number:06}").into_bytes()
    }

    #[test]
    fn the_copy_follows_what_changes_on_either_side_of_where_it_stands() {
        let place = tempfile::tempdir().unwrap();
        let folders = Folders::of(place.path());
        let sync = || -> disk::Sync { Box::new(fs::File::sync_data) };
        let mut database = Database::create(&folders.database, CACHE_BYTES, sync()).unwrap();
        let all = (0..3000).map(|number| (key(number), Some(vec![b'0'; 100])));
        database.put(all).unwrap();
        let mut compaction = Compaction::begin(&folders, sync()).unwrap();
        let mut round = 0_u64;
        while !compaction.copy(&database.tree, 1000).unwrap() {
            round += 1;
            let digits = String::from_utf8(compaction.through[1..].to_vec()).unwrap();
            let at: u64 = digits.parse().unwrap();
            // The last that was copied, one before it and the next; a new one and one that leaves now and then.
            let mut changed: Writes = [at.saturating_sub(5), at, at + 1]
                .into_iter()
                .map(|number| (key(number), Some(format!("round {round}").into_bytes())))
                .collect();
            if round.is_multiple_of(3) {
                changed.insert(key(at), None);
                changed.insert(key(at + 1), None);
                changed.insert([key(at - 1), b"+".to_vec()].concat(), Some(b"new".to_vec()));
            }
            compaction.follow(&changed).unwrap();
            database.put(changed.into_iter()).unwrap();
        }
        assert!(round > 100);
        let records = |tree: &sled::Tree| -> Vec<_> {
            tree.iter().map(Result::unwrap).filter(|(key, _)| !is_own(key)).collect()
        };
        let copied = records(&compaction.copy.tree);
        assert_eq!(copied.len(), 3000 - usize::try_from(round / 3).unwrap());
        assert_eq!(copied, records(&database.tree));
    }
}
