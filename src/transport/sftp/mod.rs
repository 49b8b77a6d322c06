//! A mailbox on an SFTP server: one session at a time, which is used by one thread at a time.
//!
//! The server is somebody else's: it may hang, lie, and list whatever it likes. Every call is bounded in time, what is
//! kept of its answers is bounded in size, and nothing is sent to a server whose key is not trusted.

mod backoff;
mod connection;
mod fault;
mod listing;
mod sessions;
mod upload;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Arrival, Error, Half, Look, Mailbox};
use crate::disk::{Limits, create_dir, marked, note_name, safe_name, write_to};
use crate::profile::{After, Sftp as Settings};
use backoff::Backoff;
pub use backoff::Pauses;
use connection::Connection;
pub use connection::{ServerKey, key_of_server};
use fault::Fault;
use listing::{Listing, Memory, attributes, marker, objection};
use sessions::Line;
pub use sessions::Sessions;
use upload::{Attempts, Upload, within};

/// A mailbox on a server, with a folder of ours for what people have to look at.
pub struct SftpMailbox {
    settings: Arc<Settings>,
    quarantine: PathBuf,
    limits: Limits,
    sessions: Sessions,
    line: Arc<Line>,
    backoff: Backoff,
    memory: Mutex<Memory>,
    attempts: Mutex<Attempts>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SftpMailbox {
    /// Opens the mailbox; the server is not called yet. `folder` is ours: its `quarantine` is made where it is missing.
    ///
    /// # Errors
    /// Where that cannot be made.
    pub fn open(
        settings: Arc<Settings>,
        folder: &Path,
        limits: Limits,
        sessions: Sessions,
        pauses: Pauses,
    ) -> Result<Self, Error> {
        let quarantine = folder.join("quarantine");
        create_dir(&quarantine)?;
        let line = sessions.line(settings.keepalive, settings.close_after);
        Ok(Self {
            settings,
            quarantine,
            limits,
            sessions,
            line,
            backoff: Backoff::new(pauses),
            memory: Mutex::default(),
            attempts: Mutex::default(),
        })
    }

    /// How long it takes at the soonest until a file that is seen now is finished.
    #[must_use]
    pub fn settle(settings: &Settings) -> Duration {
        listing::settle(settings)
    }

    /// Does something with the session, which is opened where there is none. One that was waiting may have been closed
    /// by the server meanwhile: then it is done once more with a new one.
    fn with<T>(
        &self,
        mut step: impl FnMut(&mut Connection) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut state = self.line.lock();
        if let Some(mut connection) = state.take() {
            match self.watched(&mut connection, &mut step) {
                Err(Fault::Broken(_)) => connection.cut(),
                done => {
                    *state = Some(connection);
                    return done;
                }
            }
        }
        let done = self.backoff.check().and_then(|()| {
            let opened = self.open_session();
            let done = opened.and_then(|mut connection| {
                let done = self.watched(&mut connection, &mut step);
                if matches!(done, Err(Fault::Broken(_))) {
                    connection.cut();
                } else {
                    *state = Some(connection);
                }
                done
            });
            match &done {
                Err(Fault::Broken(words)) => self.backoff.failed(words),
                _ => self.backoff.succeeded(),
            }
            done
        });
        self.line.unwatch();
        done
    }

    fn open_session(&self) -> Result<Connection, Fault> {
        let permit = self.sessions.permit(self.settings.connect_timeout)?;
        Connection::open(&self.settings, &self.line, permit)
    }

    fn watched<T>(
        &self,
        connection: &mut Connection,
        step: &mut impl FnMut(&mut Connection) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let longest = self.settings.operation_timeout;
        self.line.watch(connection.socket(), longest);
        connection.begin(longest);
        let done = step(connection);
        self.line.unwatch();
        connection.used = Instant::now();
        connection.kept = connection.used;
        done
    }

    fn inbound(&self, arrival: &Arrival) -> PathBuf {
        within(&self.settings.inbound, arrival.file_name())
    }

    /// Lets a file leave the inbound folder that is still the one that was taken.
    fn let_leave(
        &self,
        connection: &mut Connection,
        arrival: &Arrival,
        mark: &str,
    ) -> Result<(), Fault> {
        // First, so that it never makes another file of that name look finished.
        if let Some(marker) = marker(&self.settings, arrival.file_name()) {
            connection.remove(&within(&self.settings.inbound, marker))?;
        }
        let path = self.inbound(arrival);
        // Somebody may have put another there since: that one has not been read.
        if connection.attributes(&path)? != Some(attributes(arrival)) {
            return Ok(());
        }
        match &self.settings.after {
            After::Delete => connection.remove(&path),
            After::Archive(folder) => archive(connection, &path, folder, arrival, mark),
        }
    }
}

/// Moves a file into the archive, which is made where it is missing.
fn archive(
    connection: &mut Connection,
    path: &Path,
    folder: &str,
    arrival: &Arrival,
    mark: &str,
) -> Result<(), Fault> {
    let target = within(folder, marked(mark, &arrival.name));
    let words = match connection.rename(path, &target) {
        Err(Fault::Missing(words) | Fault::Refused(words)) => words,
        done => return done,
    };
    if connection.attributes(path)?.is_none() {
        return Ok(());
    }
    // Its marks begin anew with a new store: another file may have the name.
    let target = if connection.attributes(&target)?.is_some() {
        let mark = format!("{mark}-{}", attributes(arrival).modified);
        within(folder, marked(&mark, &arrival.name))
    } else if connection.make_folder(Path::new(folder)).is_ok() {
        target
    } else {
        return Err(Fault::Refused(words));
    };
    connection.rename(path, &target)
}

impl Drop for SftpMailbox {
    fn drop(&mut self) {
        if let Some(connection) = self.line.lock().take() {
            connection.close();
        }
    }
}

impl Mailbox for SftpMailbox {
    fn look(&self) -> Result<Look, Error> {
        let mut memory = lock(&self.memory);
        let (look, seen) = self.with(|connection| {
            let mut listing = Listing::begin(&self.settings, &memory);
            connection.list(&self.settings.inbound, |entry| listing.add(entry))?;
            Ok(listing.end(Instant::now(), self.limits.files))
        })?;
        *memory = seen;
        Ok(look)
    }

