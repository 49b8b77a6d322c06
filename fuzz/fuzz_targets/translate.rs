//! From any bytes to canonical documents and back: no panic on the way, JSON that reads back, and a set with nothing
//! redundant or wrong in it is written as it was read.

#![no_main]

use std::sync::LazyLock;

use crossdock::acks::ErrorsAs;
use crossdock::canonical::Document;
use crossdock::findings::Code;
use crossdock::translate::{Engine, Outbound, receive, write};
use crossdock::x12::{Limits, Style};
use libfuzzer_sys::fuzz_target;

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::embedded);

fuzz_target!(|data: &[u8]| {
    let received = receive(&ENGINE, data, Limits { set_bytes_max: 8192 }, &|_| ErrorsAs::Accepted);
    for interchange in &received.interchanges {
        let delimiters = interchange.header.delimiters;
        let style = Style { delimiters, ..Style::default() };
        let distinct = interchange.findings.iter().all(|f| f.code != Code::DelimiterClash);
        for group in &interchange.groups {
            for set in &group.sets {
                let Some(document) = &set.document else { continue };
                let json = serde_json::to_string(document).expect("documents are JSON");
                let again: Document = serde_json::from_str(&json).expect("and JSON is documents");
                assert_eq!(&again, document);
                let outbound = Outbound {
                    set: Some(&set.id),
                    version: &group.header.version(),
                    control_number: &set.control_number.0,
                    style: &style,
                    hierarchy: None,
                    map: None,
                };
                let written = write(&ENGINE, document, &outbound).expect("a map wrote what it read");
                let raw = &data[set.bytes.clone()];
                let clean = set
                    .findings
                    .iter()
                    .all(|f| matches!(f.code, Code::NotAscii | Code::InvalidCode | Code::LevelChildWrong));
                if clean && distinct && std::str::from_utf8(raw).is_ok() {
                    // A terminator by itself is passed over like the blanks between segments.
                    let plain: Vec<u8> = raw
                        .split_inclusive(|&b| b == delimiters.segment)
                        .map(|segment| segment.iter().copied().skip_while(|&b| is_blank(b)).collect())
                        .filter(|segment: &Vec<u8>| segment[..] != [delimiters.segment])
                        .flatten()
                        .collect();
                    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    assert_eq!(shown(&written.bytes), shown(&plain), "{json}");
                }
            }
        }
    }
});

/// What the reader passes over between segments.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0 | 0x1A | 0x80..=0xBF)
}
