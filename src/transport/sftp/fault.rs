//! What goes wrong between us and a server, by what is to be made of it.

use std::io;

use ssh2::ErrorCode;

use crate::transport::Error;

/// Why a call did not succeed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server says that there is no such file or folder.
    Missing(String),
    /// The server refuses; the session is good for other calls.
    Refused(String),
    /// The server cannot do that at all.
    Unsupported,
    /// A file is not as it was a moment ago.
    Changed(String),
    /// The session is of no use any more, or never came about.
    Broken(String),
}

/// Status codes of the protocol (draft-ietf-secsh-filexfer-02 and -13, section 9.1).
const NO_SUCH_FILE: i32 = 2;
const NO_CONNECTION: i32 = 6;
const CONNECTION_LOST: i32 = 7;
const OP_UNSUPPORTED: i32 = 8;
const NO_SUCH_PATH: i32 = 10;
/// What the library calls the end of a listing.
const END_OF_LISTING: ErrorCode = ErrorCode::Session(-16);
/// What it calls a call that took too long.
const TIMEOUTS: [ErrorCode; 2] = [ErrorCode::Session(-9), ErrorCode::Session(-30)];

impl Fault {
    /// A fault of a call about something.
    pub(super) fn of(what: &str, error: &ssh2::Error) -> Self {
        let words = format!("{what}: {}", words(error));
        match error.code() {
            ErrorCode::SFTP(NO_SUCH_FILE | NO_SUCH_PATH) => Self::Missing(words),
            ErrorCode::SFTP(OP_UNSUPPORTED) => Self::Unsupported,
            ErrorCode::SFTP(NO_CONNECTION | CONNECTION_LOST) | ErrorCode::Session(_) => {
                Self::Broken(words)
            }
            ErrorCode::SFTP(_) => Self::Refused(words),
        }
    }

    /// A fault of reading or writing something.
    pub(super) fn of_io(what: &str, error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ssh2::Error>());
        inner
            .map_or_else(|| Self::Broken(format!("{what}: {error}")), |inner| Self::of(what, inner))
    }
}

/// Whether a listing has come to its end.
pub(super) fn is_end(error: &ssh2::Error) -> bool {
    error.code() == END_OF_LISTING
}

/// What happened, for a person.
pub(super) fn words(error: &ssh2::Error) -> String {
    if TIMEOUTS.contains(&error.code()) {
        return "the server has not answered in time".to_owned();
    }
    error.message().to_owned()
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Missing(words) | Fault::Refused(words) | Fault::Broken(words) => {
                Self::Server(words)
            }
            Fault::Unsupported => Self::Server("the server cannot do that".to_owned()),
            Fault::Changed(words) => {
                Self::NotReady(io::Error::new(io::ErrorKind::ResourceBusy, words))
            }
        }
    }
}
