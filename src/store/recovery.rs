//! Opening: from whatever a crash, a power cut or a restored backup has left to a database that agrees with the log.
//!
//! The log is the truth. A database that lacks something gets it from the log; one that cannot be used is made anew. A
//! log that lacks something is refused: what it held guards against double orders.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::database::{
    Applied, CACHE_BYTES, Database, Opened, decode, failed, is_own, old_journal,
};
use super::entry::{Changes, Entry, Writes};
use super::format::{self, LOGGED, MAKING, VERSION};
use super::journal::{Event, Facts, JournalEntry};
use super::payloads::{Payloads, file_error};
use super::{Error, compaction, keys, pages};
use crate::audit::{self, Hash, Key, Log, Reader, Signer};
use crate::disk;

/// Changes that are applied in one step and made durable before the next.
const STEP_BYTES: usize = 1 << 20;
/// Writes of one entry when the database of an older version becomes the beginning of a log.
const SNAPSHOT_BYTES: usize = 256 << 10;

/// How to wait for the disk: for the packs, for the file of the log, and for that of the database.
pub(super) struct Syncs {
    pub(super) packs: disk::Sync,
    pub(super) log: disk::Sync,
    pub(super) database: Box<dyn Fn() -> disk::Sync + Send>,
}

impl Default for Syncs {
    fn default() -> Self {
        Self {
            packs: Box::new(fs::File::sync_data),
            log: Box::new(fs::File::sync_data),
            database: Box::new(|| Box::new(fs::File::sync_data)),
        }
    }
}

/// How far something is that takes long: entries of the log that are done, and how many there are.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// A store that can go to work.
pub(super) struct Ready {
    pub(super) log: Log,
    pub(super) signer: Signer,
    pub(super) database: Database,
    pub(super) payloads: Payloads,
    /// How to wait for the disk of another database.
    pub(super) sync: Box<dyn Fn() -> disk::Sync + Send>,
    /// What had to be done that a person should know of.
    pub(super) notices: Vec<JournalEntry>,
}

/// Where the parts of a store lie.
#[derive(Clone)]
pub(super) struct Folders {
    pub(super) root: PathBuf,
    pub(super) database: PathBuf,
    /// Where the database is copied to while it is compacted, and where it goes once the copy has its place.
    pub(super) copy: PathBuf,
    pub(super) old: PathBuf,
    pub(super) audit: PathBuf,
    /// The key that signs what the log holds, unless another is given.
    pub(super) key: PathBuf,
    /// A log that is being made from the database of an older version.
    beginning: PathBuf,
}

impl Folders {
    pub(super) fn of(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            database: root.join("state"),
            copy: root.join("state.compacting"),
            old: root.join("state.replaced"),
            audit: root.join(super::AUDIT),
            key: root.join(super::AUDIT_KEY),
            beginning: root.join("audit.making"),
        }
    }

    fn refuse(&self, reason: impl Into<String>) -> Error {
        Error::Open { path: self.root.display().to_string(), reason: reason.into() }
    }

    fn sync(&self) -> Result<(), Error> {
        disk::sync_dir(&self.root).map_err(|e| file_error("syncing", &self.root, &e))
    }
}

/// Opens log and database. The caller holds the lock of the folder.
pub(super) fn open(
    folders: &Folders,
    key: Option<Key>,
    syncs: Syncs,
    progress: Progress,
) -> Result<Ready, Error> {
    let found = format::look(&folders.root)?;
    compaction::settle(folders)?;
    let mut notices = Vec::new();
    if !audit::exists(&folders.audit)? {
        begin_log(folders, found, &syncs, &mut notices)?;
    }
    let opened = Database::open(&folders.database, (syncs.database)())?;
    let applied = match &opened {
        Opened::Foreign(reason) => return Err(folders.refuse(reason.clone())),
        Opened::Unreadable(reason) => return Err(unreadable(folders, reason)),
        Opened::Unfit(_) => None,
        Opened::Whole(database) => applied_to(folders, database)?,
    };
    let durable = applied.map_or(0, |applied| applied.entry);
    let (log, cut) = Log::open(&folders.audit, durable, syncs.log)?;
    if cut.cut > 0 {
        tracing::info!(
            bytes = cut.cut,
            "what was being written when the power went is cut off the audit log"
        );
    }
    let (last, _) = log.last();
    if durable > last {
        return Err(behind(folders, durable, last));
    }
    // Before anything is written that an older program cannot read; not before it is sure that it will be.
    let mark = || {
        if found.is_some_and(|version| version != VERSION) {
            format::mark(&folders.root)
        } else {
            Ok(())
        }
    };
    let key = key.map_or_else(|| audit::own_key(&folders.key, log.id()), Ok)?;
    let signer = Signer::open(&folders.audit, log.id(), key, log.tree())?;
    let database = match opened {
        Opened::Whole(database) => agree(folders, database, applied, &log, &mark, progress)?,
        unfit => {
            mark()?;
            let reason = unfit.reason();
            // A first start that was interrupted is one again.
            if last > 0 {
                let note = format!("the database was made anew from the audit log: {reason}");
                tracing::warn!("{note}");
                notices.push(notice(Event::StoreRebuilt, note));
            }
            make(folders, &syncs.database, last, progress)?
        }
    };
    if found.is_none() {
        format::mark(&folders.root)?;
    }
    let payloads = Payloads::open(folders.root.join("payloads"), syncs.packs)?;
    Ok(Ready { log, signer, database, payloads, sync: syncs.database, notices })
}

