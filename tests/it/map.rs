//! Maps: the language, reading and writing.

use std::sync::Arc;

use crossdock::canonical::{Document, schema};
use crossdock::findings::{Finding, Findings};
use crossdock::grammar::{Checker, Library as Grammars, Scratch, Tree, Walked};
use crossdock::map::{Library, Map, Reader, WriteOptions, Writer};
use crossdock::translate::document_of;
use crossdock::x12::{Delimiters, Event, Reader as X12Reader, Segments, Style};

/// Grammars, maps and checkers, made once.
pub struct Bench {
    pub grammars: Grammars,
    pub maps: Library,
}

impl Bench {
    pub fn new() -> Self {
        let grammars = Grammars::embedded();
        let maps = Library::embedded(&grammars, schema).unwrap_or_else(|errors| panic!("{errors}"));
        Self { grammars, maps }
    }

    pub fn checker(&self, set: &str, release: &str) -> Option<(Checker, Arc<Map>)> {
        let grammar = self.grammars.grammar(set, release)?;
        let map = self.maps.map(set, release)?;
        Some((Checker::new(Arc::clone(grammar)), Arc::clone(map)))
    }
}

/// A set that was read and written again.
pub struct Round {
    /// Findings of the check.
    pub checked: Vec<Finding>,
    /// Findings of reading.
    pub read: Vec<Finding>,
    /// The document, streamed.
    pub streamed: String,
    /// The document, by way of its type.
    pub typed: String,
    /// Findings of writing.
    pub written: Vec<Finding>,
    pub bytes: Vec<u8>,
}

/// Reads a set, and writes it again with the delimiters that it has.
pub fn round(checker: &Checker, map: &Map, segments: &Segments<'_>, suffix: &[u8]) -> Round {
    let (mut tree, mut found) = (Tree::default(), Findings::default());
    checker.check(segments, &mut Scratch::default(), &mut tree, &mut found);
    let walked = Walked { segments: *segments, tree: &tree, grammar: checker.grammar() };
    let mut reader = Reader::new();
    let reading = reader.read(&walked, map);
    let number = segments
        .get(0)
        .map(|s| String::from_utf8_lossy(s.element(2)).into_owned())
        .unwrap_or_default();
    let style =
        Style { delimiters: segments.delimiters(), suffix: suffix.to_vec(), ..Style::default() };
    let options = WriteOptions { control_number: &number, style: &style, hierarchy: None };
    let streamed = serde_json::to_string(&reading).unwrap();
    let mut json = Vec::new();
    reading.write_json(&mut json);
    assert_eq!(String::from_utf8(json).unwrap(), streamed);
    let document = document_of(&reading).unwrap();
    let mut bytes = Vec::new();
    let written =
        Writer::new().write(&document, map, checker.grammar(), &options, &mut bytes).unwrap();
    Round {
        checked: found.finish(),
        read: reading.findings().to_vec(),
        streamed,
        typed: serde_json::to_string(&document).unwrap(),
        written,
        bytes,
    }
}

/// The document that a set alone, ST to SE, is read as.
pub fn walk_and_read(checker: &Checker, map: &Map, set: &[u8], delimiters: Delimiters) -> String {
    let grammar = checker.grammar();
    let input = super::generate::interchange(set, &grammar.group, &grammar.release, delimiters);
    let mut reader = X12Reader::new(&input[..]);
    while let Some(event) = reader.next().unwrap() {
        if let Event::Set(set) = event {
            let (mut tree, mut found) = (Tree::default(), Findings::default());
            checker.check(&set.segments, &mut Scratch::default(), &mut tree, &mut found);
            let walked = Walked { segments: set.segments, tree: &tree, grammar };
            return serde_json::to_string(&Reader::new().read(&walked, map)).unwrap();
        }
    }
    panic!("no set in {}", String::from_utf8_lossy(&input));
}

/// Every set of an input that is ours.
pub fn each_set(bench: &Bench, input: &[u8], mut then: impl FnMut(&Checker, &Map, &Segments<'_>)) {
    let mut reader = X12Reader::new(input);
    let mut version = String::new();
    while let Some(event) = reader.next().unwrap() {
        match event {
            Event::Group(group) => version = group.version(),
            Event::Set(set) => {
                if let Some((checker, map)) = bench.checker(&set.id, &version) {
                    then(&checker, &map, &set.segments);
                }
            }
            _ => {}
        }
    }
}

/// The segments of a set with their terminators and nothing between them.
pub fn plain(segments: &Segments<'_>) -> Vec<u8> {
    let terminator = segments.delimiters().segment;
    segments.iter().flat_map(|s| s.raw().iter().copied().chain([terminator])).collect()
}

#[test]
fn the_embedded_maps_are_sound() {
    let bench = Bench::new();
    let names: Vec<String> =
        bench.maps.maps().map(|m| format!("{} {}", m.set(), m.release())).collect();
    assert_eq!(
        names,
        [
            "810 004010",
            "846 004010",
            "850 004010",
            "856 004010",
            "860 004010",
            "997 004010",
            "810 005010",
            "846 005010",
            "850 005010",
            "856 005010",
            "860 005010",
            "997 005010",
            "999 005010"
        ]
    );
}

#[test]
fn a_document_of_another_kind_is_refused() {
    let bench = Bench::new();
    let (checker, map) = bench.checker("856", "004010").unwrap();
    let style = Style::default();
    let options = WriteOptions { control_number: "0001", style: &style, hierarchy: None };
    let order = Document::Order(Box::default());
    let mut out = Vec::new();
    let error =
        Writer::new().write(&order, &map, checker.grammar(), &options, &mut out).unwrap_err();
    assert_eq!(error.to_string(), "this is no `shipment`, but of the kind `order`");
    assert!(out.is_empty());
}

#[test]
fn the_samples_come_back_as_they_were() {
    let Some(folder) = super::corpus::folder() else { return };
    let bench = Bench::new();
    let (mut sets, mut same) = (0, 0);
    for set in ["850", "856", "810", "846", "997", "999"] {
        for file in std::fs::read_dir(folder.join(set)).unwrap() {
            let file = file.unwrap().path();
            let bytes = std::fs::read(&file).unwrap();
            each_set(&bench, &bytes, |checker, map, segments| {
                let round = round(checker, map, segments, b"");
                assert_eq!(round.streamed, round.typed, "{}", file.display());
                sets += 1;
                let expected = plain(segments);
                if round.bytes == expected {
                    same += 1;
                } else {
                    println!("--- {}", file.display());
                    println!(
                        "{}\n{}",
                        String::from_utf8_lossy(&expected),
                        String::from_utf8_lossy(&round.bytes)
                    );
                    for f in round.checked.iter().chain(&round.read).chain(&round.written) {
                        println!("   {} {} {}", f.code, f.place.segment, f.message);
                    }
                    println!("{}", round.streamed);
                }
            });
        }
    }
    println!("{same} of {sets} sets come back as they were");
}
