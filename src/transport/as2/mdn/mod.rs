//! Receipts (message disposition notifications: RFC 4130, 7; RFC 3798): what a receiver says of a message, and what
//! its sender may conclude from that.
//!
//! Nothing here is sent or stored. What a receipt lacks is remarked on and tolerated; what it contradicts is not: a
//! digest of other bytes is no receipt for these, whatever the words around it say.

mod disposition;
mod judge;
mod read;
mod write;

pub use disposition::Disposition;
pub use judge::{Judgement, Outcome, Remark, Sent, judge};
pub use read::{Mdn, is_mdn, read};
pub use write::{Receipt, write};

#[cfg(test)]
mod tests;
