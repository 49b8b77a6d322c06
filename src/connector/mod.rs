//! Connectors: what the API of a warehouse's system is like, as a folder of configuration. `connector.toml` says where
//! it is, how to sign in and which calls a document takes; programs in jq make the calls and read the answers.
//!
//! This module is pure: it reads a connector's texts, composes the next call from a document, settings and the results of
//! the calls before, and judges an answer. It makes no call and keeps nothing; `docs/connectors.md` has the language.

mod access;
mod answer;
mod compare;
mod definition;
mod handling;
mod hook;
pub mod jq;
mod records;
mod request;
mod settings;
mod shared;
mod source;
mod values;

pub use access::{Auth, AuthKind, Breaker, Encoding, Rate, Template, Tls};
pub use answer::{Answer, Judgement, Meanings};
pub use compare::{Mismatch, mismatches};
pub use definition::Connector;
pub use handling::{Handling, Idempotency, Poll, Reading, Scope, Search, Step};
pub use hook::{Hook, Signature};
pub use jq::Stop;
pub use records::{Bounds, is_known, records};
pub use request::Request;
pub use settings::{Declared, Settings};
pub use source::{CONNECTOR_FILE, ConnectorSource, overlaid};

use crate::profile::Secret;

/// A secret setting by its name, and where the endpoint says that it is.
pub type NamedSecret = (String, Secret);
