//! Where in a canonical document the things stand that have other names elsewhere.

use rust_decimal::Decimal;

use super::codes::Codes;
use super::units::{Counted, Way};
use super::{Crosswalks, Held};
use crate::canonical::{
    AllowanceCharge, Document, Inventory, Invoice, ItemNumber, Order, OrderLine, Party, Price,
    Quantity, Routing, Schedule, Shipment, StoreAllocation, SubLine, Terms,
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
    /// Quantities in this unit.
    counts: Vec<&'a mut Decimal>,
    price: &'a mut Option<Decimal>,
    basis: Option<&'a str>,
    quantities: &'a mut [Quantity],
    prices: &'a mut [Price],
    charges: &'a mut [AllowanceCharge],
}

/// What the parts of a line are counted by.
struct Around {
    /// The numbers that its units are known by.
    items: Vec<ItemNumber>,
    /// The unit of the line, as it stood before: that of its parts which name none.
    unit: Option<String>,
}

impl Around {
    /// Of what is part of no line.
    const NOTHING: Self = Self { items: Vec::new(), unit: None };
}

/// What an order line, an invoice line and a sub-line have alike, as a [`Line`].
macro_rules! parts_of {
    ($line:ident, part: $part:literal $(, $count:ident)*) => {
        Line {
            part: $part,
            items: &mut $line.items,
            unit: &mut $line.unit,
            counts: [&mut $line.quantity $(, &mut $line.$count)*].into_iter().flatten().collect(),
            price: &mut $line.price,
            basis: $line.price_basis.as_deref(),
            quantities: &mut $line.quantities,
            prices: &mut $line.prices,
            charges: &mut $line.allowances_charges,
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
        self.prices("prices", &Around::NOTHING, &mut order.prices);
        self.charges("", &Around::NOTHING, &mut order.allowances_charges);
        for (at, line) in named("lines", &mut order.lines) {
            self.order_line(&at, line);
        }
    }

    fn order_line(&mut self, at: &str, line: &mut OrderLine) {
        let around = self.line(at, parts_of!(line, part: false, quantity_left));
        self.stores(at, &around, &mut line.store_allocations);
        self.schedules(at, &around, &mut line.schedules);
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
        self.charges("", &Around::NOTHING, &mut shipment.allowances_charges);
        for (at, order) in named("orders", &mut shipment.orders) {
            self.place(&format!("{at}.buyer"), order.buyer.as_mut());
            self.parties(&format!("{at}.parties"), &mut order.parties);
            self.routing(&format!("{at}.routing"), &mut order.routing);
            self.charges(&at, &Around::NOTHING, &mut order.allowances_charges);
        }
        for (at, package) in named("packages", &mut shipment.packages) {
            let quantities = package.quantity.iter_mut().collect();
            self.count(&at, &mut package.unit, &Around::NOTHING, quantities);
            self.parties(&format!("{at}.parties"), &mut package.parties);
        }
        for (at, item) in named("contents", &mut shipment.contents) {
            let items = self.items(&at, &mut item.items);
            let around = Around { items, unit: item.unit.clone() };
            let quantities = [&mut item.quantity, &mut item.shipped_to_date];
            let quantities = quantities.into_iter().flatten().collect();
            self.count(&at, &mut item.unit, &around, quantities);
            let quantities = item.ordered.iter_mut().collect();
            self.count(&at, &mut item.ordered_unit, &around, quantities);
            self.charges(&at, &around, &mut item.allowances_charges);
            self.stores(&at, &around, &mut item.store_allocations);
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
        self.charges("", &Around::NOTHING, &mut invoice.allowances_charges);
        if let Some(carrier) = &mut invoice.carrier {
            self.carrier("carrier", &mut carrier.scac, &mut carrier.service);
        }
        for (at, line) in named("lines", &mut invoice.lines) {
            let around = self.line(&at, parts_of!(line, part: false));
            self.stores(&at, &around, &mut line.store_allocations);
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
            let around = Around { items: self.items(&at, &mut line.items), unit: None };
            self.quantities(&format!("{at}.quantities"), &around, &mut line.quantities);
            self.prices(&format!("{at}.prices"), &around, &mut line.prices);
            self.charges(&at, &around, &mut line.allowances_charges);
            self.stores(&at, &around, &mut line.store_allocations);
            self.parties(&format!("{at}.parties"), &mut line.parties);
            self.sub_lines(&at, &mut line.sub_lines);
        }
    }

    fn sub_lines(&mut self, at: &str, sub_lines: &mut [SubLine]) {
        for (at, line) in named(&format!("{at}.sub_lines"), sub_lines) {
            self.line(&at, parts_of!(line, part: true));
            self.parties(&format!("{at}.parties"), &mut line.parties);
        }
    }

    /// What lines, of whatever document, have alike. Gives what the other parts of the line are counted by.
    fn line(&mut self, at: &str, line: Line<'_>) -> Around {
        let nameless = line.part && line.items.is_empty();
        let items = if nameless { Vec::new() } else { self.items(at, line.items) };
        let around = Around { items, unit: line.unit.clone() };
        let prices = line.price.iter_mut().collect();
        self.convert(at, line.unit, &around, (line.counts, prices), line.basis);
        self.quantities(&format!("{at}.quantities"), &around, line.quantities);
        self.prices(&format!("{at}.prices"), &around, line.prices);
        self.charges(at, &around, line.charges);
        around
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

    fn count(
        &mut self,
        at: &str,
        unit: &mut Option<String>,
        around: &Around,
        quantities: Vec<&mut Decimal>,
    ) {
        self.convert(at, unit, around, (quantities, Vec::new()), None);
    }

    /// Quantities and prices with their unit, or that of the line. `basis` says what the prices are for.
    fn convert(
        &mut self,
        at: &str,
        unit: &mut Option<String>,
        around: &Around,
        (quantities, prices): (Vec<&mut Decimal>, Vec<&mut Decimal>),
        basis: Option<&str>,
    ) {
        let Some(units) = &self.crosswalks.units else { return };
        let (items, around) = (&around.items, around.unit.as_deref());
        let counted = Counted { unit, around, items, quantities, prices, basis };
        units.convert(at, counted, self.way, self.held);
    }

    fn quantities(&mut self, at: &str, around: &Around, quantities: &mut [Quantity]) {
        for (at, part) in named(at, quantities) {
            let unit = part.unit.clone().or_else(|| around.unit.clone());
            let inner = Around { items: around.items.clone(), unit };
            self.count(&at, &mut part.unit, around, part.quantity.iter_mut().collect());
            self.schedules(&at, &inner, &mut part.schedules);
        }
    }

    /// Further prices. One that names no unit may be for another than that of the line, as that of a shop's shelf is: it
    /// stays as it is, and claims none.
    fn prices(&mut self, at: &str, around: &Around, prices: &mut [Price]) {
        for (at, part) in named(at, prices).filter(|(_, part)| part.unit.is_some()) {
            let numbers = (part.quantity.iter_mut().collect(), part.price.iter_mut().collect());
            self.convert(&at, &mut part.unit, around, numbers, part.basis.as_deref());
        }
    }

    /// Allowances and charges: a rate with a unit is for one of that; one without is for whatever they say.
    fn charges(&mut self, at: &str, around: &Around, charges: &mut [AllowanceCharge]) {
        let list = if at.is_empty() { String::new() } else { format!("{at}.") };
        for (at, part) in named(&format!("{list}allowances_charges"), charges) {
            if part.unit.is_some() {
                let quantities = [&mut part.quantity, &mut part.quantity_2];
                let quantities = quantities.into_iter().flatten().collect();
                let rates = part.rate.iter_mut().collect();
                self.convert(&at, &mut part.unit, around, (quantities, rates), None);
            }
            self.prices(&format!("{at}.prices"), around, &mut part.prices);
        }
    }

    fn stores(&mut self, at: &str, around: &Around, allocations: &mut [StoreAllocation]) {
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
            self.count(&at, &mut part.unit, around, quantities);
        }
    }

    fn schedules(&mut self, at: &str, around: &Around, schedules: &mut [Schedule]) {
        for (at, part) in named(&format!("{at}.schedules"), schedules) {
            self.count(&at, &mut part.unit, around, part.quantity.iter_mut().collect());
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
