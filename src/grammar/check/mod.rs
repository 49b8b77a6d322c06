//! Walks a set through its grammar and checks every segment on the way.
//!
//! The walk never stops: a segment that has no place is a finding and is passed over, and the walk goes on from
//! where it was. On the usual path, where all is well, nothing is allocated, and each segment is looked at by
//! [`quick`] alone.

mod codes;
mod element;
mod levels;
mod narrow;
mod plan;
mod quick;
mod report;
mod single;
mod table;
mod told;
pub(crate) mod value;
mod word;

use std::sync::Arc;

pub(crate) use levels::{NO_PARENT, usual_parent};
pub(crate) use narrow::{CodeLists, NarrowPlan, Narrowing, Watch};
pub(super) use plan::Plans;
pub use single::SegmentChecker;

use element::ElementCheck;
use levels::Levels;
use narrow::Nobody;
use quick::QuickPlan;
pub(crate) use report::shown;
use report::{Reporter, Words};
use table::{Move, Row, Table};

use super::{Grammar, LoopInstance, NodeId, Placed, Tree};
use crate::findings::Findings;
use crate::x12::{Segment, Segments};

/// A grammar, worked out for checking. Making one costs about a millisecond; keep it.
#[derive(Debug, Clone)]
pub struct Checker {
    grammar: Arc<Grammar>,
    table: Table,
    plans: Arc<Plans>,
    /// Plans of the usual path, which places name.
    quick: Vec<QuickPlan>,
}

/// What a walk needs besides the tree; reused from set to set.
#[derive(Debug, Default)]
pub struct Scratch {
    /// By loop node: in which instance of the loop around it the last one stands, and how many have come there.
    counts: Vec<(u32, u32)>,
    levels: Levels,
}

impl Checker {
    /// Works a grammar out.
    #[must_use]
    pub fn new(grammar: Arc<Grammar>) -> Self {
        let table = Table::new(&grammar);
        let plans = Arc::clone(grammar.plans());
        let quick = plans.quick();
        Self { grammar, table, plans, quick }
    }

    /// The grammar.
    #[must_use]
    pub fn grammar(&self) -> &Arc<Grammar> {
        &self.grammar
    }

    /// Walks and checks a set (ST first). `tree` becomes its tree; findings are added.
    pub fn check(
        &self,
        set: &Segments<'_>,
        scratch: &mut Scratch,
        tree: &mut Tree,
        findings: &mut Findings,
    ) {
        self.check_watched(set, (scratch, tree), findings, &mut Nobody);
    }

    /// The same while somebody looks on.
    pub(crate) fn check_watched(
        &self,
        set: &Segments<'_>,
        (scratch, tree): (&mut Scratch, &mut Tree),
        findings: &mut Findings,
        watch: &mut impl Watch,
    ) {
        let (state, row) = (self.table.start, self.table.row(self.table.start));
        let (run, instance) = (0, 0);
        let mut walk =
            Walk { checker: self, set, scratch, tree, findings, watch, state, row, run, instance };
        walk.begin();
        let mut from = 0;
        // ST is where the walk begins; anything else is a step from where it is.
        if let Some(st) = set.get(0).filter(|st| Some(st.tag()) == self.table.start_tag) {
            walk.run = 1;
            walk.put(0, state);
            walk.elements(0, st, self.table.start_plan);
            from = 1;
        }
        for at in from..index(set.len()) {
            let Some(segment) = set.get(at as usize) else { break };
            walk.take(at, segment);
        }
        walk.finish();
    }

    fn words(&self) -> Words<'_> {
        Words { composites: &self.grammar.composites, codes: &self.grammar.codes }
    }
}

/// A walk that is under way.
struct Walk<'a, 'b, W> {
    checker: &'a Checker,
    set: &'b Segments<'b>,
    scratch: &'b mut Scratch,
    tree: &'b mut Tree,
    findings: &'b mut Findings,
    watch: &'b mut W,
    /// The place of the last segment that had one.
    state: NodeId,
    /// What may follow there.
    row: Row,
    /// How often it has come there in a row.
    run: u32,
    /// The innermost loop instance that is open.
    instance: u32,
}

