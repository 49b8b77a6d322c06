//! Leaving a server alone that fails: for longer each time, and half of it left to chance, so that what failed together
//! does not come back together.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::fault::Fault;

/// How long a server is left alone.
#[derive(Debug, Clone, Copy)]
pub struct Pauses {
    /// After the second failure in a row. After the first there is none: a connection may be lost at any time.
    pub first: Duration,
    /// At most.
    pub longest: Duration,
}

pub(super) struct Backoff {
    pauses: Pauses,
    chance: RandomState,
    failures: Mutex<Failures>,
}

#[derive(Default)]
struct Failures {
    count: u32,
    until: Option<Instant>,
    reason: String,
}

impl Backoff {
    pub(super) fn new(pauses: Pauses) -> Self {
        Self { pauses, chance: RandomState::new(), failures: Mutex::default() }
    }

    /// Whether the server may be tried; the last reason where not.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let left = failures.until.map(|until| until.saturating_duration_since(Instant::now()));
        match left {
            Some(left) if !left.is_zero() => Err(Fault::Broken(failures.reason.clone())),
            _ => Ok(()),
        }
    }

    pub(super) fn failed(&self, reason: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.count = failures.count.saturating_add(1);
        reason.clone_into(&mut failures.reason);
        let pause = pause(self.pauses, failures.count, |whole| {
            self.chance.hash_one((failures.count, Instant::now())) % (whole + 1)
        });
        failures.until = Some(Instant::now() + pause);
    }

    pub(super) fn succeeded(&self) {
        *self.failures.lock().unwrap_or_else(PoisonError::into_inner) = Failures::default();
    }
}

/// The pause after so many failures in a row; `chance` gives a number up to its argument.
fn pause(pauses: Pauses, count: u32, chance: impl FnOnce(u64) -> u64) -> Duration {
    let Some(doublings) = count.checked_sub(2) else { return Duration::ZERO };
    let whole = pauses.first.saturating_mul(1 << doublings.min(20)).min(pauses.longest);
    let half = u64::try_from(whole.as_millis() / 2).unwrap_or(u64::MAX);
    Duration::from_millis(half.saturating_add(chance(half)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        let seconds = Duration::from_secs;
        let pauses = Pauses { first: seconds(2), longest: seconds(600) };
        let longest = |count| pause(pauses, count, |half| half);
        let shortest = |count| pause(pauses, count, |_| 0);
        assert_eq!([1, 2, 3, 4].map(longest), [0, 2, 4, 8].map(seconds));
        assert_eq!((shortest(20), longest(20)), (seconds(300), seconds(600)));
        assert_eq!(longest(u32::MAX), seconds(600));
    }

    #[test]
    fn a_server_that_fails_is_left_alone_and_one_that_works_is_not() {
        let backoff =
            Backoff::new(Pauses { first: Duration::from_mins(1), longest: Duration::from_mins(9) });
        backoff.failed("lost");
        assert!(backoff.check().is_ok(), "once is nothing");
        backoff.failed("lost again");
        assert!(matches!(backoff.check(), Err(Fault::Broken(words)) if words == "lost again"));
        backoff.succeeded();
        assert!(backoff.check().is_ok());
    }
}
