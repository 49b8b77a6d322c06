//! Rows in columns as wide as what stands in them.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::Context;

/// Prints rows below their headings. The last column is never padded, and takes what is left of the line.
///
/// # Errors
/// Where the output cannot be written.
pub(super) fn table<const N: usize>(
    headings: [&str; N],
    rows: &[[String; N]],
    context: &Context,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let strong = context.paint.strong;
    let headings = headings.map(str::to_owned);
    write!(out, "{strong}")?;
    line(&headings, &widths, out)?;
    write!(out, "{strong:#}")?;
    rows.iter().try_for_each(|row| line(row, &widths, out))
}

fn line<const N: usize>(
    cells: &[String; N],
    widths: &[usize; N],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut text = String::new();
    for (cell, &width) in cells.iter().zip(widths) {
        // Writing into a String cannot fail.
        let _ = write!(text, "{cell:width$}  ");
    }
    writeln!(out, "{}", text.trim_end())
}
