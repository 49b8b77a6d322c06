//! The reader: what it makes of an input does not depend on how the input arrives, and it never stops or panics.

use std::io::Read;

use crossdock::x12::{Event, FaultKind, Limits, Reader};
use proptest::prelude::*;

const ISA: &str = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *261121*0915*U*00401*000000007*0*P*>~";
const GS: &str = "GS*PO*SENDER*RECEIVER*20261121*0915*7*X*004010~";

/// Hands out a few bytes at a time.
struct Trickle<'a> {
    bytes: &'a [u8],
    size: usize,
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.size.min(buffer.len()).min(self.bytes.len());
        buffer[..count].copy_from_slice(&self.bytes[..count]);
        self.bytes = &self.bytes[count..];
        Ok(count)
    }
}

/// Everything that the reader says, as text.
fn events(input: impl Read, limits: Limits) -> Vec<String> {
    let mut reader = Reader::with_limits(input, limits);
    let mut all = Vec::new();
    while let Some(event) = reader.next().expect("memory never fails") {
        all.push(match event {
            Event::Set(set) => {
                let segments: Vec<String> = set
                    .segments
                    .iter()
                    .map(|s| {
                        format!(
                            "{}@{}={:?} {:?}",
                            s.tag(),
                            s.offset(),
                            s.raw(),
                            s.elements().collect::<Vec<_>>()
                        )
                    })
                    .collect();
                format!("set {} {:?} {:?} {segments:?}", set.id, set.control_number, set.faults)
            }
            Event::InterchangeAck(segment) => format!("TA1 {:?}", segment.raw()),
            other => format!("{other:?}"),
        });
        assert!(all.len() < 100_000, "the reader does not come to an end");
    }
    all
}

fn kinds(bytes: &[u8]) -> Vec<FaultKind> {
    let mut reader = Reader::new(bytes);
    let mut all = Vec::new();
    while let Some(event) = reader.next().expect("memory never fails") {
        match event {
            Event::Interchange(i) => all.extend(i.faults.iter().map(|f| f.kind)),
            Event::Group(g) => all.extend(g.faults.iter().map(|f| f.kind)),
            Event::Set(s) => all.extend(s.faults.iter().map(|f| f.kind)),
            Event::GroupEnd(e) => all.extend(e.faults.iter().map(|f| f.kind)),
            Event::InterchangeEnd(e) => all.extend(e.faults.iter().map(|f| f.kind)),
            Event::Stray(f) => all.push(f.kind),
            Event::InterchangeAck(_) => {}
        }
    }
    all
}

#[test]
fn text_before_an_interchange_is_shown_with_its_blanks_however_it_arrives() {
    let text =
        [b"from:".to_vec(), vec![b' '; 40], b"us".to_vec(), vec![b' '; 400], b"end\n".to_vec()];
    let bytes = [text.concat(), ISA.as_bytes().to_vec()].concat();
    let whole = events(&bytes[..], Limits::default());
    for size in 1..60 {
        assert_eq!(whole, events(Trickle { bytes: &bytes, size }, Limits::default()), "{size}");
    }
}

