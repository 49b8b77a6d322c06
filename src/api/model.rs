//! What the API answers with. These shapes are promised: a field may come, none goes or changes within `/v1`.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use crate::gateway::{
    self, DocumentRecord, ExceptionState, Expectation, NotedFinding, StoreError, Submitted,
    TracedDocument,
};

/// Most that a page may hold.
pub(super) const PAGE_MAX: u32 = 500;
const PAGE_USUAL: u32 = 100;

/// A page of a list. There is more where `next` is given, even if a page is short or empty.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page<T> {
    /// What was found.
    pub(super) items: Vec<T>,
    /// Ask with `after` set to this for what follows; not there: this was all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}

/// Entries that are looked through for one page.
const LOOKED_MAX: usize = 20_000;

impl<T> Page<T> {
    /// Collects a page of what the caller wants and sees. `read` gives the next entries of the store after one that is named
    /// by its `cursor`, at most so many; `take` makes an item of one, where it is wanted.
    pub(super) fn collect<Entry, Cursor: ToString>(
        limit: usize,
        mut after: Option<Cursor>,
        read: impl Fn(Option<&Cursor>, usize) -> Result<Vec<Entry>, StoreError>,
        cursor: impl Fn(&Entry) -> Cursor,
        take: impl Fn(Entry) -> Option<T>,
    ) -> Result<Self, Problem> {
        let (mut items, mut looked) = (Vec::new(), 0);
        loop {
            let some = read(after.as_ref(), limit)?;
            let is_last = some.len() < limit;
            looked += some.len();
            for entry in some {
                after = Some(cursor(&entry));
                items.extend(take(entry));
                if items.len() == limit {
                    return Ok(Self { items, next: after.map(|after| after.to_string()) });
                }
            }
            if is_last || looked >= LOOKED_MAX {
                let next = after.filter(|_| !is_last).map(|after| after.to_string());
                return Ok(Self { items, next });
            }
        }
    }
}

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// `next` of the page before.
    pub(super) after: Option<String>,
    /// How many at most, 1 to 500; 100 where it is not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

impl Paging {
    /// Where the page before has ended.
    pub(super) fn after(&self) -> Option<&str> {
        self.after.as_deref().filter(|after| !after.is_empty())
    }

    /// The same, read.
    pub(super) fn after_as<Cursor: FromStr>(&self) -> Result<Option<Cursor>, Problem> {
        let read = self.after().map(str::parse).transpose();
        read.map_err(|_| Problem::bad_request("`after` is `next` of the page before."))
    }

    pub(super) fn limit(&self) -> Result<usize, Problem> {
        match self.limit.unwrap_or(PAGE_USUAL) {
            limit @ 1..=PAGE_MAX => Ok(limit as usize),
            _ => Err(Problem::bad_request(format!("`limit` is 1 to {PAGE_MAX}."))),
        }
    }
}

/// That a document was taken in. A repeated request is answered with the same.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Receipt {
    /// The id of the document: `GET /v1/documents/{id}` tells what became of it.
    id: String,
    /// The partner.
    partner: String,
    /// `order`, `shipment` or `invoice`.
    kind: String,
    /// Its business number.
    number: String,
    /// When it was taken in.
    #[schema(format = DateTime)]
    at: String,
    /// Whether the same document had been taken in before, under another key or from a folder.
    again: bool,
}

impl Receipt {
    pub(super) fn of(partner: String, submitted: Submitted) -> Self {
        let Submitted { document: id, kind, number, at, again } = submitted;
        Self { id, partner, kind, number, at: at.to_string(), again }
    }
}

/// A document, of ours or of a partner.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Document {
    /// Its id.
    id: String,
    /// The partner.
    partner: String,
    /// `order`, `shipment`, `invoice` or `acknowledgement`.
    kind: String,
    /// Its business number.
    number: String,
    /// How far it is: `queued`, `delivered`, `duplicate`, `rendered`, `sent`, `accepted`, `accepted_with_errors`,
    /// `rejected`, `shadowed` or `quarantined`.
    state: String,
    /// Since when.
    #[schema(format = DateTime)]
    at: String,
}

