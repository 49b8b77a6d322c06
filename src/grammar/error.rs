//! What is wrong with a grammar file, line by line.

use std::fmt;
use std::sync::Arc;

/// One fault of a grammar file: where, what, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}; {mend}")]
#[non_exhaustive]
pub struct LineError {
    /// Path as the loader was given it.
    pub file: Arc<str>,
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in characters.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub mend: String,
}

/// Grammar files that cannot be used: every fault of every file, by file and line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LoadError {
    /// At least one.
    pub lines: Vec<LineError>,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, line) in self.lines.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{line}")?;
        }
        Ok(())
    }
}
