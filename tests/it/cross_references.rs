//! Cross-references of a profile: read with it, and held to in the running gateway.

use std::fs;

use crossdock::profile::{Problem, ProfileSource, Profiles};
use crossdock::store::{Event, JournalRecord, Outcome};

use crate::gateway::INVOICE;
use crate::house::{CONFIG, House, PROFILE, multi, order};
use crate::profiles::{self, source};

pub const ITEMS: &str = "sku,vendor\nTOTE,NP-TOTE-NAT\nMUG,NP-MUG-PINE\nBLANKET,NP-BLANKET-GRY\n";
pub const NAMED: &str = "\n[crosswalks]\nsource = \"Item list, 2026-02\"\nitems = { file = \"crosswalks/items.csv\" }\n";

fn read(sources: &[ProfileSource]) -> (Profiles, String) {
    let (profiles, found) = profiles::read(sources);
    let lines: Vec<String> = found.iter().map(Problem::to_string).collect();
    (profiles, lines.join("\n"))
}

impl House {
    pub fn with_items(items: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("partners/harbor-and-pine/crosswalks");
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("items.csv"), items).unwrap();
        Self::within(folder, CONFIG, &format!("{PROFILE}{NAMED}"))
    }

    fn payload_of(&self, record: &JournalRecord) -> String {
        let bytes = self.gateway.store().payload(record.entry.payload.unwrap()).unwrap();
        String::from_utf8(bytes).unwrap()
    }
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let profile = format!(
        "{PROFILE}{NAMED}units = {{ file = \"crosswalks/unit.csv\" }}\nterms = {{}}\nitem = {{}}\n"
    );
    let files = [
        ("partner.toml", profile.as_str()),
        ("crosswalks/items.csv", "sku,upc\nA,036000291453\n"),
        ("crosswalks/units.csv", "ours,theirs,factor\n"),
    ];
    let (profiles, told) = read(&[source("brand", &files)]);
    assert!(profiles.partner("brand").is_none());
    insta::assert_snapshot!(told);
}

#[test]
fn the_files_of_a_base_are_inherited_and_lie_in_its_folder() {
    let base = format!("base = true\n{}", PROFILE.replacen("title", "# title", 1));
    let base = format!("{base}{NAMED}units = {{ file = \"crosswalks/units.csv\" }}\n");
    let units = "ours,theirs,factor\neach,each,1\n";
    let base = source(
        "base",
        &[
            ("partner.toml", &base),
            ("crosswalks/items.csv", ITEMS),
            ("crosswalks/units.csv", units),
        ],
    );
    let brand = "extends = \"base\"\nsource = \"Mail\"\n[crosswalks]\nitems = { file = \"crosswalks/own.csv\" }\n";
    let brand = source("brand", &[("partner.toml", brand), ("crosswalks/own.csv", ITEMS)]);
    let (profiles, told) = read(&[base, brand]);
    assert_eq!(told, "");
    let rows = profiles.partner("brand").unwrap().rows();
    let files: Vec<String> = rows
        .iter()
        .filter(|row| row.section.starts_with("crosswalks."))
        .map(|row| format!("{} {}", row.section, row.value))
        .collect();
    assert_eq!(files.len(), 2, "{files:?}");
    assert!(files[0].starts_with("crosswalks.items crosswalks/own.csv ("), "{files:?}");
}

#[test]
fn an_order_with_an_unknown_item_is_held_and_released_after_the_mend() {
    multi().block_on(async {
        let mut house = House::with_items(&ITEMS.replace("MUG,NP-MUG-PINE\n", ""));
        house.drop_inbound("first.edi", &order(1, "PO-1"));
        let record = house.wait(Event::InterchangeQuarantined).await;
        assert!(record.entry.note.contains("NP-MUG-PINE"), "{}", record.entry.note);
        // What the partner sent is right: it is told so.
        let sent = house.wait(Event::InterchangeSent).await;
        assert!(house.payload_of(&sent).contains("AK9*A"));
        let quarantine = "mailboxes/harbor-and-pine/quarantine";
        house.until(|house| house.names(quarantine).len() == 2).await;
        let note = house.names(quarantine).into_iter().find(|n| n.contains(".findings.")).unwrap();
        let note = fs::read_to_string(house.path(quarantine).join(note)).unwrap();
        assert!(note.contains("lines[2]: No item of ours is vendor NP-MUG-PINE."), "{note}");
        assert!(note.contains("crosswalks/items.csv"), "{note}");
        assert_eq!(house.names("warehouse/harbor-and-pine/orders"), [""; 0]);

        house.put("partners/harbor-and-pine/crosswalks", "items.csv", ITEMS);
        house.wait(Event::ProfileChanged).await;
        house.drop_inbound("again.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        let name = house.names("warehouse/harbor-and-pine/orders").remove(0);
        let orders = house.path("warehouse/harbor-and-pine/orders");
        let json = fs::read_to_string(orders.join(name)).unwrap();
        assert!(json.contains("\"MUG\"") && json.contains("NP-MUG-PINE"), "{json}");
        house.drop_inbound("once-more.edi", &order(1, "PO-1"));
        house.wait(Event::InterchangeDuplicate).await;
        assert_eq!(house.outcomes(), [Outcome::Quarantined, Outcome::Accepted, Outcome::Duplicate]);
        house.close().await;
    });
}

#[test]
fn what_goes_out_has_their_numbers_or_does_not_go() {
    multi().block_on(async {
        let mut house = House::with_items(ITEMS);
        let ours = INVOICE.replace("vendor", "sku");
        house.drop_outbound("invoices", "a.json", &ours.replace("A-1", "MUG"));
        let sent = house.wait(Event::InterchangeSent).await;
        let text = house.payload_of(&sent);
        assert!(text.contains("*VN*NP-MUG-PINE~") && !text.contains("*MUG"), "{text}");
        house.drop_outbound("invoices", "b.json", &ours.replace("INV-1", "INV-2"));
        let record = house.wait(Event::DocumentQuarantined).await;
        assert!(record.entry.note.contains("sku A-1 is no item of the partner's"), "{record:?}");
        let quarantine = "warehouse/harbor-and-pine/quarantine";
        house.until(|house| house.names_below(quarantine).len() == 2).await;
        house.close().await;
    });
}
