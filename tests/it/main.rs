//! The integration tests, one binary.

mod canonical;
