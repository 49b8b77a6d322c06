//! The quick pass over a set.

use rust_decimal::Decimal;

use super::super::check::{Sum, has_value, is_of_type, length_fault, number, told_apart};
use super::bits::Bits;
use super::codes::packed;
use super::seen::Seen;
use super::{Check, Hit, Look, PlacePlan, ROOT, Scan, SegmentAction, ValueAction, Wanted, Weigh};
use crate::grammar::check::{CodeLists, NO_PARENT, Watch, usual_parent};
use crate::grammar::{Grammar, NodeId, Walked, digits};
use crate::x12::{Delimiters, Segment};

/// What the check under an overlay needs besides the walk; reused from set to set.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    /// By rule: whether it is suspected.
    pub(in crate::overlay) suspected: Vec<bool>,
    /// By scope: whether an instance of it is open.
    open: Bits,
    facts: Bits,
    counts: Vec<u32>,
    uniques: Vec<Seen>,
    totals: Vec<Total>,
    /// Ranks of the levels so far.
    ranks: Vec<Option<usize>>,
    /// The numbers of levels are not 1, 2, 3, …
    irregular: bool,
}

/// A count or sum in the making.
#[derive(Debug, Clone, Copy, Default)]
struct Total {
    stated: Option<Decimal>,
    /// Several values state it.
    several: bool,
    count: u64,
    sum: Sum,
    /// A summand is no number.
    broken: bool,
}

impl Total {
    #[inline(never)]
    fn state(&mut self, value: &[u8], implied: u32) {
        self.several |= self.stated.is_some();
        self.stated = number(value, implied).or(self.stated);
    }
}

impl Scan {
    /// Fills `scratch.suspected` from a set that was walked; whether any rule is.
    pub(in crate::overlay) fn run(&self, walked: &Walked<'_>, scratch: &mut Scratch) -> bool {
        let mut run = Run::begin(self, walked.grammar, walked.segments.delimiters(), scratch);
        for (index, placed) in walked.tree.segments.iter().enumerate() {
            if let Some(plan) = run.plan(placed.node)
                && let Some(segment) = walked.segments.get(index)
            {
                run.segment(plan, segment, None);
            }
        }
        run.finish()
    }
}

impl Wanted {
    fn is(self, is_there: bool) -> bool {
        is_there == (self == Self::Some)
    }
}

impl Scratch {
    fn begin(&mut self, scan: &Scan) {
        self.suspected.clear();
        self.suspected.resize(scan.rules, false);
        self.open.begin(scan.scopes.len().div_ceil(64));
        self.open.set(ROOT.into(), true);
        self.facts.begin(scan.facts as usize);
        self.counts.clear();
        self.counts.resize(scan.counts, 0);
        self.uniques.iter_mut().for_each(Seen::clear);
        self.uniques.resize(scan.uniques, Seen::default());
        self.totals.clear();
        self.totals.resize(scan.totals.len(), Total::default());
        self.ranks.clear();
        self.irregular = false;
    }
}

/// The pass over a set, segment by segment.
pub(in crate::overlay) struct Run<'a> {
    scan: &'a Scan,
    grammar: &'a Grammar,
    delimiters: Delimiters,
    scratch: &'a mut Scratch,
    above: Above,
}

/// What the walk has told of the level that it has come to.
#[derive(Default)]
enum Above {
    #[default]
    Nothing,
    /// See [`Watch::level`].
    Index(Option<u32>),
}

impl Watch for Run<'_> {
    #[inline]
    fn level(&mut self, above: Option<u32>) {
        self.above = Above::Index(above);
    }

    #[inline]
    fn placed(&mut self, node: NodeId, segment: Segment<'_>, lists: CodeLists<'_>) -> bool {
        self.plan(node).is_some_and(|plan| self.segment(plan, segment, Some(lists)))
    }
}

impl<'a> Run<'a> {
    pub fn begin(
        scan: &'a Scan,
        grammar: &'a Grammar,
        delimiters: Delimiters,
        scratch: &'a mut Scratch,
    ) -> Self {
        scratch.begin(scan);
        Self { scan, grammar, delimiters, scratch, above: Above::Nothing }
    }

    /// Whether any rule is suspected: `scratch.suspected` tells which.
    pub fn finish(mut self) -> bool {
        self.close(ROOT);
        let Self { scan, scratch, .. } = self;
        for &(rule, fact, wanted) in &scan.conditions {
            if !wanted.is(scratch.facts.has(fact)) {
                scratch.suspected[usize::from(rule)] = false;
            }
        }
        scratch.suspected.contains(&true)
    }

