//! What partners say of what we sent: it closes the clocks, and tells how the documents fared.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use jiff::{SignedDuration, Timestamp};

use super::ledger::Draft;
use super::raising::{About, Trouble, about_acknowledgement, about_answer, about_document};
use super::{Error, Gateway, lanes};
use crate::acks::{GroupOutcome, SetOutcome, Verdict, same_number};
use crate::exceptions::Kind;
use crate::profile::{AckMatch, Partner};
use crate::store::{
    self, AckState, Change, DocumentState, Event, Expectation, Facts, Parcel, PayloadId, Subject,
    Task, Timing, Work,
};

/// Expectations of a partner that are looked through for a set by its number alone.
const WAITING_MAX: usize = 10_000;
/// Overdue acknowledgements that one tick of the clock marks.
const OVERDUE_A_TICK: usize = 1000;
/// Pieces of a lane that are looked through for late acknowledgements; the oldest stand first.
const LATE_A_TICK: usize = 1000;

/// Where an acknowledgement stood.
pub(super) struct Source {
    pub(super) subject: Subject,
    pub(super) payload: PayloadId,
    pub(super) now: Timestamp,
}

impl Gateway {
    /// What is out of sequence in a 997 or 999: it answers what was not sent, is not in the mailbox yet, or was answered
    /// before with another verdict.
    pub(super) fn out_of_sequence(
        &self,
        partner: &Partner,
        outcome: &GroupOutcome,
    ) -> Result<Option<String>, Error> {
        let expected = self.expected(partner, outcome)?;
        let group = outcome.control_number.trim();
        if expected.is_empty() {
            return Ok(Some(format!("nothing of the number {group} was sent to this partner")));
        }
        // What is said late of numbers that others have taken the place of changes nothing.
        for one in expected.into_iter().filter(|one| one.state != AckState::Replaced) {
            let sent = self.ledger.store().document(&one.document)?;
            if sent.is_some_and(|document| document.state == DocumentState::Rendered) {
                return Ok(Some(format!("{} is not with the partner yet", one.document)));
            }
            let verdict = outcome.verdict_of(&one.set_id, &one.set_number());
            if let (Some(_), Some((state, _, words))) = (one.answered, fate(verdict))
                && state != one.state
            {
                let document = &one.document;
                return Ok(Some(format!("{document} was answered before, and now is {words}")));
            }
        }
        Ok(None)
    }

    /// What of ours an acknowledgement answers. Where numbers have begun anew, the last that had this one.
    fn expected(
        &self,
        partner: &Partner,
        outcome: &GroupOutcome,
    ) -> Result<Vec<Expectation>, Error> {
        let mut found = match outcome.control_number.trim().parse() {
            Ok(number) => self.ledger.store().expectations(&partner.name, number)?,
            Err(_) => Vec::new(),
        };
        if found.is_empty() && partner.acknowledgements.matching == AckMatch::Set {
            return self.expected_by_sets(partner, outcome);
        }
        let last = found.iter().map(|one| one.sent).max();
        found.retain(|one| Some(one.sent) == last);
        Ok(found)
    }

    /// What waits under the numbers of the sets that an acknowledgement lists; of a number under which several wait,
    /// none: that would be guessed.
    fn expected_by_sets(
        &self,
        partner: &Partner,
        outcome: &GroupOutcome,
    ) -> Result<Vec<Expectation>, Error> {
        let store = self.ledger.store();
        let all = store.all_expectations(Some((&partner.name, 0, 0)), WAITING_MAX)?;
        let waits = |one: &&Expectation| one.partner == partner.name && one.state.is_waiting();
        let waiting: Vec<&Expectation> = all.iter().filter(waits).collect();
        let mut found = Vec::new();
        for set in &outcome.sets {
            let is_it = |one: &&&Expectation| {
                one.set_id == set.set && same_number(&one.set_number(), &set.control_number)
            };
            let mut these = waiting.iter().filter(is_it);
            if let (Some(one), None) = (these.next(), these.next()) {
                found.push((*one).clone());
            }
        }
        Ok(found)
    }

