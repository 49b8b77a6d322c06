//! A document's values towards serde: serialized as they are, or deserialized into typed documents.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde::{Deserializer, forward_to_deserialize_any};

use super::plan::Map;
use super::shape::{Kind, Shape};
use super::values::{Entry, Tag, Values};

/// An entry with what it takes to read it.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'v> {
    values: &'v Values,
    source: &'v str,
    map: &'v Map,
    entry: Entry,
    kind: Kind,
    list: bool,
    /// Whether this is the document, and names its kind.
    tagged: bool,
}

/// The field of a document that names its kind.
pub(super) const TAG_FIELD: &str = "document";

impl<'v> View<'v> {
    pub(super) fn document(
        values: &'v Values,
        source: &'v str,
        map: &'v Map,
        entry: Entry,
        tagged: bool,
    ) -> Self {
        Self { values, source, map, entry, kind: Kind::Object(0), list: false, tagged }
    }

    fn shape(&self) -> Option<&'v Shape> {
        match self.kind {
            Kind::Object(shape) => Some(self.map.shapes.get(shape)),
            _ => None,
        }
    }

    fn entries(&self) -> &'v [Entry] {
        self.values.within(self.entry)
    }

    fn str(&self) -> &'v str {
        self.values.str(self.entry, self.source, self.map)
    }

    fn item(&self, entry: Entry) -> Self {
        Self { entry, list: false, tagged: false, ..*self }
    }
}

/// A field of an object: its name and value.
fn field<'v>(view: &View<'v>, shape: &'v Shape, entry: Entry) -> Option<(&'v str, View<'v>)> {
    let field = shape.fields.get(usize::from(entry.field))?;
    Some((&field.name, View { entry, kind: field.kind, list: field.list, tagged: false, ..*view }))
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.list {
            let items = self.entries();
            let mut list = serializer.serialize_seq(Some(items.len()))?;
            for &item in items {
                list.serialize_element(&self.item(item))?;
            }
            return list.end();
        }
        if let Some(shape) = self.shape() {
            let fields = self.entries();
            let mut map =
                serializer.serialize_map(Some(fields.len() + usize::from(self.tagged)))?;
            if self.tagged {
                map.serialize_entry(TAG_FIELD, &self.map.document)?;
            }
            for &entry in fields {
                if let Some((name, value)) = field(self, shape, entry) {
                    map.serialize_entry(name, &value)?;
                }
            }
            return map.end();
        }
        match self.entry.tag {
            Tag::Integer => serializer.serialize_i64(self.entry.number()),
            _ => serializer.serialize_str(self.str()),
        }
    }
}

impl<'de> Deserializer<'de> for View<'de> {
    type Error = super::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.list {
            return visitor.visit_seq(Items { view: self, rest: self.entries().iter() });
        }
        if self.shape().is_some() {
            let rest = self.entries().iter();
            return visitor.visit_map(Fields { view: self, rest, value: None, tag: self.tagged });
        }
        match self.entry.tag {
            Tag::Integer => visitor.visit_i64(self.entry.number()),
            _ => visitor.visit_borrowed_str(self.str()),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, super::Error> for View<'de> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

struct Items<'de> {
    view: View<'de>,
    rest: std::slice::Iter<'de, Entry>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = super::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Self::Error> {
        match self.rest.next() {
            Some(&entry) => seed.deserialize(self.view.item(entry)).map(Some),
            None => Ok(None),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Fields<'de> {
    view: View<'de>,
    rest: std::slice::Iter<'de, Entry>,
    value: Option<View<'de>>,
    /// Whether the kind is still to be named.
    tag: bool,
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = super::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Self::Error> {
        if self.tag {
            return seed.deserialize(BorrowedStrDeserializer::new(TAG_FIELD)).map(Some);
        }
        let Some(shape) = self.view.shape() else { return Ok(None) };
        let Some(&entry) = self.rest.next() else { return Ok(None) };
        let Some((name, value)) = field(&self.view, shape, entry) else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, Self::Error> {
        if std::mem::take(&mut self.tag) {
            return seed.deserialize(BorrowedStrDeserializer::new(&self.view.map.document));
        }
        match self.value.take() {
            Some(value) => seed.deserialize(value),
            None => Err(de::Error::custom("a value was asked for before its name")),
        }
    }
}
