//! A shipment or an invoice compared with its order, as was agreed (`against order …`), and an invoice with what was
//! shipped (`against shipment quantity`).

use std::collections::HashMap;

use rust_decimal::Decimal;
use serde::Serialize;

use crate::canonical::{Document, Invoice, ItemNumber, Order, OrderLine, Shipment};
use crate::findings::{Code, Finding, Place};
use crate::overlay::{Compared, Comparison};

/// A line of a shipment or an invoice.
struct Row<'a> {
    /// Its field in the document, for the finding.
    field: String,
    number: Option<&'a str>,
    items: &'a [ItemNumber],
    quantity: Option<Decimal>,
    unit: Option<&'a str>,
    price: Option<Decimal>,
}

/// What went for an order before a document.
#[derive(Debug, Clone, Copy, Default)]
pub struct Before<'a> {
    /// Documents of its kind: what they ship or bill counts too.
    pub same: &'a [&'a Document],
    /// Shipments, for an invoice.
    pub shipments: &'a [&'a Document],
}

/// Compares a document with its order, and with what went for it before.
///
/// A line belongs to the line of the order that has one of its item numbers; where several have, or none is named, to
/// the one with its number. Several lines of the order with the same item count together. Quantities are compared only
/// where both have the same unit, or one has none: converting them is not done here.
#[must_use]
pub fn against(
    comparisons: &[Comparison],
    document: &Document,
    before: Before<'_>,
    order: &Order,
) -> Vec<Finding> {
    let rows = rows(document, order);
    let earlier: Vec<Row<'_>> = before.same.iter().flat_map(|d| self::rows(d, order)).collect();
    let lines = Lines::new(order);
    let rows_of = (&*rows, &*earlier);
    let mut findings = Vec::new();
    for comparison in comparisons {
        match comparison.compared {
            Compared::Quantity => {
                let bound = Bound {
                    code: Code::ExceedsOrder,
                    of: "ordered",
                    mend: "Send no more than was ordered, or ask for a change of the order.",
                    lines: order.lines.iter().map(|line| line.quantity).collect(),
                };
                findings.extend(quantities(comparison, rows_of, &lines, &bound, order));
            }
            Compared::Shipped if matches!(document, Document::Invoice(_)) => {
                let bound = Bound {
                    code: Code::ExceedsShipment,
                    of: "shipped",
                    mend: "Bill no more than was shipped; where more was, send that shipment first.",
                    lines: shipped(before.shipments, &lines, order),
                };
                findings.extend(quantities(comparison, rows_of, &lines, &bound, order));
            }
            Compared::Shipped => {}
            Compared::Lines => {
                for row in rows.iter().filter(|row| lines.of(row).is_empty()) {
                    let named = named(row);
                    let says = format!("{named} is not on order {}.", order.number);
                    let mend = "Leave the line out, or ask for a change of the order.";
                    findings.push(finding(comparison, Code::NotOnOrder, row, says, mend));
                }
            }
            Compared::Unit => {
                let unit = |line: &OrderLine| line.unit.clone();
                let own = |row: &Row<'_>| row.unit.map(str::to_owned);
                findings.extend(differing(comparison, "unit", &rows, &lines, own, unit));
            }
            Compared::Price => {
                let price = |line: &OrderLine| line.price.map(|p| p.normalize());
                let own = |row: &Row<'_>| row.price.map(|p| p.normalize());
                findings.extend(differing(comparison, "price", &rows, &lines, own, price));
            }
        }
    }
    findings
}

/// A line of an order, with what was shipped and billed of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LineSums {
    /// Its number in the order.
    pub number: Option<String>,
    /// Its first item number.
    pub item: Option<String>,
    /// Its unit.
    pub unit: Option<String>,
    /// What was ordered.
    pub ordered: Option<Decimal>,
    /// What all shipments together have of it.
    pub shipped: Decimal,
    /// What all invoices together have of it.
    pub invoiced: Decimal,
}

