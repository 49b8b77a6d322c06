//! What carries messages and receipts to a partner: HTTP(S), each call bounded in time and in what is kept of its answer.

use reqwest::{Certificate, Proxy};
use tokio::runtime::Handle;

use super::message::Limits;
use super::mime::{self, Entity, Headers};
use crate::causes::chain;
use crate::http;
use crate::profile::{As2, Secret};
use crate::secrets::read_secret;
use crate::transport::Error;

/// Largest answer: a receipt has a few KB.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// The way to a partner's server.
pub struct Client {
    calls: reqwest::Client,
    runtime: Handle,
    login: Option<(String, Option<Secret>)>,
}

/// What a server has answered to something that it took (2xx).
#[derive(Debug)]
pub struct Answer {
    /// Its header fields.
    pub headers: Headers,
    /// Its body.
    pub body: Vec<u8>,
}

impl Client {
    /// Makes it. Redirects are not followed: a message is for the server that was agreed.
    ///
    /// # Errors
    /// In words: a proxy or certificate that is none.
    pub(super) fn new(
        settings: &As2,
        password: Option<Secret>,
        authorities: &[Vec<u8>],
    ) -> Result<Self, String> {
        let mut builder = http::builder(settings.timeout)
            .connect_timeout(settings.connect_timeout)
            .http1_title_case_headers();
        builder = match &settings.proxy {
            Some(proxy) => builder.proxy(Proxy::all(proxy).map_err(|e| chain(&e))?),
            None => builder.no_proxy(),
        };
        let mut trusted = Vec::new();
        for pem in authorities {
            trusted.extend(Certificate::from_pem_bundle(pem).map_err(|e| chain(&e))?);
        }
        let calls = builder.tls_certs_merge(trusted).build().map_err(|e| chain(&e))?;
        let login = settings.user.clone().map(|user| (user, password));
        Ok(Self { calls, runtime: Handle::current(), login })
    }

    /// Posts header and body, as they were made, and waits for the answer.
    ///
    /// # Errors
    /// [`Error::Server`] where the server cannot be reached, refuses, or says more than it should.
    pub fn post(&self, url: &str, wire: &[u8], with_login: bool) -> Result<Answer, Error> {
        self.runtime.block_on(self.post_wire(url, wire, with_login))
    }

    async fn post_wire(&self, url: &str, wire: &[u8], with_login: bool) -> Result<Answer, Error> {
        let failed = |words: String| Error::Server(format!("POST {url}: {words}"));
        let limits = Limits::default().mime;
        let entity = Entity::read(wire, &limits).map_err(|e| failed(e.to_string()))?;
        let mut request = self.calls.post(url);
        for (name, value) in entity.headers.iter() {
            // It speaks of the body of a mail; HTTP has none.
            if !name.eq_ignore_ascii_case("Content-Transfer-Encoding") {
                request = request.header(name, value);
            }
        }
        if let (Some((user, password)), true) = (&self.login, with_login) {
            let password = password.as_ref().map(read_secret).transpose().map_err(failed)?;
            request = request.basic_auth(user, password);
        }
        let request = request.body(entity.body.to_vec());
        let answer = request.send().await.map_err(|e| failed(chain(&e)))?;
        if !answer.status().is_success() {
            let refusal = http::refusal(answer).await;
            return Err(failed(refusal.map(|refusal| refusal.to_string()).unwrap_or_default()));
        }
        let fields = answer.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let headers = Headers::of(fields, &mime::Limits::default());
        let headers = headers.map_err(|e| failed(e.to_string()))?;
        let (mut answer, mut body) = (answer, Vec::new());
        while let Some(chunk) = answer.chunk().await.map_err(|e| failed(chain(&e)))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(failed(format!("its answer has more than {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { headers, body })
    }
}
