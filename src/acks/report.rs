//! What is answered: plain data that the reading of an interchange fills, and what follows from its findings.

use super::{ErrorsAs, Verdict};
use crate::findings::{Finding, Severity};

/// The interchange that a TA1 answers.
#[derive(Debug, Clone, Copy)]
pub struct InterchangeReport<'a> {
    /// ISA13.
    pub control_number: &'a str,
    /// ISA09, YYMMDD.
    pub date: &'a str,
    /// ISA10, HHMM.
    pub time: &'a str,
    /// ISA14: `1` asks for a TA1.
    pub acknowledgement_requested: &'a str,
    /// The findings of the envelope: those of ISA and IEA, not those of groups and sets.
    pub findings: &'a [Finding],
}

/// The header of the group that a 997 or 999 answers.
#[derive(Debug, Clone, Copy)]
pub struct GroupHeader<'a> {
    /// GS01.
    pub functional_id: &'a str,
    /// GS06.
    pub control_number: &'a str,
    /// GS08.
    pub version: &'a str,
}

/// The end of that group.
#[derive(Debug, Clone, Copy)]
pub struct GroupTrailer<'a> {
    /// GE01; `None` where it is missing or no number: the number of sets received stands in for it.
    pub stated: Option<u32>,
    /// The findings of the group: those of GS and GE, not those of its sets.
    pub findings: &'a [Finding],
}

/// A transaction set of that group.
#[derive(Debug, Clone, Copy)]
pub struct SetReport<'a> {
    /// ST01.
    pub id: &'a str,
    /// ST02.
    pub control_number: &'a str,
    /// ST03; empty where there is none.
    pub implementation: &'a str,
    /// What the document is known by to people, as the element that holds it and its value (`BEG03`, `PO-1001`):
    /// a 999 names it in CTX.
    pub known_as: Option<(&'a str, &'a str)>,
    /// All findings of the set.
    pub findings: &'a [Finding],
}

/// What becomes of a set: rejected by a fatal finding, accepted with errors (or rejected, as the policy says) by
/// an error, accepted otherwise. Warnings and advice never count.
#[must_use]
pub fn set_verdict(findings: &[Finding], errors_as: ErrorsAs) -> Verdict {
    match (findings.iter().map(|f| f.severity).max(), errors_as) {
        (Some(Severity::Fatal), _) | (Some(Severity::Error), ErrorsAs::Rejected) => {
            Verdict::Rejected
        }
        (Some(Severity::Error), ErrorsAs::Accepted) => Verdict::AcceptedWithErrors,
        _ => Verdict::Accepted,
    }
}

/// What becomes of an interchange, by the findings of its envelope.
#[must_use]
pub fn interchange_verdict(findings: &[Finding]) -> Verdict {
    set_verdict(findings, ErrorsAs::Accepted)
}

/// Whether a finding goes into an acknowledgement.
pub(super) fn is_reported(finding: &Finding) -> bool {
    finding.severity >= Severity::Error
}
