//! Blocks: the lines that describe one object, held against the loop or segment that it is made from.

use super::super::plan::{
    Block, BlockId, ElementSet, Group, GroupKind, NO_PLACE, PlacePlan, Selector, Slot,
};
use super::super::shape::{FieldId, ShapeId};
use super::super::syntax::{How, Line, LineKind, Path, Spot, Word};
use super::Compiler;
use crate::grammar::{NodeId, NodeKind, suggest};

/// Objects within objects; the deepest map needs five.
const DEPTH_MAX: usize = 16;

/// What a block describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    /// A loop; its first child is the block's own segment.
    Loop(NodeId),
    /// A segment.
    Segment(NodeId),
}

/// Where a block is used.
#[derive(Debug, Clone)]
pub(super) struct Use {
    pub shape: ShapeId,
    pub on: On,
    /// What the selector has fixed.
    pub fixed: Option<Selector>,
    /// Canonical path up to here, with a point at the end.
    pub prefix: String,
    /// Whether a selector stands on the way here.
    pub selected: bool,
    pub depth: usize,
    /// Elements of the own segment that are read and written elsewhere.
    pub elsewhere: Vec<u16>,
}

/// A block in the making.
pub(super) struct Draft {
    pub at: Use,
    pub block: Block,
}

impl Draft {
    /// Node of the own segment.
    pub(super) fn own(&self, grammar: &crate::grammar::Grammar) -> NodeId {
        match self.at.on {
            On::Segment(node) => node,
            On::Loop(node) => grammar.node(node).children.first().copied().unwrap_or(node),
        }
    }
}

