//! The quick pass worked out from the rules.

use std::ops::Range;

use super::super::check::is_numeric;
use super::super::compile::code_list;
use super::super::plan::{
    Code, Condition, ConditionTest, ElementSpot, LoopStep, Place, Qualifier, Rule, Term, Test,
};
use super::bits::Mask;
use super::{
    ANY, ByCode, Check, Closing, Codes, Fact, Group, Hit, Levels, Look, PlacePlan, ROOT, Scan,
    ScopePlan, SegmentAction, TermPlan, TotalPlan, ValueAction, Wanted, Weigh,
};
use crate::grammar::check::{NarrowPlan, Narrowing};
use crate::grammar::{Grammar, NodeId};

impl Scan {
    pub(in crate::overlay) fn new(rules: &[Rule], grammar: &Grammar) -> Self {
        let root = Draft {
            node: NodeId::ROOT,
            parent: ROOT,
            qualifier: ANY,
            facts: Vec::new(),
            counts: 0,
        };
        let mut builder = Builder {
            grammar,
            scan: Self { rules: rules.len(), ..Self::default() },
            scopes: vec![root],
            ops: Vec::new(),
            closings: Vec::new(),
            facts: 0,
            rule: 0,
        };
        for (number, rule) in (0_u16..).zip(rules) {
            builder.rule = number;
            builder.add(rule);
        }
        builder.finish()
    }
}

/// A scope while it is built.
struct Draft {
    node: NodeId,
    parent: u16,
    qualifier: u16,
    facts: Vec<Fact>,
    counts: usize,
}

/// One thing to do at a segment.
struct Op {
    scope: u16,
    qualifier: u16,
    action: Action,
}

#[derive(Clone, Copy)]
enum Action {
    Segment(SegmentAction),
    /// With the spot of its values.
    Value(u16, ValueAction),
}

struct Builder<'g> {
    grammar: &'g Grammar,
    scan: Scan,
    scopes: Vec<Draft>,
    /// By node.
    ops: Vec<(NodeId, Op)>,
    /// By scope.
    closings: Vec<(u16, Closing)>,
    facts: Fact,
    rule: u16,
}

