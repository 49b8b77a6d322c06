//! A document leaves as a message, or several leave in one where that was agreed: made once, kept before the first
//! attempt, and sent unchanged until it is answered.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::receipt::no_receipt;
use super::{entity, key_of, label, new_message_id, whole};
use crate::disk::trial;
use crate::gateway::dispatch::queue_each;
use crate::gateway::ledger::Draft;
use crate::gateway::raising::about_answer;
use crate::gateway::{Error, Gateway, lanes};
use crate::profile::Partner;
use crate::store::{
    As2Direction, As2Key, As2Message, As2State, Change, Event, Parcel, PayloadId, Task, Work,
};
use crate::transport::as2::message::ReceiptRequest;
use crate::transport::as2::mime::Part;
use crate::transport::as2::{Peer, features, mdn};

/// Bytes of documents that leave in one message; one that is larger leaves alone.
const TOGETHER_BYTES_MAX: usize = 4 << 20;
/// Pieces of work that are looked through for what is in the lane twice.
const QUEUED_MAX: usize = 1000;
/// Bytes in which what leaves in one message is named. They stand in a record beside the message and what went wrong.
const NAMED_BYTES_MAX: usize = 1536;

impl Gateway {
    /// The AS2 side of a partner.
    pub(super) fn peer_of(&self, partner: &str) -> Result<Arc<Peer>, Error> {
        let live = self.live();
        let peer = live.mailboxes.of(partner).and_then(|binding| binding.peer()).cloned();
        peer.ok_or_else(|| {
            Error::Configuration(format!("the partner `{partner}` has no [mailbox.as2] any more"))
        })
    }

    /// Makes one piece of work of several that begin a lane, where they are documents that may leave in one message and
    /// none of them was in one before; then nothing is left to be done for now. Otherwise the first is, and the others are
    /// released. Where it fails, all are.
    pub(in crate::gateway) fn gather(&self, works: Vec<Work>) -> Result<Vec<Work>, Error> {
        let all: Vec<u64> = works.iter().map(|work| work.id).collect();
        let gathered = std::panic::catch_unwind(AssertUnwindSafe(|| self.try_to_gather(works)))
            .unwrap_or_else(|_| Err(Error::Defect("a step ended in a panic".to_owned())));
        if gathered.is_err() {
            for id in all {
                self.ledger.store().release(id);
            }
        }
        gathered
    }

    fn try_to_gather(&self, mut works: Vec<Work>) -> Result<Vec<Work>, Error> {
        let Some(first) = works
            .first()
            .filter(|first| works.len() > 1 && matches!(first.task, Task::Send { .. }))
        else {
            return Ok(works);
        };
        let live = self.live();
        let whose = lanes::partner(&first.lane);
        let binding = whose.and_then(|partner| live.mailboxes.of(partner));
        let Some(peer) = binding.and_then(|binding| binding.peer()) else { return Ok(works) };
        let parcels = self.fresh(peer, &works)?;
        let count = parcels.len().max(1);
        for later in works.split_off(count) {
            self.ledger.store().release(later.id);
        }
        let mut parcels = parcels.into_iter();
        let (Some(parcel), true) = (parcels.next(), count > 1) else { return Ok(works) };
        let task = Task::Send { parcel, with: parcels.collect() };
        let mut draft = Draft::new();
        for work in &works {
            draft.done(work);
        }
        let queued = works.iter().map(|work| work.queued).min().unwrap_or_else(Timestamp::now);
        draft.queue(works[0].lane.clone(), "", task, queued);
        trial::step("as2-gather.before");
        self.ledger.commit(draft)?;
        trial::step("as2-gather.after");
        Ok(Vec::new())
    }

    /// What may leave in one message: as much from the beginning as was never tried, of which nobody was told that it is
    /// late, and which is not in the lane a second time; and not too much.
    fn fresh(&self, peer: &Peer, works: &[Work]) -> Result<Vec<Parcel>, Error> {
        let store = self.ledger.store();
        let lane = works.first().map_or("", |work| &work.lane);
        let mut counts: HashMap<PayloadId, u32> = HashMap::new();
        for work in store.queued(lane, QUEUED_MAX)? {
            let Task::Send { parcel, with } = &work.task else { continue };
            for parcel in std::iter::once(parcel).chain(with) {
                *counts.entry(parcel.payload).or_default() += 1;
            }
        }
        let (mut parcels, mut bytes, mut named) = (Vec::new(), 0, 0);
        for work in works.iter().take(peer.settings().documents_max) {
            let Task::Send { parcel, with } = &work.task else { break };
            if work.attempts > 0 || !with.is_empty() {
                break;
            }
            // One that cannot be read fails by itself.
            let Ok(content) = store.payload(parcel.payload) else { break };
            bytes += content.len();
            named += serde_json::to_vec(parcel).map_or(NAMED_BYTES_MAX, |record| record.len());
            let is_too_much = bytes > TOGETHER_BYTES_MAX || named > NAMED_BYTES_MAX;
            let is_once = counts.get(&parcel.payload).is_none_or(|count| *count == 1);
            if is_too_much
                || !is_once
                || store.exception_about(&about_answer(work))?.is_some()
                || !self.messages_with(peer, parcel.payload)?.is_empty()
            {
                break;
            }
            parcels.push(parcel.clone());
        }
        Ok(parcels)
    }

