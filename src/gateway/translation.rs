//! Where the gateway meets `translate`: bytes and documents in, what it has to decide on out.

use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::Date;

use super::envelope::{group_stamp, is_agreed, stamp};
use super::parts::cut;
use crate::acks::{self, ErrorsAs, GroupOutcome, InterchangeOutcome, Verdict};
use crate::canonical::Document;
use crate::findings::{Code, Finding, Place, Severity};
use crate::profile::{
    Agreement, Direction, DuplicateNumber, GroupUnity, Pair, Partner, SeparatorsFound, State,
    TrailingSeparators, TrailingSpaces, Usage,
};
use crate::translate::{
    self, Ends, Engine, Options, Outbound, ReceivedGroup, ReceivedInterchange, Written,
};
use crate::x12::{
    GroupControlNumber, GroupSpec, Identity, Interchange, InterchangeControlNumber,
    InterchangeSpec, InterchangeWriter, Limits, SetControlNumber,
};

/// Control numbers of one interchange that we write.
pub(super) struct Numbers {
    pub(super) interchange: u64,
    pub(super) groups: Vec<u64>,
    pub(super) sets: Vec<u64>,
}

/// An interchange as it was read.
pub(super) struct Unjudged(translate::Received);

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
    /// For each group whether it is not answered: its documents are in shadow.
    silent: Vec<bool>,
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
    /// GS08 of its group.
    pub(super) version: String,
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
        let silent = self.silent.iter().copied().chain(std::iter::repeat(false));
        let heard = groups.zip(silent).filter(|(_, silent)| !silent);
        heard.map(|(group, _)| group).filter(|group| !group.is_acknowledgement())
    }

    pub(super) fn groups_to_answer(&self) -> usize {
        self.groups().count()
    }

    /// GS01 and GS06 of the groups that are not rejected as a whole.
    pub(super) fn group_numbers(&self) -> impl Iterator<Item = (String, String)> {
        let groups = self.read.iter().filter(|_| self.accepted).flat_map(|read| &read.groups);
        let sound = groups.filter(|group| {
            acks::set_verdict(&group.findings, ErrorsAs::Accepted) != Verdict::Rejected
        });
        sound.map(|group| (group.header.element(1), group.header.element(6)))
    }

    pub(super) fn wants_ta1(&self) -> bool {
        self.ta1.is_some()
    }
}

/// Groups of an interchange that are answered together.
pub(super) struct Share {
    /// Which of those that are answered.
    pub(super) groups: Range<usize>,
    /// Whether the TA1 goes with them.
    pub(super) ta1: bool,
    pub(super) numbers: Numbers,
}

/// An interchange that we wrote.
pub(super) struct Sent {
    pub(super) bytes: Vec<u8>,
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

