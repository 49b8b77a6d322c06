//! Map files read line by line, so that a bad line never hides the next one.

pub(super) mod lines;
pub(super) mod words;

use std::sync::Arc;

use super::syntax::{Level, Levels, MapSource, Section, Spot, Table, Target, Word};
use crate::grammar::{LineError, suggest};
use lines::{Node, block, tree};

/// Reads a map file. All that is wrong with it is told; what is right is there all the same.
#[must_use]
pub fn parse_map(file: &str, text: &str) -> (MapSource, Vec<LineError>) {
    let shared = text.lines().any(|line| line.split_whitespace().eq(["shared"]));
    let files = vec![file.into(); if shared { 2 } else { 1 }];
    let mut faults = Faults { files: files.clone(), errors: Vec::new() };
    let nodes = tree(text, u16::from(shared), &mut faults);
    let files = files.into_iter().take(1).collect();
    let mut source = MapSource { files, shared, ..MapSource::default() };
    for node in &nodes {
        directive(node, &mut source, &mut faults);
    }
    if source.set.text.is_empty() && !shared && faults.errors.is_empty() {
        faults.add(
            Spot { file: 0, line: 1, column: 1 },
            "the file names no set",
            "begin it with `map SET RELEASE … to DOCUMENT`",
        );
    }
    (source, faults.errors)
}

/// Faults as they are found.
pub(super) struct Faults {
    /// By the file of a spot.
    pub files: Vec<Arc<str>>,
    pub errors: Vec<LineError>,
}

impl Faults {
    pub(super) fn add(&mut self, at: Spot, message: impl Into<String>, mend: impl Into<String>) {
        self.errors.push(LineError {
            file: self.files.get(usize::from(at.file)).cloned().unwrap_or_default(),
            line: at.line,
            column: at.column,
            message: message.into(),
            mend: mend.into(),
        });
    }
}

fn directive(node: &Node, source: &mut MapSource, faults: &mut Faults) {
    let words: Vec<&str> = node.words.iter().map(|w| w.text.as_str()).collect();
    let at = node.words.first().map(|w| w.at).unwrap_or_default();
    match words.as_slice() {
        ["map", ..] if source.shared => {
            faults.add(at, "a file that maps share is no map itself", "take `shared` or `map` out");
        }
        ["map", ..] => head(node, source, faults),
        ["shared"] => {}
        ["section", name] if words::is_name(name) => {
            let lines = block(&node.children, faults);
            if source.sections.insert((*name).to_owned(), Section { lines }).is_some() {
                faults.add(
                    at,
                    format!("section `{name}` is there twice"),
                    "give one of them another name",
                );
            }
        }
        ["section", ..] => faults.add(at, "a section has one name", "write `section NAME`"),
        ["codes", name] if words::is_name(name) => table(name, node, source, faults),
        ["codes", ..] => faults.add(at, "a code table has one name", "write `codes NAME`"),
        ["levels", place, rest @ ..] if matches!(rest.first(), None | Some(&"hierarchy")) => {
            if source.levels.is_some() {
                faults.add(at, "levels are there twice", "take one of them out");
                return;
            }
            let hierarchy = node.words.iter().skip(3).cloned().collect();
            let place = Word { text: (*place).to_owned(), at: node.words[1].at };
            source.levels = Some(levels(at, place, hierarchy, node, faults));
        }
        ["levels", ..] => {
            faults.add(at, "levels need their loop", "write `levels HL hierarchy S O T P I`");
        }
        _ if source.shared => {
            faults.add(
                at,
                "a file that maps share has sections and code tables only",
                "move the line into a map",
            );
        }
        _ => source.lines.extend(block(std::slice::from_ref(node), faults)),
    }
}

fn head(node: &Node, source: &mut MapSource, faults: &mut Faults) {
    let words: Vec<&str> = node.words.iter().map(|w| w.text.as_str()).collect();
    let at = node.words.first().map(|w| w.at).unwrap_or_default();
    if !source.set.text.is_empty() {
        faults.add(at, "`map` is there twice", "write one file for each set");
        return;
    }
    match words.as_slice() {
        ["map", set, releases @ .., "to", document] if !releases.is_empty() => {
            source.set = Word { text: (*set).to_owned(), at: node.words[1].at };
            source.releases = releases.iter().map(|r| (*r).to_owned()).collect();
            let last = node.words.last().map(|w| w.at).unwrap_or_default();
            source.document = Word { text: (*document).to_owned(), at: last };
        }
        _ => faults.add(
            at,
            "the head of the map is not complete",
            "write `map SET RELEASE … to DOCUMENT`",
        ),
    }
    for child in &node.children {
        faults.add(child.at(), "a line further in than the one before", "move it to the left");
    }
}

fn table(name: &str, node: &Node, source: &mut MapSource, faults: &mut Faults) {
    let at = node.at();
    let mut entries: Vec<(String, String)> = Vec::new();
    for child in &node.children {
        let [code, word] = child.words.as_slice() else {
            faults.add(
                child.at(),
                "a line of a code table is a code and a word",
                "write `CODE word`",
            );
            continue;
        };
        if let Some((c, w)) = entries.iter().find(|(c, w)| *c == code.text || *w == word.text) {
            let message = format!(
                "`{} {}` is not one to one: `{c} {w}` is there already",
                code.text, word.text
            );
            faults.add(child.at(), message, "take one of them out");
            continue;
        }
        entries.push((code.text.clone(), word.text.clone()));
    }
    if source.tables.insert(name.to_owned(), Table { entries }).is_some() {
        faults.add(
            at,
            format!("code table `{name}` is there twice"),
            "give one of them another name",
        );
    }
}

fn levels(at: Spot, place: Word, hierarchy: Vec<Word>, node: &Node, faults: &mut Faults) -> Levels {
    let mut result =
        Levels { at, place, hierarchy, each: Vec::new(), other: None, split: Vec::new() };
    for child in &node.children {
        let words: Vec<&str> = child.words.iter().map(|w| w.text.as_str()).collect();
        let at = child.at();
        let word = |i: usize| child.words[i].clone();
        let target = match words.as_slice() {
            ["split", ..] => {
                result.split = child.words[1..].to_vec();
                continue;
            }
            ["level", _, _, "is", "document"] => Target::Document,
            ["level", _, _, "rows", _] => Target::Rows { list: word(4) },
            ["level", _, _, "into", _, "as", _] => {
                Target::List { list: word(4), reference: Some(word(6)), nested: None }
            }
            ["level", _, _, "into", _, "as", _, "nested", _] => {
                Target::List { list: word(4), reference: Some(word(6)), nested: Some(word(8)) }
            }
            ["other", "into", _] => Target::List { list: word(2), reference: None, nested: None },
            [first, ..] => {
                let mend = suggest::mend(
                    first,
                    ["level", "other", "split"],
                    "write `level CODE NAME is document`, `… into LIST as FIELD [nested FIELD]` or `… rows LIST`",
                );
                faults.add(at, "this is no level", mend);
                continue;
            }
            [] => continue,
        };
        let lines = block(&child.children, faults);
        if words[0] == "other" {
            result.other =
                Some(Level { at, code: String::new(), name: String::new(), target, lines });
        } else {
            let (code, name) = (words[1].to_owned(), words[2].to_owned());
            result.each.push(Level { at, code, name, target, lines });
        }
    }
    result
}
