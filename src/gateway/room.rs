//! Room for a few at a time, from which nobody is kept by those who never leave it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

/// So many have room at a time, as long as they get on.
pub(super) struct Room {
    places: Semaphore,
    /// How many have left it.
    left: AtomicU64,
}

/// A place in it.
pub(super) struct Place<'a> {
    room: &'a Room,
    _permit: SemaphorePermit<'a>,
}

impl Room {
    pub(super) fn new(places: usize) -> Self {
        Self { places: Semaphore::new(places), left: AtomicU64::new(0) }
    }

    /// Waits for a place; nothing where nobody has left his for so long, on which the caller goes on without one.
    pub(super) async fn enter(&self, patience: Duration) -> Option<Place<'_>> {
        loop {
            let before = self.left.load(Ordering::Relaxed);
            match tokio::time::timeout(patience, self.places.acquire()).await {
                Ok(permit) => {
                    return permit.ok().map(|permit| Place { room: self, _permit: permit });
                }
                Err(_) if self.left.load(Ordering::Relaxed) == before => return None,
                // It gets on.
                Err(_) => {}
            }
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.room.left.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Enters, stays for a while, and tells whether there was a place.
    async fn stay(room: &Room, patience: Duration, stay: Duration) -> bool {
        let place = room.enter(patience).await;
        tokio::time::sleep(stay).await;
        place.is_some()
    }

    // The clock stands still, and goes on only where all wait for it.
    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_those_who_never_leave() {
        let room = Room::new(2);
        let (one, _other) = (room.enter(SECOND).await, room.enter(SECOND).await);
        assert!(one.is_some());
        assert!(room.enter(SECOND).await.is_none());
        drop(one);
        assert!(room.enter(SECOND).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn as_long_as_it_gets_on_nobody_goes_on_without_a_place() {
        let room = Room::new(1);
        let (patience, long) = (SECOND * 3, SECOND * 2);
        let all = tokio::join!(
            stay(&room, patience, long),
            stay(&room, patience, long),
            stay(&room, patience, long),
        );
        assert_eq!(all, (true, true, true));
    }
}
