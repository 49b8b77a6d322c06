//! What of a day agrees: received with delivered, sent with acknowledged; and what does not, document by document.
//!
//! It is made from the records as they stand now: what came late is no difference any more when the day is looked at
//! again. Tests do not count.

mod daily;
mod words;

pub use daily::{ReconciliationConfig, partners_of, sets_of};

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::Serialize;

use crate::exceptions::Kind;
use crate::store::{
    AckState, Document, DocumentState, Error, Exception, ExceptionItem, ExceptionState,
    Expectation, InterchangeId, InterchangeRecord, Outcome, Place, Records, Subject,
};

/// Records that are read at a time.
const PAGE: usize = 1000;
/// Differences that are listed; more are counted only.
const DIFFERENCES_MAX: usize = 5000;

/// Days before the one that is looked at from which something may reach the mailbox on that day only.
const DAYS_BEFORE: i64 = 31;

/// The names of sets by partner and kind of document.
pub type SetNames = BTreeMap<(String, String), String>;

/// A day, reconciled.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reconciliation {
    /// The day, by the clock of this machine.
    pub date: Date,
    /// When it was looked at.
    pub at: Timestamp,
    /// Whether nothing differs.
    pub agrees: bool,
    /// What came in, by partner and kind of document.
    pub inbound: Vec<Inbound>,
    /// What went out.
    pub outbound: Vec<Outbound>,
    /// What does not agree.
    pub differences: Vec<Difference>,
    /// How much of what does not agree is not listed.
    pub not_listed: usize,
}

/// What a partner sent of a kind of document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Inbound {
    /// The partner.
    pub partner: String,
    /// The kind of document, or the set where it became none.
    pub document: String,
    /// The set, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
    /// All that came.
    pub received: usize,
    /// The endpoint has it.
    pub delivered: usize,
    /// It came before, and was recorded only.
    pub repeated: usize,
    /// In shadow.
    pub shadowed: usize,
    /// Rejected; the partner was told so.
    pub rejected: usize,
    /// It waits for the endpoint.
    pub waiting: usize,
    /// Held for a person.
    pub held: usize,
}

/// What went to a partner of a kind of document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outbound {
    /// The partner.
    pub partner: String,
    /// The kind of document.
    pub document: String,
    /// The set, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
    /// All that was to be sent.
    pub taken: usize,
    /// In the partner's mailbox.
    pub sent: usize,
    /// Acknowledged and accepted, with errors too.
    pub accepted: usize,
    /// Acknowledged and rejected.
    pub rejected: usize,
    /// Sent, and no acknowledgement is expected.
    pub unasked: usize,
    /// Sent, and not acknowledged.
    pub waiting: usize,
    /// In shadow.
    pub shadowed: usize,
    /// Not in the mailbox: it waits, or is held for a person.
    pub not_sent: usize,
}

/// A document that does not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `in` or `out`.
    pub direction: &'static str,
    /// The partner; empty where it is nobody's.
    pub partner: String,
    /// The kind of document; `interchange` for a whole one.
    pub document: String,
    /// Its number.
    pub number: String,
    /// Its id; the receipt of an interchange.
    pub id: String,
    /// Since when.
    pub since: Timestamp,
    /// What is wrong.
    pub why: String,
}

/// Reconciles a day by the clock of this machine; of all partners, or of one.
///
/// # Errors
/// Where the store fails.
pub fn reconcile(
    records: &dyn Records,
    date: Date,
    partner: Option<&str>,
    sets: &SetNames,
) -> Result<Reconciliation, Error> {
    let mut day = Day::new(date, partner, sets);
    day.read_interchanges(records)?;
    day.read_exceptions(records)?;
    day.read_expectations(records)?;
    day.read_documents(records)?;
    Ok(day.into_report(date))
}

/// The bounds of a day by the clock of this machine.
pub(super) fn bounds(date: Date) -> (Timestamp, Timestamp) {
    let start = |date: Date| {
        date.to_zoned(TimeZone::system()).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    };
    (start(date), start(date.saturating_add(1.day())))
}

/// A day while it is read.
struct Day<'a> {
    from: Timestamp,
    until: Timestamp,
    earlier: Timestamp,
    partner: Option<&'a str>,
    sets: &'a SetNames,
    /// Interchanges of the day, and whether they count.
    interchanges: HashMap<InterchangeId, bool>,
    /// What was sent on the day, by document.
    sent: HashMap<String, Expectation>,
    /// What was sent on the days before it, which is not taken for what was sent on the day.
    before: HashSet<String>,
    inbound: BTreeMap<(String, String), Inbound>,
    outbound: BTreeMap<(String, String), Outbound>,
    differences: Vec<Difference>,
    /// Interchanges of which nothing was taken.
    wholes: HashMap<InterchangeId, Difference>,
}

