//! Our own API, `/v1`: systems of ours hand documents in, read what became of them, and act on exceptions.
//!
//! Each route stands with its description; from these the OpenAPI document is made that `crossdock api openapi` prints.

mod access;
mod acknowledgements;
mod documents;
mod exceptions;
mod hooks;
mod model;
mod orders;
mod problem;
mod tokens;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::Uri;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::Value;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::canonical;
use crate::gateway::{self, Gateway};
use crate::listener::{Budget, Server, Settings};
use access::{Access, Caller};
use problem::Problem;
pub use tokens::{Scope, Token, TokenError, Tokens};

/// What all requests have in common.
struct Service {
    gateway: Arc<Gateway>,
    access: Access,
    budget: Budget,
    patience: Duration,
}

type Shared = State<Arc<Service>>;

/// The server of the API; nothing where no address is configured.
///
/// # Errors
/// In words: the address is in use, certificate and key are none, or the file of tokens cannot be used.
pub async fn open(gateway: &Arc<Gateway>) -> Result<Option<Server>, String> {
    let settings = gateway.api_config();
    let Some(address) = settings.listen else { return Ok(None) };
    let key = settings.server_key()?;
    let tls = settings.certificate.as_deref().zip(key.as_deref());
    let connections = settings.connections;
    let access = Access::open(settings.tokens.clone(), settings.requests_per_minute)
        .map_err(|e| format!("api.tokens: {e}"))?;
    let service = Service {
        gateway: Arc::clone(gateway),
        access,
        budget: Budget::new(settings.document_bytes()),
        patience: Duration::from_secs(u64::from(settings.request_seconds)),
    };
    let routes = router(Arc::new(service));
    Server::open(Settings { table: "api", address, tls, connections }, routes).await.map(Some)
}

/// What would keep the server from being opened, but for its address: nothing is opened.
#[must_use]
pub fn check(settings: &gateway::ApiConfig) -> Vec<String> {
    if settings.listen.is_none() {
        return Vec::new();
    }
    let key = settings.server_key();
    let tls = key.and_then(|key| {
        crate::listener::check_tls("api", settings.certificate.as_deref().zip(key.as_deref()))
    });
    let tokens = Tokens::read(&settings.tokens).map_err(|e| format!("api.tokens: {e}"));
    [tls.err(), tokens.err()].into_iter().flatten().collect()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Crossdock",
        description = "Hand documents in, read what became of them and of those of your partners, and act on exceptions."
    ),
    components(schemas(gateway::WebhookEvent)),
    security(("token" = [])),
    tags(
        (name = "documents", description = "Canonical documents: those that you hand in, and those of your partners"),
        (name = "acknowledgements", description = "What partners have said of what was sent to them"),
        (name = "exceptions", description = "What a person has to look at"),
        (name = "orders", description = "An order and everything that came of it"),
        (name = "webhooks", description = "What happens, told to systems of yours")
    )
)]
struct Described;

fn described_routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(documents::submit))
        .routes(routes!(documents::list))
        .routes(routes!(documents::show))
        .routes(routes!(documents::content))
        .routes(routes!(acknowledgements::list))
        .routes(routes!(exceptions::list))
        .routes(routes!(exceptions::show))
        .routes(routes!(exceptions::act))
        .routes(routes!(orders::trace))
        .routes(routes!(webhooks::replay))
}

fn router(service: Arc<Service>) -> Router {
    let (routes, _) = described_routes().split_for_parts();
    let hooks = Router::new()
        .route("/hooks/{endpoint}/{hook}", axum::routing::post(hooks::hear))
        .route_layer(middleware::from_fn(note));
    routes
        .route_layer(middleware::from_fn_with_state(Arc::clone(&service), admit))
        .merge(hooks)
        .route("/v1/openapi.json", axum::routing::get(|| async { Json(openapi()) }))
        .fallback(
            |uri: Uri| async move { Problem::not_found(format!("There is no {}.", uri.path())) },
        )
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .with_state(service)
}

/// The OpenAPI document of the API.
#[must_use]
pub fn openapi() -> Value {
    let (_, mut document) = described_routes().split_for_parts();
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = document.components.get_or_insert_default();
    components.security_schemes.insert("token".to_owned(), token.into());
    let mut document = serde_json::to_value(&document).unwrap_or_default();
    describe_documents(&mut document);
    document["webhooks"] = webhooks::described();
    document
}

