//! A source read with findings, and for each finding where it was met.

use super::Error;
use super::input::Source;
use crate::findings::{Code, Finding};
use crate::map;
use crate::translate::{CheckedSet, Engine, Options, Session, Step, add_meaning};
use crate::x12::{Group, Interchange, Segment, Segments};

/// Where a finding was met, as far as it is not in the finding itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scene<'a> {
    /// Name of the input.
    pub file: &'a str,
    /// ISA13.
    pub interchange: &'a str,
    /// GS06.
    pub group: &'a str,
    /// ST01 and ST02.
    pub set: Option<(&'a str, &'a str)>,
    /// The segment at the finding's place, without its terminator, and its offset in the input.
    pub segment: Option<(&'a [u8], u64)>,
    /// The terminator, where the segment has one.
    pub terminator: Option<u8>,
}

impl<'a> Scene<'a> {
    /// The same, with the segment of the set that the finding is about.
    #[must_use]
    pub fn at(&self, finding: &Finding, set: &Segments<'a>) -> Self {
        let index = finding.place.segment_position.saturating_sub(1) as usize;
        let segment = set.get(index).map(|segment| (segment.raw(), segment.offset()));
        let cut_off = finding.code == Code::CutOff;
        let terminator = Some(set.delimiters().segment).filter(|_| !cut_off);
        Self { segment, terminator, ..*self }
    }
}

/// What is met in a source, in order.
#[derive(Debug)]
pub enum Met<'a> {
    /// ISA.
    Interchange(&'a Interchange),
    /// TA1, and the terminator of its interchange.
    InterchangeAck(&'a Segment<'a>, Option<u8>),
    /// GS.
    Group(&'a Group),
    /// ST to SE.
    Set(&'a CheckedSet<'a>),
    /// GE.
    GroupEnd,
    /// IEA.
    InterchangeEnd,
    /// What belongs to nothing.
    Stray,
}

/// How far sets are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// By their grammar.
    Form,
    /// By their map too.
    Meaning,
}

/// Reads a source to its end, and hands on what is met, its findings, and where they were met: on the header that is
/// open, or in the set.
///
/// # Errors
/// A source that cannot be read; what `take` returns.
pub fn read(
    engine: &Engine,
    input: impl std::io::Read,
    source: &Source,
    options: Options<'_>,
    depth: Depth,
    mut take: impl FnMut(Met<'_>, &[Finding], Scene<'_>) -> Result<(), Error>,
) -> Result<u64, Error> {
    let file = source.to_string();
    let mut session = Session::new(engine, input, options);
    let mut reader = map::Reader::new();
    let (mut interchange, mut group) = (Header::default(), Header::default());
    while let Some(step) = session.next().map_err(Error::read(&file))? {
        // A finding about a trailer has no header to be shown on.
        let scene = Scene { file: &file, ..interchange.scene(&group) };
        let trailing = Scene { segment: None, ..scene };
        match step {
            Step::Interchange { header, findings } => {
                interchange = Header::of_interchange(header);
                group = Header::default();
                let scene = Scene { file: &file, ..interchange.scene(&group) };
                take(Met::Interchange(header), &findings, scene)?;
            }
            Step::InterchangeAck { segment, findings } => {
                let scene = Scene { segment: Some((segment.raw(), segment.offset())), ..scene };
                take(Met::InterchangeAck(&segment, scene.terminator), &findings, scene)?;
            }
            Step::Group { header, findings } => {
                group = Header::of_group(header, &interchange);
                let scene = Scene { file: &file, ..interchange.scene(&group) };
                take(Met::Group(header), &findings, scene)?;
            }
            Step::Set(mut set) => {
                if depth == Depth::Meaning {
                    add_meaning(&mut set, &mut reader);
                }
                let scene = Scene { set: Some((&set.id, &set.control_number.0)), ..trailing };
                take(Met::Set(&set), &set.findings, scene)?;
            }
            Step::GroupEnd { findings, .. } => {
                take(Met::GroupEnd, &findings, trailing)?;
                group = Header::default();
            }
            Step::InterchangeEnd { findings, .. } => {
                take(Met::InterchangeEnd, &findings, trailing)?;
                interchange = Header::default();
            }
            Step::Stray(finding) => take(Met::Stray, &[finding], trailing)?,
        }
    }
    Ok(session.position())
}

/// What of ISA or GS stays in memory while what is inside is read.
#[derive(Debug, Default)]
struct Header {
    number: String,
    raw: Vec<u8>,
    offset: u64,
    terminator: u8,
}

impl Header {
    fn of_interchange(header: &Interchange) -> Self {
        let raw = header.line().segment().raw().to_vec();
        let terminator = header.delimiters.segment;
        Self { number: header.element(13), raw, offset: header.offset, terminator }
    }

    fn of_group(header: &Group, interchange: &Self) -> Self {
        let (raw, offset) = (header.raw.clone(), header.offset);
        Self { number: header.element(6), raw, offset, terminator: interchange.terminator }
    }

    /// The scene of a finding in this interchange and a group of it, on the header of the inner one.
    fn scene<'a>(&'a self, group: &'a Self) -> Scene<'a> {
        let inner = if group.raw.is_empty() { self } else { group };
        let is_there = !inner.raw.is_empty();
        Scene {
            interchange: &self.number,
            group: &group.number,
            segment: Some((&inner.raw[..], inner.offset)).filter(|_| is_there),
            terminator: Some(inner.terminator).filter(|_| is_there),
            ..Scene::default()
        }
    }
}
