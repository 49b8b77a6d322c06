//! What went wrong with a request, as `application/problem+json` (RFC 9457): which kind, and what to do.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::gateway::{Error, SettleError, StoreError, SubmissionError};
use crate::listener::Unread;

/// The content type of problems.
const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was not answered as it was meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Which kind: `urn:crossdock:problem:…`; it does not change.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// The kind in words.
    pub(super) title: String,
    /// The status of the answer.
    pub(super) status: u16,
    /// What was wrong with this request, and what to do.
    pub(super) detail: String,
    /// Seconds after which it may be tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_after: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, kind: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:crossdock:problem:{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            retry_after: None,
        }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read", detail)
    }

    pub(super) fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "No token that is known", detail)
    }

    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "The token does not allow it", detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "It is not there", detail)
    }

    pub(super) fn method_not_allowed() -> Self {
        let detail = "This path has other methods: see /v1/openapi.json.";
        let (kind, title) = ("method-not-allowed", "The path has no such method");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, kind, title, detail)
    }

    pub(super) fn too_many(seconds: u64) -> Self {
        let detail = format!("The token has used up its requests: wait {seconds} seconds.");
        let (kind, title) = ("too-many-requests", "Too many requests");
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, kind, title, detail);
        Self { retry_after: Some(seconds), ..problem }
    }

    pub(super) fn internal() -> Self {
        let detail = "This is a defect of the gateway; its log tells more.";
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "internal", "The gateway failed", detail)
    }

    pub(super) fn unsigned() -> Self {
        let detail = "Sign it as the connector's webhook says; the log of the gateway tells more.";
        Self::new(StatusCode::UNAUTHORIZED, "unsigned", "The signature is not good", detail)
    }

    pub(super) fn unreadable_call(detail: impl Into<String>) -> Self {
        Self::unprocessable("unreadable-call", "The call cannot be taken", detail)
    }

    pub(super) fn not_now() -> Self {
        Self::unavailable("The gateway cannot take it now; its log tells why. Send it again.")
    }

    fn unavailable(detail: impl Into<String>) -> Self {
        let (kind, title) = ("unavailable", "The gateway cannot answer now");
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, kind, title, detail);
        Self { retry_after: Some(5), ..problem }
    }

    fn unprocessable(kind: &str, title: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, kind, title, detail)
    }
}

/// What every request may be answered with.
pub(super) struct Failures;

impl IntoResponses for Failures {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        describe(&[
            (StatusCode::BAD_REQUEST, "The request cannot be read"),
            (StatusCode::UNAUTHORIZED, "No token that is known"),
            (StatusCode::FORBIDDEN, "The token does not allow it"),
            (StatusCode::TOO_MANY_REQUESTS, "Too many requests: wait as long as Retry-After says"),
            (StatusCode::SERVICE_UNAVAILABLE, "The gateway cannot answer now"),
        ])
    }
}

/// What is asked for is not there.
pub(super) struct Missing;

impl IntoResponses for Missing {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        describe(&[(StatusCode::NOT_FOUND, "There is none that the token sees")])
    }
}

/// A body that is to be JSON, and cannot be used.
pub(super) struct UnusableBody;

impl IntoResponses for UnusableBody {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        describe(&[
            (StatusCode::PAYLOAD_TOO_LARGE, "The request is too large"),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is not application/json"),
            (StatusCode::UNPROCESSABLE_ENTITY, "The body is no such JSON"),
        ])
    }
}

fn describe(failures: &[(StatusCode, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let described = failures.iter().map(|(status, words)| {
        let schema = Ref::from_schema_name("Problem");
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new().description(*words).content(PROBLEM_JSON, content);
        (status.as_str().to_owned(), RefOr::T(response.build()))
    });
    described.collect()
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::unavailable(format!("The store does not answer: {error}"))
    }
}

impl From<SubmissionError> for Problem {
    fn from(error: SubmissionError) -> Self {
        let words = format!("{error}.");
        match error {
            SubmissionError::UnknownPartner(_) => Self::not_found(words),
            SubmissionError::NotAgreed(_) => {
                Self::unprocessable("not-agreed", "The partner is not sent such documents", words)
            }
            SubmissionError::Unreadable(words) => {
                let title = "It is no canonical document";
                Self::unprocessable("no-document", title, words)
            }
            SubmissionError::KeyReused(_) => {
                let title = "The idempotency key was used for another document";
                Self::new(StatusCode::CONFLICT, "idempotency-key-reused", title, words)
            }
            SubmissionError::NumberTaken(words) => {
                let title = "The number was taken before";
                Self::new(StatusCode::CONFLICT, "number-taken", title, words)
            }
            SubmissionError::Gateway(Error::Store(e)) => e.into(),
            SubmissionError::Gateway(e) => {
                tracing::error!("a document was not taken: {e}");
                Self::internal()
            }
        }
    }
}

impl From<SettleError> for Problem {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::Store(e) => e.into(),
            refused => {
                let (kind, title) = ("cannot-be-done", "It cannot be done about this exception");
                Self::new(StatusCode::CONFLICT, kind, title, format!("{refused}."))
            }
        }
    }
}

impl From<Unread> for Problem {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::TooLarge(most) => {
                let detail = format!("A document has at most {most} bytes.");
                let (kind, title) = ("too-large", "The document is too large");
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, kind, title, detail)
            }
            Unread::Busy => Self::unavailable("Too much is coming at once."),
            Unread::Slow => {
                let detail = "The request did not come in time.";
                Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "Too slow", detail)
            }
            Unread::Broken => Self::bad_request("The request was cut short."),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let wait = self.retry_after.map(HeaderValue::from);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(wait) = wait {
            headers.insert(header::RETRY_AFTER, wait);
        }
        if matches!(status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
            // The rest of the request is not read: nothing can follow it.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// What axum says of a part of a request that cannot be read.
macro_rules! from_rejections {
    ($($rejection:ty),*) => {$(
        impl From<$rejection> for Problem {
            fn from(rejection: $rejection) -> Self {
                let (kind, title) = ("bad-request", "The request cannot be read");
                Self::new(rejection.status(), kind, title, rejection.body_text())
            }
        }
    )*};
}
from_rejections!(
    axum::extract::rejection::JsonRejection,
    axum::extract::rejection::PathRejection,
    axum::extract::rejection::QueryRejection
);
