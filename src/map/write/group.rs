//! Rows grouped by a hierarchy: each has a path of entries that it refers to, and entries that several rows share
//! become one level, as long as the levels above them are the same, too.

use std::collections::HashMap;

use super::super::laid::{At, Laid, small};
use super::super::plan::{Levels, Map, NO_PLACE, Target};
use super::super::shape::{FieldId, Kind};
use super::entries::{Entries, NONE, Put, Reference, list_of};
use super::levels::{Out, Planned};
use crate::findings::{Code, Finding, Place, Severity};

/// Findings of one plan at most.
const FINDINGS_MAX: usize = 100;

/// A level in the making, linked with those beside and within it.
struct Node {
    plan: usize,
    object: At,
    first: u32,
    last: u32,
    next: u32,
}

pub(super) struct Planner<'w> {
    pub levels: &'w Levels,
    pub map: &'w Map,
    pub values: &'w mut Laid,
    pub planned: Planned,
    /// The entries of each list that levels are made of.
    entries: Vec<Entries>,
    references: Vec<Reference>,
    nodes: Vec<Node>,
    first: u32,
    last: u32,
    /// Entries that stand at several places: node by parent, list and entry.
    again: HashMap<(u32, FieldId, u32), u32>,
    /// Entries whose quantity has gone to the rows within them.
    divided: Vec<(FieldId, u32)>,
    /// Rank of each plan in the hierarchy.
    ranks: Vec<Option<usize>>,
    /// Memory for the ways above and below a row.
    ways: [Vec<Stop>; 2],
}

/// An entry on the path of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stop {
    rank: usize,
    plan: usize,
    /// Number from 1; 0 for the document.
    entry: u32,
}

/// One of the entries that a row is in: the way to it that is above the row, that below it, and which it is.
struct Way {
    above: Vec<Stop>,
    below: Vec<Stop>,
    entry: (FieldId, u32),
}

impl<'w> Planner<'w> {
    pub(super) fn new(levels: &'w Levels, map: &'w Map, values: &'w mut Laid) -> Self {
        let (entries, references) = (Entries::of(levels, values), Reference::of(levels));
        let count: usize = entries.iter().map(|e| e.at.len()).sum();
        Self {
            levels,
            map,
            values,
            planned: Planned::default(),
            entries,
            references,
            // Mostly each entry is one, and the document another one.
            nodes: Vec::with_capacity(count + 1),
            first: NONE,
            last: NONE,
            again: HashMap::new(),
            divided: Vec::new(),
            ranks: Vec::new(),
            ways: [Vec::new(), Vec::new()],
        }
    }

    pub(super) fn fault(&mut self, severity: Severity, message: String) {
        if self.planned.findings.len() < FINDINGS_MAX {
            let mend = "Change the document, or agree on another hierarchy.".to_owned();
            let mut finding = Finding::new(Code::NotWritable, Place::default(), message, mend);
            finding.severity = severity;
            self.planned.findings.push(finding);
        }
    }

    /// The lists that levels make entries of, each once.
    pub(super) fn lists(&self) -> Vec<FieldId> {
        let mut lists: Vec<FieldId> = self.levels.plans.iter().filter_map(list_of).collect();
        lists.sort_unstable();
        lists.dedup();
        lists
    }

    pub(super) fn count(&self, list: FieldId) -> u32 {
        small(self.of(list).len())
    }

    /// The entry of that number, from 1.
    pub(super) fn entry(&self, list: FieldId, number: u32) -> Option<At> {
        self.of(list).get((number as usize).wrapping_sub(1)).copied()
    }

    fn of(&self, list: FieldId) -> &[At] {
        self.entries.iter().find(|e| e.list == list).map_or(&[], |e| &e.at)
    }

    /// Where the entry of that number, from 1, was put last.
    fn put(&self, list: FieldId, number: u32) -> Option<Put> {
        self.entries.iter().find(|e| e.list == list)?.put(number)
    }

    /// The plan of the entry of that number.
    fn plan(&self, list: FieldId, number: u32) -> Option<usize> {
        let entries = self.entries.iter().find(|e| e.list == list)?;
        entries.plans.get((number as usize).wrapping_sub(1)).copied().flatten()
    }

