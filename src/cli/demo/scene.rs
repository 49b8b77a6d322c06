//! The folder of the demonstration and the gateway in it; waiting is for events, never for a time to pass.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use super::{Error, PARTNER};
use crate::canonical::Document;
use crate::gateway::{
    self, Config, DocumentRecord, Event, Gateway, JournalEntry, JournalRecord, StoreError,
};
use crate::profile::Profiles;
use crate::translate::Engine;

const CONFIG: &str = r#"# Written by `crossdock demo`. See docs/configuration.md for every field.
data = "data"
profiles = "partners"
poll_seconds = 1
settle_milliseconds = 50

[endpoints.warehouse]
folder = "warehouse"
"#;

/// How long a step may take before the demonstration gives up: many times what a slow machine needs.
const PATIENCE: Duration = Duration::from_mins(1);

/// The demonstration's gateway.
pub(super) struct Scene {
    folder: PathBuf,
    gateway: Arc<Gateway>,
    records: broadcast::Receiver<JournalRecord>,
    /// Events that came while another was waited for.
    early: Vec<JournalRecord>,
    stopper: watch::Sender<bool>,
    running: JoinHandle<Result<(), gateway::Error>>,
}

/// The folder to work in: the one named, if it is empty or new, or a temporary one.
pub(super) fn folder(named: Option<PathBuf>) -> Result<PathBuf, Error> {
    let Some(folder) = named else {
        let folder = tempfile::Builder::new().prefix("crossdock-demo-").tempdir();
        return Ok(folder.map_err(Error::read("the temporary folder"))?.keep());
    };
    fs::create_dir_all(&folder).map_err(Error::read(&folder))?;
    let mut entries = fs::read_dir(&folder).map_err(Error::read(&folder))?;
    if entries.next().is_some() {
        let words = format!("{} is not empty; name a new folder", folder.display());
        return Err(Error::Gateway(words));
    }
    Ok(folder)
}

impl Scene {
    /// Writes configuration and profile, and starts the gateway. Call it within a tokio runtime.
    pub(super) fn open(folder: &Path, engine: Engine) -> Result<Self, Error> {
        let profile = folder.join("partners").join(PARTNER);
        fs::create_dir_all(&profile).map_err(Error::read(&profile))?;
        let shipped = Profiles::shipped().into_iter().filter(|source| source.name == PARTNER);
        let files = shipped.flat_map(|source| source.files).map(|file| {
            let text = file.text.replace("poll_seconds = 5", "poll_seconds = 1");
            (profile.join(&*file.path), text)
        });
        for (path, text) in files.chain([(folder.join("crossdock.toml"), CONFIG.to_owned())]) {
            fs::write(&path, text).map_err(Error::read(path))?;
        }
        let config = Config::read(&folder.join("crossdock.toml")).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Error::Gateway(lines.join("\n"))
        })?;
        let gateway = Gateway::open(config, engine).map_err(|e| Error::Gateway(e.to_string()))?;
        let records = gateway.subscribe();
        let (stopper, stop) = watch::channel(false);
        let running = tokio::spawn(Arc::clone(&gateway).run(stop));
        Ok(Self {
            folder: folder.to_path_buf(),
            gateway,
            records,
            early: Vec::new(),
            stopper,
            running,
        })
    }

    /// The retailer puts a file into its mailbox.
    pub(super) fn drop_inbound(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.put(&format!("mailboxes/{PARTNER}/inbound"), name, bytes)
    }

    /// The warehouse puts a document into its folder.
    pub(super) fn drop_from_warehouse(&self, kind: &str, document: &Document) -> Result<(), Error> {
        let json = serde_json::to_vec_pretty(document)
            .map_err(|e| Error::Gateway(format!("the {kind}: {e}")))?;
        let name = format!("{}.json", document.number());
        self.put(&format!("warehouse/{PARTNER}/{kind}s"), &name, &json)
    }

    fn put(&self, place: &str, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let folder = self.folder.join(place);
        fs::create_dir_all(&folder).map_err(Error::read(&folder))?;
        let (half, whole) = (folder.join(format!(".{name}.tmp")), folder.join(name));
        fs::write(&half, bytes).map_err(Error::read(&half))?;
        fs::rename(&half, &whole).map_err(Error::read(whole))?;
        self.gateway.look_now();
        Ok(())
    }

    /// Waits for an event. One that shows that it will not come ends the wait.
    pub(super) async fn wait(
        &mut self,
        what: &str,
        event: Event,
        is_it: impl Fn(&JournalEntry) -> bool,
    ) -> Result<JournalRecord, Error> {
        let wanted = |entry: &JournalEntry| entry.event == event && is_it(entry);
        if let Some(place) = self.early.iter().position(|record| wanted(&record.entry)) {
            return Ok(self.early.remove(place));
        }
        let wait = async {
            loop {
                let record = match self.records.recv().await {
                    Ok(record) => record,
                    Err(broadcast::error::RecvError::Lagged(_)) => continue,
                    Err(broadcast::error::RecvError::Closed) => {
                        return Err(Error::Gateway("the gateway stopped".to_owned()));
                    }
                };
                let entry = &record.entry;
                match entry.event {
                    _ if wanted(entry) => return Ok(record),
                    Event::WorkParked
                    | Event::InterchangeQuarantined
                    | Event::InterchangeRejected
                    | Event::DocumentQuarantined => {
                        let words = format!("{}: {}", entry.subject, entry.note);
                        return Err(Error::Gateway(words));
                    }
                    _ => self.early.push(record),
                }
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(result) => result,
            Err(_) => Err(Error::Gateway(format!("{what} did not come in {PATIENCE:?}"))),
        }
    }

    /// The canonical document of an id.
    pub(super) fn document(&self, id: &str) -> Result<Document, Error> {
        let record = self.record(id)?;
        let json = self.gateway.store().payload(record.payload).map_err(|e| of_store(&e))?;
        serde_json::from_slice(&json).map_err(|e| Error::Document(format!("{id}: {e}")))
    }

    /// What the store says of a document.
    pub(super) fn record(&self, id: &str) -> Result<DocumentRecord, Error> {
        let record = self.gateway.store().document(id).map_err(|e| of_store(&e))?;
        record.ok_or_else(|| Error::Gateway(format!("document {id} is unknown")))
    }

    /// The bytes that an event is about, as text.
    pub(super) fn sent(&self, entry: &JournalEntry) -> Result<String, Error> {
        let id = entry
            .payload
            .ok_or_else(|| Error::Gateway(format!("{} has no bytes", entry.subject)))?;
        let bytes = self.gateway.store().payload(id).map_err(|e| of_store(&e))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The last of the orders that the warehouse has received.
    pub(super) fn latest_order(&self) -> Result<PathBuf, Error> {
        let folder = self.folder.join("warehouse").join(PARTNER).join("orders");
        let entries = fs::read_dir(&folder).map_err(Error::read(&folder))?;
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        files.pop().ok_or_else(|| Error::Gateway(format!("{} is empty", folder.display())))
    }

    /// Stops the gateway as SIGTERM would.
    pub(super) async fn close(self) -> Result<(), Error> {
        // Without a receiver the gateway has stopped already, and the join tells why.
        let _ = self.stopper.send(true);
        match self.running.await {
            Ok(result) => result.map_err(|e| Error::Gateway(e.to_string())),
            Err(e) => Err(Error::Gateway(e.to_string())),
        }
    }
}

fn of_store(error: &StoreError) -> Error {
    Error::Gateway(error.to_string())
}
