//! The audit log: every change of state as one line of JSON, numbered, in the order in which they were made.
//!
//! A line is on the disk before anything else knows of it, so that the log is also what the store is rebuilt from. Each
//! line names the hash of the one before it, and all of them are the leaves of a Merkle tree (RFC 6962): what is edited,
//! removed or moved later shows.
//!
//! It knows no records, orders or partners: what a line says besides its head is the store's affair.

mod checkpoint;
mod line;
mod log;
mod note;
mod reader;
mod segment;
mod tree;
mod verify;

pub use checkpoint::{Checkpoint, Signer, key_lines, newest, origin, own_key, public_keys};
pub use line::{Group, Head};
pub use log::{Log, Opened};
pub use note::{Key, Note, PublicKey};
pub use reader::Reader;
pub use segment::{exists, pack};
pub use tree::{Hash, Proofs, Tree, hex, root_of_proof};
pub use verify::{Fault, Report, verify};

use std::path::Path;

/// Why the log could not be written or read.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder cannot be read or written: rights, a full disk, a lost mount.
    #[error("{doing} {path}: {reason}")]
    File {
        /// What was tried.
        doing: &'static str,
        /// On which path.
        path: String,
        /// What the operating system said.
        reason: String,
    },
    /// What is there is not what was written, and no power cut explains it.
    #[error("{path}: {reason}")]
    Damaged {
        /// Where.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

impl Error {
    fn file(doing: &'static str, path: &Path, error: &std::io::Error) -> Self {
        Self::File { doing, path: path.display().to_string(), reason: error.to_string() }
    }

    fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.display().to_string(), reason: reason.into() }
    }
}
