//! Reading a section of a profile, key by key: each value is checked where it is read, noted as a row of the
//! agreement, and what is not known is told with the word that was meant.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;

use super::envelope::Information;
use super::node::{Entries, Node, Value};
use super::problem::{Origin, Problem};
use super::row::Row;
use super::secret::Secret;
use crate::grammar::suggest;

/// Words that stand for the values of a type.
pub(super) trait Words: Copy + PartialEq + 'static {
    /// Each word with what it stands for.
    const WORDS: &'static [(&'static str, Self)];

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }
}

/// What the reading of a profile has come to.
#[derive(Default)]
pub(super) struct Log {
    pub problems: Vec<Problem>,
    pub rows: Vec<Row>,
    /// Values that are read to look at them only: no rows of them.
    pub quiet: bool,
}

/// A section that is being read.
pub(super) struct Section<'a> {
    pub path: Arc<str>,
    entries: Option<&'a Entries>,
    /// Those of them that were written for this section; nothing where all of them were.
    pub own: Option<&'a Entries>,
    node: Option<&'a Node>,
    known: Vec<&'static str>,
    pub log: &'a mut Log,
}

impl<'a> Section<'a> {
    /// All of a profile.
    pub(super) fn whole(entries: &'a Entries, log: &'a mut Log) -> Self {
        let path = "".into();
        Self { path, entries: Some(entries), own: None, node: None, known: vec!["source"], log }
    }

    /// A section within; an empty one where it is missing.
    pub(super) fn section(&mut self, key: &'static str) -> Section<'_> {
        self.known.push(key);
        let node = self.entries.and_then(|entries| entries.get(key)).map(AsRef::as_ref);
        let path = self.path_of(key);
        Self::of(path, node, self.log)
    }

    /// The sections of a table whose keys are names: each with its name.
    pub(super) fn names(&mut self, key: &'static str) -> Vec<(Arc<str>, &'a Node)> {
        self.known.push(key);
        let Some(node) = self.entries.and_then(|entries| entries.get(key)) else {
            return Vec::new();
        };
        match &node.value {
            Value::Table(entries) => {
                let named = entries.iter().filter(|(name, _)| name.as_ref() != "source");
                named.map(|(name, node)| (Arc::clone(name), node.as_ref())).collect()
            }
            other => {
                let words = format!("`{key}` is a table, not {}", other.what());
                self.wrong(&node.origin, words);
                Vec::new()
            }
        }
    }

    /// A node as a section.
    pub(super) fn of<'b>(path: Arc<str>, node: Option<&'b Node>, log: &'b mut Log) -> Section<'b> {
        let entries = match node.map(|node| &node.value) {
            Some(Value::Table(entries)) => Some(entries),
            Some(other) => {
                let words = format!("`{path}` is a table, not {}", other.what());
                log.problems.extend(node.map(|node| Problem::at(&node.origin, words)));
                None
            }
            None => None,
        };
        Section { path, entries, own: None, node, known: vec!["source"], log }
    }

    fn path_of(&self, key: &str) -> Arc<str> {
        if self.path.is_empty() { key.into() } else { format!("{}.{key}", self.path).into() }
    }

    /// Whether a key stands there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.is_some_and(|entries| entries.contains_key(key))
    }

    /// Whether a key was written for this section, and lies not below it.
    pub(super) fn is_own(&self, key: &str) -> bool {
        self.own.or(self.entries).is_some_and(|entries| entries.contains_key(key))
    }

    /// Whether the section stands there.
    pub(super) fn is_there(&self) -> bool {
        self.entries.is_some()
    }

