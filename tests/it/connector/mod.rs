//! Connectors: documents handed over through real calls to a server on loopback, and fetched from it.

mod auth;
mod command;
mod delivery;
mod lab;
mod mishaps;
mod mistakes;
mod polling;
pub mod server;
mod trials;
mod tryton;
#[cfg(feature = "sftp")]
mod whole;
