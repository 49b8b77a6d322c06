//! Stored traffic, read once more by the profiles as they are now or are to be: what would change, document by
//! document, and what is to be given to the gateway again.
//!
//! It works on records alone and holds one interchange at a time, so that it runs beside a gateway. Nothing is kept,
//! numbered or sent; only [`resubmit()`] hands something to the gateway, which then decides by itself.

mod difference;
mod inbound;
mod outbound;
mod resubmit;
mod verdict;

use std::sync::OnceLock;

use jiff::Timestamp;

use super::rehearsal::{Rehearsal, Standing};
use super::{Error, PayloadId, Records};
use crate::profile::Profiles;
use crate::store::{self, Document, InterchangeId};
use crate::translate::Engine;
pub use difference::{Field, Found, Line};
pub use resubmit::{Resubmitted, resubmit};
use verdict::Verdicts;

/// Records that are read at a time.
const PAGE: usize = 200;

/// Which traffic.
#[derive(Debug, Clone)]
pub struct Selection {
    /// What came, or was written, at this moment or later.
    pub since: Timestamp,
    /// … and before this one.
    pub until: Timestamp,
    /// Of these partners; none: of all.
    pub partners: Vec<String>,
}

/// What the outcome is compared with.
pub enum Against {
    /// What was recorded then.
    Record,
    /// What these profiles make of the same bytes now.
    Profiles(Profiles),
}

/// A replay: the traffic of a gateway, and what it is read by.
pub struct Replay<'a> {
    records: &'a dyn Records,
    rehearsal: Rehearsal,
    profiles: Profiles,
    against: Against,
    now: Timestamp,
    verdicts: OnceLock<Verdicts>,
}

/// A document that came or went, and what would become of it.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// How people call it.
    pub label: String,
    /// `order`, `shipment`, …; empty where it cannot be read.
    pub kind: String,
    /// Its business number.
    pub number: String,
    /// Its id, which is its idempotency key towards the endpoint.
    pub id: Option<String>,
    /// What became of it; nothing where it had not come to that.
    pub before: Option<Stand>,
    /// What becomes of it now.
    pub after: Stand,
    /// Findings that are new or gone.
    pub findings: Vec<Found>,
    /// What our document says otherwise.
    pub document: Vec<Field>,
    /// What the partner is answered otherwise for it.
    pub answer: Vec<Line>,
    /// What is written otherwise to the partner.
    pub written: Vec<Line>,
    /// The exception in which a person accepted it, where it would stop for the same reasons now: it goes on as then.
    pub accepted: Option<u64>,
    /// Its place in the interchange, 0 = the first.
    set: u32,
    /// Its record.
    record: Option<Document>,
}

/// What becomes of a document, and in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stand {
    /// What.
    pub standing: Standing,
    /// In words; empty where only the record tells.
    pub words: String,
}

/// Something that was replayed: an interchange that came, or a document that went.
#[derive(Debug, Clone)]
pub struct Item {
    /// Whose it is.
    pub partner: String,
    /// When it came or went.
    pub at: Timestamp,
    /// Where from.
    pub source: Source,
    /// Its documents.
    pub documents: Vec<Replayed>,
    /// What the partner is answered otherwise, all of it.
    pub answer: Vec<Line>,
    /// Whether it was answered, or would be.
    pub is_answered: bool,
}

/// Where something came from.
#[derive(Debug, Clone)]
pub enum Source {
    /// An interchange of a partner.
    Interchange {
        /// Sender, receiver, number.
        key: String,
        /// The file.
        file: String,
        /// Its record.
        origin: Origin,
    },
    /// A document of the endpoint.
    Endpoint,
}

/// The record of an interchange.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    id: InterchangeId,
    payload: PayloadId,
    taken: Taken,
}

/// How an interchange was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// Its number was not taken yet: it was nobody's, or rejected as a whole.
    Never,
    /// As the first under its number.
    First,
    /// In the place of the first, by a person.
    Instead,
}

/// What comes of a replay, one after the other.
#[derive(Debug, Clone)]
pub enum Step {
    /// Something was replayed.
    Item(Box<Item>),
    /// It was received twice, or belongs to nobody: passed over.
    Passed,
    /// Its bytes cannot be read any more.
    Unreadable(String),
}

