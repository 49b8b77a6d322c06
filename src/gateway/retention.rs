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
use crate::store::Change;

/// From one look to the next.
const EVERY: Duration = Duration::from_hours(24);
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

/// Retires at the start and then each day, as long as the gateway runs.
pub(super) async fn keep_retiring(
    gateway: Arc<Gateway>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    let Some(days) = gateway.config.retention.days else {
        // The value changes once, at the end.
        let _ = stop.changed().await;
        return Ok(());
    };
    while !*stop.borrow() {
        let (keeper, stopped) = (Arc::clone(&gateway), stop.clone());
        blocking(move || keeper.retire(days, &|| *stopped.borrow())).await?;
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
