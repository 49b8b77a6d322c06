//! Overlays: what a partner has agreed for one set beyond the grammar of its release, read from text, laid over each
//! other, and checked (`docs/overlay-language.md`).
//!
//! It must never know a particular partner, set or segment: all it knows of them stands in overlays and grammars.

mod against;
mod check;
mod compile;
mod parse;
mod plan;
mod scan;
mod source;
mod view;

pub use against::{Compared, Comparison};
pub use parse::parse_overlay;
pub use scan::Scratch;
pub use source::{Direction, Kind, OverlaySource};
pub use view::RuleView;

use std::sync::Arc;

use crate::findings::Findings;
use crate::grammar::{Checker, Grammar, LineError, Tree, Walked};
use crate::map::{ExtraLine, Implied};
use crate::x12::Segments;
use plan::{Rule, Test};
use scan::Scan;

/// The rules in force for one set in one release: a few kilobytes beside the grammar, which is shared.
#[derive(Debug, Clone)]
pub struct Overlay {
    grammar: Arc<Grammar>,
    rules: Vec<Rule>,
    warnings: Vec<LineError>,
    scan: Scan,
    hierarchy: Option<Vec<String>>,
    comparisons: Vec<Comparison>,
}

impl Overlay {
    /// Lays overlays over each other, the outermost base first, and holds them against a grammar.
    ///
    /// # Errors
    /// Whatever leaves the meaning unclear, all of it: paths that the grammar lacks, rules that contradict each other,
    /// an inherited rule taken back that is not there, more rules than an overlay may have.
    pub fn compile(
        layers: &[&OverlaySource],
        grammar: &Arc<Grammar>,
    ) -> Result<Self, Vec<LineError>> {
        compile::compile(layers, grammar)
    }

    fn new(grammar: Arc<Grammar>, rules: Vec<Rule>, warnings: Vec<LineError>, scan: Scan) -> Self {
        let hierarchy = rules.iter().find_map(|rule| match &rule.test {
            Test::Hierarchy { levels, .. } => Some(levels.iter().map(|l| l.name.clone()).collect()),
            _ => None,
        });
        let comparisons = rules.iter().filter_map(view::comparison).collect();
        Self { grammar, rules, warnings, scan, hierarchy, comparisons }
    }

    /// Whether a value can stand as a code in `codes` and in conditions of an overlay.
    #[must_use]
    pub fn takes_code(value: &str) -> bool {
        parse::is_code(value)
    }

    /// What its author should know: rules that can never fire, rules without a source.
    #[must_use]
    pub fn warnings(&self) -> &[LineError] {
        &self.warnings
    }

    /// The rules in force, in the order of the layers.
    pub fn rules(&self) -> impl Iterator<Item = RuleView<'_>> {
        self.rules.iter().map(|rule| RuleView::new(rule, &self.grammar))
    }

    /// The grammar that it is held against.
    #[must_use]
    pub fn grammar(&self) -> &Arc<Grammar> {
        &self.grammar
    }

    /// Checks a set that was walked and checked against the grammar. `findings` are those of that check: some are
    /// taken back where the overlay allows what the grammar does not; those of the overlay are added.
    pub fn check(&self, walked: &Walked<'_>, findings: &mut Findings) {
        self.check_with(walked, &mut Scratch::default(), findings);
    }

    /// The same, with what is reused from set to set.
    pub fn check_with(&self, walked: &Walked<'_>, scratch: &mut Scratch, findings: &mut Findings) {
        check::check(self, walked, scratch, findings);
    }

    /// Walks a set and checks it, against the grammar and these rules at once: the same findings as by one after the
    /// other, sooner. `checker` is of the same set and release, else it checks alone.
    pub fn walk(
        &self,
        checker: &Checker,
        set: &Segments<'_>,
        walk: (&mut crate::grammar::Scratch, &mut Tree),
        scratch: &mut Scratch,
        findings: &mut Findings,
    ) {
        check::walk(self, checker, set, walk, scratch, findings);
    }

    /// The levels of a set with a nested loop, from the outermost, by name: what the writer is given.
    #[must_use]
    pub fn hierarchy(&self) -> Option<&[String]> {
        self.hierarchy.as_deref()
    }

    /// The lines for the map of the set: what [`crate::map::Variants`] is given.
    pub fn map_lines(&self) -> impl Iterator<Item = ExtraLine<'_>> {
        self.rules.iter().filter_map(view::map_line)
    }

    /// Numbers that come with other implied decimals than their type has: what the map of the set is told too.
    pub fn implied(&self) -> impl Iterator<Item = Implied> {
        self.rules.iter().filter_map(|rule| compile::agreed_decimals(&self.grammar, rule))
    }

    /// What is compared with the order, where both documents are at hand.
    #[must_use]
    pub fn against(&self) -> &[Comparison] {
        &self.comparisons
    }
}