impl From<DocumentRecord> for Document {
    fn from(record: DocumentRecord) -> Self {
        let state = word(record.state);
        let DocumentRecord { id, partner, kind, number, at, .. } = record;
        Self { id, partner, kind, number, state, at: at.to_string() }
    }
}

/// A document with what the partner said of it, and what a person has to look at.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DocumentDetail {
    #[serde(flatten)]
    pub(super) document: Document,
    /// What the partner said of it, where it was sent to one who answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) acknowledgement: Option<Acknowledgement>,
    /// The open exception that is about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exception: Option<u64>,
    /// What was found in it, where an exception is open.
    pub(super) findings: Vec<Finding>,
}

/// What a partner has to say, or has said, of a document of ours.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Acknowledgement {
    /// The partner.
    pub(super) partner: String,
    /// The document.
    pub(super) document: String,
    /// The set: `856`.
    set: String,
    /// GS06.
    group: u64,
    /// ST02.
    control_number: String,
    /// When it was sent.
    #[schema(format = DateTime)]
    sent: String,
    /// Until when an answer is expected.
    #[schema(format = DateTime)]
    due: String,
    /// `open`, `due_soon`, `overdue`, `accepted`, `accepted_with_errors`, `rejected`, or `replaced` (sent again under other
    /// numbers).
    state: String,
    /// When the partner answered.
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    answered: Option<String>,
}

impl From<Expectation> for Acknowledgement {
    fn from(one: Expectation) -> Self {
        Self {
            control_number: one.set_number(),
            state: word(one.state),
            partner: one.partner,
            document: one.document,
            set: one.set_id,
            group: one.group,
            sent: one.sent.to_string(),
            due: one.due.to_string(),
            answered: one.answered.map(|at| at.to_string()),
        }
    }
}

/// What a person has to look at.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Exception {
    /// Its number.
    pub(super) id: u64,
    /// Its kind: `crossdock exceptions kinds` lists them.
    kind: String,
    /// `normal`, `high` or `critical`.
    severity: String,
    /// `open`, `done`, `dismissed` or `accepted`.
    state: String,
    /// The partner; empty where it is nobody's.
    partner: String,
    /// Who is to look at it; empty where nobody is named.
    owner: String,
    /// What is wrong.
    words: String,
    /// How to mend it.
    mend: String,
    /// What may be done: `retry`, `replay`, `accept`. (`edit` is for the command line.) What is open can be dismissed
    /// too, and what was dismissed opened again.
    actions: Vec<String>,
    /// How often it came.
    count: u64,
    /// When it was opened.
    #[schema(format = DateTime)]
    opened: String,
    /// Until when somebody should have looked at it.
    #[schema(format = DateTime)]
    due: String,
}

impl From<gateway::Exception> for Exception {
    fn from(one: gateway::Exception) -> Self {
        let entry = one.kind.entry();
        let actions = entry.actions.iter().map(|action| action.name().to_owned());
        Self {
            id: one.id,
            kind: entry.name.to_owned(),
            severity: word(one.severity),
            state: word(one.state),
            actions: match one.state {
                ExceptionState::Open => actions.collect(),
                _ => Vec::new(),
            },
            partner: one.partner,
            owner: one.owner,
            words: one.words,
            mend: one.mend,
            count: one.count,
            opened: one.opened.to_string(),
            due: one.due.to_string(),
        }
    }
}

/// An exception with the things that it is about.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ExceptionDetail {
    #[serde(flatten)]
    pub(super) exception: Exception,
    /// What it is about.
    pub(super) items: Vec<ExceptionItem>,
}

/// One of the things that an exception is about.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ExceptionItem {
    /// Its place: 1 is the first.
    pub(super) item: usize,
    /// The document, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) document: Option<String>,
    /// Whether it could go on as it is: `accept`.
    pub(super) acceptable: bool,
    /// Whether nothing has to be done about it any more.
    pub(super) settled: bool,
    /// What was found in it.
    pub(super) findings: Vec<Finding>,
}

