//! Overlays: each kind of rule kept and broken, layers, faults of their files, and the quick pass against the full look.

use std::sync::{Arc, LazyLock};

use crossdock::findings::{Code, Finding, Severity};
use crossdock::grammar::{Grammar, LineError};
use crossdock::overlay::{Direction, Overlay, OverlaySource, parse_overlay};
use crossdock::translate::{Engine, Options, Overlays, Session, Step};

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::embedded);

#[derive(Debug)]
struct One(Overlay);

impl Overlays for One {
    fn overlay(&self, _: &str, _: &str, _: Direction) -> Option<&Overlay> {
        Some(&self.0)
    }
}

fn grammar(set: &str) -> &'static Arc<Grammar> {
    ENGINE.grammars().grammar(set, "004010").expect("it is embedded")
}

/// An overlay file for a set with these lines.
fn source(name: &str, set: &str, lines: &str) -> OverlaySource {
    let text = format!("overlay {name} on {set} 004010\nsource \"Guide 3.1, p. 12\"\n{lines}\n");
    let (source, errors) = parse_overlay(&format!("{name}.overlay"), &text);
    assert!(errors.is_empty(), "{errors:?}\n{text}");
    source
}

fn overlay(set: &str, lines: &str) -> Overlay {
    let source = source("partner", set, lines);
    match Overlay::compile(&[&source], grammar(set)) {
        Ok(overlay) => overlay,
        Err(errors) => panic!("{}", shown(&errors)),
    }
}

fn shown(errors: &[LineError]) -> String {
    errors.iter().flat_map(|e| [e.to_string(), "\n".to_owned()]).collect()
}

/// A set of these segments, in an interchange.
fn interchange(set: &str, body: &str) -> String {
    let group = &grammar(set).group;
    let count = body.matches('~').count() + 2;
    let isa = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260102*1200*U*00401*000000007*0*T*>~";
    format!(
        "{isa}GS*{group}*SENDER*RECEIVER*20260102*1200*7*X*004010~ST*{set}*0001~{body}SE*{count}*0001~GE*1*7~IEA*1*000000007~"
    )
}

fn findings(overlays: Option<&dyn Overlays>, input: &str) -> Vec<Finding> {
    let options = Options { overlays, ..Options::default() };
    let mut session = Session::of_slice(&ENGINE, input.as_bytes(), options);
    let mut all = Vec::new();
    while let Some(step) = session.next().unwrap() {
        if let Step::Set(set) = step {
            all.extend(set.findings);
        }
    }
    all
}

/// What the overlay finds in a set of these segments.
fn found(set: &str, lines: &str, body: &str) -> Vec<Finding> {
    findings(Some(&One(overlay(set, lines))), &interchange(set, body))
}

fn agreed(finding: &Finding) -> bool {
    finding.code.entry().id.starts_with('R')
}

const ORDER: &str = "BEG*00*SA*PO-1**20260102~REF*DP*12~N1*ST*Store*92*0012~N3*1 Main~N4*Town*OH*44101~\
                     PO1*1*10*EA*5.25**UP*036000291452*VN*ABC~PO4*6~PO1*2*5*EA*1**UP*042100005264~CTT*2*15~";
const SHIPMENT: &str = "BSN*00*S-1*20260102*1200~HL*1**S~TD1*CTN*2~HL*2*1*O~PRF*PO-1~HL*3*2*P~MAN*GM*006141411234567890~\
                        HL*4*3*I~LIN**UP*036000291452~SN1**6*EA~HL*5*2*P~MAN*GM*006141411234567906~HL*6*5*I~\
                        LIN**UP*036000291452~SN1**4*EA~CTT*6~";
const INVOICE: &str = "BIG*20260102*INV-1**PO-1~IT1*1*10*EA*9.995**UP*036000291452~IT1*2*3*EA*3.335**VN*X~\
                       TDS*11596~SAC*C*D240***600~CTT*2~";

/// Set, lines of the overlay, what is done to the good set to break it, and the code that it then has.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str);

