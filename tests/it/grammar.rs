//! The grammar language: what is embedded, what is wrong with bad files, and how a set is shown.

use std::sync::Arc;

use crossdock::grammar::lint::lint;
use crossdock::grammar::show::{self, ShowOptions};
use crossdock::grammar::{
    Area, ElementShape, Library, NodeId, NodeKind, Requirement, SourceFile, parse_file,
};
use crossdock::x12::Tag;
use proptest::prelude::*;

fn source(path: &str, text: &str) -> SourceFile {
    SourceFile { path: Arc::from(path), text: text.to_owned() }
}

fn errors(sources: &[SourceFile]) -> String {
    Library::from_sources(sources).map_or_else(|e| e.to_string(), |_| "no errors".to_owned())
}

/// ST, SE and N1 alone: enough of a dictionary for a small set.
const SMALL_DICTIONARY: &str = r#"dictionary release 004010
segment ST "Start"
  01 143 M ID 3/3 "Set"
segment N1 "Party"
  01 98 M ID 2/3 "Role"
segment N2 "Name"
  01 93 M AN 1/60 "Name"
segment SE "End"
  01 96 M N0 1/10 "Segments"
"#;

#[test]
fn the_embedded_grammars_are_all_there() {
    let library = Library::embedded();
    let sets: Vec<String> = library.sets().map(|g| format!("{} {}", g.release, g.set)).collect();
    let expected = [
        "004010 810",
        "004010 846",
        "004010 850",
        "004010 856",
        "004010 860",
        "004010 997",
        "005010 810",
        "005010 846",
        "005010 850",
        "005010 856",
        "005010 860",
        "005010 997",
        "005010 999",
    ];
    assert_eq!(sets, expected);
    for tag in ["ISA", "GS", "GE", "IEA", "TA1"] {
        assert!(library.envelope().segment(Tag::new(tag.as_bytes())).is_some(), "{tag}");
    }
}

