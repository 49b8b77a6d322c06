//! What was received before and comes again: which of its sets are looked at once more, and which of their documents
//! are handed over once more.

use super::Arriving;
use super::document::{id, in_our_words};
use crate::gateway::intake::business_number;
use crate::gateway::ledger::Draft;
use crate::gateway::orders::{Own, Passed, latest};
use crate::gateway::parts::Header;
use crate::gateway::raising::about_work;
use crate::gateway::standing::{is_cancelled, number_key, order_record};
use crate::gateway::translation::ReceivedSet;
use crate::gateway::{Error, Gateway, lanes};
use crate::profile::Partner;
use crate::store::{self, Again, Document, DocumentState, Records, Redeliver, Task, Work};

/// Parked work that is looked through for the call of a document.
const PARKED_MAX: usize = 10_000;

impl Arriving<'_> {
    /// Whether a person wants this set to go on as it is.
    pub(super) fn accepts(&self, index: usize) -> bool {
        self.again.is_some_and(|again| again.accept && covers(again, index))
    }

    /// Whether it is a replay: documents that were handed over may be handed over once more.
    pub(super) fn redelivers(&self) -> bool {
        self.again.is_some_and(|again| again.redeliver.is_some())
    }
}

/// Whether a person had a set come again.
fn covers(again: &Again, index: usize) -> bool {
    again.sets.is_empty() || again.sets.iter().any(|&set| set as usize == index)
}

impl Gateway {
    /// Whether a set of an interchange that was received before is looked at again: it was set aside, or a person
    /// wants it and it has had no effect, or it is replayed and is to be handed over once more.
    pub(super) fn comes_again(
        &self,
        partner: &Partner,
        arriving: &Arriving,
        header: &Header,
        (index, set): (usize, &ReceivedSet),
    ) -> Result<bool, Error> {
        let place = (index, set);
        let Some(again) = arriving.again else {
            return Ok(set.accepted && self.was_set_aside(partner, header, place)?);
        };
        if !covers(again, index) {
            return Ok(false);
        }
        let Some(redeliver) = again.redeliver else {
            return Ok(!self.has_effect(partner, header, place)?);
        };
        // What a partner has said is known, and stays as it is.
        if set.is_acknowledgement || !set.accepted {
            return Ok(false);
        }
        match self.became(partner, header, place)? {
            Some(before) if before.state != DocumentState::Quarantined => {
                self.is_handed_over_again(partner, header, set, (&before, redeliver))
            }
            Some(_) => Ok(true),
            None => Ok(!self.has_left(partner, header, place)?),
        }
    }

    /// Whether a document that the endpoint has, or is to get, goes to it once more. What a person has edited says
    /// what no interchange says, and what was in shadow then was never to go.
    fn is_handed_over_again(
        &self,
        partner: &Partner,
        header: &Header,
        set: &ReceivedSet,
        (before, redeliver): (&Document, Redeliver),
    ) -> Result<bool, Error> {
        let goes = matches!(before.state, DocumentState::Delivered | DocumentState::Queued);
        if !goes || before.edited || (!header.test && self.is_of_cancelled(before)?) {
            return Ok(false);
        }
        // What waits to be handed over as it is needs no second call.
        if redeliver == Redeliver::All && before.state == DocumentState::Delivered {
            return Ok(true);
        }
        let Some(mut document) = set.document.clone() else { return Ok(false) };
        let own = (&mut document, header.test, Own::Now(before.id.as_str()));
        in_our_words(None, partner, set, own, &Passed::default())?;
        let as_before = self.ledger.store().payload(before.payload)?;
        Ok(!says_the_same(&as_before, &document))
    }

    /// Whether a document is an order that was cancelled, or changed one: nothing of it is wanted any more.
    fn is_of_cancelled(&self, before: &Document) -> Result<bool, Error> {
        let store = self.ledger.store();
        if before.kind != "order" && before.kind != "order_change" {
            return Ok(false);
        }
        match order_record(store, &before.partner, "order", &before.number)? {
            Some(order) => is_cancelled(store, &order),
            None => Ok(false),
        }
    }

