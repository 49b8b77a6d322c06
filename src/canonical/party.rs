//! Who takes part, how to reach them, and the numbers by which things are known.

use super::{FreightOnBoard, Moment, Unmapped, noun::nouns};

nouns! {
    /// A company, store, warehouse or person in a role.
    struct Party {
        /// The role: `ship_to`, `bill_to`, `buyer` …, or the X12 code (element 98). Absent where the field that
        /// holds the party names the role.
        kind: Option<String>,
        /// Name.
        name: Option<String>,
        /// What kind of number `id` is: `duns`, `gln`, `assigned_by_buyer` …, or the X12 code (element 66).
        id_kind: Option<String>,
        /// The number by which the party is known, for instance a store number.
        id: Option<String>,
        /// Second line of the name.
        name_2: Option<String>,
        /// Third line of the name.
        name_3: Option<String>,
        /// First line of the address.
        street: Option<String>,
        /// Second line of the address.
        street_2: Option<String>,
        /// Third line of the address.
        street_3: Option<String>,
        /// Fourth line of the address.
        street_4: Option<String>,
        /// City.
        city: Option<String>,
        /// State or province, as its code.
        region: Option<String>,
        /// Postal code.
        postal_code: Option<String>,
        /// Country, as its code.
        country: Option<String>,
        /// What kind of place `location` is, as the X12 code (element 309).
        location_kind: Option<String>,
        /// A place within the address, for instance a dock.
        location: Option<String>,
        /// Numbers that the party goes with this document by.
        references: Vec<Reference>,
        /// People to turn to.
        contacts: Vec<Contact>,
        /// Who pays for the transport to or from this party.
        freight: Vec<FreightOnBoard>,
        /// Dates that hold for this party alone.
        dates: Vec<Moment>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// A person or office to turn to.
    struct Contact {
        /// What for: `information`, `order` …, or the X12 code (element 366).
        kind: Option<String>,
        /// Name.
        name: Option<String>,
        /// Telephone numbers, addresses and the like.
        numbers: Vec<ContactNumber>,
        /// What to ask for.
        inquiry: Option<String>,
    }

    /// A telephone number, e-mail address or the like.
    struct ContactNumber {
        /// What it is: `telephone`, `email`, `fax` …, or the X12 code (element 365).
        kind: Option<String>,
        /// The number or address.
        value: Option<String>,
    }

    /// A number by which something is known.
    struct Reference {
        /// What it numbers: `department`, `bill_of_lading` …, or the X12 code (element 128).
        kind: Option<String>,
        /// The number.
        value: Option<String>,
        /// In words.
        description: Option<String>,
    }
}
