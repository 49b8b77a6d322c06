//! Where an order stands, from the records: what came of it, and what its changes make of it.

use rust_decimal::Decimal;

use super::intake::business_number;
use super::orders::{counts, ids_of, latest, nth, read, replaced, series};
use super::raising::about_set;
use crate::canonical::{self, Order, OrderLine};
use crate::lifecycle::{Asked, Extent, Facts, Stage, Whereabouts};
use crate::profile::{Direction, Partner};
use crate::store::{Document, DocumentState, Error, PurchaseOrderKey, Records, Task, Work};
use crate::translate::{LineSums, changed, line_sums};

/// The kinds of document that come of an order, and that change it.
pub(super) const CHANGES: [&str; 2] = ["order_change", "order"];
/// Parked work that is looked through for the call of an order.
const PARKED_MAX: usize = 10_000;
/// The kinds of document that ship and bill an order.
pub(super) const RESULTS: [&str; 2] = ["shipment", "invoice"];

/// What is asked of an order that was received before: by a change, or by an order whose purpose is to cancel one. (An
/// order that replaces or changes one is an order, whose number came before.)
pub(super) fn asked_by(document: &canonical::Document) -> Option<Asked> {
    match document {
        canonical::Document::OrderChange(change) => Some(asked(change)),
        canonical::Document::Order(order) => {
            Some(asked(order)).filter(|asked| *asked == Asked::Cancellation)
        }
        _ => None,
    }
}

fn asked(order: &Order) -> Asked {
    let cancels = |line: &OrderLine| line.change.as_deref() == Some("cancel_order");
    if order.purpose.as_deref() == Some("cancellation") || order.lines.iter().any(cancels) {
        Asked::Cancellation
    } else {
        Asked::Change
    }
}

/// The number under which a document is known when it comes again. Changes of one order have the number of that: only
/// those that have a number of their own can be told apart.
pub(super) fn own_number(document: &canonical::Document) -> String {
    let number = business_number(document.number());
    match document {
        _ if asked_by(document).is_none() => number,
        canonical::Document::OrderChange(change) | canonical::Document::Order(change) => {
            match change.change_number.as_deref().map(str::trim).filter(|n| !n.is_empty()) {
                Some(own) => format!("{number} change {own}"),
                None => String::new(),
            }
        }
        _ => number,
    }
}

/// The key under which the number of a document of a partner's is taken. A test order does not stand in the way of the
/// one in earnest.
pub(super) fn number_key(
    (partner, test): (&str, bool),
    document: &canonical::Document,
) -> PurchaseOrderKey {
    let kind = document.kind();
    PurchaseOrderKey {
        partner: partner.to_owned(),
        kind: if test { format!("test {kind}") } else { kind.to_owned() },
        number: own_number(document),
    }
}

/// The record of the order that a document of a partner's names.
pub(super) fn order_record(
    records: &dyn Records,
    partner: &str,
    kind: &str,
    number: &str,
) -> Result<Option<Document>, Error> {
    let (partner, kind) = (partner.to_owned(), kind.to_owned());
    let key = PurchaseOrderKey { partner, kind, number: business_number(number) };
    let id = match records.purchase_order(&latest(&key))? {
        Some(id) => Some(id),
        None => records.purchase_order(&key)?,
    };
    Ok(id.map(|id| records.document(&id)).transpose()?.flatten())
}

/// A record, and what it says.
pub(super) type Said = (Document, Option<canonical::Document>);

/// An order, and what came of it.
pub(super) struct Story {
    /// As its changes leave it; nothing where its bytes say no order.
    pub(super) order: Option<Order>,
    /// Its changes, then its shipments and invoices, with what they say; those that do not count, too.
    pub(super) documents: Vec<Said>,
    /// What was ordered, shipped and billed, line by line.
    pub(super) lines: Vec<LineSums>,
    /// What is in no line, in words.
    pub(super) strange: Vec<String>,
    /// Where it stands.
    pub(super) stage: Stage,
    /// The cancellation that went on, if one did.
    pub(super) cancelled: Option<Document>,
}