    /// Whether a set that is replayed leaves its document as it is: one that has had its effect is not taken back.
    pub(super) fn stays(
        &self,
        partner: &Partner,
        arriving: &Arriving,
        header: &Header,
        place: (usize, &ReceivedSet),
    ) -> Result<bool, Error> {
        Ok(arriving.redelivers() && self.has_effect(partner, header, place)?)
    }

    /// Queues the call of the endpoint. Of a document that is replayed it may wait already, given up.
    pub(super) fn queue_call(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        arriving: &Arriving,
        (document, order, test): (&str, &str, bool),
    ) -> Result<(), Error> {
        let is_it =
            |work: &Work| matches!(&work.task, Task::Call { document: its } if its == document);
        let parked = if arriving.redelivers() {
            self.ledger.store().parked(PARKED_MAX)?.into_iter().find(is_it)
        } else {
            None
        };
        if let Some(work) = parked {
            draft.mend(about_work(&work), arriving.now, "its document was replayed");
            draft.unpark(work, arriving.now);
            return Ok(());
        }
        let task = Task::Call { document: document.to_owned() };
        draft.queue(lanes::call(&partner.name, test), order, task, arriving.now);
        Ok(())
    }

    /// Whether this very set came before and was set aside, so that it has had no effect yet.
    fn was_set_aside(
        &self,
        partner: &Partner,
        header: &Header,
        (index, set): (usize, &ReceivedSet),
    ) -> Result<bool, Error> {
        if let Some(before) = self.became(partner, header, (index, set))? {
            return Ok(before.state == DocumentState::Quarantined);
        }
        let unread = id(partner, header, (index, set), &set.set, &set.number);
        Ok(self.ledger.store().document(&unread)?.is_some())
    }

    /// Whether this very set has become a document that was not set aside.
    fn has_effect(
        &self,
        partner: &Partner,
        header: &Header,
        place: (usize, &ReceivedSet),
    ) -> Result<bool, Error> {
        match self.became(partner, header, place)? {
            Some(before) => Ok(before.state != DocumentState::Quarantined),
            None => self.has_left(partner, header, place),
        }
    }

    /// Whether this very set became a document that went on, and has left the store since.
    fn has_left(
        &self,
        partner: &Partner,
        header: &Header,
        (index, set): (usize, &ReceivedSet),
    ) -> Result<bool, Error> {
        let Some(document) = &set.document else { return Ok(false) };
        let number = business_number(document.number());
        let id = id(partner, header, (index, set), document.kind(), &number);
        Ok(has_left(self.ledger.store(), (&partner.name, header.test), document, &id)?)
    }

    /// The document that this very set has become before.
    fn became(
        &self,
        partner: &Partner,
        header: &Header,
        (index, set): (usize, &ReceivedSet),
    ) -> Result<Option<Document>, Error> {
        let Some(document) = &set.document else { return Ok(None) };
        let number = business_number(document.number());
        let id = id(partner, header, (index, set), document.kind(), &number);
        Ok(self.ledger.store().document(&id)?)
    }
}

/// Whether a document of a partner's went on, and has left the store since: its number is taken by it, and its record is
/// not there.
pub(in crate::gateway) fn has_left(
    records: &dyn Records,
    (partner, test): (&str, bool),
    document: &crate::canonical::Document,
    id: &str,
) -> Result<bool, store::Error> {
    let own = number_key((partner, test), document);
    if own.number.is_empty() || records.document(id)?.is_some() {
        return Ok(false);
    }
    let of_number = [records.purchase_order(&own)?, records.purchase_order(&latest(&own))?];
    Ok(of_number.iter().flatten().any(|taken| taken == id))
}

/// Whether a document is what was kept of it, however that was written.
pub(in crate::gateway) fn says_the_same(
    kept: &[u8],
    document: &crate::canonical::Document,
) -> bool {
    let kept: Option<serde_json::Value> = serde_json::from_slice(kept).ok();
    kept.is_some() && kept == serde_json::to_value(document).ok()
}
