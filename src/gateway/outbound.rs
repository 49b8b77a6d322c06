//! An outbound document: written, judged by the check that judges partners, numbered and queued in one commit.

use jiff::{SignedDuration, Timestamp};

use super::acknowledgement::facts_of;
use super::envelope::{interchange_spec, today};
use super::inbound::forgotten_before;
use super::ledger::Draft;
use super::orders::{Own, Passed, against_orders, count_for_orders};
use super::raising::{About, Trouble, about_acknowledgement, about_document, cause_of, in_words};
use super::ta1::sent_interchange;
use super::translation::Numbers;
use super::{Error, Gateway, lanes, notes};
use crate::canonical;
use crate::disk::trial;
use crate::exceptions::Kind;
use crate::findings::{Code, Finding, Severity};
use crate::profile::{Agreement, Batch, Direction, Partner, State};
use crate::store::{
    self, AckState, Change, Document, DocumentState, Event, Expectation, Parcel, PayloadId, Place,
    Subject, Task, Work,
};
use crate::translate::Written;
use crate::x12::InterchangeSpec;

/// Waiting documents that are looked through for those that go together.
const LOOKAHEAD_MAX: usize = 5000;

/// The level of control numbers that interchanges have.
pub(super) const INTERCHANGE: &str = "interchange";

/// Documents whose names stand in the work itself; those of a larger batch stand in a payload.
const NAMED_MAX: usize = 20;

/// A document on its way to the partner.
struct Leaving {
    work: Work,
    record: Document,
    canonical: canonical::Document,
    /// The number of its set.
    set: u64,
}

/// What was made of several of them.
struct Made {
    good: Vec<(Leaving, Written)>,
    refused: Vec<(Leaving, Refusal)>,
    /// What the good ones ship and bill for orders.
    counted: Draft,
}

/// Why a document is not sent.
struct Refusal {
    note: String,
    findings: Vec<Finding>,
    /// Whether it could go as it is: its bytes could be made, and say what the document says.
    acceptable: bool,
}

impl Refusal {
    fn words(note: String) -> Self {
        Self { note, findings: Vec::new(), acceptable: false }
    }
}

impl Leaving {
    /// Whether a person wants it to go as it is.
    fn is_accepted(&self) -> bool {
        matches!(self.work.task, Task::Render { accept: true, .. })
    }
}

impl Gateway {
    /// When a document of the warehouse is written: at once, or where the agreement puts several into one interchange
    /// when there are enough of them, or the first has waited long enough.
    pub(super) fn render_due(
        &self,
        partner: &Partner,
        kind: &str,
        now: Timestamp,
    ) -> Result<Timestamp, store::Error> {
        let Some(agreement) = partner.outbound(kind) else { return Ok(now) };
        let Batch { sets, every } = agreement.flow.batch;
        let Some(every) = every.filter(|_| sets > 1) else { return Ok(now) };
        let waiting = self.waiting_to_render(partner, kind, sets as usize)?;
        if waiting.len() + 1 >= sets as usize {
            return Ok(now);
        }
        Ok(after(now, every))
    }

    /// Documents of a kind that wait to be written, the oldest first.
    fn waiting_to_render(
        &self,
        partner: &Partner,
        kind: &str,
        most: usize,
    ) -> Result<Vec<(Work, Document)>, store::Error> {
        let store = self.ledger.store();
        let mut found = Vec::new();
        for work in store.queued(&lanes::render(&partner.name), LOOKAHEAD_MAX)? {
            let Task::Render { document, .. } = &work.task else { continue };
            let record = store.document(document)?.filter(|record| record.kind == kind);
            found.extend(record.map(|record| (work, record)));
            if found.len() >= most {
                break;
            }
        }
        Ok(found)
    }

