//! A whole input at once: interchanges with their groups, sets, findings, verdicts and canonical documents, and the
//! acknowledgements that answer them.

use std::io::Read;

use crate::acks::{
    self, AckKind, AckPolicy, Answer, ErrorsAs, GroupAnswer, GroupHeader, GroupOutcome,
    GroupTrailer, InterchangeOutcome, InterchangeReport, SetReport, Verdict,
};
use crate::canonical::Document;
use crate::findings::{Code, Finding, Severity};
use crate::x12::{Group, Interchange, Limits, SetControlNumber, Style};

use super::{CheckedSet, Engine, Options, Session, Step};

/// GS01 of acknowledgements, which are not acknowledged themselves (X12C/TG1 technical report on 997).
pub const ACKNOWLEDGEMENT_GROUP: &str = "FA";

/// An input, read through.
#[derive(Debug, Default)]
pub struct Received {
    /// Its interchanges, in order.
    pub interchanges: Vec<ReceivedInterchange>,
    /// What belongs to none: text between them, no interchange at all.
    pub stray: Vec<Finding>,
}

/// An interchange of the input.
#[derive(Debug)]
pub struct ReceivedInterchange {
    /// ISA.
    pub header: Interchange,
    /// Findings of ISA, IEA and of segments outside any group.
    pub findings: Vec<Finding>,
    /// Where it stands in the input: from ISA to one past its end.
    pub bytes: std::ops::Range<usize>,
    /// Its groups, in order.
    pub groups: Vec<ReceivedGroup>,
    /// TA1 segments in it: answers to interchanges of ours.
    pub acknowledged: Vec<InterchangeOutcome>,
    /// What becomes of it as a whole; a rejected one rejects all of its groups.
    pub verdict: Verdict,
}

/// A functional group.
#[derive(Debug)]
pub struct ReceivedGroup {
    /// GS.
    pub header: Group,
    /// Findings of GS and GE, and of segments outside any set.
    pub findings: Vec<Finding>,
    /// GE01.
    pub stated_sets: Option<u32>,
    /// Its sets, in order.
    pub sets: Vec<ReceivedSet>,
    /// What becomes of it.
    pub verdict: Verdict,
}

impl ReceivedGroup {
    /// Whether it holds acknowledgements.
    #[must_use]
    pub fn is_acknowledgement(&self) -> bool {
        self.header.element(1) == ACKNOWLEDGEMENT_GROUP
    }
}

/// A transaction set.
#[derive(Debug)]
pub struct ReceivedSet {
    /// ST01.
    pub id: String,
    /// ST02.
    pub control_number: SetControlNumber,
    /// ST03.
    pub convention: Option<String>,
    /// Where it stands in the input, ST to SE.
    pub bytes: std::ops::Range<usize>,
    /// All of its findings.
    pub findings: Vec<Finding>,
    /// What becomes of it.
    pub verdict: Verdict,
    /// What it says, where a map reads it and nothing would have to be guessed. There for rejected sets too, where
    /// it could be read, so that a person can look at it.
    pub document: Option<Document>,
    /// For a 997 or 999: what it says of groups of ours.
    pub outcomes: Vec<GroupOutcome>,
}

/// Findings of sets that are kept of one input. Past it each set keeps one, the heaviest, which is enough to answer
/// it: an input of nothing but broken sets must not take many times its size in memory (100,000 take about 60 MB).
const FINDINGS_MAX: usize = 100_000;

/// Findings that are kept of one envelope: those of ISA, IEA and of what stands outside groups and sets.
const ENVELOPE_FINDINGS_MAX: usize = 10_000;

/// Leaves only the heaviest finding, without its words.
fn keep_heaviest(findings: &mut Vec<Finding>) {
    let heaviest = findings.drain(..).max_by_key(|f| f.severity);
    *findings = heaviest.into_iter().collect();
    for finding in findings {
        finding.message =
            String::from("There are too many findings in this input to keep their words.");
        finding.mend = String::new();
        finding.value = None;
    }
}

/// Adds a finding of an envelope, unless there are more than anybody reads and one as heavy is among them.
fn push_bounded(findings: &mut Vec<Finding>, finding: Finding) {
    let full = findings.len() >= ENVELOPE_FINDINGS_MAX;
    if !full || findings.last().is_some_and(|last| last.severity < finding.severity) {
        findings.push(finding);
    }
}

