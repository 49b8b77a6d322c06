//! The check of a set under an overlay: which rules are broken is found in one quick pass (`scan`); only those are
//! looked at again, and said in words.

mod allow;
mod levels;
mod look;
mod numbers;
mod rules;
mod words;

use std::sync::Arc;

use super::Overlay;
use super::plan::{Code, Condition, ConditionTest, Rule};
use super::scan::{Run, Scratch};
use crate::findings::Findings;
use crate::grammar::{Checker, Tree, Walked};
use crate::x12::Segments;
pub(super) use look::{Look, has_value, is_among, is_one_of};
pub(super) use numbers::{Sum, number};
pub(super) use rules::{is_numeric, is_of_type, length_fault, told_apart};

/// See [`Overlay::check`].
pub(super) fn check(
    overlay: &Overlay,
    walked: &Walked<'_>,
    scratch: &mut Scratch,
    findings: &mut Findings,
) {
    let same = walked.tree.segments.len() == walked.segments.len()
        && walked.grammar.set == overlay.grammar.set
        && walked.grammar.release == overlay.grammar.release;
    if same {
        let is_suspicious = overlay.scan.run(walked, scratch);
        tell(overlay, walked, is_suspicious.then_some(&*scratch), findings);
    }
}

/// See [`Overlay::walk`].
pub(super) fn walk(
    overlay: &Overlay,
    checker: &Checker,
    set: &Segments<'_>,
    (walk, tree): (&mut crate::grammar::Scratch, &mut Tree),
    scratch: &mut Scratch,
    findings: &mut Findings,
) {
    let grammar = checker.grammar();
    // Its plans look into the code lists of the grammar that it was held against.
    if !Arc::ptr_eq(grammar, &overlay.grammar) {
        checker.check(set, walk, tree, findings);
        let walked = Walked { segments: *set, tree, grammar };
        return check(overlay, &walked, scratch, findings);
    }
    let mut run = Run::begin(&overlay.scan, grammar, set.delimiters(), scratch);
    checker.check_watched(set, (walk, tree), findings, &mut run);
    let is_suspicious = run.finish();
    let walked = Walked { segments: *set, tree, grammar };
    tell(overlay, &walked, is_suspicious.then_some(&*scratch), findings);
}

/// Takes findings of the grammar's check back, and adds those of the rules that are suspected.
fn tell(
    overlay: &Overlay,
    walked: &Walked<'_>,
    suspicious: Option<&Scratch>,
    findings: &mut Findings,
) {
    let look = Look::new(walked);
    if !findings.is_empty() {
        allow::take_back(&overlay.rules, &look, findings);
    }
    let Some(scratch) = suspicious else { return };
    let suspected =
        overlay.rules.iter().zip(&scratch.suspected).filter(|(_, suspected)| **suspected);
    for (rule, _) in suspected {
        rules::judge(rule, &overlay.rules, &look, findings);
    }
}

/// The conditions of a rule, each with what was found the last time: instances come in order, and mostly ask the same.
pub(super) struct Conditions<'a> {
    conditions: &'a [Condition],
    last: Vec<Option<(u32, bool)>>,
}

impl<'a> Conditions<'a> {
    pub(super) fn new(rule: &'a Rule) -> Self {
        Self { conditions: &rule.conditions, last: vec![None; rule.conditions.len()] }
    }

    /// Whether all hold for an instance that stands `depth` loops deep, and a segment in it.
    pub(super) fn hold(
        &mut self,
        look: &Look<'a>,
        instance: u32,
        depth: usize,
        segment: Option<usize>,
    ) -> bool {
        self.conditions.iter().zip(&mut self.last).all(|(condition, last)| {
            if let Some(index) = segment.filter(|_| condition.same_segment) {
                return of_segments(condition, look, &mut std::iter::once(index));
            }
            let shared = condition.shared.min(depth);
            let around = look.outer(instance, depth - shared);
            if let Some((_, known)) = last.filter(|(at, _)| *at == around) {
                return known;
            }
            let place = &condition.place;
            let mut segments =
                look.instances(&place.scope, around).flat_map(|at| look.segments(place, at));
            let holds = of_segments(condition, look, &mut segments);
            *last = Some((around, holds));
            holds
        })
    }
}

