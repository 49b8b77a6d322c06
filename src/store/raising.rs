//! What becomes of exceptions in a commit: one is opened, takes up a repeat, mends itself, or is settled.

use jiff::Timestamp;

use super::exception::{
    Exception, ExceptionItem, ExceptionState, ITEMS_MAX, Raise, Settle, Settled,
};
use super::journal::{Event, JournalEntry};
use super::keys;
use super::transaction::Change;
use super::writer::{Pending, shorten};
use super::{Error, PayloadId};
use crate::exceptions::Action;

/// Longest texts of an exception, in characters, so that the record stays within its bound.
const WORDS_CHARS_MAX: usize = 400;
const MEND_CHARS_MAX: usize = 200;
const NAME_CHARS_MAX: usize = 100;

impl Pending<'_> {
    /// What happens to exceptions.
    pub(super) fn exception(&mut self, change: &Change) -> Result<(), Error> {
        match change {
            Change::Raise(raise) => self.raise(raise),
            Change::Mend { item, at, words } => self.mend(item, *at, words),
            Change::Settle(settle) if settle.how == Action::Reopen => self.reopen(settle),
            Change::Settle(settle) => self.settle(settle),
            _ => Ok(()),
        }
    }

    /// Opens an exception, or adds to the one that is open of the same cause.
    fn raise(&mut self, raise: &Raise) -> Result<(), Error> {
        let item = &raise.item.key;
        let mut open = self.exception_about(item)?;
        if let Some(before) = open.take_if(|before| before.cause != raise.cause) {
            // It is in trouble for another reason now.
            let settled = by_itself(raise.at, "another trouble took its place");
            self.settle_item(before, item, &settled)?;
        }
        // What was opened again is not where others of its cause have gathered meanwhile.
        if open.is_none()
            && let Some(id) = self.read::<u64>(&keys::exception_cause(&raise.cause))?
        {
            open = self.open_exception(id)?;
        }
        let mut known = None;
        if let Some(one) = &open {
            known = self.read::<ExceptionItem>(&keys::exception_item(one.id, item))?;
            // One that is full takes up only what it has.
            if known.is_none() && one.items >= ITEMS_MAX {
                open = None;
            }
        }
        let is_new = open.is_none();
        let mut exception = match open {
            Some(one) => one,
            None => self.begin(raise)?,
        };
        exception.count += 1;
        exception.last = raise.at;
        exception.words = shorten(&raise.words, WORDS_CHARS_MAX);
        exception.mend = shorten(&raise.mend, MEND_CHARS_MAX);
        exception.items += u32::from(known.is_none());
        exception.open_items += u32::from(known.as_ref().is_none_or(|item| item.settled));
        let id = exception.id;
        let number = known.map_or(exception.items, |known| known.number);
        let record = ExceptionItem { number, ..raise.item.clone() };
        self.insert(keys::exception_item(id, item), &record)?;
        self.insert(keys::exception_of(item), &id)?;
        self.insert(keys::exception(id), &exception)?;
        if is_new {
            self.insert(keys::exception_open(id), &id)?;
            self.insert(keys::exception_cause(&raise.cause), &id)?;
            let entry = raise.kind.entry();
            let note = format!("{}, {}: {}", entry.name, entry.severity.name(), raise.words);
            self.tell(&exception, Event::ExceptionRaised, (raise.at, raise.item.payload), &note)?;
        }
        Ok(())
    }

    /// What was wrong with something is so no more. Where nothing was, nothing happens.
    fn mend(&mut self, item: &str, at: Timestamp, words: &str) -> Result<(), Error> {
        match self.exception_about(item)? {
            Some(exception) => self.settle_item(exception, item, &by_itself(at, words)),
            None => Ok(()),
        }
    }

    /// What a person did. Expects that the exception is open, and the item too.
    fn settle(&mut self, settle: &Settle) -> Result<(), Error> {
        let id = settle.exception;
        let Some(exception) = self.read::<Exception>(&keys::exception(id))? else {
            return Err(Error::Conflict(format!("there is no exception {id}")));
        };
        if exception.state != ExceptionState::Open {
            return Err(Error::Conflict(format!("exception {id} is not open any more")));
        }
        self.tell_deed(&exception, settle)?;
        let settled = Settled {
            at: settle.at,
            how: Some(settle.how),
            who: shorten(&settle.who, NAME_CHARS_MAX),
            reason: shorten(&settle.reason, WORDS_CHARS_MAX),
        };
        if let Some(item) = &settle.item {
            let own = self.read::<ExceptionItem>(&keys::exception_item(id, item))?;
            if own.is_none_or(|item| item.settled) {
                return Err(Error::Conflict(format!("{item} is not open in exception {id}")));
            }
            return self.settle_item(exception, item, &settled);
        }
        let mut exception = exception;
        for item in self.read_items(id)?.into_iter().filter(|item| !item.settled) {
            self.close_item(id, item, settled.how)?;
        }
        exception.open_items = 0;
        self.close(exception, &settled)
    }

    /// What a person dismissed is open again. Expects that some of it was, and is in no other open exception by now.
    fn reopen(&mut self, settle: &Settle) -> Result<(), Error> {
        let id = settle.exception;
        let Some(mut exception) = self.read::<Exception>(&keys::exception(id))? else {
            return Err(Error::Conflict(format!("there is no exception {id}")));
        };
        let chosen = |item: &ExceptionItem| settle.item.as_ref().is_none_or(|key| *key == item.key);
        let mut items = self.read_items(id)?;
        items.retain(|item| item.dismissed && chosen(item));
        if items.is_empty() {
            return Err(Error::Conflict(format!("nothing of exception {id} is dismissed")));
        }
        self.tell_deed(&exception, settle)?;
        for item in items {
            if let Some(other) = self.exception_about(&item.key)? {
                let (label, other) = (item.subject.label(), other.id);
                let words = format!("{label} is in exception {other} by now, which is open");
                return Err(Error::Conflict(words));
            }
            self.insert(keys::exception_of(&item.key), &id)?;
            let open = ExceptionItem { settled: false, dismissed: false, ..item };
            self.insert(keys::exception_item(id, &open.key), &open)?;
            exception.open_items += 1;
        }
        exception.state = ExceptionState::Open;
        exception.settled = None;
        self.insert(keys::exception_open(id), &id)?;
        let cause = keys::exception_cause(&exception.cause);
        // Another one may gather what has this cause since then.
        if self.read::<u64>(&cause)?.is_none() {
            self.insert(cause, &id)?;
        }
        self.insert(keys::exception(id), &exception)
    }

    /// Tells what a person did.
    fn tell_deed(&mut self, exception: &Exception, settle: &Settle) -> Result<(), Error> {
        let why = if settle.reason.is_empty() {
            String::new()
        } else {
            format!(": {}", shorten(&settle.reason, WORDS_CHARS_MAX))
        };
        let note = format!("by {}{why}. {}", settle.who, settle.note);
        let event = match settle.how {
            Action::Retry => Event::ExceptionRetried,
            Action::Replay => Event::ExceptionReplayed,
            Action::Edit => Event::ExceptionEdited,
            Action::Accept => Event::ExceptionAccepted,
            Action::Dismiss => Event::ExceptionDismissed,
            Action::Reopen => Event::ExceptionReopened,
        };
        self.tell(exception, event, (settle.at, settle.payload), note.trim_end_matches(". "))
    }

    fn settle_item(
        &mut self,
        mut exception: Exception,
        item: &str,
        settled: &Settled,
    ) -> Result<(), Error> {
        let id = exception.id;
        if let Some(record) = self.read::<ExceptionItem>(&keys::exception_item(id, item))?
            && !record.settled
        {
            self.close_item(id, record, settled.how)?;
            exception.open_items = exception.open_items.saturating_sub(1);
        }
        if exception.open_items > 0 {
            return self.insert(keys::exception(id), &exception);
        }
        if settled.how.is_none() {
            self.tell(&exception, Event::ExceptionMended, (settled.at, None), &settled.reason)?;
        }
        self.close(exception, settled)
    }

    fn close_item(
        &mut self,
        exception: u64,
        item: ExceptionItem,
        how: Option<Action>,
    ) -> Result<(), Error> {
        let of = keys::exception_of(&item.key);
        if self.read::<u64>(&of)? == Some(exception) {
            self.remove(of);
        }
        let key = keys::exception_item(exception, &item.key);
        let dismissed = how == Some(Action::Dismiss);
        let accepted = how == Some(Action::Accept);
        self.insert(key, &ExceptionItem { settled: true, dismissed, accepted, ..item })
    }

    fn close(&mut self, mut exception: Exception, settled: &Settled) -> Result<(), Error> {
        exception.state = match settled.how {
            Some(Action::Dismiss) => ExceptionState::Dismissed,
            Some(Action::Accept) => ExceptionState::Accepted,
            _ => ExceptionState::Done,
        };
        exception.settled = Some(settled.clone());
        let id = exception.id;
        self.remove(keys::exception_open(id));
        let cause = keys::exception_cause(&exception.cause);
        if self.read::<u64>(&cause)? == Some(id) {
            self.remove(cause);
        }
        self.insert(keys::exception(id), &exception)
    }

    /// A new one, with a number of its own.
    fn begin(&mut self, raise: &Raise) -> Result<Exception, Error> {
        let last = keys::meta("last exception");
        let id = self.read::<u64>(&last)?.unwrap_or(0) + 1;
        self.insert(last, &id)?;
        Ok(Exception {
            id,
            kind: raise.kind,
            severity: raise.kind.entry().severity,
            partner: raise.partner.clone(),
            owner: shorten(&raise.owner, NAME_CHARS_MAX),
            cause: raise.cause.clone(),
            place: shorten(&raise.place, NAME_CHARS_MAX),
            words: String::new(),
            mend: String::new(),
            opened: raise.at,
            due: raise.due,
            count: 0,
            last: raise.at,
            items: 0,
            open_items: 0,
            state: ExceptionState::Open,
            settled: None,
        })
    }

    /// The open exception that something is in.
    fn exception_about(&mut self, item: &str) -> Result<Option<Exception>, Error> {
        match self.read::<u64>(&keys::exception_of(item))? {
            Some(id) => self.open_exception(id),
            None => Ok(None),
        }
    }

    fn open_exception(&mut self, id: u64) -> Result<Option<Exception>, Error> {
        let found = self.read::<Exception>(&keys::exception(id))?;
        Ok(found.filter(|one| one.state == ExceptionState::Open))
    }

    fn tell(
        &mut self,
        exception: &Exception,
        event: Event,
        (at, payload): (Timestamp, Option<PayloadId>),
        note: &str,
    ) -> Result<(), Error> {
        let (partner, note) = (exception.partner.clone(), note.to_owned());
        let subject = format!("exception {}", exception.id);
        let facts = [
            ("exception", exception.id.to_string()),
            ("kind", exception.kind.name().to_owned()),
            ("severity", exception.severity.name().to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        self.journal(&JournalEntry { at, event, partner, subject, payload, facts, note })
    }
}

fn by_itself(at: Timestamp, words: &str) -> Settled {
    Settled { at, how: None, who: String::new(), reason: shorten(words, WORDS_CHARS_MAX) }
}