    /// Writes a document of the warehouse as X12, and those that go with it. What cannot be written is set aside, with
    /// the reasons beside it.
    pub(super) fn render(&self, work: &Work, document: &str) -> Result<(), Error> {
        let now = Timestamp::now();
        let record = self
            .ledger
            .store()
            .document(document)?
            .ok_or_else(|| Error::Defect(format!("document {document} is unknown")))?;
        let partner = self.partner(&record.partner)?;
        let kind = record.kind.clone();
        let refusal = match partner.outbound(&kind) {
            None => format!("The profile does not send {kind} documents."),
            Some(agreement) => match agreement.state_on(today(now)).min(partner.state) {
                State::Off => format!("The profile does not send {kind} documents on this day."),
                state => return self.render_all(work, record, &partner, agreement, (state, now)),
            },
        };
        let mut draft = Draft::new();
        draft.done(work);
        self.refuse(&mut draft, &partner, record, &Refusal::words(refusal), now)?;
        Ok(self.ledger.commit(draft)?)
    }

    fn render_all(
        &self,
        work: &Work,
        record: Document,
        partner: &Partner,
        agreement: &Agreement,
        (state, now): (State, Timestamp),
    ) -> Result<(), Error> {
        let mut together = vec![(work.clone(), record)];
        let most = agreement.flow.batch.sets as usize;
        if most > 1 {
            let others = self.waiting_to_render(partner, &agreement.kind, most)?;
            together.extend(others.into_iter().filter(|(other, _)| other.id != work.id));
            together.truncate(most);
        }
        let mut refused = Draft::new();
        let mut leaving = Vec::with_capacity(together.len());
        for (work, record) in together {
            let json = self.ledger.store().payload(record.payload)?;
            match serde_json::from_slice(&json) {
                Ok(canonical) => leaving.push(Leaving { work, record, canonical, set: 0 }),
                Err(e) => {
                    refused.done(&work);
                    let refusal = Refusal::words(e.to_string());
                    self.refuse(&mut refused, partner, record, &refusal, now)?;
                }
            }
        }
        let spec = interchange_spec(partner, &agreement.envelope)?;
        let mut numbered = Draft::new();
        let count = u32::try_from(leaving.len()).unwrap_or(u32::MAX);
        let numbers = self.number(&mut numbered, partner, count, 1)?;
        let with = (&spec, &numbers);
        let made = self.make(leaving, partner, agreement, with, now)?;
        for (document, refusal) in made.refused {
            refused.done(&document.work);
            self.refuse(&mut refused, partner, document.record, &refusal, now)?;
        }
        let (documents, sets): (Vec<_>, Vec<_>) = made.good.into_iter().unzip();
        if sets.is_empty() {
            // The numbers were in no bytes that leave: they are not used. They leave a gap.
            return Ok(self.ledger.commit(refused)?);
        }
        trial::step("render.before");
        let sent = self.translator.send(&sets, partner, agreement, with, now);
        trial::step("render.after");
        let sent = sent.map_err(Error::Configuration)?;
        let payload = self.ledger.store().put_payload(&sent.bytes)?;
        let mut draft = refused;
        if state == State::Live {
            draft.append(numbered);
            draft.append(made.counted);
            self.dispatch(&mut draft, (partner, agreement), documents, (&numbers, payload), now)?;
        } else {
            for Leaving { work, record, .. } in documents {
                draft.done(&work);
                let (event, name) = (Event::DocumentShadowed, &partner.name);
                draft.journal_with(now, event, name, &record.id, "nothing is sent", Some(payload));
                let (state, rendered) = (DocumentState::Shadowed, Some(payload));
                draft.push(Change::Document(Document { state, rendered, at: now, ..record }));
            }
        }
        Ok(self.ledger.commit(draft)?)
    }

