//! `[as2]` of `crossdock.toml`: where messages over AS2 come in.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::config::Limits;
use super::server_config::read_tls;
use crate::profile::{Sections, host_of};

/// `[as2]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct As2Config {
    /// Address and port at which messages come in; none come where it is not given.
    pub listen: Option<SocketAddr>,
    /// The path of the address.
    pub path: String,
    /// The certificate of the server, with those it rests on, in PEM; without it the listener speaks HTTP.
    pub certificate: Option<PathBuf>,
    /// Its key: `env:NAME` or `file:PATH`.
    pub key: Option<String>,
    /// The address by which partners reach us: later receipts are sent there.
    pub url: Option<String>,
    /// Largest message that is taken, in MiB; also once it is decompressed. Unless given, `limits.file_mebibytes`.
    pub message_mebibytes: Option<u32>,
    /// How many seconds a request may take until it is whole.
    pub request_seconds: u32,
    /// Connections that are open at a time.
    pub connections: u32,
}

impl Default for As2Config {
    fn default() -> Self {
        Self {
            listen: None,
            path: "/as2".to_owned(),
            certificate: None,
            key: None,
            url: None,
            message_mebibytes: None,
            request_seconds: 300,
            connections: 256,
        }
    }
}

impl As2Config {
    pub(super) fn read(sections: &mut Sections<'_>, base: &Path) -> Self {
        let mut read: Self = sections.optional("as2");
        read_tls(sections, "as2", base, (&mut read.certificate, &mut read.key));
        let mut wrong = |key: &str, words: &str| {
            let place = sections.place(&["as2", key]);
            sections.problem(place, format!("as2: `{key}` {words}"));
        };
        if read.listen.is_some() && cfg!(not(feature = "as2")) {
            wrong("listen", "cannot be used: this program was built without the feature `as2`");
        }
        if !read.path.starts_with('/') || read.path.contains([' ', '?', '#', '{', '}']) {
            wrong("path", "is a path such as \"/as2\"");
        }
        if read.url.as_deref().is_some_and(|url| host_of(url).is_none()) {
            wrong("url", "is an address such as \"https://as2.example.com/as2\"");
        }
        let numbers = [
            ("message_mebibytes", read.message_mebibytes.unwrap_or(1)),
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
    #[cfg(feature = "as2")]
    pub fn server_key(&self) -> Result<Option<String>, String> {
        super::server_config::server_key("as2", self.key.as_deref())
    }

    /// Largest message that is taken, in bytes.
    pub(super) fn message_bytes(&self, limits: &Limits) -> usize {
        let mebibytes = self.message_mebibytes.unwrap_or(limits.file_mebibytes);
        usize::try_from(u64::from(mebibytes) << 20).unwrap_or(usize::MAX)
    }
}
