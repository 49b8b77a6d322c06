//! Alerts: rules look at the journal as it grows and at what stands still too long, and queue messages.
//!
//! A message is work like any other: queued in the commit that notes that it was told, and done until its destination
//! has taken it. Repeats of one cause are counted while it is quiet, and told in one message afterwards.

mod config;
mod hits;
mod trial;
mod words;

pub use config::AlertRule;
pub(super) use config::{read_destinations, read_rules};
pub use trial::{Sent, send_test};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::ledger::Draft;
use super::{Error, Gateway, lanes};
use crate::notify::Message;
use crate::store::{self, AlertState, Change, Event, ExceptionState, Task, Work};
use hits::Hit;
use words::{Why, message};

/// Journal records that are read at a time.
const RECORDS_A_READ: usize = 500;
/// Causes that rules keep an eye on; what comes beyond is told each time.
const STATES_MAX: usize = 10_000;
/// Repeats that are named in the message about them, and how much of each.
const MORE_MAX: usize = 8;
/// So few that the record stays within its bound, whatever letters they are.
const MORE_CHARS_MAX: usize = 60;

impl Gateway {
    /// Looks at what has happened since the last time, and queues what is to be told.
    pub(super) fn tell_alerts(&self) -> Result<(), Error> {
        let store = self.ledger.store();
        let looked = store.alerts_looked()?;
        let states = store.alerts(STATES_MAX)?;
        if self.config.alerts.is_empty() && looked.is_none() && states.is_empty() {
            return Ok(());
        }
        let mut round = Round::new(self, states);
        if self.config.alerts.is_empty() {
            // Rules that come back later begin anew.
            round.draft.push(Change::AlertsLooked(None));
        } else {
            // Rules tell of what happens from now on.
            let mut after = looked.map_or_else(|| store.last_journal(), Ok)?;
            loop {
                let records = store.journal(after, RECORDS_A_READ)?;
                let Some(last) = records.last() else { break };
                after = last.sequence;
                for record in &records {
                    round.look_at(record)?;
                }
            }
            if looked != Some(after) {
                round.draft.push(Change::AlertsLooked(Some(after)));
            }
            round.look_at_conditions()?;
        }
        round.look_at_states()?;
        round.commit()
    }

    /// Sends a message.
    pub(super) fn notify(
        &self,
        work: &Work,
        name: &str,
        payload: store::PayloadId,
    ) -> Result<(), Error> {
        let destination = self.destinations.get(name).ok_or_else(|| {
            Error::Configuration(format!("[notify.{name}] is not in crossdock.toml any more"))
        })?;
        let json = self.ledger.store().payload(payload)?;
        let message: Message = serde_json::from_slice(&json)
            .map_err(|e| Error::Defect(format!("a message cannot be read: {e}")))?;
        destination.send(&message).map_err(Error::Notify)?;
        let partner = message.details.get("partner").and_then(|partner| partner.as_str());
        let mut draft = Draft::new();
        draft.done(work);
        let (now, event) = (Timestamp::now(), Event::MessageSent);
        draft.journal(now, event, partner.unwrap_or_default(), name, &message.title);
        Ok(self.ledger.commit(draft)?)
    }

    /// Queues a message to destinations.
    pub(super) fn queue_message<'a>(
        &self,
        draft: &mut Draft,
        message: &Message,
        to: impl Iterator<Item = &'a String>,
    ) -> Result<(), Error> {
        let json = serde_json::to_vec(message)
            .map_err(|e| Error::Defect(format!("a message cannot be written: {e}")))?;
        let payload = self.ledger.store().put_payload(&json)?;
        for name in to {
            let task = Task::Notify { destination: name.clone(), payload };
            draft.queue(lanes::notify(name), "", task, message.at);
        }
        Ok(())
    }

    /// Since when the gateway is not ready, and why; nothing while it is.
    fn not_ready_since(&self, now: Timestamp) -> Result<Option<(Timestamp, Vec<String>)>, Error> {
        let missing = self.not_ready()?;
        let mut since = self.not_ready_since.lock().unwrap_or_else(PoisonError::into_inner);
        if missing.is_empty() {
            *since = None;
            return Ok(None);
        }
        Ok(Some((*since.get_or_insert(now), missing)))
    }
}

/// What came while it was quiet, a line each.
fn listed(state: &AlertState) -> String {
    let mut lines: Vec<String> = state.more.iter().map(|line| format!("- {line}\n")).collect();
    let others = state.repeats.saturating_sub(state.more.len() as u64);
    if others > 0 && !lines.is_empty() {
        lines.push(format!("and {others} more\n"));
    }
    lines.concat()
}

type Key = (String, String);

/// One look.
struct Round<'a> {
    gateway: &'a Gateway,
    rules: &'a [AlertRule],
    now: Timestamp,
    states: BTreeMap<Key, AlertState>,
    changed: BTreeSet<Key>,
    ended: BTreeSet<Key>,
    draft: Draft,
}

impl<'a> Round<'a> {
    fn new(gateway: &'a Gateway, states: Vec<AlertState>) -> Self {
        let keyed = states.into_iter().map(|s| ((s.rule.clone(), s.cause.clone()), s));
        Self {
            gateway,
            rules: &gateway.config.alerts,
            now: Timestamp::now(),
            states: keyed.collect(),
            changed: BTreeSet::new(),
            ended: BTreeSet::new(),
            draft: Draft::new(),
        }
    }

