//! Levels of a nested loop become entries of lists and rows that refer to them.
//!
//! A first pass looks only at the opening segments and finds out what each level is, what it is within, and
//! whether the hierarchy alone gives this structure again; a second one reads the levels in their order.

use std::collections::HashMap;
use std::ops::Range;

use super::super::laid::small;
use super::super::plan::{Block, LevelPlan, Levels, Target};
use super::super::shape::{Field, FieldId};
use super::{ELSEWHERE, Item, Pass, Span, UNPLACED, is_code};
use crate::findings::Code;
use crate::x12::decode;

/// One level, as the first pass sees it.
struct Level<'r> {
    instance: u32,
    /// Its opening segment.
    first: u32,
    /// Segments of its own.
    segments: Range<u32>,
    /// Index into the plans; `None` for one that no plan knows.
    plan: Option<usize>,
    /// Field of the list that its entry is in; `None` for the document.
    list: Option<u16>,
    /// Number of its entry in its list, from 1; 0 for the document.
    entry: u32,
    /// Whether its number is its place among the levels.
    numbered: bool,
    within: Option<usize>,
    id: &'r [u8],
    parent: &'r [u8],
    code: &'r [u8],
    child: &'r [u8],
    has_children: bool,
}

impl<'r> Pass<'r, '_> {
    /// What the set itself and its levels say, as far as possible in the order of the document.
    pub(super) fn with_levels(&mut self, plan: &'r Levels, block: &'r Block, items: Range<usize>) {
        for item in &mut self.work.items[items.clone()] {
            if item.local == plan.local {
                item.claim = ELSEWHERE;
            }
        }
        let mut levels = self.survey(plan);
        self.entries(plan, &mut levels);
        self.tell_unread(plan, &levels);
        let before = |item: &Item| item.local == UNPLACED || item.local < plan.local;
        let first = self.work.items[items.clone()].iter().take_while(|item| before(item)).count();
        let first = items.start + first;
        self.claim(block, items.start..first);
        let above = Above::of(plan, &levels);
        self.levels(plan, &levels, &above);
        self.claim(block, first..items.end);
        if !levels.is_empty() {
            self.structure(plan, &levels, &above);
        }
    }

    fn levels(&mut self, plan: &'r Levels, levels: &[Level<'r>], above: &Above) {
        let packed = packed(plan, levels, above);
        let document = levels.iter().position(|l| target(plan, l) == Some(Target::Document));
        if let Some(level) = document {
            self.level_fields(plan, &levels[level], |_| ());
        }
        let mut lists: Vec<u16> = levels.iter().filter_map(|level| level.list).collect();
        lists.sort_unstable();
        lists.dedup();
        for field in lists {
            let list = self.json.list(self.map.fields_at(0), field);
            for i in 0..levels.len() {
                if levels[i].list == Some(field) {
                    self.entry(plan, levels, i, above, &packed);
                }
            }
            self.json.close(list);
        }
    }

    /// The levels with their parents.
    fn survey(&self, plan: &Levels) -> Vec<Level<'r>> {
        let tree = self.walked.tree;
        let mut levels: Vec<Level<'r>> = Vec::with_capacity(tree.instances.len());
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
                plan: plan.plans.iter().position(|p| is_code(&p.code, code)),
                list: None,
                entry: 0,
                numbered: false,
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
            levels[i].numbered = number(levels[i].id) == Some(i + 1);
            if !levels[i].numbered {
                by_id.entry(levels[i].id).or_insert(i);
            }
        }
        levels
    }

    /// Numbers the entries. A second level of the document has no place there and is carried along.
    fn entries(&mut self, plan: &Levels, levels: &mut [Level<'_>]) {
        let mut counts = vec![0; self.map.fields_at(0).len()];
        let mut documents = 0;
        for level in levels.iter_mut() {
            if target(plan, level) == Some(Target::Document) {
                documents += 1;
                if documents > 1 {
                    level.plan = None;
                }
            }
            level.list = list_of(plan, level.plan);
            if let Some(count) = level.list.and_then(|list| counts.get_mut(usize::from(list))) {
                *count += 1;
                level.entry = *count;
            }
        }
        self.work.rows = counts.get(usize::from(plan.rows)).copied().unwrap_or(0);
    }

    /// A finding for each level that no section of the map reads.
    fn tell_unread(&mut self, plan: &Levels, levels: &[Level<'r>]) {
        for level in levels.iter().filter(|l| l.plan.is_none() && !l.code.is_empty()) {
            let piece = self.piece(&self.segment(level.first), usize::from(plan.nested.level));
            let known = plan.plans.iter().any(|p| p.code.as_ref() == level.code);
            let why = if known {
                "a second level of this kind, where the document has room for one"
            } else {
                "a level that the map has no section for"
            };
            self.report(Code::LevelUnknown, level.first, piece, why);
        }
    }

    /// The object of a level.
    fn entry(
        &mut self,
        plan: &'r Levels,
        levels: &[Level<'r>],
        i: usize,
        above: &Above,
        packed: &Packed,
    ) {
        let level = &levels[i];
        let object = self.json.item();
        self.level_fields(plan, level, |pass| {
            match known(plan, level).map(|p| (p.target, p.block)) {
                Some((Target::List { list, nested: Some(nested), .. }, block)) => {
                    if let Some(parent) = above.nearest(i, |c| above.lists[c] == Some(list)) {
                        let fields = pass.fields(pass.block(block));
                        pass.json.number(fields, nested, levels[parent].entry.into());
                    }
                }
                Some((Target::Rows, _)) => pass.references(plan, packed, small(i)),
                _ => {}
            }
        });
        self.json.object(object);
    }

    /// The fields of a row that refer to entries.
    fn references(&mut self, plan: &Levels, packed: &Packed, row: u32) {
        let fields = self.map.fields_at(plan.row_shape);
        let of_row = packed.of(row);
        for &(reference, many) in &packed.fields {
            let mut entries =
                of_row.iter().filter(|(_, field, _)| *field == reference).map(|found| found.2);
            if many {
                let list = self.json.list(fields, reference);
                for entry in entries {
                    self.json.number_item(entry);
                }
                self.json.close(list);
            } else if let Some(entry) = entries.next() {
                self.json.number(fields, reference, entry.into());
            }
        }
    }

    /// The fields of a level; `first` adds some between its constants and what its segments say.
    fn level_fields(&mut self, plan: &'r Levels, level: &Level<'r>, first: impl FnOnce(&mut Self)) {
        let block = match known(plan, level) {
            Some(known) => Some(known.block),
            None => plan.other.map(|(_, block)| block),
        };
        let Some(block) = block else { return };
        self.constants(self.block(block));
        first(self);
        let span =
            Span { instance: level.instance, node: plan.node, segments: level.segments.clone() };
        self.loop_fields(block, &span);
    }

    /// `structure`: the hierarchy, and all levels one by one where that does not give them again.
    fn structure(&mut self, plan: &Levels, levels: &[Level<'r>], above: &Above) {
        let root = self.map.fields_at(0);
        let ids = plan.structure;
        let fields = self.map.fields_of(root, ids.field);
        let object = self.json.name(root, ids.field);
        let hierarchy = hierarchy(plan, levels);
        let list = self.json.list(fields, ids.hierarchy);
        for &p in &hierarchy {
            self.json.text_item(&plan.plans[p].name);
        }
        self.json.close(list);
        let style = child_style(levels);
        if let Some(style) = style.filter(|s| !s.is_empty()) {
            self.json.text(fields, ids.child_codes, style);
        }
        if style.is_none() || !regular(plan, levels, above, &hierarchy) {
            let list = self.json.list(fields, ids.levels);
            let fields = self.map.fields_of(fields, ids.levels);
            self.each_level(ids.level, fields, levels, style);
            self.json.close(list);
        }
        self.json.object(object);
    }

    fn each_level(
        &mut self,
        ids: [FieldId; 6],
        fields: &[Field],
        levels: &[Level<'r>],
        style: Option<&str>,
    ) {
        let [code, entry, within, id, parent, child] = ids;
        let json = &mut *self.json;
        for level in levels {
            let object = json.item();
            json.text(fields, code, &decode(level.code));
            if level.entry > 0 {
                json.number(fields, entry, level.entry.into());
            }
            if let Some(w) = level.within {
                json.number(fields, within, i64::from(small(w + 1)));
            }
            if !level.numbered {
                json.text(fields, id, &decode(level.id));
            }
            let expected = level.within.map_or(&[][..], |w| levels[w].id);
            if level.parent != expected {
                json.text(fields, parent, &decode(level.parent));
            }
            if style.is_none() && !level.child.is_empty() {
                json.text(fields, child, &decode(level.child));
            }
            json.object(object);
        }
    }
}

/// A number without zeros before it.
fn number(bytes: &[u8]) -> Option<usize> {
    if bytes.first() == Some(&b'0') || bytes.is_empty() || bytes.len() > 15 {
        return None;
    }
    bytes.iter().try_fold(0, |sum, &b| b.is_ascii_digit().then(|| sum * 10 + usize::from(b - b'0')))
}

fn known<'p>(plan: &'p Levels, level: &Level<'_>) -> Option<&'p LevelPlan> {
    plan.plans.get(level.plan?)
}

fn target(plan: &Levels, level: &Level<'_>) -> Option<Target> {
    known(plan, level).map(|p| p.target)
}

/// The list that entries of a plan are in; `None` for the document.
fn list_of(plan: &Levels, of: Option<usize>) -> Option<u16> {
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
    /// A row for each level: a column for each plan, and a last one for levels that no plan knows. 0 for none, or else
    /// the level's place from 1: what is nearer came later.
    nearest: Vec<u32>,
    /// For each column: its list, and the row's field that refers to its entries.
    lists: Vec<Option<u16>>,
    references: Vec<Option<u16>>,
    /// For each level the nearest row around it.
    row: Vec<Option<usize>>,
}

impl Above {
    fn of(plan: &Levels, levels: &[Level<'_>]) -> Self {
        let columns = plan.plans.len() + 1;
        let mut nearest: Vec<u32> = Vec::with_capacity(levels.len() * columns);
        let mut row: Vec<Option<usize>> = Vec::with_capacity(levels.len());
        for level in levels {
            let start = nearest.len();
            row.push(level.within.and_then(|within| {
                let is_row = target(plan, &levels[within]) == Some(Target::Rows);
                if is_row { Some(within) } else { row[within] }
            }));
            match level.within {
                // Parents come before their children.
                Some(within) => {
                    nearest.extend_from_within(within * columns..(within + 1) * columns);
                    let column = levels[within].plan.unwrap_or(columns - 1);
                    nearest[start + column] = small(within + 1);
                }
                None => nearest.resize(start + columns, 0),
            }
        }
        let known = |c: usize| Some(c).filter(|&c| c + 1 < columns);
        let targets = || (0..columns).map(|c| known(c).map(|p| plan.plans[p].target));
        Self {
            nearest,
            lists: (0..columns).map(|c| list_of(plan, known(c))).collect(),
            references: targets().map(reference).collect(),
            row,
        }
    }

    /// The nearest level around this one, in those columns.
    #[inline]
    fn nearest(&self, i: usize, of: impl Fn(usize) -> bool) -> Option<usize> {
        let columns = self.lists.len();
        let row = self.nearest.get(i * columns..(i + 1) * columns)?;
        let found = row.iter().enumerate().filter(|(column, _)| of(*column));
        found.map(|(_, &level)| level).max().filter(|&level| level > 0).map(|l| l as usize - 1)
    }

    /// The nearest row around this level.
    fn row(&self, i: usize) -> Option<usize> {
        self.row.get(i).copied().flatten()
    }
}

/// The row's field that refers to entries of a target.
fn reference(target: Option<Target>) -> Option<u16> {
    match target {
        Some(Target::List { reference, .. }) => Some(reference),
        _ => None,
    }
}

/// What the fields of rows refer to.
struct Packed {
    /// The fields, and whether they refer to many.
    fields: Vec<(u16, bool)>,
    /// Row, field and entry, row by row.
    found: Vec<(u32, u16, u32)>,
    /// For each level, where its row begins.
    starts: Vec<u32>,
}

impl Packed {
    /// What is known of a row.
    fn of(&self, row: u32) -> &[(u32, u16, u32)] {
        let start = self.starts.get(row as usize).map_or(0, |&start| start as usize);
        let rest = self.found.get(start..).unwrap_or_default();
        let count = rest.iter().take_while(|found| found.0 == row).count();
        &rest[..count]
    }
}

/// For each row, the fields that refer to entries, and the numbers: those that it is within, and those within it.
fn packed(plan: &Levels, levels: &[Level<'_>], above: &Above) -> Packed {
    let fields: Vec<(u16, bool)> = plan.references().collect();
    let mut found: Vec<(u32, u16, u32)> = Vec::with_capacity(levels.len());
    // Where each level below a row was noted.
    let mut noted: Vec<Option<usize>> = vec![None; levels.len()];
    for (i, level) in levels.iter().enumerate() {
        match target(plan, level) {
            Some(Target::Rows) => {
                for &(field, _) in &fields {
                    if let Some(a) = above.nearest(i, |c| above.references[c] == Some(field)) {
                        found.push((small(i), field, levels[a].entry));
                    }
                }
            }
            Some(Target::List { reference, list, .. }) => {
                let Some(row) = above.row(i) else { continue };
                let within_own = above.nearest(i, |c| above.lists[c] == Some(list));
                // Only the innermost is referred to; it tells what it is within itself.
                if let Some(outer) = within_own.filter(|&own| own > row).and_then(|own| noted[own])
                {
                    found[outer].2 = 0;
                }
                noted[i] = Some(found.len());
                found.push((small(row), reference, level.entry));
            }
            _ => {}
        }
    }
    found.retain(|found| found.2 > 0);
    if !found.is_sorted_by_key(|found| found.0) {
        found.sort_by_key(|found| found.0);
    }
    let mut starts = vec![0; levels.len()];
    for (at, &(row, ..)) in found.iter().enumerate().rev() {
        starts[row as usize] = small(at);
    }
    Packed { fields, found, starts }
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
    let ranks: Vec<Option<usize>> =
        (0..plan.plans.len()).map(|p| hierarchy.iter().position(|&h| h == p)).collect();
    let rank = |i: usize| levels[i].plan.and_then(|p| ranks[p]);
    let mut open: Vec<usize> = Vec::with_capacity(hierarchy.len());
    let has_document = levels.iter().any(|l| target(plan, l) == Some(Target::Document));
    for (i, level) in levels.iter().enumerate() {
        let Some(own) = rank(i) else { return false };
        if !level.numbered || (level.within.is_none() && !level.parent.is_empty()) {
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
        let below_row = above.row(i).is_some();
        if !level.has_children && !is_row(i) && !below_row {
            return false;
        }
        // A row within a row, or packages both above and below one, say more than rows can.
        if below_row && (is_row(i) || mixed(levels, above, i)) {
            return false;
        }
    }
    true
}

/// Whether a level below a row has one of its own list above that row.
fn mixed(levels: &[Level<'_>], above: &Above, i: usize) -> bool {
    let list = levels[i].list;
    above.row(i).is_some_and(|row| above.nearest(row, |c| above.lists[c] == list).is_some())
}
