//! AS2: requests are handed to the gateway.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::{Budget, Server, Settings, Unread};
use crate::gateway::{As2Answer, As2Config, Gateway};

/// The server for messages over AS2; nothing where no address is configured.
///
/// # Errors
/// In words: the address is in use, or certificate and key are none.
pub async fn open(gateway: &Arc<Gateway>) -> Result<Option<Server>, String> {
    let settings = gateway.as2_config();
    let Some(address) = settings.listen else { return Ok(None) };
    let key = settings.server_key()?;
    let tls = settings.certificate.as_deref().zip(key.as_deref());
    let connections = settings.connections;
    let service = Service {
        gateway: Arc::clone(gateway),
        patience: Duration::from_secs(u64::from(settings.request_seconds)),
        budget: Budget::new(gateway.as2_message_bytes()),
    };
    let routes = routes(&settings.path, service);
    Server::open(Settings { table: "as2", address, tls, connections }, routes).await.map(Some)
}

/// Whether certificate and key are what the server needs, where an address is configured; nothing is opened.
///
/// # Errors
/// In words: they cannot be read, are none, or not of one another.
pub fn check(settings: &As2Config) -> Result<(), String> {
    if settings.listen.is_none() {
        return Ok(());
    }
    let key = settings.server_key()?;
    super::check_tls("as2", settings.certificate.as_deref().zip(key.as_deref()))
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
