//! Ship notices in every hierarchy: one shipment, told in many ways.

use crossdock::canonical::{Document, ItemNumber, Package, Shipment, ShippedItem, ShippedOrder};
use crossdock::findings::{Code, Finding, Severity};
use crossdock::map::{WriteOptions, Writer};
use crossdock::x12::Style;
use std::fmt::Write as _;

use super::map::{Bench, walk_and_read};

const HIERARCHIES: [&[&str]; 7] = [
    &["shipment", "order", "tare", "pack", "item"],
    &["shipment", "order", "pack", "item"],
    &["shipment", "order", "item"],
    &["shipment", "order", "item", "pack"],
    &["shipment", "item"],
    &["shipment", "tare", "pack", "order", "item"],
    &["shipment", "tare", "order", "pack", "item"],
];

#[allow(clippy::unnecessary_wraps, reason = "it is what the fields take")]
fn text(s: &str) -> Option<String> {
    Some(s.to_owned())
}

fn item(order: u32, packages: &[u32], upc: &str, quantity: &str) -> ShippedItem {
    ShippedItem {
        order: Some(order),
        packages: packages.to_vec(),
        items: vec![ItemNumber { kind: text("upc"), value: text(upc) }],
        quantity: quantity.parse().ok(),
        unit: text("each"),
        ..ShippedItem::default()
    }
}

fn package(kind: &str, sscc: &str, parent: Option<u32>) -> Package {
    Package { kind: text(kind), sscc: text(sscc), parent, ..Package::default() }
}

/// Two orders; the first on a pallet of two cartons, the second in one carton.
fn shipment() -> Shipment {
    let order = |number: &str| ShippedOrder { number: text(number), ..ShippedOrder::default() };
    Shipment {
        purpose: text("original"),
        number: "S1".to_owned(),
        date: "2026-03-01".parse().ok(),
        time: "14:05".parse().ok(),
        orders: vec![order("PO-1"), order("PO-2")],
        packages: vec![
            package("tare", "T1", None),
            package("pack", "P1", Some(1)),
            package("pack", "P2", Some(1)),
            package("pack", "P3", None),
        ],
        contents: vec![
            item(1, &[2], "100000000001", "5"),
            item(1, &[3], "100000000002", "2.50"),
            item(2, &[4], "100000000003", "7"),
        ],
        ..Shipment::default()
    }
}

fn write(shipment: &Shipment, hierarchy: &[&str]) -> (String, Vec<Finding>) {
    let bench = Bench::new();
    let (checker, map) = bench.checker("856", "004010").unwrap();
    let hierarchy: Vec<String> = hierarchy.iter().map(|&l| l.to_owned()).collect();
    let hierarchy = (!hierarchy.is_empty()).then_some(hierarchy.as_slice());
    let style = Style { suffix: b"\n".to_vec(), ..Style::default() };
    let options = WriteOptions { control_number: "0001", style: &style, hierarchy };
    let document = Document::Shipment(Box::new(shipment.clone()));
    let mut out = Vec::new();
    let findings =
        Writer::new().write(&document, &map, checker.grammar(), &options, &mut out).unwrap();
    (String::from_utf8(out).unwrap(), findings)
}

fn read(set: &str) -> Shipment {
    let bench = Bench::new();
    let (checker, map) = bench.checker("856", "004010").unwrap();
    let text = walk_and_read(&checker, &map, set.as_bytes(), Style::default().delimiters);
    let tagged: crossdock::canonical::Document = serde_json::from_str(&text).unwrap();
    match tagged {
        crossdock::canonical::Document::Shipment(shipment) => *shipment,
        other => panic!("{other:?}"),
    }
}

/// The HL segments, and MAN, PRF, LIN and SN1 in short.
fn outline(set: &str) -> Vec<String> {
    set.lines()
        .filter(|l| ["HL", "MAN", "PRF", "LIN", "SN1"].iter().any(|t| l.starts_with(t)))
        .map(|l| l.trim_end_matches('~').to_owned())
        .collect()
}

