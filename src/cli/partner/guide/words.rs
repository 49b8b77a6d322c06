//! Rules in the words of the trade.

use crate::overlay::{Kind, RuleView};

/// A path: `N104` of `N1` with `ST`.
pub(super) fn path(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut steps: Vec<String> = steps(text).into_iter().map(step).collect();
    let Some(last) = steps.pop() else { return String::new() };
    steps.reverse();
    steps.iter().fold(last, |words, around| format!("{words}, in {around}"))
}

/// Where the element at the end of a path is meant: in `N1` with `ST`. Empty where it is meant wherever it stands.
pub(super) fn around(text: &str) -> String {
    if !text.contains('[') {
        return String::new();
    }
    let mut steps = steps(text);
    let last = steps.pop().unwrap_or_default();
    let mut parts = Vec::new();
    if let Some((range, codes)) = last.split_once('[') {
        let pairs = match range.split_once("..") {
            Some((_, end)) => format!(", in any of the pairs up to `{end}`"),
            None => String::new(),
        };
        parts.push(format!("with {}{pairs}", or(codes.trim_end_matches(']'))));
    }
    parts.extend(
        steps.into_iter().rev().filter(|s| s.contains('[')).map(|s| format!("in {}", step(s))),
    );
    parts.join(", ")
}

/// The steps of a path; a slash inside brackets parts none.
fn steps(text: &str) -> Vec<&str> {
    let (mut steps, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            '/' if depth == 0 => {
                steps.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    steps.push(&text[start..]);
    steps
}

fn step(text: &str) -> String {
    let (name, qualifier) = match text.split_once('[') {
        Some((name, rest)) => (name, rest.trim_end_matches(']')),
        None => (text, ""),
    };
    let name = match name.split_once("..") {
        Some((first, last)) => format!("`{first}` to `{last}`"),
        None if name.bytes().all(|b| b.is_ascii_digit()) => format!("element {name}"),
        None => format!("`{name}`"),
    };
    match qualifier.split_once('=') {
        _ if qualifier.is_empty() => name,
        Some((position, codes)) => format!("{name} with {} in element {position}", or(codes)),
        None => format!("{name} with {}", or(qualifier)),
    }
}

/// `ST,BT` → `ST` or `BT`.
fn or(codes: &str) -> String {
    let codes: Vec<String> =
        codes.split([',', ' ']).filter(|c| !c.is_empty()).map(|c| format!("`{c}`")).collect();
    match codes.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// What a rule asks of what its path names; `None` for a rule that is nothing to the partner.
pub(super) fn demand(rule: &RuleView<'_>) -> Option<String> {
    let what = rule.what().trim();
    let equation = what.trim_start_matches('=').trim();
    Some(match rule.kind() {
        Kind::Require => "must be sent".to_owned(),
        Kind::Forbid => "must not be sent".to_owned(),
        Kind::Limit if what == "1" => "once at most".to_owned(),
        Kind::Limit => format!("{what} times at most"),
        Kind::Length => length(what, if rule.is_of_numbers() { "digit" } else { "character" }),
        Kind::Type => format!("is {}", data_type(what)),
        Kind::Codes => match what.strip_prefix('+') {
            Some(more) => format!("may be {} too", or(more)),
            None => format!("is {}", or(what)),
        },
        Kind::Allow => "may be sent, though the standard has it not".to_owned(),
        Kind::Unique => match what.strip_prefix("within ") {
            Some(around) => format!("no value twice in one {}", path(around)),
            None => "no value twice in a document".to_owned(),
        },
        Kind::Count => format!("states the number of {}", path(equation)),
        Kind::Sum => format!("states the sum `{equation}`"),
        Kind::Digits => match what {
            "sscc" => "an SSCC-18 with a right check digit".to_owned(),
            "gtin" => "a GTIN with a right check digit".to_owned(),
            "upc" => "a UPC-A with a right check digit".to_owned(),
            _ => "a GLN with a right check digit".to_owned(),
        },
        Kind::Hierarchy => {
            format!("the levels are {}, from the outermost", what.replace(' ', ", "))
        }
        Kind::Against if what == "shipment quantity" => "no more than was shipped".to_owned(),
        Kind::Against => match what.rsplit(' ').next() {
            Some("quantity") => "no more than was ordered".to_owned(),
            Some("lines") => "only lines that the order has".to_owned(),
            Some(other) => format!("the {other} is that of the order"),
            None => return None,
        },
        Kind::Map => return None,
    })
}

fn length(what: &str, unit: &str) -> String {
    match what.split_once('/') {
        Some(("1", "1")) => format!("has exactly 1 {unit}"),
        Some((min, max)) if min == max => format!("has exactly {min} {unit}s"),
        Some((min, max)) => format!("has {min} to {max} {unit}s"),
        None => format!("has {what} {unit}s"),
    }
}

fn data_type(what: &str) -> &str {
    match what {
        "N0" => "a whole number",
        "N1" => "a number without a point, the last digit a decimal",
        "N2" => "a number without a point, the last two digits decimals",
        "N3" => "a number without a point, the last three digits decimals",
        "N4" => "a number without a point, the last four digits decimals",
        "R" => "a number",
        "DT" => "a date",
        "TM" => "a time",
        other => other,
    }
}

/// When a rule holds: `BEG02 = DS and N1[BT] present`.
pub(super) fn condition(text: &str) -> String {
    let parts = text.split(" and ").map(|part| {
        let (place, test) = part.trim().split_once(' ').unwrap_or((part, ""));
        let place = path(place);
        match test.split_once(' ') {
            Some(("=", codes)) => format!("{place} is {}", or(codes)),
            Some(("!=", codes)) => format!("{place} is not {}", or(codes)),
            _ if test == "present" => format!("{place} is sent"),
            _ => format!("{place} is not sent"),
        }
    });
    parts.collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_conditions_can_be_read_aloud() {
        assert_eq!(path("REF[DP]"), "`REF` with `DP`");
        assert_eq!(path("N1[ST,BT]/N104"), "`N104`, in `N1` with `ST` or `BT`");
        assert_eq!(path("PO1/PO106..PO125[UP]"), "`PO106` to `PO125` with `UP`, in `PO1`");
        assert_eq!(path("SAC[02=D240]"), "`SAC` with `D240` in element 02");
        assert_eq!(
            condition("BEG02 = DS OS and N1[BT] present"),
            "`BEG02` is `DS` or `OS` and `N1` with `BT` is sent"
        );
    }
}
