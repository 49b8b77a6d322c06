//! The 997 and 999 that answer a group, written set by set as the group is read.

use super::report::is_reported;
use super::rules::Rules;
use super::{AckKind, AckPolicy, GroupHeader, GroupTrailer, SetReport, Verdict, set_verdict};
use crate::findings::{Finding, Severity};
use crate::grammar::Grammar;
use crate::x12::Style;

/// AK4 segments below one AK3, at most (the set's own limit).
const ELEMENT_NOTES_MAX: usize = 99;
/// AK502 to AK506 and AK905 to AK909.
const ERROR_CODES_MAX: usize = 5;
/// AK902 to AK904 have six digits.
const COUNT_MAX: u32 = 999_999;

/// A finished acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// ST to SE, in the style that was given.
    pub bytes: Vec<u8>,
    /// Segments in it, ST and SE counted.
    pub segments: u32,
    /// What the group is told.
    pub verdict: Verdict,
    /// AK903.
    pub received: u32,
    /// AK904.
    pub accepted: u32,
}

/// The acknowledgement of one group, as it grows. It holds only what it has written: about 30 bytes for each set
/// that is accepted.
///
/// Nothing that a partner sent can break it: values that hold a delimiter of the style or anything but printable
/// ASCII are left out, codes that the release lacks are replaced by the nearest that it has.
pub struct GroupAnswer<'a> {
    rules: Rules<'a>,
    policy: &'a AckPolicy,
    style: &'a Style,
    tags: Tags,
    /// Whether the release names a set and its status by simple elements, as all do.
    names_sets: bool,
    control_number: String,
    out: Vec<u8>,
    segments: u32,
    received: u32,
    accepted: u32,
    with_errors: bool,
    /// Where AK501 stands for each set that is listed and not rejected: a fatal finding of the group that comes to
    /// light at its end rejects them as well.
    accepted_at: Vec<usize>,
}

/// The segments that differ between 997 and 999.
#[derive(Clone, Copy)]
struct Tags {
    segment_note: &'static str,
    element_note: &'static str,
    set_status: &'static str,
}

impl<'a> GroupAnswer<'a> {
    /// Writes ST and AK1. `grammar` is that of the 997 or 999 in the release of the answer, `control_number` is
    /// the answer's ST02.
    #[must_use]
    pub fn begin(
        group: &GroupHeader<'_>,
        policy: &'a AckPolicy,
        grammar: &'a Grammar,
        style: &'a Style,
        control_number: &str,
    ) -> Self {
        let tags = match policy.kind {
            AckKind::Functional => {
                Tags { segment_note: "AK3", element_note: "AK4", set_status: "AK5" }
            }
            AckKind::Implementation => {
                Tags { segment_note: "IK3", element_note: "IK4", set_status: "IK5" }
            }
        };
        let rules = Rules::new(grammar);
        let named_by = [("AK2", 1), ("AK2", 2), (tags.set_status, 1)];
        let mut answer = Self {
            rules,
            names_sets: named_by.iter().all(|&(tag, at)| rules.components(tag, at) == 1),
            policy,
            style,
            tags,
            control_number: control_number.to_owned(),
            out: Vec::with_capacity(256),
            segments: 0,
            received: 0,
            accepted: 0,
            with_errors: false,
            accepted_at: Vec::new(),
        };
        let implementation = match (policy.kind, &policy.release) {
            (AckKind::Implementation, Some(release)) if release.len() > 6 => release.as_str(),
            _ => "",
        };
        answer.write("ST", &[policy.kind.set(), control_number, implementation]);
        // AK102 must be there. 0 is no number that a group may have.
        let number = Some(group.control_number).filter(|n| !n.is_empty() && is_writable(n, style));
        answer.write("AK1", &[group.functional_id, number.unwrap_or("0"), group.version]);
        answer
    }

    /// Adds a set of the group, and tells what becomes of it.
    pub fn add_set(&mut self, set: &SetReport<'_>) -> Verdict {
        let verdict = set_verdict(set.findings, self.policy.errors_as);
        self.received = self.received.saturating_add(1);
        if verdict != Verdict::Rejected {
            self.accepted = self.accepted.saturating_add(1);
        }
        self.with_errors |= verdict == Verdict::AcceptedWithErrors;
        // A set that has no name cannot be answered; AK9 counts it.
        let named = !set.id.is_empty() && !set.control_number.is_empty();
        if !named || (verdict == Verdict::Accepted && !self.policy.report_accepted) {
            return verdict;
        }
        if verdict == Verdict::Accepted && set.findings.is_empty() && self.write_accepted(set) {
            return verdict;
        }
        self.write("AK2", &[set.id, set.control_number, set.implementation]);
        if verdict != Verdict::Accepted {
            self.write_segment_notes(set);
        }
        let mut elements = vec![verdict.code().unwrap_or_default()];
        elements.extend(
            self.codes(self.tags.set_status, 2, set.findings, |f| f.code.entry().set_error),
        );
        if verdict != Verdict::Rejected {
            self.accepted_at.push(self.out.len() + self.tags.set_status.len() + 1);
        }
        self.write(self.tags.set_status, &elements);
        verdict
    }

