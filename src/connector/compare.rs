//! What a call of ours and the account that another system gives of its own have different.

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

/// A place at which they differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mismatch {
    /// The place: `lines[0].quantity`.
    pub path: String,
    /// What our call has there; nothing where it has nothing.
    pub ours: Option<Value>,
    /// What the other system has.
    pub theirs: Option<Value>,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = |value: &Option<Value>| match value {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => "nothing".to_owned(),
        };
        let Self { path, ours, theirs } = self;
        let path = if path.is_empty() { "all of it" } else { path };
        write!(f, "{path}: {} here, {} there", words(ours), words(theirs))
    }
}

/// Differences that are told of one call.
const TOLD_MAX: usize = 100;

/// Compares what the other system tells: fields that only our call has do not count, for it tells less than it does. Lists
/// are compared item by item. Numbers are the same by their value, as text too: `"12.50"` is 12.5. Places in `ignored` do
/// not count; in them `[]` stands for each item of a list.
///
/// ```
/// use crossdock::connector::mismatches;
/// use serde_json::json;
/// let ours = json!({"po": "A", "lines": [{"sku": "MUG", "quantity": "12.0"}]});
/// let theirs = json!({"lines": [{"sku": "MUG", "quantity": 10}]});
/// let found = mismatches(&ours, &theirs, &[]);
/// assert_eq!(found[0].to_string(), "lines[0].quantity: 12.0 here, 10 there");
/// assert!(mismatches(&ours, &theirs, &["lines[].quantity".to_owned()]).is_empty());
/// ```
#[must_use]
pub fn mismatches(ours: &Value, theirs: &Value, ignored: &[String]) -> Vec<Mismatch> {
    let mut found = Vec::new();
    let mut walk = Walk { ignored, found: &mut found };
    walk.compare(&mut String::new(), &mut String::new(), Some(ours), Some(theirs));
    found
}

struct Walk<'a> {
    ignored: &'a [String],
    found: &'a mut Vec<Mismatch>,
}

impl Walk<'_> {
    /// `path` names the items of lists, `kind` has `[]` in their place.
    fn compare(
        &mut self,
        path: &mut String,
        kind: &mut String,
        ours: Option<&Value>,
        theirs: Option<&Value>,
    ) {
        if self.found.len() >= TOLD_MAX || self.ignored.contains(kind) {
            return;
        }
        match (ours, theirs) {
            (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
                for (name, value) in theirs {
                    let dot = if path.is_empty() { "" } else { "." };
                    let name_at = format!("{dot}{name}");
                    self.within((path, kind), (&name_at, &name_at), ours.get(name), Some(value));
                }
            }
            (Some(Value::Array(ours)), Some(Value::Array(theirs))) => {
                for at in 0..ours.len().max(theirs.len()) {
                    let place = format!("[{at}]");
                    self.within((path, kind), (&place, "[]"), ours.get(at), theirs.get(at));
                }
            }
            // What they leave empty is not there.
            (None | Some(Value::Null), None | Some(Value::Null)) => {}
            (ours, theirs) if same(ours, theirs) => {}
            (ours, theirs) => self.found.push(Mismatch {
                path: path.clone(),
                ours: ours.cloned(),
                theirs: theirs.cloned(),
            }),
        }
    }

    fn within(
        &mut self,
        (path, kind): (&mut String, &mut String),
        (place, of_kind): (&str, &str),
        ours: Option<&Value>,
        theirs: Option<&Value>,
    ) {
        let before = (path.len(), kind.len());
        path.push_str(place);
        kind.push_str(of_kind);
        self.compare(path, kind, ours, theirs);
        path.truncate(before.0);
        kind.truncate(before.1);
    }
}

fn same(ours: Option<&Value>, theirs: Option<&Value>) -> bool {
    let (Some(ours), Some(theirs)) = (ours, theirs) else { return false };
    ours == theirs || number(ours).is_some_and(|ours| number(theirs) == Some(ours))
}

fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => number.to_string().parse().ok(),
        // `007` is no number, but a name; so are `+7` and `1_000`.
        Value::String(text) => {
            let digits = text.trim();
            let digits = digits.strip_prefix('-').unwrap_or(digits);
            let is_name = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
            let is_plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            if is_name || !is_plain { None } else { text.trim().parse().ok() }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_only_looks_like_a_number_is_a_name() {
        for (ours, theirs, is_same) in [
            (json!("12.50"), json!(12.5), true),
            (json!("-3"), json!("-3.0"), true),
            (json!("1_000"), json!("1000"), false),
            (json!("+5"), json!("5"), false),
            (json!(" 007"), json!("7"), false),
            (json!("-007"), json!("-7"), false),
            (json!("1e2"), json!("100"), false),
            (json!(""), json!(0), false),
        ] {
            assert_eq!(mismatches(&ours, &theirs, &[]).is_empty(), is_same, "{ours} {theirs}");
        }
    }
}
