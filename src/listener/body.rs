//! Reading a body, as long as there is room for it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A sender that says nothing for so long in the middle of a body is cut off.
const IDLE_PATIENCE: Duration = Duration::from_secs(30);
/// What room is counted in.
const UNIT_BYTES: usize = 64 * 1024;
/// Messages of the largest kind that may come at the same time.
const LARGEST_AT_ONCE: usize = 4;
/// Room that there is at least: for thousands of usual messages.
const ROOM_BYTES_MIN: usize = 256 << 20;

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It has more bytes than this.
    TooLarge(usize),
    /// All bodies together have no more room.
    Busy,
    /// It did not come in time.
    Slow,
    /// The connection broke.
    Broken,
}

/// The room that all bodies have together.
pub struct Budget {
    largest: usize,
    room: Arc<Semaphore>,
}

impl Budget {
    /// Room for bodies of at most so many bytes each.
    #[must_use]
    pub fn new(largest: usize) -> Self {
        let bytes = largest.saturating_mul(LARGEST_AT_ONCE).max(ROOM_BYTES_MIN);
        let units = (bytes / UNIT_BYTES).min(Semaphore::MAX_PERMITS);
        Self { largest, room: Arc::new(Semaphore::new(units)) }
    }

    /// The bytes of a body, with the room that they hold.
    ///
    /// # Errors
    /// Why it was not read.
    pub async fn read(
        &self,
        mut body: Body,
    ) -> Result<(Vec<u8>, Vec<OwnedSemaphorePermit>), Unread> {
        let told = body.size_hint().lower();
        if told > self.largest as u64 {
            return Err(Unread::TooLarge(self.largest));
        }
        let mut bytes = Vec::new();
        let mut held = Vec::new();
        let mut room = 0;
        while let Some(frame) =
            tokio::time::timeout(IDLE_PATIENCE, body.frame()).await.map_err(|_| Unread::Slow)?
        {
            // Trailers say nothing that is asked for.
            let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
            let length = bytes.len() + data.len();
            if length > self.largest {
                return Err(Unread::TooLarge(self.largest));
            }
            if length > room {
                // Twice as much each time, as the bytes themselves grow.
                let units = (length - room).max(room).div_ceil(UNIT_BYTES);
                let most = u32::try_from(units).map_err(|_| Unread::TooLarge(self.largest))?;
                let taken = Arc::clone(&self.room).try_acquire_many_owned(most);
                held.push(taken.map_err(|_| Unread::Busy)?);
                room += units * UNIT_BYTES;
            }
            bytes.extend_from_slice(&data);
        }
        Ok((bytes, held))
    }
}
