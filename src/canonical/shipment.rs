//! Shipments: what leaves a warehouse, in which packages, for which orders.
//!
//! `orders`, `packages` and `contents` are one relation: each entry of `contents` says by number (1-based) which
//! order it is for and which packages it is in. In what hierarchy a ship notice tells it is a matter of
//! [`Structure`] alone.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{
    AllowanceCharge, Contact, Currency, Description, Equipment, FreightOnBoard, ItemNumber, Load,
    Mark, Measurement, Moment, Packaging, PackingInstruction, Party, Reference, Routing,
    SpecialHandling, StoreAllocation, SubLine, TimeOfDay, Totals, Unmapped, noun::nouns,
};

nouns! {
    /// A shipment.
    struct Shipment {
        /// What is done with the notice: `original`, `cancellation` …, or the X12 code (element 353).
        purpose: Option<String>,
        /// Number of the shipment.
        number: String,
        /// Date on which the notice was made.
        date: Option<Date>,
        /// Its time.
        time: Option<TimeOfDay>,
        /// Structure of the notice as the X12 code (element 1005), for instance `0001`.
        structure_code: Option<String>,
        /// Kind of transaction, as the X12 code (element 640).
        kind: Option<String>,
        /// State of the shipment, as the X12 code (element 641).
        status: Option<String>,
        /// Dates of the notice itself.
        notice_dates: Vec<Moment>,
        /// Number of the bill of lading.
        bill_of_lading: Option<String>,
        /// The carrier's number of the shipment (PRO number).
        carrier_reference: Option<String>,
        /// When it was shipped.
        shipped: Option<Moment>,
        /// When it is to be delivered.
        estimated_delivery: Option<Moment>,
        /// Where the goods go.
        ship_to: Option<Party>,
        /// Where the goods come from.
        ship_from: Option<Party>,
        /// All other parties.
        parties: Vec<Party>,
        /// All other references.
        references: Vec<Reference>,
        /// All other dates.
        dates: Vec<Moment>,
        /// People to turn to.
        contacts: Vec<Contact>,
        /// How many packages, what weight.
        loads: Vec<Load>,
        /// Carriers and ways.
        routing: Vec<Routing>,
        /// Trailers and containers.
        equipment: Vec<Equipment>,
        /// Special handling and hazardous goods.
        handling: Vec<SpecialHandling>,
        /// Measurements.
        measurements: Vec<Measurement>,
        /// How it is marked, packed and loaded.
        packing: Vec<PackingInstruction>,
        /// Marks.
        marks: Vec<Mark>,
        /// Who pays for the transport.
        freight: Option<FreightOnBoard>,
        /// Currency.
        currency: Option<Currency>,
        /// Allowances and charges.
        allowances_charges: Vec<AllowanceCharge>,
        /// The orders that it is for.
        orders: Vec<ShippedOrder>,
        /// The packages: pallets, cartons.
        packages: Vec<Package>,
        /// What is in it.
        contents: Vec<ShippedItem>,
        /// Levels of the notice that are none of these, carried along unread.
        other_levels: Vec<OtherLevel>,
        /// Sums over the shipment.
        totals: Option<Totals>,
        /// How a notice tells all this.
        structure: Option<Structure>,
        /// What no field holds, of the level of the shipment.
        shipment_unmapped: Option<Box<Unmapped>>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// An order that a shipment is for.
    struct ShippedOrder {
        /// Number of the purchase order.
        number: Option<String>,
        /// Number of the release.
        release: Option<String>,
        /// Number of the change.
        change: Option<String>,
        /// Date of the purchase order.
        date: Option<Date>,
        /// Number of the contract.
        contract: Option<String>,
        /// Kind of order, as for `kind` of an order.
        kind: Option<String>,
        /// Department of the buyer.
        department: Option<String>,
        /// Number by which the buyer knows the vendor.
        vendor_number: Option<String>,
        /// The invoice for it.
        invoice: Option<String>,
        /// For whom: the store or other place that ordered.
        buyer: Option<Party>,
        /// All other parties.
        parties: Vec<Party>,
        /// All other references.
        references: Vec<Reference>,
        /// Dates.
        dates: Vec<Moment>,
        /// How many packages, what weight.
        loads: Vec<Load>,
        /// Carriers and ways.
        routing: Vec<Routing>,
        /// Equipment.
        equipment: Vec<Equipment>,
        /// Marks.
        marks: Vec<Mark>,
        /// Measurements.
        measurements: Vec<Measurement>,
        /// Descriptions.
        descriptions: Vec<Description>,
        /// How it is marked, packed and loaded.
        packing: Vec<PackingInstruction>,
        /// People to turn to.
        contacts: Vec<Contact>,
        /// Allowances and charges.
        allowances_charges: Vec<AllowanceCharge>,
        /// Who pays for the transport.
        freight: Option<FreightOnBoard>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// A package: a pallet, a carton.
    struct Package {
        /// `tare` (pallet) or `pack` (carton).
        kind: Option<String>,
        /// Number (1-based, in `packages`) of the package that it is in or on.
        parent: Option<u32>,
        /// Serial shipping container code (GS1): 20 digits with the identifier 00, or 18 for who leaves it out.
        sscc: Option<String>,
        /// The carrier's tracking number.
        tracking: Option<String>,
        /// All other marks.
        marks: Vec<Mark>,
        /// How much of one item is in it, where that is said of the package rather than of the item.
        quantity: Option<Decimal>,
        /// Unit of `quantity`.
        unit: Option<String>,
        /// Its packaging.
        packaging: Option<Packaging>,
        /// Number of layers, blocks and the like of a pallet.
        pallet: Option<Pallet>,
        /// What it weighs and the like.
        loads: Vec<Load>,
        /// Measurements.
        measurements: Vec<Measurement>,
        /// Descriptions.
        descriptions: Vec<Description>,
        /// References.
        references: Vec<Reference>,
        /// Dates.
        dates: Vec<Moment>,
        /// Parties.
        parties: Vec<Party>,
        /// How it is marked, packed and loaded.
        packing: Vec<PackingInstruction>,
        /// Special handling and hazardous goods.
        handling: Vec<SpecialHandling>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// How a pallet is loaded.
    struct Pallet {
        /// Kind of pallet, as the X12 code (element 883).
        kind: Option<String>,
        /// Number of layers.
        tiers: Option<i64>,
        /// Number of packages in a layer.
        blocks: Option<i64>,
        /// Number of packs in a package.
        pack: Option<i64>,
        /// Weight of the empty pallet.
        weight: Option<Decimal>,
        /// Unit of `weight`.
        weight_unit: Option<String>,
        /// Length.
        length: Option<Decimal>,
        /// Width.
        width: Option<Decimal>,
        /// Height.
        height: Option<Decimal>,
        /// Unit of length, width and height.
        dimension_unit: Option<String>,
    }

    /// An item in a shipment.
    struct ShippedItem {
        /// Number (1-based, in `orders`) of the order that it is for.
        order: Option<u32>,
        /// Numbers (1-based, in `packages`) of the innermost packages that it is in.
        packages: Vec<u32>,
        /// Number of the line of the order.
        line: Option<String>,
        /// Its item numbers, in the order given: also lot and serial numbers.
        items: Vec<ItemNumber>,
        /// Number of the line within the shipped quantities.
        shipped_line: Option<String>,
        /// How much is shipped.
        quantity: Option<Decimal>,
        /// Unit of `quantity`.
        unit: Option<String>,
        /// How much has been shipped up to now.
        shipped_to_date: Option<Decimal>,
        /// How much was ordered.
        ordered: Option<Decimal>,
        /// Unit of `ordered`.
        ordered_unit: Option<String>,
        /// State of the line, as the X12 code (element 668).
        status: Option<String>,
        /// The purchase order, where it is told of the item.
        order_number: Option<String>,
        /// Lot or batch.
        lot: Option<String>,
        /// When it expires.
        expiry: Option<Moment>,
        /// How it is packed.
        packaging: Option<Packaging>,
        /// Descriptions.
        descriptions: Vec<Description>,
        /// Measurements.
        measurements: Vec<Measurement>,
        /// References.
        references: Vec<Reference>,
        /// Dates.
        dates: Vec<Moment>,
        /// Marks, serial numbers.
        marks: Vec<Mark>,
        /// What it consists of.
        sub_lines: Vec<SubLine>,
        /// How many packages, what weight.
        loads: Vec<Load>,
        /// Special handling and hazardous goods.
        handling: Vec<SpecialHandling>,
        /// How much goes to which stores.
        store_allocations: Vec<StoreAllocation>,
        /// Parties.
        parties: Vec<Party>,
        /// Allowances and charges.
        allowances_charges: Vec<AllowanceCharge>,
        /// How it is marked, packed and loaded.
        packing: Vec<PackingInstruction>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// A level of a ship notice that is neither shipment, order, package nor item.
    struct OtherLevel {
        /// Which, as the X12 code (element 735).
        code: Option<String>,
        /// All of it.
        unmapped: Option<Box<Unmapped>>,
    }

    /// In what hierarchy a ship notice tells the shipment.
    struct Structure {
        /// The levels from the outermost, for instance `shipment`, `order`, `pack`, `item`.
        hierarchy: Vec<String>,
        /// Which levels tell whether others are within them: `all`, or only the `parents`. Absent: none.
        child_codes: Option<String>,
        /// The levels one by one, where the hierarchy alone does not give them: levels without contents, of
        /// unusual order or numbering.
        levels: Vec<Level>,
    }

    /// One level of a ship notice, as it was sent.
    struct Level {
        /// Which, as the X12 code (element 735).
        code: String,
        /// Number (1-based) of its entry in `orders`, `packages`, `contents` or `other_levels`; absent for that of
        /// the shipment itself.
        entry: Option<u32>,
        /// Number (1-based, in this list) of the level that it is within.
        within: Option<u32>,
        /// Its own number, where that is not its place in this list.
        id: Option<String>,
        /// The number of the level that it is within, where that is not the `id` of `within`.
        parent: Option<String>,
        /// Whether others are within it, as it was told.
        child: Option<String>,
    }
}
