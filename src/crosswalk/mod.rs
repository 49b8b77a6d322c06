//! Cross-references: what a partner calls items, units, places, companies, carriers and terms, and what we call
//! them. Canonical documents go through on their way in (theirs → ours) and out (ours → theirs).
//!
//! What is not mapped is a finding, and the document is held; nothing is guessed and nothing rounded. A document for
//! which no cross-reference speaks is left as it is.
//!
//! ```
//! use crossdock::canonical::Document;
//! use crossdock::crosswalk::{Crosswalks, Kind};
//! let units = (Kind::Units, "units.csv", "ours,theirs,factor\nEA,CA,12\n");
//! // What a code of the partner's means is for the maps to know.
//! let words = |table: &str, code: &str| match (table, code) {
//!     ("units", "EA") => Some("each".to_owned()),
//!     ("units", "CA") => Some("case".to_owned()),
//!     _ => None,
//! };
//! let (crosswalks, errors) = Crosswalks::from_sources([units], &words);
//! assert!(errors.is_empty());
//! let json = r#"{"document":"order","number":"1","lines":[{"quantity":"5","unit":"case","price":"24.00"}]}"#;
//! let mut order: Document = serde_json::from_str(json).unwrap();
//! assert!(crosswalks.inbound(&mut order).is_empty());
//! let json = serde_json::to_string(&order).unwrap();
//! assert!(json.contains(r#""quantity":"60","unit":"each","price":"2.00""#), "{json}");
//! ```

mod codes;
mod items;
mod table;
mod units;
mod walk;

use codes::Codes;
use items::Items;
use table::Table;
use units::{Units, Way};

use std::sync::Arc;

use crate::canonical::Document;
use crate::findings::{Code, Finding, Place};
use crate::grammar::LineError;
use crate::grammar::digits::{self, Scheme};

/// What a cross-reference is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Item numbers. The first column is ours, named by its kind (`sku`), the others are theirs (`upc`, `buyer`),
    /// `preferred` marks the row whose numbers are sent.
    Items,
    /// Units: `ours`, `theirs`, `factor` (how many of ours are in one of theirs; `12`, `1/12`), and optionally `item`
    /// and `whole` (`no` where there are parts of a unit).
    Units,
    /// Places goods go to and come from, stores among them: `ours`, `theirs`, `kind`, `preferred`.
    Locations,
    /// All other parties: `ours`, `theirs`, `kind`, `preferred`.
    Parties,
    /// Carriers: `ours`, `scac`, `service`, `preferred`.
    Carriers,
    /// Terms of payment, by their words: `ours`, `theirs`, `preferred`.
    Terms,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Items, Self::Units, Self::Locations, Self::Parties, Self::Carriers, Self::Terms];

    /// Its name in a profile: `items`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Items => "items",
            Self::Units => "units",
            Self::Locations => "locations",
            Self::Parties => "parties",
            Self::Carriers => "carriers",
            Self::Terms => "terms",
        }
    }
}

/// The code tables of the maps: which words a canonical document has for codes.
pub trait Words {
    /// The word for a code of a table.
    fn word(&self, table: &str, code: &str) -> Option<String>;

    /// All words of a table; none where they are not known, and then nothing is said of others.
    fn all(&self, table: &str) -> Vec<String>;
}

/// A look-up that does not know all of its words.
impl<F: Fn(&str, &str) -> Option<String>> Words for F {
    fn word(&self, table: &str, code: &str) -> Option<String> {
        self(table, code)
    }

    fn all(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}

/// What is wrong with a word that can never stand in a document: it is none of the table's, and too long for a code,
/// which would stand there as it is. Units (element 355), kinds of item numbers (235) and levels of service (284) have two
/// characters, kinds of the numbers of parties (66) one or two.
fn never_met(word: &str, all: &[String], least: usize) -> Option<(String, String)> {
    let is_code =
        (least..=2).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphanumeric());
    if all.is_empty() || is_code || all.iter().any(|known| known == word) {
        return None;
    }
    let length = if least == 1 { "one or two" } else { "two" };
    let otherwise = format!(
        "the words are {}; an X12 code of {length} characters may stand too",
        all.join(", ")
    );
    let mend = crate::grammar::suggest::mend(word, all.iter().map(String::as_str), &otherwise);
    Some((format!("no document ever says `{word}`: it is neither a word nor a code"), mend))
}

/// The tables of maps whose words stand in the columns of a cross-reference.
const ITEM_KINDS: &str = "item-kinds";
const UNITS: &str = "units";
const PARTY_ID_KINDS: &str = "party-id-kinds";
const SERVICE_LEVELS: &str = "service-levels";

/// The cross-references with one partner. A copy shares the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Crosswalks {
    items: Option<Arc<Items>>,
    units: Option<Arc<Units>>,
    locations: Option<Arc<Codes>>,
    parties: Option<Arc<Codes>>,
    carriers: Option<Arc<Codes>>,
    terms: Option<Arc<Codes>>,
}

