//! What is wrong in a file of ours, as data: all of it is told at once.

use std::fmt;

use crate::grammar::LineError;

/// How much a problem weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Weight {
    /// What stands there cannot be used: the profile is not taken.
    #[default]
    Error,
    /// It can be used, but hardly says what was meant: a key without effect, a rule without a source.
    Warning,
}

/// Something wrong in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, as the reader was given it.
    pub file: String,
    /// 1-based; 0 = the file as a whole.
    pub line: usize,
    /// 1-based, in characters.
    pub column: usize,
    /// How much it weighs.
    pub weight: Weight,
    /// What is wrong, for a person, and how it may be mended.
    pub message: String,
}

impl Problem {
    /// How a text is spoken of that its author has still to write.
    pub(super) const TO_FILL_IN: &str = "is still to be filled in";

    /// Whether it says nothing but that a text is still to be filled in, as in a draft.
    #[must_use]
    pub fn is_to_fill_in(&self) -> bool {
        self.message.contains(Self::TO_FILL_IN)
    }

    /// A problem with the file as a whole.
    #[must_use]
    pub fn whole(file: &str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: 0,
            column: 0,
            weight: Weight::Error,
            message: message.into(),
        }
    }

    /// A problem at a place.
    #[must_use]
    pub fn at(origin: &Origin, message: impl Into<String>) -> Self {
        let (line, column) = (origin.line as usize, origin.column as usize);
        Self { line, column, ..Self::whole(&origin.file, message) }
    }

    /// The same as a warning.
    #[must_use]
    pub fn warning(self) -> Self {
        Self { weight: Weight::Warning, ..self }
    }

    /// Whether it keeps what it is about from being used.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.weight == Weight::Error
    }
}

impl From<LineError> for Problem {
    fn from(error: LineError) -> Self {
        Self {
            file: error.file.to_string(),
            line: error.line as usize,
            column: error.column as usize,
            weight: Weight::Error,
            message: format!("{}; {}", error.message, error.mend),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        let warning = if self.weight == Weight::Warning { "warning: " } else { "" };
        write!(f, ": {warning}{}", self.message)
    }
}

/// Where an entry of a profile stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The profile: that of the partner, or one that it extends.
    pub profile: std::sync::Arc<str>,
    /// The file, as problems name it.
    pub file: std::sync::Arc<str>,
    /// 1-based.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
