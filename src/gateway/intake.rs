//! Taking files in: from a partner's mailbox, and from the warehouse's endpoint. Bytes are durable before the file
//! may leave where it lies.

use jiff::Timestamp;

use super::ledger::{Begun, Draft};
use super::mailboxes::MailboxBinding;
use super::raising::{About, Trouble, about_bytes};
use super::{Error, Gateway, lanes};
use crate::bridge::{self, DirectoryEndpoint};
use crate::canonical;
use crate::disk::{Arrival, safe_name, trial};
use crate::exceptions::Kind;
use crate::profile::{Moment, Partner};
use crate::store::{
    Change, Document, DocumentState, Event, FileKey, PayloadId, Place, PurchaseOrderKey, Receipt,
    Subject, Task,
};
use crate::transport;

/// Files that are taken in by one wait for the disk.
const TOGETHER: usize = 64;

/// A document of the warehouse that is being taken in.
pub(super) struct Taken<'a> {
    pub(super) name: &'a str,
    pub(super) file: &'a FileKey,
    pub(super) json: &'a [u8],
    /// Why it is none, where that is known already.
    pub(super) unusable: Option<&'a str>,
}

/// A file that is being taken in.
struct TakenFile {
    receipt: u64,
    begun: Begun,
}

impl Gateway {
    /// Looks into a mailbox and takes in what is finished. Tells whether to look again soon.
    pub(super) fn take_from_mailbox(
        &self,
        binding: &MailboxBinding,
        stop: &dyn Fn() -> bool,
    ) -> Result<bool, Error> {
        let look = binding.mailbox.look()?;
        let mut first = Ok(());
        let mut waiting = Vec::new();
        for together in look.ready.chunks(TOGETHER) {
            let mut taken = Vec::new();
            let each = each(together, stop, |arrival| match self.take_file(binding, arrival) {
                Err(Error::Mailbox(transport::Error::NotReady(e))) => {
                    tracing::debug!(mailbox = binding.key, file = arrival.name, "{e}");
                    Ok(())
                }
                file => file.map(|file| taken.extend(file.map(|file| (arrival, file)))),
            });
            // Where the next take no long time, these may wait for the disk meanwhile.
            let ready = if binding.mailbox.is_remote() {
                taken
            } else {
                std::mem::replace(&mut waiting, taken)
            };
            match each.and(self.confirm(binding, ready)) {
                Err(Error::Store(e)) => {
                    first = Err(Error::Store(e));
                    break;
                }
                result => first = first.and(result),
            }
        }
        let confirmed = self.confirm(binding, waiting);
        first.and(confirmed).map(|()| look.unsettled > 0 || look.more)
    }

    /// Tells the mailbox of files, each once it is durable.
    fn confirm(
        &self,
        binding: &MailboxBinding,
        mut taken: Vec<(&Arrival, TakenFile)>,
    ) -> Result<(), Error> {
        if let Some((_, last)) = taken.last_mut() {
            last.begun.wait();
        }
        let mut first = Ok(());
        for (arrival, TakenFile { receipt, begun }) in taken {
            trial::step("persist.before");
            self.ledger.finish(begun)?;
            trial::step("persist.after");
            trial::step("tell.before");
            let confirmed = binding.mailbox.confirm(arrival, &receipt.to_string());
            trial::step("tell.after");
            first = first.and(confirmed.map_err(Error::Mailbox));
        }
        first
    }