    /// Writes what is said of nearly every set: that it is accepted, with nothing to note. `false`, and nothing
    /// written, where the release or the set make that a matter to be looked at.
    fn write_accepted(&mut self, set: &SetReport<'_>) -> bool {
        let usual = self.names_sets
            && set.implementation.is_empty()
            && is_writable(set.id, self.style)
            && is_writable(set.control_number, self.style);
        if usual {
            self.write_raw("AK2", &[set.id.as_bytes(), set.control_number.as_bytes()]);
            let status = self.tags.set_status;
            self.accepted_at.push(self.out.len() + status.len() + 1);
            self.write_raw(status, &[b"A"]);
        }
        usual
    }

    /// Writes AK9 and SE.
    #[must_use]
    pub fn finish(mut self, group: &GroupTrailer<'_>) -> Answer {
        let verdict = self.group_verdict(group.findings);
        if verdict == Verdict::Rejected {
            self.accepted = 0;
            for &at in &self.accepted_at {
                if let Some(status) = self.out.get_mut(at) {
                    *status = b'R';
                }
            }
        }
        let count = |n: u32| n.min(COUNT_MAX).to_string();
        let stated = count(group.stated.unwrap_or(self.received));
        let (received, accepted) = (count(self.received), count(self.accepted));
        let mut elements =
            vec![verdict.code().unwrap_or_default(), stated.as_str(), &received, &accepted];
        elements.extend(self.codes("AK9", 5, group.findings, |f| f.code.entry().group_error));
        self.write("AK9", &elements);
        let segments = (self.segments + 1).to_string();
        let control_number = std::mem::take(&mut self.control_number);
        self.write("SE", &[&segments, &control_number]);
        Answer {
            bytes: self.out,
            segments: self.segments,
            verdict,
            received: self.received,
            accepted: self.accepted,
        }
    }

    /// A fatal finding of the group rejects it whole; otherwise its sets decide.
    fn group_verdict(&self, findings: &[Finding]) -> Verdict {
        let own = set_verdict(findings, self.policy.errors_as);
        let rejected = self.received - self.accepted;
        if own == Verdict::Rejected || (rejected > 0 && self.accepted == 0) {
            Verdict::Rejected
        } else if rejected > 0 {
            Verdict::PartiallyAccepted
        } else if own == Verdict::AcceptedWithErrors || self.with_errors {
            Verdict::AcceptedWithErrors
        } else {
            Verdict::Accepted
        }
    }

    /// AK3 with its AK4s, in the order of the segments.
    fn write_segment_notes(&mut self, set: &SetReport<'_>) {
        let tag = self.tags.segment_note;
        // Codes that the release tells as one are one.
        let known = |code| self.rules.code(tag, 4, code).unwrap_or_default();
        let mut noted: Vec<(&Finding, &'a str)> = set
            .findings
            .iter()
            .filter(|finding| is_reported(finding) && finding.place.segment_position > 0)
            .filter_map(|finding| Some((finding, known(finding.segment_error()?))))
            .collect();
        let key = |&(finding, code): &(&Finding, &'a str)| {
            (finding.place.segment_position, finding.place.segment.clone(), code)
        };
        // Stable: findings of one segment stay in the order they were made.
        noted.sort_by_cached_key(key);
        for same in noted.chunk_by(|a, b| key(a) == key(b)) {
            let Some(&(first, code)) = same.first() else { continue };
            if !self.write_segment_note(set, first, code) {
                continue;
            }
            let mut written: Vec<Vec<String>> = Vec::new();
            for (finding, _) in same {
                let Some(note) = self.element_note(finding).filter(|note| !written.contains(note))
                else {
                    continue;
                };
                if written.len() < ELEMENT_NOTES_MAX {
                    let elements: Vec<&str> = note.iter().map(String::as_str).collect();
                    self.write(self.tags.element_note, &elements);
                    written.push(note);
                }
            }
        }
    }

    /// AK3, and CTX below an IK3. A segment whose name cannot be said (too short, or not of letters and digits) has
    /// none; one that is too long is named by its first three characters.
    fn write_segment_note(&mut self, set: &SetReport<'_>, finding: &Finding, code: &str) -> bool {
        let place = &finding.place;
        let name: String = place.segment.chars().take(3).collect();
        if name.len() < 2 || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return false;
        }
        let tag = self.tags.segment_note;
        let position = place.segment_position.to_string();
        if !self.rules.fits(tag, 2, &position) {
            return false;
        }
        let loop_name =
            Some(loop_name(&place.loop_path)).filter(|name| self.rules.fits(tag, 3, name));
        self.write(tag, &[&name, &position, loop_name.unwrap_or_default(), code]);
        if let (AckKind::Implementation, Some((field, value))) = (self.policy.kind, set.known_as)
            && !value.is_empty()
            && is_writable(value, self.style)
            && value.len() <= 35
        {
            let context = format!("{field}{}{value}", char::from(self.style.delimiters.component));
            self.write_raw("CTX", &[context.as_bytes()]);
        }
        true
    }

