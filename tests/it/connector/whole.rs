//! From order to cash with everything real: the retailer's mailbox is an OpenSSH server, the warehouse a Tryton, and the
//! gateway the program itself. Once as it should be, and then with the gateway killed, Tryton stopped, and its answers
//! late, lost or errors. `CROSSDOCK_TRYTON_RUNS` sets how many orders go that way (3 unless set).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::{Duration, Instant};

use crossdock::store::{AckState, DocumentState, EmbeddedStore, Records as _};
use crossdock::x12::{Event, Reader};
use serde_json::Value;

use super::delivery::config;
use super::lab::{Lab, fresh, is_sold_once, order_in, ship};
use super::server::{Reply, Server, forward};
use crate::house::PROFILE;
use crate::kill::{Dice, Running, start_in, stop};
use crate::sftp::server::Server as Mailbox;

/// Only ends a test that hangs.
const PATIENCE: Duration = Duration::from_mins(4);
/// How often somebody looks.
const LOOK: Duration = Duration::from_millis(20);
/// Orders of one gateway, and gateways at a time.
const ORDERS: u64 = 10;
const AT_ONCE: usize = 4;

/// A retailer with its mailbox, our gateway for it, and the orders on their way.
struct Trade<'a> {
    lab: &'a Lab,
    mailbox: Mailbox,
    folder: tempfile::TempDir,
    orders: Mutex<Vec<String>>,
    /// Files that the retailer has looked at.
    seen: BTreeSet<String>,
    /// How many of them it has answered.
    answered: usize,
}

impl<'a> Trade<'a> {
    fn open(lab: &'a Lab, url: &str) -> Self {
        let (mailbox, folder) = (Mailbox::start(), lab.folder());
        // Tryton is asked less often: it is what all of them wait for.
        let connector = folder.path().join("connectors/tryton/connector.toml");
        let text = fs::read_to_string(&connector).unwrap();
        let text = text.replace("[[poll]]", "[[poll]]\nevery_seconds = 4");
        fs::write(connector, text).unwrap();
        for place in ["inbound", "outbound"] {
            fs::create_dir_all(mailbox.home(place)).unwrap();
        }
        let partner = folder.path().join("partners/harbor-and-pine");
        fs::create_dir_all(&partner).unwrap();
        let section = mailbox.section(mailbox.port, "settle = \"1ms\"");
        let profile = PROFILE
            .replace("= 5 ", "= 1 ")
            .replace(r#""order", "pack""#, r#""order", "tare", "pack""#);
        fs::write(partner.join("partner.toml"), format!("{profile}\n{section}")).unwrap();
        let config = config("tryton", &Lab::settings_for(&lab.customer(), url));
        let config = format!("{config}retry_seconds_max = 1\n");
        fs::write(folder.path().join("crossdock.toml"), config).unwrap();
        let (orders, seen) = (Mutex::default(), BTreeSet::new());
        Self { lab, mailbox, folder, orders, seen, answered: 0 }
    }

    fn start(&self, trial: &str) -> Running {
        start_in(self.folder.path(), trial)
    }

    /// The retailer puts a file into its mailbox.
    fn put(&self, name: &str, text: &str) {
        self.mailbox.put(name, text);
        let place = self.mailbox.home("inbound").join(name);
        fs::rename(self.mailbox.home(name), place).unwrap();
    }

    fn order(&self, number: String) {
        let mut orders = self.orders.lock().unwrap();
        let interchange = u32::try_from(orders.len() + 1).unwrap();
        self.put(&format!("order-{interchange}.edi"), &order_in(interchange, &number));
        orders.push(number);
    }

    /// What lies for the retailer.
    fn names(&self) -> Vec<String> {
        let mut names = self.mailbox.names("outbound");
        names.retain(|name| !name.starts_with('.'));
        names
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.mailbox.home("outbound").join(name)).unwrap()
    }

    /// The one file with a set.
    fn only(&self, set: &str) -> String {
        let begin = format!("ST*{set}*");
        let texts = self.names().into_iter().map(|name| self.text(&name));
        let found: Vec<String> = texts.filter(|text| text.contains(&begin)).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().next().unwrap()
    }

    /// The retailer acknowledges each ship notice and invoice.
    fn answer(&mut self) {
        for name in self.names() {
            if !self.seen.insert(name.clone()) {
                continue;
            }
            let text = self.text(&name);
            if text.contains("ST*997*") {
                continue;
            }
            let group = text.lines().find(|line| line.starts_with("GS*")).unwrap();
            let parts: Vec<&str> = group.split('*').collect();
            let (kind, group): (_, u32) = (parts[1], parts[6].parse().unwrap());
            let answer = crate::gateway::acknowledgement(90_000 + group, group, "A");
            let answer = answer.replace("AK1*IN", &format!("AK1*{kind}"));
            self.put(&format!("answer-{group}.edi"), &answer);
            self.answered += 1;
        }
    }

