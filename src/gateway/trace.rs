//! An order and everything that came of it: where it came from and how it was answered, what was shipped and billed,
//! how that was acknowledged, and what does not agree.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use super::intake::{business_number, id_start};
use super::leads::each;
use super::orders::counts;
use super::records::message_of;
use super::standing::{CHANGES, RESULTS, Story, asked_by, said};
use crate::canonical::{self, Order, Shipment};
use crate::lifecycle::Stage;
use crate::store::{
    As2Message, Document, DocumentState, Error, Expectation, InterchangeRecord, PayloadId, Records,
};
use crate::translate::LineSums;
use crate::x12::{Event, Limits, Reader};

/// Expectations and exceptions that are read at a time.
const PAGE: usize = 1000;

/// An order of one partner, and what came of it.
#[derive(Debug, Serialize)]
pub struct Trace {
    /// The partner.
    pub partner: String,
    /// The order's number.
    pub number: String,
    /// Its date.
    pub date: Option<jiff::civil::Date>,
    /// Where it stands.
    pub stage: Stage,
    /// The order itself, then its changes, shipments and invoices.
    pub documents: Vec<TracedDocument>,
    /// What was ordered, shipped and billed, line by line.
    pub lines: Vec<LineSums>,
    /// What does not agree, in words.
    pub disagreements: Vec<String>,
}

/// A document of the trace.
#[derive(Debug, Serialize)]
pub struct TracedDocument {
    /// Its record.
    #[serde(flatten)]
    pub record: Document,
    /// The interchange that it came in, or, where it came in several, the one that was answered.
    #[serde(rename = "received")]
    pub interchange: Option<InterchangeRecord>,
    /// When it was sent, and what the partner said of it.
    pub acknowledgement: Option<Expectation>,
    /// The message over AS2 that it was sent in, with its receipt (MDN).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<As2Message>,
    /// Cartons and pallets of a shipment.
    pub cartons: Vec<Carton>,
}

/// A package of a shipment, with what is in it.
#[derive(Debug, Serialize)]
pub struct Carton {
    /// `tare` (pallet) or `pack` (carton).
    pub kind: Option<String>,
    /// Serial shipping container code.
    pub sscc: Option<String>,
    /// The carrier's number.
    pub tracking: Option<String>,
    /// What is in it: item and quantity.
    pub contents: Vec<String>,
}

/// Follows an order by its number, of one partner or of all that have one of this number. It takes as long as there are
/// shipments and invoices to look through for those that are held; orders are found by their ids.
///
/// # Errors
/// Where the records cannot be read.
pub fn trace(
    records: &dyn Records,
    number: &str,
    partner: Option<&str>,
) -> Result<Vec<Trace>, Error> {
    let mut found: BTreeMap<String, Document> = BTreeMap::new();
    // What is held counts nowhere, and is looked for here: changes, shipments, invoices, and the same number once more.
    let mut held: Vec<Document> = Vec::new();
    let known = business_number(number);
    let is_of = |one: &Document| {
        one.state != DocumentState::Duplicate && partner.is_none_or(|name| name == one.partner)
    };
    for kind in CHANGES {
        each(records, &id_start(kind, number), &mut |one| {
            if one.kind != kind || one.number != known || !is_of(&one) {
                return Ok(());
            }
            if changes_an_order(records, &one)? {
                held.extend(Some(one).filter(|one| !counts(one.state)));
                return Ok(());
            }
            // The latest of a number that came several times, one that went through before one that did not.
            let weight = |one: &Document| (counts(one.state), one.at);
            let better = found.get(&one.partner).is_none_or(|other| weight(&one) > weight(other));
            held.extend(if better { found.insert(one.partner.clone(), one) } else { Some(one) });
            Ok(())
        })?;
    }
    for kind in RESULTS {
        each(records, &format!("{kind}-"), &mut |one| {
            if one.kind == kind && !counts(one.state) && is_of(&one) {
                // Of bytes that have gone to the archive nothing can be told.
                let said = said(records, &one).unwrap_or_default();
                held.extend(said.filter(|said| is_for(said, &known)).map(|_| one));
            }
            Ok(())
        })?;
    }
    let of_partner = |partner: &str| -> Vec<Document> {
        held.iter().filter(|one| one.partner == partner).cloned().collect()
    };
    let traces = found.into_values().map(|order| {
        let held = of_partner(&order.partner);
        of_order(records, order, held)
    });
    traces.collect()
}

