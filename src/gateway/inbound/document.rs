//! One accepted set: what becomes of its document, and the count over all of them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;

use super::Arriving;
use super::again::says_the_same;
use super::trouble::{OfSet, keys, says};
use crate::canonical;
use crate::exceptions::Kind;
use crate::findings::{Finding, Severity};
use crate::gateway::envelope::today;
use crate::gateway::intake::{business_number, document_id};
use crate::gateway::ledger::Draft;
use crate::gateway::orders::{
    Own, Passed, against_orders, count_for_orders, latest, replace_order,
};
use crate::gateway::parts::Header;
use crate::gateway::standing::{asked_by, cancellation, number_key, why_held};
use crate::gateway::translation::{Received, ReceivedSet};
use crate::gateway::{Error, Gateway, notes};
use crate::lifecycle::Asked;
use crate::profile::{Direction, DuplicateDocument, Moment, Partner, State};
use crate::store::{
    Change, Document, DocumentState, Event, Outcome, PayloadId, PurchaseOrderKey, Records,
    said_by_retired,
};

/// Why the document of a test goes nowhere, and what to do.
pub(in crate::gateway) const NO_TEST_ENDPOINT: &str =
    "a test document, and the profile names no test_endpoint: name one there, and replay it";

impl Gateway {
    /// One accepted set: its document is queued for the endpoint, repeats another, or is set aside.
    pub(super) fn decide_document(
        &self,
        draft: &mut Draft,
        partner: &Arc<Partner>,
        arriving: &Arriving,
        header: &Header,
        (index, set): (usize, &ReceivedSet),
        tally: &mut Tally,
    ) -> Result<(), Error> {
        let now = arriving.now;
        let place = (index, set);
        let Some(document) = &set.document else {
            tally.set_aside += 1;
            self.without_a_map(draft, partner, (arriving, header), place);
            return Ok(());
        };
        let (kind, number) = (document.kind(), business_number(document.number()));
        let id = id(partner, header, (index, set), kind, &number);
        let asked = asked_by(document);
        let own = number_key((&partner.name, header.test), document);
        let deliver_again = partner.duplicates.documents == DuplicateDocument::Deliver;
        let mut document = document.clone();
        let fate = {
            let document = &mut document;
            self.fate(partner, (arriving, header), place, (document, &own, &id), tally)?
        };
        let Fate { state, event, note, trouble } = fate;
        if state != DocumentState::Queued && self.stays(partner, arriving, header, place)? {
            return Ok(());
        }
        let document = &document;
        let json = json_of(document, &id)?;
        let payload = self.ledger.store().put_payload(&json)?;
        draft.journal_with(now, event, &partner.name, &id, &note, Some(payload));
        draft.tell([("set_id".to_owned(), set.set.clone())].into());
        tally.documents += 1;
        if state == DocumentState::Queued {
            self.take_number(draft, (&id, payload), (&own, deliver_again), tally)?;
            // A change that is a test changes no order.
            if asked.is_none() || !header.test {
                let (store, counted) = (self.ledger.store(), (&id[..], document));
                let passed = &mut tally.passed;
                count_for_orders(store, draft, partner, Direction::In, counted, passed)?;
            }
            if kind == "order" && asked.is_none() && !header.test {
                draft.start_deadlines(partner, Moment::Order, &id, now);
            }
            self.queue_call(draft, partner, arriving, (&id, &number, header.test))?;
        }
        tally.count(state);
        if let Some(trouble) = trouble {
            if !tally.notes.contains(&note) {
                // Writing into a String cannot fail.
                let _ = writeln!(tally.reasons, "{} is held: {note}", set.label());
            }
            self.raise_set(draft, partner, (arriving, header), place, &trouble);
        } else {
            // Most are kept as they came.
            let as_it_came = set.document.as_ref() == Some(document);
            let says = if as_it_came { payload } else { says(set) };
            for item in keys(partner, header, place, says) {
                draft.mend(item, now, "it came and was good");
            }
        }
        draft.push(Change::Document(Document {
            id,
            partner: partner.name.clone(),
            kind: kind.to_owned(),
            number,
            state,
            payload,
            interchange: Some(arriving.id),
            rendered: None,
            edited: false,
            at: now,
        }));
        Ok(())
    }
}

