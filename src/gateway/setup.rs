//! From the configuration to a gateway that can run; everything that is wrong is told at once.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::config::{Config, EndpointConfig};
use super::ledger::Ledger;
use super::requeue::queue_again;
use super::status::Board;
use super::translation::Translator;
use super::{Gateway, MailboxBinding};
use crate::bridge::{DirectoryEndpoint, Endpoint};
use crate::profile::{Direction, Partner, Problem, State};
use crate::store::EmbeddedStore;
use crate::translate::Engine;
use crate::transport::DirectoryMailbox;

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

pub(super) fn open(config: Config, engine: Engine) -> Result<Gateway, Problems> {
    let mut problems = Vec::new();
    let partners = read_partners(&config.profiles, &mut problems);
    let endpoints = open_endpoints(&config, &mut problems);
    check_partners(&partners, &endpoints, &config, &mut problems);
    let mailboxes = open_mailboxes(&config, &partners, &mut problems);
    if problems.is_empty() {
        // The store is opened last: a faulty configuration leaves it untouched.
        match EmbeddedStore::open(&config.data) {
            Ok(store) => {
                let ledger = Ledger::new(Box::new(store), config.limits);
                let whole = |e: crate::store::Error| {
                    Problems(vec![Problem::whole(
                        &config.data.display().to_string(),
                        e.to_string(),
                    )])
                };
                // A start is when an operator has mended something.
                queue_again(&ledger).map_err(whole)?;
                return Ok(Gateway {
                    translations: Semaphore::new(config.limits.translations as usize),
                    config,
                    ledger,
                    translator: Translator::new(engine),
                    partners,
                    mailboxes,
                    endpoints,
                    status: Board::default(),
                });
            }
            Err(e) => {
                problems.push(Problem::whole(&config.data.display().to_string(), e.to_string()));
            }
        }
    }
    Err(Problems(problems))
}

fn read_partners(folder: &Path, problems: &mut Vec<Problem>) -> BTreeMap<String, Arc<Partner>> {
    let mut partners = BTreeMap::new();
    let shown = folder.display().to_string();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) => {
            problems.push(Problem::whole(&shown, format!("cannot be read: {e}")));
            return partners;
        }
    };
    let mut folders: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    for path in folders.into_iter().filter(|path| path.is_dir()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let file = path.join("partner.toml");
        let shown = file.display().to_string();
        match fs::read_to_string(&file) {
            Ok(text) => match Partner::read(&name, &shown, &text) {
                Ok(partner) => {
                    partners.insert(name, Arc::new(partner));
                }
                Err(found) => problems.extend(found),
            },
            Err(e) => problems.push(Problem::whole(&shown, format!("cannot be read: {e}"))),
        }
    }
    if partners.is_empty() && problems.is_empty() {
        problems.push(Problem::whole(&shown, "holds no partner: PARTNER/partner.toml"));
    }
    partners
}

