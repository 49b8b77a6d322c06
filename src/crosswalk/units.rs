//! Units and their exact conversion.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::table::Table;
use super::{Held, UNITS, Words, never_met};
use crate::canonical::ItemNumber;
use crate::findings::Code;
use crate::grammar::LineError;

/// A unit by its canonical word, and as it is written in the file: a code stands for its word.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    word: String,
    written: String,
}

impl Named {
    fn is(&self, unit: &str) -> bool {
        self.word == unit || self.written == unit
    }
}

/// Units that are as much for everybody; a case or a pallet may be another to each.
const SAME_FOR_ALL: [&str; 12] = [
    "each", "piece", "pair", "dozen", "pound", "kilogram", "ounce", "gram", "foot", "inch", "yard",
    "liter",
];

/// Units that are no pack of others.
const SINGLE: [&str; 2] = ["each", "piece"];

/// How one unit of theirs is counted by us.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unit {
    ours: Named,
    theirs: Named,
    /// One of theirs is `numerator / denominator` of ours; both above 0.
    numerator: Decimal,
    denominator: Decimal,
    /// The item that it holds for, as any of its numbers; empty = all.
    item: String,
    /// Whether there are only whole ones, on either side.
    whole: bool,
    /// Whether it is the one to write where several of theirs are one of ours.
    preferred: bool,
    /// Whether it is written at all.
    written: bool,
    line: u32,
}

impl Unit {
    /// Whether a number of it is another number of the other unit.
    fn changes(&self) -> bool {
        self.numerator != self.denominator
    }

    /// Whether another row says the same of their unit.
    fn agrees(&self, other: &Self) -> bool {
        let product = |a: Decimal, b: Decimal| a.checked_mul(b);
        self.ours.word == other.ours.word
            && self.theirs.word == other.theirs.word
            && self.whole == other.whole
            && product(self.numerator, other.denominator)
                == product(other.numerator, self.denominator)
    }

    /// `1 case = 12 each`.
    fn in_words(&self) -> String {
        format!("1 {} = {} {}", self.theirs.word, factor(self), self.ours.word)
    }
}

/// `units.csv`: `ours, theirs, factor`, and optionally `item`, `whole` and `preferred`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Units {
    file: String,
    units: Vec<Unit>,
}

/// Which way a document goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    In,
    Out,
}

impl Units {
    pub(super) fn new(
        table: &Table,
        words: &dyn Words,
        errors: &mut Vec<LineError>,
    ) -> Option<Self> {
        if !table.expect(&["ours", "theirs", "factor"], &["item", "whole", "preferred"], errors) {
            return None;
        }
        let cell = |row, name| table.cell(row, table.column(name));
        let mut units: Vec<Unit> = Vec::new();
        let known = words.all(UNITS);
        for row in table.each() {
            let line = table.line(row);
            let (ours, theirs) = (cell(row, "ours"), cell(row, "theirs"));
            if ours.is_empty() || theirs.is_empty() {
                errors.push(table.error(line, "a unit is missing", "give ours and theirs"));
                continue;
            }
            let Some(((numerator, denominator), whole)) = counting(table, row, errors) else {
                continue;
            };
            let named = |unit: &str| {
                let word = words.word(UNITS, unit).unwrap_or_else(|| unit.to_owned());
                Named { word, written: unit.to_owned() }
            };
            for unit in [ours, theirs] {
                if let Some((message, mend)) = never_met(unit, &known, 2) {
                    errors.push(table.error(line, message, &mend));
                }
            }
            let unit = Unit {
                ours: named(ours),
                theirs: named(theirs),
                numerator,
                denominator,
                item: cell(row, "item").to_owned(),
                whole,
                preferred: !cell(row, "preferred").is_empty(),
                written: false,
                line,
            };
            if unit.ours.word == unit.theirs.word
                && unit.numerator != unit.denominator
                && SAME_FOR_ALL.contains(&unit.ours.word.as_str())
            {
                let message = format!("{ours} cannot be {} {theirs}", factor(&unit));
                let mend = "write the factor 1, or the other unit that is meant";
                errors.push(table.error(line, message, mend));
                continue;
            }
            let clash = |u: &&Unit| u.item == unit.item && u.theirs.word == unit.theirs.word;
            if let Some(other) = units.iter().find(clash) {
                let message =
                    format!("{} stands on line {} already", unit.theirs.written, other.line);
                let mend =
                    "one unit of theirs is one of ours; name the item where it depends on it";
                errors.push(table.error(line, message, mend));
                continue;
            }
            units.push(unit);
        }
        let mut units = Self { file: table.file.clone(), units };
        units.choose_written(table, errors);
        Some(units)
    }