const CASES: &[Case] = &[
    ("850", "require REF[DP] \"It is how they route\"", "REF*DP*12~", "", "agreed-segment-missing"),
    ("850", "require N1[ST]", "N1*ST*", "N1*BY*", "agreed-loop-missing"),
    ("850", "require N1[ST]/N104", "*92*0012", "*92", "agreed-element-missing"),
    ("850", "require N1[ST]/N301", "N3*1 Main~", "", "agreed-segment-missing"),
    ("850", "require REF[DP]/02", "REF*DP*12~", "REF*DP**Twelve~", "agreed-element-missing"),
    ("850", "require PO1/PO106..PO125[UP]", "UP*042100005264", "VN*X", "agreed-element-missing"),
    ("850", "forbid SAC", "CTT*2", "SAC*C*D240***600~CTT*2", ""),
    ("850", "forbid PO1/SAC", "PO4*6~", "SAC*C*D240***600~", "agreed-segment-forbidden"),
    ("850", "forbid N1[SF]", "N1*ST*", "N1*SF*", "agreed-segment-forbidden"),
    ("850", "forbid PO1/PO105", "5.25**", "5.25*PE*", "agreed-element-forbidden"),
    ("850", "limit REF[DP] 1", "REF*DP*12~", "REF*DP*12~REF*DP*13~", "agreed-segment-limit"),
    ("850", "limit N1[ST] 1 as fatal", "N1*ST*", "N1*ST*A~N1*ST*", "agreed-loop-limit"),
    ("850", "length N1[ST]/N104 4/4", "*0012~", "*12~", "agreed-too-short"),
    ("850", "length N1[ST]/N104 4/4", "*0012~", "*000012~", "agreed-too-long"),
    ("850", "type PO1/PO101 N0", "PO1*1*", "PO1*1A*", "agreed-type"),
    ("850", "codes BEG01 00 05", "BEG*00*", "BEG*01*", "agreed-code"),
    ("850", "codes PO1/PO103 + ZZ as error", "10*EA", "10*QQ", "agreed-code"),
    ("856", "unique HL[P]/MAN[GM]/MAN02 \"No SSCC twice\"", "567906", "567890", "not-unique"),
    ("850", "count CTT01 = PO1", "CTT*2", "CTT*3", "count-disagrees"),
    ("856", "count CTT01 = HL", "CTT*6", "CTT*2", "count-disagrees"),
    ("850", "sum CTT02 = PO1/PO102", "CTT*2*15", "CTT*2*14", "sum-mismatch"),
    (
        "810",
        "sum TDS01 = IT1/IT102 * IT1/IT104 + SAC[C]/SAC05 - SAC[A]/SAC05 scale 2",
        "TDS*11596",
        "TDS*11696",
        "sum-mismatch",
    ),
    ("856", "digits HL[P]/MAN[GM]/MAN02 sscc", "567906", "567907", "check-digit"),
    ("850", "digits PO1/PO106..PO125[UP] upc", "036000291452", "36000291452", "check-digit"),
    ("856", "hierarchy shipment order pack item", "HL*6*5*I", "HL*6*2*I", "hierarchy-not-agreed"),
    ("856", "hierarchy shipment order pack item", "HL*6*5*I", "HL*6*5*T", "hierarchy-not-agreed"),
    (
        "850",
        "when BEG02 = DS require N1[ST]/N301 \"Drop-ship needs a street\"",
        "*SA*PO-1**20260102~REF*DP*12~N1*ST*Store*92*0012~N3*1 Main~",
        "*DS*PO-1**20260102~N1*ST*Store*92*0012~",
        "agreed-segment-missing",
    ),
    ("850", "when BEG02 = DS and N1[BT] present forbid N1[ST]", "REF*DP", "N1*BT*B~REF*DP", ""),
    (
        "850",
        "when BEG02 = SA and N1[BT] present forbid N1[ST]",
        "PO1*1*",
        "N1*BT*B~PO1*1*",
        "agreed-segment-forbidden",
    ),
    (
        "850",
        "when DTM[010] absent require DTM[002]",
        "N1*ST",
        "DTM*001*20260102~N1*ST",
        "agreed-segment-missing",
    ),
    (
        "850",
        "when PO1/PO103 = CA require PO1/PO4",
        "PO1*2*5*EA",
        "PO1*2*5*CA",
        "agreed-segment-missing",
    ),
    (
        "850",
        "when PO1/PO4 present forbid PO1/PO105",
        "PO1*1*10*EA*5.25*",
        "PO1*1*10*EA*5.25*PE",
        "agreed-element-forbidden",
    ),
    (
        "850",
        "when REF[DP]/02 = 99 require REF[DP]/03",
        "REF*DP*12~",
        "REF*DP*99~",
        "agreed-element-missing",
    ),
    (
        "850",
        "when BEG02 != DS length PO1/PO107 12/12",
        "UP*036000291452",
        "UP*36000291452",
        "agreed-too-short",
    ),
];

fn good(set: &str) -> &'static str {
    match set {
        "850" => ORDER,
        "856" => SHIPMENT,
        _ => INVOICE,
    }
}

#[test]
fn each_rule_is_kept_by_the_good_set_and_told_of_the_bad_one() {
    let mut words = String::new();
    for &(set, lines, from, to, code) in CASES {
        let good = good(set);
        if !lines.contains("absent require") {
            let kept = found(set, lines, good);
            assert!(!kept.iter().any(agreed), "{lines}: {kept:#?}");
        }
        let bad = good.replacen(from, to, 1);
        assert_ne!(good, bad, "{lines}");
        let broken: Vec<Finding> = found(set, lines, &bad).into_iter().filter(agreed).collect();
        let names: Vec<&str> = broken.iter().map(|f| f.code.entry().name).collect();
        let expected: Vec<&str> = Some(code).filter(|c| !c.is_empty()).into_iter().collect();
        assert_eq!(names, expected, "{lines}\n{bad}\n{broken:#?}");
        for finding in broken {
            let rule = finding.rule.expect("a rule");
            assert_eq!((&*rule.file, rule.line), ("partner.overlay", 3));
            let place = &finding.place;
            let said = format!(
                "{lines}\n  {} {:?} segment {} {} element {} loop {:?} {}+{}\n  {}\n  {}\n\n",
                finding.code,
                finding.severity,
                place.segment_position,
                place.segment,
                place.element,
                place.loop_path,
                place.offset,
                place.length,
                finding.message,
                finding.mend
            );
            words.push_str(&said);
        }
    }
    insta::assert_snapshot!("overlay_findings", words);
}

