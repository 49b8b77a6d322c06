//! Endpoints: the warehouse's side. Canonical JSON goes there and comes from there; never X12.
//!
//! An endpoint is called with an idempotency key (the document's id): the same key twice is one order. What takes
//! several calls there (a connector's steps) tells what each gave, and goes on behind the last that was kept.

#[cfg(feature = "http")]
mod api;
#[cfg(feature = "http")]
mod connector;
mod directory;
#[cfg(feature = "http")]
mod files;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
mod pace;
#[cfg(feature = "http")]
mod sign;

pub use crate::disk::{Arrival, Half, Look};
#[cfg(feature = "http")]
pub use connector::ConnectorEndpoint;
pub use directory::DirectoryEndpoint;
#[cfg(feature = "http")]
pub use http::{HttpEndpoint, HttpSettings};

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

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

/// Where the results of a call's steps are kept, while it is under way and beyond.
pub trait Steps {
    /// When the call was queued: none of its steps was made before.
    fn queued(&self) -> Timestamp;

    /// What a step of this call gave and when, where it is done.
    ///
    /// # Errors
    /// Where what was kept cannot be read.
    fn result(&self, step: &str) -> Result<Option<(Vec<u8>, Timestamp)>, Error>;

    /// Keeps what a step gave. When it returns, that is durable; what the last one gave is with the end of the call, and
    /// nothing more may be made after it. `note` says in a few words how it came.
    ///
    /// # Errors
    /// Where it cannot be kept; nothing more must be done then.
    fn keep(&self, step: &str, result: &[u8], note: &str, is_last: bool) -> Result<(), Error>;
}

/// The orders of a partner.
pub trait Orders {
    /// The order with a number, as it was received: canonical JSON.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn order(&self, number: &str) -> Result<Option<Vec<u8>>, Error>;
}

/// What an endpoint is asked for, again and again.
#[derive(Clone, Copy)]
pub struct Since<'a> {
    /// The partner.
    pub partner: &'a str,
    /// `shipment`, `invoice`, …
    pub kind: &'a str,
    /// The cursor that it gave last; nothing at first.
    pub cursor: Option<&'a str>,
    /// Where orders are found.
    pub orders: &'a dyn Orders,
}

/// A call to a webhook, by which an endpoint tells of itself.
#[derive(Clone, Copy)]
pub struct HookCall<'a> {
    /// The webhook.
    pub hook: &'a str,
    /// Its headers, their names in lower case.
    pub headers: &'a [(String, String)],
    /// Its body, as it came.
    pub body: &'a [u8],
    /// Now.
    pub now: Timestamp,
}

/// What a call to a webhook tells of.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// The kind of its documents.
    pub kind: String,
    /// Its records, each with the name of the partner that it is for, where it says that.
    pub records: Vec<(Option<String>, Value)>,
}

/// Why a call to a webhook is not heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unheard {
    /// There is no such webhook.
    Unknown,
    /// It is not signed as it should be; in words for us, not for the caller.
    Unsigned(String),
    /// Its body is not what it should be.
    Unreadable(String),
    /// Its signature cannot be checked: the secret cannot be read.
    Failed(String),
}

/// What an endpoint has fetched since a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Polled {
    /// What has come, in order.
    pub documents: Vec<PolledDocument>,
    /// From where the next look goes on; only the endpoint knows what it means.
    pub cursor: String,
    /// Whether more waits.
    pub more: bool,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolledDocument {
    /// What it is called there.
    pub name: String,
    /// Canonical JSON; the record as it came, where none can be made of it.
    pub json: Vec<u8>,
    /// Why none can be made.
    pub unusable: Option<String>,
}

/// The warehouse's system. Calls may block, up to the endpoint's timeout.
pub trait Endpoint: Send + Sync {
    /// Hands a document over. Repeated with the same key it changes nothing; what takes several steps goes on behind
    /// those that are done. Where it is put into a folder of this machine, it is there only after
    /// [`put_all`](crate::disk::put_all), so that several share waits for the disk.
    ///
    /// # Errors
    /// [`Error::Transient`] where it should be tried again, [`Error::Refused`] where not.
    fn deliver(&self, call: &Call, steps: &dyn Steps) -> Result<Option<Half>, Error>;

    /// Whether a call may take as long as a server on the net takes.
    fn is_remote(&self) -> bool {
        false
    }

    /// Fetches what has come of a kind for a partner since a cursor that this gave; nothing where it is not the time, or
    /// the endpoint is none that is asked.
    ///
    /// # Errors
    /// Where the endpoint cannot be reached.
    fn poll(&self, _since: &Since<'_>) -> Result<Option<Polled>, Error> {
        Ok(None)
    }

    /// The records that a call to one of the endpoint's webhooks tells of, once its signature is found to be good.
    ///
    /// # Errors
    /// Why it is not heard.
    fn hear(&self, _call: &HookCall<'_>) -> Result<Heard, Unheard> {
        Err(Unheard::Unknown)
    }

    /// The document of a record that was heard; nothing where it is none.
    ///
    /// # Errors
    /// Where the orders that it is for cannot be read.
    fn heard_document(
        &self,
        _call: &HookCall<'_>,
        _record: &Value,
        _since: &Since<'_>,
    ) -> Result<Option<PolledDocument>, Error> {
        Ok(None)
    }

    /// The folder in which the warehouse's own documents are found, and are set aside; nothing where there is none.
    fn returns(&self) -> Option<&DirectoryEndpoint>;
}

/// The folder and path of a kind: `orders` for `order`.
#[must_use]
pub fn plural(kind: &str) -> String {
    let kind = crate::disk::safe_name(kind);
    if kind.ends_with("inventory") { kind } else { format!("{kind}s") }
}
