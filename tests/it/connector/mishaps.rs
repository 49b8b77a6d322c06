//! What goes wrong between a retailer and a warehouse ends as the exception that an operator expects: of the right kind,
//! with a playbook, in words that name the order; and nothing is made or sent that should not be.

use std::fs;

use crossdock::exceptions::{Kind, Playbook};
use crossdock::store::{Event, Exception, JournalRecord};
use serde_json::json;

use super::delivery::{config, folder};
use super::server::{Called, Reply, Server};
use crate::house::{House, PROFILE, multi, order};
use crate::trace::SHIPMENT;

/// Something that goes wrong with the order `PO-1`.
struct Mishap {
    what: &'static str,
    /// How the order differs from the sample, and the profile from that of the example.
    order: &'static [(&'static str, &'static str)],
    profile: &'static [(&'static str, &'static str)],
    /// Comes after it.
    then: Then,
    kind: Kind,
    words: &'static [&'static str],
    /// Sales that are made, and files besides the 997 that leave.
    sales: usize,
    sent: usize,
}

enum Then {
    Nothing,
    /// Something from the warehouse.
    Shipped(&'static [(&'static str, &'static str)]),
}

const AS_IT_IS: &[(&str, &str)] = &[];
const ITEMS: (&str, &str) = (
    "[mailbox]",
    "[crosswalks]\nsource = \"Item list\"\nitems = { file = \"crosswalks/items.csv\" }\n\n[mailbox]",
);

const MISHAPS: &[Mishap] = &[
    Mishap {
        what: "an item that stands in no cross-reference",
        order: &[("NP-MUG-PINE", "NP-MUG-OAK")],
        profile: &[ITEMS],
        then: Then::Nothing,
        kind: Kind::DocumentUnmapped,
        words: &["NP-MUG-OAK"],
        sales: 0,
        sent: 0,
    },
    Mishap {
        what: "an item that the warehouse does not know",
        order: &[("NP-MUG-PINE", "NP-MUG-OAK")],
        profile: AS_IT_IS,
        then: Then::Nothing,
        kind: Kind::WorkParked,
        words: &["Tryton has no product with the code NP-MUG-OAK"],
        sales: 0,
        sent: 0,
    },
    Mishap {
        what: "cases of what is sold by the piece",
        order: &[("*36*EA*", "*36*CA*")],
        profile: AS_IT_IS,
        then: Then::Nothing,
        kind: Kind::WorkParked,
        words: &["line 2: no unit of Tryton is known for case", "settings.units"],
        sales: 0,
        sent: 0,
    },
    Mishap {
        what: "a store without an address",
        order: &[
            ("N3*210 LAKESIDE AVENUE~\n", ""),
            ("N4*DULUTH*MN*55802*US~\n", ""),
            ("SE*26", "SE*24"),
        ],
        profile: AS_IT_IS,
        then: Then::Nothing,
        kind: Kind::WorkParked,
        words: &["no address is known for the ship-to 0417", "settings.addresses"],
        sales: 0,
        sent: 0,
    },
    Mishap {
        what: "a shortage: nothing is shipped in time",
        order: AS_IT_IS,
        profile: &[(
            "{ after = \"shipment\", within = \"24h\"",
            "{ after = \"order\", within = \"2s\"",
        )],
        then: Then::Nothing,
        kind: Kind::DeadlineLate,
        words: &["The ship notice for order PO-1", "Harbor & Pine vendor guide 3.1, page 6"],
        sales: 1,
        sent: 0,
    },
    Mishap {
        what: "more is shipped than was ordered",
        order: AS_IT_IS,
        profile: AS_IT_IS,
        then: Then::Shipped(&[("\"quantity\":\"30\"", "\"quantity\":\"40\"")]),
        kind: Kind::DocumentRefused,
        words: &["comes to 40", "ordered are 36"],
        sales: 1,
        sent: 0,
    },
    Mishap {
        what: "something else is shipped than was ordered",
        order: AS_IT_IS,
        profile: AS_IT_IS,
        then: Then::Shipped(&[("614141002023", "614141009992")]),
        kind: Kind::DocumentRefused,
        words: &["is not on order PO-1"],
        sales: 1,
        sent: 0,
    },
];

/// A Tryton that knows three products and one unit.
fn tryton(call: &Called) -> Reply {
    let path = call.path.trim_start_matches("/rest/model").split('?').next().unwrap_or_default();
    let products = ["NP-TOTE-NAT", "NP-MUG-PINE", "NP-BLANKET-GRY", "TOTE", "MUG", "BLANKET"];
    let answer = match (call.method.as_str(), path) {
        ("GET", "/company.company") => json!([{"id": 1, "currency": {"id": 2, "code": "USD"}}]),
        ("GET", "/party.party" | "/party.address") => json!([{"id": 3}]),
        ("GET", "/product.product") => {
            products.iter().enumerate().map(|(id, code)| json!({"id": id, "code": code})).collect()
        }
        ("GET", "/product.uom") => json!([{"id": 1, "symbol": "u"}]),
        ("POST", "/sale.sale") => json!({"id": 9}),
        ("GET", "/sale.sale/9") => json!({"id": 9, "state": "processing"}),
        ("GET", _) => json!([]),
        _ => return Reply::status("404 Not Found"),
    };
    Reply::ok(&answer)
}

fn changed(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in {text}");
        text.replace(from, to)
    })
}

