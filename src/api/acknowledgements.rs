//! `/v1/acknowledgements`.

use std::fmt;
use std::str::FromStr;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::model::{Acknowledgement, Page, Paging};
use super::problem::{Failures, Problem};
use super::{Caller, Scope, Shared, ask};

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
    let after: Option<Place> = paging.after_as()?;
    let page = ask(&service, move |gateway| {
        Page::collect(
            limit,
            after,
            |after, most| {
                let after = after.map(|place| (place.partner.as_str(), place.group, place.set));
                gateway.store().all_expectations(after, most)
            },
            |one| Place { group: one.group, set: one.set, partner: one.partner.clone() },
            |one| {
                let is_one = wanted.partner.as_ref().is_none_or(|name| *name == one.partner)
                    && (!wanted.waiting || one.state.is_waiting());
                (is_one && caller.sees(&one.partner)).then(|| Acknowledgement::from(one))
            },
        )
    });
    Ok(Json(page.await?))
}

/// An acknowledgement by what it answers.
struct Place {
    group: u64,
    set: u64,
    partner: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.group, self.set, self.partner)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (group, rest) = text.split_once('.').ok_or(())?;
        let (set, partner) = rest.split_once('.').ok_or(())?;
        let (group, set) = (group.parse().map_err(|_| ())?, set.parse().map_err(|_| ())?);
        Ok(Self { group, set, partner: partner.to_owned() })
    }
}
