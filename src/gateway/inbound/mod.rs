//! An inbound file: split into interchanges, each of which gets exactly one outcome, in one commit.

mod again;
mod answer;
mod document;
mod repeats;
mod strangers;
mod trouble;

use std::cell::RefCell;
use std::sync::Arc;

use jiff::Timestamp;

use super::dispatch::mailbox_in;
use super::envelope::today;
use super::ledger::{Begun, Draft};
use super::live::Live;
use super::mailboxes::MailboxBinding;
use super::parts::{Header, Part, split};
use super::translation::{NumberSeen, Received, ReceivedSet, Translator, Unjudged};
use super::{Error, Gateway, lanes, notes};
use crate::disk::safe_name;
use crate::exceptions::Kind;
use crate::profile::{DuplicateInterchange, OnError, Partner, State, Usage};
use crate::store::{
    self, Again, Change, Event, InterchangeId, InterchangeKey, InterchangeRecord, Outcome, Parcel,
    PayloadId, Place, Receipt, Seen, Task, Work,
};
pub(super) use again::has_left;
pub(super) use answer::shares;
use document::Tally;
pub(super) use document::{NO_TEST_ENDPOINT, id as document_id, in_force, in_our_words};
use repeats::Repeats;
pub(super) use repeats::forgotten_before;
use trouble::Whole;

/// A file that is to be decided on, with what can be known of it before those ahead of it are.
pub(super) struct Opened {
    receipt: Receipt,
    binding: Arc<MailboxBinding>,
    live: Arc<Live>,
    bytes: Vec<u8>,
    parts: Vec<Part>,
    /// Its interchanges as they were read, in their order, where they were.
    read: Vec<Option<ReadFor>>,
}

/// An interchange as it was read under the agreement with a partner.
type ReadFor = (Arc<Partner>, Unjudged);

/// An interchange on its way to its outcome.
struct Arriving<'a> {
    id: InterchangeId,
    receipt: &'a Receipt,
    bytes: &'a [u8],
    /// As it was read before its turn came.
    read: RefCell<Option<ReadFor>>,
    payload: PayloadId,
    /// How many sets are in it.
    sets: u32,
    /// Where a person had it come again.
    again: Option<&'a Again>,
    now: Timestamp,
}

/// What was decided of an interchange.
struct Decision {
    outcome: Outcome,
    partner: String,
    note: String,
    documents: u32,
    answer: Option<(PayloadId, String)>,
    /// What a person has to look at, where that is all of it.
    trouble: Option<Whole>,
}

impl Decision {
    fn quarantine(kind: Kind, partner: &str, note: String) -> Self {
        let (partner, outcome) = (partner.to_owned(), Outcome::Quarantined);
        let trouble = Some(Whole::of(kind, &note));
        Self { outcome, partner, note, documents: 0, answer: None, trouble }
    }
}

impl Gateway {
    fn receipt(&self, id: u64) -> Result<Receipt, Error> {
        let receipt = self.ledger.store().receipt(id)?;
        receipt.ok_or_else(|| Error::Defect(format!("receipt {id} is unknown")))
    }

    /// The receipt that a piece of work translates, where it is one and can be read.
    pub(super) fn receipt_ahead(&self, work: &Work) -> Option<Receipt> {
        let Task::Translate { receipt, .. } = &work.task else { return None };
        self.receipt(*receipt).ok()
    }

    /// Opens a file before its turn comes, and reads its interchanges. That changes nothing. No record is read for it:
    /// those wait while the database gets a group.
    pub(super) fn open_ahead(&self, receipt: Receipt) -> Result<Opened, Error> {
        let mut opened = self.open_receipt(receipt)?;
        let read = opened.parts.iter().map(|part| self.read_part(&opened, part));
        opened.read = read.collect();
        Ok(opened)
    }

    fn open_receipt(&self, receipt: Receipt) -> Result<Opened, Error> {
        let store = self.ledger.store();
        let live = self.live();
        let binding = mailbox_in(&live, &receipt.file.mailbox)?;
        let bytes = store.payload(receipt.file.payload)?;
        let parts = split(&bytes);
        Ok(Opened { receipt, binding, live, bytes, parts, read: Vec::new() })
    }

