//! Messages and receipts: any header and body are refused or read. The header ends at the first empty line.

#![no_main]

use std::sync::LazyLock;

use crossdock::transport::as2::cms::{Digest, Identity};
use crossdock::transport::as2::mdn::{self, Sent, judge};
use crossdock::transport::as2::message::{self, Keys, Limits, Mics, ReceiptRequest};
use crossdock::transport::as2::mime::Entity;
use libfuzzer_sys::fuzz_target;

static IDENTITY: LazyLock<Identity> = LazyLock::new(|| {
    Identity::read(include_bytes!("../../fixtures/as2/ours.pem"), "").expect("a fixture")
});
static MICS: LazyLock<Mics> = LazyLock::new(|| Mics::of(b"ISA*").expect("digests"));

fuzz_target!(|data: &[u8]| {
    let limits = Limits { content_bytes: 1 << 16, ..Limits::default() };
    let Ok(entity) = Entity::read(data, &limits.mime) else { return };
    let certificates = std::slice::from_ref(IDENTITY.certificate());
    let keys = Keys { own: std::slice::from_ref(&*IDENTITY), partner: certificates };
    let _ = ReceiptRequest::read(&entity.headers);
    if let Ok(opened) = message::open(&entity.headers, entity.body, keys, Digest::Sha256, &limits) {
        assert!(!opened.documents.is_empty());
    }
    let is_mdn = mdn::is_mdn(&entity.headers, entity.body, &limits);
    let read = mdn::read(&entity.headers, entity.body, certificates, &limits);
    assert!(is_mdn || read.is_err(), "what is read as a receipt is known for one");
    if let Ok(mdn) = read {
        let signed = Some(Digest::Sha256);
        let sent = Sent { message_id: "1@a", to: "a", mics: &MICS, signed, needs_mic: true, is_answer: true };
        let _ = judge(&mdn, &sent);
    }
});
