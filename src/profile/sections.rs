//! Reading a TOML file section by section, so that one run reports what is wrong in each of them.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::problem::Problem;
use crate::grammar::suggest;
use crate::wording;

/// A TOML file whose top-level entries are read one by one.
pub struct Sections<'a> {
    file: &'a str,
    text: &'a str,
    table: DeTable<'a>,
    known: Vec<&'static str>,
    problems: Vec<Problem>,
}

impl<'a> Sections<'a> {
    /// Parses the text. Where it is no TOML, every bad place is a problem and what can be read is read.
    #[must_use]
    pub fn parse(file: &'a str, text: &'a str) -> Self {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut sections =
            Self { file, text, table: table.into_inner(), known: Vec::new(), problems: Vec::new() };
        for error in errors {
            sections.problem(error.span(), error.message());
        }
        sections
    }

    /// Notes a problem at a place of the text.
    pub fn problem(&mut self, span: Option<Range<usize>>, message: impl Into<String>) {
        let mut problem = Problem::whole(self.file, message);
        if let Some(span) = span {
            let before = self.text.get(..span.start).unwrap_or(self.text);
            problem.line = before.matches('\n').count() + 1;
            problem.column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        }
        self.problems.push(problem);
    }

    /// Reads an entry; where it is missing, the default.
    pub fn optional<T: DeserializeOwned + Default>(&mut self, name: &'static str) -> T {
        self.read(name).unwrap_or_default()
    }

    /// Reads an entry; where it is missing, that is a problem.
    pub fn required<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        let there = self.table.contains_key(name);
        let value = self.read(name);
        if !there {
            self.problem(None, format!("`{name}` is missing"));
        }
        value
    }

    /// Reads an entry, if it is there: what can be read of it, where some of it is wrong.
    pub fn read<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        self.known.push(name);
        let mut value = self.table.get(name)?.clone();
        loop {
            let error = match T::deserialize(ValueDeserializer::from(value.clone())) {
                Ok(read) => return Some(read),
                Err(error) => error,
            };
            let span = error.span();
            let mut path = vec![name.to_owned()];
            if let Some(span) = &span {
                path.extend(path_of(value.get_ref(), span.start));
            }
            let words = in_words(error.message(), &mut path);
            self.problem(span.clone(), format!("{}: {words}", path.join(".")));
            // Without what is wrong the rest can be looked at too.
            if !span.is_some_and(|span| prune(value.get_mut(), span.start)) {
                return None;
            }
        }
    }

    /// Where an entry stands, by its path (the entries of a list by their number, from 0): for problems that only its meaning shows.
    #[must_use]
    pub fn place(&self, path: &[&str]) -> Option<Range<usize>> {
        let (first, rest) = path.split_first()?;
        let mut found: &Spanned<DeValue> = self.table.get(*first)?;
        for part in rest {
            let inner = match found.get_ref() {
                DeValue::Table(table) => table.get(*part),
                DeValue::Array(list) => part.parse::<usize>().ok().and_then(|at| list.get(at)),
                _ => None,
            };
            let Some(inner) = inner else { break };
            found = inner;
        }
        Some(found.span())
    }

    /// Every problem, unknown entries among them; in the order of the file.
    #[must_use]
    pub fn finish(mut self) -> Vec<Problem> {
        let unknown: Vec<(Range<usize>, String)> = self
            .table
            .keys()
            .filter(|key| !self.known.contains(&key.get_ref().as_ref()))
            .map(|key| (key.span(), key.get_ref().to_string()))
            .collect();
        let known = self.known.clone();
        for (span, name) in unknown {
            self.problem(Some(span), unknown_key(&name, &known));
        }
        self.problems.sort();
        self.problems
    }
}

/// Takes the entry out in which a place of the text stands, as deep as there is one. Whether there was.
fn prune(value: &mut DeValue<'_>, place: usize) -> bool {
    match value {
        DeValue::Table(table) => {
            // Of a table the span is that of its head alone.
            if table.iter_mut().any(|(_, inner)| prune(inner.get_mut(), place)) {
                return true;
            }
            let holds = |key: &Range<usize>, value: &Range<usize>| {
                key.contains(&place) || value.contains(&place)
            };
            let mut holding = table.iter().filter(|(key, inner)| holds(&key.span(), &inner.span()));
            let Some(key) = holding.next().map(|(key, _)| key.get_ref().to_string()) else {
                return false;
            };
            table.remove(key.as_str()).is_some()
        }
        DeValue::Array(list) => list.iter_mut().any(|inner| prune(inner.get_mut(), place)),
        _ => false,
    }
}

/// The keys that lead to a place of the text, as deep as there are some; entries of lists have none.
fn path_of(value: &DeValue<'_>, place: usize) -> Vec<String> {
    match value {
        DeValue::Table(table) => {
            // Of a table the span is that of its head alone.
            let inner = table.iter().find_map(|(key, inner)| {
                let path = path_of(inner.get_ref(), place);
                (!path.is_empty()).then(|| (key.get_ref().to_string(), path))
            });
            if let Some((key, path)) = inner {
                return std::iter::once(key).chain(path).collect();
            }
            let mut holding = table.iter().filter(|(key, inner)| {
                key.span().contains(&place) || inner.span().contains(&place)
            });
            holding.next().map(|(key, _)| key.get_ref().to_string()).into_iter().collect()
        }
        DeValue::Array(list) => {
            let mut paths = list.iter().map(|inner| path_of(inner.get_ref(), place));
            paths.find(|path| !path.is_empty()).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// What serde says of a value, as we say it. A key that is not known is named in the words, and not in its path.
fn in_words(message: &str, path: &mut Vec<String>) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let message = message.trim();
    let is_key = message.starts_with("unknown field");
    let unknown = is_key || message.starts_with("unknown variant");
    match quoted.next().filter(|_| unknown) {
        Some(name) => {
            if is_key && path.len() > 1 && path.last().is_some_and(|key| key == name) {
                path.pop();
            }
            unknown_key(name, &quoted.collect::<Vec<_>>())
        }
        None => wording::in_words(message, "a table"),
    }
}

fn unknown_key(name: &str, known: &[&str]) -> String {
    let otherwise = format!("known are `{}`", known.join("`, `"));
    let mend = suggest::mend(name, known.iter().copied(), &otherwise);
    format!("`{name}` is not known here; {mend}")
}
