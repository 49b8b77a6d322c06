//! A document's values as JSON, without a detour: names are ready to copy, and texts mostly are, too.

use super::plan::Map;
use super::shape::Kind;
use super::values::{Entry, Tag, Values};
use super::view::TAG_FIELD;

/// What it takes to write a document.
struct Json<'v> {
    values: &'v Values,
    source: &'v str,
    map: &'v Map,
}

/// Appends a document with the field that names its kind.
pub(super) fn document(values: &Values, source: &str, map: &Map, out: &mut Vec<u8>) {
    let json = Json { values, source, map };
    out.extend_from_slice(b"{");
    text(TAG_FIELD, out);
    out.push(b':');
    text(&map.document, out);
    if let Some(root) = values.root {
        json.fields(root, 0, true, out);
    }
    out.push(b'}');
}

impl Json<'_> {
    /// The fields of an object, each after a comma but perhaps the first. Objects are as deep as shapes are, which
    /// a schema bounds.
    fn fields(&self, object: Entry, shape: u16, mut comma: bool, out: &mut Vec<u8>) {
        let shape = self.map.shapes.get(shape);
        for &entry in self.values.within(object) {
            let Some(field) = shape.fields.get(usize::from(entry.field)) else { continue };
            if comma {
                out.push(b',');
            }
            comma = true;
            out.extend_from_slice(field.json.as_bytes());
            if field.list {
                out.push(b'[');
                for (i, &item) in self.values.within(entry).iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    self.value(item, field.kind, out);
                }
                out.push(b']');
            } else {
                self.value(entry, field.kind, out);
            }
        }
    }

    fn value(&self, entry: Entry, kind: Kind, out: &mut Vec<u8>) {
        if let Kind::Object(shape) = kind {
            out.push(b'{');
            self.fields(entry, shape, false, out);
            out.push(b'}');
        } else if entry.tag == Tag::Integer {
            out.extend_from_slice(entry.number().to_string().as_bytes());
        } else {
            text(self.values.str(entry, self.source, self.map), out);
        }
    }
}

/// A text in quotes.
fn text(text: &str, out: &mut Vec<u8>) {
    // All bytes are looked at, without a way out, so that the compiler takes many at a time.
    let special =
        text.bytes().fold(false, |any, b| any || (b < 0x20) || (b == b'"') || (b == b'\\'));
    if special {
        out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}
