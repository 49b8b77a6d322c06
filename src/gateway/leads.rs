//! From a shipment, an invoice or a package to the orders that it is for.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::Timestamp;

use super::intake::{business_number, id_start};
use super::orders::orders_of;
use super::standing::{RESULTS, said};
use crate::canonical;
use crate::store::{Document, DocumentState, Error, Records};

/// Documents that are read at a time.
const PAGE: usize = 1000;
/// Shipments that are looked through for a package, the latest: seconds, and 2 MB for what is known of them.
const SHIPMENTS_MAX: usize = 10_000;

/// Orders that are named in words.
const NAMED_MAX: usize = 10;

/// What leads to orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// Whose it is.
    pub partner: String,
    /// The numbers of the orders that it is for; none where it names none.
    pub orders: Vec<String>,
    /// How, in words: `shipment SH-1 is of order PO-7`.
    pub words: String,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Leads {
    /// What leads to orders.
    pub found: Vec<Lead>,
    /// So many shipments were looked through, the latest, and there are more.
    pub looked_through: Option<usize>,
}

/// Shipments and invoices of a number, or else the shipments with the package of that SSCC (18 digits, or 20 with the
/// identifier 00), of one partner or of all.
///
/// # Errors
/// Where the records cannot be read.
pub fn leads(records: &dyn Records, number: &str, partner: Option<&str>) -> Result<Leads, Error> {
    let is_of = |one: &Document| {
        one.state != DocumentState::Duplicate && partner.is_none_or(|name| name == one.partner)
    };
    let mut leads = Leads::default();
    let known = business_number(number);
    for kind in RESULTS {
        each(records, &id_start(kind, number), &mut |one| {
            if one.kind == kind && one.number == known && is_of(&one) {
                let what = format!("{kind} {known}");
                leads.found.extend(lead(records, &one, &what, &|_| true));
            }
            Ok(())
        })?;
    }
    let Some(sscc) = sscc(number).filter(|_| leads.found.is_empty()) else { return Ok(leads) };
    let mut latest: BinaryHeap<Reverse<(Timestamp, String)>> = BinaryHeap::new();
    each(records, "shipment-", &mut |one| {
        if one.kind == "shipment" && is_of(&one) {
            latest.push(Reverse((one.at, one.id)));
            if latest.len() > SHIPMENTS_MAX {
                latest.pop();
                leads.looked_through = Some(SHIPMENTS_MAX);
            }
        }
        Ok(())
    })?;
    let has_it = |said: &canonical::Document| match said {
        canonical::Document::Shipment(shipment) => {
            let mut packages = shipment.packages.iter();
            packages.any(|one| one.sscc.as_deref().and_then(self::sscc) == Some(sscc))
        }
        _ => false,
    };
    for Reverse((_, id)) in latest.into_sorted_vec() {
        let Some(one) = records.document(&id)? else { continue };
        let what = format!("package {number} is in shipment {}, which", one.number);
        if let Some(lead) = lead(records, &one, &what, &has_it) {
            return Ok(Leads { found: vec![lead], looked_through: None });
        }
    }
    Ok(leads)
}

/// Each document whose id begins so.
pub(super) fn each(
    records: &dyn Records,
    start: &str,
    take: &mut dyn FnMut(Document) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut after = start.to_owned();
    loop {
        let page = records.documents(Some(&after), PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.id);
        for one in page {
            if !one.id.starts_with(start) {
                return Ok(());
            }
            take(one)?;
        }
    }
}

/// Where a document leads, if it is the one that is meant. Of bytes that have gone to the archive nothing can be told.
fn lead(
    records: &dyn Records,
    record: &Document,
    what: &str,
    is_it: &dyn Fn(&canonical::Document) -> bool,
) -> Option<Lead> {
    let said = said(records, record).unwrap_or_default();
    let said = said.filter(is_it)?;
    let mut orders: Vec<String> = Vec::new();
    for order in orders_of(&said).into_iter().map(business_number) {
        if !orders.contains(&order) {
            orders.push(order);
        }
    }
    let words = match &orders[..] {
        [] => format!("{what} names no order"),
        [one] => format!("{what} is of order {one}"),
        all => {
            let named =
                all.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = match all.len().saturating_sub(NAMED_MAX) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("{what} is of the orders {named}{more}")
        }
    };
    Some(Lead { partner: record.partner.clone(), orders, words })
}

/// The 18 digits of a serial shipping container code.
fn sscc(text: &str) -> Option<&str> {
    let text = text.trim();
    let digits = if text.len() == 20 { text.strip_prefix("00")? } else { text };
    let is_one = digits.len() == 18 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_one.then_some(digits)
}
