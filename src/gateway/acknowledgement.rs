//! What partners say of what we sent: it closes the clocks, and tells how the documents fared.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use jiff::{SignedDuration, Timestamp};

use super::ledger::Draft;
use super::{Error, Gateway, lanes};
use crate::acks::{GroupOutcome, InterchangeOutcome, Verdict};
use crate::profile::Partner;
use crate::store::{self, AckState, Change, DocumentState, Event, Expectation, Task};

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
        let Ok(number) = outcome.control_number.trim().parse() else { return Ok(Vec::new()) };
        let mut found = self.ledger.store().expectations(&partner.name, number)?;
        let last = found.iter().map(|one| one.sent).max();
        found.retain(|one| Some(one.sent) == last);
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
                let note = "the acknowledgement does not say what became of it";
                let event = Event::AcknowledgementUnmatched;
                draft.journal(now, event, &partner.name, &expectation.document, note);
                continue;
            };
            draft.push(Change::Advance {
                document: expectation.document.clone(),
                state: reached,
                at: now,
            });
            let note = format!("{words}{}", reasons(outcome, &expectation));
            let event = Event::DocumentAcknowledged;
            draft.journal(now, event, &partner.name, &expectation.document, &note);
            draft.push(Change::Expect(Expectation { state, answered: Some(now), ..expectation }));
        }
        Ok(())
    }

    /// Marks what has not been acknowledged in time.
    pub(super) fn mark_overdue(&self) -> Result<(), store::Error> {
        let now = Timestamp::now();
        for expectation in self.ledger.store().overdue(now, OVERDUE_A_TICK)? {
            let mut draft = Draft::new();
            let note = format!("expected by {}", expectation.due);
            let event = Event::AcknowledgementOverdue;
            draft.journal(now, event, &expectation.partner, &expectation.document, &note);
            draft.push(Change::Expect(Expectation { state: AckState::Overdue, ..expectation }));
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
    let plain = |n: &str| n.trim().trim_start_matches('0').to_owned();
    let same = |n: &str| plain(n) == plain(&number);
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
