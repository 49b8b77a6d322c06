//! Receipts: those of partners for our messages, and ours for theirs where they are wanted later.

use jiff::{SignedDuration, Timestamp};

use super::receive::facts;
use super::{As2Answer, entity, key_of, label, whole};
use crate::disk::trial;
use crate::exceptions::Kind;
use crate::gateway::ledger::{Draft, several, subject};
use crate::gateway::raising::{About, Trouble, about_work};
use crate::gateway::{Error, Gateway, lanes};
use crate::profile::Partner;
use crate::store::{
    self, As2Direction, As2Key, As2Message, As2State, Change, Event, Facts, Parcel, PayloadId,
    Task, Work,
};
use crate::transport;
use crate::transport::as2::mdn::{self, Mdn, Outcome, Sent};
use crate::transport::as2::message::{Mics, ReceiptRequest};
use crate::transport::as2::mime::Headers;
use crate::transport::as2::{Name, Peer, features};

/// Work that is looked through for what waits for a receipt.
const WAITING_MAX: usize = 10_000;

/// What a receipt says of a message of ours.
pub(super) struct Verdict {
    /// Whether the partner has it as it was sent.
    pub(super) good: bool,
    pub(super) words: String,
    pub(super) signed: bool,
    /// The certificate that it is signed by, in PEM.
    pub(super) signer: Option<PayloadId>,
}

impl Gateway {
    /// A receipt that comes by itself.
    pub(super) fn take_receipt(&self, headers: &Headers, body: &[u8]) -> Result<As2Answer, Error> {
        let named = |field| headers.get(field).and_then(|name| Name::read(name).ok());
        let (Some(theirs), Some(ours)) = (named("AS2-From"), named("AS2-To")) else {
            return Ok(As2Answer::words(400, "A receipt without AS2-From and AS2-To."));
        };
        // Some quote names twice (pyas2lib); whose receipt it is shows in what it is for, and who has signed it.
        let again = |name: &Name| Name::read(name.as_str()).ok();
        let twice = || self.known_as2(&again(&theirs)?, &again(&ours)?);
        let Some(known) = self.known_as2(&theirs, &ours).or_else(twice) else {
            let words = format!("Nothing is agreed between {theirs} and {ours}.");
            return Ok(As2Answer::words(403, &words));
        };
        let keys = known.peer.keys().map_err(Error::Configuration)?;
        let now = Timestamp::now();
        let mdn = match mdn::read(headers, body, &keys.in_force(now), &self.as2_limits()) {
            Ok(mdn) => mdn,
            Err(failure) => {
                let partner = &known.partner;
                tracing::warn!(partner, "a receipt cannot be used: {failure}");
                return Ok(As2Answer::words(400, &format!("It cannot be used: {failure}.")));
            }
        };
        let Some(id) = mdn.original_message_id else {
            let words = "The receipt does not say which message it is for.";
            return Ok(As2Answer::words(400, words));
        };
        let (theirs, ours) = (known.peer.theirs(), known.peer.own());
        let key = key_of(As2Direction::Sent, theirs, ours, &id);
        let store = self.ledger.store();
        let Some(message) = store.as2_message(&key)? else {
            return Ok(As2Answer::words(404, "No such message was sent."));
        };
        if matches!(message.state, As2State::Made | As2State::Awaited) {
            let receipt = store.put_payload(&whole(headers, body))?;
            trial::step("as2-hear.before");
            let mut draft = Draft::new();
            draft.push(Change::As2(Box::new(As2Message {
                state: As2State::Answered,
                receipt: Some(receipt),
                receipt_at: Some(now),
                features: features(headers),
                ..message
            })));
            self.ledger.commit(draft)?;
            trial::step("as2-hear.after");
            self.hurry(&known.partner, &key, now)?;
        }
        Ok(As2Answer::words(200, ""))
    }