    /// Something that a rule watches for has come: it is told, or counted while it is quiet.
    fn come(&mut self, rule: &AlertRule, hit: Hit) -> Result<(), Error> {
        let key = (rule.name.clone(), hit.cause.clone());
        self.changed.insert(key.clone());
        if let Some(state) = self.states.get_mut(&key)
            && (self.now < state.quiet_until || state.repeats > 0)
        {
            state.repeats += 1;
            // An exception tells of all that it is about.
            if hit.exception.is_none() && state.more.len() < MORE_MAX {
                let letters: Vec<char> = hit.title.chars().filter(|c| !c.is_control()).collect();
                let cut = if letters.len() > MORE_CHARS_MAX { "…" } else { "" };
                let shown: String = letters.into_iter().take(MORE_CHARS_MAX).collect();
                state.more.push(shown + cut);
            }
            state.stands = hit.stands;
            state.exception = hit.exception;
            return Ok(());
        }
        self.tell(rule, &message(rule, self.now, &hit.title, Why::First, &hit), &hit.place)?;
        let state = AlertState {
            rule: rule.name.clone(),
            cause: hit.cause,
            title: hit.title,
            partner: hit.partner,
            since: self.now,
            quiet_until: self.after(rule.quiet),
            repeats: 0,
            more: Vec::new(),
            exception: hit.exception,
            stands: hit.stands,
        };
        self.states.insert(key, state);
        Ok(())
    }

    /// What is kept an eye on: whether it is over, and whether it has been quiet for long enough.
    fn look_at_states(&mut self) -> Result<(), Error> {
        let keys: Vec<Key> = self.states.keys().cloned().collect();
        for key in keys {
            let Some(mut state) = self.states.get(&key).cloned() else { continue };
            let Some(rule) = self.rules.iter().find(|rule| rule.name == key.0) else {
                self.ended.insert(key);
                continue;
            };
            let before = state.clone();
            let goes_on = self.look_at_state(rule, &mut state)?;
            if !goes_on {
                self.ended.insert(key);
            } else if state != before {
                self.changed.insert(key.clone());
                self.states.insert(key, state);
            }
        }
        Ok(())
    }

    /// Whether it is kept an eye on any longer.
    fn look_at_state(&mut self, rule: &AlertRule, state: &mut AlertState) -> Result<bool, Error> {
        let mut come = state.repeats;
        if let Some((id, told)) = state.exception
            && let Some(exception) = self.gateway.ledger.store().exception(id)?
        {
            come += exception.count.saturating_sub(told);
            if state.stands && exception.state != ExceptionState::Open {
                let how = exception.settled.map(|settled| settled.reason).unwrap_or_default();
                self.over(rule, state, &how)?;
            }
        }
        if self.now < state.quiet_until {
            return Ok(true);
        }
        let is_condition = state.stands && state.exception.is_none();
        let reminds = is_condition && !rule.quiet.is_zero();
        if come == 0 && !reminds {
            return Ok(state.stands);
        }
        let why = if come > 0 { Why::Repeats(come) } else { Why::Still };
        self.tell_of(rule, state, why, "")?;
        state.repeats = 0;
        state.more.clear();
        if let Some((id, told)) = &mut state.exception {
            let exception = self.gateway.ledger.store().exception(*id)?;
            *told = exception.map_or(*told, |exception| exception.count);
        }
        state.since = self.now;
        state.quiet_until = self.after(rule.quiet);
        Ok(true)
    }

    /// It is over, which is told where that is wanted.
    fn over(&mut self, rule: &AlertRule, state: &mut AlertState, how: &str) -> Result<(), Error> {
        state.stands = false;
        if rule.settled { self.tell_of(rule, state, Why::Over, how) } else { Ok(()) }
    }

    /// Tells once more of something that was told.
    fn tell_of(
        &mut self,
        rule: &AlertRule,
        state: &AlertState,
        why: Why,
        how: &str,
    ) -> Result<(), Error> {
        let exception = match state.exception {
            Some((id, _)) => self.gateway.ledger.store().exception(id)?,
            None => None,
        };
        let hit = match exception {
            Some(exception) => Hit::of_exception(&exception),
            None => Hit::of_state(state, how),
        };
        // Of events each is about something of its own.
        let title = match &state.more[..] {
            [] => state.title.clone(),
            [one] => one.clone(),
            [first, ..] => format!("{first}, and others"),
        };
        let hit = Hit { words: format!("{}{}", hit.words, listed(state)), ..hit };
        let place = hit.place.clone();
        let since = state.since;
        let told = message(rule, self.now, &title, why.since(since, how), &hit);
        self.tell(rule, &told, &place)
    }

    /// Queues a message. What is wrong with a destination is not told to that destination.
    fn tell(&mut self, rule: &AlertRule, message: &Message, place: &str) -> Result<(), Error> {
        let others = rule.to.iter().filter(|name| lanes::notify(name) != place);
        self.gateway.queue_message(&mut self.draft, message, others)
    }

    fn after(&self, span: Duration) -> Timestamp {
        let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
        self.now.saturating_add(span).unwrap_or(Timestamp::MAX)
    }

    fn commit(mut self) -> Result<(), Error> {
        for (rule, cause) in &self.ended {
            let (rule, cause) = (rule.clone(), cause.clone());
            self.draft.push(Change::AlertEnds { rule, cause });
        }
        for key in self.changed.difference(&self.ended) {
            if let Some(state) = self.states.get(key) {
                self.draft.push(Change::Alert(Box::new(state.clone())));
            }
        }
        if !self.draft.is_empty() {
            self.gateway.ledger.commit(self.draft)?;
        }
        Ok(())
    }
}
