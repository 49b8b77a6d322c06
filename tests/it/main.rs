//! The integration tests, in one binary.

mod grammar;
mod store;
