//! Purchase orders, and changes of them.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{
    AllowanceCharge, Amount, Contact, Currency, Description, Equipment, FreightOnBoard, ItemNumber,
    Load, Mark, Measurement, Moment, Note, NoteText, Packaging, PackingInstruction, Party, Price,
    Quantity, Reference, Routing, SalesRequirement, Schedule, SpecialHandling, StoreAllocation,
    SubLine, Tax, Terms, Totals, Unmapped, noun::nouns,
};

nouns! {
    /// A purchase order, or a change of one (`order_change`): what then changes of it, or all of it.
    struct Order {
        /// Number of the purchase order.
        number: String,
        /// What is done with it: `original`, `cancellation`, `replace` …, or the X12 code (element 353).
        purpose: Option<String>,
        /// Kind of order: `stand_alone`, `drop_ship`, `blanket` …, or the X12 code (element 92).
        kind: Option<String>,
        /// Number of the release under a blanket order.
        release: Option<String>,
        /// Number of the change, among those of its order. Only changes have one.
        change_number: Option<String>,
        /// Date of the order.
        date: Option<Date>,
        /// Number of the request for a change. Only changes have one.
        request: Option<String>,
        /// Number of the contract.
        contract: Option<String>,
        /// Date of the change. Only changes have one.
        change_date: Option<Date>,
        /// How it is to be answered, as the X12 code (element 587).
        acknowledgment: Option<String>,
        /// Currency.
        currency: Option<Currency>,
        /// Department of the buyer.
        department: Option<String>,
        /// Number by which the buyer knows the vendor.
        vendor_number: Option<String>,
        /// Number of the customer's own order, where the buyer orders for a customer.
        customer_order: Option<String>,
        /// When the goods are to be delivered.
        requested_delivery: Option<Moment>,
        /// When the goods are to be shipped.
        requested_ship: Option<Moment>,
        /// When the order lapses.
        cancel_after: Option<Moment>,
        /// Shipment not before.
        ship_not_before: Option<Moment>,
        /// Shipment not later than.
        ship_not_later: Option<Moment>,
        /// Where the goods go.
        ship_to: Option<Party>,
        /// Who gets the invoice.
        bill_to: Option<Party>,
        /// Who buys.
        buyer: Option<Party>,
        /// Who sells.
        seller: Option<Party>,
        /// Where the goods come from.
        ship_from: Option<Party>,
        /// All other parties.
        parties: Vec<Party>,
        /// All other references.
        references: Vec<Reference>,
        /// People to turn to.
        contacts: Vec<Contact>,
        /// Who pays for the transport, and where title and risk pass.
        freight: Vec<FreightOnBoard>,
        /// Prices that hold for the whole order.
        prices: Vec<Price>,
        /// What is asked of the sale: back orders, substitution.
        sales_requirements: Vec<SalesRequirement>,
        /// Allowances and charges on the whole order.
        allowances_charges: Vec<AllowanceCharge>,
        /// Terms of payment.
        terms: Vec<Terms>,
        /// All other dates.
        dates: Vec<Moment>,
        /// Descriptions of the order as a whole.
        descriptions: Vec<Description>,
        /// Measurements of the order as a whole.
        measurements: Vec<Measurement>,
        /// How to mark, pack and load.
        packing: Vec<PackingInstruction>,
        /// What goes onto vehicles.
        loads: Vec<Load>,
        /// Carriers and ways.
        routing: Vec<Routing>,
        /// Trailers and containers.
        equipment: Vec<Equipment>,
        /// Special handling and hazardous goods.
        handling: Vec<SpecialHandling>,
        /// Marks on packages.
        marks: Vec<Mark>,
        /// Taxes on the whole order.
        taxes: Vec<Tax>,
        /// Amounts of the whole order.
        amounts: Vec<Amount>,
        /// Notes.
        notes: Vec<Note>,
        /// What is ordered.
        lines: Vec<OrderLine>,
        /// Sums over the order.
        totals: Option<Totals>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// A line of a purchase order.
    struct OrderLine {
        /// Number of the line.
        number: Option<String>,
        /// What a change does with the line: `add`, `delete`, `less` …, or the X12 code (element 670).
        change: Option<String>,
        /// How much is ordered; of a change, how much is ordered from then on.
        quantity: Option<Decimal>,
        /// How much of it is still to come, as the sender of a change sees it.
        quantity_left: Option<Decimal>,
        /// Unit of `quantity`: `each`, `case` …, or the X12 code (element 355).
        unit: Option<String>,
        /// Price of a unit.
        price: Option<Decimal>,
        /// What the price is for, as the X12 code (element 639).
        price_basis: Option<String>,
        /// Its item numbers, in the order given.
        items: Vec<ItemNumber>,
        /// Currency, where it is not that of the order.
        currency: Option<Currency>,
        /// Other prices.
        prices: Vec<Price>,
        /// Measurements.
        measurements: Vec<Measurement>,
        /// Descriptions.
        descriptions: Vec<Description>,
        /// How it is packed.
        packaging: Vec<Packaging>,
        /// References.
        references: Vec<Reference>,
        /// People to turn to.
        contacts: Vec<Contact>,
        /// Allowances and charges.
        allowances_charges: Vec<AllowanceCharge>,
        /// What is asked of the sale.
        sales_requirements: Vec<SalesRequirement>,
        /// Terms of payment.
        terms: Vec<Terms>,
        /// Who pays for the transport.
        freight: Vec<FreightOnBoard>,
        /// How much goes to which stores.
        store_allocations: Vec<StoreAllocation>,
        /// Dates.
        dates: Vec<Moment>,
        /// What goes onto vehicles.
        loads: Vec<Load>,
        /// Carriers and ways.
        routing: Vec<Routing>,
        /// Trailers and containers.
        equipment: Vec<Equipment>,
        /// Special handling and hazardous goods.
        handling: Vec<SpecialHandling>,
        /// Marks on packages.
        marks: Vec<Mark>,
        /// Messages in free text.
        messages: Vec<String>,
        /// Longer texts.
        texts: Vec<NoteText>,
        /// Taxes.
        taxes: Vec<Tax>,
        /// Other quantities.
        quantities: Vec<Quantity>,
        /// When how much is due.
        schedules: Vec<Schedule>,
        /// How to mark, pack and load.
        packing: Vec<PackingInstruction>,
        /// Notes.
        notes: Vec<Note>,
        /// Parties of this line alone.
        parties: Vec<Party>,
        /// What the line consists of: components of a kit, sizes of an assortment.
        sub_lines: Vec<SubLine>,
        /// Amounts.
        amounts: Vec<Amount>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }
}
