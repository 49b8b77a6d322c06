//! From the configuration to a gateway that can run; everything that is wrong is told at once.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore};

use super::Gateway;
use super::config::{Config, EndpointConfig, UnknownSenders};
use super::crew::Crew;
use super::in_force::{InForce, last_in_force, renamed};
use super::ledger::Ledger;
use super::live::{Live, profiles_of};
use super::pressure::Pressure;
use super::records::open_store;
use super::requeue::queue_again;
use super::retention::{forgotten_of, last_noted};
use super::room::Room;
use super::status::Board;
use super::translation::Translator;
use crate::bridge::{DirectoryEndpoint, Endpoint};
use crate::notify::{self, Address, Destination, Receiver, Settings, WebhookSettings};
use crate::profile::{Direction, Partner, Problem, Secret};
use crate::secrets::read_secret;
use crate::store::{EmbeddedStore, Records as _, Retired, Store as _, Transaction};
use crate::translate::Engine;

/// Steps that need no server and are done at a time; see `lanes::nearby`.
const DISK_STEPS: usize = 8;

/// Everything that keeps a gateway from starting.
#[derive(Debug)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Makes the database in a data folder anew from its audit log, and tells how many entries that has.
///
/// # Errors
/// Where the store is in use, is none, or its log lacks something.
pub fn rebuild_store(
    data: &std::path::Path,
    progress: crate::store::Progress,
) -> Result<u64, crate::store::Error> {
    EmbeddedStore::rebuild(data, progress)
}

/// Compacts the database of a configuration's store, and tells how many bytes its file had before and has now. The
/// gateway must stand still.
///
/// # Errors
/// Where the store is in use, is none, or the disk fails or has no room for the copy.
pub fn compact_store(config: &Config) -> Result<(u64, u64), crate::store::Error> {
    open_store(config)?.compact()
}

/// Retires what was over before a moment from the store of a configuration, and moves payloads that no record names any
/// more to its archive. Numbers of partners whose profile cannot be used stay. The gateway must stand still.
///
/// # Errors
/// Where the store is in use, is none, or the disk fails; where the key of the audit log cannot be read.
pub fn retire_history(config: &Config, before: Timestamp) -> Result<Retired, crate::store::Error> {
    let store = open_store(config)?;
    let profiles = profiles_of(config, &Engine::embedded());
    let numbers = forgotten_of(&profiles, Timestamp::now());
    let records = store.retire(before, &numbers, &|| false)?;
    // Nobody else is there: what is not named now, is not about to be.
    let payloads = store.retire(before, &numbers, &|| false)?;
    let retired = Retired { files: payloads.files, bytes: payloads.bytes, ..records };
    if !retired.is_empty() {
        let mut told = Transaction::new().by("crossdock store retire");
        told.journal(retired.entry(Timestamp::now(), before));
        store.commit(told)?;
    }
    Ok(retired)
}

pub(super) fn open(config: Config, engine: Engine) -> Result<Gateway, Problems> {
    let mut problems = Vec::new();
    let endpoints = open_endpoints(&config, &mut problems);
    let destinations = open_destinations(&config, &mut problems);
    let receivers = open_receivers(&config, &mut problems);
    let none = InForce::new();
    let live = Live::open(&config, &engine, (None, &none)).map_err(|found| problems.extend(found));
    if let (Ok(live), true) = (live, problems.is_empty()) {
        for warning in &live.warnings {
            tracing::warn!("{warning}");
        }
        for error in &live.errors {
            tracing::error!("{error}");
        }
        // The store is opened last: a faulty configuration leaves it untouched.
        let key = config.audit.key().map_err(|words| {
            let path = config.data.display().to_string();
            crate::store::Error::Open { path, reason: words }
        });
        match key.and_then(|key| EmbeddedStore::open_with_key(&config.data, key)) {
            Ok(store) => {
                let ledger = Ledger::new(Box::new(store), config.limits);
                let whole = |e: crate::store::Error| {
                    Problems(vec![Problem::whole(
                        &config.data.display().to_string(),
                        e.to_string(),
                    )])
                };
                let last_noted = last_noted(ledger.store()).map_err(whole)?;
                // A start is when an operator has mended something.
                queue_again(&ledger).map_err(whole)?;
                let live = under_their_names(live, &config, &engine, &ledger)?;
                return Ok(Gateway {
                    last_noted,
                    translations: Semaphore::new(config.limits.translations as usize),
                    servers: Semaphore::new(config.limits.sftp_sessions as usize),
                    pressure: Pressure::default(),
                    disks: Room::new(DISK_STEPS),
                    disk_crew: Crew::new("disk", DISK_STEPS),
                    translators: Crew::new("translate", config.limits.translations as usize),
                    config,
                    ledger,
                    translator: Translator::new(engine),
                    live: RwLock::new(Arc::new(live)),
                    refused: Mutex::default(),
                    reloaded: Notify::new(),
                    endpoints,
                    status: Board::default(),
                    late: Mutex::default(),
                    ack_log: Mutex::default(),
                    destinations,
                    receivers,
                    not_ready_since: Mutex::default(),
                    reconciled: Mutex::default(),
                    #[cfg(feature = "as2")]
                    as2: super::as2::Memory::default(),
                });
            }
            Err(e) => {
                problems.push(Problem::whole(&config.data.display().to_string(), e.to_string()));
            }
        }
    }
    Err(Problems(problems))
}

