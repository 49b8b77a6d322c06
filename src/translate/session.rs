//! Reading with findings: the events of the wire format, each checked against what is known of it.

use std::io::Read;
use std::sync::Arc;

use super::{ACKNOWLEDGEMENT_GROUP, Engine};
use crate::acks;
use crate::findings::{Code, Finding, Findings, Place, Severity};
use crate::grammar::{Checker, Scratch, Tree, Walked};
use crate::map::Map;
use crate::overlay::{self, Direction, Overlay};
use crate::profile::Partner;
use crate::x12::{
    Delimiters, Event, Fault, FaultKind, Group, GroupEnd, Interchange, InterchangeEnd, Limits,
    Line, Reader, Segment, Segments, SetControlNumber, TransactionSet,
};

/// What a session meets, in order. Findings of a step are those of the thing itself, not of what is inside it.
#[derive(Debug)]
pub enum Step<'a> {
    /// ISA.
    Interchange {
        /// The header.
        header: &'a Interchange,
        /// What is wrong with it.
        findings: Vec<Finding>,
    },
    /// TA1: the answer to an interchange of ours.
    InterchangeAck {
        /// The segment.
        segment: Segment<'a>,
        /// What is wrong with it.
        findings: Vec<Finding>,
    },
    /// GS.
    Group {
        /// The header.
        header: &'a Group,
        /// What is wrong with it.
        findings: Vec<Finding>,
    },
    /// ST to SE.
    Set(CheckedSet<'a>),
    /// GE, or the end of the group without it.
    GroupEnd {
        /// The counts.
        end: GroupEnd,
        /// What is wrong.
        findings: Vec<Finding>,
    },
    /// IEA, or the end of the interchange without it.
    InterchangeEnd {
        /// The counts.
        end: InterchangeEnd,
        /// What is wrong.
        findings: Vec<Finding>,
    },
    /// What belongs to nothing.
    Stray(Finding),
}

/// A transaction set, walked and checked.
#[derive(Debug)]
pub struct CheckedSet<'a> {
    /// ST01.
    pub id: String,
    /// ST02.
    pub control_number: SetControlNumber,
    /// ST03, where it is there.
    pub convention: Option<String>,
    /// GS08 of its group; empty outside one.
    pub version: &'a str,
    /// Whether it stands outside any group, which rejects the interchange.
    pub is_outside: bool,
    /// The segments, ST and SE among them.
    pub segments: Segments<'a>,
    /// The walk, where a grammar is loaded.
    pub walked: Option<Walked<'a>>,
    /// The map that reads it, where there is one.
    pub map: Option<&'a Arc<Map>>,
    /// All findings, in the order of the set.
    pub findings: Vec<Finding>,
}

impl CheckedSet<'_> {
    /// The weight of the heaviest finding.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|f| f.severity).max()
    }
}

/// What was agreed with a partner for its sets, beyond grammars and maps.
pub trait Overlays: std::fmt::Debug {
    /// The rules in force for a set. `version` is GS08: its first six characters name the release.
    fn overlay(&self, set: &str, version: &str, direction: Direction) -> Option<&Overlay>;

    /// The map that takes the place of the engine's, where the overlay has lines for it.
    fn map(&self, set: &str, version: &str, direction: Direction) -> Option<&Arc<Map>> {
        let _ = (set, version, direction);
        None
    }
}

impl Overlays for Partner {
    fn overlay(&self, set: &str, version: &str, direction: Direction) -> Option<&Overlay> {
        self.agreement(direction, set, version)?.overlay.as_deref()
    }

    fn map(&self, set: &str, version: &str, direction: Direction) -> Option<&Arc<Map>> {
        Some(&self.agreement(direction, set, version)?.map)
    }
}

/// How a session reads.
#[derive(Debug, Clone, Copy)]
pub struct Options<'o> {
    /// Bounds.
    pub limits: Limits,
    /// The weight of a set for which no grammar is loaded: a warning where one only looks, fatal where one has to
    /// translate.
    pub unknown_set: Severity,
    /// What was agreed beyond the grammars.
    pub overlays: Option<&'o dyn Overlays>,
    /// Whether the sets come in or go out, which some agreements are for alone.
    pub direction: Direction,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            unknown_set: Severity::Warning,
            overlays: None,
            direction: Direction::In,
        }
    }
}

