//! Writing: a canonical document becomes the segments of a set, ST to SE.
//!
//! The places of a block are written in the order of the grammar; at each, the groups of the map that take from
//! it write what their fields hold, and what `unmapped` keeps for the place stands where it stood.

mod element;
mod entries;
mod group;
mod levels;
mod rest;
mod segment;

use self::levels::Planned;
use super::Error;
use super::laid::{At, Laid};
use super::plan::{Block, BlockId, GroupKind, Map};
use super::shape::FieldId;
use super::steps::{Asked, Marked, STEPS_MAX, Step};
use crate::canonical::Document;
use crate::findings::{Code, Finding, Place};
use crate::grammar::{Grammar, NodeId};
use crate::x12::Style;

/// How a set is written.
#[derive(Debug, Clone)]
pub struct WriteOptions<'a> {
    /// ST02 and SE02.
    pub control_number: &'a str,
    /// Delimiters, line breaks, character set.
    pub style: &'a Style,
    /// The hierarchy of a set with nested levels, by the names of levels (`shipment`, `order` …); `None` for that
    /// which the document asks for, or else the map's usual one.
    pub hierarchy: Option<&'a [String]>,
}

/// Writes sets, one after the other, and reuses its memory.
#[derive(Debug, Default)]
pub struct Writer {
    laid: Laid,
    work: Work,
}

/// Memory of a pass.
#[derive(Debug, Default)]
struct Work {
    /// For each step of the blocks that are being written: the value that it writes.
    values: Vec<At>,
    /// The elements of a segment that is put together: ranges of the output behind `aside`.
    cells: Vec<(u32, u32)>,
    /// The set so far, while a segment is put together.
    aside: Vec<u8>,
}

/// Findings beyond this many of one set are not kept: the first ones tell the cause.
const FINDINGS_MAX: usize = 1000;

impl Writer {
    /// A writer without any memory yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the set, ST to SE, to `out`. What cannot be written is a finding: `not-writable`,
    /// `delimiter-in-data`, `not-encodable`.
    ///
    /// # Errors
    /// Where the map leads to another kind of document.
    pub fn write(
        &mut self,
        document: &Document,
        map: &Map,
        grammar: &Grammar,
        options: &WriteOptions<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Vec<Finding>, Error> {
        if document.kind() != map.document {
            let (kind, wanted) = (document.kind(), &map.document);
            return Err(Error::Type(format!("this is no `{wanted}`, but of the kind `{kind}`")));
        }
        let laid = &mut self.laid;
        laid.lay(document);
        let planned = map.levels.as_ref().map(|levels| levels::plan(levels, map, laid, options));
        let mut planned = planned.unwrap_or_default();
        let mut pass = Pass {
            values: laid,
            map,
            grammar,
            options,
            out,
            work: &mut self.work,
            special: Special::of(options.style),
            plain: is_plain(laid.texts(), options.style),
            base: 0,
            segments: 0,
            kept_tag: Some(String::new()),
            node: NodeId::ROOT,
            position: 0,
            rows: planned.rows,
            levels: super::laid::small(planned.levels.len()),
            findings: std::mem::take(&mut planned.findings),
        };
        if pass.values.entry(At::ROOT).is_some() {
            pass.document(&planned);
        }
        Ok(pass.findings)
    }
}

/// Bytes that need a second look in data, as a bit each: delimiters and whatever is not ASCII.
struct Special([u64; 4]);

impl Special {
    fn of(style: &Style) -> Self {
        let mut special = Self([0, 0, u64::MAX, u64::MAX]);
        let d = style.delimiters;
        for byte in [d.element, d.component, d.segment, d.repetition.unwrap_or(d.segment)] {
            special.0[usize::from(byte / 64)] |= 1 << (byte % 64);
        }
        special
    }

    #[inline]
    fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte / 64)] >> (byte % 64) & 1 != 0
    }
}

/// Whether none of the texts needs a second look.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "without a branch it is done for many bytes at once"
)]
fn is_plain(texts: &[u8], style: &Style) -> bool {
    let d = style.delimiters;
    let repetition = d.repetition.unwrap_or(d.segment);
    let special = |b: u8| {
        !b.is_ascii() | (b == d.element) | (b == d.component) | (b == d.segment) | (b == repetition)
    };
    // In pieces, without a way out of each: the processor looks at many bytes at once.
    texts.chunks(256).all(|piece| !piece.iter().fold(false, |found, &b| found | special(b)))
}

/// Writing one set.
struct Pass<'w> {
    values: &'w Laid,
    map: &'w Map,
    grammar: &'w Grammar,
    options: &'w WriteOptions<'w>,
    out: &'w mut Vec<u8>,
    work: &'w mut Work,
    special: Special,
    /// Whether all texts are written as they are.
    plain: bool,
    /// Where the values of the block's steps begin.
    base: usize,
    /// Segments written.
    segments: u32,
    /// What is being written, for findings: the name of a segment that was kept (empty before the first one), or else
    /// the node.
    kept_tag: Option<String>,
    node: NodeId,
    position: u16,
    rows: u32,
    levels: u32,
    findings: Vec<Finding>,
}