/// The same without those who were in force under another name: only the store knows that.
fn under_their_names(
    live: Live,
    config: &Config,
    engine: &Engine,
    ledger: &Ledger,
) -> Result<Live, Problems> {
    let last = last_in_force(ledger.store()).map_err(|e| {
        Problems(vec![Problem::whole(&config.data.display().to_string(), e.to_string())])
    })?;
    match last {
        Some(last) if !renamed(&live.profiles, &last).is_empty() => {
            let live = Live::open(config, engine, (None, &last)).map_err(Problems)?;
            for error in &live.errors {
                tracing::error!("{error}");
            }
            Ok(live)
        }
        _ => Ok(live),
    }
}

/// Everything that is wrong with a configuration and the profiles that it names, and what is worth knowing of them; in
/// the order of files and lines. The store is not opened, and no server is called. Call it within a tokio runtime.
#[must_use]
pub fn check_config(file: &std::path::Path, engine: &Engine) -> Vec<Problem> {
    let (config, mut problems) = Config::read_all(file);
    let Some(config) = config else { return problems };
    let name = file.display().to_string();
    if config.data.exists() && !config.data.is_dir() {
        let words = format!("data: {} is no folder", config.data.display());
        problems.push(Problem::whole(&name, words));
    }
    open_endpoints(&config, &mut problems);
    open_destinations(&config, &mut problems);
    open_receivers(&config, &mut problems);
    let unreadable = secrets(&config).into_iter().filter_map(|(what, secret)| {
        let words = read_secret(&secret).err()?;
        Some(Problem::whole(&name, format!("{what}: its secret cannot be read: {words}")))
    });
    problems.extend(unreadable);
    let has_hooks = config.connected.values().any(|one| !one.connector.hooks.is_empty());
    if has_hooks && config.api.listen.is_none() {
        let words = "a connector has webhooks, and they are heard only where `[api]` says `listen`";
        problems.push(Problem::whole(&name, words).warning());
    }
    problems.extend(config.audit.key().err().map(|words| Problem::whole(&name, words)));
    match Live::open(&config, engine, (None, &InForce::new())) {
        Ok(live) => {
            let of_alerts = config.alerts.iter().flat_map(|rule| &rule.partners);
            let of_webhooks = config.webhooks.values().flat_map(|webhook| &webhook.partners);
            let named = of_alerts.map(|partner| ("an alert", partner));
            let named = named.chain(of_webhooks.map(|partner| ("a webhook", partner)));
            for (what, partner) in named.filter(|(_, name)| live.profiles.partner(name).is_none()) {
                let words =
                    format!("{what} is for the partner `{partner}`, and no profile in force is");
                problems.push(Problem::whole(&name, words).warning());
            }
            if let UnknownSenders::AcceptAs(partner) = &config.unknown_senders
                && live.profiles.partner(partner).is_none()
            {
                let words = format!(
                    "unknown_senders: no profile in force is `{partner}`: what strangers send is set aside"
                );
                problems.push(Problem::whole(&name, words));
            }
            problems.extend(live.warnings);
            problems.extend(live.errors);
        }
        Err(found) => problems.extend(found),
    }
    problems.sort();
    problems.dedup();
    problems
}

/// The secrets that a configuration refers to, by what they are for.
fn secrets(config: &Config) -> Vec<(String, Secret)> {
    let mut found = Vec::new();
    for (name, endpoint) in &config.endpoints {
        let bearer = endpoint.bearer.as_ref().and_then(|text| text.parse().ok());
        found.extend(bearer.map(|secret| (format!("endpoints.{name}.bearer"), secret)));
    }
    for (name, connected) in &config.connected {
        let secrets = connected.settings.secrets.iter();
        found.extend(secrets.map(|(setting, secret)| {
            (format!("endpoints.{name}.settings.{setting}"), secret.clone())
        }));
    }
    for (name, settings) in &config.notify {
        match settings {
            Settings::Webhook(webhook) => {
                found.extend(secrets_of(&format!("notify.{name}"), webhook));
            }
            Settings::Smtp(smtp) => {
                let password = smtp.login.as_ref().map(|(_, password)| password.clone());
                found.extend(password.map(|secret| (format!("notify.{name}.password"), secret)));
            }
        }
    }
    for (name, webhook) in &config.webhooks {
        found.extend(secrets_of(&format!("webhooks.{name}"), &webhook.settings));
    }
    found
}