    /// Whether all is done, and nothing is left for a person.
    fn is_through(&self) -> bool {
        let orders = self.orders.lock().unwrap();
        self.answered >= 2 * orders.len()
            && self.seen.len() >= 3 * orders.len()
            && self.mailbox.names("inbound").is_empty()
            && self.says(&["acks", "--waiting"]).is_empty()
            && self.says(&["exceptions"]).is_empty()
            && orders.iter().all(|number| self.is_handed_over(number))
    }

    /// Whether it is recorded that the warehouse has an order. Its shipment and invoice may be here before: where the
    /// answer to the last call is lost, and the next call meets a Tryton that is stopped, that takes ten seconds more.
    fn is_handed_over(&self, number: &str) -> bool {
        let told = self.says(&["trace", number]);
        let trace: Value =
            told.lines().next().and_then(|l| serde_json::from_str(l).ok()).unwrap_or_default();
        let order = &trace["documents"][0];
        order["kind"] == "order" && order["state"] == "delivered"
    }

    /// What a command beside the gateway says.
    fn says(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_crossdock"))
            .args(arguments)
            .args(["--format", "json", "--config"])
            .arg(self.folder.path().join("crossdock.toml"))
            .output()
            .unwrap();
        let told = [output.stdout, output.stderr].map(|b| String::from_utf8(b).unwrap());
        told.concat()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Looks until something is so; the retailer answers meanwhile.
    fn until(&mut self, what: &str, running: &mut Running, is_so: impl Fn(&Self) -> bool) {
        let (mut deadline, mut known) = (Instant::now() + PATIENCE, self.seen.len());
        while !is_so(self) {
            // As long as something comes it is not lost.
            if self.seen.len() > known {
                (deadline, known) = (Instant::now() + PATIENCE, self.seen.len());
            }
            assert!(running.0.try_wait().unwrap().is_none(), "it ended: {}", self.log());
            assert!(Instant::now() < deadline, "{what} never comes: {}", self.log());
            self.answer();
            std::thread::sleep(LOOK);
        }
    }

    /// Ends it as an operator would.
    fn stop(&self, mut running: Running) {
        assert!(stop(&mut running).success(), "{}", self.log());
    }

    /// Exactly one sale, one ship notice and one invoice for each order, all of them acknowledged, nothing twice.
    fn holds(&self) {
        let orders = self.orders.lock().unwrap();
        for number in orders.iter() {
            is_sold_once(self.lab, number);
        }
        let mut told: Vec<String> = Vec::new();
        let (mut numbers, mut labels) = (BTreeSet::new(), BTreeSet::new());
        for name in self.names() {
            told.push(what_it_tells(&name, &self.text(&name), &mut numbers, &mut labels));
        }
        told.sort();
        let mut wanted: Vec<String> = (1..=orders.len()).map(|n| format!("997 of {n}")).collect();
        for number in orders.iter() {
            wanted.extend([format!("810 for {number}"), format!("856 for {number}")]);
        }
        wanted.sort();
        assert_eq!(told, wanted);
        assert_eq!(labels.len(), 4 * orders.len(), "a pallet and three cartons, each with its own");
        is_closed(&self.folder.path().join("data"), orders.len());
    }
}

/// The set of a file and what it is about. No control number and no SSCC comes twice.
fn what_it_tells(
    name: &str,
    text: &str,
    numbers: &mut BTreeSet<(u8, String)>,
    labels: &mut BTreeSet<String>,
) -> String {
    let mut told = String::new();
    let mut once = |level, number: String| {
        assert!(numbers.insert((level, number.clone())), "{number} again in {name}");
    };
    let mut reader = Reader::new(text.as_bytes());
    while let Some(event) = reader.next().unwrap() {
        match event {
            Event::Interchange(isa) => once(0, isa.element(13)),
            Event::Group(group) => once(1, group.element(6)),
            Event::Set(set) => {
                assert_eq!(set.faults, vec![], "{name}");
                once(2, set.control_number.0.clone());
                let of = match set.id.as_str() {
                    "997" => format!("997 of {}", element(text, "AK1", 2)),
                    "856" => format!("856 for {}", element(text, "PRF", 1)),
                    "810" => format!("810 for {}", element(text, "BIG", 4)),
                    other => panic!("a {other} was sent"),
                };
                assert_eq!(told, "", "{name} has one set");
                told = of;
            }
            _ => {}
        }
    }
    for label in labels_of(text) {
        assert!(labels.insert(label.to_owned()), "{label} again in {name}");
    }
    told
}

/// The SSCC of each package.
fn labels_of(text: &str) -> impl Iterator<Item = &str> {
    let marks = text.lines().filter_map(|line| line.strip_prefix("MAN*GM*"));
    marks.map(|rest| rest.split(['*', '~']).next().unwrap())
}

/// An element of the first segment of a kind.
fn element<'a>(text: &'a str, tag: &str, place: usize) -> &'a str {
    let segment = text.lines().find(|line| line.split('*').next() == Some(tag)).unwrap();
    segment.trim_end_matches('~').split('*').nth(place).unwrap()
}

