//! AS2 over HTTP(S): takes requests, each bounded in size and time, and hands them to the gateway.
//!
//! Whoever connects may be anybody: connections, header, body, and what all bodies take together have bounds, and whoever
//! is slow is cut off.

mod body;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::gateway::{As2Answer, As2Config, Gateway};
use body::{Budget, Unread};
use tls::Acceptor;

/// Until the header of a request is whole, and until TLS is agreed.
const HEADER_PATIENCE: Duration = Duration::from_secs(30);
/// Largest header: what `Headers` takes, which HTTP servers agree on.
const HEADER_BYTES_MAX: usize = 64 * 1024;
const FIELDS_MAX: usize = 200;
/// The longest that a stop waits for requests under way.
const STOP_PATIENCE: Duration = Duration::from_secs(20);
/// After a failure to accept, as with no file descriptors left.
const PAUSE: Duration = Duration::from_millis(200);

/// A listener, and what it serves.
pub struct Listener {
    tcp: TcpListener,
    acceptor: Option<Acceptor>,
    settings: As2Config,
    budget: Budget,
}

impl Listener {
    /// Opens the address, and reads certificate and key where there are any; nothing where no address is configured.
    ///
    /// # Errors
    /// In words: the address is in use, or certificate and key are none.
    pub async fn open(gateway: &Gateway) -> Result<Option<Self>, String> {
        let settings = gateway.as2_config().clone();
        let Some(address) = settings.listen else { return Ok(None) };
        let acceptor = tls::acceptor(&settings)?;
        let tcp = TcpListener::bind(address).await;
        let tcp = tcp.map_err(|e| format!("as2.listen {address}: {e}"))?;
        let budget = Budget::new(gateway.as2_message_bytes());
        Ok(Some(Self { tcp, acceptor, settings, budget }))
    }

    /// Its address.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn address(&self) -> std::io::Result<std::net::SocketAddr> {
        self.tcp.local_addr()
    }

    /// Answers until stopped; requests under way are finished.
    pub async fn serve(self, gateway: Arc<Gateway>, mut stop: watch::Receiver<bool>) {
        let connections = Arc::new(Semaphore::new(self.settings.connections as usize));
        let service = Service {
            gateway,
            patience: Duration::from_secs(u64::from(self.settings.request_seconds)),
            budget: self.budget,
        };
        let routes = routes(&self.settings.path, service);
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
                    let (routes, acceptor) = (routes.clone(), self.acceptor.clone());
                    open.spawn(connection(routes, acceptor, stream, stop.clone(), permit));
                }
                Err(e) => {
                    tracing::warn!("a connection for AS2 was not taken: {e}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
            // Those that have ended are let go.
            while open.try_join_next().is_some() {}
        }
        let all = async { while open.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_PATIENCE, all).await.is_err() {
            tracing::warn!("messages over AS2 that still came were cut off: they come again");
        }
    }
}

/// What is answered where.
fn routes(path: &str, service: Service) -> Router {
    let words = |status, words| move || async move { As2Answer::words(status, words) };
    let posted = "Messages over AS2 are posted here.";
    Router::new()
        // A path is taken as it stands: it has no parameters of any age.
        .without_v07_checks()
        .route(path, get(words(200, posted)).post(take))
        .method_not_allowed_fallback(words(405, posted))
        .fallback(words(404, "There is nothing here."))
        .with_state(Arc::new(service))
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
        tracing::debug!("a connection for AS2 ended: {e}");
    }
}

/// What all connections have in common.
struct Service {
    gateway: Arc<Gateway>,
    patience: Duration,
    budget: Budget,
}

async fn take(State(service): State<Arc<Service>>, request: Request) -> As2Answer {
    let (head, body) = request.into_parts();
    let read = tokio::time::timeout(service.patience, service.budget.read(body)).await;
    let (body, held) = match read {
        Ok(Ok(read)) => read,
        Ok(Err(unread)) => return refusal(unread),
        Err(_) => return refusal(Unread::Slow),
    };
    let fields: Vec<(String, Vec<u8>)> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    let gateway = Arc::clone(&service.gateway);
    let taken = tokio::task::spawn_blocking(move || {
        let answer = gateway.take_as2(&fields, &body);
        drop(held);
        answer
    });
    taken.await.unwrap_or_else(|e| {
        tracing::error!("a message over AS2 ended in a panic: {e}");
        As2Answer::words(500, "It cannot be taken.")
    })
}

fn refusal(unread: Unread) -> As2Answer {
    match unread {
        Unread::TooLarge(most) => {
            As2Answer::words(413, &format!("A message has at most {most} bytes."))
        }
        Unread::Busy => {
            As2Answer::words(503, "Too much is coming at once. Please send it again later.")
        }
        Unread::Slow => As2Answer::words(408, "The message did not come in time."),
        Unread::Broken => As2Answer::words(400, "The message was cut short."),
    }
}

impl IntoResponse for As2Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            let value = HeaderValue::from_str(&value.replace(|c: char| c.is_control(), " "));
            if let (Ok(name), Ok(value)) = (name, value) {
                response.headers_mut().append(name, value);
            }
        }
        if !response.status().is_success() {
            // What is left of the request is not read.
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        response
    }
}
