//! That the quick pass misses nothing: what it leaves to be judged is all that there is to be found.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::grammar::{Checker, Grammar, Library, Scratch as Walk, Tree};
use crate::overlay::{OverlaySource, parse_overlay};
use crate::x12::{Event, Limits, Reader};

/// Every kind of rule and condition, on few places, so that random sets meet them.
const ORDER_RULES: &[&str] = &[
    "require REF[DP]",
    "require REF[DP,IA]/02",
    "require N1[ST]/N301",
    "require N1[ST]/N104",
    "require PO1/PO106..PO109[UP]",
    "require N1/REF[DP]",
    "forbid SAC",
    "forbid PO1/SAC",
    "forbid PO1/PO105",
    "limit REF 1",
    "limit N1[ST] 1",
    "limit PO1/SAC 1",
    "length N1[ST]/N104 4/4",
    "type PO1/PO101 N0",
    "codes BEG01 00 05",
    "codes PO1/PO103 + ZZ as error",
    "codes REF01 DP",
    "when BEG02 = SA codes REF01 + QQ",
    "allow ZZZ",
    "allow REF[QQ]",
    "unique PO1/PO107",
    "unique PO1/REF/02 within PO1",
    "count CTT01 = PO1",
    "count PO1/PO101 = PO1/REF",
    "sum CTT02 = PO1/PO102",
    "sum CTT02 = PO1/PO102 * PO1/PO104 - PO1/SAC[C]/SAC05 scale 1",
    "sum CTT02 = PO1/PO102 * PO1/REF/02",
    "digits PO1/PO106..PO109[UP] upc",
    "when BEG02 = DS require N1[ST]/N301",
    "when BEG02 = SA DS and N1[BT] present forbid REF[IA]",
    "when PO1/PO103 = CA require PO1/REF",
    "when PO1/REF present forbid PO1/PO105",
    "when PO1/REF[DP]/02 = 1 and BEG02 = SA limit PO1/REF 1",
    "when PO1/REF absent codes PO1/PO103 CA",
    "when REF[DP]/02 = 1 require REF[DP]/03",
    "when BEG02 != SA unique PO1/PO101",
    "when PO1 absent require SAC",
    "when PO1/SAC/SAC01 = C length PO1/PO107 3/3",
    "codes PO1/PO102 10 5.0",
    "when PO1/PO102 = 5 require PO1/REF",
    "when CTT02 != 15.0 forbid PER",
    "length BEG03 1/2",
    "length PO1/PO103 1/2",
    "type PO1/PO102 N0",
    "type PO1/PO107 N0",
    "type REF/02 R",
    "codes N1/N104 92 0012 1",
    "digits PO1/PO107 upc",
    "require PO1/PO104",
    "require N1/02",
    "forbid REF[IA]/03",
    "forbid N1/N103",
];
const ORDER_SEGMENTS: &[&str] = &[
    "BEG*00*SA*1**20260102",
    "BEG*07*DS*1**20260102",
    "REF*DP*1",
    "REF*DP**x",
    "REF*DP* *  ",
    "REF*IA*2",
    "REF*QQ*2*x",
    "SAC*C*A010***100",
    "SAC*A*A010***50",
    "N1*ST*a*92*0012",
    "N1*ST*b",
    "N1*BT*c*92*1",
    "N3*street",
    "PO1*1*10*EA*2**UP*036000291452",
    "PO1*2*5*CA*1.5*PE*UP*1*VN*2",
    "PO1*1**ZZ**X*VN*2",
    "PO1*A*5*QQ***VN*3",
    "PO1*4*5.00*EA",
    "PER*IC*x",
    "CTT*2*15.00",
    "CTT*2*15",
    "CTT*1*10",
    "ZZZ*1",
];
const SHIPMENT_RULES: &[&str] = &[
    "require HL[P]/MAN[GM]",
    "require HL[P]",
    "unique HL[P]/MAN[GM]/MAN02",
    "unique HL[P]/MAN/02 within HL[P]",
    "digits HL[P]/MAN[GM]/MAN02 sscc",
    "count CTT01 = HL",
    "count CTT01 = HL[I]",
    "sum CTT02 = HL[I]/SN102",
    "sum HL[I]/SN102 = HL[I]/SLN/SLN04",
    "hierarchy shipment order pack item",
    "when HL[O]/PRF01 = 1 require HL[P]/MAN[GM]",
    "when HL[P]/MAN[CP] present limit HL[P]/MAN 1",
    "when HL[T] absent forbid HL[P]/REF",
    "limit HL[P]/N1[ST] 1",
];
const SHIPMENT_SEGMENTS: &[&str] = &[
    "BSN*00*1*20260102*1200",
    "HL*1**S",
    "HL*2*1*O",
    "HL*3*2*P",
    "HL*4*3*I",
    "HL*5*4*I",
    "HL*3*2*T",
    "HL*4*3*P",
    "PRF*1",
    "MAN*GM*006141411234567890",
    "MAN*GM*006141411234567906",
    "MAN*GM*00006141411234567890",
    "MAN*CP*1Z",
    "REF*BM*1",
    "N1*ST*x",
    "SN1**5*EA",
    "SLN*1**I*5*EA",
    "CTT*4*5",
];

