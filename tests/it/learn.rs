//! What `partner learn` says of samples is true of them, and nothing else is said.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use crossdock::learn::{Confidence, Draft, Fact, Learner, Sample, Topic, is_rejected};
use crossdock::overlay::{Direction, Overlay, parse_overlay};
use crossdock::profile::{ProfileSource, Profiles};
use crossdock::translate::{Engine, Options, Session, Step};
use crossdock::x12::Delimiters;
use proptest::prelude::*;

use super::generate::{Choices, Maker, bytes, interchange};

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::embedded);

/// Hands on each set of a text by its grammar alone.
fn each_set(text: &[u8], take: &mut dyn FnMut(&crossdock::translate::CheckedSet<'_>)) {
    let mut session = Session::of_slice(&ENGINE, text, Options::default());
    while let Some(step) = session.next().unwrap() {
        if let Step::Set(set) = step {
            take(&set);
        }
    }
}

fn learn(texts: &[Vec<u8>]) -> Learner {
    let mut learner = Learner::new();
    for text in texts {
        let mut session = Session::of_slice(&ENGINE, text, Options::default());
        let mut around = None;
        while let Some(step) = session.next().unwrap() {
            match step {
                Step::Interchange { header, .. } => {
                    learner.interchange(header, "none", Direction::In);
                    around = Some(header.clone());
                }
                Step::Group { header, .. } => {
                    learner.group(around.as_ref().unwrap(), header, Direction::In);
                }
                Step::Set(set) => {
                    let Some(walked) = &set.walked else { continue };
                    let sample = Sample {
                        direction: Direction::In,
                        version: set.version,
                        number: &set.control_number.0,
                        kind: set.map.map(|m| m.document()),
                    };
                    let grammar = ENGINE.grammars().grammar(&set.id, set.version).unwrap();
                    learner.set(walked, grammar, sample, &set.findings);
                }
                _ => {}
            }
        }
    }
    learner
}

/// What the overlays of a draft find in the samples that it was learned from.
fn broken(draft: &Draft, texts: &[Vec<u8>]) -> Vec<String> {
    let mut found = Vec::new();
    for file in draft.files.iter().filter(|file| file.of.is_some()) {
        let (source, errors) = parse_overlay(&file.name, &file.text);
        assert!(errors.is_empty(), "{errors:?}\n{}", file.text);
        let (set, release, _) = file.of.as_ref().unwrap();
        let grammar = ENGINE.grammars().grammar(set, release).unwrap();
        let overlay = Overlay::compile(&[&source], grammar);
        let overlay = overlay.unwrap_or_else(|errors| panic!("{errors:?}\n{}", file.text));
        for text in texts {
            each_set(text, &mut |set| {
                let Some(walked) = set.walked.filter(|w| w.grammar.set == grammar.set) else {
                    return;
                };
                if is_rejected(&set.findings) {
                    return;
                }
                let mut findings = crossdock::findings::Findings::default();
                overlay.check(&walked, &mut findings);
                let lines = findings.as_slice().iter().map(|f| format!("{f:?}"));
                found.extend(lines);
            });
        }
    }
    found
}

/// A file of sets, each of segments without ST and SE.
fn file(set: &str, group: &str, bodies: &[Vec<String>]) -> Vec<u8> {
    let mut text = format!(
        "ISA*00*          *00*          *ZZ*THEM           *ZZ*US             *260203*1405*U*00401*000000007*0*P*>~\
         GS*{group}*THEM*US*20260203*1405*7*X*004010~"
    );
    for (number, body) in (1..).zip(bodies) {
        let segments = body.len() + 2;
        let _ = write!(text, "ST*{set}*{number:04}~{}~SE*{segments}*{number:04}~", body.join("~"));
    }
    let _ = write!(text, "GE*{}*7~IEA*1*000000007~", bodies.len());
    text.into_bytes()
}

fn facts(learner: &Learner, set: &str) -> Vec<Fact> {
    learner.facts(&(set.to_owned(), "004010".to_owned(), Direction::In))
}

fn fact<'f>(facts: &'f [Fact], rule: &str) -> &'f Fact {
    let all: Vec<&str> = facts.iter().map(|f| f.rule.as_str()).collect();
    let found = facts.iter().find(|f| f.rule == rule);
    found.unwrap_or_else(|| panic!("no {rule} in\n{}", all.join("\n")))
}

