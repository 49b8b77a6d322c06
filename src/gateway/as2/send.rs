//! A document leaves as a message: made once, kept before the first attempt, and sent unchanged until it is answered.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::receipt::no_receipt;
use super::{entity, key_of, label, new_message_id, whole};
use crate::disk::trial;
use crate::gateway::ledger::Draft;
use crate::gateway::{Error, Gateway, lanes};
use crate::profile::Partner;
use crate::store::{As2Direction, As2Message, As2State, Change, Event, PayloadId, Task, Work};
use crate::transport::as2::message::ReceiptRequest;
use crate::transport::as2::mime::Part;
use crate::transport::as2::{Peer, features, mdn};

impl Gateway {
    /// The AS2 side of a partner.
    pub(super) fn peer_of(&self, partner: &str) -> Result<Arc<Peer>, Error> {
        let live = self.live();
        let peer = live.mailboxes.of(partner).and_then(|binding| binding.peer()).cloned();
        peer.ok_or_else(|| {
            Error::Configuration(format!("the partner `{partner}` has no [mailbox.as2] any more"))
        })
    }

    /// Sends what a piece of work is about.
    pub(in crate::gateway) fn send_as2(
        &self,
        work: &Work,
        (partner, peer): (&Partner, &Peer),
        (payload, name): (PayloadId, &str),
        documents: &[String],
    ) -> Result<(), Error> {
        let message = match self.open_message(peer, payload)? {
            Some(message) => message,
            None => self.make_message(partner, peer, (payload, name))?,
        };
        let store = self.ledger.store();
        let wire = store.payload(message.wire.unwrap_or(message.content))?;
        let url = &peer.settings().url;
        trial::step("as2-post.before");
        let answer = peer.client().map_err(Error::Configuration)?.post(url, &wire, true)?;
        trial::step("as2-post.after");
        let asked = ReceiptRequest::read(&entity(&wire)?.headers);
        let now = Timestamp::now();
        let mut draft = Draft::new();
        // A receipt in the answer counts, even where it was wanted later.
        if mdn::is_mdn(&answer.headers, &answer.body, &self.as2_limits()) {
            let verdict = self.judge(peer, &message, (&answer.headers, &answer.body), true)?;
            let receipt = store.put_payload(&whole(&answer.headers, &answer.body))?;
            let (receipt, receipt_at) = (Some(receipt), Some(now));
            let features = features(&answer.headers);
            let message = As2Message { receipt, receipt_at, features, ..message };
            self.close(&mut draft, (work, name), partner, &message, &verdict);
            if verdict.good {
                self.note_sent(&mut draft, work, partner, (payload, name), documents)?;
            }
            return Ok(self.ledger.commit(draft)?);
        }
        let key = message.key.clone();
        let state = match asked {
            Some(ReceiptRequest { url: None, .. }) => return Err(no_receipt(url)),
            Some(_) => As2State::Awaited,
            None => As2State::Delivered,
        };
        draft.push(Change::As2(Box::new(As2Message { state, ..message })));
        draft.done(work);
        self.note_sent(&mut draft, work, partner, (payload, name), documents)?;
        if state == As2State::Awaited {
            wait_for(&mut draft, work, (partner, peer), &key, now);
        }
        self.ledger.commit(draft)?;
        self.hurry_if_answered(&partner.name, &key)
    }

    /// The message in which these bytes are on their way already.
    fn open_message(&self, peer: &Peer, payload: PayloadId) -> Result<Option<As2Message>, Error> {
        let all = self.ledger.store().as2_sent(payload)?;
        let ours = |message: &As2Message| {
            message.key.theirs == peer.theirs().as_str() && message.key.ours == peer.own().as_str()
        };
        Ok(all.into_iter().rfind(|message| message.state.is_open() && ours(message)))
    }

    /// Makes the message, and keeps it.
    fn make_message(
        &self,
        partner: &Partner,
        peer: &Peer,
        (payload, name): (PayloadId, &str),
    ) -> Result<As2Message, Error> {
        let (store, now) = (self.ledger.store(), Timestamp::now());
        let content = store.payload(payload)?;
        let id = new_message_id(&payload.to_string(), peer.own(), now);
        let outgoing = peer.build((name, &content), &id, now).map_err(Error::Configuration)?;
        let mics = outgoing.mics.to_texts();
        let part = Part { headers: outgoing.headers, body: outgoing.body };
        let wire = store.put_payload(&part.to_bytes())?;
        let message = As2Message {
            key: key_of(As2Direction::Sent, peer.theirs(), peer.own(), &id),
            partner: partner.name.clone(),
            at: now,
            state: As2State::Made,
            content: payload,
            digests: Vec::new(),
            wire: Some(wire),
            mics,
            receipt: None,
            receipt_at: None,
            receipt_signed: false,
            signer: None,
            features: String::new(),
            resent: 0,
            words: String::new(),
        };
        let mut draft = Draft::new();
        draft.push(Change::As2New(Box::new(message.clone())));
        let (event, note) = (Event::As2Made, label(&message.key));
        draft.journal_with(now, event, &partner.name, name, &note, Some(wire));
        draft.tell(super::receive::facts(&message.key, "", ""));
        trial::step("as2-make.before");
        self.ledger.commit(draft)?;
        trial::step("as2-make.after");
        Ok(message)
    }
}

/// The receipt comes later: when it is overdue, that is looked at.
fn wait_for(
    draft: &mut Draft,
    work: &Work,
    (partner, peer): (&Partner, &Peer),
    key: &crate::store::As2Key,
    now: Timestamp,
) {
    let Task::Send { name, documents, batch, .. } = &work.task else { return };
    let within = SignedDuration::try_from(peer.settings().receipt_within);
    let within = within.unwrap_or(SignedDuration::from_hours(1));
    let due = now.saturating_add(within).unwrap_or(Timestamp::MAX);
    let (name, documents, batch) = (name.clone(), documents.clone(), *batch);
    let task = Task::AwaitReceipt { message: key.clone(), name, documents, batch };
    draft.queue(lanes::receipts(&partner.name), "", task, due);
}

/// A span of time for people.
pub(super) fn in_words(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds / 60),
        _ => format!("{} hours", seconds / 3600),
    }
}