/// Whether a shipment or an invoice is for the order of a number.
fn is_for(said: &canonical::Document, number: &str) -> bool {
    let is_it = |named: &str| business_number(named) == number;
    match said {
        canonical::Document::Shipment(shipment) => {
            shipment.orders.iter().any(|order| order.number.as_deref().is_some_and(is_it))
        }
        canonical::Document::Invoice(invoice) => invoice.order.as_deref().is_some_and(is_it),
        _ => false,
    }
}

/// An open or settled exception about a document of a number that became none: its number, and what is wrong.
///
/// # Errors
/// Where the records cannot be read.
pub fn exceptions_about(
    records: &dyn Records,
    number: &str,
    partner: Option<&str>,
) -> Result<Vec<(u64, String)>, Error> {
    let named = format!(" {} (", business_number(number));
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let page = records.exceptions(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(found) };
        after = last.id;
        for one in page.iter().filter(|one| partner.is_none_or(|name| name == one.partner)) {
            let items = records.exception_items(one.id)?;
            if items.iter().any(|item| item.subject.label().contains(&named)) {
                found.push((one.id, one.kind.entry().title.to_owned()));
            }
        }
    }
}

fn changes_an_order(records: &dyn Records, record: &Document) -> Result<bool, Error> {
    Ok(said(records, record)?.is_some_and(|said| asked_by(&said).is_some()))
}

fn of_order(records: &dyn Records, record: Document, held: Vec<Document>) -> Result<Trace, Error> {
    let story = Story::of(records, &record)?;
    let (partner, number) = (record.partner.clone(), record.number.clone());
    let mut documents = vec![traced(records, record, None)?];
    // What was counted before it was rejected is told of below.
    let is_told = |one: &Document| story.documents.iter().any(|(told, _)| told.id == one.id);
    for record in held.into_iter().filter(|one| !is_told(one)) {
        documents.push(traced(records, record, None)?);
    }
    for (record, said) in story.documents {
        documents.push(traced(records, record, said.as_ref())?);
    }
    let mut disagreements = story.strange;
    let is_cancelled = story.stage == Stage::Cancelled;
    disagreements.extend(story.lines.iter().flat_map(|line| disagreements_of(line, is_cancelled)));
    disagreements.extend(documents.iter().filter_map(trouble));
    if let (Some(cancelled), true) = (&story.cancelled, story.stage != Stage::Cancelled) {
        disagreements.push(format!("something of it has left, and {} cancels it", cancelled.id));
    }
    let date = story.order.and_then(|order: Order| order.date);
    let (stage, lines) = (story.stage, story.lines);
    Ok(Trace { partner, number, date, stage, documents, lines, disagreements })
}

fn traced(
    records: &dyn Records,
    record: Document,
    canonical: Option<&canonical::Document>,
) -> Result<TracedDocument, Error> {
    let mut interchange =
        record.interchange.map(|id| records.interchange(id)).transpose()?.flatten();
    // One that came again was answered the first time.
    if let Some(InterchangeRecord { answer: None, key: Some(key), .. }) = &interchange
        && let Some(first) = records.seen(key)?
        && let Some(first) = records.interchange(first.id)?
        && first.answer.is_some()
    {
        interchange = Some(first);
    }
    let cartons = match canonical {
        Some(canonical::Document::Shipment(shipment)) => cartons(shipment),
        _ => Vec::new(),
    };
    let acknowledgement = acknowledgement_of(records, &record)?;
    let message = message_of(records, &record)?;
    Ok(TracedDocument { record, interchange, acknowledgement, message, cartons })
}

