//! Connectors: documents handed over through real calls to a server on loopback, and fetched from it.

mod auth;
mod command;
mod cutover;
mod delivery;
#[cfg(feature = "api")]
mod hooks;
mod lab;
mod mishaps;
mod mistakes;
mod polling;
pub mod server;
pub mod trials;
mod tryton;
#[cfg(feature = "sftp")]
mod whole;
