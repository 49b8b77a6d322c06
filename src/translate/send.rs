//! From canonical documents to transaction sets, and our own output judged like anybody's.

use std::sync::Arc;

use super::{Engine, Options, Overlays, Session, Step};
use crate::canonical::Document;
use crate::findings::{Code, Finding, Place, Severity};
use crate::map::{Map, WriteOptions, Writer};
use crate::overlay::Direction;
use crate::profile::Repertoire;
use crate::x12::{Limits, Style, decode};

/// How a document is written.
#[derive(Debug, Clone, Copy)]
pub struct Outbound<'a> {
    /// ST01, where several sets say the same kind of document (997, 999); `None` = the one that does.
    pub set: Option<&'a str>,
    /// GS08: the first six characters choose map and grammar.
    pub version: &'a str,
    /// ST02 and SE02.
    pub control_number: &'a str,
    /// Delimiters, line breaks, encoding.
    pub style: &'a Style,
    /// Levels of an 856 from the outermost, by their names; `None` = as the document says.
    pub hierarchy: Option<&'a [String]>,
    /// The map that takes the place of the engine's, where an agreement has lines for it.
    pub map: Option<&'a Arc<Map>>,
}

/// A document as a transaction set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// ST01.
    pub set: String,
    /// GS01 of the group that it belongs in.
    pub group: String,
    /// ST to SE.
    pub bytes: Vec<u8>,
    /// What could not be said. A fatal one: do not send it.
    pub findings: Vec<Finding>,
}

/// Why nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// No map says this kind of document in this release; a map is to be added, or another release agreed.
    #[error("no map writes a document of kind {kind:?} {}in release {release:?}", set.as_ref().map_or(String::new(), |set| format!("as a set {set:?} ")))]
    NoMap {
        /// Kind of document.
        kind: &'static str,
        /// Release asked for.
        release: String,
        /// ST01, where one was asked for.
        set: Option<String>,
    },
    /// Map and canonical model do not fit: a fault of the map.
    #[error("the map of the {set} does not fit the document: {reason}")]
    Map {
        /// ST01.
        set: String,
        /// What does not fit.
        reason: String,
    },
}

/// Writes a document as a transaction set, ST to SE.
///
/// # Errors
/// No map for it, or a map that does not fit the model. What is wrong with the document itself is a finding.
pub fn write(
    engine: &Engine,
    document: &Document,
    outbound: &Outbound<'_>,
) -> Result<Written, WriteError> {
    let kind = document.kind();
    let release: String = outbound.version.chars().take(6).collect();
    let fits = |map: &&Arc<Map>| {
        map.document() == kind
            && map.release() == release
            && outbound.set.is_none_or(|set| set == map.set())
    };
    let set = outbound.set;
    let none = || WriteError::NoMap { kind, release: release.clone(), set: set.map(str::to_owned) };
    let agreed = outbound.map.filter(fits);
    let map = agreed.or_else(|| engine.maps().maps().find(fits)).ok_or_else(none)?;
    let grammar = engine.grammars().grammar(map.set(), &release).ok_or_else(none)?;
    let options = WriteOptions {
        control_number: outbound.control_number,
        style: outbound.style,
        hierarchy: outbound.hierarchy,
    };
    let mut bytes = Vec::new();
    let findings = Writer::new().write(document, map, grammar, &options, &mut bytes);
    let findings = findings
        .map_err(|e| WriteError::Map { set: map.set().to_owned(), reason: e.to_string() })?;
    Ok(Written { set: map.set().to_owned(), group: grammar.group.clone(), bytes, findings })
}

/// Findings of one set that are kept: the first of them keep it from being sent.
const CHARACTERS_MAX: usize = 100;

/// What a set of ours holds that the agreed character set does not have.
#[must_use]
pub fn check_characters(set: &[u8], style: &Style, repertoire: Repertoire) -> Vec<Finding> {
    let d = style.delimiters;
    let mut findings = Vec::new();
    let mut offset = 0;
    for (position, raw) in (1..).zip(set.split(|&b| b == d.segment)) {
        let segment = raw.trim_ascii_start();
        let tag = segment.split(|&b| b == d.element).next().unwrap_or_default();
        let mut at = offset + raw.len() - segment.len();
        for (element, value) in (0u16..).zip(segment.split(|&b| b == d.element)) {
            let parts = value.split(|&b| b == d.component || Some(b) == d.repetition);
            let text: String = parts.map(|part| decode(part)).collect();
            let foreign = text.chars().find(|c| !repertoire.has(*c));
            if let Some(foreign) = foreign.filter(|_| findings.len() < CHARACTERS_MAX) {
                let place = Place {
                    offset: at as u64,
                    length: u32::try_from(value.len()).unwrap_or(u32::MAX),
                    segment: decode(tag).into_owned(),
                    segment_position: position,
                    element,
                    ..Place::default()
                };
                let says = format!(
                    "{}{element:02} {text:?} has {foreign:?}, which is not in the character set agreed with the partner.",
                    decode(tag)
                );
                let mend =
                    "Write it otherwise, or agree on a larger character set (envelope.charset).";
                let mut finding = Finding::new(Code::NotEncodable, place, says, mend.to_owned());
                finding.value = Some(text.chars().take(80).collect());
                findings.push(finding);
            }
            at += value.len() + 1;
        }
        offset += raw.len() + 1;
    }
    findings
}

/// Checks an interchange that we wrote, as its receiver would: every finding of envelope and sets.
#[must_use]
pub fn judge(engine: &Engine, interchange: &[u8]) -> Vec<Finding> {
    judge_under(engine, interchange, None)
}

/// Checks an interchange that we wrote, by what was agreed with its receiver too.
#[must_use]
pub fn judge_under(
    engine: &Engine,
    interchange: &[u8],
    overlays: Option<&dyn Overlays>,
) -> Vec<Finding> {
    judge_in(engine, interchange, overlays, Direction::Out)
}

/// The same in either direction: what a partner would have to send is judged by what was agreed for that.
#[must_use]
pub fn judge_in(
    engine: &Engine,
    interchange: &[u8],
    overlays: Option<&dyn Overlays>,
    direction: Direction,
) -> Vec<Finding> {
    let options =
        Options { limits: Limits::default(), unknown_set: Severity::Fatal, overlays, direction };
    let mut session = Session::of_slice(engine, interchange, options);
    let mut all = Vec::new();
    // Reading from memory cannot fail.
    while let Ok(Some(step)) = session.next() {
        match step {
            Step::Interchange { findings, .. }
            | Step::InterchangeAck { findings, .. }
            | Step::Group { findings, .. }
            | Step::GroupEnd { findings, .. }
            | Step::InterchangeEnd { findings, .. } => all.extend(findings),
            Step::Set(set) => all.extend(set.findings),
            Step::Stray(finding) => all.push(finding),
        }
    }
    all
}
