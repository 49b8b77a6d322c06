//! Item numbers: ours and theirs, as kinds of the canonical model.

use super::table::Table;
use super::{Held, ITEM_KINDS, Words, digits_fit, never_met};
use crate::canonical::ItemNumber;
use crate::findings::Code;
use crate::grammar::LineError;

/// The column that marks the row to write where our number has several.
const PREFERRED: &str = "preferred";

/// `items.csv`: the first column is our number, named by its kind (`sku`); the others are theirs (`upc`, `buyer`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Items {
    table: Table,
    preferred: Option<usize>,
}

impl Items {
    pub(super) fn new(
        mut table: Table,
        words: &dyn Words,
        errors: &mut Vec<LineError>,
    ) -> Option<Self> {
        // The first line is read without regard to case, and codes are written in capitals.
        let as_named = table.columns.clone();
        for name in &mut table.columns {
            if let Some(word) = words.word(ITEM_KINDS, &name.to_ascii_uppercase()) {
                *name = word;
            }
        }
        // Two of the very same name were told of when the table was read.
        if as_named != table.columns
            && let Some(twice) =
                (1..table.columns.len()).find(|&i| table.columns[..i].contains(&table.columns[i]))
        {
            let message = format!("two columns are of the kind `{}`", table.columns[twice]);
            errors.push(table.error(1, message, "give each kind one column"));
            return None;
        }
        let preferred = table.column(PREFERRED);
        if table.columns.len() < 2 + usize::from(preferred.is_some()) || preferred == Some(0) {
            let mend = "first our own number, then theirs: `sku,upc,buyer`";
            errors.push(table.error(1, "needs a column of ours and one of theirs", mend));
            return None;
        }
        let kinds = words.all(ITEM_KINDS);
        for column in (0..table.columns.len()).filter(|&c| Some(c) != preferred) {
            if let Some((message, mend)) = never_met(&table.columns[column], &kinds, 2) {
                errors.push(table.error(1, message, &mend));
            }
            table.index(column);
        }
        let items = Self { table, preferred };
        items.check(errors);
        Some(items)
    }

    /// Whether a kind of number is one of its columns.
    pub(super) fn has(&self, kind: &str) -> bool {
        self.table.column(kind).is_some_and(|column| Some(column) != self.preferred)
    }

    /// The item of ours that a number stands for, whatever its kind.
    pub(super) fn meant(&self, number: &str) -> Option<&str> {
        let columns = (0..self.table.columns.len()).filter(|&c| Some(c) != self.preferred);
        let mut rows = columns.filter_map(|c| self.table.rows(c, number).first());
        rows.next().map(|&row| self.ours(row as usize))
    }