/// Reads an input through. `errors_as` tells for an interchange what its agreement makes of errors.
#[must_use]
pub fn receive(
    engine: &Engine,
    bytes: &[u8],
    limits: Limits,
    errors_as: &dyn Fn(&Interchange) -> ErrorsAs,
) -> Received {
    let options = Options { limits, unknown_set: Severity::Fatal, ..Options::default() };
    receive_under(engine, bytes, options, errors_as)
}

/// Reads an input through, under what was agreed with its sender.
#[must_use]
pub fn receive_under(
    engine: &Engine,
    bytes: &[u8],
    options: Options<'_>,
    errors_as: &dyn Fn(&Interchange) -> ErrorsAs,
) -> Received {
    let mut received = Received::default();
    let session = Session::of_slice(engine, bytes, options);
    // Reading from a slice cannot fail.
    let _ = read_through(&mut received, session, errors_as, true);
    received
}

/// Reads a stream through, and keeps what it takes to answer: of the sets their verdicts and findings, and no document.
/// Each set takes a few hundred bytes, whatever it says.
///
/// # Errors
/// Only what the stream itself reports.
pub fn receive_to_answer(
    engine: &Engine,
    input: impl Read,
    options: Options<'_>,
    errors_as: &dyn Fn(&Interchange) -> ErrorsAs,
) -> std::io::Result<Received> {
    let mut received = Received::default();
    read_through(&mut received, Session::new(engine, input, options), errors_as, false)?;
    Ok(received)
}

fn read_through<R: Read>(
    received: &mut Received,
    mut session: Session<'_, R>,
    errors_as: &dyn Fn(&Interchange) -> ErrorsAs,
    documents: bool,
) -> std::io::Result<()> {
    let engine = session.engine();
    let mut reader = crate::map::Reader::new();
    let mut strictness = ErrorsAs::default();
    let mut in_group = false;
    let mut kept = 0usize;
    while let Some(step) = session.next()? {
        match step {
            Step::Interchange { header, findings } => {
                strictness = errors_as(header);
                received.interchanges.push(open_interchange(header, findings));
            }
            Step::Stray(finding) => keep_stray(received, finding, in_group),
            Step::InterchangeAck { segment, findings } => {
                if let Some(interchange) = received.interchanges.last_mut() {
                    interchange
                        .acknowledged
                        .push(acks::read_ta1(&segment, Some(engine.grammars().envelope())));
                    interchange.findings.extend(findings);
                }
            }
            Step::Group { header, findings } => {
                in_group = true;
                if let Some(interchange) = received.interchanges.last_mut() {
                    let group = ReceivedGroup {
                        header: header.clone(),
                        findings,
                        stated_sets: None,
                        sets: Vec::new(),
                        verdict: Verdict::Accepted,
                    };
                    interchange.groups.push(group);
                }
            }
            Step::Set(set) => {
                let mut read = read_set(set, strictness, &mut reader);
                kept += read.set.findings.len();
                if kept > FINDINGS_MAX {
                    keep_heaviest(&mut read.set.findings);
                }
                read.set.document.take_if(|_| !documents);
                place_set(received, read);
            }
            Step::GroupEnd { end, findings } => {
                in_group = false;
                if let Some(group) =
                    received.interchanges.last_mut().and_then(|i| i.groups.last_mut())
                {
                    group.stated_sets = end.stated_sets;
                    group.findings.extend(findings);
                    group.verdict = group_verdict(group, strictness);
                }
            }
            Step::InterchangeEnd { end, findings } => {
                if let Some(interchange) = received.interchanges.last_mut() {
                    interchange.bytes.end = offset(end.end);
                    interchange.findings.extend(findings);
                    interchange.verdict = acks::interchange_verdict(&interchange.findings);
                }
            }
        }
    }
    Ok(())
}

/// Puts a set into its group; of one outside any group only the findings are kept.
fn place_set(received: &mut Received, read: ReadSet) {
    let group = received.interchanges.last_mut().and_then(|i| i.groups.last_mut());
    if let Some(group) = group.filter(|_| !read.outside) {
        group.sets.push(read.set);
        return;
    }
    let findings = match received.interchanges.last_mut() {
        Some(interchange) => &mut interchange.findings,
        None => &mut received.stray,
    };
    for finding in read.set.findings {
        push_bounded(findings, finding);
    }
}

