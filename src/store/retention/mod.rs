//! What is over long ago leaves the database, and its payloads go to the archive.
//!
//! The audit log keeps every record that ever was, so that nothing has to be written anew: what is retired is removed
//! from the database by entries of the log like any other, and `audit export` finds it there for as long as the log is
//! kept. Packs whose payloads no record names any more move to `archive/` in the folder of the store as they are. They
//! are read from there while they are there; a person may move that folder to other storage, or delete it.
//!
//! What keeps duplicates out stays for as long as it does: interchange and control numbers, and messages over AS2, until the
//! agreement with the partner has them forgotten, numbers of documents for ever. Their payloads are archived before.

mod change;
mod numbers;

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::de::DeserializeOwned;

pub use change::{Retirable, said_by_retired};

use super::as2::{As2Key, As2Message};
use super::check::payloads_in;
use super::database::{RawRecord, decode, failed};
use super::embedded::EmbeddedStore;
use super::exception::{Exception, ExceptionItem, ExceptionState, Subject};
use super::expectation::Expectation;
use super::journal::{Event, Facts, JournalEntry};
use super::records::{Document, Receipt};
use super::transaction::{Change, Transaction};
use super::work::{Parcel, Task, Work};
use super::{Error, PayloadId, Records as _, keys};

/// Records that leave in one commit.
const BATCH: usize = 100;
/// Records that are read at a time.
const PAGE: usize = 1000;

/// What a pass has retired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retired {
    /// Documents.
    pub documents: u64,
    /// Files that were taken in, with their interchanges.
    pub receipts: u64,
    /// What partners have acknowledged.
    pub expectations: u64,
    /// Settled exceptions.
    pub exceptions: u64,
    /// Numbers that do not count any more, and messages over AS2.
    pub numbers: u64,
    /// Files of payloads that went to the archive.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
}

impl Retired {
    /// Whether nothing was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What the journal says of it.
    #[must_use]
    pub fn entry(&self, at: Timestamp, before: Timestamp) -> JournalEntry {
        JournalEntry {
            at,
            event: Event::HistoryRetired,
            partner: String::new(),
            subject: format!("before {before}"),
            payload: None,
            facts: Facts::default(),
            note: self.to_string(),
        }
    }
}

impl std::fmt::Display for Retired {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { documents, receipts, expectations, exceptions, numbers, files, bytes } = self;
        write!(
            f,
            "{documents} documents, {receipts} files received, {expectations} acknowledgements, {exceptions} exceptions, {numbers} numbers; {files} files of payloads with {bytes} bytes to the archive"
        )
    }
}

/// What something that is not over needs: it stays, however old it is.
#[derive(Default)]
struct Needed {
    documents: HashSet<String>,
    receipts: HashSet<u64>,
    messages: HashSet<As2Key>,
}

impl Needed {
    fn by_task(&mut self, task: Task) {
        match task {
            Task::Translate { receipt, .. } => {
                self.receipts.insert(receipt);
            }
            Task::Call { document }
            | Task::Render { document, .. }
            | Task::Deadline { document, .. } => {
                self.documents.insert(document);
            }
            Task::Send { parcel: Parcel { documents, .. }, with } => self.by_sent(documents, with),
            Task::AwaitReceipt { message, documents, with, .. } => {
                self.messages.insert(message);
                self.by_sent(documents, with);
            }
            Task::SendReceipt { message, .. } => {
                self.messages.insert(message);
            }
            Task::Notify { .. } | Task::Webhook { .. } | Task::Quarantine { .. } => {}
        }
    }

    fn by_sent(&mut self, documents: Vec<String>, with: Vec<Parcel>) {
        self.documents.extend(documents);
        self.documents.extend(with.into_iter().flat_map(|parcel| parcel.documents));
    }

    fn by_subject(&mut self, subject: Subject) {
        match subject {
            Subject::Interchange { id, .. } => {
                self.receipts.insert(id.receipt);
            }
            Subject::Document { document } | Subject::Acknowledgement { document, .. } => {
                self.documents.insert(document);
            }
            Subject::File { .. } | Subject::Work { .. } | Subject::Condition { .. } => {}
        }
    }
}

/// See [`Store::retire`](super::Store::retire). A payload that was put before the pass before this one, and is not named
/// by now, is not about to be named.
pub(super) fn retire(
    store: &EmbeddedStore,
    (before, numbers): (Timestamp, &Limit<'_>),
    stop: &dyn Fn() -> bool,
) -> Result<Retired, Error> {
    let mut pass = Pass { store, before, stop, retired: Retired::default() };
    let mut needed = pass.needed()?;
    pass.together(&mut needed)?;
    pass.documents(&needed)?;
    pass.receipts(&needed)?;
    pass.exceptions()?;
    pass.numbers(&needed, numbers)?;
    if !stop() {
        let old = store.payloads().age(system_time(before))?;
        let named = named(store, before)?;
        (pass.retired.files, pass.retired.bytes) = store.payloads().archive(&named, &old)?;
    }
    Ok(pass.retired)
}

/// Every payload that a record names, but what was only seen, messages over AS2 that were over before a moment, and the
/// journal.
fn named(store: &EmbeddedStore, before: Timestamp) -> Result<BTreeSet<PayloadId>, Error> {
    let mut named = BTreeSet::new();
    let mut after = None;
    loop {
        let page = store.page(&[], after, PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(named) };
        after = Some(last.clone());
        for (key, value) in &page {
            let is_named = match key.first() {
                Some(&(keys::SEEN | keys::JOURNAL)) => false,
                Some(&keys::AS2) => {
                    let message: As2Message = decode(key, value)?;
                    message.state.is_open() || message.at >= before
                }
                _ => true,
            };
            if is_named {
                named.extend(payloads_in(value));
            }
        }
    }
}

/// By the name of a partner: its numbers from before this moment leave; nothing: they stay.
type Limit<'a> = dyn Fn(&str) -> Option<Timestamp> + 'a;

struct Pass<'a> {
    store: &'a EmbeddedStore,
    before: Timestamp,
    stop: &'a dyn Fn() -> bool,
    retired: Retired,
}

