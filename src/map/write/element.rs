//! One element: values, composites, ranges, and what was kept of them.

use std::borrow::Cow;

use super::super::form::{Decoded, Form, decode, encode, encode_integer};
use super::super::plan::{Counted, Range, Scalar, Slot};
use super::super::values::{Entry, Tag, small};
use super::Pass;
use crate::findings::Code;
use crate::x12::{Charset, DelimiterInData};

impl Pass<'_> {
    /// A value; as it was sent, where that is still the same value.
    pub(super) fn value(&mut self, form: Form, entry: Entry, sent: Option<&str>) {
        if let Some(sent) = sent.map(plain)
            && self.same(form, &sent, entry)
        {
            self.data(&sent);
            return;
        }
        let text = self.str(entry);
        let start = self.scratch.len();
        match form {
            Form::Text { min } => {
                self.data(text);
                self.pad(start, min);
            }
            Form::Code { table, min } => {
                let map = self.map;
                match map.tables[usize::from(table)].code(text) {
                    Some(code) => self.scratch.extend_from_slice(code),
                    None => self.data(text),
                }
                self.pad(start, min);
            }
            Form::Integer { min } if entry.tag == Tag::Integer => {
                encode_integer(entry.number(), min, self.scratch);
            }
            _ => {
                if let Err(why) = encode(form, text, self.scratch) {
                    self.scratch.truncate(start);
                    let message = format!("\"{text}\" {why}, as this element needs it.");
                    self.report(
                        Code::NotWritable,
                        message,
                        "Give a value that the element can hold.",
                        Some(text),
                        None,
                    );
                }
            }
        }
    }

    /// Blanks up to the least length.
    fn pad(&mut self, start: usize, min: u16) {
        let length = self.scratch.len() - start;
        if length > 0 {
            let blanks = usize::from(min).saturating_sub(length);
            self.scratch.extend(std::iter::repeat_n(b' ', blanks));
        }
    }

    /// Whether an element as it was sent reads as this value.
    fn same(&self, form: Form, sent: &str, entry: Entry) -> bool {
        let mut arena = String::new();
        match decode(form, sent.as_bytes(), &self.map.tables, &mut arena).0 {
            Decoded::Same(length) => sent.get(..length) == Some(self.str(entry)),
            Decoded::New => arena == self.str(entry),
            Decoded::Short(text, length) => text.get(..length) == Some(self.str(entry).as_bytes()),
            Decoded::Word(word) => {
                self.map.words.get(word as usize).map(AsRef::as_ref) == Some(self.str(entry))
            }
            Decoded::Integer(n) => entry.tag == Tag::Integer && entry.number() == n,
            Decoded::Blank | Decoded::Bad(_) => false,
        }
    }

    /// The code that a selector asks for. A field that says otherwise cannot be written.
    pub(super) fn fixed(&mut self, code: &[u8], kept: Option<Scalar>, object: Entry) {
        if let Some(scalar) = kept
            && let Some(entry) = self.values.get(object, scalar.field)
        {
            let start = self.scratch.len();
            self.value(scalar.form, entry, None);
            if &self.scratch[start..] != code {
                let text = self.str(entry);
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
            self.scratch.truncate(start);
        }
        self.scratch.extend_from_slice(code);
    }

    pub(super) fn count(&mut self, counted: &[Counted], sent: Option<&str>) {
        let counts: Vec<u32> = counted.iter().map(|&c| self.counted(c)).collect();
        let Some(&first) = counts.first() else { return };
        let stated = sent.and_then(|s| s.parse::<u32>().ok());
        match sent {
            Some(sent) if stated.is_some_and(|n| counts.contains(&n)) => self.data(sent),
            _ => encode_integer(i64::from(first), 1, self.scratch),
        }
    }

    pub(super) fn composite(
        &mut self,
        parts: &[Slot],
        object: Entry,
        extra: Option<&str>,
        sent: Option<&str>,
    ) {
        let separator = self.options.style.delimiters.component;
        let start = self.scratch.len();
        let extra: Vec<&str> = extra.map_or_else(Vec::new, components);
        let sent: Vec<&str> = sent.map_or_else(Vec::new, components);
        let mut last = start;
        for i in 0..parts.len().max(extra.len()) {
            if i > 0 {
                self.scratch.push(separator);
            }
            let before = self.scratch.len();
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
            if self.scratch.len() == before {
                self.structured(extra.get(i).copied().unwrap_or(""));
            }
            if self.scratch.len() > before {
                last = self.scratch.len();
            }
        }
        self.scratch.truncate(last);
    }

    /// A list of objects over a range of elements, laid out as it was sent where that still fits.
    pub(super) fn range(
        &mut self,
        range: &Range,
        first: usize,
        object: Entry,
        hint: Option<Entry>,
    ) {
        let Some(list) = self.values.get(object, range.field) else { return };
        let items = self.values.within(list);
        let step = range.step.len();
        let steps = usize::from(range.length).div_ceil(step);
        if items.len() > steps {
            let message = format!("There are {} entries, and room for {steps}.", items.len());
            self.report(Code::NotWritable, message, "Split the line.", None, None);
        }
        let layout = self.layout(range, first, items, hint);
        for (k, &item) in items.iter().enumerate().take(steps) {
            let at = layout.as_ref().map_or(k, |l| l[k]) * step;
            for (i, slot) in range.step.iter().enumerate() {
                let Slot::Value(scalar) = slot else { continue };
                let Some(entry) = self.values.get(item, scalar.field) else { continue };
                let index = first + at + i;
                self.position = u16::try_from(index + 1).unwrap_or(u16::MAX);
                let start = self.scratch.len();
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
        first: usize,
        object: Entry,
        separator: u8,
    ) -> usize {
        let values = self.values;
        let Some(list) = values.get(object, range.field) else { return first };
        let step = range.step.len();
        let room = usize::from(range.length);
        let mut last = first + 1;
        for (k, &item) in values.within(list).iter().enumerate() {
            for (i, slot) in range.step.iter().enumerate() {
                let Slot::Value(scalar) = slot else { continue };
                let Some(entry) = values.get(item, scalar.field) else { continue };
                let at = k * step + i;
                self.position = u16::try_from(first + at + 1).unwrap_or(u16::MAX);
                if at >= room {
                    let message =
                        format!("There are more entries than the {} that have room.", room / step);
                    self.report(Code::NotWritable, message, "Split the line.", None, None);
                    return last;
                }
                let before = self.scratch.len();
                self.scratch.extend(std::iter::repeat_n(separator, first + at + 1 - last));
                let start = self.scratch.len();
                self.value(scalar.form, entry, None);
                if self.scratch.len() == start {
                    self.scratch.truncate(before);
                } else {
                    last = first + at + 1;
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
        items: &[Entry],
        hint: Option<Entry>,
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
    pub(super) fn data(&mut self, text: &str) {
        if !text.bytes().any(|b| self.special[usize::from(b)]) {
            self.scratch.extend_from_slice(text.as_bytes());
            return;
        }
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
                _ if !holds => self.scratch.extend_from_slice(bytes),
                DelimiterInData::Replace(byte) => self.scratch.push(byte),
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
                    self.scratch.push(b' ');
                }
            }
        }
    }

    /// A kept text, with our separators as those of the interchange.
    pub(super) fn structured(&mut self, text: &str) {
        if !text.contains(['>', '^', '\\']) {
            self.data(text);
            return;
        }
        let delimiters = self.options.style.delimiters;
        let mut chars = text.chars();
        let mut buffer = [0; 4];
        while let Some(c) = chars.next() {
            match c {
                '>' => self.scratch.push(delimiters.component),
                '^' => {
                    if let Some(repetition) = delimiters.repetition {
                        self.scratch.push(repetition);
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
                        self.data(c.encode_utf8(&mut buffer));
                    }
                }
                c => self.data(c.encode_utf8(&mut buffer)),
            }
        }
    }

    pub(super) fn counted(&self, counted: Counted) -> u32 {
        let Some(root) = self.values.root else { return 0 };
        let of = |field: u16| self.values.get(root, field).map_or(0, |list| list.b);
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
