//! A real Tryton, for the tests that need one. `CROSSDOCK_TRYTON` names the folder of one that runs: with `boot.json`,
//! which has the `key` of its REST protocol, and `trytond.conf`, which says where it listens. Without it these tests are
//! skipped; `tests/tryton` makes one.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Value, json};

use super::delivery::{config, folder};
use super::server::{Called, Reply, forward};
use crate::house::order;

/// A Tryton that runs, and a customer of this test's own in it.
pub struct Lab {
    pub folder: PathBuf,
    pub address: String,
    pub key: String,
    /// The code of the party.
    pub code: String,
    /// One test at a time: one of them stops it.
    _alone: fs::File,
}

impl Lab {
    /// Nothing, with a word, where there is none.
    pub fn find() -> Option<Self> {
        let Some(folder) = std::env::var_os("CROSSDOCK_TRYTON").map(PathBuf::from) else {
            println!(
                "skipped: CROSSDOCK_TRYTON names no folder of a Tryton that runs (see tests/tryton)"
            );
            return None;
        };
        let alone = fs::File::create(folder.join("tests.lock")).unwrap();
        alone.lock().unwrap();
        let boot = fs::read(folder.join("boot.json")).expect("the folder of the lab");
        let boot: Value = serde_json::from_slice(&boot).unwrap();
        let conf = fs::read_to_string(folder.join("trytond.conf")).unwrap();
        let listen = conf.lines().find_map(|line| line.strip_prefix("listen = ")).unwrap();
        let key = boot["key"].as_str().unwrap().to_owned();
        let (address, code) = (listen.to_owned(), String::new());
        let mut lab = Self { folder, address, key, code, _alone: alone };
        lab.code = lab.customer();
        Some(lab)
    }

    /// One more customer; tells the code of its party.
    pub fn customer(&self) -> String {
        let party = json!({"name": "A retailer of the tests"});
        let party = self.call("POST", "/party.party", &[], Some(&party));
        let id = party["id"].as_i64().unwrap();
        let party = self.call("GET", &format!("/party.party/{id}"), &["code"], None);
        party["code"].as_str().unwrap().to_owned()
    }

    /// Ends it at once.
    pub fn kill(&self) {
        let pid = fs::read_to_string(self.folder.join("trytond.pid")).unwrap();
        let killed = Command::new("kill").args(["-9", pid.trim()]).status().unwrap();
        assert!(killed.success());
    }