/// Makes the database anew from the log, whatever it is now.
pub(super) fn rebuild(folders: &Folders, syncs: Syncs, progress: Progress) -> Result<u64, Error> {
    if format::look(&folders.root)?.is_none_or(|version| version < LOGGED) {
        return Err(folders.refuse("there is no store of this version in it"));
    }
    compaction::settle(folders)?;
    let applied = match Database::open(&folders.database, (syncs.database)())? {
        Opened::Foreign(reason) => return Err(folders.refuse(reason)),
        Opened::Unfit(_) | Opened::Unreadable(_) => 0,
        Opened::Whole(database) => applied_to(folders, &database)?.map_or(0, |one| one.entry),
    };
    let (log, _) = Log::open(&folders.audit, applied, syncs.log)?;
    let (last, _) = log.last();
    if applied > last {
        return Err(behind(folders, applied, last));
    }
    // As at a start: before anything is written that an older program cannot read.
    format::mark(&folders.root)?;
    let database = make(folders, &syncs.database, last, progress)?;
    if let Err(error) = compaction::at_once(folders, database, &syncs.database) {
        // It is whole all the same.
        tracing::warn!("the database is made anew, but could not be compacted: {error}");
    }
    Ok(last)
}

/// A first start, or the first one of this version.
fn begin_log(
    folders: &Folders,
    found: Option<u32>,
    syncs: &Syncs,
    notices: &mut Vec<JournalEntry>,
) -> Result<(), Error> {
    let lost = "its audit log is missing, which everything else is made from. Restore the folder `audit` from a backup, or, where there is none, have a new log begun: `crossdock store begin-log`";
    if found.is_some_and(|version| version >= LOGGED) {
        // It is named once it is whole and the folder is marked.
        if !audit::exists(&folders.beginning)? {
            return Err(folders.refuse(lost));
        }
        return name_log(folders);
    }
    let version = match Database::open(&folders.database, (syncs.database)())? {
        Opened::Foreign(reason) => return Err(folders.refuse(reason)),
        Opened::Unreadable(reason) => {
            return Err(folders.refuse(format!("its database cannot be read: {reason}")));
        }
        Opened::Unfit(reason) if found.is_some() => {
            return Err(folders.refuse(format!(
                "its database cannot be used: {reason}. Restore it from a backup; a fresh one would number documents from the start and deliver orders twice"
            )));
        }
        Opened::Unfit(_) => None,
        Opened::Whole(database) => {
            let version = database.version()?;
            if version.is_some_and(|version| version >= LOGGED) {
                return Err(folders.refuse(lost));
            }
            begin_from(folders, &database)?;
            version
        }
    };
    let Some(version) = version else { return Ok(Log::create(&folders.audit)?) };
    let note = format!(
        "the store was taken over from format {version}; what happened before is one piece in the audit log"
    );
    tracing::warn!("{note}");
    notices.push(notice(Event::StoreUpgraded, note));
    format::mark(&folders.root)?;
    name_log(folders)
}

fn name_log(folders: &Folders) -> Result<(), Error> {
    fs::rename(&folders.beginning, &folders.audit)
        .map_err(|e| file_error("naming", &folders.audit, &e))?;
    folders.sync()
}

/// Writes all that a database of the first version holds as the beginning of a log, in pieces.
fn begin_from(folders: &Folders, database: &Database) -> Result<(), Error> {
    remove(&folders.beginning)?;
    Log::create(&folders.beginning)?;
    let (mut log, _) = Log::open(&folders.beginning, 0, Box::new(fs::File::sync_data))?;
    let mut changes = Changes::default();
    let mut bytes = 0;
    let mut write = |changes: Changes| {
        let mut group = log.group();
        group.push(Timestamp::now(), "takeover from format 1", &changes.body());
        log.write(group)
    };
    for entry in &database.tree {
        let (key, value) = entry.map_err(|e| failed("reading", &e))?;
        if is_own(&key) {
            continue;
        }
        bytes += key.len() + value.len();
        if key.first() == Some(&keys::JOURNAL) {
            for (key, record) in pages::unpaged(&key, &value)? {
                changes.journal.push((decode(&key, &record)?, record));
            }
        } else {
            changes.writes.insert(key.to_vec(), Some(value.to_vec()));
        }
        if bytes > SNAPSHOT_BYTES {
            write(std::mem::take(&mut changes))?;
            bytes = 0;
        }
    }
    Ok(write(changes)?)
}

