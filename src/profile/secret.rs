//! Secrets by reference: the configuration says where one is, never what it is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a secret is: `env:NAME` or `file:path`. Whoever needs it reads it at each use, so that it can be changed
/// while the gateway runs; it is never shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// An environment variable.
    Environment(String),
    /// A file; blanks at its end do not count.
    File(PathBuf),
}

impl FromStr for Secret {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Environment(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err("a secret is given as env:NAME or file:path, never itself".to_owned()),
        }
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}