/// Whether a condition holds for the segments of its place.
fn of_segments<'a>(
    condition: &'a Condition,
    look: &Look<'a>,
    segments: &mut dyn Iterator<Item = usize>,
) -> bool {
    let Some(spot) = &condition.place.element else {
        let there = segments.next().is_some();
        return there == (condition.test == ConditionTest::Present);
    };
    let mut values = segments.flat_map(|index| look.values(spot, index));
    let is_it =
        |codes: &[Code], value: &[u8]| is_one_of(look.grammar, &condition.place, codes, value);
    match &condition.test {
        ConditionTest::Present => values.next().is_some(),
        ConditionTest::Absent => values.next().is_none(),
        ConditionTest::Is(codes) => values.any(|v| is_it(codes, v.bytes)),
        ConditionTest::IsNot(codes) => {
            let mut some = false;
            values.all(|v| {
                some = true;
                !is_it(codes, v.bytes)
            }) && some
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    fn overlay(rules: &[&str], chosen: &[bool], grammar: &Arc<Grammar>) -> Option<Overlay> {
        let lines = rules.iter().zip(chosen).filter(|(_, chosen)| **chosen).map(|(rule, _)| *rule);
        let text = format!(
            "overlay x on {} 004010\n{}\n",
            grammar.set,
            lines.collect::<Vec<_>>().join("\n")
        );
        let (source, errors): (OverlaySource, _) = parse_overlay("x", &text);
        assert!(errors.is_empty(), "{errors:?}");
        Overlay::compile(&[&source], grammar).ok()
    }

    /// What the quick pass leaves to be judged is all that there is to be found.
    fn quick_is_full(overlay: &Overlay, checker: &Checker, segments: &[&str]) {
        let isa = "ISA*00*          *00*          *ZZ*A              *ZZ*B              *260102*1200*U*00401*000000001*0*T*>~GS*XX*A*B*20260102*1200*1*X*004010~";
        let text =
            format!("{isa}ST*{}*0001~{}~SE*1*0001~", checker.grammar().set, segments.join("~"));
        let mut reader = Reader::of_slice(text.as_bytes(), Limits::default());
        let (mut tree, mut scratch) = (Tree::default(), Scratch::default());
        while let Some(event) = reader.next().unwrap() {
            let Event::Set(set) = event else { continue };
            let mut base = Findings::default();
            checker.check(&set.segments, &mut Walk::default(), &mut tree, &mut base);
            let walked = Walked { segments: set.segments, tree: &tree, grammar: checker.grammar() };
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
    }

    fn cases() -> ProptestConfig {
        let named = std::env::var("CROSSDOCK_CASES").ok().and_then(|n| n.parse().ok());
        ProptestConfig {
            cases: named.unwrap_or(256),
            failure_persistence: None,
            ..ProptestConfig::default()
        }
    }

    fn judged(set: &str, rules: &[&str], pool: &[&str], chosen: &[bool], made: &[usize]) {
        let library = Library::embedded();
        let grammar = library.grammar(set, "004010").unwrap();
        let checker = Checker::new(Arc::clone(grammar));
        // Contradictions among the chosen ones are nothing to judge.
        let Some(overlay) = overlay(rules, chosen, grammar) else { return };
        let segments: Vec<&str> = made.iter().map(|&at| pool[at % pool.len()]).collect();
        quick_is_full(&overlay, &checker, &segments);
    }

    proptest! {
        #![proptest_config(cases())]

        #[test]
        fn the_quick_pass_misses_nothing_of_orders(
            chosen in proptest::collection::vec(any::<bool>(), ORDER_RULES.len()),
            made in proptest::collection::vec(0..1000_usize, 0..40),
        ) {
            judged("850", ORDER_RULES, ORDER_SEGMENTS, &chosen, &made);
        }

        #[test]
        fn the_quick_pass_misses_nothing_of_shipments(
            chosen in proptest::collection::vec(any::<bool>(), SHIPMENT_RULES.len()),
            made in proptest::collection::vec(0..1000_usize, 0..40),
        ) {
            judged("856", SHIPMENT_RULES, SHIPMENT_SEGMENTS, &chosen, &made);
        }
    }
}
