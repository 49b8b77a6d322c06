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

/// Reads a secret that may be no text: a file as it is.
///
/// # Errors
/// As with [`read_secret`].
pub fn read_secret_bytes(secret: &Secret) -> Result<Vec<u8>, String> {
    match secret {
        Secret::File(path) => std::fs::read(path).map_err(|e| format!("{}: {e}", path.display())),
        Secret::Environment(_) => read_secret(secret).map(String::into_bytes),
    }
}
