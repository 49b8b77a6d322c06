//! The steps of a call to an endpoint: what each gave is durable, with its entry in the audit log, before the next is
//! begun, and what the last gave with the end of the call.

use std::cell::RefCell;

use jiff::Timestamp;

use super::ledger::{Draft, Ledger};
use crate::bridge::{Call, Error, Steps};
use crate::disk::trial;
use crate::store::{CallResult, Change, Event, Work};

/// The steps of one piece of work.
pub(super) struct KeptSteps<'a> {
    ledger: &'a Ledger,
    work: &'a Work,
    call: &'a Call<'a>,
    last: RefCell<Draft>,
}

impl<'a> KeptSteps<'a> {
    pub(super) fn new(ledger: &'a Ledger, work: &'a Work, call: &'a Call<'a>) -> Self {
        Self { ledger, work, call, last: RefCell::new(Draft::new()) }
    }

    /// What is left to be kept at the end of the call.
    pub(super) fn last(self) -> Draft {
        self.last.into_inner()
    }
}

impl Steps for KeptSteps<'_> {
    fn queued(&self) -> Timestamp {
        self.work.queued
    }

    fn result(&self, step: &str) -> Result<Option<(Vec<u8>, Timestamp)>, Error> {
        let store = self.ledger.store();
        let all = store.call_results(self.call.idempotency_key).map_err(|error| failed(&error))?;
        // What is handed over anew is called anew.
        let kept = all.into_iter().find(|kept| kept.step == step && kept.work == self.work.id);
        let read = |kept: CallResult| Ok((store.payload(kept.result)?, kept.at));
        kept.map(read).transpose().map_err(|error| failed(&error))
    }

    fn keep(&self, step: &str, result: &[u8], note: &str, is_last: bool) -> Result<(), Error> {
        trial::step("keep.before");
        let now = Timestamp::now();
        let document = self.call.idempotency_key;
        let payload = self.ledger.store().put_payload(result).map_err(|error| failed(&error))?;
        let mut draft = Draft::new();
        let note = format!("{step}: {note}");
        let event = Event::StepDone;
        draft.journal_with(now, event, self.call.partner, document, &note, Some(payload));
        draft.push(Change::Called(CallResult {
            document: document.to_owned(),
            step: step.to_owned(),
            work: self.work.id,
            result: payload,
            at: now,
        }));
        if is_last {
            self.last.replace(draft);
            return Ok(());
        }
        self.ledger.commit(draft).map_err(|error| failed(&error))?;
        trial::step("keep.after");
        Ok(())
    }
}

/// A store that fails ends the call. Where it fails for good, the record of this failure tells so.
fn failed(error: &crate::store::Error) -> Error {
    Error::Transient { reason: error.to_string(), retry_after: None }
}
