//! Cutover: the calls that a connector would make for what is in shadow, compared with what the system that still does the
//! work tells of its own.
//!
//! Nothing is called. `[endpoints.NAME.shadow]` says where that system leaves its export and which program reads it; the
//! switch is the state of a kind of document in each profile: `off`, `shadow`, `live`.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::connectors::Connected;
use super::intake::business_number;
use super::reconciliation::bounds;
use crate::connector::jq::{Input, Program};
use crate::connector::{
    Bounds, Idempotency, Mismatch, Request, Scope, is_known, mismatches, records,
};
use crate::profile::Problem;
use crate::store::{Document, DocumentState, Records};

/// Bytes of one file of an export.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Entries of an export; what is beyond is not compared, and that is said.
const ENTRIES_MAX: usize = 200_000;
/// A file of it is the operator's own, and bounded by its size and [`ENTRIES_MAX`].
const BOUNDS: Bounds = Bounds { records: usize::MAX, text: usize::MAX };
/// Documents that are read at a time.
const PAGE: usize = 1000;
/// Documents and entries that are listed one by one.
const LISTED_MAX: usize = 1000;

/// `[endpoints.NAME.shadow]`, as it is written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShadowConfig {
    /// The folder in which the other system leaves what it has done: JSON, JSON lines (`.jsonl`) or CSV.
    pub export: PathBuf,
    /// A jq program: from a record of the export to `{document, number, call}`, with `partner` where two have the same
    /// numbers; `empty` for one that says nothing.
    pub program: PathBuf,
    /// Places in the calls that are not compared; `[]` stands for each item of a list.
    #[serde(default)]
    pub ignore: Vec<String>,
}

/// The same, ready to be used.
#[derive(Debug, Clone)]
pub struct Shadow {
    export: PathBuf,
    program: Arc<Program>,
    ignore: Vec<String>,
}

impl Shadow {
    /// Reads what is written; its paths are relative to `base`.
    ///
    /// # Errors
    /// What is wrong with the program, and where.
    pub(super) fn read(config: &ShadowConfig, base: &Path) -> Result<Self, Vec<Problem>> {
        let file = base.join(&config.program);
        let name = file.display().to_string();
        let unread =
            |e| Problem::whole(&name, format!("the program of a shadow cannot be read: {e}"));
        let bytes = read_file(&file).map_err(|e| vec![unread(e)])?;
        let text = String::from_utf8_lossy(&bytes);
        let program = Program::compile(&text, &[]).map_err(|faults| {
            faults.into_iter().map(|fault| fault.in_file(&name, &text)).collect::<Vec<_>>()
        })?;
        let (export, ignore) = (base.join(&config.export), config.ignore.clone());
        Ok(Self { export, program: Arc::new(program), ignore })
    }
}

/// Why nothing could be compared.
#[derive(Debug, thiserror::Error)]
pub enum CutoverError {
    /// A file of the export cannot be read, or is none of its kind.
    #[error("{}: {reason}", file.display())]
    Export {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The store fails.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
}

/// What the other system has done for a document.
struct Entry {
    call: Value,
    file: String,
}

/// What became of one document in shadow.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Compared {
    /// The call is the same, as far as the other system tells.
    Same,
    /// It is not.
    Differs {
        /// Where.
        mismatches: Vec<Mismatch>,
    },
    /// The other system has nothing of it.
    NotThere,
    /// No call could be made of it: a person would have had to look.
    Held {
        /// Why.
        words: String,
    },
}

/// A document in shadow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedDocument {
    /// Its partner.
    pub partner: String,
    /// Its kind.
    pub document: String,
    /// Its number.
    pub number: String,
    /// Its id.
    pub id: String,
    /// What became of it.
    #[serde(flatten)]
    pub compared: Compared,
}

/// A day of an endpoint whose export cannot be read.
#[derive(Debug, Serialize)]
pub(super) struct Uncompared<'a> {
    /// The endpoint.
    pub endpoint: &'a str,
    /// The day, by the clock of this machine.
    pub date: Date,
    /// When it was to be compared.
    pub at: Timestamp,
    /// Why it was not.
    pub error: String,
}

impl fmt::Display for Uncompared<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, date, error, .. } = self;
        writeln!(f, "Shadow of {endpoint} on {date}: nothing could be compared\n  {error}")?;
        writeln!(f, "Mend it, then: crossdock connector compare {endpoint} --date {date}")
    }
}

