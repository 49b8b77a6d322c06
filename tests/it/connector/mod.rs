//! Connectors: documents handed over through real calls to a server on loopback, and fetched from it.

mod auth;
mod command;
mod cutover;
mod delivery;
mod mistakes;
mod polling;
pub mod server;
mod trials;
mod tryton;