fn in_force(facts: &[Fact], rule: &str) -> bool {
    facts.iter().any(|f| f.rule == rule && f.active.is_some())
}

/// Orders of which this is true: REF DP of three characters, a ship-to with a number of four; a street and an `N9` for
/// drop-ship orders alone, which are every third; a code that no list has; UPCs with their check digit.
fn orders(count: usize) -> Vec<Vec<String>> {
    let upcs = ["036000291452", "012345678905", "614141123452"];
    let order = |n: usize| {
        let ds = n.is_multiple_of(3);
        let mut body = vec![
            format!("BEG*00*{}*PO{}**20260203", if ds { "DS" } else { "SA" }, 1000 + n),
            format!("REF*DP*{:03}", 100 + n),
            "REF*ACL*X".to_owned(),
        ];
        if n.is_multiple_of(2) {
            body.push(format!("REF*IA*{n}"));
        }
        if ds {
            body.push(format!("N9*L1*{n}*NOTE"));
        }
        body.push(format!("N1*ST*Place {n}*92*{:04}", 700 + n));
        if ds {
            body.push(format!("N3*{n} Street"));
        }
        for line in 1..=1 + n % 3 {
            body.push(format!("PO1*{line}*{}*EA*2.5**UP*{}*VN*A{n}", n + 1, upcs[line - 1]));
        }
        body.push(format!("CTT*{}", 1 + n % 3));
        body
    };
    (0..count).map(order).collect()
}

#[test]
fn what_is_known_of_orders_is_found() {
    let texts = vec![file("850", "PO", &orders(60))];
    let learner = learn(&texts);
    let facts = facts(&learner, "850");
    for rule in [
        "require REF[DP]",
        "require REF[ACL]",
        "require N1[ST]",
        "require N1[ST]/N104",
        "require PO1/PO106..PO125[UP]",
        "require PO1/PO106..PO125[VN]",
        "require CTT",
        "length REF[DP]/02 3/3",
        "length N1[ST]/N104 4/4",
        "codes REF/01 + ACL",
        "codes REF/01 ACL DP IA",
        "codes BEG02 DS SA",
        "count CTT01 = PO1",
        "unique PO1/PO101",
        "digits PO1/PO106..PO125[UP] upc",
        "when BEG02 = DS require N9[L1]",
        "when BEG02 = DS require N1[ST]/N3",
    ] {
        let fact = fact(&facts, rule);
        assert!(fact.active.is_some(), "{rule} is in force");
        assert!(fact.evidence.held > 0, "{rule}");
    }
    assert_eq!(fact(&facts, "require REF[DP]").evidence.to_string(), "in 60 of 60 documents");
    assert_eq!(fact(&facts, "require REF[DP]").confidence, Confidence::High);
    let conditional = fact(&facts, "when BEG02 = DS require N9[L1]");
    assert_eq!(conditional.evidence.to_string(), "in 20 of 20 with BEG02 = DS, 20 documents");
    assert_eq!(conditional.confidence, Confidence::Medium);
    let unused = fact(&facts, "forbid SAC");
    assert_eq!(
        (unused.evidence.to_string().as_str(), unused.active),
        ("in 0 of 60 documents", None)
    );
    assert_eq!(fact(&facts, "limit N1[ST] 1").active, None);
    let draft = learner.draft("them");
    assert_eq!(broken(&draft, &texts), Vec::<String>::new());
}

#[test]
fn nothing_false_is_claimed() {
    let learner = learn(&[file("850", "PO", &orders(60))]);
    let facts = facts(&learner, "850");
    for rule in [
        "require REF[IA]",
        "require N9[L1]",
        "require N1[ST]/N3",
        "require PO1/PO105",
        "when BEG02 = SA require REF[IA]",
        "when BEG02 = DS require REF[IA]",
        "sum CTT02 = PO1/PO102",
        "codes REF[DP]/02 100",
    ] {
        assert!(!in_force(&facts, rule), "{rule}");
    }
    let about = |topic, part: &str| facts.iter().any(|f| f.topic == topic && f.rule.contains(part));
    assert!(!about(Topic::Conditions, "REF[IA]"), "it depends on nothing");
    assert!(!about(Topic::Lengths, "REF[IA]"), "it has one or two characters");
    assert!(!about(Topic::Lengths, "PO101"), "line numbers have one digit while they are few");
    // Numbers that are counted up prove less than names.
    let some = self::facts(&learn(&[file("850", "PO", &orders(20))]), "850");
    assert!(in_force(&some, "length N1[ST]/N104 4/4"));
    assert!(!in_force(&some, "length REF[DP]/02 3/3"));
}

