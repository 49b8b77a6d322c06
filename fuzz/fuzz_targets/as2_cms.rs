//! CMS: any bytes are refused or read as what they say they are, and never become more than is allowed.

#![no_main]

use std::sync::LazyLock;

use crossdock::transport::as2::cms::{Identity, Kind, decompress, open, verify};
use libfuzzer_sys::fuzz_target;

const DECOMPRESSED_MAX: usize = 1 << 16;

static IDENTITY: LazyLock<Identity> = LazyLock::new(|| {
    Identity::read(include_bytes!("../../fixtures/as2/ours.pem"), "").expect("a fixture")
});

fuzz_target!(|data: &[u8]| {
    let kind = Kind::of(data);
    if let Ok(opened) = open(data, std::slice::from_ref(&*IDENTITY)) {
        assert!(opened.content.len() <= data.len());
    }
    let certificates = std::slice::from_ref(IDENTITY.certificate());
    // Nobody makes a signature by chance.
    assert!(verify(data, b"ISA*", certificates).is_err());
    if let Ok(content) = decompress(data, DECOMPRESSED_MAX) {
        assert!(content.len() <= DECOMPRESSED_MAX && kind.is_ok_and(|kind| kind == Kind::Compressed));
    }
});
