//! What handing documents over to an API costs, on a real disk and against a server on loopback that answers at once:
//! how many orders a second are delivered with their state durable, and what an endpoint that hangs does to the others.
//! Each figure is printed with the one that is wanted.
//!
//! `cargo bench --bench bridge` runs both; `-- speed` or `-- hanging` one of them. `CROSSDOCK_BENCH_ORDERS` (20000) sets
//! how many orders, `CROSSDOCK_BENCH_FOLDER` the disk (target/tmp).

mod common;

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{load, verdict};
use crossdock::gateway::{Config, Gateway};
use crossdock::translate::Engine;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const PROFILE: &str = include_str!("../partner-profiles/harbor-and-pine/partner.toml");
const CONNECTOR: &str = include_str!("../connectors/http-json/connector.toml");

/// Orders a second that are wanted.
const SPEED: f64 = 2000.0;
/// The most that an endpoint which hangs may take from the others.
const LOSS: f64 = 0.05;
/// Partners, each with its orders, and connections of the bare client: calls for one partner are made one by one.
const PARTNERS: u32 = 32;
/// Rounds of which the middle one counts.
const ROUNDS: usize = 3;
/// Longer than anything here takes.
const TIMEOUT_SECONDS: u32 = 600;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let runs = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    let place = std::env::var_os("CROSSDOCK_BENCH_FOLDER")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    fs::create_dir_all(&place).expect("the folder can be made");
    let given = std::env::var("CROSSDOCK_BENCH_ORDERS").ok().and_then(|text| text.parse().ok());
    let each: u32 = given.unwrap_or(20_000_u32).div_ceil(PARTNERS);
    let mut made = Vec::new();
    if runs("speed") {
        speed(&place, each, &mut made);
    }
    if runs("hanging") {
        hanging(&place, each, &mut made);
    }
    drop(made);
}

/// A server that takes everything once its gate is open.
struct Sink {
    address: SocketAddr,
    gate: watch::Sender<bool>,
    taken: Arc<AtomicUsize>,
    _runtime: tokio::runtime::Runtime,
}

impl Sink {
    fn start() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().expect("a runtime starts");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("it has one");
        let (gate, opened) = watch::channel(false);
        let taken = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&taken);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, opened.clone(), Arc::clone(&count)));
            }
        });
        Self { address, gate, taken, _runtime: runtime }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

/// Answers the calls of one connection.
async fn serve(mut stream: TcpStream, mut gate: watch::Receiver<bool>, taken: Arc<AtomicUsize>) {
    let (read, mut write) = stream.split();
    let mut reader = BufReader::with_capacity(64 << 10, read);
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            match reader.read_line(&mut line).await {
                Ok(count) if count > 0 => {}
                _ => return,
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        body.resize(length, 0);
        if reader.read_exact(&mut body).await.is_err() || gate.wait_for(|open| *open).await.is_err()
        {
            return;
        }
        let answer =
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        if write.write_all(answer).await.is_err() {
            return;
        }
        taken.fetch_add(1, Ordering::Relaxed);
    }
}

/// Partners whose orders go to one endpoint.
struct Side<'a> {
    name: &'a str,
    /// The lines of `[endpoints.NAME]`.
    endpoint: String,
    /// Orders of each partner.
    orders: u32,
}

/// A gateway in this process, in a folder of its own.
struct Site {
    folder: tempfile::TempDir,
    gateway: Arc<Gateway>,
    runtime: tokio::runtime::Runtime,
    stopper: watch::Sender<bool>,
    running: tokio::task::JoinHandle<Result<(), crossdock::gateway::Error>>,
}