/// What was shipped and billed of each line of an order, and in words each line of a document that is on none of them or
/// is in another unit. Lines are found as [`against`] finds them; of several with the same item the first are filled
/// first.
#[must_use]
pub fn line_sums(order: &Order, documents: &[&Document]) -> (Vec<LineSums>, Vec<String>) {
    let lines = Lines::new(order);
    let mut sums: Vec<LineSums> = order
        .lines
        .iter()
        .map(|line| LineSums {
            number: line.number.clone(),
            item: line.items.iter().find_map(item_key).map(|(_, value)| value.to_owned()),
            unit: line.unit.clone(),
            ordered: line.quantity,
            shipped: Decimal::ZERO,
            invoiced: Decimal::ZERO,
        })
        .collect();
    let mut strange = Vec::new();
    for document in documents {
        let is_shipment = matches!(document, Document::Shipment(_));
        for row in rows(document, order) {
            let Some(quantity) = row.quantity else { continue };
            let of = lines.of(&row);
            let says = if of.is_empty() {
                Some("is not on the order".to_owned())
            } else {
                of.iter().find(|&&at| lines.differs(&row, at)).map(|&at| {
                    let ordered = lines.all[at].unit.as_deref().unwrap_or_default();
                    format!("is in {}, ordered in {ordered}", row.unit.unwrap_or_default())
                })
            };
            match says {
                Some(says) => strange.push(format!(
                    "{} of {} {} {says}",
                    named(&row),
                    document.kind(),
                    document.number()
                )),
                None => add(&mut sums, &of, quantity, is_shipment),
            }
        }
    }
    (sums, strange)
}

/// Fills the lines in their order; what is over goes onto the last.
fn add(sums: &mut [LineSums], of: &[usize], mut quantity: Decimal, is_shipment: bool) {
    for (nth, &at) in of.iter().enumerate() {
        let line = &mut sums[at];
        let ordered = line.ordered.unwrap_or_default();
        let sum = if is_shipment { &mut line.shipped } else { &mut line.invoiced };
        let room = ordered.saturating_sub(*sum).max(Decimal::ZERO);
        let here = if nth + 1 == of.len() { quantity } else { quantity.min(room) };
        *sum = sum.saturating_add(here);
        quantity = quantity.saturating_sub(here);
    }
}

/// The lines of a document that are for this order.
fn rows<'a>(document: &'a Document, order: &Order) -> Vec<Row<'a>> {
    match document {
        Document::Shipment(shipment) => of_shipment(shipment, order),
        Document::Invoice(invoice) => of_invoice(invoice, order),
        Document::Order(_) | Document::OrderChange(_) | Document::Acknowledgement(_) => Vec::new(),
    }
}

fn of_shipment<'a>(shipment: &'a Shipment, order: &Order) -> Vec<Row<'a>> {
    let is_for = |number: Option<u32>| {
        let entry = number.and_then(|n| shipment.orders.get((n as usize).checked_sub(1)?));
        let number = entry.and_then(|o| o.number.as_deref());
        number.is_none_or(|number| number == order.number)
    };
    let rows = shipment.contents.iter().enumerate().filter(|(_, row)| is_for(row.order));
    rows.map(|(at, row)| Row {
        field: format!("contents.{}", at + 1),
        number: row.line.as_deref(),
        items: &row.items,
        quantity: row.quantity,
        unit: row.unit.as_deref(),
        price: None,
    })
    .collect()
}

fn of_invoice<'a>(invoice: &'a Invoice, order: &Order) -> Vec<Row<'a>> {
    if invoice.order.as_ref().is_some_and(|number| *number != order.number) {
        return Vec::new();
    }
    let rows = invoice.lines.iter().enumerate();
    rows.map(|(at, line)| Row {
        field: format!("lines.{}", at + 1),
        number: line.number.as_deref(),
        items: &line.items,
        quantity: line.quantity,
        unit: line.unit.as_deref(),
        price: line.price,
    })
    .collect()
}

/// The lines of an order, by what they are known by.
struct Lines<'a> {
    all: &'a [OrderLine],
    items: HashMap<(&'a str, &'a str), Vec<usize>>,
    numbers: HashMap<&'a str, usize>,
}

impl<'a> Lines<'a> {
    fn new(order: &'a Order) -> Self {
        let mut items: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        let mut numbers = HashMap::new();
        for (at, line) in order.lines.iter().enumerate() {
            for key in line.items.iter().filter_map(item_key) {
                items.entry(key).or_default().push(at);
            }
            if let Some(number) = line.number.as_deref() {
                numbers.entry(number).or_insert(at);
            }
        }
        Self { all: &order.lines, items, numbers }
    }

    /// Whether a row is in another unit than a line.
    fn differs(&self, row: &Row<'_>, at: usize) -> bool {
        row.unit.zip(self.all[at].unit.as_deref()).is_some_and(|(a, b)| a != b)
    }