    /// Reads an interchange whose partner is known.
    fn read_part(&self, opened: &Opened, part: &Part) -> Option<ReadFor> {
        let partner = agreement(&opened.live, &opened.binding, part.header.as_ref()?)?;
        let goes_on = partner.state != State::Off && part.sets <= self.config.limits.sets;
        let bytes = opened.bytes.get(part.range.clone()).filter(|_| goes_on)?;
        Some((Arc::clone(partner), self.translator.read(bytes, partner)))
    }

    /// Works off a receipt, which may be opened already; the commits are begun. Interchanges that have their outcome
    /// already, from before a crash, are passed over.
    pub(super) fn translate(
        &self,
        work: &Work,
        (receipt, again): (u64, Option<&Again>),
        opened: Option<Opened>,
        begun: &mut Vec<Begun>,
    ) -> Result<(), Error> {
        let store = self.ledger.store();
        // Profiles that came into force meanwhile count.
        let opened = opened.filter(|opened| Arc::ptr_eq(&opened.live, &self.live()));
        let open = || self.open_receipt(self.receipt(receipt)?);
        let opened = opened.map_or_else(open, Ok)?;
        let Opened { receipt, binding, live, bytes, parts, read } = opened;
        let mut read = read.into_iter().chain(std::iter::repeat_with(|| None));
        let mut open = Vec::new();
        for (index, part) in (0..).zip(&parts) {
            let (id, read) = (InterchangeId { receipt: receipt.id, index }, read.next().flatten());
            if store.interchange(id)?.is_none() {
                open.push((id, part, read));
            }
        }
        let finish = |draft: &mut Draft| {
            draft.push(Change::FinishReceipt(receipt.id));
            draft.done(work);
        };
        // While a partner is left out, what nobody is known by may be its own: it waits until all are there.
        let all = open.len();
        open.retain(|(_, part, _)| !may_be_left_out(&live, part));
        if open.len() < all {
            self.decide_all(&live, &binding, (&receipt, &bytes, again), open, begun, |_| {})?;
            begun.push(self.hold(work, &receipt, again)?);
            return Ok(());
        }
        let last = open.last().map(|(id, ..)| *id);
        self.decide_all(&live, &binding, (&receipt, &bytes, again), open, begun, |(id, draft)| {
            if Some(id) == last {
                finish(draft);
            }
        })?;
        if last.is_none() {
            let mut draft = Draft::new();
            finish(&mut draft);
            begun.push(self.ledger.begin(&draft)?);
        }
        Ok(())
    }

    /// Keeps a file until nobody is left out any more.
    fn hold(&self, work: &Work, receipt: &Receipt, again: Option<&Again>) -> Result<Begun, Error> {
        let now = Timestamp::now();
        let mut draft = Draft::new();
        let note = "nobody in force has the identities of an interchange in it, and a partner is left out: it waits until that one is mended";
        let file = &receipt.file;
        draft.journal_with(now, Event::InterchangeHeld, "", &file.name, note, Some(file.payload));
        draft.done(work);
        let task = Task::Translate { receipt: receipt.id, again: again.cloned() };
        draft.queue(lanes::held(&file.mailbox), &file.mailbox, task, now);
        Ok(self.ledger.begin(&draft)?)
    }

    /// The outcome of each, each in a commit of its own, to which something may be added.
    fn decide_all(
        &self,
        live: &Live,
        binding: &MailboxBinding,
        (receipt, bytes, again): (&Receipt, &[u8], Option<&Again>),
        open: Vec<(InterchangeId, &Part, Option<ReadFor>)>,
        begun: &mut Vec<Begun>,
        mut add: impl FnMut((InterchangeId, &mut Draft)),
    ) -> Result<(), Error> {
        let store = self.ledger.store();
        for (id, part, read) in open {
            let bytes = bytes.get(part.range.clone()).unwrap_or_default();
            // A file of one interchange is its own payload.
            let payload = if bytes.len() as u64 == receipt.file.size {
                receipt.file.payload
            } else {
                store.put_payload(bytes)?
            };
            let now = Timestamp::now();
            let sets = part.sets;
            let read = RefCell::new(read);
            let arriving = Arriving { id, receipt, bytes, read, payload, sets, again, now };
            let mut draft = self.decide(live, binding, &arriving, part)?;
            add((id, &mut draft));
            begun.push(self.ledger.begin(&draft)?);
        }
        Ok(())
    }