#[test]
fn few_documents_prove_little() {
    let three = facts(&learn(&[file("850", "PO", &orders(3))]), "850");
    let required = fact(&three, "require REF[DP]");
    assert_eq!(required.active, Some(crossdock::findings::Severity::Warning));
    assert_eq!(required.confidence, Confidence::Low);
    assert_eq!(fact(&three, "length REF[DP]/02 3/3").active, None);
    assert_eq!(fact(&three, "codes BEG01 00").active, None);
    let two = facts(&learn(&[file("850", "PO", &orders(2))]), "850");
    assert_eq!(fact(&two, "require REF[DP]").active, None);
    // What is allowed needs no proof: without it good documents would have findings.
    assert!(in_force(&two, "codes REF/01 + ACL"));
}

#[test]
fn a_document_counts_once_and_a_rejected_one_never() {
    let mut bodies = orders(4);
    bodies.extend(orders(4));
    bodies.push(vec!["REF*DP*1".to_owned()]);
    let learner = learn(&[file("850", "PO", &bodies)]);
    let counted = learner.counted().values().next().unwrap();
    assert_eq!((counted.learned, counted.repeated, counted.rejected), (4, 4, 1));
}

#[test]
fn what_a_kind_of_order_never_has_and_what_stands_in_composites_is_found() {
    let orders: Vec<Vec<String>> = (0..40)
        .map(|number| {
            let kind = if number % 2 == 0 { "DS" } else { "SA" };
            let mut order = vec![format!("BEG*00*{kind}*PO{number}**20260102")];
            if kind == "SA" {
                order.push("TD5**2*UPSN".to_owned());
            }
            order.push("PO1*1*10*EA*2.50**UP*036000291452".to_owned());
            order.push(format!("SLN*1**I*10*PC>1>{}>EA*1.5", number % 7));
            order.push("CTT*1".to_owned());
            order
        })
        .collect();
    let texts = [file("850", "PO", &orders)];
    let learner = learn(&texts);
    let facts = facts(&learner, "850");
    assert!(in_force(&facts, "when BEG02 = DS forbid TD5"));
    assert!(in_force(&facts, "when BEG02 = SA require TD5"));
    assert!(in_force(&facts, "require PO1/SLN/SLN05.2"));
    assert!(in_force(&facts, "codes PO1/SLN/SLN05.1 PC"));
    assert!(!facts.iter().any(|fact| fact.rule.starts_with("codes PO1/SLN/SLN05.2")));
    assert_eq!(broken(&learner.draft("them"), &texts), Vec::<String>::new());
}

fn notices(count: usize, by_level: bool) -> Vec<Vec<String>> {
    let sscc = ["006141411234567890", "006141411234567906", "006141411234567913"];
    let notice = |n: usize| {
        let mut body = vec![
            format!("BSN*00*SH{n}*20260203*1200"),
            "HL*1**S".to_owned(),
            format!("REF*BM*{n}"),
            "HL*2*1*O".to_owned(),
            format!("PRF*PO{n}"),
        ];
        let (mut level, packs) = (2, 1 + n % 3);
        for sscc in sscc.iter().take(packs) {
            let pack = level + 1;
            level += 2;
            body.push(format!("HL*{pack}*2*P"));
            body.push(format!("MAN*GM*{sscc}"));
            body.push(format!("HL*{level}*{pack}*I"));
            body.push("LIN**UP*036000291452".to_owned());
            body.push(format!("SN1**{}*EA", n + 1));
        }
        body.push(format!("CTT*{}", if by_level { level } else { packs }));
        body
    };
    (0..count).map(notice).collect()
}

