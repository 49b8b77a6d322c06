//! The acknowledgement log: what was expected of partners and what they said, one JSON line for each event, in files
//! that an auditor can read without the gateway. It is made from the journal, and catches up after a crash.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Error, Gateway};
use crate::disk;
use crate::store::{self, Event, Facts, JournalRecord, PayloadId, Records};

/// Folder of the log in the data folder; one file for each month.
const FOLDER: &str = "acknowledgements";
/// Journal records that are read at a time.
const PAGE: usize = 1000;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Number of the journal record that tells it.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// What: `expected`, `due_soon`, `overdue`, `answered`, `repeated`, `partial`, `unmatched`, `ta1_accepted`,
    /// `ta1_rejected`, or of ours: `we_answered`.
    pub event: &'static str,
    /// The partner.
    pub partner: String,
    /// The document, the interchange or the file that it is about.
    pub subject: String,
    /// Control numbers and times.
    #[serde(flatten)]
    pub facts: Facts,
    /// The bytes: what was sent, or our answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<PayloadId>,
    /// In words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Line {
    /// What a journal record says of acknowledgements; nothing where it says nothing of them.
    #[must_use]
    pub fn of(record: &JournalRecord) -> Option<Self> {
        let entry = &record.entry;
        let event = match entry.event {
            Event::DocumentRendered => "expected",
            Event::AcknowledgementDueSoon => "due_soon",
            Event::AcknowledgementOverdue => "overdue",
            Event::DocumentAcknowledged => "answered",
            Event::AcknowledgementRepeated => "repeated",
            Event::AcknowledgementPartial => "partial",
            Event::AcknowledgementReplaced => "replaced",
            Event::AcknowledgementUnmatched => "unmatched",
            Event::InterchangeAcknowledged => "ta1_accepted",
            Event::InterchangeRefused => "ta1_rejected",
            Event::AcknowledgementRendered => "we_answered",
            _ => return None,
        };
        Some(Self {
            sequence: record.sequence,
            at: entry.at,
            event,
            partner: entry.partner.clone(),
            subject: entry.subject.clone(),
            facts: entry.facts.clone(),
            payload: entry.payload,
            note: entry.note.clone(),
        })
    }
}

/// The lines that the journal has from a record on, the record itself not among them.
///
/// # Errors
/// Where the store fails.
pub fn lines(records: &dyn Records, mut after: u64) -> Result<(Vec<Line>, u64), store::Error> {
    let mut lines = Vec::new();
    loop {
        let page = records.journal(after, PAGE)?;
        let Some(last) = page.last() else { return Ok((lines, after)) };
        after = last.sequence;
        lines.extend(page.iter().filter_map(Line::of));
    }
}

/// How far the log is.
pub(super) struct AckLog {
    folder: PathBuf,
    /// The last journal record that was looked at.
    through: u64,
}

impl AckLog {
    /// Opens the log of a data folder. A line that a crash has cut off is taken away; it is written anew.
    fn open(data: &Path) -> io::Result<Self> {
        let folder = data.join(FOLDER);
        disk::create_dir(&folder)?;
        let mut names: Vec<PathBuf> = fs::read_dir(&folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<_>>()?;
        names.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        names.sort();
        let mut through = 0;
        for path in names.iter().rev() {
            let bytes = fs::read(path)?;
            let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
            if whole < bytes.len() {
                let file = OpenOptions::new().write(true).open(path)?;
                file.set_len(whole as u64)?;
                file.sync_all()?;
            }
            let last = bytes[..whole].split(|&byte| byte == b'\n').rfind(|line| !line.is_empty());
            if let Some(last) = last {
                through = sequence(last)?;
                break;
            }
        }
        Ok(Self { folder, through })
    }

    fn append(&mut self, lines: &[Line], through: u64) -> io::Result<()> {
        let mut rest = lines;
        while let Some(first) = rest.first() {
            let month = month_of(first.at);
            let here = rest.iter().take_while(|line| month_of(line.at) == month).count();
            let (now, later) = rest.split_at(here);
            let mut bytes = Vec::new();
            for line in now {
                serde_json::to_writer(&mut bytes, line)?;
                bytes.push(b'\n');
            }
            let path = self.folder.join(format!("{month}.jsonl"));
            let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
            file.write_all(&bytes)?;
            file.sync_data()?;
            disk::sync_dir(&self.folder)?;
            self.through = now.last().map_or(self.through, |line| line.sequence);
            rest = later;
        }
        self.through = through;
        Ok(())
    }
}

fn month_of(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m").to_string()
}

fn sequence(line: &[u8]) -> io::Result<u64> {
    #[derive(serde::Deserialize)]
    struct Head {
        sequence: u64,
    }
    Ok(serde_json::from_slice::<Head>(line)?.sequence)
}

impl Gateway {
    /// Writes what the journal has told since of acknowledgements.
    pub(super) fn write_acknowledgement_log(&self) -> Result<(), Error> {
        let failed = |e: io::Error| Error::Configuration(format!("the acknowledgement log: {e}"));
        let mut log = self.ack_log.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = match log.take() {
            Some(opened) => opened,
            None => AckLog::open(&self.config.data).map_err(failed)?,
        };
        let opened = log.insert(opened);
        let (lines, through) = lines(self.ledger.store(), opened.through)?;
        let appended = opened.append(&lines, through);
        if appended.is_err() {
            // What reached the file is not known: it is looked at again.
            *log = None;
        }
        appended.map_err(failed)
    }
}