fn json_of(document: &canonical::Document, id: &str) -> Result<Vec<u8>, Error> {
    serde_json::to_vec_pretty(document)
        .map_err(|e| Error::Defect(format!("{id} cannot be written as JSON: {e}")))
}

/// What had a number before.
struct Before {
    id: String,
    says: Says,
}

/// What a document says that had a number before.
#[derive(Clone, Copy)]
enum Says {
    This(PayloadId),
    /// What a person has written: no partner has said it, and nothing can be compared with it.
    Edited,
    /// Its record has left; this, where that is known.
    Left(Option<PayloadId>),
}

/// What becomes of a document.
struct Fate {
    state: DocumentState,
    event: Event,
    note: String,
    /// Why a person has to look at it.
    trouble: Option<OfSet>,
}

impl Before {
    fn has_left(&self) -> bool {
        matches!(self.says, Says::Left(_))
    }
}

impl Fate {
    fn of(state: DocumentState, event: Event, note: String) -> Self {
        Self { state, event, note, trouble: None }
    }

    fn held(trouble: OfSet, note: String) -> Self {
        let (state, event) = (DocumentState::Quarantined, Event::DocumentQuarantined);
        Self { state, event, note, trouble: Some(trouble) }
    }
}

impl Gateway {
    /// What becomes of a document, which is put into our own words.
    fn fate(
        &self,
        partner: &Partner,
        (arriving, header): (&Arriving, &Header),
        (index, set): (usize, &ReceivedSet),
        (document, order, id): (&mut canonical::Document, &PurchaseOrderKey, &str),
        tally: &mut Tally,
    ) -> Result<Fate, Error> {
        let accept = arriving.accepts(index);
        let kind = document.kind();
        let in_force = in_force(partner, set, kind, arriving.now, tally.suspended);
        if let (Err((why, note)), false) = (&in_force, accept) {
            let cause = format!("{kind} {} {}", set.set, set.version);
            return Ok(Fate::held(OfSet::acceptable(*why, note, cause), note.clone()));
        }
        let mut fate = if in_force == Ok(State::Shadow) {
            let note = format!("in shadow: {}", set.label());
            Fate::of(DocumentState::Shadowed, Event::DocumentShadowed, note)
        } else if header.test && partner.test_endpoint.is_none() {
            let note = NO_TEST_ENDPOINT.to_owned();
            let trouble = OfSet::plain(Kind::DocumentNotAgreed, &note, "test".to_owned());
            return Ok(Fate::held(trouble, note));
        } else if let Some(before) = self
            .known(partner, (order, id), tally)?
            .filter(|before| !arriving.redelivers() || before.id != id || before.has_left())
            .filter(|before| !accept || before.id == id)
        {
            return self.comes_twice(partner, document, order, &before);
        } else {
            Fate::of(DocumentState::Queued, Event::DocumentReceived, set.label())
        };
        // What went on then is not asked again whether it may.
        let went = self.stays(partner, arriving, header, (index, set))?;
        let goes = fate.state == DocumentState::Queued && !accept && !went;
        let store = self.ledger.store();
        // Its order may come in this very interchange, and goes on before it.
        let comes = |order: &PurchaseOrderKey| tally.numbers.contains_key(order);
        if goes && let Some(words) = why_held(store, partner, document, (header.test, &comes))? {
            let kind = match asked_by(document) {
                Some(Asked::Cancellation) => Kind::OrderCancellationHeld,
                _ => Kind::OrderChangeHeld,
            };
            // What one of them asks for another does not: each is for itself.
            let cause = format!("{} {id}", document.number());
            return Ok(Fate::held(OfSet::acceptable(kind, &words, cause), words));
        }
        let is_order = kind == "order" && asked_by(document).is_none() && !header.test;
        if is_order && let Some(words) = self.is_cancelled_meanwhile(arriving, id)? {
            let cause = format!("{} {id}", document.number());
            let trouble = OfSet::acceptable(Kind::OrderCancellationHeld, &words, cause);
            return Ok(Fate::held(trouble, words));
        }
        let with = (document, header.test, accept, Own::Now(id));
        if let Some(trouble) = self.hold_back(partner, set, with, &mut fate.note, tally)? {
            return Ok(Fate::held(trouble, fate.note));
        }
        Ok(fate)
    }

