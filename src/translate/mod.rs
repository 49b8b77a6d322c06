//! The pure façade: bytes to findings and canonical documents, and back.
//!
//! It knows no file, socket, clock or thread: what it needs of them (numbers, times) is given to it.

mod engine;
mod session;

pub use engine::Engine;
pub use session::{CheckedSet, Options, Session, Step};
