//! Work that is done: several pieces of a lane one after the other, whose commits share waits for the disk.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::dispatch::Put;
use super::lanes::{blocking, done_by, is_lasting, is_receiving, nearby};
use super::ledger::{Begun, Draft, Failure};
use super::{Error, Gateway, ahead};
use crate::bridge::Endpoint;
use crate::disk::{self, trial};
use crate::store::{self, Receipt, Task, Work};

/// How often a file is tried again on which this program fails, before it is set aside for a person.
const DEFECT_RETRIES: u32 = 2;
/// The shortest pause that somebody may ask for: who asks for none, or until a moment that is over, would be called in a
/// circle.
const ASKED_MIN: Duration = Duration::from_secs(1);
/// Pieces of work that are done by one wait for the disk.
const TOGETHER: usize = 64;

/// What has waited for so long gives way no more, however much comes.
const GIVES_WAY_FOR: SignedDuration = SignedDuration::from_mins(2);

/// A piece of work that was done, well or not.
type Done = (Work, Result<(), Error>);

/// Pieces of work that were done, and their commits, for which the disk is waited. Until that has them, the work is
/// leased.
#[derive(Default)]
pub(super) struct Underway {
    done: Vec<Done>,
    begun: Vec<Begun>,
}

/// Does pieces of work of one lane; [`finish_some`] is to follow. The next of the lane may be done before it has.
pub(super) async fn do_some(gateway: &Arc<Gateway>, works: Vec<Work>) -> Result<Underway, Error> {
    let Some(first) = works.first() else { return Ok(Underway::default()) };
    let heavy = matches!(first.task, Task::Translate { .. } | Task::Render { .. });
    let bound = if heavy {
        Some(&gateway.translations)
    } else {
        gateway.calls_server(first).then_some(&gateway.servers)
    };
    let is_call = matches!(first.task, Task::Call { .. } | Task::Webhook { .. })
        && gateway.together(&first.lane) == 1;
    let doer = Arc::clone(gateway);
    let Some(bound) = bound else {
        let step = move || doer.perform_all(works);
        // A call over the net takes no room of the disks: its lane bounds it.
        return if is_call { blocking(step).await } else { nearby(gateway, step).await };
    };
    let _permit = bound.acquire().await.ok();
    let step = move || doer.perform_all(works);
    if heavy { done_by(&gateway.translators, step).await } else { blocking(step).await }
}

/// Waits until the disk has what was done; failures are recorded. An error is told where even that could not be done.
pub(super) async fn finish_some(gateway: &Arc<Gateway>, underway: Underway) -> Result<(), Error> {
    if underway.done.is_empty() {
        return Ok(());
    }
    let finisher = Arc::clone(gateway);
    nearby(gateway, move || finisher.finish_all(underway)).await
}

impl Gateway {
    /// How many pieces of work of a lane are taken at a time, to be done by one wait for the disk or to leave in one
    /// message: one where each waits for a server.
    pub(super) fn together(&self, lane: &str) -> usize {
        #[cfg(feature = "as2")]
        if let Some(partner) = lane.strip_prefix("send ")
            && let Some(binding) = self.live().mailboxes.of(partner)
            && let Some(peer) = binding.peer()
        {
            return peer.settings().documents_max;
        }
        if self.is_at_hand(lane) { TOGETHER } else { 1 }
    }

    /// Whether the work of a lane needs no more than the disks of this machine, and is much.
    pub(super) fn is_at_hand(&self, lane: &str) -> bool {
        let (what, whose) = lane.split_once(' ').unwrap_or((lane, ""));
        match what {
            _ if is_receiving(lane) => true,
            "send" => {
                let live = self.live();
                live.mailboxes.of(whose).is_some_and(|binding| !binding.mailbox.is_remote())
            }
            "call" => !self.calls_far(whose),
            _ => false,
        }
    }