    /// What has cancelled an order while it was held, unless the person who has it go on was told so; in words.
    fn is_cancelled_meanwhile(
        &self,
        arriving: &Arriving,
        id: &str,
    ) -> Result<Option<String>, Error> {
        let store = self.ledger.store();
        let exception = arriving.again.and_then(|again| again.exception);
        let exception = exception.map(|exception| store.exception(exception)).transpose()?;
        if exception.flatten().is_some_and(|told| told.kind == Kind::OrderCancellationHeld) {
            return Ok(None);
        }
        let was_held = |order: &Document| order.state == DocumentState::Quarantined;
        let Some(order) = store.document(id)?.filter(was_held) else { return Ok(None) };
        // What cancelled an earlier order of its number says nothing of this one.
        let cancelled = cancellation(store, &order)?.filter(|by| by.at > order.at);
        Ok(cancelled.map(|by| {
            let (number, day) = (&order.number, by.at.strftime("%F"));
            format!("order {number} was cancelled on {day} ({}), while it was held", by.id)
        }))
    }

    /// What the number of a document became before, where that counts.
    fn known(
        &self,
        partner: &Partner,
        (own, document): (&PurchaseOrderKey, &str),
        tally: &Tally,
    ) -> Result<Option<Before>, Error> {
        if partner.duplicates.documents == DuplicateDocument::Deliver || own.number.is_empty() {
            return Ok(None);
        }
        let store = self.ledger.store();
        let Some(first) = store.purchase_order(own)? else {
            let here = tally.numbers.get(own);
            let id = "in this interchange".to_owned();
            return Ok(here.map(|&payload| Before { id, says: Says::This(payload) }));
        };
        // What a person had go on in its place counts from then on.
        let last = store.purchase_order(&latest(own))?.filter(|_| first != document);
        let key = if last.is_some() { latest(own) } else { own.clone() };
        let id = last.unwrap_or(first);
        let says = match store.document(&id)? {
            Some(record) if record.edited => Says::Edited,
            Some(record) => Says::This(record.payload),
            None => Says::Left(said_by_retired(store, &key)?),
        };
        Ok(Some(Before { id, says }))
    }

    /// A number that came before: with the same contents it is recorded. With others a person has to look, and where it
    /// cannot be told: it may be another order, which must not be lost.
    fn comes_twice(
        &self,
        partner: &Partner,
        document: &canonical::Document,
        own: &PurchaseOrderKey,
        before: &Before,
    ) -> Result<Fate, Error> {
        let mut ours = document.clone();
        // What it says in our words, whatever has no word of ours.
        let _ = partner.crosswalks.inbound(&mut ours);
        let (kind, number, id) = (document.kind(), &own.number, &before.id);
        let then = match before.says {
            Says::This(payload) => Some(self.ledger.store().payload(payload)?),
            // It may be in an archive that is not there.
            Says::Left(payload) => payload.and_then(|it| self.ledger.store().payload(it).ok()),
            Says::Edited => None,
        };
        if then.as_ref().is_some_and(|then| says_the_same(then, &ours)) {
            let note = format!("{kind} {number} was received before: {id}");
            return Ok(Fate::of(DocumentState::Duplicate, Event::DocumentDuplicate, note));
        }
        let words = match (then, before.says) {
            (Some(_), _) => {
                format!("{kind} {number} was received before with other contents: {id}")
            }
            (None, Says::Edited) => format!(
                "{kind} {number} was received before: {id}. A person has edited that, so whether this says the same cannot be told"
            ),
            (None, _) => format!(
                "{kind} {number} was received before: {id}. That has left the store, so whether this says the same cannot be told"
            ),
        };
        let cause = format!("{kind} {number}");
        Ok(Fate::held(OfSet::acceptable(Kind::DocumentNumberReused, &words, cause), words))
    }