    /// Writes each document and judges it by itself, so that one that cannot be sent keeps back no other.
    fn make(
        &self,
        leaving: Vec<Leaving>,
        partner: &Partner,
        agreement: &Agreement,
        with: (&InterchangeSpec, &Numbers),
        now: Timestamp,
    ) -> Result<Made, Error> {
        let mut made = Made { good: Vec::new(), refused: Vec::new(), counted: Draft::new() };
        let mut passed = Passed::default();
        for (mut document, &number) in leaving.into_iter().zip(&with.1.sets) {
            document.set = number;
            let canonical = &document.canonical;
            let own = Own::Now(&document.record.id);
            let store = self.ledger.store();
            let mut found =
                against_orders(store, partner, agreement, (canonical, false, own), &passed)?;
            let mut theirs = canonical.clone();
            found.extend(partner.crosswalks.outbound(&mut theirs));
            let held = is_heavy(&found);
            let written = self.translator.write(&theirs, partner, agreement, number, with.0);
            let judged = written.and_then(|written| {
                let alone = std::slice::from_ref(&written);
                let sent = self.translator.send(alone, partner, agreement, with, now)?;
                let all = found.iter().chain(&written.findings).cloned().chain(sent.findings);
                let all: Vec<Finding> = all.collect();
                Ok((written, all))
            });
            let refusal = match judged {
                Ok((written, all))
                    if !is_heavy(&all) || (document.is_accepted() && !is_altered(&written)) =>
                {
                    let counted = (document.record.id.as_str(), &document.canonical);
                    let draft = &mut made.counted;
                    count_for_orders(store, draft, partner, Direction::Out, counted, &mut passed)?;
                    made.good.push((document, written));
                    continue;
                }
                Ok((written, all)) => {
                    let (note, acceptable) = (notes::of_findings(&all), !is_altered(&written));
                    Refusal { note, findings: all, acceptable }
                }
                Err(why) if held => {
                    let note = format!("{}{why}", notes::of_findings(&found));
                    Refusal { note, findings: found, acceptable: false }
                }
                Err(note) => Refusal::words(note),
            };
            made.refused.push((document, refusal));
        }
        Ok(made)
    }

    /// Queues an interchange, and starts the clocks of its documents.
    fn dispatch(
        &self,
        draft: &mut Draft,
        (partner, agreement): (&Partner, &Agreement),
        documents: Vec<Leaving>,
        (numbers, payload): (&Numbers, PayloadId),
        now: Timestamp,
    ) -> Result<(), Error> {
        let name = format!("{}-{}-{:09}.edi", partner.name, agreement.kind, numbers.interchange);
        let acknowledgements = &partner.acknowledgements;
        let due = after(now, acknowledgements.due);
        let warn = after(now, acknowledgements.due.saturating_sub(acknowledgements.warn));
        let ids: Vec<String> = documents.iter().map(|d| d.record.id.clone()).collect();
        for Leaving { work, record, set, .. } in documents {
            draft.done(&work);
            let expectation = Expectation {
                partner: partner.name.clone(),
                group: numbers.groups.first().copied().unwrap_or_default(),
                set,
                set_text: partner.control_numbers.set_form.text(set),
                set_id: agreement.set().to_owned(),
                document: record.id.clone(),
                sent: now,
                warn: Some(warn),
                due,
                state: AckState::Open,
                answered: None,
                timing: None,
                repeated: 0,
                partial: false,
            };
            self.replace(draft, (partner, &work), &expectation)?;
            let event = Event::DocumentRendered;
            draft.journal_with(now, event, &partner.name, &record.id, &name, Some(payload));
            draft.tell(facts_of(&expectation));
            if acknowledgements.expected {
                draft.push(Change::Expect(expectation));
            }
            draft.mend(about_document(&record.id), now, "it was written and is sent");
            let (state, rendered) = (DocumentState::Rendered, Some(payload));
            draft.push(Change::Document(Document { state, rendered, at: now, ..record }));
        }
        let (documents, batch) = if ids.len() > NAMED_MAX {
            let list = self.ledger.store().put_payload(ids.join("\n").as_bytes())?;
            (Vec::new(), Some(list))
        } else {
            (ids, None)
        };
        let noted = batch.map_or_else(|| documents.join("\n"), |list| format!("list {list}"));
        draft.push(Change::Noted(sent_interchange(&partner.name, numbers.interchange), noted));
        let parcel = Parcel { payload, name, documents, batch };
        draft.queue(lanes::send(&partner.name), "", parcel.into(), now);
        Ok(())
    }

