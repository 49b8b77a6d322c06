//! Findings: what is wrong with a partner's document, as data.
//!
//! A partner's mistake is never an `Err`. It is a [`Finding`], and everything that shows or answers it (997, 999,
//! TA1, terminal, API, console) renders the same one.

mod code;
mod fault;

pub use code::{Code, Entry};

use std::sync::Arc;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nobody has to act.
    Advice,
    /// Unusual, and common in good files: a code that is not in the list.
    Warning,
    /// Wrong, but what is meant can still be told: the set is accepted with errors.
    Error,
    /// What is meant cannot be told without guessing: the set (group, interchange) is rejected.
    Fatal,
}

/// Where in the input a finding is.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Place {
    /// Byte offset in the input.
    pub offset: u64,
    /// How many bytes from there on it is about; 0 where something is missing.
    pub length: u32,
    /// Tag of the segment (of the missing segment, where one is missing).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub segment: String,
    /// Position of the segment in its transaction set, ST = 1; 0 outside a set. For a missing segment: where it
    /// should have stood.
    #[serde(skip_serializing_if = "is_zero")]
    pub segment_position: u32,
    /// Loops from the outermost, `PO1/SLN`; empty outside any. AK303 and IK303 are its last part.
    #[serde(rename = "loop", skip_serializing_if = "String::is_empty")]
    pub loop_path: String,
    /// Element, 1-based; 0 = the segment as a whole.
    #[serde(skip_serializing_if = "is_zero_16")]
    pub element: u16,
    /// Component, 1-based; 0 = none.
    #[serde(skip_serializing_if = "is_zero_16")]
    pub component: u16,
    /// Repetition, 1-based; 0 = none.
    #[serde(skip_serializing_if = "is_zero_16")]
    pub repetition: u16,
    /// Element number of the dictionary (`330`), for AK402; empty where there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub element_id: String,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

fn is_zero_16(n: &u16) -> bool {
    *n == 0
}

/// The rule that a finding rests on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rule {
    /// File, as the loader was given it.
    pub file: Arc<str>,
    /// 1-based line.
    pub line: u32,
    /// Why the rule is there, where the rule says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where it was agreed: document, page, date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whether it holds only under a condition.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dependent: bool,
}

/// One thing that is wrong, or worth knowing, about a document.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// What kind; `crossdock explain` tells more of it.
    pub code: Code,
    /// How much it weighs here.
    pub severity: Severity,
    /// Where.
    pub place: Place,
    /// The value in question, as it stands there, decoded and cut to 80 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What is wrong, for a person: `PO102 "Quantity ordered" is "ten", which is no number.`
    pub message: String,
    /// How to mend it, for a person.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mend: String,
    /// The rule it rests on, where it rests on one that is written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// Field of the canonical document that the value goes to or came from, where a map says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl Finding {
    /// AK304 and IK304. An agreement that holds only under a condition has codes of its own.
    #[must_use]
    pub fn segment_error(&self) -> Option<&'static str> {
        match self.code {
            Code::AgreedSegmentMissing | Code::AgreedLoopMissing if self.is_dependent() => {
                Some("I6")
            }
            Code::AgreedSegmentForbidden if self.is_dependent() => Some("I9"),
            code => code.entry().segment_error,
        }
    }

    /// AK403 and IK403, likewise.
    #[must_use]
    pub fn element_error(&self) -> Option<&'static str> {
        match self.code {
            Code::AgreedElementMissing if self.is_dependent() => Some("I9"),
            Code::AgreedElementForbidden if self.is_dependent() => Some("I13"),
            code => code.entry().element_error,
        }
    }

    fn is_dependent(&self) -> bool {
        self.rule.as_ref().is_some_and(|rule| rule.dependent)
    }

    /// A finding with the weight that the catalogue gives it.
    #[must_use]
    pub fn new(code: Code, place: Place, message: String, mend: String) -> Self {
        Self {
            code,
            severity: code.entry().severity,
            place,
            value: None,
            message,
            mend,
            rule: None,
            field: None,
        }
    }
}

/// Findings of one set, group or interchange, of which only so many are kept.
///
/// ```
/// use crossdock::findings::{Code, Finding, Findings, Place, Severity};
/// let mut findings = Findings::default();
/// findings.push(Finding::new(Code::SegmentMissing, Place::default(), "BEG is missing.".into(), String::new()));
/// assert_eq!(findings.worst(), Some(Severity::Fatal));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    kept: Vec<Finding>,
    worst: Option<Severity>,
    left_out: u64,
    worst_left_out: Option<Severity>,
}

impl Findings {
    /// Findings that are kept of one set: more than a person reads, and about 5 MB at the worst.
    pub const KEPT_MAX: usize = 10_000;

    /// Adds one; past the bound it is only counted.
    pub fn push(&mut self, finding: Finding) {
        self.worst = self.worst.max(Some(finding.severity));
        if self.kept.len() < Self::KEPT_MAX {
            self.kept.push(finding);
        } else {
            self.left_out += 1;
            self.worst_left_out = self.worst_left_out.max(Some(finding.severity));
        }
    }

    /// Takes back the last finding of which this is true, since another one says it better.
    pub fn retract(&mut self, is_it: impl Fn(&Finding) -> bool) {
        if let Some(at) = self.kept.iter().rposition(is_it) {
            self.kept.remove(at);
        }
    }

    /// Keeps only those of which this is true, since an agreement takes the others back.
    pub fn retain(&mut self, is_kept: impl FnMut(&Finding) -> bool) {
        let count = self.kept.len();
        self.kept.retain(is_kept);
        // What was left out nobody knows any more.
        if self.kept.len() < count && self.left_out == 0 {
            self.worst = self.kept.iter().map(|f| f.severity).max();
        }
    }

    /// The findings, in the order in which they were made.
    #[must_use]
    pub fn as_slice(&self) -> &[Finding] {
        &self.kept
    }

    /// The weight of the heaviest, those that were left out counted.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.worst
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self { kept: std::mem::take(&mut self.kept), ..Self::default() };
        self.kept.clear();
    }

    /// Orders them by place, and says with a last one how many were left out.
    #[must_use]
    pub fn finish(mut self) -> Vec<Finding> {
        self.kept.sort_by_key(|f| (f.place.offset, f.place.element));
        if self.left_out > 0 {
            let place = self.kept.last().map(|f| f.place.clone()).unwrap_or_default();
            let message = format!("{} more findings were left out.", self.left_out);
            let mend = "Mend the first ones, and look again.".into();
            let mut rest = Finding::new(Code::TooManyFindings, place, message, mend);
            // What is left out weighs all the same.
            rest.severity = rest.severity.max(self.worst_left_out.unwrap_or(rest.severity));
            self.kept.push(rest);
        }
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_weighs_all_the_same() {
        let mut findings = Findings::default();
        let finding = |code| Finding::new(code, Place::default(), String::new(), String::new());
        for _ in 0..=Findings::KEPT_MAX {
            findings.push(finding(Code::InvalidCode));
        }
        let only_warnings = findings.clone().finish();
        assert_eq!(only_warnings.iter().map(|f| f.severity).max(), Some(Severity::Warning));
        findings.push(finding(Code::SegmentMissing));
        let all = findings.finish();
        assert_eq!(
            all.last().map(|f| (f.code, f.severity)),
            Some((Code::TooManyFindings, Severity::Fatal))
        );
    }
}
