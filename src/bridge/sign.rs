//! Signing calls in: the headers and members of the query that a connector's `[auth]` asks for.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::connector::{Auth, Encoding, Settings};
use crate::secrets::read_secret;

/// What a call is signed over.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    /// Path and query, as they are sent.
    pub(super) path: &'a str,
    pub(super) body: &'a str,
    /// Seconds since 1970.
    pub(super) timestamp: i64,
}

/// The secret of a setting; read at each use, so that it can be changed meanwhile.
pub(super) fn secret(settings: &Settings, name: &str) -> Result<String, String> {
    let Some(secret) = settings.secret(name) else {
        return Err(format!("the setting `{name}` is not given"));
    };
    read_secret(secret).map_err(|words| format!("settings.{name}: {words}"))
}

/// Members of the query, which have to be there before a call is signed over.
pub(super) fn in_query(
    auth: &Auth,
    settings: &Settings,
) -> Result<Option<(String, String)>, String> {
    match auth {
        Auth::ApiKey { query: Some(name), secret: setting, .. } => {
            Ok(Some((name.clone(), secret(settings, setting)?)))
        }
        _ => Ok(None),
    }
}

/// The headers; of OAuth 2 none: its token is fetched.
pub(super) fn in_headers(
    auth: &Auth,
    settings: &Settings,
    over: &Signed<'_>,
) -> Result<Vec<(String, String)>, String> {
    let authorization = |value: String| vec![("authorization".to_owned(), value)];
    Ok(match auth {
        Auth::None | Auth::OAuth2 { .. } | Auth::ApiKey { header: None, .. } => Vec::new(),
        Auth::Basic { user, secret: setting } => {
            authorization(basic(&user.fill(settings), &secret(settings, setting)?))
        }
        Auth::ApiKey { header: Some(header), secret: setting, .. } => {
            vec![(header.clone(), secret(settings, setting)?)]
        }
        Auth::Bearer { scheme, secret: setting } => {
            authorization(format!("{scheme} {}", secret(settings, setting)?))
        }
        Auth::Hmac { secret: setting, header, prefix, content, timestamp_header, encoding } => {
            let key = secret(settings, setting)?;
            let signature = signature(&key, content, over, *encoding)?;
            let mut headers = vec![(header.clone(), format!("{prefix}{signature}"))];
            headers.extend(timestamp_header.clone().map(|name| (name, over.timestamp.to_string())));
            headers
        }
    })
}

pub(super) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn signature(
    key: &str,
    content: &str,
    over: &Signed<'_>,
    encoding: Encoding,
) -> Result<String, String> {
    if key.is_empty() {
        return Err("the key of the signature is empty".to_owned());
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(|e| e.to_string())?;
    let mut rest = content;
    // Piece by piece: what is filled in may have braces of its own.
    while let Some((before, after)) = rest.split_once('{') {
        mac.update(before.as_bytes());
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        match name {
            "timestamp" => mac.update(over.timestamp.to_string().as_bytes()),
            "method" => mac.update(over.method.as_bytes()),
            "path" => mac.update(over.path.as_bytes()),
            _ => mac.update(over.body.as_bytes()),
        }
        rest = after;
    }
    mac.update(rest.as_bytes());
    let bytes = mac.finalize().into_bytes();
    Ok(match encoding {
        Encoding::Base64 => STANDARD.encode(bytes),
        Encoding::Hex => bytes.iter().fold(String::new(), |mut text, byte| {
            // Writing into a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        }),
    })
}