    /// Has what waits for a receipt look at it now.
    pub(super) fn hurry(&self, partner: &str, key: &As2Key, now: Timestamp) -> Result<(), Error> {
        let (store, lane) = (self.ledger.store(), lanes::receipts(partner));
        let waits = |work: &Work| matches!(&work.task, Task::AwaitReceipt { message, .. } if message == key);
        for work in store.queued(&lane, WAITING_MAX)?.into_iter().filter(waits) {
            let mut draft = Draft::new();
            draft.push(Change::Hurry { lane: lane.clone(), work: work.id, due: now });
            self.commit_unless_done(draft)?;
        }
        // One that was overdue, and for a person.
        for work in store.parked(WAITING_MAX)?.into_iter().filter(waits) {
            let mut draft = Draft::new();
            draft.mend(about_work(&work), now, "its receipt came at last");
            draft.unpark(work, now);
            self.commit_unless_done(draft)?;
        }
        Ok(())
    }

    /// Commits what does not matter any more where somebody was first.
    fn commit_unless_done(&self, draft: Draft) -> Result<(), Error> {
        match self.ledger.commit(draft) {
            Err(store::Error::Conflict(_)) => Ok(()),
            result => Ok(result?),
        }
    }

    /// Sends a receipt of ours to where the partner wants it.
    pub(in crate::gateway) fn send_receipt(
        &self,
        work: &Work,
        message: &As2Key,
        (payload, url): (PayloadId, &str),
    ) -> Result<(), Error> {
        let name = self.partner_of(work);
        let peer = self.peer_of(&name)?;
        let wire = self.ledger.store().payload(payload)?;
        trial::step("as2-receipt.before");
        peer.client().map_err(Error::Configuration)?.post(url, &wire, false)?;
        trial::step("as2-receipt.after");
        let mut draft = Draft::new();
        draft.done(work);
        let (now, event) = (Timestamp::now(), Event::As2ReceiptSent);
        draft.journal_with(now, event, &name, &label(message), url, Some(payload));
        Ok(self.ledger.commit(draft)?)
    }

    /// Looks what became of a message whose receipt comes later.
    pub(in crate::gateway) fn await_receipt(&self, work: &Work) -> Result<(), Error> {
        let Task::AwaitReceipt { message: key, name, documents, batch, with } = &work.task else {
            return Err(Error::Defect("work that waits for no receipt".to_owned()));
        };
        let store = self.ledger.store();
        let message = store.as2_message(key)?;
        let message = message.ok_or_else(|| Error::Defect(format!("{} is unknown", label(key))))?;
        let partner = self.partner(&self.partner_of(work))?;
        let peer = self.peer_of(&partner.name)?;
        match message.state {
            As2State::Answered => {
                let wire = store.payload(message.receipt.unwrap_or(message.content))?;
                let kept = entity(&wire)?;
                let verdict = self.judge(&peer, &message, (&kept.headers, kept.body), false)?;
                let mut draft = Draft::new();
                let others = with.iter().map(|parcel| parcel.name.as_str());
                let names: Vec<&str> = std::iter::once(name.as_str()).chain(others).collect();
                self.close(&mut draft, (work, &names), &partner, &message, &verdict);
                Ok(self.ledger.commit(draft)?)
            }
            As2State::Made | As2State::Awaited => self.is_overdue(work, &partner, &peer, message),
            As2State::Refused => {
                // A person has it tried again: as a new message; of several, each by itself. Where this work was with
                // nobody, the message was refused while other work waited for it, and a person sees to that.
                let mut draft = Draft::new();
                draft.done(work);
                let (payload, batch) = (message.content, *batch);
                let (name, documents) = (name.clone(), documents.clone());
                let first = Parcel { payload, name, documents, batch };
                let again = !work.error.is_empty();
                for parcel in std::iter::once(&first).chain(with).filter(|_| again) {
                    let lane = lanes::send(&partner.name);
                    draft.queue(lane, "", parcel.clone().into(), Timestamp::now());
                }
                Ok(self.ledger.commit(draft)?)
            }
            As2State::Processed | As2State::Delivered | As2State::Taken => {
                let mut draft = Draft::new();
                draft.done(work);
                Ok(self.ledger.commit(draft)?)
            }
        }
    }