#[test]
fn what_the_agreement_allows_is_taken_back() {
    let codes = |set: &str, lines: &str, body: &str| -> Vec<&'static str> {
        let overlay = One(overlay(set, lines));
        let all = findings(Some(&overlay), &interchange(set, body));
        all.iter().filter(|f| f.severity > Severity::Advice).map(|f| f.code.entry().name).collect()
    };
    let unlisted = ORDER.replace("REF*DP*12~", "REF*QQQ*12~");
    assert_eq!(codes("850", "limit REF 5", &unlisted), ["invalid-code"]);
    assert!(codes("850", "allow REF[QQQ]", &unlisted).is_empty());
    assert!(codes("850", "allow REF01", &unlisted).is_empty());
    assert!(codes("850", "codes REF01 + QQQ", &unlisted).is_empty());
    assert_eq!(codes("850", "codes REF01 + QQX", &unlisted), ["invalid-code"]);
    assert_eq!(codes("850", "codes REF01 DP", &unlisted), ["agreed-code"]);
    assert_eq!(codes("850", "when BEG01 = 05 allow REF[QQQ]", &unlisted), ["invalid-code"]);
    assert!(codes("850", "codes REF01 DP\ncodes REF01 + QQQ", &unlisted).is_empty());

    // Under a condition more is allowed than the line that names all codes has.
    let more = |condition: &str| format!("codes REF01 DP\nwhen {condition} codes REF01 + QQQ");
    assert!(codes("850", &more("N1[ST] present"), &unlisted).is_empty());
    assert!(codes("850", &more("REF/02 = 12"), &unlisted).is_empty());
    assert_eq!(codes("850", &more("N1[BT] present"), &unlisted), ["agreed-code"]);
    let listed = unlisted.replace("QQQ", "IA");
    let more = "codes REF01 DP\nwhen N1[ST] present codes REF01 + IA";
    assert!(codes("850", more, &listed).is_empty());

    // What weighs less than the finding of the grammar does not take its place, unless it names the code.
    let weighed = |rule: &str| {
        let all = findings(Some(&One(overlay("850", rule))), &interchange("850", &unlisted));
        all.into_iter().map(|f| f.code.entry().name).collect::<Vec<_>>()
    };
    assert_eq!(weighed("codes REF01 DP as advice"), ["invalid-code", "agreed-code"]);
    assert_eq!(weighed("codes REF01 DP as warning"), ["agreed-code"]);
    assert_eq!(weighed("codes REF01 + DPX as advice"), ["invalid-code", "agreed-code"]);
    assert!(weighed("codes REF01 DP QQQ as advice").is_empty());

    let unknown = ORDER.replace("CTT*2*15~", "ZZZ*1~CTT*2*15~");
    assert_eq!(codes("850", "limit REF 5", &unknown), ["segment-unrecognised"]);
    assert!(codes("850", "allow ZZZ", &unknown).is_empty());
    assert!(codes("850", "allow PO1/ZZZ", &unknown).is_empty());
    assert_eq!(codes("850", "allow N1/ZZZ", &unknown), ["segment-unrecognised"]);
    let late = ORDER.replace("REF*DP*12~", "").replace("N1*ST", "DTM*002*20260102~REF*DP*12~N1*ST");
    assert_eq!(codes("850", "limit REF 5", &late), ["segment-out-of-order"]);
    assert!(codes("850", "allow REF", &late).is_empty());
}

#[test]
fn blanks_are_no_value() {
    let told = |rule: &str, body: &str| -> Vec<&'static str> {
        let found = found("850", rule, body);
        found.iter().filter(|f| agreed(f)).map(|f| f.code.entry().name).collect()
    };
    let blank = ORDER.replace("REF*DP*12~", "REF*DP*42*  ~REF*IA*43* ~");
    assert_eq!(told("require REF[DP]/03", &blank), ["agreed-element-missing"]);
    assert_eq!(told("when REF[DP]/03 absent forbid PO1", &blank), ["agreed-segment-forbidden"; 2]);
    for rule in [
        "forbid REF/03",
        "when REF[DP]/03 present forbid PO1",
        "when REF[DP]/03 != X forbid PO1",
        "unique REF/03",
        "length REF/03 2/5",
        "codes REF/03 A",
        "type REF/03 N0",
    ] {
        assert!(told(rule, &blank).is_empty(), "{rule}");
    }
    let counted = ORDER.replace("PO1*2*5*EA*1**", "PO1*2*5* *1**").replace("CTT*2*15", "CTT*1*15");
    assert!(told("count CTT01 = PO1/PO103", &counted).is_empty());
    let pair = ORDER.replace("*VN*ABC", "*VN* ");
    assert_eq!(told("require PO1/PO106..PO125[VN]", &pair), ["agreed-element-missing"; 2]);
}

#[test]
fn qualifiers_are_a_set() {
    let layers = [source("base", "850", "limit N1[ST,BT] 3\nrequire PO1/PO106..PO109[UP,VN]")];
    let own = source("own", "850", "limit N1[BT,ST,BT] 2\nwaive require PO1/PO106..PO109[VN,UP]");
    let overlay = Overlay::compile(&[&layers[0], &own], grammar("850")).map_err(|e| shown(&e));
    assert_eq!(overlay.unwrap().rules().count(), 1);
    // The condition looks at the very loop of the rule.
    let body = ORDER.replace("~N3*1 Main", "~N1*BT*y*UL*0614141000013~N3*1 Main");
    let found = found("850", "when N1[BT,ST]/N103 = UL digits N1[ST,BT]/N104 gln", &body);
    let found: Vec<_> = found.iter().filter(|f| agreed(f)).collect();
    assert!(
        matches!(&found[..], [one] if one.value.as_deref() == Some("0614141000013")),
        "{found:#?}"
    );
}

#[test]
fn what_comes_twice_is_told_of_the_second() {
    let twice = |rule: &str, body: &str| -> Vec<(String, u16)> {
        let found = found("850", rule, body);
        let of = |f: &Finding| (f.message.clone(), f.place.element);
        found.iter().filter(|f| f.code == Code::NotUnique).map(of).collect()
    };
    let body = ORDER.replace("*VN*ABC", "*UP*036000291452");
    let found = twice("unique PO1/PO106..PO125[UP]", &body);
    let says = "PO109 \"Item number\" is \"036000291452\", which came before, in the same segment; each may come once.";
    assert_eq!(found, [(says.to_owned(), 9)]);
}

