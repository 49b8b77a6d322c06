//! What rules watch for: records of the journal, and conditions that stand.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{AlertRule, Round};
use crate::exceptions::Severity;
use crate::gateway::{Error, Gateway, event_words, lanes};
use crate::store::{AlertState, Event, Exception, ExceptionState, JournalRecord, Place, Subject};

/// Acknowledgements that are looked through for the oldest.
const EXPECTATIONS_MAX: usize = 10_000;
/// Things of one exception that are looked at to find which kinds of documents it is about.
const ITEMS_MAX: usize = 5;

/// What the causes of conditions begin with.
const CONDITION: &str = "condition ";

/// Something that a rule watches for.
pub(super) struct Hit {
    /// The same for its repeats.
    pub(super) cause: String,
    /// One line.
    pub(super) title: String,
    /// What is wrong, and what to do.
    pub(super) words: String,
    /// The partner; empty where it is nobody's.
    pub(super) partner: String,
    /// Where it is, as exceptions name places.
    pub(super) place: String,
    pub(super) severity: Option<Severity>,
    pub(super) details: Map<String, Value>,
    /// The exception, and how often it had come.
    pub(super) exception: Option<(u64, u64)>,
    /// Whether it lasts until it is over.
    pub(super) stands: bool,
}

impl Hit {
    pub(super) fn of_exception(exception: &Exception) -> Self {
        let entry = exception.kind.entry();
        let mut words = format!("{}\n\nWhat to do: {}\n", exception.words, exception.mend);
        if let Some(path) = entry.playbook.path() {
            words = format!("{words}Playbook: {path}\n");
        }
        let owner = if exception.owner.is_empty() { "nobody" } else { &exception.owner };
        words = format!(
            "{words}\nPartner: {}\nOwner: {owner}\nTo be looked at by: {:.0}\nCame: {}, last at {:.0}\n\ncrossdock exceptions show {}\n",
            if exception.partner.is_empty() { "none" } else { &exception.partner },
            exception.due,
            if exception.count == 1 {
                "once".to_owned()
            } else {
                format!("{} times", exception.count)
            },
            exception.last,
            exception.id,
        );
        let details = json!({
            "exception": exception.id, "kind": entry.name, "owner": exception.owner, "place": exception.place,
            "due": exception.due, "count": exception.count, "opened": exception.opened,
            "words": exception.words, "mend": exception.mend, "playbook": entry.playbook.path(),
        });
        Self {
            cause: format!("exception {}", exception.cause),
            title: entry.title.to_owned(),
            words,
            partner: exception.partner.clone(),
            place: exception.place.clone(),
            severity: Some(exception.severity),
            details: object(details),
            exception: Some((exception.id, exception.count)),
            stands: exception.state == ExceptionState::Open,
        }
    }

    fn of_event(record: &JournalRecord, flow: &str) -> Self {
        let entry = &record.entry;
        let event = event_words(entry.event);
        let name = event.replace(' ', "_");
        let details = json!({
            "event": name, "subject": entry.subject, "note": entry.note, "sequence": record.sequence,
            "at": entry.at, "facts": entry.facts,
        });
        Self {
            cause: format!("event {name} {} {flow}", entry.partner),
            title: format!("{}: {}", sentence(&event), entry.subject),
            words: format!("{}\n\nAt: {:.0}\n", entry.note, entry.at),
            partner: entry.partner.clone(),
            place: String::new(),
            severity: None,
            details: object(details),
            exception: None,
            stands: false,
        }
    }

    fn condition(name: &str, partner: &str, title: String, words: String, details: Value) -> Self {
        Self {
            cause: format!("{CONDITION}{name}"),
            title,
            words,
            partner: partner.to_owned(),
            place: String::new(),
            severity: None,
            details: object(details),
            exception: None,
            stands: true,
        }
    }