impl Story {
    /// Reads what the records have of an order. Work and memory are bounded by what is counted for an order.
    pub(super) fn of(records: &dyn Records, record: &Document) -> Result<Self, Error> {
        let mut order = match said(records, record)? {
            Some(canonical::Document::Order(order)) => Some(*order),
            _ => None,
        };
        let mut documents = of_series(records, record, &CHANGES)?;
        let cancelled = put_into(order.as_mut(), &documents);
        documents.extend(of_series(records, record, &RESULTS)?);
        let counted: Vec<&canonical::Document> = documents
            .iter()
            .filter(|(record, _)| counts(record.state) && RESULTS.contains(&record.kind.as_str()))
            .filter_map(|(_, said)| said.as_ref())
            .collect();
        let (lines, strange) =
            order.as_ref().map(|order| line_sums(order, &counted)).unwrap_or_default();
        let whereabouts = whereabouts(records, record)?;
        let facts = facts(whereabouts, cancelled.is_some(), &documents, &lines);
        let stage = Stage::of(facts);
        Ok(Self { order, documents, lines, strange, stage, cancelled })
    }
}

/// Puts the changes of an order into it; tells which one cancels it, where one does.
fn put_into(mut order: Option<&mut Order>, changes: &[Said]) -> Option<Document> {
    let mut cancelled = None;
    for (record, said) in changes.iter().filter(|(record, _)| counts(record.state)) {
        let Some(canonical::Document::OrderChange(change) | canonical::Document::Order(change)) =
            said
        else {
            continue;
        };
        match (asked(change), order.as_deref_mut()) {
            (Asked::Cancellation, _) => cancelled = Some(record.clone()),
            (Asked::Change, Some(order)) => changed(order, change),
            (Asked::Change, None) => {}
        }
    }
    cancelled
}

/// Documents that were counted for an order, of these kinds, with what they say; of a kind in the order in which they
/// were counted, whenever the endpoint took them.
fn of_series(records: &dyn Records, order: &Document, kinds: &[&str]) -> Result<Vec<Said>, Error> {
    let mut found = Vec::new();
    for kind in kinds {
        for way in [Direction::Out, Direction::In] {
            let series = series(&order.partner, way, kind, &order.number);
            // What was said of an order does not hold for the one that has taken its place.
            let over = records.purchase_order(&replaced(&series))?;
            let over = over.and_then(|count| count.parse().ok()).unwrap_or(0);
            for id in ids_of(records, &series)?.into_iter().skip(over) {
                let Some(record) = records.document(&id)? else { continue };
                let said = said(records, &record)?;
                found.push((record, said));
            }
        }
    }
    Ok(found)
}

/// What a record says; nothing where it was set aside for want of a map, and has its bytes instead.
pub(super) fn said(
    records: &dyn Records,
    record: &Document,
) -> Result<Option<canonical::Document>, Error> {
    Ok(serde_json::from_slice(&records.payload(record.payload)?).ok())
}

fn whereabouts(records: &dyn Records, order: &Document) -> Result<Whereabouts, Error> {
    Ok(match order.state {
        DocumentState::Queued => {
            // What the endpoint has refused waits for a person.
            let is_its = |work: &Work| matches!(&work.task, Task::Call { document } if *document == order.id);
            let is_parked = records.parked(PARKED_MAX)?.iter().any(is_its);
            if is_parked { Whereabouts::Held } else { Whereabouts::Waiting }
        }
        DocumentState::Shadowed => Whereabouts::Waiting,
        DocumentState::Quarantined | DocumentState::Rejected => Whereabouts::Held,
        _ => Whereabouts::HandedOver,
    })
}

fn facts(
    whereabouts: Whereabouts,
    cancelled: bool,
    documents: &[Said],
    lines: &[LineSums],
) -> Facts {
    let of = |kind: &str| {
        let its = |record: &&Document| record.kind == kind && counts(record.state);
        documents.iter().map(|(record, _)| record).filter(its).collect::<Vec<_>>()
    };
    let (shipments, invoices) = (of("shipment"), of("invoice"));
    let extent = |any: bool, done: fn(&LineSums) -> Decimal| {
        let open = |line: &LineSums| done(line) < line.ordered.unwrap_or_default();
        match any {
            false => Extent::Nothing,
            true if lines.iter().any(open) => Extent::Part,
            true => Extent::All,
        }
    };
    let is_accepted = |record: &&Document| {
        matches!(record.state, DocumentState::Accepted | DocumentState::AcceptedWithErrors)
    };
    Facts {
        whereabouts,
        cancelled,
        shipped: extent(!shipments.is_empty(), |line| line.shipped),
        invoiced: extent(!invoices.is_empty(), |line| line.invoiced),
        accepted: shipments.iter().chain(&invoices).all(is_accepted),
    }
}

