//! Where in a canonical document the things stand that have other names elsewhere.

use rust_decimal::Decimal;

use super::codes::Codes;
use super::units::{Counted, Way};
use super::{Crosswalks, Held};
use crate::canonical::{
    Document, Inventory, Invoice, ItemNumber, Order, OrderLine, Party, Price, Quantity, Routing,
    Schedule, Shipment, StoreAllocation, SubLine, Terms,
};
use crate::findings::Code;

/// Kinds of numbers that say how an item is, or which piece of it; by none of them its units are known, unless the
/// cross-reference of items does so.
const DESCRIBING: [&str; 9] = [
    "batch",
    "color",
    "customer_order",
    "lot",
    "manufacturer",
    "nrf_color",
    "order_line",
    "serial",
    "size",
];

/// What lines have alike.
struct Line<'a> {
    /// Whether it need not name an item: a part of another.
    part: bool,
    items: &'a mut Vec<ItemNumber>,
    unit: &'a mut Option<String>,
    quantity: &'a mut Option<Decimal>,
    price: &'a mut Option<Decimal>,
    basis: Option<&'a str>,
    quantities: &'a mut [Quantity],
    prices: &'a mut [Price],
}

/// What an order line, an invoice line and a sub-line have alike, as a [`Line`].
macro_rules! parts_of {
    ($line:ident, part: $part:literal) => {
        Line {
            part: $part,
            items: &mut $line.items,
            unit: &mut $line.unit,
            quantity: &mut $line.quantity,
            price: &mut $line.price,
            basis: $line.price_basis.as_deref(),
            quantities: &mut $line.quantities,
            prices: &mut $line.prices,
        }
    };
}

/// One document on its way.
pub(super) struct Pass<'a> {
    pub crosswalks: &'a Crosswalks,
    pub way: Way,
    pub held: &'a mut Held,
}

