//! Grammars: what a transaction set looks like, read from text, and sets checked against it.
//!
//! It must never know a particular set or segment: all it knows of the 850 stands in a file.

pub(crate) mod check;
mod dictionary;
pub(crate) mod digits;
mod error;
mod library;
pub mod lint;
mod load;
mod model;
pub(crate) mod parse;
pub mod show;
pub(crate) mod suggest;
mod tree;

pub use check::{Checker, Scratch, SegmentChecker};
pub use dictionary::Dictionary;
pub use error::{LineError, LoadError};
pub use library::{Library, SourceFile};
pub use model::*;
pub use parse::{ParsedFile, parse_file};
pub use tree::{LoopInstance, Placed, Tree, Walked};
