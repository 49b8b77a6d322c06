//! A guide as Markdown (`CommonMark` with the tables of GitHub).

use std::fmt::Write as _;

use super::blocks::{Block, Line, Tone};

/// Prints the blocks.
pub(super) fn print(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        // Writing into a String cannot fail.
        let _ = match block {
            Block::Heading { level, text, .. } => {
                writeln!(out, "{} {text}\n", "#".repeat(usize::from(*level)))
            }
            Block::Text(text) => writeln!(out, "{text}\n"),
            Block::List(points) => {
                for point in points {
                    let _ = writeln!(out, "- {point}");
                }
                writeln!(out)
            }
            Block::Table { head, rows } => {
                table(&mut out, head, rows);
                writeln!(out)
            }
            Block::Code(text) => writeln!(out, "```\n{}\n```\n", text.trim_end()),
        };
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn table(out: &mut String, head: &[&str], rows: &[Line]) {
    let _ = writeln!(out, "| {} |", head.join(" | "));
    let _ = writeln!(out, "|{}", "---|".repeat(head.len()));
    for row in rows {
        let cells: Vec<String> = row.cells.iter().map(|text| cell(text, row.tone)).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}

fn cell(text: &str, tone: Tone) -> String {
    let text = text.replace('|', "\\|").replace('\n', "<br>");
    // What sets a text in stays outside of what marks it.
    let indent: String = text.chars().take_while(|c| c.is_whitespace()).collect();
    let words = text.trim_start();
    match tone {
        _ if words.is_empty() => text,
        Tone::Struck => format!("{indent}~~{words}~~"),
        Tone::Loop => format!("{indent}**{words}**"),
        Tone::Plain | Tone::Agreed => text,
    }
}
