//! What samples tell of a partner: sets are counted one after the other, and in the end a draft of a profile says what
//! held in them, each line with its evidence (`docs/onboarding.md`).
//!
//! Memory is bounded whatever the number of samples: of each place so many counters, of each element so many values.
//! It must never know a particular partner, set or segment: what is tried besides what can be counted of every set
//! stands in the files of `hypotheses/`.

mod agreement;
mod choices;
mod draft;
mod envelopes;
mod evidence;
mod facts;
mod levels;
mod lines;
mod paths;
mod sheet;
mod tally;
mod trials;
mod values;

pub use agreement::is_answer;
pub use draft::{Draft, DraftFile};
pub use evidence::{Confidence, Evidence};
pub use facts::{Fact, Topic};

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::findings::{Code, Finding, Severity};
use crate::grammar::{Grammar, Walked};
use crate::overlay::Direction;
use crate::x12::{Group, Interchange, Segments};
use envelopes::Traffic;
use sheet::Sheet;
use trials::Hypotheses;

/// Documents whose fingerprints are kept; a document that comes again after so many counts again. 8 MiB.
const FINGERPRINTS_MAX: usize = 1 << 20;
/// Kinds of sheets: sets, releases, directions. What samples of one partner never reach.
const SHEETS_MAX: usize = 64;

/// What a set is, besides what stands in it.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// Whether the partner sends it.
    pub direction: Direction,
    /// GS08.
    pub version: &'a str,
    /// ST02.
    pub number: &'a str,
    /// The canonical kind of document, where a map says so: `order`.
    pub kind: Option<&'a str>,
}

/// Documents of one set, release and direction that samples hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counted {
    /// From which is learned.
    pub learned: u64,
    /// The same document as one before, which proves nothing more.
    pub repeated: u64,
    /// Which their grammar rejects, so that they prove nothing.
    pub rejected: u64,
    /// For which there is no grammar.
    pub unknown: u64,
    /// The canonical kind of document.
    pub kind: Option<String>,
}

impl Counted {
    /// Whether there is a grammar that reads them, whatever it says of them.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.learned + self.repeated + self.rejected > 0
    }
}

/// A set in a release and a direction: `("850", "004010", In)`.
pub type SheetKey = (String, String, Direction);

/// Learns from samples.
#[derive(Debug, Default)]
pub struct Learner {
    traffic: [Traffic; 2],
    sheets: BTreeMap<SheetKey, Sheet>,
    counted: BTreeMap<SheetKey, Counted>,
    /// Groups with accepted sets that were answered, by direction: where the answer names these sets, and all.
    answered: [(u64, u64); 2],
    seen: HashSet<u64>,
    hypotheses: Hypotheses,
}

impl Learner {
    /// Begins, with the hypotheses that come with the program.
    #[must_use]
    pub fn new() -> Self {
        Self { hypotheses: Hypotheses::embedded(), ..Self::default() }
    }

    /// Takes the header of an interchange. `line_break` is what follows its terminator, as a profile calls it: `none`,
    /// `lf`, `crlf`.
    pub fn interchange(&mut self, header: &Interchange, line_break: &str, direction: Direction) {
        self.of(direction).interchange(header, line_break);
    }

    /// Takes the header of a group of such an interchange.
    pub fn group(&mut self, interchange: &Interchange, group: &Group, direction: Direction) {
        self.of(direction).group(interchange, group, direction);
    }

    fn of(&mut self, direction: Direction) -> &mut Traffic {
        &mut self.traffic[usize::from(direction == Direction::Out)]
    }

    /// Takes a set that was walked and checked by its grammar alone; `findings` are those of that check. A set that
    /// is rejected, or was seen before, proves nothing and is only counted.
    pub fn set(
        &mut self,
        walked: &Walked<'_>,
        grammar: &Arc<Grammar>,
        sample: Sample<'_>,
        findings: &[Finding],
    ) {
        let key = (grammar.set.clone(), grammar.release.clone(), sample.direction);
        if !self.counted.contains_key(&key) && self.counted.len() >= SHEETS_MAX {
            return;
        }
        let counted = self.counted.entry(key.clone()).or_default();
        counted.kind = sample.kind.map(str::to_owned);
        if is_rejected(findings) {
            counted.rejected += 1;
            return;
        }
        let fingerprint = fingerprint(&walked.segments);
        if self.seen.contains(&fingerprint) {
            counted.repeated += 1;
            return;
        }
        if self.seen.len() < FINGERPRINTS_MAX {
            self.seen.insert(fingerprint);
        }
        counted.learned += 1;
        self.of(sample.direction).set_number(sample.number);
        let hypotheses = &self.hypotheses;
        let sheet = self.sheets.entry(key).or_insert_with(|| Sheet::new(grammar, hypotheses));
        sheet.take(walked, findings);
    }

    /// Takes how a group was answered that had accepted sets: whether the answer names them.
    pub fn answer(&mut self, names_accepted: bool, direction: Direction) {
        let (named, all) = &mut self.answered[usize::from(direction == Direction::Out)];
        *named += u64::from(names_accepted);
        *all += 1;
    }

    /// Counts a set that no grammar reads.
    pub fn unknown(&mut self, set: &str, sample: Sample<'_>) {
        let release: String = sample.version.chars().take(6).collect();
        let key = (set.chars().take(6).collect(), release, sample.direction);
        if self.counted.len() < SHEETS_MAX || self.counted.contains_key(&key) {
            self.counted.entry(key).or_default().unknown += 1;
        }
    }

    /// How many documents there were.
    #[must_use]
    pub fn counted(&self) -> &BTreeMap<SheetKey, Counted> {
        &self.counted
    }

    /// What was found of a set, by topic.
    #[must_use]
    pub fn facts(&self, key: &SheetKey) -> Vec<Fact> {
        self.sheets.get(key).map(facts::of).unwrap_or_default()
    }

    /// The draft of a profile of this name.
    #[must_use]
    pub fn draft(&self, name: &str) -> Draft {
        draft::draft(self, name)
    }
}

/// Whether a document proves nothing: its grammar rejects it for something that no agreement can allow.
#[must_use]
pub fn is_rejected(findings: &[Finding]) -> bool {
    let can_be_allowed = |f: &Finding| f.code == Code::SegmentUnrecognised;
    findings.iter().any(|f| f.severity == Severity::Fatal && !can_be_allowed(f))
}

/// Two documents with one fingerprint are the same, control numbers, delimiters and line breaks aside.
fn fingerprint(segments: &Segments<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let inner = 1..segments.len().saturating_sub(1);
    for segment in segments.slice(inner).iter() {
        segment.id().hash(&mut hasher);
        for element in segment.elements() {
            element.hash(&mut hasher);
        }
    }
    hasher.finish()
}
