//! Cross-references: theirs to ours and back, and what is held.

use std::sync::LazyLock;

use crossdock::canonical::Document;
use crossdock::crosswalk::{Crosswalks, Kind};
use crossdock::translate::Engine;
use proptest::prelude::*;
use serde_json::{Value, json};

const ITEMS: &str = "sku,upc,buyer\n\
    SHIRT-BLUE,036000291452,B-100\n\
    SHIRT-RED,012345678905,B-101\n\
    SOCKS,,B-200\n";
const UNITS: &str = "ours,theirs,factor,item,whole\nEA,EA,1,,\nBOX,CA,1/2,,\nKG,LB,0.45359237,,no\nEA,CA,12,SOCKS,\n";

fn crosswalks(sources: &[(Kind, &str)]) -> Crosswalks {
    let sources = sources.iter().map(|(kind, text)| (*kind, kind.name(), *text));
    let (crosswalks, errors) = Crosswalks::from_sources(sources, &|_: &str, _: &str| None);
    assert!(errors.is_empty(), "{errors:?}");
    crosswalks
}

#[allow(clippy::needless_pass_by_value, reason = "the calls read better")]
fn order(fields: Value) -> Document {
    let mut whole = json!({"document": "order", "number": "PO-1"});
    for (name, value) in fields.as_object().expect("fields") {
        whole[name] = value.clone();
    }
    serde_json::from_value(whole).expect("an order")
}

fn line(document: &Document) -> Value {
    serde_json::to_value(document).expect("JSON")["lines"][0].clone()
}

/// The findings, a line each.
fn told(found: &[crossdock::findings::Finding]) -> String {
    let lines: Vec<String> =
        found.iter().map(|f| format!("{} {} {}", f.code, f.message, f.mend)).collect();
    lines.join("\n")
}

#[test]
fn our_number_is_added_to_theirs() {
    let items = crosswalks(&[(Kind::Items, ITEMS)]);
    let theirs =
        json!([{"kind": "buyer", "value": "B-100"}, {"kind": "upc", "value": "036000291452"}]);
    let mut document = order(json!({"lines": [{"items": theirs}]}));
    assert_eq!(told(&items.inbound(&mut document)), "");
    assert_eq!(
        line(&document)["items"],
        json!([
            {"kind": "buyer", "value": "B-100"},
            {"kind": "upc", "value": "036000291452"},
            {"kind": "sku", "value": "SHIRT-BLUE"}
        ])
    );
}

