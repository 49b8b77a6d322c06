//! `crossdock.toml`: where things are, and what bounds them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::alerts::{AlertRule, read_destinations, read_rules};
use super::api_config::ApiConfig;
use super::as2_config::As2Config;
use super::connectors::{Connected, read_connectors};
use super::cutover::ShadowConfig;
use super::reconciliation::ReconciliationConfig;
use super::retention::RetentionConfig;
use super::webhooks::{WebhookConfig, read_webhooks};
use crate::audit::Key;
use crate::disk;
use crate::exceptions::{Kind, Policy, Severity};
use crate::notify;
use crate::profile::{Problem, Secret, Sections};
use crate::secrets::read_secret;

/// The configuration of a gateway. Relative paths are relative to the folder of the file.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file that it was read from, as problems name it.
    pub file: String,
    /// `data`: folder of the store: state, payloads, journal. Local disk.
    pub data: PathBuf,
    /// `profiles`: folder with one folder for each partner, a `partner.toml` in each.
    pub profiles: PathBuf,
    /// Folder that mailboxes' relative folders start from: that of the file.
    pub base: PathBuf,
    /// `poll_seconds`: from one look into a mailbox or endpoint to the next, where a profile does not say.
    pub poll: Duration,
    /// `settle_milliseconds`: a file is finished when it has not changed for this long.
    pub settle: Duration,
    /// `[endpoints.NAME]`: the warehouse's systems.
    pub endpoints: BTreeMap<String, EndpointConfig>,
    /// The connectors of those endpoints that name one, with their settings; see `connectors`.
    pub connected: BTreeMap<String, Connected>,
    /// `[exceptions]`: whose those are that no profile gives to anybody.
    pub exceptions: Policy,
    /// `[log]`
    pub log: LogConfig,
    /// `[limits]`
    pub limits: Limits,
    /// `[audit]`
    pub audit: AuditConfig,
    /// `[service]`
    pub service: ServiceConfig,
    /// `[api]`
    pub api: ApiConfig,
    /// `[as2]`
    pub as2: As2Config,
    /// `[notify.NAME]`: whom messages are sent to.
    pub notify: BTreeMap<String, notify::Settings>,
    /// `[[alerts]]`: what is told of.
    pub alerts: Vec<AlertRule>,
    /// `[webhooks.NAME]`: whom events are posted to.
    pub webhooks: BTreeMap<String, WebhookConfig>,
    /// `[reconciliation]`
    pub reconciliation: ReconciliationConfig,
    /// `[unknown_senders]`
    pub unknown_senders: UnknownSenders,
    /// `[retention]`
    pub retention: RetentionConfig,
}

/// `[unknown_senders]`: what becomes of an interchange whose sender and receiver stand in no profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum UnknownSenders {
    /// It is set aside for a person.
    #[default]
    Quarantine,
    /// It is rejected with a TA1, where its mailbox is that of a partner that is live.
    Reject,
    /// It is taken as if it were this partner's, where it lies in the mailbox of that one.
    AcceptAs(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct UnknownSendersTable {
    action: UnknownAction,
    partner: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum UnknownAction {
    #[default]
    Quarantine,
    Reject,
    AcceptAs,
}

impl UnknownSenders {
    fn read(sections: &mut Sections<'_>) -> Self {
        let UnknownSendersTable { action, partner } = sections.optional("unknown_senders");
        let wrong = match (action, &partner) {
            (UnknownAction::AcceptAs, None) => {
                Some("`action = \"accept-as\"` needs `partner`: under whose profile they are taken")
            }
            (UnknownAction::Quarantine | UnknownAction::Reject, Some(_)) => {
                Some("`partner` belongs to `action = \"accept-as\"`")
            }
            _ => None,
        };
        if let Some(words) = wrong {
            let place = sections.place(&["unknown_senders"]);
            sections.problem(place, format!("unknown_senders: {words}"));
        }
        match (action, partner) {
            (UnknownAction::AcceptAs, Some(partner)) => Self::AcceptAs(partner),
            (UnknownAction::Reject, _) => Self::Reject,
            _ => Self::Quarantine,
        }
    }
}

/// `[audit]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditConfig {
    /// Where the key is that signs the audit log: `env:NAME` or `file:PATH`. Without it, `audit.key` in the data folder,
    /// which is made at the first start.
    pub key: Option<String>,
}

impl AuditConfig {
    /// The key that is configured; nothing where none is.
    ///
    /// # Errors
    /// In words: it cannot be read, or is none.
    pub fn key(&self) -> Result<Option<Key>, String> {
        let Some(text) = &self.key else { return Ok(None) };
        let secret = text.parse().map_err(|words| format!("audit.key: {words}"))?;
        let key = read_secret(&secret).map_err(|words| format!("audit.key: {words}"))?;
        key.parse().map(Some).map_err(|words| format!("audit.key ({secret}): {words}"))
    }
}

/// `[service]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceConfig {
    /// Address and port at which health, readiness and metrics are told over HTTP; none where it is not given.
    pub listen: Option<std::net::SocketAddr>,
}