    /// Marks the rows that are written; several of which none is preferred are a fault.
    fn choose_written(&mut self, table: &Table, errors: &mut Vec<LineError>) {
        for at in 0..self.units.len() {
            let unit = &self.units[at];
            let mut rows = self.of(&unit.ours.word, &unit.item);
            let is_first = rows.clone().next().is_some_and(|u| u.line == unit.line);
            let line = to_write(&mut rows).map(|u| u.line);
            let written = line == Some(unit.line);
            if is_first && line.is_none() {
                let message = format!("{} is several units of theirs", unit.ours.written);
                let mend = "add a column `preferred` with `yes` in the row that we send";
                errors.push(table.error(unit.line, message, mend));
            }
            drop(rows);
            self.units[at].written = written;
        }
    }

    /// Rows for several numbers of one item that say different things of a unit of theirs. `meant` gives our item for a
    /// number.
    pub(super) fn contradictions<'i>(
        &self,
        meant: &dyn Fn(&str) -> Option<&'i str>,
    ) -> Vec<LineError> {
        let mut first: BTreeMap<(&str, &str), &Unit> = BTreeMap::new();
        let mut errors = Vec::new();
        for unit in self.units.iter().filter(|unit| !unit.item.is_empty()) {
            let Some(ours) = meant(&unit.item) else { continue };
            let before = *first.entry((ours, &unit.theirs.word)).or_insert(unit);
            if !before.agrees(unit) {
                errors.push(LineError {
                    file: self.file.as_str().into(),
                    line: unit.line,
                    column: 1,
                    message: format!(
                        "{} for {}, but {} for {} (line {}), and both are our {ours}",
                        unit.in_words(),
                        unit.item,
                        before.in_words(),
                        before.item,
                        before.line
                    ),
                    mend: "an item is counted one way; take one of the rows out".to_owned(),
                });
            }
        }
        errors
    }

    /// Rows in which one piece of theirs is several of a unit of ours that holds pieces: ours and theirs are turned round.
    pub(super) fn turned(&self) -> Vec<LineError> {
        let turned = |unit: &&Unit| {
            SINGLE.contains(&unit.theirs.word.as_str())
                && !SAME_FOR_ALL.contains(&unit.ours.word.as_str())
                && unit.numerator > unit.denominator
        };
        let told = |unit: &Unit| {
            let (ours, theirs) = (&unit.ours.written, &unit.theirs.written);
            let message = format!("one {theirs} of theirs is {} {ours} of ours", factor(unit));
            let mend = "look whether the units are turned round: `ours` stands first".to_owned();
            self.told(unit, message, mend)
        };
        self.units.iter().filter(turned).map(told).collect()
    }

    fn told(&self, unit: &Unit, message: String, mend: String) -> LineError {
        LineError { file: self.file.as_str().into(), line: unit.line, column: 1, message, mend }
    }

    /// Rows for numbers of which `meant` gives no item of ours.
    pub(super) fn strangers<'i>(&self, meant: &dyn Fn(&str) -> Option<&'i str>) -> Vec<LineError> {
        let strange = |unit: &&Unit| !unit.item.is_empty() && meant(&unit.item).is_none();
        let told = |unit: &Unit| {
            let message = format!("no item has the number {:?}", unit.item);
            let mend = "look for a slip, or add it to the cross-reference of items".to_owned();
            self.told(unit, message, mend)
        };
        self.units.iter().filter(strange).map(told).collect()
    }

    /// The rows of a unit of ours, for one item (or for all, where that is empty).
    fn of<'u>(&'u self, ours: &'u str, item: &'u str) -> impl Iterator<Item = &'u Unit> + Clone {
        self.units.iter().filter(move |u| u.ours.is(ours) && u.item == item)
    }

    /// The row for a unit; one for the item goes before one for all. Several where those for the numbers of the item
    /// say different things: which of them holds cannot be told.
    fn find<'u>(&'u self, unit: &'u str, items: &'u [ItemNumber], way: Way) -> Vec<&'u Unit> {
        let row = |item: &'u str| match way {
            Way::In => self.units.iter().find(|u| u.theirs.is(unit) && u.item == item),
            Way::Out => to_write(&mut self.of(unit, item)),
        };
        let numbers = items.iter().filter_map(|i| i.value.as_deref()).filter(|n| !n.is_empty());
        let mut found: Vec<&Unit> = Vec::new();
        for unit in numbers.filter_map(row) {
            if !found.iter().any(|other| other.agrees(unit)) {
                found.push(unit);
            }
        }
        if found.is_empty() {
            found.extend(row(""));
        }
        found
    }

    /// Whether a unit of an item (of any item, where none is named) may change its number on the way.
    fn may_change(&self, items: &[ItemNumber], way: Way) -> bool {
        let names = |item: &str| items.iter().any(|i| i.value.as_deref() == Some(item));
        let of_item = |unit: &Unit| !unit.item.is_empty() && names(&unit.item);
        let same = |a: &Unit, b: &Unit| match way {
            Way::In => a.theirs.word == b.theirs.word,
            Way::Out => a.ours.word == b.ours.word,
        };
        let holds = |unit: &Unit| {
            items.is_empty()
                || of_item(unit)
                // A row for the item goes before one for all.
                || unit.item.is_empty() && !self.units.iter().any(|u| of_item(u) && same(u, unit))
        };
        let in_use = |unit: &Unit| way == Way::In || unit.written;
        self.units.iter().any(|unit| unit.changes() && in_use(unit) && holds(unit))
    }

    /// Nothing says what is counted: whether it is as much in the other unit cannot be told.
    fn nameless(&self, at: &str, part: &Counted<'_>, way: Way, held: &mut Held) {
        let is_counted = Per::of(part.basis) == Per::Counted;
        let prices = part.prices.iter().filter(|_| is_counted).map(|price| ("price", price));
        let mut numbers = part.quantities.iter().map(|q| ("quantity", q)).chain(prices);
        let number = numbers.find(|(_, number)| !number.is_zero());
        if let Some((what, number)) = number.filter(|_| self.may_change(part.items, way)) {
            let says = format!("The {what} {number} is told without a unit.");
            let mend = format!("Name the unit: {} has some that are converted.", self.file);
            held.add(Code::UnitNotMapped, at, Some(&number.to_string()), &says, &mend);
        }
    }

    /// Translates a unit with the quantities that it counts and the prices of one of it.
    pub(super) fn convert(&self, at: &str, part: Counted<'_>, way: Way, held: &mut Held) {
        let Some(name) = part.unit.clone().or(part.around.map(str::to_owned)) else {
            return self.nameless(at, &part, way, held);
        };
        let found = self.find(&name, part.items, way);
        if let [one, other, ..] = &found[..] {
            let both = [one, other].map(|unit| format!("{} for {}", unit.in_words(), unit.item));
            let says = format!("{}: both are numbers of the item.", both.join(", and "));
            let mend = format!("Ask which holds, and correct {}.", self.file);
            held.add(Code::ItemContradiction, at, Some(&name), &says, &mend);
            return;
        }
        let Some(unit) = found.first() else {
            let says = format!("The unit {name} is not mapped.");
            let mend = format!("Add it to {}, with the factor 1 where nothing changes.", self.file);
            held.add(Code::UnitNotMapped, at, Some(&name), &says, &mend);
            return;
        };
        let (times, by) = match way {
            Way::In => (unit.numerator, unit.denominator),
            Way::Out => (unit.denominator, unit.numerator),
        };
        let new = if way == Way::In { &unit.ours.word } else { &unit.theirs.word };
        for quantity in part.quantities {
            let whole = |q: &Decimal| !unit.whole || q.fract().is_zero();
            let mut remainder = |of: &str| {
                let says =
                    format!("{quantity} {name} is no whole number of {of} ({}).", unit.in_words());
                let mend =
                    "Change the quantity, or say `no` in the column `whole`; nothing is rounded.";
                held.add(Code::UnitRemainder, at, Some(&quantity.to_string()), &says, mend);
            };
            if !whole(quantity) {
                return remainder(&name);
            }
            let Some(converted) = quotient(*quantity, times, by).filter(whole) else {
                return remainder(new);
            };
            *quantity = converted;
        }
        for price in part.prices {
            match Per::of(part.basis) {
                Per::Counted => {}
                // It is told for the same unit before and after.
                _ if times == by => continue,
                Per::Unit(word) if unit.ours.word == word => continue,
                Per::Unit(_) | Per::Unknown => {
                    let basis = part.basis.unwrap_or_default();
                    let says = format!(
                        "The price {price} is told by its basis {basis}, not for one {name}, and cannot be told for one {new}."
                    );
                    let mend = "Agree on prices by the unit that is counted, or count by the unit of the price.";
                    held.add(Code::UnitRemainder, at, Some(&price.to_string()), &says, mend);
                    return;
                }
            }
            let Some(converted) = quotient(*price, by, times) else {
                let says = format!(
                    "The price {price} for one {name} cannot be told exactly for one {new}."
                );
                let mend = "Agree on prices by the same unit; nothing is rounded.";
                held.add(Code::UnitRemainder, at, Some(&price.to_string()), &says, mend);
                return;
            };
            *price = converted;
        }
        if let Some(unit) = part.unit {
            unit.clone_from(new);
        }
    }
}