    /// The lines of the order that a row is for.
    fn of(&self, row: &Row<'_>) -> Vec<usize> {
        let numbered = row.number.and_then(|number| self.numbers.get(number)).copied();
        let known = row.items.iter().filter_map(item_key).find_map(|key| self.items.get(&key));
        match known {
            Some(several) if several.len() > 1 => match numbered {
                Some(at) if several.contains(&at) => vec![at],
                _ => several.clone(),
            },
            Some(one) => one.clone(),
            // Another item under the number of a line is another line.
            None if row.items.iter().any(|item| item_key(item).is_some())
                && numbered.is_some_and(|at| !self.all[at].items.is_empty()) =>
            {
                Vec::new()
            }
            None => numbered.into_iter().collect(),
        }
    }
}

fn item_key(item: &ItemNumber) -> Option<(&str, &str)> {
    Some((item.kind.as_deref()?, item.value.as_deref()?))
}

/// What was shipped of each line of an order; nothing of one that was shipped in another unit.
fn shipped(shipments: &[&Document], lines: &Lines<'_>, order: &Order) -> Vec<Option<Decimal>> {
    let (sums, _) = line_sums(order, shipments);
    let mut shipped: Vec<Option<Decimal>> = sums.iter().map(|line| Some(line.shipped)).collect();
    for row in shipments.iter().flat_map(|shipment| rows(shipment, order)) {
        let others = lines.of(&row).into_iter().filter(|&at| lines.differs(&row, at));
        others.for_each(|at| shipped[at] = None);
    }
    shipped
}

/// What the lines of an order must not exceed.
struct Bound {
    code: Code,
    /// What it is, in a word.
    of: &'static str,
    mend: &'static str,
    /// For each line; nothing where it is not known.
    lines: Vec<Option<Decimal>>,
}

/// No line of the order is shipped or billed beyond its bound. Told of the row with which it becomes too much.
fn quantities(
    comparison: &Comparison,
    (rows, earlier): (&[Row<'_>], &[Row<'_>]),
    lines: &Lines<'_>,
    bound: &Bound,
    order: &Order,
) -> Vec<Finding> {
    let mut sums: HashMap<Vec<usize>, Decimal> = HashMap::new();
    let mut findings = Vec::new();
    for (at, row) in earlier.iter().chain(rows).enumerate() {
        let of = lines.of(row);
        let same_unit = !of.iter().any(|&at| lines.differs(row, at));
        let wanted =
            of.iter().try_fold(Decimal::ZERO, |sum, &at| sum.checked_add(bound.lines[at]?));
        let (Some(quantity), Some(wanted), true) =
            (row.quantity, wanted, same_unit && !of.is_empty())
        else {
            continue;
        };
        let sum = sums.entry(of).or_default();
        *sum = sum.checked_add(quantity).unwrap_or(Decimal::MAX);
        if at >= earlier.len() && *sum > wanted && quantity > Decimal::ZERO {
            let (sum, wanted) = (sum.normalize(), wanted.normalize());
            let says = format!(
                "{} comes to {sum} with this line; {} are {wanted} (order {}).",
                named(row),
                bound.of,
                order.number
            );
            findings.push(finding(comparison, bound.code, row, says, bound.mend));
        }
    }
    findings
}

/// Rows that have another value than their line of the order.
fn differing<T: PartialEq + std::fmt::Display>(
    comparison: &Comparison,
    what: &str,
    rows: &[Row<'_>],
    lines: &Lines<'_>,
    own: impl Fn(&Row<'_>) -> Option<T>,
    ordered: impl Fn(&OrderLine) -> Option<T>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for row in rows {
        let Some(has) = own(row) else { continue };
        let wanted: Vec<T> = lines.of(row).iter().filter_map(|&i| ordered(&lines.all[i])).collect();
        let Some(first) = wanted.first() else { continue };
        if !wanted.contains(&has) {
            let says = format!("{} has the {what} {has}; the order says {first}.", named(row));
            let mend = format!("Send the {what} of the order, or ask for a change of the order.");
            findings.push(finding(comparison, Code::DiffersFromOrder, row, says, &mend));
        }
    }
    findings
}

/// What a row is called: its first item number, else its line number.
fn named(row: &Row<'_>) -> String {
    match (row.items.iter().find_map(item_key), row.number) {
        (Some((kind, value)), _) => format!("Item {value} ({kind})"),
        (None, Some(number)) => format!("Line {number}"),
        (None, None) => format!("The line `{}`", row.field),
    }
}

fn finding(
    comparison: &Comparison,
    code: Code,
    row: &Row<'_>,
    says: String,
    mend: &str,
) -> Finding {
    let mut finding = Finding::new(code, Place::default(), says, mend.to_owned());
    finding.severity = comparison.severity;
    finding.rule = Some(comparison.rule.clone());
    finding.field = Some(row.field.clone());
    finding
}