/// Reads and checks a stream, one set at a time.
///
/// ```
/// use crossdock::translate::{Engine, Options, Session, Step};
/// let engine = Engine::embedded();
/// let mut session = Session::new(&engine, &b"no X12 at all"[..], Options::default());
/// let Some(Step::Stray(finding)) = session.next()? else { panic!("a finding") };
/// assert_eq!(finding.code.entry().name, "no-interchange");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Session<'e, R> {
    engine: &'e Engine,
    options: Options<'e>,
    reader: Reader<'e, R>,
    version: String,
    group_code: String,
    interchange_version: String,
    scratch: Scratches,
    tree: Tree,
    findings: Findings,
    /// What the last set was judged by, which mostly is what the next one is.
    last: Option<(String, Judges<'e>)>,
}

/// What checks need besides the tree; reused from set to set.
#[derive(Debug, Default)]
struct Scratches {
    walk: Scratch,
    overlay: overlay::Scratch,
}

/// What a set is judged and read by.
#[derive(Debug, Clone, Copy)]
struct Judges<'e> {
    checker: &'e Checker,
    overlay: Option<&'e Overlay>,
    map: Option<&'e Arc<Map>>,
}

impl<'e> Judges<'e> {
    fn of(engine: &'e Engine, options: Options<'e>, set: &str, version: &str) -> Option<Self> {
        let checker = engine.checker(set, version)?;
        let overlays = options.overlays;
        let overlay = overlays.and_then(|o| o.overlay(set, version, options.direction));
        let map = overlays.and_then(|o| o.map(set, version, options.direction));
        Some(Self { checker, overlay, map: map.or_else(|| engine.maps().map(set, version)) })
    }

    /// Walks and checks a set by the grammar of its release, then by what was agreed.
    fn check(
        self,
        segments: &Segments<'_>,
        scratch: &mut Scratches,
        tree: &mut Tree,
        findings: &mut Findings,
    ) {
        let walk = (&mut scratch.walk, tree);
        match self.overlay {
            Some(overlay) => {
                overlay.walk(self.checker, segments, walk, &mut scratch.overlay, findings);
            }
            None => self.checker.check(segments, walk.0, walk.1, findings),
        }
    }
}

impl<'e> Session<'e, &'e [u8]> {
    /// Reads bytes that are all in memory, where they lie.
    #[must_use]
    pub fn of_slice(engine: &'e Engine, bytes: &'e [u8], options: Options<'e>) -> Self {
        Self {
            reader: Reader::of_slice(bytes, options.limits),
            ..Self::new(engine, bytes, options)
        }
    }
}

impl<'e, R: Read> Session<'e, R> {
    /// Begins.
    pub fn new(engine: &'e Engine, input: R, options: Options<'e>) -> Self {
        Self {
            engine,
            options,
            reader: Reader::with_limits(input, options.limits),
            version: String::new(),
            group_code: String::new(),
            interchange_version: String::new(),
            scratch: Scratches::default(),
            tree: Tree::default(),
            findings: Findings::default(),
            last: None,
        }
    }

    /// What it reads with.
    #[must_use]
    pub(super) fn engine(&self) -> &'e Engine {
        self.engine
    }

    /// How many bytes have been read through; for progress bars.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.reader.position()
    }

    /// The next step; `None` at the end.
    ///
    /// # Errors
    /// Only what the stream itself reports.
    #[allow(clippy::should_implement_trait, reason = "the steps borrow the session")]
    pub fn next(&mut self) -> std::io::Result<Option<Step<'_>>> {
        let Some(event) = self.reader.next()? else { return Ok(None) };
        Ok(Some(match event {
            Event::Interchange(header) => {
                self.interchange_version = header.element(12);
                Step::Interchange { header, findings: interchange_findings(self.engine, header) }
            }
            Event::InterchangeAck(segment) => {
                Step::InterchangeAck { segment, findings: ack_findings(self.engine, segment) }
            }
            Event::Group(header) => {
                self.version = header.version();
                self.group_code = header.element(1);
                self.last = None;
                Step::Group {
                    header,
                    findings: group_findings(self.engine, header, &self.interchange_version),
                }
            }
            Event::Set(set) => {
                let (last, version) = (&mut self.last, &self.version);
                let known = known_judges(self.engine, self.options, last, &set.id, version);
                let mut findings: Vec<Finding> = set.faults.iter().map(Finding::from).collect();
                let has = |kind| set.faults.iter().any(|f| f.kind == kind);
                let whole = !has(FaultKind::SetTooLarge);
                let is_outside = has(FaultKind::OutsideEnvelope);
                let judges = known.filter(|_| whole);
                if let Some(judges) = judges {
                    let checker = judges.checker;
                    let (tree, found) = (&mut self.tree, &mut self.findings);
                    judges.check(&set.segments, &mut self.scratch, tree, found);
                    findings.extend(of_check(checker, &mut self.findings, &set.faults));
                    findings.extend(group_mismatch(checker, &self.group_code, &set.segments));
                } else if whole && !is_outside {
                    let weight = self.options.unknown_set;
                    findings.push(unknown(self.engine, &set, &self.version, weight));
                }
                findings.sort_by_key(|f| (f.place.offset, f.place.element));
                let walked = judges.map(|j| Walked {
                    segments: set.segments,
                    tree: &self.tree,
                    grammar: j.checker.grammar(),
                });
                Step::Set(CheckedSet {
                    id: set.id,
                    control_number: set.control_number,
                    convention: set.convention,
                    version: &self.version,
                    is_outside,
                    segments: set.segments,
                    walked,
                    map: judges.and_then(|j| j.map),
                    findings,
                })
            }
            Event::GroupEnd(end) => {
                self.version.clear();
                self.group_code.clear();
                let trailer = (end.trailer.as_ref(), Code::GroupElement);
                Step::GroupEnd { findings: end_findings(self.engine, &end.faults, trailer), end }
            }
            Event::InterchangeEnd(end) => {
                let trailer = (end.trailer.as_ref(), Code::IsaElement);
                let findings = end_findings(self.engine, &end.faults, trailer);
                Step::InterchangeEnd { findings, end }
            }
            Event::Stray(fault) => Step::Stray(Finding::from(&fault)),
        }))
    }
}

