//! The shapes of canonical objects, taken from their JSON Schema: which fields there are, in which order, and what
//! they hold. A map is checked against them, and values are laid out by them.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::names::Names;
use super::stamp::Stamp;

/// Index into [`Shapes`].
pub(super) type ShapeId = u16;
/// Index into the fields of a shape.
pub(super) type FieldId = u16;

/// The field of a document that names its kind.
pub(super) const TAG_FIELD: &str = "document";

/// What a field holds (each of them, for a list).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Date,
    Time,
    Decimal,
    Integer,
    Object(ShapeId),
}

#[derive(Debug, Clone)]
pub(super) struct Field {
    pub name: String,
    pub kind: Kind,
    pub list: bool,
    /// Its name as JSON has it before a text: `,"name":"`.
    pub json: Stamp,
}

/// An object's fields, in the order in which they are written.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    pub name: String,
    pub fields: Vec<Field>,
    names: Names,
}

impl Shape {
    /// The field of that name.
    #[inline]
    pub(super) fn find(&self, name: &str) -> Option<FieldId> {
        let name_at = |i: usize| self.fields.get(i).map(|f| f.name.as_bytes());
        self.names.find(name.as_bytes(), name_at).and_then(|i| FieldId::try_from(i).ok())
    }
}

/// All shapes of one kind of document; 0 is the document.
#[derive(Debug, Clone, Default)]
pub(super) struct Shapes {
    pub shapes: Vec<Shape>,
}

/// What a schema must not be for maps to lead to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the schema of `{owner}` has the field `{field}`, which is neither text, number, object nor a list of these"
)]
pub struct SchemaError {
    /// The object.
    pub owner: String,
    /// The field.
    pub field: String,
}

impl Shapes {
    #[inline]
    pub(super) fn get(&self, id: ShapeId) -> &Shape {
        &self.shapes[usize::from(id)]
    }

    pub(super) fn field(&self, shape: ShapeId, field: FieldId) -> &Field {
        &self.get(shape).fields[usize::from(field)]
    }

    /// From a JSON Schema as the canonical model gives it. The field `document` of the root, which only tells the
    /// kind, is left out.
    pub(super) fn from_schema(kind: &str, schema: &Json) -> Result<Self, SchemaError> {
        let mut shapes = Self { shapes: vec![Shape { name: kind.to_owned(), ..Shape::default() }] };
        let mut known: BTreeMap<String, ShapeId> = BTreeMap::new();
        let mut open: Vec<(ShapeId, &Json)> = vec![(0, schema)];
        while let Some((id, object)) = open.pop() {
            let owner = shapes.get(id).name.clone();
            let properties = object.get("properties").and_then(Json::as_object);
            for (name, property) in properties.into_iter().flatten() {
                if id == 0 && name == TAG_FIELD {
                    continue;
                }
                let list = property["type"] == "array";
                let one = if list { &property["items"] } else { property };
                let kind = match one["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
                    Some(part) => {
                        Kind::Object(*known.entry(part.to_owned()).or_insert_with(|| {
                            let next =
                                ShapeId::try_from(shapes.shapes.len()).unwrap_or(ShapeId::MAX);
                            shapes.shapes.push(Shape { name: part.to_owned(), ..Shape::default() });
                            open.push((next, &schema["$defs"][part]));
                            next
                        }))
                    }
                    None => scalar(one)
                        .ok_or_else(|| SchemaError { owner: owner.clone(), field: name.clone() })?,
                };
                shapes.shapes[usize::from(id)].fields.push(Field {
                    name: name.clone(),
                    kind,
                    list,
                    json: Stamp::name(name),
                });
            }
        }
        for shape in &mut shapes.shapes {
            shape.names = Names::new(shape.fields.iter().map(|f| f.name.as_bytes()));
        }
        Ok(shapes)
    }
}

fn scalar(schema: &Json) -> Option<Kind> {
    match (schema["type"].as_str()?, schema["format"].as_str()) {
        ("string", Some("date")) => Some(Kind::Date),
        ("string", Some("time-of-day")) => Some(Kind::Time),
        ("string", _) if schema.get("pattern").is_some() => Some(Kind::Decimal),
        ("string", _) => Some(Kind::Text),
        ("integer", _) => Some(Kind::Integer),
        _ => None,
    }
}
