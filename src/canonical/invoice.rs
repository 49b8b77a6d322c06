//! Invoices.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{
    AllowanceCharge, Amount, Contact, Currency, Description, FreightOnBoard, ItemNumber,
    Measurement, Moment, Note, Packaging, PackingInstruction, Party, Price, Quantity, Reference,
    Remark, StoreAllocation, SubLine, Tax, Terms, Totals, Unmapped, noun::nouns,
};

nouns! {
    /// An invoice.
    struct Invoice {
        /// Date of the invoice.
        date: Option<Date>,
        /// Number of the invoice.
        number: String,
        /// Date of the purchase order.
        order_date: Option<Date>,
        /// Number of the purchase order.
        order: Option<String>,
        /// Number of the release under a blanket order.
        release: Option<String>,
        /// Number of the change to the order.
        change: Option<String>,
        /// Kind: `invoice`, `credit_memo` …, or the X12 code (element 640).
        kind: Option<String>,
        /// What is done with it: `original`, `cancellation` …, or the X12 code (element 353).
        purpose: Option<String>,
        /// Remarks.
        remarks: Vec<Remark>,
        /// Currency.
        currency: Option<Currency>,
        /// Department of the buyer.
        department: Option<String>,
        /// Number by which the buyer knows the vendor.
        vendor_number: Option<String>,
        /// Number of the bill of lading.
        bill_of_lading: Option<String>,
        /// All other references.
        references: Vec<Reference>,
        /// People to turn to.
        contacts: Vec<Contact>,
        /// Where the goods went.
        ship_to: Option<Party>,
        /// Who gets the invoice.
        bill_to: Option<Party>,
        /// To whom to pay.
        remit_to: Option<Party>,
        /// Who bought.
        buyer: Option<Party>,
        /// Who sold.
        seller: Option<Party>,
        /// Where the goods came from.
        ship_from: Option<Party>,
        /// All other parties.
        parties: Vec<Party>,
        /// Terms of payment.
        terms: Vec<Terms>,
        /// When the goods were shipped.
        shipped: Option<Moment>,
        /// All other dates.
        dates: Vec<Moment>,
        /// Who pays for the transport.
        freight: Option<FreightOnBoard>,
        /// Descriptions of the invoice as a whole.
        descriptions: Vec<Description>,
        /// Measurements of the invoice as a whole.
        measurements: Vec<Measurement>,
        /// How it was marked, packed and loaded.
        packing: Vec<PackingInstruction>,
        /// Notes.
        notes: Vec<Note>,
        /// What is invoiced.
        lines: Vec<InvoiceLine>,
        /// The amount of the invoice.
        total: Option<Decimal>,
        /// The part of `total` that a discount for early payment is taken from.
        discountable: Option<Decimal>,
        /// `total` less the discount for early payment.
        discounted_total: Option<Decimal>,
        /// The discount for early payment.
        discount: Option<Decimal>,
        /// Taxes on the whole invoice.
        taxes: Vec<Tax>,
        /// The carrier.
        carrier: Option<Carrier>,
        /// Other amounts of the whole invoice.
        amounts: Vec<Amount>,
        /// Allowances and charges on the whole invoice.
        allowances_charges: Vec<AllowanceCharge>,
        /// What was shipped, in sum.
        shipment_totals: Vec<ShipmentTotal>,
        /// Sums over the invoice.
        totals: Option<Totals>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// A line of an invoice.
    struct InvoiceLine {
        /// Number of the line.
        number: Option<String>,
        /// How much is invoiced.
        quantity: Option<Decimal>,
        /// Unit of `quantity`.
        unit: Option<String>,
        /// Price of a unit.
        price: Option<Decimal>,
        /// What the price is for, as the X12 code (element 639).
        price_basis: Option<String>,
        /// Its item numbers, in the order given.
        items: Vec<ItemNumber>,
        /// Other quantities.
        quantities: Vec<Quantity>,
        /// Currency, where it is not that of the invoice.
        currency: Option<Currency>,
        /// Taxes.
        taxes: Vec<Tax>,
        /// Other prices.
        prices: Vec<Price>,
        /// Measurements.
        measurements: Vec<Measurement>,
        /// Descriptions.
        descriptions: Vec<Description>,
        /// How it was marked, packed and loaded.
        packing: Vec<PackingInstruction>,
        /// How it is packed.
        packaging: Vec<Packaging>,
        /// Terms of payment.
        terms: Vec<Terms>,
        /// References.
        references: Vec<Reference>,
        /// People to turn to.
        contacts: Vec<Contact>,
        /// How much went to which stores.
        store_allocations: Vec<StoreAllocation>,
        /// Dates.
        dates: Vec<Moment>,
        /// Carriers.
        carriers: Vec<Carrier>,
        /// Allowances and charges.
        allowances_charges: Vec<AllowanceCharge>,
        /// What the line consists of.
        sub_lines: Vec<SubLine>,
        /// Parties of this line alone.
        parties: Vec<Party>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// The carrier that brought the goods.
    struct Carrier {
        /// How it went: `motor`, `air` …, or the X12 code (element 91).
        method: Option<String>,
        /// Letters before the number of the equipment.
        equipment_initial: Option<String>,
        /// Number of the equipment.
        equipment: Option<String>,
        /// The carrier's SCAC.
        scac: Option<String>,
        /// The way, or the carrier's name, in words.
        routing: Option<String>,
        /// State of the shipment, as the X12 code (element 368).
        status: Option<String>,
        /// What kind of number `reference` is, as for `kind` of a reference.
        reference_kind: Option<String>,
        /// The carrier's number of the shipment.
        reference: Option<String>,
        /// Service level: `ground`, `next_day` …, or the X12 code (element 284).
        service: Option<String>,
    }

    /// What was shipped, in sum.
    struct ShipmentTotal {
        /// How many units.
        quantity: Option<Decimal>,
        /// Their unit.
        unit: Option<String>,
        /// Weight.
        weight: Option<Decimal>,
        /// Unit of `weight`.
        weight_unit: Option<String>,
        /// Volume.
        volume: Option<Decimal>,
        /// Unit of `volume`.
        volume_unit: Option<String>,
        /// Descriptions.
        descriptions: Vec<Description>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }
}
