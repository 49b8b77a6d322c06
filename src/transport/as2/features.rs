//! What software says that it can do: `EDIINT-Features` (RFC 6017).

use super::mime::Headers;

const FIELD: &str = "EDIINT-Features";
/// Ours. Certificates are not exchanged in messages (`CEM`). Repeated messages are known again, but `AS2-Reliability`
/// would say more: that 102 (Processing) is sent while a sender waits (draft-duker-as2-reliability).
const OURS: &str = "multiple-attachments";
/// More than there are names of features; the rest is nobody's.
const FEATURES_MAX: usize = 10;
const NAME_CHARS_MAX: usize = 40;

/// The field that all messages and receipts of ours have.
pub(super) fn ours() -> (&'static str, String) {
    (FIELD, OURS.to_owned())
}

/// What the sender of a message or receipt says that it can do, as it spells it; empty where it says nothing.
#[must_use]
pub fn features(headers: &Headers) -> String {
    let is_name = |name: &&str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        (1..=NAME_CHARS_MAX).contains(&name.len()) && name.chars().all(is_plain)
    };
    let names = headers.get(FIELD).unwrap_or_default().split(',').map(str::trim).filter(is_name);
    names.take(FEATURES_MAX).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{features, ours};
    use crate::transport::as2::mime::{Headers, Limits};

    #[test]
    fn names_of_features_are_read_and_nothing_else() {
        let many = vec!["x"; 500].join(",");
        for (field, read) in [
            (
                "multiple-attachments, CEM ,AS2-Reliability",
                "multiple-attachments, CEM, AS2-Reliability",
            ),
            ("", ""),
            (",, \u{7}bell, a b, <b>, CEM", "CEM"),
            (&many, "x, x, x, x, x, x, x, x, x, x"),
        ] {
            let fields = [("ediint-features", field.as_bytes())];
            let headers = Headers::of(fields, &Limits::default()).unwrap_or_default();
            assert_eq!(features(&headers), read, "{field}");
        }
        assert_eq!(features(&Headers::default()), "");
        assert_eq!(ours().1, "multiple-attachments");
    }
}
