//! A mailbox that is a folder: `inbound`, `outbound`, `archive`, `quarantine`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Arrival, Error, Look, Mailbox};
use crate::disk::{Arrivals, Half, Limits, create_dir, safe_name};

/// A folder, local or mounted.
pub struct DirectoryMailbox {
    arrivals: Arrivals,
    outbound: PathBuf,
}

impl DirectoryMailbox {
    /// Opens the mailbox; folders that are missing are made.
    ///
    /// # Errors
    /// Where one cannot be made.
    pub fn open(folder: &Path, limits: Limits) -> Result<Self, Error> {
        let outbound = folder.join("outbound");
        create_dir(&outbound)?;
        let arrivals = Arrivals::open(
            folder.join("inbound"),
            folder.join("archive"),
            folder.join("quarantine"),
            limits,
        )?;
        Ok(Self { arrivals, outbound })
    }
}

impl Mailbox for DirectoryMailbox {
    fn look(&self) -> Result<Look, Error> {
        Ok(self.arrivals.look()?)
    }

    fn fetch(&self, arrival: &Arrival) -> Result<Vec<u8>, Error> {
        self.arrivals.read(arrival).map_err(|e| match e.kind() {
            ErrorKind::FileTooLarge => {
                Error::Untakeable { name: arrival.name.clone(), reason: e.to_string() }
            }
            ErrorKind::NotFound | ErrorKind::ResourceBusy => Error::NotReady(e),
            _ => Error::Io(e),
        })
    }

    fn confirm(&self, arrival: &Arrival, mark: &str) -> Result<(), Error> {
        Ok(self.arrivals.archive(arrival, mark)?)
    }

    fn set_aside(&self, arrival: &Arrival, mark: &str, note: &str) -> Result<(), Error> {
        Ok(self.arrivals.set_aside(arrival, mark, note)?)
    }

    fn deliver(&self, name: &str, bytes: &[u8]) -> Result<Option<Half>, Error> {
        Ok(Some(Half::write(&self.outbound, &safe_name(name), bytes)?))
    }

    fn quarantine(&self, name: &str, bytes: &[u8], note: &[u8]) -> Result<(), Error> {
        Ok(self.arrivals.quarantine(name, bytes, note)?)
    }
}
