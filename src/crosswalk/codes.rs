//! Names for the same thing: places, companies, carriers, terms. One or several columns of theirs, one of ours.

use std::collections::BTreeMap;

use super::table::Table;
use super::{PARTY_ID_KINDS, SERVICE_LEVELS, Words, digits_fit, never_met};
use crate::grammar::LineError;

/// Codes of ours and theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Codes {
    pub(super) table: Table,
    /// The columns of theirs that a value is found by, in the order in which values are given.
    keys: Vec<Option<usize>>,
    /// What stands in the columns after the first as a code, and the canonical word for it.
    words: BTreeMap<String, String>,
    preferred: Option<usize>,
}

const OURS: &str = "ours";

impl Codes {
    /// `keys`: the columns of theirs, the first required; a row need not fill the others, and holds for any value
    /// of them then. `coded` gives the canonical word for a code in one of those, of the table of that name.
    pub(super) fn new(
        mut table: Table,
        keys: &[&str],
        (coded, all): (Option<&str>, &dyn Words),
        errors: &mut Vec<LineError>,
    ) -> Option<Self> {
        let (first, others) = keys.split_first()?;
        let optional = [others, &["preferred"]].concat();
        if !table.expect(&[OURS, first], &optional, errors) {
            return None;
        }
        let preferred = table.column("preferred");
        let keys: Vec<Option<usize>> = keys.iter().map(|key| table.column(key)).collect();
        for column in [table.column(OURS), keys[0]].into_iter().flatten() {
            table.index(column);
        }
        let mut words = BTreeMap::new();
        for column in keys.iter().skip(1).filter(|column| column.is_some()) {
            for cell in table.each().map(|row| table.cell(row, *column)) {
                if !words.contains_key(cell)
                    && let Some(word) = coded.and_then(|table| all.word(table, cell))
                {
                    words.insert(cell.to_owned(), word);
                }
            }
        }
        let codes = Self { table, keys, words, preferred };
        codes.check(errors);
        codes.check_words("kind", (&all.all(PARTY_ID_KINDS), 1), errors);
        codes.check_words("service", (&all.all(SERVICE_LEVELS), 2), errors);
        Some(codes)
    }

    fn check(&self, errors: &mut Vec<LineError>) {
        let ours = self.table.column(OURS);
        for row in self.table.each() {
            if self.table.cell(row, ours).is_empty()
                || self.table.cell(row, self.keys[0]).is_empty()
            {
                let line = self.table.line(row);
                errors.push(self.table.error(line, "a code is missing", "give ours and theirs"));
            }
        }
        self.check_forms(errors);
        for run in self.keys[0].into_iter().flat_map(|column| self.table.repeated(column)) {
            for (i, &row) in run.iter().enumerate() {
                let same = |&&other: &&u32| {
                    let key = |row: u32, k: &Option<usize>| self.key(row as usize, *k);
                    self.keys.iter().all(|k| key(other, k) == key(row, k))
                };
                if let Some(&before) = run[..i].iter().find(same) {
                    let message = format!(
                        "{:?} stands on line {} already",
                        self.table.cell(row as usize, self.keys[0]),
                        self.table.line(before as usize)
                    );
                    let line = self.table.line(row as usize);
                    errors.push(self.table.error(
                        line,
                        message,
                        "one code of theirs is one of ours",
                    ));
                }
            }
        }
        for run in ours.into_iter().flat_map(|column| self.table.repeated(column)) {
            if self.table.to_write(run, self.preferred).is_none() {
                let message = format!(
                    "{:?} stands in {} rows, and not just one of them is preferred",
                    self.table.cell(run[0] as usize, ours),
                    run.len()
                );
                let mend = "add a column `preferred` with `yes` in the row that we send";
                errors.push(self.table.error(self.table.line(run[1] as usize), message, mend));
            }
        }
    }

    /// Words in a column that no document ever has; codes have so many characters at least.
    fn check_words(
        &self,
        column: &str,
        (known, least): (&[String], usize),
        errors: &mut Vec<LineError>,
    ) {
        let Some(column) = self.table.column(column) else { return };
        for row in self.table.each() {
            let cell = self.table.cell(row, Some(column));
            let never = never_met(cell, known, least).filter(|_| !cell.is_empty());
            if let Some((message, mend)) = never {
                errors.push(self.table.error(self.table.line(row), message, &mend));
            }
        }
    }

    /// SCACs, and numbers with a check digit.
    fn check_forms(&self, errors: &mut Vec<LineError>) {
        let kind = self.keys.get(1).copied().flatten();
        let is_scac = self.keys[0].is_some() && self.keys[0] == self.table.column("scac");
        for row in self.table.each() {
            let (value, kind) = (self.table.cell(row, self.keys[0]), self.key(row, kind));
            let letters = value.bytes().all(|b| b.is_ascii_uppercase());
            let (message, mend) = if value.is_empty() {
                continue;
            } else if is_scac && !(letters && (2..=4).contains(&value.len())) {
                (format!("{value:?} is no SCAC"), "a SCAC has two to four capital letters")
            } else if !is_scac && !digits_fit(kind, value) {
                let message = format!("{value:?} is no {kind}: its check digit or length is wrong");
                (message, "correct the number; a spreadsheet may have dropped leading zeros")
            } else {
                continue;
            };
            errors.push(self.table.error(self.table.line(row), message, mend));
        }
    }

    /// A cell of theirs, as the canonical word where it is a code that has one.
    fn key(&self, row: usize, column: Option<usize>) -> &str {
        let cell = self.table.cell(row, column);
        if column == self.keys[0] { cell } else { self.words.get(cell).map_or(cell, |word| word) }
    }

    /// Our code for theirs; a row that says more of it goes before one that says less.
    pub(super) fn ours(&self, theirs: &[&str]) -> Option<&str> {
        let rows = self.table.rows(self.keys[0]?, theirs.first()?);
        let fits = |row: usize| {
            let mut said = 0;
            for (key, value) in self.keys.iter().zip(theirs) {
                match self.key(row, *key) {
                    "" => {}
                    cell if cell == *value => said += 1,
                    _ => return None,
                }
            }
            Some(said)
        };
        let best = rows.iter().map(|&r| r as usize).max_by_key(|&row| fits(row))?;
        fits(best)?;
        Some(self.table.cell(best, self.table.column(OURS)))
    }

    /// Their codes for ours, in the order of the columns; empty where the row says none.
    pub(super) fn theirs(&self, ours: &str) -> Option<Vec<&str>> {
        let row =
            self.table.to_write(self.table.rows(self.table.column(OURS)?, ours), self.preferred)?;
        Some(self.keys.iter().map(|key| self.key(row, *key)).collect())
    }
}
