//! The sample warehouse: it ships what was ordered, a carton a line, and invoices it.

use jiff::Zoned;
use rust_decimal::Decimal;

use crate::canonical::{
    Invoice, InvoiceLine, Load, Moment, Order, OrderLine, Package, Party, Routing, Shipment,
    ShippedItem, ShippedOrder,
};

/// A value that is there.
#[allow(clippy::unnecessary_wraps, reason = "it keeps the documents below readable")]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Where the goods come from.
fn ship_from() -> Party {
    Party {
        name: text("NORTH DOCK 3PL"),
        id_kind: text("assigned_by_buyer"),
        id: text("88210"),
        street: text("4 HARBOR WAY"),
        city: text("SUPERIOR"),
        region: text("WI"),
        postal_code: text("54880"),
        country: text("US"),
        ..Party::default()
    }
}

/// Everything that was ordered, each line in a carton of its own.
pub(super) fn shipment(order: &Order) -> Shipment {
    let now = Zoned::now();
    let count = u32::try_from(order.lines.len()).unwrap_or_default();
    let today = Some(Moment { date: Some(now.date()), ..Moment::default() });
    Shipment {
        purpose: text("original"),
        number: "SH-20417".to_owned(),
        date: Some(now.date()),
        time: format!("{:02}:{:02}", now.hour(), now.minute()).parse().ok(),
        structure_code: text("0001"),
        bill_of_lading: text("06141410000204176"),
        shipped: today,
        ship_to: order.ship_to.clone(),
        ship_from: Some(ship_from()),
        loads: vec![Load {
            packaging: text("CTN25"),
            packages: Some(i64::from(count)),
            weight_kind: text("G"),
            weight: Some(Decimal::new(1284, 1)),
            weight_unit: text("LB"),
            ..Load::default()
        }],
        routing: vec![Routing {
            sequence: text("B"),
            carrier_kind: text("scac"),
            carrier: text("RDWY"),
            method: text("motor"),
            ..Routing::default()
        }],
        orders: vec![ShippedOrder {
            number: Some(order.number.clone()),
            date: order.date,
            department: order.department.clone(),
            ..ShippedOrder::default()
        }],
        packages: (1..=count)
            .map(|serial| Package {
                kind: text("pack"),
                sscc: Some(sscc(serial)),
                ..Package::default()
            })
            .collect(),
        contents: (1..).zip(&order.lines).map(|(number, line)| shipped(number, line)).collect(),
        ..Shipment::default()
    }
}

fn shipped(carton: u32, line: &OrderLine) -> ShippedItem {
    ShippedItem {
        order: Some(1),
        packages: vec![carton],
        line: line.number.clone(),
        items: line.items.clone(),
        quantity: line.quantity,
        unit: line.unit.clone(),
        ..ShippedItem::default()
    }
}

/// Serial shipping container code: extension digit, company prefix of the samples, serial, check digit.
fn sscc(serial: u32) -> String {
    let digits = format!("00614141{serial:09}");
    let weighted: u32 = digits
        .bytes()
        .rev()
        .zip([3, 1].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    format!("{digits}{}", (10 - weighted % 10) % 10)
}

/// The same goods at the prices of the order.
pub(super) fn invoice(order: &Order) -> Invoice {
    let amount = |line: &OrderLine| line.quantity?.checked_mul(line.price?);
    let total: Decimal = order.lines.iter().filter_map(amount).sum();
    let today = Zoned::now().date();
    Invoice {
        date: Some(today),
        number: "INV-88417".to_owned(),
        order_date: order.date,
        order: Some(order.number.clone()),
        department: order.department.clone(),
        bill_of_lading: text("06141410000204176"),
        ship_to: order.ship_to.clone(),
        terms: order.terms.first().map_or_else(Vec::new, |terms| vec![terms.clone()]),
        shipped: Some(Moment { date: Some(today), ..Moment::default() }),
        lines: order
            .lines
            .iter()
            .map(|line| InvoiceLine {
                number: line.number.clone(),
                quantity: line.quantity,
                unit: line.unit.clone(),
                price: line.price,
                items: line.items.clone(),
                ..InvoiceLine::default()
            })
            .collect(),
        total: Some(total.round_dp(2)),
        ..Invoice::default()
    }
}