    /// Begins to take a file in; nothing where it was set aside.
    fn take_file(
        &self,
        binding: &MailboxBinding,
        arrival: &Arrival,
    ) -> Result<Option<TakenFile>, Error> {
        let now = Timestamp::now();
        trial::step("receive.before");
        let fetched = binding.mailbox.fetch(arrival);
        trial::step("receive.after");
        let bytes = match fetched {
            Err(transport::Error::Untakeable { name, reason }) => {
                let mut draft = Draft::new();
                let live = self.live();
                let partner = live.only_partner_of(&binding.key).unwrap_or_default();
                draft.journal(now, Event::InterchangeQuarantined, partner, &name, &reason);
                let place = (Place::Mailbox(binding.key.clone()), binding.key.as_str());
                self.raise_untaken(&mut draft, partner, place, (arrival, &reason), now);
                self.commit_untaken(draft, &binding.key, arrival)?;
                let note = format!("{name} was not taken in: {reason}.\n");
                binding.mailbox.set_aside(arrival, &untaken_mark(arrival), &note)?;
                return Ok(None);
            }
            fetched => fetched?,
        };
        let store = self.ledger.store();
        let payload = store.put_payload(&bytes)?;
        let file = file_key(&binding.key, arrival, payload);
        let known = store.file(&file)?;
        let id = known.map_or_else(|| store.next_receipt(), Ok)?;
        // Of one that is known there is nothing to commit but, perhaps, its bytes once more.
        let mut draft = Draft::new();
        if known.is_some() {
            tracing::info!(mailbox = binding.key, file = arrival.name, "was taken in before");
        } else {
            let receipt = Receipt { id, file, at: now, done: false };
            let lane = lanes::receive(&binding.key);
            let task = Task::Translate { receipt: receipt.id, again: None };
            draft.queue(lane, &binding.key, task, now);
            draft.journal_with(
                now,
                Event::FileReceived,
                "",
                &arrival.name,
                &format!("{} bytes in {}", bytes.len(), binding.key),
                Some(payload),
            );
            draft.push(Change::TakeFile(receipt));
        }
        Ok(Some(TakenFile { receipt: id, begun: self.ledger.begin(&draft)? }))
    }

    /// Looks for documents of a kind for a partner at its endpoint and takes in what is finished.
    pub(super) fn take_from_endpoint(
        &self,
        partner: &Partner,
        kind: &str,
        stop: &dyn Fn() -> bool,
    ) -> Result<bool, Error> {
        let endpoint = self.endpoint(&partner.endpoint)?;
        let polled = self.poll_endpoint(endpoint, partner, kind, stop);
        let Some(folder) = endpoint.returns() else { return polled };
        let look = folder.look(&partner.name, kind)?;
        each(&look.ready, stop, |arrival| self.take_document(folder, partner, kind, arrival))?;
        polled.map(|more| more || look.unsettled > 0 || look.more)
    }

    fn take_document(
        &self,
        folder: &DirectoryEndpoint,
        partner: &Partner,
        kind: &str,
        arrival: &Arrival,
    ) -> Result<(), Error> {
        let now = Timestamp::now();
        let json = match folder.fetch(&partner.name, kind, arrival) {
            Err(bridge::Error::Refused { reason }) => {
                let (event, name) = (Event::DocumentQuarantined, &arrival.name);
                let mut draft = Draft::new();
                draft.journal(now, event, &partner.name, name, &reason);
                let of = (endpoint_place(partner, kind), partner.endpoint.as_str());
                self.raise_untaken(&mut draft, &partner.name, of, (arrival, &reason), now);
                self.commit_untaken(draft, &place(partner, kind), arrival)?;
                let note = format!("{name} was not taken in: {reason}.\n");
                let mark = untaken_mark(arrival);
                return Ok(folder.set_aside(&partner.name, kind, arrival, &mark, &note)?);
            }
            fetched => fetched?,
        };
        let store = self.ledger.store();
        let payload = store.put_payload(&json)?;
        let file = file_key(&place(partner, kind), arrival, payload);
        if store.file(&file)?.is_none() {
            let taken = Taken { name: &arrival.name, file: &file, json: &json, unusable: None };
            let mut draft = self.collect(partner, kind, &taken, now)?;
            draft.push(Change::FileSeen(file));
            self.ledger.commit(draft)?;
        }
        Ok(folder.confirm(&partner.name, kind, arrival, &payload.short())?)
    }

    /// Tells once of a file that is not taken in, before it is moved: what is repeated after a crash is the move.
    fn commit_untaken(
        &self,
        mut draft: Draft,
        place: &str,
        arrival: &Arrival,
    ) -> Result<(), Error> {
        // Its bytes are not read; name, size and time tell which it is.
        let file = file_key(place, arrival, PayloadId::of(&[]));
        if self.ledger.store().file(&file)?.is_none() {
            draft.push(Change::FileSeen(file));
            self.ledger.commit(draft)?;
        }
        Ok(())
    }

