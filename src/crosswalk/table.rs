//! The rows of a cross-reference, kept compactly: one text, the ends of its cells, and for each column that is
//! searched the rows in the order of its cells.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::grammar::LineError;
use crate::wording::in_words;

/// Larger files are refused: offsets are 32 bits wide, and a million items are about 50 MB.
const BYTES_MAX: usize = 256 << 20;
/// More columns than any partner's list has.
const COLUMNS_MAX: usize = 64;
/// More errors than this help nobody.
const ERRORS_MAX: usize = 100;

/// The rows of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) file: String,
    pub(super) columns: Vec<String>,
    text: String,
    /// Where each cell ends in `text`, row by row.
    ends: Vec<u32>,
    /// The line (1-based) of each row.
    lines: Vec<u32>,
    /// For each column the rows that have a value in it, ordered by it; empty until it is indexed.
    sorted: Vec<Vec<u32>>,
}

impl Table {
    /// Reads a file: TOML where its name ends so, else CSV (RFC 4180; a line that begins with `#` is a comment).
    pub(super) fn read(file: &str, text: &str, errors: &mut Vec<LineError>) -> Self {
        let mut table = Self { file: file.to_owned(), ..Self::default() };
        if text.len() > BYTES_MAX {
            errors.push(table.error(0, format!("has more than {BYTES_MAX} bytes"), "split it"));
            return table;
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if file.to_ascii_lowercase().ends_with(".toml") {
            table.read_toml(text, errors);
        } else {
            table.read_csv(text, errors);
        }
        table
    }

    fn read_csv(&mut self, text: &str, errors: &mut Vec<LineError>) {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .comment(Some(b'#'))
            .from_reader(text.as_bytes());
        let mut record = csv::StringRecord::new();
        loop {
            match reader.read_record(&mut record) {
                Ok(false) => break,
                Ok(true) => {
                    let line = record.position().map_or(0, |p| small(p.line()));
                    self.row(line, record.iter(), errors);
                }
                Err(e) => {
                    let line = e.position().map_or(0, |p| small(p.line()));
                    errors.push(self.error(line, e.to_string(), "write it as UTF-8 CSV"));
                    break;
                }
            }
            if errors.len() >= ERRORS_MAX || self.columns.is_empty() {
                break;
            }
        }
    }

    fn read_toml(&mut self, text: &str, errors: &mut Vec<LineError>) {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            columns: Spanned<Vec<String>>,
            rows: Vec<Spanned<Vec<String>>>,
        }
        let line = |at: usize| {
            let before = text.get(..at).unwrap_or(text);
            small(before.matches('\n').count() as u64 + 1)
        };
        match toml::from_str::<File>(text) {
            Ok(file) => {
                let rows = std::iter::once(&file.columns).chain(&file.rows);
                for row in rows {
                    self.row(
                        line(row.span().start),
                        row.get_ref().iter().map(|c| c.trim()),
                        errors,
                    );
                    if errors.len() >= ERRORS_MAX || self.columns.is_empty() {
                        break;
                    }
                }
            }
            Err(e) => {
                let at = e.span().map_or(0, |span| line(span.start));
                let mend = "write `columns = [\"…\"]` and `rows = [[\"…\"], …]`";
                errors.push(self.error(at, in_words(e.message(), "a table"), mend));
            }
        }
    }

