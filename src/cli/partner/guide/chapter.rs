//! The chapter of one document: what is agreed beyond the standard, which segments and elements are sent, examples.

use std::collections::{BTreeSet, HashSet};

use super::blocks::{Block, Line, Tone, heading};
use super::examples::Example;
use super::words;
use crate::findings::Severity;
use crate::grammar::show::{note_in_words, type_name};
use crate::grammar::{
    CodeList, ElementDef, ElementShape, Grammar, Node, NodeId, NodeKind, Requirement,
};
use crate::overlay::{Kind, RuleView};
use crate::profile::{Agreement, Direction};

/// Codes of a list that are all printed; of a longer one only those that are used.
const CODES_MAX: usize = 12;

/// What a chapter is made from.
pub(super) struct Chapter<'a> {
    pub agreement: &'a Agreement,
    /// Other releases that the same document may have.
    pub releases: Vec<&'a str>,
    pub examples: &'a [Example],
}

/// `Purchase order (850), from you to us`
pub(super) fn title(agreement: &Agreement) -> String {
    let way = match agreement.direction {
        Direction::In => "from you to us",
        Direction::Out => "from us to you",
    };
    format!("{} {}, {way}", agreement.set(), agreement.grammar.title)
}

impl Chapter<'_> {
    pub(super) fn blocks(&self) -> Vec<Block> {
        let agreement = self.agreement;
        let rules: Vec<RuleView<'_>> = agreement
            .overlay
            .iter()
            .flat_map(|overlay| overlay.rules())
            .filter(|rule| rule.kind() != Kind::Map)
            .collect();
        let mut blocks =
            vec![Block::Heading { level: 2, text: title(agreement), page: true }, self.facts()];
        blocks.push(heading(3, format!("{}: what is agreed", agreement.set())));
        if rules.is_empty() {
            let words = "Nothing beyond the standard.";
            blocks.push(Block::Text(words.to_owned()));
        } else {
            blocks.push(rule_table(&rules));
        }
        let used = self.used(&rules);
        blocks.push(heading(3, format!("{}: segments", agreement.set())));
        blocks.push(Block::Text(
            "In the order in which they are sent. M: mandatory in the standard; R: required by agreement; C: required \
in some cases; O: optional. Numbers in the last column are those of the rules above."
                .to_owned(),
        ));
        blocks.push(self.segments(&used, &rules));
        blocks.extend(self.others(&used));
        blocks.push(heading(3, format!("{}: elements", agreement.set())));
        blocks.extend(self.elements(&used, &rules));
        blocks.push(heading(3, format!("{}: examples", agreement.set())));
        blocks.extend(self.shown_examples());
        blocks
    }

    fn facts(&self) -> Block {
        let agreement = self.agreement;
        let mut rows = vec![
            Line::plain(["Functional group (`GS01`)", &format!("`{}`", agreement.grammar.group)]),
            Line::plain(["Version (`GS08`)", &self.versions()]),
        ];
        if let Some(levels) = agreement.hierarchy() {
            rows.push(Line::plain(["Levels (`HL03`)", &levels.join(", then ")]));
        }
        let flow = &agreement.flow;
        if let Some(from) = flow.from {
            rows.push(Line::plain(["First day", &from.to_string()]));
        }
        if let Some(until) = flow.until {
            rows.push(Line::plain(["Last day", &until.to_string()]));
        }
        if flow.batch.sets > 1 {
            let words = format!("up to {} in one interchange", flow.batch.sets);
            rows.push(Line::plain(["Documents", &words]));
        }
        Block::Table { head: vec!["", "Agreed"], rows }
    }

    fn versions(&self) -> String {
        let own = match self.agreement.direction {
            Direction::Out => self.agreement.version(),
            // What stands behind the release, such as `VICS`, is taken as it comes.
            Direction::In => format!("{}…", self.agreement.release()),
        };
        let more: Vec<String> =
            self.releases.iter().map(|release| format!("`{release}`")).collect();
        match more.as_slice() {
            [] => format!("`{own}`"),
            more => format!("`{own}`; also taken: {}", more.join(", ")),
        }
    }

    /// Segments that are worth a row: mandatory, spoken of by a rule, or sent in an example; and the loops around
    /// them. What is forbidden stands there too, struck.
    fn used(&self, rules: &[RuleView<'_>]) -> BTreeSet<usize> {
        let grammar = &self.agreement.grammar;
        let mut used: HashSet<NodeId> = rules.iter().filter_map(RuleView::node).collect();
        used.extend(self.examples.iter().flat_map(|example| example.places.iter().map(|p| p.0)));
        let mandatory = (1..grammar.nodes.len()).filter(|&index| {
            let node = &grammar.nodes[index];
            node.requirement == Requirement::Mandatory && around_is_mandatory(grammar, node)
        });
        let mut all: BTreeSet<usize> = mandatory.collect();
        for node in used {
            let mut at = node;
            while at != NodeId::ROOT {
                all.insert(at.index());
                // Whatever a loop is used for, it opens with its first segment.
                all.extend(grammar.node(at).children.first().map(|first| first.index()));
                at = grammar.node(at).parent;
            }
        }
        all
    }

    fn segments(&self, used: &BTreeSet<usize>, rules: &[RuleView<'_>]) -> Block {
        let grammar = &self.agreement.grammar;
        let mut rows = Vec::new();
        for &index in used {
            let node = &grammar.nodes[index];
            let id = node_id(index);
            let opens = grammar.node(node.parent).children.first() == Some(&id) && index > 1;
            // The segment that opens a loop is told with the loop.
            if opens && node.parent != NodeId::ROOT {
                continue;
            }
            let first = node.children.first().copied();
            let about: Vec<(usize, &RuleView<'_>)> = (1..)
                .zip(rules)
                .filter(|(_, rule)| rule.node().is_some_and(|n| n == id || Some(n) == first))
                .collect();
            let segment: Vec<&RuleView<'_>> = about
                .iter()
                .map(|(_, rule)| *rule)
                .filter(|rule| rule.element().is_none() || rule.asks_for_segment())
                .collect();
            let usage = usage(node.requirement, &segment, &[]);
            let indent = "\u{2003}".repeat(depth(grammar, node));
            let name = node.key.split('#').next().unwrap_or_default();
            let label = match node.kind {
                NodeKind::Loop => format!("{indent}Loop `{name}`"),
                NodeKind::Segment => format!("{indent}`{name}`"),
            };
            let max = node.max_use.map_or_else(|| "any".to_owned(), |max| max.to_string());
            let limit = segment.iter().find(|rule| rule.kind() == Kind::Limit && is_whole(rule));
            let max = limit.map_or(max, |rule| rule.what().trim().to_owned());
            let tone = match (usage, node.kind) {
                ("-", _) => Tone::Struck,
                (_, NodeKind::Loop) => Tone::Loop,
                _ if about.is_empty() => Tone::Plain,
                _ => Tone::Agreed,
            };
            let numbers: Vec<String> = about.iter().map(|(n, _)| n.to_string()).collect();
            let cells = vec![label, node.title.clone(), usage.to_owned(), max, numbers.join(", ")];
            rows.push(Line { cells, tone });
        }
        Block::Table { head: vec!["Segment", "Name", "Use", "Times", "Rules"], rows }
    }

    /// Segments of the standard that are neither here nor forbidden.
    fn others(&self, used: &BTreeSet<usize>) -> Option<Block> {
        let grammar = &self.agreement.grammar;
        let here: HashSet<&str> = used
            .iter()
            .map(|&index| grammar.nodes[index].key.split('#').next().unwrap_or_default())
            .collect();
        let mut tags: Vec<String> = Vec::new();
        for node in grammar.nodes.iter().skip(1) {
            let tag = node.key.split('#').next().unwrap_or_default();
            let told = format!("`{tag}`");
            if !here.contains(tag) && !tags.contains(&told) {
                tags.push(told);
            }
        }
        let words = match self.agreement.direction {
            Direction::In => "You may send further segments of the standard; we keep what they say",
            Direction::Out => {
                "The standard has further segments, which we send where there is something to say"
            }
        };
        (!tags.is_empty()).then(|| Block::Text(format!("{words}: {}.", tags.join(", "))))
    }

    /// A table for each segment, once, whatever the number of its places.
    fn elements(&self, used: &BTreeSet<usize>, rules: &[RuleView<'_>]) -> Vec<Block> {
        let grammar = &self.agreement.grammar;
        let mut blocks = Vec::new();
        let mut done: HashSet<u16> = HashSet::new();
        let ends = [grammar.nodes[0].children.first(), grammar.nodes[0].children.last()];
        let sent: BTreeSet<usize> = used
            .iter()
            .copied()
            .filter(|&index| !ends.contains(&Some(&node_id(index))))
            .filter(|&index| !is_forbidden(grammar, node_id(index), rules))
            .collect();
        for &index in &sent {
            let node = &grammar.nodes[index];
            if node.kind == NodeKind::Segment && done.insert(node.segment.0) {
                let of_segment = |&other: &usize| grammar.nodes[other].segment == node.segment;
                let places: Vec<NodeId> =
                    sent.iter().copied().filter(of_segment).map(node_id).collect();
                blocks.extend(self.segment_elements(node, &places, rules));
            }
        }
        blocks
    }

    /// The elements of a segment that are mandatory, spoken of by a rule, or sent in an example.
    fn segment_elements(
        &self,
        node: &Node,
        places: &[NodeId],
        rules: &[RuleView<'_>],
    ) -> Vec<Block> {
        let segment = &self.agreement.grammar.segments[usize::from(node.segment.0)];
        let about: Vec<(usize, &RuleView<'_>)> = (1..)
            .zip(rules)
            .filter(|(_, rule)| rule.node().is_some_and(|n| places.contains(&n)))
            .collect();
        let of_examples = self.examples.iter().flat_map(|example| &example.places);
        let sent: BTreeSet<u16> = of_examples
            .filter(|(at, _)| places.contains(at))
            .map(|(_, position)| *position)
            .collect();
        let mut rows = Vec::new();
        let mut shown: BTreeSet<u16> = BTreeSet::new();
        for element in &segment.elements {
            let position = element.position;
            // A rule on a range of pairs is told with the first of them.
            let of_element: Vec<(usize, &RuleView<'_>)> = about
                .iter()
                .copied()
                .filter(|(_, rule)| rule.element().is_some_and(|(first, _)| first == position))
                .collect();
            let ranged = about.iter().any(|(_, rule)| {
                rule.element().is_some_and(|(first, last)| last > first && first + 1 == position)
            });
            let mandatory = element.requirement == Requirement::Mandatory;
            if mandatory || ranged || !of_element.is_empty() || sent.contains(&position) {
                let row = self.element(&segment.tag.to_string(), element, &of_element, places);
                // Relations with what is not sent say nothing.
                if row.tone != Tone::Struck {
                    shown.insert(position);
                }
                rows.push(row);
            }
        }
        if rows.is_empty() {
            return Vec::new();
        }
        let head = vec!["Element", "Name", "Use", "Type", "Agreed, and codes"];
        let mut blocks = vec![
            heading(4, format!("{} {}", segment.tag, segment.title)),
            Block::Table { head, rows },
        ];
        let tag = segment.tag.to_string();
        let notes = segment.notes.iter().filter(|n| n.positions.iter().all(|p| shown.contains(p)));
        let notes: Vec<String> = notes.map(|note| note_in_words(&tag, note)).collect();
        if !notes.is_empty() {
            blocks.push(Block::List(notes));
        }
        blocks
    }

    /// An element of a segment that stands at some places.
    fn element(
        &self,
        tag: &str,
        element: &ElementDef,
        about: &[(usize, &RuleView<'_>)],
        places: &[NodeId],
    ) -> Line {
        let grammar = &self.agreement.grammar;
        let rules: Vec<&RuleView<'_>> = about.iter().map(|(_, rule)| *rule).collect();
        let usage = usage(element.requirement, &rules, places);
        let (kind, list) = match element.shape {
            ElementShape::Simple { data_type, min, max, codes } => {
                let narrow = everywhere(Kind::Length, &rules, places);
                let lengths = narrow.map_or(format!("{min}/{max}"), |rule| rule.what().to_owned());
                let list = codes.map(|id| grammar.code_list(id));
                (format!("{} {lengths}", type_name(data_type)), list)
            }
            ElementShape::Composite(_) => ("composite".to_owned(), None),
        };
        let mut notes: Vec<String> = about
            .iter()
            .filter_map(|(number, rule)| {
                let short = match words::around(rule.path()) {
                    around if around.is_empty() => around,
                    around => format!("{around}: "),
                };
                let when = if rule.condition().is_some() { ", under a condition" } else { "" };
                Some(format!("{short}{}{when} (rule {number})", words::demand(rule)?))
            })
            .collect();
        let list = list.filter(|_| usage != "-");
        notes.extend(
            list.and_then(|list| self.codes(list, (element.position, tag), &rules, places)),
        );
        let tone = match usage {
            "-" => Tone::Struck,
            _ if about.is_empty() => Tone::Plain,
            _ => Tone::Agreed,
        };
        let name = format!("`{tag}{:02}`", element.position);
        let cells = vec![name, element.title.clone(), usage.to_owned(), kind, notes.join("\n")];
        Line { cells, tone }
    }

    /// The codes that are sent, with what they mean: those that a rule names, those of the examples, or all of a
    /// short list.
    fn codes(
        &self,
        list: &CodeList,
        (position, tag): (u16, &str),
        rules: &[&RuleView<'_>],
        places: &[NodeId],
    ) -> Option<String> {
        let mut codes: BTreeSet<String> = BTreeSet::new();
        for rule in rules.iter().filter(|rule| rule.kind() == Kind::Codes) {
            codes.extend(rule.what().split(' ').filter(|c| *c != "+").map(str::to_owned));
        }
        // Codes that are added stand beside those of the list, and so do those of some places or cases only.
        let named: Vec<&RuleView<'_>> =
            rules.iter().copied().filter(|rule| !rule.what().starts_with('+')).collect();
        let exact = everywhere(Kind::Codes, &named, places).is_some();
        if !exact {
            for example in self.examples {
                let sent = example.codes.iter().filter(|(t, at, _)| t == tag && *at == position);
                codes.extend(sent.map(|(_, _, code)| code.clone()));
            }
            if list.codes.len() <= CODES_MAX {
                codes.extend(list.codes.keys().map(|c| String::from_utf8_lossy(c).into_owned()));
            }
        }
        let mut shown: Vec<String> = codes
            .iter()
            .map(|code| match list.codes.get(code.as_bytes()) {
                Some(Some(meaning)) => format!("`{code}` {meaning}"),
                _ => format!("`{code}`"),
            })
            .collect();
        if !exact && list.codes.len() > CODES_MAX {
            let before = if shown.is_empty() { "a" } else { "or another" };
            shown.push(format!("{before} code of list {}", list.id));
        }
        (!shown.is_empty()).then(|| shown.join("\n"))
    }

    fn shown_examples(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        for example in self.examples {
            blocks.push(Block::Text(example.words.clone()));
            blocks.push(Block::Code(example.text.clone()));
        }
        if blocks.is_empty() {
            let words = "There is no example: none of the samples of this agreement keeps all of its rules.";
            blocks.push(Block::Text(words.to_owned()));
        }
        blocks
    }
}

fn rule_table(rules: &[RuleView<'_>]) -> Block {
    let rows = (1..).zip(rules).filter_map(|(number, rule)| {
        let demand = words::demand(rule)?;
        let place = words::path(rule.path());
        let when = rule.condition().map(|c| format!(", when {}", words::condition(c)));
        let adds = rule.kind() == Kind::Codes && rule.what().starts_with('+');
        let weight = match rule.weight() {
            Some(Severity::Fatal) if adds => " With anything else the document is rejected.",
            Some(Severity::Error) if adds => " Anything else is an error.",
            Some(Severity::Warning | Severity::Advice) if adds => {
                " Anything else we take, and note it."
            }
            Some(Severity::Fatal) => " Otherwise the document is rejected.",
            Some(Severity::Warning | Severity::Advice) => {
                " It is expected: otherwise we take the document, and note it."
            }
            Some(Severity::Error) | None => "",
        };
        let subject = if place.is_empty() { String::new() } else { format!("{place}: ") };
        let said = format!("{subject}{demand}{}.{weight}", when.unwrap_or_default());
        let reason = rule.reason().unwrap_or_default().to_owned();
        let source = rule.source().unwrap_or_default().to_owned();
        Some(Line::plain([number.to_string(), said, reason, source]))
    });
    Block::Table { head: vec!["Rule", "What is agreed", "Why", "Where"], rows: rows.collect() }
}

/// How places are used: as the standard has them, or as it was agreed of all of them.
fn usage(requirement: Requirement, rules: &[&RuleView<'_>], places: &[NodeId]) -> &'static str {
    let of_all = |kind: Kind| everywhere(kind, rules, places).is_some();
    if of_all(Kind::Forbid) {
        "-"
    } else if requirement == Requirement::Mandatory {
        "M"
    } else if of_all(Kind::Require) {
        "R"
    } else if rules.iter().any(|rule| rule.kind() == Kind::Require)
        || requirement == Requirement::Conditional
    {
        "C"
    } else {
        "O"
    }
}

/// The first rule of a kind that holds always, and says the same of each of the places.
fn everywhere<'r, 'a>(
    kind: Kind,
    rules: &[&'r RuleView<'a>],
    places: &[NodeId],
) -> Option<&'r RuleView<'a>> {
    let whole = || rules.iter().copied().filter(|rule| rule.kind() == kind && is_whole(rule));
    whole().find(|rule| {
        let says_it = |place: &NodeId| {
            whole().any(|other| other.node() == Some(*place) && other.what() == rule.what())
        };
        places.iter().all(says_it)
    })
}

/// Whether a rule holds wherever its element or segment stands, and always.
fn is_whole(rule: &RuleView<'_>) -> bool {
    rule.condition().is_none() && !rule.path().contains('[')
}

fn node_id(index: usize) -> NodeId {
    NodeId(u16::try_from(index).unwrap_or(u16::MAX))
}

/// Whether a place, or a loop around it, is never sent.
fn is_forbidden(grammar: &Grammar, node: NodeId, rules: &[RuleView<'_>]) -> bool {
    let forbidden = |at: NodeId| {
        let opening = grammar.node(at).children.first().copied();
        rules.iter().any(|rule| {
            rule.kind() == Kind::Forbid
                && rule.element().is_none()
                && rule.condition().is_none()
                && !rule.path().contains('[')
                && (rule.node() == Some(at) || (opening.is_some() && rule.node() == opening))
        })
    };
    let mut at = node;
    while at != NodeId::ROOT {
        if forbidden(at) {
            return true;
        }
        at = grammar.node(at).parent;
    }
    false
}

fn depth(grammar: &Grammar, node: &Node) -> usize {
    let (mut depth, mut parent) = (0, node.parent);
    while parent != NodeId::ROOT {
        depth += 1;
        parent = grammar.node(parent).parent;
    }
    depth
}

fn around_is_mandatory(grammar: &Grammar, node: &Node) -> bool {
    let mut parent = node.parent;
    while parent != NodeId::ROOT {
        if grammar.node(parent).requirement != Requirement::Mandatory {
            return false;
        }
        parent = grammar.node(parent).parent;
    }
    true
}
