//! Files of records: JSON, JSON lines, CSV.

use std::collections::BTreeMap;

use serde_json::{Value, json};

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

/// The records of a file: of a list in JSON its items, of CSV an object for each row, with texts by the names of its
/// head. A file of another kind has none.
///
/// ```
/// use crossdock::connector::records;
///
/// let rows = records("shipped.csv", b"order,carton\nPO-1,C-7\n").unwrap();
/// assert_eq!(rows[0]["carton"], "C-7");
/// assert_eq!(records("a.jsonl", b"{}\n[1, 2]\n").unwrap().len(), 3);
/// ```
///
/// # Errors
/// In words: what cannot be read, and where.
pub fn records(name: &str, bytes: &[u8]) -> Result<Vec<Value>, String> {
    // Programs of other systems put a mark before UTF-8.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match Kind::of(name) {
        Some(Kind::Csv) => {
            let mut reader = csv::Reader::from_reader(bytes);
            let rows = reader.deserialize::<BTreeMap<String, String>>();
            rows.map(|row| row.map(|row| json!(row)).map_err(|e| e.to_string())).collect()
        }
        Some(Kind::Json) => {
            let mut records = Vec::new();
            for value in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>() {
                match value.map_err(|e| e.to_string())? {
                    Value::Array(items) => records.extend(items),
                    value => records.push(value),
                }
            }
            Ok(records)
        }
        None => Ok(Vec::new()),
    }
}