#[test]
fn an_item_that_nobody_knows_is_held() {
    let items = crosswalks(&[(Kind::Items, ITEMS)]);
    let mut document = order(json!({"lines": [
        {"items": [{"kind": "upc", "value": "999999999993"}]},
        {"items": [{"kind": "vendor", "value": "V"}]},
        {"items": [{"kind": "upc", "value": "036000291452"}, {"kind": "buyer", "value": "B-101"}]}
    ]}));
    let before = document.clone();
    insta::assert_snapshot!(told(&items.inbound(&mut document)), @r"
    X01 lines[1]: No item of ours is upc 999999999993. Add it to items.
    X01 lines[2]: None of its numbers is of a kind that is mapped (upc, buyer). Add it to items.
    X02 lines[3]: upc 036000291452 is our SHIRT-BLUE, and buyer B-101 is our SHIRT-RED. Ask the partner which item is meant, or correct the cross-reference.
    ");
    assert_eq!(document, before);
}

#[test]
fn their_numbers_stand_in_place_of_ours() {
    let items = crosswalks(&[(Kind::Items, ITEMS)]);
    let mut document = order(json!({"lines": [{"items": [
        {"kind": "lot", "value": "L1"},
        {"kind": "sku", "value": "SHIRT-RED"},
        {"kind": "buyer", "value": "B-101"}
    ]}]}));
    assert_eq!(told(&items.outbound(&mut document)), "");
    assert_eq!(
        line(&document)["items"],
        json!([
            {"kind": "lot", "value": "L1"},
            {"kind": "upc", "value": "012345678905"},
            {"kind": "buyer", "value": "B-101"}
        ])
    );
}

#[test]
fn what_the_partner_does_not_know_is_not_sent() {
    let items = crosswalks(&[(Kind::Items, ITEMS)]);
    let mut document = order(json!({"lines": [
        {"items": [{"kind": "sku", "value": "SHIRT-RED"}]},
        {"items": [{"kind": "sku", "value": "HAT"}]}
    ]}));
    let before = document.clone();
    insta::assert_snapshot!(told(&items.outbound(&mut document)), @"X01 lines[2]: sku HAT is no item of the partner's. Add it to items.");
    assert_eq!(document, before);
}

#[test]
fn units_convert_exactly_or_the_document_is_held() {
    let units = crosswalks(&[(Kind::Units, UNITS)]);
    let each = |quantity: &str, unit: &str, price: &str| {
        let line = json!({"quantity": quantity, "unit": unit, "price": price});
        let mut document = order(json!({"lines": [line]}));
        let found = units.inbound(&mut document);
        let line = line_of(&document);
        if found.is_empty() { line } else { told(&found) }
    };
    assert_eq!(each("4", "CA", "10.00"), "2 BOX 20.00");
    assert_eq!(each("5", "EA", "1.2345"), "5 EA 1.2345");
    insta::assert_snapshot!(each("5", "CA", "10.00"), @"X04 lines[1]: 5 CA is no whole number of BOX (1 CA = 1/2 BOX). Change the quantity, or say `no` in the column `whole`; nothing is rounded.");
    insta::assert_snapshot!(each("1", "LB", "10.00"), @"X04 lines[1]: The price 10.00 for one LB cannot be told exactly for one KG. Agree on prices by the same unit; nothing is rounded.");
    insta::assert_snapshot!(each("1", "DZ", "10.00"), @"X03 lines[1]: The unit DZ is not mapped. Add it to units, with the factor 1 where nothing changes.");
}

#[test]
fn there_are_only_whole_ones_on_both_sides() {
    let units = crosswalks(&[(
        Kind::Units,
        "ours,theirs,factor,whole\neach,case,6,\neach,each,1,\npound,pound,1,no\n",
    )]);
    let read = |quantity: &str, unit: &str| {
        let mut document = order(json!({"lines": [{"quantity": quantity, "unit": unit}]}));
        let found = units.inbound(&mut document);
        if found.is_empty() { line_of(&document) } else { told(&found) }
    };
    insta::assert_snapshot!(read("2.5", "case"), @"X04 lines[1]: 2.5 case is no whole number of case (1 case = 6 each). Change the quantity, or say `no` in the column `whole`; nothing is rounded.");
    insta::assert_snapshot!(read("2.5", "each"), @"X04 lines[1]: 2.5 each is no whole number of each (1 each = 1 each). Change the quantity, or say `no` in the column `whole`; nothing is rounded.");
    assert_eq!(read("2.5", "pound"), "2.5 pound ");
    assert_eq!(read("2.0", "case"), "12.0 each ");
}

#[test]
fn a_price_that_has_a_unit_of_its_own_is_not_converted() {
    let units = crosswalks(&[(
        Kind::Units,
        "ours,theirs,factor\neach,case,6\ncase,pallet,10\neach,each,1\n",
    )]);
    let read = |unit: &str, basis: &str| {
        let line = json!({"quantity": "10", "unit": unit, "price": "24", "price_basis": basis});
        let mut document = order(json!({"lines": [line]}));
        let found = units.inbound(&mut document);
        if found.is_empty() { line_of(&document) } else { told(&found) }
    };
    for basis in ["PE", "TE", "LE", "QE", "RE", "WE"] {
        assert_eq!(read("case", basis), "60 each 24", "{basis}");
    }
    for basis in ["", "UM", "CT", "WH"] {
        assert_eq!(read("case", basis), "60 each 4", "{basis}");
    }
    assert_eq!(read("each", "PD"), "10 each 24");
    insta::assert_snapshot!(read("case", "PD"), @"X04 lines[1]: The price 24 is told by its basis PD, not for one case, and cannot be told for one each. Agree on prices by the unit that is counted, or count by the unit of the price.");
    insta::assert_snapshot!(read("pallet", "PE"), @"X04 lines[1]: The price 24 is told by its basis PE, not for one pallet, and cannot be told for one case. Agree on prices by the unit that is counted, or count by the unit of the price.");

    let back = crosswalks(&[(Kind::Units, "ours,theirs,factor\neach,case,6\n")]);
    let line = json!({"quantity": "60", "unit": "each", "price": "4", "price_basis": "PE"});
    let mut document = order(json!({"lines": [line]}));
    assert_eq!(told(&back.outbound(&mut document)), "");
    assert_eq!(line_of(&document), "10 case 4");

    // A further price of the line has a basis of its own.
    let prices = json!([{"price": "4", "quantity": "10", "unit": "case", "basis": "PE"}]);
    let line = json!({"quantity": "10", "unit": "case", "price": "24", "prices": prices});
    let mut document = order(json!({"lines": [line]}));
    assert_eq!(told(&units.inbound(&mut document)), "");
    assert_eq!(line_of(&document), "60 each 4");
    assert_eq!(self::line(&document)["prices"][0]["price"], "4");
}

/// The line as it is translated, or what is told of it.
#[allow(clippy::needless_pass_by_value, reason = "the calls read better")]
fn translated(all: &Crosswalks, way: &str, line: Value) -> String {
    let mut document = order(json!({"lines": [line]}));
    let found = if way == "in" { all.inbound(&mut document) } else { all.outbound(&mut document) };
    if found.is_empty() { self::line(&document).to_string() } else { told(&found) }
}

#[test]
fn quantities_that_name_no_unit_are_those_of_the_line_and_prices_are_for_what_they_name() {
    let units = crosswalks(&[(Kind::Units, "ours,theirs,factor\neach,case,12\n")]);
    let theirs = json!({
        "quantity": "5", "quantity_left": "3", "unit": "case",
        "prices": [{"price": "24", "unit": "case"}, {"price": "9.99"}],
        "allowances_charges": [
            {"rate": "0.60", "quantity": "5", "quantity_2": "10", "unit": "case"},
            {"rate": "1.20", "prices": [{"price": "36", "unit": "case"}]},
            {"amount": "5.00", "percent": "2"}
        ],
        "store_allocations": [{"stores": [{"store": "1", "quantity": "2"}]}],
        "quantities": [{"quantity": "5", "schedules": [{"quantity": "4"}]}],
        "schedules": [{"quantity": "5"}]
    });
    let ours = json!({
        "quantity": "60", "quantity_left": "36", "unit": "each",
        "prices": [{"price": "2", "unit": "each"}, {"price": "9.99"}],
        "allowances_charges": [
            {"rate": "0.05", "quantity": "60", "quantity_2": "120", "unit": "each"},
            {"rate": "1.20", "prices": [{"price": "3", "unit": "each"}]},
            {"amount": "5.00", "percent": "2"}
        ],
        "store_allocations": [{"stores": [{"store": "1", "quantity": "24"}]}],
        "quantities": [{"quantity": "60", "schedules": [{"quantity": "48"}]}],
        "schedules": [{"quantity": "60"}]
    });
    let document = |line: &Value| line_of_json(line);
    assert_eq!(translated(&units, "in", theirs.clone()), document(&ours));
    assert_eq!(translated(&units, "out", ours), document(&theirs));

    let line =
        json!({"quantity": "5", "unit": "case", "prices": [{"price": "10", "unit": "case"}]});
    insta::assert_snapshot!(translated(&units, "in", line), @"X04 lines[1].prices[1]: The price 10 for one case cannot be told exactly for one each. Agree on prices by the same unit; nothing is rounded.");
    let line = json!({"quantity": "5", "unit": "case", "allowances_charges": [{"rate": "1", "unit": "pallet"}]});
    insta::assert_snapshot!(translated(&units, "in", line), @"X03 lines[1].allowances_charges[1]: The unit pallet is not mapped. Add it to units, with the factor 1 where nothing changes.");
}

/// A line as the JSON of a document has it.
fn line_of_json(line: &Value) -> String {
    self::line(&order(json!({"lines": [line]}))).to_string()
}

#[test]
fn what_stands_on_no_line_is_converted_too() {
    let units = crosswalks(&[(Kind::Units, "ours,theirs,factor\neach,case,12\n")]);
    let mut document = order(json!({
        "prices": [{"price": "24", "unit": "case"}],
        "allowances_charges": [{"rate": "1.20", "unit": "case"}, {"amount": "7"}]
    }));
    assert_eq!(told(&units.inbound(&mut document)), "");
    let json = serde_json::to_value(&document).expect("JSON");
    assert_eq!(json["prices"][0], json!({"price": "2", "unit": "each"}));
    assert_eq!(json["allowances_charges"][0], json!({"rate": "0.10", "unit": "each"}));
    let mut document = order(json!({"allowances_charges": [{"rate": "1.20"}]}));
    assert_eq!(told(&units.inbound(&mut document)), "");
    let json = serde_json::to_value(&document).expect("JSON");
    assert_eq!(json["allowances_charges"][0], json!({"rate": "1.20"}));
}

#[test]
fn what_names_no_unit_is_held_where_it_might_change() {
    let items = |value: &str| json!([{"kind": "buyer", "value": value}]);
    let all = crosswalks(&[(
        Kind::Units,
        "ours,theirs,factor,item,preferred\neach,case,12,,\neach,each,1,,yes\neach,case,1,B-1,\n",
    )]);
    let read = |way: &str, line: Value| translated(&all, way, line);
    let nameless = json!({"quantity": "5", "price": "24.00"});
    insta::assert_snapshot!(read("in", nameless.clone()), @"X03 lines[1]: The quantity 5 is told without a unit. Name the unit: units has some that are converted.");
    insta::assert_snapshot!(read("in", json!({"price": "24.00"})), @"X03 lines[1]: The price 24.00 is told without a unit. Name the unit: units has some that are converted.");
    // What is sent in the same unit at any rate cannot be converted wrongly, nor what is none of it.
    assert_eq!(read("out", nameless.clone()), line_of_json(&nameless));
    for line in [
        json!({"quantity": "5", "items": items("B-1")}),
        json!({"price": "24.00", "price_basis": "PE"}),
        json!({"quantity": "0"}),
        json!({"allowances_charges": [{"amount": "5", "percent": "2"}]}),
    ] {
        assert_eq!(read("in", line.clone()), line_of_json(&line), "{line}");
    }
    let same = crosswalks(&[(Kind::Units, "ours,theirs,factor\neach,each,1\npiece,case,1\n")]);
    assert_eq!(translated(&same, "in", nameless.clone()), line_of_json(&nameless));
}

#[test]
fn units_by_several_numbers_of_an_item_agree_or_the_document_is_held() {
    let units = "ours,theirs,factor,item\neach,case,6,A1\neach,case,12,B-1\neach,case,6,S\n";
    let all = crosswalks(&[(Kind::Units, units)]);
    let read = |items: Value| {
        let line = json!({"items": items, "quantity": "2", "unit": "case"});
        let mut document = order(json!({"lines": [line]}));
        let found = all.inbound(&mut document);
        if found.is_empty() { line_of(&document) } else { told(&found) }
    };
    let number = |kind: &str, value: &str| json!({"kind": kind, "value": value});
    insta::assert_snapshot!(read(json!([number("buyer", "B-1"), number("vendor", "A1")])), @"X02 lines[1]: 1 case = 12 each for B-1, and 1 case = 6 each for A1: both are numbers of the item. Ask which holds, and correct units.");
    insta::assert_snapshot!(read(json!([number("vendor", "A1"), number("buyer", "B-1")])), @"X02 lines[1]: 1 case = 6 each for A1, and 1 case = 12 each for B-1: both are numbers of the item. Ask which holds, and correct units.");
    assert_eq!(read(json!([number("vendor", "A1"), number("sku", "S")])), "12 each ");
    // What only describes an item is no number of it.
    for kind in ["color", "size", "lot"] {
        assert_eq!(read(json!([number(kind, "A1"), number("buyer", "B-1")])), "24 each ", "{kind}");
    }

    let items = (Kind::Items, "sku,vendor,buyer\nS,A1,B-1\n");
    let both = crosswalks(&[items, (Kind::Units, units)]);
    let told: Vec<String> = both.contradictions().iter().map(ToString::to_string).collect();
    assert_eq!(both.doubts(), []);
    insta::assert_snapshot!(told.join("\n"), @"units:3:1: 1 case = 12 each for B-1, but 1 case = 6 each for A1 (line 2), and both are our S; an item is counted one way; take one of the rows out");
}

fn line_of(document: &Document) -> String {
    let line = line(document);
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    format!("{} {} {}", text("quantity"), text("unit"), text("price"))
}

#[test]
fn several_units_of_theirs_may_be_one_of_ours() {
    let units = crosswalks(&[(Kind::Units, "ours,theirs,factor\nEA,CA,12\nEA,EA,1\n")]);
    let mut document = order(json!({"lines": [{"quantity": "2", "unit": "CA"}]}));
    assert_eq!(told(&units.inbound(&mut document)), "");
    assert_eq!(line_of(&document), "24 EA ");
    assert_eq!(told(&units.outbound(&mut document)), "");
    assert_eq!(line_of(&document), "24 EA ");
}

#[test]
fn a_unit_may_depend_on_the_item() {
    let both = crosswalks(&[(Kind::Items, ITEMS), (Kind::Units, UNITS)]);
    let socks = json!({"items": [{"kind": "buyer", "value": "B-200"}], "quantity": "3", "unit": "CA", "price": "24.00"});
    let mut document = order(json!({"lines": [socks]}));
    assert_eq!(told(&both.inbound(&mut document)), "");
    assert_eq!(line_of(&document), "36 EA 2.00");
}

/// Read with the code tables of the maps.
fn coded(sources: &[(Kind, &str)]) -> (Crosswalks, Vec<crossdock::grammar::LineError>) {
    static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::embedded);
    let words = |table: &str, code: &str| ENGINE.maps().word(table, code).map(str::to_owned);
    let sources = sources.iter().map(|(kind, text)| (*kind, kind.name(), *text));
    Crosswalks::from_sources(sources, &words)
}