/// A piece of a file: mostly well formed, sometimes not.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let text = |s: &str| s.as_bytes().to_vec();
    prop_oneof![
        Just(text(ISA)),
        Just(ISA.replace('*', "|").replace('~', "\n").into_bytes()),
        Just(text("ISA*00**00**ZZ*ME*ZZ*YOU*261121*0915*^*00501*7*0*P*:\u{1C}")),
        Just(text(GS)),
        Just(text("ST*850*0001~BEG*00*SA*1**20261121~SE*3*0001~")),
        Just(text("ST*850*0002~\r\nPO1*1*2*EA~\r\n")),
        Just(text("SE*2*0001~")),
        Just(text("ST*841*0001~BIN*5*a~*b~~SE*3*0001~")),
        Just(text("BIN*99999*x~")),
        Just(text("BDS*ASC*3*~~~~")),
        Just(text("GE*1*7~")),
        Just(text("IEA*1*000000007~")),
        Just(text("TA1*000000001*261121*0915*A*000~")),
        Just(text("\r\n  \n")),
        Just(b"\xEF\xBB\xBF".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..40),
        "[A-Z0-9*~>]{0,60}".prop_map(String::into_bytes),
        (1usize..300).prop_map(|n| vec![b'x'; n * 10]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn how_the_input_arrives_changes_nothing(pieces in proptest::collection::vec(piece(), 0..25), size in 1usize..200) {
        let bytes = pieces.concat();
        let whole = events(&bytes[..], Limits::default());
        prop_assert_eq!(&whole, &events(Trickle { bytes: &bytes, size }, Limits::default()));
    }

    #[test]
    fn a_small_limit_still_comes_to_an_end(pieces in proptest::collection::vec(piece(), 0..40)) {
        let bytes = pieces.concat();
        let limits = Limits { set_bytes_max: 1024 };
        prop_assert_eq!(events(&bytes[..], limits), events(Trickle { bytes: &bytes, size: 7 }, limits));
    }
}

#[test]
fn delimiters_inside_binary_data_are_data() {
    let text = format!("{ISA}{GS}ST*841*0001~BIN*8*a~*b~SE*~SE*3*0001~GE*1*7~IEA*1*000000007~");
    let mut reader = Reader::new(text.as_bytes());
    let mut seen = 0;
    while let Some(event) = reader.next().expect("memory never fails") {
        if let Event::Set(set) = event {
            assert_eq!(set.segments.len(), 3);
            assert_eq!(set.segments.get(1).expect("BIN").element(2), b"a~*b~SE*");
            seen += 1;
        }
    }
    assert_eq!(seen, 1);
    assert_eq!(kinds(text.as_bytes()), []);
}

#[test]
fn a_set_over_the_limit_is_passed_over_and_the_next_one_read() {
    let long = "PO1*1*1*EA~".repeat(500);
    let text = format!(
        "{ISA}{GS}ST*850*0001~{long}SE*502*0001~ST*850*0002~SE*2*0002~GE*2*7~IEA*1*000000007~"
    );
    let all = events(text.as_bytes(), Limits { set_bytes_max: 2048 });
    assert!(all.iter().any(|e| e.starts_with("set 850") && e.contains("SetTooLarge")), "{all:#?}");
    assert!(all.iter().any(|e| e.contains("\"0002\"") && e.contains("[] [")), "{all:#?}");
}

#[test]
fn a_segment_without_end_ends_the_interchange_but_not_the_next() {
    let text = format!("{ISA}{GS}ST*850*0001~{}{ISA}IEA*0*000000007~", "x".repeat(10_000));
    let limits = Limits { set_bytes_max: 2048 };
    let all = events(text.as_bytes(), limits);
    assert_eq!(all.iter().filter(|e| e.starts_with("Interchange(")).count(), 2, "{all:#?}");
}

#[test]
fn faults_of_the_envelope_are_told_apart() {
    let set = "ST*850*0001~BEG*00*SA*1**20261121~SE*3*0001~";
    let cases = [
        (format!("{ISA}{GS}{set}GE*1*7~IEA*1*000000007~"), vec![]),
        (format!("{ISA}{GS}{set}GE*2*8~IEA*2*000000008~"), {
            use FaultKind::{GroupCount, GroupNumber, InterchangeNumber, SetCount};
            vec![SetCount, GroupNumber, GroupCount, InterchangeNumber]
        }),
        (
            format!("{ISA}{GS}{set}"),
            vec![FaultKind::GroupTrailerMissing, FaultKind::InterchangeTrailerMissing],
        ),
        (
            format!("{ISA}{GS}ST*850*0001~GE*1*7~IEA*1*000000007~"),
            vec![FaultKind::SetTrailerMissing],
        ),
        (format!("{ISA}{GS}{set}{set}GE*2*7~IEA*1*000000007~"), vec![FaultKind::SetNumberRepeated]),
        (
            format!("{ISA}{GS}{set}GE*1*7~{GS}{set}GE*1*7~IEA*2*000000007~"),
            vec![FaultKind::GroupNumberRepeated],
        ),
        (
            format!("{ISA}IEA*0*000000007~\n\n{ISA}IEA*0*000000007~"),
            vec![FaultKind::InterchangeNumberRepeated],
        ),
        (format!("{ISA}TA1*000000001*261121*0915*A*000~IEA*0*000000007~"), vec![]),
        (
            format!("{ISA}{GS}BEG*00~SE*2*0001~GE*0*7~IEA*1*000000007~"),
            vec![FaultKind::SetHeaderMissing],
        ),
        (
            format!("{ISA}REF*1*2~{GS}{set}GE*1*7~IEA*1*000000007~"),
            vec![FaultKind::OutsideEnvelope],
        ),
        (format!("{ISA}{GS}{set}GE*1*7~GE*1*7~IEA*1*000000007~"), vec![FaultKind::StrayTrailer]),
        (format!("{ISA}{GS}{set}GE*1*7~IEA*1*000000007"), vec![FaultKind::CutOff]),
        (
            format!("{ISA}{GS}ST*850*0001~SE*2*0002~GE*1*7~IEA*1*000000007~"),
            vec![FaultKind::SetNumber],
        ),
        (
            format!("{ISA}{GS}ST*850*1~SE*9*1~GE*1*7~IEA*1*000000007~"),
            vec![FaultKind::SetNumberInvalid, FaultKind::SegmentCount],
        ),
        (format!("hello\n{ISA}IEA*0*000000007~"), vec![FaultKind::TextBeforeInterchange]),
        ("hello".to_owned(), vec![FaultKind::NoInterchange]),
        (String::new(), vec![FaultKind::NoInterchange]),
    ];
    for (text, expected) in cases {
        assert_eq!(kinds(text.as_bytes()), expected, "{text}");
    }
}

/// A terminator outside ASCII that an editor has saved as UTF-8 is two or three bytes: the first ends the segment.
#[test]
fn a_terminator_saved_as_utf_8_ends_segments() {
    let text = format!("{ISA}{GS}ST*850*0001~SE*2*0001~GE*1*7~IEA*1*000000007~");
    for terminator in ["\u{85}\r\n", "\u{2026}", "\u{2026}\r\n  "] {
        let bytes = text.replace('~', terminator);
        assert_eq!(kinds(bytes.as_bytes()), [], "{terminator:?}");
        let all = events(bytes.as_bytes(), Limits::default());
        assert!(all.iter().any(|e| e.contains("set 850") && e.contains("SE@")), "{all:#?}");
    }
}

/// Found by fuzzing: what stands at the end of a cut-off input may be separators, or the rest of a character.
#[test]
fn the_end_of_a_cut_off_input_is_data() {
    let isa = ISA.replace('*', "\0");
    let text = format!("{isa}GS\0PO\0A\0B~ST\0850\00001\0\0");
    let all = events(text.as_bytes(), Limits::default());
    assert!(all.iter().any(|e| e.contains("[[56, 53, 48], [48, 48, 48, 49], [], []]")), "{all:#?}");
    let text = format!("{ISA}{GS}ST*850*0001~N1*ST*Caf\u{e9}\r\n");
    let all = events(text.as_bytes(), Limits::default());
    assert!(all.iter().any(|e| e.contains("[67, 97, 102, 195, 169]")), "{all:#?}");
}

/// A terminator by itself is told, but not a blank line where lines end segments, whatever came before in the input.
#[test]
fn blank_lines_are_no_terminators_by_themselves() {
    let one = format!("{ISA}{GS}ST*850*0001~~SE*2*0001~GE*1*7~IEA*1*000000007~");
    let lines = |text: &str| text.replace('~', "\n");
    let two = lines(&format!("{ISA}{GS}ST*850*0001~~SE*2*0001~GE*1*7~IEA*1*000000007~"));
    let told = |text: &str| {
        let kinds = kinds(text.as_bytes());
        kinds.into_iter().filter(|kind| *kind == FaultKind::LoneTerminator).count()
    };
    assert_eq!((told(&one), told(&two), told(&format!("{one}{two}"))), (1, 0, 1));
}