/// Up to where a database has the log. One that was just taken over has all of it.
fn applied_to(folders: &Folders, database: &Database) -> Result<Option<Applied>, Error> {
    let applied = database.applied()?;
    if applied.is_some() || database.version()?.is_some_and(|version| version >= LOGGED) {
        return Ok(applied);
    }
    let mut reader = Reader::open(&folders.audit, 1)?;
    let mut last = None;
    while let Some((entry, line)) = reader.read()? {
        last = Some(Applied { entry, hash: Hash::leaf(line) });
    }
    Ok(last)
}

fn behind(folders: &Folders, database: u64, log: u64) -> Error {
    folders.refuse(format!(
        "its audit log ends with entry {log}, but the database has entry {database}: a part of the log is lost. Restore the folder `audit` from a backup that has entry {database}, or, where there is none, have a new log begun: `crossdock store begin-log`"
    ))
}

/// What the system refuses is not mended by throwing the database away.
fn unreadable(folders: &Folders, reason: &str) -> Error {
    folders.refuse(format!(
        "its database cannot be read: {reason}. See to the disk; `crossdock store rebuild` makes the database anew from the audit log"
    ))
}

/// Applies what the log has and the database has not.
fn agree(
    folders: &Folders,
    mut database: Database,
    applied: Option<Applied>,
    log: &Log,
    mark: &dyn Fn() -> Result<(), Error>,
    progress: Progress,
) -> Result<Database, Error> {
    let (last, _) = log.last();
    let done = applied.map_or(0, |applied| applied.entry);
    let mut reader = Reader::open(&folders.audit, done.max(1))?;
    if let Some(applied) = applied.filter(|applied| applied.entry > 0) {
        let line = reader.read()?;
        if line.is_none_or(|(_, line)| Hash::leaf(line) != applied.hash) {
            return Err(folders.refuse(format!(
                "entry {done} of its audit log is not the one that the database was made from. Restore the folder `audit` from a backup, or the whole store"
            )));
        }
        if database.applied()?.is_none() {
            database.apply(Writes::new(), (applied.entry, applied.hash))?;
            database.flush()?;
        }
    }
    if done < last {
        tracing::info!(from = done + 1, to = last, "the database gets what only the audit log has");
    }
    mark()?;
    replay(&mut reader, &mut database, last, progress)?;
    database.mark(&folders.database, VERSION)?;
    Ok(database)
}

/// A new database with everything that the log tells, in place of the one that is there. Until it is whole it is marked
/// as being made, so that one that was interrupted is begun again.
fn make(
    folders: &Folders,
    sync: &dyn Fn() -> disk::Sync,
    last: u64,
    progress: Progress,
) -> Result<Database, Error> {
    remove(&folders.database)?;
    let mut database = Database::create(&folders.database, CACHE_BYTES, sync())?;
    database.mark(&folders.database, MAKING)?;
    let mut reader = Reader::open(&folders.audit, 1)?;
    replay(&mut reader, &mut database, last, progress)?;
    database.mark(&folders.database, VERSION)?;
    Ok(database)
}

/// Applies entries up to `last`, many at a time.
fn replay(
    reader: &mut Reader,
    database: &mut Database,
    last: u64,
    progress: Progress,
) -> Result<(), Error> {
    let mut writes = Writes::new();
    let mut bytes = 0;
    let mut through = None;
    while let Some((number, line)) = reader.read()? {
        let entry = Entry::read(number, line)?;
        bytes += line.len();
        through = Some((number, Hash::leaf(line)));
        writes.extend(entry.writes()?);
        if bytes > STEP_BYTES {
            database.apply(writes, (number, Hash::leaf(line)))?;
            database.flush()?;
            // What is old of the journal leaves with what comes next.
            writes = database.without_journal(old_journal(&database.tree)?)?;
            (bytes, through) = (0, None);
            progress(number, last);
        }
    }
    if let Some(through) = through {
        database.apply(writes, through)?;
        database.flush()?;
        progress(through.0, last);
    }
    Ok(())
}

pub(super) fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(file_error("removing", folder, &e))
        }
        _ => Ok(()),
    }
}

fn notice(event: Event, note: String) -> JournalEntry {
    let (partner, subject) = (String::new(), "store".to_owned());
    JournalEntry {
        at: Timestamp::now(),
        event,
        partner,
        subject,
        payload: None,
        note,
        facts: Facts::default(),
    }
}