    /// What is still known of something that was told.
    pub(super) fn of_state(state: &AlertState, words: &str) -> Self {
        Self {
            cause: state.cause.clone(),
            title: state.title.clone(),
            words: words.to_owned(),
            partner: state.partner.clone(),
            place: String::new(),
            severity: None,
            details: Map::new(),
            exception: None,
            stands: state.stands,
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

impl AlertRule {
    fn is_of(&self, partner: &str) -> bool {
        self.partners.is_empty() || self.partners.contains(partner)
    }

    fn is_of_flow(&self, flows: &BTreeSet<String>) -> bool {
        self.documents.is_empty() || !self.documents.is_disjoint(flows)
    }

    fn wants(&self, exception: &Exception) -> bool {
        let named = self.exceptions.contains(&exception.kind);
        let heavy = self.severity.is_some_and(|least| exception.severity >= least);
        match (self.exceptions.is_empty(), self.severity) {
            (true, _) => heavy,
            (false, None) => named,
            (false, Some(_)) => named && heavy,
        }
    }
}

impl Round<'_> {
    /// Each rule looks at a record of the journal.
    pub(super) fn look_at(&mut self, record: &JournalRecord) -> Result<(), Error> {
        let entry = &record.entry;
        if entry.event == Event::MessageSent {
            return Ok(());
        }
        let exception = match (entry.event, entry.facts.get("exception")) {
            (Event::ExceptionRaised | Event::ExceptionReopened, Some(id)) => {
                self.gateway.ledger.store().exception(id.parse().unwrap_or_default())?
            }
            _ => None,
        };
        let rules = self.rules.iter().filter(|rule| rule.is_of(&entry.partner));
        for rule in rules {
            if let Some(exception) = exception.as_ref().filter(|one| rule.wants(one)) {
                if rule.is_of_flow(&self.gateway.flows_of(rule, exception)?) {
                    self.come(rule, Hit::of_exception(exception))?;
                }
            } else if rule.events.contains(&entry.event) {
                let flows = self.gateway.flows_of_record(record)?;
                if rule.is_of_flow(&flows) {
                    let flow = flows.iter().next().map_or("", String::as_str);
                    self.come(rule, Hit::of_event(record, flow))?;
                }
            }
        }
        Ok(())
    }

    /// Thresholds, and whether the gateway is ready.
    pub(super) fn look_at_conditions(&mut self) -> Result<(), Error> {
        for rule in self.rules {
            let mut stand = Vec::new();
            if let Some(depth) = rule.queue_depth {
                stand.extend(self.queues_over(rule, depth)?);
            }
            if rule.acknowledgement_age.is_some() {
                stand.extend(self.acknowledgements_over(rule)?);
            }
            stand.extend(self.not_ready(rule)?);
            let over: Vec<_> = self
                .states
                .iter()
                .filter(|((name, cause), state)| {
                    *name == rule.name
                        && state.stands
                        && cause.starts_with(CONDITION)
                        && stand.iter().all(|hit| hit.cause != *cause)
                })
                .map(|(key, state)| (key.clone(), state.clone()))
                .collect();
            for (key, mut state) in over {
                self.over(rule, &mut state, "")?;
                self.changed.insert(key.clone());
                self.states.insert(key, state);
            }
            for hit in stand {
                let key = (rule.name.clone(), hit.cause.clone());
                if !self.states.get(&key).is_some_and(|state| state.stands) {
                    self.come(rule, hit)?;
                }
            }
        }
        Ok(())
    }

    fn queues_over(&self, rule: &AlertRule, depth: u64) -> Result<Vec<Hit>, Error> {
        let live = self.gateway.live();
        let mut hits = Vec::new();
        for (lane, count) in self.gateway.ledger.store().backlog(0)?.waiting {
            let partner =
                lanes::partner(&lane).filter(|name| live.profiles.partner(name).is_some());
            let partner = partner.unwrap_or_default();
            if count as u64 <= depth || lanes::only_waits(&lane) || !rule.is_of(partner) {
                continue;
            }
            let title = format!("The queue `{lane}` is long");
            let words = format!("{count} pieces of work wait in it; the threshold is {depth}.\n");
            let details = json!({ "queue": lane, "waiting": count, "threshold": depth });
            let hit = Hit::condition(&format!("queue {lane}"), partner, title, words, details);
            hits.push(Hit { place: lane, ..hit });
        }
        Ok(hits)
    }

    fn acknowledgements_over(&self, rule: &AlertRule) -> Result<Vec<Hit>, Error> {
        let Some(age) = rule.acknowledgement_age else { return Ok(Vec::new()) };
        let mut oldest: BTreeMap<String, (Timestamp, String, usize)> = BTreeMap::new();
        for one in self.gateway.ledger.store().waiting_expectations(EXPECTATIONS_MAX)? {
            let waited = self.now.duration_since(one.sent);
            let flows = self.gateway.with_both_names(&one.partner, [one.set_id.clone()].into());
            if waited.unsigned_abs() <= age || !rule.is_of(&one.partner) || !rule.is_of_flow(&flows)
            {
                continue;
            }
            let known = oldest.entry(one.partner).or_insert((one.sent, one.document.clone(), 0));
            known.2 += 1;
            if one.sent < known.0 {
                (known.0, known.1) = (one.sent, one.document);
            }
        }
        let hit = |(partner, (sent, document, count)): (String, (Timestamp, String, usize))| {
            let title = "Acknowledgements have been waited for too long".to_owned();
            let words = format!(
                "{count} sets have waited for more than {age:?}; the oldest, {document}, was sent at {sent:.0}.\n"
            );
            let details = json!({
                "waiting": count, "oldest": document, "sent": sent, "threshold_seconds": age.as_secs(),
            });
            Hit::condition(
                &format!("acknowledgement age {partner}"),
                &partner,
                title,
                words,
                details,
            )
        };
        Ok(oldest.into_iter().map(hit).collect())
    }

    fn not_ready(&self, rule: &AlertRule) -> Result<Option<Hit>, Error> {
        let Some(within) = rule.not_ready else { return Ok(None) };
        let Some((since, missing)) = self.gateway.not_ready_since(self.now)? else {
            return Ok(None);
        };
        if self.now.duration_since(since).unsigned_abs() < within {
            return Ok(None);
        }
        let words = format!("Since {since:.0}:\n{}\n", missing.join("\n"));
        let details = json!({ "since": since, "missing": missing });
        let title = "The gateway is not ready".to_owned();
        let hit = Hit::condition("not ready", "", title, words, details);
        Ok(Some(Hit { severity: Some(Severity::Critical), ..hit }))
    }
}

impl Gateway {
    /// Kinds of documents, and their sets, that an exception is about, where a rule wants to know.
    fn flows_of(&self, rule: &AlertRule, exception: &Exception) -> Result<BTreeSet<String>, Error> {
        let mut flows = BTreeSet::new();
        if rule.documents.is_empty() {
            return Ok(flows);
        }
        for item in self.ledger.store().exception_items(exception.id)?.into_iter().take(ITEMS_MAX) {
            match item.subject {
                Subject::Document { document } | Subject::Acknowledgement { document, .. } => {
                    flows.extend(self.kind_of(&document)?);
                }
                Subject::Work { label, .. } => flows.extend(self.kind_of(&label)?),
                // `order 4711 (850 0001 in group 1)`, or the set alone.
                Subject::Interchange { set: Some(_), label, .. } => {
                    let names = label.split('(').filter_map(|part| part.split(' ').next());
                    flows.extend(names.map(str::to_owned));
                }
                Subject::File { place: Place::Endpoint { kind, .. }, .. } => {
                    flows.insert(kind);
                }
                _ => {}
            }
        }
        Ok(self.with_both_names(&exception.partner, flows))
    }

    fn flows_of_record(&self, record: &JournalRecord) -> Result<BTreeSet<String>, Error> {
        let entry = &record.entry;
        let mut flows = BTreeSet::new();
        let of_exception = entry.facts.contains_key("exception");
        for fact in ["set_id", "kind"].into_iter().filter(|_| !of_exception) {
            flows.extend(entry.facts.get(fact).cloned());
        }
        if flows.is_empty() {
            flows.extend(self.kind_of(&entry.subject)?);
        }
        Ok(self.with_both_names(&entry.partner, flows))
    }

    fn kind_of(&self, document: &str) -> Result<Option<String>, Error> {
        Ok(self.ledger.store().document(document)?.map(|record| record.kind))
    }

    /// With the set of each kind of document, and the kind of each set, as a partner's agreements have them.
    fn with_both_names(&self, partner: &str, mut flows: BTreeSet<String>) -> BTreeSet<String> {
        if let Some(partner) = self.live().profiles.partner(partner) {
            for agreement in partner.agreements() {
                let names = [agreement.kind.as_ref(), agreement.set()];
                if names.iter().any(|name| flows.contains(*name)) {
                    flows.extend(names.map(str::to_owned));
                }
            }
        }
        flows
    }
}