/// As the store has it: handed over, answered, nothing left for a person.
fn is_closed(data: &Path, orders: usize) {
    let store = EmbeddedStore::open(data).unwrap();
    let count = |kind: &str, state| {
        let all = store.documents(None, 1000).unwrap().into_iter();
        all.filter(|one| one.kind == kind && one.state == state).count()
    };
    assert_eq!(count("order", DocumentState::Delivered), orders);
    assert_eq!(count("shipment", DocumentState::Accepted), orders);
    assert_eq!(count("invoice", DocumentState::Accepted), orders);
    let expected = store.all_expectations(None, 1000).unwrap();
    assert_eq!(expected.len(), 2 * orders);
    assert!(expected.iter().all(|one| one.state == AckState::Accepted), "{expected:#?}");
    assert_eq!(store.parked(10).unwrap(), vec![]);
    assert_eq!(store.open_exceptions(0, 10).unwrap(), vec![]);
}

/// Whether 18 digits end in the right one.
fn is_sscc(digits: &str) -> bool {
    let sum = digits.bytes().rev().enumerate().map(|(place, digit)| {
        let weight = if place % 2 == 0 { 1 } else { 3 };
        u32::from(digit - b'0') * weight
    });
    digits.len() == 18 && sum.sum::<u32>() % 10 == 0
}

#[test]
fn an_order_goes_the_whole_way_to_cash() {
    let Some(lab) = Lab::find() else { return };
    let mut trade = Trade::open(&lab, &lab.url());
    let number = fresh("CASH");
    let mut running = trade.start("");
    trade.order(number.clone());
    trade.until("the 997", &mut running, |trade| !trade.seen.is_empty());
    assert!(trade.only("997").contains("AK1*PO*1~"));
    trade.until("the sale", &mut running, |_| lab.is_to_ship(&number));
    ship(&lab, &number);
    trade.until("the end", &mut running, Trade::is_through);
    trade.stop(running);
    trade.holds();
    let (notice, invoice) = (&trade.only("856"), &trade.only("810"));
    let levels: Vec<&str> = notice.lines().filter(|line| line.starts_with("HL*")).collect();
    let wanted =
        "HL*1**S~ HL*2*1*O~ HL*3*2*T~ HL*4*3*P~ HL*5*4*I~ HL*6*3*P~ HL*7*6*I~ HL*8*3*P~ HL*9*8*I~";
    assert_eq!(levels.join(" "), wanted, "{notice}");
    for label in labels_of(notice) {
        let digits = label.strip_prefix("00").unwrap();
        assert!(digits.starts_with("00614141") && is_sscc(digits), "{label}");
    }
    for part in ["SN1**24*EA~", "SN1**36*EA~", "SN1**12*EA~", "CTT*9~"] {
        assert_eq!(notice.matches(part).count(), 1, "{part} in {notice}");
    }
    for part in ["IT1*1*24*EA*12.50", "IT1*2*36*EA*4.75", "IT1*3*12*EA*29", "TDS*81900~"] {
        assert_eq!(invoice.matches(part).count(), 1, "{part} in {invoice}");
    }
    let lading = element(notice, "REF", 2);
    assert!(invoice.contains(&format!("REF*BM*{lading}~")), "{lading} in {invoice}");
}

/// How a gateway ends.
enum End {
    /// At a step, when it comes there for so many times.
    At(String),
    /// By `kill -9`, so long after its start.
    After(Duration),
}

/// Where it is worth dying, and at which time at the latest: an order takes some fourteen calls, and nine of their
/// results are kept.
const POINTS: [(&str, u64); 23] = [
    ("receive.before", 1),
    ("receive.after", 1),
    ("call.before", 14),
    ("call.after", 14),
    ("persist.before", 1),
    ("persist.after", 1),
    ("poll.before", 2),
    ("poll.after", 2),
    ("tell.before", 1),
    ("tell.after", 1),
    ("keep.before", 9),
    ("keep.after", 8),
    ("acknowledge.before", 1),
    ("acknowledge.after", 1),
    ("call.before", 14),
    ("call.after", 14),
    ("number.before", 2),
    ("number.after", 2),
    ("render.before", 1),
    ("render.after", 1),
    ("send.before", 3),
    ("send.after", 3),
    ("cursor.after", 1),
];

