//! JSON Schemas of the documents.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::{Acknowledgement, Inventory, Invoice, Order, Shipment};

/// The JSON Schema (2020-12) of a kind of document; `None` for a kind that is not in
/// [`Document::KINDS`](super::Document::KINDS). Properties are in the order in which documents are written.
///
/// ```
/// let schema = crossdock::canonical::schema("order").unwrap();
/// assert_eq!(schema["properties"]["lines"]["type"], "array");
/// ```
#[must_use]
pub fn schema(kind: &str) -> Option<Value> {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let schema = match kind {
        "order" | "order_change" => generator.into_root_schema_for::<Order>(),
        "shipment" => generator.into_root_schema_for::<Shipment>(),
        "invoice" => generator.into_root_schema_for::<Invoice>(),
        "inventory" => generator.into_root_schema_for::<Inventory>(),
        "acknowledgement" => generator.into_root_schema_for::<Acknowledgement>(),
        _ => return None,
    };
    let mut schema = schema.to_value();
    without_null(&mut schema);
    let tag = json!({ "const": kind, "description": "Which kind of document this is." });
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.shift_insert(0, "document".to_owned(), tag);
    }
    Some(schema)
}

/// An absent field is left out, never `null`: takes the alternative out of the schema.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(without_null),
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get("type")
                && let [one, null] = types.as_slice()
                && null == "null"
            {
                let one = one.clone();
                object.insert("type".to_owned(), one);
            }
            if let Some(Value::Array(any)) = object.get("anyOf")
                && let [one, null] = any.as_slice()
                && null["type"] == "null"
                && let Some(reference) = one.get("$ref").cloned()
            {
                object.shift_remove("anyOf");
                object.shift_insert(0, "$ref".to_owned(), reference);
            }
            object.values_mut().for_each(without_null);
        }
        _ => {}
    }
}
