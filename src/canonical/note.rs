//! Free text.

use jiff::civil::Date;

use super::{Moment, TimeOfDay, Unmapped, noun::nouns};

nouns! {
    /// A note: what it refers to, and its lines.
    struct Note {
        /// What it refers to, as for `kind` of a reference.
        kind: Option<String>,
        /// Number that it refers to.
        reference: Option<String>,
        /// Title.
        title: Option<String>,
        /// When it was made.
        date: Option<Date>,
        /// At what time.
        time: Option<TimeOfDay>,
        /// Time zone as the X12 code (element 623).
        zone: Option<String>,
        /// Its lines.
        lines: Vec<String>,
        /// Longer texts.
        texts: Vec<NoteText>,
        /// Dates that it speaks of.
        dates: Vec<Moment>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// A longer text.
    struct NoteText {
        /// What it is about, as the X12 code (element 363).
        kind: Option<String>,
        /// The text.
        text: Option<String>,
        /// More of it.
        text_2: Option<String>,
    }

    /// A remark.
    struct Remark {
        /// What it is about: `general`, `delivery` …, or the X12 code (element 363).
        kind: Option<String>,
        /// The remark.
        text: Option<String>,
    }
}