/// The factor of a row, and whether there are only whole ones.
fn counting(
    table: &Table,
    row: usize,
    errors: &mut Vec<LineError>,
) -> Option<((Decimal, Decimal), bool)> {
    let cell = |name| table.cell(row, table.column(name));
    let Some(factor) = fraction(cell("factor")) else {
        let message = format!("{:?} is no factor", cell("factor"));
        let mend = "how many of ours are in one of theirs: `12`, `0.5` or `1/12`";
        errors.push(table.error(table.line(row), message, mend));
        return None;
    };
    let whole = match cell("whole") {
        "" | "yes" | "true" => true,
        "no" | "false" => false,
        other => {
            let message = format!("`whole` is {other:?}");
            errors.push(table.error(table.line(row), message, "write `yes` or `no`"));
            return None;
        }
    };
    Some((factor, whole))
}

/// The row that is written: the only one, the only one that is preferred, or the one that changes nothing.
fn to_write<'u>(rows: &mut (impl Iterator<Item = &'u Unit> + Clone)) -> Option<&'u Unit> {
    let rows: Vec<&Unit> = rows.collect();
    let only = |is_it: &dyn Fn(&Unit) -> bool| {
        let mut found = rows.iter().copied().filter(|u| is_it(u));
        found.next().filter(|_| found.next().is_none())
    };
    only(&|_| true)
        .or_else(|| only(&|u| u.preferred))
        .or_else(|| only(&|u| u.numerator == u.denominator))
}

