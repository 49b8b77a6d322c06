//! The wire format of X12: delimiters, segments, envelopes, control numbers, reading and writing.
//!
//! It knows no grammar: what a segment means, or whether it belongs where it stands, is nothing to it. It knows
//! no file and no socket either; it reads from any [`std::io::Read`] and writes into bytes.

mod delimiters;
mod envelope;
mod fault;
mod index;
mod isa;
mod line;
mod reader;
mod scan;
mod seen;
mod segment;
mod style;
mod tag;
mod text;
mod writer;

pub use delimiters::Delimiters;
pub use envelope::{
    Event, Group, GroupControlNumber, GroupEnd, Identity, Interchange, InterchangeControlNumber,
    InterchangeEnd, SetControlNumber, TransactionSet,
};
pub use fault::{Fault, FaultKind, Shown};
pub use line::Line;
pub use reader::{Limits, Reader};
pub use segment::{Mark, Segment, Segments};
pub use style::{DelimiterInData, Style};
pub use tag::Tag;
pub use text::{Charset, decode};
pub use writer::{EnvelopeError, GroupSpec, InterchangeSpec, InterchangeWriter, Stamp};
