//! Payloads that were kept a moment ago: most are read again within seconds, to be translated, handed over or sent.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::payloads::PayloadId;

/// Bytes that are held at most.
const HELD_BYTES_MAX: usize = 8 << 20;
/// So many that were taken may stand in the order, besides as many as are held.
const GONE_MAX: usize = 1000;
/// Largest payload that is held.
const PAYLOAD_BYTES_MAX: usize = 64 << 10;

/// The last payloads, the oldest first.
#[derive(Default)]
pub(super) struct Recent {
    by_id: HashMap<PayloadId, Arc<[u8]>>,
    order: VecDeque<PayloadId>,
    bytes: usize,
}

impl Recent {
    /// Holds one; the oldest make room for it.
    pub(super) fn hold(&mut self, id: PayloadId, bytes: &[u8]) {
        if bytes.len() > PAYLOAD_BYTES_MAX || self.by_id.contains_key(&id) {
            return;
        }
        self.by_id.insert(id, bytes.into());
        self.order.push_back(id);
        self.bytes += bytes.len();
        while self.bytes > HELD_BYTES_MAX {
            let Some(oldest) = self.order.pop_front() else { break };
            self.bytes -= self.by_id.remove(&oldest).map_or(0, |bytes| bytes.len());
        }
    }

    /// One, where it is held.
    pub(super) fn get(&self, id: PayloadId) -> Option<Arc<[u8]>> {
        self.by_id.get(&id).cloned()
    }

    /// One, where it is held, which is held no longer: most are read once, and leave the room to those that still wait
    /// for it.
    pub(super) fn take(&mut self, id: PayloadId) -> Option<Arc<[u8]>> {
        let bytes = self.by_id.remove(&id)?;
        self.bytes -= bytes.len();
        // What comes first is mostly taken first.
        while self.order.front().is_some_and(|id| !self.by_id.contains_key(id)) {
            self.order.pop_front();
        }
        if self.order.len() > 2 * self.by_id.len() + GONE_MAX {
            self.order.retain(|id| self.by_id.contains_key(id));
        }
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_are_held_and_no_more_than_fit() {
        let mut recent = Recent::default();
        let bytes = |n: usize| vec![u8::try_from(n % 251).unwrap(); PAYLOAD_BYTES_MAX - n];
        for n in 0..300 {
            recent.hold(PayloadId::of(&bytes(n)), &bytes(n));
            assert!(recent.bytes <= HELD_BYTES_MAX);
        }
        assert_eq!(recent.get(PayloadId::of(&bytes(299))).unwrap().to_vec(), bytes(299));
        assert!(recent.get(PayloadId::of(&bytes(0))).is_none());
        assert_eq!(recent.by_id.len(), recent.order.len());
        // What is taken leaves its room, wherever it stood.
        let held: Vec<PayloadId> = recent.order.iter().copied().collect();
        for id in held.iter().step_by(2).chain(held.iter().skip(1).step_by(2)) {
            assert!(recent.take(*id).is_some() && recent.take(*id).is_none());
        }
        assert_eq!((recent.bytes, recent.by_id.len(), recent.order.len()), (0, 0, 0));
        for _ in 0..5 * GONE_MAX {
            recent.hold(PayloadId::of(b"a"), b"a");
            recent.hold(PayloadId::of(b"b"), b"b");
            assert_eq!(&*recent.take(PayloadId::of(b"b")).unwrap(), b"b");
            assert!(recent.order.len() <= 2 + GONE_MAX);
        }
        let large = vec![0; PAYLOAD_BYTES_MAX + 1];
        recent.hold(PayloadId::of(&large), &large);
        assert!(recent.get(PayloadId::of(&large)).is_none());
    }
}
