//! Reading: a walked set becomes a canonical document.
//!
//! A loop instance is read straight through as far as only one group may take what stands at a place. For the rest of
//! it one pass over its segments and inner loops fills a small table; then the groups of the block claim from that in
//! the order of the map, and what nobody claims goes to `unmapped`.

mod elements;
mod levels;
mod place;
mod rest;
mod straight;

use std::ops::Range;

use self::elements::Source;
use super::json::Json;
use super::laid::small;
use super::plan::{Block, BlockId, Group, GroupKind, Map, Selector};
use super::shape::{Field, FieldId};
use crate::findings::Finding;
use crate::grammar::{NodeId, Walked};
use crate::x12::{Delimiters, Segment};

/// Reads sets, one after the other, and reuses its memory.
#[derive(Debug, Default)]
pub struct Reader {
    json: Json,
    text: String,
    work: Work,
    findings: Vec<Finding>,
}

/// A document that was read: take it as JSON, serialize it, or make a typed document of it.
///
/// Its JSON is written from the set's own bytes, without a typed document in between; it is the same as that of the
/// typed document, field by field and byte by byte.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'r> {
    /// An object without the field that names its kind.
    json: &'r [u8],
    map: &'r Map,
    findings: &'r [Finding],
}

/// Findings beyond this many of one set are not kept: the first ones tell the cause.
const FINDINGS_MAX: usize = 1000;

#[derive(Debug, Default)]
struct Work {
    items: Vec<Item>,
    /// What straight reading has to tell of segments: their claim and flags.
    noted: Vec<(u32, u16, u8)>,
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
    node: NodeId,
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

impl Item {
    /// Where it begins, and what it is.
    fn found(&self) -> (u32, Found) {
        let Self { node, instance, end, .. } = *self;
        (self.segment, Found { node, instance, end })
    }
}

/// What stands in a loop instance at a segment.
#[derive(Debug, Clone, Copy)]
struct Found {
    node: NodeId,
    /// The loop instance; `NO_INSTANCE` for a segment.
    instance: u32,
    /// One past its last segment.
    end: u32,
}

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
        self.work.items.clear();
        self.work.noted.clear();
        self.work.rows = 0;
        self.findings.clear();
        let mut pass = Pass {
            walked: *walked,
            map,
            json: &mut self.json,
            text: &mut self.text,
            work: &mut self.work,
            findings: &mut self.findings,
            delimiters: walked.segments.delimiters(),
            base: walked.segments.offset(),
            escapes: memchr::memchr2(b'"', b'\\', walked.segments.raw()).is_some(),
        };
        pass.document();
        Reading { json: self.json.written(), map, findings: &self.findings }
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
        serde_json::from_slice(self.json).map_err(|error| super::Error::Type(cause(&error)))
    }

    /// Appends it as JSON: the same bytes as serializing it with `serde_json`, many times as fast.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.map.tag.as_bytes());
        let rest = self.json.get(1..).unwrap_or_default();
        if rest.first() != Some(&b'}') {
            out.push(b',');
        }
        out.extend_from_slice(rest);
    }
}

/// What is wrong, without the place in a JSON that nobody has seen.
fn cause(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).map_or(text.clone(), str::to_owned)
}

/// Serializes as the tagged document: `{"document":"order",…}`. Where JSON is wanted, [`Reading::write_json`] is the
/// short way: this one goes through a tree of values, and takes several times as long.
impl serde::Serialize for Reading<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut json = Vec::with_capacity(self.json.len() + self.map.tag.len() + 1);
        self.write_json(&mut json);
        let tree: serde_json::Value =
            serde_json::from_slice(&json).map_err(serde::ser::Error::custom)?;
        tree.serialize(serializer)
    }
}

/// Whether an element is a code. Codes are short: a loop is faster than a call.
#[inline]
fn is_code(code: &[u8], element: &[u8]) -> bool {
    element.len() == code.len() && element.iter().zip(code).all(|(a, b)| a == b)
}

