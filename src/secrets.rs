//! Reading what a [`Secret`] refers to: at each use, so that it can be changed while the gateway runs.

use crate::profile::Secret;

/// Reads a secret where it is.
///
/// # Errors
/// Where the variable is not set or the file cannot be read; the text names the place, not the secret.
pub fn read_secret(secret: &Secret) -> Result<String, String> {
    let text = match secret {
        Secret::Environment(name) => {
            std::env::var(name).map_err(|e| format!("environment variable {name}: {e}"))?
        }
        Secret::File(path) => {
            std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?
        }
    };
    Ok(text.trim_end().to_owned())
}