    /// A set that cannot be translated.
    fn without_a_map(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        (arriving, header): (&Arriving, &Header),
        (index, set): (usize, &ReceivedSet),
    ) {
        let record = without_a_map(partner, arriving, header, (index, set));
        let note = format!("there is no map for this set: {}", set.label());
        let event = Event::DocumentQuarantined;
        draft.journal(arriving.now, event, &partner.name, &record.id, &note);
        draft.push(Change::Document(record));
        let trouble =
            OfSet::plain(Kind::DocumentNoMap, &note, format!("{} {}", set.set, set.version));
        self.raise_set(draft, partner, (arriving, header), (index, set), &trouble);
    }

    /// Notes a document that goes on: its number is taken.
    fn take_number(
        &self,
        draft: &mut Draft,
        (id, payload): (&str, PayloadId),
        (own, again): (&PurchaseOrderKey, bool),
        tally: &mut Tally,
    ) -> Result<(), Error> {
        if !own.number.is_empty() {
            let before = self.ledger.store().purchase_order(own)?;
            if again || before.as_ref().map_or(tally.numbers.contains_key(own), |b| b != id) {
                // A person, or the agreement, has it go on though its number is taken: it is the latest of it.
                let latest = latest(own);
                let store = self.ledger.store();
                // What is replayed has taken its place before.
                if own.kind == "order" && store.purchase_order(&latest)?.as_deref() != Some(id) {
                    replace_order(store, draft, own, &tally.passed)?;
                }
                draft.push(Change::Noted(latest, id.to_owned()));
            } else if before.is_none() {
                draft.push(Change::PurchaseOrder(own.clone(), id.to_owned()));
            }
            tally.numbers.insert(own.clone(), payload);
        }
        Ok(())
    }