/// What is commented out of a draft, as rules.
fn suggestions(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# ")) {
        let rule = line.split_once(" # ").map_or(line, |(rule, _)| rule).trim();
        let word = rule.split(' ').next().unwrap_or_default();
        let words =
            "when require forbid limit length codes allow unique count sum digits hierarchy";
        let is_rule = words.split(' ').any(|known| known == word);
        if is_rule && line.contains(" # ") {
            found.push(rule.to_owned());
        }
    }
    let never = text.split_once("# What is never there").map_or("", |(_, rest)| rest);
    let paths = never.lines().skip(1).filter_map(|line| line.strip_prefix('#'));
    for line in paths.filter(|line| !line.starts_with("     ")) {
        found.extend(line.split_whitespace().map(|path| format!("forbid {path}")));
    }
    found
}

#[test]
fn a_draft_says_nothing_that_cannot_be_said() {
    let odd = |_| {
        let body = [
            "BEG*00*abcd*450**20260302",
            "REF*as*42",
            "REF*DP*Main",
            "SAC*C*d240***500",
            "N1*ST*Store*92*0012",
            "N1*main*error*and*limit",
            "PO1*1*1*EA*2**UP*036000291452*when*X*sum*source",
            "CTT*1",
        ];
        body.map(str::to_owned).to_vec()
    };
    let mut bodies: Vec<Vec<String>> = (0..40).map(odd).collect();
    for (number, body) in bodies.iter_mut().enumerate() {
        body[0] = format!("BEG*00*{}*{number}**20260302", ["abcd", "limit", "SA"][number % 3]);
        if number % 3 == 1 {
            body.remove(3);
        }
    }
    let text = file("850", "PO", &bodies);
    let draft = learn(std::slice::from_ref(&text)).draft("partner");
    assert_eq!(broken(&draft, &[text]), Vec::<String>::new());
    let mut said = 0;
    for file in draft.files.iter().filter(|file| file.of.is_some()) {
        let grammar = ENGINE.grammars().grammar("850", "004010").unwrap();
        for rule in suggestions(&file.text) {
            let text = format!("overlay partner on 850 004010\n{rule}\n");
            let (source, errors) = parse_overlay(&file.name, &text);
            assert!(errors.is_empty(), "{rule}: {errors:?}");
            let overlay = Overlay::compile(&[&source], grammar);
            assert!(overlay.is_ok(), "{rule}: {:?}", overlay.err());
            said += 1;
        }
    }
    assert!(said > 20, "{said} suggestions");
}

#[test]
fn levels_numbers_and_sums_are_found() {
    let text = [file("856", "SH", &notices(12, true))];
    let learner = learn(&text);
    let found = facts(&learner, "856");
    for rule in [
        "hierarchy shipment order pack item",
        "count CTT01 = HL",
        "unique HL[P]/MAN[GM]/MAN02",
        "digits HL[P]/MAN[GM]/MAN02 sscc",
        "require HL[P]/MAN[GM]",
        "require HL[S]/REF[BM]",
        "length HL[P]/MAN[GM]/02 18/18",
    ] {
        assert!(in_force(&found, rule), "{rule}: {:?}", fact(&found, rule));
    }
    assert!(!in_force(&found, "count CTT01 = HL[I]"));
    assert_eq!(broken(&learner.draft("them"), &text), Vec::<String>::new());
    let by_line = facts(&learn(&[file("856", "SH", &notices(12, false))]), "856");
    assert!(in_force(&by_line, "count CTT01 = HL[I]") && !in_force(&by_line, "count CTT01 = HL"));
}

#[test]
fn totals_of_invoices_are_told_apart() {
    let invoice = |n: u32, charged: bool| {
        let (quantity, charge) = (n + 1, if charged { 150 } else { 0 });
        let mut body = vec![
            format!("BIG*20260203*INV{n}*20260201*PO{n}"),
            format!("IT1*1*{quantity}*EA*2.5**UP*036000291452"),
            format!("TDS*{}", 250 * quantity + charge),
        ];
        if charged {
            body.push(format!("SAC*C*D240***{charge}"));
        }
        body.push("CTT*1".to_owned());
        body
    };
    let lines = "sum TDS01 = IT1/IT102 * IT1/IT104 scale 2";
    let charges = "sum TDS01 = IT1/IT102 * IT1/IT104 + SAC[C]/SAC05 - SAC[A]/SAC05 scale 2";
    let some: Vec<_> = (0..12).map(|n| invoice(n, n.is_multiple_of(2))).collect();
    let found = facts(&learn(&[file("810", "IN", &some)]), "810");
    assert!(in_force(&found, charges) && !in_force(&found, lines));
    // Where no invoice has a charge both are true, and the simpler one is taken.
    let none: Vec<_> = (0..12).map(|n| invoice(n, false)).collect();
    let found = facts(&learn(&[file("810", "IN", &none)]), "810");
    assert!(in_force(&found, lines) && !in_force(&found, charges));
    assert!(!fact(&found, charges).remark.is_empty());
}

