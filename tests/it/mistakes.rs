//! Mistakes that people make in profiles, seeded one at a time: each is found, where it stands, in words that help.

use std::fmt::Write as _;

use crossdock::grammar::SourceFile;
use crossdock::profile::{Problem, ProfileSource, Profiles};
use crossdock::translate::Engine;

const BASE: &str = "big-box/partner.toml";
const BASE_850: &str = "big-box/850.overlay";
const BASE_856: &str = "big-box/856.overlay";
const BRAND: &str = "north-loop/partner.toml";
const BRAND_850: &str = "north-loop/850.overlay";
const OTHER: &str = "harbor/partner.toml";

/// Profiles without a fault: a base, a partner that rests on it, and one that stands by itself.
const CLEAN: &[(&str, &str)] = &[
    (
        BASE,
        r#"base = true
source = "Routing guide 9, p. 1, 2026-01"

[envelope]
interchange_version = "00401"
release = "004010"
release_suffix = "VICS"
line_break = "lf"

[control_numbers]
interchange = { first = 1000, last = 999999 }

[duplicates]
interchange = "ignore"
days = 90

[acknowledgements]
kind = "997"
due = "12h"

[processing]
group = "split"

[documents.order]
direction = "in"
release = "004010"

[documents.shipment]
direction = "out"
hierarchy = ["shipment", "order", "pack", "item"]

[documents.invoice]
direction = "out"

[deadlines]
ship_notice = { after = "shipment", within = "24h" }
"#,
    ),
    (
        BASE_850,
        r#"overlay big-box on 850 004010
source "Routing guide 9, p. 12, 2026-01"

require  REF[DP]              "Department number is how they route"
require  N1[ST]/N104          "Store number"
length   N1[ST]/N104   4/4
codes    BEG01         00 05
limit    N1[ST]        1
when BEG02 = DS        require N1[ST]/N301   "Drop-ship needs a street"
"#,
    ),
    (
        BASE_856,
        r#"overlay big-box on 856 004010 out
source "Routing guide 9, p. 30, 2026-01"

require  HL[P]/MAN[GM]        "Every carton has its SSCC"
unique   HL[P]/MAN[GM]/MAN02
digits   HL[P]/MAN[GM]/MAN02  sscc
count    CTT01         = HL
"#,
    ),
    (
        BRAND,
        r#"extends = "big-box"
source = "Mail of 2026-03-01"
title = "North Loop"
endpoint = "warehouse"

[identity.production]
partner = { qualifier = "08", id = "6125550100" }
own = { qualifier = "ZZ", id = "NORTHDOCK3PL" }

[identity.test]
partner = { qualifier = "08", id = "6125550100T" }
own = { qualifier = "ZZ", id = "NORTHDOCK3PLT" }

[documents.invoice]
state = "shadow"
from = 2026-12-01
until = 2027-12-01

[mailbox]
folder = "mailboxes/north-loop"
poll_seconds = 60
"#,
    ),
    (
        BRAND_850,
        r#"overlay north-loop on 850 004010
source "Mail of 2026-03-01"

forbid   SAC                  "Charges belong on the invoice"
require  PO1/PO106..PO125[UP] "UPC on every line"
waive length N1[ST]/N104
"#,
    ),
    (
        OTHER,
        r#"source = "Guide 3.1, p. 2, 2026-02"
endpoint = "warehouse"

[identity.production]
partner = { qualifier = "01", id = "123456789" }
own = { qualifier = "ZZ", id = "NORTHDOCK3PL" }

[documents.order]
direction = "in"

[mailbox]
folder = "mailboxes/harbor"
"#,
    ),
];

/// What is done to a file: a text in it is replaced by another; with no text, the other is put at its end.
struct Mistake {
    name: &'static str,
    file: &'static str,
    find: &'static str,
    replace: &'static str,
}

