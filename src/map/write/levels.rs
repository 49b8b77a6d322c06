//! Levels are planned before anything is written: which there are, in which order, within which.
//!
//! A document that tells each level keeps them. Otherwise its rows are grouped by the hierarchy.

use std::collections::HashSet;

use super::super::laid::{At, Laid, small};
use super::super::plan::{Block, LevelPlan, Levels, Map, NO_PLACE, Target};
use super::super::shape::FieldId;
use super::group::Planner;
use super::{Pass, WriteOptions};
use crate::findings::{Finding, Severity};

/// A level to be written.
#[derive(Debug)]
pub(super) struct Out {
    /// Index into the plans; `None` for another level.
    pub plan: Option<usize>,
    pub object: At,
    /// Index into the levels to be written.
    pub within: Option<usize>,
    pub has_children: bool,
    /// As it was sent, where the document tells its levels one by one.
    pub told: Option<Box<Told>>,
}

/// What of a level is not the usual number or code.
#[derive(Debug, Default)]
pub(super) struct Told {
    id: Option<String>,
    parent: Option<String>,
    code: Option<String>,
    child: Option<String>,
}

/// All levels of a document in their order.
#[derive(Debug, Default)]
pub(super) struct Planned {
    pub levels: Vec<Out>,
    pub rows: u32,
    pub findings: Vec<Finding>,
    /// Which levels tell whether others are within them: `all`, only `parents`, or none.
    pub child_codes: String,
}

impl<'w> Pass<'w> {
    pub(super) fn write_levels(&mut self, plan: &'w Levels, planned: &Planned) {
        let usual = Told::default();
        for (i, out) in planned.levels.iter().enumerate() {
            let told = out.told.as_deref().unwrap_or(&usual);
            let (number, above) = (Digits::new(i + 1), out.within.map(|w| (w, Digits::new(w + 1))));
            let id = told.id.as_ref().map_or(number.bytes(), String::as_bytes);
            let above = above.as_ref().map_or(&[][..], |(w, number)| {
                let told = planned.levels[*w].told.as_ref();
                told.and_then(|t| t.id.as_ref()).map_or(number.bytes(), String::as_bytes)
            });
            let parent = told.parent.as_ref().map_or(above, String::as_bytes);
            let known = out.plan.and_then(|p| plan.plans.get(p));
            let code = known.map_or(&[][..], |p| &p.code);
            let code = told.code.as_ref().map_or(code, String::as_bytes);
            let child: &[u8] = match (&told.child, planned.child_codes.as_str(), out.has_children) {
                (Some(child), _, _) => child.as_bytes(),
                (None, "all" | "parents", true) => b"1",
                (None, "all", false) => b"0",
                _ => b"",
            };
            let nested = plan.nested;
            let given = [
                (nested.id, id),
                (nested.parent, parent),
                (nested.level, code),
                (nested.child, child),
            ];
            let block = known.map(|p| p.block).or_else(|| plan.other.map(|(_, block)| block));
            if let Some(block) = block {
                self.block(block, out.object, &given, None);
            }
        }
    }

    /// Whether a field of the document, an entry or a row is the levels' own business.
    pub(super) fn of_levels(&self, block: &Block, id: u16, field: FieldId) -> bool {
        let Some(levels) = &self.map.levels else { return false };
        if block.shape == 0 {
            // The document is written twice: as itself, and as a level. What neither has a place for is told once.
            return id != self.map.root || document_field(levels, self.map, field);
        }
        levels.plans.iter().any(|p| match p.target {
            Target::List { nested, reference, .. } => {
                (p.block == id && nested == Some(field))
                    || (levels.row_shape == block.shape && reference == field)
            }
            Target::Document | Target::Rows => false,
        })
    }
}

fn document_field(levels: &Levels, map: &Map, field: FieldId) -> bool {
    let of_list = |p: &LevelPlan| match p.target {
        Target::List { list, .. } => list == field,
        Target::Rows => levels.rows == field,
        Target::Document => {
            let block = &map.blocks[usize::from(p.block)];
            block.rest == Some(field)
                || block.place_of.get(usize::from(field)).is_some_and(|&p| p != NO_PLACE)
        }
    };
    levels.structure.field == field
        || levels.other.is_some_and(|(list, _)| list == field)
        || levels.plans.iter().any(of_list)
}

