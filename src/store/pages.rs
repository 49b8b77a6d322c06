//! Pages of the journal: the database has consecutive records of it many in one value, since each key costs it far more
//! than the bytes behind it. A page has the key of its last record. It is that record where it is the only one, as in
//! formats before 6, else a list of all.

use serde_json::value::RawValue;

use super::database::{RawRecord, damaged, decode};
use super::entry::Writes;
use super::writer::RECORD_BYTES_MAX;
use super::{Error, JournalRecord, keys};

/// The same changes, but records of the journal that follow each other together in pages.
pub(super) fn paged(mut writes: Writes) -> Writes {
    let mut behind = writes.split_off([keys::JOURNAL].as_slice());
    let mut others = behind.split_off([keys::JOURNAL + 1].as_slice());
    writes.append(&mut others);
    let mut page = Page::default();
    for (key, value) in behind {
        let Some(record) = value else {
            writes.insert(key, None);
            continue;
        };
        if !page.takes(&key, &record) {
            std::mem::take(&mut page).close(&mut writes);
        }
        page.add(key, &record);
    }
    page.close(&mut writes);
    writes
}

/// One that is being filled.
#[derive(Default)]
struct Page {
    /// That of the last record.
    key: Vec<u8>,
    /// What stands in it, without brackets.
    bytes: Vec<u8>,
    records: usize,
}

impl Page {
    /// Whether a record follows those in it, and has room with brackets and a comma.
    fn takes(&self, key: &[u8], record: &[u8]) -> bool {
        let follows = || {
            let (last, next) = (keys::last_number(&self.key), keys::last_number(key));
            last.and_then(|last| last.checked_add(1)) == next
        };
        self.records == 0 || (self.bytes.len() + record.len() + 3 <= RECORD_BYTES_MAX && follows())
    }

    fn add(&mut self, key: Vec<u8>, record: &[u8]) {
        if self.records > 0 {
            self.bytes.push(b',');
        }
        self.bytes.extend_from_slice(record);
        self.key = key;
        self.records += 1;
    }

    fn close(mut self, writes: &mut Writes) {
        if self.records > 1 {
            self.bytes.insert(0, b'[');
            self.bytes.push(b']');
        }
        if self.records > 0 {
            writes.insert(self.key, Some(self.bytes));
        }
    }
}

/// The records of a page.
///
/// # Errors
/// Where it is none.
pub(super) fn records(key: &[u8], page: &[u8]) -> Result<Vec<JournalRecord>, Error> {
    if page.starts_with(b"[") { decode(key, page) } else { Ok(vec![decode(key, page)?]) }
}

/// The same with the key of each, as the log has them: what [`paged`] was given.
///
/// # Errors
/// Where it is none.
pub(super) fn unpaged(key: &[u8], page: &[u8]) -> Result<Vec<RawRecord>, Error> {
    if !page.starts_with(b"[") {
        return Ok(vec![(key.to_vec(), page.to_vec())]);
    }
    let records: Vec<&RawValue> =
        serde_json::from_slice(page).map_err(|e| damaged(key, e.to_string()))?;
    let last = keys::last_number(key).unwrap_or(0);
    let first = last.saturating_add(1).saturating_sub(records.len() as u64);
    let numbered = (first..).zip(records);
    Ok(numbered.map(|(n, record)| (keys::journal(n), record.get().into())).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever runs of numbers there are: nothing is lost, no page is too large or has a gap, and other changes stay
        /// as they are.
        #[test]
        fn pages_hold_what_was_put(
            records in proptest::collection::btree_map(0_u64..400, 2_usize..4096, 0..200),
            removed in proptest::collection::btree_set(400_u64..500, 0..5),
        ) {
            let mut writes = Writes::new();
            for (number, size) in &records {
                let text = format!("\"{}\"", "a".repeat(size - 2));
                writes.insert(keys::journal(*number), Some(text.into_bytes()));
            }
            writes.extend(removed.iter().map(|number| (keys::journal(*number), None)));
            for other in [keys::JOURNAL - 1, keys::JOURNAL + 1] {
                writes.insert(vec![other], Some(b"1".to_vec()));
            }
            let mut back = Writes::new();
            for (key, value) in paged(writes.clone()) {
                match value {
                    Some(page) if key.first() == Some(&keys::JOURNAL) => {
                        prop_assert!(page.len() <= RECORD_BYTES_MAX);
                        let held = unpaged(&key, &page).unwrap();
                        back.extend(held.into_iter().map(|(key, record)| (key, Some(record))));
                    }
                    value => {
                        back.insert(key, value);
                    }
                }
            }
            prop_assert_eq!(back, writes);
        }
    }

    #[test]
    fn records_that_follow_each_other_share_a_page() {
        let record = |_| Some(vec![b'1'; 40]);
        let writes: Writes = (1..=300).map(|n| (keys::journal(n), record(n))).collect();
        assert_eq!(paged(writes).len(), 4);
    }
}
