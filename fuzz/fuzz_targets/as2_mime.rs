//! MIME: any bytes are read as an entity and its parts; what they consist of lies within them.

#![no_main]

use crossdock::transport::as2::mime::{Entity, Limits, canonical};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    if let Some(canonical_form) = canonical(data) {
        assert_eq!(canonical(&canonical_form), None, "canonical once is canonical for good");
    }
    let Ok(entity) = Entity::read(data, &limits) else { return };
    assert_eq!([entity.head(), entity.body].concat(), data);
    if let Ok(decoded) = entity.decoded() {
        assert!(decoded.len() <= entity.body.len(), "a body does not grow");
    }
    for (name, _) in entity.headers.iter() {
        let value = entity.headers.parameterized(name);
        let _ = (value.parameter("filename"), value.parameter("boundary"));
    }
    let Ok(parts) = entity.parts(&limits) else { return };
    let length: usize = parts.parts.iter().map(|part| part.len()).sum();
    assert!(length <= entity.body.len() && parts.parts.len() <= limits.parts);
    for part in parts.parts {
        let _ = Entity::read(part, &limits);
    }
});
