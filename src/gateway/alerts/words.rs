//! What a message says, for people and for machines.

use jiff::Timestamp;
use serde_json::Value;

use super::AlertRule;
use super::hits::Hit;
use crate::notify::{Message, MessageKind};
use crate::store::PayloadId;

/// Why something is told.
pub(super) enum Why {
    /// It has come.
    First,
    /// It came so often again while it was quiet.
    Repeats(u64),
    /// It stands still.
    Still,
    /// It is over.
    Over,
}

/// Why, since when, and how it ended.
pub(super) struct Told<'a> {
    why: Why,
    since: Option<Timestamp>,
    how: &'a str,
}

impl Why {
    pub(super) fn since(self, since: Timestamp, how: &str) -> Told<'_> {
        Told { why: self, since: Some(since), how }
    }
}

impl From<Why> for Told<'_> {
    fn from(why: Why) -> Self {
        Self { why, since: None, how: "" }
    }
}

/// Makes a message.
pub(super) fn message<'a>(
    rule: &AlertRule,
    now: Timestamp,
    title: &str,
    told: impl Into<Told<'a>>,
    hit: &Hit,
) -> Message {
    let Told { why, since, how } = told.into();
    let (reason, prefix, times) = match why {
        Why::First => ("first", String::new(), 1),
        Why::Repeats(times) => ("repeats", format!("{times} more: "), times),
        Why::Still => ("still", "Still: ".to_owned(), 0),
        Why::Over => ("over", "Over: ".to_owned(), 0),
    };
    let severity = hit.severity.map(crate::exceptions::Severity::name);
    let weight = severity.map_or_else(String::new, |severity| format!("{severity}: "));
    let whose = if hit.partner.is_empty() { String::new() } else { format!(" ({})", hit.partner) };
    let line = format!("[Crossdock] {weight}{prefix}{title}{whose}");
    let mut text = match (reason, since) {
        ("repeats", Some(since)) => format!("It came {times} times more since {since:.0}.\n\n"),
        ("still", Some(since)) => format!("It was told last at {since:.0}, and stands still.\n\n"),
        ("over", _) if how.is_empty() => "It is over.\n\n".to_owned(),
        ("over", _) => format!("It is over: {how}.\n\n"),
        _ => String::new(),
    };
    if reason != "over" {
        text.push_str(&hit.words);
    }
    let text = format!("{title}{whose}\n\n{text}\nRule: {}\n", rule.name);
    let mut details = hit.details.clone();
    for (name, value) in [
        ("rule", Value::from(rule.name.clone())),
        ("reason", reason.into()),
        ("times", times.into()),
        ("partner", hit.partner.clone().into()),
        ("severity", severity.into()),
        ("cause", hit.cause.clone().into()),
    ] {
        details.insert(name.to_owned(), value);
    }
    let id = PayloadId::of(format!("{}\n{}\n{now}\n{reason}", rule.name, hit.cause).as_bytes());
    let id = format!("alert-{}", id.to_string().get(..24).unwrap_or_default());
    Message { id, kind: MessageKind::Alert, at: now, title: line, text, details }
}
