//! Findings in plain text, for the note that lies beside what was set aside.

use std::fmt::Write as _;

use super::translation::Received;
use crate::findings::Finding;

/// Findings that a note lists; the acknowledgement and `crossdock validate` have all.
const FINDINGS_MAX: usize = 200;

/// What is wrong with an interchange, set by set.
pub(super) fn of_received(received: &Received) -> String {
    let mut text = of_findings(&received.findings);
    for set in received.sets.iter().filter(|set| !set.findings.is_empty()) {
        let fate = if set.accepted { "accepted" } else { "rejected" };
        let _ = writeln!(text, "{} {fate}", set.label());
        text.push_str(&of_findings(&set.findings));
    }
    text
}

/// One line a finding, the mend below it.
pub(super) fn of_findings(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings.iter().take(FINDINGS_MAX) {
        let place = &finding.place;
        let segment = match place.segment_position {
            0 => place.segment.clone(),
            position => format!("segment {position} {}", place.segment),
        };
        // What a canonical document lacks stands in a field of it, and the words name that.
        let colon = if segment.is_empty() { "" } else { ": " };
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{segment}{colon}{}", finding.message);
        if !finding.mend.is_empty() {
            let _ = writeln!(text, "    {}", finding.mend);
        }
        if let Some(rule) = &finding.rule {
            let place = format!("{}:{}", rule.file, rule.line);
            let said = [Some(&place), rule.reason.as_ref(), rule.source.as_ref()];
            let said: Vec<&str> = said.into_iter().flatten().map(String::as_str).collect();
            let _ = writeln!(text, "    rule: {}", said.join(", "));
        }
    }
    if let Some(more) = findings.len().checked_sub(FINDINGS_MAX).filter(|more| *more > 0) {
        let _ = writeln!(text, "and {more} more");
    }
    text
}
