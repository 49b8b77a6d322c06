//! An endpoint over HTTP(S): each document is one POST. What the warehouse sends back lies in a folder.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, StatusCode};
use tokio::runtime::Handle;

use super::{Call, DirectoryEndpoint, Endpoint, Error, Half, Steps, plural};
use crate::causes::chain;
use crate::http;
use crate::profile::Secret;
use crate::secrets::read_secret;

/// What an HTTP endpoint needs.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Documents go to `<url>/orders`, `<url>/shipments`, …
    pub url: String,
    /// Sent as `Authorization: Bearer …`.
    pub bearer: Option<Secret>,
    /// From the first byte of the call to the last of the answer.
    pub timeout: Duration,
}

/// `POST <url>/<kinds>` with the headers `Idempotency-Key` and `Crossdock-Partner`. 2xx: taken. A status that blames
/// the document (400, 413, 422 and the like): refused. Failed connections and everything else: tried again, not before
/// `Retry-After`; so is what blames our configuration (redirects, 401, 403, 404), which a person mends meanwhile.
pub struct HttpEndpoint {
    client: Client,
    runtime: Handle,
    settings: HttpSettings,
    returns: DirectoryEndpoint,
}

impl HttpEndpoint {
    /// Makes the client. `returns` is the folder endpoint from which the warehouse's own documents are taken.
    ///
    /// # Errors
    /// Where the machine has no usable TLS roots.
    pub fn new(
        settings: HttpSettings,
        returns: DirectoryEndpoint,
        runtime: Handle,
    ) -> Result<Self, Error> {
        let client = http::client(settings.timeout).map_err(|reason| Error::Refused { reason })?;
        Ok(Self { client, runtime, settings, returns })
    }

    async fn post(&self, call: &Call<'_>) -> Result<(), Error> {
        let url = format!("{}/{}", self.settings.url.trim_end_matches('/'), plural(call.kind));
        let mut request = self
            .client
            .post(&url)
            .header(CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", call.idempotency_key)
            .header("Crossdock-Partner", call.partner)
            .body(call.json.to_vec());
        if let Some(bearer) = &self.settings.bearer {
            let token = read_secret(bearer)
                .map_err(|reason| Error::Transient { reason, retry_after: None })?;
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let answer = request
            .send()
            .await
            .map_err(|e| Error::Transient { reason: chain(&e), retry_after: None })?;
        let Some(refusal) = http::refusal(answer).await else { return Ok(()) };
        let reason = format!("POST {url}: {refusal}");
        if blames_the_document(refusal.status) {
            Err(Error::Refused { reason })
        } else {
            Err(Error::Transient { reason, retry_after: refusal.retry_after })
        }
    }
}

impl Endpoint for HttpEndpoint {
    fn deliver(&self, call: &Call, _: &dyn Steps) -> Result<Option<Half>, Error> {
        self.runtime.block_on(self.post(call))?;
        Ok(None)
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn returns(&self) -> Option<&DirectoryEndpoint> {
        Some(&self.returns)
    }
}

/// Whether repeating the same call cannot help. 409 does not say so: by the draft of the header `Idempotency-Key` an
/// earlier call with the key is still under way; an endpoint that has the document already answers 2xx.
fn blames_the_document(status: StatusCode) -> bool {
    let configuration = matches!(status.as_u16(), 401 | 402 | 403 | 404 | 405 | 407 | 421 | 426);
    let passing = matches!(status.as_u16(), 408 | 409 | 423 | 424 | 425 | 429);
    status.is_client_error() && !configuration && !passing
}