    /// Sets a file aside on which this program fails, so that it ends, and holds up no other.
    pub(super) fn give_up(&self, work: &Work, receipt: u64, reason: &str) -> Result<(), Error> {
        let store = self.ledger.store();
        let receipt = self.receipt(receipt)?;
        // Which interchanges are in it may be what cannot be found out: one outcome stands for all that have none.
        let mut id = InterchangeId { receipt: receipt.id, index: 0 };
        while store.interchange(id)?.is_some() {
            id.index += 1;
        }
        let (now, payload) = (Timestamp::now(), receipt.file.payload);
        let (receipt, bytes, read, again) = (&receipt, &[][..], RefCell::default(), None);
        let arriving = Arriving { id, receipt, bytes, read, payload, sets: 0, again, now };
        let mut draft = Draft::new();
        let note = format!("Crossdock failed on this file: {reason}");
        let decision = Decision::quarantine(Kind::ProgramFailed, "", note);
        self.conclude(&mut draft, &arriving, None, decision)?;
        draft.push(Change::FinishReceipt(receipt.id));
        draft.done(work);
        Ok(self.ledger.commit(draft)?)
    }

    /// Everything that follows from one interchange, as one transaction.
    fn decide(
        &self,
        live: &Live,
        binding: &MailboxBinding,
        arriving: &Arriving,
        part: &Part,
    ) -> Result<Draft, Error> {
        let mut draft = Draft::new();
        let header = part.header.as_ref().map(|header| judged(live, header));
        let key = header.as_ref().map(Header::key);
        let decision = if let (Some(header), Some(key)) = (&header, &key) {
            self.decide_known(&mut draft, (live, binding), arriving, header, key)?
        } else {
            let note = "No interchange (ISA) can be read in it.".to_owned();
            let partner = live.only_partner_of(&binding.key).unwrap_or_default();
            Decision::quarantine(Kind::InterchangeUnreadable, partner, note)
        };
        self.conclude(&mut draft, arriving, header.as_ref(), decision)?;
        Ok(draft)
    }

    /// The outcome itself, and what is told of it.
    fn conclude(
        &self,
        draft: &mut Draft,
        arriving: &Arriving,
        header: Option<&Header>,
        decision: Decision,
    ) -> Result<(), Error> {
        let key = header.map(Header::key);
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
        self.raise_whole(draft, arriving, key.as_ref(), &decision);
        if decision.outcome == Outcome::Quarantined {
            let note = format!("{subject}\n\n{}\n", decision.note);
            self.set_aside(draft, arriving, &note)?;
        }
        draft.push(Change::Outcome(
            arriving.id,
            InterchangeRecord {
                key,
                partner: decision.partner,
                payload: arriving.payload,
                outcome: decision.outcome,
                at: now,
                test: header.is_some_and(|header| header.test),
                documents: decision.documents,
                answer: decision.answer,
                note: decision.note,
            },
        ));
        Ok(())
    }