impl Crosswalks {
    /// Reads cross-references: what each is about, its file as errors name it, and its text (CSV; TOML where the
    /// name of the file ends so). Of two of a kind the later one counts.
    ///
    /// `words` gives the canonical word for a code of one of the maps' tables: a row may have either.
    ///
    /// What is wrong is told line by line; a file with errors is of no use, and its kind is left out.
    pub fn from_sources<'t>(
        sources: impl IntoIterator<Item = (Kind, &'t str, &'t str)>,
        words: &dyn Words,
    ) -> (Self, Vec<LineError>) {
        let mut crosswalks = Self::default();
        let mut errors = Vec::new();
        for (kind, file, text) in sources {
            let mut found = Vec::new();
            let table = Table::read(file, text, &mut found);
            let read = Self::default().with(kind, table, words, &mut found);
            if found.is_empty() {
                crosswalks.put(read);
            }
            found.sort();
            errors.extend(found);
        }
        (crosswalks, errors)
    }

    fn with(
        mut self,
        kind: Kind,
        table: Table,
        words: &dyn Words,
        errors: &mut Vec<LineError>,
    ) -> Self {
        if table.columns.is_empty() && !errors.is_empty() {
            return self;
        }
        let codes = |table, keys: &[&str], coded: Option<&str>, errors: &mut _| {
            Codes::new(table, keys, (coded, words), errors).map(Arc::new)
        };
        let (place, carrier) = (["theirs", "kind"], ["scac", "service"]);
        match kind {
            Kind::Items => self.items = Items::new(table, words, errors).map(Arc::new),
            Kind::Units => self.units = Units::new(&table, words, errors).map(Arc::new),
            Kind::Locations => self.locations = codes(table, &place, Some(PARTY_ID_KINDS), errors),
            Kind::Parties => self.parties = codes(table, &place, Some(PARTY_ID_KINDS), errors),
            Kind::Carriers => self.carriers = codes(table, &carrier, Some(SERVICE_LEVELS), errors),
            Kind::Terms => self.terms = codes(table, &["theirs"], None, errors),
        }
        self
    }

    /// Lays others over these: of two of a kind the other counts. Nothing is copied; both share the rows.
    pub fn put(&mut self, other: Self) {
        self.items = other.items.or(self.items.take());
        self.units = other.units.or(self.units.take());
        self.locations = other.locations.or(self.locations.take());
        self.parties = other.parties.or(self.parties.take());
        self.carriers = other.carriers.or(self.carriers.take());
        self.terms = other.terms.or(self.terms.take());
    }

    /// Rows of units that say different things of one item, which the cross-reference of items knows by both numbers:
    /// documents that name both are held.
    #[must_use]
    pub fn contradictions(&self) -> Vec<LineError> {
        match (&self.items, &self.units) {
            (Some(items), Some(units)) => units.contradictions(&|number| items.meant(number)),
            _ => Vec::new(),
        }
    }

    /// Rows that are slips, most likely: units for items that the cross-reference of items does not know by that number,
    /// and a single one of theirs that is several packs of ours.
    #[must_use]
    pub fn doubts(&self) -> Vec<LineError> {
        let (Some(units), items) = (&self.units, &self.items) else { return Vec::new() };
        let mut doubts = units.turned();
        if let Some(items) = items {
            doubts.extend(units.strangers(&|number| items.meant(number)));
        }
        doubts.sort();
        doubts
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// From theirs to ours. Findings say what is not mapped: the document is to be held then, and is
    /// left as it was.
    pub fn inbound(&self, document: &mut Document) -> Vec<Finding> {
        self.translate(document, Way::In)
    }

    /// From ours to theirs. Findings say what is not mapped: the document is not to be sent then,
    /// and is left as it was.
    pub fn outbound(&self, document: &mut Document) -> Vec<Finding> {
        self.translate(document, Way::Out)
    }

    fn translate(&self, document: &mut Document, way: Way) -> Vec<Finding> {
        let mut held = Held::default();
        if !self.is_empty() {
            let before = document.clone();
            walk::Pass { crosswalks: self, way, held: &mut held }.document(document);
            if !held.findings.is_empty() {
                *document = before;
            }
        }
        held.findings
    }
}

/// What keeps a document back.
#[derive(Debug, Default)]
struct Held {
    findings: Vec<Finding>,
}

/// More findings of one document help nobody.
const FINDINGS_MAX: usize = 1000;

impl Held {
    /// `at` is the path of the part in the canonical document: `lines[2]`.
    fn add(&mut self, code: Code, at: &str, value: Option<&str>, says: &str, mend: &str) {
        if self.findings.len() >= FINDINGS_MAX {
            return;
        }
        let says = format!("{at}: {says}");
        let mut finding = Finding::new(code, Place::default(), says, mend.to_owned());
        finding.field = Some(at.to_owned());
        finding.value = value.map(|v| v.chars().take(80).collect());
        self.findings.push(finding);
    }
}

/// Whether a number of a kind that has a check digit (GS1 General Specifications, 7.9) has the right one.
fn digits_fit(kind: &str, value: &str) -> bool {
    let (scheme, length) = match kind {
        "upc" => (Scheme::Upc, 12),
        "ean_13" => (Scheme::Gtin, 13),
        "gln" => (Scheme::Gln, 13),
        "gtin_14" => (Scheme::Gtin, 14),
        _ => return true,
    };
    value.len() == length && digits::is_right(scheme, value.as_bytes())
}
