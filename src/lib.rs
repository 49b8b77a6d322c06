//! Crossdock: a self-hosted EDI translation gateway.
//!
//! The core, up to [`translate`], is pure: bytes and values in, bytes, values and findings out. See
//! `ARCHITECTURE.md` for the modules and the arrows between them.

pub mod acks;
#[cfg(feature = "api")]
pub mod api;
pub mod audit;
pub mod bridge;
pub mod canonical;
pub mod causes;
pub mod cli;
pub mod connector;
#[cfg(feature = "console")]
pub mod console;
pub mod crosswalk;
pub mod disk;
pub mod exceptions;
pub mod findings;
pub mod folders;
pub mod gateway;
pub mod grammar;
#[cfg(any(feature = "as2", feature = "http"))]
pub mod http;
pub mod learn;
pub mod lifecycle;
#[cfg(any(feature = "api", feature = "as2"))]
pub mod listener;
pub mod map;
pub mod notify;
pub mod overlay;
pub mod profile;
pub mod secrets;
pub mod store;
pub mod translate;
pub mod transport;
pub mod wording;
pub mod x12;
