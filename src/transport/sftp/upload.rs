//! Putting a file on a server: it appears whole under its name or not at all, and only once however often that is
//! repeated.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::connection::Connection;
use super::fault::Fault;
use crate::profile::fill_in;

/// Files whose rename was asked for and never answered. More than this cannot be: a mailbox sends one after the other.
pub(super) type Unanswered = HashSet<String>;

/// A file on its way.
pub(super) struct Upload<'a> {
    folder: &'a Path,
    /// The names that it may have: its own, and where somebody else's file has that, another.
    names: [PathBuf; 2],
    half: PathBuf,
    id: String,
    bytes: &'a [u8],
}

impl<'a> Upload<'a> {
    /// `template` is filled in with `name`.
    pub(super) fn new(folder: &'a Path, template: &str, name: &str, bytes: &'a [u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(name);
        hash.update([0]);
        hash.update(bytes);
        let id: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let own = fill_in(template, name, &id);
        let other = fill_in("{stem}-{id}{extension}", &own, &id);
        let names = [folder.join(own), folder.join(other)];
        Self { folder, names, half: folder.join(format!(".tmp-{id}")), id, bytes }
    }

    /// Whether the file of that name is this one; nothing where there is none. Where a server lets nobody read or look
    /// in its folder, its size decides, or that nothing is known.
    fn is_there(&self, connection: &mut Connection, name: &Path) -> Result<Option<bool>, Fault> {
        let there = match connection.attributes(name) {
            Err(Fault::Refused(_) | Fault::Unsupported) => return Ok(None),
            found => found?,
        };
        let Some(there) = there else { return Ok(None) };
        if there.size != self.bytes.len() as u64 {
            return Ok(Some(false));
        }
        match connection.read(name, there) {
            Ok(bytes) => Ok(Some(bytes == self.bytes)),
            Err(Fault::Refused(_) | Fault::Unsupported) => Ok(Some(true)),
            // Whoever takes it, or writes it, is at it right now.
            Err(Fault::Missing(_) | Fault::Changed(_)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Does it.
    pub(super) fn run(
        &self,
        connection: &mut Connection,
        unanswered: &mut Unanswered,
    ) -> Result<(), Fault> {
        let mut free = None;
        for name in &self.names {
            match self.is_there(connection, name)? {
                Some(true) => {
                    unanswered.remove(&self.id);
                    return Ok(());
                }
                Some(false) => {}
                None => {
                    free = Some(name);
                    break;
                }
            }
        }
        let Some(free) = free else {
            let [own, _] = &self.names;
            let words =
                format!("{}: another file has that name, and that beside it", own.display());
            return Err(Fault::Refused(words));
        };
        // The rename was asked for and its answer lost. Where the half is gone, it was done, and the partner has taken
        // the file already: it is not given it twice.
        if unanswered.contains(&self.id) && matches!(connection.attributes(&self.half), Ok(None)) {
            unanswered.remove(&self.id);
            return Ok(());
        }
        unanswered.remove(&self.id);
        self.write(connection)?;
        unanswered.insert(self.id.clone());
        let renamed = connection.rename(&self.half, free);
        if !matches!(renamed, Err(Fault::Broken(_))) {
            unanswered.remove(&self.id);
        }
        match renamed {
            Err(Fault::Missing(words) | Fault::Refused(words)) => {
                // Nobody needs it; the next attempt begins anew.
                connection.remove(&self.half)?;
                Err(Fault::Refused(words))
            }
            renamed => renamed,
        }
    }

    fn write(&self, connection: &mut Connection) -> Result<(), Fault> {
        match connection.write(&self.half, self.bytes) {
            Err(Fault::Missing(_)) => {
                let folder = self.folder.display();
                Err(Fault::Refused(format!("the server has no folder {folder} to write into")))
            }
            Err(Fault::Refused(words)) => {
                // On a full disk each half would make it fuller.
                let _ = connection.remove(&self.half);
                Err(Fault::Refused(words))
            }
            written => written,
        }
    }
}

/// A path in a folder of the server.
pub(super) fn within(folder: &str, name: impl AsRef<OsStr>) -> PathBuf {
    Path::new(folder).join(name.as_ref())
}