    /// The elements of AK4; `None` where the finding is about no element, or the release has no code for it.
    fn element_note(&self, finding: &Finding) -> Option<Vec<String>> {
        let place = &finding.place;
        let tag = self.tags.element_note;
        let code = self.rules.code(tag, 3, finding.element_error()?)?;
        let position = place.element.to_string();
        if place.element == 0 || !self.rules.fits(tag, 1, &position) {
            return None;
        }
        let known = self.rules.components(tag, 1);
        let mut parts = vec![position];
        for part in [place.component, place.repetition].into_iter().take(known.saturating_sub(1)) {
            parts.push(if part == 0 { String::new() } else { part.to_string() });
        }
        while parts.last().is_some_and(String::is_empty) {
            parts.pop();
        }
        let separator = char::from(self.style.delimiters.component).to_string();
        let number = place.element_id.bytes().all(|b| b.is_ascii_digit());
        let element_id = if number { place.element_id.clone() } else { String::new() };
        Some(vec![parts.join(&separator), element_id, code.to_owned(), self.bad_value(finding)])
    }

    /// AK404: the bad value, cut to what fits; empty where copying it would break the answer.
    fn bad_value(&self, finding: &Finding) -> String {
        let value = finding.value.as_deref().unwrap_or_default();
        let value = value.trim_end().get(..99).unwrap_or(value).trim_end();
        if is_writable(value, self.style) { value.to_owned() } else { String::new() }
    }

    /// The distinct codes of the findings, in their order, as the release has them.
    fn codes(
        &self,
        tag: &str,
        position: usize,
        findings: &[Finding],
        code: impl Fn(&Finding) -> Option<&'static str>,
    ) -> Vec<&'a str> {
        let mut codes: Vec<&'a str> = Vec::new();
        // What rejects is named before what is merely noted: only five find room.
        for severity in [Severity::Fatal, Severity::Error] {
            for finding in findings.iter().filter(|finding| finding.severity == severity) {
                let Some(code) =
                    code(finding).and_then(|code| self.rules.code(tag, position, code))
                else {
                    continue;
                };
                if codes.len() < ERROR_CODES_MAX && !codes.contains(&code) {
                    codes.push(code);
                }
            }
        }
        codes
    }

    /// Writes a segment; an element that the release lacks or that cannot be written is left empty, and empty ones
    /// at the end are left out. Lengths are not looked at: an identifier that is too long is named as it stands.
    fn write(&mut self, tag: &str, elements: &[&str]) {
        let mut kept: Vec<&[u8]> = Vec::with_capacity(elements.len());
        for (index, &value) in elements.iter().enumerate() {
            let kept_as_is = match self.rules.components(tag, index + 1) {
                0 => false,
                1 => is_writable(value, self.style),
                _ => true,
            };
            kept.push(if kept_as_is { value.as_bytes() } else { b"" });
        }
        self.write_raw(tag, &kept);
    }

    fn write_raw(&mut self, tag: &str, elements: &[&[u8]]) {
        let last = elements.iter().rposition(|element| !element.is_empty()).map_or(0, |i| i + 1);
        self.out.extend_from_slice(tag.as_bytes());
        for element in elements.iter().take(last) {
            self.out.push(self.style.delimiters.element);
            self.out.extend_from_slice(element);
        }
        self.out.push(self.style.delimiters.segment);
        self.out.extend_from_slice(&self.style.suffix);
        self.segments = self.segments.saturating_add(1);
    }
}

/// Whether a value can stand in what we write: printable ASCII without a delimiter.
pub(super) fn is_writable(value: &str, style: &Style) -> bool {
    value.bytes().all(|b| (b' '..=b'~').contains(&b) && !style.delimiters.contains(b))
}

/// AK303: the innermost loop's name, without the number that tells two of one name apart.
fn loop_name(path: &str) -> &str {
    let last = path.rsplit('/').next().unwrap_or(path);
    last.split('#').next().unwrap_or(last)
}
