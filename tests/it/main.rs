//! The integration tests, in one binary.

mod canonical;
mod grammar;
mod store;
