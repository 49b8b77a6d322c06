//! Whether a store agrees with itself: the database with the log, and the payloads with both.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::database::{Database, Opened, RawRecord, failed, is_own};
use super::embedded::lock_folder;
use super::entry::{Entry, quoted};
use super::format::{self, LOGGED};
use super::recovery::{Folders, Progress};
use super::{Error, PayloadId, Payloads, compaction, keys, pages};
use crate::audit::{Hash, Reader};

/// Faults that are told one by one; the others are counted.
const FAULTS_TOLD: usize = 1000;

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Entries of the log.
    pub entries: u64,
    /// Records of the database.
    pub records: u64,
    /// Payloads that are named somewhere.
    pub payloads: u64,
    /// Payloads that nothing names. A crash leaves such; they do no harm.
    pub unnamed: u64,
    /// Payloads that went to the archive, which is not there.
    pub away: u64,
    /// What is wrong, in words: the first thousand.
    pub faults: Vec<String>,
    /// How much is wrong in all.
    pub wrong: u64,
}

impl Checked {
    fn wrong(&mut self, words: String) {
        self.wrong += 1;
        if self.faults.len() < FAULTS_TOLD {
            self.faults.push(words);
        }
    }
}

/// The entry that wrote a key last, and whether it removed it; keys by half of their SHA-256.
type Last = HashMap<[u8; 16], (u64, bool)>;

/// Compares database, log and payloads; nothing is changed. The gateway must stand still. `progress` is told entries
/// first, which are read twice, then payloads.
///
/// # Errors
/// Where the store is in use, is none, or its files cannot be read.
pub fn check(folder: &Path, progress: Progress) -> Result<Checked, Error> {
    let _lock = lock_folder(folder)?;
    let folders = Folders::of(folder);
    if format::look(folder)?.is_none_or(|version| version < LOGGED) {
        let reason = "there is no store of this version in it".to_owned();
        return Err(Error::Open { path: folder.display().to_string(), reason });
    }
    let mut found = Checked::default();
    let database = match Database::open(compaction::place(&folders), Box::new(File::sync_data))? {
        Opened::Whole(database) => Some(database),
        opened => {
            let reason = opened.reason();
            found.wrong(format!(
                "the database cannot be used: {reason}. `crossdock store rebuild` makes it anew"
            ));
            None
        }
    };
    let (last, named) = read_log(&folders, &mut found, progress)?;
    if let Some(database) = &database {
        compare(&folders, database, &last, &mut found)?;
    }
    check_payloads(folder, &named, &mut found, progress)?;
    Ok(found)
}

/// Who wrote each key last, and every payload that is named.
fn read_log(
    folders: &Folders,
    found: &mut Checked,
    progress: Progress,
) -> Result<(Last, BTreeSet<PayloadId>), Error> {
    let (mut last, mut named) = (Last::new(), BTreeSet::new());
    let mut reader = Reader::open(&folders.audit, 1)?;
    while let Some((number, line)) = reader.read()? {
        found.entries = number;
        for (key, value) in Entry::read(number, line)?.writes()? {
            last.insert(short(&key), (number, value.is_none()));
        }
        named.extend(payloads_in(line));
        if number.is_multiple_of(1024) {
            progress(number, 0);
        }
    }
    Ok((last, named))
}

fn compare(
    folders: &Folders,
    database: &Database,
    last: &Last,
    found: &mut Checked,
) -> Result<(), Error> {
    let applied = database.applied()?.map_or(0, |applied| applied.entry);
    if applied > found.entries {
        found.wrong(format!(
            "the log ends with entry {}, but the database has entry {applied}: a part of the log is lost",
            found.entries
        ));
        return Ok(());
    }
    // What the next start applies is no fault; what it would write over cannot be compared.
    let is_last = |key: &[u8], entry| last.get(&short(key)).is_some_and(|(last, _)| *last == entry);
    let first_page = database.tree.scan_prefix([keys::JOURNAL]).next().transpose();
    let first_page = first_page.map_err(|e| failed("reading", &e))?;
    let first_journal = first_page.and_then(|(key, page)| records(&key, &page).into_iter().next());
    let forgotten = |key: &[u8]| {
        key.first() == Some(&keys::JOURNAL)
            && first_journal.as_ref().is_none_or(|(first, _)| key < first.as_slice())
    };
    let mut reader = Reader::open(&folders.audit, 1)?;
    while let Some((number, line)) = reader.read()? {
        if number > applied {
            break;
        }
        for (key, value) in Entry::read(number, line)?.writes()? {
            if !is_last(&key, number) || forgotten(&key) {
                continue;
            }
            let there = record(&database.tree, &key)?;
            if there != value {
                let what = if there.is_some() { "is another than" } else { "is missing; see" };
                found.wrong(format!("record {} {what} that of entry {number}", shown(&key)));
            }
        }
    }
    for entry in &database.tree {
        let (key, value) = entry.map_err(|e| failed("reading", &e))?;
        if is_own(&key) {
            continue;
        }
        for (key, _) in records(&key, &value) {
            found.records += 1;
            if !last.contains_key(&short(&key)) {
                found.wrong(format!(
                    "record {} is in the database, and no entry has put it there",
                    shown(&key)
                ));
            }
        }
    }
    Ok(())
}

