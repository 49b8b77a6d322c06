//! The deadlines of the business: a ship notice so long after goods left, an invoice so long after the ship notice.
//!
//! What starts a clock queues work that is due when there is something to be told, so that a restart forgets none. What
//! is told is an exception, which mends itself when the document that was waited for is in the partner's mailbox.

use jiff::{SignedDuration, Timestamp};

use super::intake::business_number;
use super::ledger::Draft;
use super::orders::{ids_of, latest, orders_named, series};
use super::raising::{About, Trouble};
use super::standing::is_cancelled;
use super::{Error, Gateway, lanes};
use crate::exceptions::Kind;
use crate::profile::{Deadline, Direction, Moment, Partner, State};
use crate::store::{Change, Document, DocumentState, PurchaseOrderKey, Subject, Task, Work};

/// A deadline's name: as its section in the profile.
fn name(of: Moment) -> &'static str {
    match of {
        Moment::ShipNotice => "ship_notice",
        Moment::Invoice => "invoice",
        Moment::Order => "order",
        Moment::Shipment => "shipment",
        Moment::Delivery => "delivery",
    }
}

/// The kind of document that a deadline waits for.
fn kind(deadline: &Deadline) -> &'static str {
    if deadline.of == Moment::ShipNotice { "shipment" } else { "invoice" }
}

/// What a deadline is called by people.
fn words(of: Moment) -> &'static str {
    match of {
        Moment::ShipNotice => "The ship notice",
        _ => "The invoice",
    }
}

fn about(of: &str, document: &str) -> String {
    format!("deadline {of} {document}")
}

fn is_there(record: &Document) -> bool {
    record.state == DocumentState::Sent || record.state.is_verdict()
}

impl Draft {
    /// Starts the clocks that something starts which happens to a document.
    pub(super) fn start_deadlines(
        &mut self,
        partner: &Partner,
        moment: Moment,
        document: &str,
        now: Timestamp,
    ) {
        if partner.state != State::Live {
            return;
        }
        let started = partner.deadlines.iter().filter(|deadline| deadline.after == moment);
        for deadline in started.filter(|one| partner.flow(kind(one), Direction::Out).is_some()) {
            let span = |span| SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
            let at = |after| now.saturating_add(span(after)).unwrap_or(Timestamp::MAX);
            let due = at(deadline.within);
            let task = Task::Deadline {
                document: document.to_owned(),
                of: name(deadline.of).to_owned(),
                from: now,
                due,
            };
            let first = at(deadline.within.saturating_sub(deadline.within / 4));
            self.queue(lanes::deadlines(&partner.name), "", task, first);
        }
    }
}

impl Gateway {
    /// A document is in the partner's mailbox: what waited for it mends itself, and what follows it is waited for.
    pub(super) fn document_left(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        document: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        if partner.deadlines.is_empty() {
            return Ok(());
        }
        let store = self.ledger.store();
        let Some(record) = store.document(document)? else { return Ok(()) };
        let (of, moment) = match record.kind.as_str() {
            "shipment" => ("ship_notice", Moment::ShipNotice),
            "invoice" => ("invoice", Moment::Invoice),
            _ => return Ok(()),
        };
        let mut started = vec![record.id.clone()];
        for order in orders_named(store, &record)? {
            let (partner, kind) = (partner.name.clone(), "order".to_owned());
            let key = PurchaseOrderKey { partner, kind, number: business_number(&order) };
            started.extend(store.purchase_order(&key)?);
            started.extend(store.purchase_order(&latest(&key))?);
            for kind in ["shipment", "invoice"] {
                started.extend(ids_of(store, &series(&key.partner, Direction::Out, kind, &order))?);
            }
        }
        for start in started {
            draft.mend(about(of, &start), now, "it is in the partner's mailbox");
        }
        draft.start_deadlines(partner, moment, &record.id, now);
        Ok(())
    }

