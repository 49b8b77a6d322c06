//! Files of records: JSON, JSON lines, CSV.

use serde_json::Value;

/// The kinds of files that have records, by the ends of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Csv,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        let (_, end) = name.rsplit_once('.')?;
        match end.to_ascii_lowercase().as_str() {
            "json" | "jsonl" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// Whether a file has records, by its name: `.json`, `.jsonl`, `.csv`.
#[must_use]
pub fn is_known(name: &str) -> bool {
    Kind::of(name).is_some()
}

/// What bounds the records of a file.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Most records.
    pub records: usize,
    /// Most bytes of the rows of CSV, each with the names of its columns.
    pub text: usize,
}

/// The records of a file: of a list in JSON its items, of CSV an object for each row, with texts by the names of its
/// head. A file of another kind has none.
///
/// ```
/// use crossdock::connector::{Bounds, records};
///
/// let bounds = Bounds { records: 10, text: 1000 };
/// let rows = records("shipped.csv", b"order,carton\nPO-1,C-7\n", bounds).unwrap();
/// assert_eq!(rows[0]["carton"], "C-7");
/// assert_eq!(records("a.jsonl", b"{}\n[1, 2]\n", bounds).unwrap().len(), 3);
/// ```
///
/// # Errors
/// In words: what cannot be read, and where; a bound that was met.
pub fn records(name: &str, bytes: &[u8], bounds: Bounds) -> Result<Vec<Value>, String> {
    // Programs of other systems put a mark before UTF-8.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match Kind::of(name) {
        Some(Kind::Csv) => rows(bytes, bounds),
        Some(Kind::Json) => values(bytes, bounds),
        None => Ok(Vec::new()),
    }
}

fn many(bounds: Bounds) -> String {
    format!("it has more than {} records: split it", bounds.records)
}

fn rows(bytes: &[u8], bounds: Bounds) -> Result<Vec<Value>, String> {
    let mut reader = csv::Reader::from_reader(bytes);
    let names = reader.headers().map_err(|e| e.to_string())?.clone();
    let twice =
        names.iter().enumerate().find(|(at, name)| names.iter().take(*at).any(|n| n == *name));
    if let Some((_, name)) = twice {
        return Err(format!("two columns have the name `{name}`"));
    }
    let (mut rows, mut room) = (Vec::new(), bounds.text);
    for row in reader.records() {
        let row = row.map_err(|e| e.to_string())?;
        let size = names.as_slice().len() + row.as_slice().len();
        room = room
            .checked_sub(size)
            .ok_or("its rows, with the names of their columns, are too much text: split it")?;
        if rows.len() == bounds.records {
            return Err(many(bounds));
        }
        let members = names.iter().zip(&row).map(|(name, field)| (name.to_owned(), field.into()));
        rows.push(Value::Object(members.collect()));
    }
    Ok(rows)
}

fn values(bytes: &[u8], bounds: Bounds) -> Result<Vec<Value>, String> {
    let mut records = Vec::new();
    for value in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>() {
        match value.map_err(|e| e.to_string())? {
            Value::Array(items) => records.extend(items),
            value => records.push(value),
        }
        if records.len() > bounds.records {
            return Err(many(bounds));
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_or_says_two_things_is_told() {
        let bounds = Bounds { records: 2, text: 40 };
        for (name, bytes, told) in [
            ("a.csv", "a,b,a\n1,2,3\n", "two columns have the name `a`"),
            ("a.csv", "a\n1\n2\n3\n", "more than 2 records"),
            ("a.csv", "a_rather_long_name\n1\n22\n333\n", "too much text"),
            ("a.json", "[1, 2, 3]", "more than 2 records"),
            ("a.jsonl", "1\n2\n3\n", "more than 2 records"),
        ] {
            let words = records(name, bytes.as_bytes(), bounds).unwrap_err();
            assert!(words.contains(told), "{bytes}: {words}");
        }
        // With the mark of a spreadsheet before it.
        assert_eq!(records("a.csv", b"\xef\xbb\xbfa\n1\n", bounds).unwrap()[0]["a"], "1");
    }
}
