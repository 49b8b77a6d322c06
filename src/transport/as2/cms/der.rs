//! Writing DER (X.690): tag, shortest length, content.

/// A value of these contents, one after another.
pub(super) fn tlv(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let length = contents.iter().map(|content| content.len()).sum();
    let mut bytes = Vec::with_capacity(length + 6);
    head(tag, length, &mut bytes);
    for content in contents {
        bytes.extend_from_slice(content);
    }
    bytes
}

fn head(tag: u8, length: usize, bytes: &mut Vec<u8>) {
    bytes.push(tag);
    let digits = length.to_be_bytes();
    let digits = &digits[digits.iter().take_while(|digit| **digit == 0).count()..];
    match digits {
        [] => bytes.push(0),
        [digit @ 0..=0x7f] => bytes.push(*digit),
        digits => {
            bytes.push(0x80 | u8::try_from(digits.len()).expect("at most eight"));
            bytes.extend_from_slice(digits);
        }
    }
}

/// A value around the innermost one: its tag, and what stands before and after in it.
pub(super) struct Layer {
    pub tag: u8,
    pub before: Vec<u8>,
    pub after: Vec<u8>,
}

impl Layer {
    pub(super) fn of(tag: u8, before: &[&[u8]]) -> Self {
        Self { tag, before: before.concat(), after: Vec::new() }
    }
}

/// Writes a large string once, within its layers, the outermost first.
pub(super) fn nest(layers: &[Layer], tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(content.len() + 16 * layers.len() + 1024);
    open(layers, tag, content, &mut bytes);
    for layer in layers.iter().rev() {
        bytes.extend_from_slice(&layer.after);
    }
    bytes
}

fn open(layers: &[Layer], tag: u8, content: &[u8], bytes: &mut Vec<u8>) {
    let lengths = (0..=layers.len()).map(|from| length(&layers[from..], tag, content.len()));
    for (layer, length) in layers.iter().zip(lengths) {
        head(layer.tag, length, bytes);
        bytes.extend_from_slice(&layer.before);
    }
    head(tag, content.len(), bytes);
    bytes.extend_from_slice(content);
}

/// The length of what the first layer holds.
fn length(layers: &[Layer], tag: u8, content: usize) -> usize {
    let Some((first, inner)) = layers.split_first() else { return content };
    let inner_tag = inner.first().map_or(tag, |layer| layer.tag);
    let inner = length(inner, tag, content);
    let mut own = Vec::new();
    head(inner_tag, inner, &mut own);
    first.before.len() + own.len() + inner + first.after.len()
}

/// SET OF, its values in their order (X.690, 11.6).
pub(super) fn set_of(tag: u8, mut values: Vec<Vec<u8>>) -> Vec<u8> {
    values.sort();
    let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    tlv(tag, &values)
}
