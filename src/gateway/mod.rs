//! The gateway: the paths of documents between mailboxes and endpoints, and what keeps them safe.
//!
//! Inbound: `intake` makes a file durable and only then lets it leave the mailbox; `inbound` splits, checks and
//! translates it and commits what follows from it; `dispatch` hands documents to the endpoint and
//! acknowledgements to the mailbox. Outbound: `intake` takes a document from the endpoint, `outbound` writes and
//! numbers it, `dispatch` sends it, and the partner's acknowledgement closes it.
//!
//! Profiles may change while it works: `reload` judges the new ones, and puts those in force that can be
//! used.
//!
//! Every step ends in one durable commit, and can be repeated after a crash: what was done already is known by its
//! key. The gateway decides; what X12 says is `translate`'s business, what a folder is that of the transports.

mod ack_log;
mod acknowledgement;
mod ahead;
mod alerts;
mod api_config;
#[cfg(feature = "as2")]
mod as2;
mod as2_config;
mod config;
mod connectors;
mod crew;
mod cutover;
mod deadlines;
#[cfg(unix)]
mod desk;
mod dispatch;
mod dossier;
mod envelope;
mod hooks;
mod in_force;
mod inbound;
mod intake;
mod lanes;
mod leads;
mod ledger;
mod live;
mod mailboxes;
mod meter;
mod notes;
mod orders;
mod outbound;
mod parts;
mod polling;
mod pressure;
mod raising;
mod reconciliation;
mod records;
mod rehearsal;
mod reload;
mod replay;
mod requeue;
mod retention;
mod room;
mod server_config;
mod settling;
mod setup;
mod standing;
mod status;
mod steps;
mod submission;
mod ta1;
mod trace;
mod translation;
mod webhooks;
mod working;
mod wrong;

pub use crate::audit::{Checkpoint, PublicKey, Report, public_keys, verify};
pub use crate::bridge::HookCall;
pub use crate::store::{
    AUDIT, Begun, Checked, Progress, Retired, Told, Trail, begin_log, check as check_store,
    export as export_records,
};
pub use crate::store::{
    AckState, As2Message, Document as DocumentRecord, DocumentState, Error as StoreError, Event,
    Exception, ExceptionItem, ExceptionState, Expectation, JournalEntry, JournalRecord, PayloadId,
    Records, Redeliver, Settled, Subject, Timing,
};
pub use ack_log::{Line as AckLine, lines as ack_lines};
pub use alerts::{AlertRule, Sent, send_test};
pub use api_config::ApiConfig;
#[cfg(feature = "as2")]
pub use as2::{As2Answer, As2Certificate, as2_certificates};
pub use as2_config::As2Config;
pub use config::{
    AuditConfig, Config, EndpointConfig, Limits, LogConfig, LogFormat, ServiceConfig,
    UnknownSenders,
};
pub use connectors::{Connected, connector_texts};
#[cfg(feature = "http")]
pub use connectors::{Onlook, hand_over};
pub use cutover::{
    Compared, ComparedDocument, Comparison, CutoverError, Shadow, ShadowConfig, compare_shadow,
};
pub use dossier::{Bundle, Dossier, event_words, export_dossier, verify_dossier};
pub use hooks::HookError;
pub use leads::{Lead, Leads, leads};
pub use live::check_endpoints;
pub use raising::{NotedFinding, exception_about_document};
pub use reconciliation::{
    Difference, Inbound, Outbound, Reconciliation, ReconciliationConfig, SetNames, partners_of,
    reconcile, sets_of,
};
pub use records::{message_of, open_records};
pub use rehearsal::{Rehearsal, SetTrial, Standing, Trial, is_faulty};
pub use reload::Refused;
pub use replay::{
    Against, Field, Found, Item, Line, Replay, Replayed, Resubmitted, Selection, Source, Stand,
    Step, resubmit,
};
pub use retention::{RetentionConfig, days_ago};
pub use settling::{Deed, Deeds, SettleError, retry_parked, settle_exception};
pub use setup::{Problems, check_config, compact_store, rebuild_store, retire_history};
pub use status::{Looked, ProfilesStatus, Status, Trouble};
pub use submission::{Submission, SubmissionError, Submitted};
pub use trace::{Carton, Trace, TracedDocument, acknowledgement_of, exceptions_about, trace};
pub use webhooks::{
    EventType, Replaying, Waiting, WebhookConfig, WebhookEvent, ping_webhook, replay_events,
    waiting_events,
};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, broadcast, watch};

