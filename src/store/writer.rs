//! What a transaction makes of the records, change by change.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;
use super::as2::{As2Direction, As2Message, As2State};
use super::commit::Ahead;
use super::database::{damaged, decode, failed};
use super::entry::{Changes, Step, Writes};
use super::exception::ExceptionItem;
use super::expectation::{AckState, Expectation};
use super::journal::{JournalEntry, JournalRecord};
use super::keys;
use super::records::{Document, DocumentState, InterchangeRecord, Receipt, Seen, Series};
use super::transaction::{Change, NewWork};
use super::work::Work;

/// Largest record. Sled puts larger values into files of their own, which one `fdatasync` does not cover.
pub(super) const RECORD_BYTES_MAX: usize = 4096;
/// Longest note or reason in a record, in characters. At worst four bytes each, or two where JSON escapes them, so
/// that a record with a note and a subject stays within its bound.
const NOTE_CHARS_MAX: usize = 400;
/// Longest subject of a journal entry, in characters.
const SUBJECT_CHARS_MAX: usize = 200;

/// Control numbers of one series that are drawn and not yet used at the same time are fewer, and are used within that
/// time of each other.
const DRAWN_TOGETHER_MAX: u64 = 100;
const DRAWN_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// One transaction while it grows.
pub(super) struct Pending<'a> {
    pub(super) tree: &'a sled::Tree,
    /// What becomes of records by the transactions that were handed in before it.
    ahead: &'a Ahead,
    pub(super) changes: Changes,
    pub(super) next_work: u64,
    pub(super) next_journal: u64,
}

impl<'a> Pending<'a> {
    pub(super) fn new(
        tree: &'a sled::Tree,
        ahead: &'a Ahead,
        next_work: u64,
        next_journal: u64,
    ) -> Self {
        Self { tree, ahead, changes: Changes::default(), next_work, next_journal }
    }

    pub(super) fn change(&mut self, change: &Change) -> Result<(), Error> {
        match change {
            Change::TakeFile(receipt) => {
                let what = || format!("file {} was taken in before", receipt.file.name);
                self.insert_new(keys::file(&receipt.file), &receipt.id, what)?;
                self.insert(keys::receipt(receipt.id), receipt)
            }
            Change::FileSeen(file) => {
                let what = || format!("file {} was taken in before", file.name);
                self.insert_new(keys::file(file), &0_u64, what)
            }
            Change::FinishReceipt(id) => {
                let key = keys::receipt(*id);
                let mut receipt: Receipt = self
                    .read(&key)?
                    .ok_or_else(|| Error::Conflict(format!("receipt {id} is unknown")))?;
                receipt.done = true;
                self.insert(key, &receipt)
            }
            Change::Outcome(id, record) => {
                let what = || {
                    format!("interchange {} of receipt {} has its outcome", id.index, id.receipt)
                };
                let note = shorten(&record.note, NOTE_CHARS_MAX);
                let record = InterchangeRecord { note, ..record.clone() };
                self.insert_new(keys::interchange(*id), &record, what)
            }
            Change::FirstSeen(key, seen, forgotten_before) => {
                let own = keys::seen(key);
                let before = self.read::<Seen>(&own)?.and_then(|before| before.at);
                if is_forgotten(before, *forgotten_before) {
                    return self.insert(own, seen);
                }
                self.insert_new(own, seen, || format!("{key} was seen before"))
            }
            Change::Noted(key, words) => self.insert(keys::purchase_order(key), words),
            Change::PurchaseOrder(key, document) => {
                let what = || format!("{} {} was seen before", key.kind, key.number);
                self.insert_new(keys::purchase_order(key), document, what)
            }
            Change::Number { series, number, at, forgotten_before } => {
                let what = || format!("control number {number} of {series} was used before");
                let key = keys::number(series, *number);
                let used: Option<Timestamp> = self.read(&key)?.flatten();
                if is_forgotten(used, *forgotten_before) {
                    self.insert(key, at)?;
                } else {
                    self.insert_new(key, at, what)?;
                }
                self.reach(series, *number, *at)
            }
            Change::Document(document) => self.document(document),
            Change::Advance { document, state, at } => self.advance(document, *state, *at),
            Change::Called(call) => self.insert(keys::call(&call.document, &call.step), call),
            Change::Queue(work) => self.queue(work),
            Change::Done { .. }
            | Change::Retry { .. }
            | Change::Park { .. }
            | Change::Unpark { .. }
            | Change::Hurry { .. } => self.finish_or_move(change),
            Change::Raise(_) | Change::Mend { .. } | Change::Settle(_) => self.exception(change),
            Change::Alert(_)
            | Change::AlertEnds { .. }
            | Change::AlertsLooked(_)
            | Change::WebhookTold { .. } => self.told(change),
            Change::Expect(expectation) => self.expect(expectation),
            Change::As2New(message) => self.as2_new(message),
            Change::As2(message) => self.as2(message),
            Change::Retire(what, before) => self.retire(what, *before),
            Change::Journal(entry) => self.journal(entry),
        }
    }