/// Why a change or cancellation is held for a person, in words; nothing where it goes on, or is none.
pub(super) fn why_held(
    records: &dyn Records,
    partner: &Partner,
    document: &canonical::Document,
    (test, goes): (bool, &dyn Fn(&PurchaseOrderKey) -> bool),
) -> Result<Option<String>, Error> {
    let Some(asked) = asked_by(document) else { return Ok(None) };
    let number = document.number();
    let kind = if test { "test order" } else { "order" };
    let order = PurchaseOrderKey {
        partner: partner.name.clone(),
        kind: kind.to_owned(),
        number: business_number(number),
    };
    let stage = match order_record(records, &partner.name, kind, number)? {
        _ if goes(&order) => Stage::Waiting,
        Some(record) => Story::of(records, &record)?.stage,
        None if is_held(records, &partner.name, kind, number)? => Stage::Held,
        None => {
            return Ok(Some(format!(
                "order {number} is not known: there is nothing to change or cancel"
            )));
        }
    };
    let what = match asked {
        Asked::Change => "a change",
        Asked::Cancellation => "the cancellation",
    };
    let why = stage.holds(asked).or_else(|| {
        let is_nameless = asked == Asked::Change && own_number(document).is_empty();
        is_nameless.then_some("it has no number of its own, so that it may have come before")
    });
    Ok(why.map(|why| format!("{what} of order {number} came, and {why}")))
}

/// The key of what is wrong with a document, by its number; `kind` begins with `test` where it is one.
pub(super) fn about_number(partner: &str, kind: &str, number: &str) -> String {
    about_set(&format!("{partner}\n{kind}\n{number}"))
}

/// Whether an order of which no document went on came, and waits for a person.
fn is_held(records: &dyn Records, partner: &str, kind: &str, number: &str) -> Result<bool, Error> {
    let about = about_number(partner, kind, &business_number(number));
    Ok(records.exception_about(&about)?.is_some())
}

/// Why a change is not handed over though it went on: the endpoint has refused its order meanwhile, which waits for a
/// person, and a change never overtakes its order.
pub(super) fn waits_for_order(
    records: &dyn Records,
    record: &Document,
    test: bool,
) -> Result<Option<String>, Error> {
    // Few are read for it: those of orders of which something was counted that changes them, and changes themselves.
    let may_be = match record.kind.as_str() {
        "order_change" => true,
        "order" => is_changed(records, &record.partner, &record.number)?,
        _ => false,
    };
    if !may_be || said(records, record)?.as_ref().and_then(asked_by).is_none() {
        return Ok(None);
    }
    let (number, kind) = (&record.number, if test { "test order" } else { "order" });
    let order = order_record(records, &record.partner, kind, number)?;
    let order = order.filter(|order| order.state == DocumentState::Queued);
    let whereabouts = order.map(|order| whereabouts(records, &order)).transpose()?;
    let is_held = whereabouts == Some(Whereabouts::Held);
    Ok(is_held.then(|| format!("order {number} was refused, and goes before what changes it")))
}

/// The order as its changes leave it, and what has cancelled it; nothing where it says no order.
pub(super) fn order_as_changed(
    records: &dyn Records,
    record: &Document,
) -> Result<Option<(Order, Option<Document>)>, super::Error> {
    let canonical::Document::Order(mut order) = read(&records.payload(record.payload)?)? else {
        return Ok(None);
    };
    let cancelled = put_into(Some(&mut order), &of_series(records, record, &CHANGES)?);
    Ok(Some((*order, cancelled)))
}

/// Whether the cancellation of an order went on.
pub(super) fn is_cancelled(records: &dyn Records, order: &Document) -> Result<bool, super::Error> {
    Ok(cancellation(records, order)?.is_some())
}

/// The cancellation of an order that went on, if one did.
pub(super) fn cancellation(
    records: &dyn Records,
    order: &Document,
) -> Result<Option<Document>, super::Error> {
    if !is_changed(records, &order.partner, &order.number)? {
        return Ok(None);
    }
    Ok(order_as_changed(records, order)?.and_then(|(_, cancelled)| cancelled))
}

/// Whether anything was counted that changes or cancels an order.
pub(super) fn is_changed(
    records: &dyn Records,
    partner: &str,
    number: &str,
) -> Result<bool, Error> {
    for kind in CHANGES {
        let first = nth(&series(partner, Direction::In, kind, number), 1);
        if records.purchase_order(&first)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
