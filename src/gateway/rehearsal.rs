//! What would become of a file or a document: it is read, judged, answered and written on the very paths of the
//! gateway, and nothing of it is kept, numbered or sent.

use std::ops::Range;

use jiff::Timestamp;

use super::Error;
use super::envelope::{interchange_spec, today};
use super::inbound::{NO_TEST_ENDPOINT, document_id, in_force, in_our_words, shares};
use super::intake::business_number;
use super::orders::{Own, Passed, against_given, against_orders};
use super::parts::{Header, Part, split};
use super::standing::{number_key, why_held};
use super::translation::{Numbers, Received, ReceivedSet, Share, Translator};
use crate::canonical::Document;
use crate::findings::{Finding, Severity};
use crate::profile::{
    Agreement, Credential, Direction, DuplicateDocument, Envelope, Information, OnError, Partner,
    Profiles, State, Usage,
};
use crate::store::{Document as DocumentRecord, DocumentState, Records};
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

/// What becomes of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It goes on: to the endpoint, or to the partner.
    Goes,
    /// It is recorded; the agreement is in shadow.
    Shadow,
    /// It is a partner's acknowledgement, and is applied.
    Applied,
    /// It is set aside for a person.
    Held,
    /// It is rejected, and the partner is told so.
    Rejected,
}

impl Standing {
    /// Whether it stops here.
    #[must_use]
    pub fn fails(self) -> bool {
        matches!(self, Self::Held | Self::Rejected)
    }
}

/// A set, and what would become of it.
pub struct SetTrial {
    /// How people call it.
    pub label: String,
    /// ST01.
    pub set: String,
    /// GS08 of its group.
    pub version: String,
    /// Whether it is accepted.
    pub accepted: bool,
    /// All of its findings.
    pub findings: Vec<Finding>,
    /// How many of them, the last, were found in its document and not in the set.
    pub of_document: usize,
    /// What it says; in our own words, as far as they are known.
    pub document: Option<Document>,
    /// The id of its document, the same whenever this interchange is read: the idempotency key.
    pub id: Option<String>,
    /// GS06 of its group.
    pub group: String,
    /// ST02.
    pub number: String,
    /// Whether it is a 997 or 999.
    pub is_acknowledgement: bool,
    /// What becomes of it.
    pub standing: Standing,
    /// Where it would go.
    pub fate: String,
}