    /// A key's entry; from then on the key is known.
    pub(super) fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        self.entries.and_then(|entries| entries.get(key)).map(AsRef::as_ref)
    }

    /// A problem at a place, with the section's name before it.
    pub(super) fn wrong(&mut self, at: &Origin, words: impl std::fmt::Display) {
        let path = &self.path;
        let words = if path.is_empty() { words.to_string() } else { format!("{path}: {words}") };
        self.log.problems.push(Problem::at(at, words));
    }

    /// A problem with the value of a key; with the section, or the profile as a whole, where nobody wrote it.
    pub(super) fn wrong_key(&mut self, key: &str, words: impl std::fmt::Display) {
        let node = self.entries.and_then(|entries| entries.get(key)).map(AsRef::as_ref);
        let words = format!("`{key}` {words}");
        if let Some(node) = node.or(self.node) {
            self.wrong(&node.origin, words);
        } else {
            let words = format!("{}: {words}", self.path);
            let words = words.trim_start_matches(": ").to_owned();
            self.log.problems.push(Problem::whole("", words));
        }
    }

    /// A warning about the value of a key; nothing where nobody wrote it.
    pub(super) fn warn_key(&mut self, key: &str, words: impl std::fmt::Display) {
        if let Some(node) = self.entries.and_then(|entries| entries.get(key)) {
            let words = format!("{}: `{key}` {words}", self.path);
            let words = words.trim_start_matches(": ").to_owned();
            self.log.problems.push(Problem::at(&node.origin, words).warning());
        }
    }

    /// A warning about the section; nothing where nobody wrote it.
    pub(super) fn warn(&mut self, words: impl std::fmt::Display) {
        if let Some(node) = self.node {
            let words = format!("{}: {words}", self.path);
            self.log.problems.push(Problem::at(&node.key, words).warning());
        }
    }

    /// A key that stands there and does nothing is told so.
    pub(super) fn idle(&mut self, key: &str, because: &str) {
        if let Some(node) = self.entries.and_then(|entries| entries.get(key)) {
            let words = format!("{}: `{key}` has no effect: {because}", self.path);
            let words = words.trim_start_matches(": ").to_owned();
            self.log.problems.push(Problem::at(&node.key, words).warning());
        }
    }

    fn mistyped(&mut self, key: &str, node: &Node, wanted: &str) {
        let what = node.value.what();
        self.wrong(&node.origin, format!("`{key}` is {wanted}, not {what}"));
    }

    /// Notes a row of the agreement.
    pub(super) fn row(&mut self, subject: &str, value: String, node: Option<&Node>) {
        if self.log.quiet {
            return;
        }
        self.log.rows.push(Row {
            section: Arc::clone(&self.path),
            subject: subject.to_owned(),
            value,
            origin: node.map(|node| node.key.clone()),
            source: node.and_then(|node| node.source.clone()),
            reason: None,
            rule: is_rule(&self.path, subject),
        });
    }

    /// A text, if it is there.
    pub(super) fn text(&mut self, key: &'static str) -> Option<&'a str> {
        let node = self.node(key)?;
        let Value::Text(text) = &node.value else {
            self.mistyped(key, node, "a text");
            return None;
        };
        let shown = if text.is_empty() { "nothing".to_owned() } else { text.clone() };
        self.row(key, shown, Some(node));
        Some(text)
    }

    /// A text; where it is missing, the usual one.
    pub(super) fn text_or(&mut self, key: &'static str, usual: &str) -> String {
        if !self.has(key) {
            self.known.push(key);
            let shown = if usual.is_empty() { "nothing" } else { usual };
            self.row(key, shown.to_owned(), None);
            return usual.to_owned();
        }
        self.text(key).unwrap_or(usual).to_owned()
    }

    /// A value that may be a secret: one that must be is never anything but a reference.
    pub(super) fn secret_or_text(&mut self, node: &Node, must_be: bool) -> Option<Information> {
        let Value::Text(text) = &node.value else {
            self.wrong(&node.origin, "`information` is a text, or env:NAME, or file:PATH");
            return None;
        };
        let found = match text.parse::<Secret>() {
            Ok(secret) => Information::Secret(secret),
            Err(words) if must_be && !text.is_empty() => {
                self.wrong(&node.origin, format!("`information` is a secret: {words}"));
                return None;
            }
            Err(_) => Information::Plain(text.clone()),
        };
        self.row("information", text.clone(), Some(node));
        Some(found)
    }

    /// A secret by reference, if it is there.
    pub(super) fn secret(&mut self, key: &'static str) -> Option<Secret> {
        let node = self.node(key)?;
        let Value::Text(text) = &node.value else {
            self.mistyped(key, node, "a text: env:NAME or file:PATH");
            return None;
        };
        match text.parse::<Secret>() {
            Ok(secret) => {
                self.row(key, secret.to_string(), Some(node));
                Some(secret)
            }
            Err(words) => {
                self.wrong(&node.origin, format!("`{key}`: {words}"));
                None
            }
        }
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, key: &'static str) -> Option<&'a str> {
        if !self.has(key) {
            self.missing(key);
        }
        self.text(key)
    }

    /// A key is missing.
    pub(super) fn missing(&mut self, key: &str) {
        let path = &self.path;
        let words = if path.is_empty() {
            format!("`{key}` is missing")
        } else {
            format!("{path}: `{key}` is missing")
        };
        // Without a place it is the profile's own file that lacks it, whatever it rests on.
        let problem = self.node.map_or_else(
            || Problem::whole("", words.clone()),
            |node| Problem::at(&node.key, words.clone()),
        );
        self.log.problems.push(problem);
    }

    /// Yes or no.
    pub(super) fn flag(&mut self, key: &'static str, usual: bool) -> bool {
        let node = self.node(key);
        let value = match node.map(|node| (node, &node.value)) {
            Some((_, Value::Boolean(flag))) => *flag,
            Some((node, _)) => {
                self.mistyped(key, node, "true or false");
                return usual;
            }
            None => usual,
        };
        self.row(key, if value { "yes" } else { "no" }.to_owned(), node);
        value
    }

    /// A whole number within bounds.
    pub(super) fn number(&mut self, key: &'static str, usual: u64, bounds: (u64, u64)) -> u64 {
        let node = self.node(key);
        let value = match node.map(|node| (node, &node.value)) {
            Some((_, Value::Integer(number))) => u64::try_from(*number).ok(),
            Some((node, _)) => {
                self.mistyped(key, node, "a whole number");
                return usual;
            }
            None => Some(usual),
        };
        let (least, most) = bounds;
        let Some(value) = value.filter(|value| (least..=most).contains(value)) else {
            self.wrong_key(key, format!("is a whole number from {least} to {most}"));
            return usual;
        };
        self.row(key, value.to_string(), node);
        value
    }

    /// One of several words.
    pub(super) fn choice<T: Words>(&mut self, key: &'static str, usual: T) -> T {
        let node = self.node(key);
        let Some(node) = node else {
            self.row(key, usual.word().to_owned(), None);
            return usual;
        };
        let Value::Text(text) = &node.value else {
            self.mistyped(key, node, "a text");
            return usual;
        };
        if let Some((word, value)) = T::WORDS.iter().find(|(word, _)| word == text) {
            self.row(key, (*word).to_owned(), Some(node));
            return *value;
        }
        let words: Vec<&str> = T::WORDS.iter().map(|(word, _)| *word).collect();
        let otherwise = format!("it is one of `{}`", words.join("`, `"));
        let mend = suggest::mend(text, words.iter().copied(), &otherwise);
        self.wrong(&node.origin, format!("`{key}` cannot be {text:?}; {mend}"));
        usual
    }

    /// A span of time: `"15m"`, `"24h"`, `"2d"`.
    pub(super) fn duration(&mut self, key: &'static str) -> Option<Duration> {
        let node = self.node(key)?;
        let span = match &node.value {
            Value::Text(text) => text.parse::<jiff::Span>().ok(),
            _ => None,
        };
        let days = jiff::SpanRelativeTo::days_are_24_hours();
        let span = span.and_then(|span| span.to_duration(days).ok());
        let Some(span) = span.and_then(|span| Duration::try_from(span).ok()).filter(|d| {
            // The longest that makes sense of anything agreed here: a year.
            !d.is_zero() && *d <= Duration::from_hours(366 * 24)
        }) else {
            self.wrong(
                &node.origin,
                format!(
                    "`{key}` is a span of time such as \"15m\", \"24h\" or \"2d\", at most a year"
                ),
            );
            return None;
        };
        self.row(key, in_words(span), Some(node));
        Some(span)
    }

    /// A span of time; where it is missing, the usual one.
    pub(super) fn duration_or(&mut self, key: &'static str, usual: Duration) -> Duration {
        if !self.has(key) {
            self.known.push(key);
            self.row(key, in_words(usual), None);
            return usual;
        }
        self.duration(key).unwrap_or(usual)
    }

    /// A day: `2026-12-01`.
    pub(super) fn date(&mut self, key: &'static str) -> Option<Date> {
        let node = self.node(key)?;
        let day = match &node.value {
            Value::Moment(text) | Value::Text(text) => text.parse::<Date>().ok(),
            _ => None,
        };
        if day.is_none() {
            self.wrong(&node.origin, format!("`{key}` is a day such as 2026-12-01"));
        }
        let day = day?;
        self.row(key, day.to_string(), Some(node));
        Some(day)
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, key: &'static str) -> Vec<String> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let Value::List(list) = &node.value else {
            self.mistyped(key, node, "a list of texts");
            return Vec::new();
        };
        let mut texts = Vec::with_capacity(list.len());
        for item in list {
            match &item.value {
                Value::Text(text) => texts.push(text.clone()),
                other => {
                    let words =
                        format!("`{key}` is a list of texts, and {} is in it", other.what());
                    self.wrong(&item.origin, words);
                }
            }
        }
        self.row(key, texts.join(", "), Some(node));
        texts
    }

    /// A list of tables.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<&'a Node> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let Value::List(list) = &node.value else {
            self.mistyped(key, node, "a list of tables");
            return Vec::new();
        };
        list.iter().map(AsRef::as_ref).collect()
    }

    /// A name that is chosen elsewhere, held against those that there are.
    pub(super) fn unknown_name(&mut self, at: &Origin, name: &str, what: &str, known: &[&str]) {
        let otherwise = format!("known are `{}`", known.join("`, `"));
        let mend = suggest::mend(name, known.iter().copied(), &otherwise);
        self.wrong(at, format!("`{name}` is no {what}; {mend}"));
    }

    /// Ends the section: whatever was not asked for is not known.
    pub(super) fn end(self) {
        let Some(entries) = self.entries else { return };
        for (key, node) in entries.iter().filter(|(key, _)| !self.known.contains(&key.as_ref())) {
            let known: BTreeSet<&str> =
                self.known.iter().copied().filter(|key| *key != "source").collect();
            let known: Vec<&str> = known.into_iter().collect();
            let otherwise = if is_secret(key) {
                "secrets stand in no profile but as env:NAME or file:PATH where a key asks for one"
                    .to_owned()
            } else {
                format!("known are `{}`", known.join("`, `"))
            };
            let mend = suggest::mend(key, known.iter().copied(), &otherwise);
            let at = if self.path.is_empty() {
                "here".to_owned()
            } else {
                format!("in `{}`", self.path)
            };
            let words = format!("`{key}` is not known {at}; {mend}");
            self.log.problems.push(Problem::at(&node.key, words));
        }
        if let Some(node) = entries.get("source")
            && !matches!(&node.value, Value::Text(text) if !text.trim().is_empty())
        {
            let words = "`source` names a document, a page and a date, as one text";
            self.log.problems.push(Problem::at(&node.origin, words));
        }
    }
}