/// Components, repetitions, dates, times, long lists of codes and long codes, whole loops.
const NEWER_RULES: &[&str] = &[
    "require MEA/MEA04.1",
    "require MEA[WT]/MEA04",
    "require MEA[04.1=LB]",
    "forbid MEA/MEA04.3",
    "forbid PO1/SLN/SLN05.2",
    "limit PO1/SLN 1",
    "length MEA/MEA04.1 2/2",
    "length MEA/03 1/3",
    "codes MEA/MEA04.1 LB KG",
    "codes PO1/SLN/SLN05.1 EA + CA",
    "type MEA/MEA04.2 N0",
    "type MEA/03 N2",
    "when MEA/MEA04.1 = LB require MEA/03",
    "when MEA[WT]/MEA04.1 != LB KG forbid CTT",
    "when MEA/MEA04.2 absent require DTM",
    "unique PO1/SLN/SLN05.1",
    "unique PO1/SLN/01 within PO1",
    "count CTT01 = PO1/SLN",
    "count CTT01 = MEA/MEA04.1",
    "sum CTT02 = PO1/SLN/04",
    "sum CTT02 = PO1/SLN/04 * PO1/PO102",
    "type BEG03 DT",
    "type BEG03 TM",
    "type REF/02 DT",
    "type REF/02 N2",
    "type REF/03 TM",
    "length DTM/02 6/6",
    "when DTM[002]/02 = 20260102 require DTM[010]",
    "when DTM/03 present forbid DTM/04",
    "codes REF01 DP IA QQ 11 12 17 1V 2I AAO BM CN CO",
    "codes BEG03 1 22 333 4444 55555 666666 7777777 88888888 999999999 PO-OF-MORE-THAN-EIGHT",
    "when BEG03 = 1 22 333 4444 55555 666666 7777777 88888888 999999999 require REF[BM]",
    "when BEG03 != PO-OF-MORE-THAN-EIGHT 1 forbid REF[CN]",
    "require REF[DP,IA,QQ,11,12,17,1V,2I,AAO,BM]/02",
    "require N1",
    "limit N1 1",
    "require N1[ST]",
    "forbid N1[BT]",
    "require N1/N3",
    "forbid N1/N3",
    "require PO1",
    "require PO1/SLN",
    "limit PO1 2",
    "forbid CTT",
    "when N1[ST] absent require PO1/SLN",
    "when N1 present require N1/02",
    "when PO1/SLN/SLN05.1 = EA require PO1/PO106..PO125[UP]",
    "digits PO1/PO106..PO125[UP] gtin",
    "length PO1/PO106..PO125[UP,VN] 1/8",
    "codes PO1/PO106..PO125[VN] 1 2 + 3",
    "forbid PO1/PO106..PO125[SK]",
    "when PO1/PO106..PO125[VN] = 2 require PO1/PO104",
];
const NEWER_SEGMENTS: &[&str] = &[
    "BEG*00*SA*1**20260102",
    "BEG*00*SA*20260102**20260102",
    "BEG*00*SA*PO-OF-MORE-THAN-EIGHT**20260102",
    "REF*DP*1",
    "REF*BM*20260102*1200",
    "REF*QQ**x*DP>1>IA>2",
    "DTM*002*20260102",
    "DTM*010*260102*1200*LT",
    "MEA*PD*WT*5*LB>2>1",
    "MEA*PD*WT*5.00*KG",
    "MEA*WT*G**LB>>1",
    "MEA*CT**3",
    "N1*ST*a*92*0012",
    "N1*BT*b",
    "N3*street",
    "PO1*1*10*EA*2**UP*036000291452*VN*2",
    "PO1*2*5*CA***VN*3*SK*1",
    "SLN*1**I*5*EA>1>2",
    "SLN*1**I*2*CA",
    "SLN*1^1**I*2*CA>1^EA",
    "MEA*PD*WT*5*LB>1^XX>2.0",
    "CTT*2*15",
];
/// What any element may be replaced by.
const VALUES: &[&str] = &[
    "",
    " ",
    "1",
    "1 ",
    "01",
    "5.0",
    "-5",
    "5.",
    ".",
    "DP",
    "dp",
    "ST",
    "P",
    "LB",
    "LB>2",
    ">",
    ">>1",
    "A>B>C>D",
    "A^B",
    "^",
    "1^1",
    "LB>1^KG>2",
    "LB>1^XX>X>1",
    "LB^LB ",
    "20260102",
    "20261301",
    "260102",
    "1200",
    "2560",
    "12000012",
    "999999999",
    "PO-OF-MORE-THAN-EIGHT",
    "036000291452",
    "036000291453",
    "00006141411234567890",
    "\u{1}",
    "é",
    "ST\t",
];

