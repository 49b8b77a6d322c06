//! What is ordered, shipped and invoiced: numbers, quantities, descriptions, packaging, prices.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{
    AllowanceCharge, Amount, Moment, Note, Party, Reference, Tax, TimeOfDay, Unmapped, noun::nouns,
};

nouns! {
    /// A number by which an item is known.
    struct ItemNumber {
        /// Whose number or which kind: `upc`, `gtin`, `buyer`, `vendor`, `sku`, `lot`, `serial` …, or the X12 code
        /// (element 235).
        kind: Option<String>,
        /// The number.
        value: Option<String>,
    }

    /// A description of an item or document.
    struct Description {
        /// Free text (`free_form`) or coded (`coded`) …, or the X12 code (element 349).
        kind: Option<String>,
        /// What it describes, as the X12 code (element 750): `08` product, `73` colour, `74` size …
        characteristic: Option<String>,
        /// Whose code list `code` is of, as the X12 code (element 559).
        agency: Option<String>,
        /// The description as a code.
        code: Option<String>,
        /// The description in words.
        text: Option<String>,
        /// Language of `text`.
        language: Option<String>,
        /// Measurements that belong to it.
        measurements: Vec<Measurement>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// How an item is packed.
    struct Packaging {
        /// How many inner packages are in an outer one.
        pack: Option<i64>,
        /// Size of a unit in the pack.
        size: Option<Decimal>,
        /// Unit of `size`.
        size_unit: Option<String>,
        /// Kind of packaging, as the X12 code (element 103), for instance `CTN25`.
        code: Option<String>,
        /// What kind of weight `weight` is, as the X12 code (element 187).
        weight_kind: Option<String>,
        /// Gross weight of a pack.
        weight: Option<Decimal>,
        /// Unit of `weight`.
        weight_unit: Option<String>,
        /// Gross volume of a pack.
        volume: Option<Decimal>,
        /// Unit of `volume`.
        volume_unit: Option<String>,
        /// Length of a pack.
        length: Option<Decimal>,
        /// Width of a pack.
        width: Option<Decimal>,
        /// Height of a pack.
        height: Option<Decimal>,
        /// Unit of length, width and height.
        dimension_unit: Option<String>,
        /// How many units are in an inner package.
        inner_pack: Option<i64>,
    }

    /// How something is to be marked, packed or loaded.
    struct PackingInstruction {
        /// Free text (`free_form`) or coded (`coded`) …, or the X12 code (element 349).
        kind: Option<String>,
        /// What it is about, as the X12 code (element 753).
        characteristic: Option<String>,
        /// Whose code list `code` is of, as the X12 code (element 559).
        agency: Option<String>,
        /// The instruction as a code.
        code: Option<String>,
        /// The instruction in words.
        text: Option<String>,
        /// Unit load, as the X12 code (element 400).
        unit_load: Option<String>,
        /// Measurements that belong to it.
        measurements: Vec<Measurement>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// A measurement.
    struct Measurement {
        /// What is measured, as the X12 code (element 737), for instance `PD` physical dimensions.
        reference: Option<String>,
        /// Which measure: `gross_weight`, `length` …, or the X12 code (element 738).
        kind: Option<String>,
        /// The value.
        value: Option<Decimal>,
        /// Its unit.
        unit: Option<String>,
        /// Least value of a range.
        minimum: Option<Decimal>,
        /// Greatest value of a range.
        maximum: Option<Decimal>,
        /// How the value is meant, as the X12 code (element 935).
        significance: Option<String>,
    }

    /// A quantity, and what it counts.
    struct Quantity {
        /// What it counts: `on_hand`, `available` …, or the X12 code (element 673).
        kind: Option<String>,
        /// The quantity.
        quantity: Option<Decimal>,
        /// Its unit.
        unit: Option<String>,
        /// In words, where a number will not do.
        text: Option<String>,
        /// Dates that belong to it: `available` …
        dates: Vec<Moment>,
        /// When how much of it is due.
        schedules: Vec<Schedule>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// A price beside that of the line.
    struct Price {
        /// Class of trade, as the X12 code (element 687).
        class_of_trade: Option<String>,
        /// Which price: `retail`, `unit_cost` …, or the X12 code (element 236).
        kind: Option<String>,
        /// The price of a unit.
        price: Option<Decimal>,
        /// The quantity that it holds for.
        quantity: Option<Decimal>,
        /// Unit of `quantity`.
        unit: Option<String>,
        /// What `multiplier` does, as the X12 code (element 648).
        multiplier_kind: Option<String>,
        /// By which the price is multiplied.
        multiplier: Option<Decimal>,
        /// The amount that results, or by which the price is changed.
        amount: Option<Decimal>,
        /// What the price is for, as the X12 code (element 639).
        basis: Option<String>,
        /// A condition in words.
        condition: Option<String>,
        /// How many units have this price together.
        multiple: Option<i64>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// How much of a line goes to which stores.
    struct StoreAllocation {
        /// Unit of the quantities.
        unit: Option<String>,
        /// What kind of number the stores are named by, as for `id_kind` of a party.
        store_kind: Option<String>,
        /// The stores with their quantities.
        stores: Vec<StoreQuantity>,
        /// A place that holds for all of them.
        location: Option<String>,
    }

    /// A store and its quantity.
    struct StoreQuantity {
        /// Number of the store.
        store: Option<String>,
        /// How much goes there.
        quantity: Option<Decimal>,
    }

    /// When how much of a line is due.
    struct Schedule {
        /// How much.
        quantity: Option<Decimal>,
        /// Its unit.
        unit: Option<String>,
        /// Role of the party that it is for, as for `kind` of a party.
        party_kind: Option<String>,
        /// Name of that party.
        party: Option<String>,
        /// What the first date is, as for `kind` of a moment.
        kind: Option<String>,
        /// The first date.
        date: Option<Date>,
        /// Its time.
        time: Option<TimeOfDay>,
        /// What the second date is.
        kind_2: Option<String>,
        /// The second date.
        date_2: Option<Date>,
        /// Its time.
        time_2: Option<TimeOfDay>,
        /// Number of the request.
        request: Option<String>,
        /// Number of the schedule.
        number: Option<String>,
        /// Numbers that belong to it.
        references: Vec<Reference>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// Part of a line: a component of a kit, a size or colour of an assortment.
    struct SubLine {
        /// Its number.
        number: Option<String>,
        /// Number of the sub-line that this one is part of.
        parent: Option<String>,
        /// How it relates to the line: `included`, `additional` …, or the X12 code (element 662).
        relationship: Option<String>,
        /// How much.
        quantity: Option<Decimal>,
        /// Its unit.
        unit: Option<String>,
        /// Price of a unit.
        price: Option<Decimal>,
        /// What the price is for, as the X12 code (element 639).
        price_basis: Option<String>,
        /// How the price relates to that of the line, as `relationship`.
        price_relationship: Option<String>,
        /// Its item numbers, in the order given.
        items: Vec<ItemNumber>,
        /// Messages in free text.
        messages: Vec<String>,
        /// Descriptions.
        descriptions: Vec<Description>,
        /// Dates.
        dates: Vec<Moment>,
        /// References.
        references: Vec<Reference>,
        /// Other prices.
        prices: Vec<Price>,
        /// How it is packed.
        packaging: Vec<Packaging>,
        /// Notes.
        notes: Vec<Note>,
        /// Allowances and charges.
        allowances_charges: Vec<AllowanceCharge>,
        /// Taxes.
        taxes: Vec<Tax>,
        /// Other quantities.
        quantities: Vec<Quantity>,
        /// Amounts.
        amounts: Vec<Amount>,
        /// Parties.
        parties: Vec<Party>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }
}
