//! Putting a file on a server: it appears whole under its name or not at all, and only once however often that is
//! repeated.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::connection::Connection;
use super::fault::Fault;
use crate::profile::fill_in;

/// What became of attempts that did not come to their end, by the file's id.
pub(super) type Attempts = HashMap<String, Attempt>;

#[derive(Default)]
pub(super) struct Attempt {
    /// How many halves were begun. Each has a name of its own: a server may still be working on what a broken session
    /// has asked for, and must not meet what is written now.
    halves: u32,
    /// The half of which the rename was asked for, and never answered.
    asked: Option<PathBuf>,
    /// The file is there, or was; only halves are left to be removed.
    is_done: bool,
}

/// A file on its way.
pub(super) struct Upload<'a> {
    folder: &'a Path,
    /// The names that it may have: its own, and where somebody else's file has that, another.
    names: [PathBuf; 2],
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
        let digest = hash.finalize();
        let id = digest.iter().take(8).fold(0_u64, |id, byte| (id << 8) | u64::from(*byte));
        let id = format!("{id:016x}");
        let own = fill_in(template, name, &id);
        let other = fill_in("{stem}-{id}{extension}", &own, &id);
        let names = [folder.join(own), folder.join(other)];
        Self { folder, names, id, bytes }
    }

    fn half(&self, number: u32) -> PathBuf {
        self.folder.join(format!(".tmp-{}-{number}", self.id))
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

    /// The name that it will have; nothing where it is there already.
    fn free_name(&self, connection: &mut Connection) -> Result<Option<&Path>, Fault> {
        for name in &self.names {
            match self.is_there(connection, name)? {
                Some(true) => return Ok(None),
                Some(false) => {}
                None => return Ok(Some(name)),
            }
        }
        let [own, _] = &self.names;
        let words = format!("{}: another file has that name, and that beside it", own.display());
        Err(Fault::Refused(words))
    }

    /// Does it. Where the session breaks it is done again with another, and the same attempts.
    pub(super) fn run(
        &self,
        connection: &mut Connection,
        attempts: &mut Attempts,
    ) -> Result<(), Fault> {
        let attempt = attempts.entry(self.id.clone()).or_default();
        // The partner may take it as soon as it is there: from then on it is never looked for again.
        if !attempt.is_done {
            if let Some(free) = self.free_name(connection)? {
                self.put(connection, free, attempt)?;
                // The usual case: the only half has become the file.
                attempt.halves = if attempt.halves == 1 { 0 } else { attempt.halves };
            }
            attempt.is_done = true;
        }
        for number in 0..attempt.halves {
            // A server in whose way one is says so, and nothing depends on it.
            if let Err(Fault::Broken(words)) = connection.remove(&self.half(number)) {
                return Err(Fault::Broken(words));
            }
        }
        attempts.remove(&self.id);
        Ok(())
    }

    fn put(
        &self,
        connection: &mut Connection,
        free: &Path,
        attempt: &mut Attempt,
    ) -> Result<(), Fault> {
        let was_asked = attempt.asked.is_some();
        let half = if let Some(half) = attempt.asked.clone() {
            half
        } else {
            let number = attempt.halves.min(HALVES_MAX - 1);
            attempt.halves = number + 1;
            let half = self.half(number);
            self.write(connection, &half)?;
            half
        };
        attempt.asked = Some(half.clone());
        let answer = match connection.rename(&half, free) {
            Err(Fault::Broken(words)) => return Err(Fault::Broken(words)),
            // The rename that was not answered has been done, and may be so just now: the half is there once, and
            // whichever comes first has it. If the file is gone too, the partner has taken it.
            Err(Fault::Missing(_)) if was_asked && connection.exists(self.folder)? => Ok(()),
            Err(Fault::Missing(words)) => Err(Fault::Refused(words)),
            answer => answer,
        };
        attempt.asked = None;
        answer
    }

    fn write(&self, connection: &mut Connection, half: &Path) -> Result<(), Fault> {
        match connection.write(half, self.bytes) {
            Err(Fault::Missing(_)) => {
                let folder = self.folder.display();
                Err(Fault::Refused(format!("the server has no folder {folder} to write into")))
            }
            Err(Fault::Refused(words)) => {
                // On a full disk each half would make it fuller.
                let _ = connection.remove(half);
                Err(Fault::Refused(words))
            }
            written => written,
        }
    }
}

/// Halves of a file that are told apart; from then on the last one is written over.
const HALVES_MAX: u32 = 50;

/// A path in a folder of the server.
pub(super) fn within(folder: &str, name: impl AsRef<OsStr>) -> PathBuf {
    Path::new(folder).join(name.as_ref())
}
