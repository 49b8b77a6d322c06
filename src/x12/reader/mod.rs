//! Reads interchanges from a stream, one transaction set at a time.
//!
//! Memory is bounded by the largest set that is allowed ([`Limits`]), whatever the size of the input. Nothing in
//! the input is an error: what is wrong comes as faults beside the events.

mod ahead;
mod ends;
mod outside;

use std::borrow::Cow;
use std::io::Read;

use ahead::Peek;

use super::envelope::{
    Event, Group, GroupEnd, Interchange, InterchangeEnd, SetControlNumber, TransactionSet,
};
use super::index::Index;
use super::seen::Seen;
use super::{Delimiters, Fault, FaultKind, Tag, decode};

/// How many bytes are asked of the stream at a time: enough that the calls do not count.
const CHUNK: usize = 128 * 1024;

/// How many bytes are indexed at a time. Small enough that bytes, ends and marks are still in a core's nearest cache
/// when they are used, large enough that the calls do not count.
const PIECE: usize = 32 * 1024;

/// How many are indexed after binary data: what lies ahead has to be indexed again if it is followed by more.
const PIECE_MIN: usize = 1024;

/// Bounds on what a reader keeps in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest transaction set in bytes; at most 1 GiB (more is taken for 1 GiB). A larger one is passed over, with
    /// a fault. While a set of n bytes is read, up to about 2.5 n bytes are in use.
    pub set_bytes_max: usize,
}

impl Default for Limits {
    /// 64 MiB: an order of 100,000 lines, the most that an 850 can have, is about 10 MB.
    fn default() -> Self {
        Self { set_bytes_max: 64 << 20 }
    }
}

/// What of the envelope is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Looking for ISA.
    Outside,
    /// After ISA or GE.
    Interchange,
    /// After GS or SE.
    Group,
}

/// Segments that make up the envelope.
const ISA: Tag = Tag::new(b"ISA");
const IEA: Tag = Tag::new(b"IEA");
const GS: Tag = Tag::new(b"GS");
const GE: Tag = Tag::new(b"GE");
const ST: Tag = Tag::new(b"ST");
const SE: Tag = Tag::new(b"SE");
const TA1: Tag = Tag::new(b"TA1");
const BIN: Tag = Tag::new(b"BIN");
const BDS: Tag = Tag::new(b"BDS");

/// A pull reader of interchanges.
///
/// ```
/// use crossdock::x12::{Event, Reader};
/// let text = b"ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *261121*0915*U*00401*000000007*0*P*>~\
/// GS*PO*SENDER*RECEIVER*20261121*0915*7*X*004010~ST*850*0001~SE*2*0001~GE*1*7~IEA*1*000000007~";
/// let mut reader = Reader::new(&text[..]);
/// let mut sets = 0;
/// while let Some(event) = reader.next()? {
///     if let Event::Set(set) = event {
///         assert_eq!((set.id.as_str(), set.segments.len(), set.faults.len()), ("850", 2, 0));
///         sets += 1;
///     }
/// }
/// assert_eq!(sets, 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Reader<'a, R> {
    input: R,
    limits: Limits,
    /// Bytes of the input from `base` on; `filled` of them are valid.
    buffer: Cow<'a, [u8]>,
    filled: usize,
    base: u64,
    at_end: bool,
    index: Index,
    /// How many bytes to index next.
    piece: usize,
    /// The next mark that was not handed out.
    next: usize,
    /// Where to look for ISA, while outside.
    outside: usize,
    state: State,
    interchange: Option<Interchange>,
    group: Option<Group>,
    counts: Counts,
    seen: SeenNumbers,
    /// A fault that belongs to whatever ends next.
    pending: Option<Fault>,
    /// Where to look for the next ISA, once the rest of the interchange cannot be read.
    lost: Option<usize>,
    /// Whether it is told already that what stands here up to the next ISA is lost: the rest of an interchange.
    told: bool,
    /// Header of a set that was too large, for the event.
    header: Vec<u8>,
}

#[derive(Debug, Default)]
struct Counts {
    interchanges: u32,
    groups: u32,
    sets: u32,
}

#[derive(Debug, Default)]
struct SeenNumbers {
    interchanges: std::collections::HashSet<(Vec<u8>, Vec<u8>, Vec<u8>)>,
    groups: Seen,
    sets: Seen,
}

/// Interchange keys that are kept to tell repeats within one input; more than any real file holds.
const INTERCHANGES_MAX: usize = 10_000;

/// What stands next, without borrowing the buffer.
enum Step {
    Interchange,
    Ack(usize),
    Group,
    Set { marks: std::ops::Range<usize>, faults: Vec<Fault> },
    TooLarge { header: Vec<u8>, fault: Fault },
    GroupEnd(GroupEnd),
    InterchangeEnd(InterchangeEnd),
    Stray(Fault),
    End,
}

