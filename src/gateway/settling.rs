//! What people do about exceptions: one commit for each deed, against the condition that the exception is still open.
//! It works on records alone, so that the gateway may run or stand still.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::Gateway;
use super::intake::{outbound_id, read_document};
use super::lanes;
use super::ledger::{Draft, subject};
use super::parts::split;
use super::raising::about_work;
use crate::exceptions::{Action, Kind};
use crate::store::{
    self, AckState, Again, Change, Document, DocumentState, Event, Exception, ExceptionItem,
    ExceptionState, Expectation, FileKey, InterchangeId, JournalRecord, Parcel, PayloadId, Place,
    PurchaseOrderKey, Receipt, Records, Settle, Settled, Subject, Task, Transaction,
};

/// What a person does about an exception.
#[derive(Debug, Clone)]
pub struct Deed {
    /// What.
    pub action: Action,
    /// Who.
    pub who: String,
    /// Why; asked for where something is accepted, dismissed or opened again.
    pub reason: String,
    /// The bytes that take the place of those that came; for [`Action::Edit`].
    pub edited: Option<Vec<u8>>,
    /// One of the items, 1 = the first; nothing: all of them.
    pub item: Option<usize>,
}

/// What came of a deed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deeds {
    /// It is done; so many things go on.
    Done(usize),
    /// The same was done before; nothing happened.
    Before(Settled),
}

