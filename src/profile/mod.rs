//! The agreement with a trading partner, as data: who both are, how envelopes look, what flows in which
//! direction, how it is acknowledged.
//!
//! Pure: it reads the text of a `partner.toml` that it is given, and never a file. It knows nothing of how bytes
//! travel; it only keeps the names of the mailbox and the endpoint for those who do.

mod envelope;
mod partner;
mod sections;

pub use envelope::{CharsetName, ControlNumbers, Envelope, LineBreak, Range};
pub use partner::{
    Acknowledgements, Answer, Direction, DocumentFlow, Duplicates, Identity, IdentityPair, Mailbox,
    Partner, Sides, State, Usage,
};
pub use sections::{Problem, Sections};
