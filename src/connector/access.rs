//! How an API is reached: its address, signing in, how often it may be called. What has to be read from
//! `connector.toml`, and what that means with the settings of an endpoint.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::settings::{Declared, Settings};
use crate::grammar::suggest;

/// A text with settings in it: `{url}/rest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(String);

impl Template {
    /// Reads one.
    ///
    /// # Errors
    /// In words: a name that no setting has, a secret, a brace that is not closed.
    pub(super) fn read(text: &str, declared: &BTreeMap<String, Declared>) -> Result<Self, String> {
        for (name, closed) in names(text) {
            if !closed {
                return Err(format!("`{{{name}` is not closed"));
            }
            match declared.get(name) {
                Some(setting) if setting.secret => {
                    return Err(format!("`{{{name}}}` is a secret, which is never in a text"));
                }
                Some(_) => {}
                None => {
                    let known: Vec<&str> = declared.keys().map(String::as_str).collect();
                    let otherwise = format!("settings are `{}`", known.join("`, `"));
                    let mend = suggest::mend(name, known.iter().copied(), &otherwise);
                    return Err(format!("`{{{name}}}` is no setting; {mend}"));
                }
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether the text begins so, whatever the settings.
    pub(super) fn begins_with(&self, beginning: &str) -> bool {
        self.0.starts_with(beginning)
    }

    /// The text with the settings of an endpoint.
    #[must_use]
    pub fn fill(&self, settings: &Settings) -> String {
        let mut text = String::new();
        let mut rest = self.0.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            match settings.plain.get(name) {
                Some(Value::String(value)) => text.push_str(value),
                Some(other) => text.push_str(&other.to_string()),
                None => {}
            }
            rest = after;
        }
        text + rest
    }
}

/// The names in braces, and whether each is closed.
fn names(text: &str) -> Vec<(&str, bool)> {
    let parts = text.split('{').skip(1);
    parts.map(|part| part.split_once('}').map_or((part, false), |(name, _)| (name, true))).collect()
}

/// How calls sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthKind {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: Basic …`
    Basic,
    /// A key in a header or in the query.
    ApiKey,
    /// `Authorization: Bearer …`
    Bearer,
    /// A token that is fetched with an id and a secret, and fetched anew before it expires, or once it is refused.
    Oauth2ClientCredentials,
    /// Each call is signed with an HMAC-SHA256.
    Hmac,
}

/// How the bytes of a signature are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// Two digits a byte.
    #[default]
    Hex,
    /// Base64.
    Base64,
}

/// `[auth]`, as it stands there; which keys belong to which kind is checked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AuthTable {
    pub(super) kind: AuthKind,
    pub(super) user: Option<String>,
    pub(super) secret: Option<String>,
    pub(super) header: Option<String>,
    pub(super) query: Option<String>,
    pub(super) scheme: Option<String>,
    pub(super) token_url: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) content: Option<String>,
    pub(super) timestamp_header: Option<String>,
    pub(super) prefix: Option<String>,
    pub(super) encoding: Option<Encoding>,
}

/// How calls sign in, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    None,
    /// User and password.
    Basic {
        /// The user.
        user: Template,
        /// The setting that has the password.
        secret: String,
    },
    /// A key.
    ApiKey {
        /// The header that it stands in.
        header: Option<String>,
        /// Or the member of the query.
        query: Option<String>,
        /// The setting that has it.
        secret: String,
    },
    /// A token.
    Bearer {
        /// The word before it: `Bearer`.
        scheme: String,
        /// The setting that has it.
        secret: String,
    },
    /// OAuth 2, client credentials (RFC 6749, 4.4).
    OAuth2 {
        /// Where tokens are given.
        token_url: Template,
        /// Our id there.
        client_id: Template,
        /// The setting that has the secret.
        secret: String,
        /// What the token is for.
        scope: Option<Template>,
    },
    /// A signature.
    Hmac {
        /// The setting that has the key.
        secret: String,
        /// The header that the signature stands in.
        header: String,
        /// Before the signature, in the header: `sha256=`.
        prefix: String,
        /// What is signed: `{timestamp}`, `{method}`, `{path}`, `{body}` in a text.
        content: String,
        /// The header that says the time, in seconds since 1970.
        timestamp_header: Option<String>,
        /// How the signature is written.
        encoding: Encoding,
    },
}

impl Auth {
    /// What calls carry of it, with secrets hidden.
    #[must_use]
    pub fn shown(&self) -> Vec<(String, String)> {
        let hidden =
            |name: &str, before: &str| vec![(name.to_owned(), format!("{before}(hidden)"))];
        match self {
            Self::None => Vec::new(),
            Self::Basic { .. } => hidden("authorization", "Basic "),
            Self::ApiKey { header: Some(header), .. } => hidden(header, ""),
            Self::ApiKey { query, .. } => {
                hidden(&format!("?{}", query.as_deref().unwrap_or("")), "")
            }
            Self::Bearer { scheme, .. } => hidden("authorization", &format!("{scheme} ")),
            Self::OAuth2 { .. } => hidden("authorization", "Bearer "),
            Self::Hmac { header, prefix, .. } => hidden(header, prefix),
        }
    }
}

/// What may stand in the content of a signature.
const SIGNED: [&str; 4] = ["timestamp", "method", "path", "body"];

impl AuthTable {
    /// What it means; every problem with the key that it is about.
    pub(super) fn check(
        self,
        declared: &BTreeMap<String, Declared>,
    ) -> Result<Auth, Vec<(&'static str, String)>> {
        let mut checking = Checking { declared, problems: Vec::new(), kind: self.kind };
        let auth = checking.auth(self);
        if checking.problems.is_empty() { Ok(auth) } else { Err(checking.problems) }
    }
}

