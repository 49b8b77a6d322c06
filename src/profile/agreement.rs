//! What is agreed for one set in one direction and release, and what there is to agree on.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::Date;

use super::documents::DocumentFlow;
use super::envelope::Envelope;
use super::section::{Section, Words};
use crate::grammar::{self, Grammar};
use crate::map::{self, Map};
pub use crate::overlay::Direction;
use crate::overlay::Overlay;

/// Whether something is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum State {
    /// Nothing of it is done: what comes is set aside for a person.
    Off,
    /// It is translated and recorded, and nothing of it is sent or delivered.
    Shadow,
    /// In force.
    #[default]
    Live,
}

impl Words for Direction {
    const WORDS: &'static [(&'static str, Self)] = &[("in", Self::In), ("out", Self::Out)];
}

/// The agreement for one set in one direction and release, ready for use.
#[derive(Debug, Clone)]
pub struct Agreement {
    /// Where it goes.
    pub direction: Direction,
    /// The canonical kind of document: `order`.
    pub kind: Arc<str>,
    /// What flows, and when.
    pub flow: Arc<DocumentFlow>,
    /// How the set is built.
    pub grammar: Arc<Grammar>,
    /// How it is read and written.
    pub map: Arc<Map>,
    /// The rules beyond the grammar, where there are any.
    pub overlay: Option<Arc<Overlay>>,
    /// How an interchange of ours with it looks.
    pub envelope: Arc<Envelope>,
}

impl Agreement {
    /// ST01.
    #[must_use]
    pub fn set(&self) -> &str {
        self.map.set()
    }

    /// The first six characters of GS08.
    #[must_use]
    pub fn release(&self) -> &str {
        self.map.release()
    }

    /// GS08 of what we send.
    #[must_use]
    pub fn version(&self) -> String {
        self.envelope.version(self.release())
    }

    /// The levels in which it is written, from the outermost; `None`: as the document says.
    #[must_use]
    pub fn hierarchy(&self) -> Option<&[String]> {
        let own = Some(self.flow.hierarchy.as_slice()).filter(|levels| !levels.is_empty());
        own.or_else(|| self.overlay.as_deref().and_then(Overlay::hierarchy))
    }

    /// Whether it is in force on a day.
    #[must_use]
    pub fn state_on(&self, day: Date) -> State {
        self.flow.state_on(day)
    }
}

/// What can be agreed on: the grammars and maps that are loaded.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub grammars: &'a grammar::Library,
    pub maps: &'a map::Library,
}

/// Which group's sets are acknowledgements: they flow by themselves, never as documents.
const ACKNOWLEDGEMENT_GROUP: &str = "FA";

impl<'a> Known<'a> {
    /// The maps of documents, acknowledgements left out.
    pub(super) fn document_maps(&self) -> impl Iterator<Item = &'a Arc<Map>> {
        let Self { grammars, maps } = *self;
        maps.maps().filter(move |map| {
            let grammar = grammars.grammar(map.set(), map.release());
            grammar.is_some_and(|grammar| grammar.group != ACKNOWLEDGEMENT_GROUP)
        })
    }

    /// The kinds of document.
    pub(super) fn kinds(&self) -> Vec<&'a str> {
        let kinds: BTreeSet<&str> = self.document_maps().map(|map| map.document()).collect();
        kinds.into_iter().collect()
    }

    /// The releases that any grammar has.
    pub(super) fn releases(&self) -> Vec<&'a str> {
        let releases = self.grammars.sets().map(|grammar| grammar.release.as_str());
        releases.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The releases in which there is a grammar of a set.
    pub(super) fn releases_of(&self, set: &str) -> Vec<&'a str> {
        let of_set = self.grammars.sets().filter(|grammar| grammar.set == set);
        of_set.map(|grammar| grammar.release.as_str()).collect()
    }

    /// Holds a release against those that there are.
    pub(super) fn check_release(&self, section: &mut Section<'_>, key: &str, release: &str) {
        if release.len() != 6 || !super::envelope::digits(release) {
            section.wrong_key(key, "is six digits, such as 004010");
        } else if !self.releases().contains(&release) {
            let releases = self.releases().join("`, `");
            let words =
                format!("cannot be {release}: there is no grammar of it; known are `{releases}`");
            section.wrong_key(key, words);
        }
    }
}
