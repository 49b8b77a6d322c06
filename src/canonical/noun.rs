//! How the nouns are declared: one macro, so that every document and part behaves alike.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;
use serde::ser::SerializeStruct;

use super::plain::Plain;

/// A field of a noun.
pub(crate) trait Field {
    /// Whether it is left out of JSON and XML: an absent value, an empty list, an empty text.
    fn is_absent(&self) -> bool;

    /// Writes it under its name.
    fn write<S: SerializeStruct>(&self, name: &'static str, out: &mut S) -> Result<(), S::Error>;
}

impl<T: Value> Field for Option<T> {
    #[inline]
    fn is_absent(&self) -> bool {
        self.is_none()
    }

    #[inline]
    fn write<S: SerializeStruct>(&self, name: &'static str, out: &mut S) -> Result<(), S::Error> {
        T::write(self.as_ref(), name, out)
    }
}

impl<T: Serialize> Field for Vec<T> {
    #[inline]
    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    #[inline]
    fn write<S: SerializeStruct>(&self, name: &'static str, out: &mut S) -> Result<(), S::Error> {
        out.serialize_field(name, self)
    }
}

impl Field for String {
    #[inline]
    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    #[inline]
    fn write<S: SerializeStruct>(&self, name: &'static str, out: &mut S) -> Result<(), S::Error> {
        out.serialize_field(name, self)
    }
}

/// What a field may hold once.
pub(crate) trait Value: Serialize + Sized {
    /// Writes a field that holds it.
    #[inline]
    fn write<S: SerializeStruct>(
        value: Option<&Self>,
        name: &'static str,
        out: &mut S,
    ) -> Result<(), S::Error> {
        out.serialize_field(name, &value)
    }
}

impl Value for String {}
impl Value for i64 {}
impl Value for u32 {}
impl<T: Serialize> Value for Box<T> {}

/// Those that have a quicker way to their text than `Display`.
macro_rules! plain {
    ($($type:ty)*) => {
        $(
            impl Value for $type {
                #[inline]
                fn write<S: SerializeStruct>(
                    value: Option<&Self>,
                    name: &'static str,
                    out: &mut S,
                ) -> Result<(), S::Error> {
                    out.serialize_field(name, &value.copied().map(Plain))
                }
            }
        )*
    };
}
plain! { Decimal Date }

/// Declares structs whose fields may all be absent, and refuse names that they do not have.
macro_rules! nouns {
    ($($(#[$about:meta])* struct $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$about])*
            #[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
            #[serde(default, deny_unknown_fields)]
            pub struct $name {
                $(
                    $(#[$field_about])*
                    #[serde(skip_serializing_if = "crate::canonical::noun::Field::is_absent")]
                    pub $field: $type,
                )*
            }

            impl crate::canonical::noun::Value for $name {}

            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    use crate::canonical::noun::Field;
                    use serde::ser::SerializeStruct;
                    let mut present = 0;
                    $(present += usize::from(!Field::is_absent(&self.$field));)*
                    let mut fields = serializer.serialize_struct(stringify!($name), present)?;
                    $(
                        if Field::is_absent(&self.$field) {
                            fields.skip_field(stringify!($field))?;
                        } else {
                            Field::write(&self.$field, stringify!($field), &mut fields)?;
                        }
                    )*
                    fields.end()
                }
            }
        )*
    };
}
pub(crate) use nouns;
