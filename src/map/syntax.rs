//! A map file as it was written: its lines, not yet held against a grammar or the canonical model.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Where something stands in a map file: line and column, 1-based, and whether the file is the map's own (0) or the
/// one that maps share (1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Spot {
    pub file: u16,
    pub line: u32,
    pub column: u32,
}

/// A word with its spot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Word {
    pub text: String,
    pub at: Spot,
}

/// A whole map file.
#[derive(Debug, Clone, Default)]
pub struct MapSource {
    /// The map's own file, and that of what it shares.
    pub(super) files: Vec<Arc<str>>,
    /// Whether this is what maps share, and no map itself.
    pub(super) shared: bool,
    /// `850`
    pub(super) set: Word,
    pub(super) releases: Vec<String>,
    /// Kind of canonical document: `order`.
    pub(super) document: Word,
    pub(super) lines: Vec<Line>,
    pub(super) sections: BTreeMap<String, Section>,
    pub(super) tables: BTreeMap<String, Table>,
    pub(super) levels: Option<Levels>,
}

impl MapSource {
    /// The set that it is for: `850`.
    #[must_use]
    pub fn set(&self) -> &str {
        &self.set.text
    }

    /// The releases that it is for.
    #[must_use]
    pub fn releases(&self) -> &[String] {
        &self.releases
    }

    /// The kind of canonical document that it leads to: `order`.
    #[must_use]
    pub fn document(&self) -> &str {
        &self.document.text
    }

    /// Adds what maps share; what the map has itself under the same name stays.
    pub(super) fn share(&mut self, shared: &Self) {
        self.files.extend(shared.files.iter().cloned());
        for (name, section) in &shared.sections {
            self.sections.entry(name.clone()).or_insert_with(|| section.clone());
        }
        for (name, table) in &shared.tables {
            self.tables.entry(name.clone()).or_insert_with(|| table.clone());
        }
    }
}

/// One line of a block.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub at: Spot,
    pub kind: LineKind,
}

#[derive(Debug, Clone)]
pub(super) enum LineKind {
    /// `FIELD PATH …`
    Field { name: Word, path: Path, how: How, always: bool },
    /// `FIELD = VALUE`
    Constant { name: Word, value: String },
    /// `count LIST … PATH`
    Count { lists: Vec<Word>, path: Path },
    /// `rest FIELD`
    Rest { name: Word },
}

/// How a field is made from what stands at its path.
#[derive(Debug, Clone)]
pub(super) enum How {
    /// One value.
    Value,
    /// One value, by a code table.
    Code(Word),
    /// An object, or a list of them, described by a section.
    Section(Word),
    /// Likewise, described by the lines that follow, further in.
    Inline(Vec<Line>),
    /// Elements up to `last`, `step` at a time: a list of objects.
    By { last: u16, step: u16, section: Word },
}

/// Where something stands in a set.
#[derive(Debug, Clone, Default)]
pub(super) struct Path {
    pub at: Spot,
    /// Segment or loop, within the loop that the block describes; `None` for the block's own segment.
    pub place: Option<Place>,
    /// Position and component (0 = none).
    pub element: Option<(u16, u16)>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// `REF`, `REF#2`
    pub key: String,
    pub selector: Option<Selector>,
    /// Tells apart lines that each take one of several: `N3:2`.
    pub label: u16,
}

/// `[DP]`, `[02=D240]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selector {
    pub position: u16,
    /// 0 = none.
    pub component: u16,
    pub code: String,
}

/// `section NAME`
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub lines: Vec<Line>,
}

/// `codes TABLE`
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// Code and word.
    pub entries: Vec<(String, String)>,
}

/// `levels LOOP hierarchy CODE …`
#[derive(Debug, Clone)]
pub(super) struct Levels {
    pub at: Spot,
    pub place: Word,
    pub hierarchy: Vec<Word>,
    pub each: Vec<Level>,
    /// `other into FIELD`
    pub other: Option<Level>,
    /// `split FIELD …`: fields that a row takes from its package where it is in several.
    pub split: Vec<Word>,
}

#[derive(Debug, Clone)]
pub(super) struct Level {
    pub at: Spot,
    /// HL03; empty for `other`.
    pub code: String,
    /// `shipment`
    pub name: String,
    pub target: Target,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone)]
pub(super) enum Target {
    /// `is document`
    Document,
    /// `into LIST as REFERENCE [nested FIELD]`
    List { list: Word, reference: Option<Word>, nested: Option<Word> },
    /// `rows LIST`
    Rows { list: Word },
}