    /// Translates a document into our own words, and compares it with its order; notes what is found, and tells why
    /// the document is held, where it is. One that a person accepts is not.
    fn hold_back(
        &self,
        partner: &Partner,
        set: &ReceivedSet,
        (document, test, accept, own): (&mut canonical::Document, bool, bool, Own<'_>),
        note: &mut String,
        tally: &mut Tally,
    ) -> Result<Option<OfSet>, Error> {
        let store: &dyn Records = self.ledger.store();
        let with = (&mut *document, test, own);
        let (kind, findings) = in_our_words(Some(store), partner, set, with, &tally.passed)?;
        let found = notes::of_findings(&findings);
        if accept || findings.iter().all(|finding| finding.severity < Severity::Error) {
            if !found.is_empty() {
                *note = format!("{note}. {found}");
            }
            return Ok(None);
        }
        *note = format!("{} is held: {found}", set.label());
        tally.notes.push_str(note);
        let all: Vec<&Finding> = findings.iter().collect();
        let mut trouble = self.of_findings(kind, &all, true)?;
        if kind == Kind::DocumentAgainstOrder {
            // What one document has too much of, another has not: each is judged by itself.
            trouble.cause = format!("{} {}", document.kind(), document.number());
        }
        trouble.words = format!("{} {}: {}", document.kind(), document.number(), trouble.words);
        Ok(Some(trouble))
    }
}

/// Translates a document into our own words, and compares it with its order where the records are at hand; tells what
/// is found, and what kind of trouble that is.
pub(in crate::gateway) fn in_our_words(
    records: Option<&dyn Records>,
    partner: &Partner,
    set: &ReceivedSet,
    (document, test, own): (&mut canonical::Document, bool, Own<'_>),
    passed: &Passed,
) -> Result<(Kind, Vec<Finding>), Error> {
    let findings = partner.crosswalks.inbound(document);
    let agreement = partner.agreement(Direction::In, &set.set, &set.version);
    match (agreement, records) {
        (Some(agreement), Some(records)) if findings.is_empty() => {
            let document = (&*document, test, own);
            let findings = against_orders(records, partner, agreement, document, passed)?;
            Ok((Kind::DocumentAgainstOrder, findings))
        }
        _ => Ok((Kind::DocumentUnmapped, findings)),
    }
}

/// Whether a document of this kind is in force, live or in shadow, or why it is set aside.
pub(in crate::gateway) fn in_force(
    partner: &Partner,
    set: &ReceivedSet,
    kind: &str,
    now: Timestamp,
    suspended: bool,
) -> Result<State, (Kind, String)> {
    let not_agreed = |words: String| Err((Kind::DocumentNotAgreed, words));
    if partner.flow(kind, Direction::In).is_none() {
        return not_agreed(format!("the profile does not take in {kind} documents"));
    }
    let Some(agreement) = partner.agreement(Direction::In, &set.set, &set.version) else {
        let (set, version) = (&set.set, &set.version);
        return not_agreed(format!("the profile does not take in the {set} in release {version}"));
    };
    match agreement.state_on(today(now)).min(partner.state) {
        State::Off => {
            not_agreed(format!("the profile does not take in {kind} documents on this day"))
        }
        _ if suspended => Err((
            Kind::DocumentSuspended,
            "another set of its interchange was rejected, and the agreement holds all of it back"
                .to_owned(),
        )),
        state => Ok(state),
    }
}

/// The id of what a set becomes: the same whenever this interchange is read.
pub(in crate::gateway) fn id(
    partner: &Partner,
    header: &Header,
    (index, set): (usize, &ReceivedSet),
    kind: &str,
    number: &str,
) -> String {
    // Numbers of groups and sets may come twice, and so may the order: the documents are two all the same.
    let fingerprint = format!(
        "in\n{}\n{}\n{}\n{}\n{index}\n{kind}\n{number}",
        partner.name,
        header.key(),
        set.group,
        set.number,
    );
    document_id(kind, number, &fingerprint)
}

/// What stands for a set that could not be translated, so that it is known when there is a map for it.
fn without_a_map(
    partner: &Partner,
    arriving: &Arriving,
    header: &Header,
    (index, set): (usize, &ReceivedSet),
) -> Document {
    Document {
        id: id(partner, header, (index, set), &set.set, &set.number),
        partner: partner.name.clone(),
        kind: set.set.clone(),
        number: set.number.clone(),
        state: DocumentState::Quarantined,
        payload: arriving.payload,
        interchange: Some(arriving.id),
        rendered: None,
        edited: false,
        at: arriving.now,
    }
}

/// What became of the sets of an interchange, counted.
#[derive(Default)]
pub(super) struct Tally {
    /// One that is rejected holds back all of them.
    pub(super) suspended: bool,
    /// Translated and recorded only.
    pub(super) shadowed: u32,
    pub(super) documents: u32,
    pub(super) delivered: u32,
    pub(super) repeated: u32,
    pub(super) set_aside: u32,
    pub(super) applied: u32,
    pub(super) rejected: u32,
    /// Numbers of documents, with what they say.
    pub(super) numbers: HashMap<PurchaseOrderKey, PayloadId>,
    /// What ships and bills for orders.
    pub(super) passed: Passed,
    /// Why documents are held, for people.
    pub(super) notes: String,
    /// The same of those that are held for what they are, not for what is found in them.
    pub(super) reasons: String,
}

impl Tally {
    fn count(&mut self, state: DocumentState) {
        match state {
            DocumentState::Queued => self.delivered += 1,
            DocumentState::Duplicate => self.repeated += 1,
            DocumentState::Shadowed => self.shadowed += 1,
            _ => self.set_aside += 1,
        }
    }

    /// Whether nothing was done.
    pub(super) fn is_empty(&self) -> bool {
        self.documents + self.set_aside + self.applied + self.rejected == 0
    }

    pub(super) fn outcome(&self, received: &Received) -> Outcome {
        if self.delivered > 0 || self.applied > 0 || self.shadowed > 0 {
            Outcome::Accepted
        } else if self.set_aside > 0 {
            Outcome::Quarantined
        } else if self.repeated > 0 {
            Outcome::Duplicate
        } else if self.rejected > 0 || !received.accepted {
            Outcome::Rejected
        } else {
            // A TA1 without a group, or an envelope with nothing in it.
            Outcome::Accepted
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = [
            (self.delivered, "to deliver"),
            (self.applied, "acknowledgements"),
            (self.shadowed, "in shadow"),
            (self.repeated, "repeated"),
            (self.set_aside, "set aside"),
            (self.rejected, "rejected"),
        ];
        let mut first = true;
        for (count, words) in counts.into_iter().filter(|(count, _)| *count > 0) {
            let comma = if first { "" } else { ", " };
            write!(f, "{comma}{count} {words}")?;
            first = false;
        }
        Ok(())
    }
}