fn secrets_of(table: &str, webhook: &WebhookSettings) -> impl Iterator<Item = (String, Secret)> {
    let url = match &webhook.url {
        Address::Secret(secret) => Some(secret.clone()),
        Address::Plain(_) => None,
    };
    let all =
        [("url", url), ("secret", webhook.secret.clone()), ("bearer", webhook.bearer.clone())];
    let named = all.map(|(key, secret)| secret.map(|secret| (format!("{table}.{key}"), secret)));
    named.into_iter().flatten()
}

fn open_endpoints(
    config: &Config,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Arc<dyn Endpoint>> {
    let mut endpoints = BTreeMap::new();
    for (name, endpoint) in &config.endpoints {
        match open_endpoint(config, (name, endpoint)) {
            Ok(opened) => {
                endpoints.insert(name.clone(), opened);
            }
            // What is wrong with a connector was told where the configuration was read.
            Err(_) if endpoint.connector.is_some() && !config.connected.contains_key(name) => {}
            Err(e) => problems.push(Problem::whole(&config.file, format!("endpoints.{name}: {e}"))),
        }
    }
    endpoints
}

fn open_destinations(
    config: &Config,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Arc<dyn Destination>> {
    let mut destinations = BTreeMap::new();
    for (name, settings) in &config.notify {
        match notify::open(settings) {
            Ok(opened) => {
                destinations.insert(name.clone(), opened);
            }
            Err(e) => problems.push(Problem::whole(&config.file, format!("notify.{name}: {e}"))),
        }
    }
    destinations
}

fn open_receivers(
    config: &Config,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Arc<dyn Receiver>> {
    let mut receivers = BTreeMap::new();
    for (name, webhook) in &config.webhooks {
        match notify::open_receiver(&webhook.settings) {
            Ok(opened) => {
                receivers.insert(name.clone(), opened);
            }
            Err(e) => problems.push(Problem::whole(&config.file, format!("webhooks.{name}: {e}"))),
        }
    }
    receivers
}

fn open_endpoint(
    config: &Config,
    (name, endpoint): (&str, &EndpointConfig),
) -> Result<Arc<dyn Endpoint>, crate::bridge::Error> {
    if endpoint.connector.is_some() {
        return open_connected(config, (name, endpoint));
    }
    let folder = match (&endpoint.folder, &endpoint.returns) {
        (Some(folder), _) => open_folder(config, "folder", folder)?,
        (None, returns) => {
            open_folder(config, "returns", returns.as_deref().unwrap_or(Path::new("")))?
        }
    };
    #[cfg(feature = "http")]
    if let Some(url) = &endpoint.url {
        let settings = crate::bridge::HttpSettings {
            url: url.clone(),
            bearer: endpoint.bearer.as_ref().and_then(|text| text.parse().ok()),
            timeout: std::time::Duration::from_secs(u64::from(
                endpoint.timeout_seconds.unwrap_or(30),
            )),
        };
        let runtime = tokio::runtime::Handle::current();
        return Ok(Arc::new(crate::bridge::HttpEndpoint::new(settings, folder, runtime)?));
    }
    Ok(Arc::new(folder))
}

/// The folder of an endpoint, made where it is missing.
fn open_folder(
    config: &Config,
    key: &str,
    folder: &Path,
) -> Result<DirectoryEndpoint, crate::bridge::Error> {
    DirectoryEndpoint::open(folder.to_path_buf(), config.arrivals()).map_err(|e| {
        let reason = format!(
            "`{key}`: the folder {} is not there and cannot be made: {e}. Make it, writable for the gateway, or name another",
            folder.display()
        );
        crate::bridge::Error::Refused { reason }
    })
}

#[cfg(feature = "http")]
fn open_connected(
    config: &Config,
    (name, endpoint): (&str, &EndpointConfig),
) -> Result<Arc<dyn Endpoint>, crate::bridge::Error> {
    let refused = |reason: String| crate::bridge::Error::Refused { reason };
    let Some(connected) = config.connected.get(name) else {
        // What is wrong with it was told where the configuration was read.
        return Err(refused("its connector cannot be used".to_owned()));
    };
    let returns = endpoint.returns.as_ref();
    let returns = returns.map(|folder| open_folder(config, "returns", folder));
    let (connector, settings) = (Arc::clone(&connected.connector), connected.settings.clone());
    let runtime = tokio::runtime::Handle::current();
    let (place, returns) = ((connected.base.as_path(), config.arrivals()), returns.transpose()?);
    let opened =
        crate::bridge::ConnectorEndpoint::new(connector, settings, place, returns, runtime);
    Ok(Arc::new(opened.map_err(refused)?))
}

#[cfg(not(feature = "http"))]
fn open_connected(
    _: &Config,
    _: (&str, &EndpointConfig),
) -> Result<Arc<dyn Endpoint>, crate::bridge::Error> {
    let reason = "this program was built without the feature `http`".to_owned();
    Err(crate::bridge::Error::Refused { reason })
}

/// The kinds that a partner is sent.
pub(super) fn kinds_out(partner: &Partner) -> Vec<String> {
    let out = partner.documents.iter().filter(|(_, flow)| flow.direction == Direction::Out);
    out.map(|(kind, _)| kind.to_string()).collect()
}