    /// No receipt came in time: the same message once more, or a person.
    fn is_overdue(
        &self,
        work: &Work,
        partner: &Partner,
        peer: &Peer,
        message: As2Message,
    ) -> Result<(), Error> {
        let now = Timestamp::now();
        let settings = peer.settings();
        let within = SignedDuration::try_from(settings.receipt_within);
        let within = within.unwrap_or(SignedDuration::from_hours(1));
        let mut draft = Draft::new();
        if message.resent >= settings.retries {
            let words = format!(
                "{}: no receipt came within {} of the last of {} attempts",
                label(&message.key),
                crate::gateway::as2::send::in_words(settings.receipt_within),
                message.resent + 1
            );
            let (lane, id) = (work.lane.clone(), work.id);
            draft.push(Change::Park { lane, work: id, error: words.clone() });
            draft.journal(now, Event::WorkParked, &partner.name, &label(&message.key), &words);
            self.raise_sent(&mut draft, Kind::As2ReceiptOverdue, work, &partner.name, &words, now);
            draft.push(Change::As2(Box::new(As2Message { resent: 0, ..message })));
            return Ok(self.ledger.commit(draft)?);
        }
        let wire = message.wire.unwrap_or(message.content);
        let wire = self.ledger.store().payload(wire)?;
        trial::step("as2-resend.before");
        peer.client().map_err(Error::Configuration)?.post(&settings.url, &wire, true)?;
        trial::step("as2-resend.after");
        draft.done(work);
        let due = now.saturating_add(within).unwrap_or(Timestamp::MAX);
        draft.queue(work.lane.clone(), "", work.task.clone(), due);
        let resent = message.resent + 1;
        let note = format!("no receipt came in time: attempt {}", resent + 1);
        draft.journal(now, Event::As2Resent, &partner.name, &label(&message.key), &note);
        let (key, state) = (message.key.clone(), As2State::Awaited);
        draft.push(Change::As2(Box::new(As2Message { state, resent, ..message })));
        self.ledger.commit(draft)?;
        self.hurry_if_answered(&partner.name, &key)
    }

    /// A receipt may have come while something else was written.
    pub(super) fn hurry_if_answered(&self, partner: &str, key: &As2Key) -> Result<(), Error> {
        let message = self.ledger.store().as2_message(key)?;
        if message.is_some_and(|message| message.state == As2State::Answered) {
            self.hurry(partner, key, Timestamp::now())?;
        }
        Ok(())
    }

    /// Holds a receipt against the message that it should be for.
    pub(super) fn judge(
        &self,
        peer: &Peer,
        message: &As2Message,
        (headers, body): (&Headers, &[u8]),
        is_answer: bool,
    ) -> Result<Verdict, Error> {
        let keys = peer.keys().map_err(Error::Configuration)?;
        let certificates = keys.in_force(Timestamp::now());
        let mdn = match mdn::read(headers, body, &certificates, &self.as2_limits()) {
            Ok(mdn) => mdn,
            Err(failure) => {
                let words = format!("its receipt cannot be used: {failure}");
                return Ok(Verdict { good: false, words, signed: false, signer: None });
            }
        };
        let mics = Mics::of_texts(&message.mics)
            .ok_or_else(|| Error::Defect("a message without its digests".to_owned()))?;
        let store = self.ledger.store();
        let wire = store.payload(message.wire.unwrap_or(message.content))?;
        let sent = entity(&wire)?;
        let asked = ReceiptRequest::read(&sent.headers);
        let asked = asked.filter(|asked| asked.signed).and_then(|asked| asked.digest());
        let kind = sent.headers.get("Content-Type").unwrap_or_default();
        let judgement = mdn::judge(
            &mdn,
            &Sent {
                message_id: &message.key.message_id,
                to: &message.key.theirs,
                mics: &mics,
                signed: asked,
                needs_mic: kind.contains("authEnveloped"),
                is_answer,
            },
        );
        let (good, mut words) = words(&judgement.outcome, &mdn);
        if !judgement.remarks.is_empty() {
            words = format!("{words} (remarks: {:?})", judgement.remarks);
        }
        let signer = mdn.signer.and_then(|index| certificates.get(index));
        let signer = signer.and_then(|signer| signer.x509().to_pem().ok());
        let signer = signer.map(|pem| store.put_payload(&pem)).transpose()?;
        Ok(Verdict { good, words, signed: mdn.signed.is_some(), signer })
    }