#[test]
fn repetitions_and_components_are_told_where_they_stand() {
    let told = |rule: &str, body: &str| -> Vec<(Option<String>, usize, u16)> {
        let text = format!("overlay x on 810 005010\nsource \"G\"\n{rule}\n");
        let (source, errors) = parse_overlay("x.overlay", &text);
        assert!(errors.is_empty(), "{errors:?}");
        let grammar = ENGINE.grammars().grammar("810", "005010").expect("it is embedded");
        let overlay = Overlay::compile(&[&source], grammar).map_err(|e| shown(&e)).unwrap();
        let input = interchange("810", body)
            .replace("*U*00401*", "*^*00501*")
            .replace("*X*004010~", "*X*005010~");
        let at = |f: &Finding| {
            let offset = usize::try_from(f.place.offset).unwrap() - input.find(body).unwrap();
            (f.value.clone(), offset, f.place.repetition)
        };
        let all = findings(Some(&One(overlay)), &input);
        all.iter().filter(|f| agreed(f)).map(at).collect()
    };
    let body = "BIG*20260302*INV1**PO1~N1*ST*A*92*01~DMG*****C~N1*BT*A*92*01~DMG*****E^7^C~IT1*1*10*EA*2**UP*036000291452~TDS*2000~CTT*1~";
    let second = body.rfind("C~IT1").unwrap();
    assert_eq!(told("unique N1/DMG/05.1", body), [(Some("C".to_owned()), second, 3)]);
    let body = "BIG*20260302*INV1**PO1~IT1*1*10*EA*2**UP*036000291452~MEA**WT*10*EA>1>2>EA~TDS*2000~CTT*1~";
    let second = body.rfind("EA~").unwrap();
    assert_eq!(told("codes IT1/MEA/04.4 CA", body), [(Some("EA".to_owned()), second, 0)]);
}

#[test]
fn the_weight_is_that_of_the_rule_and_a_999_tells_it_with_codes_of_its_own() {
    let body = ORDER.replace("REF*DP*12~", "");
    let advice = found("850", "require REF[DP] as advice", &body);
    assert_eq!(advice[0].severity, Severity::Advice);
    assert_eq!(Code::AgreedSegmentMissing.entry().segment_error, Some("I8"));
}

#[test]
fn what_holds_under_a_condition_has_codes_of_its_own() {
    let codes = |rule: &str, body: &str| {
        let found = found("850", rule, body);
        let own = found.into_iter().find(agreed).unwrap_or_else(|| panic!("{rule}"));
        (own.segment_error(), own.element_error())
    };
    let bare = ORDER.replace("REF*DP*12~", "");
    let more = ORDER.replace("5.25**", "5.25*PE*").replace("*92*0012", "*92");
    let more = more.replace("N1*ST", "SAC*C*D240***600~N1*ST");
    for (rule, plain, dependent) in [
        ("require REF[DP]", (Some("I8"), None), (Some("I6"), None)),
        ("require N1[BT]", (Some("I7"), None), (Some("I6"), None)),
        ("forbid SAC", (Some("I4"), None), (Some("I9"), None)),
        ("require N1[ST]/N104", (Some("8"), Some("1")), (Some("8"), Some("I9"))),
        ("forbid PO1/PO105", (Some("8"), Some("I10")), (Some("8"), Some("I13"))),
        ("codes BEG01 05", (Some("8"), Some("I6")), (Some("8"), Some("I6"))),
    ] {
        let body = if rule.contains("REF") { &bare } else { &more };
        assert_eq!(codes(rule, body), plain, "{rule}");
        assert_eq!(codes(&format!("when BEG02 = SA {rule}"), body), dependent, "{rule}");
    }
}

#[test]
fn later_layers_replace_add_and_take_back() {
    let base = source(
        "base",
        "850",
        "length N1[ST]/N104 4/4\nrequire REF[DP]\nforbid SAC\ncodes BEG01 00\nunique PO1/PO101",
    );
    let own = source(
        "own",
        "850",
        "length N1[ST]/N104 2/6 \"Their new numbers\"\nwaive require REF[DP]\nwaive forbid SAC\nrequire REF[IA]\ncodes BEG01 00 05",
    );
    let overlay = Overlay::compile(&[&base, &own], grammar("850")).map_err(|e| shown(&e)).unwrap();
    let rules: Vec<String> = overlay
        .rules()
        .map(|r| {
            let replaced = r.replaced().map(|l| format!(" instead of {}:{}", l.file, l.line));
            format!(
                "{} {} {} ({}:{}, layer {}{})",
                r.kind().word(),
                r.path(),
                r.what(),
                r.line().file,
                r.line().line,
                r.layer(),
                replaced.unwrap_or_default()
            )
        })
        .collect();
    insta::assert_snapshot!("overlay_layers", rules.join("\n"));
}

#[test]
fn a_rule_takes_the_place_of_the_same_one_however_it_is_spelt() {
    for (below, above) in [
        ("codes REF01 DP IA", "codes REF/01 DP"),
        ("length REF/02 1/5", "length REF02 1/4"),
        ("when BEG02 = SA NE require TD5", "when BEG02 = NE SA require TD5 as warning"),
        (
            "when BEG02 = SA and N1[BT] present forbid TD5",
            "when N1[BT] present and BEG02 = SA forbid TD5 as warning",
        ),
    ] {
        let layers = [source("base", "850", below), source("own", "850", above)];
        let overlay = Overlay::compile(&layers.each_ref(), grammar("850")).unwrap();
        let rules: Vec<_> = overlay.rules().collect();
        assert!(matches!(&*rules, [one] if one.replaced().is_some()), "{below}, {above}");
    }
}

