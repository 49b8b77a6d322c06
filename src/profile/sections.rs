//! Reading a TOML file section by section, so that one run reports what is wrong in each of them.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::problem::Problem;
use crate::grammar::suggest;

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
            self.problem(span.clone(), format!("{name}: {}", in_words(error.message())));
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

/// What serde says of a key or word that is not known, as we say it.
fn in_words(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let message = message.trim();
    let unknown = message.starts_with("unknown field") || message.starts_with("unknown variant");
    match quoted.next().filter(|_| unknown) {
        Some(name) => unknown_key(name, &quoted.collect::<Vec<_>>()),
        None => message.to_owned(),
    }
}

fn unknown_key(name: &str, known: &[&str]) -> String {
    let otherwise = format!("known are `{}`", known.join("`, `"));
    let mend = suggest::mend(name, known.iter().copied(), &otherwise);
    format!("`{name}` is not known here; {mend}")
}