    /// Waits until it answers.
    pub fn answers(&self) {
        let deadline = Instant::now() + Duration::from_mins(2);
        while TcpStream::connect(&self.address).is_err() {
            assert!(Instant::now() < deadline, "Tryton does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        self.find_all("company.company", &json!([]), &["id"]);
    }

    /// Starts it after its end; it answers some seconds later.
    pub fn start(&self) {
        let start = "venv/bin/trytond -c trytond.conf -d wms </dev/null >trytond.log 2>&1 & echo $! >trytond.pid";
        let start = Command::new("sh").args(["-c", start]).current_dir(&self.folder).status();
        assert!(start.unwrap().success());
    }

    pub fn url(&self) -> String {
        format!("http://{}/wms", self.address)
    }

    /// A call of the test's own.
    pub fn call(&self, method: &str, path: &str, fields: &[&str], body: Option<&Value>) -> Value {
        let mut path = format!("/wms/rest/model{path}");
        for field in fields {
            let before = if path.contains('?') { '&' } else { '?' };
            write!(path, "{before}f={field}").unwrap();
        }
        let body = match (method, body) {
            ("GET", _) => String::new(),
            (_, body) => body.cloned().unwrap_or_else(|| json!({})).to_string(),
        };
        let headers = [
            ("host", self.address.clone()),
            ("authorization", format!("bearer {}", self.key)),
            ("content-type", "application/json".to_owned()),
            ("content-length", body.len().to_string()),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let call = Called { method: method.to_owned(), path, headers, body };
        let Reply::Raw(bytes) = forward(&call, &self.address) else {
            panic!("{} cannot be reached", self.address)
        };
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 2"), "{method} {}: {text}", call.path);
        serde_json::from_str(body).unwrap_or_default()
    }

    /// Records that a domain finds.
    pub fn find_all(&self, model: &str, domain: &Value, fields: &[&str]) -> Vec<Value> {
        let domain = URL_SAFE.encode(domain.to_string());
        let found = self.call("GET", &format!("/{model}?d={domain}"), fields, None);
        found.as_array().cloned().unwrap()
    }

    pub fn sales(&self, number: &str) -> Vec<Value> {
        let fields = ["state", "lines.quantity", "shipments", "shipment_address.street"];
        self.find_all("sale.sale", &json!([["reference", "=", number]]), &fields)
    }

    /// Whether somebody can begin to pick it: Tryton makes the shipment a moment after the sale says so.
    pub fn is_to_ship(&self, number: &str) -> bool {
        let is_ready =
            |sale: &Value| sale["state"] == "processing" && sale["shipments"][0].is_i64();
        self.sales(number).iter().any(is_ready)
    }

    pub fn settings(&self, url: &str) -> String {
        Self::settings_for(&self.code, url)
    }

    /// With another customer.
    pub fn settings_for(code: &str, url: &str) -> String {
        format!(
            "url = \"{url}\"\nkey = \"file:key\"\nsscc_prefix = \"00614141\"\nparties = {{ harbor-and-pine = \"{code}\" }}\n\
            carriers = {{ UPS = \"UPSN\" }}\n"
        )
    }

    pub fn config(&self, url: &str) -> String {
        let config = config("tryton", &self.settings(url));
        format!("{config}retry_seconds_max = 1\n")
    }

    /// As it ships, but with short pauses, and of a Tryton that is nearby.
    pub fn connector() -> String {
        let connector = include_str!("../../../connectors/tryton/connector.toml");
        let changes = [
            ("pause_seconds = 15", "pause_seconds = 1"),
            ("timeout_seconds = 60", "timeout_seconds = 10"),
        ];
        changes.iter().fold(connector.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        })
    }

    pub fn folder(&self) -> tempfile::TempDir {
        let connector = Self::connector();
        let folder = folder("tryton", &[("connector.toml", &connector)]);
        fs::write(folder.path().join("key"), &self.key).unwrap();
        folder
    }
}

/// The sample order, with items that this Tryton has.
pub fn order_of(number: &str) -> String {
    order_in(1, number)
}

/// The same in another interchange.
pub fn order_in(interchange: u32, number: &str) -> String {
    order(interchange, number)
        .replace("NP-TOTE-NAT", "SKU-RED-01")
        .replace("NP-MUG-PINE", "SKU-BLU-02")
        .replace("NP-BLANKET-GRY", "SKU-RED-01")
}

/// A number that no run before has used.
pub fn fresh(what: &str) -> String {
    format!("{what}{}", jiff::Timestamp::now().as_millisecond())
}

pub fn is_sold_once(lab: &Lab, number: &str) {
    let sales = lab.sales(number);
    let lines = json!([24.0, 36.0, 12.0]);
    assert_eq!(sales.len(), 1, "{number}: {sales:#?}");
    assert_eq!(sales[0]["state"], "processing", "{sales:#?}");
    let quantities = sales[0]["lines"].as_array().unwrap().iter();
    assert_eq!(quantities.map(|line| line["quantity"].clone()).collect::<Value>(), lines);
    assert_eq!(sales[0]["shipment_address"]["street"], "210 LAKESIDE AVENUE");
}

/// Picks, packs on a pallet with a carton a move, ships; then posts the invoice.
pub fn ship(lab: &Lab, number: &str) {
    let sale = lab.sales(number).remove(0);
    let shipment = sale["shipments"][0].as_i64().unwrap();
    let at = format!("/stock.shipment.out/{shipment}");
    let act = |action: &str| lab.call("POST", &format!("{at}/{action}"), &[], None);
    act("assign_try");
    if lab.call("GET", &at, &["state"], None)["state"] != "assigned" {
        act("assign_force");
    }
    act("pick");
    let carrier = lab.find_all("carrier", &json!([]), &["id"]).remove(0);
    lab.call("PUT", &at, &[], Some(&json!({"carrier": carrier["id"]})));
    let kind = |name: &str| {
        let found = lab.find_all("stock.package.type", &json!([["name", "=", name]]), &["id"]);
        found[0]["id"].clone()
    };
    let company = lab.find_all("company.company", &json!([]), &["id"]).remove(0)["id"].clone();
    let package = |more: Value| {
        let mut package =
            json!({"company": company, "shipment": format!("stock.shipment.out,{shipment}")});
        let (Value::Object(all), Value::Object(more)) = (&mut package, more) else {
            unreachable!()
        };
        all.extend(more);
        lab.call("POST", "/stock.package", &[], Some(&package))["id"].clone()
    };
    let (pallet, carton) = (package(json!({"type": kind("Pallet")})), kind("Carton"));
    let moves = lab.call("GET", &at, &["outgoing_moves.id"], None);
    for (index, one) in moves["outgoing_moves"].as_array().unwrap().iter().enumerate() {
        let moves = json!([["add", [one["id"]]]]);
        let carton = package(json!({"type": carton, "parent": pallet, "moves": moves}));
        let tracking = json!({"shipping_reference": format!("1Z999AA1{index:010}")});
        lab.call("PUT", &format!("/stock.package/{carton}"), &[], Some(&tracking));
    }
    for action in ["pack", "ship", "do"] {
        act(action);
    }
    let sale = lab.call("GET", &format!("/sale.sale/{}", sale["id"]), &["invoices"], None);
    let invoice = &sale["invoices"][0];
    lab.call("POST", &format!("/account.invoice/{invoice}/post"), &[], None);
}
