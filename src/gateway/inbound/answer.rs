//! What the partner is answered.

use jiff::Timestamp;

use crate::gateway::ledger::Draft;
use crate::gateway::translation::Received;
use crate::gateway::{Error, Gateway, lanes};
use crate::profile::{Answer, Partner};
use crate::store::{Event, PayloadId, Task};

impl Gateway {
    /// Renders what answers the interchange, numbers it and queues it.
    pub(super) fn answer(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        received: &Received,
        now: Timestamp,
    ) -> Result<Option<(PayloadId, String)>, Error> {
        let groups = match partner.acknowledgements.answer {
            Answer::Always => received.groups_to_answer(),
            Answer::Never => 0,
        };
        let groups = u32::try_from(groups).unwrap_or(u32::MAX);
        if groups == 0 && !received.wants_ta1() {
            return Ok(None);
        }
        let numbers = self.number(draft, partner, u32::from(groups > 0), groups)?;
        let bytes = self.translator.answer(received, partner, &numbers, now).map_err(|e| {
            Error::Configuration(format!("{} cannot be answered: {e}", partner.name))
        })?;
        let payload = self.ledger.store().put_payload(&bytes)?;
        let label = if groups > 0 { partner.acknowledgements.policy.kind.set() } else { "TA1" };
        let name = format!("{}-{label}-{:09}.edi", partner.name, numbers.interchange);
        let event = Event::AcknowledgementRendered;
        draft.journal_with(now, event, &partner.name, &name, "", Some(payload));
        let task = Task::Send { payload, name: name.clone(), documents: Vec::new() };
        draft.queue(lanes::send(&partner.name), "", task, now);
        Ok(Some((payload, name)))
    }
}
