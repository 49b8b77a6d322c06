//! Broken rules in words: what was agreed, what stands there instead, and how to mend it.

use rust_decimal::Decimal;

use super::look::{Look, Value, is_among};
use crate::findings::{self, Code, Finding, Findings, Place};
use crate::grammar::check::shown;
use crate::grammar::digits::{Scheme, Wrong};
use crate::grammar::{DataType, ElementDef, ElementShape, NodeId, SegmentDef};
use crate::overlay::plan::{self, ElementSpot, Level, Qualifier, Rule};
use crate::overlay::view::finding_rule;

/// Codes that are named in one message.
const CODES_NAMED_MAX: usize = 8;

/// Where a level stands that was agreed elsewhere, or not at all.
#[derive(Debug, Clone, Copy)]
pub(super) enum Above<'l> {
    /// No such level was agreed.
    NotAgreed,
    /// It stands below no other.
    Nothing,
    /// It stands below this one.
    Level(&'l Level),
}

/// Adds findings of one rule.
pub(super) struct Teller<'a, 'f> {
    rule: &'a Rule,
    named: Option<findings::Rule>,
    look: &'a Look<'a>,
    findings: &'f mut Findings,
}

impl<'a, 'f> Teller<'a, 'f> {
    pub fn new(rule: &'a Rule, look: &'a Look<'a>, findings: &'f mut Findings) -> Self {
        Self { rule, named: None, look, findings }
    }

    fn push(&mut self, code: Code, place: Place, value: Option<&[u8]>, says: &str, mend: String) {
        let when = match self.rule.written.condition.as_str() {
            "" => String::new(),
            condition => format!(", when {condition}"),
        };
        let mut finding = Finding::new(code, place, format!("{says}{when}."), mend);
        finding.severity = self.rule.severity;
        finding.value = value.map(shown);
        finding.rule = Some(self.named.get_or_insert_with(|| finding_rule(self.rule)).clone());
        self.findings.push(finding);
    }

    /// The place of a segment as a whole.
    fn segment_place(&self, index: usize) -> Place {
        let segment = self.look.segment(index);
        let placed = self.look.tree.segments.get(index);
        let grammar = self.look.grammar;
        let around = placed
            .filter(|p| p.node != NodeId::NONE)
            .map_or(NodeId::ROOT, |p| grammar.node(p.node).parent);
        Place {
            offset: segment.offset(),
            length: u32::try_from(segment.raw().len()).unwrap_or(u32::MAX),
            segment: crate::x12::decode(segment.id()).into_owned(),
            segment_position: position(index),
            loop_path: grammar.node(around).path.clone(),
            ..Place::default()
        }
    }

