//! A new audit log for a store that has lost its own: it begins with the reason, and then with all that the database
//! holds. What is left of the old one is put aside, never thrown away.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::database::{Database, Opened, decode, failed, is_own};
use super::embedded::lock_folder;
use super::entry::Changes;
use super::format::{self, LOGGED};
use super::journal::{Event, Facts, JournalEntry, JournalRecord};
use super::payloads::file_error;
use super::recovery::{Folders, remove};
use super::writer::shorten;
use super::{Error, compaction, keys, pages};
use crate::audit::{Hash, Log, Reader};
use crate::disk;

/// Writes of one entry: the log is not held in memory.
const PIECE_BYTES: usize = 256 << 10;
/// Longest reason, in characters: as long as any note of the journal.
const REASON_CHARS_MAX: usize = 400;

/// A log that was begun, and what is lost with the old one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Which log: hexadecimal digits made by chance.
    pub log: String,
    /// Its entries.
    pub entries: u64,
    /// Records of the database that it holds.
    pub records: u64,
    /// The last entry of the old log that the database was made from.
    pub applied: u64,
    /// Entries of the old log that can still be read, from its first on.
    pub readable: u64,
    /// Where what is left of the old log lies now; nothing where nothing is left.
    pub aside: Option<PathBuf>,
}

/// Begins a new audit log, where the old one is lost and the database is whole. `reason` is its first entry, and `who` is
/// who says so. The gateway must stand still.
///
/// # Errors
/// [`Error::Open`] where the log has all that the database has, so that nothing is lost; where the database cannot be
/// used either; where the store is in use or is none. A crash in between leaves a store that is refused as before, and
/// for which this can be done again.
pub fn begin_log(folder: &Path, who: &str, reason: &str) -> Result<Begun, Error> {
    let _lock = lock_folder(folder)?;
    let folders = Folders::of(folder);
    let refuse = |reason: String| Error::Open { path: folder.display().to_string(), reason };
    if format::look(folder)?.is_none_or(|version| version < LOGGED) {
        return Err(refuse("there is no store of this version in it".to_owned()));
    }
    compaction::settle(&folders)?;
    let mut database = match Database::open(&folders.database, Box::new(fs::File::sync_data))? {
        Opened::Whole(database) => database,
        opened => {
            return Err(refuse(format!(
                "its database cannot be used: {}. A new log is made from the database; restore both from a backup, or the log, from which the database is made",
                opened.reason()
            )));
        }
    };
    let applied = database.applied()?;
    let (entry, hash) = applied.map_or((0, None), |applied| (applied.entry, Some(applied.hash)));
    let old = Old::read(&folders.audit, entry);
    if hash.is_some() && old.hash == hash {
        return Err(refuse(
            "its audit log is there and has all that the database has: nothing of it is lost, and no other is begun"
                .to_owned(),
        ));
    }
    let begun = folder.join("audit.begun");
    let note = format!("a new audit log was begun: {}", shorten(reason.trim(), REASON_CHARS_MAX));
    let first = first(&database, note)?;
    let written = write(&begun, &database, (&first, who))?;
    let aside = put_aside(folder, &folders.audit)?;
    fs::rename(&begun, &folders.audit).map_err(|e| file_error("naming", &folders.audit, &e))?;
    disk::sync_dir(folder).map_err(|e| file_error("syncing", folder, &e))?;
    database.apply(first.into_writes(), written.last)?;
    database.flush()?;
    Ok(Begun {
        log: written.log,
        entries: written.last.0,
        records: written.records,
        applied: entry,
        readable: old.entries,
        aside,
    })
}

/// What can be read of the old log.
struct Old {
    entries: u64,
    /// The hash of the entry that the database was made from last.
    hash: Option<Hash>,
}

