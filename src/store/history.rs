//! Old journal records leave the database, which has to fit into memory, for files that do not.

use std::path::Path;

use super::embedded::EmbeddedStore;
use super::payloads::{COMPRESSION_LEVEL, file_error};
use super::{Change, Error, Records as _, Transaction};
use crate::disk;

/// Records in the database from which on the older ones are archived: about 6 MB.
const RECORDS_MAX: u64 = 20_000;
/// How many are archived at a time.
const RECORDS_A_FILE: u64 = 10_000;

/// Writes the oldest records to a file of JSON lines, `FIRST-LAST.jsonl.zst`, and only then removes them from the
/// database. After a crash in between they are written again, to the same file with the same bytes.
pub(super) fn archive_journal(store: &EmbeddedStore, folder: &Path) -> Result<(), Error> {
    while let Some((first, last)) = store.journal_span()? {
        if last - first < RECORDS_MAX {
            break;
        }
        let records =
            store.journal(first - 1, usize::try_from(RECORDS_A_FILE).unwrap_or(usize::MAX))?;
        let Some(through) = records.last().map(|record| record.sequence) else { break };
        let mut lines = Vec::new();
        for record in &records {
            serde_json::to_writer(&mut lines, record).map_err(|e| Error::Record {
                key: format!("journal {}", record.sequence),
                reason: e.to_string(),
            })?;
            lines.push(b'\n');
        }
        let failed = |e: std::io::Error| file_error("archiving the journal to", folder, &e);
        let packed = zstd::bulk::compress(&lines, COMPRESSION_LEVEL).map_err(failed)?;
        disk::create_dir(folder).map_err(failed)?;
        let name = format!("{first:012}-{through:012}.jsonl.zst");
        disk::write_to(folder, &name, &packed).map_err(failed)?;
        store.commit(Transaction::new().with(Change::ForgetJournal { through }))?;
    }
    Ok(())
}
