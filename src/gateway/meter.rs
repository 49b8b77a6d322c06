//! What is counted and timed, for Prometheus.

use std::fmt;

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use super::{Gateway, lanes};
use crate::store::{AckState, DiskRoom, Error, Event, JournalRecord};

/// Bounds of latencies, in seconds: from a file in the same folder to a partner that answers the next day.
const SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0, 3600.0, 14400.0, 86400.0, 259_200.0,
];
/// Open exceptions that are counted at a scrape.
const EXCEPTIONS_MAX: usize = 10_000;
/// Expectations that are looked through for their ages at a scrape.
const EXPECTATIONS_MAX: usize = 50_000;

/// An event of the journal, of a partner and a set or kind of document.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabels {
    event: String,
    partner: String,
    document: String,
}

/// A partner.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PartnerLabels {
    partner: String,
}

/// A lane of work.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LaneLabels {
    lane: String,
}

/// Calls to a webhook of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HookLabels {
    endpoint: String,
    hook: String,
    outcome: &'static str,
}

/// Acknowledgements of a partner in a state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AckLabels {
    partner: String,
    state: &'static str,
}

/// Open exceptions of a partner.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ExceptionLabels {
    partner: String,
    severity: &'static str,
}

type Seconds = Family<PartnerLabels, Histogram>;

pub(super) struct Meter {
    registry: Registry,
    events: Family<EventLabels, Counter>,
    hooks: Family<HookLabels, Counter>,
    answered: Seconds,
    delivered: Seconds,
    acknowledged: Seconds,
    standing: Standing,
}

/// What is looked up at each scrape.
struct Standing {
    waiting: Family<LaneLabels, Gauge>,
    failing: Gauge,
    parked: Gauge,
    acks: Family<AckLabels, Gauge>,
    oldest: Family<PartnerLabels, Gauge>,
    exceptions: Family<ExceptionLabels, Gauge>,
    database: Gauge,
    room: Gauge,
}

impl Default for Meter {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("crossdock");
        let all = &mut registry;
        let seconds = || Seconds::new_with_constructor(|| Histogram::new(SECONDS));
        Self {
            events: added(
                all,
                "events",
                "Journal records since the start, by event, partner and set or kind of document",
                Family::default(),
            ),
            hooks: added(
                all,
                "hooks",
                "Calls to webhooks of endpoints, by what became of them: taken, unsigned, unreadable, failed",
                Family::default(),
            ),
            answered: added(
                all,
                "answer_seconds",
                "From a file taken in to the answer to it in the outbox",
                seconds(),
            ),
            delivered: added(
                all,
                "delivery_seconds",
                "From a document read to the endpoint having it",
                seconds(),
            ),
            acknowledged: added(
                all,
                "acknowledgement_seconds",
                "From a document sent to the partner's acknowledgement of it",
                seconds(),
            ),
            standing: Standing::new(all),
            registry,
        }
    }
}

impl Standing {
    fn new(all: &mut Registry) -> Self {
        Self {
            waiting: added(all, "work_waiting", "Work that waits, by lane", Family::default()),
            failing: added(
                all,
                "work_failing",
                "Work that failed and is tried again",
                Gauge::default(),
            ),
            parked: added(
                all,
                "work_parked",
                "Work that an endpoint has refused",
                Gauge::default(),
            ),
            acks: added(
                all,
                "acknowledgements_open",
                "What partners have not acknowledged yet: waiting, due_soon, overdue",
                Family::default(),
            ),
            oldest: added(
                all,
                "acknowledgement_age_seconds",
                "How long the oldest set has waited for its acknowledgement",
                Family::default(),
            ),
            exceptions: added(
                all,
                "exceptions_open",
                "Open exceptions, by partner and severity",
                Family::default(),
            ),
            database: added(
                all,
                "database_bytes",
                "Size of the file of the database",
                Gauge::default(),
            ),
            room: added(
                all,
                "room_bytes",
                "Bytes that may still be written to the disk with the data",
                Gauge::default(),
            ),
        }
    }
}

/// A metric, known to the registry.
fn added<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

impl Meter {
    /// Counts a call to a webhook of an endpoint.
    pub(super) fn count_hook(&self, endpoint: &str, hook: &str, outcome: &'static str) {
        let (endpoint, hook) = (endpoint.to_owned(), hook.to_owned());
        self.hooks.get_or_create(&HookLabels { endpoint, hook, outcome }).inc();
    }

    /// Counts what was committed, and times it where it tells since when.
    pub(super) fn count(&self, record: &JournalRecord) {
        let entry = &record.entry;
        let event = serde_json::to_value(entry.event).unwrap_or_default();
        let document = entry.facts.get("set_id").or_else(|| entry.facts.get("kind"));
        let labels = EventLabels {
            event: event.as_str().unwrap_or_default().to_owned(),
            partner: entry.partner.clone(),
            document: document.cloned().unwrap_or_default(),
        };
        self.events.get_or_create(&labels).inc();
        let (family, since) = match entry.event {
            Event::AcknowledgementRendered => (&self.answered, "received"),
            Event::DocumentDelivered => (&self.delivered, "received"),
            Event::DocumentAcknowledged => (&self.acknowledged, "sent"),
            _ => return,
        };
        let since = entry.facts.get(since).and_then(|at| at.parse::<Timestamp>().ok());
        if let Some(since) = since {
            let seconds = Timestamp::now().duration_since(since).as_secs_f64().max(0.0);
            let labels = PartnerLabels { partner: entry.partner.clone() };
            family.get_or_create(&labels).observe(seconds);
        }
    }
}

/// A number for a gauge.
fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Gateway {
    /// Where health and metrics are to be told, where that is configured.
    #[must_use]
    pub fn listen(&self) -> Option<std::net::SocketAddr> {
        self.config.service.listen
    }

    /// Everything that is measured, in the text format of Prometheus.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn metrics(&self) -> Result<String, Error> {
        let (meter, store) = (self.ledger.meter(), self.ledger.store());
        let standing = &meter.standing;
        let backlog = store.backlog(0)?;
        standing.waiting.clear();
        // A deadline is no work as long as it has not come.
        let work = backlog.waiting.into_iter().filter(|(lane, _)| !lanes::is_deadlines(lane));
        for (lane, count) in work {
            standing.waiting.get_or_create(&LaneLabels { lane }).set(gauge(count));
        }
        standing.failing.set(gauge(backlog.failing));
        standing.parked.set(gauge(store.parked(EXPECTATIONS_MAX)?.len()));
        standing.acks.clear();
        standing.oldest.clear();
        let now = Timestamp::now();
        for one in store.waiting_expectations(EXPECTATIONS_MAX)? {
            let state = match one.state {
                AckState::Overdue => "overdue",
                AckState::DueSoon => "due_soon",
                _ => "waiting",
            };
            standing.acks.get_or_create(&AckLabels { partner: one.partner.clone(), state }).inc();
            let age = now.duration_since(one.sent).as_secs();
            let oldest = standing.oldest.get_or_create(&PartnerLabels { partner: one.partner });
            oldest.set(oldest.get().max(age));
        }
        standing.exceptions.clear();
        for one in store.open_exceptions(0, EXCEPTIONS_MAX)? {
            let labels = ExceptionLabels { partner: one.partner, severity: one.severity.name() };
            standing.exceptions.get_or_create(&labels).inc();
        }
        let DiskRoom { database, left } = store.room();
        for (gauge, bytes) in [(&standing.database, database), (&standing.room, left)] {
            gauge.set(bytes.map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX)));
        }
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _: fmt::Result = encode(&mut text, &meter.registry);
        Ok(text)
    }
}