/// Whether documents are held against a setting: to change it may loosen the check.
fn is_rule(section: &str, subject: &str) -> bool {
    let (table, rest) = section.split_once('.').unwrap_or((section, ""));
    match table {
        "duplicates" => true,
        "processing" => matches!(subject, "group" | "on_error" | "separators_found"),
        "acknowledgements" => matches!(subject, "errors_as" | "match" | "out_of_sequence"),
        "documents" => matches!(subject, "release" | "from" | "until"),
        "envelope" => matches!(subject, "charset" | "delimiter_in_data"),
        "identity" => rest.contains(".also"),
        _ => false,
    }
}

/// Whether a key sounds as if a secret stood behind it.
fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    ["password", "passwd", "secret", "token", "api_key", "apikey", "private_key", "credential"]
        .iter()
        .any(|word| key.contains(word))
}

/// A span of time for people: `2d 12h`.
pub(super) fn in_words(span: Duration) -> String {
    let seconds = span.as_secs();
    let parts = [
        (seconds / 86_400, 'd'),
        (seconds / 3600 % 24, 'h'),
        (seconds / 60 % 60, 'm'),
        (seconds % 60, 's'),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = parts.map(|(count, unit)| format!("{count}{unit}")).collect();
    match words.as_slice() {
        [] => format!("{}ms", span.as_millis()),
        words => words.join(" "),
    }
}
