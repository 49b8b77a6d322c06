//! Whether a difference of two agreements makes a check tighter or looser, where that can be told.

use std::cmp::Ordering::{self, Equal, Greater, Less};

use super::row::{Difference, Row};

/// What a difference does to the check of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Some documents that were good are not any more.
    Tightens,
    /// Some documents that were not good are now.
    Loosens,
    /// It is a rule, and it may do either.
    Unclear,
    /// No rule: documents are not held against it.
    Setting,
}

impl Effect {
    /// As it is shown; nothing for a setting.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Tightens => "tightens",
            Self::Loosens => "loosens",
            Self::Unclear => "may loosen",
            Self::Setting => "",
        }
    }

    fn reversed(self) -> Self {
        match self {
            Self::Tightens => Self::Loosens,
            Self::Loosens => Self::Tightens,
            other => other,
        }
    }
}

impl<'a> Difference<'a> {
    /// The row as it is now, or as it was where it is gone.
    #[must_use]
    pub fn row(&self) -> &'a Row {
        match self {
            Self::Added(row) | Self::Removed(row) | Self::Changed(_, row) => row,
        }
    }

    /// What it does to the check.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match self {
            Self::Added(row) if row.rule => of_added(row),
            Self::Removed(row) if row.rule => of_added(row).reversed(),
            Self::Changed(before, after) if before.rule || after.rule => of_changed(before, after),
            _ => Effect::Setting,
        }
    }
}

/// A rule as its row says it: `limit 1 when BEG02 = DS as warning`.
struct Said<'a> {
    kind: &'a str,
    what: &'a str,
    condition: &'a str,
    weight: usize,
}

/// The weight, among those of a rule, that the grammar gives a code that is in no list.
const UNLISTED: usize = 1;

fn said(value: &str) -> Said<'_> {
    const WEIGHTS: [&str; 4] = ["advice", "warning", "error", "fatal"];
    let (rest, weight) = value.rsplit_once(" as ").unwrap_or((value, ""));
    let (rest, condition) = rest.split_once(" when ").unwrap_or((rest, ""));
    let (kind, what) = rest.split_once(' ').unwrap_or((rest, ""));
    let usual = if kind == "codes" && what.starts_with('+') { UNLISTED } else { 2 };
    let weight = WEIGHTS.iter().position(|word| *word == weight).unwrap_or(usual);
    Said { kind, what, condition, weight }
}

/// Rules that permit what would be found without them.
fn permits(rule: &Said<'_>) -> bool {
    rule.kind == "allow" || (rule.kind == "codes" && rule.what.starts_with('+'))
}

/// Rules that permit some, and find more fault with the rest than the grammar does: `codes PATH + A as error`.
fn does_both(rule: &Said<'_>) -> bool {
    permits(rule) && rule.kind == "codes" && rule.weight > UNLISTED
}

fn of_added(row: &Row) -> Effect {
    let rule = said(&row.value);
    match rule.kind {
        _ if !row.section.contains(' ') => of_added_setting(row),
        "map" => Effect::Setting,
        _ if does_both(&rule) => Effect::Unclear,
        _ if permits(&rule) => Effect::Loosens,
        _ => Effect::Tightens,
    }
}

/// Of settings that are not there unless somebody wrote them.
fn of_added_setting(row: &Row) -> Effect {
    match row.section.split('.').next() {
        Some("documents") => Effect::Tightens,
        Some("identity") => Effect::Loosens,
        _ => Effect::Unclear,
    }
}

/// Settings by how strict they are: what stands later keeps more back. They may stand in any table of the section.
const STRICTER: [(&str, &str, &[&str]); 11] = [
    ("envelope", "charset", &["utf-8", "latin-1", "extended", "basic"]),
    ("envelope", "delimiter_in_data", &["replace", "refuse"]),
    ("acknowledgements", "errors_as", &["accepted", "rejected"]),
    ("acknowledgements", "match", &["set", "group"]),
    ("acknowledgements", "out_of_sequence", &["accept", "hold"]),
    ("duplicates", "interchange", &["ignore", "acknowledge-again", "quarantine"]),
    ("duplicates", "group", &["ignore", "finding", "reject"]),
    ("duplicates", "set", &["ignore", "finding", "reject"]),
    ("duplicates", "documents", &["deliver", "record"]),
    ("processing", "group", &["split", "whole"]),
    ("processing", "separators_found", &["ignore", "advice", "warning", "error"]),
];