#[test]
fn a_code_of_x12_stands_for_its_word() {
    let (all, errors) = coded(&[
        (Kind::Items, "sku,UP,BP\nSHIRT,036000291452,B-1\n"),
        (Kind::Units, "ours,theirs,factor\nEA,EA,1\nEA,CA,12\n"),
        (Kind::Locations, "ours,theirs,kind\nNORTH,0614141900152,UL\nNORTH-2,0301,92\n"),
        (Kind::Carriers, "ours,scac,service\nVAN,UPSN,CG\n"),
    ]);
    assert!(errors.is_empty(), "{errors:?}");
    let theirs = json!({
        "ship_to": {"id": "0301", "id_kind": "assigned_by_buyer"},
        "routing": [{"carrier": "UPSN", "service": "ground"}],
        "lines": [{"items": [{"kind": "upc", "value": "036000291452"}], "quantity": "2", "unit": "case", "price": "24.00"}]
    });
    let mut document = order(theirs);
    assert_eq!(told(&all.inbound(&mut document)), "");
    let json = serde_json::to_value(&document).unwrap();
    assert_eq!(json["ship_to"]["id"], "NORTH-2");
    assert_eq!(json["routing"][0]["carrier"], "VAN");
    assert_eq!(line_of(&document), "24 each 2.00");
    assert_eq!(json["lines"][0]["items"][1], json!({"kind": "sku", "value": "SHIRT"}));

    // And back: words again, whether the warehouse says the code or the word.
    for unit in ["EA", "each"] {
        let ours = json!({
            "ship_to": {"id": "NORTH"},
            "routing": [{"carrier": "VAN"}],
            "lines": [{"items": [{"kind": "sku", "value": "SHIRT"}], "quantity": "24", "unit": unit}]
        });
        let mut document = order(ours);
        assert_eq!(told(&all.outbound(&mut document)), "");
        let json = serde_json::to_value(&document).unwrap();
        assert_eq!(json["ship_to"]["id_kind"], "gln");
        assert_eq!(json["routing"][0]["service"], "ground");
        assert_eq!(line_of(&document), "24 each ");
        assert_eq!(json["lines"][0]["items"][1], json!({"kind": "buyer_part", "value": "B-1"}));
    }

    // Check digits are verified under either name, and two names of one kind are one column too many.
    for (text, words) in [
        ("sku,UP\nA,036000291453\n", "is no upc"),
        ("sku,UK\nA,10614141600104\n", "is no gtin_14"),
        ("sku,EN\nA,4006381333932\n", "is no ean_13"),
        ("sku,UP,upc\nA,036000291452,\n", "two columns are of the kind `upc`"),
    ] {
        let (_, errors) = coded(&[(Kind::Items, text)]);
        assert!(errors.iter().any(|e| e.to_string().contains(words)), "{text}: {errors:?}");
    }
}

