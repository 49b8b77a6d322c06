//! Loop instances read straight through: segment by segment to JSON, without a table of what there is and who claims
//! it, as long as each place belongs to one group.

use super::super::plan::{Block, BlockId, GroupKind, PlacePlan};
use super::{COUNTED, LEFTOVER, Pass, Span, UNCLAIMED, UNUSUAL};

/// How far straight reading came.
struct Straight {
    /// The segment that it stopped at.
    stop: u32,
    /// Whether nothing before that has to be told in `unmapped`.
    regular: bool,
}

impl<'r> Pass<'r, '_> {
    /// The fields of a loop instance but for its constants.
    pub(super) fn loop_fields(&mut self, id: BlockId, span: &Span) {
        let block = self.block(id);
        let noted = self.work.noted.len();
        let Straight { stop, regular } = self.straight(block, span);
        if stop < span.segments.end || !regular {
            self.with_table(block, span, stop, noted);
        }
    }

    /// The same by the table of what there is, as if its groups had claimed what was read straight.
    #[inline(never)]
    fn with_table(&mut self, block: &'r Block, span: &Span, stop: u32, noted: usize) {
        let items = self.collect(span);
        let read = self.work.items[items.clone()].partition_point(|item| item.segment < stop);
        let first = items.start + read;
        for item in &mut self.work.items[items.start..first] {
            if let Some(&PlacePlan { ref groups, alone: true, .. }) =
                block.places.get(usize::from(item.local))
                && let Some(&group) = groups.first()
                && (item.nth == 1 || is_list(block, group))
            {
                item.claim = group;
            }
        }
        for (segment, claim, flags) in self.work.noted.drain(noted..) {
            let items = &mut self.work.items[items.start..first];
            if let Ok(at) = items.binary_search_by_key(&segment, |item| item.segment) {
                (items[at].claim, items[at].flags) = (claim, flags);
            }
        }
        self.claim(block, first..items.end);
        self.finish(block, items);
    }

    /// Reads up to the first place that several groups take from, or some only by a code.
    fn straight(&mut self, block: &'r Block, span: &Span) -> Straight {
        let fields = self.fields(block);
        let mut regular = block.always.is_empty();
        let mut at = span.segments.start;
        let mut child = span.instance as usize + 1;
        let mut before = None;
        let mut list = None;
        while at < span.segments.end {
            let Some(found) = self.found(span, at, &mut child) else { break };
            let (segment, next) = (at, found.end);
            let local = self.place_of(span, found.node, before.unwrap_or(0));
            let place = local.and_then(|local| block.places.get(usize::from(local)));
            let again = local.is_some() && before == local;
            if local.is_some() && !again {
                before = local;
                if let Some(list) = list.take() {
                    self.json.close(list);
                }
            }
            at = next;
            let Some(place) = place.filter(|place| !place.groups.is_empty()) else {
                regular = false;
                continue;
            };
            let index = place.groups.first().copied().filter(|_| place.alone);
            let Some((index, group)) =
                index.and_then(|i| Some((i, block.groups.get(usize::from(i))?)))
            else {
                return Straight { stop: segment, regular: false };
            };
            let (mut claim, mut flags) = (index, 0);
            match &group.kind {
                GroupKind::Texts { .. } => return Straight { stop: segment, regular: false },
                GroupKind::Object { field, list: true, block, .. } => {
                    if !again {
                        list = Some(self.json.list(fields, *field));
                    }
                    let object = self.json.item();
                    flags = self.inner(*block, (segment, found));
                    self.json.object(object);
                }
                // Another one where there is room for one.
                _ if again => regular = false,
                GroupKind::Object { field, block, always, .. } => {
                    flags = self.object((fields, *field), *block, *always, (segment, found));
                }
                GroupKind::Elements(set) => {
                    let here = self.json.here();
                    flags = self.elements(set, &self.source(segment, fields));
                    if self.json.is_at(here) && flags & COUNTED == 0 && index != 0 {
                        (claim, flags) = (UNCLAIMED, LEFTOVER);
                    }
                }
            }
            if flags & (LEFTOVER | UNUSUAL) != 0 {
                regular = false;
                let flags = if claim == UNCLAIMED { 0 } else { flags };
                self.work.noted.push((segment, claim, flags));
            }
        }
        if let Some(list) = list {
            self.json.close(list);
        }
        Straight { stop: span.segments.end, regular }
    }
}

/// Whether a group takes more than one.
fn is_list(block: &Block, group: u16) -> bool {
    let group = block.groups.get(usize::from(group));
    group.is_some_and(|g| matches!(g.kind, GroupKind::Object { list: true, .. }))
}