    /// Whether a lane that did this rests for a while: it only puts files into folders, what has come is to be translated
    /// first, and nothing of it has waited for long.
    pub(super) fn gives_way(&self, lane: &str, underway: &Underway) -> bool {
        let oldest = underway.done.iter().map(|(work, _)| work.queued).min();
        let waited = oldest.map(|oldest| Timestamp::now().duration_since(oldest));
        self.pressure.is_high(Instant::now())
            && !is_receiving(lane)
            && self.is_at_hand(lane)
            && waited.is_some_and(|waited| waited < GIVES_WAY_FOR)
    }

    /// Whether the endpoint of a partner is called over the net, or is not there any more.
    pub(super) fn calls_far(&self, partner: &str) -> bool {
        let live = self.live();
        let partner = live.profiles.partner(partner);
        let endpoint = partner.and_then(|partner| self.endpoint(&partner.endpoint).ok());
        endpoint.is_none_or(Endpoint::is_remote)
    }

    /// Does pieces of work one after the other. Their commits share waits for the disk. Behind one that fails, those of
    /// its order wait for it. Files that are to be translated are opened by another thread meanwhile, where one more may
    /// be.
    fn perform_all(&self, works: Vec<Work>) -> Result<Underway, Error> {
        #[cfg(feature = "as2")]
        let works = self.gather(works)?;
        let Underway { mut done, mut begun } = Underway::default();
        let mut puts = Vec::new();
        // Keys of orders in which one failed.
        let mut blocked: HashSet<String> = HashSet::new();
        let with_receipt = |work| {
            let receipt = self.receipt_ahead(&work);
            (work, receipt)
        };
        let works: Vec<(Work, Option<Receipt>)> = works.into_iter().map(with_receipt).collect();
        let weigh = |(_, receipt): &(Work, Option<Receipt>)| {
            let size = receipt.as_ref().map(|receipt| receipt.file.size);
            size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX)
        };
        let room = || self.translations.try_acquire().ok();
        // What fails here fails once more in its turn.
        let open = |(_, receipt): &(Work, Option<Receipt>)| {
            receipt.as_ref().and_then(|receipt| self.open_ahead(receipt.clone()).ok())
        };
        let mut results = Vec::with_capacity(works.len());
        ahead::each(&works, weigh, room, open, |(work, _), opened| {
            let is_behind = work.order.lines().any(|key| blocked.contains(key));
            let result =
                if is_behind {
                    None
                } else {
                    // One that panics is a defect, and a failure like any other.
                    let step = AssertUnwindSafe(|| self.perform(work, opened, &mut begun));
                    let result = std::panic::catch_unwind(step);
                    Some(result.unwrap_or_else(|_| {
                        Err(Error::Defect("a step ended in a panic".to_owned()))
                    }))
                };
            if !matches!(result, Some(Ok(_))) {
                blocked.extend(work.order.lines().map(str::to_owned));
            }
            results.push(result);
        });
        for ((work, _), result) in works.into_iter().zip(results) {
            match result {
                None => self.ledger.store().release(work.id),
                Some(Ok(Some(put))) => puts.push((work, put)),
                Some(result) => done.push((work, result.map(drop))),
            }
        }
        self.put_all(puts, &mut done, &mut begun);
        Ok(Underway { done, begun })
    }

    /// Puts what was delivered, and commits what the disk has for good.
    fn put_all(&self, puts: Vec<(Work, Put)>, done: &mut Vec<Done>, begun: &mut Vec<Begun>) {
        let mut halves = Vec::with_capacity(puts.len());
        let mut works = Vec::with_capacity(puts.len());
        for (work, Put { half, draft }) in puts {
            halves.push(half);
            works.push((work, draft));
        }
        let goes_behind = |at: usize, before: usize| {
            let before = &works[before].0.order;
            works[at].0.order.lines().any(|key| before.lines().any(|other| other == key))
        };
        let put = disk::put_all(&halves, goes_behind);
        for ((work, draft), put) in works.into_iter().zip(put) {
            let Some(put) = put else {
                self.ledger.store().release(work.id);
                continue;
            };
            if put.is_ok() && matches!(work.task, Task::Send { .. }) {
                trial::step("send.after");
            }
            let put = put.map_err(|e| match work.task {
                Task::Call { .. } => Error::Endpoint(e.into()),
                _ => Error::Mailbox(e.into()),
            });
            let result = put.and_then(|()| Ok(self.ledger.begin(&draft)?));
            done.push((work, result.map(|one| begun.push(one))));
        }
    }

    /// Waits until the disk has what was done, and records what failed. All of it is gone through, whatever fails, but
    /// where the store is of no use any more.
    fn finish_all(&self, Underway { done, mut begun }: Underway) -> Result<(), Error> {
        if let Some(last) = begun.last_mut() {
            last.wait();
        }
        for begun in begun {
            self.ledger.finish(begun)?;
        }
        let mut first = Ok(());
        for (work, result) in done {
            let Err(error) = result else { continue };
            if is_lasting(&error) {
                return Err(error);
            }
            let recorded = self.record(&work, &failure(&error));
            if recorded.is_err() {
                self.ledger.store().release(work.id);
            }
            match recorded {
                Err(e) if is_lasting(&e) => return Err(e),
                recorded => first = first.and(recorded),
            }
        }
        first
    }

    fn record(&self, work: &Work, failure: &Failure) -> Result<(), Error> {
        if let (Task::Translate { receipt, .. }, true) = (&work.task, failure.defect)
            && work.attempts >= DEFECT_RETRIES
        {
            match self.give_up(work, *receipt, &failure.reason) {
                // Not even its receipt can be read: it is tried again, and told of, like any other.
                Err(Error::Defect(_)) => {}
                result => return result,
            }
        }
        let mut draft = Draft::new();
        self.raise_failed(&mut draft, work, failure)?;
        match self.ledger.fail(draft, work, &self.partner_of(work), failure) {
            // Somebody finished it meanwhile: nothing is left to fail.
            Err(store::Error::Conflict(_)) => self.ledger.store().release(work.id),
            result => result?,
        }
        Ok(())
    }
}

