//! Ends: trailers against their headers, or their absence.

use std::io::Read;

use super::{GE, Reader, State, Step};
use crate::x12::envelope::{GroupEnd, InterchangeEnd, number};
use crate::x12::{Fault, FaultKind, Line, Segment, decode};

impl<R: Read> Reader<'_, R> {
    pub(super) fn take_group_end(&mut self, trailer: bool) -> Step {
        let mut end = GroupEnd {
            stated_sets: None,
            sets: self.counts.sets,
            offset: self.position(),
            trailer: None,
            faults: Vec::new(),
        };
        let opened = self.group.take();
        let number_of_header =
            opened.as_ref().and_then(|g| g.elements.get(5).cloned()).unwrap_or_default();
        if trailer {
            let segments = self.segments(self.next..self.next + 1);
            if let Some(ge) = segments.get(0) {
                end.trailer = Some(self.line(&ge));
                end.stated_sets = number(ge.element(1));
                if end.stated_sets != Some(end.sets) {
                    let fault =
                        Fault::at(FaultKind::SetCount, ge.element_offset(1), ge.element(1).len())
                            .of(b"GE", 1);
                    end.faults.push(fault.found(decode(ge.element(1)), end.sets));
                }
                if !same_number(ge.element(2), &number_of_header) {
                    let fault = Fault::at(
                        FaultKind::GroupNumber,
                        ge.element_offset(2),
                        ge.element(2).len(),
                    )
                    .of(b"GE", 2);
                    end.faults.push(fault.found(decode(ge.element(2)), decode(&number_of_header)));
                }
            }
            self.next += 1;
        } else {
            let fault = Fault::at(FaultKind::GroupTrailerMissing, end.offset, 0).of(b"GE", 0);
            end.faults.push(fault.found("", decode(&number_of_header)));
        }
        end.faults.extend(self.pending.take_if(|f| f.segment == GE));
        self.state = State::Interchange;
        Step::GroupEnd(end)
    }

    pub(super) fn take_interchange_end(&mut self, trailer: bool) -> Step {
        let mut end = InterchangeEnd {
            stated_groups: None,
            groups: self.counts.groups,
            end: self.position(),
            trailer: None,
            faults: Vec::new(),
        };
        let number_of_header =
            self.interchange.as_ref().map_or(Vec::new(), |i| i.elements[12].clone());
        if trailer {
            let segments = self.segments(self.next..self.next + 1);
            if let Some(iea) = segments.get(0) {
                end.trailer = Some(self.line(&iea));
                end.stated_groups = number(iea.element(1));
                if end.stated_groups != Some(end.groups) {
                    let fault = Fault::at(
                        FaultKind::GroupCount,
                        iea.element_offset(1),
                        iea.element(1).len(),
                    )
                    .of(b"IEA", 1);
                    end.faults.push(fault.found(decode(iea.element(1)), end.groups));
                }
                if !same_number(iea.element(2), &number_of_header) {
                    let fault = Fault::at(
                        FaultKind::InterchangeNumber,
                        iea.element_offset(2),
                        iea.element(2).len(),
                    )
                    .of(b"IEA", 2);
                    end.faults.push(fault.found(decode(iea.element(2)), decode(&number_of_header)));
                }
            }
            self.outside = self
                .index
                .mark(self.next)
                .map_or(self.filled, |mark| (self.index.end(mark) + 1).min(self.filled));
        } else {
            let fault = Fault::at(FaultKind::InterchangeTrailerMissing, end.end, 0).of(b"IEA", 0);
            end.faults.push(fault.found("", decode(&number_of_header)));
            let next = self.index.mark(self.next).map_or(self.filled, |mark| mark.start as usize);
            self.told = self.lost.is_some();
            self.outside = self.lost.take().unwrap_or(next).min(self.filled);
        }
        end.faults.extend(self.pending.take());
        end.end = self.base + self.outside as u64;
        self.state = State::Outside;
        Step::InterchangeEnd(end)
    }

    /// A copy of a segment, which outlives the buffer.
    fn line(&self, segment: &Segment<'_>) -> Line {
        Line::new(segment.raw().to_vec(), self.delimiters().element, segment.offset())
    }

    pub(super) fn judge_set(&mut self, marks: std::ops::Range<usize>, trailer: bool) -> Vec<Fault> {
        let mut faults = Vec::new();
        let (bytes, terminator) = (&self.buffer[..self.filled], self.delimiters().segment);
        if let Some((at, position)) = self.index.lone(bytes, marks.clone(), terminator) {
            let fault = Fault::at(FaultKind::LoneTerminator, self.base + at as u64, 1);
            let segment_position = u32::try_from(position).unwrap_or(u32::MAX);
            faults.push(Fault { segment_position, ..fault });
        }
        let segments =
            self.index.segments(&self.buffer[..self.filled], marks, self.base, self.delimiters());
        let Some(st) = segments.get(0) else { return faults };
        let last = segments.get(segments.len() - 1).unwrap_or(st);
        let count = segments.len();
        if self.group.is_none() {
            faults.push(
                Fault::at(FaultKind::OutsideEnvelope, st.offset(), st.raw().len())
                    .of(b"ST", 0)
                    .found(decode(st.raw()), "GS"),
            );
        }
        let name = st.element(2);
        let name = name.strip_suffix(b" ").map_or(name, <[u8]>::trim_ascii_end);
        if !(4..=9).contains(&name.len()) {
            faults.push(Fault {
                segment_position: 1,
                ..Fault::at(FaultKind::SetNumberInvalid, st.element_offset(2), name.len())
                    .of(b"ST", 2)
                    .found(decode(name), "")
            });
        }
        if !name.is_empty() && !self.seen.sets.insert(name) {
            faults.push(Fault {
                segment_position: 1,
                ..Fault::at(FaultKind::SetNumberRepeated, st.element_offset(2), name.len())
                    .of(b"ST", 2)
                    .found(decode(name), "")
            });
        }
        let position = u32::try_from(count).unwrap_or(u32::MAX);
        faults.extend(self.pending.take().map(|f| Fault { segment_position: position, ..f }));
        if !trailer {
            let end = segments.offset() + segments.raw().len() as u64;
            faults.push(Fault {
                segment_position: position.saturating_add(1),
                ..Fault::at(FaultKind::SetTrailerMissing, end, 0)
                    .of(b"SE", 0)
                    .found("", decode(name))
            });
            return faults;
        }
        if number(last.element(1)).map(|n| n as usize) != Some(count) {
            faults.push(Fault {
                segment_position: position,
                ..Fault::at(FaultKind::SegmentCount, last.element_offset(1), last.element(1).len())
                    .of(b"SE", 1)
                    .found(decode(last.element(1)), count)
            });
        }
        if last.element(2).trim_ascii_end() != name {
            faults.push(Fault {
                segment_position: position,
                ..Fault::at(FaultKind::SetNumber, last.element_offset(2), last.element(2).len())
                    .of(b"SE", 2)
                    .found(decode(last.element(2)), decode(name))
            });
        }
        faults
    }
}

/// Whether two control numbers are the same: as numbers where both are, else as they stand.
fn same_number(a: &[u8], b: &[u8]) -> bool {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a.trim_ascii() == b.trim_ascii(),
    }
}
