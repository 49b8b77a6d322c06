//! What would become of a file or a document: it is read, judged, answered and written on the very paths of the
//! gateway, and nothing of it is kept, numbered or sent.

use std::ops::Range;

use jiff::Timestamp;

use super::envelope::{interchange_spec, today};
use super::inbound::{in_force, shares};
use super::translation::{Header, Numbers, Part, Received, ReceivedSet, Share, Translator, split};
use crate::canonical::Document;
use crate::findings::{Finding, Severity};
use crate::profile::{
    Agreement, Credential, Direction, Envelope, Information, OnError, Partner, Profiles, State,
    Usage,
};
use crate::translate::{self, Engine};
use crate::x12::{
    GroupControlNumber, GroupSpec, InterchangeControlNumber, InterchangeSpec, InterchangeWriter,
};

/// The engine as the gateway uses it, without a gateway.
pub struct Rehearsal {
    translator: Translator,
}

/// One interchange of a file, and what would become of it.
pub struct Trial {
    /// Its bytes in the file.
    pub range: Range<usize>,
    /// Sender, receiver and number, in words; nothing where no ISA can be read.
    pub key: Option<String>,
    /// Whether it is a test, by ISA15 or by its identities.
    pub test: bool,
    /// Whose it is by its identities.
    pub partner: Option<String>,
    /// Whether its envelope is acceptable.
    pub accepted: bool,
    /// Findings of the envelope and of its groups.
    pub findings: Vec<Finding>,
    /// Its sets, in order.
    pub sets: Vec<SetTrial>,
    /// The interchanges that would answer it.
    pub answers: Vec<Vec<u8>>,
    /// Why it would not be answered, where it should be.
    pub unanswered: Option<String>,
}

/// A set, and what would become of it.
pub struct SetTrial {
    /// How people call it.
    pub label: String,
    /// ST01.
    pub set: String,
    /// Whether it is accepted.
    pub accepted: bool,
    /// All of its findings.
    pub findings: Vec<Finding>,
    /// What it says.
    pub document: Option<Document>,
    /// Where it would go.
    pub fate: String,
}

