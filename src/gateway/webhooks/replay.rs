//! What people do about webhooks: see what waits, have events sent once more, try whether one answers.

use std::path::Path;

use jiff::Timestamp;

use super::event::WebhookEvent;
use super::{WebhookConfig, queued};
use crate::gateway::settling::Commit;
use crate::gateway::{Config, Error, Gateway, lanes};
use crate::notify;
use crate::store::{
    Change, Event, Facts, JournalEntry, JournalRecord, Records, Trail, Transaction,
};

/// Events that are queued in one commit.
const EVENTS_A_COMMIT: usize = 100;
/// Events that one replay queues: what the gateway then has to send, besides what happens.
const EVENTS_MAX: usize = 10_000;
/// Waiting events that are looked at.
const WAITING_MAX: usize = 10_000;

/// Which events are sent once more.
#[derive(Debug, Clone)]
pub struct Replaying<'a> {
    /// To which webhook.
    pub webhook: &'a str,
    /// What happened at this moment or later.
    pub since: Timestamp,
    /// … and before this one.
    pub until: Timestamp,
    /// About this document only.
    pub document: Option<&'a str>,
    /// Who wants it.
    pub who: &'a str,
}

/// Queues events of the past once more, with the ids that they had; tells how many, and from when on there are more
/// than are queued at a time. What has been retired is not told again.
///
/// # Errors
/// Where there is no such webhook, or the records cannot be read or added to.
pub fn replay_events(
    config: &Config,
    records: &dyn Records,
    replaying: &Replaying<'_>,
) -> Result<(usize, Option<Timestamp>), Error> {
    replay_by(config, records, &|transaction| records.commit(transaction), replaying)
}

impl Gateway {
    /// The same within a gateway that runs: its lanes are woken.
    ///
    /// # Errors
    /// Where there is no such webhook, or the records cannot be read or added to.
    pub fn replay_events(
        &self,
        replaying: &Replaying<'_>,
    ) -> Result<(usize, Option<Timestamp>), Error> {
        let commit = |transaction| self.ledger.commit_all(&transaction);
        replay_by(&self.config, self.ledger.store(), &commit, replaying)
    }
}

fn replay_by(
    config: &Config,
    records: &dyn Records,
    commit: &Commit<'_>,
    replaying: &Replaying<'_>,
) -> Result<(usize, Option<Timestamp>), Error> {
    let webhook = find(config, replaying.webhook)?;
    let mut batch = Vec::new();
    let (mut count, mut rest) = (0, None);
    each(&config.data, replaying, &mut |record| {
        let Some(event) = WebhookEvent::of(records, record)? else { return Ok(true) };
        let is_its = |id: &str| event.document.as_deref() == Some(id);
        if !webhook.wants(replaying.webhook, &event) || !replaying.document.is_none_or(is_its) {
            return Ok(true);
        }
        if count == EVENTS_MAX {
            rest = Some(event.time);
            return Ok(false);
        }
        count += 1;
        batch.push(event);
        if batch.len() == EVENTS_A_COMMIT {
            commit(once_more(records, replaying, &std::mem::take(&mut batch))?)?;
        }
        Ok(true)
    })?;
    if !batch.is_empty() {
        commit(once_more(records, replaying, &batch)?)?;
    }
    Ok((count, rest))
}

/// Hands on each record of the time that is meant until it is told to stop. The audit log has all of them; the
/// database only the last.
fn each(
    data: &Path,
    replaying: &Replaying<'_>,
    on: &mut dyn FnMut(&JournalRecord) -> Result<bool, Error>,
) -> Result<(), Error> {
    let mut trail = Trail::open(data, 1)?;
    while let Some(told) = trail.read()? {
        for record in &told.journal {
            let at = record.entry.at;
            if at >= replaying.since && at < replaying.until && !on(record)? {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn once_more(
    records: &dyn Records,
    replaying: &Replaying<'_>,
    events: &[WebhookEvent],
) -> Result<Transaction, Error> {
    let now = Timestamp::now();
    let name = replaying.webhook.to_owned();
    let mut transaction = Transaction::new().by(replaying.who);
    for event in events {
        for work in queued(records, event, std::iter::once(&name), now)? {
            transaction.push(Change::Queue(work));
        }
    }
    transaction.journal(JournalEntry {
        at: now,
        event: Event::WebhookReplayed,
        partner: String::new(),
        subject: format!("webhook {name}"),
        payload: None,
        facts: Facts::default(),
        note: format!("by {}: {} events", replaying.who, events.len()),
    });
    Ok(transaction)
}

/// What waits for a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The webhook.
    pub webhook: String,
    /// Whether it is configured: else it waits until it is.
    pub is_configured: bool,
    /// How many events wait; counted up to 10,000.
    pub events: usize,
    /// How many of them have failed, and are tried again.
    pub failing: usize,
    /// Since when the first of them waits.
    pub since: Option<Timestamp>,
    /// What the first that has failed failed of; empty where none has.
    pub error: String,
}

/// What waits for each webhook that is configured, and for those that are no more.
///
/// # Errors
/// Where the records cannot be read.
pub fn waiting_events(config: &Config, records: &dyn Records) -> Result<Vec<Waiting>, Error> {
    let mut lanes: Vec<String> = config.webhooks.keys().map(|name| lanes::webhook(name)).collect();
    let start = lanes::webhook("");
    let backlog = records.backlog(0)?.waiting.into_keys();
    lanes.extend(backlog.filter(|lane| lane.starts_with(&start)));
    lanes.sort();
    lanes.dedup();
    let waiting = |lane: String| {
        let webhook = lane.get(start.len()..).unwrap_or_default().to_owned();
        let works = records.queued(&lane, WAITING_MAX)?;
        let mut failed = works.iter().filter(|work| work.attempts > 0);
        let error = failed.clone().next().map(|work| work.error.clone()).unwrap_or_default();
        Ok(Waiting {
            is_configured: config.webhooks.contains_key(&webhook),
            webhook,
            events: works.len(),
            since: works.iter().map(|work| work.queued).min(),
            failing: failed.by_ref().count(),
            error,
        })
    };
    lanes.into_iter().map(waiting).collect()
}

/// Posts an event that tells of nothing, at once and past what waits. Call it where blocking is allowed, within a tokio
/// runtime.
///
/// # Errors
/// Where there is no such webhook, or it did not take it.
pub fn ping_webhook(config: &Config, name: &str) -> Result<(), Error> {
    let webhook = find(config, name)?;
    let event = WebhookEvent::test(Timestamp::now());
    let json = serde_json::to_vec(&event)
        .map_err(|e| Error::Defect(format!("an event cannot be written: {e}")))?;
    let receiver = notify::open_receiver(&webhook.settings).map_err(Error::Notify)?;
    receiver.post(&event.id, json).map_err(Error::Notify)
}

fn find<'a>(config: &'a Config, name: &str) -> Result<&'a WebhookConfig, Error> {
    config.webhooks.get(name).ok_or_else(|| {
        let known: Vec<&str> = config.webhooks.keys().map(String::as_str).collect();
        let words = match known.as_slice() {
            [] => "crossdock.toml has no [webhooks.NAME]".to_owned(),
            known => format!("there is no webhook `{name}`; there are `{}`", known.join("`, `")),
        };
        Error::Configuration(words)
    })
}
