//! A gateway in this process, with real folders and a real store, for the tests that work with one.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossdock::gateway::{Config, Gateway};
use crossdock::grammar::Library;
use crossdock::store::{Event, JournalRecord, Outcome};
use crossdock::translate::Engine;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

pub const PROFILE: &str = include_str!("../../partner-profiles/harbor-and-pine/partner.toml");
pub const ORDER: &str = include_str!("../../partner-profiles/harbor-and-pine/samples/order.edi");
pub const CONFIG: &str = r#"
data = "data"
profiles = "partners"
poll_seconds = 1
settle_milliseconds = 5

[endpoints.warehouse]
folder = "warehouse"

[limits]
file_mebibytes = 1
retry_seconds_first = 1
"#;

/// Only ends a test that hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// A gateway that runs, in a folder of its own.
pub struct House {
    folder: tempfile::TempDir,
    pub gateway: Arc<Gateway>,
    records: broadcast::Receiver<JournalRecord>,
    early: Vec<JournalRecord>,
    stopper: watch::Sender<bool>,
    running: JoinHandle<Result<(), crossdock::gateway::Error>>,
}

impl House {
    pub fn open() -> Self {
        Self::with(CONFIG, PROFILE)
    }

    pub fn with(config: &str, profile: &str) -> Self {
        Self::within(tempfile::tempdir().unwrap(), config, profile)
    }

    pub fn within(folder: tempfile::TempDir, config: &str, profile: &str) -> Self {
        Self::working_with(Engine::embedded(), folder, config, profile)
    }

    /// One whose engine has no maps, so that nothing can be agreed; documents come all the same.
    pub fn without_maps() -> Self {
        let engine = Engine::new(Library::embedded(), &[]).unwrap();
        let (start, rest) = PROFILE.split_once("[documents.order]").unwrap();
        let profile = format!("{start}{}", &rest[rest.find("[mailbox]").unwrap()..]);
        Self::working_with(engine, tempfile::tempdir().unwrap(), CONFIG, &profile)
    }

    fn working_with(
        engine: Engine,
        folder: tempfile::TempDir,
        config: &str,
        profile: &str,
    ) -> Self {
        let partner = folder.path().join("partners/harbor-and-pine");
        fs::create_dir_all(&partner).unwrap();
        fs::write(partner.join("partner.toml"), profile.replace("= 5 ", "= 1 ")).unwrap();
        fs::write(folder.path().join("crossdock.toml"), config).unwrap();
        let config = Config::read(&folder.path().join("crossdock.toml")).unwrap();
        let gateway = Gateway::open(config, engine).unwrap();
        let records = gateway.subscribe();
        let (stopper, stop) = watch::channel(false);
        let running = tokio::spawn(Arc::clone(&gateway).run(stop));
        Self { folder, gateway, records, early: Vec::new(), stopper, running }
    }

    pub fn path(&self, place: &str) -> PathBuf {
        self.folder.path().join(place)
    }

    pub fn drop_inbound(&self, name: &str, text: &str) {
        self.put("mailboxes/harbor-and-pine/inbound", name, text);
    }

    pub fn drop_outbound(&self, kinds: &str, name: &str, json: &str) {
        self.put(&format!("warehouse/harbor-and-pine/{kinds}"), name, json);
    }

    pub fn put(&self, place: &str, name: &str, text: &str) {
        let folder = self.path(place);
        fs::create_dir_all(&folder).unwrap();
        crossdock::disk::write_to(&folder, name, text.as_bytes()).unwrap();
        self.gateway.look_now();
    }

    pub async fn wait(&mut self, event: Event) -> JournalRecord {
        self.wait_for(event, |_| true).await
    }

    pub async fn wait_for(
        &mut self,
        event: Event,
        is_it: impl Fn(&JournalRecord) -> bool,
    ) -> JournalRecord {
        let wanted = |record: &JournalRecord| record.entry.event == event && is_it(record);
        self.wait_until(&format!("{event:?}"), wanted).await
    }

    /// Waits for a record, whatever has happened.
    pub async fn wait_until(
        &mut self,
        what: &str,
        wanted: impl Fn(&JournalRecord) -> bool,
    ) -> JournalRecord {
        if let Some(place) = self.early.iter().position(&wanted) {
            return self.early.remove(place);
        }
        let wait = async {
            loop {
                let record = self.records.recv().await.unwrap();
                if wanted(&record) {
                    return record;
                }
                self.early.push(record);
            }
        };
        let ended = tokio::time::timeout(PATIENCE, wait).await;
        ended.unwrap_or_else(|_| panic!("{what} did not come; there came {:#?}", self.early))
    }

    pub fn names(&self, place: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(place)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Names of the files below a place, at any depth.
    pub fn names_below(&self, place: &str) -> Vec<String> {
        let mut folders = vec![self.path(place)];
        let mut names = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else {
                    names.push(entry.file_name().to_string_lossy().into_owned());
                }
            }
        }
        names.sort();
        names
    }

    /// Looks again and again until something on the disk is as it should be.
    pub async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        let wait = async {
            while !is_so(self) {
                self.gateway.look_now();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("it is never so");
    }

    pub fn outcomes(&self) -> Vec<Outcome> {
        let all = self.gateway.store().interchanges(None, 100).unwrap();
        all.into_iter().map(|(_, record)| record.outcome).collect()
    }

    /// Runs the program beside the gateway: what it prints, and its exit code.
    pub fn command(&self, arguments: &[&str]) -> (String, i32) {
        let output = tokio::task::block_in_place(|| {
            std::process::Command::new(env!("CARGO_BIN_EXE_crossdock"))
                .env("NO_COLOR", "1")
                .env("CROSSDOCK_CONFIG", self.path("crossdock.toml"))
                .args(arguments)
                .output()
                .unwrap()
        });
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
    }

    /// Stops it; afterwards everything that was queued for folders on this disk may still wait.
    pub async fn close(self) -> tempfile::TempDir {
        self.stopper.send(true).unwrap();
        self.running.await.unwrap().unwrap();
        self.folder
    }
}

pub fn multi() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

/// The sample order under other numbers.
pub fn order(interchange: u32, number: &str) -> String {
    ORDER
        .replace("000004711", &format!("{interchange:09}"))
        .replace("4711", &interchange.to_string())
        .replace("4500127731", number)
}

/// A warehouse over HTTP on loopback: answers each call with the next status, and hands the requests out.
#[cfg(feature = "http")]
pub fn warehouse(
    answers: &'static [&'static str],
) -> (std::net::SocketAddr, std::sync::mpsc::Receiver<String>) {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, requests) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = Vec::new();
            let mut chunk = [0; 4096];
            loop {
                let count = stream.read(&mut chunk).unwrap();
                bytes.extend_from_slice(&chunk[..count]);
                let text = String::from_utf8_lossy(&bytes);
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
                });
                if count == 0 || length.is_none_or(|length: usize| body.len() >= length) {
                    break;
                }
            }
            write!(stream, "HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .unwrap();
            sender.send(String::from_utf8_lossy(&bytes).into_owned()).unwrap();
        }
    });
    (address, requests)
}
