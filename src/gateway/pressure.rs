//! Whether more comes than is translated at once: then deliveries into folders give way for a while, so that what waits in
//! mailboxes is durable, and its acknowledgement queued, soon. What has to wait is put together.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long one look at a full queue counts.
const COUNTS_FOR: Duration = Duration::from_millis(500);

/// When there was last as much to translate as is taken at a time.
#[derive(Default)]
pub(super) struct Pressure(Mutex<Option<Instant>>);

impl Pressure {
    /// So much was taken, of so much at the most.
    pub(super) fn note(&self, taken: usize, most: usize, now: Instant) {
        if taken >= most {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        }
    }

    /// Whether it is high.
    pub(super) fn is_high(&self, now: Instant) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| now.saturating_duration_since(last) < COUNTS_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_high_for_a_moment_after_a_full_batch() {
        let (pressure, begin) = (Pressure::default(), Instant::now());
        assert!(!pressure.is_high(begin));
        pressure.note(63, 64, begin);
        assert!(!pressure.is_high(begin));
        pressure.note(64, 64, begin);
        assert!(pressure.is_high(begin));
        pressure.note(1, 64, begin + COUNTS_FOR / 2);
        assert!(pressure.is_high(begin + COUNTS_FOR / 2));
        assert!(!pressure.is_high(begin + COUNTS_FOR));
    }
}
