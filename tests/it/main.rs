//! The integration tests, in one binary.

mod acks;
mod canonical;
mod grammar;
mod store;