fn open_endpoints(
    config: &Config,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Arc<dyn Endpoint>> {
    let mut endpoints = BTreeMap::new();
    for (name, endpoint) in &config.endpoints {
        match open_endpoint(config, endpoint) {
            Ok(opened) => {
                endpoints.insert(name.clone(), opened);
            }
            Err(e) => problems.push(Problem::whole(&format!("endpoints.{name}"), e.to_string())),
        }
    }
    endpoints
}

fn open_endpoint(
    config: &Config,
    endpoint: &EndpointConfig,
) -> Result<Arc<dyn Endpoint>, crate::bridge::Error> {
    let folder = endpoint.folder.as_ref().or(endpoint.returns.as_ref()).cloned();
    let folder = DirectoryEndpoint::open(folder.unwrap_or_default(), config.arrivals())?;
    #[cfg(feature = "http")]
    if let Some(url) = &endpoint.url {
        let settings = crate::bridge::HttpSettings {
            url: url.clone(),
            bearer: endpoint.bearer.as_ref().and_then(|text| text.parse().ok()),
            timeout: Duration::from_secs(u64::from(endpoint.timeout_seconds.unwrap_or(30))),
        };
        let runtime = tokio::runtime::Handle::current();
        return Ok(Arc::new(crate::bridge::HttpEndpoint::new(settings, folder, runtime)?));
    }
    Ok(Arc::new(folder))
}

/// What only shows when profiles, endpoints and each other are looked at together.
fn check_partners(
    partners: &BTreeMap<String, Arc<Partner>>,
    endpoints: &BTreeMap<String, Arc<dyn Endpoint>>,
    config: &Config,
    problems: &mut Vec<Problem>,
) {
    let kinds = crate::canonical::Document::KINDS;
    let mut identities: BTreeMap<String, &str> = BTreeMap::new();
    for partner in partners.values() {
        let file = config.profiles.join(&partner.name).join("partner.toml").display().to_string();
        let mut wrong = |words: String| problems.push(Problem::whole(&file, words));
        for name in [Some(&partner.endpoint), partner.test_endpoint.as_ref()].into_iter().flatten()
        {
            if !config.endpoints.contains_key(name) {
                let known: Vec<&str> = endpoints.keys().map(String::as_str).collect();
                wrong(format!(
                    "the endpoint `{name}` is not in crossdock.toml; known are `{}`",
                    known.join("`, `")
                ));
            }
        }
        for kind in partner.documents.keys().filter(|kind| !kinds.contains(&kind.as_str())) {
            wrong(format!(
                "documents.{kind} is no kind of document; known are `{}`",
                kinds.join("`, `")
            ));
        }
        let pairs = [Some(&partner.identity.production), partner.identity.test.as_ref()];
        for sides in pairs.into_iter().flatten() {
            let key = format!(
                "{}:{} to {}:{}",
                sides.partner.qualifier, sides.partner.id, sides.own.qualifier, sides.own.id
            );
            match identities.insert(key.clone(), &partner.name) {
                Some(other) if other != partner.name => {
                    wrong(format!("the identities {key} are those of `{other}` too"));
                }
                _ => {}
            }
        }
    }
}

fn open_mailboxes(
    config: &Config,
    partners: &BTreeMap<String, Arc<Partner>>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, MailboxBinding> {
    let mut mailboxes: BTreeMap<String, MailboxBinding> = BTreeMap::new();
    let mut inbound: BTreeMap<PathBuf, String> = BTreeMap::new();
    for partner in partners.values().filter(|partner| partner.state == State::Live) {
        let poll = partner
            .mailbox
            .poll_seconds
            .map_or(config.poll, |seconds| Duration::from_secs(u64::from(seconds.max(1))));
        let folder = config.base.join(&partner.mailbox.folder);
        let mut wrong = |words: String| {
            let file = format!("{}/partner.toml", partner.name);
            problems.push(Problem::whole(&file, format!("mailbox: {words}")));
        };
        let opened = DirectoryMailbox::open(&folder, config.arrivals());
        let opened = opened.and_then(|mailbox| Ok((mailbox, resolve(&config.base, &folder)?)));
        let (mailbox, (key, place)) = match opened {
            Ok(opened) => opened,
            Err(e) => {
                wrong(e.to_string());
                continue;
            }
        };
        if let Some(shared) = mailboxes.get_mut(&key) {
            shared.partners.push(Arc::clone(partner));
            shared.poll = shared.poll.min(poll);
            continue;
        }
        if let Some(other) = inbound.insert(place, key.clone()) {
            wrong(format!("{key} and {other} have one and the same `inbound`"));
        }
        let (mailbox, partners) = (Arc::new(mailbox), vec![Arc::clone(partner)]);
        mailboxes.insert(key.clone(), MailboxBinding { key, mailbox, partners, poll });
    }
    // A mailbox of partners that are all off is not looked at. In one that is shared, what comes for one that is off
    // is set aside under its name.
    for partner in partners.values().filter(|partner| partner.state == State::Off) {
        let folder = config.base.join(&partner.mailbox.folder);
        if let Ok((key, _)) = resolve(&config.base, &folder)
            && let Some(shared) = mailboxes.get_mut(&key)
        {
            shared.partners.push(Arc::clone(partner));
        }
    }
    mailboxes
}

/// The key of a mailbox, and where its `inbound` is. The key is the folder without links and detours, so that two
/// spellings are one mailbox; below the folder of the configuration it is relative to it, so that all may move.
fn resolve(base: &Path, folder: &Path) -> io::Result<(String, PathBuf)> {
    let base = base.join(".").canonicalize()?;
    let folder = folder.canonicalize()?;
    let key = folder.strip_prefix(&base).unwrap_or(&folder).display().to_string();
    Ok((key, folder.join("inbound").canonicalize()?))
}

/// The kinds that a partner is sent.
pub(super) fn kinds_out(partner: &Partner) -> Vec<String> {
    let out = partner.documents.iter().filter(|(_, flow)| flow.direction == Direction::Out);
    out.map(|(kind, _)| kind.clone()).collect()
}
