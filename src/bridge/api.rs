//! Calls to a connector's API: signed in, at the pace that it bears, with answers read up to a bound.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Certificate, Client, Identity, Method, Response, Url};
use serde_json::{Map, Value};
use tokio::runtime::Handle;

use super::Error;
use super::pace::{Pace, Turn};
use super::sign::{Signed, basic, in_headers, in_query, secret};
use crate::causes::chain;
use crate::connector::{Answer, Auth, Connector, Request, Settings};
use crate::http;
use crate::secrets::read_secret_bytes;

/// Largest answer that is read.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// A token is fetched anew so long before it expires.
const TOKEN_LEEWAY: Duration = Duration::from_secs(30);
/// How long a token holds that does not say it.
const TOKEN_SECONDS: u64 = 300;
/// The longest that a token is believed to hold: a day.
const TOKEN_SECONDS_MAX: u64 = 24 * 60 * 60;

/// The API of one endpoint.
pub(super) struct Api {
    client: Client,
    runtime: Handle,
    base_url: String,
    auth: Auth,
    settings: Settings,
    /// After so long a call counts as failed: at the longest a server is at it.
    longest: Duration,
    pace: Mutex<Pace>,
    token: tokio::sync::Mutex<Option<Token>>,
}

struct Token {
    value: String,
    until: Instant,
}

/// What stands before a server says so where it has given up, and the server has not. (52x: a content network.)
const GIVEN_UP: [u16; 5] = [502, 504, 520, 522, 524];

/// An answer.
pub(super) struct Told {
    pub(super) answer: Answer,
    /// How long it asks us to wait.
    pub(super) retry_after: Option<Duration>,
    /// How long the server may still be at the call all the same.
    pub(super) unsettled: Option<Duration>,
    /// Whether there is more, or soon will be, that this answer does not tell.
    pub(super) more: bool,
}

