//! What carries messages and receipts to a partner: HTTP(S), each call bounded in time and in what is kept of its answer.

use openssl::pkey::PKey;
use openssl::x509::X509;
use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{Certificate, Proxy, Response, StatusCode, Url};
use tokio::runtime::Handle;

use super::cms;
use super::login::Login;
use super::message::Limits;
use super::mime::{self, Entity, Headers};
use crate::causes::chain;
use crate::http;
use crate::profile::As2Server;
use crate::transport::Error;

/// Largest answer: a receipt has a few KB.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// The way to a partner's server.
pub struct Client {
    calls: reqwest::Client,
    runtime: Handle,
    login: Option<Login>,
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
    /// Makes it. Redirects are not followed: a message is for the server that was agreed. `authorities` are texts in PEM;
    /// `own` is our TLS client certificate with those that it rests on, and its key.
    ///
    /// # Errors
    /// In words: a proxy or certificate that is none.
    pub(super) fn new(
        server: &As2Server,
        runtime: Handle,
        login: Option<Login>,
        authorities: &[Vec<u8>],
        own: Option<(&[u8], &[u8])>,
    ) -> Result<Self, String> {
        let mut builder = http::builder(server.timeout)
            .connect_timeout(server.connect_timeout)
            .http1_title_case_headers();
        builder = match &server.proxy {
            Some(proxy) => builder.proxy(Proxy::all(proxy).map_err(|e| chain(&e))?),
            None => builder.no_proxy(),
        };
        let mut trusted = Vec::new();
        for (pem, file) in authorities.iter().zip(&server.authorities) {
            let found = Certificate::from_pem_bundle(pem).map_err(|e| chain(&e))?;
            if found.is_empty() {
                return Err(format!("server_authorities {file}: no certificate in PEM"));
            }
            trusted.extend(found);
        }
        if let Some((certificates, key)) = own {
            let identity = identity(certificates, key);
            builder = builder.identity(identity.map_err(|e| format!("client_certificate: {e}"))?);
        }
        let calls = builder.tls_certs_merge(trusted).build().map_err(|e| chain(&e))?;
        Ok(Self { calls, runtime, login })
    }

    /// Posts header and body, as they were made, and waits for the answer.
    ///
    /// # Errors
    /// [`Error::Server`] where the server cannot be reached, refuses, or says more than it should.
    pub fn post(&self, url: &str, wire: &[u8], with_login: bool) -> Result<Answer, Error> {
        let posted = self.runtime.block_on(self.post_wire(url, wire, with_login));
        posted.map_err(|words| Error::Server(format!("POST {url}: {words}")))
    }

    async fn post_wire(&self, url: &str, wire: &[u8], with_login: bool) -> Result<Answer, String> {
        let limits = Limits::default().mime;
        let entity = Entity::read(wire, &limits).map_err(|e| e.to_string())?;
        let url = Url::parse(url).map_err(|e| chain(&e))?;
        let login = self.login.as_ref().filter(|_| with_login);
        let mut answer = self.send(&url, &entity, login).await?;
        if let (StatusCode::UNAUTHORIZED, Some(login)) = (answer.status(), login) {
            let challenges = answer.headers().get_all(WWW_AUTHENTICATE).iter();
            if login.take(challenges.filter_map(|value| value.to_str().ok()))? {
                // The same message: its number and its bytes do not change.
                answer = self.send(&url, &entity, Some(login)).await?;
            }
        }
        if !answer.status().is_success() {
            let refusal = http::refusal(answer).await;
            return Err(refusal.map(|refusal| refusal.to_string()).unwrap_or_default());
        }
        read(answer).await
    }

    async fn send(
        &self,
        url: &Url,
        entity: &Entity<'_>,
        login: Option<&Login>,
    ) -> Result<Response, String> {
        let mut request = self.calls.post(url.clone());
        for (name, value) in entity.headers.iter() {
            // It speaks of the body of a mail; HTTP has none.
            if !name.eq_ignore_ascii_case("Content-Transfer-Encoding") {
                request = request.header(name, value);
            }
        }
        let target = url.query().map(|query| format!("{}?{query}", url.path()));
        let target = target.as_deref().unwrap_or(url.path());
        if let Some(shown) = login.map(|login| login.authorization(target)).transpose()?.flatten() {
            request = request.header("Authorization", shown);
        }
        request.body(entity.body.to_vec()).send().await.map_err(|e| chain(&e))
    }
}

/// Header and body of an answer.
async fn read(mut answer: Response) -> Result<Answer, String> {
    let fields = answer.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let headers = Headers::of(fields, &mime::Limits::default()).map_err(|e| e.to_string())?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| chain(&e))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(format!("its answer has more than {ANSWER_BYTES_MAX} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { headers, body })
}

/// Our TLS client certificate: whatever else stands in the files is left out.
fn identity(certificates: &[u8], key: &[u8]) -> Result<reqwest::Identity, String> {
    let all = X509::stack_from_pem(certificates).map_err(|_| "no certificate in PEM".to_owned())?;
    let first = all.first().ok_or("no certificate in PEM")?;
    // Never asks at the terminal, as the library would.
    let key = PKey::private_key_from_pem_passphrase(key, &[])
        .map_err(|_| "client_key has no key in PEM, or it is locked".to_owned())?;
    let own = cms::Certificate::new(first.clone()).and_then(|own| cms::Identity::new(own, key));
    let mut pem = own.and_then(|own| own.to_pem()).map_err(|e| e.to_string())?;
    for other in all.iter().skip(1) {
        pem.extend(other.to_pem().map_err(|e| chain(&e))?);
    }
    reqwest::Identity::from_pem(&pem).map_err(|e| chain(&e))
}