/// The gateway of a mishap, with a warehouse that may hand documents over in a folder too.
fn house(mishap: &Mishap, server: &Server) -> House {
    let folder = folder("other", &[]);
    let partner = folder.path().join("partners/harbor-and-pine");
    fs::create_dir_all(partner.join("crosswalks")).unwrap();
    let items = "sku,vendor\nTOTE,NP-TOTE-NAT\nMUG,NP-MUG-PINE\nBLANKET,NP-BLANKET-GRY\n";
    fs::write(partner.join("crosswalks/items.csv"), items).unwrap();
    let rules = include_str!("../../../partner-profiles/harbor-and-pine/856.overlay");
    let (_, against) = rules.split_once("against  order quantity").unwrap();
    let rules = format!(
        "overlay harbor-and-pine on 856 004010 out\nsource \"Guide, p. 7, 2026-02\"\nagainst order quantity{against}\
         against order lines\n"
    );
    fs::write(partner.join("856.overlay"), rules).unwrap();
    let settings = format!(
        "url = \"{}\"\nkey = \"file:secret\"\nparties = {{ harbor-and-pine = \"6006\" }}\n",
        server.url()
    );
    let config = config("tryton", &settings)
        .replace("connector = \"tryton\"\n", "connector = \"tryton\"\nreturns = \"warehouse\"\n");
    House::within(folder, &config, &changed(PROFILE, mishap.profile))
}

#[test]
fn each_mishap_ends_as_the_exception_that_is_expected() {
    for mishap in MISHAPS {
        let server = Server::start(tryton);
        multi().block_on(async {
            let mut house = house(mishap, &server);
            house.drop_inbound("order.edi", &changed(&order(1, "PO-1"), mishap.order));
            if let Then::Shipped(changes) = mishap.then {
                house.wait(Event::DocumentDelivered).await;
                house.drop_outbound("shipments", "s.json", &changed(SHIPMENT, changes));
            }
            let name = mishap.kind.name();
            let is_it = |record: &JournalRecord| record.entry.facts["kind"] == name;
            let raised = house.wait_for(Event::ExceptionRaised, is_it).await.entry.facts;
            let id = raised["exception"].parse().unwrap();
            let raised = house.gateway.store().exception(id).unwrap().unwrap();
            is_what_is_expected(mishap, &raised);
            house.wait_for(Event::InterchangeSent, |r| r.entry.subject.contains("997")).await;
            let sent = house.names("mailboxes/harbor-and-pine/outbound");
            assert_eq!(sent.len(), 1 + mishap.sent, "{}: {sent:?}", mishap.what);
            house.close().await;
        });
        let made = server.lines().into_iter().filter(|line| line.starts_with("POST"));
        assert_eq!(made.count(), mishap.sales, "{}: {:?}", mishap.what, server.lines());
    }
}

fn is_what_is_expected(mishap: &Mishap, raised: &Exception) {
    let what = mishap.what;
    for part in mishap.words {
        assert!(raised.words.contains(part), "{what}: {part} is not in {}", raised.words);
    }
    assert!(raised.words.contains("PO-1"), "{what}: no order is named in {}", raised.words);
    let Playbook::Page(page) = raised.kind.entry().playbook else { panic!("{what}: no playbook") };
    let page = format!("{}/docs/playbooks/{page}.md", env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains(&format!("`{}`", raised.kind.name())), "{what}: {page}");
}
