//! A call to be made, as a program gives it.

use serde_json::{Map, Value};

/// Longest path and query of a call, in bytes; servers take some 8 KiB.
const PATH_BYTES_MAX: usize = 8 << 10;
/// Most headers and members of a query.
const PAIRS_MAX: usize = 200;
/// The methods that a call may have.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/// Headers that are the gateway's own affair.
const OWN_HEADERS: [&str; 6] = [
    "authorization",
    "connection",
    "content-length",
    "host",
    "idempotency-key",
    "transfer-encoding",
];

/// One call to a connector's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// Behind the base URL; begins with `/`, or is empty.
    pub path: String,
    /// Members of the query, in order.
    pub query: Vec<(String, String)>,
    /// Headers besides those of the authentication.
    pub headers: Vec<(String, String)>,
    /// The body, JSON; nothing: none.
    pub body: Option<String>,
}

impl Request {
    /// The member of what a program gives that has the body.
    pub(super) const BODY: &str = "body";

    /// Reads what a program gives: `{method, path, query, headers}`, all but `path` optional, and its body as JSON.
    ///
    /// # Errors
    /// In words: what is no call.
    pub fn read(given: Value, body: Option<String>) -> Result<Self, String> {
        let Value::Object(mut members) = given else {
            return Err(format!("a call is an object with a `path`, not {}", brief(&given)));
        };
        let body = body.filter(|body| body != "null");
        let method = match members.remove("method") {
            None if body.is_some() => "POST",
            None => "GET",
            Some(Value::String(text)) => {
                let known = METHODS.into_iter().find(|method| *method == text);
                known.ok_or_else(|| {
                    format!("`method` is one of {}, not {text}", METHODS.join(", "))
                })?
            }
            Some(other) => return Err(format!("`method` is a text, not {}", brief(&other))),
        };
        let path = match members.remove("path") {
            Some(Value::String(path)) => path,
            Some(other) => return Err(format!("`path` is a text, not {}", brief(&other))),
            None => return Err("the call has no `path`".to_owned()),
        };
        let query = pairs("query", members.remove("query"))?;
        let headers = pairs("headers", members.remove("headers"))?;
        if let Some(name) = members.keys().next() {
            return Err(format!(
                "a call has no `{name}`; it has `method`, `path`, `query`, `headers` and `body`"
            ));
        }
        let own = |name: &str| OWN_HEADERS.iter().any(|one| name.eq_ignore_ascii_case(one));
        if let Some((name, _)) = headers.iter().find(|(name, _)| own(name)) {
            return Err(format!("the header `{name}` is set by the gateway"));
        }
        let request = Self { method, path, query, headers, body };
        request.is_within_bounds()?;
        Ok(request)
    }

    /// The body as a value; null where there is none.
    #[must_use]
    pub fn body_value(&self) -> Value {
        let body = self.body.as_deref().map(serde_json::from_str);
        body.and_then(Result::ok).unwrap_or_default()
    }

    /// Whether it changes nothing there, by its method.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.method == "GET"
    }

    /// A path must not lead to another host, or above the base URL.
    fn is_within_bounds(&self) -> Result<(), String> {
        let path = &self.path;
        let query: usize = self.query.iter().map(|(k, v)| k.len() + v.len() + 2).sum();
        if path.len() + query > PATH_BYTES_MAX {
            return Err(format!("path and query have more than {PATH_BYTES_MAX} bytes"));
        }
        if !path.is_empty() && !path.starts_with('/') {
            return Err(format!("`path` begins with /, not {path}"));
        }
        let decoded = path.to_ascii_lowercase().replace("%2e", ".");
        if decoded.split(['/', '\\', '?', '#']).any(|part| part == "..") {
            return Err(format!("`path` leads upwards: {path}"));
        }
        if path.contains(['?', '#']) || path.chars().any(|c| c.is_control() || c == ' ') {
            return Err(format!("`path` has none of ? # blanks (say `query`, and `@uri`): {path}"));
        }
        Ok(())
    }
}

/// The members of an object as pairs of texts; a list gives one pair for each of its items, `null` none.
fn pairs(what: &str, given: Option<Value>) -> Result<Vec<(String, String)>, String> {
    let members: Map<String, Value> = match given {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(members)) => members,
        Some(other) => return Err(format!("`{what}` is an object, not {}", brief(&other))),
    };
    let mut pairs = Vec::new();
    for (name, value) in members {
        let values = if let Value::Array(values) = value { values } else { vec![value] };
        for value in values {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text,
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                other => {
                    return Err(format!("`{what}.{name}` is a text, not {}", brief(&other)));
                }
            };
            pairs.push((name.clone(), text));
        }
    }
    if pairs.len() > PAIRS_MAX {
        return Err(format!("`{what}` has more than {PAIRS_MAX} members"));
    }
    Ok(pairs)
}

/// A value as far as a person wants to see it.
pub(super) fn brief(value: &Value) -> String {
    const CHARS_MAX: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= CHARS_MAX {
        return text;
    }
    text.chars().take(CHARS_MAX).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_call_is_read_with_what_is_usual() {
        let given = json!({"path": "/a", "query": {"f": ["x", 1], "n": null}});
        let request = Request::read(given, Some("null".to_owned())).unwrap();
        assert_eq!(request.method, "GET");
        assert_eq!(request.query, [("f".into(), "x".into()), ("f".into(), "1".into())]);
        let request = Request::read(json!({"path": "/a"}), Some("{}".to_owned())).unwrap();
        assert_eq!((request.method, request.body_value()), ("POST", json!({})));
    }

    #[test]
    fn what_is_no_call_is_told() {
        for (given, told) in [
            (json!("x"), "a call is an object"),
            (json!({"path": 1}), "`path` is a text"),
            (json!({"method": "GET"}), "no `path`"),
            (json!({"path": "/a", "method": "FETCH"}), "`method` is one of"),
            (json!({"path": "http://elsewhere/"}), "begins with /"),
            (json!({"path": "/a/../../b"}), "leads upwards"),
            (json!({"path": "/a/%2E%2e/b"}), "leads upwards"),
            (json!({"path": "/a b"}), "blanks"),
            (json!({"path": "/a?b=c"}), "say `query`"),
            (json!({"path": "/a", "url": "x"}), "has no `url`"),
            (json!({"path": "/a", "headers": {"Authorization": "x"}}), "set by the gateway"),
            (json!({"path": "/a", "query": {"a": {}}}), "`query.a` is a text"),
            (json!({"path": "x".repeat(9000)}), "more than"),
        ] {
            let words = Request::read(given.clone(), None).unwrap_err();
            assert!(words.contains(told), "{given}: {words}");
        }
    }
}
