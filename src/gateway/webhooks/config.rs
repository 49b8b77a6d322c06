//! `[webhooks.NAME]` of `crossdock.toml`: who is told of which events.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::event::EventType;
use crate::gateway::wrong::Wrong;
use crate::notify::WebhookSettings;
use crate::profile::Sections;

/// `[webhooks.NAME]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookConfig {
    /// Where events are posted to, and what they are signed with.
    pub settings: WebhookSettings,
    /// Events of these types.
    pub events: BTreeSet<EventType>,
    /// Of these partners only; none named: of all, and of nobody.
    pub partners: BTreeSet<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WebhookTable {
    url: Option<String>,
    secret: Option<String>,
    bearer: Option<String>,
    events: Option<BTreeSet<EventType>>,
    partners: BTreeSet<String>,
    timeout_seconds: Option<u32>,
}

/// Reads `[webhooks]`; `base` is what relative paths start from.
pub(in crate::gateway) fn read_webhooks(
    sections: &mut Sections<'_>,
    base: &Path,
) -> BTreeMap<String, WebhookConfig> {
    let tables: BTreeMap<String, WebhookTable> = sections.optional("webhooks");
    let mut read = BTreeMap::new();
    for (name, table) in tables {
        let mut wrong = Wrong::of("webhooks", &name);
        let webhook = table.webhook(base, &mut wrong);
        wrong.tell(sections);
        read.extend(webhook.map(|webhook| (name, webhook)));
    }
    read
}

impl WebhookTable {
    fn webhook(self, base: &Path, wrong: &mut Wrong) -> Option<WebhookConfig> {
        let timeout = wrong.timeout(self.timeout_seconds);
        if self.url.is_none() {
            wrong.at("", "needs `url`: where events are posted to");
        }
        if self.secret.is_none() {
            wrong.at("", "needs `secret`, with which events are signed: env:NAME or file:PATH");
        }
        if self.events.as_ref().is_some_and(BTreeSet::is_empty) {
            wrong.at("events", "names none: leave it out for all of them");
        }
        let of = (self.url.as_deref()?, self.secret.as_ref(), self.bearer.as_ref());
        let settings = wrong.webhook(of, timeout, base)?;
        let events = self.events.unwrap_or_else(|| EventType::ALL.into());
        Some(WebhookConfig { settings, events, partners: self.partners })
    }
}