impl Builder<'_> {
    fn add(&mut self, rule: &Rule) {
        match &rule.test {
            Test::Require(place) => self.require(rule, place),
            Test::Forbid(place) => {
                let hit = self.hit(rule, place);
                self.look(place, SegmentAction::Hit(hit), ValueAction::Hit(hit));
            }
            Test::Limit(place, limit) => {
                let hit = self.hit(rule, place);
                let scope = self.scope(&place.scope);
                // Numbered within its scope as long as not all are known.
                let own = &mut self.scopes[usize::from(scope)].counts;
                let count = u16::try_from(*own).unwrap_or(u16::MAX);
                *own += 1;
                self.segment(place, SegmentAction::Limit { count, limit: *limit, hit });
            }
            Test::Length(place, min, max) => {
                let numeric = is_numeric(self.grammar, place);
                self.value(rule, place, Check::Length { min: *min, max: *max, numeric });
            }
            Test::Type(place, data_type) => self.value(rule, place, Check::Type(*data_type)),
            Test::Codes { place, codes, besides } => {
                let list = code_list(self.grammar, place).filter(|_| *besides);
                let codes = self.codes(place, codes);
                match list {
                    Some(_) if rule.written.severity.is_none() => {}
                    Some(list) => self.value(rule, place, Check::Besides(codes, list)),
                    None if *besides => {}
                    None => self.value(rule, place, Check::Codes(codes)),
                }
            }
            Test::Digits(place, scheme) => self.value(rule, place, Check::Digits(*scheme)),
            Test::Unique { place, within, scheme } => {
                self.outermost(&rule.conditions);
                let unique = u16::try_from(self.scan.uniques).unwrap_or(u16::MAX);
                self.scan.uniques += 1;
                let scope = self.scope(&place.scope[..*within]);
                self.close(scope, Vec::new(), Weigh::Unique(unique));
                self.values(place, ValueAction::Unique { unique, scheme: *scheme });
            }
            Test::Count { place, of, home } => {
                self.outermost(&rule.conditions);
                let total = self.total(place, *home, None, Vec::new());
                let counted = SegmentAction::Counted { total };
                self.look(of, counted, ValueAction::Counted { total });
            }
            Test::Sum { place, terms, scale, home } => {
                self.outermost(&rule.conditions);
                self.sum(place, terms, *scale, *home);
            }
            Test::Hierarchy { node, levels } => {
                let Some(nested) = self.grammar.node(*node).nested else { return };
                let codes = Codes::new(levels.iter().map(|l| l.code.clone()).collect());
                self.scan.hierarchy = Some(Levels { nested, codes });
                let opening = self.grammar.node(*node).children.first().copied().unwrap_or(*node);
                let action = Action::Segment(SegmentAction::Level { rule: self.rule });
                self.ops.push((opening, Op { scope: ROOT, qualifier: ANY, action }));
            }
            Test::Allow(_) | Test::Against | Test::Map => {}
        }
    }

    fn require(&mut self, rule: &Rule, place: &Place) {
        if place.each {
            let hit = self.hit(rule, place);
            return self.values(place, ValueAction::HitMissing(hit));
        }
        let scope = self.scope(&place.scope);
        let fact = self.fact(scope);
        self.look(place, SegmentAction::Note(fact), ValueAction::Note(fact));
        let mut facts = self.local(rule, place.scope.len());
        facts.push((fact, Wanted::Zero));
        self.close(scope, facts, Weigh::Facts);
    }

    fn value(&mut self, rule: &Rule, place: &Place, check: Check) {
        let hit = self.hit(rule, place);
        self.values(place, ValueAction::Check { hit, check });
    }

    /// What a rule leaves behind that is broken by a segment: a fact where the instance has to be seen whole.
    fn hit(&mut self, rule: &Rule, place: &Place) -> Hit {
        let mut facts = self.local(rule, place.scope.len());
        if facts.is_empty() {
            return Hit::Rule(self.rule);
        }
        let scope = self.scope(&place.scope);
        let fact = self.fact(scope);
        facts.push((fact, Wanted::Some));
        self.close(scope, facts, Weigh::Facts);
        Hit::Fact(fact)
    }

    /// The conditions that look at the rule's own instance, as facts. Those that look at the set are noted.
    fn local(&mut self, rule: &Rule, depth: usize) -> Vec<(Fact, Wanted)> {
        self.outermost(&rule.conditions);
        let own = |c: &&Condition| depth > 0 && c.shared == depth && !c.same_segment;
        let mut facts = Vec::new();
        for condition in rule.conditions.iter().filter(own) {
            facts.extend(self.condition(condition));
        }
        facts
    }

    /// Notes the conditions that look at the whole set.
    fn outermost(&mut self, conditions: &[Condition]) {
        for condition in conditions.iter().filter(|c| c.shared == 0 && !c.same_segment) {
            for fact in self.condition(condition) {
                self.scan.conditions.push((self.rule, fact.0, fact.1));
            }
        }
    }

    fn condition(&mut self, condition: &Condition) -> Vec<(Fact, Wanted)> {
        let place = &condition.place;
        let scope = self.scope(&place.scope[..condition.shared.min(place.scope.len())]);
        let counted = |builder: &mut Self, codes: Option<&[Code]>| {
            let fact = builder.fact(scope);
            let codes = codes.map(|codes| builder.codes(place, codes));
            let value = codes
                .map_or(ValueAction::Note(fact), |codes| ValueAction::NoteCode { fact, codes });
            builder.look(place, SegmentAction::Note(fact), value);
            fact
        };
        match &condition.test {
            ConditionTest::Present => vec![(counted(self, None), Wanted::Some)],
            ConditionTest::Absent => vec![(counted(self, None), Wanted::Zero)],
            ConditionTest::Is(codes) => vec![(counted(self, Some(codes)), Wanted::Some)],
            ConditionTest::IsNot(codes) => vec![
                (counted(self, None), Wanted::Some),
                (counted(self, Some(codes)), Wanted::Zero),
            ],
        }
    }

    fn sum(&mut self, place: &Place, terms: &[Term], scale: Option<u32>, home: usize) {
        if terms.iter().any(|t| !t.one_segment) {
            // Factors of several segments are looked at in full, always.
            let scope = self.scope(&[]);
            self.close(scope, Vec::new(), Weigh::Facts);
            return;
        }
        let mut plans = Vec::with_capacity(terms.len());
        for term in terms {
            let mut factors = Vec::with_capacity(term.factors.len());
            for factor in &term.factors {
                let Some(spot) = &factor.element else { continue };
                factors.push((self.spot(spot), spot.implied));
            }
            plans.push(TermPlan { minus: term.minus, factors });
        }
        let total = self.total(place, home, scale, plans);
        for (number, term) in (0_u16..).zip(terms) {
            if let Some(first) = term.factors.first() {
                self.segment(first, SegmentAction::Summed { total, term: number });
            }
        }
    }

    fn total(
        &mut self,
        place: &Place,
        home: usize,
        scale: Option<u32>,
        terms: Vec<TermPlan>,
    ) -> u16 {
        let total = u16::try_from(self.scan.totals.len()).unwrap_or(u16::MAX);
        self.scan.totals.push(TotalPlan { terms, scale });
        let scope = self.scope(&place.scope[..home]);
        self.close(scope, Vec::new(), Weigh::Total(total));
        let implied = place.element.as_ref().map_or(0, |spot| spot.implied);
        self.values(place, ValueAction::Stated { total, implied });
        total
    }

    fn close(&mut self, scope: u16, facts: Vec<(Fact, Wanted)>, weigh: Weigh) {
        self.closings.push((scope, Closing { rule: self.rule, facts, weigh }));
    }

    fn fact(&mut self, scope: u16) -> Fact {
        let fact = self.facts;
        self.facts = self.facts.saturating_add(1);
        self.scopes[usize::from(scope)].facts.push(fact);
        fact
    }

    /// What is done with the segments of a place, or with the values where it is an element.
    fn look(&mut self, place: &Place, segment: SegmentAction, value: ValueAction) {
        match &place.element {
            Some(_) => self.values(place, value),
            None => self.segment(place, segment),
        }
    }

    fn segment(&mut self, place: &Place, action: SegmentAction) {
        self.op(place, Action::Segment(action));
    }

    fn values(&mut self, place: &Place, action: ValueAction) {
        let Some(spot) = &place.element else { return };
        let spot = self.spot(spot);
        self.op(place, Action::Value(spot, action));
    }

    fn op(&mut self, place: &Place, action: Action) {
        let scope = self.scope(&place.scope);
        let qualifier = self.qualifier(place.qualifier.as_ref());
        self.ops.push((place.node, Op { scope, qualifier, action }));
    }

    fn scope(&mut self, steps: &[LoopStep]) -> u16 {
        let mut current = ROOT;
        for step in steps {
            let qualifier = self.qualifier(step.qualifier.as_ref());
            let node = step.node;
            let is_it =
                |d: &Draft| d.parent == current && d.node == node && d.qualifier == qualifier;
            let found = self.scopes.iter().position(is_it);
            let index = found.unwrap_or_else(|| {
                self.scopes.push(Draft {
                    node,
                    parent: current,
                    qualifier,
                    facts: Vec::new(),
                    counts: 0,
                });
                self.scopes.len() - 1
            });
            current = u16::try_from(index).unwrap_or(u16::MAX);
        }
        current
    }

    fn qualifier(&mut self, qualifier: Option<&Qualifier>) -> u16 {
        let Some(qualifier) = qualifier else { return ANY };
        let known = &mut self.scan.qualifiers;
        index_of(
            known,
            |(q, _)| q == qualifier,
            || (qualifier.clone(), Codes::new(qualifier.codes.clone())),
        )
    }

    fn spot(&mut self, spot: &ElementSpot) -> u16 {
        let known = &mut self.scan.spots;
        index_of(known, |(s, _)| s == spot, || (spot.clone(), Codes::new(spot.qualifiers.clone())))
    }

    /// Codes that the values of a place are held against.
    fn codes(&mut self, place: &Place, codes: &[Code]) -> u16 {
        let new = if is_numeric(self.grammar, place) {
            Codes::of_numbers(codes.into())
        } else {
            Codes::new(codes.into())
        };
        index_of(&mut self.scan.codes, |c| *c == new, || new.clone())
    }

    fn finish(mut self) -> Scan {
        let words = self.number_facts();
        let counts = self.number_counts();
        let mut scan = self.scan;
        scan.facts = words.last().map_or(0, |words| words.end);
        scan.counts = counts.last().map_or(0, |counts| counts.end);
        scan.slots = vec![0; self.grammar.nodes.len()].into();
        // Those of one place together, and of one scope and qualifier.
        self.ops.sort_by_key(|(node, op)| (*node, op.scope, op.qualifier));
        let mut groups: Vec<(NodeId, Group)> = Vec::new();
        for (node, op) in self.ops {
            let of = (node, op.scope, op.qualifier);
            if groups.last().is_none_or(|(node, last)| (*node, last.scope, last.qualifier) != of) {
                groups.push((node, Group::new(op.scope, op.qualifier)));
            }
            if let Some((_, last)) = groups.last_mut() {
                last.add(&scan, self.grammar, node, op.action);
            }
        }
        for (node, mut group) in groups {
            group.shrink();
            place_at(&mut scan, node).groups.push(group);
        }
        for ((number, draft), (facts, counts)) in
            (0_u16..).zip(&self.scopes).zip(words.into_iter().zip(counts))
        {
            if number != ROOT {
                let children = &self.grammar.node(draft.node).children;
                let opening = children.first().copied().unwrap_or(draft.node);
                opens(&mut scan, opening, number, draft.qualifier);
            }
            let own = self.closings.iter().filter(|(scope, _)| *scope == number);
            let (mut single, mut closings) = (Vec::new(), Vec::new());
            for (_, closing) in own {
                match (closing.weigh, &*closing.facts) {
                    (Weigh::Facts, &[(fact, wanted)]) => single.push((fact, wanted, closing.rule)),
                    _ => closings.push(closing.clone()),
                }
            }
            let facts_that = |w: Wanted| Mask::of(single.iter().filter(|s| s.1 == w).map(|s| s.0));
            let uniques = closings.iter().filter_map(|c| match c.weigh {
                Weigh::Unique(unique) => Some(unique),
                _ => None,
            });
            let totals = closings.iter().filter_map(|c| match c.weigh {
                Weigh::Total(total) => Some(total),
                _ => None,
            });
            let inside = |d: &(u16, &Draft)| d.1.parent == number && d.0 != ROOT;
            let plan = ScopePlan {
                parent: draft.parent,
                qualifier: draft.qualifier,
                children: (0_u16..).zip(&self.scopes).filter(inside).map(|d| d.0).collect(),
                facts,
                counts,
                none_of: facts_that(Wanted::Some),
                all_of: facts_that(Wanted::Zero),
                uniques: uniques.collect(),
                totals: totals.collect(),
                single,
                closings,
            };
            scan.scopes.push(plan);
        }
        for place in &mut scan.places {
            place.ends_mask = Mask::of(place.ends.iter().copied().map(u32::from));
        }
        scan
    }

    /// Numbers the counts anew, so that those of a scope lie side by side; where they do.
    fn number_counts(&mut self) -> Vec<Range<usize>> {
        let mut next = 0;
        let mut of_scope = |scope: &Draft| {
            let begin = next;
            next += scope.counts;
            begin..next
        };
        let ranges: Vec<_> = self.scopes.iter().map(&mut of_scope).collect();
        for (_, op) in &mut self.ops {
            if let Action::Segment(SegmentAction::Limit { count, .. }) = &mut op.action {
                let begin = u16::try_from(ranges[usize::from(op.scope)].start).unwrap_or(u16::MAX);
                *count = count.saturating_add(begin);
            }
        }
        ranges
    }

    /// Numbers the facts anew, so that each scope has words of its own; which.
    fn number_facts(&mut self) -> Vec<Range<u32>> {
        let mut numbers = vec![0; self.facts as usize];
        let mut words = Vec::with_capacity(self.scopes.len());
        let mut next = 0;
        for scope in &mut self.scopes {
            let begin = next;
            for (number, fact) in (begin * u64::BITS..).zip(&scope.facts) {
                numbers[*fact as usize] = number;
                next = number / u64::BITS + 1;
            }
            words.push(begin..next);
        }
        let new = |fact: &mut Fact| *fact = numbers[*fact as usize];
        for (_, op) in &mut self.ops {
            match &mut op.action {
                Action::Segment(SegmentAction::Note(fact))
                | Action::Value(_, ValueAction::Note(fact) | ValueAction::NoteCode { fact, .. }) => {
                    new(fact);
                }
                Action::Segment(SegmentAction::Limit { hit, .. } | SegmentAction::Hit(hit))
                | Action::Value(
                    _,
                    ValueAction::Hit(hit)
                    | ValueAction::HitMissing(hit)
                    | ValueAction::Check { hit, .. },
                ) => new_hit(hit, &new),
                _ => {}
            }
        }
        for (_, closing) in &mut self.closings {
            closing.facts.iter_mut().for_each(|(fact, _)| new(fact));
        }
        self.scan.conditions.iter_mut().for_each(|(_, fact, _)| new(fact));
        words
    }
}

