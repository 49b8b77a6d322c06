//! What is shipped and billed, compared with the order that the store knows (`against order …` of an overlay), and
//! what has gone before for that order.

use super::Error;
use super::intake::business_number;
use super::ledger::Draft;
use super::standing::{CHANGES, asked_by, is_changed, order_as_changed, order_record};
use crate::bridge::{self, Orders};
use crate::canonical::{Document, Order};
use crate::findings::{Code, Finding, Place, Rule, Severity};
use crate::overlay::{Compared, Overlay};
use crate::profile::{Agreement, Direction, Partner, Usage};
use crate::store::{
    self, Change, Document as Record, DocumentState, PurchaseOrderKey, Records, Store,
};
use crate::translate::{Before, against};

/// Documents of one order that are counted, and orders of one document that are compared: what bounds the work.
const BEFORE_MAX: usize = 256;
const ORDERS_MAX: usize = 100;
/// JSON of earlier documents that is held in memory for one comparison.
const BEFORE_BYTES_MAX: usize = 64 << 20;

/// What passed in this step and is not committed yet: it counts for what follows it.
#[derive(Default)]
pub(super) struct Passed(Vec<(PurchaseOrderKey, Document)>);

impl Passed {
    fn count(&self, series: &PurchaseOrderKey) -> usize {
        self.0.iter().filter(|(key, _)| key == series).count()
    }
}

/// A document among those that were counted for its orders before.
#[derive(Clone, Copy)]
pub(super) enum Own<'a> {
    /// It goes now: all others count.
    Now(&'a str),
    /// It is judged as it went: what came after it does not count.
    Then(&'a str),
}

impl<'a> Own<'a> {
    fn id(self) -> &'a str {
        let (Self::Now(id) | Self::Then(id)) = self;
        id
    }
}

/// Documents of a kind that went for an order before: `number` with a running number behind it is the key of each.
pub(super) fn series(partner: &str, way: Direction, kind: &str, order: &str) -> PurchaseOrderKey {
    let way = if way == Direction::In { "in" } else { "out" };
    let (partner, number) = (partner.to_owned(), business_number(order));
    PurchaseOrderKey { partner, kind: format!("{way} {kind} of order"), number }
}

pub(super) fn nth(series: &PurchaseOrderKey, n: usize) -> PurchaseOrderKey {
    PurchaseOrderKey { number: format!("{} {n:04}", series.number), ..series.clone() }
}

/// The key under which the latest order of a number is found where the same number may come again.
pub(super) fn latest(order: &PurchaseOrderKey) -> PurchaseOrderKey {
    PurchaseOrderKey { kind: format!("latest {}", order.kind), ..order.clone() }
}

/// The key under which is noted how many documents of a series were for an order whose place another has taken.
pub(super) fn replaced(series: &PurchaseOrderKey) -> PurchaseOrderKey {
    PurchaseOrderKey { kind: format!("replaced {}", series.kind), ..series.clone() }
}

/// Notes that an order takes the place of the one that had its number: what has changed that does not change it.
pub(super) fn replace_order(
    records: &dyn Records,
    draft: &mut Draft,
    order: &PurchaseOrderKey,
    passed: &Passed,
) -> Result<(), Error> {
    for kind in CHANGES {
        let series = series(&order.partner, Direction::In, kind, &order.number);
        let count = ids_of(records, &series)?.len() + passed.count(&series);
        if count > 0 {
            draft.push(Change::Noted(replaced(&series), count.to_string()));
        }
    }
    Ok(())
}

/// The orders that a document is for, or that it changes; nothing of documents that are for none.
pub(super) fn orders_of(document: &Document) -> Vec<&str> {
    let mut orders: Vec<&str> = match document {
        Document::Shipment(shipment) => {
            shipment.orders.iter().filter_map(|order| order.number.as_deref()).collect()
        }
        Document::Invoice(invoice) => invoice.order.as_deref().into_iter().collect(),
        Document::Order(order) | Document::OrderChange(order) if asked_by(document).is_some() => {
            vec![&order.number]
        }
        _ => Vec::new(),
    };
    orders.sort_unstable();
    orders.dedup();
    orders
}

/// The orders that a document of the store names; of an order, its own number.
pub(super) fn orders_named(
    records: &dyn Records,
    record: &store::Document,
) -> Result<Vec<String>, Error> {
    if record.kind == "order" {
        return Ok(vec![record.number.clone()]);
    }
    let document = read(&records.payload(record.payload)?)?;
    Ok(orders_of(&document).into_iter().take(ORDERS_MAX).map(str::to_owned).collect())
}

