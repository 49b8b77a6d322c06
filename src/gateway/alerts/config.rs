//! `[[alerts]]` and `[notify]` of `crossdock.toml`: what is told, to whom, and how.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::exceptions::{Kind, Severity};
use crate::gateway::wrong::Wrong;
use crate::notify::{self, Settings, SmtpSettings, SmtpTls, WebhookSettings};
use crate::profile::Sections;
use crate::store::Event;

/// How long repeats of one cause are counted only, where a rule does not say.
const QUIET: Duration = Duration::from_hours(1);

/// `[[alerts]]`: a rule that says what is told, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRule {
    /// Its name, as messages have it.
    pub name: String,
    /// Names of destinations.
    pub to: Vec<String>,
    /// Exceptions of these kinds; none named: of all kinds, where `severity` is given.
    pub exceptions: BTreeSet<Kind>,
    /// Exceptions that weigh so much, and heavier ones.
    pub severity: Option<Severity>,
    /// Events of the journal.
    pub events: Vec<Event>,
    /// More work than this waits in a queue.
    pub queue_depth: Option<u64>,
    /// An acknowledgement has been waited for longer than this.
    pub acknowledgement_age: Option<Duration>,
    /// The gateway has not been ready for so long.
    pub not_ready: Option<Duration>,
    /// Of these partners only; none named: of all, and of nobody.
    pub partners: BTreeSet<String>,
    /// Of these kinds of documents or sets only; none named: of all, and of none.
    pub documents: BTreeSet<String>,
    /// For so long repeats of one cause are counted only, and told in one message afterwards.
    pub quiet: Duration,
    /// Whether it is told too when it is over.
    pub settled: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AlertTable {
    name: String,
    to: Vec<String>,
    exceptions: Vec<Kind>,
    severity: Option<Severity>,
    events: Vec<Event>,
    queue_depth: Option<u64>,
    acknowledgement_age: Option<String>,
    not_ready: Option<String>,
    partners: BTreeSet<String>,
    documents: BTreeSet<String>,
    quiet: Option<String>,
    settled: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NotifyTable {
    url: Option<String>,
    secret: Option<String>,
    bearer: Option<String>,
    smtp: Option<String>,
    port: Option<u16>,
    tls: Option<TlsWord>,
    user: Option<String>,
    password: Option<String>,
    from: Option<String>,
    to: Vec<String>,
    timeout_seconds: Option<u32>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TlsWord {
    Starttls,
    Implicit,
    None,
}

/// Reads `[notify]`: destinations by name, and the names of all, faulty ones too. `base` is what relative paths start from.
pub(in crate::gateway) fn read_destinations(
    sections: &mut Sections<'_>,
    base: &Path,
) -> (BTreeMap<String, Settings>, BTreeSet<String>) {
    let tables: BTreeMap<String, NotifyTable> = sections.optional("notify");
    let mut read = BTreeMap::new();
    let names = tables.keys().cloned().collect();
    for (name, table) in tables {
        let mut wrong = Wrong::of("notify", &name);
        let settings = table.settings(base, &mut wrong);
        wrong.tell(sections);
        read.extend(settings.map(|settings| (name, settings)));
    }
    (read, names)
}

/// Reads `[[alerts]]`; `destinations` are those that there are.
pub(in crate::gateway) fn read_rules(
    sections: &mut Sections<'_>,
    destinations: &BTreeSet<String>,
) -> Vec<AlertRule> {
    let tables: Vec<AlertTable> = sections.optional("alerts");
    let mut rules: Vec<AlertRule> = Vec::new();
    for (index, table) in tables.into_iter().enumerate() {
        let path = vec!["alerts".to_owned(), index.to_string()];
        let mut wrong = Wrong { label: format!("alert {:?}", table.name), path, found: Vec::new() };
        let rule = table.rule(destinations, &mut wrong);
        if rules.iter().any(|other| other.name == rule.name) {
            wrong.at("name", format!("another rule is called {:?} too", rule.name));
        }
        wrong.tell(sections);
        rules.push(rule);
    }
    rules
}

impl AlertTable {
    fn rule(self, destinations: &BTreeSet<String>, wrong: &mut Wrong) -> AlertRule {
        wrong.name("name", &self.name);
        if self.to.is_empty() {
            wrong.at("to", "names whom it is told to: `to = [\"NAME\"]` of a [notify.NAME]");
        }
        for name in self.to.iter().filter(|name| !destinations.contains(*name)) {
            let known: Vec<&str> = destinations.iter().map(String::as_str).collect();
            let known = known.join("`, `");
            wrong.at(
                "to",
                format!("names {name:?}, and there is no [notify.{name}]; there are `{known}`"),
            );
        }
        let of_messages = self.events.contains(&Event::MessageSent);
        if of_messages {
            wrong.at(
                "events",
                "cannot be `message_sent`: each message would tell of the one before",
            );
        }
        let second = Duration::from_secs(1);
        let age = self.acknowledgement_age.as_ref();
        let rule = AlertRule {
            acknowledgement_age: wrong.span("acknowledgement_age", age, second),
            not_ready: wrong.span("not_ready", self.not_ready.as_ref(), second),
            quiet: wrong.span("quiet", self.quiet.as_ref(), Duration::ZERO).unwrap_or(QUIET),
            name: self.name,
            to: self.to,
            exceptions: self.exceptions.into_iter().collect(),
            severity: self.severity,
            events: self.events,
            queue_depth: self.queue_depth,
            partners: self.partners,
            documents: self.documents,
            settled: self.settled,
        };
        let asks =
            !rule.exceptions.is_empty() || rule.severity.is_some() || !rule.events.is_empty();
        let watches = rule.queue_depth.is_some() || age.is_some() || self.not_ready.is_some();
        if !asks && !watches {
            wrong.at("", "tells of nothing: give it `exceptions`, `severity`, `events`, `queue_depth`, `acknowledgement_age` or `not_ready`");
        }
        rule
    }
}

impl NotifyTable {
    fn settings(self, base: &Path, wrong: &mut Wrong) -> Option<Settings> {
        let timeout = wrong.timeout(self.timeout_seconds);
        match (&self.url, &self.smtp) {
            (Some(url), None) => {
                let url = url.clone();
                self.webhook(&url, timeout, base, wrong).map(Settings::Webhook)
            }
            (None, Some(host)) => {
                let host = host.clone();
                self.mail(host, timeout, base, wrong).map(Settings::Smtp)
            }
            (Some(_), Some(_)) => {
                wrong.at("", "has either `url` or `smtp`, not both");
                None
            }
            (None, None) => {
                wrong.at("", "needs `url` (a webhook) or `smtp` (a mail server)");
                None
            }
        }
    }

    fn webhook(
        &self,
        url: &str,
        timeout: Duration,
        base: &Path,
        wrong: &mut Wrong,
    ) -> Option<WebhookSettings> {
        let strays = [
            ("port", self.port.is_some()),
            ("tls", self.tls.is_some()),
            ("user", self.user.is_some()),
            ("password", self.password.is_some()),
            ("from", self.from.is_some()),
            ("to", !self.to.is_empty()),
        ];
        for (key, _) in strays.into_iter().filter(|(_, is_there)| *is_there) {
            wrong.at(key, "belongs to `smtp`");
        }
        wrong.webhook((url, self.secret.as_ref(), self.bearer.as_ref()), timeout, base)
    }

    fn mail(
        self,
        host: String,
        timeout: Duration,
        base: &Path,
        wrong: &mut Wrong,
    ) -> Option<SmtpSettings> {
        for (key, _) in [("secret", &self.secret), ("bearer", &self.bearer)]
            .into_iter()
            .filter(|(_, value)| value.is_some())
        {
            wrong.at(key, "belongs to `url`");
        }
        if cfg!(not(feature = "smtp")) {
            wrong.at("smtp", "cannot be used: this program was built without the feature `smtp`");
        }
        if host.is_empty() || host.contains([':', '/']) {
            wrong.at("smtp", "is the name of a mail server alone; its port stands in `port`");
        }
        let tls = match self.tls {
            None | Some(TlsWord::Starttls) => SmtpTls::Starttls,
            Some(TlsWord::Implicit) => SmtpTls::Implicit,
            Some(TlsWord::None) => SmtpTls::None,
        };
        let password = wrong.secret("password", self.password.as_ref(), base);
        if self.user.is_some() != self.password.is_some() {
            wrong.at("", "has `user` and `password` together, or neither");
        }
        let is_here = matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1");
        if tls == SmtpTls::None && self.password.is_some() && !is_here {
            wrong.at("password", "would go over the network in the clear: `tls` is \"none\"");
        }
        if self.from.is_none() {
            wrong.at("", "needs `from`: whom mails are from");
        }
        if self.to.is_empty() {
            wrong.at("", "needs `to`: whom mails go to");
        }
        for (key, address) in
            self.from.iter().map(|a| ("from", a)).chain(self.to.iter().map(|a| ("to", a)))
        {
            if let Err(words) = notify::check_address(address) {
                wrong.at(key, format!("is wrong: {words}"));
            }
        }
        Some(SmtpSettings {
            port: self.port.unwrap_or(tls.port()),
            host,
            tls,
            login: self.user.zip(password),
            from: self.from?,
            to: self.to,
            timeout,
        })
    }
}