/// Where the API has a canonical document.
const CANONICAL: [&str; 2] = [
    "/paths/~1v1~1partners~1{partner}~1documents/post/requestBody/content/application~1json/schema",
    "/paths/~1v1~1documents~1{id}~1content/get/responses/200/content/application~1json/schema",
];

/// Canonical documents are described by the same schema that `crossdock schema` prints.
fn describe_documents(document: &mut Value) {
    let mut kinds = Vec::new();
    for kind in canonical::Document::KINDS {
        let Some(schema) = canonical::schema(kind) else { continue };
        let Ok(mut schema) = serde_json::to_value(schema) else { continue };
        name_definitions(&mut schema);
        let schemas = &mut document["components"]["schemas"];
        // What several kinds have in common is the same in all.
        if let Some(Value::Object(parts)) =
            schema.as_object_mut().and_then(|fields| fields.remove("$defs"))
        {
            for (part, schema) in parts {
                schemas[component(&part)] = schema;
            }
        }
        let name = component(kind);
        if let Some(fields) = schema.as_object_mut() {
            // Generators call their classes after the title.
            fields.insert("title".to_owned(), name.clone().into());
            fields.remove("$schema");
        }
        kinds.push(serde_json::json!({ "$ref": format!("#/components/schemas/{name}") }));
        schemas[name] = schema;
    }
    document["components"]["schemas"]["CanonicalDocument"] = serde_json::json!({
        "description": "A document in the canonical model, as `crossdock schema KIND` describes it.",
        "oneOf": kinds,
    });
    for place in CANONICAL {
        if let Some(schema) = document.pointer_mut(place) {
            *schema = serde_json::json!({ "$ref": "#/components/schemas/CanonicalDocument" });
        }
    }
}

/// The name of a kind of document, or of a part of one, in an OpenAPI document: `CanonicalOrderChange`.
fn component(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        format!("{}{rest}", first.to_uppercase())
    });
    format!("Canonical{}", words.collect::<String>())
}

/// References within a schema lead to its own definitions; the document has these among its components, where
/// generators of clients look for them.
fn name_definitions(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                match value {
                    Value::String(place) if key == "$ref" => {
                        if let Some(part) = place.strip_prefix("#/$defs/") {
                            *place = format!("#/components/schemas/{}", component(part));
                        }
                    }
                    other => name_definitions(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(name_definitions),
        _ => {}
    }
}

/// Lets a request in, or not, and writes a line of the access log.
async fn admit(State(service): Shared, mut request: Request, next: Next) -> Response {
    match service.access.admit(request.headers()) {
        Ok(caller) => {
            let who = caller.name.clone();
            request.extensions_mut().insert(caller);
            noted(&who, request, async |request| next.run(request).await).await
        }
        Err(problem) => noted("", request, async |_| problem.into_response()).await,
    }
}

/// Only writes the line.
async fn note(request: Request, next: Next) -> Response {
    noted("", request, async |request| next.run(request).await).await
}

async fn noted(
    who: &str,
    request: Request,
    answer: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let begun = std::time::Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = answer(request).await;
    let (status, milliseconds) = (response.status().as_u16(), begun.elapsed().as_millis());
    tracing::info!(target: "crossdock::api", %method, path, who, status, milliseconds, "request");
    response
}

/// Asks the gateway where blocking is allowed.
async fn ask<T: Send + 'static>(
    service: &Arc<Service>,
    question: impl FnOnce(&Gateway) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let service = Arc::clone(service);
    let asked = tokio::task::spawn_blocking(move || question(&service.gateway)).await;
    asked.unwrap_or_else(|e| {
        tracing::error!("a request ended in a panic: {e}");
        Err(Problem::internal())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        let document = openapi();
        let mut wanted = Vec::new();
        references(&document, &mut wanted);
        let canonical = "#/components/schemas/CanonicalDocument";
        assert_eq!(wanted.iter().filter(|place| *place == canonical).count(), CANONICAL.len());
        for place in wanted {
            let pointer = place.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{place}");
        }
    }

    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    match value {
                        Value::String(place) if key == "$ref" => found.push(place.clone()),
                        other => references(other, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
}