impl Replayed {
    /// Whether anything of it is otherwise than it was.
    #[must_use]
    pub fn changes(&self) -> bool {
        let others = [&self.answer, &self.written];
        self.stands_otherwise()
            || !self.findings.is_empty()
            || !self.document.is_empty()
            || others.iter().any(|lines| !lines.is_empty())
    }

    /// Whether something else becomes of it.
    #[must_use]
    pub fn stands_otherwise(&self) -> bool {
        self.before.as_ref().is_some_and(|before| {
            let told = !before.words.is_empty() && before.words != self.after.words;
            before.standing != self.after.standing || told
        })
    }

    /// Whether it went on, and does not now.
    #[must_use]
    pub fn newly_fails(&self) -> bool {
        self.after.standing.fails() && self.before.as_ref().is_some_and(|b| !b.standing.fails())
    }

    /// Whether it stopped, and goes on now.
    #[must_use]
    pub fn newly_passes(&self) -> bool {
        !self.after.standing.fails() && self.before.as_ref().is_some_and(|b| b.standing.fails())
    }
}

impl Item {
    /// Whether anything of it is otherwise than it was.
    #[must_use]
    pub fn changes(&self) -> bool {
        !self.answer.is_empty() || self.documents.iter().any(Replayed::changes)
    }
}

impl<'a> Replay<'a> {
    /// A replay of these records by these profiles.
    #[must_use]
    pub fn new(
        records: &'a dyn Records,
        engine: Engine,
        profiles: Profiles,
        against: Against,
    ) -> Self {
        let now = Timestamp::now();
        let (rehearsal, verdicts) = (Rehearsal::new(engine), OnceLock::new());
        Self { records, rehearsal, profiles, against, now, verdicts }
    }

    /// Replays what was selected, what came first and then what went, until `take` says that it is enough.
    ///
    /// # Errors
    /// A store that fails, and what `take` returns.
    pub fn each<E: From<store::Error>>(
        &self,
        selection: &Selection,
        take: &mut dyn FnMut(Step) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut last = None;
        loop {
            let page = self.records.interchanges(last, PAGE)?;
            let Some((id, _)) = page.last() else { break };
            last = Some(*id);
            for (id, record) in page.iter().filter(|(_, record)| selection.covers(record.at)) {
                let step = self.told(self.interchange(selection, *id, record))?;
                if !step.map_or(Ok(true), &mut *take)? {
                    return Ok(());
                }
            }
        }
        let mut last: Option<String> = None;
        loop {
            let page = self.records.documents(last.as_deref(), PAGE)?;
            let Some(document) = page.last() else { return Ok(()) };
            last = Some(document.id.clone());
            // What changed last before that time was not written in it.
            let of_endpoint = |d: &&Document| d.interchange.is_none() && d.at >= selection.since;
            for document in page.iter().filter(of_endpoint) {
                let step = self.told(self.document(selection, document))?;
                if !step.map_or(Ok(true), &mut *take)? {
                    return Ok(());
                }
            }
        }
    }

    fn before(&self) -> Option<&Profiles> {
        match &self.against {
            Against::Record => None,
            Against::Profiles(profiles) => Some(profiles),
        }
    }

    /// What cannot be read or judged ends nothing: it is told. A store that fails ends all.
    fn told(&self, step: Result<Option<Step>, Error>) -> Result<Option<Step>, store::Error> {
        let words = match step {
            Ok(step) => return Ok(step),
            Err(Error::Store(e)) => match &e {
                store::Error::Payload { .. } | store::Error::File { .. } => e.to_string(),
                // A gateway that is asked tells no more than words; one that is gone answers nothing.
                store::Error::Elsewhere(words) if self.records.receipt(0).is_ok() => words.clone(),
                _ => return Err(e),
            },
            Err(e) => e.to_string(),
        };
        Ok(Some(Step::Unreadable(words)))
    }
}

impl Selection {
    fn covers(&self, at: Timestamp) -> bool {
        self.since <= at && at < self.until
    }

    /// Whether a partner is one of those that are asked for, by its name then or now.
    fn concerns(&self, names: &[String]) -> bool {
        self.partners.is_empty() || names.iter().any(|name| self.partners.contains(name))
    }
}

impl Stand {
    fn new(standing: Standing, words: &str) -> Self {
        Self { standing, words: words.to_owned() }
    }
}
