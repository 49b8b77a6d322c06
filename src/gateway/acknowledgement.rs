//! What partners say of what we sent: it closes the clocks, and tells how the documents fared.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use jiff::{SignedDuration, Timestamp};

use super::ledger::Draft;
use super::{Error, Gateway, lanes};
use crate::acks::{GroupOutcome, InterchangeOutcome, Verdict, same_number};
use crate::profile::{AckMatch, Partner};
use crate::store::{
    self, AckState, Change, DocumentState, Event, Expectation, Facts, Task, Timing,
};

/// Expectations of a partner that are looked through for a set by its number alone.
const WAITING_MAX: usize = 10_000;
/// Overdue acknowledgements that one tick of the clock marks.
const OVERDUE_A_TICK: usize = 1000;
/// Pieces of a lane that are looked through for late acknowledgements; the oldest stand first.
const LATE_A_TICK: usize = 1000;

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
        for one in expected {
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
        now: Timestamp,
    ) -> Result<(), Error> {
        let group = outcome.control_number.trim();
        let expected = self.expected(partner, outcome)?;
        if expected.is_empty() {
            let subject = format!("group {group} ({})", outcome.functional_id);
            let note = "nothing of this number was sent to this partner";
            draft.journal(now, Event::AcknowledgementUnmatched, &partner.name, &subject, note);
            return Ok(());
        }
        for expectation in expected {
            let verdict = outcome.verdict_of(&expectation.set_id, &expectation.set_number());
            let Some((state, reached, words)) = fate(verdict) else {
                let (event, note) = match outcome.verdict {
                    Verdict::PartiallyAccepted => (
                        Event::AcknowledgementPartial,
                        "part of its group was accepted, and it is not told whether this was",
                    ),
                    _ => (
                        Event::AcknowledgementUnmatched,
                        "the acknowledgement does not say what became of it",
                    ),
                };
                draft.journal(now, event, &partner.name, &expectation.document, note);
                draft.tell(facts_of(&expectation));
                continue;
            };
            if expectation.state == state {
                let again = Expectation { repeated: expectation.repeated + 1, ..expectation };
                let event = Event::AcknowledgementRepeated;
                let note = format!("{words}, as before");
                draft.journal(now, event, &partner.name, &again.document, &note);
                draft.tell(facts_of(&again));
                draft.push(Change::Expect(again));
                continue;
            }
            let timing = self.timing(&expectation, now)?;
            let answered = Expectation {
                state,
                answered: Some(now),
                timing: Some(timing),
                ..expectation.clone()
            };
            draft.push(Change::Advance {
                document: answered.document.clone(),
                state: reached,
                at: now,
            });
            let when = match timing {
                Timing::OnTime => String::new(),
                Timing::Late => format!(", late: it was due at {}", answered.due),
                Timing::Early => ", before it was known to be in the mailbox".to_owned(),
            };
            let note = format!("{words}{when}{}", reasons(outcome, &answered));
            let event = Event::DocumentAcknowledged;
            draft.journal(now, event, &partner.name, &answered.document, &note);
            draft.tell(facts_of(&answered));
            draft.push(Change::Expect(answered));
        }
        Ok(())
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
            let note = format!("expected by {}", expectation.due);
            let (state, event) = if expectation.due <= now {
                (AckState::Overdue, Event::AcknowledgementOverdue)
            } else {
                (AckState::DueSoon, Event::AcknowledgementDueSoon)
            };
            draft.journal(now, event, &expectation.partner, &expectation.document, &note);
            let expectation = Expectation { state, ..expectation };
            draft.tell(facts_of(&expectation));
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
                let Task::Send { name, documents, batch: None, .. } = &work.task else { continue };
                if !documents.is_empty() || now.duration_since(work.queued) <= within {
                    continue;
                }
                waiting.insert(work.id);
                let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
                if late.insert(work.id) {
                    drop(late);
                    let mut draft = Draft::new();
                    let note = format!("written {}, and not with the partner yet", work.queued);
                    let event = Event::AcknowledgementLate;
                    draft.journal(now, event, &partner.name, name, &note);
                    self.ledger.commit(draft)?;
                }
            }
        }
        self.late.lock().unwrap_or_else(PoisonError::into_inner).retain(|id| waiting.contains(id));
        Ok(())
    }
}

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

/// A TA1 is noted; only a 997 or 999 closes a clock.
pub(super) fn note_ta1(
    draft: &mut Draft,
    partner: &Partner,
    outcome: &InterchangeOutcome,
    now: Timestamp,
) {
    let event = match outcome.verdict {
        Verdict::Accepted | Verdict::AcceptedWithErrors => Event::InterchangeAcknowledged,
        _ => Event::InterchangeRefused,
    };
    let subject = format!("interchange {}", outcome.control_number);
    let note = format!(
        "TA1 {} {} {}",
        outcome.status.code,
        outcome.note.code,
        outcome.note.meaning.as_deref().unwrap_or_default()
    );
    draft.journal(now, event, &partner.name, &subject, note.trim());
}

fn fate(verdict: Verdict) -> Option<(AckState, DocumentState, &'static str)> {
    match verdict {
        Verdict::Accepted => Some((AckState::Accepted, DocumentState::Accepted, "accepted")),
        Verdict::AcceptedWithErrors => Some((
            AckState::AcceptedWithErrors,
            DocumentState::AcceptedWithErrors,
            "accepted with errors",
        )),
        Verdict::Rejected => Some((AckState::Rejected, DocumentState::Rejected, "rejected")),
        Verdict::PartiallyAccepted | Verdict::Unknown => None,
    }
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
