//! Why JSON is no document, with the field that it is wrong in.

use serde::de::{DeserializeOwned, IntoDeserializer as _};
use serde_json::Value;

use crate::wording::in_words;

use super::{Acknowledgement, Inventory, Invoice, Order, Shipment};

/// Why JSON is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
pub struct JsonError {
    /// The field, `lines[0].quantity`; empty where it is about the document as a whole, or no JSON.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

impl JsonError {
    /// The kind of a document is one of its fields, so that its reader has all of it before it knows what to expect, and
    /// can no longer tell where something stood. What is wrong is therefore read once more, by its kind.
    pub(super) fn of(json: &[u8], error: &serde_json::Error) -> Self {
        let whole = Self { path: String::new(), reason: in_words(&error.to_string(), "an object") };
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(json) else { return whole };
        let kind = fields.remove("document");
        let fields = Value::Object(fields);
        let found = match kind.as_ref().and_then(Value::as_str) {
            Some("order" | "order_change") => find::<Order>(fields),
            Some("shipment") => find::<Shipment>(fields),
            Some("invoice") => find::<Invoice>(fields),
            Some("inventory") => find::<Inventory>(fields),
            Some("acknowledgement") => find::<Acknowledgement>(fields),
            _ => None,
        };
        found.unwrap_or(whole)
    }
}

fn find<T: DeserializeOwned>(fields: Value) -> Option<JsonError> {
    let error = serde_path_to_error::deserialize::<_, T>(fields.into_deserializer()).err()?;
    let path = Some(error.path().to_string()).filter(|path| path != ".").unwrap_or_default();
    Some(JsonError { path, reason: in_words(&error.inner().to_string(), "an object") })
}

#[cfg(test)]
mod tests {
    use crate::canonical::Document;

    fn said(json: &str) -> String {
        Document::from_json(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn an_error_names_the_field() {
        let date = said(r#"{"document":"order","number":"A","date":"2026-13-01"}"#);
        assert!(date.starts_with("date: ") && date.contains("month"), "{date}");
        let unknown = said(r#"{"number":"A","lines":[{},{"numbr":"1"}],"document":"invoice"}"#);
        assert!(unknown.starts_with("lines[1].numbr: unknown field"), "{unknown}");
    }

    #[test]
    fn what_is_no_document_at_all_is_said_as_it_is() {
        assert!(said(r#"{"document":"parcel"}"#).contains("parcel"));
        assert!(said(r#"{"number":"A"}"#).contains("`document`"));
        assert!(said("{").contains("line 1"));
        assert!(said("[7]").contains("line 1"));
    }
}
