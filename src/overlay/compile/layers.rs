//! One layer laid over those before it: rules are taken back, replaced or added.

use super::super::plan::{Code, Place, Rule, Test};
use super::super::source::{Body, Kind, OverlaySource, WaiveSource};
use super::Compiler;
use crate::grammar::digits::Scheme;
use crate::grammar::suggest;

impl<'a> Compiler<'a> {
    pub(super) fn add_layer(
        &mut self,
        number: usize,
        layer: &'a OverlaySource,
        rules: &mut Vec<Rule>,
    ) {
        for waived in &layer.waived {
            self.waive(waived, rules);
        }
        for written in &layer.rules {
            if let Some(rule) = self.rule(number, layer, written) {
                self.lay(rule, rules);
            }
        }
    }

    /// A later rule of the same kind on the same path and condition takes the place of an earlier one.
    fn lay(&mut self, mut rule: Rule, rules: &mut Vec<Rule>) {
        let before = rules.iter().position(|other| same_subject(other, &rule));
        let Some(before) = before else {
            rules.push(rule);
            return;
        };
        let other = &rules[before];
        if other.layer == rule.layer {
            let kind = rule.written.body.kind().word();
            let subject = subject_text(&rule);
            let message =
                format!("a second `{kind}` on {subject}: line {} has one", other.line.line);
            let mut mend = "take one of them out".to_owned();
            if other.conditions.is_empty() && kind == "codes" {
                "write all codes in one line".clone_into(&mut mend);
            }
            if other.test == rule.test && other.severity == rule.severity {
                self.warn(&rule, rule.written.at, message, mend);
            } else {
                self.fault_at(&rule, message, mend);
            }
            return;
        }
        rule.replaced = Some(other.line.clone());
        rules[before] = rule;
    }

    /// Takes inherited rules back.
    fn waive(&mut self, waived: &WaiveSource, rules: &mut Vec<Rule>) {
        self.clean = true;
        let is_it: Box<dyn Fn(&Rule) -> bool> = match (&waived.path, waived.kind) {
            (None, Kind::Hierarchy) => Box::new(|r| r.written.body.kind() == Kind::Hierarchy),
            (None, kind) => {
                let text = waived.text.strip_prefix(kind.word()).unwrap_or_default().trim();
                Box::new(move |r| r.written.body.kind() == kind && begins(&r.written.what, text))
            }
            (Some(path), Kind::Allow) => {
                let Some(allowed) = self.allowed(path) else { return };
                Box::new(move |r| matches!(&r.test, Test::Allow(other) if *other == allowed))
            }
            (Some(path), kind) => {
                let Some(place) = self.place(path) else { return };
                Box::new(move |r| {
                    r.written.body.kind() == kind
                        && match &r.test {
                            Test::Require(own) => *own == place,
                            test => same_values(test.place(), Some(&place)),
                        }
                })
            }
        };
        let count = rules.len();
        rules.retain(|rule| !is_it(rule));
        if rules.len() == count {
            let message = format!("there is no `{}` to take back", waived.text);
            let inherited: Vec<String> = rules
                .iter()
                .filter(|r| r.written.body.kind() == waived.kind)
                .map(|r| subject_text(r).replace('`', ""))
                .collect();
            let wanted = waived.path.as_ref().map_or("", |p| p.text.as_str());
            let otherwise = match inherited.as_slice() {
                [] => "no layer below has such a rule: take the line out".to_owned(),
                some => {
                    let shown: Vec<&str> = some.iter().take(5).map(String::as_str).collect();
                    format!("the layers below have it for {}", shown.join(", "))
                }
            };
            let mend = suggest::mend(wanted, inherited.iter().map(String::as_str), &otherwise);
            self.fault(waived.at, message, mend);
        }
    }
}

/// What one line allows besides (`codes PATH + …`), another line that names all codes of the path allows too.
pub(super) fn widen(rules: &mut [Rule]) {
    let besides: Vec<(Place, Box<[Code]>)> = rules
        .iter()
        .filter(|rule| rule.conditions.is_empty())
        .filter_map(|rule| match &rule.test {
            Test::Codes { place, codes, besides: true } => Some((place.clone(), codes.clone())),
            _ => None,
        })
        .collect();
    for rule in rules {
        let Test::Codes { place, codes, besides: false } = &mut rule.test else { continue };
        for (_, more) in besides.iter().filter(|(o, _)| same_values(Some(o), Some(place))) {
            let new = more.iter().filter(|code| !codes.contains(code));
            *codes = codes.iter().chain(new).cloned().collect();
        }
    }
}

/// Values that are to be unique and of which `digits` says what number they are: two ways to write it are one value.
pub(super) fn schemes(rules: &mut [Rule]) {
    let agreed: Vec<(Place, Scheme)> = rules
        .iter()
        .filter_map(|rule| match &rule.test {
            Test::Digits(place, scheme) => Some((place.clone(), *scheme)),
            _ => None,
        })
        .collect();
    for rule in rules {
        let Test::Unique { place, scheme, .. } = &mut rule.test else { continue };
        let found = agreed.iter().find(|(other, _)| same_values(Some(other), Some(place)));
        *scheme = found.map(|(_, scheme)| *scheme);
    }
}

/// Whether the words of a rule begin with these words.
fn begins(what: &str, text: &str) -> bool {
    what.strip_prefix(text).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// What a rule speaks of, for messages.
pub(super) fn subject_text(rule: &Rule) -> String {
    let (path, what) = (&rule.written.path, &rule.written.what);
    if path.is_empty() { format!("`{what}`") } else { format!("`{path}`") }
}

/// Whether two rules are of one kind, on one path, under one condition.
pub(super) fn same_subject(a: &Rule, b: &Rule) -> bool {
    let same = match (&a.test, &b.test) {
        (Test::Require(p), Test::Require(q)) => p == q,
        (Test::Codes { place: p, besides: x, .. }, Test::Codes { place: q, besides: y, .. }) => {
            same_values(Some(p), Some(q)) && x == y
        }
        (Test::Allow(p), Test::Allow(q)) => p == q,
        (Test::Unique { place: p, within: v, .. }, Test::Unique { place: q, within: w, .. }) => {
            same_values(Some(p), Some(q)) && v == w
        }
        (Test::Hierarchy { .. }, Test::Hierarchy { .. }) => true,
        (Test::Against, Test::Against) => a.written.what == b.written.what,
        (Test::Map, Test::Map) => map_field(a) == map_field(b),
        (p, q) => {
            std::mem::discriminant(p) == std::mem::discriminant(q)
                && same_values(p.place(), q.place())
        }
    };
    let among = |a: &Rule, b: &Rule| a.conditions.iter().all(|own| b.conditions.contains(own));
    same && among(a, b) && among(b, a)
}

/// Whether two rules speak of the same values, or both of none.
fn same_values(a: Option<&Place>, b: Option<&Place>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.same_values(b),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// The block and field that a line of the map fills.
fn map_field(rule: &Rule) -> Option<(Option<&str>, &str)> {
    let Body::Map { within, field, .. } = &rule.written.body else { return None };
    Some((within.as_ref().map(|w| w.text.as_str()), &field.text))
}