    fn decide_known(
        &self,
        draft: &mut Draft,
        (live, binding): (&Live, &MailboxBinding),
        arriving: &Arriving,
        header: &Header,
        key: &InterchangeKey,
    ) -> Result<Decision, Error> {
        let known = agreement(live, binding, header);
        let most = self.config.limits.sets;
        if arriving.sets > most {
            let note = format!(
                "It has {} sets, and `limits.sets` lets in {most}: all of it is held in memory while it is decided.",
                arriving.sets
            );
            let name = known.map_or("", |partner| &partner.name);
            return Ok(Decision::quarantine(Kind::InterchangeTooLarge, name, note));
        }
        let Some(partner) = known.or_else(|| self.stand_in(live, binding, header)) else {
            let refused = self.turn_away(draft, (live, binding), arriving, (header, key))?;
            if let Some(refused) = refused {
                return Ok(refused);
            }
            let note = format!(
                "No partner of this mailbox has these identities: sender {}, receiver {}. Write them into a profile, or send the file back.",
                key.sender, key.receiver
            );
            return Ok(Decision::quarantine(Kind::InterchangeUnknown, "", note));
        };
        if partner.state == State::Off {
            let note = "The profile of this partner is off.".to_owned();
            return Ok(Decision::quarantine(Kind::InterchangePartnerOff, &partner.name, note));
        }
        let forgotten = forgotten_before(partner, arriving.now);
        let seen = self.ledger.store().seen(key)?;
        // However long ago it was, what is replayed is what was received then.
        let counts = |at: Timestamp, f: Timestamp| at >= f || arriving.redelivers();
        let counts = |seen: &Seen| seen.at.zip(forgotten).is_none_or(|(at, f)| counts(at, f));
        if let Some(seen) = seen.filter(counts) {
            return self.decide_seen(draft, partner, arriving, header, &seen);
        }
        let repeats = Repeats::new(self.ledger.store(), partner, header, arriving.now);
        let day = today(arriving.now);
        let ask = |number: &NumberSeen<'_>| repeats.before(number);
        let received = Translator::judge(self.read(arriving, partner), partner, &ask, day);
        repeats.failed()?;
        // One that is rejected as a whole, cut off for instance, has had no effect: sent again whole it may keep its
        // number.
        if received.accepted || arriving.again.is_some_and(|again| again.accept) {
            let at = Some(arriving.now);
            let name = partner.name.clone();
            let seen = Seen { id: arriving.id, payload: arriving.payload, at, partner: name };
            draft.push(Change::FirstSeen(key.clone(), seen, forgotten));
            repeats.note(draft, &received);
        }
        self.decide_received(draft, partner, arriving, header, &received)
    }

    /// It as it was read already under this agreement, else read now.
    fn read(&self, arriving: &Arriving, partner: &Arc<Partner>) -> Unjudged {
        let read = arriving.read.take().filter(|(under, _)| Arc::ptr_eq(under, partner));
        read.map_or_else(|| self.translator.read(arriving.bytes, partner), |(_, read)| read)
    }

    /// The same key once more: the same bytes are a duplicate, others are for a person. Of the same bytes that counts
    /// which was set aside before, since it has had no effect: the profile may have been mended meanwhile.
    fn decide_seen(
        &self,
        draft: &mut Draft,
        partner: &Arc<Partner>,
        arriving: &Arriving,
        header: &Header,
        seen: &Seen,
    ) -> Result<Decision, Error> {
        let first = format!("receipt {}", seen.id.receipt);
        let may_differ = arriving.again.is_some_and(|again| again.differs);
        if seen.payload != arriving.payload && !may_differ {
            let note = format!(
                "This interchange number was received before ({first}) with other contents. Ask the partner for a new number if these are to be used."
            );
            let name = &partner.name;
            return Ok(Decision::quarantine(Kind::InterchangeNumberReused, name, note));
        }
        let record = self.ledger.store().interchange(seen.id)?;
        if let Some((payload, name)) = record.and_then(|record| record.answer)
            && partner.duplicates.interchange == DuplicateInterchange::AcknowledgeAgain
            && arriving.again.is_none()
        {
            let parcel = Parcel::answer(payload, name);
            draft.queue(lanes::send(&partner.name), "", parcel.into(), arriving.now);
        }
        let mut tally = Tally::default();
        let day = today(arriving.now);
        let received = Translator::judge(self.read(arriving, partner), partner, &|_| None, day);
        for (index, set) in received.sets.iter().enumerate() {
            if self.comes_again(partner, arriving, header, (index, set))? {
                let with = (arriving, header, &received);
                self.decide_set(draft, partner, with, (index, set), &mut tally)?;
            }
        }
        let outcome = match tally.outcome(&received) {
            _ if tally.is_empty() => Outcome::Duplicate,
            outcome => outcome,
        };
        let held = partner.duplicates.interchange == DuplicateInterchange::Quarantine;
        if held && outcome == Outcome::Duplicate && arriving.again.is_none() {
            let note =
                format!("The same interchange was received before ({first}), byte for byte.");
            let name = &partner.name;
            return Ok(Decision::quarantine(Kind::InterchangeRepeated, name, note));
        }
        if outcome != Outcome::Quarantined && !tally.notes.is_empty() {
            self.set_aside(draft, arriving, &tally.notes)?;
        }
        let note = if outcome == Outcome::Duplicate {
            format!("the same was received before ({first})")
        } else {
            let what = if arriving.redelivers() { "replayed" } else { "set aside before" };
            format!("{tally} of what was {what} ({first})\n{}", tally.notes)
        };
        let answer = if self.owes_answer(arriving)? {
            self.answer(draft, partner, (arriving, header), &received)?
        } else {
            None
        };
        let (partner, documents) = (partner.name.clone(), tally.documents);
        Ok(Decision { outcome, partner, note, documents, answer, trouble: None })
    }