impl<'a> Reader<'a, &'a [u8]> {
    /// Reads bytes that are all in memory, where they lie: nothing is copied.
    #[must_use]
    pub fn of_slice(bytes: &'a [u8], limits: Limits) -> Self {
        let mut reader = Self::with_limits(bytes, limits);
        // Offsets in the index are 32 bits; what is larger is read like a stream.
        if bytes.len() < 1 << 31 {
            reader.input = &[];
            reader.buffer = Cow::Borrowed(bytes);
            reader.filled = bytes.len();
            reader.at_end = true;
        }
        reader
    }
}

impl<R: Read> Reader<'_, R> {
    /// Reads with the usual limits.
    pub fn new(input: R) -> Self {
        Self::with_limits(input, Limits::default())
    }

    /// Reads with limits of one's own.
    pub fn with_limits(input: R, limits: Limits) -> Self {
        let limits = Limits { set_bytes_max: limits.set_bytes_max.clamp(1024, 1 << 30) };
        Self {
            input,
            limits,
            buffer: Cow::Borrowed(&[]),
            filled: 0,
            base: 0,
            at_end: false,
            index: Index::default(),
            piece: PIECE,
            next: 0,
            outside: 0,
            state: State::Outside,
            interchange: None,
            group: None,
            counts: Counts::default(),
            seen: SeenNumbers::default(),
            pending: None,
            lost: None,
            told: false,
            header: Vec::new(),
        }
    }

    /// How many bytes of the input have been handed out; for progress bars.
    #[must_use]
    pub fn position(&self) -> u64 {
        let at = match self.state {
            State::Outside => self.outside,
            _ => self.index.mark(self.next).map_or(self.index.open_start(), |m| m.start as usize),
        };
        self.base + at as u64
    }

    /// The delimiters of the interchange that is open.
    #[must_use]
    pub fn delimiters(&self) -> Delimiters {
        self.interchange.as_ref().map_or_else(Delimiters::default, |i| i.delimiters)
    }

    /// The interchange that is open.
    #[must_use]
    pub fn interchange(&self) -> Option<&Interchange> {
        self.interchange.as_ref()
    }

    /// The group that is open.
    #[must_use]
    pub fn group(&self) -> Option<&Group> {
        self.group.as_ref()
    }

    /// The next event, `None` at the end of the input.
    ///
    /// # Errors
    /// Only what the stream itself reports.
    #[allow(clippy::should_implement_trait, reason = "the events borrow the reader")]
    pub fn next(&mut self) -> std::io::Result<Option<Event<'_>>> {
        let step = match self.state {
            State::Outside => self.step_outside()?,
            State::Interchange | State::Group => self.step_inside()?,
        };
        Ok(match step {
            Step::End => None,
            Step::Interchange => self.interchange.as_ref().map(Event::Interchange),
            Step::Group => self.group.as_ref().map(Event::Group),
            Step::Ack(mark) => self.segments(mark..mark + 1).get(0).map(Event::InterchangeAck),
            Step::Set { marks, faults } => Some(Event::Set(self.set(marks, faults))),
            Step::TooLarge { header, fault } => Some(Event::Set(self.large_set(header, fault))),
            Step::GroupEnd(end) => Some(Event::GroupEnd(end)),
            Step::InterchangeEnd(end) => Some(Event::InterchangeEnd(end)),
            Step::Stray(fault) => Some(Event::Stray(fault)),
        })
    }

    fn segments(&self, marks: std::ops::Range<usize>) -> super::Segments<'_> {
        self.index.segments(&self.buffer[..self.filled], marks, self.base, self.delimiters())
    }

    fn set(&self, marks: std::ops::Range<usize>, faults: Vec<Fault>) -> TransactionSet<'_> {
        let segments = self.segments(marks);
        let header = segments.get(0).filter(|s| s.tag() == ST);
        let text =
            |n: usize| header.map_or(String::new(), |h| decode(h.element(n)).trim_end().to_owned());
        let convention = Some(text(3)).filter(|c| !c.is_empty());
        TransactionSet {
            segments,
            id: text(1),
            control_number: SetControlNumber(text(2)),
            convention,
            faults,
        }
    }

    /// A set of which only the header is left.
    fn large_set(&mut self, header: Vec<u8>, fault: Fault) -> TransactionSet<'_> {
        self.header = header;
        let d = self.delimiters();
        let mut elements =
            self.header.split(|&b| b == d.element).skip(1).map(|e| decode(e).trim_end().to_owned());
        let (id, number) =
            (elements.next().unwrap_or_default(), elements.next().unwrap_or_default());
        let convention = elements.next().filter(|c| !c.is_empty());
        let segments = self.segments(0..0);
        TransactionSet {
            segments,
            id,
            control_number: SetControlNumber(number),
            convention,
            faults: vec![fault],
        }
    }

    /// Inside an interchange: the next piece of it.
    fn step_inside(&mut self) -> std::io::Result<Step> {
        let Some(tag) = self.peek()? else { return Ok(self.end_of_input()) };
        let in_group = self.state == State::Group;
        match tag {
            ST => self.take_set(),
            GE if in_group => Ok(self.take_group_end(true)),
            GS | IEA | ISA if in_group => Ok(self.take_group_end(false)),
            GS => Ok(self.take_group()),
            IEA => Ok(self.take_interchange_end(true)),
            ISA => Ok(self.take_interchange_end(false)),
            TA1 if !in_group => {
                self.next += 1;
                Ok(Step::Ack(self.next - 1))
            }
            _ => self.take_stray(),
        }
    }

    /// The input has ended inside the interchange.
    fn end_of_input(&mut self) -> Step {
        if self.state == State::Group {
            self.take_group_end(false)
        } else {
            self.take_interchange_end(false)
        }
    }

    fn take_group(&mut self) -> Step {
        let segments = self.segments(self.next..self.next + 1);
        let Some(header) = segments.get(0) else { return Step::End };
        let mut group = Group {
            elements: header.elements().map(<[u8]>::to_vec).collect(),
            offset: header.offset(),
            raw: header.raw().to_vec(),
            faults: Vec::new(),
        };
        let digits = header.element(6).trim_ascii().to_vec();
        let repeated =
            Fault::at(FaultKind::GroupNumberRepeated, header.element_offset(6), digits.len())
                .of(b"GS", 6);
        let name: Vec<u8> = digits.iter().copied().skip_while(|&b| b == b'0').collect();
        if !self.seen.groups.insert(&name) {
            group.faults.push(repeated.found(decode(&digits), ""));
        }
        self.counts.groups = self.counts.groups.saturating_add(1);
        self.counts.sets = 0;
        self.seen.sets.clear();
        self.group = Some(group);
        self.state = State::Group;
        self.next += 1;
        Step::Group
    }

    /// ST and what follows, up to SE or whatever shows that SE is missing.
    fn take_set(&mut self) -> std::io::Result<Step> {
        let mut count = 1;
        let mut trailer = false;
        loop {
            count += self.pass_over(count);
            match self.peek_within(count)? {
                Peek::Tag(SE) => {
                    count += 1;
                    trailer = true;
                    break;
                }
                Peek::Tag(ST | GE | GS | IEA | ISA) | Peek::End => break,
                Peek::Tag(_) => count += 1,
                Peek::TooLarge => return self.skip_set(count),
            }
        }
        let marks = self.next..self.next + count;
        let faults = self.judge_set(marks.clone(), trailer);
        self.count_set();
        self.next += count;
        Ok(Step::Set { marks, faults })
    }

    fn count_set(&mut self) {
        self.counts.sets = self.counts.sets.saturating_add(1);
    }

    /// The set is larger than the limit: passes over it, segment by segment, up to its end.
    fn skip_set(&mut self, count: usize) -> std::io::Result<Step> {
        let st =
            self.segments(self.next..self.next + 1).get(0).map(|s| (s.offset(), s.raw().to_vec()));
        let (offset, header) = st.unwrap_or_default();
        let fault = Fault::at(FaultKind::SetTooLarge, offset, header.len()).of(b"ST", 0);
        let fault = Fault {
            segment_position: 1,
            ..fault.found(decode(&header), self.limits.set_bytes_max)
        };
        self.next += count;
        loop {
            match self.peek()? {
                Some(SE) => {
                    self.next += 1;
                    break;
                }
                Some(ST | GE | GS | IEA | ISA) | None => break,
                Some(_) => self.next += 1,
            }
        }
        self.count_set();
        Ok(Step::TooLarge { header, fault })
    }

    /// Segments that belong to no set: one fault for a run of them.
    fn take_stray(&mut self) -> std::io::Result<Step> {
        let first = self
            .segments(self.next..self.next + 1)
            .get(0)
            .map(|s| (s.offset(), s.id().to_vec(), s.raw().to_vec()));
        let (offset, id, raw) = first.unwrap_or_default();
        let mut last = Tag::new(&id);
        let mut end = offset + raw.len() as u64;
        loop {
            self.next += 1;
            match self.peek()? {
                _ if last == SE || last == GE => break,
                Some(ST | GS | IEA | ISA | TA1) | None => break,
                Some(GE) if self.state == State::Group => break,
                Some(tag) => {
                    last = tag;
                    end = self
                        .segments(self.next..self.next + 1)
                        .get(0)
                        .map_or(end, |s| s.offset() + s.raw().len() as u64);
                }
            }
        }
        let kind = match last {
            SE => FaultKind::SetHeaderMissing,
            GE => FaultKind::StrayTrailer,
            _ => FaultKind::OutsideEnvelope,
        };
        let length = usize::try_from(end - offset).unwrap_or(usize::MAX);
        Ok(Step::Stray(Fault::at(kind, offset, length).of(&id, 0).found(decode(&raw), "")))
    }

    fn bytes(&self, from: usize) -> &[u8] {
        self.buffer.get(from..self.filled).unwrap_or_default()
    }
}