/// A document on its way to a partner, and what would become of it.
pub(super) struct Leaving {
    pub(super) standing: Standing,
    pub(super) fate: String,
    pub(super) findings: Vec<Finding>,
    /// The interchange that would hold it, where it can be written.
    pub(super) bytes: Option<Vec<u8>>,
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
    /// a duplicate, and nothing is compared with its order; see [`Self::compare`].
    ///
    /// # Errors
    /// None that it could know of.
    pub fn receive(
        &self,
        profiles: &Profiles,
        partner: &Partner,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<Vec<Trial>, Error> {
        let parts = split(bytes);
        let trial = |part: &Part| self.trial(None, (profiles, partner), bytes, part, now);
        parts.iter().map(trial).collect()
    }

    /// Reads one interchange of a file; where the records are at hand, what is for an order is compared with it.
    pub(super) fn trial(
        &self,
        records: Option<&dyn Records>,
        (profiles, partner): (&Profiles, &Partner),
        bytes: &[u8],
        part: &Part,
        now: Timestamp,
    ) -> Result<Trial, Error> {
        let known = part.header.as_ref().and_then(|h| profiles.sender(&h.sender, &h.receiver));
        let of_test = known.is_some_and(|(_, usage)| usage == Usage::Test);
        let test = of_test || part.header.as_ref().is_some_and(|header| header.test);
        let header = part.header.as_ref().map(|header| Header { test, ..header.clone() });
        let interchange = bytes.get(part.range.clone()).unwrap_or_default();
        let mut received = self.translator.receive(interchange, partner, &|_| None, today(now));
        let (answers, unanswered) = match self.answers(partner, &received, now) {
            Ok(answers) => (answers, None),
            Err(words) => (Vec::new(), Some(words)),
        };
        let whole = partner.processing.on_error == OnError::Interchange;
        let rejected = |set: &ReceivedSet| !set.accepted && !set.is_acknowledgement;
        let suspended = whole && received.sets.iter().any(rejected);
        let with = Judging { records, partner, header: header.as_ref(), suspended, test, now };
        let sets = std::mem::take(&mut received.sets).into_iter().enumerate();
        Ok(Trial {
            range: part.range.clone(),
            key: header.as_ref().map(in_words),
            test,
            partner: known.map(|(partner, _)| partner.name.clone()),
            accepted: received.accepted,
            findings: received.findings,
            sets: sets.map(|place| with.set(place)).collect::<Result<_, _>>()?,
            answers,
            unanswered,
        })
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

    /// Compares a document, in our own words, with those of its orders that are among what came (`In`) and went (`Out`)
    /// before it, where the agreement wants that; and the numbers of the others. Changes of orders are not looked at.
    #[must_use]
    pub fn compare(
        &self,
        document: &Document,
        agreement: &Agreement,
        before: &[(Direction, Document)],
    ) -> (Vec<Finding>, Vec<String>) {
        against_given(agreement, document, before)
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
        let mut theirs = document.clone();
        let mut findings = match agreement.direction {
            Direction::In => Vec::new(),
            Direction::Out => partner.crosswalks.outbound(&mut theirs),
        };
        let written =
            self.translator.write(&theirs, partner, agreement, ranges.set.first, &spec)?;
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
        findings.extend(written.findings);
        findings.extend(judged);
        findings.retain(|finding| !super::envelope::is_agreed(finding, &agreement.envelope));
        Ok((bytes, findings))
    }
}

impl Rehearsal {
    /// What would become of a document of ours, in an interchange of its own. `id` is its own among those that went
    /// for its order.
    pub(super) fn leave(
        &self,
        records: &dyn Records,
        (document, id): (&Document, &str),
        partner: &Partner,
        now: Timestamp,
    ) -> Result<Leaving, Error> {
        let kind = document.kind();
        let held = |fate: String, findings: Vec<Finding>| {
            Ok(Leaving { standing: Standing::Held, fate, findings, bytes: None })
        };
        let Some(agreement) = partner.outbound(kind) else {
            return held(format!("set aside: the profile does not send {kind} documents"), vec![]);
        };
        let (standing, fate) = match agreement.state_on(today(now)).min(partner.state) {
            State::Off => {
                let words = format!("the profile does not send {kind} documents on this day");
                return held(format!("set aside: {words}"), vec![]);
            }
            State::Shadow => (Standing::Shadow, "recorded in shadow; nothing is sent"),
            State::Live => (Standing::Goes, "sent"),
        };
        let own = (document, false, Own::Then(id));
        let mut findings = against_orders(records, partner, agreement, own, &Passed::default())?;
        let mut theirs = document.clone();
        findings.extend(partner.crosswalks.outbound(&mut theirs));
        match self.write_for(&theirs, partner, agreement, now) {
            Err(words) if findings.is_empty() => held(format!("set aside: {words}"), findings),
            Err(_) => held("set aside: it cannot be written".to_owned(), findings),
            Ok((bytes, judged)) => {
                findings.extend(judged);
                let (standing, fate) = if is_faulty(&findings) {
                    (Standing::Held, "set aside: our own check holds it back")
                } else {
                    (standing, fate)
                };
                Ok(Leaving { standing, fate: fate.to_owned(), findings, bytes: Some(bytes) })
            }
        }
    }

    fn write_for(
        &self,
        theirs: &Document,
        partner: &Partner,
        agreement: &Agreement,
        now: Timestamp,
    ) -> Result<(Vec<u8>, Vec<Finding>), String> {
        let ranges = &partner.control_numbers;
        let spec = spec(partner, &agreement.envelope)?;
        let numbers = Numbers {
            interchange: ranges.interchange.first,
            groups: vec![ranges.group.first],
            sets: vec![ranges.set.first],
        };
        let written = self.translator.write(theirs, partner, agreement, ranges.set.first, &spec)?;
        let alone = std::slice::from_ref(&written);
        let sent = self.translator.send(alone, partner, agreement, (&spec, &numbers), now)?;
        let findings = written.findings.into_iter().chain(sent.findings).collect();
        Ok((sent.bytes, findings))
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

/// What the sets of an interchange are judged by.
struct Judging<'a> {
    records: Option<&'a dyn Records>,
    partner: &'a Partner,
    header: Option<&'a Header>,
    suspended: bool,
    test: bool,
    now: Timestamp,
}

impl Judging<'_> {
    fn set(&self, (index, mut set): (usize, ReceivedSet)) -> Result<SetTrial, Error> {
        let id = self.header.zip(set.document.as_ref()).map(|(header, document)| {
            let number = business_number(document.number());
            document_id(self.partner, header, (index, &set), document.kind(), &number)
        });
        let of_set = set.findings.len();
        let (standing, fate) = self.fate(&mut set, id.as_deref())?;
        Ok(SetTrial {
            of_document: set.findings.len() - of_set,
            label: set.label(),
            set: set.set,
            version: set.version,
            accepted: set.accepted,
            findings: set.findings,
            document: set.document,
            id,
            group: set.group,
            number: set.number,
            is_acknowledgement: set.is_acknowledgement,
            standing,
            fate,
        })
    }

    /// Where a set would go. Its document is put into our own words; what is found in that is added to its findings.
    fn fate(&self, set: &mut ReceivedSet, id: Option<&str>) -> Result<(Standing, String), Error> {
        let Self { partner, test, .. } = *self;
        if set.is_acknowledgement && !set.outcomes.is_empty() {
            return Ok((Standing::Applied, "closes the clocks of what it answers".to_owned()));
        }
        if !set.accepted || set.is_acknowledgement {
            return Ok((Standing::Rejected, "rejected; nothing is delivered".to_owned()));
        }
        let held = |words: &str| Ok((Standing::Held, format!("set aside: {words}")));
        let Some(mut document) = set.document.take() else {
            return held("there is no map for this set");
        };
        let in_force = in_force(partner, set, document.kind(), self.now, self.suspended);
        let endpoint = if test { partner.test_endpoint.as_ref() } else { Some(&partner.endpoint) };
        let fate = match (in_force, endpoint) {
            (Err((_, words)), _) => held(&words),
            (Ok(State::Shadow), None) => Ok((
                Standing::Shadow,
                format!("recorded in shadow; once it is live: set aside, {NO_TEST_ENDPOINT}"),
            )),
            (Ok(State::Shadow), _) => {
                Ok((Standing::Shadow, "recorded in shadow; nothing is delivered".to_owned()))
            }
            (Ok(_), None) => held(NO_TEST_ENDPOINT),
            (Ok(_), Some(endpoint)) => {
                let which = if test { "test endpoint" } else { "endpoint" };
                Ok((Standing::Goes, format!("delivered to the {which} {endpoint}")))
            }
        };
        let mut fate = fate?;
        if !fate.0.fails() {
            let own = (&mut document, test, Own::Then(id.unwrap_or_default()));
            let (_, found) = in_our_words(self.records, partner, set, own, &Passed::default())?;
            if is_faulty(&found) {
                fate = held(found.first().map_or("", |finding| &finding.message))?;
            }
            set.findings.extend(found);
        }
        // What went on then is not asked again whether it may.
        if let (Standing::Goes, Some(records)) = (fate.0, self.records)
            && !went_on(records, id)?
            && let Some(words) = why_held(records, partner, &document, (test, &|_| false))?
        {
            fate = held(&words)?;
        }
        if let (Standing::Goes, Some(records), Some(id)) = (fate.0, self.records, id)
            && let Some(words) = self.is_taken(records, &document, id)?
        {
            fate = held(&words)?;
        }
        set.document = Some(document);
        Ok(fate)
    }

    /// Whether another document went on under the number of one that was held; in words.
    fn is_taken(
        &self,
        records: &dyn Records,
        document: &Document,
        id: &str,
    ) -> Result<Option<String>, Error> {
        let was_held = |one: &DocumentRecord| one.state == DocumentState::Quarantined;
        let deliver = self.partner.duplicates.documents == DuplicateDocument::Deliver;
        if deliver || !records.document(id)?.as_ref().is_some_and(was_held) {
            return Ok(None);
        }
        let kind = document.kind();
        let key = number_key((&self.partner.name, self.test), document);
        let first = if key.number.is_empty() { None } else { records.purchase_order(&key)? };
        let other = first.filter(|first| first != id);
        Ok(other.map(|other| format!("{kind} {} was received before: {other}", key.number)))
    }
}

/// Whether a document waits for its endpoint, or is there.
fn went_on(records: &dyn Records, id: Option<&str>) -> Result<bool, Error> {
    let record = id.map(|id| records.document(id)).transpose()?.flatten();
    let states = [DocumentState::Queued, DocumentState::Delivered];
    Ok(record.is_some_and(|record| states.contains(&record.state)))
}

/// Whether any of the findings keeps a document from being good.
#[must_use]
pub fn is_faulty(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity >= Severity::Error)
}
