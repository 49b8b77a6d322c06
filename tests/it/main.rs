//! The integration tests: one binary, one module a subject.

mod arrows;
mod cli;
mod corpus;
mod grammar;
