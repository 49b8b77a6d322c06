//! Segments and elements: whatever the delimiters and the bytes, the views that the reader hands out lie within
//! the input and agree with a plain split of it.

#![no_main]

use crossdock::x12::{Event, Limits, Reader, Segments};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [element, component, terminator, repetition, body @ ..] = data else { return };
    let mut input = Vec::with_capacity(body.len() + 192);
    let e = [*element];
    let blank = [b' '; 15];
    for part in [&b"00"[..], &blank[..10], b"00", &blank[..10], b"ZZ", &blank, b"ZZ", &blank, b"261121", b"0915"] {
        input.extend_from_slice(if input.is_empty() { b"ISA" } else { b"" });
        input.extend_from_slice(&e);
        input.extend_from_slice(part);
    }
    for part in [&[*repetition][..], b"00501", b"000000001", b"0", b"P", &[*component], b""] {
        input.extend_from_slice(if part.is_empty() { &[] } else { &e });
        input.extend_from_slice(part);
    }
    input.push(*terminator);
    input.extend_from_slice(body);

    let mut reader = Reader::with_limits(&input[..], Limits { set_bytes_max: 4096 });
    while let Some(event) = reader.next().expect("bytes in memory") {
        if let Event::Set(set) = event {
            agree(&input, set.segments);
        }
    }
});

fn agree(input: &[u8], segments: Segments<'_>) {
    assert_eq!(segments.iter().len(), segments.len());
    let delimiters = segments.delimiters();
    for (index, segment) in segments.iter().enumerate() {
        let start = usize::try_from(segment.offset()).expect("an offset in memory");
        let raw = segment.raw();
        assert_eq!(&input[start..start + raw.len()], raw, "the view is what stands there");
        assert_eq!(segments.get(index).expect("within bounds").raw(), raw);
        assert_eq!(segment.elements().len(), segment.len());
        for (at, value) in segment.elements().enumerate() {
            assert_eq!(segment.element(at + 1), value);
            let from = usize::try_from(segment.element_offset(at + 1)).expect("an offset in memory");
            assert_eq!(&input[from..from + value.len()], value);
        }
        let opaque = matches!(segment.id(), b"BIN" | b"BDS");
        if !opaque && delimiters.element != delimiters.segment {
            let mut parts = raw.split(|&b| b == delimiters.element);
            assert_eq!(parts.next().unwrap_or_default(), segment.id());
            assert!(parts.eq(segment.elements()), "the elements are those of a plain split");
        }
    }
}
