//! What an operator asks first: does it look into every mailbox, what waits, what is wrong. Written to
//! `status.json` in the data folder every few seconds.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ledger::subject;
use super::raising::about_place;
use super::reload::Refused;
use super::{Config, Error, Gateway, lanes};
use crate::disk;
use crate::exceptions::{Kind, Severity};
use crate::store::{self, Work};

/// When each place was looked into last, and what came of it.
#[derive(Default)]
pub(super) struct Board {
    places: Mutex<BTreeMap<String, Looked>>,
    /// Whether the last `status.json` is written: one that was begun before must not come after it.
    ended: Mutex<bool>,
}

/// A look into a mailbox or an endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Looked {
    /// The last look.
    pub at: Timestamp,
    /// What is wrong; absent where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Looks in a row that have failed.
    #[serde(skip)]
    failures: u32,
}

/// What `status.json` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// Of the program.
    pub version: String,
    /// When it was written.
    pub at: Timestamp,
    /// Whether the gateway ran then.
    pub running: bool,
    /// Why it ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Mailboxes and endpoints that are looked into.
    pub places: BTreeMap<String, Looked>,
    /// How much waits, by lane.
    pub waiting: BTreeMap<String, usize>,
    /// How much of what waits has failed; the first of it is listed.
    pub failing: usize,
    /// The first of what has failed and is tried again.
    pub failed: Vec<Trouble>,
    /// What an endpoint has refused.
    pub parked: Vec<Trouble>,
    /// Open exceptions by severity.
    pub exceptions: BTreeMap<String, usize>,
    /// The profiles in force.
    pub profiles: ProfilesStatus,
}

/// The profiles in force, and those that are not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProfilesStatus {
    /// How many are in force.
    pub partners: usize,
    /// Partners that cannot be used and were not in force before, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// Worth knowing of what is in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// A change that was not taken over; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
}

/// Work that did not succeed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trouble {
    /// Where it waits.
    pub lane: String,
    /// What it is about.
    pub what: String,
    /// Since when it waits.
    pub since: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Not before; nothing of what is parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
    /// Why it failed the last time.
    pub error: String,
}

impl Status {
    /// What the gateway of a configuration wrote last; `None` where none has ever run there.
    ///
    /// # Errors
    /// Where `status.json` cannot be read, or is none of ours.
    pub fn read(config: &Config) -> Result<Option<Self>, Error> {
        let path = config.data.join("status.json");
        let json = match std::fs::read(&path) {
            Ok(json) => json,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::Mailbox(e.into())),
        };
        let status = serde_json::from_slice::<Self>(&json);
        let mut status = status.map_err(|e| Error::Defect(format!("{}: {e}", path.display())))?;
        // One that was killed could not say so.
        status.running &= store::is_held(&config.data);
        Ok(Some(status))
    }

    /// Whether the gateway runs: it said so not long ago.
    #[must_use]
    pub fn is_running(&self, now: Timestamp) -> bool {
        self.running && now.duration_since(self.at) < SILENCE_MAX
    }
}

/// A gateway that runs writes `status.json` more often than this.
const SILENCE_MAX: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// Warnings that are listed.
const WARNINGS_MAX: usize = 100;
/// Failed and parked work that is listed, of each.
const TROUBLE_MAX: usize = 100;

/// Open exceptions that are counted.
const EXCEPTIONS_MAX: usize = 10_000;
/// From so many failed looks in a row on a place is for a person: a single one goes by.
const LOOKS_FAILED: u32 = 3;

fn trouble(work: Work, parked: bool) -> Trouble {
    Trouble {
        what: subject(&work.task),
        lane: work.lane,
        since: work.queued,
        attempts: work.attempts,
        next: (!parked).then_some(work.due),
        error: work.error,
    }
}

impl Gateway {
    /// Notes a look. A place that cannot be reached is logged when that begins and when it ends, and is for a person
    /// when it lasts; only a failure of the store is handed on.
    pub(super) fn looked(&self, place: &str, result: Result<bool, Error>) -> Result<bool, Error> {
        let (unsettled, error) = match result {
            Ok(unsettled) => (unsettled, None),
            Err(e) if lanes::is_lasting(&e) => return Err(e),
            Err(e) => (false, Some(e)),
        };
        let words = error.as_ref().map(ToString::to_string);
        let (before, failures) = {
            let mut places = self.status.places.lock().unwrap_or_else(PoisonError::into_inner);
            let before = places.remove(place);
            let failed = before.as_ref().map_or(0, |looked| looked.failures);
            let failures = if error.is_some() { failed.saturating_add(1) } else { 0 };
            let now = Looked { at: Timestamp::now(), error: words.clone(), failures };
            places.insert(place.to_owned(), now);
            (before, failures)
        };
        let was_well = before.as_ref().is_some_and(|looked| looked.error.is_none());
        match &words {
            Some(words) if failures == 1 => {
                tracing::error!(place, "cannot be looked into: {words}");
            }
            None if before.is_some() && !was_well => {
                tracing::info!(place, "can be looked into again");
            }
            _ => {}
        }
        // What was open before a start is taken back by the first look that succeeds.
        if failures == LOOKS_FAILED || (error.is_none() && !was_well) {
            self.stands(Kind::PlaceUnreachable, about_place(place), place, error)?;
        }
        Ok(unsettled)
    }

