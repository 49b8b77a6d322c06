//! Numbers of groups and sets that a partner has used before, as far as the agreement asks for them.

use std::cell::RefCell;

use jiff::{SignedDuration, Timestamp};

use crate::gateway::ledger::Draft;
use crate::gateway::parts::Header;
use crate::gateway::translation::{NumberSeen, Received};
use crate::profile::{DuplicateNumber, Partner};
use crate::store::{self, Change, PurchaseOrderKey, Store};

/// Until when numbers of a partner's, and ours to it, count as seen; nothing: for ever.
pub(in crate::gateway) fn forgotten_before(partner: &Partner, now: Timestamp) -> Option<Timestamp> {
    let days = i64::from(partner.duplicates.days);
    let span = SignedDuration::from_hours(days * 24);
    (days > 0).then(|| now.saturating_sub(span).unwrap_or(Timestamp::MIN))
}

/// What is known of the numbers in one interchange.
pub(super) struct Repeats<'a> {
    store: &'a dyn Store,
    partner: &'a Partner,
    test: bool,
    interchange: String,
    now: Timestamp,
    /// The first that could not be looked up.
    failed: RefCell<Option<store::Error>>,
}

impl<'a> Repeats<'a> {
    pub(super) fn new(
        store: &'a dyn Store,
        partner: &'a Partner,
        header: &Header,
        now: Timestamp,
    ) -> Self {
        let interchange = format!("interchange {}", header.number);
        Self { store, partner, test: header.test, interchange, now, failed: RefCell::default() }
    }

    /// Where a number was seen before, while that counts.
    pub(super) fn before(&self, number: &NumberSeen<'_>) -> Option<String> {
        let words = match self.store.purchase_order(&self.key(number)) {
            Ok(words) => words?,
            Err(e) => {
                self.failed.borrow_mut().get_or_insert(e);
                return None;
            }
        };
        // Written by `note`: the moment, then where.
        let (at, place) = words.split_once(' ')?;
        let at: Timestamp = at.parse().ok()?;
        let counts = forgotten_before(self.partner, self.now).is_none_or(|limit| at >= limit);
        counts.then(|| format!("{place}, {at:.0}"))
    }

    /// Whether all could be looked up.
    pub(super) fn failed(&self) -> Result<(), store::Error> {
        self.failed.borrow_mut().take().map_or(Ok(()), Err)
    }

    /// Remembers the numbers of what was accepted.
    pub(super) fn note(&self, draft: &mut Draft, received: &Received) {
        let words = format!("{} {}", self.now, self.interchange);
        let duplicates = self.partner.duplicates;
        if duplicates.group != DuplicateNumber::Ignore {
            for (kind, number) in received.group_numbers() {
                let seen = NumberSeen::Group { kind: &kind, number: &number };
                draft.push(Change::Noted(self.key(&seen), words.clone()));
            }
        }
        if duplicates.set != DuplicateNumber::Ignore {
            for set in received.sets.iter().filter(|set| set.accepted) {
                let seen = NumberSeen::Set { kind: &set.set, number: &set.number };
                draft.push(Change::Noted(self.key(&seen), words.clone()));
            }
        }
    }

    fn key(&self, number: &NumberSeen<'_>) -> PurchaseOrderKey {
        let test = if self.test { "test " } else { "" };
        let (kind, number) = match number {
            NumberSeen::Group { kind, number } => (format!("{test}group {kind}"), number),
            NumberSeen::Set { kind, number } => (format!("{test}set {kind}"), number),
        };
        // Longer than any of the standard they are cut: records stay small.
        let number = number.trim().chars().take(40).collect();
        let kind = kind.chars().take(40).collect();
        PurchaseOrderKey { partner: self.partner.name.clone(), kind, number }
    }
}
