//! What comes next is made ready on another thread while one thing after the other is decided.

use std::panic::AssertUnwindSafe;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What is made ready before it is needed weighs no more than this together. Of files in bytes: what is read of one takes
/// up to 300 times its size in memory, 20 MB then.
const WEIGHT_MAX: usize = 64 << 10;

/// Does something with each item, in order, and hands it what was made ready for it: nothing where that failed or
/// panicked, or where the item weighs more than `WEIGHT_MAX`. A helper, which is another thread, makes ready too, while
/// `room` gives it some; it keeps that no longer than for one item.
pub(super) fn each<T: Sync, P: Send, R>(
    items: &[T],
    weigh: impl Fn(&T) -> usize,
    room: impl Fn() -> Option<R> + Sync,
    ready: impl Fn(&T) -> Option<P> + Sync,
    mut decide: impl FnMut(&T, Option<P>),
) {
    let weights: Vec<usize> = items.iter().map(weigh).collect();
    let ready = |item: &T, weight: usize| {
        let made = || std::panic::catch_unwind(AssertUnwindSafe(|| ready(item)));
        if weight > WEIGHT_MAX { None } else { made().unwrap_or_default() }
    };
    // The first has its turn at once.
    if weights.iter().skip(1).all(|weight| *weight > WEIGHT_MAX) {
        for (item, weight) in items.iter().zip(weights) {
            decide(item, ready(item, weight));
        }
        return;
    }
    let slots = items.iter().map(|_| Slot::Open).collect();
    let state = State { slots, weights: weights.clone(), held: 0, turn: 0, ends: false };
    let bench = Bench { state: Mutex::new(state), told: Condvar::new() };
    thread::scope(|scope| {
        let helper = || {
            while let Some((at, room)) = bench.claim(&room) {
                bench.put(at, ready(&items[at], weights[at]));
                drop(room);
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
                    Next::Make(other) if other == at => break ready(item, weights[at]),
                    Next::Make(other) => bench.put(other, ready(&items[other], weights[other])),
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
    weights: Vec<usize>,
    /// What weighs that is made ready, or being made, before its turn.
    held: usize,
    /// Which is decided, or waited for.
    turn: usize,
    ends: bool,
}

enum Slot<P> {
    /// Nobody has begun.
    Open,
    /// Somebody makes it ready.
    Made,
    Ready(Option<P>),
    /// It is decided, or being made ready in its turn.
    Gone,
}

/// What the one who decides does next.
enum Next<P> {
    Ready(Option<P>),
    /// To make this one ready.
    Make(usize),
}

impl<P> State<P> {
    /// The first behind the one whose turn it is that nobody has begun and that may be made ready before its turn.
    fn open(&self) -> Option<usize> {
        let open =
            |at: &usize| matches!(self.slots[*at], Slot::Open) && self.weights[*at] <= WEIGHT_MAX;
        (self.turn + 1..self.slots.len()).find(open)
    }

    /// Whether there is room for one more.
    fn has_room(&self, at: usize) -> bool {
        self.held + self.weights[at] <= WEIGHT_MAX
    }

    fn begin(&mut self, at: usize) {
        self.slots[at] = Slot::Made;
        self.held += self.weights[at];
    }
}

impl<P> Bench<P> {
    fn state(&self) -> MutexGuard<'_, State<P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<P>>) -> MutexGuard<'a, State<P>> {
        self.told.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// The next for the helper, and its room; nothing once there will be no more.
    fn claim<R>(&self, room: &impl Fn() -> Option<R>) -> Option<(usize, R)> {
        let mut state = self.state();
        loop {
            let at = state.open().filter(|_| !state.ends)?;
            if state.has_room(at)
                && let Some(room) = room()
            {
                state.begin(at);
                return Some((at, room));
            }
            state = self.wait(state);
        }
    }

    fn put(&self, at: usize, made: Option<P>) {
        self.state().slots[at] = Slot::Ready(made);
        self.told.notify_all();
    }

    /// What was made for an item, or what to make while somebody else makes it.
    fn next(&self, at: usize) -> Next<P> {
        let mut state = self.state();
        if state.turn < at {
            state.turn = at;
            self.told.notify_all();
        }
        loop {
            match std::mem::replace(&mut state.slots[at], Slot::Gone) {
                Slot::Ready(made) => {
                    state.held -= state.weights[at];
                    self.told.notify_all();
                    return Next::Ready(made);
                }
                Slot::Open | Slot::Gone => return Next::Make(at),
                Slot::Made => state.slots[at] = Slot::Made,
            }
            match state.open().filter(|other| state.has_room(*other)) {
                Some(other) => {
                    state.begin(other);
                    return Next::Make(other);
                }
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
        for has_room in [false, true] {
            let items: Vec<usize> = (0..500).collect();
            let weigh = |item: &usize| if item % 50 == 49 { WEIGHT_MAX + 1 } else { 2000 };
            let is_light = |item: &usize| weigh(item) <= WEIGHT_MAX;
            let (held, amiss) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let mut seen = Vec::new();
            let make = |item: &usize| {
                let before = held.fetch_add(weigh(item), Ordering::SeqCst);
                // Too heavy, or too early: one more is in its turn. A panic here would only be nothing made.
                let is_amiss = !is_light(item) || before > WEIGHT_MAX;
                amiss.fetch_add(is_amiss.into(), Ordering::SeqCst);
                assert_ne!(item % 10, 3, "on purpose");
                (item % 10 != 7).then_some(item * 2)
            };
            let room = || has_room.then_some(());
            each(&items, weigh, room, make, |item, made| {
                held.fetch_sub(if is_light(item) { weigh(item) } else { 0 }, Ordering::SeqCst);
                seen.push((*item, made));
                // The helper has its turn, too.
                thread::yield_now();
            });
            let is_made = |item: &usize| is_light(item) && ![3, 7].contains(&(item % 10));
            let wanted = items.iter().map(|item| (*item, is_made(item).then_some(item * 2)));
            assert_eq!(seen, wanted.collect::<Vec<_>>());
            assert_eq!(amiss.into_inner(), 0);
        }
    }

    struct Room(std::sync::mpsc::Sender<()>);

    impl Drop for Room {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }

    #[test]
    fn without_room_nobody_helps_and_room_is_given_back_before_anything_is_waited_for() {
        let here = thread::current().id();
        let who = |_: &usize| Some(thread::current().id());
        let items = [1, 2, 3];
        each(&items, |_| 1, || None::<()>, who, |_, by| assert_eq!(by, Some(here)));

        // The helper fills what may be held, and then has to wait for the decision, without room.
        let (given, back) = std::sync::mpsc::channel();
        let items: Vec<usize> = (0..9).collect();
        let given = Mutex::new(given);
        let room = || given.lock().ok().map(|given| Room(given.clone()));
        let weigh = |_: &usize| WEIGHT_MAX / 4;
        let made = AtomicUsize::new(0);
        let make = |_: &usize| Some(made.fetch_add(1, Ordering::SeqCst));
        each(&items, weigh, room, make, |item, _| {
            if *item == 0 {
                // It would hang here, were one kept.
                back.iter().take(4).for_each(drop);
                assert_eq!(made.load(Ordering::SeqCst), 5);
            }
        });
        assert_eq!(made.load(Ordering::SeqCst), 9);
    }

    #[test]
    fn nothing_heavy_is_made_ready() {
        let made = AtomicUsize::new(0);
        let make = |_: &usize| Some(made.fetch_add(1, Ordering::SeqCst));
        let mut decided = Vec::new();
        for items in [&[1, 2][..], &[1, 2, 3]] {
            let weigh = |item: &i32| if *item == 3 { 1 } else { WEIGHT_MAX + 1 };
            each(items, weigh, || Some(()), |_| make(&0), |item, made| decided.push((*item, made)));
        }
        assert_eq!(decided, [(1, None), (2, None), (1, None), (2, None), (3, Some(0))]);
        assert_eq!(made.into_inner(), 1);
    }

    #[test]
    fn a_decision_that_panics_leaves_no_helper_behind() {
        let items: Vec<usize> = (0..100).collect();
        let panics = AssertUnwindSafe(|| {
            each(
                &items,
                |_| 1,
                || Some(()),
                |item| Some(*item),
                |item, _| assert!(*item < 20, "on purpose"),
            );
        });
        // It would hang here.
        assert!(std::panic::catch_unwind(panics).is_err());
    }
}
