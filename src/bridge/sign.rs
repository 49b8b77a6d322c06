//! Signing calls in: the headers and members of the query that a connector's `[auth]` asks for. And the other way round:
//! whether what a webhook is called with is signed.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{HookCall, Unheard};
use crate::connector::{Auth, Encoding, Settings, Signature};
use crate::secrets::{mac_key, read_secret};

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

/// Whether a call to a webhook is signed as it should be, and of these minutes. Signatures are compared in constant time.
pub(super) fn verify(
    signature: &Signature,
    settings: &Settings,
    call: &HookCall<'_>,
) -> Result<(), Unheard> {
    let header = |name: &String| {
        let found = call.headers.iter().find(|(own, _)| own == name);
        let value = found.map(|(_, value)| value.as_str());
        value.ok_or_else(|| Unheard::Unsigned(format!("it has no header {name}")))
    };
    let key = secret(settings, &signature.secret).map_err(Unheard::Failed)?;
    let given = header(&signature.header)?;
    let id = signature.id_header.as_ref().map(header).transpose()?.unwrap_or_default();
    let at = signature.timestamp_header.as_ref().map(header).transpose()?;
    if let Some(at) = at {
        let away = at.parse::<i64>().ok().map(|at| call.now.as_second().abs_diff(at));
        if away.is_none_or(|away| away > u64::from(signature.tolerance_seconds)) {
            let most = signature.tolerance_seconds;
            let words = format!("its time {at:?} is not within {most} seconds of ours");
            return Err(Unheard::Unsigned(words));
        }
    }
    let mac = keyed(&key)?;
    let mac = filled(mac, &signature.content, (id, at.unwrap_or_default()), call.body);
    let is_good = |one: &str| {
        let digits = one.strip_prefix(&signature.prefix);
        let bytes = digits.and_then(|digits| match signature.encoding {
            Encoding::Base64 => STANDARD.decode(digits).ok(),
            Encoding::Hex => unhex(digits),
        });
        bytes.is_some_and(|bytes| mac.clone().verify_slice(&bytes).is_ok())
    };
    if given.split_whitespace().any(is_good) {
        return Ok(());
    }
    Err(Unheard::Unsigned(format!("its signature in {} is wrong", signature.header)))
}

fn keyed(secret: &str) -> Result<Hmac<Sha256>, Unheard> {
    let mac = mac_key(secret)
        .and_then(|key| Hmac::<Sha256>::new_from_slice(&key).map_err(|e| e.to_string()));
    mac.map_err(Unheard::Failed)
}

/// With the text that is signed. Piece by piece: what is filled in may have braces of its own, and need be no text.
fn filled(
    mut mac: Hmac<Sha256>,
    content: &str,
    (id, timestamp): (&str, &str),
    body: &[u8],
) -> Hmac<Sha256> {
    let mut rest = content;
    while let Some((before, after)) = rest.split_once('{') {
        mac.update(before.as_bytes());
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        match name {
            "id" => mac.update(id.as_bytes()),
            "timestamp" => mac.update(timestamp.as_bytes()),
            _ => mac.update(body),
        }
        rest = after;
    }
    mac.update(rest.as_bytes());
    mac
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}
