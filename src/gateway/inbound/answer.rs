//! What the partner is answered.

use std::ops::Range;

use jiff::Timestamp;

use super::Arriving;
use crate::disk::trial;
use crate::exceptions::Kind;
use crate::gateway::envelope::interchange_spec;
use crate::gateway::ledger::Draft;
use crate::gateway::parts::Header;
use crate::gateway::translation::{Received, Share};
use crate::gateway::{Error, Gateway, lanes};
use crate::profile::{Answer, AnswerBatch, Partner, State};
use crate::store::{self, Event, Parcel, PayloadId};

/// Which groups are answered together, in one interchange each; an empty range is a TA1 by itself. None: nothing is
/// answered.
pub(in crate::gateway) fn shares(partner: &Partner, received: &Received) -> Vec<Range<usize>> {
    let groups = match partner.acknowledgements.answer {
        Answer::Always => received.groups_to_answer(),
        Answer::Never => 0,
    };
    if (groups == 0 && !received.wants_ta1()) || partner.state != State::Live {
        return Vec::new();
    }
    match partner.acknowledgements.batch {
        AnswerBatch::Group if groups > 0 => (0..groups).map(|group| group..group + 1).collect(),
        AnswerBatch::Group | AnswerBatch::Interchange => std::iter::once(0..groups).collect(),
    }
}

impl Gateway {
    /// Renders what answers the interchange, numbers it and queues it. Where no number is left for it, its documents
    /// go on all the same, and a person is told.
    pub(super) fn answer(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        (arriving, header): (&Arriving, &Header),
        received: &Received,
    ) -> Result<Option<(PayloadId, String)>, Error> {
        let mut own = Draft::new();
        let when = (arriving.receipt.at, arriving.now);
        match self.write_answer(&mut own, partner, received, when) {
            Err(Error::Store(e @ store::Error::NumbersUsedUp { .. })) => {
                self.raise_unanswered(draft, partner, (arriving, header), &e.to_string());
                Ok(None)
            }
            answer => {
                draft.append(own);
                answer
            }
        }
    }

    /// Whether an interchange whose number came before has not been answered: for want of a number of ours, or since
    /// another had its number.
    pub(super) fn owes_answer(&self, arriving: &Arriving) -> Result<bool, Error> {
        let again = arriving.again.filter(|again| !again.answered);
        let Some(id) = again.and_then(|again| again.exception) else { return Ok(false) };
        let exception = self.ledger.store().exception(id)?;
        let unanswered = [Kind::AnswerNotWritten, Kind::InterchangeNumberReused];
        Ok(exception.is_some_and(|exception| unanswered.contains(&exception.kind)))
    }

    fn write_answer(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        received: &Received,
        (taken_in, now): (Timestamp, Timestamp),
    ) -> Result<Option<(PayloadId, String)>, Error> {
        let shares = shares(partner, received);
        if shares.is_empty() {
            return Ok(None);
        }
        let none = shares.iter().all(Range::is_empty);
        let set = partner.acknowledgements.policy.kind.set();
        let spec = interchange_spec(partner, partner.envelope_of(set))?;
        let label = if none { "TA1" } else { set };
        let pieces = shares.len();
        let (mut all, mut first) = (Vec::new(), None);
        for groups in shares {
            let ta1 = groups.start == 0;
            let count = u32::try_from(groups.len()).unwrap_or(u32::MAX);
            let numbers = self.number(draft, partner, u32::from(count > 0), count)?;
            let name = format!("{}-{label}-{:09}.edi", partner.name, numbers.interchange);
            let share = Share { groups, ta1, numbers };
            trial::step("acknowledge.before");
            let bytes = self.translator.answer(received, partner, &share, spec.clone(), now);
            let bytes = bytes.map_err(|e| {
                Error::Configuration(format!("{} cannot be answered: {e}", partner.name))
            })?;
            let payload = self.ledger.store().put_payload(&bytes)?;
            all.extend_from_slice(&bytes);
            let event = Event::AcknowledgementRendered;
            draft.journal_with(now, event, &partner.name, &name, "", Some(payload));
            draft.tell([("received".to_owned(), taken_in.to_string())].into());
            let parcel = Parcel::answer(payload, name.clone());
            draft.queue(lanes::send(&partner.name), "", parcel.into(), now);
            trial::step("acknowledge.after");
            first.get_or_insert((name, payload));
        }
        // Asked for once more, all of it goes out again as one file.
        if let Some((name, _)) = first.take_if(|_| pieces > 1) {
            first = Some((name, self.ledger.store().put_payload(&all)?));
        }
        Ok(first.map(|(name, payload)| (payload, name)))
    }
}
