//! What two versions of the same differ in: lines of X12, fields of a document, findings. Control numbers, dates and
//! times of the envelope are left out: they are never the same twice.

use serde::Serialize;
use serde_json::Value;

use crate::findings::Finding;
use crate::gateway::NotedFinding;

/// Lines that are compared one with another; more than that are told as a whole. 4 million cells are 16 MB.
const CELLS_MAX: usize = 4_000_000;
/// Length of an ISA that we write.
const ISA_BYTES: usize = 106;
/// Fields and lines of one difference that are told.
pub const TOLD_MAX: usize = 200;

/// A line that only one side has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Whether it is new; else it is gone.
    pub is_new: bool,
    /// A segment as it stands there.
    pub text: String,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Field {
    /// `lines[0].quantity`
    pub path: String,
    /// What stood there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// A finding that only one side has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// Whether it is new; else it is gone.
    pub is_new: bool,
    /// What.
    pub finding: NotedFinding,
}

/// What of an interchange of ours is left out of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Control numbers and the clock.
    Numbered,
    /// What ISA02 and ISA04 say as well: it may be a secret.
    Sent,
}

/// The segments of interchanges of ours, one a line.
pub(super) fn segments(bytes: &[u8], shown: Shown) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while let Some(start) = memchr::memmem::find(rest, b"ISA") {
        rest = rest.get(start..).unwrap_or_default();
        // We write every ISA at its fixed length.
        let (Some(&element), Some(&segment)) = (rest.get(3), rest.get(ISA_BYTES - 1)) else {
            break;
        };
        let mut end = 0;
        for raw in rest.split(|&byte| byte == segment) {
            end += raw.len() + 1;
            let text = String::from_utf8_lossy(raw.trim_ascii()).into_owned();
            let last = text.starts_with("IEA");
            lines.push(plain(&text, char::from(element), shown));
            if last {
                break;
            }
        }
        rest = rest.get(end..).unwrap_or_default();
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// A segment without what is never the same twice.
fn plain(text: &str, separator: char, shown: Shown) -> String {
    let mut elements: Vec<&str> = text.split(separator).collect();
    let left_out: &[usize] = match (elements.first().copied().unwrap_or_default(), shown) {
        ("ISA", Shown::Numbered) => &[9, 10, 13],
        ("ISA", Shown::Sent) => &[2, 4, 9, 10, 13],
        ("GS", _) => &[4, 5, 6],
        ("ST", _) => &[2],
        ("SE" | "GE" | "IEA", _) => &[1, 2],
        _ => &[],
    };
    for &position in left_out {
        if let Some(element) = elements.get_mut(position) {
            *element = "…";
        }
    }
    elements.join(&separator.to_string())
}

/// The lines that only one of the two has, in their order.
pub(super) fn lines(before: &[String], after: &[String]) -> Vec<Line> {
    let same = |(a, b): &(&String, &String)| a == b;
    let start = before.iter().zip(after).take_while(same).count();
    let (before, after) = (&before[start..], &after[start..]);
    let end = before.iter().rev().zip(after.iter().rev()).take_while(same).count();
    let (before, after) = (&before[..before.len() - end], &after[..after.len() - end]);
    let line = |is_new: bool, text: &String| Line { is_new, text: text.clone() };
    let (rows, columns) = (before.len(), after.len());
    if rows.saturating_mul(columns) > CELLS_MAX {
        let gone = before.iter().map(|text| line(false, text));
        return gone.chain(after.iter().map(|text| line(true, text))).collect();
    }
    // How many lines are common from here to the end, for each pair of places.
    let width = columns + 1;
    let mut common = vec![0_u32; (rows + 1) * width];
    for i in (0..rows).rev() {
        for j in (0..columns).rev() {
            common[i * width + j] = if before[i] == after[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut found) = (0, 0, Vec::new());
    while i < rows || j < columns {
        if i < rows && j < columns && before[i] == after[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == columns
            || (i < rows && common[(i + 1) * width + j] >= common[i * width + j + 1])
        {
            found.push(line(false, &before[i]));
            i += 1;
        } else {
            found.push(line(true, &after[j]));
            j += 1;
        }
    }
    found
}

/// The fields that differ, at most [`TOLD_MAX`].
pub(super) fn fields(before: Option<&Value>, after: Option<&Value>) -> Vec<Field> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Field>) {
    if before == after || found.len() >= TOLD_MAX {
        return;
    }
    match (before, after) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let new = b.keys().filter(|key| !a.contains_key(*key));
            for key in a.keys().chain(new) {
                let dot = if path.is_empty() { "" } else { "." };
                compare(&format!("{path}{dot}{key}"), a.get(key), b.get(key), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for index in 0..a.len().max(b.len()) {
                compare(&format!("{path}[{index}]"), a.get(index), b.get(index), found);
            }
        }
        _ => found.push(Field {
            path: path.to_owned(),
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

/// The findings that only one of the two has; where their rule stands does not count.
pub(super) fn findings(before: &[Finding], after: &[Finding]) -> Vec<Found> {
    let key = |f: &Finding| {
        let place = &f.place;
        let at = (place.segment_position, place.element, place.component, place.repetition);
        (f.code, f.severity, at, f.message.clone())
    };
    let only = |these: &[Finding], those: &[Finding], is_new: bool| -> Vec<Found> {
        let mut known = std::collections::HashMap::new();
        for one in those {
            *known.entry(key(one)).or_insert(0_u32) += 1;
        }
        let mut is_known = |one: &&Finding| match known.get_mut(&key(one)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        };
        let found = these.iter().filter(|one| !is_known(one)).take(TOLD_MAX);
        found.map(|one| Found { is_new, finding: NotedFinding::of(one) }).collect()
    };
    let mut all = only(before, after, false);
    all.extend(only(after, before, true));
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn told(before: &str, after: &str) -> String {
        let lines = lines(&texts(before), &texts(after));
        let told = lines.iter().map(|l| format!("{}{}", if l.is_new { '+' } else { '-' }, l.text));
        told.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn lines_are_compared() {
        assert_eq!(told("a b c", "a b c"), "");
        assert_eq!(told("a b c", "a x c"), "-b +x");
        assert_eq!(told("a b c d e", "a c d x e"), "-b +x");
        assert_eq!(told("", "a b"), "+a +b");
        assert_eq!(told("a b", ""), "-a -b");
        assert_eq!(told("a b a c", "b a"), "-a -c");
    }

    #[test]
    fn fields_are_compared_with_their_paths() {
        let before =
            json!({"number": "1", "lines": [{"quantity": 1}, {"quantity": 2}], "gone": true});
        let after = json!({"number": "1", "lines": [{"quantity": 3}], "new": "x"});
        let found = fields(Some(&before), Some(&after));
        let paths: Vec<&str> = found.iter().map(|field| field.path.as_str()).collect();
        assert_eq!(paths, ["lines[0].quantity", "lines[1]", "gone", "new"]);
        assert!(fields(Some(&before), Some(&before)).is_empty());
    }

    #[test]
    fn what_is_never_the_same_twice_is_left_out() {
        let isa = "ISA*00*          *01*SECRET    *ZZ*NORTHDOCK3PL   *08*6125550100     *260901*1200*U*00401*000001000*0*P*>~";
        let text = format!(
            "{isa}\nGS*IN*A*B*20260901*1200*1000*X*004010~\nST*810*1001~\nBIG*20260901*7~\nSE*3*1001~\nGE*1*1000~\nIEA*1*000001000~"
        );
        let lines = segments(text.repeat(2).as_bytes(), Shown::Sent);
        assert_eq!(lines.len(), 14);
        assert_eq!(lines[0], lines[7]);
        assert!(lines[0].contains("*01*…*ZZ*") && !lines[0].contains("SECRET"), "{}", lines[0]);
        assert_eq!(lines[1..4], ["GS*IN*A*B*…*…*…*X*004010", "ST*810*…", "BIG*20260901*7"]);
        assert!(segments(text.as_bytes(), Shown::Numbered)[0].contains("SECRET"));
    }
}