fn failure(error: &Error) -> Failure {
    use crate::bridge::Error as Bridge;
    use crate::store::Error as StoreError;
    let asked = |wait: Option<Duration>| wait.map(|wait| wait.max(ASKED_MIN));
    let (for_good, wait) = match error {
        Error::Endpoint(Bridge::Refused { .. }) => (true, None),
        Error::Endpoint(Bridge::Transient { retry_after, .. }) => (false, asked(*retry_after)),
        Error::Notify(e) => (false, asked(e.retry_after)),
        // A condition did not hold, because another lane was first: look again at once.
        Error::Store(store::Error::Conflict(_)) => (false, Some(Duration::ZERO)),
        _ => (false, None),
    };
    let defect = matches!(
        error,
        Error::Defect(_) | Error::Store(StoreError::Record { .. } | StoreError::Payload { .. })
    );
    let store = matches!(
        error,
        Error::Store(
            StoreError::File { .. } | StoreError::Record { .. } | StoreError::Payload { .. }
        )
    );
    let stuck = matches!(error, Error::Store(StoreError::NumbersUsedUp { .. }));
    Failure { reason: error.to_string(), for_good, wait, defect, store, stuck }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::Error as Bridge;

    #[test]
    fn whoever_asks_for_no_pause_is_not_called_again_at_once() {
        let asked = |wait: u64| {
            let (reason, retry_after) = (String::new(), Some(Duration::from_secs(wait)));
            failure(&Error::Endpoint(Bridge::Transient { reason, retry_after })).wait
        };
        // As does a date that is over by our clock.
        assert_eq!(asked(0), Some(Duration::from_secs(1)));
        assert_eq!(asked(2), Some(Duration::from_secs(2)));
    }
}
