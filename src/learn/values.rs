//! What is kept of the values of an element.

use std::collections::BTreeMap;

use crate::x12::Delimiters;

/// Different values that are kept of an element: what has more is no list.
const VALUES_MAX: usize = 24;
/// Bytes of a value that is kept: more than any code, as many as a short name.
const VALUE_BYTES_MAX: usize = 40;

/// Counters of an element.
#[derive(Debug, Clone, Default)]
pub(super) struct Element {
    /// Segments in which it has a value.
    pub present: u64,
    /// Length of the shortest and the longest value in characters, blanks at the end aside.
    pub lengths: Option<(u32, u32)>,
    /// Whether a value is something else than a number as it is counted: with a letter, or zeros before it.
    pub is_name: bool,
    /// Values with how often they were met.
    pub values: BTreeMap<Box<str>, u64>,
    /// Whether there were values that are not kept.
    pub more: bool,
    /// Of a composite, its components: index 0 is component 1.
    pub components: Vec<Element>,
}

impl Element {
    /// Takes an element of a segment as it stands there.
    pub fn take(&mut self, whole: &[u8], repetition: Option<u8>) {
        let parts = whole.split(|&b| Some(b) == repetition).map(<[u8]>::trim_ascii_end);
        let mut any = false;
        for part in parts.filter(|part| !part.is_empty()) {
            any = true;
            self.value(part);
        }
        self.present += u64::from(any);
    }

    /// Takes a composite as it stands in a segment. A component counts as there if no repetition lacks it.
    pub fn take_composite(&mut self, whole: &[u8], delimiters: Delimiters, count: usize) {
        let repetitions = whole.split(|&b| Some(b) == delimiters.repetition);
        let repetitions: Vec<&[u8]> =
            repetitions.filter(|part| !part.trim_ascii_end().is_empty()).collect();
        if repetitions.is_empty() {
            return;
        }
        self.present += 1;
        self.components.resize_with(count, Self::default);
        for (at, component) in self.components.iter_mut().enumerate() {
            let values = repetitions
                .iter()
                .filter_map(|part| part.split(|&b| b == delimiters.component).nth(at))
                .map(<[u8]>::trim_ascii_end)
                .filter(|value| !value.is_empty());
            let mut there = 0;
            for value in values {
                there += 1;
                component.value(value);
            }
            component.present += u64::from(there == repetitions.len());
        }
    }

    fn value(&mut self, value: &[u8]) {
        let text = crate::x12::decode(value);
        let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        let (least, most) = self.lengths.unwrap_or((length, length));
        self.lengths = Some((least.min(length), most.max(length)));
        let zero_led = value.len() > 1 && value.starts_with(b"0");
        self.is_name |= zero_led || !value.iter().all(u8::is_ascii_digit);
        if let Some(count) = self.values.get_mut(text.as_ref()) {
            *count += 1;
        } else if self.values.len() < VALUES_MAX && value.len() <= VALUE_BYTES_MAX {
            self.values.insert(text.into(), 1);
        } else {
            self.more = true;
        }
    }

    /// All values, where they were kept and a rule can name each of them.
    pub fn codes(&self) -> Option<Vec<&str>> {
        if self.more || self.values.is_empty() {
            return None;
        }
        self.values.keys().map(|value| super::paths::said_code(value.as_bytes())).collect()
    }

    /// How many different values there are at least.
    pub fn different(&self) -> usize {
        self.values.len() + usize::from(self.more)
    }
}
