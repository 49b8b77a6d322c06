//! What the lines of a grammar file say, before names are looked up.

use std::sync::Arc;

use crate::grammar::{Area, CodeList, DataType, Nested, NoteKind, Requirement};

/// Line and column (in characters), both 1-based.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    pub line: u32,
    pub column: u32,
}

/// A grammar file as read, line by line; names in it are not looked up yet.
#[derive(Debug)]
pub struct ParsedFile {
    pub(crate) path: Arc<str>,
    pub(crate) body: Body,
}

/// The two kinds of file.
#[derive(Debug)]
pub(crate) enum Body {
    /// Neither: the first line could not be read.
    Unknown,
    Set(SetSyntax),
    Dictionary {
        release: Named,
        blocks: Blocks,
    },
}

/// A name and where it is written. Empty where it could not be read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Named {
    pub name: String,
    pub at: Option<At>,
}

#[derive(Debug, Default)]
pub(crate) struct SetSyntax {
    pub head: Option<SetHead>,
    /// In the order of the file: parents before children.
    pub places: Vec<Place>,
    /// Segments, composites and code lists of this set alone.
    pub blocks: Blocks,
}

/// `set 850 "Purchase order" group PO release 004010`
#[derive(Debug)]
pub(crate) struct SetHead {
    pub at: At,
    pub set: String,
    pub title: String,
    pub group: String,
    pub release: Named,
}

/// A segment or a loop of a set.
#[derive(Debug)]
pub(crate) struct Place {
    pub at: At,
    /// Index of the loop that it stands in; `None` at the outermost level.
    pub parent: Option<usize>,
    pub is_loop: bool,
    /// Empty where it could not be read.
    pub name: String,
    pub requirement: Requirement,
    pub max_use: Option<u32>,
    pub title: Option<String>,
    pub nested: Option<Nested>,
    pub area: Area,
    /// Its line could not be read in full.
    pub broken: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Blocks {
    pub segments: Vec<Block>,
    pub composites: Vec<Block>,
    pub codes: Vec<CodesBlock>,
    /// Tags that the release has and that nothing here uses.
    pub also: Vec<Named>,
}

/// `segment` or `composite` and the lines below it.
#[derive(Debug)]
pub(crate) struct Block {
    pub at: At,
    /// Empty where it could not be read.
    pub name: String,
    pub title: String,
    pub elements: Vec<ElementLine>,
    pub notes: Vec<NoteLine>,
    /// A line below it could not be read, so that what is missing here is no news.
    pub broken: bool,
}

#[derive(Debug)]
pub(crate) struct ElementLine {
    pub at: At,
    pub position: u16,
    pub id: String,
    pub requirement: Requirement,
    pub shape: ShapeSyntax,
    pub repeat: Option<u32>,
    pub title: String,
}

#[derive(Debug)]
pub(crate) enum ShapeSyntax {
    Simple { data_type: DataType, min: u32, max: u32, codes: Option<(String, At)> },
    Composite,
}

#[derive(Debug)]
pub(crate) struct NoteLine {
    pub at: At,
    pub kind: NoteKind,
    /// At least two, each once.
    pub positions: Vec<(u16, At)>,
}

/// `codes` and the lines below it.
#[derive(Debug)]
pub(crate) struct CodesBlock {
    pub at: At,
    /// Its id is empty where it could not be read.
    pub list: CodeList,
}