    fn list_name(&self, list: FieldId) -> &'w str {
        let map = self.map;
        &map.shapes.field(0, list).name
    }

    /// Groups the rows by the hierarchy, given as plans from the outermost.
    pub(super) fn group(&mut self, hierarchy: &[usize]) {
        let levels = self.levels;
        self.ranks =
            (0..levels.plans.len()).map(|plan| hierarchy.iter().position(|&h| h == plan)).collect();
        for i in 0..self.entries.len() {
            let Entries { list, at, .. } = &self.entries[i];
            let of_list =
                (0..levels.plans.len()).filter(|&p| list_of(&levels.plans[p]) == Some(*list));
            let of_list: Vec<usize> = of_list.collect();
            let plans = at.iter().map(|&at| self.plan_of(&of_list, at)).collect();
            self.entries[i].plan(plans);
        }
        let stop_of = |planner: &Self, target: Target| {
            let plan = levels.plans.iter().position(|p| p.target == target)?;
            Some(Stop { rank: planner.ranks[plan]?, plan, entry: 0 })
        };
        let top = stop_of(self, Target::Document);
        let parent = if let Some(top) = top {
            self.push(NONE, top.plan, At::ROOT)
        } else {
            self.document_left_out();
            NONE
        };
        let row = stop_of(self, Target::Rows);
        match row {
            Some(row) => {
                for number in 1..=self.count(levels.rows) {
                    if let Some(object) = self.entry(levels.rows, number) {
                        self.row(object, Stop { entry: number, ..row }, parent);
                    }
                }
            }
            None if self.count(levels.rows) > 0 => {
                let message =
                    format!("The hierarchy has no level for `{}`.", self.list_name(levels.rows));
                self.fault(Severity::Fatal, message);
            }
            None => {}
        }
        for list in self.lists() {
            self.without_rows(list, row, parent);
        }
        self.undivided();
        if levels.other.is_some_and(|(list, _)| self.count(list) > 0) {
            let message = "Levels that the map does not know are left out.".to_owned();
            self.fault(Severity::Warning, message);
        }
        self.flatten();
    }

    /// The hierarchy has no level for the document: what would stand there cannot be said.
    fn document_left_out(&mut self) {
        let plan = self.levels.plans.iter().find(|p| p.target == Target::Document);
        let Some(plan) = plan else { return };
        let block = &self.map.blocks[usize::from(plan.block)];
        let places = |field: &FieldId| {
            block.place_of.get(usize::from(*field)).is_some_and(|&place| place != NO_PLACE)
        };
        let mut fields: Vec<FieldId> = self.fields(At::ROOT).map(|(field, _)| field).collect();
        fields.retain(places);
        let names: Vec<&str> = fields.into_iter().map(|field| self.list_name(field)).collect();
        if !names.is_empty() {
            self.fault(
                Severity::Fatal,
                format!("The hierarchy has no level for {}.", names.join(", ")),
            );
        }
    }

    /// The plan of an entry among those of its list: that whose constants it has, or else the lowest of the hierarchy.
    fn plan_of(&self, plans: &[usize], object: At) -> Option<usize> {
        if let [] | [_] = plans {
            return plans.first().copied();
        }
        let fits = |&&plan: &&usize| {
            let block = &self.map.blocks[usize::from(self.levels.plans[plan].block)];
            block.constants.iter().all(|&(field, word)| {
                let text = self.values.get(object, field).map(|e| self.values.bytes(e));
                text == self.map.words.get(word as usize).map(|word| word.as_bytes())
            })
        };
        let exact = plans.iter().find(fits);
        exact.or_else(|| plans.iter().max_by_key(|&&plan| self.ranks[plan])).copied()
    }

    /// Adds the way from an entry up to the outermost of its list, as far as the hierarchy has levels for it.
    fn chain(&mut self, list: FieldId, nested: Option<FieldId>, entry: u32, stops: &mut Vec<Stop>) {
        let from = stops.len();
        let mut next = Some(entry);
        // A parent that comes round again ends it after as many steps as there are entries.
        for _ in 0..=self.count(list) {
            let Some(number) = next else { break };
            let Some(object) = self.entry(list, number) else {
                let name = self.list_name(list);
                let message =
                    format!("Entry {number} of `{name}` is referred to, and is not there.");
                self.fault(Severity::Fatal, message);
                break;
            };
            if let Some(plan) = self.plan(list, number)
                && let Some(rank) = self.ranks[plan]
                && stops[from..].iter().all(|s| s.plan != plan)
            {
                stops.push(Stop { rank, plan, entry: number });
            }
            next = nested.and_then(|f| self.values.get(object, f)).map(|e| self.number(e));
        }
    }

    /// Puts a row and the entries on its path into the tree.
    fn row(&mut self, object: At, row: Stop, top: u32) {
        let [mut common, mut below] = std::mem::take(&mut self.ways);
        common.clear();
        below.clear();
        let mut ways: Vec<Way> = Vec::new();
        for i in 0..self.references.len() {
            let Reference { list, field, many, nested } = self.references[i];
            let Some(found) = self.values.get(object, field) else { continue };
            if !many {
                self.chain(list, nested, self.number(found), &mut common);
                continue;
            }
            if self.values.items(found) == 1 {
                let number = self.values.item(found, 0).map_or(0, |e| self.number(e));
                self.chain(list, nested, number, &mut common);
                continue;
            }
            let numbers: Vec<u32> = self.values.within(found).map(|e| self.number(e)).collect();
            for number in numbers {
                let mut chain = Vec::new();
                self.chain(list, nested, number, &mut chain);
                let (above, below) = chain.into_iter().partition(|s| s.rank < row.rank);
                ways.push(Way { above, below, entry: (list, number) });
            }
        }
        common.sort_by_key(|s| s.rank);
        below.extend(common.drain(common.partition_point(|s| s.rank < row.rank)..));
        if ways.iter().all(|way| way.above.is_empty()) {
            let parent = self.walk_in(top, &common, true);
            let at = self.push(parent, row.plan, object);
            self.planned.rows += 1;
            let at = self.walk_in(at, &below, false);
            for way in &mut ways {
                way.below.sort_by_key(|s| s.rank);
                self.walk_in(at, &way.below, false);
            }
        } else {
            self.divide(object, row, top, &common, &below, &mut ways);
        }
        self.ways = [common, below];
    }

    /// A row that is in several entries above it is told once in each of them.
    fn divide(
        &mut self,
        object: At,
        row: Stop,
        top: u32,
        above: &[Stop],
        below: &[Stop],
        ways: &mut [Way],
    ) {
        ways.sort_by_key(|way| way.above.last().map(|s| s.entry));
        let single = ways.windows(2).all(|pair| pair[0].above == pair[1].above);
        for group in ways.chunk_by_mut(|a, b| a.above == b.above) {
            let mut path: Vec<Stop> = above.iter().chain(&group[0].above).copied().collect();
            path.sort_by_key(|s| s.rank);
            let parent = self.walk_in(top, &path, true);
            let shown = match group {
                _ if single => object,
                [way] => self.part_of(object, row.entry, way.entry),
                _ => {
                    self.not_told(row.entry);
                    object
                }
            };
            let at = self.push(parent, row.plan, shown);
            self.planned.rows += 1;
            let at = self.walk_in(at, below, false);
            for way in group {
                way.below.sort_by_key(|s| s.rank);
                self.walk_in(at, &way.below, false);
            }
        }
    }

    fn not_told(&mut self, row: u32) {
        let message = format!("How much of row {row} is in each of its packages cannot be told.");
        self.fault(Severity::Fatal, message);
    }

    /// A row as it is within one of its entries: the fields that are divided come from there.
    fn part_of(&mut self, row: At, number: u32, (list, entry): (FieldId, u32)) -> At {
        let map = self.map;
        let (Some(from), Kind::Object(inner)) =
            (self.entry(list, entry), map.shapes.field(0, list).kind)
        else {
            return row;
        };
        let (shape, inner) = (map.shapes.get(self.levels.row_shape), map.shapes.get(inner));
        let mut fields: Vec<(FieldId, At)> = self.fields(row).collect();
        let levels = self.levels;
        for (i, name) in levels.split.iter().enumerate() {
            let (Some(own), Some(other)) = (shape.find(name), inner.find(name)) else {
                continue;
            };
            if let Some(value) = self.values.get(from, other) {
                fields.retain(|(field, _)| *field != own);
                fields.push((own, value));
            } else if i == 0 {
                self.not_told(number);
            }
        }
        self.divided.push((list, entry));
        self.values.object_of(&fields)
    }

    /// The fields of an object, each with its value.
    fn fields(&self, object: At) -> impl Iterator<Item = (FieldId, At)> {
        self.values.within(object).filter_map(|at| Some((self.values.entry(at)?.field, at)))
    }

    /// A number that refers to an entry; 0, which none has, for whatever cannot be one.
    fn number(&self, at: At) -> u32 {
        self.values.ordinal(at).unwrap_or(0)
    }

    /// Takes what went to the rows out of the entries.
    fn undivided(&mut self) {
        let map = self.map;
        for (list, number) in std::mem::take(&mut self.divided) {
            let (Some(object), Kind::Object(inner)) =
                (self.entry(list, number), map.shapes.field(0, list).kind)
            else {
                continue;
            };
            let shape = map.shapes.get(inner);
            let gone: Vec<_> =
                self.levels.split.iter().filter_map(|name| shape.find(name)).collect();
            let mut fields: Vec<(FieldId, At)> = self.fields(object).collect();
            fields.retain(|(field, _)| !gone.contains(field));
            let without = self.values.object_of(&fields);
            let put = self.put(list, number);
            if let Some(node) = put.and_then(|put| self.nodes.get_mut(put.node as usize)) {
                node.object = without;
            }
        }
    }

    /// Follows a path down from a node, making what is not there. `above` the row, what contains others stands at
    /// one place.
    fn walk_in(&mut self, from: u32, path: &[Stop], above: bool) -> u32 {
        path.iter().fold(from, |at, stop| {
            let target = self.levels.plans[stop.plan].target;
            let Target::List { list, nested, .. } = target else { return at };
            let before = self.put(list, stop.entry);
            if let Some(before) = before.filter(|b| b.parent == at) {
                return before.node;
            }
            if let Some(&node) = before.and_then(|_| self.again.get(&(at, list, stop.entry))) {
                return node;
            }
            if let Some(before) = before {
                self.again.insert((before.parent, list, stop.entry), before.node);
                if nested.is_some() {
                    let name = self.list_name(list);
                    let message = format!(
                        "Entry {} of `{name}` is within several levels, which this hierarchy cannot say.",
                        stop.entry
                    );
                    self.fault(if above { Severity::Fatal } else { Severity::Warning }, message);
                }
            }
            let object = self.entry(list, stop.entry).unwrap_or(At::NOTHING);
            let node = self.push(at, stop.plan, object);
            let index = (stop.entry as usize).wrapping_sub(1);
            let entries = self.entries.iter_mut().find(|e| e.list == list);
            if let Some(put) = entries.and_then(|e| e.put.get_mut(index)) {
                *put = Put { parent: at, node };
            }
            node
        })
    }

    fn push(&mut self, parent: u32, plan: usize, object: At) -> u32 {
        let node = small(self.nodes.len());
        self.nodes.push(Node { plan, object, first: NONE, last: NONE, next: NONE });
        let before = if let Some(parent) = self.nodes.get_mut(parent as usize) {
            if parent.first == NONE {
                parent.first = node;
            }
            std::mem::replace(&mut parent.last, node)
        } else {
            if self.first == NONE {
                self.first = node;
            }
            std::mem::replace(&mut self.last, node)
        };
        if let Some(before) = self.nodes.get_mut(before as usize) {
            before.next = node;
        }
        node
    }

    /// Entries of a list that no row refers to.
    fn without_rows(&mut self, list: FieldId, row: Option<Stop>, top: u32) {
        let nested = self.levels.plans.iter().find_map(|p| match p.target {
            Target::List { list: other, nested, .. } if other == list => Some(nested),
            _ => None,
        });
        let name = self.list_name(list);
        let mut left_out = 0;
        for number in 1..=self.count(list) {
            if self.put(list, number).is_some() {
                continue;
            }
            let mut path: Vec<Stop> = Vec::new();
            self.chain(list, nested.flatten(), number, &mut path);
            let Some(own) = path.first().copied().filter(|s| s.entry == number) else {
                left_out += 1;
                continue;
            };
            if row.is_some_and(|row| own.rank > row.rank) {
                let message = format!(
                    "Entry {number} of `{name}` is empty, which this hierarchy cannot say."
                );
                self.fault(Severity::Fatal, message);
                continue;
            }
            for other in self.lists().into_iter().filter(|&l| l != list) {
                let lowest = self
                    .levels
                    .plans
                    .iter()
                    .zip(&self.ranks)
                    .filter(|(p, _)| list_of(p) == Some(other));
                let above = lowest.filter_map(|(_, rank)| *rank).any(|rank| rank < own.rank);
                match self.count(other) {
                    1 if above => self.chain(other, None, 1, &mut path),
                    2.. if above => {
                        let message = format!(
                            "Entry {number} of `{name}` is empty: what it belongs to cannot be told."
                        );
                        self.fault(Severity::Fatal, message);
                    }
                    _ => {}
                }
            }
            path.sort_by_key(|s| s.rank);
            self.walk_in(top, &path, true);
        }
        if left_out > 0 {
            let message = format!(
                "{left_out} of `{name}` are left out: the hierarchy has no level for them."
            );
            self.fault(Severity::Warning, message);
        }
    }

    /// The tree in the order in which it is written.
    fn flatten(&mut self) {
        self.planned.levels.reserve(self.nodes.len());
        let mut open: Vec<(u32, Option<usize>)> = vec![(self.first, None)];
        while let Some((at, within)) = open.pop() {
            let Some(node) = self.nodes.get(at as usize) else { continue };
            let out = self.planned.levels.len();
            self.planned.levels.push(Out {
                plan: Some(node.plan),
                object: node.object,
                within,
                has_children: node.first != NONE,
                told: None,
            });
            open.push((node.next, within));
            open.push((node.first, Some(out)));
        }
    }
}
