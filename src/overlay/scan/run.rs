//! The quick pass over a set.

use rust_decimal::Decimal;

use super::super::check::{Sum, has_value, is_of_type, length_fault, number, told_apart};
use super::codes::packed;
use super::seen::Seen;
use super::{Action, Check, Hit, ROOT, Scan, Wanted, Weigh};
use crate::grammar::{Grammar, Walked, digits};
use crate::x12::{Delimiters, Segment};

/// What the check under an overlay needs besides the walk; reused from set to set.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    /// By rule: whether it is suspected.
    pub(in crate::overlay) suspected: Vec<bool>,
    /// By scope: whether an instance of it is open.
    open: Vec<bool>,
    facts: Vec<u32>,
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

impl Scan {
    /// Fills `scratch.suspected`; whether any rule is.
    pub(in crate::overlay) fn run(&self, walked: &Walked<'_>, scratch: &mut Scratch) -> bool {
        scratch.begin(self);
        let (grammar, delimiters) = (walked.grammar, walked.segments.delimiters());
        let mut run = Run { scan: self, grammar, delimiters, scratch };
        for (index, placed) in walked.tree.segments.iter().enumerate() {
            let slot = self.slots.get(placed.node.index()).copied().unwrap_or(0);
            if slot != 0
                && let Some(segment) = walked.segments.get(index)
            {
                run.segment(usize::from(slot) - 1, segment);
            }
        }
        run.close(ROOT);
        for &(rule, fact, wanted) in &self.conditions {
            if !wanted.is(scratch.facts[usize::from(fact)]) {
                scratch.suspected[usize::from(rule)] = false;
            }
        }
        scratch.suspected.contains(&true)
    }
}

impl Wanted {
    fn is(self, count: u32) -> bool {
        (count > 0) == (self == Self::Some)
    }
}

impl Scratch {
    fn begin(&mut self, scan: &Scan) {
        self.suspected.clear();
        self.suspected.resize(scan.rules, false);
        self.open.clear();
        self.open.resize(scan.scopes.len(), false);
        self.open[usize::from(ROOT)] = true;
        self.facts.clear();
        self.facts.resize(scan.facts, 0);
        self.uniques.iter_mut().for_each(Seen::clear);
        self.uniques.resize(scan.uniques, Seen::default());
        self.totals.clear();
        self.totals.resize(scan.totals.len(), Total::default());
        self.ranks.clear();
        self.irregular = false;
    }
}

struct Run<'a> {
    scan: &'a Scan,
    grammar: &'a Grammar,
    delimiters: Delimiters,
    scratch: &'a mut Scratch,
}

