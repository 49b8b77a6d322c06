//! An inbound file: split into interchanges, each of which gets exactly one outcome, in one commit.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::acknowledgement::note_ta1;
use super::intake::document_id;
use super::ledger::Draft;
use super::translation::{Header, Part, Received, ReceivedSet, split};
use super::{Error, Gateway, MailboxBinding, lanes, notes};
use crate::disk::safe_name;
use crate::profile::{Answer, Direction, Partner, State};
use crate::store::{
    self, Change, Document, DocumentState, Event, InterchangeId, InterchangeKey, InterchangeRecord,
    Outcome, PayloadId, Place, PurchaseOrderKey, Receipt, Seen, Task, Work,
};

/// An interchange on its way to its outcome.
struct Arriving<'a> {
    id: InterchangeId,
    receipt: &'a Receipt,
    bytes: &'a [u8],
    payload: PayloadId,
    now: Timestamp,
}

/// What was decided of an interchange.
struct Decision {
    outcome: Outcome,
    partner: String,
    note: String,
    documents: u32,
    answer: Option<(PayloadId, String)>,
}

impl Decision {
    fn quarantine(partner: &str, note: String) -> Self {
        let (partner, outcome) = (partner.to_owned(), Outcome::Quarantined);
        Self { outcome, partner, note, documents: 0, answer: None }
    }
}

impl Gateway {
    /// Works off a receipt. Interchanges that have their outcome already, from before a crash, are passed over.
    pub(super) fn translate(&self, work: &Work, receipt: u64) -> Result<(), Error> {
        let store = self.ledger.store();
        let receipt = store
            .receipt(receipt)?
            .ok_or_else(|| Error::Defect(format!("receipt {receipt} is unknown")))?;
        let binding = self.mailbox(&receipt.file.mailbox)?;
        let bytes = store.payload(receipt.file.payload)?;
        let parts = split(&bytes);
        let mut open = Vec::new();
        for (index, part) in (0..).zip(&parts) {
            let id = InterchangeId { receipt: receipt.id, index };
            if store.interchange(id)?.is_none() {
                open.push((id, part));
            }
        }
        let finish = |draft: &mut Draft| {
            draft.push(Change::FinishReceipt(receipt.id));
            draft.done(work);
        };
        let last = open.last().map(|(id, _)| *id);
        for (id, part) in open {
            let bytes = bytes.get(part.range.clone()).unwrap_or_default();
            // A file of one interchange is its own payload.
            let payload = if bytes.len() as u64 == receipt.file.size {
                receipt.file.payload
            } else {
                store.put_payload(bytes)?
            };
            let now = Timestamp::now();
            let arriving = Arriving { id, receipt: &receipt, bytes, payload, now };
            let mut draft = self.decide(binding, &arriving, part)?;
            if Some(id) == last {
                finish(&mut draft);
            }
            self.ledger.commit(draft)?;
        }
        if last.is_none() {
            let mut draft = Draft::new();
            finish(&mut draft);
            self.ledger.commit(draft)?;
        }
        Ok(())
    }

    /// Everything that follows from one interchange, as one transaction.
    fn decide(
        &self,
        binding: &MailboxBinding,
        arriving: &Arriving,
        part: &Part,
    ) -> Result<Draft, Error> {
        let mut draft = Draft::new();
        let key = part.header.as_ref().map(Header::key);
        let decision = match (&part.header, &key) {
            (Some(header), Some(key)) => {
                self.decide_known(&mut draft, binding, arriving, header, key)?
            }
            _ => Decision::quarantine("", "No interchange (ISA) can be read in it.".to_owned()),
        };
        let event = match decision.outcome {
            Outcome::Accepted => Event::InterchangeAccepted,
            Outcome::Rejected => Event::InterchangeRejected,
            Outcome::Duplicate => Event::InterchangeDuplicate,
            Outcome::Quarantined => Event::InterchangeQuarantined,
        };
        let subject = key.as_ref().map_or_else(
            || arriving.receipt.file.name.clone(),
            |key| format!("{} ({})", key.number, arriving.receipt.file.name),
        );
        let (now, payload) = (arriving.now, Some(arriving.payload));
        draft.journal_with(now, event, &decision.partner, &subject, &decision.note, payload);
        if decision.outcome == Outcome::Quarantined {
            let note = format!("{subject}\n\n{}\n", decision.note);
            self.set_aside(&mut draft, arriving, &note)?;
        }
        draft.push(Change::Outcome(
            arriving.id,
            InterchangeRecord {
                key,
                partner: decision.partner,
                payload: arriving.payload,
                outcome: decision.outcome,
                at: now,
                test: part.header.as_ref().is_some_and(|header| header.test),
                documents: decision.documents,
                answer: decision.answer,
                note: decision.note.chars().take(500).collect(),
            },
        ));
        Ok(draft)
    }