#[test]
fn several_orders_of_levels_are_told_and_none_is_in_force() {
    let mut bodies = notices(3, true);
    let body: Vec<String> =
        ["BSN*00*SHX*20260203*1200", "HL*1**S", "HL*2*1*O", "HL*3*2*I", "SN1**1*EA", "CTT*3"]
            .map(str::to_owned)
            .to_vec();
    bodies.push(body);
    let text = [file("856", "SH", &bodies)];
    let learner = learn(&text);
    let found = facts(&learner, "856");
    assert_eq!(
        fact(&found, "hierarchy shipment order item").evidence.to_string(),
        "in 1 of 4 documents"
    );
    assert!(found.iter().filter(|f| f.topic == Topic::Levels).all(|f| f.active.is_none()));
    assert_eq!(broken(&learner.draft("them"), &text), Vec::<String>::new());
}

#[test]
fn a_draft_is_a_profile() {
    let learner = learn(&[file("850", "PO", &orders(12)), file("856", "SH", &notices(12, true))]);
    let draft = learner.draft("them");
    let files = draft.files.iter().map(|file| crossdock::grammar::SourceFile {
        path: file.name.as_str().into(),
        // What only its author knows.
        text: file
            .text
            .replace("\"TODO: their guide, page, date\"", "\"Guide 1, p. 2, 2026-02\"")
            .replace("\"TODO\"", "\"warehouse\""),
    });
    let source = ProfileSource {
        name: "them".into(),
        folder: "them".into(),
        files: files.collect(),
        to_extend: false,
    };
    let (profiles, problems) = Profiles::from_sources(&[source], ENGINE.grammars(), ENGINE.maps());
    assert!(problems.iter().all(|p| !p.is_error()), "{problems:?}\n{}", draft.files[0].text);
    let partner = profiles.partner("them").unwrap();
    assert_eq!(partner.identity.production.main.partner.id, "THEM");
    let direction = crossdock::profile::Direction::In;
    assert!(partner.agreement(direction, "850", "004010").unwrap().overlay.is_some());
}

fn cases() -> ProptestConfig {
    let named = std::env::var("CROSSDOCK_CASES").ok().and_then(|n| n.parse().ok());
    ProptestConfig {
        cases: named.unwrap_or(32),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    /// Whatever the samples are, the draft that is learned from them finds nothing in them.
    #[test]
    fn samples_keep_to_the_draft(
        which in 0..7_usize,
        choices in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..600), 1..14),
    ) {
        let (set, release) = [
            ("850", "004010"), ("856", "004010"), ("810", "004010"),
            ("850", "005010"), ("856", "005010"), ("810", "005010"), ("846", "005010"),
        ][which];
        let grammar = ENGINE.grammars().grammar(set, release).unwrap();
        let repetition = (release == "005010").then_some(b'^');
        let delimiters = Delimiters { repetition, ..Delimiters::default() };
        let texts: Vec<Vec<u8>> = choices
            .iter()
            .map(|choices| {
                let mut source = Choices::new(choices);
                let made = Maker::new(grammar, &mut source, delimiters).set();
                interchange(&bytes(&made, delimiters), &grammar.group, release, delimiters)
            })
            .collect();
        let learner = learn(&texts);
        let draft = learner.draft("them");
        prop_assert_eq!(broken(&draft, &texts), Vec::<String>::new());
    }
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cli/onboarding")
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .args(["partner", "learn"])
        .args(arguments)
        .output()
        .unwrap()
}

