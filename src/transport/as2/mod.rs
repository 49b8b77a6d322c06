//! AS2 (RFC 4130): documents as signed, encrypted and compressed messages over HTTP, and the receipts for them.
//!
//! Built from the bottom up, each layer pure of sockets: [`mime`] reads and writes entities, [`cms`] signs,
//! encrypts and compresses.

pub mod cms;
pub mod mime;
