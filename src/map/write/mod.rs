//! Writing: a canonical document becomes the segments of a set, ST to SE.
//!
//! The places of a block are written in the order of the grammar; at each, the groups of the map that take from
//! it write what their fields hold, and what `unmapped` keeps for the place stands where it stood.

mod element;
mod group;
mod levels;
mod rest;
mod segment;

use serde::Serialize;

use super::Error;
use super::lay::lay;
use super::plan::{Block, BlockId, Group, GroupKind, Map, NO_PLACE, Slot};
use super::shape::FieldId;
use super::values::{Entry, Tag, Values};
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
    values: Values,
    cells: Vec<(u32, u32)>,
    scratch: Vec<u8>,
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
    /// The document is of the kind that the map leads to: typed, tagged or not, or anything that serializes alike.
    ///
    /// # Errors
    /// Where the document is of another kind, or has fields or types that this kind has not.
    pub fn write<T: Serialize + ?Sized>(
        &mut self,
        document: &T,
        map: &Map,
        grammar: &Grammar,
        options: &WriteOptions<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Vec<Finding>, Error> {
        lay(document, &map.shapes, &mut self.values)?;
        let planned =
            map.levels.as_ref().map(|levels| levels::plan(levels, map, &mut self.values, options));
        let mut planned = planned.unwrap_or_default();
        let mut pass = Pass {
            values: &self.values,
            map,
            grammar,
            options,
            out,
            cells: &mut self.cells,
            scratch: &mut self.scratch,
            special: special(options.style),
            segments: 0,
            tag: Vec::new(),
            node: NodeId::ROOT,
            position: 0,
            rows: planned.rows,
            levels: super::values::small(planned.levels.len()),
            findings: std::mem::take(&mut planned.findings),
        };
        if let Some(root) = self.values.root {
            pass.document(root, &planned);
        }
        Ok(pass.findings)
    }
}

/// Bytes that need a second look in data: delimiters and whatever is not ASCII.
fn special(style: &Style) -> [bool; 256] {
    let mut special = [false; 256];
    for byte in 0..=u8::MAX {
        special[usize::from(byte)] = style.delimiters.contains(byte) || !byte.is_ascii();
    }
    special
}

/// Writing one set.
struct Pass<'w> {
    values: &'w Values,
    map: &'w Map,
    grammar: &'w Grammar,
    options: &'w WriteOptions<'w>,
    out: &'w mut Vec<u8>,
    /// The elements of the segment that is being made: ranges of `scratch`.
    cells: &'w mut Vec<(u32, u32)>,
    scratch: &'w mut Vec<u8>,
    special: [bool; 256],
    /// Segments written.
    segments: u32,
    /// What is being written, for findings.
    tag: Vec<u8>,
    node: NodeId,
    position: u16,
    rows: u32,
    levels: u32,
    findings: Vec<Finding>,
}