#[test]
fn a_unit_may_depend_on_our_number_or_theirs_in_both_directions() {
    for item in ["SOCKS", "B-200"] {
        let units = format!("ours,theirs,factor,item\neach,case,12,{item}\n");
        let both = crosswalks(&[(Kind::Items, ITEMS), (Kind::Units, &units)]);
        let theirs = json!({"items": [{"kind": "buyer", "value": "B-200"}], "quantity": "3", "unit": "case"});
        let mut document = order(json!({"lines": [theirs]}));
        assert_eq!(told(&both.inbound(&mut document)), "", "{item}");
        assert_eq!(line_of(&document), "36 each ", "{item}");
        let ours =
            json!({"items": [{"kind": "sku", "value": "SOCKS"}], "quantity": "36", "unit": "each"});
        let mut document = order(json!({"lines": [ours]}));
        assert_eq!(told(&both.outbound(&mut document)), "", "{item}");
        assert_eq!(line_of(&document), "3 case ", "{item}");
    }
}

#[test]
fn places_carriers_and_terms_have_two_names() {
    let all = crosswalks(&[
        (Kind::Locations, "ours,theirs,kind\nDC-EAST,0417,assigned_by_buyer\nDC-WEST,0418,\n"),
        (
            Kind::Carriers,
            "ours,scac,service\nUPS-GROUND,UPSN,ground\nUPS-AIR,UPSN,next_day\nFEDEX,FDEG,\n",
        ),
        (Kind::Terms, "ours,theirs\nN30,NET 30\n"),
    ]);
    let before = order(json!({
        "ship_to": {"name": "East", "id_kind": "assigned_by_buyer", "id": "0417"},
        "routing": [
            {"carrier_kind": "scac", "carrier": "UPSN", "service": "next_day"},
            {"carrier_kind": "scac", "carrier": "FDEG"}
        ],
        "terms": [{"description": "NET 30"}]
    }));
    let mut document = before.clone();
    assert_eq!(told(&all.inbound(&mut document)), "");
    let json = serde_json::to_value(&document).expect("JSON");
    assert_eq!(json["ship_to"]["id"], "DC-EAST");
    assert_eq!(json["routing"][0]["carrier"], "UPS-AIR");
    assert_eq!(json["routing"][1]["carrier"], "FEDEX");
    assert_eq!(json["terms"][0]["description"], "N30");
    assert_eq!(told(&all.outbound(&mut document)), "");
    assert_eq!(document, before);
}