const fn seeded(
    name: &'static str,
    file: &'static str,
    find: &'static str,
    replace: &'static str,
) -> Mistake {
    Mistake { name, file, find, replace }
}

const MISTAKES: &[Mistake] = &[
    // What is no TOML, or not the TOML that is wanted.
    seeded("quote that is not closed", BRAND, "\"North Loop\"", "\"North Loop"),
    seeded("key written twice", BRAND, "title = \"North Loop\"", "title = \"A\"\ntitle = \"B\""),
    seeded("unknown key at the top", BRAND, "endpoint =", "endpint ="),
    seeded("unknown section", BASE, "[processing]", "[procesing]"),
    seeded("unknown key in a section", BASE, "release_suffix", "release_sufix"),
    seeded("number where a text belongs", BASE, "\"12h\"", "12"),
    seeded("text where a flag belongs", BASE, "line_break = \"lf\"", "request_ta1 = \"yes\""),
    seeded("text where a table belongs", BRAND, "", "contacts = \"Ann\"\n"),
    seeded("word that is none of those that there are", BASE, "\"split\"", "\"splt\""),
    seeded("still to be filled in", BRAND, "\"6125550100\"", "\"TODO\""),
    // Who is who.
    seeded(
        "no identities at all",
        OTHER,
        "[identity.production]\npartner = { qualifier = \"01\", id = \"123456789\" }\nown = { qualifier = \"ZZ\", id = \"NORTHDOCK3PL\" }\n",
        "",
    ),
    seeded(
        "own identity missing",
        OTHER,
        "own = { qualifier = \"ZZ\", id = \"NORTHDOCK3PL\" }\n",
        "",
    ),
    seeded("identity too long", OTHER, "\"123456789\"", "\"1234567890123456\""),
    seeded("qualifier of one character", OTHER, "\"01\"", "\"1\""),
    seeded(
        "same identities as another partner",
        OTHER,
        "qualifier = \"01\", id = \"123456789\"",
        "qualifier = \"08\", id = \"6125550100\"",
    ),
    seeded(
        "further identities of another partner",
        OTHER,
        "\n[documents.order]",
        "also = [{ partner = { qualifier = \"08\", id = \"6125550100T\" }, own = { qualifier = \"ZZ\", id = \"NORTHDOCK3PLT\" } }]\n\n[documents.order]",
    ),
    seeded(
        "partner and own side alike",
        OTHER,
        "qualifier = \"01\", id = \"123456789\"",
        "qualifier = \"ZZ\", id = \"NORTHDOCK3PL\"",
    ),
    seeded("contact without a name", OTHER, "", "\n[[contacts]]\nemail = \"ann@example.com\"\n"),
    seeded(
        "e-mail address that is none",
        OTHER,
        "",
        "\n[[contacts]]\nname = \"Ann\"\nemail = \"ann.example.com\"\n",
    ),
    // Secrets.
    seeded(
        "password in plain text",
        BASE,
        "line_break = \"lf\"",
        "security = { qualifier = \"01\", information = \"s3cret\" }",
    ),
    seeded("password as a key of its own", BRAND, "poll_seconds = 60", "password = \"s3cret\""),
    seeded(
        "secret that refers to nothing",
        BASE,
        "line_break = \"lf\"",
        "security = { qualifier = \"01\", information = \"env:\" }",
    ),
    // The envelope.
    seeded(
        "separators that clash",
        BASE,
        "line_break = \"lf\"",
        "element_separator = \"|\"\ncomponent_separator = \"|\"",
    ),
    seeded("letter as separator", BASE, "line_break = \"lf\"", "segment_terminator = \"A\""),
    seeded(
        "two characters as separator",
        BASE,
        "line_break = \"lf\"",
        "segment_terminator = \"~~\"",
    ),
    seeded(
        "repetition separator without effect",
        BASE,
        "line_break = \"lf\"",
        "repetition_separator = \"!\"",
    ),
    seeded("ISA12 of six digits", BASE, "\"00401\"", "\"004010\""),
    seeded(
        "release that no grammar has",
        BASE,
        "release = \"004010\"\nrelease_suffix",
        "release = \"003050\"\nrelease_suffix",
    ),
    seeded("GS08 suffix too long", BASE, "\"VICS\"", "\"VICS-RETAIL\""),
    seeded(
        "delimiters replaced by nothing",
        BASE,
        "line_break = \"lf\"",
        "delimiter_in_data = \"replace\"",
    ),
    seeded(
        "envelope of a set that there is not",
        BASE,
        "[control_numbers]",
        "[envelope.sets.851]\nrelease_suffix = \"UCS\"\n\n[control_numbers]",
    ),
    // Numbers, durations, days.
    seeded(
        "range of numbers that is none",
        BASE,
        "first = 1000, last = 999999",
        "first = 1000, last = 10",
    ),
    seeded("control number of ten digits", BASE, "last = 999999 ", "last = 9999999999 "),
    seeded(
        "ST02 prefix that leaves no room",
        BASE,
        "[duplicates]",
        "set = { prefix = \"ABCDEFGHI\" }\n\n[duplicates]",
    ),
    seeded("duration without a unit", BASE, "\"12h\"", "\"12\""),
    seeded("duration of nothing", BASE, "\"12h\"", "\"0h\""),
    seeded("day that is not in the calendar", BRAND, "2026-12-01", "2026-02-30"),
    seeded("flow that ends before it begins", BRAND, "2027-12-01", "2026-11-01"),
    seeded("mailbox that is never looked into", BRAND, "poll_seconds = 60", "poll_seconds = 0"),
    seeded(
        "deadline shorter than the acknowledgement",
        BASE,
        "within = \"24h\"",
        "within = \"1h\"",
    ),
    seeded(
        "deadline after the document itself",
        BASE,
        "after = \"shipment\"",
        "after = \"ship-notice\"",
    ),
    seeded(
        "deadline for a document that does not flow",
        OTHER,
        "",
        "\n[deadlines]\ninvoice = { after = \"order\", within = \"48h\" }\n",
    ),
    // What flows.
    seeded("kind of document that there is not", OTHER, "[documents.order]", "[documents.oder]"),
    seeded("direction missing", OTHER, "direction = \"in\"\n", ""),
    seeded("direction that is none", OTHER, "\"in\"", "\"inbound\""),
    seeded(
        "set that no map makes this document of",
        BASE,
        "release = \"004010\"\n\n[documents.shipment]",
        "set = \"860\"\n\n[documents.shipment]",
    ),
    seeded("level that no map has", BASE, "\"pack\", \"item\"", "\"package\", \"item\""),
    seeded("level that stands twice", BASE, "\"pack\", \"item\"", "\"order\", \"item\""),
    seeded(
        "hierarchy of a document without levels",
        BASE,
        "[documents.invoice]\ndirection = \"out\"",
        "[documents.invoice]\ndirection = \"out\"\nhierarchy = [\"order\"]",
    ),
    seeded(
        "batch of none",
        BASE,
        "[documents.invoice]\ndirection = \"out\"",
        "[documents.invoice]\ndirection = \"out\"\nbatch = { sets = 0, every = \"15m\" }",
    ),
    seeded(
        "batch that never leaves",
        BASE,
        "[documents.invoice]\ndirection = \"out\"",
        "[documents.invoice]\ndirection = \"out\"\nbatch = { sets = 10 }",
    ),
    seeded(
        "batch of what comes in",
        OTHER,
        "direction = \"in\"",
        "direction = \"in\"\nbatch = { sets = 2, every = \"1h\" }",
    ),
    seeded("nothing flows at all", OTHER, "[documents.order]\ndirection = \"in\"\n", ""),
    // Chains and folders.
    seeded("chain that leads nowhere", BRAND, "\"big-box\"", "\"big-bix\""),
    seeded("profile that extends itself", BRAND, "\"big-box\"", "\"north-loop\""),
    seeded(
        "chain that goes in a circle",
        BASE,
        "base = true",
        "base = true\nextends = \"north-loop\"",
    ),
    seeded("folder without partner.toml", "empty/850.overlay", "", "overlay empty on 850 004010\n"),
    seeded("name with capitals", "Acme/partner.toml", "", "base = true\nsource = \"Guide\"\n"),
    seeded("section without a source", OTHER, "source = \"Guide 3.1, p. 2, 2026-02\"\n", ""),
    seeded("source that is no text", OTHER, "\"Guide 3.1, p. 2, 2026-02\"", "31"),
    // Overlays: what cannot be read.
    seeded("overlay without its first line", BRAND_850, "overlay north-loop on 850 004010\n", ""),
    seeded("overlay of another partner", BRAND_850, "overlay north-loop", "overlay big-box"),
    seeded("overlay of a set without a grammar", BRAND_850, "on 850", "on 851"),
    seeded("overlay of a release without a grammar", BRAND_850, "004010", "004010 003050"),
    seeded(
        "overlay of a document that does not flow",
        "harbor/810.overlay",
        "",
        "overlay harbor on 810 004010\nsource \"Guide 3.1\"\nrequire REF[DP]\n",
    ),
    seeded("rule that begins with no known word", BRAND_850, "forbid   SAC", "forbit   SAC"),
    seeded("segment that the set does not have", BRAND_850, "forbid   SAC", "forbid   SAX"),
    seeded("element that the segment does not have", BRAND_850, "forbid   SAC", "forbid   SAC99"),
    seeded(
        "path through a loop that is not there",
        BRAND_850,
        "forbid   SAC",
        "forbid   N1[ST]/PO1",
    ),
    seeded("qualifier that no list has", BRAND_850, "forbid   SAC", "require  REF[DPT]"),
    seeded("length the wrong way round", BASE_850, "4/4", "9/4"),
    seeded("length that the element never has", BASE_850, "4/4", "90/99"),
    seeded("limit of nothing", BASE_850, "limit    N1[ST]        1", "limit    N1[ST]        0"),
    seeded("code that is too long for its element", BASE_850, "00 05", "00 005"),
    seeded(
        "text that is not closed in a rule",
        BRAND_850,
        "\"UPC on every line\"",
        "\"UPC on every line",
    ),
    seeded("weight that is none", BRAND_850, "forbid   SAC", "forbid   SAC as fatl"),
    seeded("kind of check digit that there is not", BASE_856, "sscc", "ssc"),
    seeded(
        "sum of a product over two loops",
        BASE_850,
        "limit    N1[ST]        1",
        "sum CTT02 = N1/N104 * PO1/PO102",
    ),
    seeded(
        "level that the set does not have",
        BASE_856,
        "count ",
        "hierarchy shipment order carton item\ncount ",
    ),
    seeded(
        "levels otherwise than in partner.toml",
        BASE_856,
        "count ",
        "hierarchy shipment order item pack\ncount ",
    ),
    seeded(
        "comparison with a document that is none",
        BASE_856,
        "count ",
        "against invoice quantity\ncount ",
    ),
    seeded(
        "map line without a field",
        BRAND_850,
        "forbid   SAC ",
        "map      no_such_field REF[IA]/02\nforbid   SAC ",
    ),
    // Overlays: rules that clash, and rules that never fire.
    seeded("required and forbidden", BRAND_850, "forbid   SAC", "forbid   REF[DP]\nforbid   SAC"),
    seeded(
        "required inside what is forbidden",
        BRAND_850,
        "forbid   SAC",
        "forbid   N1\nforbid   SAC",
    ),
    seeded(
        "two lengths of one element",
        BASE_850,
        "codes    BEG01",
        "length   N1[ST]/N104   3/3\ncodes    BEG01",
    ),
    seeded(
        "required though it is mandatory",
        BRAND_850,
        "forbid   SAC",
        "require  BEG\nforbid   SAC",
    ),
    seeded(
        "limit above that of the standard",
        BASE_850,
        "limit    N1[ST]        1",
        "limit    PO1           999999",
    ),
    seeded("length that every value has", BASE_850, "4/4", "1/80"),
    seeded(
        "code that is in the list already",
        BRAND_850,
        "forbid   SAC",
        "codes    REF01 + DP\nforbid   SAC",
    ),
    seeded("condition on a code that can never be", BASE_850, "BEG02 = DS", "BEG02 = DSX"),
    seeded(
        "conditions that contradict each other",
        BASE_850,
        "BEG02 = DS ",
        "BEG02 = DS and BEG02 = SA ",
    ),
    seeded("condition that is always false", BASE_850, "BEG02 = DS ", "BEG02 absent "),
    seeded("rule on what is forbidden", BRAND_850, "waive", "limit    SAC 2\nwaive"),
    seeded("the same rule twice", BASE_850, "codes    BEG01", "require  REF[DP]\ncodes    BEG01"),
    seeded(
        "waived where nothing is",
        BRAND_850,
        "waive length N1[ST]/N104",
        "waive length N1[ST]/N103",
    ),
    seeded("rule without a source", BRAND_850, "source \"Mail of 2026-03-01\"\n", ""),
];