/// What is wrong with a document, and where.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Finding {
    /// `E05`: `crossdock explain E05` tells more.
    code: String,
    /// `advice`, `warning`, `error` or `fatal`.
    severity: String,
    /// What is wrong.
    message: String,
    /// How to mend it.
    mend: String,
    /// The field of the canonical document.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The rule that was agreed: where it stands, why, by which document.
    rule: String,
}

impl From<NotedFinding> for Finding {
    fn from(noted: NotedFinding) -> Self {
        let NotedFinding { code, severity, message, mend, field, rule, .. } = noted;
        Self { code, severity, message, mend, field, rule }
    }
}

/// What to do about an exception.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Deed {
    /// `retry`, `replay`, `accept`, `dismiss`, or `reopen` for what was dismissed.
    pub(super) action: DeedAction,
    /// Why: asked for where something is accepted, dismissed or opened again.
    #[serde(default)]
    pub(super) reason: String,
    /// One of its items; all of them where it is not said.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub(super) item: Option<usize>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum DeedAction {
    Retry,
    Replay,
    Accept,
    Dismiss,
    Reopen,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Done {
    /// How many things go on; 0 where the same had been done before.
    pub(super) count: usize,
    /// The exception as it is now.
    pub(super) exception: Exception,
}

/// An order and everything that came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Trace {
    /// The partner.
    pub(super) partner: String,
    /// The number of the order.
    number: String,
    /// Its date.
    #[schema(format = Date)]
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    /// Where the order stands: `held`, `waiting`, `picking`, `partly_shipped`, `shipped`, `partly_invoiced`, `invoiced`,
    /// `closed` or `cancelled`.
    stage: String,
    /// The order itself, then its changes, shipments and invoices.
    documents: Vec<TraceDocument>,
    /// What was ordered, shipped and billed, line by line.
    lines: Vec<TraceLine>,
    /// What does not agree, in words.
    disagreements: Vec<String>,
}

/// A document of a trace.
#[derive(Debug, Serialize, ToSchema)]
struct TraceDocument {
    #[serde(flatten)]
    document: Document,
    /// What the partner said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledgement: Option<Acknowledgement>,
    /// Serial shipping container codes of the cartons and pallets of a shipment.
    sscc: Vec<String>,
}

/// What was ordered, shipped and billed of a line; quantities are decimal numbers as text.
#[derive(Debug, Serialize, ToSchema)]
struct TraceLine {
    /// Its number in the order.
    number: Option<String>,
    /// Its first item number.
    item: Option<String>,
    /// Its unit.
    unit: Option<String>,
    /// What was ordered.
    ordered: Option<String>,
    /// What all shipments together have of it.
    shipped: String,
    /// What all invoices together have of it.
    invoiced: String,
}

impl From<gateway::Trace> for Trace {
    fn from(trace: gateway::Trace) -> Self {
        let gateway::Trace { partner, number, date, stage, documents, lines, disagreements } =
            trace;
        let lines = lines.into_iter().map(|line| TraceLine {
            number: line.number,
            item: line.item,
            unit: line.unit,
            ordered: line.ordered.map(|quantity| quantity.normalize().to_string()),
            shipped: line.shipped.normalize().to_string(),
            invoiced: line.invoiced.normalize().to_string(),
        });
        Self {
            partner,
            number,
            date: date.map(|date| date.to_string()),
            stage: stage.to_string(),
            documents: documents.into_iter().map(TraceDocument::from).collect(),
            lines: lines.collect(),
            disagreements,
        }
    }
}

impl From<TracedDocument> for TraceDocument {
    fn from(traced: TracedDocument) -> Self {
        let TracedDocument { record, acknowledgement, cartons, .. } = traced;
        Self {
            document: record.into(),
            acknowledgement: acknowledgement.map(Acknowledgement::from),
            sscc: cartons.into_iter().filter_map(|carton| carton.sscc).collect(),
        }
    }
}

/// The word that serde writes for a value without fields.
fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
