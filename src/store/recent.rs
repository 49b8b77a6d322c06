//! Payloads that were kept a moment ago: most are read again within seconds, to be translated, handed over or sent.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::payloads::PayloadId;

/// Bytes that are held at most.
const HELD_BYTES_MAX: usize = 8 << 20;
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
        let large = vec![0; PAYLOAD_BYTES_MAX + 1];
        recent.hold(PayloadId::of(&large), &large);
        assert!(recent.get(PayloadId::of(&large)).is_none());
    }
}