    /// A deadline is near, or over.
    pub(super) fn look_at_deadline(
        &self,
        work: &Work,
        document: &str,
        of: &str,
        (from, due): (Timestamp, Timestamp),
    ) -> Result<(), Error> {
        let mut draft = Draft::new();
        draft.push(Change::Done { lane: work.lane.clone(), work: work.id });
        let record = self.ledger.store().document(document)?;
        let partner = record.as_ref().map(|record| self.partner(&record.partner)).transpose()?;
        let deadline = partner
            .as_ref()
            .and_then(|partner| partner.deadlines.iter().find(|deadline| name(deadline.of) == of));
        // One that is agreed no more is not waited for.
        if let (Some(record), Some(partner), Some(deadline)) = (&record, &partner, deadline)
            && !self.is_kept(partner, record, deadline, from)?
        {
            let now = Timestamp::now();
            self.raise_deadline(&mut draft, (partner, record, deadline), (from, due), now);
            if now < due {
                draft.queue(work.lane.clone(), "", work.task.clone(), due);
            }
        }
        Ok(self.ledger.commit(draft)?)
    }

    fn raise_deadline(
        &self,
        draft: &mut Draft,
        (partner, record, deadline): (&Partner, &Document, &Deadline),
        (from, due): (Timestamp, Timestamp),
        now: Timestamp,
    ) {
        let section = format!("deadlines.{}", name(deadline.of));
        let rows = partner.rows();
        let row = rows.iter().find(|row| *row.section == *section && row.subject == "within");
        let origin = row.and_then(|row| row.origin.as_ref());
        let place = origin.map(ToString::to_string).unwrap_or_default();
        let source = row.and_then(|row| row.source.as_ref());
        let by = source.map_or_else(|| place.clone(), |source| format!("{source} ({place})"));
        let agreed = row.map(|row| row.value.clone()).unwrap_or_default();
        let (of, kind, number) = (words(deadline.of), &record.kind, &record.number);
        let after = name(deadline.after).replace('_', " ");
        let late = now >= due;
        let state = if late { "was due" } else { "is due" };
        let words = format!(
            "{of} for {kind} {number} {state} at {due:.0}: {agreed} after the {after}, which was at {from:.0}. Agreed in {by}."
        );
        let trouble = Trouble {
            kind: if late { Kind::DeadlineLate } else { Kind::DeadlineDueSoon },
            partner: &partner.name,
            cause: &section,
            place: &partner.endpoint,
            words: &words,
            mend: "",
            about: About {
                key: about(name(deadline.of), &record.id),
                subject: Subject::Document { document: record.id.clone() },
                payload: Some(record.payload),
                findings: None,
                acceptable: false,
            },
        };
        self.raise_due(draft, trouble, now, Some(due));
    }

    /// Whether what a deadline waits for is with the partner.
    fn is_kept(
        &self,
        partner: &Partner,
        record: &Document,
        deadline: &Deadline,
        from: Timestamp,
    ) -> Result<bool, Error> {
        let store = self.ledger.store();
        if record.kind == kind(deadline) {
            return Ok(is_there(record));
        }
        if record.kind == "order" && is_cancelled(store, record)? {
            return Ok(true);
        }
        let orders = orders_named(store, record)?;
        for order in &orders {
            let sent =
                ids_of(store, &series(&partner.name, Direction::Out, kind(deadline), order))?;
            let mut there = 0;
            let mut is_later = false;
            for id in sent {
                let Some(one) = store.document(&id)?.filter(is_there) else { continue };
                there += 1;
                is_later |= one.at >= from;
            }
            // The third shipment of an order waits for its third invoice, or for any that came after it.
            let own = series(&partner.name, Direction::Out, &record.kind, order);
            let place = ids_of(store, &own)?.iter().position(|id| *id == record.id);
            if !is_later && there < place.map_or(1, |place| place + 1) {
                return Ok(false);
            }
        }
        Ok(!orders.is_empty())
    }
}
