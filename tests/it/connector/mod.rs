//! Connectors: documents handed over through real calls to a server on loopback, and fetched from it.

mod delivery;
pub mod server;