    /// Applies a 997 or 999: each document of the group that it names gets its verdict.
    pub(super) fn apply_acknowledgement(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        outcome: &GroupOutcome,
        source: &Source,
    ) -> Result<(), Error> {
        let now = source.now;
        let group = outcome.control_number.trim();
        let expected = self.expected(partner, outcome)?;
        if expected.is_empty() {
            let subject = format!("group {group} ({})", outcome.functional_id);
            let note = "nothing of this number was sent to this partner";
            self.tell_unmatched(draft, partner, source, (&subject, note));
            return Ok(());
        }
        // Sets that it lists, and that were not in the group. A partner that is matched by the sets alone may list what it
        // has answered before.
        let is_by_group = expected.iter().any(|one| Ok(one.group) == group.parse());
        let is_strange =
            |set: &&SetOutcome| is_by_group && !expected.iter().any(|one| answers(set, one));
        let strange: Vec<&SetOutcome> = outcome.sets.iter().filter(is_strange).collect();
        for set in &strange {
            let subject = format!("{} {} of group {group}", set.set, set.control_number.trim());
            let said = fate(set.verdict).map_or("answered", |(_, _, words)| words);
            let note = format!("{said}, but no such set was sent in that group");
            self.tell_unmatched(draft, partner, source, (&subject, &note));
        }
        for expectation in expected {
            let is_listed = outcome.sets.iter().any(|set| answers(set, &expectation));
            let verdict = outcome.verdict_of(&expectation.set_id, &expectation.set_number());
            // What it says of the whole group is not believed where it mistakes what was in it.
            match fate(verdict).filter(|_| is_listed || strange.is_empty()) {
                None => self.leave_open(draft, partner, source, (outcome, expectation)),
                Some((state, ..)) if expectation.state == state => {
                    say_again(draft, expectation, now);
                }
                Some((state, ..)) if expectation.state == AckState::Replaced => {
                    say_late(draft, expectation, state, now);
                }
                Some(fate) => {
                    self.answer_expectation(draft, partner, source, (outcome, expectation, fate))?;
                }
            }
        }
        Ok(())
    }

    /// A document gets its verdict.
    fn answer_expectation(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        source: &Source,
        (outcome, expectation, fate): (&GroupOutcome, Expectation, Fate),
    ) -> Result<(), Error> {
        let (now, (state, reached, words)) = (source.now, fate);
        let timing = self.timing(&expectation, now)?;
        let answered = Expectation {
            state,
            answered: Some(now),
            timing: Some(timing),
            repeated: 0,
            partial: false,
            ..expectation
        };
        let document = answered.document.clone();
        draft.push(Change::Advance { document, state: reached, at: now });
        let when = match timing {
            Timing::OnTime => String::new(),
            Timing::Late => format!(", late: it was due at {:.0}", answered.due),
            Timing::Early => ", before it was known to be in the mailbox".to_owned(),
        };
        let note = format!("{words}{when}{}", reasons(outcome, &answered));
        let event = Event::DocumentAcknowledged;
        draft.journal(now, event, &partner.name, &answered.document, &note);
        draft.tell(facts_of(&answered));
        draft.tell([(OUTCOME.to_owned(), words.replace(' ', "_"))].into());
        let waited = about_acknowledgement(&partner.name, answered.group, answered.set);
        draft.mend(waited, now, "the acknowledgement came");
        if state == AckState::Rejected {
            self.raise_rejected(draft, partner, &answered, (outcome, &note), source)?;
        } else {
            let document = about_document(&answered.document);
            draft.mend(document, now, "the partner accepted it");
        }
        draft.push(Change::Expect(answered));
        Ok(())
    }

