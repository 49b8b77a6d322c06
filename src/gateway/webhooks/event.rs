//! The events that webhooks are told, made of the journal: the same record gives the same event with the same id.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::WebhookConfig;
use crate::gateway::acknowledgement::OUTCOME;
use crate::gateway::intake::business_number;
use crate::gateway::orders::orders_named;
use crate::gateway::standing::{asked_by, said};
use crate::gateway::{Error, lanes};
use crate::lifecycle::Asked;
use crate::store::{
    self, Document, Event, Exception, ExceptionItem, JournalRecord, PayloadId, Records, Subject,
};

/// What a webhook may be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub enum EventType {
    /// An order came from a partner, and goes on to its endpoint.
    #[serde(rename = "order.received")]
    OrderReceived,
    /// A change or the cancellation of an order goes on to the partner's endpoint.
    #[serde(rename = "order.changed")]
    OrderChanged,
    /// A partner has accepted a document that was sent to it, with errors or without.
    #[serde(rename = "document.acknowledged")]
    DocumentAcknowledged,
    /// A partner has rejected a document that was sent to it.
    #[serde(rename = "document.rejected")]
    DocumentRejected,
    /// A partner has not said in time whether it accepts a document.
    #[serde(rename = "acknowledgement.overdue")]
    AcknowledgementOverdue,
    /// A person has to look at something.
    #[serde(rename = "exception.opened")]
    ExceptionOpened,
    /// Somebody wants to see whether events arrive.
    #[serde(rename = "webhook.test", skip_deserializing)]
    Test,
}

impl EventType {
    /// Those that come by themselves.
    pub const ALL: [Self; 6] = [
        Self::OrderReceived,
        Self::OrderChanged,
        Self::DocumentAcknowledged,
        Self::DocumentRejected,
        Self::AcknowledgementOverdue,
        Self::ExceptionOpened,
    ];

    /// What a record of the journal may be told as; a change of an order is told from one of an order by its document.
    fn of(record: &JournalRecord) -> Option<Self> {
        let outcome = record.entry.facts.get(OUTCOME);
        Some(match record.entry.event {
            Event::DocumentReceived => Self::OrderReceived,
            Event::DocumentAcknowledged if outcome.is_some_and(|said| said == "rejected") => {
                Self::DocumentRejected
            }
            Event::DocumentAcknowledged => Self::DocumentAcknowledged,
            Event::AcknowledgementOverdue => Self::AcknowledgementOverdue,
            Event::ExceptionRaised | Event::ExceptionReopened => Self::ExceptionOpened,
            _ => return None,
        })
    }
}

/// An event as it is posted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct WebhookEvent {
    /// The same however often it is sent.
    pub id: String,
    /// What happened.
    #[serde(rename = "type")]
    pub event: EventType,
    /// When.
    #[cfg_attr(feature = "api", schema(value_type = String, format = DateTime))]
    pub time: Timestamp,
    /// Its number in the journal: rising, with gaps.
    pub sequence: u64,
    /// The partner; nothing where it is nobody's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub partner: String,
    /// The id of the document that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// Its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its business number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The numbers of the orders that it is for; of an order, its own.
    pub orders: Vec<String>,
    /// Where the API tells more of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub link: String,
    /// What else is known, by type.
    pub details: Map<String, Value>,
    /// Where the exception is that it is about, as exceptions name places.
    #[serde(skip)]
    place: String,
}

impl WebhookEvent {
    /// One that tells of nothing.
    pub(super) fn test(now: Timestamp) -> Self {
        Self {
            id: id(&format!("test {now}")),
            event: EventType::Test,
            time: now,
            sequence: 0,
            partner: String::new(),
            document: None,
            kind: None,
            number: None,
            orders: Vec::new(),
            link: String::new(),
            details: Map::new(),
            place: String::new(),
        }
    }

