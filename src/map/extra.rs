//! Lines of an agreement laid on top of a set's map.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::Library;
use super::compile::compile;
use super::parse::Faults;
use super::parse::lines::{Node, block};
use super::parse::words::split;
use super::plan::Map;
use super::syntax::{How, Line, LineKind, MapSource, Place, Spot};
use crate::grammar::{Grammar, LineError, NodeId, suggest};

/// A line that is laid on top of a block of a map; it takes the place of the block's own line for its field, and of
/// the one that reads its element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtraLine<'a> {
    /// The block: a list of the document that is described in place (`lines`), a level (`pack`), or a section
    /// (`party`); `None` = the document itself.
    pub within: Option<&'a str>,
    /// In the map language: `department REF[IA]/02`.
    pub text: &'a str,
    /// The file that it is written in.
    pub file: &'a Arc<str>,
    /// Its line, 1-based.
    pub line: u32,
    /// Column of its first word, 1-based.
    pub column: u32,
}

/// A number that is agreed to come with so many implied decimals, though its type has an explicit point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Implied {
    /// The segment.
    pub node: NodeId,
    /// Its element.
    pub position: u16,
    /// 0 = none.
    pub component: u16,
    /// 0 to 9.
    pub places: u8,
}

/// What is agreed of values otherwise than the grammar has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Values {
    /// Numbers with implied decimals.
    pub implied: Vec<Implied>,
    /// Whether the blanks at the end of a text belong to it.
    pub keep_blanks: bool,
}