    /// Reads and judges one interchange as the partner's agreement wants it. `repeated` tells of a group whether its
    /// number, and of a set whether its number, was seen before.
    pub(super) fn receive(
        &self,
        interchange: &[u8],
        partner: &Partner,
        repeated: &dyn Fn(&NumberSeen<'_>) -> Option<String>,
        today: Date,
    ) -> Received {
        Self::judge(self.read(interchange, partner), partner, repeated, today)
    }

    /// The first half of [`Self::receive`], which needs nothing but the bytes and the agreement.
    pub(super) fn read(&self, interchange: &[u8], partner: &Partner) -> Unjudged {
        let policy = &partner.acknowledgements.policy;
        let options = Options {
            limits: Limits::default(),
            unknown_set: Severity::Fatal,
            overlays: Some(partner),
            direction: Direction::In,
        };
        let errors_as = |_: &Interchange| policy.errors_as;
        Unjudged(translate::receive_under(&self.engine, interchange, options, &errors_as))
    }

    /// The second half, in which it is judged by what came before, too.
    pub(super) fn judge(
        Unjudged(mut all): Unjudged,
        partner: &Partner,
        repeated: &dyn Fn(&NumberSeen<'_>) -> Option<String>,
        today: Date,
    ) -> Received {
        let policy = &partner.acknowledgements.policy;
        let mut received = Received {
            accepted: false,
            findings: all.stray,
            sets: Vec::new(),
            interchange_outcomes: Vec::new(),
            read: None,
            silent: Vec::new(),
            ta1: None,
        };
        if all.interchanges.is_empty() {
            return received;
        }
        let mut read = all.interchanges.swap_remove(0);
        received.accepted = read.verdict != Verdict::Rejected;
        received.findings.extend(read.findings.iter().cloned());
        let style = partner.envelope_of(policy.kind.set()).style();
        received.ta1 = translate::answer_interchange(&read, policy, &style)
            .filter(|_| partner.state == State::Live);
        received.interchange_outcomes = std::mem::take(&mut read.acknowledged);
        let pair = pair_of(partner, &read.header);
        for group in &mut read.groups {
            if let Some(pair) = pair {
                judge_codes(group, pair);
            }
            judge_separators(group, partner);
            judge_numbers(group, partner, repeated);
            judge_unity(group, partner);
            received.silent.push(is_silent(group, partner, today));
            received.findings.extend(group.findings.iter().cloned());
            let sound = acks::set_verdict(&group.findings, policy.errors_as) != Verdict::Rejected;
            let is_acknowledgement = group.is_acknowledgement();
            let (number, version) = (group.header.element(6), group.header.version());
            for set in &mut group.sets {
                received.sets.push(ReceivedSet {
                    set: set.id.clone(),
                    number: set.control_number.0.clone(),
                    group: number.clone(),
                    version: version.clone(),
                    accepted: received.accepted && sound && set.verdict != Verdict::Rejected,
                    findings: set.findings.clone(),
                    document: set.document.take().map(|document| as_change(document, partner)),
                    is_acknowledgement,
                    outcomes: std::mem::take(&mut set.outcomes),
                });
            }
        }
        received.read = Some(read);
        received
    }

    /// Reads an interchange that is rejected as a whole: only its TA1 is answered, with this note.
    pub(super) fn refuse(
        &self,
        interchange: &[u8],
        partner: &Partner,
        note: &str,
        today: Date,
    ) -> Received {
        let mut received = self.receive(interchange, partner, &|_| None, today);
        let style = partner.envelope_of(partner.acknowledgements.policy.kind.set()).style();
        received.accepted = false;
        // Of one without groups there is nothing to refuse; a TA1 in it is never answered.
        let read = received.read.as_ref().filter(|read| !read.groups.is_empty());
        received.ta1 = read.map(|read| translate::refuse_interchange(read, note, &style));
        received
    }

    /// Writes what answers some of its groups, and its TA1 where that goes with them. The error says why it cannot be
    /// written.
    pub(super) fn answer(
        &self,
        received: &Received,
        partner: &Partner,
        share: &Share,
        mut spec: InterchangeSpec,
        now: Timestamp,
    ) -> Result<Vec<u8>, String> {
        let policy = &partner.acknowledgements.policy;
        let envelope = partner.envelope_of(policy.kind.set());
        // What answers is not answered.
        spec.acknowledgement_requested = false;
        if let Some(read) = &received.read {
            // The answer goes back to where the question came from.
            (spec.sender, spec.receiver) = (read.header.receiver(), read.header.sender());
            spec.test = read.header.is_test();
        }
        let usage = if spec.test { Usage::Test } else { Usage::Production };
        let known = received.read.as_ref().and_then(|read| pair_of(partner, &read.header));
        let sides = known.unwrap_or_else(|| partner.identity.of(usage));
        let number = interchange_number(&share.numbers)?;
        let (stamp, group_stamp) = (stamp(now), group_stamp(now, envelope));
        let mut writer =
            InterchangeWriter::begin(&spec, number, &stamp).map_err(|e| e.to_string())?;
        if let Some(ta1) = received.ta1.as_ref().filter(|_| share.ta1) {
            writer.rendered(ta1);
        }
        let groups = received.groups().skip(share.groups.start).take(share.groups.len());
        let given = share.numbers.groups.iter().zip(&share.numbers.sets);
        for (group, (&number, &set)) in groups.zip(given) {
            let set = SetControlNumber(partner.control_numbers.set_form.text(set));
            let answer = translate::answer_group(&self.engine, group, policy, &spec.style, &set);
            let version = translate::answer_version(&self.engine, group, policy);
            let (Some(answer), Some(version)) = (answer, version) else {
                return Err(format!("no grammar of the {} is loaded", policy.kind.set()));
            };
            // We are who was agreed, whoever the partner took us for; it is told who it said it was. A code that cannot
            // be sent back must not keep it from its answer: the one agreed on stands in.
            let sent = group.header.element(2);
            let agreed = || sides.partner.group_code().to_owned();
            let receiver = if writer.fits_group_code(&sent) { sent } else { agreed() };
            let group = GroupSpec {
                functional_id: translate::ACKNOWLEDGEMENT_GROUP.to_owned(),
                sender: sides.own.group_code().to_owned(),
                receiver,
                agency: envelope.agency.clone(),
                version,
            };
            writer
                .group(
                    &group,
                    group_control_number(number)?,
                    &group_stamp,
                    [answer.bytes.as_slice()],
                )
                .map_err(|e| e.to_string())?;
        }
        Ok(writer.finish())
    }

    /// Writes a document as a set, and judges it as its receiver would. The error says why it cannot be written at
    /// all.
    pub(super) fn write(
        &self,
        document: &Document,
        partner: &Partner,
        agreement: &Agreement,
        number: u64,
        spec: &InterchangeSpec,
    ) -> Result<Written, String> {
        let envelope = &agreement.envelope;
        let outbound = Outbound {
            set: Some(agreement.set()),
            version: &agreement.version(),
            control_number: &partner.control_numbers.set_form.text(number),
            style: &spec.style,
            hierarchy: agreement.hierarchy(),
            map: Some(&agreement.map),
        };
        let mut written =
            translate::write(&self.engine, document, &outbound).map_err(|e| e.to_string())?;
        let processing = &partner.processing;
        let ends = Ends {
            fill: processing.trailing_separators == TrailingSeparators::Keep,
            trim: processing.trailing_spaces == TrailingSpaces::Trim,
        };
        written.bytes = translate::tidy(&written.bytes, &agreement.grammar, &spec.style, ends);
        let characters = translate::check_characters(&written.bytes, &spec.style, envelope.charset);
        written.findings.extend(characters);
        Ok(written)
    }

    /// Puts sets into an interchange, and judges it as its receiver would.
    pub(super) fn send(
        &self,
        sets: &[Written],
        partner: &Partner,
        agreement: &Agreement,
        (spec, numbers): (&InterchangeSpec, &Numbers),
        now: Timestamp,
    ) -> Result<Sent, String> {
        let envelope = &agreement.envelope;
        let Some((first, &group_number)) = sets.first().zip(numbers.groups.first()) else {
            return Err("there are no control numbers for it".to_owned());
        };
        let sides = partner.identity.of(partner.usage);
        let group = GroupSpec {
            functional_id: first.group.clone(),
            sender: sides.own.group_code().to_owned(),
            receiver: sides.partner.group_code().to_owned(),
            agency: envelope.agency.clone(),
            version: agreement.version(),
        };
        let mut writer = InterchangeWriter::begin(spec, interchange_number(numbers)?, &stamp(now))
            .map_err(|e| e.to_string())?;
        let number = group_control_number(group_number)?;
        let rendered = sets.iter().map(|set| set.bytes.as_slice());
        writer
            .group(&group, number, &group_stamp(now, envelope), rendered)
            .map_err(|e| e.to_string())?;
        let bytes = writer.finish();
        let mut findings = translate::judge_under(&self.engine, &bytes, Some(partner));
        findings.retain(|finding| !is_agreed(finding, envelope));
        Ok(Sent { bytes, findings })
    }
}

/// A number of a partner's that may have been seen before.
pub(super) enum NumberSeen<'a> {
    /// GS06, in groups of this kind (GS01).
    Group { kind: &'a str, number: &'a str },
    /// ST02, in sets of this kind (ST01).
    Set { kind: &'a str, number: &'a str },
}

/// The identities that an interchange came with, as the profile has them.
fn pair_of<'p>(partner: &'p Partner, header: &Interchange) -> Option<&'p Pair> {
    let (sender, receiver) = (header.sender(), header.receiver());
    let is = |agreed: &crate::profile::Identity, found: &Identity| {
        agreed.qualifier.trim() == found.qualifier.trim() && agreed.id.trim() == found.id.trim()
    };
    let mut pairs = partner.identity.all().map(|(_, pair)| pair);
    pairs.find(|pair| is(&pair.partner, &sender) && is(&pair.own, &receiver))
}

