//! The integration tests, in one binary.

mod acks;
mod arrows;
mod canonical;
mod cli;
mod corpus;
mod gateway;
mod grammar;
mod kill;
mod store;
mod x12;
