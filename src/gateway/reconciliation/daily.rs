//! The report of each day, written when the day is over and sent to whom it is for.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::PoisonError;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::Serialize;

use super::{Reconciliation, SetNames, bounds, reconcile};
use crate::disk;
use crate::gateway::cutover::{Comparison, CutoverError, Uncompared, compare_shadow};
use crate::gateway::ledger::Draft;
use crate::gateway::live::profiles_of;
use crate::gateway::{Config, Error, Gateway};
use crate::notify::{Message, MessageKind};
use crate::profile::Sections;
use crate::store::Records;
use crate::translate::Engine;

/// Folder of the reports in the data folder.
const FOLDER: &str = "reconciliation";
/// That of the comparisons of what is in shadow.
const SHADOWS: &str = "shadow";
/// Days that a gateway makes up for that stood still.
const DAYS_BACK: i64 = 7;
/// Differences that a message lists for machines; the file has all.
const DIFFERENCES_TOLD: usize = 100;
/// The longest text of a message, in characters.
const TEXT_CHARS_MAX: usize = 50_000;

/// `[reconciliation]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReconciliationConfig {
    /// `at`: the time of day at which the report of the day before is made, by the clock of this machine.
    pub at: Time,
    /// `to`: names of destinations that it is sent to.
    pub to: Vec<String>,
    /// `only_differences`: it is sent only where something does not agree.
    pub only_differences: bool,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Table {
    at: Option<String>,
    to: Vec<String>,
    only_differences: bool,
}

/// Half an hour into the day, when what the night before has sent is through.
const AT: Time = Time::constant(0, 30, 0, 0);

impl ReconciliationConfig {
    /// Reads `[reconciliation]`; `destinations` are those that there are.
    pub(in crate::gateway) fn read(
        sections: &mut Sections<'_>,
        destinations: &BTreeSet<String>,
    ) -> Self {
        let Table { at, to, only_differences } = sections.optional("reconciliation");
        for name in to.iter().filter(|name| !destinations.contains(*name)) {
            let place = sections.place(&["reconciliation", "to"]);
            let known: Vec<&str> = destinations.iter().map(String::as_str).collect();
            let words = format!(
                "reconciliation: `to` names {name:?}, and there is no [notify.{name}]; there are `{}`",
                known.join("`, `")
            );
            sections.problem(place, words);
        }
        let read = at.as_ref().map(|text| text.parse::<Time>());
        if let Some(Err(_)) = read {
            let place = sections.place(&["reconciliation", "at"]);
            sections.problem(place, "reconciliation: `at` is a time of day such as \"00:30\"");
        }
        Self { at: read.and_then(Result::ok).unwrap_or(AT), to, only_differences }
    }
}

impl Gateway {
    /// Makes the reports of days that are over and have none yet.
    pub(in crate::gateway) fn reconcile_days(&self) -> Result<(), Error> {
        let now = Timestamp::now().to_zoned(TimeZone::system());
        let begun = i64::from(now.time() < self.config.reconciliation.at);
        let last = now.date().saturating_sub((1 + begun).days());
        let done = *self.reconciled.lock().unwrap_or_else(PoisonError::into_inner);
        if done == Some(last) {
            return Ok(());
        }
        let folder = self.config.data.join(FOLDER);
        for back in (0..DAYS_BACK).rev() {
            let date = last.saturating_sub(back.days());
            if !folder.join(format!("{date}.json")).exists() && self.was_there(date)? {
                self.reconcile_day(date)?;
            }
        }
        *self.reconciled.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
        Ok(())
    }

    /// Whether the store was there on a day.
    fn was_there(&self, date: Date) -> Result<bool, Error> {
        let first = self.ledger.store().journal(0, 1)?;
        let (_, until) = bounds(date);
        Ok(first.first().is_some_and(|record| record.sequence > 1 || record.entry.at < until))
    }

    /// Makes the reports of a day. What says that it is done, the file of the reconciliation, is written last.
    fn reconcile_day(&self, date: Date) -> Result<(), Error> {
        self.compare_shadows(date)?;
        let report = reconcile(self.ledger.store(), date, None, &self.set_names())?;
        let message = message(&report)?;
        self.publish((FOLDER, &date.to_string()), &report, report.agrees, &message)?;
        tracing::info!(%date, agrees = report.agrees, "the day is reconciled");
        Ok(())
    }

    /// Compares the calls of each endpoint in shadow with what the other system has done on a day.
    fn compare_shadows(&self, date: Date) -> Result<(), Error> {
        for (endpoint, connected) in &self.config.connected {
            let Some(shadow) = &connected.shadow else { continue };
            let live = self.live();
            let is_its = |partner: &str| {
                live.profiles.partner(partner).is_some_and(|partner| partner.endpoint == *endpoint)
            };
            let store: &dyn Records = self.ledger.store();
            let to = (SHADOWS, &*format!("{endpoint}-{date}"));
            match compare_shadow(store, (endpoint, connected, shadow), date, &is_its) {
                Ok(compared) => {
                    let message = shadow_message(&compared)?;
                    self.publish(to, &compared, compared.agrees, &message)?;
                }
                Err(CutoverError::Store(e)) => return Err(e.into()),
                Err(error) => {
                    let error = error.to_string();
                    tracing::warn!(%endpoint, error, "a shadow cannot be compared");
                    let told = Uncompared { endpoint, date, at: Timestamp::now(), error };
                    self.publish(to, &told, false, &uncompared_message(&told)?)?;
                }
            }
        }
        Ok(())
    }

