//! Rules that can never fire, and rules that rest on no source: warnings for their author.

use super::super::plan::{Condition, ConditionTest, LoopStep, Place, Qualifier, Rule, Test};
use super::super::source::{Body, PathSource, Spot, TestSource, Word};
use super::{Compiler, code_list, definition};
use crate::grammar::check::value::{is_date, is_time, number_digits};
use crate::grammar::{CodeList, DataType, ElementDef, ElementShape, NodeId, Requirement, RuleLine};

impl Compiler<'_> {
    pub(super) fn dead(&mut self, rules: &[Rule]) {
        for rule in rules {
            if rule.written.source.is_none() {
                let mend = "name document, page and date: `source \"Guide 3.1, p. 12, 2026-02\"`";
                self.warn(rule, rule.written.at, "the rule names no source", mend);
            }
            if let Some(by) = self.forbidden_by(rule, rules) {
                self.dead_under(rule, by);
            }
            self.dead_rule(rule, rules);
            self.may_be_missing(rule, rules);
            self.dead_conditions(rule, rules);
            self.dead_qualifiers(rule, rules);
            self.excluded(rule, rules);
            self.pointless(rule);
            self.rivals(rule, rules);
        }
    }

    fn dead_rule(&mut self, rule: &Rule, rules: &[Rule]) {
        let at = path_of(&rule.written.body).map_or(rule.written.at, |p| p.at);
        let path = &rule.written.path;
        match &rule.test {
            Test::Require(place) => {
                if let Some(line) = self.mandatory(place) {
                    let message = format!(
                        "`{path}` must be there anyway ({}:{}): the rule never fires",
                        line.file, line.line
                    );
                    self.warn(rule, at, message, "take the rule out");
                }
            }
            Test::Forbid(place) => {
                if let Some(line) = self.mandatory(place) {
                    let message = format!(
                        "`{path}` must be there anyway ({}:{}): nobody can keep to both",
                        line.file, line.line
                    );
                    let mend = "take the rule out, or look for a slip in the path";
                    self.warn(rule, at, message, mend);
                }
            }
            Test::Limit(place, limit) => {
                let node = self.grammar.node(place.node);
                let max = if place.opens { self.grammar.node(node.parent) } else { node }.max_use;
                if let Some(max) = max.filter(|max| max <= limit) {
                    let message =
                        format!("`{path}` comes {max} times at most anyway: the rule never fires");
                    self.warn(rule, at, message, "write a smaller number, or take the rule out");
                }
            }
            Test::Length(place, min, max) => self.dead_length(rule, place, (*min, *max)),
            Test::Type(place, wanted) => {
                let own = definition(self.grammar, place).map(|d| d.shape);
                let same = matches!(own, Some(ElementShape::Simple { data_type, .. }) if data_type == *wanted);
                if same || matches!(wanted, DataType::An | DataType::Id | DataType::B) {
                    let message = "the type holds for every value anyway: the rule never fires";
                    self.warn(rule, at, message, "take the rule out");
                }
            }
            Test::Codes { place, codes, besides } => {
                self.dead_codes(rule, place, (codes.len(), *besides), rules);
            }
            Test::Allow(allowed) => {
                let Some(place) = &allowed.place else { return };
                self.not_allowed_after_all(rule, place, rules);
                let element = place.element.is_some();
                if element && code_list(self.grammar, place).is_none() {
                    let message =
                        format!("`{path}` has no list of codes: there is nothing to allow");
                    self.warn(rule, at, message, "take the rule out");
                }
            }
            _ => {}
        }
    }

    /// A qualifier is allowed, and a line that names all codes of its element lacks it.
    fn not_allowed_after_all(&mut self, rule: &Rule, place: &Place, rules: &[Rule]) {
        let (None, Some(qualifier)) = (&place.element, &place.qualifier) else { return };
        let lacks = rules.iter().find_map(|other| {
            let Test::Codes { place: of, codes, besides: false } = &other.test else { return None };
            let spot = of.element.as_ref().filter(|_| of.node == place.node)?;
            let is_it = (spot.position, spot.component, spot.last)
                == (qualifier.position, qualifier.component, 0);
            let code = qualifier.codes.iter().find(|code| !codes.contains(code))?;
            (is_it && of.qualifier.is_none() && other.conditions.is_empty())
                .then_some((other, code))
        });
        let Some((other, code)) = lacks else { return };
        let code = crate::x12::decode(code);
        let message = format!(
            "`codes {}` at {}:{} names all codes that may stand there, and {code} is not among them: the rule does nothing",
            other.written.path, other.line.file, other.line.line
        );
        let mend = format!("write `codes {} + {code}`", other.written.path);
        self.warn(rule, rule.written.at, message, mend);
    }

    /// An element is required of a segment with a certain qualifier, and nothing asks for that segment.
    fn may_be_missing(&mut self, rule: &Rule, rules: &[Rule]) {
        let Test::Require(place) = &rule.test else { return };
        let (Body::Require(path), true) = (&rule.written.body, rule.conditions.is_empty()) else {
            return;
        };
        let asked = |other: &Rule| match &other.test {
            Test::Require(p) | Test::Limit(p, _) => p.element.is_none() && p.same_segment(place),
            _ => false,
        };
        let is_one = place.each && place.element.is_some() && place.qualifier.is_some();
        if is_one && !rules.iter().any(asked) {
            let segment = path.text.rsplit_once('/').map_or(&*path.text, |(segment, _)| segment);
            let message =
                format!("nothing asks for `{segment}`: where it is missing, the rule is silent");
            let mend = format!("add `require {segment}`, or say so: `when {segment} present`");
            self.warn(rule, path.at, message, mend);
        }
    }

    /// Where it is written that the place must be there.
    fn mandatory(&self, place: &Place) -> Option<RuleLine> {
        let grammar = self.grammar;
        let node = grammar.node(place.node);
        let around = if place.opens { grammar.node(node.parent) } else { node };
        let must = |requirement| requirement == Requirement::Mandatory;
        let Some(spot) = &place.element else {
            let must = must(around.requirement) && place.qualifier.is_none();
            return must.then(|| around.rule.clone());
        };
        let element = definition(grammar, place)?;
        let whole = grammar.segment_at(place.node).elements.get(usize::from(spot.position) - 1)?;
        let there = place.each || must(around.requirement);
        let must = there && spot.last == 0 && must(element.requirement) && must(whole.requirement);
        must.then(|| element.rule.clone())
    }

    fn dead_length(&mut self, rule: &Rule, place: &Place, (min, max): (u32, u32)) {
        let Some(element) = definition(self.grammar, place) else { return };
        let ElementShape::Simple { min: least, max: most, .. } = element.shape else { return };
        let at = path_of(&rule.written.body).map_or(rule.written.at, |p| p.at);
        let path = &rule.written.path;
        if min <= least && max >= most {
            let message = format!("`{path}` has {least}/{most} anyway: the rule never fires");
            self.warn(rule, at, message, "write a narrower length, or take the rule out");
        } else if min > most || max < least {
            let message =
                format!("no value of `{path}` can have {min}/{max}: it has {least}/{most}");
            self.warn(rule, at, message, "look for a slip in the numbers");
        } else if min < least || max > most {
            let message = format!("{min}/{max} goes beyond what `{path}` has, {least}/{most}");
            let mend = format!("write `{}/{}`", min.max(least), max.min(most));
            self.warn(rule, at, message, mend);
        }
    }

    fn dead_codes(
        &mut self,
        rule: &Rule,
        place: &Place,
        (count, besides): (usize, bool),
        rules: &[Rule],
    ) {
        let grammar = self.grammar;
        let Body::Codes { codes: words, path, .. } = &rule.written.body else { return };
        let list = code_list(grammar, place).map(|id| grammar.code_list(id));
        let Some(element) = definition(grammar, place) else { return };
        for word in words {
            self.impossible(rule, element, word, &path.text);
            let listed = list.is_some_and(|l| l.codes.contains_key(word.text.as_bytes()));
            let upper = word.text.to_uppercase();
            if !listed && list.is_some_and(|l| l.codes.contains_key(upper.as_bytes())) {
                let message = format!("`{}` is not in the list, and `{upper}` is", word.text);
                self.warn(rule, word.at, message, format!("write `{upper}`"));
            }
            if besides && listed && !left_out(place, &word.text, rules) {
                let message = format!("`{}` is in the list already", word.text);
                self.warn(rule, word.at, message, "take it out");
            }
        }
        let Some(list) = list else {
            if besides {
                let message =
                    format!("`{}` has no list of codes: there is nothing to add to", path.text);
                self.warn(rule, path.at, message, "take the rule out");
            }
            return;
        };
        let all = count == list.codes.len()
            && words.iter().all(|w| list.codes.contains_key(w.text.as_bytes()));
        if all && !besides {
            let message = format!("these are all codes of list {} anyway", list.id);
            self.warn(rule, path.at, message, "name fewer, or take the rule out");
        }
    }

    /// A code that the element can never hold.
    fn impossible(&mut self, rule: &Rule, element: &ElementDef, word: &Word, path: &str) {
        if let Some(why) = cannot_hold(element, &word.text) {
            let message = format!("`{path}` can never be `{}`: {why}", word.text);
            self.warn(rule, word.at, message, "look for a slip in the code");
        }
    }

    fn dead_conditions(&mut self, rule: &Rule, rules: &[Rule]) {
        let grammar = self.grammar;
        let written = std::sync::Arc::clone(&rule.written);
        for (number, (condition, source)) in
            rule.conditions.iter().zip(&written.conditions).enumerate()
        {
            let (place, path) = (&condition.place, &source.path);
            if let TestSource::Is(words) | TestSource::IsNot(words) = &source.test
                && let Some(element) = definition(grammar, place)
            {
                let list = code_list(grammar, place).map(|id| grammar.code_list(id));
                for word in words {
                    if cannot_hold(element, &word.text).is_some() {
                        self.impossible(rule, element, word, &path.text);
                    } else if !is_listed(list, place, &word.text, rules) {
                        self.not_listed(rule, word.at, &word.text, &path.text, list);
                    }
                }
            }
            let absent = condition.test == ConditionTest::Absent;
            if let Some(line) = self.mandatory(place).filter(|_| absent) {
                let message = format!(
                    "`{}` must be there ({}:{}): the condition never holds",
                    path.text, line.file, line.line
                );
                self.warn(rule, path.at, message, "take the rule out");
            }
            let earlier = rule.conditions.iter().take(number);
            if earlier.clone().any(|other| self.contradicts(other, condition)) {
                let message = format!("the conditions on `{}` contradict each other", path.text);
                self.warn(rule, path.at, message, "the rule never fires: mend one of them");
            }
            self.dead_by_itself(rule, condition, path);
        }
    }

    /// Two conditions on one place of which only one can hold.
    pub(super) fn contradicts(&self, a: &Condition, b: &Condition) -> bool {
        if a.place != b.place {
            return false;
        }
        let node = self.grammar.node(a.place.node);
        let around = if a.place.opens { self.grammar.node(node.parent) } else { node };
        let one = around.max_use == Some(1);
        match (&a.test, &b.test) {
            (ConditionTest::Absent, ConditionTest::Absent) => false,
            (ConditionTest::Absent, _) | (_, ConditionTest::Absent) => true,
            (ConditionTest::Is(x), ConditionTest::Is(y)) => one && !x.iter().any(|c| y.contains(c)),
            (ConditionTest::Is(x), ConditionTest::IsNot(y))
            | (ConditionTest::IsNot(y), ConditionTest::Is(x)) => x.iter().all(|c| y.contains(c)),
            _ => false,
        }
    }

    /// A condition that says of the rule's own place what the rule asks.
    fn dead_by_itself(&mut self, rule: &Rule, condition: &Condition, path: &PathSource) {
        let Some(place) = rule.test.place() else { return };
        let same = *place == condition.place;
        let inside = super::conflicts::covers(self.grammar, &condition.place, place);
        let never = match (&rule.test, &condition.test) {
            (Test::Require(_), ConditionTest::Present) => same,
            (Test::Require(_) | Test::Allow(_), ConditionTest::Absent) => inside,
            (_, ConditionTest::Absent) => same || inside,
            _ => false,
        };
        if never {
            let message = format!("the condition on `{}` leaves nothing to the rule", path.text);
            self.warn(rule, path.at, message, "the rule never fires: mend the condition");
        }
    }

    /// Qualifiers that no segment can have.
    fn dead_qualifiers(&mut self, rule: &Rule, rules: &[Rule]) {
        let own = rule.test.place().into_iter();
        let of = match &rule.test {
            Test::Count { of, .. } => vec![of],
            Test::Sum { terms, .. } => terms.iter().flat_map(|t| &t.factors).collect(),
            _ => Vec::new(),
        };
        let conditions = rule.conditions.iter().map(|c| &c.place);
        for place in own.chain(of).chain(conditions) {
            for LoopStep { node, qualifier } in &place.scope {
                let opening = self.grammar.node(*node).children.first().copied();
                self.dead_qualifier(rule, rules, opening.unwrap_or(*node), qualifier.as_ref());
            }
            if !matches!(rule.test, Test::Allow(_)) {
                self.dead_qualifier(rule, rules, place.node, place.qualifier.as_ref());
            }
        }
    }

    fn dead_qualifier(
        &mut self,
        rule: &Rule,
        rules: &[Rule],
        node: NodeId,
        qualifier: Option<&Qualifier>,
    ) {
        let Some(qualifier) = qualifier else { return };
        let grammar = self.grammar;
        let place = qualifier_place(node, qualifier);
        let Some(element) = definition(grammar, &place) else { return };
        let list = code_list(grammar, &place).map(|id| grammar.code_list(id));
        let at = path_of(&rule.written.body).map_or(rule.written.at, |p| p.at);
        let around = &grammar.node(grammar.node(node).parent).path;
        let slash = if around.is_empty() { "" } else { "/" };
        let tag = grammar.segment_at(node).tag;
        let name = format!("{around}{slash}{tag}{:02}", qualifier.position);
        for code in &qualifier.codes {
            let text = crate::x12::decode(code).into_owned();
            if let Some(why) = cannot_hold(element, &text) {
                let message = format!("`{name}` can never be `{text}`: {why}");
                self.warn(rule, at, message, "look for a slip in the qualifier");
            } else if !is_listed(list, &place, &text, rules) {
                self.not_listed(rule, at, &text, &name, list);
            }
        }
    }

    fn not_listed(
        &mut self,
        rule: &Rule,
        at: Spot,
        code: &str,
        path: &str,
        list: Option<&CodeList>,
    ) {
        let id = list.map_or("", |l| l.id.as_str());
        let message = format!("`{code}` is not in list {id}, which `{path}` has");
        self.warn(
            rule,
            at,
            message,
            format!("look for a slip, or allow it: `codes {path} + {code}`"),
        );
    }
}

