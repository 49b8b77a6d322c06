//! The agreement in force, row by row: what `show`, `diff`, `guide` and the journal of a reload print.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::problem::Origin;

/// One row of the agreement in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The section: `envelope`, `documents.order`, `850.overlay`; empty for what stands at the top.
    pub section: Arc<str>,
    /// What of it: a key, a path of the set.
    pub subject: String,
    /// What is agreed, in words.
    pub value: String,
    /// Where it stands; nothing where nobody said it and the usual holds.
    pub origin: Option<Origin>,
    /// By which document it was agreed: name, page, date.
    pub source: Option<Arc<str>>,
    /// Why, where the rule says so.
    pub reason: Option<Arc<str>>,
    /// Whether it is a rule that documents are held against, and not a setting.
    pub rule: bool,
}

/// How two agreements differ in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference<'a> {
    /// Only the second has it.
    Added(&'a Row),
    /// Only the first has it.
    Removed(&'a Row),
    /// Both have it, with other values.
    Changed(&'a Row, &'a Row),
}

impl Difference<'_> {
    /// Whether a check becomes looser by it, or may become so: a rule that goes, one that allows something, or one
    /// that says something else of which it cannot be told that it is stricter.
    #[must_use]
    pub fn may_loosen(&self) -> bool {
        match self {
            Self::Added(row) => row.rule && (allows(row) || may_allow(row)),
            Self::Removed(row) => row.rule && !allows(row),
            Self::Changed(before, after) => {
                (before.rule || after.rule) && !is_stricter(before, after)
            }
        }
    }

    /// Whether a check becomes stricter by it, and certainly no looser.
    #[must_use]
    pub fn tightens(&self) -> bool {
        match self {
            Self::Added(row) => row.rule && !allows(row) && !may_allow(row),
            Self::Removed(row) => row.rule && allows(row),
            Self::Changed(before, after) => before.rule && after.rule && is_stricter(before, after),
        }
    }
}

/// Whether a rule takes findings back rather than making some.
fn allows(row: &Row) -> bool {
    row.value.split(' ').next() == Some("allow")
}

/// Whether a rule may allow what the grammar does not: other codes, another length or type, another way to read it.
fn may_allow(row: &Row) -> bool {
    let kind = row.value.split(' ').next().unwrap_or_default();
    matches!(kind, "codes" | "length" | "type" | "map")
}

/// Settings by how strict they are: what stands later keeps more back.
const STRICTER: [(&str, &str, &[&str]); 7] = [
    ("acknowledgements", "errors_as", &["accepted", "rejected"]),
    ("acknowledgements", "out_of_sequence", &["accept", "hold"]),
    ("duplicates", "interchange", &["ignore", "acknowledge-again", "quarantine"]),
    ("duplicates", "group", &["ignore", "finding", "reject"]),
    ("duplicates", "set", &["ignore", "finding", "reject"]),
    ("duplicates", "documents", &["deliver", "record"]),
    ("processing", "group", &["split", "whole"]),
];

/// The weights of a rule, as its row ends with them; that of an error is not written.
const WEIGHTS: [&str; 4] = [" as advice", " as warning", "", " as fatal"];

/// Whether it can be told that a row is stricter than it was: a setting that keeps more back, the same rule with more
/// weight, a lower limit.
fn is_stricter(before: &Row, after: &Row) -> bool {
    for (section, subject, words) in STRICTER {
        if before.section.as_ref() == section && before.subject == subject {
            let place = |row: &Row| words.iter().position(|word| *word == row.value);
            return place(before).zip(place(after)).is_some_and(|(old, new)| new > old);
        }
    }
    if allows(before) || allows(after) {
        return false;
    }
    let ((old, old_weight), (new, new_weight)) = (weighed(&before.value), weighed(&after.value));
    if old == new {
        return new_weight > old_weight;
    }
    let limit = |rule: &str| rule.strip_prefix("limit ")?.trim().parse::<u32>().ok();
    new_weight >= old_weight && limit(old).zip(limit(new)).is_some_and(|(old, new)| new < old)
}