impl Pass<'_> {
    pub(super) fn document(&mut self, document: &mut Document) {
        match document {
            Document::Order(order) | Document::OrderChange(order) => self.order(order),
            Document::Shipment(shipment) => self.shipment(shipment),
            Document::Invoice(invoice) => self.invoice(invoice),
            Document::Inventory(inventory) => self.inventory(inventory),
            Document::Acknowledgement(_) => {}
        }
    }

    fn order(&mut self, order: &mut Order) {
        self.place("ship_to", order.ship_to.as_mut());
        self.place("ship_from", order.ship_from.as_mut());
        self.party("bill_to", order.bill_to.as_mut());
        self.party("buyer", order.buyer.as_mut());
        self.party("seller", order.seller.as_mut());
        self.parties("parties", &mut order.parties);
        self.routing("routing", &mut order.routing);
        self.terms("terms", &mut order.terms);
        for (at, line) in named("lines", &mut order.lines) {
            self.order_line(&at, line);
        }
    }

    fn order_line(&mut self, at: &str, line: &mut OrderLine) {
        let items = self.line(at, &mut parts_of!(line, part: false));
        self.stores(at, &items, &mut line.store_allocations);
        self.schedules(at, &items, &mut line.schedules);
        self.parties(&format!("{at}.parties"), &mut line.parties);
        self.routing(&format!("{at}.routing"), &mut line.routing);
        self.terms(&format!("{at}.terms"), &mut line.terms);
        self.sub_lines(at, &mut line.sub_lines);
    }

    fn shipment(&mut self, shipment: &mut Shipment) {
        self.place("ship_to", shipment.ship_to.as_mut());
        self.place("ship_from", shipment.ship_from.as_mut());
        self.parties("parties", &mut shipment.parties);
        self.routing("routing", &mut shipment.routing);
        for (at, order) in named("orders", &mut shipment.orders) {
            self.place(&format!("{at}.buyer"), order.buyer.as_mut());
            self.parties(&format!("{at}.parties"), &mut order.parties);
            self.routing(&format!("{at}.routing"), &mut order.routing);
        }
        for (at, package) in named("packages", &mut shipment.packages) {
            let quantities = package.quantity.iter_mut().collect();
            let unit = &mut package.unit;
            self.count(
                &at,
                Counted { unit, items: &[], quantities, prices: Vec::new(), basis: None },
            );
            self.parties(&format!("{at}.parties"), &mut package.parties);
        }
        for (at, item) in named("contents", &mut shipment.contents) {
            let items = self.items(&at, &mut item.items);
            let quantities = [&mut item.quantity, &mut item.shipped_to_date];
            let quantities = quantities.into_iter().flatten().collect();
            let unit = &mut item.unit;
            self.count(
                &at,
                Counted { unit, items: &items, quantities, prices: Vec::new(), basis: None },
            );
            let quantities = item.ordered.iter_mut().collect();
            let unit = &mut item.ordered_unit;
            self.count(
                &at,
                Counted { unit, items: &items, quantities, prices: Vec::new(), basis: None },
            );
            self.stores(&at, &items, &mut item.store_allocations);
            self.parties(&format!("{at}.parties"), &mut item.parties);
            self.sub_lines(&at, &mut item.sub_lines);
        }
    }

    fn invoice(&mut self, invoice: &mut Invoice) {
        self.place("ship_to", invoice.ship_to.as_mut());
        self.place("ship_from", invoice.ship_from.as_mut());
        self.party("bill_to", invoice.bill_to.as_mut());
        self.party("remit_to", invoice.remit_to.as_mut());
        self.party("buyer", invoice.buyer.as_mut());
        self.party("seller", invoice.seller.as_mut());
        self.parties("parties", &mut invoice.parties);
        self.terms("terms", &mut invoice.terms);
        if let Some(carrier) = &mut invoice.carrier {
            self.carrier("carrier", &mut carrier.scac, &mut carrier.service);
        }
        for (at, line) in named("lines", &mut invoice.lines) {
            let items = self.line(&at, &mut parts_of!(line, part: false));
            self.stores(&at, &items, &mut line.store_allocations);
            self.parties(&format!("{at}.parties"), &mut line.parties);
            self.terms(&format!("{at}.terms"), &mut line.terms);
            for (at, carrier) in named(&format!("{at}.carriers"), &mut line.carriers) {
                self.carrier(&at, &mut carrier.scac, &mut carrier.service);
            }
            self.sub_lines(&at, &mut line.sub_lines);
        }
    }

    fn inventory(&mut self, inventory: &mut Inventory) {
        self.place("warehouse", inventory.warehouse.as_mut());
        self.place("ship_from", inventory.ship_from.as_mut());
        self.party("buyer", inventory.buyer.as_mut());
        self.party("seller", inventory.seller.as_mut());
        self.parties("parties", &mut inventory.parties);
        for (at, line) in named("lines", &mut inventory.lines) {
            let items = self.items(&at, &mut line.items);
            self.quantities(&format!("{at}.quantities"), &items, &mut line.quantities);
            self.prices(&format!("{at}.prices"), &items, &mut line.prices);
            self.stores(&at, &items, &mut line.store_allocations);
            self.parties(&format!("{at}.parties"), &mut line.parties);
            self.sub_lines(&at, &mut line.sub_lines);
        }
    }

    fn sub_lines(&mut self, at: &str, sub_lines: &mut [SubLine]) {
        for (at, line) in named(&format!("{at}.sub_lines"), sub_lines) {
            self.line(&at, &mut parts_of!(line, part: true));
            self.parties(&format!("{at}.parties"), &mut line.parties);
        }
    }

    /// What lines, of whatever document, have alike. Gives the numbers of the item that its units are known by.
    fn line(&mut self, at: &str, line: &mut Line<'_>) -> Vec<ItemNumber> {
        let nameless = line.part && line.items.is_empty();
        let items = if nameless { Vec::new() } else { self.items(at, line.items) };
        let counted = Counted {
            unit: line.unit,
            items: &items,
            quantities: line.quantity.iter_mut().collect(),
            prices: line.price.iter_mut().collect(),
            basis: line.basis,
        };
        self.count(at, counted);
        self.quantities(&format!("{at}.quantities"), &items, line.quantities);
        self.prices(&format!("{at}.prices"), &items, line.prices);
        items
    }

    /// Translates the numbers of an item, where it has any or must have. Gives those of both sides: its units may be
    /// known by either.
    fn items(&mut self, at: &str, items: &mut Vec<ItemNumber>) -> Vec<ItemNumber> {
        let mut both = items.clone();
        if let Some(table) = &self.crosswalks.items {
            match self.way {
                Way::In => table.inbound(at, items, self.held),
                Way::Out => table.outbound(at, items, self.held),
            }
            both.extend(
                items.iter().filter(|item| !both.contains(item)).cloned().collect::<Vec<_>>(),
            );
        }
        let table = self.crosswalks.items.as_deref();
        both.retain(|item| {
            let kind = item.kind.as_deref().unwrap_or_default();
            !DESCRIBING.contains(&kind) || table.is_some_and(|table| table.has(kind))
        });
        both
    }

    fn count(&mut self, at: &str, counted: Counted<'_>) {
        if let Some(units) = &self.crosswalks.units {
            units.convert(at, counted, self.way, self.held);
        }
    }

    fn quantities(&mut self, at: &str, items: &[ItemNumber], quantities: &mut [Quantity]) {
        for (at, part) in named(at, quantities) {
            let quantities = part.quantity.iter_mut().collect();
            let unit = &mut part.unit;
            self.count(&at, Counted { unit, items, quantities, prices: Vec::new(), basis: None });
            self.schedules(&at, items, &mut part.schedules);
        }
    }

    /// A price with a unit of its own.
    fn prices(&mut self, at: &str, items: &[ItemNumber], prices: &mut [Price]) {
        for (at, part) in named(at, prices) {
            let quantities: Vec<&mut Decimal> = part.quantity.iter_mut().collect();
            let prices = part.price.iter_mut().collect();
            let basis = part.basis.as_deref();
            self.count(&at, Counted { unit: &mut part.unit, items, quantities, prices, basis });
        }
    }

    fn stores(&mut self, at: &str, items: &[ItemNumber], allocations: &mut [StoreAllocation]) {
        for (at, part) in named(&format!("{at}.store_allocations"), allocations) {
            let kind = part.store_kind.clone().unwrap_or_default();
            let mut quantities = Vec::new();
            for store in &mut part.stores {
                if let Some(id) = &mut store.store {
                    Self::code(
                        self.crosswalks.locations.as_deref(),
                        self.way,
                        Code::PartyNotMapped,
                        &at,
                        id,
                        &kind,
                        self.held,
                    );
                }
                quantities.extend(store.quantity.as_mut());
            }
            let unit = &mut part.unit;
            self.count(&at, Counted { unit, items, quantities, prices: Vec::new(), basis: None });
        }
    }

    fn schedules(&mut self, at: &str, items: &[ItemNumber], schedules: &mut [Schedule]) {
        for (at, part) in named(&format!("{at}.schedules"), schedules) {
            let quantities = part.quantity.iter_mut().collect();
            let unit = &mut part.unit;
            self.count(&at, Counted { unit, items, quantities, prices: Vec::new(), basis: None });
        }
    }

    fn place(&mut self, at: &str, party: Option<&mut Party>) {
        self.name(self.crosswalks.locations.as_deref(), at, party);
    }

    fn party(&mut self, at: &str, party: Option<&mut Party>) {
        self.name(self.crosswalks.parties.as_deref(), at, party);
    }

    fn parties(&mut self, at: &str, parties: &mut [Party]) {
        for (at, party) in named(at, parties) {
            self.party(&at, Some(party));
        }
    }

    /// A party without a number (a consumer with an address) has no other name.
    fn name(&mut self, codes: Option<&Codes>, at: &str, party: Option<&mut Party>) {
        let Some(party) = party else { return };
        let kind = party.id_kind.clone().unwrap_or_default();
        let Some(id) = &mut party.id else { return };
        let told = Self::code(codes, self.way, Code::PartyNotMapped, at, id, &kind, self.held);
        if let Some(kind) = told.filter(|_| self.way == Way::Out) {
            party.id_kind = Some(kind);
        }
    }

    fn routing(&mut self, at: &str, routing: &mut [Routing]) {
        for (at, part) in named(at, routing) {
            self.carrier(&at, &mut part.carrier, &mut part.service);
        }
    }

    fn carrier(&mut self, at: &str, carrier: &mut Option<String>, service: &mut Option<String>) {
        let Some(id) = carrier else { return };
        let level = service.clone().unwrap_or_default();
        let codes = self.crosswalks.carriers.as_deref();
        let told = Self::code(codes, self.way, Code::CarrierNotMapped, at, id, &level, self.held);
        if let Some(level) = told.filter(|_| self.way == Way::Out) {
            *service = Some(level);
        }
    }

    fn terms(&mut self, at: &str, terms: &mut [Terms]) {
        for (at, part) in named(at, terms) {
            if let Some(words) = &mut part.description {
                let codes = self.crosswalks.terms.as_deref();
                Self::code(codes, self.way, Code::TermsNotMapped, &at, words, "", self.held);
            }
        }
    }

    /// Replaces a code. The second column of theirs narrows the first when read; it is returned when written.
    fn code(
        codes: Option<&Codes>,
        way: Way,
        code: Code,
        at: &str,
        value: &mut String,
        second: &str,
        held: &mut Held,
    ) -> Option<String> {
        let codes = codes?;
        let found = match way {
            Way::In => codes.ours(&[value, second]).map(|ours| (ours.to_owned(), None)),
            Way::Out => codes.theirs(value).map(|theirs| {
                let second = theirs.get(1).filter(|s| !s.is_empty()).map(|s| (*s).to_owned());
                (theirs.first().map_or_else(String::new, |s| (*s).to_owned()), second)
            }),
        };
        let Some((new, second)) = found else {
            let whose = if way == Way::In { "ours" } else { "the partner's" };
            let says = format!("{value} has no code of {whose}.");
            let mend = format!("Add it to {}.", codes.table.file);
            held.add(code, at, Some(value), &says, &mend);
            return None;
        };
        *value = new;
        second
    }
}

/// The parts of a list with their paths: `lines[1]`, numbered as people count.
fn named<'p, T>(
    list: &str,
    parts: &'p mut [T],
) -> impl Iterator<Item = (String, &'p mut T)> + use<'p, T> {
    let list = list.to_owned();
    parts.iter_mut().enumerate().map(move |(i, part)| (format!("{list}[{}]", i + 1), part))
}