    /// Writes `status.json`. That it cannot be written stops nothing.
    pub(super) fn write_status(&self, running: bool, error: Option<&Error>) {
        let mut ended = self.status.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if *ended && running {
            return;
        }
        *ended = !running;
        let status = match error {
            None => self.status(running).map_err(Error::Store),
            // What waits cannot be asked of a store that failed.
            Some(e) => {
                let nothing = (store::Backlog::default(), Vec::new(), BTreeMap::new());
                Ok(self.status_of(running, Some(e), nothing))
            }
        };
        let written = status.and_then(|status| {
            let json = serde_json::to_vec_pretty(&status)
                .map_err(|e| Error::Defect(format!("the status cannot be written: {e}")))?;
            disk::write_to(&self.config.data, "status.json", &json)
                .map_err(|e| Error::Mailbox(e.into()))
        });
        if let Err(e) = written {
            tracing::warn!("status.json: {e}");
        }
    }

    /// Whether the store still takes commits: the smallest one is tried.
    ///
    /// # Errors
    /// Why it does not.
    pub fn check_store(&self) -> Result<(), store::Error> {
        self.ledger.store().commit(store::Transaction::new()).map(|_| ())
    }

    /// What keeps the gateway from doing all of its work, in words; nothing where it does.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn not_ready(&self) -> Result<Vec<String>, store::Error> {
        self.check_store()?;
        let live = self.live();
        let looked = self.status.places.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let places = lanes::places(&live);
        let not_yet = places.iter().filter(|place| !looked.contains_key(*place));
        let mut missing: Vec<String> =
            not_yet.map(|place| format!("{place}: not looked into yet")).collect();
        let left_out = live.profiles.left_out().iter();
        missing.extend(left_out.map(|name| format!("{name}: its profile cannot be used")));
        Ok(missing)
    }

    /// What `status.json` says, as it is now.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn status_json(&self) -> Result<Vec<u8>, store::Error> {
        let status = self.status(true)?;
        serde_json::to_vec_pretty(&status)
            .map_err(|e| store::Error::Record { key: "status".to_owned(), reason: e.to_string() })
    }

    fn status(&self, running: bool) -> Result<Status, store::Error> {
        let store = self.ledger.store();
        let (backlog, parked) = (store.backlog(TROUBLE_MAX)?, store.parked(TROUBLE_MAX)?);
        let mut exceptions: BTreeMap<_, _> = Severity::ALL.map(|s| (s.name().to_owned(), 0)).into();
        for open in store.open_exceptions(0, EXCEPTIONS_MAX)? {
            *exceptions.entry(open.severity.name().to_owned()).or_default() += 1;
        }
        Ok(self.status_of(running, None, (backlog, parked, exceptions)))
    }

    fn status_of(
        &self,
        running: bool,
        error: Option<&Error>,
        (backlog, parked, exceptions): (store::Backlog, Vec<Work>, BTreeMap<String, usize>),
    ) -> Status {
        let live = self.live();
        let mut places = self.status.places.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let known = lanes::places(&live);
        places.retain(|place, _| known.contains(place));
        // Lanes in which nothing waits are told too; those that nobody works off show what a profile left behind.
        let mut waiting: BTreeMap<_, _> = lanes::all(self).into_iter().map(|l| (l, 0)).collect();
        waiting.extend(backlog.waiting);
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            at: Timestamp::now(),
            running,
            error: error.map(ToString::to_string),
            places,
            waiting,
            failing: backlog.failing,
            failed: backlog.failed.into_iter().map(|work| trouble(work, false)).collect(),
            parked: parked.into_iter().map(|work| trouble(work, true)).collect(),
            exceptions,
            profiles: ProfilesStatus {
                partners: live.profiles.iter().count(),
                left_out: live.profiles.left_out().iter().cloned().collect(),
                warnings: live
                    .warnings
                    .iter()
                    .take(WARNINGS_MAX)
                    .map(ToString::to_string)
                    .collect(),
                refused: self.refused_profiles(),
            },
        }
    }
}
