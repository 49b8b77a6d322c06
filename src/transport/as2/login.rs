//! Who we are at a partner's server, where it wants to know: HTTP basic (RFC 7617) and digest authentication (RFC 7616).

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_auth::digest::{Algorithm, DigestClient};
use http_auth::{PasswordParams, parse_challenges};

use crate::profile::{As2LoginScheme, Secret};
use crate::secrets::read_secret;

/// Whom we log in as, and what the server has said of how.
pub(super) struct Login {
    scheme: As2LoginScheme,
    user: String,
    password: Secret,
    /// The challenge of the server that was answered last: it is good for more than one message.
    challenge: Mutex<Option<DigestClient>>,
}

impl Login {
    pub(super) fn new(scheme: As2LoginScheme, user: String, password: Secret) -> Self {
        Self { scheme, user, password, challenge: Mutex::default() }
    }

    /// The value of `Authorization`; nothing as long as the server has not said what it has to answer.
    pub(super) fn authorization(&self, target: &str) -> Result<Option<String>, String> {
        if self.scheme == As2LoginScheme::Basic {
            let pair = format!("{}:{}", self.user, read_secret(&self.password)?);
            return Ok(Some(format!("Basic {}", STANDARD.encode(pair))));
        }
        let mut challenge = self.challenge.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(client) = challenge.as_mut() else { return Ok(None) };
        let password = read_secret(&self.password)?;
        let with = PasswordParams {
            username: &self.user,
            password: &password,
            uri: target,
            method: "POST",
            // The message has its own signature.
            body: None,
        };
        client.respond(&with).map(Some).map_err(|words| format!("digest authentication: {words}"))
    }

    /// Takes the challenges (`WWW-Authenticate`) of a server that has answered 401, and tells whether it is worth to
    /// ask again.
    pub(super) fn take<'a>(
        &self,
        challenges: impl Iterator<Item = &'a str>,
    ) -> Result<bool, String> {
        if self.scheme == As2LoginScheme::Basic {
            return Ok(false);
        }
        // What cannot be read may stand beside what can.
        let all = challenges.flat_map(|text| parse_challenges(text).unwrap_or_default());
        let digests = all.filter_map(|one| DigestClient::try_from(&one).ok());
        let best = digests.max_by_key(|one| strength(one.algorithm()));
        let best = best.ok_or("the server offers no digest authentication that is known here")?;
        *self.challenge.lock().unwrap_or_else(PoisonError::into_inner) = Some(best);
        Ok(true)
    }
}

fn strength(algorithm: Algorithm) -> u8 {
    match algorithm {
        Algorithm::Sha256 => 2,
        Algorithm::Sha512Trunc256 => 1,
        _ => 0,
    }
}