    /// Moves the position of a series to a number that is used now. What was drawn together comes in any order: then the
    /// highest is the position.
    fn reach(&mut self, series: &Series, number: u64, at: Timestamp) -> Result<(), Error> {
        let position = keys::position(series);
        let last = self.read::<u64>(&position)?;
        let last = last.filter(|&last| number < last && last - number < DRAWN_TOGETHER_MAX);
        if let Some(last) = last {
            let used = self.read::<Option<Timestamp>>(&keys::number(series, last))?.flatten();
            let since = at.saturating_sub(DRAWN_WITHIN).unwrap_or(Timestamp::MIN);
            if used.is_some_and(|used| used >= since) {
                return Ok(());
            }
        }
        self.insert(position, &number)
    }

    /// What rules of alerts have told, and how far they and webhooks have looked.
    fn told(&mut self, change: &Change) -> Result<(), Error> {
        match change {
            Change::Alert(state) => self.insert(keys::alert(&state.rule, &state.cause), state)?,
            Change::AlertEnds { rule, cause } => self.remove(keys::alert(rule, cause)),
            Change::AlertsLooked(Some(through)) => self.insert(keys::alerts_looked(), through)?,
            Change::AlertsLooked(None) => self.remove(keys::alerts_looked()),
            Change::WebhookTold { webhook, through: Some(through) } => {
                self.insert(keys::webhook_told(webhook), &(webhook, through))?;
            }
            Change::WebhookTold { webhook, through: None } => {
                self.remove(keys::webhook_told(webhook));
            }
            _ => {}
        }
        Ok(())
    }

    /// A message over AS2, for the first time.
    fn as2_new(&mut self, message: &As2Message) -> Result<(), Error> {
        let key = &message.key;
        if self.bytes(&keys::as2(key))?.is_some() {
            let words = format!("message {} came before", shorten(&key.message_id, NOTE_CHARS_MAX));
            return Err(Error::Conflict(words));
        }
        if key.direction == As2Direction::Sent {
            for content in message.contents() {
                self.insert(keys::as2_sent_at(content, message.at, key), key)?;
            }
        }
        self.as2(message)
    }

    fn as2(&mut self, message: &As2Message) -> Result<(), Error> {
        // A receipt may come while it is still being noted that the message has left.
        if message.state == As2State::Awaited {
            let old = self.read::<As2Message>(&keys::as2(&message.key))?;
            let is_waiting =
                |old: &As2Message| matches!(old.state, As2State::Made | As2State::Awaited);
            if old.is_some_and(|old| !is_waiting(&old)) {
                return Ok(());
            }
        }
        let words = shorten(&message.words, NOTE_CHARS_MAX);
        self.insert(keys::as2(&message.key), &As2Message { words, ..message.clone() })
    }

