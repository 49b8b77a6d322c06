//! What an operator asks first: does it look into every mailbox, what waits, what is wrong. Written to
//! `status.json` in the data folder every few seconds.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use super::{Error, Gateway, lanes};
use crate::disk;
use crate::store::{self};

/// When each place was looked into last, and what came of it.
#[derive(Default)]
pub(super) struct Board {
    places: Mutex<BTreeMap<String, Looked>>,
}

#[derive(Clone, Serialize)]
struct Looked {
    /// The last look.
    at: Timestamp,
    /// What is wrong; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct Status {
    version: &'static str,
    at: Timestamp,
    running: bool,
    places: BTreeMap<String, Looked>,
    waiting: BTreeMap<String, usize>,
    parked: Vec<Parked>,
    profiles: ProfilesStatus,
}

#[derive(Serialize)]
struct ProfilesStatus {
    partners: usize,
    /// Worth knowing of what is in force.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// A change that was not taken over; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<super::reload::Refused>,
}

#[derive(Serialize)]
struct Parked {
    lane: String,
    what: String,
    attempts: u32,
    error: String,
}

/// Warnings that are listed.
const WARNINGS_MAX: usize = 100;
/// Parked work that is listed.
const PARKED_MAX: usize = 100;

impl Gateway {
    /// Notes a look. A place that cannot be reached is logged when that begins and when it ends; only a failure of
    /// the store is handed on.
    pub(super) fn looked(&self, place: &str, result: Result<bool, Error>) -> Result<bool, Error> {
        let (unsettled, error) = match result {
            Ok(unsettled) => (unsettled, None),
            Err(Error::Store(e @ (store::Error::Database { .. } | store::Error::Closed))) => {
                return Err(Error::Store(e));
            }
            Err(e) => (false, Some(e.to_string())),
        };
        let mut places = self.status.places.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Looked { at: Timestamp::now(), error: error.clone() };
        let before = places.insert(place.to_owned(), now).and_then(|looked| looked.error);
        match (before, error) {
            (None, Some(error)) => tracing::error!(place, "cannot be looked into: {error}"),
            (Some(_), None) => tracing::info!(place, "can be looked into again"),
            _ => {}
        }
        Ok(unsettled)
    }

    /// Writes `status.json`. That it cannot be written stops nothing.
    pub(super) fn write_status(&self, ended: bool) {
        let written = self.status(!ended).and_then(|status| {
            let json = serde_json::to_vec_pretty(&status)
                .map_err(|e| Error::Defect(format!("the status cannot be written: {e}")))?;
            disk::write_to(&self.config.data, "status.json", &json)
                .map_err(|e| Error::Mailbox(e.into()))
        });
        if let Err(e) = written {
            tracing::warn!("status.json: {e}");
        }
    }

    fn status(&self, running: bool) -> Result<Status, Error> {
        let store = self.ledger.store();
        let live = self.live();
        let mut waiting = BTreeMap::new();
        for lane in lanes::all(self) {
            let count = store.waiting(&lane)?;
            waiting.insert(lane, count);
        }
        let mut places = self.status.places.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let known = lanes::places(&live);
        places.retain(|place, _| known.contains(place));
        let parked = store.parked(PARKED_MAX)?.into_iter().map(|work| Parked {
            what: super::ledger::subject(&work.task),
            lane: work.lane,
            attempts: work.attempts,
            error: work.error,
        });
        Ok(Status {
            version: env!("CARGO_PKG_VERSION"),
            at: Timestamp::now(),
            running,
            places,
            waiting,
            parked: parked.collect(),
            profiles: ProfilesStatus {
                partners: live.profiles.iter().count(),
                warnings: live
                    .warnings
                    .iter()
                    .take(WARNINGS_MAX)
                    .map(ToString::to_string)
                    .collect(),
                refused: self.refused_profiles(),
            },
        })
    }
}
