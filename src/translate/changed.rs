//! An order as a change of it leaves it.

use crate::canonical::{Order, OrderLine};

/// Lines of an order after its changes: more are not added.
const LINES_MAX: usize = 100_000;

/// Puts a change into its order.
///
/// What replaces an order takes the place of all that it says itself. Of a change, each line takes the place of the one
/// with its number, or where it has none, of the only one with one of its items: what it says of quantity, unit and
/// price holds from then on; one that is taken out stays with nothing ordered, and one that is not there is added. A
/// quantity is what is ordered from then on, not a difference. Dates, parties and all else of the order's head that the
/// change says itself hold, too, where they bear on what is shipped: ship-to, dates of delivery and shipment.
///
/// ```
/// use crossdock::canonical::{Document, Order};
/// use crossdock::translate::changed;
/// let order = |json| match Document::from_json(json).unwrap() {
///     Document::Order(order) | Document::OrderChange(order) => *order,
///     _ => Order::default(),
/// };
/// let mut ordered = order(br#"{"document":"order","number":"A","lines":[{"number":"1","quantity":"5"}]}"#);
/// let change = br#"{"document":"order_change","number":"A","purpose":"change",
///     "lines":[{"number":"1","change":"less","quantity":"3"}]}"#;
/// changed(&mut ordered, &order(change));
/// assert_eq!(ordered.lines[0].quantity.unwrap().to_string(), "3");
/// ```
pub fn changed(order: &mut Order, change: &Order) {
    if change.purpose.as_deref() == Some("replace") {
        *order = change.clone();
        return;
    }
    let heads = [
        (&mut order.requested_delivery, &change.requested_delivery),
        (&mut order.requested_ship, &change.requested_ship),
        (&mut order.cancel_after, &change.cancel_after),
        (&mut order.ship_not_before, &change.ship_not_before),
        (&mut order.ship_not_later, &change.ship_not_later),
    ];
    for (was, is) in heads {
        if is.is_some() {
            was.clone_from(is);
        }
    }
    if change.ship_to.is_some() {
        order.ship_to.clone_from(&change.ship_to);
    }
    for line in &change.lines {
        match line_of(order, line) {
            Some(at) => change_line(&mut order.lines[at], line),
            None if adds(line) && order.lines.len() < LINES_MAX => order.lines.push(line.clone()),
            None => {}
        }
    }
}

/// Whether a line that the order does not have is one that it is to have.
fn adds(line: &OrderLine) -> bool {
    !matches!(line.change.as_deref(), Some("delete" | "cancel_order" | "no_change"))
}

fn line_of(order: &Order, line: &OrderLine) -> Option<usize> {
    if let Some(number) = &line.number {
        let its = |one: &OrderLine| one.number.as_ref() == Some(number);
        return order.lines.iter().position(its);
    }
    let shares = |one: &OrderLine| {
        let is = |item| line.items.contains(item);
        one.items.iter().any(is)
    };
    let mut found = order.lines.iter().enumerate().filter(|(_, one)| shares(one));
    match (found.next(), found.next()) {
        (Some((at, _)), None) => Some(at),
        _ => None,
    }
}

fn change_line(line: &mut OrderLine, change: &OrderLine) {
    if change.change.as_deref() == Some("delete") {
        line.quantity = Some(rust_decimal::Decimal::ZERO);
        return;
    }
    if change.quantity.is_some() {
        line.quantity = change.quantity;
    }
    if change.unit.is_some() {
        line.unit.clone_from(&change.unit);
    }
    if change.price.is_some() {
        line.price = change.price;
    }
    if matches!(change.change.as_deref(), Some("replace_item" | "replace"))
        && !change.items.is_empty()
    {
        line.items.clone_from(&change.items);
    }
}
