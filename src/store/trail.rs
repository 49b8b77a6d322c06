//! The audit log as people ask it: entry by entry, with what each of them tells. It needs no database, and can be read
//! beside the process that writes it.

use std::path::Path;

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::as2::As2Message;
use super::database::decode;
use super::entry::{Entry, Step, Writes};
use super::exception::{Exception, ExceptionItem};
use super::expectation::Expectation;
use super::journal::JournalRecord;
use super::records::{Document, InterchangeId, InterchangeRecord, Receipt};
use super::work::Work;
use super::{AUDIT, Error, keys};
use crate::audit::Reader;

/// The entries of a store's audit log, in order.
pub struct Trail(Reader);

/// An entry.
pub struct Told<'a> {
    /// Its number.
    pub number: u64,
    /// Its line, without the line break.
    pub line: &'a [u8],
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What it tells in the journal.
    pub journal: Vec<JournalRecord>,
    /// How documents went on.
    pub steps: Vec<Step>,
    writes: Writes,
}

/// A record that an entry puts, of those that tell of documents.
#[derive(Debug, Clone, PartialEq)]
pub enum Put {
    /// A file that was taken in.
    Receipt(Receipt),
    /// What became of an interchange.
    Interchange(InterchangeId, InterchangeRecord),
    /// A document.
    Document(Document),
    /// An acknowledgement that is expected, or came.
    Expectation(Expectation),
    /// Work to be done.
    Work(Work),
    /// A message over AS2.
    As2(As2Message),
    /// Something that a person had to look at, by its number: whose it is.
    Exception(u64, String),
    /// What it is about.
    Item {
        /// The number of the exception.
        exception: u64,
        /// Whose that is. Empty where it is nobody's, and where another entry puts it: so it may be in a log that was begun
        /// from a database.
        partner: String,
        /// What.
        item: ExceptionItem,
    },
}

impl Trail {
    /// From an entry on, of the store in this folder.
    ///
    /// # Errors
    /// Where there is no log, or it cannot be read.
    pub fn open(folder: &Path, from: u64) -> Result<Self, Error> {
        Ok(Self(Reader::open(&folder.join(AUDIT), from)?))
    }

    /// The next entry; nothing at the end.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn read(&mut self) -> Result<Option<Told<'_>>, Error> {
        let Some((number, line)) = self.0.read()? else { return Ok(None) };
        Told::read(number, line).map(Some)
    }
}

impl<'a> Told<'a> {
    /// Reads the line of an entry.
    ///
    /// # Errors
    /// Where it is none.
    pub fn read(number: u64, line: &'a [u8]) -> Result<Self, Error> {
        let entry = Entry::read(number, line)?;
        let (journal, writes) = (entry.journal()?, entry.writes()?);
        let Entry { at, by, steps, .. } = entry;
        Ok(Self { number, line, at, by, journal, steps, writes })
    }
}

impl Told<'_> {
    /// The records that it puts, of those that tell of documents.
    ///
    /// # Errors
    /// Where one cannot be read.
    pub fn puts(&self) -> Result<Vec<Put>, Error> {
        let mut puts = Vec::new();
        for (key, value) in &self.writes {
            let Some(value) = value.as_ref().filter(|value| !value.is_empty()) else { continue };
            puts.extend(match key.first() {
                Some(&keys::RECEIPT) => Some(Put::Receipt(record(key, value)?)),
                Some(&keys::INTERCHANGE) => {
                    let record = record(key, value)?;
                    keys::interchange_id(key).map(|id| Put::Interchange(id, record))
                }
                Some(&keys::DOCUMENT) => Some(Put::Document(record(key, value)?)),
                Some(&keys::EXPECTATION) => Some(Put::Expectation(record(key, value)?)),
                Some(&keys::WORK) => Some(Put::Work(record(key, value)?)),
                Some(&keys::AS2) => Some(Put::As2(record(key, value)?)),
                Some(&keys::EXCEPTION) => {
                    let exception: Exception = record(key, value)?;
                    Some(Put::Exception(exception.id, exception.partner))
                }
                Some(&keys::EXCEPTION_ITEM) => {
                    // What changes an item changes its exception in the same entry.
                    let exception = keys::exception_of_item(key);
                    let of = exception.map(keys::exception);
                    let partner = match of.and_then(|key| self.writes.get(&key)?.clone()) {
                        Some(value) => record::<Exception>(key, &value)?.partner,
                        None => String::new(),
                    };
                    let item = record(key, value)?;
                    exception.map(|exception| Put::Item { exception, partner, item })
                }
                _ => None,
            });
        }
        Ok(puts)
    }

    /// The partners that it and the records that it puts name, as often as they do.
    pub fn partners<'t>(&'t self, puts: &'t [Put]) -> impl Iterator<Item = &'t str> {
        let of_journal = self.journal.iter().map(|record| record.entry.partner.as_str());
        let of_puts = puts.iter().filter_map(|put| match put {
            Put::Interchange(_, record) => Some(record.partner.as_str()),
            Put::Document(document) => Some(document.partner.as_str()),
            Put::Expectation(expectation) => Some(expectation.partner.as_str()),
            Put::As2(message) => Some(message.partner.as_str()),
            Put::Exception(_, partner) | Put::Item { partner, .. } => Some(partner.as_str()),
            Put::Receipt(_) | Put::Work(_) => None,
        });
        of_journal.chain(of_puts).filter(|name| !name.is_empty())
    }
}

fn record<T: DeserializeOwned>(key: &[u8], value: &[u8]) -> Result<T, Error> {
    decode(key, value)
}
