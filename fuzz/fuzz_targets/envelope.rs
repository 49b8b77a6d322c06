//! The reader of interchanges: any bytes, in one piece or in crumbs, give the same events, and it comes to an end.

#![no_main]

use std::io::Read;

use crossdock::x12::{Event, Limits, Reader};
use libfuzzer_sys::fuzz_target;

/// Hands out the input in pieces of a few bytes.
struct Crumbs<'a> {
    rest: &'a [u8],
    size: usize,
}

impl Read for Crumbs<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.size.min(self.rest.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&self.rest[..count]);
        self.rest = &self.rest[count..];
        Ok(count)
    }
}

fuzz_target!(|data: &[u8]| {
    let limits = Limits { set_bytes_max: 2048 };
    let whole = events(Reader::with_limits(data, limits), data.len());
    let size = usize::from(data.first().copied().unwrap_or(1)) % 61 + 1;
    let crumbs = events(Reader::with_limits(Crumbs { rest: data, size }, limits), data.len());
    assert_eq!(whole, crumbs, "pieces of {size} bytes");
});

fn events<R: Read>(mut reader: Reader<R>, length: usize) -> Vec<String> {
    let mut seen = Vec::new();
    while let Some(event) = reader.next().expect("bytes in memory") {
        seen.push(match event {
            Event::Set(set) => format!(
                "set {} {:?} {:?} {} {:?} {:?}",
                set.id,
                set.control_number,
                set.convention,
                set.segments.len(),
                set.segments.raw(),
                set.faults
            ),
            Event::InterchangeAck(segment) => format!("TA1 {} {:?}", segment.offset(), segment.raw()),
            other => format!("{other:?}"),
        });
        // Every event but the first and the ends takes at least one byte.
        assert!(seen.len() <= 2 * length + 8, "the reader does not come to an end");
    }
    seen
}
