//! Calls over HTTP(S), as all who make some make them: with a timeout, without redirects, and with no more read of a
//! refusal than a person reads.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, ClientBuilder, Response, StatusCode};

use crate::causes::chain;

/// How much of an answer is kept when it is a refusal.
const ANSWER_CHARS_MAX: usize = 300;
/// The longest that somebody may ask us to wait.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// A client. `timeout` is from the first byte of the call to the last of the answer.
///
/// # Errors
/// In words: the machine has no usable TLS roots.
pub fn client(timeout: Duration) -> Result<Client, String> {
    builder(timeout).build().map_err(|e| chain(&e))
}

/// A client in the making, for those who need more.
pub fn builder(timeout: Duration) -> ClientBuilder {
    // An error means that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("crossdock/", env!("CARGO_PKG_VERSION")))
}

/// An answer other than 2xx.
#[derive(Debug)]
pub struct Refusal {
    /// Its status.
    pub status: StatusCode,
    /// How long we are asked to wait; an hour at most.
    pub retry_after: Option<Duration>,
    /// What it says; its beginning.
    pub text: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.status)?;
        if self.text.is_empty() { Ok(()) } else { write!(f, " {}", self.text) }
    }
}

/// How long an answer asks us to wait, in seconds or until a date; an hour at most.
#[must_use]
pub fn retry_after(answer: &Response) -> Option<Duration> {
    let text = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = text.parse().map(Duration::from_secs).ok().or_else(|| {
        let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        let wait = jiff::Timestamp::now().duration_until(until);
        Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
    });
    wait.map(|wait| wait.min(RETRY_AFTER_MAX))
}

/// What an answer refuses; nothing where it is 2xx.
pub async fn refusal(mut answer: Response) -> Option<Refusal> {
    let status = answer.status();
    if status.is_success() {
        return None;
    }
    let retry_after = retry_after(&answer);
    // One chunk says enough; an endless answer is not read.
    let text = answer.chunk().await.ok().flatten().unwrap_or_default();
    let text: String = String::from_utf8_lossy(&text).chars().take(ANSWER_CHARS_MAX).collect();
    Some(Refusal { status, retry_after, text: text.trim().to_owned() })
}
