//! The database compacted while it is in use. Its file grows by all that is written to it, and gives hardly any of that
//! back where records leave; nor does sled give back the memory. So all records are copied into a new database, a piece
//! at a time between the groups of commits, and what changes meanwhile changes in both. Once the copy has everything, it
//! takes the place of the other.
//!
//! Until all of it is durable the copy is marked as being made, and lies in a folder of its own. There it is closed, and
//! opened once to see that it is whole. A crash leaves the old database where it was, or the new one; or, between the two
//! renames, the new one whole in its own folder, and none where it belongs, which [`settle`] puts right. What fails before
//! the first rename leaves everything as it is; from then on there is no way back, and what fails ends the store, as a crash
//! would.

use std::fs::{self, File};
use std::ops::Bound;
use std::os::unix::fs::MetadataExt;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Error;
use super::commit::Writer;
use super::database::{Applied, Database, LOCK_PAUSE, LOCK_TRIES, Opened, failed, is_own};
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
/// What is wrong with a copy that is another's.
const LACKING: &str = "it lacks the last of what was written";
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

/// Why a database is never compacted where it is; nothing where it may be.
fn unfit(folders: &Folders) -> Option<&'static str> {
    let path = &folders.database;
    let [own, root] = [path, &folders.root].map(|of| fs::metadata(of).map(|data| data.dev()).ok());
    if fs::symlink_metadata(path).is_ok_and(|data| data.is_symlink()) {
        // The copy would take the place of the link.
        Some("it is a link to a folder elsewhere")
    } else if own != root {
        Some("it is on another file system than the folder around it")
    } else {
        None
    }
}

impl Compaction {
    fn begin(folders: &Folders, sync: disk::Sync) -> Result<Self, Error> {
        if let Some(reason) = unfit(folders) {
            let (path, reason) = (folders.database.display().to_string(), reason.to_owned());
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

    /// Makes it durable as what it is now, the whole database; closes it, and looks whether it can be opened as that.
    fn finish(
        mut self,
        folders: &Folders,
        applied: Applied,
        sync: &dyn Fn() -> disk::Sync,
    ) -> Result<(), Error> {
        self.copy.apply_paged(Writes::new(), (applied.entry, applied.hash))?;
        self.copy.flush()?;
        self.copy.note_compacted()?;
        self.copy.mark(&folders.copy, VERSION)?;
        drop(self);
        let unfit = |reason: String| Error::Database { doing: "opening it compacted", reason };
        match Database::open(&folders.copy, sync())? {
            Opened::Whole(copy) if copy.applied()? == Some(applied) => {}
            Opened::Whole(_) => return Err(unfit(LACKING.to_owned())),
            opened => return Err(unfit(opened.reason())),
        }
        is_closed(&folders.copy)
    }
}

/// Does something with databases that are closed with it, or where it fails. Sled syncs as it closes one, and panics where
/// the disk refuses.
fn guarded<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let reason = panic.downcast_ref::<String>().map_or("sled panicked", String::as_str);
        Err(Error::Database { doing: "closing it", reason: reason.to_owned() })
    })
}