/// Compares a document, in our own words, with its orders, where the agreement wants that. `own` tells
/// what to do with itself, where it was counted before.
pub(super) fn against_orders(
    records: &dyn Records,
    partner: &Partner,
    agreement: &Agreement,
    (document, test, own): (&Document, bool, Own<'_>),
    passed: &Passed,
) -> Result<Vec<Finding>, Error> {
    let comparisons = agreement.overlay.as_deref().map_or(&[][..], Overlay::against);
    let mut findings = cancelled_orders(records, partner, agreement.direction, document, test)?;
    let Some(weight) = comparisons.iter().max_by_key(|c| c.severity) else {
        return Ok(findings);
    };
    let fault = |says: String, mend: &str| {
        unknown((weight.severity, weight.rule.clone()), says, mend.to_owned())
    };
    let (orders, way, kind) = (orders_of(document), agreement.direction, document.kind());
    if orders.is_empty() {
        let says = format!("The {kind} names no order, and it was agreed to compare them.");
        return Ok(vec![fault(says, "Name the purchase order.")]);
    }
    if orders.len() > ORDERS_MAX {
        let says = format!("It is for more than {ORDERS_MAX} orders: they are not compared.");
        return Ok(vec![fault(says, "Send it in parts.")]);
    }
    let of_shipments = comparisons.iter().any(|one| one.compared == Compared::Shipped);
    for number in orders {
        let Some((order, _)) = known_order(records, partner, way, test, number)? else {
            let says = format!("Order {number} is not known: nothing can be compared with it.");
            let mend = "Name an order that was received or sent, or drop the rule.";
            findings.push(fault(says, mend));
            continue;
        };
        let gone =
            |kind| before_it(records, &series(&partner.name, way, kind, number), own, passed);
        let shipments = if of_shipments { gone("shipment")? } else { Some(Vec::new()) };
        let Some((same, shipments)) = gone(kind)?.zip(shipments) else {
            let says = format!(
                "Too much went for order {number} before (at most {BEFORE_MAX} documents, 64 MiB): it is not compared."
            );
            findings.push(fault(says, "Look at the order by hand."));
            continue;
        };
        let (same, shipments): (Vec<_>, Vec<_>) =
            (same.iter().collect(), shipments.iter().collect());
        let before = Before { same: &same, shipments: &shipments };
        findings.extend(against(comparisons, document, before, &order));
    }
    Ok(findings)
}

/// The same without a store: with the orders that are among what came and went before it, in our own words, and with what
/// went for them. Changes of orders are not looked at. Tells as well which orders are not there.
pub(super) fn against_given(
    agreement: &Agreement,
    document: &Document,
    given: &[(Direction, Document)],
) -> (Vec<Finding>, Vec<String>) {
    let comparisons = agreement.overlay.as_deref().map_or(&[][..], Overlay::against);
    let (mut findings, mut missing) = (Vec::new(), Vec::new());
    if comparisons.is_empty() {
        return (findings, missing);
    }
    for number in orders_of(document).into_iter().take(ORDERS_MAX) {
        let is_it = |other: &str| business_number(other) == business_number(number);
        let order = given.iter().rev().find_map(|(way, one)| match one {
            Document::Order(order) if *way != agreement.direction => {
                is_it(&order.number).then_some(order)
            }
            _ => None,
        });
        let Some(order) = order else {
            missing.push(number.to_owned());
            continue;
        };
        let of_order = |kind: &str| -> Vec<&Document> {
            let gone = given.iter().filter(|(way, one)| {
                *way == agreement.direction
                    && one.kind() == kind
                    && orders_of(one).into_iter().any(is_it)
            });
            gone.map(|(_, one)| one).collect()
        };
        let (same, shipments) = (of_order(document.kind()), of_order("shipment"));
        let order = Order { number: number.to_owned(), ..(**order).clone() };
        let before = Before { same: &same, shipments: &shipments };
        findings.extend(against(comparisons, document, before, &order));
    }
    (findings, missing)
}

/// A shipment of an order whose cancellation went on to the warehouse, whatever was agreed to be compared.
fn cancelled_orders(
    records: &dyn Records,
    partner: &Partner,
    way: Direction,
    document: &Document,
    test: bool,
) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    let is_shipment = matches!(document, Document::Shipment(_));
    for number in orders_of(document).into_iter().take(ORDERS_MAX).filter(|_| is_shipment) {
        if !is_changed(records, &partner.name, number)? {
            continue;
        }
        let known = known_order(records, partner, way, test, number)?;
        let Some((_, Some(cancelled))) = known else { continue };
        let day = cancelled.at.strftime("%F");
        let says = format!("Order {number} was cancelled on {day} ({}).", cancelled.id);
        let mend = "Ship nothing of it; where it has left already, ask the partner.".to_owned();
        let mut finding = Finding::new(Code::NotOnOrder, Place::default(), says, mend);
        finding.severity = Severity::Error;
        findings.push(finding);
    }
    Ok(findings)
}