fn new_hit(hit: &mut Hit, new: &dyn Fn(&mut Fact)) {
    if let Hit::Fact(fact) = hit {
        new(fact);
    }
}

fn place_at(scan: &mut Scan, node: NodeId) -> &mut PlacePlan {
    let slot = &mut scan.slots[node.index()];
    if *slot == 0 {
        scan.places.push(PlacePlan::default());
        *slot = u16::try_from(scan.places.len()).unwrap_or(0);
    }
    let place = usize::from(*slot) - 1;
    &mut scan.places[place]
}

impl Group {
    fn new(scope: u16, qualifier: u16) -> Self {
        let (narrowed, actions, looks) = (Vec::new(), Vec::new(), Vec::new());
        Self { scope, qualifier, narrow: None, narrowed, actions, looks }
    }

    /// Gives back what room it has too much: a service holds some thousand of them.
    fn shrink(&mut self) {
        if self.narrowed.is_empty() {
            self.narrow = None;
        }
        if let Some(plan) = &mut self.narrow {
            plan.shrink();
        }
        self.actions.shrink_to_fit();
        for looks in [&mut self.narrowed, &mut self.looks] {
            for look in looks.iter_mut() {
                look.actions.shrink_to_fit();
            }
            looks.shrink_to_fit();
        }
    }