use crate::bridge::Endpoint;
use crate::notify::{Destination, Receiver};
use crate::profile::Partner;
use crate::store::Store;
use crate::translate::Engine;
use ledger::Ledger;
use live::Live;
use translation::Translator;

/// Why the gateway stopped, or one of its steps did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store failed. After a failed write nothing is done any more: better to stand still than to forget.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// A mailbox failed.
    #[error(transparent)]
    Mailbox(#[from] crate::transport::Error),
    /// An endpoint failed, or refused.
    #[error(transparent)]
    Endpoint(#[from] crate::bridge::Error),
    /// A destination did not take a message.
    #[error(transparent)]
    Notify(crate::notify::Error),
    /// Something that the work names is not in the configuration any more.
    #[error("{0}")]
    Configuration(String),
    /// A defect of this program: a step panicked.
    #[error("{0}")]
    Defect(String),
}

/// A gateway: everything that it needs, opened and checked.
pub struct Gateway {
    config: Config,
    ledger: Ledger,
    translator: Translator,
    /// What the profiles make of it; another one from the next reload on.
    live: RwLock<Arc<Live>>,
    /// What was changed and cannot be used.
    refused: Mutex<Option<reload::Refused>>,
    /// Told at each reload.
    reloaded: Notify,
    endpoints: BTreeMap<String, Arc<dyn Endpoint>>,
    /// Bounds what is translated at a time; calls to endpoints and mailboxes are bounded by their lanes.
    translations: Semaphore,
    /// Bounds how many steps wait for a server at a time, so that they leave threads for all others.
    servers: Semaphore,
    /// Whether deliveries give way.
    pressure: pressure::Pressure,
    /// How many steps that need no server are done at a time, as far as they get on.
    disks: room::Room,
    /// Who does the steps that have room there.
    disk_crew: crew::Crew,
    /// Who translates.
    translators: crew::Crew,
    status: status::Board,
    /// Acknowledgements of ours that were told to be late, and still wait.
    late: Mutex<BTreeSet<u64>>,
    ack_log: Mutex<Option<ack_log::AckLog>>,
    destinations: BTreeMap<String, Arc<dyn Destination>>,
    /// Who is told of events, by the names of webhooks.
    receivers: BTreeMap<String, Arc<dyn Receiver>>,
    /// Since when not all of its work can be done.
    not_ready_since: Mutex<Option<Timestamp>>,
    /// When the last thing was noted before it was opened.
    last_noted: Option<Timestamp>,
    /// The last day that was reconciled.
    reconciled: Mutex<Option<jiff::civil::Date>>,
    #[cfg(feature = "as2")]
    as2: as2::Memory,
}

impl Gateway {
    /// Opens store, profiles, mailboxes and endpoints. `engine` has the grammars and maps. Call it within a tokio
    /// runtime.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn open(config: Config, engine: Engine) -> Result<Arc<Self>, Problems> {
        setup::open(config, engine).map(Arc::new)
    }

    /// What happens from now on, as the journal has it. One that reads too slowly misses records; the journal
    /// itself has all.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<JournalRecord> {
        self.ledger.subscribe()
    }

    /// Where the API is served.
    #[must_use]
    pub fn api_config(&self) -> &ApiConfig {
        &self.config.api
    }

    /// How messages over AS2 come in.
    #[must_use]
    pub fn as2_config(&self) -> &As2Config {
        &self.config.as2
    }

    /// Largest message over AS2 that is taken, in bytes.
    #[must_use]
    pub fn as2_message_bytes(&self) -> usize {
        self.config.as2.message_bytes(&self.config.limits)
    }

    /// What it remembers.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        self.ledger.store()
    }

    /// The partners in force, by name.
    #[must_use]
    pub fn partners(&self) -> Vec<Arc<Partner>> {
        self.live().profiles.iter().cloned().collect()
    }

    /// What is wrong with the partners that are left out, or whose change cannot be used; nothing once they have been
    /// mended.
    #[must_use]
    pub fn left_out(&self) -> Vec<crate::profile::Problem> {
        self.live().errors.clone()
    }

    /// What is in force now. Who holds on to it works by it to the end.
    fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks into every mailbox, endpoint and profile now rather than at its time.
    pub fn look_now(&self) {
        self.ledger.look_now();
    }

    /// Works until `stop` becomes true (or its sender is gone), then finishes the steps that are under way.
    ///
    /// # Errors
    /// Where the store fails, on which it stops by itself.
    pub async fn run(self: Arc<Self>, stop: watch::Receiver<bool>) -> Result<(), Error> {
        lanes::run(self, stop).await
    }
}