/// Counts a document for its orders from the commit of this draft on.
pub(super) fn count_for_orders(
    records: &dyn Records,
    draft: &mut Draft,
    partner: &Partner,
    way: Direction,
    (id, document): (&str, &Document),
    passed: &mut Passed,
) -> Result<(), Error> {
    for number in orders_of(document).into_iter().take(ORDERS_MAX) {
        let series = series(&partner.name, way, document.kind(), number);
        let here = passed.count(&series);
        let before = ids_of(records, &series)?;
        let next = before.len() + here + 1;
        // One that is written once more counts as before.
        if next <= BEFORE_MAX && !before.iter().any(|known| known == id) {
            draft.push(Change::PurchaseOrder(nth(&series, next), id.to_owned()));
        }
        passed.0.push((series, document.clone()));
    }
    Ok(())
}

/// The order of a number, as its changes leave it, and what has cancelled it: what came in is shipped and billed
/// outbound, what we sent inbound.
fn known_order(
    records: &dyn Records,
    partner: &Partner,
    way: Direction,
    test: bool,
    number: &str,
) -> Result<Option<(Order, Option<Record>)>, Error> {
    let kinds: &[&str] = match way {
        Direction::In => &["out order"],
        Direction::Out if test || partner.usage == Usage::Test => &["test order", "order"],
        Direction::Out => &["order"],
    };
    for kind in kinds {
        let Some(record) = order_record(records, &partner.name, kind, number)? else { continue };
        if let Some((mut order, cancelled)) = order_as_changed(records, &record)? {
            // As the document spells it: blanks around it may differ.
            number.clone_into(&mut order.number);
            return Ok(Some((order, cancelled)));
        }
    }
    Ok(None)
}

/// The orders of a partner as they were handed over, for an endpoint that fetches what was made of them.
pub(super) struct ReceivedOrders<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) partner: &'a Partner,
}

impl Orders for ReceivedOrders<'_> {
    fn order(&self, number: &str) -> Result<Option<Vec<u8>>, bridge::Error> {
        let failed = |reason: String| bridge::Error::Transient { reason, retry_after: None };
        let known = known_order(self.store, self.partner, Direction::Out, false, number);
        let Some((order, _)) = known.map_err(|e| failed(e.to_string()))? else { return Ok(None) };
        let order = Document::Order(Box::new(order));
        serde_json::to_vec(&order).map(Some).map_err(|e| failed(e.to_string()))
    }
}

/// What went for an order before and was not taken back, itself not counted; `None` where that is too much.
fn before_it(
    records: &dyn Records,
    series: &PurchaseOrderKey,
    own: Own<'_>,
    passed: &Passed,
) -> Result<Option<Vec<Document>>, Error> {
    let mut ids = ids_of(records, series)?;
    if ids.len() >= BEFORE_MAX {
        return Ok(None);
    }
    let (mut before, mut bytes) = (Vec::new(), 0);
    let place = ids.iter().position(|id| id == own.id());
    if let (Own::Then(_), Some(place)) = (own, place) {
        ids.truncate(place);
    }
    for id in ids.into_iter().filter(|id| id != own.id()) {
        let Some(record) = records.document(&id)?.filter(|record| counts(record.state)) else {
            continue;
        };
        let json = records.payload(record.payload)?;
        bytes += json.len();
        if bytes > BEFORE_BYTES_MAX {
            return Ok(None);
        }
        before.push(read(&json)?);
    }
    let here = passed.0.iter().filter(|(key, _)| key == series);
    before.extend(here.map(|(_, document)| document.clone()));
    Ok(Some(before))
}

/// The documents that were counted in a series, in that order.
pub(super) fn ids_of(
    records: &dyn Records,
    series: &PurchaseOrderKey,
) -> Result<Vec<String>, store::Error> {
    let mut ids = Vec::new();
    for n in 1..=BEFORE_MAX {
        match records.purchase_order(&nth(series, n))? {
            Some(id) => ids.push(id),
            None => break,
        }
    }
    Ok(ids)
}

/// What was rejected or set aside ships and bills nothing.
pub(super) fn counts(state: DocumentState) -> bool {
    !matches!(
        state,
        DocumentState::Rejected
            | DocumentState::Quarantined
            | DocumentState::Duplicate
            | DocumentState::Shadowed
    )
}

pub(super) fn read(json: &[u8]) -> Result<Document, Error> {
    serde_json::from_slice(json)
        .map_err(|e| Error::Defect(format!("a document of the store cannot be read: {e}")))
}

fn unknown((severity, rule): (Severity, Rule), says: String, mend: String) -> Finding {
    let mut finding = Finding::new(Code::NotOnOrder, Place::default(), says, mend);
    finding.severity = severity;
    finding.rule = Some(rule);
    finding
}