/// An element that gets another value: which, and what it gets.
type Change = Option<(usize, Index)>;

fn overlay(rules: &[&str], grammar: &Arc<Grammar>) -> Option<Overlay> {
    let text = format!("overlay x on {} {}\n{}\n", grammar.set, grammar.release, rules.join("\n"));
    let (source, errors): (OverlaySource, _) = parse_overlay("x", &text);
    assert!(errors.is_empty(), "{errors:?}");
    Overlay::compile(&[&source], grammar).ok()
}

/// An overlay of these rules, without those that contradict one before them.
fn overlay_of(rules: &[&str], grammar: &Arc<Grammar>) -> Overlay {
    overlay(rules, grammar).unwrap_or_else(|| {
        let mut kept: Vec<&str> = Vec::new();
        for &rule in rules {
            kept.push(rule);
            if overlay(&kept, grammar).is_none() {
                kept.pop();
            }
        }
        overlay(&kept, grammar).unwrap()
    })
}

/// What the quick pass leaves to be judged is all that there is to be found.
fn quick_is_full(overlay: &Overlay, checker: &Checker, segments: &[String]) {
    let grammar = checker.grammar();
    let (repetition, version) =
        if grammar.release == "004010" { ('U', "00401") } else { ('^', "00501") };
    let isa = format!(
        "ISA*00*          *00*          *ZZ*A              *ZZ*B              *260102*1200*{repetition}*{version}*000000001*0*T*>~GS*XX*A*B*20260102*1200*1*X*{}~",
        grammar.release
    );
    let text = format!("{isa}ST*{}*0001~{}~SE*1*0001~", grammar.set, segments.join("~"));
    let mut reader = Reader::of_slice(text.as_bytes(), Limits::default());
    let (mut tree, mut scratch) = (Tree::default(), Scratch::default());
    let mut sets = 0;
    while let Some(event) = reader.next().unwrap() {
        let Event::Set(set) = event else { continue };
        sets += 1;
        let mut base = Findings::default();
        checker.check(&set.segments, &mut Walk::default(), &mut tree, &mut base);
        let walked = Walked { segments: set.segments, tree: &tree, grammar };
        let mut quick = base.clone();
        overlay.check_with(&walked, &mut scratch, &mut quick);
        let (mut again, mut at_once) = (Tree::default(), Findings::default());
        let walk = (&mut Walk::default(), &mut again);
        overlay.walk(checker, &set.segments, walk, &mut scratch, &mut at_once);
        assert_eq!(at_once.as_slice(), quick.as_slice(), "{text}");
        let look = Look::new(&walked);
        allow::take_back(&overlay.rules, &look, &mut base);
        for rule in &overlay.rules {
            rules::judge(rule, &overlay.rules, &look, &mut base);
        }
        assert_eq!(quick.as_slice(), base.as_slice(), "{text}");
    }
    assert_eq!(sets, 1, "{text}");
}

