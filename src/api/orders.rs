//! `/v1/orders`.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Path, Query, State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::model::Trace;
use super::problem::{Failures, Missing, Problem};
use super::{Caller, Scope, Shared, ask};
use crate::gateway;

/// Whose order.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Whose {
    /// That of this partner; of all who have one of this number where it is not said.
    partner: Option<String>,
}

/// Follow an order
///
/// What came of it: shipments, cartons and invoices, what the partner said of them, and what does not agree.
#[utoipa::path(
    get,
    path = "/v1/orders/{number}/trace",
    tag = "orders",
    params(("number" = String, Path, description = "The number of the order"), Whose),
    responses(
        (status = 200, description = "The order of each partner that has one of this number", body = Vec<Trace>),
        Missing,
        Failures
    )
)]
pub(super) async fn trace(
    State(service): Shared,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Json<Vec<Trace>>, Problem> {
    caller.may(Scope::DocumentsRead)?;
    let Query(whose) = whose?;
    let traces = ask(&service, move |gateway| {
        let found = gateway::trace(gateway.store(), &number, whose.partner.as_deref())?;
        let mut traces: Vec<Trace> = found.into_iter().map(Trace::from).collect();
        traces.retain(|trace| caller.sees(&trace.partner));
        if traces.is_empty() {
            return Err(Problem::not_found(format!("There is no order {number}.")));
        }
        Ok(traces)
    });
    Ok(Json(traces.await?))
}
