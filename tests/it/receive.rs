//! Whole inputs: what is kept of them is bounded.

use crossdock::acks::{ErrorsAs, Verdict};
use crossdock::translate::{Engine, receive};
use crossdock::x12::Limits;

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
