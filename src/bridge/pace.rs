//! How fast an API is called: a bucket of tokens, a pause that it asked for, and a breaker that leaves it alone for a
//! while after it has failed several times in a row. Moments are given, so that all of it can be tried.

use std::time::{Duration, Instant};

use crate::connector::{Breaker, Rate};

/// The longest that a call waits for its turn; beyond that its piece of work comes back later.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// What a call has to do first.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Turn {
    /// It is made.
    Now,
    /// It is made after a wait.
    After(Duration),
    /// It is not made now; so long at least.
    NotNow(Duration, String),
}

/// The state of all that; one for an endpoint.
#[derive(Debug)]
pub(super) struct Pace {
    rate: Option<Rate>,
    breaker: Breaker,
    /// Tokens that are there, and since when; less than none where calls wait already.
    tokens: f64,
    counted: Instant,
    /// Until when it asked not to be called.
    paused: Option<Instant>,
    failures: u32,
    /// Until when it is left alone, and what it failed of last.
    open: Option<(Instant, String)>,
}

impl Pace {
    pub(super) fn new(rate: Option<Rate>, breaker: Breaker, now: Instant) -> Self {
        let tokens = rate.map_or(0.0, |rate| f64::from(rate.burst));
        Self { rate, breaker, tokens, counted: now, paused: None, failures: 0, open: None }
    }

    /// Takes a turn.
    pub(super) fn turn(&mut self, now: Instant) -> Turn {
        if let Some(until) = self.paused.filter(|until| *until > now) {
            return Turn::NotNow(until - now, "it asked not to be called so often".to_owned());
        }
        if let Some((until, last)) = &mut self.open {
            if *until > now {
                let words = format!("it is left alone after failing in a row: {last}");
                return Turn::NotNow(*until - now, words);
            }
            // One tries it; the others wait for what comes of that.
            *until = now + Duration::from_secs(u64::from(self.breaker.pause_seconds));
        }
        let Some(rate) = self.rate else { return Turn::Now };
        let gained = now.duration_since(self.counted).as_secs_f64() * rate.per_second;
        let tokens = (self.tokens + gained).min(f64::from(rate.burst));
        let wait = ((1.0 - tokens) / rate.per_second).max(0.0);
        let wait = Duration::try_from_secs_f64(wait).unwrap_or(Duration::MAX);
        if wait > WAIT_MAX {
            return Turn::NotNow(wait, "many calls wait for their turn".to_owned());
        }
        (self.tokens, self.counted) = (tokens - 1.0, now);
        if wait.is_zero() { Turn::Now } else { Turn::After(wait) }
    }

    /// It asked to be left alone for a while.
    pub(super) fn pause(&mut self, now: Instant, pause: Duration) {
        self.paused = self.paused.max(now.checked_add(pause));
    }

    /// It has answered, whatever it said.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
        self.open = None;
    }

    /// It has failed: no connection, no answer in time, a fault of its own.
    pub(super) fn failed(&mut self, now: Instant, words: &str) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= self.breaker.failures {
            let pause = Duration::from_secs(u64::from(self.breaker.pause_seconds));
            self.open = Some((now + pause, words.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_bucket_lets_a_burst_through_and_then_so_many_a_second() {
        let begun = Instant::now();
        let rate = Rate { per_second: 2.0, burst: 2 };
        let mut pace = Pace::new(Some(rate), Breaker::default(), begun);
        let turns: Vec<Turn> = (0..4).map(|_| pace.turn(begun)).collect();
        let after = |n: u32| Turn::After(SECOND * n / 2);
        assert_eq!(turns, [Turn::Now, Turn::Now, after(1), after(2)]);
        assert_eq!(pace.turn(begun + SECOND * 2), Turn::Now);
        for _ in 0..61 {
            pace.turn(begun + SECOND * 2);
        }
        assert!(matches!(pace.turn(begun + SECOND * 2), Turn::NotNow(..)));
        let rate = Rate { per_second: f64::MIN_POSITIVE, burst: 1 };
        let mut pace = Pace::new(Some(rate), Breaker::default(), begun);
        assert_eq!(pace.turn(begun), Turn::Now);
        assert!(matches!(pace.turn(begun), Turn::NotNow(Duration::MAX, _)));
    }

    #[test]
    fn what_fails_in_a_row_is_left_alone_and_then_tried_once() {
        let begun = Instant::now();
        let mut pace = Pace::new(None, Breaker { failures: 2, pause_seconds: 10 }, begun);
        pace.failed(begun, "503");
        assert_eq!(pace.turn(begun), Turn::Now);
        pace.failed(begun, "503");
        assert!(matches!(pace.turn(begun + SECOND), Turn::NotNow(left, _) if left == SECOND * 9));
        assert_eq!(pace.turn(begun + SECOND * 10), Turn::Now);
        assert!(matches!(pace.turn(begun + SECOND * 10), Turn::NotNow(..)));
        pace.answered();
        assert_eq!(pace.turn(begun + SECOND * 10), Turn::Now);
    }

    #[test]
    fn a_pause_that_was_asked_for_holds_for_all() {
        let begun = Instant::now();
        let mut pace = Pace::new(None, Breaker::default(), begun);
        pace.pause(begun, SECOND * 5);
        assert!(matches!(pace.turn(begun + SECOND), Turn::NotNow(left, _) if left == SECOND * 4));
        assert_eq!(pace.turn(begun + SECOND * 5), Turn::Now);
    }
}