#[test]
fn a_shipment_is_told_by_order_pallet_carton_and_item() {
    let (set, findings) = write(&shipment(), HIERARCHIES[0]);
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(
        outline(&set),
        [
            "HL*1**S",
            "HL*2*1*O",
            "PRF*PO-1",
            "HL*3*2*T",
            "MAN*GM*T1",
            "HL*4*3*P",
            "MAN*GM*P1",
            "HL*5*4*I",
            "LIN**UP*100000000001",
            "SN1**5*EA",
            "HL*6*3*P",
            "MAN*GM*P2",
            "HL*7*6*I",
            "LIN**UP*100000000002",
            "SN1**2.50*EA",
            "HL*8*1*O",
            "PRF*PO-2",
            "HL*9*8*P",
            "MAN*GM*P3",
            "HL*10*9*I",
            "LIN**UP*100000000003",
            "SN1**7*EA",
        ]
    );
    assert!(set.contains("CTT*10~"), "{set}");
}

#[test]
fn every_hierarchy_reads_back_to_the_same_set() {
    for hierarchy in HIERARCHIES {
        let (set, _) = write(&shipment(), hierarchy);
        let document = read(&set);
        let structure = document.structure.clone().unwrap();
        assert!(
            structure.levels.is_empty(),
            "{hierarchy:?} needs no list of levels: {structure:?}"
        );
        let (again, findings) = write(&document, &[]);
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(again, set, "{hierarchy:?}");
    }
}

#[test]
fn one_hierarchy_is_turned_into_another_and_back() {
    let complete = [HIERARCHIES[0], HIERARCHIES[6]];
    // Below its cartons an order is told once for each.
    let (_, findings) = write(&shipment(), HIERARCHIES[5]);
    assert!(findings.is_empty(), "{findings:?}");
    for from in complete {
        let (first, _) = write(&shipment(), from);
        for to in complete {
            let (second, findings) = write(&read(&first), to);
            assert!(findings.is_empty(), "{from:?} to {to:?}: {findings:?}");
            let (third, _) = write(&read(&second), from);
            assert_eq!(outline(&third), outline(&first), "{from:?} to {to:?} and back");
        }
    }
    let (by_pack, _) = write(&shipment(), HIERARCHIES[1]);
    let (by_item, findings) = write(&read(&by_pack), HIERARCHIES[3]);
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(
        outline(&by_item)[..7],
        [
            "HL*1**S",
            "HL*2*1*O",
            "PRF*PO-1",
            "HL*3*2*I",
            "LIN**UP*100000000001",
            "SN1**5*EA",
            "HL*4*3*P"
        ]
    );
    let (back, _) = write(&read(&by_item), HIERARCHIES[1]);
    assert_eq!(outline(&back), outline(&by_pack));
}

#[test]
fn a_line_in_several_cartons_is_divided_where_the_carton_comes_first() {
    let mut shipment = shipment();
    shipment.packages = vec![package("pack", "P1", None), package("pack", "P2", None)];
    for (package, quantity) in shipment.packages.iter_mut().zip(["6", "4"]) {
        package.quantity = quantity.parse().ok();
        package.unit = text("each");
    }
    shipment.orders.truncate(1);
    shipment.contents = vec![item(1, &[1, 2], "100000000001", "10")];
    let (by_item, findings) = write(&shipment, HIERARCHIES[3]);
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(
        outline(&by_item)[3..],
        [
            "HL*3*2*I",
            "LIN**UP*100000000001",
            "SN1**10*EA",
            "HL*4*3*P",
            "SN1**6*EA",
            "MAN*GM*P1",
            "HL*5*3*P",
            "SN1**4*EA",
            "MAN*GM*P2",
        ]
    );
    let (by_pack, findings) = write(&read(&by_item), HIERARCHIES[1]);
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(
        outline(&by_pack)[3..],
        [
            "HL*3*2*P",
            "MAN*GM*P1",
            "HL*4*3*I",
            "LIN**UP*100000000001",
            "SN1**6*EA",
            "HL*5*2*P",
            "MAN*GM*P2",
            "HL*6*5*I",
            "LIN**UP*100000000001",
            "SN1**4*EA",
        ]
    );
    // Without the quantities of the cartons nobody knows how much is in which.
    for package in &mut shipment.packages {
        package.quantity = None;
    }
    let (_, findings) = write(&shipment, HIERARCHIES[1]);
    assert!(findings.iter().any(|f| f.code == Code::NotWritable && f.severity == Severity::Fatal));
}