impl<'b, W: Watch> Walk<'_, 'b, W> {
    fn begin(&mut self) {
        self.tree.instances.clear();
        // What a place is left with from another set is written over by the walk.
        let nowhere = Placed { node: NodeId::NONE, instance: 0 };
        self.tree.segments.resize(self.set.len(), nowhere);
        self.tree.instances.push(LoopInstance { node: NodeId::ROOT, parent: 0, first: 0, end: 0 });
        self.scratch.counts.clear();
        self.scratch.counts.resize(self.checker.grammar.nodes.len(), (0, 0));
        self.scratch.levels.clear();
    }

    /// The segment at an index. The walk gives indices to what is off the usual path, since a segment passed on would
    /// have to be put together each time.
    fn segment(&self, at: u32) -> Segment<'b> {
        self.set.get(at as usize).unwrap_or(Segment::EMPTY)
    }

    #[inline]
    fn take(&mut self, at: u32, segment: Segment<'_>) {
        let checker = self.checker;
        let Some(step) = checker.table.step(self.row, segment.tag()) else {
            self.put(at, NodeId::NONE);
            return self.unplaced(at);
        };
        if !step.stays {
            self.turn(at, segment, step);
        }
        self.run = (self.run & step.again).wrapping_add(1);
        (self.state, self.row) = (step.target, step.row);
        if self.run > step.max_use {
            self.too_many(at, step.target, false);
        }
        self.put(at, step.target);
        self.elements(at, segment, step.plan);
    }

    /// Checks the elements of the segment that the walk has come to.
    #[inline]
    fn elements(&mut self, at: u32, segment: Segment<'_>, plan: u16) {
        let checker = self.checker;
        if self.watch.placed(self.state, segment, CodeLists(&checker.plans.codes)) {
            return;
        }
        let quick = checker.quick.get(usize::from(plan));
        let (bytes, ends) = segment.bytes_and_ends();
        let codes = &checker.plans.codes;
        if !segment.is_plain() || !quick.is_some_and(|plan| plan.is_clean(bytes, ends, codes)) {
            self.look_closely(at);
        }
    }

    /// Checks the elements of a segment that may have something wrong with it.
    #[cold]
    fn look_closely(&mut self, at: u32) {
        let segment = self.segment(at);
        let grammar = &self.checker.grammar;
        let place = grammar.node(self.state);
        let number = usize::from(place.segment.0);
        let (Some(plan), Some(definition)) =
            (self.checker.plans.segments.get(number), grammar.segments.get(number))
        else {
            return;
        };
        let mut reporter = Reporter {
            findings: self.findings,
            words: self.checker.words(),
            definition,
            segment,
            position: position(at),
            loop_path: &grammar.node(place.parent).path,
        };
        let delimiters = self.set.delimiters();
        let elements = ElementCheck { plans: &self.checker.plans, delimiters };
        elements.segment(plan, segment, &mut reporter);
    }

    /// Notes where a segment stands.
    #[inline]
    fn put(&mut self, at: u32, node: NodeId) {
        if let Some(placed) = self.tree.segments.get_mut(at as usize) {
            *placed = Placed { node, instance: self.instance };
        }
    }

    /// Leaves loops, tells what is missing there, and enters a loop.
    #[inline]
    fn turn(&mut self, at: u32, segment: Segment<'_>, step: &Move) {
        if step.missing.0 != step.missing.1 {
            self.missing(at, step);
        }
        for _ in 0..step.closes {
            self.close(at);
        }
        if step.opens {
            self.open(at, segment, step.parent);
        }
    }

    #[inline]
    fn open(&mut self, at: u32, segment: Segment<'_>, node: NodeId) {
        let parent = self.instance;
        self.instance = index(self.tree.instances.len());
        self.tree.instances.push(LoopInstance { node, parent, first: at, end: 0 });
        let (Some(place), Some(count)) = (
            self.checker.table.places.get(node.index()),
            self.scratch.counts.get_mut(node.index()),
        ) else {
            return;
        };
        let before = if count.0 == parent { count.1 } else { 0 };
        *count = (parent, before.saturating_add(1));
        if count.1 > place.max_use {
            self.too_many(at, node, true);
        }
        if let Some(nested) = place.nested {
            let (above, fault) = self.scratch.levels.add(at, segment, nested);
            self.watch.level(above);
            if let Some(fault) = fault {
                self.level(at, nested, fault);
            }
        }
    }

    /// Closes the innermost loop instance.
    #[inline]
    fn close(&mut self, at: u32) {
        if let Some(instance) = self.tree.instances.get_mut(self.instance as usize) {
            instance.end = at;
            self.instance = instance.parent;
        }
    }

    fn finish(&mut self) {
        let end = index(self.set.len());
        while self.instance != 0 {
            self.close(end);
        }
        self.close(end);
        let Some((segment, nested)) = self.checker.table.nested else { return };
        for at in 0..self.scratch.levels.all.len() {
            let level = self.scratch.levels.all[at];
            if level.says_children.is_some_and(|says| says != level.has_children) {
                self.child_code(segment, nested.child, level);
            }
        }
    }
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Position in the set, ST = 1.
fn position(at: u32) -> u32 {
    at.saturating_add(1)
}