impl Old {
    /// As far as it goes: that it is damaged or not there is why we are here.
    fn read(folder: &Path, applied: u64) -> Self {
        let mut old = Self { entries: 0, hash: None };
        let Ok(mut reader) = Reader::open(folder, 1) else { return old };
        while let Ok(Some((entry, line))) = reader.read() {
            old.entries = entry;
            if entry == applied {
                old.hash = Some(Hash::leaf(line));
            }
        }
        old
    }
}

/// The journal's record of the reason.
fn first(database: &Database, note: String) -> Result<Changes, Error> {
    let last = database.tree.scan_prefix([keys::JOURNAL]).keys().next_back().transpose();
    let last = last.map_err(|e| failed("reading", &e))?;
    let sequence = last.and_then(|key| keys::last_number(&key)).map_or(1, |last| last + 1);
    let entry = JournalEntry {
        at: Timestamp::now(),
        event: Event::AuditLogBegun,
        partner: String::new(),
        subject: "store".to_owned(),
        payload: None,
        note,
        facts: Facts::default(),
    };
    let record = JournalRecord { sequence, entry };
    // Texts always have a JSON form.
    let bytes = serde_json::to_vec(&record).unwrap_or_default();
    Ok(Changes { journal: vec![(record, bytes)], ..Changes::default() })
}

/// A log that was written.
struct Written {
    log: String,
    last: (u64, Hash),
    records: u64,
}

/// Writes the reason, and all that the database holds, in pieces.
fn write(
    folder: &Path,
    database: &Database,
    (first, who): (&Changes, &str),
) -> Result<Written, Error> {
    remove(folder)?;
    Log::create(folder)?;
    let (mut log, _) = Log::open(folder, 0, Box::new(fs::File::sync_data))?;
    let mut push = |changes: &Changes| {
        let mut group = log.group();
        group.push(Timestamp::now(), who, &changes.body());
        log.write(group)
    };
    push(first)?;
    let (mut piece, mut bytes, mut records) = (Changes::default(), 0, 0);
    // Before the journal: who makes a database from this keeps of it what a webhook was not told.
    for record in database.tree.scan_prefix(keys::webhooks_told()) {
        let (key, value) = record.map_err(|e| failed("reading", &e))?;
        piece.writes.insert(key.to_vec(), Some(value.to_vec()));
    }
    if !piece.is_empty() {
        push(&std::mem::take(&mut piece))?;
    }
    for record in &database.tree {
        let (key, value) = record.map_err(|e| failed("reading", &e))?;
        if is_own(&key) {
            continue;
        }
        bytes += key.len() + value.len();
        if key.first() == Some(&keys::JOURNAL) {
            for (key, record) in pages::unpaged(&key, &value)? {
                records += 1;
                piece.journal.push((decode(&key, &record)?, record));
            }
        } else {
            records += 1;
            piece.writes.insert(key.to_vec(), Some(value.to_vec()));
        }
        if bytes > PIECE_BYTES {
            push(&std::mem::take(&mut piece))?;
            bytes = 0;
        }
    }
    if !piece.is_empty() {
        push(&piece)?;
    }
    Ok(Written { log: log.id().to_owned(), last: log.last(), records })
}

/// Gives what is left of a log another name, with the moment in it.
fn put_aside(folder: &Path, log: &Path) -> Result<Option<PathBuf>, Error> {
    if !log.exists() {
        return Ok(None);
    }
    let moment = Timestamp::now().strftime("%Y%m%dT%H%M%S%fZ");
    let aside = folder.join(format!("audit.lost-{moment}"));
    fs::rename(log, &aside).map_err(|e| file_error("putting aside", log, &e))?;
    Ok(Some(aside))
}

impl Changes {
    /// What they make of the database.
    fn into_writes(self) -> super::entry::Writes {
        let journal = self.journal.into_iter();
        let journal = journal.map(|(record, bytes)| (keys::journal(record.sequence), Some(bytes)));
        self.writes.into_iter().chain(journal).collect()
    }
}
