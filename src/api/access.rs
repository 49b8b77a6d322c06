//! Who may ask what, and how often.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use axum::http::{HeaderMap, header};
use jiff::Timestamp;

use super::problem::Problem;
use super::tokens::{Scope, Token, TokenError, Tokens};

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// The name of the token.
    pub(super) name: String,
    token: Token,
}

impl Caller {
    /// Sees to it that the token allows something.
    pub(super) fn may(&self, scope: Scope) -> Result<(), Problem> {
        if self.token.scopes.contains(&scope) {
            return Ok(());
        }
        Err(Problem::forbidden(format!("The token {} has no scope {scope}.", self.name)))
    }

    /// Whether it sees what is a partner's.
    pub(super) fn sees(&self, partner: &str) -> bool {
        self.token.sees(partner)
    }

    /// Whether it sees what is anybody's, and nobody's.
    pub(super) fn sees_all(&self) -> bool {
        self.token.partners.is_none()
    }
}

/// The door: tokens as their file has them now, and what each has left of its requests.
pub(super) struct Access {
    file: PathBuf,
    per_minute: f64,
    known: Mutex<Known>,
}

struct Known {
    tokens: Tokens,
    /// What the file looked like when it was read.
    stamp: Stamp,
    /// By name: what is left, and since when.
    left: HashMap<String, (f64, Instant)>,
}

type Stamp = Option<(SystemTime, u64)>;

impl Access {
    pub(super) fn open(file: PathBuf, per_minute: u32) -> Result<Self, TokenError> {
        let stamp = stamp(&file);
        let tokens = Tokens::read(&file)?;
        let known = Mutex::new(Known { tokens, stamp, left: HashMap::new() });
        Ok(Self { file, per_minute: f64::from(per_minute), known })
    }

    /// Lets a request in by its `Authorization: Bearer`.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let Some(given) = given else {
            let words =
                "Send a token: `Authorization: Bearer …`. `crossdock api token new` makes one.";
            return Err(Problem::unauthorized(words));
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.refresh(&mut known);
        let found = known.tokens.find(given, Timestamp::now());
        let found = found.map(|(name, token)| (name.to_owned(), token.clone()));
        let Some((name, token)) = found else {
            return Err(Problem::unauthorized("The token is not known, or has expired."));
        };
        self.take_one(&mut known, &name)?;
        Ok(Caller { name, token })
    }

    /// Takes over a file that has changed. One that cannot be used changes nothing.
    fn refresh(&self, known: &mut Known) {
        let stamp = stamp(&self.file);
        if stamp == known.stamp {
            return;
        }
        known.stamp = stamp;
        match Tokens::read(&self.file) {
            Ok(tokens) => known.tokens = tokens,
            Err(e) => tracing::error!("api.tokens: {e}; the tokens of before stay in force"),
        }
    }

    /// One request of those that a token has.
    fn take_one(&self, known: &mut Known, name: &str) -> Result<(), Problem> {
        let (per_second, most) = (self.per_minute / 60.0, (self.per_minute / 10.0).max(1.0));
        let now = Instant::now();
        let (left, since) = known.left.entry(name.to_owned()).or_insert((most, now));
        *left = (*left + now.duration_since(*since).as_secs_f64() * per_second).min(most);
        *since = now;
        if *left < 1.0 {
            // Whole seconds, and few.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 60")]
            let wait = ((1.0 - *left) / per_second).ceil().clamp(1.0, 60.0) as u64;
            return Err(Problem::too_many(wait));
        }
        *left -= 1.0;
        Ok(())
    }
}

fn stamp(file: &std::path::Path) -> Stamp {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