/// `[endpoints.NAME]`: either `folder`, or `url` with `returns`, or `connector` with `settings`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointConfig {
    /// A folder: `FOLDER/PARTNER/orders/*.json` and so on.
    pub folder: Option<PathBuf>,
    /// An HTTP(S) address: documents are posted to `URL/orders` and so on.
    pub url: Option<String>,
    /// With `url`: where the bearer token is: `env:NAME` or `file:PATH`. Never the token itself.
    pub bearer: Option<String>,
    /// With `url`: seconds until a call counts as failed; 30 where it is not given.
    pub timeout_seconds: Option<u32>,
    /// With `url`: the folder in which the warehouse's own documents arrive, laid out like `folder`. With `connector`: one
    /// beside what the connector fetches; it may be left out.
    pub returns: Option<PathBuf>,
    /// The connector that describes the API of the endpoint.
    pub connector: Option<String>,
    /// With `connector`: what it has to be told.
    pub settings: toml::Table,
    /// With `connector`: with what its calls are compared while partners are in shadow.
    pub shadow: Option<ShadowConfig>,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `human` or `json`.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`, or a filter such as `crossdock=debug`.
    pub level: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Human, level: "info".to_owned() }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// `[limits]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest file that is taken in, in MiB. It is held in memory while it is worked on.
    pub file_mebibytes: u32,
    /// Most sets of an interchange that is taken in. All of it is decided in one step, with some 30 KB of memory a set.
    pub sets: u32,
    /// How many files and documents are translated at a time.
    pub translations: u32,
    /// Seconds before the second attempt; then twice as many each time, with some chance in it.
    pub retry_seconds_first: u32,
    /// The longest pause between attempts, in seconds.
    pub retry_seconds_max: u32,
    /// How many sessions with SFTP servers are open at a time.
    pub sftp_sessions: u32,
    /// The database is compacted once its file is larger than this, in MiB, and three times as large as it was then.
    pub database_mebibytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_mebibytes: 64,
            sets: 10_000,
            translations: 2,
            retry_seconds_first: 2,
            retry_seconds_max: 600,
            sftp_sessions: 64,
            database_mebibytes: 512,
        }
    }
}

/// Most finished files of a folder that one look hands on: what bounds the list in memory.
const FILES_A_LOOK: usize = 1000;

impl Limits {
    /// None of them is 0.
    fn check(self, sections: &mut Sections<'_>) {
        let numbers = [
            ("file_mebibytes", self.file_mebibytes),
            ("sets", self.sets),
            ("translations", self.translations),
            ("retry_seconds_first", self.retry_seconds_first),
            ("retry_seconds_max", self.retry_seconds_max),
            ("sftp_sessions", self.sftp_sessions),
            ("database_mebibytes", self.database_mebibytes),
        ];
        for (field, _) in numbers.into_iter().filter(|(_, value)| *value == 0) {
            let place = sections.place(&["limits", field]);
            sections.problem(place, format!("limits: `{field}` is at least 1"));
        }
    }
}