    /// What a document was sent under before is not waited for any more.
    fn replace(
        &self,
        draft: &mut Draft,
        (partner, work): (&Partner, &Work),
        by: &Expectation,
    ) -> Result<(), Error> {
        let Task::Render { replaces, .. } = &work.task else { return Ok(()) };
        for &(group, set) in replaces {
            let before = self.ledger.store().expectations(&partner.name, group)?;
            let is_it = |one: &Expectation| {
                one.set == set && one.document == by.document && one.state.is_waiting()
            };
            let Some(before) = before.into_iter().find(is_it) else { continue };
            let note =
                format!("it went out again as set {} of group {}", by.set_number(), by.group);
            let event = Event::AcknowledgementReplaced;
            draft.journal(by.sent, event, &partner.name, &before.document, &note);
            draft.tell(facts_of(&before));
            draft.mend(about_acknowledgement(&partner.name, group, set), by.sent, &note);
            let (state, partial) = (AckState::Replaced, false);
            draft.push(Change::Expect(Expectation { state, partial, ..before }));
        }
        Ok(())
    }

    /// Sets a document aside: state, journal, and a copy with the reasons where the warehouse sees it.
    fn refuse(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        record: Document,
        refusal: &Refusal,
        now: Timestamp,
    ) -> Result<(), Error> {
        let note = &refusal.note;
        self.raise_refused(draft, partner, &record, refusal, now)?;
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

    fn raise_refused(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        record: &Document,
        refusal: &Refusal,
        now: Timestamp,
    ) -> Result<(), Error> {
        let all: Vec<&Finding> = refusal.findings.iter().collect();
        let (words, mend) =
            if all.is_empty() { (refusal.note.clone(), String::new()) } else { in_words(&all) };
        let mut cause = if all.is_empty() { words.clone() } else { cause_of(&all) };
        let of_order =
            [Code::ExceedsOrder, Code::ExceedsShipment, Code::NotOnOrder, Code::DiffersFromOrder];
        if all.iter().any(|finding| of_order.contains(&finding.code)) {
            // What one document has too much of, another has not: each is judged by itself.
            cause = format!("{} {}", record.kind, record.number);
        }
        let trouble = Trouble {
            kind: Kind::DocumentRefused,
            partner: &partner.name,
            cause: &format!("{} {cause}", record.kind),
            place: &partner.endpoint,
            words: &format!("{} {}: {words}", record.kind, record.number),
            mend: &mend,
            about: About {
                key: about_document(&record.id),
                subject: Subject::Document { document: record.id.clone() },
                payload: Some(record.payload),
                findings: self.keep_findings(&all)?,
                acceptable: refusal.acceptable,
            },
        };
        self.raise(draft, trouble, now);
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
            (INTERCHANGE, ranges.interchange, 1),
            ("group", ranges.group, groups),
            ("set", ranges.set, groups.saturating_mul(sets)),
        ];
        let at = Timestamp::now();
        let forgotten_before = forgotten_before(partner, at);
        let mut given = Vec::with_capacity(levels.len());
        trial::step("number.before");
        for (level, range, count) in levels {
            let bounds = (range, forgotten_before);
            let (series, numbers) = self.ledger.numbers(&partner.name, level, bounds, count)?;
            for &number in &numbers {
                let series = series.clone();
                draft.push(Change::Number { series, number, at, forgotten_before });
            }
            given.push(numbers);
        }
        trial::step("number.after");
        let sets = given.pop().unwrap_or_default();
        let groups = given.pop().unwrap_or_default();
        let interchange = given.pop().and_then(|numbers| numbers.first().copied());
        Ok(Numbers { interchange: interchange.unwrap_or_default(), groups, sets })
    }
}

/// Whether what was written says something else than the document: something was left out, or put in place of what
/// cannot be written.
fn is_altered(written: &Written) -> bool {
    let altered = [Code::DelimiterInData, Code::NotWritable, Code::NotEncodable];
    written.findings.iter().any(|finding| altered.contains(&finding.code))
}

/// Whether any of the findings keeps a document back.
fn is_heavy(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity >= Severity::Error)
}

fn after(now: Timestamp, span: std::time::Duration) -> Timestamp {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    now.saturating_add(span).unwrap_or(Timestamp::MAX)
}
