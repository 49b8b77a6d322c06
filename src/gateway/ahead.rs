//! What comes next is made ready on another thread while one thing after the other is decided.

use std::panic::AssertUnwindSafe;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// So many are made ready before they are needed, at most: each holds memory until then.
const AHEAD_MAX: usize = 64;

/// Does something with each item, in order, and hands it what was made ready for it: nothing where that failed, or
/// panicked, or without a helper, which is another thread that makes ready too.
pub(super) fn each<T: Sync, P: Send>(
    items: &[T],
    has_helper: bool,
    ready: impl Fn(&T) -> Option<P> + Sync,
    mut decide: impl FnMut(&T, Option<P>),
) {
    let ready =
        |item: &T| std::panic::catch_unwind(AssertUnwindSafe(|| ready(item))).unwrap_or_default();
    if !has_helper || items.len() < 2 {
        return items.iter().for_each(|item| decide(item, None));
    }
    let slots = items.iter().map(|_| Slot::Open).collect();
    let bench =
        Bench { state: Mutex::new(State { slots, decided: 0, ends: false }), told: Condvar::new() };
    thread::scope(|scope| {
        let helper = || {
            while let Some(at) = bench.claim() {
                bench.put(at, ready(&items[at]));
            }
        };
        // Where it cannot be had, all is made ready here.
        let _ = thread::Builder::new().name("ahead".to_owned()).spawn_scoped(scope, helper);
        // However this ends, the helper ends with it.
        let _end = End(&bench);
        for (at, item) in items.iter().enumerate() {
            let made = loop {
                match bench.next(at) {
                    Next::Ready(made) => break made,
                    Next::Make(other) if other == at => break ready(item),
                    Next::Make(other) => bench.put(other, ready(&items[other])),
                }
            };
            decide(item, made);
        }
    });
}

/// Where those who make ready meet the one who decides.
struct Bench<P> {
    state: Mutex<State<P>>,
    told: Condvar,
}

struct State<P> {
    slots: Vec<Slot<P>>,
    /// How many are decided, or underway to it.
    decided: usize,
    ends: bool,
}

enum Slot<P> {
    /// Nobody has begun.
    Open,
    /// Somebody makes it ready, or it was taken.
    Taken,
    Ready(Option<P>),
}

/// What the one who decides does next.
enum Next<P> {
    Ready(Option<P>),
    /// To make this one ready.
    Make(usize),
}

impl<P> State<P> {
    /// The first that nobody has begun, of those that are to come soon.
    fn open(&mut self) -> Option<usize> {
        let soon = self.decided..self.slots.len().min(self.decided + AHEAD_MAX);
        let at = soon.into_iter().find(|at| matches!(self.slots[*at], Slot::Open))?;
        self.slots[at] = Slot::Taken;
        Some(at)
    }
}

impl<P> Bench<P> {
    fn state(&self) -> MutexGuard<'_, State<P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<P>>) -> MutexGuard<'a, State<P>> {
        self.told.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// The next for the helper; nothing at the end.
    fn claim(&self) -> Option<usize> {
        let mut state = self.state();
        loop {
            if state.ends {
                return None;
            }
            match state.open() {
                Some(at) => return Some(at),
                None => state = self.wait(state),
            }
        }
    }

    fn put(&self, at: usize, made: Option<P>) {
        self.state().slots[at] = Slot::Ready(made);
        self.told.notify_all();
    }

    /// What was made for an item, or what to make while somebody else makes it.
    fn next(&self, at: usize) -> Next<P> {
        let mut state = self.state();
        if state.decided < at {
            state.decided = at;
            self.told.notify_all();
        }
        loop {
            match std::mem::replace(&mut state.slots[at], Slot::Taken) {
                Slot::Ready(made) => return Next::Ready(made),
                Slot::Open => return Next::Make(at),
                Slot::Taken => {}
            }
            match state.open() {
                Some(other) => return Next::Make(other),
                None => state = self.wait(state),
            }
        }
    }
}

struct End<'a, P>(&'a Bench<P>);

impl<P> Drop for End<'_, P> {
    fn drop(&mut self) {
        self.0.state().ends = true;
        self.0.told.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn each_is_decided_in_order_with_what_was_made_for_it_alone() {
        for has_helper in [false, true] {
            let items: Vec<usize> = (0..500).collect();
            let decided = AtomicUsize::new(0);
            let mut seen = Vec::new();
            let make = |item: &usize| {
                let ahead = item - decided.load(Ordering::SeqCst).min(*item);
                assert!(ahead <= AHEAD_MAX, "{item} is made ready too early");
                assert_ne!(item % 10, 3, "on purpose");
                (item % 10 != 7).then_some(item * 2)
            };
            each(&items, has_helper, make, |item, made| {
                decided.store(*item, Ordering::SeqCst);
                seen.push((*item, made));
                // The helper has its turn, too.
                thread::yield_now();
            });
            let wanted = items.iter().map(|item| {
                (*item, (has_helper && ![3, 7].contains(&(item % 10))).then_some(item * 2))
            });
            assert_eq!(seen, wanted.collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_decision_that_panics_leaves_no_helper_behind() {
        let items: Vec<usize> = (0..100).collect();
        let panics = AssertUnwindSafe(|| {
            each(&items, true, |item| Some(*item), |item, _| assert!(*item < 20, "on purpose"));
        });
        // It would hang here.
        assert!(std::panic::catch_unwind(panics).is_err());
    }
}