/// Waits until no thread of sled has a closed database open any more.
fn is_closed(folder: &Path) -> Result<(), Error> {
    let path = folder.join("db");
    let file = File::open(&path).map_err(|e| file_error("opening", &path, &e))?;
    for _ in 0..LOCK_TRIES {
        if file.try_lock().is_ok() {
            return Ok(());
        }
        std::thread::sleep(LOCK_PAUSE);
    }
    let reason = "sled does not let go of it".to_owned();
    Err(Error::Database { doing: "closing it", reason })
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
    /// What it failed of when it was tried last.
    trouble: Option<String>,
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
            trouble: None,
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

    /// Whether it is to be begun: it is worth while, and there is room for it. The copy mostly takes less than that share of
    /// the file; where it takes more, and the room ends, it is given up.
    fn is_due(&mut self, over: u64, database: &Database) -> Result<bool, Error> {
        if self.is_under_way() {
            return Ok(false);
        }
        let bytes = database.bytes()?;
        let pauses = self.not_before.is_some_and(|at| Instant::now() < at);
        if pauses || bytes <= over || bytes <= database.compacted()?.saturating_mul(GROWTH) {
            return Ok(false);
        }
        // Nothing to be tried again, nor to be told: a person has put it there.
        if let Some(reason) = unfit(&self.folders) {
            tracing::info!("the database is not compacted: {reason}");
            self.not_before = Some(Instant::now() + PAUSE_MAX);
            return Ok(false);
        }
        let needed = (bytes / GROWTH).saturating_add(ROOM_BYTES);
        if disk::room(&self.folders.root).is_some_and(|room| room < needed) {
            self.put_off(format_args!("it may need {} MiB of room on the disk", needed >> 20));
            return Ok(false);
        }
        Ok(true)
    }

    fn put_off(&mut self, reason: impl std::fmt::Display) {
        let hours = self.pause.as_secs() / 3600;
        tracing::warn!(hours, "the database cannot be compacted now; it is tried again: {reason}");
        self.trouble = Some(reason.to_string());
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
        let compaction = self.under_way.take();
        let _ = guarded(|| {
            drop(compaction);
            Ok(())
        });
        // Between the renames it is the database. What stays is removed at the next start, or before the next.
        if self.folders.database.exists() {
            let _ = remove(&self.folders.copy);
        }
        self.removed();
    }

    /// Closes and removes the database that was replaced, which takes long where it is large.
    fn remove(&mut self, old: Database) {
        let folder = self.folders.old.clone();
        let removing = std::thread::Builder::new().name("store-old".to_owned()).spawn(move || {
            let _ = guarded(|| {
                drop(old);
                Ok(())
            });
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
            let compactor = &mut self.compactor;
            let begun = guarded(|| Compaction::begin(&compactor.folders, (compactor.sync)()));
            match (begun, when) {
                (Ok(compaction), _) => compactor.under_way = Some(compaction),
                (Err(error), When::Over(_)) => compactor.abandon(&error),
                (Err(error), When::Now) => {
                    compactor.clear();
                    return Err(error);
                }
            }
        }
        while matches!(when, When::Now) && self.compactor.is_under_way() {
            self.compact_more(SYNC_BYTES).inspect_err(|_| self.compactor.clear())?;
        }
        match &self.compactor.trouble {
            Some(reason) => Err(Error::PutOff { reason: reason.clone() }),
            None => Ok(()),
        }
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
        let Compactor { folders, sync, under_way, .. } = &mut self.compactor;
        if let Some(compaction) = under_way.take() {
            guarded(|| compaction.finish(folders, applied, sync))?;
        }
        trial::step("compact.before");
        step_aside(folders)?;
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
            let reason = LACKING.to_owned();
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
        self.compactor.trouble = None;
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
    let copied = guarded(|| {
        let database = database;
        let Some(applied) = database.applied()? else { return Ok(false) };
        let mut compaction = Compaction::begin(folders, sync())?;
        while !compaction.copy(&database.tree, SYNC_BYTES)? {}
        compaction.finish(folders, applied, sync)?;
        Ok(true)
    });
    match copied {
        Ok(true) => {
            step_aside(folders)?;
            take_place(folders)?;
        }
        Ok(false) => {}
        Err(error) => {
            remove_later(&folders.copy);
            return Err(error);
        }
    }
    remove_later(&folders.old);
    Ok(())
}

/// Puts right what a crash has left of a compaction.
pub(super) fn settle(folders: &Folders) -> Result<(), Error> {
    let Folders { database, copy, old, .. } = folders;
    if !database.exists() {
        if copy.exists() {
            take_place(folders)?;
        } else if old.exists() {
            fs::rename(old, database).map_err(|e| file_error("renaming", old, &e))?;
        }
    }
    remove_later(copy);
    remove_later(old);
    Ok(())
}

/// Where the database is that [`settle`] would put into its place, or that is there.
pub(super) fn place(folders: &Folders) -> &Path {
    let Folders { database, copy, old, .. } = folders;
    [database, copy, old].into_iter().find(|place| place.exists()).unwrap_or(database)
}

/// Removes what is of no use any more. What cannot be removed does no harm, but takes room.
fn remove_later(folder: &Path) {
    if let Err(error) = remove(folder) {
        tracing::warn!("what a compaction has left is tried again at the next start: {error}");
    }
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

    struct Refusing;

    impl Drop for Refusing {
        fn drop(&mut self) {
            panic!("as sled does where the disk refuses its last sync");
        }
    }

    #[test]
    fn what_cannot_be_closed_is_an_error() {
        let closed = guarded(|| {
            drop(Refusing);
            Ok(())
        });
        assert!(matches!(closed, Err(Error::Database { .. })), "{closed:?}");
        let failed = guarded(|| {
            let _refusing = Refusing;
            Err::<(), _>(Error::Closed)
        });
        assert!(matches!(failed, Err(Error::Database { .. })), "{failed:?}");
    }

    #[test]
    fn a_copy_that_is_open_still_is_waited_for_and_given_up() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("db");
        let held = File::create(&path).unwrap();
        held.lock().unwrap();
        let error = is_closed(place.path()).unwrap_err();
        assert!(error.to_string().contains("let go"), "{error}");
        drop(held);
        is_closed(place.path()).unwrap();
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
