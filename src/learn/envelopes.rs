//! Headers of interchanges and groups, counted.

use std::collections::BTreeMap;

use crate::overlay::Direction;
use crate::x12::{Group, Identity, Interchange};

/// Different values that are kept of a part of the header.
const VALUES_MAX: usize = 50;

/// What is counted of headers, as the profile calls it where it has a key for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trait {
    Authorisation,
    SecurityQualifier,
    StandardsId,
    Version,
    RequestsTa1,
    Elements,
    Components,
    Repetitions,
    Terminator,
    LineBreak,
    GroupDate,
    GroupTime,
    Agency,
    Release,
}

/// Who exchanges with whom: `test` is ISA15; the last of each is GS02 or GS03.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Parties {
    pub test: bool,
    pub partner: Party,
    pub own: Party,
}

/// A side of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Party {
    pub qualifier: String,
    pub id: String,
    pub group: String,
}

/// Numbers as they follow one another.
#[derive(Debug, Clone, Default)]
pub(super) struct Steps {
    pub seen: u64,
    /// How often one was the one before it and 1.
    pub by_one: u64,
    pub greatest: u32,
    last: Option<u32>,
}

impl Steps {
    fn take(&mut self, number: Option<u32>) {
        let Some(number) = number else { return };
        self.by_one += u64::from(self.last.is_some_and(|last| last.checked_add(1) == Some(number)));
        self.seen += 1;
        self.greatest = self.greatest.max(number);
        self.last = Some(number);
    }
}

/// What goes in one direction.
#[derive(Debug, Clone, Default)]
pub(super) struct Traffic {
    pub interchanges: u64,
    pub groups: u64,
    pub traits: BTreeMap<Trait, BTreeMap<String, u64>>,
    pub parties: BTreeMap<Parties, u64>,
    pub interchange_numbers: Steps,
    pub group_numbers: Steps,
    /// Lengths of ST02.
    pub set_widths: BTreeMap<usize, u64>,
    /// ST02 that are no plain numbers.
    pub set_words: u64,
    pub greatest_set: u32,
}

impl Traffic {
    /// Whether tests (ISA15 = T) are among the interchanges.
    pub fn has_tests(&self) -> bool {
        self.parties.keys().any(|parties| parties.test)
    }

    pub fn interchange(&mut self, header: &Interchange, line_break: &str) {
        self.interchanges += 1;
        let delimiters = header.delimiters;
        let character = |byte: u8| char::from(byte).to_string();
        let mut add = |of, value: String| add(self.traits.entry(of).or_default(), value);
        add(Trait::Authorisation, format!("{} {}", header.element(1), header.element(2)));
        add(Trait::SecurityQualifier, header.element(3));
        add(Trait::StandardsId, header.element(11));
        add(Trait::Version, header.element(12));
        add(Trait::RequestsTa1, header.wants_acknowledgement().to_string());
        add(Trait::Elements, character(delimiters.element));
        add(Trait::Terminator, character(delimiters.segment));
        add(Trait::LineBreak, line_break.to_owned());
        if delimiters.component != 0 {
            add(Trait::Components, character(delimiters.component));
        }
        if let Some(repetition) = delimiters.repetition {
            add(Trait::Repetitions, character(repetition));
        }
        self.interchange_numbers.take(header.control_number().map(|n| n.0));
    }

    pub fn group(&mut self, interchange: &Interchange, group: &Group, direction: Direction) {
        self.groups += 1;
        let mut add = |of, value: String| add(self.traits.entry(of).or_default(), value);
        let form = |element: &str, forms: &[&str]| {
            forms.iter().find(|form| form.len() == element.len()).map(ToString::to_string)
        };
        if let Some(form) = form(&group.element(4), &["yymmdd", "ccyymmdd"]) {
            add(Trait::GroupDate, form);
        }
        if let Some(form) = form(&group.element(5), &["hhmm", "hhmmss", "hhmmssdd"]) {
            add(Trait::GroupTime, form);
        }
        add(Trait::Agency, group.element(7));
        add(Trait::Release, group.version());
        self.group_numbers.take(group.control_number().map(|n| n.0));
        let side = |identity: Identity, group: String| Party {
            qualifier: identity.qualifier,
            id: identity.id,
            group,
        };
        let sender = side(interchange.sender(), group.element(2));
        let receiver = side(interchange.receiver(), group.element(3));
        let (partner, own) = match direction {
            Direction::In => (sender, receiver),
            Direction::Out => (receiver, sender),
        };
        let parties = Parties { test: interchange.is_test(), partner, own };
        if self.parties.len() < VALUES_MAX || self.parties.contains_key(&parties) {
            *self.parties.entry(parties).or_default() += 1;
        }
    }

    pub fn set_number(&mut self, number: &str) {
        *self.set_widths.entry(number.len().min(9)).or_default() += 1;
        match number.parse::<u32>() {
            Ok(number) => self.greatest_set = self.greatest_set.max(number),
            Err(_) => self.set_words += 1,
        }
    }

    /// The most frequent value of a trait, and in how many of how many headers it was.
    pub fn usual(&self, of: Trait) -> Option<(&str, u64, u64)> {
        let values = self.traits.get(&of)?;
        let all = values.values().sum();
        let (value, &count) = values.iter().max_by_key(|(_, count)| **count)?;
        Some((value, count, all))
    }
}

fn add(values: &mut BTreeMap<String, u64>, value: String) {
    if values.len() < VALUES_MAX || values.contains_key(&value) {
        *values.entry(value).or_default() += 1;
    }
}
