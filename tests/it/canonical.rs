//! The canonical model as JSON, XML and JSON Schema.

use crossdock::canonical::{Document, schema};

#[test]
fn a_document_reads_back_from_json() {
    let text = r#"{"document":"order","number":"PO-1","lines":[{"number":"1","quantity":"1.50","items":[{"kind":"upc","value":"012345678905"}]}]}"#;
    let document: Document = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&document).unwrap(), text);
}

#[test]
fn a_name_that_a_document_does_not_have_is_refused() {
    let error =
        serde_json::from_str::<Document>(r#"{"document":"order","nmber":"PO-1"}"#).unwrap_err();
    assert!(error.to_string().contains("nmber"), "{error}");
}

#[test]
fn every_kind_of_document_has_a_schema_that_describes_every_field() {
    for kind in Document::KINDS {
        let schema = schema(kind).unwrap();
        let check = |owner: &str, properties: &serde_json::Value| {
            for (name, property) in properties.as_object().unwrap() {
                assert!(
                    property.get("description").is_some(),
                    "{kind}: {owner}.{name} is not described"
                );
            }
        };
        check("", &schema["properties"]);
        for (name, part) in schema["$defs"].as_object().unwrap() {
            check(name, &part["properties"]);
        }
    }
}
