//! `/v1/acknowledgements`.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::model::{Acknowledgement, Page, Paging};
use super::problem::{Failures, Problem};
use super::{Caller, Scope, Shared, ask};

/// Documents that are looked through for one page.
const LOOKED_MAX: usize = 20_000;

/// Which acknowledgements.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Those of this partner.
    partner: Option<String>,
    /// Only those that have not come.
    #[serde(default)]
    waiting: bool,
}

/// List acknowledgements
///
/// What partners have said of each document that was sent to them, or have yet to say; by partner, group and set.
#[utoipa::path(
    get,
    path = "/v1/acknowledgements",
    tag = "acknowledgements",
    params(Paging, Wanted),
    responses(
        (status = 200, description = "A page of them", body = Page<Acknowledgement>),
        Failures
    )
)]
pub(super) async fn list(
    State(service): Shared,
    Extension(caller): Extension<Caller>,
    paging: Result<Query<Paging>, QueryRejection>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Page<Acknowledgement>>, Problem> {
    caller.may(Scope::DocumentsRead)?;
    let (Query(paging), Query(wanted)) = (paging?, wanted?);
    let limit = paging.limit()?;
    let mut after = paging.after().map(read_place).transpose()?;
    let page = ask(&service, move |gateway| {
        let (mut items, mut looked) = (Vec::new(), 0);
        loop {
            let start =
                after.as_ref().map(|(partner, group, set)| (partner.as_str(), *group, *set));
            let some = gateway.store().all_expectations(start, limit)?;
            let is_last = some.len() < limit;
            looked += some.len();
            for one in some {
                after = Some((one.partner.clone(), one.group, one.set));
                let is_wanted = wanted.partner.as_ref().is_none_or(|name| *name == one.partner)
                    && (!wanted.waiting || one.state.is_waiting());
                if is_wanted && caller.sees(&one.partner) {
                    items.push(Acknowledgement::from(one));
                    if items.len() == limit {
                        return Ok(Page { items, next: after.map(place) });
                    }
                }
            }
            if is_last || looked >= LOOKED_MAX {
                return Ok(Page { items, next: after.filter(|_| !is_last).map(place) });
            }
        }
    });
    Ok(Json(page.await?))
}

fn place((partner, group, set): (String, u64, u64)) -> String {
    format!("{group}.{set}.{partner}")
}

fn read_place(text: &str) -> Result<(String, u64, u64), Problem> {
    let mut parts = text.splitn(3, '.');
    let read = (|| {
        let (group, set) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some((parts.next()?.to_owned(), group, set))
    })();
    read.ok_or_else(|| Problem::bad_request("`after` is `next` of the page before."))
}