/// Whether a line that names all codes of a place lacks one, so that there is something to add it to.
fn left_out(place: &Place, code: &str, rules: &[Rule]) -> bool {
    rules.iter().any(|rule| match (&rule.test, &rule.written.body) {
        // Its codes as written: those in force have the added ones among them.
        (Test::Codes { place: of, besides: false, .. }, Body::Codes { codes, .. }) => {
            of.same_values(place) && !codes.iter().any(|word| word.text == code)
        }
        _ => false,
    })
}

/// Where the code of a qualifier stands, as a place of its own.
pub(super) fn qualifier_place(node: NodeId, qualifier: &Qualifier) -> Place {
    Place {
        scope: Box::default(),
        node,
        opens: false,
        qualifier: None,
        element: Some(super::super::plan::ElementSpot {
            position: qualifier.position,
            component: qualifier.component,
            last: 0,
            qualifiers: Box::default(),
            implied: 0,
        }),
        each: true,
    }
}

/// Whether a code is in the list, or some rule adds it there.
fn is_listed(list: Option<&CodeList>, place: &Place, code: &str, rules: &[Rule]) -> bool {
    let Some(list) = list else { return true };
    let code = code.as_bytes();
    let same = |p: &Place| {
        let position = |p: &Place| p.element.as_ref().map(|e| (e.position, e.component));
        p.node == place.node && position(p) == position(place)
    };
    list.codes.contains_key(code)
        || rules.iter().any(|rule| match &rule.test {
            Test::Codes { place, codes, .. } => same(place) && codes.iter().any(|c| **c == *code),
            Test::Allow(allowed) => allowed.place.as_ref().is_some_and(|p| {
                let of_segment = p.node == place.node && p.element.is_none();
                let qualifier = p.qualifier.as_ref().filter(|_| of_segment);
                same(p) || qualifier.is_some_and(|q| q.codes.iter().any(|c| **c == *code))
            }),
            _ => false,
        })
}

