//! Findings as they are shown: for people with the segment and a caret under the element, for machines as JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::paint::{Paint, severity_word};
use super::scene::Scene;
use super::snippet::{COLUMNS_MAX, Snippet};
use super::{Context, Format};
use crate::findings::{Finding, Severity};

/// A finding as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    file: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    interchange: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    group: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    set_number: Option<&'a str>,
    name: &'static str,
    #[serde(flatten)]
    finding: &'a Finding,
}

/// Writes one finding in the format of the context.
///
/// # Errors
/// What the output reports.
pub fn finding(
    finding: &Finding,
    scene: &Scene<'_>,
    context: &Context,
    out: &mut dyn Write,
) -> io::Result<()> {
    match context.format {
        Format::Human => human(finding, scene, &context.paint, out),
        Format::Json => {
            let line = Line {
                kind: "finding",
                file: scene.file,
                interchange: scene.interchange,
                group: scene.group,
                set: scene.set.map(|(id, _)| id),
                set_number: scene.set.map(|(_, number)| number),
                name: finding.code.entry().name,
                finding,
            };
            serde_json::to_writer(&mut *out, &line)?;
            writeln!(out)
        }
    }
}

/// Writes one finding for a person.
///
/// # Errors
/// What the output reports.
pub fn human(
    finding: &Finding,
    scene: &Scene<'_>,
    paint: &Paint,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (style, strong, rail) = (paint.severity(finding.severity), paint.strong, paint.furniture);
    let word = severity_word(finding.severity);
    let place = &finding.place;
    writeln!(
        out,
        "{style}{word}[{}]{style:#}{strong}: {}{strong:#}",
        finding.code, finding.message
    )?;

    let label =
        if place.segment_position > 0 { place.segment_position.to_string() } else { String::new() };
    let width = label.len().max(3);
    let blank = " ".repeat(width);
    write!(out, "{blank}{rail}-->{rail:#} {}, byte {}", scene.file, place.offset)?;
    writeln!(out, "{}", circumstances(finding, scene))?;

    if let Some((raw, offset)) = scene.segment {
        let start = usize::try_from(place.offset.saturating_sub(offset)).unwrap_or(usize::MAX);
        // `  7 | ` stands before it, and `…` may stand after it.
        let room = paint.room(COLUMNS_MAX, width + 4);
        let snippet = Snippet::new(raw, scene.terminator, start, place.length as usize, room);
        let under = format!("{}{}", " ".repeat(snippet.indent), "^".repeat(snippet.carets));
        let note = if is_missing(finding, raw) { " expected before this" } else { "" };
        writeln!(out, "{blank} {rail}|{rail:#}")?;
        writeln!(out, "{rail}{label:>width$} |{rail:#} {}", snippet.text)?;
        writeln!(out, "{blank} {rail}|{rail:#} {style}{under}{note}{style:#}")?;
    }
    if !finding.mend.is_empty() {
        writeln!(out, "{blank} {rail}={rail:#} mend: {}", finding.mend)?;
    }
    if let Some(field) = &finding.field {
        writeln!(out, "{blank} {rail}={rail:#} field: {field}")?;
    }
    if let Some(rule) = &finding.rule {
        write!(out, "{blank} {rail}={rail:#} rule: {}:{}", rule.file, rule.line)?;
        for words in [&rule.reason, &rule.source].into_iter().flatten() {
            write!(out, ", {words}")?;
        }
        writeln!(out)?;
    }
    writeln!(out)
}

/// Whether the finding misses a segment that would stand before the one at its place.
fn is_missing(finding: &Finding, raw: &[u8]) -> bool {
    let tag = finding.place.segment.as_bytes();
    finding.place.length == 0
        && finding.place.element == 0
        && !tag.is_empty()
        && !raw.starts_with(tag)
}

/// `  (850 0001, segment 5, loop PO1)`
fn circumstances(finding: &Finding, scene: &Scene<'_>) -> String {
    let mut parts = Vec::new();
    if let Some((id, number)) = scene.set {
        parts.push(format!("{id} {number}").trim_end().to_owned());
    } else if !scene.group.is_empty() {
        parts.push(format!("group {}", scene.group));
    } else if !scene.interchange.is_empty() {
        parts.push(format!("interchange {}", scene.interchange));
    }
    if finding.place.segment_position > 0 {
        parts.push(format!("segment {}", finding.place.segment_position));
    }
    if !finding.place.loop_path.is_empty() {
        parts.push(format!("loop {}", finding.place.loop_path));
    }
    if parts.is_empty() { String::new() } else { format!("  ({})", parts.join(", ")) }
}

