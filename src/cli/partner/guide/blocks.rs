//! What a guide is made of, whatever it is printed as. In texts, what stands between backticks is X12.

/// A piece of a guide.
pub(super) enum Block {
    /// A heading, of level 1 to 4; `page`: it begins a page of its own where the guide is printed.
    Heading { level: u8, text: String, page: bool },
    /// A paragraph.
    Text(String),
    /// Points.
    List(Vec<String>),
    /// A table.
    Table { head: Vec<&'static str>, rows: Vec<Line> },
    /// X12 as it is sent, a segment a line.
    Code(String),
}

/// A line of a table.
pub(super) struct Line {
    pub cells: Vec<String>,
    pub tone: Tone,
}

/// How a line stands out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    /// It opens a loop.
    Loop,
    /// Something beyond the standard is agreed of it.
    Agreed,
    /// It is not used.
    Struck,
}

impl Line {
    pub(super) fn plain(cells: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { cells: cells.into_iter().map(Into::into).collect(), tone: Tone::Plain }
    }
}

pub(super) fn heading(level: u8, text: impl Into<String>) -> Block {
    Block::Heading { level, text: text.into(), page: false }
}

/// The anchor of a heading: its text in small letters, what is no letter or digit as `-`.
pub(super) fn anchor(text: &str) -> String {
    let mut anchor = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            anchor.push(c.to_ascii_lowercase());
        } else if !anchor.ends_with('-') && !anchor.is_empty() {
            anchor.push('-');
        }
    }
    anchor.trim_end_matches('-').to_owned()
}

/// The headings of a guide with their anchors, each of which is there once.
pub(super) fn anchors(blocks: &[Block]) -> Vec<Option<String>> {
    let mut seen: Vec<String> = Vec::new();
    let of_block = |block: &Block| {
        let Block::Heading { text, .. } = block else { return None };
        let plain = anchor(text);
        let taken = |name: &String| seen.contains(name);
        let mut numbered = (2..).map(|number| format!("{plain}-{number}"));
        let name = std::iter::once(plain.clone()).chain(&mut numbered).find(|n| !taken(n))?;
        seen.push(name.clone());
        Some(name)
    };
    blocks.iter().map(of_block).collect()
}