    /// What happens to work that is there.
    fn finish_or_move(&mut self, change: &Change) -> Result<(), Error> {
        match change {
            Change::Done { lane, work } => {
                let key = keys::work(keys::WORK, lane, *work);
                self.work(&key)?;
                self.remove(key);
                Ok(())
            }
            Change::Retry { lane, work, due, error } => {
                let key = keys::work(keys::WORK, lane, *work);
                let attempts = self.work(&key)?.attempts.saturating_add(1);
                let work = Work {
                    attempts,
                    due: *due,
                    error: shorten(error, NOTE_CHARS_MAX),
                    ..self.work(&key)?
                };
                self.insert(key, &work)
            }
            Change::Park { lane, work, error } => {
                let key = keys::work(keys::WORK, lane, *work);
                let parked = Work { error: shorten(error, NOTE_CHARS_MAX), ..self.work(&key)? };
                self.remove(key);
                self.insert(keys::work(keys::PARKED, lane, *work), &parked)
            }
            Change::Unpark { lane, work, due } => {
                let key = keys::work(keys::PARKED, lane, *work);
                let again = Work { attempts: 0, due: *due, ..self.work(&key)? };
                self.remove(key);
                self.insert(keys::work(keys::WORK, lane, *work), &again)
            }
            Change::Hurry { lane, work, due } => {
                let key = keys::work(keys::WORK, lane, *work);
                let hurried = Work { due: *due, ..self.work(&key)? };
                self.insert(key, &hurried)
            }
            _ => Ok(()),
        }
    }

    /// What an exception is about, as this transaction and those before it leave it.
    pub(super) fn read_items(&self, exception: u64) -> Result<Vec<ExceptionItem>, Error> {
        let prefix = keys::exception_items(exception);
        let mut items = Writes::new();
        for entry in self.tree.scan_prefix(&prefix) {
            let (key, value) = entry.map_err(|e| failed("reading", &e))?;
            items.insert(key.to_vec(), Some(value.to_vec()));
        }
        let ahead = self.ahead.range(prefix.clone()..).map(|(key, (_, value))| (key, value));
        items.extend(beginning_with(&prefix, ahead));
        items.extend(beginning_with(&prefix, self.changes.writes.range(prefix.clone()..)));
        let items = items.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
        items.map(|(key, value)| decode(key, value)).collect()
    }

    fn queue(&mut self, new: &NewWork) -> Result<(), Error> {
        let id = self.next_work;
        self.next_work += 1;
        let work = Work {
            id,
            lane: new.lane.clone(),
            order: new.order.clone(),
            task: new.task.clone(),
            attempts: 0,
            due: new.due,
            queued: new.due,
            error: String::new(),
        };
        self.insert(keys::work(keys::WORK, &new.lane, id), &work)
    }

    fn work(&self, key: &[u8]) -> Result<Work, Error> {
        self.read(key)?.ok_or_else(|| Error::Conflict("the work is no longer queued".to_owned()))
    }

    fn document(&mut self, new: &Document) -> Result<(), Error> {
        let key = keys::document(&new.id);
        let from = self.read::<Document>(&key)?.map(|old| old.state);
        self.step(from, new);
        self.insert(key, new)
    }

    fn advance(&mut self, id: &str, state: DocumentState, at: Timestamp) -> Result<(), Error> {
        let key = keys::document(id);
        let old: Document =
            self.read(&key)?.ok_or_else(|| Error::Conflict(format!("document {id} is unknown")))?;
        let from = old.state;
        let corrected = from.rank() == state.rank() && from.is_verdict();
        if state.rank() > from.rank() || corrected {
            let new = Document { state, at, ..old };
            self.step(Some(from), &new);
            self.insert(key, &new)?;
        }
        Ok(())
    }

    fn step(&mut self, from: Option<DocumentState>, new: &Document) {
        let (document, to, payload) = (new.id.clone(), new.state, new.payload);
        self.changes.steps.push(Step { document, from, to, payload });
    }

