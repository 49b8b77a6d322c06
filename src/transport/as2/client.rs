//! What carries messages and receipts to a partner: HTTP(S), each call bounded in time and in what is kept of its answer.

use std::fmt::Write as _;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Certificate, Proxy, redirect};
use tokio::runtime::Handle;

use super::message::Limits;
use super::mime::{self, Entity, Headers};
use crate::profile::{As2, Secret};
use crate::secrets::read_secret;
use crate::transport::Error;

/// Largest answer: a receipt has a few KB.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// How much of a refusal is shown.
const WORDS_CHARS_MAX: usize = 300;

/// The way to a partner's server.
pub struct Client {
    http: reqwest::Client,
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
        // An error means that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.timeout)
            .redirect(redirect::Policy::none())
            .http1_title_case_headers()
            .user_agent(concat!("crossdock/", env!("CARGO_PKG_VERSION")));
        builder = match &settings.proxy {
            Some(proxy) => builder.proxy(Proxy::all(proxy).map_err(|e| chain(&e))?),
            None => builder.no_proxy(),
        };
        let mut trusted = Vec::new();
        for pem in authorities {
            trusted.extend(Certificate::from_pem_bundle(pem).map_err(|e| chain(&e))?);
        }
        let http = builder.tls_certs_merge(trusted).build().map_err(|e| chain(&e))?;
        let login = settings.user.clone().map(|user| (user, password));
        Ok(Self { http, runtime: Handle::current(), login })
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
        let mut request = self.http.post(url);
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
        let mut answer = request.send().await.map_err(|e| failed(chain(&e)))?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|e| failed(chain(&e)))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(failed(format!("its answer has more than {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        let status = answer.status();
        if !status.is_success() {
            let mut words = format!("{status}");
            let is_text = answer.headers().get(CONTENT_TYPE);
            let is_text = is_text.is_none_or(|kind| kind.as_bytes().starts_with(b"text/"));
            if is_text && !body.is_empty() {
                let text = String::from_utf8_lossy(&body);
                let text: String = text.trim().chars().take(WORDS_CHARS_MAX).collect();
                let _ = write!(words, " {text}");
            }
            return Err(failed(words));
        }
        let fields = answer.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let headers = Headers::of(fields, &mime::Limits::default());
        Ok(Answer { headers: headers.map_err(|e| failed(e.to_string()))?, body })
    }
}

/// An error with its causes: reqwest's own text leaves out what went wrong.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