    fn decide_known(
        &self,
        draft: &mut Draft,
        binding: &MailboxBinding,
        arriving: &Arriving,
        header: &Header,
        key: &InterchangeKey,
    ) -> Result<Decision, Error> {
        let Some(partner) = agreement(&binding.partners, header) else {
            let note = format!(
                "No partner of this mailbox has these identities: sender {}, receiver {}. Write them into a profile, or send the file back.",
                key.sender, key.receiver
            );
            return Ok(Decision::quarantine("", note));
        };
        if partner.state == State::Off {
            let note = "The profile of this partner is off.".to_owned();
            return Ok(Decision::quarantine(&partner.name, note));
        }
        if let Some(seen) = self.ledger.store().seen(key)? {
            return self.decide_seen(draft, partner, arriving, seen);
        }
        draft.push(Change::FirstSeen(
            key.clone(),
            Seen { id: arriving.id, payload: arriving.payload },
        ));
        let received = self.translator.receive(arriving.bytes, partner);
        self.decide_received(draft, partner, arriving, header, &received)
    }

    /// The same key once more: the same bytes are a duplicate, others are for a person.
    fn decide_seen(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        arriving: &Arriving,
        seen: Seen,
    ) -> Result<Decision, Error> {
        let first = format!("receipt {}", seen.id.receipt);
        if seen.payload != arriving.payload {
            let note = format!(
                "This interchange number was received before ({first}) with other contents. Ask the partner for a new number if these are to be used."
            );
            return Ok(Decision::quarantine(&partner.name, note));
        }
        let record = self.ledger.store().interchange(seen.id)?;
        if let Some((payload, name)) = record.and_then(|record| record.answer)
            && partner.duplicates.acknowledge_again
        {
            let task = Task::Send { payload, name, documents: Vec::new() };
            draft.queue(lanes::send(&partner.name), "", task, arriving.now);
        }
        Ok(Decision {
            outcome: Outcome::Duplicate,
            partner: partner.name.clone(),
            note: format!("the same was received before ({first})"),
            documents: 0,
            answer: None,
        })
    }

    fn decide_received(
        &self,
        draft: &mut Draft,
        partner: &Arc<Partner>,
        arriving: &Arriving,
        header: &Header,
        received: &Received,
    ) -> Result<Decision, Error> {
        let mut tally = Tally::default();
        for outcome in &received.interchange_outcomes {
            note_ta1(draft, partner, outcome, arriving.now);
        }
        for set in &received.sets {
            // Of an acknowledgement whatever could be read counts: many are not as the standard wants them.
            if set.is_acknowledgement && !set.outcomes.is_empty() {
                tally.applied += 1;
                for outcome in &set.outcomes {
                    self.apply_acknowledgement(draft, partner, outcome, arriving.now)?;
                }
            } else if !set.accepted || set.is_acknowledgement {
                tally.rejected += 1;
            } else {
                self.decide_document(draft, partner, arriving, header, set, &mut tally)?;
            }
        }
        let answer = self.answer(draft, partner, received, arriving.now)?;
        let outcome = tally.outcome(received);
        if outcome != Outcome::Quarantined && (tally.rejected > 0 || outcome == Outcome::Rejected) {
            // For the partner there is the acknowledgement; this is for our own people.
            let note = notes::of_received(received);
            self.set_aside(draft, arriving, &note)?;
        }
        Ok(Decision {
            outcome,
            partner: partner.name.clone(),
            note: match outcome {
                Outcome::Quarantined | Outcome::Rejected => notes::of_received(received),
                _ => tally.to_string(),
            },
            documents: tally.documents,
            answer,
        })
    }

