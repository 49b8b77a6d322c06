//! `/hooks`: what systems tell of themselves, each signed in its own way. They have no token of ours.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::json;

use super::problem::Problem;
use super::{Shared, ask};
use crate::gateway::{Error, HookCall, HookError};

/// Takes a call to a webhook of an endpoint: 202 once all of it is on the disk.
pub(super) async fn hear(
    State(service): Shared,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Path((endpoint, hook)) = path?;
    let read = tokio::time::timeout(service.patience, service.budget.read(body)).await;
    let (body, held) = read.unwrap_or(Err(crate::listener::Unread::Slow))?;
    let headers: Vec<(String, String)> = headers
        .iter()
        .filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect();
    let taken = ask(&service, move |gateway| {
        let now = Timestamp::now();
        let call = HookCall { hook: &hook, headers: &headers, body: &body, now };
        let taken = gateway.hear(&endpoint, &call);
        drop(held);
        taken.map_err(|error| problem(&endpoint, &hook, error))
    });
    let documents = taken.await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "documents": documents }))).into_response())
}

fn problem(endpoint: &str, hook: &str, error: HookError) -> Problem {
    match error {
        HookError::Unknown => {
            Problem::not_found(format!("There is no webhook {hook} of an endpoint {endpoint}."))
        }
        HookError::Unsigned => Problem::unsigned(),
        HookError::Unreadable(words) => {
            tracing::warn!(endpoint, hook, "a call cannot be taken: {words}");
            Problem::unreadable_call(format!("{words}."))
        }
        HookError::Gateway(Error::Store(e)) => e.into(),
        HookError::Gateway(e) => {
            tracing::error!(endpoint, hook, "a call was not taken: {e}");
            Problem::not_now()
        }
    }
}
