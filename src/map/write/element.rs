//! One element: values, composites, ranges, and what was kept of them.

use std::borrow::Cow;

use super::super::form::{Decoded, Form, decode, encode, encode_integer};
use super::super::laid::{At, small};
use super::super::plan::{Counted, Range, Scalar, Slot};
use super::super::ready::is_decimal;
use super::super::stamp::WIDE;
use super::Pass;
use crate::findings::Code;
use crate::x12::{Charset, DelimiterInData};

impl Pass<'_> {
    /// A value; as it was sent, where that is still the same value.
    pub(super) fn value(&mut self, form: Form, entry: At, sent: Option<&str>) {
        if let Some(sent) = sent.map(plain)
            && self.same(form, &sent, entry)
        {
            self.data(sent.as_bytes());
            return;
        }
        self.usual_value(form, entry);
    }

    /// A value in the usual form.
    #[inline]
    pub(super) fn usual_value(&mut self, form: Form, entry: At) {
        let quick = match self.values.wide(entry) {
            Some((wide, length)) => self.quick(form, wide, length),
            None => false,
        };
        if !quick {
            self.any_value(form, entry);
        }
    }

    /// Writes what has nothing unusual about it: false for whatever else it may be.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the innermost loop of writing")]
    fn quick(&mut self, form: Form, wide: &[u8; WIDE], length: usize) -> bool {
        let text = wide.get(..length).unwrap_or_default();
        let (text, min) = match form {
            Form::Text { min } if self.plain => (text, min),
            Form::Code { table, min } => {
                match self.map.tables.get(usize::from(table)).and_then(|table| table.code(text)) {
                    Some(code) => (code, min),
                    None => return false,
                }
            }
            Form::Decimal { min: min @ (0 | 1) } if is_decimal(wide, length) => (text, min),
            _ => return false,
        };
        let fits = text.len() >= usize::from(min);
        if fits {
            self.out.extend_from_slice(text);
        }
        fits
    }

    /// The same for whatever it is.
    #[inline(never)]
    fn any_value(&mut self, form: Form, entry: At) {
        let (map, values) = (self.map, self.values);
        match form {
            Form::Text { min } | Form::Whole { min } => self.text(entry, min),
            Form::Code { table, min } => {
                match map.tables[usize::from(table)].code(values.bytes(entry)) {
                    Some(code) => {
                        self.out.extend_from_slice(code);
                        self.pad(code.len(), min);
                    }
                    None => self.text(entry, min),
                }
            }
            _ => self.number(form, entry),
        }
    }

    /// A number, date or time.
    fn number(&mut self, form: Form, entry: At) {
        if let (Form::Integer { min }, Some(number)) = (form, self.values.number(entry)) {
            encode_integer(number, min, self.out);
            return;
        }
        let start = self.out.len();
        if let Err(why) = encode(form, self.values.bytes(entry), self.out) {
            self.out.truncate(start);
            let text = self.values.text(entry);
            let message = format!("\"{text}\" {why}, as this element needs it.");
            let mend = "Give a value that the element can hold.";
            self.report(Code::NotWritable, message, mend, Some(text), None);
        }
    }

    /// A text of the document.
    fn text(&mut self, entry: At, min: u16) {
        let values = self.values;
        let start = self.out.len();
        if self.plain {
            self.out.extend_from_slice(values.bytes(entry));
        } else {
            self.data(values.bytes(entry));
        }
        self.pad(self.out.len() - start, min);
    }

    /// Blanks up to the least length, of what has so many bytes.
    fn pad(&mut self, length: usize, min: u16) {
        if (1..usize::from(min)).contains(&length) {
            self.out.extend(std::iter::repeat_n(b' ', usize::from(min) - length));
        }
    }

    /// Whether an element as it was sent reads as this value.
    fn same(&self, form: Form, sent: &str, entry: At) -> bool {
        let mut arena = String::new();
        match decode(form, sent.as_bytes(), &self.map.tables, &mut arena).0 {
            Decoded::Same(length) => sent.get(..length) == Some(self.values.text(entry)),
            Decoded::New => arena == self.values.text(entry),
            Decoded::Short(text, length) => {
                text.get(..length) == Some(self.values.text(entry).as_bytes())
            }
            Decoded::Word(word) => {
                self.map.words.get(word as usize).map(AsRef::as_ref)
                    == Some(self.values.text(entry))
            }
            Decoded::Integer(n) => self.values.number(entry) == Some(n),
            Decoded::Blank | Decoded::Bad(_) => false,
        }
    }

    /// The code that a selector asks for. A field that says otherwise cannot be written.
    pub(super) fn fixed(&mut self, code: &[u8], kept: Option<Scalar>, object: At) {
        if let Some(scalar) = kept
            && let Some(entry) = self.values.get(object, scalar.field)
        {
            let start = self.out.len();
            self.value(scalar.form, entry, None);
            if &self.out[start..] != code {
                let text = self.values.text(entry);
                let message = format!(
                    "\"{text}\" stands where the field itself says {}.",
                    String::from_utf8_lossy(code)
                );
                self.report(
                    Code::NotWritable,
                    message,
                    "Leave it out, or use the list instead.",
                    Some(text),
                    None,
                );
            }
            self.out.truncate(start);
        }
        self.out.extend_from_slice(code);
    }

    pub(super) fn count(&mut self, counted: &[Counted], sent: Option<&str>) {
        let counts: Vec<u32> = counted.iter().map(|&c| self.counted(c)).collect();
        let Some(&first) = counts.first() else { return };
        let stated = sent.and_then(|s| s.parse::<u32>().ok());
        match sent {
            Some(sent) if stated.is_some_and(|n| counts.contains(&n)) => self.data(sent.as_bytes()),
            _ => encode_integer(i64::from(first), 1, self.out),
        }
    }

    pub(super) fn composite(
        &mut self,
        parts: &[Slot],
        object: At,
        extra: Option<&str>,
        sent: Option<&str>,
    ) {
        let separator = self.options.style.delimiters.component;
        let start = self.out.len();
        let extra: Vec<&str> = extra.map_or_else(Vec::new, components);
        let sent: Vec<&str> = sent.map_or_else(Vec::new, components);
        let mut last = start;
        for i in 0..parts.len().max(extra.len()) {
            if i > 0 {
                self.out.push(separator);
            }
            let before = self.out.len();
            match parts.get(i) {
                Some(Slot::Value(scalar)) => {
                    if let Some(entry) = self.values.get(object, scalar.field) {
                        self.value(
                            scalar.form,
                            entry,
                            sent.get(i).copied().filter(|s| !s.is_empty()),
                        );
                    }
                }
                Some(Slot::Fixed(code, kept)) => self.fixed(code, *kept, object),
                _ => {}
            }
            if self.out.len() == before {
                self.structured(extra.get(i).copied().unwrap_or(""));
            }
            if self.out.len() > before {
                last = self.out.len();
            }
        }
        self.out.truncate(last);
    }

    /// A list of objects over a range of elements, laid out as it was sent where that still fits.
    pub(super) fn range(&mut self, range: &Range, first: usize, object: At, hint: Option<At>) {
        let Some(list) = self.values.get(object, range.field) else { return };
        let items: Vec<At> = self.values.within(list).collect();
        let step = range.step.len();
        let steps = usize::from(range.length).div_ceil(step);
        if items.len() > steps {
            let message = format!("There are {} entries, and room for {steps}.", items.len());
            self.report(Code::NotWritable, message, "Split the line.", None, None);
        }
        let layout = self.layout(range, first, &items, hint);
        for (k, &item) in items.iter().enumerate().take(steps) {
            let at = layout.as_ref().map_or(k, |l| l[k]) * step;
            for (i, slot) in range.step.iter().enumerate() {
                let Slot::Value(scalar) = slot else { continue };
                let Some(entry) = self.values.get(item, scalar.field) else { continue };
                let index = first + at + i;
                self.position = u16::try_from(index + 1).unwrap_or(u16::MAX);
                let start = self.out.len();
                if at + i >= usize::from(range.length) {
                    self.report(
                        Code::NotWritable,
                        "The last entry has no room.".to_owned(),
                        "Split the line.",
                        None,
                        None,
                    );
                    continue;
                }
                let sent = self.text_of(hint, index);
                self.value(scalar.form, entry, sent);
                self.cell(index, start);
            }
        }
    }

    /// The same, one after the other; gives the last position that was written.
    pub(super) fn plain_range(
        &mut self,
        range: &Range,
        first: u16,
        list: At,
        separator: u8,
    ) -> u16 {
        let values = self.values;
        let step = u16::try_from(range.step.len()).unwrap_or(u16::MAX);
        let mut last = first;
        for (k, item) in values.within(list).enumerate() {
            // Past any room long before this is too much for the number.
            let from = u16::try_from(k).map_or(u16::MAX, |k| k.saturating_mul(step));
            for (i, slot) in (0..step).zip(&range.step) {
                let Slot::Value(scalar) = slot else { continue };
                let Some(entry) = values.get(item, scalar.field) else { continue };
                let at = from.saturating_add(i);
                self.position = first.saturating_add(at);
                if at >= range.length {
                    let room = range.length / step;
                    let message = format!("There are more entries than the {room} that have room.");
                    self.report(Code::NotWritable, message, "Split the line.", None, None);
                    return last;
                }
                let before = self.out.len();
                for _ in last..self.position {
                    self.out.push(separator);
                }
                let (position, start) = (self.position, self.out.len());
                self.usual_value(scalar.form, entry);
                if self.out.len() == start {
                    self.out.truncate(before);
                } else {
                    last = position;
                }
            }
        }
        last
    }

    /// Which step each item stands in, where the hint has gaps and all that it has is still so.
    fn layout(
        &self,
        range: &Range,
        first: usize,
        items: &[At],
        hint: Option<At>,
    ) -> Option<Vec<usize>> {
        let hint = hint?;
        let step = range.step.len();
        let steps = usize::from(range.length).div_ceil(step);
        let text = |s: usize, i: usize| self.text_of(Some(hint), first + s * step + i);
        let used: Vec<usize> =
            (0..steps).filter(|&s| (0..step).any(|i| text(s, i).is_some())).collect();
        if used.len() != items.len() {
            return None;
        }
        let fits = used.iter().zip(items).all(|(&s, &item)| {
            range.step.iter().enumerate().all(|(i, slot)| match (slot, text(s, i)) {
                (Slot::Value(scalar), Some(sent)) => self
                    .values
                    .get(item, scalar.field)
                    .is_some_and(|entry| self.same(scalar.form, &plain(sent), entry)),
                _ => true,
            })
        });
        fits.then_some(used)
    }

    /// Text as data: in the character set, with delimiters refused or replaced.
    pub(super) fn data(&mut self, text: &[u8]) {
        if !text.iter().any(|&b| self.special.has(b)) {
            self.out.extend_from_slice(text);
            return;
        }
        let text = std::str::from_utf8(text).unwrap_or_default();
        let style = self.options.style;
        let mut buffer = [0; 4];
        for c in text.chars() {
            let bytes: &[u8] = match style.charset {
                Charset::Utf8 => c.encode_utf8(&mut buffer).as_bytes(),
                Charset::Latin1 => {
                    if let Ok(byte) = u8::try_from(u32::from(c)) {
                        buffer[0] = byte;
                        &buffer[..1]
                    } else {
                        let message = format!("\"{c}\" is no character of Latin-1.");
                        self.report(
                            Code::NotEncodable,
                            message,
                            "Write it otherwise, or agree on UTF-8.",
                            Some(text),
                            None,
                        );
                        b"?"
                    }
                }
            };
            let holds = bytes.iter().any(|&b| style.delimiters.contains(b));
            match style.delimiter_in_data {
                _ if !holds => self.out.extend_from_slice(bytes),
                DelimiterInData::Replace(byte) => self.out.push(byte),
                DelimiterInData::Refuse => {
                    let message = format!(
                        "\"{c}\" is a delimiter of the interchange and stands in the data."
                    );
                    self.report(
                        Code::DelimiterInData,
                        message,
                        "Leave it out, or choose another delimiter.",
                        Some(text),
                        None,
                    );
                    self.out.push(b' ');
                }
            }
        }
    }

    /// A kept text, with our separators as those of the interchange.
    pub(super) fn structured(&mut self, text: &str) {
        if !text.contains(['>', '^', '\\']) {
            self.data(text.as_bytes());
            return;
        }
        let delimiters = self.options.style.delimiters;
        let mut chars = text.chars();
        let mut buffer = [0; 4];
        while let Some(c) = chars.next() {
            match c {
                '>' => self.out.push(delimiters.component),
                '^' => {
                    if let Some(repetition) = delimiters.repetition {
                        self.out.push(repetition);
                    } else {
                        let message =
                            "The interchange has no separator for repeated elements.".to_owned();
                        self.report(
                            Code::NotWritable,
                            message,
                            "Set a repetition separator.",
                            Some(text),
                            None,
                        );
                    }
                }
                '\\' => {
                    if let Some(c) = chars.next() {
                        self.data(c.encode_utf8(&mut buffer).as_bytes());
                    }
                }
                c => self.data(c.encode_utf8(&mut buffer).as_bytes()),
            }
        }
    }

    pub(super) fn counted(&self, counted: Counted) -> u32 {
        let root = At::ROOT;
        let of =
            |field: u16| self.values.get(root, field).map_or(0, |list| self.values.items(list));
        match counted {
            Counted::Rows => self.rows,
            Counted::Place(local) if self.map.levels.as_ref().is_some_and(|l| l.local == local) => {
                self.levels
            }
            Counted::Place(local) => {
                let block = self.plan(self.map.root);
                let fields = block.place_of.iter().enumerate().filter(|(_, p)| **p == local);
                let held: u32 = fields
                    .filter_map(|(f, _)| Some((f, u16::try_from(f).ok()?)))
                    .map(|(f, field)| {
                        let list = self.map.shapes.get(block.shape).fields[f].list;
                        if list {
                            of(field)
                        } else {
                            u32::from(self.values.get(root, field).is_some())
                        }
                    })
                    .sum();
                held + small(self.kept_at(block, root, usize::from(local)))
            }
        }
    }
}

/// A kept text without its escapes.
fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    plain.into()
}

/// The components of a kept text, escapes and all.
fn components(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '>' => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}
