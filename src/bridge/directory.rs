//! An endpoint that is a folder: for each partner `orders/`, `shipments/`, `invoices/`, one JSON file a document.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Arrival, Call, Endpoint, Error, Look, Steps, plural};
use crate::disk::{Arrivals, Half, Limits, create_dir, safe_name};

/// `<folder>/<partner>/<kinds>/<document>.json` out; the same the other way, and from there to
/// `<folder>/<partner>/archive/<kinds>/`. A kind flows in one direction for one partner, as its profile says.
pub struct DirectoryEndpoint {
    folder: PathBuf,
    limits: Limits,
    arrivals: Mutex<HashMap<(String, String), Arc<Arrivals>>>,
}

impl DirectoryEndpoint {
    /// An endpoint below this folder, which is made where it is missing.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn open(folder: PathBuf, limits: Limits) -> Result<Self, Error> {
        create_dir(&folder)?;
        Ok(Self { folder, limits, arrivals: Mutex::default() })
    }

    fn arrivals(&self, partner: &str, kind: &str) -> Result<Arc<Arrivals>, Error> {
        let mut all = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (partner.to_owned(), kind.to_owned());
        if let Some(found) = all.get(&key) {
            return Ok(Arc::clone(found));
        }
        let root = self.folder.join(safe_name(partner));
        let kinds = plural(kind);
        let opened = Arc::new(Arrivals::open(
            root.join(&kinds),
            root.join("archive").join(&kinds),
            root.join("quarantine").join(&kinds),
            self.limits,
        )?);
        all.insert(key, Arc::clone(&opened));
        Ok(opened)
    }
}

impl Endpoint for DirectoryEndpoint {
    /// The file is named after the key, so that a repeated call replaces it with the same bytes.
    fn deliver(&self, call: &Call, _: &dyn Steps) -> Result<Option<Half>, Error> {
        let folder = self.folder.join(safe_name(call.partner)).join(plural(call.kind));
        create_dir(&folder)?;
        let name = format!("{}.json", safe_name(call.idempotency_key));
        Ok(Some(Half::write(&folder, &name, call.json)?))
    }

    fn returns(&self) -> Option<&DirectoryEndpoint> {
        Some(self)
    }
}

impl DirectoryEndpoint {
    /// Documents of a kind (`shipment`, …) for a partner that lie ready, the oldest first.
    ///
    /// # Errors
    /// Where the folder cannot be used.
    pub fn look(&self, partner: &str, kind: &str) -> Result<Look, Error> {
        Ok(self.arrivals(partner, kind)?.look()?)
    }

    /// Fetches the canonical JSON of one. It stays where it is until [`DirectoryEndpoint::confirm`].
    ///
    /// # Errors
    /// [`Error::Refused`] where it is too large, [`Error::Transient`] else.
    pub fn fetch(&self, partner: &str, kind: &str, arrival: &Arrival) -> Result<Vec<u8>, Error> {
        self.arrivals(partner, kind)?.read(arrival).map_err(|e| match e.kind() {
            ErrorKind::FileTooLarge => Error::Refused { reason: e.to_string() },
            _ => e.into(),
        })
    }

    /// The bytes are durable: it may leave the folder. What is kept of it has `mark` in its name, so that documents
    /// of one name stay apart.
    ///
    /// # Errors
    /// Where the folder cannot be used.
    pub fn confirm(
        &self,
        partner: &str,
        kind: &str,
        arrival: &Arrival,
        mark: &str,
    ) -> Result<(), Error> {
        Ok(self.arrivals(partner, kind)?.archive(arrival, mark)?)
    }

    /// Takes one out that cannot be fetched at all. Until it has left, this can be repeated.
    ///
    /// # Errors
    /// Where the folder cannot be used.
    pub fn set_aside(
        &self,
        partner: &str,
        kind: &str,
        arrival: &Arrival,
        mark: &str,
        note: &str,
    ) -> Result<(), Error> {
        Ok(self.arrivals(partner, kind)?.set_aside(arrival, mark, note)?)
    }

    /// Tells the warehouse that a document of it could not be sent: its bytes, and why.
    ///
    /// # Errors
    /// Where the folder cannot be used.
    pub fn quarantine(
        &self,
        partner: &str,
        kind: &str,
        name: &str,
        json: &[u8],
        note: &[u8],
    ) -> Result<(), Error> {
        Ok(self.arrivals(partner, kind)?.quarantine(name, json, note)?)
    }
}
