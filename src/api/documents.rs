//! `/v1/documents`, `/v1/partners/{partner}/documents`.

use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::model::{Acknowledgement, Document, DocumentDetail, Page, Paging, Receipt};
use super::problem::{Failures, Missing, Problem};
use super::{Caller, Scope, Shared, ask, exceptions};
use crate::gateway::{DocumentRecord, Gateway, Records, Submission, acknowledgement_of};

/// Longest idempotency key.
const KEY_MAX: usize = 200;

/// Hand a document in for a partner
///
/// The body is a canonical document (`crossdock schema shipment`). It is taken in durably and then written, checked against
/// what was agreed, and sent. A request that is repeated with the same key and the same body is answered the same way and
/// does nothing; with another body it is refused.
#[utoipa::path(
    post,
    path = "/v1/partners/{partner}/documents",
    tag = "documents",
    params(
        ("partner" = String, Path, description = "The name of the partner's profile"),
        ("Idempotency-Key" = String, Header, description = "1 to 200 visible ASCII characters; a new one for each document")
    ),
    request_body(
        content = inline(serde_json::Value),
        content_type = "application/json",
        description = "A canonical document: see the schema CanonicalDocument"
    ),
    responses(
        (status = 202, description = "It is taken in", body = Receipt),
        (status = 404, description = "No such partner", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The request did not come in time", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The key, or the number of the document, was used before for other contents", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The document is too large", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It is no canonical document, or the partner is not sent such documents", body = Problem, content_type = "application/problem+json"),
        Failures
    )
)]
pub(super) async fn submit(
    State(service): Shared,
    Extension(caller): Extension<Caller>,
    Path(partner): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    caller.may(Scope::DocumentsWrite)?;
    if !caller.sees(&partner) {
        return Err(Problem::not_found(format!("no partner `{partner}` is in force.")));
    }
    let key = headers.get("Idempotency-Key").and_then(|key| key.to_str().ok()).unwrap_or_default();
    let is_usable = (1..=KEY_MAX).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if !is_usable {
        let words = format!("Send `Idempotency-Key` with 1 to {KEY_MAX} visible ASCII characters.");
        return Err(Problem::bad_request(words));
    }
    let read = tokio::time::timeout(service.patience, service.budget.read(body)).await;
    let (json, held) = read.unwrap_or(Err(crate::listener::Unread::Slow))?;
    let (key, who) = (key.to_owned(), caller.name);
    let receipt = ask(&service, move |gateway| {
        let submission = Submission { partner: &partner, who: &who, key: &key, json: &json };
        let submitted = gateway.submit(&submission)?;
        drop(held);
        Ok(Receipt::of(partner, submitted))
    });
    Ok((StatusCode::ACCEPTED, Json(receipt.await?)).into_response())
}

/// Which documents.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Those of this partner.
    partner: Option<String>,
    /// Those of this kind: `order`, `shipment`, `invoice`.
    kind: Option<String>,
    /// Those with this business number.
    number: Option<String>,
    /// Those in this state.
    state: Option<String>,
}

impl Wanted {
    fn are(&self, record: &DocumentRecord) -> bool {
        let is = |wanted: &Option<String>, value: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == value)
        };
        is(&self.partner, &record.partner)
            && is(&self.kind, &record.kind)
            && is(&self.number, &record.number)
            && is(&self.state, record.state.name())
    }
}

/// List documents
///
/// Those of partners and those of ours, by id. Of many documents, few of which are wanted, a page may be short or empty
/// though more follow: go on while there is a `next`.
#[utoipa::path(
    get,
    path = "/v1/documents",
    tag = "documents",
    params(Paging, Wanted),
    responses(
        (status = 200, description = "A page of them", body = Page<Document>),
        Failures
    )
)]
pub(super) async fn list(
    State(service): Shared,
    Extension(caller): Extension<Caller>,
    paging: Result<Query<Paging>, axum::extract::rejection::QueryRejection>,
    wanted: Result<Query<Wanted>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Page<Document>>, Problem> {
    caller.may(Scope::DocumentsRead)?;
    let (Query(paging), Query(wanted)) = (paging?, wanted?);
    let limit = paging.limit()?;
    let page = ask(&service, move |gateway| {
        let after = paging.after().map(str::to_owned);
        Page::collect(
            limit,
            after,
            |after, most| gateway.store().documents(after.map(String::as_str), most),
            |record| record.id.clone(),
            |record| {
                let is_one = wanted.are(&record) && caller.sees(&record.partner);
                is_one.then(|| Document::from(record))
            },
        )
    });
    Ok(Json(page.await?))
}

/// A document that the caller may see.
fn find(gateway: &Gateway, caller: &Caller, id: &str) -> Result<DocumentRecord, Problem> {
    let found = gateway.store().document(id)?.filter(|record| caller.sees(&record.partner));
    found.ok_or_else(|| Problem::not_found(format!("There is no document {id}.")))
}

/// Show what became of a document
#[utoipa::path(
    get,
    path = "/v1/documents/{id}",
    tag = "documents",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "How far it is, and what was said of it", body = DocumentDetail),
        Missing,
        Failures
    )
)]
pub(super) async fn show(
    State(service): Shared,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<DocumentDetail>, Problem> {
    caller.may(Scope::DocumentsRead)?;
    let detail = ask(&service, move |gateway| {
        let record = find(gateway, &caller, &id)?;
        let records: &dyn Records = gateway.store();
        let acknowledgement = acknowledgement_of(records, &record)?.map(Acknowledgement::from);
        let (exception, findings) = exceptions::about(gateway, &record)?;
        let document = Document::from(record);
        Ok(DocumentDetail { document, acknowledgement, exception, findings })
    });
    Ok(Json(detail.await?))
}

/// Read a document itself
///
/// As canonical JSON: the schema is `CanonicalDocument`.
#[utoipa::path(
    get,
    path = "/v1/documents/{id}/content",
    tag = "documents",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "The document", body = inline(serde_json::Value), content_type = "application/json"),
        Missing,
        Failures
    )
)]
pub(super) async fn content(
    State(service): Shared,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.may(Scope::DocumentsRead)?;
    let json = ask(&service, move |gateway| {
        let record = find(gateway, &caller, &id)?;
        Ok(gateway.store().payload(record.payload)?)
    });
    Ok(([(header::CONTENT_TYPE, "application/json")], json.await?).into_response())
}