/// When a document of ours was sent last, and what the partner said of it; nothing where it was not sent.
///
/// # Errors
/// Where the records cannot be read.
pub fn acknowledgement_of(
    records: &dyn Records,
    record: &Document,
) -> Result<Option<Expectation>, Error> {
    let Some(rendered) = record.rendered else { return Ok(None) };
    // Mostly the numbers that it was sent under last stand in what was sent; older ones are searched for.
    if let Some(group) = group_of(records, rendered)? {
        let of_group = records.expectations(&record.partner, group)?;
        let own = of_group.into_iter().filter(|one| one.document == record.id);
        if let Some(last) = own.max_by_key(|one| one.sent) {
            return Ok(Some(last));
        }
    }
    Ok(acknowledgements_of(records, record)?.into_iter().max_by_key(|one| one.sent))
}

/// GS06 of the first group of what was sent; nothing where its bytes are kept no more.
fn group_of(records: &dyn Records, sent: PayloadId) -> Result<Option<u64>, Error> {
    let bytes = match records.payload(sent) {
        Err(Error::Payload { .. }) => return Ok(None),
        read => read?,
    };
    let mut reader = Reader::of_slice(&bytes, Limits::default());
    while let Ok(Some(event)) = reader.next() {
        if let Event::Group(group) = event {
            return Ok(group.control_number().map(|number| number.0.into()));
        }
    }
    Ok(None)
}

/// Each time that a document of ours was sent under numbers of its own, and what the partner said of that.
fn acknowledgements_of(
    records: &dyn Records,
    record: &Document,
) -> Result<Vec<Expectation>, Error> {
    let mut found = Vec::new();
    let mut after = (0, 0);
    loop {
        let start = Some((record.partner.as_str(), after.0, after.1));
        let page = records.all_expectations(start, PAGE)?;
        let mut own = page.iter().filter(|one| one.partner == record.partner);
        found.extend(own.clone().filter(|one| one.document == record.id).cloned());
        match own.next_back() {
            Some(last) => after = (last.group, last.set),
            None => return Ok(found),
        }
    }
}

fn cartons(shipment: &Shipment) -> Vec<Carton> {
    let packages = shipment.packages.iter().enumerate();
    packages
        .map(|(at, package)| Carton {
            kind: package.kind.clone(),
            sscc: package.sscc.clone(),
            tracking: package.tracking.clone(),
            contents: shipment
                .contents
                .iter()
                .filter(|row| row.packages.iter().any(|&number| number as usize == at + 1))
                .map(|row| {
                    let item = row.items.iter().find_map(|item| item.value.as_deref());
                    let quantity = row.quantity.map(|q| q.normalize().to_string());
                    format!("{} × {}", quantity.unwrap_or_default(), item.unwrap_or("?"))
                })
                .collect(),
        })
        .collect()
}

/// Of an order that is cancelled nothing is ordered any more.
fn disagreements_of(line: &LineSums, is_cancelled: bool) -> Vec<String> {
    let name = match (&line.number, &line.item) {
        (Some(number), Some(item)) => format!("line {number} ({item})"),
        (Some(number), None) => format!("line {number}"),
        (None, item) => item.clone().unwrap_or_else(|| "a line".to_owned()),
    };
    let plain = |value: Decimal| value.normalize();
    let mut found = Vec::new();
    if let Some(ordered) = line.ordered.filter(|_| !is_cancelled)
        && ordered != line.shipped
    {
        let (ordered, shipped) = (plain(ordered), plain(line.shipped));
        found.push(format!("{name}: {ordered} ordered, {shipped} shipped"));
    }
    if line.shipped != line.invoiced {
        let (shipped, invoiced) = (plain(line.shipped), plain(line.invoiced));
        found.push(format!("{name}: {shipped} shipped, {invoiced} invoiced"));
    }
    found
}

/// What is wrong with a document itself.
fn trouble(document: &TracedDocument) -> Option<String> {
    let record = &document.record;
    let name = format!("{} {}", record.kind, record.number);
    match record.state {
        DocumentState::Quarantined => Some(format!("{name} was set aside")),
        DocumentState::Rejected => Some(format!("{name} was rejected by the partner")),
        _ => {
            let one = document.acknowledgement.as_ref()?;
            let overdue = one.state.is_waiting() && one.due < Timestamp::now();
            overdue.then(|| format!("{name} is not acknowledged; it was due at {:.0}", one.due))
        }
    }
}
