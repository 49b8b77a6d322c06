//! Lines that read elements: their values, ranges of them, and counts.

use super::super::extra::Implied;
use super::super::form::Form;
use super::super::plan::{Counted, ElementSet, Group, GroupKind, Range, Scalar, Slot};
use super::super::shape::{FieldId, Kind, ShapeId};
use super::super::syntax::{How, LineKind, Path, Spot, Word};
use super::Compiler;
use super::blocks::{Draft, On};
use crate::grammar::{DataType, ElementDef, ElementShape, NodeId, NodeKind};

impl<'a> Compiler<'a> {
    /// A field that is a value, a list of texts, or a list of objects made from a range of elements.
    #[expect(clippy::too_many_lines, reason = "one case after the other")]
    pub(super) fn element(
        &mut self,
        at: Spot,
        name: &Word,
        field: FieldId,
        (path, node): (&Path, NodeId),
        how: &How,
        draft: &mut Draft,
    ) {
        let Some((position, component)) = path.element else { return };
        if self.grammar.node(node).kind == NodeKind::Loop && draft.at.on != On::Loop(node) {
            let message = format!("`{}` is a loop here", self.grammar.node(node).key);
            self.fault(path.at, message, "describe it by a section");
            return;
        }
        let grammar = self.grammar;
        let Some(definition) = grammar.segment_at(node).elements.get(usize::from(position) - 1)
        else {
            return;
        };
        let known = self.shapes.field(draft.at.shape, field).clone();
        let local = self.local_of(node, draft);
        let slot = if let How::By { last, step, section } = how {
            let Some(inner) = self.shape_of(draft.at.shape, field, path.at) else { return };
            if !known.list {
                self.fault(
                    name.at,
                    format!("field `{}` is no list", known.name),
                    "a range makes a list",
                );
                return;
            }
            let elements = &grammar.segment_at(node).elements;
            let last = usize::from(*last).min(elements.len());
            let prefix = format!("{}{}.", draft.at.prefix, known.name);
            let Some(step) = self.step(
                inner,
                *step,
                section,
                &elements[usize::from(position) - 1..last],
                &prefix,
                node,
                draft.at.selected,
            ) else {
                return;
            };
            let length = last + 1 - usize::from(position);
            let length = u16::try_from(length).unwrap_or(0);
            Slot::Range(Range { field, length, step, ready: Vec::new() })
        } else {
            let Some(definition) = self.component(definition, component, path.at) else {
                return;
            };
            let table = if let How::Code(table) = how { Some(table) } else { None };
            let spot = (node, position, component);
            let Some(form) = self.form(known.kind, table, (definition, spot), name.at) else {
                return;
            };
            Slot::Value(Scalar { field, form })
        };
        self.used.insert(at);
        if known.list && matches!(slot, Slot::Value(_)) {
            let slots = vec![Slot::Unread; usize::from(position)];
            let mut set = ElementSet { slots, ..ElementSet::default() };
            set.slots[usize::from(position) - 1] = slot;
            self.claim_field(at, field, local, draft);
            let (selector, kind) = (Self::selector(path), GroupKind::Texts { field, set });
            draft.block.groups.push(Group { local, selector, label: 0, kind });
            self.name_field(node, position, &known.name, draft, path);
            return;
        }
        let set = self.group_of(path, node, draft);
        if let (Some(Slot::Fixed(_, kept)), Slot::Value(scalar)) =
            (slot_at(set, position, component), &slot)
        {
            // What a selector fixes needs no reading.
            *kept = Some(*scalar);
        } else if !place(set, position, component, slot) {
            self.fault(
                path.at,
                "this element is read by another line already",
                "take one of the lines out",
            );
            return;
        }
        self.claim_field(at, field, local, draft);
        self.name_field(node, position, &known.name, draft, path);
    }

    fn name_field(&mut self, node: NodeId, position: u16, name: &str, draft: &Draft, path: &Path) {
        let selected =
            draft.at.selected || path.place.as_ref().is_some_and(|p| p.selector.is_some());
        let canonical = format!("{}{name}", draft.at.prefix);
        if selected {
            self.fields.entry((node, position)).or_insert(canonical);
        } else {
            self.fields.insert((node, position), canonical);
        }
    }

