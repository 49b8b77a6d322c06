//! Acknowledgements: the 997, 999 and TA1 that answer an interchange, made from findings, and the ones that
//! partners send, read into outcomes.
//!
//! An answer is a rendering of findings and of nothing else: what is right or wrong was decided before. Which
//! codes a release has, how long an element may be and what a code means all come from the grammar of the 997 or
//! 999; there is no code list here. Reading works on the segments alone, since partners' acknowledgements often
//! stop half-way; the canonical document of an acknowledgement is the map's business.

mod outcome;
mod policy;
mod read;
mod report;
mod rules;
mod ta1;
mod write;

pub use outcome::{
    ElementNote, GroupOutcome, InterchangeOutcome, SegmentNote, SetOutcome, Verdict, Words,
    same_number,
};
pub use policy::{AckKind, AckPolicy, ErrorsAs, Ta1Policy};
pub use read::{Reading, can_do_without, read, read_ta1};
pub use report::{
    GroupHeader, GroupTrailer, InterchangeReport, SetReport, interchange_verdict, set_verdict,
};
pub use ta1::{note_code, refuse_by_ta1, write_ta1};
pub use write::{Answer, GroupAnswer};