    /// What a record of the journal is told as; nothing where it is not.
    pub(super) fn of(records: &dyn Records, record: &JournalRecord) -> Result<Option<Self>, Error> {
        let Some(event) = EventType::of(record) else { return Ok(None) };
        let entry = &record.entry;
        let mut told = Self {
            id: id(&format!("{} {} {}", record.sequence, entry.at, entry.subject)),
            event,
            time: entry.at,
            sequence: record.sequence,
            partner: entry.partner.clone(),
            details: Map::new(),
            ..Self::test(entry.at)
        };
        if event == EventType::ExceptionOpened {
            let number = entry.facts.get("exception").and_then(|id| id.parse().ok());
            let found = number.map(|number| records.exception(number)).transpose()?.flatten();
            let Some(exception) = found else { return Ok(None) };
            told.about_exception(records, &exception, entry.payload)?;
            return Ok(Some(told));
        }
        let Some(document) = records.document(&entry.subject)? else { return Ok(None) };
        if event == EventType::OrderReceived {
            let said = match said(records, &document) {
                // It is told all the same.
                Err(store::Error::Payload { .. }) => None,
                said => said?,
            };
            match said.as_ref().and_then(asked_by) {
                Some(asked) => {
                    told.event = EventType::OrderChanged;
                    let cancels = asked == Asked::Cancellation;
                    told.details.insert("cancels".to_owned(), cancels.into());
                }
                None if document.kind != "order" => return Ok(None),
                None => {}
            }
        }
        told.about_document(records, &document)?;
        told.link = format!("/v1/documents/{}", document.id);
        if event == EventType::OrderReceived {
            let interchange = document.interchange.map(|id| records.interchange(id));
            let interchange = interchange.transpose()?.flatten();
            let test = interchange.is_some_and(|interchange| interchange.test);
            told.details.insert("test".to_owned(), test.into());
        } else {
            let facts = entry.facts.iter();
            told.details.extend(facts.map(|(name, value)| (name.clone(), value.clone().into())));
            told.details.insert("words".to_owned(), entry.note.clone().into());
        }
        Ok(Some(told))
    }

    fn about_document(&mut self, records: &dyn Records, record: &Document) -> Result<(), Error> {
        self.document = Some(record.id.clone());
        self.kind = Some(record.kind.clone());
        self.number = Some(record.number.clone());
        self.orders = match orders_named(records, record) {
            // It is told all the same.
            Err(Error::Defect(_) | Error::Store(store::Error::Payload { .. })) => Vec::new(),
            orders => orders?,
        };
        Ok(())
    }

    fn about_exception(
        &mut self,
        records: &dyn Records,
        exception: &Exception,
        payload: Option<PayloadId>,
    ) -> Result<(), Error> {
        let entry = exception.kind.entry();
        let details = json!({
            "exception": exception.id, "kind": entry.name, "severity": entry.severity.name(),
            "title": entry.title, "words": exception.words, "mend": exception.mend,
            "owner": exception.owner, "due": exception.due, "playbook": entry.playbook.path(),
        });
        self.details = details.as_object().cloned().unwrap_or_default();
        self.link = format!("/v1/exceptions/{}", exception.id);
        self.place.clone_from(&exception.place);
        // It was opened for the one, and may have taken up others since.
        let items = records.exception_items(exception.id)?;
        let own = |item: &&ExceptionItem| payload.is_some() && item.payload == payload;
        let first = items.iter().find(own).or_else(|| items.iter().min_by_key(|item| item.at));
        match first.map(|item| &item.subject) {
            Some(
                Subject::Document { document: id }
                | Subject::Acknowledgement { document: id, .. }
                | Subject::Work { label: id, .. },
            ) => {
                if let Some(record) = records.document(id)? {
                    self.about_document(records, &record)?;
                }
            }
            Some(Subject::Interchange { set: Some(_), label, .. }) => self.about_set(label),
            _ => {}
        }
        Ok(())
    }

    /// `order 4711 (850 0001 in group 1)`; what stands before the bracket is missing of a set that could not be read.
    fn about_set(&mut self, label: &str) {
        let named = label.rsplit_once(" (").and_then(|(named, _)| named.split_once(' '));
        if let Some((kind, number)) = named {
            self.kind = Some(kind.to_owned());
            self.number = Some(number.to_owned());
            if kind == "order" || kind == "order_change" {
                self.orders = vec![number.to_owned()];
            }
        }
    }

    /// What events have in common that arrive in order: the orders, or the document where it is for none.
    pub(super) fn order(&self) -> String {
        let partner = &self.partner;
        let key = |text: String| fingerprint(&text, 16);
        if self.orders.is_empty() {
            let document = self.document.as_ref().or(self.number.as_ref());
            return document
                .map_or_else(String::new, |id| key(format!("{partner}\ndocument {id}")));
        }
        let orders = self.orders.iter().map(|order| business_number(order));
        let keys = orders.map(|order| key(format!("{partner}\norder {order}")));
        keys.collect::<Vec<_>>().join("\n")
    }
}

impl WebhookConfig {
    /// Whether a webhook of this name is told of an event. Of what is wrong with itself it is not.
    pub(super) fn wants(&self, name: &str, event: &WebhookEvent) -> bool {
        self.events.contains(&event.event)
            && (self.partners.is_empty() || self.partners.contains(&event.partner))
            && event.place != lanes::webhook(name)
    }
}

fn id(of: &str) -> String {
    format!("evt_{}", fingerprint(of, 24))
}

fn fingerprint(of: &str, digits: usize) -> String {
    let mut hash = PayloadId::of(of.as_bytes()).to_string();
    hash.truncate(digits);
    hash
}
