//! What is wrong with a table of `crossdock.toml`, gathered and told with its place; and what several tables have in
//! common.

use std::path::Path;
use std::time::Duration;

use super::config::span;
use crate::notify::{Address, WebhookSettings};
use crate::profile::{Secret, Sections};

/// Seconds until a destination counts as failed, where it is not said.
const TIMEOUT_SECONDS: u32 = 10;
/// The longest name of a rule, destination or webhook: it is part of keys.
const NAME_CHARS_MAX: usize = 60;

/// What is wrong with a table, gathered.
pub(super) struct Wrong {
    pub(super) path: Vec<String>,
    /// How it is called.
    pub(super) label: String,
    pub(super) found: Vec<(String, String)>,
}

impl Wrong {
    /// Of the table `[section.NAME]`.
    pub(super) fn of(section: &str, name: &str) -> Self {
        let path = vec![section.to_owned(), name.to_owned()];
        let mut wrong = Self { label: format!("{section}.{name}"), path, found: Vec::new() };
        wrong.name("", name);
        wrong
    }

    pub(super) fn at(&mut self, key: &str, words: impl Into<String>) {
        self.found.push((key.to_owned(), words.into()));
    }

    pub(super) fn name(&mut self, key: &str, name: &str) {
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || !name.chars().all(is_plain) {
            self.at(key, format!(
                "a name is 1 to {NAME_CHARS_MAX} letters, digits, `-` and `_`, and {name:?} is not"
            ));
        }
    }

    pub(super) fn span(
        &mut self,
        key: &str,
        text: Option<&String>,
        least: Duration,
    ) -> Option<Duration> {
        let text = text?;
        let read = span(text).filter(|span| *span >= least);
        if read.is_none() {
            self.at(key, "is a span of time such as \"30m\", \"4h\" or \"2d\"");
        }
        read
    }

    pub(super) fn secret(
        &mut self,
        key: &str,
        text: Option<&String>,
        base: &Path,
    ) -> Option<Secret> {
        match text?.parse() {
            Ok(Secret::File(path)) => Some(Secret::File(base.join(path))),
            Ok(secret) => Some(secret),
            Err(words) => {
                self.at(key, format!("is none: {words}"));
                None
            }
        }
    }

    /// `timeout_seconds`, or what is usual.
    pub(super) fn timeout(&mut self, seconds: Option<u32>) -> Duration {
        let seconds = seconds.unwrap_or(TIMEOUT_SECONDS);
        if seconds == 0 {
            self.at("timeout_seconds", "is at least 1");
        }
        Duration::from_secs(u64::from(seconds))
    }

    /// What a webhook needs: `url`, `secret`, `bearer`.
    pub(super) fn webhook(
        &mut self,
        (url, secret, bearer): (&str, Option<&String>, Option<&String>),
        timeout: Duration,
        base: &Path,
    ) -> Option<WebhookSettings> {
        if cfg!(not(feature = "http")) {
            self.at("url", "cannot be used: this program was built without the feature `http`");
        }
        let address = if url.starts_with("http://") || url.starts_with("https://") {
            Some(Address::Plain(url.to_owned()))
        } else if url.starts_with("env:") || url.starts_with("file:") {
            self.secret("url", Some(&url.to_owned()), base).map(Address::Secret)
        } else {
            self.at("url", "begins with http:// or https://, or says where the address stands: env:NAME or file:PATH");
            None
        };
        let secret = self.secret("secret", secret, base);
        let bearer = self.secret("bearer", bearer, base);
        Some(WebhookSettings { url: address?, secret, bearer, timeout })
    }

    pub(super) fn tell(self, sections: &mut Sections<'_>) {
        for (key, words) in self.found {
            let path: Vec<&str> =
                self.path.iter().map(String::as_str).chain([key.as_str()]).collect();
            let place = sections.place(&path);
            let key = if key.is_empty() { String::new() } else { format!("`{key}` ") };
            sections.problem(place, format!("{}: {key}{words}", self.label));
        }
    }
}