    /// What follows from a document of the warehouse: it is queued to be written, repeats another, or cannot be.
    pub(super) fn collect(
        &self,
        partner: &Partner,
        kind: &str,
        taken: &Taken<'_>,
        now: Timestamp,
    ) -> Result<Draft, Error> {
        let store = self.ledger.store();
        let Taken { name: arrival, file, json, unusable } = *taken;
        let payload = file.payload;
        let mut draft = Draft::new();
        let read =
            unusable.map_or_else(|| read_document(kind, json), |words| Err(words.to_owned()));
        let refused = match read {
            Ok(number) => {
                let document = (kind, number.as_str(), payload);
                match self.queue_document(&mut draft, partner, document, arrival, now)? {
                    Collected::New(_) => return Ok(draft),
                    Collected::Again(id) => {
                        let note = "the same document came again; it is not sent again";
                        draft.journal(now, Event::DocumentDuplicate, &partner.name, &id, note);
                        return Ok(draft);
                    }
                    Collected::OtherContents => other_contents(kind, &number),
                }
            }
            Err(words) => words,
        };
        let note = store.put_payload(format!("{arrival}: {refused}\n").as_bytes())?;
        draft.journal_with(
            now,
            Event::DocumentQuarantined,
            &partner.name,
            arrival,
            &refused,
            Some(payload),
        );
        let place = endpoint_place(partner, kind);
        self.raise_unusable(&mut draft, partner, (place.clone(), file.clone()), &refused, now);
        let name = format!("{}-{}", payload.short(), safe_name(arrival));
        let task = Task::Quarantine { place, payload, name, note };
        draft.queue(lanes::QUARANTINE.to_owned(), "", task, now);
        Ok(draft)
    }
}

/// What a document of ours is, by its number.
pub(super) enum Collected {
    /// New, and queued to be written: its id.
    New(String),
    /// The same as one before: its id.
    Again(String),
    /// Its number was taken before, with other contents.
    OtherContents,
}

/// In words: a number was taken before.
pub(super) fn other_contents(kind: &str, number: &str) -> String {
    format!(
        "{kind} {number} was taken before, with other contents. Give this one a number of its own."
    )
}

impl Gateway {
    /// Takes in a document of ours by its number: a new one is queued to be written. `from` tells the journal where it
    /// came from.
    pub(super) fn queue_document(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        (kind, number, payload): (&str, &str, PayloadId),
        from: &str,
        now: Timestamp,
    ) -> Result<Collected, Error> {
        let id = outbound_id(&partner.name, kind, number, payload);
        let key = PurchaseOrderKey {
            partner: partner.name.clone(),
            kind: format!("out {kind}"),
            number: number.to_owned(),
        };
        match self.ledger.store().purchase_order(&key)? {
            Some(before) if before == id => return Ok(Collected::Again(id)),
            Some(_) => return Ok(Collected::OtherContents),
            None => {}
        }
        draft.push(Change::PurchaseOrder(key, id.clone()));
        draft.push(Change::Document(Document {
            id: id.clone(),
            partner: partner.name.clone(),
            kind: kind.to_owned(),
            number: number.to_owned(),
            state: DocumentState::Queued,
            payload,
            interchange: None,
            rendered: None,
            edited: false,
            at: now,
        }));
        draft.journal_with(now, Event::DocumentCollected, &partner.name, &id, from, Some(payload));
        if kind == "shipment" {
            draft.start_deadlines(partner, Moment::Shipment, &id, now);
        }
        let due = self.render_due(partner, kind, now)?;
        let task = Task::Render { document: id.clone(), accept: false, replaces: Vec::new() };
        draft.queue(lanes::render(&partner.name), "", task, due);
        Ok(Collected::New(id))
    }
}

impl Gateway {
    /// A file that was not taken in, and lies in the quarantine as it is.
    fn raise_untaken(
        &self,
        draft: &mut Draft,
        partner: &str,
        (place, at): (Place, &str),
        (arrival, reason): (&Arrival, &str),
        now: Timestamp,
    ) {
        let file = file_key(at, arrival, PayloadId::of(&[]));
        let trouble = Trouble {
            kind: Kind::FileNotTaken,
            partner,
            cause: at,
            place: at,
            words: &format!("{}: {reason}", arrival.name),
            mend: "",
            about: About {
                key: format!("untaken {}", untaken_mark(arrival)),
                subject: Subject::File { place, file },
                payload: None,
                findings: None,
                acceptable: false,
            },
        };
        self.raise(draft, trouble, now);
    }