#[test]
fn a_hierarchy_names_its_levels_for_the_writer() {
    let overlay =
        overlay("856", "hierarchy shipment order T pack item\nagainst order quantity as fatal");
    let levels: Vec<&str> = overlay.hierarchy().unwrap().iter().map(String::as_str).collect();
    assert_eq!(levels, ["shipment", "order", "tare", "pack", "item"]);
    assert_eq!(overlay.against().len(), 1);
    assert_eq!(overlay.against()[0].severity, Severity::Fatal);
}

#[test]
fn an_overlay_is_for_its_set_release_and_direction() {
    let (source, errors) = parse_overlay("x", "overlay a on 850 004010 005010 out\n");
    assert!(errors.is_empty());
    assert!(source.applies("850", "005010UCS", Direction::Out));
    assert!(!source.applies("850", "004010", Direction::In));
    assert!(!source.applies("855", "004010", Direction::Out));
    let errors = Overlay::compile(&[&source], grammar("856")).unwrap_err();
    assert!(errors[0].message.contains("not for set 856"), "{errors:?}");
    let known = [("850", "004010"), ("856", "005010")];
    assert_eq!(source.unknown_sets(known).len(), 1);
}

/// All that is wrong with a file, with what refuses it told apart from what merely never fires.
fn lint(set: &str, text: &str) -> String {
    let (source, mut errors) = parse_overlay("partner.overlay", text);
    let known: Vec<(&str, &str)> =
        ENGINE.grammars().sets().map(|g| (g.set.as_str(), g.release.as_str())).collect();
    errors.extend(source.unknown_sets(known));
    let mut warnings = Vec::new();
    if source.set() == set {
        match Overlay::compile(&[&source], grammar(set)) {
            Ok(overlay) => warnings = overlay.warnings().to_vec(),
            Err(more) => errors.extend(more),
        }
    }
    errors.sort();
    format!("refused:\n{}warned of:\n{}", shown(&errors), shown(&warnings))
}