/// Elements that the caller gives.
type Given<'g> = &'g [(u16, &'g str)];

impl<'w> Pass<'w> {
    fn document(&mut self, root: Entry, levels: &levels::Planned) {
        let set = &self.grammar.set;
        let number = self.options.control_number;
        let id = self.map.root;
        self.block(id, root, &[(1, set), (2, number)], Some(levels));
        let count = (self.segments + 1).to_string();
        if let Some(&trailer) = self.grammar.node(NodeId::ROOT).children.last() {
            self.raw(trailer, &[(1, &count), (2, number)]);
        }
    }

    fn plan(&self, id: BlockId) -> &'w Block {
        &self.map.blocks[usize::from(id)]
    }

    /// A loop instance: its own segment with the elements given, then all its places.
    fn block(
        &mut self,
        id: BlockId,
        object: Entry,
        given: Given<'_>,
        levels: Option<&levels::Planned>,
    ) {
        let block = self.plan(id);
        let rest = block.rest.and_then(|field| self.values.get(object, field));
        let mut touched = Touched::default();
        for entry in self.values.within(object) {
            match block.place_of.get(usize::from(entry.field)) {
                Some(&place) if place != NO_PLACE => touched.add(place),
                _ => self.placeless(block, entry.field, id),
            }
        }
        for &local in &block.always {
            touched.add(local);
        }
        touched.add(0);
        let nested = self.map.levels.as_ref().filter(|_| id == self.map.root);
        if let Some(nested) = nested {
            touched.add(nested.local);
        }
        if rest.is_some() {
            touched = Touched::all();
        }
        let last = if id == self.map.root {
            block.places.len().saturating_sub(1)
        } else {
            block.places.len()
        };
        for local in touched.iter(last) {
            if let Some(nested) = nested.filter(|n| usize::from(n.local) == local) {
                if let Some(levels) = levels {
                    self.write_levels(nested, levels);
                }
                continue;
            }
            let given = if local == 0 { given } else { &[] };
            match rest {
                Some(rest) => self.place_with_rest(block, local, object, given, rest),
                None => self.place(block, local, object, given),
            }
        }
    }

    /// A place of which `unmapped` knows nothing.
    fn place(&mut self, block: &'w Block, local: usize, object: Entry, given: Given<'_>) {
        let place = &block.places[local];
        for &index in &place.groups {
            let group = &block.groups[usize::from(index)];
            match &group.kind {
                GroupKind::Elements(set) => {
                    if index == 0 || self.present(&set.slots, object) {
                        self.segment(place.node, set, object, given, None, None);
                    }
                }
                GroupKind::Object { field, list, always, .. } => {
                    let value = self.values.get(object, *field);
                    if *list {
                        for &item in value.map_or(&[][..], |v| self.values.within(v)) {
                            self.object(group, place.node, item, None, None);
                        }
                    } else if let Some(value) = value.or_else(|| always.then_some(NOTHING)) {
                        self.object(group, place.node, value, None, None);
                    }
                }
                GroupKind::Texts { field, set } => {
                    let Some(list) = self.values.get(object, *field) else { continue };
                    for &text in self.values.within(list) {
                        self.text_segment(place.node, set, *field, text, None, None);
                    }
                }
            }
        }
    }

    /// An object as a segment or loop.
    fn object(
        &mut self,
        group: &Group,
        node: NodeId,
        object: Entry,
        extra: Option<Entry>,
        hint: Option<Entry>,
    ) {
        let GroupKind::Object { block, .. } = group.kind else { return };
        let inner = self.plan(block);
        if !inner.places.is_empty() {
            self.block(block, object, &[], None);
            return;
        }
        for entry in self.values.within(object) {
            if inner.place_of.get(usize::from(entry.field)).is_none_or(|&p| p == NO_PLACE) {
                self.placeless(inner, entry.field, block);
            }
        }
        if let Some(set) = inner.own() {
            self.segment(node, set, object, &[], extra, hint);
        }
    }

    /// Whether any field that these slots hold is there.
    fn present(&self, slots: &[Slot], object: Entry) -> bool {
        slots.iter().any(|slot| match slot {
            Slot::Value(scalar) => self.values.get(object, scalar.field).is_some(),
            Slot::Range(range) => self.values.get(object, range.field).is_some(),
            Slot::Composite(parts) => self.present(parts, object),
            Slot::Unread | Slot::Fixed(..) | Slot::Elsewhere | Slot::InRange | Slot::Count(_) => {
                false
            }
        })
    }

    /// A field of the document for which the map has no place.
    fn placeless(&mut self, block: &Block, field: FieldId, id: BlockId) {
        let elsewhere = block.rest == Some(field)
            || block.constants.iter().any(|(f, _)| *f == field)
            || self.of_levels(block, id, field);
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
            segment: String::from_utf8_lossy(&self.tag).into_owned(),
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

/// An object without fields.
const NOTHING: Entry = Entry { field: 0, tag: Tag::Object, a: 0, b: 0 };

/// Places that an object touches.
#[derive(Debug, Default, Clone, Copy)]
struct Touched {
    bits: [u64; 4],
}

impl Touched {
    fn all() -> Self {
        Self { bits: [u64::MAX; 4] }
    }

    fn add(&mut self, place: u16) {
        let (word, bit) = (usize::from(place / 64), place % 64);
        match self.bits.get_mut(word) {
            Some(word) => *word |= 1 << bit,
            // More places than bits: look at all of them.
            None => *self = Self::all(),
        }
    }

    /// The places below `end`, in order; those past the bits are always among them.
    fn iter(self, end: usize) -> impl Iterator<Item = usize> {
        let mut word = 0;
        let mut bits = self.bits[0];
        let low = std::iter::from_fn(move || {
            while bits == 0 {
                word += 1;
                bits = *self.bits.get(word)?;
            }
            let bit = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            Some(word * 64 + bit)
        });
        low.take_while(move |&p| p < end).chain(256..end)
    }
}
