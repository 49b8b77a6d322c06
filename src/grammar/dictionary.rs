//! The dictionary of a release: its segments, composites and code lists, with every name in them looked up.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::error::LineError;
use super::parse::syntax::{At, Block, Blocks, ElementLine, Named, NoteLine, ShapeSyntax};
use super::suggest;
use super::{
    CodeList, CodeListId, CompositeDef, CompositeId, ElementDef, ElementShape, RuleLine,
    SegmentDef, SyntaxNote,
};
use crate::x12::Tag;

/// The segments, composites and code lists of a release, or of the envelope.
#[derive(Debug, Clone)]
pub struct Dictionary {
    /// `004010`, or `envelope`.
    pub release: String,
    /// By tag.
    pub segments: Vec<SegmentDef>,
    /// By name.
    pub composites: Vec<CompositeDef>,
    /// By name.
    pub codes: Vec<Arc<CodeList>>,
    /// Tags that the release has, whether or not a segment here says more of them; in order.
    pub known_tags: Vec<Tag>,
}

impl Dictionary {
    /// The segment with this tag.
    #[must_use]
    pub fn segment(&self, tag: Tag) -> Option<&SegmentDef> {
        let found = self.segments.binary_search_by_key(&tag, |s| s.tag).ok()?;
        self.segments.get(found)
    }

    /// The composite.
    #[must_use]
    pub fn composite(&self, id: CompositeId) -> &CompositeDef {
        &self.composites[usize::from(id.0)]
    }

    /// The code list.
    #[must_use]
    pub fn code_list(&self, id: CodeListId) -> &CodeList {
        &self.codes[usize::from(id.0)]
    }

    /// The code list of this name, mostly an element number.
    #[must_use]
    pub fn code_list_named(&self, name: &str) -> Option<&Arc<CodeList>> {
        let found = self.codes.binary_search_by(|c| c.id.as_str().cmp(name)).ok()?;
        self.codes.get(found)
    }
}

/// Beyond so many faults nobody reads on; what comes then is dropped.
const FAULTS_MAX: usize = 2000;

/// Faults of all files, gathered.
#[derive(Debug, Default)]
pub(super) struct Faults {
    lines: Vec<LineError>,
}

impl Faults {
    /// No more are taken, so that their words need not be made up either.
    pub(super) fn is_full(&self) -> bool {
        self.lines.len() >= FAULTS_MAX
    }

    pub(super) fn add(
        &mut self,
        file: &Arc<str>,
        at: At,
        message: String,
        mend: impl Into<String>,
    ) {
        if self.is_full() {
            return;
        }
        let (line, column) = (at.line, at.column);
        self.lines.push(LineError {
            file: Arc::clone(file),
            line,
            column,
            message,
            mend: mend.into(),
        });
    }

    pub(super) fn extend(&mut self, lines: Vec<LineError>) {
        self.lines.extend(lines);
    }

    /// By file and line, each once.
    pub(super) fn into_lines(mut self) -> Vec<LineError> {
        self.lines.sort();
        self.lines.dedup();
        self.lines
    }
}

/// A block and the file that it stands in.
#[derive(Debug, Clone)]
struct Written {
    file: Arc<str>,
    block: Arc<Block>,
}

/// What a release's files define, by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    segments: BTreeMap<String, Written>,
    composites: BTreeMap<String, Written>,
    codes: BTreeMap<String, Arc<CodeList>>,
    also: BTreeMap<String, (Arc<str>, At)>,
}

impl Names {
    /// Adds the blocks of one more file. What is there already stays, and the second one is a fault.
    pub(super) fn add(&mut self, file: &Arc<str>, blocks: Blocks, faults: &mut Faults) {
        add_blocks(&mut self.segments, file, "segment", blocks.segments, faults);
        add_blocks(&mut self.composites, file, "composite", blocks.composites, faults);
        for codes in blocks.codes {
            match self.codes.entry(codes.list.id.clone()) {
                _ if codes.list.id.is_empty() => {}
                Entry::Vacant(entry) => {
                    entry.insert(Arc::new(codes.list));
                }
                Entry::Occupied(entry) => {
                    let RuleLine { file: other, line } = &entry.get().rule;
                    let message = format!(
                        "the code list {} is there already, at {other}:{line}",
                        codes.list.id
                    );
                    faults.add(file, codes.at, message, "take one of them out");
                }
            }
        }
        for Named { name, at } in blocks.also {
            if let Some(at) = at {
                self.also.entry(name).or_insert_with(|| (Arc::clone(file), at));
            }
        }
    }

    /// These, with those of a set's own file in front.
    pub(super) fn with_own(&self, own: Names) -> Names {
        let mut names = self.clone();
        names.segments.extend(own.segments);
        names.composites.extend(own.composites);
        names.codes.extend(own.codes);
        names
    }

    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty() && self.composites.is_empty() && self.codes.is_empty()
    }

    /// Looks up what they name, and builds the dictionary.
    pub(super) fn build(&self, release: &str, faults: &mut Faults) -> Dictionary {
        for (name, (file, at)) in &self.also {
            if let Some(written) = self.segments.get(name) {
                let message = format!("`{name}` is written in {} already", written.file);
                faults.add(file, *at, message, "take it out of `also`");
            }
        }
        let known = Known {
            composites: self.composites.keys().map(String::as_str).collect(),
            codes: self.codes.keys().map(String::as_str).collect(),
        };
        let composites: Vec<_> =
            self.composites.values().map(|w| composite(w, &known, faults)).collect();
        let mut segments: Vec<_> =
            self.segments.values().map(|w| segment(w, &known, faults)).collect();
        segments.sort_by_key(|s| s.tag);
        let tags = self.segments.keys().chain(self.also.keys());
        let mut known_tags: Vec<_> = tags.map(|t| Tag::new(t.as_bytes())).collect();
        known_tags.sort();
        let codes = self.codes.values().cloned().collect();
        Dictionary { release: release.to_owned(), segments, composites, codes, known_tags }
    }
}