#[test]
fn the_embedded_grammars_have_no_oddities() {
    let lint = lint(&Library::embedded_sources());
    let lines: Vec<String> =
        lint.errors.iter().chain(&lint.advice).map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn the_first_six_characters_of_gs08_choose_the_release() {
    let library = Library::embedded();
    let release = |gs08: &str| library.grammar("850", gs08).map(|g| g.release.clone());
    assert_eq!(release("004010VICS").as_deref(), Some("004010"));
    assert_eq!(release("005010X220").as_deref(), Some("005010"));
    assert_eq!(release("003040"), None);
    assert_eq!(release("00401é"), None);
    assert_eq!(release(""), None);
}

#[test]
fn places_are_numbered_and_named_by_their_loops() {
    let library = Library::embedded();
    let grammar = library.grammar("850", "004010").expect("embedded");
    let po1 = grammar.child(NodeId::ROOT, "PO1").expect("the lines");
    let node = grammar.node(po1);
    assert_eq!((node.kind, node.area), (NodeKind::Loop, Area::Detail));
    assert_eq!((node.requirement, node.max_use), (Requirement::Mandatory, Some(100_000)));
    let opening = grammar.node(node.children[0]);
    assert_eq!((opening.kind, opening.path.as_str()), (NodeKind::Segment, "PO1/PO1"));
    let sln = grammar.child(po1, "SLN").expect("sub-lines");
    let pid = grammar.child(sln, "PID").expect("descriptions");
    assert_eq!(grammar.node(pid).path, "PO1/SLN/PID");
    assert_eq!(grammar.node(pid).parent, sln);
    for (index, node) in grammar.nodes.iter().enumerate().skip(1) {
        assert!(node.parent.index() < index, "{} comes before its loop", node.path);
        assert!(!node.title.is_empty(), "{} has no title", node.path);
    }
    let hl = library.grammar("856", "004010").expect("embedded");
    let levels = hl.child(NodeId::ROOT, "HL").expect("levels");
    assert_eq!(
        hl.node(levels).nested.map(|n| (n.id, n.parent, n.level, n.child)),
        Some((1, 2, 3, 4))
    );
}

#[test]
fn a_second_place_of_the_same_name_is_numbered() {
    let set = "set 900 \"Test\" group TT release 004010\nheading\nST M 1\nN1 O 1\nN2 O 1\nN1 O 2\nSE M 1\n";
    let sources = [source("a.grammar", SMALL_DICTIONARY), source("b.grammar", set)];
    let library = Library::from_sources(&sources).expect("a good set");
    let grammar = library.grammar("900", "004010").expect("just read");
    assert!(grammar.child(NodeId::ROOT, "N1").is_some());
    let second = grammar.child(NodeId::ROOT, "N1#2").expect("the second N1");
    assert_eq!(grammar.node(second).max_use, Some(2));
}

#[test]
fn code_lists_are_shared_by_the_sets_of_a_release() {
    let library = Library::embedded();
    let list = |set: &str| {
        let grammar = library.grammar(set, "004010").expect("embedded");
        let found = grammar.codes.iter().find(|c| c.id == "355").expect("units");
        Arc::as_ptr(found)
    };
    assert_eq!(list("850"), list("810"));
}

#[test]
fn a_file_of_ones_own_replaces_the_embedded_one() {
    let mut sources = Library::embedded_sources();
    let set = "set 850 \"Ours\" group PO release 004010\nheading\n ST M 1\n BEG M 1\n SE M 1\n\
               segment BEG \"Our start\"\n 01 353 M ID 2/2 \"Our purpose\" codes own\n\
               codes own \"Ours\"\n 00 \"New\"\n";
    sources.push(source("004010/850.grammar", set));
    let library = Library::from_sources(&sources).expect("a good overlay");
    let grammar = library.grammar("850", "004010").expect("overlaid");
    assert_eq!((grammar.title.as_str(), grammar.nodes.len()), ("Ours", 4));
    let beg = grammar.segment_at(NodeId(2));
    assert_eq!((beg.title.as_str(), beg.elements.len()), ("Our start", 1));
    let ElementShape::Simple { codes: Some(codes), .. } = beg.elements[0].shape else {
        panic!("a code list of its own")
    };
    assert_eq!(grammar.code_list(codes).codes.len(), 1);
    let other = library.grammar("810", "004010").expect("untouched");
    assert_eq!(
        other.nodes.len(),
        Library::embedded().grammar("810", "004010").expect("same").nodes.len()
    );
}

#[test]
fn every_bad_line_of_a_set_is_reported_in_one_run() {
    let set = r#"# A set with a fault in nearly every line.
set 900 "Faulty" group TT release 004010
  N1   M  1
headng
heading
  ST   M  2
  N1   R  1
  N1   m  1
  N1   O  0
  N1   O  many
  N1   O  1  "not closed
  N1   O  1  ""
  N1   O  1  "odd \n escape"
  N1   O  1  "title" extra
  n1   O  1
  TOOLONG O 1
  N1
  ST   M  1
  NN1  O  1
  end N1
  loop N1  O  5  "Parties" nestd 01 02 03 04
    N2   M  1
    N1   M  1
  end N2
  loop N2  O  5
    N2   O  5
    loop N1  O  *
  end N2
  loop N1  O  *  nested 01 02 03 04
    N1  M  1
  end N1
  N2   O  1
  N2   O  1
  loop N1  O  1
detail
heading
  also N3
  note P 01 02
  01  143  M  ID  3/3  "Set"
  set 901 "Second" group TT release 004010
summary
segment N3 "Address"
  N1  O  1
  loop N1 O 1
"#;
    insta::assert_snapshot!(errors(&[
        source("small.grammar", SMALL_DICTIONARY),
        source("faulty.grammar", set)
    ]));
}

#[test]
fn every_bad_line_of_a_dictionary_is_reported_in_one_run() {
    let text = r#"dictionary release 004010
also N4 x9
segment P01x "Bad tag"
  01  350  O  AN  1/20  "Not looked at"
segment PO1
  01  350  O  AN  1/20  "Number"
  02  330  X  RR  1/15  "Quantity"
  03  355  O  id  2/2   "Unit"
  04  212  X  R   17/1  "Price"
  05  639  O  ID  2     "Basis"
  06  235  X  ID  2/2   codes 235
  07  234  X  AN  1/48  "Number" cods 235
  08  234  X  AN  1/48  "Number" codes 235 codes 236
  09  234  X  R   1/48  "Number" codes 235
  10  234  Q  AN  1/48  "Number"
  123 234  O  AN  1/48  "Number"
segment PO2 "Gaps and notes"
  01  350  O  AN  1/20  "Number"
  03  350  O  AN  1/20  "Number"
  03  350  O  AN  1/20  "Number"
  04  355  O  ID  2/2   "Unit"  codes 35
  05  C01  O  composite "Unit"
  06  C001 O  compsite  "Unit"
  note Z 01 03
  note P0103
  note p 01 03
  note P 01
  note P 01 01
segment PO3 "Note beyond the end"
  01  350  O  AN  1/20  "Number"
  note P 01 04
segment PO4 "Empty"
segment N4 "Also listed above"
  01  350  O  AN  1/20  "Number"  repeat 0
segment N4 "Twice"
  01  350  O  AN  1/20  "Number"
composite C001 "Unit"
  01  355  M  ID  2/2   "Unit"  codes 355
  02  C001 M  composite "Unit"
codes 355 "Units"
  EA "Each"
  CA
  also EA PL
  also Ü
codes 355 "Units again"
  EA "Each"
  LONGER-THAN-ANY-CODE-CAN-EVER-BE "Too long"
heading
  ST M 1
frobnicate
"an odd title"
"#;
    insta::assert_snapshot!(errors(&[source("dictionary.grammar", text)]));
}

#[test]
fn what_is_wrong_with_whole_files_is_reported() {
    let sources = [
        source("a-empty.grammar", "# nothing\n"),
        source("b-garbage.grammar", "\u{0}\u{1} garbage\nset 1 \"x\" group y release 004010\n"),
        source("c-misspelt.grammar", "dictonary release 004010\nsegment N1 \"x\"\n"),
        source("d-release.grammar", "dictionary release 4010\n"),
        source(
            "e-unknown.grammar",
            "set 900 \"x\" group TT release 005011\nheading\nST M 1\nSE M 1\n",
        ),
        source(
            "f-twice.grammar",
            "set 900 \"x\" group TT release 004010\nheading\nST M 1\nSE M 1\n",
        ),
        source(
            "g-twice.grammar",
            "set 900 \"x\" group TT release 004010\nheading\nST M 1\nSE M 1\n",
        ),
        source("h-bare.grammar", "set 901 \"x\" group TT release 004010\n"),
        source(
            "i-frame.grammar",
            "set 902 \"x\" group TT release 004010\nheading\nN1 M 1\nN2 O 1\n",
        ),
        source(
            "j-long.grammar",
            &format!("set 903 \"{}\" group TT release 004010\n", "x".repeat(5000)),
        ),
        source(
            "k-deep.grammar",
            &format!(
                "set 904 \"x\" group TT release 004010\nheading\nST M 1\n{}{}SE M 1\n",
                "loop N1 O 1\nN1 M 1\nN2 O 1\n".repeat(17),
                "end N1\n".repeat(17),
            ),
        ),
        source("small.grammar", SMALL_DICTIONARY),
    ];
    insta::assert_snapshot!(errors(&sources));
}

#[test]
fn a_file_full_of_faults_is_given_up() {
    let text = format!("dictionary release 004010\n{}", "nonsense here\n".repeat(100_000));
    let (_, errors) = parse_file("full.grammar", &text);
    assert_eq!(errors.len(), 500);
    let (_, errors) = parse_file("large.grammar", &" ".repeat(5 << 20));
    assert_eq!(errors.len(), 1);
}

#[test]
fn oddities_are_advice() {
    let text = r#"dictionary release 004010
segment N1 "Party"
  01  98  M  ID  2/3   "Role"
  02  93  X  AN  1/60  "Name"
  03  66  O  ID  1/2   "Kind"
  04  67  O  AN  1/80  "Number"
  note P 03 04
codes 355 "Units"
  EA "Each"
"#;
    let lint = lint(&[source("odd.grammar", text)]);
    assert!(lint.errors.is_empty());
    let lines: Vec<String> = lint.advice.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_set_is_shown_as_a_table() {
    let library = Library::embedded();
    let grammar = library.grammar("856", "004010").expect("embedded");
    insta::assert_snapshot!(show::set(grammar, &ShowOptions::default()));
}

#[test]
fn a_segment_is_shown_with_its_elements_and_notes() {
    let library = Library::embedded();
    let grammar = library.grammar("850", "004010").expect("embedded");
    let options = |segment: &str, codes| ShowOptions {
        segment: Some(segment.to_owned()),
        codes,
        ..ShowOptions::default()
    };
    insta::assert_snapshot!("segment-mea", show::set(grammar, &options("mea", false)));
    insta::assert_snapshot!("segment-td5", show::set(grammar, &options("TD5", true)));
    assert!(show::view(grammar, &options("ZZZ", false)).segments.is_empty());
}

#[test]
fn the_envelope_is_shown_like_any_dictionary() {
    let library = Library::embedded();
    let options = ShowOptions { codes: true, segment: Some("ISA".to_owned()), elements: false };
    insta::assert_snapshot!(show::dictionary(library.envelope(), &options));
}

#[test]
fn every_set_can_be_shown_in_full() {
    let options = ShowOptions { elements: true, codes: true, segment: None };
    for grammar in Library::embedded().sets() {
        let text = show::set(grammar, &options);
        for segment in &grammar.segments {
            assert!(
                text.contains(&format!("\n{} {}", segment.tag, segment.title)),
                "{}",
                segment.tag
            );
        }
        assert!(text.lines().all(|l| l.chars().count() <= 120), "a line is too wide");
    }
}

/// Words of the language in any order, which come further than arbitrary text does.
fn almost_a_grammar() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "set",
        "dictionary",
        "release",
        "group",
        "004010",
        "heading",
        "detail",
        "summary",
        "loop",
        "end",
        "segment",
        "composite",
        "codes",
        "also",
        "note",
        "nested",
        "repeat",
        "N1",
        "N2",
        "ST",
        "SE",
        "PO1",
        "C001",
        "355",
        "M",
        "O",
        "X",
        "*",
        "0",
        "1",
        "2",
        "01",
        "02",
        "99",
        "AN",
        "ID",
        "R",
        "N2",
        "1/2",
        "2/1",
        "\"title\"",
        "\"",
        "\\",
        "#",
        "P",
        "C",
        "\n",
        "\n",
        "\n",
        "\t",
        "é",
        "4294967296",
    ]);
    prop::collection::vec(word, 0..200).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn arbitrary_text_is_read_without_panic(text in ".{0,400}|(?s).{0,400}") {
        let (_, errors) = parse_file("any.grammar", &text);
        let library = Library::from_sources(&[source("any.grammar", &text)]);
        prop_assert!(errors.is_empty() || library.is_err());
    }

    #[test]
    fn almost_a_grammar_is_read_without_panic(text in almost_a_grammar()) {
        let start = ["set 900 \"x\" group TT release 004010\nheading\nST M 1\n", "dictionary release 004010\n"];
        for start in start {
            let sources =
                [source("small.grammar", SMALL_DICTIONARY), source("any.grammar", &format!("{start}{text}"))];
            if let Ok(library) = Library::from_sources(&sources) {
                for grammar in library.sets() {
                    let options = ShowOptions { elements: true, codes: true, segment: None };
                    prop_assert!(!show::set(grammar, &options).is_empty());
                }
            }
        }
    }
}