impl Library {
    /// The map of a set with lines on top, and with values as they are agreed.
    ///
    /// # Errors
    /// Lines that cannot be read, name no block or field, or have no place in the set; all of them. A set without a
    /// map.
    pub fn with_lines(
        &self,
        grammar: &Grammar,
        lines: &[ExtraLine<'_>],
        values: &Values,
    ) -> Result<Arc<Map>, Vec<LineError>> {
        let Some(written) = self.written(&grammar.set, &grammar.release) else {
            let message = format!("set {} of release {} has no map", grammar.set, grammar.release);
            return Err(lines.iter().map(|l| error(l, &message, "take the line out")).collect());
        };
        let mut source = MapSource::clone(&written.source);
        let mut added: Vec<(Spot, &ExtraLine<'_>)> = Vec::new();
        let mut errors = Vec::new();
        for extra in lines {
            match add(extra, &mut source) {
                Ok(spot) => added.push((spot, extra)),
                Err(faults) => errors.extend(faults),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut used = BTreeSet::new();
        let map =
            compile(&source, grammar, &written.shapes, values, &mut used).map_err(|faults| {
                let mut faults: Vec<LineError> =
                    faults.into_iter().filter_map(|fault| of_extra(fault, lines)).collect();
                faults.dedup();
                faults
            })?;
        let unused = added.iter().filter(|(spot, _)| !used.contains(spot)).map(|(_, extra)| {
            error(
                extra,
                "no place of the set has what this line names",
                "correct the path, or take the line out",
            )
        });
        let unused: Vec<LineError> = unused.collect();
        if unused.is_empty() { Ok(Arc::new(map)) } else { Err(unused) }
    }
}

/// Maps with lines on top, each made once: partners with the same lines share it.
#[derive(Debug, Clone, Default)]
pub struct Variants {
    made: HashMap<Key, Arc<Map>>,
}

/// Set, release, the lines with their blocks, and the values.
type Key = (String, String, Vec<(Option<String>, String)>, Values);

impl Variants {
    /// The map of a set with lines on top, and with values as they are agreed; with neither, that of the library.
    ///
    /// # Errors
    /// As [`Library::with_lines`].
    pub fn map(
        &mut self,
        library: &Library,
        grammar: &Grammar,
        lines: &[ExtraLine<'_>],
        values: &Values,
    ) -> Result<Option<Arc<Map>>, Vec<LineError>> {
        if lines.is_empty() && *values == Values::default() {
            return Ok(library.map(&grammar.set, &grammar.release).cloned());
        }
        let texts = lines.iter().map(|l| {
            let words: Vec<&str> = l.text.split_whitespace().collect();
            (l.within.map(str::to_owned), words.join(" "))
        });
        let key = (grammar.set.clone(), grammar.release.clone(), texts.collect(), values.clone());
        if let Some(map) = self.made.get(&key) {
            return Ok(Some(Arc::clone(map)));
        }
        let map = library.with_lines(grammar, lines, values)?;
        self.made.insert(key, Arc::clone(&map));
        Ok(Some(map))
    }
}

/// A fault as one of the lines on top: the map was right without them.
fn of_extra(fault: LineError, lines: &[ExtraLine<'_>]) -> Option<LineError> {
    if lines.iter().any(|line| *line.file == fault.file) {
        return Some(fault);
    }
    let message =
        format!("with this line, {}:{} is wrong: {}", fault.file, fault.line, fault.message);
    Some(error(lines.first()?, &message, "name an element that no other line reads"))
}

/// Puts a line in front of its block.
fn add(extra: &ExtraLine<'_>, source: &mut MapSource) -> Result<Spot, Vec<LineError>> {
    let known = source.files.iter().position(|f| f == extra.file);
    let file = known.unwrap_or_else(|| {
        source.files.push(Arc::clone(extra.file));
        source.files.len() - 1
    });
    let mut words = split(extra.text, u16::try_from(file).unwrap_or(u16::MAX), extra.line);
    for word in &mut words {
        word.at.column = word.at.column.saturating_add(extra.column.saturating_sub(1));
    }
    let mut faults = Faults { files: source.files.clone(), errors: Vec::new() };
    let read = block(&[Node::of(words)], &mut faults);
    let Some(line) = read.into_iter().next().filter(|_| faults.errors.is_empty()) else {
        return Err(faults.errors);
    };
    let spot = line.at;
    let (lines, own) = match extra.within {
        None => (&mut source.lines, None),
        Some(name) => block_named(name, source)
            .map_err(|mend| vec![error(extra, &format!("the map has no block `{name}`"), &mend)])?,
    };
    let (field, element) = (field_of(&line), element_of(&line, own.as_deref()));
    lines.retain(|other| {
        let reads_it = element.is_some() && element_of(other, own.as_deref()) == element;
        !reads_it && (field.is_none() || field_of(other) != field)
    });
    lines.insert(0, line);
    Ok(spot)
}

/// The one element that a line reads: its place (`None` for the block's own segment), position and component.
fn element_of<'l>(line: &'l Line, own: Option<&str>) -> Option<(Option<&'l Place>, (u16, u16))> {
    let LineKind::Field { path, how: How::Value | How::Code(_), .. } = &line.kind else {
        return None;
    };
    let elsewhere = |place: &&Place| {
        place.selector.is_some() || place.label > 0 || own != Some(place.key.as_str())
    };
    Some((path.place.as_ref().filter(elsewhere), path.element?))
}

/// The lines of a block, and the loop that it describes where that is known.
type Block<'s> = (&'s mut Vec<Line>, Option<String>);

/// A list that is described in place, a level, or a section; else what may have been meant.
fn block_named<'s>(name: &str, source: &'s mut MapSource) -> Result<Block<'s>, String> {
    let inline = |line: &Line| matches!(&line.kind, LineKind::Field { name: n, how: How::Inline(_), .. } if n.text == name);
    let names: Vec<String> = block_names(source);
    if let Some(at) = source.lines.iter().position(inline)
        && let LineKind::Field { path, how: How::Inline(lines), .. } = &mut source.lines[at].kind
    {
        return Ok((lines, path.place.as_ref().map(|place| place.key.clone())));
    }
    let own = source.levels.as_ref().map(|levels| levels.place.text.clone());
    let mut levels = source.levels.iter_mut().flat_map(|levels| &mut levels.each);
    if let Some(level) = levels.find(|l| l.name == name) {
        return Ok((&mut level.lines, own));
    }
    let found = source.sections.get_mut(name).map(|section| (&mut section.lines, None));
    found.ok_or_else(|| {
        let otherwise = format!("name one of {}", names.join(", "));
        suggest::mend(name, names.iter().map(String::as_str), &otherwise)
    })
}

fn block_names(source: &MapSource) -> Vec<String> {
    let inline = source.lines.iter().filter_map(|line| match &line.kind {
        LineKind::Field { name, how: How::Inline(_), .. } => Some(name.text.clone()),
        _ => None,
    });
    let levels = source.levels.iter().flat_map(|l| &l.each).map(|l| l.name.clone());
    inline.chain(levels).chain(source.sections.keys().cloned()).collect()
}

fn field_of(line: &Line) -> Option<&str> {
    match &line.kind {
        LineKind::Field { name, .. } | LineKind::Constant { name, .. } => Some(&name.text),
        LineKind::Count { .. } | LineKind::Rest { .. } => None,
    }
}

fn error(line: &ExtraLine<'_>, message: &str, mend: &str) -> LineError {
    LineError {
        file: Arc::clone(line.file),
        line: line.line,
        column: line.column,
        message: message.to_owned(),
        mend: mend.to_owned(),
    }
}
