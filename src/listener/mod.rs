//! HTTP(S) for those who connect from outside: connections, headers and bodies have bounds, and whoever is slow is cut
//! off. What is answered is the business of the routes that a server is given.

#[cfg(feature = "as2")]
mod as2;
mod body;
mod tls;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

#[cfg(feature = "as2")]
pub use as2::{check as check_as2, open as open_as2};
pub use body::{Budget, Unread};
use tls::Acceptor;

/// Until the header of a request is whole, and until TLS is agreed.
const HEADER_PATIENCE: Duration = Duration::from_secs(30);
/// Largest header: what `Headers` of AS2 takes, which HTTP servers agree on.
const HEADER_BYTES_MAX: usize = 64 * 1024;
const FIELDS_MAX: usize = 200;
/// The longest that a stop waits for requests under way.
const STOP_PATIENCE: Duration = Duration::from_secs(20);
/// After a failure to accept, as with no file descriptors left.
const PAUSE: Duration = Duration::from_millis(200);

/// Where a server listens.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// The table of `crossdock.toml` that says so, for errors and the log.
    pub table: &'static str,
    /// The address.
    pub address: SocketAddr,
    /// The certificate, with those it rests on, in PEM, and its key; without them it speaks HTTP.
    pub tls: Option<(&'a Path, &'a str)>,
    /// Connections that are open at a time.
    pub connections: u32,
}

/// Whether a server could use this certificate and key; `table` names them in errors.
///
/// # Errors
/// In words: they are none, or not of one another.
pub fn check_tls(table: &str, tls: Option<(&Path, &str)>) -> Result<(), String> {
    tls.map_or(Ok(()), |(file, key)| tls::acceptor(table, file, key).map(drop))
}

/// A server that has its address, and what it answers.
pub struct Server {
    tcp: TcpListener,
    routes: Router,
    acceptor: Option<Acceptor>,
    table: &'static str,
    connections: usize,
}

impl Server {
    /// Opens the address, and takes certificate and key where there are any.
    ///
    /// # Errors
    /// In words: the address is in use, or certificate and key are none.
    pub async fn open(settings: Settings<'_>, routes: Router) -> Result<Self, String> {
        let Settings { table, address, tls, connections } = settings;
        let acceptor = tls.map(|(file, key)| tls::acceptor(table, file, key)).transpose()?;
        let tcp = TcpListener::bind(address).await;
        let tcp = tcp.map_err(|e| format!("{table}.listen {address}: {e}"))?;
        Ok(Self { tcp, routes, acceptor, table, connections: connections as usize })
    }

    /// Its address.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Answers until stopped; requests under way are finished.
    pub async fn serve(self, mut stop: watch::Receiver<bool>) {
        let connections = Arc::new(Semaphore::new(self.connections));
        let mut open = JoinSet::new();
        while !*stop.borrow() {
            let accepted = async {
                // One that has no room waits to be accepted.
                let permit = Arc::clone(&connections).acquire_owned().await;
                (permit, self.tcp.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                accepted = accepted => accepted,
                _ = stop.changed() => break,
            };
            let Ok(permit) = permit else { break };
            match accepted {
                Ok((stream, _)) => {
                    let (routes, acceptor) = (self.routes.clone(), self.acceptor.clone());
                    open.spawn(connection(routes, acceptor, stream, stop.clone(), permit));
                }
                Err(e) => {
                    tracing::warn!("{}: a connection was not taken: {e}", self.table);
                    tokio::time::sleep(PAUSE).await;
                }
            }
            // Those that have ended are let go.
            while open.try_join_next().is_some() {}
        }
        let all = async { while open.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_PATIENCE, all).await.is_err() {
            tracing::warn!("{}: requests that still came were cut off", self.table);
        }
    }
}

async fn connection(
    routes: Router,
    acceptor: Option<Acceptor>,
    stream: TcpStream,
    stop: watch::Receiver<bool>,
    permit: OwnedSemaphorePermit,
) {
    // Answers are small; they are not to wait for more.
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => requests(routes, stream, stop).await,
        Some(acceptor) => {
            match tokio::time::timeout(HEADER_PATIENCE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => requests(routes, stream, stop).await,
                Ok(Err(e)) => tracing::debug!("TLS was not agreed: {e}"),
                Err(_) => tracing::debug!("TLS was not agreed in time"),
            }
        }
    }
    drop(permit);
}

/// The requests of a connection, one after the other.
async fn requests(
    routes: Router,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    mut stop: watch::Receiver<bool>,
) {
    // `axum::serve` has no bounds of a header.
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .max_buf_size(HEADER_BYTES_MAX)
        .max_headers(FIELDS_MAX)
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    tokio::pin!(connection);
    let stopped = async move {
        // Without a sender nobody wants it any more.
        let _ = stop.wait_for(|stopped| *stopped).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(e) = ended {
        tracing::debug!("a connection ended: {e}");
    }
}
