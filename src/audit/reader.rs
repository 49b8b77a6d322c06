//! Reading the log, line by line. It can be done beside the process that writes it.

use std::collections::VecDeque;
use std::io::BufRead;
use std::path::Path;

use super::Error;
use super::segment::{self, Header, Segment};

/// Longest line: one transaction. Far above what a file of the largest size makes.
const LINE_BYTES_MAX: u64 = 1 << 30;

/// The lines of a log, in order.
pub struct Reader {
    segments: VecDeque<Segment>,
    current: Option<(Segment, Box<dyn BufRead>)>,
    header: Option<Header>,
    next: u64,
    line: Vec<u8>,
}

impl Reader {
    /// From a line on; it need not be there yet.
    ///
    /// # Errors
    /// Where the folder cannot be read, or what it holds does not begin early enough.
    pub fn open(folder: &Path, from: u64) -> Result<Self, Error> {
        let mut segments: VecDeque<Segment> = segment::list(folder)?.into();
        while segments.get(1).is_some_and(|second| second.first <= from) {
            segments.pop_front();
        }
        let Some(first) = segments.front() else {
            return Err(Error::damaged(folder, "there is no log in it"));
        };
        if first.first > from.max(1) {
            let reason = format!("it is missing, with what comes before entry {}", first.first);
            return Err(Error::damaged(&folder.join(segment::name(1)), reason));
        }
        let next = first.first;
        let mut reader = Self { segments, current: None, header: None, next, line: Vec::new() };
        while reader.next < from && reader.read()?.is_some() {}
        Ok(reader)
    }

    /// Which log it is, once a line was read.
    #[must_use]
    pub fn id(&self) -> &str {
        self.header.as_ref().map_or("", |header| &header.log)
    }

    /// The next line without its line break, and its number by its place; nothing at the end. What is still being
    /// written at the end of the newest file is passed over.
    ///
    /// # Errors
    /// Where a file cannot be read, or does not go on where the one before it ends.
    pub fn read(&mut self) -> Result<Option<(u64, &[u8])>, Error> {
        loop {
            if self.current.is_none() {
                let Some(segment) = self.segments.pop_front() else { return Ok(None) };
                self.begin(segment)?;
            }
            let Some((segment, lines)) = &mut self.current else { return Ok(None) };
            self.line.clear();
            std::io::Read::take(lines, LINE_BYTES_MAX)
                .read_until(b'\n', &mut self.line)
                .map_err(|e| segment::unreadable(segment, &e))?;
            if self.line.pop_if(|end| *end == b'\n').is_some() {
                let number = self.next;
                self.next += 1;
                return Ok(Some((number, &self.line)));
            }
            if !self.line.is_empty() && !self.segments.is_empty() {
                let reason = format!("entry {} is cut off", self.next);
                return Err(Error::damaged(&segment.path, reason));
            }
            self.current = None;
        }
    }

    fn begin(&mut self, segment: Segment) -> Result<(), Error> {
        let mut lines = segment::open(&segment)?;
        let (header, _) = segment::read_header(&segment, &mut lines)?;
        if header.first != self.next {
            let reason = format!(
                "it begins with entry {}, where entry {} should follow",
                header.first, self.next
            );
            return Err(Error::damaged(&segment.path, reason));
        }
        if self.header.as_ref().is_some_and(|before| before.log != header.log) {
            return Err(Error::damaged(&segment.path, "it belongs to another log"));
        }
        self.header = Some(header);
        self.current = Some((segment, lines));
        Ok(())
    }
}