    /// What to do at a place, where there is anything.
    #[inline]
    fn plan(&self, node: NodeId) -> Option<&'a PlacePlan> {
        let slot = self.scan.slots.get(node.index()).copied().unwrap_or(0);
        self.scan.places.get(usize::from(slot).wrapping_sub(1))
    }

    /// Does it. Given the code lists of the grammar, it tells whether there is certainly nothing to say about the
    /// elements of the segment.
    fn segment(
        &mut self,
        plan: &PlacePlan,
        segment: Segment<'_>,
        lists: Option<CodeLists<'_>>,
    ) -> bool {
        let scan = self.scan;
        if !plan.ends.is_empty() {
            if self.scratch.open.any(&plan.ends_mask, true) {
                plan.ends.iter().for_each(|&scope| self.close(scope));
            }
            for of_element in &plan.by_code {
                let value = segment.element(usize::from(of_element.position));
                let Some(word) = packed(value).or_else(|| packed(value.trim_ascii_end())) else {
                    continue;
                };
                for &(_, scope) in of_element.scopes.iter().filter(|(code, _)| *code == word) {
                    self.open(scope);
                }
            }
            for &scope in &plan.opens {
                if self.qualified(scan.scopes[usize::from(scope)].qualifier, segment) {
                    self.open(scope);
                }
            }
        }
        let lists = lists.filter(|_| segment.is_plain());
        let mut is_clean = false;
        for group in &plan.groups {
            if !self.scratch.open.has(group.scope.into())
                || !self.qualified(group.qualifier, segment)
            {
                continue;
            }
            if !group.narrowed.is_empty() {
                let narrow = group.narrow.as_ref().zip(lists);
                let fits = narrow.is_some_and(|(plan, lists)| plan.is_clean(segment, lists));
                is_clean |= fits;
                if !fits {
                    group.narrowed.iter().for_each(|look| self.look_into(look, segment));
                }
            }
            for action in &group.actions {
                self.act(*action, segment);
            }
            for look in &group.looks {
                self.look(look, segment);
            }
        }
        is_clean
    }

    #[inline]
    fn qualified(&self, qualifier: u16, segment: Segment<'_>) -> bool {
        let Some((qualifier, codes)) = self.scan.qualifiers.get(usize::from(qualifier)) else {
            return true;
        };
        let value = segment.element(usize::from(qualifier.position));
        if qualifier.component == 0 {
            return codes.holds(value);
        }
        let separator = self.delimiters.component;
        let mut parts = value.split(|&b| b == separator);
        codes.holds(parts.nth(usize::from(qualifier.component) - 1).unwrap_or_default())
    }

    /// Begins an instance of a scope, if one is open that it lies in.
    #[inline]
    fn open(&mut self, scope: u16) {
        let plan = &self.scan.scopes[usize::from(scope)];
        let scratch = &mut *self.scratch;
        if !scratch.open.has(plan.parent.into()) {
            return;
        }
        scratch.open.set(scope.into(), true);
        scratch.facts.clear(plan.facts.clone());
        if !plan.counts.is_empty() {
            scratch.counts[plan.counts.clone()].fill(0);
        }
        for &unique in &plan.uniques {
            scratch.uniques[usize::from(unique)].clear();
        }
        for &total in &plan.totals {
            scratch.totals[usize::from(total)] = Total::default();
        }
    }

    /// Ends the instance of a scope, if one is open, and those inside it.
    #[inline]
    fn close(&mut self, scope: u16) {
        if self.scratch.open.has(scope.into()) {
            self.weigh(scope);
        }
    }

    fn weigh(&mut self, scope: u16) {
        let scan = self.scan;
        let plan = &scan.scopes[usize::from(scope)];
        for &child in &plan.children {
            self.close(child);
        }
        let scratch = &mut *self.scratch;
        scratch.open.set(scope.into(), false);
        if scratch.facts.any(&plan.all_of, false) || scratch.facts.any(&plan.none_of, true) {
            for &(fact, wanted, rule) in &plan.single {
                scratch.suspected[usize::from(rule)] |= wanted.is(scratch.facts.has(fact));
            }
        }
        for closing in &plan.closings {
            let facts = &self.scratch.facts;
            let suspected = closing.facts.iter().all(|&(f, w)| w.is(facts.has(f)))
                && match closing.weigh {
                    Weigh::Facts => true,
                    Weigh::Unique(unique) => self.scratch.uniques[usize::from(unique)].repeats(),
                    Weigh::Total(total) => self.disagrees(total),
                };
            if suspected {
                self.scratch.suspected[usize::from(closing.rule)] = true;
            }
        }
    }

    fn disagrees(&self, total: u16) -> bool {
        let plan = &self.scan.totals[usize::from(total)];
        let total = &self.scratch.totals[usize::from(total)];
        let Some(stated) = total.stated.filter(|_| !total.broken) else { return total.several };
        let agrees = if plan.terms.is_empty() {
            stated == total.count.into()
        } else {
            total.sum.is(stated, plan.scale)
        };
        total.several || !agrees
    }

    fn hit(&mut self, hit: Hit) {
        match hit {
            Hit::Rule(rule) => self.scratch.suspected[usize::from(rule)] = true,
            Hit::Fact(fact) => self.scratch.facts.set(fact, true),
        }
    }

    #[inline]
    fn act(&mut self, action: SegmentAction, segment: Segment<'_>) {
        let scratch = &mut *self.scratch;
        match action {
            SegmentAction::Note(fact) => scratch.facts.set(fact, true),
            SegmentAction::Counted { total } => scratch.totals[usize::from(total)].count += 1,
            SegmentAction::Hit(hit) => self.hit(hit),
            SegmentAction::Limit { count, limit, hit } => {
                let count = &mut scratch.counts[usize::from(count)];
                *count += 1;
                if *count > limit {
                    self.hit(hit);
                }
            }
            SegmentAction::Level { rule } => self.level(rule, segment),
            SegmentAction::Summed { total, term } => self.sum(total, term, segment),
        }
    }

    /// Does what is to be done with the values of an element.
    #[inline]
    fn look(&mut self, look: &Look, segment: Segment<'_>) {
        if look.whole == 0 || !segment.is_plain() {
            return self.look_into(look, segment);
        }
        let value = segment.element(usize::from(look.whole));
        if has_value(value) {
            look.actions.iter().for_each(|action| self.act_on(*action, value));
        } else {
            self.none(look);
        }
    }

    /// The same of pairs, components and repetitions.
    #[inline(never)]
    fn look_into(&mut self, look: &Look, segment: Segment<'_>) {
        let mut none = true;
        let (scan, delimiters) = (self.scan, self.delimiters);
        each_value(scan, delimiters, look.spot, segment, |value| {
            none = false;
            look.actions.iter().for_each(|action| self.act_on(*action, value));
        });
        if none {
            self.none(look);
        }
    }

    /// There is no value.
    fn none(&mut self, look: &Look) {
        for action in &look.actions {
            if let ValueAction::HitMissing(hit) = *action {
                self.hit(hit);
            }
        }
    }

    /// Does one thing with a value, which is not blank.
    #[inline]
    fn act_on(&mut self, action: ValueAction, value: &[u8]) {
        match action {
            ValueAction::Note(fact) => self.scratch.facts.set(fact, true),
            _ => self.act_with(action, value),
        }
    }

    #[inline(never)]
    fn act_with(&mut self, action: ValueAction, value: &[u8]) {
        let scratch = &mut *self.scratch;
        match action {
            ValueAction::Note(fact) => scratch.facts.set(fact, true),
            ValueAction::NoteCode { fact, codes } => {
                let is_one = self.scan.codes[usize::from(codes)].holds(value);
                scratch.facts.add(fact, is_one);
            }
            ValueAction::Hit(hit) => self.hit(hit),
            ValueAction::HitMissing(_) => {}
            ValueAction::Check { hit, check } => {
                if self.is_broken(check, value) {
                    self.hit(hit);
                }
            }
            ValueAction::Unique { unique, scheme } => {
                scratch.uniques[usize::from(unique)].add(told_apart(value, scheme));
            }
            ValueAction::Stated { total, implied } => {
                scratch.totals[usize::from(total)].state(value, implied);
            }
            ValueAction::Counted { total } => scratch.totals[usize::from(total)].count += 1,
        }
    }

    /// Adds the product of what a segment has of the factors; nothing where one is missing.
    #[inline(never)]
    fn sum(&mut self, total: u16, term: u16, segment: Segment<'_>) {
        let mut made = self.scratch.totals[usize::from(total)];
        let plan = &self.scan.totals[usize::from(total)];
        let term = &plan.terms[usize::from(term)];
        let mut add = |summand: Option<Decimal>| {
            let added = summand.and_then(|s| made.sum.add(s, term.minus, plan.scale));
            made.broken |= added.is_none();
        };
        let (scan, delimiters) = (self.scan, self.delimiters);
        if let [(spot, implied)] = *term.factors {
            each_value(scan, delimiters, spot, segment, |value| add(number(value, implied)));
        } else {
            let mut product = Some(Decimal::ONE);
            for &(spot, implied) in &term.factors {
                let mut first = None;
                each_value(scan, delimiters, spot, segment, |value| {
                    first = first.or(Some(number(value, implied)));
                });
                let Some(factor) = first else { return };
                product = product.zip(factor).and_then(|(p, f)| p.checked_mul(f));
            }
            add(product);
        }
        self.scratch.totals[usize::from(total)] = made;
    }

    #[inline]
    fn is_broken(&self, check: Check, value: &[u8]) -> bool {
        match check {
            Check::Length { min, max, numeric } => {
                let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
                let is_right = !numeric
                    && (min..=max).contains(&length)
                    && value.last().is_some_and(|&b| b > b' ')
                    && value.is_ascii();
                !is_right && length_fault(value, min, max, numeric).is_some()
            }
            Check::Type(data_type) => !is_of_type(value, data_type),
            Check::Codes(codes) => !self.scan.codes[usize::from(codes)].holds(value),
            Check::Besides(codes, list) => {
                let list = &self.grammar.code_list(list).codes;
                !self.scan.codes[usize::from(codes)].holds(value)
                    && !list.contains_key(value.trim_ascii_end())
            }
            Check::Digits(scheme) => !digits::is_right(scheme, value.trim_ascii_end()),
        }
    }

    /// A level below the one that was agreed. Where the numbers are not 1, 2, 3, … the full look has to tell.
    #[inline(never)]
    fn level(&mut self, rule: u16, segment: Segment<'_>) {
        let Some(levels) = &self.scan.hierarchy else { return };
        let scratch = &mut *self.scratch;
        let code = segment.element(usize::from(levels.nested.level));
        let rank = levels.codes.position(code);
        let index = u32::try_from(scratch.ranks.len()).unwrap_or(u32::MAX);
        let usual = match std::mem::take(&mut self.above) {
            _ if scratch.irregular => None,
            Above::Index(above) => above,
            Above::Nothing => usual_parent(index, segment, levels.nested),
        };
        let agreed = match (rank, usual) {
            (Some(rank), Some(NO_PARENT)) => rank == 0,
            (Some(rank), Some(parent)) => {
                let above = scratch.ranks.get(parent as usize).copied().flatten();
                above.is_some_and(|above| above + 1 == rank)
            }
            _ => false,
        };
        scratch.ranks.push(rank);
        scratch.irregular |= usual.is_none();
        scratch.suspected[usize::from(rule)] |= !agreed;
    }
}