/// 256 cases, or as many as `PROPTEST_CASES` says.
fn cases() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// Segments of a pool, with their changes.
fn segments() -> impl Strategy<Value = Vec<(Index, Change)>> {
    let change = proptest::option::weighted(0.3, (1..10_usize, any::<Index>()));
    proptest::collection::vec((any::<Index>(), change), 0..40)
}

/// Some of so many rules.
fn some_of(rules: usize) -> impl Strategy<Value = Vec<bool>> {
    proptest::collection::vec(any::<bool>(), rules)
}

fn changed(segment: &str, change: Change) -> String {
    let Some((at, to)) = change else { return segment.to_owned() };
    let mut elements: Vec<&str> = segment.split('*').collect();
    elements.resize(elements.len().max(at + 1), "");
    elements[at] = VALUES[to.index(VALUES.len())];
    elements.join("*")
}

fn judged(
    (set, release): (&str, &str),
    rules: &[String],
    chosen: &[bool],
    pool: &[&str],
    made: &[(Index, Change)],
) {
    let library = Library::embedded();
    let grammar = library.grammar(set, release).unwrap();
    let checker = Checker::new(Arc::clone(grammar));
    let chosen = rules.iter().zip(chosen).filter(|(_, chosen)| **chosen);
    let overlay = overlay_of(&chosen.map(|(rule, _)| rule.as_str()).collect::<Vec<_>>(), grammar);
    let segments: Vec<String> =
        made.iter().map(|(at, change)| changed(pool[at.index(pool.len())], *change)).collect();
    quick_is_full(&overlay, &checker, &segments);
}

fn lines(rules: &[&str]) -> Vec<String> {
    rules.iter().map(|rule| (*rule).to_owned()).collect()
}

/// Facts of more than one word in the set, and in a loop.
fn many() -> Vec<String> {
    let codes = ('A'..='D').flat_map(|a| ('A'..='T').map(move |b| format!("{a}{b}")));
    let rules = codes.flat_map(|code| {
        let both = format!("when REF[{code}] present require PO1/REF[{code}]");
        [format!("require REF[{code}]/02"), format!("require PO1/REF[{code}]/02"), both]
    });
    rules.chain(lines(&["require REF[IA]/02", "require PO1/REF[IA]", "forbid PO1/PO105"])).collect()
}

#[test]
fn there_are_many() {
    let library = Library::embedded();
    let rules = many();
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let overlay = overlay(&rules, library.grammar("850", "004010").unwrap()).unwrap();
    assert_eq!(overlay.rules().count(), 243);
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_quick_pass_misses_nothing_of_orders(
        chosen in some_of(ORDER_RULES.len()),
        made in segments(),
    ) {
        judged(("850", "004010"), &lines(ORDER_RULES), &chosen, ORDER_SEGMENTS, &made);
    }

    #[test]
    fn the_quick_pass_misses_nothing_of_newer_orders(
        chosen in some_of(NEWER_RULES.len()),
        made in segments(),
    ) {
        judged(("850", "005010"), &lines(NEWER_RULES), &chosen, NEWER_SEGMENTS, &made);
    }

    #[test]
    fn the_quick_pass_misses_nothing_of_many_rules(
        chosen in proptest::collection::vec(proptest::bool::weighted(0.9), 243),
        made in segments(),
    ) {
        judged(("850", "004010"), &many(), &chosen, ORDER_SEGMENTS, &made);
    }

    #[test]
    fn the_quick_pass_misses_nothing_of_shipments(
        chosen in some_of(SHIPMENT_RULES.len()),
        made in segments(),
    ) {
        judged(("856", "004010"), &lines(SHIPMENT_RULES), &chosen, SHIPMENT_SEGMENTS, &made);
    }
}