#[test]
fn a_consumer_with_an_address_has_no_other_name() {
    let all = crosswalks(&[(Kind::Locations, "ours,theirs\nDC,1\n")]);
    let mut document = order(json!({"ship_to": {"name": "Ann Lee", "street": "1 Main St"}}));
    assert_eq!(told(&all.inbound(&mut document)), "");
    let mut document = order(json!({"ship_to": {"name": "Store", "id": "0999"}}));
    insta::assert_snapshot!(told(&all.inbound(&mut document)), @"X05 ship_to: 0999 has no code of ours. Add it to locations.");
}

#[test]
fn every_mistake_of_a_file_is_told() {
    let sources = [
        (
            Kind::Items,
            "items.csv",
            "sku,upc\nA,036000291452\nB,036000291452\nC,36000291452\nA,\n,012345678905\nD\n",
        ),
        (Kind::Units, "units.csv", "ours,theirs,facter\nEA,CA,12\n"),
        (
            Kind::Units,
            "more.csv",
            "ours,theirs,factor,whole\nEA,CA,12,\nEA,CA,6,\nPC,BX,6,\nPC,PK,3,\nKG,LB,x,\nKG,OZ,1/16,perhaps\n",
        ),
        (Kind::Locations, "places.csv", "ours,theirs,preferred\nDC,1,\nDC,2,\nDC3,2,\n,3,\n"),
        (
            Kind::Carriers,
            "carriers.toml",
            "columns = [\"ours\", \"scac\"]\nrows = [[\"UPS\", \"UPSN\"],\n  [\"X\"]]\n",
        ),
        (Kind::Terms, "terms.toml", "columns = 1\n"),
        (Kind::Parties, "parties.csv", ""),
    ];
    let (crosswalks, errors) = Crosswalks::from_sources(sources, &|_: &str, _: &str| None);
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(errors.join("\n"));
    assert!(crosswalks.inbound(&mut order(json!({}))).is_empty());
}