    /// What follows from a verdict: the message is done with, or a person is told.
    pub(super) fn close(
        &self,
        draft: &mut Draft,
        (work, names): (&Work, &[&str]),
        partner: &Partner,
        message: &As2Message,
        verdict: &Verdict,
    ) {
        let now = Timestamp::now();
        let Verdict { good, words, signed, signer } = verdict;
        let state = if *good { As2State::Processed } else { As2State::Refused };
        draft.push(Change::As2(Box::new(As2Message {
            state,
            receipt_signed: *signed,
            signer: *signer,
            words: words.clone(),
            ..message.clone()
        })));
        let mut told = facts(&message.key, "", &message.features);
        told.extend(Facts::from([("signed".to_owned(), signed.to_string())]));
        for name in names {
            let event = Event::As2Receipt;
            draft.journal_with(now, event, &partner.name, name, words, message.receipt);
            draft.tell(told.clone());
        }
        if *good {
            draft.done(work);
            return;
        }
        let (lane, id) = (work.lane.clone(), work.id);
        draft.push(Change::Park { lane, work: id, error: words.clone() });
        let label = several(names.first().unwrap_or(&""), names.len());
        draft.journal(now, Event::WorkParked, &partner.name, &label, words);
        let words = format!("{}: {words}", names.join(", "));
        self.raise_sent(draft, Kind::As2ReceiptNegative, work, &partner.name, &words, now);
    }

    /// Something is wrong with a message that was sent.
    fn raise_sent(
        &self,
        draft: &mut Draft,
        kind: Kind,
        work: &Work,
        partner: &str,
        words: &str,
        now: Timestamp,
    ) {
        let label = subject(&work.task);
        let payload = match &work.task {
            Task::Send { parcel, .. } => Some(parcel.payload),
            _ => None,
        };
        let trouble = Trouble {
            kind,
            partner,
            cause: kind.name(),
            place: &work.lane,
            words,
            mend: "",
            about: About::work(work, label, payload),
        };
        self.raise(draft, trouble, now);
    }
}

/// What an outcome means, and whether the partner has the message as it was sent.
fn words(outcome: &Outcome, mdn: &Mdn) -> (bool, String) {
    let said: String = mdn.text.chars().take(200).collect();
    let (good, words) = match outcome {
        Outcome::Processed => (true, "processed".to_owned()),
        Outcome::Duplicate => (true, "processed, and received before".to_owned()),
        Outcome::Warned(words) => (true, format!("processed, with a warning: {words}")),
        Outcome::Refused(words) => (false, format!("the partner has not processed it: {words}")),
        Outcome::OtherContent => {
            (false, "the receipt names the digest (MIC) of other content".to_owned())
        }
        Outcome::Unsigned => (false, "the receipt is not signed, as was asked for".to_owned()),
        Outcome::Unproven => {
            (false, "the receipt names no digest (MIC): it proves nothing".to_owned())
        }
        Outcome::OtherMessage(id) => (false, format!("the receipt is for another message, {id}")),
        Outcome::NoMessage => {
            (false, "the receipt does not say which message it is for".to_owned())
        }
    };
    if good || said.is_empty() {
        (good, words)
    } else {
        (good, format!("{words}. It says: {said}"))
    }
}

/// A receipt that cannot be had is a failure of the server, and tried again.
pub(super) fn no_receipt(url: &str) -> Error {
    let words = format!("POST {url}: it was answered without the receipt that was asked for");
    Error::Mailbox(transport::Error::Server(words))
}
