//! Where commands beside a running gateway ask for its records, and add to them; see [`crate::store::desk`].

use std::fs;
use std::io;
use std::net::Shutdown;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Error, Gateway};
use crate::store::desk;

/// Commands that are answered at a time; others wait.
const CALLERS_MAX: usize = 16;

/// Answers until stopped. That it cannot stops nothing else.
pub(super) async fn serve(
    gateway: Arc<Gateway>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    let socket = desk::socket(&gateway.config.data);
    let listener = match open(&socket) {
        Ok(listener) => listener,
        Err(e) => {
            tracing::error!("{}: {e}; commands beside the gateway do not work", socket.display());
            let _ = stop.wait_for(|stopped| *stopped).await;
            return Ok(());
        }
    };
    let mut callers = JoinSet::new();
    loop {
        tokio::select! {
            called = listener.accept(), if callers.len() < CALLERS_MAX => match called {
                Ok((stream, _)) => {
                    callers.spawn(attend(Arc::clone(&gateway), stream, stop.clone()));
                }
                Err(e) => tracing::warn!("desk: {e}"),
            },
            Some(_) = callers.join_next() => {}
            _ = stop.changed() => break,
        }
    }
    while callers.join_next().await.is_some() {}
    // The next start takes away what is left.
    let _ = fs::remove_file(&socket);
    Ok(())
}

/// Nobody but the owner of the process may ask: the folder of the socket is closed to others before there is one.
fn open(socket: &Path) -> io::Result<UnixListener> {
    if let Some(folder) = socket.parent() {
        match fs::DirBuilder::new().mode(0o700).create(folder) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
            }
            made => made?,
        }
    }
    // The store is open, so that one which is there is left from a process that has ended.
    match fs::remove_file(socket) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => UnixListener::bind(socket),
    }
}

/// Answers one caller, at most until the gateway stops.
async fn attend(
    gateway: Arc<Gateway>,
    stream: tokio::net::UnixStream,
    mut stop: watch::Receiver<bool>,
) {
    let opened = stream.into_std().and_then(|stream| {
        stream.set_nonblocking(false)?;
        Ok((stream.try_clone()?, stream))
    });
    let (hold, mut stream): (UnixStream, UnixStream) = match opened {
        Ok(both) => both,
        Err(e) => return tracing::warn!("desk: {e}"),
    };
    let mut answering = tokio::task::spawn_blocking(move || {
        let ledger = &gateway.ledger;
        desk::answer(&mut stream, ledger.store(), &|transaction| ledger.commit_all(&transaction))
    });
    let answered = tokio::select! {
        answered = &mut answering => answered,
        _ = stop.changed() => {
            // What it waits for comes no more; what it has begun it finishes.
            let _ = hold.shutdown(Shutdown::Read);
            answering.await
        }
    };
    match answered {
        Ok(Ok(())) => {}
        Ok(Err(e)) => tracing::debug!("desk: {e}"),
        Err(e) => tracing::error!("desk: {e}"),
    }
}