    /// A file of the warehouse that is no document.
    fn raise_unusable(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        (place, file): (Place, FileKey),
        words: &str,
        now: Timestamp,
    ) {
        let payload = file.payload;
        let trouble = Trouble {
            kind: Kind::DocumentUnusable,
            partner: &partner.name,
            cause: &file.mailbox.clone(),
            place: &partner.endpoint,
            words: &format!("{}: {words}", file.name),
            mend: "",
            about: About {
                key: about_bytes(payload),
                subject: Subject::File { place, file },
                payload: Some(payload),
                findings: None,
                acceptable: false,
            },
        };
        self.raise(draft, trouble, now);
    }
}

/// Takes each in turn. One that cannot be read does not hold up those behind it; the first error is told at the end.
/// Only when the store fails nothing more is taken.
fn each<'a>(
    ready: &'a [Arrival],
    stop: &dyn Fn() -> bool,
    mut take: impl FnMut(&'a Arrival) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut first = Ok(());
    for arrival in ready {
        if stop() {
            break;
        }
        match take(arrival) {
            Ok(()) => {}
            Err(Error::Store(e)) => return Err(Error::Store(e)),
            Err(e) => first = first.and(Err(e)),
        }
    }
    first
}

/// The number of a canonical document, or why it is none of this kind.
pub(super) fn read_document(kind: &str, json: &[u8]) -> Result<String, String> {
    let document = canonical::Document::from_json(json)
        .map_err(|e| format!("it is no canonical document: {e}. See `crossdock schema {kind}`."))?;
    if document.kind() != kind {
        return Err(format!("it is a document of the kind {}, not {kind}.", document.kind()));
    }
    if document.number().trim().is_empty() {
        return Err("it has no number.".to_owned());
    }
    Ok(business_number(document.number()))
}

/// Where documents of a kind come from, in the keys of their files.
pub(super) fn place(partner: &Partner, kind: &str) -> String {
    format!("endpoint {} {} {kind}", partner.endpoint, partner.name)
}

fn endpoint_place(partner: &Partner, kind: &str) -> Place {
    Place::Endpoint {
        endpoint: partner.endpoint.clone(),
        partner: partner.name.clone(),
        kind: kind.to_owned(),
    }
}

/// Keeps files of one name apart that were not taken in, and thus have no receipt.
fn untaken_mark(arrival: &Arrival) -> String {
    let Arrival { name, size, modified_nanoseconds, .. } = arrival;
    PayloadId::of(format!("{name}\n{size}\n{modified_nanoseconds}").as_bytes()).short()
}

fn file_key(mailbox: &str, arrival: &Arrival, payload: PayloadId) -> FileKey {
    FileKey {
        mailbox: mailbox.to_owned(),
        name: arrival.name.clone(),
        size: arrival.size,
        modified_nanoseconds: arrival.modified_nanoseconds,
        payload,
    }
}

/// Longest part of a business number that goes into an id.
const NUMBER_CHARS_MAX: usize = 60;

/// A business number, blanks around it dropped. No standard element that holds one is longer than 60; of what is,
/// a fingerprint stands for the rest, so that records stay small and different numbers different.
pub(super) fn business_number(number: &str) -> String {
    let number = number.trim();
    if number.chars().count() <= NUMBER_CHARS_MAX {
        return number.to_owned();
    }
    let start: String = number.chars().take(NUMBER_CHARS_MAX).collect();
    format!("{start} {}", PayloadId::of(number.as_bytes()).short())
}

/// A document's id: speaking, safe as a file name, and the same for the same document.
pub(super) fn document_id(kind: &str, number: &str, fingerprint: &str) -> String {
    let unique = PayloadId::of(fingerprint.as_bytes()).short();
    format!("{}{unique}", id_start(kind, number))
}

/// How the ids of the documents of a kind and number begin.
pub(super) fn id_start(kind: &str, number: &str) -> String {
    let number: String = number.trim().chars().take(NUMBER_CHARS_MAX).collect();
    format!("{}-{}-", safe_name(kind), safe_name(&number))
}

pub(super) fn outbound_id(partner: &str, kind: &str, number: &str, payload: PayloadId) -> String {
    document_id(kind, number, &format!("out\n{partner}\n{kind}\n{number}\n{payload}"))
}