/// Reading one set.
struct Pass<'r, 'w> {
    walked: Walked<'r>,
    map: &'r Map,
    json: &'w mut Json,
    /// A value in the making.
    text: &'w mut String,
    work: &'w mut Work,
    findings: &'w mut Vec<Finding>,
    delimiters: Delimiters,
    /// Offset of the set's first byte in the input.
    base: u64,
    /// Whether there is a byte in the set that JSON does not have in a text as it is.
    escapes: bool,
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
        let start = self.json.begin();
        let block = self.block(self.map.root);
        let items = self.collect(&span);
        self.work.root_items = items.end;
        self.set_trailer(items.clone());
        self.constants(block);
        match &self.map.levels {
            Some(levels) => self.with_levels(levels, block, items.clone()),
            None => self.claim(block, items.clone()),
        }
        self.finish(block, items);
        self.json.object(start);
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

    fn fields(&self, block: &Block) -> &'r [Field] {
        self.map.fields_at(block.shape)
    }

    fn constants(&mut self, block: &Block) {
        for &(field, word) in &block.constants {
            if let Some(word) = self.map.stamps.get(word as usize) {
                self.json.word(self.fields(block), field, word);
            }
        }
    }

    /// What is left goes to `unmapped`; the scratch of this block is given back.
    fn finish(&mut self, block: &'r Block, items: Range<usize>) {
        self.rest(block, items.clone());
        self.work.items.truncate(items.start);
    }

    /// One pass over a loop instance: its own segments, and the loops right inside it.
    fn collect(&mut self, span: &Span) -> Range<usize> {
        let start = self.work.items.len();
        let mut at = span.segments.start;
        let mut child = span.instance as usize + 1;
        let (mut before, mut count) = (0, 0);
        while at < span.segments.end {
            let Some(Found { node, instance, end }) = self.found(span, at, &mut child) else {
                break;
            };
            let (mut local, mut nth) = (UNPLACED, 0);
            if let Some(place) = self.place_of(span, node, before) {
                count = if place == before { count + 1 } else { 1 };
                (before, local, nth) = (place, place, count);
            }
            let claim = UNCLAIMED;
            self.work.items.push(Item {
                segment: at,
                end,
                instance,
                node,
                nth,
                local,
                claim,
                flags: 0,
            });
            at = end;
        }
        start..self.work.items.len()
    }

    /// What stands at a segment of a loop instance: the segment itself, or a loop that begins with it. `child` is where
    /// loops within are looked for, and moves on.
    #[inline]
    fn found(&self, span: &Span, at: u32, child: &mut usize) -> Option<Found> {
        let tree = self.walked.tree;
        let placed = tree.segments.get(at as usize)?;
        if placed.instance == span.instance {
            return Some(Found { node: placed.node, instance: NO_INSTANCE, end: at + 1 });
        }
        while tree.instances.get(*child).is_some_and(|i| i.first < at) {
            *child += 1;
        }
        let inner = tree.instances.get(*child).filter(|i| i.first == at);
        Some(inner.map_or(
            Found { node: NodeId::NONE, instance: NO_INSTANCE, end: at + 1 },
            |inner| Found {
                node: inner.node,
                instance: small(*child),
                end: inner.end.clamp(at + 1, span.segments.end),
            },
        ))
    }

    /// The place of a node among the children of a loop. What does not come in the order of the grammar has none.
    #[inline]
    fn place_of(&self, span: &Span, node: NodeId, before: u16) -> Option<u16> {
        let &(parent, place) = self.map.local.get(node.index())?;
        (parent == span.node && place >= before).then_some(place)
    }

    /// The groups of a block claim, at each place in their order. Groups of different places do not meet.
    fn claim(&mut self, block: &'r Block, items: Range<usize>) {
        let mut start = items.start;
        while start < items.end {
            let local = self.work.items[start].local;
            let mut end = start + 1;
            // What has no place may stand between.
            let belongs = |of: u16| of == local || of == UNPLACED;
            while end < items.end && belongs(self.work.items[end].local) {
                end += 1;
            }
            self.claim_place(block, local, start..end);
            start = end;
        }
    }

    #[inline]
    fn claim_place(&mut self, block: &'r Block, local: u16, run: Range<usize>) {
        let Some(place) = block.places.get(usize::from(local)) else { return };
        for &index in &place.groups {
            self.claim_group(block, index, run.clone());
        }
    }

    #[inline]
    fn claim_group(&mut self, block: &'r Block, index: u16, run: Range<usize>) {
        let group = &block.groups[usize::from(index)];
        let fields = self.fields(block);
        match &group.kind {
            GroupKind::Elements(set) => {
                let Some(at) = self.next(group, run) else { return };
                let before = self.json.here();
                let flags = self.elements(set, &self.source_of(at, fields));
                // What gives no value would not be written back: it is left to `unmapped`, but for the segment
                // that the block stands for.
                if self.json.is_at(before) && flags & COUNTED == 0 && index != 0 {
                    return;
                }
                self.take(at, index, flags);
            }
            GroupKind::Texts { field, set } => {
                let list = self.json.list(fields, *field);
                for at in run {
                    if !self.free(group, at) {
                        continue;
                    }
                    let before = self.json.here();
                    let flags = self.elements(set, &self.source_of(at, &[]));
                    if !self.json.is_at(before) {
                        self.take(at, index, flags);
                    }
                }
                self.json.close(list);
            }
            GroupKind::Object { field, list: false, block, always } => {
                let Some(at) = self.next(group, run) else { return };
                let flags =
                    self.object((fields, *field), *block, *always, self.work.items[at].found());
                self.take(at, index, flags);
            }
            GroupKind::Object { field, list: true, block, .. } => {
                let list = self.json.list(fields, *field);
                for at in run {
                    if self.free(group, at) {
                        let object = self.json.item();
                        let flags = self.inner(*block, self.work.items[at].found());
                        self.json.object(object);
                        self.take(at, index, flags);
                    }
                }
                self.json.close(list);
            }
        }
    }

    /// The segment of an item, to be read into fields.
    fn source_of(&self, at: usize, fields: &'r [Field]) -> Source<'r> {
        self.source(self.work.items[at].segment, fields)
    }

    fn source(&self, index: u32, fields: &'r [Field]) -> Source<'r> {
        Source { segment: self.segment(index), index, fields }
    }

    fn take(&mut self, at: usize, group: u16, flags: u8) {
        let item = &mut self.work.items[at];
        item.claim = group;
        item.flags = flags;
    }

    /// The first of a run that is free.
    #[inline]
    fn next(&self, group: &Group, mut run: Range<usize>) -> Option<usize> {
        run.find(|&at| self.free(group, at))
    }

    #[inline]
    fn free(&self, group: &Group, at: usize) -> bool {
        let item = &self.work.items[at];
        item.claim == UNCLAIMED
            && item.local == group.local
            && group.selector.as_ref().is_none_or(|s| self.selects(s, item.segment))
    }

    fn selects(&self, selector: &Selector, segment: u32) -> bool {
        let Some(segment) = self.walked.segments.get(segment as usize) else { return false };
        let element = segment.element(usize::from(selector.position));
        if selector.component == 0 {
            return is_code(&selector.code, element);
        }
        let mut parts = element.split(|&b| b == self.delimiters.component);
        parts.nth(usize::from(selector.component) - 1) == Some(selector.code.as_ref())
    }

    /// A segment or inner loop to a field; `always` tells that one without anything in it was never there.
    fn object(
        &mut self,
        (fields, field): (&[Field], FieldId),
        id: BlockId,
        always: bool,
        at: (u32, Found),
    ) -> u8 {
        let before = self.json.here();
        let object = self.json.name(fields, field);
        let flags = self.inner(id, at);
        if always && self.json.is_at(object) {
            self.json.back(before);
        } else {
            self.json.object(object);
        }
        flags
    }

    /// The fields of a segment or inner loop, which begins at a segment.
    fn inner(&mut self, id: BlockId, (first, found): (u32, Found)) -> u8 {
        let block = self.block(id);
        self.constants(block);
        let Found { node, instance, end } = found;
        if instance == NO_INSTANCE {
            let source = self.source(first, self.fields(block));
            return block.own().map_or(0, |set| self.elements(set, &source));
        }
        self.loop_fields(id, &Span { instance, node, segments: first..end });
        0
    }
}
