//! Acknowledgements: what findings become, and what partners' answers say.

use std::sync::{Arc, LazyLock};

use crossdock::acks::{
    AckKind, AckPolicy, Answer, ErrorsAs, GroupAnswer, GroupHeader, GroupTrailer,
    InterchangeReport, Reading, SetReport, Ta1Policy, Verdict, read, read_ta1, write_ta1,
};
use crossdock::findings::{Code, Finding, Place};
use crossdock::grammar::{Grammar, Library};
use crossdock::x12::{Delimiters, Event, Reader, Style};
use proptest::prelude::*;

static LIBRARY: LazyLock<Library> = LazyLock::new(Library::embedded);

fn grammar(set: &str, release: &str) -> Arc<Grammar> {
    Arc::clone(LIBRARY.grammar(set, release).expect("an embedded grammar"))
}

/// A finding of a kind at a place, with the severity of the catalogue.
fn finding(code: Code, segment: &str, position: u32, element: u16, value: &str) -> Finding {
    Finding {
        code,
        severity: code.entry().severity,
        place: Place {
            segment: segment.to_owned(),
            segment_position: position,
            loop_path: if position > 5 { "PO1/SLN#2".to_owned() } else { String::new() },
            element,
            element_id: if element > 0 { "330".to_owned() } else { String::new() },
            ..Place::default()
        },
        value: Some(value.to_owned()).filter(|v| !v.is_empty()),
        message: String::new(),
        mend: String::new(),
        rule: None,
        field: None,
    }
}

fn set<'a>(number: &'a str, findings: &'a [Finding]) -> SetReport<'a> {
    SetReport {
        id: "850",
        control_number: number,
        implementation: "",
        known_as: Some(("BEG03", "PO-1")),
        findings,
    }
}

struct Case {
    policy: AckPolicy,
    release: &'static str,
    style: Style,
    stated: Option<u32>,
    group_findings: Vec<Finding>,
}

impl Default for Case {
    fn default() -> Self {
        let (policy, style) = (AckPolicy::default(), Style::default());
        Self { policy, release: "004010", style, stated: None, group_findings: Vec::new() }
    }
}