/// What stands behind a key, record by record; a page of the journal that is none is told as it is.
fn records(key: &[u8], value: &[u8]) -> Vec<RawRecord> {
    let whole = || vec![(key.to_vec(), value.to_vec())];
    match key.first() {
        Some(&keys::JOURNAL) => pages::unpaged(key, value).unwrap_or_else(|_| whole()),
        _ => whole(),
    }
}

/// The record of a key.
fn record(tree: &sled::Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    if key.first() != Some(&keys::JOURNAL) {
        let there = tree.get(key).map_err(|e| failed("reading", &e))?;
        return Ok(there.map(|value| value.to_vec()));
    }
    // It may stand in a page with others, whose key is that of the last.
    let page = tree.range(key..vec![keys::JOURNAL + 1].as_slice()).next().transpose();
    let Some((of, page)) = page.map_err(|e| failed("reading", &e))? else { return Ok(None) };
    let found = records(&of, &page).into_iter().find(|(own, _)| own == key);
    Ok(found.map(|(_, record)| record))
}

fn check_payloads(
    store: &Path,
    named: &BTreeSet<PayloadId>,
    found: &mut Checked,
    progress: Progress,
) -> Result<(), Error> {
    let of = named.len() as u64;
    let payloads = Payloads::look(store)?;
    for id in named {
        found.payloads += 1;
        if let Err(error) = payloads.get(*id) {
            if payloads.is_away(*id)? {
                found.away += 1;
            } else {
                found.wrong(error.to_string());
            }
        }
        if found.payloads.is_multiple_of(256) {
            progress(found.payloads, of);
        }
    }
    found.unnamed = payloads.others(named)?;
    Ok(())
}

/// Writes every record as a line of JSON, `{"key":…,"record":…}`, in the order of their keys. The gateway must stand
/// still.
///
/// # Errors
/// Where the store is in use or cannot be read, or the lines cannot be written.
pub fn export(folder: &Path, to: &mut dyn Write) -> Result<u64, Error> {
    let _lock = lock_folder(folder)?;
    let folders = Folders::of(folder);
    let database = match Database::open(compaction::place(&folders), Box::new(File::sync_data))? {
        Opened::Whole(database) => database,
        opened => {
            let reason = opened.reason();
            let path = folder.display().to_string();
            return Err(Error::Open {
                path,
                reason: format!("its database cannot be used: {reason}"),
            });
        }
    };
    let mut count = 0;
    for record in &database.tree {
        let (key, value) = record.map_err(|e| failed("reading", &e))?;
        for (key, value) in records(&key, &value) {
            let mut line = br#"{"key":"#.to_vec();
            quoted(&mut line, &key);
            line.extend_from_slice(br#","record":"#);
            line.extend_from_slice(if value.is_empty() { b"null" } else { &value });
            line.extend_from_slice(b"}\n");
            to.write_all(&line).map_err(|e| Error::File {
                doing: "writing",
                path: "the records".to_owned(),
                reason: e.to_string(),
            })?;
            count += 1;
        }
    }
    Ok(count)
}

/// Every text of 64 hexadecimal digits in a line: the payloads that it names.
pub(super) fn payloads_in(line: &[u8]) -> impl Iterator<Item = PayloadId> {
    const DIGITS: usize = 64;
    memchr::memchr_iter(b'"', line).filter_map(move |quote| {
        let text = line.get(quote + 1..quote + 2 + DIGITS)?.strip_suffix(b"\"")?;
        std::str::from_utf8(text).ok()?.parse().ok()
    })
}

fn short(key: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&Hash::leaf(key).0[..16]);
    short
}

fn shown(key: &[u8]) -> String {
    let mut text = Vec::new();
    quoted(&mut text, key);
    String::from_utf8_lossy(&text).into_owned()
}
