//! Mailboxes: where a partner puts files for us, and we put files for it.
//!
//! A mailbox moves bytes and names. It never sees a segment, and it never decides: the gateway says when a file
//! may leave the inbound folder, and that is only once its bytes are durable elsewhere.

#[cfg(feature = "as2")]
pub mod as2;
mod directory;
#[cfg(feature = "sftp")]
pub mod sftp;

pub use crate::disk::{Arrival, Half, Look};
pub use directory::DirectoryMailbox;

/// Why a mailbox did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is larger than the limit, or has no name that can be worked with. Repeating does not help.
    #[error("{name}: {reason}")]
    Untakeable {
        /// The file.
        name: String,
        /// Why it is not taken.
        reason: String,
    },
    /// The file is not there, or not as it was a moment ago. The next look will tell.
    #[error("{0}")]
    NotReady(std::io::Error),
    /// Rights, a full disk, a lost mount. May go by.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A server that cannot be reached, that refuses us, or that is not who it should be. May go by.
    #[error("{0}")]
    Server(String),
}

/// A partner's mailbox. Calls may block.
pub trait Mailbox: Send + Sync {
    /// Lists the files that are finished and may be fetched, the oldest first.
    ///
    /// # Errors
    /// Where the mailbox cannot be reached.
    fn look(&self) -> Result<Look, Error>;

    /// Fetches the bytes of one. It stays where it is until [`Mailbox::confirm`].
    ///
    /// # Errors
    /// [`Error::Untakeable`], [`Error::NotReady`], or where the mailbox cannot be reached.
    fn fetch(&self, arrival: &Arrival) -> Result<Vec<u8>, Error>;

    /// The bytes are durable: the file may leave the inbound side. One that is gone already is no error. What is kept
    /// of it has `mark` in its name: a receipt's number, so that files of one name stay apart.
    ///
    /// # Errors
    /// Where the mailbox cannot be reached.
    fn confirm(&self, arrival: &Arrival, mark: &str) -> Result<(), Error>;

    /// Takes a file out of the inbound side that cannot be fetched at all. `mark` as with [`Mailbox::confirm`].
    /// Until it has left, this can be repeated.
    ///
    /// # Errors
    /// Where the mailbox cannot be reached.
    fn set_aside(&self, arrival: &Arrival, mark: &str, note: &str) -> Result<(), Error>;

    /// Puts bytes on the outbound side. They appear whole under this name or not at all; repeated with the same
    /// bytes it changes nothing. Where that is a folder of this machine, they are there only after
    /// [`put_all`](crate::disk::put_all), so that several share waits for the disk.
    ///
    /// # Errors
    /// Where the mailbox cannot be reached.
    fn deliver(&self, name: &str, bytes: &[u8]) -> Result<Option<Half>, Error>;

    /// Puts bytes that a person has to look at into the quarantine, with a note.
    ///
    /// # Errors
    /// Where the mailbox cannot be reached.
    fn quarantine(&self, name: &str, bytes: &[u8], note: &[u8]) -> Result<(), Error>;

    /// Whether a call may take as long as a server on the net takes.
    fn is_remote(&self) -> bool {
        false
    }
}