    fn expect(&mut self, new: &Expectation) -> Result<(), Error> {
        let key = keys::expectation(&new.partner, new.group, new.set);
        let mut new = new.clone();
        if let Some(old) = self.read::<Expectation>(&key)? {
            // What was read before something was said does not take that back.
            let only_time = matches!(new.state, AckState::DueSoon | AckState::Overdue);
            let says_nothing = only_time
                || new.partial
                || (new.state == AckState::Replaced && new.answered.is_none());
            if says_nothing && !old.state.is_waiting() {
                return Ok(());
            }
            if new.partial && !old.partial {
                new.state = old.state;
            }
            if let Some(clock) = old.clock() {
                self.remove(keys::clock(clock, &key));
            }
        }
        if let Some(clock) = new.clock() {
            self.changes.writes.insert(keys::clock(clock, &key), Some(Vec::new()));
        }
        self.insert(key, &new)
    }

    pub(super) fn journal(&mut self, entry: &JournalEntry) -> Result<(), Error> {
        let sequence = self.next_journal;
        self.next_journal += 1;
        let entry = JournalEntry {
            note: shorten(&entry.note, NOTE_CHARS_MAX),
            subject: shorten(&entry.subject, SUBJECT_CHARS_MAX),
            ..entry.clone()
        };
        let record = JournalRecord { sequence, entry };
        let bytes = encoded(&keys::journal(sequence), &record)?;
        self.changes.journal.push((record, bytes));
        Ok(())
    }

    /// The record of a key as this transaction and those before it leave it.
    pub(super) fn bytes(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let ahead = || self.ahead.get(key).map(|(_, value)| value);
        if let Some(changed) = self.changes.writes.get(key).or_else(ahead) {
            return Ok(changed.clone());
        }
        let found = self.tree.get(key).map_err(|e| failed("reading", &e))?;
        Ok(found.map(|bytes| bytes.to_vec()))
    }

    pub(super) fn read<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Error> {
        self.bytes(key)?.map(|bytes| decode(key, &bytes)).transpose()
    }

    pub(super) fn insert(&mut self, key: Vec<u8>, record: &impl Serialize) -> Result<(), Error> {
        let bytes = encoded(&key, record)?;
        self.changes.writes.insert(key, Some(bytes));
        Ok(())
    }

    fn insert_new(
        &mut self,
        key: Vec<u8>,
        record: &impl Serialize,
        conflict: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        if self.bytes(&key)?.is_some() {
            return Err(Error::Conflict(conflict()));
        }
        self.insert(key, record)
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.changes.writes.insert(key, None);
    }
}

fn beginning_with<'a>(
    prefix: &[u8],
    writes: impl Iterator<Item = (&'a Vec<u8>, &'a Option<Vec<u8>>)>,
) -> impl Iterator<Item = (Vec<u8>, Option<Vec<u8>>)> {
    writes
        .take_while(move |(key, _)| key.starts_with(prefix))
        .map(|(key, value)| (key.clone(), value.clone()))
}

fn encoded(key: &[u8], record: &impl Serialize) -> Result<Vec<u8>, Error> {
    let bytes = serde_json::to_vec(record).map_err(|e| damaged(key, e.to_string()))?;
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(damaged(key, format!("{} bytes, more than {RECORD_BYTES_MAX}", bytes.len())));
    }
    Ok(bytes)
}

/// Whether what was at a moment does not count any more.
pub(super) fn is_forgotten(at: Option<Timestamp>, before: Option<Timestamp>) -> bool {
    at.zip(before).is_some_and(|(at, before)| at < before)
}

/// Cuts a text; control characters but line breaks become blanks, since JSON makes six bytes of each.
pub(super) fn shorten(text: &str, chars_max: usize) -> String {
    let plain = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    text.chars().take(chars_max).map(plain).collect()
}
