//! Where the gateway meets `translate`: bytes and documents in, what it has to decide on out.

use std::ops::Range;

use jiff::Timestamp;

use crate::acks::{GroupOutcome, InterchangeOutcome};
use crate::canonical::Document;
use crate::findings::Finding;
use crate::profile::{DocumentFlow, Partner};
use crate::store::InterchangeKey;
use crate::x12::{Event, Identity, Reader};

/// One interchange of a file.
pub(super) struct Part {
    /// Its bytes: from its ISA to the next one's, so that nothing of the file is left out.
    pub(super) range: Range<usize>,
    /// Who sent it to whom; `None` where no ISA can be read.
    pub(super) header: Option<Header>,
}

/// What the ISA says that the gateway needs.
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
        }
    }
}

/// Splits a file into its interchanges. There always is one, if need be without a header. What stands before the
/// first ISA belongs to the first; the end of one is the end of its IEA, or of the file.
pub(super) fn split(bytes: &[u8]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut reader = Reader::new(bytes);
    // Reading from memory does not fail.
    while let Ok(Some(event)) = reader.next() {
        match event {
            Event::Interchange(interchange) => {
                let number = interchange
                    .control_number()
                    .map_or_else(|| interchange.element(13), |number| number.0.to_string());
                let header = Header {
                    sender: interchange.sender(),
                    receiver: interchange.receiver(),
                    number,
                    test: interchange.is_test(),
                };
                let start = offset(interchange.offset, bytes);
                parts.push(Part { range: start..bytes.len(), header: Some(header) });
            }
            Event::InterchangeEnd(end) => {
                if let Some(part) = parts.last_mut() {
                    part.range.end = offset(end.end, bytes).max(part.range.start);
                }
            }
            _ => {}
        }
    }
    if parts.is_empty() {
        parts.push(Part { range: 0..bytes.len(), header: None });
    }
    parts
}

fn offset(offset: u64, bytes: &[u8]) -> usize {
    usize::try_from(offset).unwrap_or(bytes.len()).min(bytes.len())
}

/// Control numbers of one interchange that we write.
pub(super) struct Numbers {
    pub(super) interchange: u64,
    pub(super) groups: Vec<u64>,
    pub(super) sets: Vec<u64>,
}

/// An interchange as it was read and judged.
pub(super) struct Received {
    /// Whether the envelope itself is acceptable.
    pub(super) accepted: bool,
    /// Findings of envelope and groups.
    pub(super) findings: Vec<Finding>,
    pub(super) sets: Vec<ReceivedSet>,
    /// TA1 segments in it.
    pub(super) interchange_outcomes: Vec<InterchangeOutcome>,
}

/// A transaction set as it was read and judged.
pub(super) struct ReceivedSet {
    /// ST01.
    pub(super) set: String,
    /// ST02.
    pub(super) number: String,
    /// GS06 of its group.
    pub(super) group: String,
    pub(super) accepted: bool,
    pub(super) findings: Vec<Finding>,
    /// `None` where no map reads it, and for acknowledgements.
    pub(super) document: Option<Document>,
    /// Whether it is a 997 or 999.
    pub(super) is_acknowledgement: bool,
    /// What it says, if it is one.
    pub(super) outcomes: Vec<GroupOutcome>,
}

impl ReceivedSet {
    /// How people call it.
    pub(super) fn label(&self) -> String {
        format!("{} {} in group {}", self.set, self.number, self.group)
    }
}

impl Received {
    /// Groups that are answered: all but those of acknowledgements.
    pub(super) fn groups_to_answer(&self) -> usize {
        0
    }

    pub(super) fn wants_ta1(&self) -> bool {
        false
    }
}

/// An interchange that we wrote.
pub(super) struct Sent {
    pub(super) bytes: Vec<u8>,
    /// ST01.
    pub(super) set: String,
    /// What our own check says of it.
    pub(super) findings: Vec<Finding>,
}

/// The engine, loaded once.
pub(super) struct Translator;

impl Translator {
    /// Loads grammars and maps.
    pub(super) fn new() -> Result<Self, Vec<String>> {
        Ok(Self)
    }

    /// Reads and judges one interchange as the partner's agreement wants it.
    pub(super) fn receive(&self, _interchange: &[u8], _partner: &Partner) -> Received {
        Received {
            accepted: false,
            findings: Vec::new(),
            sets: Vec::new(),
            interchange_outcomes: Vec::new(),
        }
    }

    /// Writes what answers it.
    pub(super) fn answer(
        &self,
        _received: &Received,
        _partner: &Partner,
        _numbers: &Numbers,
        _now: Timestamp,
    ) -> Vec<u8> {
        Vec::new()
    }

    /// Writes a document as an interchange of its own. The error says why it cannot be.
    pub(super) fn send(
        &self,
        _document: &Document,
        _partner: &Partner,
        _flow: &DocumentFlow,
        _numbers: &Numbers,
        _now: Timestamp,
    ) -> Result<Sent, String> {
        Err(String::new())
    }
}
