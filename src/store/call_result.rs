//! What the calls of a connector gave: kept before the next call is made, so that a crash resumes behind it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::PayloadId;

/// What one step of handing a document over gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallResult {
    /// The document.
    pub document: String,
    /// The name of the step.
    pub step: String,
    /// The piece of work that made the call. One that hands the document over anew makes its steps anew.
    pub work: u64,
    /// The result: JSON.
    pub result: PayloadId,
    /// When.
    pub at: Timestamp,
}
