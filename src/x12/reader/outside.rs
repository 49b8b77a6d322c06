//! Outside any interchange: the way to the next ISA, and what is passed over on it.

use std::io::Read;

use super::{INTERCHANGES_MAX, Reader, State, Step};
use crate::x12::index::is_blank;
use crate::x12::{Fault, FaultKind, Interchange, decode, isa};

impl<R: Read> Reader<'_, R> {
    /// Looks for the next ISA.
    pub(super) fn step_outside(&mut self) -> std::io::Result<Step> {
        let start = self.outside;
        if self.base == 0 && start == 0 {
            self.fill_to(isa::LENGTH_MAX as u64)?;
            if self.bytes(0).starts_with(b"\xEF\xBB\xBF") {
                self.outside = 3;
                return Ok(Step::Stray(Fault::at(FaultKind::ByteOrderMark, 0, 3)));
            }
        }
        let mut text = Text::default();
        loop {
            // Twice, so that each round passes over something.
            self.fill_to(self.base + (self.outside + 2 * isa::LENGTH_MAX) as u64)?;
            let bytes = self.bytes(self.outside);
            let found = memchr::memmem::find_iter(bytes, b"ISA").find(|&at| {
                // Near the end of what is read, wait for the rest before judging.
                (self.at_end || at + isa::LENGTH_MAX <= bytes.len())
                    && isa::looks_like(&bytes[at..])
            });
            let passed = match found {
                Some(at) => at,
                None if self.at_end => bytes.len(),
                None => bytes.len().saturating_sub(isa::LENGTH_MAX),
            };
            let offset = self.base + self.outside as u64;
            let read = found.map(|at| (isa::read(&bytes[at..], offset + at as u64), at));
            match read {
                Some((None, at)) => {
                    // What looks like ISA and is none: what follows belongs to it.
                    text.add(bytes, at + TAG_BYTES, offset);
                    text.is_unreadable = true;
                    self.outside += at + TAG_BYTES;
                }
                Some((Some(interchange), _)) if text.length == 0 && passed == 0 => {
                    return Ok(self.open_interchange(interchange));
                }
                read => {
                    text.add(bytes, passed, offset);
                    self.outside += passed;
                    if text.length > 0 && (read.is_some() || self.at_end) {
                        return Ok(Step::Stray(self.passed_over(&text, read.is_some())));
                    }
                    if read.is_none() && self.at_end {
                        return Ok(self.nothing_more());
                    }
                }
            }
        }
    }

    /// The fault of text that belongs to no interchange.
    fn passed_over(&mut self, text: &Text, more: bool) -> Fault {
        let nothing = self.counts.interchanges == 0 && !more;
        let lost = text.is_lost && !std::mem::take(&mut self.told);
        let kind = match () {
            () if text.is_unreadable => FaultKind::IsaUnreadable,
            // One that was cut off is more than no interchange.
            () if nothing && begins_as_isa(&text.sample) => FaultKind::IsaUnreadable,
            () if nothing => FaultKind::NoInterchange,
            () if lost => FaultKind::IsaUnreadable,
            () => FaultKind::TextBeforeInterchange,
        };
        if nothing {
            self.counts.interchanges = 1; // Told here; nothing_more has nothing to add.
        }
        let sample = &text.sample[..text.sample.len().min(text.length)];
        let fault = Fault::at(kind, text.offset, text.length).found(decode(sample), "");
        if kind == FaultKind::IsaUnreadable { fault.of(b"ISA", 0) } else { fault }
    }

    fn nothing_more(&mut self) -> Step {
        if self.counts.interchanges == 0 {
            self.counts.interchanges = 1;
            return Step::Stray(Fault::at(
                FaultKind::NoInterchange,
                self.base + self.outside as u64,
                0,
            ));
        }
        Step::End
    }

    fn open_interchange(&mut self, mut interchange: Interchange) -> Step {
        let offset = interchange.offset;
        self.counts.interchanges += 1;
        let e = &interchange.elements;
        let key = ([&e[4][..], &e[5]].concat(), [&e[6][..], &e[7]].concat(), e[12].clone());
        let known = &mut self.seen.interchanges;
        if known.contains(&key) {
            let fault = Fault::at(FaultKind::InterchangeNumberRepeated, offset, interchange.length)
                .of(b"ISA", 13);
            interchange.faults.push(fault.found(decode(&e[12]), ""));
        } else if known.len() < INTERCHANGES_MAX {
            known.insert(key);
        }
        self.told = false;
        self.index.restart(self.outside + interchange.length);
        self.next = 0;
        self.counts.groups = 0;
        self.seen.groups.clear();
        self.interchange = Some(interchange);
        self.group = None;
        self.state = State::Interchange;
        Step::Interchange
    }
}