    /// One accepted set: its document is queued for the endpoint, repeats another, or is set aside.
    fn decide_document(
        &self,
        draft: &mut Draft,
        partner: &Arc<Partner>,
        arriving: &Arriving,
        header: &Header,
        set: &ReceivedSet,
        tally: &mut Tally,
    ) -> Result<(), Error> {
        let now = arriving.now;
        let Some(document) = &set.document else {
            tally.set_aside += 1;
            let note = "there is no map for this set";
            draft.journal(now, Event::DocumentQuarantined, &partner.name, &set.label(), note);
            return Ok(());
        };
        let (kind, number) = (document.kind(), document.number().trim().to_owned());
        let fingerprint = format!(
            "in\n{}\n{}\n{}\n{}\n{kind}\n{number}",
            partner.name,
            header.key(),
            set.group,
            set.number
        );
        let id = document_id(kind, &number, &fingerprint);
        let order =
            PurchaseOrderKey { partner: partner.name.clone(), kind: kind.to_owned(), number };
        let endpoint =
            if header.test { &partner.test_endpoint } else { &Some(partner.endpoint.clone()) };
        let before = if partner.duplicates.deliver_documents || order.number.is_empty() {
            None
        } else {
            self.ledger.store().purchase_order(&order)?.or_else(|| {
                tally.numbers.contains(&order).then(|| "in this interchange".to_owned())
            })
        };
        let (state, event, note) = if partner.flow(kind, Direction::In).is_none() {
            let note = format!("the profile does not take in {kind} documents");
            (DocumentState::Quarantined, Event::DocumentQuarantined, note)
        } else if endpoint.is_none() {
            let note = "a test document, and the profile names no test_endpoint".to_owned();
            (DocumentState::Quarantined, Event::DocumentQuarantined, note)
        } else if let Some(before) = before {
            let note = format!("{kind} {} was received before: {before}", order.number);
            (DocumentState::Duplicate, Event::DocumentDuplicate, note)
        } else {
            (DocumentState::Queued, Event::DocumentReceived, set.label())
        };
        let json = serde_json::to_vec_pretty(document)
            .map_err(|e| Error::Defect(format!("{id} cannot be written as JSON: {e}")))?;
        let payload = self.ledger.store().put_payload(&json)?;
        draft.journal_with(now, event, &partner.name, &id, &note, Some(payload));
        tally.documents += 1;
        match state {
            DocumentState::Queued => {
                tally.delivered += 1;
                if !partner.duplicates.deliver_documents && !order.number.is_empty() {
                    draft.push(Change::PurchaseOrder(order.clone(), id.clone()));
                    tally.numbers.insert(order.clone());
                }
                let task = Task::Call { document: id.clone() };
                draft.queue(lanes::call(&partner.name), &order.number, task, now);
            }
            DocumentState::Duplicate => tally.repeated += 1,
            _ => tally.set_aside += 1,
        }
        draft.push(Change::Document(Document {
            id,
            partner: partner.name.clone(),
            kind: kind.to_owned(),
            number: order.number,
            state,
            payload,
            interchange: Some(arriving.id),
            rendered: None,
            at: now,
        }));
        Ok(())
    }

    /// Renders what answers the interchange, numbers it and queues it.
    fn answer(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        received: &Received,
        now: Timestamp,
    ) -> Result<Option<(PayloadId, String)>, Error> {
        let groups = match partner.acknowledgements.answer {
            Answer::Always => received.groups_to_answer(),
            Answer::Never => 0,
        };
        let groups = u32::try_from(groups).unwrap_or(u32::MAX);
        if groups == 0 && !received.wants_ta1() {
            return Ok(None);
        }
        let numbers = self.number(draft, partner, u32::from(groups > 0), groups)?;
        let bytes = self.translator.answer(received, partner, &numbers, now).map_err(|e| {
            Error::Configuration(format!("{} cannot be answered: {e}", partner.name))
        })?;
        let payload = self.ledger.store().put_payload(&bytes)?;
        let label = if groups > 0 { partner.acknowledgements.policy.kind.set() } else { "TA1" };
        let name = format!("{}-{label}-{:09}.edi", partner.name, numbers.interchange);
        let event = Event::AcknowledgementRendered;
        draft.journal_with(now, event, &partner.name, &name, "", Some(payload));
        let task = Task::Send { payload, name: name.clone(), documents: Vec::new() };
        draft.queue(lanes::send(&partner.name), "", task, now);
        Ok(Some((payload, name)))
    }

    /// A copy of an interchange into its mailbox's quarantine, with a note.
    fn set_aside(
        &self,
        draft: &mut Draft,
        arriving: &Arriving,
        note: &str,
    ) -> Result<(), store::Error> {
        let note = self.ledger.store().put_payload(note.as_bytes())?;
        let file = &arriving.receipt.file;
        let name =
            format!("{}-{}-{}", arriving.id.receipt, arriving.id.index + 1, safe_name(&file.name));
        let place = Place::Mailbox(file.mailbox.clone());
        let task = Task::Quarantine { place, payload: arriving.payload, name, note };
        draft.queue(lanes::QUARANTINE.to_owned(), "", task, arriving.now);
        Ok(())
    }
}

/// The partner that an interchange belongs to, by sender and receiver.
fn agreement<'a>(partners: &'a [Arc<Partner>], header: &Header) -> Option<&'a Arc<Partner>> {
    partners.iter().find(|partner| {
        let identity = &partner.identity;
        [Some(&identity.production), identity.test.as_ref()].into_iter().flatten().any(|sides| {
            let (from, to) = (&header.sender, &header.receiver);
            sides.partner.matches(&from.qualifier, &from.id)
                && sides.own.matches(&to.qualifier, &to.id)
        })
    })
}

/// What became of the sets of an interchange, counted.
#[derive(Default)]
struct Tally {
    documents: u32,
    delivered: u32,
    repeated: u32,
    set_aside: u32,
    applied: u32,
    rejected: u32,
    numbers: HashSet<PurchaseOrderKey>,
}

impl Tally {
    fn outcome(&self, received: &Received) -> Outcome {
        if self.delivered > 0 || self.applied > 0 {
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
