//! Reading what a [`Secret`] refers to: at each use, so that it can be changed while the gateway runs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

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

/// What a secret begins with whose rest is a key in base64, as Standard Webhooks writes them.
const ENCODED: &str = "whsec_";

/// The key of a MAC from a secret: its bytes, or what the rest of it says in base64 where it begins with `whsec_`.
///
/// ```
/// use crossdock::secrets::mac_key;
/// assert_eq!(mac_key("whsec_a2V5").unwrap(), b"key");
/// assert_eq!(mac_key("key").unwrap(), b"key");
/// assert!(mac_key("").is_err());
/// ```
///
/// # Errors
/// Where it is empty, or no base64; the text does not have the secret.
pub fn mac_key(secret: &str) -> Result<Vec<u8>, String> {
    let key = match secret.strip_prefix(ENCODED) {
        Some(encoded) => STANDARD
            .decode(encoded)
            .map_err(|_| format!("the webhook's secret begins with {ENCODED} and is no base64"))?,
        None => secret.as_bytes().to_vec(),
    };
    if key.is_empty() { Err("the webhook's secret is empty".to_owned()) } else { Ok(key) }
}
