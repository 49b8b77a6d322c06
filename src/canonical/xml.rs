//! Documents as XML: an element for each field, named like it, within an element named like the kind of document.
//! Lists are repeated elements of the list's name (`<lines>…</lines><lines>…</lines>`).

use std::sync::LazyLock;

use quick_xml::Reader;
use quick_xml::escape::{partial_escape, unescape};
use quick_xml::events::Event;
use quick_xml::se::Serializer;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Document, schema};

/// Why XML is no document, or a document cannot be said in XML.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    /// A text has a character that XML cannot hold, such as a control character.
    #[error("the document cannot be written as XML: {0}")]
    Write(#[from] quick_xml::SeError),
    /// Not well-formed.
    #[error("this is no XML: {0}")]
    Read(#[from] quick_xml::Error),
    /// A reference to a character or entity that there is not.
    #[error("this is no XML: {0}")]
    Reference(#[from] quick_xml::escape::EscapeError),
    /// Elements within elements, deeper than any document.
    #[error("elements are nested too deeply for a canonical document")]
    Depth,
    /// The outermost element is none of the kinds of document.
    #[error("the outermost element is `{0}`; expected {kinds}", kinds = Document::KINDS.join(", "))]
    Kind(String),
    /// A field that is no list stands there twice.
    #[error("the element `{0}` is there twice, and is no list")]
    Twice(String),
    /// Elements that the document does not have, or values that they cannot have.
    #[error("this is no canonical document: {0}")]
    Document(#[from] serde_json::Error),
}

/// Appends a document as XML, without a declaration.
///
/// ```
/// use crossdock::canonical::{Document, Order, read_xml, write_xml};
/// let order = Order { number: "PO-1".to_owned(), ..Order::default() };
/// let document = Document::Order(Box::new(order));
/// let mut text = String::new();
/// write_xml(&document, &mut text).unwrap();
/// assert_eq!(text, "<order><number>PO-1</number></order>");
/// assert_eq!(read_xml(&text).unwrap(), document);
/// ```
///
/// # Errors
/// [`XmlError::Write`].
pub fn write_xml(document: &Document, out: &mut String) -> Result<(), XmlError> {
    match document {
        Document::Order(order) | Document::OrderChange(order) => {
            write(&**order, document.kind(), out)
        }
        Document::Shipment(shipment) => write(&**shipment, document.kind(), out),
        Document::Invoice(invoice) => write(&**invoice, document.kind(), out),
        Document::Inventory(inventory) => write(&**inventory, document.kind(), out),
        Document::Acknowledgement(acknowledgement) => {
            write(&**acknowledgement, document.kind(), out)
        }
    }
}

fn write<T: Serialize>(document: &T, kind: &str, out: &mut String) -> Result<(), XmlError> {
    let serializer = Serializer::with_root(out, Some(kind))?;
    document.serialize(serializer)?;
    Ok(())
}

/// Reads a document that [`write_xml`] has written, or that is written like that: blanks between elements do not
/// matter, blanks within a text do.
///
/// # Errors
/// [`XmlError::Read`], [`XmlError::Kind`] and [`XmlError::Document`].
pub fn read_xml(text: &str) -> Result<Document, XmlError> {
    let root = parse(text)?;
    let Some(schema) = SCHEMAS.iter().find(|(kind, _)| *kind == root.name) else {
        return Err(XmlError::Kind(root.name));
    };
    let mut value = root.into_value(&schema.1, &schema.1)?;
    if let Value::Object(fields) = &mut value {
        fields.insert("document".to_owned(), schema.0.into());
    }
    Ok(serde_json::from_value(value)?)
}

/// Elements tell nothing of their types: which are lists and which are numbers, the schema knows.
static SCHEMAS: LazyLock<Vec<(&'static str, Value)>> = LazyLock::new(|| {
    Document::KINDS.into_iter().filter_map(|kind| Some((kind, schema(kind)?))).collect()
});

/// Elements within elements; the deepest document has ten.
const DEPTH_MAX: usize = 32;

/// An element.
#[derive(Default)]
struct Element {
    name: String,
    /// Its text, escaped.
    text: String,
    children: Vec<Element>,
}

fn parse(text: &str) -> Result<Element, XmlError> {
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::default()];
    let close = |open: &mut Vec<Element>| {
        if let (Some(done), Some(parent)) = (open.pop(), open.last_mut()) {
            parent.children.push(done);
        }
    };
    loop {
        let event = reader.read_event()?;
        match event {
            Event::Start(start) => {
                if open.len() > DEPTH_MAX {
                    return Err(XmlError::Depth);
                }
                open.push(Element { name: start.name().as_ref().to_owned(), ..Element::default() });
            }
            Event::Empty(start) => {
                let name = start.name().as_ref().to_owned();
                open.push(Element { name, ..Element::default() });
                close(&mut open);
            }
            Event::End(_) => close(&mut open),
            Event::Text(part) => push(&mut open, &part),
            Event::CData(part) => push(&mut open, &partial_escape(&*part)),
            Event::GeneralRef(name) => push(&mut open, &format!("&{};", &*name)),
            Event::Eof => break,
            _ => {}
        }
    }
    let mut document = open.into_iter().next().unwrap_or_default();
    Ok(if document.children.is_empty() {
        Element::default()
    } else {
        document.children.swap_remove(0)
    })
}

fn push(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

impl Element {
    /// The value that the schema says it is.
    fn into_value(self, schema: &Value, root: &Value) -> Result<Value, XmlError> {
        let schema = match schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
            Some(name) => &root["$defs"][name],
            None => schema,
        };
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            let mut fields = Map::new();
            for child in self.children {
                let name = child.name.clone();
                let property = properties.get(&name).unwrap_or(&Value::Null);
                if property["type"] == "array" {
                    let item = child.into_value(&property["items"], root)?;
                    match fields.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
                        Value::Array(items) => items.push(item),
                        _ => unreachable!("a list is made where the schema has one"),
                    }
                } else {
                    let value = child.into_value(property, root)?;
                    if fields.insert(name.clone(), value).is_some() {
                        return Err(XmlError::Twice(name));
                    }
                }
            }
            return Ok(Value::Object(fields));
        }
        let text = unescape(&self.text)?;
        if schema["type"] == "integer"
            && let Ok(number) = text.trim().parse::<i64>()
        {
            return Ok(number.into());
        }
        Ok(text.into_owned().into())
    }
}
