//! Reading: a walked set becomes a canonical document.
//!
//! For each loop instance one pass over its segments and inner loops fills a small table; then the groups of the
//! block claim from it in the order of the map, and what nobody claims goes to `unmapped`.

mod elements;
mod levels;
mod place;
mod rest;

use std::ops::Range;

use super::plan::{Block, BlockId, Group, GroupKind, Map, Selector};
use super::values::{Entry, Values, small};
use super::view::View;
use crate::findings::Finding;
use crate::grammar::{NodeId, Walked};
use crate::x12::Segment;

/// Reads sets, one after the other, and reuses its memory.
#[derive(Debug, Default)]
pub struct Reader {
    values: Values,
    work: Work,
    findings: Vec<Finding>,
}

/// A document that was read: serialize it, or make a typed document of it.
///
/// Serializing streams from the set's own bytes, without a typed document in between; the result is the same as
/// that of the typed document, field by field and byte by byte.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'r> {
    values: &'r Values,
    source: &'r str,
    map: &'r Map,
    findings: &'r [Finding],
}

/// Findings beyond this many of one set are not kept: the first ones tell the cause.
const FINDINGS_MAX: usize = 1000;

#[derive(Debug, Default)]
struct Work {
    items: Vec<Item>,
    /// How many of `items` are those of the set itself.
    root_items: usize,
    rows: u32,
}

/// A segment or inner loop of a loop instance.
#[derive(Debug, Clone, Copy)]
struct Item {
    /// Its (first) segment.
    segment: u32,
    /// One past its last segment.
    end: u32,
    /// The loop instance; `NO_INSTANCE` for a segment.
    instance: u32,
    /// Which one at its place, from 1.
    nth: u32,
    /// Place among the children of the loop; `UNPLACED` for none.
    local: u16,
    /// The group that claimed it; `UNCLAIMED` for none.
    claim: u16,
    flags: u8,
}

const NO_INSTANCE: u32 = u32::MAX;
const UNPLACED: u16 = u16::MAX;
const UNCLAIMED: u16 = u16::MAX;
/// Claimed by what is no group: SE, levels.
const ELSEWHERE: u16 = u16::MAX - 1;

/// An element of it is read by no line.
const LEFTOVER: u8 = 1;
/// A value of it would not be written back as it was sent.
const UNUSUAL: u8 = 2;
/// A count of it was checked.
const COUNTED: u8 = 4;

impl Reader {
    /// A reader without any memory yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a set. The map must have been made for the set's grammar.
    ///
    /// Values that cannot be translated are findings (`not-translatable`), as are counts that do not agree
    /// (`count-mismatch`) and levels that the map has no section for (`level-unknown`).
    pub fn read<'r>(&'r mut self, walked: &Walked<'r>, map: &'r Map) -> Reading<'r> {
        self.values.clear();
        self.work.items.clear();
        self.work.rows = 0;
        self.findings.clear();
        let raw = walked.segments.raw();
        let delimiters = walked.segments.delimiters();
        let ascii = [delimiters.element, delimiters.component, delimiters.segment];
        let ascii = ascii.iter().chain(&delimiters.repetition).all(u8::is_ascii);
        let source = std::str::from_utf8(raw).ok().filter(|_| ascii);
        let mut pass = Pass {
            walked: *walked,
            map,
            values: &mut self.values,
            work: &mut self.work,
            findings: &mut self.findings,
            base: walked.segments.offset(),
            utf8: source.is_some(),
        };
        pass.document();
        Reading {
            values: &self.values,
            source: source.unwrap_or_default(),
            map,
            findings: &self.findings,
        }
    }
}

impl<'r> Reading<'r> {
    /// What is wrong with the values.
    #[must_use]
    pub fn findings(&self) -> &'r [Finding] {
        self.findings
    }

    /// The kind of document that it is: `order`.
    #[must_use]
    pub fn document(&self) -> &'r str {
        &self.map.document
    }

    /// Makes a typed document of it: the struct of the kind that [`document`](Self::document) names.
    ///
    /// # Errors
    /// Where the type is not that of the map's document.
    pub fn to<T: serde::Deserialize<'r>>(&self) -> Result<T, super::Error> {
        T::deserialize(self.view(false))
    }

    /// Appends it as JSON: the same bytes as serializing it with `serde_json`, several times as fast.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        super::json::document(self.values, self.source, self.map, out);
    }

    fn view(&self, tagged: bool) -> View<'r> {
        let root = self.values.root.unwrap_or(Entry::integer(0));
        View::document(self.values, self.source, self.map, root, tagged)
    }
}

