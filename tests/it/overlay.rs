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
    errors.iter().map(|e| format!("{e}\n")).collect()
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
            words += &format!(
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
fn the_weight_is_that_of_the_rule_and_a_999_tells_it_with_codes_of_its_own() {
    let body = ORDER.replace("REF*DP*12~", "");
    let advice = found("850", "require REF[DP] as advice", &body);
    assert_eq!(advice[0].severity, Severity::Advice);
    assert_eq!(Code::AgreedSegmentMissing.entry().segment_error, Some("I8"));
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
