//! A guide as one HTML file: nothing is loaded from anywhere, it is light or dark as the reader likes, and it prints.

use std::fmt::Write as _;

use super::blocks::{Block, Line, Tone, anchors};

/// Lines of a table that is not parted between pages.
const SHORT_MAX: usize = 6;

const STYLE: &str = include_str!("guide.css");

/// Prints the blocks. The first heading is the title.
pub(super) fn print(blocks: &[Block]) -> String {
    let anchors = anchors(blocks);
    let title = blocks.iter().find_map(|block| match block {
        Block::Heading { level: 1, text, .. } => Some(text.as_str()),
        _ => None,
    });
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        escaped(title.unwrap_or_default())
    );
    out.push_str("<main>\n");
    for (block, anchor) in blocks.iter().zip(&anchors) {
        print_block(&mut out, block, anchor.as_deref().unwrap_or_default());
        if matches!(block, Block::Heading { level: 1, .. }) {
            contents(&mut out, blocks, &anchors);
        }
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn contents(out: &mut String, blocks: &[Block], anchors: &[Option<String>]) {
    out.push_str("<nav aria-label=\"Contents\">\n<h2>Contents</h2>\n<ul>\n");
    for (block, anchor) in blocks.iter().zip(anchors) {
        if let (Block::Heading { level: level @ 2..=3, text, .. }, Some(anchor)) = (block, anchor) {
            let _ = writeln!(
                out,
                "<li class=\"level-{level}\"><a href=\"#{anchor}\">{}</a></li>",
                inline(text)
            );
        }
    }
    out.push_str("</ul>\n</nav>\n");
}

fn print_block(out: &mut String, block: &Block, anchor: &str) {
    // Writing into a String cannot fail.
    let _ = match block {
        Block::Heading { level, text, page } => {
            let class = if *page { " class=\"page\"" } else { "" };
            writeln!(out, "<h{level} id=\"{anchor}\"{class}>{}</h{level}>", inline(text))
        }
        Block::Text(text) => writeln!(out, "<p>{}</p>", inline(text)),
        Block::List(points) => {
            out.push_str("<ul>\n");
            for point in points {
                let _ = writeln!(out, "<li>{}</li>", inline(point));
            }
            writeln!(out, "</ul>")
        }
        Block::Table { head, rows } => {
            table(out, head, rows);
            Ok(())
        }
        Block::Code(text) => {
            // A long segment goes on below, set in, and each of them can be broken anywhere.
            out.push_str("<pre>");
            for line in text.trim_end().lines() {
                let _ = writeln!(out, "<span>{}</span>", escaped(line));
            }
            writeln!(out, "</pre>")
        }
    };
}

fn table(out: &mut String, head: &[&str], rows: &[Line]) {
    let of = head.first().map_or(String::new(), |title| title.to_lowercase());
    let short = if rows.len() <= SHORT_MAX { " short" } else { "" };
    let columns = head.len();
    let _ = writeln!(out, "<table class=\"columns-{columns} of-{of}{short}\">\n<thead><tr>");
    for title in head {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escaped(title));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        let class = match row.tone {
            Tone::Plain => "",
            Tone::Loop => " class=\"loop\"",
            Tone::Agreed => " class=\"agreed\"",
            Tone::Struck => " class=\"struck\"",
        };
        let _ = write!(out, "<tr{class}>");
        for cell in &row.cells {
            let _ = write!(out, "<td>{}</td>", inline(cell).replace('\n', "<br>"));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n");
}

/// A text with what stands between backticks as code.
fn inline(text: &str) -> String {
    let mut out = String::new();
    for (number, part) in text.split('`').enumerate() {
        if number % 2 == 1 {
            let _ = write!(out, "<code>{}</code>", escaped(part));
        } else {
            out.push_str(&escaped(part));
        }
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