/// Does something with each value of an element that is not blank.
#[inline]
fn each_value(
    scan: &Scan,
    delimiters: Delimiters,
    spot: u16,
    segment: Segment<'_>,
    mut take: impl FnMut(&[u8]),
) {
    let (spot, qualifiers) = &scan.spots[usize::from(spot)];
    let mut position = usize::from(spot.position);
    if spot.last == 0 {
        let value = segment.element(position);
        if segment.is_plain() && spot.component == 0 {
            if has_value(value) {
                take(value);
            }
        } else {
            each_part(delimiters, value, spot.component, &mut take);
        }
        return;
    }
    let end = usize::from(spot.last).min(segment.len());
    while position < end {
        if qualifiers.holds(segment.element(position)) {
            let value = segment.element(position + 1);
            if !segment.is_plain() {
                each_part(delimiters, value, 0, &mut take);
            } else if has_value(value) {
                take(value);
            }
        }
        position += 2;
    }
}

/// The same of components and repetitions.
#[cold]
fn each_part(delimiters: Delimiters, whole: &[u8], component: u16, take: &mut dyn FnMut(&[u8])) {
    let (repetition, separator) = (delimiters.repetition, delimiters.component);
    for part in whole.split(|&b| Some(b) == repetition) {
        let part = match component {
            0 => part,
            n => part.split(|&b| b == separator).nth(usize::from(n) - 1).unwrap_or_default(),
        };
        if has_value(part) {
            take(part);
        }
    }
}
