//! How many sessions are open, and for how long: a bound over all mailboxes, and one thread that keeps those alive
//! that wait, closes those that wait for long, and cuts those that overdo it.

use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::fault::Fault;

/// How often the keeper looks.
const TICK: Duration = Duration::from_secs(1);
/// What an operation is given beyond its time before its connection is cut from outside.
const GRACE: Duration = Duration::from_secs(2);
/// How often somebody who waits for a session looks whether one is free to be closed.
const NUDGE: Duration = Duration::from_millis(50);

/// The sessions of all mailboxes.
#[derive(Clone)]
pub struct Sessions {
    shared: Arc<Shared>,
}

struct Shared {
    max: usize,
    open: Mutex<Open>,
    freed: Condvar,
}

#[derive(Default)]
struct Open {
    count: usize,
    lines: Vec<Weak<Line>>,
    is_kept: bool,
}

/// The right to have one session more.
pub(super) struct Permit(Arc<Shared>);

/// Where the session of one mailbox is. It is locked as long as somebody works with it.
pub(super) struct Line {
    state: Mutex<Option<Connection>>,
    /// When to cut which connection.
    watched: Mutex<Option<(Instant, TcpStream)>>,
    keepalive: Duration,
    close_after: Duration,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sessions {
    /// At most so many at a time.
    #[must_use]
    pub fn new(max: usize) -> Self {
        let (open, freed) = (Mutex::default(), Condvar::new());
        Self { shared: Arc::new(Shared { max: max.max(1), open, freed }) }
    }

    /// A place for the session of a mailbox.
    pub(super) fn line(&self, keepalive: Duration, close_after: Duration) -> Arc<Line> {
        let (state, watched) = (Mutex::default(), Mutex::default());
        let line = Arc::new(Line { state, watched, keepalive, close_after });
        let mut open = lock(&self.shared.open);
        open.lines.retain(|line| line.strong_count() > 0);
        open.lines.push(Arc::downgrade(&line));
        if !open.is_kept {
            let shared = Arc::downgrade(&self.shared);
            let keeper = std::thread::Builder::new().name("sftp-keeper".to_owned());
            // Without it sessions are closed by their servers rather than by us; the next mailbox tries again.
            open.is_kept = keeper.spawn(move || keep(&shared)).is_ok();
        }
        line
    }

    /// The right to open a session. Where all are taken the one is closed that has been waiting for longest.
    pub(super) fn permit(&self, longest: Duration) -> Result<Permit, Fault> {
        let until = Instant::now() + longest;
        loop {
            let mut open = lock(&self.shared.open);
            if open.count < self.shared.max {
                open.count += 1;
                return Ok(Permit(Arc::clone(&self.shared)));
            }
            drop(open);
            if self.shared.close_one() {
                continue;
            }
            if Instant::now() >= until {
                let words =
                    format!("all {} sessions are in use (limits.sftp_sessions)", self.shared.max);
                return Err(Fault::Broken(words));
            }
            let open = lock(&self.shared.open);
            if open.count >= self.shared.max {
                // Woken or not, it looks again.
                drop(self.shared.freed.wait_timeout(open, NUDGE));
            }
        }
    }

    /// How many are open.
    #[must_use]
    pub fn open(&self) -> usize {
        lock(&self.shared.open).count
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        lock(&self.0.open).count -= 1;
        self.0.freed.notify_one();
    }
}

impl Shared {
    fn lines(&self) -> Vec<Arc<Line>> {
        lock(&self.open).lines.iter().filter_map(Weak::upgrade).collect()
    }

    /// Closes the session that nobody has used for longest. Tells whether there was one.
    fn close_one(&self) -> bool {
        let lines = self.lines();
        let waiting = lines.iter().filter_map(|line| {
            let used = line.idle()?.as_ref().map(|connection| connection.used)?;
            Some((used, line))
        });
        let Some((_, line)) = waiting.min_by_key(|(used, _)| *used) else { return false };
        let Some(connection) = line.idle().and_then(|mut state| state.take()) else { return false };
        connection.close();
        true
    }
}

/// Keeps the sessions as long as there are any to be had.
fn keep(shared: &Weak<Shared>) {
    while let Some(shared) = shared.upgrade() {
        for line in shared.lines() {
            line.look_after();
        }
        drop(shared);
        std::thread::sleep(TICK);
    }
}

impl Line {
    /// The session, for as long as it is worked with.
    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        lock(&self.state)
    }

    /// The session, if nobody works with it.
    fn idle(&self) -> Option<MutexGuard<'_, Option<Connection>>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// From now on the connection is cut unless all is done in time. The calls are bounded themselves; this is for a
    /// server that finds a way to keep one of them busy.
    pub(super) fn watch(&self, socket: &TcpStream, longest: Duration) {
        let socket = socket.try_clone().ok();
        *lock(&self.watched) = socket.map(|socket| (Instant::now() + longest + GRACE, socket));
    }

    /// It was done in time.
    pub(super) fn unwatch(&self) {
        lock(&self.watched).take();
    }

    fn look_after(&self) {
        {
            let mut watched = lock(&self.watched);
            if watched.as_ref().is_some_and(|(until, _)| *until < Instant::now())
                && let Some((_, socket)) = watched.take()
            {
                // Whoever waits for it hears of it.
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
        let Some(mut state) = self.idle() else { return };
        let Some(mut connection) = state.take() else { return };
        if connection.used.elapsed() >= self.close_after {
            connection.close();
        } else if connection.kept.elapsed() < self.keepalive || connection.keep_alive() {
            *state = Some(connection);
        } else {
            connection.cut();
        }
    }
}