impl Rehearsal {
    /// Begins.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { translator: Translator::new(engine) }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        self.translator.engine()
    }

    /// Reads a file as if it lay in the mailbox of a partner. What was received before is not known here: nothing is
    /// a duplicate.
    #[must_use]
    pub fn receive(
        &self,
        profiles: &Profiles,
        partner: &Partner,
        bytes: &[u8],
        now: Timestamp,
    ) -> Vec<Trial> {
        let parts = split(bytes);
        parts.iter().map(|part| self.trial(profiles, partner, bytes, part, now)).collect()
    }

    fn trial(
        &self,
        profiles: &Profiles,
        partner: &Partner,
        bytes: &[u8],
        part: &Part,
        now: Timestamp,
    ) -> Trial {
        let known = part.header.as_ref().and_then(|h| profiles.sender(&h.sender, &h.receiver));
        let of_test = known.is_some_and(|(_, usage)| usage == Usage::Test);
        let test = of_test || part.header.as_ref().is_some_and(|header| header.test);
        let interchange = bytes.get(part.range.clone()).unwrap_or_default();
        let mut received = self.translator.receive(interchange, partner, &|_| None, today(now));
        let (answers, unanswered) = match self.answers(partner, &received, now) {
            Ok(answers) => (answers, None),
            Err(words) => (Vec::new(), Some(words)),
        };
        let whole = partner.processing.on_error == OnError::Interchange;
        let rejected = |set: &ReceivedSet| !set.accepted && !set.is_acknowledgement;
        let suspended = whole && received.sets.iter().any(rejected);
        let sets = std::mem::take(&mut received.sets);
        Trial {
            range: part.range.clone(),
            key: part.header.as_ref().map(in_words),
            test,
            partner: known.map(|(partner, _)| partner.name.clone()),
            accepted: received.accepted,
            findings: received.findings,
            sets: sets
                .into_iter()
                .map(|set| SetTrial {
                    fate: fate(partner, &set, (suspended, test), now),
                    label: set.label(),
                    set: set.set,
                    accepted: set.accepted,
                    findings: set.findings,
                    document: set.document,
                })
                .collect(),
            answers,
            unanswered,
        }
    }

    /// What answers an interchange, with the first numbers of the agreement.
    fn answers(
        &self,
        partner: &Partner,
        received: &Received,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, String> {
        let set = partner.acknowledgements.policy.kind.set();
        let spec = spec(partner, partner.envelope_of(set))?;
        let ranges = &partner.control_numbers;
        let mut answers = Vec::new();
        for (index, groups) in (0..).zip(shares(partner, received)) {
            let first = groups.start as u64;
            let count = groups.len() as u64;
            let of = |start: u64| (start + first..start + first + count).collect();
            let numbers = Numbers {
                interchange: ranges.interchange.first + index,
                groups: of(ranges.group.first),
                sets: of(ranges.set.first),
            };
            let share = Share { ta1: groups.start == 0, groups, numbers };
            answers.push(self.translator.answer(received, partner, &share, spec.clone(), now)?);
        }
        Ok(answers)
    }

    /// Writes a document as its sender would, in an interchange of its own with the first numbers of the agreement,
    /// and judges it as its receiver would.
    ///
    /// # Errors
    /// Why it cannot be written at all.
    pub fn write(
        &self,
        document: &Document,
        partner: &Partner,
        agreement: &Agreement,
        now: Timestamp,
    ) -> Result<(Vec<u8>, Vec<Finding>), String> {
        let ranges = &partner.control_numbers;
        let mut spec = spec(partner, &agreement.envelope)?;
        let written =
            self.translator.write(document, partner, agreement, ranges.set.first, &spec)?;
        let sides = partner.identity.of(partner.usage);
        let (mut sender, mut receiver) = (&sides.own, &sides.partner);
        if agreement.direction == Direction::In {
            std::mem::swap(&mut spec.sender, &mut spec.receiver);
            std::mem::swap(&mut sender, &mut receiver);
        }
        let group = GroupSpec {
            functional_id: written.group.clone(),
            sender: sender.group_code().to_owned(),
            receiver: receiver.group_code().to_owned(),
            agency: agreement.envelope.agency.clone(),
            version: match agreement.direction {
                Direction::In => agreement.release().to_owned(),
                Direction::Out => agreement.version(),
            },
        };
        let number = |number: u64| u32::try_from(number).map_err(|e| e.to_string());
        let interchange = InterchangeControlNumber(number(ranges.interchange.first)?);
        let stamp = super::envelope::stamp(now);
        let mut writer =
            InterchangeWriter::begin(&spec, interchange, &stamp).map_err(|e| e.to_string())?;
        let group_stamp = super::envelope::group_stamp(now, &agreement.envelope);
        let group_number = GroupControlNumber(number(ranges.group.first)?);
        writer
            .group(&group, group_number, &group_stamp, [written.bytes.as_slice()])
            .map_err(|e| e.to_string())?;
        let bytes = writer.finish();
        let direction = agreement.direction;
        let judged = translate::judge_in(self.engine(), &bytes, Some(partner), direction);
        let mut findings = written.findings;
        findings.extend(judged);
        findings.retain(|finding| !super::envelope::is_agreed(finding, &agreement.envelope));
        Ok((bytes, findings))
    }
}

/// Sender, receiver, number.
fn in_words(header: &Header) -> String {
    let key = header.key();
    format!("{} from {} to {}", key.number, key.sender, key.receiver)
}

/// ISA as the gateway would write it, but for secrets: what is only tried shows none.
fn spec(partner: &Partner, envelope: &Envelope) -> Result<InterchangeSpec, String> {
    let shown = |credential: &Credential| match credential.information {
        Information::Plain(_) => credential.clone(),
        Information::Secret(_) => {
            Credential { information: Information::Plain(String::new()), ..credential.clone() }
        }
    };
    let envelope = Envelope {
        authorisation: shown(&envelope.authorisation),
        security: shown(&envelope.security),
        ..envelope.clone()
    };
    interchange_spec(partner, &envelope).map_err(|e| e.to_string())
}

/// Where a set would go.
fn fate(
    partner: &Partner,
    set: &ReceivedSet,
    (suspended, test): (bool, bool),
    now: Timestamp,
) -> String {
    if set.is_acknowledgement && !set.outcomes.is_empty() {
        return "closes the clocks of what it answers".to_owned();
    }
    if !set.accepted || set.is_acknowledgement {
        return "rejected; nothing is delivered".to_owned();
    }
    let Some(document) = &set.document else {
        return "set aside: there is no map for this set".to_owned();
    };
    match in_force(partner, set, document.kind(), now, suspended) {
        Err((_, words)) => format!("set aside: {words}"),
        Ok(State::Shadow) => "recorded in shadow; nothing is delivered".to_owned(),
        Ok(_) if test => match &partner.test_endpoint {
            Some(endpoint) => format!("delivered to the test endpoint {endpoint}"),
            None => "set aside: a test document, and the profile names no test_endpoint".to_owned(),
        },
        Ok(_) => format!("delivered to the endpoint {}", partner.endpoint),
    }
}

/// Whether any of the findings keeps a document from being good.
#[must_use]
pub fn is_faulty(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity >= Severity::Error)
}