struct Checking<'a> {
    declared: &'a BTreeMap<String, Declared>,
    problems: Vec<(&'static str, String)>,
    kind: AuthKind,
}

impl Checking<'_> {
    fn auth(&mut self, table: AuthTable) -> Auth {
        use AuthKind::{ApiKey, Basic, Bearer, Hmac, Oauth2ClientCredentials};
        let AuthTable { kind, user, secret, header, query, scheme, .. } = table;
        let AuthTable { token_url, client_id, scope, .. } = table;
        let AuthTable { content, timestamp_header, prefix, encoding, .. } = table;
        self.belongs("user", user.is_some(), &[Basic]);
        self.belongs("header", header.is_some(), &[ApiKey, Hmac]);
        self.belongs("query", query.is_some(), &[ApiKey]);
        self.belongs("scheme", scheme.is_some(), &[Bearer]);
        self.belongs("token_url", token_url.is_some(), &[Oauth2ClientCredentials]);
        self.belongs("client_id", client_id.is_some(), &[Oauth2ClientCredentials]);
        self.belongs("scope", scope.is_some(), &[Oauth2ClientCredentials]);
        self.belongs("content", content.is_some(), &[Hmac]);
        self.belongs("timestamp_header", timestamp_header.is_some(), &[Hmac]);
        self.belongs("prefix", prefix.is_some(), &[Hmac]);
        self.belongs("encoding", encoding.is_some(), &[Hmac]);
        let all = [Basic, ApiKey, Bearer, Oauth2ClientCredentials, Hmac];
        self.belongs("secret", secret.is_some(), &all);
        let secret = if kind == AuthKind::None { String::new() } else { self.secret(secret) };
        match kind {
            AuthKind::None => Auth::None,
            Basic => Auth::Basic { user: self.template("user", user), secret },
            ApiKey => {
                if header.is_some() == query.is_some() {
                    let words = "needs either `header` or `query`: where the key stands";
                    self.problems.push(("kind", words.to_owned()));
                }
                Auth::ApiKey { header, query, secret }
            }
            Bearer => {
                Auth::Bearer { scheme: scheme.unwrap_or_else(|| "Bearer".to_owned()), secret }
            }
            Oauth2ClientCredentials => Auth::OAuth2 {
                token_url: self.template("token_url", token_url),
                client_id: self.template("client_id", client_id),
                scope: scope.map(|scope| self.template("scope", Some(scope))),
                secret,
            },
            Hmac => {
                let header = header.unwrap_or_else(|| self.missing("header"));
                let content = content.unwrap_or_else(|| "{timestamp}.{body}".to_owned());
                for (name, _) in names(&content).into_iter().filter(|(n, _)| !SIGNED.contains(n)) {
                    let otherwise = format!("it may have `{}`", SIGNED.join("`, `"));
                    let mend = suggest::mend(name, SIGNED, &otherwise);
                    let words = format!("`{{{name}}}` cannot be signed; {mend}");
                    self.problems.push(("content", words));
                }
                let (prefix, encoding) = (prefix.unwrap_or_default(), encoding.unwrap_or_default());
                Auth::Hmac { secret, header, prefix, content, timestamp_header, encoding }
            }
        }
    }

    fn belongs(&mut self, key: &'static str, is_there: bool, kinds: &[AuthKind]) {
        if is_there && !kinds.contains(&self.kind) {
            self.problems.push((key, format!("`{key}` has no meaning with this `kind`")));
        }
    }

    fn missing(&mut self, key: &'static str) -> String {
        self.problems.push(("kind", format!("`{key}` is missing, which this `kind` needs")));
        String::new()
    }

    fn template(&mut self, key: &'static str, text: Option<String>) -> Template {
        let text = text.unwrap_or_else(|| self.missing(key));
        Template::read(&text, self.declared).unwrap_or_else(|words| {
            self.problems.push((key, words));
            Template(String::new())
        })
    }

    /// The name of a secret setting.
    fn secret(&mut self, name: Option<String>) -> String {
        let name = name.unwrap_or_else(|| self.missing("secret"));
        let secrets = self.declared.iter().filter(|(_, setting)| setting.secret);
        let secrets: Vec<&str> = secrets.map(|(name, _)| name.as_str()).collect();
        if !name.is_empty() && !secrets.contains(&name.as_str()) {
            let otherwise = format!("declare it: `[settings.{name}]` with `secret = true`");
            let mend = suggest::mend(&name, secrets.iter().copied(), &otherwise);
            self.problems.push(("secret", format!("`{name}` is no secret setting; {mend}")));
        }
        name
    }
}

/// `[tls]`: settings that name files; each a secret setting, so that it is `file:PATH`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// The setting that has certificates (PEM) that are trusted besides those of the system.
    pub authorities: Option<String>,
    /// The setting that has our certificate and its key (PEM), where the server asks for one.
    pub identity: Option<String>,
}

/// `[rate]`: how often an endpoint is called at most, over all partners.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Calls a second in the long run.
    pub per_second: f64,
    /// How many may come at once after a pause.
    #[serde(default = "one")]
    pub burst: u32,
}

fn one() -> u32 {
    1
}

/// `[breaker]`: after so many failures in a row nothing is called for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// Failures in a row: no connection, a time-out, a 5xx.
    pub failures: u32,
    /// How long nothing is called then; one call tries it afterwards.
    pub pause_seconds: u32,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 5, pause_seconds: 30 }
    }
}