    /// Sends what a piece of work is about.
    pub(in crate::gateway) fn send_as2(
        &self,
        work: &Work,
        (partner, peer): (&Partner, &Peer),
        parcels: &[Parcel],
    ) -> Result<(), Error> {
        let found = self.last_message(peer, parcels)?;
        if self.part(work, peer, parcels, found.as_ref())? {
            return Ok(());
        }
        let message = match found.filter(|message| message.state.is_open()) {
            Some(message) => message,
            None => self.make_message(partner, peer, parcels)?,
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
            let names: Vec<&str> = parcels.iter().map(|parcel| parcel.name.as_str()).collect();
            self.close(&mut draft, (work, &names), partner, &message, &verdict);
            if verdict.good {
                for parcel in parcels {
                    self.note_sent(&mut draft, work, partner, parcel)?;
                }
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
        for parcel in parcels {
            self.note_sent(&mut draft, work, partner, parcel)?;
        }
        if state == As2State::Awaited {
            wait_for(&mut draft, work, (partner, peer), &key, now);
        }
        self.ledger.commit(draft)?;
        self.hurry_if_answered(&partner.name, &key)
    }

    /// Has each of several leave by itself, where the partner has refused them together, so that it shows which it cannot
    /// use, or takes fewer at a time by now; tells whether that was done.
    fn part(
        &self,
        work: &Work,
        peer: &Peer,
        parcels: &[Parcel],
        found: Option<&As2Message>,
    ) -> Result<bool, Error> {
        let is_too_many = parcels.len() > peer.settings().documents_max;
        let parts = match found.map(|message| message.state) {
            Some(As2State::Refused) => parcels.len() > 1,
            Some(As2State::Made) | None => parcels.len() > 1 && is_too_many,
            _ => false,
        };
        if !parts {
            return Ok(false);
        }
        let mut draft = Draft::new();
        draft.done(work);
        queue_each(&mut draft, work, parcels);
        if let Some(message) = found.filter(|message| message.state.is_open()) {
            let words = "given up: fewer documents may leave in one message by now".to_owned();
            let state = As2State::Refused;
            draft.push(Change::As2(Box::new(As2Message { state, words, ..message.clone() })));
        }
        self.ledger.commit(draft)?;
        Ok(true)
    }

    /// The messages to a partner in which these bytes were, the last one last.
    fn messages_with(&self, peer: &Peer, payload: PayloadId) -> Result<Vec<As2Message>, Error> {
        let mut all = self.ledger.store().as2_sent(payload)?;
        all.retain(|message| {
            message.key.theirs == peer.theirs().as_str() && message.key.ours == peer.own().as_str()
        });
        Ok(all)
    }

    /// The message in which exactly these are on their way already, or the last in which they were.
    fn last_message(&self, peer: &Peer, parcels: &[Parcel]) -> Result<Option<As2Message>, Error> {
        let Some(first) = parcels.first() else { return Ok(None) };
        let mut all = self.messages_with(peer, first.payload)?;
        all.retain(|message| message.contents().eq(parcels.iter().map(|parcel| parcel.payload)));
        let open = all.iter().rposition(|message| message.state.is_open());
        Ok(open.map(|at| all.swap_remove(at)).or_else(|| all.pop()))
    }

    /// Makes the message, and keeps it.
    fn make_message(
        &self,
        partner: &Partner,
        peer: &Peer,
        parcels: &[Parcel],
    ) -> Result<As2Message, Error> {
        let (store, now) = (self.ledger.store(), Timestamp::now());
        let document = |parcel: &Parcel| Ok((parcel.name.clone(), store.payload(parcel.payload)?));
        let documents = parcels.iter().map(document).collect::<Result<Vec<_>, Error>>()?;
        let contents: Vec<PayloadId> = parcels.iter().map(|parcel| parcel.payload).collect();
        let Some((&content, with)) = contents.split_first() else {
            return Err(Error::Defect("a message of nothing".to_owned()));
        };
        let id = new_message_id(&content.to_string(), peer.own(), now);
        let outgoing = peer.build(documents, &id, now).map_err(Error::Configuration)?;
        let mics = outgoing.mics.to_texts();
        let part = Part { headers: outgoing.headers, body: outgoing.body };
        let wire = store.put_payload(&part.to_bytes())?;
        let message = As2Message {
            key: key_of(As2Direction::Sent, peer.theirs(), peer.own(), &id),
            partner: partner.name.clone(),
            at: now,
            state: As2State::Made,
            content,
            with: with.to_vec(),
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
        for parcel in parcels {
            draft.journal_with(now, event, &partner.name, &parcel.name, &note, Some(wire));
            draft.tell(super::receive::facts(&message.key, "", ""));
        }
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
    key: &As2Key,
    now: Timestamp,
) {
    let Task::Send { parcel, with } = &work.task else { return };
    let within = SignedDuration::try_from(peer.settings().receipt_within);
    let within = within.unwrap_or(SignedDuration::from_hours(1));
    let due = now.saturating_add(within).unwrap_or(Timestamp::MAX);
    let Parcel { name, documents, batch, .. } = parcel.clone();
    let (message, with) = (key.clone(), with.clone());
    let task = Task::AwaitReceipt { message, name, documents, batch, with };
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
