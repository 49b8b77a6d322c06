//! Against a real Tryton. `CROSSDOCK_TRYTON` names the folder of one that runs: with `boot.json`, which has the `key` of
//! its REST protocol, and `trytond.conf`, which says where it listens. Without it these tests are skipped; `tests/run`
//! says how to get one. `CROSSDOCK_TRYTON_RUNS` sets how many orders go through a line that fails (3 unless set).

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use crossdock::store::{DocumentState, Event};
use serde_json::{Value, json};

use super::delivery::{config, folder};
use super::server::{Reply, Server, forward};
use super::trials::{died, finished, yard};
use crate::house::{House, PROFILE, multi, order};
use crate::kill::{Dice, start_in};

/// A Tryton that runs, and a customer of this test's own in it.
struct Lab {
    folder: PathBuf,
    address: String,
    key: String,
    /// The code of the party.
    code: String,
    /// One test at a time: one of them stops it.
    _alone: fs::File,
}

impl Lab {
    /// Nothing, with a word, where there is none.
    fn find() -> Option<Self> {
        let Some(folder) = std::env::var_os("CROSSDOCK_TRYTON").map(PathBuf::from) else {
            println!(
                "skipped: CROSSDOCK_TRYTON names no folder of a Tryton that runs (see tests/run)"
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
        let party = json!({"name": "A retailer of the tests"});
        let party = lab.call("POST", "/party.party", &[], Some(&party));
        let id = party["id"].as_i64().unwrap();
        let party = lab.call("GET", &format!("/party.party/{id}"), &["code"], None);
        party["code"].as_str().unwrap().clone_into(&mut lab.code);
        Some(lab)
    }

    fn url(&self) -> String {
        format!("http://{}/wms", self.address)
    }

    /// A call of the test's own.
    fn call(&self, method: &str, path: &str, fields: &[&str], body: Option<&Value>) -> Value {
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
        let call = super::server::Called { method: method.to_owned(), path, headers, body };
        let Reply::Raw(bytes) = forward(&call, &self.address) else {
            panic!("{} cannot be reached", self.address)
        };
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 2"), "{method} {}: {text}", call.path);
        serde_json::from_str(body).unwrap_or_default()
    }

    /// Records that a domain finds.
    fn find_all(&self, model: &str, domain: &Value, fields: &[&str]) -> Vec<Value> {
        let domain = URL_SAFE.encode(domain.to_string());
        let found = self.call("GET", &format!("/{model}?d={domain}"), fields, None);
        found.as_array().cloned().unwrap()
    }

    fn sales(&self, number: &str) -> Vec<Value> {
        let fields = ["state", "lines.quantity", "shipments", "shipment_address.street"];
        self.find_all("sale.sale", &json!([["reference", "=", number]]), &fields)
    }

    fn settings(&self, url: &str) -> String {
        format!(
            "url = \"{url}\"\nkey = \"file:key\"\nsscc_prefix = \"00614141\"\nparties = {{ harbor-and-pine = \"{}\" }}\n\
            carriers = {{ UPS = \"UPSN\" }}\n",
            self.code
        )
    }

    fn config(&self, url: &str) -> String {
        let config = config("tryton", &self.settings(url));
        format!("{config}retry_seconds_max = 1\n")
    }

    fn folder(&self) -> tempfile::TempDir {
        // As it ships, but with short pauses.
        let connector = include_str!("../../../connectors/tryton/connector.toml");
        let connector = connector.replace("pause_seconds = 15", "pause_seconds = 1");
        let folder = folder("tryton", &[("connector.toml", &connector)]);
        fs::write(folder.path().join("key"), &self.key).unwrap();
        folder
    }
}

/// The sample order, with items that this Tryton has.
fn order_of(number: &str) -> String {
    order(1, number)
        .replace("NP-TOTE-NAT", "SKU-RED-01")
        .replace("NP-MUG-PINE", "SKU-BLU-02")
        .replace("NP-BLANKET-GRY", "SKU-RED-01")
}

/// A number that no run before has used.
fn fresh(what: &str) -> String {
    format!("{what}{}", jiff::Timestamp::now().as_millisecond())
}

fn is_sold_once(lab: &Lab, number: &str) {
    let sales = lab.sales(number);
    let lines = json!([24.0, 36.0, 12.0]);
    assert_eq!(sales.len(), 1, "{number}: {sales:#?}");
    assert_eq!(sales[0]["state"], "processing", "{sales:#?}");
    let quantities = sales[0]["lines"].as_array().unwrap().iter();
    assert_eq!(quantities.map(|line| line["quantity"].clone()).collect::<Value>(), lines);
    assert_eq!(sales[0]["shipment_address"]["street"], "210 LAKESIDE AVENUE");
}

#[test]
fn an_order_becomes_one_sale_through_a_line_that_fails() {
    let Some(lab) = Lab::find() else { return };
    let runs = std::env::var("CROSSDOCK_TRYTON_RUNS").ok().and_then(|n| n.parse().ok());
    for seed in 0..runs.unwrap_or(3) {
        let dice = Mutex::new(Dice(seed * 0x9E37_79B9 + 7));
        let address = lab.address.clone();
        let line = Server::start(move |call| match dice.lock().unwrap().below(10) {
            0 => Reply::status("500 Internal Server Error"),
            1 => Reply::status("429 Too Many Requests\r\nretry-after: 0"),
            2 => Reply::Nothing,
            3 | 4 => {
                // It is done there, and nobody hears of it.
                forward(call, &address);
                Reply::Nothing
            }
            _ => forward(call, &address),
        });
        let number = fresh("LINE");
        multi().block_on(async {
            let config = lab.config(&format!("{}/wms", line.url()));
            let mut house = House::within(lab.folder(), &config, PROFILE);
            house.drop_inbound("order.edi", &order_of(&number));
            house.wait(Event::DocumentDelivered).await;
            house.close().await;
        });
        is_sold_once(&lab, &number);
    }
}

#[test]
fn killed_at_any_call_an_order_becomes_one_sale() {
    let Some(lab) = Lab::find() else { return };
    for count in 1..=12 {
        let number = fresh("KILL");
        let settings = lab.settings(&lab.url());
        let yard = yard("tryton", &[], &settings, &order_of(&number));
        fs::write(yard.path().join("key"), &lab.key).unwrap();
        let point = if count % 2 == 0 { "call.after" } else { "keep.before" };
        let trial = format!("die {point} {}", if count % 2 == 0 { count } else { count / 2 + 1 });
        died(yard.path(), start_in(yard.path(), &trial), &trial);
        assert_eq!(finished(yard.path()), DocumentState::Delivered, "{trial}");
        is_sold_once(&lab, &number);
    }
}

#[test]
fn what_tryton_does_not_know_is_held_before_anything_is_made() {
    let Some(lab) = Lab::find() else { return };
    let number = fresh("HELD");
    let strange = order_of(&number).replace("SKU-BLU-02", "SKU-GREEN-99");
    let unit = order_of(&number).replace("*36*EA*", "*36*CA*");
    for (text, words) in [
        (strange, "step products: Tryton has no product with the code SKU-GREEN-99"),
        (unit, "line 2: no unit of Tryton is known for case"),
    ] {
        multi().block_on(async {
            let mut house = House::within(lab.folder(), &lab.config(&lab.url()), PROFILE);
            house.drop_inbound("order.edi", &text);
            let parked = house.wait(Event::WorkParked).await;
            assert!(parked.entry.note.starts_with(words), "{}", parked.entry.note);
            house.close().await;
        });
    }
    assert_eq!(lab.sales(&number), Vec::<Value>::new());
}

/// Picks, packs on a pallet with a carton a move, ships; then posts the invoice.
fn ship(lab: &Lab, number: &str) {
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
    let pallet = package(json!({"type": kind("Pallet")}));
    let moves = lab.call("GET", &at, &["outgoing_moves.id"], None);
    for (index, one) in moves["outgoing_moves"].as_array().unwrap().iter().enumerate() {
        let moves = json!([["add", [one["id"]]]]);
        let carton = package(json!({"type": kind("Carton"), "parent": pallet, "moves": moves}));
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

#[test]
fn what_is_shipped_and_invoiced_in_tryton_goes_to_the_partner_once() {
    let Some(lab) = Lab::find() else { return };
    let number = fresh("SHIP");
    let profile = PROFILE.replace(r#""order", "pack""#, r#""order", "tare", "pack""#);
    multi().block_on(async {
        let mut house = House::within(lab.folder(), &lab.config(&lab.url()), &profile);
        house.drop_inbound("order.edi", &order_of(&number));
        house.wait(Event::DocumentDelivered).await;
        tokio::task::block_in_place(|| ship(&lab, &number));
        house.gateway.look_now();
        let mut sent = Vec::new();
        for _ in 0..2 {
            let is_sent = |r: &crossdock::store::JournalRecord| !r.entry.subject.contains("ack");
            let record = house.wait_for(Event::InterchangeSent, |r| {
                is_sent(r)
                    && (r.entry.subject.contains("shipment") || r.entry.subject.contains("invoice"))
            });
            let name = record.await.entry.subject;
            sent.push(
                fs::read_to_string(house.path("mailboxes/harbor-and-pine/outbound").join(name))
                    .unwrap(),
            );
        }
        let notice = sent.iter().find(|text| text.contains("ST*856*")).unwrap();
        let invoice = sent.iter().find(|text| text.contains("ST*810*")).unwrap();
        println!("{notice}\n{invoice}");
        for part in [
            &format!("PRF*{number}***20261119"),
            "REF*DP*0482",
            "*T~",
            "*P~",
            "SN1**24*EA",
            "SN1**36*EA",
            "UP*614141001019",
            "TD5*B*2*UPSN",
            "N1*ST*HARBOR & PINE STORE 0417*92*0417",
            "1Z999AA10000000002",
        ] {
            assert!(notice.contains(part), "{part}");
        }
        assert_eq!(notice.matches("MAN*GM*00614141").count(), 4);
        for part in [
            &format!("*20261119*{number}"),
            "IT1*1*24*EA*12.50",
            "IT1*2*36*EA*4.75",
            "TDS*81900",
            "REF*BM*SH-",
        ] {
            assert!(invoice.contains(part), "{part}");
        }
        // What comes again with the next looks is known.
        let before = house.names("mailboxes/harbor-and-pine/outbound");
        let folder = house.close().await;
        let mut house = House::within(folder, &lab.config(&lab.url()), &profile);
        house
            .drop_inbound("order.edi", &order_of(&fresh("NEXT")).replace("000000001", "000000002"));
        house.wait(Event::DocumentDelivered).await;
        house.wait(Event::InterchangeSent).await;
        assert_eq!(house.names("mailboxes/harbor-and-pine/outbound").len(), before.len() + 1);
        house.close().await;
    });
}

#[test]
fn an_order_waits_for_a_tryton_that_is_stopped() {
    let Some(lab) = Lab::find() else { return };
    let number = fresh("STOP");
    let pid = fs::read_to_string(lab.folder.join("trytond.pid")).unwrap();
    multi().block_on(async {
        let mut house = House::within(lab.folder(), &lab.config(&lab.url()), PROFILE);
        house.drop_inbound("order.edi", &order_of(&number));
        // Dead at the first record of a step: nothing more is heard until it is started again.
        house.wait(Event::StepDone).await;
        let killed = std::process::Command::new("kill").args(["-9", pid.trim()]).status().unwrap();
        assert!(killed.success());
        house.wait(Event::AttemptFailed).await;
        let start = "venv/bin/trytond -c trytond.conf -d wms </dev/null >trytond.log 2>&1 & echo $! >trytond.pid";
        let start = std::process::Command::new("sh")
            .args(["-c", start])
            .current_dir(&lab.folder)
            .status();
        assert!(start.unwrap().success());
        tokio::time::timeout(Duration::from_mins(2), house.wait(Event::DocumentDelivered))
            .await
            .unwrap();
        house.close().await;
    });
    is_sold_once(&lab, &number);
}
