//! The quick pass.

use super::plan::Rule;
use crate::grammar::Grammar;

/// Which places any rule speaks of.
#[derive(Debug, Clone, Default)]
pub(super) struct Scan;

impl Scan {
    pub(super) fn new(_: &[Rule], _: &Grammar) -> Self {
        Self
    }
}