/// Adds what is found where GS02 and GS03 are not those agreed on.
fn judge_codes(group: &mut ReceivedGroup, pair: &Pair) {
    for (element, agreed) in [(2, pair.partner.group_code()), (3, pair.own.group_code())] {
        let found = group.header.element(usize::from(element));
        if found.trim() == agreed.trim() {
            continue;
        }
        let place = Place {
            segment: "GS".to_owned(),
            element,
            offset: group.header.offset,
            ..Place::default()
        };
        let says = format!("GS{element:02} is {:?}, and {agreed:?} was agreed.", cut(&found));
        let mend = "Send what was agreed, or write it into the profile (`group` of the identity).";
        let mut finding = Finding::new(Code::GroupCodes, place, says, mend.to_owned());
        finding.value = Some(cut(&found));
        group.findings.push(finding);
    }
}

/// Separators at the end of segments weigh as much as was agreed.
fn judge_separators(group: &mut ReceivedGroup, partner: &Partner) {
    let severity = match partner.processing.separators_found {
        // As it is found.
        SeparatorsFound::Advice => return,
        SeparatorsFound::Ignore => None,
        SeparatorsFound::Warning => Some(Severity::Warning),
        SeparatorsFound::Error => Some(Severity::Error),
    };
    for set in &mut group.sets {
        set.findings.retain_mut(|finding| {
            let is_it = finding.code == Code::TrailingSeparators;
            if let (true, Some(severity)) = (is_it, severity) {
                finding.severity = severity;
            }
            !is_it || severity.is_some()
        });
        set.verdict = acks::set_verdict(&set.findings, partner.acknowledgements.policy.errors_as);
    }
}