impl Compiler<'_> {
    pub(super) fn root(&mut self) -> BlockId {
        let at = Use {
            shape: 0,
            on: On::Loop(NodeId::ROOT),
            fixed: None,
            prefix: String::new(),
            selected: false,
            depth: 0,
            // ST01 and ST02 are the envelope's.
            elsewhere: vec![1, 2],
        };
        let source = self.source;
        self.block(&source.lines, at).unwrap_or(0)
    }

    /// Makes a block of lines.
    pub(super) fn block(&mut self, lines: &[Line], at: Use) -> Option<BlockId> {
        let mut draft = self.draft(at);
        for line in lines {
            self.line(line, &mut draft);
        }
        self.finish(draft)
    }

    fn draft(&mut self, at: Use) -> Draft {
        let mut draft = Draft { at, block: Block::default() };
        draft.block.shape = draft.at.shape;
        let fields = self.shapes.get(draft.at.shape).fields.len();
        draft.block.place_of = vec![NO_PLACE; fields];
        let own = draft.own(self.grammar);
        let mut set = self.elements_of(own);
        for &position in &draft.at.elsewhere {
            if let Some(slot) = set.slots.get_mut(usize::from(position) - 1) {
                *slot = Slot::Elsewhere;
            }
        }
        if let Some(selector) = &draft.at.fixed {
            Self::fix(&mut set, selector);
        }
        let kind = GroupKind::Elements(set);
        draft.block.groups.push(Group { local: 0, selector: None, label: 0, kind });
        if let On::Loop(node) = draft.at.on {
            let children = &self.grammar.node(node).children;
            draft.block.places = children
                .iter()
                .map(|&child| {
                    let c = self.grammar.node(child);
                    PlacePlan { node: child, key: c.key.clone(), groups: Vec::new(), alone: false }
                })
                .collect();
            draft.block.rest = self.shapes.get(draft.at.shape).find("unmapped");
        }
        draft
    }

    fn finish(&mut self, mut draft: Draft) -> Option<BlockId> {
        let block = &mut draft.block;
        for (i, group) in block.groups.iter().enumerate() {
            if let (Some(place), Ok(i)) =
                (block.places.get_mut(usize::from(group.local)), u16::try_from(i))
            {
                place.groups.push(i);
            }
        }
        if matches!(draft.at.on, On::Loop(_)) && block.rest.is_none() {
            let name = &self.shapes.get(draft.at.shape).name;
            let message =
                format!("`{name}` describes a loop, but has no field for what is not mapped");
            let at = self.source.document.at;
            self.fault(at, message, "add `unmapped` to it in the canonical model");
        }
        self.owns.push(draft.own(self.grammar));
        self.add(draft.block)
    }

    fn line(&mut self, line: &Line, draft: &mut Draft) {
        let shape = draft.at.shape;
        match &line.kind {
            LineKind::Rest { name } => {
                if let Some(field) = self.field(shape, name) {
                    self.used.insert(line.at);
                    draft.block.rest = draft.block.rest.map(|_| field);
                }
            }
            LineKind::Constant { name, value } => {
                if let Some(field) = self.field(shape, name) {
                    self.used.insert(line.at);
                    let word = self.word(value);
                    draft.block.constants.push((field, word));
                }
            }
            LineKind::Count { lists, path } => self.count(line.at, lists, path, draft),
            LineKind::Field { name, path, how, always } => {
                let Some(field) = self.field(shape, name) else { return };
                let Some(node) = self.resolve(path, draft) else { return };
                match how {
                    How::Section(_) | How::Inline(_) => {
                        self.object(line.at, field, (path, node), how, *always, draft);
                    }
                    How::Value | How::Code(_) | How::By { .. } => {
                        self.element(line.at, name, field, (path, node), how, draft);
                    }
                }
            }
        }
    }

    /// The node of a path; `None`, without a fault, where this place has no such thing.
    pub(super) fn resolve(&self, path: &Path, draft: &Draft) -> Option<NodeId> {
        let own = draft.own(self.grammar);
        let Some(place) = &path.place else { return Some(own) };
        match draft.at.on {
            On::Segment(node) => {
                (self.grammar.segment_at(node).tag.to_string() == place.key).then_some(node)
            }
            On::Loop(node) => self.grammar.child(node, &place.key),
        }
    }

    pub(super) fn local_of(&self, node: NodeId, draft: &Draft) -> u16 {
        match draft.at.on {
            On::Segment(_) => 0,
            On::Loop(_) => self.local.get(node.index()).map_or(0, |l| l.1),
        }
    }

    pub(super) fn selector(path: &Path) -> Option<Selector> {
        let selector = path.place.as_ref()?.selector.as_ref()?;
        Some(Selector {
            position: selector.position,
            component: selector.component,
            code: selector.code.as_bytes().into(),
        })
    }

    /// A field that is an object, or a list of objects.
    fn object(
        &mut self,
        at: Spot,
        field: FieldId,
        (path, node): (&Path, NodeId),
        how: &How,
        always: bool,
        draft: &mut Draft,
    ) {
        let Some(inner) = self.shape_of(draft.at.shape, field, path.at) else { return };
        if draft.at.depth >= DEPTH_MAX {
            self.fault(at, "sections are nested too deeply", "a section may not contain itself");
            return;
        }
        let source = self.source;
        let lines = match how {
            How::Inline(lines) => lines.as_slice(),
            How::Section(name) => match self.section(name) {
                Some(name) => &source.sections[&name].lines,
                None => return,
            },
            _ => return,
        };
        self.used.insert(at);
        let known = self.shapes.field(draft.at.shape, field);
        let (list, name) = (known.list, known.name.clone());
        let selector = Self::selector(path);
        let is_loop = self.grammar.node(node).kind == NodeKind::Loop;
        let within = Use {
            shape: inner,
            on: if is_loop { On::Loop(node) } else { On::Segment(node) },
            fixed: selector.clone(),
            prefix: format!("{}{name}.", draft.at.prefix),
            selected: draft.at.selected || selector.is_some(),
            depth: draft.at.depth + 1,
            elsewhere: Vec::new(),
        };
        let Some(block) = self.block(lines, within) else { return };
        let local = self.local_of(node, draft);
        self.claim_field(at, field, local, draft);
        if always {
            draft.block.always.push(local);
        }
        let label = path.place.as_ref().map_or(0, |p| p.label);
        let kind = GroupKind::Object { field, list, block, always };
        draft.block.groups.push(Group { local, selector, label, kind });
    }

    /// A field belongs to one line of a block.
    pub(super) fn claim_field(&mut self, at: Spot, field: FieldId, local: u16, draft: &mut Draft) {
        let slot = &mut draft.block.place_of[usize::from(field)];
        if *slot != NO_PLACE {
            let name = &self.shapes.field(draft.at.shape, field).name;
            let message = format!("field `{name}` is there twice");
            self.fault(at, message, "take one of the lines out");
            return;
        }
        *slot = local;
    }

    /// Checks that a section is there.
    pub(super) fn section(&mut self, name: &Word) -> Option<String> {
        if self.source.sections.contains_key(&name.text) {
            return Some(name.text.clone());
        }
        let sections = self.source.sections.keys().map(String::as_str);
        let mend = suggest::mend(&name.text, sections, "add it: `section NAME` with its lines");
        self.fault(name.at, format!("there is no section `{}`", name.text), mend);
        None
    }

    fn elements_of(&self, node: NodeId) -> ElementSet {
        let slots = vec![Slot::Unread; self.grammar.segment_at(node).elements.len()];
        ElementSet { slots, ..ElementSet::default() }
    }

    /// Writes the selector's code into its element.
    fn fix(set: &mut ElementSet, selector: &Selector) {
        let Some(slot) = set.slots.get_mut(usize::from(selector.position) - 1) else { return };
        if selector.component == 0 {
            *slot = Slot::Fixed(selector.code.clone(), None);
            return;
        }
        let component = usize::from(selector.component);
        let mut parts = vec![Slot::Unread; component];
        parts[component - 1] = Slot::Fixed(selector.code.clone(), None);
        *slot = Slot::Composite(parts);
    }

    /// The group of elements that a path belongs to, made on its first use.
    pub(super) fn group_of<'d>(
        &self,
        path: &Path,
        node: NodeId,
        draft: &'d mut Draft,
    ) -> &'d mut ElementSet {
        let local = self.local_of(node, draft);
        let selector = Self::selector(path);
        let label = path.place.as_ref().map_or(0, |p| p.label);
        let found = draft.block.groups.iter().position(|g| {
            g.local == local
                && g.selector == selector
                && g.label == label
                && matches!(g.kind, GroupKind::Elements(_))
        });
        let index = found.unwrap_or_else(|| {
            let mut set = self.elements_of(node);
            if let Some(selector) = &selector {
                Self::fix(&mut set, selector);
            }
            draft.block.groups.push(Group {
                local,
                selector,
                label,
                kind: GroupKind::Elements(set),
            });
            draft.block.groups.len() - 1
        });
        match &mut draft.block.groups[index].kind {
            GroupKind::Elements(set) => set,
            GroupKind::Object { .. } | GroupKind::Texts { .. } => {
                unreachable!("the group was found, or made, as one of elements")
            }
        }
    }
}