impl Site {
    /// One that has taken in all orders, and waits at the gates with the first of each partner.
    fn waiting(place: &Path, sides: &[Side<'_>]) -> Self {
        let folder = tempfile::tempdir_in(place).expect("a folder can be made");
        lay_out(folder.path(), sides);
        let config = Config::read(&folder.path().join("crossdock.toml")).expect("it is sound");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        let gateway = {
            let _within = runtime.enter();
            Gateway::open(config, Engine::embedded()).expect("the gateway opens")
        };
        let (stopper, stop) = watch::channel(false);
        let running = runtime.spawn(Arc::clone(&gateway).run(stop));
        let site = Self { folder, gateway, runtime, stopper, running };
        let orders = |side: &Side<'_>| (side.orders * PARTNERS) as usize;
        let all = sides.iter().map(orders).sum::<usize>();
        while site.waits() != (all, all) {
            std::thread::sleep(Duration::from_millis(100));
        }
        site
    }

    /// How many documents wait to be handed over, and how much waits in all.
    fn waits(&self) -> (usize, usize) {
        let waiting = self.gateway.store().backlog(0).expect("read").waiting;
        let calls = waiting.iter().filter(|(lane, _)| lane.starts_with("call "));
        (calls.map(|(_, count)| count).sum(), waiting.values().sum())
    }

    /// Opens a gate, and tells how many orders a second are delivered behind it, durably.
    fn rate(&self, sink: &Sink, left: usize, orders: usize) -> f64 {
        let begun = Instant::now();
        sink.gate.send_replace(true);
        while sink.taken() < orders {
            std::thread::sleep(Duration::from_millis(2));
        }
        // What the server has is recorded as delivered a moment later.
        while self.waits().0 > left {
            std::thread::sleep(Duration::from_millis(2));
        }
        as_number(orders) / begun.elapsed().as_secs_f64()
    }

    /// Its orders, as they are handed over.
    fn bodies(&self) -> Vec<Vec<u8>> {
        let store = self.gateway.store();
        let all = store.documents(None, usize::MAX).expect("read");
        all.iter().map(|one| store.payload(one.payload).expect("read")).collect()
    }

    /// Its folder is left to be removed.
    fn close(self) -> tempfile::TempDir {
        self.stopper.send(true).expect("it runs");
        let ended = self.runtime.block_on(self.running);
        ended.expect("it does not panic").expect("it ends well");
        self.folder
    }
}

fn lay_out(folder: &Path, sides: &[Side<'_>]) {
    let mut config =
        "data = \"data\"\nprofiles = \"partners\"\nconnectors = \"connectors\"\npoll_seconds = 1\n\
        settle_milliseconds = 5\n[log]\nlevel = \"warn\"\n"
            .to_owned();
    let connector = folder.join("connectors/http-json");
    fs::create_dir_all(&connector).expect("made");
    let text = format!("timeout_seconds = {TIMEOUT_SECONDS}\n{CONNECTOR}");
    fs::write(connector.join("connector.toml"), text).expect("written");
    fs::write(folder.join("token"), "secret").expect("written");
    for (index, side) in sides.iter().enumerate() {
        let _ = write!(config, "[endpoints.{}]\n{}", side.name, side.endpoint);
        for number in 0..PARTNERS {
            let name = format!("{}-{number:02}", side.name);
            let sender = format!("{:010}", 7_000_000_000 + 1000 * index + number as usize);
            let profile = PROFILE
                .replace("id = \"6125550100", &format!("id = \"{sender}"))
                .replace("mailboxes/harbor-and-pine", &format!("mailboxes/{name}"))
                .replace("endpoint = \"warehouse\"", &format!("endpoint = \"{}\"", side.name))
                .replace("poll_seconds = 5", "poll_seconds = 1");
            let partner = folder.join("partners").join(&name);
            let inbound = folder.join("mailboxes").join(&name).join("inbound");
            for made in [&partner, &inbound] {
                fs::create_dir_all(made).expect("made");
            }
            fs::write(partner.join("partner.toml"), profile).expect("written");
            if side.orders > 0 {
                fs::write(inbound.join("orders.edi"), orders(&sender, &name, side.orders))
                    .expect("written");
            }
        }
    }
    fs::write(folder.join("crossdock.toml"), config).expect("written");
}

/// One interchange with so many orders of some 2 KB.
fn orders(sender: &str, name: &str, count: u32) -> String {
    let name = name.to_uppercase();
    let set = |set| common::order(&format!("{name}-{set}"), &format!("{set:04}"));
    common::interchange(sender, 1, count, &(1..=count).map(set).collect::<String>())
}

/// `[endpoints.NAME]` with an address alone.
fn by_url(name: &str, sink: &Sink) -> String {
    let url = sink.url();
    format!("url = \"{url}\"\ntimeout_seconds = {TIMEOUT_SECONDS}\nreturns = \"{name}\"\n")
}

/// `[endpoints.NAME]` with the connector `http-json`.
fn by_connector(name: &str, sink: &Sink) -> String {
    format!(
        "connector = \"http-json\"\n[endpoints.{name}.settings]\nurl = \"{}\"\ntoken = \"file:token\"\n",
        sink.url()
    )
}

/// Orders a second, delivered and recorded; and what a bare client makes of the same bodies.
fn speed(place: &Path, each: u32, made: &mut Vec<tempfile::TempDir>) {
    let count = (each * PARTNERS) as usize;
    println!(
        "speed: {count} orders of {PARTNERS} partners to a server on loopback; load {}",
        load()
    );
    let mut bare = None;
    for what in ["an endpoint with `url`", "the connector http-json"] {
        let sink = Sink::start();
        let endpoint = if what.contains("url") {
            by_url("warehouse", &sink)
        } else {
            by_connector("warehouse", &sink)
        };
        let side = Side { name: "warehouse", endpoint, orders: each };
        let site = Site::waiting(place, &[side]);
        let rate = site.rate(&sink, 0, count);
        let (bytes, bare) = *bare.get_or_insert_with(|| bare_client(site.bodies()));
        made.push(site.close());
        println!(
            "  {what:<24} {rate:>8.0}/s   wanted {SPEED:.0}   {}   ratio to a bare client with {bytes} bytes a call, {bare:.0}/s: {:.2}",
            verdict(rate >= SPEED),
            rate / bare
        );
    }
    println!("  load {}", load());
}

/// Calls a second of a client that does nothing else, on as many connections; and the middle size of a body.
fn bare_client(mut bodies: Vec<Vec<u8>>) -> (usize, f64) {
    let sink = Sink::start();
    sink.gate.send_replace(true);
    let client = crossdock::http::client(Duration::from_secs(u64::from(TIMEOUT_SECONDS)));
    let (client, url) = (client.expect("a client"), format!("{}/orders", sink.url()));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let (count, share) = (bodies.len(), bodies.len().div_ceil(PARTNERS as usize));
    let bytes = bodies.iter().map(Vec::len).sum::<usize>() / count.max(1);
    let begun = Instant::now();
    runtime.block_on(async {
        let mut posting = tokio::task::JoinSet::new();
        while !bodies.is_empty() {
            let own = bodies.split_off(bodies.len().saturating_sub(share));
            let (client, url) = (client.clone(), url.clone());
            posting.spawn(async move {
                for body in own {
                    let call = client.post(&url).header("content-type", "application/json");
                    let answer = call.body(body).send().await.expect("it is answered");
                    assert!(answer.status().is_success());
                    answer.bytes().await.expect("it is read");
                }
            });
        }
        posting.join_all().await;
    });
    (bytes, as_number(count) / begun.elapsed().as_secs_f64())
}

/// The rate of one endpoint, alone and beside one that never answers as many partners.
fn hanging(place: &Path, each: u32, made: &mut Vec<tempfile::TempDir>) {
    let count = (each * PARTNERS) as usize;
    println!(
        "hanging: {count} orders, beside {PARTNERS} calls that are never answered; load {}",
        load()
    );
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for (rates, theirs) in [(&mut alone, 0), (&mut beside, 3)] {
            let (sink, dead) = (Sink::start(), Sink::start());
            let sides = [
                Side { name: "warehouse", endpoint: by_url("warehouse", &sink), orders: each },
                Side { name: "dead", endpoint: by_url("dead", &dead), orders: theirs },
            ];
            let site = Site::waiting(place, &sides);
            rates.push(site.rate(&sink, (theirs * PARTNERS) as usize, count));
            // So that it can end.
            dead.gate.send_replace(true);
            made.push(site.close());
        }
    }
    let (alone, beside) = (middle(alone), middle(beside));
    let loss = 1.0 - beside / alone;
    println!(
        "  alone {alone:.0}/s, beside it {beside:.0}/s (middle of {ROUNDS}): {:+.1} %   wanted at most {:.0} % less   {}",
        -loss * 100.0,
        LOSS * 100.0,
        verdict(loss <= LOSS)
    );
}

fn middle(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
fn as_number(count: usize) -> f64 {
    count as f64
}