/// Plans the levels of a document.
pub(super) fn plan(
    levels: &Levels,
    map: &Map,
    values: &mut Laid,
    options: &WriteOptions<'_>,
) -> Planned {
    let root = At::ROOT;
    if values.entry(root).is_none() {
        return Planned::default();
    }
    let mut planner = Planner::new(levels, map, values);
    let structure = planner.values.get(root, levels.structure.field);
    let text = |p: &Planner<'_>, e: At| p.values.text(e).to_owned();
    if let Some(codes) = structure.and_then(|s| planner.values.get(s, levels.structure.child_codes))
    {
        planner.planned.child_codes = text(&planner, codes);
    }
    if options.hierarchy.is_none()
        && let Some(each) = structure.and_then(|s| planner.values.get(s, levels.structure.levels))
        && planner.as_told(each)
    {
        return planner.planned;
    }
    let told: Vec<String> = structure
        .and_then(|s| planner.values.get(s, levels.structure.hierarchy))
        .map(|list| planner.values.within(list).map(|e| text(&planner, e)).collect())
        .unwrap_or_default();
    let names = options.hierarchy.unwrap_or(&told);
    let mut hierarchy: Vec<usize> = Vec::new();
    for name in names {
        match levels.plans.iter().position(|p| p.name == *name) {
            Some(p) if !hierarchy.contains(&p) => hierarchy.push(p),
            Some(_) => {}
            None => planner.fault(
                Severity::Fatal,
                format!("There is no level `{name}` to make a hierarchy of."),
            ),
        }
    }
    if names.is_empty() {
        hierarchy = levels.hierarchy.iter().map(|&h| usize::from(h)).collect();
    }
    planner.group(&hierarchy);
    planner.planned
}

impl Planner<'_> {
    /// The levels as the document tells them one by one; false where they are not all there is, once each.
    fn as_told(&mut self, each: At) -> bool {
        let [code, entry, within, id, parent, child] = self.levels.structure.level;
        let mut seen: HashSet<(FieldId, u32)> = HashSet::new();
        let mut out: Vec<Out> = Vec::new();
        let mut rows = 0;
        for level in self.values.within(each) {
            let text =
                |field| self.values.get(level, field).map(|e| self.values.text(e).to_owned());
            let number = |field| self.values.get(level, field).and_then(|e| self.values.ordinal(e));
            let told = text(code).unwrap_or_default();
            let entry = number(entry);
            let plan = self.levels.plans.iter().position(|p| {
                p.code.as_ref() == told.as_bytes()
                    && (p.target == Target::Document) == entry.is_none()
            });
            let list = match plan.map(|p| self.levels.plans[p].target) {
                Some(Target::Document) => None,
                Some(Target::List { list, .. }) => Some(list),
                Some(Target::Rows) => {
                    rows += 1;
                    Some(self.levels.rows)
                }
                None => match self.levels.other {
                    Some((list, _)) => Some(list),
                    None => return false,
                },
            };
            let object = match (list, entry) {
                (None, _) => At::ROOT,
                (Some(list), Some(n)) => {
                    let (Some(object), true) = (self.entry(list, n), seen.insert((list, n))) else {
                        return false;
                    };
                    object
                }
                (Some(_), None) => return false,
            };
            let within = number(within).map(|w| (w as usize).wrapping_sub(1));
            if let Some(w) = within {
                match out.get_mut(w) {
                    Some(parent) => parent.has_children = true,
                    None => return false,
                }
            }
            // A second level of the document is told as another level, by its code.
            let code = plan.is_none().then_some(told);
            let told = Told { id: text(id), parent: text(parent), code, child: text(child) };
            out.push(Out { plan, object, within, has_children: false, told: Some(Box::new(told)) });
        }
        let mut lists = self.lists();
        lists.push(self.levels.rows);
        lists.extend(self.levels.other.map(|(list, _)| list));
        let complete = lists.iter().map(|&list| self.count(list)).sum::<u32>() == small(seen.len());
        if complete {
            self.planned.levels = out;
            self.planned.rows = rows;
        }
        complete
    }
}

/// A number as text, without an allocation.
struct Digits {
    bytes: [u8; 20],
    from: usize,
}

impl Digits {
    fn new(mut number: usize) -> Self {
        let mut digits = Self { bytes: [b'0'; 20], from: 20 };
        loop {
            digits.from -= 1;
            digits.bytes[digits.from] = b'0' + u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
            if number == 0 {
                return digits;
            }
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[self.from..]
    }
}
