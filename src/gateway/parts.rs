//! The interchanges of a file, told apart before anything in them is judged.

use std::ops::Range;

use crate::store::InterchangeKey;
use crate::x12::{Event, FaultKind, Identity, Reader};

/// One interchange of a file.
pub(super) struct Part {
    /// Its bytes: from its ISA to the end of its IEA, or where that is missing to the next ISA or the end of the file.
    pub(super) range: Range<usize>,
    /// Who sent it to whom; `None` where no ISA can be read.
    pub(super) header: Option<Header>,
    /// How many sets are in it.
    pub(super) sets: u32,
}

/// What the ISA says that the gateway needs.
#[derive(Clone)]
pub(super) struct Header {
    pub(super) sender: Identity,
    pub(super) receiver: Identity,
    /// ISA13; without leading zeros where it is a number.
    pub(super) number: String,
    pub(super) test: bool,
}

impl Header {
    pub(super) fn key(&self) -> InterchangeKey {
        InterchangeKey {
            sender: self.sender.to_string(),
            receiver: self.receiver.to_string(),
            number: self.number.clone(),
            test: self.test,
        }
    }
}

/// Longest part of an ISA that is kept. The standard has 15 characters; an ISA that is read by its separators may
/// hold anything, and what is longer belongs to nobody.
const ELEMENT_CHARS_MAX: usize = 40;

pub(super) fn cut(text: &str) -> String {
    text.chars().take(ELEMENT_CHARS_MAX).collect()
}

fn identity(who: &Identity) -> Identity {
    Identity { qualifier: cut(&who.qualifier), id: cut(&who.id) }
}

/// Splits a file into its interchanges. There always is one, if need be without a header. What belongs to no
/// interchange, blanks apart, is a part without a header, so that nothing of the file is left out: it may be an
/// interchange whose ISA is damaged.
pub(super) fn split(bytes: &[u8]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut reader = Reader::new(bytes);
    // Reading from memory does not fail.
    while let Ok(Some(event)) = reader.next() {
        match event {
            Event::Interchange(interchange) => {
                let number = interchange
                    .control_number()
                    .map_or_else(|| cut(&interchange.element(13)), |number| number.0.to_string());
                let header = Header {
                    sender: identity(&interchange.sender()),
                    receiver: identity(&interchange.receiver()),
                    number,
                    test: interchange.is_test(),
                };
                let start = offset(interchange.offset, bytes);
                parts.push(Part { range: start..bytes.len(), header: Some(header), sets: 0 });
            }
            Event::Set(_) => {
                if let Some(part) = parts.last_mut() {
                    part.sets = part.sets.saturating_add(1);
                }
            }
            Event::InterchangeEnd(end) => {
                if let Some(part) = parts.last_mut() {
                    part.range.end = offset(end.end, bytes).max(part.range.start);
                }
            }
            Event::Stray(fault)
                if matches!(
                    fault.kind,
                    FaultKind::TextBeforeInterchange | FaultKind::IsaUnreadable
                ) =>
            {
                let start = offset(fault.offset, bytes);
                let end = offset(fault.offset.saturating_add(u64::from(fault.length)), bytes);
                match parts.last_mut().filter(|p| p.header.is_none() && p.range.end == start) {
                    Some(before) => before.range.end = end,
                    None => parts.push(Part { range: start..end, header: None, sets: 0 }),
                }
            }
            _ => {}
        }
    }
    if parts.iter().all(|part| part.header.is_none()) {
        parts.clear();
        parts.push(Part { range: 0..bytes.len(), header: None, sets: 0 });
    }
    parts
}

fn offset(offset: u64, bytes: &[u8]) -> usize {
    usize::try_from(offset).unwrap_or(bytes.len()).min(bytes.len())
}