impl Pass<'_> {
    /// What queued work, open exceptions and expectations need; expectations that are over are retired on the way.
    fn needed(&mut self) -> Result<Needed, Error> {
        let mut needed = Needed::default();
        for prefix in [keys::WORK, keys::PARKED] {
            self.each(prefix, |work: Work| {
                needed.by_task(work.task);
                None
            })?;
        }
        let mut open = Vec::new();
        self.each(keys::EXCEPTION, |exception: Exception| {
            open.extend((exception.state == ExceptionState::Open).then_some(exception.id));
            None
        })?;
        for id in open {
            let items: Vec<ExceptionItem> = self.store.exception_items(id)?;
            for item in items {
                needed.by_subject(item.subject);
            }
        }
        let before = self.before;
        self.retired.expectations = self.each(keys::EXPECTATION, |one: Expectation| {
            let over = change::is_over(&one, before);
            if !over {
                needed.documents.insert(one.document);
                return None;
            }
            Some(Retirable::Expectation { partner: one.partner, group: one.group, set: one.set })
        })?;
        Ok(needed)
    }

    /// What came in one file leaves together: a document that stays keeps the file, and with it all others of it. Read once
    /// more it would seem otherwise as if nothing had become of those that have left.
    fn together(&self, needed: &mut Needed) -> Result<(), Error> {
        let mut kept = HashSet::new();
        self.each(keys::DOCUMENT, |document: Document| {
            if !change::is_done(&document, self.before) || needed.documents.contains(&document.id) {
                kept.extend(document.interchange.map(|id| id.receipt));
            }
            None
        })?;
        needed.receipts.extend(kept);
        Ok(())
    }

    /// Documents that are over, where the file that they came in is too.
    fn documents(&mut self, needed: &Needed) -> Result<(), Error> {
        let before = self.before;
        self.retired.documents = self.each(keys::DOCUMENT, |document: Document| {
            let over = change::is_done(&document, before)
                && !needed.documents.contains(&document.id)
                && document.interchange.is_none_or(|id| !needed.receipts.contains(&id.receipt));
            over.then_some(Retirable::Document(document.id))
        })?;
        Ok(())
    }

    /// Files that were taken in. The last one stays: the next is numbered by it.
    fn receipts(&mut self, needed: &Needed) -> Result<(), Error> {
        let (before, last) = (self.before, self.store.last_receipt()?);
        self.retired.receipts = self.each(keys::RECEIPT, |receipt: Receipt| {
            let stays = needed.receipts.contains(&receipt.id) || Some(receipt.id) == last;
            (receipt.done && receipt.at < before && !stays)
                .then_some(Retirable::Receipt(receipt.id))
        })?;
        Ok(())
    }

    fn exceptions(&mut self) -> Result<(), Error> {
        let before = self.before;
        self.retired.exceptions = self.each(keys::EXCEPTION, |exception: Exception| {
            let over = exception.state != ExceptionState::Open && exception.last < before;
            over.then_some(Retirable::Exception(exception.id))
        })?;
        Ok(())
    }

    /// Looks at every record of a prefix, and retires what is told to be; counts it.
    fn each<T: DeserializeOwned>(
        &self,
        prefix: u8,
        mut judge: impl FnMut(T) -> Option<Retirable>,
    ) -> Result<u64, Error> {
        self.each_with_key(prefix, |_, one| Ok(judge(one).map(|what| (what, self.before))))
    }

    /// The same with their keys, where it is told as well before which moment it was over.
    fn each_with_key<T: DeserializeOwned>(
        &self,
        prefix: u8,
        mut judge: impl FnMut(&[u8], T) -> Result<Option<(Retirable, Timestamp)>, Error>,
    ) -> Result<u64, Error> {
        let (mut after, mut count) = (None, 0);
        loop {
            let page = self.store.page(&[prefix], after, PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(count) };
            after = Some(last.clone());
            let mut found = Vec::new();
            for (key, value) in &page {
                found.extend(judge(key, decode(key, value)?)?);
            }
            for batch in found.chunks(BATCH) {
                if (self.stop)() {
                    continue;
                }
                count += batch.len() as u64;
                let mut transaction = Transaction::new();
                for (what, before) in batch {
                    transaction.push(Change::Retire(what.clone(), *before));
                }
                self.store.commit(transaction)?;
            }
        }
    }
}

fn system_time(at: Timestamp) -> SystemTime {
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Records whose keys lie behind one and begin with a prefix, as they are.
pub(super) fn page(
    tree: &sled::Tree,
    prefix: &[u8],
    after: Option<Vec<u8>>,
    limit: usize,
) -> Result<Vec<RawRecord>, Error> {
    use std::ops::Bound;
    let start = after.map_or(Bound::Included(prefix.to_vec()), Bound::Excluded);
    let mut found = Vec::new();
    for entry in tree.range((start, Bound::Unbounded)).take(limit) {
        let (key, value) = entry.map_err(|e| failed("reading", &e))?;
        if !key.starts_with(prefix) {
            break;
        }
        found.push((key.to_vec(), value.to_vec()));
    }
    Ok(found)
}
