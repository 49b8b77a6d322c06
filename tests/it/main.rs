//! The integration tests: one binary, one module a subject.

mod acks;
mod arrows;
mod canonical;
mod cli;
mod corpus;
mod fixtures;
mod grammar;
mod x12;