fn of_changed(before: &Row, after: &Row) -> Effect {
    let table = before.section.split('.').next().unwrap_or_default();
    for (section, subject, words) in STRICTER {
        if table == section && before.subject == subject {
            let place = |row: &Row| words.iter().position(|word| *word == row.value);
            return match place(before).zip(place(after)) {
                Some((old, new)) if new > old => Effect::Tightens,
                Some((old, new)) if new < old => Effect::Loosens,
                _ => Effect::Unclear,
            };
        }
    }
    // A setting that documents are held against: which way it goes is not in its words.
    if !before.section.contains(' ') {
        return of_days(table, before, after);
    }
    let (old, new) = (said(&before.value), said(&after.value));
    if old.kind != new.kind || (old.condition != new.condition) {
        let same = old.kind == new.kind && old.what == new.what && old.weight == new.weight;
        let effect = match (old.condition, new.condition) {
            _ if !same || does_both(&new) => Effect::Unclear,
            ("", _) => Effect::Loosens,
            (_, "") => Effect::Tightens,
            _ => Effect::Unclear,
        };
        return if permits(&new) { effect.reversed() } else { effect };
    }
    let by_weight = new.weight.cmp(&old.weight);
    let by_what = match old.kind {
        "map" => return Effect::Setting,
        _ if old.what == new.what => Some(Equal),
        "limit" => numbers(&old, &new).map(|(old, new)| old.cmp(&new)),
        "length" => lengths(old.what, new.what),
        "codes" => codes(&old, &new),
        _ => None,
    };
    match by_what.map(|what| (what, by_weight)) {
        Some((Equal, Greater) | (Greater, Equal | Greater)) => Effect::Tightens,
        Some((Equal, Less) | (Less, Equal | Less)) => Effect::Loosens,
        Some((Equal, Equal)) => Effect::Setting,
        _ => Effect::Unclear,
    }
}

/// Days from and until which documents flow; of other settings it cannot be told.
fn of_days(table: &str, before: &Row, after: &Row) -> Effect {
    // Days are written so that they sort as texts.
    match (table, before.subject.as_str(), after.value.cmp(&before.value)) {
        ("documents", "from", Greater) | ("documents", "until", Less) => Effect::Tightens,
        ("documents", "from", Less) | ("documents", "until", Greater) => Effect::Loosens,
        _ => Effect::Unclear,
    }
}

fn numbers(old: &Said<'_>, new: &Said<'_>) -> Option<(u32, u32)> {
    Some((old.what.parse().ok()?, new.what.parse().ok()?))
}

/// `Greater`: the new one is tighter.
fn lengths(old: &str, new: &str) -> Option<Ordering> {
    let read = |text: &str| -> Option<(u32, u32)> {
        let (min, max) = text.split_once('/')?;
        Some((min.parse().ok()?, max.parse().ok()?))
    };
    let (old, new) = (read(old)?, read(new)?);
    if new.0 >= old.0 && new.1 <= old.1 {
        Some(Greater)
    } else if new.0 <= old.0 && new.1 >= old.1 {
        Some(Less)
    } else {
        None
    }
}

/// `Greater`: the new one is tighter.
fn codes(old: &Said<'_>, new: &Said<'_>) -> Option<Ordering> {
    if permits(old) != permits(new) {
        return None;
    }
    let has = |of: &Said<'_>, code: &str| of.what.split(' ').any(|own| own == code);
    let fewer = new.what.split(' ').all(|code| has(old, code));
    let more = old.what.split(' ').all(|code| has(new, code));
    let tighter = match (fewer, more) {
        (true, true) => Equal,
        (true, false) => Greater,
        (false, true) => Less,
        (false, false) => return None,
    };
    Some(tighter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: &str) -> Row {
        Row {
            section: "850 in 004010".into(),
            subject: "REF[DP]".to_owned(),
            value: value.to_owned(),
            origin: None,
            source: None,
            reason: None,
            rule: true,
        }
    }

    #[test]
    fn what_makes_a_check_tighter_or_looser_is_told() {
        use Effect::{Loosens, Setting, Tightens, Unclear};
        assert_eq!(Difference::Added(&row("require")).effect(), Tightens);
        assert_eq!(Difference::Removed(&row("require")).effect(), Loosens);
        assert_eq!(Difference::Added(&row("allow")).effect(), Loosens);
        assert_eq!(Difference::Removed(&row("codes + ACL")).effect(), Tightens);
        assert_eq!(Difference::Removed(&row("codes + ACL as error")).effect(), Unclear);
        for (before, after, effect) in [
            ("limit 1", "limit 2", Loosens),
            ("limit 3", "limit 2", Tightens),
            ("length 1/10", "length 4/4", Tightens),
            ("length 4/4", "length 1/10", Loosens),
            ("length 1/4", "length 2/5", Unclear),
            ("codes 00 05", "codes 00", Tightens),
            ("codes 00", "codes 00 05", Loosens),
            ("codes 00", "codes 05", Unclear),
            ("codes + A", "codes + A B", Loosens),
            ("codes + A as error", "codes + A", Loosens),
            ("codes + A", "codes + A as error", Tightens),
            ("codes + A", "codes + A as warning", Setting),
            ("codes + A", "codes + A B as error", Unclear),
            ("allow when BEG02 = DS", "allow", Loosens),
            ("allow", "allow when BEG02 = DS", Tightens),
            ("codes + A when BEG02 = DS", "codes + A", Loosens),
            ("codes + A when BEG02 = DS as error", "codes + A as error", Unclear),
            ("require as warning", "require", Tightens),
            ("require", "require as advice", Loosens),
            ("require", "forbid", Unclear),
            ("require", "require when BEG02 = DS", Loosens),
            ("require when BEG02 = DS", "require", Tightens),
            ("limit 1 as warning", "limit 2 as error", Unclear),
            ("sum = A", "sum = B", Unclear),
            ("map REF[IA]/02", "map REF[IB]/02", Setting),
        ] {
            let (old, new) = (row(before), row(after));
            assert_eq!(Difference::Changed(&old, &new).effect(), effect, "{before} → {after}");
        }
    }
}
