//! `/v1/exceptions`.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::model::{
    Deed, DeedAction, Done, Exception, ExceptionDetail, ExceptionItem, Finding, Page, Paging,
};
use super::problem::{Failures, Missing, Problem, UnusableBody};
use super::{Caller, Scope, Shared, ask};
use crate::exceptions::Action;
use crate::gateway::{self, Deeds, DocumentRecord, Gateway, NotedFinding, PayloadId, Subject};

/// Which exceptions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Those of this partner.
    partner: Option<String>,
    /// Also those that are settled; only open ones where it is not said.
    #[serde(default)]
    all: bool,
}

/// List exceptions
///
/// Open ones, the oldest first.
#[utoipa::path(
    get,
    path = "/v1/exceptions",
    tag = "exceptions",
    params(Paging, Wanted),
    responses(
        (status = 200, description = "A page of them", body = Page<Exception>),
        Failures
    )
)]
pub(super) async fn list(
    State(service): Shared,
    Extension(caller): Extension<Caller>,
    paging: Result<Query<Paging>, QueryRejection>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Page<Exception>>, Problem> {
    caller.may(Scope::ExceptionsRead)?;
    let (Query(paging), Query(wanted)) = (paging?, wanted?);
    let limit = paging.limit()?;
    let after: Option<u64> = paging.after_as()?;
    let page = ask(&service, move |gateway| {
        let store = gateway.store();
        Page::collect(
            limit,
            after,
            |after, most| {
                let after = after.copied().unwrap_or(0);
                if wanted.all {
                    store.exceptions(after, most)
                } else {
                    store.open_exceptions(after, most)
                }
            },
            |one| one.id,
            |one| {
                let is_one = wanted.partner.as_ref().is_none_or(|name| *name == one.partner);
                (is_one && caller.sees(&one.partner)).then(|| Exception::from(one))
            },
        )
    });
    Ok(Json(page.await?))
}

/// An exception that the caller may see.
fn find(gateway: &Gateway, caller: &Caller, id: u64) -> Result<gateway::Exception, Problem> {
    let found = gateway.store().exception(id)?.filter(|one| caller.sees(&one.partner));
    found.ok_or_else(|| Problem::not_found(format!("There is no exception {id}.")))
}

/// The open exception about a document, and what was found in it.
pub(super) fn about(
    gateway: &Gateway,
    record: &DocumentRecord,
) -> Result<(Option<u64>, Vec<Finding>), Problem> {
    let store = gateway.store();
    let Some(id) = gateway::exception_about_document(store, &record.id)? else {
        return Ok((None, Vec::new()));
    };
    let of_document = |subject: &Subject| matches!(subject, Subject::Document { document } if *document == record.id);
    let items = store.exception_items(id)?;
    let item = items.into_iter().find(|item| !item.settled && of_document(&item.subject));
    Ok((Some(id), findings(gateway, item.and_then(|item| item.findings))?))
}

fn findings(gateway: &Gateway, kept: Option<PayloadId>) -> Result<Vec<Finding>, Problem> {
    let Some(kept) = kept else { return Ok(Vec::new()) };
    let json = gateway.store().payload(kept)?;
    let noted: Vec<NotedFinding> = serde_json::from_slice(&json).map_err(|e| {
        tracing::error!("findings {kept}: {e}");
        Problem::internal()
    })?;
    Ok(noted.into_iter().map(Finding::from).collect())
}

/// Show an exception
#[utoipa::path(
    get,
    path = "/v1/exceptions/{id}",
    tag = "exceptions",
    params(("id" = u64, Path, description = "Its number")),
    responses(
        (status = 200, description = "What it is about", body = ExceptionDetail),
        Missing,
        Failures
    )
)]
pub(super) async fn show(
    State(service): Shared,
    Extension(caller): Extension<Caller>,
    id: Result<Path<u64>, axum::extract::rejection::PathRejection>,
) -> Result<Json<ExceptionDetail>, Problem> {
    caller.may(Scope::ExceptionsRead)?;
    let Path(id) = id?;
    let detail = ask(&service, move |gateway| {
        let exception = Exception::from(find(gateway, &caller, id)?);
        let items = gateway.store().exception_items(id)?.into_iter().enumerate();
        let items = items.map(|(at, item)| {
            let document = match item.subject {
                Subject::Document { document } => Some(document),
                _ => None,
            };
            Ok(ExceptionItem {
                item: at + 1,
                document,
                acceptable: item.acceptable,
                settled: item.settled,
                findings: findings(gateway, item.findings)?,
            })
        });
        Ok(ExceptionDetail { exception, items: items.collect::<Result<_, Problem>>()? })
    });
    Ok(Json(detail.await?))
}

/// Do something about an exception
///
/// Done once more the same way, nothing happens. The name of the token stands in the audit log as who did it.
#[utoipa::path(
    post,
    path = "/v1/exceptions/{id}/actions",
    tag = "exceptions",
    params(("id" = u64, Path, description = "Its number")),
    request_body = Deed,
    responses(
        (status = 200, description = "It is done, or was done before", body = Done),
        Missing,
        (status = 409, description = "It cannot be done: why", body = Problem, content_type = "application/problem+json"),
        UnusableBody,
        Failures
    )
)]
pub(super) async fn act(
    State(service): Shared,
    Extension(caller): Extension<Caller>,
    id: Result<Path<u64>, axum::extract::rejection::PathRejection>,
    deed: Result<Json<Deed>, JsonRejection>,
) -> Result<Json<Done>, Problem> {
    caller.may(Scope::ExceptionsWrite)?;
    let (Path(id), Json(deed)) = (id?, deed?);
    let done = ask(&service, move |gateway| {
        find(gateway, &caller, id)?;
        let deed = gateway::Deed {
            action: match deed.action {
                DeedAction::Retry => Action::Retry,
                DeedAction::Replay => Action::Replay,
                DeedAction::Accept => Action::Accept,
                DeedAction::Dismiss => Action::Dismiss,
                DeedAction::Reopen => Action::Reopen,
            },
            who: format!("api {}", caller.name),
            reason: deed.reason,
            edited: None,
            item: deed.item,
        };
        let count = match gateway.act_on_exception(id, &deed)? {
            Deeds::Done(count) => count,
            Deeds::Before(_) => 0,
        };
        Ok(Done { count, exception: find(gateway, &caller, id)?.into() })
    });
    Ok(Json(done.await?))
}
