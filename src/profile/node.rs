//! A TOML file as a tree in which every entry knows where it stands and by which source it was agreed; trees laid
//! over one another stay so.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Origin, Problem};

/// An entry.
#[derive(Debug)]
pub(super) struct Node {
    pub value: Value,
    /// Where its value stands.
    pub origin: Origin,
    /// Where its key stands.
    pub key: Origin,
    /// `source`, of its own table or the nearest around it in the same file.
    pub source: Option<Arc<str>>,
}

/// What an entry is.
#[derive(Debug)]
pub(super) enum Value {
    Table(Entries),
    List(Vec<Arc<Node>>),
    Text(String),
    Integer(i64),
    Boolean(bool),
    /// A date or time as it stands there.
    Moment(String),
    /// A number that is no whole one in 64 bits.
    Other,
}

pub(super) type Entries = BTreeMap<Arc<str>, Arc<Node>>;

impl Value {
    /// What it is, for a sentence "is …, not …".
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Table(_) => "a table",
            Self::List(_) => "a list",
            Self::Text(_) => "a text",
            Self::Integer(_) => "a whole number",
            Self::Boolean(_) => "true or false",
            Self::Moment(_) => "a date or time",
            Self::Other => "no whole number",
        }
    }
}

/// Files larger than this are no profiles: a generous one has a few hundred lines.
const BYTES_MAX: usize = 1 << 20;

/// Reads a file; what is no TOML is a problem, and what can be read of it is read.
pub(super) fn parse(
    profile: &Arc<str>,
    file: &Arc<str>,
    text: &str,
    problems: &mut Vec<Problem>,
) -> Entries {
    if text.len() > BYTES_MAX {
        problems.push(Problem::whole(file, "is larger than 1 MiB; a profile never is"));
        return Entries::new();
    }
    let lines = Lines::new(profile, file, text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let start = error.span().map_or(0, |span| span.start);
        problems.push(Problem::at(&lines.origin(start), error.message()));
    }
    lines.table(table.get_ref(), None)
}

/// Where the lines of a text begin.
struct Lines<'a> {
    profile: &'a Arc<str>,
    file: &'a Arc<str>,
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(profile: &'a Arc<str>, file: &'a Arc<str>, text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
        Self { profile, file, text, starts: starts.collect() }
    }

    fn origin(&self, offset: usize) -> Origin {
        let line = self.starts.partition_point(|&start| start <= offset);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        Origin {
            profile: Arc::clone(self.profile),
            file: Arc::clone(self.file),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }

    fn table(&self, table: &DeTable<'_>, around: Option<&Arc<str>>) -> Entries {
        let own = table.get("source").and_then(|source| source.get_ref().as_str());
        let own: Option<Arc<str>> = own.map(Into::into);
        let source = own.as_ref().or(around);
        let entries = table.iter().map(|(key, value)| {
            let at = self.origin(key.span().start);
            (key.get_ref().as_ref().into(), Arc::new(self.node(value, at, source)))
        });
        entries.collect()
    }

    fn node(&self, value: &Spanned<DeValue<'_>>, key: Origin, around: Option<&Arc<str>>) -> Node {
        let origin = self.origin(value.span().start);
        let value = match value.get_ref() {
            DeValue::Table(table) => Value::Table(self.table(table, around)),
            DeValue::Array(list) => Value::List(
                list.iter()
                    .map(|item| {
                        let key = self.origin(item.span().start);
                        Arc::new(self.node(item, key, around))
                    })
                    .collect(),
            ),
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Boolean(flag) => Value::Boolean(*flag),
            DeValue::Datetime(moment) => Value::Moment(moment.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Value::Other, Value::Integer),
            DeValue::Float(_) => Value::Other,
        };
        let own = match &value {
            Value::Table(entries) => entries.get("source").and_then(|node| match &node.value {
                Value::Text(text) => Some(Arc::from(text.as_str())),
                _ => None,
            }),
            _ => None,
        };
        Node { value, origin, key, source: own.or_else(|| around.cloned()) }
    }
}

/// Lays entries over others: tables deeply, anything else replaces what lies under it.
pub(super) fn merge(under: &Entries, over: &Entries) -> Entries {
    let mut merged = under.clone();
    for (key, node) in over {
        let both = match (merged.get(key).map(|below| &below.value), &node.value) {
            (Some(Value::Table(below)), Value::Table(above)) => Some(merge(below, above)),
            _ => None,
        };
        let laid = both.map(|entries| {
            Arc::new(Node {
                value: Value::Table(entries),
                origin: node.origin.clone(),
                key: node.key.clone(),
                source: node.source.clone(),
            })
        });
        merged.insert(Arc::clone(key), laid.unwrap_or_else(|| Arc::clone(node)));
    }
    merged
}
