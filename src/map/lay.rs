//! A typed document laid out as values: a serde serializer guided by the shapes.

use std::fmt::{Display, Write as _};

use serde::ser::{self, Impossible, Serialize, Serializer};

use super::Error;
use super::shape::{Kind, ShapeId, Shapes, TAG_FIELD};
use super::values::{Entry, Values};

/// Lays out a document. The values are cleared first.
pub(super) fn lay<T: Serialize + ?Sized>(
    document: &T,
    shapes: &Shapes,
    values: &mut Values,
) -> Result<(), Error> {
    values.clear();
    let layer = Layer { values, shapes, kind: Kind::Object(0), list: false, root: true };
    let root = document.serialize(layer)?;
    values.root = root;
    Ok(())
}

/// One value, with what it has to be.
struct Layer<'v> {
    values: &'v mut Values,
    shapes: &'v Shapes,
    kind: Kind,
    list: bool,
    root: bool,
}

impl Layer<'_> {
    fn wrong(&self, what: &str) -> Error {
        Error::Type(format!("{what} stands where {} is expected", self.expected()))
    }

    fn expected(&self) -> &'static str {
        match self.kind {
            _ if self.list => "a list",
            Kind::Text | Kind::Date | Kind::Time => "a text",
            Kind::Decimal => "a decimal as text",
            Kind::Integer => "a whole number",
            Kind::Object(_) => "an object",
        }
    }

    fn integer(self, number: i128) -> Result<Option<Entry>, Error> {
        if self.list {
            return Err(self.wrong("a number"));
        }
        match (self.kind, i64::try_from(number)) {
            (Kind::Integer, Ok(number)) => Ok(Some(Entry::whole(number))),
            (Kind::Decimal | Kind::Text, _) => self.collect_str(&number),
            _ => Err(self.wrong("a number")),
        }
    }
}

macro_rules! integers {
    ($($name:ident $type:ty)*) => {
        $(fn $name(self, number: $type) -> Result<Self::Ok, Error> { self.integer(i128::from(number)) })*
    };
}

impl<'v> Serializer for Layer<'v> {
    type Ok = Option<Entry>;
    type Error = Error;
    type SerializeSeq = List<'v>;
    type SerializeTuple = List<'v>;
    type SerializeTupleStruct = Impossible<Self::Ok, Error>;
    type SerializeTupleVariant = Impossible<Self::Ok, Error>;
    type SerializeMap = Object<'v>;
    type SerializeStruct = Object<'v>;
    type SerializeStructVariant = Impossible<Self::Ok, Error>;

    integers! {
        serialize_i8 i8 serialize_i16 i16 serialize_i32 i32 serialize_i64 i64
        serialize_u8 u8 serialize_u16 u16 serialize_u32 u32 serialize_u64 u64
    }

    fn serialize_str(self, text: &str) -> Result<Self::Ok, Error> {
        match self.kind {
            Kind::Integer if !self.list => match text.parse() {
                Ok(number) => Ok(Some(Entry::whole(number))),
                Err(_) => Err(self.wrong("a text")),
            },
            Kind::Object(_) => Err(self.wrong("a text")),
            _ if self.list => Err(self.wrong("a text")),
            _ => Ok(Some(self.values.text(text))),
        }
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<Self::Ok, Error> {
        let start = self.values.arena.len();
        write!(self.values.arena, "{value}").map_err(ser::Error::custom)?;
        if self.list || matches!(self.kind, Kind::Integer | Kind::Object(_)) {
            return Err(self.wrong("a text"));
        }
        Ok(Some(self.values.text_from(start)))
    }

    fn serialize_char(self, c: char) -> Result<Self::Ok, Error> {
        self.collect_str(&c)
    }

    fn serialize_bool(self, _: bool) -> Result<Self::Ok, Error> {
        Err(self.wrong("true or false"))
    }

    fn serialize_f32(self, _: f32) -> Result<Self::Ok, Error> {
        Err(self.wrong("a floating point number"))
    }

    fn serialize_f64(self, _: f64) -> Result<Self::Ok, Error> {
        Err(self.wrong("a floating point number"))
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Self::Ok, Error> {
        Err(self.wrong("bytes"))
    }

    fn serialize_none(self) -> Result<Self::Ok, Error> {
        Ok(None)
    }

    fn serialize_unit(self) -> Result<Self::Ok, Error> {
        Ok(None)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Self::Ok, Error> {
        Ok(None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Self::Ok, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Self::Ok, Error> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Self::Ok, Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<Self::Ok, Error> {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List<'v>, Error> {
        if !self.list {
            return Err(self.wrong("a list"));
        }
        let mark = self.values.mark();
        Ok(List { values: self.values, shapes: self.shapes, kind: self.kind, mark })
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

    fn serialize_map(self, _: Option<usize>) -> Result<Object<'v>, Error> {
        match self.kind {
            Kind::Object(shape) if !self.list => {
                let mark = self.values.mark();
                let Self { values, shapes, root, .. } = self;
                Ok(Object { values, shapes, shape, root, mark, key: String::new() })
            }
            _ => Err(self.wrong("an object")),
        }
    }

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
    values: &'v mut Values,
    shapes: &'v Shapes,
    kind: Kind,
    mark: usize,
}

impl ser::SerializeSeq for List<'_> {
    type Ok = Option<Entry>;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let Self { values, shapes, kind, .. } = self;
        let layer = Layer { values, shapes, kind: *kind, list: false, root: false };
        if let Some(entry) = value.serialize(layer)? {
            self.values.push(0, entry);
        }
        Ok(())
    }

    fn end(self) -> Result<Self::Ok, Error> {
        // An empty list is an absent one.
        Ok((self.values.mark() > self.mark).then(|| self.values.list(self.mark)))
    }
}

impl ser::SerializeTuple for List<'_> {
    type Ok = Option<Entry>;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        ser::SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<Self::Ok, Error> {
        ser::SerializeSeq::end(self)
    }
}

struct Object<'v> {
    values: &'v mut Values,
    shapes: &'v Shapes,
    shape: ShapeId,
    root: bool,
    mark: usize,
    key: String,
}

impl Object<'_> {
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        if self.root && name == TAG_FIELD {
            return Ok(());
        }
        let shape = self.shapes.get(self.shape);
        let Some(field) = shape.find(name) else {
            return Err(Error::Type(format!("`{}` has no field `{name}`", shape.name)));
        };
        let known = &shape.fields[usize::from(field)];
        let layer = Layer {
            values: self.values,
            shapes: self.shapes,
            kind: known.kind,
            list: known.list,
            root: false,
        };
        if let Some(entry) = value.serialize(layer)? {
            self.values.push(field, entry);
        }
        Ok(())
    }
}

impl ser::SerializeStruct for Object<'_> {
    type Ok = Option<Entry>;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.field(name, value)
    }

    fn end(self) -> Result<Self::Ok, Error> {
        Ok(Some(self.values.object(self.mark)))
    }
}

impl ser::SerializeMap for Object<'_> {
    type Ok = Option<Entry>;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        match serde_json::to_value(key) {
            Ok(serde_json::Value::String(name)) => self.key = name,
            _ => return Err(Error::Type("a name of a field is no text".to_owned())),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let name = std::mem::take(&mut self.key);
        let result = self.field(&name, value);
        self.key = name;
        result
    }

    fn end(self) -> Result<Self::Ok, Error> {
        Ok(Some(self.values.object(self.mark)))
    }
}
