//! The integration tests, one module an area.

mod canonical;
mod grammar;
