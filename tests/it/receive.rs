//! Whole inputs: what is kept of them is bounded.

use std::sync::LazyLock;

use crossdock::acks::{AckPolicy, ErrorsAs, Ta1Policy, Verdict};
use crossdock::findings::Code;
use crossdock::translate::{Engine, Received, answer_interchange, receive};
use crossdock::x12::{Limits, Style};

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::embedded);

const ISA: &str = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *261121*0915*U*00401*000000007*0*P*>~";
const END: &str = "GE*1*7~IEA*1*000000007~";

fn received(text: &str) -> Received {
    receive(&ENGINE, text.as_bytes(), Limits::default(), &|_| ErrorsAs::Accepted)
}

/// An order with these segments after BEG.
fn order(number: &str, more: &str) -> String {
    let count = 5 + more.matches('~').count();
    format!(
        "{ISA}GS*PO*SENDER*RECEIVER*20261121*0915*7*X*004010~ST*850*0001~BEG*00*SA*{number}**20261121~{more}\
        PO1*1*1*EA*2.50**VN*A~CTT*1~SE*{count}*0001~{END}"
    )
}

/// Every set is broken in several ways. Past a bound one finding of each is kept, which still rejects it.
#[test]
fn an_input_of_broken_sets_keeps_a_bounded_number_of_findings() {
    const SETS: usize = 60_000;
    let isa = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *261121*0915*U*00401*000000007*0*P*>~";
    let sets = "ST*850*0001~SE*2*0001~".repeat(SETS);
    let text = format!(
        "{isa}GS*PO*SENDER*RECEIVER*20261121*0915*7*X*004010~{sets}GE*{SETS}*7~IEA*1*000000007~"
    );
    let limits = Limits::default();
    let received = receive(&Engine::embedded(), text.as_bytes(), limits, &|_| ErrorsAs::Accepted);
    let sets = &received.interchanges[0].groups[0].sets;
    assert_eq!(sets.len(), SETS);
    assert!(sets.iter().all(|s| s.verdict == Verdict::Rejected && !s.findings.is_empty()));
    let kept: usize = sets.iter().map(|s| s.findings.len()).sum();
    assert!(kept <= 100_000 + SETS, "{kept} findings were kept");
}

#[test]
fn an_isa_that_was_cut_off_takes_nothing_from_the_one_behind_it() {
    let whole = order("PO-1", "");
    for cut in [4, 10, 40, 60, 80, 90, 100, 103, 104] {
        let received = received(&format!("{}\n{whole}", &ISA[..cut]));
        let codes: Vec<Code> = received.stray.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [Code::IsaUnreadable], "cut at {cut}");
        let [interchange] = &received.interchanges[..] else { panic!("cut at {cut}") };
        assert_eq!(interchange.header.element(13), "000000007");
        assert_eq!(interchange.groups[0].sets[0].verdict, Verdict::Accepted, "cut at {cut}");
    }
    let stump = received("ISA*00*GARBAGE");
    assert_eq!(stump.stray[0].code, Code::IsaUnreadable, "no other file than the right one");
}

#[test]
fn blanks_are_no_data() {
    let blank = received(&order("   ", ""));
    let set = &blank.interchanges[0].groups[0].sets[0];
    assert_eq!(set.verdict, Verdict::Rejected);
    let missing = set.findings.iter().find(|finding| finding.code == Code::ElementMissing);
    assert_eq!(missing.map(|finding| finding.place.element), Some(3));
    // REF02 or REF03 must be there.
    let blank = received(&order("PO-1", "REF*DP*   ~"));
    let set = &blank.interchanges[0].groups[0].sets[0];
    assert!(
        set.findings.iter().any(|f| f.place.segment == "REF" && f.code == Code::ConditionMissing)
    );
}

#[test]
fn an_acknowledgement_is_never_answered() {
    let ta1 = format!("{ISA}TA1*000000001*261121*0915*A*000~IEA*0*000000007~");
    let policy = AckPolicy { ta1: Ta1Policy::Always, ..AckPolicy::default() };
    let answered = |text: &str| {
        let received = received(text);
        answer_interchange(&received.interchanges[0], &policy, &Style::default()).is_some()
    };
    assert!(!answered(&ta1));
    assert!(answered(&order("PO-1", "")));
}

#[test]
fn a_composite_may_have_more_components_than_can_be_numbered() {
    let many = format!("MEA*PD*WT*1*{}LB~", "LB>".repeat(70_000));
    let received = received(&order("PO-1", &many));
    let findings = &received.interchanges[0].groups[0].sets[0].findings;
    assert!(findings.iter().any(|f| f.place.segment == "MEA"), "{findings:?}");
}