#[test]
fn every_bad_line_is_told_in_one_run() {
    let text = r#"overlay Harbor on 850 04010
require
requre REF[DP]
require ref
require REF[DP
require N1[ST]/N104 "a" "b"
require REF[DP] as serious
forbid SAC because
limit REF 0
limit REF many
length N1/N104 6/4
length N1/N104 4
length N1 4/4
type PO1/PO101 NO
codes BEG01
codes BEG01 00 00
codes BEG01 + 00 as
count CTT01 HL
sum CTT02 = PO1/PO102 *
sum CTT02 = PO1 scale 99
digits PO1/PO107 ean
hierarchy shipment
against order
when BEG02 = DS
when BEG02 is DS require REF
when BEG02 = DS and require REF
when N1 = DS require REF
when BEG02 presnt require REF
when BEG02 = DS hierarchy a b
unique PO1/PO107 within
waive REF[DP]
waive require REF[DP] "no"
source
source "x
map department
overlay x on 850 004010
"loose text"
"#;
    insta::assert_snapshot!("overlay_bad_lines", lint("850", text));
    insta::assert_snapshot!(
        "overlay_bad_head",
        [
            "",
            "require REF",
            "overlya a on 850 004010",
            "overlay a 850",
            "overlay a on 850",
            "overlay a on 851 004010",
            "overlay a on 850 004020"
        ]
        .map(|text| lint("850", text))
        .join("\n")
    );
}

#[test]
fn what_the_grammar_lacks_refuses_an_overlay() {
    let text = r#"overlay partner on 850 004010
source "Guide"
require RFE[DP]
require PO4
require PO1/N1[ST]/REF[DP]/REF02/N1
require REF[DP]/N101
require REF/REF09
require BEG99
require N1/02.1
require PO1/PO107..PO125[UP]
require PO1/PO106..PO124[UP]
require REF#2
require 02
limit BEG02 3
length PO1/SLN/SLN05 1/2
unique PO1/PO107 within N1
sum CTT02 = PO1/PO102 * PO1/SAC/SAC05
hierarchy shipment order
against invoice quantity
against order amount
allow N1/PO1/ZZZ
waive require REF[DP]
when PO1/MEA/04 = EA require PO1/PER
require PO1/MEA[04=EA]
"#;
    insta::assert_snapshot!("overlay_unknown_places", lint("850", text));
    let text = "overlay partner on 856 004010\nhierarchy shipment oder pack items\n";
    insta::assert_snapshot!("overlay_unknown_levels", lint("856", text));
}

#[test]
fn contradictions_refuse_an_overlay() {
    let text = r#"overlay partner on 850 004010
source "Guide"
require REF[DP]
forbid REF[DP]
forbid N1[SF]
require N1[SF]/N301
codes BEG01 00
codes BEG01 05
length N1/N104 2/4
length N1/N104 2/5
limit REF 2
limit REF 3
when BEG01 = 00 forbid SAC
when BEG01 = 00 require SAC
when BEG01 = 00 forbid PER
when BEG01 = 05 require PER
require REF[IA]
forbid REF
when BEG02 = SA NE require TD5
when BEG02 = SA forbid TD5
when BEG02 = SA require CSH
when BEG02 != DS forbid CSH
when BEG02 = DS require ITD
when BEG01 = 00 forbid ITD
when FOB absent forbid DTM
when FOB/02 = 1 require DTM
when BEG02 = DS require SAC[C]
when BEG02 = KN forbid SAC
"#;
    insta::assert_snapshot!("overlay_contradictions", lint("850", text));
}

#[test]
fn levels_are_not_nested_in_paths() {
    let text = "overlay partner on 856 004010\nsource \"Guide\"\nrequire HL[T]/HL[P]\nrequire HL[T]/HL[P]/MAN[GM]\nrequire HL[P]/HL04\n";
    let told = lint("856", text);
    assert_eq!(told.matches("levels are not nested in paths").count(), 2, "{told}");
    assert!(told.contains("write `HL[P]`, or `hierarchy …`"), "{told}");
    assert!(told.contains("write `HL[P]/MAN[GM]`, or"), "{told}");
}

#[test]
fn numbers_are_compared_as_numbers() {
    let of = |lines: &str, body: &str| found("850", lines, body).iter().any(agreed);
    let body = good("850");
    for (lines, from, to, is_found) in [
        ("codes PO1/PO102 10 5", "PO1*2*5*", "PO1*2*5.0*", false),
        ("codes PO1/PO102 10 5", "PO1*2*5*", "PO1*2*5.1*", true),
        ("when PO1/PO104 = 0 require PO1/REF", "*EA*1**", "*EA*0.00**", true),
        ("when PO1/PO104 = 0 require PO1/REF", "*EA*1**", "*EA*1**", false),
        ("when CTT02 != 15.00 forbid REF", "CTT*2*15", "CTT*2*15", false),
    ] {
        let body = body.replace(from, to);
        assert_eq!(of(lines, &body), is_found, "{lines}: {body}");
    }
}

#[test]
fn an_sscc_with_its_identifier_is_the_same_sscc() {
    let body = good("856").replace("006141411234567906", "00006141411234567890");
    let unique = "unique HL[P]/MAN[GM]/MAN02";
    for (lines, is_found) in
        [(unique.to_owned(), false), (format!("{unique}\ndigits HL[P]/MAN[GM]/02 sscc"), true)]
    {
        let found = found("856", &lines, &body);
        assert_eq!(found.iter().any(|f| f.code == Code::NotUnique), is_found, "{lines}");
    }
}

#[test]
fn sums_heed_the_decimals_that_are_agreed() {
    let rules = "sum TDS01 = IT1/IT102 * IT1/IT104 scale 2\ntype IT1/IT104 N3\ntype TDS01 N0";
    let invoice = good("810").replace("9.995", "9995").replace("3.335", "3335");
    let invoice = invoice.replace("SAC*C*D240***600~", "");
    for (total, holds) in [("110", true), ("10996", false)] {
        let body = invoice.replace("TDS*11596", &format!("TDS*{total}"));
        let rules = rules.replace("scale 2", "scale 0");
        let found = found("810", &rules, &body);
        assert_eq!(!found.iter().any(agreed), holds, "{total}: {found:#?}");
    }
    let pointed = found("810", rules, &invoice.replace("9995", "9.995"));
    let codes: Vec<&str> = pointed.iter().map(|f| f.code.entry().name).collect();
    assert!(codes.contains(&"agreed-type"), "{codes:?}");
}

#[test]
fn agreed_decimals_hold_whatever_stands_beside_them() {
    for rule in ["when BEG02 = DS type PO1/PO104 N2", "type AMT[TT]/AMT02 N2"] {
        let told = lint("850", &format!("overlay x on 850 004010\nsource \"G\"\n{rule}\n"));
        assert!(told.contains("wherever it stands"), "{rule}: {told}");
    }
}

#[test]
fn rules_that_never_fire_are_warned_of() {
    let text = r#"overlay partner on 850 004010
require BEG
source "Guide"
require BEG03
require REF[DP]
require REF[DP]
limit PER 3
limit N1 500
length BEG03 1/22
length BEG03 0/30
length BEG04 31/40
length PO1/PO107 4/60
type BEG05 DT
type BEG03 AN
codes BEG01 0
codes BEG02 + SA
codes BEG03 + SA
allow BEG03
require N1[STO]
require N1[Q9Q]
require REF[QQQ]
when BEG02 = DSX require SAC
when BEG02 = QX require SAC
when BEG02 = SA and BEG02 = DS require SAC
when PER present and PER absent require SAC
when BEG absent require SAC
when PER present require PER
when PER absent require PER/03
forbid N1[SF]
limit N1[SF] 1
codes REF01 DP
allow REF[IA]
"#
    .replace("length BEG03 0/30\n", "");
    insta::assert_snapshot!("overlay_never_fires", lint("850", &text));
}

#[test]
fn rules_on_what_others_exclude_are_warned_of() {
    let orders = r#"overlay partner on 850 004010
source "Guide"
forbid BEG03
forbid PO1
when BEG02 = DS forbid BEG
codes BEG02 SA
codes BEG02 + OS
codes BEG01 + 05
allow REF[DP]
require REF[DP]
allow REF[QQQ]
require REF[QQQ]
"#;
    let notices = r#"overlay partner on 856 004010
source "Guide"
hierarchy shipment order pack item
require HL[T]/MAN[GM]
require HL[T]
require HL[P,T]/MAN[GM]
limit HL[P]/MAN[GM] 1
"#;
    let told = [lint("850", orders), lint("856", notices)].concat();
    insta::assert_snapshot!("overlay_excluded", told);
}

#[test]
fn rules_without_a_point_are_warned_of() {
    let orders = [
        ("unique BEG03", "comes once anyway"),
        ("unique PO1/PO107", ""),
        ("unique PO1/PO107 within PO1", "comes once anyway"),
        ("unique PO107", ""),
        ("unique N104", ""),
        ("unique PO1/SLN01 within PO1", ""),
        ("count REF[DP]/02 = REF[IA]", ""),
        ("count REF[DP]/02 = REF[IA,DP]", "would count what it stands in itself"),
        ("unique PO1/REF/02 within PO1", ""),
        ("unique PO1/PO106..PO111[UP] within PO1", ""),
        ("count CTT01 = CTT", "would count what it stands in itself"),
        ("count CTT01 = PO1", ""),
        ("sum CTT02 = CTT02", "would be a sum in which it stands itself"),
        ("sum CTT02 = PO1/PO102", ""),
        ("digits PO1/PO102 upc", "can never be a UPC of 12 digits: it is a quantity or an amount"),
        ("digits BEG05 gtin", "it is a date"),
        ("digits REF[DP]/01 sscc", "it has 2 to 3 characters"),
        ("digits PO1/PO107 upc", ""),
        ("digits N1[ST]/N104 gln", ""),
    ];
    for (rule, wanted) in orders {
        let told = lint("850", &format!("overlay x on 850 004010\nsource \"G\"\n{rule}\n"));
        if wanted.is_empty() {
            assert_eq!(told, "refused:\nwarned of:\n", "{rule}");
        } else {
            assert!(told.contains(wanted), "{rule}: {told}");
        }
    }
    let told = lint("856", "overlay x on 856 004010\nsource \"G\"\nunique HL[P]/MAN[GM]/02\n");
    assert_eq!(told, "refused:\nwarned of:\n");
}

#[test]
fn a_range_begins_with_a_qualifier() {
    for (path, position) in [
        ("PO1/PO107..PO124[UP]", "PO107"),
        ("PO1/PO105..PO106[PE]", "PO105"),
        ("PO1/PO101..PO104[1]", "PO101"),
        ("PO1/PO106..PO125[UP]", ""),
        ("PO1/PO108..PO109[VN]", ""),
        ("N1/N103..N104[92]", ""),
    ] {
        let told = lint("850", &format!("overlay x on 850 004010\nsource \"G\"\nrequire {path}\n"));
        let refused = told.contains(&format!("{position} is no qualifier with a value behind it"));
        assert_eq!(refused, !position.is_empty(), "{path}: {told}");
    }
}

#[test]
fn lines_for_the_map_lie_on_top_of_it() {
    use crossdock::map::{ExtraLine, Values, Variants};
    let overlay = overlay(
        "850",
        "map department REF[IA]/02\nmap in lines unit PO104\nmap in party name 04 \"Ours\"",
    );
    let lines: Vec<ExtraLine<'_>> = overlay.map_lines().collect();
    let mut variants = Variants::default();
    let map =
        variants.map(ENGINE.maps(), grammar("850"), &lines, &Values::default()).unwrap().unwrap();
    let again =
        variants.map(ENGINE.maps(), grammar("850"), &lines, &Values::default()).unwrap().unwrap();
    assert!(Arc::ptr_eq(&map, &again), "the same lines make one map");
    let input = interchange("850", &ORDER.replace("REF*DP*12~", "REF*IA*77~"));
    let mut session = Session::of_slice(&ENGINE, input.as_bytes(), Options::default());
    let mut read = false;
    while let Some(step) = session.next().unwrap() {
        let Step::Set(set) = step else { continue };
        let walked = set.walked.unwrap();
        let mut reader = crossdock::map::Reader::new();
        let order: crossdock::canonical::Order = reader.read(&walked, &map).to().unwrap();
        assert_eq!(order.department.as_deref(), Some("77"));
        assert_eq!(order.lines[0].unit.as_deref(), Some("5.25"));
        assert_eq!(order.lines[0].price, None);
        assert_eq!(order.ship_to.unwrap().name.as_deref(), Some("0012"));
        read = true;
    }
    assert!(read);

    let bad = overlay_lines(
        "map departmnt REF[IA]/02\nmap in lins number 01\nmap number QQ01\nmap kind BEG02 cod x\nmap in lines unit PO106",
    );
    let lines: Vec<ExtraLine<'_>> = bad.map_lines().collect();
    let errors: Vec<LineError> = lines
        .iter()
        .flat_map(|line| {
            ENGINE.maps().with_lines(grammar("850"), &[*line], &Values::default()).unwrap_err()
        })
        .collect();
    insta::assert_snapshot!("overlay_map_lines", shown(&errors));
}

fn overlay_lines(lines: &str) -> Overlay {
    overlay("850", lines)
}

#[test]
fn a_shipment_is_compared_with_its_order() {
    use crossdock::canonical::{Document, Order};
    use crossdock::translate::{Before, against};
    let overlay = overlay(
        "856",
        "against order quantity\nagainst order lines\nagainst order unit\nagainst order price",
    );
    let order: Order = serde_json::from_str(
        r#"{"number":"PO-1","lines":[
            {"number":"1","quantity":"10","unit":"each","price":"4.75","items":[{"kind":"upc","value":"111"}]},
            {"number":"2","quantity":"5","unit":"each","items":[{"kind":"upc","value":"222"}]},
            {"number":"3","quantity":"5","unit":"each","items":[{"kind":"upc","value":"222"}]}]}"#,
    )
    .unwrap();
    let shipment = |contents: &str| -> Document {
        serde_json::from_str(&format!(
            r#"{{"document":"shipment","number":"S","orders":[{{"number":"PO-1"}},{{"number":"PO-2"}}],"contents":[{contents}]}}"#
        ))
        .unwrap()
    };
    let row = |order: u32, item: &str, quantity: &str, unit: &str| {
        format!(
            r#"{{"order":{order},"items":[{{"kind":"upc","value":"{item}"}}],"quantity":"{quantity}","unit":"{unit}"}}"#
        )
    };
    let names = |document: &Document, before: &[&Document]| -> Vec<String> {
        let before = Before { same: before, ..Before::default() };
        let found = against(overlay.against(), document, before, &order);
        found
            .iter()
            .map(|f| {
                format!("{} {} {}", f.code.entry().name, f.field.as_deref().unwrap(), f.message)
            })
            .collect()
    };
    let good = shipment(
        &[row(1, "111", "10", "each"), row(1, "222", "10.0", "each"), row(2, "999", "5", "each")]
            .join(","),
    );
    assert!(names(&good, &[]).is_empty(), "{:?}", names(&good, &[]));
    let bad = shipment(
        &[
            row(1, "111", "6", "each"),
            row(1, "111", "5", "each"),
            row(1, "333", "1", "each"),
            row(1, "222", "50", "case"),
        ]
        .join(","),
    );
    let half = shipment(&row(1, "111", "6", "each"));
    let invoice: Document = serde_json::from_str(
        r#"{"document":"invoice","number":"I","order":"PO-1","lines":[{"number":"1","quantity":"1","price":"4.95"},{"number":"1","quantity":"1","price":"4.750"}]}"#,
    )
    .unwrap();
    let mut words = names(&bad, &[]);
    words.push(String::from("with an earlier one:"));
    words.extend(names(&half, &[&half]));
    words.push(String::from("an invoice:"));
    words.extend(names(&invoice, &[]));
    insta::assert_snapshot!("overlay_against", words.join("\n"));
}

