//! The interchange acknowledgement, TA1, written.

use super::report::is_reported;
use super::{AckPolicy, InterchangeReport, Ta1Policy, Verdict, interchange_verdict};
use crate::findings::Finding;
use crate::x12::Style;

/// TA105 for these findings of an envelope: the note of the weightiest that has one, the first of equals; `000`
/// (no error) where none has.
#[must_use]
pub fn note_code(findings: &[Finding]) -> &'static str {
    let mut best: Option<(&Finding, &'static str)> = None;
    for finding in findings.iter().filter(|finding| is_reported(finding)) {
        let Some(note) = finding.code.entry().interchange_note else { continue };
        if best.is_none_or(|(other, _)| finding.severity > other.severity) {
            best = Some((finding, note));
        }
    }
    best.map_or("000", |(_, note)| note)
}

/// The TA1 segment with its terminator, or `None` where the policy wants none.
///
/// Elements are copied from ISA as they stand there; one that holds a delimiter of `style`, or anything else than
/// printable ASCII, is left empty rather than breaking the answer.
#[must_use]
pub fn write_ta1(
    interchange: &InterchangeReport<'_>,
    policy: &AckPolicy,
    style: &Style,
) -> Option<Vec<u8>> {
    let wanted = match policy.ta1 {
        Ta1Policy::Always => true,
        // A rejected interchange gets no 997, so that its sender would hear nothing at all.
        Ta1Policy::AsRequested => {
            interchange.acknowledgement_requested == "1"
                || interchange_verdict(interchange.findings) == Verdict::Rejected
        }
        Ta1Policy::Never => false,
    };
    if !wanted {
        return None;
    }
    let status = interchange_verdict(interchange.findings).code().unwrap_or("A");
    Some(write(interchange, (status, note_code(interchange.findings)), style))
}

/// The TA1 segment with its terminator that rejects an interchange for a reason that is none of its findings: TA105 is
/// `note`.
#[must_use]
pub fn refuse_by_ta1(interchange: &InterchangeReport<'_>, note: &str, style: &Style) -> Vec<u8> {
    write(interchange, ("R", note), style)
}

fn write(
    interchange: &InterchangeReport<'_>,
    (status, note): (&str, &str),
    style: &Style,
) -> Vec<u8> {
    let mut out = b"TA1".to_vec();
    for value in [interchange.control_number, interchange.date, interchange.time, status, note] {
        out.push(style.delimiters.element);
        if super::write::is_writable(value, style) {
            out.extend_from_slice(value.as_bytes());
        }
    }
    out.push(style.delimiters.segment);
    out.extend_from_slice(&style.suffix);
    out
}