/// Serializes as the tagged document: `{"document":"order",…}`.
impl serde::Serialize for Reading<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.view(true).serialize(serializer)
    }
}

/// Reading one set.
struct Pass<'r, 'w> {
    walked: Walked<'r>,
    map: &'r Map,
    values: &'w mut Values,
    work: &'w mut Work,
    findings: &'w mut Vec<Finding>,
    /// Offset of the set's first byte in the input.
    base: u64,
    /// Whether texts may be taken from the source as they are.
    utf8: bool,
}

/// The segments of a loop instance.
struct Span {
    instance: u32,
    node: NodeId,
    segments: Range<u32>,
}

impl<'r> Pass<'r, '_> {
    fn document(&mut self) {
        let segments = 0..small(self.walked.segments.len());
        let span = Span { instance: 0, node: NodeId::ROOT, segments };
        let mark = self.values.mark();
        let block = self.block(self.map.root);
        let items = self.collect(&span);
        self.work.root_items = items.end;
        self.set_trailer(items.clone());
        if let Some(levels) = &self.map.levels {
            for item in &mut self.work.items[items.clone()] {
                if item.local == levels.local {
                    item.claim = ELSEWHERE;
                }
            }
            self.levels(levels);
        }
        self.claim(block, items.clone());
        self.finish(block, items);
        let root = self.values.object(mark);
        self.values.root = Some(root);
    }

    /// SE is the envelope's.
    fn set_trailer(&mut self, items: Range<usize>) {
        let last = self.walked.grammar.node(NodeId::ROOT).children.len().saturating_sub(1);
        for item in &mut self.work.items[items] {
            if usize::from(item.local) == last {
                item.claim = ELSEWHERE;
            }
        }
    }

    fn block(&self, id: BlockId) -> &'r Block {
        &self.map.blocks[usize::from(id)]
    }

    fn segment(&self, index: u32) -> Segment<'r> {
        self.walked.segments.get(index as usize).unwrap_or(Segment::EMPTY)
    }

    /// The object of a loop instance. Fields are left pending for the caller to close.
    fn loop_fields(&mut self, id: BlockId, span: &Span) {
        let block = self.block(id);
        let items = self.collect(span);
        self.claim(block, items.clone());
        self.finish(block, items);
    }

    /// What is left goes to `unmapped`; the scratch of this block is given back.
    fn finish(&mut self, block: &'r Block, items: Range<usize>) {
        self.rest(block, items.clone());
        for &(field, word) in &block.constants {
            self.values.push(field, Entry::word(word));
        }
        self.work.items.truncate(items.start);
    }

    /// One pass over a loop instance: its own segments, and the loops right inside it.
    fn collect(&mut self, span: &Span) -> Range<usize> {
        let tree = self.walked.tree;
        let start = self.work.items.len();
        let mut at = span.segments.start;
        let mut child = span.instance as usize + 1;
        let (mut before, mut nth) = (0, 0);
        while at < span.segments.end {
            let Some(placed) = tree.segments.get(at as usize) else { break };
            let mut item = Item {
                segment: at,
                end: at + 1,
                instance: NO_INSTANCE,
                nth: 0,
                local: UNPLACED,
                claim: UNCLAIMED,
                flags: 0,
            };
            let mut node = placed.node;
            if placed.instance != span.instance {
                while tree.instances.get(child).is_some_and(|i| i.first < at) {
                    child += 1;
                }
                node = NodeId::NONE;
                if let Some(inner) = tree.instances.get(child).filter(|i| i.first == at) {
                    item.end = inner.end.clamp(at + 1, span.segments.end);
                    item.instance = small(child);
                    node = inner.node;
                }
            }
            // What does not come in the order of the grammar has no place here.
            if let Some(&(parent, local)) = self.map.local.get(node.index())
                && parent == span.node
                && local >= before
            {
                nth = if local == before { nth + 1 } else { 1 };
                before = local;
                (item.local, item.nth) = (local, nth);
            }
            at = item.end;
            self.work.items.push(item);
        }
        start..self.work.items.len()
    }

    /// The groups of a block claim, at each place in their order. Groups of different places do not meet.
    fn claim(&mut self, block: &'r Block, items: Range<usize>) {
        let mut start = items.start;
        while start < items.end {
            let local = self.work.items[start].local;
            let mut end = start + 1;
            // What has no place may stand between.
            while end < items.end && [local, UNPLACED].contains(&self.work.items[end].local) {
                end += 1;
            }
            if let Some(place) = block.places.get(usize::from(local)) {
                for &index in &place.groups {
                    self.claim_group(&block.groups[usize::from(index)], index, start..end);
                }
            }
            start = end;
        }
    }

    fn claim_group(&mut self, group: &'r Group, index: u16, run: Range<usize>) {
        match &group.kind {
            GroupKind::Elements(set) => {
                let Some(at) = self.next(group, run) else { return };
                let mark = self.values.mark();
                let segment = self.segment(self.work.items[at].segment);
                let flags = self.elements(set, segment, self.work.items[at].segment);
                // What gives no value would not be written back: it is left to `unmapped`, but for the segment
                // that the block stands for.
                if self.values.mark() == mark && flags & COUNTED == 0 && index != 0 {
                    return;
                }
                self.take(at, index, flags);
            }
            GroupKind::Texts { field, set } => {
                let mark = self.values.mark();
                for at in run {
                    if !self.free(group, at) {
                        continue;
                    }
                    let before = self.values.mark();
                    let segment = self.segment(self.work.items[at].segment);
                    let flags = self.elements(set, segment, self.work.items[at].segment);
                    if self.values.mark() > before {
                        self.take(at, index, flags);
                    }
                }
                self.close_list(*field, mark);
            }
            GroupKind::Object { field, list: false, block, always } => {
                let Some(at) = self.next(group, run) else { return };
                let (object, flags) = self.inner(*block, at);
                if !always || object.b > 0 {
                    self.values.push(*field, object);
                }
                self.take(at, index, flags);
            }
            GroupKind::Object { field, list: true, block, .. } => {
                let mark = self.values.mark();
                for at in run {
                    if self.free(group, at) {
                        let (object, flags) = self.inner(*block, at);
                        self.values.push(0, object);
                        self.take(at, index, flags);
                    }
                }
                self.close_list(*field, mark);
            }
        }
    }

    fn close_list(&mut self, field: u16, mark: usize) {
        if self.values.mark() > mark {
            let list = self.values.list(mark);
            self.values.push(field, list);
        }
    }

    fn take(&mut self, at: usize, group: u16, flags: u8) {
        let item = &mut self.work.items[at];
        item.claim = group;
        item.flags = flags;
    }

    /// The first of a run that is free.
    fn next(&self, group: &Group, mut run: Range<usize>) -> Option<usize> {
        run.find(|&at| self.free(group, at))
    }

    fn free(&self, group: &Group, at: usize) -> bool {
        let item = &self.work.items[at];
        item.claim == UNCLAIMED
            && item.local == group.local
            && group.selector.as_ref().is_none_or(|s| self.selects(s, self.segment(item.segment)))
    }

    fn selects(&self, selector: &Selector, segment: Segment<'_>) -> bool {
        let element = segment.element(usize::from(selector.position));
        if selector.component == 0 {
            return element == selector.code.as_ref();
        }
        let component = self.walked.segments.delimiters().component;
        let mut parts = element.split(|&b| b == component);
        parts.nth(usize::from(selector.component) - 1) == Some(selector.code.as_ref())
    }

    /// The object of a segment or inner loop.
    fn inner(&mut self, id: BlockId, at: usize) -> (Entry, u8) {
        let item = self.work.items[at];
        let mark = self.values.mark();
        let mut flags = 0;
        if item.instance == NO_INSTANCE {
            let block = self.block(id);
            if let Some(set) = block.own() {
                flags = self.elements(set, self.segment(item.segment), item.segment);
            }
            for &(field, word) in &block.constants {
                self.values.push(field, Entry::word(word));
            }
        } else {
            let node = self.walked.tree.instances[item.instance as usize].node;
            let span = Span { instance: item.instance, node, segments: item.segment..item.end };
            self.loop_fields(id, &span);
        }
        (self.values.object(mark), flags)
    }
}
