//! JSON as programs see it, read so that its texts share one copy of it: a document has hundreds of them.

use std::cell::RefCell;
use std::fmt;

use bytes::Bytes;
use jaq_json::{Num, Val};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Reads a value.
///
/// # Errors
/// In words: where it is no JSON, or nested too deep.
pub(super) fn read(json: &Bytes) -> Result<Val, String> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let (items, members) = (RefCell::default(), RefCell::default());
    let part = Part { json, items: &items, members: &members };
    let value = part.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    match value {
        Ok(value) => Ok(value),
        Err(e) if e.is_data() => read_with_decimals(json),
        Err(e) => Err(e.to_string()),
    }
}

/// The interpreter's own reader keeps the digits of decimals, and knows no bound of how deep it goes.
fn read_with_decimals(json: &[u8]) -> Result<Val, String> {
    serde_json::from_slice::<IgnoredAny>(json).map_err(|e| e.to_string())?;
    jaq_json::read::parse_single(json).map_err(|e| e.to_string())
}

/// A part of the text. What has been read of lists and objects that are still open lies on two stacks, so that each of
/// them is made when its size is known.
#[derive(Clone, Copy)]
struct Part<'a> {
    json: &'a Bytes,
    items: &'a RefCell<Vec<Val>>,
    members: &'a RefCell<Vec<(Val, Val)>>,
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = Val;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Val, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = Val;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Val, E> {
        Ok(Val::Null)
    }

    fn visit_bool<E>(self, is: bool) -> Result<Val, E> {
        Ok(Val::Bool(is))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Val, E> {
        Ok(Val::Num(Num::from_integral(number)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Val, E> {
        Ok(Val::Num(Num::from_integral(number)))
    }

    /// Its digits are lost here. Canonical documents have none: their decimals are texts.
    fn visit_f64<E: Error>(self, _: f64) -> Result<Val, E> {
        Err(E::custom("a decimal"))
    }

    /// It stands in the document as it is.
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Val, E> {
        Ok(Val::utf8_str(self.json.slice_ref(text.as_bytes())))
    }

    /// One with escapes.
    fn visit_str<E>(self, text: &str) -> Result<Val, E> {
        Ok(Val::from(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Val, A::Error> {
        let begin = self.items.borrow().len();
        while let Some(item) = items.next_element_seed(self)? {
            self.items.borrow_mut().push(item);
        }
        Ok(self.items.borrow_mut().drain(begin..).collect())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Val, A::Error> {
        let begin = self.members.borrow().len();
        while let Some(name) = members.next_key_seed(self)? {
            let value = members.next_value_seed(self)?;
            self.members.borrow_mut().push((name, value));
        }
        Ok(Val::obj(self.members.borrow_mut().drain(begin..).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_the_interpreter_reads() {
        for json in [
            "null",
            "[true, false, -7, 0, 18446744073709551615]",
            "{\"a\": [1.50, -2e3, 123456789012345678901234567890]}",
            r#"{"a": "x", "b\n\u00e9": "\"\\ \ud83d\ude00 \u0000", "": {}, "c": [[], [""]]}"#,
            r#"{"a": 1, "a": 2}"#,
        ] {
            let ours = read(&Bytes::from(json)).unwrap();
            assert_eq!(ours, jaq_json::read::parse_single(json.as_bytes()).unwrap(), "{json}");
        }
        for wrong in [
            "",
            "{",
            "1 2",
            "{1: 2}",
            "nul",
            &"[".repeat(1000),
            &format!("[1.5, {}", "[".repeat(100_000)),
        ] {
            assert!(read(&Bytes::from(wrong.to_owned())).is_err(), "{wrong}");
        }
    }
}
