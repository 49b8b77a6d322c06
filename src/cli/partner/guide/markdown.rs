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
                writeln!(out, "{} {}\n", "#".repeat(usize::from(*level)), plain(text))
            }
            Block::Text(text) => writeln!(out, "{}\n", plain(text)),
            Block::List(points) => {
                for point in points {
                    let _ = writeln!(out, "- {}", plain(point));
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

/// A text of which nothing is taken for HTML. Between backticks all stands as it is anyway.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for (number, part) in text.split('`').enumerate() {
        if number > 0 {
            out.push('`');
        }
        let mut rest = part.chars().peekable();
        while let Some(c) = rest.next() {
            let next = rest.peek().copied().unwrap_or(' ');
            let begins = next.is_ascii_alphabetic() || "/!?#".contains(next);
            match c {
                '<' if begins && number % 2 == 0 => out.push_str("&lt;"),
                '&' if begins && number % 2 == 0 => out.push_str("&amp;"),
                c => out.push(c),
            }
        }
    }
    out
}

fn cell(text: &str, tone: Tone) -> String {
    let text = plain(text).replace('|', "\\|").replace('\n', "<br>");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_for_html() {
        for (text, printed) in [
            ("<b>Bold</b> & co, R&D &lt;", "&lt;b>Bold&lt;/b> & co, R&amp;D &amp;lt;"),
            ("3 < 4 <!-- x", "3 < 4 &lt;!-- x"),
            ("`<b>` <i>", "`<b>` &lt;i>"),
        ] {
            assert_eq!(plain(text), printed);
            assert_eq!(cell(text, Tone::Plain), printed);
        }
    }
}
