//! Levels of a nested loop become entries of lists and rows that refer to them.
//!
//! A first pass looks only at the opening segments and finds out what each level is, what it is within, and
//! whether the hierarchy alone gives this structure again; a second one reads the levels in their order.

use std::collections::HashMap;

use super::super::plan::{LevelPlan, Levels, Target};
use super::super::values::{Entry, small};
use super::{Pass, Span};
use crate::findings::Code;

/// One level, as the first pass sees it.
struct Level<'r> {
    instance: u32,
    /// Its opening segment.
    first: u32,
    /// Segments of its own.
    segments: std::ops::Range<u32>,
    /// Index into the plans; `None` for one that no plan knows.
    plan: Option<usize>,
    /// Number of its entry in its list, from 1; 0 for the document.
    entry: u32,
    within: Option<usize>,
    id: &'r [u8],
    parent: &'r [u8],
    code: &'r [u8],
    child: &'r [u8],
    has_children: bool,
}

impl<'r> Pass<'r, '_> {
    pub(super) fn levels(&mut self, plan: &'r Levels) {
        let mut levels = self.survey(plan);
        self.entries(plan, &mut levels);
        self.tell_unread(plan, &levels);
        let above = Above::of(plan, &levels);
        let packed = packed(plan, &levels, &above);
        let document = levels.iter().position(|l| target(plan, l) == Some(Target::Document));
        if let Some(level) = document {
            self.level_fields(plan, &levels[level]);
        }
        let mut lists: Vec<u16> = plan
            .plans
            .iter()
            .filter_map(|p| match p.target {
                Target::List { list, .. } => Some(list),
                _ => None,
            })
            .chain([plan.rows])
            .chain(plan.other.map(|(field, _)| field))
            .collect();
        lists.sort_unstable();
        lists.dedup();
        for list in lists {
            let mark = self.values.mark();
            for i in 0..levels.len() {
                if list_of(plan, &levels[i]) == Some(list) {
                    self.entry(plan, &levels, i, &above, &packed);
                }
            }
            if self.values.mark() > mark {
                let entry = self.values.list(mark);
                self.values.push(list, entry);
            }
        }
        if !levels.is_empty() {
            self.structure(plan, &levels, &above);
        }
    }

    /// The levels with their parents.
    fn survey(&self, plan: &Levels) -> Vec<Level<'r>> {
        let tree = self.walked.tree;
        let mut levels: Vec<Level<'r>> = Vec::new();
        for (instance, found) in tree.instances.iter().enumerate() {
            if found.node != plan.node {
                continue;
            }
            let segment = self.segment(found.first);
            let element = |position: u16| segment.element(usize::from(position));
            // A level ends where the next one begins, whether the walk nests them or not.
            if let Some(before) = levels.last_mut() {
                before.segments.end = before.segments.end.min(found.first);
            }
            let code = element(plan.nested.level);
            levels.push(Level {
                instance: small(instance),
                first: found.first,
                segments: found.first..found.end,
                plan: plan.plans.iter().position(|p| p.code.as_ref() == code),
                entry: 0,
                within: None,
                id: element(plan.nested.id),
                parent: element(plan.nested.parent),
                code,
                child: element(plan.nested.child),
                has_children: false,
            });
        }
        let mut by_id: HashMap<&[u8], usize> = HashMap::new();
        for i in 0..levels.len() {
            let parent = levels[i].parent;
            if !parent.is_empty() {
                let number =
                    number(parent).filter(|&n| n >= 1 && n <= i && levels[n - 1].id == parent);
                levels[i].within = number.map(|n| n - 1).or_else(|| by_id.get(parent).copied());
            }
            if let Some(within) = levels[i].within {
                levels[within].has_children = true;
            }
            if number(levels[i].id) != Some(i + 1) {
                by_id.entry(levels[i].id).or_insert(i);
            }
        }
        levels
    }

    /// Numbers the entries. A second level of the document has no place there and is carried along.
    fn entries(&mut self, plan: &Levels, levels: &mut [Level<'_>]) {
        let mut counts: HashMap<u16, u32> = HashMap::new();
        let mut documents = 0;
        for level in levels.iter_mut() {
            if target(plan, level) == Some(Target::Document) {
                documents += 1;
                if documents > 1 {
                    level.plan = None;
                }
            }
            if let Some(list) = list_of(plan, level) {
                let count = counts.entry(list).or_insert(0);
                *count += 1;
                level.entry = *count;
            }
        }
        self.work.rows = counts.get(&plan.rows).copied().unwrap_or(0);
    }

    /// A finding for each level that no section of the map reads.
    fn tell_unread(&mut self, plan: &Levels, levels: &[Level<'r>]) {
        for level in levels.iter().filter(|l| l.plan.is_none() && !l.code.is_empty()) {
            let piece = self.piece(self.segment(level.first), usize::from(plan.nested.level));
            let known = plan.plans.iter().any(|p| p.code.as_ref() == level.code);
            let why = if known {
                "a second level of this kind, where the document has room for one"
            } else {
                "a level that the map has no section for"
            };
            self.report(Code::LevelUnknown, level.first, piece, why);
        }
    }

    /// The object of a level, pushed to the list that is open.
    fn entry(
        &mut self,
        plan: &'r Levels,
        levels: &[Level<'r>],
        i: usize,
        above: &Above,
        packed: &HashMap<usize, Vec<(u16, u32)>>,
    ) {
        let level = &levels[i];
        let mark = self.values.mark();
        self.level_fields(plan, level);
        let known = level.plan.and_then(|p| plan.plans.get(p));
        match known.map(|p| p.target) {
            Some(Target::List { list, nested: Some(nested), .. }) => {
                let parent = above.nearest(i, |p| list_of_plan(plan, p) == Some(list));
                if let Some(parent) = parent {
                    self.values.push(nested, Entry::integer(levels[parent].entry));
                }
            }
            Some(Target::Rows) => self.references(plan, packed.get(&i).map_or(&[], Vec::as_slice)),
            _ => {}
        }
        let object = self.values.object(mark);
        self.values.push(0, object);
    }

    /// The fields of a row that refer to entries.
    fn references(&mut self, plan: &Levels, references: &[(u16, u32)]) {
        let mut done: Vec<u16> = Vec::new();
        for known in &plan.plans {
            let Target::List { reference, many, .. } = known.target else { continue };
            if done.contains(&reference) {
                continue;
            }
            done.push(reference);
            let mut entries =
                references.iter().filter(|(field, _)| *field == reference).map(|(_, entry)| *entry);
            if many {
                let mark = self.values.mark();
                for entry in entries {
                    self.values.push(0, Entry::integer(entry));
                }
                if self.values.mark() > mark {
                    let list = self.values.list(mark);
                    self.values.push(reference, list);
                }
            } else if let Some(entry) = entries.next() {
                self.values.push(reference, Entry::integer(entry));
            }
        }
    }

    fn level_fields(&mut self, plan: &'r Levels, level: &Level<'r>) {
        let block = match level.plan.and_then(|p| plan.plans.get(p)) {
            Some(known) => Some(known.block),
            None => plan.other.map(|(_, block)| block),
        };
        let Some(block) = block else { return };
        let span =
            Span { instance: level.instance, node: plan.node, segments: level.segments.clone() };
        self.loop_fields(block, &span);
    }

    /// `structure`: the hierarchy, and all levels one by one where that does not give them again.
    fn structure(&mut self, plan: &Levels, levels: &[Level<'r>], above: &Above) {
        let fields = plan.structure;
        let mark = self.values.mark();
        let hierarchy = hierarchy(plan, levels);
        let list = self.values.mark();
        for &p in &hierarchy {
            let name = self.values.text(&plan.plans[p].name);
            self.values.push(0, name);
        }
        if self.values.mark() > list {
            let names = self.values.list(list);
            self.values.push(fields.hierarchy, names);
        }
        let style = child_style(levels);
        if let Some(style) = style.filter(|s| !s.is_empty()) {
            let text = self.values.text(style);
            self.values.push(fields.child_codes, text);
        }
        if style.is_none() || !regular(plan, levels, above, &hierarchy) {
            self.each_level(plan, levels, style);
        }
        let object = self.values.object(mark);
        self.values.push(fields.field, object);
    }

    fn each_level(&mut self, plan: &Levels, levels: &[Level<'r>], style: Option<&str>) {
        let [code, entry, within, id, parent, child] = plan.structure.level;
        let list = self.values.mark();
        for (i, level) in levels.iter().enumerate() {
            let mark = self.values.mark();
            self.raw(code, level.code);
            if level.entry > 0 {
                self.values.push(entry, Entry::integer(level.entry));
            }
            if let Some(w) = level.within {
                self.values.push(within, Entry::integer(small(w + 1)));
            }
            if level.id != (i + 1).to_string().as_bytes() {
                self.raw(id, level.id);
            }
            let expected = level.within.map_or(&[][..], |w| levels[w].id);
            if level.parent != expected {
                self.raw(parent, level.parent);
            }
            if style.is_none() && !level.child.is_empty() {
                self.raw(child, level.child);
            }
            let object = self.values.object(mark);
            self.values.push(0, object);
        }
        let all = self.values.list(list);
        self.values.push(plan.structure.levels, all);
    }

    fn raw(&mut self, field: u16, bytes: &[u8]) {
        let text = self.values.text(&crate::x12::decode(bytes));
        self.values.push(field, text);
    }
}

fn number(bytes: &[u8]) -> Option<usize> {
    if bytes.first() == Some(&b'0') {
        return None;
    }
    std::str::from_utf8(bytes).ok().filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

fn known<'p>(plan: &'p Levels, level: &Level<'_>) -> Option<&'p LevelPlan> {
    plan.plans.get(level.plan?)
}

fn target(plan: &Levels, level: &Level<'_>) -> Option<Target> {
    known(plan, level).map(|p| p.target)
}

/// The list that a level's entry is in; `None` for the document.
fn list_of(plan: &Levels, level: &Level<'_>) -> Option<u16> {
    list_of_plan(plan, level.plan)
}

fn list_of_plan(plan: &Levels, of: Option<usize>) -> Option<u16> {
    match of.and_then(|p| plan.plans.get(p)).map(|p| p.target) {
        Some(Target::Document) => None,
        Some(Target::List { list, .. }) => Some(list),
        Some(Target::Rows) => Some(plan.rows),
        None => plan.other.map(|(field, _)| field),
    }
}

/// For each level and each plan, the nearest level of that plan that it is within. Made in one pass, since walking up
/// from every level costs the square of the depth, and nothing bounds how deep a partner nests.
struct Above {
    /// A row for each level: a column for each plan, and a last one for levels that no plan knows.
    nearest: Vec<Option<u32>>,
    columns: usize,
}

impl Above {
    fn of(plan: &Levels, levels: &[Level<'_>]) -> Self {
        let columns = plan.plans.len() + 1;
        let mut nearest: Vec<Option<u32>> = Vec::with_capacity(levels.len() * columns);
        for level in levels {
            let start = nearest.len();
            match level.within {
                // Parents come before their children.
                Some(within) => {
                    nearest.extend_from_within(within * columns..(within + 1) * columns);
                    let column = levels[within].plan.unwrap_or(columns - 1);
                    nearest[start + column] = Some(small(within));
                }
                None => nearest.resize(start + columns, None),
            }
        }
        Self { nearest, columns }
    }

    /// The nearest level around this one, of those plans; `None` stands for levels that no plan knows.
    fn nearest(&self, i: usize, of: impl Fn(Option<usize>) -> bool) -> Option<usize> {
        let row = self.nearest.get(i * self.columns..(i + 1) * self.columns)?;
        let known = |column: usize| Some(column).filter(|&c| c + 1 < self.columns);
        let found = row.iter().enumerate().filter(|(column, _)| of(known(*column)));
        // What is nearer came later.
        found.filter_map(|(_, level)| *level).max().map(|level| level as usize)
    }

    /// The nearest row around this level.
    fn row(&self, plan: &Levels, i: usize) -> Option<usize> {
        self.nearest(i, |p| target_of(plan, p) == Some(Target::Rows))
    }
}

fn target_of(plan: &Levels, of: Option<usize>) -> Option<Target> {
    of.and_then(|p| plan.plans.get(p)).map(|p| p.target)
}

/// For each row, the fields that refer to entries, and the numbers: those that it is within, and those within it.
fn packed(plan: &Levels, levels: &[Level<'_>], above: &Above) -> HashMap<usize, Vec<(u16, u32)>> {
    let mut references: HashMap<usize, Vec<(u16, u32)>> = HashMap::new();
    for i in 0..levels.len() {
        match target(plan, &levels[i]) {
            Some(Target::Rows) => {
                let mut found: Vec<(u16, u32)> = Vec::new();
                for known in &plan.plans {
                    let Target::List { reference, .. } = known.target else { continue };
                    if found.iter().any(|(field, _)| *field == reference) {
                        continue;
                    }
                    let refers = |p| {
                        matches!(target_of(plan, p),
                            Some(Target::List { reference: other, .. }) if other == reference)
                    };
                    if let Some(a) = above.nearest(i, refers) {
                        found.push((reference, levels[a].entry));
                    }
                }
                references.entry(i).or_default().extend(found);
            }
            Some(Target::List { reference, list, .. }) => {
                let Some(row) = above.row(plan, i) else { continue };
                let own = |p| {
                    matches!(target_of(plan, p),
                        Some(Target::List { list: other, .. }) if other == list)
                };
                let within_own = above.nearest(i, own).filter(|&a| a > row);
                let within_own = within_own.map(|a| levels[a].entry);
                let row = references.entry(row).or_default();
                // Only the innermost is referred to; it tells what it is within itself.
                row.retain(|(field, entry)| *field != reference || Some(*entry) != within_own);
                row.push((reference, levels[i].entry));
            }
            _ => {}
        }
    }
    references
}

/// The plans in the order in which they are nested, as far as there is one.
fn hierarchy(plan: &Levels, levels: &[Level<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    for level in levels {
        let Some(p) = level.plan else { continue };
        if order.contains(&p) {
            continue;
        }
        // Before the first of those that the usual hierarchy has after it, unless it is within one of them.
        let within = level
            .within
            .and_then(|w| levels[w].plan)
            .and_then(|w| order.iter().position(|&o| o == w));
        let usual = |p: usize| plan.hierarchy.iter().position(|&h| usize::from(h) == p);
        let from = within.map_or(0, |w| w + 1);
        let at = (from..order.len()).find(|&i| usual(order[i]) > usual(p)).unwrap_or(order.len());
        order.insert(at, p);
    }
    order
}

/// Which levels tell whether others are within them: `all`, only the `parents`, none (the empty text); `None` for neither.
fn child_style(levels: &[Level<'_>]) -> Option<&'static str> {
    let code = |l: &Level<'_>| if l.has_children { &b"1"[..] } else { &b"0"[..] };
    if levels.iter().all(|l| l.child.is_empty()) {
        Some("")
    } else if levels.iter().all(|l| l.child == code(l)) {
        Some("all")
    } else if levels
        .iter()
        .all(|l| if l.has_children { l.child == b"1" } else { l.child.is_empty() })
    {
        Some("parents")
    } else {
        None
    }
}

/// Whether grouping the rows by the hierarchy gives these levels again: numbered one by one, each within one that
/// is still open, further down the hierarchy than it, and none without rows.
fn regular(plan: &Levels, levels: &[Level<'_>], above: &Above, hierarchy: &[usize]) -> bool {
    let rank = |i: usize| levels[i].plan.and_then(|p| hierarchy.iter().position(|&h| h == p));
    let mut open: Vec<usize> = Vec::new();
    let has_document = levels.iter().any(|l| target(plan, l) == Some(Target::Document));
    for (i, level) in levels.iter().enumerate() {
        let Some(own) = rank(i) else { return false };
        if number(level.id) != Some(i + 1) || (level.within.is_none() && !level.parent.is_empty()) {
            return false;
        }
        match level.within {
            None => {
                if has_document && i > 0 {
                    return false;
                }
                open.clear();
            }
            Some(within) => {
                while open.last().is_some_and(|&top| top != within) {
                    open.pop();
                }
                if open.is_empty() || rank(within).is_none_or(|r| r >= own) {
                    return false;
                }
            }
        }
        if i == 0 && has_document && target(plan, level) != Some(Target::Document) {
            return false;
        }
        open.push(i);
        let is_row = |i: usize| target(plan, &levels[i]) == Some(Target::Rows);
        let below_row = above.row(plan, i).is_some();
        if !level.has_children && !is_row(i) && !below_row {
            return false;
        }
        // A row within a row, or packages both above and below one, say more than rows can.
        if below_row && (is_row(i) || mixed(plan, levels, above, i)) {
            return false;
        }
    }
    true
}

/// Whether a level below a row has one of its own list above that row.
fn mixed(plan: &Levels, levels: &[Level<'_>], above: &Above, i: usize) -> bool {
    let list = list_of(plan, &levels[i]);
    let row = above.row(plan, i);
    row.is_some_and(|row| above.nearest(row, |p| list_of_plan(plan, p) == list).is_some())
}