impl Case {
    fn answer(&self, sets: &[SetReport<'_>]) -> Answer {
        let grammar = grammar(self.policy.kind.set(), self.release);
        let header =
            GroupHeader { functional_id: "PO", control_number: "77", version: self.release };
        let mut answer = GroupAnswer::begin(&header, &self.policy, &grammar, &self.style, "0001");
        for set in sets {
            answer.add_set(set);
        }
        answer.finish(&GroupTrailer { stated: self.stated, findings: &self.group_findings })
    }

    fn text(&self, sets: &[SetReport<'_>]) -> String {
        String::from_utf8(self.answer(sets).bytes).expect("ASCII")
    }
}

#[test]
fn a_clean_group_is_accepted_set_by_set() {
    let warning = [finding(Code::InvalidCode, "PO1", 3, 3, "QX")];
    assert_eq!(
        Case::default().text(&[set("0001", &[]), set("0002", &warning)]),
        "ST*997*0001~AK1*PO*77~AK2*850*0001~AK5*A~AK2*850*0002~AK5*A~AK9*A*2*2*2~SE*8*0001~"
    );
    let policy = AckPolicy { report_accepted: false, ..AckPolicy::default() };
    assert_eq!(
        Case { policy, ..Case::default() }.text(&[set("0001", &[])]),
        "ST*997*0001~AK1*PO*77~AK9*A*1*1*1~SE*4*0001~"
    );
}

#[test]
fn one_bad_set_makes_the_group_partially_accepted() {
    let fatal = [
        finding(Code::SegmentMissing, "BEG", 2, 0, ""),
        finding(Code::InvalidNumber, "PO1", 6, 2, "ten"),
        finding(Code::ElementTooLong, "PO1", 6, 7, "too long"),
        finding(Code::SegmentCountWrong, "SE", 9, 1, "10"),
    ];
    let error = [finding(Code::TooManyElements, "N3", 4, 3, "Rear")];
    assert_eq!(
        Case::default().text(&[set("0001", &[]), set("0002", &fatal), set("0003", &error)]),
        "ST*997*0001~AK1*PO*77~AK2*850*0001~AK5*A~\
         AK2*850*0002~AK3*BEG*2**3~AK3*PO1*6*SLN*8~AK4*2*330*6*ten~AK4*7*330*5*too long~AK5*R*5*4~\
         AK2*850*0003~AK3*N3*4**8~AK4*3*330*3*Rear~AK5*E*5~AK9*P*3*3*2~SE*16*0001~"
    );
}

#[test]
fn a_999_names_the_document_and_the_newer_release_its_version() {
    let policy = AckPolicy {
        kind: AckKind::Implementation,
        release: Some("005010X231".to_owned()),
        ..AckPolicy::default()
    };
    let mut bad = finding(Code::TooManyRepetitions, "REF", 4, 2, "047");
    bad.place.repetition = 2;
    let findings = [bad];
    assert_eq!(
        Case { policy, release: "005010", ..Case::default() }.text(&[set("0001", &findings)]),
        "ST*999*0001*005010X231~AK1*PO*77*005010~AK2*850*0001~IK3*REF*4**8~CTX*BEG03>PO-1~\
         IK4*2>>2*330*12*047~IK5*E*5~AK9*E*1*1*1~SE*9*0001~"
    );
}

#[test]
fn a_code_that_the_release_lacks_falls_back() {
    let findings = [finding(Code::TooManyComponents, "MEA", 4, 4, "")];
    let text = Case::default().text(&[set("0001", &findings)]);
    assert!(text.contains("AK4*4*330*3~"), "{text}");
}

#[test]
fn a_fatal_finding_of_the_group_rejects_its_sets() {
    let group_findings = vec![
        finding(Code::GroupTrailerMissing, "GE", 0, 0, ""),
        finding(Code::SetCountWrong, "GE", 0, 1, "3"),
    ];
    let case = Case { stated: Some(3), group_findings, ..Case::default() };
    assert_eq!(
        case.text(&[set("0001", &[])]),
        "ST*997*0001~AK1*PO*77~AK2*850*0001~AK5*R~AK9*R*3*1*0*3*5~SE*6*0001~"
    );
}

#[test]
fn a_stricter_policy_rejects_what_has_errors() {
    let policy = AckPolicy { errors_as: ErrorsAs::Rejected, ..AckPolicy::default() };
    let findings = [finding(Code::EmptySegment, "REF", 3, 0, "")];
    assert_eq!(
        Case { policy, ..Case::default() }.text(&[set("0001", &findings)]),
        "ST*997*0001~AK1*PO*77~AK2*850*0001~AK3*REF*3**8~AK5*R*5~AK9*R*1*1*0~SE*7*0001~"
    );
}

#[test]
fn what_cannot_be_copied_is_left_out() {
    let findings = [
        finding(Code::InvalidCharacter, "PID", 4, 5, "Mug\tblue"),
        finding(Code::InvalidNumber, "PO1", 5, 2, "1*2"),
        finding(Code::ElementTooLong, "N1", 6, 2, "Café"),
        finding(Code::SegmentUnrecognised, "LONGNAME", 7, 0, ""),
        finding(Code::SegmentUnrecognised, "?~", 8, 0, ""),
    ];
    let text = Case::default().text(&[set("0001", &findings)]);
    assert!(text.contains("AK4*5*330*6~"), "{text}");
    assert!(text.contains("AK4*2*330*6~"), "{text}");
    assert!(text.contains("AK4*2*330*5~"), "{text}");
    assert!(text.contains("AK3*LON*7*SLN*1~AK5*R*5~"), "{text}");
}

#[test]
fn a_set_without_a_number_is_counted_but_not_named() {
    let findings = [finding(Code::SetNumberInvalid, "ST", 1, 2, "")];
    assert_eq!(
        Case::default().text(&[set("", &findings)]),
        "ST*997*0001~AK1*PO*77~AK9*E*1*1*1~SE*4*0001~"
    );
}

/// An interchange with these findings, and ISA14.
fn report<'a>(findings: &'a [Finding], requested: &'a str) -> InterchangeReport<'a> {
    InterchangeReport {
        control_number: "000000007",
        date: "261121",
        time: "0915",
        acknowledgement_requested: requested,
        findings,
    }
}

#[test]
fn a_ta1_says_the_weightiest_thing() {
    let findings = [
        finding(Code::GroupCountWrong, "IEA", 0, 1, "2"),
        finding(Code::TrailerMissing, "IEA", 0, 0, ""),
    ];
    let always = AckPolicy { ta1: Ta1Policy::Always, ..AckPolicy::default() };
    let written = |findings: &[Finding], asked: &str, policy: &AckPolicy| {
        write_ta1(&report(findings, asked), policy, &Style::default())
            .map(|b| String::from_utf8(b).expect("ASCII"))
    };
    assert_eq!(written(&[], "0", &always).as_deref(), Some("TA1*000000007*261121*0915*A*000~"));
    assert_eq!(
        written(&findings[..1], "0", &always).as_deref(),
        Some("TA1*000000007*261121*0915*E*021~")
    );
    assert_eq!(
        written(&findings, "0", &always).as_deref(),
        Some("TA1*000000007*261121*0915*R*023~")
    );
    for (element, note) in [(5, "005"), (9, "014"), (10, "015"), (13, "018"), (15, "020")] {
        let fault = [finding(Code::IsaElement, "ISA", 0, element, "")];
        let ta1 = write_ta1(&report(&fault, "0"), &always, &Style::default()).expect("a TA1");
        let ta1 = String::from_utf8(ta1).expect("ASCII");
        assert!(ta1.ends_with(&format!("*E*{note}~")), "ISA{element:02}: {ta1}");
    }
    let nameless = InterchangeReport { control_number: "  ", ..report(&[], "1") };
    assert_eq!(write_ta1(&nameless, &always, &Style::default()), None, "nobody to be answered to");
    let colon = InterchangeReport { time: "09*15", ..report(&[], "1") };
    let ta1 = write_ta1(&colon, &always, &Style::default()).expect("a TA1");
    assert_eq!(ta1, b"TA1*000000007*261121*0915*A*000~");
    let usual = AckPolicy::default();
    assert_eq!(written(&findings[..1], "0", &usual), None);
    assert!(written(&findings[..1], "1", &usual).is_some());
    assert!(
        written(&findings, "0", &usual).is_some(),
        "else a rejected interchange had no answer at all"
    );
}

/// Reads the sets of an interchange that holds just these segments.
fn reading(body: &str, words: Option<&Grammar>) -> Reading {
    let text = format!("{ISA}GS*FA*A1*B1*20261121*0915*7*X*004010~{body}GE*1*7~IEA*1*000000007~");
    let mut reader = Reader::new(text.as_bytes());
    let mut found = Reading::default();
    while let Some(event) = reader.next().expect("bytes in memory") {
        if let Event::Set(set) = event {
            found = read(set.segments, words);
        }
    }
    found
}

const ISA: &str = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *261121*0915*U*00401*000000007*0*P*>~";

#[test]
fn a_whole_997_is_read_with_words() {
    let grammar = grammar("997", "004010");
    let read = reading(
        "ST*997*0001~AK1*SH*9002~AK2*856*0001~AK5*A~AK2*856*0002~AK3*BSN*2**8~AK4*2>1*396*1*x~AK5*R*5~\
         AK9*P*3*2*1*5~SE*9*0001~",
        Some(&grammar),
    );
    assert_eq!(read.findings, []);
    let group = &read.groups[0];
    assert_eq!((group.functional_id.as_str(), group.control_number.as_str()), ("SH", "9002"));
    assert_eq!(group.verdict, Verdict::PartiallyAccepted);
    assert_eq!((group.stated, group.received, group.accepted), (Some(3), Some(2), Some(1)));
    assert_eq!(group.errors[0].meaning.as_deref(), Some("Sets stated and sets found differ"));
    let note = &group.sets[1].segments[0];
    assert_eq!((note.segment.as_str(), note.position), ("BSN", 2));
    assert_eq!((note.elements[0].position, note.elements[0].component), (2, 1));
    assert_eq!(note.elements[0].error.meaning.as_deref(), Some("Mandatory element missing"));
    assert_eq!(group.verdict_of("856", "1"), Verdict::Accepted);
    assert_eq!(group.verdict_of("856", "0002"), Verdict::Rejected);
    assert_eq!(
        group.verdict_of("856", "0003"),
        Verdict::Accepted,
        "the rejected one is listed, this one is not"
    );
}

#[test]
fn what_stops_early_is_read_for_what_it_says() {
    let bare = reading("ST*997*0001~AK1*IN*7001~AK9*A*3*3*3***~SE*4*0001~", None);
    assert_eq!(bare.groups[0].verdict_of("810", "0002"), Verdict::Accepted);

    let no_ak9 =
        reading("ST*997*0001~AK1*IN*7001~AK2*810*0001~AK5*A~AK2*810*0002~AK5*R~SE*7*0001~", None);
    assert_eq!(no_ak9.groups[0].verdict, Verdict::PartiallyAccepted);

    let no_ak5 = reading("ST*997*0001~AK1*IN*7001~AK2*810*0001~AK9*R*1*1*0~SE*5*0001~", None);
    assert_eq!(no_ak5.groups[0].sets[0].verdict, Verdict::Unknown);
    assert_eq!(no_ak5.groups[0].verdict_of("810", "0001"), Verdict::Rejected);

    let odd =
        reading("ST*997*0001~AK1*IN*7001~AK2*810*0001~AK5*Q*88~AK9*Z*x*1*0*77~SE*6*0001~", None);
    assert_eq!(odd.groups[0].verdict, Verdict::Unknown);
    assert_eq!((odd.groups[0].stated, odd.groups[0].status.code.as_str()), (None, "Z"));

    let lone = reading("ST*997*0001~AK9*A*1*1*1~SE*3*0001~", None);
    assert_eq!(lone.groups, []);
    assert_eq!(lone.findings[0].code, Code::AckUnreadable);

    let unnamed = reading("ST*997*0001~AK1*IN~AK2~AK5*A~AK9*A*1*1*1~SE*6*0001~", None);
    assert_eq!(unnamed.findings.len(), 2);
}

#[test]
fn partially_accepted_without_a_list_leaves_the_sets_open() {
    let read = reading("ST*997*0001~AK1*IN*7001~AK9*P*3*3*2~SE*4*0001~", None);
    assert_eq!(read.groups[0].verdict_of("810", "0001"), Verdict::Unknown);
}

#[test]
fn a_ta1_is_read_with_words() {
    let text = format!("{ISA}TA1*000000008*260301*0916*R*024~IEA*0*000000007~");
    let mut reader = Reader::new(text.as_bytes());
    let mut found = None;
    while let Some(event) = reader.next().expect("bytes in memory") {
        if let Event::InterchangeAck(segment) = event {
            found = Some(read_ta1(&segment, Some(LIBRARY.envelope())));
        }
    }
    let found = found.expect("a TA1");
    assert_eq!((found.control_number.as_str(), found.verdict), ("000000008", Verdict::Rejected));
    assert_eq!(found.note.meaning.as_deref(), Some("Content is not as it must be"));
}

fn any_finding() -> impl Strategy<Value = Finding> {
    let code = proptest::sample::select(Code::all()).prop_map(|entry| entry.code);
    let segment = proptest::sample::select(vec!["PO1", "N3", "REF", "TOOLONG", "x", "A\u{e9}"]);
    (code, segment, 0u32..2_000_000, 0u16..120, 0u16..3, 0u16..3, "[ -~\\téß*~>]{0,90}").prop_map(
        |(code, segment, position, element, component, repetition, value)| {
            let mut made = finding(code, segment, position, element, &value);
            made.place.component = component;
            made.place.repetition = repetition;
            made
        },
    )
}

proptest! {
    /// Whatever is found, what is written says the same when it is read back, and its count is right.
    #[test]
    fn what_is_written_reads_back(
        sets in proptest::collection::vec(proptest::collection::vec(any_finding(), 0..6), 0..5),
        group_findings in proptest::collection::vec(any_finding(), 0..3),
        kind in proptest::sample::select(vec![AckKind::Functional, AckKind::Implementation]),
        older in any::<bool>(),
        report_accepted in any::<bool>(),
        strict in any::<bool>(),
    ) {
        let release = if older && kind == AckKind::Functional { "004010" } else { "005010" };
        let policy = AckPolicy {
            kind,
            report_accepted,
            errors_as: if strict { ErrorsAs::Rejected } else { ErrorsAs::Accepted },
            ..AckPolicy::default()
        };
        let case = Case { policy: policy.clone(), release, group_findings, ..Case::default() };
        let numbers: Vec<String> = (1..=sets.len()).map(|n| format!("{n:04}")).collect();
        let reports: Vec<SetReport<'_>> =
            sets.iter().zip(&numbers).map(|(findings, number)| set(number, findings)).collect();
        let answer = case.answer(&reports);
        let text = String::from_utf8(answer.bytes.clone()).expect("ASCII");
        prop_assert_eq!(u32::try_from(text.matches('~').count()).unwrap_or(0), answer.segments);
        let se = format!("SE*{}*0001~", answer.segments);
        prop_assert!(text.ends_with(&se));

        let read = reading(&text, Some(&grammar(kind.set(), release)));
        prop_assert_eq!(&read.findings, &[]);
        let group = &read.groups[0];
        prop_assert_eq!(group.verdict, answer.verdict);
        prop_assert_eq!(group.accepted, Some(answer.accepted));
        for (report, number) in reports.iter().zip(&numbers) {
            let expected = match answer.verdict {
                Verdict::Rejected => Verdict::Rejected,
                _ => crossdock::acks::set_verdict(report.findings, policy.errors_as),
            };
            let found = group.verdict_of("850", number);
            // A set that is not listed shares the fate of its group, errors of the group included.
            let shared = !report_accepted && expected == Verdict::Accepted && found == answer.verdict;
            prop_assert!(found == expected || shared, "{found:?} for {expected:?}");
        }
        // Every code that was written is one that the release has.
        for set in &group.sets {
            for note in &set.segments {
                prop_assert!(note.error.meaning.is_some(), "{:?}", note);
                prop_assert!(note.elements.iter().all(|e| e.error.meaning.is_some()));
            }
        }
    }
}

#[test]
fn delimiters_of_the_answer_are_its_own() {
    let style = Style {
        delimiters: Delimiters { element: b'|', component: b':', repetition: None, segment: b'\n' },
        ..Style::default()
    };
    let findings = [
        finding(Code::InvalidNumber, "PO1", 3, 2, "a|b"),
        finding(Code::InvalidNumber, "PO1", 3, 4, "a*b"),
    ];
    assert_eq!(
        Case { style, ..Case::default() }.text(&[set("0001", &findings)]),
        "ST|997|0001\nAK1|PO|77\nAK2|850|0001\nAK3|PO1|3||8\nAK4|2|330|6\nAK4|4|330|6|a*b\nAK5|R|5\nAK9|R|1|1|0\nSE|9|0001\n"
    );
}

/// The check takes a blank before a number for an error; the map cannot make a number of it. Both speak of one element,
/// and the weightier decides: what is not translated is not accepted.
#[test]
fn what_cannot_be_translated_is_not_accepted() {
    let order = include_str!("../../fixtures/004010/850/smallest-order-that-is-valid.edi");
    let start = order.find("PO1*").unwrap();
    let quantity = start + 4 + order[start + 4..].find('*').unwrap() + 1;
    let text = format!("{} {}", &order[..quantity], &order[quantity..]);
    let engine = crossdock::translate::Engine::embedded();
    let received = crossdock::translate::receive(
        &engine,
        text.as_bytes(),
        crossdock::x12::Limits::default(),
        &|_| crossdock::acks::ErrorsAs::Accepted,
    );
    let set = &received.interchanges[0].groups[0].sets[0];
    assert_eq!(set.findings.len(), 1, "{:#?}", set.findings);
    assert_eq!(set.verdict, crossdock::acks::Verdict::Rejected);
}