/// No two of them listen on the same address.
fn check_listeners(
    sections: &mut Sections,
    listeners: &[(&'static str, Option<std::net::SocketAddr>)],
) {
    let mut heard: Vec<(&str, std::net::SocketAddr)> = Vec::new();
    for &(table, listen) in listeners {
        let Some(listen) = listen else { continue };
        // The system gives each a port of its own where 0 is asked for.
        let same = heard.iter().find(|(_, other)| *other == listen && listen.port() != 0);
        if let Some((other, _)) = same {
            let place = sections.place(&[table, "listen"]);
            let words = format!(
                "{table}: {listen} is the address of [{other}] already: give each a port of its own"
            );
            sections.problem(place, words);
        }
        heard.push((table, listen));
    }
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(file: &Path) -> Result<Self, Vec<Problem>> {
        sound(Self::read_all(file))
    }

    /// Whether there is a partner of this name, of which nothing was found; nothing named is well, too.
    ///
    /// # Errors
    /// In words: there is none, with those that there are.
    pub fn is_partner(&self, name: Option<&str>) -> Result<(), String> {
        let Some(name) = name else { return Ok(()) };
        if self.profiles.join(name).is_dir() {
            return Ok(());
        }
        let folders = std::fs::read_dir(&self.profiles).into_iter().flatten().flatten();
        let is_profile = |entry: &std::fs::DirEntry| entry.path().join("partner.toml").is_file();
        let mut known: Vec<String> = folders
            .filter(is_profile)
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        known.sort();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Err(format!("there is no partner `{name}`; known are {known}"))
    }

    /// Reads the file: what can be used of it, as long as it says where store and profiles are, and everything that is
    /// wrong.
    #[must_use]
    pub fn read_all(file: &Path) -> (Option<Self>, Vec<Problem>) {
        let name = file.display().to_string();
        let base = file.parent().unwrap_or(Path::new("."));
        match std::fs::read_to_string(file) {
            Ok(text) => Self::parse_all(&name, &text, base),
            Err(e) => (None, vec![Problem::whole(&name, format!("cannot be read: {e}"))]),
        }
    }

    /// Reads the text of a configuration; `base` is what relative paths start from.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(file: &str, text: &str, base: &Path) -> Result<Self, Vec<Problem>> {
        sound(Self::parse_all(file, text, base))
    }

    fn parse_all(file: &str, text: &str, base: &Path) -> (Option<Self>, Vec<Problem>) {
        let mut sections = Sections::parse(file, text);
        let data: Option<PathBuf> = sections.required("data");
        let profiles: Option<PathBuf> = sections.required("profiles");
        let poll = sections.read::<u32>("poll_seconds").unwrap_or(5);
        let settle = sections.read::<u32>("settle_milliseconds").unwrap_or(1000);
        let mut endpoints: BTreeMap<String, EndpointConfig> = sections.optional("endpoints");
        let exceptions = exceptions(&mut sections);
        let log = sections.optional("log");
        let limits: Limits = sections.optional("limits");
        let mut audit: AuditConfig = sections.optional("audit");
        rebase_audit(&mut audit, &mut sections, base);
        let service: ServiceConfig = sections.optional("service");
        let api = ApiConfig::read(&mut sections, base);
        let as2 = As2Config::read(&mut sections, base);
        let (notify, names) = read_destinations(&mut sections, base);
        let alerts = read_rules(&mut sections, &names);
        let webhooks = read_webhooks(&mut sections, base);
        let unknown_senders = UnknownSenders::read(&mut sections);
        let reconciliation = ReconciliationConfig::read(&mut sections, &names);
        let retention = RetentionConfig::read(&mut sections);
        if service.listen.is_some() && cfg!(not(feature = "console")) {
            let place = sections.place(&["service", "listen"]);
            sections.problem(place, "this program was built without the feature `console`");
        }
        let listeners = [("service", service.listen), ("api", api.listen), ("as2", as2.listen)];
        check_listeners(&mut sections, &listeners);
        if poll == 0 {
            let place = sections.place(&["poll_seconds"]);
            sections.problem(place, "`poll_seconds` is at least 1");
        }
        let (connected, faults) = read_connectors(&mut sections, base, &endpoints);
        for (name, endpoint) in &mut endpoints {
            for words in endpoint.problems() {
                let place = sections.place(&["endpoints", name]);
                sections.problem(place, format!("endpoints.{name}: {words}"));
            }
            for path in [&mut endpoint.folder, &mut endpoint.returns].into_iter().flatten() {
                *path = base.join(&*path);
            }
        }
        limits.check(&mut sections);
        let config = data.zip(profiles).map(|(data, profiles)| Self {
            file: file.to_owned(),
            data: base.join(data),
            profiles: base.join(profiles),
            base: base.to_path_buf(),
            poll: Duration::from_secs(u64::from(poll)),
            settle: Duration::from_millis(u64::from(settle)),
            endpoints,
            connected,
            exceptions,
            log,
            limits,
            audit,
            service,
            api,
            as2,
            notify,
            alerts,
            webhooks,
            reconciliation,
            unknown_senders,
            retention,
        });
        let mut problems = sections.finish();
        problems.extend(faults);
        (config, problems)
    }

    /// What bounds the folders of mailboxes and endpoints.
    #[must_use]
    pub fn arrivals(&self) -> disk::Limits {
        disk::Limits {
            settle: self.settle,
            file_bytes: u64::from(self.limits.file_mebibytes) << 20,
            files: FILES_A_LOOK,
        }
    }
}

/// The key of the audit log, relative to the folder of the file.
fn rebase_audit(audit: &mut AuditConfig, sections: &mut Sections<'_>, base: &Path) {
    if let Some(key) = &mut audit.key {
        match key.parse() {
            Ok(Secret::File(path)) => {
                *key = Secret::File(base.join(path)).to_string();
            }
            Ok(Secret::Environment(_)) => {}
            Err(words) => {
                let place = sections.place(&["audit", "key"]);
                sections.problem(place, format!("audit: `key`: {words}"));
            }
        }
    }
}

/// A configuration without a problem.
fn sound((config, problems): (Option<Config>, Vec<Problem>)) -> Result<Config, Vec<Problem>> {
    config.filter(|_| problems.is_empty()).ok_or(problems)
}

/// `[exceptions]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ExceptionsConfig {
    owner: Option<String>,
    critical: Option<String>,
    high: Option<String>,
    normal: Option<String>,
    owners: BTreeMap<Kind, String>,
}