impl End {
    /// The seeds go through all points in turn; at each third it is killed whenever that happens to be.
    fn of(seed: u64, dice: &mut Dice) -> Self {
        if seed % 3 == 2 {
            return Self::After(Duration::from_millis(dice.below(4000)));
        }
        let turn = usize::try_from(seed / 3 * 2 + seed % 3).unwrap();
        let (point, most) = POINTS[turn % POINTS.len()];
        Self::At(format!("die {point} {}", 1 + dice.below(most)))
    }
}

/// What becomes of the calls to Tryton: of thirty three find it busy or broken, and of two it is done and nobody hears
/// of it.
fn bad_line(lab: &Lab, seed: u64) -> Server {
    let (dice, address) = (Mutex::new(Dice(seed | 1)), lab.address.clone());
    Server::start(move |call| {
        let fate = dice.lock().unwrap().below(30);
        match fate {
            0 => Reply::status("500 Internal Server Error"),
            1 => Reply::status("429 Too Many Requests\r\nretry-after: 1"),
            2 => Reply::Nothing,
            3 | 4 => {
                forward(call, &address);
                Reply::Nothing
            }
            _ => forward(call, &address),
        }
    })
}

/// Lets orders go their way while everything fails; each of them has an end of the gateway.
fn trade_in_bad_weather(lab: &Lab, seeds: std::ops::Range<u64>, calm: &RwLock<()>) {
    let mut dice = Dice(seeds.start.wrapping_mul(0x9E37_79B9) + 11);
    let line = bad_line(lab, dice.below(u64::MAX));
    let mut trade = {
        // Tryton gives two customers at a time the same code.
        let _alone = calm.write().unwrap();
        Trade::open(lab, &format!("{}/wms", line.url()))
    };
    let orders: Vec<(u64, String)> =
        seeds.map(|seed| (seed, format!("{}-{seed}", fresh("W")))).collect();
    let numbers: Vec<&str> = orders.iter().map(|(_, number)| number.as_str()).collect();
    std::thread::scope(|scope| {
        // Somebody in the warehouse ships what has come.
        scope.spawn(|| {
            for number in numbers {
                let deadline = Instant::now() + PATIENCE;
                loop {
                    let _calm = calm.read().unwrap();
                    if lab.is_to_ship(number) {
                        ship(lab, number);
                        break;
                    }
                    assert!(Instant::now() < deadline, "no sale for {number}");
                    std::thread::sleep(10 * LOOK);
                }
            }
        });
        for (seed, number) in &orders {
            trade.order(number.clone());
            dies(&mut trade, &End::of(*seed, &mut dice));
        }
        let mut running = trade.start("");
        trade.until("the end", &mut running, Trade::is_through);
        trade.stop(running);
    });
    let _calm = calm.read().unwrap();
    trade.holds();
}

fn dies(trade: &mut Trade, end: &End) {
    let (trial, moment) = match end {
        End::At(trial) => (trial.as_str(), PATIENCE),
        End::After(moment) => ("", *moment),
    };
    let mut running = trade.start(trial);
    let begun = Instant::now();
    while begun.elapsed() < moment {
        if let Some(status) = running.0.try_wait().unwrap() {
            assert_eq!(status.code(), None, "{trial}: {}", trade.log());
            return;
        }
        trade.answer();
        std::thread::sleep(LOOK);
    }
    assert_eq!(trial, "", "it does not die: {}", trade.log());
}

#[test]
fn whatever_fails_each_order_goes_the_whole_way_once() {
    let Some(lab) = Lab::find() else { return };
    let runs = std::env::var("CROSSDOCK_TRYTON_RUNS").ok().and_then(|n| n.parse().ok());
    let runs: u64 = runs.unwrap_or(3);
    let begun = Instant::now();
    let batches = Mutex::new((0..runs.div_ceil(ORDERS)).collect::<Vec<u64>>());
    let (calm, working, stops) = (RwLock::new(()), AtomicUsize::new(AT_ONCE), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let _done = Done(&working);
                loop {
                    let Some(batch) = batches.lock().unwrap().pop() else { break };
                    let seeds = batch * ORDERS..runs.min((batch + 1) * ORDERS);
                    trade_in_bad_weather(&lab, seeds, &calm);
                }
            });
        }
        // Tryton is stopped now and then, but not while the person works with it.
        let mut next = Instant::now() + Duration::from_secs(3);
        while working.load(Ordering::Relaxed) > 0 {
            std::thread::sleep(LOOK);
            if Instant::now() < next {
                continue;
            }
            let _storm = calm.write().unwrap();
            lab.kill();
            std::thread::sleep(Duration::from_secs(1));
            lab.start();
            lab.answers();
            stops.fetch_add(1, Ordering::Relaxed);
            next = Instant::now() + Duration::from_secs(40);
        }
    });
    println!("{runs} orders, {} stops of Tryton, {:?}", stops.into_inner(), begun.elapsed());
}

/// Tells the end of a worker, however it ends.
struct Done<'a>(&'a AtomicUsize);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
