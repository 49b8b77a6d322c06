//! Certificate and key of a server of ours, as tables of `crossdock.toml` have them.

use std::path::{Path, PathBuf};

use crate::profile::{Secret, Sections};

/// Looks at `certificate` and `key` of a table; what they name is relative to `base`.
pub(super) fn read_tls(
    sections: &mut Sections<'_>,
    table: &'static str,
    base: &Path,
    (certificate, key): (&mut Option<PathBuf>, &mut Option<String>),
) {
    let mut wrong = |name: &str, words: &str| {
        let place = sections.place(&[table, name]);
        sections.problem(place, format!("{table}: `{name}` {words}"));
    };
    if certificate.is_some() != key.is_some() {
        wrong("certificate", "and `key` belong together");
    }
    if let Some(certificate) = certificate {
        *certificate = base.join(&*certificate);
    }
    match key.as_deref().map(str::parse) {
        Some(Ok(Secret::File(path))) => *key = Some(Secret::File(base.join(path)).to_string()),
        Some(Err(words)) => wrong("key", &format!("cannot be used: {words}")),
        Some(Ok(Secret::Environment(_))) | None => {}
    }
}

/// The key of a server, in PEM; nothing where there is none.
///
/// # Errors
/// In words: it cannot be read.
#[cfg(any(feature = "api", feature = "as2"))]
pub(super) fn server_key(table: &str, key: Option<&str>) -> Result<Option<String>, String> {
    let Some(key) = key else { return Ok(None) };
    let secret = key.parse::<Secret>();
    let read = secret.and_then(|secret| crate::secrets::read_secret(&secret));
    read.map(Some).map_err(|e| format!("{table}.key: {e}"))
}
