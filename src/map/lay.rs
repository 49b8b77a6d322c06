//! A typed document laid out as values: a serde serializer guided by the shapes.

use std::fmt::{Display, Write as _};
use std::sync::Arc;

use serde::ser::{self, Impossible, Serialize, Serializer};

use super::Error;
use super::laid::{At, Laid, Tag, small};
use super::shape::{FieldId, Kind, ShapeId, Shapes, TAG_FIELD};

/// Lays out documents, one after the other.
///
/// A type names its fields in the same order each time. So a field is expected where it was last time, right behind
/// the one before it, and is known again by where its name lies in memory.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub laid: Laid,
    shapes: Arc<Shapes>,
    /// Where the fields of each shape begin in `fields`.
    firsts: Vec<usize>,
    /// The fields of all shapes; behind those of each, one that has no name.
    fields: Vec<Known>,
    /// Name of the field of a map that comes next.
    key: String,
}

/// A field, and the name by which a type last asked for it: where it lies, and how long it is.
#[derive(Debug, Clone, Copy)]
struct Known {
    address: usize,
    length: usize,
    wanted: Wanted,
}

/// What a field has to hold.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    field: FieldId,
    kind: Kind,
    list: bool,
}

/// No text is there.
const NOWHERE: usize = 0;

impl Layout {
    /// Lays out a document in place of the one before; without entries afterwards where there was nothing.
    pub(super) fn lay<T: Serialize + ?Sized>(
        &mut self,
        document: &T,
        shapes: &Arc<Shapes>,
    ) -> Result<(), Error> {
        if !Arc::ptr_eq(&self.shapes, shapes) {
            self.learn(shapes);
        }
        self.laid.clear();
        let wanted = Wanted { field: 0, kind: Kind::Object(0), list: false };
        document.serialize(Layer { layout: self, wanted })
    }

    fn learn(&mut self, shapes: &Arc<Shapes>) {
        self.shapes = Arc::clone(shapes);
        self.firsts.clear();
        self.fields.clear();
        let unknown = |wanted| Known { address: NOWHERE, length: 0, wanted };
        for shape in &shapes.shapes {
            self.firsts.push(self.fields.len());
            for (i, field) in shape.fields.iter().enumerate() {
                let id = FieldId::try_from(i).unwrap_or(FieldId::MAX);
                let wanted = Wanted { field: id, kind: field.kind, list: field.list };
                self.fields.push(unknown(wanted));
            }
            let end = Wanted { field: FieldId::MAX, kind: Kind::Text, list: false };
            self.fields.push(unknown(end));
        }
    }
}

/// One value, with what it has to be.
struct Layer<'v> {
    layout: &'v mut Layout,
    wanted: Wanted,
}

impl Layer<'_> {
    fn wrong(&self, what: &str) -> Error {
        Error::Type(format!("{what} stands where {} is expected", self.expected()))
    }

    fn expected(&self) -> &'static str {
        match self.wanted.kind {
            _ if self.wanted.list => "a list",
            Kind::Text | Kind::Date | Kind::Time => "a text",
            Kind::Decimal => "a decimal as text",
            Kind::Integer => "a whole number",
            Kind::Object(_) => "an object",
        }
    }

    #[inline]
    fn integer(self, number: i128) -> Result<(), Error> {
        match (self.wanted.kind, i64::try_from(number)) {
            _ if self.wanted.list => Err(self.wrong("a number")),
            (Kind::Integer, Ok(number)) => {
                self.layout.laid.push_integer(self.wanted.field, number);
                Ok(())
            }
            (Kind::Decimal | Kind::Text, _) => self.collect_str(&number),
            _ => Err(self.wrong("a number")),
        }
    }
}

macro_rules! integers {
    ($($name:ident $type:ty)*) => {
        $(
            #[inline]
            fn $name(self, number: $type) -> Result<(), Error> { self.integer(i128::from(number)) }
        )*
    };
}

