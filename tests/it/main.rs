//! The integration tests: one binary, one module a subject.

mod acks;
mod arrows;
mod canonical;
mod cli;
mod corpus;
mod generate;
mod grammar;
mod hierarchies;
mod laws;
mod map;
mod x12;