fn open_interchange(header: &Interchange, findings: Vec<Finding>) -> ReceivedInterchange {
    let start = offset(header.offset);
    ReceivedInterchange {
        header: header.clone(),
        findings,
        bytes: start..start + header.length,
        groups: Vec::new(),
        acknowledged: Vec::new(),
        verdict: Verdict::Accepted,
    }
}

/// Segments outside a set are findings of what they stand in: the group or interchange that is open. What ends like a
/// set and lacks only its header is one of the group's sets: it is counted and rejected, and the others stand.
fn keep_stray(received: &mut Received, finding: Finding, in_group: bool) {
    let inside = !is_of_no_interchange(finding.code);
    let Some(interchange) = received.interchanges.last_mut().filter(|_| inside) else {
        push_bounded(&mut received.stray, finding);
        return;
    };
    match interchange.groups.last_mut().filter(|_| in_group) {
        Some(group) if finding.code == Code::SetHeaderMissing => {
            let start = offset(finding.place.offset);
            group.sets.push(ReceivedSet {
                id: String::new(),
                control_number: SetControlNumber(String::new()),
                convention: None,
                bytes: start..start.saturating_add(finding.place.length as usize),
                verdict: acks::set_verdict(std::slice::from_ref(&finding), ErrorsAs::default()),
                findings: vec![finding],
                document: None,
                outcomes: Vec::new(),
            });
        }
        Some(group) => push_bounded(&mut group.findings, finding),
        None => push_bounded(&mut interchange.findings, finding),
    }
}

/// Whether it is about what stands outside any interchange.
fn is_of_no_interchange(code: Code) -> bool {
    use Code::{ByteOrderMark, IsaUnreadable, NoInterchange, TextBeforeInterchange};
    matches!(code, ByteOrderMark | IsaUnreadable | NoInterchange | TextBeforeInterchange)
}

/// A set, and whether it stands outside any group.
struct ReadSet {
    set: ReceivedSet,
    outside: bool,
}

fn read_set(set: CheckedSet<'_>, errors_as: ErrorsAs, reader: &mut crate::map::Reader) -> ReadSet {
    let start = offset(set.segments.offset());
    let mut findings = set.findings;
    let mut outcomes = Vec::new();
    let mut document = None;
    if let Some(walked) = &set.walked {
        if walked.grammar.group == ACKNOWLEDGEMENT_GROUP {
            let reading = acks::read(set.segments, Some(walked.grammar));
            outcomes = reading.groups;
            findings.extend(reading.findings);
        }
        if let Some(map) = set.map {
            let read = super::document::read(map, walked, reader);
            document = read.0;
            super::document::add_new(&mut findings, read.1);
            super::document::name_fields(map, walked, &mut findings);
        }
    }
    findings.sort_by_key(|f| (f.place.offset, f.place.element));
    let verdict = acks::set_verdict(&findings, errors_as);
    let set_read = ReceivedSet {
        id: set.id,
        control_number: set.control_number,
        convention: set.convention,
        bytes: start..start + set.segments.raw().len(),
        findings,
        verdict,
        document,
        outcomes,
    };
    ReadSet { set: set_read, outside: set.is_outside }
}

/// The verdict that a 997 would give the group.
fn group_verdict(group: &ReceivedGroup, errors_as: ErrorsAs) -> Verdict {
    let own = acks::set_verdict(&group.findings, errors_as);
    let rejected = group.sets.iter().filter(|s| s.verdict == Verdict::Rejected).count();
    let with_errors = group.sets.iter().any(|s| s.verdict == Verdict::AcceptedWithErrors);
    match () {
        () if own == Verdict::Rejected || (rejected > 0 && rejected == group.sets.len()) => {
            Verdict::Rejected
        }
        () if rejected > 0 => Verdict::PartiallyAccepted,
        () if own == Verdict::AcceptedWithErrors || with_errors => Verdict::AcceptedWithErrors,
        () => Verdict::Accepted,
    }
}