    /// An acknowledgement of something that was not sent.
    pub(super) fn tell_unmatched(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        source: &Source,
        (what, note): (&str, &str),
    ) {
        let event = Event::AcknowledgementUnmatched;
        draft.journal(source.now, event, &partner.name, what, note);
        let kind = Kind::AcknowledgementUnmatched;
        self.raise_unclear(draft, partner, source, (kind, what, note));
    }

    /// An acknowledgement that does not say what became of a document: the clock of that runs on.
    fn leave_open(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        source: &Source,
        (outcome, expectation): (&GroupOutcome, Expectation),
    ) {
        let partial = outcome.verdict == Verdict::PartiallyAccepted;
        let (event, kind, note) = if partial {
            (
                Event::AcknowledgementPartial,
                Kind::AcknowledgementPartial,
                "part of its group was accepted, and it is not told whether this was",
            )
        } else {
            (
                Event::AcknowledgementUnmatched,
                Kind::AcknowledgementUnmatched,
                "the acknowledgement does not say what became of it",
            )
        };
        let document = expectation.document.clone();
        draft.journal(source.now, event, &partner.name, &document, note);
        draft.tell(facts_of(&expectation));
        self.raise_unclear(draft, partner, source, (kind, &document, note));
        if partial && expectation.state.is_waiting() {
            draft.push(Change::Expect(Expectation { partial, ..expectation }));
        }
    }

    fn timing(&self, expectation: &Expectation, now: Timestamp) -> Result<Timing, Error> {
        let sent = self.ledger.store().document(&expectation.document)?;
        Ok(if sent.is_some_and(|document| document.state == DocumentState::Rendered) {
            Timing::Early
        } else if now > expectation.due {
            Timing::Late
        } else {
            Timing::OnTime
        })
    }

    /// Tells of what has not been acknowledged in time, and of what soon will not have been.
    pub(super) fn mark_overdue(&self) -> Result<(), store::Error> {
        let now = Timestamp::now();
        for expectation in self.ledger.store().overdue(now, OVERDUE_A_TICK)? {
            let mut draft = Draft::new();
            let note = format!("expected by {:.0}", expectation.due);
            let (state, event) = if expectation.due <= now {
                (AckState::Overdue, Event::AcknowledgementOverdue)
            } else {
                (AckState::DueSoon, Event::AcknowledgementDueSoon)
            };
            draft.journal(now, event, &expectation.partner, &expectation.document, &note);
            let expectation = Expectation { state, ..expectation };
            draft.tell(facts_of(&expectation));
            if state == AckState::Overdue {
                self.raise_overdue(&mut draft, &expectation, now)?;
            }
            draft.push(Change::Expect(expectation));
            self.ledger.commit(draft)?;
        }
        Ok(())
    }

    /// Tells of acknowledgements of ours that are not in the mailbox within what was promised, once of each.
    pub(super) fn tell_late(&self) -> Result<(), store::Error> {
        let now = Timestamp::now();
        let mut waiting = BTreeSet::new();
        for partner in self.live().profiles.iter() {
            let Some(within) = partner.acknowledgements.within else { continue };
            let within = SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX);
            for work in self.ledger.store().queued(&lanes::send(&partner.name), LATE_A_TICK)? {
                let Task::Send { parcel, with } = &work.task else { continue };
                let parcels = std::iter::once(parcel).chain(with);
                let answers: Vec<&Parcel> = parcels.filter(|one| one.is_answer()).collect();
                if answers.is_empty() || now.duration_since(work.queued) <= within {
                    continue;
                }
                waiting.insert(work.id);
                let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
                if late.insert(work.id) {
                    drop(late);
                    let mut draft = Draft::new();
                    let note = format!("written {:.0}, and not with the partner yet", work.queued);
                    let event = Event::AcknowledgementLate;
                    for answer in &answers {
                        draft.journal(now, event, &partner.name, &answer.name, &note);
                    }
                    self.raise_answer(&mut draft, &partner.name, (&work, answers[0], &note), now)?;
                    self.ledger.commit(draft)?;
                }
            }
        }
        self.late.lock().unwrap_or_else(PoisonError::into_inner).retain(|id| waiting.contains(id));
        Ok(())
    }
}

