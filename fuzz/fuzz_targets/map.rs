//! The map language: any text is read or refused with lines that exist; what is accepted can read a set.

#![no_main]

use std::sync::LazyLock;

use crossdock::canonical::schema;
use crossdock::grammar::{self, SourceFile};
use crossdock::map::{Library, parse_map};
use libfuzzer_sys::fuzz_target;

static GRAMMARS: LazyLock<grammar::Library> = LazyLock::new(grammar::Library::embedded);

fuzz_target!(|text: &str| {
    let lines = text.lines().count().max(1);
    let (_, faults) = parse_map("fuzz.map", text);
    for fault in &faults {
        assert!(fault.line as usize <= lines + 1, "{fault:?}");
    }
    let source = SourceFile { path: "fuzz.map".into(), text: text.to_owned() };
    match Library::from_sources(&[source], &GRAMMARS, schema) {
        Ok(_) => assert!(faults.is_empty()),
        Err(refused) => {
            assert!(!refused.lines.is_empty());
            for fault in &refused.lines {
                assert!(fault.line as usize <= lines + 1, "{fault:?}");
            }
        }
    }
});
