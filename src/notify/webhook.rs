//! A webhook: each message or event is one POST of JSON, signed as <https://www.standardwebhooks.com> says, so that receivers
//! need no code of ours to check it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use reqwest::Client;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use sha2::Sha256;
use tokio::runtime::Handle;

use super::{Address, Destination, Error, Message, Receiver, WebhookSettings};
use crate::causes::chain;
use crate::http;
use crate::secrets::{mac_key, read_secret};

/// `POST` with `webhook-id`, `webhook-timestamp` and `webhook-signature`. 2xx: taken; everything else is tried again.
/// Redirects are not followed.
pub struct WebhookDestination {
    client: Client,
    runtime: Handle,
    settings: WebhookSettings,
}

impl WebhookDestination {
    /// Makes the client.
    ///
    /// # Errors
    /// Where the machine has no usable TLS roots.
    pub fn new(settings: WebhookSettings, runtime: Handle) -> Result<Self, Error> {
        let client = http::client(settings.timeout).map_err(Error::new)?;
        Ok(Self { client, runtime, settings })
    }

    async fn call(&self, id: &str, body: Vec<u8>) -> Result<(), Error> {
        let url = match &self.settings.url {
            Address::Plain(url) => url.clone(),
            Address::Secret(place) => read_secret(place).map_err(Error::new)?,
        };
        let at = Timestamp::now().as_second();
        let mut request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at.to_string());
        if let Some(secret) = &self.settings.secret {
            let secret = read_secret(secret).map_err(Error::new)?;
            let signature = sign(&secret, id, at, &body).map_err(Error::new)?;
            request = request.header("webhook-signature", signature);
        }
        if let Some(bearer) = &self.settings.bearer {
            let token = read_secret(bearer).map_err(Error::new)?;
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let sent = request.body(body).send().await;
        // The address may be a secret.
        let answer = sent.map_err(|e| Error::new(chain(&e.without_url())))?;
        let Some(refusal) = http::refusal(answer).await else { return Ok(()) };
        let reason = format!("the webhook answered {refusal}");
        Err(Error { reason, retry_after: refusal.retry_after })
    }
}

impl Destination for WebhookDestination {
    fn send(&self, message: &Message) -> Result<(), Error> {
        let body = serde_json::to_vec(message).map_err(|e| Error::new(e.to_string()))?;
        self.post(&message.id, body)
    }
}

impl Receiver for WebhookDestination {
    fn post(&self, id: &str, body: Vec<u8>) -> Result<(), Error> {
        self.runtime.block_on(self.call(id, body))
    }
}

/// `v1,` and the base64 of the HMAC-SHA256 of id, time and body. The key is the secret's bytes, or what the rest of
/// it says in base64 where it begins with `whsec_`.
fn sign(secret: &str, id: &str, at: i64, body: &[u8]) -> Result<String, String> {
    let key = mac_key(secret)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|e| e.to_string())?;
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(body);
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification of Standard Webhooks.
    #[test]
    fn a_message_is_signed_as_the_standard_says() {
        let signature = sign(
            "whsec_plJ3nmyCDGBKInavdOK15jsl",
            "msg_loFOjxBNrRLzqYUf",
            1_731_705_121,
            br#"{"event_type":"ping","data":{"success":true}}"#,
        );
        assert_eq!(signature.unwrap(), "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=");
        assert!(sign("", "id", 0, b"").is_err() && sign("whsec_?", "id", 0, b"").is_err());
    }
}
