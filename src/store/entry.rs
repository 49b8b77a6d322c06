//! What a transaction leaves in the audit log: one line, from which its records can be made again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::journal::JournalRecord;
use super::keys;
use super::records::DocumentState;
use super::{Error, PayloadId};

/// What becomes of a key: its record, or nothing where it is removed.
pub(super) type Writes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// A document that came to be, or went on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its id.
    pub document: String,
    /// Where it was before; nothing where it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<DocumentState>,
    /// Where it is now.
    pub to: DocumentState,
    /// Its canonical bytes.
    pub payload: PayloadId,
}

/// What a transaction has changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) journal: Vec<(JournalRecord, Vec<u8>)>,
    pub(super) steps: Vec<Step>,
    pub(super) writes: Writes,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.journal.is_empty()
    }

    /// The members of the line; see `docs/audit.md`. Writes are JSON already and go there as they are.
    pub(super) fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let journal = self.journal.iter().map(|(_, bytes)| bytes.clone());
        list(&mut body, "journal", journal);
        // Texts always have a JSON form.
        let steps = self.steps.iter().map(|step| serde_json::to_vec(step).unwrap_or_default());
        list(&mut body, "steps", steps);
        let mut put = false;
        for (key, value) in &self.writes {
            let Some(value) = value.as_ref().filter(|value| !value.is_empty()) else { continue };
            body.extend_from_slice(match (put, body.is_empty()) {
                (true, _) => b",".as_slice(),
                (false, true) => br#""put":{"#,
                (false, false) => br#","put":{"#,
            });
            put = true;
            quoted(&mut body, key);
            body.push(b':');
            body.extend_from_slice(value);
        }
        if put {
            body.push(b'}');
        }
        let empty = self.writes.iter().filter(|(_, v)| v.as_ref().is_some_and(Vec::is_empty));
        list(&mut body, "mark", empty.map(|(key, _)| quote(key)));
        let removed = self.writes.iter().filter(|(_, value)| value.is_none());
        list(&mut body, "remove", removed.map(|(key, _)| quote(key)));
        body
    }
}

/// `"name":[a,b]`, with a comma before it where something stands there; nothing where there are none.
fn list(body: &mut Vec<u8>, name: &str, items: impl Iterator<Item = Vec<u8>>) {
    let mut items = items.peekable();
    if items.peek().is_none() {
        return;
    }
    if !body.is_empty() {
        body.push(b',');
    }
    body.extend_from_slice(format!("\"{name}\":").as_bytes());
    for (index, item) in items.enumerate() {
        body.push(if index == 0 { b'[' } else { b',' });
        body.extend_from_slice(&item);
    }
    body.push(b']');
}

fn quote(key: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(key.len() * 2);
    quoted(&mut text, key);
    text
}

/// A key in quotes: printable ASCII as it is, every other byte, and `%`, `"` and `\`, as `%` and two digits.
pub(super) fn quoted(text: &mut Vec<u8>, key: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    text.push(b'"');
    for &byte in key {
        if (b' '..=b'~').contains(&byte) && !matches!(byte, b'%' | b'"' | b'\\') {
            text.push(byte);
        } else {
            text.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
    text.push(b'"');
}

/// The other way round, without the quotes.
fn key_of(text: &str) -> Option<Vec<u8>> {
    let mut key = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            key.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            key.push(byte);
        }
    }
    Some(key)
}

/// A line of the audit log, read back.
#[derive(Debug, Deserialize)]
pub(super) struct Entry<'a> {
    pub(super) sequence: u64,
    pub(super) at: Timestamp,
    pub(super) by: String,
    #[serde(borrow, default)]
    journal: Vec<&'a RawValue>,
    #[serde(default)]
    pub(super) steps: Vec<Step>,
    #[serde(borrow, default)]
    put: BTreeMap<String, &'a RawValue>,
    #[serde(default)]
    mark: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
}

impl<'a> Entry<'a> {
    /// Reads a line.
    pub(super) fn read(number: u64, line: &'a [u8]) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Record {
            key: format!("entry {number} of the audit log"),
            reason,
        };
        let entry: Self = serde_json::from_slice(line).map_err(|e| wrong(e.to_string()))?;
        if entry.sequence != number {
            return Err(wrong(format!("it says that it is entry {}", entry.sequence)));
        }
        Ok(entry)
    }

    /// The journal records of it.
    pub(super) fn journal(&self) -> Result<Vec<JournalRecord>, Error> {
        let read = |raw: &&RawValue| {
            serde_json::from_str(raw.get()).map_err(|e| self.wrong(&e.to_string()))
        };
        self.journal.iter().map(read).collect()
    }

    /// What it makes of the database.
    pub(super) fn writes(&self) -> Result<Writes, Error> {
        let mut records = Writes::new();
        let key = |text: &str| key_of(text).ok_or_else(|| self.wrong("a key cannot be read"));
        for (raw, record) in self.journal.iter().zip(self.journal()?) {
            records.insert(keys::journal(record.sequence), Some(raw.get().into()));
        }
        for (text, value) in &self.put {
            records.insert(key(text)?, Some(value.get().into()));
        }
        for text in &self.mark {
            records.insert(key(text)?, Some(Vec::new()));
        }
        for text in &self.remove {
            records.insert(key(text)?, None);
        }
        Ok(records)
    }

    fn wrong(&self, reason: &str) -> Error {
        let key = format!("entry {} of the audit log", self.sequence);
        Error::Record { key, reason: reason.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_transaction_changed_is_read_back_byte_for_byte() {
        let every: Vec<u8> = (0..=255).collect();
        let mut changes = Changes::default();
        changes.writes.insert(every, Some(br#"{"n": 1.50,"t":"\u00e9"}"#.to_vec()));
        changes.writes.insert(b"c1".to_vec(), Some(Vec::new()));
        changes.writes.insert(b"gone".to_vec(), None);
        let journal = br#"{"sequence":7,"at":"2026-03-02T10:00:00Z","event":"file_received","partner":"","subject":"a"}"#;
        let record: JournalRecord = serde_json::from_slice(journal).unwrap();
        changes.journal.push((record.clone(), journal.to_vec()));
        let mut expected = changes.writes.clone();
        expected.insert(keys::journal(7), Some(journal.to_vec()));

        let folder = tempfile::tempdir().unwrap();
        crate::audit::Log::create(folder.path()).unwrap();
        let sync = Box::new(std::fs::File::sync_data);
        let (mut log, _) = crate::audit::Log::open(folder.path(), 0, sync).unwrap();
        let mut group = log.group();
        group.push(Timestamp::UNIX_EPOCH, "a \"person\"", &changes.body());
        group.push(Timestamp::UNIX_EPOCH, "gateway", &Changes::default().body());
        log.write(group).unwrap();
        let mut reader = crate::audit::Reader::open(folder.path(), 1).unwrap();
        let (number, line) = reader.read().unwrap().unwrap();
        let entry = Entry::read(number, line).unwrap();
        assert_eq!(entry.writes().unwrap(), expected);
        assert_eq!(entry.journal().unwrap(), [record]);
        assert_eq!(entry.by, "a \"person\"");
        let (number, line) = reader.read().unwrap().unwrap();
        assert_eq!(Entry::read(number, line).unwrap().writes().unwrap(), Writes::new());
        assert!(reader.read().unwrap().is_none());
    }
}