impl Api {
    /// Makes the client; nothing is called.
    ///
    /// # Errors
    /// In words: an address that is none, certificates that cannot be read.
    pub(super) fn new(
        connector: &Connector,
        settings: Settings,
        runtime: Handle,
    ) -> Result<Self, String> {
        let base_url = connector.base_url.fill(&settings).trim_end_matches('/').to_owned();
        let parsed = Url::parse(&base_url).map_err(|e| format!("{base_url}: {e}"))?;
        if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
            return Err(format!("{base_url} is no address that begins with http:// or https://"));
        }
        let timeout = Duration::from_secs(u64::from(connector.timeout_seconds));
        let mut builder = http::builder(timeout);
        let read = |name: &String| settings.secret(name).map(read_secret_bytes).transpose();
        if let Some(pem) = connector.tls.authorities.as_ref().map(read).transpose()?.flatten() {
            let trusted = Certificate::from_pem_bundle(&pem).map_err(|e| chain(&e))?;
            if trusted.is_empty() {
                return Err("tls: the file of the authorities has no certificate (PEM)".to_owned());
            }
            for one in trusted {
                builder = builder.add_root_certificate(one);
            }
        }
        if let Some(pem) = connector.tls.identity.as_ref().map(read).transpose()?.flatten() {
            builder = builder.identity(Identity::from_pem(&pem).map_err(|e| chain(&e))?);
        }
        let client = builder.build().map_err(|e| chain(&e))?;
        let pace = Pace::new(connector.rate, connector.breaker, Instant::now());
        let (auth, token) = (connector.auth.clone(), tokio::sync::Mutex::default());
        let (pace, longest) = (Mutex::new(pace), timeout);
        Ok(Self { client, runtime, base_url, auth, settings, longest, pace, token })
    }

    /// Makes a call, and waits for its answer. `key` is a header with the key of the call.
    pub(super) fn call(&self, request: &Request, key: Option<(&str, &str)>) -> Result<Told, Error> {
        self.runtime.block_on(self.call_in_turn(request, key))
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call_in_turn(
        &self,
        request: &Request,
        key: Option<(&str, &str)>,
    ) -> Result<Told, Error> {
        let turn = self.pace().turn(Instant::now());
        match turn {
            Turn::Now => {}
            Turn::After(wait) => tokio::time::sleep(wait).await,
            Turn::NotNow(wait, reason) => {
                let reason = format!("{}: {reason}", self.base_url);
                return Err(Error::Transient { reason, retry_after: Some(wait) });
            }
        }
        let result = self.signed_in(request, key).await;
        let mut pace = self.pace();
        match &result {
            Ok(told) if told.answer.status >= 500 && told.retry_after.is_none() => {
                pace.failed(Instant::now(), &told.answer.words());
            }
            Ok(told) => {
                pace.answered();
                if let (429 | 503, Some(pause)) = (told.answer.status, told.retry_after) {
                    pace.pause(Instant::now(), pause);
                }
            }
            Err(error) => pace.failed(Instant::now(), &error.to_string()),
        }
        drop(pace);
        result
    }

    /// With a token that is refused once, it is tried with a new one.
    async fn signed_in(&self, request: &Request, key: Option<(&str, &str)>) -> Result<Told, Error> {
        let told = self.make(request, key).await?;
        if told.answer.status != 401 || !matches!(self.auth, Auth::OAuth2 { .. }) {
            return Ok(told);
        }
        *self.token.lock().await = None;
        self.make(request, key).await
    }

    async fn make(&self, request: &Request, key: Option<(&str, &str)>) -> Result<Told, Error> {
        let what = format!("{} {}", request.method, request.path);
        let failed = |words: String| Error::Transient {
            reason: format!("{what}: {words}"),
            retry_after: None,
        };
        let url = self.url(request).map_err(failed)?;
        let body = request.body.as_deref().unwrap_or_default();
        let over = Signed {
            method: request.method,
            path: &match url.query() {
                Some(query) => format!("{}?{query}", url.path()),
                None => url.path().to_owned(),
            },
            body,
            timestamp: Timestamp::now().as_second(),
        };
        let headers = in_headers(&self.auth, &self.settings, &over).map_err(failed)?;
        let method = Method::from_bytes(request.method.as_bytes());
        let method = method.map_err(|e| failed(e.to_string()))?;
        let mut made = self.client.request(method, url);
        for (name, value) in request.headers.iter().chain(&headers) {
            made = made.header(name, value);
        }
        if let Some((name, value)) = key {
            made = made.header(name, value);
        }
        if let Some(token) = self.token().await? {
            made = made.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if request.body.is_some() {
            made = made.header(CONTENT_TYPE, "application/json").body(body.to_owned());
        }
        let begun = Instant::now();
        // The query may hold a key.
        let sent = made.send().await.map_err(|e| (e.is_connect(), chain(&e.without_url())));
        let (unheard, words) = match sent {
            Ok(answer) => match read(answer).await {
                Ok(mut told) => {
                    if GIVEN_UP.contains(&told.answer.status) {
                        told.unsettled = self.until_settled(request, key, begun);
                    }
                    return Ok(told);
                }
                Err(words) => (false, words),
            },
            Err(sent) => sent,
        };
        let reason = format!("{what}: {words}");
        let retry_after = (!unheard).then(|| self.until_settled(request, key, begun)).flatten();
        Err(Error::Transient { reason, retry_after })
    }

    /// How long a server may still be at a call that was begun then and has no answer of its own: what it makes cannot be
    /// found before. Nothing for calls that may be repeated at once.
    fn until_settled(
        &self,
        request: &Request,
        key: Option<(&str, &str)>,
        begun: Instant,
    ) -> Option<Duration> {
        let rest = self.longest.saturating_sub(begun.elapsed());
        (!request.is_read_only() && key.is_none() && !rest.is_zero()).then_some(rest)
    }

    fn url(&self, request: &Request) -> Result<Url, String> {
        let text = format!("{}{}", self.base_url, request.path);
        let mut url = Url::parse(&text).map_err(|e| e.to_string())?;
        let own = in_query(&self.auth, &self.settings)?;
        if !request.query.is_empty() || own.is_some() {
            url.query_pairs_mut().extend_pairs(request.query.iter().cloned().chain(own));
        }
        Ok(url)
    }

    /// The token of OAuth 2, fetched where there is none that still holds; nothing with other kinds.
    async fn token(&self) -> Result<Option<String>, Error> {
        let Auth::OAuth2 { token_url, client_id, secret: setting, scope } = &self.auth else {
            return Ok(None);
        };
        let mut kept = self.token.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| token.until > Instant::now()) {
            return Ok(Some(token.value.clone()));
        }
        let failed = |words: String| Error::Transient {
            reason: format!("fetching a token: {words}"),
            retry_after: None,
        };
        let url = token_url.fill(&self.settings);
        let scope = scope.as_ref().map(|scope| scope.fill(&self.settings));
        let mut form = Url::parse("form:/").map_err(|e| failed(e.to_string()))?;
        form.query_pairs_mut().append_pair("grant_type", "client_credentials");
        if let Some(scope) = scope.filter(|scope| !scope.is_empty()) {
            form.query_pairs_mut().append_pair("scope", &scope);
        }
        let password = secret(&self.settings, setting).map_err(failed)?;
        let asked = Instant::now();
        let sent = self
            .client
            .post(&url)
            .header(AUTHORIZATION, basic(&client_id.fill(&self.settings), &password))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.query().unwrap_or_default().to_owned())
            .send();
        let told = read(sent.await.map_err(|e| failed(chain(&e)))?).await.map_err(failed)?;
        let value = told.answer.body.get("access_token").and_then(Value::as_str);
        let Some(value) = value.filter(|_| told.answer.status == 200) else {
            let Told { answer, retry_after, .. } = told;
            let reason = format!("fetching a token: {url}: {}", answer.words());
            return Err(Error::Transient { reason, retry_after });
        };
        let holds = told.answer.body.get("expires_in").and_then(Value::as_u64);
        let holds = Duration::from_secs(holds.unwrap_or(TOKEN_SECONDS).min(TOKEN_SECONDS_MAX));
        let until = asked + holds.saturating_sub(TOKEN_LEEWAY.min(holds / 2));
        let value = value.to_owned();
        *kept = Some(Token { value: value.clone(), until });
        Ok(Some(value))
    }
}

/// Reads an answer, up to the bound.
async fn read(mut answer: Response) -> Result<Told, String> {
    let status = answer.status().as_u16();
    let retry_after = http::retry_after(&answer);
    let mut headers = Map::new();
    for (name, value) in answer.headers() {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.insert(name.as_str().to_owned(), Value::String(text));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| chain(&e.without_url()))? {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(format!("the answer has more than {ANSWER_BYTES_MAX} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    let body = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()))
    };
    let answer = Answer { status, headers: Value::Object(headers), body };
    Ok(Told { answer, retry_after, unsettled: None, more: false })
}