/// What a set is judged by; `last` is that of the one before.
fn known_judges<'e>(
    engine: &'e Engine,
    options: Options<'e>,
    last: &mut Option<(String, Judges<'e>)>,
    id: &str,
    version: &str,
) -> Option<Judges<'e>> {
    if last.as_ref().is_none_or(|(known, _)| known != id) {
        *last = Judges::of(engine, options, id, version).map(|judges| (id.to_owned(), judges));
    }
    last.as_ref().map(|(_, judges)| *judges)
}

/// The elements of a TA1.
fn ack_findings(engine: &Engine, segment: Segment<'_>) -> Vec<Finding> {
    let mut found = Findings::default();
    engine.envelope().check(segment, Delimiters::default(), &mut found);
    found.finish()
}

/// What the check has found, which is left empty for the next set. What the envelope says of the control number is not
/// said again of its elements, and what an acknowledgement can do without does not keep it from being read.
fn of_check(checker: &Checker, found: &mut Findings, faults: &[Fault]) -> Vec<Finding> {
    if found.is_empty() {
        return Vec::new();
    }
    let told = faults.iter().any(|f| f.kind == FaultKind::SetNumberInvalid);
    let mut findings = std::mem::take(found).finish();
    findings.retain(|f| !(told && is_set_number(f)));
    if checker.grammar().group == ACKNOWLEDGEMENT_GROUP {
        for finding in findings.iter_mut().filter(|f| acks::can_do_without(f)) {
            finding.severity = finding.severity.min(Severity::Error);
        }
    }
    findings
}

/// Whether a finding is about ST02 or SE02.
fn is_set_number(finding: &Finding) -> bool {
    finding.place.element == 2 && matches!(finding.place.segment.as_str(), "ST" | "SE")
}

fn in_words(faults: &[Fault]) -> Vec<Finding> {
    faults.iter().map(Finding::from).collect()
}

/// ISA: its faults, and its elements against the dictionary where the separators tell them apart.
fn interchange_findings(engine: &Engine, header: &Interchange) -> Vec<Finding> {
    use FaultKind::{DelimiterClash, IsaLength, StandardsIsSeparator};
    let mut findings = in_words(&header.faults);
    let unclear = |f: &Fault| matches!(f.kind, IsaLength | DelimiterClash | StandardsIsSeparator);
    if header.faults.iter().any(unclear) {
        return findings;
    }
    let mut found = Findings::default();
    let line = header.line();
    engine.envelope().check(line.segment(), header.delimiters, &mut found);
    findings.extend(found.finish().into_iter().map(|f| of_envelope(f, Code::IsaElement)));
    findings
}