#[test]
fn our_own_output_and_acknowledgements_heed_the_overlay() {
    use crossdock::acks::{AckKind, AckPolicy, ErrorsAs};
    use crossdock::translate::{answer_group, judge_under, receive_under};
    use crossdock::x12::{SetControlNumber, Style};
    let one = One(overlay(
        "850",
        "require REF[DP]\nforbid PO1/PO105\nlength N1[ST]/N104 4/4\nwhen BEG02 = SA require REF[IA]\n\
         when BEG02 = SA forbid PO1/PO4\nwhen BEG02 = SA require N1[ST]/N302",
    ));
    let body =
        ORDER.replace("REF*DP*12~", "").replace("5.25**", "5.25*PE*").replace("*0012~", "*12~");
    let input = interchange("850", &body);
    assert_eq!(
        judge_under(&ENGINE, input.as_bytes(), Some(&one)).iter().filter(|f| agreed(f)).count(),
        6
    );
    let options = Options { overlays: Some(&one), ..Options::default() };
    let received = receive_under(&ENGINE, input.as_bytes(), options, &|_| ErrorsAs::Accepted);
    let group = &received.interchanges[0].groups[0];
    assert!(group.sets[0].document.is_some());
    let mut answers = String::new();
    for kind in [AckKind::Functional, AckKind::Implementation] {
        let policy = AckPolicy { kind, ..AckPolicy::default() };
        let number = SetControlNumber("0001".to_owned());
        let answer = answer_group(&ENGINE, group, &policy, &Style::default(), &number).unwrap();
        answers += &String::from_utf8(answer.bytes).unwrap().replace('~', "~\n");
    }
    insta::assert_snapshot!("overlay_answers", answers);
}