    /// Theirs, by column.
    fn theirs(&self) -> impl Iterator<Item = usize> + '_ {
        (1..self.table.columns.len()).filter(|&c| Some(c) != self.preferred)
    }

    fn check(&self, errors: &mut Vec<LineError>) {
        for row in self.table.each() {
            if self.ours(row).is_empty() {
                let mend = "give our number, or take the row out";
                errors.push(self.table.error(
                    self.table.line(row),
                    "the first column is empty",
                    mend,
                ));
            }
            if self.theirs().all(|column| self.table.cell(row, Some(column)).is_empty()) {
                let message = "the row has no number of theirs";
                let mend = "give one, or take the row out: what is not mapped is held";
                errors.push(self.table.error(self.table.line(row), message, mend));
            }
            for column in self.theirs() {
                let (kind, value) =
                    (&self.table.columns[column], self.table.cell(row, Some(column)));
                if !value.is_empty() && !digits_fit(kind, value) {
                    let message =
                        format!("{value:?} is no {kind}: its check digit or length is wrong");
                    let mend = "correct the number; a spreadsheet may have dropped leading zeros";
                    errors.push(self.table.error(self.table.line(row), message, mend));
                }
            }
        }
        for column in self.theirs() {
            for run in self.table.repeated(column) {
                let first = self.ours(run[0] as usize);
                if let Some(other) = run.iter().find(|&&r| self.ours(r as usize) != first) {
                    let message = format!(
                        "{} {:?} stands for {first:?} (line {}) and for {:?}",
                        self.table.columns[column],
                        self.table.cell(run[0] as usize, Some(column)),
                        self.table.line(run[0] as usize),
                        self.ours(*other as usize),
                    );
                    let line = self.table.line(*other as usize);
                    errors.push(self.table.error(
                        line,
                        message,
                        "one number of theirs is one item of ours",
                    ));
                }
            }
        }
        for run in self.table.repeated(0) {
            if self.table.to_write(run, self.preferred).is_none() {
                let message = format!(
                    "{:?} stands in {} rows, and not just one of them is preferred",
                    self.ours(run[0] as usize),
                    run.len()
                );
                let mend = "add a column `preferred` with `yes` in the row whose numbers we send";
                errors.push(self.table.error(self.table.line(run[1] as usize), message, mend));
            }
        }
    }

    fn ours(&self, row: usize) -> &str {
        self.table.cell(row, Some(0))
    }

    /// Adds our number to theirs.
    pub(super) fn inbound(&self, at: &str, items: &mut Vec<ItemNumber>, held: &mut Held) {
        let mut found: Option<(String, &str)> = None;
        let mut tried = Vec::new();
        let our_kind = &self.table.columns[0];
        let stated = items.iter().find(|i| i.kind.as_deref() == Some(our_kind));
        if let Some(value) = stated.and_then(|i| i.value.as_deref())
            && let Some(&row) = self.table.rows(0, value).first()
        {
            found = Some((format!("{our_kind} {value}"), self.ours(row as usize)));
        }
        for item in items.iter() {
            let (Some(kind), Some(value)) = (&item.kind, &item.value) else { continue };
            let Some(column) = self.theirs().find(|&c| self.table.columns[c] == *kind) else {
                continue;
            };
            let number = format!("{kind} {value}");
            let Some(&row) = self.table.rows(column, value).first() else {
                tried.push(number);
                continue;
            };
            let ours = self.ours(row as usize);
            match &found {
                Some((before, other)) if *other != ours => {
                    let says = format!("{before} is our {other}, and {number} is our {ours}.");
                    let mend =
                        "Ask the partner which item is meant, or correct the cross-reference.";
                    held.add(Code::ItemContradiction, at, Some(value), &says, mend);
                    return;
                }
                Some(_) => {}
                None => found = Some((number, ours)),
            }
        }
        match found {
            Some((_, ours)) if stated.is_none() => {
                let ours = ours.to_owned();
                items.push(ItemNumber { kind: Some(our_kind.clone()), value: Some(ours) });
            }
            Some(_) => {}
            None => {
                let says = if tried.is_empty() {
                    let kinds: Vec<&str> =
                        self.theirs().map(|c| self.table.columns[c].as_str()).collect();
                    format!(
                        "None of its numbers is of a kind that is mapped ({}).",
                        kinds.join(", ")
                    )
                } else {
                    format!("No item of ours is {}.", tried.join(" or "))
                };
                held.add(Code::ItemNotMapped, at, None, &says, &self.mend());
            }
        }
    }

    /// Puts their numbers in place of ours; those that are there already stay.
    pub(super) fn outbound(&self, at: &str, items: &mut Vec<ItemNumber>, held: &mut Held) {
        let our_kind = &self.table.columns[0];
        let Some(place) = items.iter().position(|i| i.kind.as_deref() == Some(our_kind)) else {
            // Their own number needs no translation.
            let known = |i: &ItemNumber| {
                self.theirs().any(|c| i.kind.as_deref() == Some(self.table.columns[c].as_str()))
            };
            if !items.iter().any(known) {
                let says = format!("It has no {our_kind}, and no number of the partner's.");
                held.add(Code::ItemNotMapped, at, None, &says, &self.mend());
            }
            return;
        };
        let ours = items[place].value.clone().unwrap_or_default();
        let rows = self.table.rows(0, &ours);
        // A number of theirs that is told already decides between several rows.
        let told = rows.iter().map(|&r| r as usize).find(|&r| {
            self.theirs().any(|c| {
                items.iter().any(|i| {
                    i.kind.as_deref() == Some(self.table.columns[c].as_str())
                        && i.value.as_deref() == Some(self.table.cell(r, Some(c)))
                })
            })
        });
        let Some(row) = told.or_else(|| self.table.to_write(rows, self.preferred)) else {
            let says = format!("{our_kind} {ours} is no item of the partner's.");
            held.add(Code::ItemNotMapped, at, Some(&ours), &says, &self.mend());
            return;
        };
        let theirs = self.theirs().filter_map(|c| {
            let value = self.table.cell(row, Some(c));
            let kind = &self.table.columns[c];
            let missing = !items.iter().any(|i| i.kind.as_ref() == Some(kind));
            (missing && !value.is_empty())
                .then(|| ItemNumber { kind: Some(kind.clone()), value: Some(value.to_owned()) })
        });
        let theirs: Vec<ItemNumber> = theirs.collect();
        items.splice(place..=place, theirs);
    }

    fn mend(&self) -> String {
        format!("Add it to {}.", self.table.file)
    }
}
