//! What an API answers, and what that means.

use serde_json::Value;

use super::handling::Scope;
use super::jq::{Program, Stop};
use super::request::brief;

/// An answer as programs see it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers, their names in lower case.
    pub headers: Value,
    /// Its body as JSON; as a text where it is none; null where there is none.
    pub body: Value,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// The call has done what it should.
    Ok,
    /// The document is refused: repeating does not help.
    Refused(String),
    /// It may be tried again.
    Retry(String),
}

/// What the answers of a step mean, where that is not what their status says.
#[derive(Debug, Default)]
pub struct Meanings {
    pub(super) ok: Option<Meaning>,
    pub(super) refused: Option<Meaning>,
    pub(super) retry: Option<Meaning>,
}

#[derive(Debug)]
pub(super) enum Meaning {
    Statuses(Vec<u16>),
    Program(Program),
}

impl Meanings {
    /// Judges an answer. Where nothing else is said: 2xx is well, a status that blames the document refuses it, and all
    /// others may go by, or a person mends our configuration meanwhile.
    ///
    /// # Errors
    /// What a program throws.
    pub fn judge(&self, answer: &Answer, scope: &Scope) -> Result<Judgement, Stop> {
        if let Some(words) = says(self.retry.as_ref(), answer, scope)? {
            return Ok(Judgement::Retry(words));
        }
        if let Some(words) = says(self.refused.as_ref(), answer, scope)? {
            return Ok(Judgement::Refused(words));
        }
        if says(self.ok.as_ref(), answer, scope)?.is_some() {
            return Ok(Judgement::Ok);
        }
        let words = answer.words();
        Ok(match answer.status {
            200..=299 => Judgement::Ok,
            // Ours to mend, or passing; see `Idempotency-Key` for 409.
            401..=405 | 407..=409 | 421 | 423..=426 | 429 => Judgement::Retry(words),
            400..=499 => Judgement::Refused(words),
            _ => Judgement::Retry(words),
        })
    }
}

impl Answer {
    /// The answer in words: its status, and the beginning of what it says.
    #[must_use]
    pub fn words(&self) -> String {
        const CHARS_MAX: usize = 300;
        let body = match &self.body {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let body: String = body.trim().chars().take(CHARS_MAX).collect();
        if body.is_empty() { self.status.to_string() } else { format!("{} {body}", self.status) }
    }
}

/// Whether an answer is meant; the words for it.
fn says(meaning: Option<&Meaning>, answer: &Answer, scope: &Scope) -> Result<Option<String>, Stop> {
    match meaning {
        None => Ok(None),
        Some(Meaning::Statuses(statuses)) => {
            Ok(statuses.contains(&answer.status).then(|| answer.words()))
        }
        Some(Meaning::Program(program)) => {
            let whole = serde_json::json!({
                "status": answer.status, "headers": answer.headers, "body": answer.body,
            });
            let said = one(program.run(&whole, &scope.variables_with(answer))?)?;
            Ok(match said {
                Some(Value::String(words)) => Some(words),
                Some(value) if is_true(&value) => Some(answer.words()),
                _ => None,
            })
        }
    }
}

pub(super) fn is_true(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

/// The one value of a run, where there is any.
pub(super) fn one(mut values: Vec<Value>) -> Result<Option<Value>, Stop> {
    match values.len() {
        0 | 1 => Ok(values.pop()),
        count => {
            let first = brief(&values[0]);
            Err(Stop::Error(format!(
                "the program gives {count} values, not one; the first: {first}"
            )))
        }
    }
}