/// Elements that the caller gives.
type Given<'g> = &'g [(u16, &'g [u8])];

/// A loop instance or a segment that is to be written.
struct What<'w, 'g> {
    block: &'w Block,
    object: At,
    /// Elements of its own segment.
    given: Given<'g>,
    /// Of a set with nested levels.
    levels: Option<&'g Planned>,
}

impl<'w> Pass<'w> {
    fn document(&mut self, levels: &Planned) {
        let set = self.grammar.set.as_bytes();
        let number = self.options.control_number.as_bytes();
        let id = self.map.root;
        self.block(id, At::ROOT, &[(1, set), (2, number)], Some(levels));
        let count = (self.segments + 1).to_string();
        if let Some(&trailer) = self.grammar.node(NodeId::ROOT).children.last() {
            self.raw(trailer, &[(1, count.as_bytes()), (2, number)]);
        }
    }

    fn plan(&self, id: BlockId) -> &'w Block {
        &self.map.blocks[usize::from(id)]
    }

    /// A loop instance or a segment: its own segment with the elements given, then whatever its fields ask for.
    fn block(&mut self, id: BlockId, object: At, given: Given<'_>, levels: Option<&Planned>) {
        let (block, values) = (self.plan(id), self.values);
        let steps = &block.steps;
        let end = self.base + steps.all.len();
        if self.work.values.len() < end {
            self.work.values.resize(end, At::NOTHING);
        }
        let mut marked = Marked::none();
        for &step in &steps.always {
            marked.add(step);
        }
        for &step in &steps.objects {
            self.work.values[self.base + usize::from(step)] = At::NOTHING;
            marked.add(step);
        }
        let mut rest = None;
        for (field, at) in values.fields(object) {
            match steps.asked(field) {
                Asked::Step(step, marks) => {
                    self.work.values[self.base + usize::from(step)] = at;
                    marked.add_all(marks);
                }
                Asked::Silent => {}
                Asked::NoPlace if block.rest == Some(field) => rest = Some(at),
                Asked::NoPlace => self.placeless(block, field, id),
            }
        }
        let what = What { block, object, given, levels };
        if !block.places.is_empty() && (rest.is_some() || steps.all.len() > STEPS_MAX) {
            self.with_rest(&what, &mut marked, rest.unwrap_or(At::NOTHING));
        } else {
            self.steps(&what, &mut marked, steps.all.len());
        }
    }

    /// Takes the steps below `limit` that are marked.
    fn steps(&mut self, what: &What<'w, '_>, marked: &mut Marked, limit: usize) {
        let block = what.block;
        let (base, end) = (self.base, self.base + block.steps.all.len());
        let mut from = 0;
        // Of the segment that is being written: its elements up to the last one that has something.
        let mut open: Option<u16> = None;
        while let Some(i) = marked.take(&mut from, limit) {
            let Some(step) = block.steps.all.get(i) else { break };
            if let Step::Element { position, slot } = step {
                let at = self.work.values[base + i];
                self.element(&mut open, *position, slot, (what.object, at), what.given);
                continue;
            }
            self.close(&mut open);
            match step {
                Step::Element { .. } => {}
                Step::Segment { node, tag, always } => {
                    for &step in always {
                        marked.add(step);
                    }
                    self.open(&mut open, *node, tag);
                }
                Step::Object { node, list, block } => {
                    let at = self.work.values[base + i];
                    self.base = end;
                    if *list {
                        let values = self.values;
                        for item in values.within(at) {
                            self.object(*block, *node, item, None, None);
                        }
                    } else {
                        self.object(*block, *node, at, None, None);
                    }
                    self.base = base;
                }
                Step::Texts { node, group } => {
                    let at = self.work.values[base + i];
                    if let GroupKind::Texts { field, set } = &block.groups[usize::from(*group)].kind
                    {
                        let values = self.values;
                        for text in values.within(at) {
                            self.text_segment(*node, set, *field, text, None, None);
                        }
                    }
                }
                Step::Levels => {
                    if let (Some(nested), Some(levels)) = (&self.map.levels, what.levels) {
                        self.base = end;
                        self.write_levels(nested, levels);
                        self.base = base;
                    }
                }
            }
        }
        self.close(&mut open);
    }

    /// An object as a segment or loop.
    fn object(
        &mut self,
        id: BlockId,
        node: NodeId,
        object: At,
        extra: Option<At>,
        hint: Option<At>,
    ) {
        let block = self.plan(id);
        match block.own() {
            Some(set) if block.places.is_empty() && (extra.is_some() || hint.is_some()) => {
                let values = self.values;
                for (field, _) in values.fields(object) {
                    if matches!(block.steps.asked(field), Asked::NoPlace) {
                        self.placeless(block, field, id);
                    }
                }
                self.segment(node, set, object, &[], extra, hint);
            }
            _ => self.block(id, object, &[], None),
        }
    }

    /// A field of the document for which the map has no place.
    fn placeless(&mut self, block: &Block, field: FieldId, id: BlockId) {
        let elsewhere = block.rest == Some(field) || self.of_levels(block, id, field);
        if elsewhere {
            return;
        }
        let shape = self.map.shapes.get(block.shape);
        let name = shape.fields.get(usize::from(field)).map_or("", |f| f.name.as_str());
        let message = format!(
            "Field `{name}` of {} has no place in the {} of {}.",
            shape.name, self.grammar.set, self.grammar.release
        );
        self.report(
            Code::NotWritable,
            message,
            "Leave the field out, or have the map say where it goes.",
            None,
            Some(name),
        );
    }

    fn report(
        &mut self,
        code: Code,
        message: String,
        mend: &str,
        value: Option<&str>,
        field: Option<&str>,
    ) {
        if self.findings.len() >= FINDINGS_MAX {
            return;
        }
        let place = Place {
            segment: match &self.kept_tag {
                Some(tag) => tag.clone(),
                None => self.grammar.segment_at(self.node).tag.to_string(),
            },
            segment_position: self.segments + 1,
            element: self.position,
            loop_path: self.grammar.node(self.grammar.node(self.node).parent).path.clone(),
            ..Place::default()
        };
        let mut finding = Finding::new(code, place, message, mend.to_owned());
        finding.value = value.map(|v| v.chars().take(80).collect());
        finding.field =
            field.or_else(|| self.map.field_of(self.node, self.position)).map(str::to_owned);
        self.findings.push(finding);
    }
}
