//! What ends a command: our failures, never a partner's.

use std::path::PathBuf;

/// Why a command could not do its work. Exit code 2.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file named on the command line cannot be read: it is not there, or may not be read.
    #[error("{path}: {source}")]
    Read {
        /// As it was named.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A pattern on the command line that matches nothing, or is none.
    #[error("{0}")]
    NoInput(String),
    /// The output cannot be written. A reader that has gone away (`| head`) is no failure and ends quietly.
    #[error("cannot write: {0}")]
    Write(#[from] std::io::Error),
    /// Grammars or maps of ours, or of the folders that were named, have bad lines.
    #[error("{0}")]
    Definitions(String),
    /// What was asked for is not there; the text says what there is.
    #[error("{0}")]
    Unknown(String),
    /// A canonical document that is no JSON, or not of a kind that we know.
    #[error("{0}")]
    Document(String),
    /// The gateway or the demonstration could not go on.
    #[error("{0}")]
    Gateway(String),
    /// What a gateway remembers cannot be read or added to.
    #[error(transparent)]
    Records(#[from] crate::gateway::StoreError),
    /// Some of the inputs could not be read; each was named when it was met.
    #[error("{0} {n} could not be read", n = if *.0 == 1 { "input" } else { "inputs" })]
    Inputs(usize),
}

impl Error {
    /// Names the file that an error of the system is about.
    pub fn read(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Read { path: path.display().to_string(), source }
    }

    /// Whether the reader of our output has gone away.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Write(e) if e.kind() == std::io::ErrorKind::BrokenPipe)
    }
}
