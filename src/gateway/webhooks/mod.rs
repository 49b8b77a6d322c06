//! Webhooks: what happens to documents, told to systems of ours as signed calls, each event until it is taken.
//!
//! A reader follows the journal. The commit that queues an event moves the place up to which the journal was read, so
//! that each is queued once, whatever ends between them. Events about one order wait for each other, and for no others.

mod config;
mod event;
mod replay;

pub use config::WebhookConfig;
pub(super) use config::read_webhooks;
pub use event::{EventType, WebhookEvent};
pub use replay::{Replaying, Waiting, ping_webhook, replay_events, waiting_events};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::lanes::{CLOCK, blocking, is_lasting};
use super::ledger::Draft;
use super::raising::about_upkeep;
use super::{Error, Gateway, lanes};
use crate::disk::trial;
use crate::exceptions::Kind;
use crate::store::{Change, Event, NewWork, PayloadId, Records, Task, Work};

/// Journal records that are read at a time. The place moves on with the events among them, and at the latest after so
/// many records.
const RECORDS_A_READ: usize = 500;
/// What happens within so short a time is queued in one commit.
const GATHER: Duration = Duration::from_millis(20);

/// What the upkeep is called that this is.
const UPKEEP: &str = "telling webhooks";

/// How far the journal was read.
struct Reader {
    /// Up to this record.
    position: u64,
    /// And for each webhook, as the store has it.
    told: BTreeMap<String, u64>,
}

