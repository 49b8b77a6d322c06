//! Once a day, what is over long ago leaves the store.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::sync::watch;

use super::inbound::forgotten_before;
use super::lanes::{blocking, is_lasting};
use super::ledger::Draft;
use super::raising::about_upkeep;
use super::{Error, Gateway};
use crate::exceptions::Kind;
use crate::profile::{Profiles, Sections};
use crate::store::{self, Change, Store};

/// From one look to the next.
const EVERY: Duration = Duration::from_hours(24);
/// How far the clock may be ahead of the last thing that was noted before the start, for a pass at once.
const AHEAD_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Fewer days are not taken: reports, comparisons with orders and late acknowledgements look that far back.
const DAYS_MIN: u32 = 60;

/// `[retention]`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionConfig {
    /// What was over so many days ago leaves the store; without it, everything stays.
    pub days: Option<u32>,
}

impl RetentionConfig {
    pub(super) fn read(sections: &mut Sections<'_>) -> Self {
        let read: Self = sections.optional("retention");
        if read.days.is_some_and(|days| days < DAYS_MIN) {
            let place = sections.place(&["retention", "days"]);
            let words = format!("retention: `days` is at least {DAYS_MIN}");
            sections.problem(place, words);
        }
        read
    }
}

/// The moment so many days ago.
#[must_use]
pub fn days_ago(days: u32) -> Timestamp {
    let span = SignedDuration::from_hours(24 * i64::from(days));
    Timestamp::now().saturating_sub(span).unwrap_or(Timestamp::MIN)
}

/// When the last thing was noted in a store; nothing where nothing was.
pub(super) fn last_noted(store: &dyn Store) -> Result<Option<Timestamp>, store::Error> {
    let last = store.last_journal()?;
    let newest = store.journal(last.saturating_sub(1), 1)?;
    Ok(newest.first().map(|record| record.entry.at))
}

/// Retires at the start and then each day, as long as the gateway runs. What has left does not come back: where the clock is
/// far ahead of what was noted last, since the gateway stood still for long or since nobody has set it yet, the first pass
/// is a day later.
pub(super) async fn keep_retiring(
    gateway: Arc<Gateway>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    let Some(days) = gateway.config.retention.days else {
        // The value changes once, at the end.
        let _ = stop.changed().await;
        return Ok(());
    };
    let now = Timestamp::now();
    let mut waits = gateway.last_noted.is_some_and(|last| now.duration_since(last) > AHEAD_MAX);
    if waits {
        let last = gateway.last_noted.map(|last| last.to_string()).unwrap_or_default();
        tracing::warn!(
            last,
            "nothing was noted for long: history is retired in a day, if the clock is right"
        );
    }
    while !*stop.borrow() {
        if !std::mem::take(&mut waits) {
            let (keeper, stopped) = (Arc::clone(&gateway), stop.clone());
            blocking(move || keeper.retire(days, &|| *stopped.borrow())).await?;
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.changed() => {}
        }
    }
    Ok(())
}

/// Before which moment the numbers of a partner do not count any more; of one that is none they count for ever.
pub(super) fn forgotten_of(
    profiles: &Profiles,
    now: Timestamp,
) -> impl Fn(&str) -> Option<Timestamp> {
    move |name| profiles.partner(name).and_then(|partner| forgotten_before(partner, now))
}

impl Gateway {
    fn retire(&self, days: u32, stop: &dyn Fn() -> bool) -> Result<(), Error> {
        let what = "retiring history";
        let before = days_ago(days);
        let live = self.live();
        let numbers = forgotten_of(&live.profiles, Timestamp::now());
        let told = self.ledger.store().retire(before, &numbers, stop).and_then(|retired| {
            let mut draft = Draft::new();
            if !retired.is_empty() {
                draft.push(Change::Journal(retired.entry(Timestamp::now(), before)));
            }
            self.ledger.commit(draft)
        });
        let error = told.err().map(Error::Store);
        if let Some(e) = error.as_ref().filter(|e| !is_lasting(e)) {
            tracing::error!("{e}");
        }
        self.stands(Kind::StoreTrouble, about_upkeep(what), what, error)
    }
}