#[test]
fn what_a_hierarchy_cannot_say_is_a_finding() {
    let worst = |shipment: &Shipment, hierarchy: &[&str]| {
        let (_, findings) = write(shipment, hierarchy);
        findings.iter().map(|f| (f.severity, f.message.clone())).max()
    };
    // Cartons left out by agreement: worth knowing.
    assert_eq!(worst(&shipment(), HIERARCHIES[2]).unwrap().0, Severity::Warning);
    // A carton with lines of two orders.
    let mut mixed = shipment();
    mixed.contents[2].packages = vec![2];
    let (_, findings) = write(&mixed, HIERARCHIES[1]);
    let told =
        |f: &&Finding| f.message.starts_with("Entry 2 of `packages` is within several levels");
    assert_eq!(findings.iter().find(told).unwrap().severity, Severity::Fatal);
    // A package that is not there.
    let mut dangling = shipment();
    dangling.contents[0].packages = vec![9];
    assert_eq!(worst(&dangling, HIERARCHIES[1]).unwrap().0, Severity::Fatal);
    // A pallet that stands on itself.
    let mut circle = shipment();
    circle.packages[0].parent = Some(1);
    write(&circle, HIERARCHIES[0]);
    // An empty carton, and two orders that it could be of.
    let mut empty = shipment();
    empty.packages.push(package("pack", "P9", None));
    assert_eq!(worst(&empty, HIERARCHIES[1]).unwrap().0, Severity::Fatal);
}

#[test]
fn odd_levels_come_back_as_they_were() {
    let sets = [
        // Numbers that are not in a row, child codes of all kinds, an item without a parent.
        "BSN*00*S1*20260301*1405~|HL*10**S*1~|HL*20*10*O*0~|HL*30*20*I~|LIN**UP*1~|HL*X*30*P~|MAN*GM*P1~|HL*7**I~|LIN**UP*2~",
        // Two shipments, an unknown level, an order without contents, two equal items side by side.
        "BSN*00*S1*20260301*1405~|HL*1**S~|HL*2*1*O~|HL*3*2*I~|LIN**UP*1~|HL*4*2*I~|LIN**UP*1~|HL*5**S~|HL*6*5*ZZ~|HL*7*6*O~",
        // A parent that comes later, and a number used twice.
        "BSN*00*S1*20260301*1405~|HL*1**S~|HL*2*9*O~|HL*2*1*O~|HL*4*2*I~",
    ];
    for set in sets {
        let body = set.replace('|', "\n");
        let set = format!("ST*856*0001~\n{body}\nSE*{}*0001~\n", body.lines().count() + 2);
        let document = read(&set);
        let (again, findings) = write(&document, &[]);
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(again, set);
    }
}

/// Packages nested in each other without end: what a partner can send must not cost the square of its depth.
/// Where each level walks up through all of them it takes minutes, and the runner stops it.
#[test]
fn a_deep_hierarchy_is_read() {
    const LEVELS: usize = 60_000;
    let mut text = String::from(
        "ISA*00*          *00*          *ZZ*NORTHGATE      *ZZ*HARBORANDPINE  *260302*0915*U*00401*000000101*0*P*>~\
         GS*SH*NORTHGATE*HARBORPINE*20260302*0915*101*X*004010~ST*856*0001~BSN*00*SHIP-1*20260302*0915*0001~HL*1**S~",
    );
    for level in 2..=LEVELS {
        write!(text, "HL*{level}*{}*P~", level - 1).expect("text takes it");
    }
    write!(text, "SE*{}*0001~GE*1*101~IEA*1*000000101~", LEVELS + 3).expect("text takes it");
    let engine = crossdock::translate::Engine::embedded();
    let limits = crossdock::x12::Limits::default();
    let received = crossdock::translate::receive(&engine, text.as_bytes(), limits, &|_| {
        crossdock::acks::ErrorsAs::Accepted
    });
    let set = &received.interchanges[0].groups[0].sets[0];
    assert!(set.document.is_some(), "{:?}", set.findings.first());
}
