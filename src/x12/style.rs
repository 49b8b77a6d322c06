//! How an interchange that we write looks: delimiters, line breaks, encoding, and what happens to data that
//! holds a delimiter.

use super::{Charset, Delimiters};

/// What to do with a delimiter inside data. X12 has no escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DelimiterInData {
    /// Refuse, with a finding.
    #[default]
    Refuse,
    /// Write this byte instead.
    Replace(u8),
}

/// The look of what we write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Style {
    /// The delimiters.
    pub delimiters: Delimiters,
    /// What follows each terminator: nothing, or CR LF, or LF.
    pub suffix: Vec<u8>,
    /// How text becomes bytes.
    pub charset: Charset,
    /// What to do with a delimiter inside data.
    pub delimiter_in_data: DelimiterInData,
}
