//! Grammars: what a transaction set looks like, read from text, and sets checked against it.
//!
//! It must never know a particular set or segment: all it knows of the 850 stands in a file.

mod model;
mod tree;

pub use model::*;
pub use tree::{LoopInstance, Placed, Tree, Walked};
