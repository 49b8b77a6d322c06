//! Walk and check of any sets, and the acknowledgement of what is found: every place lies within the set, the tree
//! is one, and the 997 and 999 read back into the same verdict.

#![no_main]

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crossdock::acks::{AckKind, AckPolicy, GroupAnswer, GroupHeader, GroupTrailer, SetReport, Verdict, read};
use crossdock::findings::Findings;
use crossdock::grammar::{Checker, Grammar, Library, LoopInstance, NodeId, Scratch, SegmentChecker, Tree};
use crossdock::x12::{Delimiters, Event, Limits, Reader, Segments, Style};
use libfuzzer_sys::fuzz_target;

struct Known {
    library: Library,
    checkers: HashMap<(String, String), Checker>,
    envelope: SegmentChecker,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let library = Library::embedded();
    let checkers = library
        .sets()
        .map(|grammar| ((grammar.set.clone(), grammar.release.clone()), Checker::new(Arc::clone(grammar))))
        .collect();
    let envelope = SegmentChecker::new(Arc::clone(library.envelope()));
    Known { library, checkers, envelope }
});

fuzz_target!(|data: &[u8]| {
    let mut reader = Reader::with_limits(data, Limits { set_bytes_max: 8192 });
    let (mut scratch, mut tree) = (Scratch::default(), Tree::default());
    let mut release = String::new();
    while let Some(event) = reader.next().expect("bytes in memory") {
        match event {
            Event::Group(group) => release = group.release(),
            Event::InterchangeAck(segment) => {
                KNOWN.envelope.check(segment, Default::default(), &mut Findings::default());
            }
            Event::Set(set) => {
                let key = (set.id.clone(), release.clone());
                let Some(checker) = KNOWN.checkers.get(&key) else { continue };
                let mut findings = Findings::default();
                checker.check(&set.segments, &mut scratch, &mut tree, &mut findings);
                judge(&set.segments, &tree, checker.grammar(), &findings);
                answer(&set.id, &set.control_number.0, &findings);
                let _ = read(set.segments, Some(checker.grammar()));
            }
            _ => {}
        }
    }
});

fn judge(set: &Segments<'_>, tree: &Tree, grammar: &Grammar, findings: &Findings) {
    assert_eq!(tree.segments.len(), set.len());
    for (at, placed) in tree.segments.iter().enumerate() {
        let instance: &LoopInstance = &tree.instances[placed.instance as usize];
        assert!((instance.first as usize) <= at && at < instance.end as usize, "within its loop");
        assert!(placed.node == NodeId::NONE || placed.node.index() < grammar.nodes.len());
    }
    for (at, instance) in tree.instances.iter().enumerate().skip(1) {
        let parent = &tree.instances[instance.parent as usize];
        assert!((instance.parent as usize) < at && parent.first <= instance.first && instance.end <= parent.end);
    }
    let (start, end) = (set.offset(), set.offset() + set.raw().len() as u64);
    for finding in findings.as_slice() {
        let place = &finding.place;
        let (from, to) = (place.offset, place.offset + u64::from(place.length));
        assert!(start <= from && to <= end, "{finding:?} lies within {start}..{end}");
        assert!(place.segment_position as usize <= set.len() + 1, "{finding:?}");
        assert!(!finding.message.is_empty());
    }
}

fn answer(id: &str, number: &str, findings: &Findings) {
    for (kind, release) in
        [(AckKind::Functional, "004010"), (AckKind::Functional, "005010"), (AckKind::Implementation, "005010")]
    {
        let grammar = KNOWN.library.grammar(kind.set(), release).expect("an embedded grammar");
        let repetition = (release != "004010").then_some(b'^');
        let delimiters = Delimiters { repetition, ..Delimiters::default() };
        let (policy, style) =
            (AckPolicy { kind, ..AckPolicy::default() }, Style { delimiters, ..Style::default() });
        let header = GroupHeader { functional_id: "PO", control_number: "1", version: release };
        let mut answer = GroupAnswer::begin(&header, &policy, grammar, &style, "0001");
        let report = SetReport {
            id,
            control_number: number,
            implementation: "",
            known_as: Some(("BEG03", "PO-1")),
            findings: findings.as_slice(),
        };
        let verdict = answer.add_set(&report);
        let answer = answer.finish(&GroupTrailer { stated: None, findings: &[] });
        let mut interchange = envelope(release);
        interchange.extend_from_slice(&answer.bytes);
        let mut reader = Reader::new(&interchange[..]);
        while let Some(event) = reader.next().expect("bytes in memory") {
            if let Event::Set(set) = event {
                assert!(set.faults.iter().all(|f| f.segment.to_string() != "SE"), "{:?}", set.faults);
                let groups = read(set.segments, Some(grammar)).groups;
                assert_eq!(groups.len(), 1);
                assert_eq!(groups[0].verdict, if verdict == Verdict::Unknown { groups[0].verdict } else { verdict });
                let (mut scratch, mut tree) = (Scratch::default(), Tree::default());
                let mut own = Findings::default();
                let checker = &KNOWN.checkers[&(kind.set().to_owned(), release.to_owned())];
                checker.check(&set.segments, &mut scratch, &mut tree, &mut own);
                // Identifiers are copied as they stand, wrong or not; the rest of our answer is right.
                for finding in own.as_slice() {
                    assert_eq!(finding.place.segment, "AK2", "{finding:?}\n{}", String::from_utf8_lossy(&answer.bytes));
                }
            }
        }
    }
}

/// ISA and GS around an answer.
fn envelope(release: &str) -> Vec<u8> {
    let version = if release == "004010" { "U*00401" } else { "^*00501" };
    format!(
        "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *261121*0915*{version}*000000007*0*P*>~\
         GS*FA*AA*BB*20261121*0915*7*X*{release}~"
    )
    .into_bytes()
}
