//! Webhooks of endpoints: what a system tells of itself, taken in durably before it is answered.

use std::sync::Arc;

use super::orders::ReceivedOrders;
use super::{Error, Gateway};
use crate::bridge::{HookCall, Since, Unheard};
use crate::profile::{Partner, State};
use crate::store;

/// How often it is tried again where somebody else was first.
const ATTEMPTS: u32 = 5;

/// Why a call to a webhook was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HookError {
    /// There is no such webhook.
    #[error("there is no such webhook")]
    Unknown,
    /// It is not signed as it should be.
    #[error("it is not signed as it should be")]
    Unsigned,
    /// Its body is not what it should be, or tells of a partner that is not there.
    #[error("{0}")]
    Unreadable(String),
    /// The gateway failed, or its configuration has to be mended: it may be sent again.
    #[error(transparent)]
    Gateway(#[from] Error),
}

impl Gateway {
    /// Takes in what a webhook of an endpoint is called with, and tells of how many documents it told. When it returns well
    /// all of it is on the disk. What came before is known, and not taken again.
    ///
    /// # Errors
    /// Why it was not taken, or not all of it: the same call may be sent again.
    pub fn hear(&self, endpoint: &str, call: &HookCall<'_>) -> Result<usize, HookError> {
        let heard = self.take_heard(endpoint, call);
        if self.endpoints.contains_key(endpoint) {
            let outcome = match &heard {
                Ok(_) => "taken",
                Err(HookError::Unknown) => return heard,
                Err(HookError::Unsigned) => "unsigned",
                Err(HookError::Unreadable(_)) => "unreadable",
                Err(HookError::Gateway(_)) => "failed",
            };
            self.ledger.meter().count_hook(endpoint, call.hook, outcome);
        }
        heard
    }

    fn take_heard(&self, name: &str, call: &HookCall<'_>) -> Result<usize, HookError> {
        let endpoint = self.endpoints.get(name).ok_or(HookError::Unknown)?;
        let heard = endpoint.hear(call).map_err(|unheard| match unheard {
            Unheard::Unknown => HookError::Unknown,
            Unheard::Unsigned(words) => {
                tracing::warn!(endpoint = name, hook = call.hook, "a call is refused: {words}");
                HookError::Unsigned
            }
            Unheard::Unreadable(words) => HookError::Unreadable(words),
            Unheard::Failed(words) => Error::Configuration(words).into(),
        })?;
        // Whose they are is known of all before any is taken.
        let kind = heard.kind.as_str();
        let mut records = Vec::with_capacity(heard.records.len());
        for (partner, record) in heard.records {
            records.push((self.told_of(name, kind, partner.as_deref())?, record));
        }
        let mut count = 0;
        for (partner, record) in records {
            let orders = ReceivedOrders { store: self.ledger.store(), partner: &partner };
            let since = Since { partner: &partner.name, kind, cursor: None, orders: &orders };
            let document = endpoint.heard_document(call, &record, &since).map_err(Error::from)?;
            let Some(document) = document else { continue };
            count += 1;
            let mut attempt = 0;
            loop {
                match self.take_polled(&partner, kind, &document) {
                    // The same came twice at once: the second look finds the first.
                    Err(Error::Store(store::Error::Conflict(_))) if attempt < ATTEMPTS => {
                        attempt += 1;
                    }
                    taken => break taken?,
                }
            }
        }
        Ok(count)
    }

    /// The partner that a record is for: the one that it names, or the only one of the endpoint that is sent such
    /// documents.
    fn told_of(
        &self,
        endpoint: &str,
        kind: &str,
        name: Option<&str>,
    ) -> Result<Arc<Partner>, HookError> {
        let live = self.live();
        let is_its = |partner: &&Arc<Partner>| {
            partner.endpoint == endpoint
                && partner.state != State::Off
                && partner.outbound(kind).is_some()
        };
        let mut its = live.profiles.iter().filter(is_its);
        match name {
            Some(name) => its.find(|partner| partner.name == name).cloned().ok_or_else(|| {
                HookError::Unreadable(format!(
                    "no partner `{name}` of this endpoint is sent {kind} documents"
                ))
            }),
            None => match (its.next(), its.next()) {
                (Some(only), None) => Ok(Arc::clone(only)),
                (None, _) => Err(HookError::Unreadable(format!(
                    "no partner of this endpoint is sent {kind} documents"
                ))),
                _ => Err(HookError::Unreadable(format!(
                    "several partners of this endpoint are sent {kind} documents, and the webhook of the connector has no `partner` that tells them apart"
                ))),
            },
        }
    }
}