proptest! {
    /// What the partner sent is in what goes back, number for number.
    #[test]
    fn what_came_in_goes_out_again(
        picks in prop::collection::vec((0usize..3, 1u32..1000, 0usize..2), 1..6)
    ) {
        let all = crosswalks(&[
            (Kind::Items, ITEMS),
            (Kind::Units, "ours,theirs,factor\nEA,EA,1\nBOX,CA,1/2\n"),
            (Kind::Locations, "ours,theirs\nDC,1\n"),
        ]);
        let buyer = ["B-100", "B-101", "B-200"];
        let lines: Vec<Value> = picks
            .iter()
            .map(|(item, quantity, unit)| json!({
                "items": [{"kind": "buyer", "value": buyer[*item]}],
                "quantity": (quantity * 2).to_string(),
                "unit": if *unit == 0 { "EA" } else { "CA" },
                "price": "3.50"
            }))
            .collect();
        let before = order(json!({"ship_to": {"id": "1"}, "lines": lines}));
        let mut document = before.clone();
        prop_assert_eq!(told(&all.inbound(&mut document)), "");
        prop_assert_eq!(told(&all.outbound(&mut document)), "");
        let (Document::Order(before), Document::Order(after)) = (&before, &document) else {
            return Err(TestCaseError::fail("two orders"));
        };
        prop_assert_eq!(&before.ship_to, &after.ship_to);
        for (before, after) in before.lines.iter().zip(&after.lines) {
            prop_assert_eq!((before.quantity, &before.unit, before.price), (after.quantity, &after.unit, after.price));
            for item in &before.items {
                prop_assert!(after.items.contains(item), "{:?} lacks {:?}", after.items, item);
            }
            prop_assert!(after.items.iter().all(|i| i.kind.as_deref() != Some("sku")));
        }
    }

    /// Without cross-references, and for documents that they do not speak of, nothing changes.
    #[test]
    fn nothing_to_translate_changes_nothing(quantity in 0u32..1000) {
        let mut document = order(json!({"lines": [{"quantity": quantity.to_string(), "unit": "EA"}]}));
        let before = document.clone();
        prop_assert!(Crosswalks::default().inbound(&mut document).is_empty());
        prop_assert!(crosswalks(&[(Kind::Terms, "ours,theirs\nA,B\n")]).outbound(&mut document).is_empty());
        prop_assert_eq!(document, before);
    }
}