/// Follows the journal until stopped.
pub(super) async fn keep_telling(
    gateway: Arc<Gateway>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    let mut records = gateway.subscribe();
    let mut reader = None;
    // What was wrong before a start may be well by now.
    let mut was_well = false;
    while !*stop.borrow() {
        let (teller, before) = (Arc::clone(&gateway), reader.take());
        let step = blocking(move || Ok(teller.tell_webhooks(before))).await;
        let (after, result) = step.unwrap_or_else(|e| (None, Err(e)));
        reader = after;
        let is_well = result.is_ok();
        let more = matches!(result, Ok(true));
        if let Some(e) = result.as_ref().err().filter(|e| !is_lasting(e)) {
            tracing::error!("{UPKEEP}: {e}");
        }
        if !(is_well && was_well) {
            let (teller, about) = (Arc::clone(&gateway), about_upkeep(UPKEEP));
            let stands = move || teller.stands(Kind::StoreTrouble, about, UPKEEP, result.err());
            match blocking(stands).await {
                Err(e) if is_lasting(&e) => return Err(e),
                Err(e) => tracing::error!("{e}"),
                Ok(()) => {}
            }
        }
        was_well = is_well;
        if more {
            continue;
        }
        let something = async {
            if is_well {
                // One that lags has missed what the journal has all the same.
                let _ = records.recv().await;
                tokio::time::sleep(GATHER).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = something => {}
            () = tokio::time::sleep(CLOCK) => {}
            _ = stop.changed() => {}
        }
        records = records.resubscribe();
    }
    Ok(())
}

impl Gateway {
    /// Webhooks that are new are told of what happens from now on; those that are gone are forgotten.
    pub(super) fn begin_webhooks(&self) -> Result<(), Error> {
        let store = self.ledger.store();
        let told = store.webhooks_told()?;
        let mut draft = Draft::new();
        for webhook in told.keys().filter(|name| !self.receivers.contains_key(*name)) {
            draft.push(Change::WebhookTold { webhook: webhook.clone(), through: None });
        }
        for webhook in self.receivers.keys().filter(|name| !told.contains_key(*name)) {
            let through = Some(store.last_journal()?);
            draft.push(Change::WebhookTold { webhook: webhook.clone(), through });
        }
        if draft.is_empty() { Ok(()) } else { Ok(self.ledger.commit(draft)?) }
    }

    /// Queues the next events. Tells how far it has come, and whether there may be more.
    fn tell_webhooks(&self, reader: Option<Reader>) -> (Option<Reader>, Result<bool, Error>) {
        let reader = match reader {
            Some(reader) => Ok(reader),
            None => self.ledger.store().webhooks_told().map(|told| {
                let position = told.values().copied().min().unwrap_or(0);
                Reader { position, told }
            }),
        };
        match reader {
            Err(e) => (None, Err(e.into())),
            Ok(mut reader) => match self.tell_next(&mut reader) {
                Ok(more) => (Some(reader), Ok(more)),
                // What the store has is what counts.
                Err(e) => (None, Err(e)),
            },
        }
    }

    fn tell_next(&self, reader: &mut Reader) -> Result<bool, Error> {
        let store = self.ledger.store();
        let records = store.journal(reader.position, RECORDS_A_READ)?;
        let Some(last) = records.last().map(|record| record.sequence) else { return Ok(false) };
        let mut draft = Draft::new();
        for record in &records {
            let Some(event) = WebhookEvent::of(store, record)? else { continue };
            let webhooks = self.config.webhooks.iter().filter(|(name, webhook)| {
                let told = reader.told.get(*name).copied().unwrap_or(0);
                told < record.sequence && webhook.wants(name, &event)
            });
            for work in queued(store, &event, webhooks.map(|(name, _)| name), Timestamp::now())? {
                draft.push(Change::Queue(work));
            }
        }
        let is_far = |told: &u64| last.saturating_sub(*told) >= RECORDS_A_READ as u64;
        if !draft.is_empty() || reader.told.values().any(is_far) {
            for (webhook, told) in &mut reader.told {
                *told = last.max(*told);
                let (webhook, through) = (webhook.clone(), Some(*told));
                draft.push(Change::WebhookTold { webhook, through });
            }
            trial::step("webhook-queue.before");
            self.ledger.commit(draft)?;
            trial::step("webhook-queue.after");
        }
        reader.position = last;
        Ok(records.len() == RECORDS_A_READ)
    }

    /// Posts an event.
    pub(super) fn tell_webhook(
        &self,
        work: &Work,
        webhook: &str,
        event: &str,
        payload: PayloadId,
    ) -> Result<(), Error> {
        let receiver = self.receivers.get(webhook).ok_or_else(|| {
            Error::Configuration(format!("[webhooks.{webhook}] is not in crossdock.toml any more"))
        })?;
        let json = self.ledger.store().payload(payload)?;
        trial::step("webhook-post.before");
        receiver.post(event, json.clone()).map_err(Error::Notify)?;
        trial::step("webhook-post.after");
        let told: serde_json::Value = serde_json::from_slice(&json).unwrap_or_default();
        let word = |name: &str| told[name].as_str().unwrap_or_default();
        let subject = if word("document").is_empty() { event } else { word("document") };
        let note = format!("{} to {webhook}", word("type"));
        let mut draft = Draft::new();
        draft.done(work);
        let (now, what) = (Timestamp::now(), Event::WebhookDelivered);
        draft.journal(now, what, word("partner"), subject, &note);
        let facts = [("webhook", webhook), ("id", event), ("type", word("type"))];
        draft.tell(facts.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        Ok(self.ledger.commit(draft)?)
    }
}

/// The work that posts an event to webhooks.
fn queued<'a>(
    records: &dyn Records,
    event: &WebhookEvent,
    webhooks: impl Iterator<Item = &'a String>,
    due: Timestamp,
) -> Result<Vec<NewWork>, Error> {
    let mut webhooks = webhooks.peekable();
    if webhooks.peek().is_none() {
        return Ok(Vec::new());
    }
    let json = serde_json::to_vec(event)
        .map_err(|e| Error::Defect(format!("an event cannot be written: {e}")))?;
    let (payload, order) = (records.put_payload(&json)?, event.order());
    let work = |webhook: &String| {
        let (webhook, event) = (webhook.clone(), event.id.clone());
        let lane = lanes::webhook(&webhook);
        NewWork { lane, order: order.clone(), task: Task::Webhook { webhook, event, payload }, due }
    };
    Ok(webhooks.map(work).collect())
}