fn fixture(set: &str) -> OverlaySource {
    let root = env!("CARGO_MANIFEST_DIR");
    let text = std::fs::read_to_string(format!("{root}/fixtures/overlay/{set}.overlay")).unwrap();
    let (source, errors) = parse_overlay(&format!("{set}.overlay"), &text);
    assert!(errors.is_empty(), "{}", shown(&errors));
    source
}

#[derive(Debug)]
struct All(Vec<Overlay>);

impl Overlays for All {
    fn overlay(&self, set: &str, version: &str, _: Direction) -> Option<&Overlay> {
        self.0.iter().find(|o| o.grammar().set == set && o.grammar().release == version)
    }
}

static FIXTURES: LazyLock<All> = LazyLock::new(|| {
    let mut all = Vec::new();
    for set in ["850", "856", "810"] {
        let source = fixture(set);
        for release in source.releases() {
            let grammar = ENGINE.grammars().grammar(set, release).unwrap();
            let overlay = Overlay::compile(&[&source], grammar).map_err(|e| shown(&e)).unwrap();
            assert_eq!(shown(overlay.warnings()), "");
            let lines: Vec<_> = overlay.map_lines().collect();
            ENGINE
                .maps()
                .with_lines(grammar, &lines, &crossdock::map::Values::default())
                .map_err(|e| shown(&e))
                .unwrap();
            all.push(overlay);
        }
    }
    All(all)
});

#[test]
fn the_overlays_of_the_fixtures_are_without_warnings() {
    assert_eq!(FIXTURES.0.len(), 6);
}

fn cases() -> proptest::prelude::ProptestConfig {
    let named = std::env::var("CROSSDOCK_CASES").ok().and_then(|n| n.parse().ok());
    proptest::prelude::ProptestConfig {
        cases: named.unwrap_or(32),
        failure_persistence: None,
        ..proptest::prelude::ProptestConfig::default()
    }
}

proptest::proptest! {
    #![proptest_config(cases())]

    #[test]
    fn whatever_a_grammar_allows_can_be_judged(
        which in 0..6_usize,
        choices in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..1500),
        cut in proptest::option::of(0..4000_usize),
    ) {
        use super::generate::{Choices, Maker, bytes, interchange};
        let grammar = FIXTURES.0[which].grammar();
        let delimiters = crossdock::x12::Delimiters::default();
        let mut source = Choices::new(&choices);
        let made = Maker::new(grammar, &mut source, delimiters).set();
        let mut input = interchange(&bytes(&made, delimiters), &grammar.group, &grammar.release, delimiters);
        // Whatever is lost on the way.
        if let Some(at) = cut.filter(|&at| at < input.len()) {
            input.drain(at..(at + 40).min(input.len()));
        }
        let options = Options { overlays: Some(&*FIXTURES), ..Options::default() };
        let mut session = Session::of_slice(&ENGINE, &input, options);
        while let Some(step) = session.next().unwrap() {
            let Step::Set(set) = step else { continue };
            for finding in &set.findings {
                let place = &finding.place;
                proptest::prop_assert!(place.offset + u64::from(place.length) <= input.len() as u64, "{finding:?}");
            }
        }
    }
}