/// How many findings there were of each severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Rejected for these.
    pub fatal: u64,
    /// Accepted in spite of these.
    pub error: u64,
    /// Unusual.
    pub warning: u64,
    /// Worth knowing.
    pub advice: u64,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, severity: Severity) {
        match severity {
            Severity::Fatal => self.fatal += 1,
            Severity::Error => self.error += 1,
            Severity::Warning => self.warning += 1,
            Severity::Advice => self.advice += 1,
        }
    }

    /// Whether there is one of at least this weight.
    #[must_use]
    pub fn has(&self, severity: Severity) -> bool {
        match severity {
            Severity::Fatal => self.fatal > 0,
            Severity::Error => self.fatal + self.error > 0,
            Severity::Warning => self.fatal + self.error + self.warning > 0,
            Severity::Advice => self.fatal + self.error + self.warning + self.advice > 0,
        }
    }

    /// `1 fatal, 2 errors, 3 warnings`, coloured; `no findings` where there is none.
    #[must_use]
    pub fn words(&self, paint: &Paint) -> String {
        let kinds = [
            (self.fatal, Severity::Fatal, "fatal", "fatal"),
            (self.error, Severity::Error, "error", "errors"),
            (self.warning, Severity::Warning, "warning", "warnings"),
            (self.advice, Severity::Advice, "advice", "advice"),
        ];
        let parts: Vec<_> = kinds
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, severity, one, many)| {
                let style = paint.severity(severity);
                format!(
                    "{style}{} {}{style:#}",
                    grouped(count),
                    if count == 1 { one } else { many }
                )
            })
            .collect();
        if parts.is_empty() {
            format!("{s}no findings{s:#}", s = paint.good)
        } else {
            parts.join(", ")
        }
    }
}

/// What becomes of a set whose heaviest finding has this weight.
#[must_use]
pub fn verdict(worst: Option<Severity>) -> &'static str {
    match worst {
        Some(Severity::Fatal) => "rejected",
        Some(Severity::Error) => "accepted_with_errors",
        _ => "accepted",
    }
}

/// A number with its thousands apart: `1,234,567`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 file`, `2,000 files`.
#[must_use]
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::{Code, Place, Rule};

    fn bad_quantity() -> Finding {
        Finding {
            code: Code::InvalidNumber,
            severity: Severity::Fatal,
            place: Place {
                offset: 1206,
                length: 3,
                segment: "PO1".into(),
                segment_position: 7,
                loop_path: "PO1".into(),
                element: 2,
                element_id: "330".into(),
                ..Place::default()
            },
            value: Some("ten".into()),
            message: "PO102 \"Quantity ordered\" is \"ten\", which is no number".into(),
            mend: "write the quantity in digits".into(),
            rule: Some(Rule {
                file: "004010/segments.grammar".into(),
                line: 12,
                reason: Some("Quantities are counted".into()),
                source: Some("Guide 3.1, page 12".into()),
                dependent: false,
            }),
            field: Some("lines[0].quantity".into()),
        }
    }

    fn scene(raw: &[u8]) -> Scene<'_> {
        Scene {
            file: "order.edi",
            interchange: "000000007",
            group: "7",
            set: Some(("850", "0001")),
            segment: Some((raw, 1200)),
            terminator: Some(b'~'),
        }
    }

    #[test]
    fn a_person_sees_the_segment_the_value_the_mend_and_the_rule() {
        let mut out = Vec::new();
        let scene = scene(b"PO1*1*ten*EA*9.25**UP*012345678905");
        human(&bad_quantity(), &scene, &Paint::default(), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        fatal[E11]: PO102 "Quantity ordered" is "ten", which is no number
           --> order.edi, byte 1206  (850 0001, segment 7, loop PO1)
            |
          7 | PO1*1*ten*EA*9.25**UP*012345678905~
            |       ^^^
            = mend: write the quantity in digits
            = field: lines[0].quantity
            = rule: 004010/segments.grammar:12, Quantities are counted, Guide 3.1, page 12
        "#);
    }

    #[test]
    fn a_missing_segment_is_shown_before_the_one_that_stands_there() {
        let mut finding = bad_quantity();
        finding.code = Code::SegmentMissing;
        finding.message = "BEG \"Beginning\" is missing".into();
        finding.place =
            Place { offset: 1200, segment: "BEG".into(), segment_position: 2, ..Place::default() };
        (finding.rule, finding.field, finding.value) = (None, None, None);
        let mut out = Vec::new();
        human(&finding, &scene(b"REF*DP*12"), &Paint::default(), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        fatal[S03]: BEG "Beginning" is missing
           --> order.edi, byte 1200  (850 0001, segment 2)
            |
          2 | REF*DP*12~
            | ^ expected before this
            = mend: write the quantity in digits
        "#);
    }

    #[test]
    fn numbers_have_their_thousands_apart() {
        assert_eq!(
            ["1", "999", "1,000", "1,234,567"],
            [1, 999, 1000, 1_234_567].map(grouped).map(|s| s.leak() as &str)
        );
    }
}
