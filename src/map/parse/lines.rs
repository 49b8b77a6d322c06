//! The lines of a block: fields, constants, counts.

use super::super::syntax::{How, Line, LineKind, Spot, Word};
use super::Faults;
use super::words::{is_name, path, split};
use crate::grammar::suggest;

/// Blocks within blocks; the deepest map needs three.
const DEPTH_MAX: usize = 16;

/// A line with those that stand further in below it.
#[derive(Debug, Default)]
pub(in crate::map) struct Node {
    indent: usize,
    pub words: Vec<Word>,
    pub children: Vec<Node>,
}

impl Node {
    /// A line by itself.
    pub(in crate::map) fn of(words: Vec<Word>) -> Self {
        Self { indent: 0, words, children: Vec::new() }
    }

    pub(super) fn at(&self) -> Spot {
        self.words.first().map(|w| w.at).unwrap_or_default()
    }
}

/// The lines of a file as a tree by their indentation.
pub(super) fn tree(text: &str, file: u16, faults: &mut Faults) -> Vec<Node> {
    let mut open: Vec<Node> = vec![Node::default()];
    let close = |open: &mut Vec<Node>| {
        if let (Some(done), Some(parent)) = (open.pop(), open.last_mut()) {
            parent.children.push(done);
        }
    };
    for (number, line) in text.lines().enumerate() {
        let number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        let words = split(line, file, number);
        if words.is_empty() {
            continue;
        }
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        while open.len() > 1 && open.last().is_some_and(|top| indent <= top.indent) {
            close(&mut open);
        }
        if open.len() > DEPTH_MAX {
            faults.add(words[0].at, "blocks are nested too deeply", "move the line to the left");
            continue;
        }
        open.push(Node { indent, words, children: Vec::new() });
    }
    while open.len() > 1 {
        close(&mut open);
    }
    open.pop().map(|root| root.children).unwrap_or_default()
}

/// Reads the lines of a block.
pub(in crate::map) fn block(nodes: &[Node], faults: &mut Faults) -> Vec<Line> {
    nodes.iter().filter_map(|node| line(node, faults)).collect()
}

fn line(node: &Node, faults: &mut Faults) -> Option<Line> {
    let at = node.at();
    let words: Vec<&str> = node.words.iter().map(|w| w.text.as_str()).collect();
    let kind = match words.as_slice() {
        ["rest", _] => LineKind::Rest { name: node.words[1].clone() },
        ["count", .., _, _] => {
            let (last, lists) = node.words[1..].split_last()?;
            let Some((path, None)) = path(last) else {
                faults.add(
                    last.at,
                    format!("`{}` is no element", last.text),
                    "write it like `CTT01` or `01`",
                );
                return None;
            };
            LineKind::Count { lists: lists.to_vec(), path }
        }
        [name, "=", value] if is_name(name) => {
            LineKind::Constant { name: node.words[0].clone(), value: (*value).to_owned() }
        }
        [name, _, ..] if is_name(name) => return field(node, faults),
        [first, ..] => {
            let mend = suggest::mend(
                first,
                ["section", "codes", "levels", "count", "rest", "map"],
                "write `FIELD PATH …`",
            );
            faults.add(at, format!("`{first}` begins no line that a map has"), mend);
            return None;
        }
        [] => return None,
    };
    no_children(node, faults);
    Some(Line { at, kind })
}

fn no_children(node: &Node, faults: &mut Faults) {
    for child in &node.children {
        faults.add(
            child.at(),
            "a line further in than the one before, which holds no block",
            "move it to the left",
        );
    }
}

#[expect(clippy::too_many_lines, reason = "one kind of line after the other")]
fn field(node: &Node, faults: &mut Faults) -> Option<Line> {
    let name = node.words[0].clone();
    let Some((path, last)) = path(&node.words[1]) else {
        let at = node.words[1].at;
        let message = format!("`{}` is no path", node.words[1].text);
        faults.add(
            at,
            message,
            "write it like `REF[DP]/02`, `N301`, `02`, `N1[ST]` or `PO106..PO125`",
        );
        return None;
    };
    let mut rest: Vec<&Word> = node.words[2..].iter().collect();
    let always = rest.last().is_some_and(|w| w.text == "always");
    if always {
        rest.pop();
    }
    let texts: Vec<&str> = rest.iter().map(|w| w.text.as_str()).collect();
    let how = match (texts.as_slice(), last) {
        (["by", step, section], Some(last)) if is_name(section) => {
            let step = step.parse().ok().filter(|s| (1..=16).contains(s));
            let first = path.element.map_or(0, |(position, _)| position);
            let (Some(step), true) = (step, first > 0 && last >= first) else {
                faults.add(
                    rest[0].at,
                    "this is no range of elements",
                    "write it like `PO106..PO125 by 2 item`",
                );
                return None;
            };
            How::By { last, step, section: rest[2].clone() }
        }
        (_, Some(_)) => {
            faults.add(
                path.at,
                "a range of elements needs its step and section",
                "write `… by 2 SECTION`",
            );
            return None;
        }
        (["code", table], None) if is_name(table) => How::Code(rest[1].clone()),
        ([section], None) if is_name(section) => How::Section(rest[0].clone()),
        ([], None) if node.children.is_empty() => How::Value,
        ([], None) => How::Inline(block(&node.children, faults)),
        _ => {
            let at = rest.first().map_or(path.at, |w| w.at);
            faults.add(
                at,
                "this is no way to make a field",
                "write nothing, `code TABLE`, or the name of a section",
            );
            return None;
        }
    };
    if !matches!(how, How::Inline(_)) {
        no_children(node, faults);
    }
    let is_object = matches!(how, How::Section(_) | How::Inline(_));
    match (&how, path.element, is_object) {
        (_, None, true) | (_, Some(_), false) => {}
        (_, Some(_), true) => {
            faults.add(
                path.at,
                "a section describes a segment or loop, not an element",
                "leave the element out",
            );
            return None;
        }
        (_, None, false) => {
            faults.add(
                path.at,
                "this names a segment or loop, and says not what to make of it",
                "add the element, or a section",
            );
            return None;
        }
    }
    if always && !is_object {
        faults.add(name.at, "`always` goes with a section", "take `always` out");
    }
    Some(Line { at: name.at, kind: LineKind::Field { name, path, how, always } })
}