/// Names that elements may refer to, in order: the place of one is its number.
struct Known<'a> {
    composites: Vec<&'a str>,
    codes: Vec<&'a str>,
}

fn segment(written: &Written, known: &Known<'_>, faults: &mut Faults) -> SegmentDef {
    let Written { file, block } = written;
    SegmentDef {
        tag: Tag::new(block.name.as_bytes()),
        title: block.title.clone(),
        elements: elements(written, true, known, faults),
        notes: notes(written, faults),
        rule: rule(file, block.at),
    }
}

fn composite(written: &Written, known: &Known<'_>, faults: &mut Faults) -> CompositeDef {
    let Written { file, block } = written;
    CompositeDef {
        id: block.name.clone(),
        title: block.title.clone(),
        components: elements(written, false, known, faults),
        notes: notes(written, faults),
        rule: rule(file, block.at),
    }
}

fn elements(
    written: &Written,
    in_segment: bool,
    known: &Known<'_>,
    faults: &mut Faults,
) -> Vec<ElementDef> {
    let Written { file, block } = written;
    if block.elements.is_empty() && !block.broken {
        let message = format!("{} has no elements", block.name);
        faults.add(file, block.at, message, "write them below it: `01 330 M AN 1/30 \"title\"`");
    }
    let mut elements: Vec<ElementDef> = Vec::with_capacity(block.elements.len());
    for line in &block.elements {
        let expected = elements.last().map_or(1, |e| e.position + 1);
        if line.position < expected {
            let message =
                format!("position {:02} after position {:02}", line.position, expected - 1);
            faults.add(file, line.at, message, "write each position once, in order");
            continue;
        }
        if line.position > expected && !block.broken {
            let message = format!("position {:02} where {expected:02} should stand", line.position);
            faults.add(file, line.at, message, "write the positions without gaps");
        }
        elements.push(ElementDef {
            position: line.position,
            id: line.id.clone(),
            requirement: line.requirement,
            shape: shape(file, line, in_segment, known, faults),
            repeat: line.repeat,
            title: line.title.clone(),
            rule: rule(file, line.at),
        });
    }
    elements
}

fn shape(
    file: &Arc<str>,
    line: &ElementLine,
    in_segment: bool,
    known: &Known<'_>,
    faults: &mut Faults,
) -> ElementShape {
    match &line.shape {
        ShapeSyntax::Simple { data_type, min, max, codes } => {
            let codes = codes.as_ref().and_then(|(name, at)| {
                find(&known.codes, name, "code list", "codes", (file, *at), faults).map(CodeListId)
            });
            ElementShape::Simple { data_type: *data_type, min: *min, max: *max, codes }
        }
        ShapeSyntax::Composite if !in_segment => {
            let message = format!("a composite inside a composite: {}", line.id);
            faults.add(file, line.at, message, "write its components here");
            ElementShape::Composite(CompositeId(0))
        }
        ShapeSyntax::Composite => {
            let id = find(
                &known.composites,
                &line.id,
                "composite",
                "composite",
                (file, line.at),
                faults,
            );
            ElementShape::Composite(CompositeId(id.unwrap_or(0)))
        }
    }
}

/// The number of a name among the known ones; that there is none is a fault. Names beyond the range of the
/// numbers are none: no dictionary is so large.
fn find(
    known: &[&str],
    name: &str,
    what: &str,
    keyword: &str,
    (file, at): (&Arc<str>, At),
    faults: &mut Faults,
) -> Option<u16> {
    let index = known.binary_search(&name).ok().and_then(|i| u16::try_from(i).ok());
    if index.is_none() && !faults.is_full() {
        let otherwise = format!("add it: `{keyword} {name} \"title\"`");
        let mend = suggest::mend(name, known.iter().copied(), &otherwise);
        faults.add(file, at, format!("there is no {what} {name}"), mend);
    }
    index
}

fn add_blocks(
    known: &mut BTreeMap<String, Written>,
    file: &Arc<str>,
    what: &str,
    blocks: Vec<Block>,
    faults: &mut Faults,
) {
    for block in blocks {
        match known.entry(block.name.clone()) {
            _ if block.name.is_empty() => {}
            Entry::Vacant(entry) => {
                entry.insert(Written { file: Arc::clone(file), block: Arc::new(block) });
            }
            Entry::Occupied(entry) => {
                let Written { file: other, block: first } = entry.get();
                let line = first.at.line;
                let message =
                    format!("the {what} {} is there already, at {other}:{line}", block.name);
                faults.add(file, block.at, message, "take one of them out");
            }
        }
    }
}

fn notes(written: &Written, faults: &mut Faults) -> Vec<SyntaxNote> {
    let Written { file, block } = written;
    let last = block.elements.iter().map(|e| e.position).max().unwrap_or(0);
    for NoteLine { positions, .. } in &block.notes {
        for &(position, at) in positions.iter().filter(|&&(p, _)| p > last && !block.broken) {
            let message = format!("{} has no position {position:02}", block.name);
            faults.add(file, at, message, format!("its last is {last:02}"));
        }
    }
    block
        .notes
        .iter()
        .map(|n| SyntaxNote {
            kind: n.kind,
            positions: n.positions.iter().map(|&(p, _)| p).collect(),
            rule: rule(file, n.at),
        })
        .collect()
}

pub(super) fn rule(file: &Arc<str>, at: At) -> RuleLine {
    RuleLine { file: Arc::clone(file), line: at.line }
}