/// GE or IEA: its faults, and what stands behind the count and the number, of which the faults tell.
fn end_findings(
    engine: &Engine,
    faults: &[Fault],
    (trailer, code): (Option<&Line>, Code),
) -> Vec<Finding> {
    let mut findings = in_words(faults);
    if let Some(segment) = trailer.map(Line::segment).filter(|segment| segment.len() > 2) {
        let mut found = Findings::default();
        engine.envelope().check(segment, Delimiters::default(), &mut found);
        let behind = found.finish().into_iter().filter(|f| !(1..=2).contains(&f.place.element));
        findings.extend(behind.map(|f| of_envelope(f, code)));
    }
    findings
}

/// GS: its faults, its elements, and whether it names the release that ISA names.
fn group_findings(engine: &Engine, header: &Group, interchange_version: &str) -> Vec<Finding> {
    let mut findings = in_words(&header.faults);
    let separator = header.raw.get(2).copied().unwrap_or(b'*');
    let line = Line::new(header.raw.clone(), separator, header.offset);
    let mut found = Findings::default();
    engine.envelope().check(
        line.segment(),
        Delimiters { element: separator, ..Default::default() },
        &mut found,
    );
    let release = header.release();
    let mut found = found.finish();
    found.retain(|f| !(f.place.element == 4 && has_short_dates(&release, &header.element(4))));
    findings.extend(found.into_iter().map(|f| of_envelope(f, Code::GroupElement)));
    if !interchange_version.is_empty()
        && !release.is_empty()
        && !release.starts_with(interchange_version)
    {
        let place = Place {
            offset: line.segment().element_offset(8),
            length: 6,
            segment: "GS".to_owned(),
            element: 8,
            ..Place::default()
        };
        let says = format!("GS08 says {release}, ISA12 says {interchange_version}; GS08 decides.");
        findings.push(Finding::new(Code::VersionUnknown, place, says, String::new()));
    }
    findings
}

/// Whether a date of GS is one as releases before 004000 have it: YYMMDD. The grammar of the envelope is that of the
/// later ones.
fn has_short_dates(release: &str, date: &str) -> bool {
    let month_and_day = |from: usize| date.get(from..from + 2).and_then(|n| n.parse::<u8>().ok());
    release < "004000"
        && release.len() == 6
        && date.len() == 6
        && date.bytes().all(|b| b.is_ascii_digit())
        && month_and_day(2).is_some_and(|month| (1..=12).contains(&month))
        && month_and_day(4).is_some_and(|day| (1..=31).contains(&day))
}

/// A finding about an element of the envelope has the envelope's code, so that TA1 and AK9 can say it. Advice and
/// warnings stay what they are.
fn of_envelope(mut finding: Finding, code: Code) -> Finding {
    if finding.severity >= Severity::Error {
        finding.code = code;
        finding.severity = Severity::Error;
    }
    finding
}

/// The set is of another kind than its group.
fn group_mismatch(checker: &Checker, group_code: &str, segments: &Segments<'_>) -> Option<Finding> {
    let grammar = checker.grammar();
    if group_code.is_empty() || grammar.group == group_code {
        return None;
    }
    let st = segments.get(0)?;
    let place = Place {
        offset: st.offset(),
        length: 2,
        segment: "ST".to_owned(),
        segment_position: 1,
        element: 1,
        element_id: "143".to_owned(),
        ..Place::default()
    };
    let says = format!(
        "The {} belongs in a group {}; GS01 says {group_code:?}.",
        grammar.set, grammar.group
    );
    let mend = format!("Send {} in GS01, or the set in a group of its own.", grammar.group);
    Some(Finding::new(Code::GroupTypeMismatch, place, says, mend))
}

/// No grammar for the set.
fn unknown(
    engine: &Engine,
    set: &TransactionSet<'_>,
    version: &str,
    severity: Severity,
) -> Finding {
    let id = &set.id;
    let offset = set.segments.get(0).map_or(0, |st| st.element_offset(1));
    let place = Place {
        offset,
        length: u32::try_from(id.len()).unwrap_or(0),
        segment: "ST".to_owned(),
        segment_position: 1,
        element: 1,
        ..Place::default()
    };
    let (code, says) = if engine.knows(id) {
        (
            Code::ReleaseUnknown,
            format!(
                "No grammar is loaded for the {id} in {version:?}; only its envelope was checked."
            ),
        )
    } else {
        (
            Code::SetUnknown,
            format!("No grammar is loaded for the set {id:?}; only its envelope was checked."),
        )
    };
    let mut finding = Finding::new(
        code,
        place,
        says,
        "Add a grammar for it, or agree on a release that is known.".to_owned(),
    );
    finding.value = Some(id.chars().take(80).collect());
    finding.severity = severity;
    finding
}
