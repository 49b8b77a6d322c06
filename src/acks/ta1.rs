//! The interchange acknowledgement, TA1, written.

use super::report::is_reported;
use super::{AckPolicy, InterchangeReport, Ta1Policy, Verdict, interchange_verdict};
use crate::findings::{Code, Finding};
use crate::x12::Style;

/// TA105 for each element of ISA that is not as it must be (code list I18).
const ISA_NOTES: [&str; 16] = [
    "010", "011", "012", "013", "005", "006", "007", "008", "014", "015", "016", "017", "018",
    "019", "020", "027",
];

/// TA105 for these findings of an envelope: the note of the weightiest that has one, the first of equals; `000`
/// (no error) where none has.
#[must_use]
pub fn note_code(findings: &[Finding]) -> &'static str {
    let mut best: Option<(&Finding, &'static str)> = None;
    for finding in findings.iter().filter(|finding| is_reported(finding)) {
        let element = Some(finding.place.element).filter(|_| finding.code == Code::IsaElement);
        let of_element = element.and_then(|at| ISA_NOTES.get(usize::from(at).checked_sub(1)?));
        let note = of_element.copied().or(finding.code.entry().interchange_note);
        let Some(note) = note else { continue };
        if best.is_none_or(|(other, _)| finding.severity > other.severity) {
            best = Some((finding, note));
        }
    }
    best.map_or("000", |(_, note)| note)
}

/// The TA1 segment with its terminator, or `None` where the policy wants none.
///
/// Elements are copied from ISA as they stand there; of one that holds a delimiter of `style`, or anything else than
/// printable ASCII, only the digits are, rather than breaking the answer. An interchange without a number has nobody to
/// be answered to.
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
    if interchange.control_number.trim().is_empty() {
        return None;
    }
    let status = interchange_verdict(interchange.findings).code().unwrap_or("A");
    let note = match note_code(interchange.findings) {
        "000" if status != "A" => "024",
        note => note,
    };
    Some(write(interchange, (status, note), style))
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
    let copied = |value: &str| {
        let is_writable = super::write::is_writable(value, style);
        value.chars().filter(|c| is_writable || c.is_ascii_digit()).collect::<String>()
    };
    let (number, date) = (copied(interchange.control_number), copied(interchange.date));
    let time = Some(copied(interchange.time)).filter(|time| !time.is_empty());
    let mut out = b"TA1".to_vec();
    for value in [&number, &date, time.as_deref().unwrap_or("0000"), status, note] {
        out.push(style.delimiters.element);
        out.extend_from_slice(value.as_bytes());
    }
    out.push(style.delimiters.segment);
    out.extend_from_slice(&style.suffix);
    out
}
