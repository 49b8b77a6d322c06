//! The lines of a set: areas, loops and places.

use super::facts::{self, Locate};
use super::syntax::{At, Place};
use super::words::{Fault, Read, Token, Words};
use super::{Reader, Within};
use crate::grammar::{Area, Requirement};

/// The deepest loops of X12 are five deep.
const LOOPS_DEEP_MAX: usize = 16;

impl Reader {
    pub(super) fn area(&mut self, words: &mut Words<'_, '_>) -> Read<()> {
        let token = words.word("an area")?;
        let area = match token.text {
            "heading" => Area::Heading,
            "detail" => Area::Detail,
            _ => Area::Summary,
        };
        self.in_places(token)?;
        if let Some(&open) = self.open.last() {
            let name = self.set.places[open].name.clone();
            self.open.clear();
            self.area = Some(area);
            let message = format!("`{}` inside the loop {name}", token.text);
            return Err(Fault::new(token.offset, message, format!("close it first: `end {name}`")));
        }
        let assumed = std::mem::take(&mut self.area_assumed);
        if !assumed && self.area.is_some_and(|before| before >= area) {
            let message = format!("`{}` comes too late", token.text);
            let mend = "each area stands once: heading, detail, summary";
            return Err(Fault::new(token.offset, message, mend));
        }
        self.area = Some(area);
        words.finish()
    }

    /// Fails where places cannot stand.
    pub(super) fn in_places(&self, token: Token<'_>) -> Read<()> {
        if self.within == Within::Places {
            return Ok(());
        }
        let message = format!("`{}` cannot stand here", token.text);
        let mend = if self.is_set {
            "put it in front of the first `segment`, `composite` or `codes`"
        } else {
            "areas, loops and places belong into the file of a set"
        };
        Err(Fault::new(token.offset, message, mend))
    }

    pub(super) fn open_loop(&mut self, words: &mut Words<'_, '_>, at: At) -> Read<()> {
        let keyword = words.word("a loop")?;
        self.in_places(keyword)?;
        // Opened even where the line is bad, so that its `end` has something to close.
        let index = self.push_place(String::new(), true, at);
        self.open.push(index);
        let token = words.word("the loop's name, like `N1`")?;
        self.set.places[index].name = facts::tag(token)?;
        if self.open.len() > LOOPS_DEEP_MAX {
            let message = format!("more than {LOOPS_DEEP_MAX} loops inside each other");
            return Err(Fault::new(keyword.offset, message, "is an `end` missing above?"));
        }
        self.place_facts(index, words)?;
        self.in_area(token)
    }

    pub(super) fn place_facts(&mut self, index: usize, words: &mut Words<'_, '_>) -> Read<()> {
        let place = &mut self.set.places[index];
        let facts = facts::place(words, place.is_loop)?;
        place.requirement = facts.requirement;
        place.max_use = facts.max_use;
        place.title = facts.title;
        place.nested = facts.nested;
        place.broken = false;
        Ok(())
    }

    pub(super) fn in_area(&mut self, token: Token<'_>) -> Read<()> {
        if self.area.is_some() {
            return Ok(());
        }
        self.area = Some(Area::Heading);
        self.area_assumed = true;
        let message = format!("`{}` stands in no area", token.text);
        Err(Fault::new(token.offset, message, "open one in front of it: `heading`"))
    }

    pub(super) fn push_place(&mut self, name: String, is_loop: bool, at: At) -> usize {
        self.set.places.push(Place {
            at,
            parent: self.open.last().copied(),
            is_loop,
            name,
            requirement: Requirement::Optional,
            max_use: Some(1),
            title: None,
            nested: None,
            area: self.area.unwrap_or(Area::Heading),
            broken: true,
        });
        self.set.places.len() - 1
    }

    pub(super) fn close_loop(&mut self, words: &mut Words<'_, '_>) -> Read<()> {
        let keyword = words.word("an end")?;
        self.in_places(keyword)?;
        let token = words.word("the name of the loop that ends")?;
        let Some(&open) = self.open.last() else {
            let message = format!("`end {}` where no loop is open", token.text);
            return Err(Fault::new(keyword.offset, message, "take it out"));
        };
        let expected = self.set.places[open].name.clone();
        // Where an outer loop has that name, the ends between are missing; else the name is misspelled.
        let matching = self.open.iter().rposition(|&o| self.set.places[o].name == token.text);
        self.open.truncate(matching.unwrap_or(self.open.len() - 1));
        if expected != token.text && !expected.is_empty() {
            let message = format!("`end {}` where the loop {expected} is open", token.text);
            let mend = match matching {
                Some(_) => format!("close it first: `end {expected}`"),
                None => format!("did you mean `end {expected}`?"),
            };
            return Err(Fault::new(token.offset, message, mend));
        }
        words.finish()
    }

    pub(super) fn report_open_loops(&mut self, place: &str) {
        for open in std::mem::take(&mut self.open) {
            let (name, at) = (self.set.places[open].name.clone(), self.set.places[open].at);
            let message = format!("the loop {name} is still open {place}");
            self.error(at, &message, &format!("close it: `end {name}`"));
        }
    }

    pub(super) fn place(&mut self, words: &mut Words<'_, '_>, locate: Locate<'_>) -> Read<()> {
        let token = words.word("a segment")?;
        let index = self.push_place(String::new(), false, locate(token.offset));
        self.set.places[index].name = facts::tag(token)?;
        self.place_facts(index, words)?;
        self.in_area(token)
    }
}
