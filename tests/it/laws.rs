//! The two laws of maps, for every map and release: a set that is read and written is the same set, and a document
//! that is written and read is the same document.

use std::sync::LazyLock;

use crossdock::canonical::{Document, read_xml, write_xml};
use crossdock::findings::{Code, Severity};
use crossdock::grammar::Checker;
use crossdock::map::{Map, WriteOptions, Writer};
use crossdock::x12::{Delimiters, Style};
use proptest::prelude::*;
use serde_json::Value;

use super::generate::{Choices, Maker, bytes, interchange};
use super::map::{Bench, each_set, plain, round, walk_and_read};

static BENCH: LazyLock<Bench> = LazyLock::new(Bench::new);

/// How many cases: `CROSSDOCK_CASES`, or few enough for every run.
fn cases() -> ProptestConfig {
    let named = std::env::var("CROSSDOCK_CASES").ok().and_then(|n| n.parse().ok());
    ProptestConfig {
        cases: named.unwrap_or(48),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn delimiters(release: &str, choice: u8) -> Delimiters {
    let (element, component, segment) =
        [(b'*', b'>', b'~'), (b'|', b':', b'\n'), (0x1D, b'<', 0x1C)][usize::from(choice) % 3];
    let repetition = (release == "005010").then_some(b'^');
    Delimiters { element, component, repetition, segment }
}

/// What law 2 says of the sets that a string of choices makes; whether a set was clean enough to say anything.
fn comes_back(
    set: &str,
    release: &str,
    choices: &[u8],
    delimiter: u8,
) -> Result<bool, TestCaseError> {
    let grammar = BENCH.grammars.grammar(set, release).unwrap();
    let delimiters = delimiters(release, delimiter);
    let mut source = Choices::new(choices);
    let made = Maker::new(grammar, &mut source, delimiters).set();
    let input = interchange(&bytes(&made, delimiters), &grammar.group, release, delimiters);
    let mut clean = false;
    let mut outcome = Ok(());
    each_set(&BENCH, &input, |checker, map, segments| {
        let round = round(checker, map, segments, b"");
        clean = round.checked.iter().all(|f| f.severity < Severity::Error);
        let same = || -> Result<(), TestCaseError> {
            prop_assert_eq!(&round.streamed, &round.typed);
            if clean {
                let (expected, got) = (plain(segments), round.bytes.clone());
                // A level that no field holds comes back all the same.
                prop_assert!(
                    round.read.iter().all(|f| f.code == Code::LevelUnknown),
                    "{:?}\n{}",
                    round.read,
                    String::from_utf8_lossy(&expected)
                );
                prop_assert!(
                    round.written.is_empty(),
                    "{:?}\n{}\n{}",
                    round.written,
                    String::from_utf8_lossy(&expected),
                    round.streamed
                );
                prop_assert_eq!(
                    String::from_utf8_lossy(&expected),
                    String::from_utf8_lossy(&got),
                    "{}",
                    round.streamed
                );
            }
            Ok(())
        };
        outcome = same().and_then(|()| documents_come_back(checker, map, &round.typed));
    });
    outcome.map(|()| clean)
}

/// Law 1, and the same for XML: a document in normal form, without anything unmapped, that is written and read.
fn documents_come_back(checker: &Checker, map: &Map, json: &str) -> Result<(), TestCaseError> {
    let document: Document = serde_json::from_str(json).unwrap();
    let mut xml = String::new();
    write_xml(&document, &mut xml).unwrap();
    let again = read_xml(&xml).map_err(|e| TestCaseError::fail(format!("{e}\n{xml}")))?;
    prop_assert_eq!(&again, &document, "{}", xml);
    let mut mapped: Value = serde_json::from_str(json).unwrap();
    without_unmapped(&mut mapped);
    let document: Document = serde_json::from_value(mapped.clone()).unwrap();
    let style = Style { delimiters: delimiters(map.release(), 0), ..Style::default() };
    let options = WriteOptions { control_number: "0001", style: &style, hierarchy: None };
    let mut bytes = Vec::new();
    let findings =
        Writer::new().write(&document, map, checker.grammar(), &options, &mut bytes).unwrap();
    // Data that holds a delimiter of this style cannot come back.
    if findings.iter().any(|f| f.code == Code::DelimiterInData) {
        return Ok(());
    }
    prop_assert!(findings.is_empty(), "{findings:?}\n{mapped}");
    let read = walk_and_read(checker, map, &bytes, style.delimiters);
    let read: Value = serde_json::from_str(&read).unwrap();
    prop_assert_eq!(read, mapped, "{}", String::from_utf8_lossy(&bytes));
    Ok(())
}

fn without_unmapped(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(without_unmapped),
        Value::Object(fields) => {
            fields.retain(|name, _| !name.ends_with("unmapped"));
            fields.values_mut().for_each(without_unmapped);
        }
        _ => {}
    }
}

macro_rules! laws {
    ($($name:ident $set:literal $release:literal)*) => {
        $(
            #[test]
            fn $name() {
                let mut runner = proptest::test_runner::TestRunner::new(cases());
                let strategy = (proptest::collection::vec(any::<u8>(), 0..4000), any::<u8>());
                let clean_of = std::cell::Cell::new((0, 0));
                let result = runner.run(&strategy, |(choices, delimiter)| {
                    let clean = comes_back($set, $release, &choices, delimiter)?;
                    let (c, a) = clean_of.get();
                    clean_of.set((c + u32::from(clean), a + 1));
                    Ok(())
                });
                let (clean, all) = clean_of.get();
                println!("{} {}: {clean} of {all} sets were clean", $set, $release);
                if let Err(error) = result {
                    panic!("{error}");
                }
                assert!(clean * 3 >= all, "only {clean} of {all} sets were clean");
            }
        )*
    };
}

laws! {
    orders_of_004010_come_back "850" "004010"
    orders_of_005010_come_back "850" "005010"
    changes_of_orders_of_004010_come_back "860" "004010"
    changes_of_orders_of_005010_come_back "860" "005010"
    ship_notices_of_004010_come_back "856" "004010"
    ship_notices_of_005010_come_back "856" "005010"
    invoices_of_004010_come_back "810" "004010"
    invoices_of_005010_come_back "810" "005010"
    inventories_of_004010_come_back "846" "004010"
    inventories_of_005010_come_back "846" "005010"
    acknowledgements_of_004010_come_back "997" "004010"
    acknowledgements_of_005010_come_back "997" "005010"
    implementation_acknowledgements_come_back "999" "005010"
}
