//! Reading a TOML file section by section, so that one run reports what is wrong in each of them.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::problem::Problem;

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

    /// Reads an entry, if it is there.
    pub fn read<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        self.known.push(name);
        let value = self.table.get(name)?.clone();
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(error.span(), format!("{name}: {}", error.message().trim()));
                None
            }
        }
    }

    /// Where an entry stands, by its path: for problems that only its meaning shows.
    #[must_use]
    pub fn place(&self, path: &[&str]) -> Option<Range<usize>> {
        let (first, rest) = path.split_first()?;
        let mut found: &Spanned<DeValue> = self.table.get(*first)?;
        for part in rest {
            match found.get_ref().as_table().and_then(|table| table.get(*part)) {
                Some(inner) => found = inner,
                None => break,
            }
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
        let known = self.known.join("`, `");
        for (span, name) in unknown {
            self.problem(Some(span), format!("`{name}` is not known here; known are `{known}`"));
        }
        self.problems.sort();
        self.problems
    }
}
