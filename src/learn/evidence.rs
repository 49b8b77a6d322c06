//! How much samples prove.

use std::fmt;

/// How sure a fact is, by the number of documents that show it. What held in n of n documents holds, with a certainty
/// of 95 %, in at least 1 - 3/n of all (the rule of three): 90 % from 30 documents on, 70 % from 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Fewer than 10 documents.
    Low,
    /// 10 to 29.
    Medium,
    /// 30 and more.
    High,
}

const HIGH_MIN: u64 = 30;
const MEDIUM_MIN: u64 = 10;

impl Confidence {
    /// That of so many documents.
    #[must_use]
    pub fn of(documents: u64) -> Self {
        match documents {
            HIGH_MIN.. => Self::High,
            MEDIUM_MIN.. => Self::Medium,
            _ => Self::Low,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// In how many of how many something was so, and in how many documents these stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// In which it was so.
    pub held: u64,
    /// Of all.
    pub of: u64,
    /// What was counted: `documents`, `N1[ST]`.
    pub what: String,
    /// In how many documents they stood.
    pub documents: u64,
}

impl Evidence {
    /// Of documents.
    #[must_use]
    pub fn documents(held: u64, of: u64) -> Self {
        Self { held, of, what: String::new(), documents: of }
    }

    /// How sure it is.
    #[must_use]
    pub fn confidence(&self) -> Confidence {
        Confidence::of(self.documents)
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { held, of, what, documents } = self;
        let plural = |n: u64| if n == 1 { "document" } else { "documents" };
        if what.is_empty() {
            return write!(f, "in {held} of {of} {}", plural(*of));
        }
        write!(f, "in {held} of {of} {what}, {documents} {}", plural(*documents))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_of_three_is_not_much() {
        assert_eq!(Confidence::of(3), Confidence::Low);
        assert_eq!(Confidence::of(10), Confidence::Medium);
        assert_eq!(Confidence::of(30), Confidence::High);
        assert_eq!(Evidence::documents(41, 41).to_string(), "in 41 of 41 documents");
        let inner = Evidence { held: 97, of: 97, what: "N1[ST]".into(), documents: 41 };
        assert_eq!(inner.to_string(), "in 97 of 97 N1[ST], 41 documents");
    }
}