/// A day of an endpoint in shadow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The endpoint.
    pub endpoint: String,
    /// The day, by the clock of this machine.
    pub date: Date,
    /// When it was compared.
    pub at: Timestamp,
    /// Whether everything is the same.
    pub agrees: bool,
    /// Documents in shadow on that day.
    pub documents: usize,
    /// How many of their calls are the same.
    pub same: usize,
    /// Those that are not.
    pub differences: Vec<ComparedDocument>,
    /// What the other system has done for documents that never came here: kind and number, with the file.
    pub never_came: Vec<String>,
    /// What of both is not listed.
    pub not_listed: usize,
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, date, documents, same, .. } = self;
        writeln!(f, "Shadow of {endpoint} on {date}: {same} of {documents} calls are the same")?;
        for one in &self.differences {
            let ComparedDocument { partner, document, number, compared, .. } = one;
            match compared {
                Compared::Same => {}
                Compared::NotThere => {
                    writeln!(
                        f,
                        "  {partner} {document} {number}: the other system has nothing of it"
                    )?;
                }
                Compared::Held { words } => {
                    writeln!(f, "  {partner} {document} {number}: no call, {words}")?;
                }
                Compared::Differs { mismatches } => {
                    writeln!(f, "  {partner} {document} {number}: the call differs")?;
                    for mismatch in mismatches {
                        writeln!(f, "    {mismatch}")?;
                    }
                }
            }
        }
        for words in &self.never_came {
            writeln!(f, "  {words}: it never came here")?;
        }
        match self.not_listed {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more"),
        }
    }
}

/// Compares the calls for what was in shadow on a day with the export of the other system. `is_its` tells which partners
/// have this endpoint.
///
/// # Errors
/// An export that cannot be read; where the store fails.
pub fn compare_shadow(
    records: &dyn Records,
    (endpoint, connected, shadow): (&str, &Connected, &Shadow),
    date: Date,
    is_its: &dyn Fn(&str) -> bool,
) -> Result<Comparison, CutoverError> {
    let mut export = shadow.entries()?;
    let mut comparison = Comparison {
        endpoint: endpoint.to_owned(),
        date,
        at: Timestamp::now(),
        agrees: true,
        documents: 0,
        same: 0,
        differences: Vec::new(),
        never_came: Vec::new(),
        not_listed: 0,
    };
    let (from, until) = bounds(date);
    let mut known = HashSet::<Key>::new();
    let mut after: Option<String> = None;
    loop {
        let page = records.documents(after.as_deref(), PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        for record in page.iter().filter(|record| is_its(&record.partner)) {
            // What goes out is not handed to the endpoint.
            let its = find(&export, record).filter(|_| record.interchange.is_some());
            let is_here = record.interchange.is_some() && from <= record.at && record.at < until;
            let entry = its.map(|(_, entry)| entry);
            match record.state {
                DocumentState::Shadowed if is_here => {
                    let compared = compare_one(records, connected, shadow, record, entry)?;
                    comparison.take(record, compared);
                }
                // The other system went on with it.
                DocumentState::Quarantined if is_here && entry.is_some() => {
                    let words = "it is held for a person".to_owned();
                    comparison.take(record, Compared::Held { words });
                }
                _ => {}
            }
            known.extend(its.map(|(key, _)| key.clone()));
        }
    }
    export.retain(|key, _| !known.contains(key));
    for ((kind, number, partner), entry) in export {
        comparison.agrees = false;
        if comparison.never_came.len() < LISTED_MAX {
            let whose = partner.map(|partner| format!("{partner} ")).unwrap_or_default();
            comparison.never_came.push(format!("{whose}{kind} {number} ({})", entry.file));
        } else {
            comparison.not_listed += 1;
        }
    }
    Ok(comparison)
}

impl Comparison {
    fn take(&mut self, record: &Document, compared: Compared) {
        self.documents += 1;
        if compared == Compared::Same {
            self.same += 1;
            return;
        }
        self.agrees = false;
        if self.differences.len() >= LISTED_MAX {
            self.not_listed += 1;
            return;
        }
        self.differences.push(ComparedDocument {
            partner: record.partner.clone(),
            document: record.kind.clone(),
            number: record.number.clone(),
            id: record.id.clone(),
            compared,
        });
    }
}

fn compare_one(
    records: &dyn Records,
    connected: &Connected,
    shadow: &Shadow,
    record: &Document,
    entry: Option<&Entry>,
) -> Result<Compared, CutoverError> {
    let held = |words: String| Ok(Compared::Held { words });
    let json = records.payload(record.payload)?;
    let ours = match composed(connected, record, &json) {
        Ok(Some(request)) => request.body_value(),
        Ok(None) => return held("the connector has nothing to call for it".to_owned()),
        Err(words) => return held(words),
    };
    let Some(entry) = entry else { return Ok(Compared::NotThere) };
    let mismatches = mismatches(&ours, &entry.call, &shadow.ignore);
    Ok(if mismatches.is_empty() { Compared::Same } else { Compared::Differs { mismatches } })
}

/// The first call that makes something, as it is without answers: calls behind it know what that gave, and a shadow does
/// not.
fn composed(
    connected: &Connected,
    record: &Document,
    json: &[u8],
) -> Result<Option<Request>, String> {
    let Some(handling) = connected.connector.handling(&record.kind) else {
        return Err(format!("{} takes no {}", connected.connector.name, record.kind));
    };
    let scope = Scope {
        settings: connected.settings.plain.clone(),
        partner: json!(record.partner),
        id: json!(record.id),
        document: Input::from_json(json)?,
        results: Value::Object(Map::new()),
        ..Scope::default()
    };
    handling.check(&scope).map_err(|stop| stop.to_string())?;
    let mut stopped = None;
    for step in handling.steps.iter().filter(|step| step.idempotency != Idempotency::Read) {
        match step.request(&scope) {
            Ok(Some(request)) => return Ok(Some(request)),
            Ok(None) => {}
            // It may need what a call before has given.
            Err(stop) => stopped = stopped.or(Some(stop.to_string())),
        }
    }
    stopped.map_or(Ok(None), Err)
}

/// Kind and number, and the partner where the program says it.
type Key = (String, String, Option<String>);
type Export = BTreeMap<Key, Entry>;

/// What the export has of a document: of its partner, or else of whoever has the number.
fn find<'a>(export: &'a Export, record: &Document) -> Option<(&'a Key, &'a Entry)> {
    let of = |partner| (record.kind.clone(), record.number.clone(), partner);
    let its = export.get_key_value(&of(Some(record.partner.clone())));
    its.or_else(|| export.get_key_value(&of(None)))
}

