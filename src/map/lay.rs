//! A typed document laid out as values, field by field.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::laid::{Laid, Tag, small};
use super::plain;
use super::shape::FieldId;
use crate::canonical::{Document, Noun, TimeOfDay, Value, Visitor};

impl Laid {
    /// Lays out a document in place of the one before.
    pub(super) fn lay(&mut self, document: &Document) {
        self.clear();
        document.visit(self);
        self.finish();
    }
}

impl Visitor for Laid {
    fn text(&mut self, field: FieldId, text: &str) {
        self.push_text(field, text.as_bytes());
    }

    fn integer(&mut self, field: FieldId, number: i64) {
        self.push_integer(field, number);
    }

    fn decimal(&mut self, field: FieldId, number: &Decimal) {
        let (buffer, start) = plain::decimal(number);
        self.push_text(field, &buffer[start..]);
    }

    fn date(&mut self, field: FieldId, date: Date) {
        match plain::date(date) {
            Some(text) => self.push_text(field, &text),
            None => self.push_text(field, date.to_string().as_bytes()),
        }
    }

    fn time(&mut self, field: FieldId, time: TimeOfDay) {
        match plain::time(time) {
            Some(text) => self.push_text(field, &text),
            None => self.push_text(field, time.to_string().as_bytes()),
        }
    }

    #[inline]
    fn object<T: Noun>(&mut self, field: FieldId, object: &T) {
        let at = self.next();
        self.push(field, Tag::Object, 0, 0);
        object.visit(self);
        self.end(at, 0);
    }

    #[inline]
    fn list<T: Value>(&mut self, field: FieldId, items: &[T]) {
        let at = self.next();
        self.push(field, Tag::List, 0, 0);
        for item in items {
            item.visit(0, self);
        }
        self.end(at, small(items.len()));
    }
}
