//! The integration tests, one module an area.

mod acks;
mod grammar;