/// The TA1 that answers an interchange, with its terminator; `None` where the policy wants none, and for one that holds
/// nothing but TA1: an acknowledgement is never answered.
#[must_use]
pub fn answer_interchange(
    interchange: &ReceivedInterchange,
    policy: &AckPolicy,
    style: &Style,
) -> Option<Vec<u8>> {
    if interchange.groups.is_empty() && !interchange.acknowledged.is_empty() {
        return None;
    }
    reported(interchange, |report| acks::write_ta1(report, policy, style))
}

/// The TA1 that rejects an interchange for a reason that is none of its findings, with its terminator.
#[must_use]
pub fn refuse_interchange(interchange: &ReceivedInterchange, note: &str, style: &Style) -> Vec<u8> {
    reported(interchange, |report| acks::refuse_by_ta1(report, note, style))
}

fn reported<T>(
    interchange: &ReceivedInterchange,
    write: impl FnOnce(&InterchangeReport<'_>) -> T,
) -> T {
    let header = &interchange.header;
    // TA101 has nine digits, however many ISA13 had.
    let number = header.control_number().map(|number| format!("{:09}", number.0));
    let number = number.unwrap_or_else(|| header.element(13));
    let (date, time, requested) = (header.element(9), header.element(10), header.element(14));
    let report = InterchangeReport {
        control_number: &number,
        date: &date,
        time: &time,
        acknowledgement_requested: &requested,
        findings: &interchange.findings,
    };
    write(&report)
}

/// The 997 or 999 that answers a group, ST to SE; `None` for a group of acknowledgements, and where no grammar of
/// the answer is loaded. A rejected interchange is answered by its TA1 alone: ask for this only where it is not.
#[must_use]
pub fn answer_group(
    engine: &Engine,
    group: &ReceivedGroup,
    policy: &AckPolicy,
    style: &Style,
    control_number: &SetControlNumber,
) -> Option<Answer> {
    if group.is_acknowledgement() {
        return None;
    }
    let version = answer_version(engine, group, policy)?;
    let grammar = engine.checker(policy.kind.set(), &version)?.grammar();
    // Where GS08 names an implementation convention, ST03 does.
    let policy = &AckPolicy { release: Some(version), ..policy.clone() };
    let (number, group_version) = (group.header.element(6), group.header.version());
    let functional_id = functional_id(engine, group);
    let header = GroupHeader {
        functional_id: &functional_id,
        control_number: &number,
        version: &group_version,
    };
    let mut answer = GroupAnswer::begin(&header, policy, grammar, style, &control_number.0);
    for set in &group.sets {
        answer.add_set(&SetReport {
            id: &set.id,
            control_number: &set.control_number.0,
            implementation: set.convention.as_deref().unwrap_or_default(),
            known_as: None,
            findings: &set.findings,
        });
    }
    Some(answer.finish(&GroupTrailer { stated: group.stated_sets, findings: &group.findings }))
}

/// GS01; where it is empty, what it should have been by the first set that a grammar is loaded for.
fn functional_id(engine: &Engine, group: &ReceivedGroup) -> String {
    let stated = group.header.element(1);
    if !stated.is_empty() {
        return stated;
    }
    let mut ids = group.sets.iter().map(|set| &set.id);
    let known = ids.find_map(|id| engine.grammars().sets().find(|g| g.set == *id));
    known.map_or(stated, |grammar| grammar.group.clone())
}

/// GS08 of the answer to a group: the policy's, else the group's own release, else the newest one before it that has
/// the answer, else the oldest: who sends an older release can seldom read a newer one.
#[must_use]
pub fn answer_version(
    engine: &Engine,
    group: &ReceivedGroup,
    policy: &AckPolicy,
) -> Option<String> {
    let set = policy.kind.set();
    let own = group.header.release();
    let convention = if policy.kind == AckKind::Implementation { "X231A1" } else { "" };
    let agreed = policy.release.clone().filter(|v| engine.checker(set, v).is_some());
    agreed.or_else(|| {
        // By release, the oldest first.
        let mut releases: Vec<&str> =
            engine.grammars().sets().filter(|g| g.set == set).map(|g| &*g.release).collect();
        releases.sort_unstable();
        let is_release = own.bytes().all(|b| b.is_ascii_digit());
        let not_newer = releases.iter().rev().find(|release| is_release && ***release <= *own);
        not_newer.or(releases.first()).map(|release| format!("{release}{convention}"))
    })
}

fn offset(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