/// What a unit counts.
pub(super) struct Counted<'a> {
    pub unit: &'a mut Option<String>,
    /// The unit of the line that it is part of, as it stood before: it is counted in that where it names none.
    pub around: Option<&'a str>,
    pub items: &'a [ItemNumber],
    pub quantities: Vec<&'a mut Decimal>,
    pub prices: Vec<&'a mut Decimal>,
    /// What the prices are for (element 639).
    pub basis: Option<&'a str>,
}

/// What a price is for one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Per {
    /// The unit that the quantity is counted in.
    Counted,
    /// A unit of its own, whatever is counted.
    Unit(&'static str),
    /// Something that is no unit here, or cannot be told.
    Unknown,
}

impl Per {
    /// What a basis of the price (element 639) says. Most say nothing of a unit.
    fn of(basis: Option<&str>) -> Self {
        match basis.unwrap_or_default() {
            "" | "UM" | "AA" | "CA" | "CP" | "CT" | "DI" | "DS" | "ES" | "FX" | "NC" | "NE"
            | "NQ" | "NS" | "NT" | "PR" | "QT" | "RS" | "RT" | "SR" | "ST" | "TB" | "WH" => {
                Self::Counted
            }
            "LE" | "PE" | "QE" | "RE" | "TE" | "WE" => Self::Unit("each"),
            "LD" | "PD" | "TD" => Self::Unit("dozen"),
            "PF" => Self::Unit("foot"),
            "PK" => Self::Unit("kilogram"),
            "PL" => Self::Unit("liter"),
            "PO" => Self::Unit("ounce"),
            "PP" => Self::Unit("pound"),
            "PY" => Self::Unit("yard"),
            _ => Self::Unknown,
        }
    }
}

