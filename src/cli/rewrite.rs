//! X12 read and written again, in the envelope that it came in.

use std::io::Write;

use serde::Serialize;

use super::Error;
use super::scene::Met;
use crate::findings::{Finding, Severity};
use crate::map::{self, Map, WriteOptions};
use crate::translate::CheckedSet;
use crate::x12::{Charset, Delimiters, Segments, Style};

/// Writes what a source holds, header by header and set by set, with its own delimiters and line breaks. Trailers count
/// what was written.
#[derive(Debug, Default)]
pub struct Rewriter {
    style: Style,
    /// Segments that wait until the first set tells what follows a terminator.
    waiting: Vec<Vec<u8>>,
    knows_suffix: bool,
    interchange: Vec<u8>,
    group: Option<Vec<u8>>,
    groups: u32,
    sets: u32,
    writer: map::Writer,
    set: Vec<u8>,
}

impl Rewriter {
    /// A part of the envelope.
    ///
    /// # Errors
    /// Output that cannot be written.
    pub fn envelope(&mut self, met: &Met<'_>, out: &mut dyn Write) -> Result<(), Error> {
        match met {
            Met::Interchange(header) => {
                self.flush(out)?;
                self.style = Style { delimiters: header.delimiters, ..Style::default() };
                self.knows_suffix = false;
                self.interchange.clone_from(&header.elements[12]);
                self.groups = 0;
                self.waiting.push(header.line().segment().raw().to_vec());
                Ok(())
            }
            Met::InterchangeAck(segment, _) => self.segment(segment.raw().to_vec(), out),
            Met::Group(header) => {
                self.group = Some(header.elements.get(5).cloned().unwrap_or_default());
                self.groups = self.groups.saturating_add(1);
                self.sets = 0;
                self.segment(header.raw.clone(), out)
            }
            Met::GroupEnd => {
                let number = self.group.take().unwrap_or_default();
                let trailer = self.trailer("GE", self.sets, &number);
                self.segment(trailer, out)
            }
            Met::InterchangeEnd => {
                let number = std::mem::take(&mut self.interchange);
                let trailer = self.trailer("IEA", self.groups, &number);
                self.segment(trailer, out)?;
                self.flush(out)
            }
            Met::Set(_) | Met::Stray => Ok(()),
        }
    }

    /// A set, from its document. One that cannot be written is left out, and its findings say why.
    ///
    /// # Errors
    /// A map whose document this is not; output that cannot be written.
    pub fn set<T: Serialize + ?Sized>(
        &mut self,
        document: &T,
        set: &CheckedSet<'_>,
        map: &Map,
        out: &mut dyn Write,
    ) -> Result<Vec<Finding>, Error> {
        let Some(walked) = &set.walked else { return Ok(Vec::new()) };
        if !self.knows_suffix {
            self.style.suffix = suffix(&set.segments);
            self.knows_suffix = true;
        }
        let is_utf8 = std::str::from_utf8(set.segments.raw()).is_ok();
        self.style.charset = if is_utf8 { Charset::Utf8 } else { Charset::Latin1 };
        self.flush(out)?;
        self.set.clear();
        let options = WriteOptions {
            control_number: &set.control_number.0,
            style: &self.style,
            hierarchy: None,
        };
        let written = self.writer.write(document, map, walked.grammar, &options, &mut self.set);
        let findings = written.map_err(|error| Error::Document(error.to_string()))?;
        if findings.iter().all(|finding| finding.severity < Severity::Fatal) {
            out.write_all(&self.set)?;
            self.sets = self.sets.saturating_add(1);
        }
        Ok(findings)
    }

    fn trailer(&self, tag: &str, count: u32, number: &[u8]) -> Vec<u8> {
        let Delimiters { element, .. } = self.style.delimiters;
        let mut trailer = tag.as_bytes().to_vec();
        trailer.push(element);
        trailer.extend_from_slice(count.to_string().as_bytes());
        trailer.push(element);
        trailer.extend_from_slice(number);
        trailer
    }

    fn segment(&mut self, raw: Vec<u8>, out: &mut dyn Write) -> Result<(), Error> {
        self.waiting.push(raw);
        if self.knows_suffix { self.flush(out) } else { Ok(()) }
    }

    fn flush(&mut self, out: &mut dyn Write) -> Result<(), Error> {
        for segment in self.waiting.drain(..) {
            out.write_all(&segment)?;
            out.write_all(&[self.style.delimiters.segment])?;
            out.write_all(&self.style.suffix)?;
        }
        Ok(())
    }
}

/// What stands between the terminator of the first segment and the next one.
fn suffix(set: &Segments<'_>) -> Vec<u8> {
    let (Some(first), Some(second)) = (set.get(0), set.get(1)) else { return Vec::new() };
    let begin = first.raw().len() + 1;
    let end = usize::try_from(second.offset() - first.offset()).unwrap_or(begin);
    set.raw().get(begin..end).unwrap_or_default().to_vec()
}
