//! `/v1/webhooks`, and how the events look that are posted to them.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::problem::{Failures, Missing, Problem, UnusableBody};
use super::{Caller, Scope, Shared, ask};
use crate::gateway::{Error, Replaying};

/// Which events are sent once more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Replay {
    /// What happened at this moment or later.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// … and before this one; until now where it is not given.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Only what is about this document.
    document: Option<String>,
}

/// What is sent once more.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Replayed {
    /// So many events.
    events: usize,
    /// There are more, since this moment: ask again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    more_since: Option<Timestamp>,
}

/// Send events of a webhook once more
///
/// They go behind what waits, with the ids that they had. The token must be for all partners.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{name}/replay",
    tag = "webhooks",
    params(("name" = String, Path, description = "The webhook's name in the configuration")),
    request_body = Replay,
    responses(
        (status = 202, description = "They are queued", body = Replayed),
        Missing,
        UnusableBody,
        Failures
    )
)]
pub(super) async fn replay(
    State(service): Shared,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    wanted: Result<Json<Replay>, JsonRejection>,
) -> Result<Response, Problem> {
    caller.may(Scope::WebhooksWrite)?;
    if !caller.sees_all() {
        let words = format!("The token {} is for some partners only.", caller.name);
        return Err(Problem::forbidden(words));
    }
    let Json(wanted) = wanted?;
    if wanted.until.is_some_and(|until| wanted.since > until) {
        return Err(Problem::bad_request(
            "`since` is later than `until`: no time is between them.",
        ));
    }
    let replayed = ask(&service, move |gateway| {
        let who = format!("api {}", caller.name);
        let done = gateway.replay_events(&Replaying {
            webhook: &name,
            since: wanted.since,
            until: wanted.until.unwrap_or_else(Timestamp::now),
            document: wanted.document.as_deref(),
            who: &who,
        });
        let (events, more_since) = done.map_err(|error| match error {
            Error::Configuration(_) => {
                Problem::not_found(format!("There is no webhook {name} in crossdock.toml."))
            }
            Error::Store(e) => e.into(),
            e => {
                tracing::error!("events of {name} were not sent once more: {e}");
                Problem::internal()
            }
        })?;
        Ok(Replayed { events, more_since })
    });
    Ok((StatusCode::ACCEPTED, Json(replayed.await?)).into_response())
}

/// What a receiver is called with, as the `webhooks` of an OpenAPI document.
pub(super) fn described() -> Value {
    let header = |name: &str, description: &str| {
        json!({
            "name": name, "in": "header", "required": true, "description": description,
            "schema": { "type": "string" },
        })
    };
    json!({ "event": { "post": {
        "summary": "An event of a webhook that crossdock.toml has",
        "description": "Any 2xx says that it is taken; everything else is tried again.",
        "tags": ["webhooks"],
        "security": [],
        "parameters": [
            header("webhook-id", "The id of the event: the same however often it is sent"),
            header("webhook-timestamp", "When it was sent: seconds since 1970"),
            header("webhook-signature", "v1, and the base64 of the HMAC-SHA256 of id.timestamp.body"),
        ],
        "requestBody": { "required": true, "content": { "application/json": {
            "schema": { "$ref": "#/components/schemas/WebhookEvent" },
        } } },
        "responses": { "2XX": { "description": "It is taken" } },
    } } })
}
