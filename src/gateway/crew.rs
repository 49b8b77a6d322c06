//! A few threads for steps of which a few are done at a time: those that need the disks of this machine, and translations.
//!
//! The runtime's own pool makes another thread whenever none is idle at that moment, up to 512 (at the start of a gateway
//! with thousands of folders some hundred, for a handful of steps at a time), and ends them soon after; each keeps memory of
//! its own.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

type Step = Box<dyn FnOnce() + Send>;

/// The threads. They are made when they are first needed, and end with the crew.
pub(super) struct Crew(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    told: Condvar,
    name: &'static str,
    most: usize,
}

#[derive(Default)]
struct State {
    steps: VecDeque<Step>,
    threads: usize,
    idle: usize,
    ends: bool,
}

impl Crew {
    /// One of so many threads at the most; each has this name.
    pub(super) fn new(name: &'static str, most: usize) -> Self {
        Self(Arc::new(Shared { state: Mutex::default(), told: Condvar::new(), name, most }))
    }

    /// Has a step done, within the runtime of the caller; nothing where it panics. What the step holds is let go before
    /// this returns.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        step: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (teller, told) = oneshot::channel();
        let runtime = Handle::current();
        let step = Box::new(move || {
            let _within = runtime.enter();
            let result = step();
            // Whoever waited may be gone.
            let _ = teller.send(result);
        });
        if let Some(step) = self.0.begin(step) {
            // One that panics is heard of below.
            let _ = tokio::task::spawn_blocking(step).await;
        }
        told.await.ok()
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.0.state().ends = true;
        self.0.told.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the step back where there is nobody to do it.
    fn begin(self: &Arc<Self>, step: Step) -> Option<Step> {
        let mut state = self.state();
        if state.steps.len() >= state.idle && state.threads < self.most {
            let own = Arc::clone(self);
            let named = thread::Builder::new().name(self.name.to_owned());
            match named.spawn(move || own.work()) {
                Ok(_) => state.threads += 1,
                Err(_) if state.threads == 0 => return Some(step),
                // Those that are there do it.
                Err(_) => {}
            }
        }
        state.steps.push_back(step);
        drop(state);
        self.told.notify_one();
        None
    }

    fn work(&self) {
        let mut state = self.state();
        loop {
            if let Some(step) = state.steps.pop_front() {
                drop(state);
                // One that panics was told by the panic hook, and whoever waits for it hears nothing.
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(step));
                state = self.state();
            } else if state.ends {
                return;
            } else {
                state.idle += 1;
                state = self.told.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Barrier;

    use super::*;

    #[tokio::test]
    async fn steps_are_done_by_few_threads_and_one_that_panics_harms_none() {
        let crew = Arc::new(Crew::new("two", 2));
        let both = Arc::new(Barrier::new(2));
        let meet = |both: &Arc<Barrier>| {
            let both = Arc::clone(both);
            move || both.wait().is_leader()
        };
        // Each waits for the other, so that there are two.
        let (one, other) = tokio::join!(crew.run(meet(&both)), crew.run(meet(&both)));
        assert_ne!(one.unwrap(), other.unwrap());
        assert!(crew.run(|| -> () { panic!("on purpose") }).await.is_none());
        let mut steps = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let crew = Arc::clone(&crew);
            steps.spawn(async move { crew.run(|| thread::current().id()).await.unwrap() });
        }
        let threads: HashSet<_> = steps.join_all().await.into_iter().collect();
        assert!(threads.len() <= 2, "{threads:?}");
    }

    #[tokio::test]
    async fn threads_end_with_their_crew() {
        let crew = Crew::new("three", 3);
        crew.run(|| ()).await.unwrap();
        let shared = Arc::downgrade(&crew.0);
        drop(crew);
        while shared.strong_count() > 0 {
            thread::yield_now();
        }
    }
}