/// Bytes of `ISA`.
const TAG_BYTES: usize = 3;

/// What stands between interchanges and is not blank.
#[derive(Default)]
struct Text {
    offset: u64,
    length: usize,
    /// Its first bytes.
    sample: Vec<u8>,
    /// Whether a header stands in it: it is an interchange whose ISA is damaged or missing.
    is_lost: bool,
    /// Whether that is an ISA that cannot be read.
    is_unreadable: bool,
    /// The last byte before what is added next.
    before: Option<u8>,
}

impl Text {
    const SAMPLE: usize = 80;

    /// Adds what is passed over of some bytes that begin at an offset.
    fn add(&mut self, bytes: &[u8], passed: usize, offset: u64) {
        self.is_lost = self.is_lost || has_header(bytes, passed, self.before);
        let bytes = &bytes[..passed];
        self.before = bytes.last().copied().or(self.before);
        let room = Self::SAMPLE.saturating_sub(self.sample.len());
        let begun = self.length > 0;
        if begun {
            // Blanks may turn out to stand within the text, wherever its pieces happen to end.
            self.sample.extend(bytes.iter().take(room));
        }
        let Some(first) = bytes.iter().position(|&b| !is_blank(b)) else { return };
        let last = bytes.iter().rposition(|&b| !is_blank(b)).unwrap_or(first);
        if self.length == 0 {
            self.offset = offset + first as u64;
        }
        let end = offset + last as u64 + 1;
        self.length = usize::try_from(end - self.offset).unwrap_or(usize::MAX);
        if !begun {
            self.sample.extend(bytes[first..].iter().take(room));
        }
    }
}

/// Whether a text begins as ISA does, whatever became of the rest.
fn begins_as_isa(text: &[u8]) -> bool {
    let rest = text.trim_ascii_start().strip_prefix(b"ISA");
    rest.and_then(<[u8]>::first).is_some_and(|separator| !separator.is_ascii_alphanumeric())
}

/// How far a header is looked into.
const HEADER_BYTES: usize = 120;

/// Whether ISA, GS or ST begins within the first `passed` bytes. `before` stands in front of them.
fn has_header(bytes: &[u8], passed: usize, before: Option<u8>) -> bool {
    let begins = |tag: &[u8], is_header: fn(&[u8], u8) -> bool| {
        memchr::memmem::find_iter(bytes, tag).take_while(|&at| at < passed).any(|at| {
            let before = at.checked_sub(1).map_or(before, |at| Some(bytes[at]));
            let rest = &bytes[at + tag.len()..bytes.len().min(at + HEADER_BYTES)];
            let Some((&separator, rest)) = rest.split_first() else { return false };
            !before.is_some_and(|b| b.is_ascii_alphanumeric())
                && !separator.is_ascii_alphanumeric()
                && !is_blank(separator)
                && is_header(rest, separator)
        })
    };
    // ISA01 has two digits, ST01 three; GS01 has two letters, and seven elements follow.
    begins(b"ISA", |rest, separator| digits(rest, 2, separator))
        || begins(b"ST", |rest, separator| digits(rest, 3, separator))
        || begins(b"GS", |rest, separator| {
            rest.get(2) == Some(&separator) && memchr::memchr_iter(separator, rest).count() >= 7
        })
}

/// Whether so many digits and then a separator stand there.
fn digits(bytes: &[u8], count: usize, separator: u8) -> bool {
    bytes.get(count) == Some(&separator) && bytes[..count].iter().all(u8::is_ascii_digit)
}
