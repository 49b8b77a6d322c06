//! Parked work is queued again at every start: that is when an operator has mended something.

use jiff::Timestamp;

use super::ledger::{Draft, Ledger, subject};
use super::raising::about_work;
use crate::store::{self, Event, Task, Work};

/// Parked work that is queued again at a time; the rest waits for the next.
const UNPARKED_MAX: usize = 10_000;

/// What was parked gets another chance, its attempts forgotten.
pub(super) fn queue_again(ledger: &Ledger) -> Result<(), store::Error> {
    let now = Timestamp::now();
    // What a partner has refused over AS2 is for a person, whenever the gateway is started.
    let is_ours = |work: &Work| !matches!(work.task, Task::Send { .. } | Task::AwaitReceipt { .. });
    for work in ledger.store().parked(UNPARKED_MAX)?.into_iter().filter(is_ours) {
        let mut draft = Draft::new();
        let subject = subject(&work.task);
        draft.journal(now, Event::WorkQueuedAgain, "", &subject, &work.error);
        draft.mend(about_work(&work), now, "it is tried again since the gateway was started");
        draft.unpark(work, now);
        ledger.commit(draft)?;
    }
    Ok(())
}
