//! `[api]` of `crossdock.toml`: where the API is served, and to whom.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::server_config::read_tls;
use crate::profile::Sections;

/// `[api]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Address and port at which it is served; nowhere where it is not given.
    pub listen: Option<SocketAddr>,
    /// The certificate of the server, with those it rests on, in PEM; without it the API speaks HTTP.
    pub certificate: Option<PathBuf>,
    /// Its key: `env:NAME` or `file:PATH`.
    pub key: Option<String>,
    /// The file of tokens, which `crossdock api token` writes.
    pub tokens: PathBuf,
    /// Largest document that is taken, in MiB.
    pub document_mebibytes: u32,
    /// Requests of one token in a minute; of a tenth of them it may make use at once.
    pub requests_per_minute: u32,
    /// How many seconds a request may take until it is whole.
    pub request_seconds: u32,
    /// Connections that are open at a time.
    pub connections: u32,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            listen: None,
            certificate: None,
            key: None,
            tokens: PathBuf::from("api-tokens.toml"),
            document_mebibytes: 8,
            requests_per_minute: 600,
            request_seconds: 60,
            connections: 256,
        }
    }
}

impl ApiConfig {
    pub(super) fn read(sections: &mut Sections<'_>, base: &Path) -> Self {
        let mut read: Self = sections.optional("api");
        read_tls(sections, "api", base, (&mut read.certificate, &mut read.key));
        read.tokens = base.join(&read.tokens);
        let mut wrong = |key: &str, words: &str| {
            let place = sections.place(&["api", key]);
            sections.problem(place, format!("api: `{key}` {words}"));
        };
        if read.listen.is_some() && cfg!(not(feature = "api")) {
            wrong("listen", "cannot be used: this program was built without the feature `api`");
        }
        let numbers = [
            ("document_mebibytes", read.document_mebibytes),
            ("requests_per_minute", read.requests_per_minute),
            ("request_seconds", read.request_seconds),
            ("connections", read.connections),
        ];
        for (key, _) in numbers.into_iter().filter(|(_, value)| *value == 0) {
            wrong(key, "is at least 1");
        }
        read
    }

    /// The key of the server, in PEM; nothing where there is none.
    ///
    /// # Errors
    /// In words: it cannot be read.
    #[cfg(feature = "api")]
    pub fn server_key(&self) -> Result<Option<String>, String> {
        super::server_config::server_key("api", self.key.as_deref())
    }

    /// Largest document that is taken, in bytes.
    #[must_use]
    pub fn document_bytes(&self) -> usize {
        usize::try_from(u64::from(self.document_mebibytes) << 20).unwrap_or(usize::MAX)
    }
}
