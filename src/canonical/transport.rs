//! How goods travel: carriers, loads, equipment, and the marks on packages.

use rust_decimal::Decimal;

use super::{Unmapped, noun::nouns};

nouns! {
    /// A carrier and the way that the goods take.
    struct Routing {
        /// Place in a sequence of carriers, as the X12 code (element 133).
        sequence: Option<String>,
        /// What kind of code `carrier` is: `scac` …, or the X12 code (element 66).
        carrier_kind: Option<String>,
        /// The carrier, usually its SCAC.
        carrier: Option<String>,
        /// How it goes: `motor`, `air` …, or the X12 code (element 91).
        method: Option<String>,
        /// The way, or the carrier's name, in words.
        routing: Option<String>,
        /// State of the shipment or order, as the X12 code (element 368).
        status: Option<String>,
        /// What kind of place `location` is, as the X12 code (element 309).
        location_kind: Option<String>,
        /// A place on the way.
        location: Option<String>,
        /// Which way the transit time counts, as the X12 code (element 731).
        transit_direction: Option<String>,
        /// Unit of `transit_time`, as the X12 code (element 732).
        transit_unit: Option<String>,
        /// Time in transit.
        transit_time: Option<Decimal>,
        /// Service level: `ground`, `next_day` …, or the X12 code (element 284).
        service: Option<String>,
        /// Second service level.
        service_2: Option<String>,
        /// Third service level.
        service_3: Option<String>,
        /// Country, as its code.
        country: Option<String>,
    }

    /// How much goes onto a vehicle: packages, weight, volume.
    struct Load {
        /// Kind of packaging, as the X12 code (element 103), for instance `CTN25`.
        packaging: Option<String>,
        /// How many packages.
        packages: Option<i64>,
        /// What kind of code `commodity` is, as the X12 code (element 23).
        commodity_kind: Option<String>,
        /// What kind of goods.
        commodity: Option<String>,
        /// The goods in words.
        description: Option<String>,
        /// What kind of weight `weight` is, as the X12 code (element 187), for instance `G` gross.
        weight_kind: Option<String>,
        /// Weight.
        weight: Option<Decimal>,
        /// Unit of `weight`.
        weight_unit: Option<String>,
        /// Volume.
        volume: Option<Decimal>,
        /// Unit of `volume`.
        volume_unit: Option<String>,
    }

    /// A trailer, container or other equipment.
    struct Equipment {
        /// What it is: `trailer`, `container` …, or the X12 code (element 40).
        kind: Option<String>,
        /// Letters before its number.
        initial: Option<String>,
        /// Its number.
        number: Option<String>,
        /// What kind of weight `weight` is, as the X12 code (element 187).
        weight_kind: Option<String>,
        /// Weight.
        weight: Option<Decimal>,
        /// Unit of `weight`.
        weight_unit: Option<String>,
        /// Whose it is, as the X12 code (element 102).
        ownership: Option<String>,
        /// State of the seal, as the X12 code (element 407).
        seal_status: Option<String>,
        /// Number of the seal.
        seal: Option<String>,
        /// Type of equipment, as the X12 code (element 24).
        equipment_type: Option<String>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// Special handling, or hazardous goods.
    struct SpecialHandling {
        /// How to handle it, as the X12 code (element 152).
        code: Option<String>,
        /// What kind of code `hazard` is, as the X12 code (element 208).
        hazard_kind: Option<String>,
        /// Class of the hazardous goods.
        hazard: Option<String>,
        /// In words.
        description: Option<String>,
    }

    /// A mark or number on a package.
    struct Mark {
        /// What it is: `sscc`, `carrier_tracking` …, or the X12 code (element 88).
        kind: Option<String>,
        /// The number, or the first of a range.
        value: Option<String>,
        /// The last of a range.
        value_to: Option<String>,
        /// What the second mark is.
        kind_2: Option<String>,
        /// The second mark, or the first of a range.
        value_2: Option<String>,
        /// The last of the second range.
        value_2_to: Option<String>,
    }
}
