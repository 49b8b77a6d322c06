//! Messages to the people who run the gateway and to their systems: as a signed call over HTTP(S), or by mail.
//!
//! It sends one message to one destination, or one event to one receiver, and says whether that took it. It knows nothing of rules, partners or
//! documents; when it is tried again is the gateway's business.

mod settings;
#[cfg(feature = "smtp")]
mod smtp;
#[cfg(feature = "http")]
mod webhook;

pub use settings::{Address, Settings, SmtpSettings, SmtpTls, WebhookSettings};
#[cfg(feature = "smtp")]
pub use smtp::SmtpDestination;
#[cfg(feature = "http")]
pub use webhook::WebhookDestination;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its id: the same however often it is sent, so that a receiver knows it again.
    pub id: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: MessageKind,
    /// When it was made.
    pub at: Timestamp,
    /// One line.
    pub title: String,
    /// All of it, for people.
    pub text: String,
    /// The same for machines, by name.
    #[serde(default)]
    pub details: serde_json::Map<String, serde_json::Value>,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// Something that a rule watches for.
    Alert,
    /// A report that is made at its time.
    Report,
    /// Somebody wants to see whether messages arrive.
    Test,
}

/// Why a destination did not take a message. It never holds a secret, nor an address that is one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Error {
    /// What happened.
    pub reason: String,
    /// How long the destination asked us to wait.
    pub retry_after: Option<Duration>,
}

impl Error {
    fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), retry_after: None }
    }
}

/// Whom messages are sent to. Calls may block, up to the destination's timeout.
pub trait Destination: Send + Sync {
    /// Sends a message. Sent twice, it has the same id.
    ///
    /// # Errors
    /// Whatever kept it from arriving: it should be tried again.
    fn send(&self, message: &Message) -> Result<(), Error>;
}

/// Whom bytes are posted to that are JSON already, signed. Calls may block, up to the receiver's timeout.
pub trait Receiver: Send + Sync {
    /// Posts bytes under an id: the same id each time that they are posted.
    ///
    /// # Errors
    /// Whatever kept them from being taken: it should be tried again.
    fn post(&self, id: &str, body: Vec<u8>) -> Result<(), Error>;
}

/// Opens a receiver. Call it within a tokio runtime.
///
/// # Errors
/// Where the machine has no usable TLS roots, or this program was built without it.
pub fn open_receiver(settings: &WebhookSettings) -> Result<Arc<dyn Receiver>, Error> {
    #[cfg(feature = "http")]
    return open_webhook(settings).map(|opened| Arc::new(opened) as Arc<dyn Receiver>);
    #[cfg(not(feature = "http"))]
    {
        let _ = settings;
        Err(Error::new("this program was built without the feature `http`"))
    }
}

#[cfg(feature = "http")]
fn open_webhook(settings: &WebhookSettings) -> Result<WebhookDestination, Error> {
    WebhookDestination::new(settings.clone(), tokio::runtime::Handle::current())
}

/// Opens a destination. Call it within a tokio runtime.
///
/// # Errors
/// Where the machine has no usable TLS roots, an address is none, or this program was built without it.
pub fn open(settings: &Settings) -> Result<Arc<dyn Destination>, Error> {
    match settings {
        #[cfg(feature = "http")]
        Settings::Webhook(settings) => Ok(Arc::new(open_webhook(settings)?)),
        #[cfg(feature = "smtp")]
        Settings::Smtp(settings) => Ok(Arc::new(SmtpDestination::new(settings.clone())?)),
        #[cfg(not(all(feature = "http", feature = "smtp")))]
        _ => Err(Error::new("this program was built without this kind of destination")),
    }
}

/// Whether a text is a mail address, as far as this program was built to know.
///
/// # Errors
/// In words: it is none.
pub fn check_address(address: &str) -> Result<(), String> {
    #[cfg(feature = "smtp")]
    return smtp::mailbox(address).map(|_| ());
    #[cfg(not(feature = "smtp"))]
    if address.contains('@') { Ok(()) } else { Err(format!("{address:?} is no mail address")) }
}
