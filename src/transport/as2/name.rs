//! Who sends and who receives (RFC 4130, 6.2), and how messages are numbered.

use std::fmt;

use super::mime::unquoted;

/// What may not be an AS2 name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an AS2 name has 1 to 128 printable ASCII characters, not {0:?}")]
pub struct BadName(String);

/// An AS2 name, without the quotes that it may need in a header. Case matters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// Takes a name as a person writes it.
    ///
    /// # Errors
    /// Where it is empty, too long, or not printable ASCII.
    pub fn new(name: &str) -> Result<Self, BadName> {
        let is_printable = name.bytes().all(|b| (b' '..=b'~').contains(&b));
        if is_printable && (1..=128).contains(&name.len()) && name.trim() == name {
            Ok(Self(name.to_owned()))
        } else {
            // No more of it than tells which one it is.
            Err(BadName(name.chars().take(128).collect()))
        }
    }

    /// Takes it from a header, where it may stand in quotes.
    ///
    /// # Errors
    /// As with [`Name::new`].
    pub fn read(header: &str) -> Result<Self, BadName> {
        Self::new(unquoted(header.trim()).trim())
    }

    /// As a person writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    /// As it stands in a header: in quotes where there are blanks, quotes or backslashes in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains([' ', '"', '\\']) {
            write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
        } else {
            f.write_str(&self.0)
        }
    }
}

/// A message's number without the angle brackets, which some leave out.
#[must_use]
pub fn bare(message_id: &str) -> &str {
    let id = message_id.trim();
    id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_they_must_be() {
        for (name, header) in [
            ("ACME-1", "ACME-1"),
            ("Harbor and Pine", r#""Harbor and Pine""#),
            (r#"a"b\c"#, r#""a\"b\\c""#),
        ] {
            assert_eq!(Name::new(name).unwrap().to_string(), header);
            assert_eq!(Name::read(&format!(" {header} ")).unwrap().as_str(), name);
        }
        assert_eq!(Name::read("\"ACME\"").unwrap().as_str(), "ACME");
        for bad in ["", "\"\"", "a\nb", "ä", &"a".repeat(129)] {
            assert!(Name::read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_message_has_its_number_with_and_without_brackets() {
        for id in ["<a@b>", "a@b", " < a@b > "] {
            assert_eq!(bare(id), "a@b");
        }
        assert_eq!(bare("<a@b"), "<a@b");
    }
}
