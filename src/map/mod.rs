//! Maps: how transaction sets meet the canonical model, written once and run both ways.
//!
//! A map file is held against a grammar and the JSON Schema of a canonical document; the result reads walked sets
//! into documents ([`Reader`]) and writes documents as segments ([`Writer`]). Reading writes JSON at once, from which
//! typed documents and everything else are made; writing lays a typed document out flat.
//!
//! It must never know a particular set, segment or document: all of that stands in map files.

mod compile;
mod extra;
mod form;
mod json;
mod laid;
mod lay;
mod library;
mod names;
mod parse;
mod plain;
mod plan;
mod read;
mod ready;
mod shape;
mod stamp;
mod steps;
mod syntax;
mod write;

pub use extra::{ExtraLine, Implied, Values, Variants};
pub use library::Library;
pub use parse::parse_map;
pub use plan::Map;
pub use read::{Reader, Reading};
pub use syntax::MapSource;
pub use write::{WriteOptions, Writer};

/// What goes wrong between a document's values and a type.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The type is not that of the map's document, or has other fields than the map was made for.
    #[error("{0}")]
    Type(String),
}

impl serde::de::Error for Error {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Type(message.to_string())
    }
}