    fn decide_received(
        &self,
        draft: &mut Draft,
        partner: &Arc<Partner>,
        arriving: &Arriving,
        header: &Header,
        received: &Received,
    ) -> Result<Decision, Error> {
        let all = partner.processing.on_error == OnError::Interchange;
        let rejected = |set: &ReceivedSet| !set.accepted && !set.is_acknowledgement;
        let suspended = all && received.sets.iter().any(rejected);
        let mut tally = Tally { suspended, ..Tally::default() };
        for outcome in &received.interchange_outcomes {
            let label = format!("TA1 of interchange {}", outcome.control_number);
            let source = trouble::source(arriving, None, label);
            self.note_ta1(draft, partner, &source, outcome)?;
        }
        for (index, set) in received.sets.iter().enumerate() {
            let with = (arriving, header, received);
            self.decide_set(draft, partner, with, (index, set), &mut tally)?;
        }
        let answered = arriving.again.is_some_and(|again| again.answered);
        let with = (arriving, header);
        let answer = if answered { None } else { self.answer(draft, partner, with, received)? };
        let outcome = tally.outcome(received);
        let told = tally.rejected > 0 || outcome == Outcome::Rejected || !tally.notes.is_empty();
        let notes = format!("{}{}{}", tally.notes, tally.reasons, notes::of_received(received));
        let trouble = if received.accepted || tally.delivered > 0 {
            None
        } else {
            Some(self.rejected_whole(received)?)
        };
        if outcome != Outcome::Quarantined && told {
            // For the partner there is the acknowledgement; this is for our own people.
            self.set_aside(draft, arriving, &notes)?;
        }
        Ok(Decision {
            outcome,
            partner: partner.name.clone(),
            note: match outcome {
                Outcome::Quarantined | Outcome::Rejected => notes,
                _ => tally.to_string(),
            },
            documents: tally.documents,
            answer,
            trouble,
        })
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

/// Whether a part may belong to a partner that was left out at the start: nobody in force has its identities.
fn may_be_left_out(live: &Live, part: &Part) -> bool {
    let of_nobody =
        |header: &Header| live.profiles.sender(&header.sender, &header.receiver).is_none();
    !live.profiles.left_out().is_empty() && part.header.as_ref().is_some_and(of_nobody)
}

/// Whatever ISA15 says: what comes from the identities of test is a test.
fn judged(live: &Live, header: &Header) -> Header {
    let known = live.profiles.sender(&header.sender, &header.receiver);
    let of_test = known.is_some_and(|(_, usage)| usage == Usage::Test);
    Header { test: header.test || of_test, ..header.clone() }
}

/// The partner that an interchange belongs to, by sender and receiver. Nobody is known by what lies in another's
/// mailbox.
fn agreement<'a>(
    live: &'a Live,
    binding: &MailboxBinding,
    header: &Header,
) -> Option<&'a Arc<Partner>> {
    let (partner, _) = live.profiles.sender(&header.sender, &header.receiver)?;
    let own = live.mailboxes.of(&partner.name)?;
    Some(partner).filter(|_| own.key == binding.key)
}
