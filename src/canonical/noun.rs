//! How the nouns are declared: one macro, so that every document and part behaves alike.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::TimeOfDay;

/// A document or a part of one: something that has fields.
pub(crate) trait Noun {
    /// Gives the fields that are not absent, in their order.
    fn visit<V: Visitor>(&self, to: &mut V);
}

/// Takes fields. Each has a number: its place among the fields that its noun may have, from 0, which is that in its
/// JSON Schema, too.
pub(crate) trait Visitor {
    fn text(&mut self, field: u16, text: &str);
    fn integer(&mut self, field: u16, number: i64);
    fn decimal(&mut self, field: u16, number: &Decimal);
    fn date(&mut self, field: u16, date: Date);
    fn time(&mut self, field: u16, time: TimeOfDay);
    fn object<T: Noun>(&mut self, field: u16, object: &T);
    /// A list that is not empty.
    fn list<T: Value>(&mut self, field: u16, items: &[T]);
}

/// A field of a noun.
pub(crate) trait Field {
    /// Whether it is left out: an absent value, an empty list, an empty text.
    fn is_absent(&self) -> bool;

    /// Gives it, unless it is absent.
    fn visit<V: Visitor>(&self, field: u16, to: &mut V);
}

impl<T: Value> Field for Option<T> {
    #[inline]
    fn is_absent(&self) -> bool {
        self.is_none()
    }

    #[inline]
    fn visit<V: Visitor>(&self, field: u16, to: &mut V) {
        if let Some(value) = self {
            value.visit(field, to);
        }
    }
}

impl<T: Value> Field for Vec<T> {
    #[inline]
    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    #[inline]
    fn visit<V: Visitor>(&self, field: u16, to: &mut V) {
        if !self.is_empty() {
            to.list(field, self);
        }
    }
}

impl Field for String {
    #[inline]
    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    #[inline]
    fn visit<V: Visitor>(&self, field: u16, to: &mut V) {
        if !self.is_empty() {
            to.text(field, self);
        }
    }
}

/// What a field may hold once, and a list many times.
pub(crate) trait Value {
    /// Gives it as a field; as an item of a list, where the number says nothing.
    fn visit<V: Visitor>(&self, field: u16, to: &mut V);
}

/// Values, and what a visitor takes them as.
macro_rules! values {
    ($($type:ty: |$value:ident| $method:ident $given:expr;)*) => {
        $(
            impl Value for $type {
                #[inline]
                fn visit<V: Visitor>(&self, field: u16, to: &mut V) {
                    let $value = self;
                    to.$method(field, $given);
                }
            }
        )*
    };
}
values! {
    String: |text| text text;
    i64: |number| integer *number;
    u32: |number| integer i64::from(*number);
    Decimal: |number| decimal number;
    Date: |date| date *date;
    TimeOfDay: |time| time *time;
}

impl<T: Noun> Value for T {
    #[inline]
    fn visit<V: Visitor>(&self, field: u16, to: &mut V) {
        to.object(field, self);
    }
}

impl<T: Noun> Noun for Box<T> {
    #[inline]
    fn visit<V: Visitor>(&self, to: &mut V) {
        (**self).visit(to);
    }
}

/// Declares structs whose fields may all be absent, and refuse names that they do not have.
macro_rules! nouns {
    ($($(#[$about:meta])* struct $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$about])*
            #[derive(
                Debug, Clone, Default, PartialEq, Eq,
                serde::Serialize, serde::Deserialize, schemars::JsonSchema,
            )]
            #[serde(default, deny_unknown_fields)]
            pub struct $name {
                $(
                    $(#[$field_about])*
                    #[serde(skip_serializing_if = "crate::canonical::noun::Field::is_absent")]
                    pub $field: $type,
                )*
            }

            impl crate::canonical::noun::Noun for $name {
                fn visit<V: crate::canonical::noun::Visitor>(&self, to: &mut V) {
                    let mut number = 0;
                    $(
                        crate::canonical::noun::Field::visit(&self.$field, number, to);
                        number += 1;
                    )*
                    let _ = number;
                }
            }
        )*
    };
}
pub(crate) use nouns;
