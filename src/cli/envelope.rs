//! What of an interchange and a group stays in memory while what is inside them is read.

use super::report::Scene;
use crate::x12::{Group, Interchange};

/// A header: its control number, and itself as it stood in the input.
#[derive(Debug, Default)]
pub struct Envelope {
    /// ISA13 or GS06.
    pub number: String,
    raw: Vec<u8>,
    offset: u64,
    terminator: u8,
}

impl Envelope {
    /// Of ISA.
    #[must_use]
    pub fn of_interchange(header: &Interchange) -> Self {
        let raw = header.line().segment().raw().to_vec();
        Self {
            number: header.element(13),
            raw,
            offset: header.offset,
            terminator: header.delimiters.segment,
        }
    }

    /// Of GS, in its interchange.
    #[must_use]
    pub fn of_group(header: &Group, interchange: &Self) -> Self {
        let raw = header.raw.clone();
        Self {
            number: header.element(6),
            raw,
            offset: header.offset,
            terminator: interchange.terminator,
        }
    }

    /// The scene of a finding in this interchange and a group of it, on the header of the inner one.
    #[must_use]
    pub fn scene<'a>(&'a self, group: &'a Self) -> Scene<'a> {
        let inner = if group.raw.is_empty() { self } else { group };
        Scene {
            interchange: &self.number,
            group: &group.number,
            segment: Some((&inner.raw, inner.offset)),
            terminator: Some(inner.terminator),
            ..Scene::default()
        }
    }
}
