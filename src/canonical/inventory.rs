//! Inventory: what there is of items at a place, what is expected, and when.

use jiff::civil::Date;

use super::{
    AllowanceCharge, Contact, Currency, Description, ItemNumber, Mark, Measurement, Moment,
    PackingInstruction, Party, Price, Quantity, Reference, StoreAllocation, SubLine, TimeOfDay,
    Totals, Unmapped, noun::nouns,
};

nouns! {
    /// A report of an inventory. It is for no order.
    struct Inventory {
        /// What is done with the report: `original`, `replace` …, or the X12 code (element 353).
        purpose: Option<String>,
        /// Whose report it is, or of what: `seller`, `distributor`, `place` …, or the X12 code (element 755).
        kind: Option<String>,
        /// Number of the report.
        number: String,
        /// Date of the report.
        date: Option<Date>,
        /// Its time.
        time: Option<TimeOfDay>,
        /// What is to be done with it, as the X12 code (element 306).
        action: Option<String>,
        /// Currency.
        currency: Option<Currency>,
        /// Department of the buyer.
        department: Option<String>,
        /// Number by which the buyer knows the vendor.
        vendor_number: Option<String>,
        /// The warehouse whose inventory it is.
        warehouse: Option<Party>,
        /// Where the goods would be shipped from.
        ship_from: Option<Party>,
        /// Who buys.
        buyer: Option<Party>,
        /// Who sells.
        seller: Option<Party>,
        /// All other parties.
        parties: Vec<Party>,
        /// All other references.
        references: Vec<Reference>,
        /// Dates: as of when it holds (`effective`) …
        dates: Vec<Moment>,
        /// People to turn to.
        contacts: Vec<Contact>,
        /// Measurements.
        measurements: Vec<Measurement>,
        /// The items.
        lines: Vec<InventoryLine>,
        /// Sums over the report.
        totals: Option<Totals>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// What there is of an item.
    struct InventoryLine {
        /// Number of the line.
        number: Option<String>,
        /// Its item numbers, in the order given.
        items: Vec<ItemNumber>,
        /// How much there is of it, and how much is expected when.
        quantities: Vec<Quantity>,
        /// Descriptions.
        descriptions: Vec<Description>,
        /// Measurements.
        measurements: Vec<Measurement>,
        /// How it is marked, packed and loaded.
        packing: Vec<PackingInstruction>,
        /// Dates.
        dates: Vec<Moment>,
        /// Prices.
        prices: Vec<Price>,
        /// Currency, where it is not that of the report.
        currency: Option<Currency>,
        /// Allowances and charges.
        allowances_charges: Vec<AllowanceCharge>,
        /// References.
        references: Vec<Reference>,
        /// People to turn to.
        contacts: Vec<Contact>,
        /// How much is at, or for, which stores.
        store_allocations: Vec<StoreAllocation>,
        /// Marks.
        marks: Vec<Mark>,
        /// What it consists of.
        sub_lines: Vec<SubLine>,
        /// Parties of this line alone.
        parties: Vec<Party>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }
}