fn sources(mistake: Option<&Mistake>) -> Vec<ProfileSource> {
    let mut files: Vec<(String, String)> =
        CLEAN.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
    if let Some(Mistake { name, file, find, replace }) = mistake {
        match files.iter_mut().find(|(path, _)| path == file) {
            Some((_, text)) if find.is_empty() => {
                // At the top, so that the line is in no table, unless it opens one.
                *text = if replace.trim_start().starts_with('[') {
                    format!("{text}{replace}")
                } else {
                    format!("{replace}{text}")
                };
            }
            Some((_, text)) => {
                assert!(text.contains(find), "{name}: {file} has no {find:?}");
                *text = text.replacen(find, replace, 1);
            }
            None => files.push(((*file).to_owned(), (*replace).to_owned())),
        }
    }
    let mut sources: Vec<ProfileSource> = Vec::new();
    for (path, text) in files {
        let (folder, file) = path.split_once('/').unwrap();
        let file = SourceFile { path: file.into(), text };
        match sources.iter_mut().find(|source| source.name == folder) {
            Some(source) => source.files.push(file),
            None => sources.push(ProfileSource {
                name: folder.to_owned(),
                folder: folder.to_owned(),
                files: vec![file],
                to_extend: false,
            }),
        }
    }
    sources
}

fn problems(engine: &Engine, mistake: Option<&Mistake>) -> Vec<Problem> {
    Profiles::from_sources(&sources(mistake), engine.grammars(), engine.maps()).1
}

#[test]
fn each_seeded_mistake_is_found() {
    let engine = Engine::embedded();
    let clean: Vec<String> = problems(&engine, None).iter().map(ToString::to_string).collect();
    assert!(clean.is_empty(), "the profiles are clean before anything is seeded: {clean:#?}");
    assert!(MISTAKES.len() >= 60);
    let mut shown = String::new();
    let mut missed = Vec::new();
    for mistake in MISTAKES {
        let found = problems(&engine, Some(mistake));
        let folder = mistake.file.split('/').next().unwrap();
        if !found.iter().any(|problem| problem.file.starts_with(folder)) {
            missed.push(mistake.name);
        }
        let _ = writeln!(shown, "{}", mistake.name);
        for problem in found {
            let _ = writeln!(shown, "    {problem}");
        }
    }
    assert!(missed.is_empty(), "not found: {missed:#?}");
    insta::assert_snapshot!("mistakes", shown);
}