    /// Adds what is to be done: into the plan of the segment where it can be worked into it.
    fn add(&mut self, scan: &Scan, grammar: &Grammar, node: NodeId, action: Action) {
        let (spot, action) = match action {
            Action::Segment(action) => return self.actions.push(action),
            Action::Value(spot, action) => (spot, action),
        };
        let is_narrowed = self.narrow(scan, grammar, node, (spot, action)).is_some();
        let looks = if is_narrowed { &mut self.narrowed } else { &mut self.looks };
        let (of, _) = &scan.spots[usize::from(spot)];
        let whole = if of.component == 0 && of.last == 0 { of.position } else { 0 };
        let at = index_of(looks, |l| l.spot == spot, || Look { spot, whole, actions: Vec::new() });
        looks[usize::from(at)].actions.push(action);
    }

    fn narrow(
        &mut self,
        scan: &Scan,
        grammar: &Grammar,
        node: NodeId,
        (spot, action): (u16, ValueAction),
    ) -> Option<()> {
        let (of, _) = &scan.spots[usize::from(spot)];
        let asked = match action {
            _ if of.component != 0 || of.last != 0 => return None,
            ValueAction::Hit(Hit::Rule(_)) => Narrowing::Forbidden,
            ValueAction::HitMissing(Hit::Rule(_)) => Narrowing::Required,
            ValueAction::Check { hit: Hit::Rule(_), check } => match check {
                Check::Length { min, max, numeric } => Narrowing::Length { min, max, numeric },
                Check::Type(data_type) => Narrowing::Type(data_type),
                Check::Codes(codes) => Narrowing::Codes(scan.codes[usize::from(codes)].as_text()?),
                Check::Digits(scheme) => Narrowing::Digits(scheme),
                Check::Besides(..) => return None,
            },
            _ => return None,
        };
        let segment = grammar.node(node).segment;
        let made = self.narrow.take().or_else(|| NarrowPlan::new(grammar, segment).map(Box::new));
        let plan = self.narrow.insert(made?);
        plan.ask(grammar, of.position, asked).then_some(())
    }
}

/// Has the segment at a place open a scope.
fn opens(scan: &mut Scan, node: NodeId, scope: u16, qualifier: u16) {
    let found = scan.qualifiers.get(usize::from(qualifier));
    let packed = found.and_then(|(q, codes)| {
        let words = codes.packed().filter(|_| q.component == 0)?;
        Some((q.position, words.to_vec()))
    });
    let place = place_at(scan, node);
    place.ends.push(scope);
    let Some((position, words)) = packed else { return place.opens.push(scope) };
    let at = index_of(
        &mut place.by_code,
        |c| c.position == position,
        || ByCode { position, scopes: Vec::new() },
    );
    place.by_code[usize::from(at)].scopes.extend(words.into_iter().map(|word| (word, scope)));
}

/// The index of what is so; what is made where nothing is.
fn index_of<T>(known: &mut Vec<T>, is_it: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> u16 {
    let at = known.iter().position(is_it).unwrap_or_else(|| {
        known.push(make());
        known.len() - 1
    });
    u16::try_from(at).unwrap_or(u16::MAX)
}
