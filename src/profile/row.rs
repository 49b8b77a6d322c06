//! The agreement in force, row by row: what `show`, `diff`, `guide` and the journal of a reload print.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::effect::Effect;
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
    /// Whether a check becomes looser by it, or may become so: a rule that goes, or that says something else.
    #[must_use]
    pub fn may_loosen(&self) -> bool {
        matches!(self.effect(), Effect::Loosens | Effect::Unclear)
    }

    /// Whether a check becomes stricter by it, and certainly no looser.
    #[must_use]
    pub fn tightens(&self) -> bool {
        self.effect() == Effect::Tightens
    }
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
    // Rules of several kinds may stand on one path; a rule is compared with those of its kind.
    let kind = |row: &'a Row| {
        let is_overlay = row.rule && row.section.contains(' ');
        if is_overlay { row.value.split(' ').next().unwrap_or_default() } else { "" }
    };
    let key = |row: &'a Row| (row.section.as_ref(), row.subject.as_str(), kind(row));
    // One of a kind may stand several times on one path: each has its turn.
    let mut left: BTreeMap<(&str, &str, &str), Vec<&Row>> = BTreeMap::new();
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
    // What is gone stands with the rest of its section.
    let mut sections: Vec<&str> = Vec::new();
    for row in after.iter().chain(before) {
        if !sections.contains(&row.section.as_ref()) {
            sections.push(&row.section);
        }
    }
    found.sort_by_key(|difference| {
        sections.iter().position(|section| *section == difference.row().section.as_ref())
    });
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
        assert_eq!(
            found.iter().map(Difference::may_loosen).collect::<Vec<_>>(),
            [true, false, true]
        );
        assert!(differences(&before, &before).is_empty());
    }
}