    /// Sends a report to whom it is for, and writes it for people and machines. It is queued before its files are there:
    /// after a crash in between it is sent twice, with one id, rather than not at all.
    fn publish(
        &self,
        (folder, name): (&str, &str),
        report: &(impl Serialize + Display),
        agrees: bool,
        message: &Message,
    ) -> Result<(), Error> {
        let config = &self.config.reconciliation;
        let is_news = !(config.only_differences && agrees);
        if is_news && !config.to.is_empty() {
            let mut draft = Draft::new();
            self.queue_message(&mut draft, message, config.to.iter())?;
            self.ledger.commit(draft)?;
        }
        let json = serde_json::to_vec_pretty(report).map_err(|e| unwritten(&e))?;
        let folder = self.config.data.join(folder);
        let failed = |e: std::io::Error| Error::Mailbox(e.into());
        disk::create_dir(&folder).map_err(failed)?;
        let text = report.to_string();
        disk::write_to(&folder, &format!("{name}.txt"), text.as_bytes()).map_err(failed)?;
        disk::write_to(&folder, &format!("{name}.json"), &json).map_err(failed)
    }

    /// The sets of all kinds of documents that partners in force have agreed on.
    fn set_names(&self) -> SetNames {
        set_names(self.live().profiles.iter().map(AsRef::as_ref))
    }
}

/// The sets of all kinds of documents that these partners have agreed on.
fn set_names<'a>(partners: impl Iterator<Item = &'a crate::profile::Partner>) -> SetNames {
    let mut names = SetNames::new();
    for partner in partners {
        for agreement in partner.agreements() {
            let key = (partner.name.clone(), agreement.kind.to_string());
            names.insert(key, agreement.set().to_owned());
        }
    }
    names
}

/// The same, of the profiles as they lie in their folder. What is wrong with them keeps nobody from a report.
#[must_use]
pub fn sets_of(config: &Config, engine: &Engine) -> SetNames {
    set_names(profiles_of(config, engine).iter().map(AsRef::as_ref))
}

/// The partners whose endpoint it is, by their profiles as they lie in their folder.
#[must_use]
pub fn partners_of(config: &Config, engine: &Engine, endpoint: &str) -> BTreeSet<String> {
    let profiles = profiles_of(config, engine);
    let its = profiles.iter().filter(|partner| partner.endpoint == endpoint);
    its.map(|partner| partner.name.clone()).collect()
}

fn shadow_message(compared: &Comparison) -> Result<Message, Error> {
    let mut told = compared.clone();
    told.not_listed += told.differences.len().saturating_sub(DIFFERENCES_TOLD);
    told.differences.truncate(DIFFERENCES_TOLD);
    let Comparison { endpoint, date, same, documents, .. } = compared;
    Ok(Message {
        id: format!("shadow-{endpoint}-{date}"),
        kind: MessageKind::Report,
        at: compared.at,
        title: format!(
            "[Crossdock] Shadow of {endpoint} on {date}: {same} of {documents} the same"
        ),
        text: text(compared),
        details: details(&told)?,
    })
}

fn uncompared_message(told: &Uncompared<'_>) -> Result<Message, Error> {
    let Uncompared { endpoint, date, at, .. } = told;
    Ok(Message {
        id: format!("shadow-{endpoint}-{date}"),
        kind: MessageKind::Report,
        at: *at,
        title: format!("[Crossdock] Shadow of {endpoint} on {date}: not compared"),
        text: text(told),
        details: details(told)?,
    })
}

fn text(report: &impl Display) -> String {
    report.to_string().chars().take(TEXT_CHARS_MAX).collect()
}

fn details(report: &impl Serialize) -> Result<serde_json::Map<String, serde_json::Value>, Error> {
    Ok(match serde_json::to_value(report).map_err(|e| unwritten(&e))? {
        serde_json::Value::Object(details) => details,
        _ => serde_json::Map::new(),
    })
}

fn unwritten(error: &serde_json::Error) -> Error {
    Error::Defect(format!("the report cannot be written: {error}"))
}

fn message(report: &Reconciliation) -> Result<Message, Error> {
    let mut told = report.clone();
    told.not_listed += told.differences.len().saturating_sub(DIFFERENCES_TOLD);
    told.differences.truncate(DIFFERENCES_TOLD);
    let details = details(&told)?;
    let date = report.date;
    let count = report.differences.len() + report.not_listed;
    let end = if report.agrees { "agrees".to_owned() } else { format!("{count} differences") };
    Ok(Message {
        id: format!("reconciliation-{date}"),
        kind: MessageKind::Report,
        at: report.at,
        title: format!("[Crossdock] Reconciliation of {date}: {end}"),
        text: text(report),
        details,
    })
}
