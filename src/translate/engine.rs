//! The grammars that are loaded, each worked out once when it is first needed.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::grammar::{Checker, Grammar, Library, SegmentChecker};

/// Grammars, ready for use. Shared by all threads.
#[derive(Debug)]
pub struct Engine {
    grammars: Library,
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
    /// The grammars that come with the program.
    #[must_use]
    pub fn embedded() -> Self {
        Self::new(Library::embedded())
    }

    /// Grammars of one's own.
    #[must_use]
    pub fn new(grammars: Library) -> Self {
        let sets = grammars.sets().map(|grammar| {
            let key = (grammar.set.clone(), grammar.release.clone());
            (key, Prepared { grammar: Arc::clone(grammar), checker: OnceLock::new() })
        });
        let sets = sets.collect();
        let envelope = SegmentChecker::new(Arc::clone(grammars.envelope()));
        Self { grammars, sets, envelope }
    }

    /// The grammars.
    #[must_use]
    pub fn grammars(&self) -> &Library {
        &self.grammars
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