    /// The first row names the columns, the others fill them.
    fn row<'c>(
        &mut self,
        line: u32,
        cells: impl Iterator<Item = &'c str>,
        errors: &mut Vec<LineError>,
    ) {
        if self.columns.is_empty() {
            self.columns = cells.map(str::to_ascii_lowercase).collect();
            let twice = (1..self.columns.len())
                .find(|&i| self.columns[..i].contains(&self.columns[i]))
                .map(|i| self.columns[i].clone());
            if self.columns.len() > COLUMNS_MAX || self.columns.iter().any(String::is_empty) {
                let mend = "name every column in the first line, separated by commas";
                errors.push(self.error(line, "the first line does not name the columns", mend));
                self.columns.clear();
            } else if let [only] = &self.columns[..]
                && let Some(mark) = only.chars().find(|c| [';', '\t', '|'].contains(c))
            {
                let message = format!("the columns are separated by {mark:?}");
                errors.push(self.error(line, message, "save the file with commas between them"));
                self.columns.clear();
            } else if let Some(twice) = twice {
                let message = format!("two columns are called `{twice}`");
                errors.push(self.error(line, message, "name each column once"));
            }
            return;
        }
        let (start, width) = (self.ends.len(), self.columns.len());
        let mut broken = false;
        for cell in cells {
            broken |= cell.contains(char::is_control);
            self.text.push_str(cell);
            self.ends.push(small(self.text.len() as u64));
        }
        let count = self.ends.len() - start;
        if broken {
            let message = "a value holds a line break, a tab or the like";
            errors.push(self.error(line, message, "close the double quotes, or take it out"));
        }
        if count == width {
            self.lines.push(line);
            return;
        }
        let before = start.checked_sub(1).map_or(0, |i| self.ends[i] as usize);
        self.ends.truncate(start);
        self.text.truncate(before);
        let message = format!("the row has {count} values, and there are {width} columns");
        let mend = if count < width {
            "leave a value that is not there empty, with its comma"
        } else {
            "put a value that holds a comma in double quotes"
        };
        errors.push(self.error(line, message, mend));
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The position of a column.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == name)
    }

    /// A cell; empty where there is no such column.
    pub(super) fn cell(&self, row: usize, column: Option<usize>) -> &str {
        let Some(column) = column.filter(|&c| c < self.columns.len()) else { return "" };
        let at = row * self.columns.len() + column;
        let start = at.checked_sub(1).map_or(0, |i| self.ends.get(i).copied().unwrap_or(0));
        let end = self.ends.get(at).copied().unwrap_or(start);
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Makes a column searchable.
    pub(super) fn index(&mut self, column: usize) {
        self.sorted.resize(self.columns.len().max(self.sorted.len()), Vec::new());
        let mut rows: Vec<u32> = (0..self.len())
            .filter(|&row| !self.cell(row, Some(column)).is_empty())
            .map(|row| small(row as u64))
            .collect();
        rows.sort_by_key(|&row| self.cell(row as usize, Some(column)));
        self.sorted[column] = rows;
    }

    /// The rows that have a value in an indexed column, in the order of the file.
    pub(super) fn rows(&self, column: usize, value: &str) -> &[u32] {
        let rows = self.sorted.get(column).map_or(&[][..], Vec::as_slice);
        let begin = rows.partition_point(|&r| self.cell(r as usize, Some(column)) < value);
        let length =
            rows[begin..].partition_point(|&r| self.cell(r as usize, Some(column)) == value);
        &rows[begin..begin + length]
    }

    /// Runs of rows with the same value in an indexed column.
    pub(super) fn repeated(&self, column: usize) -> impl Iterator<Item = &[u32]> {
        let rows = self.sorted.get(column).map_or(&[][..], Vec::as_slice);
        let same = move |a: &u32, b: &u32| {
            self.cell(*a as usize, Some(column)) == self.cell(*b as usize, Some(column))
        };
        rows.chunk_by(same).filter(|run| run.len() > 1)
    }

    /// Of several rows the one that is written: the only one, or the only one that is marked in a column.
    pub(super) fn to_write(&self, rows: &[u32], marked: Option<usize>) -> Option<usize> {
        if let [only] = rows {
            return Some(*only as usize);
        }
        let rows = rows.iter().map(|&row| row as usize);
        let mut marked = rows.filter(|&row| !self.cell(row, marked).is_empty());
        marked.next().filter(|_| marked.next().is_none())
    }

    /// The line of a row.
    pub(super) fn line(&self, row: usize) -> u32 {
        self.lines.get(row).copied().unwrap_or(0)
    }

    /// An error at a line; 0 = the file as a whole.
    pub(super) fn error(&self, line: u32, message: impl Into<String>, mend: &str) -> LineError {
        LineError {
            file: self.file.as_str().into(),
            line,
            column: u32::from(line > 0),
            message: message.into(),
            mend: mend.to_owned(),
        }
    }

    /// Checks the columns against those that there may be; `required` come first in messages.
    pub(super) fn expect(
        &self,
        required: &[&str],
        optional: &[&str],
        errors: &mut Vec<LineError>,
    ) -> bool {
        if self.columns.is_empty() {
            if errors.is_empty() {
                let message = "has no first line with the names of columns";
                errors.push(self.error(0, message, "add it"));
            }
            return false;
        }
        let before = errors.len();
        for name in required.iter().filter(|name| self.column(name).is_none()) {
            let mend = format!("the columns are {}", [required, optional].concat().join(", "));
            errors.push(self.error(1, format!("the column `{name}` is missing"), &mend));
        }
        let all = [required, optional].concat();
        for name in self.columns.iter().filter(|name| !all.contains(&name.as_str())) {
            let otherwise = format!("the columns are {}", all.join(", "));
            let mend = crate::grammar::suggest::mend(name, all.iter().copied(), &otherwise);
            errors.push(self.error(1, format!("there is no column `{name}`"), &mend));
        }
        errors.len() == before
    }

    /// Rows by number, for loops over all of them.
    pub(super) fn each(&self) -> Range<usize> {
        0..self.len()
    }
}

fn small(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
