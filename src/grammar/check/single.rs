//! Checks single segments: those of the envelope, which belong to no set.

use std::sync::Arc;

use super::element::ElementCheck;
use super::plan::Plans;
use super::report::{Reporter, Words};
use crate::findings::Findings;
use crate::grammar::Dictionary;
use crate::x12::{Delimiters, Segment};

/// Checks single segments against a dictionary: those of the envelope.
#[derive(Debug, Clone)]
pub struct SegmentChecker {
    dictionary: Arc<Dictionary>,
    plans: Plans,
}

impl SegmentChecker {
    /// Works a dictionary out.
    #[must_use]
    pub fn new(dictionary: Arc<Dictionary>) -> Self {
        let plans = Plans::new(
            &dictionary.segments,
            &dictionary.composites,
            dictionary.codes.iter().map(Arc::as_ref),
        );
        Self { dictionary, plans }
    }

    /// Checks the elements of a segment that the dictionary knows. Findings are about no set.
    pub fn check(&self, segment: Segment<'_>, delimiters: Delimiters, findings: &mut Findings) {
        let tag = segment.tag();
        let Some(at) = self.dictionary.segments.iter().position(|s| s.tag == tag) else { return };
        let words =
            Words { composites: &self.dictionary.composites, codes: &self.dictionary.codes };
        let mut reporter = Reporter {
            findings,
            words,
            definition: &self.dictionary.segments[at],
            segment,
            position: 0,
            loop_path: "",
        };
        let elements = ElementCheck { plans: &self.plans, delimiters };
        elements.segment(&self.plans.segments[at], segment, &mut reporter);
    }
}
