//! Where the gateway meets `translate`: bytes and documents in, what it has to decide on out.

use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::acks::{self, GroupOutcome, InterchangeOutcome, Verdict};
use crate::canonical::Document;
use crate::findings::{Finding, Severity};
use crate::profile::{Agreement, Direction, Envelope, Partner, Usage};
use crate::store::InterchangeKey;
use crate::translate::{self, Engine, Options, Outbound, ReceivedGroup, ReceivedInterchange};
use crate::x12::{
    Event, FaultKind, GroupControlNumber, GroupSpec, Identity, Interchange,
    InterchangeControlNumber, InterchangeSpec, InterchangeWriter, Limits, Reader, SetControlNumber,
    Stamp,
};

/// One interchange of a file.
pub(super) struct Part {
    /// Its bytes: from its ISA to the end of its IEA, or where that is missing to the next ISA or the end of the file.
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
            test: self.test,
        }
    }
}

/// Longest part of an ISA that is kept. The standard has 15 characters; an ISA that is read by its separators may
/// hold anything, and what is longer belongs to nobody.
const ELEMENT_CHARS_MAX: usize = 40;

fn cut(text: &str) -> String {
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
                parts.push(Part { range: start..bytes.len(), header: Some(header) });
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
                    None => parts.push(Part { range: start..end, header: None }),
                }
            }
            _ => {}
        }
    }
    if parts.iter().all(|part| part.header.is_none()) {
        parts.clear();
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
    /// The whole, for the answer.
    read: Option<ReceivedInterchange>,
    /// The TA1 that answers it, if one does.
    ta1: Option<Vec<u8>>,
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
    /// `None` where no map reads it.
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
    /// Groups that are answered: all but those of acknowledgements; none of an interchange that is rejected as a
    /// whole, for which there is the TA1.
    fn groups(&self) -> impl Iterator<Item = &ReceivedGroup> {
        let groups = self.read.iter().filter(|_| self.accepted).flat_map(|read| &read.groups);
        groups.filter(|group| !group.is_acknowledgement())
    }

    pub(super) fn groups_to_answer(&self) -> usize {
        self.groups().count()
    }

    pub(super) fn wants_ta1(&self) -> bool {
        self.ta1.is_some()
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

/// The engine, in the gateway's words.
pub(super) struct Translator {
    engine: Engine,
}

impl Translator {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine }
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Reads and judges one interchange as the partner's agreement wants it.
    pub(super) fn receive(&self, interchange: &[u8], partner: &Partner) -> Received {
        let policy = &partner.acknowledgements.policy;
        let options = Options {
            limits: Limits::default(),
            unknown_set: Severity::Fatal,
            overlays: Some(partner),
            direction: Direction::In,
        };
        let errors_as = |_: &Interchange| policy.errors_as;
        let mut all = translate::receive_under(&self.engine, interchange, options, &errors_as);
        let mut received = Received {
            accepted: false,
            findings: all.stray,
            sets: Vec::new(),
            interchange_outcomes: Vec::new(),
            read: None,
            ta1: None,
        };
        if all.interchanges.is_empty() {
            return received;
        }
        let mut read = all.interchanges.swap_remove(0);
        received.accepted = read.verdict != Verdict::Rejected;
        received.findings.extend(read.findings.iter().cloned());
        received.interchange_outcomes = std::mem::take(&mut read.acknowledged);
        for group in &mut read.groups {
            received.findings.extend(group.findings.iter().cloned());
            let sound = acks::set_verdict(&group.findings, policy.errors_as) != Verdict::Rejected;
            let is_acknowledgement = group.is_acknowledgement();
            let number = group.header.element(6);
            for set in &mut group.sets {
                received.sets.push(ReceivedSet {
                    set: set.id.clone(),
                    number: set.control_number.0.clone(),
                    group: number.clone(),
                    accepted: received.accepted && sound && set.verdict != Verdict::Rejected,
                    findings: set.findings.clone(),
                    document: set.document.take(),
                    is_acknowledgement,
                    outcomes: std::mem::take(&mut set.outcomes),
                });
            }
        }
        let style = partner.envelope_of(policy.kind.set()).style();
        received.ta1 = translate::answer_interchange(&read, policy, &style);
        received.read = Some(read);
        received
    }

    /// Writes what answers it. The error says why it cannot be written.
    pub(super) fn answer(
        &self,
        received: &Received,
        partner: &Partner,
        numbers: &Numbers,
        now: Timestamp,
    ) -> Result<Vec<u8>, String> {
        let policy = &partner.acknowledgements.policy;
        let (mut spec, stamp) =
            (interchange_spec(partner, partner.envelope_of(policy.kind.set())), stamp(now));
        // What answers is not answered.
        spec.acknowledgement_requested = false;
        if let Some(read) = &received.read {
            // The answer goes back to where the question came from.
            (spec.sender, spec.receiver) = (read.header.receiver(), read.header.sender());
            spec.test = read.header.is_test();
        }
        let sides = partner.identity.of(if spec.test { Usage::Test } else { Usage::Production });
        let number = interchange_number(numbers)?;
        let mut writer =
            InterchangeWriter::begin(&spec, number, &stamp).map_err(|e| e.to_string())?;
        if let Some(ta1) = &received.ta1 {
            writer.rendered(ta1);
        }
        let given = numbers.groups.iter().zip(&numbers.sets);
        for (group, (&number, &set)) in received.groups().zip(given) {
            let set = SetControlNumber(format!("{set:04}"));
            let answer = translate::answer_group(&self.engine, group, policy, &spec.style, &set);
            let version = translate::answer_version(&self.engine, group, policy);
            let (Some(answer), Some(version)) = (answer, version) else {
                return Err(format!("no grammar of the {} is loaded", policy.kind.set()));
            };
            // Codes that cannot be sent back must not keep the partner from its answer: those agreed on stand in.
            let code = |sent: String, agreed: &crate::profile::Identity| {
                if writer.fits_group_code(&sent) { sent } else { agreed.group_code().to_owned() }
            };
            let group = GroupSpec {
                functional_id: translate::ACKNOWLEDGEMENT_GROUP.to_owned(),
                sender: code(group.header.element(3), &sides.own),
                receiver: code(group.header.element(2), &sides.partner),
                version,
            };
            writer
                .group(&group, group_control_number(number)?, &stamp, [answer.bytes.as_slice()])
                .map_err(|e| e.to_string())?;
        }
        Ok(writer.finish())
    }

    /// Writes a document as an interchange of its own, and judges it as its receiver would. The error says why it
    /// cannot be written at all.
    pub(super) fn send(
        &self,
        document: &Document,
        partner: &Partner,
        agreement: &Agreement,
        numbers: &Numbers,
        now: Timestamp,
    ) -> Result<Sent, String> {
        let spec = interchange_spec(partner, &agreement.envelope);
        let version = agreement.version();
        let (group_number, set_number) = match (numbers.groups.first(), numbers.sets.first()) {
            (Some(&group), Some(&set)) => (group_control_number(group)?, format!("{set:04}")),
            _ => return Err("there are no control numbers for it".to_owned()),
        };
        let outbound = Outbound {
            set: Some(agreement.set()),
            version: &version,
            control_number: &set_number,
            style: &spec.style,
            hierarchy: agreement.hierarchy(),
            map: Some(&agreement.map),
        };
        let written =
            translate::write(&self.engine, document, &outbound).map_err(|e| e.to_string())?;
        let stamp = stamp(now);
        let sides = partner.identity.of(partner.usage);
        let group = GroupSpec {
            functional_id: written.group,
            sender: sides.own.group_code().to_owned(),
            receiver: sides.partner.group_code().to_owned(),
            version,
        };
        let mut writer = InterchangeWriter::begin(&spec, interchange_number(numbers)?, &stamp)
            .map_err(|e| e.to_string())?;
        writer
            .group(&group, group_number, &stamp, [written.bytes.as_slice()])
            .map_err(|e| e.to_string())?;
        let bytes = writer.finish();
        let mut findings = written.findings;
        findings.extend(translate::judge_under(&self.engine, &bytes, Some(partner)));
        Ok(Sent { bytes, set: written.set, findings })
    }
}

/// ISA, by the agreement.
fn interchange_spec(partner: &Partner, envelope: &Envelope) -> InterchangeSpec {
    let sides = partner.identity.of(partner.usage);
    let identity = |who: &crate::profile::Identity| Identity {
        qualifier: who.qualifier.clone(),
        id: who.id.clone(),
    };
    InterchangeSpec {
        authorization: ("00".to_owned(), String::new()),
        security: ("00".to_owned(), String::new()),
        sender: identity(&sides.own),
        receiver: identity(&sides.partner),
        version: envelope.interchange_version.clone(),
        acknowledgement_requested: envelope.request_ta1,
        test: partner.usage == Usage::Test,
        style: envelope.style(),
    }
}

fn interchange_number(numbers: &Numbers) -> Result<InterchangeControlNumber, String> {
    let number = u32::try_from(numbers.interchange).map_err(|e| e.to_string())?;
    Ok(InterchangeControlNumber(number))
}

fn group_control_number(number: u64) -> Result<GroupControlNumber, String> {
    Ok(GroupControlNumber(u32::try_from(number).map_err(|e| e.to_string())?))
}

/// Local time, as partners expect it.
fn stamp(now: Timestamp) -> Stamp {
    let local = now.to_zoned(TimeZone::system());
    Stamp::new(local.year(), local.month(), local.day(), local.hour(), local.minute())
}