/// What the program gives for a record of the export.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    document: String,
    number: String,
    partner: Option<String>,
    call: Value,
}

impl Shadow {
    /// Reads all files of the export. Of several records of one document the last counts.
    fn entries(&self) -> Result<Export, CutoverError> {
        let wrong = |file: &Path, reason: String| {
            let file = file.to_owned();
            CutoverError::Export { file, reason }
        };
        let unlisted = |e: io::Error| wrong(&self.export, e.to_string());
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.export).map_err(unlisted)? {
            files.push(entry.map_err(unlisted)?.path());
        }
        files.retain(|path| path.is_file());
        files.sort();
        let mut export = Export::new();
        for file in files {
            self.read_into(&mut export, &file).map_err(|reason| wrong(&file, reason))?;
        }
        Ok(export)
    }

    fn read_into(&self, export: &mut Export, file: &Path) -> Result<(), String> {
        let bytes = read_file(file).map_err(|e| e.to_string())?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !is_known(&name) {
            return Err(
                "it is neither .json, .jsonl nor .csv; move it out of the folder".to_owned()
            );
        }
        for (at, record) in (1..).zip(records(&name, &bytes, BOUNDS)?) {
            let given = self.program.run(&record, &[]);
            for given in given.map_err(|stop| format!("record {at}: {stop}"))? {
                let given = Given::deserialize(given).map_err(|e| {
                    format!("record {at}: the program gives {{document, number, call}}: {e}")
                })?;
                if export.len() >= ENTRIES_MAX {
                    let words = "records: take out old files";
                    return Err(format!("there are more than {ENTRIES_MAX} {words}"));
                }
                let key = (given.document, business_number(&given.number), given.partner);
                export.insert(key, Entry { call: given.call, file: name.clone() });
            }
        }
        Ok(())
    }
}

fn read_file(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other("it has more than 64 MiB: split it"));
    }
    Ok(bytes)
}