    fn fetch(&self, arrival: &Arrival) -> Result<Vec<u8>, Error> {
        let limit = self.limits.file_bytes;
        let objection = objection(arrival.file_name(), arrival.size);
        let refused = objection.map(str::to_owned).or_else(|| {
            (arrival.size > limit)
                .then(|| format!("{} bytes, more than the limit of {limit}", arrival.size))
        });
        if let Some(reason) = refused {
            return Err(Error::Untakeable { name: arrival.name.clone(), reason });
        }
        let path = self.inbound(arrival);
        match self.with(|connection| connection.read(&path, attributes(arrival))) {
            Err(Fault::Missing(words)) => {
                Err(Error::NotReady(io::Error::new(io::ErrorKind::NotFound, words)))
            }
            done => Ok(done?),
        }
    }

    fn confirm(&self, arrival: &Arrival, mark: &str) -> Result<(), Error> {
        lock(&self.memory).begin_to_take(arrival);
        self.with(|connection| self.let_leave(connection, arrival, mark))?;
        lock(&self.memory).took(arrival);
        Ok(())
    }

    /// It stays where it is, since what is not read is not ours to move; it is not told of again.
    fn set_aside(&self, arrival: &Arrival, mark: &str, note: &str) -> Result<(), Error> {
        let name = note_name(&marked(mark, &arrival.name));
        write_to(&self.quarantine, &name, note.as_bytes())?;
        lock(&self.memory).set_aside(arrival);
        Ok(())
    }

    fn deliver(&self, name: &str, bytes: &[u8]) -> Result<Option<Half>, Error> {
        let folder = Path::new(&self.settings.outbound);
        let upload = Upload::new(folder, &self.settings.upload_name, &safe_name(name), bytes);
        let mut attempts = lock(&self.attempts);
        self.with(|connection| upload.run(connection, &mut attempts))?;
        Ok(None)
    }

    fn quarantine(&self, name: &str, bytes: &[u8], note: &[u8]) -> Result<(), Error> {
        let name = safe_name(name);
        write_to(&self.quarantine, &note_name(&name), note)?;
        Ok(write_to(&self.quarantine, &name, bytes)?)
    }

    fn is_remote(&self) -> bool {
        true
    }
}
