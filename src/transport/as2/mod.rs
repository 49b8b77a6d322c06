//! AS2 (RFC 4130): documents as signed, encrypted and compressed messages over HTTP, and the receipts for them.
//!
//! Built from the bottom up, each layer pure of sockets: [`mime`] reads and writes entities; [`cms`] signs, encrypts
//! and compresses; [`message`] makes a message of documents and documents of a message; [`mdn`] writes and reads its
//! receipt; [`Policy`] says what a partner's messages must have; [`reception`] makes of a request what is to be answered.
//! [`Peer`] is a partner with its keys, [`Client`] the way to its server.

mod client;
pub mod cms;
mod features;
mod kept;
mod keys;
mod login;
pub mod mdn;
pub mod message;
pub mod mime;
mod name;
mod peer;
mod policy;
pub mod reception;

pub use client::{Answer, Client};
pub use features::features;
pub use keys::Keys;
pub use name::bare;
pub use name::{BadName, Name};
pub use peer::Peer;
pub use policy::Policy;
