//! Between walked sets and canonical documents, by the maps.

use super::Engine;
use crate::canonical::Document;
use crate::findings::Finding;
use crate::grammar::Walked;

/// Reads a set into its document. `None` where no map reads the set, or where something would have to be guessed.
pub(super) fn read(_engine: &Engine, _walked: &Walked<'_>) -> (Option<Document>, Vec<Finding>) {
    (None, Vec::new())
}

/// Notes in each finding the field of the canonical document that its value goes to.
pub(super) fn name_fields(_engine: &Engine, _walked: &Walked<'_>, _findings: &mut [Finding]) {}