fn factor(unit: &Unit) -> String {
    if unit.denominator == Decimal::ONE {
        unit.numerator.to_string()
    } else {
        format!("{}/{}", unit.numerator, unit.denominator)
    }
}

/// `12`, `0.5` or `1/12`, above 0.
fn fraction(text: &str) -> Option<(Decimal, Decimal)> {
    let (numerator, denominator) = text.split_once('/').unwrap_or((text, "1"));
    let part = |t: &str| t.trim().parse::<Decimal>().ok().filter(|d| *d > Decimal::ZERO);
    Some((part(numerator)?, part(denominator)?))
}

/// `value × times / by`, where that is exact and fits; with at least as many decimals as the value has.
fn quotient(value: Decimal, times: Decimal, by: Decimal) -> Option<Decimal> {
    if times == by {
        return Some(value);
    }
    // As a fraction of whole numbers, in lowest terms. Decimals themselves would round.
    let power = |scale: u32| 10i128.checked_pow(scale);
    let mut above =
        value.mantissa().checked_mul(times.mantissa())?.checked_mul(power(by.scale())?)?;
    let mut below = by.mantissa().checked_mul(power(value.scale() + times.scale())?)?;
    let common = divisor(above.unsigned_abs(), below.unsigned_abs());
    let common = i128::try_from(common).ok().filter(|c| *c != 0)?;
    (above, below) = (above / common, below / common);
    // A decimal ends where nothing but twos and fives divides.
    let mut scale = 0u32;
    while below != 1 {
        let factor = if below % 10 == 0 {
            1
        } else if below % 5 == 0 {
            2
        } else if below % 2 == 0 {
            5
        } else {
            return None;
        };
        below /= 10 / factor;
        above = above.checked_mul(factor)?;
        scale += 1;
    }
    let mut result = Decimal::try_from_i128_with_scale(above, scale).ok()?.normalize();
    if result.scale() < value.scale() {
        result.rescale(value.scale());
    }
    Some(result)
}

/// The greatest common divisor.
fn divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_are_exact_or_none() {
        let d = |text: &str| text.parse::<Decimal>().expect("a decimal");
        assert_eq!(quotient(d("30"), d("1"), d("12")).map(|q| q.to_string()), Some("2.5".into()));
        assert_eq!(quotient(d("10"), d("1"), d("3")), None);
        assert_eq!(
            quotient(d("24.00"), d("1"), d("12")).map(|q| q.to_string()),
            Some("2.00".into())
        );
        assert_eq!(quotient(d("10.00"), d("1"), d("0.45359237")), None);
        assert_eq!(quotient(d("2"), d("0.45359237"), d("1")), Some(d("0.90718474")));
        assert_eq!(quotient(d("-3"), d("1"), d("8")), Some(d("-0.375")));
        assert_eq!(quotient(d("0"), d("1"), d("3")), Some(d("0")));
        assert_eq!(quotient(Decimal::MAX, d("2"), d("1")), None);
        assert_eq!(fraction("1/12"), Some((d("1"), d("12"))));
        for bad in ["", "0", "-1", "1/0", "a", "1/2/3"] {
            assert_eq!(fraction(bad), None, "{bad}");
        }
    }
}
