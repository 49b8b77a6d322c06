//! The grammars that are loaded, each worked out once when it is first needed.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::canonical;
use crate::grammar::{Checker, Grammar, Library, LoadError, SegmentChecker};
use crate::map;

/// Grammars and maps, ready for use. Shared by all threads.
#[derive(Debug)]
pub struct Engine {
    grammars: Library,
    maps: map::Library,
    sets: HashMap<(String, String), Prepared>,
    envelope: SegmentChecker,
}

/// One set in one release.
#[derive(Debug)]
struct Prepared {
    grammar: Arc<Grammar>,
    checker: OnceLock<Checker>,
}

impl Engine {
    /// The grammars and maps that come with the program.
    ///
    /// # Panics
    /// Never: that the embedded files load is tested.
    #[must_use]
    pub fn embedded() -> Self {
        Self::new(Library::embedded(), &map::Library::embedded_sources())
            .expect("the embedded maps fit the embedded grammars")
    }

    /// Grammars and maps of one's own.
    ///
    /// # Errors
    /// Every fault of the maps.
    pub fn new(grammars: Library, maps: &[crate::grammar::SourceFile]) -> Result<Self, LoadError> {
        let maps = map::Library::from_sources(maps, &grammars, canonical::schema)?;
        let sets = grammars.sets().map(|grammar| {
            let key = (grammar.set.clone(), grammar.release.clone());
            (key, Prepared { grammar: Arc::clone(grammar), checker: OnceLock::new() })
        });
        let sets = sets.collect();
        let envelope = SegmentChecker::new(Arc::clone(grammars.envelope()));
        Ok(Self { grammars, maps, sets, envelope })
    }

    /// The grammars.
    #[must_use]
    pub fn grammars(&self) -> &Library {
        &self.grammars
    }

    /// The maps.
    #[must_use]
    pub fn maps(&self) -> &map::Library {
        &self.maps
    }

    /// The checker of a set, chosen by the first six characters of GS08.
    #[must_use]
    pub fn checker(&self, set: &str, version: &str) -> Option<&Checker> {
        let release: String = version.chars().take(6).collect();
        let prepared = self.sets.get(&(set.to_owned(), release))?;
        Some(prepared.checker.get_or_init(|| Checker::new(Arc::clone(&prepared.grammar))))
    }

    /// Whether the set is known in any release.
    #[must_use]
    pub fn knows(&self, set: &str) -> bool {
        self.sets.keys().any(|(known, _)| known == set)
    }

    /// The checker of ISA, GS and TA1.
    #[must_use]
    pub fn envelope(&self) -> &SegmentChecker {
        &self.envelope
    }
}
