//! Tokens of the API: random, kept as hashes only, each with what it may do and for which partners.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::gateway::PayloadId;

/// What every token begins with, so that one which has got somewhere is found by those who look for them.
const PREFIX: &str = "crossdock_";

/// Something that a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Scope {
    /// Documents, their acknowledgements and traces are read.
    DocumentsRead,
    /// Documents are handed in.
    DocumentsWrite,
    /// Exceptions are read.
    ExceptionsRead,
    /// Something is done about exceptions.
    ExceptionsWrite,
    /// Events of webhooks are sent once more.
    WebhooksWrite,
}

impl Scope {
    /// Each with its name.
    pub const NAMES: [(Self, &'static str); 5] = [
        (Self::DocumentsRead, "documents:read"),
        (Self::DocumentsWrite, "documents:write"),
        (Self::ExceptionsRead, "exceptions:read"),
        (Self::ExceptionsWrite, "exceptions:write"),
        (Self::WebhooksWrite, "webhooks:write"),
    ];
}

impl From<Scope> for &'static str {
    fn from(scope: Scope) -> Self {
        Scope::NAMES.iter().find(|(one, _)| *one == scope).map_or("", |(_, name)| name)
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::NAMES.iter().find(|(_, name)| *name == text);
        found.map(|(scope, _)| *scope).ok_or_else(|| {
            let names = Self::NAMES.map(|(_, name)| name).join(", ");
            format!("there is no scope {text}; there are {names}")
        })
    }
}

impl TryFrom<String> for Scope {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str((*self).into())
    }
}

/// A token as its file has it: a table by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// SHA-256 of its text, in hexadecimal digits. It has 256 random bits: no slower hash is needed.
    pub sha256: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The partners whose documents and exceptions it sees; nothing: those of all, and what is nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partners: Option<Vec<String>>,
    /// From this moment on it is not taken any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl Token {
    /// A new one, and its text, which stands nowhere else.
    ///
    /// # Errors
    /// Where the system has no random numbers.
    pub fn random(
        scopes: Vec<Scope>,
        partners: Option<Vec<String>>,
        expires: Option<Timestamp>,
    ) -> Result<(Self, String), TokenError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|e| TokenError(format!("no random numbers: {e}")))?;
        let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
        Ok((Self { sha256: hash(&text), scopes, partners, expires }, text))
    }

    /// Whether it sees what is a partner's; an empty name is nobody's.
    #[must_use]
    pub fn sees(&self, partner: &str) -> bool {
        self.partners.as_ref().is_none_or(|partners| partners.iter().any(|one| one == partner))
    }
}

fn hash(text: &str) -> String {
    PayloadId::of(text.as_bytes()).to_string()
}

/// Why tokens cannot be had, in words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TokenError(String);

/// All tokens, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tokens(pub BTreeMap<String, Token>);

impl Tokens {
    /// Reads a file of them; one that is not there has none.
    ///
    /// # Errors
    /// In words: it cannot be read, or is none.
    pub fn read(file: &Path) -> Result<Self, TokenError> {
        match std::fs::read_to_string(file) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(TokenError(format!("{}: {e}", file.display()))),
            Ok(text) => toml::from_str(&text)
                .map_err(|e| TokenError(format!("{}: {}", file.display(), e.to_string().trim()))),
        }
    }

    /// Writes them, in one step: whoever reads sees the old or the new.
    ///
    /// # Errors
    /// In words: they cannot be written.
    pub fn write(&self, file: &Path) -> Result<(), TokenError> {
        let wrong = |words: String| TokenError(format!("{}: {words}", file.display()));
        let text = toml::to_string(self).map_err(|e| wrong(e.to_string()))?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let head = "# Tokens of the API, by name, as hashes: `crossdock api token`. A table that is removed is a token that is\n# not taken any more, at once.\n\n";
        crate::disk::write_to(
            folder.unwrap_or(Path::new(".")),
            &name,
            format!("{head}{text}").as_bytes(),
        )
        .map_err(|e| wrong(e.to_string()))
    }

    /// The token of a text, and its name; nothing where there is none, or it has expired.
    #[must_use]
    pub fn find(&self, text: &str, now: Timestamp) -> Option<(&str, &Token)> {
        let hash = hash(text);
        let (name, token) = self.0.iter().find(|(_, token)| token.sha256 == hash)?;
        let is_taken = token.expires.is_none_or(|expires| now < expires);
        is_taken.then_some((name.as_str(), token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_text_until_it_expires() {
        let now = Timestamp::now();
        let soon = now + std::time::Duration::from_mins(1);
        let partners = Some(vec!["harbor".to_owned()]);
        let scopes = vec![Scope::DocumentsRead, Scope::ExceptionsWrite];
        let (token, text) = Token::random(scopes, partners, Some(soon)).unwrap();
        assert!(token.sees("harbor") && !token.sees("quayside") && !token.sees(""));
        let tokens = Tokens([("erp".to_owned(), token)].into());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens.toml");
        assert_eq!(Tokens::read(&file).unwrap(), Tokens::default());
        tokens.write(&file).unwrap();
        let read = Tokens::read(&file).unwrap();
        assert_eq!(read, tokens);
        assert!(!std::fs::read_to_string(&file).unwrap().contains(&text));
        assert_eq!(read.find(&text, now).unwrap().0, "erp");
        assert!(read.find(&text, soon).is_none());
        assert!(read.find("crossdock_other", now).is_none());
    }
}