impl Gateway {
    /// An acknowledgement of ours that is late; one that is told of already, from before a start, is not told again.
    fn raise_answer(
        &self,
        draft: &mut Draft,
        partner: &str,
        (work, answer, note): (&Work, &Parcel, &str),
        now: Timestamp,
    ) -> Result<(), store::Error> {
        let key = about_answer(work);
        if self.ledger.store().exception_about(&key)?.is_some() {
            return Ok(());
        }
        let (name, label) = (&answer.name, answer.name.clone());
        let subject = Subject::Work { lane: work.lane.clone(), work: work.id, label };
        let payload = Some(answer.payload);
        let trouble = Trouble {
            kind: Kind::AcknowledgementLate,
            partner,
            cause: "",
            place: &work.lane,
            words: &format!("{name}: {note}"),
            mend: "",
            about: About { key, subject, payload, findings: None, acceptable: false },
        };
        self.raise(draft, trouble, now);
        Ok(())
    }
}

/// The fact that says what a partner has said of a document.
pub(super) const OUTCOME: &str = "outcome";

/// What a machine may want to know of it.
pub(super) fn facts_of(expectation: &Expectation) -> Facts {
    let mut facts: Facts = [
        ("group", expectation.group.to_string()),
        ("set", expectation.set_number()),
        ("set_id", expectation.set_id.clone()),
        ("sent", expectation.sent.to_string()),
        ("due", expectation.due.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if let Some(timing) = expectation.timing {
        let words = match timing {
            Timing::Early => "early",
            Timing::OnTime => "on_time",
            Timing::Late => "late",
        };
        facts.insert("timing".to_owned(), words.to_owned());
    }
    facts
}

impl Gateway {
    /// A document that was sent.
    pub(super) fn about_sent(&self, document: &str) -> Result<About, store::Error> {
        let record = self.ledger.store().document(document)?;
        Ok(About {
            key: about_document(document),
            subject: Subject::Document { document: document.to_owned() },
            payload: record.map(|record| record.payload),
            findings: None,
            acceptable: false,
        })
    }

    /// A document that the partner did not take.
    fn raise_rejected(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        expectation: &Expectation,
        (outcome, note): (&GroupOutcome, &str),
        source: &Source,
    ) -> Result<(), store::Error> {
        let about = self.about_sent(&expectation.document)?;
        let words = format!(
            "The partner has {note}: {}, the {} {} of group {}",
            expectation.document,
            expectation.set_id,
            expectation.set_number(),
            expectation.group
        );
        let trouble = Trouble {
            kind: Kind::OutboundRejected,
            partner: &partner.name,
            cause: &blamed(outcome, expectation),
            place: &partner.mailbox.folder,
            words: &words,
            mend: "",
            about,
        };
        self.raise(draft, trouble, source.now);
        Ok(())
    }

    /// An acknowledgement that leaves open what it means.
    fn raise_unclear(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        source: &Source,
        (kind, what, words): (Kind, &str, &str),
    ) {
        let words = format!("{what}: {words}");
        let trouble = Trouble {
            kind,
            partner: &partner.name,
            cause: "",
            place: &partner.mailbox.folder,
            words: &words,
            mend: "",
            about: About {
                key: format!("unmatched {} {what}", partner.name),
                subject: source.subject.clone(),
                payload: Some(source.payload),
                findings: None,
                acceptable: false,
            },
        };
        self.raise(draft, trouble, source.now);
    }

    fn raise_overdue(
        &self,
        draft: &mut Draft,
        expectation: &Expectation,
        now: Timestamp,
    ) -> Result<(), store::Error> {
        let Expectation { partner, group, set, document, .. } = expectation;
        let words = format!(
            "{document} was sent at {} in the {} {} of group {group}; its acknowledgement was expected by {}.",
            expectation.sent,
            expectation.set_id,
            expectation.set_number(),
            expectation.due,
        );
        let sent = self.ledger.store().document(document)?;
        let trouble = Trouble {
            kind: Kind::AcknowledgementOverdue,
            partner,
            cause: "",
            place: "",
            words: &words,
            mend: "",
            about: About {
                key: about_acknowledgement(partner, *group, *set),
                subject: Subject::Acknowledgement {
                    partner: partner.clone(),
                    group: *group,
                    set: *set,
                    document: document.clone(),
                },
                payload: sent.and_then(|record| record.rendered),
                findings: None,
                acceptable: false,
            },
        };
        self.raise(draft, trouble, now);
        Ok(())
    }
}

/// What the partner blames, without the values: the same for the same mistake.
fn blamed(outcome: &GroupOutcome, expectation: &Expectation) -> String {
    let mut text = expectation.set_id.clone();
    for segment in outcome.sets.iter().flat_map(|set| &set.segments) {
        text = format!("{text}\n{} {}", segment.segment, segment.error.code);
        for element in &segment.elements {
            text = format!("{text} {:02} {}", element.position, element.error.code);
        }
    }
    text
}

/// What was said of a document before is said again.
fn say_again(draft: &mut Draft, expectation: Expectation, now: Timestamp) {
    let again = Expectation { repeated: expectation.repeated + 1, ..expectation };
    let words = again.state.words();
    let (event, note) = (Event::AcknowledgementRepeated, format!("{words}, as before"));
    draft.journal(now, event, &again.partner, &again.document, &note);
    draft.tell(facts_of(&again));
    draft.push(Change::Expect(again));
}

/// Something is said of numbers that others have taken the place of: what becomes of the document shows there.
fn say_late(draft: &mut Draft, expectation: Expectation, state: AckState, now: Timestamp) {
    let late = Expectation { answered: Some(now), ..expectation };
    let note = format!("{}, under numbers that others have taken the place of", state.words());
    draft.journal(now, Event::AcknowledgementReplaced, &late.partner, &late.document, &note);
    draft.tell(facts_of(&late));
    draft.push(Change::Expect(late));
}

/// How an acknowledgement leaves a document, and in words.
type Fate = (AckState, DocumentState, &'static str);

/// Whether what is said of a set is said of what was sent.
fn answers(set: &SetOutcome, sent: &Expectation) -> bool {
    set.set == sent.set_id && same_number(&set.control_number, &sent.set_number())
}

fn fate(verdict: Verdict) -> Option<Fate> {
    let (state, reached) = match verdict {
        Verdict::Accepted => (AckState::Accepted, DocumentState::Accepted),
        Verdict::AcceptedWithErrors => {
            (AckState::AcceptedWithErrors, DocumentState::AcceptedWithErrors)
        }
        Verdict::Rejected => (AckState::Rejected, DocumentState::Rejected),
        Verdict::PartiallyAccepted | Verdict::Unknown => return None,
    };
    Some((state, reached, state.words()))
}

/// What the partner blames, in short.
fn reasons(outcome: &GroupOutcome, expectation: &Expectation) -> String {
    let number = expectation.set_number();
    let same = |n: &str| same_number(n.trim(), &number);
    let Some(set) = outcome.sets.iter().find(|set| same(&set.control_number)) else {
        return String::new();
    };
    let mut text = String::new();
    for segment in &set.segments {
        let words = segment.error.meaning.as_deref().unwrap_or(&segment.error.code);
        text = format!("{text}; {} at {}: {words}", segment.segment, segment.position);
        for element in &segment.elements {
            let words = element.error.meaning.as_deref().unwrap_or(&element.error.code);
            text = format!(
                "{text}; {}{:02} {:?}: {words}",
                segment.segment, element.position, element.value
            );
        }
    }
    text
}