impl Run<'_> {
    #[inline]
    fn segment(&mut self, place: usize, segment: Segment<'_>) {
        let scan = self.scan;
        let plan = &scan.places[place];
        if !plan.ends.is_empty() {
            for &scope in &plan.ends {
                self.close(scope);
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
        for group in &plan.groups {
            if self.scratch.open[usize::from(group.scope)]
                && self.qualified(group.qualifier, segment)
            {
                for step in &group.steps {
                    match step.whole.filter(|_| segment.is_plain()) {
                        Some(position) => {
                            let value = segment.element(usize::from(position));
                            self.act_on(&step.action, value);
                        }
                        None => self.act(step.action, segment),
                    }
                }
            }
        }
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
        if !scratch.open[usize::from(plan.parent)] {
            return;
        }
        scratch.open[usize::from(scope)] = true;
        for fact in &mut scratch.facts[usize::from(plan.facts.0)..usize::from(plan.facts.1)] {
            *fact = 0;
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
        if self.scratch.open[usize::from(scope)] {
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
        scratch.open[usize::from(scope)] = false;
        for &(fact, wanted, rule) in &plan.single {
            if wanted.is(scratch.facts[usize::from(fact)]) {
                scratch.suspected[usize::from(rule)] = true;
            }
        }
        for closing in &plan.closings {
            let facts = &self.scratch.facts;
            let suspected = closing.facts.iter().all(|&(f, w)| w.is(facts[usize::from(f)]))
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
            Hit::Fact(fact) => self.scratch.facts[usize::from(fact)] += 1,
        }
    }

    /// An action on no more than a whole element; mostly it is one.
    #[inline]
    fn act_on(&mut self, action: &Action, value: &[u8]) {
        let is_there = has_value(value);
        let scratch = &mut *self.scratch;
        match *action {
            Action::Count(fact) => scratch.facts[usize::from(fact)] += 1,
            Action::Counted { total } => scratch.totals[usize::from(total)].count += 1,
            Action::CountValue { fact, .. } => {
                scratch.facts[usize::from(fact)] += u32::from(is_there);
            }
            Action::CountCode { fact, codes, .. } => {
                let is_one = is_there && self.scan.codes[usize::from(codes)].holds(value);
                scratch.facts[usize::from(fact)] += u32::from(is_one);
            }
            Action::Limit { fact, limit, hit } => {
                let count = &mut scratch.facts[usize::from(fact)];
                *count += 1;
                if *count > limit {
                    self.hit(hit);
                }
            }
            Action::HitValue { hit, .. } if is_there => self.hit(hit),
            Action::HitNoValue { hit, .. } if !is_there => self.hit(hit),
            Action::Check { hit, check, .. } if is_there => {
                let is_broken = self.is_broken(check, value);
                if is_broken {
                    self.hit(hit);
                }
            }
            Action::Unique { unique, scheme, .. } if is_there => {
                scratch.uniques[usize::from(unique)].add(told_apart(value, scheme));
            }
            _ => {}
        }
    }

    #[inline(never)]
    fn act(&mut self, action: Action, segment: Segment<'_>) {
        match action {
            Action::Count(fact) => self.scratch.facts[usize::from(fact)] += 1,
            Action::CountValue { fact, spot } => {
                if self.any(spot, segment, |_| true) {
                    self.scratch.facts[usize::from(fact)] += 1;
                }
            }
            Action::CountCode { fact, spot, codes } => {
                let codes = &self.scan.codes[usize::from(codes)];
                if self.any(spot, segment, |value| codes.holds(value)) {
                    self.scratch.facts[usize::from(fact)] += 1;
                }
            }
            Action::Hit(hit) => self.hit(hit),
            Action::HitValue { hit, spot } => {
                if self.any(spot, segment, |_| true) {
                    self.hit(hit);
                }
            }
            Action::HitNoValue { hit, spot } => {
                if !self.any(spot, segment, |_| true) {
                    self.hit(hit);
                }
            }
            Action::Limit { fact, limit, hit } => {
                let count = &mut self.scratch.facts[usize::from(fact)];
                *count += 1;
                if *count > limit {
                    self.hit(hit);
                }
            }
            Action::Check { hit, spot, check } => {
                if self.any(spot, segment, |value| self.is_broken(check, value)) {
                    self.hit(hit);
                }
            }
            Action::Unique { unique, spot, scheme } => {
                let (scan, delimiters) = (self.scan, self.delimiters);
                let seen = &mut self.scratch.uniques[usize::from(unique)];
                any(scan, delimiters, spot, segment, |value| {
                    seen.add(told_apart(value, scheme));
                    false
                });
            }
            Action::Level { rule } => self.level(rule, segment),
            Action::Stated { .. }
            | Action::Counted { .. }
            | Action::CountedValues { .. }
            | Action::Summed { .. } => self.add(action, segment),
        }
    }

    /// Counts and sums.
    fn add(&mut self, action: Action, segment: Segment<'_>) {
        match action {
            Action::Stated { total, spot, implied } => {
                let mut made = self.scratch.totals[usize::from(total)];
                self.any(spot, segment, |value| {
                    made.several |= made.stated.is_some();
                    made.stated = number(value, implied).or(made.stated);
                    false
                });
                self.scratch.totals[usize::from(total)] = made;
            }
            Action::Counted { total } => self.scratch.totals[usize::from(total)].count += 1,
            Action::CountedValues { total, spot } => {
                let mut count = 0;
                self.any(spot, segment, |_| {
                    count += 1;
                    false
                });
                self.scratch.totals[usize::from(total)].count += count;
            }
            Action::Summed { total, term } => {
                let mut made = self.scratch.totals[usize::from(total)];
                let plan = &self.scan.totals[usize::from(total)];
                let term = &plan.terms[usize::from(term)];
                let mut product = Some(Decimal::ONE);
                for (at, &(spot, implied)) in term.factors.iter().enumerate() {
                    let mut missing = true;
                    self.any(spot, segment, |value| {
                        let value = number(value, implied);
                        missing = false;
                        if term.factors.len() == 1 {
                            let added = value.and_then(|v| made.sum.add(v, term.minus, plan.scale));
                            made.broken |= added.is_none();
                            return false;
                        }
                        product = match at {
                            0 => value,
                            _ => product.zip(value).and_then(|(p, v)| p.checked_mul(v)),
                        };
                        true
                    });
                    if missing || term.factors.len() == 1 {
                        self.scratch.totals[usize::from(total)] = made;
                        return;
                    }
                }
                let added = product.and_then(|p| made.sum.add(p, term.minus, plan.scale));
                made.broken |= added.is_none();
                self.scratch.totals[usize::from(total)] = made;
            }
            _ => {}
        }
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

    /// Whether any of the values of an element is so.
    #[inline]
    fn any(&self, spot: u16, segment: Segment<'_>, is_so: impl FnMut(&[u8]) -> bool) -> bool {
        any(self.scan, self.delimiters, spot, segment, is_so)
    }

    /// A level below the one that was agreed. Where the numbers are not 1, 2, 3, … the full look has to tell.
    fn level(&mut self, rule: u16, segment: Segment<'_>) {
        let Some(levels) = &self.scan.hierarchy else { return };
        let scratch = &mut *self.scratch;
        let code = segment.element(usize::from(levels.level));
        let rank = levels.codes.position(code);
        let id = plain(segment.element(usize::from(levels.id)));
        let parent = segment.element(usize::from(levels.parent));
        let above = plain(parent).and_then(|n| scratch.ranks.get(n.checked_sub(1)?).copied());
        scratch.irregular |= id != Some(scratch.ranks.len() + 1);
        scratch.ranks.push(rank);
        let agreed = match (rank, above) {
            (Some(0), _) => parent.is_empty(),
            (Some(rank), Some(Some(above))) => above + 1 == rank,
            _ => false,
        };
        if !agreed || scratch.irregular {
            scratch.suspected[usize::from(rule)] = true;
        }
    }
}

/// Whether any of the values of an element is so.
#[inline]
fn any(
    scan: &Scan,
    delimiters: Delimiters,
    spot: u16,
    segment: Segment<'_>,
    mut is_so: impl FnMut(&[u8]) -> bool,
) -> bool {
    let (spot, qualifiers) = &scan.spots[usize::from(spot)];
    let position = usize::from(spot.position);
    let is_plain = segment.is_plain() && spot.component == 0;
    if spot.last == 0 {
        let value = segment.element(position);
        return has_value(value)
            && if is_plain {
                is_so(value)
            } else {
                any_repetition(delimiters, value, spot.component, &mut is_so)
            };
    }
    let mut position = position;
    let end = usize::from(spot.last).min(segment.len());
    while position < end {
        let value = segment.element(position + 1);
        let is_one = has_value(value)
            && qualifiers.holds(segment.element(position))
            && if is_plain {
                is_so(value)
            } else {
                any_repetition(delimiters, value, 0, &mut is_so)
            };
        if is_one {
            return true;
        }
        position += 2;
    }
    false
}

/// The same of components and repetitions.
#[cold]
fn any_repetition(
    delimiters: Delimiters,
    whole: &[u8],
    component: u16,
    is_so: &mut dyn FnMut(&[u8]) -> bool,
) -> bool {
    let (repetition, separator) = (delimiters.repetition, delimiters.component);
    whole.split(|&b| Some(b) == repetition).any(|part| {
        let part = match component {
            0 => part,
            n => part.split(|&b| b == separator).nth(usize::from(n) - 1).unwrap_or_default(),
        };
        has_value(part) && is_so(part)
    })
}

/// A number without leading zeros.
#[inline]
fn plain(bytes: &[u8]) -> Option<usize> {
    if bytes.is_empty() || bytes.len() > 9 || bytes[0] == b'0' {
        return None;
    }
    bytes.iter().try_fold(0, |sum, &b| b.is_ascii_digit().then(|| sum * 10 + usize::from(b - b'0')))
}
