//! The overlay language: any text is read or refused with lines that exist; what is accepted can judge a set, and
//! lines for the map are taken or refused.

#![no_main]

use std::sync::LazyLock;

use crossdock::findings::Findings;
use crossdock::grammar::{Checker, Scratch, Tree, Walked};
use crossdock::map::{ExtraLine, Values, Variants};
use crossdock::overlay::{Overlay, parse_overlay};
use crossdock::translate::Engine;
use crossdock::x12::{Event, Limits, Reader};
use libfuzzer_sys::fuzz_target;

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::embedded);

/// Sets that rules meet something in.
const SETS: &[u8] = b"ISA*00*          *00*          *ZZ*A              *ZZ*B              *260102*1200*^*00501*000000001*0*T*>~\
GS*PO*A*B*20260102*1200*1*X*004010~\
ST*850*0001~BEG*00*SA*1**20260102~REF*DP*1~SAC*C*A010***100~N1*ST*a*92*0012~N3*street~N1*BT*b~ZZZ*1~PO1*1*10*EA*2**UP*036000291452*VN*ABC^D~PO4*6~PO1*2*5*CA*1~SLN*1**I*5*EA>2~CTT*2*15~SE*14*0001~\
ST*856*0002~BSN*00*1*20260102*1200~HL*1**S~HL*2*1*O~PRF*1~HL*4*2*P~MAN*GM*006141411234567890~HL*5*4*I~LIN**UP*1~SN1**5*EA~CTT*4~SE*12*0002~\
ST*810*0003~BIG*20260102*1**1~IT1*1*10*EA*9.995**UP*1~TDS*9995~SAC*A*A010***5~CTT*1~SE*7*0003~GE*3*1~IEA*1*000000001~";

fuzz_target!(|text: &str| {
    let lines = text.lines().count().max(1);
    let (source, faults) = parse_overlay("fuzz.overlay", text);
    for fault in &faults {
        assert!(fault.line as usize <= lines, "{fault:?}");
    }
    for release in source.releases() {
        let Some(grammar) = ENGINE.grammars().grammar(source.set(), release) else { continue };
        let overlay = match Overlay::compile(&[&source], grammar) {
            Ok(overlay) => overlay,
            Err(refused) => {
                assert!(!refused.is_empty());
                for fault in &refused {
                    assert!(fault.line as usize <= lines, "{fault:?}");
                }
                continue;
            }
        };
        let extra: Vec<ExtraLine<'_>> = overlay.map_lines().collect();
        let values = Values { implied: overlay.implied().collect(), keep_blanks: false };
        let _ = Variants::default().map(ENGINE.maps(), grammar, &extra, &values);
        let checker = Checker::new(grammar.clone());
        let mut reader = Reader::of_slice(SETS, Limits::default());
        while let Some(event) = reader.next().expect("memory can be read") {
            let Event::Set(set) = event else { continue };
            if set.id != source.set() {
                continue;
            }
            let (mut tree, mut findings) = (Tree::default(), Findings::default());
            checker.check(&set.segments, &mut Scratch::default(), &mut tree, &mut findings);
            let walked = Walked { segments: set.segments, tree: &tree, grammar };
            overlay.check(&walked, &mut findings);
            for finding in findings.as_slice() {
                let end = finding.place.offset + u64::from(finding.place.length);
                assert!(end <= SETS.len() as u64, "{finding:?}");
            }
        }
    }
});