impl<'a> Day<'a> {
    fn new(date: Date, partner: Option<&'a str>, sets: &'a SetNames) -> Self {
        let (from, until) = bounds(date);
        Self {
            from,
            until,
            earlier: bounds(date.saturating_sub(DAYS_BEFORE.days())).0,
            partner,
            sets,
            interchanges: HashMap::new(),
            sent: HashMap::new(),
            before: HashSet::new(),
            inbound: BTreeMap::new(),
            outbound: BTreeMap::new(),
            differences: Vec::new(),
            wholes: HashMap::new(),
        }
    }

    fn is_on_it(&self, at: Timestamp) -> bool {
        (self.from..self.until).contains(&at)
    }

    fn is_of(&self, partner: &str) -> bool {
        self.partner.is_none_or(|name| name == partner)
    }

    fn read_interchanges(&mut self, records: &dyn Records) -> Result<(), Error> {
        let mut after = None;
        loop {
            let page = records.interchanges(after, PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(*last);
            for (id, record) in &page {
                if !self.is_on_it(record.at) {
                    continue;
                }
                let counts = !record.test && self.is_of(&record.partner);
                self.interchanges.insert(*id, counts);
                if counts {
                    self.whole(*id, record);
                }
            }
        }
    }

    /// An interchange of which nothing was taken.
    fn whole(&mut self, id: InterchangeId, record: &InterchangeRecord) {
        let how = match record.outcome {
            Outcome::Rejected if record.documents == 0 => "rejected",
            Outcome::Quarantined if record.documents == 0 => "set aside",
            _ => return,
        };
        let number = record.key.as_ref().map(|key| key.number.clone()).unwrap_or_default();
        let why = record.note.lines().next().unwrap_or_default();
        let difference = Difference {
            direction: "in",
            partner: record.partner.clone(),
            document: "interchange".to_owned(),
            number,
            id: format!("receipt {} interchange {}", id.receipt, id.index + 1),
            since: record.at,
            why: if why.is_empty() { how.to_owned() } else { format!("{how}: {why}") },
        };
        self.wholes.insert(id, difference);
    }

    /// What became no document, exceptions tell of: sets that were rejected, and files that are none of use. What went on
    /// since then, edited or as it is, came again and is counted there.
    fn read_exceptions(&mut self, records: &dyn Records) -> Result<(), Error> {
        let mut after = 0;
        loop {
            let page = records.exceptions(after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            let (from, until) = (self.from, self.until);
            for exception in page.iter().filter(|one| one.last >= from && one.opened < until) {
                for item in records.exception_items(exception.id)? {
                    if self.is_on_it(item.at) {
                        self.item(exception, &item);
                    }
                }
            }
        }
    }

    fn item(&mut self, exception: &Exception, item: &ExceptionItem) {
        let dismissed = item.dismissed || exception.state == ExceptionState::Dismissed;
        let went_on = item.settled && !dismissed;
        match &item.subject {
            Subject::Interchange { id, .. } if went_on => {
                self.wholes.remove(id);
            }
            Subject::Interchange { id, label, .. }
                if exception.kind == Kind::DocumentRejected
                    && self.interchanges.get(id).copied() == Some(true) =>
            {
                self.rejected_set(&exception.partner, *id, label, &item.at);
            }
            Subject::File { place: Place::Endpoint { partner, kind, .. }, file }
                if !item.settled && self.is_of(partner) =>
            {
                self.differences.push(Difference {
                    direction: "out",
                    partner: partner.clone(),
                    document: kind.clone(),
                    number: file.name.clone(),
                    id: format!("exception {}", exception.id),
                    since: item.at,
                    why: "the file cannot be used: see crossdock exceptions".to_owned(),
                });
            }
            _ => {}
        }
    }

    fn rejected_set(&mut self, partner: &str, id: InterchangeId, label: &str, at: &Timestamp) {
        // `order 4711 (850 0001 in group 1)`, or the set alone.
        let (kind, number) = label.split_once(' ').unwrap_or((label, ""));
        let flow = self.flow_in(partner, kind);
        flow.received += 1;
        flow.rejected += 1;
        // What is told of its sets is not told of all of it once more.
        self.wholes.remove(&id);
        self.differences.push(Difference {
            direction: "in",
            partner: partner.to_owned(),
            document: kind.to_owned(),
            number: number.to_owned(),
            id: format!("receipt {} interchange {}", id.receipt, id.index + 1),
            since: *at,
            why: "rejected; the partner was told so".to_owned(),
        });
    }

    fn read_expectations(&mut self, records: &dyn Records) -> Result<(), Error> {
        let mut after: Option<Expectation> = None;
        loop {
            let start = after.as_ref().map(|one| (one.partner.as_str(), one.group, one.set));
            let page = records.all_expectations(start, PAGE)?;
            let Some(last) = page.last().cloned() else { return Ok(()) };
            after = Some(last);
            for one in page {
                if !self.is_of(&one.partner) {
                    continue;
                }
                if self.is_on_it(one.sent) {
                    let is_newer = |other: &Expectation| other.sent < one.sent;
                    if self.sent.get(&one.document).is_none_or(is_newer) {
                        self.sent.insert(one.document.clone(), one);
                    }
                } else if one.sent < self.until && one.sent >= self.earlier {
                    self.before.insert(one.document);
                }
            }
        }
    }

    fn read_documents(&mut self, records: &dyn Records) -> Result<(), Error> {
        let mut after: Option<String> = None;
        loop {
            let page = records.documents(after.as_deref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id.clone());
            for document in &page {
                if !self.is_of(&document.partner) {
                    continue;
                }
                match document.interchange {
                    Some(id) if self.interchanges.get(&id).copied() == Some(true) => {
                        self.came(document);
                    }
                    Some(_) => {}
                    None => {
                        if let Some(expectation) = self.sent.remove(&document.id) {
                            self.went(document, Some(&expectation));
                        } else if self.is_on_it(document.at) && !self.before.contains(&document.id)
                        {
                            self.went(document, None);
                        }
                    }
                }
            }
        }
    }

    fn came(&mut self, document: &Document) {
        let flow = self.flow_in(&document.partner, &document.kind);
        flow.received += 1;
        let why = match document.state {
            DocumentState::Delivered => {
                flow.delivered += 1;
                return;
            }
            DocumentState::Duplicate => {
                flow.repeated += 1;
                return;
            }
            DocumentState::Shadowed => {
                flow.shadowed += 1;
                return;
            }
            DocumentState::Queued => {
                flow.waiting += 1;
                "the endpoint does not have it yet"
            }
            _ => {
                flow.held += 1;
                "held for a person: see crossdock exceptions"
            }
        };
        self.differ("in", document, document.at, why.to_owned());
    }

    fn went(&mut self, document: &Document, expectation: Option<&Expectation>) {
        let state = document.state;
        let flow = self.flow_out(document, expectation);
        flow.taken += 1;
        let is_there = matches!(state, DocumentState::Sent) || state.is_verdict();
        flow.sent += usize::from(is_there);
        let waits = expectation.filter(|one| one.state.is_waiting());
        let (since, why) = match (state, waits) {
            (DocumentState::Accepted | DocumentState::AcceptedWithErrors, _) => {
                flow.accepted += 1;
                return;
            }
            (DocumentState::Shadowed, _) => {
                flow.shadowed += 1;
                return;
            }
            (DocumentState::Sent, None) => {
                flow.unasked += 1;
                return;
            }
            (DocumentState::Rejected, _) => {
                flow.rejected += 1;
                (document.at, "the partner rejected it".to_owned())
            }
            (DocumentState::Sent, Some(one)) => {
                flow.waiting += 1;
                let how = if one.state == AckState::Overdue { "overdue since" } else { "due at" };
                (one.sent, format!("not acknowledged, {how} {:.0}", one.due))
            }
            (DocumentState::Quarantined, _) => {
                flow.not_sent += 1;
                (document.at, "not sent, held for a person: see crossdock exceptions".to_owned())
            }
            _ => {
                flow.not_sent += 1;
                (document.at, "not in the partner's mailbox yet".to_owned())
            }
        };
        self.differ("out", document, since, why);
    }

    fn differ(
        &mut self,
        direction: &'static str,
        document: &Document,
        since: Timestamp,
        why: String,
    ) {
        self.differences.push(Difference {
            direction,
            partner: document.partner.clone(),
            document: document.kind.clone(),
            number: document.number.clone(),
            id: document.id.clone(),
            since,
            why,
        });
    }

    fn flow_in(&mut self, partner: &str, kind: &str) -> &mut Inbound {
        let key = (partner.to_owned(), kind.to_owned());
        let set = self.sets.get(&key).cloned();
        self.inbound.entry(key).or_insert_with(|| Inbound {
            partner: partner.to_owned(),
            document: kind.to_owned(),
            set,
            ..Inbound::default()
        })
    }

    fn flow_out(&mut self, document: &Document, sent: Option<&Expectation>) -> &mut Outbound {
        let key = (document.partner.clone(), document.kind.clone());
        let set = sent.map(|one| one.set_id.clone()).or_else(|| self.sets.get(&key).cloned());
        self.outbound.entry(key).or_insert_with(|| Outbound {
            partner: document.partner.clone(),
            document: document.kind.clone(),
            set,
            ..Outbound::default()
        })
    }

    fn into_report(self, date: Date) -> Reconciliation {
        let mut differences = self.differences;
        differences.extend(self.wholes.into_values());
        differences.sort_by(|a, b| (&a.partner, a.since).cmp(&(&b.partner, b.since)));
        let agrees = differences.is_empty();
        let not_listed = differences.len().saturating_sub(DIFFERENCES_MAX);
        differences.truncate(DIFFERENCES_MAX);
        Reconciliation {
            date,
            at: Timestamp::now(),
            agrees,
            inbound: self.inbound.into_values().collect(),
            outbound: self.outbound.into_values().collect(),
            differences,
            not_listed,
        }
    }
}
