//! Levels are planned before anything is written: which there are, in which order, within which.
//!
//! A document that says each level keeps them. Otherwise the rows are grouped by the hierarchy: each row has a
//! path of entries that it refers to, and entries that several rows share become one level, as long as the levels
//! above them are the same, too.

use std::collections::HashMap;

use super::super::plan::{Block, LevelPlan, Levels, Map, NO_PLACE, Target};
use super::super::shape::{FieldId, Kind};
use super::super::values::{Entry, Tag, Values, small};
use super::{NOTHING, Pass, WriteOptions};
use crate::findings::{Code, Finding, Place, Severity};

/// A level to be written.
#[derive(Debug)]
pub(super) struct Out {
    /// Index into the plans; `None` for another level.
    plan: Option<usize>,
    object: Entry,
    /// Index into the levels to be written.
    within: Option<usize>,
    has_children: bool,
    /// As it was sent, where that is not the usual number or code.
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
    /// Which levels tell whether others are within them.
    child_codes: String,
}

impl<'w> Pass<'w> {
    pub(super) fn write_levels(&mut self, plan: &'w Levels, planned: &Planned) {
        for (i, out) in planned.levels.iter().enumerate() {
            let number = (i + 1).to_string();
            let id = out.id.as_deref().unwrap_or(&number);
            let within = out.within.map_or_else(String::new, |w| {
                planned.levels[w].id.clone().unwrap_or_else(|| (w + 1).to_string())
            });
            let parent = out.parent.as_deref().unwrap_or(&within);
            let known = out.plan.and_then(|p| plan.plans.get(p));
            let code = match &out.code {
                Some(code) => code.clone(),
                None => known
                    .map_or_else(String::new, |p| String::from_utf8_lossy(&p.code).into_owned()),
            };
            let child = match (&out.child, planned.child_codes.as_str(), out.has_children) {
                (Some(child), _, _) => child.as_str(),
                (None, "all" | "parents", true) => "1",
                (None, "all", false) => "0",
                _ => "",
            };
            let given = [
                (plan.nested.id, id),
                (plan.nested.parent, parent),
                (plan.nested.level, &code),
                (plan.nested.child, child),
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
    values: &mut Values,
    options: &WriteOptions<'_>,
) -> Planned {
    let Some(root) = values.root else { return Planned::default() };
    let mut planner = Planner {
        levels,
        map,
        values,
        root,
        planned: Planned::default(),
        nodes: Vec::new(),
        roots: Vec::new(),
        divided: Vec::new(),
        index: HashMap::new(),
    };
    let structure = planner.values.get(root, levels.structure.field);
    let text = |p: &Planner<'_>, e: Entry| p.values.str(e, "", map).to_owned();
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
        .map(|list| planner.values.within(list).iter().map(|&e| text(&planner, e)).collect())
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

struct Node {
    plan: usize,
    object: Entry,
    children: Vec<usize>,
}

struct Planner<'w> {
    levels: &'w Levels,
    map: &'w Map,
    values: &'w mut Values,
    root: Entry,
    planned: Planned,
    nodes: Vec<Node>,
    roots: Vec<usize>,
    /// Entries whose quantity has gone to the rows within them.
    divided: Vec<(FieldId, u32)>,
    /// Node by parent, plan and entry.
    index: HashMap<(Option<usize>, usize, u32), usize>,
}

/// An entry on the path of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stop {
    rank: usize,
    plan: usize,
    /// Number from 1; 0 for the document.
    entry: u32,
}

impl Planner<'_> {
    fn fault(&mut self, severity: Severity, message: String) {
        if self.planned.findings.len() < 100 {
            let mend = "Change the document, or agree on another hierarchy.".to_owned();
            let mut finding = Finding::new(Code::NotWritable, Place::default(), message, mend);
            finding.severity = severity;
            self.planned.findings.push(finding);
        }
    }

    fn list(&self, field: FieldId) -> Vec<Entry> {
        self.values.get(self.root, field).map_or_else(Vec::new, |l| self.values.within(l).to_vec())
    }

    /// The levels as the document tells them one by one; false where they are not all there is, once each.
    fn as_told(&mut self, each: Entry) -> bool {
        let [code, entry, within, id, parent, child] = self.levels.structure.level;
        let mut uses: HashMap<FieldId, u32> = HashMap::new();
        let mut seen: HashMap<(FieldId, u32), ()> = HashMap::new();
        let mut out: Vec<Out> = Vec::new();
        let mut rows = 0;
        for &level in self.values.within(each) {
            let text = |field| {
                self.values.get(level, field).map(|e| self.values.str(e, "", self.map).to_owned())
            };
            let number = |field| {
                self.values.get(level, field).filter(|e| e.tag == Tag::Integer).map(|e| e.a)
            };
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
                (None, _) => self.root,
                (Some(list), Some(n)) => {
                    *uses.entry(list).or_insert(0) += 1;
                    let entries =
                        self.values.get(self.root, list).map_or(&[][..], |l| self.values.within(l));
                    let object = entries.get((n as usize).wrapping_sub(1));
                    let (Some(&object), None) = (object, seen.insert((list, n), ())) else {
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
            out.push(Out {
                plan,
                object,
                within,
                has_children: false,
                id: text(id),
                parent: text(parent),
                code,
                child: text(child),
            });
        }
        let lists = self.levels.plans.iter().filter_map(|p| match p.target {
            Target::List { list, .. } => Some(list),
            _ => None,
        });
        let complete = lists
            .chain([self.levels.rows])
            .chain(self.levels.other.map(|(list, _)| list))
            .all(|list| {
                self.values.get(self.root, list).map_or(0, |l| l.b)
                    == uses.get(&list).copied().unwrap_or(0)
            });
        if complete {
            self.planned.levels = out;
            self.planned.rows = rows;
        }
        complete
    }

    /// Groups the rows by the hierarchy.
    fn group(&mut self, hierarchy: &[usize]) {
        let levels = self.levels;
        let rank = |plan: usize| hierarchy.iter().position(|&h| h == plan);
        let document = levels.plans.iter().position(|p| p.target == Target::Document);
        let top = document.and_then(|plan| Some(Stop { rank: rank(plan)?, plan, entry: 0 }));
        if top.is_none() {
            self.shipment_left_out(document);
        }
        let rows = self.list(levels.rows);
        let row_plan = levels.plans.iter().position(|p| p.target == Target::Rows);
        let row = row_plan.and_then(|plan| Some(Stop { rank: rank(plan)?, plan, entry: 0 }));
        let mut placed: HashMap<(FieldId, u32), Option<usize>> = HashMap::new();
        match row {
            None if !rows.is_empty() => {
                self.fault(
                    Severity::Fatal,
                    "The hierarchy has no level for what is in the document.".to_owned(),
                );
            }
            None => {}
            Some(row) => {
                for (i, &object) in rows.iter().enumerate() {
                    self.row(
                        object,
                        Stop { entry: small(i + 1), ..row },
                        top,
                        hierarchy,
                        &mut placed,
                    );
                }
            }
        }
        self.without_rows(top, row, hierarchy, &placed);
        self.undivided();
        if self.nodes.is_empty()
            && let Some(top) = top
        {
            self.node(None, top, self.root);
        }
        if levels.other.is_some_and(|(list, _)| !self.list(list).is_empty()) {
            self.fault(
                Severity::Warning,
                "Levels that the map does not know are left out.".to_owned(),
            );
        }
        self.flatten();
    }

    fn shipment_left_out(&mut self, document: Option<usize>) {
        let Some(plan) = document.and_then(|p| self.levels.plans.get(p)) else { return };
        let block = &self.map.blocks[usize::from(plan.block)];
        let fields: Vec<String> = self
            .values
            .within(self.root)
            .iter()
            .filter(|e| block.place_of.get(usize::from(e.field)).is_some_and(|&p| p != NO_PLACE))
            .map(|e| self.map.shapes.field(0, e.field).name.clone())
            .collect();
        if !fields.is_empty() {
            self.fault(
                Severity::Fatal,
                format!("The hierarchy has no level for {}.", fields.join(", ")),
            );
        }
    }

    /// The entries that a row refers to by one field, as numbers.
    fn references(&self, row: Entry, field: FieldId) -> Vec<u32> {
        match self.values.get(row, field) {
            Some(e) if e.tag == Tag::Integer => vec![e.a],
            Some(list) => self.values.within(list).iter().map(|e| e.a).collect(),
            None => Vec::new(),
        }
    }

    /// The plan of an entry: that whose constants it has, or else the lowest of the hierarchy.
    fn plan_of(&self, list: FieldId, object: Entry, hierarchy: &[usize]) -> Option<usize> {
        let plans = || {
            self.levels.plans.iter().enumerate().filter(
                move |(_, p)| matches!(p.target, Target::List { list: other, .. } if other == list),
            )
        };
        let fits = |p: &LevelPlan| {
            self.map.blocks[usize::from(p.block)].constants.iter().all(|&(field, word)| {
                let text = self.values.get(object, field).map(|e| self.values.str(e, "", self.map));
                text == self.map.words.get(word as usize).map(AsRef::as_ref)
            })
        };
        let exact = plans().find(|(_, p)| fits(p)).map(|(i, _)| i);
        exact.or_else(|| {
            plans().map(|(i, _)| i).max_by_key(|i| hierarchy.iter().position(|h| h == i))
        })
    }

    /// The way from an entry up to the outermost of its list, as far as the hierarchy has levels for it.
    fn chain(
        &mut self,
        list: FieldId,
        nested: Option<FieldId>,
        entry: u32,
        hierarchy: &[usize],
    ) -> Vec<Stop> {
        let entries = self.list(list);
        let mut stops: Vec<Stop> = Vec::new();
        let mut next = Some(entry);
        // A parent that comes round again ends it after as many steps as there are entries.
        for _ in 0..=entries.len() {
            let Some(number) = next else { break };
            let Some(&object) = entries.get((number as usize).wrapping_sub(1)) else {
                let name = &self.map.shapes.field(0, list).name;
                let message =
                    format!("Entry {number} of `{name}` is referred to, and is not there.");
                self.fault(Severity::Fatal, message);
                break;
            };
            if let Some(plan) = self.plan_of(list, object, hierarchy)
                && let Some(rank) = hierarchy.iter().position(|&h| h == plan)
                && stops.iter().all(|s| s.plan != plan)
            {
                stops.push(Stop { rank, plan, entry: number });
            }
            next = nested.and_then(|f| self.values.get(object, f)).map(|e| e.a);
        }
        stops
    }

    /// Puts a row and the entries on its path into the tree.
    fn row(
        &mut self,
        object: Entry,
        row: Stop,
        top: Option<Stop>,
        hierarchy: &[usize],
        placed: &mut HashMap<(FieldId, u32), Option<usize>>,
    ) {
        // Each way up from the row: what is above it, what is below it, and which entry that is.
        let mut common: Vec<Stop> = top.into_iter().collect();
        let mut ways: Vec<(Vec<Stop>, Vec<Stop>, Option<(FieldId, u32)>)> = Vec::new();
        let mut done: Vec<FieldId> = Vec::new();
        for plan in &self.levels.plans {
            let Target::List { list, reference, many, nested } = plan.target else { continue };
            if done.contains(&reference) {
                continue;
            }
            done.push(reference);
            for entry in self.references(object, reference) {
                let chain = self.chain(list, nested, entry, hierarchy);
                if !many {
                    common.extend(chain);
                    continue;
                }
                let (above, below): (Vec<Stop>, Vec<Stop>) =
                    chain.into_iter().partition(|s| s.rank < row.rank);
                if above.is_empty() && below.is_empty() {
                    continue;
                }
                ways.push((above, below, Some((list, entry))));
            }
        }
        if ways.is_empty() {
            ways.push((Vec::new(), Vec::new(), None));
        }
        let mut groups: Vec<(Vec<Stop>, Vec<(Vec<Stop>, Option<(FieldId, u32)>)>)> = Vec::new();
        for (above, below, entry) in ways {
            match groups.iter_mut().find(|(a, _)| *a == above) {
                Some((_, members)) => members.push((below, entry)),
                None => groups.push((above, vec![(below, entry)])),
            }
        }
        let split = groups.len() > 1;
        for (above, members) in groups {
            let mut path: Vec<Stop> = common.iter().chain(&above).copied().collect();
            let (mut higher, lower): (Vec<Stop>, Vec<Stop>) =
                std::mem::take(&mut path).into_iter().partition(|s| s.rank < row.rank);
            higher.sort_by_key(|s| s.rank);
            let parent = self.walk_in(None, &higher, placed, true);
            let shown = if split { self.part_of(object, row.entry, &members) } else { object };
            self.planned.rows += 1;
            let at = self.push(parent, row.plan, shown);
            for (below, _) in &members {
                let mut way: Vec<Stop> = lower.iter().chain(below).copied().collect();
                way.sort_by_key(|s| s.rank);
                self.walk_in(Some(at), &way, placed, false);
            }
        }
    }

    /// A row as it is within one of its entries: the fields that are split come from there.
    fn part_of(
        &mut self,
        row: Entry,
        number: u32,
        members: &[(Vec<Stop>, Option<(FieldId, u32)>)],
    ) -> Entry {
        let [(_, Some((list, entry)))] = members else {
            self.fault(
                Severity::Fatal,
                format!("How much of row {number} is in each of its packages cannot be told."),
            );
            return row;
        };
        let entries = self.list(*list);
        let Some(&from) = entries.get((*entry as usize).wrapping_sub(1)) else { return row };
        let map = self.map;
        let shape = map.shapes.get(self.levels.row_shape);
        let inner = match map.shapes.field(0, *list).kind {
            Kind::Object(inner) => map.shapes.get(inner),
            _ => return row,
        };
        let mut fields: Vec<Entry> = self.values.within(row).to_vec();
        for (i, name) in self.levels.split.iter().enumerate() {
            let (Some(own), Some(other)) = (shape.find(name, 0), inner.find(name, 0)) else {
                continue;
            };
            match self.values.get(from, other) {
                Some(value) => {
                    fields.retain(|e| e.field != own);
                    fields.push(value.at(own));
                }
                None if i == 0 => {
                    let message = format!(
                        "How much of row {number} is in each of its packages cannot be told."
                    );
                    self.fault(Severity::Fatal, message);
                }
                None => {}
            }
        }
        self.divided.push((*list, *entry));
        let mark = self.values.mark();
        for field in fields {
            self.values.push(field.field, field);
        }
        self.values.object(mark)
    }

    /// Takes what went to the rows out of the entries.
    fn undivided(&mut self) {
        let map = self.map;
        for (list, entry) in std::mem::take(&mut self.divided) {
            let Kind::Object(inner) = map.shapes.field(0, list).kind else { continue };
            let shape = map.shapes.get(inner);
            let gone: Vec<_> =
                self.levels.split.iter().filter_map(|name| shape.find(name, 0)).collect();
            let Some(&object) = self.list(list).get((entry as usize).wrapping_sub(1)) else {
                continue;
            };
            let mark = self.values.mark();
            for field in self.values.within(object).to_vec() {
                if !gone.contains(&field.field) {
                    self.values.push(field.field, field);
                }
            }
            let without = self.values.object(mark);
            let same = |o: Entry| (o.a, o.b) == (object.a, object.b);
            self.nodes.iter_mut().filter(|n| same(n.object)).for_each(|n| n.object = without);
        }
    }

    /// Follows a path down from a node, making what is not there.
    fn walk_in(
        &mut self,
        from: Option<usize>,
        path: &[Stop],
        placed: &mut HashMap<(FieldId, u32), Option<usize>>,
        shared: bool,
    ) -> Option<usize> {
        let mut at = from;
        for stop in path {
            let list = match self.levels.plans[stop.plan].target {
                Target::List { list, .. } => Some(list),
                _ => None,
            };
            let object = match list {
                None => self.root,
                Some(list) => {
                    let entries =
                        self.values.get(self.root, list).map_or(&[][..], |l| self.values.within(l));
                    entries.get((stop.entry as usize).wrapping_sub(1)).copied().unwrap_or(NOTHING)
                }
            };
            if let Some(list) = list {
                let before = placed.insert((list, stop.entry), at);
                // What contains others stands at one place; anything else may be told again at another.
                let target = self.levels.plans[stop.plan].target;
                let one_place = matches!(target, Target::List { nested: Some(_), .. });
                if one_place && before.is_some_and(|b| b != at) {
                    let name = &self.map.shapes.field(0, list).name;
                    let message = format!(
                        "Entry {} of `{name}` is within several levels, which this hierarchy cannot say.",
                        stop.entry
                    );
                    self.fault(if shared { Severity::Fatal } else { Severity::Warning }, message);
                }
            }
            at = Some(self.node(at, *stop, object));
        }
        at
    }

    fn node(&mut self, parent: Option<usize>, stop: Stop, object: Entry) -> usize {
        if let Some(&node) = self.index.get(&(parent, stop.plan, stop.entry)) {
            return node;
        }
        let node = self.push(parent, stop.plan, object);
        self.index.insert((parent, stop.plan, stop.entry), node);
        node
    }

    fn push(&mut self, parent: Option<usize>, plan: usize, object: Entry) -> usize {
        let node = self.nodes.len();
        self.nodes.push(Node { plan, object, children: Vec::new() });
        match parent {
            Some(parent) => self.nodes[parent].children.push(node),
            None => self.roots.push(node),
        }
        node
    }

    /// Entries that no row refers to.
    fn without_rows(
        &mut self,
        top: Option<Stop>,
        row: Option<Stop>,
        hierarchy: &[usize],
        placed: &HashMap<(FieldId, u32), Option<usize>>,
    ) {
        let mut placed = placed.clone();
        let mut done: Vec<FieldId> = Vec::new();
        for plan in &self.levels.plans {
            let Target::List { list, nested, .. } = plan.target else { continue };
            if done.contains(&list) {
                continue;
            }
            done.push(list);
            let name = self.map.shapes.field(0, list).name.clone();
            let mut left_out = 0;
            for number in 1..=small(self.list(list).len()) {
                if placed.contains_key(&(list, number)) {
                    continue;
                }
                let chain = self.chain(list, nested, number, hierarchy);
                let Some(own) = chain.first().copied().filter(|s| s.entry == number) else {
                    left_out += 1;
                    continue;
                };
                let mut path: Vec<Stop> = top.into_iter().chain(chain).collect();
                for other in &self.levels.plans {
                    let Target::List { list: around, .. } = other.target else { continue };
                    let lower =
                        hierarchy.iter().position(|&h| self.levels.plans[h].name == other.name);
                    if around == list || lower.is_none_or(|r| r > own.rank) {
                        continue;
                    }
                    match self.list(around).len() {
                        0 => {}
                        1 => path.extend(self.chain(around, None, 1, hierarchy)),
                        _ => {
                            let message = format!(
                                "Entry {number} of `{name}` is empty: what it belongs to cannot be told."
                            );
                            self.fault(Severity::Fatal, message);
                        }
                    }
                }
                if row.is_some_and(|row| own.rank > row.rank) {
                    let message = format!(
                        "Entry {number} of `{name}` is empty, which this hierarchy cannot say."
                    );
                    self.fault(Severity::Fatal, message);
                    continue;
                }
                path.sort_by_key(|s| s.rank);
                path.dedup();
                self.walk_in(None, &path, &mut placed, true);
            }
            if left_out > 0 {
                let message = format!(
                    "{left_out} of `{name}` are left out: the hierarchy has no level for them."
                );
                self.fault(Severity::Warning, message);
            }
        }
    }

    /// The tree in the order in which it is written.
    fn flatten(&mut self) {
        let mut open: Vec<(usize, Option<usize>)> =
            self.roots.iter().copied().rev().map(|n| (n, None)).collect();
        while let Some((node, within)) = open.pop() {
            let at = self.planned.levels.len();
            let found = &self.nodes[node];
            self.planned.levels.push(Out {
                plan: Some(found.plan),
                object: found.object,
                within,
                has_children: !found.children.is_empty(),
                id: None,
                parent: None,
                code: None,
                child: None,
            });
            open.extend(found.children.iter().rev().map(|&child| (child, Some(at))));
        }
    }
}
