//! Whatever happens to the line between a gateway and a server: nothing is lost, and nothing is done twice.
//!
//! `CROSSDOCK_FAULTS` sets how often something goes wrong (100 unless set; 2,000 at night), and each time is another
//! byte of the session and another fault. The seed of each is told when it fails. No time is asserted; the timeouts
//! only end a test that hangs.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use crossdock::store::Outcome;

use super::proxy::{Fault, Proxy};
use super::server::Server;
use crate::gateway::INVOICE;
use crate::house::{CONFIG, House, PROFILE, multi, order};
use crate::kill::Dice;

/// Gateways at a time, each with a line of its own.
const LINES: u64 = 8;
/// Only ends a test that hangs.
const PATIENCE: Duration = Duration::from_mins(3);
/// As long as a session that connects, logs in, looks, fetches, archives, sends and looks again.
const SESSION_KILOBYTES: u64 = 24;

/// A gateway, the line to its server, and the partner at the other end.
struct Site {
    server: Arc<Server>,
    proxy: Proxy,
    house: House,
    line: u64,
    archives: bool,
}

impl Site {
    fn open(server: &Arc<Server>, line: u64) -> Self {
        let proxy = Proxy::to(server.port);
        let archives = line.is_multiple_of(2);
        let after = if archives { "archive" } else { "delete" };
        for folder in ["inbound", "outbound", "archive", "taken", "coming"] {
            fs::create_dir_all(server.home(&format!("{line}/{folder}"))).unwrap();
        }
        let more = format!(
            "inbound = \"{line}/inbound\"\noutbound = \"{line}/outbound\"\nafter = \"{after}\"\n\
             settle = \"1ms\"\nidle_timeout = \"500ms\"\nconnect_timeout = \"10s\"\n\
             {}",
            if archives { format!("archive = \"{line}/archive\"") } else { String::new() }
        );
        let profile = format!("{PROFILE}\n{}", server.section(proxy.port, &more));
        let house = House::with(CONFIG, &profile);
        Self { server: Arc::clone(server), proxy, house, line, archives }
    }

    fn names(&self, folder: &str) -> Vec<String> {
        self.server.names(&format!("{}/{folder}", self.line))
    }

    /// The partner puts an order there; it is whole at once.
    fn put_order(&self, number: u32) {
        let text = order(number, &format!("PO-{number}"));
        let (line, server) = (self.line, &self.server);
        server.put(&format!("{line}/coming/{number}.edi"), text);
        let to = server.home(&format!("{line}/inbound/{number}.edi"));
        fs::rename(server.home(&format!("{line}/coming/{number}.edi")), to).unwrap();
    }

    /// The partner takes what is there for it, at once.
    fn take(&self) {
        for name in self.names("outbound").iter().filter(|name| !name.starts_with('.')) {
            let at = |folder: &str| self.server.home(&format!("{}/{folder}/{name}", self.line));
            assert!(!at("taken").exists(), "{name} was sent twice");
            fs::rename(at("outbound"), at("taken")).unwrap();
        }
    }

    /// Whether everything of so many rounds has come through.
    fn is_done(&self, rounds: usize) -> bool {
        self.take();
        let archived = if self.archives { rounds } else { 0 };
        self.names("inbound").is_empty()
            && self.names("archive").len() == archived
            && self.house.names("warehouse/harbor-and-pine/orders").len() == rounds
            && self.names("taken").len() >= 2 * rounds
    }

    async fn round(&self, number: u32, fault: Fault, at: u64, anew: bool) {
        if anew {
            self.proxy.hang_up();
        }
        self.proxy.arm(fault, at);
        self.put_order(number);
        let invoice = INVOICE.replace("INV-1", &format!("INV-{number}"));
        self.house.drop_outbound("invoices", &format!("{number}.json"), &invoice);
        let done = async {
            while !self.is_done(number as usize) {
                self.house.gateway.look_now();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let line = self.line;
        tokio::time::timeout(PATIENCE, done).await.unwrap_or_else(|_| {
            panic!(
                "line {line}, round {number}, {fault:?} at {at}: it is never done: inbound {:?}, archive {:?}, \
                 outbound {:?}, taken {:?}, status {}",
                self.names("inbound"),
                self.names("archive").len(),
                self.names("outbound"),
                self.names("taken").len(),
                fs::read_to_string(self.house.path("data/status.json")).unwrap_or_default()
            )
        });
    }

    /// Nothing has come twice.
    async fn close(self, rounds: u32) -> usize {
        let fired = self.proxy.fired();
        let outcomes = self.house.gateway.store().interchanges(None, 10_000).unwrap();
        assert_eq!(outcomes.len(), rounds as usize);
        assert!(outcomes.iter().all(|(_, record)| record.outcome == Outcome::Accepted));
        let (server, line) = (Arc::clone(&self.server), self.line);
        // The partner may have taken a file whose rename was not answered in time: the next attempt clears away what
        // the one before has left.
        let cleared = async {
            while !self.names("outbound").is_empty() {
                self.house.gateway.look_now();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let is_cleared = tokio::time::timeout(PATIENCE, cleared).await.is_ok();
        assert!(is_cleared, "halves are left: {:?}", self.names("outbound"));
        self.house.close().await;
        let names = server.names(&format!("{line}/taken"));
        assert_eq!(names.len(), 2 * rounds as usize, "{names:?}");
        let numbers: BTreeSet<String> = names
            .iter()
            .map(|name| {
                let text =
                    fs::read_to_string(server.home(&format!("{line}/taken/{name}"))).unwrap();
                assert!(text.trim_end().ends_with('~') && text.contains("IEA*"), "{name} is whole");
                text.split('*').nth(13).unwrap().to_owned()
            })
            .collect();
        assert_eq!(numbers.len(), names.len(), "no control number is used twice");
        fired
    }
}

#[test]
fn whatever_the_line_does_nothing_is_lost_and_nothing_done_twice() {
    let runs: u64 = std::env::var("CROSSDOCK_FAULTS").map_or(100, |runs| runs.parse().unwrap());
    let server = Arc::new(Server::start());
    let fired: usize = multi().block_on(async {
        let mut lines = tokio::task::JoinSet::new();
        for line in 0..LINES.min(runs) {
            let server = Arc::clone(&server);
            lines.spawn(async move {
                let site = Site::open(&server, line);
                let mut rounds = 0;
                for run in (line..runs).step_by(LINES.try_into().unwrap()) {
                    let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ (run + 1));
                    dice.below(1);
                    // Every kilobyte in turn, and within it a byte that is left to chance.
                    let at = (run % SESSION_KILOBYTES) * 1024 + dice.below(1024);
                    let fault = match dice.below(8) {
                        0..3 => Fault::Reset,
                        3..6 => Fault::CutBeforeReply,
                        6 => Fault::Stall,
                        _ => Fault::Drip,
                    };
                    rounds += 1;
                    site.round(rounds, fault, at, dice.below(2) == 0).await;
                }
                site.close(rounds).await
            });
        }
        lines.join_all().await.into_iter().sum()
    });
    assert!(fired as u64 >= runs / 2, "only {fired} of {runs} faults came about");
}