/// Adds what is found where GS06 or ST02 was seen before, as heavy as it was agreed.
fn judge_numbers(
    group: &mut ReceivedGroup,
    partner: &Partner,
    repeated: &dyn Fn(&NumberSeen<'_>) -> Option<String>,
) {
    let finding = |code: Code, action: DuplicateNumber, place: Place, what: &str, before: &str| {
        let says = format!("{what} was received before: {before}.");
        let mend = "Give each a number of its own, or agree on for how long a number counts.";
        let mut finding = Finding::new(code, place, says, mend.to_owned());
        finding.severity = match action {
            DuplicateNumber::Reject => Severity::Fatal,
            DuplicateNumber::Finding | DuplicateNumber::Ignore => Severity::Warning,
        };
        finding
    };
    let place = |segment: &str, position, element, offset| Place {
        segment: segment.to_owned(),
        segment_position: position,
        element,
        offset,
        ..Place::default()
    };
    let (kind, number) = (group.header.element(1), group.header.element(6));
    let action = partner.duplicates.group;
    if action != DuplicateNumber::Ignore
        && let Some(before) = repeated(&NumberSeen::Group { kind: &kind, number: &number })
    {
        let place = place("GS", 0, 6, group.header.offset);
        let what = format!("Group {number} ({kind})");
        let found = finding(Code::GroupNumberRepeated, action, place, &what, &before);
        group.findings.push(found);
    }
    let action = partner.duplicates.set;
    if action == DuplicateNumber::Ignore {
        return;
    }
    for set in &mut group.sets {
        let seen = NumberSeen::Set { kind: &set.id, number: &set.control_number.0 };
        let Some(before) = repeated(&seen) else { continue };
        let place = place("ST", 1, 2, set.bytes.start as u64);
        let what = format!("Set {} ({})", set.control_number.0, set.id);
        set.findings.push(finding(Code::SetNumberRepeated, action, place, &what, &before));
        set.verdict = acks::set_verdict(&set.findings, partner.acknowledgements.policy.errors_as);
    }
}

/// A group that is to be kept whole is rejected with one of its sets.
fn judge_unity(group: &mut ReceivedGroup, partner: &Partner) {
    let rejected = group.sets.iter().filter(|set| set.verdict == Verdict::Rejected).count();
    let whole = partner.processing.group == GroupUnity::Whole;
    if whole && rejected > 0 && rejected < group.sets.len() && !group.is_acknowledgement() {
        let place =
            Place { segment: "GS".to_owned(), offset: group.header.offset, ..Place::default() };
        let says = format!(
            "{rejected} of its {} sets cannot be accepted, and the group is taken whole or not at all.",
            group.sets.len()
        );
        let mend = "Mend the sets that were rejected and send the group again.".to_owned();
        group.findings.push(Finding::new(Code::GroupKeptWhole, place, says, mend));
    }
}

/// Whether nothing of a group is in force but its shadow: then nobody is told of it.
fn is_silent(group: &ReceivedGroup, partner: &Partner, today: Date) -> bool {
    let version = group.header.version();
    let shadowed = |set: &crate::translate::ReceivedSet| {
        let agreement = partner.agreement(Direction::In, &set.id, &version);
        agreement.is_some_and(|agreement| agreement.state_on(today) == State::Shadow)
    };
    partner.state == State::Shadow || (!group.sets.is_empty() && group.sets.iter().all(shadowed))
}

fn interchange_number(numbers: &Numbers) -> Result<InterchangeControlNumber, String> {
    let number = u32::try_from(numbers.interchange).map_err(|e| e.to_string())?;
    Ok(InterchangeControlNumber(number))
}

fn group_control_number(number: u64) -> Result<GroupControlNumber, String> {
    Ok(GroupControlNumber(u32::try_from(number).map_err(|e| e.to_string())?))
}

/// A cancellation that came as an order, as the change of an order that it is, where the partner's changes are taken in: an
/// endpoint that books orders books no second one.
fn as_change(document: Document, partner: &Partner) -> Document {
    let takes_changes = partner.flow("order_change", Direction::In).is_some();
    match document {
        Document::Order(order)
            if takes_changes && order.purpose.as_deref() == Some("cancellation") =>
        {
            Document::OrderChange(order)
        }
        other => other,
    }
}