    fn definitions(&self, index: usize) -> Option<&'a SegmentDef> {
        let placed = self.look.tree.segments.get(index).filter(|p| p.node != NodeId::NONE)?;
        Some(self.look.grammar.segment_at(placed.node))
    }

    fn definition(&self, index: usize, element: u16, component: u16) -> Option<&'a ElementDef> {
        let segment = self.definitions(index)?;
        let found = segment.elements.get(usize::from(element).checked_sub(1)?)?;
        match found.shape {
            ElementShape::Composite(id) if component > 0 => {
                self.look.grammar.composite(id).components.get(usize::from(component) - 1)
            }
            _ => Some(found),
        }
    }

    /// The place of an element, and its name: `N104 "Identification code"`.
    fn element_place(&self, index: usize, element: u16, component: u16) -> (Place, String) {
        let segment = self.look.segment(index);
        let definition = self.definition(index, element, component);
        let mut name = format!("{}{element:02}", crate::x12::decode(segment.id()));
        if component > 0 {
            name = format!("{name}-{component}");
        }
        if let Some(title) = definition.map(|d| d.title.as_str()).filter(|t| !t.is_empty()) {
            name = format!("{name} \"{title}\"");
        }
        let place = Place {
            offset: segment.element_offset(usize::from(element)),
            length: 0,
            element,
            component,
            element_id: definition.map_or_else(String::new, |d| d.id.clone()),
            ..self.segment_place(index)
        };
        (place, name)
    }

    fn value_place(&self, index: usize, value: Value<'_>) -> (Place, String) {
        let (mut place, name) = self.element_place(index, value.element, value.component);
        let whole = self.look.segment(index).element(usize::from(value.element));
        if value.component > 0 || value.repetition > 0 {
            // It is a part of the whole; the same bytes may stand before it.
            let before = value.bytes.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
            place.offset += before as u64;
        }
        place.length = u32::try_from(value.bytes.len()).unwrap_or(u32::MAX);
        place.repetition = value.repetition;
        (place, name)
    }

    fn value(&mut self, code: Code, index: usize, value: Value<'_>, says: &str, mend: String) {
        let (place, name) = self.value_place(index, value);
        let says = format!("{name} is \"{}\", {says}", shown(value.bytes));
        self.push(code, place, Some(value.bytes), &says, mend);
    }

    /// Nothing of the place stands in an instance of its scope.
    pub fn missing(&mut self, place: &plan::Place, instance: u32) {
        let grammar = self.look.grammar;
        let range = self.look.range(instance);
        // It would stand before the first segment whose place comes after its own.
        let end = range.end;
        let own = if place.is_loop() { grammar.node(place.node).parent } else { place.node };
        let mut last = own;
        while let Some(&inner) = grammar.node(last).children.last() {
            last = inner;
        }
        let after = |&index: &usize| {
            let node = self.look.tree.segments[index].node;
            node != NodeId::NONE && node > last
        };
        let next = range.clone().skip(1).find(after).unwrap_or(end);
        let last = self.look.tree.segments.len().saturating_sub(1);
        let next = next.min(last);
        let name = self.place_name(place);
        let (around, within) = self.scope_name(place, instance);
        let code =
            if place.is_loop() { Code::AgreedLoopMissing } else { Code::AgreedSegmentMissing };
        let what = match &place.element {
            Some(spot) => {
                let tag = grammar.segment_at(place.node).tag;
                format!("{name} with a value in {tag}{:02}", spot.position)
            }
            None => name,
        };
        let segment = self.look.segment(next);
        let says = format!("{what} is missing; it was agreed on for {within}");
        let id = crate::x12::decode(segment.id()).into_owned();
        let mend = format!("Send it before {id} (segment {}).", position(next));
        let loop_path = if place.is_loop() {
            grammar.node(grammar.node(place.node).parent).path.clone()
        } else {
            around
        };
        let place = Place {
            offset: segment.offset(),
            segment: grammar.segment_at(place.node).tag.to_string(),
            segment_position: position(next),
            loop_path,
            ..Place::default()
        };
        self.push(code, place, None, &says, mend);
    }

    /// `N1 "Parties" with ST in N101`
    fn place_name(&self, place: &plan::Place) -> String {
        let grammar = self.look.grammar;
        let node = grammar.node(place.node);
        let title = if place.is_loop() { &grammar.node(node.parent).title } else { &node.title };
        let tag = grammar.segment_at(place.node).tag;
        let name = if title.is_empty() { tag.to_string() } else { format!("{tag} \"{title}\"") };
        let name = if place.is_loop() { format!("loop {name}") } else { name };
        name + &with(&tag.to_string(), place.qualifier.as_ref())
    }

    /// The loop that an instance is of, and its name with what it is told by.
    fn scope_name(&self, place: &plan::Place, instance: u32) -> (String, String) {
        let grammar = self.look.grammar;
        let Some(step) = place.scope.last() else { return (String::new(), "the set".to_owned()) };
        let node = grammar.node(step.node);
        let tag = grammar.segment_at(step.node).tag.to_string();
        let first = self.look.range(instance).start;
        let name = format!(
            "loop {}{} (segment {})",
            node.path,
            with(&tag, step.qualifier.as_ref()),
            position(first)
        );
        (node.path.clone(), name)
    }

    /// The segment is there without the element.
    pub fn element_missing(&mut self, of: &plan::Place, spot: &ElementSpot, index: usize) {
        let segment = self.look.segment(index);
        let is_free = |at: &u16| {
            segment.element(usize::from(*at)).is_empty()
                && segment.element(usize::from(*at) + 1).is_empty()
        };
        let has_it = |at: &u16| is_among(&spot.qualifiers, segment.element(usize::from(*at)));
        let pairs = || (spot.position..spot.last).step_by(2);
        // Of pairs, the value of the one that has the qualifier, or the first in which there is room.
        let position = match pairs().find(has_it) {
            Some(qualifier) => qualifier + 1,
            None => pairs().find(is_free).unwrap_or(spot.position),
        };
        let (place, name) = self.element_place(index, position, spot.component);
        if spot.last > 0 {
            let wanted = codes_named(&spot.qualifiers);
            let tag = self.look.grammar.segment_at(of.node).tag;
            let says = format!(
                "No {tag}{:02} to {tag}{:02} has the qualifier {wanted} with a value; it was agreed on",
                spot.position, spot.last
            );
            let mend = format!("Send the pair: {wanted}, and its value.");
            self.push(Code::AgreedElementMissing, place, None, &says, mend);
            return;
        }
        let says = format!("{name} is missing; it was agreed on");
        self.push(Code::AgreedElementMissing, place, None, &says, format!("Send {name}."));
    }

    pub fn segment_forbidden(&mut self, of: &plan::Place, index: usize) {
        let name = self.place_name(of);
        let says = format!("{name} was agreed not to be sent");
        let place = self.segment_place(index);
        let raw = self.look.segment(index).raw();
        self.push(
            Code::AgreedSegmentForbidden,
            place,
            Some(raw),
            &says,
            "Leave it out.".to_owned(),
        );
    }

    pub fn element_forbidden(&mut self, index: usize, value: Value<'_>) {
        let says = "which was agreed not to be sent";
        self.value(Code::AgreedElementForbidden, index, value, says, "Leave it out.".to_owned());
    }

    pub fn too_many(&mut self, of: &plan::Place, index: usize, limit: u32) {
        let name = self.place_name(of);
        let times = if limit == 1 { "once" } else { "times" };
        let limit = if limit == 1 { String::new() } else { format!("{limit} ") };
        let says = format!("{name} comes more often than {limit}{times}, as was agreed");
        let code = if of.is_loop() { Code::AgreedLoopLimit } else { Code::AgreedSegmentLimit };
        let place = self.segment_place(index);
        self.push(code, place, None, &says, "Leave out what is too many.".to_owned());
    }

    /// The length of a number is told in digits.
    pub fn length(
        &mut self,
        code: Code,
        index: usize,
        value: Value<'_>,
        (min, max): (u32, u32),
        numeric: bool,
    ) {
        let agreed = if min == max { format!("{min}") } else { format!("{min} to {max}") };
        let word = if code == Code::AgreedTooShort { "shorter" } else { "longer" };
        let says = format!("{word} than was agreed: {agreed}");
        let unit = if numeric { "digit" } else { "character" };
        let plural = if max == 1 { "" } else { "s" };
        self.value(code, index, value, &says, format!("Send {agreed} {unit}{plural}."));
    }

    pub fn type_of(&mut self, index: usize, value: Value<'_>, data_type: DataType) {
        let agreed = match data_type {
            DataType::An | DataType::Id | DataType::B => "text",
            DataType::Dt => "a date",
            DataType::Tm => "a time",
            DataType::R => "a number",
            DataType::N(0) => "a number without a point",
            DataType::N(1) => "a number without a point, whose last digit is a decimal",
            DataType::N(_) => "a number without a point, whose last digits are its decimals",
        };
        let says = format!("which is not {agreed}, as was agreed");
        self.value(Code::AgreedType, index, value, &says, format!("Send {agreed}."));
    }

    pub fn code(&mut self, index: usize, value: Value<'_>, codes: &[plan::Code]) {
        let named = codes_named(codes);
        let says = format!("which is not among the agreed codes: {named}");
        self.value(Code::AgreedCode, index, value, &says, format!("Send one of {named}."));
    }

    /// Neither in the list of the grammar nor among those agreed besides.
    pub fn unlisted_code(
        &mut self,
        index: usize,
        value: Value<'_>,
        codes: &[plan::Code],
        list: &str,
    ) {
        let named = codes_named(codes);
        let says = format!("which is not in list {list}, nor agreed besides it ({named})");
        let mend = format!("Send a code of list {list}, or {named}.");
        self.value(Code::AgreedCode, index, value, &says, mend);
    }

    pub fn repeated(&mut self, index: usize, value: Value<'_>, first: usize) {
        let before = if first == index {
            "in the same segment".to_owned()
        } else {
            format!("in segment {}", position(first))
        };
        let says = format!("which came before, {before}; each may come once");
        let mend = "Give each its own.".to_owned();
        self.value(Code::NotUnique, index, value, &says, mend);
    }

    pub fn count(&mut self, index: usize, value: Value<'_>, found: u64) {
        let what = counted(&self.rule.written.what);
        let says = format!("but there are {found} of {what}");
        let mend = format!("Send {found}, or look whether one is lost.");
        self.value(Code::CountDisagrees, index, value, &says, mend);
    }

    pub fn sum(&mut self, index: usize, value: Value<'_>, stated: Decimal, found: Decimal) {
        let what = counted(&self.rule.written.what);
        let stated = stated.normalize();
        let read = if stated.to_string().as_bytes() == value.bytes {
            String::new()
        } else {
            format!("which says {stated}, ")
        };
        let says = format!("{read}but {what} gives {found}");
        let mend = format!("Send the sum, {found}, or mend what it is of.");
        self.value(Code::SumMismatch, index, value, &says, mend);
    }

    pub fn digits(&mut self, index: usize, value: Value<'_>, scheme: Scheme, wrong: Wrong) {
        let kind = scheme.words();
        let (says, mend) = match wrong {
            Wrong::Form => (format!("which is not {kind}"), format!("Send {kind}.")),
            Wrong::Digit(right) => {
                let right = char::from(right);
                let says = format!("whose last digit should be {right} if the others are right");
                (says, "Look for the digit that is wrong.".to_owned())
            }
        };
        self.value(Code::CheckDigit, index, value, &says, mend);
    }

    /// A level that does not stand where it was agreed.
    pub fn level(&mut self, index: usize, element: u16, above: Above<'_>, levels: &[Level]) {
        let names: Vec<&str> = levels.iter().map(|l| l.name.as_str()).collect();
        let agreed = names.join(", ");
        let (place, name) = self.element_place(index, element, 0);
        let code = self.look.segment(index).element(usize::from(element));
        let value = Value { bytes: code, element, component: 0, repetition: 0 };
        let place = Place { length: self.value_place(index, value).0.length, ..place };
        let where_it_is = match above {
            Above::NotAgreed => "a level that was not agreed on".to_owned(),
            Above::Nothing => "which stands below no other level".to_owned(),
            Above::Level(above) => format!("which stands directly below {}", above.name),
        };
        let says = format!("{name} is \"{}\", {where_it_is}; agreed is {agreed}", shown(code));
        let mend = "Send the levels in the order that was agreed.".to_owned();
        self.push(Code::HierarchyNotAgreed, place, Some(code), &says, mend);
    }
}

/// ` with ST in N101`
fn with(tag: &str, qualifier: Option<&Qualifier>) -> String {
    let Some(qualifier) = qualifier else { return String::new() };
    let component = match qualifier.component {
        0 => String::new(),
        n => format!("-{n}"),
    };
    format!(" with {} in {tag}{:02}{component}", codes_named(&qualifier.codes), qualifier.position)
}

fn codes_named(codes: &[plan::Code]) -> String {
    let shown: Vec<String> = codes.iter().take(CODES_NAMED_MAX).map(|c| shown(c)).collect();
    let more = if codes.len() > CODES_NAMED_MAX { " …" } else { "" };
    match shown.as_slice() {
        [one] => one.clone(),
        [first @ .., last] if more.is_empty() => format!("{} or {last}", first.join(", ")),
        all => format!("{}{more}", all.join(", ")),
    }
}

/// What a count or sum is of, as written.
fn counted(what: &str) -> &str {
    let what = what.strip_prefix('=').unwrap_or(what).trim();
    what.split(" scale ").next().unwrap_or(what)
}

/// Position in the set, ST = 1.
fn position(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1)
}