fn exceptions(sections: &mut Sections<'_>) -> Policy {
    let read: ExceptionsConfig = sections.optional("exceptions");
    let mut policy = Policy { owner: read.owner, owners: read.owners, within: BTreeMap::new() };
    let spans = [
        (Severity::Critical, read.critical),
        (Severity::High, read.high),
        (Severity::Normal, read.normal),
    ];
    for (severity, text) in spans {
        let Some(text) = text else { continue };
        if let Some(span) = span(&text).filter(|span| !span.is_zero()) {
            policy.within.insert(severity, span);
            continue;
        }
        let name = severity.name();
        let place = sections.place(&["exceptions", name]);
        let words =
            format!("exceptions: `{name}` is a span of time such as \"30m\", \"4h\" or \"2d\"");
        sections.problem(place, words);
    }
    policy
}

/// Reads a span of time, `30m` or `2d`.
pub(super) fn span(text: &str) -> Option<Duration> {
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let span = text.parse::<jiff::Span>().and_then(|span| span.to_duration(days));
    span.ok().and_then(|span| Duration::try_from(span).ok())
}

impl EndpointConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.connector.is_some() {
            let others = self.folder.is_some() || self.url.is_some() || self.bearer.is_some();
            if others || self.timeout_seconds.is_some() {
                problems.push(
                    "has `connector`: `folder`, `url`, `bearer` and `timeout_seconds` belong to endpoints without one; say it in `settings`"
                        .to_owned(),
                );
            }
            if cfg!(not(feature = "http")) {
                problems.push("this program was built without the feature `http`".to_owned());
            }
            return problems;
        }
        if !self.settings.is_empty() {
            problems.push("`settings` belong to `connector`".to_owned());
        }
        match (&self.folder, &self.url) {
            (Some(_), Some(_)) => {
                problems.push("has either `folder` or `url`, not both".to_owned());
            }
            (None, None) => problems.push("needs `folder` or `url`, or `connector`".to_owned()),
            (Some(_), None) => {
                if self.bearer.is_some() || self.timeout_seconds.is_some() || self.returns.is_some()
                {
                    problems.push(
                        "`bearer`, `timeout_seconds` and `returns` belong to `url`".to_owned(),
                    );
                }
            }
            (None, Some(url)) => {
                if !(url.starts_with("http://") || url.starts_with("https://")) {
                    problems.push("`url` begins with http:// or https://".to_owned());
                }
                if self.returns.is_none() {
                    problems.push(
                        "needs `returns`: the folder in which the warehouse's documents arrive"
                            .to_owned(),
                    );
                }
                if cfg!(not(feature = "http")) {
                    problems.push("this program was built without the feature `http`".to_owned());
                }
            }
        }
        if let Some(bearer) = &self.bearer
            && let Err(words) = bearer.parse::<crate::profile::Secret>()
        {
            problems.push(format!("`bearer`: {words}"));
        }
        problems
    }
}
