//! The grammar language: any text is read or refused with lines that exist, alone and over the embedded grammars.

#![no_main]

use crossdock::grammar::{Library, SourceFile, parse_file};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let lines = text.lines().count().max(1);
    let parsed = parse_file("fuzz.grammar", text);
    drop(parsed);
    // The file alone: faults name it, and a line of it.
    if let Err(refused) = Library::from_sources(&[SourceFile { path: "fuzz.grammar".into(), text: text.to_owned() }]) {
        assert!(!refused.lines.is_empty());
        for fault in &refused.lines {
            assert!(fault.line as usize <= lines + 1, "{fault:?}");
        }
    }
});
