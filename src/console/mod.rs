//! The gateway over HTTP, for those who run it: whether it lives (`/healthz`), whether it does its work (`/readyz`), what
//! it measures (`/metrics`), and its whole status (`/status`).

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::gateway::{Gateway, StoreError};

/// Opens the address.
///
/// # Errors
/// Where it is in use, or not ours.
pub async fn open(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Answers until stopped.
///
/// # Errors
/// Where the listener fails.
pub async fn serve(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .with_state(gateway);
    let stopped = async move {
        // Without a sender nobody wants it any more.
        let _ = stop.wait_for(|stopped| *stopped).await;
    };
    axum::serve(listener, routes).with_graceful_shutdown(stopped).await
}

/// What the store does not answer is a failure of the whole gateway.
struct Failed(StoreError);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", self.0)).into_response()
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

/// Asks the gateway where blocking is allowed.
async fn ask<T: Send + 'static>(
    gateway: Arc<Gateway>,
    question: impl FnOnce(&Gateway) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Failed> {
    let asked = tokio::task::spawn_blocking(move || question(&gateway)).await;
    asked.unwrap_or(Err(StoreError::Closed)).map_err(Failed)
}

/// 200 as long as the store takes commits; 503 with the reason once it does not.
async fn healthz(State(gateway): State<Arc<Gateway>>) -> Result<&'static str, Failed> {
    ask(gateway, Gateway::check_store).await?;
    Ok("ok\n")
}

/// 200 once every mailbox and endpoint has been looked into since the start, and no partner is left out; else 503 with what
/// is missing, a line each.
async fn readyz(State(gateway): State<Arc<Gateway>>) -> Result<(StatusCode, String), Failed> {
    let missing = ask(gateway, Gateway::not_ready).await?;
    Ok(if missing.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n")
    })
}

async fn metrics(State(gateway): State<Arc<Gateway>>) -> Result<Response, Failed> {
    let text = ask(gateway, Gateway::metrics).await?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

async fn status(State(gateway): State<Arc<Gateway>>) -> Result<Response, Failed> {
    let json = ask(gateway, Gateway::status_json).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}