    /// The section of a range, as the slots of one step.
    #[allow(clippy::too_many_arguments)]
    fn step(
        &mut self,
        shape: ShapeId,
        step: u16,
        section: &Word,
        elements: &[ElementDef],
        prefix: &str,
        node: NodeId,
        selected: bool,
    ) -> Option<Vec<Slot>> {
        let name = self.section(section)?;
        let source = self.source;
        let mut slots = vec![Slot::Unread; usize::from(step)];
        for line in &source.sections[&name].lines {
            let LineKind::Field { name, path, how: how @ (How::Value | How::Code(_)), .. } =
                &line.kind
            else {
                continue;
            };
            let (None, Some((position, 0))) = (&path.place, path.element) else { continue };
            let Some(field) = self.field(shape, name) else { continue };
            let index = usize::from(position) - 1;
            let (Some(slot), Some(definition)) = (slots.get_mut(index), elements.get(index)) else {
                continue;
            };
            let kind = self.shapes.field(shape, field).kind;
            let table = if let How::Code(table) = how { Some(table) } else { None };
            // Of a range, what is agreed of one element holds for all that stand alike.
            let alike = elements.iter().skip(index).step_by(usize::from(step));
            let agreed = alike.map(|element| (node, element.position, 0));
            let mut agreed = agreed.filter(|spot| self.implied(*spot).is_some());
            let spot = agreed.next().unwrap_or((node, definition.position, 0));
            let Some(form) = self.form(kind, table, (definition, spot), name.at) else { continue };
            *slot = Slot::Value(Scalar { field, form });
            self.used.insert(line.at);
            for at in (index..elements.len()).step_by(usize::from(step)) {
                let canonical = format!("{prefix}{}", name.text);
                let key = (node, elements[at].position);
                if selected {
                    self.fields.entry(key).or_insert(canonical);
                } else {
                    self.fields.insert(key, canonical);
                }
            }
        }
        Some(slots)
    }

