//! Endpoints: the warehouse's side. Canonical JSON goes there and comes from there; never X12.
//!
//! An endpoint is called with an idempotency key (the document's id): the same key twice is one order.

mod directory;
#[cfg(feature = "http")]
mod http;

pub use crate::disk::{Arrival, Look};
pub use directory::DirectoryEndpoint;
#[cfg(feature = "http")]
pub use http::{HttpEndpoint, HttpSettings};

use std::time::Duration;

/// A document to be handed over.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The partner that it came from.
    pub partner: &'a str,
    /// `order`, `shipment`, …
    pub kind: &'a str,
    /// The document's id, stable over every repetition.
    pub idempotency_key: &'a str,
    /// Canonical JSON.
    pub json: &'a [u8],
}

/// Why an endpoint did not take a document, or could not tell of any.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It may go by, or a person mends it meanwhile: a timeout, a full disk, 429, 5xx, a wrong address or token.
    #[error("{reason}")]
    Transient {
        /// What happened.
        reason: String,
        /// How long the endpoint asked us to wait.
        retry_after: Option<Duration>,
    },
    /// Repeating does not help: the document itself is refused.
    #[error("{reason}")]
    Refused {
        /// What happened.
        reason: String,
    },
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Transient { reason: error.to_string(), retry_after: None }
    }
}

/// The warehouse's system. Calls may block, up to the endpoint's timeout.
pub trait Endpoint: Send + Sync {
    /// Hands a document over. Repeated with the same key it changes nothing.
    ///
    /// # Errors
    /// [`Error::Transient`] where it should be tried again, [`Error::Refused`] where not.
    fn deliver(&self, call: &Call) -> Result<(), Error>;

    /// Whether a call may take as long as a server on the net takes.
    fn is_remote(&self) -> bool {
        false
    }

    /// Documents of a kind (`shipment`, …) for a partner that lie ready, the oldest first.
    ///
    /// # Errors
    /// Where the endpoint cannot be reached.
    fn look(&self, partner: &str, kind: &str) -> Result<Look, Error>;

    /// Fetches the canonical JSON of one. It stays where it is until [`Endpoint::confirm`].
    ///
    /// # Errors
    /// [`Error::Refused`] where it is too large, [`Error::Transient`] else.
    fn fetch(&self, partner: &str, kind: &str, arrival: &Arrival) -> Result<Vec<u8>, Error>;

    /// The bytes are durable: it may leave the endpoint. What is kept of it has `mark` in its name, so that documents
    /// of one name stay apart.
    ///
    /// # Errors
    /// Where the endpoint cannot be reached.
    fn confirm(
        &self,
        partner: &str,
        kind: &str,
        arrival: &Arrival,
        mark: &str,
    ) -> Result<(), Error>;

    /// Takes one out that cannot be fetched at all. Until it has left, this can be repeated.
    ///
    /// # Errors
    /// Where the endpoint cannot be reached.
    fn set_aside(
        &self,
        partner: &str,
        kind: &str,
        arrival: &Arrival,
        mark: &str,
        note: &str,
    ) -> Result<(), Error>;

    /// Tells the warehouse that a document of it could not be sent: its bytes, and why.
    ///
    /// # Errors
    /// Where the endpoint cannot be reached.
    fn quarantine(
        &self,
        partner: &str,
        kind: &str,
        name: &str,
        json: &[u8],
        note: &[u8],
    ) -> Result<(), Error>;
}

/// The folder and path of a kind: `orders` for `order`.
#[must_use]
pub fn plural(kind: &str) -> String {
    let kind = crate::disk::safe_name(kind);
    if kind.ends_with("inventory") { kind } else { format!("{kind}s") }
}
