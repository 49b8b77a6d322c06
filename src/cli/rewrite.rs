//! X12 read and written again, in the envelope that it came in.

use std::io::Write;

use super::Error;
use super::scene::Met;
use crate::canonical::Document;
use crate::findings::{Code, Finding, Place, Severity};
use crate::map::{self, Map, WriteOptions};
use crate::translate::{CheckedSet, Engine, judge};
use crate::x12::{Charset, Delimiters, Segments, Style};

/// Writes what a source holds, header by header and set by set, with its own delimiters and line breaks. Trailers count
/// what was written.
#[derive(Debug)]
pub struct Rewriter<'e> {
    engine: &'e Engine,
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
    /// ISA and GS, for the judgement of what is written.
    interchange_header: Vec<u8>,
    group_header: Vec<u8>,
}

impl<'e> Rewriter<'e> {
    /// Before the first interchange.
    #[must_use]
    pub fn new(engine: &'e Engine) -> Self {
        Self {
            engine,
            style: Style::default(),
            waiting: Vec::new(),
            knows_suffix: false,
            interchange: Vec::new(),
            group: None,
            groups: 0,
            sets: 0,
            writer: map::Writer::new(),
            set: Vec::new(),
            interchange_header: Vec::new(),
            group_header: Vec::new(),
        }
    }

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
                self.interchange_header = header.line().segment().raw().to_vec();
                self.waiting.push(self.interchange_header.clone());
                Ok(())
            }
            Met::InterchangeAck(segment, _) => self.segment(segment.raw().to_vec(), out),
            Met::Group(header) => {
                self.group = Some(header.elements.get(5).cloned().unwrap_or_default());
                self.groups = self.groups.saturating_add(1);
                self.sets = 0;
                self.group_header.clone_from(&header.raw);
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

    /// A set, from its document, judged as its receiver would: told is what was not wrong with it before. One that
    /// cannot be written is left out, and its findings say why.
    ///
    /// # Errors
    /// A map whose document this is not; output that cannot be written.
    pub fn set(
        &mut self,
        document: &Document,
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
        if let Some(finding) = mixed(&set.segments).filter(|_| !is_utf8) {
            return Ok(vec![finding]);
        }
        self.flush(out)?;
        self.set.clear();
        let options = WriteOptions {
            control_number: &set.control_number.0,
            style: &self.style,
            hierarchy: None,
        };
        let written = self.writer.write(document, map, walked.grammar, &options, &mut self.set);
        let mut findings = written.map_err(|error| Error::Document(error.to_string()))?;
        findings.extend(self.judged().into_iter().filter(|f| !is_known(f, &set.findings)));
        if findings.iter().all(|finding| finding.severity < Severity::Fatal) {
            out.write_all(&self.set)?;
            self.sets = self.sets.saturating_add(1);
        }
        Ok(findings)
    }

    /// What is wrong with the set as it was written, by the check of whole interchanges; places are those in the set.
    fn judged(&self) -> Vec<Finding> {
        let end = [self.style.delimiters.segment];
        let group = self.trailer("GE", 1, self.group.as_deref().unwrap_or_default());
        let interchange = self.trailer("IEA", 1, &self.interchange);
        let before = [&self.interchange_header[..], &end, &self.group_header, &end].concat();
        let after = [&group[..], &end, &interchange, &end].concat();
        let mut findings = judge(self.engine, &[&before[..], &self.set, &after].concat());
        let within = before.len() as u64..(before.len() + self.set.len()) as u64;
        findings.retain(|finding| within.contains(&finding.place.offset));
        for finding in &mut findings {
            finding.place.offset -= within.start;
        }
        findings
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

/// Whether the same was wrong before.
fn is_known(finding: &Finding, before: &[Finding]) -> bool {
    let what = |f: &Finding| {
        let place = &f.place;
        (f.code, place.segment.clone(), place.element, place.component, f.value.clone())
    };
    before.iter().any(|known| what(known) == what(finding))
}

/// What stands between the terminator of the first segment and the next one.
fn suffix(set: &Segments<'_>) -> Vec<u8> {
    let (Some(first), Some(second)) = (set.get(0), set.get(1)) else { return Vec::new() };
    let begin = first.raw().len() + 1;
    let end = usize::try_from(second.offset() - first.offset()).unwrap_or(begin);
    set.raw().get(begin..end).unwrap_or_default().to_vec()
}

/// A text in UTF-8 in a set that is not all of it in UTF-8. Each text is read by itself, but a set is written in one
/// encoding: bytes would change.
fn mixed(segments: &Segments<'_>) -> Option<Finding> {
    let segment = segments.iter().find(|segment| {
        segment.elements().any(|e| !e.is_ascii() && std::str::from_utf8(e).is_ok())
    })?;
    let place =
        Place { offset: segment.offset(), segment: segment.tag().to_string(), ..Place::default() };
    let says = "The set has texts in UTF-8 and others in Latin-1: written in one of them, bytes would change.";
    let mend = "Ask the sender for one encoding, or send the original on.";
    Some(Finding::new(Code::NotEncodable, place, says.to_owned(), mend.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{Document, Order};
    use crate::cli::input::Source;
    use crate::cli::scene::{self, Depth};
    use crate::findings::Code;
    use crate::translate::Options;

    /// What is written from the order of the fixtures with this number, and its findings.
    fn rewritten(number: &str) -> (Vec<u8>, Vec<Finding>) {
        let engine = Engine::embedded();
        let map = engine.maps().map("850", "004010").unwrap();
        let mut rewriter = Rewriter::new(&engine);
        let (mut out, mut findings) = (Vec::new(), Vec::new());
        let input = &include_bytes!("../../fixtures/cli/order.edi")[..];
        let options = Options::default();
        scene::read(&engine, input, &Source::Stdin, options, Depth::Form, |met, _, _| {
            let Met::Set(set) = met else { return rewriter.envelope(&met, &mut out) };
            let mut reader = map::Reader::new();
            let mut order: Order = reader.read(set.walked.as_ref().unwrap(), map).to().unwrap();
            number.clone_into(&mut order.number);
            let order = Document::Order(Box::new(order));
            findings = rewriter.set(&order, set, map, &mut out)?;
            Ok(())
        })
        .unwrap();
        (out, findings)
    }

    #[test]
    fn what_is_written_is_judged_like_what_is_read() {
        let (out, findings) = rewritten("PO-1");
        assert!(findings.is_empty() && out.windows(4).any(|w| w == b"PO-1"), "{findings:?}");
        let (_, findings) = rewritten("PO-1234567890123456789012345");
        let told: Vec<_> = findings.iter().map(|f| (f.code, f.place.offset)).collect();
        assert_eq!(told, [(Code::ElementTooLong, 23)]);
    }
}