    /// The definition of a component, or of the element itself.
    fn component(
        &mut self,
        definition: &'a ElementDef,
        component: u16,
        at: Spot,
    ) -> Option<&'a ElementDef> {
        match (definition.shape, component) {
            (ElementShape::Simple { .. }, 0) => Some(definition),
            (ElementShape::Simple { .. }, _) => {
                self.fault(at, "this element has no components", "leave the component out");
                None
            }
            (ElementShape::Composite(_), 0) => {
                self.fault(at, "this element is a composite", "name the component: `05.1`");
                None
            }
            (ElementShape::Composite(id), component) => {
                self.grammar.composite(id).components.get(usize::from(component) - 1)
            }
        }
    }

    /// The type that is agreed for an element instead of its own.
    fn implied(&self, (node, position, component): (NodeId, u16, u16)) -> Option<DataType> {
        let is_it = |i: &&Implied| (i.node, i.position, i.component) == (node, position, component);
        let found = self.values.implied.iter().find(is_it)?;
        Some(DataType::N(found.places))
    }

    /// How a value of this element becomes a field of that kind.
    fn form(
        &mut self,
        kind: Kind,
        table: Option<&Word>,
        (definition, spot): (&ElementDef, (NodeId, u16, u16)),
        at: Spot,
    ) -> Option<Form> {
        let ElementShape::Simple { data_type, min, max, .. } = definition.shape else {
            return None;
        };
        let data_type = self.implied(spot).unwrap_or(data_type);
        let min = u16::try_from(min).unwrap_or(0);
        let text = matches!(data_type, DataType::An | DataType::Id);
        if let Some(table) = table {
            let id = self.table(table)?;
            if kind == Kind::Text && text {
                return Some(Form::Code { table: id, min });
            }
        }
        match (kind, data_type) {
            (Kind::Text, DataType::An | DataType::Id) if table.is_none() => {
                return Some(if self.values.keep_blanks {
                    Form::Whole { min }
                } else {
                    Form::Text { min }
                });
            }
            (Kind::Text, _) if table.is_none() => return Some(Form::Text { min: 0 }),
            (Kind::Decimal, DataType::R) => return Some(Form::Decimal { min }),
            (Kind::Decimal, DataType::N(places)) => return Some(Form::Implied { places, min }),
            (Kind::Decimal, DataType::An) => return Some(Form::Decimal { min: 0 }),
            (Kind::Integer, DataType::N(0) | DataType::R) => return Some(Form::Integer { min }),
            (Kind::Integer, DataType::An | DataType::Id) => return Some(Form::Integer { min: 0 }),
            (Kind::Date, DataType::Dt | DataType::An) => return Some(Form::Date { six: max == 6 }),
            (Kind::Time, DataType::Tm | DataType::An) => return Some(Form::Time),
            _ => {}
        }
        let message = format!(
            "element {} \"{}\" cannot be made a field of this kind",
            definition.id, definition.title
        );
        self.fault(at, message, "choose another field or another element");
        None
    }

    pub(super) fn count(&mut self, at: Spot, lists: &[Word], path: &Path, draft: &mut Draft) {
        let Some(node) = self.resolve(path, draft) else { return };
        let Some((position, component)) = path.element else { return };
        if usize::from(position) > self.grammar.segment_at(node).elements.len() {
            return;
        }
        let counted: Vec<Counted> = lists.iter().filter_map(|list| self.counted(list)).collect();
        self.used.insert(at);
        let set = self.group_of(path, node, draft);
        if !place(set, position, component, Slot::Count(counted)) {
            self.fault(
                path.at,
                "this element is read by another line already",
                "take one of the lines out",
            );
        }
    }

    fn counted(&mut self, list: &Word) -> Option<Counted> {
        let source = self.source;
        let local = |place: &str| {
            let node = self.grammar.child(NodeId::ROOT, place)?;
            self.local.get(node.index()).map(|l| l.1)
        };
        if let Some(levels) = &source.levels {
            if levels.place.text == list.text {
                return local(&list.text).map(Counted::Place);
            }
            let rows = levels.each.iter().any(|level| {
                matches!(&level.target, super::super::syntax::Target::Rows { list: rows } if rows.text == list.text)
            });
            if rows {
                return Some(Counted::Rows);
            }
        }
        let line = source.lines.iter().find_map(|line| match &line.kind {
            LineKind::Field { name, path, .. } if name.text == list.text => path.place.as_ref(),
            _ => None,
        });
        if let Some(place) = line {
            return local(&place.key).map(Counted::Place);
        }
        self.fault(
            list.at,
            format!("`{}` is no list of the document", list.text),
            "name a field that is a list",
        );
        None
    }
}

fn slot_at(set: &mut ElementSet, position: u16, component: u16) -> Option<&mut Slot> {
    let slot = set.slots.get_mut(usize::from(position) - 1)?;
    match (slot, component) {
        (Slot::Composite(parts), 1..) => parts.get_mut(usize::from(component) - 1),
        (slot, 0) => Some(slot),
        _ => None,
    }
}

/// Puts a slot where it belongs; false where another is there.
fn place(set: &mut ElementSet, position: u16, component: u16, slot: Slot) -> bool {
    let index = usize::from(position) - 1;
    let length = if let Slot::Range(range) = &slot { usize::from(range.length) } else { 1 };
    let Some(slots) = set.slots.get_mut(index..index + length) else { return false };
    if component == 0 {
        let free = |s: &Slot| matches!(s, Slot::Unread | Slot::Elsewhere);
        if !slots.iter().all(free) {
            return false;
        }
        slots.fill(Slot::InRange);
        slots[0] = slot;
        return true;
    }
    let component = usize::from(component);
    if matches!(slots[0], Slot::Unread) {
        slots[0] = Slot::Composite(Vec::new());
    }
    let Slot::Composite(parts) = &mut slots[0] else { return false };
    if parts.len() < component {
        parts.resize(component, Slot::Unread);
    }
    if !matches!(parts[component - 1], Slot::Unread) {
        return false;
    }
    parts[component - 1] = slot;
    true
}