/// A rule without its weight, and the weight.
fn weighed(value: &str) -> (&str, usize) {
    for (weight, words) in WEIGHTS.iter().enumerate().filter(|(_, words)| !words.is_empty()) {
        if let Some(rule) = value.strip_suffix(words) {
            return (rule, weight);
        }
    }
    (value, 2)
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |row: &Row| match row.section.as_ref() {
            "" => row.subject.clone(),
            section => format!("{section} {}", row.subject),
        };
        match self {
            Self::Added(row) => write!(f, "added {} = {}", name(row), row.value),
            Self::Removed(row) => write!(f, "removed {} = {}", name(row), row.value),
            Self::Changed(before, after) => {
                write!(f, "changed {} from {} to {}", name(before), before.value, after.value)
            }
        }
    }
}

/// What is different in `after`, in the order of its rows; what is gone comes last. Where the rows stand does not
/// count.
#[must_use]
pub fn differences<'a>(before: &'a [Row], after: &'a [Row]) -> Vec<Difference<'a>> {
    let key = |row: &'a Row| (row.section.as_ref(), row.subject.as_str());
    // A rule may stand several times on one path: each has its turn.
    let mut left: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    for row in before {
        left.entry(key(row)).or_default().push(row);
    }
    let mut new = Vec::new();
    for row in after {
        let same = left.get_mut(&key(row)).and_then(|rows| {
            let at = rows.iter().position(|old| old.value == row.value)?;
            Some(rows.remove(at))
        });
        if same.is_none() {
            new.push(row);
        }
    }
    let mut found = Vec::new();
    for row in new {
        let old =
            left.get_mut(&key(row)).filter(|rows| !rows.is_empty()).map(|rows| rows.remove(0));
        found.push(old.map_or(Difference::Added(row), |old| Difference::Changed(old, row)));
    }
    let gone: Vec<&Row> = left.into_values().flatten().collect();
    let is_gone = |row: &&Row| gone.iter().any(|left| std::ptr::eq(*left, *row));
    found.extend(before.iter().filter(is_gone).map(Difference::Removed));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(subject: &str, value: &str, rule: bool) -> Row {
        Row {
            section: "850".into(),
            subject: subject.to_owned(),
            value: value.to_owned(),
            origin: None,
            source: None,
            reason: None,
            rule,
        }
    }

    #[test]
    fn what_is_added_removed_and_changed_is_told() {
        let before =
            [row("REF", "require", true), row("N1", "limit 1", true), row("a", "1", false)];
        let after = [row("N1", "limit 2", true), row("a", "1", false), row("b", "2", false)];
        let found = differences(&before, &after);
        let words: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "changed 850 N1 from limit 1 to limit 2",
                "added 850 b = 2",
                "removed 850 REF = require"
            ]
        );
        assert_eq!(found.iter().filter(|d| d.tightens()).count(), 0);
        assert_eq!(
            found.iter().map(Difference::may_loosen).collect::<Vec<_>>(),
            [true, false, true]
        );
        assert!(differences(&before, &before).is_empty());
    }

    #[test]
    fn what_is_stricter_is_told_from_what_may_be_looser() {
        let cases = [
            ("limit 2", "limit 1", true),
            ("limit 1", "limit 2", false),
            ("require as warning", "require", true),
            ("require", "require as warning", false),
            ("require when BEG02 = SA", "require", false),
            ("limit 2", "limit 1 as warning", false),
            ("codes A B", "codes A C", false),
        ];
        for (from, to, stricter) in cases {
            let (before, after) = (row("N1", from, true), row("N1", to, true));
            let difference = Difference::Changed(&before, &after);
            assert_eq!(difference.tightens(), stricter, "{from} to {to}");
            assert_eq!(difference.may_loosen(), !stricter, "{from} to {to}");
        }
        let allow = row("N1", "allow N199", true);
        assert!(Difference::Added(&allow).may_loosen());
        assert!(Difference::Removed(&allow).tightens());
    }
}