impl<'v> Serializer for Layer<'v> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = List<'v>;
    type SerializeTuple = List<'v>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Object<'v>;
    type SerializeStruct = Object<'v>;
    type SerializeStructVariant = Impossible<(), Error>;

    integers! {
        serialize_i8 i8 serialize_i16 i16 serialize_i32 i32 serialize_i64 i64
        serialize_u8 u8 serialize_u16 u16 serialize_u32 u32 serialize_u64 u64
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Error> {
        match self.wanted.kind {
            _ if self.wanted.list => Err(self.wrong("a text")),
            Kind::Text | Kind::Date | Kind::Time | Kind::Decimal => {
                self.layout.laid.push_text(self.wanted.field, text);
                Ok(())
            }
            Kind::Integer => match text.parse() {
                Ok(number) => {
                    self.layout.laid.push_integer(self.wanted.field, number);
                    Ok(())
                }
                Err(_) => Err(self.wrong("a text")),
            },
            Kind::Object(_) => Err(self.wrong("a text")),
        }
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        if self.wanted.list || matches!(self.wanted.kind, Kind::Integer | Kind::Object(_)) {
            return Err(self.wrong("a text"));
        }
        let laid = &mut self.layout.laid;
        let start = laid.texts.len();
        write!(laid.texts, "{value}").map_err(ser::Error::custom)?;
        let length = laid.texts.len() - start;
        laid.push(self.wanted.field, Tag::Text, small(start), small(length));
        Ok(())
    }

    fn serialize_char(self, c: char) -> Result<(), Error> {
        self.collect_str(&c)
    }

    fn serialize_bool(self, _: bool) -> Result<(), Error> {
        Err(self.wrong("true or false"))
    }

    fn serialize_f32(self, _: f32) -> Result<(), Error> {
        Err(self.wrong("a floating point number"))
    }

    fn serialize_f64(self, _: f64) -> Result<(), Error> {
        Err(self.wrong("a floating point number"))
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Error> {
        Err(self.wrong("bytes"))
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Error> {
        Ok(())
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_seq(self, _: Option<usize>) -> Result<List<'v>, Error> {
        if !self.wanted.list {
            return Err(self.wrong("a list"));
        }
        let at = self.layout.laid.next();
        self.layout.laid.push(self.wanted.field, Tag::List, 0, 0);
        let wanted = Wanted { field: 0, kind: self.wanted.kind, list: false };
        Ok(List { layout: self.layout, wanted, at, items: 0 })
    }

    fn serialize_tuple(self, length: usize) -> Result<List<'v>, Error> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Error> {
        Err(self.wrong("a tuple"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Err(self.wrong("a tuple"))
    }

    #[inline]
    fn serialize_map(self, _: Option<usize>) -> Result<Object<'v>, Error> {
        match self.wanted.kind {
            Kind::Object(shape) if !self.wanted.list => {
                let Self { layout, wanted } = self;
                let at = layout.laid.next();
                layout.laid.push(wanted.field, Tag::Object, 0, 0);
                let next = layout.firsts[usize::from(shape)];
                Ok(Object { layout, shape, at, next })
            }
            _ => Err(self.wrong("an object")),
        }
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Object<'v>, Error> {
        self.serialize_map(Some(length))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        Err(self.wrong("a variant"))
    }
}

struct List<'v> {
    layout: &'v mut Layout,
    wanted: Wanted,
    at: At,
    items: u32,
}

impl ser::SerializeSeq for List<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let before = self.layout.laid.next();
        value.serialize(Layer { layout: self.layout, wanted: self.wanted })?;
        self.items += u32::from(self.layout.laid.next() != before);
        Ok(())
    }

    #[inline]
    fn end(self) -> Result<(), Error> {
        let laid = &mut self.layout.laid;
        if self.items == 0 {
            // An empty list is an absent one.
            laid.entries.pop();
        } else {
            laid.end(self.at, self.items);
        }
        Ok(())
    }
}

impl ser::SerializeTuple for List<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        ser::SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<(), Error> {
        ser::SerializeSeq::end(self)
    }
}

struct Object<'v> {
    layout: &'v mut Layout,
    shape: ShapeId,
    at: At,
    /// Where the next field is expected.
    next: usize,
}

impl Object<'_> {
    /// Finds a field by its name, and expects the next one behind it; `None` for the name of the document's kind.
    fn find(&mut self, name: &str) -> Result<Option<usize>, Error> {
        if self.at == At::ROOT && name == TAG_FIELD {
            return Ok(None);
        }
        let shape = self.layout.shapes.get(self.shape);
        let Some(field) = shape.find(name) else {
            return Err(Error::Type(format!("`{}` has no field `{name}`", shape.name)));
        };
        let at = self.layout.firsts[usize::from(self.shape)] + usize::from(field);
        self.next = at + 1;
        Ok(Some(at))
    }

    #[cold]
    fn find_again(&mut self, name: &'static str) -> Result<Option<Wanted>, Error> {
        let Some(at) = self.find(name)? else { return Ok(None) };
        let known = &mut self.layout.fields[at];
        (known.address, known.length) = (name.as_ptr().addr(), name.len());
        Ok(Some(known.wanted))
    }
}

impl ser::SerializeStruct for Object<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let wanted = match self.layout.fields.get(self.next) {
            Some(known) if known.address == name.as_ptr().addr() && known.length == name.len() => {
                self.next += 1;
                known.wanted
            }
            _ => match self.find_again(name)? {
                Some(wanted) => wanted,
                None => return Ok(()),
            },
        };
        value.serialize(Layer { layout: self.layout, wanted })
    }

    #[inline]
    fn skip_field(&mut self, _: &'static str) -> Result<(), Error> {
        self.next += 1;
        Ok(())
    }

    #[inline]
    fn end(self) -> Result<(), Error> {
        self.layout.laid.end(self.at, 0);
        Ok(())
    }
}

impl ser::SerializeMap for Object<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        match serde_json::to_value(key) {
            Ok(serde_json::Value::String(name)) => self.layout.key = name,
            _ => return Err(Error::Type("a name of a field is no text".to_owned())),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let name = std::mem::take(&mut self.layout.key);
        let found = self.find(&name)?;
        match found.map(|at| self.layout.fields[at].wanted) {
            Some(wanted) => value.serialize(Layer { layout: self.layout, wanted }),
            None => Ok(()),
        }
    }

    fn end(self) -> Result<(), Error> {
        self.layout.laid.end(self.at, 0);
        Ok(())
    }
}
