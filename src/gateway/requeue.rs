//! Parked work is queued again: at every start, and when a person asks.
//!
//! The one who asks is another process, and the store admits one only: it leaves a file in the data folder.

use std::fs;
use std::io;

use jiff::Timestamp;

use super::config::Config;
use super::ledger::{Draft, Ledger, subject};
use super::{Error, Gateway};
use crate::disk;
use crate::store::{self, Event};

/// Name of the file that asks.
const REQUEST: &str = "requeue";
/// Parked work that is queued again at a time; the rest waits for the next.
const UNPARKED_MAX: usize = 10_000;

/// Asks the gateway of this configuration to queue its parked work again. One that runs does so within seconds, one
/// that stands still when it is started.
///
/// # Errors
/// Where the data folder is missing or cannot be written.
pub fn request_requeue(config: &Config) -> io::Result<()> {
    disk::write_to(&config.data, REQUEST, b"")
}

/// What was parked gets another chance, its attempts forgotten.
pub(super) fn queue_again(ledger: &Ledger) -> Result<(), store::Error> {
    let now = Timestamp::now();
    for work in ledger.store().parked(UNPARKED_MAX)? {
        let mut draft = Draft::new();
        let subject = subject(&work.task);
        draft.journal(now, Event::WorkQueuedAgain, "", &subject, &work.error);
        draft.unpark(work, now);
        ledger.commit(draft)?;
    }
    Ok(())
}

impl Gateway {
    /// Does what [`request_requeue`] asked for, if it did.
    pub(super) fn requeue_if_asked(&self) -> Result<(), Error> {
        let request = self.config.data.join(REQUEST);
        // Taken away first: if the power goes now, the start that follows queues everything again.
        match fs::remove_file(&request) {
            Ok(()) => Ok(queue_again(&self.ledger)?),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(Error::Configuration(format!("{}: {e}", request.display()))),
        }
    }
}