fn said(output: &Output) -> (i32, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[test]
fn three_files_make_a_draft_which_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(samples()).unwrap().map(|e| e.unwrap()) {
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let (code, text) = said(&run(folder.path(), &["tidewater", "*.edi"]));
    assert_eq!(code, 0, "{text}");
    let read = |name: &str| {
        std::fs::read_to_string(folder.path().join("partner-profiles/tidewater").join(name))
            .unwrap()
    };
    let all = format!(
        "{text}\n==== partner.toml\n{}\n==== 850-in.overlay\n{}",
        read("partner.toml"),
        read("850-in.overlay")
    );
    insta::with_settings!({ snapshot_path => "snapshots/cli", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("partner_learn_three_orders", all);
    });
    let before = read("partner.toml");
    let (code, text) = said(&run(folder.path(), &["tidewater", "*.edi"]));
    assert_eq!(code, 2);
    assert!(text.contains("never written over"), "{text}");
    assert_eq!(read("partner.toml"), before);
}

#[test]
fn where_every_document_is_rejected_the_envelopes_are_learned() {
    let folder = tempfile::tempdir().unwrap();
    let bad = file("850", "PO", &[vec!["REF*DP*12".to_owned()], vec!["CTT*1".to_owned()]]);
    write(folder.path(), "bad.edi", &bad);
    let (code, text) = said(&run(folder.path(), &["them", "bad.edi"]));
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("2 documents left out") && text.contains("No rules were learned"),
        "{text}"
    );
    let draft = folder.path().join("partner-profiles/them");
    assert_eq!(std::fs::read_dir(&draft).unwrap().count(), 1);
    let text = std::fs::read_to_string(draft.join("partner.toml")).unwrap();
    for line in [
        "partner = { qualifier = \"ZZ\", id = \"THEM\" }",
        "release = \"004010\"",
        "[documents.order]",
    ] {
        assert!(text.lines().any(|told| told.starts_with(line)), "{line}\n{text}");
    }
}

#[test]
fn whether_accepted_sets_are_named_is_read_in_acknowledgements() {
    let named = "AK1*PO*1~AK2*850*0001~AK5*A~AK9*A*1*1*1";
    let silent = "AK1*PO*1~AK9*A*1*1*1";
    for (body, line) in [
        (
            named,
            "report_accepted = true                        # in 1 of 1 groups: theirs name accepted sets (low)",
        ),
        (
            silent,
            "report_accepted = false                       # in 1 of 1 groups: theirs name none that is accepted (low)",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let body: Vec<String> = body.split('~').map(str::to_owned).collect();
        write(folder.path(), "ack.edi", &file("997", "FA", &[body]));
        let (code, text) = said(&run(folder.path(), &["them", "ack.edi"]));
        assert!(code < 2, "{text}");
        let file = folder.path().join("partner-profiles/them/partner.toml");
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.lines().any(|told| told == line), "{line}\n{text}");
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(folder.join(name), bytes).unwrap();
}

#[test]
fn who_is_the_partner_is_asked_where_it_is_not_clear() {
    let folder = tempfile::tempdir().unwrap();
    let one = file("850", "PO", &orders(3));
    let other = String::from_utf8(one.clone()).unwrap().replace("THEM", "ELSE");
    std::fs::write(folder.path().join("a.edi"), &one).unwrap();
    std::fs::write(folder.path().join("b.edi"), other).unwrap();
    let (code, text) = said(&run(folder.path(), &["them", "a.edi", "b.edi"]));
    assert_eq!(code, 2);
    assert!(text.contains("--as") && text.contains("ZZ:ELSE → ZZ:US"), "{text}");
    assert!(!folder.path().join("partner-profiles").exists());
    let (code, text) = said(&run(folder.path(), &["them", "a.edi", "b.edi", "--as", "THEM"]));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("not of this partner"), "{text}");
    // The other side of the same file: what we send.
    let (code, text) = said(&run(folder.path(), &["us", "a.edi", "--as", "ZZ:US"]));
    assert_eq!(code, 0, "{text}");
    assert!(folder.path().join("partner-profiles/us/850-out.overlay").exists(), "{text}");
    let (code, text) = said(&run(folder.path(), &["none", "a.edi", "--as", "NOBODY"]));
    assert_eq!(code, 2);
    assert!(text.contains("neither sends nor receives"), "{text}");
}