/// Why a deed was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettleError {
    /// It cannot be done, for this reason.
    #[error("{0}")]
    Refused(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

fn refused<T>(words: impl Into<String>) -> Result<T, SettleError> {
    Err(SettleError::Refused(words.into()))
}

/// What waits for an acknowledgement is looked through so far for what a document was sent under.
const WAITING_MAX: usize = 50_000;
/// Work that is looked through for the piece that is meant.
const WORK_MAX: usize = 10_000;

/// Does something about an exception. Done once more the same way, nothing happens.
///
/// # Errors
/// Why it cannot be done; a store that fails.
pub fn settle_exception(records: &dyn Records, id: u64, deed: &Deed) -> Result<Deeds, SettleError> {
    settle_by(records, &|transaction| records.commit(transaction), id, deed)
}

impl Gateway {
    /// The same within a gateway that runs: its lanes are woken, and those who listen are told.
    ///
    /// # Errors
    /// Why it cannot be done; a store that fails.
    pub fn act_on_exception(&self, id: u64, deed: &Deed) -> Result<Deeds, SettleError> {
        let commit = |transaction| self.ledger.commit_all(&transaction);
        settle_by(self.ledger.store(), &commit, id, deed)
    }
}

/// Commits, in one way or another.
pub(super) type Commit<'a> = dyn Fn(Transaction) -> Result<Vec<JournalRecord>, store::Error> + 'a;

fn settle_by(
    records: &dyn Records,
    commit: &Commit<'_>,
    id: u64,
    deed: &Deed,
) -> Result<Deeds, SettleError> {
    let Some(exception) = records.exception(id)? else {
        return refused(format!("there is no exception {id}"));
    };
    let reopens = deed.action == Action::Reopen;
    if exception.state != ExceptionState::Open && !reopens {
        return is_settled(&exception, deed);
    }
    let all = records.exception_items(id)?;
    let is_meant = |item: &ExceptionItem| if reopens { item.dismissed } else { !item.settled };
    let chosen = match deed.item {
        None => None,
        Some(number) => match number.checked_sub(1).and_then(|index| all.get(index)) {
            Some(item) if is_meant(item) => Some(item.clone()),
            Some(item) if !item.settled => return Ok(Deeds::Done(0)),
            Some(_) if reopens => return refused(format!("item {number} was not dismissed")),
            Some(_) => return refused(format!("item {number} is settled")),
            None => return refused(format!("exception {id} has {} items", all.len())),
        },
    };
    let key = chosen.as_ref().map(|item| item.key.clone());
    let items: Vec<ExceptionItem> = match chosen {
        Some(item) => vec![item],
        None => all.into_iter().filter(is_meant).collect(),
    };
    may(&exception, &items, deed)?;
    if reopens && items.is_empty() {
        return match exception.state {
            ExceptionState::Open => Ok(Deeds::Done(0)),
            _ => is_settled(&exception, deed),
        };
    }
    let mut doing = Doing {
        records,
        exception: &exception,
        deed,
        now: Timestamp::now(),
        draft: Draft::new(),
        edited: deed.edited.as_deref().map(|bytes| records.put_payload(bytes)).transpose()?,
    };
    let count = doing.all(&items)?;
    let Doing { mut draft, now, edited, .. } = doing;
    let note = match (edited, items.first().and_then(|item| item.payload)) {
        (Some(edited), Some(original)) => format!("original {original}, edited {edited}"),
        (Some(edited), None) => format!("edited {edited}"),
        _ => String::new(),
    };
    draft.push(Change::Settle(Box::new(Settle {
        exception: id,
        item: key,
        how: deed.action,
        who: deed.who.clone(),
        reason: deed.reason.clone(),
        at: now,
        payload: edited,
        note,
    })));
    match commit(draft.into_transaction().by(&deed.who)) {
        Ok(_) => Ok(Deeds::Done(count)),
        // Somebody else was first.
        Err(store::Error::Conflict(words)) => match records.exception(id)? {
            Some(now) if now.state != ExceptionState::Open && !reopens => is_settled(&now, deed),
            _ => refused(words),
        },
        Err(e) => Err(e.into()),
    }
}

/// Queues again what endpoints have refused, all of it; tells how much.
///
/// # Errors
/// Where the store fails.
pub fn retry_parked(records: &dyn Records, who: &str) -> Result<usize, SettleError> {
    let now = Timestamp::now();
    let mut count = 0;
    for work in records.parked(WORK_MAX)? {
        let mut draft = Draft::new();
        let note = format!("by {who}: {}", work.error);
        draft.journal(now, Event::WorkQueuedAgain, "", &subject(&work.task), &note);
        draft.mend(about_work(&work), now, &format!("{who} has it tried again"));
        draft.unpark(work, now);
        match records.commit(draft.into_transaction().by(who)) {
            Ok(_) => count += 1,
            // Somebody else was first.
            Err(store::Error::Conflict(_)) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(count)
}

fn is_settled(exception: &Exception, deed: &Deed) -> Result<Deeds, SettleError> {
    match &exception.settled {
        Some(settled) if settled.how == Some(deed.action) => Ok(Deeds::Before(settled.clone())),
        Some(settled) => {
            let how = settled.how.map_or("mended by itself", Action::done);
            let by =
                if settled.who.is_empty() { String::new() } else { format!(" by {}", settled.who) };
            let (id, at) = (exception.id, settled.at);
            if deed.action == Action::Reopen {
                return refused(format!("exception {id} was not dismissed: {how}{by} at {at:.0}"));
            }
            refused(format!("exception {id} is not open any more: {how}{by} at {at:.0}"))
        }
        None => refused(format!("exception {} is not open any more", exception.id)),
    }
}

/// Bytes come again, as a file of a mailbox.
pub(super) fn take_in(
    records: &dyn Records,
    draft: &mut Draft,
    (mailbox, name): (&str, &str),
    (payload, again): (PayloadId, Option<Again>),
    (note, now): (&str, Timestamp),
) -> Result<(), store::Error> {
    let size = records.payload(payload)?.len() as u64;
    let id = records.next_receipt()?;
    let file = FileKey {
        mailbox: mailbox.to_owned(),
        name: name.to_owned(),
        size,
        modified_nanoseconds: now.as_nanosecond(),
        payload,
    };
    draft.journal_with(now, Event::FileReceived, "", name, note, Some(payload));
    let task = Task::Translate { receipt: id, again };
    draft.queue(lanes::receive(mailbox), mailbox, task, now);
    draft.push(Change::TakeFile(Receipt { id, file, at: now, done: false }));
    Ok(())
}

/// A document of the warehouse is written once more. The numbers that it had are waited for until it has others.
pub(super) fn render_again(
    records: &dyn Records,
    draft: &mut Draft,
    record: Document,
    accept: bool,
    now: Timestamp,
) -> Result<(), store::Error> {
    let waiting = records.waiting_expectations(WAITING_MAX)?;
    let own = waiting.iter().filter(|one| one.document == record.id);
    let replaces = own.map(|one| (one.group, one.set)).collect();
    let task = Task::Render { document: record.id.clone(), accept, replaces };
    draft.queue(lanes::render(&record.partner), "", task, now);
    let state = DocumentState::Queued;
    draft.push(Change::Document(Document { state, rendered: None, at: now, ..record }));
    Ok(())
}

/// Whether that can be done about such an exception.
fn may(exception: &Exception, items: &[ExceptionItem], deed: &Deed) -> Result<(), SettleError> {
    let (id, entry) = (exception.id, exception.kind.entry());
    if deed.who.trim().is_empty() {
        return refused("say who does it");
    }
    if deed.action.needs_reason() && deed.reason.trim().is_empty() {
        return refused(format!("to {} it, a reason is needed", deed.action.name()));
    }
    let always = matches!(deed.action, Action::Dismiss | Action::Reopen);
    if !always && !entry.actions.contains(&deed.action) {
        let offered = entry.actions.iter().chain(&[Action::Dismiss]);
        let offered: Vec<&str> = offered.map(|action| action.name()).collect();
        return refused(format!(
            "exception {id} ({}) is not one to {}; what can be done: {}. {}",
            entry.name,
            deed.action.name(),
            offered.join(", "),
            entry.mend
        ));
    }
    if deed.action == Action::Edit && items.len() != 1 {
        let open = items.len();
        return refused(format!("exception {id} is about {open} things: say which one (--item)"));
    }
    if let (Action::Accept, Some(item)) = (deed.action, items.iter().find(|item| !item.acceptable))
    {
        return refused(format!(
            "{} cannot go on as it is: nothing that says the same can be made of it. {}",
            item.subject.label(),
            exception.mend
        ));
    }
    Ok(())
}

/// A deed while it is put together.
struct Doing<'a> {
    records: &'a dyn Records,
    exception: &'a Exception,
    deed: &'a Deed,
    now: Timestamp,
    draft: Draft,
    edited: Option<PayloadId>,
}

impl Doing<'_> {
    /// What follows for each item; tells for how many something does.
    fn all(&mut self, items: &[ExceptionItem]) -> Result<usize, SettleError> {
        if matches!(self.deed.action, Action::Dismiss | Action::Reopen) {
            return Ok(items.len());
        }
        // Sets of one interchange come again together, and so do documents that were sent together.
        let mut interchanges: BTreeMap<(InterchangeId, PayloadId), Vec<&ExceptionItem>> =
            BTreeMap::new();
        let mut sent: BTreeMap<PayloadId, Vec<Expectation>> = BTreeMap::new();
        let mut count = 0;
        for item in items {
            match &item.subject {
                Subject::Interchange { id, .. } => {
                    let Some(payload) = item.payload else { continue };
                    interchanges.entry((*id, payload)).or_default().push(item);
                }
                Subject::Document { document } => count += self.document(document)?,
                Subject::File { place, file } => {
                    self.file(place, file)?;
                    count += 1;
                }
                Subject::Work { lane, work, .. } => count += self.work(lane, *work)?,
                Subject::Acknowledgement { partner, group, set, .. } => {
                    let Some(payload) = item.payload else { continue };
                    let all = self.records.expectations(partner, *group)?;
                    let overdue = |e: &Expectation| e.set == *set && e.state == AckState::Overdue;
                    sent.entry(payload).or_default().extend(all.into_iter().find(overdue));
                }
                Subject::Condition { label } => {
                    let mend = &self.exception.mend;
                    return refused(format!("{label}: there is nothing to hand on. {mend}"));
                }
            }
        }
        for ((id, payload), items) in interchanges {
            self.interchange(id, payload, &items)?;
            count += items.len();
        }
        for (payload, expectations) in sent.into_iter().filter(|(_, e)| !e.is_empty()) {
            count += expectations.len();
            self.send_again(payload, expectations)?;
        }
        Ok(count)
    }

    /// An interchange comes again, as a file of its mailbox.
    fn interchange(
        &mut self,
        id: InterchangeId,
        original: PayloadId,
        items: &[&ExceptionItem],
    ) -> Result<(), SettleError> {
        let Some(Subject::Interchange { mailbox, name, .. }) =
            items.first().map(|item| &item.subject)
        else {
            return Ok(());
        };
        let record = self.records.interchange(id)?;
        let of_set = |item: &&ExceptionItem| match item.subject {
            Subject::Interchange { set, .. } => set,
            _ => None,
        };
        let sets: Option<Vec<u32>> = items.iter().map(of_set).collect();
        let edits = self.deed.action == Action::Edit;
        let kind = self.exception.kind;
        // One that was never taken for what it says keeps its number to itself: edited, it is a new one.
        let is_new = matches!(
            kind,
            Kind::InterchangeUnknown
                | Kind::InterchangeUnreadable
                | Kind::InterchangeTooLarge
                | Kind::InterchangeNumberReused
                | Kind::ProgramFailed
        );
        let accept = self.deed.action == Action::Accept;
        let again = Again {
            exception: Some(self.exception.id),
            redeliver: None,
            // What is edited may have its sets at other places.
            sets: sets.filter(|_| !edits).unwrap_or_default(),
            accept,
            differs: (edits && !is_new) || (accept && kind == Kind::InterchangeNumberReused),
            answered: record.is_some_and(|record| record.answer.is_some()),
        };
        let payload = self.edited.unwrap_or(original);
        self.take_in(mailbox, name, payload, Some(again))
    }

    fn take_in(
        &mut self,
        mailbox: &str,
        name: &str,
        payload: PayloadId,
        again: Option<Again>,
    ) -> Result<(), SettleError> {
        let note = format!("exception {}: {}", self.exception.id, self.deed.action.done());
        let draft = &mut self.draft;
        Ok(take_in(self.records, draft, (mailbox, name), (payload, again), (&note, self.now))?)
    }

    /// A document of the warehouse is written once more.
    fn document(&mut self, id: &str) -> Result<usize, SettleError> {
        let Some(record) = self.records.document(id)? else {
            return refused(format!("the document {id} is not known any more"));
        };
        if record.state == DocumentState::Queued {
            // It is on its way already.
            return Ok(0);
        }
        let payload = self.replaced(&record)?;
        let accept = self.deed.action == Action::Accept;
        let record = Document { payload, ..record };
        render_again(self.records, &mut self.draft, record, accept, self.now)?;
        Ok(1)
    }

    /// The payload of a document: the edited one, where it was edited. It stays the document that it is.
    fn replaced(&self, record: &Document) -> Result<PayloadId, SettleError> {
        let (Some(payload), Some(bytes)) = (self.edited, &self.deed.edited) else {
            return Ok(record.payload);
        };
        match read_document(&record.kind, bytes) {
            Err(words) => refused(format!("the edited document cannot be used: {words}")),
            Ok(number) if number != record.number => refused(format!(
                "its number is {}, and that of the edited one {number}: give that to the warehouse's endpoint as a document of its own",
                record.number
            )),
            Ok(_) => Ok(payload),
        }
    }

    /// Edited bytes for a file that was none of use.
    fn file(&mut self, place: &Place, file: &FileKey) -> Result<(), SettleError> {
        let (Some(payload), Some(bytes)) = (self.edited, &self.deed.edited) else {
            return refused(format!("{} can only be replaced (edit)", file.name));
        };
        let (partner, kind) = match place {
            Place::Mailbox(key) => return self.take_in(key, &file.name, payload, None),
            Place::Endpoint { partner, kind, .. } => (partner, kind),
        };
        let number = match read_document(kind, bytes) {
            Ok(number) => number,
            Err(words) => return refused(format!("the edited document cannot be used: {words}")),
        };
        let id = outbound_id(partner, kind, &number, payload);
        let key = PurchaseOrderKey {
            partner: partner.clone(),
            kind: format!("out {kind}"),
            number: number.clone(),
        };
        if self.records.purchase_order(&key)?.is_some() {
            return refused(format!(
                "{kind} {number} was taken before: give this one a number of its own"
            ));
        }
        let now = self.now;
        self.draft.push(Change::PurchaseOrder(key, id.clone()));
        let event = Event::DocumentCollected;
        self.draft.journal_with(now, event, partner, &id, &file.name, Some(payload));
        let task = Task::Render { document: id.clone(), accept: false, replaces: Vec::new() };
        self.draft.queue(lanes::render(partner), "", task, now);
        self.draft.push(Change::Document(Document {
            id,
            partner: partner.clone(),
            kind: kind.clone(),
            number,
            state: DocumentState::Queued,
            payload,
            interchange: None,
            rendered: None,
            edited: false,
            at: now,
        }));
        Ok(())
    }

    /// Work is tried again now: what is parked is queued, what waits need not wait.
    fn work(&mut self, lane: &str, id: u64) -> Result<usize, SettleError> {
        let its = |work: &store::Work| work.id == id && work.lane == lane;
        if let Some(work) = self.records.parked(WORK_MAX)?.into_iter().find(its) {
            if let (Task::Call { document }, true) = (&work.task, self.edited.is_some()) {
                let Some(record) = self.records.document(document)? else {
                    return refused(format!("the document {document} is not known any more"));
                };
                let payload = self.replaced(&record)?;
                self.draft.push(Change::Document(Document {
                    payload,
                    edited: true,
                    at: self.now,
                    ..record
                }));
            } else if self.edited.is_some() {
                return refused("only a document on its way to the endpoint can be edited");
            }
            self.draft.unpark(work, self.now);
            return Ok(1);
        }
        if self.edited.is_some() {
            return refused("the work is not parked any more");
        }
        if !self.records.queued(lane, WORK_MAX)?.iter().any(its) {
            return Ok(0);
        }
        self.draft.push(Change::Hurry { lane: lane.to_owned(), work: id, due: self.now });
        Ok(1)
    }

    /// The same bytes go out under the same name once more, and the clocks start again.
    fn send_again(
        &mut self,
        payload: PayloadId,
        expectations: Vec<Expectation>,
    ) -> Result<(), SettleError> {
        let bytes = self.records.payload(payload)?;
        let header = split(&bytes).into_iter().find_map(|part| part.header);
        let number: Option<u64> = header.and_then(|header| header.number.parse().ok());
        let Some((number, first)) = number.zip(expectations.first()) else {
            return refused("the bytes that were sent cannot be read any more");
        };
        let Some(record) = self.records.document(&first.document)? else {
            return refused(format!("the document {} is not known any more", first.document));
        };
        let partner = first.partner.clone();
        let name = format!("{partner}-{}-{number:09}.edi", record.kind);
        let documents: Vec<&str> = expectations.iter().map(|one| one.document.as_str()).collect();
        // However many they are, the work names one list.
        let batch = Some(self.records.put_payload(documents.join("\n").as_bytes())?);
        let parcel = Parcel { payload, name, documents: Vec::new(), batch };
        self.draft.queue(lanes::send(&partner), "", parcel.into(), self.now);
        for one in expectations {
            let span: SignedDuration = one.due.duration_since(one.sent);
            let later =
                |span: SignedDuration| self.now.saturating_add(span).unwrap_or(Timestamp::MAX);
            let warn = one.warn.map(|warn| later(warn.duration_since(one.sent)));
            let (state, due) = (AckState::Open, later(span));
            let partial = false;
            self.draft.push(Change::Expect(Expectation { warn, due, state, partial, ..one }));
        }
        Ok(())
    }
}