/// Why an element can never have a value, by its type and length.
fn cannot_hold(element: &ElementDef, value: &str) -> Option<String> {
    let ElementShape::Simple { data_type, min, max, .. } = element.shape else { return None };
    let bytes = value.as_bytes();
    let length = match data_type {
        DataType::R | DataType::N(_) => match number_digits(bytes, data_type == DataType::R) {
            Some(digits) => digits,
            None => return Some("it is a number".to_owned()),
        },
        DataType::Dt if !is_date(bytes) => return Some("it is a date".to_owned()),
        DataType::Tm if !is_time(bytes) => return Some("it is a time".to_owned()),
        _ => u32::try_from(bytes.len()).unwrap_or(u32::MAX),
    };
    let numeric = matches!(data_type, DataType::R | DataType::N(_));
    let unit = if numeric { "digit" } else { "character" };
    let unit = if max == 1 { unit.to_owned() } else { format!("{unit}s") };
    let range = if min == max { format!("{min}") } else { format!("{min} to {max}") };
    (!(min..=max).contains(&length)).then(|| format!("it has {range} {unit}"))
}

/// The path that a rule speaks of.
pub(super) fn path_of(body: &Body) -> Option<&PathSource> {
    match body {
        Body::Require(path)
        | Body::Forbid(path)
        | Body::Limit(path, _)
        | Body::Length(path, ..)
        | Body::Type(path, _)
        | Body::Codes { path, .. }
        | Body::Allow(path)
        | Body::Unique { path, .. }
        | Body::Count { path, .. }
        | Body::Sum { path, .. }
        | Body::Digits(path, _) => Some(path),
        Body::Hierarchy(_) | Body::Against { .. } | Body::Map { .. } => None,
    }
}
