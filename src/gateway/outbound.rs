//! An outbound document: written, judged by the check that judges partners, numbered and queued in one commit.

use jiff::{SignedDuration, Timestamp};

use super::ledger::Draft;
use super::translation::Numbers;
use super::{Error, Gateway, lanes, notes};
use crate::canonical;
use crate::findings::Severity;
use crate::profile::Partner;
use crate::store::{
    AckState, Change, Document, DocumentState, Event, Expectation, Place, Task, Work,
};

impl Gateway {
    /// Writes a document of the warehouse as X12. What cannot be written is set aside, with the reasons beside it.
    pub(super) fn render(&self, work: &Work, document: &str) -> Result<(), Error> {
        let store = self.ledger.store();
        let now = Timestamp::now();
        let record = store
            .document(document)?
            .ok_or_else(|| Error::Defect(format!("document {document} is unknown")))?;
        let partner = self.partner(&record.partner)?;
        let json = store.payload(record.payload)?;
        let mut draft = Draft::new();
        draft.done(work);
        let Some(agreement) = partner.outbound(&record.kind) else {
            let note = format!("The profile does not send {} documents.", record.kind);
            self.refuse(&mut draft, &partner, record, &note, now)?;
            return Ok(self.ledger.commit(draft)?);
        };
        let canonical: canonical::Document = match serde_json::from_slice(&json) {
            Ok(document) => document,
            Err(e) => {
                self.refuse(&mut draft, &partner, record, &e.to_string(), now)?;
                return Ok(self.ledger.commit(draft)?);
            }
        };
        let mut numbered = Draft::new();
        std::mem::swap(&mut numbered, &mut draft);
        let numbers = self.number(&mut numbered, &partner, 1, 1)?;
        let sent = match self.translator.send(&canonical, &partner, agreement, &numbers, now) {
            Ok(sent) if sent.findings.iter().all(|f| f.severity < Severity::Error) => sent,
            refused => {
                // The numbers were in no bytes that leave: they are not used. They leave a gap.
                let note = match refused {
                    Ok(sent) => notes::of_findings(&sent.findings),
                    Err(words) => words,
                };
                let mut draft = Draft::new();
                draft.done(work);
                self.refuse(&mut draft, &partner, record, &note, now)?;
                return Ok(self.ledger.commit(draft)?);
            }
        };
        let payload = store.put_payload(&sent.bytes)?;
        let mut draft = numbered;
        if partner.acknowledgements.expected {
            let due = SignedDuration::try_from(partner.acknowledgements.due);
            let due = now.saturating_add(due.unwrap_or(SignedDuration::MAX));
            draft.push(Change::Expect(Expectation {
                partner: partner.name.clone(),
                group: numbers.groups.first().copied().unwrap_or_default(),
                set: numbers.sets.first().copied().unwrap_or_default(),
                set_id: sent.set,
                document: record.id.clone(),
                sent: now,
                due: due.unwrap_or(Timestamp::MAX),
                state: AckState::Open,
                answered: None,
            }));
        }
        let name = format!("{}-{}-{:09}.edi", partner.name, record.kind, numbers.interchange);
        let event = Event::DocumentRendered;
        draft.journal_with(now, event, &partner.name, &record.id, &name, Some(payload));
        let task = Task::Send { payload, name, documents: vec![record.id.clone()] };
        draft.queue(lanes::send(&partner.name), "", task, now);
        let rendered = Some(payload);
        let state = DocumentState::Rendered;
        draft.push(Change::Document(Document { state, rendered, at: now, ..record }));
        Ok(self.ledger.commit(draft)?)
    }

    /// Sets a document aside: state, journal, and a copy with the reasons where the warehouse sees it.
    fn refuse(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        record: Document,
        note: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let text = format!("{} {} was not sent.\n\n{note}\n", record.kind, record.number);
        let text = self.ledger.store().put_payload(text.as_bytes())?;
        let event = Event::DocumentQuarantined;
        draft.journal_with(now, event, &partner.name, &record.id, note, Some(text));
        let place = Place::Endpoint {
            endpoint: partner.endpoint.clone(),
            partner: partner.name.clone(),
            kind: record.kind.clone(),
        };
        let name = format!("{}.json", record.id);
        let task = Task::Quarantine { place, payload: record.payload, name, note: text };
        draft.queue(lanes::QUARANTINE.to_owned(), "", task, now);
        let state = DocumentState::Quarantined;
        draft.push(Change::Document(Document { state, at: now, ..record }));
        Ok(())
    }

    /// Numbers for one interchange with so many groups of one set each; they become used with this draft.
    pub(super) fn number(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        sets: u32,
        groups: u32,
    ) -> Result<Numbers, Error> {
        let ranges = &partner.control_numbers;
        let levels = [
            ("interchange", ranges.interchange, 1),
            ("group", ranges.group, groups),
            ("set", ranges.set, groups.saturating_mul(sets)),
        ];
        let mut given = Vec::with_capacity(levels.len());
        for (level, range, count) in levels {
            let (series, numbers) = self.ledger.numbers(&partner.name, level, range, count)?;
            for &number in &numbers {
                draft.push(Change::Number(series.clone(), number));
            }
            given.push(numbers);
        }
        let sets = given.pop().unwrap_or_default();
        let groups = given.pop().unwrap_or_default();
        let interchange = given.pop().and_then(|numbers| numbers.first().copied());
        Ok(Numbers { interchange: interchange.unwrap_or_default(), groups, sets })
    }
}
