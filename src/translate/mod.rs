//! The pure façade: bytes to findings and canonical documents, and back.
//!
//! It knows no file, socket, clock or thread: what it needs of them (numbers, times) is given to it.

mod against;
mod changed;
mod document;
mod engine;
mod receive;
mod send;
mod session;
mod tidy;

pub use against::{Before, LineSums, against, line_sums};
pub use changed::changed;
pub use document::{add_meaning, document_of};
pub use engine::Engine;
pub use receive::{
    ACKNOWLEDGEMENT_GROUP, Received, ReceivedGroup, ReceivedInterchange, ReceivedSet, answer_group,
    answer_interchange, answer_version, receive, receive_to_answer, receive_under,
    refuse_interchange,
};
pub use send::{
    Outbound, WriteError, Written, check_characters, judge, judge_in, judge_under, write,
};
pub use session::{CheckedSet, Options, Overlays, Session, Step};
pub use tidy::{Ends, tidy};
